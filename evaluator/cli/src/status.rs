//! `cellc status`: all cells at a glance. Owns what is read for it, and the command; what is told is
//! [`cell_eval::pane`]'s.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cell_eval::apply::journal::Loaded;
use cell_eval::pane::{Alarms, Given, Heard, Pane, Shelved, html, listen, pane, rows, text};
use cell_eval::plan::desired::Desired;
use cell_eval::registry::record::Record;
use cell_eval::registry::store::Registry;
use cell_eval::releases::{Book, Desk, DeskError};
use cell_eval::terminal::Look;
use cell_lang::diagnostics::{Code, nearest};
use jiff::Timestamp;

use crate::args::{Cloud, Form, Format, StatusArgs};
use crate::cloud::{Connection, Recorded};
use crate::cost;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::progress::visible;
use crate::session::{finding, loaded, say, unconnected};

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
    if args.cost {
        let connection = Connection::open(&args.cloud, &desired, &run.folder());
        let connection = connection.map_err(|error| unconnected(output, &error))?;
        connection.remarks.iter().for_each(|remark| output.remark(remark));
        let loaded = loaded(connection.store.as_ref(), output)?;
        let mut pane = seen(args, output, &desired, &loaded.record, connection.store.as_ref(), at)?;
        let asked = cost::asked(&cost::Months::default(), at)?;
        pane.cost = Some(cost::of(&connection, &desired, &loaded.record, asked, at, output)?);
        return Ok(pane);
    }
    let opened = Recorded::open(&args.cloud, &desired, &run.folder());
    let opened = opened.map_err(|error| unconnected(output, &error))?;
    opened.remarks.iter().for_each(|remark| output.remark(remark));
    if args.cloud.cloud == Cloud::Sandbox && opened.remarks.is_empty() {
        output.remark("sandbox: the cells are emulated ones");
    }
    let Loaded { record, .. } = loaded(opened.store.as_ref(), output)?;
    seen(args, output, &desired, &record, opened.store.as_ref(), at)
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

fn seen(
    args: &StatusArgs,
    output: &Output,
    desired: &Desired,
    record: &Record,
    store: &dyn Registry,
    at: Timestamp,
) -> Result<Pane, Status> {
    known(args, desired, record, output)?;
    let books = books(desired, store, output)?;
    let cells: Vec<&str> = rows::cells(desired, record).into_iter().collect();
    let (heard, unread) = match reader(args) {
        Ok(alarms) => (listen(alarms.as_ref(), desired, record, &cells), None),
        Err(why) => (BTreeMap::<String, Heard>::new(), Some(why)),
    };
    let registry = store.place();
    let given = Given { desired, record, registry, books: &books, heard: &heard, unread, at, only: &args.only };
    Ok(pane(&given))
}

/// What reads alarms, or why nothing does.
fn reader(args: &StatusArgs) -> Result<Box<dyn Alarms>, String> {
    Err(if args.no_refresh { "--no-refresh was said".to_owned() } else { "this version reads none".to_owned() })
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
