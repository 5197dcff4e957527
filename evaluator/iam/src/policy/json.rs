//! A document back into JSON, equal to what it was read from. Owns that only.

use serde_json::{Map, Value};

use super::{Condition, Document, Effect, Elements, Form, Principals, Statement, Text, Version};

impl Document {
    /// The document as JSON: equal to what it was parsed from.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        match self.version {
            Version::Absent => {}
            Version::V2008 => put(&mut out, "Version", "2008-10-17".into()),
            Version::V2012 => put(&mut out, "Version", "2012-10-17".into()),
        }
        if let Some(id) = &self.id {
            put(&mut out, "Id", id.as_str().into());
        }
        let mut statements = self.statements.iter().map(statement);
        let written = match (self.bare, statements.len()) {
            (true, 1) => statements.next().unwrap_or_default(),
            _ => Value::Array(statements.collect()),
        };
        put(&mut out, "Statement", written);
        Value::Object(out)
    }
}

fn put(out: &mut Map<String, Value>, name: &str, value: Value) {
    out.insert(name.to_owned(), value);
}

fn statement(of: &Statement) -> Value {
    let mut out = Map::new();
    if let Some(sid) = &of.sid {
        put(&mut out, "Sid", sid.as_str().into());
    }
    put(&mut out, "Effect", if of.effect == Effect::Allow { "Allow" } else { "Deny" }.into());
    if let Some(who) = &of.principal {
        put(&mut out, if who.not { "NotPrincipal" } else { "Principal" }, principals(who));
    }
    put(&mut out, if of.actions.not { "NotAction" } else { "Action" }, elements(&of.actions));
    if let Some(resources) = &of.resources {
        put(&mut out, if resources.not { "NotResource" } else { "Resource" }, elements(resources));
    }
    if !of.conditions.is_empty() {
        put(&mut out, "Condition", conditions(&of.conditions));
    }
    Value::Object(out)
}

fn principals(of: &Principals) -> Value {
    if of.by_kind.is_empty() {
        return "*".into();
    }
    Value::Object(of.by_kind.iter().map(|(kind, items)| (kind.to_string(), elements(items))).collect())
}

fn elements(of: &Elements) -> Value {
    list(&of.items, of.bare)
}

fn conditions(all: &[Condition]) -> Value {
    let mut out = Map::new();
    for condition in all {
        let keys = out.entry(condition.operator_name().as_str()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = keys {
            put(keys, &condition.key, list(&condition.values, condition.bare));
        }
    }
    Value::Object(out)
}

fn list(items: &[Text], bare: bool) -> Value {
    match (bare, items) {
        (true, [one]) => text(one),
        _ => Value::Array(items.iter().map(text).collect()),
    }
}

fn text(of: &Text) -> Value {
    match of.form {
        Form::String => of.value.as_str().into(),
        Form::Bare => serde_json::from_str(&of.value).unwrap_or(Value::Null),
    }
}
