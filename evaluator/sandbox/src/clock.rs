//! Sandbox time: a point where it met the wall clock, and how fast it runs since.

use crate::input::Millis;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where sandbox time stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clock {
    wall: Millis,
    sandbox: Millis,
    speed: f64,
}

fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

impl Clock {
    pub(crate) fn start(speed: f64) -> Self {
        let now = wall();
        Self { wall: now, sandbox: now, speed }
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn now(&self) -> Millis {
        let elapsed = (wall() - self.wall).max(0) as f64 * self.speed;
        self.sandbox.saturating_add(elapsed as Millis)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.sandbox = self.sandbox.saturating_add(Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX));
    }

    pub(crate) fn set_speed(&mut self, speed: f64) {
        let sandbox = self.now();
        *self = Self { wall: wall(), sandbox, speed };
    }
}
