//! The changes, one fold each. Owns their layout, and where links to them lead.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entries::{Entry, Mark};
use super::super::model::{Delta, Proof, Row, Statement, Waived};
use super::super::phrases;
use super::{code, safe};
use crate::terminal::{address, visible};

/// Items of a list that are shown unfolded, and those that are shown at all.
const FEW: usize = 8;
const MANY: usize = 500;

/// Where the links lead: the ids of rows in each entry.
#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<(usize, String), String>);

impl Anchors {
    /// The id of a row in an entry.
    pub(super) fn of(&self, entry: usize, fingerprint: &str) -> &str {
        self.0.get(&(entry, fingerprint.to_owned())).map(String::as_str).unwrap_or_default()
    }
}

/// A row's fingerprint leads to the gravest entry that it is in; an id stands in a page once.
pub(super) fn anchors(entries: &[Entry<'_>]) -> Anchors {
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut anchors = Anchors::default();
    for (at, entry) in entries.iter().enumerate() {
        for row in &entry.rows {
            let mut id = visible::whole(&row.fingerprint).replace(' ', "_");
            while !used.insert(id.clone()) {
                id.push_str("-too");
            }
            anchors.0.insert((at, row.fingerprint.clone()), id);
        }
    }
    anchors
}

/// The word of an entry, as a link or plain.
pub(super) fn tag(entry: &Entry<'_>, to: Option<&str>) -> String {
    let waived = entry.row().is_some_and(|row| row.waived.is_some());
    let (class, word) = match entry.mark {
        _ if waived => ("waived".to_owned(), "waived".to_owned()),
        Mark::Gain(severity) => (severity.word().to_lowercase(), severity.word().to_lowercase()),
        Mark::May(severity) => ("may".to_owned(), format!("may: {}", severity.word().to_lowercase())),
        Mark::Loss => ("loss".to_owned(), "loss".to_owned()),
    };
    match to {
        Some(id) => format!("<a class=\"tag {class}\" href=\"#{}\">{word}</a>", safe(&link(id))),
        None => format!("<span class=\"tag {class}\">{word}</span>"),
    }
}

/// An id as the fragment of a URL.
fn link(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// All of them.
pub(super) fn all(entries: &[Entry<'_>], anchors: &Anchors) -> String {
    if entries.is_empty() {
        return "<p>Nobody gains or loses.</p>".to_owned();
    }
    entries.iter().enumerate().map(|(at, entry)| article(at, entry, anchors)).collect()
}

fn article(at: usize, entry: &Entry<'_>, anchors: &Anchors) -> String {
    let Some(first) = entry.row() else { return String::new() };
    let severity = match entry.mark {
        Mark::Gain(severity) | Mark::May(severity) => severity.word().to_lowercase(),
        Mark::Loss => "loss".to_owned(),
    };
    let edge = if matches!(entry.mark, Mark::May(_)) { "may" } else { &severity };
    let proofs: BTreeSet<&str> = entry.deltas().map(|delta| phrases::proof(delta.proof)).collect();
    let proofs: Vec<&str> = proofs.into_iter().collect();
    let mut out = format!(
        "<article id=\"{}\" class=\"edge-{edge}\" data-entry=\"{at}\" data-severity=\"{severity}\" data-proof=\"{}\">\n\
         <details>\n<summary>{}</summary>\n<div class=\"body\">\n",
        safe(anchors.of(at, &first.fingerprint)),
        proofs.join(" "),
        summary(entry)
    );
    out.push_str(&extent(at, entry, anchors));
    for (verb, deltas) in [(verb(entry), &entry.gained), ("loses", &entry.lost)] {
        deltas.iter().for_each(|delta| out.push_str(&region(verb, delta)));
    }
    out.push_str("</div>\n</details>\n</article>\n");
    out
}

fn verb(entry: &Entry<'_>) -> &'static str {
    if matches!(entry.mark, Mark::May(_)) { "may gain" } else { "gains" }
}

fn summary(entry: &Entry<'_>) -> String {
    let who = phrases::folded(&phrases::principals(entry), 3);
    let production = entry.row().map(phrases::production).unwrap_or_default();
    let names: Vec<String> = entry.cells().iter().map(|cell| address::label(cell)).collect();
    let places = match names.as_slice() {
        [_] | [_, _] => names.join(", "),
        _ => phrases::count_of_places(entry.cells()),
    };
    let proof = entry.deltas().map(|delta| delta.proof).max().unwrap_or(Proof::Proven);
    // That a gain is proven is nothing good: it has no colour of its own.
    let class = if proof == Proof::May { "may" } else { "proof" };
    let proof = phrases::proof(proof);
    format!(
        "{} <h3>{}</h3> <span class=\"where\">× {}{production}</span> · {} <span class=\"tag {class}\">{proof}</span>",
        tag(entry, None),
        safe(&who),
        safe(&places),
        safe(&phrases::class(entry))
    )
}

/// Who, where, why and how to name it.
fn extent(at: usize, entry: &Entry<'_>, anchors: &Anchors) -> String {
    let names: Vec<String> = entry.cells().iter().map(|cell| safe(&address::label(cell))).collect();
    let mut out = "<dl>\n".to_owned();
    out.push_str(&said("where", &list(&names)));
    if entry.otherwise > 0 {
        let here = safe(&phrases::count_of_places(entry.cells()));
        out.push_str(&said("extent", &format!("same in {here}, differs in {}", entry.otherwise)));
    }
    let Some(row) = entry.row() else { return out };
    let mut grants: Vec<String> = Vec::new();
    for grant in entry.rows.iter().flat_map(|row| &row.grants).map(|grant| safe(&phrases::entity(grant))) {
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    if !row.sets.given.is_empty() {
        out.push_str(&said("is given", &safe(&phrases::sets(&row.sets.given))));
    }
    if !grants.is_empty() {
        out.push_str(&said("by", &list(&grants)));
    }
    if !row.sets.taken.is_empty() {
        out.push_str(&said("loses the set", &safe(&phrases::sets(&row.sets.taken))));
    }
    out.push_str(&row.waived.as_ref().map(waiver).unwrap_or_default());
    let print = |(place, row): (usize, &&Row)| {
        // The first one's id is the whole fold's.
        let id =
            if place == 0 { String::new() } else { format!(" id=\"{}\"", safe(anchors.of(at, &row.fingerprint))) };
        format!("<li{id}>{}: {}</li>", safe(&phrases::principal(row)), code(&row.fingerprint))
    };
    let prints = entry.rows.iter().enumerate().map(print).collect::<Vec<_>>().concat();
    out.push_str(&said("accept as", &format!("<ul class=\"prints\">{prints}</ul>")));
    out.push_str("</dl>\n");
    out
}

fn waiver(waived: &Waived) -> String {
    let text = format!(
        "{} (accept {}, {}; owner {}, until {})",
        visible::text(&waived.reason),
        visible::text(&waived.label),
        phrases::place(&waived.place),
        visible::text(&waived.owner),
        visible::text(&waived.expires)
    );
    said("waived", &safe(&text))
}

/// A region: what, under which condition, how far it is proven, by which request and statements.
pub(super) fn region(verb: &str, delta: &Delta) -> String {
    let mut out = "<div class=\"region\">\n<dl>\n".to_owned();
    let mut actions: Vec<String> = phrases::actions(delta).iter().map(|action| code(action)).collect();
    actions.extend(phrases::future(delta, MANY).map(|future| safe(&future)));
    out.push_str(&said(verb, &list(&actions)));
    let codes = |all: &[String]| all.iter().map(|one| code(one)).collect::<Vec<_>>();
    if !delta.resources.is_empty() {
        out.push_str(&said("on", &list(&codes(&delta.resources))));
    }
    if !delta.conditions.is_empty() {
        out.push_str(&said("when", &list(&codes(&delta.conditions))));
    }
    if !delta.changes.is_empty() {
        out.push_str(&said("condition", &list(&codes(&phrases::key_changes(delta)))));
    }
    let severity = delta.risk.severity.word().to_lowercase();
    out.push_str(&said("risk", &format!("{}, {severity}", safe(&delta.risk.class))));
    let proof = phrases::proof(delta.proof);
    let because: Vec<String> = delta.because.iter().map(|reason| safe(reason)).collect();
    let because = if because.is_empty() { String::new() } else { format!(": {}", list(&because)) };
    out.push_str(&said("proof", &format!("{proof}{because}")));
    if !delta.risk.paths.is_empty() {
        let paths: Vec<String> = delta.risk.paths.iter().map(|path| safe(&phrases::path(path))).collect();
        out.push_str(&said("path", &list(&paths)));
    }
    if let Some(witness) = &delta.witness {
        let context = codes(&phrases::context(witness));
        let with = if context.is_empty() { String::new() } else { format!(" with {}", context.join(", ")) };
        let (request, answers) = (code(&phrases::request(witness)), safe(&phrases::answers(witness)));
        out.push_str(&said("witness", &format!("{request}{with}<br>{answers}")));
    }
    let told = |one: &Statement| format!("{}: {}", phrases::side(one.side), phrases::statement(one));
    let statements: Vec<String> = phrases::deciding(delta).map(|statement| safe(&told(statement))).collect();
    if !statements.is_empty() {
        out.push_str(&said("decided by", &list(&statements)));
    }
    if let Some(until) = phrases::until(delta) {
        out.push_str(&said("until", &safe(&until)));
    }
    out.push_str("</dl>\n</div>\n");
    out
}

/// A term and what is said of it, which is HTML.
fn said(term: &str, html: &str) -> String {
    format!("<dt>{term}</dt><dd>{html}</dd>\n")
}

/// HTML items: in a line where they are few, else the first ones and a fold of all.
pub(super) fn list(items: &[String]) -> String {
    if items.len() <= FEW {
        return items.join(", ");
    }
    let first = items.get(..3).unwrap_or_default().join(", ");
    let all = items.iter().take(MANY).map(|item| format!("<li>{item}</li>")).collect::<Vec<_>>().concat();
    let more = items.len().saturating_sub(MANY);
    let more = if more > 0 {
        format!("<li>and {more} more: see <code>cellc review --format json</code></li>")
    } else {
        String::new()
    };
    format!("{first} <details><summary>all {}</summary><ul>{all}{more}</ul></details>", items.len())
}
