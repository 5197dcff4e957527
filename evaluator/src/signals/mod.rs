//! What watches a rollout: the alarms of its waves, cell by cell, and the requests that the cells serve. Owns the trait
//! that a provider implements for one account and region ([`model`]), what is to be looked at ([`watched`]), what is told
//! before anything waits ([`before`]), and how what was read becomes an event ([`observed`]). It knows no SDK, and decides nothing: that is `rollout`'s.

mod before;
mod model;
mod observed;
#[cfg(test)]
mod tests;
mod watched;

pub use before::{Emits, Heard, Instead, Unheard, Unwell, hear, unheard, unwell};
pub use model::{AlarmState, Count, Emitted, Metric, Reading, Signals, Statistic};
pub use observed::{Observation, Seen, counting, look, observed};
pub use watched::{Place, Watched, watched};
