//! A review for the person who answers for it: someone who did not write the program and has one screen. Owns the
//! order of what is said, and what is folded; each part is a submodule's. Judges nothing: all facts are the review's.
//!
//! INVARIANT: no character of a name or a policy reaches the terminal unless `visible` lets it through.

mod changes;
mod guards;
mod tail;
#[cfg(test)]
mod tests;

use std::fmt;

use super::entries::{Entry, entries};
use super::model::{Holds, Review, Verdict};
use super::phrases;
use crate::terminal::Look;
use crate::terminal::page::{Page, Row, Tone};

/// Entries that are told in full on the whole page; of those behind them their heads.
const FULL: usize = 12;

/// Entries whose heads are shown.
const HEADS: usize = 40;

/// Lines of the first screen for entries.
const SCREEN: usize = 16;

/// Lines of an entry on the first screen.
const SHORT: usize = 3;

/// Writes the review as text.
pub fn write(review: &Review, look: &Look, out: &mut impl fmt::Write) -> fmt::Result {
    let mut page = Page::new(*look);
    header(review, &mut page);
    guards::line(review, &mut page);
    guards::breaches(review, &mut page);
    let entries = entries(review);
    let shown = if look.verbose { entries.len() } else { HEADS };
    for (at, entry) in entries.iter().enumerate().take(shown) {
        changes::head(&mut page, entry);
        if look.verbose || at < FULL {
            changes::details(&mut page, entry);
        }
    }
    rest(&mut page, entries.get(shown..).unwrap_or_default(), "`--verbose` shows them");
    tail::waived(review, &mut page);
    tail::foot(review, &mut page);
    page.write(out)
}

/// Writes the first screen only, for a page that tells of more than access. It is at most about 24 lines, and says
/// what it leaves out.
pub fn first_screen(review: &Review, look: &Look, out: &mut impl fmt::Write) -> fmt::Result {
    let mut page = Page::new(Look { verbose: false, ..*look });
    screen(review, &mut page);
    page.write(out)
}

/// The first screen, on a page that tells of more than access.
pub(crate) fn screen(review: &Review, page: &mut Page) {
    header(review, page);
    guards::line(review, page);
    guards::first_breach(review, page);
    let entries = entries(review);
    let mut shown = 0;
    let full = page.lines() + SCREEN;
    for entry in &entries {
        if shown > 0 && page.lines() + SHORT > full {
            break;
        }
        changes::head(page, entry);
        changes::short(page, entry);
        shown += 1;
    }
    rest(page, entries.get(shown..).unwrap_or_default(), "`cellc review` shows them");
    tail::brief(review, page);
}

fn header(review: &Review, page: &mut Page) {
    let tone = match review.verdict {
        Verdict::None => Tone::Good,
        Verdict::Review => Tone::Warning,
        Verdict::Broken => Tone::Alarm,
    };
    page.labelled("access review", Tone::Strong, &Row::plain(0, format!("of {}", phrases::subject(review))));
    let mut sum = phrases::sum(review);
    let waived = super::entries::waived(review).count();
    if waived > 0 {
        sum.push_str(&format!("; {} waived", crate::words::counted(waived, "row")));
    }
    page.labelled(
        &format!("VERDICT: {}", phrases::verdict(review.verdict)),
        tone,
        &Row::plain(0, format!("· {sum}")),
    );
}

/// What is not shown, by how grave it is.
fn rest(page: &mut Page, entries: &[Entry<'_>], how: &str) {
    if entries.is_empty() {
        return;
    }
    let mut counts: Vec<(String, usize)> = Vec::new();
    for entry in entries {
        let label = changes::label(entry.mark).0.to_lowercase();
        match counts.last_mut() {
            Some((last, count)) if *last == label => *count += 1,
            _ => counts.push((label, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(label, count)| format!("{count} {label}")).collect();
    page.plain(0, &format!("… {} more: {}; {how}", entries.len(), counts.join(", ")));
}

/// A mark that does not need colour.
fn sign_of(holds: Holds) -> &'static str {
    match holds {
        Holds::Proven => "✓",
        Holds::May => "?",
        Holds::Broken => "✗",
    }
}
