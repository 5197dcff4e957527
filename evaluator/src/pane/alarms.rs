//! What the alarms of cells say. Owns asking for them, several cells at a time, and what each cell's alarms come to; who is
//! asked is behind [`Alarms`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::plan::desired::Desired;
use crate::registry::record::Record;
use crate::rollout::Signal;

use super::model::{Sound, Told};
use super::rows::account_of;

/// Cells that are asked at a time: each account answers for itself.
const AT_A_TIME: usize = 16;

/// Where alarms are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The cell.
    pub cell: &'a str,
    /// Its account's id.
    pub account: &'a str,
    /// Its region.
    pub region: &'a str,
    /// Its alarms, by address: the name in the cloud.
    pub alarms: &'a BTreeMap<String, String>,
}

/// What tells how alarms are. Calls block, and several are made at a time.
pub trait Alarms: Sync {
    /// What each alarm of a cell says, by its address; one that is not there is left out.
    ///
    /// # Errors
    /// Why that is not known.
    fn look(&self, asked: &Asked<'_>) -> Result<BTreeMap<String, Signal>, String>;
}

/// What was heard of a cell's alarms, by address; or why nothing was.
pub type Heard = Result<BTreeMap<String, Signal>, String>;

/// Asks for the alarms of each of these cells that has some and an account.
pub fn listen(alarms: &dyn Alarms, desired: &Desired, record: &Record, cells: &[&str]) -> BTreeMap<String, Heard> {
    let next = AtomicUsize::new(0);
    let heard = Mutex::new(BTreeMap::new());
    let worker = || {
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let wanted = wanted(desired, cell);
            let region = desired.published.get(*cell).and_then(|cell| cell.get("region")?.as_str());
            let (Some(account), Some(region)) = (account_of(desired, record, cell), region) else { continue };
            if wanted.is_empty() {
                continue;
            }
            let said = alarms.look(&Asked { cell, account: &account, region, alarms: &wanted });
            heard.lock().unwrap_or_else(PoisonError::into_inner).insert((*cell).to_owned(), said);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(cells.len()) {
            scope.spawn(worker);
        }
    });
    heard.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The alarms of a cell as the program has them, by address: the name in the cloud.
pub(super) fn wanted(desired: &Desired, cell: &str) -> BTreeMap<String, String> {
    let places = desired.releases.values().filter_map(|wish| wish.cells.get(cell));
    places.flat_map(|place| place.alarms.clone()).collect()
}

/// What a cell's alarms come to.
pub(super) fn told(wanted: &BTreeMap<String, String>, heard: Option<&Heard>, unread: &str) -> Told {
    let mut told = Told { state: Sound::None, count: wanted.len(), off: vec![], no_data: vec![], why: None };
    if wanted.is_empty() {
        return told;
    }
    let signals = match heard {
        Some(Ok(signals)) => signals,
        Some(Err(why)) => return Told { state: Sound::Unknown, why: Some(why.clone()), ..told },
        None => return Told { state: Sound::Unknown, why: Some(unread.to_owned()), ..told },
    };
    for alarm in wanted.keys() {
        match signals.get(alarm) {
            Some(Signal::Alarm) => told.off.push(alarm.clone()),
            // One that is not there says nothing, as one without data does.
            Some(Signal::NoData) | None => told.no_data.push(alarm.clone()),
            Some(Signal::Ok) => {}
        }
    }
    told.state = match (told.off.is_empty(), told.no_data.is_empty()) {
        (false, _) => Sound::Alarm,
        (true, false) => Sound::NoData,
        (true, true) => Sound::Ok,
    };
    told
}
