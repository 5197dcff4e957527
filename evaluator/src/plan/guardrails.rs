//! What moves under other service control policies, and what a unit that is made anew loses of those of others. Owns the comparison
//! of what an account or a unit is under before and after, by the program; attaching and detaching are changes of their own.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::diagnostics::Code;

use super::build::Builder;
use super::desired::{Desired, ROOT};
use super::identity;
use super::model::{Action, Change, Fields, Notice, NoticeKind};
use crate::registry::record::Record;
use crate::resources::ResourceKind;

/// Units above each other that are followed: AWS allows five levels. (AWS Organizations quotas)
const LEVELS: usize = 16;

/// Says of each account and unit that moves under other policies which it leaves and which it comes under: its people
/// keep what they were given, and can do more or less with it.
pub(super) fn moved(builder: &Builder<'_>) -> Vec<Notice> {
    let above = Above::new(builder.desired, builder.record);
    let mut moves: BTreeMap<(BTreeSet<&str>, BTreeSet<&str>), Vec<String>> = BTreeMap::new();
    for change in builder.changes.iter().filter(|change| !matches!(change.action, Action::Forget | Action::NoOp)) {
        let Some((from, to)) = places(change) else { continue };
        let (before, after) = (above.policies(from), above.policies(to));
        let (left, gained) = (&before - &after, &after - &before);
        if !(left.is_empty() && gained.is_empty()) {
            moves.entry((left, gained)).or_default().push(change.address.clone());
        }
    }
    let notice = |((left, gained), addresses): ((BTreeSet<&str>, BTreeSet<&str>), Vec<String>)| Notice {
        kind: NoticeKind::Hazard,
        code: None,
        message: message(&left, &gained),
        addresses,
        allow: None,
    };
    moves.into_iter().map(notice).collect()
}

/// Units that are made anew and hold policies of others: the new one has none of these.
pub(super) fn of_others(builder: &Builder<'_>) -> Vec<Notice> {
    let owned = identity::policies(builder.record, builder.live);
    let foreign = |id: &&String| {
        let policy = builder.live.policies.get(*id);
        !owned.values().any(|owned| owned == *id) && policy.is_none_or(|policy| !policy.aws_managed)
    };
    let name = |id: &String| builder.live.policies.get(id).map_or(id.clone(), |policy| format!("`{}`", policy.name));
    let replaced = builder.changes.iter().filter(|change| change.kind == "ou" && change.action == Action::Replace);
    let held = replaced.filter_map(|change| {
        let all = builder.live.policies_of.get(change.id.as_ref()?)?;
        let names: Vec<String> = all.iter().filter(foreign).map(name).collect();
        (!names.is_empty()).then(|| (change.address.clone(), names))
    });
    let brake = |(address, names): (String, Vec<String>)| Notice {
        kind: NoticeKind::Brake,
        code: Some(Code::Braked.as_str().to_owned()),
        message: format!(
            "{address} is made anew, and {} that cellc does not own {} attached to it: the new one is without",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" }
        ),
        addresses: vec![address],
        allow: Some("foreign-policy".to_owned()),
    };
    held.map(brake).collect()
}

fn message(left: &BTreeSet<&str>, gained: &BTreeSet<&str>) -> String {
    let names = |all: &BTreeSet<&str>| all.iter().copied().collect::<Vec<_>>().join(", ");
    let parts = [("leaves", left), ("comes under", gained)];
    let parts = parts.into_iter().filter(|(_, all)| !all.is_empty());
    let parts: Vec<String> = parts.map(|(verb, all)| format!("{verb} {}", names(all))).collect();
    format!("what may be done there at most changes: by moving it {}", parts.join(" and "))
}

/// Where what stays was, and will be.
fn places(change: &Change) -> Option<(&str, &str)> {
    let field = if change.kind == "ou" { "parent" } else { "ou" };
    let from = change.before.as_ref()?.get(field)?.as_str()?;
    let to = change.after.as_ref()?.get(field)?.as_str()?;
    (from != to).then_some((from, to))
}

/// The units of a program, and the policies on each; of units that the program has no more, by the record.
struct Above<'d> {
    parents: BTreeMap<&'d str, &'d str>,
    attached: BTreeMap<&'d str, BTreeSet<String>>,
}

impl<'d> Above<'d> {
    fn new(desired: &'d Desired, record: &'d Record) -> Self {
        let (mut parents, mut attached) = (BTreeMap::new(), BTreeMap::<&str, BTreeSet<String>>::new());
        let text = |fields: &'d Fields, name: &str| fields.get(name).and_then(|value| value.as_str());
        for (address, wanted) in &desired.resources {
            if wanted.kind == ResourceKind::Ou {
                parents.extend(text(&wanted.fields, "parent").map(|parent| (address.as_str(), parent)));
            } else if wanted.kind == ResourceKind::ScpAttachment
                && let (Some(policy), Some(target)) = (text(&wanted.shown, "policy"), text(&wanted.shown, "target"))
            {
                attached.entry(target).or_default().insert(policy.to_owned());
            }
        }
        let is_gone = |unit: &str| unit != ROOT && !desired.resources.contains_key(unit);
        for (address, entry) in &record.resources {
            if entry.kind == ResourceKind::Ou.name() && is_gone(address) {
                parents.extend(text(&entry.fields, "parent").map(|parent| (address.as_str(), parent)));
            } else if entry.kind == ResourceKind::ScpAttachment.name()
                && let (Some(policy), Some((_, target))) =
                    (identity::policy_of_attachment(address), address.split_once('/'))
                && is_gone(target)
            {
                attached.entry(target).or_default().insert(policy);
            }
        }
        Self { parents, attached }
    }

    /// What holds in a unit: its own policies, and those of what it lies in. Those of the root hold everywhere.
    fn policies(&self, unit: &str) -> BTreeSet<&str> {
        let up = std::iter::successors(Some(unit), |at| self.parents.get(at).copied());
        let up = up.take(LEVELS).take_while(|at| *at != ROOT);
        up.flat_map(|at| self.attached.get(at).into_iter().flatten().map(String::as_str)).collect()
    }
}
