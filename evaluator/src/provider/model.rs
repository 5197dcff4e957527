//! The records that providers speak of: what the cloud says of accounts, units, policies, sets and assignments.
//! Plain data with AWS's ids in it; addresses of programs are unknown here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags.
pub type Tags = BTreeMap<String, String>;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The ARN.
    pub arn: String,
}

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id: `o-…`.
    pub id: String,
    /// The management account.
    pub management_account: String,
    /// The root: `r-…`.
    pub root: String,
    /// Are service control policies enabled at the root?
    pub policies_enabled: bool,
    /// Are resource control policies?
    pub resource_policies_enabled: bool,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id: `ou-…`.
    pub id: String,
    /// The root or unit above it.
    pub parent: String,
    /// Its name.
    pub name: String,
}

/// The state of an account: `State`, or `Status` where the service does not answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// It was created and is not ready.
    PendingActivation,
    /// It works.
    Active,
    /// AWS has suspended it.
    Suspended,
    /// It is being closed.
    PendingClosure,
    /// It is closed, and gone after 90 days.
    Closed,
}

impl AccountState {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::PendingActivation => "pending activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::PendingClosure => "pending closure",
            Self::Closed => "closed",
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id: twelve digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail.
    pub email: String,
    /// Its state.
    pub state: AccountState,
    /// The root or unit it is in, where that is known.
    pub parent: Option<String>,
}

/// The state of an account's creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// The id of the request: `car-…`.
    pub request: String,
    /// The name it was asked for with.
    pub name: String,
    /// When it was asked for.
    pub requested: Option<jiff::Timestamp>,
    /// How far it is.
    pub known: Known,
    /// The account, when it succeeded.
    pub account: Option<String>,
    /// AWS's reason when it failed: `EMAIL_ALREADY_EXISTS`.
    pub reason: Option<String>,
}

/// How far something is that goes on after its call was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It goes on.
    InProgress,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
}

/// A service control policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id: `p-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its document; none in lists.
    pub content: Option<String>,
    /// Is it AWS's own?
    pub aws_managed: bool,
}

/// One of AWS's own managed policies, at the version that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// The version's id: `v8`.
    pub version: String,
    /// The day on which AWS made the version, in UTC.
    pub date: jiff::civil::Date,
    /// The document.
    pub document: String,
}

/// An instance of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Center {
    /// Its ARN.
    pub arn: String,
    /// The identity store: `d-…`.
    pub store: String,
}

/// The fields of a permission set that DescribePermissionSet answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetFields {
    /// Its name, which never changes.
    pub name: String,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How long a session lasts, in ISO 8601: `PT8H`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Where a session begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_state: Option<String>,
}

/// A policy that lies in each account, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomerPolicy {
    /// Its name.
    pub name: String,
    /// Its path; `/` unless said.
    pub path: String,
}

/// A permissions boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// AWS's own policy, by ARN.
    Managed(String),
    /// One that lies in each account.
    Customer(CustomerPolicy),
}

/// Does a set's role in an account have the set's newest form?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provisioned {
    /// `LATEST_PERMISSION_SET_PROVISIONED`
    Latest,
    /// `LATEST_PERMISSION_SET_NOT_PROVISIONED`
    NotLatest,
}

/// A group or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// `GROUP`
    Group,
    /// `USER`
    User,
}

impl PrincipalKind {
    /// As programs write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
        }
    }
}

/// A group or a user of the identity store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// Which of the two.
    pub kind: PrincipalKind,
    /// Its id.
    pub id: String,
}

/// A permission set given to a principal in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Given {
    /// The set's ARN.
    pub set: String,
    /// To whom.
    pub principal: Principal,
    /// The account.
    pub account: String,
}

/// Which accounts a set is provisioned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisionTarget {
    /// All that have it.
    All,
    /// One.
    Account(String),
}

/// What goes on after its call was answered, in Identity Center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// An assignment's creation.
    Assigning,
    /// An assignment's deletion.
    Unassigning,
    /// A provisioning.
    Provisioning,
}

/// How far a request of Identity Center is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The request's id.
    pub request: String,
    /// How far it is.
    pub known: Known,
    /// Why it failed; lists carry none.
    pub reason: Option<String>,
    /// What it gives or takes away; only Describe says that, and not of a provisioning.
    pub given: Option<Given>,
}
