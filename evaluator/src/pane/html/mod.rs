//! The pane as one HTML file: looked at in a browser, printed, or sent by mail. It asks for nothing from any network, and its
//! policy lets a browser run and show only what is its own. Readable without its script, which adds a filter and sorts.
//!
//! INVARIANT: what is foreign gets into the page only through [`safe`].

mod cost;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::bill::{Line, Standing};
use super::model::{Cell, Pane, Release, Sound, Told};
use super::text::{account, is_told, kind, of_apart, of_rollout, of_run, sum, version_piece};
use super::times::{day, moment};
use crate::terminal::address;
use crate::terminal::page::Tone;
use crate::web::{filled, hash, safe};
use crate::words::counted;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("../../web/base.css"), include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");

/// The pane as a page of HTML.
pub fn page(pane: &Pane) -> String {
    let over = over_budget(pane);
    let cells = pane.cells.iter().filter(|cell| is_grave(cell) || over.contains(cell.cell.as_str())).count();
    let halted = pane.releases.iter().filter(|release| is_halted(release)).count();
    let grave: Vec<String> = [(cells, "cell"), (halted, "release")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    let part = |name: &str| match name {
        "title" => safe(&format!("Cells at {} UTC", moment(pane.at))),
        "style" => STYLE.to_owned(),
        "style-hash" => hash(STYLE),
        "script" => SCRIPT.to_owned(),
        "script-hash" => hash(SCRIPT),
        "verdict" if grave.is_empty() => "nothing to look at".to_owned(),
        "verdict" => safe(&format!("{} to look at", grave.join(" and "))),
        "verdict-class" => if grave.is_empty() { "none" } else { "critical" }.to_owned(),
        "sum" => safe(&sum(pane)),
        "subject" => safe(&subject(pane)),
        "links" => links(pane),
        "releases" => releases(&pane.releases),
        "cells" => table(pane),
        "parked" => parked(pane),
        "cost" => pane.cost.as_ref().map(cost::section).unwrap_or_default(),
        "foot" => safe(&foot(pane)),
        _ => String::new(),
    };
    filled(TEMPLATE, &part)
}

/// The cells that cost more than their budget.
fn over_budget(pane: &Pane) -> BTreeSet<&str> {
    let is_over = |line: &&Line| line.budget.as_ref().is_some_and(|against| against.state == Standing::Over);
    pane.cost.iter().flat_map(|bill| &bill.cells).filter(is_over).map(|line| line.of.as_str()).collect()
}

fn is_grave(cell: &Cell) -> bool {
    cell.notes.iter().any(|note| note.grave)
}

/// One that did not go through, or of which cells have another version than is released.
fn is_halted(release: &Release) -> bool {
    !release.apart.is_empty() || release.rollout.as_ref().is_some_and(|rollout| !rollout.open && is_told(rollout))
}

fn subject(pane: &Pane) -> String {
    let of = pane.organization.as_ref().map(|id| format!(", organization {id}")).unwrap_or_default();
    format!("{} UTC, {}{of}, by the registry {}", moment(pane.at), pane.source, pane.registry)
}

fn foot(pane: &Pane) -> String {
    let unread = pane.alarms_unread.as_ref().map(|why| format!(" Alarms were not read: {why}.")).unwrap_or_default();
    format!("All times are in UTC.{unread}")
}

fn links(pane: &Pane) -> String {
    let mut links = String::new();
    if !pane.parked.is_empty() {
        links.push_str("<a href=\"#parked\">Parked accounts</a>\n");
    }
    if pane.cost.is_some() {
        links.push_str("<a href=\"#cost\">Cost</a>\n");
    }
    links
}

fn releases(all: &[Release]) -> String {
    if all.is_empty() {
        return "<p>The program releases nothing.</p>".to_owned();
    }
    let items: String = all.iter().map(release).collect();
    format!("<ul class=\"releases\">\n{items}</ul>")
}

fn release(release: &Release) -> String {
    let rollout = release.rollout.as_ref().filter(|rollout| is_told(rollout));
    let class = match rollout {
        Some(rollout) if rollout.open => " class=\"open\"",
        Some(_) => " class=\"halted\"",
        None => "",
    };
    let released = match &release.released {
        Some(released) => format!("<code>{}</code> since {}", safe(&released.version), day(released.since)),
        None => "nothing released yet".to_owned(),
    };
    let mut out = format!("<li{class}><strong>{}</strong>: {released}", safe(&release.of));
    if let Some(rollout) = rollout {
        out.push_str(&format!("<br>{}", safe(&of_rollout(rollout))));
    }
    for run in &release.runs {
        out.push_str(&format!("<br>{}", safe(&of_run(run))));
    }
    for apart in &release.apart {
        out.push_str(&format!("<br>{}", safe(&of_apart(apart))));
    }
    if let Some(next) = &release.next {
        let said = format!("queued: {}, by {} since {}", next.version, next.by, moment(next.since));
        out.push_str(&format!("<br>{}", safe(&said)));
    }
    out.push_str("</li>\n");
    out
}

/// A table in a box of its own that scrolls.
fn scroll(label: &str, table: &str) -> String {
    format!("<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n{table}</div>\n")
}

fn table(pane: &Pane) -> String {
    if pane.cells.is_empty() {
        return "<p>There are none.</p>".to_owned();
    }
    let components: Vec<&str> =
        pane.releases.iter().filter(|release| release.component).map(|release| release.of.as_str()).collect();
    let names = components.iter().map(|of| safe(&address::label(of)));
    let heads = ["Cell", "Kind", "Region", "Account", "Wave"].map(str::to_owned).into_iter();
    let heads = heads.chain(names).chain(["Alarms", "Last apply", "To know"].map(str::to_owned));
    let heads = heads.map(|head| format!("<th scope=\"col\">{head}</th>")).collect::<Vec<_>>().concat();
    let rows: String = pane.cells.iter().map(|cell| row(cell, &components)).collect();
    let table = format!(
        "<table id=\"cells-table\" aria-labelledby=\"cells-title\">\n<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    );
    scroll("The cells, which scrolls", &table)
}

fn row(cell: &Cell, components: &[&str]) -> String {
    let waves: Vec<String> = cell.waves.iter().map(|wave| label(&wave.wave, wave.follows)).collect();
    let mut out = format!(
        "<tr{} data-kind=\"{}\" data-waves=\"{}\" data-alarms=\"{}\"><th scope=\"row\">{}</th>",
        if is_grave(cell) { " class=\"grave\"" } else { "" },
        safe(&cell.kind),
        waves.iter().map(|wave| safe(wave)).collect::<Vec<_>>().join("\n"),
        cell.alarms.state.word(),
        safe(&address::label(&cell.cell))
    );
    let shown: Vec<String> = waves.iter().map(|wave| safe(wave)).collect();
    out.push_str(&format!(
        "<td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
        safe(&kind(cell)),
        safe(&cell.region),
        account(cell).map(safe).unwrap_or_default(),
        shown.join(", ")
    ));
    for of in components {
        let (text, tone) = cell.versions.get(*of).map(version_piece).unwrap_or_default();
        out.push_str(&format!("<td>{}</td>", tagged(&text, tone)));
    }
    out.push_str(&alarms(&cell.alarms));
    match &cell.applied {
        Some(applied) => out.push_str(&format!("<td data-sort=\"{}\">{}</td>", applied.at, moment(applied.at))),
        None => out.push_str("<td></td>"),
    }
    out.push_str(&format!("<td class=\"notes\">{}</td></tr>\n", notes(cell)));
    out
}

fn label(wave: &str, follows: bool) -> String {
    if follows { format!("no wave ({wave})") } else { wave.to_owned() }
}

/// A text, marked where it stands out.
fn tagged(text: &str, tone: Option<Tone>) -> String {
    let class = match tone {
        Some(Tone::Alarm) => "critical",
        Some(Tone::Warning) => "high",
        Some(Tone::Notice) => "may",
        Some(Tone::Good) => "proven",
        Some(Tone::Quiet) => "low",
        Some(Tone::Strong) | None => return safe(text),
    };
    if text.is_empty() { String::new() } else { format!("<span class=\"tag {class}\">{}</span>", safe(text)) }
}

fn alarms(told: &Told) -> String {
    let tone = match told.state {
        Sound::Alarm => Some(Tone::Alarm),
        Sound::NoData => Some(Tone::Warning),
        Sound::Ok => Some(Tone::Good),
        Sound::Unknown => Some(Tone::Quiet),
        Sound::None => None,
    };
    let text = match told.state {
        Sound::Alarm => format!("{} of {} off", told.off.len(), told.count),
        Sound::NoData => format!("{} of {} without data", told.no_data.len(), told.count),
        Sound::Ok => format!("{} ok", told.count),
        Sound::None | Sound::Unknown => told.state.word().to_owned(),
    };
    let why = told.why.as_ref().map(|why| format!(" title=\"{}\"", safe(why))).unwrap_or_default();
    format!("<td{why}>{}</td>", tagged(&text, tone))
}

fn notes(cell: &Cell) -> String {
    let items: Vec<String> = cell
        .notes
        .iter()
        .map(|note| {
            let text = safe(&note.text);
            if note.grave { format!("<li><strong>{text}</strong></li>") } else { format!("<li>{text}</li>") }
        })
        .collect();
    if items.is_empty() { String::new() } else { format!("<ul>{}</ul>", items.concat()) }
}

fn parked(pane: &Pane) -> String {
    if pane.parked.is_empty() {
        return String::new();
    }
    let items: Vec<String> = pane
        .parked
        .iter()
        .map(|parked| {
            let said =
                format!("{} {}, which was {}, since {}", parked.account, parked.name, parked.from, day(parked.since));
            format!("<li>{}</li>\n", safe(&said))
        })
        .collect();
    format!(
        "<section id=\"parked\" aria-labelledby=\"parked-title\">\n<h2 id=\"parked-title\">Parked accounts</h2>\n<ul>\n{}</ul>\n</section>\n",
        items.concat()
    )
}
