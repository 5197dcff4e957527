//! What is on another version than the released one while nothing is under way that would change it: an aborted rollout leaves a
//! fleet so. Owns which version is where, and which command makes it one again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::book::Book;
use super::wishes::is_of_component;
use crate::terminal::visible;
use crate::words::counted;

/// Cells that are named.
const NAMED: usize = 5;

/// Cells that have the same version, and not the released one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// What they have: the version, and of the released one what else differs.
    pub version: String,
    /// They, by address.
    pub cells: Vec<String>,
    /// What makes the fleet one again.
    pub mend: String,
}

/// Which cells are apart, by what they have; none while something is under way or queued.
pub fn apart(book: &Book) -> Vec<Apart> {
    if book.goes_on() {
        return Vec::new();
    }
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if book.released.is_some() {
        book.beside_the_released().for_each(|(cell, version)| by.entry(version).or_default().push(cell.clone()));
    } else {
        book.cells.iter().for_each(|(cell, has)| by.entry(has.version.clone()).or_default().push(cell.clone()));
    }
    let one = |(version, cells): (String, Vec<String>)| {
        let mend = mend(book, &version);
        Apart { version, cells, mend }
    };
    by.into_iter().map(one).collect()
}

/// The command that makes it one version again.
fn mend(book: &Book, version: &str) -> String {
    // A permission set has the form of the program, and no versions to choose from.
    if !is_of_component(&book.of) {
        let queues =
            "where the program says another form, `cellc apply` queues it, and `cellc rollout run` brings it";
        return queues.to_owned();
    }
    let of = book.of.strip_prefix("component.").unwrap_or(&book.of);
    let start = |version: &str| format!("`cellc rollout start {of} {version}`");
    match book.released.as_ref().map(|has| has.version.as_str()) {
        None => format!("nothing is released: {} brings {version} to all", start(version)),
        // Of the released version another thing.
        Some(released) if version.starts_with(&format!("{released} of ")) => {
            format!("{} brings what is released", start(released))
        }
        Some(released) => {
            format!("{} brings {released} there, {} brings {version} to all", start(released), start(version))
        }
    }
}

impl Apart {
    /// `v2 is in 2 cells: cell.a, cell.b`
    pub fn told(&self) -> String {
        let named: Vec<String> = self.cells.iter().take(NAMED).map(|cell| visible::name(cell)).collect();
        let more = self.cells.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (version, count) = (visible::text(&self.version), counted(self.cells.len(), "cell"));
        format!("{version} is in {count}: {}{more}", named.join(", "))
    }
}
