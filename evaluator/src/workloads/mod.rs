//! Kubernetes: the image and the parameters of a workload that is there. Owns the trait that a provider implements for
//! one cluster ([`model`]), when a rollout is over ([`status`]), and how a workload is brought to what is wanted of it
//! ([`deploy`]). It knows no client, no credentials, and nothing of waves.

mod access;
mod deploy;
mod follow;
mod model;
mod place;
pub mod status;
mod stopped;
#[cfg(test)]
mod tests;

pub use access::{Door, Endpoint};
pub use deploy::{ADDRESS, Deployed, How, PLAN, RELEASE, Sight, WAITS, Wanted, deploy};
pub use model::{
    About, Applied, Around, Change, Condition, Conflict, Container, Counts, Event, Pod, Strategy, Workload, Workloads,
};
pub use place::{Place, Sort};
pub use status::{Progress, TimedOut};
pub use stopped::Stopped;
