//! Organizational units.

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::Bench;
use crate::apply::tests::cloud::{ROOT_ID, State};
use crate::plan::Command;
use crate::provider::Unit;

fn edit(state: &mut State, live: Live) {
    let id = state.unit("old").unwrap().id.clone();
    let name = match live {
        Gone => {
            state.units.remove(&id);
            return;
        }
        Old => "old",
        New => "new",
        Other => "other",
    };
    let unit = state.units.get_mut(&id).unwrap();
    name.clone_into(&mut unit.name);
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: create_unit", "nothing is there"),
    (Want, Unknown, Old, "create: create_unit", "a unit of another name is another unit"),
    (Want, Unknown, New, "adopt: remember", "the unit of the name at its place is this one"),
    (Want, Unknown, Other, "create: create_unit", "a unit of another name is another unit"),
    (Want, Kept, Gone, "create drift=*: forget create_unit", "it was deleted outside"),
    (Want, Kept, Old, "update: rename_unit", "the program changed"),
    (Want, Kept, New, "update drift=name: remember", "somebody did what the program asks for: the record learns it"),
    (Want, Kept, Other, "update drift=name: rename_unit", "it was renamed outside, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "it is foreign"),
    (Drop, Unknown, New, "nothing", "it is foreign"),
    (Drop, Unknown, Other, "nothing", "it is foreign"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it is gone already"),
    (Drop, Kept, Old, "delete: delete_unit", "its block is gone"),
    (Drop, Kept, New, "delete: delete_unit", "its block is gone"),
    (Drop, Kept, Other, "delete: delete_unit", "it is known by its id, whatever its name"),
];

#[test]
fn each_cell_has_its_action() {
    let old = program("ou x { name = \"old\" }");
    let new = program("ou x { name = \"new\" }");
    holds(&Kind { address: "ou.x", old, new, without: program("ou y {}"), edit }, TABLE);
}

#[test]
fn a_unit_is_not_moved_but_made_anew() {
    let from = program(
        "ou p {}\nou q {}\nou x { parent = ou.p }\nou z { parent = ou.x }\ncell a { kind = \"alpha\", region = \"us-west-2\", ou = ou.z }",
    );
    let to = program(
        "ou p {}\nou q {}\nou x { parent = ou.q }\nou z { parent = ou.x }\ncell a { kind = \"alpha\", region = \"us-west-2\", ou = ou.z }",
    );
    let bench = Bench::after(&[&from]);
    let made = |address| of(&bench, &to, Command::Apply, address);
    assert_eq!(made("ou.x"), "replace: create_unit delete_unit");
    assert_eq!(made("ou.z"), "replace: create_unit delete_unit", "what is below is made anew with it");
    assert_eq!(made("cell.a"), "update: move_account", "what is in it moves, though its address is the same");
    let plan = bench.plan(&to);
    let order: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| {
            format!(
                "{} {} after {:?}",
                operation.verb.word(),
                operation.address,
                operation.needs.iter().map(|id| id.0).collect::<Vec<_>>()
            )
        })
        .collect();
    let expected = [
        "create_unit ou.x after []",
        "create_unit ou.z after [0]",
        "move_account cell.a after [1]",
        "delete_unit ou.z after [1, 2]",
        "delete_unit ou.x after [0, 3]",
    ];
    assert_eq!(order, expected, "first what is above is made, at last what was below is deleted");
}

#[test]
fn a_unit_that_is_not_empty_is_not_deleted() {
    let (with, without) = (program("ou x {}"), program("ou y {}"));
    let bench = Bench::after(&[&with]);
    bench.cloud.edit(|state| {
        let id = state.unit("x").unwrap().id.clone();
        let below = Unit { id: "ou-foreign".to_owned(), parent: id, name: "theirs".to_owned() };
        state.units.insert(below.id.clone(), below);
    });
    assert_eq!(of(&bench, &without, Command::Apply, "ou.x"), "E0507");
    let bench = Bench::after(&[&with]);
    bench.cloud.edit(|state| {
        let id = state.unit("x").unwrap().id.clone();
        let mut account = state.account("aws@x.example").unwrap().clone();
        (account.id, account.email, account.parent) = ("1".to_owned(), "f@x.example".to_owned(), Some(id));
        state.accounts.insert(account.id.clone(), account);
    });
    assert_eq!(of(&bench, &without, Command::Apply, "ou.x"), "E0507");
    assert_eq!(of(&bench, &without, Command::Destroy, "ou.x"), "E0507");
}

#[test]
fn tags_that_no_program_named_are_left_alone() {
    let old = program("ou x { tags { team = \"a\", stage = \"b\" } }");
    let new = program("ou x { tags { team = \"c\" } }");
    let bench = Bench::after(&[&old]);
    bench.cloud.edit(|state| {
        let id = state.unit("x").unwrap().id.clone();
        state.tags.get_mut(&id).unwrap().insert("theirs".to_owned(), "1".to_owned());
    });
    assert_eq!(of(&bench, &new, Command::Apply, "ou.x"), "update: tag");
    bench.apply(&new);
    let state = bench.cloud.state();
    let tags = &state.tags[&state.unit("x").unwrap().id];
    let told: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(told, ["cellc:address=ou.x", "team=c", "theirs=1"]);
}

#[test]
fn a_unit_elsewhere_of_the_same_name_is_not_taken_over() {
    let bench = Bench::new();
    bench.cloud.edit(|state| {
        let unit =
            |id: &str, parent: &str, name: &str| Unit { id: id.into(), parent: parent.into(), name: name.into() };
        for unit in [unit("ou-1", ROOT_ID, "p"), unit("ou-2", "ou-1", "x")] {
            state.units.insert(unit.id.clone(), unit);
        }
    });
    let to = program("ou p {}\nou x {}\nou inner { parent = ou.p, name = \"x\" }");
    assert_eq!(of(&bench, &to, Command::Apply, "ou.p"), "adopt: remember tag");
    assert_eq!(of(&bench, &to, Command::Apply, "ou.x"), "create: create_unit");
    assert_eq!(of(&bench, &to, Command::Apply, "ou.inner"), "adopt: remember tag");
}

/// Whoever writes the id of somebody's unit or policy into the record gets a plan that says it would be taken over, and none
/// that deletes it.
#[test]
fn what_has_no_mark_of_ours_is_taken_over_and_not_deleted_whatever_the_record_says() {
    let both = |name: &str| {
        program(&format!(
            "ou x {{ name = \"{name}\" }}\nscp s {{ name = \"{name}\", deny all {{ actions = [\"sdb:*\"], resources = [\"*\"] }} }}"
        ))
    };
    let bench = Bench::after(&[&both("a")]);
    bench.cloud.edit(|state| {
        let ids = [state.unit("a").unwrap().id.clone(), state.policy("a").unwrap().id.clone()];
        ids.iter().for_each(|id| state.tags.get_mut(id).unwrap().clear());
    });
    assert!(of(&bench, &both("b"), Command::Apply, "ou.x").starts_with("adopt: remember rename_unit tag"));
    assert!(of(&bench, &both("b"), Command::Apply, "scp.s").starts_with("adopt: remember update_policy tag"));
    let below = program("ou y {}\nou x { name = \"a\", parent = ou.y }");
    assert!(of(&bench, &below, Command::Apply, "ou.x").contains("E0504"), "the former one would be deleted");
    let plan = bench.plan(&both("b"));
    let reason = plan.changes.iter().find(|change| change.address == "ou.x").unwrap().reason.clone();
    assert_eq!(reason.unwrap(), "the record has it as ours, and it has no mark that says so: look whose it is");
    for (wish, command) in [(&program(""), Command::Apply), (&both("a"), Command::Destroy)] {
        let found = of(&bench, wish, command, "ou.x");
        assert!(found.contains("E0504"), "{found}");
    }
}
