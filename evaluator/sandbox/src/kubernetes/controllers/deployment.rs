//! Deployments: a ReplicaSet for each template of pods, and pods moved from the old ones to the new one. Owns how many at
//! a time, when a rollout is complete, and when it has taken too long; as the controller of Kubernetes does it.
//!
//! <https://github.com/kubernetes/kubernetes/tree/v1.33.0/pkg/controller/deployment>

use super::desk::{Desk, condition, hash, millis, owned_by, share};
use super::{pods, replica_set};
use crate::input::Millis;
use crate::kubernetes::kinds;
use crate::kubernetes::store::{number, text};
use serde_json::{Value, json};

const REVISION: &str = "deployment.kubernetes.io/revision";
const CONTROLLER: &str = "deployment-controller";

/// How many pods a ReplicaSet is to have, has, and has to show.
struct Count {
    set: Value,
    wanted: i64,
    available: i64,
}

pub(super) fn look(desk: &mut Desk<'_>, deployment: &Value) -> Option<Millis> {
    let min_ready = number(deployment, "/spec/minReadySeconds").unwrap_or(0);
    let sets = sets_of(desk, deployment);
    for pod in sets.iter().flat_map(|set| desk.pods_of(set)).collect::<Vec<_>>() {
        pods::advance(desk, &pod);
    }
    for set in &sets {
        replica_set::sync(desk, set, min_ready);
    }
    let paused = deployment["spec"]["paused"] == json!(true);
    let made = if paused { None } else { new_set(desk, deployment) };
    scale(desk, deployment, paused);
    let mut later = None;
    for set in sets_of(desk, deployment) {
        later = later.into_iter().chain(replica_set::sync(desk, &set, min_ready)).min();
    }
    let deadline = status(desk, deployment, made.as_deref());
    later.into_iter().chain(deadline).min()
}

fn sets_of(desk: &Desk<'_>, deployment: &Value) -> Vec<Value> {
    let (namespace, uid) = (text(deployment, "/metadata/namespace"), text(deployment, "/metadata/uid"));
    let mut sets = desk.owned(kinds::named("replicasets"), namespace, uid);
    sets.sort_by_key(revision);
    sets
}

fn revision(set: &Value) -> u64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn is_new(set: &Value, deployment: &Value) -> bool {
    text(set, "/metadata/labels/pod-template-hash") == hash(&deployment["spec"]["template"])
}

/// Sees to it that the template has a ReplicaSet, and that its revision is the newest; the reason for which there was
/// something to do.
fn new_set(desk: &mut Desk<'_>, deployment: &Value) -> Option<String> {
    let sets = sets_of(desk, deployment);
    let newest = sets.iter().map(revision).max().unwrap_or(0);
    let found = sets.iter().find(|set| is_new(set, deployment)).cloned();
    let (mut set, reason) = match found {
        Some(set) if revision(&set) == newest => {
            mark(desk, deployment, newest);
            return None;
        }
        Some(set) => (set, "FoundNewReplicaSet"),
        None => (fresh(deployment), "NewReplicaSetCreated"),
    };
    set["metadata"]["annotations"][REVISION] = json!((newest + 1).to_string());
    if reason == "NewReplicaSetCreated" {
        desk.make(set)
    } else {
        desk.put(set)
    };
    mark(desk, deployment, newest + 1);
    Some(reason.to_owned())
}

fn fresh(deployment: &Value) -> Value {
    let hash = hash(&deployment["spec"]["template"]);
    let name = format!("{}-{hash}", text(deployment, "/metadata/name"));
    let mut template = deployment["spec"]["template"].clone();
    let mut selector = deployment["spec"]["selector"].clone();
    let labelled = [template.pointer_mut("/metadata/labels"), selector.get_mut("matchLabels")];
    for labels in labelled.into_iter().flatten().filter_map(Value::as_object_mut) {
        labels.insert("pod-template-hash".to_owned(), json!(hash));
    }
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": deployment["metadata"]["namespace"], "generation": 1,
            "labels": template["metadata"]["labels"], "ownerReferences": owned_by(deployment),
            "annotations": {"deployment.kubernetes.io/desired-replicas": deployment["spec"]["replicas"].to_string()},
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
        "status": {"replicas": 0},
    })
}

/// The Deployment says at which revision it is.
fn mark(desk: &mut Desk<'_>, deployment: &Value, revision: u64) {
    let key =
        kinds::named("deployments").key(text(deployment, "/metadata/namespace"), text(deployment, "/metadata/name"));
    if let Some(mut now) = desk.state.kubernetes.get(desk.cluster, &key).cloned() {
        now["metadata"]["annotations"][REVISION] = json!(revision.to_string());
        desk.put(now);
    }
}

fn scale(desk: &mut Desk<'_>, deployment: &Value, paused: bool) {
    let count = |set: Value| Count {
        wanted: number(&set, "/spec/replicas").unwrap_or(0),
        available: number(&set, "/status/availableReplicas").unwrap_or(0),
        set,
    };
    let sets = sets_of(desk, deployment).into_iter().map(count);
    let (new, mut old): (Vec<Count>, Vec<Count>) = sets.partition(|count| is_new(&count.set, deployment));
    let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
    if paused {
        // What runs is scaled, and nothing is moved.
        let active = new.iter().chain(&old).rfind(|count| count.wanted > 0);
        if let Some(active) = active {
            to(desk, deployment, active, replicas);
        }
        return;
    }
    let Some(new) = new.first() else { return };
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        let ended = old.iter().filter(|count| count.wanted > 0).map(|count| to(desk, deployment, count, 0)).count();
        let left = old.iter().map(|count| number(&count.set, "/status/replicas").unwrap_or(0)).sum::<i64>();
        if ended == 0 && left == 0 {
            to(desk, deployment, new, replicas);
        }
        return;
    }
    let (surge, unavailable) = limits(deployment, replicas);
    let total = new.wanted + old.iter().map(|count| count.wanted).sum::<i64>();
    if new.wanted != replicas {
        let more = (replicas + surge - total).min(replicas - new.wanted);
        if new.wanted > replicas || more > 0 {
            to(desk, deployment, new, if new.wanted > replicas { replicas } else { new.wanted + more });
            return;
        }
    }
    let least = replicas - unavailable;
    let mut free = total - least - (new.wanted - new.available);
    // Pods of old that do not run are missed by nobody.
    for count in &mut old {
        let fewer = (count.wanted - count.available).min(free).max(0);
        if fewer > 0 {
            to(desk, deployment, count, count.wanted - fewer);
            count.wanted -= fewer;
            free -= fewer;
        }
    }
    let available = new.available + old.iter().map(|count| count.available).sum::<i64>();
    let mut free = (available - least).min(free);
    for count in &old {
        let fewer = count.wanted.min(free).max(0);
        if fewer > 0 {
            to(desk, deployment, count, count.wanted - fewer);
            free -= fewer;
        }
    }
}

fn limits(deployment: &Value, replicas: i64) -> (i64, i64) {
    let values = &deployment["spec"]["strategy"]["rollingUpdate"];
    let surge = share(&values["maxSurge"], replicas, true);
    let unavailable = share(&values["maxUnavailable"], replicas, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(replicas)) }
}

fn to(desk: &mut Desk<'_>, deployment: &Value, count: &Count, replicas: i64) {
    if count.wanted == replicas {
        return;
    }
    let mut set = count.set.clone();
    set["spec"]["replicas"] = json!(replicas);
    set["metadata"]["generation"] = json!(number(&set, "/metadata/generation").unwrap_or(1) + 1);
    let name = text(&set, "/metadata/name").to_owned();
    desk.put(set);
    let way = if replicas > count.wanted { "up" } else { "down" };
    let words = format!("Scaled {way} replica set {name} from {} to {replicas}", count.wanted);
    desk.event(deployment, false, "ScalingReplicaSet", &words, CONTROLLER);
}

/// Writes the status; the time is when the deadline of the rollout ends.
fn status(desk: &mut Desk<'_>, deployment: &Value, made: Option<&str>) -> Option<Millis> {
    let key =
        kinds::named("deployments").key(text(deployment, "/metadata/namespace"), text(deployment, "/metadata/name"));
    let before = desk.state.kubernetes.get(desk.cluster, &key).cloned()?;
    let sets = sets_of(desk, deployment);
    let sum = |field: &str| sets.iter().map(|set| number(set, field).unwrap_or(0)).sum::<i64>();
    let new = sets.iter().find(|set| is_new(set, deployment));
    let updated = new.and_then(|set| number(set, "/status/replicas")).unwrap_or(0);
    let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
    let (total, ready, available) =
        (sum("/status/replicas"), sum("/status/readyReplicas"), sum("/status/availableReplicas"));
    let mut after = before.clone();
    after["status"] = json!({
        "observedGeneration": before["metadata"]["generation"], "replicas": total, "updatedReplicas": updated,
        "readyReplicas": ready, "availableReplicas": available, "unavailableReplicas": (total.max(replicas) - available).max(0),
    });
    if let Some(status) = after["status"].as_object_mut() {
        // Numbers that are 0 are left out.
        status.retain(|_, value| *value != json!(0));
    }
    let name = new.map_or(text(deployment, "/metadata/name"), |set| text(set, "/metadata/name")).to_owned();
    let complete = updated == replicas && total == replicas && available == replicas;
    let progress = Progress { desk, before: &before, after: &after, name: &name, made, complete };
    let (progressing, deadline) = progress.condition(deployment);
    let (_, unavailable) = limits(deployment, replicas);
    let has = available >= replicas - unavailable;
    let (reason, words) = if has {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let mut conditions = vec![entry(desk, &before, "Available", has, reason, words, false)];
    let failure = sets.iter().find_map(|set| condition(set, "ReplicaFailure"));
    conditions.extend(failure.map(|failure| {
        entry(desk, &before, "ReplicaFailure", true, text(failure, "/reason"), text(failure, "/message"), false)
    }));
    conditions.extend(progressing);
    after["status"]["conditions"] = json!(conditions);
    desk.put(after);
    deadline
}

/// A condition with its times: those of before, where it is as before.
fn entry(
    desk: &Desk<'_>,
    before: &Value,
    kind: &str,
    holds: bool,
    reason: &str,
    message: &str,
    touched: bool,
) -> Value {
    let now = desk.now();
    let status = if holds { "True" } else { "False" };
    let old = condition(before, kind);
    let same_status = old.filter(|old| text(old, "/status") == status);
    let same =
        same_status.filter(|old| text(old, "/reason") == reason && text(old, "/message") == message && !touched);
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": same_status.map_or(now.as_str(), |old| text(old, "/lastTransitionTime")),
        "lastUpdateTime": same.map_or(now.as_str(), |old| text(old, "/lastUpdateTime")),
    })
}

/// What tells whether a rollout gets on.
struct Progress<'a, 'd> {
    desk: &'a Desk<'d>,
    before: &'a Value,
    after: &'a Value,
    /// The new ReplicaSet.
    name: &'a str,
    made: Option<&'a str>,
    complete: bool,
}

impl Progress<'_, '_> {
    fn condition(&self, deployment: &Value) -> (Option<Value>, Option<Millis>) {
        let old = condition(self.before, "Progressing");
        let (set, kind) = (self.name, "Progressing");
        let of = |holds, reason: &str, words: &str, touched| {
            Some(entry(self.desk, self.before, kind, holds, reason, words, touched))
        };
        if self.complete {
            let words = format!("ReplicaSet {set:?} has successfully progressed.");
            return (of(true, "NewReplicaSetAvailable", &words, false), None);
        }
        let seconds = number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
        let ends = |condition: &Option<Value>| {
            let since = condition.as_ref().and_then(|condition| millis(text(condition, "/lastUpdateTime")));
            since.map(|since| since + (seconds + 1) * 1000)
        };
        let new = match self.made {
            Some("FoundNewReplicaSet") => {
                of(true, "FoundNewReplicaSet", &format!("Found new replica set {set:?}"), true)
            }
            Some(reason) => of(true, reason, &format!("Created new replica set {set:?}"), true),
            None if self.moves() => {
                of(true, "ReplicaSetUpdated", &format!("ReplicaSet {set:?} is progressing."), true)
            }
            None => old.cloned(),
        };
        let over = ends(&new).is_some_and(|ends| ends <= self.desk.cx.now);
        // One that was complete does not time out for what happens to its pods later.
        let settled = old.is_some_and(|old| text(old, "/reason") == "NewReplicaSetAvailable")
            && self.after["status"]["replicas"] == self.after["status"]["updatedReplicas"];
        if over && !settled {
            let words = format!("ReplicaSet {set:?} has timed out progressing.");
            return (of(false, "ProgressDeadlineExceeded", &words, false), None);
        }
        let deadline = ends(&new).filter(|_| !settled);
        (new, deadline)
    }

    /// Is the rollout further than at the last look?
    fn moves(&self) -> bool {
        let of = |object: &Value, field: &str| number(object, &format!("/status/{field}")).unwrap_or(0);
        let old = |object: &Value| of(object, "replicas") - of(object, "updatedReplicas");
        let more = |field: &str| of(self.after, field) > of(self.before, field);
        more("updatedReplicas")
            || more("readyReplicas")
            || more("availableReplicas")
            || old(self.after) < old(self.before)
    }
}
