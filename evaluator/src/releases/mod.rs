//! Releases: which version each cell has, and the rollout that brings it another one. Owns what is kept of them
//! ([`book`]), how it is changed by several at a time ([`desk`]), and the engine that carries out what
//! [`crate::rollout::step`] decides ([`engine`]), what a program says of them ([`wishes`]), and what an apply does about
//! them ([`clerk`]). Targets, alarms, time and the place of what is kept are behind traits, and permission sets behind that of
//! the cloud ([`sets`]; [`withdrawn`] is what the record says of one that went back); [`mod@apart`] is what a fleet is left as; it knows no SDK and no terminal.

pub mod apart;
pub mod book;
pub mod clerk;
pub mod desk;
pub mod dossier;
pub mod driven;
pub mod engine;
pub mod fleet;
mod flight;
pub mod sets;
pub mod targets;
#[cfg(test)]
mod tests;
pub mod wishes;
pub mod withdrawn;

pub use apart::{Apart, apart};
pub use book::{Book, Has, Note, Queued, Rollout, Runner};
pub use desk::{By, Desk, DeskError, Entered, Kept};
pub use dossier::{Cell, Dossier, Spec, Target};
pub use driven::{Action, Brought, Driven, Going, Undriven, WentBack};
pub use engine::{Ending, Engine, EngineError, Watcher};
pub use fleet::{Fleet, Standing};
pub use targets::{Failed, Look, Looked, Order, Signals, Targets};
