//! Text from programs, clouds and files made safe to show. Owns which characters a terminal would obey, or not show
//! at all, and what stands for them; where the text stands is not its affair.

/// Characters of one text that are shown; the rest is counted.
const LIMIT: usize = 400;

/// Characters that steer a terminal, turn the direction of the text, or take no room: with them a name can look
/// like what it is not.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// All of `text`, on one line.
pub fn whole(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) || (c.is_whitespace() && c != ' ') {
            out.push_str(&format!("\\u{{{:x}}}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

/// A line that a program said, all of it: without its colours, tabs as spaces, and of what it wrote over itself the last.
pub fn line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let last = said.split('\r').rev().find(|part| !part.is_empty()).unwrap_or_default();
    let mut out = String::with_capacity(last.len());
    let mut rest = last;
    while let Some((before, code)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = code.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(code.len());
        rest = match code.get(end..) {
            Some(after) if after.starts_with('m') => after.get(1..).unwrap_or_default(),
            // Any other code does more than colour: it is shown.
            _ => {
                out.push_str("\u{1b}[");
                code
            }
        };
    }
    out.push_str(rest);
    whole(&out.replace('\t', "    "))
}

/// `text` on one line, cut where it gets too long to read.
pub fn text(text: &str) -> String {
    match text.char_indices().nth(LIMIT) {
        None => whole(text),
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            format!("{}… ({} more characters)", whole(shown), rest.chars().count())
        }
    }
}

/// A name: in quotes where it could be taken for more than one word.
pub fn name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.+=@/:*$%".contains(c);
    if !name.is_empty() && name.chars().all(plain) { text(name) } else { quoted(name) }
}

/// An item of a list, all of it: in quotes where it could be taken for more than one.
pub(crate) fn item(item: &str) -> String {
    let plain = item.starts_with("(known after apply") || !item.contains([' ', ',', '"', '[', ']']);
    if plain && !item.is_empty() { whole(item) } else { format!("\"{}\"", whole(item).replace('"', "\\\"")) }
}

/// `text` in quotes.
pub(crate) fn quoted(quote: &str) -> String {
    format!("\"{}\"", text(quote).replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile: String =
            ('\0'..='\u{ff}').chain('\u{2000}'..='\u{206f}').chain(['\u{feff}', '\u{e0041}']).collect();
        assert!(!whole(&hostile).chars().any(|c| is_hidden(c) || c == '\n'));
        assert_eq!(text("a\u{1b}[31mb\n\u{202e}c"), "a\\u{1b}[31mb\\u{a}\\u{202e}c");
    }

    #[test]
    fn a_line_of_a_program_is_plain() {
        assert_eq!(line(b"\x1b[1;32mok\x1b[0m\tdone\r"), "ok    done");
        assert_eq!(line(b"10%\r90%\rall"), "all");
        assert_eq!(line(b"\x1b[2Ja\x1b]0;title\x07\xff\x1b["), "\\u{1b}[2Ja\\u{1b}]0;title\\u{7}\u{fffd}\\u{1b}[");
    }

    #[test]
    fn what_is_not_one_word_is_quoted() {
        assert_eq!(name("dev-ana"), "dev-ana");
        assert_eq!(name("alpha, beta"), "\"alpha, beta\"");
        assert_eq!(name("a\" gains \"b"), "\"a\\\" gains \\\"b\"");
        assert_eq!(name(""), "\"\"");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert!(text(&"x".repeat(1_000)).ends_with("x… (600 more characters)"));
    }
}
