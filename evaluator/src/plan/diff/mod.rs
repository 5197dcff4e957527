//! What each kind of resource asks for: one file a kind, each a table of desired × recorded × live
//! (spec/lifecycle.md).

pub(super) mod accounts;
pub(super) mod assignments;
pub(crate) mod deployed;
pub(super) mod policies;
pub(super) mod releases;
pub(crate) mod repositories;
pub(crate) mod sets;
mod sets_by_waves;
mod stacks;
mod taken;
pub(super) mod units;
