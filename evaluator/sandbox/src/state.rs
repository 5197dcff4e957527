//! The whole state as data. It knows no protocol; the services change it, the journal keeps it.

use crate::ids::Ids;
use crate::images::Images;
use crate::input::Millis;
use crate::kubernetes::Kubernetes;
use crate::stacks::Stacks;
use crate::table::Table;
use crate::watch::Watch;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Everything the sandbox knows.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) ids: Ids,
    /// The account that unknown access keys belong to.
    pub(crate) management: String,
    pub(crate) org: Option<Org>,
    pub(crate) sso: Sso,
    pub(crate) store: IdentityStore,
    pub(crate) iam: Iam,
    pub(crate) sts: Table<String, Session>,
    pub(crate) s3: S3,
    #[serde(default)]
    pub(crate) stacks: Stacks,
    #[serde(default)]
    pub(crate) watch: Watch,
    #[serde(default)]
    pub(crate) images: Images,
    #[serde(default)]
    pub(crate) kubernetes: Kubernetes,
    /// What an account cost on a day, in dollars: (account, day).
    #[serde(default)]
    pub(crate) costs: Table<(String, String), String>,
    /// Asynchronous work by when it is due.
    pub(crate) jobs: Table<(Millis, u64), Job>,
}

/// An organization.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) root: String,
    /// Whether service control policies are enabled.
    pub(crate) scp: bool,
    /// Whether resource control policies are enabled.
    #[serde(default)]
    pub(crate) rcp: bool,
    pub(crate) units: Table<String, Unit>,
    pub(crate) accounts: Table<String, Account>,
    /// (parent, child), for accounts and units alike.
    pub(crate) children: Table<(String, String), ()>,
    /// Every e-mail ever used, in small letters.
    pub(crate) emails: Table<String, String>,
    pub(crate) creations: Table<String, Creation>,
    pub(crate) policies: Table<String, Policy>,
    /// (target, policy) and (policy, target).
    pub(crate) attached: Table<(String, String), ()>,
    pub(crate) targets: Table<(String, String), ()>,
    pub(crate) tags: Table<String, Tags>,
    /// (service, account) and since when.
    pub(crate) delegated: Table<(String, String), Millis>,
    pub(crate) service_access: Table<String, Millis>,
    /// When accounts were closed.
    pub(crate) closures: Table<(Millis, String), ()>,
}

/// An organizational unit.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) name: String,
    pub(crate) parent: String,
}

/// An account of the organization.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) parent: String,
    pub(crate) state: AccountState,
    pub(crate) created_here: bool,
    pub(crate) joined: Millis,
    /// When its access role can be assumed.
    pub(crate) ready: Millis,
}

/// Where an account is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AccountState {
    Active,
    PendingClosure,
    Closed,
}

/// A CreateAccount request; the e-mail is kept for its result and never shown.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Creation {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) tags: Tags,
    pub(crate) requested: Millis,
    pub(crate) completed: Option<Millis>,
    pub(crate) result: Outcome<String>,
}

/// The result of asynchronous work.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Outcome<T> {
    InProgress,
    Succeeded(T),
    Failed(String),
}

impl<T> Outcome<T> {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded(_) => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// The kinds of policies that limit what accounts may do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum PolicyKind {
    /// Of what principals of an account do.
    #[default]
    Service,
    /// Of what is done to resources of an account.
    Resource,
}

/// A policy of the organization.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) kind: PolicyKind,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) content: String,
    pub(crate) aws: bool,
}

/// An Identity Center instance and all it holds.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sso {
    /// Empty: there is no instance.
    pub(crate) instance: String,
    pub(crate) store: String,
    pub(crate) region: String,
    pub(crate) created: Millis,
    pub(crate) sets: Table<String, PermissionSet>,
    pub(crate) set_names: Table<String, String>,
    /// INVARIANT: `by_principal` holds (principal, account, set) for exactly the entries of `assignments`.
    pub(crate) assignments: Table<(String, String, Principal), ()>,
    pub(crate) by_principal: Table<(Principal, String, String), ()>,
    /// INVARIANT: `by_account` holds (account, set) for exactly the keys (set, account) of `provisioned`.
    pub(crate) provisioned: Table<(String, String), Provisioned>,
    pub(crate) by_account: Table<(String, String), ()>,
    pub(crate) requests: Table<String, Request>,
    /// The requests in progress.
    pub(crate) running: Table<String, ()>,
    /// How many of them are assignments.
    pub(crate) outstanding: usize,
    /// The accounts in which a role is being changed.
    pub(crate) busy: Table<String, ()>,
}

/// A user or a group, as assignments name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) id: String,
}

/// The kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PrincipalKind {
    Group,
    User,
}

impl PrincipalKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Group => "GROUP",
            Self::User => "USER",
        }
    }
}

/// A permission set.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct PermissionSet {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) relay: Option<String>,
    pub(crate) created: Millis,
    pub(crate) tags: Tags,
    pub(crate) body: Arc<Body>,
    /// Counts the edits that accounts must be provisioned with.
    pub(crate) revision: u64,
}

/// What a permission set grants.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) inline: Option<String>,
    pub(crate) managed: Vec<String>,
    /// (path, name).
    pub(crate) customer: Vec<(String, String)>,
    pub(crate) boundary: Option<Boundary>,
}

/// A permissions boundary.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Boundary {
    Managed(String),
    /// (path, name).
    Customer(String, String),
}

/// A permission set as it is in an account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Provisioned {
    pub(crate) role: String,
    pub(crate) revision: u64,
}

/// An asynchronous request to Identity Center.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) kind: RequestKind,
    pub(crate) set: String,
    /// None: all accounts the set is provisioned in.
    pub(crate) account: Option<String>,
    pub(crate) principal: Option<Principal>,
    pub(crate) created: Millis,
    pub(crate) result: Outcome<()>,
}

/// The kinds of asynchronous requests.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestKind {
    Assign,
    Unassign,
    Provision,
}

/// Users and groups.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct IdentityStore {
    pub(crate) groups: Table<String, Group>,
    /// By display name in small letters.
    pub(crate) group_names: Table<String, String>,
    pub(crate) users: Table<String, User>,
    pub(crate) user_names: Table<String, String>,
    /// (group, user) and the membership's id; then the other way round; then by id.
    pub(crate) members: Table<(String, String), String>,
    pub(crate) member_of: Table<(String, String), String>,
    pub(crate) memberships: Table<String, (String, String)>,
}

/// A group.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

/// A user; `more` are the attributes nothing here looks at.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) more: serde_json::Map<String, serde_json::Value>,
}

/// IAM of all accounts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Iam {
    /// (account, role name).
    pub(crate) roles: Table<(String, String), Role>,
    /// (account, policy name).
    pub(crate) policies: Table<(String, String), CustomerPolicy>,
}

/// An IAM role.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: Millis,
    pub(crate) trust: Arc<str>,
    pub(crate) description: Option<String>,
    pub(crate) max_session: u64,
    pub(crate) attached: BTreeSet<String>,
    pub(crate) inline: BTreeMap<String, Arc<str>>,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Tags,
}

/// A customer managed policy.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CustomerPolicy {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: Millis,
    pub(crate) document: String,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

/// The credentials that AssumeRole handed out, by access key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) caller: crate::input::Caller,
    pub(crate) expires: Millis,
}

/// Buckets and objects.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct S3 {
    pub(crate) buckets: Table<String, Bucket>,
    /// (bucket, key) and its versions, newest first.
    pub(crate) objects: Table<(String, String), Vec<Arc<Version>>>,
}

/// A bucket.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) owner: String,
    pub(crate) region: String,
    pub(crate) created: Millis,
    pub(crate) versioning: Option<String>,
}

/// A version of an object, or a delete marker.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    /// None: a delete marker. The text is that of [`crate::services::s3::body`].
    pub(crate) body: Option<String>,
    pub(crate) size: usize,
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    /// Headers that GetObject gives back.
    pub(crate) headers: BTreeMap<String, String>,
}

/// Asynchronous work.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    /// A fault: it fails with this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fail: Option<String>,
}

/// What is to be done.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    CreateAccount(String),
    CloseAccount(String),
    /// The account is gone for good, 90 days after its closing.
    ForgetAccount(String),
    Sso(String),
    /// A stack, by its place and ARN.
    Stack((String, String)),
    /// An object that a controller looks after, by its cluster and key.
    Workload((String, String)),
}

impl State {
    /// Whether nothing was seeded or made.
    pub(crate) fn is_empty(&self) -> bool {
        self.org.is_none() && self.sso.instance.is_empty() && self.s3.buckets.is_empty() && self.iam.roles.is_empty()
    }

    /// Puts work on the list; it is done when sandbox time has passed `delay`.
    pub(crate) fn later(&mut self, cx: &crate::input::Cx<'_>, delay: std::time::Duration, work: Work) {
        let due = cx.now.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        let order = self.ids.next();
        self.jobs.insert((due, order), Job { work, fail: cx.fail.map(str::to_owned) });
    }
}
