//! The pipeline that runs `cellc` itself, and what all pipelines share: the bucket, and the function that looks at alarms. Owns
//! the order plan, approval, apply: what is applied is the plan that was approved.

use serde_json::{Value as Json, json};

use super::roles::{self, allow, role};
use super::stages::kind;
use super::{OBSERVER_ROLE, bucket, build};
use crate::generated::template::Template;

/// The program as it was applied last, in the bucket.
pub(super) const PROGRAM: &str = "program.zip";
/// The pipeline: no label has a `_`, so that no component has a pipeline of this name.
const NAME: &str = "cellc_program";
/// The function that looks at alarms.
const OBSERVE: &str = include_str!("observe.py");
/// Adds all of it.
pub(super) fn add(template: &mut Template) {
    storage(template);
    observer(template);
    projects(template);
    pipeline(template);
}

fn storage(template: &mut Template) {
    let properties = json!({
        "BucketName": bucket(),
        // A source of a pipeline is a version of an object.
        "VersioningConfiguration": { "Status": "Enabled" },
        "BucketEncryption": { "ServerSideEncryptionConfiguration": [
            { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } },
        ] },
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
        },
        "LifecycleConfiguration": { "Rules": [
            { "Id": "former", "Status": "Enabled", "NoncurrentVersionExpiration": { "NoncurrentDays": 90 } },
        ] },
    });
    template.keep("Artifacts", "AWS::S3::Bucket", properties);
    let everything = json!([
        { "Fn::GetAtt": ["Artifacts", "Arn"] },
        { "Fn::Sub": ["${Arn}/*", { "Arn": { "Fn::GetAtt": ["Artifacts", "Arn"] } }] },
    ]);
    let policy = json!({
        "Bucket": { "Ref": "Artifacts" },
        "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
            "Sid": "OnlyEncryptedWays", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything,
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }] },
    });
    template.add("ArtifactsPolicy", "AWS::S3::BucketPolicy", policy);
}

fn observer(template: &mut Template) {
    let group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/cellc-observe:*";
    let mut look = allow(
        &["sts:AssumeRole"],
        &json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:iam::*:role/{OBSERVER_ROLE}") }),
    );
    // Of accounts of this organization only.
    look["Condition"] = json!({ "StringEquals": { "aws:ResourceOrgID": "${aws:PrincipalOrgID}" } });
    let logs = allow(&["logs:CreateLogStream", "logs:PutLogEvents"], &json!({ "Fn::Sub": group }));
    role(template, "ObserveRole", ("", "observe"), "lambda", &[look, logs]);
    let logs = json!({ "LogGroupName": "/aws/lambda/cellc-observe", "RetentionInDays": 90 });
    template.add("ObserveLogs", "AWS::Logs::LogGroup", logs);
    let properties = json!({
        "FunctionName": "cellc-observe",
        "Description": "What the alarms of cells say, for the bakes of pipelines",
        "Runtime": "python3.13", "Handler": "index.handler", "Timeout": 300, "MemorySize": 512,
        "Role": { "Fn::GetAtt": ["ObserveRole", "Arn"] },
        "Code": { "ZipFile": OBSERVE },
        "Environment": { "Variables": { "PARTITION": { "Ref": "AWS::Partition" }, "ROLE": OBSERVER_ROLE } },
    });
    template.add("Observe", "AWS::Lambda::Function", properties);
    template.after("Observe", &["ObserveLogs"]);
}

fn projects(template: &mut Template) {
    let plan = "AWS_PROFILE=cellc cellc plan --out main.cellplan \"$PROGRAM\"";
    let specification = build::specification(&[&build::PROFILE, &plan], &[], Some("main.cellplan"));
    let properties = build::cellc(template, "cellc-plan", "PlanRole", "CODEPIPELINE", &specification);
    template.add("PlanProject", "AWS::CodeBuild::Project", properties);
    // The approval is the stage's before: what was read there is what runs here, to the byte, or is refused as stale.
    let apply = "AWS_PROFILE=cellc cellc apply --plan \"$CODEBUILD_SRC_DIR_plan/main.cellplan\" --yes";
    let publish = "zip --quiet --recurse-paths program.zip . && aws s3 cp program.zip \"s3://$BUCKET/program.zip\"";
    let specification = build::specification(&[&build::PROFILE, &apply, &publish], &[], None);
    let mut properties = build::cellc(template, "cellc-apply", "ApplyRole", "CODEPIPELINE", &specification);
    if let Some(Json::Array(variables)) = properties["Environment"].get_mut("EnvironmentVariables") {
        variables.push(build::variable("BUCKET", &json!({ "Ref": "Artifacts" })));
    }
    template.add("ApplyProject", "AWS::CodeBuild::Project", properties);
    let acts =
        template.stored("Role", "String", "/cellc/role", "The role by which cellc acts, in the management account");
    for (id, what, objects) in [
        ("PlanRole", "plan", &["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"][..]),
        ("ApplyRole", "apply", &["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"][..]),
    ] {
        let mut statements = vec![roles::logs(&format!("cellc-{what}")), allow(&["sts:AssumeRole"], &acts)];
        statements.extend(roles::artifacts(objects));
        statements.extend(roles::image());
        role(template, id, ("", what), "codebuild", &statements);
    }
}

fn pipeline(template: &mut Template) {
    let connection = template.stored(
        "Connection",
        "String",
        "/cellc/connection",
        "The connection to the host of repositories, by its ARN",
    );
    let repository = template.stored(
        "Repository",
        "String",
        "/cellc/repository",
        "The program's repository, by its host's id for it",
    );
    let branch = template.text("Branch", "main", "The branch whose commits are applied");
    let mut statements = vec![roles::connect(&connection), roles::run(&["cellc-plan", "cellc-apply"])];
    statements.extend(roles::artifacts(&["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]));
    role(template, "PipelineRole", ("", "pipeline"), "codepipeline", &statements);
    let source = json!({
        "Name": "Source", "RunOrder": 1, "ActionTypeId": kind("Source", "CodeStarSourceConnection"),
        "OutputArtifacts": [{ "Name": "program" }],
        "Configuration": { "ConnectionArn": connection, "FullRepositoryId": repository, "BranchName": branch },
    });
    let plan = json!({
        "Name": "Plan", "RunOrder": 1, "ActionTypeId": kind("Build", "CodeBuild"),
        "InputArtifacts": [{ "Name": "program" }], "OutputArtifacts": [{ "Name": "plan" }],
        "Configuration": { "ProjectName": { "Ref": "PlanProject" } },
    });
    let approve = json!({
        "Name": "Approve", "RunOrder": 1, "ActionTypeId": kind("Approval", "Manual"),
        "Configuration": { "CustomData": "The plan stands in the log of the stage before. What is approved is run as it is." },
    });
    let apply = json!({
        "Name": "Apply", "RunOrder": 1, "ActionTypeId": kind("Build", "CodeBuild"),
        "InputArtifacts": [{ "Name": "program" }, { "Name": "plan" }],
        "Configuration": { "ProjectName": { "Ref": "ApplyProject" }, "PrimarySource": "program" },
    });
    let stages = [("Source", source), ("Plan", plan), ("Approve", approve), ("Apply", apply)];
    let stages: Vec<Json> =
        stages.into_iter().map(|(name, action)| json!({ "Name": name, "Actions": [action] })).collect();
    let properties = json!({
        "Name": NAME, "PipelineType": "V2",
        // One that is applied is seen to its end before the next one begins.
        "ExecutionMode": "QUEUED",
        "RoleArn": { "Fn::GetAtt": ["PipelineRole", "Arn"] },
        "ArtifactStore": { "Type": "S3", "Location": { "Ref": "Artifacts" } },
        "Stages": stages,
    });
    template.add("Pipeline", "AWS::CodePipeline::Pipeline", properties);
}
