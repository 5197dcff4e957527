//! What the guards say. Owns the line of all of them, and how a breach is told.

use super::super::model::{Breach, Guard, Holds, Review, Time};
use super::super::phrases;
use super::{changes, sign_of};
use crate::terminal::address;
use crate::terminal::page::{Page, Row, Sign, Tone};
use crate::terminal::visible;

/// Breaches of one guard that are told.
const BREACHES: usize = 3;

/// `guards: 11 of 12 proven  ✗ no-iam-write-in-prod`, and over how much they hold.
pub(super) fn line(review: &Review, page: &mut Page) {
    if review.guards.is_empty() {
        page.plain(0, "guards: the program has none");
        return;
    }
    let mut text = format!("guards: {}", phrases::guards(&review.guards));
    for holds in [Holds::Broken, Holds::May] {
        let names: Vec<String> = review.guards.iter().filter(|guard| guard.holds == holds).map(name).collect();
        if !names.is_empty() {
            let listed = page.names("", &names, 1);
            text.push_str(&format!("  {} {listed}", sign_of(holds)));
        }
    }
    page.plain(0, &text);
    let proven = review.guards.iter().filter(|guard| guard.holds == Holds::Proven);
    let proven: Vec<String> = proven.map(|guard| format!("{} {}", name(guard), phrases::over(guard))).collect();
    if page.look.verbose {
        proven.iter().for_each(|guard| page.plain(1, &format!("✓ {guard}")));
    } else if !proven.is_empty() {
        let listed = page.names("✓ ", &proven, 1);
        page.plain(1, &listed);
    }
    for guard in review.guards.iter().filter(|guard| guard.holds == Holds::May) {
        let reasons: Vec<String> = guard.because.iter().map(|reason| visible::text(reason)).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
        page.plain(1, &format!("? {} may be broken, {}{reasons}", name(guard), phrases::over(guard)));
    }
}

/// Every broken guard, with who breaks it, by which request, and the statements that together allow it.
pub(super) fn breaches(review: &Review, page: &mut Page) {
    for guard in review.guards.iter().filter(|guard| guard.holds == Holds::Broken) {
        head(guard, page);
        let most = if page.look.verbose { usize::MAX } else { BREACHES };
        guard.broken.iter().take(most).for_each(|breach| one(breach, page));
        let told: usize = guard.broken.iter().take(most).map(|breach| breach.cells.len()).sum();
        if guard.breaches > told {
            page.plain(1, &format!("… and in {} more places", guard.breaches - told));
        }
    }
}

/// The first breach of each broken guard, on a line.
pub(super) fn first_breach(review: &Review, page: &mut Page) {
    for guard in review.guards.iter().filter(|guard| guard.holds == Holds::Broken) {
        head(guard, page);
        if let Some(breach) = guard.broken.first() {
            let text = format!("{}{}", said(breach, page), statements(breach));
            page.plain(1, &text);
        }
    }
}

fn head(guard: &Guard, page: &mut Page) {
    let text = format!(
        "guard {} {}: broken in {} ({})",
        name(guard),
        phrases::over(guard),
        crate::words::counted(guard.breaches, "place"),
        phrases::place(&guard.place)
    );
    page.labelled("BROKEN  ", Tone::Alarm, &Row::signed(0, Sign::Stop, text));
}

fn one(breach: &Breach, page: &mut Page) {
    let text = said(breach, page);
    page.plain(1, &text);
    if let Some(witness) = &breach.allowed.witness {
        let context = phrases::context(witness);
        let with = if context.is_empty() { String::new() } else { format!(", with {}", context.join(", ")) };
        page.plain(2, &format!("witness  {}{with}  {}", phrases::request(witness), phrases::answers(witness)));
    }
    let after: Vec<_> = phrases::deciding(&breach.allowed).filter(|source| source.side == Time::After).collect();
    if !after.is_empty() {
        let told: Vec<String> = after.iter().map(|statement| phrases::statement(statement)).collect();
        page.plain(2, &format!("together allowed by  {}", told.join("; ")));
    }
}

/// `group developers × pay-prod: allowed iam:PutRolePolicy on * (forbidden as writes)`
fn said(breach: &Breach, page: &Page) -> String {
    let cells: Vec<String> = breach.cells.iter().map(|cell| address::label(cell)).collect();
    let cells = match cells.len() {
        0..=2 => cells.join(", "),
        _ => phrases::count_of_places(&breach.cells),
    };
    let what = changes::what(page, &breach.allowed);
    let forbid = visible::name(&breach.forbid);
    format!("{} × {cells}: is allowed {what}, forbidden by `{forbid}`", address::with_kind(&breach.principal))
}

/// The lines of the statements that allow it.
fn statements(breach: &Breach) -> String {
    let lines = phrases::lines(std::iter::once(&breach.allowed));
    if lines.is_empty() { String::new() } else { format!("  {}", lines.join(", ")) }
}

fn name(guard: &Guard) -> String {
    address::label(&guard.guard)
}
