//! CloudFormation stacks. Owns what is wanted of one ([`wish`]), what each state of one means ([`state`]), the trait that
//! a provider implements for one account and region ([`model`]), and how a stack is brought to what is wanted of it
//! ([`deploy`]), or away ([`delete`]). It knows no SDK and nothing of rollouts.

mod delete;
mod deploy;
mod follow;
mod model;
pub mod shelf;
pub mod state;
pub(crate) mod stopped;
pub mod template;
#[cfg(test)]
mod tests;
pub mod wish;

pub use delete::{Unwanted, delete, stands};
pub use deploy::{Deployed, How, Sight, WAITS, Wanted, deploy, token};
pub use model::{
    ChangeKind, ChangeSet, Execution, Made, Making, NewChangeSet, ResourceChange, Stack, StackEvent, Stacks,
};
pub use shelf::TemplateBucket;
pub use state::{Meaning, StackState, Step};
pub use stopped::Stopped;
pub use wish::{AccountOf, StackPlace, StackWish};
