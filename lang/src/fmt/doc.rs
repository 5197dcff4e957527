//! A file as a row of words with what the printer must know of each: its bracket, how close it stands to its
//! neighbours, where a line may break. Owns that model; knows neither the tree nor how lines are made.
//!
//! The words hold every byte of the file that has meaning, in order, so a printer that prints them all cannot
//! lose one. Commas that only separate are dropped by [`Doc::compact`]; the printer sets them again.

use super::comments::{Comment, Comments};
use crate::syntax::{TokenKind, tokens};

/// What a pair of brackets holds, and so how it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No bracket, or one whose content is one thing that goes on within: `( )`, an index, `[T]`, `{K => V}`.
    Hug,
    /// A body: one item a line without commas. `line`: may also stand on one line.
    Block { line: bool },
    /// Elements with commas: lists, maps, records, enumerations. `pad`: spaces inside the brackets on one line.
    List { pad: bool },
    /// Arguments and parameters: elements with commas; the last may go on over several lines.
    Call,
    /// `[for … : …]` and `{ for … : … }`: one thing without commas, on one line or apart from its brackets.
    Loop { pad: bool },
}

impl Shape {
    /// Commas stand between the elements when each has its own line.
    pub(super) fn commas(self) -> bool {
        matches!(self, Self::List { .. } | Self::Call)
    }

    /// Spaces stand inside the brackets on one line.
    pub(super) fn pad(self) -> bool {
        matches!(self, Self::Block { .. } | Self::List { pad: true } | Self::Loop { pad: true })
    }
}

/// One word, with what stands between it and the word before.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The index of the bracket that belongs to this one; its own for all else.
    pub(super) mate: u32,
    /// Line ends directly before it, since the word or comment before: 0, 1, or 2 for more.
    pub(super) breaks: u8,
    /// The comments before it.
    pub(super) comments: (u32, u32),
    /// Of an opening bracket.
    pub(super) shape: Shape,
    /// Begins an element of the brackets around it.
    pub(super) starts: bool,
    /// No space before it.
    pub(super) tight_before: bool,
    /// No space after it.
    pub(super) tight_after: bool,
    /// A line may begin with it: an operator, `where`, `then`, `else`, `check`, `matching`, `if` of a loop.
    pub(super) breaks_before: bool,
    /// A line may end with it: `:` of a loop.
    pub(super) breaks_after: bool,
    /// `else` of a declaration: on a line of its own it stands as far left as its `if`.
    pub(super) outer: bool,
    /// A separator that [`Doc::compact`] takes away.
    pub(super) dropped: bool,
    /// Its text has more than one line.
    pub(super) long: bool,
    /// Its bytes are a piece that could not be read.
    pub(super) verbatim: bool,
}

impl Word {
    fn new(text: &str, start: u32, end: u32, index: usize) -> Self {
        let (before, after) = tightness(text);
        Self {
            start,
            end,
            mate: index as u32,
            breaks: 0,
            comments: (0, 0),
            shape: Shape::Hug,
            starts: false,
            tight_before: before,
            tight_after: after,
            breaks_before: false,
            breaks_after: false,
            outer: false,
            dropped: false,
            long: text.starts_with("\"\"\"") && text.contains('\n'),
            verbatim: false,
        }
    }

    pub(super) fn has_comments(&self) -> bool {
        self.comments.0 != self.comments.1
    }

    /// Something stands between it and the word before that ends a line.
    pub(super) fn begins_line(&self) -> bool {
        self.breaks > 0 || self.has_comments()
    }
}

/// No space before, no space after, when nothing else is known of a word.
fn tightness(text: &str) -> (bool, bool) {
    match text {
        "," | "?" | ":" => (true, false),
        "." | "..=" => (true, true),
        _ => (false, false),
    }
}

/// A file as words.
#[derive(Debug)]
pub(super) struct Doc<'a> {
    pub(super) text: &'a str,
    pub(super) words: Vec<Word>,
    pub(super) comments: Comments,
    /// What stands after the last word: as in [`Word`].
    pub(super) tail: (u32, u32),
}

impl<'a> Doc<'a> {
    /// The words of a text.
    pub(super) fn new(text: &'a str) -> Self {
        let mut doc = Self { text, words: Vec::new(), comments: Comments::default(), tail: (0, 0) };
        let (mut breaks, mut first) = (0_u8, 0_u32);
        for token in tokens(text) {
            let spelled = token.text(text);
            match token.kind {
                TokenKind::Space => {
                    let ends = spelled.bytes().filter(|byte| *byte == b'\n').take(2).count();
                    breaks = (breaks + ends as u8).min(2);
                }
                TokenKind::Comment | TokenKind::Doc => {
                    let end = token.start + spelled.trim_end().len() as u32;
                    let document = token.kind == TokenKind::Doc;
                    doc.comments.push(Comment { start: token.start, end, breaks, doc: document });
                    breaks = 0;
                }
                _ => {
                    let last = doc.comments.len();
                    for (start, end) in doc.split(token.start, token.end) {
                        let index = doc.words.len();
                        let mut word =
                            Word::new(text.get(start as usize..end as usize).unwrap_or(""), start, end, index);
                        (word.breaks, word.comments) = (breaks, (first, last));
                        (breaks, first) = (0, last);
                        doc.words.push(word);
                    }
                }
            }
        }
        doc.tail = (first, doc.comments.len());
        doc
    }

    /// `>=` after `Ref<cell` is `>` and `=`: the lexer does not know types.
    fn split(&self, start: u32, end: u32) -> Vec<(u32, u32)> {
        let back = |by: usize| self.words.len().checked_sub(by).map_or("", |index| self.spelled(index));
        if self.text.get(start as usize..end as usize) == Some(">=")
            && back(2) == "<"
            && matches!(back(3), "Ref" | "Set")
        {
            vec![(start, start + 1), (start + 1, end)]
        } else {
            vec![(start, end)]
        }
    }

    /// The text of a word; nothing when there is none.
    pub(super) fn spelled(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |word| self.text.get(word.start as usize..word.end as usize).unwrap_or(""))
    }

    /// Does the word close a pair of brackets?
    pub(super) fn closes(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| (word.mate as usize) < index)
    }

    /// Does the word open a pair of brackets?
    pub(super) fn opens(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| (word.mate as usize) > index)
    }

    /// Finds the mates of the brackets among the words `from..=to`; false when they do not fit.
    pub(super) fn match_brackets(&mut self, from: usize, to: usize) -> bool {
        let mut open: Vec<(usize, &str)> = Vec::new();
        for index in from..=to {
            match self.spelled(index) {
                "{" => open.push((index, "}")),
                "[" => open.push((index, "]")),
                "(" => open.push((index, ")")),
                closer @ ("}" | "]" | ")") => match open.pop() {
                    Some((opener, expected)) if expected == closer => {
                        self.pair(opener, index);
                        self.pair(index, opener);
                    }
                    _ => return false,
                },
                _ => {}
            }
        }
        open.is_empty()
    }

    fn pair(&mut self, index: usize, mate: usize) {
        if let Some(word) = self.words.get_mut(index) {
            word.mate = mate as u32;
        }
    }

    /// Takes away dropped separators, and makes one word of each of the pieces `kept` (first and last word, in
    /// order).
    pub(super) fn compact(&mut self, kept: &[(usize, usize)]) {
        let old = std::mem::take(&mut self.words);
        let mut moved: Vec<u32> = vec![0; old.len()];
        let mut kept = kept.iter().copied().peekable();
        let mut waiting: Option<Word> = None;
        let mut index = 0;
        while let Some(word) = old.get(index) {
            let mut word = word.clone();
            if let Some(slot) = moved.get_mut(index) {
                *slot = self.words.len() as u32;
            }
            let last = kept.next_if(|(first, _)| *first == index).map(|(_, last)| last);
            if let Some(end) = last.and_then(|last| old.get(last)) {
                self.swallow(&mut word, end);
            }
            index = last.unwrap_or(index) + 1;
            if let Some(separator) = waiting.take() {
                self.join(&separator, &mut word);
            }
            if word.dropped {
                waiting = Some(word);
            } else {
                self.words.push(word);
            }
        }
        for (index, word) in self.words.iter_mut().enumerate() {
            word.mate =
                if word.verbatim { index as u32 } else { moved.get(word.mate as usize).copied().unwrap_or(0) };
        }
    }

    /// Makes `word` the piece that ends with `end`.
    fn swallow(&mut self, word: &mut Word, end: &Word) {
        word.end = end.end;
        word.verbatim = true;
        word.starts = true;
        let bytes = self.text.get(word.start as usize..word.end as usize).unwrap_or("");
        word.long = bytes.contains('\n');
    }

    /// What stood before a dropped separator now stands before the word that follows it.
    fn join(&mut self, separator: &Word, word: &mut Word) {
        // `##` that stood above the separator documents nothing, and must not begin to.
        let apart =
            self.comments.get(separator.comments.1.wrapping_sub(1)).is_some_and(|last| last.doc && last.breaks > 0);
        let breaks = if separator.has_comments() && apart { 2 } else { separator.breaks };
        match self.comments.get_mut(word.comments.0).filter(|_| word.has_comments()) {
            Some(first) => first.breaks = first.breaks.max(breaks),
            None => word.breaks = word.breaks.max(breaks),
        }
        word.comments.0 = separator.comments.0;
    }
}
