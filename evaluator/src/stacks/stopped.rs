//! Why a stack was not brought to what is wanted. Owns the reasons and their words.

use jiff::SignedDuration;

use crate::provider::CloudError;
use crate::words::{lasted, listed};

use super::state::StackState;
use super::wish::TEMPLATE_BYTES;

/// Why a deployment ended without what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The stack is not of this program: nothing was done.
    #[error("the stack `{stack}` exists and is not of `{address}`: {}", owner(found.as_deref()))]
    Foreign {
        /// Its name.
        stack: String,
        /// Whose it should be.
        address: String,
        /// Whose it says it is.
        found: Option<String>,
    },
    /// The table of states says that a person has to look.
    #[error("the stack is in {state}: {reason}{}", listed(causes))]
    Refused {
        /// The state.
        state: StackState,
        /// Why nothing is done with it.
        reason: &'static str,
        /// What CloudFormation said of it.
        causes: Vec<String>,
    },
    /// The stack is in a state that is not in the table.
    #[error("the stack is in `{0}`, a state this version does not know; nothing was done with it")]
    Unknown(String),
    /// A request takes no such template, and there is no bucket for it: nothing was done.
    #[error("its template has {0} bytes, a request takes {most}, and no bucket is named: say `template_bucket` in `org`", most = TEMPLATE_BYTES)]
    TooLarge(usize),
    /// There is no change set to execute.
    #[error("no change set could be made: {0}")]
    ChangeSet(String),
    /// The operation failed; the stack is in this state now.
    #[error("it failed, and the stack is in {state} now{}", listed(causes))]
    Failed {
        /// The state.
        state: StackState,
        /// What failed of itself, and why.
        causes: Vec<String>,
    },
    /// The operation is over, and what is there is something else.
    #[error("the stack settled, and is not as wanted: {0}")]
    NotAsWanted(String),
    /// A call failed, and what it was for has not come about.
    #[error("{0}")]
    Call(CloudError),
    /// The time is over. What goes on at AWS goes on.
    #[error("the stack is still in {status} after {}; the operation goes on at AWS", lasted(*waited))]
    Unsettled {
        /// The state, by its name.
        status: String,
        /// How long was waited.
        waited: SignedDuration,
    },
    /// The stack vanished while it was worked on.
    #[error("the stack was deleted by somebody else meanwhile")]
    Gone,
    /// Each look at the stack found it changed by somebody else.
    #[error("somebody else keeps changing the stack")]
    Restless,
}

impl From<CloudError> for Stopped {
    fn from(error: CloudError) -> Self {
        Self::Call(error)
    }
}

/// Whose a stack is by its tag, in words.
pub(crate) fn owner(found: Option<&str>) -> String {
    match found {
        Some(found) => format!("its tag says `{found}`"),
        None => "it has no tag that says so".to_owned(),
    }
}
