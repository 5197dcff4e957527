//! What each kind of resource asks for: one file a kind, each a table of desired × recorded × live
//! (spec/lifecycle.md).

pub(super) mod accounts;
pub(super) mod assignments;
pub(super) mod policies;
pub(crate) mod sets;
pub(super) mod units;
