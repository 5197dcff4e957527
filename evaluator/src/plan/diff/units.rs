//! Organizational units. AWS cannot move one: a unit that belongs elsewhere is made there, what is in it moves, and
//! the former one is deleted at the end.

use std::collections::BTreeSet;

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use crate::plan::build::{Builder, GONE, Step, change, drifted, tags_of, text};
use crate::plan::desired::{ADDRESS_TAG, PARKING, ROOT, Wanted};
use crate::plan::fault::Fault;
use crate::plan::marks;
use crate::plan::model::{Action, Change, Fields, OperationId, Verb};
use crate::provider::{Tags, Unit};
use crate::registry::record::Entry;

impl Builder<'_> {
    /// Units that are to be there, those above first. Returns the former ids of those that are made anew.
    pub(in crate::plan) fn units(&mut self) -> Vec<(String, String)> {
        let mut wanted = self.wanted("ou");
        let mut replaced: Vec<(String, String)> = Vec::new();
        let mut done: BTreeSet<String> = BTreeSet::new();
        // Units form a tree (E0429): each round does at least one whose parent is done.
        while !wanted.is_empty() {
            let waits = |unit: &Wanted, left: &[(&String, &Wanted)]| {
                let parent = text(&unit.fields, "parent");
                left.iter().any(|(address, _)| **address == parent)
            };
            let (ready, rest): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|(_, unit)| !waits(unit, &wanted));
            if ready.is_empty() {
                break;
            }
            for (address, unit) in ready {
                replaced.extend(self.unit(address, unit, &replaced).map(|id| (address.clone(), id)));
                done.insert(address.clone());
            }
            wanted = rest;
        }
        replaced
    }

    fn unit(&mut self, address: &str, wanted: &Wanted, replaced: &[(String, String)]) -> Option<String> {
        let live = self.ids.get(address).and_then(|id| self.live.units.get(id));
        let (after, later) = self.resolved(&wanted.fields);
        let mut plan = Change {
            name: text(&after, "name"),
            sources: wanted.sources.clone(),
            later,
            ..change(address, "ou", Action::NoOp)
        };
        let Some(unit) = live else {
            let recorded = self.record.entry(address).is_some();
            plan.drift = if recorded { vec!["*".to_owned()] } else { Vec::new() };
            self.create_unit(plan, after, Action::Create);
            return None;
        };
        let entry = self.entry(address, &unit.id);
        let before = self.unit_fields(unit, &after, entry);
        plan.drift = drifted(entry, &before);
        plan.id = Some(unit.id.clone());
        plan.before = Some(before.clone());
        let parent = text(&after, "parent");
        let parent_anew = replaced.iter().any(|(address, _)| *address == parent);
        if before.get("parent") != after.get("parent") || parent_anew {
            let id = unit.id.clone();
            if entry.is_none() && marks::mark(self.live, &id).is_none_or(|mark| mark != address) {
                self.faults.push(marks::unmarked_unit(address, unit));
                return None;
            }
            if entry.is_none() {
                self.remember_unit(&mut plan, &id, &before);
            }
            plan.reason = Some("AWS cannot move a unit: it is made anew, and what is in it moves".to_owned());
            self.create_unit(plan, after, Action::Replace);
            return Some(id);
        }
        self.change_unit(plan, entry, &before, after);
        None
    }

    fn remember_unit(&mut self, plan: &mut Change, id: &str, before: &Fields) {
        let address = plan.address.clone();
        let remembered = self.operation(&address, Verb::Remember { id: id.to_owned() }, &[], before.clone());
        plan.operations.push(remembered);
        // What the record has in its place may be gone: then a run that was killed had deleted it.
        let gone = self.record.entry(&address).is_some_and(|entry| !self.live.units.contains_key(&entry.id));
        plan.operations.extend(gone.then(|| self.forget_former(&address, remembered)));
    }

    fn change_unit(&mut self, mut plan: Change, entry: Option<&Entry>, before: &Fields, after: Fields) {
        let recorded = entry.is_some();
        let (address, id) = (plan.address.clone(), plan.id.clone().unwrap_or_default());
        if !recorded {
            plan.action = Action::Adopt;
            plan.reason = self.why_adopted(&address, &id);
            self.remember_unit(&mut plan, &id, before);
        }
        if before.get("name") != after.get("name") {
            if self.unit_name_is_taken(&plan, &text(&after, "parent")) {
                return;
            }
            let name = text(&after, "name");
            let sets = Fields::from_iter([("name".to_owned(), Json::from(name.as_str()))]);
            plan.operations.push(self.operation(&address, Verb::RenameUnit { name }, &[], sets));
        }
        let tags = |fields: &Fields| fields.get("tags").cloned().unwrap_or_default();
        plan.operations.extend(self.retag(&address, &tags(before), &tags(&after), &[]));
        self.record_as_it_is(&mut plan, entry, before, &after);
        if recorded && !plan.operations.is_empty() {
            plan.action = Action::Update;
        }
        plan.after = Some(after);
        self.change(plan);
    }

    fn create_unit(&mut self, mut plan: Change, after: Fields, action: Action) {
        let (address, parent) = (plan.address.clone(), text(&after, "parent"));
        if self.unit_name_is_taken(&plan, &parent) {
            return;
        }
        let needs = self.after(&parent, Step::Made);
        if needs.is_empty() && !self.ids.contains_key(&parent) {
            self.needs_unit(&address, &parent);
        }
        if action == Action::Create && self.record.entry(&address).is_some() {
            plan.operations.push(self.operation(&address, Verb::Forget, &[], Fields::new()));
        }
        let mut tags = after.get("tags").map(tags_of).unwrap_or_default();
        if action == Action::Replace {
            tags.extend(self.tags_of_others(&address, plan.id.as_deref().unwrap_or_default(), &after));
        }
        let verb = Verb::CreateUnit { parent, name: text(&after, "name"), tags };
        let operation = self.operation(&address, verb, &needs, after.clone());
        self.step(&address, Step::Made, operation);
        plan.operations.push(operation);
        plan.action = action;
        plan.after = Some(after);
        self.change(plan);
    }

    /// The tags that others gave a unit which is made anew.
    fn tags_of_others(&self, address: &str, id: &str, after: &Fields) -> Tags {
        let entry = self.record.entry(address);
        let ours = [entry.and_then(|entry| entry.fields.get("tags")), after.get("tags")].into_iter().flatten();
        let ours: BTreeSet<String> = ours.flat_map(tags_of).map(|(key, _)| key).collect();
        let all = self.live.tags.get(id).into_iter().flatten();
        let others = all.filter(|(key, _)| !ours.contains(*key) && !key.starts_with("aws:") && *key != ADDRESS_TAG);
        others.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// A unit that something selected needs and that does not exist: it is taken along, since it is a create.
    pub(in crate::plan) fn needs_unit(&mut self, by: &str, unit: &str) {
        if !self.after(unit, Step::Made).is_empty() || self.ids.contains_key(unit) {
            return;
        }
        if let Some(wanted) = self.desired.resources.get(unit) {
            if self.scope.leaves_out(unit) {
                return self.is_left_out(by, unit, wanted);
            }
            let unit = unit.to_owned();
            self.unit(&unit, wanted, &[]);
            if self.takes(&unit) {
                return;
            }
            if let Some(taken) = self.changes.iter_mut().find(|change| change.address == unit) {
                taken.reason = Some(format!("needed by {by}"));
            }
        }
    }

    /// Something needs what is not there and what `--except` says is not to be made. It is said once of each that needs it.
    pub(super) fn is_left_out(&mut self, by: &str, address: &str, wanted: &Wanted) {
        let message = format!("{by} needs {address}, which is not there, and which `--except` leaves out");
        if self.faults.iter().any(|fault| fault.message == message) {
            return;
        }
        let fault = Fault::new(Code::UnknownAddress, message).at(wanted.sources.first(), "it is to be made here");
        self.faults.push(fault.help(format!("`--except {by}` leaves that out, too")));
    }

    fn unit_fields(&self, unit: &Unit, after: &Fields, entry: Option<&Entry>) -> Fields {
        let tags = Self::own_tags(after.get("tags"), entry, self.live.tags.get(&unit.id));
        Fields::from_iter([
            ("name".to_owned(), Json::from(unit.name.as_str())),
            ("parent".to_owned(), Json::from(self.address_of("ou", &unit.parent))),
            ("tags".to_owned(), tags),
        ])
    }

    /// Units that are to go, those below first; the former ones of those made anew with them.
    pub(in crate::plan) fn surplus_units(&mut self, replaced: &[(String, String)]) {
        for (address, entry) in self.surplus("ou") {
            if address == PARKING {
                continue;
            }
            let Some(unit) = self.live.units.get(&entry.id) else {
                let mut plan = change(address, "ou", Action::Delete);
                plan.before = Some(entry.fields.clone());
                self.forget(&mut plan, GONE);
                self.change(plan);
                continue;
            };
            let before = self.unit_fields(unit, &Fields::new(), Some(entry));
            self.changes.push(Change {
                id: Some(entry.id.clone()),
                name: unit.name.clone(),
                before: Some(before),
                ..change(address, "ou", Action::Delete)
            });
        }
        let mut going: Vec<(String, String)> = self
            .changes
            .iter()
            .filter(|change| change.kind == "ou" && change.action == Action::Delete)
            .filter_map(|change| Some((change.address.clone(), change.id.clone()?)))
            .chain(replaced.iter().cloned())
            .collect();
        going.sort_by_key(|(_, id)| std::cmp::Reverse(self.depth(id)));
        let ids: BTreeSet<String> = going.iter().map(|(_, id)| id.clone()).collect();
        let mut below: Vec<(String, OperationId)> = Vec::new();
        for (address, id) in going {
            self.delete_unit(&address, &id, &ids, &mut below);
        }
    }

    fn delete_unit(
        &mut self,
        address: &str,
        id: &str,
        going: &BTreeSet<String>,
        below: &mut Vec<(String, OperationId)>,
    ) {
        // One that is made anew has another in its place first: the record has the former one as such by then.
        let mut needs = self.after(address, Step::Made);
        needs.extend(self.after(address, Step::Gone));
        needs.extend(below.iter().filter(|(parent, _)| parent == id).map(|(_, operation)| *operation));
        let mut stay = Vec::new();
        for unit in self.live.units.values().filter(|unit| unit.parent == id && !going.contains(&unit.id)) {
            stay.push(format!("the unit {}", unit.name));
        }
        for account in self.live.accounts.values().filter(|account| account.parent.as_deref() == Some(id)) {
            let leaves = self.after(&self.address_of("account", &account.id), Step::Placed);
            if leaves.is_empty() {
                stay.push(format!("the account {} ({})", account.name, account.state.word()));
            }
            needs.extend(leaves);
        }
        stay.extend(self.unread_below(address, going));
        if !stay.is_empty() {
            let stays = if stay.len() == 1 { "stays" } else { "stay" };
            self.faults.push(
                Fault::new(
                    Code::NotEmpty,
                    format!("{address} is to be deleted and is not empty: {} {stays} in it", stay.join(", ")),
                )
                .help("move what is in it to another unit first, or keep the unit's block"),
            );
        }
        let operation = self.operation(address, Verb::DeleteUnit { id: id.to_owned() }, &needs, Fields::new());
        let parent = self.live.units.get(id).map_or(ROOT, |unit| unit.parent.as_str()).to_owned();
        below.push((parent, operation));
        if let Some(change) = self.changes.iter_mut().find(|change| change.address == address) {
            change.operations.push(operation);
        }
    }

    /// What the record has in a unit, where only a part of the organization was read.
    fn unread_below(&self, address: &str, going: &BTreeSet<String>) -> Vec<String> {
        let below = |(_, entry): &(&String, &Entry)| match entry.kind.as_str() {
            "ou" => {
                text(&entry.fields, "parent") == address
                    && !going.contains(&entry.id)
                    && !self.live.units.contains_key(&entry.id)
            }
            "account" => text(&entry.fields, "ou") == address && !self.live.accounts.contains_key(&entry.id),
            _ => false,
        };
        if self.scope.only.is_empty() {
            return Vec::new();
        }
        self.record.resources.iter().filter(below).map(|(address, _)| address.clone()).collect()
    }

    fn depth(&self, id: &str) -> usize {
        let above = |unit: &&Unit| self.live.units.get(&unit.parent);
        std::iter::successors(self.live.units.get(id), above).take(crate::limits::OU_LEVELS.most + 1).count()
    }
}
