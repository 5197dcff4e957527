//! One component in one cell by its make target: the repository at a commit, the target run in it. And files of a repository
//! at a commit, for whoever reads templates there. Owns the folder's life; what a target is told is the caller's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde_json::Value as Json;

use super::bootstrap::{NotThere, as_told, with_input};
use super::folder::Folder;
use super::git::{Git, GitError};
use super::make::{Make, MakeError};
use super::source::{Refused, Source};

/// What is run, and where.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The repository, as the program says it.
    pub repo: &'a str,
    /// The folder from which a path to it is read.
    pub beside: &'a Path,
    /// The commit.
    pub commit: &'a str,
    /// The target.
    pub target: &'a str,
    /// Variables of its environment.
    pub variables: &'a BTreeMap<String, String>,
    /// The cell's record.
    pub document: &'a Json,
    /// The folder it works in: nobody else's.
    pub folder: &'a Path,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// It was told to stop.
    #[error("it was interrupted")]
    Stopped,
    /// Another run works in the folder, or what one has started.
    #[error("another run deploys there, or what it started still runs")]
    Held,
    /// The repository is not fetched from.
    #[error("`repo`: {0}")]
    Refused(#[from] Refused),
    /// Git said no.
    #[error("{0}")]
    Git(GitError),
    /// There is no such target.
    #[error("its target `{0}`: {1}")]
    NoTarget(String, NotThere),
    /// Make said no.
    #[error("{0}")]
    Make(String),
    /// A file or folder could not be used.
    #[error("{0}")]
    Folder(#[from] io::Error),
    /// A file is not in the repository.
    #[error("there is no file `{0}` in it")]
    NoFile(String),
}

impl From<GitError> for Undone {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Stopped => Self::Stopped,
            error => Self::Git(error),
        }
    }
}

/// The name of the checkout and of the record in the folder.
const CHECKOUT: &str = "repository";
const RECORD: &str = "record.json";

impl Deployment<'_> {
    /// Fetches the repository and runs the target; `line` gets what it says. How it ended.
    ///
    /// # Errors
    /// When it did not come to its end, or ended otherwise than well.
    pub fn run(&self, stop: &AtomicBool, line: &mut dyn FnMut(&[u8])) -> Result<String, Undone> {
        let source = Source::parse(self.repo, self.beside)?;
        let git = Git::find()?;
        let make = Make::find().map_err(of_make)?;
        let folder = Folder::hold(self.folder)?.ok_or(Undone::Held)?;
        folder.remove(CHECKOUT)?;
        let checkout = folder.path(CHECKOUT);
        git.fetch(&source, self.commit, &checkout, false, stop)?;
        let text = serde_json::to_string_pretty(self.document).unwrap_or_default() + "\n";
        let set_up = as_told(self.variables.clone(), folder.write(RECORD, text.as_bytes())?);
        let found = make.look_for(&checkout, self.target, &set_up, stop).map_err(of_make)?;
        if let Some(why) = NotThere::of(found) {
            return Err(Undone::NoTarget(self.target.to_owned(), why));
        }
        let set_up = with_input(set_up, folder.input()?);
        let ended = make.run(&checkout, self.target, &set_up, stop, line)?;
        if ended.stopped {
            return Err(Undone::Stopped);
        }
        if !ended.well() {
            return Err(Undone::Make(format!("make ended with {ended}")));
        }
        folder.remove(CHECKOUT)?;
        folder.remove(RECORD)?;
        Ok(format!("make {} ended well", self.target))
    }
}

fn of_make(error: MakeError) -> Undone {
    match error {
        MakeError::Stopped => Undone::Stopped,
        error => Undone::Make(error.to_string()),
    }
}

/// The texts of files of a repository at a commit.
///
/// # Errors
/// When they cannot be had.
pub fn texts(
    (repo, beside): (&str, &Path),
    commit: &str,
    paths: &[&str],
    stop: &AtomicBool,
) -> Result<BTreeMap<String, String>, Undone> {
    let source = Source::parse(repo, beside)?;
    let folder = tempfile::tempdir()?;
    let checkout = folder.path().join(CHECKOUT);
    Git::find()?.fetch(&source, commit, &checkout, false, stop)?;
    let checkout = checkout.canonicalize()?;
    let text = |path: &&str| {
        let missing = || Undone::NoFile((*path).to_owned());
        // What a link leads to must lie in the repository, too.
        let real: PathBuf = checkout.join(path).canonicalize().map_err(|_| missing())?;
        if !real.starts_with(&checkout) || !real.is_file() {
            return Err(missing());
        }
        Ok(((*path).to_owned(), std::fs::read_to_string(real)?))
    };
    paths.iter().map(text).collect()
}

/// Which commit a version of a repository is.
///
/// # Errors
/// When it cannot be read, or has no such version.
pub fn commit((repo, beside): (&str, &Path), version: &str, stop: &AtomicBool) -> Result<String, Undone> {
    let source = Source::parse(repo, beside)?;
    Ok(Git::find()?.resolve(&source, Some(version), stop)?.commit)
}
