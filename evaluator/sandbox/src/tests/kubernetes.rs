//! Clusters by a clock that stands still until it is told: controllers, ownership of fields, and what is kept.

use super::{Cloud, list, settings, text};
use crate::kubernetes::Clusters;
use crate::{Config, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

fn cluster() -> Cloud {
    let kubernetes = Clusters { missing_images: vec!["missing".to_owned()], ..Clusters::default() };
    Cloud::with(Config { kubernetes, ..settings() })
}

fn asked(resource: &str, name: &str, more: Value) -> Value {
    let group =
        if ["deployments", "statefulsets", "daemonsets", "replicasets"].contains(&resource) { "apps" } else { "" };
    let mut input = json!({
        "cluster": "blue", "group": group, "resource": resource, "namespace": "default", "name": name, "manager": "maker",
    });
    super::join(&mut input, more);
    input
}

fn manifest(kind: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"},
        "spec": {
            "replicas": 4, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]},
            },
        },
    })
}

fn get(cloud: &Cloud, resource: &str) -> Value {
    cloud.ok("kubernetes:Get", asked(resource, "web", json!({})))
}

fn pods(cloud: &Cloud) -> Vec<Value> {
    list(&cloud.ok("kubernetes:List", asked("pods", "", json!({}))), "/items")
}

fn apply(cloud: &Cloud, manager: &str, force: bool, body: &Value) -> Result<Value, String> {
    let resource = format!("{}s", body["kind"].as_str().unwrap().to_lowercase());
    let input = asked(&resource, "web", json!({"manager": manager, "force": force, "body": body}));
    cloud.reply("kubernetes:Apply", input).answer.map_err(|error| error.message)
}

fn step(cloud: &Cloud) {
    cloud.sandbox.advance(Duration::from_millis(200)).unwrap();
}

#[test]
fn a_deployment_keeps_within_its_surge_and_its_availability_at_every_step() {
    let cloud = cluster();
    apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    cloud.wait(10);
    assert_eq!(get(&cloud, "deployments")["status"]["availableReplicas"], json!(4));
    apply(&cloud, "maker", false, &manifest("Deployment", "web:2")).unwrap();
    let before = get(&cloud, "deployments");
    assert_eq!((&before["metadata"]["generation"], &before["status"]["observedGeneration"]), (&json!(2), &json!(1)));
    let mut seen = Vec::new();
    for _ in 0..60 {
        step(&cloud);
        let status = get(&cloud, "deployments")["status"].clone();
        // A quarter of four may be more, and a quarter may be missing.
        assert!(pods(&cloud).len() <= 5, "{status}");
        assert!(status["availableReplicas"].as_i64().unwrap_or(0) >= 3, "{status}");
        seen.push(status["updatedReplicas"].as_i64().unwrap_or(0));
    }
    assert!(
        seen.windows(2).all(|pair| pair[0] <= pair[1]) && seen.iter().any(|count| (1..4).contains(count)),
        "{seen:?}"
    );
    let done = get(&cloud, "deployments");
    let progressing =
        list(&done, "/status/conditions").into_iter().find(|found| found["type"] == "Progressing").unwrap();
    assert_eq!(progressing["reason"], json!("NewReplicaSetAvailable"));
    assert!(pods(&cloud).iter().all(|pod| pod["spec"]["containers"][0]["image"] == json!("web:2")));
    // Nothing is left to do.
    let still = cloud.sandbox.lock().state.kubernetes.due_count();
    assert_eq!(still, 0);
}

#[test]
fn a_deployment_without_progress_says_so_when_its_deadline_is_over() {
    let cloud = cluster();
    apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    cloud.wait(10);
    apply(&cloud, "maker", false, &manifest("Deployment", "web:missing")).unwrap();
    let reason = || {
        let found = get(&cloud, "deployments");
        let all = list(&found, "/status/conditions");
        text(all.iter().find(|found| found["type"] == "Progressing").unwrap(), "/reason")
    };
    cloud.wait(590);
    assert_eq!(reason(), "ReplicaSetUpdated");
    cloud.wait(30);
    assert_eq!(reason(), "ProgressDeadlineExceeded");
    apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    cloud.wait(10);
    assert_eq!(reason(), "NewReplicaSetAvailable");
}

#[test]
fn a_stateful_set_goes_from_the_last_pod_to_the_first_and_stops_at_its_partition() {
    let cloud = cluster();
    let mut wanted = manifest("StatefulSet", "web:1");
    apply(&cloud, "maker", false, &wanted).unwrap();
    cloud.wait(20);
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2");
    wanted["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    apply(&cloud, "maker", false, &wanted).unwrap();
    let images = || {
        let all = pods(&cloud);
        all.iter().map(|pod| text(pod, "/spec/containers/0/image")).collect::<Vec<_>>()
    };
    let mut least = 4;
    for _ in 0..40 {
        step(&cloud);
        least = least.min(images().len());
    }
    assert_eq!(least, 3, "one pod at a time");
    assert_eq!(images(), ["web:1", "web:1", "web:2", "web:2"]);
    let status = get(&cloud, "statefulsets")["status"].clone();
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    wanted["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(0);
    apply(&cloud, "maker", false, &wanted).unwrap();
    cloud.wait(20);
    let status = get(&cloud, "statefulsets")["status"].clone();
    assert_eq!((&status["currentRevision"], &status["updatedReplicas"]), (&status["updateRevision"], &json!(4)));
}

#[test]
fn fields_have_owners_and_an_apply_that_says_nothing_new_changes_nothing() {
    let cloud = cluster();
    let made = apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    let again = apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    assert_eq!(made, again);
    let owns = &made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"];
    let item = &owns["k:{\"name\":\"web\"}"];
    assert_eq!((&item["."], &item["f:image"]), (&json!({}), &json!({})));
    assert_eq!(item["f:ports"]["k:{\"containerPort\":80,\"protocol\":\"TCP\"}"]["f:containerPort"], json!({}));
    // Defaults are nobody's.
    assert!(item.get("f:imagePullPolicy").is_none());
    let container = |more: Value| {
        let mut container = json!({"name": "web"});
        super::join(&mut container, more);
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
               "spec": {"template": {"spec": {"containers": [container]}}}})
    };
    let told = apply(&cloud, "other", false, &container(json!({"image": "web:2"}))).unwrap_err();
    assert_eq!(
        told,
        "Apply failed with 1 conflict: conflict with \"maker\": .spec.template.spec.containers[name=\"web\"].image"
    );
    let both = json!({"image": "web:2", "ports": [{"containerPort": 80, "name": "http"}], "env": [{"name": "A", "value": "1"}]});
    let taken = apply(&cloud, "other", true, &container(both)).unwrap();
    assert_eq!(taken["metadata"]["generation"], json!(2));
    // What one of two owners leaves out stays, and what its only owner leaves out goes.
    let less = apply(&cloud, "other", false, &container(json!({"image": "web:2"}))).unwrap();
    let found = &less["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&found["env"], &found["ports"]), (&Value::Null, &json!([{"containerPort": 80, "protocol": "TCP"}])));
    let gone = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "uid": "another"}, "spec": {}});
    assert!(apply(&cloud, "other", true, &gone).unwrap_err().contains("UID"));
}

#[test]
fn clusters_are_kept_and_go_on_where_they_were() {
    let folder = std::env::temp_dir().join(format!("cell-sandbox-{}-kubernetes", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let open = || Cloud::of(Sandbox::open(Some(&folder), settings()).unwrap());
    let cloud = open();
    apply(&cloud, "maker", false, &manifest("Deployment", "web:1")).unwrap();
    step(&cloud);
    step(&cloud);
    let (half, log) = (get(&cloud, "deployments"), cloud.sandbox.state());
    drop(cloud);
    let cloud = open();
    assert_eq!(get(&cloud, "deployments"), half);
    assert_eq!(cloud.sandbox.state(), log);
    cloud.wait(10);
    assert_eq!(get(&cloud, "deployments")["status"]["availableReplicas"], json!(4));
    drop(cloud);
    let _ = std::fs::remove_dir_all(&folder);
}
