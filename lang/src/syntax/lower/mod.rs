//! From pest's pairs to the syntax tree. Owns what only shows when a construct is whole: precedence, literals,
//! escapes, misplaced declarations, and the explanation of the grammar's superset productions. Must not know how
//! a text is cut up or repaired.
//!
//! The grammar says which pairs come in which order; what it guarantees is read with [`Kids`] and never
//! unwrapped, so a disagreement shows as an `Error` node and not as a panic.

mod decl;
mod expr;
mod item;
mod literal;
mod number;
mod operators;
mod string;
mod types;

use smol_str::SmolStr;

pub(super) use decl::{Lowered, Place, named_only};

use super::ast::{Label, Name};
use super::findings::Findings;
use super::grammar::{Pair, Pairs, Rule};
use super::places::Places;
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

/// The deepest tree that is built: later phases recurse over it.
pub(super) const MAX_DEPTH: u32 = 256;

/// The state of lowering one parsed text.
pub(super) struct Lower<'a> {
    text: &'a str,
    places: Places<'a>,
    findings: Findings,
    /// Declarations that stood where they cannot, kept for their names.
    hoisted: Vec<super::ast::Decl>,
    depth: u32,
    /// The height of the expressions in the string that was lowered last.
    string_height: u32,
    too_deep: bool,
}

impl<'a> Lower<'a> {
    /// For the pairs of `text`, whose bytes lie at `places`.
    pub(super) fn new(text: &'a str, places: Places<'a>) -> Self {
        Self {
            text,
            places,
            findings: Findings::default(),
            hoisted: Vec::new(),
            depth: 0,
            string_height: 0,
            too_deep: false,
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.findings.push(diagnostic);
    }

    /// What was found wrong.
    pub(super) fn into_findings(self) -> Findings {
        self.findings
    }

    /// One error for all that is too deep in one text: the rest follows from the first.
    fn report_too_deep(&mut self, span: Span) {
        if !self.too_deep {
            self.too_deep = true;
            self.report(too_deep(span));
        }
    }

    /// The place of a pair. Only for rules that end in a token: after an optional end pest counts white space in.
    fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        self.places.span(span.start(), span.end())
    }

    fn name(&self, pair: Option<Pair<'_>>) -> Name {
        match pair {
            Some(pair) => Name { text: SmolStr::new(pair.as_str()), span: self.span(&pair) },
            None => Name { text: SmolStr::default(), span: self.places.span(0, 0) },
        }
    }

    fn label(&mut self, pair: Option<Pair<'_>>) -> Label {
        match pair {
            Some(pair) if pair.as_rule() != Rule::ident => Label::Str(self.string(pair)),
            pair => Label::Name(self.name(pair)),
        }
    }

    /// `found` where the language writes `right`.
    fn foreign(&mut self, span: Span, found: &str, right: &str) {
        self.report(
            Diagnostic::new(Code::ForeignSyntax, span, format!("expected `{right}`, found `{found}`"))
                .fix(span, right.to_owned()),
        );
    }

    /// Any spelling of `=`.
    fn equals(&mut self, pair: Option<Pair<'_>>) {
        if let Some(pair) = pair
            && pair.as_str() != "="
        {
            self.foreign(self.span(&pair), pair.as_str(), "=");
        }
    }

    /// Two `things` with nothing between them; `end` is where the first ends.
    fn missing_comma(&mut self, end: Span, things: &str) {
        let place = end.tail();
        self.report(
            Diagnostic::new(Code::MissingComma, place, format!("missing comma between two {things}")).fix(place, ","),
        );
    }

    /// The documentation above what begins at `start`; what stands before it begins no earlier than `from`.
    fn doc(&self, from: usize, start: usize) -> SmolStr {
        doc(self.text, from, start)
    }
}

/// The `##` lines of `text` directly above what begins at `start`, none of them before `from`.
pub(super) fn doc(text: &str, from: usize, start: usize) -> SmolStr {
    let mut lines: Vec<&str> = Vec::new();
    let Some((mut above, indent)) = split_line(text, from, start) else { return SmolStr::default() };
    if !indent.trim_start().is_empty() {
        return SmolStr::default();
    }
    while let Some(end) = above {
        // A line that begins before `from` is not the declaration's own.
        let Some((before, line)) = split_line(text, from, end) else { break };
        let line = line.trim();
        if !line.starts_with("##") || line.starts_with("###") {
            break;
        }
        let line = line.trim_start_matches('#');
        lines.push(line.strip_prefix(' ').unwrap_or(line));
        above = before;
    }
    if lines.is_empty() {
        return SmolStr::default();
    }
    lines.reverse();
    SmolStr::new(lines.join("\n"))
}

/// The text between `end` and the beginning of its line, and where the line above ends, if there is one; nothing
/// when the line begins before `from`.
fn split_line(text: &str, from: usize, end: usize) -> Option<(Option<usize>, &str)> {
    let before = text.get(from..end)?;
    match before.rfind('\n') {
        Some(newline) => Some((Some(from + newline), before.get(newline + 1..)?)),
        None if from == 0 => Some((None, before)),
        None => None,
    }
}

/// The error for what nests too deep.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(Code::TooDeep, span, format!("nested deeper than {MAX_DEPTH} levels"))
        .help("give a part a name with `let` and use the name")
}

/// The children of a pair, read in order.
struct Kids<'i>(Pairs<'i>);

impl<'i> Kids<'i> {
    fn of(pair: Pair<'i>) -> Self {
        Self(pair.into_inner())
    }

    fn peek_rule(&self) -> Option<Rule> {
        self.0.peek().map(|pair| pair.as_rule())
    }

    /// The next child, if it is a `rule`.
    fn next_if(&mut self, rule: Rule) -> Option<Pair<'i>> {
        if self.peek_rule() == Some(rule) { self.0.next() } else { None }
    }

    /// The next child that is a `rule`; what stands before it is passed over.
    fn find(&mut self, rule: Rule) -> Option<Pair<'i>> {
        self.0.by_ref().find(|pair| pair.as_rule() == rule)
    }

    /// The next child, a name or a string.
    fn label(&mut self) -> Option<Pair<'i>> {
        self.0.by_ref().find(|pair| is_label(pair.as_rule()))
    }

    /// The next child, if it is a name or a string.
    fn label_if(&mut self) -> Option<Pair<'i>> {
        if self.peek_rule().is_some_and(is_label) { self.0.next() } else { None }
    }

    /// The next child that is a string.
    fn string(&mut self) -> Option<Pair<'i>> {
        self.0.by_ref().find(|pair| is_string(pair.as_rule()))
    }
}

fn is_string(rule: Rule) -> bool {
    matches!(rule, Rule::plain_string | Rule::full_string | Rule::block_string)
}

fn is_label(rule: Rule) -> bool {
    rule == Rule::ident || is_string(rule)
}
