//! A plan in the making: changes and operations as the kinds add them.
//!
//! Owns the order in which the kinds come and what they share: ids, addresses of ids, who waits for what. What each
//! kind asks for is in [`super::diff`]; what is said about the whole in [`super::judge`].

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use super::canonical;
use super::desired::{ADDRESS_TAG, Desired, PARKED_TAG, PARKING, ROOT, Wanted};
use super::diff::repositories::Moving;
use super::fault::Fault;
use super::identity::{self, Ids, Parking};
use super::marks;
use super::model::{Action, Change, Fields, Notice, NoticeKind, Operation, OperationId, Verb};
use super::scope::Scope;
use crate::live::{Depth, Live};
use crate::provider::Tags;
use crate::registry::record::{Entry, Record};
use crate::releases::Kept;

/// Why a resource of the record is only forgotten.
pub(super) const GONE: &str = "it is gone";

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The cloud is brought to what the program says.
    Apply,
    /// What the program says is torn down.
    Destroy,
}

impl Command {
    /// How much is read for it: who tears down must see everybody who has something there, and whose it is.
    pub fn depth(self) -> Depth {
        match self {
            Self::Apply => Depth::Plan,
            Self::Destroy => Depth::Drift,
        }
    }
}

/// What others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// It exists, under its id.
    Made,
    /// An account is where it belongs.
    Placed,
    /// A permission set has its form.
    Formed,
    /// The policies that are to hold a target are attached to it.
    Held,
    /// A cell may pull from where its account is to be.
    LetIn,
    /// What components have in a cell is taken away: what watches it, and lets people see to it, is needed no more.
    Emptied,
    /// It is detached, unassigned, moved away: nothing keeps what it was on from going.
    Gone,
}

/// The plan in the making.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) desired: &'a Desired,
    /// The record, with every `moved` followed.
    pub(super) record: &'a Record,
    /// From where addresses of the record came.
    pub(super) origins: &'a BTreeMap<String, String>,
    /// The same the other way: what has another address now, by the one that it had.
    given_on: HashMap<&'a str, &'a str>,
    pub(super) live: &'a Live,
    pub(super) scope: &'a Scope,
    /// What the books of releases say.
    pub(super) kept: &'a BTreeMap<String, Kept>,
    pub(super) command: Command,
    /// Ids of what exists, by address.
    pub(super) ids: Ids,
    /// Parked accounts, and who takes them.
    pub(super) parked: Parking,
    pub(super) changes: Vec<Change>,
    pub(super) operations: Vec<Operation>,
    pub(super) notices: Vec<Notice>,
    pub(super) faults: Vec<Fault>,
    pub(super) names: BTreeMap<String, String>,
    addresses: HashMap<String, String>,
    steps: HashMap<(String, Step), Vec<OperationId>>,
    /// Is only looked for what was changed outside?
    pub(super) looks: bool,
    /// What is not torn down, since an account that is left out needs it.
    stays: BTreeSet<String>,
    /// What is first done to the record of an address.
    pub(super) opening: HashMap<String, OperationId>,
    /// What repository policies say while accounts move, by address.
    pub(super) moving: BTreeMap<String, Moving>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        (record, origins): (&'a Record, &'a BTreeMap<String, String>),
        live: &'a Live,
        (scope, kept): (&'a Scope, &'a BTreeMap<String, Kept>),
        command: Command,
    ) -> Self {
        let mut ids = identity::organization(desired, record, live);
        ids.extend(identity::sets(record, live));
        ids.extend(record.principals.iter().map(|(address, found)| (address.clone(), found.id.clone())));
        ids.extend(live.principals.iter().filter_map(|(address, id)| Some((address.clone(), id.clone()?))));
        if let (Some(org), Some(root)) = (&desired.org.address, ids.get(ROOT).cloned()) {
            ids.insert(org.clone(), root);
        }
        let parked = identity::parked(desired, record, live, &ids);
        let mut addresses: HashMap<String, String> =
            ids.iter().filter(|(address, _)| desired.org.address.as_ref() != Some(*address)).map(turned).collect();
        // The root is called so whatever the program calls the organization.
        addresses.extend(ids.get_key_value(ROOT).map(turned));
        let (changes, operations, notices, faults) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (names, steps) = (BTreeMap::new(), HashMap::default());
        let mut builder = Self {
            desired,
            record,
            origins,
            given_on: origins.iter().map(|(to, from)| (from.as_str(), to.as_str())).collect(),
            live,
            scope,
            kept,
            command,
            ids,
            parked,
            changes,
            operations,
            notices,
            faults,
            names,
            addresses,
            steps,
            looks: false,
            stays: BTreeSet::new(),
            opening: HashMap::default(),
            moving: BTreeMap::new(),
        };
        builder.stays = super::stays::needed_by_what_is_left_out(&builder);
        let stays: Vec<String> = builder.stays.iter().cloned().collect();
        if !stays.is_empty() {
            builder.note("what is left out lies in, is held by, or gives access with, stays".to_owned(), stays);
        }
        builder
    }

    /// Does the scope take the resource of this address?
    pub(super) fn takes(&self, address: &str) -> bool {
        let sources = self.desired.resources.get(address).map(|wanted| wanted.sources.as_slice());
        self.scope.takes(address, sources.unwrap_or_default())
    }

    /// The resources of a kind that the program asks for and the scope takes; none when all is torn down.
    pub(super) fn wanted(&self, kind: &'static str) -> Vec<(&'a String, &'a Wanted)> {
        let all = self.desired.resources.iter().filter(|(_, wanted)| wanted.kind.name() == kind);
        all.filter(|(address, _)| self.keeps(address)).collect()
    }

    /// Is the resource to be there afterwards?
    pub(super) fn keeps(&self, address: &str) -> bool {
        self.desired.resources.contains_key(address)
            && match self.command {
                Command::Apply => self.takes(address),
                Command::Destroy => false,
            }
    }

    /// What the record holds of a kind, the scope takes, and is not to be there afterwards.
    pub(super) fn surplus(&self, kind: &'static str) -> Vec<(&'a String, &'a Entry)> {
        let all = self.record.resources.iter().filter(|(_, entry)| entry.kind == kind);
        let surplus = all.filter(|(address, _)| {
            self.takes(address)
                && !self.stays.contains(*address)
                && (self.command == Command::Destroy || !self.desired.resources.contains_key(*address))
        });
        surplus.collect()
    }

    /// The entry of an address whose id is this one. Of what is known to have no mark there is none: it is taken over.
    pub(super) fn entry(&self, address: &str, id: &str) -> Option<&'a Entry> {
        let marked = || self.looks || address == PARKING || !marks::is_unmarked(self.live, id);
        self.recorded(address, id).filter(|_| marked())
    }

    /// The same, whether it has a mark or not.
    pub(super) fn recorded(&self, address: &str, id: &str) -> Option<&'a Entry> {
        self.record.entry(address).filter(|entry| entry.id == id && !entry.is_claim())
    }

    /// Why something is taken over that the record has already.
    pub(super) fn why_adopted(&self, address: &str, id: &str) -> Option<String> {
        let entry = self.recorded(address, id);
        entry.map(|_| "the record has it as ours, and it has no mark that says so: look whose it is".to_owned())
    }

    /// What the record says otherwise than the cloud, though the program and the cloud agree: only the record is
    /// brought to it.
    pub(super) fn record_as_it_is(
        &mut self,
        plan: &mut Change,
        entry: Option<&Entry>,
        before: &Fields,
        after: &Fields,
    ) {
        let Some(entry) = entry else { return };
        let settled = plan.drift.iter().filter(|name| before.get(*name) == after.get(*name));
        let sets: Fields =
            settled.map(|name| (name.clone(), before.get(name).cloned().unwrap_or(Json::Null))).collect();
        if sets.is_empty() {
            return;
        }
        let operation = self.operation(&plan.address.clone(), Verb::Remember { id: entry.id.clone() }, &[], sets);
        plan.operations.push(operation);
    }

    /// What holds a unit: the policies attached to it and to everything above it.
    pub(super) fn held(&self, unit: &str) -> Vec<OperationId> {
        let mut all = self.after(ROOT, Step::Held);
        let mut at = unit.to_owned();
        for _ in 0..=crate::limits::OU_LEVELS.most {
            all.extend(self.after(&at, Step::Held));
            let Some(above) = self.desired.resources.get(&at).map(|wanted| text(&wanted.fields, "parent")) else {
                break;
            };
            at = above;
        }
        all
    }

    /// The address that an id is known by; else one made of the kind and the id, for what nobody named.
    pub(super) fn address_of(&self, kind: &str, id: &str) -> String {
        self.addresses.get(id).cloned().unwrap_or_else(|| format!("{kind}:{id}"))
    }

    /// From here on the address stands for the thing of this id.
    pub(super) fn stands(&mut self, address: String, id: &str) {
        self.addresses.insert(id.to_owned(), address.clone());
        self.ids.insert(address, id.to_owned());
    }

    /// Takes an id into the plan for a thing that has no address; its name for people.
    pub(super) fn stranger(&mut self, address: &str, id: &str, name: &str) {
        self.ids.insert(address.to_owned(), id.to_owned());
        self.names.insert(address.to_owned(), name.to_owned());
    }

    /// What the record holds is not there any more: only the record is brought to that.
    pub(super) fn forget(&mut self, plan: &mut Change, why: &str) {
        plan.action = Action::Forget;
        plan.drift = vec!["*".to_owned()];
        plan.reason = Some(why.to_owned());
        plan.operations.push(self.operation(&plan.address, Verb::Forget, &[], Fields::new()));
    }

    /// What the record has in place of what is remembered is gone, and is forgotten where it is kept as the former one.
    pub(super) fn forget_former(&mut self, address: &str, remembered: OperationId) -> OperationId {
        let former = self.record.free_former(address);
        self.operation(&former, Verb::Forget, &[remembered], Fields::new())
    }

    /// Adds an operation.
    pub(super) fn operation(
        &mut self,
        address: &str,
        verb: Verb,
        needs: &[OperationId],
        sets: Fields,
    ) -> OperationId {
        // What is first done to the record of an address, the others of the address wait for.
        let readdresses = matches!(verb, Verb::Readdress { .. });
        if !readdresses {
            self.readdress(address);
        }
        let mut needs = needs.to_vec();
        // What is done at an address that something else had is done once that is known by its new one.
        let given_on = self.given_on.get(address).copied().filter(|_| !readdresses);
        needs.extend(given_on.and_then(|to| self.readdress(to)));
        let id = OperationId(self.operations.len() as u32);
        needs.extend(self.opening.get(address));
        if readdresses || matches!(verb, Verb::Remember { .. } | Verb::Forget) {
            self.opening.insert(address.to_owned(), id);
        }
        needs.sort_unstable();
        needs.dedup();
        self.operations.push(Operation { id, address: address.to_owned(), verb, needs, sets });
        id
    }

    /// The operation that gives a moved address its place in the record, added when first needed.
    pub(super) fn readdress(&mut self, address: &str) -> Option<OperationId> {
        let from = self.origins.get(address)?.clone();
        let there = self
            .operations
            .iter()
            .rev()
            .find(|operation| operation.address == address && matches!(operation.verb, Verb::Readdress { .. }));
        if let Some(operation) = there {
            return Some(operation.id);
        }
        Some(self.operation(address, Verb::Readdress { from }, &[], Fields::new()))
    }

    /// Says that a step of an address is done once this operation is.
    pub(super) fn step(&mut self, address: &str, step: Step, operation: OperationId) {
        self.steps.entry((address.to_owned(), step)).or_default().push(operation);
    }

    /// The operations that a step of an address waits for.
    pub(super) fn after(&self, address: &str, step: Step) -> Vec<OperationId> {
        // The organization's address and the root are one thing.
        let address = if self.desired.org.address.as_deref() == Some(address) { ROOT } else { address };
        self.steps.get(&(address.to_owned(), step)).cloned().unwrap_or_default()
    }

    /// Does this plan make what has the address, so that it has no id yet, or another one than before?
    pub(super) fn is_anew(&self, address: &str) -> bool {
        let makes = |verb: &Verb| {
            matches!(verb, Verb::CreateUnit { .. } | Verb::CreateAccount { .. } | Verb::CreateSet { .. })
        };
        let made = self.after(address, Step::Made);
        made.iter().any(|id| self.operations.get(id.0 as usize).is_some_and(|operation| makes(&operation.verb)))
    }

    /// Adds a change, if it is one. One that only has another address now is a move.
    pub(super) fn change(&mut self, mut change: Change) {
        if let Some(from) = self.origins.get(&change.address) {
            change.from = Some(from.clone());
            let operation = self.readdress(&change.address.clone());
            change.operations.extend(operation);
            change.operations.sort_unstable();
            change.operations.dedup();
            if change.action == Action::NoOp {
                change.action = Action::Move;
            }
        }
        if change.action != Action::NoOp {
            self.changes.push(change);
        }
    }

    /// A note.
    pub(super) fn note(&mut self, message: String, addresses: Vec<String>) {
        self.notices.push(Notice::note(message, addresses));
    }

    /// Says what may come out otherwise than whoever reads the plan takes for granted.
    pub(super) fn warn(&mut self, message: String, addresses: Vec<String>) {
        let (kind, code, allow) = (NoticeKind::Hazard, None, None);
        self.notices.push(Notice { kind, code, message, addresses, allow });
    }

    /// Says that something is queued or under way: what the program says comes to be without this plan.
    pub(super) fn waits(&mut self, message: String, addresses: Vec<String>) {
        let (kind, code, allow) = (NoticeKind::Waits, None, None);
        self.notices.push(Notice { kind, code, message, addresses, allow });
    }

    /// Says that something could not be read: what the plan says is so without it.
    pub(super) fn unread(&mut self, message: String, addresses: Vec<String>) {
        let code = Some(Code::ReadFailed.as_str().to_owned());
        self.notices.push(Notice { kind: NoticeKind::Hazard, code, message, addresses, allow: None });
    }

    /// Fields whose values that are known after apply are filled in, where they are known by now; the names of
    /// those that are not.
    pub(super) fn resolved(&self, fields: &Fields) -> (Fields, Vec<String>) {
        let mut later = Vec::new();
        let known = |place: &str| {
            let (address, field) = place.rsplit_once('.')?;
            (field == "account_id").then(|| self.ids.get(address).cloned())?
        };
        let resolve = |(name, value): (&String, &Json)| {
            let value = super::later::resolve(value, &known);
            if super::later::has_later(&value) {
                later.push(name.clone());
            }
            (name.clone(), value)
        };
        (fields.iter().map(resolve).collect(), later)
    }

    /// Tags as they would be compared: those that the program or the record names.
    pub(super) fn own_tags(wanted: Option<&Json>, entry: Option<&Entry>, live: Option<&Tags>) -> Json {
        let Some(live) = live else {
            // Not read: they are as they were last applied.
            return entry.and_then(|entry| entry.fields.get("tags").cloned()).unwrap_or_else(empty_object);
        };
        let recorded = entry.and_then(|entry| entry.fields.get("tags"));
        let named = |key: &String| {
            let said = [wanted, recorded].into_iter().flatten().any(|tags| tags.get(key).is_some());
            said || [ADDRESS_TAG, PARKED_TAG].contains(&key.as_str())
        };
        let tags =
            live.iter().filter(|(key, _)| named(key)).map(|(key, value)| (key.clone(), Json::from(value.as_str())));
        Json::Object(tags.collect())
    }

    /// The operation that brings tags from one form to the other, if they differ.
    pub(super) fn retag(
        &mut self,
        address: &str,
        before: &Json,
        after: &Json,
        needs: &[OperationId],
    ) -> Option<OperationId> {
        let (before, after) = (tags_of(before), tags_of(after));
        let set: Tags = after.iter().filter(|(key, value)| before.get(*key) != Some(*value)).map(cloned).collect();
        let remove: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
        if set.is_empty() && remove.is_empty() {
            return None;
        }
        let sets = Fields::from_iter([("tags".to_owned(), json_tags(&after))]);
        Some(self.operation(address, Verb::Tag { set, remove }, needs, sets))
    }
}

/// The names of the fields in which two sides differ, of those that `of` has.
pub(super) fn drifted(entry: Option<&Entry>, before: &Fields) -> Vec<String> {
    let Some(entry) = entry else { return Vec::new() };
    let differs = |(name, recorded): &(&String, &Json)| before.get(*name) != Some(*recorded);
    let gone = entry.fields.iter().filter(differs).map(|(name, _)| name.clone());
    let new = before.iter().filter(|(name, value)| !entry.fields.contains_key(*name) && !is_empty(value));
    let mut all: Vec<String> = gone.chain(new.map(|(name, _)| name.clone())).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The same where a field is a document: one that says the same is as it was.
pub(super) fn drifted_with(entry: Option<&Entry>, before: &Fields, document: &str) -> Vec<String> {
    let mut all = drifted(entry, before);
    let recorded = entry.and_then(|entry| entry.fields.get(document));
    if recorded.zip(before.get(document)).is_some_and(|(was, is)| canonical::same(was, is)) {
        all.retain(|name| name != document);
    }
    all
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A change of which nothing is known yet but what it is of.
pub(crate) fn change(address: &str, kind: &str, action: Action) -> Change {
    Change {
        address: address.to_owned(),
        kind: kind.to_owned(),
        action,
        id: None,
        name: String::new(),
        from: None,
        before: None,
        after: None,
        later: Vec::new(),
        drift: Vec::new(),
        unread: false,
        in_force: Vec::new(),
        reason: None,
        sources: Vec::new(),
        operations: Vec::new(),
    }
}

/// Tags of a field. One without a value is none: it was being written when a run died.
pub(crate) fn tags_of(value: &Json) -> Tags {
    let pair = |(key, value): (&String, &Json)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (key.clone(), text)
    };
    let valued = |(_, value): &(&String, &Json)| !value.is_null();
    value.as_object().map(|fields| fields.iter().filter(valued).map(pair).collect()).unwrap_or_default()
}

/// Tags as a field.
pub(crate) fn json_tags(tags: &Tags) -> Json {
    Json::Object(tags.iter().map(|(key, value)| (key.clone(), Json::from(value.as_str()))).collect())
}

pub(super) fn empty_object() -> Json {
    Json::Object(serde_json::Map::new())
}

/// The text of a field.
pub(super) fn text(fields: &Fields, name: &str) -> String {
    fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn turned((address, id): (&String, &String)) -> (String, String) {
    (id.clone(), address.clone())
}

fn cloned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}
