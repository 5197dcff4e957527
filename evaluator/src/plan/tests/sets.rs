//! Permission sets.

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::Bench;
use crate::apply::tests::cloud::State;
use crate::plan::Command;

fn edit(state: &mut State, live: Live) {
    let arn = state.arn("X").unwrap();
    let session = match live {
        Gone => {
            state.sets.remove(&arn);
            return;
        }
        Old => "PT2H",
        New => "PT3H",
        Other => "PT4H",
    };
    let set = state.sets.get_mut(&arn).unwrap();
    set.fields.session = Some(session.to_owned());
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: create_set", "nothing is there"),
    (Want, Unknown, Old, "E0504", "one of the name is there, and a tag alone proves nothing"),
    (Want, Unknown, New, "E0504", "that it says the same does not make it ours"),
    (Want, Unknown, Other, "E0504", "one of the name is there, and a tag alone proves nothing"),
    (Want, Kept, Gone, "create drift=*: forget create_set", "it was deleted outside"),
    (Want, Kept, Old, "update: update_set", "the program changed; nobody has it, so nothing is provisioned"),
    (
        Want,
        Kept,
        New,
        "update drift=session: remember",
        "somebody did what the program asks for: the record learns it",
    ),
    (Want, Kept, Other, "update drift=session: update_set", "it was changed outside, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "it is foreign"),
    (Drop, Unknown, New, "nothing", "it is foreign"),
    (Drop, Unknown, Other, "nothing", "it is foreign"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it is gone already"),
    (Drop, Kept, Old, "delete: delete_set", "its block is gone"),
    (Drop, Kept, New, "delete: delete_set", "its block is gone"),
    (Drop, Kept, Other, "delete: delete_set", "its block is gone"),
];

#[test]
fn each_cell_has_its_action() {
    let old = program("permission_set X { session = 2h }\npermission_set Y {}");
    let new = program("permission_set X { session = 3h }\npermission_set Y {}");
    let kind = Kind { address: "permission_set.X", old, new, without: program("permission_set Y {}"), edit };
    holds(&kind, TABLE);
}

const GROUND: &str = "cell a { kind = \"alpha\", region = \"us-west-2\" }\ncell b { kind = \"alpha\", region = \"us-west-2\" }\ngrant g { to = group.ops, can = permission_set.X, on = cells }\n";

fn with(set: &str) -> crate::plan::desired::Desired {
    program(&format!("{GROUND}permission_set X {{ {set} }}"))
}

#[test]
fn each_part_of_a_set_is_written_by_its_own_call_and_provisioned_once() {
    let read = "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]";
    let view = "managed = [\"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess\"]";
    let inline = "allow run { actions = [\"ec2:StartInstances\"], resources = [\"*\"] }";
    let table = [
        ("session = 1h", "session = 1h", "nothing"),
        ("session = 1h", "session = 2h", "update: update_set provision"),
        ("session = 1h", "description = \"d\", relay_state = \"https://x.example\"", "update: update_set provision"),
        ("", read, "update: attach_managed provision"),
        (read, view, "update: attach_managed detach_managed provision"),
        (read, "", "update: detach_managed provision"),
        ("", "customer_managed = [\"Mine\"]", "update: attach_customer provision"),
        (
            "customer_managed = [\"Mine\"]",
            "customer_managed = [\"/teams/Mine\"]",
            "update: attach_customer detach_customer provision",
        ),
        ("", inline, "update: put_inline_policy provision"),
        (inline, "", "update: delete_inline_policy provision"),
        ("", "boundary = \"Limit\"", "update: put_boundary provision"),
        ("boundary = \"Limit\"", "", "update: delete_boundary provision"),
        ("", "tags { a = \"b\" }", "update: tag"),
        (
            "",
            "session = 2h, managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"], boundary = \"Limit\"",
            "update: update_set attach_managed put_boundary provision",
        ),
    ];
    for (from, to, expected) in table {
        let bench = Bench::after(&[&with(from)]);
        assert_eq!(of(&bench, &with(to), Command::Apply, "permission_set.X"), expected, "{from} -> {to}");
    }
}

#[test]
fn what_an_earlier_run_left_half_applied_is_found() {
    let bench = Bench::after(&[&with("session = 2h")]);
    bench.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        state.sets.get_mut(&arn).unwrap().revision += 1;
    });
    let plan = bench.plan(&with("session = 2h"));
    let change = plan.changes.iter().find(|change| change.address == "permission_set.X").unwrap();
    assert_eq!(super::told(&plan, change), "update: provision");
    assert_eq!(change.reason.as_deref(), Some("half applied: an older form is in force in cell.a, cell.b"));
    assert_eq!(bench.run(&with("session = 2h"), &plan).failed().count(), 0);
    assert_eq!(of(&bench, &with("session = 2h"), Command::Apply, "permission_set.X"), "nothing");
}

#[test]
fn a_set_of_another_name_is_made_anew_and_given_before_the_former_is_taken() {
    let renamed = program(
        r#"cell a { kind = "alpha", region = "us-west-2" }
cell b { kind = "alpha", region = "us-west-2" }
permission_set Z { session = 2h }
grant g { to = group.ops, can = permission_set.Z, on = cells }
moved { from = "permission_set.X", to = "permission_set.Z" }"#,
    );
    let bench = Bench::after(&[&with("session = 2h")]);
    let made = |address| of(&bench, &renamed, Command::Apply, address);
    assert_eq!(made("permission_set.Z"), "replace: readdress create_set delete_set");
    assert_eq!(made("assignment.Z/group.ops/cell.a"), "replace: readdress assign unassign");
    bench.cloud.law(|state| {
        let ops = state.group("ops");
        let has = state.held.get(&ops).is_some_and(|held| {
            held.iter().map(|(account, _)| account).collect::<std::collections::BTreeSet<_>>().len() == 2
        });
        (!has).then(|| "ops lost an account".to_owned())
    });
    let (_, receipt) = bench.apply(&renamed);
    assert_eq!(receipt.failed().count(), 0);
    assert_eq!(bench.cloud.broken(), Vec::<String>::new(), "nobody is without access for a moment");
    assert_eq!(bench.cloud.state().sets.len(), 1, "the former set is gone");
    assert_eq!(made("permission_set.Z"), "nothing");
}

#[test]
fn a_set_goes_once_nobody_has_it() {
    let bench = Bench::after(&[&with("session = 2h")]);
    let without = program(
        "cell a { kind = \"alpha\", region = \"us-west-2\" }\ncell b { kind = \"alpha\", region = \"us-west-2\" }",
    );
    let plan = bench.plan(&without);
    let told: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| format!("{} after {}", operation.verb.word(), operation.needs.len()))
        .collect();
    assert_eq!(told, ["unassign after 0", "unassign after 0", "delete_set after 2"]);
    assert_eq!(bench.run(&without, &plan).failed().count(), 0);
}

/// Whoever writes somebody's set into the record does not get it deleted. One whose mark was taken away is left, too, until
/// somebody says whose it is.
#[test]
fn a_set_that_carries_no_mark_of_ours_is_not_deleted() {
    let ours = program("permission_set X { session = 2h }");
    let without = program("permission_set Y {}");
    let bench = Bench::after(&[&ours]);
    let shown = |bench: &Bench| of(bench, &without, Command::Apply, "permission_set.X");
    assert_eq!(shown(&bench), "delete: delete_set");
    let mark = |tags: &[(&str, &str)]| {
        let tags: crate::provider::Tags =
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let copy = bench.copy();
        copy.cloud.edit(|state| {
            let arn = state.arn("X").unwrap();
            state.sets.get_mut(&arn).unwrap().detail.tags = Some(tags);
        });
        copy
    };
    for tags in [&[][..], &[("team", "a")], &[("cellc:address", "permission_set.Theirs")]] {
        assert_eq!(shown(&mark(tags)), "E0504", "{tags:?}");
    }
    // An entry of just a kind and an id.
    let planted = mark(&[]);
    planted.store.edit(|record| record.resources.get_mut("permission_set.X").unwrap().fields.clear());
    assert_eq!(shown(&planted), "E0504");
    // It was taken over, and the process died before it was marked: it is taken over again, and not deleted.
    let half = mark(&[]);
    half.store.edit(|record| {
        let fields = &mut record.resources.get_mut("permission_set.X").unwrap().fields;
        fields.insert("tags".to_owned(), serde_json::json!({}));
    });
    assert_eq!(shown(&half), "E0504");
    for copy in [&half, &mark(&[]), &mark(&[("team", "a")])] {
        let wider = program("permission_set X { session = 4h }");
        let found = of(copy, &wider, Command::Apply, "permission_set.X");
        assert!(found.starts_with("adopt: remember update_set"), "{found}");
    }
    assert_eq!(
        of(&mark(&[("cellc:address", "permission_set.Theirs")]), &ours, Command::Apply, "permission_set.X"),
        "E0504"
    );
}

#[test]
fn tags_that_no_program_named_are_left_alone() {
    let bench = Bench::after(&[&with("tags { a = \"1\", b = \"2\" }")]);
    bench.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        state
            .sets
            .get_mut(&arn)
            .unwrap()
            .detail
            .tags
            .get_or_insert_default()
            .insert("theirs".to_owned(), "1".to_owned());
    });
    assert_eq!(of(&bench, &with("tags { a = \"1\", b = \"2\" }"), Command::Apply, "permission_set.X"), "nothing");
    bench.apply(&with("tags { a = \"1\" }"));
    let state = bench.cloud.state();
    let tags: Vec<&String> =
        state.sets.values().flat_map(|set| set.detail.tags.iter().flat_map(|tags| tags.keys())).collect();
    assert_eq!(tags, ["a", "cellc:address", "theirs"]);
}
