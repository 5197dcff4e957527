//! A cluster in memory, for tests: one workload, as strict and as slow as a real one in what the driver relies on, with
//! one trouble at a time on demand. It shares no code with the driver.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::apply::tests::time::StillClock;
use crate::provider::{Answer, CloudError, Failure};
use crate::workloads::{
    About, Applied, Around, Change, Condition, Conflict, Container, Counts, Event, Place, Pod, Sort, Strategy,
    Wanted, Workload, Workloads,
};

/// Pods of the workload.
pub(super) const PODS: i64 = 3;
/// The image that cannot be pulled.
pub(super) const BROKEN: &str = "registry.example/cache:broken";

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trouble {
    /// It does not arrive.
    Lost,
    /// It acts, and its answer does not arrive.
    LostAfter,
    Throttled,
    Denied,
    /// It acts, and the answer says that it failed.
    UnavailableAfter,
    /// An admission refuses it; reads are not refused.
    Quota,
    /// A read answers from before the last write.
    Stale,
    /// Somebody else sets the image just before.
    Meddled,
    /// Somebody else deletes the workload just before, and makes it anew.
    Remade,
    /// Somebody else deletes the workload just before.
    Deleted,
}

impl Trouble {
    pub(super) const ALL: [Self; 10] = [
        Self::Lost,
        Self::LostAfter,
        Self::Throttled,
        Self::Denied,
        Self::UnavailableAfter,
        Self::Quota,
        Self::Stale,
        Self::Meddled,
        Self::Remade,
        Self::Deleted,
    ];
}

#[derive(Debug, Clone)]
struct Held {
    workload: Workload,
    /// Since when what is wanted is as it is.
    changed: Timestamp,
    /// Who owns the image.
    owner: String,
    /// The variables that `cellc` applied.
    own: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    now: Option<Held>,
    before: Option<Held>,
    trouble: Option<(u32, Trouble)>,
    asked: u32,
    struck: bool,
    /// Changes of what is wanted that `cellc` made.
    changes: u32,
    made: u32,
}

/// A cluster with one workload.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) sort: Sort,
    clock: Arc<StillClock>,
    state: Mutex<State>,
    /// Are pods and events refused?
    pub(super) deaf: bool,
}

pub(super) fn image(release: &str) -> String {
    format!("registry.example/cache:{release}")
}

pub(super) fn wanted(sort: Sort, release: &str) -> Wanted {
    Wanted {
        place: Place { namespace: "cache".to_owned(), sort, name: "cache".to_owned() },
        container: None,
        image: image(release),
        parameters: BTreeMap::from([("RELEASE".to_owned(), release.to_owned())]),
        address: "deployment.cache/cell.alpha".to_owned(),
        release: release.to_owned(),
        plan: format!("plan-{release}"),
        take_over: false,
    }
}

impl Cluster {
    /// With a workload that somebody else made, with release 1 of `owner`.
    pub(super) fn new(clock: &Arc<StillClock>, sort: Sort, owner: &str) -> Self {
        let cluster = Self { sort, clock: Arc::clone(clock), state: Mutex::default(), deaf: false };
        cluster.make(owner);
        cluster
    }

    fn make(&self, owner: &str) {
        let mut state = self.state.lock().unwrap();
        state.made += 1;
        let container = Container { name: "cache".to_owned(), image: image("1"), env: BTreeMap::new() };
        let workload = Workload {
            uid: format!("uid-{}", state.made),
            generation: 1,
            annotations: BTreeMap::new(),
            containers: vec![container],
            selector: "app=cache".to_owned(),
            paused: false,
            strategy: Strategy::RollingUpdate,
            replicas: (self.sort != Sort::DaemonSet).then_some(PODS),
            partition: None,
            counts: Counts::default(),
            conditions: Vec::new(),
        };
        let changed = self.clock.at() - SignedDuration::from_hours(1);
        state.now = Some(Held { workload, changed, owner: owner.to_owned(), own: Vec::new() });
    }

    /// Changes the workload as somebody else would.
    pub(super) fn change(&self, change: impl FnOnce(&mut Workload)) {
        change(&mut self.state.lock().unwrap().now.as_mut().unwrap().workload);
    }

    /// The n-th call from here on goes wrong; counted from 1.
    pub(super) fn script(&self, trouble: Option<(u32, Trouble)>) {
        let mut state = self.state.lock().unwrap();
        (state.trouble, state.asked, state.struck) = (trouble, 0, false);
    }

    /// Did the trouble come about?
    pub(super) fn struck(&self) -> bool {
        self.state.lock().unwrap().struck
    }

    /// How often `cellc` changed what is wanted since the last time.
    pub(super) fn changes(&self) -> u32 {
        std::mem::take(&mut self.state.lock().unwrap().changes)
    }

    /// The workload now; none when there is none.
    pub(super) fn now(&self) -> Option<Workload> {
        self.state.lock().unwrap().now.as_ref().map(|held| self.seen(held))
    }

    /// As its controller shows it: it looks after 2 s, replaces a pod every 3 s, and gives up after 600.
    fn seen(&self, held: &Held) -> Workload {
        let mut workload = held.workload.clone();
        let age = self.clock.at().duration_since(held.changed).as_secs();
        let new = if age < 2 { 0 } else { ((age - 2) / 3).min(PODS) };
        let broken = workload.containers.iter().any(|container| container.image == BROKEN);
        let ready = if broken { 0 } else { new };
        let over = ready == PODS;
        workload.counts = Counts {
            observed: if age < 2 { workload.generation - 1 } else { workload.generation },
            replicas: PODS,
            updated: if broken { new.min(1) } else { new },
            ready: if broken { PODS - 1 } else { PODS },
            available: if broken { PODS - 1 } else { PODS },
            desired: PODS,
            current: if over { PODS } else { PODS - new },
            current_revision: if over { format!("r{}", workload.generation) } else { "r0".to_owned() },
            update_revision: format!("r{}", workload.generation),
        };
        if self.sort == Sort::Deployment && broken && age > 600 {
            let (kind, reason) = ("Progressing".to_owned(), "ProgressDeadlineExceeded".to_owned());
            workload.conditions.push(Condition { kind, holds: false, reason, message: String::new() });
        }
        workload
    }

    fn strike(&self, reads: bool) -> Option<Trouble> {
        let trouble = {
            let mut state = self.state.lock().unwrap();
            state.asked += 1;
            let (_, trouble) = state.trouble.filter(|(nth, _)| *nth == state.asked)?;
            if matches!((trouble, reads), (Trouble::Quota, true) | (Trouble::Stale, false)) {
                return None;
            }
            state.struck = true;
            trouble
        };
        match trouble {
            Trouble::Meddled => {
                let mut state = self.state.lock().unwrap();
                let now = self.clock.at();
                if let Some(held) = &mut state.now {
                    held.workload.containers[0].image = image("meddled");
                    held.workload.generation += 1;
                    held.changed = now;
                    "meddler".clone_into(&mut held.owner);
                }
            }
            Trouble::Deleted => self.state.lock().unwrap().now = None,
            Trouble::Remade => self.make("cellc"),
            _ => {}
        }
        Some(trouble)
    }

    fn call<T>(&self, name: &str, reads: bool, act: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let fails = |failure| Err(CloudError::own(name, failure, "trouble"));
        match self.strike(reads) {
            Some(Trouble::Lost) => fails(Failure::Lost),
            Some(Trouble::Throttled) => fails(Failure::Throttled),
            Some(Trouble::Denied) => fails(Failure::Denied),
            Some(Trouble::Quota) => fails(Failure::Quota),
            Some(Trouble::LostAfter) => act().and_then(|_| fails(Failure::Lost)),
            Some(Trouble::UnavailableAfter) => act().and_then(|_| fails(Failure::Unavailable)),
            Some(Trouble::Stale) => {
                let mut state = self.state.lock().unwrap();
                let newest = state.now.clone();
                if let Some(before) = state.before.clone() {
                    state.now = Some(before);
                }
                drop(state);
                let answer = act();
                self.state.lock().unwrap().now = newest;
                answer
            }
            _ => act(),
        }
    }

    fn write(&self, change: &Change<'_>) -> Answer<Applied> {
        let mut state = self.state.lock().unwrap();
        let before = state.now.clone();
        let mut held = match before.clone() {
            Some(held) if held.workload.uid == change.uid => held,
            _ => return Err(CloudError::own("kubernetes:apply", Failure::Conflict, "uid mismatch")),
        };
        let container = held.workload.containers.iter_mut().find(|found| found.name == change.container).unwrap();
        let was = container.clone();
        if container.image != change.image && held.owner != "cellc" && !change.force {
            let field = format!(".spec.template.spec.containers[name=\"{}\"].image", change.container);
            return Ok(Applied::Conflicts(vec![Conflict { owner: held.owner, field }]));
        }
        change.image.clone_into(&mut container.image);
        "cellc".clone_into(&mut held.owner);
        container.env.retain(|name, _| !held.own.contains(name));
        container.env.extend(change.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        held.own = change.env.keys().cloned().collect();
        if *container != was {
            held.workload.generation += 1;
            held.changed = self.clock.at();
            state.changes += 1;
        }
        held.workload.annotations.extend(change.annotations.iter().map(|(k, v)| (k.clone(), v.clone())));
        state.before = before;
        state.now = Some(held.clone());
        Ok(Applied::Done(Box::new(self.seen(&held))))
    }

    fn listed(&self) -> Around {
        let Some(now) = self.now() else { return Around::default() };
        let pod = |n: i64, reason: Option<&str>| Pod {
            name: format!("cache-{n}"),
            revision: String::new(),
            ready: reason.is_none(),
            reason: reason.map(str::to_owned),
            message: reason.map_or(String::new(), |_| "Back-off pulling image".to_owned()),
        };
        let broken = now.containers[0].image == BROKEN && now.counts.updated > 0;
        let mut pods: Vec<Pod> = (1..PODS).map(|n| pod(n, None)).collect();
        pods.push(pod(0, broken.then_some("ImagePullBackOff")));
        let event = |uid: &str, count, warning, reason: &str, message: &str| Event {
            uid: uid.to_owned(),
            count,
            warning,
            about: About { kind: "Pod".to_owned(), name: "cache-0".to_owned() },
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        let mut events = vec![event("old", 4, true, "Unhealthy", "a thing of yesterday")];
        if broken {
            events.push(event("pull", now.counts.observed, true, "Failed", "Error: ImagePullBackOff"));
        } else if now.counts.updated > 0 {
            events.push(event(&format!("start-{}", now.generation), 1, false, "Started", "Started container"));
        }
        Around { pods, events }
    }
}

impl Workloads for Cluster {
    fn workload(&self, place: &Place) -> Answer<Option<Workload>> {
        assert_eq!(place.sort, self.sort);
        self.call("kubernetes:get", true, || Ok(self.now()))
    }

    fn apply(&self, _: &Place, change: &Change<'_>) -> Answer<Applied> {
        self.call("kubernetes:apply", false, || self.write(change))
    }

    fn around(&self, _: &Place, _: &Workload) -> Answer<Around> {
        if self.deaf {
            return Err(CloudError::own("kubernetes:list", Failure::Denied, "pods are not for you"));
        }
        self.call("kubernetes:list", true, || Ok(self.listed()))
    }
}
