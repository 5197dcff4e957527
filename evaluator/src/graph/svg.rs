//! A picture as SVG, complete in itself: no script, no font, nothing from elsewhere. It heeds whether its reader
//! prefers dark. Owns how things look; where they stand is `layout`'s.

use std::fmt::Write as _;

use super::layout::{HEADING, LINE, Layout, PADDING, Rect, layout};
use super::{Edge, Graph, Node, Role};

/// Members that the tip of a node lists.
const LISTED: usize = 40;

/// Colours of the edges of grants, by turns: middle tones, seen on white and on black.
const COLOURS: [&str; 8] = ["#2563eb", "#d97706", "#16a34a", "#db2777", "#0891b2", "#9333ea", "#dc2626", "#65a30d"];

const STYLE: &str = "\
.ground{fill:#fff}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#0f172a;white-space:pre}
.title{font-weight:700}.quiet{fill:#475569}.head{fill:#64748b;letter-spacing:.06em}
.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
.node{stroke-width:1.3}
.people{fill:#eef2ff;stroke:#6366f1}.grant{fill:#fffbeb;stroke:#d97706}
.cells{fill:#f0fdf4;stroke:#16a34a}.wave{fill:#faf5ff;stroke:#9333ea}
.frame{fill:none;stroke:#94a3b8;stroke-dasharray:5 4}
.edge{fill:none;stroke-width:1.6}.takes{stroke:#94a3b8;stroke-dasharray:4 4}.next{stroke:#9333ea;stroke-width:2.2}
@media (prefers-color-scheme:dark){
.ground{fill:#0b1220}text{fill:#e2e8f0}.quiet{fill:#a8b3c4}.head{fill:#8b98ab}.halo{stroke:#0b1220}
.people{fill:#1e1f4b}.grant{fill:#33240b}.cells{fill:#0c2a18}.wave{fill:#2a1440}.frame{stroke:#56657d}
.takes{stroke:#64748b}.next{stroke:#b06cf0}}
";

/// The picture.
pub fn write(graph: &Graph) -> String {
    let layout = layout(graph);
    let mut out = String::new();
    let (width, height) = (layout.width, layout.height);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"what\">"
    );
    let _ = writeln!(out, "<title id=\"what\">{}: cells, waves and grants</title>", escaped(&graph.source));
    let _ = write!(out, "<style>{STYLE}</style>\n<defs>");
    for (at, colour) in COLOURS.iter().enumerate() {
        out.push_str(&marker(&format!("a{at}"), colour));
    }
    out.push_str(&marker("takes", "#94a3b8"));
    out.push_str(&marker("next", "#9333ea"));
    let _ = writeln!(out, "</defs>\n<rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>");
    headings(graph, &layout, &mut out);
    for (group, frame) in graph.groups.iter().zip(&layout.groups) {
        if let Some(frame) = frame {
            out.push_str(&rectangle("frame", *frame, 10));
            out.push_str(&line("quiet", frame.x + PADDING, frame.y + HEADING - 7.0, &group.title));
        }
    }
    for (edge, ends) in graph.edges.iter().zip(&layout.edges) {
        connect(graph, edge, *ends, &mut out);
    }
    for (node, rect) in graph.nodes.iter().zip(&layout.nodes) {
        draw(node, *rect, &mut out);
    }
    // What an edge says stands above every line.
    for (edge, ends) in graph.edges.iter().zip(&layout.edges).filter(|(edge, _)| !edge.text.is_empty()) {
        let (x, y) = ends[1];
        let _ = writeln!(
            out,
            "<text class=\"quiet halo\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            x - 12.0,
            y - 5.0,
            escaped(&edge.text)
        );
    }
    out.push_str("</svg>\n");
    out
}

fn headings(graph: &Graph, layout: &Layout, out: &mut String) {
    for (role, x) in &layout.columns {
        let text = match role {
            Role::People => "WHO",
            Role::Grant => "MAY",
            Role::Cells => "WHERE",
            Role::Wave => "RELEASED IN",
        };
        out.push_str(&line("head", *x, 32.0, text));
    }
    if graph.nodes.is_empty() {
        out.push_str(&line("quiet", 24.0, 32.0, "nothing to draw"));
    }
}

fn draw(node: &Node, rect: Rect, out: &mut String) {
    let class = match node.role {
        Role::People => "people",
        Role::Grant => "grant",
        Role::Cells => "cells",
        Role::Wave => "wave",
    };
    let _ = writeln!(out, "<g><title>{}</title>", escaped(&tip(node)));
    out.push_str(&rectangle(&format!("node {class}"), rect, 7));
    let (x, mut y) = (rect.x + PADDING, rect.y + PADDING + 10.0);
    out.push_str(&line("title", x, y, &node.title));
    for text in node.lines() {
        y += LINE;
        out.push_str(&line("quiet", x, y, &text));
    }
    out.push_str("</g>\n");
}

/// All that a node stands for, as far as it can be read.
fn tip(node: &Node) -> String {
    let mut lines: Vec<&str> = node.members.iter().take(LISTED).map(|member| member.address.as_str()).collect();
    let more = node.members.len().saturating_sub(LISTED);
    let rest = format!("… {more} more");
    if more > 0 {
        lines.push(&rest);
    }
    lines.join("\n")
}

fn connect(graph: &Graph, edge: &Edge, [from, to]: [(f64, f64); 2], out: &mut String) {
    let role = |at: usize| graph.nodes.get(at).map(|node| node.role);
    let (class, marker, style) = match (role(edge.from), role(edge.to)) {
        (Some(Role::Wave), _) => ("edge next", "next".to_owned(), String::new()),
        (Some(Role::Cells), _) => ("edge takes", "takes".to_owned(), String::new()),
        (first, _) => {
            // An edge has the colour of the grant it belongs to.
            let grant = if first == Some(Role::Grant) { edge.from } else { edge.to };
            let turn = grant % COLOURS.len();
            let colour = COLOURS.get(turn).copied().unwrap_or("#64748b");
            ("edge", format!("a{turn}"), format!(" stroke=\"{colour}\""))
        }
    };
    let path = if from.0 >= to.0 {
        format!("M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1 - 2.0)
    } else {
        let bend = (to.0 - from.0) / 2.0;
        format!(
            "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.0,
            from.1,
            from.0 + bend,
            from.1,
            to.0 - bend,
            to.1,
            to.0 - 2.0,
            to.1
        )
    };
    let _ = writeln!(out, "<path class=\"{class}\"{style} marker-end=\"url(#{marker})\" d=\"{path}\"/>");
}

fn marker(id: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8Z\" fill=\"{colour}\"/></marker>"
    )
}

fn rectangle(class: &str, rect: Rect, round: u32) -> String {
    let Rect { x, y, width, height } = rect;
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round}\"/>\n"
    )
}

fn line(class: &str, x: f64, y: f64, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escaped(text))
}

/// Text as XML takes it; characters that XML has no way to hold become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
