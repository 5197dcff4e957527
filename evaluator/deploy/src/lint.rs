//! Which targets the repositories of components lack. Owns looking; nothing is run but what make runs to read a Makefile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use cell_eval::bootstrap::Targets;

use super::bootstrap::{Fault, NotThere};
use super::git::{Git, GitError, Version};
use super::make::{Make, MakeError};
use super::source::Source;

/// What the repository of a component has.
#[derive(Debug)]
pub struct Looked<'a> {
    /// The component.
    pub of: &'a Targets,
    /// Where its repository is, as people see it.
    pub source: String,
    /// The version that was looked at.
    pub version: Option<Version>,
    /// What was found.
    pub found: Found<'a>,
}

/// What was found.
#[derive(Debug)]
pub enum Found<'a> {
    /// Each target, and what is wrong with it.
    Targets(BTreeMap<&'a str, Option<NotThere>>),
    /// The repository is not fetched from, or cannot be read; why.
    Unread(String),
}

impl Looked<'_> {
    /// Is all there?
    pub fn sound(&self) -> bool {
        match &self.found {
            Found::Targets(all) => all.values().all(Option::is_none),
            Found::Unread(_) => false,
        }
    }
}

/// Looks into the repository of each component: at the version that is asked for, else at its own branch. Each is told to
/// `next` before it is looked at.
///
/// # Errors
/// When a program is missing, there is no place for what is fetched, or it is told to stop.
pub fn look<'a>(
    all: &'a [Targets],
    versions: &BTreeMap<String, String>,
    beside: &Path,
    stop: &AtomicBool,
    next: &mut dyn FnMut(&Targets),
) -> Result<Vec<Looked<'a>>, Fault> {
    let git = Git::find().map_err(|error| Fault::Tool(error.to_string()))?;
    let make = Make::find().map_err(|error| Fault::Tool(error.to_string()))?;
    let mut found = Vec::new();
    for of in all {
        next(of);
        let folder = tempfile::tempdir().map_err(Fault::Folder)?;
        let source = match Source::parse(&of.repo, beside) {
            Ok(source) => source,
            Err(why) => {
                let found_why = Found::Unread(format!("it is not fetched from: {why}"));
                found.push(Looked { of, source: String::new(), version: None, found: found_why });
                continue;
            }
        };
        let asked = versions.get(&of.component).map(String::as_str);
        let folder = folder.path().join("repository");
        let fetched = git.resolve(&source, asked, stop).and_then(|version| {
            git.fetch(&source, &version.commit, &folder, false, stop)?;
            Ok(version)
        });
        let source = source.to_string();
        found.push(match fetched {
            Ok(version) => Looked {
                of,
                source,
                version: Some(version),
                found: Found::Targets(targets(&make, &folder, of, stop)?),
            },
            Err(GitError::Stopped) => return Err(Fault::Stopped),
            Err(error @ GitError::Missing(_)) => return Err(Fault::Tool(error.to_string())),
            Err(error) => Looked { of, source, version: None, found: Found::Unread(error.to_string()) },
        });
    }
    Ok(found)
}

fn targets<'a>(
    make: &Make,
    folder: &Path,
    of: &'a Targets,
    stop: &AtomicBool,
) -> Result<BTreeMap<&'a str, Option<NotThere>>, Fault> {
    let names: Vec<&str> = of.targets.keys().map(String::as_str).collect();
    let found = match make.look(folder, &names, &|_| {}, stop) {
        Ok(found) => found,
        Err(MakeError::Stopped) => return Err(Fault::Stopped),
        Err(error @ MakeError::Missing(_)) => return Err(Fault::Tool(error.to_string())),
        Err(error) => {
            let why = error.to_string();
            return Ok(names.into_iter().map(|name| (name, Some(NotThere::Unread(why.clone())))).collect());
        }
    };
    Ok(names.into_iter().zip(found.into_iter().map(NotThere::of)).collect())
}
