//! The comments of a file, and which word each belongs to. Owns their order; must not print.
//!
//! A comment stands before a word. It is *trailing* when nothing but spaces stands between it and the word before:
//! it then ends that word's line. INVARIANT: they are in the order of the file, and each is before one word.

use super::doc::{Doc, Shape};

/// `# …` or `## …`, without white space at its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comment {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Line ends before it, since the word or comment before: 0, 1, or 2 for more.
    pub(super) breaks: u8,
    /// `##`
    pub(super) doc: bool,
}

/// All comments of a file.
#[derive(Debug, Default)]
pub(super) struct Comments(Vec<Comment>);

impl Comments {
    pub(super) fn push(&mut self, comment: Comment) {
        self.0.push(comment);
    }

    pub(super) fn len(&self) -> u32 {
        self.0.len() as u32
    }

    pub(super) fn get(&self, index: u32) -> Option<&Comment> {
        self.0.get(index as usize)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Comment> {
        self.0.get_mut(index as usize)
    }

    pub(super) fn of(&self, range: (u32, u32)) -> &[Comment] {
        self.0.get(range.0 as usize..range.1 as usize).unwrap_or(&[])
    }
}

/// Moves comments that stand before the `{` of a body to the inside, where they read better. Not `##`, which would
/// begin to document what follows.
pub(super) fn settle(doc: &mut Doc<'_>) {
    for index in 0..doc.words.len() {
        let Some(word) = doc.words.get(index) else { continue };
        let (from, to) = word.comments;
        if !matches!(word.shape, Shape::Block { .. })
            || from == to
            || doc.comments.of((from, to)).iter().any(|c| c.doc)
        {
            continue;
        }
        if let Some(word) = doc.words.get_mut(index) {
            word.comments = (to, to);
        }
        if let Some(next) = doc.words.get_mut(index + 1) {
            next.comments.0 = from;
            // What was on the line of the `{` comes after the comment that ends that line now.
            if let Some(comment) = doc.comments.get_mut(to).filter(|_| next.comments.1 > to) {
                comment.breaks = comment.breaks.max(1);
            }
        }
    }
}
