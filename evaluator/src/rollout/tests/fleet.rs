//! Two components over three hundred cells in simulated time: order, windows, tolerance, and a calendar that comes true.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::world::{Fleet, MINUTE, at, name};
use crate::rollout::calendar::{calendar, drive};
use crate::rollout::{CellState, Course, Phase, Signal, State, courses};
use crate::rules::tests::expanded;

/// Three hundred production cells in three sizes, one alpha cell before them, and two components that share a rollout.
const PROGRAM: &str = r#"
org acme { management_account = "111111111111", accounts { email = "aws+\(.name)@acme.example" } }
group ops {}
cell first { kind = "alpha", region = "us-west-2" }
for n in 1..=300 {
  cell "c\(pad(n, 3))" {
    kind = "prod"
    region = "us-west-2"
    owner = group.ops
    size = if n <= 120 then "small" else if n <= 240 then "medium" else "large"
  }
}
alarm errors { namespace = "api", metric = "Errors", above = 5, over = 5m }
rollout by-size {
  alarms = [alarm.errors]
  window { days = ["mon", "tue", "wed", "thu"], from = 09:00, to = 16:00, zone = "America/Denver" }
  wave alpha { on = cells where .kind == "alpha", bake = 1h }
  wave small { on = cells where .kind == "prod" && .size == "small", bake = 12h, parallel = 10, one_box = true, tolerate = 2 }
  wave medium { on = cells where .size == "medium", bake = 4h, parallel = 20 }
  wave large { on = cells where .size == "large", bake = 2h, parallel = 20, min_requests = 1_000 }
}
component api {
  repo = "https://git.acme.example/api"
  rollout = rollout.by-size
  deploy make { target = "deploy" }
}
component cache {
  repo = "https://git.acme.example/cache"
  rollout = rollout.by-size
  deploy make { target = "deploy" }
}
"#;

/// A Monday, nine in the morning in Denver.
fn monday() -> Timestamp {
    at("2026-06-01T15:00:00Z")
}

fn run(course: &Course, fleet: &mut Fleet) -> State {
    drive(course, State::new(course, "2", monday(), |_| Some("1".to_owned())), Vec::new(), fleet)
}

#[test]
fn two_components_over_three_hundred_cells() {
    let all = expanded(PROGRAM, courses);
    assert_eq!(all.iter().map(|course| course.of.as_str()).collect::<Vec<_>>(), ["component.api", "component.cache"]);
    for course in &all {
        let mut fleet = Fleet { traffic: 500, ..Fleet::default() };
        let state = run(course, &mut fleet);
        assert_eq!(state.phase, Phase::Done);
        assert!(state.cells.len() == 301 && state.cells.values().all(|cell| cell.state == CellState::Done));
        // Waves in order, cells in the order of their addresses, each begun while the window is open.
        let window = course.window.as_ref().unwrap();
        let begun: Vec<(usize, &str)> =
            fleet.begun.iter().map(|(_, cell, _)| (state.cells[cell].wave, cell.as_str())).collect();
        assert!(begun.is_sorted(), "{begun:?}");
        assert!(fleet.begun.iter().all(|(at, ..)| window.is_open(*at)));
        assert_eq!(fleet.most, 20);
        // The calendar says when.
        let mut firsts: BTreeMap<usize, Timestamp> = BTreeMap::new();
        for (at, cell, _) in &fleet.begun {
            firsts.entry(state.cells[cell].wave).or_insert(*at);
        }
        let plan = calendar(course, monday(), MINUTE * 5);
        let begins: Vec<Timestamp> = plan.iter().map(|entry| entry.begins).collect();
        assert_eq!(begins, firsts.into_values().collect::<Vec<_>>());
        assert_eq!(
            begins,
            ["2026-06-01T15:00:00Z", "2026-06-01T16:05:00Z", "2026-06-02T15:00:00Z", "2026-06-02T19:30:00Z"].map(at),
        );
        assert_eq!(plan.last().unwrap().ends, state.now);
    }
}

#[test]
fn so_many_failures_of_a_wave_are_tolerated_and_are_told() {
    let course = &expanded(PROGRAM, courses)[0];
    let broken = |cells: &[&str]| Fleet {
        traffic: 500,
        broken: cells.iter().map(|cell| format!("cell.{cell}")).collect(),
        ..Fleet::default()
    };
    let state = run(course, &mut broken(&["c002", "c119"]));
    let failed: Vec<&String> = state.that_are(|state| state == CellState::Failed).map(|(name, _)| name).collect();
    assert_eq!((state.phase.clone(), failed), (Phase::Done, vec![&"cell.c002".to_owned(), &"cell.c119".to_owned()]));
    let mut fleet = broken(&["c002", "c003", "c004"]);
    let state = run(course, &mut fleet);
    assert_eq!(name(&state.phase), "rolled_back");
    assert!(
        fleet.given("2").iter().all(|cell| *cell <= "cell.c020" || *cell == "cell.first"),
        "{:?}",
        fleet.given("2")
    );
}

#[test]
fn an_alarm_in_each_wave_takes_everything_back() {
    let course = &expanded(PROGRAM, courses)[0];
    for (wave, cell) in course.waves.iter().enumerate().map(|(at, wave)| (at, wave.cells[0].clone())) {
        let mut well = Fleet { traffic: 500, ..Fleet::default() };
        run(course, &mut well);
        let from = well.begun_at(&cell) + SignedDuration::from_mins(6);
        let signals = [(cell.clone(), (from, Signal::Alarm))].into();
        let mut fleet = Fleet { traffic: 500, signals, ..Fleet::default() };
        let state = run(course, &mut fleet);
        assert_eq!(name(&state.phase), "rolled_back", "{cell}");
        let (mut given, mut back) = (fleet.given("2"), fleet.given("1"));
        given.sort_unstable();
        back.sort_unstable();
        assert_eq!(given, back, "{cell}");
        assert!(given.iter().all(|cell| state.cells[*cell].wave <= wave));
        assert!(fleet.has.values().all(|has| has.as_deref() == Some("1")));
    }
}
