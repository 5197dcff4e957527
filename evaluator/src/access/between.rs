//! Accesses between the one before and the one after: what a change of sets alone gives, and what outlives a change in
//! sessions that are open. Owns how they are put together; what they allow is the engine's affair.
//!
//! INVARIANT: what changes up to one of them and what changes from it on are the whole change, and nothing twice. Where
//! sets lose something too, what was there before is no part of the access of the sets alone, and is put back
//! ([`beside_what_was`]) before it is asked what a limit lets through.

use std::collections::BTreeSet;

use cell_iam::access::{Access, Level, Part, Way};
use smol_str::SmolStr;

/// The sets of after under the limits of both: what is gained up to here is the sets' doing. None where the limits are
/// the same.
pub(super) fn under_both_limits(before: &Access, after: &Access) -> Option<Access> {
    let mut access = after.clone();
    let mut differ = scps(before) != scps(after) || rcps(before) != rcps(after);
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

/// What the sets of after may do under the limits of both, and what was allowed before: what is gained from here on, a
/// limit that holds less lets through. None where the former holds the latter, as far as it is allowed after: each set
/// is there still, and says and may what it did.
///
/// All is under the limits of before. Those of after bind what they are compared with.
pub(super) fn beside_what_was(before: &Access, after: &Access, limits: &Access) -> Option<Access> {
    if before.ways.iter().all(|way| after.ways.contains(way)) {
        return None;
    }
    let mut access = before.clone();
    access.ways.extend(limits.ways.iter().map(|way| Way { facts: way.facts.over(&limits.facts), ..way.clone() }));
    Some(access)
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
    access.scps = both(scps(before), scps(after));
    access.rcps = both(rcps(before), rcps(after));
}

fn both(before: &[Level], after: &[Level]) -> Vec<Level> {
    let new = after.iter().filter(|level| !before.contains(level));
    before.iter().chain(new).cloned().collect()
}

fn scps(access: &Access) -> &[Level] {
    if access.management_account { &[] } else { &access.scps }
}

fn rcps(access: &Access) -> &[Level] {
    if access.management_account { &[] } else { &access.rcps }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]
mod tests {
    use cell_iam::access::Home;
    use cell_iam::decide::{Verdict, allows};
    use cell_iam::{Context, Request, policy};
    use proptest::prelude::*;

    use super::*;

    const THINGS: [&str; 3] = ["a", "b", "c"];

    fn part(allowed: &[bool], denied: &[bool]) -> Part {
        let one = |effect: &str, which: &[bool]| {
            let on = THINGS.iter().zip(which).filter(|(_, on)| **on).map(|(thing, _)| *thing);
            let on: Vec<String> = on.map(|thing| format!("\"arn:aws:s3:::x/{thing}\"")).collect();
            let on = if on.is_empty() { "\"arn:aws:s3:::none\"".to_owned() } else { on.join(",") };
            format!(r#"{{"Effect":"{effect}","Action":"s3:GetObject","Resource":[{on}]}}"#)
        };
        let text =
            format!(r#"{{"Version":"2012-10-17","Statement":[{},{}]}}"#, one("Allow", allowed), one("Deny", denied));
        Part::known("p", policy::parse(&text, &"p".into()).unwrap())
    }

    fn parts() -> impl Strategy<Value = Part> {
        let which = || prop::collection::vec(any::<bool>(), 3);
        (which(), prop::collection::vec(prop::bool::weighted(0.2), 3)).prop_map(|(allow, deny)| part(&allow, &deny))
    }

    fn access() -> impl Strategy<Value = Access> {
        let way = |name: &'static str| {
            (parts(), prop::option::of(parts())).prop_map(move |(own, bound)| Way {
                name: name.into(),
                identity: vec![own],
                boundary: bound.map(|part| vec![part]),
                ..Way::default()
            })
        };
        let some = |way| prop::option::weighted(0.8, way);
        let levels = || prop::collection::vec(parts(), 0..2);
        (some(way("S").boxed()), some(way("T").boxed()), levels(), levels(), prop::bool::weighted(0.1)).prop_map(
            |(s, t, scps, rcps, management_account)| {
                let level = |part| Level { name: "root".into(), parts: vec![part] };
                Access {
                    ways: s.into_iter().chain(t).collect(),
                    scps: scps.into_iter().map(level).collect(),
                    rcps: rcps.into_iter().map(level).collect(),
                    management_account,
                    home: Home::default(),
                    ..Access::default()
                }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_gain_is_by_sets_or_by_limits_and_was_not_there(
            before in access(), after in access(), same in any::<bool>(), keep in any::<bool>()
        ) {
            // Often nothing but limits changes.
            let after = if same { Access { ways: before.ways.clone(), ..after } } else { after };
            let after = if keep { Access { scps: before.scps.clone(), rcps: before.rcps.clone(), ..after } } else { after };
            let limits = under_both_limits(&before, &after);
            let old = limits.as_ref().map(|limits| {
                beside_what_was(&before, &after, limits).unwrap_or_else(|| limits.clone())
            });
            for thing in THINGS {
                let request = Request {
                    action: "s3:GetObject".into(),
                    resource: format!("arn:aws:s3:::x/{thing}").into(),
                    context: Context::default(),
                };
                let is = |access: &Access| allows(access, &request).verdict == Verdict::Allowed;
                let gained = is(&after) && !is(&before);
                let by_sets = limits.as_ref().map_or(gained, |limits| is(limits) && !is(&before));
                let by_limits = old.as_ref().is_some_and(|old| is(&after) && !is(old));
                prop_assert_eq!(u8::from(by_sets) + u8::from(by_limits), u8::from(gained), "{}", thing);
            }
        }
    }
}
