//! What watches a rollout: the alarms of its waves, cell by cell, and the requests that the cells serve. Owns the trait
//! that a provider implements for one account and region ([`model`]), what is to be looked at ([`watched`]), and how what
//! was read becomes an event ([`observed`]). It knows no SDK, and decides nothing: that is `rollout`'s.

mod model;
mod observed;
#[cfg(test)]
mod tests;
mod watched;

pub use model::{AlarmState, Count, Emitted, Metric, Reading, Signals, Statistic};
pub use observed::{Heard, Instead, Observation, Seen, Unheard, counting, hear, look, observed, unheard};
pub use watched::{Place, Watched, watched};
