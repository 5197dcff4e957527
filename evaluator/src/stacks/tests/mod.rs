//! Tests of stacks: the table of states, and the driver against a cloud in memory.

mod cloud;
mod deletions;
mod deployments;
mod faults;
mod states;
