//! Names and accounts that another address has as long as a plan runs.

use super::{of, program};
use crate::apply::tests::bench::Bench;
use crate::plan::Command;

/// What is said of an address when a program follows another one.
fn after(first: &str, then: &str, address: &str) -> String {
    let (first, then) = (program(first), program(then));
    of(&Bench::after(&[&first]), &then, Command::Apply, address)
}

#[test]
fn a_name_is_not_given_on_while_another_has_it() {
    let cases = [
        ("the label changes alone", "ou a { name = \"one\" }", "ou c { name = \"one\" }", "ou.c"),
        (
            "names are exchanged",
            "ou a { name = \"one\" }\nou b { name = \"two\" }",
            "ou a { name = \"two\" }\nou b { name = \"one\" }",
            "ou.a",
        ),
        (
            "one is renamed to what another was called",
            "ou a { name = \"one\" }\nou b { name = \"two\" }",
            "ou a { name = \"two\" }\nou b { name = \"three\" }",
            "ou.a",
        ),
        (
            "a unit takes its parent's place and name",
            "ou a { name = \"n\" }\nou b { name = \"n\", parent = ou.a }",
            "ou b { name = \"n\" }",
            "ou.b",
        ),
        (
            "a policy's label changes alone",
            "scp p { name = \"one\"\n deny d { actions = [\"s3:*\"], resources = [\"*\"] } }",
            "scp q { name = \"one\"\n deny d { actions = [\"s3:*\"], resources = [\"*\"] } }",
            "scp.q",
        ),
        (
            "a set's label changes alone",
            "permission_set s { name = \"One\", managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }",
            "permission_set t { name = \"One\", managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }",
            "permission_set.t",
        ),
    ];
    for (what, first, then, address) in cases {
        assert_eq!(after(first, then, address), "E0521", "{what}");
    }
    let moved = "ou c { name = \"one\" }\nmoved { from = \"ou.a\", to = \"ou.c\" }";
    assert_eq!(after("ou a { name = \"one\" }", moved, "ou.c"), "update: readdress tag", "it is the same");
    let elsewhere = "ou t {}\nou a { name = \"one\", parent = ou.t }";
    assert_eq!(after("ou t {}\nou a { name = \"one\" }", elsewhere, "ou.a"), "replace: create_unit delete_unit");
}

#[test]
fn an_account_is_not_taken_over_and_ended_at_once() {
    let bench = Bench::after(&[&program("cell z { kind = \"alpha\", region = \"us-west-2\" }")]);
    let id = bench.cloud.state().accounts.values().find(|account| account.email.contains("+z@")).unwrap().id.clone();
    let first = format!("cell x {{ kind = \"alpha\", region = \"us-west-2\", account_id = \"{id}\" }}");
    let kept = "removed { from = \"cell.z\", account = \"keep\" }";
    bench.apply(&program(&format!("{first}\n{kept}")));
    for (fate, expected) in [("park", "E0521"), ("close", "E0521"), ("keep", "adopt: remember tag")] {
        let then = first.replace("cell x", "cell y");
        let then = program(&format!("{then}\nremoved {{ from = \"cell.x\", account = \"{fate}\" }}"));
        assert_eq!(of(&bench, &then, Command::Apply, "cell.y"), expected, "{fate}");
    }
}
