//! Older states, for reads that lag behind. Copies of the state are cheap: see [`crate::table`].

use crate::ids::mix;
use crate::input::Millis;
use crate::service::Service;
use crate::state::State;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// More writes than this in flight show early: nobody can tell.
const MOST: usize = 256;

/// The states before recent writes, by service.
#[derive(Default)]
pub(crate) struct History {
    services: BTreeMap<Service, Recent>,
    writes: u64,
}

#[derive(Default)]
struct Recent {
    before_last: Option<State>,
    /// When a write begins to show, and the state before it; in the order of both.
    hidden: VecDeque<(Millis, State)>,
}

impl History {
    /// Notes a write to a service. Each draws its own lag, up to `longest`.
    pub(crate) fn note(&mut self, service: Service, before: State, now: Millis, longest: Duration) {
        self.writes += 1;
        let span = longest.as_millis() as u64 + 1;
        let shows = now.saturating_add(Millis::try_from(mix(self.writes) % span).unwrap_or(0));
        let recent = self.services.entry(service).or_default();
        // Writes show in the order in which they were made.
        let shows = recent.hidden.back().map_or(shows, |(last, _)| shows.max(*last));
        if shows > now {
            recent.hidden.push_back((shows, before.clone()));
            if recent.hidden.len() > MOST {
                recent.hidden.pop_front();
            }
        }
        recent.before_last = Some(before);
    }

    /// The state that a lagging read sees, if it is not the newest.
    pub(crate) fn visible(&mut self, service: Service, now: Millis) -> Option<&State> {
        let recent = self.services.get_mut(&service)?;
        while recent.hidden.front().is_some_and(|(shows, _)| *shows <= now) {
            recent.hidden.pop_front();
        }
        recent.hidden.front().map(|(_, state)| state)
    }

    /// The state before the last write to a service.
    pub(crate) fn before(&self, service: Service) -> Option<&State> {
        self.services.get(&service)?.before_last.as_ref()
    }
}
