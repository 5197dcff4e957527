//! How values, records and conditions are written.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails so")]

use cell_lang::fmt::format;
use cell_lang::syntax::tokens;
use proptest::prelude::*;

use super::text::{WHOLE, printed};
use super::{json, text, to_json};
use crate::access::tests::planted::edits::Random;
use crate::access::tests::planted::program::Program;
use crate::resources::Resources;
use crate::rules::tests::expanded;
use crate::value::Value;

const PROGRAM: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
for who, until in { "ana" = 2026-12-31 } {
  cell "dev-\(who)" { kind = "dev", owner = group.ops, region = "us-west-2", expires = until, labels { "a b" = "c" }, budget { monthly = 1.50usd, alert_at = [0.5%] } }
}
component c { repo = "r", deploy make { target = "x" }, parameters { A = .name, "B-C" = 64MiB } }
permission_set S {
  session = 90m
  allow x {
    actions = ["s3:*"]
    resources = ["arn:\(cell.dev-ana.account_id):x"]
    when { "aws:RequestedRegion" == "us-west-2", "aws:SourceIp" in 10.0.0.0/8, if present "aws:SourceVpce" != "v", every "aws:TagKeys" in ["a", "b"], "aws:SourceVpc" absent }
  }
}
metrics m { sink lightstep { token = secret("aws-sm:t") } }
"#;

fn program() -> String {
    // What stands in a loop is reached by its label.
    PROGRAM.replace("cell.dev-ana.account_id", "cell[\"dev-ana\"].account_id")
}

#[test]
fn values_are_json_that_says_what_they_are() {
    expanded(&program(), |world| {
        let of = |address: &str, field: &str| {
            let value = world.find(address).and_then(|id| world.field(id, field));
            value.map_or_else(String::new, |value| to_json(world, value).to_string())
        };
        assert_eq!(of("cell.dev-ana", "expires"), r#""2026-12-31""#);
        assert_eq!(of("cell.dev-ana", "owner"), r#""group.ops""#);
        assert_eq!(of("cell.dev-ana", "labels"), r#"{"a b":"c"}"#);
        assert_eq!(of("cell.dev-ana", "budget"), r#"{"alert_at":["0.5%"],"monthly":"1.5"}"#);
        assert_eq!(of("permission_set.S", "session"), r#""PT1H30M""#);
        assert_eq!(of("metrics.m", "sink"), r#"[{"sort":"lightstep","token":{"secret":"aws-sm:t"}}]"#);
        assert_eq!(of("component.c", "parameters"), r#"{"A":{"per_cell":".name"},"B-C":{"per_cell":"64MiB"}}"#);
        assert!(
            of("permission_set.S", "allow")
                .contains(r#""resources":[{"later":"arn:\\(cell.dev-ana.account_id):x"}]"#)
        );
    });
}

#[test]
fn conditions_are_printed_as_they_are_written() {
    expanded(&program(), |world| {
        let set = world.find("permission_set.S").and_then(|id| world.field(id, "allow"));
        let block = set.and_then(|list| list.elements().first()).and_then(Value::as_block);
        let when = block.and_then(|block| block.field("when")).map(|when| printed(world, when, WHOLE));
        let expected = "{ \"aws:RequestedRegion\" == \"us-west-2\", \"aws:SourceIp\" in 10.0.0.0/8, \
                        if present \"aws:SourceVpce\" != \"v\", every \"aws:TagKeys\" in [\"a\", \"b\"], \
                        \"aws:SourceVpc\" absent }";
        assert_eq!(when.as_deref(), Some(expected));
    });
}

#[test]
fn lists_are_cut_at_the_width() {
    expanded("for n in 1..=99 { group \"g-\\(n)\" {} }", |world| {
        let groups = Value::Set(world.of(cell_lang::schema::Kind::Group).into());
        assert_eq!(printed(world, &groups, 40), "[group.g-1, group.g-10, … 97 more]");
        assert_eq!(printed(world, &Value::Str("x".repeat(100).into()), 20), format!("\"{}…\"", "x".repeat(17)));
        assert_eq!(printed(world, &Value::List([].into()), 40), "[]");
    });
}

#[test]
fn the_normal_form_is_one_record_a_line() {
    expanded(&program(), |world| {
        let resources = Resources::new(world);
        let mut out = Vec::new();
        assert!(json::write(world, &resources, true, &mut out).is_ok());
        let text = String::from_utf8_lossy(&out).into_owned();
        assert_eq!(text.lines().count(), 8 + world.entities().count() + resources.collect().len());
        let Ok(tree) = serde_json::from_str::<serde_json::Value>(&text) else { panic!("no JSON: {text}") };
        let cell = tree["entities"].as_array().into_iter().flatten().find(|entity| entity["kind"] == "cell");
        let Some(cell) = cell else { panic!("no cell: {text}") };
        assert_eq!(cell["span"]["bindings"].to_string(), r#"{"until":"2026-12-31","who":"ana"}"#);
        assert_eq!(cell["origins"]["email"]["from"], "org.accounts");
        assert_eq!(cell["origins"]["size"]["from"], "schema");
        assert_eq!(cell["fields"].get("tags"), None);
    });
}

#[test]
fn nothing_is_written_as_nothing() {
    expanded("", |world| {
        let mut out = Vec::new();
        assert!(json::write(world, &Resources::new(world), false, &mut out).is_ok());
        let expected =
            "{\n\"format_version\": \"1.0\",\n\"source\": \"main.cell\",\n\"entities\": [],\n\"resources\": []\n}\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        let mut out = Vec::new();
        assert!(text::write(world, &[], &mut out).is_ok());
        assert_eq!(String::from_utf8_lossy(&out), "main.cell: 0 entities, 0 resources\n");
    });
}

/// What may stand between two words of a program, and means nothing.
const BETWEEN: [&str; 6] = [" ", "  ", "\n", "\r\n\t", " # why\n", "\n\n\n## doc\n"];

/// The program in a layout that nobody would write.
fn laid_out(text: &str, random: &mut Random) -> String {
    let (mut out, mut end) = (String::new(), 0);
    for word in tokens(text).into_iter().filter(|token| !token.kind.is_trivia()) {
        // What touches stays together.
        out.push_str(if word.start == end { "" } else { random.one(&BETWEEN) });
        out.push_str(word.text(text));
        end = word.end;
    }
    out + "\n"
}

/// The normal form, which has no places in it.
fn normal_form(program: &str) -> String {
    expanded(program, |world| {
        let mut out = Vec::new();
        text::write(world, &Resources::new(world).collect(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the program and its layout, the formatted program has the same normal form, to the byte.
    #[test]
    fn a_formatted_program_expands_to_the_same_bytes(seed: u64) {
        let mut random = Random(seed);
        let program = Program::random(&mut random).text();
        let laid_out = laid_out(&program, &mut random);
        let formatted = format(&laid_out).text;
        prop_assert_eq!(&format(&formatted).text, &formatted, "a second run changes it");
        let expected = normal_form(&program);
        prop_assert_eq!(normal_form(&laid_out), expected.as_str());
        prop_assert_eq!(normal_form(&formatted), expected.as_str());
    }
}
