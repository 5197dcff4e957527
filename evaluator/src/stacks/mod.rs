//! CloudFormation: a stack per component and cell. Owns what each state of a stack means ([`state`]). It knows no SDK,
//! no account and no region, and nothing of rollouts.

pub mod state;
#[cfg(test)]
mod tests;

pub use state::{Meaning, StackState, Step};
