//! The cloud of cell-eval, on the AWS SDK.
//!
//! Owns every use of the SDK: [`AwsCloud`] is the provider, [`S3Store`] a place for the registry, [`AwsStacks`] CloudFormation in an account and region. What to call and when
//! is decided elsewhere; how a call is sent, at which rate, and whether it may be sent again is decided here.

mod call;
mod center;
mod center_convert;
mod classify;
mod cloud;
mod connect;
mod convert;
mod fault;
mod identities;
mod managed;
mod organizations;
mod organizations_convert;
mod paging;
mod progress;
mod roles;
mod s3;
mod settings;
mod stacks;
mod stacks_convert;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod told;

pub use cloud::AwsCloud;
pub use s3::{Place, S3Store};
pub use settings::{Keys, Settings};
pub use stacks::AwsStacks;
