//! Components in cells, and the pipelines that bring them there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::cells::tags;
use super::{Plan, Resource, ResourceKind, Source, field, naming};
use crate::expand::ForTargets;
use crate::rules::fleet::{Cell, Cloud, Component, Rollout};
use crate::value::{BlockValue, EntityId, Value};

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
pub(super) fn deployments(plan: &Plan<'_, '_>, places: &[Place]) -> Vec<Deployments> {
    let mut waves: HashMap<EntityId, Waves> = HashMap::new();
    let run = |(at, component): (usize, &Component)| {
        let rollout = component.rollout.and_then(|id| plan.fleet.rollout(id));
        let waves =
            rollout.map(|rollout| Arc::clone(waves.entry(rollout.id).or_insert_with(|| all_waves(rollout, places))));
        Deployments::new(plan, (at, component), places, waves)
    };
    plan.fleet.components.iter().enumerate().map(run).collect()
}

/// For each place the label of the wave that brings it a release, and the rollout of that wave.
type Waves = Arc<[Option<(EntityId, SmolStr)>]>;

fn all_waves(rollout: &Rollout, places: &[Place]) -> Waves {
    let wave = |place: &Place| rollout.wave_of(place.cell.id)?.block.label.clone().map(|label| (rollout.id, label));
    places.iter().map(wave).collect()
}

/// A cell, with what every deployment in it says.
pub(super) struct Place {
    cell: Cell,
    account: Value,
    project: Value,
    region: Value,
}

impl Place {
    pub(super) fn new(plan: &Plan<'_, '_>, cell: Cell) -> Self {
        let (account, project) = match cell.cloud {
            Cloud::Aws => (naming::account(plan.world, cell.id), Value::None),
            Cloud::Gcp => (Value::None, field(plan.world, cell.id, "project")),
        };
        Self { cell, account, project, region: field(plan.world, cell.id, "region") }
    }
}

/// The deployments of a component, with what all of them say.
pub(super) struct Deployments {
    /// Its place in the fleet.
    component: usize,
    /// `deployment.component/`
    key: SmolStr,
    /// The places it goes to, when it says `only`.
    only: Option<Vec<usize>>,
    count: usize,
    waves: Option<Waves>,
    tags: Value,
    has_parameters: bool,
}

impl Deployments {
    fn new(
        plan: &Plan<'_, '_>,
        (at, component): (usize, &Component),
        places: &[Place],
        waves: Option<Waves>,
    ) -> Self {
        // Cells are by address, and so are those of `only`.
        let index = |id: &EntityId| {
            places.binary_search_by(|place| plan.world.address(place.cell.id).cmp(plan.world.address(*id)))
        };
        let only: Option<Vec<usize>> =
            component.only().map(|only| only.iter().filter_map(|id| index(id).ok()).collect());
        Self {
            component: at,
            key: naming::in_cells("deployment", &naming::qualified(plan.world, component.id)),
            count: only.as_ref().map_or(places.len(), Vec::len),
            only,
            waves,
            tags: tags(plan, component.id),
            has_parameters: plan.world.setting(component.id, "parameters").is_some(),
        }
    }

    /// How all their addresses begin.
    pub(super) fn key(&self) -> &SmolStr {
        &self.key
    }

    /// How many there are at most.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Makes some of them.
    pub(super) fn make(&self, plan: &Plan<'_, '_>, places: &[Place], part: Range<usize>, all: &mut Vec<Resource>) {
        let Some(component) = plan.fleet.components.get(self.component) else { return };
        let parameters = self.has_parameters.then(|| plan.world.for_targets(component.id, "parameters"));
        let mut of = Of { run: self, component, parameters };
        for at in part {
            let place = self.only.as_ref().map_or(Some(at), |only| only.get(at).copied());
            let place = place.and_then(|at| Some((at, places.get(at)?)));
            all.extend(place.and_then(|place| deployment(plan, &mut of, place)));
        }
    }
}

/// A component whose deployments are made.
struct Of<'a, 'w, 'p> {
    run: &'a Deployments,
    component: &'a Component,
    parameters: Option<ForTargets<'w, 'p>>,
}

fn deployment(plan: &Plan<'_, '_>, of: &mut Of<'_, '_, '_>, (at, place): (usize, &Place)) -> Option<Resource> {
    let (world, cell, component) = (plan.world, place.cell, of.component);
    let deploy = component.deploy(cell.cloud)?;
    let parameters = match &mut of.parameters {
        Some(parameters) => super::unless_empty(parameters.value(cell.id).ok()?),
        None => Value::None,
    };
    let wave = of.run.waves.as_ref().and_then(|waves| waves.get(at)?.as_ref());
    let (rollout, wave) =
        wave.map_or((Value::None, Value::None), |(rollout, label)| (Value::Ref(*rollout), Value::Str(label.clone())));
    let mut values = Vec::with_capacity(CLOUDFORMATION.len() + 1);
    values.extend([Value::Ref(component.id), Value::Ref(cell.id), Value::Str(SmolStr::new_static(deploy.spec.name))]);
    values.extend([place.account.clone(), place.project.clone(), place.region.clone()]);
    let names = own(deploy, &mut values, || naming::stack(world, deploy, component.id, cell.id));
    values.extend([rollout, wave, parameters, of.run.tags.clone()]);
    let address = naming::joined(&of.run.key, world.address(cell.id));
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
