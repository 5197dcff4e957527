//! From desired, recorded and live to a plan.

pub mod model;
