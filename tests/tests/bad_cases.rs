//! The programs of `tests/cases/bad`: each is refused for the reason in its first line, and for no other.
//!
//! The line is `# expect E01 E02 …: reason`: the phases of the errors, in their order. What the reason has in
//! backticks must be said; the lines it names must be the places.

use std::path::{Path, PathBuf};

use cell_tests::{Outcome, failures, project, report, repository};

/// The first line of a case, read.
struct Expect<'a> {
    phases: Vec<&'a str>,
    reason: &'a str,
}

impl<'a> Expect<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (phases, reason) = text.lines().next()?.strip_prefix("# expect ")?.split_once(": ")?;
        Some(Self { phases: phases.split_whitespace().collect(), reason })
    }

    fn errors(&self) -> Vec<&'a str> {
        self.phases.iter().copied().filter(|phase| phase.starts_with('E')).collect()
    }

    fn warnings(&self) -> impl Iterator<Item = &'a str> {
        self.phases.iter().copied().filter(|phase| phase.starts_with('W'))
    }

    /// The words in backticks.
    fn words(&self) -> impl Iterator<Item = &'a str> {
        self.reason.split('`').skip(1).step_by(2)
    }

    /// The numbers after "in lines".
    fn lines(&self) -> Vec<usize> {
        let list = self.reason.split_once("in lines ").map_or("", |(_, list)| list);
        let list = list.split(';').next().unwrap_or_default();
        list.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    }
}

#[test]
fn each_is_refused_for_its_reason() {
    let all = repository::files("tests/cases/bad", "cell");
    let cases: Vec<PathBuf> =
        all.into_iter().filter(|path| !path.parent().is_some_and(|p| p.ends_with("lib"))).collect();
    assert_eq!(cases.len(), 38, "tests/cases/bad holds 38 programs");
    report(cases.len(), &failures(&cases, |case| refused(case)));
}

fn refused(path: &Path) -> Result<(), String> {
    let (name, text) = (file_name(path), repository::read(path)?);
    let expect = Expect::parse(&text).ok_or_else(|| format!("── {name}: no line `# expect`"))?;
    let outcome = project::run_project("check", &with_library(path)?, &name, &[]);
    let outcome = outcome.map_err(|reason| format!("── {name}: {reason}"))?;
    let mut faults = Vec::new();
    compare(&expect, &outcome, &mut faults);
    if !outcome.stdout.is_empty() {
        faults.push(format!("standard output must stay empty, and has: {}", outcome.stdout));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = outcome.diagnostics.iter().map(ToString::to_string).collect();
    Err(format!("── {name}: {}\n{}\nfound:\n  {}", expect.reason, faults.join("\n"), said.join("\n  ")))
}

fn compare(expect: &Expect<'_>, outcome: &Outcome, faults: &mut Vec<String>) {
    let errors: Vec<&_> = outcome.diagnostics.iter().filter(|found| found.is_error()).collect();
    let phases: Vec<&str> = errors.iter().map(|found| found.phase()).collect();
    if phases != expect.errors() {
        faults.push(format!("expected errors {:?}, found {phases:?}", expect.errors()));
    }
    for phase in expect.warnings().filter(|phase| !outcome.diagnostics.iter().any(|found| found.phase() == *phase)) {
        faults.push(format!("expected a warning {phase}"));
    }
    let lines: Vec<usize> = errors.iter().map(|found| found.line).collect();
    if !expect.lines().is_empty() && lines != expect.lines() {
        faults.push(format!("expected them in lines {:?}, found them in {lines:?}", expect.lines()));
    }
    let said = |word: &str| outcome.diagnostics.iter().any(|found| found.said.contains(word));
    for word in expect.words().filter(|word| !said(word)) {
        faults.push(format!("nothing says `{word}`"));
    }
    let status = i32::from(!expect.errors().is_empty());
    let guarded = status == 1 && outcome.status == 3 && phases == ["E07"];
    if outcome.status != status && !guarded {
        faults.push(format!("expected status {status}, found {}", outcome.status));
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A case with the files of the `lib` beside it.
pub(crate) fn with_library(path: &Path) -> Result<Vec<(String, String)>, String> {
    let mut files = vec![(file_name(path), repository::read(path)?)];
    let folder = path.parent().unwrap_or(path).join("lib");
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        files.push((format!("lib/{}", file_name(&entry.path())), repository::read(&entry.path())?));
    }
    Ok(files)
}
