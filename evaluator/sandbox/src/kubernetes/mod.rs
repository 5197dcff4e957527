//! Kubernetes clusters beside the emulated AWS: an API server at `/kubernetes/CLUSTER`, and controllers that let rollouts
//! progress by the sandbox's clock. Any cluster that is named is there, with the namespaces `default` and `kube-system`.
//!
//! Owns the objects ([`store`]), what the API server does with them ([`operations`]: defaults, validation, quotas,
//! field ownership), how it speaks ([`http`]), and the controllers. The engine around it is that of all services: faults,
//! the log of requests, the journal.

mod admission;
mod controllers;
mod discovery;
mod fields;
pub(crate) mod http;
mod kinds;
mod managers;
mod operations;
mod patches;
mod settings;
mod store;
mod table;
mod token;
mod watch;

pub(crate) use controllers::proceed;
pub(crate) use operations::OPERATIONS;
pub use settings::Clusters;
pub(crate) use store::Kubernetes;
