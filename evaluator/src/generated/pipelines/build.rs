//! The projects of CodeBuild. Owns what runs in them: a component's own build target, and the commands of `cellc` that bring a
//! release to a cell and take it back.

use serde_json::{Value as Json, json};

use super::Line;
use crate::generated::names;
use crate::generated::template::Template;
use crate::rollout::OnAlarm;
use crate::rules::read::Read as _;
use crate::value::BlockValue;

/// The image in which components are built, unless the stack is given another: one that AWS keeps, with Docker.
const BUILD_IMAGE: &str = "aws/codebuild/amazonlinux-x86_64-standard:5.0";
/// Lets `cellc` take its role in the management account; its own session may do nothing but that.
pub(super) const PROFILE: &str = "mkdir -p ~/.aws && printf '[profile cellc]\\nrole_arn = %s\\ncredential_source = EcsContainer\\n' \
                       \"$ROLE_ARN\" > ~/.aws/config";
/// Brings the release to a cell.
pub(in crate::generated) const DEPLOY: &str = "AWS_PROFILE=cellc cellc rollout deploy \"$COMPONENT\" \"$CELL_VERSION\" --cell \"$CELL\" --digest \"$CELL_DIGEST\" --run \"$RUN\" \"$PROGRAM\"";
/// Takes it back from every cell that has it.
pub(in crate::generated) const BACK: &str =
    "AWS_PROFILE=cellc cellc rollout abort \"$COMPONENT\" --run \"$RUN\" \"$PROGRAM\"";

/// Adds the projects of a component.
pub(super) fn add(line: &Line<'_, '_, '_>, template: &mut Template) {
    build(line, template);
    let world = line.ground.world;
    let component = world.address(line.id);
    // Where a cell cannot take the release and the wave tolerates no more, `cellc` ends with a status other than 0.
    let deploy = match line.course.on_alarm {
        OnAlarm::Rollback => format!("{DEPLOY} || {{ status=$?; {BACK}; exit \"$status\"; }}"),
        OnAlarm::Stop => DEPLOY.to_owned(),
    };
    let commands = [("Deploy", "deploy", deploy.as_str()), ("Back", "back", BACK)];
    for (id, what, command) in commands {
        let name = names::project(&line.label, what);
        let source = if id == "Deploy" { "CODEPIPELINE" } else { "S3" };
        let specification = specification(&[&PROFILE, &command], &[], None);
        let mut properties = cellc(template, &name, "DeployRole", source, &specification);
        properties["Description"] = json!(format!("{component}: {what}"));
        if let Some(Json::Array(variables)) = properties["Environment"].get_mut("EnvironmentVariables") {
            variables.push(variable("COMPONENT", &json!(component)));
        }
        template.add(&format!("{id}Project"), "AWS::CodeBuild::Project", properties);
    }
}

/// The properties of a project that runs `cellc` on the program.
pub(super) fn cellc(template: &mut Template, name: &str, role: &str, source: &str, specification: &str) -> Json {
    let image = template.stored("Image", "String", "/cellc/image", "An image that has cellc, git and make");
    let acts =
        template.stored("Role", "String", "/cellc/role", "The role by which cellc acts, in the management account");
    let path = template.text("Program", ".", "Where the program is in its repository");
    let mut properties = json!({
        "Name": name,
        "ServiceRole": { "Fn::GetAtt": [role, "Arn"] },
        "TimeoutInMinutes": 480,
        "Environment": {
            "Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": image,
            "ImagePullCredentialsType": "SERVICE_ROLE",
            "EnvironmentVariables": [variable("ROLE_ARN", &acts), variable("PROGRAM", &path)],
        },
        "Source": { "Type": source, "BuildSpec": specification },
        "Artifacts": { "Type": if source == "CODEPIPELINE" { source } else { "NO_ARTIFACTS" } },
    });
    if source == "S3" {
        let program = "cellc-artifacts-${AWS::AccountId}-${AWS::Region}/program.zip";
        properties["Source"]["Location"] = json!({ "Fn::Sub": program });
    }
    properties
}

pub(super) fn variable(name: &str, value: &Json) -> Json {
    json!({ "Name": name, "Value": value })
}

/// What a project runs: commands one after another, variables that it hands on, and a file that it hands on.
pub(super) fn specification(commands: &[&dyn AsRef<str>], exported: &[&str], file: Option<&str>) -> String {
    let commands: Vec<&str> = commands.iter().map(|command| (*command).as_ref()).collect();
    let mut all = json!({
        "version": 0.2, "env": { "shell": "bash" }, "phases": { "build": { "commands": commands } },
    });
    if !exported.is_empty() {
        all["env"]["exported-variables"] = json!(exported);
    }
    if let Some(file) = file {
        all["artifacts"] = json!({ "files": [file] });
    }
    all.sort_all_objects();
    all.to_string()
}

/// The project that builds a component.
fn build(line: &Line<'_, '_, '_>, template: &mut Template) {
    let world = line.ground.world;
    let target = world.str_field(line.id, "build").unwrap_or_default();
    let mut variables = vec![variable("BUILD", &json!(target))];
    let mut commands = vec!["export CELL_VERSION=\"$CODEBUILD_RESOLVED_SOURCE_VERSION\"".to_owned()];
    let digest = match world.block(line.id, "artifact") {
        Some(artifact) => stored(line, artifact, template, &mut variables, &mut commands),
        None => "$CELL_VERSION".to_owned(),
    };
    commands.push("make \"$BUILD\"".to_owned());
    commands.push(format!("export CELL_DIGEST=\"{digest}\""));
    let commands: Vec<&dyn AsRef<str>> = commands.iter().map(|command| command as &dyn AsRef<str>).collect();
    let properties = json!({
        "Name": names::project(&line.label, "build"),
        "Description": format!("{}: build", world.address(line.id)),
        "ServiceRole": { "Fn::GetAtt": ["BuildRole", "Arn"] },
        "TimeoutInMinutes": 60,
        "Environment": {
            "Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_MEDIUM", "PrivilegedMode": true,
            "Image": template.text("BuildImage", BUILD_IMAGE, "The image in which the component is built"),
            "EnvironmentVariables": variables,
        },
        "Source": {
            "Type": "CODEPIPELINE", "BuildSpec": specification(&commands, &["CELL_VERSION", "CELL_DIGEST"], None),
        },
        "Artifacts": { "Type": "CODEPIPELINE" },
    });
    template.add("BuildProject", "AWS::CodeBuild::Project", properties);
}

/// Says where an artifact goes; returns what reads its digest when it is there.
fn stored(
    line: &Line<'_, '_, '_>,
    artifact: &BlockValue,
    template: &Template,
    variables: &mut Vec<Json>,
    commands: &mut Vec<String>,
) -> String {
    let text = |name: &str| artifact.text(name).map(ToString::to_string).unwrap_or_default();
    if artifact.spec.name != "ecr" {
        variables.push(variable("CELL_BUCKET", &json!(text("bucket"))));
        variables.push(variable("CELL_KEY", &json!(text("key"))));
        // The version that the bucket gives what was put there: it has to keep versions.
        let read = "aws s3api head-object --bucket \\\"$CELL_BUCKET\\\" --key \\\"$CELL_KEY\\\" --query VersionId --output text";
        return format!("$({})", read.replace("\\\"", "\""));
    }
    let account = artifact.entity_at("account").map(|id| template.account(&line.ground.owner(id)));
    let account = account.unwrap_or(Json::Null);
    let registry = json!({ "Fn::Sub": [
        "${Account}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}", { "Account": account },
    ] });
    variables.push(variable("REGISTRY", &registry));
    variables.push(variable("REGISTRY_ID", &account));
    variables.push(variable("REPOSITORY", &json!(text("repository"))));
    commands.push("export CELL_IMAGE=\"$REGISTRY/$REPOSITORY:$CELL_VERSION\"".to_owned());
    commands
        .push("aws ecr get-login-password | docker login --username AWS --password-stdin \"$REGISTRY\"".to_owned());
    "$(aws ecr describe-images --registry-id \"$REGISTRY_ID\" --repository-name \"$REPOSITORY\" \
     --image-ids imageTag=\"$CELL_VERSION\" --query 'imageDetails[0].imageDigest' --output text)"
        .to_owned()
}
