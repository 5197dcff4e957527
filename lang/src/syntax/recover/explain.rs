//! Saying why a piece does not parse: what was expected, what stands there instead, and where.

use super::super::expected;
use super::super::grammar::{Refusal, Rule};
use super::super::lower::too_deep;
use super::super::places::{Patchwork, Places};
use super::super::skip_blank;
use super::super::tokens::{Lexer, TokenKind};
use super::Recovery;
use super::work::{Respelling, Work, stem};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

impl Recovery<'_> {
    /// A head that does not parse.
    pub(super) fn refused_decl(&mut self, work: &Work<'_>, from: usize, head: &Patchwork, why: &Refusal) {
        let places = head.places(work.places.file);
        if !work.look.is_word(from)
            && !why.too_deep
            && let Some(word) = work.look.words.get(from)
        {
            let text = shown(word.token.text(work.text));
            let place = work.places.span(word.start(), word.end());
            let message = format!("expected a declaration, found {text}");
            return self.report(Diagnostic::new(Code::UnexpectedToken, place, message));
        }
        if work.look.text(work.first(from)) == "import" && !why.too_deep && why.expected.contains(&Rule::kw_as) {
            return self.missing_as(work, work.first(from), &places, &head.text, why.at);
        }
        self.refused(&places, &head.text, why);
    }

    /// An import without `as`.
    fn missing_as(&mut self, work: &Work<'_>, first: usize, places: &Places<'_>, text: &str, at: usize) {
        let (place, found) = self.found_at(places, text, at);
        let message = format!("expected `as`, found {found}");
        let mut diagnostic = Diagnostic::new(Code::UnexpectedToken, place, message);
        let path = work.look.text(first + 1);
        let after = skip_blank(text, at) < text.len();
        let name = if after { Some(work.look.text(first + 2).into()) } else { stem(path) };
        let help = format!("write `import {path} as {}`", name.as_deref().unwrap_or("name"));
        diagnostic = diagnostic.help(help);
        if after && work.look.is_word(first + 2) {
            diagnostic = diagnostic.fix(place.head(), "as ");
        } else if let (false, Some(name)) = (after, name) {
            diagnostic = diagnostic.fix(work.span(first + 1, first + 2).tail(), format!(" as {name}"));
        }
        self.report(diagnostic);
    }

    /// A declaration that begins as in another language.
    pub(super) fn foreign_decl(&mut self, work: &Work<'_>, found: &Respelling, to: usize) {
        if found.words == 0 {
            let place = work.span(found.at, found.at).head();
            let message = "a value of the file is declared with `let`";
            return self.report(Diagnostic::new(Code::ForeignSyntax, place, message).fix(place, found.with));
        }
        let place = work.span(found.at, found.at + 1);
        let message = format!("expected `{}`, found `{}`", found.with, work.look.text(found.at));
        let (start, end) = work.range(found.at + 1, to);
        let rest = work.text.get(start..end).filter(|rest| rest.len() <= 40 && !rest.contains('\n'));
        let help = match rest {
            Some(rest) => format!("write `{} {rest}`", found.with),
            None => format!("write `{} {}…`", found.with, work.look.text(found.at + 1)),
        };
        self.report(Diagnostic::new(Code::ForeignSyntax, place, message).help(help).fix(place, found.with));
    }

    /// An item that does not parse.
    pub(super) fn refused_item(&mut self, work: &Work<'_>, from: usize, head: &Patchwork, why: &Refusal) {
        let key = if work.look.text(from) == "override" { from + 1 } else { from };
        let next = work.look.words.get(key + 1);
        let value = matches!(work.look.kind(key + 1), Some(TokenKind::String | TokenKind::Number))
            || matches!(work.look.text(key + 1), "[" | ".");
        if let (true, true, Some(next)) = (work.look.is_word(key), value, next)
            && why.expected.iter().any(|rule| matches!(rule, Rule::open_brace | Rule::eq | Rule::body))
        {
            let place = work.places.span(next.start(), next.end());
            let message = format!("expected `=`, found {}", shown(next.token.text(work.text)));
            return self.report(Diagnostic::new(Code::UnexpectedToken, place, message).fix(place.head(), "= "));
        }
        self.refused(&head.places(self.file), &head.text, why);
    }

    /// Says what was expected where a text stopped to parse.
    pub(super) fn refused(&mut self, places: &Places<'_>, text: &str, why: &Refusal) {
        let (place, found) = self.found_at(places, text, why.at);
        if why.too_deep {
            return self.report(too_deep(place));
        }
        self.report(Diagnostic::new(Code::UnexpectedToken, place, expected::message(&why.expected, &found)));
    }

    /// What stands at a byte of a text, and where.
    fn found_at(&self, places: &Places<'_>, text: &str, at: usize) -> (Span, String) {
        let at = skip_blank(text, at);
        let found = if at < text.len() && !places.inserted(at) { Lexer::from(text, at).next() } else { None };
        match found {
            Some(token) => {
                let place = places.span(token.start as usize, token.end as usize);
                (place, shown(token.text(text)))
            }
            None => self.found_in_file(places, text, at),
        }
    }

    /// What follows in the file where a text ended too early.
    pub(super) fn found_in_file(&self, places: &Places<'_>, text: &str, at: usize) -> (Span, String) {
        let before = text.get(..at).unwrap_or("").trim_end().len();
        let end = places.span(before.saturating_sub(1), before).end as usize;
        let place = Span::new(self.file, end, end);
        if skip_blank(self.text, end) >= self.text.len() {
            return (place, "the end of the file".to_owned());
        }
        let rest = self.text.get(end..).unwrap_or("");
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        match Lexer::from(self.text, end + gap).next() {
            Some(token) if !token.kind.is_trivia() => {
                (Span::new(self.file, token.start as usize, token.end as usize), shown(token.text(self.text)))
            }
            _ => (place, "the end of the line".to_owned()),
        }
    }
}

/// A token as a message quotes it.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() > 40 || line.len() < text.len() {
        let start: String = line.chars().take(40).collect();
        return format!("`{start}…`");
    }
    format!("`{line}`")
}
