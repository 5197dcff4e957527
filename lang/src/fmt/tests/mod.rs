//! What the formatter promises: the form by example, and what holds of every text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so")]

mod broken;
mod comments;
mod corpus;
mod generate;
mod hostile;
mod layout;
mod properties;
mod scramble;

use super::{Formatted, Proven, format_proven};
use crate::source::FileId;
use crate::syntax::parse;

/// Formats a text, which must be proven.
fn proven(text: &str) -> Formatted {
    let Proven { formatted, unproven } = format_proven(text, &parse(FileId(0), text));
    if !unproven.is_empty() {
        let form = super::format(text).text;
        let why = super::prove(text, &parse(FileId(0), text), &form);
        panic!("{why:?} at {unproven:?}\n── of\n{text}\n── which became\n{form}");
    }
    formatted
}

/// The canonical form of a text without a fault.
fn form(text: &str) -> String {
    let Formatted { text: form, broken } = proven(text);
    assert!(broken.is_empty(), "{broken:?} of {text}");
    form
}

/// A text and its form, for a snapshot.
fn shown(text: &str) -> String {
    let Formatted { text: form, broken } = proven(text);
    let kept: Vec<&str> = broken.into_iter().map(|bytes| &text[bytes]).collect();
    let kept = if kept.is_empty() {
        String::new()
    } else {
        format!("──────── kept\n{}\n", kept.join("\n--------\n"))
    };
    format!("{text}\n──────── becomes\n{form}{kept}")
}
