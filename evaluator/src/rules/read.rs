//! Reads fields of entities as what they are. Owns no rule; a field that is absent, failed or of another shape
//! reads as nothing, so that a rule says only what it knows.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// Typed reading of an entity's fields.
pub(crate) trait Read {
    /// The field, if it is there.
    fn get(&self, id: EntityId, field: &str) -> Option<&Value>;

    /// Text.
    fn text(&self, id: EntityId, field: &str) -> Option<&SmolStr> {
        match self.get(id, field) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Is the field this text?
    fn is(&self, id: EntityId, field: &str, text: &str) -> bool {
        self.text(id, field).is_some_and(|found| found == text)
    }

    /// A reference.
    fn entity_at(&self, id: EntityId, field: &str) -> Option<EntityId> {
        match self.get(id, field) {
            Some(Value::Ref(other)) => Some(*other),
            _ => None,
        }
    }

    /// The members of a set, by address; empty when it is absent.
    fn members(&self, id: EntityId, field: &str) -> &[EntityId] {
        self.get(id, field).map_or(&[], members)
    }

    /// The items of a list; empty when it is absent.
    fn items(&self, id: EntityId, field: &str) -> &[Value] {
        self.get(id, field).map_or(&[], items)
    }

    /// The blocks of a field, one or several.
    fn blocks(&self, id: EntityId, field: &str) -> Vec<&Arc<BlockValue>> {
        self.get(id, field).map_or_else(Vec::new, blocks)
    }

    /// The block of a field that is written once.
    fn block(&self, id: EntityId, field: &str) -> Option<&Arc<BlockValue>> {
        self.blocks(id, field).first().copied()
    }
}

impl Read for World<'_> {
    fn get(&self, id: EntityId, field: &str) -> Option<&Value> {
        self.field(id, field).filter(|value| !matches!(value, Value::None))
    }
}

/// The members of a set.
pub(crate) fn members(value: &Value) -> &[EntityId] {
    match value {
        Value::Set(members) => members,
        _ => &[],
    }
}

/// The items of a list.
pub(crate) fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The blocks of a value: it is one, or a list of them.
pub(crate) fn blocks(value: &Value) -> Vec<&Arc<BlockValue>> {
    match value {
        Value::Block(block) => vec![block],
        Value::List(all) => all.iter().filter_map(as_block).collect(),
        _ => Vec::new(),
    }
}

fn as_block(value: &Value) -> Option<&Arc<BlockValue>> {
    match value {
        Value::Block(block) => Some(block),
        _ => None,
    }
}

/// Every entity in a value, in its order: of a reference, a set, a list.
pub(crate) fn entities(value: &Value) -> Vec<EntityId> {
    match value {
        Value::Ref(id) => vec![*id],
        Value::Set(ids) => ids.to_vec(),
        Value::List(all) => all.iter().flat_map(entities).collect(),
        _ => Vec::new(),
    }
}

impl BlockValue {
    /// The field, if it is there.
    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.field(field).filter(|value| !matches!(value, Value::None))
    }

    /// Text.
    pub(crate) fn text(&self, field: &str) -> Option<&SmolStr> {
        match self.get(field) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number or an amount of milliseconds or bytes.
    pub(crate) fn amount(&self, field: &str) -> Option<i64> {
        match self.get(field) {
            Some(Value::Int(n) | Value::Duration(n) | Value::Size(n)) => Some(*n),
            _ => None,
        }
    }

    /// The items of a list; empty when it is absent.
    pub(crate) fn items(&self, field: &str) -> &[Value] {
        self.get(field).map_or(&[], items)
    }

    /// The members of a set; empty when it is absent.
    pub(crate) fn members(&self, field: &str) -> &[EntityId] {
        self.get(field).map_or(&[], members)
    }

    /// A reference.
    pub(crate) fn entity_at(&self, field: &str) -> Option<EntityId> {
        match self.get(field) {
            Some(Value::Ref(id)) => Some(*id),
            _ => None,
        }
    }

    /// The label, or the sort.
    pub(crate) fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(self.spec.name)
    }
}
