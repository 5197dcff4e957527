//! What moves under other service control policies, and what goes of those that others manage with a unit that is made anew or deleted. Owns the comparison
//! of what an account or a unit is under before and after, by the program; attaching and detaching are changes of their own.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::diagnostics::Code;

use super::build::Builder;
use super::desired::{Desired, ROOT};
use super::identity;
use super::model::{Action, Change, Fields, Notice, NoticeKind};
use crate::live::foreign::FULL_AWS_ACCESS;
use crate::registry::record::Record;
use crate::resources::ResourceKind;

/// Units above each other that are followed: AWS allows five levels. (AWS Organizations quotas)
const LEVELS: usize = 16;

/// Says of each account and unit that moves under other policies which it leaves and which it comes under: its people
/// keep what they were given, and can do more or less with it.
pub(super) fn moved(builder: &Builder<'_>) -> Vec<Notice> {
    let (above, others) = (Above::new(builder.desired, builder.record), Others::new(builder));
    let mut moves: BTreeMap<(BTreeSet<String>, BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for change in builder.changes.iter().filter(|change| !matches!(change.action, Action::Forget | Action::NoOp)) {
        let Some((from, to)) = places(change) else { continue };
        let under = |unit: &str| {
            let own = above.policies(unit).into_iter().map(str::to_owned);
            own.chain(others.above(builder, &above, unit)).collect::<BTreeSet<String>>()
        };
        let (before, after) = (under(from), under(to));
        let (left, gained) = (&before - &after, &after - &before);
        if !(left.is_empty() && gained.is_empty()) {
            moves.entry((left, gained)).or_default().push(change.address.clone());
        }
    }
    let notice = |((left, gained), addresses): ((BTreeSet<String>, BTreeSet<String>), Vec<String>)| Notice {
        kind: NoticeKind::Hazard,
        code: None,
        message: message(&left, &gained),
        addresses,
        allow: None,
    };
    moves.into_iter().map(notice).collect()
}

/// Units that are made anew or deleted and hold policies of others, which go with them.
pub(super) fn of_others(builder: &Builder<'_>) -> Vec<Notice> {
    let others = Others::new(builder);
    let brake = |change: &Change| {
        let after = match change.action {
            Action::Replace => ": the new one is without",
            Action::Delete => "",
            _ => return None,
        };
        let names: Vec<String> = others.on(builder, change.id.as_ref()?).collect();
        let what = if change.action == Action::Replace { "made anew" } else { "deleted" };
        let are = if names.len() == 1 { "is" } else { "are" };
        let (address, all) = (&change.address, names.join(", "));
        (!names.is_empty()).then(|| Notice {
            kind: NoticeKind::Brake,
            code: Some(Code::Braked.as_str().to_owned()),
            message: format!("{address} is {what}, and {all} that cellc does not own {are} attached to it{after}"),
            addresses: vec![address.clone()],
            allow: Some("foreign-policy".to_owned()),
        })
    };
    let units = || builder.changes.iter().filter(|change| change.kind == "ou");
    let allowed = units().filter_map(|change| of_a_list(builder, change));
    units().filter_map(brake).chain(allowed).collect()
}

/// A unit from which FullAWSAccess is detached, so that its policies are a list of what is allowed, gets it when it is made anew.
fn of_a_list(builder: &Builder<'_>, change: &Change) -> Option<Notice> {
    let held = builder.live.policies_of.get(change.id.as_ref()?)?;
    let is_a_list = !held.is_empty() && !held.iter().any(|policy| policy == FULL_AWS_ACCESS);
    let address = &change.address;
    (change.action == Action::Replace && is_a_list).then(|| Notice {
        kind: NoticeKind::Brake,
        code: Some(Code::Braked.as_str().to_owned()),
        message: format!(
            "{address} is made anew, and `FullAWSAccess` is detached from it: the new one has it, and allows what the former one's list does not"
        ),
        addresses: vec![address.clone()],
        allow: Some("foreign-policy".to_owned()),
    })
}

/// The policies that neither cellc nor AWS owns, where they were looked for.
struct Others {
    owned: BTreeSet<String>,
}

impl Others {
    fn new(builder: &Builder<'_>) -> Self {
        Self { owned: identity::policies(builder.record, builder.live).into_values().collect() }
    }

    /// The names of those that are attached to a unit itself, by its id.
    fn on<'b>(&'b self, builder: &'b Builder<'_>, id: &str) -> impl Iterator<Item = String> + 'b {
        let policy = |id: &String| builder.live.policies.get(id);
        let all = builder.live.policies_of.get(id).into_iter().flatten();
        let foreign =
            all.filter(move |id| !self.owned.contains(*id) && policy(id).is_none_or(|policy| !policy.aws_managed));
        foreign.map(move |id| policy(id).map_or(id.clone(), |policy| format!("`{}`", policy.name)))
    }

    /// The names of those that hold in a unit of this address; where it is not there yet, in what it is to lie in.
    fn above(&self, builder: &Builder<'_>, above: &Above<'_>, unit: &str) -> BTreeSet<String> {
        let id = above.up(unit).find_map(|unit| builder.ids.get(unit));
        let parent = |id: &&String| builder.live.units.get(*id).map(|unit| &unit.parent);
        let up = std::iter::successors(id, parent).take(LEVELS).filter(|id| builder.live.units.contains_key(*id));
        up.flat_map(|id| self.on(builder, id)).collect()
    }
}

fn message(left: &BTreeSet<String>, gained: &BTreeSet<String>) -> String {
    let names = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
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
        self.up(unit).flat_map(|at| self.attached.get(at).into_iter().flatten().map(String::as_str)).collect()
    }

    /// It, and what it lies in, but for the root.
    fn up<'u>(&'u self, unit: &'u str) -> impl Iterator<Item = &'u str> {
        let up = std::iter::successors(Some(unit), |at| self.parents.get(at).copied());
        up.take(LEVELS).take_while(|at| *at != ROOT)
    }
}
