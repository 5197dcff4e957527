//! Limits that hold less than they held: service and resource control policies, boundaries, guards, and days that end
//! a grant. Owns finding those that the
//! rows do not name, because they take nothing from anybody now: who goes through what they open comes later, and then
//! no review tells of the limit.

use std::collections::{BTreeMap, BTreeSet};

use cell_iam::Engine;
use cell_iam::access::{Access, Part, Way};
use cell_iam::policy::{Document, Effect, Statement};

use super::cases::alone;
use super::guards::{Forbidden, Rule};
use super::model::{Equivalent, Row};
use super::pins::Pins;
use super::review::Question;
use super::sides::Side;
use crate::plan::desired::ROOT;

/// The limits that hold less. `through` are the cells in which somebody gains by one of them.
pub(super) fn find(
    question: &Question<'_>,
    engine: &mut Engine<'_>,
    rows: &[Row],
    through: &BTreeSet<String>,
) -> Vec<Equivalent> {
    let sources = rows.iter().flat_map(|row| &row.gained).flat_map(|delta| &delta.sources);
    let named: BTreeSet<&str> = sources.map(|source| source.policy.as_str()).collect();
    let mut all = Vec::new();
    let mut told = |address: &str, what: String, cells: &dyn Fn(&str) -> bool| {
        let open = through.iter().any(|cell| cells(cell));
        if !(open && named.contains(address)) {
            let text = if open { what } else { format!("{what}; nobody gains by it now") };
            all.push(Equivalent { address: address.to_owned(), text });
        }
    };
    let (before, after) = (question.before, question.after);
    for (target, policies) in &before.attached {
        let now = after.attached.get(target);
        let below = |cell: &str| after.levels(cell).contains(target);
        for policy in policies.iter().filter(|policy| now.is_none_or(|now| !now.contains(*policy))) {
            // What is gone as a whole binds nobody who is there.
            if target == ROOT || after.above.contains_key(target) {
                told(policy, format!("is no longer attached to {target}"), &below);
            }
        }
    }
    for (policy, content) in before.policies.iter().filter(|(policy, _)| after.policies.contains_key(*policy)) {
        let (was, now) = (alone(&Pins::default(), before, policy), alone(&Pins::default(), after, policy));
        let differ = after.policies.get(policy) != Some(content);
        if differ && !engine.diff(&was, &now).gained.is_empty() {
            let at: Vec<&String> =
                after.attached.iter().filter(|(_, all)| all.contains(policy)).map(|(target, _)| target).collect();
            told(policy, "denies less".to_owned(), &|cell| {
                after.levels(cell).iter().any(|level| at.contains(&level))
            });
        }
    }
    for (at, name, text) in foreign(question, engine) {
        told(&name, text, &|cell| after.levels(cell).contains(&at));
    }
    for (set, fields) in &after.sets {
        let boundary = |side: &Side| side.sets.get(set).and_then(|fields| fields.get("boundary")).cloned();
        let Some(was) = boundary(before).filter(|was| !was.is_null()) else { continue };
        let here = |cell: &str| after.given.iter().any(|((_, at), sets)| at == cell && sets.contains(set));
        if fields.get("boundary").is_none_or(serde_json::Value::is_null) {
            told(set, format!("has no boundary any more, before {}", was.as_str().unwrap_or_default()), &here);
        }
    }
    all.extend(guards(question, engine));
    all
}

/// Who has longer what somebody has on both sides: one line for each principal, set and day.
pub(super) fn longer(before: &Side, after: &Side) -> Vec<Equivalent> {
    let mut found: BTreeMap<(&str, &str, &str, Option<&str>), Vec<&str>> = BTreeMap::new();
    for ((holding, set), was) in &before.ends {
        let now = after.ends.get(&(holding.clone(), set.clone()));
        let is_held = after.given.get(holding).is_some_and(|sets| sets.contains(set));
        if is_held && now.is_none_or(|now| now > was) {
            let key = (holding.0.as_str(), set.as_str(), was.as_str(), now.map(String::as_str));
            found.entry(key).or_default().push(&holding.1);
        }
    }
    let told = found.into_iter().map(|((principal, set, was, now), cells)| {
        let until = now.map_or("without end".to_owned(), |day| format!("until {day}"));
        let (first, more) = (cells.first().copied().unwrap_or_default(), cells.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!("has {set} in {first}{more} {until}, before until {was}");
        Equivalent { address: principal.to_owned(), text }
    });
    told.collect()
}

/// Which foreign policies of a kind are attached to what has an address.
type Attached = for<'p> fn(&'p Pins, &str) -> &'p [(String, String)];

/// Foreign policies that are not attached any more, or deny less: where, which, and what is so.
fn foreign(question: &Question<'_>, engine: &mut Engine<'_>) -> Vec<(String, String, String)> {
    let (was, now) = (question.pins_before(), question.sources.now.pins);
    let mut all = Vec::new();
    let kinds: [(_, Attached); 2] = [(&was.organization, Pins::attached), (&was.resources, Pins::resource_attached)];
    let each =
        kinds.iter().flat_map(|(was, attached)| was.iter().flatten().map(move |(at, all)| (at, all, attached)));
    for (at, policies, attached) in each {
        for (name, text) in policies {
            let here = attached(now, at).iter().find(|(other, _)| other == name).map(|(_, text)| text);
            let what = match here {
                None => format!("is no longer attached to {at}"),
                Some(other) if other == text => continue,
                Some(other) => {
                    let of = |text: &str| {
                        let content = serde_json::from_str(text).unwrap_or_default();
                        let side = Side { policies: [(name.clone(), content)].into(), ..Side::default() };
                        alone(now, &side, name)
                    };
                    if engine.diff(&of(text), &of(other)).gained.is_empty() {
                        continue;
                    }
                    "denies less".to_owned()
                }
            };
            all.push((at.clone(), name.clone(), what));
        }
    }
    all
}

/// Guards that are gone, forbid less, or are about fewer.
fn guards(question: &Question<'_>, engine: &mut Engine<'_>) -> Vec<Equivalent> {
    let mut all = Vec::new();
    for was in question.guards_before {
        let mut says = Vec::new();
        match question.guards.iter().find(|now| now.address == was.address) {
            None => says.push("is gone"),
            Some(now) => {
                let there = |cell: &&String| question.desired.resources.contains_key(*cell);
                if !engine.diff(&forbidden(now), &forbidden(was)).gained.is_empty() {
                    says.push("forbids less");
                }
                if was.on.difference(&now.on).any(|cell| there(&cell)) {
                    says.push("holds over fewer cells");
                }
                let narrower = match (&was.principals, &now.principals) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(was), Some(now)) => !was.is_subset(now),
                };
                if narrower || !now.except.is_subset(&was.except) {
                    says.push("is about fewer principals");
                }
            }
        }
        if !says.is_empty() {
            all.push(Equivalent { address: was.address.clone(), text: says.join(", and ") });
        }
    }
    all
}

/// What a guard forbids, as an access that has all of it.
fn forbidden(rule: &Rule) -> Access {
    let ways = rule.forbids.iter().map(|Forbidden { label, what: forbid, .. }| {
        let statement = |effect, conditions: &[_]| Statement {
            sid: None,
            effect,
            principal: None,
            actions: forbid.actions.clone(),
            resources: Some(forbid.resources.clone()),
            conditions: conditions.to_vec(),
            source: forbid.source.clone(),
        };
        let mut statements = vec![statement(Effect::Allow, &[])];
        if !forbid.unless.is_empty() {
            statements.push(statement(Effect::Deny, &forbid.unless));
        }
        let part = Part::known(rule.address.as_str(), Document::new(statements));
        Way { name: label.as_str().into(), identity: vec![part], ..Way::default() }
    });
    Access { ways: ways.collect(), ..Access::default() }
}
