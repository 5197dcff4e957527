//! What a plan is made for, and by what it holds itself: the cloud, the organization and its record, the roles by which accounts
//! are entered, and the limits of an apply.

use serde::{Deserialize, Serialize};

use crate::provider::ACCESS_ROLE;

/// The cloud a plan was made against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `aws` or `sandbox`.
    pub cloud: String,
    /// The organization: `o-…`; empty when the program needs none.
    pub organization: String,
    /// The management account.
    pub management_account: String,
    /// The instance of Identity Center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Its identity store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_store: Option<String>,
    /// The roles by which member accounts are entered; none: the role that an organization makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
    /// Where the record lies.
    pub registry: String,
    /// The record's serial number that the plan was made from.
    pub serial: u64,
}

/// The roles by which member accounts are entered, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// To change what is in them.
    pub access: String,
    /// To look only.
    pub reader: String,
}

impl Default for Roles {
    fn default() -> Self {
        Self { access: ACCESS_ROLE.to_owned(), reader: ACCESS_ROLE.to_owned() }
    }
}

/// Limits that an apply holds itself to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests to Identity Center a second.
    pub tps: u64,
    /// Requests to AWS Organizations a second.
    #[serde(default = "organizations_tps")]
    pub organizations_tps: u64,
    /// Assignments and provisionings under way at once.
    pub lanes: u64,
    /// Accounts being created at once.
    pub creations: u64,
}

/// Requests to AWS Organizations a second, of a plan that was written before it said so.
fn organizations_tps() -> u64 {
    Limits::default().organizations_tps
}

impl Default for Limits {
    fn default() -> Self {
        Self { tps: 15, organizations_tps: 8, lanes: 8, creations: 1 }
    }
}
