//! Waiting for a rollout. Owns when it is over and by what that is seen, what is shown meanwhile, and what is told of pods
//! that do not come up; when it is done by the numbers is [`super::status`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::deploy::{Deployed, How, Run, Sight};
use super::model::{Around, Workload};
use super::place::Sort;
use super::status::{Progress, TimedOut, progress};
use super::stopped::Stopped;

/// Causes that are told.
const CAUSES: usize = 5;

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// How often each event had happened, by its uid. None: nothing was heard yet.
    events: Option<BTreeMap<String, i64>>,
    /// Warnings that came in the meantime, the newest last, each once; no more than are told.
    warnings: Vec<String>,
    /// Was it told that pods and events cannot be read?
    deaf: bool,
}

impl Run<'_, '_> {
    /// Begins to listen: what has happened before is not of this deployment.
    pub(super) fn listen(&mut self, workload: &Workload) {
        if let Some(around) = self.around(workload) {
            let known = around.events.iter().map(|event| (event.uid.clone(), event.count));
            self.heard.events = Some(known.collect());
        }
    }

    /// Waits until the rollout of what was applied is over.
    pub(super) fn follow(&mut self, applied: &Workload, container: &str, how: How) -> Result<Deployed, Stopped> {
        let mut looks = 0;
        loop {
            // Before the look: nothing is asked between the look that decides and the answer.
            self.hear(applied);
            let workload = self.look()?.ok_or(Stopped::Gone)?;
            if workload.uid != applied.uid {
                return Err(Stopped::Gone);
            }
            // A read that is behind says nothing.
            if workload.generation < applied.generation {
                self.wait(looks, &workload, "it does not show yet what was applied")?;
                looks += 1;
                continue;
            }
            self.as_wanted(&workload, container)?;
            match progress(self.wanted.place.sort, &self.wanted.place.name, &workload) {
                Err(TimedOut) => {
                    let (place, causes) = (self.wanted.place.clone(), self.causes(&workload));
                    return Err(Stopped::Deadline { place, causes });
                }
                Ok(Progress { done: true, words }) => {
                    self.show(&words);
                    return Ok(Deployed { how, words, workload });
                }
                Ok(Progress { done: false, words }) => {
                    self.show(&words);
                    self.wait(looks, &workload, &words)?;
                }
            }
            looks += 1;
        }
    }

    /// Has the workload what is wanted?
    fn as_wanted(&self, workload: &Workload, container: &str) -> Result<(), Stopped> {
        let other = |what: String, value: Option<&str>| {
            let value = value.map_or("not there".to_owned(), |value| format!("`{value}`"));
            Err(Stopped::NotAsWanted(format!("its {what} is {value}")))
        };
        let Some(found) = workload.containers.iter().find(|found| found.name == container) else {
            return other(format!("container `{container}`"), None);
        };
        if found.image != self.wanted.image {
            return other("image".to_owned(), Some(&found.image));
        }
        for (name, value) in &self.wanted.parameters {
            match found.env.get(name) {
                Some(Some(there)) if there == value => {}
                Some(None) => return other(format!("variable `{name}`"), Some("from elsewhere")),
                there => return other(format!("variable `{name}`"), there.and_then(Option::as_deref)),
            }
        }
        for (key, value) in self.wanted.annotations() {
            match workload.annotations.get(&key) {
                Some(there) if *there == value => {}
                there => return other(format!("annotation `{key}`"), there.map(String::as_str)),
            }
        }
        Ok(())
    }

    fn show(&mut self, words: &str) {
        if self.shown.as_deref() != Some(words) {
            (self.see)(Sight::Progress(words));
            self.shown = Some(words.to_owned());
        }
    }

    fn around(&mut self, workload: &Workload) -> Option<Around> {
        match self.ask(|| self.cloud.around(&self.wanted.place, workload)) {
            Ok(around) => {
                self.heard.deaf = false;
                Some(around)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.heard.deaf, true) {
                    (self.see)(Sight::EventsFailed(&error));
                }
                None
            }
        }
    }

    /// Shows what has happened since the last look.
    fn hear(&mut self, workload: &Workload) -> Option<Around> {
        let around = self.around(workload)?;
        let Some(known) = &mut self.heard.events else {
            // The first look failed: which of these are old cannot be told.
            self.heard.events = Some(around.events.iter().map(|event| (event.uid.clone(), event.count)).collect());
            return Some(around);
        };
        for event in &around.events {
            let before = known.insert(event.uid.clone(), event.count);
            if before.is_some_and(|before| before >= event.count) {
                continue;
            }
            (self.see)(Sight::Event(event));
            if event.warning {
                let words = event.to_string();
                self.heard.warnings.retain(|heard| *heard != words);
                if self.heard.warnings.len() == CAUSES {
                    self.heard.warnings.remove(0);
                }
                self.heard.warnings.push(words);
            }
        }
        Some(around)
    }

    /// What is wrong: with pods now, with making pods, and what warnings came.
    fn causes(&mut self, workload: &Workload) -> Vec<String> {
        let pods = self.hear(workload).map(|around| around.pods).unwrap_or_default();
        let mut told = BTreeSet::new();
        let mut causes = Vec::new();
        for pod in pods.iter().filter(|pod| !pod.ready) {
            let Some(reason) = &pod.reason else { continue };
            // Only a person knows whether it can be spared: it may be one of those that a majority needs.
            let stays =
                self.wanted.place.sort == Sort::StatefulSet && pod.revision != workload.counts.update_revision;
            if stays {
                let place = format!("{} -n {}", pod.name, self.wanted.place.namespace);
                causes.push(format!(
                    "a StatefulSet does not replace a pod that never became ready: `kubectl delete pod {place}`"
                ));
            }
            // Many pods are wrong in the same way.
            if told.insert(reason.clone()) {
                let words = if pod.message.is_empty() { String::new() } else { format!(": {}", pod.message) };
                causes.push(format!("pod {}: {reason}{words}", pod.name));
            }
        }
        let failure = workload.condition("ReplicaFailure").filter(|condition| condition.holds);
        causes.extend(failure.map(|failure| format!("{}: {}", failure.reason, failure.message)));
        causes.extend(self.heard.warnings.iter().rev().cloned());
        causes.truncate(CAUSES);
        causes
    }

    /// Waits before the next look, if there is time left.
    fn wait(&mut self, looks: u32, workload: &Workload, status: &str) -> Result<(), Stopped> {
        let waited = self.clock.now().duration_since(self.began);
        if waited >= self.waits.patience {
            let (place, status) = (self.wanted.place.clone(), status.to_owned());
            return Err(Stopped::Unsettled { place, status, waited, causes: self.causes(workload) });
        }
        self.waits.pause(self.clock, looks);
        Ok(())
    }
}
