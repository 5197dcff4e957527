//! Characters that turn the text around them: what an editor shows is then another program than the one that is read.
//! Owns which these are. Unicode calls them explicit formatting characters
//! ([UAX 9](https://www.unicode.org/reports/tr9/)); how they deceive a reviewer is CVE-2021-42574.

use crate::diagnostics::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// The byte that all of them begin with in UTF-8.
const FIRST: u8 = 0xe2;

/// Each of them that stands in a text, whether in a string, a comment or between words.
pub(super) fn turning(file: FileId, text: &str) -> Vec<Diagnostic> {
    let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == FIRST).map(|(at, _)| at);
    let found = starts.filter_map(|at| Some((at, text.get(at..)?.chars().next().filter(|c| turns(*c))?)));
    found.map(|(at, c)| finding(file, at, c)).collect()
}

fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn finding(file: FileId, at: usize, c: char) -> Diagnostic {
    let number = u32::from(c);
    let message = format!("U+{number:04X} turns the text around it: an editor shows another program than this one");
    Diagnostic::new(Code::InvalidText, Span::new(file, at, at + c.len_utf8()), message)
        .help(format!("take it out; in a string that needs it write `\\u{{{number:x}}}`"))
}
