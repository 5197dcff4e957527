//! Rollouts as their users see them: order, windows, tolerance, alarms, and what a restart changes, which is nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

mod alarms;
mod courses;
mod fleet;
mod order;
mod people;
mod restarts;
mod world;
