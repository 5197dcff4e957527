//! A picture in the language of Graphviz. Owns its spelling; the layout is Graphviz' own.

use std::fmt::Write as _;

use super::{Edge, Graph, Node, Role};

/// The picture.
pub fn write(graph: &Graph) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "digraph {} {{", quoted(&graph.source));
    out.push_str("  rankdir=LR; ranksep=1; nodesep=0.25; compound=true;\n");
    out.push_str(
        "  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\", fontsize=10, color=\"#64748b\"];\n",
    );
    out.push_str("  edge [fontname=\"monospace\", fontsize=9, color=\"#64748b\"];\n");
    for (at, group) in graph.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{at} {{");
        let _ = writeln!(
            out,
            "    label={}; fontname=\"monospace\"; fontsize=11; style=rounded; color=\"#94a3b8\";",
            quoted(&group.title)
        );
        for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == Some(at)) {
            let _ = writeln!(out, "    {}", declared(id, node));
        }
        out.push_str("  }\n");
    }
    for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group.is_none()) {
        let _ = writeln!(out, "  {}", declared(id, node));
    }
    for edge in &graph.edges {
        let _ = writeln!(out, "  {}", connected(graph, edge));
    }
    out.push_str("}\n");
    out
}

fn declared(id: usize, node: &Node) -> String {
    let fill = match node.role {
        Role::People => "#e0e7ff",
        Role::Grant => "#fef3c7",
        Role::Cells => "#dcfce7",
        Role::Wave => "#f3e8ff",
    };
    let lines = std::iter::once(node.title.clone()).chain(node.lines());
    // Each line ends in `\l`, which puts it to the left.
    let label: Vec<String> = lines.map(|line| escaped(&line)).collect();
    let label = label.join("\\l");
    format!("n{id} [label=\"{label}\\l\", fillcolor=\"{fill}\"];")
}

fn connected(graph: &Graph, edge: &Edge) -> String {
    let role = |at: usize| graph.nodes.get(at).map(|node| node.role);
    let mut attributes = Vec::new();
    if !edge.text.is_empty() {
        attributes.push(format!("label={}", quoted(&edge.text)));
    }
    match (role(edge.from), role(edge.to)) {
        (Some(Role::Wave), Some(Role::Wave)) => attributes.push("style=bold".to_owned()),
        (Some(Role::Cells), _) => attributes.push("style=dashed".to_owned()),
        _ => {}
    }
    let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
    format!("n{} -> n{}{attributes};", edge.from, edge.to)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
