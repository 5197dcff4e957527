//! The stacks as people and programs read them. Owns these forms and the names of files; what stands in a template is decided
//! before.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Generated, Generation, Given, LeftOut, Owner};
use crate::world::World;

/// The format of the document.
const FORMAT_VERSION: &str = "1.0";

/// All stacks, each with its template, for people.
pub fn text(generation: &Generation) -> String {
    let mut out = String::new();
    for stack in &generation.stacks {
        let head = format!("{}: {} in {}, {}", stack.address, stack.name, owner(&stack.account), stack.region);
        let template: Json = serde_json::from_str(&stack.template).unwrap_or_default();
        // Writing to a string does not fail.
        _ = write!(out, "# {head}\n{template:#}\n\n");
    }
    if generation.stacks.is_empty() {
        out.push_str("no stacks\n");
    }
    out
}

/// What no stack holds: a line for all that is left out for one reason.
pub fn left_out(generation: &Generation) -> Vec<String> {
    let mut by_reason: Vec<(&LeftOut, usize)> = Vec::new();
    for left in &generation.left_out {
        match by_reason.iter_mut().find(|(first, _)| (&first.why, &first.help) == (&left.why, &left.help)) {
            Some((_, count)) => *count += 1,
            None => by_reason.push((left, 1)),
        }
    }
    let line = |(first, count): &(&LeftOut, usize)| {
        let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!("{}{more}: {}; {}", first.address, first.why, first.help)
    };
    by_reason.iter().map(line).collect()
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Id(id) => id.clone(),
        Owner::Of(address) => format!("the account of {address}"),
    }
}

/// The document.
pub fn json(world: &World<'_>, generation: &Generation) -> String {
    let stacks: Vec<Json> = generation.stacks.iter().map(|stack| one(world, stack)).collect();
    let left: Vec<Json> = generation.left_out.iter().map(left).collect();
    let mut document = json!({ "format_version": FORMAT_VERSION, "stacks": stacks, "left_out": left });
    document.sort_all_objects();
    format!("{document:#}\n")
}

/// The file of a stack's template: `stack.pipelines.cache.json`.
pub fn file(stack: &Generated) -> String {
    format!("{}.json", stack.address.replace('/', "."))
}

fn one(world: &World<'_>, stack: &Generated) -> Json {
    let parameters = stack.parameters.iter().map(|(name, given)| {
        let given = match given {
            Given::Text(text) => json!({ "text": text }),
            Given::Accounts(of) => json!({ "accounts_of": of }),
        };
        (name.clone(), given)
    });
    json!({
        "address": stack.address,
        "name": stack.name,
        "account": match &stack.account {
            Owner::Id(id) => json!({ "id": id }),
            Owner::Of(address) => json!({ "of": address }),
        },
        "region": stack.region,
        "file": file(stack),
        "bytes": stack.template.len(),
        "template": serde_json::from_str::<Json>(&stack.template).unwrap_or_default(),
        "parameters": parameters.collect::<serde_json::Map<_, _>>(),
        "tags": stack.tags,
        "capabilities": stack.capabilities,
        "after": stack.after,
        "sources": stack.sources.iter().map(|id| world.address(*id)).collect::<Vec<_>>(),
    })
}

fn left(left: &LeftOut) -> Json {
    json!({ "address": left.address, "why": left.why, "help": left.help, "refused": left.refused })
}
