//! One operation: the write, and the read by another call that shows it.
//!
//! Owns what counts as seen. One file for each service; [`creation`] for what must never be made twice. A result
//! that is not seen in time is a failure: nothing is called done that nobody saw.

mod center;
mod creation;
mod organization;
mod releases;
mod repositories;
mod stacks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;

use super::follow::Follower;
use super::journal::{Journal, JournalError};
use super::readback::{Ended, ReadBack};
use crate::plan::desired::{ADDRESS_TAG, PARKED_TAG};
use crate::plan::model::{Fields, Operation, Plan, Verb};
use crate::plan::{canonical, later};
use crate::provider::{Clock, CloudError, Failure, Provider};
use crate::registry::given::GIVEN;
use crate::registry::record::{Event, FORMER, Record, former_address};
use crate::registry::sound::kind_of_address;
use crate::releases::clerk::Clerk;
use crate::repositories::policy;
use crate::stacks::{AccountOf, wish};

/// Waits between two reads of what was written, in milliseconds: it may take a while to spread.
const READS: [u64; 9] = [0, 200, 400, 800, 1_600, 3_000, 5_000, 8_000, 12_000];

/// How often a write is sent again that names something the service does not know yet.
const SPREAD: usize = 5;

/// What an operation needs of the run.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) provider: &'a dyn Provider,
    pub(super) clock: &'a dyn Clock,
    pub(super) journal: &'a Journal<'a>,
    pub(super) follower: Follower<'a>,
    pub(super) read_back: ReadBack<'a>,
    /// Addresses of assignments that this plan gives: what is taken away under one of them is its former one.
    given: BTreeSet<String>,
    /// Addresses of accounts that this plan makes: they let nobody in for a while.
    young: BTreeSet<String>,
    /// The plan's id: what it asks for is asked for once.
    plan_id: String,
    /// What concerns releases.
    clerk: Option<&'a Clerk<'a>>,
    ids: Mutex<BTreeMap<String, String>>,
}

/// Why an operation did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The cloud refused, or what was written was not seen.
    Cloud(CloudError),
    /// The record could not be written: nothing more may be begun.
    Journal(JournalError),
}

impl From<CloudError> for Stop {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// How far an operation was carried.
#[derive(Debug)]
pub(super) enum Carried {
    /// To its end: what was seen.
    Seen(String),
    /// The service is through with it; it is done when a list shows it.
    Ended(Ended),
}

/// What was seen, and the id if there is a new one.
#[derive(Debug)]
struct Seen {
    observed: String,
    id: Option<String>,
}

fn seen(observed: impl Into<String>) -> Seen {
    Seen { observed: observed.into(), id: None }
}

impl<'a> Context<'a> {
    pub(super) fn new(
        provider: &'a dyn Provider,
        clock: &'a dyn Clock,
        journal: &'a Journal<'a>,
        (plan, plan_id): (&'a Plan, &str),
        clerk: Option<&'a Clerk<'a>>,
    ) -> Self {
        let follower = Follower::new(provider, clock, plan.limits.tps, plan.limits.lanes);
        let gives = |operation: &&Operation| matches!(operation.verb, Verb::Assign { .. });
        let given = plan.operations.iter().filter(gives).map(|operation| operation.address.clone()).collect();
        let makes = |operation: &&Operation| matches!(operation.verb, Verb::CreateAccount { .. });
        let young = plan.operations.iter().filter(makes).map(|operation| operation.address.clone()).collect();
        let read_back = ReadBack::new(provider, clock, plan.limits.lanes, center::held(journal, plan));
        let (plan_id, ids) = (plan_id.to_owned(), Mutex::new(plan.ids.clone()));
        Self { provider, clock, journal, follower, read_back, given, young, plan_id, clerk, ids }
    }

    /// Carries an operation out, and writes down what came of it where that was seen. What happens meanwhile is told.
    pub(super) fn carry(&self, operation: &Operation, tell: &dyn Fn(&str)) -> Result<Carried, Stop> {
        let in_record = || Ok(Carried::Seen("in the record".to_owned()));
        let address = operation.address.as_str();
        match &operation.verb {
            Verb::Readdress { from } => {
                self.journal.commit(Event::Readdressed { from: from.clone(), to: address.to_owned() })?;
                return in_record();
            }
            Verb::Forget => {
                self.forget(address)?;
                return in_record();
            }
            Verb::Park => {
                self.park(address)?;
                return in_record();
            }
            Verb::Deploy(_)
            | Verb::Undeploy { .. }
            | Verb::PassBy { .. }
            | Verb::Queue(_)
            | Verb::KeepForm { .. } => {
                return Ok(Carried::Seen(self.release(address, &operation.verb, tell)?));
            }
            Verb::Assign { set, principal, target } => {
                let ended = patiently(self.clock, operation, || Ok(self.assign(set, principal, target, true)?))?;
                return Ok(Carried::Ended(ended));
            }
            Verb::Unassign { set, principal, target } => {
                let ended = patiently(self.clock, operation, || Ok(self.assign(set, principal, target, false)?))?;
                return Ok(Carried::Ended(ended));
            }
            _ => {}
        }
        let begun = self.begin(operation)?;
        let written = patiently(self.clock, operation, || self.write(operation, tell));
        // What was refused is not there: whatever is there later is somebody else's. What came to a bad end may be there.
        if let (true, Err(Stop::Cloud(error))) = (begun, &written)
            && error.failure.did_nothing()
            && error.failure != Failure::Failed
        {
            self.journal.commit(Event::Abandoned { address: address.to_owned() })?;
        }
        let Seen { observed, id } = written?;
        if let Some(id) = &id {
            self.learn(address, id);
        }
        self.write_down(operation, id, None)?;
        Ok(Carried::Seen(observed))
    }

    /// Writes down that an operation is done which was seen by a list of many.
    pub(super) fn seen(&self, operation: &Operation, request: Option<String>) -> Result<(), Stop> {
        self.write_down(operation, None, request)
    }

    fn write(&self, operation: &Operation, tell: &dyn Fn(&str)) -> Result<Seen, Stop> {
        let address = operation.address.as_str();
        match &operation.verb {
            Verb::CreateAccount { email, name, tags } => self.create_account(address, email, name, tags),
            Verb::CreateUnit { parent, name, tags } => self.create_unit(address, parent, name, tags),
            Verb::CreatePolicy { name, description, content, tags } => {
                self.create_policy(address, name, description, content, tags)
            }
            Verb::CreateSet { fields, tags } => self.create_set(address, fields, tags),
            Verb::DeployStack(order) => Ok(self.deploy_stack(address, order, tell)?),
            Verb::DeleteStack { id } => Ok(self.delete_stack(address, id, tell)?),
            Verb::Remember { id } => Ok(Seen { observed: "in the record".to_owned(), id: Some(id.clone()) }),
            verb @ (Verb::SetRepositoryPolicy { .. } | Verb::RemoveRepositoryPolicy { .. }) => {
                Ok(self.repository(verb)?)
            }
            verb if crate::plan::cost::is_set(address) => Ok(self.center(address, verb)?),
            verb => Ok(self.organization(address, verb)?),
        }
    }

    /// What the next run would not know to be ours, or to be looked for, is written down before it is done: a run that dies then
    /// leaves it to that one. Whether it was written down now.
    fn begin(&self, operation: &Operation) -> Result<bool, Stop> {
        let address = &operation.address;
        let name = match &operation.verb {
            Verb::AttachPolicy { policy, .. } => policy.clone(),
            Verb::SetRepositoryPolicy { account, repository, .. } => format!("{account}/{repository}"),
            Verb::DeployStack(order) => {
                let account = AccountOf::of_word(&order.account);
                let account = account.address().map_or_else(|| Ok(order.account.clone()), |of| self.id(of))?;
                format!("{account}/{}/{}", order.region, order.name)
            }
            Verb::Tag { set, remove } => {
                self.begin_tags(address, set.keys().chain(remove))?;
                return Ok(false);
            }
            _ => return Ok(false),
        };
        // Of a policy the record has what it was: what it is to be would be taken for a change by others.
        let content = matches!(operation.verb, Verb::SetRepositoryPolicy { .. }).then(|| self.sets(operation));
        let content = content.and_then(|mut fields| fields.remove("content"));
        let is_known = |record: &Record| match record.pending.get(address) {
            Some(pending) => pending.name == name && pending.content == content,
            None if content.is_some() => false,
            None => record.entry(address).is_some_and(|entry| entry.place().is_none_or(|place| place == name)),
        };
        if self.journal.with(is_known) {
            return Ok(false);
        }
        // What an earlier run has begun may be there though this one is refused.
        let begun = self.journal.with(|record| record.pending.get(address).is_some_and(|begun| begun.name == name));
        let kind = kind_of(address, &operation.verb).to_owned();
        self.journal.commit(Event::Intent { address: address.clone(), kind, name, email: None, content })?;
        Ok(!begun)
    }

    /// What an operation is recorded with.
    fn sets(&self, operation: &Operation) -> Fields {
        let recorded = |name: &String, value| recorded((&operation.verb, name), value, self.filled(value));
        operation.sets.iter().map(|(name, value)| (name.clone(), recorded(name, value))).collect()
    }

    /// Of tags that are being written nobody knows how they are: the record names them without a value, so that they are read.
    fn begin_tags<'t>(&self, address: &str, keys: impl Iterator<Item = &'t String>) -> Result<(), Stop> {
        let recorded = self.journal.with(|record| record.entry(address).cloned());
        let Some(entry) = recorded.filter(|entry| !entry.is_claim()) else { return Ok(()) };
        let mut tags = entry.fields.get("tags").and_then(Json::as_object).cloned().unwrap_or_default();
        // Whose it is, and whether it is parked, the cloud says, and not the record.
        for key in keys.filter(|key| ![ADDRESS_TAG, PARKED_TAG].contains(&key.as_str())) {
            tags.insert(key.clone(), Json::Null);
        }
        let fields = Fields::from_iter([("tags".to_owned(), Json::Object(tags))]);
        if entry.fields.get("tags") == fields.get("tags") {
            return Ok(());
        }
        let (address, kind) = (address.to_owned(), entry.kind);
        Ok(self.journal.commit(Event::Done { address, kind, id: None, fields, protect: None, request: None })?)
    }

    fn write_down(&self, operation: &Operation, id: Option<String>, request: Option<String>) -> Result<(), Stop> {
        let address = operation.address.clone();
        let event = match &operation.verb {
            Verb::DeleteUnit { id } | Verb::DeleteSet { id } | Verb::DeleteStack { id } => {
                let held = |record: &Record| match (record.held_as(&address, id), record.entry(&address)) {
                    (Some(place), _) => place,
                    (None, Some(_)) => former_address(&address),
                    // What is known by where it is was only begun.
                    (None, None) => address.clone(),
                };
                Event::Deleted { address: self.journal.with(held), request: None }
            }
            // The former assignment of a set that is made anew has the address of the new one.
            Verb::Unassign { set, .. } if set.ends_with(FORMER) && self.given.contains(&address) => return Ok(()),
            Verb::DeletePolicy
            | Verb::RemoveRepositoryPolicy { .. }
            | Verb::Unassign { .. }
            | Verb::DetachPolicy { .. } => Event::Deleted { address, request },
            Verb::CloseAccount => Event::Ended { address, fate: "closed".to_owned() },
            Verb::EnablePolicies => return Ok(()),
            _ => {
                let mut fields = self.sets(operation);
                if let Verb::DeployStack(order) = &operation.verb {
                    // The digest of what was sent, with what was known only then.
                    fields.insert("template".to_owned(), Json::from(wish::digest(&self.filled(&order.template))));
                }
                let protect = fields.remove("protect").and_then(|value| value.as_bool());
                let kind = kind_of(&address, &operation.verb).to_owned();
                Event::Done { kind, address, id, fields, protect, request }
            }
        };
        // Of a parked account that is given on the cloud alone does not tell what it was.
        let is_given = |fields: &Fields| fields.get(GIVEN).is_some_and(|given| !given.is_null());
        let written = match &event {
            Event::Done { fields, .. } if is_given(fields) => self.journal.commit(event),
            _ => self.journal.note(event),
        };
        Ok(written?)
    }

    fn forget(&self, address: &str) -> Result<(), Stop> {
        let account = self.journal.with(|record| record.entry(address).is_some_and(|entry| entry.kind == "account"));
        let event = if account {
            Event::Ended { address: address.to_owned(), fate: "kept".to_owned() }
        } else {
            Event::Forgotten { address: address.to_owned() }
        };
        Ok(self.journal.commit(event)?)
    }

    fn park(&self, address: &str) -> Result<(), Stop> {
        let id = self.id(address)?;
        let account = self.provider.account(&id)?.ok_or_else(|| gone("organizations:DescribeAccount", address))?;
        let event =
            Event::Parked { address: address.to_owned(), account: id, email: account.email, name: account.name };
        Ok(self.journal.commit(event)?)
    }

    /// The id of an address.
    fn id(&self, address: &str) -> Result<String, CloudError> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let missing =
            || CloudError::own("record", Failure::NotFound, format!("nothing is known by the address {address}"));
        ids.get(address).cloned().ok_or_else(missing)
    }

    fn learn(&self, address: &str, id: &str) {
        if !id.is_empty() {
            self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_owned(), id.to_owned());
        }
    }

    /// A value with what was known only after apply filled in.
    fn filled(&self, value: &Json) -> Json {
        let known = |place: &str| {
            let (address, field) = place.rsplit_once('.')?;
            matches!(field, "account_id" | "id").then(|| self.id(address).ok())?
        };
        later::resolve(value, &known)
    }

    /// A document as it is sent.
    fn document(&self, value: &Json) -> Result<String, CloudError> {
        let filled = self.filled(value);
        if later::has_later(&filled) {
            let message = "an account that the document names is not known yet";
            return Err(CloudError::own("record", Failure::NotFound, message));
        }
        Ok(filled.to_string())
    }

    /// Reads until what was written is there. `look` says what it saw, or none.
    fn observe(
        &self,
        call: &str,
        missing: &str,
        look: impl Fn() -> Result<Option<String>, CloudError>,
    ) -> Result<String, CloudError> {
        let mut missed = None;
        for wait in READS {
            if wait > 0 {
                self.clock.sleep(Duration::from_millis(wait));
            }
            match look() {
                Ok(Some(saw)) => return Ok(format!("{call}: {saw}")),
                Ok(None) => missed = None,
                // What was made a moment ago may not be known everywhere yet.
                Err(error) if error.failure == Failure::NotFound => missed = Some(error),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = missed {
            return Err(error);
        }
        let message = format!("it was written and is not seen: {missing}");
        Err(CloudError::own(call, Failure::Failed, message))
    }
}

/// What this run made may not be known everywhere when the next write names it: that one is sent again.
fn patiently<T>(clock: &dyn Clock, operation: &Operation, write: impl Fn() -> Result<T, Stop>) -> Result<T, Stop> {
    let mut waits = READS.iter().skip(1).take(SPREAD);
    loop {
        match (write(), waits.next()) {
            (Err(Stop::Cloud(error)), Some(wait))
                if error.failure == Failure::NotFound && !operation.needs.is_empty() =>
            {
                clock.sleep(Duration::from_millis(*wait));
            }
            (result, _) => return result,
        }
    }
}

/// Of which kind the resource of an operation is.
fn kind_of(address: &str, verb: &Verb) -> &'static str {
    match verb {
        Verb::Assign { .. } | Verb::Unassign { .. } => return "assignment",
        Verb::AttachPolicy { .. } | Verb::DetachPolicy { .. } => return "scp_attachment",
        Verb::CreateUnit { .. } => return "ou",
        Verb::DeployStack(_) | Verb::DeleteStack { .. } => return "stack",
        _ => {}
    }
    kind_of_address(address)
}

fn gone(call: &str, address: &str) -> CloudError {
    CloudError::own(call, Failure::NotFound, format!("{address} is not there any more"))
}

/// Is everything of `wanted` in `found`?
fn has_tags(found: &BTreeMap<String, String>, set: &BTreeMap<String, String>, removed: &[String]) -> bool {
    set.iter().all(|(key, value)| found.get(key) == Some(value)) && removed.iter().all(|key| !found.contains_key(key))
}

/// The mark of ownership, for messages.
fn marked(address: &str) -> String {
    format!("{ADDRESS_TAG} = {address}")
}

/// A field as it is recorded: a document whose order was that of names for what was not known yet is in its form again.
fn recorded((verb, name): (&Verb, &str), planned: &Json, filled: Json) -> Json {
    match (verb, name) {
        _ if !later::has_later(planned) => filled,
        (Verb::SetRepositoryPolicy { .. }, "content") => {
            policy::document(filled.get("Statement").and_then(Json::as_array).into_iter().flatten())
        }
        (_, "content" | "inline") => canonical::canonical(&filled),
        _ => filled,
    }
}
