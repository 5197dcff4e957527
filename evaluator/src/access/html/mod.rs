//! A review as one HTML file: read in a browser, printed, or sent by mail. It asks for nothing from any network, and
//! its policy lets a browser run and show only what is its own. Owns how the template is filled; each part of the page
//! is a submodule's. Readable without its script, which adds a filter and the keyboard.
//!
//! INVARIANT: what is foreign gets into the page only through [`safe`] or [`escaped`].

mod changes;
mod matrix;
mod parts;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::entries::{Entry, entries, of_row, waived};
use super::model::{Delta, Review, Verdict};
use super::phrases;
use crate::web::{escaped, filled, hash, safe};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("../../web/base.css"), include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");

/// The review as a page of HTML.
pub fn page(review: &Review) -> String {
    let mut shown = entries(review);
    shown.extend(waived(review).flat_map(of_row));
    let anchors = changes::anchors(&shown);
    let part = |name: &str| match name {
        "title" => safe(&format!("Access review: {}", phrases::subject(review))),
        "style" => STYLE.to_owned(),
        "style-hash" => hash(STYLE),
        "script" => SCRIPT.to_owned(),
        "script-hash" => hash(SCRIPT),
        "verdict" => safe(phrases::verdict(review.verdict)),
        "verdict-class" => class_of(review.verdict).to_owned(),
        "sum" => safe(&parts::sum(review)),
        "subject" => safe(&phrases::subject(review)),
        "guards" => parts::guards(review),
        "matrix" => matrix::table(review, &shown, &anchors),
        "changes" => changes::all(&shown, &anchors),
        "besides" => parts::besides(review),
        "evidence" => safe(&phrases::evidence(review)),
        "fingerprint" => safe(&review.fingerprint),
        "data" => data(&shown),
        _ => String::new(),
    };
    filled(TEMPLATE, &part)
}

/// A text as code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", safe(text))
}

fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::None => "none",
        Verdict::Review => "review",
        Verdict::Broken => "broken",
    }
}

/// What the filter looks into: an entry of the page, by its place.
#[derive(Debug, Serialize)]
struct Data<'r> {
    who: Vec<[&'r str; 3]>,
    cells: &'r [String],
    gained: &'r [&'r Delta],
    lost: &'r [&'r Delta],
}

/// The entries as JSON.
fn data(entries: &[Entry<'_>]) -> String {
    let of = |entry: &'_ Entry<'_>| {
        let who = entry.rows.iter().map(|row| [row.principal.as_str(), row.name.as_str(), row.fingerprint.as_str()]);
        // Data of our own can always be written.
        let data = Data { who: who.collect(), cells: entry.cells(), gained: &entry.gained, lost: &entry.lost };
        serde_json::to_string(&data).unwrap_or_default()
    };
    escaped(&format!("[{}]", entries.iter().map(of).collect::<Vec<_>>().join(",")))
}
