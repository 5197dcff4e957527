//! Text made safe to show: what a terminal would obey, or not show at all, becomes a symbol one can see.
//! Owns which characters those are and how wide a character may get; knows nothing of places or findings.

use std::fmt::Write as _;

/// Characters of a message, a label or a help that are shown; the rest is cut.
const TEXT_LIMIT: usize = 1_000;

/// Columns from one tab stop to the next.
const TAB: usize = 4;

/// The symbol that stands for what was cut.
pub(super) fn ellipsis(unicode: bool) -> &'static str {
    if unicode { "…" } else { "..." }
}

/// `text` on one line, with no character that a terminal obeys, cut where it gets too long to read.
pub(super) fn text(text: &str, unicode: bool) -> String {
    let mut out = String::with_capacity(text.len().min(4 * TEXT_LIMIT));
    for (count, c) in text.chars().enumerate() {
        if count == TEXT_LIMIT {
            out.push_str(ellipsis(unicode));
            break;
        }
        push(&mut out, c, unicode);
    }
    out
}

/// Appends a piece of a source line; tabs are filled up to the next stop, counted from the piece's start.
pub(super) fn push_line(out: &mut String, line: &str, unicode: bool) {
    let mut column = 0;
    for c in line.chars() {
        if c == '\t' {
            let fill = TAB - column % TAB;
            out.push(if unicode { '→' } else { ' ' });
            out.extend(std::iter::repeat_n(' ', fill - 1));
            column += fill;
        } else {
            push(out, c, unicode);
            column += columns(c);
        }
    }
}

/// At most how many columns a character takes when it is shown. Whatever is not ASCII counts as wide, so that a
/// line never gets longer than was reckoned.
pub(super) fn columns(c: char) -> usize {
    match c {
        '\t' => TAB,
        ' '..='~' => 1,
        c if c.is_ascii() => 2,
        c if is_hidden(c) => "<U+10FFFF>".len(),
        _ => 2,
    }
}

fn push(out: &mut String, c: char, unicode: bool) {
    match c {
        ' '..='~' => out.push(c),
        '\u{7f}' => out.push_str(if unicode { "␡" } else { "^?" }),
        c if c.is_ascii_control() && unicode => out.extend(char::from_u32(0x2400 + c as u32)),
        c if c.is_ascii_control() => out.extend(['^', char::from(c as u8 + b'@')]),
        c if is_hidden(c) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "<U+{:04X}>", c as u32);
        }
        c => out.push(c),
    }
}

/// Characters beyond ASCII that steer a terminal, turn the direction of the text, or take no room: with them a
/// line can look like what it is not.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile: String = ('\0'..='\u{ff}').chain('\u{2000}'..='\u{206f}').chain(['\u{feff}']).collect();
        for unicode in [true, false] {
            let shown = text(&hostile, unicode);
            assert!(!shown.chars().any(|c| c.is_control() || is_hidden(c)), "{shown}");
        }
        assert_eq!(text("a\u{1b}[31mb\n", true), "a␛[31mb␊");
        assert_eq!(text("a\u{1b}[31mb\n", false), "a^[[31mb^J");
        assert_eq!(text("a\u{202e}b", true), "a<U+202E>b");
    }

    #[test]
    fn a_tab_reaches_to_the_next_stop() {
        let mut out = String::new();
        push_line(&mut out, "\ta\tbc\td", true);
        assert_eq!(out, "→   a→  bc→ d");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(text(&"x".repeat(5_000_000), true).chars().count(), TEXT_LIMIT + 1);
    }
}
