//! The record while a run changes it: every event goes to the journal and into the record in memory.
//!
//! Owns what must be durable before a call is sent (an intent to create) and what may wait for others (what was
//! done: it can be read again). A journal that cannot be written stops the run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::provider::Clock;
use crate::registry::record::{Event, FORMAT_VERSION, Line, Record, RecordError};
use crate::registry::sound;
use crate::registry::store::{Lease, Store, StoreError};

/// Lines that wait for a write at most.
const MOST_WAITING: usize = 64;
/// How long lines wait at most, as long as others come.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How it is said that only the journal was left.
pub const NOT_DROPPED: &str = "the record was written, and its journal could not be dropped";

/// Why a record is not there, or was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The place did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record holds all of it, and what is left of the journal changes nothing; it could not be dropped.
    #[error("{NOT_DROPPED}: {0}")]
    NotDropped(StoreError),
    /// What lies there makes no sense.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// A record as it lies in a store: the snapshot with the journal folded in.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The record.
    pub record: Record,
    /// The snapshot it began from.
    pub version: Option<String>,
    /// Did a run end before its snapshot: are there lines that are not in it?
    pub unfinished: bool,
    /// Is there a journal, of which all lines are in the snapshot?
    pub undropped: bool,
}

/// Reads a record.
pub fn load(store: &dyn Store) -> Result<Loaded, JournalError> {
    let stored = store.load()?;
    let mut record = match &stored {
        Some(stored) => Record::parse(&stored.bytes)?,
        None => Record { format_version: FORMAT_VERSION.to_owned(), ..Record::default() },
    };
    let segments = store.segments()?;
    let unfinished = record.replay(&segments)?;
    sound::check(&record)?;
    let undropped = !unfinished && !segments.is_empty();
    Ok(Loaded { record, version: stored.map(|stored| stored.version), unfinished, undropped })
}

/// The journal of a run.
#[derive(Debug)]
pub struct Journal<'a> {
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    lease: Lease,
    state: Mutex<State>,
    /// One write at a time; those that come meanwhile are in the next.
    writing: Mutex<()>,
}

#[derive(Debug)]
struct State {
    record: Record,
    /// What lines are written under.
    fence: u64,
    version: Option<String>,
    waiting: Vec<u8>,
    lines: usize,
    since: Timestamp,
}

impl<'a> Journal<'a> {
    /// Takes up the record of a store under a lock that is held. What an earlier run left in the journal is folded
    /// into the snapshot first.
    pub fn open(store: &'a dyn Store, clock: &'a dyn Clock, lease: Lease) -> Result<Self, JournalError> {
        let Loaded { record, version, unfinished, undropped } = load(store)?;
        // The locks of another place, or of a file that was deleted, count anew: what is written now must not read
        // as of a lost owner.
        let fence = lease.fence.max(record.fence);
        let state = State { record, fence, version, waiting: Vec::new(), lines: 0, since: clock.now() };
        let journal = Self { store, clock, lease, state: Mutex::new(state), writing: Mutex::new(()) };
        if unfinished {
            journal.fold(fence)?;
        } else if undropped {
            journal.drop_lines()?;
        }
        Ok(journal)
    }

    /// The lock it writes under.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The record as it is now.
    pub fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// Looks at the record as it is now.
    pub fn with<R>(&self, look: impl FnOnce(&Record) -> R) -> R {
        look(&self.state().record)
    }

    /// Writes an event down. It is durable when this returns.
    pub fn commit(&self, event: Event) -> Result<(), JournalError> {
        self.add(event);
        self.flush()
    }

    /// Writes an event down, together with others if they come soon.
    pub fn note(&self, event: Event) -> Result<(), JournalError> {
        let due = self.add(event);
        if due { self.flush() } else { Ok(()) }
    }

    fn add(&self, event: Event) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        let line = Line { fence: state.fence, run: self.lease.owner.run.clone(), at: now, event };
        state.record.apply(&line);
        if state.lines == 0 {
            state.since = now;
        }
        // An event has no way to fail as JSON.
        state.waiting.extend_from_slice(serde_json::to_string(&line).unwrap_or_default().as_bytes());
        state.waiting.push(b'\n');
        state.lines += 1;
        let waited = now.duration_since(state.since);
        state.lines >= MOST_WAITING || waited.unsigned_abs() >= LONGEST_WAIT
    }

    /// Makes everything durable that was written down.
    pub fn flush(&self) -> Result<(), JournalError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, count) = {
            let mut state = self.state();
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.lines))
        };
        if lines.is_empty() {
            return Ok(());
        }
        self.store.append(&self.lease, &lines).map_err(|error| {
            // What was not written waits again: a later flush may succeed.
            let mut state = self.state();
            let newer = std::mem::replace(&mut state.waiting, lines.clone());
            state.waiting.extend_from_slice(&newer);
            state.lines += count;
            error.into()
        })
    }

    /// Says that the run still lives.
    pub fn renew(&self) -> Result<(), JournalError> {
        Ok(self.store.renew(&self.lease)?)
    }

    /// Makes sure that nobody else has the lock, before something is begun.
    pub fn assure(&self) -> Result<(), JournalError> {
        Ok(self.store.assure(&self.lease)?)
    }

    /// Replaces the snapshot by the record as it is now, and drops the journal.
    pub fn snapshot(&self) -> Result<(), JournalError> {
        self.flush()?;
        // Lines of this lock are in the snapshot, too: whichever of them are left when the process dies while it drops
        // the journal must change nothing. One that speaks of a beginning, without the one of its end, would.
        let next = self.state().fence + 1;
        self.fold(next)
    }

    /// Replaces the snapshot by one that has all lines of locks before `fence`, and drops the journal.
    fn fold(&self, fence: u64) -> Result<(), JournalError> {
        let (bytes, version) = {
            let mut state = self.state();
            state.record.serial += 1;
            state.fence = fence;
            state.record.fence = fence;
            FORMAT_VERSION.clone_into(&mut state.record.format_version);
            (state.record.to_bytes()?, state.version.clone())
        };
        let saved = self.store.save(&self.lease, &bytes, version.as_deref())?;
        self.state().version = Some(saved);
        self.drop_lines()
    }

    fn drop_lines(&self) -> Result<(), JournalError> {
        self.store.clear(&self.lease).map_err(JournalError::NotDropped)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
