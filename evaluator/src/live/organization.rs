//! The organization: its tree, its accounts, its service control policies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Depth, Live, Reader, parallel};
use crate::plan::desired::{ADDRESS_TAG, PARKING, ROOT, Wanted};
use crate::plan::{identity, marks};
use crate::provider::{CloudError, Failure, Organization, Unit};
use crate::resources::ResourceKind;

/// Organizations lists so many at once.
const PAGE: usize = 20;

/// How a note begins that tags which the program gives were not read: one call for each thing. (`ListTagsForResource`)
pub(crate) const UNREAD_TAGS: &str = "whether somebody changed tags";

impl Reader<'_> {
    /// Reads what is asked of the organization.
    pub(super) fn organization(&self, live: &mut Live) -> Result<(), CloudError> {
        if self.desired.is_empty() && self.record.resources.is_empty() && self.record.pending.is_empty() {
            return Ok(());
        }
        let organization = self.provider.organization()?;
        if !self.scoped_tree(live, &organization)? {
            self.whole_tree(live, &organization)?;
            self.confirmed(live, &organization.root)?;
        }
        live.organization = Some(organization);
        self.pending(live)?;
        self.policies(live)?;
        self.policies_that_are_left(live)?;
        self.tags(live)
    }

    /// Every account and every unit: ⌈A/20⌉ and O+1 calls; A by parent when the list does not say paths.
    pub(super) fn whole_tree(&self, live: &mut Live, organization: &Organization) -> Result<(), CloudError> {
        live.units = self.units_below(&organization.root)?;
        let mut accounts = self.provider.accounts()?;
        if accounts.iter().any(|account| account.parent.is_none()) {
            let parents: Vec<&str> =
                std::iter::once(organization.root.as_str()).chain(live.units.keys().map(String::as_str)).collect();
            let below = parallel::each(self.lanes, &parents, |parent| self.provider.accounts_of(parent))?;
            let parents: BTreeMap<String, Option<String>> =
                below.into_iter().flatten().map(|account| (account.id, account.parent)).collect();
            for account in accounts.iter_mut().filter(|account| account.parent.is_none()) {
                account.parent = parents.get(&account.id).cloned().flatten();
            }
        }
        live.accounts = accounts.into_iter().map(|account| (account.id.clone(), account)).collect();
        Ok(())
    }

    fn units_below(&self, root: &str) -> Result<BTreeMap<String, Unit>, CloudError> {
        let (mut units, mut level) = (BTreeMap::new(), vec![root.to_owned()]);
        while !level.is_empty() {
            let found = parallel::each(self.lanes, &level, |parent| self.provider.units_of(parent))?;
            level = Vec::new();
            for unit in found.into_iter().flatten() {
                level.push(unit.id.clone());
                units.insert(unit.id.clone(), unit);
            }
        }
        Ok(units)
    }

    /// Only the accounts and units that what is selected needs, when all of them are known by id. False when the
    /// whole tree has to be read.
    fn scoped_tree(&self, live: &mut Live, organization: &Organization) -> Result<bool, CloudError> {
        if self.scope.only.is_empty() {
            return Ok(false);
        }
        let (mut accounts, mut units) = (BTreeSet::new(), BTreeSet::new());
        for address in self.needed() {
            let wanted = self.desired.resources.get(address);
            let said = wanted.and_then(|wanted| wanted.account.as_ref()).and_then(|account| account.id.as_deref());
            let known = said.or_else(|| self.record.entry(address).map(|entry| entry.id.as_str()));
            let kind = wanted.map(|wanted| wanted.kind.name());
            match (kind.or_else(|| self.record.entry(address).map(|entry| entry.kind.as_str())), known) {
                (Some("account"), Some(id)) => _ = accounts.insert(id),
                (Some("ou"), Some(id)) => _ = units.insert(id),
                (Some("account" | "ou"), None) => return Ok(false),
                _ => {}
            }
        }
        // An account that is parked goes there, whatever is selected.
        units.extend(self.record.entry(PARKING).map(|entry| entry.id.as_str()));
        let kept = self.record.resources.values();
        let (all_accounts, all_units) = kept.fold((0_usize, 0_usize), |(accounts, units), entry| {
            (accounts + usize::from(entry.kind == "account"), units + usize::from(entry.kind == "ou"))
        });
        // A set or a group that is selected needs every account that it is given in: the whole list is cheaper then.
        if accounts.len() > all_accounts.div_ceil(PAGE) + all_units + 1 {
            return Ok(false);
        }
        let accounts: Vec<&str> = accounts.into_iter().collect();
        let units: Vec<&str> = units.into_iter().filter(|unit| *unit != organization.root).collect();
        let found = parallel::each(self.lanes, &accounts, |id| self.provider.account(id))?;
        live.accounts = found.into_iter().flatten().map(|account| (account.id.clone(), account)).collect();
        let found = parallel::each(self.lanes, &units, |id| self.provider.unit(id))?;
        live.units = found.into_iter().flatten().map(|unit| (unit.id.clone(), unit)).collect();
        Ok(true)
    }

    /// Addresses of accounts and units that the selected resources name.
    fn needed(&self) -> BTreeSet<&str> {
        let mut needed = BTreeSet::new();
        for (address, wanted) in self.desired.resources.iter().filter(|(address, _)| self.takes(address)) {
            needed.insert(address.as_str());
            let fields = wanted.fields.iter().chain(&wanted.shown);
            let named = fields.filter(|(name, _)| matches!(name.as_str(), "ou" | "parent" | "target"));
            needed.extend(named.filter_map(|(_, value)| value.as_str()).filter(|address| *address != ROOT));
        }
        for (address, _) in self.record.resources.iter().filter(|(address, _)| self.takes(address)) {
            needed.insert(address.as_str());
            needed.extend(address.split('/').skip(1));
        }
        needed.extend(self.accounts_of_stacks());
        needed
    }

    /// How the creations stand that an earlier run began: by the request, or by name and time.
    pub(super) fn pending(&self, live: &mut Live) -> Result<(), CloudError> {
        let accounts = self.record.pending.iter().filter(|(_, pending)| pending.kind == "account");
        let mut all = None;
        for (address, pending) in accounts {
            if let Some(request) = &pending.request {
                match self.provider.creation(request) {
                    Ok(creation) => _ = live.creations.insert(address.clone(), creation),
                    // The service forgets requests after a while; the account is then found by its e-mail.
                    Err(error) if error.failure == Failure::NotFound => {}
                    Err(error) => return Err(error),
                }
                continue;
            }
            if all.is_none() {
                all = Some(self.provider.creations()?);
            }
            // A clock that is a little off must not hide our own request.
            let since = pending.at - jiff::SignedDuration::from_mins(5);
            let ours = all.iter().flatten().filter(|creation| {
                creation.name == pending.name && creation.requested.is_none_or(|requested| requested >= since)
            });
            if let Some(creation) = ours.max_by_key(|creation| creation.requested) {
                live.creations.insert(address.clone(), creation.clone());
            }
        }
        Ok(())
    }

    /// Service control policies: the list, and of those in question the content and the targets.
    fn policies(&self, live: &mut Live) -> Result<(), CloudError> {
        let (policies, attachments) = (self.addresses("scp"), self.addresses("scp_attachment"));
        let relied = self.relied_policies();
        let selected = !policies.is_empty() || !attachments.is_empty();
        if !selected && relied.is_empty() {
            return Ok(());
        }
        // Where their type is switched off at the root they hold nothing, and are there all the same.
        let all = self.provider.policies()?;
        live.policies = all.into_iter().map(|policy| (policy.id.clone(), policy)).collect();
        let ids = identity::policies(self.record, live);
        let asked = ids.iter().filter(|(address, _)| selected || relied.contains(*address));
        let asked: Vec<String> =
            asked.map(|(_, id)| id).filter(|id| live.policies.contains_key(*id)).cloned().collect();
        let read = parallel::each(self.lanes, &asked, |id| {
            Ok::<_, CloudError>((self.provider.policy(id)?, self.provider.targets_of(id)?))
        })?;
        for (id, (policy, targets)) in asked.into_iter().zip(read) {
            live.attached.extend(targets.into_iter().map(|target| (id.clone(), target)));
            if let Some(policy) = policy {
                live.policies.insert(id, policy);
            }
        }
        self.room_for_policies(live, &attachments)
    }

    /// How many policies the targets have that are to get another: AWS takes five, foreign ones counted.
    fn room_for_policies(&self, live: &mut Live, attachments: &BTreeSet<&str>) -> Result<(), CloudError> {
        let ids = identity::organization(self.desired, self.record, live);
        let mut asked: BTreeSet<&String> = BTreeSet::new();
        for address in attachments.iter().filter(|address| self.desired.resources.contains_key(**address)) {
            let target = address.split_once('/').map_or("", |(_, target)| target);
            let target = if self.desired.org.address.as_deref() == Some(target) { ROOT } else { target };
            let policy = identity::policy_of_attachment(address).and_then(|policy| ids.get(&policy));
            let Some(target) = ids.get(target) else { continue };
            let attached = policy.is_some_and(|policy| live.attached.contains(&(policy.clone(), target.clone())));
            asked.extend((!attached).then_some(target));
        }
        let asked: Vec<String> = asked.into_iter().cloned().collect();
        let found = parallel::each(self.lanes, &asked, |target| self.provider.policies_of(target))?;
        live.policies_of.extend(asked.into_iter().zip(found));
        Ok(())
    }

    /// The policies of the units that are to be made anew or to go, and of those that something is to be moved out of or into: some may be of
    /// others.
    fn policies_that_are_left(&self, live: &mut Live) -> Result<(), CloudError> {
        if live.organization.as_ref().is_none_or(|organization| !organization.policies_enabled) {
            return Ok(());
        }
        let asked: Vec<String> =
            self.units_that_change(live).into_iter().filter(|id| !live.policies_of.contains_key(id)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        if live.policies.is_empty() {
            let all = self.provider.policies()?;
            live.policies = all.into_iter().map(|policy| (policy.id.clone(), policy)).collect();
        }
        let found = parallel::each(self.lanes, &asked, |target| self.provider.policies_of(target))?;
        live.policies_of.extend(asked.into_iter().zip(found));
        Ok(())
    }

    /// Those units, by id.
    fn units_that_change(&self, live: &Live) -> BTreeSet<String> {
        let taken = |(address, id): (String, String)| self.takes(&address).then_some(id);
        let anew = identity::made_anew(self.desired, self.record, live).into_iter().filter_map(taken);
        let gone = self.record.resources.iter().filter(|(address, entry)| {
            entry.kind == ResourceKind::Ou.name() && !self.desired.resources.contains_key(*address)
        });
        let gone = gone.filter_map(|(address, entry)| taken((address.clone(), entry.id.clone())));
        let mut all: BTreeSet<String> = anew.chain(gone).filter(|id| live.units.contains_key(id)).collect();
        let ids = identity::organization(self.desired, self.record, live);
        let accounts = self.desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::Account);
        for (address, wanted) in accounts.filter(|(address, _)| self.takes(address)) {
            let from = ids.get(address).and_then(|id| live.accounts.get(id)?.parent.as_ref());
            let to = wanted.fields.get("ou").and_then(|ou| ids.get(ou.as_str()?));
            if let (Some(from), true) = (from, from != to) {
                for at in [Some(from), to] {
                    let up = std::iter::successors(at, |id| live.units.get(*id).map(|unit| &unit.parent));
                    all.extend(up.filter(|id| live.units.contains_key(*id)).cloned());
                }
            }
        }
        all
    }

    /// Tags of the units, accounts and policies whose tags are not as they were last applied, that are to be changed or
    /// taken over, or whose mark is doubted; for [`Depth::Drift`] of all that are owned.
    fn tags(&self, live: &mut Live) -> Result<(), CloudError> {
        let ids = identity::organization(self.desired, self.record, live);
        // A run that was killed as it parked an account, or gave a parked one on, leaves it there with its mark in part.
        let parking = ids.get(PARKING);
        let is_parked = |id: &String| {
            parking.is_some() && live.accounts.get(id).is_some_and(|account| account.parent.as_ref() == parking)
        };
        let anew = identity::made_anew(self.desired, self.record, live);
        let in_question = |(address, id): &(&String, &String)| {
            let is_begun = self.record.pending.contains_key(*address) || is_parked(id);
            if is_begun && self.takes(address) && live.has(id) {
                return true;
            }
            let Some(wanted) = self.desired.resources.get(*address) else { return false };
            let recorded = self.record.entry(address).filter(|entry| entry.id == **id);
            self.takes(address)
                && live.has(id)
                && (self.depth == Depth::Drift
                    || !self.scope.only.is_empty()
                    // A run that came to no end has given it another address, or its own again, and may have marked it.
                    || self.record.under_way.as_ref().is_some_and(|begun| begun.readdressed.contains_key(*address))
                    || marks::changing(self.desired, (address, id), &ids, live)
                    || anew.contains_key(*address)
                    || recorded.is_none_or(|entry| entry.fields.get("tags") != wanted.fields.get("tags")))
        };
        let mut asked: BTreeSet<String> = ids.iter().filter(in_question).map(|(_, id)| id.clone()).collect();
        if !identity::lacking(self.desired, self.record, &ids).is_empty() {
            // Whether one that the record has as parked is so.
            let open = |id: &&String| live.accounts.get(*id).is_some_and(identity::is_open);
            asked.extend(self.record.parked.keys().filter(open).cloned());
        }
        for (address, pending) in self.record.pending.iter().filter(|(address, _)| self.takes(address)) {
            asked.extend(identity::begun(live, address, pending, &ids).into_iter().cloned());
        }
        let doubted = marks::doubted(self.desired, self.record, live).into_iter();
        let doubted = doubted.filter(|(address, entry)| self.takes(address) && live.has(&entry.id));
        asked.extend(doubted.map(|(_, entry)| entry.id.clone()));
        let told = self.tagged(&ids).filter(|id| live.has(id) && !asked.contains(*id)).count();
        if told > 0 {
            let of = if told == 1 { "account, unit or policy" } else { "accounts, units and policies" };
            live.unlooked.insert(format!("{UNREAD_TAGS} of {told} {of}"));
        }
        let asked: Vec<String> = asked.into_iter().collect();
        let tags = parallel::each(self.lanes, &asked, |id| self.provider.tags_of(id))?;
        live.tags.extend(asked.into_iter().zip(tags));
        Ok(())
    }

    /// The ids of what the program gives tags of its own, beside its mark.
    fn tagged<'i>(&'i self, ids: &'i identity::Ids) -> impl Iterator<Item = &'i String> {
        let own = |wanted: &Wanted| {
            let tags = wanted.fields.get("tags").and_then(Json::as_object);
            tags.is_some_and(|tags| tags.keys().any(|key| key != ADDRESS_TAG))
        };
        ids.iter().filter_map(move |(address, id)| {
            let wanted = self.desired.resources.get(address)?;
            (self.takes(address) && own(wanted)).then_some(id)
        })
    }
}
