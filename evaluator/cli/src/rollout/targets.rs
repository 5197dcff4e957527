//! What takes releases, joined to the engine: stacks of CloudFormation, make targets. Owns what is told of each while it goes
//! on; how a thing is brought about is the other crates'.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cell_aws::AwsCloud;
use cell_deploy::deployment::{Deployment, Undone};
use cell_eval::plan::desired::{ADDRESS_TAG, Org};
use cell_eval::provider::Clock;
use cell_eval::releases::sets::Roles;
use cell_eval::releases::wishes::VERSION_TAG;
use cell_eval::releases::{Dossier, Failed, Order, Spec, Target, Targets};
use cell_eval::stacks::{self, How, Meaning, Sight, StackState, Stopped, Unwanted, Wanted};
use cell_eval::terminal::visible::line;

use super::clusters::Doors;
use crate::session::Session;

/// What takes releases.
pub(crate) struct Hands<'a> {
    /// The cloud.
    provider: &'a AwsCloud,
    /// Time.
    clock: Arc<dyn Clock>,
    /// The program's folder.
    beside: &'a Path,
    /// The tool's own folder.
    own: &'a Path,
    /// Clusters.
    doors: Doors,
    /// Whether fields of workloads that somebody else owns are taken.
    take_over: bool,
    /// Permission sets.
    roles: Roles<'a>,
    /// The organization, which names the bucket of large templates.
    org: &'a Org,
    /// Set when it is to stop.
    stop: &'a AtomicBool,
}

/// How long it is slept before a folder that is held is tried again.
const HELD: Duration = Duration::from_millis(500);
/// How often it is told that one is held.
const TOLD: Duration = Duration::from_mins(1);

impl<'a> Hands<'a> {
    /// Those of a program that is connected; `beside` is its folder.
    pub(crate) fn new(session: &'a Session<'_>, beside: &'a Path, stop: &'a AtomicBool, take_over: bool) -> Self {
        let connection = &session.connection;
        let (provider, org) = (connection.provider.as_ref(), &session.subject.desired.org);
        let roles = Roles::new(provider, connection.time.as_ref(), org.limits, org.identity_center.clone());
        Self {
            provider,
            clock: Arc::clone(&connection.time),
            beside,
            own: &session.own,
            doors: connection.doors(),
            take_over,
            roles,
            org,
            stop,
        }
    }
}

impl Targets for Hands<'_> {
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        let Spec { account, target, .. } = &order.what.spec;
        match target {
            Target::Cloudformation { .. } => self.stack(order, see),
            Target::Make { repo, target, variables, document } => {
                let commit = order.of.digests.get("commit").unwrap_or(&order.of.version);
                let folder = self.own.join("deploy").join(&order.of.of).join(order.cell);
                let (beside, folder) = (self.beside, folder.as_path());
                let work = Deployment { repo, beside, commit, target, variables, document, folder };
                self.make(&work, see)
            }
            Target::Set { set, form } => {
                let form = order.of.text(form).and_then(|text| serde_json::from_str(text).ok());
                let form =
                    form.ok_or_else(|| Failed::Why("the release does not say the form of the set".to_owned()))?;
                self.roles.bring(set, account, &form, order.back).map_err(|error| Failed::Why(error.to_string()))
            }
            Target::Kubernetes { .. } => self.doors.bring(self.clock.as_ref(), order, self.take_over, see),
        }
    }

    fn altered(&self, of: &Dossier) -> Result<Option<String>, Failed> {
        let Some((set, form)) = of.set() else { return Ok(None) };
        self.roles.altered(set, &form).map_err(|error| Failed::Why(error.to_string()))
    }

    fn newest(&self, of: &Dossier) -> Result<BTreeSet<String>, Failed> {
        let Some((set, _)) = of.set() else { return Ok(BTreeSet::new()) };
        self.roles.newest(set).map_err(|error| Failed::Why(error.to_string()))
    }

    fn stands(&self, order: Order<'_>) -> Result<bool, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        let Target::Cloudformation { stack, .. } = target else { return Ok(true) };
        let cloud = self.provider.stacks(account, region);
        let found = stacks::stands(&cloud, self.clock.as_ref(), stack, stacks::WAITS);
        found.map(|found| found.is_some()).map_err(|stopped| Failed::Why(stopped.to_string()))
    }

    fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        match target {
            Target::Cloudformation { .. } if !order.created => self.leave(order),
            Target::Cloudformation { stack, tags, .. } => {
                let cloud = self.provider.stacks(account, region);
                let address = tags.get(ADDRESS_TAG).map_or("", String::as_str);
                // A book knows no ARN: the tag says whose the stack is.
                let unwanted = Unwanted { stack, address, known: None, token: order.token };
                let mut see = |sight: Sight<'_>| tell(&sight, see);
                match stacks::delete(&cloud, self.clock.as_ref(), unwanted, stacks::WAITS, &mut see) {
                    Ok(()) => Ok("cloudformation:DescribeStacks: the stack is gone".to_owned()),
                    // What this program had there is not there any more, or never came to be.
                    Err(foreign @ Stopped::Foreign { .. }) => {
                        Ok(format!("cloudformation:DescribeStacks: {foreign}; it was left as it is"))
                    }
                    Err(stopped) => Err(Failed::Why(stopped.to_string())),
                }
            }
            Target::Make { .. } => Err(Failed::Why(
                "there was no release before, and a make target has no way back: what it made is still there"
                    .to_owned(),
            )),
            Target::Kubernetes { .. } => self.doors.take_away(order),
            Target::Set { .. } => Err(Failed::Why(
                "the form that its role had before is not known: it has the form that the set has now".to_owned(),
            )),
        }
    }
}

impl Hands<'_> {
    /// Runs a target. What a run that was killed has started there, and still runs, is waited for: it is the same thing.
    fn make(&self, work: &Deployment<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        let mut told = None;
        loop {
            match work.run(self.stop, &mut |said| see(&line(said))) {
                Ok(ended) => return Ok(ended),
                Err(Undone::Held) if !self.stop.load(Ordering::Relaxed) => {
                    if told.is_none_or(|told: Instant| told.elapsed() >= TOLD) {
                        told = Some(Instant::now());
                        see("another run deploys there, or what it started still runs: that is waited for");
                    }
                    std::thread::sleep(HELD);
                }
                Err(Undone::Stopped | Undone::Held) => return Err(Failed::Interrupted),
                Err(error) => return Err(Failed::Why(error.to_string())),
            }
        }
    }

    /// Leaves a stack that was there before the release; well only if the release has not changed it.
    fn leave(&self, order: Order<'_>) -> Result<String, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        let Target::Cloudformation { stack, tags, .. } = target else {
            return Err(Failed::Why(format!("{} is no stack", target.sort())));
        };
        let cloud = self.provider.stacks(account, region);
        let found = stacks::stands(&cloud, self.clock.as_ref(), stack, stacks::WAITS)
            .map_err(|stopped| Failed::Why(stopped.to_string()))?;
        let Some(found) = found else {
            return Ok("cloudformation:DescribeStacks: no stack holds anything of it".to_owned());
        };
        let owner = found.tags.get(ADDRESS_TAG);
        if owner != tags.get(ADDRESS_TAG) {
            let (stack, address) = (stack.clone(), tags.get(ADDRESS_TAG).cloned().unwrap_or_default());
            let foreign = Stopped::Foreign { stack, address, found: owner.cloned() };
            return Ok(format!("cloudformation:DescribeStacks: {foreign}; it was left as it is"));
        }
        let settled = found
            .state()
            .is_some_and(|state| state.means() == Meaning::Well || state == StackState::UpdateRollbackComplete);
        if settled && tags.contains_key(VERSION_TAG) && found.tags.get(VERSION_TAG) != tags.get(VERSION_TAG) {
            let what = "it was there before this release, which did not change it, and was left as it is";
            return Ok(format!("cloudformation:DescribeStacks: {}: {what}", found.status));
        }
        let label = order.of.of.rsplit('.').next().unwrap_or(&order.of.of);
        Err(Failed::Why(format!(
            "the stack `{stack}` was there before this release, which changed it, and nothing says what it had: it is left with what came; `cellc rollout start {label} VERSION` brings a version"
        )))
    }

    fn stack(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        let wanted = Wanted { bucket: self.org.templates(region), ..wanted(order.of, target, order.token)? };
        let cloud = self.provider.stacks(account, region);
        let deployed =
            stacks::deploy(&cloud, self.clock.as_ref(), &wanted, stacks::WAITS, &mut |sight| tell(&sight, see))
                .map_err(|stopped| Failed::Why(stopped.to_string()))?;
        let how = match deployed.how {
            How::Created => "created",
            How::Updated => "updated",
            How::Unchanged => "nothing to change",
        };
        let version = deployed.stack.tags.get(VERSION_TAG).map_or("", String::as_str);
        Ok(format!("cloudformation:DescribeStacks: {} with {version} ({how})", deployed.stack.status))
    }
}

/// What is wanted of a stack.
fn wanted(of: &Dossier, target: &Target, token: &str) -> Result<Wanted, Failed> {
    let Target::Cloudformation { stack, template, parameters, tags, capabilities } = target else {
        return Err(Failed::Why(format!("{} is no stack", target.sort())));
    };
    let template = of.text(template).ok_or_else(|| Failed::Why("the release has no template".to_owned()))?;
    Ok(Wanted {
        stack: stack.clone(),
        template: template.to_owned(),
        bucket: None,
        parameters: parameters.clone(),
        tags: tags.clone(),
        capabilities: capabilities.clone(),
        token: token.to_owned(),
        known: None,
    })
}

/// What is told while a stack changes.
fn tell(sight: &Sight<'_>, see: &mut dyn FnMut(&str)) {
    match sight {
        Sight::Changes(set) => {
            for change in &set.changes {
                see(&format!("{} {} {}", change.action.to_lowercase(), change.kind, change.logical));
            }
        }
        Sight::Event(event) => {
            let reason = if event.reason.is_empty() { String::new() } else { format!(": {}", event.reason) };
            see(&format!("{} {} {}{reason}", event.status, event.kind, event.logical));
        }
        Sight::State(state) => see(&format!("the stack is in {state}")),
        Sight::EventsFailed(error) => see(&format!("its events cannot be read now: {error}")),
    }
}
