//! `cellc rollout start`: a version is looked up, what it brings to each cell is written down, and it is put in the queue.
//! Owns what is asked of the repository and of the registry of images.

use std::collections::BTreeMap;

use cell_deploy::deployment::{Undone, commit, texts};
use cell_eval::plan::fault::Fault;
use cell_eval::releases::book::other_than;
use cell_eval::releases::wishes::{ARTIFACT, Release, Unready, Wish};
use cell_eval::releases::{Book, By, Desk, Dossier, EngineError, Entered};
use cell_eval::rollout::text as calendars;
use cell_eval::stacks::shelf;
use cell_eval::stacks::wish::TEMPLATE_BYTES;
use cell_eval::words::{first_of, have};
use cell_lang::diagnostics::Code;
use jiff::SignedDuration;
use serde_json::Value as Json;

use super::built;
use crate::apply::owner;
use crate::args::{Format, RolloutStartArgs};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{Session, finding, say};
use crate::signals;

/// Letters of a digest that are shown.
const SHORT: usize = 12;
/// Cells that are named one by one.
const NAMED: usize = 3;
/// How long a cell is taken to need, as `rollout plan` has it.
const TAKES: SignedDuration = SignedDuration::from_mins(5);

/// Runs the command.
pub(crate) fn run(args: &RolloutStartArgs, output: &Output) -> Status {
    output.run(&args.program, |run| start(run, args, output).unwrap_or_else(|status| status))
}

fn start(run: &Run<'_>, args: &RolloutStartArgs, output: &Output) -> Result<Status, Status> {
    let (session, record) = super::changing(run, &args.cloud, output)?;
    let of = super::released(&session.subject.desired, &args.component)?;
    let Some(wish) = session.subject.desired.releases.get(&of) else { return Err(Status::Failed) };
    is_component(wish, output)?;
    let mut release = release(&session, wish, &args.version, &run.folder(), output)?;
    if let Some(said) = &args.digest {
        let held = built::said(said).and_then(|digest| built::same(wish, &mut release, &digest));
        held.map_err(|why| say(output, &finding(Code::RolloutFailed, why).help("nothing was queued")))?;
    }
    let absent = wish.unmade(&record);
    let some = absent.len() < wish.cells.len();
    if !some && !wish.cells.is_empty() {
        let why = format!("{of}: no apply has brought up any of its cells yet; nothing was queued");
        return Err(say(output, &finding(Code::RolloutFailed, why).help("`cellc apply` does")));
    }
    if !absent.is_empty() {
        let cells = absent.iter().cloned().collect::<Vec<_>>().join(", ");
        output.remark(&format!(
            "left out, since no apply has brought it up yet: {cells}; the one that does brings what is released then"
        ));
    }
    let dossier = wish.dossier(&release, &record, &|cell| !absent.contains(cell));
    let dossier = dossier.map_err(|faults| unready(&session, wish, &faults))?;
    let desk = Desk::new(session.connection.store.as_ref());
    let book = desk.read(&of).map_err(|error| say(output, &finding(Code::RolloutFailed, error.to_string())))?.book;
    same_name((&desk, &book), &dossier, output)?;
    tell_lost((&desk, &book), &dossier, output);
    super::traffic::tell_beforehand(&session, &record, std::slice::from_ref(&of));
    if args.dry_run {
        let plan = session.release(&record, &dossier)?;
        let shown = crate::plan::print(&plan, args.verbose, output);
        if output.format == Format::Text && shown == Status::Done {
            let calendar = calendars::calendars(&[&dossier.course], session.connection.time.now(), TAKES);
            return Ok(output::result(output.format, &format!("\n{calendar}")));
        }
        return Ok(shown);
    }
    if !args.queue {
        nobody_drives(&session, &of, output)?;
    }
    queue(&session, &dossier, output)?;
    if args.queue {
        let text = match output.format {
            Format::Text => format!("{of} {}: queued; `cellc rollout run` carries it out\n", args.version),
            Format::Json => {
                let read = Desk::new(session.connection.store.as_ref()).read(&of);
                let read = read.map_err(|error| say(output, &finding(Code::RolloutFailed, error.to_string())))?;
                super::text::document(&[super::text::row(&read.book)])
            }
        };
        return Ok(output::result(output.format, &text));
    }
    Ok(super::drive::drive(&session, &[of], args.carry, &run.folder()))
}

/// Tells of a version that is made of something else than the released one of the same name: somebody has moved it.
fn same_name((desk, book): (&Desk<'_>, &Book), dossier: &Dossier, output: &Output) -> Result<(), Status> {
    let fail = |error: cell_eval::releases::DeskError| say(output, &finding(Code::RolloutFailed, error.to_string()));
    let Some(released) = book.released.as_ref().filter(|released| released.version == dossier.version) else {
        return Ok(());
    };
    let former = desk.dossier(&dossier.of, &released.dossier).map_err(fail)?;
    if let Some(what) = other_than(&dossier.digests, &former.digests) {
        let version = &dossier.version;
        output.remark(&format!(
            "{}: {version} is {what} than the released {version}: somebody has moved it",
            dossier.of
        ));
    }
    Ok(())
}

/// Tells before the first cell where it could not go back: what some cells have now was written down, and is not there any more.
fn tell_lost((desk, book): (&Desk<'_>, &Book), dossier: &Dossier, output: &Output) {
    let mut had: BTreeMap<&str, (&str, Vec<String>)> = BTreeMap::new();
    for (cell, has) in book.cells.iter().filter(|(cell, _)| dossier.cells.contains_key(*cell)) {
        had.entry(&has.dossier).or_insert_with(|| (&has.version, Vec::new())).1.push(cell.clone());
    }
    for (name, (version, cells)) in had {
        if let Err(why) = desk.dossier(&dossier.of, name) {
            let (of, have, cells) = (&dossier.of, have(cells.len()), first_of(&cells, NAMED));
            output.remark(&format!(
                "warning: {of}: where this release goes wrong nothing can bring back {version}, which {cells} {have} now: {why}"
            ));
        }
    }
}

/// Refuses to begin while a pipeline goes through the waves.
fn nobody_drives(session: &Session<'_>, of: &str, output: &Output) -> Result<(), Status> {
    let fail = |why: String| {
        let help = "nothing was queued; `--queue` puts it behind the run";
        say(output, &finding(Code::RolloutFailed, why).help(help))
    };
    let read = Desk::new(session.connection.store.as_ref()).read(of).map_err(|error| fail(error.to_string()))?;
    let Some(driven) = read.book.under_way() else { return Ok(()) };
    let (run, version) = (driven.run.clone(), driven.version.clone());
    Err(fail(format!("{of}: {}", EngineError::Driven { run, version })))
}

/// Puts a dossier in the queue.
pub(crate) fn queue(session: &Session<'_>, dossier: &Dossier, output: &Output) -> Result<(), Status> {
    let fail = |error: cell_eval::releases::DeskError| say(output, &finding(Code::RolloutFailed, error.to_string()));
    let now = session.connection.time.now();
    let who = owner("rollout", now).who;
    let desk = Desk::new(session.connection.store.as_ref());
    let Entered { name, new, instead_of } = desk.queue(dossier, By { who: &who, how: "", at: now }).map_err(fail)?;
    let digests: Vec<String> =
        dossier.digests.iter().map(|(what, digest)| format!("{what} {}", short(digest))).collect();
    let digests = if digests.is_empty() { String::new() } else { format!(", {}", digests.join(", ")) };
    let cells = cell_eval::words::counted(dossier.cells.len(), "cell");
    let already = match instead_of {
        Some(former) => format!("; it takes the place of {former}, which was queued"),
        None if new => String::new(),
        None => "; it is in the queue or under way already".to_owned(),
    };
    output.remark(&format!(
        "{} {}: release {}{digests}, for {cells} in {}{already}",
        dossier.of,
        dossier.version,
        short(&name),
        cell_eval::words::counted(dossier.course.waves.len(), "wave")
    ));
    Ok(())
}

fn short(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..SHORT).unwrap_or(digest)
}

/// A permission set has no versions but those of the program.
pub(crate) fn is_component(wish: &Wish, output: &Output) -> Result<(), Status> {
    if wish.is_component() {
        return Ok(());
    }
    let message = format!("{} is no component: its versions are what the program says", wish.of);
    Err(say(output, &finding(Code::RolloutFailed, message).help("`cellc apply` queues its rollout")))
}

/// What a version is.
pub(crate) fn release(
    session: &Session<'_>,
    wish: &Wish,
    version: &str,
    beside: &std::path::Path,
    output: &Output,
) -> Result<Release, Status> {
    let (mut digests, mut templates, mut image) = (BTreeMap::new(), BTreeMap::new(), String::new());
    let repo = (wish.repo.as_str(), beside);
    let undone = |error: Undone| {
        let message = format!("the repository of {}: {error}", wish.of);
        say(output, &finding(Code::RolloutFailed, message).help("nothing was queued"))
    };
    if wish.needs_repository() {
        let found = commit(repo, version, signals::stop()).map_err(undone)?;
        let paths = wish.templates();
        if !paths.is_empty() {
            templates = texts(repo, &found, &paths, signals::stop()).map_err(undone)?;
        }
        digests.insert("commit".to_owned(), found);
    }
    if let Some(artifact) = &wish.artifact {
        let found = super::artifact::digest(session, artifact, version)
            .map_err(|why| say(output, &finding(Code::RolloutFailed, format!("{}: {why}", wish.of))))?;
        if let Some((digest, reference)) = found {
            digests.insert("artifact".to_owned(), digest);
            image = reference;
        }
    }
    Ok(Release { version: version.to_owned(), digests, templates, image })
}

/// Tells what keeps a release from being written down, at the component that says so.
fn unready(session: &Session<'_>, wish: &Wish, unready: &[Unready]) -> Status {
    let fault = |unready: &Unready| {
        let code = if matches!(unready, Unready::Large { .. }) { Code::OverQuota } else { Code::RolloutFailed };
        let said = format!("{}: {unready}", wish.of);
        Fault::new(code, said).at(wish.place.as_ref(), "this component").help(what_to_do(unready))
    };
    session.faults(&unready.iter().take(10).map(fault).collect::<Vec<_>>())
}

fn what_to_do(unready: &Unready) -> String {
    match unready {
        Unready::Account { cell } => format!("`cellc apply --only {cell}` makes it"),
        Unready::Parameter { .. } => "`cellc apply` makes what it names".to_owned(),
        Unready::Undeclared { .. } => {
            "declare them in the template, or take them out of the component's `parameters`".to_owned()
        }
        Unready::Open { parameters, .. } if parameters.iter().any(|name| name == ARTIFACT) => {
            "of an archive say what was built: `--digest FILE`, the file itself; or its digest, or the version that its bucket gave".to_owned()
        }
        Unready::Open { .. } => "give them in the component's `parameters`, or give them a default".to_owned(),
        Unready::Large { most, .. } if *most <= TEMPLATE_BYTES => shelf::HELP.to_owned(),
        Unready::Large { .. } => "divide it: one stack has no more".to_owned(),
        Unready::Unasked { .. } => "without `--digest` it is asked for".to_owned(),
        Unready::Template(_) | Unready::Malformed { .. } => "correct it in the repository".to_owned(),
    }
}

/// A value of an artifact.
pub(crate) fn said<'j>(artifact: &'j Json, name: &str) -> &'j str {
    artifact.get(name).and_then(Json::as_str).unwrap_or_default()
}
