//! What can be set about a sandbox: pace, delays, quotas, paging. Defaults are AWS's, but with short delays.

use crate::kubernetes::Clusters;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of a sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Calls a second (sandbox time) to IAM Identity Center as a whole; the identity store has the same again. 0: no limit.
    pub tps: f64,
    /// How many calls may come at once before `tps` bites.
    pub burst: f64,
    /// Calls a second to AWS Organizations. 0: no limit.
    pub organizations_tps: f64,
    /// Sandbox seconds for each second on the wall. 0: time moves only by `advance`.
    pub speed: f64,
    /// How long asynchronous work takes, in sandbox time.
    pub delays: Delays,
    /// Limits of AWS.
    pub quotas: Quotas,
    /// At most this many records on a page, to force paging.
    pub page: Option<usize>,
    /// Every list first answers an empty page with a token.
    pub empty_pages: bool,
    /// The region named in roles and instances when the seed names none.
    pub region: String,
    /// Listen on other interfaces than loopback too.
    pub listen_anywhere: bool,
    /// How many requests the log keeps.
    pub log: usize,
    /// AWS's managed policies that are to have another version or document than the sandbox has, by path and name:
    /// `job-function/ViewOnlyAccess`.
    pub aws_policies: BTreeMap<String, AwsPolicy>,
    /// Identity policies by access key: who calls with such a key may do what its policy allows, and nothing else.
    pub identities: BTreeMap<String, Value>,
    /// Metrics that nobody emits look well: an alarm without any data is OK, and requests are counted. AWS does nothing like
    /// it; it is for a first try of a rollout.
    pub healthy: bool,
    /// How clusters of Kubernetes are.
    pub kubernetes: Clusters,
    /// Whether a session of a role may do only what the role's policies allow.
    pub enforce_roles: bool,
}

/// A managed policy of AWS, at the version that is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsPolicy {
    /// The version: `v8`.
    pub version: String,
    /// When AWS made the policy: `2015-02-06T18:39:46Z`.
    pub created: String,
    /// When AWS made the version.
    pub updated: String,
    /// Is the document only a part of AWS's?
    #[serde(default)]
    pub reduced: bool,
    /// The document.
    pub document: Value,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tps: 20.0,
            burst: 20.0,
            organizations_tps: 0.0,
            speed: 1.0,
            delays: Delays::default(),
            quotas: Quotas::default(),
            page: None,
            empty_pages: false,
            region: "us-east-1".to_owned(),
            listen_anywhere: false,
            log: 20_000,
            aws_policies: BTreeMap::new(),
            identities: BTreeMap::new(),
            enforce_roles: false,
            healthy: false,
            kubernetes: Clusters::default(),
        }
    }
}

/// Durations of asynchronous work, in sandbox time; written as seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// From CreateAccount to its result.
    #[serde(with = "seconds")]
    pub create_account: Duration,
    /// From an account's creation until OrganizationAccountAccessRole can be assumed.
    #[serde(with = "seconds")]
    pub role: Duration,
    /// From CloseAccount to the closed state.
    #[serde(with = "seconds")]
    pub close_account: Duration,
    /// From Create/DeleteAccountAssignment to its result.
    #[serde(with = "seconds")]
    pub assignment: Duration,
    /// From ProvisionPermissionSet to its result.
    #[serde(with = "seconds")]
    pub provision: Duration,
    /// Each step of an operation on a stack: an event is one. A change set takes one step to be made.
    #[serde(with = "seconds")]
    pub stack_step: Duration,
    /// Each step of a rollout of a workload in a cluster.
    #[serde(with = "seconds")]
    pub pod_step: Duration,
    /// The longest time for which a list may not show a write yet; each write draws its own.
    #[serde(with = "seconds")]
    pub propagation: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            create_account: Duration::from_secs(1),
            role: Duration::from_secs(1),
            close_account: Duration::from_secs(2),
            assignment: Duration::from_millis(300),
            provision: Duration::from_millis(500),
            stack_step: Duration::from_millis(100),
            pod_step: Duration::from_millis(200),
            propagation: Duration::from_millis(200),
        }
    }
}

impl Delays {
    /// No delay at all: every result is there at the next call.
    #[must_use]
    pub fn none() -> Self {
        let zero = Duration::ZERO;
        Self {
            create_account: zero,
            role: zero,
            close_account: zero,
            assignment: zero,
            provision: zero,
            stack_step: zero,
            pod_step: zero,
            propagation: zero,
        }
    }
}

/// Limits, as AWS has them by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Accounts in the organization, closed ones included until they are gone.
    pub accounts: usize,
    /// Account creations in progress.
    pub account_creations: usize,
    /// Account closures in progress.
    pub account_closures: usize,
    /// Closures in 30 days: at least this many are allowed,
    pub closures_floor: usize,
    /// and never more than this many; between them 20 % of the accounts.
    pub closures_cap: usize,
    /// Days before a created account may leave the organization.
    pub leave_days: u32,
    /// Organizational units.
    pub units: usize,
    /// Levels of organizational units below the root.
    pub unit_depth: usize,
    /// Service control policies in the organization.
    pub policies: usize,
    /// Service control policies attached to one target.
    pub policies_per_target: usize,
    /// Characters in a service control policy.
    pub policy_size: usize,
    /// Tags on a resource.
    pub tags: usize,
    /// Permission sets in an instance.
    pub permission_sets: usize,
    /// Permission sets provisioned in one account.
    pub provisioned_per_account: usize,
    /// Managed policies (of AWS and of the customer) in one permission set.
    pub policies_per_set: usize,
    /// Managed policies on one IAM role.
    pub policies_per_role: usize,
    /// Characters, white space aside, of the inline policies of one IAM role.
    pub inline_policy_size: usize,
    /// Assignment operations in progress.
    pub assignments_in_progress: usize,
    /// Roles in one account.
    pub roles: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            accounts: 10,
            account_creations: 5,
            account_closures: 3,
            closures_floor: 250,
            closures_cap: 1_000,
            leave_days: 7,
            units: 2_000,
            unit_depth: 5,
            policies: 10_000,
            policies_per_target: 5,
            policy_size: 5_120,
            tags: 50,
            permission_sets: 3_500,
            provisioned_per_account: 500,
            policies_per_set: 20,
            policies_per_role: 10,
            inline_policy_size: 10_240,
            assignments_in_progress: 10,
            roles: 1_000,
        }
    }
}

/// A duration as a number of seconds.
mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
