//! Who gains or loses which permission set, and where: what a reviewer has to see first. Owns folding principals to
//! whom the same happens, and what is said of a selector that takes in more than before.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::names::{self, Names};
use super::page::{Page, Row, Sign};
use super::{places, visible};
use crate::plan::diff::sets::HALF_APPLIED;
use crate::plan::model::{Access, Action, Change};

/// Fields of a permission set that say what it allows.
const ALLOWING: &[&str] = &["inline", "managed", "customer_managed", "boundary"];

/// Statements up to which each may take several lines.
const FEW: usize = 4;

/// Lines of names then.
const LINES: usize = 3;

/// What happens to somebody's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Turn {
    /// It is given.
    Gains,
    /// It is given because the selector of a grant takes in a target that is new.
    GainsInNew,
    /// It is given because the selector of a grant takes in a target that was there.
    GainsBySelector,
    /// It is taken away.
    Loses,
}

/// What, of which set, where.
type Key<'p> = (Turn, &'p str, Vec<&'p str>);

/// The section.
pub(super) fn section(names: &Names<'_>, page: &mut Page) {
    let plan = names.plan;
    // A release gives nobody access.
    if plan.command == "release" || plan.changes.is_empty() && plan.access.is_empty() {
        return;
    }
    let assignments = by_what(&plan.changes);
    let mut turns: IndexMap<Key<'_>, Vec<&Access>> = IndexMap::new();
    for access in &plan.access {
        for (turn, targets) in turns_of(names, access) {
            turns.entry((turn, &access.permission_set, targets)).or_default().push(access);
        }
    }
    turns.sort_by(|(a, _, _), _, (b, _, _), _| a.cmp(b));
    page.title("access");
    let lines = if turns.len() <= FEW { LINES } else { 1 };
    for ((turn, set, targets), who) in &turns {
        one_turn(names, page, *turn, set, targets, who, lines);
        let pairs = who.iter().flat_map(|access| targets.iter().map(|target| (access.principal.as_str(), *target)));
        let given = pairs.filter_map(|(principal, target)| assignments.get(&(*set, principal, target)).copied());
        circumstances(names, page, *turn, targets, &given.collect::<Vec<_>>());
    }
    let rows = meanings(names, page);
    if turns.is_empty() {
        page.plain(1, "nobody gains or loses a permission set");
    }
    rows.iter().for_each(|row| page.row(row));
}

/// Assignments by set, principal and target.
fn by_what(changes: &[Change]) -> HashMap<(&str, &str, &str), &Change> {
    let assignments = changes.iter().filter(|change| change.kind == "assignment");
    assignments.filter_map(|change| parts(change).map(|[set, who, target]| ((set, who, target), change))).collect()
}

/// Set, principal and target of an assignment.
pub(super) fn parts(change: &Change) -> Option<[&str; 3]> {
    let fields = change.after.as_ref().or(change.before.as_ref())?;
    let of = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
    Some([of("permission_set")?, of("principal")?, of("target")?])
}

fn turns_of<'p>(names: &Names<'p>, access: &'p Access) -> Vec<(Turn, Vec<&'p str>)> {
    let new: BTreeSet<&str> = access.new_targets.iter().map(String::as_str).collect();
    let gained = access.gained.iter().map(String::as_str);
    let turn = |target: &str| match names.change(target).map(|change| change.action) {
        _ if !new.contains(target) => Turn::Gains,
        Some(Action::Create | Action::Adopt) => Turn::GainsInNew,
        _ => Turn::GainsBySelector,
    };
    let mut all: Vec<(Turn, Vec<&str>)> =
        [Turn::Gains, Turn::GainsInNew, Turn::GainsBySelector].map(|turn| (turn, Vec::new())).into();
    for target in gained {
        let wanted = turn(target);
        all.iter_mut().filter(|(turn, _)| *turn == wanted).for_each(|(_, targets)| targets.push(target));
    }
    all.push((Turn::Loses, access.lost.iter().map(String::as_str).collect()));
    all.retain(|(_, targets)| !targets.is_empty());
    all
}

fn one_turn(
    names: &Names<'_>,
    page: &mut Page,
    turn: Turn,
    set: &str,
    targets: &[&str],
    who: &[&Access],
    lines: usize,
) {
    let principals: Vec<String> = who.iter().map(|access| principal(names, access)).collect();
    let (sign, verb) = match (turn, who.len()) {
        (Turn::Loses, 1) => (Sign::Remove, "loses"),
        (Turn::Loses, _) => (Sign::Remove, "lose"),
        (_, 1) => (Sign::Add, "gains"),
        (_, _) => (Sign::Add, "gain"),
    };
    let who = page.names("", &principals, 1);
    let lead = format!("{who} {verb} {} in ", names.of(set));
    let text = places::targets(names, page, &lead, targets, lines);
    page.row(&Row::signed(1, sign, text));
}

fn principal(names: &Names<'_>, access: &Access) -> String {
    match (names::kind(&access.principal), access.principal_name.as_str()) {
        (_, "") => names.with_kind(&access.principal),
        (Some(kind), name) => format!("{kind} {}", visible::name(name)),
        (None, name) => visible::name(name),
    }
}

/// Why, where from, and what happened outside.
fn circumstances(names: &Names<'_>, page: &mut Page, turn: Turn, targets: &[&str], given: &[&Change]) {
    let sources = places::sources(names, page, given.iter().copied());
    let kind = targets.first().and_then(|target| names::kind(target)).unwrap_or("place");
    let (noun, verb) = if targets.len() == 1 { (kind.to_owned(), "is") } else { (crate::words::plural(kind), "are") };
    let selector = if sources.is_empty() { "a grant" } else { &sources };
    match turn {
        Turn::GainsInNew => page.plain(3, &format!("new {noun}, by the selector of {selector}")),
        Turn::GainsBySelector => {
            page.plain(3, &format!("the {noun} {verb} not new: taken in now by the selector of {selector}"));
        }
        _ if sources.is_empty() => {}
        Turn::Gains => page.plain(3, &format!("by {sources}")),
        Turn::Loses => page.plain(3, &format!("was by {sources}")),
    }
    let reasons: BTreeSet<&str> = given.iter().filter_map(|change| change.reason.as_deref()).collect();
    reasons.iter().for_each(|reason| page.plain(3, &visible::text(reason)));
    let outside = given.iter().filter(|change| change.drift.iter().any(|field| field == "*")).count();
    if outside > 0 {
        let what = if turn == Turn::Loses { "not given by cellc" } else { "taken away outside since the last apply" };
        page.plain(3, &format!("{outside} of {} {what}", given.len()));
    }
}

/// Sets and service control policies that come to mean something else.
fn meanings(names: &Names<'_>, page: &Page) -> Vec<Row> {
    let plan = names.plan;
    let stays = |change: &&Change| change.before.is_some() && change.after.is_some();
    let allows = |change: &&Change| change.differing().iter().any(|field| ALLOWING.contains(field));
    let sets = plan.changes.iter().filter(|change| change.kind == "permission_set").filter(stays).filter(allows);
    let one = |change: &Change| {
        let name = names.of(&change.address);
        Row::signed(1, Sign::Change, format!("{name} changes for everybody who has it: see permission sets"))
    };
    let mut rows: Vec<Row> = sets.map(one).collect();
    // What an earlier run wrote and did not bring to all accounts is reviewed with that one's plan, and takes force by this one.
    let half = |change: &&Change| {
        let half = change.reason.as_deref().is_some_and(|reason| reason.contains(HALF_APPLIED));
        change.kind == "permission_set" && half && !allows(change)
    };
    rows.extend(plan.changes.iter().filter(half).map(|change| {
        let name = names.of(&change.address);
        let what = "changes for everybody who has it where an older form is in force: see permission sets";
        Row::signed(1, Sign::Change, format!("{name} {what}"))
    }));
    let is_policy = |change: &&Change| match change.kind.as_str() {
        // What is taken over, or on a unit that is made anew, is attached already.
        "scp_attachment" => !matches!(change.action, Action::Adopt | Action::Replace),
        "scp" => change.differing().contains(&"content"),
        _ => false,
    };
    let acts = |change: &&Change| !matches!(change.action, Action::Forget | Action::Move | Action::NoOp);
    let of_policy = |change: &Change| {
        let side = change.after.as_ref().or(change.before.as_ref());
        let policy = side.and_then(|fields| fields.get("policy")).and_then(serde_json::Value::as_str);
        names.of(policy.unwrap_or(&change.address))
    };
    let policies: BTreeSet<String> = plan.changes.iter().filter(is_policy).filter(acts).map(of_policy).collect();
    if !policies.is_empty() {
        let policies: Vec<String> = policies.into_iter().collect();
        let text = page.names("what accounts may do at most changes, by service control policy ", &policies, 1);
        rows.push(Row::signed(1, Sign::Change, text));
    }
    rows
}
