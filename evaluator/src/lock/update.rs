//! What a new reading of the cloud changes in the lock and in the documents beside it. Owns the comparison and the form
//! of the documents; the caller reads the cloud and writes the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cell_lang::files::Files;
use jiff::civil::Date;

use super::policies::{ForeignPolicy, Kind, PinnedOrganization, PinnedPolicy, PolicyFile};
use super::{Lock, digest};
use crate::provider::ManagedPolicy;
use crate::terminal::visible;

/// The organization as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Service control policies that the program does not have, by id.
    pub policies: BTreeMap<String, SeenPolicy>,
    /// Resource control policies, by id.
    pub resource_policies: BTreeMap<String, SeenPolicy>,
}

/// A policy of the organization that others manage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPolicy {
    /// Its name.
    pub name: String,
    /// Where it is attached: addresses of the program, and ids of what the program does not have.
    pub attached: BTreeSet<String>,
    /// The document, as AWS gave it.
    pub document: String,
}

/// What has to be written, in this order: [`Self::write`], the lock, [`Self::remove`]. So the lock never names a
/// document that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Files that are not as they are to be, with what is to be in them.
    pub write: BTreeMap<PolicyFile, String>,
    /// Files that nothing pins any more.
    pub remove: BTreeSet<PolicyFile>,
    /// What changed, for people, in order.
    pub changes: Vec<Change>,
}

/// A pin that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The policy's ARN or id; the organization's id for the organization itself.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What happened.
    pub what: What,
}

/// What happened to a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was not pinned before. The text says as what it is now.
    Pinned(String),
    /// It is pinned otherwise. The text says how.
    Changed(String),
    /// It is pinned no more. The text says why.
    Dropped(String),
}

impl What {
    /// For programs: `pin`, `change` or `drop`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "pin",
            Self::Changed(_) => "change",
            Self::Dropped(_) => "drop",
        }
    }

    /// For people.
    pub fn text(&self) -> &str {
        let (Self::Pinned(text) | Self::Changed(text) | Self::Dropped(text)) = self;
        text
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", visible::whole(&self.name), visible::whole(self.what.text()))
    }
}

/// Why a document cannot be pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document of {id} cannot be pinned: {why}")]
pub struct Unfit {
    /// The policy's ARN or id.
    pub id: String,
    /// Why.
    pub why: String,
}

impl Lock {
    /// Takes in what was read of the cloud on a day, in place of what was pinned; no organization when the program has
    /// nothing in one. `files` are those of the project as they are.
    ///
    /// # Errors
    /// When a document cannot be pinned. The lock is then as it was.
    pub fn update(
        &mut self,
        managed: &BTreeMap<String, ManagedPolicy>,
        organization: Option<&Seen>,
        today: Date,
        files: &dyn Files,
    ) -> Result<Update, Unfit> {
        let former = self.files();
        let mut update = Update::default();
        let policies = update.managed(&self.policies, managed, files)?;
        let former_organization = self.organization.as_ref();
        let organization = match organization {
            Some(seen) => Some(update.organization(former_organization, seen, today, files)?),
            None => update.forgotten(former_organization),
        };
        self.policies = policies;
        self.organization = organization;
        let kept = self.files();
        for (file, pinned) in former.iter().filter(|(file, _)| !kept.contains_key(*file)) {
            // A file that is not as it was pinned is somebody's work: it stays.
            if files.read(file.as_str()).is_ok_and(|bytes| digest(&bytes) == *pinned) {
                update.remove.insert(file.clone());
            }
        }
        Ok(update)
    }

    /// Every file that it pins, with the digest.
    fn files(&self) -> BTreeMap<PolicyFile, String> {
        let managed = self.policies.values().map(|policy| (&policy.file, &policy.digest));
        let foreign = self.organization.iter().flat_map(PinnedOrganization::all);
        let foreign = foreign.map(|(_, _, policy)| (&policy.file, &policy.digest));
        managed.chain(foreign).map(|(file, digest)| (file.clone(), digest.clone())).collect()
    }
}

impl Update {
    fn managed(
        &mut self,
        pinned: &BTreeMap<String, PinnedPolicy>,
        found: &BTreeMap<String, ManagedPolicy>,
        files: &dyn Files,
    ) -> Result<BTreeMap<String, PinnedPolicy>, Unfit> {
        let mut all = BTreeMap::new();
        for (arn, policy) in found {
            let file = PolicyFile::of_managed(arn).ok_or_else(|| unfit(arn, "it is not one of AWS's own"))?;
            let (text, digest) = document(arn, &policy.document)?;
            let (version, date) = (policy.version.clone(), policy.date);
            let new = PinnedPolicy { version, date, digest, file };
            let what = match pinned.get(arn) {
                None => Some(What::Pinned(format!("pinned at {} of {}", new.version, new.date))),
                Some(old) if old.version != new.version => {
                    let same = if old.digest == new.digest { ", the same document" } else { "" };
                    Some(What::Changed(format!("{} → {} of {}{same}", old.version, new.version, new.date)))
                }
                Some(old) if old.digest != new.digest => {
                    Some(What::Changed(format!("{} has another document", new.version)))
                }
                Some(_) => None,
            };
            let name = named(arn);
            self.file(arn, &name, &new.file, (text, &new.digest), what, files);
            all.insert(arn.clone(), new);
        }
        for arn in pinned.keys().filter(|arn| !found.contains_key(*arn)) {
            let why = "no longer pinned".to_owned();
            self.changes.push(Change { id: arn.clone(), name: named(arn), what: What::Dropped(why) });
        }
        Ok(all)
    }

    fn organization(
        &mut self,
        pinned: Option<&PinnedOrganization>,
        found: &Seen,
        today: Date,
        files: &dyn Files,
    ) -> Result<PinnedOrganization, Unfit> {
        let whole = format!("organization {}", found.id);
        let mut tell = |what| self.changes.push(Change { id: found.id.clone(), name: whole.clone(), what });
        match pinned {
            None if found.policies.is_empty() && found.resource_policies.is_empty() => {
                tell(What::Pinned(
                    "seen: no service control policy of others, and no resource control policy".to_owned(),
                ));
            }
            None => tell(What::Pinned("seen".to_owned())),
            Some(old) if old.id != found.id => tell(What::Changed(format!("it was {} before", old.id))),
            Some(_) => {}
        }
        let former = pinned.filter(|old| old.id == found.id);
        let policies = self.policies(Kind::Service, former.map(|old| &old.policies), &found.policies, files)?;
        let looked_for = former.and_then(|old| old.resource_policies.as_ref());
        let resource_policies = self.policies(Kind::Resource, looked_for, &found.resource_policies, files)?;
        let gone = |kind: Kind, id: &String| match kind {
            Kind::Service => !policies.contains_key(id),
            Kind::Resource => !resource_policies.contains_key(id),
        };
        for (kind, id, policy) in
            pinned.iter().flat_map(|pinned| pinned.all()).filter(|(kind, id, _)| gone(*kind, id))
        {
            let why = "no longer pinned: it is gone, or the program's own now".to_owned();
            let name = foreign(kind, id, &policy.name);
            self.changes.push(Change { id: id.clone(), name, what: What::Dropped(why) });
        }
        let new = PinnedOrganization {
            id: found.id.clone(),
            date: today,
            policies,
            resource_policies: Some(resource_policies),
        };
        // The day changes with what was seen only, so that looking again makes no change to review.
        let same = |old: &&PinnedOrganization| PinnedOrganization { date: old.date, ..new.clone() } == **old;
        let date = former.filter(same).map_or(today, |old| old.date);
        Ok(PinnedOrganization { date, ..new })
    }

    /// The policies of one kind.
    fn policies(
        &mut self,
        kind: Kind,
        old: Option<&BTreeMap<String, ForeignPolicy>>,
        found: &BTreeMap<String, SeenPolicy>,
        files: &dyn Files,
    ) -> Result<BTreeMap<String, ForeignPolicy>, Unfit> {
        let mut policies = BTreeMap::new();
        for (id, policy) in found {
            let file =
                PolicyFile::of_foreign(id, &policy.name).ok_or_else(|| unfit(id, "its id is of no known form"))?;
            let (text, digest) = document(id, &policy.document)?;
            let new = ForeignPolicy { name: policy.name.clone(), attached: policy.attached.clone(), digest, file };
            let what = difference(old.and_then(|old| old.get(id)), &new);
            self.file(id, &foreign(kind, id, &new.name), &new.file, (text, &new.digest), what, files);
            policies.insert(id.clone(), new);
        }
        Ok(policies)
    }

    /// There is no organization to look at.
    fn forgotten(&mut self, pinned: Option<&PinnedOrganization>) -> Option<PinnedOrganization> {
        let old = pinned?;
        let why = "no longer pinned: the program has nothing in an organization".to_owned();
        self.changes.push(Change {
            id: old.id.clone(),
            name: format!("organization {}", old.id),
            what: What::Dropped(why),
        });
        None
    }

    /// Notes a document's file, unless it is as it is to be, and what is said of it.
    fn file(
        &mut self,
        id: &str,
        name: &str,
        file: &PolicyFile,
        (text, pinned): (String, &str),
        what: Option<What>,
        files: &dyn Files,
    ) {
        let there = files.read(file.as_str()).is_ok_and(|bytes| digest(&bytes) == pinned);
        if !there {
            self.write.insert(file.clone(), text);
        }
        let restored = (!there).then(|| What::Changed(format!("{file} was not as pinned, and is restored")));
        if let Some(what) = what.or(restored) {
            self.changes.push(Change { id: id.to_owned(), name: name.to_owned(), what });
        }
    }
}

/// How a policy of the organization is pinned otherwise.
fn difference(old: Option<&ForeignPolicy>, new: &ForeignPolicy) -> Option<What> {
    let places = |all: &BTreeSet<String>| {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    };
    let Some(old) = old else {
        return Some(What::Pinned(format!("pinned, attached to {}", places(&new.attached))));
    };
    let mut all = Vec::new();
    if old.name != new.name {
        all.push(format!("it was named `{}` before", old.name));
    }
    if old.digest != new.digest {
        all.push("it has another document".to_owned());
    }
    if old.attached != new.attached {
        all.push(format!("attached to {}, before to {}", places(&new.attached), places(&old.attached)));
    }
    (!all.is_empty()).then(|| What::Changed(all.join("; ")))
}

fn named(arn: &str) -> String {
    format!("policy {}", arn.rsplit('/').next().unwrap_or(arn))
}

fn foreign(kind: Kind, id: &str, name: &str) -> String {
    format!("{kind} `{name}` ({id})")
}

/// A document as it is written, and its digest: one element a line, everything in AWS's order.
fn document(id: &str, text: &str) -> Result<(String, String), Unfit> {
    let mut bytes = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut writer = serde_json::Serializer::pretty(&mut bytes);
    serde_transcode::transcode(&mut reader, &mut writer)
        .and_then(|()| reader.end())
        .map_err(|error| unfit(id, &format!("it is no JSON: {error}")))?;
    bytes.push(b'\n');
    let digest = digest(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| unfit(id, &error.to_string()))?;
    Ok((text, digest))
}

fn unfit(id: &str, why: &str) -> Unfit {
    Unfit { id: id.to_owned(), why: why.to_owned() }
}
