//! When a rollout is over, number by number: what `kubectl rollout status` says of the same status is in each row.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use std::collections::BTreeMap;

use crate::workloads::{Condition, Counts, Place, Progress, Sort, Strategy, TimedOut, Workload, status::progress};

fn workload(counts: Counts) -> Workload {
    Workload {
        uid: "u".to_owned(),
        generation: 4,
        annotations: BTreeMap::new(),
        containers: Vec::new(),
        selector: "app=web".to_owned(),
        paused: false,
        strategy: Strategy::RollingUpdate,
        replicas: Some(3),
        partition: None,
        counts,
        conditions: Vec::new(),
    }
}

/// generation seen, replicas, updated, ready, available, desired
fn counts(numbers: [i64; 6]) -> Counts {
    let [observed, replicas, updated, ready, available, desired] = numbers;
    let revision = || "web-7".to_owned();
    Counts {
        observed,
        replicas,
        updated,
        ready,
        available,
        desired,
        current: updated,
        current_revision: revision(),
        update_revision: revision(),
    }
}

fn said(sort: Sort, workload: &Workload) -> (bool, String) {
    let Progress { done, words } = progress(sort, "web", workload).unwrap();
    (done, words)
}

#[test]
fn deployments() {
    let rows = [
        ([3, 3, 3, 3, 3, 0], false, "waiting for deployment spec update to be observed"),
        (
            [4, 3, 1, 3, 3, 0],
            false,
            "waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been updated",
        ),
        (
            [4, 4, 3, 4, 4, 0],
            false,
            "waiting for deployment \"web\" rollout to finish: 1 old replicas are pending termination",
        ),
        (
            [4, 3, 3, 3, 2, 0],
            false,
            "waiting for deployment \"web\" rollout to finish: 2 of 3 updated replicas are available",
        ),
        ([4, 3, 3, 3, 3, 0], true, "deployment \"web\" successfully rolled out"),
        ([9, 3, 3, 3, 3, 0], true, "deployment \"web\" successfully rolled out"),
    ];
    for (numbers, done, words) in rows {
        assert_eq!(said(Sort::Deployment, &workload(counts(numbers))), (done, words.to_owned()));
    }
}

#[test]
fn the_deadline_of_a_deployment_counts_once_its_change_is_observed() {
    let condition = |reason: &str| Condition {
        kind: "Progressing".to_owned(),
        holds: false,
        reason: reason.to_owned(),
        message: String::new(),
    };
    let mut late = workload(counts([4, 3, 1, 3, 3, 0]));
    late.conditions.push(condition("ProgressDeadlineExceeded"));
    assert_eq!(progress(Sort::Deployment, "web", &late), Err(TimedOut));
    late.counts.observed = 3;
    assert!(!said(Sort::Deployment, &late).0);
    late.counts.observed = 4;
    late.conditions = vec![condition("ReplicaSetUpdated")];
    assert!(!said(Sort::Deployment, &late).0);
}

#[test]
fn stateful_sets() {
    let rows = [
        ([0, 3, 3, 3, 3, 0], false, "waiting for statefulset spec update to be observed"),
        ([3, 3, 3, 3, 3, 0], false, "waiting for statefulset spec update to be observed"),
        ([4, 3, 3, 1, 3, 0], false, "waiting for 2 pods to be ready"),
        ([4, 3, 3, 3, 3, 0], true, "statefulset rolling update complete 3 pods at revision web-7"),
    ];
    for (numbers, done, words) in rows {
        assert_eq!(said(Sort::StatefulSet, &workload(counts(numbers))), (done, words.to_owned()));
    }
    let mut midway = workload(counts([4, 3, 2, 3, 3, 0]));
    "web-8".clone_into(&mut midway.counts.update_revision);
    let words = "waiting for statefulset rolling update to complete 2 pods at revision web-8";
    assert_eq!(said(Sort::StatefulSet, &midway), (false, words.to_owned()));
    midway.partition = Some(1);
    let words = "partitioned roll out complete: 2 new pods have been updated";
    assert_eq!(said(Sort::StatefulSet, &midway), (true, words.to_owned()));
    midway.partition = Some(0);
    let words = "waiting for partitioned roll out to finish: 2 out of 3 new pods have been updated";
    assert_eq!(said(Sort::StatefulSet, &midway), (false, words.to_owned()));
}

#[test]
fn daemon_sets() {
    let rows = [
        ([3, 0, 5, 5, 5, 5], false, "waiting for daemon set spec update to be observed"),
        (
            [4, 0, 2, 5, 5, 5],
            false,
            "waiting for daemon set \"web\" rollout to finish: 2 out of 5 new pods have been updated",
        ),
        (
            [4, 0, 5, 5, 4, 5],
            false,
            "waiting for daemon set \"web\" rollout to finish: 4 of 5 updated pods are available",
        ),
        ([4, 0, 5, 5, 5, 5], true, "daemon set \"web\" successfully rolled out"),
    ];
    for (numbers, done, words) in rows {
        assert_eq!(said(Sort::DaemonSet, &workload(counts(numbers))), (done, words.to_owned()));
    }
}

#[test]
fn places_are_read_as_programs_write_them() {
    let place = |sort, name: &str| Place { namespace: "edge".to_owned(), sort, name: name.to_owned() };
    let read = |text| Place::read(Some("edge"), text);
    assert_eq!(read("deployment/proxy"), Some(place(Sort::Deployment, "proxy")));
    assert_eq!(read("proxy"), Some(place(Sort::Deployment, "proxy")));
    assert_eq!(read("statefulset/db"), Some(place(Sort::StatefulSet, "db")));
    assert_eq!(read("daemonset/agent"), Some(place(Sort::DaemonSet, "agent")));
    assert_eq!(Place::read(None, "a").map(|place| place.namespace).as_deref(), Some("default"));
    for wrong in ["job/once", "deployment/", "deployment/a/b", ""] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
