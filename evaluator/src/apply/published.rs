//! The cells as other tools read them once a plan is carried out. Owns which of them a plan of a part brings to what the
//! program says: the others stay as they were last applied, or unapplied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::plan::model::Plan;
use crate::plan::scope::Scope;
use crate::registry::record::Record;
use crate::releases::wishes::with_account;

/// The cells after a plan: those that it takes, or brings about for what it takes, as `said` has them; any other as the
/// record has it.
pub fn cells(plan: &Plan, said: &BTreeMap<String, Json>, record: &Record) -> BTreeMap<String, Json> {
    let scope = Scope { only: plan.only.clone(), except: plan.except.clone() };
    let changed: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    let is_taken = |cell: &String| scope.takes(cell, &[]) || changed.contains(cell.as_str());
    let taken = said.iter().filter(|(cell, _)| is_taken(cell));
    // What has another address now is there under that.
    let former: BTreeSet<&str> = plan.changes.iter().filter_map(|change| change.from.as_deref()).collect();
    let left = record.cells.iter().filter(|(cell, _)| !is_taken(cell) && !former.contains(cell.as_str()));
    left.chain(taken).map(|(cell, fields)| (cell.clone(), fields.clone())).collect()
}

/// The same with the ids of their accounts.
pub(super) fn with_accounts(record: &Record, cells: &BTreeMap<String, Json>) -> BTreeMap<String, Json> {
    let id = |address: &String| record.entry(address).map(|entry| entry.id.as_str());
    cells.iter().map(|(address, cell)| (address.clone(), with_account(cell.clone(), id(address)))).collect()
}
