//! Messages over a pipe: a head that says how long each is, and its text. Owns these frames and what bounds them; what is
//! said in a message is `server`'s.

use std::io::{self, BufRead, Read as _, Write};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use lsp_server::{Connection, Message};
use lsp_types::notification::{Exit, Notification as _};
use serde::de::IgnoredAny;

use crate::server::Failure;

/// Bytes of a message: a text of the largest file, each of whose characters is escaped, takes 96 MiB.
const MOST_BYTES: u64 = 128 << 20;
/// Bytes of a line of a head.
const MOST_HEAD: u64 = 4 << 10;

/// The threads that read and write.
pub(crate) struct Threads {
    reader: JoinHandle<Result<(), Failure>>,
    writer: JoinHandle<io::Result<()>>,
}

/// A connection over standard input and output.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn stdio() -> Result<(Connection, Threads), Failure> {
    let refused = |error: io::Error| Failure::new(format!("no thread can be started: {error}"));
    let (said, receiver) = bounded(0);
    let (sender, answers) = bounded(0);
    let reader = Builder::new().name("lsp-reader".to_owned()).spawn(move || listen(&mut io::stdin().lock(), &said));
    let writer = Builder::new().name("lsp-writer".to_owned()).spawn(move || tell(&mut io::stdout().lock(), &answers));
    let threads = Threads { reader: reader.map_err(refused)?, writer: writer.map_err(refused)? };
    Ok((Connection { sender, receiver }, threads))
}

impl Threads {
    /// Waits until all is written, and says why a server ended before its time. The connection must be dropped.
    pub(crate) fn end(self, served: Result<(), Failure>) -> Result<(), Failure> {
        let broken = |_| Failure::new("a thread of the connection ended");
        let written = self.writer.join().map_err(broken)?;
        match served {
            // Who reads knows better why there is nothing more to read.
            Err(failure) if failure == Failure::gone() => self.reader.join().map_err(broken)?.and(Err(failure)),
            Err(failure) => Err(failure),
            Ok(()) => written.map_err(|error| Failure::new(format!("the client cannot be told: {error}"))),
        }
    }
}

/// Hands on what the client says until it says goodbye or goes, or nobody listens.
fn listen(from: &mut impl BufRead, to: &Sender<Message>) -> Result<(), Failure> {
    while let Some(message) = read(from)? {
        let is_last = matches!(&message, Message::Notification(note) if note.method == Exit::METHOD);
        if to.send(message).is_err() || is_last {
            break;
        }
    }
    Ok(())
}

fn tell(to: &mut impl Write, messages: &Receiver<Message>) -> io::Result<()> {
    messages.iter().try_for_each(|message| message.write(to))
}

/// The next message; none when the client is gone.
fn read(from: &mut impl BufRead) -> Result<Option<Message>, Failure> {
    let Some(length) = head(from)? else { return Ok(None) };
    if length > MOST_BYTES {
        let what = format!("the client announced a message of {length} bytes; {MOST_BYTES} are taken");
        return Err(Failure::new(what));
    }
    let mut text = Vec::new();
    // What is only announced takes no memory.
    let got = from.take(length).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
    if (got as u64) < length {
        return Ok(None);
    }
    let text = String::from_utf8(text).map_err(|_| Failure::new("the client sent a message that is no UTF-8"))?;
    serde_json::from_str(&text).map(Some).map_err(|_| {
        Failure::new(match serde_json::from_str::<IgnoredAny>(&text) {
            Err(error) => format!("the client sent a message that is no JSON: {error}"),
            Ok(_) => "the client sent JSON that is no request, answer or notification".to_owned(),
        })
    })
}

/// The length that a head announces; none when there is no head any more.
fn head(from: &mut impl BufRead) -> Result<Option<u64>, Failure> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if from.take(MOST_HEAD).read_until(b'\n', &mut line).map_err(|error| unreadable(&error))? == 0 {
            return Ok(None);
        }
        let shown = String::from_utf8_lossy(&line);
        let malformed = || Failure::new(format!("`{}` is no head of a message", shown.trim().escape_debug()));
        let field = shown.strip_suffix('\n').ok_or_else(malformed)?.trim();
        if field.is_empty() {
            let length = length.ok_or_else(|| Failure::new("a message has no `Content-Length`"))?;
            return Ok(Some(length));
        }
        let (name, value) = field.split_once(':').ok_or_else(malformed)?;
        if name.eq_ignore_ascii_case("Content-Length") {
            length = Some(value.trim().parse().map_err(|_| malformed())?);
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(format!("the client cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::*;

    fn heard(bytes: &[u8]) -> (usize, Result<(), String>) {
        let (said, messages) = crossbeam_channel::unbounded();
        let ended = listen(&mut &*bytes, &said).map_err(|failure| failure.to_string());
        drop(said);
        (messages.iter().count(), ended)
    }

    #[test]
    fn messages_are_read_one_after_the_other_until_the_last() {
        let one = |text: &str| format!("Content-Length: {}\r\n\r\n{text}", text.len());
        let note = one(r#"{"jsonrpc":"2.0","method":"$/x","params":{"a":"\u00e9"}}"#);
        let exit = one(r#"{"jsonrpc":"2.0","method":"exit"}"#);
        assert_eq!(heard(format!("{note}{exit}{note}").as_bytes()), (2, Ok(())));
        let other = note.replace("Content-Length: ", "content-type: application/vscode-jsonrpc\r\ncontent-length:");
        assert_eq!(heard(format!("{other}{note}").as_bytes()), (2, Ok(())));
        // One that goes in the middle of a message is gone.
        assert_eq!(heard(note.as_bytes().get(..note.len() - 1).unwrap()), (0, Ok(())));
        assert_eq!(heard(b""), (0, Ok(())));
    }

    #[test]
    fn what_is_no_message_is_refused_in_words() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"Content-Length: 99999999999\r\n\r\n",
                "the client announced a message of 99999999999 bytes; 134217728 are taken",
            ),
            (
                b"Content-Length: 18446744073709551616\r\n\r\n",
                "`Content-Length: 18446744073709551616` is no head of a message",
            ),
            (b"Content-Length: -4\r\n\r\n", "`Content-Length: -4` is no head of a message"),
            (b"garbage", "`garbage` is no head of a message"),
            (b"GET / HTTP/1.1\r\n\r\n", "`GET / HTTP/1.1` is no head of a message"),
            (b"\r\n\r\n", "a message has no `Content-Length`"),
            (
                b"Content-Length: 5\r\n\r\n{\"a\":",
                "the client sent a message that is no JSON: EOF while parsing a value at line 1 column 5",
            ),
            (b"Content-Length: 4\r\n\r\n\"\xff\xfe\"", "the client sent a message that is no UTF-8"),
            (b"Content-Length: 4\r\n\r\n[{}]", "the client sent JSON that is no request, answer or notification"),
        ];
        for (bytes, why) in cases {
            assert_eq!(heard(bytes), (0, Err((*why).to_owned())), "{}", String::from_utf8_lossy(bytes));
        }
        let (count, ended) = heard(&[b'x'; 10_000]);
        assert_eq!(count, 0);
        assert!(ended.unwrap_err().len() < 5_000);
    }
}
