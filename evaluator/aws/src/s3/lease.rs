//! The lock object: a lease as it lies in the bucket. Owns its form and who holds it when.
//!
//! INVARIANT: the number of a lock object never goes back, so the object is never deleted: giving a lock back writes it
//! without an owner.

use std::time::Duration;

use cell_eval::registry::store::{Lease, Owner, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the lock object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Who has it; nobody when it was given back.
    pub(super) owner: Option<Owner>,
    /// The number of the last lock that was taken.
    pub(super) fence: u64,
    /// Until when, unless it is renewed.
    pub(super) deadline: Timestamp,
}

impl Record {
    pub(super) fn held(lease: &Lease, now: Timestamp, time: Duration) -> Self {
        Self { owner: Some(lease.owner.clone()), fence: lease.fence, deadline: later(now, time) }
    }

    pub(super) fn released(fence: u64, now: Timestamp) -> Self {
        Self { owner: None, fence, deadline: now }
    }

    pub(super) fn parse(bytes: &[u8], place: &str) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::NoLock(format!("the lock {place} cannot be read: {error}")))
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::Failed(error.to_string()))
    }

    /// Who holds it now.
    pub(super) fn holder(&self, now: Timestamp) -> Option<&Owner> {
        self.owner.as_ref().filter(|_| now < self.deadline)
    }

    /// Is it this lease? One whose time is over is, as long as nobody took it.
    pub(super) fn is(&self, lease: &Lease) -> bool {
        self.fence == lease.fence && self.owner.as_ref() == Some(&lease.owner)
    }

    /// Why it is not ours any more.
    pub(super) fn lost(&self) -> StoreError {
        StoreError::LockLost(match &self.owner {
            Some(owner) => format!("it was taken by {owner}"),
            None => "it was given back or broken".to_owned(),
        })
    }
}

/// So much later; the end of time where there is no such moment.
pub(super) fn later(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn owner(run: &str) -> Owner {
        let (who, command) = ("ana@laptop".to_owned(), "apply".to_owned());
        Owner { run: run.to_owned(), who, process: 7, command, since: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_lease_ends_by_its_deadline_and_is_ours_until_somebody_takes_it() {
        let lease = Lease { owner: owner("a"), fence: 3 };
        let record = Record::held(&lease, Timestamp::UNIX_EPOCH, Duration::from_mins(1));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(record.holder(at(59)), Some(&lease.owner));
        assert_eq!(record.holder(at(60)), None);
        assert!(record.is(&lease));
        assert!(!record.is(&Lease { fence: 4, ..lease.clone() }));
        assert!(!record.is(&Lease { owner: owner("b"), ..lease.clone() }));
        assert!(!Record::released(3, at(0)).is(&lease));
        assert_eq!(Record::parse(&record.bytes().unwrap(), "p").unwrap(), record);
        assert!(matches!(Record::parse(b"{", "p"), Err(StoreError::NoLock(_))));
    }
}
