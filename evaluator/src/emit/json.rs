//! The normal form as JSON: `{format_version, source, entities, resources}`, one record a line, by address.
//!
//! Records are serialised in parallel, share by share, and written in order, so that a large expansion is never
//! in memory as text; nor are its resources, which are made just before they are serialised.

use std::io::{self, Write};

use cell_lang::source::{LineColumn, Span};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::values::Json;
use super::{FORMAT_VERSION, by_address, fields, resource, source, stream};
use crate::explain::origin::{Origin, origin};
use crate::resources::{Resources, Source};
use crate::value::EntityId;
use crate::world::World;

/// Entities that one thread serialises at a time.
const SHARE: usize = 256;

/// Writes the normal form. With `origins`, each entity says where each value came from.
pub fn write(
    world: &World<'_>,
    resources: &Resources<'_, '_>,
    origins: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let entities = by_address(world);
    out.write_all(b"{\n\"format_version\": ")?;
    serde_json::to_writer(&mut *out, FORMAT_VERSION)?;
    out.write_all(b",\n\"source\": ")?;
    serde_json::to_writer(&mut *out, source(world))?;
    out.write_all(b",\n\"entities\": [")?;
    let context = Context { world, origins };
    let shares: Vec<&[EntityId]> = entities.chunks(SHARE).collect();
    list(world, shares, out, |share, lines| {
        for id in share {
            lines.extend_from_slice(b",\n");
            serde_json::to_writer(&mut *lines, &EntityRecord { context, id: *id })?;
        }
        Ok(())
    })?;
    out.write_all(b"],\n\"resources\": [")?;
    list(world, resources.shares(), out, |share, lines| resource::lines(world, &resources.make(share), lines))?;
    out.write_all(b"]\n}\n")
}

/// Writes the records of a list, each on a line of its own with a comma before it.
fn list<T: Send>(
    world: &World<'_>,
    shares: Vec<T>,
    out: &mut impl Write,
    make: impl Fn(T, &mut Vec<u8>) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let mut first = true;
    stream::in_order(world, shares, make, |lines| {
        // The first record has no comma before it.
        let skip = usize::from(std::mem::take(&mut first));
        out.write_all(lines.get(skip..).unwrap_or(&[]))
    })?;
    if first { Ok(()) } else { out.write_all(b"\n") }
}

#[derive(Clone, Copy)]
struct Context<'a, 'p> {
    world: &'a World<'p>,
    origins: bool,
}

struct EntityRecord<'a, 'p> {
    context: Context<'a, 'p>,
    id: EntityId,
}

impl Serialize for EntityRecord<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Context { world, origins } = self.context;
        let entity = world.entity(self.id);
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("address", entity.address.as_str())?;
        map.serialize_entry("kind", entity.kind.name())?;
        map.serialize_entry("label", entity.label.as_str())?;
        map.serialize_entry("fields", &EntityFields { world, id: self.id })?;
        if origins {
            map.serialize_entry("origins", &Origins { world, id: self.id })?;
        }
        map.serialize_entry("span", &Place { world, id: self.id, span: entity.decl.span, bindings: true })?;
        map.end()
    }
}

struct EntityFields<'a, 'p> {
    world: &'a World<'p>,
    id: EntityId,
}

impl Serialize for EntityFields<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let world = self.world;
        to.collect_map(fields(world, self.id).map(|(field, value)| (field.name, Json { world, value })))
    }
}

/// Where a resource comes from.
pub(super) struct Sources<'a, 'p> {
    pub(super) world: &'a World<'p>,
    pub(super) sources: &'a [Source],
}

impl Serialize for Sources<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.sources.len()))?;
        for source in self.sources {
            list.serialize_element(&OneSource { world: self.world, source: *source })?;
        }
        list.end()
    }
}

struct OneSource<'a, 'p> {
    world: &'a World<'p>,
    source: Source,
}

impl Serialize for OneSource<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (world, id) = (self.world, self.source.entity);
        let span = self.source.part.unwrap_or_else(|| world.span(id));
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("address", world.address(id))?;
        map.serialize_entry("span", &Place { world, id, span, bindings: true })?;
        map.end()
    }
}

/// A place, with what the loops around the entity stood for.
struct Place<'a, 'p> {
    world: &'a World<'p>,
    id: EntityId,
    span: Span,
    bindings: bool,
}

impl Serialize for Place<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let world = self.world;
        let sources = &world.program().sources;
        let (start, end): (LineColumn, LineColumn) = sources.range(self.span);
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("file", sources.path(self.span.file))?;
        map.serialize_entry("start", &start)?;
        map.serialize_entry("end", &end)?;
        if self.bindings {
            map.serialize_entry("bindings", &Bindings { world, id: self.id })?;
        }
        map.end()
    }
}

struct Bindings<'a, 'p> {
    world: &'a World<'p>,
    id: EntityId,
}

impl Serialize for Bindings<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let world = self.world;
        let bindings = world.entity(self.id).bindings.iter();
        to.collect_map(bindings.map(|binding| (binding.name.as_str(), Json { world, value: &binding.value })))
    }
}

struct Origins<'a, 'p> {
    world: &'a World<'p>,
    id: EntityId,
}

impl Serialize for Origins<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (world, id) = (self.world, self.id);
        let all = fields(world, id);
        to.collect_map(all.map(|(field, _)| (field.name, OneOrigin { world, id, origin: origin(world, id, field) })))
    }
}

struct OneOrigin<'a, 'p> {
    world: &'a World<'p>,
    id: EntityId,
    origin: Origin,
}

impl Serialize for OneOrigin<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        let place = |span| Place { world: self.world, id: self.id, span, bindings: false };
        map.serialize_entry("from", self.origin.word())?;
        match &self.origin {
            Origin::Own(span) => map.serialize_entry("at", &place(*span))?,
            Origin::Override { at, replaces } => {
                map.serialize_entry("at", &place(*at))?;
                map.serialize_entry("replaces", &place(*replaces))?;
            }
            Origin::Defaults { name, at } => {
                map.serialize_entry("defaults", name.as_str())?;
                map.serialize_entry("at", &place(*at))?;
            }
            Origin::OrgAccounts { org, at } => {
                map.serialize_entry("entity", self.world.address(*org))?;
                map.serialize_entry("at", &place(*at))?;
            }
            Origin::Schema | Origin::Unset => {}
            Origin::Computed(rule) => map.serialize_entry("rule", rule)?,
        }
        map.end()
    }
}
