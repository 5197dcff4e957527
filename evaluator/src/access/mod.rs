//! The access review: who gains and loses what by a change, proven.
//!
//! [`sides`] reads who has what out of a program or a plan, [`cases`] folds equal accesses, [`review`] asks the
//! permission engine about each distinct change and guard and tells it by [`model`]. Pure: reads no cloud and no clock.

pub mod accepts;
pub mod ask;
pub mod cases;
mod equivalent;
pub mod findings;
pub mod guards;
pub mod model;
pub mod pins;
pub mod places;
pub mod review;
pub mod sides;
pub mod subject;
mod tell;
#[cfg(test)]
mod tests;
