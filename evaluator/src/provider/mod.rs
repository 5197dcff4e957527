//! The cloud as the core sees it: what can be read and written, and how a call fails.
//!
//! Owns the two traits that a provider implements and the records they speak of ([`model`], [`error`]). A provider
//! follows pages to their end, keeps the service's rate, and tries again what may be tried again (see
//! [`error::Failure`]); it decides nothing. Calls block; a provider is shared between threads.

pub mod error;
pub mod model;
pub mod pace;
pub mod partition;
pub mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::repositories::Repositories;
use crate::stacks::Stacks;

pub use error::{CloudError, Failure};
pub use model::{
    Account, AccountState, Boundary, Caller, Center, Creation, CustomerPolicy, Given, Known, ManagedPolicy,
    Organization, Policy, Principal, PrincipalKind, Progress, ProvisionTarget, Provisioned, SetFields, State, Tags,
    Unit,
};
pub use waits::Waits;

/// The role that an organization makes in each of its accounts, unless another name is asked for.
pub const ACCESS_ROLE: &str = "OrganizationAccountAccessRole";

/// What a call comes to.
pub type Answer<T> = Result<T, CloudError>;

/// AWS Organizations, and the account service's names.
///
/// Names of methods follow AWS's operations; each says its calls. `INVARIANT`: a method that creates something
/// without an idempotency token is never sent again after its answer was lost: it ends with [`Failure::Lost`].
pub trait Organizations: Send + Sync {
    /// DescribeOrganization and ListRoots: two calls.
    fn organization(&self) -> Answer<Organization>;
    /// ListOrganizationalUnitsForParent: the units right below a root or unit.
    fn units_of(&self, parent: &str) -> Answer<Vec<Unit>>;
    /// DescribeOrganizationalUnit and ListParents: two calls; none when there is no such unit.
    fn unit(&self, id: &str) -> Answer<Option<Unit>>;
    /// ListAccounts: every account. [`Account::parent`] is set when the service says the path.
    fn accounts(&self) -> Answer<Vec<Account>>;
    /// ListAccountsForParent: the accounts right below a root or unit, their parent set.
    fn accounts_of(&self, parent: &str) -> Answer<Vec<Account>>;
    /// DescribeAccount, and ListParents when the answer has no path; none when there is no such account.
    fn account(&self, id: &str) -> Answer<Option<Account>>;
    /// ListParents: the root or unit right above an account or unit.
    fn parent_of(&self, child: &str) -> Answer<String>;
    /// ListPolicies: the service control policies, without their content; AWS's own too.
    fn policies(&self) -> Answer<Vec<Policy>>;
    /// ListPolicies: the resource control policies, likewise. The cloud may refuse to list those of a type that is
    /// not enabled.
    fn resource_policies(&self) -> Answer<Vec<Policy>>;
    /// DescribePolicy: none when there is no such policy.
    fn policy(&self, id: &str) -> Answer<Option<Policy>>;
    /// ListTargetsForPolicy: ids of roots, units and accounts.
    fn targets_of(&self, policy: &str) -> Answer<Vec<String>>;
    /// ListPoliciesForTarget: ids of the service control policies attached to it.
    fn policies_of(&self, target: &str) -> Answer<Vec<String>>;
    /// ListTagsForResource of an account, unit, root or policy.
    fn tags_of(&self, resource: &str) -> Answer<Tags>;
    /// ListCreateAccountStatus: every creation the service remembers. Their records carry no e-mail.
    fn creations(&self) -> Answer<Vec<Creation>>;
    /// DescribeCreateAccountStatus.
    fn creation(&self, request: &str) -> Answer<Creation>;
    /// ListDelegatedAdministrators for IAM Identity Center: account ids.
    fn delegated_administrators(&self) -> Answer<Vec<String>>;

    /// CreateOrganizationalUnit; the new id. Not sent again after a lost answer.
    fn create_unit(&self, parent: &str, name: &str, tags: &Tags) -> Answer<String>;
    /// UpdateOrganizationalUnit.
    fn rename_unit(&self, id: &str, name: &str) -> Answer<()>;
    /// DeleteOrganizationalUnit; one that is gone counts as deleted.
    fn delete_unit(&self, id: &str) -> Answer<()>;
    /// CreateAccount. Never sent again by anyone but the caller, whatever the failure.
    fn create_account(&self, email: &str, name: &str, tags: &Tags) -> Answer<Creation>;
    /// MoveAccount.
    fn move_account(&self, id: &str, from: &str, to: &str) -> Answer<()>;
    /// PutAccountName of the account service.
    fn rename_account(&self, id: &str, name: &str) -> Answer<()>;
    /// CloseAccount: it goes on after the answer; see [`Self::account`].
    fn close_account(&self, id: &str) -> Answer<()>;
    /// CreatePolicy of a service control policy; the new id. Not sent again after a lost answer.
    fn create_policy(&self, name: &str, description: &str, content: &str, tags: &Tags) -> Answer<String>;
    /// UpdatePolicy: all three fields.
    fn update_policy(&self, id: &str, name: &str, description: &str, content: &str) -> Answer<()>;
    /// DeletePolicy; one that is gone counts as deleted.
    fn delete_policy(&self, id: &str) -> Answer<()>;
    /// AttachPolicy; one that is attached already counts as done.
    fn attach_policy(&self, policy: &str, target: &str) -> Answer<()>;
    /// DetachPolicy; one that is not attached counts as done.
    fn detach_policy(&self, policy: &str, target: &str) -> Answer<()>;
    /// EnablePolicyType for service control policies; enabled already counts as done.
    fn enable_policies(&self, root: &str) -> Answer<()>;
    /// TagResource.
    fn tag(&self, resource: &str, tags: &Tags) -> Answer<()>;
    /// UntagResource.
    fn untag(&self, resource: &str, keys: &[String]) -> Answer<()>;
}

/// IAM Identity Center and its identity store. Every method but [`Self::center`] works on the instance that was
/// found last by it.
pub trait IdentityCenter: Send + Sync {
    /// ListInstances: the instance of this ARN, or the only one there is. None when there is none such.
    fn center(&self, wanted: Option<&str>) -> Answer<Option<Center>>;
    /// ListPermissionSets: ARNs.
    fn sets(&self) -> Answer<Vec<String>>;
    /// DescribePermissionSet: none when there is no such set.
    fn set(&self, set: &str) -> Answer<Option<SetFields>>;
    /// GetInlinePolicyForPermissionSet: none when there is none.
    fn inline_policy(&self, set: &str) -> Answer<Option<String>>;
    /// ListManagedPoliciesInPermissionSet: ARNs.
    fn managed_policies(&self, set: &str) -> Answer<Vec<String>>;
    /// ListCustomerManagedPolicyReferencesInPermissionSet.
    fn customer_policies(&self, set: &str) -> Answer<Vec<CustomerPolicy>>;
    /// GetPermissionsBoundaryForPermissionSet: none when there is none, or the server knows none.
    fn boundary(&self, set: &str) -> Answer<Option<Boundary>>;
    /// ListTagsForResource of a set.
    fn set_tags(&self, set: &str) -> Answer<Tags>;
    /// ListAccountsForProvisionedPermissionSet, of one provisioning status or of both.
    fn accounts_of_set(&self, set: &str, status: Option<Provisioned>) -> Answer<Vec<String>>;
    /// ListAccountAssignments: who has the set in the account, directly.
    fn assignments_of_pair(&self, account: &str, set: &str) -> Answer<Vec<Principal>>;
    /// ListAccountAssignmentsForPrincipal: what it is given directly; what it has through groups is left out.
    /// [`Failure::Denied`] when the caller is not of the management account, [`Failure::Unsupported`] when the
    /// server has no such operation.
    fn assignments_of_principal(&self, principal: &Principal) -> Answer<Vec<Given>>;
    /// GetGroupId or GetUserId: none when nobody has the name.
    fn principal_id(&self, kind: PrincipalKind, name: &str) -> Answer<Option<String>>;
    /// DescribeGroup or DescribeUser: its name; none when it is gone.
    fn principal_name(&self, principal: &Principal) -> Answer<Option<String>>;
    /// ListGroupMembershipsForMember: the ids of the groups that a user is in.
    fn groups_of(&self, user: &str) -> Answer<Vec<String>>;
    /// ListGroups or ListUsers: id and name of each.
    fn principals(&self, kind: PrincipalKind) -> Answer<Vec<(String, String)>>;

    /// CreatePermissionSet; the new ARN. Not sent again after a lost answer.
    fn create_set(&self, fields: &SetFields, tags: &Tags) -> Answer<String>;
    /// UpdatePermissionSet: every field is sent, since one left out is cleared; but a description is kept.
    fn update_set(&self, set: &str, fields: &SetFields) -> Answer<()>;
    /// DeletePermissionSet; one that is gone counts as deleted.
    fn delete_set(&self, set: &str) -> Answer<()>;
    /// PutInlinePolicyToPermissionSet.
    fn put_inline_policy(&self, set: &str, document: &str) -> Answer<()>;
    /// DeleteInlinePolicyFromPermissionSet; none there counts as done.
    fn delete_inline_policy(&self, set: &str) -> Answer<()>;
    /// AttachManagedPolicyToPermissionSet; attached already counts as done.
    fn attach_managed(&self, set: &str, policy: &str) -> Answer<()>;
    /// DetachManagedPolicyFromPermissionSet; not attached counts as done.
    fn detach_managed(&self, set: &str, policy: &str) -> Answer<()>;
    /// AttachCustomerManagedPolicyReferenceToPermissionSet; attached already counts as done.
    fn attach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()>;
    /// DetachCustomerManagedPolicyReferenceFromPermissionSet; not attached counts as done.
    fn detach_customer(&self, set: &str, policy: &CustomerPolicy) -> Answer<()>;
    /// PutPermissionsBoundaryToPermissionSet.
    fn put_boundary(&self, set: &str, boundary: &Boundary) -> Answer<()>;
    /// DeletePermissionsBoundaryFromPermissionSet; none there counts as done.
    fn delete_boundary(&self, set: &str) -> Answer<()>;
    /// TagResource of a set.
    fn tag_set(&self, set: &str, tags: &Tags) -> Answer<()>;
    /// UntagResource of a set.
    fn untag_set(&self, set: &str, keys: &[String]) -> Answer<()>;
    /// CreateAccountAssignment: it goes on after the answer. Harmless to repeat.
    fn assign(&self, given: &Given) -> Answer<Progress>;
    /// DeleteAccountAssignment: it goes on after the answer.
    fn unassign(&self, given: &Given) -> Answer<Progress>;
    /// ProvisionPermissionSet: it goes on after the answer.
    fn provision(&self, set: &str, target: &ProvisionTarget) -> Answer<Progress>;
    /// Describe…Status of one request.
    fn progress(&self, what: State, request: &str) -> Answer<Progress>;
    /// List…Status of the requests that go on: their ids, of at most `pages` pages. [`Failure::Unsupported`] when the
    /// server has no such operation.
    fn going_on(&self, what: State, pages: usize) -> Answer<BTreeSet<String>>;
    /// List…Status of the requests that ended well: of those that were begun since then their ids and when that was, as far
    /// as `pages` pages show them. [`Failure::Unsupported`] as above.
    fn ended_well(
        &self,
        what: State,
        since: jiff::Timestamp,
        pages: usize,
    ) -> Answer<BTreeMap<String, jiff::Timestamp>>;
}

/// A provider: both services, and what is asked of the rest.
pub trait Provider: Organizations + IdentityCenter + std::fmt::Debug {
    /// STS GetCallerIdentity.
    fn caller(&self) -> Answer<Caller>;
    /// IAM GetPolicy of one of AWS's own policies: does it exist?
    fn managed_policy_exists(&self, arn: &str) -> Answer<bool>;
    /// IAM GetPolicy and GetPolicyVersion of one of AWS's own policies: two calls; none when there is no such policy.
    fn managed_policy(&self, arn: &str) -> Answer<Option<ManagedPolicy>>;
    /// The ARN of the role that a permission set has in an account, by IAM ListRoles there under
    /// its member role; none when there is none. [`Failure::Denied`] when the account lets nobody in.
    fn reserved_role(&self, account: &str, set_name: &str) -> Answer<Option<String>>;
    /// ECR in an account, and in a region or else the provider's own. Sends nothing yet.
    fn repositories<'a>(&'a self, account: &str, region: Option<&str>) -> Box<dyn Repositories + 'a>;
    /// CloudFormation in an account, under its member role unless it is the caller's own, and in a region. Nothing is
    /// sent yet; what is asked of it then is [`Failure::Denied`] when the account lets nobody in.
    fn stacks(&self, account: &str, region: &str) -> Box<dyn Stacks + '_>;
    /// Every request sent so far, by `service:Operation`; each attempt counts.
    fn calls(&self) -> BTreeMap<String, u64>;
    /// How often IAM Identity Center refused an attempt for its rate or for what else was under way, so far: answers
    /// of [`Failure::Throttled`] and [`Failure::Conflict`], those too that a later attempt mended.
    fn pushes(&self) -> u64;
}

/// Time, so that tests can hold it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> jiff::Timestamp;
    /// Waits.
    fn sleep(&self, time: Duration);
}
