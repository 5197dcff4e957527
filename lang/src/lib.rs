//! The cell language: from source text to a checked, typed tree.
//!
//! Owns syntax, names, types and diagnostics. Does no IO, runs nothing, knows no cloud.

pub mod diagnostics;
pub mod source;
pub mod syntax;
pub mod value;
