//! `cellc fmt`: files in canonical form. Owns which files are formatted and how they are replaced; what the form is,
//! and that it says the same, is `cell_lang::fmt`'s.

mod difference;

use std::fs::{self, Permissions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cell_eval::emit::FORMAT_VERSION;
use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::FileError;
use cell_lang::fmt::{Proven, format_proven};
use cell_lang::source::SourceMap;
use cell_lang::syntax::{EDITION, decode, parse};
use serde_json::{Value, json};

use crate::args::{FmtArgs, Format};
use crate::exit::Status;
use crate::files::{self, cell_files, read_file, replace_if};
use crate::output::{self, Output};
use difference::difference;

/// Standard input, as a path.
const STDIN: &str = "-";

/// What formatting comes to.
#[derive(Debug, Default)]
struct Outcome {
    sources: SourceMap,
    diagnostics: Vec<Diagnostic>,
    /// What is told on standard output, by file.
    text: String,
    files: Vec<Value>,
    /// Something could not be read, proven or written.
    failed: bool,
    /// With `--check`: something would change.
    changes: bool,
}

/// A file, as it was read.
struct Source {
    name: String,
    bytes: Vec<u8>,
    /// Where to write, with which permissions; nowhere for standard input.
    place: Option<(PathBuf, Permissions)>,
}

/// Runs the command.
pub(crate) fn run(args: &FmtArgs, output: &Output) -> Status {
    if args.paths.len() > 1 && args.paths.iter().any(|path| path.as_os_str() == STDIN) {
        return output::refuse("`-` stands alone", "format standard input and files one after the other");
    }
    if args.upgrade {
        output.remark(&format!("the only edition is \"{EDITION}\": there is none to upgrade from"));
    }
    let mut outcome = Outcome::default();
    for path in &args.paths {
        for source in outcome.sources_at(path, args.max_file, output) {
            outcome.format(&source, args, output);
        }
    }
    outcome.told(output)
}

impl Outcome {
    /// The files at a path; what cannot be read is told.
    fn sources_at(&mut self, path: &Path, limit: u64, output: &Output) -> Vec<Source> {
        if path.as_os_str() == STDIN {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut bytes);
            if let Err(error) = read {
                self.unreadable(path, &files::refused(&error), output);
                return Vec::new();
            }
            return vec![Source { name: STDIN.to_owned(), bytes, place: None }];
        }
        let paths = if path.is_dir() { cell_files(path) } else { Ok(vec![path.to_owned()]) };
        let mut sources = Vec::new();
        for path in paths.unwrap_or_else(|(folder, error)| {
            self.unreadable(&folder, &error, output);
            Vec::new()
        }) {
            match open(&path, limit) {
                Ok(source) => sources.push(source),
                Err(error) => self.unreadable(&path, &error, output),
            }
        }
        sources
    }

    fn unreadable(&mut self, path: &Path, error: &FileError, output: &Output) {
        let code = if matches!(error, FileError::TooLarge(_)) { Code::FileTooLarge } else { Code::FileNotFound };
        let message = format!("`{}` cannot be read: {}", path.display(), error.clause());
        let error = Diagnostic { code, message, labels: Vec::new(), helps: Vec::new(), fix: None };
        output.diagnostics(&SourceMap::default(), &[error]);
        self.failed = true;
    }

    /// Formats one file, and writes it unless that was not asked for or nothing changes.
    fn format(&mut self, source: &Source, args: &FmtArgs, output: &Output) {
        let text = match decode(&source.bytes, usize::try_from(args.max_file).unwrap_or(usize::MAX)) {
            Ok(text) => text,
            Err(error) => {
                let file = self.sources.add(source.name.as_str(), error.text.as_str());
                self.diagnostics.push(error.into_diagnostic(file));
                return;
            }
        };
        let file = self.sources.add(source.name.as_str(), text.as_str());
        let parsed = parse(file, &text);
        let Proven { formatted, unproven } = format_proven(&text, &parsed);
        self.diagnostics.extend(parsed.diagnostics);
        for kept in unproven {
            let line = text.get(..kept.start).map_or(1, |before| before.matches('\n').count() + 1);
            let what = "its canonical form would not say the same; it is kept as it is";
            output::fail(&format!("internal: {}:{line}: {what}", source.name));
            self.failed = true;
        }
        let changed = formatted.text.as_bytes() != source.bytes;
        self.changes |= changed && args.check;
        if changed
            && !args.check
            && let Err(why) = source.replace(&formatted.text)
        {
            output::fail(&format!("`{}` cannot be written: {why}", source.name));
            self.failed = true;
            return;
        }
        self.tell(source, &formatted.text, args.check, output.format);
    }

    /// Notes what became of a file.
    fn tell(&mut self, source: &Source, formatted: &str, check: bool, format: Format) {
        let changed = formatted.as_bytes() != source.bytes;
        let diff =
            (check && changed).then(|| difference(&source.name, &String::from_utf8_lossy(&source.bytes), formatted));
        if format == Format::Json {
            let mut file = json!({ "path": source.name, "changed": changed });
            if let Some(diff) = diff {
                file["diff"] = json!(diff);
            } else if source.place.is_none() && !check {
                file["text"] = json!(formatted);
            }
            self.files.push(file);
        } else if let Some(diff) = diff {
            self.text.push_str(&diff);
        } else if source.place.is_none() && !check {
            self.text.push_str(formatted);
        } else if changed && !check {
            self.text.push_str(&format!("{}\n", source.name));
        }
    }

    /// Prints it all.
    fn told(mut self, output: &Output) -> Status {
        cell_lang::diagnostics::sort(&mut self.diagnostics);
        let found = output.diagnostics(&self.sources, &self.diagnostics);
        let printed = match output.format {
            Format::Text => output::exact(&self.text),
            Format::Json => {
                let document = json!({ "format_version": FORMAT_VERSION, "files": self.files });
                output::result(output.format, &format!("{document}\n"))
            }
        };
        let failed = self.failed || self.changes || found != Status::Done;
        if failed { Status::Failed } else { printed }
    }
}

impl Source {
    /// Replaces the file, unless somebody else did since it was read.
    fn replace(&self, text: &str) -> io::Result<()> {
        let Some((path, permissions)) = &self.place else { return Ok(()) };
        if permissions.readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        replace_if(path, text.as_bytes(), Some(permissions.clone()), || {
            if fs::read(path)? == self.bytes {
                Ok(())
            } else {
                Err(io::Error::other("it was changed meanwhile; run `fmt` again"))
            }
        })
    }
}

/// Reads a file. A link stays a link: the file it leads to is the one to write.
fn open(path: &Path, limit: u64) -> Result<Source, FileError> {
    let real = path.canonicalize().map_err(|error| files::refused(&error))?;
    let bytes = read_file(&real, limit)?;
    let permissions = fs::metadata(&real).map_err(|error| files::refused(&error))?.permissions();
    // Folders are listed as `./main.cell`, which nobody writes.
    let name = path.strip_prefix(".").unwrap_or(path);
    Ok(Source { name: name.display().to_string().replace('\\', "/"), bytes, place: Some((real, permissions)) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cell");
        fs::write(&path, "let   a=1\n").unwrap();
        let source = open(&path, 100).unwrap();
        fs::write(&path, "let   a=2\n").unwrap();
        assert!(source.replace("let a = 1\n").unwrap_err().to_string().contains("changed meanwhile"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "let   a=2\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_file(&path).unwrap();
        assert!(source.replace("let a = 1\n").is_err());
        assert!(!path.exists());
    }
}
