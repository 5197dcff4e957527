//! Which part of a program a plan is for: `--only` and `--except`. Owns when an address occurs in another.

use std::collections::BTreeSet;

use super::desired::Desired;
use super::model::Place;
use crate::registry::record::Record;

/// The part of a program that is planned; all of it, unless said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only these, and what they occur in; empty for all.
    pub only: Vec<String>,
    /// None of these, nor what they occur in.
    pub except: Vec<String>,
}

impl Scope {
    /// Is it the whole program?
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Without the cells that have expired and are not there: nobody wants them to be made.
    #[must_use]
    pub fn without_expired(mut self, desired: &Desired, record: &Record) -> Self {
        let left = desired.expired_and_absent(record);
        let left: Vec<String> = left.into_iter().filter(|cell| !self.except.contains(cell)).collect();
        self.except.extend(left);
        self
    }

    /// With what the grants that are named took back: assignments that are recorded and asked for no more, of a set that
    /// such a grant gives to the same principal. The record does not say by which grant something was given.
    #[must_use]
    pub fn with_taken_back(mut self, desired: &Desired, record: &Record) -> Self {
        if self.only.is_empty() {
            return self;
        }
        let given: BTreeSet<(&str, &str)> = desired
            .resources
            .iter()
            .filter(|(_, wanted)| {
                wanted.sources.iter().any(|place| self.only.iter().any(|own| place.entity == **own))
            })
            .filter_map(|(address, _)| pair(address))
            .collect();
        let recorded = record.resources.keys().filter(|address| !desired.resources.contains_key(*address));
        let back = recorded.filter(|address| pair(address).is_some_and(|pair| given.contains(&pair)));
        let back: Vec<String> = back.filter(|address| !self.takes(address, &[])).cloned().collect();
        self.only.extend(back);
        self
    }

    /// Does it take the resource of this address, which the program says at `sources`?
    pub fn takes(&self, address: &str, sources: &[Place]) -> bool {
        let occurs =
            |named: &String| occurs_in(named, address) || sources.iter().any(|place| place.entity == **named);
        (self.only.is_empty() || self.only.iter().any(occurs)) && !self.except.iter().any(occurs)
    }

    /// Does `--except` name what this address is, or is a part of?
    pub fn leaves_out(&self, address: &str) -> bool {
        self.except.iter().any(|named| occurs_in(named, address))
    }

    /// The addresses named that are not among `known`, nor occur in one of them.
    pub fn unknown<'a>(&'a self, known: &BTreeSet<&str>) -> Vec<&'a str> {
        let all = self.only.iter().chain(&self.except);
        let missing =
            all.filter(|named| !known.contains(named.as_str()) && !known.iter().any(|k| occurs_in(named, k)));
        missing.map(String::as_str).collect()
    }
}

/// The set and the principal of an assignment.
fn pair(address: &str) -> Option<(&str, &str)> {
    let mut parts = address.strip_prefix("assignment.")?.split('/');
    Some((parts.next()?, parts.next()?))
}

/// Does the address `named` occur in `address`: is it the same, or one of its parts?
/// `cell.alpha` and `permission_set.Look` occur in `assignment.Look/group.ops/cell.alpha`.
pub fn occurs_in(named: &str, address: &str) -> bool {
    if named == address {
        return true;
    }
    let mut parts = address.split('/');
    let first = parts.next().unwrap_or_default();
    parts.any(|part| part == named) || is_head(named, first)
}

/// Is `first` (`assignment.lib.Look`) the head of what comes of `named` (`lib.permission_set.Look`)?
fn is_head(named: &str, first: &str) -> bool {
    let of = |kind: &str, head: &str| {
        let Some(label) = first.strip_prefix(head) else { return false };
        let (modules, name) = label.rsplit_once('.').map_or(("", label), |(modules, name)| (modules, name));
        let dot = if modules.is_empty() { "" } else { "." };
        named.len() == modules.len() + dot.len() + kind.len() + 1 + name.len()
            && named == format!("{modules}{dot}{kind}.{name}")
    };
    of("permission_set", "assignment.")
        || of("scp", "scp_attachment.")
        || of("component", "deployment.")
        || of("component", "pipeline.")
        || of("alarm", "alarm.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_occurs_in_what_is_made_of_it() {
        let assignment = "assignment.lib.Look/group.ops/west.cell.a";
        for named in [assignment, "lib.permission_set.Look", "group.ops", "west.cell.a"] {
            assert!(occurs_in(named, assignment), "{named}");
        }
        for named in ["permission_set.Look", "cell.a", "group.op", "lib.permission_set.Loo", ""] {
            assert!(!occurs_in(named, assignment), "{named}");
        }
        assert!(
            occurs_in("scp.deny", "scp_attachment.deny/ou.prod")
                && occurs_in("ou.prod", "scp_attachment.deny/ou.prod")
        );
    }

    #[test]
    fn what_is_excepted_is_not_taken() {
        let scope = Scope { only: vec!["cell.a".into()], except: vec!["group.ops".into()] };
        assert!(scope.takes("cell.a", &[]) && scope.takes("assignment.L/user.x/cell.a", &[]));
        assert!(!scope.takes("assignment.L/group.ops/cell.a", &[]) && !scope.takes("cell.b", &[]));
    }
}
