//! CloudWatch's part of the state, as data.

use crate::input::Millis;
use crate::state::Tags;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Alarms, dashboards and data of all accounts and regions.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// (`account/region`, name).
    pub(crate) alarms: Table<(String, String), Alarm>,
    /// (account, name): a dashboard is in no region.
    pub(crate) dashboards: Table<(String, String), Dashboard>,
    /// (`account/region`, what tells the metric from all others).
    pub(crate) series: Table<(String, String), Series>,
}

/// An alarm. What state it is in follows from the data and the time.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// The members of PutMetricAlarm or PutCompositeAlarm.
    pub(crate) settings: Value,
    /// Is it made of other alarms?
    pub(crate) composite: bool,
    pub(crate) tags: Tags,
    /// When it was put last.
    pub(crate) configured: Millis,
    /// The state that it was given last, at first `INSUFFICIENT_DATA`.
    pub(crate) given: Given,
}

/// A state that was not evaluated.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) at: Millis,
    /// By SetAlarmState: it is evaluated again a period later.
    pub(crate) by_hand: bool,
}

/// A dashboard.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Dashboard {
    pub(crate) body: String,
    pub(crate) at: Millis,
}

/// The data of a metric with its dimensions.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) dimensions: BTreeMap<String, String>,
    /// By the beginning of the minute, or of the ten seconds of data of high resolution.
    pub(crate) points: BTreeMap<Millis, Point>,
}

/// The data of a minute or of ten seconds.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) sum: f64,
    pub(crate) count: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Each value and how often it was; sets of statistics have none.
    pub(crate) values: Vec<(f64, f64)>,
}

impl Point {
    /// Takes in what was seen so often between these bounds.
    pub(crate) fn take(&mut self, sum: f64, count: f64, (least, most): (f64, f64)) {
        let first = self.count == 0.0;
        self.least = if first { least } else { self.least.min(least) };
        self.most = if first { most } else { self.most.max(most) };
        self.sum += sum;
        self.count += count;
    }
}
