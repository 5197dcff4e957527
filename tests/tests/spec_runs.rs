//! The specification runs: its programs do what the prose around them says, each rule has an example, each code a
//! page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cell_lang::diagnostics::{Code, Severity};
use cell_tests::diff::difference;
use cell_tests::markdown::{Expected, Page, Print, Program};
use cell_tests::project::run_project;
use cell_tests::{Found, Outcome, failures, project, report, repository, updating};
use serde_json::Value;

fn pages() -> Vec<PathBuf> {
    repository::files("spec", "md")
}

fn read(path: &Path) -> Result<Page, String> {
    Ok(Page::parse(&repository::read(path)?))
}

#[test]
fn every_program_does_what_is_said_of_it() {
    let pages = pages();
    report(pages.len(), &failures(&pages, |path| run_page(path)));
}

fn run_page(path: &Path) -> Result<(), String> {
    let page = read(path)?;
    let place = |line: usize| format!("── {}:{line}", repository::short(path));
    let mut faults: Vec<String> = page.faults.iter().map(|fault| format!("{}: {fault}", place(1))).collect();
    let mut updates = Vec::new();
    for program in &page.programs {
        if let Err(fault) = run_program(program, &mut updates) {
            faults.push(format!("{}\n{fault}", place(program.line)));
        }
    }
    if !updates.is_empty() {
        repository::write(path, &replaced(&repository::read(path)?, &updates))?;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Runs a program and compares what is found and printed. `updates` gets the blocks to rewrite.
fn run_program<'a>(program: &'a Program, updates: &mut Vec<(&'a Print, String)>) -> Result<(), String> {
    let outcome = run_project("check", &program.files, "main.cell", &program.environment)?;
    let mut faults = match program.role.as_deref() {
        // The page of the code says which one, unless a comment does.
        Some("failing") if program.expected.is_empty() => Vec::new(),
        _ => unannounced(program, &outcome.diagnostics),
    };
    for print in &program.prints {
        let printed = printed(program, print)?;
        match difference(&print.text, &printed) {
            Some(_) if updating() => updates.push((print, printed)),
            Some(difference) => {
                faults.push(format!("line {} (- expected, + found)\n{difference}", print.lines.start));
            }
            None => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// What was announced and not found, and what was found and not announced. A note need not be announced.
fn unannounced(program: &Program, found: &[Found]) -> Vec<String> {
    let key = |found: &Found| Expected { file: found.file.clone(), line: found.line, code: found.code.clone() };
    let mut faults = Vec::new();
    for expected in &program.expected {
        if !found.iter().any(|found| key(found) == *expected) {
            faults.push(format!("{}:{}: expected {}, not found", expected.file, expected.line, expected.code));
        }
    }
    let surprises = found.iter().filter(|found| found.severity != "note" && !program.expected.contains(&key(found)));
    faults.extend(surprises.map(|found| format!("not expected: {found}")));
    faults
}

/// What `expand` prints of a program, or `check` says of it, as an expectation writes it.
fn printed(program: &Program, print: &Print) -> Result<String, String> {
    match print.kind.as_str() {
        "text" => return Ok(project::show_project("expand", &program.files, "main.cell")?.0),
        "diag" => return Ok(project::show_project("check", &program.files, "main.cell")?.1),
        "test" => return Ok(project::show_project("test", &program.files, "main.cell")?.0),
        _ => {}
    }
    let outcome = run_project("expand", &program.files, "main.cell", &program.environment)?;
    let expansion = outcome.expansion.as_ref().ok_or("the program has no normal form")?;
    let part = match &print.select {
        None => expansion,
        Some(path) => selected(expansion, path).ok_or_else(|| format!("there is nothing at `{path}`"))?,
    };
    let text = serde_json::to_string_pretty(part).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// The part of a normal form at a pointer (`/entities/0/fields`) or of an address.
fn selected<'a>(expansion: &'a Value, path: &str) -> Option<&'a Value> {
    if path.starts_with('/') {
        return expansion.pointer(path);
    }
    let all = ["entities", "resources"].into_iter().filter_map(|key| expansion[key].as_array()).flatten();
    all.into_iter().find(|entity| entity["address"] == path)
}

/// A page with other texts in some of its blocks.
fn replaced(page: &str, updates: &[(&Print, String)]) -> String {
    let mut lines: Vec<&str> = page.split_inclusive('\n').collect();
    for (print, text) in updates.iter().rev() {
        lines.splice(print.lines.clone(), [text.as_str()]);
    }
    lines.concat()
}

#[test]
fn every_rule_is_named_once_and_has_an_example() {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for path in pages() {
        let page = read(&path).unwrap();
        for (id, line) in &page.rules {
            let place = format!("{}:{line}", repository::short(&path));
            if let Some(other) = named.insert(id.clone(), place.clone()) {
                faults.push(format!("{place}: rule `{id}` is already at {other}"));
            }
        }
        let bare = page.bare_rules().map(|id| format!("{}: rule `{id}` has no example", repository::short(&path)));
        faults.extend(bare);
    }
    report(named.len(), &faults);
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let names = repository::files("spec/errors", "md");
    let names: Vec<String> =
        names.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let missing = Code::ALL.iter().filter(|code| !names.iter().any(|name| name == code.as_str()));
    let missing: Vec<&str> = missing.map(|code| code.as_str()).collect();
    let mut faults = Vec::new();
    if !missing.is_empty() {
        faults.push(format!("spec/errors lacks the pages of {} codes: {}", missing.len(), missing.join(" ")));
    }
    let strays = names.iter().filter(|name| !Code::ALL.iter().any(|code| code.as_str() == name.as_str()));
    faults.extend(strays.map(|name| format!("spec/errors/{name}.md: there is no such code")));
    report(Code::ALL.len(), &faults);
}

#[test]
fn the_page_of_a_code_shows_it_and_how_to_mend_it() {
    let pages: Vec<(Code, PathBuf)> = repository::files("spec/errors", "md")
        .into_iter()
        .filter_map(|path| Some((Code::parse(&path.file_stem()?.to_string_lossy())?, path)))
        .collect();
    report(pages.len(), &failures(&pages, |(code, path)| code_page(*code, path)));
}

fn code_page(code: Code, path: &Path) -> Result<(), String> {
    let page = read(path)?;
    let mut faults = Vec::new();
    let title = format!("# {}: {}", code.as_str(), code.title());
    if page.title != title {
        faults.push(format!("the first line must be `{title}`, and is `{}`", page.title));
    }
    if needs_a_cloud(code) {
        // The suites of plan and apply bring these about; the page shows what is said.
        if !page.blocks_of("console") {
            faults.push("there is no block ```console that shows the command and what it says".to_owned());
        }
        return if faults.is_empty() {
            Ok(())
        } else {
            Err(format!("── {}\n{}", repository::short(path), faults.join("\n")))
        };
    }
    for role in ["failing", "fixed"] {
        let programs: Vec<&Program> =
            page.programs.iter().filter(|program| program.role.as_deref() == Some(role)).collect();
        if programs.is_empty() {
            faults.push(format!("there is no block ```cell {role}"));
        }
        for program in programs {
            let outcome = run_project("check", &program.files, "main.cell", &program.environment);
            let fault = outcome.and_then(|outcome| plays(role, code, &outcome));
            faults.extend(fault.err().map(|fault| format!("the block at line {}: {fault}", program.line)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("── {}\n{}", repository::short(path), faults.join("\n"))) }
}

/// Is it a finding of a plan, an apply or a bootstrap, which no program has by itself?
fn needs_a_cloud(code: Code) -> bool {
    code == Code::NotApproved
        || ["E05", "E06", "E08", "E09", "W09"].iter().any(|phase| code.as_str().starts_with(phase))
}

/// A failing program gives the code and no other error; a fixed one neither the code nor any error.
fn plays(role: &str, code: Code, outcome: &Outcome) -> Result<(), String> {
    let given = outcome.diagnostics.iter().any(|found| found.code == code.as_str());
    let other = outcome.diagnostics.iter().find(|found| found.is_error() && found.code != code.as_str());
    if let Some(other) = other {
        return Err(format!("must give no other error, and gives {other}"));
    }
    let failing = role == "failing";
    if given != failing {
        return Err(format!("must {}give {}", if failing { "" } else { "not " }, code.as_str()));
    }
    let status = match code {
        Code::BrokenGuard if failing => 3,
        _ => i32::from(failing && code.severity() == Severity::Error),
    };
    if outcome.status == status {
        Ok(())
    } else {
        Err(format!("must end with {status}, and ends with {}", outcome.status))
    }
}

#[test]
fn expectations_of_a_page_are_rewritten_in_place() {
    let text = "# A\n```cell\na\n```\n```json expect\n1\n2\n```\nand\n```diag expect\n```\n";
    let page = Page::parse(text);
    let prints = &page.programs[0].prints;
    let updates = [(&prints[0], "3\n".to_owned()), (&prints[1], "4\n5\n".to_owned())];
    assert_eq!(
        replaced(text, &updates),
        "# A\n```cell\na\n```\n```json expect\n3\n```\nand\n```diag expect\n4\n5\n```\n"
    );
}
