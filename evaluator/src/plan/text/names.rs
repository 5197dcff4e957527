//! What things are called. Owns the way from addresses and ids to names; an id without a name stays as it is.

use std::collections::HashMap;

use super::visible;
use crate::plan::model::{Change, Plan};
pub(super) use crate::terminal::address::kind;
use crate::terminal::address::split;

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
