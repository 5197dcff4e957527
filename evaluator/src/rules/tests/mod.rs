//! Each rule, met and broken, by small programs.

#![allow(clippy::panic, reason = "a test fails so")]

use cell_lang::files::{FileError, Files};
use cell_lang::{check, load};

mod access;
mod alarms;
mod cells;

use crate::budget::Options;
use crate::expand::expand;

/// What every program here begins with.
const GROUND: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
"#;

/// A production cell, complete.
const PROD: &str = r#"kind = "prod", owner = group.ops, region = "us-west-2""#;
/// A developer's cell, complete.
const DEV: &str = r#"kind = "dev", region = "us-west-2", expires = 2027-01-31"#;

struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == "main.cell" { Ok(self.0.clone().into_bytes()) } else { Err(FileError::NotFound) }
    }
}

/// Does something with the expansion of a program that has no error; `GROUND` is not added.
#[track_caller]
pub(crate) fn expanded<R>(program: &str, work: impl FnOnce(&crate::world::World<'_>) -> R) -> R {
    expanded_from(&One(program.to_owned()), work)
}

/// The same of a program of several files.
pub(crate) fn expanded_from<R>(files: &dyn Files, work: impl FnOnce(&crate::world::World<'_>) -> R) -> R {
    let checked = check::check(load::load(files, "main.cell", &[], 1 << 20));
    assert!(!cell_lang::diagnostics::has_errors(&checked.diagnostics), "{:#?}", checked.diagnostics);
    let Some(program) = checked.program else { panic!("no program") };
    let world = expand(&program, files, &Options { threads: Some(2), ..Options::default() });
    super::check(&world);
    assert!(!world.has_errors(), "{:#?}", world.take_findings());
    work(&world)
}

/// `CODE message` of everything found in a program, in the order of places; notes left out.
fn found(program: &str) -> Vec<String> {
    let program = program.replace("PROD", PROD).replace("DEV", DEV);
    // As `in_partition` has it.
    let program = match program.strip_prefix("PARTITION ").and_then(|rest| rest.split_once('\n')) {
        Some((partition, rest)) => {
            format!("{}{rest}", GROUND.replace("org o {", &format!("org o {{ partition = {partition},")))
        }
        None => format!("{GROUND}{program}"),
    };
    let files = One(program);
    let checked = check::check(load::load(&files, "main.cell", &[], 1 << 20));
    let say = |d: &cell_lang::diagnostics::Diagnostic| format!("{} {}", d.code.as_str(), d.message);
    let mut all: Vec<String> = checked.diagnostics.iter().map(say).collect();
    let errors = cell_lang::diagnostics::has_errors(&checked.diagnostics);
    if let Some(program) = checked.program.filter(|_| !errors) {
        let world = expand(&program, &files, &Options { threads: Some(2), ..Options::default() });
        super::check(&world);
        all.extend(world.take_findings().iter().map(say));
    }
    all.retain(|finding| !finding.starts_with('N'));
    all
}

/// A program of an organization in another partition.
fn in_partition(partition: &str, program: &str) -> String {
    format!("PARTITION \"{partition}\"\n{program}")
}

#[track_caller]
fn finds(program: &str, expected: &[&str]) {
    assert_eq!(found(program), expected, "in\n{program}");
}

/// Of the findings, those with this code.
#[track_caller]
fn finds_one(program: &str, expected: &str) {
    let code = expected.split(' ').next().unwrap_or_default();
    let all = found(program);
    let of_code: Vec<&String> = all.iter().filter(|finding| finding.starts_with(code)).collect();
    assert_eq!(of_code, [expected], "in\n{program}\nall: {all:#?}");
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<&str> = super::RULES.iter().map(|rule| rule.id).collect();
    assert!(names.iter().all(|name| name.starts_with("rule.")));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), super::RULES.len());
}
