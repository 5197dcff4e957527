//! ReplicaSets: as many pods as are wanted. Owns which pods are made and ended, and the set's own status.

use super::desk::{Desk, NewPod, condition};
use super::pods;
use crate::input::Millis;
use crate::kubernetes::store::{list, number, text};
use serde_json::{Value, json};

/// One that no Deployment owns is looked after by itself.
pub(super) fn look(desk: &mut Desk<'_>, set: &Value) -> Option<Millis> {
    for pod in desk.pods_of(set) {
        pods::advance(desk, &pod);
    }
    sync(desk, set, 0)
}

/// Makes and ends pods, and writes the status. The time is when a pod becomes available.
pub(super) fn sync(desk: &mut Desk<'_>, set: &Value, min_ready: i64) -> Option<Millis> {
    let wanted = number(set, "/spec/replicas").unwrap_or(1);
    let mut owned = desk.pods_of(set);
    // Those that do not run go first, then the youngest.
    owned.sort_by_key(|pod| {
        (!pods::is_ready(pod), std::cmp::Reverse(text(pod, "/metadata/creationTimestamp").to_owned()))
    });
    owned.sort_by_key(|pod| !pods::is_ready(pod));
    let surplus = owned.len().saturating_sub(usize::try_from(wanted).unwrap_or(0));
    for pod in owned.iter().rev().take(surplus) {
        desk.delete(pod);
        let words = format!("Deleted pod: {}", text(pod, "/metadata/name"));
        desk.event(set, false, "SuccessfulDelete", &words, "replicaset-controller");
    }
    owned.truncate(owned.len() - surplus);
    let mut failure = None;
    for _ in i64::try_from(owned.len()).unwrap_or(i64::MAX)..wanted {
        match make(desk, set, owned.len()) {
            Ok(pod) => owned.push(pod),
            Err(message) => {
                failure = Some(message);
                break;
            }
        }
    }
    status(desk, set, &owned, min_ready, failure)
}

fn make(desk: &mut Desk<'_>, set: &Value, node: usize) -> Result<Value, String> {
    let name = format!("{}-{}", text(set, "/metadata/name"), desk.state.ids.lower(5));
    let hash = text(set, "/metadata/labels/pod-template-hash");
    let label = ("pod-template-hash", hash);
    let template = &set["spec"]["template"];
    let new = NewPod { owner: set, template, name, label, node };
    match desk.make_pod(&new) {
        Ok(pod) => {
            let words = format!("Created pod: {}", text(&pod, "/metadata/name"));
            desk.event(set, false, "SuccessfulCreate", &words, "replicaset-controller");
            Ok(pod)
        }
        Err(error) => {
            if condition(set, "ReplicaFailure").is_none() {
                let words = format!("Error creating: {}", error.message);
                desk.event(set, true, "FailedCreate", &words, "replicaset-controller");
            }
            Err(error.message)
        }
    }
}

fn status(
    desk: &mut Desk<'_>,
    set: &Value,
    owned: &[Value],
    min_ready: i64,
    failure: Option<String>,
) -> Option<Millis> {
    let now = desk.cx.now;
    let ready = owned.iter().filter(|pod| pods::is_ready(pod)).count();
    let times: Vec<Millis> = owned.iter().filter_map(|pod| pods::available_at(pod, min_ready)).collect();
    let available = times.iter().filter(|at| **at <= now).count();
    let mut conditions: Vec<Value> = list(set, "/status/conditions").to_vec();
    match failure {
        Some(_) if !conditions.is_empty() => {}
        Some(message) => conditions.push(json!({
            "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message,
            "lastTransitionTime": desk.now(),
        })),
        None => conditions.clear(),
    }
    let mut new = set.clone();
    new["status"] = json!({
        "replicas": owned.len(), "fullyLabeledReplicas": owned.len(), "readyReplicas": ready,
        "availableReplicas": available, "observedGeneration": set["metadata"]["generation"],
    });
    if !conditions.is_empty() {
        new["status"]["conditions"] = json!(conditions);
    }
    desk.put(new);
    times.into_iter().filter(|at| *at > now).min()
}
