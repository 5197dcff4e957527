//! Waiting for what goes on elsewhere: how long between two looks, for how long in all, and how often a call is made whose
//! answer got lost on the way.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Answer, Clock};

/// Times that a call is made. A provider tries again by itself: this is for answers that get lost on the way to it.
pub const TRIES: u32 = 3;

/// How often is asked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Between the first two looks; the time between looks doubles
    pub first: Duration,
    /// up to this.
    pub longest: Duration,
    /// No wait begins later than this after the beginning.
    pub patience: SignedDuration,
}

impl Waits {
    /// Waits after so many looks.
    pub fn pause(&self, clock: &dyn Clock, looks: u32) {
        let wait = self.first.saturating_mul(1 << looks.min(16));
        clock.sleep(wait.min(self.longest));
    }

    /// Asks, and asks again where no answer came or a later one may be another.
    ///
    /// # Errors
    /// The last one.
    pub fn ask<T>(&self, clock: &dyn Clock, question: impl Fn() -> Answer<T>) -> Answer<T> {
        let mut tried = 0;
        loop {
            match question() {
                Err(error) if error.failure.may_repeat() && tried + 1 < TRIES => self.pause(clock, tried),
                answer => return answer,
            }
            tried += 1;
        }
    }
}
