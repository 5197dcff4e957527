//! A cloud and the record of it as lines that two runs have in common: names in place of ids, no times, no order.
//! Owns what of a state counts.

use std::collections::BTreeMap;

use serde_json::Value;

/// The lines, each as often as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(BTreeMap<String, usize>);

/// Members that no two runs have in common.
const FLEETING: [&str; 14] = [
    "applied_at",
    "at",
    "run",
    "since",
    "created",
    "joined",
    "ready",
    "serial",
    "fence",
    "lock",
    "role",
    "revision",
    "modified",
    "id",
];

impl Shape {
    /// Of a state of the sandbox, of what `registry show` prints, and of what a run left beside the record.
    pub fn of(state: &Value, shown: &Value, left_over: &[String]) -> Result<Self, String> {
        let names = Names::of(state);
        let mut lines = Vec::new();
        for (part, table) in [
            ("org", "accounts"),
            ("org", "units"),
            ("org", "policies"),
            ("org", "attached"),
            ("org", "tags"),
            ("sso", "sets"),
            ("sso", "assignments"),
            ("sso", "provisioned"),
        ] {
            lines.extend(rows(state, part, table).map(|(key, value)| line(table, &names, key, value)));
        }
        lines.extend(stale(state, &names));
        let record = &shown["record"];
        if !record.is_object() && !record.is_null() {
            return Err(format!("what `registry show` prints has no record: {shown}"));
        }
        for part in ["resources", "principals", "parked", "pending", "gone", "cells"] {
            let entries = record[part].as_object().into_iter().flatten();
            lines.extend(entries.map(|(key, value)| {
                let id = value["id"].as_str().map(|id| format!(" is {}", names.named(id))).unwrap_or_default();
                let text = names.named(&told(value).to_string());
                format!("record {part} {}{id} {text}", names.named(key))
            }));
        }
        lines.extend(shown["lock"].as_object().map(|lock| format!("locked {lock:?}")));
        lines.extend(left_over.iter().map(|file| format!("journal {file}")));
        let objects = rows(state, "s3", "objects").filter(|(key, value)| {
            let there = value
                .as_array()
                .and_then(|versions| versions.first())
                .is_some_and(|newest| newest["body"].is_string());
            there && key[1].as_str().is_some_and(|key| key.contains(".journal/"))
        });
        lines.extend(objects.map(|(key, _)| format!("journal {key}")));
        let mut counted = BTreeMap::new();
        for line in lines {
            *counted.entry(line).or_default() += 1;
        }
        Ok(Self(counted))
    }

    /// Nothing in it is there twice, and all that is read was.
    pub fn is_sound(&self) -> Result<(), String> {
        let twice: Vec<&String> = self.0.iter().filter(|(_, count)| **count > 1).map(|(line, _)| line).collect();
        let some = ["accounts", "record"].iter().all(|word| self.0.keys().any(|line| line.starts_with(word)));
        if twice.is_empty() && some { Ok(()) } else { Err(format!("the reference is none: {twice:?}")) }
    }

    /// Lines of this one that the other has not, or less often; and the other way round.
    pub fn against(&self, other: &Self) -> (Vec<String>, Vec<String>) {
        (self.without(other), other.without(self))
    }

    fn without(&self, other: &Self) -> Vec<String> {
        let more = self.0.iter().filter(|(line, count)| other.0.get(*line).is_none_or(|there| there < count));
        more.map(|(line, _)| line.clone()).collect()
    }

    /// How many lines begin so.
    pub fn count(&self, start: &str) -> usize {
        self.0.iter().filter(|(line, _)| line.starts_with(start)).map(|(_, count)| count).sum()
    }
}

/// The rows of a table, which is a list of pairs of key and value.
fn rows<'a>(state: &'a Value, part: &str, table: &str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    state[part][table].as_array().into_iter().flatten().map(|pair| (&pair[0], &pair[1]))
}

fn line(table: &str, names: &Names, key: &Value, value: &Value) -> String {
    names.named(&format!("{table} {key} {}", told(value)))
}

/// Sets that some account has in an older form.
fn stale(state: &Value, names: &Names) -> Vec<String> {
    let newest: BTreeMap<&str, &Value> =
        rows(state, "sso", "sets").filter_map(|(key, set)| Some((key.as_str()?, &set["revision"]))).collect();
    let behind = rows(state, "sso", "provisioned").filter(|(key, had)| {
        key[0]
            .as_str()
            .and_then(|set| newest.get(set))
            .is_some_and(|newest| !newest.is_null() && **newest != had["revision"])
    });
    behind.map(|(key, _)| names.named(&format!("older form of {key}"))).collect()
}

/// A value without what is fleeting.
fn told(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !FLEETING.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), told(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(told).collect()),
        other => other.clone(),
    }
}

/// Ids of a state, and what each is called.
struct Names(Vec<(String, String)>);

impl Names {
    fn of(state: &Value) -> Self {
        let mut all = Vec::new();
        if let Some(root) = state["org"]["root"].as_str() {
            all.push((root.to_owned(), "the root".to_owned()));
        }
        for (part, table, field) in [
            ("org", "accounts", "email"),
            ("org", "units", "name"),
            ("org", "policies", "name"),
            ("sso", "sets", "name"),
            ("store", "groups", "name"),
            ("store", "users", "name"),
        ] {
            let named = rows(state, part, table)
                .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), format!("‹{}›", value[field].as_str()?))));
            all.extend(named);
        }
        // One id may be the beginning of another.
        all.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        Self(all)
    }

    fn named(&self, text: &str) -> String {
        let named = self.0.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
        without_ids_of_stacks(&named)
    }
}

/// The ARN of a stack ends with an id that each creation makes anew.
fn without_ids_of_stacks(text: &str) -> String {
    let mut parts = text.split(":stack/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && !"-/".contains(c)).unwrap_or(part.len());
        let name = part.get(..end).and_then(|arn| arn.split('/').next()).unwrap_or_default();
        out.push_str(&format!(":stack/{name}{}", part.get(end..).unwrap_or_default()));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(id: &str, accounts: usize) -> Shape {
        let all: Vec<Value> = (0..accounts)
            .map(|at| json!([format!("{id}{at}"), { "name": "a", "email": "a@x", "parent": "r-1", "joined": at }]))
            .collect();
        let state = json!({ "org": { "root": "r-1", "accounts": all } });
        let shown = json!({ "record": { "resources": { "cell.a": { "id": format!("{id}0"), "run": id } } } });
        Shape::of(&state, &shown, &[]).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn ids_and_times_do_not_count_and_how_often_does() {
        assert_eq!(shape("111", 1), shape("222", 1));
        let (lost, extra) = shape("111", 1).against(&shape("222", 2));
        assert_eq!((lost.len(), extra.len()), (0, 1));
        assert!(shape("111", 1).is_sound().is_ok() && shape("111", 2).is_sound().is_err());
        assert_eq!(shape("333", 2).count("accounts"), 2);
    }
}
