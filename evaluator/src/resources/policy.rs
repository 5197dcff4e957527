//! Policies as IAM writes them. Owns the form of a policy document as a value; what a policy means and how large
//! it may be is not its affair.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use crate::rules::read::{Read, items};
use crate::value::{BlockValue, ConditionValue, EntityId, Later, LaterPiece, Map, Value};
use crate::world::World;

/// Stands for an account id while the size of a policy is reckoned: it is as long.
const SOME_ACCOUNT: &str = "000000000000";

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
}

impl Effect {
    /// As IAM writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }

    /// As a program writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// The statements of a permission set or of a service control policy: those that allow, then those that deny.
pub(crate) fn statements<'w>(world: &'w World<'_>, id: EntityId) -> Vec<(Effect, &'w Arc<BlockValue>)> {
    let of = |effect: Effect| world.blocks(id, effect.word()).into_iter().map(move |block| (effect, block));
    of(Effect::Allow).chain(of(Effect::Deny)).collect()
}

/// The document of a permission set or a service control policy: that of its `file`, else of its statements; none when
/// it has neither, or the file is no document.
pub(crate) fn of(world: &World<'_>, id: EntityId) -> Option<Value> {
    match world.text(id, "file") {
        Some(file) => parse(file).ok(),
        None => document(&statements(world, id)),
    }
}

/// The policy document of these statements; none without a statement.
pub(crate) fn document(statements: &[(Effect, &Arc<BlockValue>)]) -> Option<Value> {
    if statements.is_empty() {
        return None;
    }
    let statements = statements.iter().map(|(effect, block)| statement(*effect, block)).collect();
    Some(object([("Version", text("2012-10-17")), ("Statement", Value::List(statements))]))
}

fn statement(effect: Effect, block: &BlockValue) -> Value {
    let list = |field: &str| block.get(field).map_or(Value::None, |list| each_once(items(list).iter().cloned()));
    object([
        ("Sid", Value::Str(sid(block.title()))),
        ("Effect", text(effect.name())),
        ("Action", list("actions")),
        ("NotAction", list("not_actions")),
        ("Resource", list("resources")),
        ("NotResource", list("not_resources")),
        ("Condition", block.get("when").map_or(Value::None, conditions)),
    ])
}

/// The `Sid` of a statement: its label in camel case, since IAM takes letters and digits only.
pub(crate) fn sid(label: &str) -> SmolStr {
    let mut out = String::with_capacity(label.len());
    for word in label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out.into()
}

/// Conditions by operator and key, as IAM groups them.
pub(crate) fn conditions(value: &Value) -> Value {
    let Value::Conditions(all) = value else { return Value::None };
    let mut by_operator: IndexMap<SmolStr, Map> = IndexMap::new();
    for condition in all.iter() {
        let keys = by_operator.entry(condition.operator.clone()).or_default();
        keys.insert(Value::Str(condition.key.clone()), wanted(condition));
    }
    if by_operator.is_empty() {
        return Value::None;
    }
    let entries = by_operator.into_iter().map(|(op, keys)| (Value::Str(op), Value::Map(Arc::new(keys))));
    Value::Map(Arc::new(entries.collect()))
}

/// The values of a condition, always as a list: one more is then no change of form.
fn wanted(condition: &ConditionValue) -> Value {
    match condition.values.as_slice() {
        [Value::List(several)] => each_once(several.iter().map(asked)),
        all => each_once(all.iter().map(asked)),
    }
}

/// A list without repeats: a loop over cells may name a region often, and a policy has little room.
fn each_once(values: impl Iterator<Item = Value>) -> Value {
    let once: IndexSet<Value> = values.collect();
    Value::List(once.into_iter().collect())
}

/// A condition's value as IAM reads it: always a string. A duration counts seconds, a size bytes, a day begins at
/// midnight UTC.
fn asked(value: &Value) -> Value {
    match value {
        Value::Bool(b) => text(if *b { "true" } else { "false" }),
        Value::Int(n) | Value::Size(n) => Value::Str(n.to_smolstr()),
        Value::Duration(ms) if ms % 1_000 == 0 => Value::Str((ms / 1_000).to_smolstr()),
        Value::Duration(ms) => Value::Str(format_smolstr!("{}.{:03}", ms / 1_000, (ms % 1_000).abs())),
        Value::Percent(d) | Value::Usd(d) => Value::Str(d.to_smolstr()),
        Value::Date(day) => Value::Str(format_smolstr!("{day}T00:00:00Z")),
        Value::Time(minutes) => Value::Str(cell_lang::value::write_time(*minutes).into()),
        Value::Cidr(cidr) => Value::Str(cidr.to_smolstr()),
        other => other.clone(),
    }
}

/// An object of a document, without what is absent.
pub(crate) fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let present = fields.into_iter().filter(|(_, value)| !matches!(value, Value::None));
    Value::Map(Arc::new(present.map(|(name, value)| (text(name), value)).collect()))
}

/// A string.
pub(crate) fn text(text: &'static str) -> Value {
    Value::Str(SmolStr::new_static(text))
}

/// A JSON document as a value, so that it is emitted and compared like one made here. Numbers stay as they are
/// written.
pub(crate) fn parse(source: &str) -> Result<Value, String> {
    let tree: serde_json::Value = serde_json::from_str(source).map_err(|error| error.to_string())?;
    if tree.is_object() { Ok(from_json(&tree)) } else { Err("it is no JSON object".to_owned()) }
}

fn from_json(tree: &serde_json::Value) -> Value {
    match tree {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => n.as_i64().map_or_else(|| Value::Str(n.to_smolstr()), Value::Int),
        serde_json::Value::String(s) => Value::Str(s.as_str().into()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => {
            let entries = fields.iter().map(|(name, value)| (Value::Str(name.as_str().into()), from_json(value)));
            Value::Map(Arc::new(entries.collect()))
        }
    }
}

/// A document as minified JSON, as its size counts: what is known only after apply is as long as an account id.
pub(crate) fn minified(document: &Value) -> String {
    let mut out = String::new();
    write_minified(document, &mut out);
    out
}

fn write_minified(value: &Value, out: &mut String) {
    match value {
        Value::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_minified(key, out);
                out.push(':');
                write_minified(value, out);
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_minified(item, out);
            }
            out.push(']');
        }
        Value::Str(text) => write_string(text, out),
        Value::Later(later) => write_string(&with_some_account(later), out),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        _ => out.push_str("null"),
    }
}

fn with_some_account(later: &Later) -> String {
    match later {
        Later::Field(..) => SOME_ACCOUNT.to_owned(),
        Later::Text(pieces) => pieces
            .iter()
            .map(|piece| match piece {
                LaterPiece::Text(text) => text.as_str(),
                LaterPiece::Field(..) => SOME_ACCOUNT,
            })
            .collect(),
    }
}

fn write_string(text: &str, out: &mut String) {
    // A string has no way to fail as JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_are_camel_case() {
        assert_eq!(sid("no-secret-reads"), "NoSecretReads");
        assert_eq!(sid("s3"), "S3");
        assert_eq!(sid("dontTouch"), "DontTouch");
    }

    #[test]
    fn minified_counts_what_comes_later() {
        let later = Later::Text(vec![
            LaterPiece::Text("arn:aws:iam::".into()),
            LaterPiece::Field(EntityId(0), "account_id"),
            LaterPiece::Text(":root".into()),
        ]);
        let value = object([("A", Value::List([Value::Later(Arc::new(later))].into())), ("B", Value::None)]);
        assert_eq!(minified(&value), r#"{"A":["arn:aws:iam::000000000000:root"]}"#);
    }
}
