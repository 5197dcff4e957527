//! Time that stands still until somebody sleeps, and the life of the process that a test ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::Clock;

/// A clock that a sleep advances at once.
#[derive(Debug)]
pub(crate) struct StillClock(Mutex<Timestamp>);

impl StillClock {
    /// Stands at an instant.
    pub(crate) fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Where it stands.
    pub(crate) fn at(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.at()
    }

    fn sleep(&self, time: Duration) {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO);
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = at.checked_add(time).unwrap_or(*at);
    }
}

/// Does the process live? Once it is dead, nothing it sends arrives and nothing it writes lasts.
#[derive(Debug, Default)]
pub(crate) struct Life(AtomicBool);

impl Life {
    /// It dies.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Another process begins.
    pub(crate) fn begin(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Is it dead?
    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
