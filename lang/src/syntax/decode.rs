//! Bytes to text. Knows no files: what is wrong is said without a place in a [`SourceMap`](crate::source::SourceMap).

use std::fmt;

use crate::diagnostics::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Why bytes are no text of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// A byte that is not UTF-8.
    NotUtf8 {
        /// The byte.
        byte: u8,
    },
    /// More bytes than the limit.
    TooLarge {
        /// The most there may be.
        limit: usize,
    },
}

/// What is wrong with the bytes of a file, and the text that can be shown for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where in `text`: the first bad byte, or 0.
    pub offset: usize,
    /// The text with `\u{fffd}` for what is not UTF-8, so that the offset can be shown; empty for a file too large.
    pub text: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DecodeErrorKind::NotUtf8 { byte } => write!(f, "the byte 0x{byte:02x} is not UTF-8"),
            DecodeErrorKind::TooLarge { limit } => write!(f, "a file has at most {limit} bytes"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    /// The finding, when `text` is the text of `file`.
    pub fn into_diagnostic(self, file: FileId) -> Diagnostic {
        let (code, len) = match self.kind {
            DecodeErrorKind::NotUtf8 { .. } => (Code::InvalidText, char::REPLACEMENT_CHARACTER.len_utf8()),
            DecodeErrorKind::TooLarge { .. } => (Code::FileTooLarge, 0),
        };
        Diagnostic::new(code, Span::new(file, self.offset, self.offset + len), self.to_string())
    }
}

/// The text of a file: without the mark that some editors put first. At most `limit` bytes.
pub fn decode(bytes: &[u8], limit: usize) -> Result<String, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError { kind: DecodeErrorKind::TooLarge { limit }, offset: 0, text: String::new() });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let offset = error.valid_up_to();
            let byte = bytes.get(offset).copied().unwrap_or_default();
            let text = String::from_utf8_lossy(bytes).into_owned();
            Err(DecodeError { kind: DecodeErrorKind::NotUtf8 { byte }, offset, text })
        }
    }
}
