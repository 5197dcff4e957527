//! The bootstrap of a cell: which components go into it, in which order, which make target brings each there, and what
//! that target is told of the cell. Owns what is to be run and what of it is done already; it runs nothing, clones
//! nothing and reads no file. What does so tells it how each component ended.

mod environment;
mod notes;
mod steps;
#[cfg(test)]
mod tests;

pub use environment::{FIXED, PARAMETER, Told, Versioned, told};
pub use notes::{Done, Notes, Stand, Unusable, digest};
pub use steps::{Course, Refused, Step, Targets, course, targets};
