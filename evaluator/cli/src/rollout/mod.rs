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

use cell_eval::plan::desired::Desired;
use cell_eval::provider::Provider as _;
use cell_eval::registry::record::Record;
use cell_eval::releases::Desk;
use cell_eval::rollout::{Event, courses, text as calendars};
use cell_lang::diagnostics::{Code, nearest};
use jiff::Timestamp;

use crate::args::{CloudArgs, Format, RolloutCommand, RolloutPlanArgs, RolloutRunArgs};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{Session, finding, say};

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
    let desired = &session.subject.desired;
    let asked = match args.of.as_slice() {
        [] => desired.releases.keys().cloned().collect(),
        names => names.iter().map(|name| named(desired, name)).collect::<Result<Vec<_>, _>>()?,
    };
    let desk = Desk::new(session.connection.store.as_ref());
    let mut all = Vec::new();
    for of in asked {
        let read = desk.read(&of);
        let book = read.map_err(|error| say(output, &finding(Code::RolloutFailed, error.to_string())))?.book;
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
    traffic::tell_unheard(&session, &session.load()?.record, &all);
    Ok(drive::drive(&session, &all, args.carry, &run.folder()))
}

/// What the program says, and the addresses of what is named: all that is released where nothing is.
pub(crate) fn wished(run: &Run<'_>, names: &[String]) -> Result<(Desired, Vec<String>), Status> {
    let desired = crate::status::desired(run, Timestamp::now())?;
    let all = match names {
        [] => desired.releases.keys().cloned().collect(),
        names => names.iter().map(|name| named(&desired, name)).collect::<Result<_, _>>()?,
    };
    Ok((desired, all))
}

/// The address of what is named by it, or by its label alone.
pub(crate) fn named(desired: &Desired, name: &str) -> Result<String, Status> {
    let full = [name.to_owned(), format!("component.{name}"), format!("permission_set.{name}")];
    if let Some(found) = full.iter().find(|name| desired.releases.contains_key(*name)) {
        return Ok(found.clone());
    }
    let label = |address: &str| address.rsplit('.').next().unwrap_or(address).to_owned();
    let labels: Vec<String> = desired.releases.keys().map(|address| label(address)).collect();
    let near = nearest(&label(name), labels.iter().map(String::as_str), 3);
    let near = desired.releases.keys().filter(|address| near.contains(&label(address).as_str())).cloned();
    Err(refused(name, &near.collect::<Vec<_>>()))
}

fn plan(args: &RolloutPlanArgs, output: &Output) -> Status {
    let at = args.at.unwrap_or_else(Timestamp::now);
    output.run(&args.program, |run| {
        let unknown = RefCell::new(None);
        let status = run.result(&|world, _, out| {
            let all = courses(world);
            let asked: Vec<_> =
                all.iter().filter(|course| args.of.as_ref().is_none_or(|of| *of == course.of)).collect();
            if let (Some(of), true) = (&args.of, asked.is_empty()) {
                let near = nearest(of, all.iter().map(|course| course.of.as_str()), 3);
                *unknown.borrow_mut() = Some(near.into_iter().map(str::to_owned).collect::<Vec<_>>());
                return Ok(());
            }
            let text = match output.format {
                Format::Json => calendars::json(&asked, at, args.takes),
                Format::Text => calendars::calendars(&asked, at, args.takes),
            };
            out.write_all(text.as_bytes())
        });
        match unknown.into_inner() {
            Some(near) => refused(args.of.as_deref().unwrap_or_default(), &near),
            None => status,
        }
    })
}

fn refused(of: &str, near: &[String]) -> Status {
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    let help = match names.as_slice() {
        [] => "a component's address, or that of a permission set with a rollout".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    output::fail(&format!("nothing by the address `{of}` is released\n\n  help: {help}"))
}
