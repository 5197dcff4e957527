//! Rollouts in words: a line of the log, where the cells of a rollout are. Pure text.

use std::collections::BTreeMap;

use cell_eval::releases::wishes::is_of_component;
use cell_eval::releases::{Apart, Book, Dossier, Driven, Note, apart};
use cell_eval::rollout::{CellState, Phase, State};
use cell_eval::terminal::visible::{self, line};
use cell_eval::words::{counted, second};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

/// Cells that are named of each state.
const NAMED: usize = 5;

/// A line of the log.
pub(crate) fn note(of: &str, note: &Note) -> String {
    format!("{} {of}: {}", second(note.at), line(note.what.as_bytes()))
}

/// Where a rollout is, in a few lines.
pub(crate) fn standing(book: &Book) -> String {
    let of = &book.of;
    let released = book.released.as_ref().map_or("nothing", |has| has.version.as_str());
    let Some(rollout) = &book.rollout else {
        return format!("{of}: {released} released, no rollout\n{}{}", queued(book), driven(book));
    };
    let state = &rollout.state;
    let why = state.phase.why().map(|why| format!(": {why}")).unwrap_or_default();
    let paused = if state.paused { ", paused" } else { "" };
    let mut text = format!(
        "{of}: {} is {}{why}{paused} (rollout {}, by {}; {released} released)\n",
        state.version,
        state.phase.word(),
        rollout.number,
        rollout.by
    );
    let mut by: BTreeMap<CellState, Vec<&str>> = BTreeMap::new();
    for (name, cell) in &state.cells {
        by.entry(cell.state).or_default().push(name);
    }
    for (cell_state, names) in by {
        let more = names.len().saturating_sub(NAMED);
        let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let word = cell_state.word_in(&state.phase);
        text.push_str(&format!("  {word:<14} {}  {named}{more}\n", counted(names.len(), "cell")));
    }
    text.push_str(&beside(book));
    text + &queued(book) + &driven(book)
}

/// The same for somebody who looks at it now.
pub(crate) fn standing_now(book: &Book, dossier: Option<&Dossier>, now: Timestamp) -> String {
    standing(book) + &at_present(book, dossier, now)
}

/// What is waited for now, a line each, and whether anybody carries the rollout out.
pub(crate) fn at_present(book: &Book, dossier: Option<&Dossier>, now: Timestamp) -> String {
    let Some(rollout) = book.open() else { return String::new() };
    let alone = rollout.runner.as_ref().is_none_or(|runner| runner.until <= now);
    let unattended = if alone { "  no process carries it out now: `cellc rollout run` does\n" } else { "" };
    waiting(book, &rollout.state, dossier, now) + unattended
}

/// What is waited for that its phase does not say.
fn waiting(book: &Book, state: &State, dossier: Option<&Dossier>, now: Timestamp) -> String {
    let label = book.of.rsplit('.').next().unwrap_or(&book.of);
    match (&state.phase, &book.next) {
        (_, Some(next)) if state.paused => {
            format!(
                "  paused, it gives way to {}: `cellc rollout abort {label} --queued` keeps that from it\n",
                next.version
            )
        }
        (Phase::Approval, _) => format!("  `cellc rollout approve {label}` agrees to it\n"),
        (Phase::Shut { until }, _) => format!("  the window opens {}\n", moment(*until, now)),
        (Phase::Baking { until, requests, .. }, _) => {
            dossier.and_then(|dossier| dossier.course.waves.get(state.wave)).map_or_else(String::new, |wave| {
                let who = if state.one_box { "the one box of wave" } else { "wave" };
                let watched = wave.alarms.iter().map(|alarm| visible::name(alarm)).collect::<Vec<_>>().join(", ");
                let watched = if watched.is_empty() { "no alarm".to_owned() } else { watched };
                let least = wave.min_requests.filter(|least| requests < least);
                let traffic =
                    least.map(|least| format!("  traffic is waited for: {requests} of {least} requests so far\n"));
                let label = visible::text(&wave.label);
                format!("  {who} {label} bakes to {}; watched: {watched}\n", moment(*until, now))
                    + &traffic.unwrap_or_default()
            })
        }
        _ => String::new(),
    }
}

/// An instant, and how far it is from now.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let left = at.duration_since(now);
    let left = if left.as_mins() > 0 {
        SignedDuration::from_mins(left.as_mins())
    } else {
        SignedDuration::from_secs(left.as_secs().max(0))
    };
    format!("{}, in {left:#}", second(at))
}

fn queued(book: &Book) -> String {
    book.next.as_ref().map(|next| format!("  then {}, queued by {}\n", next.version, next.by)).unwrap_or_default()
}

/// When a rollout is over: the cells that have another version than the released one, and what mends that.
pub(crate) fn beside(book: &Book) -> String {
    if book.open().is_some() {
        return String::new();
    }
    let apart = apart(book);
    if !apart.is_empty() {
        let told = |apart: &Apart| format!("  not released   {}; {}\n", apart.told(), line(apart.mend.as_bytes()));
        return apart.iter().map(told).collect();
    }
    // Something is queued, which may mend it.
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    book.beside_the_released().for_each(|(cell, version)| by.entry(version).or_default().push(cell));
    let told = |(version, cells): (String, Vec<&str>)| {
        let named = cells.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = cells.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("  not released   {version} is in {}: {named}{more}\n", counted(cells.len(), "cell"))
    };
    by.into_iter().map(told).collect()
}

/// The runs of a pipeline.
fn driven(book: &Book) -> String {
    let told = |driven: &Driven| {
        let Driven { run, version, by, state, reached, failed, .. } = driven;
        let (word, cells) = (state.word(), counted(reached.len(), "cell"));
        let failed = if failed.is_empty() { String::new() } else { format!(", {} failed", failed.len()) };
        let head = format!("  run {run} of {version} is {word}, {cells} reached{failed} (by {by})\n");
        line(head.trim_end().as_bytes()) + "\n"
    };
    book.driven.iter().map(told).collect()
}

/// The cells that failed or could not go back, with the reasons.
pub(crate) fn cells_that_are_not_well(book: &Book) -> String {
    let Some(rollout) = &book.rollout else { return String::new() };
    let bad = |(name, cell): (&String, &cell_eval::rollout::state::Cell)| {
        let why = cell.why.as_ref()?;
        Some(format!("  {name} {}: {}\n", cell.state.word(), line(why.as_bytes())))
    };
    let mut all: String = rollout.state.cells.iter().filter_map(bad).collect();
    for (name, part) in &book.in_part {
        let version = line(part.version.as_bytes());
        let why = part.why.as_ref().map(|why| format!(": {}", line(why.as_bytes()))).unwrap_or_default();
        all.push_str(&format!("  {name} may have {version} in part, of an earlier rollout that failed there{why}\n"));
    }
    for (name, places) in &book.behind {
        let places: Vec<String> = places.keys().map(|place| line(place.as_bytes())).collect();
        let places = places.join("; ");
        all.push_str(&format!("  {name}: {places} stays, where the cell had it before; an apply takes it away\n"));
    }
    if rollout.state.that_are(|state| state == CellState::Stuck).next().is_none() {
        return all;
    }
    let mended = match &book.released {
        Some(_) => {
            "either in part: `cellc apply` queues what it should have, and `cellc rollout run` brings that".to_owned()
        }
        None => {
            let label = book.of.rsplit('.').next().unwrap_or(&book.of);
            let next = if is_of_component(&book.of) {
                format!("`cellc rollout start {label} VERSION`")
            } else {
                "`cellc apply`".to_owned()
            };
            format!("it in part: nothing is released, and the next {next} brings that")
        }
    };
    format!("{all}  what is stuck may have {mended}\n")
}

/// A rollout as data: how it ended, none while it goes on, and its book.
pub(crate) fn row(book: &Book) -> Json {
    let phase = book.rollout.as_ref().map(|rollout| &rollout.state.phase);
    let ending = phase.filter(|phase| phase.is_over()).map(super::drive::told);
    json!({ "of": book.of, "ending": ending, "book": book })
}

/// Rollouts as data.
pub(crate) fn document(rows: &[Json]) -> String {
    json!({ "format_version": "1.0", "rollouts": rows }).to_string() + "\n"
}
