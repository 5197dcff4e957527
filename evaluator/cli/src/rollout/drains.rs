//! Tells rollouts that are under way which cells are drained now. Owns what an apply says of it; that a drained cell is passed
//! by, and asked again, is the core's.

use std::collections::BTreeSet;
use std::convert::Infallible;

use cell_eval::plan::desired::Desired;
use cell_eval::releases::{Desk, DeskError};

use crate::session::Session;

/// The cells of a release that are being drained.
pub(super) fn draining(desired: &Desired, of: &str) -> BTreeSet<String> {
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
