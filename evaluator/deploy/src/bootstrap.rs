//! A bootstrap carried out: versions looked up, repositories fetched, targets looked for, and then one target after the
//! other, each noted before the next begins. Owns the order of these steps and the folder they leave; what people read of
//! it is [`Watcher`]'s.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cell_eval::bootstrap::{Course, Done, FIXED, Notes, PARAMETER, Stand, Step, Told, Versioned, digest, told};
use cell_eval::registry::record::Record;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::folder::Folder;
use super::git::{Git, GitError, Version};
use super::make::{Make, MakeError, Target};
use super::source::{Refused, Source};

/// The name of the notes in the folder.
const NOTES: &str = "notes.json";

/// What is to be done.
#[derive(Debug)]
pub struct Bootstrap<'a> {
    /// The record.
    pub record: &'a Record,
    /// The cell as the record has it.
    pub cell: &'a Json,
    /// Its components.
    pub course: &'a Course,
    /// Where paths of repositories begin.
    pub beside: &'a Path,
    /// What lies between runs.
    pub folder: &'a Folder,
    /// Versions that are asked for, by the component's address.
    pub versions: &'a BTreeMap<String, String>,
    /// The component to begin with, whatever is done of it; those before it are left as they are.
    pub from: Option<&'a str>,
    /// Is what is done to be done again?
    pub again: bool,
    /// Do submodules come along?
    pub submodules: bool,
    /// Set when it is to stop.
    pub stop: &'a AtomicBool,
}

/// A component on its way.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The component.
    pub step: &'a Step,
    /// Where its repository is, as people see it.
    pub source: String,
    /// Its version, once it is looked up.
    pub version: Option<Version>,
    /// Parameters whose variables are left out.
    pub ambiguous: Vec<String>,
    /// What became of it.
    pub fate: Fate,
    /// How long its target ran.
    pub took: Duration,
}

/// What became of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It has no target for this cloud.
    NoTarget,
    /// It lies before the one to begin with.
    Skipped,
    /// It was done by an earlier run, at this version and told the same.
    WasDone,
    /// It is to be run, and its turn did not come.
    Waits,
    /// Its target ended well.
    Done,
    /// Its target failed, and how.
    Failed(String),
    /// It was told to stop while its target ran.
    Interrupted,
}

/// Why nothing was run, or not all could be.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A program is missing.
    #[error("{0}")]
    Tool(String),
    /// Repositories that are not fetched from.
    #[error("repositories that are not fetched from")]
    Refused(Vec<(String, Refused)>),
    /// A component whose repository has no such version; what is wrong.
    #[error("{0}: {1}")]
    NoVersion(String, String),
    /// A component whose repository cannot be read; what git said.
    #[error("{0}: {1}")]
    Unreadable(String, String),
    /// Targets that are not there.
    #[error("targets that are not there")]
    NoTarget(Vec<Missing>),
    /// A component, and a parameter of it that the record does not say yet.
    #[error("{0}: {1}")]
    Parameter(String, String),
    /// The notes of earlier runs cannot be used.
    #[error("{0}")]
    Notes(String),
    /// The folder cannot be written.
    #[error("{0}")]
    Folder(io::Error),
    /// It was told to stop before anything was run.
    #[error("it was interrupted")]
    Stopped,
}

/// A target that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The component.
    pub component: String,
    /// The target.
    pub target: String,
    /// At which commit.
    pub commit: String,
    /// What is wrong.
    pub why: NotThere,
}

/// Why a target would not be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotThere {
    /// No rule.
    NoRule,
    /// A file of its name.
    Shadowed,
    /// The Makefile itself: it is not there, or make does not read it.
    Unread(String),
}

impl NotThere {
    /// What keeps make from running what a folder has of a target.
    pub(crate) fn of(found: Target) -> Option<Self> {
        match found {
            Target::There => None,
            Target::Missing => Some(Self::NoRule),
            Target::Shadowed => Some(Self::Shadowed),
        }
    }
}

impl fmt::Display for NotThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("there is no rule for it"),
            Self::Shadowed => f.write_str("a file has its name and it is not `.PHONY`: make would run nothing"),
            Self::Unread(why) => f.write_str(why),
        }
    }
}

/// Who is told as it goes on.
pub trait Watcher {
    /// What is going to be done, before anything is fetched.
    fn decided(&mut self, items: &[Item<'_>]);
    /// A repository is being fetched.
    fn fetching(&mut self, item: &Item<'_>);
    /// A target begins.
    fn began(&mut self, item: &Item<'_>);
    /// It said a line.
    fn line(&mut self, item: &Item<'_>, line: &[u8]);
    /// It ended.
    fn ended(&mut self, item: &Item<'_>);
}

impl<'a> Bootstrap<'a> {
    /// Does it; what became of each component, in their order. One that fails or is interrupted is the last that ran.
    ///
    /// # Errors
    /// When nothing was run; or when what was run could not be noted.
    pub fn run(&self, watcher: &mut dyn Watcher) -> Result<Vec<Item<'a>>, Fault> {
        let git = Git::find().map_err(|error| Fault::Tool(error.to_string()))?;
        let make = Make::find().map_err(|error| Fault::Tool(error.to_string()))?;
        let sources = self.sources()?;
        let mut notes = self.notes()?;
        let mut items = self.items(&git, &sources, &notes)?;
        let mut tells = BTreeMap::new();
        for item in &mut items {
            let Some(version) = &item.version else { continue };
            let asked = self.asked(item.step, &notes);
            notes.begin(&item.step.component, asked.as_deref(), &version.name, &version.commit);
            let told = self.told(item.step, &version.commit)?;
            item.ambiguous.clone_from(&told.ambiguous);
            let done = notes.is_done(&item.step.component, &of(item.step, &told));
            if item.fate == Fate::Waits && done && !self.again && self.from.is_none() {
                item.fate = Fate::WasDone;
            }
            tells.insert(item.step.component.clone(), told);
        }
        watcher.decided(&items);
        if items.iter().all(|item| item.fate != Fate::Waits) {
            return Ok(items);
        }
        self.fetch(&git, &sources, &items, watcher)?;
        self.look(&make, &items, &tells)?;
        // Not before: a version that was misspelt is not to be asked for again by the next run.
        notes.finished = false;
        self.save(&notes)?;
        self.targets(&make, &mut items, &tells, &mut notes, watcher)?;
        Ok(items)
    }

    fn sources(&self) -> Result<BTreeMap<&'a str, Source>, Fault> {
        let (mut sources, mut refused) = (BTreeMap::new(), Vec::new());
        for step in &self.course.steps {
            match Source::parse(&step.repo, self.beside) {
                Ok(source) => _ = sources.insert(step.component.as_str(), source),
                Err(why) => refused.push((step.component.clone(), why)),
            }
        }
        if refused.is_empty() { Ok(sources) } else { Err(Fault::Refused(refused)) }
    }

    fn notes(&self) -> Result<Notes, Fault> {
        let new = || Notes::new(&self.course.cell);
        match self.folder.read(NOTES).map_err(Fault::Folder)? {
            None => Ok(new()),
            Some(bytes) => match Notes::parse(&bytes) {
                Ok(notes) => Ok(notes),
                Err(_) if self.again => Ok(new()),
                Err(error) => Err(Fault::Notes(format!("{}: {error}", self.folder.path(NOTES).display()))),
            },
        }
    }

    fn save(&self, notes: &Notes) -> Result<(), Fault> {
        self.folder.write(NOTES, notes.text().as_bytes()).map(drop).map_err(Fault::Folder)
    }

    /// Each component with its version. Of an unfinished run what is done stays at its commit; of the others the version that
    /// was asked for is looked up again, since the next commit may be what mends it.
    fn items(&self, git: &Git, sources: &BTreeMap<&str, Source>, notes: &Notes) -> Result<Vec<Item<'a>>, Fault> {
        let mut items = Vec::new();
        let mut before = self.from.is_some();
        for step in &self.course.steps {
            before = before && self.from != Some(step.component.as_str());
            let Some(source) = sources.get(step.component.as_str()) else { continue };
            let fate = match step.target {
                None => Fate::NoTarget,
                Some(_) if before => Fate::Skipped,
                Some(_) => Fate::Waits,
            };
            let version = if fate == Fate::Waits { Some(self.version(git, source, step, notes)?) } else { None };
            let (ambiguous, took) = (Vec::new(), Duration::ZERO);
            items.push(Item { step, source: source.to_string(), version, ambiguous, fate, took });
        }
        Ok(items)
    }

    fn version(&self, git: &Git, source: &Source, step: &Step, notes: &Notes) -> Result<Version, Fault> {
        let begun = notes.begun(&step.component).filter(|_| !self.again);
        match (self.versions.get(&step.component), begun) {
            (None, Some(Stand { version, commit, done: Some(_), .. })) => {
                Ok(Version { name: version.clone(), commit: commit.clone() })
            }
            _ => {
                let found = git.resolve(source, self.asked(step, notes).as_deref(), self.stop);
                found.map_err(|error| of_git(&step.component, error))
            }
        }
    }

    /// The version that is asked for: by this run, or by an unfinished one.
    fn asked(&self, step: &Step, notes: &Notes) -> Option<String> {
        let begun = notes.begun(&step.component).filter(|_| !self.again);
        self.versions.get(&step.component).cloned().or_else(|| begun?.asked.clone())
    }

    fn told(&self, step: &Step, commit: &str) -> Result<Told, Fault> {
        let told = told(self.record, &self.course.cell, self.cell, Versioned { step, commit });
        told.map_err(|parameter| Fault::Parameter(step.component.clone(), parameter))
    }

    /// All that is to be run is fetched before anything is: what is not there is then told while nothing is half done.
    fn fetch(
        &self,
        git: &Git,
        sources: &BTreeMap<&str, Source>,
        items: &[Item<'a>],
        watcher: &mut dyn Watcher,
    ) -> Result<(), Fault> {
        for item in items.iter().filter(|item| item.fate == Fate::Waits) {
            let (Some(source), Some(version)) = (sources.get(item.step.component.as_str()), &item.version) else {
                continue;
            };
            watcher.fetching(item);
            // What an earlier run left there may be half of it, and changed by its target.
            self.folder.remove(&item.step.name).map_err(Fault::Folder)?;
            let folder = self.folder.path(&item.step.name);
            let fetched = git.fetch(source, &version.commit, &folder, self.submodules, self.stop);
            fetched.map_err(|error| of_git(&item.step.component, error))?;
        }
        Ok(())
    }

    fn look(&self, make: &Make, items: &[Item<'a>], tells: &BTreeMap<String, Told>) -> Result<(), Fault> {
        let mut missing = Vec::new();
        for item in items.iter().filter(|item| item.fate == Fate::Waits) {
            let (Some(target), Some(told)) = (&item.step.target, tells.get(&item.step.component)) else { continue };
            let set_up = self.set_up(item.step, told)?;
            let why = match make.look_for(&self.folder.path(&item.step.name), target, &set_up, self.stop) {
                Ok(found) => match NotThere::of(found) {
                    None => continue,
                    Some(why) => why,
                },
                Err(MakeError::Stopped) => return Err(Fault::Stopped),
                Err(error @ MakeError::Missing(_)) => return Err(Fault::Tool(error.to_string())),
                Err(error) => NotThere::Unread(error.to_string()),
            };
            let commit = item.version.as_ref().map(|version| version.commit.clone()).unwrap_or_default();
            missing.push(Missing { component: item.step.component.clone(), target: target.clone(), commit, why });
        }
        if missing.is_empty() { Ok(()) } else { Err(Fault::NoTarget(missing)) }
    }

    /// What a target finds: variables of this cell and of no other, and the document.
    fn set_up(&self, step: &Step, told: &Told) -> Result<impl Fn(&mut Command) + use<>, Fault> {
        // A document has no way to fail as JSON.
        let text = serde_json::to_string_pretty(&told.document).unwrap_or_default() + "\n";
        let file = self.folder.write(&document(step), text.as_bytes()).map_err(Fault::Folder)?;
        Ok(as_told(told.variables.clone(), file))
    }

    fn targets(
        &self,
        make: &Make,
        items: &mut [Item<'a>],
        tells: &BTreeMap<String, Told>,
        notes: &mut Notes,
        watcher: &mut dyn Watcher,
    ) -> Result<(), Fault> {
        for item in items.iter_mut().filter(|item| item.fate == Fate::Waits) {
            let (Some(target), Some(told)) = (&item.step.target, tells.get(&item.step.component)) else { continue };
            if self.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            notes.started(&item.step.component);
            self.save(notes)?;
            watcher.began(item);
            let began = Instant::now();
            item.fate = self.target(make, item, target, told, watcher)?;
            item.took = began.elapsed();
            watcher.ended(item);
            if item.fate != Fate::Done {
                return Ok(());
            }
            let took_ms = u64::try_from(item.took.as_millis()).unwrap_or(u64::MAX);
            notes.ended(&item.step.component, Done { digest: of(item.step, told), at: Timestamp::now(), took_ms });
            self.save(notes)?;
            // What was built there may be large, and is of no more use.
            let gone = self.folder.remove(&item.step.name).and_then(|()| self.folder.remove(&document(item.step)));
            gone.map_err(Fault::Folder)?;
        }
        notes.finished = true;
        self.save(notes)
    }

    fn target(
        &self,
        make: &Make,
        item: &Item<'a>,
        target: &str,
        told: &Told,
        watcher: &mut dyn Watcher,
    ) -> Result<Fate, Fault> {
        let set_up = with_input(self.set_up(item.step, told)?, self.folder.input().map_err(Fault::Folder)?);
        let folder = self.folder.path(&item.step.name);
        let mut line = |text: &[u8]| watcher.line(item, text);
        Ok(match make.run(&folder, target, &set_up, self.stop, &mut line) {
            Ok(ended) if ended.well() => Fate::Done,
            Ok(ended) if ended.stopped => Fate::Interrupted,
            Ok(ended) => Fate::Failed(format!("make ended with {ended}")),
            Err(error) => Fate::Failed(format!("make cannot be run: {error}")),
        })
    }
}

/// Sets a command up so that it is told of its cell, and of no other.
pub(crate) fn as_told(variables: BTreeMap<String, String>, file: std::path::PathBuf) -> impl Fn(&mut Command) {
    move |command: &mut Command| {
        let others = std::env::vars_os().map(|(name, _)| name);
        let of_a_cell = |name: &std::ffi::OsString| {
            let name = name.to_string_lossy();
            FIXED.contains(&&*name) || name.starts_with(PARAMETER)
        };
        others.filter(of_a_cell).for_each(|name| _ = command.env_remove(name));
        command.envs(&variables).env("CELL_FILE", &file);
    }
}

/// Sets a command up, and gives it its input.
pub(crate) fn with_input(set_up: impl Fn(&mut Command), input: Stdio) -> impl Fn(&mut Command) {
    let input = Cell::new(Some(input));
    move |command: &mut Command| {
        set_up(command);
        input.take().into_iter().for_each(|input| _ = command.stdin(input));
    }
}

fn of(step: &Step, told: &Told) -> String {
    digest(&step.repo, step.target.as_deref().unwrap_or_default(), &told.document)
}

fn document(step: &Step) -> String {
    format!("{}.json", step.name)
}

fn of_git(component: &str, error: GitError) -> Fault {
    match error {
        GitError::Missing(_) => Fault::Tool(error.to_string()),
        GitError::NoVersion(why) => Fault::NoVersion(component.to_owned(), why),
        GitError::Unreadable(why) => Fault::Unreadable(component.to_owned(), why),
        GitError::Stopped => Fault::Stopped,
    }
}
