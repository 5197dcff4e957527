//! `cellc rollout deploy`, and `abort --run`: one action of a pipeline that goes through the waves, and its way back. Owns how they
//! are told, and that what is deployed is what was built.

use std::path::Path;

use cell_eval::releases::clerk::Clerk;
use cell_eval::releases::wishes::Wish;
use cell_eval::releases::{Action, Brought, Desk, Going, Undriven, WentBack};
use cell_eval::terminal::visible::line;
use cell_lang::diagnostics::Code;
use serde_json::json;

use crate::apply::owner;
use crate::args::{Format, RolloutAbortArgs, RolloutDeployArgs};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{Session, finding, say};
use crate::signals;

use super::built;
use super::targets::Hands;

/// `rollout deploy`
pub(crate) fn deploy(args: &RolloutDeployArgs, output: &Output) -> Status {
    output.run(&args.program, |run| deployed(run, args, output).unwrap_or_else(|status| status))
}

fn deployed(run: &Run<'_>, args: &RolloutDeployArgs, output: &Output) -> Result<Status, Status> {
    let (session, record) = super::changing(run, &args.cloud, output)?;
    let desired = &session.subject.desired;
    let of = super::released(desired, &args.component)?;
    let Some(wish) = desired.releases.get(&of) else { return Err(Status::Failed) };
    super::start::is_component(wish, output)?;
    let cell = cell(wish, &args.cell);
    let mut release = super::start::release(&session, wish, &args.version, &run.folder(), output)?;
    if let Some(digest) = &args.digest {
        built::same(wish, &mut release, digest).map_err(|why| say(output, &finding(Code::RolloutFailed, why)))?;
    }
    let beside = run.folder();
    let hands = Hands::new(&session, &beside, signals::stop(), args.take_over);
    let clerk = clerk(&session, &hands);
    let name = args.run.as_deref().unwrap_or(&args.version);
    let action = Action { run: name, cell: &cell, draining: &desired.draining };
    let mut see = |text: &str| output.remark(&format!("  {of} {cell} | {}", line(text.as_bytes())));
    if args.run.is_none() {
        output.remark("without `--run` of a pipeline nothing waits for the waves, their bakes and alarms: it comes to this one cell now");
    }
    let brought = clerk.drive(wish, &release, &record, action, &mut see);
    let brought = brought.map_err(|error| fail(&of, &error, output))?;
    let (word, said) = match &brought {
        Brought::There(observed) => ("deployed", observed.clone()),
        Brought::Drained => ("skipped", "it is being drained".to_owned()),
        Brought::Tolerated(why) => ("tolerated", format!("it could not take it, which its wave tolerates: {why}")),
    };
    let text = match output.format {
        Format::Text => format!("{of} {} {cell}: {word}; {}\n", args.version, line(said.as_bytes())),
        Format::Json => {
            let document = json!({
                "format_version": "1.0", "of": of, "version": args.version, "cell": cell, "run": name,
                "ending": word, "observed": said,
            });
            document.to_string() + "\n"
        }
    };
    output::result(output.format, &text);
    Ok(Status::Done)
}

/// `rollout abort --run`
pub(crate) fn abort(args: &RolloutAbortArgs, name: &str, output: &Output) -> Status {
    let one = &args.one;
    output.run(&one.program, |run| aborted(run, args, name, &run.folder(), output).unwrap_or_else(|status| status))
}

fn aborted(
    run: &Run<'_>,
    args: &RolloutAbortArgs,
    name: &str,
    beside: &Path,
    output: &Output,
) -> Result<Status, Status> {
    let (session, _) = super::changing(run, &args.one.cloud, output)?;
    let of = super::one_spoken_of(&session, &args.one.of, output)?;
    let hands = Hands::new(&session, beside, signals::stop(), false);
    let clerk = clerk(&session, &hands);
    let ended = if args.stay {
        let cells = clerk.end(&of, name, Going::Ended);
        cells.map(|cells| cells.into_iter().map(|cell| (cell, Ok("stays".to_owned()))).collect())
    } else {
        clerk.take_back(&of, name, &|cell, text| {
            output.remark(&format!("  {of} {cell} | {}", line(text.as_bytes())));
        })
    };
    let ended: Vec<WentBack> = ended.map_err(|error| fail(&of, &error, output))?;
    let text = match output.format {
        Format::Text => {
            let told = |(cell, how): &WentBack| match how {
                Ok(seen) => format!("  {cell}: {}\n", line(seen.as_bytes())),
                Err(why) => format!("  {cell} could not go back: {}\n", line(why.as_bytes())),
            };
            let word = if args.stay { "ended" } else { "taken back" };
            format!("{of} run {name}: {word}\n{}", ended.iter().map(told).collect::<String>())
        }
        Format::Json => {
            let row = |(cell, how): &WentBack| match how {
                Ok(seen) => json!({ "cell": cell, "observed": seen }),
                Err(why) => json!({ "cell": cell, "failed": why }),
            };
            let rows: Vec<_> = ended.iter().map(row).collect();
            json!({ "format_version": "1.0", "of": of, "run": name, "cells": rows }).to_string() + "\n"
        }
    };
    output::result(output.format, &text);
    let stuck = ended.iter().filter(|(_, how)| how.is_err()).count();
    if stuck == 0 {
        return Ok(Status::Done);
    }
    let stuck = cell_eval::words::counted(stuck, "cell");
    let message = format!("{of}: {stuck} of run {name} could not go back");
    Err(say(
        output,
        &finding(Code::RolloutFailed, message).help("correct what is said of them; the same again tries them"),
    ))
}

fn clerk<'a>(session: &'a Session<'_>, hands: &'a Hands<'a>) -> Clerk<'a> {
    let connection = &session.connection;
    Clerk {
        desk: Desk::new(connection.store.as_ref()),
        targets: hands,
        clock: connection.time.as_ref(),
        who: owner("rollout", connection.time.now()).who,
    }
}

/// The address of a cell that is named by it, or by its label alone.
fn cell(wish: &Wish, name: &str) -> String {
    let full = format!("cell.{name}");
    if !wish.cells.contains_key(name) && wish.cells.contains_key(&full) { full } else { name.to_owned() }
}

fn fail(of: &str, error: &Undriven, output: &Output) -> Status {
    let help = match error {
        Undriven::Rollout { .. } => "one of the two goes through the waves: `cellc rollout abort` ends that one",
        Undriven::Over { .. } => "another `--run` begins it anew",
        Undriven::Another { .. } => "a run brings one version to all cells: another `--run` brings the other",
        Undriven::Unknown(_) => "`cellc rollout watch --once` shows the runs that there are",
        Undriven::Unready(_) => "`cellc apply` makes what it names",
        Undriven::NoCell(_) => "say a cell that the component goes to: `cellc rollout plan` prints them",
        Undriven::Crossed { .. } | Undriven::Interrupted => "nothing is lost",
        Undriven::Failed { .. } => {
            "`cellc rollout abort --run` takes the run back from every cell that it has reached"
        }
        Undriven::Desk(_) => "the same again goes on",
    };
    say(output, &finding(Code::RolloutFailed, format!("{of}: {error}")).help(help))
}
