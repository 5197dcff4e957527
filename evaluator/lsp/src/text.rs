//! Texts that are open in the editor, and places in them as the protocol counts. Owns the counting; knows nothing of
//! what the texts say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use cell_lang::source::LineIndex;
use lsp_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent, Url};

/// How the protocol counts the characters of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// In bytes.
    Utf8,
    /// In units of UTF-16: what every client can.
    Utf16,
}

impl Encoding {
    /// The first of those the client offers that is known; UTF-16 if it offers none.
    pub(crate) fn choose(offered: Option<&[PositionEncodingKind]>) -> Self {
        let utf8 = offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8));
        if utf8 { Self::Utf8 } else { Self::Utf16 }
    }

    /// As the protocol names it.
    pub(crate) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, text: &str) -> u32 {
        match self {
            Self::Utf8 => text.len() as u32,
            Self::Utf16 => text.encode_utf16().count() as u32,
        }
    }

    /// The place of a byte.
    pub(crate) fn position(self, text: &str, lines: &LineIndex, offset: u32) -> Position {
        let offset = (offset as usize).min(text.len());
        let line = lines.line_of(offset as u32);
        let start = lines.line_range(text, line).start;
        let before = text.get(start..offset).unwrap_or("");
        Position { line: line as u32, character: self.width(before) }
    }

    /// The bytes `start..end` as a range.
    pub(crate) fn range(self, text: &str, lines: &LineIndex, start: u32, end: u32) -> Range {
        Range { start: self.position(text, lines, start), end: self.position(text, lines, end) }
    }

    /// The byte at a place; beyond a line's end, its end; inside a character, its start.
    pub(crate) fn offset(self, text: &str, lines: &LineIndex, position: Position) -> u32 {
        let range = lines.line_range(text, position.line as usize);
        let line = text.get(range.clone()).unwrap_or("");
        let mut left = position.character;
        for (at, character) in line.char_indices() {
            let width = match self {
                Self::Utf8 => character.len_utf8() as u32,
                Self::Utf16 => character.len_utf16() as u32,
            };
            if left < width {
                return (range.start + at) as u32;
            }
            left -= width;
        }
        range.end as u32
    }
}

/// A text that is open.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    /// As the client names it.
    pub(crate) uri: Url,
    /// The client's count of its changes.
    pub(crate) version: i32,
    /// The text.
    pub(crate) text: Arc<str>,
}

impl Buffer {
    /// The text after changes, each to what those before it left.
    pub(crate) fn change(&mut self, version: i32, changes: &[TextDocumentContentChangeEvent], encoding: Encoding) {
        let mut text = self.text.to_string();
        for change in changes {
            match change.range {
                None => change.text.clone_into(&mut text),
                Some(range) => {
                    let lines = LineIndex::new(&text);
                    let start = encoding.offset(&text, &lines, range.start) as usize;
                    let end = encoding.offset(&text, &lines, range.end) as usize;
                    text.replace_range(start..end.max(start), &change.text);
                }
            }
        }
        self.version = version;
        self.text = text.into();
    }
}

/// The texts that are open, by their real paths.
pub(crate) type Buffers = HashMap<PathBuf, Arc<Buffer>>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn characters_are_counted_as_agreed() {
        // `日` takes three bytes and one unit, `𝒞` four and two.
        let text = "a日𝒞b\r\nc";
        let lines = LineIndex::new(text);
        for (encoding, columns) in [(Encoding::Utf8, [0, 1, 4, 8, 9]), (Encoding::Utf16, [0, 1, 2, 4, 5])] {
            for (offset, column) in [0, 1, 4, 8, 9].into_iter().zip(columns) {
                assert_eq!(encoding.position(text, &lines, offset), at(0, column), "{encoding:?} {offset}");
                assert_eq!(encoding.offset(text, &lines, at(0, column)), offset, "{encoding:?} {column}");
            }
            assert_eq!(encoding.position(text, &lines, 11), at(1, 0));
            assert_eq!(encoding.offset(text, &lines, at(0, 99)), 9, "before the line's end");
            assert_eq!(encoding.offset(text, &lines, at(9, 9)), 12, "at the text's end");
        }
        assert_eq!(Encoding::Utf16.offset(text, &lines, at(0, 3)), 4, "inside of a character: its start");
        assert_eq!(Encoding::Utf8.offset(text, &lines, at(0, 2)), 1, "inside of a character: its start");
    }

    #[test]
    fn changes_apply_one_after_the_other() {
        let uri = Url::parse("file:///a.cell").unwrap();
        let mut buffer = Buffer { uri, version: 1, text: "日本\nx".into() };
        let change = |start, end, text: &str| TextDocumentContentChangeEvent {
            range: Some(Range { start, end }),
            range_length: None,
            text: text.to_owned(),
        };
        let changes = [change(at(0, 1), at(0, 2), "é\n"), change(at(1, 0), at(2, 1), "y")];
        buffer.change(2, &changes, Encoding::Utf16);
        assert_eq!((&*buffer.text, buffer.version), ("日é\ny", 2));
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "z".to_owned() };
        buffer.change(3, &[whole], Encoding::Utf16);
        assert_eq!(&*buffer.text, "z");
    }
}
