//! What a run does when: as much at once as the limits allow, one thing at a time in an account, each result seen.

use std::collections::BTreeMap;

use super::bench::{Bench, desired};
use super::cloud::{State, Trouble};
use crate::apply::receipt::{Ending, Outcome};
use crate::plan::desired::Desired;
use crate::provider::{Failure, Known};

fn fleet(cells: usize, session: &str) -> Desired {
    let cell = |at| format!("cell c{at} {{ kind = \"alpha\", region = \"us-west-2\" }}\n");
    let cells: String = (0..cells).map(cell).collect();
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ creations = 5, lanes = 4 }} }}\n\
         group ops {{}}\ngroup dev {{}}\n{cells}permission_set Look {{ session = {session} }}\npermission_set Run {{}}\n\
         grant look {{ to = [group.ops, group.dev], can = permission_set.Look, on = cells }}\n\
         grant run {{ to = [group.ops, group.dev], can = permission_set.Run, on = cells }}\n"
    ))
}

#[test]
fn an_account_is_worked_on_one_at_a_time_and_all_lanes_are_used() {
    let bench = Bench::new();
    bench.cloud.law(|state: &State| {
        let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
        for job in state.jobs.values().filter(|job| job.known == Known::InProgress) {
            *busy.entry(job.given.as_ref().map_or("", |given| given.account.as_str())).or_default() += 1;
        }
        let most = busy.values().copied().max().unwrap_or(0);
        let all: usize = busy.values().sum();
        (most > 1 || all > 4).then(|| format!("{most} in one account, {all} in all"))
    });
    let (plan, receipt) = bench.apply(&fleet(6, "2h"));
    assert_eq!(receipt.ending, Ending::Done, "{:#?}", receipt.failed().collect::<Vec<_>>());
    assert_eq!(bench.cloud.broken(), Vec::<String>::new());
    assert_eq!(bench.cloud.state().all_given().len(), 24);
    assert_eq!(receipt.count(|outcome| matches!(outcome, Outcome::Done { .. })), plan.operations.len());
}

#[test]
fn a_failure_stops_only_what_needs_it() {
    let bench = Bench::new();
    let plan = bench.plan(&fleet(3, "2h"));
    bench.cloud.script("sso:CreatePermissionSet", 1, Trouble::Denied);
    bench.cloud.script("organizations:CreateAccount", 2, Trouble::Denied);
    let receipt = bench.run(&fleet(3, "2h"), &plan);
    assert_eq!(receipt.ending, Ending::Failed);
    let failed: Vec<&str> = receipt.failed().map(|done| done.verb.as_str()).collect();
    assert_eq!(failed, ["create_account", "create_set"]);
    // One set of two in two accounts of three, to two groups.
    assert_eq!(bench.cloud.state().all_given().len(), 4);
    let skipped = receipt.count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
    assert_eq!(skipped, 8, "{:#?}", receipt.operations);
}

#[test]
fn an_assignment_that_fails_later_is_a_failure_with_its_reason() {
    let bench = Bench::new();
    let plan = bench.plan(&fleet(2, "2h"));
    bench.cloud.script("sso:CreateAccountAssignment", 3, Trouble::FailsLater);
    let receipt = bench.run(&fleet(2, "2h"), &plan);
    let told: Vec<String> = receipt.failed().map(|done| format!("{:?}", done.outcome)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the role has as many policies as it may"), "{told:?}");
    assert_eq!(bench.cloud.state().all_given().len(), 7, "the others were given");
}

#[test]
fn a_provisioning_that_failed_is_found_by_the_next_plan() {
    let bench = Bench::after(&[&fleet(3, "2h")]);
    let to = fleet(3, "3h");
    let plan = bench.plan(&to);
    let provisions = plan.operations.iter().filter(|operation| operation.verb.word() == "provision").count();
    assert_eq!(provisions, 1, "once for the set, not for each edit or account");
    bench.cloud.script("sso:ProvisionPermissionSet", 1, Trouble::FailsLater);
    let receipt = bench.run(&to, &plan);
    assert_eq!(receipt.failed().map(|done| done.verb.as_str()).collect::<Vec<_>>(), ["provision"]);
    bench.cloud.mend();
    let again = bench.plan(&to);
    let told: Vec<&str> = again.operations.iter().map(|operation| operation.verb.word()).collect();
    assert_eq!(told, ["provision"], "a half-applied change is not called no change");
    let reason = again.changes[0].reason.clone().unwrap_or_default();
    let places = reason.strip_prefix("half applied: an older form is in force in ").expect("it says why");
    let places: std::collections::BTreeSet<&str> = places.split(", ").collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), ["cell.c0", "cell.c1", "cell.c2"]);
    assert_eq!(bench.run(&to, &again).ending, Ending::Done);
    assert!(bench.plan(&to).changes.is_empty());
}

#[test]
fn polls_are_of_the_list_and_where_there_is_none_of_each() {
    let bench = Bench::new();
    let (_, receipt) = bench.apply(&fleet(2, "2h"));
    let sent = bench.cloud.asked();
    assert_eq!(sent.get("sso:DescribeAccountAssignmentCreationStatus"), None);
    let told = |receipt: &crate::apply::receipt::Receipt| {
        let assigned = receipt.operations.iter().find(|done| done.verb == "assign");
        format!("{:?}", assigned.map(|done| done.outcome.clone()))
    };
    assert!(told(&receipt).contains("ended by ListAccountAssignmentCreationStatus"), "{}", told(&receipt));
    let bench = Bench::new();
    bench.cloud.refuse("sso:ListAccountAssignmentCreationStatus", Failure::Unsupported);
    let (_, receipt) = bench.apply(&fleet(2, "2h"));
    assert_eq!(receipt.ending, Ending::Done);
    assert!(told(&receipt).contains("ended by DescribeAccountAssignmentCreationStatus"), "{}", told(&receipt));
}

/// A request that is on no list and goes on all the same is asked for by its id, until it ends.
#[test]
fn a_list_that_is_behind_ends_nothing() {
    let bench = Bench::new();
    bench.cloud.refuse("sso:ListAccountAssignmentDeletionStatus", Failure::Unsupported);
    (1..=200).for_each(|nth| bench.cloud.script("sso:ListAccountAssignmentCreationStatus", nth, Trouble::Stale));
    let (plan, receipt) = bench.apply(&fleet(6, "2h"));
    assert_eq!(receipt.count(|outcome| matches!(outcome, Outcome::Done { .. })), plan.operations.len());
    assert_eq!(bench.cloud.state().all_given().len(), 24);
}

/// It ended and the list does not say how: the service is asked why it failed.
#[test]
fn an_assignment_that_failed_says_why() {
    let bench = Bench::new();
    bench.cloud.script("sso:CreateAccountAssignment", 2, Trouble::FailsLater);
    let (_, receipt) = bench.apply(&fleet(2, "2h"));
    let failed: Vec<_> = receipt.failed().collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let Outcome::Failed { error, .. } = &failed[0].outcome else { panic!("{failed:?}") };
    assert!(error.contains("as many policies as it may"), "{error}");
    assert_eq!(bench.cloud.asked().get("sso:DescribeAccountAssignmentCreationStatus"), Some(&1));
}

#[test]
fn what_is_written_is_waited_for_until_it_is_seen() {
    let bench = Bench::new();
    let plan = bench.plan(&fleet(1, "2h"));
    (1..=8).for_each(|nth| bench.cloud.script("sso:DescribePermissionSet", nth, Trouble::Stale));
    assert_eq!(bench.run(&fleet(1, "2h"), &plan).ending, Ending::Done);
    // What is not seen in half a minute is not called done.
    let bench = Bench::new();
    let plan = bench.plan(&fleet(1, "2h"));
    // More looks than fit into that time: how many do hangs on what else runs meanwhile.
    (1..=60).for_each(|nth| bench.cloud.script("organizations:DescribeAccount", nth, Trouble::Stale));
    let receipt = bench.run(&fleet(1, "2h"), &plan);
    let told: Vec<&str> = receipt.failed().map(|done| done.verb.as_str()).collect();
    assert_eq!((receipt.ending, told), (Ending::Failed, vec!["create_account"]));
    bench.cloud.mend();
    let again = bench.plan(&fleet(1, "2h"));
    assert!(again.operations.iter().all(|operation| operation.verb.word() != "create_account"), "it is there");
}

#[test]
fn the_receipt_says_who_ran_what_when_and_by_how_many_calls() {
    let bench = Bench::new();
    let (plan, receipt) = bench.apply(&fleet(1, "2h"));
    assert_eq!((receipt.run.as_str(), receipt.plan_id), ("run-1", crate::plan::file::plan_id(&plan)));
    assert!(receipt.ended > receipt.began && receipt.operations.iter().all(|done| done.at.is_some()));
    assert_eq!(receipt.calls["organizations:CreateAccount"], 1);
    assert_eq!(receipt.calls["sso:CreateAccountAssignment"], 4);
    let record = bench.record();
    assert_eq!(record.serial, 1);
    assert!(record.cells["cell.c0"]["account_id"].is_string(), "other tools find the account");
}
