//! The part of a plan that a saved one asks for. Owns that what is run was planned just now: of a file only what it is about
//! counts, since whoever may write it can write its digest, too.

use std::collections::{BTreeMap, BTreeSet};

use super::cost;
use super::model::{Access, Change, Operation, OperationId, Plan};
use super::stale::Known;

/// Of a plan that was made just now the changes of a saved one, with what makes them. Both are about the same: nothing of the
/// saved one has [moved](super::stale::moved).
///
/// # Errors
/// Why it is no part by itself: something of it needs now what is not in the saved one.
pub fn part(mut now: Plan, saved: &Plan) -> Result<Plan, String> {
    let known = Known::of(saved);
    let (kept, left): (Vec<Change>, Vec<Change>) =
        now.changes.into_iter().partition(|change| known.has(&change.address));
    now.changes = kept;
    if left.is_empty() {
        return Ok(now);
    }
    let taken = taken(&now.operations, &now.changes, &left)?;
    let places: BTreeMap<OperationId, OperationId> =
        taken.iter().zip(0_u32..).map(|(old, new)| (*old, OperationId(new))).collect();
    let place = |id: &OperationId| places.get(id).copied();
    let operations = now.operations.into_iter().filter_map(|operation| {
        let (id, needs) = (place(&operation.id)?, operation.needs.iter().filter_map(place).collect());
        Some(Operation { id, needs, ..operation })
    });
    now.operations = operations.collect();
    for change in &mut now.changes {
        change.operations = change.operations.iter().filter_map(place).collect();
    }
    let beside: BTreeSet<&str> = left.iter().map(|change| change.address.as_str()).collect();
    let about: BTreeSet<&str> = now.changes.iter().map(|change| change.address.as_str()).collect();
    // What is said of nothing that is left out stays, a brake on the whole among it.
    now.notices.retain(|notice| {
        let speaks_of = |of: &BTreeSet<&str>| notice.addresses.iter().any(|address| of.contains(address.as_str()));
        speaks_of(&about) || !speaks_of(&beside)
    });
    now.access = now.access.into_iter().filter_map(|row| access(row, &about)).collect();
    now.cost = cost::of(&now.operations, now.limits, now.cost.quotas);
    Ok(now)
}

/// The operations of the changes that are kept, in order, with what they need that is no change's.
fn taken(operations: &[Operation], kept: &[Change], left: &[Change]) -> Result<BTreeSet<OperationId>, String> {
    let of = |changes: &[Change]| -> BTreeSet<OperationId> {
        changes.iter().flat_map(|change| change.operations.iter().copied()).collect()
    };
    let (mut taken, others) = (of(kept), of(left));
    // What an operation needs stands before it.
    for operation in operations.iter().rev() {
        if !taken.contains(&operation.id) {
            continue;
        }
        for need in &operation.needs {
            if !others.contains(need) || taken.contains(need) {
                taken.insert(*need);
                continue;
            }
            let first = operations.get(need.0 as usize);
            let first = first.map(|first| format!("{} of {}", first.verb.word(), first.address)).unwrap_or_default();
            return Err(format!(
                "{} of {} needs {first} now, which is not in it",
                operation.verb.word(),
                operation.address
            ));
        }
    }
    Ok(taken)
}

/// A row of who gains or loses a set, by assignments of the part alone.
fn access(mut row: Access, about: &BTreeSet<&str>) -> Option<Access> {
    let head = match row.permission_set.rsplit_once("permission_set.") {
        Some((module, label)) => format!("assignment.{module}{label}/{}", row.principal),
        None => return None,
    };
    for targets in [&mut row.gained, &mut row.lost, &mut row.new_targets] {
        targets.retain(|target| about.contains(format!("{head}/{target}").as_str()));
    }
    (!row.gained.is_empty() || !row.lost.is_empty()).then_some(row)
}
