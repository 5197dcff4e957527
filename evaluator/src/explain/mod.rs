//! Where a value came from: `explain cell.alpha.region`.
//!
//! Owns finding what an address means and what is said of it; [`origin`] says which way a field's value came,
//! `reasons` what it was computed from, [`tree`] how that is written. Evaluates nothing: it reads what the
//! expansion came to.

mod expressions;
pub mod origin;
mod reasons;
#[cfg(test)]
mod tests;
pub mod tree;

use cell_lang::diagnostics::{nearest, suggest};
use cell_lang::schema::FieldSpec;

use crate::emit::is_said;
use crate::resources::Resource;
use crate::value::{EntityId, Value};
use crate::world::World;
use origin::{Origin, origin};
use reasons::Reasons;
use tree::{Explanation, Reason};

/// Nothing has the address or the field that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What is missing, in one clause.
    pub message: String,
    /// What may have been meant.
    pub help: Option<String>,
}

/// Explains an entity, a resource, or a field of either: `cell.alpha`, `cell.alpha.region`,
/// `deployment.cache/cell.alpha.stack`. `resources` are those derived from the world, by address.
pub fn explain(world: &World<'_>, resources: &[Resource], subject: &str) -> Result<Explanation, NotFound> {
    let addresses = || splits(subject);
    if let Some((id, field)) = addresses().find_map(|(address, field)| Some((world.find(address)?, field))) {
        return explain_entity(world, id, field);
    }
    let find = |address: &str| {
        resources
            .binary_search_by(|resource| resource.address.as_str().cmp(address))
            .ok()
            .and_then(|at| resources.get(at))
    };
    match addresses().find_map(|(address, field)| Some((find(address)?, field))) {
        Some((resource, field)) => explain_resource(world, resource, field),
        None => Err(no_address(world, resources, subject)),
    }
}

/// The ways to read a subject as an address and a field, longest address first.
fn splits(subject: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let shorter = subject.rmatch_indices('.').filter_map(|(at, _)| Some((subject.get(..at)?, subject.get(at + 1..))));
    std::iter::once((subject, None)).chain(shorter)
}

fn no_address(world: &World<'_>, resources: &[Resource], subject: &str) -> NotFound {
    let entities = world.entities().map(|(id, _)| world.address(id));
    let all = entities.chain(resources.iter().map(|resource| resource.address.as_str()));
    let near: Vec<String> = nearest(subject, all, 3).into_iter().map(|address| format!("`{address}`")).collect();
    let help = match near.as_slice() {
        [] => Some("`cellc expand` lists every address".to_owned()),
        near => Some(format!("did you mean {}?", near.join(" or "))),
    };
    NotFound { message: format!("nothing has the address `{subject}`"), help }
}

fn explain_entity(world: &World<'_>, id: EntityId, field: Option<&str>) -> Result<Explanation, NotFound> {
    let Some(path) = field else { return Ok(whole_entity(world, id)) };
    let (name, inner) = path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
    let spec = world.kind(id).spec();
    let Some(field) = spec.field(name) else {
        if let Some(explained) = builtin_field(world, id, name).filter(|_| inner.is_none()) {
            return Ok(explained);
        }
        let what = format!("fields of {}", spec.name);
        let help = suggest(name, &what, spec.fields.iter().map(|field| field.name));
        return Err(NotFound { message: format!("{} has no field `{name}`", world.address(id)), help });
    };
    let value = world.field(id, field.name);
    let shown = match inner {
        None => value.cloned(),
        Some(inner) => Some(inside(value, inner).ok_or_else(|| NotFound {
            message: format!("{}.{name} has no `{inner}`", world.address(id)),
            help: None,
        })?),
    };
    let because = vec![Reasons::new(world).of_field(id, field)];
    Ok(Explanation { address: world.address(id).into(), field: Some(path.into()), value: shown, because })
}

/// `.label`, `.address`, and `.name` of a kind without such a field.
fn builtin_field(world: &World<'_>, id: EntityId, name: &str) -> Option<Explanation> {
    let (value, reason) = match name {
        "label" => (world.label(id).clone(), Reasons::new(world).of_label(id)),
        "address" => (world.address(id).into(), Reason::said("the labels of its modules, its kind and its label")),
        "name" => (world.label(id).clone(), Reasons::new(world).of_label(id)),
        _ => return None,
    };
    let (address, field) = (world.address(id).into(), Some(name.into()));
    Some(Explanation { address, field, value: Some(Value::Str(value)), because: vec![reason] })
}

/// A part of a value: of a map by key, of a block by field, of blocks by label or sort.
fn inside(value: Option<&Value>, path: &str) -> Option<Value> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let found = match value? {
        Value::Map(entries) => {
            entries.iter().find(|(key, _)| key.as_str() == Some(first)).map(|(_, value)| value.clone())
        }
        Value::Block(block) => block.field(first).filter(|value| !value.is_none()).cloned(),
        Value::List(items) => {
            items.iter().find(|item| item.as_block().is_some_and(|block| block.title() == first)).cloned()
        }
        _ => None,
    }?;
    match rest {
        None => Some(found),
        Some(rest) => inside(Some(&found), rest),
    }
}

fn whole_entity(world: &World<'_>, id: EntityId) -> Explanation {
    let entity = world.entity(id);
    let mut because = vec![Reasons::new(world).of_declaration(id)];
    for field in &entity.kind.spec().fields {
        let Some(value) = world.field(id, field.name).filter(|value| is_said(field, value)) else { continue };
        let mut reason = from(world, id, field);
        reason.name = field.name.into();
        reason.value = Some(value.clone());
        because.push(reason);
    }
    Explanation { address: world.address(id).into(), field: None, value: None, because }
}

/// Which way a field's value came, in one line.
fn from(world: &World<'_>, id: EntityId, field: &'static FieldSpec) -> Reason {
    match origin(world, id, field) {
        Origin::Own(at) => Reason::at("written in the entity", at),
        Origin::Override { at, replaces } => {
            let instead = Reason::at("in place of what the defaults say", replaces);
            Reason::at("written in the entity with `override`", at).because(vec![instead])
        }
        Origin::Defaults { name, at } => Reason::at(format!("from defaults `{name}`"), at),
        Origin::OrgAccounts { org, at } => Reason::at(format!("from `accounts` of {}", world.address(org)), at),
        Origin::Schema => Reason::said("the default of the language"),
        Origin::Computed(rule) => Reason::said(format!("the default of the language: {rule}")),
        Origin::Unset => Reason::said("set nowhere"),
    }
}

fn explain_resource(world: &World<'_>, resource: &Resource, field: Option<&str>) -> Result<Explanation, NotFound> {
    let (address, sources) = (resource.address.clone(), &resource.sources);
    let value = match field {
        None => None,
        Some(name) => {
            let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
            let found = resource.field(first).cloned();
            let found = match rest {
                Some(rest) => inside(found.as_ref(), rest),
                None => found,
            };
            let names = || resource.fields().map(|(name, _)| name);
            Some(found.ok_or_else(|| NotFound {
                message: format!("{address} has no field `{name}`"),
                help: suggest(name, &format!("fields of {address}"), names()),
            })?)
        }
    };
    let mut because: Vec<Reason> = sources
        .iter()
        .map(|source| {
            let at = source.part.unwrap_or_else(|| world.span(source.entity));
            let mut reason = Reason::at(format!("comes from {}", world.address(source.entity)), at);
            reason.because.push(Reasons::new(world).of_declaration(source.entity));
            reason
        })
        .collect();
    if field.is_none() {
        because.extend(resource.fields().map(|(name, value)| {
            let mut reason = Reason::said("");
            (reason.name, reason.value) = (name.into(), Some(value.clone()));
            reason
        }));
    }
    Ok(Explanation { address, field: field.map(Into::into), value, because })
}
