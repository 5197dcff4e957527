//! What people do to a rollout.

use jiff::SignedDuration;

use super::world::{Fleet, MINUTE, course, name, start, wave};
use crate::rollout::step::{Refused, step};
use crate::rollout::{CellState, Course, Event, OnAlarm, Phase, Signal, State, Wave, Why};

fn who() -> String {
    "ana".to_owned()
}

fn two() -> Course {
    course(vec![wave("first", &["a", "b"]), Wave { approval: true, ..wave("second", &["c"]) }])
}

fn after(minutes: i32, event: Event) -> (jiff::Timestamp, Event) {
    (start() + MINUTE * minutes, event)
}

#[test]
fn a_wave_that_asks_is_not_begun_before_somebody_agrees() {
    let mut fleet = Fleet::default();
    assert_eq!(fleet.run(&two(), vec![]).phase, Phase::Approval);
    assert_eq!(fleet.given("2"), ["cell.a", "cell.b"]);
    let mut fleet = Fleet::default();
    let state = fleet.run(&two(), vec![after(500, Event::Approved { who: who() })]);
    assert_eq!((state.phase, fleet.begun_at("cell.c")), (Phase::Done, start() + MINUTE * 500));
    let mut fleet = Fleet { agrees: true, ..Fleet::default() };
    assert_eq!(fleet.run(&two(), vec![]).phase, Phase::Done);
}

#[test]
fn a_pause_begins_nothing_and_ends_what_is_under_way() {
    let pause = || after(2, Event::Paused { who: who() });
    let mut fleet = Fleet::default();
    let state = fleet.run(&two(), vec![pause()]);
    assert_eq!((fleet.given("2"), state.paused), (vec!["cell.a"], true));
    assert_eq!(state.cells["cell.a"].state, CellState::Baking);
    let mut fleet = Fleet { agrees: true, ..Fleet::default() };
    let state = fleet.run(&two(), vec![pause(), after(90, Event::Resumed { who: who() })]);
    assert_eq!((state.phase, fleet.begun_at("cell.b")), (Phase::Done, start() + MINUTE * 90));
}

#[test]
fn an_abort_goes_back_or_stays() {
    for (back, phase, given) in [(true, "rolled_back", vec!["cell.a", "cell.b"]), (false, "stopped", vec![])] {
        let mut fleet = Fleet::default();
        let state = fleet.run(&two(), vec![after(7, Event::Aborted { who: who(), back })]);
        assert_eq!((name(&state.phase).as_str(), fleet.given("1")), (phase, given));
    }
    // What stopped can be gone on with, and what failed is tried again.
    let mut fleet = Fleet { agrees: true, ..Fleet::default() };
    let more = vec![after(7, Event::Aborted { who: who(), back: false }), after(60, Event::Resumed { who: who() })];
    assert_eq!(fleet.run(&two(), more).phase, Phase::Done);
}

#[test]
fn a_cell_that_is_drained_is_skipped_and_asked_for_again() {
    let cells = |names: &[&str]| Event::Draining { cells: names.iter().map(|name| (*name).to_owned()).collect() };
    let course = course(vec![wave("first", &["a", "b"]), wave("second", &["c"])]);
    let mut fleet = Fleet::default();
    let state = fleet.run(&course, vec![(start(), cells(&["cell.b"]))]);
    assert_eq!((state.phase, state.cells["cell.b"].state), (Phase::Draining, CellState::Skipped));
    assert_eq!(fleet.given("2"), ["cell.a", "cell.c"]);
    // It comes back while the second wave is under way, and goes with it.
    let mut fleet = Fleet::default();
    let state = fleet.run(&course, vec![(start(), cells(&["cell.b"])), after(127, cells(&[]))]);
    assert_eq!((state.phase, fleet.begun_at("cell.b")), (Phase::Done, start() + MINUTE * 130));
    // And after all the others.
    let mut fleet = Fleet::default();
    let state = fleet.run(&course, vec![(start(), cells(&["cell.b"])), after(1_000, cells(&[]))]);
    assert_eq!((state.phase, fleet.begun_at("cell.b")), (Phase::Done, start() + MINUTE * 1_000));
}

/// A cell of the first wave comes back when all is done; the wave after it has had its one box, which was well, and tolerates the
/// cell that failed then.
#[test]
fn what_a_wave_has_tolerated_it_tolerates_when_it_is_gone_through_again() {
    let cells = |names: &[&str]| Event::Draining { cells: names.iter().map(|name| (*name).to_owned()).collect() };
    for on_alarm in [OnAlarm::Rollback, OnAlarm::Stop] {
        let second = Wave { one_box: true, tolerate: 1, ..wave("second", &["c", "d", "e"]) };
        let waves = vec![wave("first", &["a", "b"]), second, wave("third", &["f"])];
        let course = Course { on_alarm, ..course(waves) };
        let mut fleet = Fleet { broken: ["cell.d".to_owned()].into(), ..Fleet::default() };
        let state = fleet.run(&course, vec![(start(), cells(&["cell.b"])), after(3_000, cells(&[]))]);
        assert_eq!((state.phase, fleet.begun_at("cell.b")), (Phase::Done, start() + MINUTE * 3_000));
        assert_eq!(state.cells["cell.d"].state, CellState::Failed);
        assert_eq!(fleet.given("1"), [""; 0]);
    }
}

#[test]
fn a_newer_release_takes_the_place_of_one_that_waits() {
    let by = || Event::Superseded { by: "3".to_owned() };
    let mut fleet = Fleet::default();
    let state = fleet.run(&two(), vec![after(900, by())]);
    assert_eq!(state.phase, Phase::Superseded { by: "3".to_owned() });
    let begun = State::new(&two(), "2", start(), |_| None);
    let begun = step(&two(), begun, start(), &Event::Tick).state;
    let refused = step(&two(), begun.clone(), start(), &by());
    assert_eq!((refused.refused, refused.state), (Some(Refused::UnderWay), begun));
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let course = two();
    let state = step(&course, State::new(&course, "2", start(), |_| None), start(), &Event::Tick).state;
    for event in [
        Event::Approved { who: who() },
        Event::Resumed { who: who() },
        Event::Deployed { cell: "cell.c".to_owned() },
        Event::WentBack { cell: "cell.a".to_owned() },
        Event::Deployed { cell: "cell.none".to_owned() },
    ] {
        let next = step(&course, state.clone(), start(), &event);
        assert!(next.refused.is_some() && next.effects.is_empty() && !next.moved, "{event:?}");
        assert_eq!(next.state, state);
    }
}

/// Nor does time that goes by with it, where nobody looked and a bake would last longer for it.
#[test]
fn what_does_not_fit_changes_nothing_in_a_bake() {
    let course = two();
    let mut state = State::new(&course, "2", start(), |_| None);
    for cell in ["cell.a", "cell.b"] {
        state = step(&course, state, start(), &Event::Tick).state;
        state = step(&course, state, start() + MINUTE, &Event::Deployed { cell: cell.to_owned() }).state;
        if matches!(state.phase, Phase::Baking { .. }) {
            break;
        }
    }
    assert!(matches!(state.phase, Phase::Baking { .. }) && state.wake.is_some(), "{:?}", state.phase);
    let late = start() + MINUTE * 60;
    let next = step(&course, state.clone(), late, &Event::Approved { who: who() });
    assert_eq!((next.refused, next.moved), (Some(Refused::NobodyAsked), false));
    assert_eq!(next.state, state);
    let ticked = step(&course, state.clone(), late, &Event::Tick);
    assert!(ticked.moved && ticked.state.now == late, "nobody looked: it bakes for longer");
}

/// A cell that is torn down while a release comes gets nothing of it, and does not go back.
#[test]
fn a_cell_that_has_left_gets_nothing() {
    let left = |names: &[&str]| Event::Left { cells: names.iter().map(|name| format!("cell.{name}")).collect() };
    let course = || course(vec![wave("first", &["a", "b"]), wave("second", &["c"])]);
    let mut fleet = Fleet::default();
    let state = fleet.run(&course(), vec![after(2, left(&["b", "c"]))]);
    assert_eq!((state.phase, fleet.given("2")), (Phase::Done, vec!["cell.a"]));
    // Who was at work in it has died: what it began is no answer any more.
    let mut fleet = Fleet::default();
    let state = fleet.run(&course(), vec![after(2, left(&["a"]))]);
    assert_eq!((state.phase, fleet.given("2")), (Phase::Done, vec!["cell.a", "cell.b", "cell.c"]));
    assert!(!state.cells.contains_key("cell.a"));
    let mut fleet = Fleet::default();
    let more = vec![after(20, left(&["a"])), after(30, Event::Aborted { who: who(), back: true })];
    let state = fleet.run(&course(), more);
    assert_eq!((name(&state.phase).as_str(), fleet.given("1")), ("rolled_back", vec!["cell.b"]));
}

/// It waits for its own wave, which is watched, while the cells are under way that nothing watches.
#[test]
fn a_cell_that_is_drained_no_more_does_not_go_with_those_in_no_wave() {
    let none = Wave { follows: true, alarms: Vec::new(), bake: SignedDuration::ZERO, ..wave("", &["c", "d"]) };
    let course = course(vec![wave("first", &["a", "b"]), none]);
    let drained = |names: &[&str]| Event::Draining { cells: names.iter().map(|name| (*name).to_owned()).collect() };
    // The first wave is cell.a alone, deployed in five minutes and baking for two hours; then come those in no wave.
    let at = start() + MINUTE * 127;
    let mut fleet = Fleet::default();
    let state = fleet.run(&course, vec![(start(), drained(&["cell.b"])), (at, drained(&[]))]);
    assert_eq!(state.phase, Phase::Done);
    let begun = fleet.begun_at("cell.b");
    assert!(begun > at, "after those that were under way: {begun}");
    assert!(state.now >= begun + MINUTE * 125, "it bakes: {}", state.now);
    // And its alarm takes all back.
    let mut fleet =
        Fleet { signals: [("cell.b".to_owned(), (begun + MINUTE * 10, Signal::Alarm))].into(), ..Fleet::default() };
    let state = fleet.run(&course, vec![(start(), drained(&["cell.b"])), (at, drained(&[]))]);
    let why = Why::Alarm { alarm: "alarm.errors".to_owned(), cell: "cell.b".to_owned() };
    assert_eq!(state.phase, Phase::RolledBack { why });
}
