//! What pins what a program takes from elsewhere: `cell.lock`.
//!
//! Owns the lock's format (spec/packages.md, spec/pins.md) and its versions. Files of packages are compared with it by
//! [`crate::packages`], documents of policies by [`policies`]; [`update`] says what a new reading of the cloud changes
//! in it. Reads files through [`Files`] and writes nothing.

pub mod policies;
pub mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::{FileError, Files};
use cell_lang::source::{FileId, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::digest::sha256;
use policies::{PinnedOrganization, PinnedPolicy};

/// The newest format that this version knows. A reader takes any minor version of the same major one, and what is
/// written has the oldest that has all that is in it.
pub const FORMAT_VERSION: &str = "1.2";
/// The format of a lock that pins packages only.
const PACKAGES_ONLY: &str = "1.0";
/// The lock's file, in the project's folder.
pub const LOCK_FILE: &str = "cell.lock";

/// What `cell.lock` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    format_version: String,
    /// For each package, by name and version, each file's digest.
    packages: BTreeMap<String, Package>,
    /// AWS's managed policies, by ARN.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, PinnedPolicy>,
    /// The organization as it was seen; none when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<PinnedOrganization>,
    /// What a later minor version wrote, kept as it is.
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    files: BTreeMap<String, String>,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            format_version: PACKAGES_ONLY.to_owned(),
            packages: BTreeMap::new(),
            policies: BTreeMap::new(),
            organization: None,
            rest: BTreeMap::new(),
        }
    }
}

/// Why a lock cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It is no JSON of the lock's form.
    #[error("cell.lock cannot be read: {0}")]
    Malformed(String),
    /// It was written by a later version.
    #[error("cell.lock has format {0}, and this version reads {FORMAT_VERSION}")]
    Version(String),
}

impl Lock {
    /// The lock of a project; an empty one if there is none, or nothing in it.
    ///
    /// # Errors
    /// A finding at the start of [`LOCK_FILE`], as the one file of a [`cell_lang::source::SourceMap`].
    pub fn read(project: &dyn Files) -> Result<Self, Diagnostic> {
        let bytes = match project.read(LOCK_FILE) {
            Ok(bytes) => bytes,
            Err(FileError::NotFound) => return Ok(Self::default()),
            Err(error) => {
                return Err(unusable(format!("{LOCK_FILE} cannot be read: {}", error.clause())));
            }
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        Self::parse(&bytes).map_err(|error| unusable(error.to_string()))
    }

    /// Reads a lock.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        /// Of a lock of any version.
        #[derive(Deserialize)]
        struct Versioned {
            format_version: String,
        }
        let malformed = |error: serde_json::Error| LockError::Malformed(error.to_string());
        // A later format may have another form: its version is what has to be told.
        let Versioned { format_version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if major(&format_version) != major(FORMAT_VERSION) {
            return Err(LockError::Version(format_version));
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    /// The lock as it is written: sorted, one file a line.
    pub fn to_text(&self) -> Result<String, LockError> {
        let mut lock = self.clone();
        let plain = lock.policies.is_empty() && lock.organization.is_none();
        if !plain && minor(&lock.format_version) < minor(FORMAT_VERSION) {
            FORMAT_VERSION.clone_into(&mut lock.format_version);
        }
        let text = serde_json::to_string_pretty(&lock).map_err(|error| LockError::Malformed(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Does it pin nothing?
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.policies.is_empty() && self.organization.is_none()
    }

    /// The digest of a file of a package: `name@version/path`.
    pub(crate) fn digest(&self, path: &str) -> Option<&str> {
        let (package, file) = path.split_once('/')?;
        self.packages.get(package)?.files.get(file).map(String::as_str)
    }

    /// Takes in what was seen of packages. A file that is pinned otherwise is taken only when `update` says so; else it
    /// is returned: path, pinned digest, found digest.
    pub fn pin(&mut self, seen: &BTreeMap<String, String>, update: bool) -> Vec<(String, String, String)> {
        let mut changed = Vec::new();
        for (path, found) in seen {
            let Some((package, file)) = path.split_once('/') else { continue };
            let files = &mut self.packages.entry(package.to_owned()).or_default().files;
            match files.get(file) {
                Some(pinned) if pinned != found && !update => {
                    changed.push((path.clone(), pinned.clone(), found.clone()));
                }
                _ => {
                    files.insert(file.to_owned(), found.clone());
                }
            }
        }
        changed
    }
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

fn minor(version: &str) -> u64 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

/// A finding about the lock itself.
fn unusable(message: String) -> Diagnostic {
    Diagnostic::new(Code::NotPinned, Span::new(FileId(0), 0, 0), message).help(format!(
        "restore {LOCK_FILE} from version control, or remove it, review the packages and run `cellc lock`"
    ))
}

/// The digest of a file, as the lock writes it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}
