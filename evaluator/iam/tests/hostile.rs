//! Documents that somebody made to break the engine: it neither panics nor hangs, whatever it is given.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use cell_iam::access::{Access, Facts, Part};
use cell_iam::{Engine, data, policy};
use proptest::prelude::*;
use serde_json::{Value, json};

/// More than any question may take here, on a slow machine that does other work.
const PATIENCE: Duration = Duration::from_secs(20);

fn parse(text: &str) -> Result<policy::Document, policy::Fault> {
    let origin: Arc<str> = "hostile".into();
    policy::parse(text, &origin)
}

/// Asks what a document gives, both ways.
fn ask(document: policy::Document) {
    let start = Instant::now();
    let access = Access::of(vec![Part::known("hostile", document)], Facts::default());
    let mut engine = Engine::new(data::all().unwrap());
    engine.diff(&Access::default(), &access);
    engine.diff(&access, &Access::default());
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

fn statement(actions: &[String], resources: &[String], condition: &Value) -> policy::Document {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources, "Condition": condition });
    parse(&json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()).unwrap()
}

/// Pieces out of which odd patterns are put together.
const PIECES: [&str; 18] = [
    "*",
    "?",
    ":",
    "/",
    "${",
    "}",
    "${aws:username}",
    "${*}",
    "a",
    "ab",
    "arn:aws:s3:::",
    "s3:",
    "Get",
    "\u{e9}",
    "'",
    ", 'x'",
    "\u{0}",
    "*a*b",
];

fn odd() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_document_cut_or_changed_is_read_or_refused(at in 0_usize..400, byte in any::<u8>(), cut in any::<bool>()) {
        let text = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": ["s3:*"],
            "NotResource": "arn:aws:s3:::a", "Condition": { "StringLike": { "aws:username": ["a", true, 1] } } } });
        let mut bytes = text.to_string().into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(document) = parse(&text)
        {
            ask(document);
        }
    }

    #[test]
    fn odd_patterns_are_answered(
        actions in prop::collection::vec(odd(), 1..6),
        resources in prop::collection::vec(odd(), 1..8),
        values in prop::collection::vec(odd(), 1..6),
        operator in prop::sample::select(&[
            "StringLike", "ArnLike", "NumericLessThan", "DateEquals", "IpAddress", "Null", "Bool", "Strange",
            "ForAllValues:StringNotLike", "ForAnyValue:ArnEqualsIfExists",
        ][..]),
        key in odd(),
    ) {
        ask(statement(&actions, &resources, &json!({ operator: { key: values } })));
    }
}

#[test]
fn patterns_that_divide_everything_are_may_and_not_for_ever() {
    let letters: Vec<String> = ('a'..='z').map(|c| format!("*{c}{c}*{c}")).collect();
    let resources: Vec<Value> = letters
        .iter()
        .map(|text| {
            json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{text}"),
                "Condition": { "StringEquals": { "aws:username": text } } })
        })
        .collect();
    ask(parse(&json!({ "Version": "2012-10-17", "Statement": resources }).to_string()).unwrap());
    ask(statement(
        &letters.iter().map(|text| format!("s3:{text}")).collect::<Vec<_>>(),
        &["*".to_owned()],
        &json!({}),
    ));
    ask(statement(
        &["s3:GetObject".to_owned()],
        &["*".to_owned()],
        &json!({ "StringLike": { "aws:username": letters } }),
    ));
}

#[test]
fn many_conditions_do_not_multiply() {
    let statements: Vec<Value> = (0..60)
        .map(|at| {
            json!({ "Effect": if at % 2 == 0 { "Allow" } else { "Deny" }, "Action": "s3:GetObject", "Resource": "*",
                "Condition": { "StringEquals": { format!("aws:RequestTag/a{at}"): "x", format!("aws:RequestTag/b{}", at * 7 % 60): "y" },
                    "StringNotLike": { format!("aws:RequestTag/a{}", (at + 31) % 60): "z*" } } })
        })
        .collect();
    ask(parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string()).unwrap());
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(parse(&deep).is_err());
    let deep = format!(r#"{{"Statement":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&deep).is_err());
    assert!(parse(&" ".repeat(policy::MAX_BYTES + 1)).unwrap_err().message.contains("longer"));
}

#[test]
fn faults_say_where() {
    for (text, place, message) in [
        (r#"{"Statement":[],"Statement":[]}"#, "[]", "`Statement` stands twice in a policy document"),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*"}}"#,
            r#"{"Effect":"Allow","Action":"*"}"#,
            "a statement has a `Resource` or a `NotResource`",
        ),
        (
            r#"{"Statement":{"Effect":"Perhaps","Action":"*","Resource":"*"}}"#,
            r#""Perhaps""#,
            "`Effect` is `Allow` or `Deny`",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a","Resource":"*"}}"#,
            r#""a""#,
            "`NotAction` stands beside its opposite",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Colour":"red"}}"#,
            r#""red""#,
            "a statement has no field `Colour`",
        ),
        (
            r#"{"Version":"2020-01-01","Statement":[]}"#,
            r#""2020-01-01""#,
            "`Version` is `2012-10-17` or `2008-10-17`",
        ),
    ] {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.message, message);
        assert_eq!(&text[fault.at.start as usize..fault.at.end as usize], place, "{message}");
    }
}
