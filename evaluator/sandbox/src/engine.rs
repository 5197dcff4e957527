//! A call from its arrival to its answer: faults, throttling, authority, the model, the handler, the journal.
//! It knows no wire: the protocols are in [`crate::http`].

use crate::authority::{self, Authority};
use crate::config::Config;
use crate::error::{Answer, ApiError};
use crate::fault::{self, FaultKind};
use crate::input::{Caller, Cx, Input, Millis};
use crate::jobs::ripen;
use crate::journal::{Change, Record};
use crate::model;
use crate::sandbox::Inner;
use crate::service::{Handler, Service};
use crate::services::sts;
use crate::state::State;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A call, read off the wire.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) operation: String,
    /// The access key; none when the request was not signed.
    pub(crate) key: Option<String>,
    pub(crate) input: Value,
}

/// What goes back, and how.
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) manner: Manner,
    pub(crate) delay: Duration,
    pub(crate) id: String,
}

/// How an answer is sent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Whole,
    Half,
    Never,
    /// Not before it is let go, and then never.
    Hangs,
}

/// A line of the request log.
#[derive(Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) at: Millis,
    pub(crate) id: String,
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) account: String,
    pub(crate) input: Value,
    /// The code of the error, if it was one.
    pub(crate) error: Option<String>,
    pub(crate) fault: Option<FaultKind>,
}

/// Tokens that refill in sandbox time.
pub(crate) struct Bucket {
    tokens: f64,
    at: Millis,
}

impl Inner {
    /// Answers a call.
    pub(crate) fn call(&mut self, call: Call) -> Reply {
        let now = self.now();
        self.requests += 1;
        let id = format!("{:08x}-0000-4000-8000-{:012x}", self.requests >> 32, self.requests);
        *self.calls.entry(format!("{}:{}", call.service.name(), call.operation)).or_default() += 1;
        let handler = call.service.handler(&call.operation);
        let struck =
            handler.and_then(|h| fault::strike(&mut self.faults, call.service, &call.operation, h, &call.input));
        let mut entry = Entry {
            at: now,
            id: id.clone(),
            service: call.service,
            operation: call.operation.clone(),
            account: String::new(),
            input: logged(&call.input),
            error: None,
            fault: struck.clone(),
        };
        let manner = match struck {
            Some(FaultKind::Reset | FaultKind::Drop) => Manner::Never,
            Some(FaultKind::Truncate) => Manner::Half,
            Some(FaultKind::Hang | FaultKind::HangAfter) => Manner::Hangs,
            _ => Manner::Whole,
        };
        let delay = match struck {
            Some(FaultKind::Delay { ms }) => Duration::from_millis(ms),
            _ => Duration::ZERO,
        };
        let answer = match handler {
            None => Err(unknown_operation(&call)),
            Some(handler) => self.act(call, handler, now, struck.as_ref(), &mut entry.account),
        };
        entry.error = answer.as_ref().err().map(|error| error.code.clone());
        self.log.push_back(entry);
        while self.log.len() > self.config.log {
            self.log.pop_front();
        }
        Reply { answer, manner, delay, id }
    }

    fn act(
        &mut self,
        call: Call,
        handler: Handler,
        now: Millis,
        struck: Option<&FaultKind>,
        account: &mut String,
    ) -> Answer {
        if let Some(error) = struck.and_then(|kind| injected(kind, call.service)) {
            return Err(error);
        }
        self.throttle(call.service, now)?;
        ripen(&mut self.state, &self.config, now);
        let caller = self.caller(&call, now)?;
        account.clone_from(&caller.account);
        model::check(call.service, &call.operation, &call.input)?;
        let policies = authority::policies(&self.state, &self.config, call.key.as_deref(), &caller);
        let Some(policies) = policies else { return self.answer(call, caller, handler, now, struck) };
        Authority::new(&self.state, &caller, policies.clone()).check(&call)?;
        let asked = call.clone();
        self.answer(call, caller.clone(), handler, now, struck)
            .map_err(|error| Authority::new(&self.state, &caller, policies).hide(&asked, error))
    }

    fn answer(
        &mut self,
        call: Call,
        caller: Caller,
        handler: Handler,
        now: Millis,
        struck: Option<&FaultKind>,
    ) -> Answer {
        let cx = Cx { now, caller: &caller, config: &self.config, fail: None };
        match handler {
            Handler::Read(read) | Handler::Lag(read) if struck == Some(&FaultKind::Stale) => {
                read(self.history.before(call.service).unwrap_or(&self.state), &cx, Input(&call.input))
            }
            Handler::Read(read) => read(&self.state, &cx, Input(&call.input)),
            Handler::Lag(read) => {
                read(self.history.visible(call.service, now).unwrap_or(&self.state), &cx, Input(&call.input))
            }
            Handler::Write(_) => {
                let fail = match struck {
                    Some(FaultKind::FailAsync { reason }) => Some(reason.clone()),
                    _ => None,
                };
                let Call { service, operation, input, .. } = call;
                self.write(now, Change::Call { caller, service, operation, input, fail })
            }
        }
    }

    /// Changes the state and writes that down; if either fails, nothing has happened.
    fn write(&mut self, at: Millis, change: Change) -> Answer {
        let Change::Call { service, .. } = &change else { return Ok(Value::Null) };
        let service = *service;
        let before = self.state.clone();
        let record = Record { at, change };
        let answer = apply_call(&mut self.state, &self.config, &record);
        let kept = match &answer {
            Ok(_) => self.keep(&record),
            Err(_) => Ok(()),
        };
        match (answer, kept) {
            (Ok(value), Ok(())) => {
                self.history.note(service, before, at, self.config.delays.propagation);
                Ok(value)
            }
            (Ok(_), Err(error)) => {
                self.state = before;
                Err(ApiError::new("InternalFailure", 500, format!("the sandbox cannot save: {error}")))
            }
            (Err(error), _) => {
                self.state = before;
                Err(error)
            }
        }
    }

    fn throttle(&mut self, service: Service, now: Millis) -> Result<(), ApiError> {
        let rate = match service {
            Service::SsoAdmin | Service::IdentityStore => self.config.tps,
            Service::Organizations => self.config.organizations_tps,
            _ => 0.0,
        };
        if rate <= 0.0 {
            return Ok(());
        }
        let burst = self.config.burst.max(1.0);
        let bucket = self.buckets.entry(service).or_insert(Bucket { tokens: burst, at: now });
        #[allow(clippy::cast_precision_loss)]
        let refill = (now - bucket.at).max(0) as f64 / 1000.0 * rate;
        bucket.tokens = (bucket.tokens + refill).min(burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(throttled(service));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// Who an access key stands for. Keys that AssumeRole gave out are sessions; `AKIADELEGATED…` is the delegated
    /// administrator of Identity Center; `AKIA` and twelve digits is that account; any other is the management
    /// account.
    fn caller(&self, call: &Call, now: Millis) -> Result<Caller, ApiError> {
        let Some(key) = &call.key else {
            return Err(unsigned(call.service));
        };
        if key.starts_with(sts::SESSION) {
            // Whose time is over is forgotten in the end, and is expired all the same.
            let forgotten = || if sts::is_key(key) { expired(call.service) } else { unknown_key(call.service) };
            let session = self.state.sts.get(key).ok_or_else(forgotten)?;
            return if session.expires > now { Ok(session.caller.clone()) } else { Err(expired(call.service)) };
        }
        let member =
            key.strip_prefix("AKIA").filter(|rest| rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_digit()));
        let account = if key.starts_with("AKIADELEGATED") {
            let org = self.state.org.as_ref();
            let delegate = org.and_then(|org| org.delegated.under("sso.amazonaws.com").next());
            delegate.map(|(account, _)| account.to_owned()).ok_or_else(|| unknown_key(call.service))?
        } else {
            member.unwrap_or(&self.state.management).to_owned()
        };
        Ok(Caller { account, role: None })
    }
}

/// Runs the handler of a recorded call; the journal is replayed through this very function.
pub(crate) fn apply_call(state: &mut State, config: &Config, record: &Record) -> Answer {
    let Change::Call { caller, service, operation, input, fail } = &record.change else { return Ok(Value::Null) };
    let cx = Cx { now: record.at, caller, config, fail: fail.as_deref() };
    match service.handler(operation) {
        Some(Handler::Write(write)) => write(state, &cx, Input(input)),
        _ => Ok(Value::Null),
    }
}

/// Bodies of objects are left out of the log.
fn logged(input: &Value) -> Value {
    let mut copy = match input {
        Value::Object(members) if members.contains_key("Body") => {
            let kept = members.iter().filter(|(name, _)| *name != "Body");
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => return other.clone(),
    };
    copy["BodySize"] = json!(Input(input).text("Body").len().saturating_sub(1));
    copy
}

fn injected(kind: &FaultKind, service: Service) -> Option<ApiError> {
    match kind {
        FaultKind::Throttle => Some(throttled(service)),
        FaultKind::Error500 => Some(ApiError::new(internal(service), 500, "An internal error occurred.")),
        FaultKind::Error503 => Some(ApiError::new("ServiceUnavailable", 503, "The service is unavailable.")),
        FaultKind::Error { code, status, message } => Some(ApiError::new(code, *status, message.clone())),
        FaultKind::Reset | FaultKind::Hang => Some(ApiError::new("Reset", 500, "")),
        _ => None,
    }
}

fn throttled(service: Service) -> ApiError {
    match service {
        Service::Organizations => {
            let message = "You have sent too many requests in too short a period of time.";
            ApiError::client("TooManyRequestsException", message)
        }
        Service::Account => ApiError::new("TooManyRequestsException", 429, "Too many requests."),
        Service::S3 => ApiError::new("SlowDown", 503, "Please reduce your request rate."),
        Service::Sts | Service::Iam | Service::CloudFormation => ApiError::client("Throttling", "Rate exceeded"),
        Service::CloudWatch => ApiError::client("Throttling", "Rate exceeded"),
        Service::SsoAdmin | Service::IdentityStore | Service::Ecr => {
            ApiError::client("ThrottlingException", "Rate exceeded")
        }
        Service::Eks => ApiError::new("ThrottlingException", 429, "Rate exceeded"),
        Service::Kubernetes => ApiError::new(
            "TooManyRequests",
            429,
            "the server has received too many requests and has asked us to try again later",
        ),
        Service::CostExplorer => {
            let message = "You made too many calls in a short period of time. Try again later.";
            ApiError::client("LimitExceededException", message)
        }
    }
}

fn internal(service: Service) -> &'static str {
    match service {
        Service::Organizations => "ServiceException",
        Service::S3 => "InternalError",
        Service::Sts | Service::Iam => "ServiceFailure",
        Service::CloudFormation => "InternalFailure",
        Service::CloudWatch => "InternalServiceError",
        Service::Ecr => "ServerException",
        Service::Eks => "ServerException",
        Service::Kubernetes => "InternalError",
        Service::CostExplorer => "InternalFailure",
        Service::SsoAdmin | Service::IdentityStore | Service::Account => "InternalServerException",
    }
}

fn unsigned(service: Service) -> ApiError {
    let message = "Request is missing Authentication Token";
    match service {
        Service::S3 => ApiError::new("AccessDenied", 403, message),
        Service::Sts | Service::Iam | Service::CloudFormation => {
            ApiError::new("MissingAuthenticationToken", 403, message)
        }
        _ => ApiError::client("MissingAuthenticationTokenException", message),
    }
}

fn unknown_key(service: Service) -> ApiError {
    let message = "The security token included in the request is invalid.";
    match service {
        Service::S3 => ApiError::new("InvalidAccessKeyId", 403, message),
        Service::Sts | Service::Iam | Service::CloudFormation => ApiError::new("InvalidClientTokenId", 403, message),
        _ => ApiError::client("UnrecognizedClientException", message),
    }
}

fn expired(service: Service) -> ApiError {
    let message = "The security token included in the request is expired";
    match service {
        Service::S3 => ApiError::client("ExpiredToken", message),
        Service::Sts | Service::Iam | Service::CloudFormation => ApiError::new("ExpiredToken", 403, message),
        _ => ApiError::client("ExpiredTokenException", message),
    }
}

fn unknown_operation(call: &Call) -> ApiError {
    let name = &call.operation;
    match call.service {
        Service::Sts | Service::Iam | Service::CloudFormation => {
            ApiError::client("InvalidAction", format!("Could not find operation {name}"))
        }
        Service::S3 => ApiError::new("NotImplemented", 501, format!("The sandbox has no operation {name}")),
        _ => ApiError::client("UnknownOperationException", format!("Unknown operation {name}")),
    }
}
