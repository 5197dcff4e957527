//! The normal form: entities and resources, as JSON and as text.
//!
//! Owns how values and records are written, and nothing of what they mean. Writes to any writer; does no IO of
//! its own.

pub mod json;
mod print;
mod resource;
mod stream;
#[cfg(test)]
mod tests;
pub mod text;
mod values;

use std::collections::HashSet;
use std::sync::LazyLock;

use cell_lang::schema::{FieldSpec, Kind, Need, RecordSpec, Shape};

use crate::value::{EntityId, Value};
use crate::world::World;

/// The version of the JSON form: the minor grows by what is added, the major by what changes.
pub const FORMAT_VERSION: &str = "1.0";

/// Is this the record of one of several sorts? Then its name is the tag.
fn is_sort(spec: &'static RecordSpec) -> bool {
    static SORTS: LazyLock<HashSet<usize>> = LazyLock::new(|| {
        let fields = Kind::ALL.iter().flat_map(|kind| &kind.spec().fields);
        let sorts = fields.filter_map(|field| if let Shape::Sort(sort) = &field.shape { Some(sort) } else { None });
        sorts.flat_map(|sort| &sort.sorts).map(place).collect()
    });
    SORTS.contains(&place(spec))
}

/// Which record it is, for as long as the schema lives.
fn place(spec: &RecordSpec) -> usize {
    std::ptr::from_ref(spec) as usize
}

/// Is a value of this field said? What is absent is not, nor an empty list, map or block that may be left out.
pub(crate) fn is_said(field: &FieldSpec, value: &Value) -> bool {
    let empty = match value {
        Value::None => return false,
        Value::List(items) => items.is_empty(),
        Value::Set(members) => members.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Conditions(all) => all.is_empty(),
        _ => false,
    };
    !(empty && matches!(field.need, Need::Empty | Need::Optional))
}

/// Is this field of a block said, and not as the language has it anyway?
fn differs(field: &FieldSpec, value: &Value) -> bool {
    let default = matches!(&field.need, Need::Default(lit) if *value == Value::from(lit));
    !default && is_said(field, value)
}

/// The fields of an entity that the normal form says, in the order of the schema.
fn fields<'w>(world: &'w World<'_>, id: EntityId) -> impl Iterator<Item = (&'static FieldSpec, &'w Value)> {
    let all = world.kind(id).spec().fields.iter().enumerate();
    all.filter_map(move |(at, field)| Some((field, world.field_at(id, at)?)))
        .filter(|(field, value)| is_said(field, value))
}

/// The path of the program's first file.
pub(crate) fn source<'w>(world: &'w World<'_>) -> &'w str {
    let program = world.program();
    program.units.get(program.root.index()).map_or("", |unit| program.sources.path(unit.file))
}

/// Every entity, by address.
fn by_address(world: &World<'_>) -> Vec<EntityId> {
    let mut all: Vec<EntityId> = world.entities().map(|(id, _)| id).collect();
    all.sort_unstable_by(|a, b| world.address(*a).cmp(world.address(*b)));
    all
}

/// A value as JSON, as the normal form writes it.
pub fn to_json(world: &World<'_>, value: &Value) -> serde_json::Value {
    // A value has no way to fail as JSON.
    serde_json::to_value(values::Json { world, value }).unwrap_or_default()
}

/// The fields of an entity as JSON, as the normal form writes them.
pub(crate) fn entity_json(world: &World<'_>, id: EntityId) -> serde_json::Value {
    let all = fields(world, id).map(|(field, value)| (field.name.to_owned(), to_json(world, value)));
    serde_json::Value::Object(all.collect())
}
