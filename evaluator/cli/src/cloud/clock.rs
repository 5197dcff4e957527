//! The system's time, and that of an embedded sandbox.

use std::sync::Arc;
use std::time::Duration;

use cell_eval::provider::Clock;
use cell_sandbox::Sandbox;

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The time of an embedded sandbox, which goes by at once when somebody waits for it: what takes days takes seconds there.
#[derive(Debug, Clone)]
pub(crate) struct SandboxClock(pub(crate) Arc<Sandbox>);

impl Clock for SandboxClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0.now()).unwrap_or(jiff::Timestamp::MAX)
    }

    fn sleep(&self, time: Duration) {
        if self.0.advance(time).is_err() {
            // Its disk is full: time goes by as it does elsewhere.
            std::thread::sleep(time);
        }
    }
}
