//! Patches other than server-side apply: JSON merge patch (RFC 7386), JSON patch (RFC 6902), and the strategic merge of
//! Kubernetes, which merges lists by the same keys as an apply.

use super::fields::{Merge, merge_of, step_of};
use serde_json::Value;

/// JSON merge patch.
pub(super) fn merge(there: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        there.clone_from(patch);
        return;
    };
    if !there.is_object() {
        *there = Value::Object(serde_json::Map::new());
    }
    let Value::Object(there) = there else { return };
    for (name, value) in patch {
        if value.is_null() {
            there.remove(name);
        } else {
            merge(there.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Strategic merge patch.
pub(super) fn strategic(there: &mut Value, patch: &Value, name: &str, within: &str) {
    match (there, patch) {
        (there, Value::Object(patch)) => {
            if patch.get("$patch").and_then(Value::as_str) == Some("replace") || !there.is_object() {
                *there = Value::Object(serde_json::Map::new());
            }
            let Value::Object(there) = there else { return };
            if let Some(Value::Array(kept)) = patch.get("$retainKeys") {
                there.retain(|key, _| kept.iter().any(|kept| kept == key));
            }
            for (inner, value) in patch.iter().filter(|(inner, _)| !inner.starts_with('$')) {
                if value.is_null() {
                    there.remove(inner);
                } else {
                    strategic(there.entry(inner.clone()).or_insert(Value::Null), value, inner, name);
                }
            }
            for (directive, values) in patch {
                let Some(list) = directive.strip_prefix("$deleteFromPrimitiveList/") else { continue };
                let gone = values.as_array().map_or(&[][..], Vec::as_slice);
                if let Some(Value::Array(there)) = there.get_mut(list) {
                    there.retain(|value| !gone.contains(value));
                }
            }
        }
        (Value::Array(there), Value::Array(patch)) => match merge_of(name, within) {
            Merge::Keys(keys) => items(there, patch, keys, name),
            Merge::Set => {
                let new = patch.iter().filter(|value| !there.contains(value)).cloned().collect::<Vec<_>>();
                there.extend(new);
            }
            Merge::Atomic => there.clone_from(patch),
        },
        (there, Value::Array(patch)) => {
            let mut list = Vec::new();
            match merge_of(name, within) {
                Merge::Keys(keys) => items(&mut list, patch, keys, name),
                _ => list.clone_from(patch),
            }
            *there = Value::Array(list);
        }
        (there, patch) => there.clone_from(patch),
    }
}

fn items(there: &mut Vec<Value>, patch: &[Value], keys: &[&str], name: &str) {
    for item in patch {
        let step = step_of(keys, item);
        let at = there.iter().position(|found| step_of(keys, found) == step);
        match (at, item.get("$patch").and_then(Value::as_str)) {
            (Some(at), Some("delete")) => drop(there.remove(at)),
            (None, Some("delete")) => {}
            (Some(at), _) => {
                if let Some(found) = there.get_mut(at) {
                    strategic(found, item, name, name);
                }
            }
            (None, _) => {
                let mut new = Value::Null;
                strategic(&mut new, item, name, name);
                there.push(new);
            }
        }
    }
}

/// JSON patch: `add`, `replace`, `remove` and `test`.
pub(super) fn json(there: &mut Value, patch: &Value) -> Result<(), String> {
    for step in patch.as_array().map_or(&[][..], Vec::as_slice) {
        let (operation, path) = (step["op"].as_str().unwrap_or_default(), step["path"].as_str().unwrap_or_default());
        let value = &step["value"];
        if operation == "test" {
            let found = there.pointer(path);
            if found != Some(value) {
                return Err(format!("testing path {path} failed"));
            }
            continue;
        }
        let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("the path {path} does not begin with /"))?;
        let last = last.replace("~1", "/").replace("~0", "~");
        let missing = || format!("the path {path} is not there");
        let parent = there.pointer_mut(parent).ok_or_else(missing)?;
        match (parent, operation) {
            (Value::Object(members), "add" | "replace") => drop(members.insert(last, value.clone())),
            (Value::Object(members), "remove") => drop(members.remove(&last).ok_or_else(missing)?),
            (Value::Array(items), "add") if last == "-" => items.push(value.clone()),
            (Value::Array(items), operation) => {
                let at: usize = last.parse().map_err(|_| missing())?;
                match operation {
                    "add" if at <= items.len() => items.insert(at, value.clone()),
                    "replace" => *items.get_mut(at).ok_or_else(missing)? = value.clone(),
                    "remove" if at < items.len() => drop(items.remove(at)),
                    _ => return Err(missing()),
                }
            }
            _ => return Err(format!("{operation} at {path} cannot be done")),
        }
    }
    Ok(())
}
