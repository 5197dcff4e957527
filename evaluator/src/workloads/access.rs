//! How a cluster is found and entered when no kubeconfig names it. Owns what such a way in must give; EKS is one, made by
//! the provider of AWS.

use std::fmt;

use crate::provider::Answer;

/// Where a cluster answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address of its API server: `https://…`.
    pub server: String,
    /// The certificates that its own must descend from: PEM, in base64. None: those of the system.
    pub authority: Option<String>,
}

/// A way into one cluster. Calls block.
pub trait Door: Send + Sync + fmt::Debug {
    /// Where the cluster answers.
    fn endpoint(&self) -> Answer<Endpoint>;
    /// A new bearer token, good for a quarter of an hour at least.
    fn token(&self) -> Answer<String>;
}
