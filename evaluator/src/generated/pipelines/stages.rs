//! The stages of a component's pipeline in CodePipeline. Owns the form of its actions and the limits of a pipeline; which step
//! comes when is [`super::steps`]'s.

use serde_json::{Value as Json, json};

use super::steps::{self, Stage, Step};
use super::{Line, bucket};
use crate::generated::template::Template;
use crate::generated::{LeftOut, names};
use crate::limits;

/// What CodePipeline puts the id of the execution in place of.
const RUN: &str = "#{codepipeline.PipelineExecutionId}";

/// The state machines of a component's waves: the logical id of each, none of a wave that only follows.
pub(super) type Machines = Vec<Option<String>>;

/// All stages.
pub(super) fn of(
    line: &Line<'_, '_, '_>,
    machines: &Machines,
    template: &mut Template,
) -> Result<Vec<Json>, LeftOut> {
    let mut stages = vec![source(line, template), build()];
    for stage in steps::stages(line.course) {
        stages.push(of_wave(line, machines, &stage)?);
    }
    let most = limits::PIPELINE_STAGES.most;
    if stages.len() > most {
        let why = format!("its pipeline has {} stages; CodePipeline takes {most}", stages.len());
        return Err(line.refused(why, "let more cells of a wave go at a time (`parallel`), or make fewer waves"));
    }
    Ok(stages)
}

/// The id by which a source's host knows a repository: the path of its address.
pub(super) fn repository(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        // `git@host:owner/name.git`
        None => url.split_once(':').map_or(url, |(_, path)| path),
    };
    path.trim_matches('/').trim_end_matches(".git")
}

fn source(line: &Line<'_, '_, '_>, template: &mut Template) -> Json {
    let world = line.ground.world;
    let url = world.str_field(line.id, "repo").unwrap_or_default();
    let connection = template.stored(
        "Connection",
        "String",
        "/cellc/connection",
        "The connection to the host of repositories, by its ARN",
    );
    let id = template.text("Repository", repository(url), "The repository, by its host's id for it");
    let branch = template.text("Branch", "main", "The branch whose commits are released");
    json!({ "Name": "Source", "Actions": [
        {
            "Name": "Source", "RunOrder": 1, "Namespace": "Source",
            "ActionTypeId": kind("Source", "CodeStarSourceConnection"),
            "OutputArtifacts": [{ "Name": "source" }],
            "Configuration": { "ConnectionArn": connection, "FullRepositoryId": id, "BranchName": branch },
        },
        {
            // The program as it was applied last; a new one by itself releases nothing.
            "Name": "Program", "RunOrder": 1,
            "ActionTypeId": kind("Source", "S3"),
            "OutputArtifacts": [{ "Name": "program" }],
            "Configuration": { "S3Bucket": bucket(), "S3ObjectKey": super::meta::PROGRAM, "PollForSourceChanges": "false" },
        },
    ] })
}

fn build() -> Json {
    json!({ "Name": "Build", "Actions": [{
        "Name": "Build", "RunOrder": 1, "Namespace": "Build",
        "ActionTypeId": kind("Build", "CodeBuild"),
        "InputArtifacts": [{ "Name": "source" }],
        "Configuration": { "ProjectName": { "Ref": "BuildProject" } },
    }] })
}

fn of_wave(line: &Line<'_, '_, '_>, machines: &Machines, stage: &Stage) -> Result<Json, LeftOut> {
    let wave = line.course.waves.get(stage.wave);
    let (label, follows) = wave.map_or(("", false), |wave| (wave.label.as_str(), wave.follows));
    let kind = if follows { "Follow" } else { "Wave" };
    let part = if stage.part > 1 { format!("-{}", stage.part) } else { String::new() };
    let machine = machines.get(stage.wave).and_then(Option::as_deref);
    let mut actions = Vec::new();
    for (at, step) in stage.steps.iter().enumerate() {
        match step {
            Step::Approve => actions.push(approve(line, label, at + 1)),
            Step::Gate { count } => actions
                .extend(machine.map(|machine| watch(line, stage.wave, machine, (at + 1, *count), super::bake::GATE))),
            Step::Bake { one_box, count } => {
                let phase = if *one_box { super::bake::ONE_BOX } else { super::bake::BAKE };
                actions.extend(machine.map(|machine| watch(line, stage.wave, machine, (at + 1, *count), phase)));
            }
            Step::Deploy { first, count } => {
                let cells = line.course.waves.iter().flat_map(|wave| &wave.cells).skip(*first).take(*count);
                for cell in cells {
                    actions.push(deploy(line, cell, at + 1)?);
                }
            }
        }
    }
    Ok(json!({ "Name": names::bounded(&format!("{kind}-{label}{part}"), 100, "-_.@"), "Actions": actions }))
}

fn approve(line: &Line<'_, '_, '_>, wave: &str, order: usize) -> Json {
    let asked = super::owner(line).map(|owner| format!(" It is {owner}'s.")).unwrap_or_default();
    let said = format!("{} #{{Build.CELL_VERSION}} is about to go to the wave {wave}.{asked}", line.course.of);
    json!({
        "Name": "Approve", "RunOrder": order, "ActionTypeId": kind("Approval", "Manual"),
        "Configuration": { "CustomData": said },
    })
}

fn watch(line: &Line<'_, '_, '_>, wave: usize, machine: &str, (order, count): (usize, usize), phase: &str) -> Json {
    let name = match phase {
        super::bake::GATE => format!("Gate-{order}"),
        super::bake::ONE_BOX => "Bake-one-box".to_owned(),
        _ => "Bake".to_owned(),
    };
    let wave = line.course.waves.get(wave);
    let seconds = wave.map_or(0, |wave| wave.bakes(phase == super::bake::ONE_BOX).as_secs());
    let count = line.course.watched(count);
    let mut input = json!({ "phase": phase, "count": count, "seconds": seconds, "run": RUN });
    input.sort_all_objects();
    json!({
        "Name": name, "RunOrder": order, "ActionTypeId": kind("Invoke", "StepFunctions"),
        "Configuration": {
            "StateMachineArn": { "Ref": machine }, "InputType": "Literal", "Input": input.to_string(),
        },
    })
}

fn deploy(line: &Line<'_, '_, '_>, cell: &str, order: usize) -> Result<Json, LeftOut> {
    let variable = |name: &str, value: &str| json!({ "name": name, "value": value, "type": "PLAINTEXT" });
    let mut variables = json!([
        variable("CELL", cell),
        variable("CELL_VERSION", "#{Build.CELL_VERSION}"),
        variable("CELL_DIGEST", "#{Build.CELL_DIGEST}"),
        variable("RUN", RUN),
    ]);
    variables.sort_all_objects();
    let variables = variables.to_string();
    if variables.len() > limits::ACTION_SETTING.most {
        let why = format!("the action of {cell} says more than {}", limits::ACTION_SETTING.what);
        return Err(line.refused(why, "give the cell, or the modules around it, a shorter label"));
    }
    // Only the label stands in a name; two cells of one label are told apart by their modules.
    let name = cell.replacen("cell.", "", 1);
    Ok(json!({
        "Name": names::bounded(&name, 100, "-_.@"), "RunOrder": order,
        "ActionTypeId": kind("Build", "CodeBuild"),
        "InputArtifacts": [{ "Name": "program" }],
        "Configuration": { "ProjectName": { "Ref": "DeployProject" }, "EnvironmentVariables": variables },
    }))
}

/// The type of an action of AWS.
pub(super) fn kind(category: &str, provider: &str) -> Json {
    json!({ "Category": category, "Owner": "AWS", "Provider": provider, "Version": "1" })
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn a_repository_is_known_by_its_path() {
        for (url, id) in [
            ("https://github.com/acme/cache", "acme/cache"),
            ("https://git.acme.example/team/sub/cache.git", "team/sub/cache"),
            ("ssh://git@git.acme.example/acme/cache.git", "acme/cache"),
            ("git@github.com:acme/cache.git", "acme/cache"),
            ("https://git.acme.example/cache", "cache"),
        ] {
            assert_eq!(repository(url), id, "{url}");
        }
    }
}
