//! The formatter: any text of the language in its one canonical form.
//!
//! [`format`] cannot fail: pieces that do not parse stay byte for byte as they are, and the rest is laid out around
//! them. [`format_proven`] is for whoever writes the result over the file: it also holds the result to what the
//! formatter promises, and lays out nothing for which that does not hold. The module does no IO.

mod comments;
mod doc;
mod erase;
mod marks;
mod print;
mod prove;
#[cfg(test)]
mod tests;

pub use print::WIDTH;
pub use prove::{Unproven, prove};

use std::ops::Range;

use crate::source::FileId;
use crate::syntax::{self, Parsed};
use doc::Doc;

/// A text in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The text. It ends with a line end unless it is empty.
    pub text: String,
    /// The bytes of the original that were kept as they are, because they do not parse; in order.
    pub broken: Vec<Range<usize>>,
}

/// Formats a text. Linear in its length; parses it once.
pub fn format(text: &str) -> Formatted {
    format_parsed(text, &syntax::parse(FileId(0), text))
}

/// Formats a text whose tree is known: `parsed` is of this very text.
pub fn format_parsed(text: &str, parsed: &Parsed) -> Formatted {
    format_but(text, parsed, &[], false)
}

/// A text in canonical form that was held to what the formatter promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The text and what was kept in it.
    pub formatted: Formatted,
    /// Bytes of the original that parse and were kept as they are, because laid out they would not have been the
    /// same: each is a fault of the formatter.
    pub unproven: Vec<Range<usize>>,
}

/// Formats a text and proves the result ([`prove`]). Declarations for which the proof fails are kept as they are; if
/// there is no proof even so, all of the text is.
pub fn format_proven(text: &str, parsed: &Parsed) -> Proven {
    let holds = |formatted: &Formatted| prove(text, parsed, &formatted.text).is_ok();
    let formatted = format_parsed(text, parsed);
    if holds(&formatted) {
        return Proven { formatted, unproven: Vec::new() };
    }
    if !parsed.diagnostics.is_empty() {
        // What is read of a faulty text hangs on its layout, too. So less of it is laid out, or nothing.
        let coarse = format_but(text, parsed, &[], true);
        let formatted = if holds(&coarse) { coarse } else { unchanged(text) };
        return Proven { formatted, unproven: Vec::new() };
    }
    let differing = prove::differing(text, parsed, &formatted.text);
    let kept = format_but(text, parsed, &differing, true);
    if !differing.is_empty() && holds(&kept) {
        return Proven { formatted: kept, unproven: differing };
    }
    let formatted = unchanged(text);
    let unproven = formatted.broken.clone();
    Proven { formatted, unproven }
}

/// An expression, an item, or a body in its braces, on one line: the same text whatever its layout was. Comments are
/// left out; a string over several lines keeps them. What is none of these comes back with single spaces.
pub fn one_line(text: &str) -> String {
    let bare = || text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A program around it, and how many of its first and last words are not printed.
    let around = [("group x ", 2, "", 0), ("let x = ", 3, "", 0), ("group x { ", 3, "\n}", 1)];
    let wrapped = around.into_iter().find_map(|(before, first, after, last)| {
        let program = format!("{before}{text}{after}");
        let parsed = syntax::sound(FileId(0), &program)?;
        (parsed.file.decls.len() == 1).then(|| {
            let mut doc = Doc::new(&program);
            let pieces = marks::mark(&mut doc, &parsed, &[], false);
            doc.compact(&pieces);
            print::one_line(&doc, first..doc.words.len().saturating_sub(last))
        })
    });
    wrapped.unwrap_or_else(bare)
}

/// All of a text, kept.
fn unchanged(text: &str) -> Formatted {
    Formatted { text: text.to_owned(), broken: std::iter::once(0..text.len()).collect() }
}

/// Formats all but what lies in `kept`; `whole`: of a declaration with a fault nothing.
fn format_but(text: &str, parsed: &Parsed, kept: &[Range<usize>], whole: bool) -> Formatted {
    if parsed.diagnostics.len() > syntax::MOST_FINDINGS {
        // Not all of them are known, so nothing is known to be sound.
        return unchanged(text);
    }
    let mut doc = Doc::new(text);
    let pieces = marks::mark(&mut doc, parsed, kept, whole);
    let bytes = |(first, last): &(usize, usize)| {
        doc.words.get(*first).zip(doc.words.get(*last)).map(|(first, last)| first.start as usize..last.end as usize)
    };
    let broken = pieces.iter().filter_map(bytes).collect();
    doc.compact(&pieces);
    comments::settle(&mut doc);
    Formatted { text: print::print(&doc), broken }
}
