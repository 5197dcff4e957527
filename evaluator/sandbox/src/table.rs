//! An ordered map whose copies are O(1). It owns nothing but the wrapping of `rpds`; it knows no service.
//!
//! A copy of the state before each write costs a few reference counts, which is what makes undoing a failed write
//! and answering a stale read cheap with 60,000 assignments.

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A persistent ordered map, written as a list of pairs.
#[derive(Clone, Debug)]
pub(crate) struct Table<K: Ord, V>(RedBlackTreeMapSync<K, V>);

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(RedBlackTreeMapSync::new_sync())
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.0.insert_mut(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> bool {
        self.0.remove_mut(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.size()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// Entries from `start` on, in order.
    pub(crate) fn from<'a>(&'a self, start: &K) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        self.0.range(start.clone()..)
    }

    pub(crate) fn first(&self) -> Option<(&K, &V)> {
        self.0.first()
    }
}

impl<V: Clone> Table<(String, String), V> {
    /// Entries whose key begins with `head`.
    pub(crate) fn under<'a>(&'a self, head: &'a str) -> impl Iterator<Item = (&'a str, &'a V)> {
        self.from(&(head.to_owned(), String::new()))
            .take_while(move |(k, _)| k.0 == head)
            .map(|(k, v)| (k.1.as_str(), v))
    }
}

impl<K: Ord + Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl<'de, K, V> Deserialize<'de> for Table<K, V>
where
    K: Ord + Clone + Deserialize<'de>,
    V: Clone + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Self::default();
        for (key, value) in Vec::<(K, V)>::deserialize(deserializer)? {
            table.insert(key, value);
        }
        Ok(table)
    }
}
