//! Permission sets, and who is given which where.

use std::ops::Range;
use std::sync::Arc;

use cell_lang::schema::Kind;
use indexmap::IndexMap;
use rayon::prelude::*;
use smol_str::{SmolStr, format_smolstr};

use super::cells::tags;
use super::{Plan, Resource, ResourceKind, Source, field, naming, policy, unless_empty};
use crate::rules::fleet::{Cloud, sound};
use crate::rules::read::{Read, entities};
use crate::value::{EntityId, Value};
use crate::world::World;

const SET: &[&str] = &[
    "name",
    "description",
    "session",
    "managed",
    "customer_managed",
    "inline",
    "boundary",
    "relay_state",
    "rollout",
    "tags",
];

/// Permission sets, each with its statements, or the document of its file, as one inline policy.
pub(super) fn permission_sets(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for set in sound(world, Kind::PermissionSet) {
        let of = |name| unless_empty(field(world, set, name));
        let values = vec![
            Value::Str(world.name(set).into()),
            of("description"),
            of("session"),
            of("managed"),
            of("customer_managed"),
            policy::of(world, set).unwrap_or(Value::None),
            of("boundary"),
            of("relay_state"),
            of("rollout"),
            tags(plan, set),
        ];
        all.push(Resource::new(ResourceKind::PermissionSet, world.address(set), SET, values, set));
    }
}

/// The assignments of a permission set to a principal: one for each account that a grant of it reaches.
pub(super) struct Assignments {
    /// `assignment.Set/group.g/`
    key: SmolStr,
    set: EntityId,
    principal: EntityId,
    /// Accounts with the grants that reach them: by address, the grants of one by address too, none twice.
    given: Vec<(EntityId, EntityId)>,
    /// Where in `given` each account begins.
    starts: Vec<u32>,
}

impl Assignments {
    fn new(world: &World<'_>, (set, principal): (EntityId, EntityId), mut given: Vec<(EntityId, EntityId)>) -> Self {
        // Stable: grants stay in their order. One grant alone is in order already, which this finds at once.
        given.sort_by(|(a, _), (b, _)| world.address(*a).cmp(world.address(*b)));
        given.dedup();
        let first = |at: &u32| {
            let at = *at as usize;
            at == 0 || given.get(at).map(|(target, _)| target) != given.get(at - 1).map(|(target, _)| target)
        };
        let starts = (0..given.len() as u32).filter(first).collect();
        let key = format_smolstr!("assignment.{}/{}/", naming::qualified(world, set), world.address(principal));
        Self { key, set, principal, given, starts }
    }

    /// How all their addresses begin.
    pub(super) fn key(&self) -> &SmolStr {
        &self.key
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Makes some of them.
    pub(super) fn make(&self, world: &World<'_>, part: Range<usize>, all: &mut Vec<Resource>) {
        let start = |at: usize| self.starts.get(at).map_or(self.given.len(), |start| *start as usize);
        let given = part.filter_map(|at| self.given.get(start(at)..start(at + 1)));
        all.extend(given.filter_map(|given| self.assignment(world, given)));
    }

    fn assignment(&self, world: &World<'_>, given: &[(EntityId, EntityId)]) -> Option<Resource> {
        let target = given.first()?.0;
        let expires = given.iter().map(|(_, grant)| field(world, *grant, "expires"));
        let reasons: Vec<Value> =
            given.iter().filter_map(|(_, grant)| world.get(*grant, "reason").cloned()).collect();
        let values = vec![
            Value::Ref(self.set),
            Value::Ref(self.principal),
            Value::Ref(target),
            naming::account(world, target),
            expires.reduce(|a, b| later_of(&a, &b))?,
            if reasons.is_empty() { Value::None } else { Value::List(Arc::from(reasons)) },
        ];
        let sources = given.iter().map(|(_, grant)| Source::from(*grant)).collect();
        let address = naming::joined(&self.key, world.address(target));
        Some(Resource { address, kind: ResourceKind::Assignment, sources, names: ASSIGNMENT, values })
    }
}

/// Assignments: each grant, for each of its accounts, to each of its principals there. Grants that come to one
/// assignment are its sources; it expires when the last of them does, and never if one of them never does.
pub(super) fn assignments(plan: &Plan<'_, '_>) -> Vec<Assignments> {
    let world = plan.world;
    let grants: Vec<EntityId> = sound(world, Kind::Grant).collect();
    let given: Vec<_> = grants.par_iter().map(|grant| (*grant, of_grant(plan, *grant))).collect();
    let mut all: IndexMap<(EntityId, EntityId), Vec<(EntityId, EntityId)>> = IndexMap::new();
    for (grant, (set, reached)) in given.into_iter().filter_map(|(grant, of)| Some((grant, of?))) {
        for (principal, target) in reached {
            all.entry((set, principal)).or_default().push((target, grant));
        }
    }
    let all: Vec<_> = all.into_iter().collect();
    all.into_par_iter().map(|(of, given)| Assignments::new(world, of, given)).collect()
}

fn later_of(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Date(a), Value::Date(b)) => Value::Date(*a.max(b)),
        _ => Value::None,
    }
}

/// The permission set of a grant, and its principals with the accounts where it reaches them.
fn of_grant(plan: &Plan<'_, '_>, grant: EntityId) -> Option<(EntityId, Vec<(EntityId, EntityId)>)> {
    let world = plan.world;
    let set = world.entity_at(grant, "can").filter(|set| world.ok(*set))?;
    let to = || world.for_targets(grant, "to");
    let targets = world.members(grant, "on").par_iter().filter(|target| is_account(plan, **target));
    let reached = targets.map_init(to, |to, target| {
        let principals = to.value(*target).map(|to| entities(&to)).unwrap_or_default();
        principals
            .into_iter()
            .filter(|principal| world.ok(*principal))
            .map(|principal| (principal, *target))
            .collect()
    });
    let reached: Vec<Vec<(EntityId, EntityId)>> = reached.collect();
    Some((set, reached.into_iter().flatten().collect()))
}

fn is_account(plan: &Plan<'_, '_>, target: EntityId) -> bool {
    match plan.world.kind(target) {
        Kind::Account => plan.world.ok(target),
        _ => plan.fleet.cell(target).is_some_and(|cell| cell.cloud == Cloud::Aws),
    }
}

const ASSIGNMENT: &[&str] = &["permission_set", "principal", "target", "account", "expires", "reasons"];
