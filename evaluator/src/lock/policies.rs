//! Documents of policies that no program writes, as the lock pins them: each in a file of its own beside the lock, so
//! that a change of AWS's is a diff to review. Owns where these files lie and the comparison with their digests; what
//! a document means is the permission engine's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::{FileError, Files};
use cell_lang::source::{FileId, Span};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{LOCK_FILE, Lock, digest};
use crate::access::pins::Pins;

/// The folder of all pinned documents, in the project's.
const FOLDER: &str = "policies/";
/// The longest piece of a policy's name in the name of a file.
const SLUG: usize = 60;

/// A managed policy of AWS's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedPolicy {
    /// AWS's id of the version: `v8`.
    pub version: String,
    /// The day on which AWS made the version.
    pub date: Date,
    /// Of the bytes of [`Self::file`].
    pub digest: String,
    /// Where the document lies.
    pub file: PolicyFile,
}

/// The organization as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedOrganization {
    /// Its id: `o-…`.
    pub id: String,
    /// The day on which it was first seen so.
    pub date: Date,
    /// Service control policies that the program does not have, by id; `FullAWSAccess` is left out.
    #[serde(default)]
    pub policies: BTreeMap<String, ForeignPolicy>,
    /// Resource control policies, by id; `RCPFullAWSAccess` is left out. None: it was never looked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policies: Option<BTreeMap<String, ForeignPolicy>>,
}

impl PinnedOrganization {
    /// All its policies, by kind.
    pub fn all(&self) -> impl Iterator<Item = (Kind, &String, &ForeignPolicy)> {
        let service = self.policies.iter().map(|(id, policy)| (Kind::Service, id, policy));
        let resource = self.resource_policies.iter().flatten().map(|(id, policy)| (Kind::Resource, id, policy));
        service.chain(resource)
    }
}

/// What a policy of the organization limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A service control policy: what principals of its accounts do.
    Service,
    /// A resource control policy: what is done to resources of its accounts.
    Resource,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "service control policy",
            Self::Resource => "resource control policy",
        })
    }
}

/// A policy of the organization that others manage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignPolicy {
    /// Its name.
    pub name: String,
    /// Where it is attached: addresses of the program, and ids of what the program does not have.
    pub attached: BTreeSet<String>,
    /// Of the bytes of [`Self::file`].
    pub digest: String,
    /// Where the document lies.
    pub file: PolicyFile,
}

/// A file of a pinned document, by its path from the project's folder.
///
/// INVARIANT: it lies below `policies/`, ends with `.json` and climbs nowhere: a lock comes in by pull requests, and
/// [`super::update`] replaces and removes the files that it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PolicyFile(String);

impl PolicyFile {
    /// The file of one of AWS's managed policies: `policies/aws/job-function/ViewOnlyAccess.json`, the partition
    /// first. None for what is no ARN of such a policy.
    pub fn of_managed(arn: &str) -> Option<Self> {
        let (partition, rest) = arn.strip_prefix("arn:")?.split_once(':')?;
        let name = rest.strip_prefix("iam::aws:policy/")?;
        Self::try_from(format!("{FOLDER}{partition}/{name}.json")).ok()
    }

    /// The file of a policy of the organization: `policies/organization/deny-regions.p-abc12345.json`.
    pub fn of_foreign(id: &str, name: &str) -> Option<Self> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let words: String = name.chars().map(plain).take(SLUG).collect();
        let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
        let head = if words.is_empty() { String::new() } else { words.join("-") + "." };
        Self::try_from(format!("{FOLDER}organization/{head}{id}.json")).ok()
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PolicyFile {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        let names = || path.split('/');
        let sound = path.starts_with(FOLDER)
            && path.strip_suffix(".json").is_some()
            && names().all(|name| !name.is_empty() && !name.starts_with('.') && name.chars().all(plain));
        if sound { Ok(Self(path)) } else { Err(format!("`{path}` is no `.json` file below `{FOLDER}`")) }
    }
}

impl Lock {
    /// The documents that it pins, each as its digest says.
    ///
    /// # Errors
    /// A finding for every file that is missing or another one, at the start of [`LOCK_FILE`], as the one file of a
    /// [`cell_lang::source::SourceMap`].
    pub fn pins(&self, files: &dyn Files) -> Result<Pins, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut document = |what: String, file: &PolicyFile, pinned: &str| match read(files, file, pinned) {
            Ok(text) => Some(text),
            Err(error) => {
                faults.push(refused(&what, file, &error));
                None
            }
        };
        let mut pins = Pins::default();
        for (arn, policy) in &self.policies {
            let text = document(format!("managed policy {arn}"), &policy.file, &policy.digest);
            pins.managed.extend(text.map(|text| (arn.clone(), text)));
            pins.files.insert(arn.clone(), policy.file.to_string());
        }
        for (kind, id, policy) in self.organization.iter().flat_map(PinnedOrganization::all) {
            let what = format!("{kind} `{}` ({id})", policy.name);
            let Some(text) = document(what, &policy.file, &policy.digest) else { continue };
            pins.files.insert(policy.name.clone(), policy.file.to_string());
            let limits = match kind {
                Kind::Service => &mut pins.organization,
                Kind::Resource => &mut pins.resources,
            };
            let attached = limits.get_or_insert_default();
            for at in &policy.attached {
                attached.entry(at.clone()).or_default().push((policy.name.clone(), text.clone()));
            }
        }
        if let Some(organization) = &self.organization {
            pins.organization_id = Some(organization.id.clone());
            pins.organization.get_or_insert_default();
            if organization.resource_policies.is_some() {
                pins.resources.get_or_insert_default();
            }
        }
        if faults.is_empty() { Ok(pins) } else { Err(faults) }
    }

    /// How many documents it pins.
    pub fn documents(&self) -> usize {
        self.policies.len() + self.organization.as_ref().map_or(0, |organization| organization.all().count())
    }
}

/// A document, if it is the pinned one.
fn read(files: &dyn Files, file: &PolicyFile, pinned: &str) -> Result<String, FileError> {
    let bytes = files.read(file.as_str())?;
    let found = digest(&bytes);
    if found != pinned {
        return Err(FileError::Changed { pinned: pinned.to_owned(), found });
    }
    String::from_utf8(bytes).map_err(|_| FileError::Unreadable("it is not UTF-8".to_owned()))
}

fn refused(what: &str, file: &PolicyFile, error: &FileError) -> Diagnostic {
    let message = format!("the document of {what} cannot be used: {file}: {}", error.clause());
    let finding = Diagnostic::new(Code::PolicyNotPinned, Span::new(FileId(0), 0, 0), message);
    let finding = match error {
        FileError::Changed { pinned, found } => finding.help(format!("pinned {pinned}, found {found}")),
        _ => finding,
    };
    finding.help(format!(
        "restore {file} and {LOCK_FILE} from version control, or fetch the document again by `cellc lock --update`"
    ))
}
