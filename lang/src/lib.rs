//! The cell language: from source text to a checked, typed tree.
//!
//! Owns syntax, names, types, diagnostics, the canonical form, and what an editor asks of a tree. Does no IO, runs
//! nothing, knows no cloud.

pub mod check;
pub mod diagnostics;
pub mod files;
pub mod fmt;
pub mod hir;
pub mod index;
pub mod load;
pub mod schema;
pub mod source;
pub mod syntax;
pub mod types;
pub mod value;
