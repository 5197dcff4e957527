//! Lists of the organization's tree show what was done with a delay. Owns that what differs from the record by a list is asked for by
//! its id before it counts: else what an apply has just done would be a change by others, and taking it back would be done by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Reader, parallel};
use crate::plan::desired::{PARKING, ROOT};
use crate::provider::{Account, CloudError, Unit};
use crate::registry::record::Entry;
use crate::resources::ResourceKind;

impl Reader<'_> {
    /// Asks for the units and accounts that are not as recorded, or that are to be taken over by their names: two calls for each unit,
    /// and one or two for each account.
    pub(super) fn confirmed(&self, live: &mut Live, root: &str) -> Result<(), CloudError> {
        let units: Vec<String> = self.doubted_units(live, root).into_iter().collect();
        let found = parallel::each(self.lanes, &units, |id| self.provider.unit(id))?;
        set(&mut live.units, units, found);
        let accounts: Vec<String> = self.doubted_accounts(live, root).into_iter().collect();
        let found = parallel::each(self.lanes, &accounts, |id| self.provider.account(id))?;
        set(&mut live.accounts, accounts, found);
        Ok(())
    }

    fn doubted_units(&self, live: &Live, root: &str) -> BTreeSet<String> {
        let is_as_recorded = |entry: &Entry, unit: &Unit| {
            text(entry, "name") == Some(&*unit.name) && self.above(entry, "parent", root) == Some(&*unit.parent)
        };
        let recorded = self.recorded_as(ResourceKind::Ou);
        let known: BTreeSet<&str> = recorded.iter().map(|entry| entry.id.as_str()).collect();
        let other = recorded.iter().filter(|entry| {
            !live.units.get(&entry.id).is_some_and(|unit| entry.is_claim() || is_as_recorded(entry, unit))
        });
        // One that was deleted a moment ago may have the name of one that is to be made.
        let wanted: BTreeSet<&str> = self
            .desired
            .resources
            .iter()
            .filter(|(address, wanted)| wanted.kind == ResourceKind::Ou && self.record.entry(address).is_none())
            .filter_map(|(_, wanted)| wanted.fields.get("name")?.as_str())
            .collect();
        let taken =
            live.units.values().filter(|unit| wanted.contains(&*unit.name) && !known.contains(unit.id.as_str()));
        other.map(|entry| entry.id.clone()).chain(taken.map(|unit| unit.id.clone())).collect()
    }

    fn doubted_accounts(&self, live: &Live, root: &str) -> BTreeSet<String> {
        let is_as_recorded = |entry: &Entry, account: &Account| {
            let is_there = self.above(entry, "ou", root).is_none_or(|ou| account.parent.as_deref() == Some(ou));
            is_there && text(entry, "name").is_none_or(|name| *name == account.name)
        };
        let recorded = self.recorded_as(ResourceKind::Account);
        let other = recorded
            .iter()
            .filter(|entry| !live.accounts.get(&entry.id).is_some_and(|account| is_as_recorded(entry, account)));
        let parking = self.record.entry(PARKING).map(|entry| entry.id.as_str());
        let parked = self.record.parked.keys().filter(|id| {
            live.accounts.get(*id).is_none_or(|account| parking.is_some() && account.parent.as_deref() != parking)
        });
        other.map(|entry| entry.id.clone()).chain(parked.cloned()).collect()
    }

    fn recorded_as(&self, kind: ResourceKind) -> Vec<&Entry> {
        let all = self.record.resources.values();
        all.filter(|entry| entry.kind == kind.name() && !entry.id.is_empty()).collect()
    }

    /// The id of the unit that an entry says that it lies in.
    fn above<'i>(&'i self, entry: &Entry, field: &str, root: &'i str) -> Option<&'i str> {
        let address = text(entry, field)?;
        if address == ROOT { Some(root) } else { self.record.entry(address).map(|entry| entry.id.as_str()) }
    }
}

fn text<'e>(entry: &'e Entry, field: &str) -> Option<&'e str> {
    entry.fields.get(field)?.as_str()
}

/// What is there is as it was found, and what is not is not.
fn set<T>(all: &mut BTreeMap<String, T>, asked: Vec<String>, found: Vec<Option<T>>) {
    for (id, found) in asked.into_iter().zip(found) {
        match found {
            Some(found) => _ = all.insert(id, found),
            None => _ = all.remove(&id),
        }
    }
}
