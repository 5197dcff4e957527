//! One side of a review: who has which permission sets where, what they say, and what holds them. Owns how a side is
//! read out of a program and out of a plan; what all of it allows is [`super::cases`]'s.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr};

use crate::plan::desired::{Desired, ROOT, Wanted};
use crate::plan::identity::{policy_of_attachment, set_of_assignment};
use crate::plan::later;
use crate::plan::model::{Action, Change, Fields, Memberships, Plan};
use crate::plan::scope::Scope;
use crate::registry::record::Record;
use crate::resources::ResourceKind;

/// What decides access, by address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// Permission sets.
    pub sets: BTreeMap<String, Fields>,
    /// Forms of permission sets, by set and by the cell or account in which it is in force, where that is another one.
    pub forms: BTreeMap<(String, String), Fields>,
    /// Documents of service control policies.
    pub policies: BTreeMap<String, Json>,
    /// The policies attached to each target.
    pub attached: BTreeMap<String, BTreeSet<String>>,
    /// The unit that each unit and account lies in; [`ROOT`] is in none.
    pub above: BTreeMap<String, String>,
    /// The sets that each principal has in each cell and account.
    pub given: BTreeMap<Holding, BTreeSet<String>>,
    /// The last day of what is given until one: of a principal's set in a cell or account.
    pub ends: BTreeMap<(Holding, String), String>,
    /// Ids of accounts, as far as they are known.
    pub accounts: BTreeMap<String, String>,
    /// The management account's id.
    pub management: Option<String>,
    /// The organization's id.
    pub organization: Option<String>,
    /// The groups that users are in, as far as that was read.
    pub groups: Option<Memberships>,
    /// Sets that users have through groups, where they are given something themselves on either side.
    pub through: BTreeMap<Holding, BTreeSet<String>>,
    /// Identity Center's region.
    pub home_region: Option<String>,
    /// The partition of the accounts, if it is another than `aws`.
    pub partition: Option<String>,
    /// The region of each cell, by address.
    pub regions: BTreeMap<String, String>,
}

/// The partition of most accounts.
pub(super) const USUAL: &str = "aws";

/// Who, and in which cell or account, both by address.
pub type Holding = (String, String);

impl Side {
    /// What a program asks for. `id` says what is known of ids, by address.
    pub fn of_program(desired: &Desired, id: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut side = Self {
            management: desired.org.management_account.clone(),
            home_region: desired.org.home_region.clone(),
            partition: Some(desired.org.partition.clone()).filter(|partition| partition != USUAL),
            regions: desired.regions.clone(),
            ..Self::default()
        };
        for (address, wanted) in &desired.resources {
            side.put(desired, address, wanted.kind.name(), Some(fields_of(wanted)), id);
            if wanted.kind == ResourceKind::Account {
                let said = wanted.account.as_ref().and_then(|wish| wish.id.clone());
                side.accounts.extend(said.or_else(|| id(address)).map(|id| (address.clone(), id)));
            }
        }
        side
    }

    /// Both sides of a plan: as it is, and as it will be. What the plan does not change is as the program has it, or,
    /// where the program was not asked, as the record has it.
    /// None for what will be where the plan changes nothing.
    pub fn around(plan: &Plan, desired: &Desired, record: &Record) -> (Self, Option<Self>) {
        let recorded =
            |address: &str| record.entry(address).map(|entry| entry.id.clone()).filter(|id| !id.is_empty());
        let id = |address: &str| plan.ids.get(address).cloned().or_else(|| recorded(address));
        let mut before = Self::of_program(desired, &id);
        before.management = Some(plan.target.management_account.clone()).filter(|id| !id.is_empty());
        before.organization = Some(plan.target.organization.clone()).filter(|id| !id.is_empty());
        before.left_alone(plan, desired, record, &id);
        let mut after = None;
        if !plan.changes.is_empty() {
            let after = after.insert(before.clone());
            for change in &plan.changes {
                let (was, will) = states(change);
                before.put(desired, &change.address, &change.kind, was, &id);
                before.has_forms(change);
                after.put(desired, &change.address, &change.kind, will, &id);
            }
        }
        Self::join_groups(&mut before, after.as_mut(), plan.memberships.as_ref());
        (before, after)
    }

    /// The same with other addresses for principals, and for cells and accounts.
    pub(super) fn renamed(self, people: &BTreeMap<String, String>, targets: &BTreeMap<String, String>) -> Self {
        let person = |address: String| people.get(&address).cloned().unwrap_or(address);
        let target = |address: String| targets.get(&address).cloned().unwrap_or(address);
        let mut given: BTreeMap<Holding, BTreeSet<String>> = BTreeMap::new();
        for ((who, place), sets) in self.given {
            given.entry((person(who), target(place))).or_default().extend(sets);
        }
        let ends = self.ends.into_iter();
        let ends = ends.map(|(((who, place), set), day)| (((person(who), target(place)), set), day)).collect();
        Self {
            given,
            ends,
            attached: keys(self.attached, target),
            above: keys(self.above, target),
            accounts: keys(self.accounts, target),
            regions: keys(self.regions, target),
            forms: keys(self.forms, |(set, place)| (set, target(place))),
            ..self
        }
    }

    /// Adds what users have through their groups to both sides.
    pub(super) fn join_groups(before: &mut Self, after: Option<&mut Self>, memberships: Option<&Memberships>) {
        let people = memberships.map(|all| combining(all, before, after.as_deref())).unwrap_or_default();
        for side in std::iter::once(before).chain(after) {
            side.through_groups(&people, memberships.cloned());
        }
    }

    /// Adds what these users have through their groups in these places.
    fn through_groups(&mut self, people: &BTreeSet<Holding>, memberships: Option<Memberships>) {
        self.groups = memberships;
        for (user, target) in people {
            let groups = self.groups.as_ref().and_then(|all| all.get(user)).into_iter().flatten();
            let sets: BTreeSet<String> = groups
                .filter_map(|group| self.given.get(&(group.clone(), target.clone())))
                .flatten()
                .cloned()
                .collect();
            if !sets.is_empty() {
                self.through.insert((user.clone(), target.clone()), sets);
            }
        }
    }

    /// The same without what users have through groups; none where nobody has anything so.
    pub(super) fn alone(&self) -> Option<Self> {
        (!self.through.is_empty()).then(|| Self { through: BTreeMap::new(), ..self.clone() })
    }

    /// Is a user in one of these groups?
    pub(super) fn is_member(&self, user: &str, groups: &BTreeSet<String>) -> bool {
        let own = self.groups.as_ref().and_then(|all| all.get(user));
        own.is_some_and(|own| !own.is_disjoint(groups))
    }

    /// Everybody who has something somewhere, with the sets: the own ones, and those of groups.
    pub(super) fn held(&self) -> impl Iterator<Item = (&Holding, BTreeSet<&String>)> {
        let only_through = self.through.iter().filter(|(holding, _)| !self.given.contains_key(*holding));
        let own = self.given.iter().map(|(holding, own)| {
            let through = if self.through.is_empty() { None } else { self.through.get(holding) };
            (holding, own.iter().chain(through.into_iter().flatten()).collect())
        });
        own.chain(only_through.map(|(holding, sets)| (holding, sets.iter().collect())))
    }

    /// What the plan was not asked about is as the record has it.
    fn left_alone(&mut self, plan: &Plan, desired: &Desired, record: &Record, id: &dyn Fn(&str) -> Option<String>) {
        let scope = Scope { only: plan.only.clone(), except: plan.except.clone() };
        let changed: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
        for (address, entry) in &record.resources {
            let wanted = desired.resources.get(address);
            let asked = scope.takes(address, wanted.map(|wanted| wanted.sources.as_slice()).unwrap_or_default());
            if !changed.contains(address.as_str()) && (wanted.is_none() || !asked) {
                self.put(desired, address, &entry.kind, Some(&entry.fields), id);
            }
        }
        if scope.is_whole() && plan.command != "destroy" {
            return;
        }
        for (address, wanted) in &desired.resources {
            let unmade = !changed.contains(address.as_str()) && record.entry(address).is_none();
            if unmade && (plan.command == "destroy" || !scope.takes(address, &wanted.sources)) {
                self.put(desired, address, wanted.kind.name(), None, id);
            }
        }
    }

    /// What a permission set is in a cell or account.
    pub(super) fn form(&self, set: &str, target: &str) -> Option<&Fields> {
        let own = if self.forms.is_empty() { None } else { self.forms.get(&(set.to_owned(), target.to_owned())) };
        own.or_else(|| self.sets.get(set))
    }

    /// Not every account has the form that its set has.
    fn has_forms(&mut self, change: &Change) {
        for other in &change.in_force {
            for account in &other.accounts {
                self.forms.insert((change.address.clone(), account.clone()), other.form.clone());
            }
        }
    }

    /// Says what a resource is; none when it is not there.
    fn put(
        &mut self,
        desired: &Desired,
        address: &str,
        kind: &str,
        fields: Option<&Fields>,
        id: &dyn Fn(&str) -> Option<String>,
    ) {
        let text = |name: &str| fields.and_then(|fields| fields.get(name)).and_then(Json::as_str).map(str::to_owned);
        let known = |place: &str| {
            let (address, field) = place.rsplit_once('.')?;
            (field == "account_id").then(|| id(address))?
        };
        match kind {
            "permission_set" => {
                let resolved = |(name, value): (&String, &Json)| (name.clone(), later::resolve(value, &known));
                let fields = fields.map(|fields| fields.iter().map(resolved).collect());
                put(&mut self.sets, address, fields);
            }
            "scp" => {
                let content = fields.and_then(|fields| fields.get("content"));
                put(&mut self.policies, address, content.map(|content| later::resolve(content, &known)));
            }
            "scp_attachment" => {
                let Some((policy, target)) = policy_of_attachment(address).zip(target_of(address)) else { return };
                let root = desired.org.address.as_deref() == Some(target);
                let target = if root { ROOT } else { target };
                let policies = self.attached.entry(target.to_owned()).or_default();
                if fields.is_some() {
                    policies.insert(policy);
                } else {
                    policies.remove(&policy);
                }
            }
            "ou" => put(&mut self.above, address, text("parent").or_else(|| fields.map(|_| ROOT.to_owned()))),
            "account" => {
                put(&mut self.above, address, text("ou").or_else(|| fields.map(|_| ROOT.to_owned())));
                if fields.is_some() {
                    self.accounts.extend(id(address).map(|id| (address.to_owned(), id)));
                }
            }
            "assignment" => self.give(address, fields.is_some(), desired.ends.get(address)),
            _ => {}
        }
    }

    fn give(&mut self, address: &str, given: bool, ends: Option<&String>) {
        let mut parts = address.split('/').skip(1);
        let (Some(set), Some(principal), Some(target)) = (set_of_assignment(address), parts.next(), parts.next())
        else {
            return;
        };
        let holding = (principal.to_owned(), target.to_owned());
        if given {
            self.ends.extend(ends.map(|day| ((holding.clone(), set.clone()), day.clone())));
            self.given.entry(holding).or_default().insert(set);
        } else if let Some(sets) = self.given.get_mut(&holding) {
            sets.remove(&set);
            if sets.is_empty() {
                self.given.remove(&holding);
            }
        }
    }

    /// The regions of the cells that a service control policy binds, in order.
    pub(super) fn regions_under(&self, policy: &str) -> Vec<SmolStr> {
        let binds = |cell: &String| {
            self.levels(cell).iter().any(|at| self.attached.get(at).is_some_and(|all| all.contains(policy)))
        };
        let cells = self.regions.iter().filter(|(cell, _)| self.above.contains_key(*cell) && binds(cell));
        let regions: BTreeSet<&String> = cells.map(|(_, region)| region).collect();
        regions.into_iter().map(ToSmolStr::to_smolstr).collect()
    }

    /// The units that a target lies in, from the root down, and the target itself.
    pub(super) fn levels(&self, target: &str) -> Vec<String> {
        let up = std::iter::successors(Some(target.to_owned()), |at| self.above.get(at).cloned());
        let mut levels: Vec<String> = up.take(crate::limits::OU_LEVELS.most + 2).collect();
        if levels.last().is_none_or(|top| top != ROOT) {
            levels.push(ROOT.to_owned());
        }
        levels.reverse();
        levels
    }
}

/// Users in the places where what they have is more than one group's: something of their own beside a group's, or
/// something of several groups, on either side.
fn combining(memberships: &Memberships, before: &Side, after: Option<&Side>) -> BTreeSet<Holding> {
    let given: BTreeSet<&Holding> =
        before.given.keys().chain(after.iter().flat_map(|side| side.given.keys())).collect();
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (principal, target) in given {
        places.entry(principal).or_default().push(target);
    }
    let mut people = BTreeSet::new();
    for (user, groups) in memberships {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for who in groups.iter().chain([user]) {
            for target in places.get(who.as_str()).into_iter().flatten() {
                *times.entry(target).or_default() += 1;
            }
        }
        let several = times.into_iter().filter(|(_, times)| *times > 1);
        people.extend(several.map(|(target, _)| (user.clone(), target.to_owned())));
    }
    people
}

fn keys<K: Ord, V>(all: BTreeMap<K, V>, new: impl Fn(K) -> K) -> BTreeMap<K, V> {
    all.into_iter().map(|(address, value)| (new(address), value)).collect()
}

/// A change's resource before and after.
fn states(change: &Change) -> (Option<&Fields>, Option<&Fields>) {
    static THERE: Fields = Fields::new();
    let outside = change.drift.iter().any(|field| field == "*");
    let before = change.before.as_ref();
    let bare = matches!(change.kind.as_str(), "assignment" | "scp_attachment");
    match change.action {
        Action::Create => (None, change.after.as_ref().or(Some(&THERE))),
        // What is forgotten stays in the cloud, unless it is gone there already.
        Action::Forget if outside => (None, None),
        Action::Forget => (before, before),
        Action::Delete if bare => (Some(&THERE), None),
        Action::Delete => (before, None),
        _ if bare => (Some(&THERE), Some(&THERE)),
        _ => (before.or(change.after.as_ref()), change.after.as_ref().or(before)),
    }
}

fn fields_of(wanted: &Wanted) -> &Fields {
    if wanted.fields.is_empty() { &wanted.shown } else { &wanted.fields }
}

fn target_of(address: &str) -> Option<&str> {
    address.split_once('/').map(|(_, target)| target)
}

fn put<T>(all: &mut BTreeMap<String, T>, address: &str, value: Option<T>) {
    match value {
        Some(value) => _ = all.insert(address.to_owned(), value),
        None => _ = all.remove(address),
    }
}
