//! Tests of what needs no server: how objects and errors are read, and how a cluster that is not there is told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::workloads::{Door, Endpoint, Place, Sort, Strategy, Workloads};
use serde_json::json;

use crate::{Access, Cluster, fault, read};

fn status(code: u16, reason: &str, message: &str) -> kube::Error {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code,
        "details": {"name": "web", "kind": "deployments", "causes": [{
            "reason": "FieldManagerConflict", "field": ".spec.replicas",
            "message": "conflict with \"kube-controller-manager\" with subresource \"scale\" using apps/v1 at 2026-01-01T00:00:00Z",
        }]},
    });
    kube::Error::Api(serde_json::from_value(status).unwrap())
}

#[test]
fn errors_are_told_by_what_can_be_done_about_them() {
    let quota =
        "pods \"web-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
    let rows = [
        (401, "Unauthorized", "Unauthorized", Failure::Credentials),
        (403, "Forbidden", "deployments.apps \"web\" is forbidden: User \"x\" cannot patch", Failure::Denied),
        (403, "Forbidden", quota, Failure::Quota),
        (404, "NotFound", "", Failure::NotFound),
        (409, "Conflict", "", Failure::Conflict),
        (409, "AlreadyExists", "", Failure::Exists),
        (422, "Invalid", "", Failure::Invalid),
        (429, "TooManyRequests", "", Failure::Throttled),
        (500, "InternalError", "", Failure::Unavailable),
        (504, "Timeout", "", Failure::Unavailable),
    ];
    for (code, reason, message, failure) in rows {
        let error = fault::of("kubernetes:Apply", &status(code, reason, message));
        assert_eq!((error.failure, error.code.as_str()), (failure, reason), "{code}");
    }
    let conflicts = fault::conflicts(&status(409, "Conflict", "")).unwrap();
    assert_eq!(
        (conflicts[0].owner.as_str(), conflicts[0].field.as_str()),
        ("kube-controller-manager", ".spec.replicas")
    );
    assert_eq!(fault::conflicts(&status(422, "Invalid", "")), None);
}

#[test]
fn a_workload_is_read_with_what_its_api_leaves_out() {
    let place = Place::read(None, "statefulset/db").unwrap();
    let object = json!({
        "metadata": {"uid": "u", "generation": 3},
        "spec": {
            "replicas": 2, "updateStrategy": {"type": "OnDelete"},
            "selector": {"matchLabels": {"app": "db"},
                         "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]},
                                              {"key": "old", "operator": "DoesNotExist"}]},
            "template": {"spec": {"containers": [{"name": "db", "image": "db:1", "env": [
                {"name": "A", "value": "1"}, {"name": "EMPTY"},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]}},
        },
        "status": {"observedGeneration": 2, "readyReplicas": 1},
    });
    let found = read::workload(&place, &object);
    assert_eq!(found.selector, "app=db,tier in (a,b),!old");
    assert_eq!((found.strategy, found.partition, found.replicas), (Strategy::OnDelete, None, Some(2)));
    assert_eq!((found.counts.observed, found.counts.updated, found.counts.ready), (2, 0, 1));
    let env = &found.containers[0].env;
    assert_eq!((env["A"].as_deref(), env["EMPTY"].as_deref(), env["B"].as_deref()), (Some("1"), Some(""), None));
}

#[test]
fn a_pod_tells_what_keeps_it() {
    let pod = |status: serde_json::Value| read::pod(&json!({"metadata": {"name": "p"}, "status": status}));
    let waiting =
        |reason: &str| json!({"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "m"}}}]});
    assert_eq!(pod(waiting("CrashLoopBackOff")).reason.as_deref(), Some("CrashLoopBackOff"));
    assert_eq!(pod(waiting("ContainerCreating")).reason, None);
    let nowhere = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]});
    assert_eq!(
        (pod(nowhere.clone()).reason.as_deref(), pod(nowhere).message.as_str()),
        (Some("Unschedulable"), "0/3 nodes")
    );
    assert!(pod(json!({"conditions": [{"type": "Ready", "status": "True"}]})).ready);
}

#[derive(Debug)]
struct Shut;

impl Door for Shut {
    fn endpoint(&self) -> Answer<Endpoint> {
        // Port 1 of this machine: nobody listens there.
        Ok(Endpoint { server: "http://127.0.0.1:1".to_owned(), authority: None })
    }

    fn token(&self) -> Answer<String> {
        Ok("a-token".to_owned())
    }
}

#[derive(Debug)]
struct Locked;

impl Door for Locked {
    fn endpoint(&self) -> Answer<Endpoint> {
        Err(CloudError::own("eks:DescribeCluster", Failure::Denied, "no"))
    }

    fn token(&self) -> Answer<String> {
        Ok(String::new())
    }
}

#[test]
fn a_cluster_that_is_not_there_is_told_without_its_token() {
    let place = Place { namespace: "default".to_owned(), sort: Sort::Deployment, name: "web".to_owned() };
    let shut = Cluster::new(Access::Door(Arc::new(Shut))).unwrap();
    let error = shut.workload(&place).unwrap_err();
    assert_eq!(error.failure, Failure::Lost);
    assert!(!error.to_string().contains("a-token"), "{error}");
    let locked = Cluster::new(Access::Door(Arc::new(Locked))).unwrap();
    assert_eq!(locked.workload(&place).unwrap_err().call, "eks:DescribeCluster");
    let file = Some("/nowhere/kubeconfig".into());
    let lost = Cluster::new(Access::Context { file, context: None }).unwrap();
    let error = lost.workload(&place).unwrap_err();
    assert!(error.to_string().contains("/nowhere/kubeconfig"), "{error}");
}

/// A door whose first tokens the cluster does not take any more.
#[derive(Debug)]
struct Expired {
    server: String,
    tokens: AtomicU32,
}

impl Door for Expired {
    fn endpoint(&self) -> Answer<Endpoint> {
        Ok(Endpoint { server: self.server.clone(), authority: None })
    }

    fn token(&self) -> Answer<String> {
        Ok(format!("token-{}", self.tokens.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

/// A cluster that takes this token alone, and answers so many requests.
fn cluster(takes: &'static str, requests: usize) -> (Arc<Expired>, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answers = std::thread::spawn(move || {
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut part) = (Vec::new(), [0; 1024]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut part).unwrap();
                asked.extend_from_slice(&part[..read]);
            }
            let asked = String::from_utf8_lossy(&asked).to_lowercase();
            let (status, body) = if asked.contains(&format!("bearer {takes}\r\n")) {
                ("200 OK", json!({"metadata": {"uid": "u", "generation": 1}, "spec": {}, "status": {}}))
            } else {
                let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized",
                                  "message": "Unauthorized", "code": 401});
                ("401 Unauthorized", body)
            };
            let body = body.to_string();
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
            write!(stream, "{head}connection: close\r\n\r\n{body}").unwrap();
        }
    });
    (Arc::new(Expired { server, tokens: AtomicU32::new(0) }), answers)
}

#[test]
fn a_token_that_is_not_taken_any_more_is_made_anew_once() {
    let place = Place { namespace: "default".to_owned(), sort: Sort::Deployment, name: "web".to_owned() };
    let (door, answers) = cluster("token-2", 2);
    let found = Cluster::new(Access::Door(door)).unwrap().workload(&place).unwrap();
    assert_eq!(found.unwrap().uid, "u");
    answers.join().unwrap();
    let (door, answers) = cluster("no other", 2);
    let error = Cluster::new(Access::Door(door)).unwrap().workload(&place).unwrap_err();
    assert_eq!(error.failure, Failure::Credentials);
    answers.join().unwrap();
}
