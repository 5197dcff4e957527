//! The record of what applies left behind, and where it lies.

pub mod given;
pub mod published;
pub mod record;
pub mod sound;
pub mod store;
