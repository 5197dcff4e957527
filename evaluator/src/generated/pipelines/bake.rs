//! Bakes as state machines of Step Functions: one for each wave. Owns how the rules of [`crate::rollout::step`] are said in the
//! Amazon States Language, with JSONata.
//!
//! The machine has no clock and asks no alarm itself: its task `Look` runs the function `cellc-observe` (`observe.py`), whose
//! answer is an event of `step`: an instant, what the alarms say, and the requests served. All decisions are in the states.
//! INVARIANT: fed the same answers, it ends as `step` does: it passes where `step` says that the wave has baked, and stops where
//! `step` trips, for the same reason. A test runs both.

use serde_json::{Map, Value as Json, json};

use super::Line;
use super::stages::Machines;
use crate::generated::template::Template;
use crate::generated::{LeftOut, Owner, metrics, names};
use crate::limits;
use crate::resources::naming;
use crate::rollout::step::LOOK;
use crate::rollout::window::Window;
use crate::rollout::{OnAlarm, Wave};

/// The phase in which the next cells of a wave wait for the window, while those that have the release are looked at.
pub(in crate::generated) const GATE: &str = "gate";
/// The phase in which a wave's one box is watched.
pub(in crate::generated) const ONE_BOX: &str = "one_box";
/// The phase in which a wave is watched.
pub(in crate::generated) const BAKE: &str = "bake";
/// An execution has at most 25,000 events, and a look is nine. After so many looks they come more seldom, so that they last for
/// longer than the seven days that CodePipeline waits for an execution.
const OFTEN: u32 = 1_000;
/// The seconds between two looks then.
const SELDOM: u32 = 360;
/// The longest bake that an action of CodePipeline waits for, in days.
const MOST_DAYS: i64 = 7;

/// Adds the state machines of all waves that are watched or have to wait.
pub(super) fn add(line: &Line<'_, '_, '_>, template: &mut Template) -> Result<Machines, LeftOut> {
    let mut machines = Vec::new();
    let mut before = 0;
    for wave in &line.course.waves {
        if wave.follows {
            machines.push(None);
            continue;
        }
        before += wave.cells.len();
        let id = format!("Bake{}", names::logical(&wave.label));
        let (definition, accounts) = definition(line, wave, before)?;
        let mut substitutions = Map::new();
        for (name, owner) in accounts {
            substitutions.insert(name, template.account(&owner));
        }
        substitutions.insert("Observe".to_owned(), observe());
        substitutions.insert("Back".to_owned(), json!({ "Ref": "BackProject" }));
        let used = |name: &String| definition.contains(&format!("${{{name}}}"));
        substitutions.retain(|name, _| used(name));
        let mut properties = json!({
            "StateMachineName": names::machine(&line.label, &wave.label),
            "RoleArn": { "Fn::GetAtt": ["WatchRole", "Arn"] },
            "DefinitionString": definition,
        });
        if !substitutions.is_empty() {
            properties["DefinitionSubstitutions"] = Json::Object(substitutions);
        }
        template.add(&id, "AWS::StepFunctions::StateMachine", properties);
        machines.push(Some(id));
    }
    Ok(machines)
}

/// The function that looks.
pub(super) fn observe() -> Json {
    json!({ "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:cellc-observe" })
}

/// A definition, and the accounts that stand in it as `${name}`.
type Defined = (String, Vec<(String, Owner)>);

/// The machine of a wave, to whose end so many cells of the course have the release.
fn definition(line: &Line<'_, '_, '_>, wave: &Wave, count: usize) -> Result<Defined, LeftOut> {
    if wave.bake.as_hours() >= MOST_DAYS * 24 {
        let why =
            format!("wave {} bakes for {} days or more, and CodePipeline waits for no longer", wave.label, MOST_DAYS);
        return Err(line.refused(why, "bake for less, or divide the wave"));
    }
    let (payload, accounts) = payload(line, wave, count)?;
    if payload.to_string().len() > limits::STATE_PAYLOAD.most {
        let why = format!("wave {} hands more than {} to its looks", wave.label, limits::STATE_PAYLOAD.what);
        return Err(line.refused(why, "let the component go to fewer cells by `only`, or divide it"));
    }
    let machine = machine(wave, line.course.window.as_ref(), line.course.on_alarm, &payload).to_string();
    if machine.len() > limits::MACHINE_DEFINITION.most {
        let why = format!("wave {} needs more than {}", wave.label, limits::MACHINE_DEFINITION.what);
        return Err(line.refused(why, "let the component go to fewer cells by `only`, or divide it"));
    }
    Ok((machine, accounts))
}

/// What every look is told, and the accounts that stand in it.
fn payload(line: &Line<'_, '_, '_>, wave: &Wave, count: usize) -> Result<(Json, Vec<(String, Owner)>), LeftOut> {
    let (ground, world) = (line.ground, line.ground.world);
    let mut accounts: Vec<(String, Owner)> = Vec::new();
    let mut cells = Vec::new();
    for address in line.course.waves.iter().filter(|wave| !wave.follows).flat_map(|wave| &wave.cells).take(count) {
        let cell = world.find(address).and_then(|id| ground.fleet.cell(id));
        let Some(cell) = cell else { continue };
        let place = ground.alarms_of(cell)?;
        let account = match &place.owner {
            Owner::Id(id) => id.clone(),
            Owner::Of(address) => {
                let name = names::logical(address);
                if !accounts.iter().any(|(own, _)| *own == name) {
                    accounts.push((name.clone(), place.owner.clone()));
                }
                format!("${{{name}}}")
            }
        };
        cells.push(json!({
            "address": address, "name": ground.label(cell.id), "value": world.name(cell.id),
            "account": account, "region": place.region,
        }));
    }
    let alarms = wave.alarms.iter().filter_map(|address| {
        let id = world.find(address)?;
        Some(json!({ "address": address, "label": naming::qualified(world, id).as_str() }))
    });
    let mut payload = json!({
        "cells": cells, "alarms": alarms.collect::<Vec<_>>(), "dimension": metrics::dimension(world),
    });
    if let Some(requests) = metrics::requests(world, &wave.alarms).filter(|_| wave.min_requests.is_some()) {
        payload["requests"] = json!({
            "namespace": requests.namespace, "metric": requests.metric, "statistic": requests.statistic,
        });
        let before =
            line.course.waves.iter().filter(|wave| !wave.follows).take_while(|other| other.label != wave.label);
        payload["first"] = json!(before.map(|wave| wave.cells.len()).sum::<usize>());
    }
    if let Some(Window { days, from, to, zone }) = &line.course.window {
        payload["window"] = json!({ "days": days, "from": from, "to": to, "zone": zone });
    }
    Ok((payload, accounts))
}

/// The machine. Its input is `{phase, count, seconds, run}`: what is watched, of how many cells, for how long at least, and the execution
/// of the pipeline; and `since`, in milliseconds, when it did not begin just now.
pub(in crate::generated) fn machine(wave: &Wave, window: Option<&Window>, on_alarm: OnAlarm, payload: &Json) -> Json {
    let mut states = if wave.is_watched() || window.is_some() { watched(wave, payload) } else { timed() };
    if let (Some(states), true) = (states.as_object_mut(), wave.is_watched()) {
        states.extend(stopped(on_alarm));
    }
    let mut machine = json!({
        "Comment": format!("The bake of wave {}", wave.label),
        "QueryLanguage": "JSONata", "StartAt": "Begin", "States": states,
    });
    machine.sort_all_objects();
    machine
}

/// Nothing is looked at: time alone decides.
fn timed() -> Json {
    json!({
        "Begin": { "Type": "Wait", "Seconds": "{% $states.input.seconds %}", "Next": "Passed" },
        "Passed": { "Type": "Succeed" },
    })
}

fn watched(wave: &Wave, payload: &Json) -> Json {
    let look = LOOK.as_secs();
    // One that takes the place of one that was lost is told since when.
    let start =
        "($exists($states.input.since) ? $states.input.since : $toMillis($states.context.Execution.StartTime))";
    // The first look is when `step` has its own: a minute on, or at the end of a shorter bake.
    let first = format!("{{% $min([{look}, $states.input.seconds]) %}}");
    json!({
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "phase": "{% $states.input.phase %}",
                "count": "{% $states.input.count %}",
                "run": "{% $exists($states.input.run) ? $states.input.run : '' %}",
                "since": format!("{{% {start} %}}"),
                "until": format!("{{% {start} + $states.input.seconds * 1000 %}}"),
                "looks": 0,
                "wait": first,
            },
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [{ "Condition": format!("{{% $phase = '{GATE}' %}}"), "Next": "Look" }],
            "Default": "Wait",
        },
        "Wait": {
            "Type": "Wait", "Seconds": "{% $wait %}", "Next": "Look",
            // Told to who reads the execution.
            "Output": { "waited": "{% $wait %}" },
        },
        "Look": task(payload),
        "Decide": { "Type": "Choice", "Choices": choices(wave), "Default": "Passed" },
        "Passed": { "Type": "Succeed" },
    })
}

/// The look, and what is remembered of it.
fn task(payload: &Json) -> Json {
    let mut payload = payload.clone();
    payload["count"] = json!("{% $count %}");
    payload["since"] = json!("{% $since %}");
    let said = "$states.result.Payload";
    let pause = format!("($looks < {OFTEN} ? {} : {SELDOM})", LOOK.as_secs());
    // Until the window opens or the bake may be over, but for no longer than until the next look.
    let next = format!(
        "( $end := $phase = '{GATE}' ? {said}.opens : $until; \
         $end > {said}.at ? $min([{pause}, $ceil(($end - {said}.at) / 1000)]) : {pause} )"
    );
    json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": { "FunctionName": "${Observe}", "Payload": payload },
        "Assign": {
            "at": format!("{{% {said}.at %}}"),
            "opens": format!("{{% {said}.opens %}}"),
            "requests": format!("{{% {said}.requests %}}"),
            "alarm": format!("{{% {said}.alarm %}}"),
            "noData": format!("{{% {said}.no_data %}}"),
            "looks": "{% $looks + 1 %}",
            "wait": format!("{{% {next} %}}"),
        },
        // What cannot be seen is tried again, for an hour; then it stops, for nobody knows.
        "Retry": [{
            "ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxDelaySeconds": 300, "MaxAttempts": 16,
        }],
        "Next": "Decide",
    })
}

/// The decisions, the first that holds.
fn choices(wave: &Wave) -> Vec<Json> {
    let choice = |condition: &str, next: &str| json!({ "Condition": format!("{{% {condition} %}}"), "Next": next });
    let mut choices = Vec::new();
    if wave.is_watched() {
        choices.push(choice("$alarm != null", "Alarm"));
    }
    choices.push(choice(&format!("$phase = '{GATE}' and $at >= $opens"), "Passed"));
    choices.push(choice(&format!("$phase = '{GATE}' or $at < $until"), "Wait"));
    if let Some(least) = wave.min_requests {
        choices.push(choice(&format!("$requests < {least}"), "Wait"));
    }
    if wave.is_watched() {
        // No data is no pass.
        choices.push(choice("$noData != null", "NoData"));
    }
    choices
}

/// What an alarm does, and one without data.
fn stopped(on_alarm: OnAlarm) -> Map<String, Json> {
    let assign = |kind: &str, variable: &str| {
        let said = match kind {
            "Alarm" => " went off in ",
            _ => " has no data in ",
        };
        json!({
            "error": kind,
            "cause": format!("{{% ${variable}.alarm & '{said}' & ${variable}.cell %}}"),
        })
    };
    let next = if on_alarm == OnAlarm::Rollback { "GoBack" } else { "Stopped" };
    let mut states = Map::new();
    for (name, variable) in [("Alarm", "alarm"), ("NoData", "noData")] {
        let state = json!({ "Type": "Pass", "Assign": assign(name, variable), "Next": next });
        states.insert(name.to_owned(), state);
    }
    states.insert("Stopped".to_owned(), json!({ "Type": "Fail", "Error": "{% $error %}", "Cause": "{% $cause %}" }));
    if on_alarm == OnAlarm::Rollback {
        let stuck = json!({ "Type": "Fail", "Error": "Stuck", "Cause": "{% $cause & '; not every cell could be brought back' %}" });
        states.insert("Stuck".to_owned(), stuck);
        let back = json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::codebuild:startBuild.sync",
            "Arguments": {
                "ProjectName": "${Back}",
                "EnvironmentVariablesOverride": [{ "Name": "RUN", "Type": "PLAINTEXT", "Value": "{% $run %}" }],
            },
            "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Stuck" }],
            "Next": "Stopped",
        });
        states.insert("GoBack".to_owned(), back);
    }
    states
}
