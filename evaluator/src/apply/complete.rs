//! What a new cell takes from the edit to serving: when its account, its access, its stack and its components were seen to be
//! there. Owns how that is read off a receipt.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::receipt::{Done, Outcome, Receipt};
use crate::plan::model::{Action, Change, Plan, Verb};

/// A cell that a run has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// The cell.
    pub cell: String,
    /// From the beginning of the run until the last thing of the cell was seen.
    pub after: SignedDuration,
    /// The parts that it has, each with when the last of it was seen.
    pub parts: Vec<(&'static str, SignedDuration)>,
}

/// The cells whose accounts a run has made and of which it did everything that was planned, by address.
pub fn complete(plan: &Plan, receipt: &Receipt) -> Vec<Complete> {
    let is_new = |change: &&Change| change.kind == "account" && change.action == Action::Create;
    let cells = plan.changes.iter().filter(is_new).map(|change| change.address.as_str());
    let cells: Vec<&str> = cells.filter(|address| is_cell(address)).collect();
    if cells.is_empty() {
        return Vec::new();
    }
    let mut of: BTreeMap<&str, Vec<&Done>> = cells.into_iter().map(|cell| (cell, Vec::new())).collect();
    for done in &receipt.operations {
        if let Some(all) = cell_of(plan, done).and_then(|cell| of.get_mut(cell)) {
            all.push(done);
        }
    }
    of.into_iter().filter_map(|(cell, all)| one(cell, &all, receipt)).collect()
}

fn one(cell: &str, all: &[&Done], receipt: &Receipt) -> Option<Complete> {
    let mut parts: Vec<(&'static str, SignedDuration)> = Vec::new();
    for done in all {
        let (Outcome::Done { .. }, Some(at)) = (&done.outcome, done.at) else { return None };
        let (name, after) = (part(&done.verb), at.duration_since(receipt.began));
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, latest)) => *latest = (*latest).max(after),
            None => parts.push((name, after)),
        }
    }
    parts.sort_by_key(|(_, after)| *after);
    let after = parts.last()?.1;
    Some(Complete { cell: cell.to_owned(), after, parts })
}

/// The cell or account that an operation is of: in which a stack is, to which a policy or a set is given, which takes a component.
fn cell_of<'p>(plan: &'p Plan, done: &'p Done) -> Option<&'p str> {
    match plan.operation(done.id).map(|operation| &operation.verb) {
        Some(Verb::DeployStack(order)) => Some(&order.account),
        _ => done.address.rsplit('/').next(),
    }
}

fn part(verb: &str) -> &'static str {
    match verb {
        "assign" => "access",
        "deploy_stack" => "stack",
        "deploy" => "components",
        _ => "account",
    }
}

fn is_cell(address: &str) -> bool {
    address.rsplit('.').nth(1) == Some("cell")
}
