//! The components of a cell in the order of their `after`, each with the target that its cloud asks for; and which
//! targets the repository of each component must have. Owns the order; what is done already is [`super::notes`]'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cell_lang::diagnostics::nearest;
use serde_json::{Map, Value as Json};

use crate::emit::to_json;
use crate::resources::naming;
use crate::rules::fleet::{Cell, Cloud, Component, Fleet};
use crate::rules::read::Read as _;
use crate::value::{EntityId, Value};
use crate::world::World;

/// What brings a cell into being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The cell's address.
    pub cell: String,
    /// `aws` or `gcp`.
    pub cloud: &'static str,
    /// Its components, each behind all that it comes after; else by address.
    pub steps: Vec<Step>,
}

/// A component of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its address.
    pub component: String,
    /// Its address without the kind.
    pub name: String,
    /// Where its repository is, as the program says it.
    pub repo: String,
    /// The make target for the cell's cloud; none when the component says none for it.
    pub target: Option<String>,
    /// The addresses of those of this cell that it says it comes after.
    pub after: Vec<String>,
    /// Its parameters for this cell; what is known only after apply is written `{"later": …}`.
    pub parameters: Map<String, Json>,
}

/// Why there is no course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The program has no such cell; these are near.
    Unknown(Vec<String>),
    /// The cell is out of use.
    Retired,
}

/// The course of a cell, named by its address or by its label alone.
pub fn course(world: &World<'_>, name: &str) -> Result<Course, Refused> {
    let fleet = Fleet::new(world);
    let full = format!("cell.{name}");
    let found = fleet.cells.iter().find(|cell| [name, &full].contains(&world.address(cell.id)));
    let Some(cell) = found.copied() else {
        let all: Vec<&str> = fleet.cells.iter().map(|cell| world.address(cell.id)).collect();
        let near = nearest(name, all.iter().copied(), 3);
        let near = if near.is_empty() { nearest(&full, all, 3) } else { near };
        return Err(Refused::Unknown(near.into_iter().map(str::to_owned).collect()));
    };
    if cell.retired {
        return Err(Refused::Retired);
    }
    let here: BTreeSet<EntityId> = fleet
        .components
        .iter()
        .filter(|component| fleet.cells_of(component).any(|other| other.id == cell.id))
        .map(|component| component.id)
        .collect();
    let steps = ordered(world, &fleet)
        .into_iter()
        .filter(|component| here.contains(&component.id))
        .map(|component| step(world, component, cell, &here))
        .collect();
    Ok(Course { cell: world.address(cell.id).to_owned(), cloud: cell.cloud.name(), steps })
}

/// All components, each behind those it comes after, else by address. It is done over all of them, so that the order
/// holds also over one that does not go into a cell.
fn ordered<'f>(world: &World<'_>, fleet: &'f Fleet) -> Vec<&'f Component> {
    let place: HashMap<EntityId, usize> = fleet.components.iter().enumerate().map(|(at, one)| (one.id, at)).collect();
    let mut waits: Vec<BTreeSet<usize>> = fleet
        .components
        .iter()
        .map(|one| world.members(one.id, "after").iter().filter_map(|id| place.get(id).copied()).collect())
        .collect();
    let mut left: BTreeSet<usize> = (0..fleet.components.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    // A program whose components wait for each other has an error and no course.
    while let Some(next) = left.iter().copied().find(|at| waits.get(*at).is_some_and(BTreeSet::is_empty)) {
        left.remove(&next);
        waits.iter_mut().for_each(|waits| _ = waits.remove(&next));
        order.extend(fleet.components.get(next));
    }
    order
}

fn step(world: &World<'_>, component: &Component, cell: Cell, here: &BTreeSet<EntityId>) -> Step {
    let id = component.id;
    let parameters = match world.evaluate_for(id, "parameters", cell.id) {
        Ok(value) => to_json(world, &value),
        // The rules have computed it for every cell before, and told what fails.
        Err(_) => Json::Null,
    };
    Step {
        component: world.address(id).to_owned(),
        name: naming::qualified(world, id).to_string(),
        repo: world.text(id, "repo").map(ToString::to_string).unwrap_or_default(),
        target: bootstrap(world, id).remove(cell.cloud.name()),
        after: world
            .members(id, "after")
            .iter()
            .filter(|other| here.contains(other))
            .map(|other| world.address(*other).to_owned())
            .collect(),
        parameters: parameters.as_object().cloned().unwrap_or_default(),
    }
}

/// The targets by cloud.
fn bootstrap(world: &World<'_>, id: EntityId) -> BTreeMap<String, String> {
    let Some(Value::Map(entries)) = world.get(id, "bootstrap") else { return BTreeMap::new() };
    let text = |value: &Value| match value {
        Value::Str(text) => Some(text.to_string()),
        _ => None,
    };
    entries.iter().filter_map(|(cloud, target)| Some((text(cloud)?, text(target)?))).collect()
}

/// The targets that the repository of a component must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// The component's address.
    pub component: String,
    /// Its address without the kind.
    pub name: String,
    /// Where its repository is, as the program says it.
    pub repo: String,
    /// Each target, and what asks for it: `build`, `bootstrap on aws`, `deploy`.
    pub targets: BTreeMap<String, Vec<String>>,
    /// Clouds of its cells for which it says no target of a bootstrap.
    pub none_for: Vec<&'static str>,
}

/// The targets of every component, by address: what builds it, what brings it into the clouds that its cells are on
/// (all it says, while it has no cell), and what its deploys by make run.
pub fn targets(world: &World<'_>) -> Vec<Targets> {
    let fleet = Fleet::new(world);
    fleet.components.iter().map(|one| wanted(world, &fleet, one)).collect()
}

fn wanted(world: &World<'_>, fleet: &Fleet, component: &Component) -> Targets {
    let id = component.id;
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ask = |target: &str, why: String| targets.entry(target.to_owned()).or_default().push(why);
    if let Some(build) = world.text(id, "build") {
        ask(build, "build".to_owned());
    }
    let clouds: Vec<Cloud> = [Cloud::Aws, Cloud::Gcp]
        .into_iter()
        .filter(|cloud| fleet.cells_of(component).any(|cell| cell.cloud == *cloud))
        .collect();
    let said = bootstrap(world, id);
    for (cloud, target) in &said {
        if clouds.is_empty() || clouds.iter().any(|used| used.name() == cloud) {
            ask(target, format!("bootstrap on {cloud}"));
        }
    }
    for deploy in component.deploys.iter().filter(|deploy| deploy.spec.name == "make") {
        if let Some(target) = deploy.text("target") {
            ask(target, "deploy".to_owned());
        }
    }
    Targets {
        component: world.address(id).to_owned(),
        name: naming::qualified(world, id).to_string(),
        repo: world.text(id, "repo").map(ToString::to_string).unwrap_or_default(),
        targets,
        none_for: clouds.iter().map(|cloud| cloud.name()).filter(|cloud| !said.contains_key(*cloud)).collect(),
    }
}
