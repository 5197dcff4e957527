//! What an alarm does.

use jiff::SignedDuration;

use super::world::{Fleet, MINUTE, course, name, start, wave};
use crate::rollout::step::step;
use crate::rollout::{CellState, Course, Event, OnAlarm, Phase, Signal, State, Why};

fn three() -> Course {
    course(vec![wave("first", &["a"]), wave("second", &["b", "c"]), wave("third", &["d"])])
}

/// A fleet whose alarm says something in a cell after so many minutes.
fn saying(cell: &str, minutes: i32, signal: Signal) -> Fleet {
    Fleet { signals: [(cell.to_owned(), (start() + MINUTE * minutes, signal))].into(), ..Fleet::default() }
}

#[test]
fn an_alarm_at_each_wave_takes_back_all_that_was_reached_and_nothing_else() {
    let every = [("cell.a", 60, 1), ("cell.b", 200, 3), ("cell.c", 137, 3), ("cell.a", 200, 3), ("cell.d", 300, 4)];
    for (cell, minutes, reached) in every {
        let mut fleet = saying(cell, minutes, Signal::Alarm);
        let state = fleet.run(&three(), vec![]);
        let why = Why::Alarm { alarm: "alarm.errors".to_owned(), cell: cell.to_owned() };
        assert_eq!(state.phase, Phase::RolledBack { why }, "{cell}");
        let all = ["cell.a", "cell.b", "cell.c", "cell.d"];
        assert_eq!(
            (fleet.given("2"), fleet.given("1")),
            (all[..reached].to_vec(), all[..reached].to_vec()),
            "{cell}"
        );
        for (at, cell) in all.iter().enumerate() {
            let expected = if at < reached { CellState::RolledBack } else { CellState::Waiting };
            assert_eq!(state.cells[*cell].state, expected, "{cell}");
        }
        let last = fleet.begun.last().unwrap().0;
        assert!(last.duration_since(start() + MINUTE * minutes) <= MINUTE * 2, "within two looks: {last}");
    }
}

#[test]
fn no_data_at_the_end_of_a_bake_is_no_pass() {
    let mut fleet = saying("cell.a", 0, Signal::NoData);
    let state = fleet.run(&three(), vec![]);
    let why = Why::NoData { alarm: "alarm.errors".to_owned(), cell: "cell.a".to_owned() };
    assert_eq!(state.phase, Phase::RolledBack { why });
    let last = fleet.begun.last().unwrap().0;
    assert_eq!(last, start() + MINUTE * 125, "and not before: an alarm has no data right after a deployment");
}

#[test]
fn what_cannot_be_asked_is_no_pass_and_hides_no_other_alarm() {
    let mut fleet = saying("cell.a", 0, Signal::Unread);
    fleet.signals.insert("cell.b".to_owned(), (start() + MINUTE * 300, Signal::Alarm));
    let state = fleet.run(&course(vec![wave("first", &["a", "b"])]), vec![]);
    let why = Why::Alarm { alarm: "alarm.errors".to_owned(), cell: "cell.b".to_owned() };
    assert_eq!(state.phase, Phase::RolledBack { why });
    let back = fleet.begun.last().unwrap().0;
    assert!(back >= start() + MINUTE * 300, "it is asked again, however long that takes: {back}");
}

#[test]
fn to_stop_leaves_what_is_there() {
    let mut course = three();
    course.on_alarm = OnAlarm::Stop;
    let mut fleet = saying("cell.b", 136, Signal::Alarm);
    let state = fleet.run(&course, vec![]);
    assert_eq!(name(&state.phase), "stopped");
    assert!(fleet.given("1").is_empty());
    assert_eq!(state.cells["cell.c"].state, CellState::Baking, "what was under way is known to the end");
}

#[test]
fn a_rollback_waits_for_what_is_under_way_in_a_cell() {
    let mut fleet = saying("cell.b", 132, Signal::Alarm);
    fleet.takes = [("cell.c".to_owned(), SignedDuration::from_hours(3))].into();
    let mut course = three();
    course.waves[1].parallel = 2;
    fleet.takes.insert("cell.b".to_owned(), MINUTE);
    let state = fleet.run(&course, vec![]);
    assert_eq!(name(&state.phase), "rolled_back");
    assert_eq!(fleet.given("1"), ["cell.a", "cell.b", "cell.c"]);
    let last = fleet.begun.last().unwrap().0;
    assert_eq!(last, fleet.begun_at("cell.c") + SignedDuration::from_hours(3));
}

#[test]
fn a_bake_that_is_not_watched_ends_by_time() {
    let mut course = three();
    course.waves.iter_mut().for_each(|wave| wave.alarms.clear());
    let mut fleet = saying("cell.a", 0, Signal::Alarm);
    assert_eq!(fleet.run(&course, vec![]).phase, Phase::Done);
    assert_eq!(fleet.begun_at("cell.b"), start() + MINUTE * 125);
}

/// Nobody looked for an hour of the bake: what went off then may be over, and the bake lasts an hour more.
#[test]
fn time_in_which_nobody_looked_is_no_bake() {
    let course = three();
    let tick = |state: State, at| step(&course, state, at, &Event::Tick).state;
    let bakes_until = |state: &State| match state.phase {
        Phase::Baking { until, .. } => Some(until),
        _ => None,
    };
    let state = tick(State::new(&course, "2", start(), |_| None), start());
    let state = step(&course, state, start(), &Event::Deployed { cell: "cell.a".to_owned() }).state;
    let until = bakes_until(&state).unwrap();
    assert_eq!(bakes_until(&tick(state.clone(), start() + MINUTE * 2)), Some(until));
    assert_eq!(bakes_until(&tick(state, start() + MINUTE * 60)), Some(until + MINUTE * 60));
}
