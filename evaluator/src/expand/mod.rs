//! From the checked tree to evaluated entities: layer by layer, in parallel within a layer.
//!
//! In each layer: the walk finds out which entities there are (`structure`, `instances`); the layer is sealed; every
//! field of every entity is evaluated once (`machine`, `fields`, `defaults`, `eval` and what they use). At the end
//! every let is evaluated and every assertion judged. Owns the order of these; the rules over entities are others'.
//!
//! INVARIANT: the result does not depend on the number of threads, nor on which of them comes first.

mod access;
mod asserts;
mod builtins;
mod conform;
mod defaults;
mod eval;
mod expectations;
mod fields;
mod instances;
mod loops;
mod machine;
mod ops;
mod questions;
mod show;
mod structure;
mod targets;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Mutex;

use cell_lang::diagnostics::Diagnostic;
use cell_lang::files::Files;
use cell_lang::hir::{LayerSet, Program};
use cell_lang::schema::{Kind, Layer};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use crate::budget::{Options, STACK};
use crate::report::Sink;
use crate::world::{InstanceId, World};
pub use expectations::{Expectation, Reason, Unmet, Verdict};
use machine::Machine;
pub(crate) use questions::{Answers, Unanswered};

pub(crate) use show::bindings as circumstances;
pub use show::value as show_value;
use structure::{Builder, Pass};
pub(crate) use targets::ForTargets;
pub(crate) use tasks::Task;

/// Expands a checked program: one whose check found no error.
pub fn expand<'p>(program: &'p Program, files: &'p dyn Files, options: &Options) -> World<'p> {
    let mut world = prepare(program, files, options);
    let pool = world.pool.take();
    let mut world = match &pool {
        Some(pool) => pool.install(|| build(world)),
        None => build(world),
    };
    world.pool = pool;
    world
}

/// Runs the checks of types that literals meet, wherever they stand: all that can be run of a program whose check
/// found errors.
pub fn check_literals(program: &Program, files: &dyn Files, options: &Options) -> Vec<Diagnostic> {
    let world = prepare(program, files, options);
    world.run(|| program.literals.par_iter().for_each(|literal| conform::literal(&world, literal)));
    world.take_findings()
}

/// A world in which nothing is declared but the entities with fixed labels of the root file.
fn prepare<'p>(program: &'p Program, files: &'p dyn Files, options: &Options) -> World<'p> {
    let make = |threads: usize| {
        let name = |at| format!("cell-eval-{at}");
        ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).thread_name(name).build().ok()
    };
    let world = World {
        program,
        files,
        options: options.clone(),
        // Where no thread is to be had the caller's does the work.
        pool: make(options.threads.unwrap_or(0)).or_else(|| make(1)),
        instances: Vec::new(),
        imports: Vec::new(),
        root: InstanceId(0),
        units_by_file: HashMap::new(),
        entities: Vec::new(),
        addresses: HashMap::new(),
        sealed: LayerSet::default(),
        org: None,
        texts: Mutex::default(),
        sink: Sink::default(),
    };
    let mut builder = Builder::new(world);
    builder.add_imports();
    builder.world.root = InstanceId(builder.world.instances.len() as u32);
    // Without a root file there is nothing to expand; the first import instance stands for it.
    builder.world.root = builder.add_instance(program.root, None).unwrap_or(InstanceId(0));
    builder.world
}

fn build(world: World<'_>) -> World<'_> {
    let mut builder = Builder::new(world);
    let world = &builder.world;
    world.program.literals.par_iter().for_each(|literal| conform::literal(world, literal));
    builder.fill_root();
    for layer in Layer::ALL {
        builder.walk(Pass::Declare(layer));
        builder.seal(layer);
        evaluate(&builder.world, layer);
    }
    let world = &builder.world;
    let instances: Vec<InstanceId> = world.instances().map(|(id, _)| id).collect();
    instances.into_par_iter().for_each(|id| Machine::force_lets(world, id));
    builder.walk(Pass::Assert);
    builder.world
}

fn evaluate(world: &World<'_>, layer: Layer) {
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.layer() == layer) {
        world.of(kind).par_iter().for_each(|id| Machine::force_entity(world, *id));
    }
}
