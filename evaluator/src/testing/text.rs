//! The results of tests as text: a line for each test under the file it stands in, and what a failed one found.
//! Says nothing of how long anything took, so that the same program reads the same every time.

use std::io::{self, Write};

use cell_lang::source::Span;

use super::{End, Tested, Tests, Why, unmet_differences};
use crate::emit::source;
use crate::expand::Verdict;
use crate::world::World;

/// Characters of a condition that a line shows.
const SHOWN: usize = 100;

/// Writes the results.
pub fn write(world: &World<'_>, tests: &Tests, out: &mut impl Write) -> io::Result<()> {
    let sources = &world.program().sources;
    let mut place = None;
    for test in &tests.run {
        let here = (test.module.as_str(), test.span.file);
        if place.replace(here) != Some(here) {
            let path = sources.path(test.span.file);
            match here.0 {
                "" => writeln!(out, "{path}")?,
                module => writeln!(out, "{path}, module {module}")?,
            }
        }
        one(world, test, out)?;
    }
    for left_out in &tests.left_out {
        let path = sources.path(left_out.file);
        let count = counted(left_out.tests, "test");
        match left_out.why {
            Why::NeedsValues => writeln!(out, "{path}: {count} not run; a module gives its parameters values")?,
            Why::NotOfProgram => writeln!(out, "{path}: {count} not run; it is no part of {}", source(world))?,
        }
    }
    if !(tests.run.is_empty() && tests.left_out.is_empty()) {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(tests))
}

fn one(world: &World<'_>, test: &Tested, out: &mut impl Write) -> io::Result<()> {
    let sources = &world.program().sources;
    let word = match test.end {
        End::Passed => "ok    ",
        End::Failed => "FAILED",
        End::Error => "ERROR ",
    };
    writeln!(out, "  {word} {}", visible(&test.name))?;
    for expectation in &test.expectations {
        let Verdict::Fails(unmet) = &expectation.verdict else { continue };
        writeln!(out, "    {}: expect {}", sources.place(expectation.span), line(world, expectation.span))?;
        for reason in &unmet.reasons {
            writeln!(out, "      {}: {}", line(world, reason.span), reason.text)?;
        }
        for difference in unmet_differences(world, unmet) {
            writeln!(out, "      {difference}")?;
        }
    }
    Ok(())
}

/// A name on one line, and without what would steer a terminal.
fn visible(name: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    name.chars().map(shown).collect()
}

/// The text of a place on one line.
fn line(world: &World<'_>, span: Span) -> String {
    let words: Vec<&str> = world.program().sources.text(span).split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= SHOWN {
        return text;
    }
    let head: String = text.chars().take(SHOWN - 1).collect();
    format!("{head}…")
}

fn summary(tests: &Tests) -> String {
    let of = |end: End| tests.run.iter().filter(|test| test.end == end).count();
    let (passed, failed, errors) = (of(End::Passed), of(End::Failed), of(End::Error));
    let mut text = counted(tests.run.len(), "test");
    if !tests.run.is_empty() {
        text.push_str(&format!(": {passed} passed"));
    }
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if errors > 0 {
        text.push_str(&format!(", {errors} with an error"));
    }
    if tests.filtered > 0 {
        text.push_str(&format!("; {} left out by the filter", tests.filtered));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
