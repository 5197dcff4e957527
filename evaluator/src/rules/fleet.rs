//! What many rules and resources ask of the expansion, read once: cells with their kind and cloud, components
//! with their cells and deploys, rollouts with their waves. Owns no rule and reports nothing; holds no entity
//! that has an error.

use std::collections::HashMap;
use std::sync::Arc;

use cell_lang::schema::Kind;

use super::read::{Read, items};
use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// The account of pipelines.
pub(crate) const DEPLOYMENT: &str = "account.deployment";
/// The accounts in which the view of all cells may be, the first that there is.
pub(crate) const SHARED: [&str; 2] = ["account.monitoring", DEPLOYMENT];

/// Which cloud a cell is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// Amazon's.
    Aws,
    /// Google's.
    Gcp,
}

impl Cloud {
    /// As a program writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        }
    }
}

/// A cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Which entity.
    pub(crate) id: EntityId,
    /// Is it production?
    pub(crate) prod: bool,
    /// Is it a developer's?
    pub(crate) dev: bool,
    /// Where it is.
    pub(crate) cloud: Cloud,
    /// Does it take new releases: neither draining nor retired?
    pub(crate) active: bool,
    /// Is it out of use?
    pub(crate) retired: bool,
}

/// A component.
#[derive(Debug)]
pub(crate) struct Component {
    /// Which entity.
    pub(crate) id: EntityId,
    /// Its deploys, in the order of the program.
    pub(crate) deploys: Vec<Arc<BlockValue>>,
    /// Its rollout.
    pub(crate) rollout: Option<EntityId>,
    only: Option<Arc<[EntityId]>>,
    fits: [Vec<usize>; 2],
}

impl Component {
    /// What it says in `only`.
    pub(crate) fn only(&self) -> Option<&[EntityId]> {
        self.only.as_deref()
    }

    /// The places of the deploys that fit a cell of this cloud.
    pub(crate) fn fits(&self, cloud: Cloud) -> &[usize] {
        &self.fits[cloud as usize]
    }

    /// The deploy for a cell of this cloud, if it is one.
    pub(crate) fn deploy(&self, cloud: Cloud) -> Option<&Arc<BlockValue>> {
        match self.fits(cloud) {
            [one] => self.deploys.get(*one),
            _ => None,
        }
    }
}

/// A wave.
#[derive(Debug)]
pub(crate) struct Wave {
    /// What it says.
    pub(crate) block: Arc<BlockValue>,
    /// Its cells, without those that have an error.
    pub(crate) cells: Vec<Cell>,
}

impl Wave {
    /// Its label.
    pub(crate) fn label(&self) -> &str {
        self.block.title()
    }

    /// Does it hold a production cell?
    pub(crate) fn is_production(&self) -> bool {
        self.cells.iter().any(|cell| cell.prod)
    }
}

/// A rollout.
#[derive(Debug)]
pub(crate) struct Rollout {
    /// Which entity.
    pub(crate) id: EntityId,
    /// Its waves, in the order of the program.
    pub(crate) waves: Vec<Wave>,
    by_cell: HashMap<EntityId, Vec<usize>>,
}

impl Rollout {
    /// The places of the waves that a cell is in.
    pub(crate) fn waves_of(&self, cell: EntityId) -> &[usize] {
        self.by_cell.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// The first wave that a cell is in: the one that brings it a release.
    pub(crate) fn wave_of(&self, cell: EntityId) -> Option<&Wave> {
        self.waves_of(cell).first().and_then(|at| self.waves.get(*at))
    }
}

/// The expansion as rules and resources see it.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Cells, by address.
    pub(crate) cells: Vec<Cell>,
    /// Components, by address.
    pub(crate) components: Vec<Component>,
    /// Rollouts, by address.
    pub(crate) rollouts: Vec<Rollout>,
    cell_at: HashMap<EntityId, usize>,
    rollout_at: HashMap<EntityId, usize>,
}

impl Fleet {
    /// Reads it.
    pub(crate) fn new(world: &World<'_>) -> Self {
        let cells: Vec<Cell> = sound(world, Kind::Cell).filter_map(|id| cell(world, id)).collect();
        let cell_at: HashMap<EntityId, usize> = cells.iter().enumerate().map(|(at, cell)| (cell.id, at)).collect();
        let known = |id: &EntityId| cell_at.get(id).and_then(|at| cells.get(*at)).copied();
        let components = sound(world, Kind::Component).map(|id| component(world, id)).collect();
        let rollouts: Vec<Rollout> = sound(world, Kind::Rollout).map(|id| rollout(world, id, known)).collect();
        let rollout_at = rollouts.iter().enumerate().map(|(at, rollout)| (rollout.id, at)).collect();
        Self { cells, components, rollouts, cell_at, rollout_at }
    }

    /// The cell, unless it has an error.
    pub(crate) fn cell(&self, id: EntityId) -> Option<Cell> {
        self.cell_at.get(&id).and_then(|at| self.cells.get(*at)).copied()
    }

    /// The rollout, unless it has an error.
    pub(crate) fn rollout(&self, id: EntityId) -> Option<&Rollout> {
        self.rollout_at.get(&id).and_then(|at| self.rollouts.get(*at))
    }

    /// The cells a component goes to: those of `only`, else all; none that is retired.
    pub(crate) fn cells_of(&self, component: &Component) -> impl Iterator<Item = Cell> + '_ {
        self.cells_with(component).filter(|cell| !cell.retired)
    }

    /// The cells a component is or was in: those of `only`, else all.
    pub(crate) fn cells_with(&self, component: &Component) -> impl Iterator<Item = Cell> + '_ {
        let only: Option<Vec<Cell>> =
            component.only.as_ref().map(|only| only.iter().filter_map(|id| self.cell(*id)).collect());
        let all = if only.is_none() { self.cells.as_slice() } else { &[] };
        only.into_iter().flatten().chain(all.iter().copied())
    }
}

/// The entities of a kind that have no error, by address.
pub(crate) fn sound<'w>(world: &'w World<'_>, kind: Kind) -> impl Iterator<Item = EntityId> + 'w {
    world.of(kind).iter().copied().filter(|id| world.ok(*id))
}

fn cell(world: &World<'_>, id: EntityId) -> Option<Cell> {
    let kind = world.text(id, "kind")?;
    let cloud = if world.is(id, "cloud", "gcp") { Cloud::Gcp } else { Cloud::Aws };
    Some(Cell {
        id,
        prod: kind == "prod",
        dev: kind == "dev",
        cloud,
        active: world.is(id, "state", "active"),
        retired: world.is(id, "state", "retired"),
    })
}

fn component(world: &World<'_>, id: EntityId) -> Component {
    let deploys: Vec<Arc<BlockValue>> = world.blocks(id, "deploy").into_iter().cloned().collect();
    let fits = [Cloud::Aws, Cloud::Gcp].map(|cloud| {
        let fit = |deploy: &BlockValue| deploy.get("clouds").is_none_or(|clouds| holds(clouds, cloud.name()));
        deploys.iter().enumerate().filter(|(_, deploy)| fit(deploy)).map(|(at, _)| at).collect()
    });
    let only = match world.get(id, "only") {
        Some(Value::Set(only)) => Some(Arc::clone(only)),
        _ => None,
    };
    Component { id, deploys, rollout: world.entity_at(id, "rollout"), only, fits }
}

fn holds(list: &Value, text: &str) -> bool {
    items(list).iter().any(|item| matches!(item, Value::Str(found) if found == text))
}

fn rollout(world: &World<'_>, id: EntityId, known: impl Fn(&EntityId) -> Option<Cell>) -> Rollout {
    let mut by_cell: HashMap<EntityId, Vec<usize>> = HashMap::new();
    let mut waves = Vec::new();
    for block in world.blocks(id, "wave") {
        let cells: Vec<Cell> = block.members("on").iter().filter_map(&known).collect();
        for cell in &cells {
            by_cell.entry(cell.id).or_default().push(waves.len());
        }
        waves.push(Wave { block: Arc::clone(block), cells });
    }
    Rollout { id, waves, by_cell }
}
