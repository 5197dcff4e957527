//! The cloud of cell-eval, on the AWS SDK.
//!
//! Owns every use of the SDK: [`AwsCloud`] is the provider, [`S3Store`] a place for the registry; [`AwsStacks`],
//! [`AwsSignals`] and [`AwsRepositories`] are CloudFormation, CloudWatch and ECR in an account and region, [`EksDoor`] the
//! way into a cluster. What to call and when is decided elsewhere; how a call is sent, at which rate, and whether it may be
//! sent again is decided here.

mod call;
mod center;
mod center_convert;
mod classify;
mod cloud;
mod connect;
mod convert;
mod cost;
mod eks;
mod fault;
mod identities;
mod managed;
mod organizations;
mod organizations_convert;
mod paging;
mod places;
mod progress;
mod repositories;
mod roles;
mod s3;
mod settings;
mod signals;
mod stacks;
mod stacks_convert;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod told;

pub use cloud::AwsCloud;
pub use eks::EksDoor;
pub use repositories::AwsRepositories;
pub use s3::{Place, S3Store};
pub use settings::{Keys, Settings};
pub use signals::AwsSignals;
pub use stacks::AwsStacks;
