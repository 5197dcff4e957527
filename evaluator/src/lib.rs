//! Expands a checked program.
//!
//! [`expand::expand`] makes a [`world::World`] of a checked program; what is judged over it and what is made of
//! it is done by others on top. Does no IO but through [`cell_lang::files::Files`]; knows no clock.

pub mod budget;
pub mod emit;
pub mod expand;
pub mod explain;
pub mod limits;
pub mod packages;
pub mod report;
pub mod resources;
pub mod rules;
pub mod value;
pub mod world;
