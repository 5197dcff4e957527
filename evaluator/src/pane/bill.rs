//! Money by cell: what was spent in each account, beside the budget that the program gives the cell. Owns whose an account
//! is, and how what was spent compares with a budget.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::plan::desired::Desired;
use crate::registry::record::Record;

use super::money::{Money, Period, Spent};
use super::rows::{account_of, block, cells};

/// The format this version writes.
pub const FORMAT_VERSION: &str = "1.0";
/// The currency of budgets.
const BUDGETS: &str = "USD";
/// Days of a month that must have gone by before it is said what it will come to: before, one bill for the whole month
/// (support, reservations) would be taken for that of a day.
const ENOUGH: i128 = 5;

/// What was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The format.
    pub format_version: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// The currency of all amounts but budgets, which are in USD.
    pub currency: String,
    /// The months; every list of amounts has one for each.
    pub months: Vec<Month>,
    /// The cells, by address.
    pub cells: Vec<Line>,
    /// Accounts that are no cells, by address; the management account last.
    pub shared: Vec<Line>,
    /// Parked accounts and those that `cellc` does not know, by name.
    pub others: Vec<Line>,
    /// All together.
    pub total: Vec<Money>,
    /// How many requests it took; AWS bills each.
    pub requests: usize,
}

/// A month of the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// `2026-10`
    pub month: String,
    /// May it still change?
    pub estimated: bool,
    /// Is it not over yet?
    pub running: bool,
}

/// What one account cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The address of a cell or an account; the name of another account.
    pub of: String,
    /// The account's id; none of one that is not made yet, and on another cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it cost in each month; empty when no bill of ours says it.
    pub amounts: Vec<Money>,
    /// The budget of the cell, beside the last month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Against>,
    /// Why there is no amount, or what the account is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A budget, and how the last month compares with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    /// The budget for a month, in USD.
    pub monthly: Money,
    /// What part of it was spent, in per cent, rounded down; none where it cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<i64>,
    /// How it stands.
    pub state: Standing,
    /// The highest of the program's thresholds that was passed: `80%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<String>,
    /// What the running month would come to if the rest of it cost what its days so far did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_this_rate: Option<Money>,
    /// Would that be over the budget?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub will_be_over: bool,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Below every threshold.
    Under,
    /// A threshold was passed.
    Alert,
    /// More was spent than the budget.
    Over,
    /// It is in another currency than the bill.
    Incomparable,
}

/// The first days of the months that are asked for: from the first, up to the one after the last. The last is the month of
/// `at` unless it is said.
pub fn months(count: u16, last: Option<Date>, at: Timestamp) -> Option<(Date, Date)> {
    let last = last.unwrap_or_else(|| TimeZone::UTC.to_datetime(at).date()).first_of_month();
    let from = last.checked_sub(i64::from(count.max(1) - 1).months()).ok()?;
    Some((from, last.checked_add(1.month()).ok()?))
}

/// What was spent, by cell.
pub fn bill(desired: &Desired, record: &Record, spent: &Spent, at: Timestamp) -> Bill {
    let mut rest: BTreeMap<&str, Vec<Money>> = BTreeMap::new();
    for (place, period) in spent.periods.iter().enumerate() {
        for (account, amount) in &period.by_account {
            let amounts = rest.entry(account).or_insert_with(|| vec![Money::default(); spent.periods.len()]);
            if let Some(sum) = amounts.get_mut(place) {
                *sum += *amount;
            }
        }
    }
    let total = (0..spent.periods.len()).map(|at| rest.values().filter_map(|of| of.get(at).copied()).sum()).collect();
    let mut take =
        |account: &str| rest.remove(account).unwrap_or_else(|| vec![Money::default(); spent.periods.len()]);
    let all: Vec<Line> =
        cells(desired, record).into_iter().map(|cell| of_cell(desired, record, cell, spent, at, &mut take)).collect();
    let shared = shared(desired, record, &mut take);
    let mut others: Vec<Line> = record
        .parked
        .iter()
        .map(|(id, parked)| line(&parked.name, id, take(id), Some(format!("parked; it was {}", parked.from))))
        .collect();
    others.extend(rest.into_iter().map(|(id, amounts)| {
        let name = spent.names.get(id).map_or(id, String::as_str);
        line(name, id, amounts, None)
    }));
    others.sort_by(|a, b| a.of.cmp(&b.of).then_with(|| a.account.cmp(&b.account)));
    Bill {
        format_version: FORMAT_VERSION.to_owned(),
        at,
        currency: spent.currency.clone(),
        months: spent.periods.iter().map(|period| month(period, at)).collect(),
        cells: all,
        shared,
        others,
        total,
        requests: spent.requests,
    }
}

fn month(period: &Period, at: Timestamp) -> Month {
    let today = TimeZone::UTC.to_datetime(at).date();
    let month = period.from.strftime("%Y-%m").to_string();
    Month { month, estimated: period.estimated, running: (period.from..period.to).contains(&today) }
}

fn line(of: &str, account: &str, amounts: Vec<Money>, note: Option<String>) -> Line {
    Line { of: of.to_owned(), account: Some(account.to_owned()), amounts, budget: None, note }
}

fn of_cell(
    desired: &Desired,
    record: &Record,
    cell: &str,
    spent: &Spent,
    at: Timestamp,
    take: &mut dyn FnMut(&str) -> Vec<Money>,
) -> Line {
    let account = account_of(desired, record, cell);
    let note = match &account {
        _ if desired.gcp.iter().any(|other| other == cell) => Some("on Google's cloud, which has a bill of its own"),
        None => Some("it has no account yet"),
        Some(_) => None,
    };
    let amounts = account.as_deref().map(&mut *take).unwrap_or_default();
    let budget = block(desired, cell, "budget").and_then(|block| against(block, &amounts, spent, at));
    Line { of: cell.to_owned(), account, amounts, budget, note: note.map(str::to_owned) }
}

/// Accounts of the program and of the record that are no cells, and the management account.
fn shared(desired: &Desired, record: &Record, take: &mut dyn FnMut(&str) -> Vec<Money>) -> Vec<Line> {
    let is_shared = |address: &&str| crate::terminal::address::kind(address) == Some("account");
    let recorded = record.resources.iter().filter(|(_, entry)| entry.kind == "account");
    let declared = desired.resources.iter().filter(|(_, wanted)| wanted.account.is_some());
    let addresses: std::collections::BTreeSet<&str> =
        recorded.map(|(address, _)| address.as_str()).chain(declared.map(|(address, _)| address.as_str())).collect();
    let mut all: Vec<Line> = addresses
        .into_iter()
        .filter(is_shared)
        .map(|address| match account_of(desired, record, address) {
            Some(id) => line(address, &id, take(&id), None),
            None => Line {
                of: address.to_owned(),
                account: None,
                amounts: Vec::new(),
                budget: None,
                note: Some("it is not made yet".to_owned()),
            },
        })
        .collect();
    let management = desired.org.management_account.clone();
    let management = management.or_else(|| Some(record.organization.as_ref()?.management_account.clone()));
    if let Some(id) = management
        && all.iter().all(|line| line.account.as_ref() != Some(&id))
    {
        all.push(line("management account", &id, take(&id), None));
    }
    all
}

/// A budget's block, and what the last month comes to beside it.
fn against(
    block: &serde_json::Map<String, Json>,
    amounts: &[Money],
    spent: &Spent,
    at: Timestamp,
) -> Option<Against> {
    let monthly: Money = block.get("monthly")?.as_str()?.parse().ok()?;
    let amount = amounts.last().copied().unwrap_or_default();
    if spent.currency != BUDGETS {
        let state = Standing::Incomparable;
        return Some(Against {
            monthly,
            percent: None,
            state,
            passed: None,
            at_this_rate: None,
            will_be_over: false,
        });
    }
    let thresholds = block.get("alert_at").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let share = |text: &str| millionths(text.strip_suffix('%')?);
    let passed = thresholds
        .filter_map(|text| Some((share(text)?, text)))
        .filter(|(share, _)| *share > 0 && amount.reaches(*share, monthly))
        .max()
        .map(|(_, text)| text.to_owned());
    let state = match &passed {
        _ if amount > monthly => Standing::Over,
        Some(_) => Standing::Alert,
        None => Standing::Under,
    };
    let at_this_rate = spent.periods.last().and_then(|period| rate(amount, period, at));
    let will_be_over = state != Standing::Over && at_this_rate.is_some_and(|rate| rate > monthly);
    Some(Against { monthly, percent: amount.percent_of(monthly), state, passed, at_this_rate, will_be_over })
}

/// `80` and `0.5` in millionths.
fn millionths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{part:0<6}");
    let part: i64 = padded.get(..6)?.parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

/// What a month that is not over would come to, once enough of it has gone by.
fn rate(amount: Money, period: &Period, at: Timestamp) -> Option<Money> {
    let today = TimeZone::UTC.to_datetime(at).date();
    if !(period.from..period.to).contains(&today) {
        return None;
    }
    let days = |to: Date| i128::from((to - period.from).get_days());
    // The bill is up to a day behind: the day that has begun does not count.
    let gone = days(today);
    if gone < ENOUGH { None } else { amount.at_this_rate(gone, days(period.to)) }
}
