//! The sandbox's own endpoints under `/_sandbox/`, for tests and for other processes. JSON in, JSON out; a refusal is
//! status 400 and `{"error"}`.
//!
//! | Endpoint | Does |
//! |---|---|
//! | `POST seed` | adds what a [`Seed`] names |
//! | `POST reset` | forgets everything but the settings |
//! | `POST advance {"seconds": n}` | moves sandbox time on |
//! | `POST faults [fault…]`, `GET`, `DELETE` | adds, shows, removes faults; posting `[]` removes them too |
//! | `GET hanging`, `POST hanging/release` | how many calls hang; closes their connections |
//! | `POST config {…}`, `GET` | changes the members given, shows all |
//! | `GET calls`, `POST calls/reset` | counts by `service:Operation`; a reset empties the log too |
//! | `GET log?service=&operation=&error=&limit=` | recent requests, oldest first |
//! | `GET state` | the whole state |

use super::{Received, query, response};
use crate::config::Config;
use crate::fault::Fault;
use crate::sandbox::Sandbox;
use crate::seed::Seed;
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Deserialize)]
struct Advance {
    seconds: f64,
}

type Answer = Result<Value, String>;

pub(crate) fn answer(sandbox: &Sandbox, received: &Received) -> Response {
    let path = received.uri.path().trim_start_matches("/_sandbox/");
    let result = match (&received.method, path) {
        (&Method::POST, "seed") => parse(received).and_then(|seed: Seed| done(sandbox.seed(&seed))),
        (&Method::POST, "reset") => done(sandbox.reset()),
        (&Method::POST, "advance") => advance(sandbox, received),
        (&Method::POST, "faults") => faults(sandbox, received),
        (&Method::DELETE, "faults") => {
            sandbox.clear_faults();
            Ok(json!({}))
        }
        (&Method::GET, "hanging") => Ok(json!({ "hanging": sandbox.hanging() })),
        (&Method::POST, "hanging/release") => {
            sandbox.let_go();
            Ok(json!({}))
        }
        (&Method::GET, "faults") => Ok(json!(sandbox.lock().faults)),
        (&Method::POST, "config") => configure(sandbox, received),
        (&Method::GET, "config") => Ok(json!(sandbox.config())),
        (&Method::GET, "calls") => Ok(json!(sandbox.calls())),
        (&Method::POST, "calls/reset") => {
            sandbox.reset_calls();
            Ok(json!({}))
        }
        (&Method::GET, "state") => Ok(sandbox.state()),
        (&Method::GET, "log") => Ok(log(sandbox, received)),
        _ => return response(404, "application/json", "sandbox", json!({"error": "no such endpoint"}).to_string()),
    };
    match result {
        Ok(value) => response(200, "application/json", "sandbox", value.to_string()),
        Err(error) => response(400, "application/json", "sandbox", json!({"error": error}).to_string()),
    }
}

fn parse<T: DeserializeOwned>(received: &Received) -> Result<T, String> {
    serde_json::from_slice(&received.body).map_err(|error| error.to_string())
}

fn done(result: Result<(), crate::error::Error>) -> Answer {
    result.map(|()| json!({})).map_err(|error| error.to_string())
}

fn advance(sandbox: &Sandbox, received: &Received) -> Answer {
    let by: Advance = parse(received)?;
    let by = Duration::try_from_secs_f64(by.seconds).map_err(|error| error.to_string())?;
    done(sandbox.advance(by))
}

/// A list adds to what waits; an empty one removes everything.
fn faults(sandbox: &Sandbox, received: &Received) -> Answer {
    let faults: Vec<Fault> = parse(received)?;
    if faults.is_empty() {
        sandbox.clear_faults();
    }
    sandbox.inject(faults);
    Ok(json!({}))
}

/// The members given replace those of the settings; the others stay.
fn configure(sandbox: &Sandbox, received: &Received) -> Answer {
    let changes: Value = parse(received)?;
    let mut config = json!(sandbox.config());
    merge(&mut config, &changes);
    let config: Config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    done(sandbox.set_config(config))
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => into.clone_from(from),
    }
}

/// Requests, oldest first: `service`, `operation` and `error` filter, `limit` keeps the newest.
fn log(sandbox: &Sandbox, received: &Received) -> Value {
    let wanted = query::pairs(received.uri.query().unwrap_or_default().as_bytes());
    let get = |name: &str| wanted.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let limit = get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let inner = sandbox.lock();
    let fits = |entry: &&crate::engine::Entry| {
        get("service").is_none_or(|name| entry.service.name() == name)
            && get("operation").is_none_or(|name| entry.operation == name)
            && get("error").is_none_or(|code| entry.error.as_deref() == Some(code))
    };
    let mut entries: Vec<Value> = inner.log.iter().rev().filter(fits).take(limit).map(|entry| json!(entry)).collect();
    entries.reverse();
    Value::Array(entries)
}
