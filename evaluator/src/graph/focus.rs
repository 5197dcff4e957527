//! What a picture is about when it is not about everything. Owns what each kind of address brings along.

use std::collections::HashSet;

use cell_lang::diagnostics::suggest;
use cell_lang::schema::Kind;

use crate::rules::fleet::{Fleet, sound};
use crate::rules::read::Read;
use crate::value::{EntityId, Value};
use crate::world::World;

/// An address that cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDrawn {
    /// The fact.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// What is kept. Without a focus, everything is.
#[derive(Debug, Default)]
pub(super) struct Focus {
    whole: bool,
    /// Cells and accounts.
    targets: HashSet<EntityId>,
    /// Those whose grants are all kept.
    granted: HashSet<EntityId>,
    /// Grants that are kept with all they reach.
    grants: HashSet<EntityId>,
    /// People who alone are kept of the grants they have.
    people: HashSet<EntityId>,
    /// Rollouts; all that reach a kept cell, when none is named.
    rollouts: HashSet<EntityId>,
}

impl Focus {
    pub(super) fn new(world: &World<'_>, fleet: &Fleet, only: &[String]) -> Result<Self, NotDrawn> {
        let mut focus = Self { whole: only.is_empty(), ..Self::default() };
        for address in only {
            let Some(id) = world.find(address) else { return Err(unknown(world, address)) };
            focus.take(world, fleet, id).ok_or_else(|| NotDrawn {
                message: format!("{address} is in no picture"),
                help: Some(
                    "name a cell, an account, an ou, a group, a user, a permission_set, a grant or a rollout".into(),
                ),
            })?;
        }
        Ok(focus)
    }

    fn take(&mut self, world: &World<'_>, fleet: &Fleet, id: EntityId) -> Option<()> {
        match world.kind(id) {
            Kind::Cell | Kind::Account => {
                self.targets.insert(id);
                self.granted.insert(id);
            }
            Kind::Ou => {
                let all = targets(world).filter(|target| units(world, *target).contains(&id));
                let all: Vec<EntityId> = all.collect();
                self.targets.extend(&all);
                self.granted.extend(all);
            }
            Kind::Group | Kind::User => {
                self.people.insert(id);
                for grant in sound(world, Kind::Grant) {
                    let reached = reached_by(world, grant, id);
                    if !reached.is_empty() {
                        self.grants.insert(grant);
                        self.targets.extend(reached);
                    }
                }
            }
            Kind::PermissionSet | Kind::Grant => {
                let of = |grant: &EntityId| *grant == id || world.entity_at(*grant, "can") == Some(id);
                for grant in sound(world, Kind::Grant).filter(of) {
                    self.grants.insert(grant);
                    self.targets.extend(world.members(grant, "on"));
                }
            }
            Kind::Rollout => {
                self.rollouts.insert(id);
                let waves = fleet.rollout(id).into_iter().flat_map(|rollout| &rollout.waves);
                self.targets.extend(waves.flat_map(|wave| &wave.cells).map(|cell| cell.id));
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn keeps_target(&self, id: EntityId) -> bool {
        self.whole || self.targets.contains(&id)
    }

    /// Is the grant kept, on this cell or account?
    pub(super) fn keeps_grant(&self, grant: EntityId, target: EntityId) -> bool {
        self.whole
            || self.granted.contains(&target)
            || (self.grants.contains(&grant) && self.targets.contains(&target))
    }

    pub(super) fn keeps_person(&self, id: EntityId) -> bool {
        self.people.is_empty() || self.people.contains(&id)
    }

    pub(super) fn keeps_rollout(&self, id: EntityId) -> bool {
        self.rollouts.is_empty() || self.rollouts.contains(&id)
    }
}

/// Cells, then accounts.
pub(super) fn targets<'w>(world: &'w World<'_>) -> impl Iterator<Item = EntityId> + 'w {
    sound(world, Kind::Cell).chain(sound(world, Kind::Account))
}

/// The unit of a cell or an account, and those above it. A tree of units was checked to be one.
pub(super) fn units(world: &World<'_>, target: EntityId) -> Vec<EntityId> {
    let mut all = Vec::new();
    let mut next = world.entity_at(target, "ou");
    while let Some(unit) = next.filter(|unit| !all.contains(unit)) {
        all.push(unit);
        next = world.entity_at(unit, "parent");
    }
    all
}

/// The cells and accounts in which a grant is given to somebody.
fn reached_by(world: &World<'_>, grant: EntityId, person: EntityId) -> Vec<EntityId> {
    let on = world.members(grant, "on");
    match world.get(grant, "to") {
        Some(Value::PerTarget(_)) => {
            let given = |target: &EntityId| {
                world.evaluate_for(grant, "to", *target).is_ok_and(|to| to.refs().contains(&person))
            };
            on.iter().copied().filter(given).collect()
        }
        Some(to) if to.refs().contains(&person) => on.to_vec(),
        _ => Vec::new(),
    }
}

fn unknown(world: &World<'_>, address: &str) -> NotDrawn {
    let all = world.entities().map(|(id, _)| world.address(id));
    NotDrawn { message: format!("there is no `{address}`"), help: suggest(address, "addresses", all) }
}
