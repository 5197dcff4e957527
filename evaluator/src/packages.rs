//! Packages and what pins them: `cell.lock`.
//!
//! A package is a folder `packages/name@version` of the project. Its files are read only as the lock pins them,
//! by SHA-256. Owns the lock's format (spec/packages.md) and the comparison; reads files through [`Files`] and
//! writes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::{FileError, Files, PACKAGE};
use cell_lang::source::{FileId, Span};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format this version writes. A reader takes any minor version of the same major one.
pub const FORMAT_VERSION: &str = "1.0";
/// The lock's file, in the project's folder.
pub const LOCK_FILE: &str = "cell.lock";

/// What `cell.lock` says: for each package, by name and version, each file's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    format_version: String,
    packages: BTreeMap<String, Package>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    files: BTreeMap<String, String>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), packages: BTreeMap::new() }
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
        let lock: Self = serde_json::from_slice(bytes).map_err(|error| LockError::Malformed(error.to_string()))?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&lock.format_version) != major(FORMAT_VERSION) {
            return Err(LockError::Version(lock.format_version));
        }
        Ok(lock)
    }

    /// The lock as it is written: sorted, one file a line.
    pub fn to_text(&self) -> Result<String, LockError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| LockError::Malformed(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Does it pin nothing?
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    fn digest(&self, path: &str) -> Option<&str> {
        let (package, file) = path.split_once('/')?;
        self.packages.get(package)?.files.get(file).map(String::as_str)
    }

    /// Takes in what was seen. A file that is pinned otherwise is taken only when `update` says so; else it is
    /// returned: path, pinned digest, found digest.
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

/// A finding about the lock itself.
fn unusable(message: String) -> Diagnostic {
    Diagnostic::new(Code::NotPinned, Span::new(FileId(0), 0, 0), message).help(format!(
        "restore {LOCK_FILE} from version control, or remove it, review the packages and run `cellc lock`"
    ))
}

/// The digest of a file, as the lock writes it.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

/// Files of a project; those of packages only as the lock pins them.
#[derive(Debug)]
pub struct Pinned<'f, F> {
    files: &'f F,
    lock: &'f Lock,
}

impl<'f, F: Files> Pinned<'f, F> {
    /// Puts the lock before the files.
    pub fn new(files: &'f F, lock: &'f Lock) -> Self {
        Self { files, lock }
    }
}

impl<F: Files> Files for Pinned<'_, F> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let Some(inside) = path.strip_prefix(PACKAGE) else { return self.files.read(path) };
        let pinned = self.lock.digest(inside).ok_or(FileError::NotPinned)?;
        let bytes = self.files.read(path)?;
        let found = digest(&bytes);
        if found == pinned { Ok(bytes) } else { Err(FileError::Changed { pinned: pinned.to_owned(), found }) }
    }
}

/// Files of a project, noting the digest of each file of a package that is read.
#[derive(Debug)]
pub struct Noting<'f, F> {
    files: &'f F,
    seen: Mutex<BTreeMap<String, String>>,
}

impl<'f, F: Files> Noting<'f, F> {
    /// Begins with nothing seen.
    pub fn new(files: &'f F) -> Self {
        Self { files, seen: Mutex::new(BTreeMap::new()) }
    }

    /// What was seen: `name@version/path` and digest.
    pub fn seen(self) -> BTreeMap<String, String> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Files> Files for Noting<'_, F> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let bytes = self.files.read(path)?;
        if let Some(inside) = path.strip_prefix(PACKAGE) {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(inside.to_owned(), digest(&bytes));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A project of one package file.
    struct One(&'static [u8]);

    impl Files for One {
        fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
            if path == "pkg:acme@1.0/a.cell" { Ok(self.0.to_vec()) } else { Err(FileError::NotFound) }
        }
    }

    fn seen(bytes: &'static [u8]) -> BTreeMap<String, String> {
        let files = One(bytes);
        let noting = Noting::new(&files);
        noting.read("pkg:acme@1.0/a.cell").unwrap();
        noting.seen()
    }

    #[test]
    fn a_file_is_read_only_as_it_is_pinned() {
        let mut lock = Lock::default();
        let files = One(b"let a = 1");
        assert_eq!(Pinned::new(&files, &lock).read("pkg:acme@1.0/a.cell"), Err(FileError::NotPinned));
        assert_eq!(lock.pin(&seen(b"let a = 1"), false), []);
        assert_eq!(Pinned::new(&files, &lock).read("pkg:acme@1.0/a.cell").unwrap(), b"let a = 1");
        let changed = One(b"let a = 2");
        let refused = Pinned::new(&changed, &lock).read("pkg:acme@1.0/a.cell");
        assert!(matches!(refused, Err(FileError::Changed { .. })), "{refused:?}");
    }

    #[test]
    fn a_changed_file_is_pinned_again_only_when_asked() {
        let mut lock = Lock::default();
        lock.pin(&seen(b"let a = 1"), false);
        let before = lock.clone();
        assert_eq!(lock.pin(&seen(b"let a = 2"), false).len(), 1);
        assert_eq!(lock, before);
        assert_eq!(lock.pin(&seen(b"let a = 2"), true), []);
        assert_ne!(lock, before);
        assert_eq!(Lock::parse(lock.to_text().unwrap().as_bytes()).unwrap(), lock);
    }

    #[test]
    fn a_lock_of_a_later_format_is_refused() {
        let later = br#"{"format_version": "2.0", "packages": {}}"#;
        assert_eq!(Lock::parse(later), Err(LockError::Version("2.0".into())));
        assert!(matches!(Lock::parse(b"{"), Err(LockError::Malformed(_))));
    }

    #[test]
    fn digests_are_those_of_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest(b"abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
