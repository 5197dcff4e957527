//! When a rollout comes to each wave, if all goes well. Owns driving [`super::step`] through time without waiting for it; how
//! long a cell takes is the caller's guess.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::course::Course;
use super::state::{Event, Phase, Signal, State};
use super::step::{Effect, step};

/// When a wave is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The wave's label.
    pub wave: String,
    /// How many cells it has.
    pub cells: usize,
    /// When its first cell is begun.
    pub begins: Timestamp,
    /// When its last cell has the release.
    pub deployed: Timestamp,
    /// When its bake is over, at the earliest.
    pub ends: Timestamp,
    /// Whether somebody has to agree first: everything from here on waits for it.
    pub approval: bool,
    /// Whether traffic decides when its bake is over.
    pub traffic: bool,
}

/// The events of a simulated world: what follows from an effect, and when.
pub trait World {
    /// What comes of an effect that is asked for at an instant.
    fn answer(&mut self, effect: &Effect, at: Timestamp) -> Vec<(Timestamp, Event)>;

    /// Sees a state that has been reached.
    fn reached(&mut self, state: &State);
}

/// Drives a rollout until nothing more happens by itself; gives the last state. `more` are events from outside.
pub fn drive(course: &Course, state: State, more: Vec<(Timestamp, Event)>, world: &mut impl World) -> State {
    let first = std::iter::once((state.now, Event::Tick));
    let mut number = 0_u64;
    let mut queue: BTreeMap<(Timestamp, u64), Event> = BTreeMap::new();
    let mut put = |queue: &mut BTreeMap<_, _>, (at, event): (Timestamp, Event)| {
        number += 1;
        queue.insert((at, number), event);
    };
    first.chain(more).for_each(|event| put(&mut queue, event));
    let mut state = state;
    while let Some(((at, _), event)) = queue.pop_first() {
        let next = step(course, state, at, &event);
        state = next.state;
        world.reached(&state);
        for effect in &next.effects {
            if let Effect::Wake { at } = effect {
                put(&mut queue, (*at, Event::Tick));
            }
            world.answer(effect, at).into_iter().for_each(|event| put(&mut queue, event));
        }
    }
    state
}

/// The calendar of a rollout that goes well from an instant on. `takes` is how long a cell takes.
pub fn calendar(course: &Course, at: Timestamp, takes: SignedDuration) -> Vec<Entry> {
    let mut world = Well { course, takes, entries: Vec::new() };
    drive(course, State::new(course, "next", at, |_| None), Vec::new(), &mut world);
    world.entries
}

/// A world in which all goes well.
struct Well<'c> {
    course: &'c Course,
    takes: SignedDuration,
    entries: Vec<Entry>,
}

impl World for Well<'_> {
    fn answer(&mut self, effect: &Effect, at: Timestamp) -> Vec<(Timestamp, Event)> {
        let later = at.checked_add(self.takes).unwrap_or(Timestamp::MAX);
        match effect {
            Effect::Deploy { cell, .. } => vec![(later, Event::Deployed { cell: cell.clone() })],
            Effect::GoBack { cell, .. } => vec![(later, Event::WentBack { cell: cell.clone() })],
            Effect::Observe { cells, .. } => {
                let signals = cells.iter().map(|cell| (String::new(), cell.clone(), Signal::Ok)).collect();
                vec![(at, Event::Observed { signals, requests: u64::MAX })]
            }
            Effect::Ask { .. } => vec![(at, Event::Approved { who: "somebody".to_owned() })],
            Effect::Wake { .. } => Vec::new(),
        }
    }

    fn reached(&mut self, state: &State) {
        let begun = |entries: &[Entry]| entries.len() > state.wave;
        if let Some(last) = self.entries.last_mut().filter(|last| last.ends == Timestamp::MAX) {
            match state.phase {
                Phase::Baking { since, .. } if !state.one_box && last.deployed == Timestamp::MAX => {
                    last.deployed = since;
                }
                _ => {}
            }
            if state.wave >= self.entries.len() {
                self.close(state.now);
            }
        }
        let under_way = state.cells.any(|wave, cell| wave == state.wave && cell.is_reached());
        if !begun(&self.entries)
            && under_way
            && let Some(wave) = self.course.waves.get(state.wave)
        {
            self.entries.push(Entry {
                wave: wave.label.clone(),
                cells: wave.cells.len(),
                begins: state.now,
                deployed: Timestamp::MAX,
                ends: Timestamp::MAX,
                approval: wave.approval,
                traffic: wave.min_requests.is_some(),
            });
        }
    }
}

impl Well<'_> {
    fn close(&mut self, at: Timestamp) {
        if let Some(last) = self.entries.last_mut() {
            last.deployed = last.deployed.min(at);
            last.ends = at;
        }
    }
}
