//! `cellc rollout`: how releases come to cells. Owns the commands; what is decided is [`cell_eval::rollout`]'s, what is kept and
//! carried out [`cell_eval::releases`]'s.

mod artifact;
mod built;
mod clusters;
mod drive;
mod driven;
mod fleet;
mod people;
mod start;
mod targets;
mod text;
mod traffic;
mod watch;

pub(crate) use clusters::Doors;
pub(crate) use fleet::tell as tell_draining;
pub(crate) use targets::Hands;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use cell_eval::plan::desired::Desired;
use cell_eval::provider::Provider as _;
use cell_eval::registry::record::Record;
use cell_eval::releases::{Apart, Desk, DeskError, apart};
use cell_eval::rollout::{Event, courses, drained, text as calendars};
use cell_lang::diagnostics::{Code, nearest};
use jiff::Timestamp;

use crate::args::{CloudArgs, Format, RolloutCommand, RolloutPlanArgs, RolloutRunArgs};
use crate::cloud::{Purpose, Recorded};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{Session, finding, recorded, say};

/// Runs the command.
pub(crate) fn run(command: &RolloutCommand, output: &Output) -> Status {
    match command {
        RolloutCommand::Plan(args) => plan(args, output),
        RolloutCommand::Start(args) => start::run(args, output),
        RolloutCommand::Run(args) => {
            output.run(&args.program, |run| go_on(run, args, output).unwrap_or_else(|status| status))
        }
        RolloutCommand::Watch(args) => watch::run(args, output),
        RolloutCommand::Approve(args) => people::say_of(args, output, |who| Event::Approved { who }),
        RolloutCommand::Pause(args) => people::say_of(args, output, |who| Event::Paused { who }),
        RolloutCommand::Resume(args) => people::say_of(args, output, |who| Event::Resumed { who }),
        RolloutCommand::Deploy(args) => driven::deploy(args, output),
        RolloutCommand::Abort(args) => {
            if let Some(run) = &args.run {
                return driven::abort(args, run, output);
            }
            people::end(&args.one, args.queued, !args.stay, output)
        }
    }
}

/// A session that changes what cells have, and the record. Its credentials are of an account that the program or the record
/// knows: with those of a stranger it would be the stranger's accounts that are changed.
pub(crate) fn changing<'a>(
    run: &Run<'_>,
    cloud: &CloudArgs,
    output: &'a Output,
) -> Result<(Session<'a>, Record), Status> {
    let session = Session::open(run, output, cloud, None, Purpose::Change)?;
    let record = session.load()?.record;
    let org = &session.subject.desired.org;
    let Some(management) = &org.management_account else { return Ok((session, record)) };
    let caller = session.connection.provider.caller().map_err(|error| session.cloud(&error))?.account;
    let mut known = record.resources.values().map(|entry| &entry.id).chain(&org.delegated_admin);
    if caller == *management || known.any(|id| *id == caller) {
        return Ok((session, record));
    }
    let message = format!(
        "the program is for the organization of management account {management}; the credentials are of account {caller}, which neither it nor the record knows"
    );
    let help = "use other credentials, or correct `management_account` in `org`; nothing was done";
    Err(say(output, &finding(Code::WrongOrganization, message).help(help)))
}

/// `rollout run`
fn go_on(run: &Run<'_>, args: &RolloutRunArgs, output: &Output) -> Result<Status, Status> {
    let (session, _) = changing(run, &args.cloud, output)?;
    let desk = Desk::new(session.connection.store.as_ref());
    let fail = |error: DeskError| say(output, &finding(Code::RolloutFailed, error.to_string()));
    let mut all = Vec::new();
    for of in asked(&spoken_of(&session.subject.desired, &desk).map_err(fail)?, &args.of)? {
        let book = desk.read(&of).map_err(fail)?.book;
        if book.open().is_some() || book.next.is_some() {
            all.push(of);
        }
    }
    if all.is_empty() {
        output::result(
            output.format,
            &match output.format {
                Format::Text => "no rollout is under way, and none is queued\n".to_owned(),
                Format::Json => "{\"format_version\":\"1.0\",\"rollouts\":[]}\n".to_owned(),
            },
        );
        return Ok(Status::Done);
    }
    traffic::tell_beforehand(&session, &session.load()?.record, &all);
    Ok(drive::drive(&session, &all, args.carry, &run.folder()))
}

/// Rollouts that are spoken of.
struct Opened {
    /// What the program says.
    desired: Desired,
    /// Its registry.
    recorded: Recorded,
    /// Of what they are, by address.
    of: Vec<String>,
}

/// The registry, and the addresses of what is named: of all where nothing is.
fn opened(run: &Run<'_>, cloud: &CloudArgs, names: &[String], output: &Output) -> Result<Opened, Status> {
    let desired = crate::status::desired(run, Timestamp::now())?;
    let recorded = recorded(run, cloud, &desired, output)?;
    let all = spoken_of(&desired, &Desk::new(recorded.store.as_ref()));
    let all = all.map_err(|error| say(output, &finding(Code::RolloutFailed, error.to_string())))?;
    Ok(Opened { of: asked(&all, names)?, desired, recorded })
}

/// What rollouts are of: what the program releases, and what it has no more while its rollout goes on.
fn spoken_of(desired: &Desired, desk: &Desk<'_>) -> Result<BTreeSet<String>, DeskError> {
    let mut all: BTreeSet<String> = desired.releases.keys().cloned().collect();
    for of in desk.names()? {
        if !all.contains(&of) && desk.read(&of)?.book.goes_on() {
            all.insert(of);
        }
    }
    Ok(all)
}

/// The addresses of what is named, or all.
fn asked(all: &BTreeSet<String>, names: &[String]) -> Result<Vec<String>, Status> {
    match names {
        [] => Ok(all.iter().cloned().collect()),
        names => names.iter().map(|name| named(all, name)).collect(),
    }
}

/// The address of what is named and has a rollout.
fn one_spoken_of(session: &Session<'_>, name: &str, output: &Output) -> Result<String, Status> {
    let all = spoken_of(&session.subject.desired, &Desk::new(session.connection.store.as_ref()));
    named(&all.map_err(|error| say(output, &finding(Code::RolloutFailed, error.to_string())))?, name)
}

/// The address of what the program releases and is named by it, or by its label alone.
fn released(desired: &Desired, name: &str) -> Result<String, Status> {
    named(&desired.releases.keys().cloned().collect(), name)
}

/// The address, of these, of what is named by it, or by its label alone.
fn named(all: &BTreeSet<String>, name: &str) -> Result<String, Status> {
    found(all, name).map_err(|near| refused(name, &near))
}

/// The same; those that may have been meant where it is none, or more than one in modules.
fn found(all: &BTreeSet<String>, name: &str) -> Result<String, Vec<String>> {
    let full = [name.to_owned(), format!("component.{name}"), format!("permission_set.{name}")];
    if let Some(found) = full.iter().find(|name| all.contains(*name)) {
        return Ok(found.clone());
    }
    let label = |address: &str| address.rsplit('.').next().unwrap_or(address).to_owned();
    let own: Vec<String> = all.iter().filter(|address| label(address) == name).cloned().collect();
    if let [one] = own.as_slice() {
        return Ok(one.clone());
    }
    let labels: Vec<String> = all.iter().map(|address| label(address)).collect();
    let near = nearest(&label(name), labels.iter().map(String::as_str), 3);
    Err(all.iter().filter(|address| near.contains(&label(address).as_str())).cloned().collect())
}

fn plan(args: &RolloutPlanArgs, output: &Output) -> Status {
    let at = args.at.unwrap_or_else(Timestamp::now);
    output.run(&args.program, |run| {
        let unknown = RefCell::new(None);
        let status = run.result(&|world, resources, out| {
            let all = courses(world);
            let one = args.of.as_ref().map(|of| found(&all.iter().map(|course| course.of.clone()).collect(), of));
            let one = match one.transpose() {
                Ok(one) => one,
                Err(near) => {
                    *unknown.borrow_mut() = Some(near);
                    return Ok(());
                }
            };
            let asked: Vec<_> = all.iter().filter(|course| one.as_ref().is_none_or(|of| *of == course.of)).collect();
            let desired = Desired::new(world, &resources.collect(), at);
            let recorded = Recorded::open_file(&args.cloud, &desired, &run.folder());
            let apart = apart_of(recorded.as_ref(), asked.iter().map(|course| &course.of), output);
            let text = match output.format {
                Format::Json => calendars::json(&asked, at, args.takes, &apart),
                Format::Text => {
                    let passed_by = calendars::passed_by(&asked, &drained(world)).unwrap_or_default();
                    calendars::calendars(&asked, at, args.takes) + &passed_by + &calendars::apart(&apart)
                }
            };
            out.write_all(text.as_bytes())
        });
        match unknown.into_inner() {
            Some(near) => refused(args.of.as_deref().unwrap_or_default(), &near),
            None => status,
        }
    })
}

/// The cells that are apart, by the books of a record that can be read without a cloud.
fn apart_of<'o>(
    recorded: Option<&Recorded>,
    all: impl Iterator<Item = &'o String>,
    output: &Output,
) -> BTreeMap<String, Vec<Apart>> {
    let Some(recorded) = recorded else { return BTreeMap::new() };
    let desk = Desk::new(recorded.store.as_ref());
    let one = |of: &'o String| match desk.read(of) {
        Ok(read) => Some((of.clone(), apart(&read.book))).filter(|(_, apart)| !apart.is_empty()),
        Err(error) => {
            output.remark(&format!("which version is where is not known: {error}"));
            None
        }
    };
    all.filter_map(one).collect()
}

fn refused(of: &str, near: &[String]) -> Status {
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    let help = match names.as_slice() {
        [] => "a component's address, or that of a permission set with a rollout".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    output::fail(&format!("nothing by the address `{of}` is released\n\n  help: {help}"))
}
