//! Who owns which field: `managedFields`, server-side apply with its conflicts, and what other writes do to ownership.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/>

use super::fields::{Path, Set, compare, from_json, leaves, merge, remove, shown, to_json};
use super::store::{list, text};
use serde_json::{Value, json};

/// Who writes.
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    /// `apps/v1`.
    pub(super) version: &'a str,
    /// Now, in RFC 3339.
    pub(super) time: &'a str,
}

/// An entry of `managedFields`.
#[derive(Clone)]
struct Entry {
    manager: String,
    /// `Apply` or `Update`.
    operation: String,
    version: String,
    time: String,
    set: Set,
}

/// A field that somebody else owns.
pub(super) struct Conflict {
    /// The owner, as messages name it.
    pub(super) owner: String,
    pub(super) path: Path,
}

impl Entry {
    fn new(operation: &str, writer: &Writer<'_>, set: Set) -> Self {
        Self {
            manager: writer.manager.to_owned(),
            operation: operation.to_owned(),
            version: writer.version.to_owned(),
            time: writer.time.to_owned(),
            set,
        }
    }

    fn is(&self, operation: &str, manager: &str) -> bool {
        self.operation == operation && self.manager == manager
    }

    fn shown(&self) -> String {
        if self.operation == "Apply" {
            return format!("{:?}", self.manager);
        }
        format!("{:?} using {} at {}", self.manager, self.version, self.time)
    }
}

fn read(object: &Value) -> Vec<Entry> {
    let entry = |found: &Value| Entry {
        manager: text(found, "/manager").to_owned(),
        operation: text(found, "/operation").to_owned(),
        version: text(found, "/apiVersion").to_owned(),
        time: text(found, "/time").to_owned(),
        set: from_json(&found["fieldsV1"]),
    };
    list(object, "/metadata/managedFields").iter().map(entry).collect()
}

/// Owners that own nothing go, and those of other ways of writing stay apart.
fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.set.is_empty());
    entries.sort_by(|a, b| (&a.operation, &a.time, &a.manager).cmp(&(&b.operation, &b.time, &b.manager)));
    let shown = |entry: &Entry| {
        json!({
            "manager": entry.manager,
            "operation": entry.operation,
            "apiVersion": entry.version,
            "time": entry.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_json(&entry.set),
        })
    };
    object["metadata"]["managedFields"] = entries.iter().map(shown).collect();
}

/// What an object becomes when something is applied to it; the owners are entered by [`own`], once the object is whole.
pub(super) fn apply(live: &Value, applied: &Value, manager: &str) -> Value {
    let mut merged = live.clone();
    merge(&mut merged, applied, "", "");
    let entries = read(live);
    let wanted: Set = leaves(applied).into_keys().collect();
    let before = entries.iter().find(|entry| entry.is("Apply", manager));
    let others: Vec<&Entry> = entries.iter().filter(|entry| !entry.is("Apply", manager)).collect();
    // What was applied before and is not any more goes, unless somebody else owns it too. The longest paths first:
    // an item of a list goes after what is in it.
    let mut gone: Vec<&Path> = before.into_iter().flat_map(|entry| entry.set.difference(&wanted)).collect();
    gone.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in gone {
        let is_item = path.last().is_some_and(|step| step.starts_with("k:"));
        let owned = |entry: &&Entry| {
            entry.set.iter().any(|found| if is_item { found.starts_with(path) } else { found == path })
        };
        if !others.iter().any(owned) {
            let names_its_item = path.len() > 1 && is_key_of_its_item(path);
            // The fields that tell an item apart stay as long as it does.
            if !names_its_item {
                remove(&mut merged, path);
            }
        }
    }
    merged
}

fn is_key_of_its_item(path: &Path) -> bool {
    let [.., item, field] = path.as_slice() else { return false };
    let keys = item.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Value>(keys).ok());
    let field = field.strip_prefix("f:");
    keys.zip(field).is_some_and(|(keys, field)| !keys[field].is_null())
}

/// Enters who owns what after an apply that made `merged` (with its defaults) of `live`.
pub(super) fn own(
    live: &Value,
    merged: &mut Value,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<(), Vec<Conflict>> {
    let difference = compare(live, merged);
    let mut entries = read(live);
    let mut conflicts = Vec::new();
    for entry in entries.iter_mut().filter(|entry| !entry.is("Apply", writer.manager)) {
        let theirs: Set = entry.set.intersection(&difference.changed).cloned().collect();
        conflicts.extend(theirs.iter().map(|path| Conflict { owner: entry.shown(), path: path.clone() }));
        entry.set.retain(|path| !theirs.contains(path) && !difference.removed.contains(path));
    }
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    let set: Set = leaves(applied).into_keys().collect();
    let same = entries.iter().any(|entry| entry.is("Apply", writer.manager) && entry.set == set);
    // An apply that changes nothing leaves even the time as it was.
    if !(same && difference.changed.is_empty() && difference.removed.is_empty()) {
        entries.retain(|entry| !entry.is("Apply", writer.manager));
        entries.push(Entry::new("Apply", writer, set));
    }
    write(merged, entries);
    Ok(())
}

/// Enters who owns what after any other write: who changes a field owns it alone.
pub(super) fn update(before: &Value, after: &mut Value, writer: &Writer<'_>) {
    let difference = compare(before, after);
    let mut entries = read(before);
    if difference.changed.is_empty() && difference.removed.is_empty() {
        write(after, entries);
        return;
    }
    let mut own = Set::new();
    entries.retain(|entry| {
        let is_own = entry.is("Update", writer.manager);
        if is_own {
            own.extend(entry.set.iter().cloned());
        }
        !is_own
    });
    for entry in &mut entries {
        entry.set.retain(|path| !difference.changed.contains(path) && !difference.removed.contains(path));
    }
    own.extend(difference.changed);
    own.retain(|path| !difference.removed.contains(path));
    entries.push(Entry::new("Update", writer, own));
    write(after, entries);
}

/// The message of conflicts, word by word the API server's.
pub(super) fn message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.owner, shown(&one.path));
    }
    let mut owners: Vec<&str> = conflicts.iter().map(|conflict| conflict.owner.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    let mut lines = Vec::new();
    for owner in owners {
        lines.push(format!("conflicts with {owner}:"));
        let of = conflicts.iter().filter(|conflict| conflict.owner == owner);
        lines.extend(of.map(|conflict| format!("- {}", shown(&conflict.path))));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// The causes of an answer that says so.
pub(super) fn causes(conflicts: &[Conflict]) -> Value {
    let cause = |conflict: &Conflict| {
        json!({
            "reason": "FieldManagerConflict",
            "message": format!("conflict with {}", conflict.owner),
            "field": shown(&conflict.path),
        })
    };
    conflicts.iter().map(cause).collect()
}
