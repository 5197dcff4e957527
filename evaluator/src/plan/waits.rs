//! What access has to wait for, and what waits for access to go, beyond what each kind needs by itself. Owns that nobody may do more for
//! a while than before and after, nor where an operation fails: what is given comes after the policies that come to hold it, and a policy
//! that comes to allow more, or an account that leaves one, waits for what is taken away there. When cells pull images is `diff/repositories/pulling.rs`. (spec/lifecycle.md)

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use foldhash::{HashMap, HashSet};
use serde_json::Value as Json;

use super::build::Builder;
use super::canonical;
use super::model::{Operation, OperationId, Verb};
use crate::limits::OU_LEVELS;
use crate::live::relied::levels;
use crate::resources::ResourceKind;

/// The policies on each target.
type ByTarget<'a> = HashMap<&'a str, Vec<&'a str>>;

/// An operation on a policy, and how what it says changes.
struct Edit {
    operation: OperationId,
    policy: String,
    allows_more: bool,
    allows_less: bool,
}

impl Builder<'_> {
    /// Adds these needs. An operation may need a later one until [`Builder::in_order`] numbers them.
    pub(super) fn wait_for_access(&mut self) {
        let edits = self.edits();
        let tightened: HashMap<&str, OperationId> =
            edits.iter().filter(|edit| edit.allows_less).map(|edit| (edit.policy.as_str(), edit.operation)).collect();
        self.held_first(&tightened);
        let gives_way = self.taken_away(&edits);
        if self.pulls_in_time() || gives_way {
            self.in_order();
        }
    }

    /// The policies whose documents change.
    fn edits(&self) -> Vec<Edit> {
        let edit = |operation: &Operation| {
            let Verb::UpdatePolicy { content, .. } = &operation.verb else { return None };
            let found = self.live.policies.get(self.ids.get(&operation.address)?)?;
            let (was, will) = (statements(&canonical::parsed(found.content.as_deref()?)), statements(content));
            let differs = |one: &BTreeSet<(bool, String)>, other: &BTreeSet<(bool, String)>, denies: bool| {
                one.difference(other).any(|(of, _)| *of == denies)
            };
            Some(Edit {
                operation: operation.id,
                policy: operation.address.clone(),
                allows_more: differs(&was, &will, true) || differs(&will, &was, false),
                allows_less: differs(&will, &was, true) || differs(&was, &will, false),
            })
        };
        self.operations.iter().filter_map(edit).collect()
    }

    /// What is given, and who comes, waits for the policies above that come to allow less.
    fn held_first(&mut self, tightened: &HashMap<&str, OperationId>) {
        if tightened.is_empty() {
            return;
        }
        let attached = self.wanted_policies();
        let mut needs = Vec::new();
        for operation in &self.operations {
            let target = match &operation.verb {
                Verb::Assign { target, .. } => target,
                Verb::MoveAccount { .. } => &operation.address,
                _ => continue,
            };
            let policies = levels(self.desired, target).flat_map(|at| attached.get(at).into_iter().flatten());
            needs.extend(policies.filter_map(|policy| Some((operation.id, *tightened.get(policy)?))));
        }
        for (later, first) in needs {
            if !self.reaches(first, later) {
                self.need(later, first);
            }
        }
    }

    /// The policies that are to be on each target.
    fn wanted_policies(&self) -> ByTarget<'_> {
        let mut all = ByTarget::default();
        for wanted in self.desired.resources.values().filter(|wanted| wanted.kind == ResourceKind::ScpAttachment) {
            let text = |name: &str| wanted.shown.get(name).and_then(Json::as_str);
            if let (Some(policy), Some(target)) = (text("policy"), text("target")) {
                all.entry(target).or_default().push(policy);
            }
        }
        all
    }

    /// A policy that comes to allow more waits for what is taken away below it, and a move out from under one for what is taken away in
    /// the account: unless that itself waits for the other, as where something else is given first. Whether anything has to.
    fn taken_away(&mut self, edits: &[Edit]) -> bool {
        let mut gone: HashMap<String, Vec<OperationId>> = HashMap::default();
        for operation in &self.operations {
            if let Verb::Unassign { target, .. } = &operation.verb
                && let Some(account) = self.ids.get(target)
            {
                gone.entry(account.clone()).or_default().push(operation.id);
            }
        }
        if gone.is_empty() {
            return false;
        }
        let mut pairs = Vec::new();
        let weakened = edits.iter().filter(|edit| edit.allows_more);
        for (edit, id) in weakened.filter_map(|edit| Some((edit, self.ids.get(&edit.policy)?))) {
            for (account, removals) in &gone {
                if self.lies_in(account).any(|at| self.live.attached.contains(&(id.clone(), at))) {
                    pairs.extend(removals.iter().map(|removal| (edit.operation, *removal)));
                }
            }
        }
        let (now, wanted) = (self.policies_now(), self.wanted_policies());
        for operation in &self.operations {
            if let Verb::MoveAccount { to } = &operation.verb
                && let Some(account) = self.ids.get(&operation.address)
                && let Some(removals) = gone.get(account)
                && self.leaves_a_policy((account, &operation.address), to, (&now, &wanted))
            {
                pairs.extend(removals.iter().map(|removal| (operation.id, *removal)));
            }
        }
        self.all_need(pairs)
    }

    /// The later of each pair waits for the first, unless that waits for it by itself. Whether one does.
    pub(super) fn all_need(&mut self, mut pairs: Vec<(OperationId, OperationId)>) -> bool {
        pairs.sort_unstable();
        pairs.dedup();
        let mut waits = false;
        for (later, first) in pairs {
            if !self.reaches(first, later) {
                self.need(later, first);
                waits = true;
            }
        }
        waits
    }

    /// The policies that are on each target now, by their ids: the program's, and those of others where they were looked for.
    fn policies_now(&self) -> ByTarget<'_> {
        let mut all = ByTarget::default();
        for (policy, target) in &self.live.attached {
            all.entry(target).or_default().push(policy);
        }
        for (target, policies) in &self.live.policies_of {
            all.entry(target).or_default().extend(policies.iter().map(String::as_str));
        }
        all
    }

    /// Is one of the policies that hold an account now, by its id, not among those that will, by its address?
    fn leaves_a_policy(
        &self,
        (account, address): (&str, &str),
        to: &str,
        (now, wanted): (&ByTarget<'_>, &ByTarget<'_>),
    ) -> bool {
        let on = |at: String| now.get(&*at).cloned().unwrap_or_default();
        let wanted = std::iter::once(address)
            .chain(levels(self.desired, to))
            .flat_map(|at| wanted.get(at).into_iter().flatten())
            .filter_map(|policy| self.ids.get(*policy));
        let mut after: BTreeSet<&str> = wanted.map(String::as_str).collect();
        let place = self.ids.get(to).into_iter().flat_map(|place| self.lies_in(place));
        after.extend(place.chain([account.to_owned()]).flat_map(on));
        self.lies_in(account).flat_map(on).any(|policy| !after.contains(policy))
    }

    /// An account or unit by its id, and the ids of what it lies in now.
    pub(super) fn lies_in(&self, id: &str) -> impl Iterator<Item = String> {
        let account = self.live.accounts.get(id).and_then(|account| account.parent.clone());
        let parent = account.or_else(|| self.live.units.get(id).map(|unit| unit.parent.clone()));
        let above = |unit: &String| self.live.units.get(unit).map(|unit| unit.parent.clone());
        std::iter::once(id.to_owned()).chain(std::iter::successors(parent, above).take(OU_LEVELS.most + 1))
    }

    fn need(&mut self, later: OperationId, first: OperationId) {
        if let Some(operation) = self.operations.get_mut(later.0 as usize)
            && !operation.needs.contains(&first)
        {
            operation.needs.push(first);
        }
    }

    /// Does an operation wait for another, by whatever way?
    fn reaches(&self, from: OperationId, to: OperationId) -> bool {
        let (mut seen, mut open) = (HashSet::default(), vec![from]);
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                open.extend(self.operations.get(at.0 as usize).into_iter().flat_map(|operation| &operation.needs));
            }
        }
        false
    }

    /// Numbers the operations so that each needs only earlier ones, and else keeps their order. (Kahn 1962, "Topological sorting of large
    /// networks")
    fn in_order(&mut self) {
        let mut open: Vec<usize> = Vec::with_capacity(self.operations.len());
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.operations.len()];
        for operation in &self.operations {
            open.push(operation.needs.len());
            for need in &operation.needs {
                waiting[need.0 as usize].push(operation.id.0 as usize);
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            open.iter().enumerate().filter(|(_, needs)| **needs == 0).map(|(at, _)| Reverse(at)).collect();
        let mut numbers = vec![OperationId(0); self.operations.len()];
        let mut next = 0;
        while let Some(Reverse(at)) = ready.pop() {
            numbers[at] = OperationId(next);
            next += 1;
            for later in &waiting[at] {
                open[*later] -= 1;
                if open[*later] == 0 {
                    ready.push(Reverse(*later));
                }
            }
        }
        debug_assert_eq!(next as usize, self.operations.len(), "no operation waits for itself");
        let anew = |id: &mut OperationId| *id = numbers[id.0 as usize];
        for operation in &mut self.operations {
            anew(&mut operation.id);
            operation.needs.iter_mut().for_each(anew);
            operation.needs.sort_unstable();
        }
        self.operations.sort_unstable_by_key(|operation| operation.id);
        for change in &mut self.changes {
            change.operations.iter_mut().for_each(anew);
            change.operations.sort_unstable();
        }
    }
}

/// The statements of a document, and whether each denies.
fn statements(document: &Json) -> BTreeSet<(bool, String)> {
    let denies = |statement: &Json| statement.get("Effect").and_then(Json::as_str) == Some("Deny");
    canonical::statements(document).iter().map(|statement| (denies(statement), statement.to_string())).collect()
}
