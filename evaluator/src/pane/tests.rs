//! What the pane says of a fleet in which everything is the case at once; what a person reads is in snapshots.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

mod bills;
mod samples;

use std::collections::BTreeMap;

use super::model::{Compared, Sound, Standing};
use super::*;
use crate::releases::book::InPart;
use crate::rollout::state::{Cell as RolledCell, Why};
use crate::rollout::{CellState, Phase, Signal};
use crate::terminal::Look;
use samples::{Fleet, at};

fn shown(pane: &Pane, width: usize, verbose: bool) -> String {
    let mut out = String::new();
    text::write(pane, &Look { verbose, width, color: false }, &mut out).unwrap();
    out
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(shown(&Fleet::troubled().pane(&[]), 140, false));
}

#[test]
fn a_narrow_terminal_gets_several_tables() {
    let text = shown(&Fleet::troubled().pane(&[]), 100, false);
    let table = text.split("\nCells\n").nth(1).unwrap().split("\nTo know\n").next().unwrap();
    for line in table.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn before_the_first_apply() {
    let fleet = Fleet::untouched();
    let pane = fleet.pane(&[]);
    assert!(pane.cells.iter().all(|cell| cell.standing == Standing::NotApplied));
    assert!(pane.cells.iter().all(|cell| cell.applied.is_none()));
    insta::assert_snapshot!(shown(&pane, 140, false));
}

#[test]
fn a_cell_is_told_as_the_program_the_record_and_the_books_have_it() {
    let pane = Fleet::troubled().pane(&[]);
    let cell = |name: &str| pane.cells.iter().find(|cell| cell.cell == name).unwrap();
    assert_eq!(cell("cell.one").standing, Standing::Applied);
    assert_eq!(cell("cell.one").account.as_deref(), Some("100000000001"));
    assert_eq!(cell("cell.one").applied.as_ref().unwrap().run, "r2", "an assignment is newer than the account");
    assert_eq!(cell("cell.made").standing, Standing::BeingMade);
    assert_eq!(cell("cell.down").standing, Standing::TornDown);
    assert_eq!(cell("cell.down").account, None);
    assert_eq!(cell("cell.left").standing, Standing::NotInProgram);
    assert_eq!(
        (cell("cell.left").kind.as_str(), cell("cell.left").account.as_deref()),
        ("alpha", Some("100000000009"))
    );
    assert_eq!((cell("cell.far").cloud.as_str(), cell("cell.far").project.as_deref()), ("gcp", Some("acme-far")));
    assert_eq!(cell("cell.far").standing, Standing::Applied, "that it was published is all that an apply does there");
    assert!(cell("cell.dev").expired && !cell("cell.one").expired);
    assert_eq!(cell("cell.two").state, "draining");
}

#[test]
fn versions_are_compared_with_what_is_released_and_what_is_coming() {
    let pane = Fleet::troubled().pane(&[]);
    let of = |cell: &str, component: &str| {
        let cell = pane.cells.iter().find(|row| row.cell == cell).unwrap();
        cell.versions.get(component).cloned()
    };
    let api = |cell: &str| of(cell, "component.api").unwrap();
    assert_eq!(api("cell.one").version.as_deref(), Some("v2"));
    assert_eq!(api("cell.one").compared, Compared::Coming);
    assert_eq!(api("cell.one").rollout.unwrap().state, "baking");
    assert_eq!(api("cell.two").compared, Compared::Released);
    assert_eq!(api("cell.two").rollout.unwrap().state, "skipped");
    assert_eq!(api("cell.three").rollout.unwrap().why.as_deref(), Some("no room"));
    assert_eq!(api("cell.made").compared, Compared::Missing);
    assert_eq!(of("cell.one", "component.web").unwrap().compared, Compared::Differs);
    assert_eq!(of("cell.one", "component.web").unwrap().rollout, None);
    assert_eq!(of("cell.two", "component.web"), None, "it does not go there");
    let web = pane.releases.iter().find(|release| release.of == "component.web").unwrap();
    assert_eq!(web.next.as_ref().unwrap().version, "w3");
}

#[test]
fn an_alarm_is_told_by_the_gravest() {
    let pane = Fleet::troubled().pane(&[]);
    let of = |cell: &str| &pane.cells.iter().find(|row| row.cell == cell).unwrap().alarms;
    assert_eq!(
        (of("cell.one").state, of("cell.one").off.as_slice()),
        (Sound::Alarm, &["alarm.errors".to_owned()][..])
    );
    assert_eq!(of("cell.two").state, Sound::NoData, "one that is not there has no data");
    assert_eq!(of("cell.three").state, Sound::Ok);
    assert_eq!((of("cell.four").state, of("cell.four").why.as_deref()), (Sound::Unknown, Some("it lets nobody in")));
    assert_eq!(of("cell.left").state, Sound::None);
}

#[test]
fn without_a_reader_alarms_are_unknown_and_it_is_said_why() {
    let mut fleet = Fleet::troubled();
    fleet.unread = Some("nobody asked".to_owned());
    fleet.heard.clear();
    let pane = fleet.pane(&[]);
    let one = pane.cells.iter().find(|row| row.cell == "cell.one").unwrap();
    assert_eq!((one.alarms.state, one.alarms.why.as_deref()), (Sound::Unknown, Some("nobody asked")));
    assert!(shown(&pane, 120, false).contains("alarms were not read: nobody asked"));
}

#[test]
fn only_what_is_asked_for_is_shown() {
    let fleet = Fleet::troubled();
    let names = |only: &[&str]| {
        let only: Vec<String> = only.iter().map(ToString::to_string).collect();
        let pane = fleet.pane(&only);
        let cells: Vec<String> = pane.cells.iter().map(|cell| cell.cell.clone()).collect();
        let of: Vec<String> = pane.releases.iter().map(|release| release.of.clone()).collect();
        (cells.join(" "), of.join(" "), pane.left_out)
    };
    assert_eq!(names(&["cell.two"]), ("cell.two".into(), "component.api component.web".into(), 8));
    assert_eq!(names(&["component.web"]), ("cell.one cell.three".into(), "component.web".into(), 7));
    assert_eq!(names(&["cell.two", "component.web"]), ("cell.two".into(), "component.web".into(), 8));
}

/// Each cell that has an account and alarms is asked once, and no other.
#[test]
fn alarms_are_asked_for_once_a_cell() {
    #[derive(Default)]
    struct Reader(std::sync::Mutex<Vec<String>>);
    impl Alarms for Reader {
        fn look(&self, asked: &Asked) -> Result<BTreeMap<String, Signal>, String> {
            let names: Vec<&str> = asked.alarms.values().map(String::as_str).collect();
            let line = format!("{} {} {} {}", asked.cell, asked.account, asked.region, names.join(","));
            self.0.lock().unwrap().push(line);
            Ok(asked.alarms.keys().map(|alarm| (alarm.clone(), Signal::Ok)).collect())
        }
    }
    let fleet = Fleet::troubled();
    let reader = Reader::default();
    let cells = rows::cells(&fleet.desired, &fleet.record);
    let heard = listen(&reader, &asked(&fleet.desired, &fleet.record, &cells));
    let mut asked = reader.0.into_inner().unwrap();
    asked.sort();
    assert_eq!(asked.len(), heard.len());
    assert_eq!(asked.first().unwrap(), "cell.dev 100000000005 us-west-2 errors-dev");
    assert!(asked.iter().all(|line| !line.contains("cell.made") && !line.contains("cell.down")), "{asked:?}");
}

/// Why something is not as it should be is told as the book keeps it, and what a cell without a version waits for.
#[test]
fn why_a_cell_has_not_what_is_released_is_told() {
    let mut fleet = Fleet::many(4);
    let part = InPart { version: "v3".into(), dossier: "d".into(), why: Some("no room".into()), place: None };
    let book = &mut fleet.books.get_mut("component.api").unwrap().book;
    book.in_part.insert("cell.use1-1".into(), part);
    book.cells.remove("cell.use1-2");
    let mut rollout = samples::rollout();
    rollout.state.phase = Phase::RolledBack { why: Why::Person { who: "ana".into() } };
    let cell = rollout.state.cells.values().next().unwrap().clone();
    let back = RolledCell { state: CellState::RolledBack, why: Some("out of memory".into()), ..cell };
    let well = RolledCell { why: None, ..back.clone() };
    rollout.state.cells = [("cell.use1-3".to_owned(), back), ("cell.use1-4".to_owned(), well)].into_iter().collect();
    rollout.state.version = "v3".into();
    book.rollout = Some(rollout);
    let pane = fleet.pane(&[]);
    let notes = |name: &str| {
        let cell = pane.cells.iter().find(|cell| cell.cell == name).unwrap();
        cell.notes.iter().map(|note| note.text.clone()).collect::<Vec<_>>()
    };
    let unwell =
        "may be there in part: it failed or could not go back, and nothing has come there well since: no room";
    assert_eq!(notes("cell.use1-1"), [format!("component.api v3 {unwell}")]);
    assert_eq!(notes("cell.use1-2"), ["component.api is not deployed there yet: `cellc apply` brings v2"]);
    assert_eq!(notes("cell.use1-3"), ["component.api v3 failed there and went back: out of memory"]);
    assert_eq!(notes("cell.use1-4"), ["component.api went back there from v3: ana ended it"]);
    assert!(shown(&pane, 120, true).lines().any(|line| line.contains("use1-4") && line.contains("rolled back")));
}

#[test]
fn many_cells_that_are_alike_are_one_line() {
    let fleet = Fleet::many(300);
    let pane = fleet.pane(&[]);
    let text = shown(&pane, 120, false);
    assert!(text.lines().count() < 30, "{text}");
    insta::assert_snapshot!(text);
    let each = shown(&pane, 120, true);
    assert!(each.lines().count() > 300);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

#[test]
fn what_is_written_is_read_again() {
    let pane = Fleet::troubled().pane(&[]);
    let json = serde_json::to_value(&pane).unwrap();
    assert_eq!(serde_json::from_value::<Pane>(json).unwrap(), pane);
    assert_eq!(pane.at, at("2026-06-03T09:00:00Z"));
}

/// The fleet of these tests, with costs, is what the page is looked at with in a browser. `UPDATE=1` writes it anew.
#[test]
fn the_sample_for_browsers_is_this_fleet() {
    let fleet = Fleet::troubled();
    let mut pane = fleet.pane(&[]);
    pane.cost = Some(bill(&fleet.desired, &fleet.record, &bills::some(), at("2026-06-16T09:00:00Z")));
    let text = serde_json::to_string_pretty(&pane).unwrap() + "\n";
    let path = format!("{}/../tests/browser/status.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "`UPDATE=1` writes it anew");
}
