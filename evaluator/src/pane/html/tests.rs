//! What is in the page; what it looks like is seen in a browser.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use super::super::model::{Note, Pane};
use super::*;
use crate::terminal::visible;

const HOSTILE: &str = "a</script><img src=x onerror=alert(1)>&\"'\u{1b}[31m\u{202e}";

fn sample(name: &str) -> Pane {
    let text = std::fs::read_to_string(format!("{}/../tests/browser/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What stands between the first `before` and the next `after`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn the_policy_lets_in_only_what_is_in_the_page() {
    let page = page(&sample("status.json"));
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0);
    let wanted =
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'");
    assert_eq!(policy, wanted);
    for foreign in ["http://", "https://", " style=", " onclick=", "url(", "@import", "{{"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn every_cell_is_a_row_and_every_component_a_column() {
    let pane = sample("status.json");
    let page = page(&pane);
    let table = between(&page, "<table id=\"cells-table\"", "</table>");
    assert_eq!(
        table.matches("<tr data-kind=").count() + table.matches("<tr class=\"grave\"").count(),
        pane.cells.len()
    );
    let components = pane.releases.iter().filter(|release| release.component).count();
    assert_eq!(table.matches("<th scope=\"col\">").count(), 8 + components);
    assert!(page.contains("id=\"cost\"") && page.contains("id=\"parked\""));
}

#[test]
fn what_is_foreign_is_no_markup() {
    let mut pane = sample("status.json");
    for cell in &mut pane.cells {
        cell.cell = HOSTILE.into();
        cell.kind = HOSTILE.into();
        cell.region = HOSTILE.into();
        cell.alarms.why = Some(HOSTILE.into());
        cell.notes.push(Note { grave: false, text: HOSTILE.into() });
        cell.waves.iter_mut().for_each(|wave| wave.wave = HOSTILE.into());
        cell.versions.values_mut().for_each(|version| version.version = Some(HOSTILE.into()));
    }
    for release in &mut pane.releases {
        release.of = HOSTILE.into();
    }
    let page = page(&pane);
    let body = between(&page, "<body>", "<script>");
    for markup in ["<img", "</script", "onerror=alert(1)>", "<!--"] {
        assert!(!body.contains(markup), "{markup}");
    }
    assert!(!page.chars().any(|c| c != '\n' && visible::is_hidden(c)));
}

#[test]
fn a_cell_over_its_budget_is_to_be_looked_at() {
    let mut pane = sample("status.json");
    pane.cells.iter_mut().for_each(|cell| cell.notes.clear());
    let over = over_budget(&pane).len();
    assert!(over > 0);
    assert!(page(&pane).contains(&format!("{} to look at", counted(over, "cell"))));
    pane.cost = None;
    assert!(page(&pane).contains("nothing to look at"));
}

#[test]
fn a_release_that_did_not_go_through_is_to_be_looked_at() {
    let mut pane = sample("status.json");
    pane.cells.iter_mut().for_each(|cell| cell.notes.clear());
    pane.cost = None;
    let rollout = pane.releases.iter_mut().find_map(|release| release.rollout.as_mut()).unwrap();
    rollout.open = false;
    rollout.phase = "rolled back".to_owned();
    let page = page(&pane);
    assert!(page.contains(">1 release to look at"), "{page}");
}

#[test]
fn without_cells_the_page_says_so() {
    let pane = Pane { cells: vec![], releases: vec![], parked: vec![], cost: None, ..sample("status.json") };
    let page = page(&pane);
    assert!(page.contains("<p>There are none.</p>") && page.contains("nothing to look at"));
    assert!(!page.contains("id=\"cost\"") && !page.contains("id=\"parked\""));
}
