//! Accesses between the one before and the one after: what a change of sets alone gives, and what outlives a change in
//! sessions that are open. Owns how they are put together; what they allow is the engine's affair.
//!
//! INVARIANT: each lies between the two, so that what changes up to it and what changes from it on are the whole change,
//! and nothing twice.

use std::collections::BTreeSet;

use cell_iam::access::{Access, Level, Part, Way};
use smol_str::SmolStr;

/// The sets of after under the limits of both: what is gained from here on, a limit that holds less lets through. None
/// where the limits are the same.
pub(super) fn under_both_limits(before: &Access, after: &Access) -> Option<Access> {
    let mut access = after.clone();
    let mut differ = levels(before) != levels(after);
    for way in &mut access.ways {
        let was = before.ways.iter().find(|was| was.name == way.name).map(|was| &was.boundary);
        if let Some(was) = was.filter(|was| **was != way.boundary) {
            // Two bounds hold as one within the other; no way of a permission set has policies of its session.
            way.session.clone_from(was);
            differ = true;
        }
    }
    limited(&mut access, before, after);
    differ.then_some(access)
}

/// The access after with the sets that are taken away, as far as they allow it on either side: what is lost from here
/// on is kept by sessions that are open, since their role is asked for no assignment. What a policy or a limit takes
/// is gone at the next request. `now` says what a set's policies are afterwards, if it is still there. None where no set
/// is taken.
pub(super) fn with_open_sessions(
    before: &Access,
    after: &Access,
    now: &dyn Fn(&SmolStr) -> Option<Vec<Part>>,
) -> Option<Access> {
    let held: BTreeSet<&SmolStr> = after.ways.iter().map(|way| &way.name).collect();
    let taken = before.ways.iter().filter(|way| !held.contains(&way.name));
    let taken: Vec<Way> = taken
        .map(|way| {
            let session = now(&way.name).filter(|identity| *identity != way.identity);
            Way { session, ..way.clone() }
        })
        .collect();
    if taken.is_empty() {
        return None;
    }
    let mut access = after.clone();
    access.ways.extend(taken);
    if after.ways.is_empty() {
        access.facts = before.facts.clone();
    }
    limited(&mut access, before, after);
    Some(access)
}

/// Under the levels of both sides.
fn limited(access: &mut Access, before: &Access, after: &Access) {
    access.management_account = false;
    access.scps = levels(before).to_vec();
    for level in levels(after) {
        if !access.scps.contains(level) {
            access.scps.push(level.clone());
        }
    }
}

fn levels(access: &Access) -> &[Level] {
    if access.management_account { &[] } else { &access.scps }
}
