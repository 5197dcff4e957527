//! Repository policies: ours among the statements of others.

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Asked, Known, Row, of, program};
use crate::apply::tests::bench::{Bench, only};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::provider::Failure;
use crate::repositories::{PULL, ours};

const ADDRESS: &str = "repository_policy.images/acme/cache";

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: set_repository_policy", "nothing of ours is there"),
    (Want, Unknown, Old, "adopt: remember set_repository_policy", "its name says whose it is"),
    (Want, Unknown, New, "adopt: remember", "its name says whose it is"),
    (Want, Unknown, Other, "adopt: remember set_repository_policy", "its name says whose it is"),
    (Want, Kept, Gone, "create drift=*: set_repository_policy", "it was taken out outside"),
    (Want, Kept, Old, "update: set_repository_policy", "the program changed"),
    (Want, Kept, New, "update drift=content: remember", "somebody did what the program asks for"),
    (Want, Kept, Other, "update drift=content: set_repository_policy", "it was changed, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "nobody knows it"),
    (Drop, Unknown, New, "nothing", "nobody knows it"),
    (Drop, Unknown, Other, "nothing", "nobody knows it"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it is gone already"),
    (Drop, Kept, Old, "delete: remove_repository_policy", "no outbound asks for it"),
    (
        Drop,
        Kept,
        New,
        "delete drift=content: remove_repository_policy",
        "no outbound asks for it, and it was changed",
    ),
    (
        Drop,
        Kept,
        Other,
        "delete drift=content: remove_repository_policy",
        "no outbound asks for it, and it was changed",
    ),
];

/// Two cells and a component; `from` says which pull.
fn pulling(from: Option<&str>) -> Desired {
    let outbound = from.map_or_else(String::new, |from| {
        format!("outbound shared {{ from = [{from}], to ecr_pull {{ components = components }} }}")
    });
    program(&format!(
        r#"
account images {{}}
cell a {{ kind = "alpha", region = "us-west-2" }}
cell b {{ kind = "alpha", region = "us-west-2" }}
component cache {{
  repo = "https://git.acme.example/cache"
  artifact ecr {{ repository = "acme/cache", account = account.images }}
  deploy make {{ target = "deploy" }}
}}
{outbound}"#
    ))
}

/// The text of the one policy there is.
fn text(bench: &Bench) -> Option<String> {
    let mut found = None;
    bench.cloud.edit(|state| found = state.repositories.values().next().cloned());
    found
}

fn put(bench: &Bench, text: Option<&str>) {
    let mut images = String::new();
    bench.cloud.edit(|state| images = state.accounts.values().find(|one| one.name == "images").unwrap().id.clone());
    let key = (images, "acme/cache".to_owned());
    bench.cloud.edit(|state| match text {
        Some(text) => drop(state.repositories.insert(key, text.to_owned())),
        None => drop(state.repositories.remove(&key)),
    });
}

#[test]
fn each_cell_has_its_action() {
    let (without, old, new) = (pulling(None), pulling(Some("cell.a")), pulling(Some("cell.a, cell.b")));
    // The account is there before its repository has a policy.
    let start = Bench::after(&[&without, &old]);
    let is = text(&start).unwrap();
    let to_be = text(&Bench::after(&[&without, &old, &new])).unwrap();
    assert_ne!(is, to_be);
    let mut wrong = Vec::new();
    for (asked, known, live, expected, because) in TABLE {
        let bench = start.copy();
        if *known == Known::No {
            bench.store.edit(|record| _ = record.resources.remove(ADDRESS));
        }
        let other = is.replace(":root", ":role/x");
        put(
            &bench,
            match live {
                Gone => None,
                Old => Some(&is),
                New => Some(&to_be),
                Other => Some(&other),
            },
        );
        let desired = if *asked == Asked::Yes { &new } else { &without };
        let found = of(&bench, desired, Command::Apply, ADDRESS);
        if found != *expected {
            wrong.push(format!(
                "({asked:?}, {known:?}, {live:?}): found `{found}`, expected `{expected}` since {because}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statement_waits_for_the_account_of_its_repository_and_for_the_accounts_that_it_names() {
    let pulls = pulling(Some("cell.a, cell.b"));
    // Its own account does not exist: nothing can be written yet.
    let bench = Bench::new();
    assert_eq!(of(&bench, &pulls, Command::Apply, ADDRESS), "nothing");
    // Its account exists, and those of the cells are made with it.
    let only_images = program("account images {}");
    let bench = Bench::after(&[&only_images, &pulls]);
    let said = text(&bench).unwrap();
    let named = &ours(&said).unwrap()[PULL]["Principal"]["AWS"];
    assert_eq!(named.as_array().map(Vec::len), Some(2), "{said}");
    assert!(!said.contains("later"), "{said}");
    assert_eq!(of(&bench, &pulls, Command::Apply, ADDRESS), "nothing");
}

#[test]
fn what_others_have_is_there_after_all_of_it_is_torn_down() {
    let (without, pulls) = (pulling(None), pulling(Some("cell.a")));
    let bench = Bench::after(&[&without]);
    let theirs =
        r#"{ "Statement" : [{"Sid":"theirs", "Effect":"Allow","Principal":"*","Action":"ecr:ListImages"}] }"#;
    put(&bench, Some(theirs));
    let (_, receipt) = bench.apply(&pulls);
    assert_eq!(receipt.failed().count(), 0);
    let both = text(&bench).unwrap();
    assert!(
        both.contains(r#"{"Sid":"theirs", "Effect":"Allow""#) && ours(&both).unwrap().contains_key(PULL),
        "{both}"
    );
    let (_, receipt) = bench.apply(&without);
    assert_eq!(receipt.failed().count(), 0);
    assert_eq!(text(&bench).as_deref(), Some(theirs));
}

/// Forty cells in a unit that `fleet` says the place of, which pull or do not.
fn fleet(fleet: &str, pulls: bool) -> Desired {
    fleet_and(fleet, pulls, "ou.fleet")
}

/// The same with the first of them in a unit of its own.
fn fleet_and(fleet: &str, pulls: bool, first: &str) -> Desired {
    let outbound =
        if pulls { "outbound shared { from = cells, to ecr_pull { components = components } }" } else { "" };
    program(&format!(
        r#"
account images {{}}
ou top {{}}
ou fleet {{ {fleet} }}
cell c1 {{ kind = "alpha", region = "us-west-2", ou = {first} }}
for n in 2..=40 {{
  cell "c\(n)" {{ kind = "alpha", region = "us-west-2", ou = ou.fleet }}
}}
component cache {{
  repo = "https://git.acme.example/cache"
  artifact ecr {{ repository = "acme/cache", account = account.images }}
  deploy make {{ target = "deploy" }}
}}
{outbound}"#
    ))
}

/// A text of others that leaves so much room.
fn theirs(room: usize) -> String {
    let padding = "x".repeat(10_240 - room);
    format!(r#"{{"Statement":[{{"Sid":"{padding}","Effect":"Allow","Principal":"*","Action":"ecr:ListImages"}}]}}"#)
}

/// The places that a policy lets in.
fn places(bench: &Bench) -> Vec<String> {
    let statement = ours(&text(bench).unwrap()).unwrap().remove(PULL).unwrap();
    let places = &statement["Condition"]["ForAnyValue:StringEquals"]["aws:PrincipalOrgPaths"];
    places.as_array().unwrap().iter().map(|place| place.as_str().unwrap().to_owned()).collect()
}

/// What a plan does, each with what it waits for, of the policy, one cell and the units.
fn steps(bench: &Bench, desired: &Desired) -> Vec<String> {
    let plan = bench.plan(desired);
    let told = plan
        .operations
        .iter()
        .filter(|one| [ADDRESS, "cell.c1", "ou.fleet"].contains(&one.address.as_str()) && one.verb.word() != "tag");
    told.map(|one| one.verb.word().to_owned()).collect()
}

/// Where a unit is made anew, its cells may pull before, while and after their accounts move.
#[test]
fn cells_that_are_let_in_by_their_place_may_pull_while_they_move() {
    let (at, under) = (fleet("", true), fleet("parent = ou.top", true));
    let bench = Bench::after(&[&fleet("", false)]);
    put(&bench, Some(&theirs(1_000)));
    bench.apply(&at);
    let was = places(&bench);
    let expected = ["create_unit", "set_repository_policy", "move_account", "set_repository_policy", "delete_unit"];
    assert_eq!(steps(&bench, &under), expected);
    // No account comes away: both places are let in.
    bench.cloud.refuse("organizations:MoveAccount", Failure::Denied);
    let (_, receipt) = bench.apply(&under);
    assert!(receipt.failed().count() > 0);
    let both = places(&bench);
    assert!(both.len() == 2 && both.contains(&was[0]), "{both:?}");
    bench.cloud.mend();
    let (_, receipt) = bench.apply(&under);
    assert_eq!(receipt.failed().count(), 0);
    let now = places(&bench);
    assert!(now.len() == 1 && now != was && both.contains(&now[0]), "{now:?}");
    assert_eq!(of(&bench, &under, Command::Apply, ADDRESS), "nothing");
}

/// A cell that is moved alone may pull all the while, too, and its former place stays the others'.
#[test]
fn a_cell_that_is_moved_alone_may_pull_while_it_moves() {
    let (at, elsewhere) = (fleet("", true), fleet_and("", true, "ou.top"));
    let bench = Bench::after(&[&fleet("", false)]);
    put(&bench, Some(&theirs(1_000)));
    bench.apply(&at);
    let was = places(&bench);
    let plan = bench.try_plan(&elsewhere, &only(&["cell.c1"]), Command::Apply).unwrap();
    let written = plan.operations.iter().filter(|one| one.address == ADDRESS).collect::<Vec<_>>();
    let moved = plan.operations.iter().find(|one| one.verb.word() == "move_account").unwrap();
    assert!(written.len() == 1 && moved.needs.contains(&written[0].id), "{:?}", plan.operations);
    bench.run(&elsewhere, &plan);
    let both = places(&bench);
    assert!(both.len() == was.len() + 1 && both.starts_with(&was), "{both:?}");
    assert_eq!(of(&bench, &elsewhere, Command::Apply, ADDRESS), "nothing");
}

/// Where others leave room for one place only, the new one is let in when all have moved, and that is told.
#[test]
fn cells_whose_two_places_have_no_room_are_let_in_where_they_are_last() {
    let (at, under) = (fleet("", true), fleet("parent = ou.top", true));
    let bench = Bench::after(&[&fleet("", false)]);
    put(&bench, Some(&theirs(1_000)));
    bench.apply(&at);
    let is = text(&bench).unwrap();
    put(&bench, Some(&is.replacen("xx", &"x".repeat(10_240 - is.len() - 28), 1)));
    let plan = bench.plan(&under);
    let said = plan.notices.iter().any(|notice| notice.message.contains("each cannot pull from its move until"));
    assert!(said, "{:?}", plan.notices);
    let expected = ["create_unit", "move_account", "set_repository_policy", "delete_unit"];
    assert_eq!(steps(&bench, &under), expected);
    let policy = plan.operations.iter().find(|one| one.address == ADDRESS).unwrap();
    let moves = plan.operations.iter().filter(|one| one.verb.word() == "move_account");
    assert!(moves.map(|one| one.id).all(|id| policy.needs.contains(&id)));
    bench.apply(&under);
    assert_eq!(of(&bench, &under, Command::Apply, ADDRESS), "nothing");
}

/// What others wrote leaves no room for forty accounts: the cells are let in by the unit that they lie in.
#[test]
fn where_others_leave_no_room_cells_are_let_in_by_their_place() {
    let (without, with) = (fleet("", false), fleet("", true));
    let bench = Bench::after(&[&without]);
    put(&bench, Some(&theirs(1_000)));
    let (plan, receipt) = bench.apply(&with);
    assert_eq!(receipt.failed().count(), 0);
    let said = plan.notices.iter().any(|notice| notice.message.contains("there is no room to name each account"));
    assert!(said, "{:?}", plan.notices);
    let both = text(&bench).unwrap();
    let statement = &ours(&both).unwrap()[PULL];
    assert_eq!(statement["Principal"], "*", "{statement}");
    assert!(statement.to_string().contains("aws:PrincipalOrgPaths") && !both.contains("later"), "{statement}");
    assert!(both.contains("ecr:ListImages"), "theirs stays");
    assert_eq!(of(&bench, &with, Command::Apply, ADDRESS), "nothing");
    // A cell alone that goes takes nothing from the others.
    let plan = bench.try_plan(&with, &only(&["cell.c1"]), Command::Destroy);
    assert!(plan.unwrap().changes.iter().all(|change| change.address != ADDRESS));
    // And where others leave room again each is named.
    put(&bench, Some(&theirs(5_000)));
    bench.apply(&with);
    assert_eq!(ours(&text(&bench).unwrap()).unwrap()[PULL]["Principal"]["AWS"].as_array().map(Vec::len), Some(40));
}
