//! Assignments: by principal, by pair, or only those that are selected. Owns the choice.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Reader, Reading, parallel};
use crate::plan::identity;
use crate::provider::{CloudError, Failure, Given, Principal, PrincipalKind};

/// Up to so many pairs are read one by one, which sees the assignments of everybody: four seconds at 15 a second.
pub(super) const FEW_PAIRS: usize = 60;
/// So many assignments of a principal are on a page.
const PAGE: usize = 100;

impl Reader<'_> {
    /// Reads the assignments of the sets that are owned, and of others what is seen on the way.
    pub(super) fn assignments(&self, live: &mut Live) -> Result<(), CloudError> {
        let owned: BTreeSet<String> =
            identity::sets(self.record, live).into_values().filter(|arn| live.sets.contains_key(arn)).collect();
        if live.center.is_none() || owned.is_empty() {
            return Ok(());
        }
        if !self.scope.only.is_empty() {
            return self.scoped(live);
        }
        if self.is_thorough() || self.expected_pairs() <= FEW_PAIRS {
            self.by_pair(live, &owned)?;
            return self.foreign(live, &owned);
        }
        match self.by_principal(live, &owned) {
            Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {
                self.by_pair(live, &owned)
            }
            Ok(()) => self.going(live, &owned),
            other => other,
        }
    }

    /// Pairs of an account and a set that the record has assignments of.
    fn expected_pairs(&self) -> usize {
        let assignments = self.record.resources.iter().filter(|(_, entry)| entry.kind == "assignment");
        let pair = |address: &str| {
            let mut parts = address.split('/');
            Some((parts.next()?.to_owned(), parts.nth(1)?.to_owned()))
        };
        assignments.filter_map(|(address, _)| pair(address)).collect::<BTreeSet<_>>().len()
    }

    fn by_pair(&self, live: &mut Live, owned: &BTreeSet<String>) -> Result<(), CloudError> {
        let sets: Vec<&String> = owned.iter().collect();
        let accounts = parallel::each(self.lanes, &sets, |set| self.provider.accounts_of_set(set, None))?;
        // What was given is looked for where it was given, whatever the lists of accounts say.
        let mut pairs = self.recorded_pairs(live, &|_, set| owned.contains(set));
        for (set, accounts) in sets.into_iter().zip(accounts) {
            pairs.extend(accounts.iter().map(|account| (account.clone(), set.clone())));
            if let Some(found) = live.sets.get_mut(set) {
                found.accounts = Some(accounts);
            }
        }
        let pairs: Vec<(String, String)> = pairs.into_iter().collect();
        self.pairs(live, &pairs)?;
        live.reading = Reading::ByPair { pairs: pairs.len() };
        self.names(live)
    }

    /// Sets that are to go or to be made anew, and accounts that are to be emptied: nobody may be left on them, so
    /// everybody is looked for.
    fn going(&self, live: &mut Live, owned: &BTreeSet<String>) -> Result<(), CloudError> {
        let sets = identity::sets(self.record, live);
        let going = sets.iter().filter(|(address, arn)| owned.contains(*arn) && !self.stays(live, address, arn));
        let going: Vec<String> = going.map(|(_, arn)| arn.clone()).collect();
        let accounts = parallel::each(self.lanes, &going, |set| self.provider.accounts_of_set(set, None))?;
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        for (set, accounts) in going.iter().zip(accounts) {
            pairs.extend(accounts.into_iter().map(|account| (account, set.clone())));
        }
        let leaving = self
            .record
            .resources
            .iter()
            .filter(|(address, entry)| entry.kind == "account" && !self.desired.resources.contains_key(*address));
        for (_, entry) in leaving {
            pairs.extend(owned.iter().map(|set| (entry.id.clone(), set.clone())));
        }
        let pairs: Vec<(String, String)> = pairs.into_iter().collect();
        self.pairs(live, &pairs)?;
        self.names(live)
    }

    /// Is a set neither to go nor to be made anew?
    fn stays(&self, live: &Live, address: &str, arn: &str) -> bool {
        let wanted = self.desired.resources.get(address).and_then(|wanted| wanted.fields.get("name")?.as_str());
        wanted.is_some() && wanted == live.sets.get(arn).map(|set| set.fields.name.as_str())
    }

    /// Who holds sets that are not owned: everybody in the accounts that are, and people of the program anywhere, when
    /// that costs little or all is asked for.
    fn foreign(&self, live: &mut Live, owned: &BTreeSet<String>) -> Result<(), CloudError> {
        let foreign: Vec<String> = live.sets.keys().filter(|arn| !owned.contains(*arn)).cloned().collect();
        let costs_little = |calls: usize| self.is_thorough() || calls <= FEW_PAIRS;
        if foreign.is_empty() {
            return Ok(());
        }
        if costs_little(self.known_principals(live).len()) {
            let reading = live.reading.clone();
            match self.by_principal(live, owned) {
                Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {
                    let whom = if error.failure == Failure::Denied { "to this caller " } else { "" };
                    live.unanswered
                        .insert(format!("{whom}what people hold of permission sets that cellc does not own"));
                }
                other => other?,
            }
            live.reading = reading;
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        if costs_little(foreign.len()) {
            let mut ours: BTreeSet<String> =
                identity::organization(self.desired, self.record, live).into_values().collect();
            // Whoever is in a parked account is in the next cell that takes it.
            ours.extend(self.record.parked.keys().cloned());
            let accounts = parallel::each(self.lanes, &foreign, |set| self.provider.accounts_of_set(set, None))?;
            for (set, accounts) in foreign.iter().zip(accounts) {
                let there = accounts.into_iter().filter(|account| ours.contains(account));
                pairs.extend(there.map(|account| (account, set.clone())));
            }
        }
        if costs_little(foreign.len().max(pairs.len())) {
            let held =
                parallel::each(self.lanes, &pairs, |(account, set)| self.provider.assignments_of_pair(account, set))?;
            for ((account, set), principals) in pairs.into_iter().zip(held) {
                let given = |principal| Given { set: set.clone(), principal, account: account.clone() };
                live.unmanaged.extend(principals.into_iter().map(given));
            }
            return self.names(live);
        }
        live.unlooked.insert("what others hold of permission sets that cellc does not own".to_owned());
        Ok(())
    }

    /// The pairs that the record has such assignments of, by address and set, in accounts that are there.
    fn recorded_pairs(&self, live: &Live, such: &dyn Fn(&str, &str) -> bool) -> BTreeSet<(String, String)> {
        let sets = identity::sets(self.record, live);
        let accounts = identity::organization(self.desired, self.record, live);
        let pair = |address: &String| {
            let set = sets.get(&identity::set_of_assignment(address)?)?;
            let account = accounts.get(address.split('/').nth(2)?)?;
            such(address, set).then(|| (account.clone(), set.clone()))
        };
        let there = |(account, _): &(String, String)| live.accounts.contains_key(account);
        self.record.resources.keys().filter_map(pair).filter(there).collect()
    }

    fn pairs(&self, live: &mut Live, pairs: &[(String, String)]) -> Result<(), CloudError> {
        let found = parallel::each(self.lanes, pairs, |(account, set)| {
            match self.provider.assignments_of_pair(account, set) {
                // Somebody deleted the set, and what it gave with it.
                Err(error) if error.failure == Failure::NotFound && self.provider.set(set)?.is_none() => Ok(None),
                other => other.map(Some),
            }
        })?;
        for ((account, set), principals) in pairs.iter().zip(found) {
            let given = |principal| Given { set: set.clone(), principal, account: account.clone() };
            match principals {
                Some(principals) => live.given.extend(principals.into_iter().map(given)),
                None => _ = live.sets.remove(set),
            }
        }
        Ok(())
    }

    /// Σ ⌈n/100⌉ calls over the principals of the program and of the record.
    fn by_principal(&self, live: &mut Live, owned: &BTreeSet<String>) -> Result<(), CloudError> {
        let principals: Vec<Principal> = self.known_principals(live).into_iter().collect();
        let (held, unknown) = self.held_by(&principals)?;
        for given in held {
            if owned.contains(&given.set) {
                live.given.insert(given);
            } else {
                live.unmanaged.insert(given);
            }
        }
        self.of_unknown(live, &unknown)?;
        live.reading = Reading::ByPrincipal { principals: principals.len() };
        Ok(())
    }

    /// Groups and users of the program, and those that the record says were ones.
    fn known_principals(&self, live: &Live) -> BTreeSet<Principal> {
        let mut all = BTreeSet::new();
        for (address, id) in &live.principals {
            let (Some(id), Some(wanted)) = (id, self.desired.principals.get(address)) else { continue };
            all.insert(Principal { kind: wanted.kind, id: id.clone() });
        }
        for (address, found) in &self.record.principals {
            all.insert(Principal { kind: kind_of(address), id: found.id.clone() });
        }
        all
    }

    fn scoped(&self, live: &mut Live) -> Result<(), CloudError> {
        let sets = identity::sets(self.record, live);
        let accounts = identity::organization(self.desired, self.record, live);
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        let selected = self.addresses("assignment");
        for address in &selected {
            let target = address.split('/').nth(2).and_then(|target| accounts.get(target));
            let set = identity::set_of_assignment(address).and_then(|set| sets.get(&set));
            pairs.extend(target.cloned().zip(set.cloned()));
        }
        let (mut whole, all) = self.beyond(live, &sets, &pairs)?;
        // Of an account that is selected everything is seen: it may have to be emptied.
        for account in self.addresses("account").into_iter().filter_map(|address| accounts.get(address)) {
            whole.extend(sets.values().map(|set| (account.clone(), set.clone())));
        }
        // Of one that waits for a cell nobody knows who has something there.
        for (_, account) in identity::parked(self.desired, self.record, live, &accounts)
            .taken
            .iter()
            .filter(|(cell, _)| self.takes(cell))
        {
            whole.extend(sets.values().map(|set| (account.clone(), set.clone())));
        }
        if !all && pairs.len() > FEW_PAIRS && self.selected_by_principal(live, &selected, &pairs)? {
            self.pairs(live, &whole.into_iter().collect::<Vec<_>>())?;
            self.named_people(live, &sets)?;
            return self.names(live);
        }
        pairs.extend(whole);
        let pairs: Vec<_> = pairs.into_iter().collect();
        self.pairs(live, &pairs)?;
        live.reading = Reading::Scoped { pairs: pairs.len() };
        self.named_people(live, &sets)?;
        self.names(live)
    }

    /// Where the sets that are selected are given although nobody asks for it: their pairs, and whether everybody has to be
    /// looked for in all of theirs, since a set goes only when nobody holds it.
    fn beyond(
        &self,
        live: &mut Live,
        sets: &BTreeMap<String, String>,
        pairs: &BTreeSet<(String, String)>,
    ) -> Result<(BTreeSet<(String, String)>, bool), CloudError> {
        let named = self.addresses("permission_set");
        let own =
            sets.iter().filter(|(address, arn)| named.contains(address.as_str()) && live.sets.contains_key(*arn));
        let own: Vec<(&String, &String)> = own.collect();
        let all = self.is_thorough() || own.iter().any(|(address, arn)| !self.stays(live, address, arn));
        let found = parallel::each(self.lanes, &own, |(_, arn)| self.provider.accounts_of_set(arn, None))?;
        let mut beyond = BTreeSet::new();
        for ((_, arn), accounts) in own.into_iter().zip(found) {
            beyond.extend(accounts.iter().map(|account| (account.clone(), arn.clone())));
            if let Some(set) = live.sets.get_mut(arn) {
                set.accounts = Some(accounts);
            }
        }
        beyond.retain(|pair| !pairs.contains(pair));
        Ok((beyond, all))
    }

    /// Groups and users that are named themselves: all that they have of owned sets, wherever it is.
    fn named_people(&self, live: &mut Live, sets: &BTreeMap<String, String>) -> Result<(), CloudError> {
        let named = live.principals.iter().filter(|(address, _)| self.scope.only.contains(address));
        let named = named.filter_map(|(address, id)| Some(Principal { kind: kind_of(address), id: id.clone()? }));
        let named: Vec<Principal> = named.collect();
        match self.held_by(&named) {
            Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {
                live.unlooked.insert("what those who are named hold in accounts where nobody asks for it".to_owned());
            }
            other => {
                let owned: BTreeSet<&String> = sets.values().collect();
                let (held, unknown) = other?;
                live.given.extend(held.into_iter().filter(|given| owned.contains(&given.set)));
                self.of_unknown(live, &unknown)?;
            }
        }
        Ok(())
    }

    /// A set or a group that is selected is given in as many pairs as there are accounts: its people are asked where
    /// that takes fewer requests. False when they are not.
    fn selected_by_principal(
        &self,
        live: &mut Live,
        selected: &BTreeSet<&str>,
        pairs: &BTreeSet<(String, String)>,
    ) -> Result<bool, CloudError> {
        let named: BTreeSet<&str> = selected.iter().filter_map(|address| address.split('/').nth(1)).collect();
        let mut held: BTreeMap<&str, usize> = BTreeMap::new();
        for address in self.record.resources.iter().filter(|(_, entry)| entry.kind == "assignment") {
            let principal = address.0.split('/').nth(1).unwrap_or_default();
            *held.entry(principal).or_default() += usize::from(named.contains(principal));
        }
        let pages = named.iter().map(|named| held.get(named).copied().unwrap_or(0).div_ceil(PAGE).max(1));
        if pages.sum::<usize>() >= pairs.len() {
            return Ok(false);
        }
        let id = |address: &&str| {
            let recorded = || self.record.principals.get(*address).map(|found| found.id.clone());
            let id = live.principals.get(*address).cloned().flatten().or_else(recorded)?;
            Some(Principal { kind: kind_of(address), id })
        };
        let principals: Vec<Principal> = named.iter().filter_map(id).collect();
        let (found, unknown) = match self.held_by(&principals) {
            Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => return Ok(false),
            other => other?,
        };
        let is_selected = |given: &Given| pairs.contains(&(given.account.clone(), given.set.clone()));
        live.given.extend(found.into_iter().filter(is_selected));
        self.of_unknown(live, &unknown)?;
        live.reading = Reading::ByPrincipal { principals: principals.len() };
        Ok(true)
    }

    /// What they are given directly, and those whom the identity store does not know: nothing is said of what they have.
    fn held_by(&self, principals: &[Principal]) -> Result<(Vec<Given>, BTreeSet<String>), CloudError> {
        let found = parallel::each(self.lanes, principals, |principal| {
            match self.provider.assignments_of_principal(principal) {
                Err(error) if error.failure == Failure::NotFound => Ok(None),
                other => other.map(Some),
            }
        })?;
        let (mut held, mut unknown) = (Vec::new(), BTreeSet::new());
        for (principal, found) in principals.iter().zip(found) {
            match found {
                Some(found) => held.extend(found),
                None => _ = unknown.insert(principal.id.clone()),
            }
        }
        Ok((held, unknown))
    }

    /// What is left of those whom the identity store does not know any more: assignments outlive them, and are seen by the
    /// pairs in which the record has them.
    fn of_unknown(&self, live: &mut Live, unknown: &BTreeSet<String>) -> Result<(), CloudError> {
        if unknown.is_empty() {
            return Ok(());
        }
        let theirs = |address: &str, _: &str| {
            let found = address.split('/').nth(1).and_then(|principal| self.record.principals.get(principal));
            found.is_some_and(|found| unknown.contains(&found.id))
        };
        let pairs = self.recorded_pairs(live, &theirs);
        self.pairs(live, &pairs.into_iter().collect::<Vec<_>>())
    }

    /// The names of principals that hold a set and are in neither the program nor the record.
    fn names(&self, live: &mut Live) -> Result<(), CloudError> {
        let known = self.known_principals(live);
        let strangers: BTreeSet<&Principal> = live
            .given
            .iter()
            .chain(&live.unmanaged)
            .map(|given| &given.principal)
            .filter(|one| !known.contains(one))
            .collect();
        let strangers: Vec<Principal> = strangers.into_iter().cloned().collect();
        let names = parallel::each(self.lanes, &strangers, |principal| self.provider.principal_name(principal))?;
        let named: BTreeMap<Principal, String> =
            strangers.into_iter().zip(names).filter_map(|(principal, name)| Some((principal, name?))).collect();
        live.names.extend(named);
        Ok(())
    }
}

/// Of which kind the principal of an address is.
pub(crate) fn kind_of(address: &str) -> PrincipalKind {
    let label = address.rsplit_once('.').map_or(address, |(head, _)| head);
    let last = label.rsplit('.').next().unwrap_or(label);
    if last == "user" || address.starts_with("user:") { PrincipalKind::User } else { PrincipalKind::Group }
}
