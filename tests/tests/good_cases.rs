//! The programs of `tests/cases/good`: each passes without a warning and expands to what is known of it.

use cell_tests::{Outcome, project, repository};
use serde_json::Value;

use crate::bad_cases::with_library;

/// Nothing but notes may be said.
fn run(command: &str, name: &str) -> Outcome {
    let path = repository::root().join("tests/cases/good").join(name);
    let outcome = with_library(&path).and_then(|files| project::run_project(command, &files, name, &[]));
    let outcome = outcome.unwrap_or_else(|reason| panic!("{name}: {reason}"));
    let said = outcome.diagnostics.iter().filter(|found| found.severity != "note").map(ToString::to_string);
    let said: Vec<String> = said.collect();
    assert!(said.is_empty(), "`{command} {name}` must pass without a warning, and says:\n  {}", said.join("\n  "));
    assert_eq!(outcome.status, 0, "the status of `{command} {name}`");
    outcome
}

/// Checks and expands a program; returns its normal form.
fn expansion(name: &str) -> Value {
    run("check", name);
    run("expand", name).expansion.unwrap_or_else(|| panic!("`expand {name}` printed nothing"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("`{key}` is no list: {value}"))
}

fn count(expansion: &Value, key: &str, kind: &str) -> usize {
    list(expansion, key).iter().filter(|entity| entity["kind"] == kind).count()
}

/// How many cells each wave of the one rollout has.
fn waves(expansion: &Value) -> Vec<usize> {
    let rollouts: Vec<&Value> =
        list(expansion, "entities").iter().filter(|entity| entity["kind"] == "rollout").collect();
    let [rollout] = rollouts.as_slice() else { panic!("expected one rollout, found {}", rollouts.len()) };
    list(&rollout["fields"], "wave").iter().map(|wave| list(wave, "on").len()).collect()
}

#[test]
fn hello() {
    let form = expansion("hello.cell");
    assert_eq!((count(&form, "entities", "cell"), count(&form, "entities", "component")), (3, 1));
    assert_eq!(waves(&form), [1, 2]);
}

#[test]
fn momento() {
    let form = expansion("momento.cell");
    assert_eq!((count(&form, "entities", "cell"), count(&form, "entities", "component")), (8, 2));
    assert_eq!(count(&form, "resources", "assignment"), 15);
    assert_eq!(waves(&form), [2, 3, 1]);
}

#[test]
fn fleet_of_three_hundred() {
    let form = expansion("fleet300.cell");
    assert_eq!(count(&form, "entities", "cell"), 300);
    assert_eq!(count(&form, "resources", "assignment"), 300);
    assert_eq!(waves(&form), [15, 74, 211]);
}

#[test]
fn entities_and_resources_come_sorted_by_address() {
    let form = expansion("momento.cell");
    for key in ["entities", "resources"] {
        let addresses: Vec<&str> = list(&form, key).iter().filter_map(|entity| entity["address"].as_str()).collect();
        assert_eq!(addresses.len(), list(&form, key).len(), "each of the {key} has an address");
        assert!(addresses.is_sorted(), "{key} are not sorted by address: {addresses:?}");
    }
}
