//! The roles of pipelines. Owns what each may do: no more than what it needs, and nothing on everything but what takes no
//! resource.

use serde_json::{Value as Json, json};

use super::stages::Machines;
use super::{Line, bucket};
use crate::generated::names;
use crate::generated::template::Template;
use crate::rules::read::Read as _;

/// Adds the roles of a component's pipeline.
pub(super) fn add(line: &Line<'_, '_, '_>, machines: &Machines, template: &mut Template) {
    let label = &line.label;
    let connection = template.stored(
        "Connection",
        "String",
        "/cellc/connection",
        "The connection to the host of repositories, by its ARN",
    );
    let projects = [names::project(label, "build"), names::project(label, "deploy")];
    let mut pipeline = vec![connect(&connection), run(&projects.iter().map(String::as_str).collect::<Vec<_>>())];
    pipeline.extend(artifacts(&["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]));
    let machines: Vec<&str> = machines.iter().flatten().map(String::as_str).collect();
    if !machines.is_empty() {
        pipeline.extend(executions(&machines, line));
        watcher(line, template);
    }
    role(template, "PipelineRole", (label, "pipeline"), "codepipeline", &pipeline);
    let mut build = vec![logs(&names::project(label, "build"))];
    build.extend(artifacts(&["s3:GetObject", "s3:GetObjectVersion"]));
    build.extend(artifact(line, template));
    role(template, "BuildRole", (label, "build"), "codebuild", &build);
    let acts =
        template.stored("Role", "String", "/cellc/role", "The role by which cellc acts, in the management account");
    let mut deploy = vec![
        logs(&names::project(label, "deploy")),
        logs(&names::project(label, "back")),
        allow(&["sts:AssumeRole"], &acts),
    ];
    deploy.extend(artifacts(&["s3:GetObject", "s3:GetObjectVersion"]));
    deploy.extend(image());
    role(template, "DeployRole", (label, "deploy"), "codebuild", &deploy);
}

/// The role of the state machines: they look, and start what takes a release back.
fn watcher(line: &Line<'_, '_, '_>, template: &mut Template) {
    let arn = |service: &str, what: &str| json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{what}") });
    let back = names::project(&line.label, "back");
    let statements = [
        allow(&["lambda:InvokeFunction"], &super::bake::observe()),
        allow(
            &["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            &arn("codebuild", &format!("project/{back}")),
        ),
        // By this rule Step Functions learns that a build has ended:
        // https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
        allow(
            &["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            &arn("events", "rule/StepFunctionsGetEventForCodeBuildStartBuildRule"),
        ),
    ];
    role(template, "WatchRole", (&line.label, "watch"), "states", &statements);
}

fn executions(machines: &[&str], line: &Line<'_, '_, '_>) -> [Json; 2] {
    let arns: Vec<Json> = machines.iter().map(|machine| json!({ "Ref": machine })).collect();
    let names = line.course.waves.iter().filter(|wave| !wave.follows).map(|wave| {
        let name = names::machine(&line.label, &wave.label);
        let arn = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution";
        json!({ "Fn::Sub": format!("{arn}:{name}:*") })
    });
    [
        allow(&["states:DescribeStateMachine", "states:StartExecution"], &json!(arns)),
        allow(&["states:DescribeExecution"], &json!(names.collect::<Vec<_>>())),
    ]
}

/// Where the component's artifact is put.
fn artifact(line: &Line<'_, '_, '_>, template: &Template) -> Vec<Json> {
    let world = line.ground.world;
    let Some(artifact) = world.block(line.id, "artifact") else { return Vec::new() };
    let text = |name: &str| artifact.text(name).map(ToString::to_string).unwrap_or_default();
    if artifact.spec.name != "ecr" {
        let arn = format!("arn:${{AWS::Partition}}:s3:::{}/{}", text("bucket"), text("key"));
        return vec![allow(&["s3:GetObject", "s3:PutObject"], &json!({ "Fn::Sub": arn }))];
    }
    let account = artifact.entity_at("account").map(|id| template.account(&line.ground.owner(id)));
    let arn = format!("arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:${{Account}}:repository/{}", text("repository"));
    let push = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    ];
    vec![token(), allow(&push, &json!({ "Fn::Sub": [arn, { "Account": account }] }))]
}

/// The action takes no resource.
fn token() -> Json {
    allow(&["ecr:GetAuthorizationToken"], &json!("*"))
}

/// To pull the image that has `cellc`, when it is in this account's repository of that name.
pub(super) fn image() -> [Json; 2] {
    let arn = "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/cellc";
    let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    [token(), allow(&pull, &json!({ "Fn::Sub": arn }))]
}

/// To use a connection to a host of repositories, under both names that its service has had.
pub(super) fn connect(connection: &Json) -> Json {
    allow(&["codeconnections:UseConnection", "codestar-connections:UseConnection"], connection)
}

/// To run projects.
pub(super) fn run(projects: &[&str]) -> Json {
    let arn = |name: &&str| {
        let project = "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project";
        json!({ "Fn::Sub": format!("{project}/{name}") })
    };
    let projects: Vec<Json> = projects.iter().map(arn).collect();
    allow(&["codebuild:BatchGetBuilds", "codebuild:StartBuild"], &json!(projects))
}

/// To use the bucket for what pipelines hand on.
pub(super) fn artifacts(objects: &[&str]) -> [Json; 2] {
    let name = bucket();
    let arn = |below: &str| json!({ "Fn::Sub": [format!("arn:${{AWS::Partition}}:s3:::${{Bucket}}{below}"), { "Bucket": name }] });
    [
        allow(objects, &arn("/*")),
        allow(&["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"], &arn("")),
    ]
}

/// To write the log of a project.
pub(super) fn logs(project: &str) -> Json {
    let group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/codebuild";
    let groups = ["", ":*"].map(|below| json!({ "Fn::Sub": format!("{group}/{project}{below}") }));
    allow(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], &json!(groups))
}

/// A statement.
pub(super) fn allow(actions: &[&str], resource: &Json) -> Json {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// Adds a role that a service of AWS takes for this account.
pub(super) fn role(
    template: &mut Template,
    id: &str,
    (label, what): (&str, &str),
    service: &str,
    statements: &[Json],
) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "Service": format!("{service}.amazonaws.com") },
        }],
    });
    let name = if label.is_empty() { format!("cellc-{what}") } else { names::role(label, what) };
    let properties = json!({
        "RoleName": name,
        "AssumeRolePolicyDocument": trust,
        "Policies": [{
            "PolicyName": "own", "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        }],
    });
    template.add(id, "AWS::IAM::Role", properties);
}
