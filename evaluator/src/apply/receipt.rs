//! What a run did, as it was seen: for each operation by which read. Owns its form (spec/apply.md).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::model::OperationId;

/// The format this version writes.
pub const FORMAT_VERSION: &str = "1.0";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything was done, and seen.
    Done,
    /// Something failed.
    Failed,
    /// It was told to stop.
    Interrupted,
    /// The record could no longer be written.
    NotRecorded,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done, and seen so.
    Done {
        /// What was seen, and by which read.
        observed: String,
    },
    /// It failed.
    Failed {
        /// The failure's class.
        failure: String,
        /// What was said.
        error: String,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
    },
    /// It was not begun, since something it needs failed.
    Skipped {
        /// What failed.
        because: OperationId,
    },
    /// It was not begun, since the run ended before.
    NotBegun,
}

/// An operation with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which one.
    pub id: OperationId,
    /// The resource.
    pub address: String,
    /// What was done.
    #[serde(rename = "do")]
    pub verb: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When it ended; none for one that was not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The format.
    pub format_version: String,
    /// The run.
    pub run: String,
    /// The plan.
    pub plan_id: String,
    /// The plan that it was the rest of: one that was run before, and of which not all was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_of: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// Why, when the record could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Every operation of the plan.
    pub operations: Vec<Done>,
    /// Requests that were sent, by service and operation.
    pub calls: BTreeMap<String, u64>,
}

impl Receipt {
    /// How many operations ended so.
    pub fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.operations.iter().filter(|done| of(&done.outcome)).count()
    }

    /// Those that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Done> {
        self.operations.iter().filter(|done| matches!(done.outcome, Outcome::Failed { .. }))
    }
}
