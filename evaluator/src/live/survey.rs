//! Everything that exists, whoever made it: for a program of an organization that exists, for taking things over, for a
//! record that was lost. Owns what is read for that; what is made of it is the reader's affair.

use std::collections::{BTreeMap, BTreeSet};

use super::foreign::FULL_AWS_ACCESS;
use super::{Live, LiveSet, Reader, Reading, parallel};
use crate::plan::identity::{self, is_open};
use crate::provider::{CloudError, Failure, Given, Principal, PrincipalKind};

/// How much of what exists is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survey {
    /// Names and tags: what is there, and who marked it.
    Marks,
    /// All of it, and who is given what.
    Whole,
}

impl Reader<'_> {
    /// Reads everything that exists.
    ///
    /// # Errors
    /// The first call that failed, in the order of the questions.
    pub fn survey(&self, survey: Survey) -> Result<Live, CloudError> {
        let mut live = Live::default();
        let organization = self.provider.organization()?;
        self.whole_tree(&mut live, &organization)?;
        self.own_policies(&mut live, survey)?;
        live.organization = Some(organization);
        self.marks(&mut live)?;
        self.sets_but(&mut live, &BTreeSet::new(), survey)?;
        if survey == Survey::Whole && live.center.is_some() {
            self.everybody(&mut live)?;
        }
        Ok(live)
    }

    /// Who has which of the sets that the record does not have, in every account: the list of accounts, seven calls for
    /// each such set and one for each of its accounts.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub fn foreign_access(&self) -> Result<Live, CloudError> {
        let accounts = self.provider.accounts()?.into_iter().map(|account| (account.id.clone(), account)).collect();
        let mut live = Live { accounts, ..Live::default() };
        let owned: BTreeSet<String> = identity::sets(self.record, &live).into_values().collect();
        self.sets_but(&mut live, &owned, Survey::Whole)?;
        if live.center.is_some() {
            self.everybody(&mut live)?;
        }
        Ok(live)
    }

    /// ⌈S/20⌉ calls, two for each policy that is not AWS's own, and where FullAWSAccess is.
    fn own_policies(&self, live: &mut Live, survey: Survey) -> Result<(), CloudError> {
        let all = self.provider.policies()?;
        live.policies = all.into_iter().map(|policy| (policy.id.clone(), policy)).collect();
        if survey == Survey::Marks {
            return Ok(());
        }
        let own: Vec<String> =
            live.policies.values().filter(|policy| !policy.aws_managed).map(|policy| policy.id.clone()).collect();
        let read = parallel::each(self.lanes, &own, |id| {
            Ok::<_, CloudError>((self.provider.policy(id)?, self.provider.targets_of(id)?))
        })?;
        // Where AWS's own is not attached any more, what is allowed is a list.
        let full = live.policies.contains_key(FULL_AWS_ACCESS).then(|| self.provider.targets_of(FULL_AWS_ACCESS));
        let full = full.transpose()?.unwrap_or_default();
        live.attached.extend(full.into_iter().map(|target| (FULL_AWS_ACCESS.to_owned(), target)));
        for (id, (policy, targets)) in own.into_iter().zip(read) {
            live.attached.extend(targets.into_iter().map(|target| (id.clone(), target)));
            live.policies.extend(policy.map(|policy| (id, policy)));
        }
        Ok(())
    }

    /// A call for each unit, open account and policy: its tags.
    fn marks(&self, live: &mut Live) -> Result<(), CloudError> {
        let accounts = live.accounts.values().filter(|account| is_open(account)).map(|account| &account.id);
        let policies = live.policies.values().filter(|policy| !policy.aws_managed).map(|policy| &policy.id);
        let asked: Vec<String> = live.units.keys().chain(accounts).chain(policies).cloned().collect();
        let tags = parallel::each(self.lanes, &asked, |id| self.provider.tags_of(id))?;
        live.tags.extend(asked.into_iter().zip(tags));
        Ok(())
    }

    /// ⌈P/100⌉ calls, one for each set, and six more: its details and its accounts; of marks only its tags.
    fn sets_but(&self, live: &mut Live, but: &BTreeSet<String>, survey: Survey) -> Result<(), CloudError> {
        live.center = self.provider.center(self.desired.org.identity_center.as_deref())?;
        if live.center.is_none() {
            return Ok(());
        }
        let mut arns = self.provider.sets()?;
        arns.retain(|arn| !but.contains(arn));
        let read = parallel::each(self.lanes, &arns, |arn| {
            let Some(fields) = self.provider.set(arn)? else { return Ok(None) };
            let detail = match survey {
                Survey::Whole => self.detail(arn)?.0,
                Survey::Marks => {
                    let tags = match self.provider.set_tags(arn) {
                        Err(error) if error.failure == Failure::Unsupported => None,
                        tags => Some(tags?),
                    };
                    super::SetDetail { tags, ..super::SetDetail::default() }
                }
            };
            Ok::<_, CloudError>(Some(LiveSet { fields, detail: Some(detail), ..LiveSet::default() }))
        })?;
        live.sets = arns.into_iter().zip(read).filter_map(|(arn, set)| Some((arn, set?))).collect();
        Ok(())
    }

    /// Who is given which set where, by whichever way takes fewer calls, and the names of all of them.
    fn everybody(&self, live: &mut Live) -> Result<(), CloudError> {
        let sets: Vec<String> = live.sets.keys().cloned().collect();
        let accounts = parallel::each(self.lanes, &sets, |set| self.provider.accounts_of_set(set, None))?;
        let mut pairs = Vec::new();
        for (set, accounts) in sets.into_iter().zip(accounts) {
            pairs.extend(accounts.iter().map(|account| (account.clone(), set.clone())));
            if let Some(found) = live.sets.get_mut(&set) {
                found.accounts = Some(accounts);
            }
        }
        if pairs.len() > super::assignments::FEW_PAIRS && self.by_everybody(live, pairs.len())? {
            return Ok(());
        }
        let held =
            parallel::each(self.lanes, &pairs, |(account, set)| self.provider.assignments_of_pair(account, set))?;
        live.reading = Reading::ByPair { pairs: pairs.len() };
        for ((account, set), principals) in pairs.into_iter().zip(held) {
            let given = |principal| Given { set: set.clone(), principal, account: account.clone() };
            live.given.extend(principals.into_iter().map(given));
        }
        let people: BTreeSet<&Principal> = live.given.iter().map(|given| &given.principal).collect();
        let people: Vec<Principal> = people.into_iter().cloned().collect();
        let names = parallel::each(self.lanes, &people, |principal| self.provider.principal_name(principal))?;
        live.names = people.into_iter().zip(names).filter_map(|(principal, name)| Some((principal, name?))).collect();
        Ok(())
    }

    /// Asks each group and user of the identity store, where that takes fewer calls than `pairs`. Those that are in no
    /// list any more hold nothing that can be said: false then, too, for the pairs tell of them.
    fn by_everybody(&self, live: &mut Live, pairs: usize) -> Result<bool, CloudError> {
        let mut names = BTreeMap::new();
        for kind in [PrincipalKind::Group, PrincipalKind::User] {
            let all = self.provider.principals(kind)?;
            names.extend(all.into_iter().map(|(id, name)| (Principal { kind, id }, name)));
        }
        if names.len() >= pairs {
            return Ok(false);
        }
        let people: Vec<Principal> = names.keys().cloned().collect();
        let found =
            parallel::each(self.lanes, &people, |principal| self.provider.assignments_of_principal(principal));
        match found {
            Ok(found) => live.given.extend(found.into_iter().flatten()),
            Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => return Ok(false),
            Err(error) => return Err(error),
        }
        live.reading = Reading::ByPrincipal { principals: people.len() };
        live.names = names;
        Ok(true)
    }
}
