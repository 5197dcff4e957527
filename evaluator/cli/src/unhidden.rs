//! What is printed, with no character that turns the direction of a text, or takes no room, and none that a terminal obeys:
//! a name of the cloud or of a program must not look like what it is not. Owns how such a character is spelled, and that
//! of those that steer only ends of lines, tabs and colours pass: whoever makes a text spells the rest by itself, and what
//! is forgotten there is spelled here.

use std::borrow::Cow;
use std::io::{self, Write};

use cell_eval::terminal::visible::is_hidden;

use crate::args::Format;

/// Must it be spelled?
fn is_spelled(c: char) -> bool {
    !c.is_ascii_control() && is_hidden(c)
}

/// A text of this format, with what is hidden or steers a terminal spelled as the format's strings have it.
pub(crate) fn spelled(text: &str, format: Format) -> Cow<'_, str> {
    let steers = |(at, c): (usize, char)| match c {
        '\n' | '\t' => false,
        '\r' => !rest(text, at).starts_with("\r\n"),
        '\u{1b}' => !is_colour(rest(text, at)),
        c => c.is_ascii_control(),
    };
    if !text.char_indices().any(|(at, c)| is_spelled(c) || steers((at, c))) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match format {
            _ if !is_spelled(c) && !steers((at, c)) => out.push(c),
            Format::Text => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            // What is not ASCII stands in strings only.
            Format::Json => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
        }
    }
    Cow::Owned(out)
}

fn rest(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Does a text begin with a code for a colour or a weight, such as `ESC [ 1 ; 31 m`?
fn is_colour(text: &str) -> bool {
    let code =
        text.strip_prefix("\u{1b}[").map(|code| code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    code.is_some_and(|end| end.starts_with('m'))
}

/// Passes on what is written, spelled. It is to be written character by character or more.
pub(crate) struct Spelling<W> {
    inner: W,
    format: Format,
}

impl<W: Write> Spelling<W> {
    /// Before a writer.
    pub(crate) fn new(inner: W, format: Format) -> Self {
        Self { inner, format }
    }

    /// The writer.
    pub(crate) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Spelling<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_ascii() {
            return self.inner.write(bytes);
        }
        for chunk in bytes.utf8_chunks() {
            self.inner.write_all(spelled(chunk.valid(), self.format).as_bytes())?;
            self.inner.write_all(chunk.invalid())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{202e}b\u{e0041}\u{85}ü\n";

    #[test]
    fn what_is_hidden_is_spelled_and_nothing_else() {
        assert_eq!(spelled(HOSTILE, Format::Text), "a\\u{202e}b\\u{e0041}\\u{85}ü\n");
        assert_eq!(spelled(HOSTILE, Format::Json), "a\\u202eb\\udb40\\udc41\\u0085ü\n");
        assert_eq!(spelled("\u{1b}[1mbold\u{1b}[0m", Format::Text), "\u{1b}[1mbold\u{1b}[0m");
    }

    #[test]
    fn what_a_terminal_obeys_is_spelled_but_for_lines_and_colours() {
        let hostile = "a\u{1b}]0;pwn\u{7}\tb\u{1b}[2J\u{1b}[1;31mred\u{1b}[0m\rover\r\n";
        let harmless = "a\\u{1b}]0;pwn\\u{7}\tb\\u{1b}[2J\u{1b}[1;31mred\u{1b}[0m\\u{d}over\r\n";
        assert_eq!(spelled(hostile, Format::Text), harmless);
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE] });
        let mut out = Spelling::new(Vec::new(), Format::Json);
        serde_json::to_writer(&mut out, &value).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert!(!text.contains(is_spelled), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
