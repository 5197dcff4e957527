//! Expands a checked program.
pub mod value;
