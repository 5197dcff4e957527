//! Changes by kind, what is alike folded into one, and apart from them what was changed outside. Owns the order of
//! kinds and what an action is called; fields are `fields`'.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::fields::{Writer, value_of, whole_words};
use super::names::Names;
use super::page::{Page, Row, Sign};
use super::{access, places, policy, visible};
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::diff::assignments::HELD_TWICE;
use crate::plan::model::{Action, Change, Fields, Verb};
use crate::words::{counted, plural};

/// Kinds in the order in which a reader wants them, with their titles; others follow by name.
const KINDS: &[(&str, &str)] = &[
    ("org", "organization"),
    ("organization", "organization"),
    ("ou", "organizational units"),
    ("account", "accounts"),
    ("gcp_project", "projects of Google Cloud"),
    ("scp", "service control policies"),
    ("scp_attachment", "where service control policies hold"),
    ("permission_set", "permission sets"),
    ("assignment", "assignments"),
    ("repository_policy", "who pulls from repositories"),
    ("stack", "stacks"),
    ("deployment", "components in cells"),
];

/// Stands in `drift` for the thing itself.
const ITSELF: &str = "*";

/// A change, or the part of it that is told in one place.
struct Part<'p> {
    change: &'p Change,
    fields: Vec<&'p str>,
}

/// What parts have in common that are told as one.
#[derive(PartialEq, Eq, Hash)]
struct Key<'p> {
    kind: &'p str,
    action: Action,
    lead: String,
    meaning: String,
    reason: Option<&'p str>,
    rows: Vec<Row>,
}

/// The sections of changes, and the one of what was changed outside.
pub(super) fn sections(names: &Names<'_>, page: &mut Page) {
    let mut planned: Vec<Part<'_>> = Vec::new();
    let mut outside: IndexMap<&'static str, Vec<Part<'_>>> = IndexMap::new();
    let mut made: IndexMap<&'static str, Vec<Part<'_>>> = IndexMap::new();
    for change in &names.plan.changes {
        let (rest, drifted) = divided(change, page.look.verbose, names.plan.command == "drift");
        planned.extend(rest);
        if let Some((class, part)) = drifted {
            let section = if change.is_made_by_others() { &mut made } else { &mut outside };
            section.entry(class).or_default().push(part);
        }
    }
    planned.sort_by_key(|part| rank(&part.change.kind));
    for same_kind in planned.chunk_by(|a, b| a.change.kind == b.change.kind) {
        let kind = same_kind.first().map_or("", |part| part.change.kind.as_str());
        page.title(&title(kind));
        groups(names, page, same_kind, false);
    }
    // Who made a thing that the record never had may have done so before anything was applied or taken over.
    for (name, classes) in [("changed outside since the last apply", outside), ("there, and not made by cellc", made)]
    {
        if !classes.is_empty() {
            page.title(name);
        }
        for (class, parts) in &classes {
            page.plain(1, &format!("{class}:"));
            groups(names, page, parts, true);
        }
    }
}

/// The place of a kind, and its name among those that have none.
fn rank(kind: &str) -> (usize, &str) {
    let place = KINDS.iter().position(|(known, _)| *known == kind);
    place.map_or((KINDS.len(), kind), |place| (place, ""))
}

fn title(kind: &str) -> String {
    let known = KINDS.iter().find(|(known, _)| *known == kind);
    known.map_or_else(|| plural(&visible::text(kind).replace('_', " ")), |(_, title)| (*title).to_owned())
}

/// What is told among the changes, and what among those made outside. A plan of a large fleet does not see all that drift sees.
fn divided(change: &Change, verbose: bool, all_seen: bool) -> (Option<Part<'_>>, Option<(&'static str, Part<'_>)>) {
    let fields = told(change, verbose);
    if change.drift.is_empty() {
        return (Some(Part { change, fields }), None);
    }
    // What is in cells a release sets back, and no apply.
    if change.kind == "deployment" {
        let gone = change.drift.iter().any(|field| field == ITSELF);
        let (class, fields) = if gone && change.action == Action::Update {
            ("a stack of others is in its place; a release is refused there", Vec::new())
        } else if gone {
            ("deleted; a release makes it again", Vec::new())
        } else {
            ("changed; a release sets it back", fields)
        };
        return (None, Some((class, Part { change, fields })));
    }
    if change.drift.iter().any(|field| field == ITSELF) {
        let class = match change.action {
            Action::Create => "deleted; apply makes it again",
            Action::Delete if all_seen && change.kind == "assignment" => {
                "`apply --only` of its permission set takes it away"
            }
            Action::Delete => "apply takes it away",
            Action::Forget => "deleted; apply forgets it",
            Action::Adopt => "apply takes it over",
            _ => "made anew or deleted; apply does this",
        };
        return (None, Some((class, Part { change, fields })));
    }
    match change.action {
        Action::Update => {
            let (back, rest): (Vec<&str>, Vec<&str>) =
                fields.into_iter().partition(|field| change.drift.iter().any(|drifted| drifted == field));
            let class = match back.as_slice() {
                [] => AS_WRITTEN,
                // What an apply may not mark anew it makes no plan for.
                _ if has_another_mark(change) && !all_seen => "changed; apply sets it back",
                _ if has_another_mark(change) && mark(change.before.as_ref()) == Some(change.address.as_str()) => {
                    "marked with the address that a run which came to no end gave it; the next apply settles it"
                }
                _ if has_mark_of_others(change) => "marked as another's; an apply is refused until that is settled",
                // A plan of the whole program does not read these.
                ["tags"] if !matches!(change.kind.as_str(), "permission_set" | "stack") => {
                    "changed; `apply --only ADDRESS` sets it back"
                }
                _ => "changed; apply sets it back",
            };
            let planned = (!rest.is_empty()).then_some(Part { change, fields: rest });
            (planned, Some((class, Part { change, fields: back })))
        }
        Action::NoOp => (None, Some((AS_WRITTEN, Part { change, fields }))),
        _ => (Some(Part { change, fields }), Some(("changed; apply does more", Part { change, fields: Vec::new() }))),
    }
}

/// Whoever may tag can say whose a thing is: that is looked into by people, and no apply undoes it. Whose an account is its id and its
/// e-mail say: while it has that one, an apply that reads its mark sets it back.
fn has_mark_of_others(change: &Change) -> bool {
    if change.kind == "account" && !change.drift.iter().any(|field| field == "email") {
        return false;
    }
    has_another_mark(change)
}

/// Is it marked otherwise than it is to be?
fn has_another_mark(change: &Change) -> bool {
    let (is, wanted) = (mark(change.before.as_ref()), mark(change.after.as_ref()));
    is.is_some() && wanted.is_some() && is != wanted
}

/// The address that its tags name.
fn mark(fields: Option<&Fields>) -> Option<&str> {
    fields?.get("tags")?.get(ADDRESS_TAG)?.as_str()
}

const AS_WRITTEN: &str = "changed to what the program says; apply records it";

/// The fields that a reader is told: those that change, of a new thing all, of one that goes its policies.
fn told(change: &Change, verbose: bool) -> Vec<&str> {
    let known = |name: &str| match change.kind.as_str() {
        "assignment" => matches!(name, "permission_set" | "principal" | "target" | "account"),
        "scp_attachment" => matches!(name, "policy" | "target"),
        // Where it is, unless that is what changes.
        "stack" => change.action != Action::Replace && matches!(name, "account" | "name" | "region"),
        _ => false,
    };
    let said = |name: &&str| match change.action {
        Action::Forget => false,
        Action::Delete => verbose || value_of(change.before.as_ref(), name).is_some_and(policy::is_document),
        Action::Create => {
            let value = value_of(change.after.as_ref(), name).unwrap_or(&Json::Null);
            let text = value.as_str().or_else(|| value.get("later").and_then(Json::as_str));
            let obvious = *name == "name" && text == Some(change.name.as_str());
            let own = text.and_then(|text| text.strip_prefix(change.address.as_str()));
            !obvious && own.and_then(|rest| rest.strip_prefix('.')) != Some(*name)
        }
        _ => true,
    };
    change.differing().into_iter().filter(|name| !known(name)).filter(said).collect()
}

fn groups(names: &Names<'_>, page: &mut Page, parts: &[Part<'_>], outside: bool) {
    let mut all: IndexMap<Key<'_>, Vec<&Part<'_>>> = IndexMap::new();
    let depth = if outside { 2 } else { 1 };
    for part in parts {
        let own = common_name(names, part.change);
        all.entry(key(names, part, &own)).or_default().push(part);
    }
    for (key, members) in &all {
        let rows = match members.as_slice() {
            [one] => Writer { names, own: None }.difference(one.change, &one.fields),
            _ => key.rows.clone(),
        };
        let changes: Vec<&Change> = members.iter().map(|part| part.change).collect();
        head(names, page, key, &changes, depth, outside);
        rows.into_iter().for_each(|row| page.row(&row.deeper(depth + 2)));
        if page.look.verbose {
            changes.iter().for_each(|change| details(names, page, change, depth + 2));
        }
    }
}

/// What stands for a thing in what several have in common: of a stack the cell's name, which is in its own.
fn common_name(names: &Names<'_>, change: &Change) -> String {
    match account_of(change).filter(|_| change.kind == "stack") {
        Some(account) => names.of(account),
        None => own_name(names, change),
    }
}

/// The account that a stack is in.
fn account_of(change: &Change) -> Option<&str> {
    let fields = change.after.as_ref().or(change.before.as_ref())?;
    fields.get("account")?.as_str()
}

fn own_name(names: &Names<'_>, change: &Change) -> String {
    if change.name.is_empty() { names.of(&change.address) } else { visible::name(&change.name) }
}

fn key<'p>(names: &Names<'_>, part: &Part<'p>, own: &str) -> Key<'p> {
    let change = part.change;
    let lead = match (change.kind.as_str(), access::parts(change)) {
        ("assignment", Some([set, who, _])) => {
            let word = match change.action {
                Action::Create | Action::Adopt => "to",
                Action::Delete | Action::Forget => "from",
                _ => "of",
            };
            format!("{} {word} {} in ", names.of(set), names.with_kind(who))
        }
        ("scp_attachment", _) => {
            attached(change).map(|[policy, _]| format!("{} on ", names.of(policy))).unwrap_or_default()
        }
        ("stack", _) if account_of(change).is_some() => {
            format!("{} in ", whole_words(&own_name(names, change), own))
        }
        _ => String::new(),
    };
    let rows = Writer { names, own: Some(own) }.difference(change, &part.fields);
    let (action, reason) = (change.action, change.reason.as_deref());
    Key { kind: &change.kind, action, lead, meaning: meaning(names, change), reason, rows }
}

/// Policy and target of an attachment.
fn attached(change: &Change) -> Option<[&str; 2]> {
    let fields = change.after.as_ref().or(change.before.as_ref())?;
    let of = |name: &str| fields.get(name).and_then(Json::as_str);
    Some([of("policy")?, of("target")?])
}

/// What an action means, where its sign does not say it.
fn meaning(names: &Names<'_>, change: &Change) -> String {
    let does = |test: fn(&Verb) -> bool| {
        change.operations.iter().filter_map(|id| names.plan.operation(*id)).any(|operation| test(&operation.verb))
    };
    match change.action {
        Action::Adopt => "exists, and is taken over".to_owned(),
        Action::Move => match &change.from {
            Some(from) => format!("had the address {}; the same thing stays in the cloud", visible::name(from)),
            None => "has another address; the same thing stays in the cloud".to_owned(),
        },
        Action::Replace if change.kind == "scp_attachment" => String::new(),
        Action::Replace => "is made anew, and the former one deleted after that".to_owned(),
        Action::Delete if does(|verb| matches!(verb, Verb::CloseAccount)) => "the account is closed".to_owned(),
        Action::Delete if does(|verb| matches!(verb, Verb::Park)) => "the account is parked".to_owned(),
        Action::Forget if change.drift.iter().any(|field| field == ITSELF) => "leaves the record".to_owned(),
        Action::Forget if change.reason.as_deref() == Some(HELD_TWICE) => "leaves the record".to_owned(),
        Action::Forget if change.before.is_some() => "stays in the cloud, and cellc no longer knows it".to_owned(),
        Action::Forget => "is gone from the cloud, and leaves the record".to_owned(),
        _ => String::new(),
    }
}

/// The line of a change, or of several that are alike.
fn head(names: &Names<'_>, page: &mut Page, key: &Key<'_>, changes: &[&Change], depth: usize, outside: bool) {
    let mut text = subject(names, page, key, changes, outside);
    let reason = key.reason.map(visible::text).unwrap_or_default();
    match (key.meaning.as_str(), reason.as_str()) {
        ("", "") => {}
        (meaning, "") => text.push_str(&format!("  {meaning}")),
        ("", reason) => text.push_str(&format!("  {reason}")),
        (meaning, reason) => text.push_str(&format!("  {meaning}: {reason}")),
    }
    let sources = places::sources(names, page, changes.iter().copied());
    let apart = changes.len() > 1 && !sources.is_empty();
    if !apart && !sources.is_empty() {
        text.push_str(&format!("  {sources}"));
    }
    page.row(&Row { depth, sign: Some(super::sign(key.action).unwrap_or(Sign::Change)), text });
    if apart {
        page.plain(depth + 2, &sources);
    }
}

fn subject(names: &Names<'_>, page: &Page, key: &Key<'_>, changes: &[&Change], outside: bool) -> String {
    let place = |change: &&'_ Change| match change.kind.as_str() {
        "assignment" => access::parts(change).map(|[_, _, target]| target.to_owned()),
        "stack" => account_of(change).map(str::to_owned),
        _ => attached(change).map(|[_, target]| target.to_owned()),
    };
    if !key.lead.is_empty() {
        let own = match changes {
            [one] if one.kind == "stack" => Some(format!("{} in ", own_name(names, one))),
            _ => None,
        };
        let targets: Vec<String> = changes.iter().filter_map(place).collect();
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        return places::targets(names, page, own.as_ref().unwrap_or(&key.lead), &targets, 1);
    }
    let kind = visible::text(key.kind).replace('_', " ");
    let called: Vec<String> = changes.iter().map(|change| own_name(names, change)).collect();
    match called.as_slice() {
        [one] if outside => format!("{kind} {one}"),
        [one] => one.clone(),
        _ => page.names(&format!("{}: ", counted(called.len(), &kind)), &called, 1),
    }
}

/// Address, id and operations of a change.
fn details(names: &Names<'_>, page: &mut Page, change: &Change, depth: usize) {
    let address = visible::name(&change.address);
    let id = change.id.as_deref().map(|id| format!("  id {}", visible::name(id))).unwrap_or_default();
    page.plain(depth, &format!("{address}{id}"));
    for operation in change.operations.iter().filter_map(|id| names.plan.operation(*id)) {
        page.plain(depth + 1, &places::operation(operation));
    }
}
