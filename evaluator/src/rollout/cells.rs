//! The cells of a rollout, found by name and by where they are. Owns that the two agree, so that a step asks for those that it
//! is about and not for all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::state::{Cell, CellState};

/// The cells of a rollout: read as a map by address, changed by [`Cells::put`], [`Cells::change`] and [`Cells::remove`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    by_name: BTreeMap<String, Cell>,
    /// The same by wave and state. None of the sets is empty.
    by_place: BTreeMap<(usize, CellState), BTreeSet<String>>,
}

impl Deref for Cells {
    type Target = BTreeMap<String, Cell>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl Cells {
    /// Has a cell as this; gives what it was, if it was there.
    pub fn put(&mut self, name: String, cell: Cell) -> Option<Cell> {
        let was = self.remove(&name);
        self.by_place.entry((cell.wave, cell.state)).or_default().insert(name.clone());
        self.by_name.insert(name, cell);
        was
    }

    /// Lets go of a cell; gives what it was, if it was there.
    pub fn remove(&mut self, name: &str) -> Option<Cell> {
        let was = self.by_name.remove(name)?;
        let place = (was.wave, was.state);
        if let Some(names) = self.by_place.get_mut(&place) {
            names.remove(name);
            if names.is_empty() {
                self.by_place.remove(&place);
            }
        }
        Some(was)
    }

    /// Changes a cell; gives what it was, if it is there and is otherwise now.
    pub fn change(&mut self, name: &str, change: impl FnOnce(&mut Cell)) -> Option<Cell> {
        let mut cell = self.by_name.get(name)?.clone();
        change(&mut cell);
        if self.by_name.get(name) == Some(&cell) {
            return None;
        }
        self.put(name.to_owned(), cell)
    }

    /// Has a cell in this state; gives what it was, if it is there and was in another.
    pub fn set(&mut self, name: &str, to: CellState) -> Option<Cell> {
        self.change(name, |cell| cell.state = to)
    }

    /// The cells of a wave in one state, by name.
    pub fn at(&self, wave: usize, state: CellState) -> impl ExactSizeIterator<Item = &String> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        self.by_place.get(&(wave, state)).unwrap_or(NONE).iter()
    }

    /// Whether there is a cell in such a wave and state.
    pub fn any(&self, which: impl Fn(usize, CellState) -> bool) -> bool {
        self.by_place.keys().any(|(wave, state)| which(*wave, *state))
    }

    /// The cells in such a wave and state, by name.
    pub fn that(&self, which: impl Fn(usize, CellState) -> bool) -> Vec<String> {
        let places = self.by_place.iter().filter(|((wave, state), _)| which(*wave, *state));
        let mut names: Vec<String> = places.flat_map(|(_, names)| names.iter().cloned()).collect();
        names.sort_unstable();
        names
    }
}

impl FromIterator<(String, Cell)> for Cells {
    fn from_iter<I: IntoIterator<Item = (String, Cell)>>(all: I) -> Self {
        let mut cells = Self::default();
        for (name, cell) in all {
            cells.put(name, cell);
        }
        cells
    }
}

impl<'c> IntoIterator for &'c Cells {
    type Item = (&'c String, &'c Cell);
    type IntoIter = std::collections::btree_map::Iter<'c, String, Cell>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_name.iter()
    }
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_name.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<String, Cell>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [CellState; 3] = [CellState::Waiting, CellState::Deploying, CellState::Done];

    proptest! {
        /// Whatever is done to them, cells are found by place as they would be if they were put together anew.
        #[test]
        fn names_and_places_agree(deeds in prop::collection::vec((0..4_u8, 0..5_u8, 0..3_usize, 0..3_usize), 0..40)) {
            let mut cells = Cells::default();
            for (deed, name, wave, state) in deeds {
                let (name, state) = (format!("cell.{name}"), STATES[state]);
                match deed {
                    0 => _ = cells.put(name, Cell { state, wave, former: None, why: None }),
                    1 => _ = cells.remove(&name),
                    2 => _ = cells.set(&name, state),
                    _ => _ = cells.change(&name, |cell| (cell.wave, cell.state) = (wave, state)),
                }
                let anew: Cells = cells.iter().map(|(name, cell)| (name.clone(), cell.clone())).collect();
                prop_assert_eq!(&cells, &anew);
                let scanned = |of| cells.iter().filter(move |(_, cell)| (cell.wave, cell.state) == of).map(|(name, _)| name);
                prop_assert!(cells.at(wave, state).eq(scanned((wave, state))));
                prop_assert_eq!(cells.any(|_, of| of == state), cells.values().any(|cell| cell.state == state));
            }
        }
    }
}
