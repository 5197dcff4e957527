//! Courses of programs.

use std::collections::BTreeSet;

use crate::rollout::text::passed_by;
use crate::rollout::{OnAlarm, courses, drained};
use crate::rules::tests::expanded;

const PROGRAM: &str = r#"
org acme { management_account = "100000000001" }
group ops {}
ou dev { name = "dev" }
cell d { kind = "dev", region = "us-west-2", account_id = "111111111111", expires = 2027-01-31, track = "latest" }
cell e { kind = "dev", region = "us-west-2", account_id = "111111111112", expires = 2027-01-31 }
cell a { kind = "alpha", region = "us-west-2", account_id = "222222222222" }
cell p { kind = "prod", region = "us-west-2", account_id = "333333333333", owner = group.ops }
cell q { kind = "prod", region = "us-west-2", account_id = "444444444444", owner = group.ops }
alarm errors { namespace = "api", metric = "Errors", above = 5, over = 5m }
alarm slow { namespace = "api", metric = "Slow", above = 5, over = 5m }
rollout steady {
  alarms = [alarm.errors]
  on_alarm = "stop"
  window { days = ["mon", "tue"], from = 09:00, to = 16:00, zone = "Europe/Berlin" }
  wave first { on = cells where .kind == "alpha", bake = 12h, min_requests = 100 }
  wave prod { on = cells where .kind == "prod", bake = 2h, one_box = true, parallel = 3, alarms = [alarm.slow], approval = true }
}
component api {
  repo = "https://git.acme.example/api"
  rollout = rollout.steady
  deploy cloudformation { template = "infra/api.yaml" }
}
permission_set Look { rollout = rollout.steady, managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }
"#;

#[test]
fn a_program_writes_them() {
    let all = expanded(PROGRAM, courses);
    let names: Vec<&str> = all.iter().map(|course| course.of.as_str()).collect();
    assert_eq!(names, ["component.api", "permission_set.Look"]);
    let api = &all[0];
    assert_eq!(api.on_alarm, OnAlarm::Stop);
    assert_eq!(api.window.as_ref().map(|window| (window.from, window.zone.as_str())), Some((540, "Europe/Berlin")));
    let told: Vec<String> = api
        .waves
        .iter()
        .map(|wave| {
            format!(
                "{} {} bake {} parallel {} requests {:?} alarms {} one_box {} approval {} follows {}",
                wave.label,
                wave.cells.join(" "),
                wave.bake.as_hours(),
                wave.parallel,
                wave.min_requests,
                wave.alarms.join(" "),
                wave.one_box,
                wave.approval,
                wave.follows
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "latest cell.d bake 0 parallel 1 requests None alarms  one_box false approval false follows true",
            "first cell.a bake 12 parallel 1 requests Some(100) alarms alarm.errors one_box false approval false follows false",
            "prod cell.p cell.q bake 2 parallel 3 requests None alarms alarm.errors alarm.slow one_box true approval true follows false",
            "released cell.e bake 0 parallel 1 requests None alarms  one_box false approval false follows true",
        ]
    );
}

/// A calendar has all cells of a wave: who reads it is told which of them a rollout passes by.
#[test]
fn a_calendar_tells_which_cells_are_drained() {
    let program = PROGRAM.replacen("owner = group.ops }", "owner = group.ops, state = \"draining\" }", 1);
    let (all, drained) = expanded(&program, |world| (courses(world), drained(world)));
    let all: Vec<_> = all.iter().collect();
    let told = passed_by(&all, &drained);
    assert_eq!(
        told.as_deref(),
        Some("cell.p is drained, and passed by until it is no more: then the release comes there, too\n")
    );
    assert_eq!(passed_by(&all, &BTreeSet::new()), None);
}
