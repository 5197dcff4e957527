//! The table of states: it is whole, it is right, and the page says what it says.

use crate::stacks::state::{Meaning, StackState, Step, table};

/// Every value of `StackStatus` in the service model (botocore 1.44.8), what it means and what is done: written out
/// once more, so that a slip in the table is seen.
const EXPECTED: [(&str, Meaning, &str); 23] = [
    ("CREATE_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("CREATE_FAILED", Meaning::Badly, "refuse"),
    ("CREATE_COMPLETE", Meaning::Well, "update"),
    ("ROLLBACK_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("ROLLBACK_FAILED", Meaning::Badly, "delete"),
    ("ROLLBACK_COMPLETE", Meaning::Badly, "delete"),
    ("DELETE_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("DELETE_FAILED", Meaning::Badly, "refuse"),
    ("DELETE_COMPLETE", Meaning::Well, "create"),
    ("UPDATE_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("UPDATE_COMPLETE", Meaning::Well, "update"),
    ("UPDATE_FAILED", Meaning::Badly, "refuse"),
    ("UPDATE_ROLLBACK_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("UPDATE_ROLLBACK_FAILED", Meaning::Badly, "continue"),
    ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("UPDATE_ROLLBACK_COMPLETE", Meaning::Badly, "update"),
    ("REVIEW_IN_PROGRESS", Meaning::Well, "create"),
    ("IMPORT_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("IMPORT_COMPLETE", Meaning::Well, "update"),
    ("IMPORT_ROLLBACK_IN_PROGRESS", Meaning::UnderWay, "wait"),
    ("IMPORT_ROLLBACK_FAILED", Meaning::Badly, "refuse"),
    ("IMPORT_ROLLBACK_COMPLETE", Meaning::Badly, "update"),
];

#[test]
fn every_state_of_the_service_has_its_row() {
    assert_eq!(StackState::ALL.len(), EXPECTED.len());
    for (state, (name, meaning, word)) in StackState::ALL.iter().zip(EXPECTED) {
        assert_eq!(state.name(), name);
        assert_eq!(StackState::named(name), Some(*state));
        assert_eq!(state.means(), meaning, "{name}");
        assert!(state.step().words().starts_with(word), "{name}: {}", state.step().words());
    }
}

#[test]
fn one_waits_for_what_is_under_way_and_for_nothing_else() {
    for state in StackState::ALL {
        assert_eq!(state.means() == Meaning::UnderWay, state.step() == Step::Wait, "{state}");
    }
}

#[test]
fn a_state_that_is_not_in_the_table_has_no_row() {
    for name in ["UPDATE_PAUSED", "", "create_complete", "CREATE_COMPLETE "] {
        assert_eq!(StackState::named(name), None, "{name}");
    }
}

#[test]
fn the_page_says_what_the_table_says() {
    let page = include_str!("../../../../spec/stacks.md");
    assert!(page.contains(&table()), "the table of spec/stacks.md is not that of the code:\n{}", table());
}
