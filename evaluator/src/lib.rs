//! From a checked program to its normal form.
//!
//! [`expand::expand`] makes a [`world::World`] of a program; [`rules`] judge it, [`resources`] are derived from it,
//! [`emit`] writes it and [`explain`] tells where its values came from. Does no IO but through [`cell_lang::files::Files`]; knows no clock.

pub mod apply;
pub mod budget;
pub mod emit;
pub mod expand;
pub mod explain;
pub mod limits;
pub mod live;
pub mod packages;
pub mod plan;
pub mod provider;
pub mod registry;
pub mod report;
pub mod resources;
pub mod rules;
pub mod value;
pub mod world;
