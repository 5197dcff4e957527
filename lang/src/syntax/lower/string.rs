//! Strings: escapes, interpolation, and the layout of strings over several lines.

use smol_str::SmolStr;

use super::super::ast::{Expr, StrLit, StrPart};
use super::super::grammar::{Pair, Rule};
use super::{Kids, Lower};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

/// A piece of a string over several lines, before its indentation is removed.
enum Piece {
    /// As it stands in the file, line ends normalised.
    Raw(String),
    /// An escape, read: never counts as indentation.
    Escaped(char),
    /// `\(…)`
    Expr(Expr),
}

/// Puts parts together so that no two texts stand side by side.
#[derive(Default)]
struct Parts {
    parts: Vec<StrPart>,
    text: String,
}

impl Parts {
    fn expr(&mut self, expr: Expr) {
        self.flush();
        self.parts.push(StrPart::Expr(expr));
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(StrPart::Text(SmolStr::new(&self.text)));
            self.text.clear();
        }
    }

    fn done(mut self, span: Span) -> StrLit {
        self.flush();
        StrLit { parts: self.parts, span }
    }
}

impl Lower<'_> {
    /// A string of any form.
    pub(super) fn string(&mut self, pair: Pair<'_>) -> StrLit {
        let span = self.span(&pair);
        self.string_height = 0;
        match pair.as_rule() {
            Rule::plain_string => {
                let text = pair.as_str();
                let text = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
                let parts = if text.is_empty() { Vec::new() } else { vec![StrPart::Text(SmolStr::new(text))] };
                StrLit { parts, span }
            }
            Rule::block_string => self.block_string(pair, span),
            _ => self.full_string(pair, span),
        }
    }

    /// A string that the grammar promises; an empty one should it be missing.
    pub(super) fn string_or_empty(&mut self, pair: Option<Pair<'_>>) -> StrLit {
        match pair {
            Some(pair) => self.string(pair),
            None => StrLit { parts: Vec::new(), span: self.places.span(0, 0) },
        }
    }

    fn full_string(&mut self, pair: Pair<'_>, span: Span) -> StrLit {
        if pair.as_str().contains('\n') {
            let quote = Span { end: span.start + 1, ..span };
            self.report(
                Diagnostic::new(Code::UnclosedString, quote, "a string in `\"` stays on one line")
                    .help("a string over several lines stands in `\"\"\"`"),
            );
        }
        let mut parts = Parts::default();
        let mut height = 0;
        for piece in Kids::of(pair).0 {
            match piece.as_rule() {
                Rule::text => parts.text.push_str(piece.as_str()),
                Rule::interpolation => parts.expr(self.interpolation(piece, &mut height)),
                _ => parts.text.extend(self.escape(&piece)),
            }
        }
        self.string_height = height;
        parts.done(span)
    }

    fn block_string(&mut self, pair: Pair<'_>, span: Span) -> StrLit {
        let mut pieces = Vec::new();
        let mut height = 0;
        for piece in Kids::of(pair).0 {
            pieces.push(match piece.as_rule() {
                Rule::block_text => Piece::Raw(piece.as_str().replace("\r\n", "\n")),
                Rule::interpolation => Piece::Expr(self.interpolation(piece, &mut height)),
                _ => match self.escape(&piece) {
                    Some(c) => Piece::Escaped(c),
                    None => continue,
                },
            });
        }
        self.string_height = height;
        // The line break directly after the opening quotes is not part of the text.
        let dropped = matches!(pieces.first(), Some(Piece::Raw(first)) if first.starts_with('\n'));
        let indent = common_indent(&pieces);
        unindent(pieces, &indent, dropped).done(span)
    }

    fn interpolation(&mut self, pair: Pair<'_>, height: &mut u32) -> Expr {
        let built = self.expr(Kids::of(pair).find(Rule::expr));
        *height = (*height).max(built.height);
        built.expr
    }

    /// The character that an escape stands for.
    fn escape(&mut self, pair: &Pair<'_>) -> Option<char> {
        let text = pair.as_str();
        let read = match text.get(1..) {
            Some("\"") => Some('"'),
            Some("\\") => Some('\\'),
            Some("n") => Some('\n'),
            Some("t") => Some('\t'),
            Some(code) => code
                .strip_prefix("u{")
                .and_then(|code| code.strip_suffix('}'))
                .filter(|code| (1..=6).contains(&code.len()))
                .and_then(|code| u32::from_str_radix(code, 16).ok())
                .and_then(char::from_u32),
            None => None,
        };
        if read.is_none() {
            let span = self.span(pair);
            let unknown = Diagnostic::new(Code::InvalidEscape, span, format!("strings know no escape `{text}`"));
            let help = "the escapes are `\\\"`, `\\\\`, `\\n`, `\\t`, `\\u{…}` and `\\(…)`";
            self.report(if text.starts_with("\\u{") {
                Diagnostic::new(Code::InvalidEscape, span, format!("`{text}` is no character"))
            } else {
                unknown.help(help).fix(span.head(), "\\")
            });
        }
        read
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The white space with which every line begins that has more than white space.
fn common_indent(pieces: &[Piece]) -> String {
    let mut common: Option<String> = None;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Raw(text) = piece else { continue };
        let last = index + 1 == pieces.len();
        let lines: Vec<&str> = text.split('\n').collect();
        for (number, line) in lines.iter().enumerate().skip(1) {
            let indent = line.len() - line.trim_start_matches(is_blank).len();
            // A line that goes on in the next piece has more than white space.
            let goes_on = number + 1 == lines.len() && !last;
            if indent == line.len() && !goes_on {
                continue;
            }
            let indent = line.get(..indent).unwrap_or("");
            common = Some(match common {
                None => indent.to_owned(),
                Some(common) => {
                    let same = common.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                    common.get(..same).unwrap_or("").to_owned()
                }
            });
        }
    }
    common.unwrap_or_default()
}

fn unindent(pieces: Vec<Piece>, indent: &str, dropped: bool) -> Parts {
    let count = pieces.len();
    let mut parts = Parts::default();
    for (index, piece) in pieces.into_iter().enumerate() {
        match piece {
            Piece::Escaped(c) => parts.text.push(c),
            Piece::Expr(expr) => parts.expr(expr),
            Piece::Raw(text) => {
                let lines = text.split('\n').count();
                for (number, line) in text.split('\n').enumerate() {
                    if number > usize::from(dropped && index == 0) {
                        parts.text.push('\n');
                    }
                    let before_quotes = index + 1 == count && number + 1 == lines;
                    if number == 0 {
                        parts.text.push_str(line);
                    } else if !(before_quotes && line.trim_start_matches(is_blank).is_empty()) {
                        parts.text.push_str(without_indent(line, indent));
                    }
                }
            }
        }
    }
    parts
}

fn without_indent<'l>(line: &'l str, indent: &str) -> &'l str {
    line.strip_prefix(indent).unwrap_or_else(|| line.trim_start_matches(is_blank))
}
