//! Who, where, and how grave: a table of principals and cells. Owns which cells are one column: those in which the
//! same happens to everybody.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::super::entries::Entry;
use super::super::model::{Review, Row};
use super::super::phrases;
use super::changes::{Anchors, tag};
use super::safe;
use crate::terminal::address;

/// Names of a column that are listed.
const NAMES: usize = 500;

/// What a principal gets in each cell, as HTML.
type Line<'r> = BTreeMap<&'r str, String>;

/// Cells in which the same happens to everybody.
struct Column<'r> {
    cells: Vec<&'r str>,
    production: bool,
}

/// The table, or that nothing changes.
pub(super) fn table(review: &Review, entries: &[Entry<'_>], anchors: &Anchors) -> String {
    if entries.is_empty() {
        return "<p>Nobody gains or loses.</p>".to_owned();
    }
    let lines = lines(entries, anchors);
    let columns = columns(review, &lines);
    let folded = columns.iter().any(|column| column.cells.len() > 1);
    let note = if folded { " Cells in which the same happens to everybody are one column." } else { "" };
    let mut out = format!(
        "<p id=\"matrix-note\" class=\"quiet\">What each principal gains or loses, by cell; each word leads to the change.{note}</p>\n\
         <div class=\"scroll\" role=\"region\" aria-label=\"The matrix, which scrolls\" tabindex=\"0\">\n\
         <table aria-labelledby=\"matrix-title\" aria-describedby=\"matrix-note\">\n"
    );
    out.push_str(&head(&columns));
    out.push_str("<tbody>\n");
    for ((_, name), line) in &lines {
        out.push_str(&format!("<tr><th scope=\"row\">{}</th>", safe(name)));
        for column in &columns {
            let held = column.cells.first().and_then(|cell| line.get(cell)).map(String::as_str).unwrap_or_default();
            out.push_str(&format!("<td>{held}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>");
    out
}

/// By principal, those of the gravest entries first.
fn lines<'r>(entries: &[Entry<'r>], anchors: &Anchors) -> IndexMap<(&'r str, String), Line<'r>> {
    let mut lines: IndexMap<(&str, String), Line<'_>> = IndexMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for row in &entry.rows {
            let link = tag(entry, Some(anchors.of(at, &row.fingerprint)));
            let line = lines.entry((row.principal.as_str(), phrases::principal(row))).or_default();
            for cell in &row.cells {
                let held = line.entry(cell).or_default();
                if !held.is_empty() {
                    held.push_str("<br>");
                }
                held.push_str(&link);
            }
        }
    }
    lines
}

/// The columns: production first, then by their first cell.
fn columns<'r>(review: &'r Review, lines: &IndexMap<(&'r str, String), Line<'r>>) -> Vec<Column<'r>> {
    let production: BTreeSet<&str> = review.principals.iter().flat_map(of_production).collect();
    let cells: BTreeSet<(bool, &str)> =
        lines.values().flat_map(BTreeMap::keys).map(|cell| (!production.contains(cell), *cell)).collect();
    let mut columns: IndexMap<(bool, Vec<Option<&str>>), Vec<&str>> = IndexMap::new();
    for (other, cell) in cells {
        let held = lines.values().map(|line| line.get(cell).map(String::as_str)).collect();
        columns.entry((other, held)).or_default().push(cell);
    }
    columns.into_iter().map(|((other, _), cells)| Column { cells, production: !other }).collect()
}

/// A row's cells of production: they stand first.
fn of_production(row: &Row) -> impl Iterator<Item = &str> {
    row.cells.iter().take(row.production).map(String::as_str)
}

fn head(columns: &[Column<'_>]) -> String {
    let production = columns.iter().filter(|column| column.production).count();
    let mut out = "<thead>\n<tr><th scope=\"col\" rowspan=\"2\">Principal</th>".to_owned();
    for (title, count) in [("Production", production), ("Other cells and accounts", columns.len() - production)] {
        if count > 0 {
            out.push_str(&format!("<th scope=\"colgroup\" colspan=\"{count}\">{title}</th>"));
        }
    }
    out.push_str("</tr>\n<tr>");
    for column in columns {
        let names: Vec<String> = column.cells.iter().map(|cell| address::label(cell)).collect();
        let told = match names.as_slice() {
            [one] => safe(one),
            many => folded(many, column),
        };
        out.push_str(&format!("<th scope=\"col\">{told}</th>"));
    }
    out.push_str("</tr>\n</thead>\n");
    out
}

fn folded(names: &[String], column: &Column<'_>) -> String {
    let cells: Vec<String> = column.cells.iter().map(|cell| (*cell).to_owned()).collect();
    let items = names.iter().take(NAMES).map(|name| format!("<li>{}</li>", safe(name))).collect::<Vec<_>>().concat();
    let more = names.len().saturating_sub(NAMES);
    let more = if more > 0 { format!("<li>and {more} more</li>") } else { String::new() };
    let count = phrases::count_of_places(&cells);
    format!("<details><summary>{}</summary><ul>{items}{more}</ul></details>", safe(&count))
}
