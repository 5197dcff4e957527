//! What a sandbox begins with: an organization, an instance, principals, accounts, and whole fleets of assignments.
//! Data only: [`crate::seeding`] puts it into a state.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A starting state. Seeding again adds what is missing and changes nothing that is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// The number of the management account.
    pub management_account: Option<String>,
    /// Its e-mail.
    pub management_email: Option<String>,
    /// The organization's id, `o-…`.
    pub organization: Option<String>,
    /// The root's id, `r-…`.
    pub root: Option<String>,
    /// The ARN of the Identity Center instance.
    pub instance_arn: Option<String>,
    /// The id of the identity store, `d-…`.
    pub identity_store: Option<String>,
    /// The region of the instance.
    pub home_region: Option<String>,
    /// Display names of groups.
    pub groups: Vec<String>,
    /// Names of users.
    pub users: Vec<String>,
    /// Users by group; both are made when they are missing.
    pub memberships: BTreeMap<String, Vec<String>>,
    /// Organizational units, as paths of names: `Workloads/Prod`.
    pub ous: Vec<String>,
    /// Accounts that exist already.
    pub accounts: Vec<SeedAccount>,
    /// Service control policies.
    pub service_control_policies: Vec<SeedPolicy>,
    /// Resource control policies, likewise; the first enables their type.
    pub resource_control_policies: Vec<SeedPolicy>,
    /// Permission sets.
    pub permission_sets: Vec<SeedSet>,
    /// Assignments, many at a time.
    pub assignments: Vec<SeedAssignment>,
    /// Customer managed policies in accounts.
    pub customer_policies: Vec<SeedCustomerPolicy>,
    /// What accounts cost.
    pub costs: Vec<SeedCost>,
    /// Buckets of the management account.
    pub buckets: Vec<String>,
    /// The account (by number or name) that administers Identity Center.
    pub delegated_admin: Option<String>,
    /// Services with trusted access; none given: Identity Center and account management.
    pub service_access: Option<Vec<String>>,
}

/// An account of a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedAccount {
    /// Its number; drawn when left out.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its e-mail.
    pub email: String,
    /// Its organizational unit, as a path of names; the root when left out.
    pub ou: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What an account cost on a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedCost {
    /// The account, by number or name.
    pub account: String,
    /// The day: `2026-05-31`.
    pub day: String,
    /// The amount in dollars: `12.5`.
    pub amount: String,
}

/// A service control policy of a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedPolicy {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its text.
    pub content: String,
    /// Paths of units, numbers or names of accounts; an empty text is the root.
    pub targets: Vec<String>,
}

/// A permission set of a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedSet {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// How long a session lasts, in ISO 8601.
    pub session_duration: Option<String>,
    /// Where a session begins.
    pub relay_state: Option<String>,
    /// The inline policy.
    pub inline_policy: Option<String>,
    /// ARNs of policies that AWS manages.
    pub managed_policies: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Every named principal on the set in every named account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedAssignment {
    /// The permission set, by name.
    pub permission_set: String,
    /// Groups, by name.
    pub groups: Vec<String>,
    /// Users, by name.
    pub users: Vec<String>,
    /// Accounts, by number or name; none given: all members.
    pub accounts: Vec<String>,
}

/// A customer managed policy in accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedCustomerPolicy {
    /// Its name.
    pub name: String,
    /// Its path; `/` when left out.
    pub path: Option<String>,
    /// Accounts, by number or name; none given: all, the management account too.
    pub accounts: Vec<String>,
}
