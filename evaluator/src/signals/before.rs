//! What is told before a rollout waits for it: alarms that watch what nothing emits, that are not there, and that are off
//! already. [`unheard`] and [`unwell`] are pure; [`hear`] reads for them, many places at once.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;

use crate::live::parallel;
use crate::provider::{Answer, CloudError};

use super::model::{AlarmState, Emitted, Metric, Reading, Signals};
use super::watched::{Place, Watched};

/// What a namespace was found to emit with a dimension, by place, namespace and dimension.
pub type Emits = BTreeMap<(Place, String, String), BTreeSet<Emitted>>;

/// What is known of alarms before anything waits for them.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The alarms that wait for what no component emits.
    pub unheard: Vec<Unheard>,
    /// The alarms that are off, or not there.
    pub unwell: Vec<Unwell>,
    /// The places where that is not known, and why.
    pub unread: Vec<(Place, CloudError)>,
}

/// Asks, in up to `lanes` places at once, how these alarms are and whether anything emits what they wait for. `open` gives
/// CloudWatch of a place.
pub fn hear<'a>(
    watched: &[&Watched],
    lanes: usize,
    open: &(dyn Fn(&Place) -> Answer<Box<dyn Signals + 'a>> + Sync),
) -> Heard {
    let mut places: BTreeMap<&Place, Vec<&Watched>> = BTreeMap::new();
    for one in watched {
        places.entry(&one.place).or_default().push(one);
    }
    let places: Vec<(&Place, Vec<&Watched>)> = places.into_iter().collect();
    let answers = parallel::each(lanes, &places, |(place, alarms)| {
        let found = open(place).and_then(|there| heard_in(place, alarms, there.as_ref()));
        Ok::<_, Infallible>(((*place).clone(), found))
    });
    let answers = match answers {
        Ok(answers) => answers,
        Err(never) => match never {},
    };
    let (mut emitted, mut states, mut unread) = (Emits::new(), BTreeMap::new(), Vec::new());
    for (place, found) in answers {
        match found {
            Ok((emits, found)) => {
                emitted.extend(emits);
                states.insert(place, found);
            }
            Err(error) => unread.push((place, error)),
        }
    }
    Heard { unheard: unheard(watched, &emitted), unwell: unwell(watched, &states), unread }
}

fn heard_in(place: &Place, alarms: &[&Watched], there: &dyn Signals) -> Answer<(Emits, BTreeMap<String, Reading>)> {
    let pairs: BTreeSet<(&str, &str)> = alarms
        .iter()
        .flat_map(|one| &one.metrics)
        .map(|metric| (metric.namespace.as_str(), metric.dimension.as_str()))
        .collect();
    let mut emitted = Emits::new();
    for (namespace, dimension) in pairs {
        let key = (place.clone(), namespace.to_owned(), dimension.to_owned());
        emitted.insert(key, there.emitted(namespace, dimension)?);
    }
    Ok((emitted, there.states(&alarms.iter().map(|one| one.name.clone()).collect())?))
}

/// An alarm that is off before the release is there, or is not there itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwell {
    /// The address of the alarm.
    pub alarm: String,
    /// The address of the cell.
    pub cell: String,
    /// What is wrong with it.
    pub what: String,
    /// Is it there, and off?
    pub is_off: bool,
}

/// The alarms that are off or not there, by what was read in each place. One without data is none of them: what is
/// released for the first time has emitted nothing yet.
pub fn unwell(watched: &[&Watched], states: &BTreeMap<Place, BTreeMap<String, Reading>>) -> Vec<Unwell> {
    let one = |one: &&Watched| {
        let reading = states.get(&one.place)?.get(&one.name)?;
        let (alarm, cell) = (one.alarm.clone(), one.place.cell.clone());
        let (what, is_off) = match reading.state {
            AlarmState::Alarm => (format!("is off already: {}", reading.reason), true),
            AlarmState::Missing => (one.is_missing(), false),
            AlarmState::Ok | AlarmState::NoData => return None,
        };
        Some(Unwell { alarm, cell, what, is_off })
    };
    watched.iter().filter_map(one).collect()
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
pub fn unheard(watched: &[&Watched], emitted: &Emits) -> Vec<Unheard> {
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
