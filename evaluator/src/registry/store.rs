//! Where the record lies: what a place for it must do. Owns the trait and its errors; knows nothing of what is in
//! the record.
//!
//! The record is a snapshot plus the segments of a journal. A snapshot is replaced whole and only by whoever read
//! the one before it; segments are only appended, and are durable when [`Store::append`] returns.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::terminal::visible;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The run.
    pub run: String,
    /// Who started it: `user@host`, as far as the environment says.
    pub who: String,
    /// Its process.
    pub process: u32,
    /// What it does: `apply`.
    pub command: String,
    /// Since when.
    pub since: jiff::Timestamp,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A lock is written by whoever may, under whatever name its environment has.
        let Self { process, since, .. } = self;
        let [who, command, run] = [&self.who, &self.command, &self.run].map(|text| visible::text(text));
        write!(f, "{who} (`cellc {command}`, run {run}, process {process}) since {since}")
    }
}

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// By whom.
    pub owner: Owner,
    /// Grows with every lock taken: what an earlier owner still writes is known by its lower number.
    pub fence: u64,
}

/// A snapshot as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which one it is, to the store: an ETag, a digest.
    pub version: String,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another run holds the lock.
    #[error("the registry is locked by {0}")]
    Locked(Box<Owner>),
    /// The lock is no longer ours: it expired or was broken, and another run may write.
    #[error("the lock of this run was lost: {0}")]
    LockLost(String),
    /// What lies in the lock's place is no lock: nobody can tell who holds it.
    #[error("{0}")]
    NoLock(String),
    /// The snapshot was replaced by somebody else since it was read.
    #[error("the record was written by another run since it was read")]
    Moved,
    /// Reading or writing failed; what was there before is still there.
    #[error("{0}")]
    Failed(String),
    /// Nobody can tell whether the write was done: no answer came.
    #[error("no answer came: {0}")]
    Unknown(String),
}

/// A place for the record.
pub trait Store: Send + Sync + fmt::Debug {
    /// Where it is, for people: `.cellc/registry.json`, `s3://bucket/key`.
    fn place(&self) -> String;

    /// Takes the lock, or says who holds it.
    fn lock(&self, owner: &Owner) -> Result<Lease, StoreError>;
    /// Says that the owner still lives; where a lock goes with its process, this does nothing.
    fn renew(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Whether the lock is certainly still ours, before something is begun that only its owner may do: it is renewed first where
    /// another run may have taken it meanwhile. Asks nobody while none may have.
    fn assure(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Gives the lock back.
    fn unlock(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Who holds it.
    fn holder(&self) -> Result<Option<Owner>, StoreError>;
    /// Takes the lock away from an owner that is lost, or from what is no lock; who that was. [`StoreError::Locked`] where it goes with a
    /// process, and that lives.
    fn break_lock(&self) -> Result<Option<Owner>, StoreError>;

    /// The snapshot; none when there is none yet.
    fn load(&self) -> Result<Option<Stored>, StoreError>;
    /// Replaces the snapshot that has `version` (none: there must be none yet); the new version. After
    /// [`StoreError::Unknown`] the caller reads again.
    fn save(&self, lease: &Lease, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError>;

    /// Adds a segment to the journal. It is durable when this returns.
    fn append(&self, lease: &Lease, segment: &[u8]) -> Result<(), StoreError>;
    /// The segments of the journal in the order in which they were added, those of every run since the last
    /// [`Store::clear`]. A segment that was being written as its process died may be cut short.
    fn segments(&self) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Drops the journal, when a snapshot holds all that is in it.
    fn clear(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// What lies beside the record: the cells for other tools, and releases. It is written by condition, and needs no lock:
/// whoever reads one version replaces that one only.
pub trait Shelf: Send + Sync + fmt::Debug {
    /// What a moment of this machine's clock is by the clock of the place, which all who share the place share. Who is
    /// at work, and until when, is told by that one.
    fn time(&self, own: jiff::Timestamp) -> jiff::Timestamp {
        own
    }

    /// Where it is, for people.
    fn published_place(&self, which: Published) -> String;
    /// What lies there; none when nothing was published yet.
    fn published(&self, which: Published) -> Result<Option<Stored>, StoreError>;
    /// Replaces what has `version` (none: there must be none yet); [`StoreError::Moved`] when somebody else was faster.
    fn publish(&self, which: Published, bytes: &[u8], version: Option<&str>) -> Result<(), StoreError>;

    /// Where the releases' object of this name is, for people. A name is of letters, digits, `._-%`, with one `/` at most.
    fn object_place(&self, name: &str) -> String;
    /// The names of all objects without a `/`, in order.
    fn objects(&self) -> Result<Vec<String>, StoreError>;
    /// What lies there; none when nothing does.
    fn object(&self, name: &str) -> Result<Option<Stored>, StoreError>;
    /// Replaces what has `version` (none: there must be none yet); the new version. [`StoreError::Moved`] when somebody
    /// else was faster.
    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError>;
}

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The cells.
    Cells,
    /// Their JSON Schema.
    Schema,
}

/// A place for the record and for what is published beside it.
pub trait Registry: Store + Shelf {}

impl<T: Store + Shelf> Registry for T {}

impl Published {
    /// The name of what is published beside a record: the cells of `x/registry.json` are `x/registry.cells.json`.
    pub fn name(self, record: &str) -> String {
        let ending = match self {
            Self::Cells => "cells.json",
            Self::Schema => "cells.schema.json",
        };
        format!("{}.{ending}", record.strip_suffix(".json").unwrap_or(record))
    }
}

#[cfg(test)]
mod tests {
    use super::Published;

    #[test]
    fn what_is_published_lies_beside_the_record() {
        assert_eq!(Published::Cells.name("x/registry.json"), "x/registry.cells.json");
        assert_eq!(Published::Schema.name("record"), "record.cells.schema.json");
    }
}
