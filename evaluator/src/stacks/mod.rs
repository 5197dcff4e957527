//! CloudFormation: a stack per component and cell. Owns what each state of a stack means ([`state`]), the trait that a
//! provider implements for one account and region ([`model`]), and how a stack is brought to what is wanted of it
//! ([`deploy`]). It knows no SDK, no account and no region, and nothing of rollouts.

mod deploy;
mod follow;
mod model;
pub mod state;
pub mod template;
mod stopped;
#[cfg(test)]
mod tests;

pub use deploy::{Deployed, How, Sight, Waits, Wanted, deploy, token};
pub use model::{
    ChangeKind, ChangeSet, Execution, Made, Making, NewChangeSet, ResourceChange, Stack, StackEvent, Stacks,
};
pub use state::{Meaning, StackState, Step};
pub use stopped::Stopped;
