//! From a project to what a command prints, as far as no cloud is needed: beyond that goes `session`.
//!
//! Owns what each command does with a program that was followed to its expansion; the order of the steps is
//! [`cell_eval::findings`]'s. Knows nothing of terminals.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_eval::access::judged::judged;
use cell_eval::access::pins::Pins;
use cell_eval::access::subject::Subject;
use cell_eval::budget::{MOST_DEPTH, Options};
use cell_eval::findings::{self, Reach};
use cell_eval::lock::{LOCK_FILE, Lock};
use cell_eval::packages::{Noting, Pinned};
use cell_eval::resources::Resources;
use cell_eval::world::World;
use cell_eval::{emit, explain, graph, testing};
use cell_lang::check::{Checked, check};
use cell_lang::diagnostics::{self, Code, Diagnostic, Severity, has_errors};
use cell_lang::files::{FileError, Files};
use cell_lang::hir;
use cell_lang::load::load;
use cell_lang::source::SourceMap;

use jiff::Timestamp;

use crate::args::{Format, Picture, Program};
use crate::exit::Status;
use crate::files::Project;
use crate::output::Output;
use crate::revision::Revision;

/// What a command works on.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Where the files are read from; `project.main` is the program's first.
    project: Project,
    /// Budgets and threads as the command line says them.
    options: &'a Program,
    output: &'a Output,
}

/// What a program asks for, and its files.
pub(crate) type Wish = (Subject, Arc<SourceMap>);

/// What a command does with a program that has no error.
type Work<'w> = &'w dyn Fn(&World<'_>, &Resources<'_, '_>, &mut dyn Write) -> io::Result<()>;

/// What a command is after.
#[derive(Debug, Clone, Copy)]
enum Aim<'a> {
    /// All that can be said of the program; a module on its own will do. Takes whether a guard is not decided.
    Findings(&'a std::cell::Cell<bool>),
    /// A result: every parameter needs a value, and lints of permissions are left to `check`.
    Result,
    /// A plan: every parameter needs a value, and all findings are told but those of guards, which the plan judges.
    Plan,
    /// A result of a program whose findings were told when it was read before.
    Again,
    /// What the lock is to hold: a module has no say in it.
    Pins,
}

impl<'a> Run<'a> {
    /// Finds the project of a program.
    pub(crate) fn open(options: &'a Program, output: &'a Output) -> Result<Self, FileError> {
        let project = Project::open(&options.path, options.max_file)?;
        Ok(Self { project, options, output })
    }

    /// Checks the program, and every file of its folder.
    pub(crate) fn check(&self, strict: bool) -> Status {
        let may = std::cell::Cell::new(false);
        let status = self.program(Aim::Findings(&may), &|_, _, _| Ok(()));
        if strict && may.get() && status == Status::Done { Status::May } else { status }
    }

    /// Prints the program's normal form.
    pub(crate) fn expand(&self, origins: bool) -> Status {
        self.program(Aim::Result, &|world, resources, mut out| match self.output.format {
            Format::Json => emit::json::write(world, resources, origins, &mut out),
            Format::Text => emit::text::write(world, &resources.collect(), &mut out),
        })
    }

    /// Prints where the value at `address` (of an entity, or of a field of one) came from.
    pub(crate) fn origin(&self, address: &str) -> Status {
        let unknown = std::cell::RefCell::new(None);
        let status = self.program(Aim::Result, &|world, resources, out| match explain::explain(
            world,
            &resources.collect(),
            address,
        ) {
            Ok(explanation) => match self.output.format {
                Format::Json => writeln!(out, "{}", explanation.json(world)),
                Format::Text => out.write_all(explanation.text(world).as_bytes()),
            },
            Err(refusal) => {
                *unknown.borrow_mut() = Some(refusal);
                Ok(())
            }
        });
        match unknown.into_inner() {
            Some(explain::NotFound { message, help: Some(help) }) => {
                crate::output::fail(&format!("{message}\n\n  help: {help}"))
            }
            Some(refusal) => crate::output::fail(&refusal.message),
            None => status,
        }
    }

    /// Runs the program's tests, those whose name holds the filter.
    pub(crate) fn test(&self, filter: Option<&str>) -> Status {
        let pins = match self.read_lock().and_then(|lock| self.pins(&lock)) {
            Ok(pins) => pins,
            Err(status) => return status,
        };
        let found = std::cell::Cell::new(Status::Done);
        let status = self.program(Aim::Result, &|world, _, mut out| {
            let tests = testing::run(world, filter, &pins);
            if let (Some(filter), true) = (filter, tests.run.is_empty()) {
                found.set(no_such_test(filter, &testing::names(world)));
                return Ok(());
            }
            found.set(self.output.diagnostics(&world.program().sources, &world.take_findings()));
            match self.output.format {
                Format::Json => writeln!(out, "{}", testing::json::document(world, &tests)),
                Format::Text => testing::text::write(world, &tests, &mut out),
            }
        });
        if status == Status::Done { found.get() } else { status }
    }

    /// Draws the program, or what some addresses have to do with.
    pub(crate) fn graph(&self, parts: &[graph::Part], only: &[String], language: Picture) -> Status {
        let refused = std::cell::RefCell::new(None);
        let status = self.program(Aim::Result, &|world, _, out| match graph::graph(world, parts, only) {
            Ok(drawn) => {
                let text = match (self.output.format, language) {
                    (Format::Json, _) => format!("{}\n", graph::json::document(&drawn)),
                    (Format::Text, Picture::Dot) => graph::dot::write(&drawn),
                    (Format::Text, Picture::Mermaid) => graph::mermaid::write(&drawn),
                    (Format::Text, Picture::Svg) => graph::svg::write(&drawn),
                };
                out.write_all(text.as_bytes())
            }
            Err(refusal) => {
                *refused.borrow_mut() = Some(refusal);
                Ok(())
            }
        });
        match refused.into_inner() {
            Some(graph::NotDrawn { message, help }) => {
                let help = help.map(|help| format!("\n\n  help: {help}")).unwrap_or_default();
                crate::output::fail(&format!("{message}{help}"))
            }
            None => status,
        }
    }

    /// Prints what is made of the program, where it has no error.
    pub(crate) fn result(&self, work: Work<'_>) -> Status {
        self.program(Aim::Result, work)
    }

    /// What a review needs of the program at an instant, and its files; how the command ends if it has an error.
    pub(crate) fn subject(&self, at: Timestamp) -> Result<Wish, Status> {
        let lock = self.read_lock()?;
        let pins = self.pins(&lock)?;
        self.read(&lock, &pins, Aim::Plan, at, &BTreeSet::new())?.ok_or(Status::Failed)
    }

    /// The same as if the program had none of these cells: nothing of them is wanted, here or in what others have.
    pub(crate) fn subject_without(&self, cells: &BTreeSet<String>, at: Timestamp) -> Result<Subject, Status> {
        let lock = self.read_lock()?;
        let pins = self.pins(&lock)?;
        let (subject, _) = self.read(&lock, &pins, Aim::Again, at, cells)?.ok_or(Status::Failed)?;
        Ok(subject)
    }

    /// As [`Self::subject`], under a lock that may not be written yet; none of a module whose parameters have no
    /// value.
    pub(crate) fn subject_under(&self, lock: &Lock, at: Timestamp) -> Result<Option<Wish>, Status> {
        self.read(lock, &Pins::default(), Aim::Pins, at, &BTreeSet::new())
    }

    fn read(
        &self,
        lock: &Lock,
        pins: &Pins,
        aim: Aim<'_>,
        at: Timestamp,
        without: &BTreeSet<String>,
    ) -> Result<Option<Wish>, Status> {
        let found = std::cell::RefCell::new(None);
        let status = self.under(lock, pins, aim, &|world, resources, _| {
            let resources = if without.is_empty() {
                resources.collect()
            } else {
                without.iter().filter_map(|cell| world.find(cell)).for_each(|cell| world.fail(cell));
                Resources::new(world).collect()
            };
            let subject = Subject::new(world, &resources, at, pins.clone());
            *found.borrow_mut() = Some((subject, Arc::clone(&world.program().sources)));
            Ok(())
        });
        if status == Status::Done { Ok(found.into_inner()) } else { Err(status) }
    }

    /// The same of another revision of the program, which is judged by no rule.
    pub(crate) fn former(&self, former: &Revision, at: Timestamp) -> Result<Subject, Status> {
        let lock = Lock::read(former).map_err(|finding| self.lock_findings(&[finding]))?;
        let pins = lock.pins(former).map_err(|findings| self.lock_findings(&findings))?;
        let files = Pinned::new(former, &lock);
        let Checked { sources, program, mut diagnostics } = check(load(&files, &former.main, &[], self.max_file()));
        let read = |world: &World<'_>, _: &mut Vec<Diagnostic>| {
            (!world.has_errors()).then(|| Subject::new(world, &Resources::new(world).collect(), at, pins))
        };
        let reach = findings::follow(program.as_ref(), &mut diagnostics, &files, &self.budgets(), Box::new(read));
        match reach {
            Reach::Expanded(Some(subject)) => Ok(subject),
            _ => {
                self.output.diagnostics(&sources, &diagnostics);
                Err(crate::output::fail("the former revision of the program has errors"))
            }
        }
    }

    /// What is found in the program's permissions.
    fn permissions(world: &World<'_>, pins: &Pins, aim: Aim<'_>, found: &mut Vec<Diagnostic>) {
        match judged(world, pins, matches!(aim, Aim::Findings(_))) {
            Ok(judged) => {
                if let Aim::Findings(may) = aim {
                    may.set(judged.may);
                }
                found.extend(judged.findings);
            }
            Err(why) => _ = crate::output::fail(&why.to_string()),
        }
        diagnostics::sort(found);
    }

    /// The digests of the files of packages that the program uses, by `name@version/path`.
    pub(crate) fn packages(&self) -> Result<BTreeMap<String, String>, Status> {
        let noting = Noting::new(&self.project);
        let loaded = load(&noting, &self.project.main, &[], self.max_file());
        if has_errors(&loaded.diagnostics) {
            return Err(self.output.diagnostics(&loaded.sources, &loaded.diagnostics));
        }
        Ok(noting.seen())
    }

    /// The files of the project.
    pub(crate) fn files(&self) -> &Project {
        &self.project
    }

    /// The folder of the program's first file.
    pub(crate) fn folder(&self) -> PathBuf {
        let main = self.project.root.join(&self.project.main);
        main.parent().map_or(main.clone(), Path::to_owned)
    }

    /// Does all that every command begins with, and then `work` if nothing was an error.
    fn program(&self, aim: Aim<'_>, work: Work<'_>) -> Status {
        let lock = self.read_lock().and_then(|lock| self.pins(&lock).map(|pins| (lock, pins)));
        match lock {
            Ok((lock, pins)) => self.under(&lock, &pins, aim, work),
            Err(status) => status,
        }
    }

    /// As [`Self::program`], under this lock and with what it pins.
    fn under(&self, lock: &Lock, pins: &Pins, aim: Aim<'_>, work: Work<'_>) -> Status {
        let files = Pinned::new(&self.project, lock);
        let Checked { sources, program, diagnostics: mut found } = self.checked(&files);
        let then = |world: &World<'_>, found: &mut Vec<Diagnostic>| {
            match aim {
                Aim::Result | Aim::Pins => found.retain(|finding| !is_lint(finding)),
                Aim::Again => found.retain(|finding| finding.severity() == Severity::Error),
                _ if has_errors(found) => {}
                _ => Self::permissions(world, pins, aim, found),
            }
            let status = self.output.diagnostics(&sources, found);
            // Findings are all that such a command is after: what the program comes to need not be known.
            if matches!(aim, Aim::Findings(_)) || world.has_errors() || status != Status::Done {
                return status;
            }
            crate::output::stream(self.output.format, |out| work(world, &Resources::new(world), out))
        };
        match findings::follow(program.as_ref(), &mut found, &files, &self.budgets(), Box::new(then)) {
            Reach::Expanded(status) => status,
            Reach::Faulty => self.output.diagnostics(&sources, &found),
            Reach::Module(_) if matches!(aim, Aim::Pins) => Status::Done,
            // A module on its own: all that can be said of it without values is said.
            Reach::Module(param) => {
                found.extend((!matches!(aim, Aim::Findings(_))).then(|| without_value(param)));
                self.output.diagnostics(&sources, &found)
            }
        }
    }

    fn checked(&self, files: &dyn Files) -> Checked {
        let more = self.project.beside();
        check(load(files, &self.project.main, &more, self.max_file()))
    }

    fn max_file(&self) -> usize {
        usize::try_from(self.options.max_file).unwrap_or(usize::MAX)
    }

    fn budgets(&self) -> Options {
        let size = |amount| usize::try_from(amount).unwrap_or(usize::MAX);
        Options {
            max_steps: self.options.max_steps,
            max_entities: size(self.options.max_entities),
            max_string: size(self.options.max_string),
            max_depth: size(self.options.max_depth).min(MOST_DEPTH),
            threads: self.options.threads.map(usize::from),
        }
    }

    /// The project's lock, an empty one if there is none; how the command ends if it cannot be read.
    pub(crate) fn read_lock(&self) -> Result<Lock, Status> {
        Lock::read(&self.project).map_err(|finding| self.lock_findings(&[finding]))
    }

    /// The documents of policies that a lock pins; how the command ends if one is not as it is pinned.
    pub(crate) fn pins(&self, lock: &Lock) -> Result<Pins, Status> {
        lock.pins(&self.project).map_err(|findings| self.lock_findings(&findings))
    }

    /// Tells findings about the lock.
    pub(crate) fn lock_findings(&self, findings: &[Diagnostic]) -> Status {
        let mut sources = SourceMap::default();
        sources.add(LOCK_FILE, "");
        self.output.diagnostics(&sources, findings)
    }
}

/// Is it a lint of permissions? Those belong to `check`, not to what prints a result.
fn is_lint(finding: &Diagnostic) -> bool {
    finding.severity() != Severity::Error && matches!(finding.code.as_str().get(1..3), Some("07"))
}

/// Refuses to expand a file one of whose parameters has no value.
fn without_value(param: &hir::Param) -> Diagnostic {
    let message = format!("parameter `{}` has no value: a file with parameters is a module", param.name);
    let help = format!("expand a program that has `module label = \"…\" {{ {} = … }}`", param.name);
    Diagnostic::new(Code::MissingField, param.span, message).help(help)
}

/// Says that a filter leaves no test.
fn no_such_test(filter: &str, names: &[&str]) -> Status {
    let message = format!("no test has `{filter}` in its name");
    let help = diagnostics::suggest(filter, "tests", names.iter().copied());
    let help = help.unwrap_or_else(|| "the program has no test".to_owned());
    crate::output::fail(&format!("{message}\n\n  help: {help}"))
}
