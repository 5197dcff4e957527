//! What a reader sees of plans made by hand.

mod cases;
mod plans;
