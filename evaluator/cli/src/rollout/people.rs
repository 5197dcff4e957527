//! What people say of a rollout that is under way: agree, pause, go on, end. Owns writing it into the book; the process that
//! carries the rollout out takes it in from there.

use std::collections::BTreeSet;

use cell_eval::plan::desired::Desired;
use cell_eval::releases::book::{Has, Unqueuing};
use cell_eval::releases::wishes::is_of_component;
use cell_eval::releases::{Book, Desk};
use cell_eval::rollout::step::Step;
use cell_eval::rollout::{CellState, Course, Event, Phase, Refused, State, step};
use cell_eval::words::{counted, have};
use cell_lang::diagnostics::Code;
use jiff::Timestamp;
use serde_json::json;

use crate::apply::owner;
use crate::args::{Format, RolloutOneArgs};
use crate::cloud::Recorded;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{finding, loaded, say};

use super::Opened;

/// Why it was not taken.
enum No {
    /// There is no rollout.
    None,
    /// This is queued, and not begun.
    Queued(String),
    /// It does not fit.
    Refused(Refused, &'static str),
    /// The book cannot be used.
    Book(String),
}

/// Says something of a rollout.
pub(crate) fn say_of(args: &RolloutOneArgs, output: &Output, event: impl Fn(String) -> Event + Copy) -> Status {
    output.run(&args.program, |run| told(run, args, output, event).unwrap_or_else(|status| status))
}

/// Where a rollout is once something was said of it. What is said may begin cells: none that is not there any more, and none
/// for another reason than what is said.
fn said(
    course: &Course,
    mut state: State,
    gone: &BTreeSet<String>,
    (now, event): (Timestamp, &Event),
) -> Result<Step, Refused> {
    let left = state.leave(gone);
    let mut next = step(course, state, now, event);
    next.moved |= !left.is_empty();
    next.were.extend(left);
    next.refused.clone().map_or(Ok(next), Err)
}

/// Ends a rollout; or takes out of the queue what is not begun, where that is asked for or nothing is under way.
pub(crate) fn end(args: &RolloutOneArgs, queued: bool, back: bool, output: &Output) -> Status {
    let ended = |run: &Run<'_>| match unqueued(run, args, (queued, back), output)? {
        Some(Unqueued { of, version, have, at_once }) => {
            let text = match output.format {
                Format::Text => {
                    let have = match have {
                        0 if at_once > 0 => "no cell of its waves has it",
                        0 => "no cell has it",
                        1 => "1 cell has it already",
                        some => &format!("{some} cells have it already"),
                    };
                    format!("{} {version}: taken out of the queue; {have}\n{}", args.of, of_set(&of, at_once))
                }
                Format::Json => json!({ "format_version": "1.0", "of": of, "unqueued": version }).to_string() + "\n",
            };
            Ok(output::result(output.format, &text))
        }
        None => told(run, args, output, |who| Event::Aborted { who, back }),
    };
    output.run(&args.program, |run| ended(run).unwrap_or_else(|status| status))
}

/// What was taken out of the queue.
struct Unqueued {
    /// Of what, by address.
    of: String,
    version: String,
    /// How many cells of its waves have it all the same.
    have: usize,
    /// How many accounts in no wave got it by the apply that queued it.
    at_once: usize,
}

/// What an apply has done already where a permission set's form was queued.
fn of_set(of: &str, at_once: usize) -> String {
    if is_of_component(of) {
        return String::new();
    }
    let others = match at_once {
        0 => "so what is given anew has it".to_owned(),
        some => format!("and so {} {} in no wave", have(some), counted(some, "account")),
    };
    format!(
        "  the set itself has that form, {others}: an apply of a program with the former form takes it back, one of this program queues it again\n"
    )
}

/// What was taken out of the queue; none where there is a rollout to end instead.
fn unqueued(
    run: &Run<'_>,
    args: &RolloutOneArgs,
    (queued, back): (bool, bool),
    output: &Output,
) -> Result<Option<Unqueued>, Status> {
    let (_, of, recorded) = opened(run, args, output)?;
    let now = Timestamp::now();
    let who = owner("rollout", now).who;
    let take = |book: &mut Book| {
        if !queued && (book.open().is_some() || back && has_stopped(book)) {
            return Err(());
        }
        let next = book.next.take().ok_or(())?;
        book.note(now, format!("{} taken out of the queue by {who}", next.version));
        book.unqueued = Some(Unqueuing { version: next.version.clone(), by: who.clone() });
        Ok(next)
    };
    let fail = |message: String| say(output, &finding(Code::RolloutFailed, message));
    let desk = Desk::new(recorded.store.as_ref());
    match desk.change(&of, take).map_err(|error| fail(error.to_string()))? {
        Ok((next, book)) => {
            let dossier = desk.dossier(&of, &next.dossier).map_err(|error| fail(error.to_string()))?;
            let at_once: BTreeSet<&String> = dossier.in_no_wave().collect();
            let has = |(cell, has): &(&String, &Has)| has.dossier == next.dossier && !at_once.contains(cell);
            let have = book.cells.iter().filter(has).count();
            Ok(Some(Unqueued { version: next.version.clone(), have, at_once: at_once.len(), of }))
        }
        Err(()) if queued => Err(fail(format!("nothing of {of} is queued"))),
        Err(()) => Ok(None),
    }
}

/// Is there a rollout that has stopped in cells which can go back?
fn has_stopped(book: &Book) -> bool {
    book.rollout.as_ref().is_some_and(|rollout| {
        let has_reached = rollout.state.that_are(CellState::is_reached).next().is_some();
        matches!(rollout.state.phase, Phase::Stopped { .. }) && has_reached
    })
}

/// What is spoken of, and its registry.
fn opened(run: &Run<'_>, args: &RolloutOneArgs, output: &Output) -> Result<(Desired, String, Recorded), Status> {
    let Opened { desired, recorded, of } = super::opened(run, &args.cloud, std::slice::from_ref(&args.of), output)?;
    Ok((desired, of.first().cloned().unwrap_or_default(), recorded))
}

fn told(
    run: &Run<'_>,
    args: &RolloutOneArgs,
    output: &Output,
    event: impl Fn(String) -> Event + Copy,
) -> Result<Status, Status> {
    let (desired, of, recorded) = opened(run, args, output)?;
    let record = loaded(recorded.store.as_ref(), output)?.record;
    let here = super::fleet::here(&desired, &record, &of);
    let desk = Desk::new(recorded.store.as_ref());
    let now = Timestamp::now();
    let event = event(owner("rollout", now).who);
    let change = |book: &mut Book| {
        let queued = || book.next.as_ref().map_or(No::None, |next| No::Queued(next.version.clone()));
        let rollout = book.rollout.clone().ok_or_else(queued)?;
        let dossier = desk.dossier(&of, &rollout.dossier).map_err(|error| No::Book(error.to_string()))?;
        let word = rollout.state.phase.word();
        let at_work = rollout.runner.as_ref().is_some_and(|runner| runner.until > desk.time(now));
        let gone = here.as_ref().map(|here| rollout.state.gone_from(&dossier.course, here, at_work));
        let gone = gone.unwrap_or_default();
        let next = said(&dossier.course, rollout.state, &gone, (now, &event));
        book.took(next.map_err(|refused| No::Refused(refused, word))?, &event, "");
        Ok(dossier)
    };
    let fail = |message: String| say(output, &finding(Code::RolloutFailed, message));
    let changed = desk.change(&of, change).map_err(|error| fail(error.to_string()))?;
    match changed {
        Ok((dossier, book)) => {
            let text = match output.format {
                Format::Text => super::text::standing_now(&book, Some(&dossier), now),
                Format::Json => super::text::document(&[super::text::row(&book)]),
            };
            output::result(output.format, &text);
            Ok(Status::Done)
        }
        Err(No::None) => Err(fail(format!("{of} has no rollout"))),
        Err(No::Queued(version)) => Err(fail(format!(
            "{version} of {of} is queued, and not begun: `cellc rollout run` begins it, `cellc rollout abort` takes it out"
        ))),
        Err(No::Refused(refused, word)) => Err(fail(format!("the rollout of {of} is {word}: {refused}"))),
        Err(No::Book(message)) => Err(fail(message)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use cell_eval::releases::Rollout;
    use cell_eval::rollout::{OnAlarm, Wave};
    use jiff::SignedDuration;

    use super::*;

    /// Two cells wait for a window that has opened meanwhile; nobody carries the rollout out.
    fn waiting(now: Timestamp) -> (Course, State) {
        let wave = Wave {
            label: "first".to_owned(),
            cells: vec!["cell.a".to_owned(), "cell.b".to_owned()],
            parallel: 2,
            tolerate: 0,
            bake: SignedDuration::from_hours(1),
            min_requests: None,
            one_box: false,
            alarms: Vec::new(),
            approval: false,
            follows: false,
        };
        let (of, rollout) = ("component.api".to_owned(), Some("rollout.r".to_owned()));
        let course = Course { of, rollout, waves: vec![wave], window: None, on_alarm: OnAlarm::Rollback };
        let state = State { phase: Phase::Shut { until: now }, ..State::new(&course, "v1", now, |_| None) };
        (course, state)
    }

    #[test]
    fn a_pause_begins_nothing_and_lets_go_of_what_has_left() {
        let now: Timestamp = "2026-06-02T09:00:00Z".parse().unwrap();
        let (course, state) = waiting(now);
        let gone = BTreeSet::from(["cell.b".to_owned()]);
        let pause = Event::Paused { who: "ana".to_owned() };
        let Step { state: paused, were, .. } = said(&course, state, &gone, (now, &pause)).unwrap();
        assert_eq!(were.into_keys().collect::<Vec<_>>(), ["cell.b"], "that it has left is told");
        let cells: Vec<(&str, CellState)> =
            paused.cells.iter().map(|(name, cell)| (name.as_str(), cell.state)).collect();
        assert_eq!((cells, paused.paused), (vec![("cell.a", CellState::Waiting)], true));
        let resume = Event::Resumed { who: "ana".to_owned() };
        let resumed = said(&course, paused, &gone, (now, &resume)).unwrap().state;
        assert_eq!(resumed.cells["cell.a"].state, CellState::Deploying);
        let refused = said(&course, resumed, &gone, (now, &Event::Approved { who: "ana".to_owned() }));
        assert_eq!(refused.unwrap_err(), Refused::NobodyAsked);
    }

    /// What has stopped with the release in some cells is ended before what is queued behind it is taken out.
    #[test]
    fn what_has_stopped_somewhere_goes_back_first() {
        let now: Timestamp = "2026-06-02T09:00:00Z".parse().unwrap();
        let (_, mut state) = waiting(now);
        state.phase = Phase::Stopped { why: cell_eval::rollout::Why::Deserted };
        let rollout = |state: State| Rollout {
            looked: BTreeMap::new(),
            number: 1,
            dossier: "d".to_owned(),
            former: BTreeMap::new(),
            state,
            by: "ana".to_owned(),
            begun: now,
            runner: None,
        };
        let book = |state: State| Book { rollout: Some(rollout(state)), ..Book::new("component.api") };
        assert!(!has_stopped(&book(state.clone())), "it has come nowhere");
        state.cells.set("cell.a", CellState::Baking);
        assert!(has_stopped(&book(state.clone())));
        state.phase = Phase::Done;
        assert!(!has_stopped(&book(state)));
    }
}
