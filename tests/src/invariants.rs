//! What holds of every text, however broken: the properties that fuzzing looks for a counter-example to.
//!
//! Owns the properties, each a function that panics where one does not hold. The fuzzer (`tests/fuzz`) and the bounded
//! runs of the suite share this file and [`super::memory`], so neither names anything else of this crate.

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a property that does not hold panics")]

use cell_eval::budget::Options;
use cell_eval::plan::{file, text};
use cell_eval::registry::record::{FORMAT_VERSION, Record};
use cell_eval::resources::Resources;
use cell_eval::terminal::Look;
use cell_eval::{emit, expand, rules};
use cell_lang::check::Checked;
use cell_lang::diagnostics::render::{Style, render};
use cell_lang::diagnostics::{Diagnostic, has_errors, json};
use cell_lang::fmt::format_proven;
use cell_lang::source::SourceMap;
use cell_lang::syntax::{parse, tokens};
use sha2::{Digest as _, Sha256};

use super::memory::Memory;

/// Bytes of a program that a run takes: beyond, the same code is only slower.
const MOST: usize = 64 << 10;

/// The tokens of a text are the text, in order and without a gap.
pub fn of_tokens(text: &str) {
    let mut end = 0;
    for token in tokens(text) {
        let part = token.text(text);
        assert!(!part.is_empty(), "an empty token at {end}");
        assert!(text[end..].starts_with(part), "a token that is not at {end}: {part:?}");
        end += part.len();
    }
    assert_eq!(end, text.len(), "the tokens end early");
}

/// A text is read or has an error, and what is said of it lies in it and can be shown.
pub fn of_parsing(text: &str) {
    let mut sources = SourceMap::default();
    let file = sources.add("main.cell", text);
    let parsed = parse(file, text);
    assert!(parsed.file.decls.iter().all(|decl| text.get(range(decl.span)).is_some()), "a declaration outside");
    can_be_shown(&sources, &parsed.diagnostics);
    // A text that was read is read again when it has one more line of nothing.
    if parsed.diagnostics.is_empty() {
        let more = format!("{text}\n# end\n");
        assert_eq!(parse(file, &more).diagnostics, [], "a comment at the end is an error");
    }
}

/// The canonical form of a text means the same, keeps each comment, and is its own: what parses is laid out, what does
/// not is kept.
pub fn of_formatting(text: &str) {
    let mut sources = SourceMap::default();
    let parsed = parse(sources.add("main.cell", text), text);
    let proven = format_proven(text, &parsed);
    assert!(proven.unproven.is_empty(), "laid out, a part of it is not the same: {:?}", proven.unproven);
    assert_eq!(parsed.diagnostics.is_empty(), proven.formatted.broken.is_empty(), "what is broken is kept");
    let text = &proven.formatted.text;
    let again = format_proven(text, &parse(sources.add("main.cell", text.as_str()), text));
    assert_eq!(again.formatted.text, *text, "a second time changes something");
}

/// A program of one file is checked, expanded, held to the rules and written, by one thread as by two.
pub fn of_checking(text: &str) {
    if text.len() <= MOST {
        assert_eq!(told(text, 1), told(text, 2), "one thread and two find something else");
    }
}

/// All that is found in a program, and its normal form where nothing is an error.
fn told(text: &str, threads: usize) -> (String, Vec<u8>) {
    let files = Memory::one(text);
    let Checked { sources, program, mut diagnostics } = files.check("main.cell");
    can_be_shown(&sources, &diagnostics);
    let said = |diagnostics: &[Diagnostic]| render(&sources, diagnostics, &Style::default());
    let budgets = Options {
        max_steps: 20_000,
        max_entities: 2_000,
        max_string: 4 << 10,
        threads: Some(threads),
        ..Options::default()
    };
    let Some(program) = program else { return (said(&diagnostics), Vec::new()) };
    if has_errors(&diagnostics) {
        diagnostics.extend(expand::check_literals(&program, &files, &budgets));
        return (said(&diagnostics), Vec::new());
    }
    if program.units.get(program.root.index()).is_none_or(|unit| unit.params.iter().any(|p| p.default.is_none())) {
        return (said(&diagnostics), Vec::new());
    }
    let world = expand::expand(&program, &files, &budgets);
    rules::check(&world);
    let mut normal = Vec::new();
    if !world.has_errors() {
        emit::json::write(&world, &Resources::new(&world), true, &mut normal)
            .expect("memory takes all that is written");
        assert!(serde_json::from_slice::<serde_json::Value>(&normal).is_ok(), "the normal form is no JSON");
    }
    diagnostics.extend(world.take_findings());
    can_be_shown(&sources, &diagnostics);
    (said(&diagnostics), normal)
}

/// A plan file is the plan that was written or it is refused; with a digest that is right for what it says it is
/// refused all the same, or it can be shown, nothing in it steers a terminal, and it is written as it was read.
pub fn of_plan_files(text: &str) {
    if let Ok(plan) = file::parse(text.as_bytes()) {
        taken(&plan);
    }
    if let Ok(plan) = file::parse(sealed(text).as_bytes()) {
        taken(&plan);
    }
}

fn taken(plan: &cell_eval::plan::model::Plan) {
    let mut bytes = Vec::new();
    file::write(plan, &mut bytes).expect("memory takes all that is written");
    assert_eq!(file::parse(&bytes).as_ref(), Ok(plan), "what is written reads as another plan");
    for verbose in [false, true] {
        let mut page = String::new();
        let look = Look { verbose, width: 80, color: false };
        text::write(plan, &look, &mut page).expect("memory takes all that is written");
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "a control character is printed: {page:?}");
    }
}

/// The text with the digest in its second line that it would have to have.
fn sealed(text: &str) -> String {
    let mut lines = text.splitn(3, '\n');
    let (Some(first), Some(_), Some(rest)) = (lines.next(), lines.next(), lines.next()) else {
        return String::new();
    };
    let digest = Sha256::digest(format!("{first}\n{rest}"));
    let digits: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{first}\n\"plan_id\":\"plan-{}\",\n{rest}", digits.concat())
}

/// A record, and a journal over it, is read or refused; what is read is written so that it reads the same.
pub fn of_records(text: &str) {
    let none = || Record { format_version: FORMAT_VERSION.to_owned(), ..Record::default() };
    let mut record = Record::parse(text.as_bytes()).unwrap_or_else(|_| none());
    let _ = record.replay(&[text.as_bytes().to_vec()]);
    let bytes = record.to_bytes().expect("a record is written");
    assert_eq!(Record::parse(&bytes).as_ref(), Ok(&record), "what is written reads as another record");
}

/// Every place that a finding names is one, and it is shown in every form.
fn can_be_shown(sources: &SourceMap, diagnostics: &[Diagnostic]) {
    for finding in diagnostics {
        for label in &finding.labels {
            let text = sources.get(label.span.file).map(|source| source.text.clone()).unwrap_or_default();
            assert!(text.get(range(label.span)).is_some(), "a label outside the text: {finding:?}");
        }
        assert!(!finding.message.is_empty(), "a finding without a word: {finding:?}");
    }
    render(sources, diagnostics, &Style::default());
    json::render(sources, diagnostics);
}

fn range(span: cell_lang::source::Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}
