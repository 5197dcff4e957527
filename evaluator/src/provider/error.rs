//! How a call fails. Owns the classes of failure and what each allows; which error code of which service is of
//! which class is the provider's to say.

use std::fmt;

/// What a failure means for whoever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The service refuses for its rate: nothing was done. May be tried again, later and slower.
    Throttled,
    /// Something else is under way on the same thing, or an earlier write has not spread: nothing was done. May be
    /// tried again.
    Conflict,
    /// The service answered that it failed (5xx): something may have been done.
    Unavailable,
    /// No answer came, or half of one: something may have been done.
    Lost,
    /// What it is about does not exist.
    NotFound,
    /// Something of this name or e-mail exists.
    Exists,
    /// The caller may not.
    Denied,
    /// The request makes no sense to the service.
    Invalid,
    /// The service takes no more of these.
    Quota,
    /// There are no credentials, or they have expired.
    Credentials,
    /// The server does not know the operation.
    Unsupported,
    /// What was started ended in failure.
    Failed,
}

impl Failure {
    /// Is it certain that nothing was done?
    pub fn did_nothing(self) -> bool {
        !matches!(self, Self::Unavailable | Self::Lost)
    }

    /// May a read, or a write that is harmless to repeat, be sent again?
    pub fn may_repeat(self) -> bool {
        matches!(self, Self::Throttled | Self::Conflict | Self::Unavailable | Self::Lost)
    }

    /// A word for receipts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::NotFound => "not-found",
            Self::Exists => "exists",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Quota => "quota",
            Self::Credentials => "credentials",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        }
    }
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudError {
    /// The call: `organizations:CreateAccount`.
    pub call: String,
    /// What it means.
    pub failure: Failure,
    /// The service's code: `TooManyRequestsException`; empty when none came.
    pub code: String,
    /// What the service said. INVARIANT: holds no credential.
    pub message: String,
    /// The service's id of the request.
    pub request_id: Option<String>,
}

impl CloudError {
    /// An error that no service answered with.
    pub fn own(call: impl Into<String>, failure: Failure, message: impl Into<String>) -> Self {
        Self { call: call.into(), failure, code: String::new(), message: message.into(), request_id: None }
    }

    /// Was the request refused for the time at which it was signed? Then the clock of one side is wrong. Services
    /// have no code of their own for it: those that check signatures say it in the message.
    pub fn is_of_the_clock(&self) -> bool {
        let told = ["Signature expired", "Signature not yet current"];
        let coded = ["RequestTimeTooSkewed", "RequestExpired"];
        self.failure == Failure::Credentials
            && (coded.contains(&self.code.as_str()) || told.iter().any(|words| self.message.contains(words)))
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.call)?;
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => f.write_str(self.failure.word())?,
            ("", message) => f.write_str(message)?,
            (code, "") => f.write_str(code)?,
            (code, message) => write!(f, "{message} ({code})")?,
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CloudError {}
