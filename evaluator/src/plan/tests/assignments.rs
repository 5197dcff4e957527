//! Assignments.

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{HEAD, Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::{Bench, desired_at, only};
use crate::apply::tests::cloud::State;
use crate::plan::Command;
use crate::plan::model::Action;
use crate::provider::Given;

const ADDRESS: &str = "assignment.Look/group.ops/cell.a";

fn given(state: &State, group: &str) -> Given {
    let account = state.account("aws+a@x.example").unwrap().id.clone();
    Given { set: state.arn("Look").unwrap(), principal: state.group(group), account }
}

/// An assignment has no fields: it is there or not. Another one is to somebody else.
fn edit(state: &mut State, live: Live) {
    let (ops, guests) = (given(state, "ops"), given(state, "guests"));
    match live {
        Gone => state.take(&ops),
        Old | New => {}
        Other => {
            state.take(&ops);
            state.give(&guests);
        }
    }
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: assign", "it is not there"),
    (Want, Unknown, Old, "adopt: remember", "it is there already"),
    (Want, Unknown, New, "adopt: remember", "it is there already"),
    (Want, Unknown, Other, "create: assign", "that of somebody else is another one"),
    (Want, Kept, Gone, "create drift=*: assign", "it was taken away outside"),
    (Want, Kept, Old, "nothing", "it is as it should be"),
    (Want, Kept, New, "nothing", "it is as it should be"),
    (Want, Kept, Other, "create drift=*: assign", "it was taken away outside"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "delete drift=*: unassign", "every assignment of an owned set is owned"),
    (Drop, Unknown, New, "delete drift=*: unassign", "every assignment of an owned set is owned"),
    (Drop, Unknown, Other, "nothing", "that of somebody else is another one"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it was taken away already"),
    (Drop, Kept, Old, "delete: unassign", "the program does not give it any more"),
    (Drop, Kept, New, "delete: unassign", "the program does not give it any more"),
    (Drop, Kept, Other, "forget drift=*: forget", "it was taken away already"),
];

const GROUND: &str = r#"
cell a { kind = "alpha", region = "us-west-2" }
permission_set Look { session = 2h }
grant rest { to = group.dev, can = permission_set.Look, on = cells }
"#;
const GRANT: &str = "grant look { to = group.ops, can = permission_set.Look, on = cells }";

#[test]
fn each_cell_has_its_action() {
    let with = || program(&format!("{GROUND}{GRANT}"));
    holds(&Kind { address: ADDRESS, old: with(), new: with(), without: program(GROUND), edit }, TABLE);
}

/// What somebody took away is given anew in the sight of all, also by a set that is made anew.
#[test]
fn a_set_that_is_made_anew_gives_nothing_back_unseen() {
    let named = |name: &str| {
        let ground = GROUND.replace("session = 2h", &format!("session = 2h, name = \"{name}\""));
        program(&format!("{ground}{GRANT}"))
    };
    let bench = Bench::after(&[&named("Look")]);
    assert_eq!(of(&bench, &named("Other"), Command::Apply, ADDRESS), "replace: assign unassign");
    bench.cloud.edit(|state| edit(state, Gone));
    assert_eq!(of(&bench, &named("Other"), Command::Apply, ADDRESS), "create drift=*: assign");
    let access = bench.plan(&named("Other")).access;
    assert_eq!(access.iter().map(|row| row.gained.as_slice()).collect::<Vec<_>>(), [["cell.a"]]);
}

/// What somebody gave in a parked account is seen by the part that takes it, and goes.
#[test]
fn a_part_sees_what_was_given_in_a_parked_account() {
    let cells = |cell: &str| {
        let cell = format!("cell {cell} {{ kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31 }}");
        program(&GROUND.replace("cell a { kind = \"alpha\", region = \"us-west-2\" }", &cell))
    };
    let bench = Bench::after(&[&cells("a")]);
    let torn = bench.try_plan(&cells("a"), &only(&["cell.a"]), Command::Destroy).unwrap();
    assert_eq!(bench.run(&cells("a"), &torn).failed().count(), 0);
    bench.cloud.edit(|state| {
        let by_hand = given(state, "guests");
        state.give(&by_hand);
    });
    let plan = bench.try_plan(&cells("d"), &only(&["cell.d"]), Command::Apply).unwrap();
    let gone = plan.changes.iter().find(|change| change.action.word() == "delete");
    assert!(gone.is_some_and(|change| change.address.ends_with("/cell.d")), "{:?}", plan.changes);
}

#[test]
fn a_group_that_does_not_exist_is_an_error_with_near_names() {
    let wish = program(&format!(
        "{GROUND}group guest {{}}\ngrant g {{ to = group.guest, can = permission_set.Look, on = cells }}"
    ));
    let bench = Bench::new();
    assert_eq!(of(&bench, &wish, Command::Apply, ADDRESS), "E0503");
    let error = bench.try_plan(&wish, &crate::plan::scope::Scope::default(), Command::Apply).unwrap_err();
    assert!(format!("{error:?}").contains("did you mean `guests`?"), "{error:?}");
}

#[test]
fn a_grant_that_has_expired_is_taken_away_and_said_so() {
    let text = format!(
        "{HEAD}{GROUND}grant look {{ to = group.ops, can = permission_set.Look, on = cells, expires = 2026-06-30 }}"
    );
    let at = |day: &str| desired_at(&text, day.parse().unwrap());
    let bench = Bench::after(&[&at("2026-06-01T00:00:00Z")]);
    assert_eq!(
        of(&bench, &at("2026-06-30T23:59:59Z"), Command::Apply, ADDRESS),
        "nothing",
        "the last day counts whole"
    );
    let after = at("2026-07-01T00:00:00Z");
    assert_eq!(of(&bench, &after, Command::Apply, ADDRESS), "delete: unassign");
    let plan = bench.plan(&after);
    assert_eq!(plan.changes[0].reason.as_deref(), Some("expired on 2026-06-30"));
}

#[test]
fn what_is_given_is_added_before_what_is_taken_away() {
    let other = program(&format!(
        "{}\ngrant rest {{ to = group.ops, can = permission_set.Look, on = cells }}",
        GROUND.replace("grant rest { to = group.dev, can = permission_set.Look, on = cells }", "")
    ));
    let bench = Bench::after(&[&program(GROUND)]);
    let role = |state: &State| state.roles.values().next().map(|role| role.name);
    let before = role(&bench.cloud.state());
    let (plan, receipt) = bench.apply(&other);
    let told: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| format!("{} after {}", operation.verb.word(), operation.needs.len()))
        .collect();
    assert_eq!(told, ["assign after 0", "unassign after 1"]);
    assert_eq!(receipt.failed().count(), 0);
    assert!(before.is_some() && before == role(&bench.cloud.state()), "the role of the set keeps its ARN");
    assert!(plan.notices.iter().all(|notice| !notice.message.contains("role")), "{:?}", plan.notices);
}

/// A group is who its name says, whatever the program calls it: another label takes nothing away, and is no drift.
#[test]
fn a_group_may_be_called_otherwise() {
    let text = format!("{GROUND}{GRANT}");
    let bench = Bench::after(&[&program(&text)]);
    let other = |label: &str| {
        program(&text.replace("group.ops", &format!("group.{label}")).replacen(
            "cell a",
            &format!("group {label} {{ name = \"ops\" }}\ncell a"),
            1,
        ))
    };
    let without = |label: &str| {
        let mut desired = other(label);
        desired.principals.remove("group.ops");
        desired
    };
    let (plan, receipt) = bench.apply(&without("people"));
    let told: Vec<_> =
        plan.changes.iter().map(|change| (change.action, change.drift.len(), &*change.address)).collect();
    assert_eq!(told, [(Action::Move, 0, "assignment.Look/group.people/cell.a")]);
    assert_eq!(plan.operations.iter().map(|one| one.verb.word()).collect::<Vec<_>>(), ["readdress"]);
    assert_eq!(receipt.failed().count(), 0);
    assert!(bench.plan(&without("people")).changes.is_empty());
    // And back.
    let (plan, _) = bench.apply(&program(&text));
    assert_eq!(plan.operations.iter().map(|one| one.verb.word()).collect::<Vec<_>>(), ["readdress"]);
    assert!(bench.plan(&program(&text)).changes.is_empty());
    // Under both labels the same is given, and then under one: what is there stays.
    let both = format!(
        "{text}\ngroup people {{ name = \"ops\" }}\ngrant too {{ to = group.people, can = permission_set.Look, on = cells }}"
    );
    bench.apply(&program(&both));
    let one = both.replace(GRANT, "");
    let plan = bench.plan(&program(&one));
    let told: Vec<_> =
        plan.changes.iter().map(|change| (change.action, change.drift.len(), change.reason.as_deref())).collect();
    assert_eq!(told, [(Action::Forget, 0, Some("the program gives the same by another address"))]);
    bench.apply(&program(&one));
    assert!(bench.plan(&program(&one)).changes.is_empty());
}

#[test]
fn one_of_a_set_that_is_not_owned_is_left_alone() {
    let bench = Bench::after(&[&program(GROUND)]);
    bench.cloud.edit(|state| {
        let set = crate::apply::tests::cloud::Set::default();
        state.sets.insert("arn:theirs".to_owned(), set);
        let theirs = Given { set: "arn:theirs".to_owned(), ..given(state, "dev") };
        state.give(&theirs);
    });
    let plan = bench.plan(&program(GROUND));
    assert!(plan.changes.is_empty() && plan.operations.is_empty());
    assert!(plan.notices.iter().any(|notice| notice.message.contains("does not own")), "{:?}", plan.notices);
}

/// A part that is planned sees what somebody gave by hand of it, where nobody asks for it.
#[test]
fn a_part_sees_what_was_given_elsewhere() {
    let wish = |set: &str| {
        program(&format!(
            "cell a {{ kind = \"alpha\", region = \"us-west-2\" }}\ncell b {{ kind = \"alpha\", region = \"us-west-2\" }}\n{set}"
        ))
    };
    let whole = wish(
        "permission_set Look { session = 2h }\npermission_set Other { session = 2h }\n\
         grant look { to = group.ops, can = permission_set.Look, on = [cell.a] }\n\
         grant other { to = group.dev, can = permission_set.Other, on = [cell.a] }",
    );
    let bench = Bench::after(&[&whole]);
    bench.cloud.edit(|state| {
        let account = state.account("aws+b@x.example").unwrap().id.clone();
        let by_hand = |set: &str, group: &str| Given {
            set: state.arn(set).unwrap(),
            principal: state.group(group),
            account: account.clone(),
        };
        let (look, other) = (by_hand("Look", "guests"), by_hand("Other", "ops"));
        state.give(&look);
        state.give(&other);
    });
    let planned = |wish: &crate::plan::desired::Desired, named: &str, command: Command| {
        let plan = bench.try_plan(wish, &only(&[named]), command).unwrap();
        let mut all: Vec<String> =
            plan.changes.iter().map(|change| format!("{} {}", change.action.word(), change.address)).collect();
        all.sort();
        all
    };
    let set = planned(&whole, "permission_set.Look", Command::Apply);
    assert_eq!(set, ["delete assignment.Look/group:g-guests/cell.b"]);
    let group = planned(&whole, "group.ops", Command::Apply);
    assert_eq!(group, ["delete assignment.Other/group.ops/cell.b"]);
    // A set goes when nobody holds it.
    let gone = planned(&whole, "permission_set.Look", Command::Destroy);
    assert!(gone.contains(&"delete assignment.Look/group:g-guests/cell.b".to_owned()), "{gone:?}");
}

/// Assignments outlive a group that is deleted in the identity store: they are taken away, not forgotten.
#[test]
fn what_a_deleted_group_has_is_not_forgotten() {
    let wish = |grant: &str| {
        program(&format!(
            "cell z {{ kind = \"alpha\", region = \"us-west-2\" }}\nfor n in 1..=70 {{ cell \"c\\(n)\" {{ kind = \"alpha\", region = \"us-west-2\" }} }}\n\
             permission_set Look {{ session = 2h }}\n\
             grant rest {{ to = group.dev, can = permission_set.Look, on = [cell.z] }}\n{grant}"
        ))
    };
    let bench = Bench::after(&[&wish("grant g { to = group.ops, can = permission_set.Look, on = cells }")]);
    bench.cloud.refuse("sso:ListAccountAssignmentsForPrincipal", crate::provider::Failure::NotFound);
    for scope in [crate::plan::scope::Scope::default(), only(&["permission_set.Look"])] {
        let plan = bench.try_plan(&wish(""), &scope, Command::Apply).unwrap();
        let words: std::collections::BTreeMap<&str, usize> =
            plan.changes.iter().fold(std::collections::BTreeMap::new(), |mut all, change| {
                *all.entry(change.action.word()).or_default() += 1;
                all
            });
        assert_eq!(words, [("delete", 71)].into(), "{scope:?}");
    }
}
