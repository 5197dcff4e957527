//! Cost Explorer: what accounts cost, as the seed says it. An account that cost nothing is in no answer, as in AWS's.
//!
//! Amounts are grouped by account, or not at all, and not filtered: what asks for more is refused.

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::paging::{COSTS, page};
use crate::service::{Handler, Op};
use crate::state::State;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

pub(crate) const OPERATIONS: &[&[Op]] = &[&[("GetCostAndUsage", Handler::Read(cost_and_usage))]];

/// Months back of which AWS answers unless more is enabled.
const MONTHS: i64 = 14;

/// An amount of dollars, to ten decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount(i128);

const PART: i128 = 10_000_000_000;

impl Amount {
    /// Reads `12.5` and `-0.25`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 20 || part.len() > 10 || !plain(whole) || !plain(part) {
            return None;
        }
        let part: i128 = format!("{part:0<10}").parse().ok()?;
        Some(Self(sign * (whole.parse::<i128>().ok()? * PART + part)))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.abs() / PART, self.0.abs() % PART);
        let part = format!("{part:010}");
        let part = part.trim_end_matches('0');
        if part.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

/// What a request is about.
struct Asked {
    start: Date,
    end: Date,
    daily: bool,
    by_account: bool,
    metrics: Vec<String>,
}

fn asked(cx: &Cx<'_>, input: Input<'_>) -> Result<Asked, ApiError> {
    let period = input.inner("TimePeriod");
    let day = |member: &str| {
        let said = period.text(member);
        said.parse::<Date>()
            .ok()
            .filter(|_| said.len() == 10)
            .ok_or_else(|| invalid(format!("{said} is not a day such as 2026-05-31, and the sandbox has no hours.")))
    };
    let (start, end) = (day("Start")?, day("End")?);
    let today = TimeZone::UTC.to_datetime(jiff::Timestamp::from_millisecond(cx.now).unwrap_or_default()).date();
    let month = today.first_of_month();
    let moved = |by: i64| month.saturating_add(by.months());
    if start >= end {
        return Err(invalid("Start date (and hour) should be before end date (and hour)"));
    }
    if end > moved(1) {
        return Err(invalid("end date past the beginning of next month"));
    }
    if start < moved(-MONTHS) {
        return Err(invalid(format!("You haven't enabled historical data beyond {MONTHS} months")));
    }
    if input.has("Filter") {
        return Err(invalid("The sandbox does not filter costs."));
    }
    let by_account = match input.list("GroupBy") {
        [] => false,
        [one] if one["Type"] == "DIMENSION" && one["Key"] == "LINKED_ACCOUNT" => true,
        _ => return Err(invalid("The sandbox groups costs by the dimension LINKED_ACCOUNT only.")),
    };
    let daily = match input.text("Granularity") {
        "MONTHLY" => false,
        "DAILY" => true,
        other => return Err(invalid(format!("The sandbox has no costs by {other}."))),
    };
    let metrics: Vec<String> = input.texts("Metrics").map(str::to_owned).collect();
    if let Some(other) = metrics.iter().find(|metric| !metric.ends_with("Cost")) {
        return Err(invalid(format!("The sandbox has no {other}.")));
    }
    Ok(Asked { start, end, daily, by_account, metrics })
}

impl Asked {
    /// The periods that the answer has, each with the day after its last.
    fn periods(&self) -> Vec<(Date, Date)> {
        let mut all = Vec::new();
        let mut from = self.start;
        while from < self.end {
            let next = if self.daily { from.tomorrow().unwrap_or(self.end) } else { next_month(from) };
            all.push((from, next.min(self.end)));
            from = next;
        }
        all
    }

    fn values(&self, amount: Amount) -> Value {
        let one = |metric: &String| (metric.clone(), json!({"Amount": amount.to_string(), "Unit": "USD"}));
        Value::Object(self.metrics.iter().map(one).collect::<Map<_, _>>())
    }
}

fn next_month(day: Date) -> Date {
    day.first_of_month().saturating_add(1.month())
}

/// What each account cost in a period; a member account sees its own costs only.
fn by_account(state: &State, cx: &Cx<'_>, (from, to): (Date, Date)) -> BTreeMap<String, Amount> {
    let mut all: BTreeMap<String, Amount> = BTreeMap::new();
    for ((account, day), amount) in state.costs.iter() {
        let seen = cx.caller.account == state.management || cx.caller.account == *account;
        let within = day.parse::<Date>().is_ok_and(|day| from <= day && day < to);
        if let (true, true, Some(amount)) = (seen, within, Amount::read(amount)) {
            all.entry(account.clone()).or_default().0 += amount.0;
        }
    }
    all
}

fn cost_and_usage(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let asked = asked(cx, input)?;
    let mut items: Vec<(String, Value)> = Vec::new();
    let month = TimeZone::UTC.to_datetime(jiff::Timestamp::from_millisecond(cx.now).unwrap_or_default()).date();
    for period in asked.periods() {
        let costs = by_account(state, cx, period);
        let (from, to) = period;
        let sum = Amount(costs.values().map(|amount| amount.0).sum());
        let total = if asked.by_account { json!({}) } else { asked.values(sum) };
        let head = json!({
            "TimePeriod": {"Start": from.to_string(), "End": to.to_string()},
            "Total": total,
            "Groups": [],
            "Estimated": to > month.first_of_month(),
        });
        items.push((format!("{from}/"), json!({"head": head})));
        for (account, amount) in costs.iter().filter(|_| asked.by_account) {
            let group = json!({"Keys": [account], "Metrics": asked.values(*amount)});
            items.push((format!("{from}/{account}"), json!({"head": head, "group": group})));
        }
    }
    let mut answer = page(COSTS, cx, input, "ResultsByTime", items.into_iter(), |item| item)?;
    let results = joined(answer["ResultsByTime"].as_array().map(Vec::as_slice).unwrap_or_default());
    answer["DimensionValueAttributes"] = names(state, &results);
    answer["ResultsByTime"] = Value::Array(results);
    if asked.by_account {
        answer["GroupDefinitions"] = json!([{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}]);
    }
    Ok(answer)
}

/// The groups of a page, each under its period.
fn joined(items: &[Value]) -> Vec<Value> {
    let mut results: Vec<Value> = Vec::new();
    for item in items {
        if results.last().is_none_or(|last| last["TimePeriod"] != item["head"]["TimePeriod"]) {
            results.push(item["head"].clone());
        }
        let groups = results.last_mut().and_then(|last| last["Groups"].as_array_mut());
        if let (Some(groups), Some(group)) = (groups, item.get("group")) {
            groups.push(group.clone());
        }
    }
    results
}

/// The names of the accounts of an answer.
fn names(state: &State, results: &[Value]) -> Value {
    let groups = results.iter().filter_map(|result| result["Groups"].as_array()).flatten();
    let ids: std::collections::BTreeSet<&str> = groups.filter_map(|group| group["Keys"][0].as_str()).collect();
    let named = ids.into_iter().filter_map(|id| {
        let account = state.org.as_ref()?.accounts.get(&id.to_owned())?;
        Some(json!({"Value": id, "Attributes": {"description": account.name}}))
    });
    Value::Array(named.collect())
}
