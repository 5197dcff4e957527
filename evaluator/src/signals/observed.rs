//! From what was read to what a rollout is told. [`observed`] is pure; [`look`] reads for it, many places at once.
//!
//! `INVARIANT`: what was not read is never a pass. An alarm that is not there counts as one without data; of a place that
//! cannot be read that is told, and what the others say counts.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use jiff::Timestamp;

use crate::live::parallel;
use crate::provider::Answer;
use crate::rollout::{Event, Signal};

use super::model::{AlarmState, Count, Reading, Signals};
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
    let missing = || one.is_missing();
    let Some(reading) = reading else { return (Signal::NoData, Some(missing())) };
    match reading.state {
        AlarmState::Ok => (Signal::Ok, None),
        AlarmState::Alarm => (Signal::Alarm, Some(reading.reason.clone())),
        AlarmState::NoData => (Signal::NoData, Some(reading.reason.clone())),
        AlarmState::Missing => (Signal::NoData, Some(missing())),
    }
}

/// Reads what these alarms say and what the cells of `serving` have served between two instants, in up to `lanes` places
/// at once. `open` gives CloudWatch of a place.
pub fn look<'a>(
    watched: &[&Watched],
    serving: &BTreeSet<&str>,
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
        let counts = |one: &&&Watched| by == Some(one.alarm.as_str()) && serving.contains(one.place.cell.as_str());
        let counted = alarms.iter().filter(counts);
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
