//! The metrics that alarms wait for, in each cell. Owns what an alarm asks of CloudWatch: which metrics, under which dimension,
//! and what counts as the requests that a cell serves. That a component emits one cannot be told from a program: who is about
//! to wait for an alarm asks `ListMetrics` for these first.

use std::collections::BTreeSet;

use cell_lang::schema::Kind;

use crate::resources::naming;
use crate::rules::fleet::{Fleet, sound};
use crate::rules::read::Read as _;
use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// The dimension that names a cell, unless `metrics` says another.
const DIMENSION: &str = "cell";

/// What an alarm waits for in a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// The alarm's address.
    pub alarm: String,
    /// The cell's address.
    pub cell: String,
    /// The alarm's name in CloudWatch.
    pub name: String,
    /// The namespace of its metrics.
    pub namespace: String,
    /// The names of its metrics.
    pub metrics: BTreeSet<String>,
    /// The dimension that every one of them has: its name and its value.
    pub dimension: (String, String),
}

/// Where the requests that cells serve are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// The namespace.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// `Sum` of a metric that counts, `SampleCount` of one that measures.
    pub statistic: &'static str,
}

/// What the alarms of these addresses wait for, in every cell that is not retired: by alarm, then by cell.
pub fn awaited(world: &World<'_>, alarms: &BTreeSet<String>) -> Vec<Awaited> {
    let fleet = Fleet::new(world);
    let asked = |id: &EntityId| alarms.contains(world.address(*id));
    let of_alarm = |alarm: EntityId| {
        let cells = fleet.cells.iter().filter(|cell| !cell.retired);
        cells.map(move |cell| of_cell(world, alarm, cell.id)).collect::<Vec<_>>()
    };
    sound(world, Kind::Alarm).filter(asked).flat_map(of_alarm).collect()
}

fn of_cell(world: &World<'_>, alarm: EntityId, cell: EntityId) -> Awaited {
    let metrics = match world.block(alarm, "ratio") {
        Some(ratio) => ["errors", "requests"].map(|name| text(ratio, name)).into(),
        None => world.text(alarm, "metric").into_iter().map(ToString::to_string).collect(),
    };
    Awaited {
        alarm: world.address(alarm).to_owned(),
        cell: world.address(cell).to_owned(),
        name: naming::alarm(&naming::qualified(world, alarm), &naming::qualified(world, cell)).to_string(),
        namespace: world.text(alarm, "namespace").map(ToString::to_string).unwrap_or_default(),
        metrics,
        dimension: (dimension(world), world.name(cell).to_owned()),
    }
}

/// The name of the dimension that names cells.
pub fn dimension(world: &World<'_>) -> String {
    let metrics = sound(world, Kind::Metrics).next();
    let said = metrics.and_then(|id| world.text(id, "dimension"));
    said.map_or_else(|| DIMENSION.to_owned(), ToString::to_string)
}

/// What counts as requests where these alarms are watched: the requests of the first of them, by address, that is a ratio; if
/// none is, the samples of the first one's metric. None without an alarm.
pub fn requests(world: &World<'_>, alarms: &[String]) -> Option<Requests> {
    let mut ids: Vec<EntityId> = alarms.iter().filter_map(|address| world.find(address)).collect();
    world.sort_set(&mut ids);
    let namespace = |id: EntityId| world.text(id, "namespace").map(ToString::to_string);
    let ratio = ids.iter().find_map(|id| Some((*id, world.block(*id, "ratio")?)));
    if let Some((id, ratio)) = ratio {
        return Some(Requests { namespace: namespace(id)?, metric: text(ratio, "requests"), statistic: "Sum" });
    }
    let first = *ids.first()?;
    let metric = world.text(first, "metric")?.to_string();
    Some(Requests { namespace: namespace(first)?, metric, statistic: "SampleCount" })
}

fn text(block: &BlockValue, name: &str) -> String {
    match block.field(name) {
        Some(Value::Str(text)) => text.to_string(),
        _ => String::new(),
    }
}
