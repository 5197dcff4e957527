//! Data: how it comes in, and how it is read in periods. Owns statistics and what tells one metric from another.

use super::math::{self, Sampled};
use super::{MINUTE, PAGES, place, start_of, wrong};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, Millis, instant};
use crate::paging::{Pages, page};
use crate::service::{Handler, Op};
use crate::state::State;
use crate::watch::{Point, Series};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const OPERATIONS: &[Op] = &[
    ("PutMetricData", Handler::Write(put)),
    ("GetMetricData", Handler::Read(get)),
    ("GetMetricStatistics", Handler::Read(statistics)),
    ("ListMetrics", Handler::Lag(list)),
];

/// A metric without data for so long is not listed.
const LISTED: Millis = 14 * 24 * 60 * MINUTE;
/// How far ahead data may be dated.
const AHEAD: Millis = 2 * 60 * MINUTE;
/// Data of high resolution is kept in pieces of this length. CloudWatch keeps it by the second.
const FINEST: Millis = 10_000;
/// Datapoints of one GetMetricStatistics.
const MOST: i64 = 1_440;

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterValue", message)
}

pub(super) fn dimensions(input: Input<'_>) -> BTreeMap<String, String> {
    input.list("Dimensions").iter().map(Input).map(|one| (one.owned("Name"), one.owned("Value"))).collect()
}

/// What tells the metric from all others.
fn key(namespace: &str, metric: &str, dimensions: &BTreeMap<String, String>) -> String {
    json!([namespace, metric, dimensions]).to_string()
}

fn put(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (place, namespace) = (place(cx, input), input.text("Namespace"));
    for datum in input.list("MetricData").iter().map(Input) {
        let at = datum.time("Timestamp").unwrap_or(cx.now);
        if at < cx.now - LISTED || at > cx.now + AHEAD {
            let message = "The parameter MetricData.member.Timestamp must specify a time within the last two weeks.";
            return Err(invalid(message));
        }
        let kept = resolution(datum)?;
        let (metric, dimensions) = (datum.text("MetricName"), dimensions(datum));
        let key = (place.clone(), key(namespace, metric, &dimensions));
        if !state.watch.series.contains(&key) {
            let (namespace, metric) = (namespace.to_owned(), metric.to_owned());
            state.watch.series.insert(key.clone(), Series { namespace, metric, dimensions, points: BTreeMap::new() });
        }
        if let Some(series) = state.watch.series.get_mut(&key) {
            take(series.points.entry(start_of(at, kept)).or_default(), datum)?;
        }
    }
    Ok(Value::Null)
}

/// In which pieces a datum is kept: by the minute, unless it says that it is of high resolution.
fn resolution(datum: Input<'_>) -> Result<Millis, ApiError> {
    match datum.number("StorageResolution") {
        None | Some(60) => Ok(MINUTE),
        Some(1) => Ok(FINEST),
        Some(_) => Err(invalid("The parameter StorageResolution must be a value in the set [ 1, 60 ].")),
    }
}

fn take(point: &mut Point, datum: Input<'_>) -> Result<(), ApiError> {
    if datum.has("StatisticValues") {
        let set = datum.inner("StatisticValues");
        let of = |name: &str| set.real(name).unwrap_or_default();
        point.take(of("Sum"), of("SampleCount"), (of("Minimum"), of("Maximum")));
        return Ok(());
    }
    let reals = |name: &str| datum.list(name).iter().filter_map(Value::as_f64).collect::<Vec<_>>();
    let (values, counts) = match datum.real("Value") {
        Some(value) => (vec![value], Vec::new()),
        None => (reals("Values"), reals("Counts")),
    };
    if values.is_empty() {
        return Err(invalid("At least one of the parameters must be specified."));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid("The parameters Values and Counts must have as many members as each other."));
    }
    for (at, value) in values.into_iter().enumerate() {
        let count = counts.get(at).copied().unwrap_or(1.0);
        point.take(value * count, count, (value, value));
        point.values.push((value, count));
    }
    Ok(())
}

/// Is it a statistic that the sandbox computes?
pub(super) fn is_statistic(name: &str) -> bool {
    ["Average", "Maximum", "Minimum", "SampleCount", "Sum"].contains(&name) || percentile(name).is_some()
}

fn percentile(name: &str) -> Option<f64> {
    name.strip_prefix('p')?.parse().ok().filter(|share| (0.0..=100.0).contains(share))
}

/// A statistic of the pieces of a period; none without data.
fn statistic(points: &[&Point], name: &str) -> Option<f64> {
    let count: f64 = points.iter().map(|point| point.count).sum();
    if count <= 0.0 {
        return None;
    }
    let sum = || points.iter().map(|point| point.sum).sum::<f64>();
    match name {
        "SampleCount" => Some(count),
        "Sum" => Some(sum()),
        "Average" => Some(sum() / count),
        "Minimum" => points.iter().map(|point| point.least).reduce(f64::min),
        "Maximum" => points.iter().map(|point| point.most).reduce(f64::max),
        _ => {
            let share = percentile(name)? / 100.0;
            let mut values: Vec<(f64, f64)> = points.iter().flat_map(|point| point.values.clone()).collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut left = share * values.iter().map(|(_, count)| count).sum::<f64>();
            let reached = values.iter().find(|(_, count)| {
                left -= count;
                left <= 0.0
            });
            reached.or(values.last()).map(|(value, _)| *value)
        }
    }
}

/// The statistic of a metric in each period that begins then and has data.
pub(super) fn sampled(
    state: &State,
    place: &str,
    metric: Input<'_>,
    how: (&str, Millis),
    starts: &[Millis],
) -> Sampled {
    let key = key(metric.text("Namespace"), metric.text("MetricName"), &dimensions(metric));
    let Some(series) = state.watch.series.get(&(place.to_owned(), key)) else { return Sampled::new() };
    let (name, period) = how;
    let value = |start: &Millis| {
        let points: Vec<&Point> = series.points.range(*start..*start + period).map(|(_, point)| point).collect();
        Some((*start, statistic(&points, name)?))
    };
    starts.iter().filter_map(value).collect()
}

/// The periods between two instants; the first begins at or before `from`.
fn starts(from: Millis, to: Millis, period: Millis) -> Vec<Millis> {
    let first = from.div_euclid(period) * period;
    std::iter::successors(Some(first), |at| Some(at + period)).take_while(|at| *at < to).collect()
}

/// The period in milliseconds: 10, 20 or 30 seconds, or a multiple of a minute.
pub(super) fn period(input: Input<'_>) -> Result<Millis, ApiError> {
    match input.number("Period").unwrap_or(60) {
        0 => Err(invalid("The parameter Period must be greater than 0.")),
        1 | 5 => Err(invalid("The sandbox keeps data in pieces of ten seconds.")),
        seconds if !is_period(seconds) => {
            Err(invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."))
        }
        seconds => Ok(i64::try_from(seconds).ok().and_then(|n| n.checked_mul(1_000)).unwrap_or(Millis::MAX)),
    }
}

/// Is it a period that alarms may have, too?
pub(super) fn is_period(seconds: usize) -> bool {
    [10, 20, 30].contains(&seconds) || (seconds > 0 && seconds.is_multiple_of(60))
}

/// Requests of a period that nobody counted, in a sandbox that looks well.
const SERVED: f64 = 1_000.0;

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    const RESULTS: Pages = Pages { limit: "", most: 500, ..PAGES };
    let (from, to) = between(input)?;
    let queries: Vec<Input<'_>> = input.list("MetricDataQueries").iter().map(Input).collect();
    let place = place(cx, input);
    let starts = |period: Millis| starts(from, to, period);
    let ascending = input.text("ScanBy") == "TimestampAscending";
    let mut results = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        if query.has("ReturnData") && !query.flag("ReturnData") {
            continue;
        }
        let mut found: Vec<(Millis, f64)> =
            math::of(state, &place, &queries, query.text("Id"), &starts)?.into_iter().collect();
        if found.is_empty() && cx.config.healthy && query.has("MetricStat") {
            let period = period(query.inner("MetricStat"))?;
            found = starts(period).into_iter().map(|at| (at, SERVED)).collect();
        }
        if !ascending {
            found.reverse();
        }
        let label = query.optional("Label").unwrap_or_else(|| match query.optional("Expression") {
            Some(_) => query.text("Id"),
            None => query.inner("MetricStat").inner("Metric").text("MetricName"),
        });
        let shown = json!({
            "Id": query.text("Id"),
            "Label": label,
            "Timestamps": found.iter().map(|(at, _)| instant(*at)).collect::<Vec<_>>(),
            "Values": found.iter().map(|(_, value)| value).collect::<Vec<_>>(),
            "StatusCode": "Complete",
        });
        results.push((format!("{at:05}"), shown));
    }
    page(RESULTS, cx, input, "MetricDataResults", results.into_iter(), |shown| shown)
}

fn between(input: Input<'_>) -> Result<(Millis, Millis), ApiError> {
    let of = |name: &str| input.time(name).ok_or_else(|| invalid(format!("The parameter {name} is not a time.")));
    let (from, to) = (of("StartTime")?, of("EndTime")?);
    if from >= to {
        return Err(wrong("The parameter EndTime must be greater than StartTime."));
    }
    Ok((from, to))
}

fn statistics(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let ((from, to), period, place) = (between(input)?, period(input)?, place(cx, input));
    if (to - from) / period > MOST {
        let message = format!("You have requested up to {} datapoints, more than {MOST}.", (to - from) / period);
        return Err(ApiError::client("InvalidParameterCombination", message));
    }
    let starts = starts(from, to, period);
    let mut points: BTreeMap<Millis, Value> = BTreeMap::new();
    for (list, nested) in [("Statistics", false), ("ExtendedStatistics", true)] {
        for name in input.texts(list) {
            for (at, value) in sampled(state, &place, input, (name, period), &starts) {
                let point = points.entry(at).or_insert_with(
                    || json!({"Timestamp": instant(at), "Unit": input.optional("Unit").unwrap_or("None")}),
                );
                if nested {
                    point["ExtendedStatistics"][name] = json!(value);
                } else {
                    point[name] = json!(value);
                }
            }
        }
    }
    Ok(json!({"Label": input.text("MetricName"), "Datapoints": points.into_values().collect::<Vec<_>>()}))
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    const METRICS: Pages = Pages { limit: "", most: 500, ..PAGES };
    let place = place(cx, input);
    let since = match input.optional("RecentlyActive") {
        Some(_) => cx.now - 3 * 60 * MINUTE,
        None => cx.now - LISTED,
    };
    let asked: Vec<Input<'_>> = input.list("Dimensions").iter().map(Input).collect();
    let has = |series: &Series, one: Input<'_>| {
        let value = series.dimensions.get(one.text("Name"));
        value.is_some_and(|value| one.optional("Value").is_none_or(|wanted| wanted == value))
    };
    let fits = |series: &Series| {
        input.optional("Namespace").is_none_or(|name| name == series.namespace)
            && input.optional("MetricName").is_none_or(|name| name == series.metric)
            && asked.iter().all(|one| has(series, *one))
            && series.points.last_key_value().is_some_and(|(at, _)| *at >= since)
    };
    let all = state.watch.series.under(&place).filter(|(_, series)| fits(series));
    page(METRICS, cx, input, "Metrics", all.map(|(key, series)| (key.to_owned(), series)), |series| {
        let dimension = |(name, value): (&String, &String)| json!({"Name": name, "Value": value});
        json!({
            "Namespace": series.namespace,
            "MetricName": series.metric,
            "Dimensions": series.dimensions.iter().map(dimension).collect::<Vec<_>>(),
        })
    })
}
