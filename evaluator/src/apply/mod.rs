//! Carrying a plan out: in order, as parallel as the limits allow, each result seen before it counts.
//!
//! Owns the run: [`schedule`] says what may begin, [`lanes`] how much of it at once, [`carry`] does one operation and reads it back by another call,
//! [`readback`] does so for many assignments at once,
//! [`journal`] makes it durable, [`receipt`] tells what was seen. The cloud, time and the place of the record are
//! behind traits.

mod carry;
pub mod complete;
pub(crate) mod follow;
pub mod journal;
mod lanes;
pub mod published;
mod readback;
pub mod receipt;
mod run;
mod schedule;
#[cfg(test)]
pub(crate) mod tests;

pub use run::{Run, Watcher, publish};
pub(crate) use schedule::STACKS;
