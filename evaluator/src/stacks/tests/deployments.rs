//! Deployments that go as they should, and what is told of those that do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cloud::{Cloud, Trouble, content, wanted};
use crate::apply::tests::time::StillClock;
use crate::plan::desired::ADDRESS_TAG;
use crate::provider::Waits;
use crate::stacks::{Deployed, How, Sight, Stopped, WAITS, Wanted, deploy};

pub(super) fn bench() -> (Arc<StillClock>, Cloud) {
    let clock = Arc::new(StillClock::new("2026-06-01T09:00:00Z".parse().unwrap()));
    let cloud = Cloud::new(&clock);
    (clock, cloud)
}

pub(super) fn run(clock: &StillClock, cloud: &Cloud, wanted: &Wanted) -> (Result<Deployed, Stopped>, Vec<String>) {
    let mut seen = Vec::new();
    let mut see = |sight: Sight<'_>| {
        seen.push(match sight {
            Sight::Changes(set) => format!("changes {}", set.changes.len()),
            Sight::Event(event) => format!("{} {}", event.logical, event.status),
            Sight::State(state) => format!("now {state}"),
            Sight::EventsFailed(error) => format!("no events: {error}"),
        });
    };
    let answer = deploy(cloud, clock, wanted, Waits { first: Duration::from_secs(1), ..WAITS }, &mut see);
    (answer, seen)
}

#[test]
fn a_stack_is_created_updated_and_left_alone() {
    let (clock, cloud) = bench();
    let (created, seen) = run(&clock, &cloud, &wanted("1"));
    assert_eq!(created.unwrap().how, How::Created);
    assert_eq!(
        seen,
        [
            "changes 1",
            "query-shop REVIEW_IN_PROGRESS",
            "query-shop CREATE_IN_PROGRESS",
            "now CREATE_IN_PROGRESS",
            "query-shop CREATE_COMPLETE",
            "now CREATE_COMPLETE"
        ]
    );
    assert_eq!(run(&clock, &cloud, &wanted("2")).0.unwrap().how, How::Updated);
    let (unchanged, seen) = run(&clock, &cloud, &wanted("2"));
    assert_eq!(unchanged.unwrap().how, How::Unchanged);
    assert!(seen.is_empty(), "{seen:?}");
    assert_eq!(cloud.now().unwrap(), ("UPDATE_COMPLETE", content(&wanted("2"))));
}

#[test]
fn a_failed_update_is_told_with_its_cause_and_the_stack_is_as_before() {
    let (clock, cloud) = bench();
    cloud.seed("CREATE_COMPLETE", content(&wanted("1")));
    // look, newest event, make, three looks at what is made, execute
    cloud.script(Some((7, Trouble::FailsLater)));
    let (answer, _) = run(&clock, &cloud, &wanted("2"));
    assert_eq!(
        answer.unwrap_err().to_string(),
        "it failed, and the stack is in UPDATE_ROLLBACK_COMPLETE now; Q (AWS::SQS::Queue): the queue is full"
    );
    assert_eq!(cloud.now().unwrap(), ("UPDATE_ROLLBACK_COMPLETE", content(&wanted("1"))));
    assert_eq!(run(&clock, &cloud, &wanted("2")).0.unwrap().how, How::Updated);
}

#[test]
fn a_stack_of_others_is_left_alone() {
    for tag in [None, Some("deployment.other.query")] {
        let (clock, cloud) = bench();
        let mut theirs = content(&wanted("1"));
        theirs.tags.remove(ADDRESS_TAG);
        theirs.tags.extend(tag.map(|tag| (ADDRESS_TAG.to_owned(), tag.to_owned())));
        cloud.seed("ROLLBACK_COMPLETE", theirs);
        let (answer, _) = run(&clock, &cloud, &wanted("2"));
        let said = answer.unwrap_err();
        assert!(matches!(&said, Stopped::Foreign { found, .. } if found.as_deref() == tag), "{said}");
        assert_eq!(cloud.operations(), []);
    }
}

#[test]
fn a_state_that_is_not_known_is_told_and_nothing_is_done() {
    let (clock, cloud) = bench();
    cloud.seed("UPDATE_PAUSED", content(&wanted("1")));
    let (answer, _) = run(&clock, &cloud, &wanted("2"));
    assert_eq!(answer.unwrap_err(), Stopped::Unknown("UPDATE_PAUSED".to_owned()));
    assert_eq!(cloud.operations(), []);
}

#[test]
fn patience_ends_and_says_so() {
    let (clock, cloud) = bench();
    cloud.seed("UPDATE_IN_PROGRESS", content(&wanted("1")));
    let waits = Waits { patience: jiff::SignedDuration::from_secs(10), ..WAITS };
    let answer = deploy(&cloud, &*clock, &wanted("2"), waits, &mut |_| {});
    assert!(matches!(answer, Err(Stopped::Unsettled { status, .. }) if status == "UPDATE_IN_PROGRESS"));
}

#[test]
fn what_was_before_is_not_told_as_new_where_it_cannot_be_told_apart() {
    let (clock, cloud) = bench();
    cloud.seed("CREATE_COMPLETE", content(&wanted("1")));
    // look, newest event
    cloud.script(Some((2, Trouble::Denied)));
    let (answer, seen) = run(&clock, &cloud, &wanted("2"));
    assert_eq!(answer.unwrap().how, How::Updated);
    assert!(seen[0].starts_with("no events"), "{seen:?}");
    assert!(!seen.contains(&"query-shop CREATE_COMPLETE".to_owned()), "{seen:?}");
    assert!(seen.contains(&"query-shop UPDATE_IN_PROGRESS".to_owned()), "{seen:?}");
    assert!(seen.contains(&"query-shop UPDATE_COMPLETE".to_owned()), "{seen:?}");
}

#[test]
fn that_events_cannot_be_read_is_told_once() {
    let (clock, cloud) = bench();
    cloud.seed("CREATE_COMPLETE", content(&wanted("1")));
    cloud.deaf.store(true, Ordering::SeqCst);
    let (answer, seen) = run(&clock, &cloud, &wanted("2"));
    assert_eq!(answer.unwrap().how, How::Updated);
    let told = seen.iter().filter(|sight| sight.starts_with("no events")).count();
    assert_eq!(told, 1, "{seen:?}");
}
