//! The pane from what is known. Owns which cells there are, of the program and of the record, and what is told of each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::plan::desired::Desired;
use crate::registry::record::Record;
use crate::releases::Book;
use crate::terminal::address;

use super::alarms::{Heard, told, wanted};
use super::model::{Applied, Cell, FORMAT_VERSION, Note, Pane, Parked, Sound, Standing, Version, Wave};
use super::releases::{awaited, is_component, note, release, version};

/// A book, and the names of the waves of its rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// The book.
    pub book: Book,
    /// The waves of its last rollout, in order; empty when they could not be read.
    pub waves: Vec<String>,
}

/// What the pane is made of.
#[derive(Debug)]
pub struct Given<'a> {
    /// The program.
    pub desired: &'a Desired,
    /// The record.
    pub record: &'a Record,
    /// Where it lies.
    pub registry: String,
    /// The books, by the address of what is released.
    pub books: &'a BTreeMap<String, Shelved>,
    /// What was heard of alarms, by cell.
    pub heard: &'a BTreeMap<String, Heard>,
    /// Why alarms were not read; none when they were.
    pub unread: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Cells and components that are asked for, by address; empty for all.
    pub only: &'a [String],
}

/// The addresses that [`Given::only`] takes: cells and what is released.
pub fn addresses<'a>(desired: &'a Desired, record: &'a Record) -> BTreeSet<&'a str> {
    let released = desired.releases.keys().map(String::as_str).filter(|of| is_component(of));
    cells(desired, record).into_iter().chain(released).collect()
}

/// The cells of the program and those that the record still has.
pub fn cells<'a>(desired: &'a Desired, record: &'a Record) -> BTreeSet<&'a str> {
    let is_cell = |address: &&str| address::kind(address) == Some("cell") && !address.contains(['/', ':']);
    let recorded = record.resources.iter().filter(|(_, entry)| entry.kind == "account" && !entry.is_claim());
    let recorded = recorded.map(|(address, _)| address.as_str()).chain(record.cells.keys().map(String::as_str));
    let recorded = recorded.filter(is_cell).filter(|address| !record.gone.contains_key(*address));
    desired.cells.keys().map(String::as_str).chain(recorded).collect()
}

/// The account of a cell or of an account, as the record or the program says it.
pub(super) fn account_of(desired: &Desired, record: &Record, address: &str) -> Option<String> {
    let recorded = record.entry(address).map(|entry| entry.id.clone()).filter(|id| !id.is_empty());
    let said = || desired.resources.get(address)?.account.as_ref()?.id.clone();
    let published = || record.cells.get(address)?.get("account_id")?.as_str().map(str::to_owned);
    // What was torn down has no account any more, whatever a program says of the one that it was made from.
    recorded.or_else(said).or_else(published).filter(|_| !record.gone.contains_key(address))
}

/// All cells at an instant.
pub fn pane(given: &Given<'_>) -> Pane {
    let (desired, record) = (given.desired, given.record);
    let chosen = |address: &str| given.only.is_empty() || given.only.iter().any(|only| only == address);
    let components: Vec<&str> = given.only.iter().map(String::as_str).filter(|only| is_component(only)).collect();
    let shown: Vec<(&String, &Shelved)> =
        given.books.iter().filter(|(of, _)| components.is_empty() || components.contains(&of.as_str())).collect();
    let goes = |of: &str, cell: &str| desired.releases.get(of).is_some_and(|wish| wish.cells.contains_key(cell));
    let all = cells(desired, record);
    let asked = |cell: &&&str| {
        chosen(cell)
            || (given.only.iter().all(|only| is_component(only)) && components.iter().any(|of| goes(of, cell)))
    };
    let applied = applied(record);
    let rows: Vec<Cell> =
        all.iter().filter(asked).map(|cell| row(given, &shown, applied.get(cell).cloned(), cell)).collect();
    Pane {
        format_version: FORMAT_VERSION.to_owned(),
        source: desired.source.clone(),
        at: given.at,
        registry: given.registry.clone(),
        organization: record.organization.as_ref().map(|identity| identity.organization.clone()),
        alarms_unread: given.unread.clone(),
        releases: shown.iter().map(|(of, shelved)| release(of, shelved, given.at)).collect(),
        left_out: all.len() - rows.len(),
        cells: rows,
        parked: record.parked.iter().map(parked).collect(),
        cost: None,
    }
}

fn parked((id, parked): (&String, &crate::registry::record::Parked)) -> Parked {
    Parked { account: id.clone(), name: parked.name.clone(), from: parked.from.clone(), since: parked.since }
}

/// When something was last applied in each cell, and by which run.
fn applied(record: &Record) -> BTreeMap<&str, Applied> {
    let mut last: BTreeMap<&str, Applied> = BTreeMap::new();
    for (address, entry) in record.resources.iter().filter(|(_, entry)| !entry.is_claim()) {
        let place = address.rsplit('/').next().unwrap_or(address);
        let newer = last.get(place).is_none_or(|applied| applied.at < entry.applied_at);
        if newer {
            last.insert(place, Applied { at: entry.applied_at, run: entry.run.clone() });
        }
    }
    last
}

fn row(given: &Given<'_>, shown: &[(&String, &Shelved)], applied: Option<Applied>, cell: &str) -> Cell {
    let (desired, record) = (given.desired, given.record);
    let nothing = Json::Null;
    // What the program says; of a cell that has left it, what the record had published.
    let said = desired.published.get(cell).or_else(|| record.cells.get(cell)).unwrap_or(&nothing);
    let text = |name: &str| said.get(name).and_then(Json::as_str).map(str::to_owned);
    let cloud = text("cloud").unwrap_or_else(|| "aws".to_owned());
    let kind = desired.cells.get(cell).cloned().or_else(|| text("kind")).unwrap_or_default();
    let standing = standing(given, cell);
    let state = text("state").unwrap_or_else(|| "active".to_owned());
    let today = TimeZone::UTC.to_datetime(given.at).date().to_string();
    let expires = text("expires");
    let expired = expires.as_ref().is_some_and(|day| *day < today);
    let here = |of: &str| desired.releases.get(of).is_some_and(|wish| wish.cells.contains_key(cell));
    let components = shown.iter().filter(|(of, _)| is_component(of));
    let versions: BTreeMap<String, Version> = components
        .filter(|(of, shelved)| here(of) || shelved.book.cells.contains_key(cell))
        .map(|(of, shelved)| ((*of).clone(), version(&shelved.book, cell)))
        .collect();
    let unread = match &given.unread {
        Some(why) => why,
        _ if cloud != "aws" => "the account of monitoring, where alarms of other clouds are, is not there yet",
        None => "the cell has no account yet",
    };
    let alarms = told(&wanted(desired, cell), given.heard.get(cell), unread);
    let mut notes = standing_notes(given, standing, cell);
    if expired {
        let day = expires.clone().unwrap_or_default();
        notes.push(Note {
            grave: true,
            text: if record.entry(cell).is_some() {
                format!("it expired on {day}: `cellc destroy --only {cell}` tears it down")
            } else {
                format!("it expired on {day}, and is not there")
            },
        });
    }
    notes.extend(shown.iter().filter_map(|(of, shelved)| note(of, &shelved.book, cell)));
    if standing == Standing::Applied {
        let all = shown.iter().filter_map(|(of, shelved)| awaited(of, shelved, versions.get(*of)?));
        notes.extend(all);
    }
    if let (Sound::Unknown, Some(why)) =
        (alarms.state, alarms.why.as_ref().filter(|_| cloud != "aws" && given.unread.is_none()))
    {
        notes.push(Note { grave: false, text: format!("what its alarms say is not known: {why}") });
    }
    if alarms.state == Sound::Alarm {
        notes.push(Note { grave: true, text: format!("{} went off", alarms.off.join(", ")) });
    }
    if alarms.state == Sound::NoData {
        notes.push(Note { grave: false, text: format!("{}: no data", alarms.no_data.join(", ")) });
    }
    let account = if cloud == "aws" { account_of(desired, record, cell) } else { None };
    let (region, project) = (text("region").unwrap_or_default(), text("project"));
    let waves = waves(desired, shown, cell);
    Cell {
        cell: cell.to_owned(),
        kind,
        cloud,
        region,
        account,
        project,
        state,
        standing,
        expires,
        expired,
        waves,
        versions,
        alarms,
        applied,
        notes,
    }
}

fn standing(given: &Given<'_>, cell: &str) -> Standing {
    let (desired, record) = (given.desired, given.record);
    let recorded = record.entry(cell).is_some_and(|entry| !entry.is_claim());
    // A cell on another cloud has no account of ours: that it was published is all that an apply does.
    let published = desired.gcp.iter().any(|other| other == cell) && record.cells.contains_key(cell);
    match (desired.cells.contains_key(cell), recorded || published) {
        (false, _) => Standing::NotInProgram,
        (true, true) => Standing::Applied,
        (true, false) if record.pending.contains_key(cell) => Standing::BeingMade,
        (true, false) if record.gone.contains_key(cell) => Standing::TornDown,
        (true, false) => Standing::NotApplied,
    }
}

fn standing_notes(given: &Given<'_>, standing: Standing, cell: &str) -> Vec<Note> {
    let record = given.record;
    let note = |grave: bool, text: String| vec![Note { grave, text }];
    match standing {
        Standing::Applied => Vec::new(),
        Standing::NotApplied => note(false, "not applied yet".to_owned()),
        Standing::BeingMade => {
            let since = record.pending.get(cell).map(|pending| super::times::moment(pending.at)).unwrap_or_default();
            note(true, format!("its account was asked for at {since}, and no run has seen it: `cellc apply` goes on"))
        }
        Standing::TornDown => {
            let gone = record.gone.get(cell);
            let (fate, at) = gone.map(|gone| (gone.fate.clone(), super::times::day(gone.at))).unwrap_or_default();
            note(false, format!("torn down on {at} (account {fate}); the program still has it"))
        }
        Standing::NotInProgram => {
            note(true, "the program has it no more: say with `removed` what becomes of it, and apply".to_owned())
        }
    }
}

/// The waves in which releases come to a cell: those in which the same comes are one.
fn waves(desired: &Desired, shown: &[(&String, &Shelved)], cell: &str) -> Vec<Wave> {
    let mut all: Vec<Wave> = Vec::new();
    for (of, wish) in desired.releases.iter().filter(|(of, _)| shown.iter().any(|(shown, _)| shown == of)) {
        let found = wish.course.waves.iter().find(|wave| wave.cells.iter().any(|other| other == cell));
        let Some(found) = found else { continue };
        match all.iter_mut().find(|wave| wave.wave == found.label && wave.follows == found.follows) {
            Some(wave) => wave.of.push(of.clone()),
            None => {
                let (wave, follows) = (found.label.clone(), found.follows);
                all.push(Wave { wave, follows, of: vec![of.clone()] });
            }
        }
    }
    all
}

/// A field of a cell's block as the program has it.
pub(super) fn block<'a>(desired: &'a Desired, cell: &str, name: &str) -> Option<&'a serde_json::Map<String, Json>> {
    desired.published.get(cell)?.get(name)?.as_object()
}
