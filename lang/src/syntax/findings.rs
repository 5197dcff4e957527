//! Findings of syntax, so many and no more. Owns the cap: a file that is no program at all is not worth a million
//! errors.

use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

/// So many findings are kept; the others are counted.
pub(crate) const MOST: usize = 200;

/// After so many findings nothing more of a file is read.
const ENOUGH: usize = 2_000;

/// Findings in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Diagnostic>,
    dropped: usize,
}

impl Findings {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < MOST {
            self.kept.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        other.kept.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// How many there are, kept or not.
    pub(super) fn count(&self) -> usize {
        self.kept.len() + self.dropped
    }

    /// Are there so many that reading on is of no use?
    pub(super) fn enough(&self) -> bool {
        self.count() >= ENOUGH
    }

    /// All that were kept, and how many were not, said at `end`.
    pub(super) fn into_diagnostics(mut self, end: Span) -> Vec<Diagnostic> {
        if self.dropped > 0 {
            let unread = if self.enough() { "; not all of the file was read" } else { "" };
            let message = format!("{} more errors of syntax are not shown{unread}", self.dropped);
            self.kept.push(Diagnostic::new(Code::UnexpectedToken, end, message));
        }
        self.kept
    }
}
