//! Resources as lines of JSON. Owns what is not made twice: neighbours by address are much alike (the deployments of a
//! component differ by their cell), so a part that is the same in the line before is copied from it.

use std::io;
use std::ops::Range;

use serde::Serialize;

use super::json::Sources;
use super::values::Json;
use crate::resources::Resource;
use crate::value::Value;
use crate::world::World;

/// The line before, and where its parts are in the bytes.
struct Before<'a> {
    resource: &'a Resource,
    /// For each field, present or not, its `"name":value`.
    fields: Vec<Range<usize>>,
    sources: Range<usize>,
}

/// Adds a line for each resource, with a comma and a line break before it.
pub(super) fn lines(world: &World<'_>, resources: &[Resource], out: &mut Vec<u8>) -> io::Result<()> {
    let mut before: Option<Before<'_>> = None;
    let mut fields: Vec<Range<usize>> = Vec::new();
    for resource in resources {
        out.extend_from_slice(b",\n{\"address\":");
        json(out, resource.address.as_str())?;
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(resource.kind.name().as_bytes());
        out.extend_from_slice(b"\",\"fields\":{");
        let alike = before.as_ref().filter(|before| before.resource.has_fields_of(resource));
        let mut comma = false;
        for (at, (name, value)) in resource.all_fields().enumerate() {
            if comma && !matches!(value, Value::None) {
                out.push(b',');
            }
            let start = out.len();
            match alike.filter(|before| before.resource.value(at).is_some_and(|other| is_same(other, value))) {
                Some(before) => out.extend_from_within(before.fields.get(at).cloned().unwrap_or_default()),
                None => field(world, out, name, value)?,
            }
            comma |= out.len() > start;
            fields.push(start..out.len());
        }
        out.extend_from_slice(b"},\"sources\":");
        let start = out.len();
        match before.as_ref().filter(|before| before.resource.sources == resource.sources) {
            Some(before) => out.extend_from_within(before.sources.clone()),
            None => json(out, &Sources { world, sources: &resource.sources })?,
        }
        let sources = start..out.len();
        out.push(b'}');
        // The places of the line before last are of no use any more; their memory is.
        let unused = before.take().map(|before| before.fields).unwrap_or_default();
        let known = std::mem::replace(&mut fields, unused);
        fields.clear();
        before = Some(Before { resource, fields: known, sources });
    }
    Ok(())
}

/// `"name":value`; nothing of what is absent.
fn field(world: &World<'_>, out: &mut Vec<u8>, name: &str, value: &Value) -> io::Result<()> {
    if matches!(value, Value::None) {
        return Ok(());
    }
    // The names of fields are the language's own: words.
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json(out, &Json { world, value })
}

fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

/// Is it at a glance the same value? What is large is the same only if it is shared: looking into it would take as
/// long as writing it.
fn is_same(a: &Value, b: &Value) -> bool {
    use std::sync::Arc;
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Ref(a), Value::Ref(b)) => a == b,
        (Value::List(a), Value::List(b)) => Arc::ptr_eq(a, b),
        (Value::Set(a), Value::Set(b)) => Arc::ptr_eq(a, b),
        (Value::Map(a), Value::Map(b)) => Arc::ptr_eq(a, b),
        (Value::Block(a), Value::Block(b)) => Arc::ptr_eq(a, b),
        (Value::Later(a), Value::Later(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}
