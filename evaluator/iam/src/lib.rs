//! What IAM policies allow, and what a change of them really changes: who gains or loses which actions on which
//! resources under which conditions, decided exactly, with a request as witness.
//!
//! [`policy::parse`] reads documents; [`catalogue::Catalogue`] says which actions there are. The crate is pure: no
//! IO, no clock, and the same input gives the same bytes. It knows nothing of cells or of the language.

pub mod access;
mod automaton;
pub mod catalogue;
mod classes;
mod collect;
mod condition;
pub mod data;
pub mod decide;
mod dependent;
mod describe;
mod domain;
mod engine;
mod ground;
mod layers;
pub mod lint;
mod mdd;
mod open;
mod pattern;
mod places;
pub mod policy;
pub mod region;
mod request;
pub mod risk;
pub mod session;
mod tables;
mod ties;
mod value;

pub use engine::{Engine, Forbid};
pub use layers::{Deciding, Layer};
pub use places::calls_iam;
pub use request::{Context, Request};
pub use ties::{REGION_OF_IAM, owner};
