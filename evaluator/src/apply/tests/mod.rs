//! Runs against a cloud in memory: whatever goes wrong, the receipt is true, and the next run comes to the same end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod asked_for;
mod behind;
pub(crate) mod bench;
mod center;
mod closings;
pub(crate) mod cloud;
mod creations;
pub(crate) mod formation;
mod given_on;
mod kills;
mod order;
mod organizations;
pub(crate) mod programs;
mod published;
mod random;
mod read_back;
mod regressions;
mod replaced;
mod stacks;
pub(crate) mod state;
pub(crate) mod store;
mod taken_back;
pub(crate) mod time;
mod troubles;
pub(crate) mod world;
