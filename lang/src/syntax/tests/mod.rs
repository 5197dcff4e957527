//! What the front end promises, form by form and fault by fault.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test that fails says so"
)]

mod faults;
mod forms;
mod hostile;
mod print;
pub(crate) mod properties;
mod recovery;

use super::{Parsed, parse};
use crate::source::{FileId, SourceMap, Span};

const FILE: FileId = FileId(0);

fn parsed(text: &str) -> Parsed {
    parse(FILE, text)
}

/// The tree of a text that has no fault.
fn tree(text: &str) -> String {
    let parsed = parsed(text);
    assert_eq!(parsed.diagnostics, [], "in {text:?}");
    print::file(&parsed.file)
}

/// The tree of `let x = expression`, without the `let`.
fn expr(expression: &str) -> String {
    let tree = tree(&format!("let x = {expression}"));
    tree.strip_prefix("let x = ").unwrap_or(&tree).trim_end().to_owned()
}

/// Each finding as `line:column code message [underlined text]`.
fn faults(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("t.cell", text);
    let shown = |span: Span| {
        let (start, _) = sources.range(span);
        format!("{}:{}", start.line, start.column)
    };
    let findings = parse(file, text).diagnostics;
    findings
        .iter()
        .map(|found| {
            let span = found.span().unwrap();
            format!("{} {} {} [{}]", shown(span), found.code.as_str(), found.message, sources.text(span))
        })
        .collect()
}

/// The text after the fix of the first finding.
fn mended(text: &str) -> String {
    let fix = parsed(text).diagnostics.into_iter().find_map(|found| found.fix).unwrap();
    let mut mended = text.to_owned();
    mended.replace_range(fix.span.start as usize..fix.span.end as usize, &fix.replacement);
    mended
}
