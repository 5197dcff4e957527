//! What holds of any picture: nothing overlaps, frames hold their nodes, and no text breaks out of its language.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use proptest::prelude::*;

use super::layout::{Rect, layout};
use super::{Edge, Graph, Group, Member, Node, Role, dot, mermaid, svg};

/// A picture with so many nodes of each role; cells and waves stand in frames of three.
fn picture(counts: [usize; 4], edges: &[(usize, usize)], text: &str) -> Graph {
    let roles = [Role::People, Role::Grant, Role::Cells, Role::Wave];
    let mut graph = Graph { source: text.to_owned(), ..Graph::default() };
    for (role, count) in roles.into_iter().zip(counts) {
        for at in 0..count {
            let framed = role >= Role::Cells;
            if framed && at % 3 == 0 {
                graph.groups.push(Group { title: format!("frame {text}"), address: None });
            }
            let group = framed.then(|| graph.groups.len() - 1);
            let members = (0..=at).map(|n| Member { address: format!("cell.{n}"), text: format!("{n} {text}") });
            graph.nodes.push(Node {
                role,
                title: text.to_owned(),
                members: members.collect(),
                notes: vec![text.to_owned(); at % 2],
                group,
            });
        }
    }
    let next = |from: Role, to: Role| {
        roles.iter().position(|r| *r == to) == roles.iter().position(|r| *r == from).map(|at| at + 1)
    };
    for (from, to) in edges {
        let both = graph.nodes.len().checked_sub(1).map(|last| (from % (last + 1), to % (last + 1)));
        if let Some((from, to)) = both
            && next(graph.nodes[from].role, graph.nodes[to].role)
        {
            graph.edges.push(Edge { from, to, text: text.to_owned(), count: 1 });
        }
    }
    graph
}

fn apart(a: &Rect, b: &Rect) -> bool {
    a.y + a.height <= b.y || b.y + b.height <= a.y || a.x + a.width <= b.x || b.x + b.width <= a.x
}

fn holds(outer: &Rect, inner: &Rect) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && outer.x + outer.width >= inner.x + inner.width
        && outer.y + outer.height >= inner.y + inner.height
}

fn some_picture() -> impl Strategy<Value = Graph> {
    let counts = [0..7_usize, 0..9, 0..12, 0..9];
    (counts, prop::collection::vec((0..40_usize, 0..40_usize), 0..60), "[ -~]{0,30}|\\PC{0,12}")
        .prop_map(|(counts, edges, text)| picture(counts, &edges, &text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_overlaps_and_frames_hold_their_nodes(graph in some_picture()) {
        let layout = layout(&graph);
        let all = Rect { x: 0.0, y: 0.0, width: layout.width, height: layout.height };
        for (at, rect) in layout.nodes.iter().enumerate() {
            prop_assert!(holds(&all, rect), "{rect:?} lies outside of {all:?}");
            for other in &layout.nodes[..at] {
                prop_assert!(apart(rect, other), "{rect:?} and {other:?}");
            }
        }
        let frames: Vec<&Rect> = layout.groups.iter().flatten().collect();
        for (at, frame) in frames.iter().enumerate() {
            prop_assert!(holds(&all, frame));
            prop_assert!(frames[..at].iter().all(|other| apart(frame, other)), "{frames:?}");
        }
        for (node, rect) in graph.nodes.iter().zip(&layout.nodes) {
            let frame = node.group.map(|group| layout.groups[group].unwrap());
            prop_assert!(frame.is_none_or(|frame| holds(&frame, rect)));
        }
    }

    #[test]
    fn no_text_breaks_out(graph in some_picture()) {
        let svg = svg::write(&graph);
        prop_assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{}", svg);
        for line in dot::write(&graph).lines() {
            let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            prop_assert!(quotes % 2 == 0, "{}", line);
        }
        for line in mermaid::write(&graph).lines().filter(|line| line.contains('"')) {
            prop_assert_eq!(line.matches('"').count(), 2, "{}", line);
        }
    }
}
