//! What a plan is: changes, the operations that make them, and what has to be said before anything is done.
//!
//! Pure data (spec/lifecycle.md defines each object in prose). The file format is [`super::file`]'s.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::access::model::Review;
use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use crate::provider::{Boundary, CustomerPolicy, SetFields, Tags};
use crate::releases::Dossier;
use crate::releases::wishes::{Wish, is_path};
use crate::stacks::TemplateBucket;
use crate::stacks::wish::TEMPLATE_BYTES;

pub use super::target::{Limits, Roles, Target};

/// Fields of a resource, by name, as the normal form writes them.
///
/// Sorted and without room to grow: a fleet has some hundred thousand of them with three fields each; a tree's node has room for eleven.
pub type Fields = litemap::LiteMap<String, Json>;

/// The groups that each user is in, by address.
pub type Memberships = BTreeMap<String, BTreeSet<String>>;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is made.
    Create,
    /// Something that exists is taken over.
    Adopt,
    /// What had another address has this one now.
    Move,
    /// Some of its fields change.
    Update,
    /// It is made anew, and the former one deleted after that.
    Replace,
    /// It is deleted; of an account: emptied and parked, or closed.
    Delete,
    /// It leaves the record and stays in the cloud, or is gone there already.
    Forget,
    /// Nothing.
    NoOp,
}

impl Action {
    /// As plans write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Move => "move",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Forget => "forget",
            Self::NoOp => "no-op",
        }
    }
}

/// A place in the program, and the entity it is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The entity's address.
    pub entity: String,
    /// The file, from the project's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// A change of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its address.
    pub address: String,
    /// Its kind, as [`crate::resources::ResourceKind::name`] writes it.
    pub kind: String,
    /// What happens.
    pub action: Action,
    /// Its id in the cloud, if it has one yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its address before, when it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// As it is; none when it is not there.
    pub before: Option<Fields>,
    /// As it will be; none when it will not be there.
    pub after: Option<Fields>,
    /// The fields of `after` that are known only after apply.
    pub later: Vec<String>,
    /// The fields that were changed outside since the last apply; `*` stands for the thing itself, made or deleted outside.
    pub drift: Vec<String>,
    /// Could it not be looked at? `before` is then what the record says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// Of a permission set: forms other than `before` that are in force in accounts which get `after`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_force: Vec<InForce>,
    /// Why, where fields do not say it: `expired on 2026-12-31`, `removed { account = "park" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the program says so.
    pub sources: Vec<Place>,
    /// The operations that make it, in order.
    pub operations: Vec<OperationId>,
}

/// A form of a permission set that some accounts have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The form.
    pub form: Fields,
    /// The cells and accounts, by address.
    pub accounts: Vec<String>,
}

impl Change {
    /// Is it about a thing that the record never had, and so of nobody knows when? Somebody else made it.
    pub fn is_made_by_others(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Adopt) && self.drift.iter().any(|field| field == "*")
    }

    /// The fields in which before and after differ, in order.
    pub fn differing(&self) -> Vec<&str> {
        let sides = [self.before.as_ref(), self.after.as_ref()];
        let names: BTreeSet<&String> = sides.iter().flatten().flat_map(|side| side.keys()).collect();
        let value = |side: usize, name: &str| sides[side].and_then(|fields| fields.get(name));
        names.into_iter().filter(|name| value(0, name) != value(1, name)).map(String::as_str).collect()
    }
}

/// Which operation: a place in the plan's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub u32);

/// One write, and what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Which one.
    pub id: OperationId,
    /// The resource it is for.
    pub address: String,
    /// What is done. Not flattened: several verbs have an `id` of their own.
    pub verb: Verb,
    /// What must be done before: when one of these fails, this is not begun.
    pub needs: Vec<OperationId>,
    /// The fields of the resource that are as written here once it is done.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub sets: Fields,
}

/// A write. What it is about is named by address; the plan's `ids`, and what the run made, say the ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Verb {
    /// Service control policies are switched on at the root.
    EnablePolicies,
    /// A unit is made.
    CreateUnit {
        /// Address of the unit above, or `root`.
        parent: String,
        /// Its name.
        name: String,
        /// Its tags.
        tags: Tags,
    },
    /// A unit is renamed.
    RenameUnit {
        /// Its name.
        name: String,
    },
    /// A unit is deleted; it must be empty.
    DeleteUnit {
        /// Its id.
        id: String,
    },
    /// An account is made.
    CreateAccount {
        /// Its e-mail.
        email: String,
        /// Its name.
        name: String,
        /// Its tags.
        tags: Tags,
    },
    /// An account is moved.
    MoveAccount {
        /// Address of the unit, or `root`.
        to: String,
    },
    /// An account is renamed.
    RenameAccount {
        /// Its name.
        name: String,
    },
    /// An account is closed.
    CloseAccount,
    /// Tags are set and taken away.
    Tag {
        /// Set.
        set: Tags,
        /// Taken away.
        remove: Vec<String>,
    },
    /// A service control policy is made.
    CreatePolicy {
        /// Its name.
        name: String,
        /// Its description.
        description: String,
        /// Its document.
        content: Json,
        /// Its tags.
        tags: Tags,
    },
    /// A service control policy is changed.
    UpdatePolicy {
        /// Its name.
        name: String,
        /// Its description.
        description: String,
        /// Its document.
        content: Json,
    },
    /// A service control policy is deleted; it must be attached nowhere.
    DeletePolicy,
    /// A service control policy is attached.
    AttachPolicy {
        /// Address of the policy.
        policy: String,
        /// Address of the target, or `root`.
        target: String,
    },
    /// A service control policy is detached.
    DetachPolicy {
        /// Address of the policy.
        policy: String,
        /// Address of the target, or `root`.
        target: String,
    },
    /// A permission set is made.
    CreateSet {
        /// Its fields.
        fields: SetFields,
        /// Its tags.
        tags: Tags,
    },
    /// Name, description, session and relay state of a permission set are written.
    UpdateSet {
        /// All of them: what is left out is cleared.
        fields: SetFields,
    },
    /// A permission set is deleted; nobody may have it.
    DeleteSet {
        /// Its ARN.
        id: String,
    },
    /// The inline policy is written.
    PutInlinePolicy {
        /// The document.
        document: Json,
    },
    /// The inline policy is taken away.
    DeleteInlinePolicy,
    /// One of AWS's policies is attached to a set.
    AttachManaged {
        /// Its ARN.
        policy: String,
    },
    /// One of AWS's policies is detached from a set.
    DetachManaged {
        /// Its ARN.
        policy: String,
    },
    /// A policy that lies in each account is attached to a set.
    AttachCustomer {
        /// Which one.
        policy: CustomerPolicy,
    },
    /// A policy that lies in each account is detached from a set.
    DetachCustomer {
        /// Which one.
        policy: CustomerPolicy,
    },
    /// The boundary of a set is written.
    PutBoundary {
        /// The boundary.
        boundary: Boundary,
    },
    /// The boundary of a set is taken away.
    DeleteBoundary,
    /// The roles of a set are brought to its newest form in every account that has it.
    Provision,
    /// A set is given.
    Assign {
        /// Address of the set.
        set: String,
        /// Address of the principal.
        principal: String,
        /// Address of the account.
        target: String,
    },
    /// A set is taken away.
    Unassign {
        /// Address of the set.
        set: String,
        /// Address of the principal.
        principal: String,
        /// Address of the account.
        target: String,
    },
    /// Our statements of a repository's policy are written; those of others stay.
    SetRepositoryPolicy {
        /// The id of the account.
        account: String,
        /// The region; none: the one that is called in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// The repository's name.
        repository: String,
        /// A document of our statements.
        content: Json,
    },
    /// Our statements of a repository's policy are taken out; those of others stay.
    RemoveRepositoryPolicy {
        /// The id of the account.
        account: String,
        /// The region; none: the one that is called in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// The repository's name.
        repository: String,
    },
    /// A stack is made, or brought to what is wanted of it.
    DeployStack(Box<StackOrder>),
    /// A stack is deleted.
    DeleteStack {
        /// Its ARN.
        id: String,
    },
    /// The role of a set in one account is brought to the set's newest form.
    ProvisionIn {
        /// Address or id of the account.
        target: String,
    },
    /// The released version of a component comes to a cell that has none.
    Deploy(Box<DeployOrder>),
    /// What a component has in a cell is taken away.
    Undeploy {
        /// The component.
        of: String,
        /// The cell.
        cell: String,
        /// Only what stays in places where the cell had it before, and has it elsewhere now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        behind: bool,
    },
    /// A rollout under way comes to a cell no more, nor goes back there: the cell goes, or the program has it there no more.
    PassBy {
        /// The component or permission set.
        of: String,
        /// The cell.
        cell: String,
    },
    /// A release is put in the queue: a rollout brings it to its cells.
    Queue(Box<QueueOrder>),
    /// Writes into the book which form of a permission set its accounts have, before the set is changed.
    KeepForm {
        /// The form, for each cell whose account has it.
        former: Box<Dossier>,
    },
    /// The record alone is changed: the thing has this id from now on.
    Remember {
        /// Its id.
        id: String,
    },
    /// The record alone is changed: it is forgotten.
    Forget,
    /// The record alone is changed: it has another address from now on.
    Readdress {
        /// The former address.
        from: String,
    },
    /// The record alone is changed: the account is ready for another cell.
    Park,
}

/// What comes to a cell that has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeployOrder {
    /// What the program says of it, of this cell alone.
    pub wish: Wish,
    /// The cell.
    pub cell: String,
    /// The released version, by the name of its dossier.
    pub released: String,
}

impl DeployOrder {
    /// Where the cell's part of the program says what of it is.
    pub fn field(&self, name: &str) -> Option<&Json> {
        self.wish.cells.get(&self.cell)?.fields.get(name)
    }

    /// Is it a stack of CloudFormation?
    pub fn is_stack(&self) -> bool {
        self.field("sort").and_then(Json::as_str) == Some("cloudformation")
    }

    /// Is its template larger than a request takes, or not known to be none such, since it lies in the repository?
    pub fn may_be_large(&self) -> bool {
        let template = self.field("template").and_then(Json::as_str).unwrap_or_default();
        is_path(template) || template.len() > TEMPLATE_BYTES
    }
}

/// What is put in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueOrder {
    /// What each cell gets, word for word.
    pub dossier: Dossier,
}

/// What is wanted of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackOrder {
    /// Id of its account, or address of the cell or account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Its template, or the text of one that is not JSON.
    pub template: Json,
    /// Where the template goes, if it is larger than a request takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<TemplateBucket>,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Json>,
    /// Its tags, the one of its address among them.
    pub tags: Tags,
    /// What the template may do beside the ordinary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Its ARN, where it is in the record: that one is ours, whatever its tags say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

impl Verb {
    /// Its name, as files write it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::EnablePolicies => "enable_policies",
            Self::CreateUnit { .. } => "create_unit",
            Self::RenameUnit { .. } => "rename_unit",
            Self::DeleteUnit { .. } => "delete_unit",
            Self::CreateAccount { .. } => "create_account",
            Self::MoveAccount { .. } => "move_account",
            Self::RenameAccount { .. } => "rename_account",
            Self::CloseAccount => "close_account",
            Self::Tag { .. } => "tag",
            Self::CreatePolicy { .. } => "create_policy",
            Self::UpdatePolicy { .. } => "update_policy",
            Self::DeletePolicy => "delete_policy",
            Self::AttachPolicy { .. } => "attach_policy",
            Self::DetachPolicy { .. } => "detach_policy",
            Self::CreateSet { .. } => "create_set",
            Self::UpdateSet { .. } => "update_set",
            Self::DeleteSet { .. } => "delete_set",
            Self::PutInlinePolicy { .. } => "put_inline_policy",
            Self::DeleteInlinePolicy => "delete_inline_policy",
            Self::AttachManaged { .. } => "attach_managed",
            Self::DetachManaged { .. } => "detach_managed",
            Self::AttachCustomer { .. } => "attach_customer",
            Self::DetachCustomer { .. } => "detach_customer",
            Self::PutBoundary { .. } => "put_boundary",
            Self::DeleteBoundary => "delete_boundary",
            Self::Provision => "provision",
            Self::Assign { .. } => "assign",
            Self::Unassign { .. } => "unassign",
            Self::SetRepositoryPolicy { .. } => "set_repository_policy",
            Self::RemoveRepositoryPolicy { .. } => "remove_repository_policy",
            Self::DeployStack(_) => "deploy_stack",
            Self::DeleteStack { .. } => "delete_stack",
            Self::ProvisionIn { .. } => "provision_in",
            Self::Deploy(_) => "deploy",
            Self::Undeploy { .. } => "undeploy",
            Self::PassBy { .. } => "pass_by",
            Self::Queue(_) => "queue",
            Self::KeepForm { .. } => "keep_form",
            Self::Remember { .. } => "remember",
            Self::Forget => "forget",
            Self::Readdress { .. } => "readdress",
            Self::Park => "park",
        }
    }

    /// Does it write the registry alone: the record, or the book of a release?
    pub fn is_local(&self) -> bool {
        self.service() == Service::Record
    }

    /// Which service it writes to, and so which limits hold it.
    pub fn service(&self) -> Service {
        match self {
            Self::EnablePolicies
            | Self::CreateUnit { .. }
            | Self::RenameUnit { .. }
            | Self::DeleteUnit { .. }
            | Self::MoveAccount { .. }
            | Self::RenameAccount { .. }
            | Self::CreatePolicy { .. }
            | Self::UpdatePolicy { .. }
            | Self::DeletePolicy
            | Self::AttachPolicy { .. }
            | Self::DetachPolicy { .. } => Service::Organizations,
            Self::CreateAccount { .. } => Service::Creation,
            Self::CloseAccount => Service::Closing,
            // Tags of a set are Identity Center's; the caller knows by the address.
            Self::Tag { .. } => Service::Organizations,
            Self::CreateSet { .. }
            | Self::UpdateSet { .. }
            | Self::DeleteSet { .. }
            | Self::PutInlinePolicy { .. }
            | Self::DeleteInlinePolicy
            | Self::AttachManaged { .. }
            | Self::DetachManaged { .. }
            | Self::AttachCustomer { .. }
            | Self::DetachCustomer { .. }
            | Self::PutBoundary { .. }
            | Self::DeleteBoundary
            | Self::Provision
            | Self::ProvisionIn { .. }
            | Self::Assign { .. }
            | Self::Unassign { .. } => Service::IdentityCenter,
            Self::SetRepositoryPolicy { .. } | Self::RemoveRepositoryPolicy { .. } => Service::Repositories,
            Self::DeployStack(_) | Self::DeleteStack { .. } | Self::Deploy(_) | Self::Undeploy { .. } => {
                Service::Stacks
            }
            Self::Remember { .. }
            | Self::Forget
            | Self::Readdress { .. }
            | Self::Park
            | Self::PassBy { .. }
            | Self::Queue(_)
            | Self::KeepForm { .. } => Service::Record,
        }
    }
}

/// Where a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS Organizations: one writer at a time.
    Organizations,
    /// AWS Organizations, an account's creation: a few at a time.
    Creation,
    /// AWS Organizations, an account's closing: a few at a time.
    Closing,
    /// IAM Identity Center: so many lanes, one an account.
    IdentityCenter,
    /// ECR in some account: a few at a time.
    Repositories,
    /// What is in cells: CloudFormation, in each account and region by itself, a cluster, a make target. Some at a time.
    Stacks,
    /// The registry, the record or the book of a release: nothing is sent to a service that is changed.
    Record,
}

/// What a person should know before saying yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// `brake`, `hazard`, `unmanaged`, `note`.
    pub kind: NoticeKind,
    /// The code, where one explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The fact.
    pub message: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// For a brake: what `--allow` must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

impl Notice {
    /// Something to know.
    pub fn note(message: String, addresses: Vec<String>) -> Self {
        Self { kind: NoticeKind::Note, code: None, message, addresses, allow: None }
    }

    /// Does it say that something could not be read?
    pub fn is_of_unread(&self) -> bool {
        self.code.as_deref() == Some(Code::ReadFailed.as_str())
    }
}

/// Of which class a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Apply refuses it unless `--allow` names it.
    Brake,
    /// What breaks elsewhere: a role's ARN changes.
    Hazard,
    /// Access that cellc does not manage.
    Unmanaged,
    /// What the program says and another command brings: it is queued, under way, or never released.
    Waits,
    /// Something to know.
    Note,
}

/// Who gains or loses a permission set, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Access {
    /// Address of the principal.
    pub principal: String,
    /// Its name.
    pub principal_name: String,
    /// Address of the set.
    pub permission_set: String,
    /// Addresses of cells and accounts where it is gained.
    pub gained: Vec<String>,
    /// Addresses of cells and accounts where it is lost.
    pub lost: Vec<String>,
    /// Those of `gained` that the program has since before, by a selector that now takes them in.
    pub new_targets: Vec<String>,
}

/// Who has to be the caller for a part of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// `management account`, `delegated administrator`, `cell account`.
    pub who: String,
    /// For how many operations.
    pub operations: usize,
    /// For what, in words.
    pub what: String,
}

/// A quota with what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// What is counted.
    pub what: String,
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
    /// At most.
    pub most: u64,
}

/// What a plan costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests that apply sends, polls left out.
    pub calls: u64,
    /// Requests by service and operation.
    pub by_call: BTreeMap<String, u64>,
    /// Seconds that apply takes at least, by the limits it holds itself to.
    pub duration_s: u64,
    /// Quotas that the plan uses up.
    pub quotas: Vec<Quota>,
}

/// How many resources of each action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub delete: usize,
    pub replace: usize,
    pub adopt: usize,
    #[serde(rename = "move")]
    pub moved: usize,
    pub forget: usize,
}

impl Summary {
    /// Of changes.
    pub fn of(changes: &[Change]) -> Self {
        let count = |action| changes.iter().filter(|change| change.action == action).count();
        Self {
            create: count(Action::Create),
            update: count(Action::Update),
            delete: count(Action::Delete),
            replace: count(Action::Replace),
            adopt: count(Action::Adopt),
            moved: count(Action::Move),
            forget: count(Action::Forget),
        }
    }

    /// Is there nothing?
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Resources of a kind that no provider of this version applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unapplied {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: usize,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it does: `apply`, `destroy`.
    pub command: String,
    /// The program's first file.
    pub source: String,
    /// The instant at which expiry was judged.
    pub at: jiff::Timestamp,
    /// Which part of the program, by `--only` and `--except`.
    pub only: Vec<String>,
    /// See [`Self::only`].
    pub except: Vec<String>,
    /// Against what.
    pub target: Target,
    /// Under which limits.
    pub limits: Limits,
    /// Ids that are known, by address.
    pub ids: BTreeMap<String, String>,
    /// Names of what is not in the program, by address.
    pub names: BTreeMap<String, String>,
    /// The changes, by address; those that are none are left out.
    pub changes: Vec<Change>,
    /// The operations, each after what it needs.
    pub operations: Vec<Operation>,
    /// Who gains or loses which set.
    pub access: Vec<Access>,
    /// What that comes to; none of a plan for which it was not asked.
    pub review: Option<Review>,
    /// What has to be known before.
    pub notices: Vec<Notice>,
    /// Who must call.
    pub authority: Vec<Authority>,
    /// What it costs.
    pub cost: Cost,
    /// What is recorded only.
    pub unapplied: Vec<Unapplied>,
    /// The groups of the program that its users are in; none where that was not read.
    pub memberships: Option<Memberships>,
    /// Ids of the accounts that were entered to read what is in them.
    pub entered: BTreeSet<String>,
    /// How assignments were read, and how far that reaches.
    pub reading: String,
    /// The id of the saved plan that this one is the rest of, while it is run; no part of a plan's file.
    pub rest_of: Option<String>,
    /// The id of the saved plan that is run by this one, which was made anew; no part of a plan's file.
    pub saved_as: Option<String>,
}

impl Plan {
    /// How many of each action.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.changes)
    }

    /// The operation.
    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(id.0 as usize)
    }

    /// Was everything read that it is about?
    pub fn is_of_all(&self) -> bool {
        !self.notices.iter().any(Notice::is_of_unread)
    }

    /// The brakes that hold it.
    pub fn brakes(&self) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(|notice| notice.kind == NoticeKind::Brake)
    }
}
