//! What changes in a resource, field by field. Owns how values, lists, maps and documents are compared for a reader;
//! statements of policies are `policy`'s.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::names::Names;
use super::page::{Row, Sign};
use super::{policy, template, visible};
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::model::{Action, Change, Fields};

/// Fields that hold an address.
const REFERENCES: &[&str] = &[
    "account",
    "alarm",
    "cell",
    "component",
    "ou",
    "parent",
    "permission_set",
    "policy",
    "principal",
    "rollout",
    "target",
];

/// Stands for a thing's own name where several change alike.
const OWN: &str = "<name>";

/// Characters of a name below which it may stand in a value by chance.
const OWN_SHORTEST: usize = 3;

/// Tags without the one that marks what is owned: everything that is made or taken over gets it, and nobody needs to
/// read it each time. None when there is none to leave out.
fn without_mark(after: &Json, address: &str) -> Option<Json> {
    let tags = after.as_object().filter(|tags| tags.get(ADDRESS_TAG).and_then(Json::as_str) == Some(address))?;
    let rest = tags.iter().filter(|(key, _)| *key != ADDRESS_TAG);
    Some(Json::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect()))
}

/// How the fields of one resource are written.
#[derive(Clone, Copy)]
pub(super) struct Writer<'p> {
    pub(super) names: &'p Names<'p>,
    /// The name that is written as `<name>`, so that what differs in nothing else reads alike.
    pub(super) own: Option<&'p str>,
}

impl Writer<'_> {
    /// A row or more for each of the fields.
    pub(super) fn difference(&self, change: &Change, fields: &[&str]) -> Vec<Row> {
        let unknown = serde_json::json!({ "later": "" });
        let one = |name: &&str| {
            let (before, mut after) = (value_of(change.before.as_ref(), name), value_of(change.after.as_ref(), name));
            if after.is_none() && change.after.is_some() && change.later.iter().any(|later| later == name) {
                after = Some(&unknown);
            }
            let marked = before.is_some_and(|before| before.get(ADDRESS_TAG).is_some());
            // Where somebody took it away, that is what there is to say.
            let lost = change.action == Action::Update && change.drift.iter().any(|field| field == "tags");
            let unmarked = after.filter(|_| !marked && !lost).and_then(|after| without_mark(after, &change.address));
            self.field(name, before, unmarked.as_ref().or(after))
        };
        fields.iter().flat_map(one).collect()
    }

    fn field(&self, name: &str, before: Option<&Json>, after: Option<&Json>) -> Vec<Row> {
        let is = |test: fn(&Json) -> bool| before.is_none_or(test) && after.is_none_or(test);
        if name == "template" {
            let named = |text: &str| self.named(text);
            return headed(&name_of(name), template::difference(before, after, &named));
        }
        if is(policy::is_document) {
            return headed(&name_of(name), policy::difference(before, after));
        }
        if is(Json::is_array) {
            return headed(&name_of(name), self.items(name, before, after));
        }
        if is(is_map) {
            return self.entries(name, before, after);
        }
        self.scalar(&name_of(name), name, before, after).into_iter().collect()
    }

    fn items(&self, name: &str, before: Option<&Json>, after: Option<&Json>) -> Vec<Row> {
        let list = |side: Option<&Json>| -> Vec<String> {
            side.and_then(Json::as_array).into_iter().flatten().map(|item| self.value(name, item)).collect()
        };
        let (before, after) = (list(before), list(after));
        let mut rows = added_and_removed(&before, &after);
        if rows.is_empty() && before != after {
            rows.push(Row::signed(0, Sign::Change, format!("in another order: {}", after.join(", "))));
        }
        rows
    }

    fn entries(&self, name: &str, before: Option<&Json>, after: Option<&Json>) -> Vec<Row> {
        let none = Map::new();
        let map = |side: Option<&Json>| side.and_then(Json::as_object).unwrap_or(&none).clone();
        let (before, after) = (map(before), map(after));
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let one = |key: &String| {
            let shown = format!("{}.{}", name_of(name), visible::name(key));
            self.scalar(&shown, key, before.get(key), after.get(key))
        };
        keys.into_iter().filter_map(one).collect()
    }

    fn scalar(&self, shown: &str, name: &str, before: Option<&Json>, after: Option<&Json>) -> Option<Row> {
        let written = |value| self.value(name, value);
        Some(match (before, after) {
            (Some(before), Some(after)) if before == after => return None,
            (Some(before), Some(after)) => {
                Row::signed(0, Sign::Change, format!("{shown}  {} → {}", written(before), written(after)))
            }
            (None, Some(after)) => Row::signed(0, Sign::Add, format!("{shown}  {}", written(after))),
            (Some(before), None) => Row::signed(0, Sign::Remove, format!("{shown}  {}", written(before))),
            (None, None) => return None,
        })
    }

    /// A value on one line.
    fn value(&self, field: &str, value: &Json) -> String {
        match value {
            Json::Null => "none".to_owned(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::String(text) => self.text(field, text),
            Json::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(field, item)).collect();
                format!("[{}]", items.join(", "))
            }
            Json::Object(entries) => self.object(entries),
        }
    }

    fn object(&self, entries: &Map<String, Json>) -> String {
        let text = |key: &str| entries.get(key).and_then(Json::as_str);
        match (entries.len(), text("later"), text("secret"), text("name"), text("path")) {
            (1, Some(""), ..) => "(known after apply)".to_owned(),
            (1, Some(later), ..) => format!("(known after apply: {})", self.named(&visible::text(later))),
            (1, _, Some(secret), ..) => format!("secret({})", visible::quoted(secret)),
            (1, _, _, Some(name), _) => visible::name(name),
            (2, _, _, Some(name), Some(path)) => visible::name(&format!("{path}{name}")),
            _ => {
                let one =
                    |(key, value): (&String, &Json)| format!("{} = {}", visible::name(key), self.value(key, value));
                format!("{{{}}}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn text(&self, field: &str, text: &str) -> String {
        if REFERENCES.contains(&field) && super::names::kind(text).is_some() {
            return self.named(&self.names.with_kind(text));
        }
        if let Some(policy) = aws_policy(text) {
            return format!("{} (AWS)", visible::name(policy));
        }
        match self.names.of_id(text) {
            Some(name) => format!("{} ({})", self.named(&name), visible::text(text)),
            None => self.named(&visible::quoted(text)),
        }
    }

    /// With the thing's own name replaced, where that cannot be mistaken.
    fn named(&self, text: &str) -> String {
        match self.own {
            Some(own) if own.len() >= OWN_SHORTEST && !text.contains(OWN) => whole_words(text, own),
            _ => text.to_owned(),
        }
    }
}

/// `text` with each `word` replaced that stands on its own.
pub(super) fn whole_words(text: &str, word: &str) -> String {
    let part = |c: char| c.is_alphanumeric();
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let alone = !before.ends_with(part) && !after.starts_with(part);
        out.push_str(before);
        out.push_str(if alone { OWN } else { word });
        rest = after;
    }
    out + rest
}

/// What only one of the lists has, each as often as it has it more.
pub(super) fn added_and_removed(before: &[String], after: &[String]) -> Vec<Row> {
    let only = |these: &[String], others: &[String], sign| {
        let mut left: HashMap<String, usize> = HashMap::new();
        others.iter().for_each(|item| *left.entry(item.clone()).or_default() += 1);
        let mut rows = Vec::new();
        for item in these {
            match left.get_mut(item).filter(|left| **left > 0) {
                Some(left) => *left -= 1,
                None => rows.push(Row::signed(0, sign, item.as_str())),
            }
        }
        rows
    };
    let mut rows = only(after, before, Sign::Add);
    rows.extend(only(before, after, Sign::Remove));
    rows
}

/// The name of one of AWS's policies, from its ARN.
fn aws_policy(arn: &str) -> Option<&str> {
    let (partition, policy) = arn.strip_prefix("arn:")?.split_once(":iam::aws:policy/")?;
    let known = matches!(partition, "aws" | "aws-cn" | "aws-us-gov");
    (known && !policy.is_empty()).then_some(policy)
}

/// A map, and nothing that stands for one value.
fn is_map(value: &Json) -> bool {
    value.as_object().is_some_and(|entries| {
        let single = |key: &str| entries.len() == 1 && entries.contains_key(key);
        !single("later") && !single("secret")
    })
}

/// A field that is there.
pub(super) fn value_of<'c>(side: Option<&'c Fields>, name: &str) -> Option<&'c Json> {
    side.and_then(|fields| fields.get(name)).filter(|value| !value.is_null())
}

/// A field's name in words.
fn name_of(field: &str) -> String {
    match field {
        "inline" => "inline policy".to_owned(),
        "content" => "policy".to_owned(),
        "managed" => "AWS policies".to_owned(),
        "customer_managed" => "policies of the accounts".to_owned(),
        _ => visible::name(field).replace('_', " "),
    }
}

fn headed(title: &str, rows: Vec<Row>) -> Vec<Row> {
    match rows.as_slice() {
        [] => Vec::new(),
        [one] if one.depth == 0 && !title.ends_with("policy") => {
            vec![Row { text: format!("{title}  {}", one.text), ..one.clone() }]
        }
        _ => std::iter::once(Row::plain(0, title)).chain(rows.into_iter().map(|row| row.deeper(1))).collect(),
    }
}
