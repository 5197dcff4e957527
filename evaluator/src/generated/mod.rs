//! What a program comes to in CloudFormation: templates of the stacks that hold alarms, ways out, budgets and DNS names of each
//! cell, the view of all cells, and the pipelines that bring releases to them.
//!
//! Owns which stacks there are, where each belongs and its bytes. Deploys nothing, asks no cloud and reads no clock: the plan
//! has the stacks as it has everything else. The same program always comes to the same bytes.
//!
//! INVARIANT: nothing here lists cells, alarms or components by itself; all comes from the expansion, so that a new cell is in
//! every stack that it belongs in.

mod cell;
mod dashboard;
mod ground;
pub mod metrics;
mod names;
mod pipelines;
mod reader;
mod template;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::{BTreeMap, HashSet};

use cell_lang::source::Span;

use crate::value::EntityId;
use crate::world::World;

pub use dashboard::ADDRESS as VIEW;
pub use pipelines::{OBSERVER_ROLE, SHARED};
pub(crate) use reader::brings as brings_reader;

/// How the addresses of the stacks of cells begin.
pub(crate) const CELLS: &str = "stack.cell/";
/// How the addresses of the stacks of budgets begin that the stacks of their cells cannot hold.
pub(crate) const BUDGETS: &str = "stack.budget/";

/// A stack that a program comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its address: `stack.cell/alpha`, `stack.budget/alpha`, `stack.account/images`, `stack.pipelines/cache`, `stack.cellc`,
    /// `stack.monitoring`.
    pub address: String,
    /// Its name in the cloud.
    pub name: String,
    /// The account that it belongs in.
    pub account: Owner,
    /// The region that it belongs in.
    pub region: String,
    /// Its template: JSON without white space, fields by name.
    pub template: String,
    /// What its parameters are given; those that are not here have a default.
    pub parameters: BTreeMap<String, Given>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What its template may do beside the ordinary.
    pub capabilities: Vec<String>,
    /// The addresses of stacks that have to be there before.
    pub after: Vec<String>,
    /// The entities that it comes from, at least one.
    pub sources: Vec<EntityId>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The one with this id.
    Id(String),
    /// That of the cell or account of this address, whose id is known when it is made.
    Of(String),
}

impl Owner {
    fn address(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Of(address) => Some(address),
        }
    }
}

/// What a parameter is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// This text.
    Text(String),
    /// The ids of the accounts of these cells and accounts, with commas between.
    Accounts(Vec<String>),
}

/// Something that a program says and no stack holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The address of what is left out, or of the stack that would hold it.
    pub address: String,
    /// Where the program says it.
    pub span: Option<Span>,
    /// Why.
    pub why: String,
    /// What would help.
    pub help: String,
    /// Whether the cloud takes no such thing, rather than that the program says too little for it.
    pub refused: bool,
}

/// What a program comes to.
#[derive(Debug, Default)]
pub struct Generation {
    /// The stacks, in an order in which they can be deployed.
    pub stacks: Vec<Generated>,
    /// What no stack holds.
    pub left_out: Vec<LeftOut>,
}

/// The stacks of an expansion without errors.
pub fn stacks(world: &World<'_>) -> Generation {
    let ground = ground::Ground::new(world);
    let mut out = Generation::default();
    pipelines::shared(&ground, &mut out);
    reader::stacks(&ground, &mut out);
    cell::stacks(&ground, &mut out);
    dashboard::stack(&ground, &mut out);
    pipelines::components(&ground, &mut out);
    for stack in &out.stacks {
        if stack.template.len() > crate::limits::TEMPLATE_OBJECT.most {
            out.left_out.push(too_large(stack));
        }
    }
    let too_large: HashSet<String> =
        out.left_out.iter().filter(|left| left.refused).map(|left| left.address.clone()).collect();
    out.stacks.retain(|stack| !too_large.contains(&stack.address));
    out
}

fn too_large(stack: &Generated) -> LeftOut {
    let most = crate::limits::TEMPLATE_OBJECT;
    LeftOut {
        address: stack.address.clone(),
        span: None,
        why: format!("its template has {} bytes; CloudFormation takes {}", stack.template.len(), most.most),
        help: "let the component go to fewer cells by `only`, or divide it".to_owned(),
        refused: true,
    }
}
