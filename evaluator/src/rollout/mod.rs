//! Rollouts: how a release comes to its cells, wave by wave. Owns the course that a program writes, the one [`step`] that
//! decides, and the calendar; it deploys nothing, asks no cloud and reads no clock. Engines tell it what happened and
//! carry out what it answers.

pub mod calendar;
pub mod cells;
pub mod course;
mod read;
pub mod state;
pub mod step;
#[cfg(test)]
mod tests;
pub mod text;
pub mod window;

pub use cells::Cells;
pub use course::{Course, OnAlarm, Wave};
pub use read::{courses, drained};
pub use state::{CellState, Event, Phase, Signal, State, Why};
pub use step::{Effect, Refused, step};
