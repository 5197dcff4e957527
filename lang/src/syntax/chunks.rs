//! Where declarations and items probably begin, in a text that does not parse. Owns the guesses from layout and
//! from the first few words; parses nothing.

use super::tokens::{Lexer, Token, TokenKind};

/// A token of a text under recovery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) token: Token,
    /// It is the first of its line.
    pub(super) first: bool,
    /// Bytes of white space before the first token of its line.
    pub(super) indent: u32,
    /// The index of the bracket that belongs to this one; its own for all else.
    pub(super) mate: u32,
}

impl Word {
    pub(super) fn start(&self) -> usize {
        self.token.start as usize
    }

    pub(super) fn end(&self) -> usize {
        self.token.end as usize
    }
}

/// How often a `"""` that nothing closes is taken to end with its line, so that what follows is still read.
const RESYNCS: usize = 16;

/// The tokens of `text` without white space and comments.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut lexer = Lexer::new(text);
    let (mut first, mut indent, mut resyncs) = (true, 0, 0);
    while let Some(mut token) = lexer.next() {
        if token.kind == TokenKind::Space {
            if let Some(newline) = token.text(text).rfind('\n') {
                first = true;
                indent = token.end - token.start - newline as u32 - 1;
            } else if words.is_empty() && token.start == 0 {
                indent = token.end;
            }
            continue;
        }
        if token.kind.is_trivia() {
            continue;
        }
        if token.kind == TokenKind::OpenBlockString && resyncs < RESYNCS {
            resyncs += 1;
            token.end = token.start + token.text(text).find('\n').unwrap_or(token.text(text).len()) as u32;
            lexer = Lexer::from(text, token.end as usize);
        }
        words.push(Word { token, first, indent, mate: words.len() as u32 });
        first = false;
    }
    words
}

/// Finds the mate of each bracket; brackets without one keep themselves.
pub(super) fn mate(words: &mut [Word], text: &str) {
    let mut open: Vec<u32> = Vec::new();
    for index in 0..words.len() {
        match bracket(words, text, index) {
            Some(Bracket::Open) => open.push(index as u32),
            Some(Bracket::Close) => {
                if let Some(opener) = open.pop() {
                    if let Some(word) = words.get_mut(opener as usize) {
                        word.mate = index as u32;
                    }
                    if let Some(word) = words.get_mut(index) {
                        word.mate = opener;
                    }
                }
            }
            None => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Open,
    Close,
}

/// Is the word a bracket, and of which side?
pub(super) fn bracket(words: &[Word], text: &str, index: usize) -> Option<Bracket> {
    let token = words.get(index)?.token;
    if token.kind != TokenKind::Symbol || token.end - token.start != 1 {
        return None;
    }
    match text.as_bytes().get(token.start as usize)? {
        b'{' | b'[' | b'(' => Some(Bracket::Open),
        b'}' | b']' | b')' => Some(Bracket::Close),
        _ => None,
    }
}

/// Words that go on with what stands before them, though they begin a line.
const CONTINUING: [&str; 12] =
    ["check", "matching", "where", "in", "then", "else", "and", "or", "using", "as", "elif", "elseif"];

/// Words that begin a declaration whatever follows.
pub(super) const DECL_WORDS: [&str; 17] = [
    "let", "fn", "type", "param", "defaults", "module", "for", "foreach", "if", "assert", "test", "moved", "removed",
    "accept", "import", "edition", "export",
];

/// A view of words with their text, for looking ahead.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) words: &'a [Word],
    pub(super) text: &'a str,
}

impl<'a> Look<'a> {
    pub(super) fn kind(&self, index: usize) -> Option<TokenKind> {
        self.words.get(index).map(|word| word.token.kind)
    }

    pub(super) fn text(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |word| word.token.text(self.text))
    }

    pub(super) fn is_word(&self, index: usize) -> bool {
        self.kind(index) == Some(TokenKind::Word)
    }

    pub(super) fn is_string(&self, index: usize) -> bool {
        matches!(self.kind(index), Some(TokenKind::String | TokenKind::OpenString | TokenKind::ForeignString))
    }

    /// A name or a string, on the line of the word before it.
    fn is_label(&self, index: usize) -> bool {
        (self.is_word(index) || self.is_string(index)) && self.words.get(index).is_some_and(|word| !word.first)
    }

    /// Can a declaration end with this word?
    fn may_end(&self, index: usize) -> bool {
        match self.kind(index) {
            Some(TokenKind::Symbol) => matches!(self.text(index), "}" | "]" | ")" | ">" | "?"),
            Some(TokenKind::Word) => !matches!(self.text(index), "then" | "else" | "where" | "in"),
            _ => true,
        }
    }

    pub(super) fn is_equals(&self, index: usize) -> bool {
        matches!(self.text(index), "=" | ":=" | ":" | "==" | "=>")
    }

    /// Does a declaration seem to begin here?
    pub(super) fn starts_decl(&self, index: usize) -> bool {
        if !self.is_word(index) || CONTINUING.contains(&self.text(index)) {
            return false;
        }
        if index > 0 && self.text(index - 1) == "export" {
            return false;
        }
        // After an operator `if` is an expression.
        if self.text(index) == "if" && index > 0 && !self.may_end(index - 1) {
            return false;
        }
        if DECL_WORDS.contains(&self.text(index)) {
            return true;
        }
        self.is_label(index + 1) && !CONTINUING.contains(&self.text(index + 1))
            || matches!(self.text(index + 1), "{" | "=" | ":=")
    }

    /// Does an item of a body seem to begin here?
    pub(super) fn starts_item(&self, index: usize) -> bool {
        let text = self.text(index);
        if self.is_string(index) {
            return self.is_equals(index + 1)
                || self.is_word(index + 1)
                || matches!(self.text(index + 1), "!=" | "<" | "<=" | ">" | ">=");
        }
        if !self.is_word(index) {
            return false;
        }
        match text {
            "override" | "for" | "foreach" if self.is_word(index + 1) || self.is_string(index + 1) => true,
            "every" | "some" if self.is_string(index + 1) => true,
            "if" if self.text(index + 1) == "present" => true,
            _ if CONTINUING.contains(&text) && !matches!(self.text(index + 1), "=" | "{") => false,
            _ => {
                matches!(self.text(index + 1), "=" | ":=" | ":" | "{")
                    || self.is_label(index + 1) && self.text(index + 1) != "in" && self.text(index + 2) == "{"
                    // Most likely an `=` forgotten between the two.
                    || self.is_string(index + 1) && self.is_label(index + 1)
            }
        }
    }

    /// The words of `from..to` cut into pieces that each seem to be one thing: where `starts` says so at the
    /// beginning of a line, after a comma, or after a closing brace.
    pub(super) fn pieces(
        &self,
        from: usize,
        to: usize,
        starts: impl Fn(&Self, usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut pieces = Vec::new();
        let (mut begin, mut index) = (from, from);
        while index < to {
            let Some(word) = self.words.get(index) else { break };
            let may = index > begin && (word.first || matches!(self.text(index - 1), "," | "}"));
            if may && starts(self, index) {
                pieces.push((begin, index));
                begin = index;
            }
            index = (word.mate as usize).max(index) + 1;
        }
        if begin < to {
            pieces.push((begin, to));
        }
        pieces
    }
}

/// The words of a file cut into chunks, each probably a few whole declarations: at words in column 0 that seem to
/// begin a declaration, as long as the braces that a chunk opens are closed in it. Linear.
pub(super) fn cut(look: &Look<'_>) -> Vec<(usize, usize)> {
    let mut depth = 0_i64;
    let mut candidates: Vec<(usize, i64)> = Vec::new();
    for (index, word) in look.words.iter().enumerate() {
        if index == 0 || word.first && word.indent == 0 && look.starts_decl(index) {
            candidates.push((index, depth));
        }
        depth += braces(word, look.text);
    }
    candidates.push((look.words.len(), depth));
    let closes = next_not_deeper(&candidates);
    let mut chunks = Vec::new();
    let mut at = 0;
    while let (Some((start, depth)), Some((_, after))) = (candidates.get(at), candidates.get(at + 1)) {
        let next = match closes.get(at).copied().flatten() {
            Some(close) if after > depth => close,
            _ => at + 1,
        };
        if let Some((end, _)) = candidates.get(next) {
            chunks.push((*start, *end));
        }
        at = next;
    }
    chunks
}

/// How many braces a word opens. A string that its line does not close may have swallowed the one at its end.
fn braces(word: &Word, text: &str) -> i64 {
    match (word.token.kind, word.token.text(text)) {
        (TokenKind::Symbol, "{") => 1,
        (TokenKind::Symbol, "}") => -1,
        (TokenKind::OpenString, text) if text.trim_end().ends_with('{') => 1,
        _ => 0,
    }
}

/// For each candidate the first later one that is as deep or less.
fn next_not_deeper(candidates: &[(usize, i64)]) -> Vec<Option<usize>> {
    let mut next = vec![None; candidates.len()];
    let mut waiting: Vec<usize> = Vec::new();
    for (index, (_, depth)) in candidates.iter().enumerate() {
        while let Some(last) = waiting.last().copied() {
            if candidates.get(last).is_some_and(|(_, before)| before < depth) {
                break;
            }
            waiting.pop();
            if let Some(slot) = next.get_mut(last) {
                *slot = Some(index);
            }
        }
        waiting.push(index);
    }
    next
}
