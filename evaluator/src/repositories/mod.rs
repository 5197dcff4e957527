//! ECR repositories: who may pull from them. Owns what cellc says in a repository's policy ([`statement`]), how that comes
//! into a text that others have a part in ([`policy`]), and the trait that a provider implements for one account and
//! region ([`model`]). It knows no SDK.

mod model;
pub mod policy;
mod statement;
#[cfg(test)]
mod tests;

pub use model::{Found, Repositories};
pub use policy::{Edited, Refused, edited, ours};
pub use statement::{PULL, path_of, pull};
