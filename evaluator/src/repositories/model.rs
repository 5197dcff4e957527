//! Repositories as the core sees them: the trait that a provider implements for one account and region. It decides nothing.

use std::fmt;

use crate::provider::Answer;

/// ECR in one account and region. Calls block, and are tried again by the provider: each of them may be repeated.
pub trait Repositories: Send + Sync + fmt::Debug {
    /// GetRepositoryPolicy.
    fn policy(&self, repository: &str) -> Answer<Found>;
    /// SetRepositoryPolicy: the whole text, at most 10,240 characters. ECR gives it back laid out anew.
    fn set_policy(&self, repository: &str, text: &str) -> Answer<()>;
    /// DeleteRepositoryPolicy; none there counts as done.
    fn delete_policy(&self, repository: &str) -> Answer<()>;
    /// DescribeImages: the digest of the image that has a tag now, `sha256:…`; none without such an image, or such a
    /// repository.
    fn digest(&self, repository: &str, tag: &str) -> Answer<Option<String>>;
}

/// What was found of a repository's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is no such repository.
    NoRepository,
    /// The repository has no policy.
    NoPolicy,
    /// Its text.
    Policy(String),
}

impl Found {
    /// The text, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Policy(text) => Some(text),
            Self::NoRepository | Self::NoPolicy => None,
        }
    }
}
