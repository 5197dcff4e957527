//! A program as a picture: its cells, the waves that reach them, and who may do what in them.
//!
//! Owns what is drawn and how it is folded: cells that are alike (one unit, kind, cloud and the same waves) are one
//! node, and so are people with the same grants, so that hundreds of cells are a handful of nodes. [`svg`] draws it
//! and owns its layout, [`dot`] and [`mermaid`] leave layout to others, [`json`] is for programs.

mod access;
mod cells;
pub mod dot;
mod focus;
pub mod json;
mod layout;
pub mod mermaid;
pub mod svg;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::rules::fleet::Fleet;
use crate::value::EntityId;
use crate::world::World;

use focus::Focus;
pub use focus::NotDrawn;

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Cells and accounts in their units.
    Cells,
    /// Rollouts with their waves.
    Waves,
    /// Grants, from people to cells.
    Grants,
}

/// What a node stands for. The order is that of the columns of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Groups and users.
    People,
    /// A permission set as it is given on some cells.
    Grant,
    /// Cells or accounts.
    Cells,
    /// A wave of a rollout.
    Wave,
}

/// A picture: nodes, and edges between them.
#[derive(Debug, Default)]
pub struct Graph {
    /// The program's first file.
    pub source: String,
    /// Frames around nodes: units, and rollouts.
    pub groups: Vec<Group>,
    /// The nodes, by role.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

/// A frame around nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it says.
    pub title: String,
    /// The address of the unit or the rollout; none for cells in no unit.
    pub address: Option<String>,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it stands for.
    pub role: Role,
    /// What it says first.
    pub title: String,
    /// What it stands for, each by address, with what is said of it.
    pub members: Vec<Member>,
    /// What else it says.
    pub notes: Vec<String>,
    /// The frame it stands in: an index into [`Graph::groups`].
    pub group: Option<usize>,
}

/// One of those that a node stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its address.
    pub address: String,
    /// What a picture says of it.
    pub text: String,
}

/// An edge, from node to node by index.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Where it begins.
    pub from: usize,
    /// Where it leads.
    pub to: usize,
    /// What it says; empty when it reaches all that the node stands for.
    pub text: String,
    /// How many members of `to` a grant reaches; of `from`, a wave takes.
    pub count: usize,
}

/// Lines of members that a node shows; the rest is counted.
const SHOWN: usize = 6;

impl Node {
    /// What a picture says under the title: members, as many as fit, and notes.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.members.len() > 1 || self.role == Role::Cells {
            let shown = if self.members.len() > SHOWN { SHOWN - 1 } else { SHOWN };
            lines.extend(self.members.iter().take(shown).map(|member| member.text.clone()));
            let more = self.members.len().saturating_sub(shown);
            if more > 0 {
                lines.push(format!("… {more} more"));
            }
        }
        lines.extend(self.notes.iter().cloned());
        lines
    }
}

/// What is put together, and where each thing is.
struct Sketch<'w, 'p> {
    world: &'w World<'p>,
    fleet: Fleet,
    focus: Focus,
    graph: Graph,
    /// The node that a cell or an account is in.
    node_of: HashMap<EntityId, usize>,
}

/// The picture of a program without errors. With `only`, what these addresses have to do with: a cell or a unit with
/// its grants and waves, a group, user, permission set or grant with its cells, a rollout with its waves.
pub fn graph(world: &World<'_>, parts: &[Part], only: &[String]) -> Result<Graph, NotDrawn> {
    let fleet = Fleet::new(world);
    let focus = Focus::new(world, &fleet, only)?;
    let source = crate::emit::source(world).to_owned();
    let graph = Graph { source, ..Graph::default() };
    let mut sketch = Sketch { world, fleet, focus, graph, node_of: HashMap::new() };
    let waves = parts.contains(&Part::Waves);
    let grants = parts.contains(&Part::Grants);
    sketch.cells(parts.contains(&Part::Cells), waves, grants);
    if waves {
        sketch.waves();
    }
    if grants {
        sketch.grants();
    }
    Ok(sketch.graph)
}
