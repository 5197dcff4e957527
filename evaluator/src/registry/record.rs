//! The record: what the last applies left behind, by address. It is the third way of the diff.
//!
//! Owns its form and how [`Event`]s of a journal change it; where it lies is [`super::store`]'s. Holds no secret.
//! `INVARIANT`: applying the same event twice is the same as applying it once, so that a journal that was folded
//! into a snapshot and not yet dropped does no harm.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::plan::model::Fields;
use crate::resources::ResourceKind;
use crate::stacks::StackPlace;

/// The format this version writes. A reader takes any minor version of the same major one.
pub const FORMAT_VERSION: &str = "1.0";

/// What the record says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format.
    #[serde(default)]
    pub format_version: String,
    /// Grows by one with every snapshot.
    #[serde(default)]
    pub serial: u64,
    /// From which fence on lines of a journal count: those of earlier locks, and of the run that wrote it, are in it.
    #[serde(default)]
    pub fence: u64,
    /// The organization it is of; none before the first apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Identity>,
    /// What is owned, by address.
    #[serde(default)]
    pub resources: BTreeMap<String, Entry>,
    /// Groups and users, by address: they are looked up, never made.
    #[serde(default)]
    pub principals: BTreeMap<String, Principal>,
    /// Emptied accounts that wait for a cell, by id.
    #[serde(default)]
    pub parked: BTreeMap<String, Parked>,
    /// What was begun and nobody saw the end of yet, by address.
    #[serde(default)]
    pub pending: BTreeMap<String, Pending>,
    /// Cells and accounts that were torn down, by address: their blocks may go without a `removed` line.
    #[serde(default)]
    pub gone: BTreeMap<String, Gone>,
    /// The cells as other tools read them, by address.
    #[serde(default)]
    pub cells: BTreeMap<String, Json>,
    /// The plan that was run last, when not all of it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UnderWay>,
    /// The id of the plan that was run last, when all of it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
}

/// A plan that was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// Its id: `plan-…`
    pub plan: String,
    /// The digest of the program it was run for, as [`crate::plan::desired::Desired::digest`] has it.
    pub program: String,
    /// When the first of the runs began that came to no end since one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Requests to give and to take away of those runs, of which what they did was seen by a list: the address of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, String>,
    /// What those runs gave another address, and the addresses that it had before, the first of them first. What each is marked with
    /// only the cloud says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readdressed: BTreeMap<String, Vec<String>>,
}

impl UnderWay {
    /// Takes in that something has another address.
    pub(crate) fn readdress(&mut self, from: &str, to: &str) {
        let mut had = self.readdressed.remove(from).unwrap_or_default();
        if !had.iter().any(|former| former == from) {
            had.push(from.to_owned());
        }
        self.readdressed.insert(to.to_owned(), had);
    }
}

/// Which organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `o-…`
    pub organization: String,
    /// The management account.
    pub management_account: String,
    /// The instance of Identity Center, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// What an operation says by this name is no field of the resource, but [`Entry::in_force`]; null once all accounts have the set's form.
pub const IN_FORCE: &str = "in_force";

/// The outcome of a run that did all that it was to do.
pub const DONE: &str = "done";
/// The outcome of a run that found nothing to do: what was under way is asked for no more.
pub const SETTLED: &str = "settled";

/// Something owned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its kind.
    pub kind: String,
    /// Its id in the cloud; empty for what is known by its address alone (an assignment, an attachment).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its fields as they were last applied.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Of a permission set that was edited and has not come to every account since: the form that the others still have; empty where nobody
    /// knows which. The fields are what the set itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<Fields>,
    /// Is its removal refused without a `removed` line?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// When.
    pub applied_at: Timestamp,
    /// By which run.
    pub run: String,
}

impl Entry {
    /// A thing that is about to be taken over: its id is known, and nothing was applied to it.
    pub fn claim(kind: &str, id: &str, at: Timestamp) -> Self {
        let (kind, id, run) = (kind.to_owned(), id.to_owned(), String::new());
        Self { kind, id, fields: Fields::new(), in_force: None, protect: false, applied_at: at, run }
    }

    /// Where it is, as the name of what was begun says it; none of what is known otherwise.
    pub fn place(&self) -> Option<String> {
        match self.kind.as_str() {
            "stack" => StackPlace::of_arn(&self.id)
                .map(|StackPlace { account, region, name }| format!("{account}/{region}/{name}")),
            "repository_policy" => Some(self.id.clone()),
            _ => None,
        }
    }

    /// Is it about to be taken over?
    pub fn is_claim(&self) -> bool {
        self.run.is_empty()
    }
}

/// A group or a user that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its id in the identity store.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An account that waits for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The address it had.
    pub from: String,
    /// Its e-mail, which it keeps.
    pub email: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

/// A creation that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The kind of what is created.
    pub kind: String,
    /// Its name; of an attachment its policy's address, of a repository's policy the account and the repository, of a stack the
    /// account, the region and the name, with slashes between.
    pub name: String,
    /// An account's e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When it was begun.
    pub at: Timestamp,
    /// By which run.
    pub run: String,
    /// The id that the service gave the request, once it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Of a repository's policy what is being written: it may be there, and is then no doing of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Json>,
}

impl Pending {
    /// Where a stack is that was begun; none of another kind.
    pub fn place(&self) -> Option<StackPlace> {
        let mut parts = self.name.splitn(3, '/').map(str::to_owned);
        let (account, region, name) = (parts.next()?, parts.next()?, parts.next()?);
        (self.kind == "stack").then_some(StackPlace { account, region, name })
    }
}

/// Something that was torn down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// What became of it: `parked`, `closed`, `kept`, `deleted`.
    pub fate: String,
    /// When.
    pub at: Timestamp,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The fence of the lock it was written under.
    pub fence: u64,
    /// The run.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    Began {
        /// The plan.
        plan: String,
        /// The digest of the program.
        #[serde(default)]
        program: String,
        /// The organization it is for.
        organization: Identity,
        /// Groups and users as they were looked up.
        principals: BTreeMap<String, Principal>,
    },
    /// Something is about to be created, by a call that nothing tells apart from a second one, or written.
    Intent {
        /// Its address.
        address: String,
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// An account's e-mail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        /// Of a repository's policy what is to be written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Json>,
    },
    /// The service answered with an id of the request.
    Requested {
        /// The address.
        address: String,
        /// The id.
        request: String,
    },
    /// The creation came to nothing, for certain.
    Abandoned {
        /// The address.
        address: String,
    },
    /// A resource is as said, and was seen so.
    Done {
        /// Its address.
        address: String,
        /// Its kind.
        kind: String,
        /// Its id, when it became known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Fields that are now so.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        fields: Fields,
        /// Is its removal refused without a `removed` line?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protect: Option<bool>,
        /// The request that gave it, of an assignment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// A resource is no more, and was seen to be no more.
    Deleted {
        /// Its address.
        address: String,
        /// The request that took it away, of an assignment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// A cell or account has come to its end.
    Ended {
        /// Its address.
        address: String,
        /// What became of it.
        fate: String,
    },
    /// A resource left the record and stays in the cloud.
    Forgotten {
        /// Its address.
        address: String,
    },
    /// A resource has another address.
    Readdressed {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// An account is emptied and waits.
    Parked {
        /// The address it had.
        address: String,
        /// Its id.
        account: String,
        /// Its e-mail.
        email: String,
        /// Its name.
        name: String,
    },
    /// The run ended by itself.
    Finished {
        /// `done`, `failed`, `interrupted`.
        outcome: String,
        /// The cells as other tools read them.
        #[serde(default)]
        cells: BTreeMap<String, Json>,
    },
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is no JSON of the record's form.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
    /// A later version wrote it.
    #[error("the record has format {0}, and this version reads {FORMAT_VERSION}")]
    Version(String),
    /// No run writes what stands in it.
    #[error("the record cannot be used: {0}")]
    Unsound(String),
    /// A line in the middle of the journal cannot be read.
    #[error("line {line} of the journal cannot be read: {why}")]
    Journal {
        /// Which line, from 1 over all segments.
        line: usize,
        /// Why.
        why: String,
    },
}

impl Record {
    /// Reads a snapshot.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self =
            serde_json::from_slice(bytes).map_err(|error| RecordError::Malformed(error.to_string()))?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&record.format_version) == major(FORMAT_VERSION) {
            Ok(record)
        } else {
            Err(RecordError::Version(record.format_version))
        }
    }

    /// The snapshot as it is written: one resource a line.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let tree = serde_json::to_value(self).map_err(|error| RecordError::Malformed(error.to_string()))?;
        let mut out = String::from("{\n");
        let Json::Object(fields) = tree else { return Err(RecordError::Malformed("no object".into())) };
        let last = fields.len().saturating_sub(1);
        for (at, (name, value)) in fields.iter().enumerate() {
            let comma = if at == last { "" } else { "," };
            match value {
                Json::Object(entries) if !entries.is_empty() && name != "organization" => {
                    let lines: Vec<String> = entries
                        .iter()
                        .map(|(key, entry)| format!("  {}: {entry}", Json::from(key.as_str())))
                        .collect();
                    out.push_str(&format!("{}: {{\n{}\n}}{comma}\n", Json::from(name.as_str()), lines.join(",\n")));
                }
                value => out.push_str(&format!("{}: {value}{comma}\n", Json::from(name.as_str()))),
            }
        }
        out.push_str("}\n");
        Ok(out.into_bytes())
    }

    /// The entry of an address.
    pub fn entry(&self, address: &str) -> Option<&Entry> {
        self.resources.get(address)
    }

    /// Folds the segments of a journal in, oldest first. A last line that was cut short as its process died never
    /// happened; one in the middle of a segment is an error. Whether any line was there.
    pub fn replay(&mut self, segments: &[Vec<u8>]) -> Result<bool, RecordError> {
        let mut any = false;
        let mut number = 0;
        for segment in segments {
            let text = String::from_utf8_lossy(segment);
            let mut lines = text.split_inclusive('\n').peekable();
            while let Some(line) = lines.next() {
                number += 1;
                if line.trim().is_empty() {
                    continue;
                }
                match serde_json::from_str::<Line>(line) {
                    // A line of an earlier lock that was written after it was lost changes nothing.
                    Ok(line) if line.fence < self.fence => {}
                    Ok(line) => {
                        self.apply(&line);
                        any = true;
                    }
                    Err(_) if lines.peek().is_none() && !line.ends_with('\n') => {}
                    Err(error) => return Err(RecordError::Journal { line: number, why: error.to_string() }),
                }
            }
        }
        Ok(any)
    }

    /// Takes in what happened.
    pub fn apply(&mut self, line: &Line) {
        self.fence = self.fence.max(line.fence);
        match &line.event {
            Event::Began { plan, program, organization, principals } => {
                let (plan, program) = (plan.clone(), program.clone());
                // What is known of earlier runs that came to no end stays known.
                self.under_way = Some(match self.under_way.take() {
                    Some(former) => UnderWay { plan, program, since: former.since.or(Some(line.at)), ..former },
                    None => UnderWay { plan, program, since: Some(line.at), ..UnderWay::default() },
                });
                self.finished = None;
                self.organization = Some(organization.clone());
                self.principals.extend(principals.iter().map(|(address, found)| (address.clone(), found.clone())));
            }
            Event::Intent { address, kind, name, email, content } => {
                let (kind, name, email, content) = (kind.clone(), name.clone(), email.clone(), content.clone());
                let (at, run, request) = (line.at, line.run.clone(), None);
                let pending = Pending { kind, name, email, at, run, request, content };
                self.pending.insert(address.clone(), pending);
            }
            Event::Requested { address, request } => {
                if let Some(pending) = self.pending.get_mut(address) {
                    pending.request = Some(request.clone());
                }
            }
            Event::Abandoned { address } => {
                self.pending.remove(address);
            }
            Event::Done { .. } => self.done(line),
            Event::Deleted { address, request } => {
                self.see(address, request.as_ref());
                self.resources.remove(address);
                // What goes beside it says nothing of what is begun in its place.
                self.pending.remove(address);
            }
            Event::Forgotten { address } => {
                self.resources.remove(address);
                self.pending.remove(base_of(address));
            }
            Event::Ended { address, fate } => {
                self.resources.remove(address);
                self.gone.insert(address.clone(), Gone { fate: fate.clone(), at: line.at });
            }
            Event::Readdressed { from, to } => {
                if let Some(entry) = self.resources.remove(from) {
                    self.resources.insert(to.clone(), entry);
                }
                self.rename_in_fields(from, to);
                if let Some(begun) = &mut self.under_way {
                    begun.readdress(from, to);
                }
                if let Some(pending) = self.pending.remove(from) {
                    self.pending.insert(to.clone(), pending);
                }
            }
            Event::Parked { address, account, email, name } => {
                // Of several that one address had, and of one whose address is in use again, each has an address of its own
                // while it is taken over.
                let from = base_of(address).to_owned();
                self.resources.remove(address);
                if from == *address {
                    self.gone.insert(from.clone(), Gone { fate: "parked".to_owned(), at: line.at });
                }
                let (email, name) = (email.clone(), name.clone());
                self.parked.insert(account.clone(), Parked { from, email, name, since: line.at });
            }
            Event::Finished { outcome, cells } => {
                self.cells.clone_from(cells);
                match outcome.as_str() {
                    DONE => self.finished = self.under_way.take().map(|begun| begun.plan).or(self.finished.take()),
                    SETTLED => self.under_way = None,
                    _ => {}
                }
            }
        }
    }

    /// Under which address the record has an id of `address`: its own, or that of a former one.
    pub fn held_as(&self, address: &str, id: &str) -> Option<String> {
        let own = self.resources.get_key_value(address);
        own.into_iter().chain(self.formers(address)).find(|(_, entry)| entry.id == id).map(|(place, _)| place.clone())
    }

    /// An address for another former one of `address`.
    pub fn free_former(&self, address: &str) -> String {
        let next = |place: &String| Some(former_address(place));
        let mut places = std::iter::successors(Some(former_address(address)), next);
        let free = places.find(|place| !self.resources.contains_key(place));
        free.unwrap_or_else(|| former_address(address))
    }

    fn formers(&self, address: &str) -> impl Iterator<Item = (&String, &Entry)> {
        let first = former_address(address);
        self.resources.range(first.clone()..).take_while(move |(place, _)| place.starts_with(&first))
    }

    /// What says by address where it is says the new one. Only units are named so.
    pub(crate) fn rename_in_fields(&mut self, from: &str, to: &str) {
        if self.resources.get(to).is_none_or(|entry| entry.kind != "ou") {
            return;
        }
        for entry in self.resources.values_mut() {
            for name in ["ou", "parent"] {
                if let Some(value) = entry.fields.get_mut(name).filter(|value| value.as_str() == Some(from)) {
                    *value = Json::from(to);
                }
            }
        }
    }

    fn see(&mut self, address: &str, request: Option<&String>) {
        if let (Some(begun), Some(request)) = (&mut self.under_way, request) {
            begun.seen.insert(request.clone(), address.to_owned());
        }
    }

    fn done(&mut self, line: &Line) {
        let Event::Done { address, kind, id, fields, protect, request } = &line.event else { return };
        self.see(address, request.as_ref());
        let former = self.resources.get(address).filter(|entry| is_made_anew(entry, id.as_deref())).cloned();
        if let Some(former) = former {
            // What it was made in place of is still there, and ours until it is deleted. Where one of those comes back, they change
            // places.
            let held = id.as_deref().and_then(|id| self.held_as(address, id));
            let place = held.unwrap_or_else(|| self.free_former(address));
            self.resources.insert(place, former);
        }
        let entry = self.resources.entry(address.clone()).or_insert_with(|| Entry {
            kind: kind.clone(),
            id: String::new(),
            fields: Fields::new(),
            in_force: None,
            protect: false,
            applied_at: line.at,
            run: line.run.clone(),
        });
        if let Some(id) = id {
            if entry.id != *id {
                entry.fields.clear();
                entry.in_force = None;
            }
            entry.id.clone_from(id);
            self.parked.remove(id);
            self.pending.remove(address);
            // An e-mail has one account: who asked for it at another address waits for nothing any more.
            if let (true, Some(email)) =
                (*kind == ResourceKind::Account.name(), fields.get("email").and_then(Json::as_str))
            {
                let is_other =
                    |pending: &Pending| pending.email.as_ref().is_none_or(|asked| !asked.eq_ignore_ascii_case(email));
                self.pending.retain(|_, pending| is_other(pending));
            }
            // What a run that was killed made in place of another, and nobody wants, is written down beside that one.
            self.pending.remove(base_of(address));
            self.gone.remove(address);
        }
        // Of what has no id, that it is done says all.
        if entry.kind == ResourceKind::ScpAttachment.name() {
            self.pending.remove(address);
        }
        for (name, value) in fields {
            if name == IN_FORCE {
                let form = value.as_object().cloned();
                entry.in_force = form.map(|form| form.into_iter().collect());
            } else if value.is_null() {
                entry.fields.remove(name);
            } else {
                entry.fields.insert(name.clone(), value.clone());
            }
        }
        entry.protect = protect.unwrap_or(entry.protect);
        entry.applied_at = line.at;
        entry.run.clone_from(&line.run);
    }
}

/// The address of a unit or set that was made anew, until it is deleted.
pub fn former_address(address: &str) -> String {
    format!("{address}{FORMER}")
}

/// The address without what says that it is of a former one.
pub fn base_of(address: &str) -> &str {
    address.trim_end_matches(FORMER)
}

/// What stands behind the address of something that another was made in place of.
pub const FORMER: &str = ":former";

/// Does a new id mean that another thing was made, and the former one is still there?
fn is_made_anew(entry: &Entry, id: Option<&str>) -> bool {
    let kind = match entry.kind.as_str() {
        "ou" | "permission_set" => true,
        // One of the same name in the same place was made since the former one is gone.
        "stack" => id.is_some_and(|id| StackPlace::of_arn(id) != StackPlace::of_arn(&entry.id)),
        _ => false,
    };
    kind && !entry.is_claim() && !entry.id.is_empty() && id.is_some_and(|id| id != entry.id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn line(event: Event) -> Line {
        Line { fence: 3, run: "r1".into(), at: Timestamp::UNIX_EPOCH, event }
    }

    fn text(lines: &[Line]) -> Vec<u8> {
        lines.iter().flat_map(|line| (serde_json::to_string(line).unwrap() + "\n").into_bytes()).collect()
    }

    fn some() -> Vec<Line> {
        let made = |address: &str, id: &str| Event::Done {
            address: address.into(),
            kind: "account".into(),
            id: Some(id.into()),
            fields: Fields::from_iter([("name".to_owned(), Json::from("a"))]),
            protect: Some(true),
            request: None,
        };
        let intent = Event::Intent {
            address: "cell.a".into(),
            kind: "account".into(),
            name: "a".into(),
            email: None,
            content: None,
        };
        let requested = Event::Requested { address: "cell.a".into(), request: "car-1".into() };
        let moved = Event::Readdressed { from: "cell.a".into(), to: "cell.b".into() };
        [intent, requested, made("cell.a", "1"), moved].map(line).to_vec()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record { format_version: FORMAT_VERSION.into(), ..Record::default() };
        assert!(record.replay(&[text(&some())]).unwrap());
        assert_eq!(record.entry("cell.b").unwrap().id, "1");
        assert!(record.pending.is_empty() && record.entry("cell.a").is_none());
        assert_eq!(Record::parse(&record.to_bytes().unwrap()).unwrap(), record);
    }

    #[test]
    fn a_journal_folds_in_twice_as_once() {
        let mut once = Record::default();
        once.replay(&[text(&some())]).unwrap();
        let mut twice = once.clone();
        twice.replay(&[text(&some()[2..3])]).unwrap();
        twice.replay(&[text(&some()[3..])]).unwrap();
        assert_eq!(once, twice);
    }

    #[test]
    fn what_is_made_anew_leaves_the_former_one_in_the_record() {
        let made = |id: &str| Event::Done {
            address: "permission_set.P".into(),
            kind: "permission_set".into(),
            id: Some(id.into()),
            fields: Fields::new(),
            protect: None,
            request: None,
        };
        let mut record = Record::default();
        record.replay(&[text(&[line(made("old")), line(made("new")), line(made("new"))])]).unwrap();
        assert_eq!(record.entry("permission_set.P").unwrap().id, "new");
        assert_eq!(record.entry("permission_set.P:former").unwrap().id, "old");
    }

    #[test]
    fn a_plan_that_was_carried_out_is_known_until_another_begins() {
        let began = |plan: &str| {
            let organization =
                Identity { organization: "o-1".into(), management_account: "111111111111".into(), instance: None };
            Event::Began { plan: plan.into(), program: "p".into(), organization, principals: BTreeMap::new() }
        };
        let ended = |outcome: &str| Event::Finished { outcome: outcome.into(), cells: BTreeMap::new() };
        let after = |events: Vec<Event>| {
            let mut record = Record::default();
            record.replay(&[text(&events.into_iter().map(line).collect::<Vec<_>>())]).unwrap();
            (record.under_way.map(|begun| begun.plan), record.finished)
        };
        let one = || Some("one".to_owned());
        assert_eq!(after(vec![began("one"), ended(DONE), ended(DONE), ended(SETTLED)]), (None, one()));
        assert_eq!(after(vec![began("one"), ended("failed")]), (one(), None));
        assert_eq!(after(vec![began("one"), ended("failed"), ended(SETTLED)]), (None, None));
        assert_eq!(after(vec![began("one"), ended(DONE), began("two")]), (Some("two".to_owned()), None));
    }

    #[test]
    fn a_line_cut_short_never_happened() {
        let whole = text(&some());
        let mut record = Record::default();
        assert!(record.replay(&[whole[..whole.len() - 9].to_vec()]).unwrap());
        assert_eq!(record.entry("cell.a").unwrap().id, "1");
        let broken = [b"{\"fence\":1}\n".to_vec(), whole].concat();
        assert!(matches!(Record::default().replay(&[broken]), Err(RecordError::Journal { line: 1, .. })));
    }

    #[test]
    fn what_a_lost_owner_still_wrote_changes_nothing() {
        let mut record = Record { fence: 4, ..Record::default() };
        assert!(!record.replay(&[text(&some())]).unwrap());
        assert_eq!(record, Record { fence: 4, ..Record::default() });
    }

    #[test]
    fn a_record_of_a_later_format_is_refused() {
        assert_eq!(Record::parse(br#"{"format_version": "2.0"}"#), Err(RecordError::Version("2.0".into())));
        assert!(matches!(Record::parse(b"{"), Err(RecordError::Malformed(_))));
    }
}
