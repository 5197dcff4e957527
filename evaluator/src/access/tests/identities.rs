//! Who and where somebody is: the directory's name and the account's id say it, and not what the program calls them.

use super::{change, fleet};
use crate::access::model::Review;
use crate::access::pins::Pins;

fn program(head: &str, tail: &str) -> String {
    fleet(&format!("{head}permission_set S {{ allow s {{ actions = [\"sqs:*\"], resources = [\"*\"] }} }}\n{tail}"))
}

fn rows(review: &Review) -> Vec<String> {
    let verb = |row: &crate::access::model::Row| if row.gained.is_empty() { "loses" } else { "gains" };
    let mut all: Vec<String> =
        review.principals.iter().map(|row| format!("{} {} {}", row.name, verb(row), row.cells.join(","))).collect();
    all.sort();
    all
}

const GRANT: &str = "grant g { to = user.eve, can = permission_set.S, on = [cell.x] }\n";
const CELL: &str =
    "cell x { kind = \"alpha\", region = \"us-west-2\", owner = group.ops, account_id = \"222222222222\" }\n";

#[test]
fn another_person_of_the_same_label_gains_and_the_former_one_loses() {
    let named = |name: &str| program(&format!("user eve {{ name = \"{name}\" }}\n{CELL}"), GRANT);
    let review = change(&named("eve@x.example"), &named("mallory@x.example"), &Pins::default());
    assert_eq!(rows(&review), ["mallory@x.example gains cell.x", "user.eve (eve@x.example) loses cell.x"]);
    let new = |name: &str| {
        let before = program(&format!("user eve {{ name = \"{name}\" }}\n{CELL}"), "");
        change(&before, &named(name), &Pins::default()).principals[0].fingerprint.clone()
    };
    assert_ne!(new("eve@x.example"), new("mallory@x.example"), "what is said yes to is for one person");
}

#[test]
fn another_label_of_the_same_person_is_no_change() {
    let labelled = |label: &str| {
        program(&format!("user {label} {{ name = \"eve@x.example\" }}\n{CELL}"), &GRANT.replace("eve", label))
    };
    let review = change(&labelled("eve"), &labelled("developer"), &Pins::default());
    assert!(review.principals.is_empty(), "{:?}", rows(&review));
}

#[test]
fn another_account_of_the_same_cell_is_another_place() {
    let placed = |id: &str| program(&format!("user eve {{}}\n{}", CELL.replace("222222222222", id)), GRANT);
    let review = change(&placed("222222222222"), &placed("333333333333"), &Pins::default());
    assert_eq!(rows(&review), ["eve gains cell.x", "eve loses cell.x (222222222222)"]);
    let new = |id: &str| {
        let before = program(&format!("user eve {{}}\n{}", CELL.replace("222222222222", id)), "");
        change(&before, &placed(id), &Pins::default()).principals[0].fingerprint.clone()
    };
    assert_ne!(new("222222222222"), new("333333333333"));
}

#[test]
fn what_allows_is_named_and_not_what_denies_another_set() {
    let set = "permission_set T { allow t { actions = [\"s3:DeleteBucket\"], resources = [\"*\"] } }\ngrant t { to = group.dev, can = permission_set.T, on = [cell.p] }\n";
    let own = "permission_set S { allow a { actions = [\"s3:*\"], resources = [\"*\"] }\n deny d { actions = [\"s3:DeleteBucket\"], resources = [\"*\"] } }\ngrant g { to = group.dev, can = permission_set.S, on = [cell.p] }\n";
    let review = change(&fleet(own), &fleet(&format!("{own}{set}")), &Pins::default());
    let after: Vec<String> = review.principals[0].gained[0]
        .sources
        .iter()
        .filter(|one| one.side == crate::access::model::Time::After)
        .map(|one| format!("{} {}", one.effect, one.policy))
        .collect();
    assert_eq!(after, ["allow permission_set.T"]);
}

#[test]
fn a_condition_that_stays_is_told_beside_the_one_that_goes() {
    let set = |more: &str| {
        let when = format!("when {{ \"aws:PrincipalTag/o\" == \"x\"\n {more} }}");
        format!(
            "permission_set S {{ allow a {{ actions = [\"ec2:StartInstances\"], resources = [\"*\"]\n {when} }} }}\ngrant g {{ to = group.dev, can = permission_set.S, on = [cell.p] }}\n"
        )
    };
    let review = change(&fleet(&set("\"aws:ResourceTag/e\" == \"dev\"")), &fleet(&set("")), &Pins::default());
    let mut page = String::new();
    let look = crate::terminal::Look { verbose: false, width: 200, color: false };
    super::super::text::write(&review, &look, &mut page).unwrap();
    assert!(page.contains("when aws:") && page.contains("aws:PrincipalTag/o is x"), "{page}");
}
