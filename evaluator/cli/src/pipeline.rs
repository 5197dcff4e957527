//! From a project to what a command prints, as far as no cloud is needed: beyond that goes `session`.
//!
//! Owns what each command does with a program that was followed to its expansion; the order of the steps is
//! [`cell_eval::findings`]'s. Knows nothing of terminals.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_eval::budget::{MOST_DEPTH, Options};
use cell_eval::findings::{self, Reach};
use cell_eval::lock::{LOCK_FILE, Lock};
use cell_eval::packages::{Noting, Pinned};
use cell_eval::plan::desired::Desired;
use cell_eval::resources::Resources;
use cell_eval::words::counted;
use cell_eval::world::World;
use cell_eval::{emit, explain, graph, testing};
use cell_lang::check::{Checked, check};
use cell_lang::diagnostics::{Code, Diagnostic, Severity, has_errors};
use cell_lang::files::{FileError, Files};
use cell_lang::hir;
use cell_lang::load::load;
use cell_lang::source::{SourceMap, Span};

use jiff::Timestamp;
use serde_json::json;

use crate::args::{Format, Picture, Program};
use crate::exit::Status;
use crate::files::Project;
use crate::output::Output;

/// What a command works on.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Where the files are read from; `project.main` is the program's first.
    project: Project,
    /// Budgets and threads as the command line says them.
    options: &'a Program,
    output: &'a Output,
}

/// What a command does with a program that has no error.
type Work<'w> = &'w dyn Fn(&World<'_>, &Resources<'_, '_>, &mut dyn Write) -> io::Result<()>;

/// What a command is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// All that can be said of the program; a module on its own will do.
    Findings,
    /// A result: every parameter needs a value, and lints of permissions are left to `check`.
    Result,
    /// A plan: every parameter needs a value, and all findings are told.
    Plan,
}

impl<'a> Run<'a> {
    /// Finds the project of a program.
    pub(crate) fn open(options: &'a Program, output: &'a Output) -> Result<Self, FileError> {
        let project = Project::open(&options.path, options.max_file)?;
        Ok(Self { project, options, output })
    }

    /// Checks the program, and every file of its folder.
    pub(crate) fn check(&self) -> Status {
        self.program(Aim::Findings, &|_, _, _| Ok(()))
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
        let found = std::cell::Cell::new(Status::Done);
        let status = self.program(Aim::Result, &|world, _, mut out| {
            let tests = testing::run(world, filter);
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

    /// What the program asks for at an instant, and its files; how the command ends if it has an error.
    pub(crate) fn desired(&self, at: Timestamp) -> Result<(Desired, Arc<SourceMap>), Status> {
        let found = std::cell::RefCell::new(None);
        let status = self.program(Aim::Plan, &|world, resources, _| {
            *found.borrow_mut() =
                Some((Desired::new(world, &resources.collect(), at), Arc::clone(&world.program().sources)));
            Ok(())
        });
        found.into_inner().ok_or(status)
    }

    /// The folder of the program's first file.
    pub(crate) fn folder(&self) -> PathBuf {
        let main = self.project.root.join(&self.project.main);
        main.parent().map_or(main.clone(), Path::to_owned)
    }

    /// Pins what the program takes from packages.
    pub(crate) fn lock(&self, update: bool) -> Status {
        let mut lock = match self.read_lock() {
            Ok(lock) => lock,
            Err(finding) => return self.output.diagnostics(&finding.0, &[finding.1]),
        };
        let noting = Noting::new(&self.project);
        let loaded = load(&noting, &self.project.main, &[], self.max_file());
        if has_errors(&loaded.diagnostics) {
            return self.output.diagnostics(&loaded.sources, &loaded.diagnostics);
        }
        let seen = noting.seen();
        let changed = lock.pin(&seen, update);
        if !changed.is_empty() {
            let (sources, diagnostics) = changed_files(&changed);
            return self.output.diagnostics(&sources, &diagnostics);
        }
        if lock.is_empty() {
            return self.pinned(0);
        }
        match lock.to_text().map_err(|error| error.to_string()).and_then(|text| self.project.write(LOCK_FILE, &text))
        {
            Ok(()) => self.pinned(seen.len()),
            Err(why) => crate::output::fail(&format!("{LOCK_FILE} cannot be written: {why}")),
        }
    }

    /// Says how many files of packages are pinned.
    fn pinned(&self, files: usize) -> Status {
        crate::output::result(&match (self.output.format, files) {
            (Format::Json, _) => format!("{}\n", json!({ "format_version": emit::FORMAT_VERSION, "pinned": files })),
            (Format::Text, 0) => "nothing to pin: the program imports no package\n".to_owned(),
            (Format::Text, _) => format!("{LOCK_FILE}: {} pinned\n", counted(files, "file")),
        })
    }

    /// Does all that every command begins with, and then `work` if nothing was an error.
    fn program(&self, aim: Aim, work: Work<'_>) -> Status {
        let lock = match self.read_lock() {
            Ok(lock) => lock,
            Err(finding) => return self.output.diagnostics(&finding.0, &[finding.1]),
        };
        let files = Pinned::new(&self.project, &lock);
        let Checked { sources, program, diagnostics: mut found } = self.checked(&files);
        let then = |world: &World<'_>, found: &mut Vec<Diagnostic>| {
            if aim == Aim::Result {
                found.retain(|finding| !is_lint(finding));
            }
            let status = self.output.diagnostics(&sources, found);
            if world.has_errors() || status != Status::Done {
                return status;
            }
            crate::output::stream(|out| work(world, &Resources::new(world), out))
        };
        match findings::follow(program.as_ref(), &mut found, &files, &self.budgets(), Box::new(then)) {
            Reach::Expanded(status) => status,
            Reach::Faulty => self.output.diagnostics(&sources, &found),
            // A module on its own: all that can be said of it without values is said.
            Reach::Module(param) => {
                found.extend((aim != Aim::Findings).then(|| without_value(param)));
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

    /// The project's lock; an empty one if there is none.
    fn read_lock(&self) -> Result<Lock, Box<Finding>> {
        Lock::read(&self.project).map_err(|finding| {
            let mut sources = SourceMap::default();
            sources.add(LOCK_FILE, "");
            Box::new((sources, finding))
        })
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

/// A finding with the texts that show it.
type Finding = (SourceMap, Diagnostic);

fn changed_files(changed: &[(String, String, String)]) -> (SourceMap, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let file = sources.add(LOCK_FILE, "");
    let diagnostics = changed.iter().map(|(path, pinned, found)| {
        Diagnostic::new(
            Code::NotPinned,
            Span::new(file, 0, 0),
            format!("`{path}` is not the file that {LOCK_FILE} pins"),
        )
        .help(format!("pinned {pinned}, found {found}"))
        .help("if the change is meant, review it and run `cellc lock --update`")
    });
    let diagnostics = diagnostics.collect();
    (sources, diagnostics)
}

/// Says that a filter leaves no test.
fn no_such_test(filter: &str, names: &[&str]) -> Status {
    let message = format!("no test has `{filter}` in its name");
    let help = cell_lang::diagnostics::suggest(filter, "tests", names.iter().copied());
    let help = help.unwrap_or_else(|| "the program has no test".to_owned());
    crate::output::fail(&format!("{message}\n\n  help: {help}"))
}
