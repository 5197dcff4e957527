//! What the pane says, as data: this is the JSON form, and the text and the page are made of it. Owns the types; what is in
//! them is [`super::rows`]'.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bill::Bill;
use crate::releases::Apart;

/// The format this version writes: the minor grows by what is added, the major by what changes.
pub const FORMAT_VERSION: &str = "1.0";

/// All cells at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pane {
    /// The format.
    pub format_version: String,
    /// The program's first file.
    pub source: String,
    /// When.
    pub at: Timestamp,
    /// Where the record lies.
    pub registry: String,
    /// The organization's id; none before the first apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Why alarms were not read; none when they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms_unread: Option<String>,
    /// What is released, by address.
    pub releases: Vec<Release>,
    /// The cells, by address.
    pub cells: Vec<Cell>,
    /// Cells that were not asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Emptied accounts that wait for a cell, by id.
    pub parked: Vec<Parked>,
    /// What cells cost, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Bill>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A component, or a permission set that goes by waves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its address.
    pub of: String,
    /// Is it a component? Those have a version in each cell.
    pub component: bool,
    /// The version that went through last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Released>,
    /// The rollout under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The release that waits for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// The runs of a pipeline that are under way, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<PipelineRun>,
    /// Cells with another version than the released one, while nothing is under way or queued that would change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<Apart>,
}

/// A run of a pipeline that brings a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineRun {
    /// Its name: the id of the pipeline's execution.
    pub run: String,
    /// The version that it brings.
    pub version: String,
    /// Who began it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// How many cells it has reached.
    pub reached: usize,
    /// How many could not take it.
    pub failed: usize,
}

/// A version that went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The version.
    pub version: String,
    /// Since when.
    pub since: Timestamp,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its number, from 1.
    pub number: u64,
    /// The version that it brings.
    pub version: String,
    /// What it does: `running`, `baking`, `stopped`, …
    pub phase: String,
    /// Why it stopped or goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Does anything come after it by itself?
    pub open: bool,
    /// Has somebody told it to begin nothing?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// The wave that it is in.
    pub wave: String,
    /// Until when it waits or bakes at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun: Timestamp,
    /// Who carries it out now; none when nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// How many of its cells are so: `waiting`, `deploying`, `baking`, `done`, …
    pub cells: BTreeMap<String, usize>,
}

/// A release that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Its version.
    pub version: String,
    /// Who wants it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Its address.
    pub cell: String,
    /// Its kind: `prod`.
    pub kind: String,
    /// Its cloud.
    pub cloud: String,
    /// Its region.
    pub region: String,
    /// The account's id; none before it is made, and on another cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The project on Google's cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// `active`, `draining`, `retired`.
    pub state: String,
    /// Where it is between the program and the record.
    pub standing: Standing,
    /// The last day of one that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Has that day gone by?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// The waves in which releases come to it.
    pub waves: Vec<Wave>,
    /// What it has, by the address of the component. One that does not go there is absent.
    pub versions: BTreeMap<String, Version>,
    /// Its alarms.
    pub alarms: Told,
    /// The last apply that did something in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// What somebody has to know of it.
    pub notes: Vec<Note>,
}

/// Where a cell is between the program and the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An apply has brought it about.
    Applied,
    /// No apply has.
    NotApplied,
    /// Its account was asked for, and nobody has seen it yet.
    BeingMade,
    /// It was torn down, and the program still has it.
    TornDown,
    /// The record has it, and the program has not.
    NotInProgram,
}

/// A wave that a cell is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Its label; of a cell in no wave its `track`.
    pub wave: String,
    /// Is it in no wave, and follows?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
    /// What comes with it, by address.
    pub of: Vec<String>,
}

/// What a cell has of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The version; none when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How it compares with what is released.
    pub compared: Compared,
    /// Where the cell is in the last rollout, unless all is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Place>,
}

/// How the version of a cell compares with the released one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// It is the released one.
    Released,
    /// It is the one that a rollout under way brings.
    Coming,
    /// It is another one.
    Differs,
    /// The cell has none.
    Missing,
    /// Nothing was released yet.
    Unreleased,
}

/// Where a cell is in a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `waiting`, `deploying`, `baking`, `failed`, `stuck`, …
    pub state: String,
    /// The version that the rollout brings.
    pub to: String,
    /// Of one that failed: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What the alarms of a cell say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// All in one word.
    pub state: Sound,
    /// How many there are.
    pub count: usize,
    /// Those that went off, by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
    /// Those without data, by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_data: Vec<String>,
    /// Why they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What alarms say together: the gravest of what each says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// There are none.
    None,
    /// All is well.
    Ok,
    /// They were not read.
    Unknown,
    /// At least one has no data, and none went off.
    NoData,
    /// At least one went off.
    Alarm,
}

impl Sound {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::NoData => "no data",
            Self::Alarm => "alarm",
        }
    }
}

/// An apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// When it last did something there.
    pub at: Timestamp,
    /// Its run.
    pub run: String,
}

/// Something that somebody has to know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Does somebody have to do something about it?
    pub grave: bool,
    /// In words.
    pub text: String,
}

/// An account that waits for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its id.
    pub account: String,
    /// Its name.
    pub name: String,
    /// The address it had.
    pub from: String,
    /// Since when.
    pub since: Timestamp,
}
