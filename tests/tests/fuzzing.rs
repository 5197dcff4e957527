//! The properties that fuzzing looks for a counter-example to, over a bounded number of texts: every one that broke
//! something before, and programs of this repository with pieces cut out, doubled, moved and replaced. The seeds are
//! fixed; the long runs are of `tests/fuzz`.

use cell_tests::momento::{Project, Registry};
use cell_tests::{failures, invariants, report, repository};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Texts tried by one run of the suite.
const TEXTS: usize = 1_200;

/// Panics where it does not hold of a text.
type Property = fn(&str);

/// What a text is held to, by the name of its target.
const PROPERTIES: &[(&str, Property)] = &[
    ("tokens", invariants::of_tokens),
    ("parse", invariants::of_parsing),
    ("format", invariants::of_formatting),
    ("check", invariants::of_checking),
];

/// Words that change what a program is more often than noise does.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "\\(",
    "#",
    "##",
    ",",
    ".",
    "=",
    "==",
    "=>",
    "..=",
    "..",
    "??",
    "?",
    "!",
    "!=",
    "-",
    "+",
    "*",
    "<",
    "&&",
    "||",
    ":",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\u{0}",
    "\u{feff}",
    "é",
    "//",
    "/*",
    "let x = ",
    "for x in [1, 2] ",
    "if true ",
    "else ",
    "then ",
    "where ",
    "in ",
    "not ",
    "none",
    "override ",
    "export ",
    "module \"m\" = \"main.cell\" {}",
    "import \"std/regions.cell\" as r",
    "cell \"\\(x)\" {}",
    "cells",
    "cell.a",
    "cell[\"a\"]",
    "9223372036854775807",
    "1..=9999999",
    "12h",
    "30%",
    "2026-02-30",
    "10.0.0.0/33",
    "matching /(a+)+$/",
    "Ref<cell>",
    "enum { a }",
    "secret(\"x:y\")",
    "\\u001b[2J",
    "null",
    "\"address\":",
    "\u{202e}",
    "1e999",
    "-1",
    "file(\"main.cell\")",
    "pad(1, 9999999)",
];

/// A change of a text.
#[derive(Debug, Clone)]
enum Edit {
    Cut(Index, usize),
    Put(Index, &'static str),
    Double(Index, usize),
    Move(Index, usize, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        1 => (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Edit::Cut(at, length)),
        3 => (any::<Index>(), select(WORDS)).prop_map(|(at, word)| Edit::Put(at, word)),
        1 => (any::<Index>(), 1_usize..200).prop_map(|(at, length)| Edit::Double(at, length)),
        1 => (any::<Index>(), 1_usize..80, any::<Index>()).prop_map(|(at, length, to)| Edit::Move(at, length, to)),
    ]
}

fn apply(text: &mut Vec<char>, edit: &Edit) {
    let part = |text: &[char], at: &Index, length: usize| {
        let start = at.index(text.len().max(1)).min(text.len());
        start..(start + length).min(text.len())
    };
    match edit {
        Edit::Cut(at, length) => drop(text.drain(part(text, at, *length))),
        Edit::Put(at, word) => {
            let start = part(text, at, 0).start;
            text.splice(start..start, word.chars()).for_each(drop);
        }
        Edit::Double(at, length) => {
            let part = part(text, at, *length);
            let twice = text[part.clone()].to_vec();
            text.splice(part.end..part.end, twice).for_each(drop);
        }
        Edit::Move(at, length, to) => {
            let moved: Vec<char> = text.drain(part(text, at, *length)).collect();
            let start = part(text, to, 0).start;
            text.splice(start..start, moved).for_each(drop);
        }
    }
}

/// Programs to begin with: small ones, so that an edit meets what matters.
fn programs() -> Vec<String> {
    let of = |folder: &str| repository::files(folder, "cell");
    let all = ["tests/cases/good", "tests/cases/bad", "examples", "std"].iter().flat_map(|folder| of(folder));
    let texts: Vec<String> =
        all.map(|path| repository::read(&path).unwrap()).filter(|text| text.len() < 6_000).collect();
    assert!(texts.len() > 20, "only {} programs were found", texts.len());
    texts
}

/// The same texts on every run: the seed is fixed.
fn texts(programs: &[String]) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let recipe = (any::<Index>(), prop::collection::vec(edit(), 1..6));
    let mut draw = || {
        let (program, edits) = recipe.new_tree(&mut runner).unwrap().current();
        let mut text: Vec<char> = programs[program.index(programs.len())].chars().collect();
        edits.iter().for_each(|edit| apply(&mut text, edit));
        text.into_iter().collect::<String>()
    };
    (0..TEXTS).map(|_| draw()).collect()
}

fn holds(name: &str, property: Property, text: &str) -> Result<(), String> {
    std::panic::catch_unwind(|| property(text)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|&said| said.to_owned()));
        let said: String = said.unwrap_or_default().chars().take(2_000).collect();
        let shown: String = text.chars().take(6_000).collect();
        format!("── {name}: {said}\n{shown}")
    })
}

#[test]
fn changed_programs_hold_to_every_property() {
    let texts = texts(&programs());
    let failed =
        failures(&texts, |text| PROPERTIES.iter().try_for_each(|(name, property)| holds(name, *property, text)));
    report(texts.len(), &failed);
}

/// A plan and a record as `cellc` writes them, changed by strangers. Their words are JSON's and names that steer a
/// terminal.
#[test]
fn changed_plans_and_records_hold_to_theirs() {
    let project = Project::applied(Registry::File).unwrap();
    project
        .edit(&[(
            "account monitoring { ou = ou[\"infrastructure\"] }",
            "account monitoring { ou = ou.watch }\nou watch {}",
        )])
        .unwrap();
    project.plan(&["--out", "plan.json"]).unwrap();
    let read = |path: &str| std::fs::read_to_string(project.path().join(path)).unwrap();
    for (name, property, file) in [
        ("plans", invariants::of_plan_files as Property, "plan.json"),
        ("records", invariants::of_records as Property, ".cellc/sandbox/registry.json"),
    ] {
        let texts = texts(&[read(file)]);
        report(texts.len(), &failures(&texts, |text| holds(name, property, text)));
    }
}

/// What a fuzzer found once, or took long over, lies in `tests/fuzz/regressions`, one text a file.
#[test]
fn what_broke_before_holds_now() {
    let found = repository::files("tests/fuzz/regressions", "cell");
    assert!(!found.is_empty(), "the texts were not found");
    let failed = failures(&found, |path| {
        let text = repository::read(path)?;
        PROPERTIES.iter().try_for_each(|(name, property)| holds(name, *property, &text))
    });
    report(found.len(), &failed);
}
