//! Cases of several files in one: a comment, then sections headed `-- name --`.
//!
//! Owns that format. The comment describes the case and holds lines `args: check .` and `env: NAME=value`; the
//! sections `stdout`, `stderr` and `status` are what is expected (nothing, nothing, 0, when left out), all others
//! are files of the program.

use std::path::Path;

use crate::binary::cellc;
use crate::diff::difference;
use crate::repository;

/// What a case expects, in the order it is written.
const EXPECTED: [&str; 3] = ["stdout", "stderr", "status"];

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// What stands before the first section.
    pub comment: String,
    /// Name and text of each section.
    pub sections: Vec<(String, String)>,
}

impl Archive {
    /// Reads a case. Any text is one.
    pub fn parse(text: &str) -> Self {
        let mut archive = Self { comment: String::new(), sections: Vec::new() };
        for line in text.split_inclusive('\n') {
            match heading(line) {
                Some(name) => archive.sections.push((name.to_owned(), String::new())),
                None => archive.sections.last_mut().map_or(&mut archive.comment, |(_, text)| text).push_str(line),
            }
        }
        archive
    }

    /// The case as it is written.
    pub fn print(&self) -> String {
        let mut out = self.comment.clone();
        for (name, text) in &self.sections {
            out.push_str(&["-- ", name, " --\n", text].concat());
            if !text.is_empty() && !text.ends_with('\n') {
                out.push('\n');
            }
        }
        out
    }

    /// The text of a section; empty when there is none.
    pub fn section(&self, name: &str) -> &str {
        self.sections.iter().find(|(found, _)| found == name).map_or("", |(_, text)| text)
    }

    /// The values of the comment's lines `key: value`.
    pub fn settings<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let value = move |line: &'a str| line.trim_start_matches('#').trim().strip_prefix(key)?.strip_prefix(':');
        self.comment.lines().filter_map(value).map(str::trim)
    }

    /// The files of the program.
    pub fn files(&self) -> impl Iterator<Item = &(String, String)> {
        self.sections.iter().filter(|(name, _)| !EXPECTED.contains(&name.as_str()))
    }

    /// The case with other expectations; those that say nothing are left out.
    #[must_use]
    pub fn expecting(&self, found: &[String; 3]) -> Self {
        let mut sections: Vec<_> = self.files().cloned().collect();
        let said = EXPECTED.into_iter().zip(found).filter(|(_, text)| !matches!(text.as_str(), "" | "0\n"));
        sections.extend(said.map(|(name, text)| (name.to_owned(), text.clone())));
        Self { comment: self.comment.clone(), sections }
    }
}

fn heading(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix("-- ")?.strip_suffix(" --")?;
    (!name.is_empty()).then_some(name)
}

/// Runs the case at `path`, and compares; or rewrites what it expects.
pub fn run(path: &Path, update: bool) -> Result<(), String> {
    let case = Archive::parse(&repository::read(path)?);
    let found = outcome(&case).map_err(|reason| format!("── {}\n{reason}", repository::short(path)))?;
    if update {
        return repository::write(path, &case.expecting(&found).print());
    }
    let mut failure = String::new();
    for (name, found) in EXPECTED.into_iter().zip(&found) {
        let expected = if name == "status" && case.section(name).is_empty() { "0\n" } else { case.section(name) };
        if let Some(difference) = difference(expected, found) {
            failure.push_str(&[name, ":\n", &difference].concat());
        }
    }
    if failure.is_empty() {
        Ok(())
    } else {
        Err(format!("── {} (- expected, + found)\n{failure}", repository::short(path)))
    }
}

/// Standard output, standard error and the status.
fn outcome(case: &Archive) -> Result<[String; 3], String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, text) in case.files() {
        crate::project::put(folder.path(), name, text)?;
    }
    let args: Vec<&str> = case.settings("args").flat_map(str::split_whitespace).collect();
    if args.is_empty() {
        return Err("the case has no line `args:`".to_owned());
    }
    let env: Vec<(&str, &str)> = case.settings("env").filter_map(|line| line.split_once('=')).collect();
    let output = cellc(folder.path(), &args, &env)?;
    let text = |bytes: &[u8]| {
        // A colour's escape is made visible, or the case would colour its reader's terminal.
        let text = String::from_utf8_lossy(bytes).replace('\u{1b}', "␛");
        if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
    };
    let status = output.status.code().map_or("killed\n".to_owned(), |code| format!("{code}\n"));
    Ok([text(&output.stdout), text(&output.stderr), status])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "A case.\nargs: check .\n-- main.cell --\ncell a {}\n-- lib/b.cell --\n-- stderr --\nwrong\n-- status --\n1\n";

    #[test]
    fn a_case_reads_as_it_is_written() {
        let case = Archive::parse(CASE);
        assert_eq!(case.print(), CASE);
        assert_eq!(case.settings("args").collect::<Vec<_>>(), ["check ."]);
        assert_eq!(case.files().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["main.cell", "lib/b.cell"]);
        assert_eq!((case.section("stderr"), case.section("stdout")), ("wrong\n", ""));
    }

    #[test]
    fn expectations_are_rewritten_and_files_kept() {
        let rewritten = Archive::parse(CASE).expecting(&["out\n".to_owned(), String::new(), "0\n".to_owned()]);
        assert_eq!(
            rewritten.print(),
            "A case.\nargs: check .\n-- main.cell --\ncell a {}\n-- lib/b.cell --\n-- stdout --\nout\n"
        );
    }
}
