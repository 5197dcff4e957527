//! Which cells a release may come to. Owns what applies have changed of that since a program was read; what follows for a rollout
//! is [`crate::rollout`]'s.

use std::collections::BTreeSet;

use crate::registry::record::Record;

/// Which cells a release may come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The cells that are being drained.
    pub draining: BTreeSet<String>,
    /// The cells that are there; all, where the program says nothing of what is released.
    pub here: Option<BTreeSet<String>>,
}

/// What knows the cells.
pub trait Fleet: Sync {
    /// How they are now. It is asked as each rollout begins to be carried out; what changes after that stands in its book.
    ///
    /// # Errors
    /// Why that is not known.
    fn standing(&self, of: &str) -> Result<Standing, String>;
}

/// Cells that no apply changes.
impl Fleet for Standing {
    fn standing(&self, _: &str) -> Result<Standing, String> {
        Ok(self.clone())
    }
}

impl Standing {
    /// What a program says, with what applies have changed between two records: a process may live longer than the program
    /// that it has read.
    #[must_use]
    pub fn since(mut self, was: &Record, is: &Record) -> Self {
        let state = |record: &Record, cell: &str| {
            Some(record.cells.get(cell)?.get("state").and_then(|state| state.as_str()).unwrap_or_default().to_owned())
        };
        for cell in was.cells.keys().chain(is.cells.keys()) {
            let (before, now) = (state(was, cell), state(is, cell));
            if before == now {
                continue;
            }
            self.draining.remove(cell);
            if now.as_deref() == Some("draining") {
                self.draining.insert(cell.clone());
            }
            if let Some(here) = &mut self.here {
                let _ = if now.is_some() { here.insert(cell.clone()) } else { here.remove(cell) };
            }
        }
        self
    }
}
