//! What the process says as it ends. Owns the numbers; which one applies is the commands' to say.

use std::process::ExitCode;

use cell_lang::diagnostics::{Diagnostic, has_errors};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All was done.
    Done,
    /// There was an error: nothing, or not all, was done.
    Failed,
    /// There are changes, and it was asked to say so.
    Changes,
    /// The command line made no sense.
    Usage,
}

impl Status {
    /// Done, unless one of the findings is an error.
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Self {
        if has_errors(diagnostics) { Self::Failed } else { Self::Done }
    }

    /// The number the process ends with. 3 (a guard is broken) and 4 (only `may` findings) are kept for reviews.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Usage => 64,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
