//! What an alarm of the program comes to in a cell: the alarm's name in the cloud, and the metrics behind it. Owns how
//! that follows from the resources of a program; it reads no cloud.

use crate::emit;
use crate::resources::{Resource, ResourceKind};
use crate::rules::fleet::SHARED;
use crate::rules::read::Read as _;
use crate::value::{EntityId, Value};
use crate::world::World;

use super::model::{Count, Metric, Statistic};

/// Where a cell's alarms are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The address of the cell.
    pub cell: String,
    /// Whose account they are in, by address: the cell's own on AWS, else that of monitoring. Its id is in the record, or in the
    /// program.
    pub owner: String,
    /// The region.
    pub region: String,
}

/// An alarm of the program in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The address of the alarm.
    pub alarm: String,
    /// Where it is.
    pub place: Place,
    /// Its name in the cloud.
    pub name: String,
    /// The metrics that it watches: one, or the two of a ratio.
    pub metrics: Vec<Metric>,
    /// Is it on a ratio?
    pub ratio: bool,
    /// What counts requests where it is watched: a ratio's requests, else the samples of its metric.
    pub requests: Count,
}

impl Watched {
    /// That there is no such alarm, in words.
    pub(super) fn is_missing(&self) -> String {
        format!("there is no alarm `{}` in {}", self.name, self.place.region)
    }
}

/// The account in which alarms of cells on other clouds than AWS are, and its region; none where the program has none.
fn monitoring(world: &World<'_>) -> Option<(EntityId, String)> {
    let account = SHARED.iter().find_map(|address| world.find(address)).filter(|id| world.ok(*id))?;
    let region = world.text(world.org()?, "home_region")?;
    Some((account, region.to_string()))
}

/// Every alarm of the program in every cell that is not retired, by alarm and cell. The value of the dimension is the name
/// of the cell, which components are told as `CELL_NAME`.
pub fn watched(world: &World<'_>, resources: &[Resource]) -> Vec<Watched> {
    let alarms = resources.iter().filter(|resource| resource.kind == ResourceKind::Alarm);
    let mut all: Vec<Watched> = alarms.filter_map(|resource| one(world, resource)).collect();
    all.sort_by(|a, b| (&a.alarm, &a.place).cmp(&(&b.alarm, &b.place)));
    all
}

fn one(world: &World<'_>, resource: &Resource) -> Option<Watched> {
    let text = |name: &str| match resource.field(name) {
        Some(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let entity = |name: &str| match resource.field(name) {
        Some(Value::Ref(id)) => Some(*id),
        _ => None,
    };
    let (alarm, cell) = (entity("alarm")?, entity("cell")?);
    let (namespace, dimension) = (text("namespace")?, text("dimension")?);
    let elsewhere = world.is(cell, "cloud", "gcp");
    let (owner, region) = if elsewhere { monitoring(world)? } else { (cell, text("region")?) };
    let value = dimension_value(world, cell).to_owned();
    let metric = |name: String| Metric {
        namespace: namespace.clone(),
        name,
        dimension: dimension.clone(),
        value: value.clone(),
    };
    let ratio = resource.field("ratio").map(|ratio| emit::to_json(world, ratio));
    let of_ratio = |name: &str| Some(metric(ratio.as_ref()?.get(name)?.as_str()?.to_owned()));
    let metrics: Vec<Metric> = match text("metric") {
        Some(name) => vec![metric(name)],
        None => vec![of_ratio("errors")?, of_ratio("requests")?],
    };
    let statistic = if ratio.is_some() { Statistic::Sum } else { Statistic::Samples };
    let requests = Count { metric: metrics.last()?.clone(), statistic };
    Some(Watched {
        alarm: world.address(alarm).to_owned(),
        place: Place { cell: world.address(cell).to_owned(), owner: world.address(owner).to_owned(), region },
        name: text("name")?,
        metrics,
        ratio: ratio.is_some(),
        requests,
    })
}

/// How metrics name a cell.
pub(crate) fn dimension_value<'w>(world: &'w World<'_>, cell: EntityId) -> &'w str {
    world.name(cell)
}
