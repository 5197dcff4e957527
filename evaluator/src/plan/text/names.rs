//! What things are called. Owns the way from addresses and ids to names; an id without a name stays as it is.

use std::collections::HashMap;

use super::visible;
use crate::plan::model::{Change, Plan};

/// Kinds that begin the last part of an address.
const KINDS: &[&str] = &[
    "account",
    "alarm",
    "cell",
    "component",
    "grant",
    "group",
    "org",
    "ou",
    "permission_set",
    "rollout",
    "scp",
    "user",
];

/// The names that a plan knows.
#[derive(Debug)]
pub(super) struct Names<'p> {
    pub(super) plan: &'p Plan,
    changes: HashMap<&'p str, &'p Change>,
    ids: HashMap<&'p str, &'p str>,
}

impl<'p> Names<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let changes = plan.changes.iter().map(|change| (change.address.as_str(), change)).collect();
        let ids = plan.ids.iter().map(|(address, id)| (id.as_str(), address.as_str())).collect();
        Self { plan, changes, ids }
    }

    /// The change of the resource of this address.
    pub(super) fn change(&self, address: &str) -> Option<&'p Change> {
        self.changes.get(address).copied()
    }

    /// The name of what has this address: `alpha` of `cell.alpha`, `west.alpha` of `west.cell.alpha`.
    pub(super) fn of(&self, address: &str) -> String {
        match self.plan.names.get(address) {
            Some(name) if !name.is_empty() => visible::name(name),
            _ => match split(address) {
                Some((modules, _, label)) => visible::name(&format!("{modules}{label}")),
                None => visible::name(address),
            },
        }
    }

    /// The kind and the name: `cell alpha`.
    pub(super) fn with_kind(&self, address: &str) -> String {
        match kind(address) {
            Some(kind) => format!("{} {}", kind.replace('_', " "), self.of(address)),
            None => self.of(address),
        }
    }

    /// What has this id.
    pub(super) fn of_id(&self, id: &str) -> Option<String> {
        self.ids.get(id).map(|address| self.with_kind(address))
    }
}

/// The kind that stands in an address.
pub(super) fn kind(address: &str) -> Option<&str> {
    split(address).map(|(_, kind, _)| kind)
}

/// Modules with their dot, kind, and label.
fn split(address: &str) -> Option<(&str, &str, &str)> {
    let mut start = 0;
    while let Some(end) = address.get(start..)?.find('.').map(|at| start + at) {
        let word = address.get(start..end)?;
        if KINDS.contains(&word) {
            return Some((address.get(..start)?, word, address.get(end + 1..)?));
        }
        start = end + 1;
    }
    None
}
