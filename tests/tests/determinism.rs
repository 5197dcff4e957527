//! One program, one normal form: whatever the threads, the order of declarations, of modules and of list items.

use std::collections::BTreeSet;

use cell_tests::binary::cellc;
use cell_tests::{failures, report, repository};
use proptest::prelude::*;
use serde_json::Value;

fn expanded(folder: &std::path::Path, arguments: &[&str]) -> String {
    let output = cellc(folder, arguments, &[]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// One thread and many print the same bytes, in both formats.
#[test]
fn threads_do_not_show() {
    let examples = repository::examples();
    let failed = failures(&examples, |example| {
        for format in ["json", "text"] {
            let of = |threads| {
                let origins = if format == "json" { &["--origins"][..] } else { &[] };
                let plain = ["expand", ".", "--format", format, "--threads", threads];
                expanded(example, &[&plain[..], origins].concat())
            };
            let one = of("1");
            for threads in ["2", "8"] {
                if of(threads) != one {
                    return Err(format!("{}: {threads} threads print other {format}", example.display()));
                }
            }
        }
        Ok(())
    });
    report(examples.len(), &failed);
}

/// Errors, too, are the same whatever the threads: what is found first on a thread is not what is said first.
#[test]
fn threads_do_not_show_in_errors() {
    let program = "for n in 1..=500 {\n  cell \"c-\\(n)\" { kind = \"dev\", region = \"us-west-2\" }\n}\n\
                   for n in 1..=50 {\n  group \"g-\\(n)\" { name = { \"1\" = \"a\" }[\"\\(n)\"] }\n}\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.cell"), program).unwrap();
    let said = |threads| {
        let output = cellc(folder.path(), &["check", ".", "--threads", threads], &[]).unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let one = said("1");
    assert!(one.contains("and 48 more") && one.contains("and 499 more"), "{one}");
    assert_eq!(said("2"), one);
    assert_eq!(said("8"), one);
}

/// The parts of a program that may stand in any order.
const PARTS: [&str; 9] = [
    "org acme { management_account = \"111111111111\"\n accounts { email = \"aws+\\(.name)@acme.example\", ou = ou[.kind] } }",
    "for k in [\"dev\", \"prod\"] { ou \"\\(k)\" {} }",
    "group ops {}",
    "let sizes = { \"a\" = \"small\", \"b\" = \"large\" }",
    "for name, size in sizes { cell \"prod-\\(name)\" { kind = \"prod\", size = size, region = \"us-west-2\", owner = group.ops } }",
    "module one = \"./m.cell\" { prefix = \"x\", count = 3, owner = group.ops }",
    "module two = \"./m.cell\" { prefix = \"y\", count = count(keys(sizes)), owner = group.ops }",
    "permission_set Look { managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }",
    "grant look { to = group.ops, can = permission_set.Look, on = cells where .kind == \"prod\" }",
];

const MODULE: &str = "param prefix: String\nparam count: Int\nparam owner: Ref<group>\n\
    for n in 1..=count { cell \"\\(prefix)-\\(n)\" { kind = \"prod\", region = \"us-east-1\", owner = owner } }";

/// Addresses with the values of each, places left out.
fn meaning(text: &str) -> BTreeSet<String> {
    let value: Value = serde_json::from_str(text).unwrap();
    let records = ["entities", "resources"].into_iter().flat_map(|list| value[list].as_array().unwrap());
    records.map(|record| format!("{} {}", record["address"], record["fields"])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Reordering declarations and modules changes no address and no value.
    #[test]
    fn order_of_declarations_does_not_show(order in Just((0..PARTS.len()).collect::<Vec<_>>()).prop_shuffle()) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.cell"), MODULE).unwrap();
        let write = |order: &[usize]| {
            let text: Vec<&str> = order.iter().map(|part| PARTS[*part]).collect();
            std::fs::write(folder.path().join("main.cell"), text.join("\n")).unwrap();
            meaning(&expanded(folder.path(), &["expand", ".", "--format", "json"]))
        };
        let plain = write(&(0..PARTS.len()).collect::<Vec<_>>());
        prop_assert_eq!(write(&order), plain);
    }

    /// Reordering the items of a list that a loop runs over changes no address and no value.
    #[test]
    fn order_of_items_does_not_show(
        items in Just(vec!["ana", "raj", "li", "zoe", "kim"]).prop_shuffle(),
        removed in 0..5_usize,
    ) {
        let expand = |names: &[&str]| {
            let list: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let program = format!(
                "for who in [{}] {{ user \"\\(who)\" {{}}\n cell \"dev-\\(who)\" {{ kind = \"dev\", owner = user[who], \
                 region = \"us-west-2\", email = \"\\(who)@acme.example\", expires = 2027-01-01 }} }}", list.join(", "));
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("main.cell"), program).unwrap();
            meaning(&expanded(folder.path(), &["expand", ".", "--format", "json"]))
        };
        let all = expand(&["ana", "raj", "li", "zoe", "kim"]);
        prop_assert_eq!(&expand(&items), &all);
        // Taking one out takes out what came of it, and touches nothing else.
        let gone = items[removed];
        let rest: Vec<&str> = items.iter().copied().filter(|item| *item != gone).collect();
        let left: BTreeSet<String> = all.iter().filter(|record| !record.contains(gone)).cloned().collect();
        prop_assert_eq!(expand(&rest), left);
    }
}
