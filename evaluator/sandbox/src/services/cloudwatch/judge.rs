//! Which state an alarm is in at an instant. Owns how data points are compared, and what is made of those that are
//! missing, by "Configuring how CloudWatch alarms treat missing data" of the CloudWatch user guide.

use super::math::{self, Sampled};
use super::{MINUTE, data, minute, rule, start_of};
use crate::error::ApiError;
use crate::input::{Input, Millis};
use crate::state::State;
use crate::watch::Alarm;
use serde_json::{Value, json};

/// More periods than these are looked at, for data that comes late.
const BESIDE: usize = 2;
/// How far back the beginning of a state is looked for, in evaluations.
const BACK: usize = 180;
/// Alarms made of alarms nest no deeper.
const DEEPEST: usize = 10;

pub(super) const OK: &str = "OK";
pub(super) const ALARM: &str = "ALARM";
pub(super) const NO_DATA: &str = "INSUFFICIENT_DATA";

/// A state, why, and since when.
pub(super) struct Judged {
    pub(super) state: String,
    pub(super) reason: String,
    pub(super) since: Millis,
}

/// The state of an alarm at an instant. With `healthy` one without any data is well.
pub(super) fn judge(state: &State, place: &str, alarm: &Alarm, (now, healthy): (Millis, bool)) -> Judged {
    at_depth(state, place, alarm, (now, healthy), 0)
}

fn at_depth(state: &State, place: &str, alarm: &Alarm, at: (Millis, bool), depth: usize) -> Judged {
    let (now, healthy) = at;
    let given =
        || Judged { state: alarm.given.state.clone(), reason: alarm.given.reason.clone(), since: alarm.given.at };
    if alarm.composite {
        return composite(state, place, alarm, at, depth).unwrap_or_else(given);
    }
    let Ok(asked) = Asked::new(&alarm.settings) else { return given() };
    // It is evaluated at the beginning of each minute, and of each shorter period; a state given by hand holds for a period.
    let first = if alarm.given.by_hand { alarm.given.at + asked.period } else { alarm.given.at };
    let mut found: Option<Judged> = None;
    let mut at = start_of(now, asked.period.min(MINUTE));
    for _ in 0..BACK {
        if at <= first {
            break;
        }
        let verdict = asked.verdict(state, place, at, healthy);
        match (&mut found, verdict) {
            // What it was before stays.
            (None, None) => {}
            (None, Some((verdict, reason))) => {
                found = Some(Judged { state: verdict.to_owned(), reason, since: at });
            }
            (Some(found), Some((verdict, _))) if found.state == verdict => found.since = at,
            (Some(found), None) => found.since = at,
            (Some(_), Some(_)) => break,
        }
        at -= asked.period;
    }
    found.unwrap_or_else(given)
}

fn composite(state: &State, place: &str, alarm: &Alarm, now: (Millis, bool), depth: usize) -> Option<Judged> {
    let text = Input(&alarm.settings).text("AlarmRule");
    let of = |name: &str| {
        let name = name.rsplit(":alarm:").next().unwrap_or(name);
        let alarm = state.watch.alarms.get(&(place.to_owned(), name.to_owned()))?;
        (depth < DEEPEST).then(|| at_depth(state, place, alarm, now, depth + 1).state)
    };
    if alarm.given.by_hand && minute(now.0) <= alarm.given.at {
        return None;
    }
    let holds = rule::holds(text, &of).ok()?;
    let verdict = if holds { ALARM } else { OK };
    let reason = format!("{text} is {}", if holds { "true" } else { "false" });
    Some(Judged { state: verdict.to_owned(), reason, since: alarm.given.at })
}

/// What a metric alarm asks.
struct Asked {
    queries: Vec<Value>,
    /// The query that is compared.
    id: String,
    period: Millis,
    periods: usize,
    least: usize,
    threshold: f64,
    operator: String,
    missing: String,
}

/// Whether the settings can be evaluated; the error is the service's own.
pub(super) fn check(settings: &Value) -> Result<(), ApiError> {
    Asked::new(settings).map(drop)
}

impl Asked {
    fn new(settings: &Value) -> Result<Self, ApiError> {
        let settings = Input(settings);
        let (queries, id) = queries(settings)?;
        let mut period = None;
        for stat in queries.iter().map(Input).filter(|query| query.has("MetricStat")) {
            let stat = stat.inner("MetricStat");
            let own = period_of(stat)?;
            if period.is_some_and(|other| other != own) {
                return Err(super::wrong("All metrics in a metric alarm must have the same period"));
            }
            if !data::is_statistic(stat.text("Stat")) {
                return Err(super::wrong(format!("Invalid statistic: {}", stat.text("Stat"))));
            }
            period = Some(own);
        }
        for text in queries.iter().filter_map(|query| Input(query).optional("Expression")) {
            math::check(text).map_err(|why| super::wrong(format!("Error in expression '{text}': {why}")))?;
        }
        let periods = settings.number("EvaluationPeriods").unwrap_or(1);
        looks_back(period.unwrap_or(MINUTE), periods)?;
        let least = settings.number("DatapointsToAlarm").unwrap_or(periods);
        if least > periods {
            return Err(super::wrong("DatapointsToAlarm must not be greater than EvaluationPeriods"));
        }
        let operator = settings.owned("ComparisonOperator");
        let Some(threshold) = settings.real("Threshold").filter(|_| compares(&operator)) else {
            return Err(super::wrong("The sandbox compares with a threshold only"));
        };
        let missing = settings.optional("TreatMissingData").unwrap_or("missing").to_owned();
        Ok(Self { queries, id, period: period.unwrap_or(MINUTE), periods, least, threshold, operator, missing })
    }

    /// The state by the periods that end at an instant, and why; none when it stays as it was.
    fn verdict(&self, state: &State, place: &str, end: Millis, healthy: bool) -> Option<(&'static str, String)> {
        let range = self.periods + BESIDE;
        let range = Millis::try_from(range).unwrap_or(Millis::MAX);
        let starts: Vec<Millis> = (1..=range).rev().map(|back| end - self.period * back).collect();
        let queries: Vec<Input<'_>> = self.queries.iter().map(Input).collect();
        let all = |_: Millis| starts.clone();
        let values: Sampled = math::of(state, place, &queries, &self.id, &all).unwrap_or_default();
        let newest: Vec<f64> = values.values().rev().take(self.periods).copied().collect();
        if healthy && values.is_empty() {
            return Some((OK, "Nobody emits the metric, and this sandbox takes that for well".to_owned()));
        }
        let breaching = newest.iter().filter(|value| self.breaches(**value)).count();
        let missing = self.periods - newest.len();
        let verdict = if missing == 0 {
            Some(breaching >= self.least)
        } else {
            match self.missing.as_str() {
                "breaching" => Some(breaching + missing >= self.least),
                "notBreaching" => Some(breaching >= self.least),
                "ignore" if newest.is_empty() || breaching == newest.len() => None,
                "missing" if newest.is_empty() => {
                    return Some((NO_DATA, "Insufficient Data: there was no data for the metric".to_owned()));
                }
                // It goes off before all points are there when every one that is there breaches.
                "missing" if breaching == newest.len() => Some(true),
                _ => Some(breaching >= self.least),
            }
        }?;
        let why = format!(
            "Threshold Crossed: {breaching} of the last {} datapoints {newest:?} breached the threshold ({}), {missing} missing \
             ({} datapoints are needed to alarm)",
            self.periods, self.threshold, self.least
        );
        Some((if verdict { ALARM } else { OK }, why))
    }

    fn breaches(&self, value: f64) -> bool {
        match self.operator.as_str() {
            "GreaterThanThreshold" => value > self.threshold,
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "LessThanThreshold" => value < self.threshold,
            _ => value <= self.threshold,
        }
    }
}

/// The period of a metric that an alarm watches.
fn period_of(stat: Input<'_>) -> Result<Millis, ApiError> {
    let seconds = stat.number("Period").unwrap_or(60);
    if !data::is_period(seconds) {
        return Err(super::wrong("Period must be 10, 20, 30 or a multiple of 60"));
    }
    // In no documentation, and what CloudWatch answers.
    if seconds < 60 && stat.inner("Metric").text("Namespace").starts_with("AWS/") {
        let message = "Only a period greater than 60s is supported for metrics in the \"AWS/\" namespaces";
        return Err(super::wrong(message));
    }
    data::period(stat)
}

/// Whether an alarm may look back over so many periods.
fn looks_back(period: Millis, periods: usize) -> Result<(), ApiError> {
    let (span, most, when) =
        if period < 60 * MINUTE { ("a day", 86_400, "period < 3600") } else { ("a week", 604_800, "period >= 3600") };
    let all = Millis::try_from(periods).unwrap_or(Millis::MAX).saturating_mul(period);
    if all <= most * 1_000 {
        return Ok(());
    }
    Err(super::wrong(format!(
        "Metrics cannot be checked across more than {span} (EvaluationPeriods * Period must be <= {most}) for alarms using {when}"
    )))
}

fn compares(operator: &str) -> bool {
    ["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"]
        .contains(&operator)
}

/// The queries of an alarm, and the id of the one that is compared.
fn queries(settings: Input<'_>) -> Result<(Vec<Value>, String), ApiError> {
    let own = settings.list("Metrics");
    if own.is_empty() {
        let stat = settings.optional("Statistic").or_else(|| settings.optional("ExtendedStatistic"));
        let (Some(stat), true) = (stat, settings.has("MetricName")) else {
            let message = "Exactly one of the following must be specified: MetricName with a statistic, or Metrics";
            return Err(super::wrong(message));
        };
        let metric = json!({
            "Namespace": settings.text("Namespace"),
            "MetricName": settings.text("MetricName"),
            "Dimensions": settings.list("Dimensions"),
        });
        let stat = json!({"Metric": metric, "Period": settings.number("Period").unwrap_or(60), "Stat": stat});
        return Ok((vec![json!({"Id": "m", "MetricStat": stat})], "m".to_owned()));
    }
    let returned = |query: &&Value| !Input(query).has("ReturnData") || Input(query).flag("ReturnData");
    let mut compared = own.iter().filter(returned);
    match (compared.next(), compared.next()) {
        (Some(query), None) => Ok((own.to_vec(), Input(query).owned("Id"))),
        _ => Err(super::wrong("Exactly one element of the metrics list should return data.")),
    }
}
