//! The stacks that a program comes to: the one place where what is generated becomes a part of what is wanted. Owns which
//! resources of the normal form a stack carries, so that they are none of their own; what is in a stack is
//! [`crate::generated`]'s.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cell_lang::schema::Kind;
use serde_json::{Value as Json, json};

use super::desired::place;
use crate::generated::{BUDGETS, CELLS, Generated, Given, LeftOut, Owner, SHARED, VIEW, stacks};
use crate::resources::{Resource, ResourceKind, naming};
use crate::rules::read::Read as _;
use crate::stacks::{AccountOf, StackWish};
use crate::value::{EntityId, Value};
use crate::world::World;

/// How the addresses of the stacks of pipelines begin.
const PIPELINES: &str = "stack.pipelines/";

/// What is generated of a program.
pub(super) struct Made {
    /// The stacks, by address.
    pub(super) wishes: BTreeMap<String, StackWish>,
    /// What no stack holds, and why.
    pub(super) left_out: Vec<(String, String)>,
    /// The addresses of [`Self::left_out`].
    without: HashSet<String>,
}

impl Made {
    /// Of an expansion.
    pub(super) fn new(world: &World<'_>) -> Self {
        let generation = stacks(world);
        let wanted = |address: &str| drives(world) || !is_of_pipelines(address);
        let said = generation.left_out.iter().filter(|left| wanted(&left.address));
        let left_out: Vec<(String, String)> = said.map(told).collect();
        let mut wishes = BTreeMap::new();
        for stack in generation.stacks.into_iter().filter(|stack| wanted(&stack.address)) {
            wishes.insert(stack.address.clone(), wish(world, stack));
        }
        let without = left_out.iter().map(|(address, _)| address.clone()).collect();
        Self { wishes, left_out, without }
    }

    /// Is a resource a part of a stack, and so of none of its own?
    pub(super) fn carries(&self, world: &World<'_>, resource: &Resource) -> bool {
        use ResourceKind as K;
        let stack = match resource.kind {
            // Where `cellc` goes through the waves itself nobody wants a pipeline.
            K::Pipeline if !drives(world) => return true,
            K::Pipeline => resource.address.replacen("pipeline.", PIPELINES, 1),
            K::Dashboard => VIEW.to_owned(),
            K::Alarm | K::VpcEndpoint | K::RoleTrust | K::Budget | K::Endpoint => match resource.field("cell") {
                Some(Value::Ref(cell)) if world.is(*cell, "cloud", "gcp") => VIEW.to_owned(),
                Some(Value::Ref(cell)) => self.of_cell(world, resource.kind, *cell),
                _ => return false,
            },
            _ => return false,
        };
        !self.without.contains(resource.address.as_str()) && self.wishes.contains_key(&stack)
    }

    /// The stack that what a cell has by itself is in.
    fn of_cell(&self, world: &World<'_>, kind: ResourceKind, cell: EntityId) -> String {
        let label = naming::qualified(world, cell);
        let apart = format!("{BUDGETS}{label}");
        if kind == ResourceKind::Budget && self.wishes.contains_key(&apart) {
            apart
        } else {
            format!("{CELLS}{label}")
        }
    }
}

/// Do pipelines go through the waves?
fn drives(world: &World<'_>) -> bool {
    world.org().is_some_and(|org| world.is(org, "engine", "aws"))
}

fn is_of_pipelines(address: &str) -> bool {
    address == SHARED || address.starts_with(PIPELINES)
}

fn told(left: &LeftOut) -> (String, String) {
    (left.address.clone(), format!("{}; {}", left.why, left.help))
}

fn wish(world: &World<'_>, stack: Generated) -> StackWish {
    let Generated { address, name, account, region, template, parameters, tags, capabilities, after, sources } =
        stack;
    let account = match account {
        Owner::Id(id) => AccountOf::Id(id),
        Owner::Of(address) => AccountOf::Of(address),
    };
    let parameters = parameters.into_iter().map(|(name, given)| (name, value(&given))).collect();
    // What all cells share is no cell's: whoever asks for one cell gets nothing that would need the others.
    let own = [CELLS, BUDGETS].iter().any(|beginning| address.starts_with(beginning));
    let sources = sources.into_iter().filter(|source| own || world.kind(*source) != Kind::Cell);
    let sources: BTreeSet<_> = sources.map(|source| place(world, source.into())).collect();
    let sources = sources.into_iter().collect();
    StackWish { address, name, account, region, template, parameters, tags, capabilities, after, sources }
}

/// Ids of accounts are known when these are made.
fn value(given: &Given) -> Json {
    match given {
        Given::Text(text) => Json::from(text.as_str()),
        Given::Accounts(of) => {
            let all: Vec<String> = of.iter().map(|address| format!("\\({address}.account_id)")).collect();
            json!({ "later": all.join(",") })
        }
    }
}
