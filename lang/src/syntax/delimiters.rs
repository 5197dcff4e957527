//! Brackets and strings that are not closed, and closed that were not opened; and the single words that belong to
//! other languages. Owns what can be said from tokens alone, and the edits after which a piece can be parsed.

use super::chunks::Word;
use super::lower::{MAX_DEPTH, too_deep};
use super::tokens::{TokenKind, string_end};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::{FileId, Span};
use crate::value::quote;

/// Beyond so many edits a piece is not worth mending.
const MOST_EDITS: usize = 1_000;

/// A change of the text before it is parsed again.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    /// Where.
    pub(super) at: usize,
    /// How many bytes to take away. INVARIANT: 0, or as many as `text` has.
    pub(super) len: usize,
    /// What to put there.
    pub(super) text: String,
}

/// What the tokens of a piece say.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What is wrong.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How to mend it, in order.
    pub(super) edits: Vec<Edit>,
    /// Nothing more is to be made of the piece.
    pub(super) hopeless: bool,
}

/// An open bracket.
struct Open {
    start: usize,
    close: u8,
    /// The indentation of its line.
    indent: u32,
    /// Its line, counted from the piece's first.
    line: usize,
    /// Where a later line is indented no deeper than its own: it was probably meant to end before.
    dedent: Option<usize>,
}

struct Check<'a> {
    file: FileId,
    text: &'a str,
    out: Checked,
    open: Vec<Open>,
    /// How many of the open brackets are `{`, `[`, `(`.
    counts: [usize; 3],
    open_strings: bool,
    unbalanced: bool,
    semicolons: bool,
    /// Where the last unknown character ended: a run of them is one finding.
    unknown_end: usize,
}

/// Checks the words of one piece of `text`.
pub(super) fn check(file: FileId, text: &str, words: &[Word]) -> Checked {
    let mut check = Check {
        file,
        text,
        out: Checked::default(),
        open: Vec::new(),
        counts: [0; 3],
        open_strings: words.iter().any(|word| is_open_string(word.token.kind)),
        unbalanced: more_opened(text, words),
        semicolons: false,
        unknown_end: usize::MAX,
    };
    words.iter().filter(|word| is_open_string(word.token.kind)).for_each(|word| check.open_string(word));
    let (mut end, mut line) = (0, 0);
    let mut before = None;
    for word in words {
        line += usize::from(word.first);
        check.word(word, before, end, line);
        (before, end) = (Some(word), word.end());
        if check.out.hopeless {
            return check.out;
        }
    }
    check.left_open(check.open.len(), end, None);
    check.out.edits.sort_by_key(|edit| edit.at);
    check.out
}

fn is_open_string(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::OpenString | TokenKind::OpenBlockString)
}

fn more_opened(text: &str, words: &[Word]) -> bool {
    let depth: i64 = words
        .iter()
        .filter(|word| word.token.kind == TokenKind::Symbol)
        .map(|word| match word.token.text(text) {
            "{" | "[" | "(" => 1,
            "}" | "]" | ")" => -1,
            _ => 0,
        })
        .sum();
    depth > 0
}

fn closer(open: u8) -> Option<u8> {
    match open {
        b'{' => Some(b'}'),
        b'[' => Some(b']'),
        b'(' => Some(b')'),
        _ => None,
    }
}

fn slot(close: u8) -> usize {
    match close {
        b'}' => 0,
        b']' => 1,
        _ => 2,
    }
}

impl Check<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn edit(&mut self, at: usize, len: usize, text: impl Into<String>) {
        self.out.edits.push(Edit { at, len, text: text.into() });
        self.out.hopeless |= self.out.edits.len() > MOST_EDITS;
    }

    /// Brackets are not judged where a string is open: it may have swallowed some.
    fn bracket_error(&mut self, diagnostic: Diagnostic) {
        if self.open_strings {
            self.out.hopeless = true;
        } else {
            self.out.diagnostics.push(diagnostic);
        }
    }

    /// One word; `last` is the word before it, which ends at `before`.
    fn word(&mut self, word: &Word, last: Option<&Word>, before: usize, line: usize) {
        let text = word.token.text(self.text);
        match word.token.kind {
            TokenKind::Symbol => {
                let byte = text.bytes().next().unwrap_or(0);
                let one = text.len() == 1;
                if word.first && !(one && matches!(byte, b'}' | b']' | b')')) {
                    self.dedent(word.indent, before);
                }
                if byte == b'{' && last.is_some_and(|last| self.ends_value(last)) {
                    self.body_begins(before, line);
                }
                match closer(byte) {
                    Some(close) if one => self.opened(word, close, line),
                    _ if one && matches!(byte, b'}' | b']' | b')') => self.closed(word, byte, before, line),
                    _ if text == ";" => self.semicolon(word.start()),
                    _ => {}
                }
                return;
            }
            TokenKind::ForeignComment => self.foreign_comment(word, text),
            TokenKind::ForeignString => self.foreign_string(word, text),
            TokenKind::Unknown => self.unknown(word, text),
            _ => {}
        }
        if word.first {
            self.dedent(word.indent, before);
        }
    }

    /// A line begins that is indented by `indent`; what stands before it ends at `before`.
    fn dedent(&mut self, indent: u32, before: usize) {
        for open in self.open.iter_mut().rev().take_while(|open| open.indent >= indent) {
            open.dedent.get_or_insert(before);
        }
    }

    /// Can no `{` of a map follow?
    fn ends_value(&self, word: &Word) -> bool {
        match word.token.kind {
            TokenKind::Number | TokenKind::String => true,
            TokenKind::Word => !matches!(word.token.text(self.text), "in" | "then" | "else" | "where" | "and" | "or"),
            TokenKind::Symbol => matches!(word.token.text(self.text), "]" | ")"),
            _ => false,
        }
    }

    /// A `{` that follows a value begins a body: what is open in its line was probably meant to end before.
    fn body_begins(&mut self, before: usize, line: usize) {
        for open in self.open.iter_mut().rev().take_while(|open| open.line == line && open.close != b'}') {
            open.dedent.get_or_insert(before);
        }
    }

    fn opened(&mut self, word: &Word, close: u8, line: usize) {
        if self.open.len() >= MAX_DEPTH as usize {
            self.out.diagnostics.push(too_deep(self.span(word.start(), word.end())));
            self.out.hopeless = true;
            return;
        }
        if let Some(count) = self.counts.get_mut(slot(close)) {
            *count += 1;
        }
        self.open.push(Open { start: word.start(), close, indent: word.indent, line, dedent: None });
    }

    fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        if let Some(count) = self.counts.get_mut(slot(open.close)) {
            *count -= 1;
        }
        Some(open)
    }

    fn closed(&mut self, word: &Word, close: u8, before: usize, line: usize) {
        let Some(top) = self.open.last() else { return self.stray(word, close) };
        if top.close == close {
            if let Some(left) = self.meant_for_outer(word, close, line) {
                self.left_open(left, before, Some(word));
            }
            self.pop();
            return;
        }
        if self.counts.get(slot(close)).is_some_and(|count| *count > 0) {
            let above = self.open.iter().rev().take_while(|open| open.close != close).count();
            self.left_open(above, before, Some(word));
            self.pop();
            return;
        }
        let (expected, opener) = (top.close as char, top.start);
        let place = self.span(word.start(), word.end());
        let message = format!("expected `{expected}`, found `{}`", close as char);
        let diagnostic = Diagnostic::new(Code::StrayDelimiter, place, message)
            .also(self.span(opener, opener + 1), "opened here")
            .fix(place, expected.to_string());
        self.bracket_error(diagnostic);
        self.edit(word.start(), 1, expected.to_string());
        self.pop();
    }

    /// When something is left open, a bracket that begins a line closes what is indented as it is: so many
    /// brackets above that are left open.
    fn meant_for_outer(&self, word: &Word, close: u8, line: usize) -> Option<usize> {
        let top = self.open.last()?;
        if !self.unbalanced || !word.first || top.indent <= word.indent || top.line == line {
            return None;
        }
        let above = self.open.iter().rev().take_while(|open| open.indent > word.indent).count();
        let outer = self.open.len().checked_sub(above + 1)?;
        let meant = self.open.get(outer).is_some_and(|open| open.close == close && open.indent == word.indent);
        meant.then_some(above)
    }

    fn stray(&mut self, word: &Word, close: u8) {
        let place = self.span(word.start(), word.end());
        let message = format!("`{}` closes nothing", close as char);
        self.bracket_error(Diagnostic::new(Code::StrayDelimiter, place, message).fix(place, ""));
        self.edit(word.start(), 1, " ");
    }

    /// The innermost `count` brackets are left open: one finding, at the innermost.
    fn left_open(&mut self, count: usize, limit: usize, before: Option<&Word>) {
        let Some(innermost) = self.open.last() else { return };
        if count == 0 {
            return;
        }
        let (start, close) = (innermost.start, innermost.close as char);
        let at = innermost.dedent.unwrap_or(limit).min(limit);
        let opener = self.text.get(start..=start).unwrap_or("");
        let mut diagnostic = Diagnostic::new(
            Code::UnclosedDelimiter,
            self.span(start, start + 1),
            format!("`{opener}` is never closed"),
        )
        .here("opened here");
        let next = self.next_word(at, before);
        diagnostic = diagnostic.also(next, format!("expected `{close}` before this"));
        for open in self.open.iter().rev().skip(1).take((count - 1).min(4)) {
            diagnostic = diagnostic.also(self.span(open.start, open.start + 1), "this is left open too");
        }
        self.bracket_error(diagnostic);
        let mut at = 0;
        for _ in 0..count {
            let Some(open) = self.pop() else { break };
            at = open.dedent.unwrap_or(limit).min(limit).max(at);
            self.edit(at, 0, (open.close as char).to_string());
        }
    }

    /// The place of the word after `at`; of `before` should that come first; the end of the text else.
    fn next_word(&self, at: usize, before: Option<&Word>) -> Span {
        let next = super::tokens::Lexer::from(self.text, at).find(|token| !token.kind.is_trivia());
        match (next, before) {
            (Some(token), Some(word)) if token.start > word.token.start => self.span(word.start(), word.end()),
            (Some(token), _) => self.span(token.start as usize, token.end as usize),
            (None, _) => self.span(self.text.len(), self.text.len()),
        }
    }

    fn open_string(&mut self, word: &Word) {
        let (start, end) = (word.start(), word.end());
        let block = word.token.kind == TokenKind::OpenBlockString;
        let quotes = if block { "\"\"\"" } else { "\"" };
        let message = "this string is never closed";
        let mut diagnostic = Diagnostic::new(Code::UnclosedString, self.span(start, start + quotes.len()), message)
            .here("opened here");
        let tail = end - usize::from(self.text.get(start..end).is_some_and(|text| text.ends_with('\r')));
        diagnostic = diagnostic.also(self.span(tail, tail), format!("expected `{quotes}` before this"));
        if let Err(Some(at)) = string_end(self.text.as_bytes(), start)
            && at < end
        {
            diagnostic = diagnostic.also(self.span(at, at + 2), "and this `\\(` needs its `)`");
        }
        self.out.diagnostics.push(diagnostic);
        let inside = end - start - quotes.len();
        self.edit(start + quotes.len(), inside, " ".repeat(inside));
        self.edit(end, 0, quotes);
    }

    fn semicolon(&mut self, at: usize) {
        if !self.semicolons {
            self.semicolons = true;
            let place = self.span(at, at + 1);
            self.out.diagnostics.push(
                Diagnostic::new(Code::ForeignSyntax, place, "`;` separates nothing")
                    .help("a new line or `,` stands between items, nothing between declarations")
                    .fix(place, ""),
            );
        }
        self.edit(at, 1, " ");
    }

    fn foreign_comment(&mut self, word: &Word, text: &str) {
        let place = self.span(word.start(), word.start() + 2);
        let mark = text.get(..2).unwrap_or("");
        let diagnostic = Diagnostic::new(Code::ForeignSyntax, place, format!("expected `#`, found `{mark}`"))
            .help("a comment begins with `#` and ends with its line");
        self.out.diagnostics.push(if mark == "//" { diagnostic.fix(place, "#") } else { diagnostic });
        let blank: String = text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        self.edit(word.start(), text.len(), blank);
    }

    fn foreign_string(&mut self, word: &Word, text: &str) {
        let place = self.span(word.start(), word.end());
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
        let message = "expected a string in `\"`, found one in `'`";
        self.out.diagnostics.push(Diagnostic::new(Code::ForeignSyntax, place, message).fix(place, quote(inner)));
        let plain = !inner.contains(['"', '\\']);
        let mended = if plain { format!("\"{inner}\"") } else { format!("\"{}\"", " ".repeat(inner.len())) };
        self.edit(word.start(), text.len(), mended);
    }

    /// Characters that no text has, or that only look like white space. Others are left to the parser.
    fn unknown(&mut self, word: &Word, text: &str) {
        let Some(c) = text.chars().next() else { return };
        if !(c.is_control() || c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')) {
            return;
        }
        if self.unknown_end != word.start() {
            let place = self.span(word.start(), word.end());
            let code = format!("U+{:04X}", c as u32);
            let message = if c.is_control() {
                format!("the control character {code} stands outside a string")
            } else {
                format!("{code} is not white space here")
            };
            self.out.diagnostics.push(Diagnostic::new(Code::InvalidText, place, message).fix(place, " "));
        }
        self.unknown_end = word.end();
        self.edit(word.start(), text.len(), " ".repeat(text.len()));
    }
}
