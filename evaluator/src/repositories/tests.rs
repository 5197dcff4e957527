//! Policies in which others have a part.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::policy::{Edited, Refused, edited, form, ours, same};
use super::statement::{PULL, path_of, pull};

fn wanted(accounts: &[&str]) -> BTreeMap<String, Json> {
    let arns: Vec<Json> = accounts.iter().map(|id| json!(format!("arn:aws:iam::{id}:root"))).collect();
    BTreeMap::from([(PULL.to_owned(), pull(&arns, &[]))])
}

fn write(text: Option<&str>, wanted: &BTreeMap<String, Json>) -> String {
    match edited(text, wanted).unwrap() {
        Edited::Write(text) => text,
        other => panic!("{other:?}"),
    }
}

const FOREIGN: &str = r#"{ "Version" : "2008-10-17",
  "Statement" : [ {"Sid":"others",  "Effect":"Allow","Principal":"*","Action":["ecr:ListImages"] },
    {
      "Effect": "Deny", "Principal": {"AWS":"arn:aws:iam::999999999999:root"}, "Action": "ecr:*" } ] }"#;

#[test]
fn ours_stands_last_and_the_rest_keeps_its_bytes() {
    let text = write(Some(FOREIGN), &wanted(&["111111111111"]));
    let (head, tail) = FOREIGN.rsplit_once(" ] }").unwrap();
    let expected = format!(
        r#"{head},{{"Action":["ecr:BatchCheckLayerAvailability","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam::111111111111:root"]}},"Sid":"cellcPull"}} ] }}{tail}"#
    );
    assert_eq!(text, expected);
    assert_eq!(edited(Some(&text), &wanted(&["111111111111"])), Ok(Edited::Same));
    let more = write(Some(&text), &wanted(&["111111111111", "222222222222"]));
    assert!(more.starts_with(head) && more.contains("222222222222") && more.ends_with(" ] }"), "{more}");
    assert_eq!(write(Some(&more), &BTreeMap::new()), FOREIGN);
}

#[test]
fn a_policy_of_ours_alone_is_made_and_deleted_whole() {
    let text = write(None, &wanted(&["111111111111"]));
    assert!(text.starts_with(r#"{"Version":"2012-10-17","Statement":[{"Action""#), "{text}");
    assert_eq!(edited(Some(&text), &BTreeMap::new()), Ok(Edited::Delete));
    assert_eq!(edited(None, &BTreeMap::new()), Ok(Edited::Same));
    assert_eq!(ours(&text).unwrap(), wanted(&["111111111111"]));
    assert_eq!(ours(FOREIGN).unwrap(), BTreeMap::new());
}

#[test]
fn what_says_the_same_in_other_words_is_left_as_it_is() {
    let text = r#"{"Statement": {"Sid": "cellcPull", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"]}}"#;
    assert_eq!(edited(Some(text), &wanted(&["111111111111"])), Ok(Edited::Same));
    let other = write(Some(text), &wanted(&["222222222222"]));
    assert!(other.starts_with(r#"{"Statement": [{"#) && other.ends_with("}]}"), "{other}");
    assert!(same(&form(&json!({"Action": "a"})), &json!({"Action": ["a", "a"]})));
    assert!(!same(&json!({"Effect": "Allow"}), &json!({"Effect": "Deny"})));
}

#[test]
fn names_of_ours_that_are_wanted_no_more_and_repeated_ones_go() {
    let text =
        r#"{"Statement": [{"Sid":"cellcOld"} , {"Sid":"a"}, {"Sid":"cellcPull"},{"Sid":"b"} ,{"Sid":"cellcPull"}]}"#;
    let said = write(Some(text), &BTreeMap::from([(PULL.to_owned(), json!({"Sid": PULL, "Effect": "Allow"}))]));
    let expected = r#"{"Statement": [{"Sid":"a"}, {"Effect":"Allow","Sid":"cellcPull"},{"Sid":"b"}]}"#;
    assert_eq!(said, expected);
    assert_eq!(write(Some(text), &BTreeMap::new()), r#"{"Statement": [{"Sid":"a"},{"Sid":"b"}]}"#);
}

#[test]
fn what_does_not_read_and_what_is_too_long_is_refused() {
    for text in ["", "[]", "{}", r#"{"Statement": [1]}"#, r#"{"Statement": [], "Statement": []}"#] {
        assert!(matches!(edited(Some(text), &wanted(&["1"])), Err(Refused::Unreadable(_))), "{text}");
    }
    let ids: Vec<String> = (0..310).map(|at| format!("{at:012}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(matches!(edited(None, &wanted(&ids[..299])), Ok(Edited::Write(_))));
    let refused = edited(None, &wanted(&ids)).unwrap_err();
    assert!(matches!(refused, Refused::TooLong { size } if size > 10_240), "{refused}");
}

#[test]
fn by_place_a_caller_is_let_in_for_where_its_account_lies() {
    let path = path_of(["o-a1b2c3d4e5", "r-ab12", "ou-ab12-11111111"]);
    assert_eq!(path, "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/");
    let statement = pull(&[], &[json!(path)]);
    assert_eq!(statement["Principal"], "*");
    assert_eq!(statement["Condition"]["ForAnyValue:StringEquals"]["aws:PrincipalOrgPaths"], json!([path]));
}

/// Statements of others, as somebody may have written them.
fn foreign() -> impl Strategy<Value = String> {
    let space = "[ \n\t]{0,3}";
    (space, "[a-bd-z\"\\\\ü]{0,6}", space, prop::bool::ANY).prop_map(|(a, sid, b, named)| {
        let sid = serde_json::to_string(&sid).unwrap();
        let name = if named { format!("\"Sid\"{a}:{b}{sid},") } else { String::new() };
        format!("{{{a}{name}\"Effect\":{b}\"Allow\" ,\"N\":1.50e3, \"Principal\":{{\"AWS\":[\"]\",\"}}\"]}}{b}}}")
    })
}

proptest! {
    /// Of others' statements every byte stays, an edit twice is an edit once, and ours taken out leave what was there.
    #[test]
    fn others_keep_every_byte(
        each in prop::collection::vec((foreign(), "[ \n]{0,2}", "[ \n]{0,2}"), 1..6),
        first in prop::collection::vec("[0-9]{12}", 1..4),
        then in prop::collection::vec("[0-9]{12}", 1..4),
    ) {
        let list: Vec<String> = each.iter().map(|(text, a, b)| format!("{a}{text}{b}")).collect();
        let text = format!("{{\"Version\":\"2012-10-17\" , \"Statement\": [{}]\n, \"Id\":\"x\"}}", list.join(","));
        let accounts = |ids: &[String]| wanted(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let (first, then) = (accounts(&first), accounts(&then));
        let once = write(Some(&text), &first);
        prop_assert_eq!(edited(Some(&once), &first), Ok(Edited::Same));
        prop_assert_eq!(ours(&once).unwrap(), first);
        for (foreign, ..) in &each {
            prop_assert!(once.contains(foreign.as_str()));
        }
        let twice = match edited(Some(&once), &then).unwrap() {
            Edited::Write(text) => text,
            _ => once,
        };
        prop_assert_eq!(&form(&ours(&twice).unwrap()[PULL]), &form(&then[PULL]));
        prop_assert_eq!(write(Some(&twice), &BTreeMap::new()), text);
    }
}
