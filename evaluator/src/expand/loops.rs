//! Iteration: over a list, a range, a set, a map. Owns the order and the binding of names; what is done with each
//! item is the caller's.

use std::ops::ControlFlow;
use std::sync::Arc;

use cell_lang::hir::Source;

use super::machine::{Machine, Outcome, Running};
use crate::value::{EntityId, Map, Value, range_len};

/// What a loop runs over.
#[derive(Debug, Clone)]
pub(crate) enum Items {
    /// A list.
    List(Arc<[Value]>),
    /// A range; it is never laid out.
    Range(i64, i64),
    /// A set, by address.
    Set(Arc<[EntityId]>),
    /// A map, in source order.
    Map(Arc<Map>),
}

impl Items {
    /// The items of a value; none if it has none.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::List(list) => Self::List(list.clone()),
            Value::Range(first, last) => Self::Range(*first, *last),
            Value::Set(set) => Self::Set(set.clone()),
            Value::Map(map) => Self::Map(map.clone()),
            _ => return None,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::List(list) => list.len() as u64,
            Self::Range(first, last) => range_len(*first, *last),
            Self::Set(set) => set.len() as u64,
            Self::Map(map) => map.len() as u64,
        }
    }

    /// The item at a place: the element, or the key with its value.
    pub(crate) fn get(&self, at: u64) -> Option<(Value, Option<Value>)> {
        let place = usize::try_from(at).ok()?;
        match self {
            Self::List(list) => list.get(place).map(|value| (value.clone(), None)),
            Self::Range(first, _) => Some((Value::Int(first.checked_add_unsigned(at)?), None)),
            Self::Set(set) => set.get(place).map(|id| (Value::Ref(*id), None)),
            Self::Map(map) => map.get_index(place).map(|(key, value)| (key.clone(), Some(value.clone()))),
        }
    }
}

/// The number of an item as people count.
pub(crate) fn ordinal(at: u64) -> u32 {
    u32::try_from(at.saturating_add(1)).unwrap_or(u32::MAX)
}

impl<'w> Machine<'w, '_> {
    /// Does something for each item that counts, with the names of the loop bound.
    pub(super) fn each(
        &mut self,
        source: &'w Source,
        work: impl FnMut(&mut Self) -> Outcome<ControlFlow<()>>,
    ) -> Outcome<()> {
        let over = self.eval(&source.over)?;
        let Some(items) = Items::of(&over) else { return Err(self.broken(source.over.span)) };
        let depth = self.running.len();
        self.running.push(Running { source, base: self.base, item: 0 });
        let result = self.each_of(source, &items, depth, work);
        self.running.truncate(depth);
        result
    }

    fn each_of(
        &mut self,
        source: &'w Source,
        items: &Items,
        depth: usize,
        mut work: impl FnMut(&mut Self) -> Outcome<ControlFlow<()>>,
    ) -> Outcome<()> {
        for at in 0..items.len() {
            let Some(item) = items.get(at) else { break };
            if let Some(running) = self.running.get_mut(depth) {
                running.item = ordinal(at);
            }
            if self.step(source, item)? && work(self)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Binds an item to the names of a loop; does it count?
    pub(crate) fn step(&mut self, source: &'w Source, (first, second): (Value, Option<Value>)) -> Outcome<bool> {
        self.bind(source.first.1, first);
        if let (Some((_, slot)), Some(value)) = (&source.second, second) {
            self.bind(*slot, value);
        }
        self.charge(1, source.span)?;
        match &source.condition {
            Some(condition) => self.truth(condition),
            None => Ok(true),
        }
    }
}
