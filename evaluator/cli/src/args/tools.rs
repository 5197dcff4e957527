//! The arguments of the commands around a program: its tests, and what an installation needs.

use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::{CloudArgs, Program};

/// `init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder; it is made if it is not there.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Which CI to write the configuration of.
    #[arg(long, env = "CELLC_CI", hide_env = true, value_enum, default_value = "all")]
    pub(crate) ci: Ci,
    /// The organization's name, in lower case; `acme`, if not said. Also of its domain and its bucket, until you say
    /// others.
    #[arg(long, env = "CELLC_NAME", hide_env = true, value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
    /// Write the program of the organization that exists: its units, accounts, policies, permission sets, and who is
    /// given which where.
    #[arg(long, env = "CELLC_FROM_LIVE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) from_live: bool,
    /// Where it exists, with `--from-live`.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

/// A service that runs commands on each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ci {
    /// Both.
    All,
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// None.
    None,
}

/// A label that stands in a domain and in the name of a bucket, too.
fn name(text: &str) -> Result<String, String> {
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.ends_with('-');
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if begins && plain && text.len() <= 30 && !text.contains("--") {
        Ok(text.to_owned())
    } else {
        Err("expected at most 30 of a-z, 0-9 and single `-` between them, a letter first".to_owned())
    }
}

/// `test`
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only tests whose name has this in it, in capitals or not. A lone argument that is a program is the program.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// The program.
    #[command(flatten)]
    program: Program,
}

impl TestArgs {
    /// The program, and what the names of its tests are to hold. Whichever of two arguments is a program is the
    /// program: every command takes it first, and this one a filter before it.
    pub(crate) fn read(&self) -> (Program, Option<String>) {
        let mut program = self.program.clone();
        let here = program.path == Path::new(".");
        match &self.filter {
            Some(first) if is_program(Path::new(first)) && (here || !is_program(&program.path)) => {
                let second = std::mem::replace(&mut program.path, first.into());
                (program, (!here).then(|| second.to_string_lossy().into_owned()))
            }
            filter => (program, filter.clone()),
        }
    }
}

/// Is a program meant: a `.cell` file, there or not, or a folder with a `main.cell`?
fn is_program(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cell") || path.join("main.cell").is_file()
}

/// `graph`
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// The language of the picture; with `--format json` it is written as data instead.
    #[arg(
        long = "as",
        env = "CELLC_AS",
        hide_env = true,
        value_name = "LANGUAGE",
        value_enum,
        default_value = "dot"
    )]
    pub(crate) language: Picture,
    /// What to show.
    #[arg(
        long,
        env = "CELLC_WHAT",
        hide_env = true,
        value_name = "PART",
        value_enum,
        value_delimiter = ',',
        default_value = "cells,waves,grants"
    )]
    pub(crate) what: Vec<Part>,
    /// Only what this address has to do with: a cell, account, unit, group, user, permission set, grant or rollout;
    /// may be said several times.
    #[arg(long, env = "CELLC_ONLY", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
}

/// A language of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Picture {
    /// For Graphviz.
    Dot,
    /// For Markdown on GitHub and GitLab.
    Mermaid,
    /// For a browser: laid out already.
    Svg,
}

/// A part of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Cells and accounts in their units.
    Cells,
    /// Rollouts with their waves.
    Waves,
    /// Who may do what where.
    Grants,
}

/// `completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for `cellc` and for each of its commands to this folder, in place of printing the first.
    #[arg(long, env = "CELLC_OUT", hide_env = true, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser as _;

    use crate::args::{Arguments, Command};

    fn read(args: &[&str]) -> (String, Option<String>) {
        let all = ["cellc", "test"].iter().chain(args);
        let Command::Test(args) = Arguments::try_parse_from(all).unwrap().command else {
            unreachable!("`test` was asked for")
        };
        let (program, filter) = args.read();
        (program.path.to_string_lossy().into_owned(), filter)
    }

    #[test]
    fn a_filter_and_a_program_come_in_either_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.cell"), "").unwrap();
        let folder = folder.path().to_str().unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(&[]), (".".to_owned(), None));
        assert_eq!(read(&["waves"]), (".".to_owned(), some("waves")));
        assert_eq!(read(&[folder]), (folder.to_owned(), None));
        assert_eq!(read(&["no/such.cell"]), ("no/such.cell".to_owned(), None));
        assert_eq!(read(&["waves", folder]), (folder.to_owned(), some("waves")));
        assert_eq!(read(&[folder, "waves"]), (folder.to_owned(), some("waves")));
        assert_eq!(read(&["a.cell", folder]), (folder.to_owned(), some("a.cell")));
    }
}
