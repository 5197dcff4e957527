//! What tests may ask about the whole program, and what they are told when they ask wrongly.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails so")]

use cell_lang::diagnostics::Diagnostic;
use cell_lang::files::{FileError, Files};
use cell_lang::{check, load};

use super::{End, run, text};
use crate::rules::tests::expanded;

/// Two waves, and a cell that neither selects; one that is in both is brought its release by the first.
const FLEET: &str = r#"org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
alarm errors { namespace = "x", metric = "y", above = 1%, over = 5m }
for name in ["a", "b"] {
  cell "prod-\(name)" {
    kind = "prod"
    region = "us-west-2"
    owner = group.ops
    size = if name == "a" then "small" else "large"
  }
}
cell both { kind = "alpha", region = "us-west-2" }
cell none-at-all { kind = "staging", region = "us-west-2", size = "medium" }
cell draining { kind = "prod", region = "us-east-1", owner = group.ops, size = "large", state = "draining" }
rollout main {
  alarms = [alarm.errors]
  wave first { on = cells where .size == "small" || .kind == "alpha", bake = 12h }
  wave second { on = cells where .size == "large" || .kind == "alpha", bake = 1h }
}
rollout other {
  alarms = [alarm.errors]
  wave only { on = cells where .kind == "staging", bake = 12h }
}
"#;

/// What `cellc test` prints of the fleet with these steps in a test.
fn printed(steps: &str) -> String {
    expanded(&format!("{FLEET}test \"t\" {{\n{steps}\n}}\n"), |world| {
        let mut out = Vec::new();
        text::write(world, &run(world, None, &crate::access::pins::Pins::default()), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

#[track_caller]
fn passes(steps: &str) {
    let printed = printed(steps);
    assert!(printed.contains("1 passed"), "{printed}");
}

#[test]
fn the_wave_of_a_cell_is_the_one_that_brings_it_a_release() {
    passes("expect wave_of(cell[\"prod-a\"], rollout.main) == \"first\"");
    passes("expect wave_of(cell[\"prod-b\"], rollout.main) == \"second\"");
    passes("expect wave_of(cell.both, rollout.main) == \"first\"");
    passes("expect wave_of(cell.none-at-all, rollout.main) == none");
    passes("expect wave_of(cell.none-at-all, rollout.other) == \"only\"");
    passes("expect wave_of(cell.none-at-all, rollout.main) ?? \"-\" == \"-\"");
}

#[test]
fn a_cell_that_drains_has_the_wave_that_selects_it() {
    passes("expect wave_of(cell.draining, rollout.main) == \"second\"");
    passes("expect wave_of(cell.draining, rollout.other) == none");
}

#[test]
fn a_question_stands_wherever_a_value_may_in_a_test() {
    passes(
        "let main = rollout.main
         let waves = [for c in cells where .kind == \"prod\" && .state == \"active\" : wave_of(c, main) ?? \"-\"]
         expect waves == [\"first\", \"second\"]
         expect count(cells where wave_of(cell.both, main) == \"first\") == count(cells)
         expect every c in cells where .kind == \"prod\" && .size == \"small\" : wave_of(c, main) != \"second\"",
    );
}

#[test]
fn what_a_question_came_to_is_shown() {
    assert_eq!(
        printed(
            "expect wave_of(cell[\"prod-a\"], rollout.main) == \"second\"\nexpect every c in cells : wave_of(c, rollout.main) != none"
        ),
        r#"main.cell
  FAILED t
    main.cell:25:8: expect wave_of(cell["prod-a"], rollout.main) == "second"
      wave_of(cell["prod-a"], rollout.main): "first"
    main.cell:26:8: expect every c in cells : wave_of(c, rollout.main) != none
      c: does not hold for 1 of 5, with c = cell.none-at-all (item 3)
      wave_of(c, rollout.main): none

1 test: 0 passed, 1 failed
"#
    );
}

/// A test whose question is about nothing would hold whatever the program says.
#[test]
fn a_question_about_nothing_is_an_error() {
    for (question, told) in [
        (r#"can(group.ops, "iamPassRole", cell.both)"#, "`iamPassRole` is no action"),
        (r#"can(group.ops, "", cell.both)"#, "`` is no action"),
        (r#"can(group.ops, "iam:PassRoel", cell.both)"#, "`iam:PassRoel` is no action that AWS lists"),
        (r#"can(group.ops, "iam:Pas*Roel", cell.both)"#, "no action that AWS lists matches `iam:Pas*Roel`"),
        (r#"can(group.ops, "iam:PassRole", cell.both, "role/app")"#, "`role/app` is no resource"),
    ] {
        let text = format!("{FLEET}test \"t\" {{\nexpect !{question}\n}}\n");
        let (end, found) = expanded(&text, |world| {
            let tests = run(world, None, &crate::access::pins::Pins::default());
            (tests.run[0].end, world.take_findings())
        });
        assert_eq!(end, End::Error, "{question}");
        assert!(found.iter().any(|finding| finding.message.contains(told)), "{question}: {found:?}");
    }
    passes(
        r#"expect !can(group.ops, "iam:Pass*", cell.both, "arn:aws:iam::*:role/x") && !can(group.ops, "*", cell.both)"#,
    );
}

struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == "main.cell" { Ok(self.0.clone().into_bytes()) } else { Err(FileError::NotFound) }
    }
}

/// `CODE message: help` of what the check finds in the fleet with this text behind it.
fn refused(text: &str) -> Vec<String> {
    let checked = check::check(load::load(&One(format!("{FLEET}{text}")), "main.cell", &[], 1 << 20));
    let say = |d: &Diagnostic| format!("{} {}: {}", d.code.as_str(), d.message, d.helps.join("; "));
    checked.diagnostics.iter().map(say).collect()
}

#[test]
fn a_question_is_asked_in_a_test_alone() {
    let alone = ["E0219 `wave_of` is asked outside of a test: its answer is known once all of the program is \
                  expanded: ask it in a `test` block"];
    assert_eq!(refused("let w = wave_of(cell.both, rollout.main)"), alone);
    assert_eq!(refused("fn w(c: Ref<cell>, r: Ref<rollout>): String = wave_of(c, r) ?? \"-\""), alone);
    assert_eq!(refused("assert \"a\" { wave_of(cell.both, rollout.main) == \"first\" }"), alone);
    assert_eq!(
        refused("rollout z { wave w { on = cells where wave_of(cell.both, rollout.main) == none, bake = 1h } }"),
        alone
    );
    assert_eq!(refused("cell z { kind = wave_of(cell.both, rollout.main), region = \"us-west-2\" }"), alone);
    // What stands in it is looked at too.
    assert_eq!(refused("let w = wave_of(cell.both, rollout.mian)").len(), 2);
}

#[test]
fn arguments_are_a_cell_and_a_rollout() {
    let expect = |argument: &str| refused(&format!("test \"t\" {{ expect wave_of({argument}) == none }}"));
    assert_eq!(
        expect("rollout.main, cell.both"),
        ["E0301 expected Ref<cell>, found Ref<rollout>: ", "E0301 expected Ref<rollout>, found Ref<cell>: "]
    );
    assert_eq!(expect("cells, rollout.main"), ["E0301 expected Ref<cell>, found Set<cell>: "]);
    assert_eq!(
        expect("\"both\", rollout.main"),
        ["E0301 expected Ref<cell>, found String: an entity is written `cell.label`, or `cell[\"label\"]` when it \
          stands in a loop"]
    );
    let many = "wave_of(cell: Ref<cell>, rollout: Ref<rollout>): String?";
    assert_eq!(expect("cell.both"), [format!("E0311 `wave_of` is called with 1 argument: {many}")]);
    assert_eq!(expect(""), [format!("E0311 `wave_of` is called with 0 arguments: {many}")]);
    assert_eq!(expect("cell.both, rollout.main, 1"), [format!("E0311 `wave_of` is called with 3 arguments: {many}")]);
}

#[test]
fn an_answer_may_be_none_and_is_no_string() {
    assert_eq!(
        refused("test \"t\" { let w: String = wave_of(cell.both, rollout.main)\n expect w == \"first\" }")
            .iter()
            .map(|found| &found[..5])
            .collect::<Vec<_>>(),
        ["E0308"]
    );
}

#[test]
fn a_misspelt_question_is_proposed_where_it_can_be_asked() {
    let help = |text: &str| refused(text).join("\n");
    assert!(
        help("test \"t\" { expect wave_off(cell.both, rollout.main) == none }").contains("did you mean `wave_of`")
    );
    assert!(!help("let w = wave_off(cell.both, rollout.main)").contains("wave_of`?"), "it could not be asked there");
}

#[test]
fn a_question_that_fails_shows_its_answer_and_what_it_was_asked_of() {
    let text = printed("expect can(group.ops, \"iam:PassRole\", cell[\"prod-a\"])");
    let answer =
        "      can(group.ops, \"iam:PassRole\", cell[\"prod-a\"]): false\n      cell[\"prod-a\"]: cell.prod-a\n";
    assert!(text.contains(answer), "{text}");
    let text = printed("expect any([true]) && all([true, false])");
    assert!(text.contains("      all([true, false]): false\n"), "{text}");
}
