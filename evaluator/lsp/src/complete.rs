//! Completion: what may stand where something is being written.
//!
//! A mark is put into the text at the place, the program is parsed and checked with it, and [`probe`] tells what
//! stands there. Owns where the mark goes and how an answer reads; what exists is asked of the compiler.

mod offers;

use std::path::Path;
use std::sync::Arc;

use cell_lang::index::probe::{Place, probe};
use cell_lang::syntax::{Token, TokenKind, tokens};
use lsp_types::{CompletionItem, CompletionParams, CompletionResponse, CompletionTextEdit, TextEdit};

use crate::analysis::Analysis;
use crate::server::Refusal;
use crate::text::{Buffer, Buffers};
use crate::worker::Worker;
use offers::{Offer, Offers};

/// A word that no program has.
const MARK: &str = "cellc_completes_here";

/// Answers `textDocument/completion`.
pub(crate) fn complete(
    worker: &mut Worker,
    params: &CompletionParams,
) -> Result<Option<CompletionResponse>, Refusal> {
    let at = &params.text_document_position;
    let place = worker.place(&at.text_document.uri)?;
    let Some(buffer) = worker.buffers.get(&place).cloned() else { return Ok(None) };
    let encoding = worker.abilities.encoding;
    let lines = cell_lang::source::LineIndex::new(&buffer.text);
    let offset = encoding.offset(&buffer.text, &lines, at.position) as usize;
    let Some(cursor) = Cursor::new(&buffer.text, offset) else { return Ok(None) };
    let offers = offers(worker, &place, &buffer, &cursor);
    let range = encoding.range(&buffer.text, &lines, cursor.start as u32, cursor.end as u32);
    let snippets = worker.abilities.snippets;
    let items = offers.into_iter().enumerate().map(|(number, offer)| item(offer, number, range, snippets));
    Ok(Some(CompletionResponse::Array(items.collect())))
}

fn item(offer: Offer, number: usize, range: lsp_types::Range, snippets: bool) -> CompletionItem {
    let snippet = offer.snippet.filter(|_| snippets);
    let new_text = snippet.clone().or(offer.text).unwrap_or_else(|| offer.label.clone());
    CompletionItem {
        kind: Some(offer.kind),
        detail: offer.detail,
        documentation: offer.documentation.map(|value| {
            lsp_types::Documentation::MarkupContent(lsp_types::MarkupContent {
                kind: lsp_types::MarkupKind::Markdown,
                value,
            })
        }),
        // The order in which they are offered: what fits best first.
        sort_text: Some(format!("{number:05}")),
        insert_text_format: snippet.map(|_| lsp_types::InsertTextFormat::SNIPPET),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
        label: offer.label,
        ..CompletionItem::default()
    }
}

/// What is being written, by the words around it.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    /// The bytes that a completion replaces.
    start: usize,
    end: usize,
    /// Where they stand.
    site: Site,
}

/// Where in the text, as far as words tell.
#[derive(Debug, PartialEq, Eq)]
enum Site {
    /// At the start of a declaration; inside of a loop or a choice if so.
    Declaration { inner: bool },
    /// At the start of an item, or after a value.
    Item,
    /// In an expression.
    Expression,
    /// In a string that its line does not close.
    OpenString,
    /// In a string.
    String,
}

impl Cursor {
    fn new(text: &str, offset: usize) -> Option<Self> {
        let words: Vec<Token> = tokens(text);
        let at = words.partition_point(|token| (token.end as usize) < offset);
        let token = words.get(at).filter(|token| (token.start as usize) < offset);
        match token.map(|token| token.kind) {
            Some(
                TokenKind::Comment
                | TokenKind::Doc
                | TokenKind::ForeignComment
                | TokenKind::Number
                | TokenKind::Regex,
            ) => {
                return None;
            }
            // At the very end of a string nothing is in it.
            Some(TokenKind::String) if token.is_some_and(|token| offset < token.end as usize) => {
                return Some(Self::in_string(text, offset, Site::String));
            }
            Some(TokenKind::OpenString | TokenKind::OpenBlockString) => {
                return Some(Self::in_string(text, offset, Site::OpenString));
            }
            _ => {}
        }
        let (start, end) = match token {
            Some(token) if token.kind == TokenKind::Word => (token.start as usize, token.end as usize),
            _ => (offset, offset),
        };
        let before: Vec<Token> =
            words.iter().copied().filter(|token| token.end as usize <= start && !token.kind.is_trivia()).collect();
        Some(Self { start, end, site: site(text, &before) })
    }

    /// In a string the label, the value or the path is replaced as a whole, up to the place; what is interpolated, by
    /// its last word.
    fn in_string(text: &str, offset: usize, site: Site) -> Self {
        let before = text.get(..offset).unwrap_or("");
        let interpolated = before.rfind("\\(").filter(|open| {
            let inside = before.get(*open..).unwrap_or("");
            !inside.contains('\n') && inside.matches('(').count() > inside.matches(')').count()
        });
        let is_part: fn(char) -> bool = match interpolated {
            Some(_) => |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'),
            None => |c| !matches!(c, '"' | '\n'),
        };
        let start = before.rfind(|c| !is_part(c)).map_or(0, |at| at + 1);
        let after = text.get(offset..).unwrap_or("");
        let end = if interpolated.is_some() || site == Site::String {
            offset + after.find(|c| !is_part(c)).unwrap_or(after.len())
        } else {
            offset
        };
        Self { start, end, site }
    }

    /// The texts to try, the likeliest first.
    fn marked(&self, text: &str) -> Vec<String> {
        let (before, after) = (text.get(..self.start).unwrap_or(""), text.get(self.end..).unwrap_or(""));
        let plain = format!("{before}{MARK}{after}");
        let item = format!("{before}{MARK} = none{after}");
        let follows = after.trim_start();
        match self.site {
            Site::OpenString => vec![format!("{before}{MARK}\"{after}")],
            Site::Item if follows.starts_with(['=', '{']) => vec![plain],
            Site::Item => vec![item, plain],
            Site::Expression => vec![plain, item],
            Site::String | Site::Declaration { .. } => vec![plain],
        }
    }
}

/// Where a word stands that comes after these.
fn site(text: &str, before: &[Token]) -> Site {
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in before.iter().enumerate() {
        match token.text(text) {
            "{" | "[" | "(" => open.push(at),
            "}" | "]" | ")" => {
                open.pop();
            }
            _ => {}
        }
    }
    let last = before.last().map(|token| token.text(text));
    let joins = |word: &str| {
        let words = ["in", "where", "if", "then", "else", "every", "some", "expect", "check", "using", "for"];
        let symbols = [
            "=", "(", "[", ".", "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "??", "..=", "!",
            ":", "=>",
        ];
        words.contains(&word) || symbols.contains(&word)
    };
    let body = open.iter().all(|at| before.get(*at).is_some_and(|token| token.text(text) == "{"));
    if last.is_some_and(joins) || !body {
        return Site::Expression;
    }
    let decides = open.iter().all(|at| holds_declarations(text, before, *at));
    if !decides {
        return Site::Item;
    }
    // A word behind a word on its line is a label, or what comes after one.
    let line_start = last.is_none_or(|_| {
        let end = before.last().map_or(0, |token| token.end as usize);
        matches!(last, Some("{" | "}"))
            || text.get(end..).is_some_and(|rest| rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'))
    });
    if line_start { Site::Declaration { inner: !open.is_empty() } } else { Site::Expression }
}

/// Is the brace the body of a loop or a choice between declarations?
fn holds_declarations(text: &str, before: &[Token], brace: usize) -> bool {
    let brace_at = before.get(brace).map_or(0, |token| token.start as usize);
    let line = text.get(..brace_at).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let head = before.iter().filter(|token| (line..brace_at).contains(&(token.start as usize)));
    let first = head.map(|token| token.text(text)).find(|word| *word != "}");
    matches!(first, Some("for" | "if" | "else"))
}

/// What may stand at the cursor.
fn offers(worker: &mut Worker, path: &Path, buffer: &Buffer, cursor: &Cursor) -> Vec<Offer> {
    let Some((program, view)) = worker.views(path).into_iter().next() else { return Vec::new() };
    if let Site::Declaration { inner } = cursor.site {
        return offers::declarations(inner);
    }
    for text in cursor.marked(&buffer.text) {
        let mut buffers: Buffers = (*worker.buffers).clone();
        let marked = Buffer { text: text.into(), ..buffer.clone() };
        buffers.insert(path.to_owned(), Arc::new(marked));
        let analysis = worker.workspace.imagine(&program, &Arc::new(buffers));
        if let Some(place) = find(&analysis, path) {
            let Place { asked, locals, unit, in_test } = place;
            return Offers { analysis: &analysis, view: &view, unit, locals: &locals, in_test }.of(asked);
        }
    }
    Vec::new()
}

fn find(analysis: &Analysis, path: &Path) -> Option<Place> {
    let unit = analysis.files.iter().position(|file| analysis.place(file).is_some_and(|place| place == path))?;
    probe(&analysis.files, &analysis.notes, unit, MARK)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The site at `|`.
    fn at(text: &str) -> Option<Cursor> {
        let offset = text.find('|').unwrap();
        Cursor::new(&text.replacen('|', "", 1), offset)
    }

    #[test]
    fn words_tell_where_a_place_is() {
        let site = |text: &str| at(text).map(|cursor| cursor.site);
        assert_eq!(site("|"), Some(Site::Declaration { inner: false }));
        assert_eq!(site("cell a {}\nce|"), Some(Site::Declaration { inner: false }));
        assert_eq!(site("for a in [1] {\n  ce|\n}"), Some(Site::Declaration { inner: true }));
        assert_eq!(site("cell a { ki| }"), Some(Site::Item));
        assert_eq!(site("cell a {\n  kind = \"dev\"\n  re|\n}"), Some(Site::Item));
        assert_eq!(site("for a in [1] {\n  cell a {\n    re|\n  }\n}"), Some(Site::Item));
        assert_eq!(site("let a = co|"), Some(Site::Expression));
        assert_eq!(site("let a = cells where .|"), Some(Site::Expression));
        assert_eq!(site("let a = [x, |]"), Some(Site::Expression));
        assert_eq!(site("cell a { kind = \"|\" }"), Some(Site::String));
        assert_eq!(site("cell a { kind = \"pr|\n}"), Some(Site::OpenString));
        assert_eq!(site("# no|thing"), None);
        assert_eq!(site("cell a|"), Some(Site::Expression), "a label");
    }

    #[test]
    fn what_is_replaced_is_the_word_or_the_whole_text() {
        let replaced = |text: &str| {
            let plain = text.replacen('|', "", 1);
            at(text).map(|cursor| plain.get(cursor.start..cursor.end).unwrap().to_owned())
        };
        assert_eq!(replaced("cell a { ki|nd }").as_deref(), Some("kind"));
        assert_eq!(replaced("let a = \"pr|od\"").as_deref(), Some("prod"));
        assert_eq!(replaced("let a = \"x-\\(na|me)-y\"").as_deref(), Some("name"));
        assert_eq!(replaced("let a = x.|").as_deref(), Some(""));
    }
}
