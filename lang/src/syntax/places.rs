//! Where the bytes of a parsed text lie in its file. Owns the arithmetic between the two; knows no grammar.
//!
//! What pest parses is a slice of the file, or a text that recovery put together from slices and from brackets
//! and quotes that the file lacks. INVARIANT: the slices stand in the order of the file.

use crate::source::{FileId, Span};

/// A run of a parsed text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Where it begins in the parsed text.
    pub(super) at: usize,
    /// Where it begins in the file; where it should have stood, when it is not in the file.
    pub(super) from: usize,
    /// It is not in the file: recovery put it in.
    pub(super) inserted: bool,
}

/// From places in a parsed text to places in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// The file.
    pub(super) file: FileId,
    /// Where the parsed text begins in the file, when all of it is one slice.
    pub(super) base: usize,
    /// The runs it is made of; none when it is one slice.
    pub(super) segments: &'a [Segment],
    /// Where the parsed text begins in the text that has the runs.
    pub(super) shift: usize,
}

impl<'a> Places<'a> {
    /// The places of the slice that begins at `base`.
    pub(super) fn at_base(file: FileId, base: usize) -> Places<'static> {
        Places { file, base, segments: &[], shift: 0 }
    }

    /// The places of the part of this text that begins at `at`.
    pub(super) fn from(self, at: usize) -> Self {
        Places { shift: self.shift + at, ..self }
    }

    /// The span of `start..end` of the parsed text.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        if self.segments.is_empty() {
            let base = self.base + self.shift;
            return Span::new(self.file, base + start, base + end);
        }
        let start_offset = self.offset(start);
        Span::new(self.file, start_offset, self.end_offset(end).max(start_offset))
    }

    /// Is the byte `at` of the parsed text one that the file lacks?
    pub(super) fn inserted(&self, at: usize) -> bool {
        self.segment(at).is_some_and(|segment| segment.inserted)
    }

    fn segment(&self, at: usize) -> Option<&'a Segment> {
        let next = self.segments.partition_point(|segment| segment.at <= at + self.shift);
        self.segments.get(next.checked_sub(1)?)
    }

    /// Where the byte `at` of the parsed text lies.
    pub(super) fn offset(&self, at: usize) -> usize {
        match self.segment(at) {
            Some(segment) if segment.inserted => segment.from,
            Some(segment) => segment.from + (at + self.shift - segment.at),
            None => self.base + self.shift + at,
        }
    }

    /// Where the byte before `end` ends.
    fn end_offset(&self, end: usize) -> usize {
        let Some(last) = end.checked_sub(1) else { return self.offset(end) };
        if self.inserted(last) { self.offset(last) } else { self.offset(last) + 1 }
    }
}

/// A text put together for the parser, with the places of its parts.
#[derive(Debug, Default)]
pub(super) struct Patchwork {
    pub(super) text: String,
    pub(super) segments: Vec<Segment>,
}

impl Patchwork {
    /// Appends a slice that begins at `from` in the file.
    pub(super) fn slice(&mut self, text: &str, from: usize) {
        self.push(text, from, false);
    }

    /// Appends what the file should have had at `from`.
    pub(super) fn insert(&mut self, text: &str, from: usize) {
        self.push(text, from, true);
    }

    /// Appends `start..end` of another text, whose places are `places`.
    pub(super) fn copy(&mut self, text: &str, places: &Places<'_>, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let here = places.segment(at);
            let next = places.segments.partition_point(|segment| segment.at <= at + places.shift);
            let until = places.segments.get(next).map_or(end, |next| next.at - places.shift).min(end);
            let inserted = here.is_some_and(|segment| segment.inserted);
            self.push(text.get(at..until).unwrap_or(""), places.offset(at), inserted);
            at = until.max(at + 1);
        }
    }

    fn push(&mut self, text: &str, from: usize, inserted: bool) {
        if !text.is_empty() {
            self.segments.push(Segment { at: self.text.len(), from, inserted });
            self.text.push_str(text);
        }
    }

    /// The places of the text.
    pub(super) fn places(&self, file: FileId) -> Places<'_> {
        Places { file, base: 0, segments: &self.segments, shift: 0 }
    }
}
