//! Values as JSON: one `Serialize` over a value and the world its references are of.

use std::borrow::Cow;

use cell_lang::fmt::one_line;
use cell_lang::hir::{FieldValue, MapItem, Node, Setting};
use cell_lang::source::Span;
use cell_lang::value::{Lit, write_duration_iso, write_time};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use smol_str::{SmolStr, format_smolstr};

use super::{is_said, is_sort};
use crate::value::{BlockValue, ConditionValue, Later, LaterPiece, Value};
use crate::world::World;

/// A value as JSON.
#[derive(Clone, Copy)]
pub(super) struct Json<'a, 'p> {
    pub(super) world: &'a World<'p>,
    pub(super) value: &'a Value,
}

impl<'a> Json<'a, '_> {
    fn of(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    fn list<S: Serializer>(self, items: &'a [Value], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(items.iter().map(|item| self.of(item)))
    }
}

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::None => to.serialize_unit(),
            Value::Bool(truth) => to.serialize_bool(*truth),
            Value::Int(number) | Value::Size(number) => to.serialize_i64(*number),
            Value::Str(text) => to.serialize_str(text),
            Value::Duration(ms) => to.serialize_str(&write_duration_iso(*ms)),
            Value::Percent(share) => to.collect_str(&format_args!("{share}%")),
            Value::Usd(amount) => to.collect_str(amount),
            Value::Date(day) => to.collect_str(day),
            Value::Time(minutes) => to.serialize_str(&write_time(*minutes)),
            Value::Cidr(cidr) => to.collect_str(cidr),
            Value::Secret(place) => single(to, "secret", place),
            Value::Ref(id) => to.serialize_str(self.world.address(*id)),
            Value::List(items) => self.list(items, to),
            Value::Range(first, last) => to.collect_seq(*first..=*last),
            Value::Set(members) => to.collect_seq(members.iter().map(|id| self.world.address(*id))),
            Value::Map(entries) => {
                to.collect_map(entries.iter().map(|(key, value)| (key_text(self.world, key), self.of(value))))
            }
            Value::Record(record) => {
                let values = record.values.iter().map(|value| self.of(value));
                to.collect_map(record.names.iter().map(SmolStr::as_str).zip(values))
            }
            Value::Block(block) => self.block(block, to),
            Value::Conditions(all) => {
                to.collect_seq(all.iter().map(|condition| OneCondition { json: *self, condition }))
            }
            Value::Later(later) => single(to, "later", &later_text(self.world, later)),
            Value::PerTarget(setting) => self.per_target(setting, to),
        }
    }
}

impl Json<'_, '_> {
    fn block<S: Serializer>(self, block: &BlockValue, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if let Some(label) = &block.label {
            map.serialize_entry("label", label.as_str())?;
        } else if is_sort(block.spec) {
            map.serialize_entry("sort", block.spec.name)?;
        }
        for (field, value) in
            block.spec.fields.iter().zip(&block.fields).filter(|(field, value)| is_said(field, value))
        {
            map.serialize_entry(field.name, &Json { world: self.world, value })?;
        }
        map.end()
    }

    /// What is computed for each cell: its source text on one line, so that no layout shows; of a map, for each key.
    fn per_target<S: Serializer>(self, setting: &Setting, to: S) -> Result<S::Ok, S::Error> {
        let mut value: &FieldValue = &setting.value;
        while let FieldValue::PerTarget(_, inner) = value {
            value = inner;
        }
        let source = |span: Span| one_line(self.world.program().sources.text(span));
        match value {
            FieldValue::Value(expr) => single(to, "per_cell", &source(expr.span)),
            FieldValue::Map(items) if items.iter().all(is_plain_entry) => {
                let mut map = to.serialize_map(Some(items.len()))?;
                for item in items {
                    let MapItem::Entry { key, value } = item else { continue };
                    let Node::Lit(Lit::Str(key)) = &key.node else { continue };
                    map.serialize_entry(key.as_str(), &Single("per_cell", &source(value.span)))?;
                }
                map.end()
            }
            _ => single(to, "per_cell", &source(setting.span)),
        }
    }
}

fn is_plain_entry(item: &MapItem) -> bool {
    matches!(item, MapItem::Entry { key, .. } if matches!(key.node, Node::Lit(Lit::Str(_))))
}

/// An object of one field.
struct Single<'a>(&'static str, &'a str);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        single(to, self.0, self.1)
    }
}

fn single<S: Serializer>(to: S, key: &'static str, value: &str) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

struct OneCondition<'a, 'p> {
    json: Json<'a, 'p>,
    condition: &'a ConditionValue,
}

impl Serialize for OneCondition<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(3))?;
        map.serialize_entry("key", self.condition.key.as_str())?;
        map.serialize_entry("operator", self.condition.operator.as_str())?;
        map.serialize_entry("values", &Values(self.json, &self.condition.values))?;
        map.end()
    }
}

struct Values<'a, 'p>(Json<'a, 'p>, &'a [Value]);

impl Serialize for Values<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for value in self.1 {
            match value {
                Value::List(items) => items.iter().try_for_each(|item| list.serialize_element(&self.0.of(item)))?,
                one => list.serialize_element(&self.0.of(one))?,
            }
        }
        list.end()
    }
}

/// The key of a map as the key of an object.
pub(super) fn key_text<'a>(world: &'a World<'_>, key: &'a Value) -> Cow<'a, str> {
    match key {
        Value::Str(text) => Cow::Borrowed(text),
        Value::Ref(id) => Cow::Borrowed(world.address(*id)),
        other => other.to_lit().map_or(Cow::Borrowed(""), |lit| Cow::Owned(lit.to_string())),
    }
}

/// What is known after apply: `cell.a.account_id`, or text with such as `\(cell.a.account_id)` in it. A backslash
/// that is text stands twice.
pub(super) fn later_text(world: &World<'_>, later: &Later) -> SmolStr {
    match later {
        Later::Field(id, field) => format_smolstr!("{}.{field}", world.address(*id)),
        Later::Text(pieces) => {
            let mut out = String::new();
            for piece in pieces {
                match piece {
                    LaterPiece::Text(text) => out.push_str(&text.replace('\\', "\\\\")),
                    LaterPiece::Field(id, field) => {
                        out.extend(["\\(", world.address(*id), ".", field, ")"]);
                    }
                }
            }
            out.into()
        }
    }
}
