//! From what was read to what a rollout is told. [`observed`] and [`unheard`] are pure; [`look`] and [`hear`] read for
//! them, many places at once.
//!
//! `INVARIANT`: what was not read is never a pass. An alarm that is not there counts as one without data; of a place that
//! cannot be read that is told, and what the others say counts.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;

use jiff::Timestamp;

use crate::live::parallel;
use crate::provider::{Answer, CloudError};
use crate::rollout::{Event, Signal};

use super::model::{AlarmState, Count, Emitted, Metric, Reading, Signals};
use super::watched::{Place, Watched};

/// What was read in one place.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Alarms by name.
    pub states: BTreeMap<String, Reading>,
    /// What was counted.
    pub sums: BTreeMap<Count, f64>,
}

/// What a rollout is told, and why some of its alarms are not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// [`Event::Observed`].
    pub event: Event,
    /// Why, of each alarm that is not well, by alarm and cell.
    pub reasons: BTreeMap<(String, String), String>,
}

/// The alarm whose requests count where these are watched: the first, by address, that is on a ratio; if none is, the first.
/// Only one counts, so that no request is counted twice; none without an alarm.
pub fn counting<'a>(watched: &[&'a Watched]) -> Option<&'a str> {
    watched.iter().min_by_key(|one| (!one.ratio, &one.alarm)).map(|one| one.alarm.as_str())
}

/// What was seen of these alarms in their places, or why nothing was. The requests are those of [`counting`], in all cells
/// together.
pub fn observed(watched: &[&Watched], seen: &BTreeMap<Place, Answer<Seen>>) -> Observation {
    let (mut signals, mut reasons) = (Vec::new(), BTreeMap::new());
    let (by, mut served) = (counting(watched), 0.0);
    for one in watched {
        let there = seen.get(&one.place).map(Result::as_ref).transpose();
        let (signal, reason) = match there {
            Ok(there) => told(one, there.and_then(|seen| seen.states.get(&one.name))),
            Err(error) => (Signal::Unread, Some(format!("cannot be read, and nothing passes until it is: {error}"))),
        };
        let key = (one.alarm.clone(), one.place.cell.clone());
        signals.push((key.0.clone(), key.1.clone(), signal));
        reasons.extend(reason.map(|reason| (key, reason)));
        if by == Some(one.alarm.as_str()) {
            let seen = there.ok().flatten();
            served += seen.and_then(|seen| seen.sums.get(&one.requests)).copied().unwrap_or_default();
        }
    }
    Observation { event: Event::Observed { signals, requests: whole(served) }, reasons }
}

/// A count of whole requests: a share of one is none, and what is no number is none.
fn whole(sum: f64) -> u64 {
    // A cast of a float saturates, and takes what is no number for nothing.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = sum.max(0.0) as u64;
    whole
}

fn told(one: &Watched, reading: Option<&Reading>) -> (Signal, Option<String>) {
    let missing = || format!("there is no alarm `{}` in {}", one.name, one.place.region);
    let Some(reading) = reading else { return (Signal::NoData, Some(missing())) };
    match reading.state {
        AlarmState::Ok => (Signal::Ok, None),
        AlarmState::Alarm => (Signal::Alarm, Some(reading.reason.clone())),
        AlarmState::NoData => (Signal::NoData, Some(reading.reason.clone())),
        AlarmState::Missing => (Signal::NoData, Some(missing())),
    }
}

/// Reads what these alarms say and what their cells have served between two instants, in up to `lanes` places at once.
/// `open` gives CloudWatch of a place.
pub fn look<'a>(
    watched: &[&Watched],
    (since, until): (Timestamp, Timestamp),
    lanes: usize,
    open: &(dyn Fn(&Place) -> Answer<Box<dyn Signals + 'a>> + Sync),
) -> Observation {
    let by = counting(watched);
    let mut places: BTreeMap<&Place, Vec<&Watched>> = BTreeMap::new();
    for one in watched {
        places.entry(&one.place).or_default().push(one);
    }
    let places: Vec<(&Place, Vec<&Watched>)> = places.into_iter().collect();
    let read = |place: &Place, alarms: &[&Watched]| -> Answer<Seen> {
        let there = open(place)?;
        let names = alarms.iter().map(|one| one.name.clone()).collect();
        let counted = alarms.iter().filter(|one| by == Some(one.alarm.as_str()));
        let counts: BTreeSet<Count> = counted.map(|one| one.requests.clone()).collect();
        let sums = if counts.is_empty() { BTreeMap::new() } else { there.sums(&counts, since, until)? };
        Ok(Seen { states: there.states(&names)?, sums })
    };
    let seen = parallel::each(lanes, &places, |(place, alarms)| {
        Ok::<_, Infallible>(((*place).clone(), read(place, alarms)))
    });
    match seen {
        Ok(seen) => observed(watched, &seen.into_iter().collect()),
        Err(never) => match never {},
    }
}

/// What is known of metrics before anything waits for them.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The alarms that wait for what no component emits.
    pub unheard: Vec<Unheard>,
    /// The places where that is not known, and why.
    pub unread: Vec<(Place, CloudError)>,
}

/// Asks, in up to `lanes` places at once, whether anything emits what these alarms wait for. `open` gives CloudWatch of a
/// place.
pub fn hear<'a>(
    watched: &[&Watched],
    lanes: usize,
    open: &(dyn Fn(&Place) -> Answer<Box<dyn Signals + 'a>> + Sync),
) -> Heard {
    let mut places: BTreeMap<&Place, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for one in watched {
        let pairs = one.metrics.iter().map(|metric| (metric.namespace.as_str(), metric.dimension.as_str()));
        places.entry(&one.place).or_default().extend(pairs);
    }
    let places: Vec<(&Place, BTreeSet<(&str, &str)>)> = places.into_iter().collect();
    let answers = parallel::each(lanes, &places, |(place, pairs)| {
        let key = |(namespace, dimension): &(&str, &str)| {
            ((*place).clone(), (*namespace).to_owned(), (*dimension).to_owned())
        };
        let found = open(place).and_then(|there| {
            let pairs = pairs.iter().map(|pair| Ok((key(pair), there.emitted(pair.0, pair.1)?)));
            pairs.collect::<Answer<Vec<_>>>()
        });
        Ok::<_, Infallible>(((*place).clone(), found))
    });
    let answers = match answers {
        Ok(answers) => answers,
        Err(never) => match never {},
    };
    let (mut emitted, mut unread) = (BTreeMap::new(), Vec::new());
    for (place, found) in answers {
        match found {
            Ok(found) => emitted.extend(found),
            Err(error) => unread.push((place, error)),
        }
    }
    Heard { unheard: unheard(watched, &emitted), unread }
}

/// An alarm that waits for what no component emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    /// The address of the alarm.
    pub alarm: String,
    /// The address of the cell.
    pub cell: String,
    /// What it waits for.
    pub waits: Metric,
    /// What there is instead.
    pub instead: Instead,
}

/// What there is instead of a metric with a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// No metric of the namespace has the dimension.
    Nothing,
    /// The metric has the dimension for other cells only, as these values.
    OtherCells(BTreeSet<String>),
    /// Other metrics have the dimension for the cell.
    OtherMetrics(BTreeSet<String>),
    /// The metric has more dimensions than this one.
    MoreDimensions,
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alarm, cell, waits, instead } = self;
        let Metric { namespace, name, dimension, value } = waits;
        write!(
            f,
            "{alarm} in {cell} waits for `{name}` of `{namespace}` with `{dimension}` = `{value}`, which nothing emits: "
        )?;
        let listed = |all: &BTreeSet<String>| {
            let some: Vec<String> = all.iter().take(5).map(|name| format!("`{name}`")).collect();
            let more = if all.len() > some.len() { ", …" } else { "" };
            format!("{}{more}", some.join(", "))
        };
        match instead {
            Instead::Nothing => write!(f, "no metric of `{namespace}` has that dimension"),
            Instead::OtherCells(values) => write!(f, "the metric has it as {}", listed(values)),
            Instead::OtherMetrics(names) => write!(f, "the cell emits {}", listed(names)),
            Instead::MoreDimensions => f.write_str("the metric has more dimensions, and an alarm names them all"),
        }
    }
}

/// The alarms that wait for what no component emits, by what each place was found to emit: namespace and dimension, and
/// what has data with them. A place or a namespace that was not read has nothing said of it.
pub fn unheard(watched: &[&Watched], emitted: &BTreeMap<(Place, String, String), BTreeSet<Emitted>>) -> Vec<Unheard> {
    let mut all = Vec::new();
    for one in watched {
        for metric in &one.metrics {
            let key = (one.place.clone(), metric.namespace.clone(), metric.dimension.clone());
            let Some(found) = emitted.get(&key) else { continue };
            if let Some(instead) = instead(metric, found) {
                let (alarm, cell) = (one.alarm.clone(), one.place.cell.clone());
                all.push(Unheard { alarm, cell, waits: metric.clone(), instead });
            }
        }
    }
    all
}

fn instead(wanted: &Metric, found: &BTreeSet<Emitted>) -> Option<Instead> {
    let same: Vec<&Emitted> = found.iter().filter(|one| one.metric == wanted.name).collect();
    let here: Vec<&Emitted> = found.iter().filter(|one| one.value == wanted.value).collect();
    if same.iter().any(|one| one.value == wanted.value && one.alone) {
        return None;
    }
    Some(if same.iter().any(|one| one.value == wanted.value) {
        Instead::MoreDimensions
    } else if !same.is_empty() {
        Instead::OtherCells(same.iter().map(|one| one.value.clone()).collect())
    } else if here.is_empty() {
        Instead::Nothing
    } else {
        Instead::OtherMetrics(here.iter().map(|one| one.metric.clone()).collect())
    })
}
