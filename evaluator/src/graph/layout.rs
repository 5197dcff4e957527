//! Where everything of a picture stands: columns from people over grants and cells to waves, so that every edge leads
//! from a column to the next. Owns places and sizes, in pixels; how they look is `svg`'s.
//!
//! INVARIANT: no two nodes of a column overlap, and every node of a frame lies within it.

use std::collections::BTreeMap;

use super::{Graph, Node, Role};

/// Height of a line of text.
pub(super) const LINE: f64 = 17.0;
/// Width of a character: the font is one of fixed width.
const CHARACTER: f64 = 7.4;
/// Between the edge of a node and its text.
pub(super) const PADDING: f64 = 10.0;
/// Between the nodes of a column.
const GAP: f64 = 18.0;
/// Between two columns: room for edges to bend.
const BETWEEN: f64 = 120.0;
/// Between a frame and its nodes.
const FRAME: f64 = 12.0;
/// Height of what a frame says.
pub(super) const HEADING: f64 = 24.0;
/// Around everything.
const MARGIN: f64 = 24.0;
/// Height of the headings of the columns.
const TOP: f64 = 28.0;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    fn bottom(self) -> f64 {
        self.y + self.height
    }

    fn middle(self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// A picture with its places.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Of each node.
    pub(super) nodes: Vec<Rect>,
    /// Of each frame; of one without nodes, nothing.
    pub(super) groups: Vec<Option<Rect>>,
    /// The columns that there are: what stands in them, and where they begin.
    pub(super) columns: Vec<(Role, f64)>,
    /// Where each edge leaves its node and where it comes in.
    pub(super) edges: Vec<[(f64, f64); 2]>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places everything.
pub(super) fn layout(graph: &Graph) -> Layout {
    let mut layout = Layout { nodes: graph.nodes.iter().map(size).collect(), ..Layout::default() };
    let mut columns: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        columns.entry(node.role).or_default().push(at);
    }
    for role in [Role::Cells, Role::Wave] {
        stack(graph, &mut layout, columns.get(&role).map_or(&[], Vec::as_slice));
    }
    let tallest = layout.nodes.iter().map(|rect| rect.bottom()).fold(0.0, f64::max);
    for role in [Role::Cells, Role::Wave] {
        center(&mut layout, columns.get(&role).map_or(&[], Vec::as_slice), tallest);
    }
    for role in [Role::Grant, Role::People] {
        if let Some(column) = columns.get_mut(&role) {
            beside(graph, &mut layout, column, tallest);
        }
    }
    let mut x = MARGIN;
    for (role, column) in &columns {
        x = place(graph, &mut layout, *role, column, x);
    }
    down(&mut layout);
    layout.groups = frames(graph, &layout);
    layout.width = (x - BETWEEN + MARGIN).max(2.0 * MARGIN + 200.0);
    let ends = layout.nodes.iter().chain(layout.groups.iter().flatten()).map(|rect| rect.bottom());
    layout.height = ends.fold(MARGIN + TOP + LINE, f64::max) + MARGIN;
    layout.edges = ends_of(graph, &layout);
    layout
}

/// How large a node is.
fn size(node: &Node) -> Rect {
    let lines = node.lines();
    let longest = lines.iter().chain([&node.title]).map(|line| line.chars().count()).max().unwrap_or(0);
    let height = LINE * number(lines.len() + 1) + 2.0 * PADDING - 4.0;
    Rect { width: number(longest) * CHARACTER + 2.0 * PADDING, height, ..Rect::default() }
}

/// Stacks a column from the top down, with room for frames.
fn stack(graph: &Graph, layout: &mut Layout, column: &[usize]) {
    let (mut y, mut group) = (0.0, None);
    for (nth, at) in column.iter().enumerate() {
        let own = graph.nodes.get(*at).and_then(|node| node.group);
        if nth == 0 || own != group {
            y += if nth == 0 { 0.0 } else { FRAME + GAP };
            y += HEADING + FRAME / 2.0;
            group = own;
        }
        if let Some(rect) = layout.nodes.get_mut(*at) {
            rect.y = y;
            y = rect.bottom() + GAP;
        }
    }
}

/// Moves a column that is shorter than the tallest to its middle.
fn center(layout: &mut Layout, column: &[usize], tallest: f64) {
    let bottom = column.iter().filter_map(|at| layout.nodes.get(*at)).map(|rect| rect.bottom()).fold(0.0, f64::max);
    for at in column {
        if let Some(rect) = layout.nodes.get_mut(*at) {
            rect.y += (tallest - bottom) / 2.0;
        }
    }
}

/// Orders a column by the middle of what its nodes lead to, and puts each as near to that as the others let it.
fn beside(graph: &Graph, layout: &mut Layout, column: &mut [usize], tallest: f64) {
    let wanted = |at: usize| -> f64 {
        let ends = graph.edges.iter().filter(|edge| edge.from == at).filter_map(|edge| layout.nodes.get(edge.to));
        let (sum, count) = ends.fold((0.0, 0), |(sum, count), rect| (sum + rect.middle(), count + 1));
        if count == 0 { tallest / 2.0 } else { sum / f64::from(count) }
    };
    let mut order: Vec<(f64, usize)> = column.iter().map(|at| (wanted(*at), *at)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut y = 0.0;
    for (place, (middle, at)) in column.iter_mut().zip(&order) {
        *place = *at;
        if let Some(rect) = layout.nodes.get_mut(*at) {
            rect.y = f64::max(middle - rect.height / 2.0, y);
            y = rect.bottom() + GAP;
        }
    }
    // What was pushed beyond the bottom pushes back.
    let mut limit = f64::max(tallest, f64::MIN_POSITIVE);
    for (_, at) in order.iter().rev() {
        if let Some(rect) = layout.nodes.get_mut(*at) {
            rect.y = rect.y.min(limit - rect.height);
            limit = rect.y - GAP;
        }
    }
}

/// Gives a column its place from left to right, all its nodes one width; says where the next begins.
fn place(graph: &Graph, layout: &mut Layout, role: Role, column: &[usize], x: f64) -> f64 {
    let framed = matches!(role, Role::Cells | Role::Wave);
    let mut width = column.iter().filter_map(|at| layout.nodes.get(*at)).map(|rect| rect.width).fold(0.0, f64::max);
    let groups = column.iter().filter_map(|at| graph.nodes.get(*at)?.group).filter_map(|at| graph.groups.get(at));
    // What a frame says has to fit into it.
    let longest = groups.map(|group| group.title.chars().count()).max().unwrap_or(0);
    width = width.max(number(longest) * CHARACTER);
    let inset = if framed { FRAME } else { 0.0 };
    for at in column {
        if let Some(rect) = layout.nodes.get_mut(*at) {
            (rect.x, rect.width) = (x + inset, width);
        }
    }
    layout.columns.push((role, x));
    x + width + 2.0 * inset + BETWEEN
}

/// Moves everything under the headings of the columns.
fn down(layout: &mut Layout) {
    let top = layout.nodes.iter().map(|rect| rect.y).fold(0.0, f64::min);
    for rect in &mut layout.nodes {
        rect.y += MARGIN + TOP - top;
    }
}

fn frames(graph: &Graph, layout: &Layout) -> Vec<Option<Rect>> {
    let mut frames: Vec<Option<Rect>> = vec![None; graph.groups.len()];
    for (node, rect) in graph.nodes.iter().zip(&layout.nodes) {
        let Some(frame) = node.group.and_then(|at| frames.get_mut(at)) else { continue };
        let own = Rect {
            x: rect.x - FRAME,
            y: rect.y - HEADING - FRAME / 2.0,
            width: rect.width + 2.0 * FRAME,
            height: rect.height + HEADING + FRAME * 1.5,
        };
        *frame =
            Some(frame.map_or(own, |frame| Rect { height: own.bottom().max(frame.bottom()) - frame.y, ..frame }));
    }
    frames
}

/// Edges of one side of a node are spread over it, in the order of what is at their other end.
fn ends_of(graph: &Graph, layout: &Layout) -> Vec<[(f64, f64); 2]> {
    let rect = |at: usize| layout.nodes.get(at).copied().unwrap_or_default();
    let role = |at: usize| graph.nodes.get(at).map(|node| node.role);
    let inside = |edge: &super::Edge| role(edge.from) == role(edge.to);
    let mut sides: BTreeMap<(usize, bool), Vec<usize>> = BTreeMap::new();
    for (at, edge) in graph.edges.iter().enumerate().filter(|(_, edge)| !inside(edge)) {
        sides.entry((edge.from, true)).or_default().push(at);
        sides.entry((edge.to, false)).or_default().push(at);
    }
    let mut ends: Vec<[(f64, f64); 2]> =
        graph.edges.iter().map(|edge| straight(rect(edge.from), rect(edge.to))).collect();
    for ((node, leaves), mut edges) in sides {
        let other = |at: &usize| {
            graph.edges.get(*at).map_or(0.0, |edge| rect(if leaves { edge.to } else { edge.from }).middle())
        };
        edges.sort_by(|a, b| other(a).total_cmp(&other(b)).then(a.cmp(b)));
        let own = rect(node);
        let step = own.height / number(edges.len() + 1);
        for (nth, at) in edges.into_iter().enumerate() {
            let y = own.y + step * number(nth + 1);
            let end = if leaves { (own.x + own.width, y) } else { (own.x, y) };
            if let Some(place) = ends.get_mut(at).and_then(|both| both.get_mut(usize::from(!leaves))) {
                *place = end;
            }
        }
    }
    ends
}

/// From under one node to above another of its column.
fn straight(from: Rect, to: Rect) -> [(f64, f64); 2] {
    let x = from.x + from.width / 2.0;
    [(x, from.bottom()), (x, to.y)]
}

/// A count as a length. No picture has so many nodes or characters that it matters where a count stops.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
