//! Faults on demand: which call goes wrong, and how.

use crate::service::{Handler, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One fault: it lets `after` matching calls pass, then strikes `count` times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// `service:Operation`, `service:*` or `*`; services as in the AWS CLI (`organizations`, `sso-admin`, `s3`, …).
    pub operation: String,
    /// Only calls whose parameters, as JSON, have this in them: `"Key":"cells.json"`.
    #[serde(default)]
    pub containing: Option<String>,
    /// How many matching calls pass first.
    #[serde(default)]
    pub after: u64,
    /// How many calls it strikes.
    #[serde(default = "once")]
    pub count: u64,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u64 {
    1
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Refused as too fast, in the service's own words.
    Throttle,
    /// Status 500, nothing done.
    Error500,
    /// Status 503, nothing done.
    Error503,
    /// The connection is closed before anything is done.
    Reset,
    /// The call acts, then the connection is closed without an answer.
    Drop,
    /// The call acts, then half of the answer is sent.
    Truncate,
    /// Nothing is done and nothing is answered until [`Sandbox::let_go`]; then the connection is closed.
    ///
    /// [`Sandbox::let_go`]: crate::Sandbox::let_go
    Hang,
    /// The call acts, and nothing is answered until [`Sandbox::let_go`]; then the connection is closed.
    ///
    /// [`Sandbox::let_go`]: crate::Sandbox::let_go
    HangAfter,
    /// The asynchronous work that the call starts fails later.
    FailAsync {
        /// The reason its status gives.
        reason: String,
    },
    /// A read answers from before the last write to its service.
    Stale,
    /// The answer is late.
    Delay {
        /// By so many milliseconds on the wall.
        ms: u64,
    },
    /// Any error.
    Error {
        /// Its code.
        code: String,
        /// Its HTTP status.
        #[serde(default = "bad_request")]
        status: u16,
        /// Its message.
        #[serde(default)]
        message: String,
    },
}

fn bad_request() -> u16 {
    400
}

const ASYNCHRONOUS: &[&str] = &[
    "CreateAccount",
    "CloseAccount",
    "CreateAccountAssignment",
    "DeleteAccountAssignment",
    "ProvisionPermissionSet",
    "CreateStack",
    "UpdateStack",
    "DeleteStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "ExecuteChangeSet",
];

impl Fault {
    fn matches(&self, service: Service, operation: &str, handler: Handler, input: &Value) -> bool {
        let named = match self.operation.split_once(':') {
            None => self.operation == "*" || self.operation == operation,
            Some((name, wanted)) => {
                let right = name == service.name() || Service::of_scope(name) == Some(service);
                right && (wanted == "*" || wanted == operation)
            }
        };
        named
            && self.containing.as_ref().is_none_or(|part| input.to_string().contains(part))
            && match self.kind {
                FaultKind::Stale => !matches!(handler, Handler::Write(_)),
                FaultKind::FailAsync { .. } => ASYNCHRONOUS.contains(&operation),
                _ => true,
            }
    }
}

/// The fault that strikes this call, if any; spent faults go.
pub(crate) fn strike(
    faults: &mut Vec<Fault>,
    service: Service,
    operation: &str,
    handler: Handler,
    input: &Value,
) -> Option<FaultKind> {
    let mut struck = None;
    for fault in faults.iter_mut().filter(|fault| fault.matches(service, operation, handler, input)) {
        if fault.after > 0 {
            fault.after -= 1;
        } else if struck.is_none() && fault.count > 0 {
            fault.count -= 1;
            struck = Some(fault.kind.clone());
        }
    }
    faults.retain(|fault| fault.count > 0);
    struck
}
