//! The course of a rollout: its waves and the rules between them, as a program writes them. Owns these types; what happens
//! on the way is [`super::step`]'s.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::window::Window;

/// After one box of a wave is deployed, it bakes so long, or as long as the wave does if that is less. Amazon's teams
/// give the first box of a production wave an hour
/// ([Builders' Library](https://aws.amazon.com/builders-library/automating-safe-hands-off-deployments/)).
pub const ONE_BOX: SignedDuration = SignedDuration::from_hours(1);

/// Cells of a wave that are under way at a time at most, however many the wave says: one process is at work in all of them.
pub const AT_A_TIME: usize = 256;

/// How releases of something come to its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// What is released: `component.api`, or a permission set.
    pub of: String,
    /// The rollout's address; none where nothing goes by waves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    /// The waves, in order.
    pub waves: Vec<Wave>,
    /// When cells may be begun. Bakes and rollbacks do not ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What an alarm does.
    pub on_alarm: OnAlarm,
}

/// Cells that take a release together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Its label.
    pub label: String,
    /// Its cells, by address: the order in which they are begun.
    pub cells: Vec<String>,
    /// How many are under way at a time; at least 1, and at most [`AT_A_TIME`] of what is said.
    pub parallel: usize,
    /// How many may fail without stopping the rollout.
    pub tolerate: usize,
    /// For how long it is watched after its last cell.
    pub bake: SignedDuration,
    /// How many requests its cells must have served before the bake is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u64>,
    /// Whether its first cell goes ahead of the others, and is watched alone.
    pub one_box: bool,
    /// The alarms that are watched in its cells, by address: the rollout's and its own.
    pub alarms: Vec<String>,
    /// Whether somebody has to agree before it begins.
    pub approval: bool,
    /// Whether it is no wave of the rollout but cells that follow it by their `track`: neither window nor alarms hold them
    /// back, and none of them holds the others back.
    pub follows: bool,
}

/// What an alarm does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAlarm {
    /// Every cell that the release has reached goes back to what it had.
    Rollback,
    /// Nothing more is begun; what is there stays.
    Stop,
}

impl Course {
    /// In which wave each cell is.
    pub fn wave_of(&self) -> BTreeMap<String, usize> {
        let all = self.waves.iter().enumerate();
        all.flat_map(|(at, wave)| wave.cells.iter().map(move |cell| (cell.clone(), at))).collect()
    }

    /// Of the first cells in order so many as alarms are watched in: not those in no wave, which hold no others back.
    pub fn watched(&self, count: usize) -> usize {
        let cells = self.waves.iter().flat_map(|wave| wave.cells.iter().map(|_| !wave.follows));
        cells.take(count).filter(|watched| *watched).count()
    }

    /// All cells have had their turn: has the release passed? What some could not take has, where a wave of the rollout
    /// tolerates that and another cell has it; where there is no wave but of those that follow, nothing tolerates it.
    pub fn is_passed(&self, done: usize, failed: usize) -> bool {
        failed == 0 || (done > 0 && self.waves.iter().any(|wave| !wave.follows))
    }
}

impl Wave {
    /// The wave with one of its cells alone.
    #[must_use]
    pub fn only(&self, cell: &str) -> Self {
        Self {
            label: self.label.clone(),
            cells: vec![cell.to_owned()],
            parallel: self.parallel,
            tolerate: self.tolerate,
            bake: self.bake,
            min_requests: self.min_requests,
            one_box: self.one_box,
            alarms: self.alarms.clone(),
            approval: self.approval,
            follows: self.follows,
        }
    }

    /// Is a cell the one that goes ahead of the others, where none is drained?
    pub fn is_one_box(&self, cell: &str) -> bool {
        self.one_box && self.cells.len() > 1 && self.cells.first().is_some_and(|first| first == cell)
    }

    /// How many of its cells are under way at a time.
    pub fn at_a_time(&self) -> usize {
        self.parallel.clamp(1, AT_A_TIME)
    }

    /// Whether something has to be observed before its bake is over.
    pub fn is_watched(&self) -> bool {
        !self.alarms.is_empty() || self.min_requests.is_some()
    }

    /// How long it bakes, or its one box does.
    pub fn bakes(&self, one_box: bool) -> SignedDuration {
        if one_box { self.bake.min(ONE_BOX) } else { self.bake }
    }
}
