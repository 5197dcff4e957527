//! The access review: who gains and loses what by a change, proven.
//!
//! [`sides`] reads who has what out of a program or a plan, [`cases`] folds equal accesses, [`review`] has each distinct
//! change decided (`judge`) and each guard ([`guards`]), and tells them by [`model`] with their places ([`sources`]);
//! [`text`] and its like write it for people and machines, all from the same model. Pure: reads no cloud and no clock.

pub mod accepts;
pub mod ask;
mod between;
pub mod cases;
mod denied;
mod documents;
mod entries;
mod equivalent;
pub mod findings;
mod fingerprint;
pub mod guards;
mod homes;
pub mod html;
mod judge;
pub mod judged;
mod limits;
pub mod markdown;
pub mod model;
mod moved;
pub mod phrases;
pub mod pins;
pub mod places;
pub(crate) mod questions;
pub mod review;
#[cfg(test)]
mod samples;
pub mod sarif;
pub mod sides;
pub mod sources;
pub mod subject;
mod tell;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;
pub mod unmanaged;
