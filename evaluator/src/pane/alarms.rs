//! What the alarms of cells say. Owns asking for them, several cells at a time, and what each cell's alarms come to; who is
//! asked is behind [`Alarms`].

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::live::parallel::each;
use crate::plan::desired::Desired;
use crate::registry::record::Record;
use crate::rollout::Signal;
use crate::signals::Place;

use super::model::{Sound, Told};
use super::rows::account_of;

/// Cells that are asked at a time: each account answers for itself.
const AT_A_TIME: usize = 16;

/// Where alarms are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The cell.
    pub cell: String,
    /// The id of the account that has them: the cell's, or of a cell on another cloud that of monitoring.
    pub account: String,
    /// Their region.
    pub region: String,
    /// Its alarms, by address: the name in the cloud.
    pub alarms: BTreeMap<String, String>,
}

/// What tells how alarms are. Calls block, and several are made at a time.
pub trait Alarms: Sync {
    /// What each alarm of a cell says, by its address; one that is not there is left out.
    ///
    /// # Errors
    /// Why that is not known.
    fn look(&self, asked: &Asked) -> Result<BTreeMap<String, Signal>, String>;
}

/// What was heard of a cell's alarms, by address; or why nothing was.
pub type Heard = Result<BTreeMap<String, Signal>, String>;

/// Of these cells those whose alarms there are to ask: where they are was applied and has an account, and there are some.
pub fn asked(desired: &Desired, record: &Record, cells: &BTreeSet<&str>) -> Vec<Asked> {
    let places: BTreeMap<&str, &Place> =
        desired.watched.iter().map(|one| (one.place.cell.as_str(), &one.place)).collect();
    let one = |cell: &&str| {
        let Place { owner, region, .. } = places.get(*cell)?;
        record.entry(owner).filter(|entry| !entry.is_claim())?;
        let (account, region) = (account_of(desired, record, owner)?, region.clone());
        Some(Asked { cell: (*cell).to_owned(), account, region, alarms: wanted(desired, cell) })
    };
    cells.iter().filter_map(one).filter(|asked| !asked.alarms.is_empty()).collect()
}

/// Asks for the alarms of each of these cells.
pub fn listen(alarms: &dyn Alarms, asked: &[Asked]) -> BTreeMap<String, Heard> {
    let one = |asked: &Asked| Ok::<_, Infallible>((asked.cell.clone(), alarms.look(asked)));
    match each(AT_A_TIME, asked, one) {
        Ok(heard) => heard.into_iter().collect(),
        Err(never) => match never {},
    }
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
            Some(Signal::NoData | Signal::Unread) | None => told.no_data.push(alarm.clone()),
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
