//! Parked accounts that a run which was killed has begun to give to a cell that the program does not have. Owns whose they are then:
//! of the cell that they were of, of a dev cell that has no account, or parked as they were.

use std::collections::BTreeMap;

use super::desired::{Desired, Wanted};
use crate::registry::given::Given;
use crate::registry::record::{FORMER, Record};
use crate::resources::ResourceKind;

/// From the address that each was to have to the one that it has after all.
pub(super) fn back(desired: &Desired, record: &Record) -> BTreeMap<String, String> {
    let is_given_up = |address: &String| {
        !desired.resources.contains_key(address)
            && !desired.removed.contains_key(address)
            && !address.ends_with(FORMER)
            && desired.moved_to(address).is_none()
    };
    let entries = record.resources.iter().filter(|(_, entry)| entry.kind == ResourceKind::Account.name());
    let given = entries.filter_map(|(address, entry)| Some((address, Given::of(entry)?)));
    let given: Vec<(&String, Given<'_>)> = given.filter(|(address, _)| is_given_up(address)).collect();
    if given.is_empty() {
        return BTreeMap::new();
    }
    let mut lacking = lacking(desired, record);
    let of_its_own = |(address, given): &(&String, Given<'_>)| {
        let (own, _) = lacking.remove_entry(given.from)?;
        Some(((*address).clone(), own.to_owned()))
    };
    // Who had one has it again, before another takes it.
    let mut back: BTreeMap<String, String> = given.iter().filter_map(of_its_own).collect();
    let is_dev = |wanted: &Wanted| wanted.account.as_ref().is_some_and(|wish| wish.cell.as_deref() == Some("dev"));
    let mut others = lacking.into_iter().filter(|(_, wanted)| is_dev(wanted));
    for (address, given) in given {
        if back.contains_key(address) {
            continue;
        }
        let is_free = !record.resources.contains_key(given.from) && !desired.resources.contains_key(given.from);
        let to = others.next().map(|(other, _)| other).or(Some(given.from).filter(|_| is_free));
        back.extend(to.filter(|to| to != address).map(|to| (address.clone(), to.to_owned())));
    }
    back
}

/// Cells and accounts of the program that have no account, and for which none is asked for and none of their own is parked.
fn lacking<'d>(desired: &'d Desired, record: &Record) -> BTreeMap<&'d str, &'d Wanted> {
    let waits = |address: &String, wanted: &Wanted| {
        let email = wanted.fields.get("email").and_then(|email| email.as_str());
        record.parked.values().any(|parked| {
            parked.from == *address || email.is_some_and(|email| parked.email.eq_ignore_ascii_case(email))
        })
    };
    let lacks = |(address, wanted): &(&String, &Wanted)| {
        wanted.account.as_ref().is_some_and(|wish| wish.id.is_none())
            && !record.resources.contains_key(*address)
            && !record.pending.contains_key(*address)
            && !waits(address, wanted)
    };
    let all = desired.resources.iter().filter(lacks);
    all.map(|(address, wanted)| (address.as_str(), wanted)).collect()
}
