//! An account is closed when it is seen to be: what goes on after the answer is followed to its end.

use jiff::SignedDuration;

use super::bench::{Bench, desired};
use super::cloud::Trouble;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::model::{Plan, Verb};
use crate::plan::scope::Scope;
use crate::provider::AccountState;

const HEAD: &str = "org o { accounts { email = \"aws+\\(.name)@x.example\" } }\n";
const CLOSE: &str = "organizations:CloseAccount";

fn accounts(count: usize) -> Desired {
    desired(&(0..count).fold(HEAD.to_owned(), |text, at| text + &format!("account a{at} {{}}\n")))
}

fn closed(count: usize) -> Desired {
    let line = |at| format!("removed {{ from = \"account.a{at}\", account = \"close\" }}\n");
    desired(&(0..count).fold(HEAD.to_owned(), |text, at| text + &line(at)))
}

fn state(bench: &Bench, at: usize) -> AccountState {
    bench.cloud.state().account(&format!("aws+a{at}@x.example")).unwrap().state
}

fn error(receipt: &Receipt) -> String {
    let error = receipt.operations.iter().find_map(|done| match &done.outcome {
        Outcome::Failed { error, .. } => Some(error.clone()),
        _ => None,
    });
    error.unwrap_or_default()
}

fn closes(plan: &Plan) -> usize {
    plan.operations.iter().filter(|operation| operation.verb == Verb::CloseAccount).count()
}

#[test]
fn one_that_is_being_closed_is_not_closed_yet() {
    let bench = Bench::after(&[&accounts(1)]);
    let (_, receipt) = bench.apply(&closed(1));
    assert_eq!((receipt.ending, state(&bench, 0)), (Ending::Done, AccountState::Closed), "{}", error(&receipt));
    assert_eq!(bench.is_settled(&closed(1), Command::Apply), Ok(()));
}

#[test]
fn one_that_is_open_again_was_not_closed() {
    let bench = Bench::after(&[&accounts(1)]);
    bench.cloud.script(CLOSE, 1, Trouble::FailsLater);
    let (_, receipt) = bench.apply(&closed(1));
    assert_eq!(receipt.ending, Ending::Failed);
    assert!(error(&receipt).contains("closing the account failed: it is active again"), "{}", error(&receipt));
    assert!(bench.record().entry("account.a0").is_some(), "it is still there, and still ours");
    assert_eq!(closes(&bench.plan(&closed(1))), 1);
    let (_, receipt) = bench.apply(&closed(1));
    assert_eq!((receipt.ending, state(&bench, 0)), (Ending::Done, AccountState::Closed));
}

#[test]
fn more_than_are_closed_at_once_wait_for_their_turn() {
    let bench = Bench::after(&[&accounts(9)]);
    // Two are being closed already.
    let until = bench.clock.at() + SignedDuration::from_secs(40);
    bench.cloud.edit(|state| {
        for at in [7, 8] {
            let id = state.account(&format!("aws+a{at}@x.example")).unwrap().id.clone();
            state.accounts.get_mut(&id).unwrap().state = AccountState::PendingClosure;
            state.closings.insert(id, (until, false));
        }
    });
    let (_, receipt) = bench.apply(&closed(9));
    assert_eq!(receipt.ending, Ending::Done, "{}", error(&receipt));
    assert!((0..9).all(|at| state(&bench, at) == AccountState::Closed));
}

#[test]
fn one_whose_turn_does_not_come_fails() {
    let bench = Bench::after(&[&accounts(1)]);
    bench.cloud.refuse(CLOSE, crate::provider::Failure::Conflict);
    let (_, receipt) = bench.apply(&closed(1));
    assert_eq!((receipt.ending, state(&bench, 0)), (Ending::Failed, AccountState::Active));
    assert!(bench.record().entry("account.a0").is_some());
}

/// Killed while it was being closed: the next run follows it, and asks for no second one.
#[test]
fn what_a_killed_run_began_is_followed() {
    for fails in [false, true] {
        let bench = Bench::after(&[&accounts(1)]);
        bench.cloud.script(CLOSE, 1, Trouble::DiesAfter);
        bench.apply(&closed(1));
        bench.cloud.mend();
        bench.cloud.edit(|state| state.closings.values_mut().for_each(|closing| closing.1 = fails));
        assert_eq!(closes(&bench.plan(&closed(1))), 1);
        let (_, receipt) = bench.apply(&closed(1));
        assert_eq!(receipt.ending, if fails { Ending::Failed } else { Ending::Done }, "{}", error(&receipt));
        assert_eq!(bench.cloud.asked().get(CLOSE), Some(&1));
        assert_eq!(bench.record().entry("account.a0").is_some(), fails);
    }
}

#[test]
fn one_that_does_not_end_in_time_is_left_to_the_next_run() {
    let bench = Bench::after(&[&accounts(1)]);
    bench.cloud.script(CLOSE, 1, Trouble::DiesAfter);
    bench.apply(&closed(1));
    bench.cloud.mend();
    let due = bench.clock.at() + SignedDuration::from_hours(2);
    bench.cloud.edit(|state| state.closings.values_mut().for_each(|closing| closing.0 = due));
    let (_, receipt) = bench.apply(&closed(1));
    assert!(error(&receipt).contains("has not ended in 30 minutes; the next run goes on with it"), "{receipt:#?}");
    bench.cloud.pass(7_200);
    assert_eq!(bench.is_settled(&closed(1), Command::Apply), Ok(()));
}

/// Nobody gets somebody's account closed by writing it into the record while its own closing goes on.
#[test]
fn one_that_carries_no_mark_of_ours_is_not_closed_again() {
    for is in [AccountState::Active, AccountState::PendingClosure] {
        let bench = Bench::after(&[&accounts(1)]);
        bench.cloud.edit(|state| {
            let id = state.account("aws+a0@x.example").unwrap().id.clone();
            state.tags.remove(&id);
            state.accounts.get_mut(&id).unwrap().state = is;
        });
        let refused = bench.try_plan(&closed(1), &Scope::default(), Command::Apply).map(|plan| closes(&plan));
        assert_eq!(refused.map_err(|no| no.codes()), Err("E0505".to_owned()), "{is:?}");
    }
}
