//! What the API server does: read, create, update, patch, apply, delete. Owns the course of each; HTTP is
//! [`super::http`]'s.

use super::admission;
use super::controllers;
use super::kinds::{self, Kind};
use super::managers::{self, Writer};
use super::patches;
use super::store::{list, number, text};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso};
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::{Map, Value, json};

/// The verbs, as operations of a service.
pub(crate) const OPERATIONS: &[&[Op]] = &[&[
    ("Get", Handler::Read(get)),
    ("List", Handler::Read(read_list)),
    ("Watch", Handler::Read(read_list)),
    ("Create", Handler::Write(create)),
    ("Update", Handler::Write(update)),
    ("Patch", Handler::Write(patch)),
    ("Apply", Handler::Write(apply)),
    ("Delete", Handler::Write(delete)),
]];

/// What a request is about.
struct Target<'a> {
    cluster: &'a str,
    kind: &'static Kind,
    namespace: &'a str,
    name: &'a str,
    /// `scale`, `status`; empty for the object itself.
    part: &'a str,
}

impl<'a> Target<'a> {
    fn of(input: Input<'a>) -> Result<Self, ApiError> {
        let kind = kinds::of(input.text("group"), input.text("resource"));
        let missing = || ApiError::new("NotFound", 404, "the server could not find the requested resource");
        let part = input.text("subresource");
        let kind = kind.filter(|kind| match part {
            "" | "status" => true,
            "scale" => kind.scales,
            _ => false,
        });
        Ok(Self {
            cluster: input.text("cluster"),
            kind: kind.ok_or_else(missing)?,
            namespace: input.text("namespace"),
            name: input.text("name"),
            part,
        })
    }

    fn key(&self) -> String {
        self.kind.key(self.namespace, self.name)
    }

    fn find(&self, state: &State) -> Result<Value, ApiError> {
        if let Some(found) = state.kubernetes.get(self.cluster, &self.key()) {
            return Ok(found.clone());
        }
        if self.kind.plural == "namespaces"
            && let Some(found) = given_namespaces().find(|given| text(given, "/metadata/name") == self.name)
        {
            return Ok(found);
        }
        let words = format!("{} {:?} not found", self.kind.resource(), self.name);
        let mut error = ApiError::new("NotFound", 404, words).with("name", self.name).with("kind", self.kind.plural);
        if !self.kind.group.is_empty() {
            error = error.with("group", self.kind.group);
        }
        Err(error)
    }

    /// An object that does not say what it is, is what the address says.
    fn complete(&self, object: &mut Value) -> Result<(), ApiError> {
        let Some(members) = object.as_object_mut() else {
            return Err(ApiError::new("BadRequest", 400, "the object provided is unrecognized"));
        };
        members.insert("apiVersion".to_owned(), json!(self.kind.api_version()));
        members.insert("kind".to_owned(), json!(self.kind.kind));
        let metadata = members.entry("metadata").or_insert_with(|| json!({}));
        let Some(metadata) = metadata.as_object_mut() else {
            return Err(ApiError::new("BadRequest", 400, "metadata is no object"));
        };
        if self.kind.namespaced {
            let given = metadata.get("namespace").and_then(Value::as_str).unwrap_or(self.namespace);
            if given != self.namespace {
                let words = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(ApiError::new("BadRequest", 400, words));
            }
            metadata.insert("namespace".to_owned(), json!(self.namespace));
        } else {
            metadata.remove("namespace");
        }
        if !self.name.is_empty() {
            let given = metadata.get("name").and_then(Value::as_str).unwrap_or(self.name);
            if given != self.name {
                let words =
                    format!("the name of the object ({given}) does not match the name on the URL ({})", self.name);
                return Err(ApiError::new("BadRequest", 400, words));
            }
            metadata.insert("name".to_owned(), json!(self.name));
        }
        Ok(())
    }
}

/// The namespaces that are always there.
pub(super) fn given_namespaces() -> impl Iterator<Item = Value> {
    ["default", "kube-system"].into_iter().map(|name| {
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "uid": format!("00000000-0000-4000-a000-{name:0>12}"), "resourceVersion": "1",
                         "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        })
    })
}

fn get(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let found = target.find(state)?;
    Ok(if target.part == "scale" { scale(&found) } else { found })
}

/// All objects that are asked for, and the revision up to which that is.
fn read_list(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let head = match target.namespace {
        "" if target.kind.namespaced => format!("{}/{}/", target.kind.group, target.kind.plural),
        namespace => target.kind.key(namespace, ""),
    };
    let given = given_namespaces().filter(|given| {
        target.kind.plural == "namespaces"
            && state.kubernetes.get(target.cluster, &target.kind.key("", text(given, "/metadata/name"))).is_none()
    });
    let filter = super::watch::Filter::of(input)?;
    let stored = state.kubernetes.list(target.cluster, &head).cloned();
    let items: Vec<Value> = given.chain(stored).filter(|object| filter.fits(object)).collect();
    Ok(json!({
        "apiVersion": target.kind.api_version(), "kind": format!("{}List", target.kind.kind),
        "metadata": {"resourceVersion": state.kubernetes.revision.max(1).to_string()}, "items": items,
    }))
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let mut object = input.0["body"].clone();
    target.complete(&mut object)?;
    if text(&object, "/metadata/name").is_empty() && !text(&object, "/metadata/generateName").is_empty() {
        let name = format!("{}{}", text(&object, "/metadata/generateName"), state.ids.lower(5));
        object["metadata"]["name"] = json!(name);
    }
    make(state, cx, input, &target, object, Ownership::Update)
}

/// How a new object's fields come to be owned.
#[derive(Clone, Copy)]
enum Ownership<'a> {
    Update,
    Apply { applied: &'a Value },
}

/// Keeps a new object.
fn make(
    state: &mut State,
    cx: &Cx<'_>,
    input: Input<'_>,
    target: &Target<'_>,
    mut object: Value,
    how: Ownership<'_>,
) -> Answer {
    let name = text(&object, "/metadata/name").to_owned();
    if target.kind.namespaced && !exists(state, target.cluster, target.namespace) {
        let words = format!("namespaces {:?} not found", target.namespace);
        return Err(ApiError::new("NotFound", 404, words).with("name", target.namespace).with("kind", "namespaces"));
    }
    let key = target.kind.key(target.namespace, &name);
    let given = target.kind.plural == "namespaces" && ["default", "kube-system"].contains(&name.as_str());
    if given || state.kubernetes.get(target.cluster, &key).is_some() {
        let words = format!("{} {name:?} already exists", target.kind.resource());
        return Err(ApiError::new("AlreadyExists", 409, words).with("name", &name).with("kind", target.kind.plural));
    }
    admission::defaults(target.kind, &mut object);
    admission::validate(target.kind, None, &object)?;
    admission::quota(state, target.cluster, target.kind, &object)?;
    let time = iso(cx.now, false);
    let uid = state.ids.guid();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
        metadata.insert("uid".to_owned(), json!(uid));
        metadata.insert("creationTimestamp".to_owned(), json!(time));
        if object["spec"].is_object() && target.kind.group == "apps" {
            object["metadata"]["generation"] = json!(1);
        }
    }
    object["status"] = first_status(target.kind);
    let version = target.kind.api_version();
    let writer = Writer { manager: input.text("manager"), version: &version, time: &time };
    match how {
        Ownership::Update => managers::update(&Value::Null, &mut object, &writer),
        Ownership::Apply { applied } => {
            let live = Value::Null;
            managers::own(&live, &mut object, applied, &writer, true)
                .map_err(|_| ApiError::new("Conflict", 409, ""))?;
        }
    }
    Ok(finish(state, cx, input, target, object))
}

fn exists(state: &State, cluster: &str, namespace: &str) -> bool {
    ["default", "kube-system"].contains(&namespace)
        || state.kubernetes.get(cluster, &kinds::named("namespaces").key("", namespace)).is_some()
}

fn first_status(kind: &Kind) -> Value {
    match kind.kind {
        "Namespace" => json!({"phase": "Active"}),
        "StatefulSet" => json!({"replicas": 0, "availableReplicas": 0}),
        "DaemonSet" => json!({
            "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
        }),
        "ReplicaSet" => json!({"replicas": 0}),
        "Pod" => json!({"phase": "Pending"}),
        _ => json!({}),
    }
}

/// Keeps what a write made of an object, unless it is only tried, and wakes who looks after it.
fn finish(state: &mut State, cx: &Cx<'_>, input: Input<'_>, target: &Target<'_>, object: Value) -> Value {
    if input.flag("dry_run") {
        return object;
    }
    let mut kept = state.kubernetes.put(target.cluster, target.kind, object);
    if target.kind.plural == "resourcequotas" {
        kept["status"] = admission::used(state, target.cluster, &kept);
        kept = state.kubernetes.put(target.cluster, target.kind, kept);
    }
    controllers::woken(state, cx, target.cluster, target.kind, &kept);
    kept
}

/// Keeps what an object is changed into.
fn change(
    state: &mut State,
    cx: &Cx<'_>,
    input: Input<'_>,
    target: &Target<'_>,
    before: &Value,
    mut after: Value,
) -> Answer {
    target.complete(&mut after)?;
    guarded(target, before, &after)?;
    settle(target, before, &mut after);
    let (version, time) = (target.kind.api_version(), iso(cx.now, false));
    let writer = Writer { manager: input.text("manager"), version: &version, time: &time };
    admission::validate(target.kind, Some(before), &after)?;
    managers::update(before, &mut after, &writer);
    Ok(finish(state, cx, input, target, after))
}

/// A write that says which version or which object it is for is refused for another.
fn guarded(target: &Target<'_>, before: &Value, after: &Value) -> Result<(), ApiError> {
    let conflict = |words: String| {
        let words = format!(
            "Operation cannot be fulfilled on {} {:?}: {words}",
            target.kind.resource(),
            text(before, "/metadata/name")
        );
        Err(ApiError::new("Conflict", 409, words))
    };
    let (asked, there) = (text(after, "/metadata/resourceVersion"), text(before, "/metadata/resourceVersion"));
    if !asked.is_empty() && asked != there {
        let words = "the object has been modified; please apply your changes to the latest version and try again";
        return conflict(words.to_owned());
    }
    let (asked, there) = (text(after, "/metadata/uid"), text(before, "/metadata/uid"));
    if !asked.is_empty() && asked != there {
        return conflict(format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {there}"));
    }
    Ok(())
}

/// What clients do not write, and what follows from a change.
fn settle(target: &Target<'_>, before: &Value, after: &mut Value) {
    for field in ["uid", "creationTimestamp", "generation"] {
        if let Some(metadata) = after["metadata"].as_object_mut() {
            match &before["metadata"][field] {
                Value::Null => drop(metadata.remove(field)),
                value => drop(metadata.insert(field.to_owned(), value.clone())),
            }
        }
    }
    if target.part == "status" {
        let status = after["status"].take();
        *after = before.clone();
        after["status"] = status;
        return;
    }
    after["status"] = before["status"].clone();
    admission::defaults(target.kind, after);
    if after["spec"] != before["spec"]
        && let Some(generation) = number(before, "/metadata/generation")
    {
        after["metadata"]["generation"] = json!(generation + 1);
    }
}

fn update(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let before = target.find(state)?;
    let body = &input.0["body"];
    if target.part == "scale" {
        let mut after = before.clone();
        after["spec"]["replicas"] = body["spec"]["replicas"].clone();
        return change(state, cx, input, &target, &before, after).map(|after| scale(&after));
    }
    change(state, cx, input, &target, &before, body.clone())
}

fn patch(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let before = target.find(state)?;
    let body = &input.0["body"];
    let scales = target.part == "scale";
    let mut after = if scales { scale(&before) } else { before.clone() };
    // The version in a patch is a condition, and one of what is patched is none.
    for field in ["resourceVersion", "uid"] {
        if let Some(metadata) = after["metadata"].as_object_mut() {
            metadata.remove(field);
        }
    }
    match input.text("patch") {
        "application/merge-patch+json" => patches::merge(&mut after, body),
        "application/json-patch+json" => {
            patches::json(&mut after, body).map_err(|words| ApiError::new("Invalid", 422, words))?;
        }
        _ => patches::strategic(&mut after, body, "", ""),
    }
    if scales {
        let mut whole = before.clone();
        whole["spec"]["replicas"] = after["spec"]["replicas"].clone();
        return change(state, cx, input, &target, &before, whole).map(|after| scale(&after));
    }
    change(state, cx, input, &target, &before, after)
}

fn apply(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let mut applied = input.0["body"].clone();
    if applied["apiVersion"] != json!(target.kind.api_version()) || applied["kind"] != json!(target.kind.kind) {
        return Err(ApiError::new("BadRequest", 400, "apiVersion and kind must be those of the resource"));
    }
    if !list(&applied, "/metadata/managedFields").is_empty() {
        return Err(ApiError::new("BadRequest", 400, "metadata.managedFields must be nil"));
    }
    target.complete(&mut applied)?;
    let Ok(live) = target.find(state) else {
        let uid = text(&applied, "/metadata/uid");
        if !uid.is_empty() {
            let words = format!(
                "Operation cannot be fulfilled on {} {:?}: uid mismatch: the provided object specified uid {uid}, and \
                 no existing object was found",
                target.kind.resource(),
                target.name
            );
            return Err(ApiError::new("Conflict", 409, words));
        }
        let how = Ownership::Apply { applied: &applied };
        return make(state, cx, input, &target, applied.clone(), how);
    };
    guarded(&target, &live, &applied)?;
    let (version, time) = (target.kind.api_version(), iso(cx.now, false));
    let writer = Writer { manager: input.text("manager"), version: &version, time: &time };
    let mut merged = managers::apply(&live, &applied, writer.manager);
    settle(&target, &live, &mut merged);
    managers::own(&live, &mut merged, &applied, &writer, input.flag("force")).map_err(|conflicts| {
        let mut error = ApiError::new("Conflict", 409, managers::message(&conflicts));
        error.fields.insert("causes".to_owned(), managers::causes(&conflicts));
        error
    })?;
    admission::validate(target.kind, Some(&live), &merged)?;
    Ok(finish(state, cx, input, &target, merged))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let target = Target::of(input)?;
    let before = target.find(state)?;
    let wanted = text(&input.0["body"], "/preconditions/uid");
    if !wanted.is_empty() && wanted != text(&before, "/metadata/uid") {
        let words = format!("Precondition failed: UID in precondition: {wanted}");
        return Err(ApiError::new("Conflict", 409, words));
    }
    if !input.flag("dry_run") {
        state.kubernetes.delete(target.cluster, &target.key());
        if target.kind.plural == "namespaces" {
            emptied(state, target.cluster, target.name);
        }
        controllers::deleted(state, cx, target.cluster, &before);
    }
    Ok(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": target.name, "group": target.kind.group, "kind": target.kind.plural, "uid": before["metadata"]["uid"]},
    }))
}

/// Everything in a namespace goes with it.
fn emptied(state: &mut State, cluster: &str, namespace: &str) {
    for kind in kinds::KINDS.iter().filter(|kind| kind.namespaced) {
        let within: Vec<String> = state
            .kubernetes
            .list(cluster, &kind.key(namespace, ""))
            .map(|object| kind.key(namespace, text(object, "/metadata/name")))
            .collect();
        for key in within {
            state.kubernetes.delete(cluster, &key);
        }
    }
}

/// What `scale` shows of an object.
fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object).cloned().unwrap_or_default();
    let selector: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let mut kept = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        kept.insert(field.to_owned(), metadata[field].clone());
    }
    json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": kept,
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": number(object, "/status/replicas").unwrap_or(0), "selector": selector.join(",")},
    })
}
