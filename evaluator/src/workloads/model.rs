//! Workloads as the core sees them: the trait that a provider implements for one cluster, and the records it speaks of.
//! It decides nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::provider::Answer;

use super::place::Place;

/// One cluster. Calls block; reads are tried again by the provider where that may help.
pub trait Workloads: Send + Sync + fmt::Debug {
    /// The workload; none when there is none of that sort and name.
    fn workload(&self, place: &Place) -> Answer<Option<Workload>>;
    /// Server-side apply as field manager `cellc`. The same one again changes nothing. A cluster that has no workload
    /// with the uid of the change makes none, and answers [`Failure::Conflict`](crate::provider::Failure::Conflict) or
    /// [`Failure::NotFound`](crate::provider::Failure::NotFound).
    fn apply(&self, place: &Place, change: &Change<'_>) -> Answer<Applied>;
    /// The pods that the workload owns, by its ReplicaSets too, and the events about it, them and those.
    fn around(&self, place: &Place, workload: &Workload) -> Answer<Around>;
}

/// A workload as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its uid, which no other object ever has.
    pub uid: String,
    /// Counts the changes of what is wanted of it.
    pub generation: i64,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its pods' containers, in order; those that run before them are not among them.
    pub containers: Vec<Container>,
    /// What selects its pods, as a query: `app=cache,tier in (a,b)`.
    pub selector: String,
    /// Is its rollout stopped by hand? Deployments only.
    pub paused: bool,
    /// How its pods are replaced.
    pub strategy: Strategy,
    /// How many pods are wanted; none for a DaemonSet.
    pub replicas: Option<i64>,
    /// Pods with a lower number than this are left as they are; none when that is not said. StatefulSets only.
    pub partition: Option<i64>,
    /// What its controller says of it.
    pub counts: Counts,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

impl Workload {
    /// A condition by its type: `Progressing`.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

/// A container of a workload's pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its variables; none for one whose value comes from elsewhere.
    pub env: BTreeMap<String, Option<String>>,
}

/// How pods are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// A few at a time.
    RollingUpdate,
    /// All are ended, then all begun.
    Recreate,
    /// By whoever deletes the old ones.
    OnDelete,
}

/// A workload's status, by the names of the API. What a sort does not have is 0 or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// `observedGeneration`: the change up to which the rest is said; 0 before the first.
    pub observed: i64,
    /// `replicas`.
    pub replicas: i64,
    /// `updatedReplicas`, or `updatedNumberScheduled`.
    pub updated: i64,
    /// `readyReplicas`, or `numberReady`.
    pub ready: i64,
    /// `availableReplicas`, or `numberAvailable`.
    pub available: i64,
    /// `desiredNumberScheduled`.
    pub desired: i64,
    /// `currentReplicas`.
    pub current: i64,
    /// `currentRevision`.
    pub current_revision: String,
    /// `updateRevision`.
    pub update_revision: String,
}

/// A condition of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `Progressing`, `Available`, `ReplicaFailure`.
    pub kind: String,
    /// Is it so? False for `Unknown` too.
    pub holds: bool,
    /// `ProgressDeadlineExceeded`.
    pub reason: String,
    /// In words.
    pub message: String,
}

/// What is applied: these fields and no others are `cellc`'s.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The workload it is for, by its uid.
    pub uid: &'a str,
    /// The container.
    pub container: &'a str,
    /// Its image.
    pub image: &'a str,
    /// Its variables.
    pub env: &'a BTreeMap<String, String>,
    /// Annotations of the workload itself, not of its pods.
    pub annotations: &'a BTreeMap<String, String>,
    /// Are fields taken from others that own them?
    pub force: bool,
}

/// What became of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The workload as it is after it.
    Done(Box<Workload>),
    /// Nothing was done: others own fields and want something else of them.
    Conflicts(Vec<Conflict>),
}

/// A field that somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The owner, by its name as field manager: `kubectl-client-side-apply`.
    pub owner: String,
    /// The field: `.spec.template.spec.containers[name="cache"].image`.
    pub field: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` owns {}", self.owner, self.field)
    }
}

/// What belongs to a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Events about it, its ReplicaSets and its pods, the oldest first.
    pub events: Vec<Event>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// The revision of the template that it is made of; empty for a Deployment's.
    pub revision: String,
    /// Is it ready?
    pub ready: bool,
    /// Why a container of it does not run, or why it is nowhere: `ImagePullBackOff`, `Unschedulable`; none while
    /// nothing is wrong.
    pub reason: Option<String>,
    /// In words; empty when that is not said.
    pub message: String,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `Pod`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its uid.
    pub uid: String,
    /// How often it has happened.
    pub count: i64,
    /// Is it a warning?
    pub warning: bool,
    /// What it is about.
    pub about: About,
    /// `FailedCreate`.
    pub reason: String,
    /// In words.
    pub message: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, reason, message, .. } = self;
        write!(f, "{} {}: {reason}: {message}", about.kind, about.name)
    }
}
