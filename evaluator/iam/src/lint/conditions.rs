//! Conditions that do not say what they seem to. Owns the lints of one condition: wildcards that none reads, lists
//! that hold of nothing, and keys that the actions do not carry.

use std::collections::BTreeSet;

use super::known::{Known, closest, is_glob, is_key, named};
use super::session::{false_when_absent, negated};
use super::{Also, Finding, Found, Kind, Setting};
use crate::policy::{Condition, Document, Effect, Qualifier, Statement, Text};

/// Each value with `*` or `?` under an operator that takes them for characters.
pub(super) fn globs(document: &Document, statement: &Statement, found: &mut Found<'_>) {
    for condition in &statement.conditions {
        let operator = condition.operator.to_ascii_lowercase();
        if !operator.starts_with("string") || operator.ends_with("like") {
            continue;
        }
        for value in condition.values.iter().filter(|value| is_glob(&plain(document, &value.value))) {
            let fact = format!("`{}` takes `{}` letter by letter, wildcards too", condition.operator, value.value);
            let like = if negated(&operator) { "StringNotLike" } else { "StringLike" };
            found.add(Kind::GlobInEquals, &value.source, fact).help = Some(format!("`{like}` reads `*` and `?`"));
        }
    }
}

/// A value without its policy variables: `${*}` is a star that is meant.
fn plain(document: &Document, value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while document.has_variables() {
        let Some((head, inner)) = rest.split_once("${") else { break };
        let Some((_, after)) = inner.split_once('}') else { break };
        out.push_str(head);
        rest = after;
    }
    out + rest
}

/// Keys that are in each request of the actions that carry them, in lower case: the call cannot be made without.
const ALWAYS_THERE: [&str; 3] = [
    "kms:grantoperations",
    "route53:changeresourcerecordsetsnormalizedrecordnames",
    "route53:changeresourcerecordsetsrecordtypes",
];

/// Each `ForAllValues:` of an allow that holds of a request without the key, where nothing else asks for the key.
/// Keys of tags are left alone: a request without tags is meant to pass.
pub(super) fn all_of_nothing(statement: &Statement, found: &mut Found<'_>) {
    if statement.effect == Effect::Deny {
        return;
    }
    for condition in statement.conditions.iter().filter(|condition| condition.qualifier == Some(Qualifier::All)) {
        let same = |other: &Condition| other.key.eq_ignore_ascii_case(&condition.key);
        let asked = statement.conditions.iter().any(|other| same(other) && false_when_absent(other));
        let key = condition.key.to_ascii_lowercase();
        if asked || key.ends_with("tagkeys") || ALWAYS_THERE.contains(&key.as_str()) {
            continue;
        }
        let fact = format!("`ForAllValues` also holds of a request without `{}`", condition.key);
        found.add(Kind::AllOfNothing, &condition.source, fact).help =
            Some(format!("ask that it is there too: `\"Null\": {{ \"{}\": \"false\" }}`", condition.key));
    }
}

/// Each condition on a key that no action of the statement carries, so that it always or never holds.
pub(super) fn foreign_keys(statement: &Statement, setting: &Setting<'_>, found: &mut Found<'_>) {
    if statement.actions.not || statement.conditions.is_empty() {
        return;
    }
    let Some(actions) = all_known(statement, setting) else { return };
    for condition in &statement.conditions {
        let key = condition.key.as_str();
        if !is_known_prefix(setting, key) || is_global(setting, key) {
            continue;
        }
        let (with, without): (Vec<_>, Vec<_>) = actions.iter().partition(|known| carries(known, key));
        if with.is_empty() {
            of_none(condition, &without, setting, found).also.extend(place(&statement.actions.items));
        } else if false_when_absent(condition) {
            let without: Vec<_> = without.into_iter().filter(|known| !is_tagged_as_made(known, key)).collect();
            of_some(statement, condition, &without, found);
        }
    }
}

/// Whether an action makes something and the key is a tag of it: some services ask for the tags it is made with, and
/// AWS does not list which.
fn is_tagged_as_made(known: &Known<'_>, key: &str) -> bool {
    let makes = ["Create", "Run", "Request", "Start"].iter().any(|verb| known.action.name.starts_with(verb));
    makes && key.to_ascii_lowercase().starts_with("aws:resourcetag/")
}

fn carries(known: &Known<'_>, key: &str) -> bool {
    known.keys().any(|listed| is_key(listed, key))
}

/// The actions of a statement, when each is known: of an unknown one nobody knows the keys.
fn all_known<'c>(statement: &Statement, setting: &Setting<'c>) -> Option<Vec<Known<'c>>> {
    let mut all = Vec::new();
    for item in &statement.actions.items {
        let known = named(setting.catalogue, &item.value);
        if known.is_empty() {
            return None;
        }
        all.extend(known);
    }
    Some(all)
}

/// Whether a key begins with the name of a service that is known: others are identity providers'.
fn is_known_prefix(setting: &Setting<'_>, key: &str) -> bool {
    let prefix = key.split(':').next().unwrap_or(key);
    prefix.eq_ignore_ascii_case("aws") || setting.catalogue.service(prefix).is_some()
}

/// Global keys that only the requests of some actions carry, in lower case up to their variable.
const OF_SOME: [&str; 2] = ["aws:resourcetag/", "aws:requesttag/"];

/// Whether any request may carry a key.
fn is_global(setting: &Setting<'_>, key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    !OF_SOME.iter().any(|some| lower.starts_with(some))
        && setting.catalogue.globals.iter().any(|global| is_key(&global.name, key))
}

/// A finding about a key that no action of the statement carries.
fn of_none<'f>(
    condition: &Condition,
    actions: &[&Known<'_>],
    setting: &Setting<'_>,
    found: &'f mut Found<'_>,
) -> &'f mut Finding {
    let holds = if false_when_absent(condition) { "never" } else { "always" };
    let who = match actions {
        [one] => format!("`{}` does not carry", one.name()),
        _ => "none of these actions carries".to_owned(),
    };
    let fact = format!("{who} `{}`, so this {holds} holds (as of {})", condition.key, setting.catalogue.date);
    let keys: BTreeSet<&str> = actions.iter().flat_map(|known| known.keys()).collect();
    let globals = setting.catalogue.globals.iter().map(|global| global.name.as_str());
    let near = closest(&condition.key, keys.into_iter().chain(globals)).map(|near| format!("did you mean `{near}`?"));
    let finding = found.add(Kind::ForeignKey, &condition.source, fact);
    finding.help = near;
    finding
}

/// A finding about the actions that are named one by one and do not carry a key that others of the statement carry.
/// Those that a pattern brings in are not meant each.
fn of_some(statement: &Statement, condition: &Condition, without: &[&Known<'_>], found: &mut Found<'_>) {
    let lacks = |item: &&Text| without.iter().any(|known| known.name().eq_ignore_ascii_case(&item.value));
    let items: Vec<&Text> = statement.actions.items.iter().filter(lacks).collect();
    let Some(first) = items.first() else { return };
    let allows = if statement.effect == Effect::Allow { "allows" } else { "denies" };
    let fact = match items.len() {
        1 => format!("`{}` does not carry `{}`, so this never {allows} it", first.value, condition.key),
        several => format!(
            "`{}` and {} more do not carry `{}`, so this never {allows} them",
            first.value,
            several - 1,
            condition.key
        ),
    };
    let finding = found.add(Kind::ForeignKey, &first.source, fact);
    finding.also.push(Also { at: condition.source.clone(), says: "the condition".to_owned() });
    finding.help = Some("give the other actions a statement of their own".to_owned());
}

/// The whole of a list of actions.
fn place(items: &[Text]) -> Option<Also> {
    let (first, last) = (items.first()?, items.last()?);
    let mut at = first.source.clone();
    at.end = last.source.end.max(at.end);
    Some(Also { at, says: "the actions".to_owned() })
}
