//! Which cell is begun when.

use jiff::SignedDuration;

use super::world::{Fleet, MINUTE, at, course, start, wave};
use crate::rollout::calendar::{calendar, drive};
use crate::rollout::course::AT_A_TIME;
use crate::rollout::state::Why;
use crate::rollout::window::Window;
use crate::rollout::{CellState, Course, Event, OnAlarm, Phase, State, Wave};

#[test]
fn waves_follow_one_another_and_each_bakes_after_its_last_cell() {
    let course = course(vec![wave("first", &["b", "a"]), wave("second", &["c"])]);
    let mut fleet = Fleet::default();
    let state = fleet.run(&course, vec![]);
    assert_eq!(state.phase, Phase::Done);
    assert_eq!(fleet.given("2"), ["cell.a", "cell.b", "cell.c"], "in the order of addresses");
    assert_eq!(fleet.begun_at("cell.b"), start() + MINUTE * 5);
    assert_eq!(fleet.begun_at("cell.c"), start() + MINUTE * 130);
    assert_eq!(fleet.most, 1);
    assert_eq!(fleet.phases, ["running", "baking", "running", "baking", "done"]);
    assert!(state.cells.values().all(|cell| cell.state == CellState::Done));
}

#[test]
fn no_more_than_so_many_are_under_way() {
    let cells: Vec<String> = (0..30).map(|at| format!("{at:02}")).collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let course = course(vec![Wave { parallel: 7, ..wave("all", &cells) }]);
    let mut fleet = Fleet { takes: [("cell.03".to_owned(), MINUTE * 60)].into(), ..Fleet::default() };
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!((fleet.most, fleet.given("2").len()), (7, 30));
}

#[test]
fn one_box_goes_ahead_and_is_watched_alone() {
    let course = course(vec![Wave { one_box: true, parallel: 9, ..wave("prod", &["a", "b", "c"]) }]);
    let mut fleet = Fleet::default();
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!(fleet.begun_at("cell.a"), start());
    // It takes five minutes, and bakes for an hour.
    assert_eq!((fleet.begun_at("cell.b"), fleet.begun_at("cell.c")), (start() + MINUTE * 65, start() + MINUTE * 65));
}

#[test]
fn a_window_bounds_starts_and_no_bakes() {
    let window = Window { days: vec!["tue".into(), "wed".into()], from: 600, to: 720, zone: "Europe/Berlin".into() };
    let mut course = course(vec![wave("first", &["a", "b"]), wave("second", &["c"])]);
    course.window = Some(window);
    let mut fleet = Fleet { takes: [("cell.a".to_owned(), MINUTE * 90)].into(), ..Fleet::default() };
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    // Open from 08:00 to 10:00 UTC: from nine on one cell is begun, the next a day later, and the wave after it, whose
    // window would be the Wednesday after its bake, a week later.
    assert_eq!(fleet.begun_at("cell.a"), start());
    assert_eq!(fleet.begun_at("cell.b"), at("2026-06-03T08:00:00Z"));
    assert_eq!(fleet.begun_at("cell.c"), at("2026-06-09T08:00:00Z"));
    let plan = calendar(&course, start(), MINUTE * 5);
    assert_eq!(plan.len(), 2);
    assert_eq!(
        (plan[0].begins, plan[0].deployed, plan[0].ends),
        (start(), start() + MINUTE * 10, start() + MINUTE * 130)
    );
    assert_eq!(plan[1].begins, at("2026-06-03T08:00:00Z"));
}

#[test]
fn a_window_is_of_its_zone_also_when_clocks_change() {
    let window = Window { days: vec!["sun".into()], from: 120, to: 240, zone: "Europe/Berlin".into() };
    // On 2026-03-29 two o'clock does not exist there: it opens at three, summer time.
    assert_eq!(window.next(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
    assert!(window.is_open(at("2026-03-29T01:30:00Z")) && !window.is_open(at("2026-03-29T02:00:00Z")));
    assert_eq!(window.next(at("2026-03-29T02:00:00Z")), Some(at("2026-04-05T00:00:00Z")));
    assert_eq!(Window { days: vec![], ..window.clone() }.next(start()), None);
    // A window that the change leaves out altogether opens a week later.
    let window = Window { to: 180, zone: "America/New_York".into(), ..window };
    assert_eq!(window.next(at("2026-03-02T12:00:00Z")), Some(at("2026-03-15T06:00:00Z")));
}

#[test]
fn a_wave_tolerates_so_many_failures_and_no_more() {
    let of = |tolerate| course(vec![Wave { tolerate, ..wave("first", &["a", "b", "c"]) }, wave("second", &["d"])]);
    let broken = || Fleet { broken: ["cell.b".to_owned()].into(), ..Fleet::default() };
    let mut fleet = broken();
    let state = fleet.run(&of(1), vec![]);
    assert_eq!((state.phase, state.cells["cell.b"].state), (Phase::Done, CellState::Failed));
    assert_eq!(fleet.given("2"), ["cell.a", "cell.b", "cell.c", "cell.d"]);
    let mut fleet = broken();
    let state = fleet.run(&of(0), vec![]);
    assert_eq!(super::world::name(&state.phase), "rolled_back");
    assert_eq!(fleet.given("2"), ["cell.a", "cell.b"], "nothing beyond is touched");
    // The one that failed may have it in part.
    assert_eq!(fleet.given("1"), ["cell.a", "cell.b"]);
}

#[test]
fn traffic_is_waited_for() {
    let course = course(vec![Wave { min_requests: Some(1_000), ..wave("first", &["a"]) }, wave("second", &["b"])]);
    let mut fleet = Fleet { traffic: 5, ..Fleet::default() };
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!(fleet.begun_at("cell.b"), start() + MINUTE * 205);
    let mut fleet = Fleet { traffic: 50, ..Fleet::default() };
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!(fleet.begun_at("cell.b"), start() + MINUTE * 125);
}

#[test]
fn traffic_of_earlier_waves_does_not_count() {
    let floor = |wave: Wave| Wave { min_requests: Some(1_000), ..wave };
    let course = course(vec![floor(wave("first", &["a"])), floor(wave("second", &["b"]))]);
    let mut fleet = Fleet { traffic: 500, idle: ["cell.b".to_owned()].into(), ..Fleet::default() };
    let abort = Event::Aborted { who: "ana".to_owned(), back: true };
    let state = fleet.run(&course, vec![(start() + MINUTE * 5_000, abort)]);
    assert_eq!(super::world::name(&state.phase), "rolled_back", "the second serves nothing, whatever the first does");
    assert_eq!(fleet.given("2"), ["cell.a", "cell.b"]);
}

#[test]
fn what_the_one_box_cannot_take_is_not_tolerated() {
    let own = Wave { one_box: true, tolerate: 1, parallel: 9, ..wave("prod", &["a", "b", "c"]) };
    let mut fleet = Fleet { broken: ["cell.a".to_owned()].into(), ..Fleet::default() };
    let state = fleet.run(&course(vec![own.clone()]), vec![]);
    assert_eq!(super::world::name(&state.phase), "rolled_back");
    assert_eq!(state.phase.why().unwrap().to_string(), "the one box of wave prod could not take it: cell.a");
    assert_eq!(fleet.given("2"), ["cell.a"], "nobody else finds out");
    let mut fleet = Fleet { broken: ["cell.b".to_owned()].into(), ..Fleet::default() };
    assert_eq!(fleet.run(&course(vec![own]), vec![]).phase, Phase::Done);
}

#[test]
fn a_process_works_in_so_many_cells_at_a_time() {
    let names: Vec<String> = (0..600).map(|at| format!("{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fleet = Fleet::default();
    let course = course(vec![Wave { parallel: 1_000, ..wave("all", &names) }]);
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!((fleet.most, fleet.given("2").len()), (AT_A_TIME, 600));
}

#[test]
fn cells_that_follow_hold_nobody_back() {
    let latest = Wave {
        follows: true,
        parallel: 2,
        tolerate: 2,
        bake: SignedDuration::ZERO,
        alarms: vec![],
        ..wave("latest", &["x", "y"])
    };
    let course = course(vec![latest, wave("first", &["a"])]);
    let mut fleet = Fleet { broken: ["cell.x".to_owned(), "cell.y".to_owned()].into(), ..Fleet::default() };
    let state = fleet.run(&course, vec![]);
    assert_eq!((state.phase, fleet.begun_at("cell.a")), (Phase::Done, start() + MINUTE * 5));
}

/// A cell in no wave holds no other back, and what none, or not every one, of them could take is not told as done.
#[test]
fn what_no_wave_vouches_for_is_not_done() {
    let follows = |cells: &[&str]| Wave {
        follows: true,
        parallel: cells.len(),
        tolerate: cells.len(),
        alarms: Vec::new(),
        bake: SignedDuration::ZERO,
        ..wave("released", cells)
    };
    let of = |waves: Vec<Wave>, broken: &[&str]| {
        let broken = broken.iter().map(|name| format!("cell.{name}")).collect();
        let mut fleet = Fleet { broken, ..Fleet::default() };
        (fleet.run(&course(waves), vec![]), fleet.given("2").len())
    };
    let untaken = |cells: &[&str]| Phase::Stopped {
        why: Why::Untaken { cells: cells.iter().map(|name| format!("cell.{name}")).collect() },
    };
    let (all, two) = (follows(&["a", "b"]), || vec![wave("first", &["c"]), follows(&["a", "b"])]);
    for (waves, broken, phase, begun) in [
        (vec![all.clone()], vec![], Phase::Done, 2),
        (vec![all.clone()], vec!["a"], untaken(&["a"]), 2),
        (vec![all], vec!["a", "b"], untaken(&["a", "b"]), 2),
        (two(), vec!["a", "b"], Phase::Done, 3),
        (vec![Wave { tolerate: 1, ..wave("first", &["c"]) }], vec!["c"], untaken(&["c"]), 1),
    ] {
        let (state, given) = of(waves, &broken);
        assert_eq!((state.phase, given), (phase, begun), "{broken:?}");
    }
}

/// Whoever goes on with what has stopped has all of it tried again that failed: what a former wave tolerated, too.
#[test]
fn what_failed_in_an_earlier_wave_is_tried_again() {
    let course = course(vec![Wave { tolerate: 1, ..wave("first", &["a", "b"]) }, wave("second", &["c"])]);
    let state = State::new(&course, "2", start(), |_| None);
    let mut fleet = Fleet { broken: ["cell.a".to_owned(), "cell.c".to_owned()].into(), ..Fleet::default() };
    let course = Course { on_alarm: OnAlarm::Stop, ..course };
    let stopped = drive(&course, state, vec![], &mut fleet);
    assert_eq!(stopped.cells["cell.a"].state, CellState::Failed);
    assert!(matches!(stopped.phase, Phase::Stopped { why: Why::Failures { .. } }), "{:?}", stopped.phase);
    let resumed = (stopped.now + MINUTE, Event::Resumed { who: "ana".to_owned() });
    let mut fleet = Fleet::default();
    let end = drive(&course, stopped, vec![resumed], &mut fleet);
    assert_eq!(end.phase, Phase::Done);
    assert_eq!(fleet.given("2"), ["cell.a", "cell.c"], "in the order of their waves");
    assert!(end.cells.values().all(|cell| cell.state == CellState::Done));
}
