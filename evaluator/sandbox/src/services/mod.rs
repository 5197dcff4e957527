//! The services: one module a family. Each turns a checked request into a change of the state and an answer.

// Handlers share one type, whether or not they can fail.
#![allow(clippy::unnecessary_wraps)]

pub(crate) mod account;
pub(crate) mod cloudformation;
pub(crate) mod cloudwatch;
pub(crate) mod cost_explorer;
pub(crate) mod ecr;
pub(crate) mod eks;
pub(crate) mod iam;
pub(crate) mod identitystore;
pub(crate) mod organizations;
pub(crate) mod s3;
pub(crate) mod ssoadmin;
pub(crate) mod sts;
