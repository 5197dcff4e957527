//! Which cells releases may come to, by the program and the record. Owns how an apply tells rollouts that are under way of what
//! it changed; that a drained cell is passed by, and asked again, is the core's.

use std::collections::BTreeSet;
use std::convert::Infallible;

use cell_eval::apply::journal::load;
use cell_eval::plan::desired::Desired;
use cell_eval::registry::record::Record;
use cell_eval::registry::store::Store;
use cell_eval::releases::wishes::is_of_component;
use cell_eval::releases::{Desk, DeskError, Fleet, Standing};

use crate::session::Session;

/// The cells as a program says, and as applies have left them since.
pub(super) struct Cells<'a> {
    /// The program.
    pub(super) desired: &'a Desired,
    /// The record when the program was read.
    pub(super) read: Record,
    /// Where the record is.
    pub(super) store: &'a dyn Store,
}

impl Fleet for Cells<'_> {
    fn standing(&self, of: &str) -> Result<Standing, String> {
        let now = load(self.store).map_err(|error| error.to_string())?.record;
        let (draining, here) = (draining(self.desired, of), here(self.desired, &now, of));
        Ok(Standing { draining, here }.since(&self.read, &now))
    }
}

/// The cells that a release may come to: those of the program that were not torn down. None of what the program has
/// no more; the form of a permission set that it takes through no waves any more goes on to where it was to go.
pub(super) fn here(desired: &Desired, record: &Record, of: &str) -> Option<BTreeSet<String>> {
    let is_there = |cell: &&String| record.entry(cell).is_some() || !record.gone.contains_key(*cell);
    match desired.releases.get(of) {
        Some(wish) => Some(wish.cells.keys().filter(is_there).cloned().collect()),
        None => (is_of_component(of) || !desired.resources.contains_key(of)).then(BTreeSet::new),
    }
}

/// The cells of a release that are being drained.
fn draining(desired: &Desired, of: &str) -> BTreeSet<String> {
    let Some(wish) = desired.releases.get(of) else { return BTreeSet::new() };
    desired.draining.iter().filter(|cell| wish.cells.contains_key(*cell)).cloned().collect()
}

/// Writes into the book of each rollout under way which cells the program drains. Whoever carries one out has read a program
/// when it began, and reads books since.
///
/// # Errors
/// When a book cannot be read or written.
pub(crate) fn tell(session: &Session<'_>) -> Result<(), DeskError> {
    let (desk, desired) = (Desk::new(session.connection.store.as_ref()), &session.subject.desired);
    for of in desired.releases.keys() {
        let cells = draining(desired, of);
        let mut book = desk.read(of)?.book;
        if !book.drain(&cells) {
            continue;
        }
        let now = session.connection.time.now();
        let what = match cells.len() {
            0 => "no cell is drained any more".to_owned(),
            _ => format!("drained: {}", cells.iter().cloned().collect::<Vec<_>>().join(", ")),
        };
        let changed = desk.change(of, |book| {
            if book.drain(&cells) {
                book.note(now, what.clone());
            }
            Ok::<_, Infallible>(())
        })?;
        match changed {
            Ok(_) => session.output.remark(&format!("{of}, whose rollout is under way: {what}")),
            Err(never) => match never {},
        }
    }
    Ok(())
}
