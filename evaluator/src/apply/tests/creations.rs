//! An account is never made twice, and none is forgotten.

use jiff::SignedDuration;

use super::bench::{Bench, desired};
use super::cloud::{MANAGEMENT, State, Trouble};
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::plan::desired::Desired;
use crate::provider::Known;

const CREATE: &str = "organizations:CreateAccount";
const BY_REQUEST: &str = "organizations:DescribeCreateAccountStatus";
const BY_EMAIL: &str = "organizations:ListAccounts";
const BY_NAME: &str = "organizations:ListCreateAccountStatus";

fn one() -> Desired {
    desired("org o { accounts { email = \"aws+\\(.name)@x.example\" } }\naccount x {}")
}

/// Questions of a call since they were counted anew.
fn asked(bench: &Bench, call: &str) -> u64 {
    bench.cloud.asked().get(call).copied().unwrap_or(0)
}

/// Accounts but for the management account.
fn made(bench: &Bench) -> usize {
    bench.cloud.state().accounts.keys().filter(|id| *id != MANAGEMENT).count()
}

fn first_failure(receipt: &Receipt) -> String {
    let of = receipt.failed().next().map(|done| done.outcome.clone());
    match of {
        Some(Outcome::Failed { failure, error, advice }) => {
            format!("{failure}: {error} / {}", advice.unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

/// A run of a first plan in which these calls go wrong.
fn run(troubles: &[(&str, u64, Trouble)]) -> (Bench, Receipt) {
    let bench = Bench::new();
    let plan = bench.plan(&one());
    bench.cloud.count_anew();
    troubles.iter().for_each(|(call, nth, trouble)| bench.cloud.script(call, *nth, *trouble));
    let receipt = bench.run(&one(), &plan);
    bench.cloud.mend();
    (bench, receipt)
}

#[test]
fn a_lost_answer_is_looked_for_before_it_is_asked_again() {
    // What was done is found: by name and time while it goes on, by e-mail when it has ended.
    for how in [Trouble::LostAfter, Trouble::UnavailableAfter] {
        let (bench, receipt) = run(&[(CREATE, 1, how)]);
        assert_eq!(receipt.ending, Ending::Done, "{}", first_failure(&receipt));
        assert_eq!((asked(&bench, CREATE), made(&bench)), (1, 1), "{how:?}");
        assert!(asked(&bench, BY_EMAIL) >= 1 && asked(&bench, BY_NAME) >= 1);
    }
    // What was not done is nowhere: only then it is asked for again.
    let (bench, receipt) = run(&[(CREATE, 1, Trouble::Lost)]);
    assert_eq!(receipt.ending, Ending::Done, "{}", first_failure(&receipt));
    assert_eq!((asked(&bench, CREATE), made(&bench)), (2, 1));
    assert!(asked(&bench, BY_EMAIL) >= 2 && asked(&bench, BY_NAME) >= 2, "it is looked for more than once");
    assert!(bench.record().pending.is_empty());
}

#[test]
fn one_that_nobody_answers_is_given_up_and_the_next_run_looks_again() {
    let all: Vec<_> = (1..=3).map(|nth| (CREATE, nth, Trouble::Lost)).collect();
    let (bench, receipt) = run(&all);
    assert!(first_failure(&receipt).starts_with("lost: "), "{}", first_failure(&receipt));
    assert_eq!((asked(&bench, CREATE), made(&bench)), (3, 0));
    assert!(bench.record().pending.contains_key("account.x"), "the intent stays in the record");
    let (plan, receipt) = bench.apply(&one());
    let reason = plan.changes[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("looked for before"), "{reason}");
    assert_eq!((receipt.ending, made(&bench)), (Ending::Done, 1));
    assert!(bench.record().pending.is_empty());
}

#[test]
fn a_run_that_died_is_taken_up_by_the_id_of_the_request() {
    let (bench, _) = run(&[(BY_REQUEST, 1, Trouble::DiesBefore)]);
    let pending = bench.record().pending["account.x"].clone();
    assert!(pending.request.is_some(), "the answer was written down before anything else");
    bench.cloud.count_anew();
    let (_, receipt) = bench.apply(&one());
    assert_eq!((receipt.ending, asked(&bench, CREATE), made(&bench)), (Ending::Done, 0, 1));
    assert!(asked(&bench, BY_REQUEST) >= 1 && asked(&bench, BY_NAME) == 0);
}

#[test]
fn a_run_that_died_before_the_answer_is_taken_up_by_name_and_time() {
    let (bench, _) = run(&[(CREATE, 1, Trouble::DiesAfter)]);
    let pending = bench.record().pending["account.x"].clone();
    assert_eq!(
        (pending.request, pending.email.as_deref()),
        (None, Some("aws+x@x.example")),
        "the intent was durable"
    );
    bench.cloud.count_anew();
    let (_, receipt) = bench.apply(&one());
    assert_eq!((receipt.ending, asked(&bench, CREATE), made(&bench)), (Ending::Done, 0, 1));
    assert!(asked(&bench, BY_NAME) >= 1);
}

#[test]
fn a_run_that_died_and_whose_account_is_there_by_now_takes_it_over_by_its_email() {
    let (bench, _) = run(&[(CREATE, 1, Trouble::DiesAfter)]);
    bench.cloud.pass(60);
    // The service remembers no creation any more.
    bench.cloud.state();
    bench.cloud.pass(1);
    bench.cloud.edit(|state| {
        let due: Vec<String> = state.makings.keys().cloned().collect();
        let (email, name) = ("aws+x@x.example".to_owned(), "x".to_owned());
        let account = crate::provider::Account {
            id: "123456789012".to_owned(),
            name,
            email,
            state: crate::provider::AccountState::Active,
            parent: Some(super::cloud::ROOT_ID.to_owned()),
        };
        if state.account("aws+x@x.example").is_none() {
            state.accounts.insert(account.id.clone(), account);
        }
        due.iter().for_each(|id| _ = state.makings.remove(id));
    });
    bench.cloud.count_anew();
    let (plan, receipt) = bench.apply(&one());
    assert_eq!(plan.changes[0].action.word(), "adopt");
    assert_eq!((receipt.ending, asked(&bench, CREATE), made(&bench)), (Ending::Done, 0, 1));
    assert!(bench.record().pending.is_empty());
}

#[test]
fn a_refusal_for_the_rate_is_waited_for() {
    let (bench, receipt) =
        run(&[(CREATE, 1, Trouble::Throttled), (CREATE, 2, Trouble::Conflict), (CREATE, 3, Trouble::Throttled)]);
    assert_eq!((receipt.ending, asked(&bench, CREATE), made(&bench)), (Ending::Done, 4, 1));
}

#[test]
fn a_refusal_is_told_and_leaves_nothing_behind() {
    let (bench, receipt) = run(&[(CREATE, 1, Trouble::Denied)]);
    let told = first_failure(&receipt);
    assert!(told.starts_with("denied: ") && told.contains("cellc plan --policy"), "{told}");
    assert_eq!((asked(&bench, CREATE), made(&bench)), (1, 0), "it is not asked again");
    assert!(bench.record().pending.is_empty());
}

#[test]
fn a_creation_that_fails_later_is_told_with_its_reason() {
    let (bench, receipt) = run(&[(CREATE, 1, Trouble::FailsLater)]);
    let told = first_failure(&receipt);
    assert!(
        told.starts_with("failed: ") && told.contains("INTERNAL_FAILURE") && told.contains("run again"),
        "{told}"
    );
    assert_eq!((asked(&bench, CREATE), made(&bench)), (1, 0));
    assert!(bench.record().pending.is_empty(), "it came to nothing, for certain");
    assert_eq!((bench.apply(&one()).1.ending, made(&bench)), (Ending::Done, 1));
}

#[test]
fn an_email_that_is_taken_meanwhile_is_looked_for_first() {
    let bench = Bench::new();
    let plan = bench.plan(&one());
    // An earlier try of ours ends between the plan and its run.
    bench.cloud.edit(|state| {
        let account = crate::provider::Account {
            id: "123456789012".to_owned(),
            email: "aws+x@x.example".to_owned(),
            ..state.accounts[MANAGEMENT].clone()
        };
        state.accounts.insert(account.id.clone(), account);
    });
    let receipt = bench.run(&one(), &plan);
    assert_eq!((receipt.ending, made(&bench)), (Ending::Done, 1), "{}", first_failure(&receipt));
    assert_eq!(bench.record().entry("account.x").map(|entry| entry.id.clone()).as_deref(), Some("123456789012"));
}

#[test]
fn one_that_takes_too_long_is_gone_on_with() {
    let bench = Bench::new();
    bench.cloud.edit(|state| state.slow = Some(SignedDuration::from_mins(45)));
    let (_, receipt) = bench.apply(&one());
    assert!(first_failure(&receipt).contains("the next run goes on with it"), "{}", first_failure(&receipt));
    bench.cloud.count_anew();
    let (_, receipt) = bench.apply(&one());
    assert_eq!((receipt.ending, asked(&bench, CREATE), made(&bench)), (Ending::Done, 0, 1));
}

#[test]
fn only_so_many_are_made_at_once() {
    for (said, most) in [("", 1), (", limits { creations = 3 }", 3)] {
        let mut text = format!("org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}{said} }}\n");
        (0..7).for_each(|at| text.push_str(&format!("account x{at} {{}}\n")));
        let bench = Bench::new();
        bench.cloud.law(move |state: &State| {
            let making = |making: &&super::state::Making| making.creation.known == Known::InProgress;
            let at_once = state.makings.values().filter(making).count();
            (at_once > most).then(|| format!("{at_once} at once"))
        });
        let (_, receipt) = bench.apply(&desired(&text));
        assert_eq!((receipt.ending, made(&bench)), (Ending::Done, 7));
        assert_eq!(bench.cloud.broken(), Vec::<String>::new(), "{said}");
    }
}
