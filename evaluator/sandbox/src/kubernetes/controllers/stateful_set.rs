//! StatefulSets: numbered pods, one after the other. Owns their order, revisions and the status; as the controller of
//! Kubernetes does it, down to that a pod that never becomes ready keeps the set from going on, also to an earlier
//! template, until somebody deletes it.
//!
//! <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>

use super::desk::{Desk, NewPod, hash, owned_by};
use super::pods;
use crate::input::Millis;
use crate::kubernetes::kinds;
use crate::kubernetes::store::{number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LABEL: &str = "controller-revision-hash";

struct Set<'a> {
    object: &'a Value,
    name: &'a str,
    replicas: i64,
    /// Pods below it keep the current revision.
    partition: i64,
    update: String,
    current: String,
}

pub(super) fn look(desk: &mut Desk<'_>, object: &Value) -> Option<Millis> {
    for pod in desk.pods_of(object) {
        pods::advance(desk, &pod);
    }
    let name = text(object, "/metadata/name");
    let update = format!("{name}-{}", hash(&object["spec"]["template"]));
    record(desk, object, &update);
    let current = text(object, "/status/currentRevision");
    let current = if current.is_empty() { update.clone() } else { current.to_owned() };
    let set = Set {
        object,
        name,
        replicas: number(object, "/spec/replicas").unwrap_or(1),
        partition: number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0),
        update,
        current,
    };
    act(desk, &set);
    status(desk, &set);
    None
}

/// Keeps the template under its revision.
fn record(desk: &mut Desk<'_>, object: &Value, revision: &str) {
    let kind = kinds::named("controllerrevisions");
    let namespace = text(object, "/metadata/namespace");
    if desk.state.kubernetes.get(desk.cluster, &kind.key(namespace, revision)).is_some() {
        return;
    }
    let count = desk.owned(kind, namespace, text(object, "/metadata/uid")).len();
    desk.make(json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": count + 1,
        "metadata": {"name": revision, "namespace": namespace, "ownerReferences": owned_by(object),
                     "labels": object["spec"]["template"]["metadata"]["labels"]},
        "data": {"spec": {"template": object["spec"]["template"]}},
    }));
}

fn pods_by_number(desk: &Desk<'_>, set: &Set<'_>) -> BTreeMap<i64, Value> {
    let number =
        |pod: &Value| text(pod, "/metadata/name").rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    desk.pods_of(set.object).into_iter().filter_map(|pod| Some((number(&pod)?, pod))).collect()
}

/// One step: makes a pod, or ends one.
fn act(desk: &mut Desk<'_>, set: &Set<'_>) {
    let pods = pods_by_number(desk, set);
    let ordered = text(set.object, "/spec/podManagementPolicy") != "Parallel";
    for number in 0..set.replicas {
        match pods.get(&number) {
            None => {
                make(desk, set, number);
                if ordered {
                    return;
                }
            }
            Some(pod) if ordered && !pods::is_ready(pod) => return,
            Some(_) => {}
        }
    }
    if let Some((_, pod)) = pods.iter().rev().find(|(number, _)| **number >= set.replicas) {
        end(desk, set, pod);
        return;
    }
    if text(set.object, "/spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    for number in (set.partition..set.replicas).rev() {
        let Some(pod) = pods.get(&number) else { return };
        if pod["metadata"]["labels"][LABEL] != json!(set.update) {
            end(desk, set, pod);
            return;
        }
        if !pods::is_ready(pod) {
            return;
        }
    }
}

fn make(desk: &mut Desk<'_>, set: &Set<'_>, number: i64) {
    let revision = if number < set.partition { &set.current } else { &set.update };
    let namespace = text(set.object, "/metadata/namespace");
    let key = kinds::named("controllerrevisions").key(namespace, revision);
    let Some(kept) = desk.state.kubernetes.get(desk.cluster, &key).cloned() else { return };
    let template = &kept["data"]["spec"]["template"];
    let name = format!("{}-{number}", set.name);
    let node = usize::try_from(number).unwrap_or(0);
    let new = NewPod { owner: set.object, template, name: name.clone(), label: (LABEL, revision), node };
    let (warning, reason, words) = match desk.make_pod(&new) {
        Ok(_) => (false, "SuccessfulCreate", format!("create Pod {name} in StatefulSet {} successful", set.name)),
        Err(error) => {
            let words = format!("create Pod {name} in StatefulSet {} failed error: {}", set.name, error.message);
            (true, "FailedCreate", words)
        }
    };
    if !warning || !desk.has_told(set.object, reason) {
        desk.event(set.object, warning, reason, &words, "statefulset-controller");
    }
}

fn end(desk: &mut Desk<'_>, set: &Set<'_>, pod: &Value) {
    desk.delete(pod);
    let words = format!("delete Pod {} in StatefulSet {} successful", text(pod, "/metadata/name"), set.name);
    desk.event(set.object, false, "SuccessfulDelete", &words, "statefulset-controller");
}

fn status(desk: &mut Desk<'_>, set: &Set<'_>) {
    let pods = pods_by_number(desk, set);
    let at = |revision: &str| pods.values().filter(|pod| pod["metadata"]["labels"][LABEL] == json!(revision)).count();
    let ready = pods.values().filter(|pod| pods::is_ready(pod)).count();
    let (updated, total) = (at(&set.update), pods.len());
    let wanted = usize::try_from(set.replicas).unwrap_or(0);
    let over = updated == wanted && ready == wanted && total == wanted;
    let current = if over { &set.update } else { &set.current };
    let key = kinds::named("statefulsets").key(text(set.object, "/metadata/namespace"), set.name);
    let Some(mut now) = desk.state.kubernetes.get(desk.cluster, &key).cloned() else { return };
    now["status"] = json!({
        "observedGeneration": now["metadata"]["generation"], "replicas": total, "readyReplicas": ready,
        "availableReplicas": ready, "updatedReplicas": updated, "currentReplicas": at(current),
        "currentRevision": current, "updateRevision": set.update, "collisionCount": 0,
    });
    if let Some(status) = now["status"].as_object_mut() {
        let always = ["replicas", "availableReplicas", "collisionCount"];
        status.retain(|name, value| always.contains(&name.as_str()) || *value != json!(0));
    }
    desk.put(now);
}
