//! A review as Markdown for a pull request. Owns its form, that it is never longer than a comment may be, and that
//! nothing foreign in it is markup: what is not our own word stands in a code span, or is escaped.

use super::entries::{Entry, Mark, entries, waived};
use super::model::{Delta, Guard, Holds, Proof, Review};
use super::phrases;
use crate::terminal::{address, visible};
use crate::words::counted;

/// Bytes of a page at most. A comment on GitHub takes 65,536 characters.
pub const LIMIT: usize = 60_000;

/// Bytes of the table, of the guards, and of what stands at the end, at most; the details take what is left.
const TABLE: usize = 20_000;
const GUARDS: usize = 8_000;
const FOOT: usize = 8_000;

/// Bytes that the lines which say what is left out may take.
const SPARE: usize = 1_000;

/// Items of a list in the table, and in the details.
const FEW: usize = 3;
const MANY: usize = 40;

/// Regions of an entry that are told.
const REGIONS: usize = 20;

/// The review as Markdown (GitHub's), at most [`LIMIT`] bytes. What does not fit is counted, and never cut in the
/// middle.
pub fn page(review: &Review) -> String {
    let entries = entries(review);
    let mut out = head(review);
    table(&mut out, &entries);
    guards(&mut out, &review.guards);
    let foot = foot(review);
    let room = LIMIT.saturating_sub(foot.len() + SPARE);
    let mut left = 0;
    for entry in &entries {
        let fold = details(entry);
        // What is graver comes first: behind the first that does not fit nothing is shown.
        if left > 0 || out.len() + fold.len() > room {
            left += 1;
        } else {
            out.push_str(&fold);
        }
    }
    if left > 0 {
        let word = if left == 1 { "entry has" } else { "entries have" };
        out.push_str(&format!(
            "\n{left} more {word} no details here: the page would be too long. `cellc review` has them.\n"
        ));
    }
    out.push_str(&foot);
    out
}

fn head(review: &Review) -> String {
    let mut sum = phrases::sum(review);
    let waived = waived(review).count();
    if waived > 0 {
        sum.push_str(&format!("; {} waived", counted(waived, "row")));
    }
    let subject = prose(&phrases::subject(review));
    format!("## Access review: {}\n\n{sum} · {subject}\n", phrases::verdict(review.verdict))
}

fn table(out: &mut String, entries: &[Entry<'_>]) {
    if entries.is_empty() {
        return;
    }
    out.push_str("\n| Risk | Who | Where | What | Proof | Source |\n|---|---|---|---|---|---|\n");
    let end = out.len() + TABLE;
    for (at, entry) in entries.iter().enumerate() {
        let line = line(entry);
        if out.len() + line.len() > end {
            out.push_str(&format!("| | … and {} more | | | | |\n", entries.len() - at));
            return;
        }
        out.push_str(&line);
    }
}

/// A line of the table.
fn line(entry: &Entry<'_>) -> String {
    let mut what = vec![format!("**{}**", class(entry))];
    what.extend(entry.deltas().next().map(|delta| region(delta, entry.gained.is_empty(), FEW)));
    let more = entry.deltas().count().saturating_sub(1);
    if more > 0 {
        what.push(format!("and {}", counted(more, "more region")));
    }
    let cells = [
        format!("**{}**", label(entry)),
        list(&phrases::principals(entry), FEW),
        places(entry, FEW),
        what.join("<br>"),
        proof(entry).to_owned(),
        list(&phrases::lines(entry.deltas()), 2),
    ];
    // A pipe ends a cell, in a code span too.
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A fold with everything about an entry.
fn details(entry: &Entry<'_>) -> String {
    let who = prose(&phrases::principals(entry).into_iter().take(FEW).collect::<Vec<_>>().join(", "));
    let more = entry.rows.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = prose(&phrases::count_of_places(entry.cells()));
    let mut out = format!(
        "\n<details>\n<summary><b>{}</b> {who}{more} × {count}: {}</summary>\n\n",
        label(entry),
        prose(&phrases::class(entry))
    );
    out.push_str(&format!("- in {}\n", places(entry, MANY)));
    if entry.rows.len() > 1 {
        out.push_str(&format!("- {}\n", list(&phrases::principals(entry), MANY)));
    }
    for (lost, deltas) in [(false, &entry.gained), (true, &entry.lost)] {
        for delta in deltas.iter().take(REGIONS) {
            one_region(&mut out, delta, lost);
        }
        let more = deltas.len().saturating_sub(REGIONS);
        if more > 0 {
            out.push_str(&format!("- and {}, none graver\n", counted(more, "more region")));
        }
    }
    causes(&mut out, entry);
    // Nobody has to answer for what is lost.
    if entry.mark != Mark::Loss {
        let prints: Vec<String> = entry.rows.iter().map(|row| visible::name(&row.fingerprint)).collect();
        out.push_str(&format!("- accept as {}\n", list(&prints, MANY)));
    }
    out.push_str("\n</details>\n");
    out
}

fn one_region(out: &mut String, delta: &Delta, lost: bool) {
    out.push_str(&format!("- {} [{}]\n", region(delta, lost, MANY), phrases::proof(delta.proof)));
    for change in phrases::key_changes(delta) {
        out.push_str(&format!("  - {}\n", code(&visible::text(&change))));
    }
    for reason in &delta.because {
        out.push_str(&format!("  - because {}\n", prose(&visible::text(reason))));
    }
    for path in delta.risk.paths.iter().take(REGIONS) {
        out.push_str(&format!("  - path {}\n", code(&phrases::path(path))));
    }
    if let Some(witness) = &delta.witness {
        let context = phrases::context(witness);
        let with = if context.is_empty() { String::new() } else { format!(" with {}", list(&context, MANY)) };
        let (request, answers) = (code(&phrases::request(witness)), prose(&phrases::answers(witness)));
        out.push_str(&format!("  - witness {request}{with}: {answers}\n"));
    }
    for statement in phrases::deciding(delta).take(MANY) {
        out.push_str(&format!("  - {}: {}\n", phrases::side(statement.side), code(&phrases::statement(statement))));
    }
    if let Some(until) = phrases::until(delta) {
        out.push_str(&format!("  - {}\n", prose(&until)));
    }
}

/// By which grants and sets.
fn causes(out: &mut String, entry: &Entry<'_>) {
    let Some(row) = entry.row() else { return };
    if !row.sets.given.is_empty() {
        out.push_str(&format!("- is given {}", code(&phrases::sets(&row.sets.given))));
        let mut grants: Vec<String> = Vec::new();
        for grant in entry.rows.iter().flat_map(|row| &row.grants).map(phrases::entity) {
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        let by = if grants.is_empty() { String::new() } else { format!(" by {}", list(&grants, MANY)) };
        out.push_str(&format!("{by}\n"));
    }
    if !row.sets.taken.is_empty() {
        out.push_str(&format!("- loses the set {}\n", code(&phrases::sets(&row.sets.taken))));
    }
    if entry.otherwise > 0 {
        let here = phrases::count_of_places(entry.cells());
        out.push_str(&format!("- same in {}, differs in {}\n", prose(&here), entry.otherwise));
    }
}

fn guards(out: &mut String, guards: &[Guard]) {
    if guards.is_empty() {
        out.push_str("\n**Guards:** the program has none\n");
        return;
    }
    out.push_str(&format!("\n**Guards:** {}\n\n", phrases::guards(guards)));
    let end = out.len() + GUARDS;
    let mut order: Vec<&Guard> = guards.iter().collect();
    order.sort_by_key(|guard| match guard.holds {
        Holds::Broken => 0,
        Holds::May => 1,
        Holds::Proven => 2,
    });
    for (at, guard) in order.iter().enumerate() {
        let told = one_guard(guard);
        if out.len() + told.len() > end {
            out.push_str(&format!("- … and {}\n", counted(order.len() - at, "more guard")));
            return;
        }
        out.push_str(&told);
    }
}

fn one_guard(guard: &Guard) -> String {
    let (sign, name) = (sign(guard.holds), code(&address::label(&guard.guard)));
    let at = code(&phrases::place(&guard.place));
    let mut out = format!("- {sign} {name} {}, {} ({at})\n", phrases::holds(guard.holds), phrases::over(guard));
    for reason in guard.because.iter().take(FEW) {
        out.push_str(&format!("  - because {}\n", prose(&visible::text(reason))));
    }
    for breach in guard.broken.iter().take(FEW) {
        let who = code(&address::with_kind(&breach.principal));
        let cells: Vec<String> = breach.cells.iter().map(|cell| address::label(cell)).collect();
        let what = region_words(&breach.allowed, FEW);
        out.push_str(&format!("  - {who} in {} is allowed {what}\n", list(&cells, FEW)));
        if let Some(witness) = &breach.allowed.witness {
            let context = phrases::context(witness);
            let with = if context.is_empty() { String::new() } else { format!(" with {}", list(&context, MANY)) };
            let (request, answers) = (code(&phrases::request(witness)), prose(&phrases::answers(witness)));
            out.push_str(&format!("    - witness {request}{with}: {answers}\n"));
        }
        let statements: Vec<String> = phrases::deciding(&breach.allowed).map(phrases::statement).collect();
        if !statements.is_empty() {
            out.push_str(&format!("    - together allowed by {}\n", list(&statements, FEW)));
        }
    }
    out
}

fn foot(review: &Review) -> String {
    let mut out = String::new();
    let mut part = |title: &str, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        out.push_str(&format!("\n<details>\n<summary>{title}</summary>\n\n"));
        let end = out.len() + FOOT / 4;
        for (at, item) in items.iter().enumerate() {
            if out.len() + item.len() > end {
                out.push_str(&format!("- … and {} more\n", items.len() - at));
                break;
            }
            out.push_str(item);
        }
        out.push_str("\n</details>\n");
    };
    let waived: Vec<String> = waived(review)
        .filter_map(|row| Some((row, row.waived.as_ref()?)))
        .map(|(row, waived)| {
            format!(
                "- {} in {}: {}, owner {}, until {} ({}, accept {}, {})\n",
                code(&phrases::principal(row)),
                prose(&phrases::count_of_places(&row.cells)),
                prose(&visible::text(&waived.reason)),
                code(&visible::text(&waived.owner)),
                prose(&visible::text(&waived.expires)),
                code(&phrases::place(&waived.place)),
                code(&visible::text(&waived.label)),
                code(&visible::name(&row.fingerprint)),
            )
        })
        .collect();
    part(&format!("waived: {}", counted(waived.len(), "row")), waived);
    let limits: Vec<String> =
        review.limits.iter().map(|one| format!("- {}\n", prose(&phrases::said_of(one)))).collect();
    part(&format!("limits that hold less: {}", limits.len()), limits);
    let idle: Vec<String> = review.idle.iter().map(|one| format!("- {}\n", prose(&phrases::said_of(one)))).collect();
    part(&format!("accepts that waive nothing: {}", idle.len()), idle);
    let equivalent = review.equivalent.iter();
    let equivalent: Vec<String> = equivalent
        .map(|one| format!("- {}: {}\n", code(&address::with_kind(&one.address)), prose(&visible::text(&one.text))))
        .collect();
    part(&format!("no effect: {} proven equivalent", counted(equivalent.len(), "text change")), equivalent);
    let unmanaged = review.unmanaged.iter().map(|one| format!("- {}\n", prose(&visible::text(one)))).collect();
    part("access that cellc does not manage", unmanaged);
    if phrases::has_none_unmanaged(review) {
        part("access that cellc does not manage: none", vec!["- every assignment was read\n".to_owned()]);
    }
    let unseen = review.not_modelled.iter().map(|one| format!("- {}\n", prose(&visible::text(one)))).collect();
    part("not modelled", unseen);
    out.push_str(&format!("\n{}\n", prose(&phrases::evidence(review))));
    out.push_str(&format!("\nThe change as a whole: {}\n", code(&visible::name(&review.fingerprint))));
    out
}

fn label(entry: &Entry<'_>) -> &'static str {
    match entry.mark {
        Mark::Gain(severity) => severity.word(),
        Mark::May(_) => "MAY",
        Mark::Loss => "LOSS",
    }
}

/// The class; of what may be, how grave it is at most.
fn class(entry: &Entry<'_>) -> String {
    match entry.mark {
        Mark::May(severity) => format!("at most {}: {}", severity.word(), prose(&phrases::class(entry))),
        _ => prose(&phrases::class(entry)),
    }
}

fn proof(entry: &Entry<'_>) -> &'static str {
    entry.deltas().map(|delta| delta.proof).max().map(phrases::proof).unwrap_or_default()
}

/// Where, with names.
fn places(entry: &Entry<'_>, most: usize) -> String {
    let names: Vec<String> = entry.cells().iter().map(|cell| address::label(cell)).collect();
    let production = entry.row().map(phrases::production).unwrap_or_default();
    format!("{}{production}: {}", prose(&phrases::count_of_places(entry.cells())), list(&names, most))
}

/// `gains iam:PassRole on …`
fn region(delta: &Delta, lost: bool, most: usize) -> String {
    let verb = match delta.proof {
        _ if lost => phrases::loses(delta),
        Proof::Proven => "gains",
        Proof::May => "may gain",
    };
    format!("{verb} {}", region_words(delta, most))
}

fn region_words(delta: &Delta, most: usize) -> String {
    let mut out = list(&phrases::actions(delta), most);
    if let Some(future) = phrases::future(delta, most) {
        let and = if out.is_empty() { "" } else { ", and " };
        out.push_str(&format!("{and}{}", code(&future)));
    }
    let shown = |all: &[String]| list(&all.iter().map(|one| visible::text(one)).collect::<Vec<_>>(), most);
    if !delta.resources.is_empty() {
        out.push_str(&format!(" on {}", shown(&delta.resources)));
    }
    if !delta.conditions.is_empty() && !phrases::is_told_by_changes(delta) {
        out.push_str(&format!(" when {}", shown(&delta.conditions)));
    }
    out
}

fn sign(holds: Holds) -> char {
    match holds {
        Holds::Proven => '✓',
        Holds::May => '?',
        Holds::Broken => '✗',
    }
}

/// Code spans of the first items, and how many more there are.
fn list(items: &[String], most: usize) -> String {
    phrases::folded(&items.iter().map(|item| code(item)).collect::<Vec<_>>(), most)
}

/// A code span in which nothing is markup, whatever the text: its fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let edge = |c: Option<char>| c.is_none_or(|c| c == '`' || c == ' ');
    let pad = if edge(text.chars().next()) || edge(text.chars().next_back()) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text as prose: within a line of Markdown, or of HTML. What could be markup, a mention, a reference or a link is
/// written as a character reference, which is read as the character and as nothing else.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' | '`' | '*' | '_' | '[' | ']' | '\\' | '|' | '~' | '$' | '!' => {
                out.push_str(&format!("&#{};", c as u32));
            }
            c => out.push(c),
        }
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests;
