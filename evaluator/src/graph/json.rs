//! A picture as data. Owns its names; spec/schemas/graph.schema.json says what they mean.

use serde_json::{Value, json};

use super::{Graph, Role};
use crate::emit::FORMAT_VERSION;

/// The document.
pub fn document(graph: &Graph) -> Value {
    let id = |at: usize| format!("n{at}");
    let groups = graph.groups.iter().enumerate();
    let groups =
        groups.map(|(at, group)| json!({ "id": format!("g{at}"), "title": group.title, "address": group.address }));
    let nodes = graph.nodes.iter().enumerate().map(|(at, node)| {
        let members: Vec<&str> = node.members.iter().map(|member| member.address.as_str()).collect();
        json!({
            "id": id(at),
            "role": match node.role {
                Role::People => "people",
                Role::Grant => "grant",
                Role::Cells => "cells",
                Role::Wave => "wave",
            },
            "title": node.title,
            "group": node.group.map(|group| format!("g{group}")),
            "members": members,
            "notes": node.notes,
        })
    });
    let edges = graph.edges.iter().map(
        |edge| json!({ "from": id(edge.from), "to": id(edge.to), "count": (edge.count > 0).then_some(edge.count) }),
    );
    json!({
        "format_version": FORMAT_VERSION,
        "source": graph.source,
        "groups": groups.collect::<Vec<_>>(),
        "nodes": nodes.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
    })
}
