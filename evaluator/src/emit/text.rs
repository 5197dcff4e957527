//! The normal form as text, for reading and for `grep`: one line for each thing that has an address, its fields
//! under it. The order is that of layers and kinds, and in a kind by address.

use std::collections::BTreeMap;
use std::io::{self, Write};

use cell_lang::schema::{Computed, FieldSpec, Kind, Need, Shape};
use cell_lang::value::quote;

use super::print::printed_whole;
pub use super::print::{WHOLE, printed};
use super::values::key_text;
use super::{differs, fields, source};
use crate::resources::{Resource, ResourceKind};
use crate::value::{EntityId, Value};
use crate::world::World;

/// Characters of a line.
const WIDTH: usize = 110;

/// Writes the normal form.
pub fn write(world: &World<'_>, resources: &[Resource], out: &mut impl Write) -> io::Result<()> {
    let entities = world.entities().count();
    let counts =
        format!("{}, {}", counted(entities, "entity", "entities"), counted(resources.len(), "resource", "resources"));
    writeln!(out, "{}: {counts}", source(world))?;
    for kind in Kind::ALL {
        let all = world.of(*kind);
        if all.is_empty() {
            continue;
        }
        writeln!(out, "\n# {}", counted(all.len(), kind.name(), kind.plural()))?;
        all.iter().try_for_each(|id| entity(world, *id, out))?;
    }
    let mut by_kind: BTreeMap<ResourceKind, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        by_kind.entry(resource.kind).or_default().push(resource);
    }
    for (kind, all) in by_kind {
        writeln!(out, "\n# {} of kind {}", counted(all.len(), "resource", "resources"), kind.name())?;
        all.into_iter().try_for_each(|resource| one_resource(world, resource, out))?;
    }
    Ok(())
}

/// `1 cell`, `300 cells`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn entity(world: &World<'_>, id: EntityId, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", world.address(id))?;
    for (field, value) in fields(world, id).filter(|(field, _)| is_told(world, id, field)) {
        one_field(world, field, value, out)?;
    }
    Ok(())
}

/// What the program says of an entity is told, and what it takes from the organization; a default of the language
/// only where it depends on the entity.
fn is_told(world: &World<'_>, id: EntityId, field: &FieldSpec) -> bool {
    let plain = matches!(field.need, Need::Default(_) | Need::Computed(Computed::Label | Computed::Bootstrap));
    !plain || world.setting(id, field.name).is_some()
}

fn one_field(world: &World<'_>, field: &FieldSpec, value: &Value, out: &mut impl Write) -> io::Result<()> {
    match (&field.shape, value) {
        (Shape::Named(_) | Shape::Sort(_), Value::List(blocks)) => {
            blocks.iter().try_for_each(|value| one_block(world, field.name, value, out))
        }
        (Shape::Sort(_) | Shape::Block(_), Value::Block(_)) => one_block(world, field.name, value, out),
        (Shape::Map(_), Value::Map(entries)) => {
            for (key, value) in entries.iter() {
                line(world, 2, &format!("{}.{} = ", field.name, plain_key(&key_text(world, key))), value, out)?;
            }
            Ok(())
        }
        (_, Value::PerTarget(_)) => {
            let shown = printed(world, value, WIDTH.saturating_sub(2));
            writeln!(out, "  {shown}")
        }
        _ => line(world, 2, &format!("{} = ", field.name), value, out),
    }
}

/// A key without quotes where it reads as a word.
fn plain_key(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if plain { key.to_owned() } else { quote(key) }
}

/// A block: on one line when it fits, else a field a line.
fn one_block(world: &World<'_>, name: &str, value: &Value, out: &mut impl Write) -> io::Result<()> {
    let Some(block) = value.as_block() else { return Ok(()) };
    if let Some(whole) = printed_whole(world, value, WIDTH.saturating_sub(name.len() + 3)) {
        return writeln!(out, "  {name} {whole}");
    }
    let title = if block.label.is_some() || super::is_sort(block.spec) { block.title() } else { "" };
    writeln!(out, "{}", format!("  {name} {title}").trim_end())?;
    for (field, value) in block.spec.fields.iter().zip(&block.fields).filter(|(field, value)| differs(field, value)) {
        let lead = if matches!(value, Value::Conditions(_) | Value::Block(_)) { " " } else { " = " };
        line(world, 4, &format!("{}{lead}", field.name), value, out)?;
    }
    Ok(())
}

fn line(world: &World<'_>, indent: usize, lead: &str, value: &Value, out: &mut impl Write) -> io::Result<()> {
    let room = WIDTH.saturating_sub(indent + lead.len());
    writeln!(out, "{:indent$}{lead}{}", "", printed(world, value, room))
}

/// Fields that the address says already, or the entity that it comes from.
fn is_known(kind: ResourceKind, name: &str) -> bool {
    match kind {
        ResourceKind::Assignment => matches!(name, "permission_set" | "principal" | "target"),
        ResourceKind::Deployment => matches!(name, "component" | "cell"),
        ResourceKind::Alarm => !matches!(name, "name" | "region"),
        ResourceKind::PermissionSet => name != "inline",
        ResourceKind::Endpoint => matches!(name, "cell" | "endpoint"),
        ResourceKind::ScpAttachment => matches!(name, "policy" | "target"),
        ResourceKind::Budget | ResourceKind::VpcEndpoint | ResourceKind::RoleTrust => name == "cell",
        ResourceKind::Pipeline => !matches!(name, "repo" | "rollout"),
        ResourceKind::RepositoryPolicy => matches!(name, "account" | "repository"),
        _ => false,
    }
}

/// A resource on one line: its address, then what the address does not say.
fn one_resource(world: &World<'_>, resource: &Resource, out: &mut impl Write) -> io::Result<()> {
    let mut text = resource.address.to_string();
    for (name, value) in resource.fields().filter(|(name, _)| !is_known(resource.kind, name)) {
        text.push_str(&format!("  {name} = {}", printed(world, value, 60)));
    }
    writeln!(out, "{text}")
}
