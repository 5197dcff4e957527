//! What the calls of IAM Identity Center do to the cloud in memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cloud::{FakeCloud, MANAGEMENT, Set, State, no};
use super::formation::There;
use super::state::Job;
use crate::live::SetDetail;
use crate::provider::{
    Answer, Boundary, Caller, Center, CustomerPolicy, Failure, Given, IdentityCenter, Known, ManagedPolicy,
    Principal, PrincipalKind, Progress, Provider, ProvisionTarget, Provisioned, SetFields, State as Goes, Tags,
};
use crate::repositories::{Found, Repositories};
use crate::stacks::Stacks;

/// sso-admin and the identity store list so many at once.
const PAGE: usize = 100;

impl FakeCloud {
    /// Changes a set; every role of it is of an older form after that.
    fn change(&self, call: &'static str, set: &str, act: impl FnOnce(&mut Set) -> Answer<()>) -> Answer<()> {
        self.write(call, |state, _| {
            let Some(found) = state.sets.get_mut(set) else { return no(call, Failure::NotFound, "no set") };
            act(found)?;
            found.revision += 1;
            Ok(())
        })
    }

    fn detail<T>(&self, call: &'static str, set: &str, look: impl FnOnce(&SetDetail) -> T) -> Answer<T> {
        self.read(call, |state| match state.sets.get(set) {
            Some(found) => Ok(look(&found.detail)),
            None => no(call, Failure::NotFound, "no set"),
        })
    }

    fn begin(&self, call: &'static str, what: Goes, given: &Given) -> Answer<Progress> {
        self.write(call, |state, at| {
            if !state.sets.contains_key(&given.set) {
                return no(call, Failure::NotFound, "no set");
            }
            let open = state.accounts.get(&given.account).is_some_and(crate::plan::identity::is_open);
            if !open && what == Goes::Assigning {
                return no(call, Failure::NotFound, "no account");
            }
            let pair = (given.account.clone(), given.set.clone());
            let there = state.given.get(&pair).is_some_and(|all| all.contains(&given.principal));
            if !there && what == Goes::Unassigning {
                return no(call, Failure::NotFound, "no assignment");
            }
            let request = state.begin(what, &given.set, Some(given), at);
            Ok(Progress { request, known: Known::InProgress, reason: None, given: None })
        })
    }

    /// The requests of a kind that stand so, and when they were begun.
    fn jobs_of(&self, what: Goes, known: Known) -> Answer<Vec<(String, Timestamp)>> {
        let call = match what {
            Goes::Assigning => "sso:ListAccountAssignmentCreationStatus",
            Goes::Unassigning => "sso:ListAccountAssignmentDeletionStatus",
            Goes::Provisioning => "sso:ListPermissionSetProvisioningStatus",
        };
        self.list(call, PAGE, |state| {
            let of = state.jobs.iter().filter(|(_, job)| job.what == what && job.known == known);
            Ok(of.map(|(id, job)| (id.clone(), job.begun)).collect())
        })
    }
}

fn progress((id, job): (&String, &Job)) -> Progress {
    Progress { request: id.clone(), known: job.known, reason: job.reason.clone(), given: job.given.clone() }
}

fn is_used(state: &State, set: &str) -> bool {
    state.given.keys().any(|(_, of)| of == set)
}

impl IdentityCenter for FakeCloud {
    fn center(&self, wanted: Option<&str>) -> Answer<Option<Center>> {
        self.list("sso:ListInstances", PAGE, |_| Ok(vec![Self::instance()]))
            .map(|all| all.into_iter().find(|center| wanted.is_none_or(|arn| center.arn == arn)))
    }

    fn sets(&self) -> Answer<Vec<String>> {
        self.list("sso:ListPermissionSets", PAGE, |state| Ok(state.sets.keys().cloned().collect()))
    }

    fn set(&self, set: &str) -> Answer<Option<SetFields>> {
        self.read("sso:DescribePermissionSet", |state| Ok(state.sets.get(set).map(|set| set.fields.clone())))
    }

    fn inline_policy(&self, set: &str) -> Answer<Option<String>> {
        self.detail("sso:GetInlinePolicyForPermissionSet", set, |detail| detail.inline.clone())
    }

    fn managed_policies(&self, set: &str) -> Answer<Vec<String>> {
        self.detail("sso:ListManagedPoliciesInPermissionSet", set, |detail| detail.managed.clone())
    }

    fn customer_policies(&self, set: &str) -> Answer<Vec<CustomerPolicy>> {
        let call = "sso:ListCustomerManagedPolicyReferencesInPermissionSet";
        self.detail(call, set, |detail| detail.customer.clone())
    }

    fn boundary(&self, set: &str) -> Answer<Option<Boundary>> {
        self.detail("sso:GetPermissionsBoundaryForPermissionSet", set, |detail| detail.boundary.clone())
    }

    fn set_tags(&self, set: &str) -> Answer<Tags> {
        self.detail("sso:ListTagsForResource", set, |detail| detail.tags.clone().unwrap_or_default())
    }

    fn accounts_of_set(&self, set: &str, status: Option<Provisioned>) -> Answer<Vec<String>> {
        self.list("sso:ListAccountsForProvisionedPermissionSet", PAGE, |state| {
            let all = state.roles.keys().filter(|(_, of)| of == set).map(|(account, _)| account.clone());
            let stale = state.stale(set);
            Ok(match status {
                None => all.collect(),
                Some(Provisioned::NotLatest) => stale,
                Some(Provisioned::Latest) => all.filter(|account| !stale.contains(account)).collect(),
            })
        })
    }

    fn assignments_of_pair(&self, account: &str, set: &str) -> Answer<Vec<Principal>> {
        let call = "sso:ListAccountAssignments";
        self.list(call, PAGE, |state| {
            if !state.sets.contains_key(set) {
                return no(call, Failure::NotFound, "no set");
            }
            let found = state.given.get(&(account.to_owned(), set.to_owned()));
            let given = |principal: &Principal| Given {
                set: set.to_owned(),
                principal: principal.clone(),
                account: account.to_owned(),
            };
            let there = found.into_iter().flatten().map(given).collect();
            let shown = state.shown(there, &|given| given.account == account && given.set == set);
            Ok(shown.into_iter().map(|given| given.principal).collect())
        })
    }

    fn assignments_of_principal(&self, principal: &Principal) -> Answer<Vec<Given>> {
        self.list("sso:ListAccountAssignmentsForPrincipal", PAGE, |state| {
            let given = |(account, set): &(String, String)| Given {
                set: set.clone(),
                principal: principal.clone(),
                account: account.clone(),
            };
            let there = state.held.get(principal).into_iter().flatten().map(given).collect();
            Ok(state.shown(there, &|given| given.principal == *principal).into_iter().collect())
        })
    }

    fn principal_id(&self, kind: PrincipalKind, name: &str) -> Answer<Option<String>> {
        let call = match kind {
            PrincipalKind::Group => "identitystore:GetGroupId",
            PrincipalKind::User => "identitystore:GetUserId",
        };
        self.read(call, |state| Ok(state.people.get(&(kind, name.to_owned())).cloned()))
    }

    fn principal_name(&self, principal: &Principal) -> Answer<Option<String>> {
        self.read("identitystore:DescribeGroup", |state| {
            let found = state.people.iter().find(|((kind, _), id)| *kind == principal.kind && **id == principal.id);
            Ok(found.map(|((_, name), _)| name.clone()))
        })
    }

    fn groups_of(&self, _user: &str) -> Answer<Vec<String>> {
        self.read("identitystore:ListGroupMembershipsForMember", |_| Ok(Vec::new()))
    }

    fn principals(&self, kind: PrincipalKind) -> Answer<Vec<(String, String)>> {
        self.list("identitystore:ListGroups", PAGE, |state| {
            let of_kind = state.people.iter().filter(|((of, _), _)| *of == kind);
            Ok(of_kind.map(|((_, name), id)| (id.clone(), name.clone())).collect())
        })
    }

    fn create_set(&self, fields: &SetFields, tags: &Tags) -> Answer<String> {
        let call = "sso:CreatePermissionSet";
        self.write(call, |state, _| {
            if state.arn(&fields.name).is_some() {
                return no(call, Failure::Exists, "ConflictException");
            }
            let arn = format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{}", state.number());
            // The service fills in what is left out.
            let mut fields = fields.clone();
            fields.session.get_or_insert_with(|| "PT1H".to_owned());
            let detail = SetDetail { tags: Some(tags.clone()), ..SetDetail::default() };
            state.sets.insert(arn.clone(), Set { fields, detail, revision: 1 });
            Ok(arn)
        })
    }

    fn update_set(&self, set: &str, fields: &SetFields) -> Answer<()> {
        self.change("sso:UpdatePermissionSet", set, |found| {
            // What is left out is cleared, a session to the service's own; but a description is kept.
            let (name, description) = (found.fields.name.clone(), found.fields.description.clone());
            found.fields = SetFields { name, ..fields.clone() };
            found.fields.description = fields.description.clone().or(description);
            found.fields.session.get_or_insert_with(|| "PT1H".to_owned());
            Ok(())
        })
    }

    fn delete_set(&self, set: &str) -> Answer<()> {
        let call = "sso:DeletePermissionSet";
        self.write(call, |state, _| {
            if is_used(state, set) {
                return no(call, Failure::Conflict, "the set has assignments");
            }
            state.sets.remove(set);
            Ok(())
        })
    }

    fn put_inline_policy(&self, set: &str, document: &str) -> Answer<()> {
        let document = document.to_owned();
        self.change("sso:PutInlinePolicyToPermissionSet", set, |found| {
            found.detail.inline = Some(document);
            Ok(())
        })
    }

    fn delete_inline_policy(&self, set: &str) -> Answer<()> {
        self.change("sso:DeleteInlinePolicyFromPermissionSet", set, |found| {
            found.detail.inline = None;
            Ok(())
        })
    }

    fn attach_managed(&self, set: &str, policy: &str) -> Answer<()> {
        self.change("sso:AttachManagedPolicyToPermissionSet", set, |found| {
            if !found.detail.managed.iter().any(|other| other == policy) {
                found.detail.managed.push(policy.to_owned());
            }
            Ok(())
        })
    }

    fn detach_managed(&self, set: &str, policy: &str) -> Answer<()> {
        self.change("sso:DetachManagedPolicyFromPermissionSet", set, |found| {
            found.detail.managed.retain(|other| other != policy);
            Ok(())
        })
    }

    fn attach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()> {
        self.change("sso:AttachCustomerManagedPolicyReferenceToPermissionSet", set, |found| {
            if !found.detail.customer.contains(policy) {
                found.detail.customer.push(policy.clone());
            }
            Ok(())
        })
    }

    fn detach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()> {
        self.change("sso:DetachCustomerManagedPolicyReferenceFromPermissionSet", set, |found| {
            found.detail.customer.retain(|other| other != policy);
            Ok(())
        })
    }

    fn put_boundary(&self, set: &str, boundary: &Boundary) -> Answer<()> {
        self.change("sso:PutPermissionsBoundaryToPermissionSet", set, |found| {
            found.detail.boundary = Some(boundary.clone());
            Ok(())
        })
    }

    fn delete_boundary(&self, set: &str) -> Answer<()> {
        self.change("sso:DeletePermissionsBoundaryFromPermissionSet", set, |found| {
            found.detail.boundary = None;
            Ok(())
        })
    }

    fn tag_set(&self, set: &str, tags: &Tags) -> Answer<()> {
        let call = "sso:TagResource";
        self.write(call, |state, _| {
            let Some(found) = state.sets.get_mut(set) else { return no(call, Failure::NotFound, "no set") };
            found.detail.tags.get_or_insert_default().extend(tags.clone());
            Ok(())
        })
    }

    fn untag_set(&self, set: &str, keys: &[String]) -> Answer<()> {
        let call = "sso:UntagResource";
        self.write(call, |state, _| {
            let Some(found) = state.sets.get_mut(set) else { return no(call, Failure::NotFound, "no set") };
            found.detail.tags.get_or_insert_default().retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }

    fn assign(&self, given: &Given) -> Answer<Progress> {
        self.begin("sso:CreateAccountAssignment", Goes::Assigning, given)
    }

    fn unassign(&self, given: &Given) -> Answer<Progress> {
        self.begin("sso:DeleteAccountAssignment", Goes::Unassigning, given)
    }

    fn provision(&self, set: &str, target: &ProvisionTarget) -> Answer<Progress> {
        let call = "sso:ProvisionPermissionSet";
        self.write(call, |state, at| {
            if !is_used(state, set) {
                return no(call, Failure::NotFound, "no account has the set");
            }
            let request = state.begin(Goes::Provisioning, set, None, at);
            if let (Some(job), ProvisionTarget::Account(account)) = (state.jobs.get_mut(&request), target) {
                job.account = Some(account.clone());
            }
            Ok(Progress { request, known: Known::InProgress, reason: None, given: None })
        })
    }

    fn progress(&self, what: Goes, request: &str) -> Answer<Progress> {
        let call = match what {
            Goes::Assigning => "sso:DescribeAccountAssignmentCreationStatus",
            Goes::Unassigning => "sso:DescribeAccountAssignmentDeletionStatus",
            Goes::Provisioning => "sso:DescribePermissionSetProvisioningStatus",
        };
        self.read(call, |state| match state.jobs.get_key_value(request) {
            Some(found) => Ok(progress(found)),
            None => no(call, Failure::NotFound, "no request"),
        })
    }

    fn going_on(&self, what: Goes, _pages: usize) -> Answer<BTreeSet<String>> {
        Ok(self.jobs_of(what, Known::InProgress)?.into_iter().map(|(id, _)| id).collect())
    }

    fn ended_well(&self, what: Goes, since: Timestamp, _pages: usize) -> Answer<BTreeMap<String, Timestamp>> {
        let all = self.jobs_of(what, Known::Succeeded)?;
        Ok(all.into_iter().filter(|(_, begun)| *begun >= since).collect())
    }
}

/// The repositories of an account.
#[derive(Debug)]
struct FakeRepositories<'a> {
    cloud: &'a FakeCloud,
    account: String,
}

impl Repositories for FakeRepositories<'_> {
    fn policy(&self, repository: &str) -> Answer<Found> {
        let key = (self.account.clone(), repository.to_owned());
        self.cloud.read("ecr:GetRepositoryPolicy", |state| {
            Ok(state.repositories.get(&key).map_or(Found::NoPolicy, |text| Found::Policy(text.clone())))
        })
    }

    fn set_policy(&self, repository: &str, text: &str) -> Answer<()> {
        let key = (self.account.clone(), repository.to_owned());
        self.cloud.write("ecr:SetRepositoryPolicy", |state, _| {
            state.repositories.insert(key, text.to_owned());
            Ok(())
        })
    }

    fn delete_policy(&self, repository: &str) -> Answer<()> {
        let key = (self.account.clone(), repository.to_owned());
        self.cloud.write("ecr:DeleteRepositoryPolicy", |state, _| {
            state.repositories.remove(&key);
            Ok(())
        })
    }

    fn digest(&self, _repository: &str, _tag: &str) -> Answer<Option<String>> {
        no("ecr:DescribeImages", Failure::Unsupported, "no images")
    }
}

impl Provider for FakeCloud {
    fn caller(&self) -> Answer<Caller> {
        let (account, arn) = (MANAGEMENT.to_owned(), format!("arn:aws:iam::{MANAGEMENT}:root"));
        Ok(Caller { account, arn })
    }

    fn managed_policy_exists(&self, _arn: &str) -> Answer<bool> {
        Ok(true)
    }

    fn managed_policy(&self, _arn: &str) -> Answer<Option<ManagedPolicy>> {
        Ok(None)
    }

    fn reserved_role(&self, _account: &str, _set_name: &str) -> Answer<Option<String>> {
        Ok(None)
    }

    fn repositories<'a>(&'a self, account: &str, _region: Option<&str>) -> Box<dyn Repositories + 'a> {
        Box::new(FakeRepositories { cloud: self, account: account.to_owned() })
    }

    fn stacks(&self, account: &str, region: &str) -> Box<dyn Stacks + '_> {
        Box::new(There { cloud: self, account: account.to_owned(), region: region.to_owned() })
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.requests()
    }

    fn pushes(&self) -> u64 {
        self.inner().pushes
    }
}
