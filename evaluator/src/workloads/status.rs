//! When a rollout is over. Owns the conditions, which are those of `kubectl rollout status` one by one, and its words.
//!
//! <https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go>

use super::model::{Strategy, Workload};
use super::place::Sort;

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Is it over?
    pub done: bool,
    /// In `kubectl`'s words.
    pub words: String,
}

/// The controller has given up hope; it goes on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimedOut;

/// How far the rollout of a workload is.
///
/// # Errors
/// When a Deployment has made no progress for as long as its `progressDeadlineSeconds`.
pub fn progress(sort: Sort, name: &str, workload: &Workload) -> Result<Progress, TimedOut> {
    match sort {
        Sort::Deployment => deployment(name, workload),
        Sort::StatefulSet => Ok(stateful_set(workload)),
        Sort::DaemonSet => Ok(daemon_set(name, workload)),
    }
}

fn waits(words: String) -> Progress {
    Progress { done: false, words }
}

fn over(words: String) -> Progress {
    Progress { done: true, words }
}

fn deployment(name: &str, workload: &Workload) -> Result<Progress, TimedOut> {
    let counts = &workload.counts;
    if workload.generation > counts.observed {
        return Ok(waits("waiting for deployment spec update to be observed".to_owned()));
    }
    if workload.condition("Progressing").is_some_and(|found| found.reason == "ProgressDeadlineExceeded") {
        return Err(TimedOut);
    }
    let rest = |words: String| Ok(waits(format!("waiting for deployment {name:?} rollout to finish: {words}")));
    if let Some(wanted) = workload.replicas.filter(|wanted| counts.updated < *wanted) {
        return rest(format!("{} out of {wanted} new replicas have been updated", counts.updated));
    }
    if counts.replicas > counts.updated {
        return rest(format!("{} old replicas are pending termination", counts.replicas - counts.updated));
    }
    if counts.available < counts.updated {
        return rest(format!("{} of {} updated replicas are available", counts.available, counts.updated));
    }
    Ok(over(format!("deployment {name:?} successfully rolled out")))
}

fn stateful_set(workload: &Workload) -> Progress {
    let counts = &workload.counts;
    if counts.observed == 0 || workload.generation > counts.observed {
        return waits("waiting for statefulset spec update to be observed".to_owned());
    }
    if let Some(wanted) = workload.replicas.filter(|wanted| counts.ready < *wanted) {
        return waits(format!("waiting for {} pods to be ready", wanted - counts.ready));
    }
    if workload.strategy == Strategy::RollingUpdate
        && let Some(partition) = workload.partition
    {
        let wanted = workload.replicas.unwrap_or(0) - partition;
        if counts.updated < wanted {
            let words = format!("{} out of {wanted} new pods have been updated", counts.updated);
            return waits(format!("waiting for partitioned roll out to finish: {words}"));
        }
        return over(format!("partitioned roll out complete: {} new pods have been updated", counts.updated));
    }
    if counts.update_revision != counts.current_revision {
        let (updated, revision) = (counts.updated, &counts.update_revision);
        return waits(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {revision}"
        ));
    }
    over(format!(
        "statefulset rolling update complete {} pods at revision {}",
        counts.current, counts.current_revision
    ))
}

fn daemon_set(name: &str, workload: &Workload) -> Progress {
    let counts = &workload.counts;
    if workload.generation > counts.observed {
        return waits("waiting for daemon set spec update to be observed".to_owned());
    }
    let rest = |words: String| waits(format!("waiting for daemon set {name:?} rollout to finish: {words}"));
    if counts.updated < counts.desired {
        return rest(format!("{} out of {} new pods have been updated", counts.updated, counts.desired));
    }
    if counts.available < counts.desired {
        return rest(format!("{} of {} updated pods are available", counts.available, counts.desired));
    }
    over(format!("daemon set {name:?} successfully rolled out"))
}
