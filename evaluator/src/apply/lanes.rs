//! How many operations of IAM Identity Center run at once: fewer when the service pushes back, more again when it
//! does not. Owns the number; who counts the pushes, and what runs, it does not know.
//!
//! Additive increase, multiplicative decrease, as in Chiu and Jain, "Analysis of the Increase and Decrease Algorithms
//! for Congestion Avoidance" (1989): several runs that share the service end up with like shares of it.

/// The lanes that are open. `INVARIANT`: from one to as many as were configured.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    configured: u64,
    open: u64,
    /// Pushes that have been answered to.
    seen: u64,
    /// Operations begun before the last cut and not ended: their pushes are part of its cause.
    before: u64,
    /// Operations ended since the last change.
    calm: u64,
}

impl Lanes {
    /// All of them open; none configured counts as one.
    pub(super) fn new(configured: u64) -> Self {
        let configured = configured.max(1);
        Self { configured, open: configured, seen: 0, before: 0, calm: 0 }
    }

    /// How many may run at once now.
    pub(super) fn open(&self) -> u64 {
        self.open
    }

    /// An operation has ended, `flying` others are under way, and the service has pushed back so often in all. The
    /// new number, where it became smaller.
    pub(super) fn ended(&mut self, flying: u64, pushes: u64) -> Option<u64> {
        let pushed = pushes > self.seen;
        self.seen = self.seen.max(pushes);
        if self.before > 0 {
            self.before -= 1;
            return None;
        }
        if pushed {
            self.before = flying;
            self.calm = 0;
            let half = (self.open / 2).max(1);
            return (std::mem::replace(&mut self.open, half) > half).then_some(half);
        }
        self.calm += 1;
        if self.calm >= self.open {
            self.calm = 0;
            self.open = (self.open + 1).min(self.configured);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_burst_of_pushes_halves_once() {
        let mut lanes = Lanes::new(8);
        assert_eq!(lanes.ended(7, 3), Some(4));
        let later: Vec<_> = (4..11).map(|pushes| lanes.ended(7, pushes)).collect();
        assert_eq!(later, [None; 7]);
        assert_eq!(lanes.ended(3, 11), Some(2));
    }

    #[test]
    fn each_calm_round_opens_one_more_up_to_the_configured_ones() {
        let mut lanes = Lanes::new(4);
        lanes.ended(0, 1);
        let after = |lanes: &mut Lanes, rounds: usize| {
            (0..rounds).for_each(|_| assert_eq!(lanes.ended(0, 1), None));
            lanes.open()
        };
        assert_eq!([after(&mut lanes, 1), after(&mut lanes, 1), after(&mut lanes, 3)], [2, 3, 4]);
        assert_eq!(after(&mut lanes, 100), 4);
    }

    proptest! {
        #[test]
        fn never_none_and_never_more_than_configured(
            configured in 0_u64..20,
            ends in prop::collection::vec((0_u64..20, 0_u64..3), 0..200),
        ) {
            let mut lanes = Lanes::new(configured);
            let mut pushes = 0;
            for (flying, more) in ends {
                pushes += more;
                let before = lanes.open();
                let told = lanes.ended(flying, pushes);
                prop_assert!((1..=configured.max(1)).contains(&lanes.open()));
                prop_assert_eq!(told, (lanes.open() < before).then_some(lanes.open()));
            }
        }
    }
}
