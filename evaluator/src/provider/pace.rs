//! How fast a provider calls, and how it tries again. Owns a token bucket that slows down when it is told to, and the
//! policy of waits between attempts. Pure: time comes in as a distance from any fixed moment, chance as a number.

use std::time::Duration;

/// A second throttled answer this soon after the rate was halved is about requests sent before that.
const SETTLE: Duration = Duration::from_millis(500);
/// A rate that was halved to nothing is back after this long without a throttled answer.
const RECOVERY: Duration = Duration::from_secs(30);
/// The rate never falls below this part of the configured one.
const FLOOR: f64 = 1.0 / 16.0;

/// A token bucket: `rate` requests a second, `burst` of them at once after a pause.
///
/// INVARIANT: no window of one second holds more than `rate + burst` turns, whatever happens to the rate in between;
/// turns are given in the order in which they were asked for.
#[derive(Debug, Clone)]
pub struct Pace {
    configured: f64,
    burst: f64,
    rate: f64,
    /// When the bucket is full again.
    full: Duration,
    /// The last turn given, which may lie ahead.
    last: Duration,
    halved: Option<Duration>,
    raised: Duration,
}

impl Pace {
    /// A bucket that is full. A rate below one request in 100 s and a burst below one count as these.
    pub fn new(rate: f64, burst: u32) -> Self {
        let rate = if rate.is_finite() { rate.clamp(0.01, 1e6) } else { 1e6 };
        Self {
            configured: rate,
            burst: f64::from(burst.max(1)),
            rate,
            full: Duration::ZERO,
            last: Duration::ZERO,
            halved: None,
            raised: Duration::ZERO,
        }
    }

    /// The rate now, in requests a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes the next turn: how long to wait for it.
    pub fn reserve(&mut self, now: Duration) -> Duration {
        let full = self.full.max(now);
        let turn = full.saturating_sub(self.slack()).max(now).max(self.last);
        self.full = full.saturating_add(self.interval());
        self.last = turn;
        turn.saturating_sub(now)
    }

    /// The service refused for its rate: half the rate from here on, and no burst.
    pub fn throttled(&mut self, now: Duration) {
        if self.halved.is_some_and(|at| now.saturating_sub(at) < SETTLE) {
            return;
        }
        self.rate = (self.rate / 2.0).max(self.configured * FLOOR);
        self.halved = Some(now);
        self.raised = now;
        let next = now.max(self.last).saturating_add(self.interval());
        self.full = self.full.max(next.saturating_add(self.slack()));
    }

    /// The service answered: after a throttled answer the rate grows back, by the time that has passed.
    pub fn answered(&mut self, now: Duration) {
        if self.rate >= self.configured {
            return;
        }
        let passed = now.saturating_sub(self.raised).min(Duration::from_secs(1));
        let step = self.configured * passed.as_secs_f64() / RECOVERY.as_secs_f64();
        self.rate = (self.rate + step).min(self.configured);
        self.raised = self.raised.max(now);
    }

    fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }

    fn slack(&self) -> Duration {
        Duration::from_secs_f64((self.burst - 1.0) / self.rate)
    }
}

/// How often and how long a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all, the first one too.
    pub attempts: u32,
    /// The longest wait after the first attempt; it doubles with each one.
    pub base: Duration,
    /// The longest wait ever.
    pub cap: Duration,
    /// No attempt begins later than this after the first one.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 10,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(15),
            total: Duration::from_mins(2),
        }
    }
}

impl Patience {
    /// The wait before the next attempt, after `tried` attempts in the time `spent`: somewhere between nothing and a
    /// bound that doubles, by `chance` from 0 to 1. None when it is time to give up.
    pub fn wait(&self, tried: u32, spent: Duration, chance: f64) -> Option<Duration> {
        if tried >= self.attempts {
            return None;
        }
        let doublings = tried.saturating_sub(1).min(20);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 1.0 };
        let wait = bound.mul_f64(chance);
        (spent.saturating_add(wait) <= self.total).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_its_rate() {
        let mut pace = Pace::new(10.0, 3);
        let waits: Vec<_> = (0..6).map(|_| pace.reserve(ms(0)).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
    }

    #[test]
    fn a_pause_fills_the_bucket_no_further_than_its_burst() {
        let mut pace = Pace::new(10.0, 2);
        for _ in 0..5 {
            pace.reserve(ms(0));
        }
        let waits: Vec<_> = (0..4).map(|_| pace.reserve(ms(60_000)).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200]);
    }

    #[test]
    fn a_throttled_answer_halves_the_rate_once_and_empties_the_bucket() {
        let mut pace = Pace::new(16.0, 8);
        pace.throttled(ms(1000));
        pace.throttled(ms(1100));
        assert!((pace.rate() - 8.0).abs() < 1e-9);
        assert_eq!(pace.reserve(ms(1100)).as_millis(), 25);
        assert_eq!(pace.reserve(ms(1100)).as_millis(), 150);
        for second in 2..40 {
            pace.throttled(ms(second * 1000));
        }
        assert!((pace.rate() - 1.0).abs() < 1e-9, "{}", pace.rate());
    }

    #[test]
    fn the_rate_grows_back_to_the_configured_one_and_no_further() {
        let mut pace = Pace::new(16.0, 1);
        pace.throttled(ms(0));
        pace.answered(ms(1000));
        assert!(pace.rate() > 8.0 && pace.rate() < 9.0, "{}", pace.rate());
        for second in 2..60 {
            pace.answered(ms(second * 1000));
        }
        assert!((pace.rate() - 16.0).abs() < 1e-9);
    }

    #[test]
    fn silence_does_not_raise_the_rate() {
        let mut pace = Pace::new(16.0, 1);
        pace.throttled(ms(0));
        pace.answered(ms(3_600_000));
        assert!(pace.rate() < 9.0, "{}", pace.rate());
    }

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let patience = Patience { attempts: 6, base: ms(100), cap: ms(500), total: ms(10_000) };
        let waits: Vec<_> = (1..7).map(|tried| patience.wait(tried, ms(0), 1.0).map(|w| w.as_millis())).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(400), Some(500), Some(500), None]);
        assert_eq!(patience.wait(1, ms(9_950), 1.0), None);
        assert_eq!(patience.wait(1, ms(9_950), 0.5), Some(ms(50)));
        assert_eq!(patience.wait(3, ms(0), f64::NAN), Some(ms(400)));
    }

    /// What happens to a bucket.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Reserve,
        Throttled,
        Answered,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![6 => Just(Event::Reserve), 1 => Just(Event::Throttled), 2 => Just(Event::Answered)]
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_rate_and_burst(
            rate in 1u32..60,
            burst in 1u32..20,
            events in prop::collection::vec((event(), 0u64..400), 1..300),
        ) {
            let mut pace = Pace::new(f64::from(rate), burst);
            let mut now = Duration::ZERO;
            let mut turns = Vec::new();
            for (event, passed) in events {
                // Most events come in bunches.
                now += ms(passed.saturating_sub(300) * 10);
                match event {
                    Event::Reserve => turns.push(now + pace.reserve(now)),
                    Event::Throttled => pace.throttled(now),
                    Event::Answered => pace.answered(now),
                }
            }
            prop_assert!(turns.is_sorted());
            for (first, turn) in turns.iter().enumerate() {
                let within = turns[first..].iter().take_while(|t| **t < *turn + ms(1000)).count();
                prop_assert!(within <= (rate + burst) as usize, "{within} turns in the second from {turn:?}");
            }
        }
    }
}
