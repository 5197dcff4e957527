//! Fields of objects: their paths, sets of them as `fieldsV1` writes them, and how lists are merged. Owns the part of the
//! API's schema that says so (`x-kubernetes-list-type`, `-list-map-keys`, `-map-type`), for the resources that there are.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>
//! <https://github.com/kubernetes-sigs/structured-merge-diff>

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A path, step by step as `fieldsV1` writes them: `f:spec`, `k:{"name":"web"}`, `v:"x"`.
pub(super) type Path = Vec<String>;

/// Paths.
pub(super) type Set = BTreeSet<Path>;

/// How a list is merged.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Merge {
    /// As a whole.
    Atomic,
    /// Each value is there or not.
    Set,
    /// Each item by these of its fields.
    Keys(&'static [&'static str]),
}

/// How a list of that name is merged; `within` is the name of the field that its object is of.
pub(super) fn merge_of(name: &str, within: &str) -> Merge {
    match (name, within) {
        (
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "imagePullSecrets"
            | "resourceClaims"
            | "schedulingGates"
            | "claims",
            _,
        ) => Merge::Keys(&["name"]),
        ("ports", "spec") => Merge::Keys(&["port", "protocol"]),
        ("ports", _) => Merge::Keys(&["containerPort", "protocol"]),
        ("volumeMounts", _) => Merge::Keys(&["mountPath"]),
        ("volumeDevices", _) => Merge::Keys(&["devicePath"]),
        ("conditions", "status") => Merge::Keys(&["type"]),
        ("ownerReferences", _) => Merge::Keys(&["uid"]),
        ("hostAliases", _) => Merge::Keys(&["ip"]),
        ("topologySpreadConstraints", _) => Merge::Keys(&["topologyKey", "whenUnsatisfiable"]),
        ("finalizers", _) => Merge::Set,
        _ => Merge::Atomic,
    }
}

/// Is a map taken as a whole?
pub(super) fn is_atomic_map(name: &str, within: &str) -> bool {
    matches!(
        (name, within),
        ("selector", "spec")
            | (
                "nodeSelector"
                    | "labelSelector"
                    | "namespaceSelector"
                    | "fieldRef"
                    | "resourceFieldRef"
                    | "configMapKeyRef"
                    | "secretKeyRef"
                    | "configMapRef"
                    | "secretRef",
                _
            )
    )
}

/// The step to an item of a list that has keys.
pub(super) fn step_of(keys: &[&str], item: &Value) -> String {
    let value = |key: &str| match &item[key] {
        // The one key with a default.
        Value::Null if key == "protocol" => json!("TCP"),
        found => found.clone(),
    };
    // Sorted, as the API server writes them.
    let keys: BTreeMap<&str, Value> = keys.iter().map(|key| (*key, value(key))).collect();
    format!("k:{}", json!(keys))
}

/// Fields that nobody owns.
const NOBODYS: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
];

/// Every leaf of an object by its path, and every item of a list with keys, by nothing: that it is there.
pub(super) fn leaves(object: &Value) -> BTreeMap<Path, Option<&Value>> {
    let mut all = BTreeMap::new();
    let Some(members) = object.as_object() else { return all };
    for (name, value) in members {
        match (name.as_str(), value) {
            ("apiVersion" | "kind" | "status", _) => {}
            ("metadata", Value::Object(metadata)) => {
                for (name, value) in metadata.iter().filter(|(name, _)| !NOBODYS.contains(&name.as_str())) {
                    walk(value, name, "metadata", &mut vec!["f:metadata".to_owned(), format!("f:{name}")], &mut all);
                }
            }
            _ => walk(value, name, "", &mut vec![format!("f:{name}")], &mut all),
        }
    }
    all
}

fn walk<'a>(
    value: &'a Value,
    name: &str,
    within: &str,
    path: &mut Path,
    all: &mut BTreeMap<Path, Option<&'a Value>>,
) {
    match value {
        Value::Null => {}
        Value::Object(members) if !members.is_empty() && !is_atomic_map(name, within) => {
            for (inner, value) in members {
                path.push(format!("f:{inner}"));
                walk(value, inner, name, path, all);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => match merge_of(name, within) {
            Merge::Atomic => drop(all.insert(path.clone(), Some(value))),
            Merge::Set => {
                for item in items {
                    let mut path = path.clone();
                    path.push(format!("v:{item}"));
                    all.insert(path, Some(item));
                }
            }
            Merge::Keys(keys) => {
                for item in items {
                    path.push(step_of(keys, item));
                    all.insert(path.clone(), None);
                    for (inner, value) in item.as_object().into_iter().flatten() {
                        path.push(format!("f:{inner}"));
                        walk(value, inner, name, path, all);
                        path.pop();
                    }
                    path.pop();
                }
            }
        },
        _ => drop(all.insert(path.clone(), Some(value))),
    }
}

/// What differs between two objects.
#[derive(Default)]
pub(super) struct Difference {
    /// Added, or of another value.
    pub(super) changed: Set,
    pub(super) removed: Set,
}

/// Compares two objects.
pub(super) fn compare(before: &Value, after: &Value) -> Difference {
    let (before, after) = (leaves(before), leaves(after));
    let changed = after.iter().filter(|(path, value)| before.get(*path) != Some(value));
    let removed = before.keys().filter(|path| !after.contains_key(*path));
    Difference { changed: changed.map(|(path, _)| path.clone()).collect(), removed: removed.cloned().collect() }
}

/// The set as `fieldsV1` has it.
pub(super) fn to_json(set: &Set) -> Value {
    let mut root = Map::new();
    for path in set {
        enter(&mut root, path);
    }
    Value::Object(root)
}

/// Enters a path; one that has others below it is marked as being in the set itself.
fn enter(into: &mut Map<String, Value>, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    let inner = into.entry(step.clone()).or_insert_with(|| json!({}));
    let Value::Object(inner) = inner else { return };
    if !rest.is_empty() {
        enter(inner, rest);
    } else if step.starts_with("k:") || !inner.is_empty() {
        inner.insert(".".to_owned(), json!({}));
    }
}

/// Reads `fieldsV1`.
pub(super) fn from_json(fields: &Value) -> Set {
    fn read(fields: &Value, path: &mut Path, set: &mut Set) {
        let Some(members) = fields.as_object() else { return };
        if members.is_empty() && !path.is_empty() {
            set.insert(path.clone());
        }
        for (step, inner) in members {
            if step == "." {
                set.insert(path.clone());
                continue;
            }
            path.push(step.clone());
            read(inner, path, set);
            path.pop();
        }
    }
    let mut set = Set::new();
    read(fields, &mut Vec::new(), &mut set);
    set
}

/// A path as messages write it: `.spec.template.spec.containers[name="web"].image`.
pub(super) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for step in path {
        match step.split_at_checked(2) {
            Some(("f:", name)) => {
                text.push('.');
                text.push_str(name);
            }
            Some(("k:", keys)) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                text.push_str(&format!("[{}]", keys.join(",")));
            }
            Some((_, value)) => text.push_str(&format!("[={value}]")),
            None => {}
        }
    }
    text
}

/// Merges what is applied into what is there.
pub(super) fn merge(there: &mut Value, applied: &Value, name: &str, within: &str) {
    match (there, applied) {
        (Value::Object(there), Value::Object(applied)) if !is_atomic_map(name, within) => {
            for (inner, value) in applied.iter().filter(|(_, value)| !value.is_null()) {
                merge(there.entry(inner.clone()).or_insert(Value::Null), value, inner, name);
            }
        }
        (Value::Array(there), Value::Array(applied)) if merge_of(name, within) != Merge::Atomic => {
            let keys = match merge_of(name, within) {
                Merge::Keys(keys) => keys,
                _ => &[],
            };
            for item in applied {
                let same = |found: &&mut Value| match keys {
                    [] => **found == *item,
                    keys => step_of(keys, found) == step_of(keys, item),
                };
                match there.iter_mut().find(same) {
                    // An item is like the fields of a map: its own name is that of the list.
                    Some(found) => merge(found, item, name, name),
                    None => there.push(item.clone()),
                }
            }
        }
        (there, applied) => there.clone_from(applied),
    }
}

/// Takes what is at a path out of an object.
pub(super) fn remove(object: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match (object, step.split_at_checked(2)) {
        (Value::Object(members), Some(("f:", name))) => {
            if rest.is_empty() {
                members.remove(name);
            } else if let Some(inner) = members.get_mut(name) {
                remove(inner, rest);
                // Lists and maps that lost all that was in them go too.
                if inner.as_array().is_some_and(Vec::is_empty) {
                    members.remove(name);
                }
            }
        }
        (Value::Array(items), Some(("k:", keys))) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let fits = |item: &Value| {
                let default = json!("TCP");
                keys.iter().all(|(key, value)| match &item[key] {
                    Value::Null if key == "protocol" => *value == default,
                    found => found == value,
                })
            };
            if rest.is_empty() {
                items.retain(|item| !fits(item));
            } else if let Some(item) = items.iter_mut().find(|item| fits(item)) {
                remove(item, rest);
            }
        }
        (Value::Array(items), Some(("v:", value))) => {
            let value: Value = serde_json::from_str(value).unwrap_or_default();
            items.retain(|item| *item != value);
        }
        _ => {}
    }
}
