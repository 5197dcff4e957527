//! `cellc init --from-live`: the program of an organization that exists. Owns the files and what is said of them; what
//! stands in the program is [`cell_eval::existing`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cell_eval::emit::FORMAT_VERSION;
use cell_eval::existing::{self, Facts, Left, taking};
use cell_eval::live::{Live, Reader, Survey};
use cell_eval::plan::desired::{Desired, PARKED_TAG};
use cell_eval::plan::model::{Action, Change};
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command, Question, fault, plan};
use cell_eval::provider::{Failure, Given, Organizations as _};
use cell_eval::registry::record::Record;
use cell_eval::words::counted;
use cell_lang::source::SourceMap;
use serde_json::json;

use crate::args::{Format, InitArgs, Program};
use crate::cloud::{Connection, Purpose};
use crate::exit::Status;
use crate::init;
use crate::output::{self, Output};
use crate::progress::{visible, while_reading};
use crate::session;

/// Calls at once, as a program without `limits` has them.
const LANES: usize = 8;
/// The organization's label, when nothing gives it another.
const NAME: &str = "organization";
/// The part of the starter's README that is true of every program.
const IN_CI: &str = "## In CI";

/// Runs the command.
pub(crate) fn run(args: &InitArgs, output: &Output) -> Status {
    written(args, output).unwrap_or_else(|status| status)
}

fn written(args: &InitArgs, output: &Output) -> Result<Status, Status> {
    // Before many calls are made for nothing.
    let others = besides(args);
    let paths = others.iter().map(|(path, _)| path.as_path());
    init::free(&args.folder, paths.chain([Path::new("main.cell")]))?;
    let connection = Connection::open(&args.cloud, &Desired::default(), &args.folder, Purpose::Look)
        .map_err(|error| session::unconnected(output, &error))?;
    connection.remarks.iter().for_each(|remark| output.remark(remark));
    let live = read(&connection, output)?;
    let facts = facts(args, &connection, &live, output)?;
    let program = existing::program(&live, &facts);
    let mut files: Vec<(PathBuf, String)> =
        program.files.iter().map(|(path, text)| (PathBuf::from(path), text.clone())).collect();
    files.extend(others);
    init::put(&args.folder, &files)?;
    let differing = proven(args, &connection, &live, output)?;
    for Left { what, why } in &program.left {
        output.remark(&format!("left out: {}: {}", visible(what), visible(why)));
    }
    for change in &differing {
        output.remark(&format!(
            "not as it is: {}: once taken over, the plan is to {} it",
            change.address,
            change.action.word()
        ));
    }
    Ok(report(args, &files, &program, &differing, output))
}

fn read(connection: &Connection, output: &Output) -> Result<Live, Status> {
    let (desired, record, scope) = (Desired::default(), Record::default(), Scope::default());
    let provider = connection.provider.as_ref();
    let depth = cell_eval::live::Depth::Drift;
    let reader = Reader {
        provider,
        clock: connection.clock.as_ref(),
        desired: &desired,
        record: &record,
        scope: &scope,
        depth,
        lanes: LANES,
    };
    while_reading(provider, output, || reader.survey(Survey::Whole)).map_err(|error| session::unread(output, &error))
}

fn facts(args: &InitArgs, connection: &Connection, live: &Live, output: &Output) -> Result<Facts, Status> {
    let provider = connection.provider.as_ref();
    let delegates = match provider.delegated_administrators() {
        // Who may not ask, or asks a server that does not know, goes without.
        Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported | Failure::NotFound) => {
            Vec::new()
        }
        other => other.map_err(|error| session::unread(output, &error))?,
    };
    let home_region = live.center.as_ref().and_then(|_| provider.region());
    let name = args.name.clone().unwrap_or_else(|| NAME.to_owned());
    let delegated_admin = delegates.into_iter().next();
    Ok(Facts { name, home_region, delegated_admin, resource_policies: resource_policies(connection, live, output)? })
}

/// What a program cannot say, so that it is told: a call for the list, and one for each that is not AWS's own.
fn resource_policies(connection: &Connection, live: &Live, output: &Output) -> Result<Vec<(String, usize)>, Status> {
    let provider = connection.provider.as_ref();
    if !live.organization.as_ref().is_some_and(|found| found.resource_policies_enabled) {
        return Ok(Vec::new());
    }
    let unread = |error: &cell_eval::provider::CloudError| session::unread(output, error);
    let all = provider.resource_policies().map_err(|error| unread(&error))?;
    let own = all.into_iter().filter(|policy| !policy.aws_managed);
    own.map(|policy| Ok((policy.name, provider.targets_of(&policy.id).map_err(|error| unread(&error))?.len())))
        .collect()
}

/// What is written besides the program: as for a program to begin with, but for what its README says of that one.
fn besides(args: &InitArgs) -> Vec<(PathBuf, String)> {
    let mut all = init::templates(args, args.name.as_deref().unwrap_or(NAME));
    all.retain(|(path, _)| path != Path::new("main.cell"));
    if let Some((_, readme)) = all.iter_mut().find(|(path, _)| path == Path::new("README.md")) {
        let tail = readme.find(IN_CI).and_then(|at| readme.get(at..)).unwrap_or_default();
        *readme = format!("{}{tail}", include_str!("init/from-live.md"));
    }
    all
}

/// Checks what was written, and what a plan has to do once it is taken over: nothing, or it is said.
fn proven(args: &InitArgs, connection: &Connection, live: &Live, output: &Output) -> Result<Vec<Change>, Status> {
    let program = Program::of(args.folder.clone());
    let mut found = Err(Status::Failed);
    let status = output.run(&program, |run| match run.subject(jiff::Timestamp::now()) {
        Ok((subject, sources)) => {
            found = difference(&subject.desired, &sources, connection, live, output);
            Status::Done
        }
        Err(status) => status,
    });
    if status == Status::Done {
        return found;
    }
    Err(output::fail(
        "the program that was written has these errors, which is a fault of `cellc`; all files are there",
    ))
}

fn difference(
    desired: &Desired,
    sources: &SourceMap,
    connection: &Connection,
    live: &Live,
    output: &Output,
) -> Result<Vec<Change>, Status> {
    let mut live = live.clone();
    let ids: BTreeMap<(_, &String), &String> =
        live.names.iter().map(|(principal, name)| ((principal.kind, name), &principal.id)).collect();
    let known = desired
        .principals
        .iter()
        .map(|(address, wanted)| (address.clone(), ids.get(&(wanted.kind, &wanted.name)).map(|id| (*id).clone())));
    live.principals = known.collect();
    let at = jiff::Timestamp::now();
    let claims = taking::by_name(desired, &Record::default(), &live, at);
    // What is given by sets that the program leaves out is nobody's to take away.
    let ours: BTreeSet<&str> = claims.record.resources.values().map(|entry| entry.id.as_str()).collect();
    let given = std::mem::take(&mut live.given).into_iter();
    let (given, unmanaged): (BTreeSet<Given>, BTreeSet<Given>) =
        given.partition(|given| ours.contains(given.set.as_str()));
    live.given = given;
    live.unmanaged.extend(unmanaged);
    let question = Question {
        desired,
        record: (&claims.record, &BTreeMap::new()),
        live: &live,
        kept: &BTreeMap::new(),
        scope: &Scope::default(),
        command: Command::Apply,
        at,
        cloud: connection.name,
        registry: connection.store.place(),
        limits: desired.org.limits,
    };
    let plan =
        plan(&question).map_err(|faults| output.diagnostics(sources, &fault::diagnostics(sources, &faults)))?;
    Ok(plan.changes.into_iter().filter(|change| change.action != Action::Adopt || !only_marked(change)).collect())
}

/// Does the thing differ from what the program says in nothing but the mark that it gets?
fn only_marked(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
    let without_tags = |fields: &cell_eval::plan::model::Fields| {
        let mut fields = fields.clone();
        fields.remove("tags");
        fields
    };
    // What is marked as parked is so no more.
    let was_parked = before.get("tags").is_some_and(|tags| tags.get(PARKED_TAG).is_some());
    !was_parked && without_tags(before) == without_tags(after)
}

fn report(
    args: &InitArgs,
    files: &[(PathBuf, String)],
    program: &existing::Program,
    differing: &[Change],
    output: &Output,
) -> Status {
    let paths: Vec<String> =
        files.iter().map(|(path, _)| init::placed(&args.folder, path).display().to_string()).collect();
    let folder = if args.folder == Path::new(".") { String::new() } else { format!(" {}", args.folder.display()) };
    output::result(
        output.format,
        &match output.format {
            Format::Json => {
                let left: Vec<_> =
                    program.left.iter().map(|left| json!({ "what": left.what, "why": left.why })).collect();
                let differing: Vec<_> = differing
                    .iter()
                    .map(|change| json!({ "address": change.address, "action": change.action.word() }))
                    .collect();
                let document = json!({
                    "format_version": FORMAT_VERSION, "written": paths, "left": left, "differing": differing,
                });
                format!("{document}\n")
            }
            Format::Text => {
                let then = match differing.len() {
                    0 => "then has nothing to do".to_owned(),
                    some => format!("then has {} to make: see what is not as it is", counted(some, "change")),
                };
                let holds = if program.holds.is_empty() { "nothing".to_owned() } else { program.holds.join(", ") };
                format!(
                    "{}\n\nmain.cell holds {holds}.\n`cellc adopt --all{folder}` takes them over; `cellc plan{folder}` {then}\n",
                    paths.join("\n")
                )
            }
        },
    )
}
