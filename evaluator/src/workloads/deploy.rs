//! Bringing a workload to what is wanted of it. Owns which call follows which answer; waiting is [`super::follow`]'s.
//!
//! `INVARIANT`: success is told only of what was read back: the image, the parameters and the annotations that are wanted
//! on a workload whose rollout is over.
//! `INVARIANT`: a field of another owner is changed only when that was asked for, and is told before.
//! `INVARIANT`: no workload is made: what is applied names the uid of the one that was found.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::{Answer, Clock, CloudError, Failure, Waits};

use super::follow::Heard;
use super::model::{Applied, Change, Conflict, Container, Event, Strategy, Workload, Workloads};
use super::place::{Place, Sort};
use super::stopped::Stopped;

/// The annotation that says whose the workload is: the deployment's address.
pub const ADDRESS: &str = "cellc/address";
/// The annotation that says which release is in it.
pub const RELEASE: &str = "cellc/release";
/// The annotation that says which plan brought that.
pub const PLAN: &str = "cellc/plan";

/// What is wanted of a workload. A former release is wanted back in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The workload.
    pub place: Place,
    /// The container; none: the only one there is.
    pub container: Option<String>,
    /// The image: a repository with `@sha256:…` or `:tag`.
    pub image: String,
    /// Variables of the container by name. Those of an earlier release that are not among them are taken away.
    pub parameters: BTreeMap<String, String>,
    /// The deployment's address.
    pub address: String,
    /// The release, as people call it.
    pub release: String,
    /// The plan.
    pub plan: String,
    /// Are fields taken from others that own them?
    pub take_over: bool,
}

impl Wanted {
    pub(super) fn annotations(&self) -> BTreeMap<String, String> {
        let all = [(ADDRESS, &self.address), (RELEASE, &self.release), (PLAN, &self.plan)];
        all.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }
}

/// How a workload is waited for. A Deployment has a deadline of its own, of ten minutes without progress unless it says
/// otherwise; the other sorts have none.
pub const WAITS: Waits =
    Waits { first: Duration::from_secs(1), longest: Duration::from_secs(5), patience: SignedDuration::from_hours(1) };

/// What is seen on the way.
#[derive(Debug)]
pub enum Sight<'a> {
    /// These fields are going to be taken from their owners.
    Takes(&'a [Conflict]),
    /// The rollout is at another point than at the last look, in `kubectl`'s words.
    Progress(&'a str),
    /// Something happened.
    Event(&'a Event),
    /// Pods and events cannot be read; told once, until they can be again. The deployment goes on.
    EventsFailed(&'a CloudError),
}

/// How a workload came to be as wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// It was changed.
    Updated,
    /// It had the image and the parameters already.
    Unchanged,
}

/// A workload that is as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// How it came to be.
    pub how: How,
    /// How its rollout ended, in `kubectl`'s words: a partitioned one ends with a part of the pods.
    pub words: String,
    /// As it was read back.
    pub workload: Workload,
}

/// Brings a workload to what is wanted, and shows what happens meanwhile. It may be called again after any end, also by
/// another process: it goes on with what is there.
///
/// # Errors
/// Why it is not as wanted, or cannot be said to be.
pub fn deploy(
    cloud: &dyn Workloads,
    clock: &dyn Clock,
    wanted: &Wanted,
    waits: Waits,
    see: &mut dyn FnMut(Sight<'_>),
) -> Result<Deployed, Stopped> {
    let (began, heard) = (clock.now(), Heard::default());
    let mut run = Run { cloud, clock, wanted, waits, see, began, heard, shown: None };
    let found = run.look()?.ok_or_else(|| Stopped::Missing(wanted.place.clone()))?;
    run.may_begin(&found)?;
    let container = run.container(&found)?.name.clone();
    run.listen(&found);
    let applied = run.apply(&found, &container)?;
    let how = if applied.generation == found.generation { How::Unchanged } else { How::Updated };
    run.follow(&applied, &container, how)
}

/// A deployment on its way.
pub(super) struct Run<'a, 'see> {
    pub(super) cloud: &'a dyn Workloads,
    pub(super) clock: &'a dyn Clock,
    pub(super) wanted: &'a Wanted,
    pub(super) waits: Waits,
    pub(super) see: &'a mut (dyn FnMut(Sight<'_>) + 'see),
    pub(super) began: Timestamp,
    pub(super) heard: Heard,
    /// The words that were shown last.
    pub(super) shown: Option<String>,
}

impl Run<'_, '_> {
    /// Nothing of others is changed, and nothing is begun that does not end by itself.
    fn may_begin(&self, found: &Workload) -> Result<(), Stopped> {
        let Wanted { place, address, .. } = self.wanted;
        if let Some(other) = found.annotations.get(ADDRESS).filter(|other| *other != address) {
            let (place, address, found) = (place.clone(), address.clone(), other.clone());
            return Err(Stopped::Foreign { place, address, found });
        }
        let reason = if found.paused {
            "it is paused; `kubectl rollout resume` lets it go on"
        } else if place.sort != Sort::Deployment && found.strategy != Strategy::RollingUpdate {
            "its update strategy is OnDelete: its pods are replaced by whoever deletes them"
        } else {
            return Ok(());
        };
        Err(Stopped::Refused { place: place.clone(), reason })
    }

    /// The container that is meant.
    pub(super) fn container<'w>(&self, found: &'w Workload) -> Result<&'w Container, Stopped> {
        let asked = self.wanted.container.as_ref();
        let only = match (asked, found.containers.as_slice()) {
            (Some(name), all) => all.iter().find(|container| container.name == *name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        only.ok_or_else(|| Stopped::Container {
            place: self.wanted.place.clone(),
            asked: asked.cloned(),
            there: found.containers.iter().map(|container| container.name.clone()).collect(),
        })
    }

    /// Applies what is wanted. It says what it is, not what is to be done: sent twice, it does nothing twice.
    fn apply(&mut self, found: &Workload, container: &str) -> Result<Workload, Stopped> {
        let annotations = self.wanted.annotations();
        let (uid, image, env) = (&found.uid, &self.wanted.image, &self.wanted.parameters);
        let mut change = Change { uid, container, image, env, annotations: &annotations, force: false };
        match self.send(&change)? {
            Applied::Done(workload) => return Ok(*workload),
            Applied::Conflicts(conflicts) if self.wanted.take_over => (self.see)(Sight::Takes(&conflicts)),
            Applied::Conflicts(conflicts) => return Err(self.refused(conflicts)),
        }
        change.force = true;
        match self.send(&change)? {
            Applied::Done(workload) => Ok(*workload),
            Applied::Conflicts(conflicts) => Err(self.refused(conflicts)),
        }
    }

    /// Others own what it says. An apply has no word for taking that over, and a rollout has.
    fn refused(&self, conflicts: Vec<Conflict>) -> Stopped {
        let Wanted { address, release, .. } = self.wanted;
        let of = address.strip_prefix("deployment.").and_then(|rest| rest.split('/').next()).unwrap_or(address);
        Stopped::Conflicts { release: format!("{of} {release}"), conflicts }
    }

    fn send(&self, change: &Change<'_>) -> Result<Applied, Stopped> {
        self.ask(|| self.cloud.apply(&self.wanted.place, change)).map_err(|error| match error.failure {
            Failure::Quota => Stopped::Quota(error.message),
            // It names the uid that was found: there is another by now, or none.
            Failure::NotFound => Stopped::Gone,
            Failure::Conflict | Failure::Invalid if self.is_gone(change.uid) => Stopped::Gone,
            _ => Stopped::Call(error),
        })
    }

    /// Is it certain that the workload is not there any more?
    fn is_gone(&self, uid: &str) -> bool {
        self.look().is_ok_and(|now| now.is_none_or(|now| now.uid != uid))
    }

    pub(super) fn look(&self) -> Result<Option<Workload>, Stopped> {
        Ok(self.ask(|| self.cloud.workload(&self.wanted.place))?)
    }

    pub(super) fn ask<T>(&self, question: impl Fn() -> Answer<T>) -> Answer<T> {
        self.waits.ask(self.clock, question)
    }
}
