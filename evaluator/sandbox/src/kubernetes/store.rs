//! The objects of all clusters, with what changed of late for those who watch. It knows no meaning of any object.

use super::kinds::Kind;
use crate::input::Millis;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Changes that a watch may be behind; one that is further behind has to list again.
const KEPT: usize = 4096;

/// Kubernetes' part of the state.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Kubernetes {
    /// Counts changes, over all clusters.
    pub(super) revision: u64,
    /// By cluster and [`Kind::key`].
    pub(super) objects: Table<(String, String), Value>,
    /// Changes by their revision.
    pub(super) changes: Table<u64, Change>,
    /// When the controller looks at an object next.
    pub(super) due: Table<(String, String), Millis>,
}

/// A change of an object.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) cluster: String,
    pub(super) key: String,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) what: String,
    /// As it is after the change; before it, where it is deleted.
    pub(super) object: Value,
    /// As it was before it: it may have come to fit what is watched, or have ceased to.
    pub(super) before: Value,
}

impl Kubernetes {
    pub(super) fn get(&self, cluster: &str, key: &str) -> Option<&Value> {
        self.objects.get(&(cluster.to_owned(), key.to_owned()))
    }

    /// Objects whose key begins so.
    pub(super) fn list<'a>(&'a self, cluster: &'a str, head: &'a str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.objects
            .from(&(cluster.to_owned(), head.to_owned()))
            .take_while(move |((found, key), _)| found == cluster && key.starts_with(head))
            .map(|(_, object)| object)
    }

    /// Puts an object in its place. One that is as it was stays as it is.
    pub(super) fn put(&mut self, cluster: &str, kind: &Kind, mut object: Value) -> Value {
        let key = kind.key(text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
        let before = self.get(cluster, &key).cloned();
        if let Some(before) = &before {
            object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if object == *before {
                return object;
            }
        }
        // A list of nothing is at 1: what comes first must come after that.
        self.revision = self.revision.max(1) + 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let what = if before.is_some() { "MODIFIED" } else { "ADDED" };
        self.note(cluster, &key, what, object.clone(), before.unwrap_or(Value::Null));
        self.objects.insert((cluster.to_owned(), key), object.clone());
        object
    }

    /// Takes an object away; false when it was not there.
    pub(super) fn delete(&mut self, cluster: &str, key: &str) -> bool {
        let Some(mut object) = self.get(cluster, key).cloned() else { return false };
        let before = object.clone();
        // A list of nothing is at 1: what comes first must come after that.
        self.revision = self.revision.max(1) + 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.note(cluster, key, "DELETED", object, before);
        self.objects.remove(&(cluster.to_owned(), key.to_owned()));
        self.due.remove(&(cluster.to_owned(), key.to_owned()));
        true
    }

    /// How many objects a controller is to look at.
    #[cfg(test)]
    pub(crate) fn due_count(&self) -> usize {
        self.due.len()
    }

    fn note(&mut self, cluster: &str, key: &str, what: &str, object: Value, before: Value) {
        let (cluster, key, what) = (cluster.to_owned(), key.to_owned(), what.to_owned());
        self.changes.insert(self.revision, Change { cluster, key, what, object, before });
        while self.changes.len() > KEPT
            && let Some(oldest) = self.changes.first().map(|(at, _)| *at)
        {
            self.changes.remove(&oldest);
        }
    }
}

/// A text within an object; empty when there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number within an object.
pub(super) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// A list within an object; empty when there is none.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
