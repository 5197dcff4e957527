//! A picture in the language of Mermaid, which GitHub and GitLab draw in Markdown. Owns its spelling; the layout is
//! Mermaid's own.

use std::fmt::Write as _;

use super::{Edge, Graph, Node, Role};

/// The picture.
pub fn write(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    // Writing to a string cannot fail.
    for (at, group) in graph.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{at}[\"{}\"]", escaped(&group.title));
        if graph.nodes.iter().any(|node| node.group == Some(at) && node.role == Role::Wave) {
            out.push_str("    direction TB\n");
        }
        for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == Some(at)) {
            let _ = writeln!(out, "    {}", declared(id, node));
        }
        out.push_str("  end\n");
    }
    for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group.is_none()) {
        let _ = writeln!(out, "  {}", declared(id, node));
    }
    for edge in &graph.edges {
        let _ = writeln!(out, "  {}", connected(graph, edge));
    }
    // The middle tones are read on a light page and on a dark one.
    for (role, stroke) in
        [(Role::People, "#6366f1"), (Role::Grant, "#d97706"), (Role::Cells, "#16a34a"), (Role::Wave, "#9333ea")]
    {
        let ids: Vec<String> = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.role == role)
            .map(|(id, _)| format!("n{id}"))
            .collect();
        if !ids.is_empty() {
            let name = class(role);
            let _ = writeln!(out, "  classDef {name} stroke:{stroke},stroke-width:2px,text-align:left");
            let _ = writeln!(out, "  class {} {name}", ids.join(","));
        }
    }
    out
}

fn class(role: Role) -> &'static str {
    match role {
        Role::People => "people",
        Role::Grant => "grant",
        Role::Cells => "cells",
        Role::Wave => "wave",
    }
}

fn declared(id: usize, node: &Node) -> String {
    let lines: Vec<String> = node.lines().iter().map(|line| escaped(line)).collect();
    let title = escaped(&node.title);
    let text = std::iter::once(format!("<b>{title}</b>")).chain(lines).collect::<Vec<_>>().join("<br/>");
    format!("n{id}[\"{text}\"]")
}

fn connected(graph: &Graph, edge: &Edge) -> String {
    let role = |at: usize| graph.nodes.get(at).map(|node| node.role);
    let arrow = match (role(edge.from), role(edge.to)) {
        (Some(Role::Wave), Some(Role::Wave)) => "==>",
        (Some(Role::Cells), _) => "-.->",
        _ => "-->",
    };
    let text = if edge.text.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&edge.text)) };
    format!("n{} {arrow}{text} n{}", edge.from, edge.to)
}

/// Text as Mermaid takes it in quotes: what it or HTML would read is written by number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' | '\\' | '*' | '_' | '[' | ']' | '{' | '}' | '|' | ';' => {
                out.push_str(&format!("#{};", c as u32));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
