//! The words of a review that every page shares. Owns their wording; what a page looks like, and which characters it
//! has to escape, is the page's affair.
//!
//! INVARIANT: of names and patterns only what can be seen comes out of here.

use std::collections::BTreeSet;

use super::entries::Entry;
use super::model::{
    Delta, Equivalent, Guard, Holds, Path, Place, Proof, Review, Row, Statement, Time, Verdict, Witness,
};
use crate::terminal::{address, visible};
use crate::words::{counted, plural};

/// Was access looked for that cellc does not manage, and is there none?
pub fn has_none_unmanaged(review: &Review) -> bool {
    review.unmanaged_access.as_ref().is_some_and(Vec::is_empty)
}

/// What the review comes to.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::None => "no review needed",
        Verdict::Review => "needs security review",
        Verdict::Broken => "a guard is broken",
    }
}

/// `2 principals gain, 1 loses, 14 unchanged`.
pub(super) fn sum(review: &Review) -> String {
    let who = |of: &dyn Fn(&Row) -> bool| -> usize {
        review.principals.iter().filter(|row| of(row)).map(|row| &row.principal).collect::<BTreeSet<_>>().len()
    };
    let gain = who(&|row| !row.gained.is_empty());
    let lose = who(&|row| !row.lost.is_empty());
    let verb = |count: usize, verb: &str| if count == 1 { format!("{verb}s") } else { verb.to_owned() };
    let unchanged = review.unchanged;
    match (gain, lose) {
        (0, 0) => format!("nobody gains or loses, {unchanged} unchanged"),
        (gain, 0) => format!("{} {}, {unchanged} unchanged", counted(gain, "principal"), verb(gain, "gain")),
        (0, lose) => format!("{} {}, {unchanged} unchanged", counted(lose, "principal"), verb(lose, "lose")),
        (gain, lose) => format!(
            "{} {}, {lose} {}, {unchanged} unchanged",
            counted(gain, "principal"),
            verb(gain, "gain"),
            verb(lose, "lose")
        ),
    }
}

/// What it is a review of: `main.cell, against revision main`.
pub(super) fn subject(review: &Review) -> String {
    format!("{}, against {}", visible::name(&review.source), visible::text(&review.base))
}

/// `11 of 12 proven`.
pub(super) fn guards(guards: &[Guard]) -> String {
    let proven = guards.iter().filter(|guard| guard.holds == Holds::Proven).count();
    format!("{proven} of {} proven", guards.len())
}

/// Whether a guard holds, in a word.
pub(super) fn holds(holds: Holds) -> &'static str {
    match holds {
        Holds::Proven => "proven",
        Holds::May => "may be broken",
        Holds::Broken => "broken",
    }
}

/// `over 4 principals and 12 cells (3 distinct cases)`.
pub(super) fn over(guard: &Guard) -> String {
    let over = guard.over;
    if over.principals == 0 {
        return format!("over {}, where nobody has anything", counted(over.cells, "cell"));
    }
    let (principals, cells) = (counted(over.principals, "principal"), counted(over.cells, "cell"));
    format!("over {principals} and {cells} ({})", counted(over.cases, "distinct case"))
}

/// The kind of a principal, and its name: `group developers`.
pub(super) fn principal(row: &Row) -> String {
    match address::kind(&row.principal) {
        Some(kind) if !row.name.is_empty() => format!("{kind} {}", visible::name(&row.name)),
        _ => address::with_kind(&row.principal),
    }
}

/// Everybody whom an entry is about: those of a kind behind their kind, said once.
pub(super) fn principals(entry: &Entry<'_>) -> Vec<String> {
    let alike: BTreeSet<Option<&str>> = entry.rows.iter().map(|row| address::kind(&row.principal)).collect();
    match (entry.rows.as_slice(), alike.first()) {
        ([_, _, ..], Some(Some(kind))) if alike.len() == 1 => {
            let bare = |row: &&Row| visible::name(if row.name.is_empty() { &row.principal } else { &row.name });
            let mut names: Vec<String> = entry.rows.iter().map(bare).collect();
            if let Some(first) = names.first_mut() {
                *first = format!("{} {first}", plural(kind));
            }
            names
        }
        (rows, _) => rows.iter().map(|row| principal(row)).collect(),
    }
}

/// How many cells and accounts: `12 cells`, `3 cells and accounts`.
pub(super) fn count_of_places(cells: &[String]) -> String {
    let kinds: BTreeSet<&str> = cells.iter().map(|cell| address::kind(cell).unwrap_or("place")).collect();
    match kinds.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => counted(cells.len(), one),
        many => {
            let words: Vec<String> = many.iter().rev().map(|kind| plural(kind)).collect();
            format!("{} {}", cells.len(), words.join(" and "))
        }
    }
}

/// How many of a row's cells are production's; none where that is clear.
pub(super) fn production(row: &Row) -> String {
    match row.production {
        0 => String::new(),
        all if all == row.cells.len() => " (production)".to_owned(),
        some => format!(" ({some} production)"),
    }
}

/// What an entry comes to: the class of its gravest gain.
pub(super) fn class(entry: &Entry<'_>) -> String {
    let Some(first) = entry.gained.first() else { return "access lost".to_owned() };
    let class = visible::text(&first.risk.class);
    let loosened = entry.gained.iter().all(|delta| !delta.changes.is_empty());
    if loosened { format!("condition loosened: {class}") } else { class }
}

/// `proven`, `may`.
pub(super) fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Proven => "proven",
        Proof::May => "may",
    }
}

/// A delta's actions: those that put it into its class first.
pub(super) fn actions(delta: &Delta) -> Vec<String> {
    let first = delta.risk.because.iter().filter(|action| delta.actions.contains(action));
    let rest = delta.actions.iter().filter(|action| !delta.risk.because.contains(action));
    first.chain(rest).map(|action| visible::text(action)).collect()
}

/// Actions that AWS may add, by so many patterns: `future actions matching ec2:Describe*`.
pub fn future(delta: &Delta, most: usize) -> Option<String> {
    if delta.future.iter().any(|pattern| pattern == "*") {
        return Some("every future action".to_owned());
    }
    let patterns: Vec<String> = delta.future.iter().map(|pattern| visible::text(pattern)).collect();
    if patterns.is_empty() { None } else { Some(format!("future actions matching {}", folded(&patterns, most))) }
}

/// The first items of a list, and how many more there are: `a, b, c (+3)`.
pub(super) fn folded(items: &[String], most: usize) -> String {
    let shown = if items.len() <= most.saturating_add(1) { items.len() } else { most };
    let listed = items.get(..shown).unwrap_or_default().join(", ");
    match items.len() - shown {
        0 => listed,
        more => format!("{listed} (+{more})"),
    }
}

/// The statements that decide, a guard's own left out: it is told by itself.
pub(super) fn deciding(delta: &Delta) -> impl Iterator<Item = &Statement> {
    delta.sources.iter().filter(|source| source.policy != "guard")
}

/// Do the conditions speak of no key but those whose change is told by itself?
pub(super) fn is_told_by_changes(delta: &Delta) -> bool {
    let is_told = |word: &str| {
        word.starts_with("arn:") || !word.contains(':') || delta.changes.iter().any(|change| change.key == word)
    };
    !delta.changes.is_empty() && delta.conditions.iter().all(|condition| condition.split([' ', ',']).all(is_told))
}

/// How the values of single keys change, uncut: `aws:SourceVpce is vpce-1 → is anything`.
pub(super) fn key_changes(delta: &Delta) -> Vec<String> {
    let all = delta.changes.iter();
    all.map(|change| {
        let (key, before, after) =
            (visible::whole(&change.key), visible::whole(&change.before), visible::whole(&change.after));
        format!("{key} {before} → {after}")
    })
    .collect()
}

/// `before: deny, after: allow` of a request.
pub(super) fn answers(witness: &Witness) -> String {
    format!("before: {}, after: {}", visible::text(&witness.before), visible::text(&witness.after))
}

/// A request without its context: `iam:PassRole on arn:…`.
pub(super) fn request(witness: &Witness) -> String {
    format!("{} on {}", visible::whole(&witness.action), visible::whole(&witness.resource))
}

/// A request with its context: `iam:PassRole on arn:… with aws:SourceIp = 10.0.0.1`.
pub(super) fn whole_request(witness: &Witness) -> String {
    let context = context(witness);
    let with = if context.is_empty() { String::new() } else { format!(" with {}", context.join(", ")) };
    format!("{}{with}", request(witness))
}

/// The condition keys of a request, each as `key = value`.
pub(super) fn context(witness: &Witness) -> Vec<String> {
    let one = |(key, values): (&String, &Vec<String>)| {
        let values: Vec<String> = values.iter().map(|value| visible::item(value)).collect();
        match values.as_slice() {
            [one] => format!("{} = {one}", visible::text(key)),
            many => format!("{} = [{}]", visible::text(key), many.join(", ")),
        }
    };
    witness.context.iter().map(one).collect()
}

/// A way to more power: `lambda-001 (…): iam:PassRole arrives, lambda:CreateFunction was there`.
pub(super) fn path(path: &Path) -> String {
    let list = |all: &[String]| all.iter().map(|action| visible::text(action)).collect::<Vec<_>>().join(", ");
    let name = if path.name.is_empty() { String::new() } else { format!(" ({})", visible::text(&path.name)) };
    let arrives = if path.arrived.len() == 1 { "arrives" } else { "arrive" };
    let mut text = format!("{}{name}: {} {arrives}", visible::name(&path.id), list(&path.arrived));
    if !path.there.is_empty() {
        let was = if path.there.len() == 1 { "was" } else { "were" };
        text.push_str(&format!(", {} {was} there", list(&path.there)));
    }
    if !path.bounded_by.is_empty() {
        text.push_str(&format!("; bounded by the condition on {}", list(&path.bounded_by)));
    }
    text
}

/// `main.cell:7`.
pub(super) fn place(place: &Place) -> String {
    format!("{}:{}", visible::name(&place.file), place.line)
}

/// A place with what stands there: `grant look (main.cell:8)`.
pub(super) fn entity(at: &Place) -> String {
    format!("{} ({})", address::with_kind(&at.entity), place(at))
}

/// Where the statements stand that decide, each place once: those after the change first.
pub(super) fn lines<'d>(deltas: impl Iterator<Item = &'d Delta>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in deltas.flat_map(deciding).filter_map(written) {
        if !all.contains(&line) {
            all.push(line);
        }
    }
    all
}

/// Where a statement is written: `main.cell:7`, `before: main.cell:11` of what stands in the former revision only.
pub(super) fn written(statement: &Statement) -> Option<String> {
    let at = place(statement.place.as_ref()?);
    Some(if statement.former { format!("before: {at}") } else { at })
}

/// A statement that decides: `allow PassAny of permission set Deploy (main.cell:7)`.
pub(super) fn statement(statement: &Statement) -> String {
    let sid = statement.sid.as_deref().map(|sid| format!(" {}", visible::name(sid))).unwrap_or_default();
    let at = written(statement).map(|at| format!(" ({at})")).unwrap_or_default();
    format!("{}{sid} of {}{at}", visible::text(&statement.effect), address::with_kind(&statement.policy))
}

/// Before the change or after it.
pub(super) fn side(side: Time) -> &'static str {
    match side {
        Time::Before => "before",
        Time::After => "after",
    }
}

/// What is so of a set, policy or guard: `scp no-delete is no longer attached to root`.
pub(super) fn said_of(one: &Equivalent) -> String {
    // An `accept` has no address.
    let named = one.address.contains(' ');
    let of = if named { visible::text(&one.address) } else { address::with_kind(&one.address) };
    format!("{of} {}", visible::text(&one.text))
}

/// Permission sets without their kind.
pub(super) fn sets(addresses: &[String]) -> String {
    addresses.iter().map(|set| address::label(set)).collect::<Vec<_>>().join(", ")
}

/// How surely something is lost.
pub(super) fn loses(delta: &Delta) -> &'static str {
    match delta.proof {
        Proof::Proven => "loses",
        Proof::May => "may lose",
    }
}

/// `open sessions keep it for up to 4 h`.
pub(super) fn until(delta: &Delta) -> Option<String> {
    delta.until.as_deref().map(|until| format!("open sessions keep it for up to {}", duration(until)))
}

/// `4 h 30 min` of `PT4H30M`; what is no such duration stays as it is.
fn duration(iso: &str) -> String {
    let Ok(duration) = iso.parse::<jiff::SignedDuration>() else { return visible::text(iso) };
    let minutes = duration.as_mins();
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// How it was decided, in one line.
pub(super) fn evidence(review: &Review) -> String {
    let evidence = &review.evidence;
    let regions = evidence.proven + evidence.may;
    let proven = match (regions, evidence.may) {
        (0, _) => "nothing changes".to_owned(),
        (all, 0) => format!("{} proven", if all == 1 { "1 region".to_owned() } else { format!("all {all} regions") }),
        (all, may) => format!("{} of {all} regions proven, {may} may", evidence.proven),
    };
    format!(
        "{} over {} · {proven} · action list of {}",
        counted(usize::try_from(evidence.queries).unwrap_or(usize::MAX), "query"),
        counted(evidence.cases, "distinct case"),
        visible::text(&evidence.actions_of)
    )
}
