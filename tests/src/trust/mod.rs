//! Lives of the momento example on a cloud that fails: applied, or torn down again, with its record in a file or in a
//! bucket. Owns where a life begins, what it must come to, and how a run is judged; how it is disturbed is for
//! [`kill`], [`disk`] and [`storm`].
//!
//! The suite takes samples of what `cargo bench -p cell-tests --bench trust` does in full.

pub mod disk;
pub mod kill;
pub mod shape;
pub mod storm;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::momento::{AT, Project, Ran, Registry};
use crate::sandbox::{Server, quick};
use shape::Shape;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The example is applied to an organization that has nothing of it.
    Apply,
    /// All of it is torn down.
    Destroy,
    /// It is applied again after that: its cells get the parked accounts.
    Again,
    /// An organization that a program was written from is taken over by it, marks and all.
    Adopt,
    /// The record of an applied program, which was lost, is made anew.
    Rebuild,
}

/// A deed, and where its record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// What is done.
    pub deed: Deed,
    /// Where the record lies.
    pub registry: Registry,
}

/// Texts of the example that are another in these lives: nothing is protected, and nothing waits for its rate.
const EDITS: [(&str, &str); 5] = [
    ("limits { revoke_share", "limits { tps = 1_000, organizations_tps = 1_000, creations = 5, revoke_share"),
    ("account artifacts { ", "account artifacts { protect = false, "),
    ("account monitoring { ", "account monitoring { protect = false, "),
    ("account deployment { ", "account deployment { protect = false, "),
    ("defaults production for cell {\n", "defaults production for cell {\n  protect = false\n"),
];

/// What an undisturbed run came to.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Cloud and record afterwards.
    pub shape: Shape,
    /// How often each operation was called.
    pub calls: BTreeMap<String, u64>,
    /// How many accounts there were made, since the beginning.
    pub made: usize,
}

impl Reference {
    /// All calls of the run.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// All of them.
pub const LIVES: [Life; 7] = [
    Life { deed: Deed::Apply, registry: Registry::S3 },
    Life { deed: Deed::Apply, registry: Registry::File },
    Life { deed: Deed::Destroy, registry: Registry::S3 },
    Life { deed: Deed::Destroy, registry: Registry::File },
    Life { deed: Deed::Again, registry: Registry::File },
    Life { deed: Deed::Adopt, registry: Registry::File },
    Life { deed: Deed::Rebuild, registry: Registry::File },
];
const DESTROY: &[&str] = &["destroy", "--yes", "--at", AT, "--allow", "mass-revoke", "--allow", "role-arn"];
/// How a program that was written from an organization begins what it says of it, and the same in a hurry.
const WRITTEN: &str = "org organization {";
const HURRIED: &str = "org organization {\n  limits { tps = 1_000, organizations_tps = 1_000 }";

impl Life {
    /// For messages.
    pub fn name(self) -> &'static str {
        match (self.deed, self.registry) {
            (Deed::Apply, Registry::S3) => "apply, record in S3",
            (Deed::Apply, Registry::File) => "apply, record in a file",
            (Deed::Destroy, Registry::S3) => "destroy, record in S3",
            (Deed::Destroy, Registry::File) => "destroy, record in a file",
            (Deed::Again, _) => "apply to parked accounts, record in a file",
            (Deed::Adopt, _) => "adopt --all, record in a file",
            (Deed::Rebuild, _) => "registry rebuild, record in a file",
        }
    }

    /// The command of a run.
    pub fn command(self) -> &'static [&'static str] {
        match self.deed {
            Deed::Apply | Deed::Again => &["apply", "--yes", "--at", AT],
            Deed::Destroy => DESTROY,
            Deed::Adopt => &["adopt", "--all", "--yes"],
            Deed::Rebuild => &["registry", "rebuild", "--yes"],
        }
    }

    /// A project at the beginning of this life, on a server of its own: a copy of one that all share.
    pub fn begin(self) -> Result<Case, String> {
        Case::on(self, self.start()?.fork()?)
    }

    fn start(self) -> Result<&'static Project, String> {
        static STARTS: [OnceLock<Result<Project, String>>; 7] = [const { OnceLock::new() }; 7];
        STARTS[self.index()].get_or_init(|| self.made()).as_ref().map_err(Clone::clone)
    }

    fn index(self) -> usize {
        LIVES.iter().position(|life| *life == self).unwrap_or_default()
    }

    fn made(self) -> Result<Project, String> {
        if self.deed != Deed::Apply {
            let applying = Self { deed: Deed::Apply, ..self };
            let case = applying.begin()?;
            case.project.run(applying.command())?.ended(0)?;
            return match self.deed {
                Deed::Again => {
                    case.project.run(DESTROY)?.ended(0)?;
                    Ok(case.ended())
                }
                Deed::Adopt => written(case),
                Deed::Rebuild => forgotten(case),
                Deed::Apply | Deed::Destroy => Ok(case.ended()),
            };
        }
        let project = Project::new(self.registry)?;
        project.edit(&EDITS)?;
        // Seeds the sandbox.
        project.plan(&[])?;
        Ok(project)
    }

    /// What an undisturbed run comes to.
    pub fn reference(self) -> Result<&'static Reference, String> {
        static REFERENCES: [OnceLock<Result<Reference, String>>; 7] = [const { OnceLock::new() }; 7];
        let made = || -> Result<Reference, String> {
            let case = self.begin()?;
            case.run()?.ended(0)?;
            let calls = case.server.calls();
            let shape = case.shape()?;
            shape.is_sound()?;
            Ok(Reference { made: case.made(), calls, shape })
        };
        REFERENCES[self.index()].get_or_init(made).as_ref().map_err(Clone::clone)
    }
}

/// A program of an organization that another one made, with marks of that one.
fn written(case: Case) -> Result<Project, String> {
    let mut project = Project::of("")?;
    std::fs::remove_file(project.path().join("main.cell")).map_err(|error| error.to_string())?;
    project.endpoint = Some(case.server.url());
    project.run(&["init", "--from-live", "--ci", "none"])?.ended(0)?;
    project.edit(&[(WRITTEN, HURRIED)])?;
    project.endpoint = None;
    project.on_sandbox_of(&case.ended())?;
    Ok(project)
}

/// A program whose record is lost.
fn forgotten(case: Case) -> Result<Project, String> {
    let project = case.ended();
    let record = project.path().join(".cellc/registry.json");
    std::fs::remove_file(record).map_err(|error| format!("there is no record to lose: {error}"))?;
    Ok(project)
}

/// A life on a server.
#[derive(Debug)]
pub struct Case {
    /// Which.
    pub life: Life,
    /// The program.
    pub project: Project,
    /// The cloud.
    pub server: Server,
}

/// What was found wrong after all.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Accounts that were made beyond those of the reference.
    pub duplicates: usize,
    /// Lines of the reference that are not there.
    pub lost: Vec<String>,
    /// Lines that the reference has not.
    pub extra: Vec<String>,
}

impl Found {
    /// Nothing was.
    pub fn is_nothing(&self) -> bool {
        self.duplicates == 0 && self.lost.is_empty() && self.extra.is_empty()
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} accounts made twice", self.duplicates)?;
        self.lost.iter().try_for_each(|line| write!(f, "\n  lost  {line}"))?;
        self.extra.iter().try_for_each(|line| write!(f, "\n  extra {line}"))
    }
}

impl Case {
    fn on(life: Life, mut project: Project) -> Result<Self, String> {
        let server = Server::start(Some(&project.sandbox()), quick())?;
        project.endpoint = Some(server.url());
        Ok(Self { life, project, server })
    }

    /// The project with all that its server came to, which answers no more.
    fn ended(self) -> Project {
        let Self { mut project, server, .. } = self;
        drop(server);
        project.endpoint = None;
        project
    }

    /// Runs the deed.
    pub fn run(&self) -> Result<Ran, String> {
        self.project.run(self.life.command())
    }

    /// Cloud and record as they are.
    pub fn shape(&self) -> Result<Shape, String> {
        Shape::of(&self.server.state(), &self.record()?, &self.left_over()?)
    }

    /// The record, as its store has it.
    fn record(&self) -> Result<Value, String> {
        let ran = self.project.run(&["registry", "show", "--format", "json"])?.ended(0)?;
        ran.json()
    }

    /// What no finished run leaves: segments of a journal.
    fn left_over(&self) -> Result<Vec<String>, String> {
        let journal = self.project.path().join(".cellc/registry.json.journal");
        let files = match std::fs::read_dir(journal) {
            Ok(entries) => entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        Ok(files)
    }

    /// How many accounts were made since the beginning.
    pub fn made(&self) -> usize {
        let creations = &self.server.state()["org"]["creations"];
        let all = creations.as_array().into_iter().flatten();
        all.filter(|pair| pair[1]["result"].get("Succeeded").is_some()).count()
    }

    /// What is not as it is after an undisturbed run.
    pub fn judged(&self) -> Result<Found, String> {
        let (reference, shape) = (self.life.reference()?, self.shape()?);
        let (lost, extra) = reference.shape.against(&shape);
        Ok(Found { duplicates: self.made().saturating_sub(reference.made), lost, extra })
    }

    /// A run that ended says the truth of how, in its status, its words and its receipt.
    pub fn told_truly(&self, ran: &Ran) -> Result<(), String> {
        match ran.status {
            0 => {
                // What waits for a later call would only blur what is looked at.
                self.server.mend();
                let found = self.judged()?;
                if found.is_nothing() {
                    return Ok(());
                }
                Err(format!("a false success: {found}\n{}\n{}", ran.stdout, ran.stderr))
            }
            1 if ran.stderr.contains("error[E0") => Ok(()),
            1 => Err(format!("it failed without a code:\n{}", ran.stderr)),
            status => Err(format!("it ended with {status}:\n{}", ran.stderr)),
        }
    }

    /// Runs again until a run ends well, at most so often; then all is as after an undisturbed run, and the next
    /// plan says so. How many runs it took.
    pub fn converges(&self, most: usize) -> Result<usize, String> {
        let mut said = String::new();
        for run in 1..=most {
            let ran = self.run()?;
            self.told_truly(&ran)?;
            if ran.status == 0 {
                self.settled()?;
                return Ok(run);
            }
            said = ran.stderr;
        }
        Err(format!("{most} runs did not converge; the last said:\n{said}"))
    }

    /// There is nothing more to do.
    pub fn settled(&self) -> Result<(), String> {
        if self.life.deed != Deed::Destroy {
            return self.project.settled(&[]);
        }
        let again = self.project.run(&[self.life.command(), &["--format", "json"]].concat())?.ended(0)?.json()?;
        match again["operations"].as_array() {
            Some(none) if none.is_empty() => Ok(()),
            left => Err(format!("something is left to tear down: {left:?}")),
        }
    }
}
