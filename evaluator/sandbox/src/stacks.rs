//! CloudFormation's part of the state, as data.

use crate::input::Millis;
use crate::state::Tags;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Stacks and change sets of all accounts and regions.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Stacks {
    /// (`account/region`, ARN); deleted ones too.
    pub(crate) stacks: Table<(String, String), Stack>,
    /// (the stack's ARN, ARN).
    pub(crate) change_sets: Table<(String, String), ChangeSet>,
}

/// What a stack is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) template: String,
    /// Every parameter of the template, those left to their defaults too.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    pub(crate) capabilities: Vec<String>,
}

/// A stack.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) created: Millis,
    pub(crate) updated: Option<Millis>,
    pub(crate) deleted: Option<Millis>,
    /// The change set that was executed last.
    pub(crate) change_set: Option<String>,
    pub(crate) content: Content,
    /// What a rollback goes back to.
    pub(crate) before: Content,
    /// What is to happen, the next first.
    pub(crate) course: VecDeque<Act>,
    /// The operation under way, or the last: its token.
    pub(crate) token: Option<String>,
    /// Operations by their tokens.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Physical ids of the resources that are there.
    pub(crate) resources: BTreeMap<String, String>,
    /// The oldest first.
    pub(crate) events: Vec<Event>,
    /// How many operations there were: a change set made before the last one is obsolete.
    pub(crate) operations: u64,
}

/// A step of an operation.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Act {
    /// The resource, or none for the stack.
    pub(crate) logical: Option<String>,
    /// The resource's type.
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

/// An event.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) at: Millis,
    pub(crate) logical: String,
    pub(crate) physical: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) token: Option<String>,
}

/// A change set.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ChangeSet {
    pub(crate) name: String,
    pub(crate) creates: bool,
    pub(crate) created: Millis,
    pub(crate) content: Content,
    /// When its making is over.
    pub(crate) ready: Millis,
    /// Why its making fails.
    pub(crate) fails: Option<String>,
    /// Operations of the stack when it was made.
    pub(crate) base: u64,
    /// Operations of the stack when it was executed.
    pub(crate) executed: Option<u64>,
    pub(crate) token: Option<String>,
    pub(crate) changes: Vec<Change>,
    /// No rollback.
    pub(crate) keeps: bool,
}

/// A change of a resource.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) action: String,
    pub(crate) logical: String,
    pub(crate) physical: Option<String>,
    pub(crate) kind: String,
}
