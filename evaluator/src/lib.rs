//! From a checked program to its normal form, to a plan, and to what was done.
//!
//! [`expand::expand`] makes a [`world::World`] of a program; [`rules`] judge it, [`resources`] are derived from it,
//! [`findings`] is the order of these steps. [`emit`] writes the world, [`explain`] tells where its values came from,
//! [`testing`] runs its tests and [`graph`] draws it. [`packages`] and [`lock`] hold what comes from elsewhere. [`live`] reads the cloud, [`plan`] compares it with the program
//! and the record, [`apply`] carries a plan out. [`pane`] tells how all cells are, and what they cost. Files, the cloud, time and the place of the record are behind traits:
//! [`cell_lang::files::Files`], [`provider`], [`registry::store`]. Expanding and planning know no clock.

pub mod access;
pub mod apply;
pub mod bootstrap;
pub mod budget;
pub mod digest;
pub mod emit;
pub mod existing;
pub mod expand;
pub mod explain;
pub mod findings;
pub mod generated;
pub mod graph;
pub mod limits;
pub mod live;
pub mod lock;
pub mod packages;
pub mod pane;
pub mod plan;
pub mod provider;
pub mod registry;
pub mod releases;
pub mod report;
pub mod repositories;
pub mod resources;
pub mod rollout;
pub mod routes;
pub mod rules;
pub mod signals;
pub mod stacks;
pub mod terminal;
pub mod testing;
pub mod value;
mod web;
pub mod words;
pub mod workloads;
pub mod world;
