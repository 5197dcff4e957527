//! Components in cells, and the pipelines that bring them there.

use rayon::prelude::*;
use smol_str::{SmolStr, format_smolstr};

use super::cells::tags;
use super::{Plan, Resource, ResourceKind, Source, field, naming};
use crate::rules::fleet::{Cell, Cloud, Component, Rollout};
use crate::value::{BlockValue, Value};

macro_rules! deployment {
    ($name:ident $($own:literal)*) => {
        const $name: &[&str] = &[
            "component", "cell", "sort", "account", "project", "region", $($own,)* "rollout", "wave", "parameters", "tags",
        ];
    };
}

deployment!(CLOUDFORMATION "stack" "template" "capabilities");
deployment!(KUBERNETES "namespace" "workload" "container" "cluster");
deployment!(MAKE "target");

/// Deployments: each component in each of its cells. A cell for which not exactly one deploy fits has none.
pub(super) fn deployments(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let places: Vec<Place> = plan.fleet.cells.par_iter().map(|cell| Place::new(plan, *cell)).collect();
    for component in &plan.fleet.components {
        let of = Of::new(plan, component);
        // Cells are by address, and so are those of `only`.
        let cells: Vec<&Place> = match component.only() {
            None => places.iter().collect(),
            Some(only) => {
                let index = |id| {
                    places.binary_search_by(|place| plan.world.address(place.cell.id).cmp(plan.world.address(id)))
                };
                only.iter().filter_map(|id| index(*id).ok()).filter_map(|at| places.get(at)).collect()
            }
        };
        all.par_extend(cells.par_iter().filter_map(|place| deployment(plan, &of, place)));
    }
}

/// A cell, with what every deployment in it says.
struct Place {
    cell: Cell,
    account: Value,
    project: Value,
    region: Value,
}

impl Place {
    fn new(plan: &Plan<'_, '_>, cell: Cell) -> Self {
        let (account, project) = match cell.cloud {
            Cloud::Aws => (naming::account(plan.world, cell.id), Value::None),
            Cloud::Gcp => (Value::None, field(plan.world, cell.id, "project")),
        };
        Self { cell, account, project, region: field(plan.world, cell.id, "region") }
    }
}

/// A component, with what all its deployments say.
struct Of<'a> {
    component: &'a Component,
    label: SmolStr,
    rollout: Option<&'a Rollout>,
    tags: Value,
    has_parameters: bool,
}

impl<'a> Of<'a> {
    fn new(plan: &'a Plan<'_, '_>, component: &'a Component) -> Self {
        Self {
            component,
            label: naming::qualified(plan.world, component.id),
            rollout: component.rollout.and_then(|id| plan.fleet.rollout(id)),
            tags: tags(plan, component.id),
            has_parameters: plan.world.setting(component.id, "parameters").is_some(),
        }
    }
}

fn deployment(plan: &Plan<'_, '_>, of: &Of<'_>, place: &Place) -> Option<Resource> {
    let (world, cell, component) = (plan.world, place.cell, of.component);
    let deploy = component.deploy(cell.cloud)?;
    let parameters = if of.has_parameters {
        super::unless_empty(world.evaluate_for(component.id, "parameters", cell.id).ok()?)
    } else {
        Value::None
    };
    let wave = of.rollout.and_then(|rollout| rollout.wave_of(cell.id)).and_then(|wave| wave.block.label.clone());
    let rollout = wave.as_ref().and(of.rollout).map_or(Value::None, |rollout| Value::Ref(rollout.id));
    let mut values = Vec::with_capacity(CLOUDFORMATION.len() + 1);
    values.extend([Value::Ref(component.id), Value::Ref(cell.id), Value::Str(SmolStr::new_static(deploy.spec.name))]);
    values.extend([place.account.clone(), place.project.clone(), place.region.clone()]);
    let names = own(deploy, &mut values, || naming::stack(world, deploy, component.id, cell.id));
    values.extend([rollout, wave.map_or(Value::None, Value::Str), parameters, of.tags.clone()]);
    let address = naming::in_cell(world, "deployment", &of.label, cell.id);
    let source = Source { entity: component.id, part: Some(deploy.span) };
    Some(Resource::new(ResourceKind::Deployment, address, names, values, source))
}

/// Adds what only this sort of deploy says; gives the names of all.
fn own(deploy: &BlockValue, values: &mut Vec<Value>, stack: impl FnOnce() -> SmolStr) -> &'static [&'static str] {
    let of = |name: &str| super::unless_empty(deploy.field(name).cloned().unwrap_or(Value::None));
    match deploy.spec.name {
        "cloudformation" => {
            values.extend([Value::Str(stack()), of("template"), of("capabilities")]);
            CLOUDFORMATION
        }
        "kubernetes" => {
            values.extend(["namespace", "workload", "container", "cluster"].map(of));
            KUBERNETES
        }
        _ => {
            values.push(of("target"));
            MAKE
        }
    }
}

const PIPELINE: &[&str] =
    &["component", "name", "repo", "build", "bootstrap", "artifact", "rollout", "after", "tags"];

/// Pipelines: one for each component.
pub(super) fn pipelines(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for component in &plan.fleet.components {
        let id = component.id;
        let label = naming::qualified(world, id);
        let of = |name| super::unless_empty(field(world, id, name));
        let mut values = vec![Value::Ref(id), Value::Str(label.clone())];
        values.extend(["repo", "build", "bootstrap", "artifact", "rollout", "after"].map(of));
        values.push(tags(plan, id));
        let address = format_smolstr!("pipeline.{label}");
        all.push(Resource::new(ResourceKind::Pipeline, address, PIPELINE, values, id));
    }
}
