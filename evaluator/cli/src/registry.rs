//! `cellc registry`: the record, and its lock.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use cell_eval::registry::record::Record;
use cell_eval::registry::store::Owner;
use cell_lang::diagnostics::Code;
use serde_json::json;

use crate::args::{Format, RegistryArgs, RegistryCommand};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::progress::visible;
use crate::session::{Session, finding, say, store_finding};

/// Runs the command.
pub(crate) fn run(command: &RegistryCommand, output: &Output) -> Status {
    match command {
        RegistryCommand::Show(args) => with(args, output, |session| show(session, output)),
        RegistryCommand::Unlock(args) => with(&args.registry, output, |session| unlock(session, args.yes, output)),
    }
}

fn with(args: &RegistryArgs, output: &Output, work: impl FnOnce(&Session<'_>) -> Result<Status, Status>) -> Status {
    output.run(&args.program, |run| {
        let session = Session::open(run, output, &args.cloud, None);
        session.and_then(|session| work(&session)).unwrap_or_else(|status| status)
    })
}

fn show(session: &Session<'_>, output: &Output) -> Result<Status, Status> {
    let record = session.load()?.record;
    let store = &session.connection.store;
    let holder = store.holder().map_err(|error| say(output, &store_finding(&error)))?;
    Ok(match output.format {
        Format::Json => {
            output::result(&format!("{:#}\n", json!({ "place": store.place(), "lock": holder, "record": record })))
        }
        Format::Text => output::result(&text(&store.place(), holder.as_ref(), &record)),
    })
}

fn text(place: &str, holder: Option<&Owner>, record: &Record) -> String {
    let mut out = String::new();
    // A string takes everything.
    let _ = writeln!(out, "{place}: {} resources, serial {}", record.resources.len(), record.serial);
    if let Some(found) = &record.organization {
        let _ =
            writeln!(out, "organization {} of management account {}", found.organization, found.management_account);
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
        let _ = writeln!(out, "  {}  being created since {} ({request})", visible(address), pending.at);
    }
    for (id, parked) in &record.parked {
        let _ = writeln!(out, "  parked  {}  was {} since {}", visible(id), visible(&parked.from), parked.since);
    }
    out
}

fn unlock(session: &Session<'_>, yes: bool, output: &Output) -> Result<Status, Status> {
    let store = &session.connection.store;
    let told = |error| say(output, &store_finding(&error));
    let Some(owner) = store.holder().map_err(told)? else {
        return Ok(output::result("not locked\n"));
    };
    if !yes && !io::stdin().is_terminal() {
        let message = format!(
            "the registry is locked by {owner}; to take the lock away from a run that may still live, say so"
        );
        return Err(say(
            output,
            &finding(Code::NotConfirmed, message).help("`--yes`, once that run is certainly gone"),
        ));
    }
    if !yes {
        output.remark(&format!("locked by {owner}. Is that run certainly gone? Only `yes` is taken:"));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        if read.is_err() || answer.trim() != "yes" {
            return Err(say(output, &finding(Code::NotConfirmed, "the lock was left as it is".to_owned())));
        }
    }
    store.break_lock().map_err(told)?;
    Ok(output::result(&format!("unlocked; it was held by {owner}\n")))
}
