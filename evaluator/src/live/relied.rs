//! What a part of a program relies on: the permission sets that it gives, and the policies that hold where it gives them. Owns that these
//! are read though they are not selected: what was changed in them outside would be given unseen.

use std::collections::BTreeSet;

use super::{Live, Reader, parallel};
use crate::limits::OU_LEVELS;
use crate::plan::desired::{Desired, ROOT};
use crate::plan::identity;
use crate::provider::CloudError;
use crate::registry::record::Record;
use crate::resources::ResourceKind;

/// A target by its address, and what it lies in by the program, up to the root.
pub(crate) fn levels<'d>(desired: &'d Desired, target: &'d str) -> impl Iterator<Item = &'d str> {
    let above = |at: &&'d str| {
        let fields = &desired.resources.get(*at)?.fields;
        fields.get("ou").or_else(|| fields.get("parent"))?.as_str()
    };
    // The target, its units, and the root.
    let up = std::iter::successors(Some(target), above).take(OU_LEVELS.most + 2).filter(|at| *at != ROOT);
    up.chain([ROOT]).chain(desired.org.address.as_deref())
}

/// The recorded attachments that hold in these targets, each with its policy.
pub(crate) fn holding<'d>(
    desired: &'d Desired,
    record: &'d Record,
    targets: impl IntoIterator<Item = &'d str>,
) -> Vec<(&'d str, String)> {
    let places: BTreeSet<&str> = targets.into_iter().flat_map(|target| levels(desired, target)).collect();
    let attached = record.resources.iter().filter(|(_, entry)| entry.kind == ResourceKind::ScpAttachment.name());
    let holds = |address: &&str| address.split_once('/').is_some_and(|(_, target)| places.contains(target));
    let attached = attached.map(|(address, _)| address.as_str()).filter(holds);
    attached.filter_map(|address| Some((address, identity::policy_of_attachment(address)?))).collect()
}

impl Reader<'_> {
    /// The assignments that are selected and that the program asks for.
    fn selected(&self) -> impl Iterator<Item = &String> {
        let all = self.desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::Assignment);
        all.map(|(address, _)| address).filter(|address| self.takes(address))
    }

    /// The policies that hold by the record where something selected is given; none where all is read.
    pub(super) fn relied_policies(&self) -> BTreeSet<String> {
        if self.scope.only.is_empty() {
            return BTreeSet::new();
        }
        let targets: BTreeSet<&str> = self.selected().filter_map(|address| address.split('/').nth(2)).collect();
        holding(self.desired, self.record, targets).into_iter().map(|(_, policy)| policy).collect()
    }

    /// Reads the sets that are to be given and are not selected: seven calls each.
    pub(super) fn relied_sets(&self, live: &mut Live) -> Result<(), CloudError> {
        if self.scope.only.is_empty() || live.center.is_none() {
            return Ok(());
        }
        let accounts = identity::organization(self.desired, self.record, live);
        let sets = identity::sets(self.record, live);
        let there: BTreeSet<(&str, &str, &str)> =
            live.given.iter().map(|given| (&*given.set, &*given.principal.id, &*given.account)).collect();
        let is_there = |arn: &str, principal: &str, target: &str| {
            let id = live.principals.get(principal).and_then(|id| id.as_deref());
            id.zip(accounts.get(target)).is_some_and(|(id, account)| there.contains(&(arn, id, account)))
        };
        let mut asked = BTreeSet::new();
        for address in self.selected() {
            let mut parts = address.split('/').skip(1);
            let (Some(principal), Some(target)) = (parts.next(), parts.next()) else { continue };
            let Some(arn) = identity::set_of_assignment(address).and_then(|set| sets.get(&set)) else { continue };
            let is_read = live.sets.get(arn).is_some_and(|set| set.detail.is_some());
            if !is_read && !is_there(arn, principal, target) {
                asked.insert(arn.clone());
            }
        }
        let asked: Vec<String> = asked.into_iter().collect();
        let read = parallel::each(self.lanes, &asked, |arn| {
            let fields = self.provider.set(arn)?;
            fields.map(|fields| Ok::<_, CloudError>((fields, self.detail(arn)?))).transpose()
        })?;
        for (arn, read) in asked.into_iter().zip(read) {
            let Some((fields, (detail, stale))) = read else {
                live.sets.remove(&arn);
                continue;
            };
            let set = live.sets.entry(arn).or_default();
            set.fields = fields;
            set.detail = Some(detail);
            set.stale = stale.unwrap_or_default();
        }
        Ok(())
    }
}
