//! What waits for what, where policies and access change together.

use super::program;
use crate::apply::tests::bench::Bench;
use crate::plan::desired::Desired;
use crate::plan::model::{Operation, Plan, Verb};

const DENIES: [&str; 2] = ["sdb:*", "s3:*"];

/// An account in `ou`, whose two units hold it to policies that deny these actions, with these grants of sets by name.
fn fleet(ou: &str, [y, t]: [&[&str]; 2], grants: &[&str]) -> Desired {
    let scp = |label: &str, actions: &[&str]| {
        let deny = |(at, action): (usize, &&str)| {
            format!("deny d{at} {{ actions = [\"{action}\"], resources = [\"*\"] }}\n")
        };
        let denies: String = actions.iter().enumerate().map(deny).collect();
        format!("scp {label} {{ deny none {{ actions = [\"gamelift:*\"], resources = [\"*\"] }}\n{denies} }}\n")
    };
    let grant = |set: &&str| {
        format!("grant {} {{ to = group.ops, can = permission_set.{set}, on = [account.a] }}\n", set.to_lowercase())
    };
    let grants: String = grants.iter().map(grant).collect();
    program(&format!(
        "permission_set X {{}}\npermission_set Y {{}}\n{}{}ou y {{ scps = [scp.y] }}\nou t {{ scps = [scp.t] }}\n\
         account a {{ email = \"a@x.example\", ou = ou.{ou}, protect = false }}\n{grants}",
        scp("y", y),
        scp("t", t)
    ))
}

/// The plan from one to the other, which is carried out to its end.
fn between(from: &Desired, to: &Desired) -> Plan {
    let bench = Bench::after(&[from]);
    let (plan, receipt) = bench.apply(to);
    assert_eq!(receipt.failed().count(), 0, "{:?}", receipt.failed().collect::<Vec<_>>());
    assert!(bench.plan(to).operations.is_empty());
    for (at, operation) in plan.operations.iter().enumerate() {
        assert!(operation.id.0 as usize == at && operation.needs.iter().all(|need| *need < operation.id));
    }
    plan
}

fn one(plan: &Plan, is: fn(&Verb) -> bool) -> &Operation {
    plan.operations.iter().find(|one| is(&one.verb)).unwrap()
}

/// Does the first wait for the second?
fn waits(plan: &Plan, later: fn(&Verb) -> bool, first: fn(&Verb) -> bool) -> bool {
    one(plan, later).needs.contains(&one(plan, first).id)
}

const UPDATED: fn(&Verb) -> bool = |verb| matches!(verb, Verb::UpdatePolicy { .. });
const GIVEN: fn(&Verb) -> bool = |verb| matches!(verb, Verb::Assign { .. });
const TAKEN: fn(&Verb) -> bool = |verb| matches!(verb, Verb::Unassign { .. });
const MOVED: fn(&Verb) -> bool = |verb| matches!(verb, Verb::MoveAccount { .. });

/// A policy that denies less waits until what it was to hold is taken away.
#[test]
fn a_policy_allows_more_once_access_has_gone() {
    let plan = between(&fleet("y", [&DENIES, &[]], &["X"]), &fleet("y", [&DENIES[..1], &[]], &[]));
    assert!(waits(&plan, UPDATED, TAKEN), "{:?}", plan.operations);
    // One that denies more does not.
    let plan = between(&fleet("y", [&DENIES[..1], &[]], &["X"]), &fleet("y", [&DENIES, &[]], &[]));
    assert!(!waits(&plan, UPDATED, TAKEN), "{:?}", plan.operations);
    // Nor does one that is elsewhere.
    let plan = between(&fleet("y", [&[], &DENIES], &["X"]), &fleet("y", [&[], &[]], &[]));
    assert!(!waits(&plan, UPDATED, TAKEN), "{:?}", plan.operations);
}

/// What is given waits for a policy that comes to deny more, and for no other.
#[test]
fn access_is_given_once_policies_hold_it() {
    let plan = between(&fleet("y", [&[], &[]], &[]), &fleet("y", [&DENIES, &[]], &["X"]));
    assert!(waits(&plan, GIVEN, UPDATED), "{:?}", plan.operations);
    let plan = between(&fleet("y", [&DENIES, &[]], &[]), &fleet("y", [&[], &[]], &["X"]));
    assert!(!waits(&plan, GIVEN, UPDATED), "{:?}", plan.operations);
    // Who comes under it waits as well.
    let plan = between(&fleet("t", [&[], &[]], &["X"]), &fleet("y", [&DENIES, &[]], &["X"]));
    assert!(waits(&plan, MOVED, UPDATED), "{:?}", plan.operations);
}

/// One set takes another's place under a policy that comes to deny something else: nobody is without in between, and nothing waits for itself.
#[test]
fn what_takes_the_place_of_another_comes_first() {
    let plan = between(&fleet("y", [&DENIES[..1], &[]], &["X"]), &fleet("y", [&DENIES[1..], &[]], &["Y"]));
    assert!(waits(&plan, GIVEN, UPDATED) && waits(&plan, TAKEN, GIVEN), "{:?}", plan.operations);
}

/// An account leaves a policy when what it was to hold there is gone.
#[test]
fn an_account_leaves_a_policy_once_access_has_gone() {
    let plan = between(&fleet("y", [&DENIES, &[]], &["X"]), &fleet("t", [&DENIES, &[]], &[]));
    assert!(waits(&plan, MOVED, TAKEN), "{:?}", plan.operations);
    // Given by another set in its new place, it moves first.
    let plan = between(&fleet("y", [&DENIES, &[]], &["X"]), &fleet("t", [&DENIES, &[]], &["Y"]));
    assert!(waits(&plan, GIVEN, MOVED) && waits(&plan, TAKEN, GIVEN), "{:?}", plan.operations);
}
