//! Alarms of CloudWatch. Owns how an alarm of the program is said there: its evaluation, metric math for a ratio, and what a
//! floor of requests does.

use serde_json::{Value as Json, json};

use crate::generated::ground::Ground;
use crate::generated::metrics;
use crate::generated::names;
use crate::generated::template::Template;
use crate::resources::{Resource, naming};
use crate::rules::read::Read as _;
use crate::value::{BlockValue, EntityId, Value};

/// Adds an alarm of a cell.
pub(in crate::generated) fn add(ground: &Ground<'_, '_>, resource: &Resource, template: &mut Template) {
    let Some(Value::Ref(alarm)) = resource.field("alarm") else { return };
    let Some(Value::Ref(cell)) = resource.field("cell") else { return };
    let id = format!("Alarm{}", names::logical(&naming::qualified(ground.world, *alarm)));
    template.add(&id, "AWS::CloudWatch::Alarm", self::alarm(ground, *alarm, *cell));
}

/// The properties of an alarm in a cell.
pub(in crate::generated) fn alarm(ground: &Ground<'_, '_>, alarm: EntityId, cell: EntityId) -> Json {
    let world = ground.world;
    let ratio = world.block(alarm, "ratio");
    let milliseconds = |name: &str| world.get(alarm, name).and_then(Value::as_duration).unwrap_or(0);
    let period = (milliseconds("period") / 1000).max(1);
    let (field, comparison) = match world.get(alarm, "above") {
        Some(_) => ("above", "GreaterThanThreshold"),
        None => ("below", "LessThanThreshold"),
    };
    let threshold = world.get(alarm, field).map_or(json!(0), |value| number(value, ratio.is_some()));
    let mut properties = json!({
        "AlarmName": naming::alarm(&naming::qualified(world, alarm), &naming::qualified(world, cell)).as_str(),
        "AlarmDescription": format!("{} in {}", world.address(alarm), world.address(cell)),
        "ComparisonOperator": comparison,
        "Threshold": threshold,
        // As many periods as `over` holds, all of them beyond the threshold.
        "EvaluationPeriods": (milliseconds("over") / 1000).div_euclid(period).max(1),
        "TreatMissingData": world.text(alarm, "missing").map_or("breaching", |text| text.as_str()),
        "Tags": [
            { "Key": "cellc:alarm", "Value": world.address(alarm) },
            { "Key": "cellc:cell", "Value": world.address(cell) },
        ],
    });
    let asked = Asked::new(ground, alarm, cell, period);
    let least = world.get(alarm, "min_requests").and_then(Value::as_int);
    for (name, value) in asked.watched(ratio.map(|ratio| &**ratio), least, &threshold) {
        properties[name] = value;
    }
    properties
}

/// What an alarm asks for in a cell.
struct Asked {
    namespace: String,
    metric: Option<String>,
    dimension: Json,
    period: i64,
    statistic: String,
}

impl Asked {
    fn new(ground: &Ground<'_, '_>, alarm: EntityId, cell: EntityId, period: i64) -> Self {
        let world = ground.world;
        let text = |name: &str| world.text(alarm, name).map(ToString::to_string);
        Self {
            namespace: text("namespace").unwrap_or_default(),
            metric: text("metric"),
            dimension: json!([{ "Name": metrics::dimension(world), "Value": world.name(cell) }]),
            period,
            statistic: text("statistic").unwrap_or_default(),
        }
    }

    /// The properties that say what is watched. Below `least` requests in a period there is too little to judge by: the value is
    /// the threshold itself, which is never beyond it.
    fn watched(&self, ratio: Option<&BlockValue>, least: Option<i64>, threshold: &Json) -> Vec<(&'static str, Json)> {
        let name = |block: &BlockValue, field: &str| block.text(field).map(ToString::to_string).unwrap_or_default();
        let metrics = match (ratio, least, &self.metric) {
            (Some(ratio), _, _) => {
                let share = "errors / requests";
                let value = least.map_or_else(
                    || share.to_owned(),
                    |least| format!("IF(requests >= {least}, {share}, {threshold})"),
                );
                vec![
                    formula(&value),
                    self.query("errors", &name(ratio, "errors"), &self.statistic),
                    self.query("requests", &name(ratio, "requests"), &self.statistic),
                ]
            }
            (None, Some(least), Some(metric)) => vec![
                formula(&format!("IF(requests >= {least}, measured, {threshold})")),
                self.query("measured", metric, &self.statistic),
                self.query("requests", metric, "SampleCount"),
            ],
            (None, ..) => return self.plain(),
        };
        vec![("Metrics", Json::Array(metrics))]
    }

    fn plain(&self) -> Vec<(&'static str, Json)> {
        let statistic = if self.statistic.starts_with('p') { "ExtendedStatistic" } else { "Statistic" };
        vec![
            ("Namespace", json!(self.namespace)),
            ("MetricName", json!(self.metric)),
            ("Dimensions", self.dimension.clone()),
            ("Period", json!(self.period)),
            (statistic, json!(self.statistic)),
        ]
    }

    fn query(&self, id: &str, metric: &str, statistic: &str) -> Json {
        let metric = json!({ "Namespace": self.namespace, "MetricName": metric, "Dimensions": self.dimension });
        json!({
            "Id": id,
            "MetricStat": { "Metric": metric, "Period": self.period, "Stat": statistic },
            "ReturnData": false,
        })
    }
}

fn formula(expression: &str) -> Json {
    json!({ "Id": "value", "Expression": expression, "ReturnData": true })
}

/// A threshold as a metric has it: of a ratio the share (`1%` is 0.01), else the number before the unit: per cent, milliseconds,
/// bytes.
pub(super) fn number(value: &Value, share: bool) -> Json {
    match value {
        Value::Int(number) | Value::Duration(number) | Value::Size(number) => json!(number),
        Value::Percent(decimal) => {
            // Exact: what has at most six places is the nearest number to its text.
            let text = if share { hundredth(decimal.0) } else { decimal.to_string() };
            text.parse::<f64>().map_or(Json::Null, |number| json!(number))
        }
        _ => Json::Null,
    }
}

/// A hundredth of so many millionths.
fn hundredth(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let all = millionths.unsigned_abs();
    format!("{sign}{}.{:08}", all / 100_000_000, all % 100_000_000)
}
