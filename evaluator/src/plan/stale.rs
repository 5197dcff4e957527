//! Does a saved plan still say what is to be done? Owns when each of its changes would come out the same, and, of a plan whose
//! run came to no end, when what is left is the rest of it and nothing else.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::model::{Action, Change, Fields, Notice, Plan};
use crate::registry::record::{FORMER, Record};
use crate::stacks::wish::recorded;

/// What moved under the changes of a saved plan, one line each: nothing when it may be run as it is. What is new is none of
/// it.
pub fn moved(saved: &Plan, now: &Plan, record: &Record) -> Vec<String> {
    let changes = saved.changes.iter().filter_map(|change| differs(change, now, record));
    changes.chain(others(saved, now)).collect()
}

/// Who is given something by a saved plan, or loses it, and is somebody else now, one line each: a group of another name, or
/// one that was made anew under its name. What the plan makes may have another id, and its place be taken by another account.
fn others(saved: &Plan, now: &Plan) -> Vec<String> {
    let assignments = saved.changes.iter().filter(|change| change.kind == "assignment");
    let principals: BTreeSet<&str> = assignments.filter_map(|change| change.address.split('/').nth(1)).collect();
    let told = |address: &str| {
        let (was, is) = (saved.ids.get(address)?, now.ids.get(address)?);
        (was != is).then(|| format!("{address} is another one now: it was {was}, and is {is}"))
    };
    principals.into_iter().filter_map(told).collect()
}

/// What of a plan is not the rest of a saved one, one line each: nothing when running the [part](super::part::part) of it that is
/// in the saved one finishes that.
///
/// For a saved plan that was begun, of the same program, and with no other run since: so a change that is needed no more was
/// made, and one that is left is the same, or a step further.
pub fn beyond(saved: &Plan, now: &Plan, record: &Record) -> Vec<String> {
    let anew = saved.changes.iter().filter(|change| matches!(change.action, Action::Create | Action::Replace));
    let anew: BTreeSet<&str> = anew.map(|change| change.address.as_str()).collect();
    let left = saved.changes.iter().filter_map(|change| strays(change, now, record, &anew));
    left.chain(others(saved, now)).collect()
}

/// What a program that was changed since asks otherwise of what is left of a plan, one line each.
pub fn asked_otherwise(saved: &Plan, now: &Plan) -> Vec<String> {
    let told = |change: &Change| {
        let found = found(change, now)?;
        (found.after != change.after).then(|| otherwise_asked(change, found))
    };
    saved.changes.iter().filter_map(told).collect()
}

/// Of a plan that was carried out: what would have to be done anew, one line each.
pub fn undone(saved: &Plan, now: &Plan) -> Vec<String> {
    let told = |change: &Change| {
        let found = found(change, now)?;
        Some(format!("{} is to {} now", change.address, found.action.word()))
    };
    saved.changes.iter().filter_map(told).collect()
}

/// The changes that are not in a saved plan.
pub fn new<'p>(saved: &'p Plan, now: &'p Plan) -> impl Iterator<Item = &'p Change> {
    let known = Known::of(saved);
    now.changes.iter().filter(move |change| !known.has(&change.address))
}

/// What a saved plan is about.
pub(super) struct Known<'p>(BTreeSet<&'p str>);

impl<'p> Known<'p> {
    pub(super) fn of(saved: &'p Plan) -> Self {
        Self(saved.changes.iter().map(|change| change.address.as_str()).collect())
    }

    /// A change of what the plan is about, or the end of a former one in whose place it makes another.
    pub(super) fn has(&self, address: &str) -> bool {
        self.0.contains(address) || self.0.contains(address.replace(FORMER, "").as_str())
    }
}

fn found<'p>(change: &Change, now: &'p Plan) -> Option<&'p Change> {
    // Changes are in the order of their addresses.
    let at = now.changes.partition_point(|found| found.address < change.address);
    now.changes.get(at).filter(|found| found.address == change.address)
}

/// Why an address could not be read, if so.
fn unreadable<'p>(address: &String, now: &'p Plan) -> Option<&'p str> {
    let of = |notice: &&Notice| notice.is_of_unread() && notice.addresses.contains(address);
    now.notices.iter().find(of).map(|notice| notice.message.as_str())
}

fn differs(change: &Change, now: &Plan, record: &Record) -> Option<String> {
    let (address, found) = (&change.address, found(change, now));
    if change.unread {
        // Its one operation brings it to `after`, whatever is there: so long as nobody else has applied something there since.
        let entry = record.entry(address).filter(|entry| !entry.is_claim()).map(|entry| &entry.fields);
        if entry != change.before.as_ref().map(recorded).as_ref() {
            return Some(format!("{address} was applied meanwhile"));
        }
        let found = found.filter(|found| found.after != change.after)?;
        return Some(otherwise_asked(change, found));
    }
    let Some(found) = found else {
        return Some(match unreadable(address, now) {
            Some(why) => {
                format!("{address} is to {}, and nothing can be said of it now: {why}", change.action.word())
            }
            None => format!("{address} needs no {} any more", change.action.word()),
        });
    };
    if found.action != change.action {
        return Some(otherwise(change, found));
    }
    if found.id != change.id {
        return Some(another(address));
    }
    if found.before != change.before {
        return Some(meanwhile(address, &between(change.before.as_ref(), found.before.as_ref())));
    }
    (found.after != change.after).then(|| otherwise_asked(change, found))
}

fn otherwise_asked(change: &Change, found: &Change) -> String {
    let fields = between(change.after.as_ref(), found.after.as_ref());
    format!("the program says something else of {} now ({fields})", change.address)
}

/// Why what is left of a change is not a part of it; `anew` are the things that the plan makes.
fn strays(change: &Change, now: &Plan, record: &Record, anew: &BTreeSet<&str>) -> Option<String> {
    let found = found(change, now)?;
    let address = &change.address;
    let goes_on = match (change.action, found.action) {
        _ if change.unread => true,
        (one, other) if one == other => true,
        // It was made, and is ours; not all of it is as wanted yet.
        (Action::Create | Action::Replace | Action::Adopt | Action::Move, Action::Update) => {
            record.entry(address).is_some()
        }
        // It was made and not recorded, deleted and not made anew, or gone and not recorded.
        (Action::Create | Action::Replace, Action::Adopt)
        | (Action::Replace, Action::Create)
        | (Action::Delete, Action::Forget) => true,
        _ => false,
    };
    if !goes_on {
        return Some(otherwise(change, found));
    }
    if change.unread {
        return None;
    }
    let is_other = |id: &String| found.id.as_ref().is_some_and(|found| found != id);
    if !matches!(change.action, Action::Replace) && change.id.as_ref().is_some_and(is_other) {
        return Some(another(address));
    }
    // What is made or deleted half has fields that neither side has.
    let (Action::Update, Some(was), Some(will), Some(is)) =
        (change.action, &change.before, &change.after, &found.before)
    else {
        return None;
    };
    let of_either = |name: &&String| {
        // What goes into a unit that is made anew may lie there already, which the record does not know yet.
        let is_inside = || will.get(*name).and_then(Json::as_str).is_some_and(|unit| anew.contains(unit));
        let is = is.get(*name);
        is == was.get(*name)
            || is == will.get(*name)
            || change.later.contains(*name)
            || matches!(name.as_str(), "ou" | "parent") && is_inside()
    };
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let other: Vec<&str> = names.into_iter().filter(|name| !of_either(name)).map(String::as_str).collect();
    (!other.is_empty()).then(|| meanwhile(address, &other.join(", ")))
}

fn otherwise(change: &Change, found: &Change) -> String {
    format!("{} was to {} and is now to {}", change.address, change.action.word(), found.action.word())
}

fn another(address: &str) -> String {
    format!("{address} is another thing now")
}

fn meanwhile(address: &str, fields: &str) -> String {
    format!("{address} was changed meanwhile ({fields})")
}

fn between(a: Option<&Fields>, b: Option<&Fields>) -> String {
    let (Some(a), Some(b)) = (a, b) else { return "it came or went".to_owned() };
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differing: Vec<&str> =
        names.into_iter().filter(|name| a.get(*name) != b.get(*name)).map(String::as_str).collect();
    differing.join(", ")
}
