//! Identity Center: the instance, the principals of the program, the permission sets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Depth, Live, LiveSet, Reader, SetDetail, parallel};
use crate::plan::identity;
use crate::provider::{CloudError, Failure, PrincipalKind, Provisioned, SetFields};

impl Reader<'_> {
    /// Reads what is asked of Identity Center, but for the assignments.
    pub(super) fn center(&self, live: &mut Live) -> Result<(), CloudError> {
        self.instance(live)?;
        if live.center.is_none() {
            return Ok(());
        }
        self.principals(live)?;
        self.memberships(live)?;
        self.sets(live)
    }

    /// Finds the instance, where something of it is in question and it was not found yet.
    pub(super) fn instance(&self, live: &mut Live) -> Result<(), CloudError> {
        let any = |kind: &str| {
            self.desired.resources.values().any(|wanted| wanted.kind.name() == kind)
                || self.record.resources.values().any(|entry| entry.kind == kind)
                || self.record.pending.values().any(|pending| pending.kind == kind)
        };
        if live.center.is_none() && (any("permission_set") || any("assignment")) {
            live.center = self.provider.center(self.desired.org.identity_center.as_deref())?;
        }
        Ok(())
    }

    /// A call for each user of the program that is looked up: what a person has is also what her groups have.
    fn memberships(&self, live: &mut Live) -> Result<(), CloudError> {
        let is_user = |address: &&String| {
            self.desired.principals.get(*address).is_some_and(|wanted| wanted.kind == PrincipalKind::User)
        };
        let known = live.principals.iter().filter_map(|(address, id)| Some((address, id.as_ref()?)));
        let users: Vec<(&String, &String)> = known.filter(|(address, _)| is_user(address)).collect();
        let addresses: BTreeMap<&String, &String> =
            live.principals.iter().filter_map(|(address, id)| Some((id.as_ref()?, address))).collect();
        let found = parallel::each(self.lanes, &users, |(_, id)| self.provider.groups_of(id));
        match found {
            Ok(found) => {
                let own = |groups: Vec<String>| {
                    groups.iter().filter_map(|id| addresses.get(id)).map(|address| (*address).clone()).collect()
                };
                let users = users.into_iter().map(|(address, _)| address.clone());
                live.memberships = Some(users.zip(found).map(|(user, groups)| (user, own(groups))).collect());
            }
            Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {
                live.unanswered.insert("which groups the program's users are in".to_owned());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A call for each group and user: of the whole program, or those of the assignments that are selected.
    fn principals(&self, live: &mut Live) -> Result<(), CloudError> {
        let selected: Option<BTreeSet<&str>> = (!self.scope.only.is_empty()).then(|| {
            let assignments = self.addresses("assignment");
            assignments.into_iter().filter_map(|address| address.split('/').nth(1)).collect()
        });
        let asked: Vec<_> = self
            .desired
            .principals
            .iter()
            .filter(|(address, _)| selected.as_ref().is_none_or(|some| some.contains(address.as_str())))
            .collect();
        let found =
            parallel::each(self.lanes, &asked, |(_, wanted)| self.provider.principal_id(wanted.kind, &wanted.name))?;
        let missing: BTreeSet<PrincipalKind> =
            asked.iter().zip(&found).filter(|(_, id)| id.is_none()).map(|((_, wanted), _)| wanted.kind).collect();
        live.principals = asked.into_iter().map(|(address, _)| address.clone()).zip(found).collect();
        for kind in missing {
            live.candidates.extend(self.provider.principals(kind)?.into_iter().map(|(_, name)| name));
        }
        Ok(())
    }

    /// ⌈P/100⌉ calls, one for each set, five more for each that is owned, and one for its accounts that are behind.
    fn sets(&self, live: &mut Live) -> Result<(), CloudError> {
        let selected = self.addresses("permission_set");
        let known = |address: &str| self.record.entry(address).map(|entry| entry.id.clone());
        let scoped = !self.scope.only.is_empty() && {
            let named = self.addresses("assignment").into_iter().filter_map(identity::set_of_assignment);
            named.chain(selected.iter().map(|address| (*address).to_owned())).all(|address| known(&address).is_some())
        };
        let arns = if scoped {
            selected.iter().filter_map(|address| known(address)).collect()
        } else {
            self.provider.sets()?
        };
        let fields = parallel::each(self.lanes, &arns, |arn| self.provider.set(arn))?;
        for (arn, fields) in arns.into_iter().zip(fields) {
            if let Some(fields) = fields {
                live.sets.insert(arn, LiveSet { fields, ..LiveSet::default() });
            }
        }
        if scoped {
            // Sets that only their assignments are asked of: that they exist is found when those are read.
            let named = self.addresses("assignment").into_iter().filter_map(identity::set_of_assignment);
            for address in named.filter(|address| !selected.contains(address.as_str())) {
                let (Some(arn), Some(entry)) = (known(&address), self.record.entry(&address)) else { continue };
                let name = entry.fields.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
                live.sets.entry(arn).or_insert_with(|| LiveSet {
                    fields: SetFields { name, ..SetFields::default() },
                    ..LiveSet::default()
                });
            }
        }
        self.details(live, scoped.then_some(&selected))
    }

    fn details(&self, live: &mut Live, selected: Option<&BTreeSet<&str>>) -> Result<(), CloudError> {
        let owned = identity::sets(self.record, live);
        let asked: Vec<String> = owned
            .iter()
            .filter(|(address, arn)| {
                live.sets.contains_key(*arn) && selected.is_none_or(|selected| selected.contains(address.as_str()))
            })
            .map(|(_, arn)| arn.clone())
            .collect();
        let read = parallel::each(self.lanes, &asked, |arn| self.detail(arn))?;
        for (arn, (detail, stale)) in asked.into_iter().zip(read) {
            let Some(set) = live.sets.get_mut(&arn) else { continue };
            set.detail = Some(detail);
            match stale {
                Some(stale) => set.stale = stale,
                None => {
                    live.unanswered.insert("which accounts have an older form of a permission set".to_owned());
                }
            }
        }
        Ok(())
    }

    pub(super) fn detail(&self, arn: &str) -> Result<(SetDetail, Option<Vec<String>>), CloudError> {
        let stale = match self.provider.accounts_of_set(arn, Some(Provisioned::NotLatest)) {
            Ok(stale) => Some(stale),
            Err(error) if error.failure == Failure::Unsupported => None,
            Err(error) => return Err(error),
        };
        let detail = SetDetail {
            inline: self.provider.inline_policy(arn)?,
            managed: self.provider.managed_policies(arn)?,
            customer: known(self.provider.customer_policies(arn))?.unwrap_or_default(),
            boundary: known(self.provider.boundary(arn))?.flatten(),
            tags: known(self.provider.set_tags(arn))?,
        };
        Ok((detail, stale))
    }

    /// Is everything of everyone to be seen?
    pub(super) fn is_thorough(&self) -> bool {
        self.depth == Depth::Drift
    }
}

/// The answer of an operation; none when the server has no such operation.
fn known<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.failure == Failure::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}
