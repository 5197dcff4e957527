//! A rollout that is killed anywhere goes on as if it had not been.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::world::{Fleet, MINUTE, course, start, wave};
use crate::rollout::calendar::World as _;
use crate::rollout::step::{Effect, step, under_way};
use crate::rollout::window::Window;
use crate::rollout::{CellState, Course, Event, OnAlarm, Signal, State, Wave};

/// Runs a course, and dies at each of these transitions: after it was kept, before anything of it was done. What is
/// under way is then asked for again, and may be told twice.
fn killed(course: &Course, fleet: &mut Fleet, kills: &[usize]) -> State {
    let mut state = State::new(course, "2", start(), |_| Some("1".to_owned()));
    let mut queue: BTreeMap<(Timestamp, usize), Event> = [((start(), 0), Event::Tick)].into();
    let (mut number, mut transitions) = (1, 0);
    while let Some(((at, _), event)) = queue.pop_first() {
        let next = step(course, state, at, &event);
        state = serde_json::from_str(&serde_json::to_string(&next.state).unwrap()).unwrap();
        assert_eq!(state, next.state, "what is kept is found again, by name and by place");
        let mut effects = next.effects;
        if next.moved {
            transitions += 1;
            if kills.contains(&transitions) {
                // What was to come is lost with the process; another begins, sees the state, and looks at the time.
                queue.clear();
                effects = under_way(&state);
                effects.push(Effect::Wake { at });
            }
        }
        fleet.reached(&state);
        for effect in &effects {
            if let Effect::Wake { at } = effect {
                queue.insert((*at, number), Event::Tick);
                number += 1;
            }
            for (at, event) in fleet.answer(effect, at) {
                queue.insert((at, number), event);
                number += 1;
            }
        }
    }
    state
}

/// Where all cells are, and what they have.
fn end(state: &State, fleet: &Fleet) -> (String, Vec<CellState>, BTreeMap<String, Option<String>>) {
    let cells = state.cells.values().map(|cell| cell.state).collect();
    (super::world::name(&state.phase), cells, fleet.has.clone())
}

fn all(alarm: bool) -> (Course, impl Fn() -> Fleet) {
    let window = Window { days: vec!["tue".into(), "wed".into()], from: 0, to: 1_439, zone: "UTC".into() };
    let mut course = course(vec![
        Wave { one_box: true, parallel: 2, ..wave("first", &["a", "b", "c"]) },
        Wave { approval: true, tolerate: 1, ..wave("second", &["d", "e"]) },
        wave("third", &["f"]),
    ]);
    course.window = Some(window);
    let fleet = move || Fleet {
        agrees: true,
        broken: ["cell.d".to_owned()].into(),
        signals: if alarm { [("cell.f".to_owned(), (start(), Signal::Alarm))].into() } else { BTreeMap::new() },
        ..Fleet::default()
    };
    (course, fleet)
}

#[test]
fn killed_at_every_transition_it_ends_the_same() {
    for alarm in [false, true] {
        let (course, fleet) = all(alarm);
        let mut whole = fleet();
        let state = killed(&course, &mut whole, &[]);
        let expected = end(&state, &whole);
        assert_eq!(expected.0, if alarm { "rolled_back" } else { "done" });
        for kill in 1..40 {
            let mut one = fleet();
            let state = killed(&course, &mut one, &[kill]);
            assert_eq!(end(&state, &one), expected, "alarm {alarm}, killed at {kill}");
        }
    }
}

fn waves() -> impl Strategy<Value = Vec<Wave>> {
    let one =
        (1_usize..6, 1_usize..4, 0_usize..3, 0_i32..200, any::<bool>(), any::<bool>(), prop::option::of(0_u64..300));
    prop::collection::vec(one, 1..5).prop_map(|waves| {
        let mut next = 0;
        let of = |(at, (cells, parallel, tolerate, bake, one_box, watched, min_requests)): (usize, _)| {
            let names: Vec<String> = (0..cells)
                .map(|_| {
                    next += 1;
                    format!("{next:03}")
                })
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let bake = MINUTE * bake;
            let own = Wave { parallel, tolerate, bake, min_requests, one_box, ..wave(&format!("w{at}"), &names) };
            if watched { own } else { Wave { alarms: vec![], ..own } }
        };
        waves.into_iter().enumerate().map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(
        waves in waves(),
        broken in prop::collection::btree_set(1_usize..20, 0..4),
        alarm in prop::option::of((1_usize..20, 0_i32..2_000, any::<bool>())),
        kills in prop::collection::vec(1_usize..60, 0..5),
        stop in any::<bool>(),
    ) {
        let cell = |at: usize| format!("cell.{at:03}");
        let mut course = course(waves);
        course.on_alarm = if stop { OnAlarm::Stop } else { OnAlarm::Rollback };
        let mut fleet = Fleet { traffic: 7, broken: broken.iter().map(|at| cell(*at)).collect(), ..Fleet::default() };
        if let Some((at, minutes, silent)) = alarm {
            let signal = if silent { Signal::NoData } else { Signal::Alarm };
            fleet.signals.insert(cell(at), (start() + MINUTE * minutes, signal));
        }
        let state = killed(&course, &mut fleet, &kills);
        prop_assert!(state.phase.is_over(), "{:?}", state.phase);
        // A wave is begun after the one before it is through, and never more cells of it at a time than it says.
        let wave_of = |cell: &str| state.cells[cell].wave;
        let firsts: Vec<usize> = fleet.given("2").iter().map(|cell| wave_of(cell)).collect();
        prop_assert!(firsts.is_sorted(), "{firsts:?}");
        prop_assert!(fleet.most <= course.waves.iter().map(|wave| wave.parallel).max().unwrap());
        for (name, cell) in &state.cells {
            let has = fleet.has.get(name);
            match cell.state {
                CellState::Waiting => prop_assert!(has.is_none(), "{name} was touched"),
                CellState::RolledBack => prop_assert_eq!(has, Some(&Some("1".to_owned()))),
                CellState::Done | CellState::Baking => prop_assert_eq!(has, Some(&Some("2".to_owned()))),
                other => prop_assert_eq!(other, CellState::Failed),
            }
        }
        let undone = super::world::name(&state.phase) == "rolled_back";
        prop_assert!(!(undone && state.cells.values().any(|cell| cell.state == CellState::Done)));
        prop_assert!(!(undone && stop));
    }
}
