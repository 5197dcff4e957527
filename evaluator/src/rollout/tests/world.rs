//! A simulated fleet: what is deployed where, and everything that was ever begun.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::rollout::calendar::{World, drive};
use crate::rollout::{CellState, Course, Effect, Event, OnAlarm, Phase, Signal, State, Wave};

pub(super) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A Tuesday.
pub(super) fn start() -> Timestamp {
    at("2026-06-02T09:00:00Z")
}

pub(super) fn wave(label: &str, cells: &[&str]) -> Wave {
    Wave {
        label: label.to_owned(),
        cells: cells.iter().map(|cell| format!("cell.{cell}")).collect(),
        parallel: 1,
        tolerate: 0,
        bake: SignedDuration::from_hours(2),
        min_requests: None,
        one_box: false,
        alarms: vec!["alarm.errors".to_owned()],
        approval: false,
        follows: false,
    }
}

pub(super) fn course(waves: Vec<Wave>) -> Course {
    Course {
        of: "component.api".to_owned(),
        rollout: Some("rollout.steady".to_owned()),
        waves,
        window: None,
        on_alarm: OnAlarm::Rollback,
    }
}

/// The fleet.
#[derive(Default)]
pub(super) struct Fleet {
    /// How long a cell takes; five minutes if not said.
    pub(super) takes: BTreeMap<String, SignedDuration>,
    /// Cells that cannot take the release.
    pub(super) broken: BTreeSet<String>,
    /// Cells in which the alarm says this from an instant on.
    pub(super) signals: BTreeMap<String, (Timestamp, Signal)>,
    /// Requests served in a minute.
    pub(super) traffic: u64,
    /// Cells that serve none.
    pub(super) idle: BTreeSet<String>,
    /// What was begun: when, where, and which version.
    pub(super) begun: Vec<(Timestamp, String, Option<String>)>,
    /// The version in each cell.
    pub(super) has: BTreeMap<String, Option<String>>,
    /// The most cells under way at a time.
    pub(super) most: usize,
    /// How long each look at a state took it: the states, as short texts.
    pub(super) phases: Vec<String>,
    /// Whether somebody agrees.
    pub(super) agrees: bool,
}

impl World for Fleet {
    fn answer(&mut self, effect: &Effect, at: Timestamp) -> Vec<(Timestamp, Event)> {
        let takes = |cell: &str| self.takes.get(cell).copied().unwrap_or(MINUTE * 5);
        match effect {
            Effect::Deploy { cell, version } => {
                self.begun.push((at, cell.clone(), Some(version.clone())));
                let later = at + takes(cell);
                if self.broken.contains(cell) {
                    return vec![(later, Event::Failed { cell: cell.clone(), why: "it does not start".to_owned() })];
                }
                self.has.insert(cell.clone(), Some(version.clone()));
                vec![(later, Event::Deployed { cell: cell.clone() })]
            }
            Effect::GoBack { cell, to } => {
                self.begun.push((at, cell.clone(), to.clone()));
                self.has.insert(cell.clone(), to.clone());
                vec![(at + MINUTE, Event::WentBack { cell: cell.clone() })]
            }
            Effect::Observe { cells, serving, since, .. } => {
                let signal = |cell: &String| match self.signals.get(cell) {
                    Some((from, signal)) if *from <= at => *signal,
                    _ => Signal::Ok,
                };
                let signals =
                    cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), signal(cell))).collect();
                let minutes = u64::try_from(at.duration_since(*since).as_mins()).unwrap();
                let traffic = if serving.iter().all(|cell| self.idle.contains(cell)) { 0 } else { self.traffic };
                vec![(at, Event::Observed { signals, requests: minutes * traffic })]
            }
            Effect::Ask { .. } if self.agrees => vec![(at + MINUTE, Event::Approved { who: "ana".to_owned() })],
            Effect::Ask { .. } | Effect::Wake { .. } => Vec::new(),
        }
    }

    fn reached(&mut self, state: &State) {
        self.most = self.most.max(state.cells.values().filter(|cell| cell.state == CellState::Deploying).count());
        let phase = name(&state.phase);
        if self.phases.last() != Some(&phase) {
            self.phases.push(phase);
        }
    }
}

pub(super) fn name(phase: &Phase) -> String {
    let json = serde_json::to_value(phase).unwrap();
    json["phase"].as_str().unwrap().to_owned()
}

impl Fleet {
    /// Runs a course from Tuesday morning.
    pub(super) fn run(&mut self, course: &Course, more: Vec<(Timestamp, Event)>) -> State {
        let state = State::new(course, "2", start(), |_| Some("1".to_owned()));
        drive(course, state, more, self)
    }

    /// The cells in the order in which they were given a version.
    pub(super) fn given(&self, version: &str) -> Vec<&str> {
        let given = self.begun.iter().filter(|(.., own)| own.as_deref() == Some(version));
        given.map(|(_, cell, _)| cell.as_str()).collect()
    }

    pub(super) fn begun_at(&self, cell: &str) -> Timestamp {
        self.begun.iter().find(|(_, own, _)| own == cell).unwrap().0
    }
}
