//! `cellc registry`: the record, its lock, and what is published beside it.

mod rebuild;

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use cell_eval::registry::published;
use cell_eval::registry::record::Record;
use cell_eval::registry::store::{Owner, Published, StoreError};
use cell_eval::words::counted;
use cell_lang::diagnostics::Code;
use serde_json::json;

use crate::args::{Format, Language, RegistryArgs, RegistryCommand};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::progress::visible;
use crate::session::{Session, finding, say, store_finding};

/// Runs the command.
pub(crate) fn run(command: &RegistryCommand, output: &Output) -> Status {
    match command {
        RegistryCommand::Show(args) => with(args, output, |session| show(session, output)),
        RegistryCommand::Publish(args) => with(args, output, |session| publish(session, output)),
        RegistryCommand::Rebuild(args) => rebuild::run(args, output),
        RegistryCommand::Types(args) => output::result(
            Format::Text,
            &match args.lang {
                Language::Typescript => published::typescript::text(),
                Language::Rust => published::rust::text(),
                Language::Python => published::python::text(),
                Language::JsonSchema => published::schema::text(),
            },
        ),
        RegistryCommand::Unlock(args) => with(&args.registry, output, |session| unlock(session, args.yes, output)),
    }
}

fn with(args: &RegistryArgs, output: &Output, work: impl FnOnce(&Session<'_>) -> Result<Status, Status>) -> Status {
    output.run(&args.program, |run| {
        let session = Session::open(run, output, &args.cloud, None, Purpose::Look);
        session.and_then(|session| work(&session)).unwrap_or_else(|status| status)
    })
}

fn show(session: &Session<'_>, output: &Output) -> Result<Status, Status> {
    let record = session.load()?.record;
    let store = &session.connection.store;
    let holder = store.holder().map_err(|error| say(output, &store_finding(&error)))?;
    Ok(match output.format {
        Format::Json => output::result(
            Format::Json,
            &format!("{:#}\n", json!({ "place": store.place(), "lock": holder, "record": record })),
        ),
        Format::Text => output::result(Format::Text, &text(&store.place(), holder.as_ref(), &record)),
    })
}

fn text(place: &str, holder: Option<&Owner>, record: &Record) -> String {
    let mut out = String::new();
    // A string takes everything.
    let _ = writeln!(out, "{place}: {}, serial {}", counted(record.resources.len(), "resource"), record.serial);
    if let Some(found) = &record.organization {
        let _ = writeln!(
            out,
            "organization {} of management account {}",
            visible(&found.organization),
            visible(&found.management_account)
        );
    }
    let _ = match holder {
        Some(owner) => writeln!(out, "locked by {owner}"),
        None => writeln!(out, "not locked"),
    };
    for (address, entry) in &record.resources {
        let id = if entry.id.is_empty() { "-" } else { &entry.id };
        let protected = if entry.protect { "  protected" } else { "" };
        let _ = writeln!(out, "  {}  {}  {}{protected}", visible(address), visible(id), entry.applied_at);
    }
    for (address, pending) in &record.pending {
        let request = pending.request.as_deref().unwrap_or("no answer");
        let what = if record.resources.contains_key(address) { "written" } else { "created" };
        let _ = writeln!(out, "  {}  being {what} since {} ({})", visible(address), pending.at, visible(request));
    }
    for (id, parked) in &record.parked {
        let _ = writeln!(out, "  parked  {}  was {} since {}", visible(id), visible(&parked.from), parked.since);
    }
    out
}

/// Writes the cells and their schema beside the record, each only if it is another than what lies there.
fn publish(session: &Session<'_>, output: &Output) -> Result<Status, Status> {
    let store = session.connection.store.as_ref();
    let record = session.load()?.record;
    let Some(document) = published::document(&record) else {
        if !record.resources.is_empty() {
            let message = format!("the record {} does not say of which organization it is", store.place());
            let help =
                "restore it from a copy with its `organization`, or move it away and run `cellc registry rebuild`";
            return Err(say(output, &finding(Code::WrongOrganization, message).help(help)));
        }
        let message = format!("{} holds nothing: nothing was applied or taken over yet", store.place());
        return Err(say(
            output,
            &finding(Code::RecordUnreadable, message).help("`cellc apply` or `cellc adopt` first"),
        ));
    };
    let files = [(Published::Cells, document), (Published::Schema, published::schema::text())];
    let mut written = Vec::new();
    for (which, text) in files {
        let place = store.published_place(which);
        let there = store.published(which).map_err(|error| say(output, &store_finding(&error)))?;
        let changed = there.as_ref().is_none_or(|there| there.bytes != text.as_bytes());
        if changed {
            let version = there.map(|there| there.version);
            store
                .publish(which, text.as_bytes(), version.as_deref())
                .map_err(|error| not_published(output, &error))?;
        }
        written.push((place, changed));
    }
    Ok(output::result(
        output.format,
        &match output.format {
            Format::Json => {
                let files: Vec<_> =
                    written.iter().map(|(place, changed)| json!({ "place": place, "changed": changed })).collect();
                format!("{}\n", json!({ "cells": record.cells.len(), "files": files }))
            }
            Format::Text => {
                let said = |(place, changed): &(String, bool)| match changed {
                    true => format!("{place}: written\n"),
                    false => format!("{place}: unchanged\n"),
                };
                let lines: String = written.iter().map(said).collect();
                format!("{lines}{}\n", counted(record.cells.len(), "cell"))
            }
        },
    ))
}

fn not_published(output: &Output, error: &StoreError) -> Status {
    match error {
        StoreError::Moved => {
            let message = "somebody else published at the same moment; theirs was left".to_owned();
            say(output, &finding(Code::RecordUnreadable, message).help("run again: it writes only what is different"))
        }
        error => say(output, &store_finding(error)),
    }
}

fn unlock(session: &Session<'_>, yes: bool, output: &Output) -> Result<Status, Status> {
    let store = &session.connection.store;
    let told = |error| say(output, &store_finding(&error));
    let holder = match store.holder() {
        Ok(None) => return Ok(output::result(Format::Text, "not locked\n")),
        Ok(Some(owner)) => owner.to_string(),
        Err(StoreError::NoLock(why)) => format!("an unknown run ({why})"),
        Err(error) => return Err(told(error)),
    };
    if !yes && !io::stdin().is_terminal() {
        let message = format!(
            "the registry is locked by {holder}; to take the lock away from a run that may still live, say so"
        );
        return Err(say(
            output,
            &finding(Code::NotConfirmed, message).help("`--yes`, once that run is certainly gone"),
        ));
    }
    if !yes {
        output.remark(&format!("locked by {holder}. Is that run certainly gone? Only `yes` is taken:"));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        if read.is_err() || answer.trim() != "yes" {
            return Err(say(output, &finding(Code::NotConfirmed, "the lock was left as it is".to_owned())));
        }
    }
    store.break_lock().map_err(|error| match error {
        StoreError::Locked(owner) => {
            let message = format!("the registry is locked by a process that lives: {owner}");
            say(output, &finding(Code::Locked, message).help("end that process: the lock of a file goes with it"))
        }
        error => told(error),
    })?;
    Ok(output::result(Format::Text, &format!("unlocked; it was held by {holder}\n")))
}
