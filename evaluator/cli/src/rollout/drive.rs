//! Carrying rollouts out in this process: one engine for each, side by side. Owns how their end is told.

use std::collections::BTreeMap;
use std::time::Duration;

use cell_eval::releases::{Book, Desk, Ending, Engine, Note, Signals, Targets, Watcher};
use cell_eval::rollout::{CellState, Phase};
use cell_eval::terminal::visible::line;
use cell_eval::words::counted;
use cell_lang::diagnostics::Code;
use serde_json::json;

use crate::apply::owner;
use crate::args::{Carry, Format};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::session::{Session, finding, say};
use crate::signals;

use super::fleet::Cells;
use super::targets::Hands;
use super::traffic::Eyes;

/// How long an engine sleeps before it looks whether somebody has said something.
const LOOKS: Duration = Duration::from_secs(5);
/// The same where time goes by at once.
const LOOKS_IN_SANDBOX: Duration = Duration::from_hours(1);

/// Carries out what is open or queued of these, and tells how it ended.
pub(crate) fn drive(session: &Session<'_>, all: &[String], how: Carry, beside: &std::path::Path) -> Status {
    let connection = &session.connection;
    let now = connection.time.now();
    let me = owner("rollout", now);
    if connection.name == "sandbox" {
        let healthy = if session.connection.healthy { ", and metrics that nobody emits count as well" } else { "" };
        session.output.remark(&format!("sandbox: time goes by at once{healthy}"));
    }
    let stop = signals::stop();
    let desired = &session.subject.desired;
    let read = match session.load() {
        Ok(loaded) => loaded.record,
        Err(status) => return status,
    };
    let cells = Cells { desired, read, store: connection.store.as_ref() };
    let hands = Hands::new(session, beside, stop, how.take_over);
    let eyes = Eyes::new(&connection.provider, &desired.watched, &cells.read, session.output);
    let watcher = Lines { output: session.output };
    let engine = |of: &String| -> Result<Ending, String> {
        let engine = Engine {
            desk: Desk::new(connection.store.as_ref()),
            of,
            targets: &hands as &dyn Targets,
            signals: &eyes as &dyn Signals,
            clock: connection.time.as_ref(),
            watcher: &watcher,
            me: (format!("{}-{of}", me.run), me.who.clone(), me.process),
            fleet: &cells,
            stop,
            people: !how.no_wait,
            drained: connection.name != "sandbox",
            sleeps: if connection.name == "sandbox" { LOOKS_IN_SANDBOX } else { LOOKS },
        };
        engine.run().map_err(|error| error.to_string())
    };
    let ended: BTreeMap<&String, Result<Ending, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|of| (of, scope.spawn(move || engine(of)))).collect();
        // A panic has said where it was.
        let broke = |_| Err("an internal error ended what carries it out".to_owned());
        threads.into_iter().map(|(of, thread)| (of, thread.join().unwrap_or_else(broke))).collect()
    });
    let drained = |ending: &Result<Ending, String>| matches!(ending, Ok(Ending::Waits(Phase::Draining)));
    if connection.name == "sandbox" && ended.values().any(drained) {
        session.output.remark(
            "sandbox: one process at a time works on it, so that nobody waits here for a cell that is drained: apply that it is not, then `cellc rollout run`",
        );
    }
    tell(session, &ended)
}

/// How they ended.
fn tell(session: &Session<'_>, ended: &BTreeMap<&String, Result<Ending, String>>) -> Status {
    let desk = Desk::new(session.connection.store.as_ref());
    let mut status = Status::Done;
    let (mut text, mut rows) = (String::new(), Vec::new());
    for (of, ending) in ended {
        let book = desk.read(of).map(|read| read.book);
        let word = match ending {
            Ok(Ending::Nothing) => "nothing to carry out".to_owned(),
            Ok(Ending::Over(Phase::Done)) => done(book.as_ref().ok()),
            Ok(Ending::Over(phase)) => told(phase),
            Ok(Ending::Waits(phase)) => format!("left {}", phase.word()),
            Ok(Ending::Interrupted) => "interrupted; `cellc rollout run` goes on with it".to_owned(),
            Err(error) => {
                let next = book.as_ref().ok().and_then(|book| book.next.as_ref());
                let queued = next.map(|next| {
                    format!(
                        "{} is in the queue: whoever carries the rollout out begins it when its turn comes",
                        next.version
                    )
                });
                let why = finding(Code::RolloutFailed, format!("{of}: {error}"))
                    .help("nothing is lost: `cellc rollout run` goes on from where its book is")
                    .help_if(queued);
                status = say(session.output, &why);
                continue;
            }
        };
        if !matches!(ending, Ok(Ending::Nothing | Ending::Over(Phase::Done))) {
            status = Status::Failed;
        }
        let version =
            book.as_ref().ok().and_then(|book| book.rollout.as_ref()).map(|rollout| rollout.state.version.clone());
        text.push_str(&format!("{of} {}: {word}\n", version.as_deref().unwrap_or("-")));
        if let Ok(book) = &book {
            text.push_str(&super::text::cells_that_are_not_well(book));
            text.push_str(&super::text::beside(book));
        }
        rows.push(json!({ "of": of, "ending": word, "book": book.ok() }));
    }
    let text = match session.output.format {
        Format::Text => text,
        Format::Json => super::text::document(&rows),
    };
    output::result(session.output.format, &text);
    status
}

/// It went through: to all cells, or to all but those that nothing waited for.
fn done(book: Option<&Book>) -> String {
    let state = book.and_then(|book| book.rollout.as_ref()).map(|rollout| &rollout.state);
    let failed = state.map_or(0, |state| state.that_are(|state| state == CellState::Failed).count());
    let word = Phase::Done.word();
    if failed == 0 {
        word.to_owned()
    } else {
        format!("{word}, but for {} that could not take it", counted(failed, "cell"))
    }
}

/// How a rollout is, and why.
pub(super) fn told(phase: &Phase) -> String {
    match phase.why() {
        Some(why) => format!("{}: {why}", phase.word()),
        None => phase.word().to_owned(),
    }
}

/// Tells what happens, line by line.
struct Lines<'a> {
    output: &'a Output,
}

impl Watcher for Lines<'_> {
    fn told(&self, book: &Book, lines: &[Note]) {
        for note in lines {
            self.output.remark(&super::text::note(&book.of, note));
        }
    }

    fn sees(&self, of: &str, cell: &str, text: &str) {
        self.output.remark(&format!("  {of} {cell} | {}", line(text.as_bytes())));
    }

    fn remark(&self, text: &str) {
        self.output.remark(&line(text.as_bytes()));
    }
}
