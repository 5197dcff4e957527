//! What carries a release into a cell and what tells how the cell is: the traits that an engine, and an apply, work with. Owns
//! what is asked by them; how it is done, and what follows from the answer, others own.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::rollout::Signal;

use super::dossier::{Cell, Dossier};

/// What is to be brought to a cell.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The cell, by address.
    pub cell: &'a str,
    /// What it gets.
    pub what: &'a Cell,
    /// The release it is part of.
    pub of: &'a Dossier,
    /// Does a cell go back to what it had?
    pub back: bool,
    /// Was nothing there before a release came, so that all that is there is of releases? Only that is deleted on the way back.
    pub created: bool,
    /// One word of the rollout, the cell and the direction: the same for the same thing, however often it is tried.
    pub token: &'a str,
}

/// Why something was not brought to a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// It was tried, and this is why it is not there.
    #[error("{0}")]
    Why(String),
    /// It was told to stop before it was through: nothing is known, and it is done again.
    #[error("it was interrupted")]
    Interrupted,
}

/// What carries releases into cells. Calls block, and may be made for several cells at a time. To do the same thing
/// again changes nothing.
pub trait Targets: Sync {
    /// Brings a release to a cell; what was seen of it. `see` is told what happens meanwhile.
    ///
    /// # Errors
    /// Why it is not there.
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed>;

    /// Whether something is there already in which a release would come: it is asked before the first one comes to a place.
    ///
    /// # Errors
    /// Why that is not known.
    fn stands(&self, _order: Order<'_>) -> Result<bool, Failed> {
        Ok(true)
    }

    /// Takes a release away from where there was none before. What was there before any release is not deleted.
    ///
    /// # Errors
    /// Why it is still there.
    fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed>;

    /// What somebody has changed of what a release brings, where that is one thing for all cells: a permission set.
    ///
    /// # Errors
    /// Why that is not known now.
    fn altered(&self, _of: &Dossier) -> Result<Option<String>, Failed> {
        Ok(None)
    }

    /// The accounts that have the newest form of the permission set that a release brings, whoever has brought it there.
    ///
    /// # Errors
    /// Why that is not known.
    fn newest(&self, _of: &Dossier) -> Result<BTreeSet<String>, Failed> {
        Ok(BTreeSet::new())
    }
}

/// What is looked at.
#[derive(Debug)]
pub struct Look<'a> {
    /// The release.
    pub of: &'a Dossier,
    /// The alarms, by address.
    pub alarms: &'a [String],
    /// The cells, by address.
    pub cells: &'a [String],
    /// Those of them whose requests count, by address.
    pub serving: &'a [String],
    /// Requests count from here
    pub since: Timestamp,
    /// to here.
    pub until: Timestamp,
    /// Whether requests count at all.
    pub requests: bool,
}

/// What alarms say, by alarm and cell, and how many requests were served.
pub type Looked = (Vec<(String, String, Signal)>, u64);

/// What tells how cells are.
pub trait Signals: Sync {
    /// What each alarm says in each cell, and how many requests the cells have served.
    ///
    /// # Errors
    /// Why that is not known now. It is asked again, and nothing passes until it is known.
    fn look(&self, look: &Look<'_>) -> Result<Looked, String>;
}
