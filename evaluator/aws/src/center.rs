//! IAM Identity Center on the SDK. Owns which call answers which question, and which refusals
//! mean that it is done.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssoadmin::types::{InstanceMetadata, ProvisionTargetType, TargetType};
use cell_eval::provider::{
    Answer, Boundary, Center, CloudError, CustomerPolicy, Failure, Given, IdentityCenter, Principal, PrincipalKind,
    Progress, ProvisionTarget, Provisioned, SetFields, State, Tags,
};

use jiff::Timestamp;

use crate::call::{creation, read, write};
use crate::center_convert::{self as convert, kind_to, tags_to};
use crate::cloud::AwsCloud;
use crate::convert::{done, found, need};
use crate::paging::{ALL, listed};

/// The most that Identity Center and its store put on a page.
const PAGE: i32 = 100;

/// One request to Identity Center about a set: the call, the operation, and what it says beside instance and set.
macro_rules! ask {
    ($self:ident, $call:expr, $set:expr, $operation:ident $(. $field:ident($value:expr))*) => {{
        let call = $call;
        $self.instance(call.name).and_then(|center| {
            let request = || {
                let request = $self.center.$operation().instance_arn(&center.arn).permission_set_arn($set);
                request $(. $field($value))* .send()
            };
            $self.block($self.road().send(call, request))
        })
    }};
}

/// A list of Identity Center: the call, the most pages, the operation and what it says beside the instance, the field.
macro_rules! list {
    ($self:ident, $name:expr, $most:expr, $field:ident, $operation:ident $(. $said:ident($value:expr))*) => {{
        let center = &$self.instance($name)?;
        $self.block(async {
            listed!(
                $self,
                $name,
                $most,
                $self.center.$operation().instance_arn(&center.arn) $(. $said($value))*,
                $field
            )
        })
    }};
}

/// The instance that is wanted, or the only one.
fn choose(call: &str, instances: Vec<InstanceMetadata>, wanted: Option<&str>) -> Answer<Option<Center>> {
    let is_it = |instance: &InstanceMetadata| wanted.is_none_or(|arn| instance.instance_arn() == Some(arn));
    let mut fitting = instances.into_iter().filter(is_it);
    let Some(instance) = fitting.next() else { return Ok(None) };
    if let Some(other) = fitting.next() {
        let (one, other) = (instance.instance_arn.unwrap_or_default(), other.instance_arn.unwrap_or_default());
        let why = format!("there is more than one instance of Identity Center: {one} and {other}");
        return Err(CloudError::own(call, Failure::Invalid, why));
    }
    Ok(Some(Center {
        arn: need(call, "InstanceArn", instance.instance_arn)?,
        store: need(call, "IdentityStoreId", instance.identity_store_id)?,
    }))
}

impl IdentityCenter for AwsCloud {
    fn center(&self, wanted: Option<&str>) -> Answer<Option<Center>> {
        const NAME: &str = "sso-admin:ListInstances";
        let instances = self
            .block(async { listed!(self, NAME, ALL, self.center.list_instances().max_results(PAGE), instances) })?;
        let center = choose(NAME, instances, wanted)?;
        self.remember(center.as_ref());
        Ok(center)
    }

    fn sets(&self) -> Answer<Vec<String>> {
        const NAME: &str = "sso-admin:ListPermissionSets";
        list!(self, NAME, ALL, permission_sets, list_permission_sets.max_results(PAGE))
    }

    fn set(&self, set: &str) -> Answer<Option<SetFields>> {
        let call = read("sso-admin:DescribePermissionSet");
        let answer = found(ask!(self, call, set, describe_permission_set))?;
        answer.map(|answer| convert::fields(call.name, answer.permission_set)).transpose()
    }

    fn inline_policy(&self, set: &str) -> Answer<Option<String>> {
        let call = read("sso-admin:GetInlinePolicyForPermissionSet");
        let answer = ask!(self, call, set, get_inline_policy_for_permission_set)?;
        Ok(answer.inline_policy.filter(|policy| !policy.is_empty()))
    }

    fn managed_policies(&self, set: &str) -> Answer<Vec<String>> {
        const NAME: &str = "sso-admin:ListManagedPoliciesInPermissionSet";
        let policies = list!(
            self,
            NAME,
            ALL,
            attached_managed_policies,
            list_managed_policies_in_permission_set.permission_set_arn(set).max_results(PAGE)
        )?;
        Ok(policies.into_iter().filter_map(|policy| policy.arn).collect())
    }

    fn customer_policies(&self, set: &str) -> Answer<Vec<CustomerPolicy>> {
        const NAME: &str = "sso-admin:ListCustomerManagedPolicyReferencesInPermissionSet";
        let policies = list!(
            self,
            NAME,
            ALL,
            customer_managed_policy_references,
            list_customer_managed_policy_references_in_permission_set.permission_set_arn(set).max_results(PAGE)
        )?;
        Ok(policies.into_iter().map(convert::customer).collect())
    }

    fn boundary(&self, set: &str) -> Answer<Option<Boundary>> {
        let call = read("sso-admin:GetPermissionsBoundaryForPermissionSet");
        match found(ask!(self, call, set, get_permissions_boundary_for_permission_set)) {
            Ok(answer) => Ok(answer.and_then(|answer| answer.permissions_boundary).and_then(convert::boundary)),
            Err(error) if error.failure == Failure::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_tags(&self, set: &str) -> Answer<Tags> {
        const NAME: &str = "sso-admin:ListTagsForResource";
        let tags = list!(self, NAME, ALL, tags, list_tags_for_resource.resource_arn(set))?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    fn accounts_of_set(&self, set: &str, status: Option<Provisioned>) -> Answer<Vec<String>> {
        const NAME: &str = "sso-admin:ListAccountsForProvisionedPermissionSet";
        let of = |status: Option<Provisioned>| {
            list!(
                self,
                NAME,
                ALL,
                account_ids,
                list_accounts_for_provisioned_permission_set
                    .permission_set_arn(set)
                    .set_provisioning_status(status.map(convert::provisioned_to))
                    .max_results(PAGE)
            )
        };
        let found: Vec<String> = of(status)?;
        // An account has the newest form or an older one: a server that says both of it, before and after, does not look at what it
        // is asked.
        if status == Some(Provisioned::NotLatest)
            && !found.is_empty()
            && of(Some(Provisioned::Latest))? == found
            && of(status)? == found
        {
            return Err(CloudError::own(NAME, Failure::Unsupported, "the server does not tell the forms apart"));
        }
        Ok(found)
    }

    fn assignments_of_pair(&self, account: &str, set: &str) -> Answer<Vec<Principal>> {
        const NAME: &str = "sso-admin:ListAccountAssignments";
        let assignments = list!(
            self,
            NAME,
            ALL,
            account_assignments,
            list_account_assignments.account_id(account).permission_set_arn(set).max_results(PAGE)
        )?;
        Ok(assignments
            .into_iter()
            .filter_map(|a| convert::principal(a.principal_type.as_ref(), a.principal_id))
            .collect())
    }

    fn assignments_of_principal(&self, principal: &Principal) -> Answer<Vec<Given>> {
        const NAME: &str = "sso-admin:ListAccountAssignmentsForPrincipal";
        let assignments = list!(
            self,
            NAME,
            ALL,
            account_assignments,
            list_account_assignments_for_principal
                .principal_type(kind_to(principal.kind))
                .principal_id(&principal.id)
                .max_results(PAGE)
        )?;
        // A user is answered also with what its groups are given.
        let direct = assignments.into_iter().filter_map(|a| {
            let whose = convert::principal(a.principal_type.as_ref(), a.principal_id)?;
            (whose == *principal).then_some((a.permission_set_arn, a.account_id))
        });
        direct
            .map(|(set, account)| {
                Ok(Given {
                    set: need(NAME, "PermissionSetArn", set)?,
                    principal: principal.clone(),
                    account: need(NAME, "AccountId", account)?,
                })
            })
            .collect()
    }

    fn principal_id(&self, kind: PrincipalKind, name: &str) -> Answer<Option<String>> {
        self.id_of(kind, name)
    }

    fn principal_name(&self, principal: &Principal) -> Answer<Option<String>> {
        self.name_of(principal)
    }

    fn groups_of(&self, user: &str) -> Answer<Vec<String>> {
        self.memberships(user)
    }

    fn principals(&self, kind: PrincipalKind) -> Answer<Vec<(String, String)>> {
        self.everybody(kind)
    }

    fn create_set(&self, fields: &SetFields, tags: &Tags) -> Answer<String> {
        let call = creation("sso-admin:CreatePermissionSet");
        let (center, tags) = (self.instance(call.name)?, tags_to(call.name, tags)?);
        let request = || {
            let request = self.center.create_permission_set().instance_arn(&center.arn).name(&fields.name);
            let request = request.set_description(fields.description.clone()).set_tags(tags.clone());
            let request = request.set_session_duration(fields.session.clone());
            request.set_relay_state(fields.relay_state.clone()).send()
        };
        let answer = self.block(self.road().send(call, request))?;
        need(call.name, "PermissionSetArn", answer.permission_set.and_then(|set| set.permission_set_arn))
    }

    fn update_set(&self, set: &str, fields: &SetFields) -> Answer<()> {
        let call = write("sso-admin:UpdatePermissionSet");
        ask!(
            self,
            call,
            set,
            update_permission_set
                .set_description(fields.description.clone())
                .set_session_duration(fields.session.clone())
                .set_relay_state(fields.relay_state.clone())
        )
        .map(drop)
    }

    fn delete_set(&self, set: &str) -> Answer<()> {
        done(ask!(self, write("sso-admin:DeletePermissionSet"), set, delete_permission_set), Failure::NotFound)
    }

    fn put_inline_policy(&self, set: &str, document: &str) -> Answer<()> {
        let call = write("sso-admin:PutInlinePolicyToPermissionSet");
        ask!(self, call, set, put_inline_policy_to_permission_set.inline_policy(document)).map(drop)
    }

    fn delete_inline_policy(&self, set: &str) -> Answer<()> {
        let call = write("sso-admin:DeleteInlinePolicyFromPermissionSet");
        done(ask!(self, call, set, delete_inline_policy_from_permission_set), Failure::NotFound)
    }

    fn attach_managed(&self, set: &str, policy: &str) -> Answer<()> {
        let call = write("sso-admin:AttachManagedPolicyToPermissionSet");
        let answer = ask!(self, call, set, attach_managed_policy_to_permission_set.managed_policy_arn(policy));
        done(answer, Failure::Exists)
    }

    fn detach_managed(&self, set: &str, policy: &str) -> Answer<()> {
        let call = write("sso-admin:DetachManagedPolicyFromPermissionSet");
        let answer = ask!(self, call, set, detach_managed_policy_from_permission_set.managed_policy_arn(policy));
        done(answer, Failure::NotFound)
    }

    fn attach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()> {
        let call = write("sso-admin:AttachCustomerManagedPolicyReferenceToPermissionSet");
        let reference = convert::customer_to(call.name, policy)?;
        let answer = ask!(
            self,
            call,
            set,
            attach_customer_managed_policy_reference_to_permission_set
                .customer_managed_policy_reference(reference.clone())
        );
        done(answer, Failure::Exists)
    }

    fn detach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()> {
        let call = write("sso-admin:DetachCustomerManagedPolicyReferenceFromPermissionSet");
        let reference = convert::customer_to(call.name, policy)?;
        let answer = ask!(
            self,
            call,
            set,
            detach_customer_managed_policy_reference_from_permission_set
                .customer_managed_policy_reference(reference.clone())
        );
        done(answer, Failure::NotFound)
    }

    fn put_boundary(&self, set: &str, boundary: &Boundary) -> Answer<()> {
        let call = write("sso-admin:PutPermissionsBoundaryToPermissionSet");
        let boundary = convert::boundary_to(call.name, boundary)?;
        ask!(self, call, set, put_permissions_boundary_to_permission_set.permissions_boundary(boundary.clone()))
            .map(drop)
    }

    fn delete_boundary(&self, set: &str) -> Answer<()> {
        let call = write("sso-admin:DeletePermissionsBoundaryFromPermissionSet");
        done(ask!(self, call, set, delete_permissions_boundary_from_permission_set), Failure::NotFound)
    }

    fn tag_set(&self, set: &str, tags: &Tags) -> Answer<()> {
        let call = write("sso-admin:TagResource");
        let center = self.instance(call.name)?;
        let Some(tags) = tags_to(call.name, tags)? else { return Ok(()) };
        let request = || {
            let request = self.center.tag_resource().instance_arn(&center.arn).resource_arn(set);
            request.set_tags(Some(tags.clone())).send()
        };
        self.block(self.road().send(call, request)).map(drop)
    }

    fn untag_set(&self, set: &str, keys: &[String]) -> Answer<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let call = write("sso-admin:UntagResource");
        let center = self.instance(call.name)?;
        let request = || {
            let request = self.center.untag_resource().instance_arn(&center.arn).resource_arn(set);
            request.set_tag_keys(Some(keys.to_vec())).send()
        };
        self.block(self.road().send(call, request)).map(drop)
    }

    fn assign(&self, given: &Given) -> Answer<Progress> {
        let call = write("sso-admin:CreateAccountAssignment");
        let answer = ask!(
            self,
            call,
            &given.set,
            create_account_assignment
                .target_type(TargetType::AwsAccount)
                .target_id(&given.account)
                .principal_type(kind_to(given.principal.kind))
                .principal_id(&given.principal.id)
        )?;
        convert::assignment(call.name, answer.account_assignment_creation_status)
    }

    fn unassign(&self, given: &Given) -> Answer<Progress> {
        let call = write("sso-admin:DeleteAccountAssignment");
        let answer = ask!(
            self,
            call,
            &given.set,
            delete_account_assignment
                .target_type(TargetType::AwsAccount)
                .target_id(&given.account)
                .principal_type(kind_to(given.principal.kind))
                .principal_id(&given.principal.id)
        )?;
        convert::assignment(call.name, answer.account_assignment_deletion_status)
    }

    fn provision(&self, set: &str, target: &ProvisionTarget) -> Answer<Progress> {
        let call = write("sso-admin:ProvisionPermissionSet");
        let (kind, id) = match target {
            ProvisionTarget::All => (ProvisionTargetType::AllProvisionedAccounts, None),
            ProvisionTarget::Account(id) => (ProvisionTargetType::AwsAccount, Some(id.clone())),
        };
        let answer =
            ask!(self, call, set, provision_permission_set.target_type(kind.clone()).set_target_id(id.clone()))?;
        convert::provisioning(call.name, answer.permission_set_provisioning_status)
    }

    fn progress(&self, what: State, request: &str) -> Answer<Progress> {
        self.ask_progress(what, request)
    }

    fn going_on(&self, what: State, pages: usize) -> Answer<BTreeSet<String>> {
        self.ask_going_on(what, pages)
    }

    fn ended_well(&self, what: State, since: Timestamp, pages: usize) -> Answer<BTreeMap<String, Timestamp>> {
        self.ask_ended_well(what, since, pages)
    }
}
