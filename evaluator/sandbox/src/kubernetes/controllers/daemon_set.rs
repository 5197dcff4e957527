//! DaemonSets: a pod on each node. Owns which node's pod is replaced when, and the status.

use super::desk::{Desk, NewPod, hash, share};
use super::pods;
use crate::input::Millis;
use crate::kubernetes::kinds;
use crate::kubernetes::store::text;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LABEL: &str = "controller-revision-hash";

pub(super) fn look(desk: &mut Desk<'_>, object: &Value) -> Option<Millis> {
    for pod in desk.pods_of(object) {
        pods::advance(desk, &pod);
    }
    let revision = hash(&object["spec"]["template"]);
    let nodes = desk.cx.config.kubernetes.nodes.max(1);
    let placed = by_node(desk, object);
    let bare = (0..nodes).filter(|node| !placed.contains_key(&name_of(*node)));
    for node in bare {
        make(desk, object, &revision, node);
    }
    if text(object, "/spec/updateStrategy/type") != "OnDelete" {
        replace(desk, object, &revision, nodes);
    }
    status(desk, object, &revision, nodes);
    None
}

fn name_of(node: usize) -> String {
    format!("node-{}", node + 1)
}

fn by_node(desk: &Desk<'_>, object: &Value) -> BTreeMap<String, Value> {
    desk.pods_of(object).into_iter().map(|pod| (text(&pod, "/spec/nodeName").to_owned(), pod)).collect()
}

fn make(desk: &mut Desk<'_>, object: &Value, revision: &str, node: usize) {
    let name = format!("{}-{}", text(object, "/metadata/name"), desk.state.ids.lower(5));
    let template = &object["spec"]["template"];
    let new = NewPod { owner: object, template, name: name.clone(), label: (LABEL, revision), node };
    match desk.make_pod(&new) {
        Ok(_) => {
            desk.event(object, false, "SuccessfulCreate", &format!("Created pod: {name}"), "daemonset-controller");
        }
        Err(_) if desk.has_told(object, "FailedCreate") => {}
        Err(error) => {
            let words = format!("Error creating: {}", error.message);
            desk.event(object, true, "FailedCreate", &words, "daemonset-controller");
        }
    }
}

/// Ends pods of old: those that do not run, and of the others so many that not too many are missing.
fn replace(desk: &mut Desk<'_>, object: &Value, revision: &str, nodes: usize) {
    let whole = i64::try_from(nodes).unwrap_or(i64::MAX);
    let most = share(&object["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], whole, true).max(1);
    let pods = desk.pods_of(object);
    let running = pods.iter().filter(|pod| pods::is_ready(pod)).count();
    let mut free = most - (whole - i64::try_from(running).unwrap_or(0));
    for pod in pods.iter().filter(|pod| pod["metadata"]["labels"][LABEL] != json!(revision)) {
        if !pods::is_ready(pod) {
            end(desk, object, pod);
        } else if free > 0 {
            end(desk, object, pod);
            free -= 1;
        }
    }
}

fn end(desk: &mut Desk<'_>, object: &Value, pod: &Value) {
    desk.delete(pod);
    let words = format!("Deleted pod: {}", text(pod, "/metadata/name"));
    desk.event(object, false, "SuccessfulDelete", &words, "daemonset-controller");
}

fn status(desk: &mut Desk<'_>, object: &Value, revision: &str, nodes: usize) {
    let pods = desk.pods_of(object);
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][LABEL] == json!(revision)).count();
    let ready = pods.iter().filter(|pod| pods::is_ready(pod)).count();
    let key = kinds::named("daemonsets").key(text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    let Some(mut now) = desk.state.kubernetes.get(desk.cluster, &key).cloned() else { return };
    now["status"] = json!({
        "observedGeneration": now["metadata"]["generation"], "currentNumberScheduled": pods.len(),
        "desiredNumberScheduled": nodes, "numberMisscheduled": 0, "numberReady": ready,
        "updatedNumberScheduled": updated, "numberAvailable": ready, "numberUnavailable": nodes.saturating_sub(ready),
    });
    if let Some(status) = now["status"].as_object_mut() {
        let left_out = ["updatedNumberScheduled", "numberAvailable", "numberUnavailable"];
        status.retain(|name, value| !left_out.contains(&name.as_str()) || *value != json!(0));
    }
    desk.put(now);
}
