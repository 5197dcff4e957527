//! Stacks that go: ours, others', and those that would not go the last time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::time::Duration;

use super::cloud::{Cloud, NAME, Trouble, content, wanted};
use super::deployments::bench;
use crate::apply::tests::time::StillClock;
use crate::plan::desired::ADDRESS_TAG;
use crate::provider::Waits;
use crate::stacks::state::StackState;
use crate::stacks::{Stacks as _, Stopped, Unwanted, WAITS, delete};

fn run(clock: &StillClock, cloud: &Cloud, stack: &str, known: Option<&str>) -> Result<(), Stopped> {
    let unwanted = Unwanted { stack, address: "deployment.shop.query", known, token: "token" };
    delete(cloud, clock, unwanted, Waits { first: Duration::from_secs(1), ..WAITS }, &mut |_| {})
}

#[test]
fn a_stack_goes_by_its_name_and_one_that_is_gone_counts() {
    let (clock, cloud) = bench();
    cloud.seed("UPDATE_IN_PROGRESS", content(&wanted("1")));
    run(&clock, &cloud, NAME, None).unwrap();
    assert_eq!(cloud.newest(), Some("DELETE_COMPLETE"));
    cloud.operations();
    run(&clock, &cloud, NAME, None).unwrap();
    assert_eq!(cloud.operations(), []);
}

#[test]
fn a_stack_of_others_is_never_deleted_and_one_of_the_record_is() {
    for status in ["CREATE_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_FAILED", "UPDATE_IN_PROGRESS"] {
        for tag in [None, Some("deployment.other.query")] {
            let (clock, cloud) = bench();
            let mut theirs = content(&wanted("1"));
            theirs.tags.remove(ADDRESS_TAG);
            theirs.tags.extend(tag.map(|tag| (ADDRESS_TAG.to_owned(), tag.to_owned())));
            cloud.seed(status, theirs);
            let id = cloud.stack(NAME).unwrap().unwrap().id;
            for stack in [NAME, &id] {
                let said = run(&clock, &cloud, stack, None).unwrap_err();
                assert!(matches!(said, Stopped::Foreign { .. }), "{status} {tag:?}: {said}");
            }
            assert_eq!(cloud.operations(), [], "{status} {tag:?}");
            run(&clock, &cloud, &id, Some(&id)).unwrap();
            assert_eq!(cloud.newest(), Some("DELETE_COMPLETE"));
        }
    }
}

#[test]
fn one_that_would_not_go_is_tried_again_and_its_failure_is_told() {
    // look, newest event, delete
    let cases = [
        (3, Trouble::Lost, true),
        (3, Trouble::LostAfter, true),
        (3, Trouble::Conflict, true),
        (4, Trouble::Stale, true),
        (3, Trouble::Denied, false),
        (3, Trouble::FailsLater, false),
    ];
    for (nth, trouble, goes) in cases {
        let (clock, cloud) = bench();
        cloud.seed("DELETE_FAILED", content(&wanted("1")));
        cloud.script(Some((nth, trouble)));
        let answer = run(&clock, &cloud, NAME, None);
        assert!(cloud.asked().1);
        match (&answer, trouble) {
            (Ok(()), _) => assert!(goes && cloud.newest() == Some("DELETE_COMPLETE"), "{trouble:?}"),
            (Err(Stopped::Call(error)), Trouble::Denied) => assert_eq!(error.message, "trouble"),
            (Err(Stopped::Failed { state: StackState::DeleteFailed, .. }), Trouble::FailsLater) => {}
            (Err(other), _) => panic!("{trouble:?}: {other}"),
        }
        assert!(cloud.operations().len() <= 1, "{trouble:?}: sent twice");
    }
}
