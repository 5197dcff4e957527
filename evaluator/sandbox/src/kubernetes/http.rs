//! The API server's HTTP: paths and verbs to operations, errors to `Status`, tables, and watches that stay open.

use super::discovery;
use super::kinds;
use super::store::text;
use super::table;
use super::token;
use super::watch::{Filter, Watched};
use crate::engine::{Call, Manner};
use crate::error::ApiError;
use crate::http::{Cut, Received, pairs, put};
use crate::input::Input;
use crate::sandbox::Sandbox;
use crate::service::Service;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Clusters are below this path.
pub(crate) const PREFIX: &str = "/kubernetes/";
/// How often a watch looks for changes.
const TICK: Duration = Duration::from_millis(20);
/// How long one stays open when nothing else is asked.
const OPEN: Duration = Duration::from_mins(30);
/// How often a bookmark comes, to who asked for them.
const BOOKMARK: Duration = Duration::from_secs(5);

/// Answers a request to a cluster.
pub(crate) async fn answer(sandbox: &Arc<Sandbox>, received: &Received, cut: &Cut) -> Response {
    let rest = received.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (cluster, path) = rest.split_once('/').unwrap_or((rest, ""));
    let bearer = received.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if let Some(why) = bearer.and_then(token::refusal) {
        return refused(&ApiError::new("Unauthorized", 401, why));
    }
    if received.method == Method::GET
        && let Some(found) = discovery::answer(path)
    {
        return whole(200, &found);
    }
    if path == "livez" || path == "readyz" || path == "healthz" {
        return send(200, "text/plain", Body::from("ok"));
    }
    match request(cluster, path, received) {
        Ok(asked) => ask(sandbox, &asked, cut).await,
        Err(error) => refused(&error),
    }
}

/// What a request asks.
struct Asked {
    operation: &'static str,
    input: Value,
    watch: bool,
    table: bool,
    query: BTreeMap<String, String>,
}

/// Reads a path, a verb and a body.
fn request(cluster: &str, path: &str, received: &Received) -> Result<Asked, ApiError> {
    let missing = || ApiError::new("NotFound", 404, "the server could not find the requested resource");
    let query: BTreeMap<String, String> =
        pairs(received.uri.query().unwrap_or_default().as_bytes()).into_iter().collect();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, "v1", rest @ ..] => (*group, rest),
        _ => return Err(missing()),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if rest.first().is_some_and(|part| kinds::of(group, part).is_some()) => {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    let (resource, name, part) = match rest {
        [resource] => (*resource, "", ""),
        [resource, name] => (*resource, *name, ""),
        [resource, name, part] => (*resource, *name, *part),
        _ => return Err(missing()),
    };
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let watch = ["true", "1"].contains(&get("watch"));
    let content = received.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let operation = match (&received.method, name) {
        (&Method::GET, _) if watch => "Watch",
        (&Method::GET, "") => "List",
        (&Method::GET, _) => "Get",
        (&Method::POST, "") => "Create",
        (&Method::PUT, _) => "Update",
        (&Method::PATCH, _) if content == "application/apply-patch+yaml" => "Apply",
        (&Method::PATCH, _) => "Patch",
        (&Method::DELETE, _) if !name.is_empty() => "Delete",
        _ => {
            return Err(ApiError::new(
                "MethodNotAllowed",
                405,
                "the server does not allow this method on the requested resource",
            ));
        }
    };
    let body = body(received)?;
    // Without a name, the manager is what the client calls itself.
    let agent = received.header("user-agent").unwrap_or("unknown").split('/').next().unwrap_or("unknown");
    let manager = if get("fieldManager").is_empty() { agent } else { get("fieldManager") };
    if operation == "Apply" && get("fieldManager").is_empty() {
        let words =
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(ApiError::new("Invalid", 422, words));
    }
    let tries = !get("dryRun").is_empty() || body["dryRun"].as_array().is_some_and(|all| !all.is_empty());
    let input = json!({
        "cluster": cluster, "group": group, "resource": resource, "namespace": namespace, "name": name,
        "subresource": part, "manager": manager, "force": get("force") == "true", "dry_run": tries,
        "labels": get("labelSelector"), "fields": get("fieldSelector"), "patch": content, "body": body,
    });
    let table = received.header("accept").is_some_and(|accept| accept.contains("as=Table"));
    Ok(Asked { operation, input, watch, table, query })
}

fn body(received: &Received) -> Result<Value, ApiError> {
    if received.body.is_empty() {
        return Ok(Value::Null);
    }
    let words = "the body of the request was in an unknown format - accepted media types include: application/json";
    // Protobuf begins so: the typed clients of Go send it for objects that they make themselves.
    if received.body.starts_with(b"k8s\0") {
        return Err(ApiError::new("UnsupportedMediaType", 415, words));
    }
    serde_json::from_slice(&received.body).map_err(|_| ApiError::new("BadRequest", 400, words))
}

async fn ask(sandbox: &Arc<Sandbox>, asked: &Asked, cut: &Cut) -> Response {
    // Whoever has a token may everything: the key stands for an account of AWS, of which a cluster knows nothing.
    let key = Some("kubernetes".to_owned());
    let call =
        Call { service: Service::Kubernetes, operation: asked.operation.to_owned(), key, input: asked.input.clone() };
    let reply = sandbox.call(call);
    if reply.delay > Duration::ZERO {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.manner == Manner::Hangs {
        sandbox.gate().pass().await;
    }
    let response = match &reply.answer {
        Err(error) => refused(error),
        Ok(found) if asked.watch => return watch(sandbox, asked, found),
        Ok(found) => whole(if asked.operation == "Create" { 201 } else { 200 }, &shaped(sandbox, asked, found)),
    };
    match reply.manner {
        Manner::Whole => {}
        Manner::Never | Manner::Hangs => cut.before_answer(),
        Manner::Half => cut.after_half(&response),
    }
    response
}

/// An answer as it was asked for: as a table, or as it is.
fn shaped(sandbox: &Sandbox, asked: &Asked, found: &Value) -> Value {
    let input = Input(&asked.input);
    let kind = kinds::of(input.text("group"), input.text("resource"));
    match kind.filter(|_| asked.table && ["Get", "List"].contains(&asked.operation)) {
        Some(kind) => {
            let now = sandbox.lock().now();
            let items = match found.get("items").and_then(Value::as_array) {
                Some(items) => items.clone(),
                None => vec![found.clone()],
            };
            table::of(kind, &items, text(found, "/metadata/resourceVersion"), now)
        }
        None => found.clone(),
    }
}

/// Sends changes as they come, one JSON object a line.
fn watch(sandbox: &Arc<Sandbox>, asked: &Asked, found: &Value) -> Response {
    let input = Input(&asked.input);
    let Some(kind) = kinds::of(input.text("group"), input.text("resource")) else {
        return refused(&ApiError::new("NotFound", 404, "the server could not find the requested resource"));
    };
    let head = match input.text("namespace") {
        "" if kind.namespaced => format!("{}/{}/", kind.group, kind.plural),
        namespace => kind.key(namespace, input.text("name")),
    };
    let Ok(filter) = Filter::of(input) else {
        return refused(&ApiError::new("BadRequest", 400, "the selectors do not read"));
    };
    let watched = Watched { cluster: input.text("cluster").to_owned(), kind, head, filter };
    let get = |name: &str| asked.query.get(name).map(String::as_str).unwrap_or_default();
    let now = text(found, "/metadata/resourceVersion").parse().unwrap_or(0);
    let asked_from: Option<u64> = get("resourceVersion").parse().ok().filter(|revision| *revision > 0);
    let initial = get("sendInitialEvents") == "true";
    let first = if initial || asked_from.is_none() {
        found["items"].as_array().cloned().unwrap_or_default()
    } else {
        Vec::new()
    };
    let seconds = get("timeoutSeconds").parse().map_or(OPEN, Duration::from_secs);
    let stream = Stream {
        sandbox: Arc::clone(sandbox),
        watched,
        at: if initial { now } else { asked_from.unwrap_or(now) },
        table: asked.table,
        bookmarks: get("allowWatchBookmarks") == "true",
        initial,
    };
    let (sender, receiver) = tokio::sync::mpsc::channel::<String>(64);
    tokio::spawn(stream.run(sender, first, seconds));
    send(200, "application/json", Body::from_stream(Lines(receiver)))
}

/// A watch that is open.
struct Stream {
    sandbox: Arc<Sandbox>,
    watched: Watched,
    /// The revision up to which changes were sent.
    at: u64,
    table: bool,
    bookmarks: bool,
    /// Is who watches to be told when all that was there is sent?
    initial: bool,
}

impl Stream {
    async fn run(mut self, sender: tokio::sync::mpsc::Sender<String>, first: Vec<Value>, open: Duration) {
        let until = Instant::now() + open;
        let mut marked = Instant::now();
        for object in first {
            if sender.send(self.line("ADDED", object)).await.is_err() {
                return;
            }
        }
        if self.initial && sender.send(self.bookmark(true)).await.is_err() {
            return;
        }
        while Instant::now() < until {
            let Some((changes, at)) = self.changes() else {
                let error = ApiError::new("Expired", 410, format!("too old resource version: {}", self.at));
                // Who watches may be gone.
                let _ = sender.send(event("ERROR", &status(&error))).await;
                return;
            };
            self.at = at;
            for (what, object) in changes {
                if sender.send(self.line(what, object)).await.is_err() {
                    return;
                }
            }
            if self.bookmarks && marked.elapsed() >= BOOKMARK {
                marked = Instant::now();
                if sender.send(self.bookmark(false)).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = sender.closed() => return,
            }
        }
    }

    /// What has changed, and the revision up to which that is.
    fn changes(&self) -> Option<(Vec<(&'static str, Value)>, u64)> {
        // What is due is done when somebody looks.
        self.sandbox.ripen();
        let inner = self.sandbox.lock();
        let store = &inner.state.kubernetes;
        Some((self.watched.since(store, self.at)?, store.revision.max(self.at)))
    }

    fn line(&self, what: &str, object: Value) -> String {
        if !self.table {
            return event(what, &object);
        }
        let revision = text(&object, "/metadata/resourceVersion").to_owned();
        let now = self.sandbox.lock().now();
        event(what, &table::of(self.watched.kind, &[object], &revision, now))
    }

    fn bookmark(&self, initial: bool) -> String {
        let mut object = json!({
            "apiVersion": self.watched.kind.api_version(), "kind": self.watched.kind.kind,
            "metadata": {"resourceVersion": self.at.to_string(), "creationTimestamp": null},
        });
        if initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        event("BOOKMARK", &object)
    }
}

/// Lines as they come.
struct Lines(tokio::sync::mpsc::Receiver<String>);

impl futures_core::Stream for Lines {
    type Item = Result<String, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|line| line.map(Ok))
    }
}

fn event(what: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": what, "object": object}))
}

/// An error as the API server writes it.
fn status(error: &ApiError) -> Value {
    let mut details = serde_json::Map::new();
    for (name, value) in &error.fields {
        details.insert(name.clone(), value.clone());
    }
    // Errors that the engine makes have no names of Kubernetes.
    let reason = match (error.code.as_str(), error.status) {
        ("InternalFailure" | "Reset" | "InternalServerException", _) => "InternalError",
        (code, _) => code,
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": error.message,
        "reason": reason, "details": details, "code": error.status,
    })
}

fn refused(error: &ApiError) -> Response {
    whole(error.status, &status(error))
}

fn whole(code: u16, value: &Value) -> Response {
    send(code, "application/json", Body::from(value.to_string()))
}

fn send(code: u16, kind: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, "content-type", kind);
    response
}
