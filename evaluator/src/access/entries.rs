//! A review's rows as entries for people. Owns their order, and which rows are told at once: those of several
//! principals to whom the same happens in the same places. Words are [`super::phrases`]'s.

use std::collections::BTreeMap;

use super::model::{Delta, Proof, Review, Row, Severity};

/// What kind of entry it is; the gravest first. What may be gained stands behind what is: it is an upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Somebody gains.
    Gain(Severity),
    /// Somebody may gain.
    May(Severity),
    /// Somebody loses, and nobody gains.
    Loss,
}

/// What happens to some principals, the same to all of them.
#[derive(Debug)]
pub(super) struct Entry<'r> {
    /// How grave it is.
    pub(super) mark: Mark,
    /// One row a principal.
    pub(super) rows: Vec<&'r Row>,
    /// What is gained, of one proof, the gravest first.
    pub(super) gained: Vec<&'r Delta>,
    /// What is lost; told with what is proven to be gained, if anything is.
    pub(super) lost: Vec<&'r Delta>,
    /// In how many places something else happens to the principal; of one alone.
    pub(super) otherwise: usize,
}

impl<'r> Entry<'r> {
    /// The row of the first principal. What happens, and where, is the same in each of them.
    pub(super) fn row(&self) -> Option<&'r Row> {
        self.rows.first().copied()
    }

    /// The cells and accounts.
    pub(super) fn cells(&self) -> &'r [String] {
        self.row().map(|row| row.cells.as_slice()).unwrap_or_default()
    }

    /// Gains and then losses.
    pub(super) fn deltas(&self) -> impl Iterator<Item = &'r Delta> + '_ {
        self.gained.iter().chain(&self.lost).copied()
    }
}

/// The entries of a review, the gravest first. Rows that an `accept` waives are in none.
pub(super) fn entries(review: &Review) -> Vec<Entry<'_>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &review.principals {
        *places.entry(&row.principal).or_default() += row.cells.len();
    }
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<Entry<'_>> = Vec::new();
    for row in review.principals.iter().filter(|row| row.waived.is_none()) {
        for (mark, gained, lost) in parts(row) {
            // Data of our own can always be written.
            let key = serde_json::to_string(&(&row.cells, &row.sets, &gained, &lost)).unwrap_or_default();
            if let Some(entry) = known.get(&key).and_then(|at| all.get_mut(*at)) {
                entry.rows.push(row);
                entry.otherwise = 0;
                continue;
            }
            known.insert(key, all.len());
            let otherwise = places.get(row.principal.as_str()).map_or(0, |all| all - row.cells.len());
            all.push(Entry { mark, rows: vec![row], gained, lost, otherwise });
        }
    }
    all.sort_by_key(|entry| entry.mark);
    all
}

/// The entries of one row alone.
pub(super) fn of_row(row: &Row) -> Vec<Entry<'_>> {
    let entry = |(mark, gained, lost)| Entry { mark, rows: vec![row], gained, lost, otherwise: 0 };
    parts(row).into_iter().map(entry).collect()
}

/// The rows that are waived.
pub(super) fn waived(review: &Review) -> impl Iterator<Item = &Row> {
    review.principals.iter().filter(|row| row.waived.is_some())
}

/// What a row comes to: what is proven and what may be stand apart.
fn parts(row: &Row) -> Vec<(Mark, Vec<&Delta>, Vec<&Delta>)> {
    let of = |proof: Proof| row.gained.iter().filter(|delta| delta.proof == proof).collect::<Vec<_>>();
    let gravest = |all: &[&Delta]| all.iter().map(|delta| delta.risk.severity).min();
    let (proven, may) = (of(Proof::Proven), of(Proof::May));
    let mut lost: Vec<&Delta> = row.lost.iter().collect();
    let mut parts = Vec::new();
    if let Some(severity) = gravest(&proven) {
        parts.push((Mark::Gain(severity), proven, std::mem::take(&mut lost)));
    }
    if let Some(severity) = gravest(&may) {
        parts.push((Mark::May(severity), may, std::mem::take(&mut lost)));
    }
    if parts.is_empty() {
        parts.push((Mark::Loss, Vec::new(), lost));
    }
    parts
}
