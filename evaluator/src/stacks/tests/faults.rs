//! Every state that a stack may be in at the beginning, and every single trouble at every call: the end is the one
//! wanted, or it is said truly why not; nothing is done twice, and the next deployment comes through.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::cloud::{Cloud, Trouble, content, wanted};
use super::deployments::{bench, run};
use crate::apply::tests::time::StillClock;
use crate::stacks::state::{Meaning, StackState, Step};
use crate::stacks::wish::TEMPLATE_BYTES;
use crate::stacks::{Deployed, How, Stopped, TemplateBucket, Wanted};

/// No stack, or one in a state; `same`: with what is wanted already.
fn begin(state: Option<StackState>, same: bool) -> (std::sync::Arc<StillClock>, Cloud) {
    let (clock, cloud) = bench();
    if let Some(state) = state {
        cloud.seed(state.name(), content(&wanted(if same { "2" } else { "1" })));
    }
    (clock, cloud)
}

fn starts() -> impl Iterator<Item = Option<StackState>> {
    std::iter::once(None).chain(StackState::ALL.iter().copied().map(Some))
}

fn refuses(state: Option<StackState>) -> bool {
    state.is_some_and(|state| matches!(state.step(), Step::Refuse(_)))
}

/// Is the answer true?
fn is_true(answer: &Result<Deployed, Stopped>, cloud: &Cloud) -> Result<(), String> {
    match answer {
        Ok(deployed) => {
            let (status, there) = cloud.now().ok_or("told as deployed, and there is no stack")?;
            let well = StackState::named(status).is_some_and(|state| match deployed.how {
                How::Unchanged => state.means() != Meaning::UnderWay,
                How::Created | How::Updated => state.means() == Meaning::Well,
            });
            if there != content(&wanted("2")) || !well {
                return Err(format!("told as {:?}, and it is {status} with {there:?}", deployed.how));
            }
        }
        Err(Stopped::Failed { state, .. } | Stopped::Refused { state, .. }) => {
            if cloud.newest() != Some(state.name()) {
                return Err(format!("told as {state}, and it is {:?}", cloud.newest()));
            }
        }
        Err(Stopped::NotAsWanted(what)) => {
            if cloud.now().is_some_and(|(_, there)| there == content(&wanted("2"))) {
                return Err(format!("told as {what}, and it is as wanted"));
            }
        }
        Err(other) if other.to_string().is_empty() => return Err(format!("{other:?} says nothing")),
        Err(_) => {}
    }
    Ok(())
}

fn is_once(cloud: &Cloud) -> Result<(), String> {
    let mut counts = BTreeMap::new();
    for done in cloud.operations() {
        *counts.entry(if done.what == "create" { "update" } else { done.what }).or_insert(0) += 1;
    }
    if counts.values().any(|count| *count > 1) { Err(format!("done twice: {counts:?}")) } else { Ok(()) }
}

/// The next deployment, without trouble: it comes through, or a person has to look.
fn comes_through(clock: &StillClock, cloud: &Cloud) -> Result<(), String> {
    cloud.script(None);
    let (answer, _) = run(clock, cloud, &wanted("2"));
    is_true(&answer, cloud)?;
    is_once(cloud)?;
    match answer {
        Ok(_) | Err(Stopped::Refused { .. }) => Ok(()),
        Err(other) => Err(format!("and then: {other}")),
    }
}

#[test]
fn without_trouble_every_state_ends_as_wanted_or_is_refused() {
    for state in starts() {
        for same in [false, true] {
            let (clock, cloud) = begin(state, same);
            let (answer, _) = run(&clock, &cloud, &wanted("2"));
            is_true(&answer, &cloud).unwrap();
            is_once(&cloud).unwrap();
            assert_eq!(answer.is_err(), refuses(state), "{state:?} {same}: {answer:?}");
        }
    }
}

fn tried(state: Option<StackState>, same: bool, nth: u32, trouble: Trouble) -> Result<bool, String> {
    let (clock, cloud) = begin(state, same);
    cloud.script(Some((nth, trouble)));
    let (answer, _) = run(&clock, &cloud, &wanted("2"));
    let (_, struck) = cloud.asked();
    is_true(&answer, &cloud)?;
    is_once(&cloud)?;
    comes_through(&clock, &cloud)?;
    Ok(struck)
}

/// What is wanted, of a template that no request takes; the bucket is left out where it is not named.
fn large(release: &str, named: bool) -> Wanted {
    let plain = wanted(release);
    let template = format!("{}\n# {}", plain.template, "x".repeat(TEMPLATE_BYTES));
    let bucket = named.then(|| TemplateBucket::of("acme-{region}", "eu-west-1", None));
    Wanted { template, bucket, ..plain }
}

/// A template that goes by way of a bucket: a trouble at each call, and each time it ends as wanted or is told.
#[test]
fn a_large_template_is_put_before_the_change_set_is_made() {
    let (clock, cloud) = begin(None, false);
    let (refused, _) = run(&clock, &cloud, &large("2", false));
    assert!(matches!(refused, Err(Stopped::TooLarge(bytes)) if bytes > TEMPLATE_BYTES), "{refused:?}");
    assert_eq!(cloud.now(), None, "nothing was begun");
    for nth in 1..40 {
        for trouble in [Trouble::Lost, Trouble::LostAfter, Trouble::UnavailableAfter, Trouble::Throttled] {
            let (clock, cloud) = begin(None, false);
            cloud.script(Some((nth, trouble)));
            let (answer, _) = run(&clock, &cloud, &large("2", true));
            assert!(answer.is_ok(), "{nth} {trouble:?}: {answer:?}");
            assert_eq!(cloud.now().map(|(_, there)| there), Some(content(&large("2", true))), "{nth} {trouble:?}");
            is_once(&cloud).unwrap();
        }
    }
}

#[test]
fn one_trouble_at_any_call_is_mended_or_told() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for state in starts() {
        for same in [false, true] {
            for trouble in Trouble::ALL {
                for nth in 1.. {
                    cases += 1;
                    match tried(state, same, nth, trouble) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(why) => wrong.push(format!("{state:?} {same} {trouble:?} at {nth}: {why}")),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 3_000, "{cases}");
}

#[test]
fn an_answer_that_is_lost_once_costs_nothing() {
    for state in starts().filter(|state| !refuses(*state)) {
        for trouble in [Trouble::Lost, Trouble::LostAfter, Trouble::Throttled, Trouble::UnavailableAfter] {
            for nth in 1..=30 {
                let (clock, cloud) = begin(state, false);
                cloud.script(Some((nth, trouble)));
                let (answer, _) = run(&clock, &cloud, &wanted("2"));
                assert!(answer.is_ok(), "{state:?} {trouble:?} at {nth}: {answer:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn troubles_in_one_deployment_after_the_other_never_lie(
        start in 0..=StackState::ALL.len(),
        same: bool,
        troubles in prop::collection::vec((1u32..25, 0..Trouble::ALL.len()), 1..6),
    ) {
        let (clock, cloud) = begin(StackState::ALL.get(start).copied(), same);
        for (nth, trouble) in troubles {
            cloud.script(Some((nth, Trouble::ALL[trouble])));
            let (answer, _) = run(&clock, &cloud, &wanted("2"));
            prop_assert_eq!(is_true(&answer, &cloud), Ok(()));
            prop_assert_eq!(is_once(&cloud), Ok(()));
        }
        prop_assert_eq!(comes_through(&clock, &cloud), Ok(()));
    }
}
