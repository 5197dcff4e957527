//! The same program with another layout. Owns the changes that have no meaning.

use proptest::prelude::*;

use crate::syntax::{TokenKind, tokens};

/// How much is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scramble {
    /// Spaces and tabs within lines.
    Spaces,
    /// Line ends, too.
    Lines,
    /// New comments, too.
    Comments,
}

/// White space and comments to put between two words, by a number.
fn space(choice: u8, scramble: Scramble) -> &'static str {
    match (choice % 16, scramble) {
        (0, _) => "   ",
        (1, _) => "\t",
        (7 | 8, Scramble::Lines | Scramble::Comments) => "\n",
        (9, Scramble::Lines | Scramble::Comments) => "\n\n\n",
        (10, Scramble::Lines | Scramble::Comments) => "\t\n  ",
        (11, Scramble::Lines | Scramble::Comments) => "\r\n",
        (12, Scramble::Comments) => " # between  \n",
        (13, Scramble::Comments) => "\n  ## own line\n",
        (14, Scramble::Comments) => "\n\n\n# after blank\n\n",
        (15, Scramble::Comments) => " ## one [\n\n   # two\n \n",
        _ => " ",
    }
}

/// `text` with other white space between its words, as the numbers say. Comments keep lines of their own.
pub(super) fn scrambled(text: &str, choices: &[u8], scramble: Scramble) -> String {
    let mut out = String::new();
    let mut choices = choices.iter().copied().cycle();
    let mut between = "";
    for token in tokens(text) {
        let spelled = token.text(text);
        if token.kind == TokenKind::Space {
            between = spelled;
            continue;
        }
        let space = space(choices.next().unwrap_or_default(), scramble);
        let bracket = matches!(spelled, "{" | "}" | "[" | "]" | "(" | ")" | "=" | ",");
        let keeps_line = matches!(token.kind, TokenKind::Comment | TokenKind::Doc) || out.ends_with('\n');
        match (between.contains('\n'), scramble) {
            (true, Scramble::Spaces) => out.push_str(&between.replace("  ", space)),
            _ if keeps_line => out.push_str(between),
            _ if between.is_empty() && !bracket => {}
            _ => out.push_str(space),
        }
        out.push_str(spelled);
        between = "";
        if matches!(token.kind, TokenKind::Comment | TokenKind::Doc) {
            out.push('\n');
            between = " ";
        }
    }
    out
}

/// Numbers for [`scrambled`].
pub(super) fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..200)
}
