//! Service control policies and where they are attached. AWS's own policies and attachments that no program made are
//! never touched.

use std::collections::BTreeSet;

use cell_lang::diagnostics::Code;
use foldhash::HashMap;
use serde_json::Value as Json;

use crate::plan::build::{Builder, GONE, Step, change, drifted_with, tags_of, text};
use crate::plan::canonical;
use crate::plan::desired::{ROOT, Wanted};
use crate::plan::fault::Fault;
use crate::plan::identity;
use crate::plan::model::{Action, Change, Fields, OperationId, Verb};
use crate::provider::Policy;
use crate::registry::record::{Entry, FORMER, base_of};

impl Builder<'_> {
    /// Policies that are to be there.
    pub(in crate::plan) fn policies(&mut self) {
        let (wanted, attachments) = (self.wanted("scp"), self.wanted("scp_attachment"));
        let disabled = self.live.organization.as_ref().is_some_and(|organization| !organization.policies_enabled);
        if disabled && !(wanted.is_empty() && attachments.is_empty()) {
            let verb = Verb::EnablePolicies;
            let enabled = self.operation(ROOT, verb, &[], Fields::new());
            self.step("policies", Step::Made, enabled);
            let held = self.record.resources.values().any(|entry| entry.kind == "scp_attachment");
            let off =
                if held { "somebody has switched them off, which took them from all that they held: " } else { "" };
            self.note(
                format!("{off}service control policies are switched on at the organization's root"),
                Vec::new(),
            );
        }
        for (address, scp) in wanted {
            self.scp(address, scp);
        }
    }

    fn scp(&mut self, address: &str, wanted: &Wanted) {
        let (mut after, later) = self.resolved(&wanted.fields);
        canonical::document(&mut after, "content");
        let plan = Change {
            name: text(&after, "name"),
            sources: wanted.sources.clone(),
            later,
            ..change(address, "scp", Action::NoOp)
        };
        let live = self.ids.get(address).and_then(|id| self.live.policies.get(id));
        match live {
            Some(policy) => self.change_scp(plan, after, policy),
            None => self.create_scp(plan, after),
        }
    }

    fn create_scp(&mut self, mut plan: Change, after: Fields) {
        if self.scp_name_is_taken(&plan) {
            return;
        }
        let (address, name) = (plan.address.clone(), text(&after, "name"));
        plan.drift = if self.record.entry(&address).is_some() { vec!["*".to_owned()] } else { Vec::new() };
        let verb = Verb::CreatePolicy {
            name,
            description: text(&after, "description"),
            content: after.get("content").cloned().unwrap_or_default(),
            tags: after.get("tags").map(tags_of).unwrap_or_default(),
        };
        let needs = self.accounts_named(&address, &plan.later, &after);
        let mut all = self.after("policies", Step::Made);
        all.extend(needs);
        let made = self.operation(&address, verb, &all, after.clone());
        self.step(&address, Step::Made, made);
        plan.operations.push(made);
        plan.action = Action::Create;
        plan.after = Some(after);
        self.change(plan);
    }

    fn change_scp(&mut self, mut plan: Change, mut after: Fields, policy: &Policy) {
        let address = plan.address.clone();
        let entry = self.entry(&address, &policy.id);
        let before = self.scp_fields(policy, &after, entry);
        canonical::keep(&before, &mut after, "content");
        plan.drift = drifted_with(entry, &before, "content");
        plan.id = Some(policy.id.clone());
        if before.get("name") != after.get("name") && self.scp_name_is_taken(&plan) {
            return;
        }
        if entry.is_none() {
            plan.action = Action::Adopt;
            plan.reason = self.why_adopted(&address, &policy.id);
            let verb = Verb::Remember { id: policy.id.clone() };
            plan.operations.push(self.operation(&address, verb, &[], before.clone()));
        }
        let written = ["name", "description", "content"];
        if written.iter().any(|name| before.get(*name) != after.get(*name)) {
            let sets = after.iter().filter(|(name, _)| written.contains(&name.as_str()));
            let sets: Fields = sets.map(|(name, value)| (name.clone(), value.clone())).collect();
            let verb = Verb::UpdatePolicy {
                name: text(&after, "name"),
                description: text(&after, "description"),
                content: after.get("content").cloned().unwrap_or_default(),
            };
            let needs = self.accounts_named(&address, &plan.later, &after);
            let updated = self.operation(&address, verb, &needs, sets);
            plan.operations.push(updated);
        }
        let tags = |fields: &Fields| fields.get("tags").cloned().unwrap_or_default();
        plan.operations.extend(self.retag(&address, &tags(&before), &tags(&after), &[]));
        self.record_as_it_is(&mut plan, entry, &before, &after);
        if entry.is_some() && !plan.operations.is_empty() {
            plan.action = Action::Update;
        }
        plan.before = Some(before);
        plan.after = Some(after);
        self.change(plan);
    }

    /// The operations that make the accounts whose ids a document names.
    pub(in crate::plan) fn accounts_named(&mut self, by: &str, later: &[String], after: &Fields) -> Vec<OperationId> {
        let mut named = Vec::new();
        for value in later.iter().filter_map(|name| after.get(name)) {
            for address in crate::plan::later::accounts_in(value) {
                self.needs_account(by, &address);
                named.extend(self.after(&address, Step::Made));
            }
        }
        named
    }

    fn scp_fields(&self, policy: &Policy, after: &Fields, entry: Option<&Entry>) -> Fields {
        let tags = Self::own_tags(after.get("tags"), entry, self.live.tags.get(&policy.id));
        let content = policy.content.as_deref().map_or(Json::Null, canonical::parsed);
        Fields::from_iter([
            ("name".to_owned(), Json::from(policy.name.as_str())),
            ("description".to_owned(), Json::from(policy.description.as_str())),
            ("content".to_owned(), content),
            ("tags".to_owned(), tags),
        ])
    }

    /// Attachments that are to be there: to accounts, or to units and the root.
    pub(in crate::plan) fn attachments(&mut self, to_accounts: bool) {
        for (address, wanted) in self.wanted("scp_attachment") {
            let (policy, target) = (text(&wanted.shown, "policy"), self.target(&text(&wanted.shown, "target")));
            let is_account = self.desired.resources.get(&target).is_some_and(|wanted| wanted.account.is_some());
            if is_account != to_accounts {
                continue;
            }
            let ids = self.ids.get(&policy).cloned().zip(self.ids.get(&target).cloned());
            let anew = self.is_anew(&target);
            // Of a target that is made anew, the former one.
            let was = ids.is_some_and(|pair| self.live.attached.contains(&pair));
            let attached = !anew && was;
            let recorded = self.record.entry(address).is_some();
            let mut plan = Change {
                sources: wanted.sources.clone(),
                after: Some(wanted.shown.clone()),
                ..change(address, "scp_attachment", Action::NoOp)
            };
            match (attached, recorded) {
                (true, true) => {}
                (true, false) => {
                    plan.action = Action::Adopt;
                    plan.before = Some(wanted.shown.clone());
                    let verb = Verb::Remember { id: String::new() };
                    plan.operations.push(self.operation(address, verb, &[], Fields::new()));
                }
                (false, _) => {
                    plan.action = if anew && recorded && was { Action::Replace } else { Action::Create };
                    if plan.action == Action::Replace {
                        plan.before = Some(wanted.shown.clone());
                        plan.reason = Some(format!("goes along with {target}, which is made anew"));
                    }
                    plan.drift = if recorded && !was { vec!["*".to_owned()] } else { Vec::new() };
                    self.needs_unit(address, &target);
                    self.needs_account(address, &target);
                    if !self.keeps(&policy) && !self.ids.contains_key(&policy) {
                        self.needs_policy(address, &policy);
                    }
                    let mut needs = self.after(&policy, Step::Made);
                    needs.extend(self.after(&target, Step::Made));
                    needs.extend(self.after("policies", Step::Made));
                    if !anew {
                        needs.extend(self.room(&target, &needs.clone()));
                    }
                    let verb = Verb::AttachPolicy { policy, target: target.clone() };
                    let attached = self.operation(address, verb, &needs, Fields::new());
                    self.step(&target, Step::Held, attached);
                    plan.operations.push(attached);
                }
            }
            self.change(plan);
        }
    }

    fn needs_policy(&mut self, by: &str, policy: &str) {
        if !self.after(policy, Step::Made).is_empty() {
            return;
        }
        if let Some(wanted) = self.desired.resources.get(policy) {
            self.scp(policy, wanted);
            if let Some(taken) = self.changes.iter_mut().find(|change| change.address == policy) {
                taken.reason = Some(format!("needed by {by}"));
            }
        }
    }

    /// The organization is its root.
    fn target(&self, address: &str) -> String {
        if self.desired.org.address.as_deref() == Some(address) { ROOT.to_owned() } else { address.to_owned() }
    }

    /// Attachments that are to go.
    pub(in crate::plan) fn surplus_attachments(&mut self) {
        let planned: BTreeSet<String> = self.changes.iter().map(|change| change.address.clone()).collect();
        let before = self.what_comes_first();
        for (address, _) in self.surplus("scp_attachment") {
            if !planned.contains(address) {
                let target = self.ids.get(&self.target_of(address));
                let first = target.and_then(|target| before.get(target)).cloned().unwrap_or_default();
                self.surplus_attachment(address, &first);
            }
        }
    }

    /// What comes before a policy goes from a target, by the id of the target: that those below it lose what it was to hold, and that what
    /// holds them instead is attached, or they are moved under it. So nobody may do more for a while, nor if one of these fails.
    fn what_comes_first(&self) -> HashMap<String, Vec<OperationId>> {
        let mut first: HashMap<String, Vec<OperationId>> = HashMap::default();
        for operation in &self.operations {
            let of = match &operation.verb {
                Verb::Unassign { target, .. } | Verb::AttachPolicy { target, .. } => target,
                Verb::MoveAccount { .. } => &operation.address,
                _ => continue,
            };
            let Some(id) = self.ids.get(of) else { continue };
            for at in self.lies_in(id) {
                first.entry(at).or_default().push(operation.id);
            }
        }
        first
    }

    /// What an attachment to a target waits for, which AWS lets have only so many: where all places are taken, an attachment that is to
    /// go makes room for it, once those before it are there, and what this one `needs`. So a target is never without more than the one.
    fn room(&mut self, target: &str, needs: &[OperationId]) -> Option<OperationId> {
        let has = self.ids.get(target).and_then(|id| self.live.policies_of.get(id)).map_or(0, Vec::len);
        let detached = self.after(target, Step::Gone).into_iter().filter_map(|id| self.operations.get(id.0 as usize));
        let planned: BTreeSet<&str> = detached
            .filter(|operation| matches!(operation.verb, Verb::DetachPolicy { .. }))
            .map(|operation| operation.address.as_str())
            .collect();
        let added = self.after(target, Step::Held).len();
        if (has + added).saturating_sub(planned.len()) < crate::limits::SCPS_A_TARGET.most {
            return None;
        }
        let mut surplus = self.surplus("scp_attachment").into_iter().map(|(address, _)| address);
        let next = surplus.find(|address| {
            self.target_of(address) == target && !planned.contains(address.as_str()) && self.is_attached(address)
        })?;
        self.surplus_attachment(next, needs)
    }

    pub(in crate::plan) fn target_of(&self, attachment: &str) -> String {
        self.target(attachment.split_once('/').map_or("", |(_, target)| target))
    }

    /// Does a policy that was read say something else than when it was last applied, or is it gone?
    pub(in crate::plan) fn is_other_policy(&self, address: &str) -> bool {
        let Some(entry) = self.record.entry(address) else { return false };
        let found =
            self.live.policies.get(&entry.id).map(|policy| self.scp_fields(policy, &entry.fields, Some(entry)));
        found.is_none_or(|found| drifted_with(Some(entry), &found, "content").iter().any(|name| name == "content"))
    }

    fn is_attached(&self, attachment: &str) -> bool {
        let policy = identity::policy_of_attachment(attachment).unwrap_or_default();
        let ids = self.ids.get(&policy).cloned().zip(self.ids.get(&self.target_of(attachment)).cloned());
        ids.is_some_and(|pair| self.live.attached.contains(&pair))
    }

    /// An attachment that is to go; what detaches it, if it is there, after what comes `first`. What is attached to its target so
    /// far comes before, so that there is no gap.
    fn surplus_attachment(&mut self, address: &str, first: &[OperationId]) -> Option<OperationId> {
        let policy = identity::policy_of_attachment(address).unwrap_or_default();
        let target = self.target_of(address);
        let fields = Fields::from_iter([
            ("policy".to_owned(), Json::from(policy.as_str())),
            ("target".to_owned(), Json::from(target.as_str())),
        ]);
        let mut plan = Change { before: Some(fields), ..change(address, "scp_attachment", Action::Delete) };
        let detached = self.is_attached(address).then(|| {
            let mut needs: Vec<OperationId> = first.iter().copied().chain(self.after(&target, Step::Held)).collect();
            // Of a unit that is made anew the former one has it.
            let mut has = target.clone();
            if self.is_anew(&target) {
                has = self.record.free_former(&target);
                self.ids.extend(self.ids.get(&target).cloned().map(|id| (has.clone(), id)));
                needs.extend(self.after(&target, Step::Made));
            }
            let verb = Verb::DetachPolicy { policy: policy.clone(), target: has };
            let detached = self.operation(address, verb, &needs, Fields::new());
            self.step(&policy, Step::Gone, detached);
            self.step(&target, Step::Gone, detached);
            plan.operations.push(detached);
            detached
        });
        if detached.is_none() {
            self.forget(&mut plan, "it is not attached any more");
        }
        self.change(plan);
        detached
    }

    /// Policies that are to go.
    pub(in crate::plan) fn surplus_policies(&mut self) {
        for (address, entry) in self.surplus("scp") {
            let mut plan = Change { id: Some(entry.id.clone()), ..change(address, "scp", Action::Delete) };
            if let Some(policy) = self.live.policies.get(&entry.id) {
                let before = self.scp_fields(policy, &Fields::new(), Some(entry));
                plan.name.clone_from(&policy.name);
                plan.drift = drifted_with(Some(entry), &before, "content");
                plan.before = Some(before);
                let from_former = self.detached_from_former(address, &entry.id);
                plan.operations.extend(&from_former);
                let mut needs = self.after(address, Step::Gone);
                needs.extend(from_former);
                self.attached_elsewhere(address, &entry.id);
                plan.operations.push(self.operation(address, Verb::DeletePolicy, &needs, Fields::new()));
            } else {
                plan.before = Some(entry.fields.clone());
                self.forget(&mut plan, GONE);
            }
            self.change(plan);
        }
    }
}

impl Builder<'_> {
    /// A unit that another was made in place of still has the policy: it goes, and the policy is taken from it before.
    fn detached_from_former(&mut self, address: &str, id: &str) -> Vec<OperationId> {
        let attached = self.live.attached.iter().filter(|(policy, _)| policy == id);
        let targets: Vec<String> = attached.map(|(_, target)| self.address_of("target", target)).collect();
        let goes =
            |target: &String| target.ends_with(FORMER) && self.record.entry(target).is_some() && self.takes(target);
        let targets: Vec<String> = targets.into_iter().filter(goes).collect();
        let detach = |target: String| {
            let needs = self.after(base_of(&target), Step::Held);
            let at = format!("{}/{target}", address.replacen("scp.", "scp_attachment.", 1));
            let operation = self.operation(
                &at,
                Verb::DetachPolicy { policy: address.to_owned(), target: target.clone() },
                &needs,
                Fields::new(),
            );
            self.step(&target, Step::Gone, operation);
            operation
        };
        targets.into_iter().map(detach).collect()
    }

    /// A policy that is attached where no program of ours attached it cannot be deleted, and is not detached there.
    fn attached_elsewhere(&mut self, address: &str, id: &str) {
        let detached = self.operations.iter().filter_map(|operation| match &operation.verb {
            Verb::DetachPolicy { policy, target } if policy == address => self.ids.get(target),
            _ => None,
        });
        let detached: Vec<&String> = detached.collect();
        let elsewhere =
            self.live.attached.iter().filter(|(policy, target)| policy == id && !detached.contains(&target));
        let elsewhere: Vec<String> = elsewhere.map(|(_, target)| self.address_of("target", target)).collect();
        if !elsewhere.is_empty() {
            let elsewhere = elsewhere.join(", ");
            let message = format!("{address} is to be deleted and stays attached to {elsewhere}");
            self.faults.push(Fault::new(Code::StillInUse, message).help("detach it there, or keep the policy"));
        }
    }
}

/// Something of the name exists, and neither the record nor an earlier run of ours made it.
pub(super) fn not_owned(address: &str, what: &str, name: &str, id: &str, plan: &Change) -> Fault {
    Fault::new(Code::NotOwned, format!("a {what} named `{name}` exists, and cellc does not own it"))
        .at(plan.sources.first(), format!("{address} would be a second one"))
        .help(format!("`cellc adopt {address} {id}` takes it over: the next plan then shows what would change"))
        .help("`cellc adopt --all` takes over everything that the program names and that exists")
        .help("or give it another label")
}
