//! The controllers of a cluster, by the sandbox's clock: each look of one moves its workload on by one step, until
//! nothing is left to do. Owns when a workload is looked at; what is done then is its own controller's.

mod daemon_set;
mod deployment;
mod desk;
mod pods;
mod replica_set;
mod stateful_set;

use super::kinds::{self, Kind};
use super::store::{list, text};
use crate::input::{Cx, Millis};
use crate::state::{State, Work};
use desk::Desk;
use serde_json::Value;
use std::time::Duration;

/// An object by its cluster and key.
type Place = (String, String);

/// An object was written: whoever looks after it is woken.
pub(super) fn woken(state: &mut State, cx: &Cx<'_>, cluster: &str, kind: &Kind, object: &Value) {
    match kind.plural {
        "resourcequotas" => all(state, cx, cluster, text(object, "/metadata/namespace")),
        "deployments" | "replicasets" | "statefulsets" | "daemonsets" | "pods" => {
            let place = (cluster.to_owned(), keeper(state, cluster, kind, object));
            wake(state, cx, place, cx.now.saturating_add(step(cx)));
        }
        _ => {}
    }
}

/// An object was deleted: what it owned goes too, and whoever owned it is woken.
pub(super) fn deleted(state: &mut State, cx: &Cx<'_>, cluster: &str, object: &Value) {
    let (namespace, uid) = (text(object, "/metadata/namespace"), text(object, "/metadata/uid"));
    for plural in ["replicasets", "controllerrevisions", "pods"] {
        let kind = kinds::named(plural);
        for owned in Desk::new(state, cx, cluster).owned(kind, namespace, uid) {
            state.kubernetes.delete(cluster, &kind.key(namespace, text(&owned, "/metadata/name")));
            deleted(state, cx, cluster, &owned);
        }
    }
    if !namespace.is_empty() {
        refresh_quotas(state, cluster, namespace);
        // A place has become free for a pod of anybody.
        all(state, cx, cluster, namespace);
    }
}

/// A workload is due. One that was woken for another time since is left for that time.
pub(crate) fn proceed(state: &mut State, cx: &Cx<'_>, place: &Place) {
    if state.kubernetes.due.get(place) != Some(&cx.now) {
        return;
    }
    state.kubernetes.due.remove(place);
    let (cluster, key) = place;
    let Some(object) = state.kubernetes.get(cluster, key).cloned() else { return };
    let before = state.kubernetes.revision;
    let mut desk = Desk::new(state, cx, cluster);
    let later = match text(&object, "/kind") {
        "Deployment" => deployment::look(&mut desk, &object),
        "ReplicaSet" => replica_set::look(&mut desk, &object),
        "StatefulSet" => stateful_set::look(&mut desk, &object),
        "DaemonSet" => daemon_set::look(&mut desk, &object),
        "Pod" => {
            pods::advance(&mut desk, &object);
            None
        }
        _ => None,
    };
    refresh_quotas(state, cluster, text(&object, "/metadata/namespace"));
    // As long as something moves, there is a next step.
    let soon = (state.kubernetes.revision != before).then(|| cx.now.saturating_add(step(cx)));
    if let Some(at) = soon.into_iter().chain(later.filter(|at| *at > cx.now)).min() {
        wake(state, cx, place.clone(), at);
    }
}

fn step(cx: &Cx<'_>) -> Millis {
    Millis::try_from(cx.config.delays.pod_step.as_millis()).unwrap_or(0)
}

fn wake(state: &mut State, cx: &Cx<'_>, place: Place, at: Millis) {
    if state.kubernetes.due.get(&place).is_some_and(|due| *due <= at) {
        return;
    }
    state.kubernetes.due.insert(place.clone(), at);
    let delay = Duration::from_millis(u64::try_from(at - cx.now).unwrap_or(0));
    state.later(cx, delay, Work::Workload(place));
}

/// Wakes all workloads of a namespace.
fn all(state: &mut State, cx: &Cx<'_>, cluster: &str, namespace: &str) {
    let at = cx.now.saturating_add(step(cx));
    for plural in ["deployments", "replicasets", "statefulsets", "daemonsets"] {
        let kind = kinds::named(plural);
        let names: Vec<String> = state
            .kubernetes
            .list(cluster, &kind.key(namespace, ""))
            .filter(|object| list(object, "/metadata/ownerReferences").is_empty())
            .map(|object| text(object, "/metadata/name").to_owned())
            .collect();
        for name in names {
            wake(state, cx, (cluster.to_owned(), kind.key(namespace, &name)), at);
        }
    }
}

/// The key of what looks after an object: the last of its owners' owners, or itself.
fn keeper(state: &State, cluster: &str, kind: &Kind, object: &Value) -> String {
    let namespace = text(object, "/metadata/namespace");
    let own = kind.key(namespace, text(object, "/metadata/name"));
    let Some(owner) = list(object, "/metadata/ownerReferences").first() else { return own };
    let Some(above) = kinds::KINDS.iter().find(|kind| kind.kind == text(owner, "/kind")) else { return own };
    let key = above.key(namespace, text(owner, "/name"));
    match state.kubernetes.get(cluster, &key) {
        Some(found) => keeper(state, cluster, above, found),
        None => own,
    }
}

fn refresh_quotas(state: &mut State, cluster: &str, namespace: &str) {
    let kind = kinds::named("resourcequotas");
    let quotas: Vec<Value> = state.kubernetes.list(cluster, &kind.key(namespace, "")).cloned().collect();
    for mut quota in quotas {
        quota["status"] = super::admission::used(state, cluster, &quota);
        state.kubernetes.put(cluster, kind, quota);
    }
}
