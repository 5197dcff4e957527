//! Alarms, the view of all cells, and routing tables.

use std::sync::Arc;

use cell_lang::schema::Kind;
use rayon::prelude::*;
use smol_str::{SmolStr, format_smolstr};

use super::cells::tags;
use super::{Plan, Resource, ResourceKind, field, naming, unless_empty};
use crate::rules::fleet::sound;
use crate::rules::read::Read;
use crate::value::{EntityId, Value};

const ALARM: &[&str] = &[
    "alarm",
    "cell",
    "name",
    "region",
    "dimension",
    "namespace",
    "metric",
    "ratio",
    "statistic",
    "period",
    "above",
    "below",
    "over",
    "min_requests",
    "missing",
    "tags",
];

/// Alarms: each in every cell that is not retired. The cell is always a dimension; `metrics` says under what name.
pub(super) fn alarms(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    let metrics = sound(world, Kind::Metrics).next();
    let dimension = metrics.map_or(Value::Str(SmolStr::new_static("cell")), |id| field(world, id, "dimension"));
    for alarm in sound(world, Kind::Alarm) {
        let label = naming::qualified(world, alarm);
        let own: Vec<Value> = ALARM[5..ALARM.len() - 1].iter().map(|name| field(world, alarm, name)).collect();
        let tags = tags(plan, alarm);
        let made = plan.fleet.cells.par_iter().filter(|cell| !cell.retired).map(|cell| {
            let cell = cell.id;
            let name = naming::alarm(&label, &naming::qualified(world, cell));
            let mut values = Vec::with_capacity(ALARM.len());
            values.extend([Value::Ref(alarm), Value::Ref(cell), Value::Str(name), field(world, cell, "region")]);
            values.push(dimension.clone());
            values.extend(own.iter().cloned());
            values.push(tags.clone());
            let address = naming::in_cell(world, "alarm", &label, cell);
            Resource::new(ResourceKind::Alarm, address, ALARM, values, alarm)
        });
        all.par_extend(made);
    }
}

/// The view of all cells, when there is a cell and an alarm.
pub(super) fn dashboard(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let alarms: Vec<EntityId> = sound(plan.world, Kind::Alarm).collect();
    let cells: Vec<EntityId> = plan.fleet.cells.iter().filter(|cell| !cell.retired).map(|cell| cell.id).collect();
    if alarms.is_empty() || cells.is_empty() {
        return;
    }
    all.push(Resource {
        address: SmolStr::new_static("dashboard.cells"),
        kind: ResourceKind::Dashboard,
        sources: alarms.iter().map(|alarm| (*alarm).into()).collect(),
        names: &["alarms", "cells"],
        values: vec![Value::Set(Arc::from(alarms)), Value::Set(Arc::from(cells))],
    });
}

const ROUTER: &[&str] = &["key", "mode", "map", "overrides", "cells", "tags"];

/// Routing tables.
pub(super) fn routers(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for router in sound(world, Kind::Router) {
        let of = |name| field(world, router, name);
        let values = vec![
            of("key"),
            of("mode"),
            of("map"),
            unless_empty(of("overrides")),
            Value::Set(sound_members(plan, router)),
            tags(plan, router),
        ];
        let address = format_smolstr!("router.{}", naming::qualified(world, router));
        all.push(Resource::new(ResourceKind::Router, address, ROUTER, values, router));
    }
}

fn sound_members(plan: &Plan<'_, '_>, router: EntityId) -> Arc<[EntityId]> {
    plan.world.members(router, "on").iter().copied().filter(|id| plan.fleet.cell(*id).is_some()).collect()
}
