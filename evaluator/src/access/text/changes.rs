//! Who gains and loses what: an entry's head, its line for the first screen, and its details. Owns how each is laid
//! out and folded.

use super::super::entries::{Entry, Mark};
use super::super::model::{Delta, Severity};
use super::super::phrases;
use crate::terminal::page::{Page, Row, Sign, Tone};
use crate::terminal::{address, visible};
use crate::words::counted;

/// Regions of one entry that are told; the rest is counted.
const REGIONS: usize = 3;

/// Ways to more power of one region.
const PATHS: usize = 3;

/// Items of a list in a line.
const ITEMS: usize = 3;

/// Source lines behind an entry.
const LINES: usize = 3;

/// Fingerprints of one entry that are shown.
const PRINTS: usize = 3;

/// The word an entry begins with, and how much it stands out.
pub(super) fn label(mark: Mark) -> (&'static str, Tone) {
    match mark {
        Mark::Gain(severity) => (severity.word(), tone(severity)),
        Mark::May(_) => ("MAY", Tone::Notice),
        Mark::Loss => ("LOSS", Tone::Quiet),
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Alarm,
        Severity::High => Tone::Warning,
        Severity::Medium => Tone::Notice,
        Severity::Low => Tone::Quiet,
    }
}

/// `CRITICAL + group developers × pay-prod, ledger-prod (production)     privilege escalation [proven]`
pub(super) fn head(page: &mut Page, entry: &Entry<'_>) {
    let (word, tone) = label(entry.mark);
    let sign = match entry.mark {
        Mark::May(_) => Sign::May,
        Mark::Loss => Sign::Remove,
        Mark::Gain(_) if entry.lost.is_empty() && entry.gained.iter().all(|delta| delta.changes.is_empty()) => {
            Sign::Add
        }
        Mark::Gain(_) => Sign::Change,
    };
    let class = match entry.mark {
        Mark::May(severity) => format!("at most {}: {}", severity.word(), phrases::class(entry)),
        _ => phrases::class(entry),
    };
    let proof = entry.deltas().map(|delta| delta.proof).max().map(phrases::proof).unwrap_or_default();
    let who = page.names("", &phrases::principals(entry), 1);
    let text = format!("{who} × {}", places(page, entry));
    page.spread((&format!("{word:<8}"), tone), &Row::signed(0, sign, text), &format!("{class} [{proof}]"));
}

/// Where: names where they are few, else the count and the first of them.
fn places(page: &Page, entry: &Entry<'_>) -> String {
    let Some(row) = entry.row() else { return String::new() };
    let production = phrases::production(row);
    let count = phrases::count_of_places(&row.cells);
    let names: Vec<String> = row.cells.iter().map(|cell| address::label(cell)).collect();
    match row.cells.as_slice() {
        [one] => format!("{}{production}", address::with_kind(one)),
        [_, _] if !page.look.verbose => format!("{}{production}", names.join(", ")),
        _ if page.look.verbose => format!("{count}{production}: {}", names.join(", ")),
        _ if row.everywhere => format!("all {count}{production}"),
        _ => format!("{count}{production}"),
    }
}

/// One line of what is gained, and how to name it.
pub(super) fn short(page: &mut Page, entry: &Entry<'_>) {
    let Some(first) = entry.deltas().next() else { return };
    let more = entry.deltas().count() - 1;
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let verb = if entry.gained.is_empty() { phrases::loses(first) } else { verb(entry) };
    let line = format!("{verb}  {}{more}{}", what(page, first), at(page, entry));
    page.plain(1, &line);
    prints(page, entry);
}

/// Everything else of an entry.
pub(super) fn details(page: &mut Page, entry: &Entry<'_>) {
    extent(page, entry);
    let shown = most(page, REGIONS);
    let mut left = 0;
    for (lost, deltas) in [(false, &entry.gained), (true, &entry.lost)] {
        for delta in deltas.iter().take(shown) {
            region(page, if lost { phrases::loses(delta) } else { verb(entry) }, delta);
            // The head names the class of the gravest.
            let head = entry.gained.first().map(|first| &first.risk.class);
            if !lost && head.is_some_and(|class| *class != delta.risk.class) {
                page.plain(2, &format!("as {}", visible::text(&delta.risk.class)));
            }
        }
        left += deltas.len().saturating_sub(shown);
    }
    if left > 0 {
        page.plain(1, &format!("… and {left} more regions, none graver; `--verbose` shows them"));
    }
    if let Some(until) = entry.lost.iter().find_map(|delta| phrases::until(delta)) {
        page.plain(1, &until);
    }
    causes(page, entry);
    prints(page, entry);
}

fn verb(entry: &Entry<'_>) -> &'static str {
    if matches!(entry.mark, Mark::May(_)) { "may gain" } else { "gains" }
}

/// Where else something else happens to the principal, and which places of many these are.
fn extent(page: &mut Page, entry: &Entry<'_>) {
    let count = entry.cells().len();
    if count > 2 && !page.look.verbose {
        let names: Vec<String> = entry.cells().iter().map(|cell| address::label(cell)).collect();
        let line = page.names("in  ", &names, 1);
        page.plain(1, &line);
    }
    if entry.otherwise > 0 {
        let here = phrases::count_of_places(entry.cells());
        page.plain(1, &format!("same in {here}, differs in {}", entry.otherwise));
    }
}

/// A region: what, its proof where it is none, ways to more power, and a request.
fn region(page: &mut Page, verb: &str, delta: &Delta) {
    page.plain(1, &format!("{verb}  {}", what(page, delta)));
    for change in phrases::key_changes(delta) {
        page.plain(2, &shown(page, &change));
    }
    if !delta.because.is_empty() {
        let reasons: Vec<String> = delta.because.iter().map(|reason| shown(page, reason)).collect();
        page.plain(2, &format!("because {}", reasons.join("; ")));
    }
    let shown = most(page, PATHS);
    for path in delta.risk.paths.iter().take(shown) {
        page.plain(2, &format!("path {}", phrases::path(path)));
    }
    let more = delta.risk.paths.get(shown..).unwrap_or_default();
    if !more.is_empty() {
        let ids: Vec<String> = more.iter().map(|path| visible::name(&path.id)).collect();
        page.plain(2, &format!("and {}: {}", counted(more.len(), "more path"), folded(page, &ids)));
    }
    let grave = delta.risk.severity <= Severity::High;
    if let Some(witness) = delta.witness.as_ref().filter(|_| grave || page.look.verbose) {
        page.plain(2, &format!("witness  {}  {}", phrases::request(witness), phrases::answers(witness)));
        let context = phrases::context(witness);
        if page.look.verbose && !context.is_empty() {
            page.plain(3, &format!("with {}", context.join(", ")));
        }
    }
    if page.look.verbose {
        for statement in phrases::deciding(delta) {
            page.plain(2, &format!("{}: {}", phrases::side(statement.side), phrases::statement(statement)));
        }
    }
}

/// `s3:GetObject (+3) on arn:aws:s3:::logs-*  when aws:SourceVpce is vpce-1`
pub(super) fn what(page: &Page, delta: &Delta) -> String {
    let resources: Vec<String> = delta.resources.iter().map(|resource| shown(page, resource)).collect();
    let mut text = folded(page, &phrases::actions(delta));
    if let Some(future) = phrases::future(delta, most(page, ITEMS)) {
        text = if text.is_empty() { future } else { format!("{text}, and {future}") };
    }
    if !resources.is_empty() {
        text.push_str(&format!(" on {}", folded(page, &resources)));
    }
    let conditions: Vec<String> = delta.conditions.iter().map(|condition| shown(page, condition)).collect();
    if !conditions.is_empty() && !phrases::is_told_by_changes(delta) {
        let first = if page.look.verbose { conditions.len() } else { 1 };
        let more = conditions.len().saturating_sub(first);
        let more = if more > 0 { format!(", or (+{more})") } else { String::new() };
        text.push_str(&format!("  when {}{more}", conditions[..first.min(conditions.len())].join(", or ")));
    }
    text
}

/// The first items of a list, and how many more there are.
fn folded(page: &Page, items: &[String]) -> String {
    phrases::folded(items, most(page, ITEMS))
}

/// A text of a region: where everything is shown, all of it.
fn shown(page: &Page, text: &str) -> String {
    if page.look.verbose { visible::whole(text) } else { visible::text(text) }
}

/// How many of so many are shown.
fn most(page: &Page, few: usize) -> usize {
    if page.look.verbose { usize::MAX } else { few }
}

/// By which grants, sets and lines.
fn causes(page: &mut Page, entry: &Entry<'_>) {
    let Some(row) = entry.row() else { return };
    let mut grants: Vec<String> = Vec::new();
    for grant in entry.rows.iter().flat_map(|row| &row.grants) {
        let told = phrases::entity(grant);
        if !grants.contains(&told) {
            grants.push(told);
        }
    }
    let mut causes = Vec::new();
    if !row.sets.given.is_empty() {
        let by = if grants.is_empty() { String::new() } else { format!(" by {}", folded(page, &grants)) };
        causes.push(format!("is given {}{by}", phrases::sets(&row.sets.given)));
    }
    if !row.sets.taken.is_empty() {
        causes.push(format!("loses the set {}", phrases::sets(&row.sets.taken)));
    }
    let lines = phrases::lines(entry.deltas());
    if !lines.is_empty() {
        causes.push(format!("by {}", phrases::folded(&lines, most(page, LINES))));
    }
    if !causes.is_empty() {
        page.plain(1, &causes.join("; "));
    }
}

/// The source lines, at the end of a line.
fn at(page: &Page, entry: &Entry<'_>) -> String {
    let lines = phrases::lines(entry.deltas());
    if lines.is_empty() { String::new() } else { format!("  {}", phrases::folded(&lines, most(page, 1))) }
}

/// The fingerprints by which the rows are named.
fn prints(page: &mut Page, entry: &Entry<'_>) {
    // Nobody has to answer for what is lost.
    if entry.mark == Mark::Loss && !page.look.verbose {
        return;
    }
    if let [row] = entry.rows.as_slice() {
        page.plain(1, &format!("accept as  {}", visible::name(&row.fingerprint)));
        return;
    }
    let shown = most(page, PRINTS);
    for row in entry.rows.iter().take(shown) {
        page.plain(1, &format!("accept for {} as  {}", phrases::principal(row), visible::name(&row.fingerprint)));
    }
    if entry.rows.len() > shown {
        page.plain(1, &format!("… and {}", counted(entry.rows.len() - shown, "more principal")));
    }
}
