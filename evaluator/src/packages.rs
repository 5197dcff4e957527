//! Packages: folders `packages/name@version` of the project, whose files are read only as the lock pins them, by
//! SHA-256. Owns the comparison (spec/packages.md); the lock's form is [`crate::lock`]'s.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cell_lang::files::{FileError, Files, PACKAGE};

use crate::lock::{Lock, digest};

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
}
