//! The metrics behind alarms, as generated pipelines ask for them. Owns under which dimension a cell's are, and what counts as
//! the requests that a cell serves. What an alarm comes to in each cell is [`crate::signals::watched`]'s.

use cell_lang::schema::Kind;

use crate::rules::fleet::sound;
use crate::rules::read::Read as _;
use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// The dimension that names a cell, unless `metrics` says another.
const DIMENSION: &str = "cell";

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
