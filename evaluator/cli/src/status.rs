//! `cellc status`: all cells at a glance. Owns what is read for it, and the command; what is told is
//! [`cell_eval::pane`]'s.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cell_aws::AwsCloud;
use cell_eval::apply::journal::Loaded;
use cell_eval::pane::{Alarms, Asked, Given, Pane, Shelved, asked, html, listen, pane, rows, text};
use cell_eval::plan::desired::Desired;
use cell_eval::registry::record::Record;
use cell_eval::registry::store::Registry;
use cell_eval::releases::{Book, Desk, DeskError};
use cell_eval::rollout::Signal;
use cell_eval::signals::{AlarmState, Signals as _};
use cell_eval::terminal::Look;
use cell_lang::diagnostics::{Code, nearest};
use jiff::Timestamp;

use crate::args::{Cloud, Form, Format, StatusArgs};
use crate::cloud::{Connection, Purpose};
use crate::cost;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::progress::visible;
use crate::session::{finding, loaded, recorded, say, unconnected};

/// Runs the command.
pub(crate) fn run(args: &StatusArgs, form: Form, output: &Output) -> Status {
    output.run(&args.program, |run| match status(run, args, output) {
        Ok(pane) => told(&pane, args, form, output),
        Err(status) => status,
    })
}

fn status(run: &Run<'_>, args: &StatusArgs, output: &Output) -> Result<Pane, Status> {
    let at = args.at.unwrap_or_else(Timestamp::now);
    let desired = desired(run, at)?;
    let Kept { record, books, registry } = kept(run, args, output, &desired)?;
    known(args, &desired, &record, output)?;
    let asked = if args.no_refresh { Vec::new() } else { asked(&desired, &record, &rows::cells(&desired, &record)) };
    let connect = || Connection::open(&args.cloud, &desired, &run.folder(), Purpose::Look);
    let connection = (args.cost || !asked.is_empty()).then(connect);
    let (heard, unread) = match &connection {
        _ if args.no_refresh => (BTreeMap::new(), Some("--no-refresh was said".to_owned())),
        Some(Ok(connection)) => (listen(&Reader(&connection.provider), &asked), None),
        Some(Err(error)) => (BTreeMap::new(), Some(error.to_string())),
        None => (BTreeMap::new(), None),
    };
    let (books, heard, only) = (&books, &heard, args.only.as_slice());
    let mut pane = pane(&Given { desired: &desired, record: &record, registry, books, heard, unread, at, only });
    if let Some(connection) = connection.filter(|_| args.cost) {
        let connection = connection.map_err(|error| unconnected(output, &error))?;
        let months = cost::asked(&cost::Months::default(), at)?;
        pane.cost = Some(cost::of(&connection, &desired, &record, months, at, output)?);
    }
    Ok(pane)
}

/// What lies beside the program.
struct Kept {
    record: Record,
    books: BTreeMap<String, Shelved>,
    /// Where that is.
    registry: String,
}

/// Reads it, and needs no cloud for what is in files.
fn kept(run: &Run<'_>, args: &StatusArgs, output: &Output, desired: &Desired) -> Result<Kept, Status> {
    let opened = recorded(run, &args.cloud, desired, output)?;
    if args.cloud.cloud == Cloud::Sandbox && opened.remarks.is_empty() {
        output.remark("sandbox: the cells are emulated ones");
    }
    let store = opened.store.as_ref();
    let Loaded { record, .. } = loaded(store, output)?;
    Ok(Kept { record, books: books(desired, store, output)?, registry: store.place() })
}

/// What a program asks for; no lint is told.
pub(crate) fn desired(run: &Run<'_>, at: Timestamp) -> Result<Desired, Status> {
    let found = RefCell::new(None);
    let status = run.result(&|world, resources, _| {
        *found.borrow_mut() = Some(Desired::new(world, &resources.collect(), at));
        Ok(())
    });
    found.into_inner().ok_or(status)
}

/// What reads alarms: CloudWatch in each cell's account and region.
struct Reader<'a>(&'a AwsCloud);

impl Alarms for Reader<'_> {
    fn look(&self, asked: &Asked) -> Result<BTreeMap<String, Signal>, String> {
        let names = asked.alarms.values().cloned().collect();
        let states = self.0.signals(&asked.account, &asked.region).states(&names);
        let states = states.map_err(|error| error.to_string())?;
        let says = |(alarm, name): (&String, &String)| {
            let signal = match states.get(name)?.state {
                AlarmState::Ok => Signal::Ok,
                AlarmState::Alarm => Signal::Alarm,
                AlarmState::NoData => Signal::NoData,
                AlarmState::Missing => return None,
            };
            Some((alarm.clone(), signal))
        };
        Ok(asked.alarms.iter().filter_map(says).collect())
    }
}

/// Refuses an address that is neither a cell's nor a component's.
fn known(args: &StatusArgs, desired: &Desired, record: &Record, output: &Output) -> Result<(), Status> {
    let all = rows::addresses(desired, record);
    let Some(unknown) = args.only.iter().find(|only| !all.contains(only.as_str())) else { return Ok(()) };
    let near = nearest(unknown, all.iter().copied(), 3);
    let near: Vec<String> = near.iter().map(|near| format!("`{}`", visible(near))).collect();
    let help = match near.as_slice() {
        [] => "the address of a cell, such as `cell.alpha`, or of a component".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    let message = format!("there is no cell and no component `{}` here", visible(unknown));
    Err(say(output, &finding(Code::UnknownAddress, message).help(help)))
}

/// The books of all that the program releases.
fn books(desired: &Desired, store: &dyn Registry, output: &Output) -> Result<BTreeMap<String, Shelved>, Status> {
    let desk = Desk::new(store);
    let unreadable = |error: DeskError| say(output, &finding(Code::RecordUnreadable, error.to_string()));
    let one = |of: &String| {
        let book = desk.read(of).map_err(unreadable)?.book;
        let waves = waves(&desk, &book).unwrap_or_else(|error| {
            output.remark(&format!("the waves of the rollout of {of} are not known by name: {error}"));
            Vec::new()
        });
        Ok((of.clone(), Shelved { book, waves }))
    };
    desired.releases.keys().map(one).collect()
}

/// The names of the waves of the last rollout.
fn waves(desk: &Desk<'_>, book: &Book) -> Result<Vec<String>, DeskError> {
    let Some(rollout) = &book.rollout else { return Ok(Vec::new()) };
    let dossier = desk.dossier(&book.of, &rollout.dossier)?;
    Ok(dossier.course.waves.into_iter().map(|wave| wave.label).collect())
}

fn told(pane: &Pane, args: &StatusArgs, form: Form, output: &Output) -> Status {
    let (width, color) = output.look();
    match form {
        Form::Json => output::result(Format::Json, &format!("{}\n", serde_json::to_string(pane).unwrap_or_default())),
        Form::Html => output::result(Format::Text, &html::page(pane)),
        _ => {
            let mut page = String::new();
            // A string takes everything.
            let _ = text::write(pane, &Look { verbose: args.verbose, width, color }, &mut page);
            output::result(Format::Text, &page)
        }
    }
}
