//! Permission sets, written and read back; assignments, written and followed to their end.

use std::collections::{HashMap, HashSet};

use super::{Context, Seen, has_tags, seen};
use crate::apply::follow::{Followed, Gone};
use crate::apply::journal::Journal;
use crate::apply::readback::Ended;
use crate::live::assignments::kind_of;
use crate::plan::canonical;
use crate::plan::model::{Plan, Verb};
use crate::provider::{CloudError, Failure, Given, Principal, ProvisionTarget, Provisioned, SetFields, State, Tags};

impl Context<'_> {
    /// Writes to Identity Center, and looks.
    pub(super) fn center(&self, address: &str, verb: &Verb) -> Result<Seen, CloudError> {
        if let Verb::DeleteSet { id } = verb {
            return self.delete_set(id);
        }
        let id = self.id(address)?;
        match verb {
            Verb::UpdateSet { fields } => {
                self.provider.update_set(&id, fields)?;
                self.set_is(&id, fields)
            }
            Verb::PutInlinePolicy { document } => self.inline_policy(&id, Some(&self.document(document)?)),
            Verb::DeleteInlinePolicy => self.inline_policy(&id, None),
            Verb::AttachManaged { policy } => self.managed(&id, policy, true),
            Verb::DetachManaged { policy } => self.managed(&id, policy, false),
            Verb::AttachCustomer { policy } => {
                self.provider.attach_customer(&id, policy)?;
                self.customer(&id, |all| all.contains(policy))
            }
            Verb::DetachCustomer { policy } => {
                self.provider.detach_customer(&id, policy)?;
                self.customer(&id, |all| !all.contains(policy))
            }
            Verb::PutBoundary { boundary } => {
                self.provider.put_boundary(&id, boundary)?;
                self.boundary(&id, Some(boundary))
            }
            Verb::DeleteBoundary => {
                self.provider.delete_boundary(&id)?;
                self.boundary(&id, None)
            }
            Verb::Tag { set, remove } => self.tag_set(&id, set, remove),
            Verb::Provision => self.provision(&id, &ProvisionTarget::All),
            Verb::ProvisionIn { target } => {
                let account = self.id(target)?;
                self.provision(&id, &ProvisionTarget::Account(account))
            }
            other => Err(CloudError::own(
                other.word(),
                Failure::Invalid,
                format!("{} is not done to {address}", other.word()),
            )),
        }
    }

    /// A set's own fields, read back.
    pub(super) fn set_is(&self, id: &str, wanted: &SetFields) -> Result<Seen, CloudError> {
        let plain = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        self.observe("sso:DescribePermissionSet", "the permission set has its former fields", || {
            let is = self.provider.set(id)?.is_some_and(|found| {
                found.name == wanted.name
                    && plain(&found.description) == plain(&wanted.description)
                    && plain(&found.relay_state) == plain(&wanted.relay_state)
                    && (wanted.session.is_none() || found.session == wanted.session)
            });
            Ok(is.then(|| "as written".to_owned()))
        })
        .map(seen)
    }

    fn delete_set(&self, id: &str) -> Result<Seen, CloudError> {
        self.provider.delete_set(id)?;
        self.observe("sso:DescribePermissionSet", "the permission set is still there", || {
            Ok(self.provider.set(id)?.is_none().then(|| "gone".to_owned()))
        })
        .map(seen)
    }

    fn inline_policy(&self, id: &str, document: Option<&str>) -> Result<Seen, CloudError> {
        match document {
            Some(document) => self.provider.put_inline_policy(id, document)?,
            None => self.provider.delete_inline_policy(id)?,
        }
        let wanted = document.map(canonical::parsed);
        self.observe("sso:GetInlinePolicyForPermissionSet", "the inline policy is not as written", || {
            let found = self.provider.inline_policy(id)?.filter(|text| !text.is_empty());
            Ok((found.as_deref().map(canonical::parsed) == wanted).then(|| "as written".to_owned()))
        })
        .map(seen)
    }

    fn managed(&self, id: &str, policy: &str, on: bool) -> Result<Seen, CloudError> {
        if on {
            self.provider.attach_managed(id, policy)?;
        } else {
            self.provider.detach_managed(id, policy)?;
        }
        self.observe("sso:ListManagedPoliciesInPermissionSet", "the policies are not as written", || {
            let all = self.provider.managed_policies(id)?;
            let is = all.iter().any(|found| found == policy) == on;
            Ok(is.then(|| format!("{} attached", all.len())))
        })
        .map(seen)
    }

    fn customer(
        &self,
        id: &str,
        is: impl Fn(&[crate::provider::CustomerPolicy]) -> bool,
    ) -> Result<Seen, CloudError> {
        let call = "sso:ListCustomerManagedPolicyReferencesInPermissionSet";
        self.observe(call, "the policies are not as written", || {
            let all = self.provider.customer_policies(id)?;
            Ok(is(&all).then(|| format!("{} attached", all.len())))
        })
        .map(seen)
    }

    fn boundary(&self, id: &str, wanted: Option<&crate::provider::Boundary>) -> Result<Seen, CloudError> {
        self.observe("sso:GetPermissionsBoundaryForPermissionSet", "the boundary is not as written", || {
            Ok((self.provider.boundary(id)?.as_ref() == wanted).then(|| "as written".to_owned()))
        })
        .map(seen)
    }

    fn tag_set(&self, id: &str, set: &Tags, remove: &[String]) -> Result<Seen, CloudError> {
        if !set.is_empty() {
            self.provider.tag_set(id, set)?;
        }
        if !remove.is_empty() {
            self.provider.untag_set(id, remove)?;
        }
        self.observe("sso:ListTagsForResource", "the tags are not as written", || {
            let tags = self.provider.set_tags(id)?;
            Ok(has_tags(&tags, set, remove).then(|| format!("{} tags", tags.len())))
        })
        .map(seen)
    }

    /// Followed to its end, and no account may have an older form after it.
    fn provision(&self, id: &str, target: &ProvisionTarget) -> Result<Seen, CloudError> {
        // That no account has an older form may be said of the time before the edit: the request itself is asked.
        let Some(followed) = self.follower.provision(id, target)? else {
            return Ok(seen("sso:ProvisionPermissionSet: nobody has it there any more"));
        };
        let call = "sso:ListAccountsForProvisionedPermissionSet";
        let looked = self.observe(call, "accounts still have an older form", || {
            let stale = self.provider.accounts_of_set(id, Some(Provisioned::NotLatest))?;
            let left = match target {
                ProvisionTarget::All => !stale.is_empty(),
                ProvisionTarget::Account(account) => stale.contains(account),
            };
            let whose = if *target == ProvisionTarget::All { "no account has" } else { "it has not" };
            Ok((!left).then(|| format!("{whose} an older form; ended by {}", followed.by)))
        });
        match looked {
            Err(error) if error.failure == Failure::Unsupported => {
                let all = self.provider.accounts_of_set(id, None)?;
                Ok(seen(format!(
                    "{call}: {} accounts have it; ended by {}, forms are not told apart here",
                    all.len(),
                    followed.by
                )))
            }
            other => other.map(seen),
        }
    }

    /// Gives or takes away, and follows it until the service is through with it.
    pub(super) fn assign(&self, set: &str, principal: &str, target: &str, on: bool) -> Result<Ended, CloudError> {
        let of = Principal { kind: kind_of(principal), id: self.id(principal)? };
        let given = Given { set: self.id(set)?, principal: of, account: self.id(target)? };
        let (begun, what) = if on {
            (self.provider.assign(&given)?, State::Assigning)
        } else {
            match self.provider.unassign(&given) {
                Err(error) if error.failure == Failure::NotFound => {
                    return Ok(Ended { given, on, by: "it was gone", asked: None, request: None });
                }
                other => (other?, State::Unassigning),
            }
        };
        let asked = Some(begun.request.clone());
        let Followed { by, request } = self.follower.follow(what, begun, Gone::Suffices)?;
        Ok(Ended { given, on, by, asked, request })
    }
}

/// How many assignments each principal has by the record and the plan.
pub(super) fn held(journal: &Journal<'_>, plan: &Plan) -> HashMap<Principal, usize> {
    journal.with(|record| {
        let given = plan.operations.iter().filter(|operation| matches!(operation.verb, Verb::Assign { .. }));
        let given = given.map(|operation| operation.address.as_str());
        let recorded = record.resources.iter().filter(|(_, entry)| entry.kind == "assignment");
        let all: HashSet<&str> = recorded.map(|(address, _)| address.as_str()).chain(given).collect();
        let mut counts: HashMap<Principal, usize> = HashMap::new();
        for address in all.into_iter().filter_map(|address| address.split('/').nth(1)) {
            if let Some(id) = plan.ids.get(address) {
                *counts.entry(Principal { kind: kind_of(address), id: id.clone() }).or_default() += 1;
            }
        }
        counts
    })
}
