//! Alarms and data as the core sees them: the trait that a provider implements for one account and region, and the
//! records it speaks of. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::provider::Answer;

/// CloudWatch in one account and region, read and never written. Calls block, and are tried again by the provider where
/// that may help.
pub trait Signals: Send + Sync + fmt::Debug {
    /// DescribeAlarms: the state of each of these names, be it an alarm on a metric or one made of alarms. Every name has
    /// its entry: an alarm that is not there is [`AlarmState::Missing`].
    fn states(&self, names: &BTreeSet<String>) -> Answer<BTreeMap<String, Reading>>;
    /// GetMetricData: each of these added up over what was counted from `since`, rounded up to a period, until `until`.
    /// One that was counted nothing of has zero. Periods are minutes; after a fortnight five minutes, and hours after two
    /// months, since finer data is kept no longer.
    fn sums(&self, counts: &BTreeSet<Count>, since: Timestamp, until: Timestamp) -> Answer<BTreeMap<Count, f64>>;
    /// ListMetrics: what has had data with this dimension within the last two weeks. New ones take some minutes to appear.
    fn emitted(&self, namespace: &str, dimension: &str) -> Answer<BTreeSet<Emitted>>;
}

/// What an alarm was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It went off.
    Alarm,
    /// It has no data, `INSUFFICIENT_DATA`.
    NoData,
    /// There is no such alarm.
    Missing,
}

/// The state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub state: AlarmState,
    /// Why, in the service's words; empty when that is not said.
    pub reason: String,
}

/// What is added up of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statistic {
    /// The values: of a metric that counts.
    Sum,
    /// How many there were: of a metric that measures.
    Samples,
}

/// A metric that is added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count {
    /// Which.
    pub metric: Metric,
    /// How.
    pub statistic: Statistic,
}

/// A metric of one cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The dimension that names the cell.
    pub dimension: String,
    /// The cell, as the dimension has it.
    pub value: String,
}

/// A metric that has data with a dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emitted {
    /// Its name.
    pub metric: String,
    /// The value of the dimension.
    pub value: String,
    /// Is it the metric's only dimension? An alarm names every dimension of what it watches.
    pub alone: bool,
}
