//! What the process says as it ends. Owns the numbers; which one applies is the commands' to say.

use std::process::ExitCode;

use cell_lang::diagnostics::{Code, Diagnostic, Severity, has_errors};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All was done.
    Done,
    /// There was an error: nothing, or not all, was done.
    Failed,
    /// There are changes, and it was asked to say so.
    Changes,
    /// A guard is broken, and there is no other error.
    Broken,
    /// Something depends on what is not known, and it was asked to say so.
    May,
    /// The command line made no sense.
    Usage,
}

impl Status {
    /// Done, unless one of the findings is an error; broken when all errors are of guards.
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Self {
        let guards =
            |finding: &Diagnostic| finding.code == Code::BrokenGuard || finding.severity() != Severity::Error;
        match () {
            () if !has_errors(diagnostics) => Self::Done,
            () if diagnostics.iter().all(guards) => Self::Broken,
            () => Self::Failed,
        }
    }

    /// The number the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Broken => 3,
            Self::May => 4,
            Self::Usage => 64,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
