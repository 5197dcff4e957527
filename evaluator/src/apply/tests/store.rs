//! A place for the record in memory, and what goes wrong with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::time::Life;
use crate::registry::store::{Lease, Owner, Store, StoreError, Stored};

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// After so many segments the disk is full.
    DiskFull(usize),
    /// After so many segments the lock is another's.
    LockLost(usize),
    /// The snapshot was replaced by another run.
    SaveMoved,
    /// No answer comes; whether the snapshot was replaced.
    SaveUnknown(bool),
    /// The snapshot is replaced, and the journal is not dropped.
    ClearFails,
    /// The process dies while it drops the journal; of so many segments one is left, the one of this number.
    DiesClearing(usize, usize),
    /// The process dies once so many lines of the journal are durable; the next may be there in part.
    DiesAtLine(usize, bool),
}

#[derive(Debug, Default)]
struct Held {
    snapshot: Option<Stored>,
    segments: Vec<Vec<u8>>,
    fence: u64,
    holder: Option<Owner>,
    saved: u64,
    fault: Fault,
}

/// The place.
#[derive(Debug)]
pub(crate) struct FakeStore {
    life: Arc<Life>,
    held: Mutex<Held>,
    appended: AtomicUsize,
    lines: AtomicUsize,
}

impl FakeStore {
    /// Empty.
    pub(crate) fn new(life: Arc<Life>) -> Self {
        Self { life, held: Mutex::default(), appended: AtomicUsize::new(0), lines: AtomicUsize::new(0) }
    }

    /// One that holds the same, and no lock.
    pub(crate) fn copy(&self, life: Arc<Life>) -> Self {
        let held = self.held();
        let (snapshot, segments) = (held.snapshot.clone(), held.segments.clone());
        let copied = Held { snapshot, segments, fence: held.fence, saved: held.saved, ..Held::default() };
        Self { held: Mutex::new(copied), ..Self::new(life) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this goes wrong.
    pub(crate) fn fault(&self, fault: Fault) {
        self.appended.store(0, Ordering::SeqCst);
        self.lines.store(0, Ordering::SeqCst);
        self.held().fault = fault;
    }

    /// Lines written since the last fault was set.
    pub(crate) fn lines(&self) -> usize {
        self.lines.load(Ordering::SeqCst)
    }

    /// Segments written since the last fault was set.
    pub(crate) fn appended(&self) -> usize {
        self.appended.load(Ordering::SeqCst)
    }

    /// The lock of a process that died is gone with it.
    pub(crate) fn free(&self) {
        self.held().holder = None;
    }

    /// Changes the snapshot behind everybody's back.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut crate::registry::record::Record)) {
        let mut held = self.held();
        let Some(stored) = &mut held.snapshot else { return };
        let Ok(mut record) = crate::registry::record::Record::parse(&stored.bytes) else { return };
        change(&mut record);
        stored.bytes = record.to_bytes().unwrap_or_default();
    }

    fn owned(held: &Held, lease: &Lease) -> Result<(), StoreError> {
        match &held.holder {
            Some(owner) if *owner == lease.owner => Ok(()),
            _ => Err(StoreError::LockLost("another run took it".to_owned())),
        }
    }
}

impl Store for FakeStore {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn lock(&self, owner: &Owner) -> Result<Lease, StoreError> {
        let mut held = self.held();
        if let Some(holder) = &held.holder {
            return Err(StoreError::Locked(Box::new(holder.clone())));
        }
        held.fence += 1;
        held.holder = Some(owner.clone());
        Ok(Lease { owner: owner.clone(), fence: held.fence })
    }

    fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        Self::owned(&self.held(), lease)
    }

    fn assure(&self, lease: &Lease) -> Result<(), StoreError> {
        Self::owned(&self.held(), lease)
    }

    fn unlock(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut held = self.held();
        Self::owned(&held, lease)?;
        held.holder = None;
        Ok(())
    }

    fn holder(&self) -> Result<Option<Owner>, StoreError> {
        Ok(self.held().holder.clone())
    }

    fn break_lock(&self) -> Result<Option<Owner>, StoreError> {
        Ok(self.held().holder.take())
    }

    fn load(&self) -> Result<Option<Stored>, StoreError> {
        Ok(self.held().snapshot.clone())
    }

    fn save(&self, lease: &Lease, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let mut held = self.held();
        if self.life.is_over() {
            return Ok("dead".to_owned());
        }
        Self::owned(&held, lease)?;
        let is = held.snapshot.as_ref().map(|stored| stored.version.as_str());
        if is != version || held.fault == Fault::SaveMoved {
            return Err(StoreError::Moved);
        }
        if held.fault == Fault::SaveUnknown(false) {
            return Err(StoreError::Unknown("the connection was reset".to_owned()));
        }
        held.saved += 1;
        let version = format!("v{}", held.saved);
        held.snapshot = Some(Stored { bytes: bytes.to_vec(), version: version.clone() });
        match held.fault {
            Fault::SaveUnknown(true) => Err(StoreError::Unknown("the connection was reset".to_owned())),
            _ => Ok(version),
        }
    }

    fn append(&self, lease: &Lease, segment: &[u8]) -> Result<(), StoreError> {
        let mut held = self.held();
        if self.life.is_over() {
            return Ok(());
        }
        Self::owned(&held, lease)?;
        let before = self.appended.fetch_add(1, Ordering::SeqCst);
        match held.fault {
            Fault::DiskFull(after) if before >= after => {
                return Err(StoreError::Failed("no space left on device".to_owned()));
            }
            Fault::LockLost(after) if before >= after => {
                return Err(StoreError::LockLost("it expired".to_owned()));
            }
            _ => {}
        }
        let mut durable = Vec::new();
        for line in segment.split_inclusive(|byte| *byte == b'\n') {
            let number = self.lines.fetch_add(1, Ordering::SeqCst);
            if let Fault::DiesAtLine(after, torn) = held.fault
                && number >= after
            {
                durable.extend(line.iter().take(if torn { line.len() / 2 } else { 0 }));
                self.life.end();
                break;
            }
            durable.extend_from_slice(line);
        }
        if !durable.is_empty() {
            held.segments.push(durable);
        }
        Ok(())
    }

    fn segments(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.held().segments.clone())
    }

    fn clear(&self, _lease: &Lease) -> Result<(), StoreError> {
        let mut held = self.held();
        if self.life.is_over() {
            return Ok(());
        }
        if held.fault == Fault::ClearFails {
            return Err(StoreError::Failed("access denied".to_owned()));
        }
        if let Fault::DiesClearing(of, left) = held.fault {
            let mut number = 0;
            held.segments.retain(|_| {
                number += 1;
                (number - 1) % of == left
            });
            self.life.end();
            return Ok(());
        }
        held.segments.clear();
        Ok(())
    }
}
