//! Findings as JSON lines, for editors and other programs. Owns that shape; knows nothing of where it goes.

use serde::Serialize;

use super::{Diagnostic, Fix};
use crate::source::{LineColumn, SourceMap, Span};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonDiagnostic<'a> {
    /// Such as `E0312`; none of what is only said beside the findings.
    pub code: Option<&'static str>,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The fact.
    pub message: &'a str,
    /// The places, the primary one first.
    pub labels: Vec<JsonLabel<'a>>,
    /// What to do, or why.
    pub helps: &'a [String],
    /// An edit that mends it.
    pub fix: Option<JsonFix<'a>>,
}

/// A place of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonLabel<'a> {
    /// The file's path.
    pub file: &'a str,
    /// The place in it.
    pub span: JsonSpan,
    /// What is to be said of it.
    pub text: &'a str,
    /// Is this the place of the fault itself?
    pub primary: bool,
}

/// From the first character to behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JsonSpan {
    /// The first character.
    pub start: LineColumn,
    /// Behind the last character.
    pub end: LineColumn,
}

/// An edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonFix<'a> {
    /// The file's path.
    pub file: &'a str,
    /// What to replace; empty to insert.
    pub span: JsonSpan,
    /// What to put there.
    pub replacement: &'a str,
}

/// All of `diagnostics`, one object a line.
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut places = Places { sources, last: None };
    let mut out = String::new();
    for diagnostic in diagnostics {
        // A structure of strings and numbers can always be written.
        out.push_str(&serde_json::to_string(&places.diagnostic(diagnostic)).unwrap_or_default());
        out.push('\n');
    }
    out
}

/// What is said beside the findings, such as progress: a note without a code.
pub fn remark(message: &str) -> String {
    let remark = JsonDiagnostic { code: None, severity: "note", message, labels: Vec::new(), helps: &[], fix: None };
    serde_json::to_string(&remark).unwrap_or_default()
}

/// Counts columns from the last place asked for, where it can: findings come sorted, and a line may be long.
struct Places<'a> {
    sources: &'a SourceMap,
    last: Option<(Span, LineColumn)>,
}

impl<'a> Places<'a> {
    fn diagnostic(&mut self, diagnostic: &'a Diagnostic) -> JsonDiagnostic<'a> {
        JsonDiagnostic {
            code: Some(diagnostic.code.as_str()),
            severity: diagnostic.severity().word(),
            message: &diagnostic.message,
            labels: diagnostic.labels.iter().map(|label| self.label(label)).collect(),
            helps: &diagnostic.helps,
            fix: diagnostic.fix.as_ref().map(|fix| self.fix(fix)),
        }
    }

    fn label(&mut self, label: &'a super::Label) -> JsonLabel<'a> {
        let file = self.sources.path(label.span.file);
        JsonLabel { file, span: self.span(label.span), text: &label.text, primary: label.primary }
    }

    fn fix(&mut self, fix: &'a Fix) -> JsonFix<'a> {
        let file = self.sources.path(fix.span.file);
        JsonFix { file, span: self.span(fix.span), replacement: &fix.replacement }
    }

    fn span(&mut self, span: Span) -> JsonSpan {
        JsonSpan { start: self.place(span.head()), end: self.place(span.tail()) }
    }

    /// The place of an empty span.
    fn place(&mut self, span: Span) -> LineColumn {
        let place = self.onward(span).unwrap_or_else(|| self.sources.range(span).0);
        self.last = Some((span, place));
        place
    }

    fn onward(&self, span: Span) -> Option<LineColumn> {
        let (from, known) = self.last.filter(|(from, _)| from.file == span.file && from.start <= span.start)?;
        let source = self.sources.get(span.file)?;
        let line = source.lines().line_of(span.start);
        let between = source.text.get(from.start as usize..span.start as usize)?;
        let same_line = line + 1 == known.line as usize;
        same_line.then(|| LineColumn { line: known.line, column: known.column + between.chars().count() as u32 })
    }
}
