//! What an API server does to an object before it is kept: defaults, validation, quotas. Owns their words.

use super::kinds::Kind;
use super::store::{list, number, text};
use crate::error::ApiError;
use crate::state::State;
use serde_json::{Map, Value, json};

/// Fills in what is left out, as the API server does.
pub(super) fn defaults(kind: &Kind, object: &mut Value) {
    let set = |object: &mut Value, values: Value| fill(object, &values);
    match kind.kind {
        "Deployment" => {
            set(
                &mut object["spec"],
                json!({
                    "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                    "strategy": {"type": "RollingUpdate"},
                }),
            );
            if text(object, "/spec/strategy/type") == "RollingUpdate" {
                let values = json!({"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
                set(&mut object["spec"]["strategy"], values);
            }
        }
        "ReplicaSet" => set(&mut object["spec"], json!({"replicas": 1})),
        "StatefulSet" => {
            set(
                &mut object["spec"],
                json!({
                    "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady",
                    "updateStrategy": {"type": "RollingUpdate"},
                    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                }),
            );
            // Only where the whole strategy was left out is a partition entered.
            if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
                set(&mut object["spec"]["updateStrategy"], json!({"rollingUpdate": {"partition": 0}}));
            }
        }
        "DaemonSet" => {
            set(
                &mut object["spec"],
                json!({"revisionHistoryLimit": 10, "updateStrategy": {"type": "RollingUpdate"}}),
            );
            if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
                let values = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
                set(&mut object["spec"]["updateStrategy"], values);
            }
        }
        "Pod" => pod(&mut object["spec"]),
        _ => {}
    }
    if has_template(kind) {
        pod(&mut object["spec"]["template"]["spec"]);
    }
}

fn has_template(kind: &Kind) -> bool {
    matches!(kind.kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
}

fn pod(spec: &mut Value) {
    fill(
        spec,
        &json!({
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        }),
    );
    for containers in ["containers", "initContainers"] {
        for container in spec.get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
            let image = text(container, "/image");
            let policy =
                if image.ends_with(":latest") || !image.contains([':', '@']) { "Always" } else { "IfNotPresent" };
            fill(
                container,
                &json!({
                    "imagePullPolicy": policy, "resources": {}, "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                }),
            );
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                fill(port, &json!({"protocol": "TCP"}));
            }
        }
    }
}

/// Enters members that are not there.
fn fill(object: &mut Value, values: &Value) {
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    if let (Value::Object(object), Value::Object(values)) = (object, values) {
        for (name, value) in values {
            object.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// A field that is wrong.
struct Wrong {
    field: String,
    reason: &'static str,
    words: String,
}

/// Whether an object may be as it is, and may become it.
pub(super) fn validate(kind: &Kind, before: Option<&Value>, object: &Value) -> Result<(), ApiError> {
    let mut wrong = Vec::new();
    let name = text(object, "/metadata/name");
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if name.is_empty() {
        wrong.push(required("metadata.name", "name or generateName is required"));
    } else if !name.chars().all(fits) || name.len() > 253 {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                     and must start and end with an alphanumeric character";
        wrong.push(invalid("metadata.name", &json!(name), words));
    }
    if has_template(kind) {
        template(kind, before, object, &mut wrong);
    }
    if kind.kind == "Pod" {
        pod_spec("spec", &object["spec"], &mut wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(refusal(kind, name, &wrong)) }
}

fn template(kind: &Kind, before: Option<&Value>, object: &Value, wrong: &mut Vec<Wrong>) {
    let selector = &object["spec"]["selector"];
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    let wants = selector["matchLabels"].as_object();
    if wants.is_none_or(Map::is_empty) && list(selector, "/matchExpressions").is_empty() {
        wrong.push(required("spec.selector", ""));
    } else if wants.into_iter().flatten().any(|(key, value)| labels[key] != *value) {
        let words = "`selector` does not match template `labels`";
        wrong.push(invalid("spec.template.metadata.labels", labels, words));
    }
    if let Some(before) = before.filter(|before| before["spec"]["selector"] != *selector) {
        let field = &before["spec"]["selector"];
        wrong.push(invalid("spec.selector", if selector.is_null() { field } else { selector }, "field is immutable"));
    }
    if kind.kind != "DaemonSet" && number(object, "/spec/replicas").is_some_and(|count| count < 0) {
        wrong.push(invalid("spec.replicas", &object["spec"]["replicas"], "must be greater than or equal to 0"));
    }
    pod_spec("spec.template.spec", &object["spec"]["template"]["spec"], wrong);
}

fn pod_spec(path: &str, spec: &Value, wrong: &mut Vec<Wrong>) {
    let containers = list(spec, "/containers");
    if containers.is_empty() {
        wrong.push(required(&format!("{path}.containers"), ""));
    }
    for (at, container) in containers.iter().enumerate() {
        let path = format!("{path}.containers[{at}]");
        for field in ["name", "image"] {
            if text(container, &format!("/{field}")).is_empty() {
                wrong.push(required(&format!("{path}.{field}"), ""));
            }
        }
        for (at, variable) in list(container, "/env").iter().enumerate() {
            if !text(variable, "/value").is_empty() && variable.get("valueFrom").is_some() {
                let words = "may not be specified when `value` is not empty";
                wrong.push(invalid(&format!("{path}.env[{at}].valueFrom"), &json!(""), words));
            }
        }
    }
}

fn required(field: &str, words: &str) -> Wrong {
    let more = if words.is_empty() { String::new() } else { format!(": {words}") };
    Wrong { field: field.to_owned(), reason: "FieldValueRequired", words: format!("Required value{more}") }
}

fn invalid(field: &str, value: &Value, words: &str) -> Wrong {
    let words = format!("Invalid value: {value}: {words}");
    Wrong { field: field.to_owned(), reason: "FieldValueInvalid", words }
}

fn refusal(kind: &Kind, name: &str, wrong: &[Wrong]) -> ApiError {
    let lines: Vec<String> = wrong.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.words)).collect();
    let words = if let [one] = lines.as_slice() { one.clone() } else { format!("[{}]", lines.join(", ")) };
    let resource = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
    let cause = |wrong: &Wrong| json!({"reason": wrong.reason, "message": wrong.words, "field": wrong.field});
    let mut error = ApiError::new("Invalid", 422, format!("{resource} {name:?} is invalid: {words}"));
    error.fields.insert("causes".to_owned(), wrong.iter().map(cause).collect());
    error
}

/// Whether the quotas of its namespace allow one more of a resource.
pub(super) fn quota(state: &State, cluster: &str, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let namespace = text(object, "/metadata/namespace");
    let head = super::kinds::named("resourcequotas").key(namespace, "");
    for quota in state.kubernetes.list(cluster, &head) {
        let counts = [format!("count/{}", kind.resource()), kind.plural.to_owned()];
        let mut over: Vec<(String, i64, i64)> = Vec::new();
        for (what, hard) in quota["spec"]["hard"].as_object().into_iter().flatten() {
            if !counts.contains(what) {
                continue;
            }
            let limit = amount(hard);
            let used = count(state, cluster, kind, namespace);
            if used + 1 > limit {
                over.push((what.clone(), used, limit));
            }
        }
        if !over.is_empty() {
            let part = |of: &dyn Fn(&(String, i64, i64)) -> i64| {
                over.iter().map(|row| format!("{}={}", row.0, of(row))).collect::<Vec<_>>().join(",")
            };
            let (requested, used, limited) = (part(&|_| 1), part(&|row| row.1), part(&|row| row.2));
            return Err(forbidden(
                kind,
                text(object, "/metadata/name"),
                &format!(
                    "exceeded quota: {}, requested: {requested}, used: {used}, limited: {limited}",
                    text(quota, "/metadata/name")
                ),
            ));
        }
    }
    Ok(())
}

fn count(state: &State, cluster: &str, kind: &Kind, namespace: &str) -> i64 {
    i64::try_from(state.kubernetes.list(cluster, &kind.key(namespace, "")).count()).unwrap_or(i64::MAX)
}

/// A quantity that is a whole number, as text or not.
fn amount(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(i64::MAX)
}

/// What a quota says of its use.
pub(super) fn used(state: &State, cluster: &str, quota: &Value) -> Value {
    let namespace = text(quota, "/metadata/namespace");
    let mut used = Map::new();
    for what in quota["spec"]["hard"].as_object().into_iter().flatten().map(|(what, _)| what) {
        let plain = what.strip_prefix("count/").unwrap_or(what);
        let (plural, group) = plain.split_once('.').unwrap_or((plain, ""));
        if let Some(kind) = super::kinds::of(group, plural) {
            used.insert(what.clone(), json!(count(state, cluster, kind, namespace).to_string()));
        }
    }
    json!({"hard": quota["spec"]["hard"], "used": used})
}

/// Refused by who may, not by what is asked.
pub(super) fn forbidden(kind: &Kind, name: &str, words: &str) -> ApiError {
    ApiError::new("Forbidden", 403, format!("{} {name:?} is forbidden: {words}", kind.resource()))
}
