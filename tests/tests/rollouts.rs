//! `cellc rollout`: what is printed is what the program says.

use std::fs;

use cell_tests::binary::cellc;
use cell_tests::repository;
use serde_json::Value;

fn run(arguments: &[&str]) -> (String, String) {
    let output = cellc(repository::root(), arguments, &[]).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// The page's calendar is the one that is printed.
#[test]
fn the_calendar_on_the_page_is_printed() {
    let page = fs::read_to_string(repository::root().join("spec/rollouts.md")).unwrap();
    let block = page.split("```console\n$ cellc ").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let (command, expected) = block.split_once('\n').unwrap();
    let arguments: Vec<&str> = command.split(' ').collect();
    let (shown, said) = run(&arguments);
    assert_eq!(shown.trim_end(), expected, "{said}");
}

#[test]
fn the_calendar_is_data_too() {
    let arguments = ["rollout", "plan", "examples/rollouts", "--at", "2026-06-01T07:00:00Z", "--format", "json"];
    let document: Value = serde_json::from_str(&run(&arguments).0).unwrap();
    let calendars = document["calendars"].as_array().unwrap();
    assert_eq!((calendars.len(), document["takes_seconds"].as_u64()), (2, Some(300)));
    let waves = calendars[0]["waves"].as_array().unwrap();
    assert_eq!(waves[0]["begins"], "2026-06-01T07:00:00Z");
    for pair in waves.windows(2) {
        assert!(pair[0]["ends"].as_str() <= pair[1]["begins"].as_str(), "{pair:?}");
    }
    let of =
        |name: &str| run(&["rollout", "plan", "examples/rollouts", "--at", "2026-06-01T07:00:00Z", "--of", name]).0;
    assert!(of("query").starts_with("component.query by "));
    assert_eq!(of("query"), of("component.query"), "its label alone is enough");
    let (shown, said) = run(&["rollout", "plan", "examples/rollouts", "--of", "component.qery"]);
    assert!(said.contains("did you mean `component.query`?"), "{said}");
    assert!(shown.is_empty());
}
