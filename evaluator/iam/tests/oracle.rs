//! Random policies over a tiny alphabet: what the engine says of a change against every single request.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod small;

use cell_iam::Request;
use cell_iam::access::Access;
use cell_iam::decide::{Verdict, allows};
use cell_iam::region::{Delta, Proof, Region};
use cell_iam::{Engine, policy};
use proptest::prelude::*;
use small::{catalogue, covers, requests};

fn allowed(access: &Access, request: &Request) -> bool {
    match allows(access, request).verdict {
        Verdict::Allowed => true,
        Verdict::Denied => false,
        Verdict::May => panic!("nothing is unknown here: {request:?}"),
    }
}

/// The regions are exactly the requests that change, and their witnesses are among them.
fn exact(all: &[Request], regions: &[Region], from: (&Access, &[bool]), to: (&Access, &[bool]), name: &str) {
    let spelt_out = regions.iter().all(|region| !region.more);
    for (at, request) in all.iter().enumerate() {
        let changes = !from.1[at] && to.1[at];
        let said = regions.iter().any(|region| covers(region, request));
        assert!(said || !changes || !spelt_out, "{name}: missed {request:?}\n{regions:#?}");
        assert!(changes || !said, "{name}: claimed {request:?}\n{regions:#?}");
        let known = |region: &Region| region.actions.known.contains(&request.action);
        assert!(!changes || regions.iter().any(known), "{name}: missed the action of {request:?}");
    }
    for region in regions {
        assert_eq!(region.proof, Proof::Proven, "{name}: nothing is unknown here: {region:#?}");
        let witness = region.witness.as_ref().expect("a proven region has a witness");
        assert!(!allowed(from.0, &witness.request), "{name}: allowed before: {region:#?}");
        assert!(allowed(to.0, &witness.request), "{name}: not allowed after: {region:#?}");
    }
}

fn check(old: &Access, new: &Access) -> Delta {
    check_over(requests(), old, new)
}

/// The same where these are all requests that there are.
fn check_over(all: &[Request], old: &Access, new: &Access) -> Delta {
    let catalogue = catalogue();
    let delta = Engine::new(&catalogue).as_listed().diff(old, new);
    let each = |access: &Access| -> Vec<bool> { all.iter().map(|request| allowed(access, request)).collect() };
    let (before, after) = (each(old), each(new));
    exact(all, &delta.gained, (old, &before), (new, &after), "gained");
    exact(all, &delta.lost, (new, &after), (old, &before), "lost");
    // An engine that has seen other questions answers the same.
    let mut used = Engine::new(&catalogue).as_listed();
    used.diff(new, &Access::default());
    used.diff(new, old);
    assert_eq!(used.diff(old, new), delta);
    delta
}

fn cases() -> ProptestConfig {
    // The environment may ask for more.
    let asked = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { 100 };
    ProptestConfig { cases, failure_persistence: None, ..asked }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_change_of_one_policy(old in small::policy(), new in small::policy()) {
        check(&small::identity(&old), &small::identity(&new));
    }

    #[test]
    fn a_change_of_one_statement(base in small::policy(), old in small::statement(), new in small::statement()) {
        let with = |one: &serde_json::Value| {
            let mut all = base.clone();
            all.push(one.clone());
            small::identity(&all)
        };
        check(&with(&old), &with(&new));
    }

    #[test]
    fn a_change_within_all_layers(old in small::access(), new in small::access()) {
        check(&old, &new);
    }

    #[test]
    fn a_change_where_keys_are_in_every_request(old in small::access(), new in small::access()) {
        let carrying = |access: Access| Access { facts: small::carried(), ..access };
        let delta = check_over(small::carrying(), &carrying(old), &carrying(new));
        for region in delta.gained.iter().chain(&delta.lost) {
            let told = format!("{:?}", region.when);
            for key in ["s:flag", "s:date", "s:tags"] {
                let absent = format!("{key:?}, values: Values {{ absent: true");
                prop_assert!(!told.contains(&absent), "{region:#?}");
            }
        }
    }

    #[test]
    fn order_and_split_and_merge_change_nothing(all in small::policy(), turn in 0_usize..8) {
        let mut turned = all.clone();
        let by = turn % turned.len().max(1);
        turned.rotate_left(by);
        let split: Vec<_> = turned.iter().flat_map(small::split).collect();
        let delta = check(&small::identity(&all), &small::identity(&split));
        prop_assert!(delta.gained.is_empty() && delta.lost.is_empty(), "{delta:#?}");
    }

    #[test]
    fn one_more_deny_gives_nothing(all in small::policy(), deny in small::deny()) {
        let mut more = all.clone();
        more.push(deny);
        let delta = check(&small::identity(&all), &small::identity(&more));
        prop_assert!(delta.gained.is_empty(), "{delta:#?}");
    }

    #[test]
    fn documents_come_back_as_they_were(all in small::policy()) {
        let text = small::document(&all).to_string();
        let parsed = policy::parse(&text, &"random".into()).unwrap();
        prop_assert_eq!(parsed.to_json(), small::document(&all));
    }
}
