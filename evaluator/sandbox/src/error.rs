//! Errors: of the sandbox itself, and those it answers to a client.

use serde_json::{Map, Value};

/// What can go wrong with the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or the network refused.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Another process uses the folder.
    #[error(
        "the sandbox in `{0}` is in use by another process; one that is served takes `POST /_sandbox/advance` and `/_sandbox/reset`"
    )]
    InUse(String),
    /// A saved file does not read.
    #[error("`{file}` is not a saved sandbox")]
    Unreadable {
        /// The file.
        file: String,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
    /// The seed contradicts itself.
    #[error("the seed cannot be used: {0}")]
    Seed(String),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

/// An error as a service answers it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) message: String,
    /// Members beside the message, such as `Reason`.
    pub(crate) fields: Map<String, Value>,
}

impl ApiError {
    pub(crate) fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status, message: message.into(), fields: Map::new() }
    }

    /// The usual kind: the client is at fault.
    pub(crate) fn client(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, 400, message)
    }

    pub(crate) fn with(mut self, member: &str, value: &str) -> Self {
        self.fields.insert(member.to_owned(), Value::from(value));
        self
    }

    pub(crate) fn reason(code: &str, reason: &str, message: impl Into<String>) -> Self {
        Self::client(code, message).with("Reason", reason)
    }
}

/// What an operation answers.
pub(crate) type Answer = Result<Value, ApiError>;
