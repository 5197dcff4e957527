//! What a run may cost. Owns the limits and the names of their flags; who counts is `expand`'s affair.

/// The most that [`Options::max_depth`] may be.
pub const MOST_DEPTH: usize = 4_096;

/// Expressions that may be in evaluation inside each other, over all levels: what bounds the stack.
pub(crate) const MAX_HEIGHT: u32 = 65_536;

/// Bytes of stack that one such expression takes at most, measured by the test `stack_is_enough`.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) { 8 << 10 } else { 2 << 10 };

/// Stack of a worker. Only reserved: pages are taken when touched.
pub(crate) const STACK: usize = MAX_HEIGHT as usize * STACK_PER_LEVEL + (4 << 20);

/// Limits and threads of an expansion.
#[derive(Debug, Clone)]
pub struct Options {
    /// Steps of one field, let or loop header: `--max-steps`.
    pub max_steps: u64,
    /// Entities in all: `--max-entities`.
    pub max_entities: usize,
    /// Bytes of one string: `--max-string`.
    pub max_string: usize,
    /// Levels through which a field or a let may depend on others, and calls that may stand in each other; at most
    /// [`MOST_DEPTH`]: `--max-depth`.
    pub max_depth: usize,
    /// Threads; the machine's number when none.
    pub threads: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_steps: 100_000_000, max_entities: 5_000_000, max_string: 1 << 20, max_depth: 256, threads: None }
    }
}
