//! The workloads of cell-eval, on the Kubernetes API.
//!
//! Owns every use of the client library: [`Cluster`] is the provider of one cluster, [`Access`] the ways into it. What to
//! apply and how long to wait is decided elsewhere.

mod access;
mod cluster;
mod fault;
mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

pub use access::Access;
pub use cluster::Cluster;
