//! What people read on a terminal: lines of a width, signs, colours, and names that cannot be taken for anything else.
//! What is told is the affair of those who tell it.

pub(crate) mod address;
pub(crate) mod page;
pub mod visible;

/// How a page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Everything: nothing is folded.
    pub verbose: bool,
    /// Columns of a line.
    pub width: usize,
    /// With colours.
    pub color: bool,
}
