//! Where a rollout is: what is known of each cell, and what it waits for. Owns the types that a journal holds; what follows
//! from an event is [`super::step`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::course::Course;
use crate::terminal::visible;

/// Where a rollout of one release is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The version that it brings.
    pub version: String,
    /// What it does now.
    pub phase: Phase,
    /// The wave it is in.
    pub wave: usize,
    /// Whether the wave's one box is under way.
    pub one_box: bool,
    /// Its cells, by address.
    pub cells: Cells,
    /// Cells that take nothing now: they are being drained.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub draining: BTreeSet<String>,
    /// The waves that somebody has agreed to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approved: BTreeSet<usize>,
    /// Whether somebody has told it to begin nothing.
    pub paused: bool,
    /// When it was last told something.
    pub now: Timestamp,
    /// The instant at which it asked to be told the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<Timestamp>,
}

/// A cell of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Where it is.
    pub state: CellState,
    /// The wave that it goes with.
    pub wave: usize,
    /// The version that it had; none when it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// Of one that failed: why. It is kept when the cell has gone back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Where a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Its turn has not come.
    Waiting,
    /// Its turn came while it was drained; it is asked for again.
    Skipped,
    /// The release is being brought to it.
    Deploying,
    /// It has the release, and is watched with its wave.
    Baking,
    /// It has the release, and its wave is over.
    Done,
    /// It has the release by the apply that queued it: it is in no wave, and goes back with the others.
    AtOnce,
    /// The release could not be brought to it.
    Failed,
    /// It is brought back.
    RollingBack,
    /// It has what it had before.
    RolledBack,
    /// It could not be brought back.
    Stuck,
}

impl CellState {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Skipped => "skipped: it is drained",
            Self::Deploying => "deploying",
            Self::Baking => "baking",
            Self::Done => "done",
            Self::AtOnce => "in no wave",
            Self::Failed => "failed",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::Stuck => "stuck",
        }
    }

    /// The same where the rollout is over: nothing bakes any more.
    pub fn word_in(self, phase: &Phase) -> &'static str {
        match self {
            Self::Baking if phase.is_over() => "keeps it",
            state => state.word(),
        }
    }

    /// Whether the release has come to it by its wave, or may have in part.
    pub fn is_reached(self) -> bool {
        !matches!(self, Self::Waiting | Self::Skipped | Self::AtOnce)
    }

    /// Whether something is under way in it.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Deploying | Self::RollingBack)
    }

    /// Whether the release may be there in part.
    pub fn is_in_part(self) -> bool {
        self.is_under_way() || matches!(self, Self::Failed | Self::Stuck)
    }
}

/// What a rollout does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
    /// Cells of its wave are begun.
    #[default]
    Running,
    /// The window is shut.
    Shut {
        /// When it opens.
        until: Timestamp,
    },
    /// Somebody has to agree to the wave.
    Approval,
    /// Its wave, or the wave's one box, is watched.
    Baking {
        /// Since when.
        since: Timestamp,
        /// Until when at least.
        until: Timestamp,
        /// The requests that were served since then.
        requests: u64,
    },
    /// All is done but for cells that are being drained.
    Draining,
    /// It begins nothing more, and what is there stays.
    Stopped {
        /// Why.
        why: Why,
    },
    /// Every cell that it has reached goes back.
    RollingBack {
        /// Why.
        why: Why,
    },
    /// Every cell that it has reached has gone back, but for those that are stuck.
    RolledBack {
        /// Why.
        why: Why,
    },
    /// A newer release has taken its place.
    Superseded {
        /// Its version.
        by: String,
    },
    /// Its cells have it.
    Done,
}

impl Phase {
    /// Whether nothing comes after it by itself.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Stopped { .. } | Self::RolledBack { .. } | Self::Superseded { .. } | Self::Done)
    }
}

/// Why a rollout stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Why {
    /// An alarm went off.
    Alarm {
        /// Its address.
        alarm: String,
        /// In which cell.
        cell: String,
    },
    /// An alarm had no data when the bake was to end, which is no pass.
    NoData {
        /// Its address.
        alarm: String,
        /// In which cell.
        cell: String,
    },
    /// More cells failed than the wave tolerates.
    Failures {
        /// The wave.
        wave: String,
        /// Its cells that failed.
        cells: Vec<String>,
    },
    /// The one box of a wave could not take it, which none tolerates.
    OneBox {
        /// The wave.
        wave: String,
        /// The one box.
        cells: Vec<String>,
    },
    /// Cells could not take it, and no wave has passed that would say it is good all the same.
    Untaken {
        /// They.
        cells: Vec<String>,
    },
    /// What it brings was changed by somebody meanwhile.
    Altered {
        /// What is otherwise now.
        what: String,
    },
    /// No cell is left that it could come to.
    Deserted,
    /// Somebody stopped it.
    Person {
        /// Who.
        who: String,
    },
}

/// What an alarm says of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// All is well.
    Ok,
    /// It went off.
    Alarm,
    /// It has no data, `INSUFFICIENT_DATA`.
    NoData,
    /// It could not be asked: no pass, and no reason to stop.
    Unread,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// Time went by.
    Tick,
    /// A cell has the release.
    Deployed {
        /// Its address.
        cell: String,
    },
    /// A cell could not be given the release.
    Failed {
        /// Its address.
        cell: String,
        /// Why.
        why: String,
    },
    /// A cell has what it had before.
    WentBack {
        /// Its address.
        cell: String,
    },
    /// A cell could not be brought back.
    StuckBack {
        /// Its address.
        cell: String,
        /// Why.
        why: String,
    },
    /// What the alarms of the wave say, and the requests that its cells have served since the bake began.
    Observed {
        /// By alarm and cell; every alarm of the wave in each cell that has the release.
        signals: Vec<(String, String, Signal)>,
        /// The requests.
        requests: u64,
    },
    /// Somebody has agreed to the wave that waits for it.
    Approved {
        /// Who.
        who: String,
    },
    /// Somebody wants nothing to be begun.
    Paused {
        /// Who.
        who: String,
    },
    /// Somebody wants it to go on.
    Resumed {
        /// Who.
        who: String,
    },
    /// Somebody ends it.
    Aborted {
        /// Who.
        who: String,
        /// Whether what it has reached goes back.
        back: bool,
    },
    /// The cells that are being drained are these.
    Draining {
        /// Their addresses.
        cells: BTreeSet<String>,
    },
    /// These cells are none of its any more: they were torn down, or the program has them no more. Nobody is at work in them.
    Left {
        /// Their addresses.
        cells: BTreeSet<String>,
    },
    /// What it brings was changed by somebody meanwhile.
    Altered {
        /// What is otherwise now.
        what: String,
    },
    /// These cells have it though their turn has not come: somebody else has brought it there. They go back with the others.
    Found {
        /// Their addresses.
        cells: BTreeSet<String>,
    },
    /// A newer release is there.
    Superseded {
        /// Its version.
        by: String,
    },
}

impl State {
    /// A rollout that has begun nothing. `former` says which version a cell has.
    pub fn new(course: &Course, version: &str, at: Timestamp, former: impl Fn(&str) -> Option<String>) -> Self {
        let cells = course.waves.iter().enumerate().flat_map(|(wave, all)| {
            let cell = |name: &String| {
                let cell = Cell { state: CellState::Waiting, wave, former: former(name), why: None };
                (name.clone(), cell)
            };
            all.cells.iter().map(cell).collect::<Vec<_>>()
        });
        let mut state = Self {
            version: version.to_owned(),
            phase: Phase::Running,
            wave: 0,
            one_box: false,
            cells: cells.collect(),
            draining: BTreeSet::new(),
            approved: BTreeSet::new(),
            paused: false,
            now: at,
            wake: None,
        };
        state.one_box = course.waves.first().is_some_and(|wave| wave.one_box && wave.cells.len() > 1);
        state
    }

    /// Whether nothing more comes of it: what was under way when it stopped has come to its end, too.
    pub fn is_over(&self) -> bool {
        self.phase.is_over() && !self.cells.any(|_, state| state.is_under_way())
    }

    /// The cells of its waves that are not among these: what somebody is `at_work` at in one ends first. What an apply has
    /// given the release beside the waves is none of them, and goes back with the others.
    pub fn gone_from(&self, course: &Course, here: &BTreeSet<String>, at_work: bool) -> BTreeSet<String> {
        let is_gone = |(name, cell): &(&String, &Cell)| {
            let in_a_wave = cell.wave < course.waves.len();
            in_a_wave && !here.contains(*name) && !(at_work && cell.state.is_under_way())
        };
        self.cells.iter().filter(is_gone).map(|(name, _)| name.clone()).collect()
    }

    /// Lets go of cells that have left; gives what they were.
    pub fn leave<'c>(&mut self, cells: impl IntoIterator<Item = &'c String>) -> BTreeMap<String, Cell> {
        cells.into_iter().filter_map(|name| Some((name.clone(), self.cells.remove(name)?))).collect()
    }

    /// Has these cells as those that are drained; whether others were.
    pub fn drain(&mut self, cells: &BTreeSet<String>) -> bool {
        let differs = self.draining != *cells;
        self.draining.clone_from(cells);
        if self.phase == Phase::Draining {
            self.phase = Phase::Running;
        }
        differs
    }

    /// The cells that are so.
    pub fn that_are(&self, which: impl Fn(CellState) -> bool) -> impl Iterator<Item = (&String, &Cell)> {
        self.cells.iter().filter(move |(_, cell)| which(cell.state))
    }
}

impl Phase {
    /// As people read it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Shut { .. } => "waiting for the window",
            Self::Approval => "waiting for approval",
            Self::Baking { .. } => "baking",
            Self::Draining => "waiting for cells that are drained",
            Self::Stopped { .. } => "stopped",
            Self::RollingBack { .. } => "rolling back",
            Self::RolledBack { .. } => "rolled back",
            Self::Superseded { .. } => "superseded",
            Self::Done => "done",
        }
    }

    /// Why it stopped or goes back.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::Stopped { why } | Self::RollingBack { why } | Self::RolledBack { why } => Some(why),
            _ => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alarm { alarm, cell } => write!(f, "{alarm} went off in {cell}"),
            Self::NoData { alarm, cell } => write!(f, "{alarm} has no data in {cell}, which is no pass"),
            Self::Failures { wave, cells } => {
                write!(f, "more of wave {wave} failed than it tolerates: {}", cells.join(", "))
            }
            Self::OneBox { wave, cells } => {
                write!(f, "the one box of wave {wave} could not take it: {}", cells.join(", "))
            }
            Self::Untaken { cells } => write!(f, "these could not take it: {}", cells.join(", ")),
            Self::Altered { what } => write!(f, "{what}"),
            Self::Deserted => f.write_str("no cell is left that it could come to"),
            Self::Person { who } => write!(f, "{} ended it", visible::text(who)),
        }
    }
}
