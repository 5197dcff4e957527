//! Objects as rows, for `kubectl get`. Owns the columns of each resource, which are those of Kubernetes.

use super::kinds::Kind;
use super::store::{list, number, text};
use crate::input::Millis;
use serde_json::{Value, json};

/// A `Table` of objects, with the header that `kubectl` prints.
pub(super) fn of(kind: &Kind, objects: &[Value], revision: &str, now: Millis) -> Value {
    let rows: Vec<Value> = objects.iter().map(|object| row(kind, object, now)).collect();
    let columns: Vec<Value> = columns(kind)
        .iter()
        .map(|(name, wide)| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": name, "priority": i32::from(*wide)})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": revision},
        "columnDefinitions": columns, "rows": rows,
    })
}

/// Names, and whether only `-o wide` shows them.
fn columns(kind: &Kind) -> &'static [(&'static str, bool)] {
    match kind.plural {
        "deployments" => &[
            ("Name", false),
            ("Ready", false),
            ("Up-to-date", false),
            ("Available", false),
            ("Age", false),
            ("Containers", true),
            ("Images", true),
        ],
        "statefulsets" => {
            &[("Name", false), ("Ready", false), ("Age", false), ("Containers", true), ("Images", true)]
        }
        "daemonsets" => &[
            ("Name", false),
            ("Desired", false),
            ("Current", false),
            ("Ready", false),
            ("Up-to-date", false),
            ("Available", false),
            ("Node Selector", false),
            ("Age", false),
            ("Containers", true),
            ("Images", true),
        ],
        "replicasets" => &[
            ("Name", false),
            ("Desired", false),
            ("Current", false),
            ("Ready", false),
            ("Age", false),
            ("Images", true),
        ],
        "pods" => &[
            ("Name", false),
            ("Ready", false),
            ("Status", false),
            ("Restarts", false),
            ("Age", false),
            ("Node", true),
        ],
        "events" => {
            &[("Last Seen", false), ("Type", false), ("Reason", false), ("Object", false), ("Message", false)]
        }
        "namespaces" | "nodes" => &[("Name", false), ("Status", false), ("Age", false)],
        "resourcequotas" => &[("Name", false), ("Request", false), ("Age", false)],
        "configmaps" => &[("Name", false), ("Data", false), ("Age", false)],
        _ => &[("Name", false), ("Age", false)],
    }
}

fn row(kind: &Kind, object: &Value, now: Millis) -> Value {
    let name = text(object, "/metadata/name").to_owned();
    let age = age(text(object, "/metadata/creationTimestamp"), now);
    let count = |field: &str| number(object, field).unwrap_or(0).to_string();
    let containers = |field: &str| {
        let all = list(object, "/spec/template/spec/containers").iter();
        all.map(|container| text(container, field)).collect::<Vec<_>>().join(",")
    };
    let share = |ready: &str, all: &str| format!("{}/{}", count(ready), count(all));
    let cells: Vec<String> = match kind.plural {
        "deployments" => vec![
            name,
            share("/status/readyReplicas", "/spec/replicas"),
            count("/status/updatedReplicas"),
            count("/status/availableReplicas"),
            age,
            containers("/name"),
            containers("/image"),
        ],
        "statefulsets" => {
            let ready = share("/status/readyReplicas", "/spec/replicas");
            vec![name, ready, age, containers("/name"), containers("/image")]
        }
        "daemonsets" => vec![
            name,
            count("/status/desiredNumberScheduled"),
            count("/status/currentNumberScheduled"),
            count("/status/numberReady"),
            count("/status/updatedNumberScheduled"),
            count("/status/numberAvailable"),
            "<none>".to_owned(),
            age,
            containers("/name"),
            containers("/image"),
        ],
        "replicasets" => vec![
            name,
            count("/spec/replicas"),
            count("/status/replicas"),
            count("/status/readyReplicas"),
            age,
            containers("/image"),
        ],
        "pods" => pod(name, object, age),
        "events" => vec![
            self::age(text(object, "/lastTimestamp"), now),
            text(object, "/type").to_owned(),
            text(object, "/reason").to_owned(),
            format!(
                "{}/{}",
                text(object, "/involvedObject/kind").to_lowercase(),
                text(object, "/involvedObject/name")
            ),
            text(object, "/message").to_owned(),
        ],
        "namespaces" => vec![name, text(object, "/status/phase").to_owned(), age],
        "nodes" => vec![name, "Ready".to_owned(), age],
        "resourcequotas" => {
            let hard = object["status"]["hard"].as_object();
            let used = |what: &str| object["status"]["used"][what].as_str().unwrap_or("0").to_owned();
            let shown = hard.into_iter().flatten().map(|(what, limit)| {
                format!("{what}: {}/{}", used(what), limit.as_str().map_or(limit.to_string(), str::to_owned))
            });
            vec![name, shown.collect::<Vec<_>>().join(", "), age]
        }
        "configmaps" => {
            let data = object["data"].as_object().map_or(0, serde_json::Map::len);
            vec![name, data.to_string(), age]
        }
        _ => vec![name, age],
    };
    json!({
        "cells": cells,
        "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]},
    })
}

fn pod(name: String, object: &Value, age: String) -> Vec<String> {
    let statuses = list(object, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == json!(true)).count();
    let restarts: i64 = statuses.iter().filter_map(|status| number(status, "/restartCount")).sum();
    let waiting =
        statuses.iter().map(|status| text(status, "/state/waiting/reason")).find(|reason| !reason.is_empty());
    let status = waiting.unwrap_or_else(|| text(object, "/status/phase")).to_owned();
    let (all, node) = (list(object, "/spec/containers").len(), text(object, "/spec/nodeName").to_owned());
    vec![name, format!("{ready}/{all}"), status, restarts.to_string(), age, node]
}

/// `5s`, `3m`, `2h`, `4d`.
fn age(since: &str, now: Millis) -> String {
    let Some(since) = since.parse::<jiff::Timestamp>().ok() else { return "<unknown>".to_owned() };
    let seconds = (now - since.as_millisecond()).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
