//! Assignments that ended are seen together: by few lists, by the lists that the caller may ask, and by one that answers.

use super::bench::{Bench, desired};
use super::cloud::Trouble;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::provider::Failure;

const BY_PRINCIPAL: &str = "sso:ListAccountAssignmentsForPrincipal";
const BY_PAIR: &str = "sso:ListAccountAssignments";
const CELLS: usize = 40;

fn given(to: &str) -> Desired {
    let grant = if to.is_empty() {
        String::new()
    } else {
        format!("grant look {{ to = [{to}], can = permission_set.Look, on = cells }}")
    };
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 500 }} }}\ngroup ops {{}}\ngroup dev {{}}\nfor n in 1..={CELLS} {{ cell \"c\\(n)\" {{ kind = \"alpha\", region = \"us-west-2\" }} }}\npermission_set Look {{ session = 2h }}\n{grant}"
    ))
}

/// Plans and runs it after a count anew: requests of the plan are left out.
fn run(bench: &Bench, to: &Desired, trouble: impl FnOnce(&Bench)) -> Receipt {
    let plan = bench.plan(to);
    bench.cloud.count_anew();
    trouble(bench);
    bench.run(to, &plan)
}

fn requests(bench: &Bench, call: &str) -> u64 {
    bench.cloud.requests().get(call).copied().unwrap_or_default()
}

fn seen_by(receipt: &Receipt, call: &str) -> usize {
    let saw = |outcome: &Outcome| matches!(outcome, Outcome::Done { observed } if observed.starts_with(&format!("{call}: ")));
    receipt.operations.iter().filter(|done| saw(&done.outcome)).count()
}

#[test]
fn one_list_shows_many() {
    let bench = Bench::after(&[&given("")]);
    let receipt = run(&bench, &given("group.ops, group.dev"), |_| {});
    assert_eq!(receipt.ending, Ending::Done);
    assert_eq!(seen_by(&receipt, BY_PRINCIPAL) + seen_by(&receipt, BY_PAIR), 2 * CELLS);
    let lists = requests(&bench, BY_PRINCIPAL) + requests(&bench, BY_PAIR);
    assert!(lists <= CELLS as u64 / 2, "{lists} lists for {} assignments", 2 * CELLS);

    // What is taken away is seen in the same way.
    let receipt = run(&bench, &given("group.ops"), |_| {});
    assert_eq!((receipt.ending, seen_by(&receipt, BY_PRINCIPAL) + seen_by(&receipt, BY_PAIR)), (Ending::Done, CELLS));
    let lists = requests(&bench, BY_PRINCIPAL) + requests(&bench, BY_PAIR);
    assert!(lists <= CELLS as u64 / 2, "{lists} lists for {CELLS} assignments");
}

#[test]
fn who_may_not_list_by_principal_lists_by_pair() {
    for failure in [Failure::Denied, Failure::Unsupported] {
        let bench = Bench::after(&[&given("")]);
        let receipt = run(&bench, &given("group.ops"), |bench| bench.cloud.refuse(BY_PRINCIPAL, failure));
        assert_eq!((receipt.ending, seen_by(&receipt, BY_PAIR)), (Ending::Done, CELLS), "{failure:?}");
        assert_eq!(requests(&bench, BY_PRINCIPAL), 1, "it is asked once whether it may");
    }
}

#[test]
fn a_list_that_is_behind_or_fails_once_is_asked_again() {
    for trouble in [Trouble::Stale, Trouble::Lost, Trouble::Throttled] {
        let bench = Bench::after(&[&given("")]);
        let receipt = run(&bench, &given("group.ops"), |bench| bench.cloud.script(BY_PRINCIPAL, 1, trouble));
        assert_eq!((receipt.ending, receipt.failed().count()), (Ending::Done, 0), "{trouble:?}");
    }
}

#[test]
fn a_list_that_never_answers_makes_nothing_done() {
    let to = given("group.ops");
    let shape = Bench::after(&[&to]).shape();
    let bench = Bench::after(&[&given("")]);
    let receipt = run(&bench, &to, |bench| {
        bench.cloud.refuse(BY_PRINCIPAL, Failure::Lost);
        bench.cloud.refuse(BY_PAIR, Failure::Lost);
    });
    assert_eq!((receipt.ending, receipt.failed().count()), (Ending::Failed, CELLS));
    let is_lost = |outcome: &Outcome| matches!(outcome, Outcome::Failed { failure, .. } if failure == "lost");
    assert!(receipt.failed().all(|done| is_lost(&done.outcome)), "{:?}", receipt.failed().next());
    assert_eq!(bench.converges(&to, Command::Apply, &shape), Ok(()));
}

/// Assignments outlive a group that was deleted: that it is not found shows nothing of them.
#[test]
fn a_principal_that_is_not_found_shows_nothing() {
    for fails in [false, true] {
        let bench = Bench::after(&[&given("group.ops")]);
        let receipt = run(&bench, &given(""), |bench| {
            bench.cloud.refuse(BY_PRINCIPAL, Failure::NotFound);
            for nth in 1..=u64::from(fails) * 3 {
                bench.cloud.script("sso:DeleteAccountAssignment", nth, Trouble::FailsLater);
            }
        });
        let failed = receipt.failed().count();
        assert_eq!(failed, if fails { 3 } else { 0 });
        assert_eq!(seen_by(&receipt, BY_PAIR), CELLS - failed, "each is seen by its pair");
        let left: usize = bench.cloud.state().given.values().map(std::collections::BTreeSet::len).sum();
        assert_eq!(left, failed, "what is told as done is gone");
    }
}

/// A list by principal that never answers is not the end: pairs are asked then.
#[test]
fn a_principal_whose_list_never_answers_is_seen_by_pair() {
    let bench = Bench::after(&[&given("")]);
    let receipt = run(&bench, &given("group.ops"), |bench| bench.cloud.refuse(BY_PRINCIPAL, Failure::Lost));
    assert_eq!((receipt.ending, receipt.failed().count()), (Ending::Done, 0));
    assert_eq!(seen_by(&receipt, BY_PAIR), CELLS);
}

/// What a run had seen when it died is in the record: of what is not, the next one asks for each request.
#[test]
fn what_was_seen_is_written_down_with_its_look() {
    let bench = Bench::after(&[&given("")]);
    let receipt = run(&bench, &given("group.ops"), |bench| bench.cloud.script(BY_PRINCIPAL, 2, Trouble::DiesBefore));
    let recorded = bench.record().resources.values().filter(|entry| entry.kind == "assignment").count();
    let seen = seen_by(&receipt, BY_PRINCIPAL) + seen_by(&receipt, BY_PAIR);
    assert!(seen > 0);
    assert_eq!(recorded, seen);
}
