//! What stands behind the changes: what is waived, what changes nothing, what is not seen, and how it was decided.

use super::super::entries;
use super::super::model::{Review, Verdict};
use super::super::phrases;
use crate::terminal::page::{Page, Row, Tone};
use crate::terminal::{address, visible};
use crate::words::counted;

/// Lines of unmanaged access.
const UNMANAGED: usize = 10;

/// Rows that an `accept` waives, with who answers for them and until when.
pub(super) fn waived(review: &Review, page: &mut Page) {
    for row in entries::waived(review) {
        let Some(waived) = &row.waived else { continue };
        let risk = row.gained.first().map_or("access lost", |delta| delta.risk.class.as_str());
        let text = format!(
            "{} × {}: {}, {}",
            phrases::principal(row),
            phrases::count_of_places(&row.cells),
            row.severity.word(),
            visible::text(risk)
        );
        page.labelled("WAIVED  ", Tone::Quiet, &Row::plain(0, text));
        let (label, reason) = (visible::name(&waived.label), visible::text(&waived.reason));
        let at = phrases::place(&waived.place);
        page.plain(1, &format!("accept {label} ({at}): {reason}"));
        let (owner, expires) = (visible::text(&waived.owner), visible::text(&waived.expires));
        page.plain(1, &format!("owner {owner}, until {expires}, {}", visible::name(&row.fingerprint)));
    }
}

/// Everything else.
pub(super) fn foot(review: &Review, page: &mut Page) {
    page.blank();
    if !review.limits.is_empty() {
        page.plain(0, "limits that hold less, and that no row above names:");
        review.limits.iter().for_each(|one| page.plain(1, &phrases::said_of(one)));
    }
    if !review.idle.is_empty() {
        page.plain(0, "accepts that waive nothing:");
        review.idle.iter().for_each(|one| page.plain(1, &phrases::said_of(one)));
    }
    if !review.equivalent.is_empty() {
        page.plain(0, &format!("no effect: {} proven equivalent", counted(review.equivalent.len(), "text change")));
        if page.look.verbose {
            for one in &review.equivalent {
                page.plain(1, &phrases::said_of(one));
            }
        } else {
            let names: Vec<String> = review.equivalent.iter().map(|one| address::with_kind(&one.address)).collect();
            let listed = page.names("", &names, 1);
            page.plain(1, &listed);
        }
    }
    if phrases::has_none_unmanaged(review) {
        page.plain(0, "access that cellc does not manage: none");
    }
    if !review.unmanaged.is_empty() {
        page.plain(0, "access that cellc does not manage:");
        let most = if page.look.verbose { usize::MAX } else { UNMANAGED };
        review.unmanaged.iter().take(most).for_each(|one| page.plain(1, &visible::text(one)));
        if let Some(more @ 1..) = review.unmanaged.len().checked_sub(most) {
            page.plain(1, &format!("… and {more} more"));
        }
    }
    if !review.not_modelled.is_empty() {
        page.plain(0, "not modelled:");
        review.not_modelled.iter().for_each(|one| page.plain(1, &visible::text(one)));
    }
    page.plain(0, &format!("evidence: {}", phrases::evidence(review)));
    approve(review, page);
}

/// The same for the first screen, in a few lines.
pub(super) fn brief(review: &Review, page: &mut Page) {
    let mut said = Vec::new();
    if !review.limits.is_empty() {
        let word = if review.limits.len() == 1 { "holds" } else { "hold" };
        said.push(format!("{} {word} less", counted(review.limits.len(), "limit")));
    }
    if !review.idle.is_empty() {
        let word = if review.idle.len() == 1 { "waives" } else { "waive" };
        said.push(format!("{} {word} nothing", counted(review.idle.len(), "accept")));
    }
    if !review.equivalent.is_empty() {
        said.push(format!("no effect: {} proven equivalent", counted(review.equivalent.len(), "text change")));
    }
    if !review.not_modelled.is_empty() {
        said.push(format!("not modelled: {}", counted(review.not_modelled.len(), "thing")));
    }
    said.push(phrases::evidence(review));
    page.plain(0, &said.join(" · "));
    approve(review, page);
}

/// How to say yes; of what breaks a guard nobody can.
fn approve(review: &Review, page: &mut Page) {
    if review.verdict != Verdict::Broken
        && review.principals.iter().any(|row| !row.gained.is_empty() && row.waived.is_none())
    {
        page.plain(0, &format!("approve all of it: cellc apply --approve {}", visible::name(&review.fingerprint)));
    }
}
