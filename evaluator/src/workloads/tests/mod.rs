//! Tests of workloads: when a rollout is over, and the driver against a cluster in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

mod cluster;
mod deployments;
mod faults;
mod statuses;
