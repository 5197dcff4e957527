//! A review as one HTML file: read in a browser, printed, or sent by mail. It asks for nothing from any network, and
//! its policy lets a browser run and show only what is its own. Owns how the template is filled; each part of the page
//! is a submodule's. Readable without its script, which adds a filter and the keyboard.
//!
//! INVARIANT: what is foreign gets into the page only through [`safe`] or [`data`].

mod changes;
mod matrix;
mod parts;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::entries::{Entry, entries, of_row, waived};
use super::model::{Delta, Review, Verdict};
use super::phrases;
use crate::terminal::visible;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
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

/// A template with its places filled. What is filled in is not read again.
fn filled(template: &str, part: &dyn Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len() * 4);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            break;
        };
        out.push_str(&part(name));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The source by which a policy lets a browser use what is written in the page.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(text.as_bytes())))
}

/// A text as HTML, in an element or in an attribute between double quotes.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible::whole(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
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

/// The entries as JSON that no text of it can end, in ASCII where a browser or a reader could take a character for
/// another.
fn data(entries: &[Entry<'_>]) -> String {
    let of = |entry: &'_ Entry<'_>| {
        let who = entry.rows.iter().map(|row| [row.principal.as_str(), row.name.as_str(), row.fingerprint.as_str()]);
        // Data of our own can always be written.
        let data = Data { who: who.collect(), cells: entry.cells(), gained: &entry.gained, lost: &entry.lost };
        serde_json::to_string(&data).unwrap_or_default()
    };
    let json = format!("[{}]", entries.iter().map(of).collect::<Vec<_>>().join(","));
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '<' | '>' | '&' | '\'') || visible::is_hidden(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}
