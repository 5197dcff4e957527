//! A strict emulator of the AWS APIs that cellc uses: Organizations, IAM Identity Center, the identity store, STS,
//! IAM, CloudFormation, CloudWatch, ECR, EKS, account names and S3, on their real wire protocols; and clusters of
//! Kubernetes beside them.
//!
//! [`Sandbox`] is the state; [`serve`] or [`Running`] answer for it on a socket; [`Seed`] fills it; [`Config`] sets
//! its pace, [`Fault`]s make it fail. The crate owns no client and knows nothing of the language or the planner.

mod authority;
mod clock;
mod config;
mod engine;
mod error;
mod fault;
mod gate;
mod history;
mod http;
mod ids;
mod images;
mod input;
mod jobs;
mod journal;
mod kubernetes;
mod model;
mod paging;
mod sandbox;
mod seed;
mod seeding;
mod service;
mod services;
mod stacks;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod watch;

pub use config::{AwsPolicy, Config, Delays, Quotas};
pub use error::Error;
pub use fault::{Fault, FaultKind};
pub use http::{Running, serve};
pub use kubernetes::Clusters;
pub use sandbox::Sandbox;
pub use seed::{Seed, SeedAccount, SeedAssignment, SeedCost, SeedCustomerPolicy, SeedPolicy, SeedSet};
pub use services::eks::cluster_of;
