//! From text to tree. `parse` cannot fail: it returns a tree and what is wrong with the text.
//!
//! The fast path parses declaration by declaration and lowers each at once. Should one not parse, all of the
//! file goes through recovery, which finds what is wrong piece by piece.

pub mod ast;
mod chunks;
mod decode;
mod delimiters;
mod expected;
mod grammar;
mod lower;
mod places;
mod recover;
mod tokens;

pub use decode::{DecodeError, DecodeErrorKind, decode};
pub use tokens::{Token, TokenKind, tokens};

use grammar::Rule;
use lower::{Lower, Lowered};
use places::Places;

use crate::diagnostics::{self, Code, Diagnostic};
use crate::source::{FileId, Span};

/// The only edition there is.
pub const EDITION: &str = "2026";

/// A parsed file.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What it says, as far as it could be read.
    pub file: ast::File,
    /// What is wrong with it, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a file. Cannot fail: what could not be read is in the diagnostics, and an error node in the tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let mut parsed = strict(file, text).unwrap_or_else(|| recover::recover(file, text, false));
    diagnostics::sort(&mut parsed.diagnostics);
    parsed
}

/// The file, if all of it parses.
fn strict(file: FileId, text: &str) -> Option<Parsed> {
    let mut parsed = Parsed { file: ast::File { edition: None, decls: Vec::new() }, diagnostics: Vec::new() };
    let mut end = 0;
    let mut at = skip_blank(text, 0);
    while at < text.len() {
        let slice = text.get(at..)?;
        let Ok(mut pairs) = grammar::parse(Rule::decl, slice) else { return None };
        let pair = pairs.next()?;
        let next = at + pair.as_span().end();
        let mut lower = Lower::new(slice, Places::at_base(file, at));
        let lowered = lower.decl(pair, lower::doc(text, end, at), lower::Place::File);
        end = take(&mut parsed, lowered, &mut lower, end);
        at = skip_blank(text, next);
    }
    Some(parsed)
}

fn take(parsed: &mut Parsed, lowered: Lowered, lower: &mut Lower<'_>, end: usize) -> usize {
    parsed.file.decls.append(&mut lower.take_hoisted());
    parsed.diagnostics.append(&mut lower.diagnostics);
    match lowered {
        Lowered::Nothing => end,
        Lowered::Edition(edition, word) => {
            let end = edition.span.end as usize;
            parsed.diagnostics.extend(check_edition(parsed, &edition, word));
            parsed.file.edition.get_or_insert(edition);
            end
        }
        Lowered::Decl(decl) => {
            let end = decl.span.end as usize;
            parsed.file.decls.push(decl);
            end
        }
    }
}

fn check_edition(parsed: &Parsed, edition: &ast::StrLit, word: Span) -> Option<Diagnostic> {
    if parsed.file.edition.is_some() || !parsed.file.decls.is_empty() {
        return Some(Diagnostic::new(Code::Misplaced, word, "`edition` stands first in a file"));
    }
    if edition.plain().as_deref() == Some(EDITION) {
        return None;
    }
    Some(
        Diagnostic::new(Code::UnknownEdition, edition.span, "this edition is not known")
            .help(format!("the only edition is \"{EDITION}\""))
            .fix(edition.span, format!("\"{EDITION}\"")),
    )
}

/// The next byte from `at` that is neither white space nor in a comment.
fn skip_blank(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => at += 1,
            b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            _ => break,
        }
    }
    at
}
