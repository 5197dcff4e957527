//! The courses that a program writes. Owns which waves bring a component or a permission set to its cells; cells in no wave
//! follow by their `track`.

use std::collections::BTreeSet;

use cell_lang::schema::Kind;
use jiff::SignedDuration;

use super::course::{Course, OnAlarm, Wave};
use super::window::Window;
use crate::rules::fleet::{Cell, Fleet, Rollout, sound};
use crate::rules::read::Read as _;
use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// What is released, by address: each component, and each permission set that names a rollout.
pub fn courses(world: &World<'_>) -> Vec<Course> {
    let fleet = Fleet::new(world);
    let mut all: Vec<Course> = Vec::new();
    for component in &fleet.components {
        let cells: Vec<Cell> =
            fleet.cells_of(component).filter(|cell| component.deploy(cell.cloud).is_some()).collect();
        let rollout = component.rollout.and_then(|id| fleet.rollout(id));
        all.push(course(world, component.id, rollout, &cells));
    }
    for set in sound(world, Kind::PermissionSet) {
        let Some(rollout) = world.entity_at(set, "rollout").and_then(|id| fleet.rollout(id)) else { continue };
        let cells: Vec<Cell> = rollout.waves.iter().flat_map(|wave| &wave.cells).copied().collect();
        all.push(course(world, set, Some(rollout), &cells));
    }
    all.sort_by(|a, b| a.of.cmp(&b.of));
    all
}

/// The cells that are drained, which a rollout passes by.
pub fn drained(world: &World<'_>) -> BTreeSet<String> {
    let drained = sound(world, Kind::Cell).filter(|id| world.is(*id, "state", "draining"));
    drained.map(|id| world.address(id).to_owned()).collect()
}

fn course(world: &World<'_>, of: EntityId, rollout: Option<&Rollout>, cells: &[Cell]) -> Course {
    let own: BTreeSet<EntityId> = cells.iter().map(|cell| cell.id).collect();
    let mut taken: BTreeSet<EntityId> = BTreeSet::new();
    let mut waves = Vec::new();
    for wave in rollout.iter().flat_map(|rollout| &rollout.waves) {
        // The first wave that a cell is in brings it the release.
        let cells: Vec<EntityId> =
            wave.cells.iter().map(|cell| cell.id).filter(|id| own.contains(id) && taken.insert(*id)).collect();
        if !cells.is_empty() {
            waves.push(read_wave(world, rollout.map(|rollout| rollout.id), &wave.block, &cells));
        }
    }
    let follow = |track: &str| {
        let mut cells: Vec<String> = own
            .iter()
            .filter(|id| !taken.contains(*id) && world.is(**id, "track", track))
            .map(|id| world.address(*id).to_owned())
            .collect();
        cells.sort();
        (!cells.is_empty()).then(|| following(track, cells))
    };
    waves.splice(0..0, follow("latest"));
    waves.extend(follow("released"));
    Course {
        of: world.address(of).to_owned(),
        rollout: rollout.map(|rollout| world.address(rollout.id).to_owned()),
        waves,
        window: rollout.and_then(|rollout| world.block(rollout.id, "window")).and_then(|block| window(block)),
        on_alarm: match rollout {
            Some(rollout) if world.is(rollout.id, "on_alarm", "stop") => OnAlarm::Stop,
            _ => OnAlarm::Rollback,
        },
    }
}

/// The cells that follow a rollout by their `track`.
fn following(track: &str, cells: Vec<String>) -> Wave {
    let all = cells.len();
    Wave {
        label: track.to_owned(),
        cells,
        parallel: all,
        tolerate: all,
        bake: SignedDuration::ZERO,
        min_requests: None,
        one_box: false,
        alarms: Vec::new(),
        approval: false,
        follows: true,
    }
}

fn read_wave(world: &World<'_>, rollout: Option<EntityId>, block: &BlockValue, cells: &[EntityId]) -> Wave {
    let number = |name: &str| match block.field(name) {
        Some(Value::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let count = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
    let is = |name: &str| matches!(block.field(name), Some(Value::Bool(true)));
    let common = rollout.map(|id| world.members(id, "alarms")).unwrap_or_default();
    let alarms: BTreeSet<String> =
        common.iter().chain(block.members("alarms")).map(|id| world.address(*id).to_owned()).collect();
    let mut cells: Vec<String> = cells.iter().map(|id| world.address(*id).to_owned()).collect();
    cells.sort();
    Wave {
        label: block.title().to_owned(),
        cells,
        parallel: count("parallel").unwrap_or(1),
        tolerate: count("tolerate").unwrap_or(0),
        bake: SignedDuration::from_millis(block.field("bake").and_then(Value::as_duration).unwrap_or_default()),
        min_requests: number("min_requests"),
        one_box: is("one_box"),
        alarms: alarms.into_iter().collect(),
        approval: is("approval"),
        follows: false,
    }
}

fn window(block: &BlockValue) -> Option<Window> {
    let minute = |name: &str| match block.field(name) {
        Some(Value::Time(minute)) => Some(*minute),
        _ => None,
    };
    let text = |value: &Value| match value {
        Value::Str(text) => Some(text.to_string()),
        _ => None,
    };
    let days =
        block.field("days").map(|days| days.items().filter_map(|day| text(&day)).collect()).unwrap_or_default();
    Some(Window { days, from: minute("from")?, to: minute("to")?, zone: block.field("zone").and_then(text)? })
}
