//! What a cluster says of its API: groups, resources, version, and as much of OpenAPI as `kubectl` asks for to know that
//! the server checks fields.

use super::kinds::{KINDS, Kind};
use serde_json::{Map, Value, json};

/// The answer to a path below the cluster's; none for one that is no discovery.
pub(super) fn answer(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(match parts.as_slice() {
        ["version"] => json!({
            "major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "cellc", "gitTreeState": "clean",
            "buildDate": "2025-04-23T00:00:00Z", "goVersion": "go1.24", "compiler": "gc", "platform": "linux/amd64",
        }),
        ["api"] => json!({
            "kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
        }),
        ["apis"] => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group()]}),
        ["apis", "apps"] => {
            let mut group = group();
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", "apps", "v1"] => resources("apps", "apps/v1"),
        ["openapi", "v3"] => json!({"paths": {
            "api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"},
            "apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=1"},
        }}),
        ["openapi", "v3", "api", "v1"] => openapi("", "/api/v1"),
        ["openapi", "v3", "apis", "apps", "v1"] => openapi("apps", "/apis/apps/v1"),
        _ => return None,
    })
}

fn group() -> Value {
    let version = json!({"groupVersion": "apps/v1", "version": "v1"});
    json!({"name": "apps", "versions": [version], "preferredVersion": version})
}

fn resources(group: &str, version: &str) -> Value {
    let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
    let mut all = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        all.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": verbs, "shortNames": kind.short, "categories": if kind.scales { json!(["all"]) } else { json!([]) },
        }));
        if kind.scales {
            all.push(json!({
                "name": format!("{}/scale", kind.plural), "singularName": "", "namespaced": true, "kind": "Scale",
                "group": "autoscaling", "version": "v1", "verbs": ["get", "patch", "update"],
            }));
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": all})
}

/// A document of OpenAPI that says which requests take `fieldValidation`, and nothing of the fields themselves.
fn openapi(group: &str, base: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        let identity = json!({"group": kind.group, "version": "v1", "kind": kind.kind});
        let within = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let path = format!("{base}{within}/{}/{{name}}", kind.plural);
        let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
        let operation = json!({
            "operationId": format!("patch{}", kind.kind), "parameters": parameters,
            "responses": {"200": {"description": "OK"}}, "x-kubernetes-group-version-kind": identity,
        });
        paths.insert(path, json!({"patch": operation}));
        let name = schema(kind);
        let schema = json!({"type": "object", "x-kubernetes-group-version-kind": [identity],
                            "x-kubernetes-preserve-unknown-fields": true});
        schemas.insert(name, schema);
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.33.0"}, "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn parameter(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}})
}

fn schema(kind: &Kind) -> String {
    let group = if kind.group.is_empty() { "core" } else { kind.group };
    format!("io.k8s.api.{group}.v1.{}", kind.kind)
}
