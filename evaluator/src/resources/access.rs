//! Permission sets, and who is given which where.

use std::collections::HashMap;
use std::sync::Arc;

use cell_lang::schema::Kind;
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

/// Permission sets, each with its statements as one inline policy.
pub(super) fn permission_sets(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for set in sound(world, Kind::PermissionSet) {
        let of = |name| unless_empty(field(world, set, name));
        let inline = policy::document(&policy::statements(world, set)).unwrap_or(Value::None);
        let values = vec![
            Value::Str(world.entity(set).label.clone()),
            of("description"),
            of("session"),
            of("managed"),
            of("customer_managed"),
            inline,
            of("boundary"),
            of("relay_state"),
            of("rollout"),
            tags(plan, set),
        ];
        all.push(Resource::new(ResourceKind::PermissionSet, world.address(set), SET, values, set));
    }
}

/// A grant in one account to one principal.
struct Given {
    address: SmolStr,
    set: EntityId,
    principal: EntityId,
    target: EntityId,
    expires: Value,
    grant: EntityId,
}

/// Assignments: each grant, for each of its accounts, to each of its principals there. Grants that come to one
/// assignment are its sources; it expires when the last of them does, and never if one of them never does.
pub(super) fn assignments(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    let grants: Vec<EntityId> = sound(world, Kind::Grant).collect();
    let given: Vec<Vec<Given>> = grants.par_iter().map(|grant| of_grant(plan, *grant)).collect();
    let mut at: HashMap<SmolStr, usize> = HashMap::new();
    let mut merged: Vec<(Given, Vec<Source>)> = Vec::new();
    for one in given.into_iter().flatten() {
        if let Some((first, sources)) = at.get(&one.address).and_then(|at| merged.get_mut(*at)) {
            first.expires = later_of(&first.expires, &one.expires);
            let source = Source::from(one.grant);
            if !sources.contains(&source) {
                sources.push(source);
            }
        } else {
            at.insert(one.address.clone(), merged.len());
            let sources = vec![one.grant.into()];
            merged.push((one, sources));
        }
    }
    all.extend(merged.into_iter().map(|(given, sources)| assignment(world, given, sources)));
}

fn later_of(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Date(a), Value::Date(b)) => Value::Date(*a.max(b)),
        _ => Value::None,
    }
}

fn of_grant(plan: &Plan<'_, '_>, grant: EntityId) -> Vec<Given> {
    let world = plan.world;
    let Some(set) = world.entity_at(grant, "can").filter(|set| world.ok(*set)) else { return Vec::new() };
    let (label, expires) = (naming::qualified(world, set), field(world, grant, "expires"));
    let on = world.members(grant, "on");
    let reached = |target: &EntityId| {
        let Ok(to) = world.evaluate_for(grant, "to", *target) else { return Vec::new() };
        let one = |principal: EntityId| Given {
            address: format_smolstr!("assignment.{label}/{}/{}", world.address(principal), world.address(*target)),
            set,
            principal,
            target: *target,
            expires: expires.clone(),
            grant,
        };
        entities(&to).into_iter().filter(|principal| world.ok(*principal)).map(one).collect()
    };
    on.par_iter().filter(|target| is_account(plan, **target)).flat_map_iter(reached).collect()
}

fn is_account(plan: &Plan<'_, '_>, target: EntityId) -> bool {
    match plan.world.kind(target) {
        Kind::Account => plan.world.ok(target),
        _ => plan.fleet.cell(target).is_some_and(|cell| cell.cloud == Cloud::Aws),
    }
}

const ASSIGNMENT: &[&str] = &["permission_set", "principal", "target", "account", "expires", "reasons"];

fn assignment(world: &World<'_>, given: Given, sources: Vec<Source>) -> Resource {
    let reasons: Vec<Value> =
        sources.iter().filter_map(|source| world.get(source.entity, "reason").cloned()).collect();
    let values = vec![
        Value::Ref(given.set),
        Value::Ref(given.principal),
        Value::Ref(given.target),
        naming::account(world, given.target),
        given.expires,
        unless_empty(Value::List(Arc::from(reasons))),
    ];
    Resource { address: given.address, kind: ResourceKind::Assignment, sources, names: ASSIGNMENT, values }
}
