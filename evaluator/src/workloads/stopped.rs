//! Why a workload was not brought to what is wanted. Owns the reasons and their words.

use jiff::SignedDuration;

use crate::provider::CloudError;
use crate::words::{lasted, listed};

use super::model::Conflict;
use super::place::Place;

/// Why a deployment ended without what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// There is no such workload: whoever owns its manifest makes it.
    #[error("there is no {0}: it is made from its own manifest, and `cellc` gives it its image")]
    Missing(Place),
    /// The workload is another deployment's.
    #[error("{place} is not of `{address}`: its annotation says `{found}`")]
    Foreign {
        /// The workload.
        place: Place,
        /// Whose it should be.
        address: String,
        /// Whose it says it is.
        found: String,
    },
    /// It cannot be said which container is meant.
    #[error("{place} has {}: {}", containers(there), which(asked.as_deref()))]
    Container {
        /// The workload.
        place: Place,
        /// The container that is asked for.
        asked: Option<String>,
        /// Those that there are.
        there: Vec<String>,
    },
    /// A person has to do something first.
    #[error("{place} does not roll out: {reason}")]
    Refused {
        /// The workload.
        place: Place,
        /// Why not.
        reason: &'static str,
    },
    /// Others own what would be changed. Nothing was done.
    #[error(
        "fields of it have other owners, and nothing was done (`cellc rollout start {release} --take-over` takes them){}",
        listed(conflicts)
    )]
    Conflicts {
        /// What was to come, as `rollout start` is told it: `api v1`.
        release: String,
        /// The fields.
        conflicts: Vec<Conflict>,
    },
    /// A quota does not allow it. Nothing was done.
    #[error("a quota does not allow it, and nothing was done: {0}")]
    Quota(String),
    /// The pods made no progress for as long as the workload says.
    #[error("{place} exceeded its progress deadline{}", listed(causes))]
    Deadline {
        /// The workload.
        place: Place,
        /// What is wrong with its pods.
        causes: Vec<String>,
    },
    /// The time is over. What goes on in the cluster goes on.
    #[error("{place} is not rolled out after {}: {status}{}", lasted(*waited), listed(causes))]
    Unsettled {
        /// The workload.
        place: Place,
        /// How far it is.
        status: String,
        /// How long was waited.
        waited: SignedDuration,
        /// What is wrong with its pods.
        causes: Vec<String>,
    },
    /// Somebody else changed what was applied.
    #[error("somebody else changed it meanwhile: {0}")]
    NotAsWanted(String),
    /// The workload vanished while it was worked on.
    #[error("the workload was deleted by somebody else meanwhile")]
    Gone,
    /// A call failed, and what it was for has not come about.
    #[error("{0}")]
    Call(CloudError),
}

impl From<CloudError> for Stopped {
    fn from(error: CloudError) -> Self {
        Self::Call(error)
    }
}

fn containers(there: &[String]) -> String {
    match there {
        [] => "no container".to_owned(),
        [one] => format!("the container `{one}`"),
        many => format!("the containers `{}`", many.join("`, `")),
    }
}

fn which(asked: Option<&str>) -> String {
    match asked {
        Some(name) => format!("there is none called `{name}`"),
        None => "say `container`".to_owned(),
    }
}
