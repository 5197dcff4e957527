//! What leaves the process: results on standard output, diagnostics on standard error.
//!
//! Owns terminals, colours and the two formats of diagnostics. A reader who has gone (`cellc expand | head`) is
//! no error. Knows nothing of what it prints.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};

use cell_lang::diagnostics::render::Style;
use cell_lang::diagnostics::{Code, Diagnostic, json, render};
use cell_lang::files::FileError;
use cell_lang::source::SourceMap;

use crate::args::{Color, Format, Program};
use crate::exit::Status;
use crate::pipeline::Run;
use crate::unhidden::{Spelling, spelled};

/// Columns where there is no terminal.
const WIDTH: usize = 120;

/// Where a command writes.
#[derive(Debug)]
pub(crate) struct Output {
    /// How it writes.
    pub(crate) format: Format,
    style: Style,
}

impl Output {
    /// For this process' standard streams.
    pub(crate) fn new(format: Format, color: Color) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal();
        let size = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        let style = Style {
            color: colored(color, terminal, variable("NO_COLOR").is_some(), variable("TERM")),
            unicode: !terminal || is_utf8(["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable)),
            width: size.filter(|_| terminal).unwrap_or(WIDTH),
        };
        Self { format, style }
    }

    /// How wide text is, and whether it is coloured.
    pub(crate) fn look(&self) -> (usize, bool) {
        (self.style.width, self.style.color)
    }

    /// Says something beside the result, on standard error.
    pub(crate) fn remark(&self, text: &str) {
        let text = match self.format {
            Format::Text => format!("{text}\n"),
            Format::Json => format!("{}\n", json::remark(text)),
        };
        // When standard error is gone, nobody is left to be told so.
        let _ = write(&mut io::stderr().lock(), &spelled(&text, self.format));
    }

    /// Runs a command on a program: opens its project and does `work`.
    pub(crate) fn run<'a>(&'a self, program: &'a Program, work: impl FnOnce(&Run<'a>) -> Status) -> Status {
        match Run::open(program, self) {
            Ok(run) => work(&run),
            Err(error) => self.unreadable(program, &error),
        }
    }

    /// Says that the program itself cannot be read.
    fn unreadable(&self, program: &Program, error: &FileError) -> Status {
        let code = if matches!(error, FileError::TooLarge(_)) { Code::FileTooLarge } else { Code::FileNotFound };
        let message = format!("`{}` cannot be read: {}", program.path.display(), error.clause());
        let help = "a folder is a program when it has a `main.cell`";
        let helps = program.path.is_dir().then(|| help.to_owned()).into_iter().collect();
        let error = Diagnostic { code, message, labels: Vec::new(), helps, fix: None };
        self.diagnostics(&SourceMap::default(), &[error])
    }

    /// Writes findings, and says how a run with them ends.
    pub(crate) fn diagnostics(&self, sources: &SourceMap, diagnostics: &[Diagnostic]) -> Status {
        let text = match self.format {
            Format::Text => render::render(sources, diagnostics, &self.style),
            Format::Json => json::render(sources, diagnostics),
        };
        // When standard error is gone, nobody is left to be told so.
        let _ = write(&mut io::stderr().lock(), &spelled(&text, self.format));
        Status::of(diagnostics)
    }
}

/// Writes a result that is known to be complete, as it is made.
pub(crate) fn stream(format: Format, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Status {
    let buffer = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut out = Spelling::new(buffer, format);
    let written = write(&mut out).and_then(|()| out.flush());
    // What is left unwritten after a failure is not to be tried again.
    let _ = out.into_inner().into_parts();
    ended(written)
}

/// Writes a file's text, or a patch of one, byte by byte as it is.
pub(crate) fn exact(text: &str) -> Status {
    ended(write(&mut io::stdout().lock(), text))
}

/// Writes a complete result.
pub(crate) fn result(format: Format, text: &str) -> Status {
    ended(write(&mut io::stdout().lock(), &spelled(text, format)))
}

/// How writing a result ended; a reader who stopped reading had enough.
fn ended(written: io::Result<()>) -> Status {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("the result cannot be written: {error}"))
        }
        _ => Status::Done,
    }
}

/// Says why a command failed, where there is no place in a program to show.
pub(crate) fn fail(message: &str) -> Status {
    complain(&format!("error: {message}\n"), Status::Failed)
}

/// Refuses an argument.
pub(crate) fn refuse(message: &str, help: &str) -> Status {
    complain(&format!("error: {message}\n\n  help: {help}\n"), Status::Usage)
}

/// Answers a command line that is wrong, or that asks for help or the version.
pub(crate) fn usage(answer: &clap::Error) -> Status {
    let text = answer.render().to_string();
    if answer.use_stderr() {
        return complain(&text, Status::Usage);
    }
    match write(&mut io::stdout().lock(), &text) {
        Ok(()) => Status::Done,
        Err(_) => Status::Failed,
    }
}

fn complain(text: &str, status: Status) -> Status {
    // When standard error is gone, nobody is left to be told so.
    let _ = write(&mut io::stderr().lock(), text);
    status
}

/// Writes all of `text`; a reader who stopped reading had enough.
fn write(stream: &mut impl Write, text: &str) -> io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn colored(color: Color, terminal: bool, no_color: bool, term: Option<OsString>) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !no_color && term.is_none_or(|term| term != "dumb"),
    }
}

fn is_utf8(locale: Option<OsString>) -> bool {
    let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let term = || Some(OsString::from("xterm"));
        assert!(colored(Color::Auto, true, false, term()));
        assert!(!colored(Color::Auto, false, false, term()));
        assert!(!colored(Color::Auto, true, true, term()));
        assert!(!colored(Color::Auto, true, false, Some(OsString::from("dumb"))));
        assert!(colored(Color::Always, false, true, None));
        assert!(!colored(Color::Never, true, false, term()));
    }

    #[test]
    fn a_reader_who_has_gone_is_no_error() {
        struct Gone(io::ErrorKind);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(write(&mut Gone(io::ErrorKind::BrokenPipe), "text").is_ok());
        assert!(write(&mut Gone(io::ErrorKind::StorageFull), "text").is_err());
    }
}
