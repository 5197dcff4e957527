//! Objects of the API as the core knows them. Owns which field is read; what it means is not decided here.

use std::collections::BTreeMap;

use cell_eval::workloads::{About, Condition, Container, Counts, Event, Place, Pod, Sort, Strategy, Workload};
use serde_json::Value;

pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn texts(object: &Value, pointer: &str) -> BTreeMap<String, String> {
    let members = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// A workload.
pub(crate) fn workload(place: &Place, object: &Value) -> Workload {
    let strategy = match place.sort {
        Sort::Deployment => text(object, "/spec/strategy/type"),
        Sort::StatefulSet | Sort::DaemonSet => text(object, "/spec/updateStrategy/type"),
    };
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64);
    Workload {
        uid: text(object, "/metadata/uid").to_owned(),
        generation: number(object, "/metadata/generation"),
        annotations: texts(object, "/metadata/annotations"),
        containers: list(object, "/spec/template/spec/containers").iter().map(container).collect(),
        selector: selector(&object["spec"]["selector"]),
        paused: object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or(false),
        strategy: match strategy {
            "Recreate" => Strategy::Recreate,
            "OnDelete" => Strategy::OnDelete,
            _ => Strategy::RollingUpdate,
        },
        replicas: replicas.filter(|_| place.sort != Sort::DaemonSet),
        partition: object.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64),
        counts: counts(place.sort, object),
        conditions: list(object, "/status/conditions").iter().map(condition).collect(),
    }
}

fn counts(sort: Sort, object: &Value) -> Counts {
    let of = |field: &str| number(object, &format!("/status/{field}"));
    let (updated, ready, available) = match sort {
        Sort::DaemonSet => ("updatedNumberScheduled", "numberReady", "numberAvailable"),
        Sort::Deployment | Sort::StatefulSet => ("updatedReplicas", "readyReplicas", "availableReplicas"),
    };
    Counts {
        observed: of("observedGeneration"),
        replicas: of("replicas"),
        updated: of(updated),
        ready: of(ready),
        available: of(available),
        desired: of("desiredNumberScheduled"),
        current: of("currentReplicas"),
        current_revision: text(object, "/status/currentRevision").to_owned(),
        update_revision: text(object, "/status/updateRevision").to_owned(),
    }
}

fn container(object: &Value) -> Container {
    let variable = |variable: &Value| {
        let elsewhere = variable.get("valueFrom").is_some();
        let value = (!elsewhere).then(|| text(variable, "/value").to_owned());
        (text(variable, "/name").to_owned(), value)
    };
    Container {
        name: text(object, "/name").to_owned(),
        image: text(object, "/image").to_owned(),
        env: list(object, "/env").iter().map(variable).collect(),
    }
}

fn condition(object: &Value) -> Condition {
    Condition {
        kind: text(object, "/type").to_owned(),
        holds: text(object, "/status") == "True",
        reason: text(object, "/reason").to_owned(),
        message: text(object, "/message").to_owned(),
    }
}

/// A label selector as a query has it.
fn selector(object: &Value) -> String {
    let equal = texts(object, "/matchLabels").into_iter().map(|(key, value)| format!("{key}={value}"));
    let more = list(object, "/matchExpressions").iter().map(|part| {
        let key = text(part, "/key");
        let values: Vec<&str> = list(part, "/values").iter().filter_map(Value::as_str).collect();
        match text(part, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        }
    });
    equal.chain(more).collect::<Vec<_>>().join(",")
}

/// Is an object owned by one of these?
pub(crate) fn is_owned(object: &Value, owners: &[String]) -> bool {
    let mut references = list(object, "/metadata/ownerReferences").iter();
    references.any(|reference| owners.iter().any(|owner| text(reference, "/uid") == owner))
}

/// A pod.
pub(crate) fn pod(object: &Value) -> Pod {
    let condition =
        |kind: &str| list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind);
    let all = list(object, "/status/initContainerStatuses").iter().chain(list(object, "/status/containerStatuses"));
    let waiting = |status: &&Value| {
        !["", "ContainerCreating", "PodInitializing"].contains(&text(status, "/state/waiting/reason"))
    };
    let unscheduled = condition("PodScheduled").filter(|found| text(found, "/status") == "False");
    let (reason, message) = match (all.clone().find(waiting), unscheduled) {
        (Some(status), _) => (Some(text(status, "/state/waiting/reason")), text(status, "/state/waiting/message")),
        (None, Some(found)) => (Some(text(found, "/reason")), text(found, "/message")),
        // Evicted, for one.
        (None, None) => (Some(text(object, "/status/reason")), text(object, "/status/message")),
    };
    let ended = all.map(|status| text(status, "/state/terminated/reason")).find(|reason| !reason.is_empty());
    Pod {
        name: text(object, "/metadata/name").to_owned(),
        revision: text(object, "/metadata/labels/controller-revision-hash").to_owned(),
        ready: condition("Ready").is_some_and(|found| text(found, "/status") == "True"),
        reason: reason.filter(|reason| !reason.is_empty()).or(ended).map(str::to_owned),
        message: message.to_owned(),
    }
}

/// An event.
pub(crate) fn event(object: &Value) -> Event {
    let count = number(object, "/count").max(number(object, "/series/count")).max(1);
    Event {
        uid: text(object, "/metadata/uid").to_owned(),
        count,
        warning: text(object, "/type") == "Warning",
        about: About {
            kind: text(object, "/involvedObject/kind").to_owned(),
            name: text(object, "/involvedObject/name").to_owned(),
        },
        reason: text(object, "/reason").to_owned(),
        message: text(object, "/message").to_owned(),
    }
}

/// When an event happened last, as text that sorts.
pub(crate) fn at(object: &Value) -> String {
    let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    times.iter().map(|field| text(object, field)).find(|time| !time.is_empty()).unwrap_or_default().to_owned()
}
