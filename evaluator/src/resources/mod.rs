//! What entities come to in the cloud: resources with stable addresses.
//!
//! Owns which resources there are, their addresses and their fields; one file a family. Looks at no cloud and
//! judges nothing: rules are `rules`'. An entity that has an error comes to nothing.
//!
//! The families that multiply (each component in each cell, each grant on each account) are runs: what they come to
//! is known, and made when it is asked for, so that a document of a million resources never is in memory.
//!
//! INVARIANT: an address holds labels only, never an account id, an ARN or a position.

mod access;
mod cells;
mod deployments;
mod monitoring;
pub(crate) mod naming;
mod outbound;
pub(crate) mod policy;
pub(crate) mod repositories;
mod runs;
#[cfg(test)]
mod tests;

use cell_lang::source::Span;
use smol_str::SmolStr;

pub use runs::Resources;

use crate::rules::fleet::Fleet;
use crate::value::{EntityId, Value};
use crate::world::World;

macro_rules! kinds {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// A kind of resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResourceKind { $(#[doc = $doc] $variant,)* }

        impl ResourceKind {
            /// Every kind, by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the normal form writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, for people.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// The kind of this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    Account "account" "an AWS account, of a cell or on its own";
    Alarm "alarm" "an alarm of one cell";
    Assignment "assignment" "a permission set given to a principal in an account";
    Budget "budget" "a budget of a cell's account";
    Dashboard "dashboard" "the view of all cells";
    Deployment "deployment" "a component in a cell";
    Endpoint "endpoint" "a DNS name of a cell";
    GcpProject "gcp_project" "a project of Google Cloud: a cell";
    Ou "ou" "an organizational unit";
    PermissionSet "permission_set" "a permission set of IAM Identity Center";
    Pipeline "pipeline" "the pipeline of a component";
    RepositoryPolicy "repository_policy" "who pulls from an ECR repository";
    RoleTrust "role_trust" "a cell's leave to assume a role outside";
    Router "router" "a routing table";
    Scp "scp" "a service control policy";
    ScpAttachment "scp_attachment" "a service control policy on a target";
    VpcEndpoint "vpc_endpoint" "a cell's private way to a service";
}

/// Where a resource comes from: an entity, and the place in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The entity.
    pub entity: EntityId,
    /// The place, when it is a part of the entity; else the entity's own.
    pub part: Option<Span>,
}

impl From<EntityId> for Source {
    fn from(entity: EntityId) -> Self {
        Self { entity, part: None }
    }
}

/// A resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its address.
    pub address: SmolStr,
    /// Its kind.
    pub kind: ResourceKind,
    /// The entities it comes from; at least one.
    pub sources: Vec<Source>,
    names: &'static [&'static str],
    values: Vec<Value>,
}

impl Resource {
    /// A resource of one source; `values` are in the order of `names`, and absent ones are [`Value::None`].
    fn new(
        kind: ResourceKind,
        address: impl Into<SmolStr>,
        names: &'static [&'static str],
        values: Vec<Value>,
        source: impl Into<Source>,
    ) -> Self {
        debug_assert_eq!(names.len(), values.len(), "each field has its value");
        Self { address: address.into(), kind, sources: vec![source.into()], names, values }
    }

    /// Its fields that are present, in the order of the normal form.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.names.iter().copied().zip(&self.values).filter(|(_, value)| !matches!(value, Value::None))
    }

    /// All its fields, those that are absent too.
    pub(crate) fn all_fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.names.iter().copied().zip(&self.values)
    }

    /// The value of a field by its place among [`Self::all_fields`].
    pub(crate) fn value(&self, at: usize) -> Option<&Value> {
        self.values.get(at)
    }

    /// Has it the very fields of another?
    pub(crate) fn has_fields_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.names, other.names)
    }

    /// A field, if it is present.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// What the families make resources from.
struct Plan<'w, 'p> {
    world: &'w World<'p>,
    fleet: Fleet,
}

/// Every resource of the expansion, by address.
pub fn derive(world: &World<'_>) -> Vec<Resource> {
    Resources::new(world).collect()
}

/// The resources of the expansion that are made one by one: all but deployments and assignments, in no order.
pub(crate) fn singles_of(world: &World<'_>) -> Vec<Resource> {
    singles(&Plan { world, fleet: Fleet::new(world) })
}

/// The resources that are made one by one.
fn singles(plan: &Plan<'_, '_>) -> Vec<Resource> {
    let mut all = Vec::new();
    ground(plan, &mut all);
    cells::belongings(plan, &mut all);
    deployments::pipelines(plan, &mut all);
    outbound::repository_policies(plan, &mut all);
    outbound::endpoints_and_trusts(plan, &mut all);
    monitoring::alarms(plan, &mut all);
    monitoring::dashboard(plan, &mut all);
    monitoring::routers(plan, &mut all);
    all
}

/// Those of them that decide who may do what: units, accounts, policies and permission sets.
fn ground(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    cells::units(plan, all);
    cells::accounts(plan, all);
    cells::policies(plan, all);
    access::permission_sets(plan, all);
}

/// The value of a field, or none.
fn field(world: &World<'_>, id: EntityId, name: &str) -> Value {
    world.field_or_none(id, name).clone()
}

/// The value of a field that may be left out: what is empty counts as absent.
fn unless_empty(value: Value) -> Value {
    let empty = match &value {
        Value::List(items) => items.is_empty(),
        Value::Set(members) => members.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    };
    if empty { Value::None } else { value }
}
