//! What a part of a program gives, and under which policies, as it is: the review and the guards say it by the record. Owns that nothing is
//! given of which that is not so.

use std::collections::BTreeSet;

use cell_lang::diagnostics::Code;

use super::build::{Builder, Command};
use super::fault::Fault;
use super::model::{Action, Change, Verb};
use crate::live::relied::holding;
use crate::plan::identity;
use crate::registry::record::base_of;
use crate::resources::ResourceKind;

impl Builder<'_> {
    /// Refuses what is given by a set, or held by a policy, that was changed outside and that this plan does not set back.
    pub(super) fn relied(&mut self) {
        if self.scope.is_whole() || self.command != Command::Apply || self.looks {
            return;
        }
        let (sets, targets) = self.concerned();
        let mut changed: Vec<(String, String)> = Vec::new();
        for set in sets.into_iter().filter(|set| !self.takes(set)) {
            let drift = self.drift_of_set(&set);
            if !drift.is_empty() {
                changed.push((set, format!("was changed outside ({})", drift.join(", "))));
            }
        }
        let held = holding(self.desired, self.record, targets.iter().map(String::as_str));
        for (attachment, policy) in held {
            if !self.takes(attachment) && !self.is_held(attachment, &policy) {
                let target = attachment.split_once('/').map_or("", |(_, target)| target);
                changed
                    .push((attachment.to_owned(), format!("is gone: {policy} was detached from {target} outside")));
            } else if !self.takes(&policy) && self.is_other_policy(&policy) {
                changed.push((policy, "was changed outside".to_owned()));
            }
        }
        changed.sort();
        changed.dedup();
        for (address, what) in changed {
            let place = self.desired.resources.get(&address).and_then(|wanted| wanted.sources.first());
            let message =
                format!("{address} {what}, and this part of the program relies on it as it was last applied");
            let fault = Fault::new(Code::ReliedChanged, message).at(place, "it is to be as written here");
            self.faults.push(fault.help(format!(
                "`cellc apply --only {address}` sets it back; `cellc plan` without `--only` and `--except` shows it"
            )));
        }
    }

    /// The sets that are given anew, and where access comes or changes.
    fn concerned(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut sets, mut targets) = (BTreeSet::new(), BTreeSet::new());
        for operation in &self.operations {
            if let Verb::Assign { set, target, .. } = &operation.verb {
                sets.insert(base_of(set).to_owned());
                targets.insert(target.clone());
            }
        }
        let edited = |change: &&Change| {
            change.kind == "permission_set"
                && matches!(change.action, Action::Update | Action::Replace | Action::Adopt)
        };
        let edited: BTreeSet<&str> =
            self.changes.iter().filter(edited).map(|change| change.address.as_str()).collect();
        for (address, wanted) in &self.desired.resources {
            if wanted.kind == ResourceKind::Assignment
                && identity::set_of_assignment(address).is_some_and(|set| edited.contains(&*set))
            {
                targets.extend(address.split('/').nth(2).map(str::to_owned));
            }
        }
        (sets, targets)
    }

    /// Is a policy attached as the record says? Of the units above only the record has the ids.
    fn is_held(&self, attachment: &str, policy: &str) -> bool {
        let id = |address: &str| {
            let recorded = || self.record.entry(address).map(|entry| &entry.id);
            self.ids.get(address).or_else(recorded).cloned()
        };
        let pair = id(policy).zip(id(&self.target_of(attachment)));
        pair.is_some_and(|pair| self.live.attached.contains(&pair))
    }
}
