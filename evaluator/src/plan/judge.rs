//! What is said about a plan as a whole: who gains what, what breaks elsewhere, what holds it back, what is left of
//! quotas, who must call. Owns these notices; changes no operation.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use cell_lang::diagnostics::Code;

use super::build::{Builder, Command};
use super::desired::PARKING;
use super::fault::Fault;
use super::identity;
use super::model::{Access, Action, Authority, Change, Notice, NoticeKind, Operation, Quota, Service, Verb};
use crate::limits;
use crate::provider::AccountState;
use crate::registry::record::base_of;
use crate::releases::Target;
use crate::stacks::StackPlace;
use crate::words::counted;

/// AWS's default for the accounts of an organization; it is raised on request. (AWS Organizations quotas)
const ACCOUNTS: u64 = 10;

/// How a notice begins of a parked account that somebody has moved: no change of what is owned, and done outside all the same.
pub const ASTRAY: &str = "the parked account that was";

impl Builder<'_> {
    /// Who gains or loses which set, and where.
    pub(super) fn access(&mut self) -> Vec<Access> {
        let mut rows: BTreeMap<(String, String), Access> = BTreeMap::new();
        let anew: BTreeSet<&str> = self
            .changes
            .iter()
            .filter(|change| change.kind == "account" && matches!(change.action, Action::Create | Action::Adopt))
            .map(|change| change.address.as_str())
            .collect();
        let recorded =
            self.record.resources.iter().filter(|(_, entry)| !anew.is_empty() && entry.kind == "assignment");
        let before: BTreeSet<(String, String)> =
            recorded.filter_map(|(address, _)| parts(address).map(|(set, principal, _)| (principal, set))).collect();
        for change in self.changes.iter().filter(|change| change.kind == "assignment") {
            let Some((set, principal, target)) = parts(&change.address) else { continue };
            let row = rows.entry((principal.clone(), set.clone())).or_insert_with(|| Access {
                principal: principal.clone(),
                principal_name: self.principal_name(&principal),
                permission_set: set.clone(),
                gained: Vec::new(),
                lost: Vec::new(),
                new_targets: Vec::new(),
            });
            match change.action {
                Action::Create => {
                    if anew.contains(target.as_str()) && before.contains(&(principal, set)) {
                        row.new_targets.push(target.clone());
                    }
                    row.gained.push(target);
                }
                Action::Delete => row.lost.push(target),
                _ => {}
            }
        }
        rows.into_values().filter(|row| !(row.gained.is_empty() && row.lost.is_empty())).collect()
    }

    fn principal_name(&self, address: &str) -> String {
        let declared = self.desired.principals.get(address).map(|wanted| wanted.name.clone());
        let recorded = || self.record.principals.get(address).map(|found| found.name.clone());
        declared.or_else(recorded).or_else(|| self.names.get(address).cloned()).unwrap_or_else(|| address.to_owned())
    }

    /// Everything that is said.
    pub(super) fn judge(&mut self) {
        self.roles();
        let moved = super::guardrails::moved(self);
        self.notices.extend(moved);
        let lost = super::guardrails::of_others(self);
        self.notices.extend(lost);
        let unwatched = super::watched::taken_away(self);
        self.notices.extend(unwatched);
        self.deployments_that_go();
        self.revocations();
        self.unmanaged();
        self.closed_to_us();
        self.too_many();
        self.remarks();
        self.notices.sort_by(|a, b| (a.kind, &a.allow, &a.message).cmp(&(b.kind, &b.allow, &b.message)));
    }

    /// The last assignment of a set in an account takes its role along: what names the role's ARN breaks.
    fn roles(&mut self) {
        let mut held: HashMap<(&str, &str), i64> = HashMap::default();
        for given in &self.live.given {
            *held.entry((&given.set, &given.account)).or_default() += 1;
        }
        let (mut lost, mut anew): (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<String>>) = Default::default();
        let mut left: HashMap<(String, String), i64> = HashMap::default();
        for operation in &self.operations {
            let (set, target, by) = match &operation.verb {
                Verb::Assign { set, target, .. } => (set, target, 1),
                Verb::Unassign { set, target, .. } => (set, target, -1),
                _ => continue,
            };
            *left.entry((set.clone(), target.clone())).or_default() += by;
        }
        for ((set, target), by) in left {
            let ids = self.ids.get(&set).zip(self.ids.get(&target));
            let was = ids.and_then(|(set, target)| held.get(&(set.as_str(), target.as_str()))).copied().unwrap_or(0);
            if by < 0 && was > 0 && was + by <= 0 && !self.was_begun_for_another_name(&set) {
                let name = base_of(&set);
                let rows = if name == set { &mut lost } else { &mut anew };
                rows.entry(name.to_owned()).or_default().push(target);
            }
        }
        for (set, mut targets) in anew {
            targets.sort_unstable();
            let message = format!(
                "role ARN will change: the role of {set} is made anew; what names it (KMS, S3 and EKS policies) breaks"
            );
            self.hazard(message, targets, true);
        }
        for (set, mut targets) in lost {
            targets.sort_unstable();
            let message = format!(
                "role goes: {set} loses its last assignment there; given again later, its role has another ARN"
            );
            // A set that goes whole may have been renamed: then another role of another ARN is in its place.
            let goes = self.changes.iter().any(|change| change.address == set && change.action == Action::Delete);
            self.hazard(message, targets, goes && self.command == Command::Apply);
        }
    }

    /// Is it a former set only since the last run, which came to no end, made it in place of the one that is kept after all?
    fn was_begun_for_another_name(&self, former: &str) -> bool {
        let address = base_of(former);
        let kept = self.record.entry(address).map(|entry| entry.id.as_str());
        address != former
            && self.operations.iter().any(|operation| match &operation.verb {
                Verb::Remember { id } => {
                    operation.address == former || operation.address == address && kept == Some(id)
                }
                _ => false,
            })
    }

    fn hazard(&mut self, message: String, targets: Vec<String>, brake: bool) {
        let prod: Vec<String> = targets
            .iter()
            .filter(|target| self.desired.cells.get(*target).is_some_and(|kind| kind == "prod"))
            .cloned()
            .collect();
        if brake && !prod.is_empty() {
            self.brake("role-arn", format!("{message}; in production"), prod);
        }
        self.warn(message, targets);
    }

    /// What was changed outside so that an apply does not set it back, but is refused until somebody has looked.
    pub(super) fn refused_by_an_apply(&mut self, fault: &Fault) {
        let helps = fault.helps.join("; ");
        let message = format!("{}: an apply is refused ({}): {helps}", fault.message, fault.code.as_str());
        self.notices.push(Notice {
            kind: NoticeKind::Hazard,
            code: Some(fault.code.as_str().to_owned()),
            message,
            addresses: Vec::new(),
            allow: None,
        });
    }

    fn brake(&mut self, allow: &str, message: String, addresses: Vec<String>) {
        let code = Some(Code::Braked.as_str().to_owned());
        self.notices.push(Notice {
            kind: NoticeKind::Brake,
            code,
            message,
            addresses,
            allow: Some(allow.to_owned()),
        });
    }

    /// What components have in cells and is deleted: in production it is held, and of a cell that has another address it is told, since
    /// what is made there is made empty.
    fn deployments_that_go(&mut self) {
        let (mut gone, mut anew) = (Vec::new(), Vec::new());
        // What stays of it where the cell had it before goes, too.
        let goes = |change: &&Change| {
            let behind = change.before.as_ref().is_some_and(|fields| fields.get("left_behind").is_some());
            change.kind == "deployment" && (change.action == Action::Delete || behind)
        };
        for change in self.changes.iter().filter(goes) {
            let Some((_, cell)) = change.address.split_once('/') else { continue };
            let moved = self.origins.iter().find(|(_, from)| *from == cell).map(|(to, _)| to);
            if self.kind_of(moved.map_or(cell, String::as_str)).or_else(|| self.kind_of(cell)) == Some("prod") {
                gone.push(change.address.clone());
            }
            anew.extend(
                moved
                    .filter(|_| change.action == Action::Delete)
                    .map(|to| (change.address.clone(), format!("{cell} is {to} now"))),
            );
        }
        for (address, moved) in anew {
            let message = format!("{address} is deleted, and comes to the cell anew and empty: {moved}");
            self.warn(message, vec![address]);
        }
        if !gone.is_empty() {
            let message =
                format!("{} of components in production would be deleted", counted(gone.len(), "deployment"));
            self.brake("delete-prod", message, gone);
        }
    }

    /// The kind of a cell, as the program says, or as it was when it was last applied.
    fn kind_of(&self, cell: &str) -> Option<&str> {
        let recorded = || self.record.cells.get(cell)?.get("kind")?.as_str();
        self.desired.cells.get(cell).map(String::as_str).or_else(recorded)
    }

    /// More than a share of the assignments, and more than a few, are taken away at once.
    fn revocations(&mut self) {
        let gone = |change: &&Change| change.kind == "assignment" && change.action == Action::Delete;
        let revoked: Vec<String> = self.changes.iter().filter(gone).map(|change| change.address.clone()).collect();
        let (count, held) = (revoked.len() as u64, self.live.given.len() as u64);
        let org = &self.desired.org;
        let share = i64::try_from(count.saturating_mul(100_000) / held.max(1)).unwrap_or(i64::MAX);
        if count > org.revoke_count && share > org.revoke_share {
            let message = format!(
                "{count} of {held} assignments are taken away; the organization's limits are {} of them and {} per cent",
                org.revoke_count,
                org.revoke_share / 1_000
            );
            self.brake("mass-revoke", message, revoked);
        }
    }

    /// Access by sets that cellc does not own.
    fn unmanaged(&mut self) {
        let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for given in &self.live.unmanaged {
            let set = self.live.sets.get(&given.set).map_or(given.set.as_str(), |set| set.fields.name.as_str());
            let principal = self.address_of(given.principal.kind.word(), &given.principal.id);
            let account = self.address_of("account", &given.account);
            let account = match self.live.accounts.get(&given.account) {
                Some(found) if account.starts_with("account:") => format!("account {}", found.name),
                _ => account,
            };
            let name = match self.live.names.get(&given.principal) {
                Some(name) => name.clone(),
                None => self.principal_name(&principal),
            };
            rows.entry((name, set.to_owned())).or_default().push(account);
        }
        for ((principal, set), mut accounts) in rows {
            accounts.sort_unstable();
            let message = format!("{principal} has {set}, which cellc does not own and leaves alone");
            self.notices.push(Notice {
                kind: NoticeKind::Unmanaged,
                code: None,
                message,
                addresses: accounts,
                allow: None,
            });
        }
    }

    /// What the program has and this version, or this caller, does not do.
    fn closed_to_us(&mut self) {
        let gcp: Vec<String> = self.desired.gcp.iter().filter(|cell| self.takes(cell)).cloned().collect();
        if !gcp.is_empty() {
            let message = "cells on Google Cloud are recorded; their projects, and access to them, are not made by this version";
            self.note(message.to_owned(), gcp);
        }
        for (cell, day) in &self.desired.expired_cells {
            let message = if self.takes(cell) {
                format!("{cell} has expired on {day}: `cellc destroy --only {cell}` tears it down")
            } else if self.scope.except.contains(cell) && self.record.entry(cell).is_none() {
                format!(
                    "{cell} has expired on {day} and is not there: it is left out, unless its `expires` is put off"
                )
            } else {
                continue;
            };
            self.note(message, vec![cell.clone()]);
        }
        for what in self.live.unanswered.clone() {
            self.note(format!("the server does not say {what}"), Vec::new());
        }
        for what in self.live.unlooked.clone() {
            self.note(format!("{what} was not looked for; `cellc drift` does"), Vec::new());
        }
    }

    /// Quotas that no call should have to find out.
    fn too_many(&mut self) {
        self.too_many_sets();
        let created =
            self.operations.iter().filter(|operation| matches!(operation.verb, Verb::CreateAccount { .. })).count();
        let accounts = (self.live.accounts.len() + created) as u64;
        if let Some(most) = self.desired.org.accounts.filter(|most| created > 0 && accounts > *most) {
            let message = format!(
                "the organization would have {accounts} accounts, closed ones counted; its `limits` say {most}"
            );
            self.faults.push(
                Fault::new(Code::OverQuota, message)
                    .help("ask AWS to raise the quota and say it there, or park and reuse accounts"),
            );
        }
        // Where all places are taken one goes before another comes: only what is there in the end counts.
        let mut attached: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for operation in &self.operations {
            match &operation.verb {
                Verb::AttachPolicy { target, .. } => attached.entry(target).or_default().0 += 1,
                Verb::DetachPolicy { target, .. } => attached.entry(target).or_default().1 += 1,
                _ => {}
            }
        }
        let most = limits::SCPS_A_TARGET.most;
        let mut faults = Vec::new();
        for (target, (added, gone)) in attached {
            let has = self.ids.get(target).and_then(|id| self.live.policies_of.get(id)).map_or(1, Vec::len);
            // What is made anew has one of AWS's own, and nothing goes from it.
            let ends = if self.is_anew(target) { 1 + added } else { (has + added).saturating_sub(gone) };
            if added > 0 && ends > most {
                let message = format!(
                    "{target} would have {ends} service control policies, FullAWSAccess and foreign ones counted; AWS takes {most}"
                );
                faults.push(
                    Fault::new(Code::OverQuota, message)
                        .help("join policies into one, or attach some of them to a unit below"),
                );
            }
        }
        self.faults.extend(faults);
    }

    /// What goes is counted along: it goes last. What is there already AWS has taken.
    fn too_many_sets(&mut self) {
        let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for given in &self.live.given {
            sets.entry(&given.account).or_default().insert(&given.set);
        }
        let mut grown: BTreeSet<&str> = BTreeSet::new();
        for operation in &self.operations {
            if let Verb::Assign { set, target, .. } = &operation.verb {
                let account = self.ids.get(target).unwrap_or(target);
                // One that is made anew is another one than the former, which goes last.
                let id = self.ids.get(set).filter(|_| !self.is_anew(set)).unwrap_or(set);
                if sets.entry(account).or_default().insert(id) {
                    grown.insert(account);
                }
            }
        }
        let org = &self.desired.org;
        let over = |account: &&str| {
            let (count, most) = (sets.get(*account).map_or(0, BTreeSet::len) as u64, org.account_sets);
            let address = self.address_of("account", account);
            let message = format!(
                "{address} would have {count} permission sets, those that go counted; the organization's `limits` say {most}"
            );
            let help = "give fewer sets in one account, or ask AWS to raise the quota and say it by `limits { account_sets = … }` of `org`";
            (count > most).then(|| Fault::new(Code::OverQuota, message).help(help))
        };
        let mut faults: Vec<Fault> = grown.iter().filter_map(over).collect();
        let made =
            self.operations.iter().filter(|operation| matches!(operation.verb, Verb::CreateSet { .. })).count();
        let (count, most) = ((self.live.sets.len() + made) as u64, org.permission_sets);
        if made > 0 && count > most {
            let message = format!(
                "the instance would have {count} permission sets, those that go counted; the organization's `limits` say {most}"
            );
            let help = "declare fewer sets, or ask AWS to raise the quota and say it by `limits { permission_sets = … }` of `org`";
            faults.push(Fault::new(Code::OverQuota, message).help(help));
        }
        self.faults.extend(faults);
    }

    fn remarks(&mut self) {
        let drifted = self.changes.iter().filter(|change| !change.drift.is_empty());
        let (made, changed): (Vec<_>, Vec<_>) = drifted.partition(|change| change.is_made_by_others());
        let (made, changed) = (made.len(), changed.len());
        let be = |count: usize, one: &str, many: &str| {
            format!("{} {}", counted(count, "resource"), if count == 1 { one } else { many })
        };
        if changed > 0 {
            self.note(format!("{} changed outside since the last apply", be(changed, "was", "were")), Vec::new());
        }
        if made > 0 {
            self.note(format!("{} there that cellc did not make", be(made, "is", "are")), Vec::new());
        }
        self.astray();
    }

    /// Parked accounts that somebody has moved: they wait where nobody looks after them.
    fn astray(&mut self) {
        let Some(parking) = self.record.entry(PARKING).map(|entry| entry.id.clone()) else { return };
        let used: BTreeSet<&String> =
            self.operations.iter().filter_map(|operation| self.ids.get(&operation.address)).collect();
        let mut astray = Vec::new();
        for (id, parked) in self.record.parked.iter().filter(|(id, _)| !used.contains(id)) {
            let place = self.live.accounts.get(id).and_then(|account| account.parent.as_ref());
            if let Some(place) = place.filter(|place| **place != parking) {
                let place = self.address_of("ou", place);
                astray.push(format!(
                    "{ASTRAY} {} ({id}) was moved to {place} outside: \
                     `aws organizations move-account` to {parking} puts it back",
                    parked.from
                ));
            }
        }
        for message in astray {
            self.warn(message, Vec::new());
        }
    }

    /// Head-room before and after.
    pub(super) fn quotas(&self, at: Timestamp) -> Vec<Quota> {
        let count = |kind: &str, action: Action| {
            self.changes.iter().filter(|change| change.kind == kind && change.action == action).count() as u64
        };
        let mut quotas = Vec::new();
        if !self.scope.only.is_empty() || self.live.read_at.is_none() {
            // Only a part was read, or nothing: what is left of a quota is not known.
            return quotas;
        }
        let created = count("account", Action::Create);
        if created > 0 {
            let before = self.live.accounts.len() as u64;
            let what = match self.desired.org.accounts {
                Some(_) => "accounts of the organization, closed ones counted",
                None => {
                    "accounts of the organization, closed ones counted (AWS's default; say yours by `limits { accounts = … }`)"
                }
            };
            let most = self.desired.org.accounts.unwrap_or(ACCOUNTS);
            quotas.push(Quota { what: what.to_owned(), before, after: before + created, most });
        }
        let (made, gone) = (count("ou", Action::Create), count("ou", Action::Delete));
        if made + gone > 0 {
            let before = self.live.units.len() as u64;
            let most = limits::OUS.most as u64;
            quotas.push(Quota {
                what: "organizational units".to_owned(),
                before,
                after: before + made - gone.min(before + made),
                most,
            });
        }
        let (made, gone) = (count("permission_set", Action::Create), count("permission_set", Action::Delete));
        if made + gone > 0 {
            let before = self.live.sets.len() as u64;
            quotas.push(Quota {
                what: "permission sets of the instance".to_owned(),
                before,
                after: before + made - gone.min(before + made),
                most: self.desired.org.permission_sets,
            });
        }
        quotas.extend(self.closings(at));
        quotas
    }

    /// Closings of a rolling 30 days: at most the higher of 250 and 20 per cent of the accounts, and never more than 1,000.
    /// The record knows of its own when they were; of others it is seen only that they go on, or are over.
    fn closings(&self, at: Timestamp) -> Option<Quota> {
        use AccountState as S;
        let ours = self.operations.iter().filter(|operation| operation.verb == Verb::CloseAccount);
        let ours: BTreeSet<&String> = ours.filter_map(|operation| self.ids.get(&operation.address)).collect();
        if ours.is_empty() {
            return None;
        }
        let known = |days: i64| {
            let within = SignedDuration::from_hours(24 * days);
            let gone = self.record.gone.values().filter(|gone| gone.fate == "closed");
            gone.filter(|gone| at.duration_since(gone.at) <= within).count()
        };
        let others = self.live.accounts.values().filter(|account| !ours.contains(&account.id));
        let (on, over): (Vec<_>, Vec<_>) = others
            .filter(|account| !identity::is_open(account))
            .partition(|account| account.state == S::PendingClosure);
        // An account is listed for 90 days after it was closed.
        let what = match over.len().saturating_sub(known(90)) {
            0 => "closings in 30 days".to_owned(),
            count => {
                format!("closings in 30 days, at least ({} more may be of them)", counted(count, "closed account"))
            }
        };
        let before = (known(30) + on.len()) as u64;
        let most = (self.live.accounts.len() as u64 / 5).clamp(250, 1_000);
        Some(Quota { what, before, after: before + ours.len() as u64, most })
    }

    /// Who must call for what.
    pub(super) fn authority(&self) -> Vec<Authority> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let shared = self.sets_of_management();
        let sent = self.operations.iter().filter(|operation| !operation.verb.is_local());
        for operation in sent.filter(|operation| operation.verb.service() != Service::Stacks) {
            *counts.entry(self.who(operation, &shared)).or_default() += 1;
        }
        let row = |((who, what), operations): ((&str, &str), usize)| Authority {
            who: who.to_owned(),
            operations,
            what: what.to_owned(),
        };
        counts.into_iter().map(row).chain(self.authority_of_stacks()).collect()
    }

    /// Stacks are made in the accounts that they are in.
    fn authority_of_stacks(&self) -> Option<Authority> {
        let account = |operation: &Operation| match &operation.verb {
            Verb::DeployStack(order) => Some(order.account.clone()),
            Verb::Deploy(order) if order.is_stack() => Some(order.cell.clone()),
            Verb::Undeploy { of, cell, .. } => self.has_stack(of, cell).then(|| cell.clone()),
            Verb::DeleteStack { id } => {
                StackPlace::of_arn(id).map(|place| self.address_of("account", &place.account))
            }
            _ => None,
        };
        let of: Vec<String> = self.operations.iter().filter_map(account).collect();
        let accounts: BTreeSet<&String> = of.iter().collect();
        let whose = match accounts.iter().collect::<Vec<_>>().as_slice() {
            [] => return None,
            [one] => (**one).clone(),
            many => counted(many.len(), "account"),
        };
        Some(Authority {
            who: "cell account".to_owned(),
            operations: of.len(),
            what: format!("CloudFormation in {whose}, under the member role"),
        })
    }

    /// Is what a cell has of a component a stack, by the component's book?
    fn has_stack(&self, of: &str, cell: &str) -> bool {
        let has = self.kept.get(of).and_then(|kept| kept.cell(cell));
        has.is_some_and(|(_, what)| matches!(what.spec.target, Target::Cloudformation { .. }))
    }

    /// Who must call for one operation, and what it is about. What the management account has is its own: a delegated
    /// administrator neither gives access to it nor changes a set that is provisioned there. (IAM Identity Center User
    /// Guide, "Delegated administration")
    fn who(&self, operation: &Operation, shared: &BTreeSet<&str>) -> (&'static str, &'static str) {
        const MANAGEMENT: &str = "management account";
        let is_set = operation.address.contains("permission_set.");
        match &operation.verb {
            Verb::Assign { target, .. } | Verb::Unassign { target, .. } => {
                let id = self.ids.get(target).map(String::as_str);
                if id.is_some() && id == self.management() {
                    return (MANAGEMENT, "access to the management account");
                }
            }
            _ if is_set && self.ids.get(&operation.address).is_some_and(|arn| shared.contains(arn.as_str())) => {
                return (MANAGEMENT, "permission sets that the management account has");
            }
            _ if is_set => {}
            Verb::SetRepositoryPolicy { account, .. } | Verb::RemoveRepositoryPolicy { account, .. } => {
                let own = self.management() == Some(account.as_str());
                let who = if own { MANAGEMENT } else { "management account, by the member role of the account" };
                return (who, "repository policies");
            }
            verb if matches!(verb.service(), Service::Organizations | Service::Creation | Service::Closing) => {
                return (MANAGEMENT, "AWS Organizations");
            }
            _ => {}
        }
        ("management account or delegated administrator", "IAM Identity Center")
    }

    fn management(&self) -> Option<&str> {
        self.live.organization.as_ref().map(|found| found.management_account.as_str())
    }

    /// Permission sets that were seen in the management account, by ARN.
    fn sets_of_management(&self) -> BTreeSet<&str> {
        let Some(management) = self.management() else { return BTreeSet::new() };
        let given =
            self.live.given.iter().filter(|given| given.account == management).map(|given| given.set.as_str());
        let has = |set: &crate::live::LiveSet| {
            let accounts = set.accounts.iter().flatten().chain(&set.stale);
            accounts.into_iter().any(|account| account == management)
        };
        given.chain(self.live.sets.iter().filter(|(_, set)| has(set)).map(|(arn, _)| arn.as_str())).collect()
    }
}

/// Set, principal and target of an assignment's address.
fn parts(address: &str) -> Option<(String, String, String)> {
    let set = identity::set_of_assignment(address)?;
    let mut parts = address.split('/').skip(1);
    Some((set, parts.next()?.to_owned(), parts.next()?.to_owned()))
}
