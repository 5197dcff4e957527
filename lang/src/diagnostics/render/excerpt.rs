//! The lines a finding shows, cut out of their files and made safe, as one small text with its marks.
//! Owns which lines are shown, how far, and where the marks come to lie; knows nothing of how it is drawn.
//!
//! The drawing works on this text instead of the files: so its cost hangs on what is shown, never on how long a
//! file or a line is.

use std::ops::Range;

use super::visible;
use crate::diagnostics::Label;
use crate::source::{LineColumn, Source, SourceMap, Span};

/// A place that spans more lines than this is shown by its first one.
const MAX_LINES: usize = 6;
/// Marks with at most so many lines between them share a block, and the lines between are shown.
const MAX_GAP: usize = 2;
/// Columns of a source line that are shown at most.
const MAX_COLUMNS: usize = 200;
/// Columns the frame takes beside a line.
const FRAME: usize = 8;

/// What to show of a finding's places.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    /// The lines, each with its end.
    pub(super) text: String,
    /// Where each line of `text` came from, in its order.
    pub(super) lines: Vec<Line>,
    /// The marks, by their start in `text`.
    pub(super) marks: Vec<Mark>,
}

/// A line of an [`Excerpt`].
#[derive(Debug)]
pub(super) struct Line {
    /// The path of its file, safe to show.
    pub(super) path: String,
    /// Its number there, from 0.
    pub(super) number: usize,
    /// Lines of one block are neighbours, drawn in one frame.
    pub(super) block: usize,
    /// Its bytes in the excerpt's text, with the line's end.
    pub(super) range: Range<usize>,
}

/// A label of an [`Excerpt`].
#[derive(Debug)]
pub(super) struct Mark {
    /// What it marks, in bytes of the excerpt's text.
    pub(super) range: Range<usize>,
    /// What is said there; may be empty.
    pub(super) text: String,
    /// Is this the place of the fault itself?
    pub(super) primary: bool,
    /// Where it begins in its file.
    pub(super) place: LineColumn,
}

/// A label with the lines it touches; `lines` is not empty.
struct Place<'a> {
    source: &'a Source,
    span: Span,
    lines: Range<usize>,
    text: String,
    primary: bool,
}

/// Neighbouring lines of one file and the places in them.
struct Block<'a> {
    lines: Range<usize>,
    places: Vec<Place<'a>>,
}

/// The part of a line that is shown.
struct Window {
    bytes: Range<usize>,
    cut_before: bool,
    cut_after: bool,
}

impl Excerpt {
    /// Cuts out what `labels` point at, for a terminal of `width` columns.
    pub(super) fn new(sources: &SourceMap, labels: &[Label], unicode: bool, width: usize) -> Self {
        let limit = width.saturating_sub(FRAME).clamp(40, MAX_COLUMNS);
        let mut excerpt = Self::default();
        for (number, block) in blocks(places(sources, labels, unicode), limit).into_iter().enumerate() {
            excerpt.push_block(number, &block, unicode, limit);
        }
        excerpt.marks.sort_by_key(|mark| mark.range.start);
        excerpt
    }

    fn push_block(&mut self, number: usize, block: &Block<'_>, unicode: bool, limit: usize) {
        let Some(Place { source, .. }) = block.places.first() else { return };
        let mut marks: Vec<Mark> = block.places.iter().map(Mark::of).collect();
        for line in block.lines.clone() {
            let window = window(source, line, anchor(&block.places, line), limit);
            let start = self.text.len();
            if window.cut_before {
                self.text.push_str(visible::ellipsis(unicode));
            }
            let shown = |offset: u32| {
                let upto = (offset as usize).clamp(window.bytes.start, window.bytes.end);
                let mut before = String::new();
                visible::push_line(&mut before, &source.text[window.bytes.start..upto], unicode);
                before.len()
            };
            let base = self.text.len();
            for (place, mark) in block.places.iter().zip(&mut marks) {
                if place.lines.start == line {
                    mark.range.start = base + shown(place.span.start);
                    mark.range.end = mark.range.start;
                }
                if place.lines.end == line + 1 {
                    mark.range.end = (base + shown(place.span.end)).max(mark.range.start);
                }
            }
            visible::push_line(&mut self.text, &source.text[window.bytes], unicode);
            if window.cut_after {
                self.text.push_str(visible::ellipsis(unicode));
            }
            self.text.push('\n');
            let path = visible::text(&source.path, unicode);
            self.lines.push(Line { path, number: line, block: number, range: start..self.text.len() });
        }
        self.marks.append(&mut marks);
        // A byte of no line parts the blocks: so no span that ends in one reaches an empty span in the next.
        self.text.push('\n');
    }
}

impl Mark {
    fn of(place: &Place<'_>) -> Self {
        let at = place.source.lines().line_column(&place.source.text, place.span.start);
        Self { range: 0..0, text: place.text.clone(), primary: place.primary, place: at }
    }
}

/// The labels as places: those with one span made one, long spans clipped to their first line, spans of unknown
/// files left out. The primary's file comes first; within a file, by place.
fn places<'a>(sources: &'a SourceMap, labels: &[Label], unicode: bool) -> Vec<Place<'a>> {
    let mut all: Vec<(Span, String, bool)> = Vec::new();
    for label in labels {
        let Some(inside) = inside(sources, label.span) else { continue };
        let text = visible::text(&label.text, unicode);
        match all.iter_mut().find(|(span, ..)| *span == inside) {
            Some((_, known, primary)) => {
                if !known.is_empty() && !text.is_empty() {
                    known.push('\n');
                }
                known.push_str(&text);
                *primary |= label.primary;
            }
            None => all.push((inside, text, label.primary)),
        }
    }
    let home = labels.iter().find(|label| label.primary).map(|label| label.span.file);
    all.sort_by_key(|(span, ..)| (Some(span.file) != home, *span));
    all.into_iter().filter_map(|(span, text, primary)| place(sources, span, text, primary)).collect()
}

/// The span within its file's text, on character boundaries.
fn inside(sources: &SourceMap, span: Span) -> Option<Span> {
    let text = &sources.get(span.file)?.text;
    let start = text.floor_char_boundary(span.start as usize);
    Some(Span::new(span.file, start, text.floor_char_boundary(span.end as usize).max(start)))
}

fn place(sources: &SourceMap, mut span: Span, mut text: String, primary: bool) -> Option<Place<'_>> {
    let source = sources.get(span.file)?;
    let first = source.lines().line_of(span.start);
    let last = source.lines().line_of(span.end.saturating_sub(1).max(span.start));
    let mut lines = first..last + 1;
    if lines.len() > MAX_LINES {
        let space = if text.is_empty() { "" } else { " " };
        text = format!("{text}{space}(to line {})", lines.end);
        lines.end = first + 1;
        span.end = source.lines().line_range(&source.text, first).end.max(span.start as usize) as u32;
    }
    Some(Place { source, span, lines, text, primary })
}

/// Groups sorted places into blocks; the block of the primary place comes first.
fn blocks(places: Vec<Place<'_>>, limit: usize) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for place in places {
        match blocks.iter_mut().find(|block| block.takes(&place, limit)) {
            Some(block) => {
                block.lines.end = block.lines.end.max(place.lines.end);
                block.places.push(place);
            }
            None => blocks.push(Block { lines: place.lines.clone(), places: vec![place] }),
        }
    }
    blocks.sort_by_key(|block| !block.places.iter().any(|place| place.primary));
    blocks
}

impl Block<'_> {
    /// Can `place` be drawn in this block? It must lie near, must overlap no other on one line (one row of
    /// underlines cannot show both), and must be within what the block shows of a long line.
    fn takes(&self, place: &Place<'_>, limit: usize) -> bool {
        let near = |other: &Place<'_>| other.span.file == place.span.file;
        let line = place.lines.start;
        self.places.iter().all(near)
            && line >= self.lines.start
            && line <= self.lines.end + MAX_GAP
            && !self.places.iter().any(|other| overlap(other, place))
            && self.places.iter().filter(|other| other.lines.contains(&line)).all(|_| {
                let shown = window(place.source, line, anchor(&self.places, line), limit).bytes;
                (shown.start..=shown.end).contains(&(place.span.start as usize))
            })
    }
}

fn overlap(a: &Place<'_>, b: &Place<'_>) -> bool {
    let end = |place: &Place<'_>| place.span.end.max(place.span.start + 1);
    a.lines.len() == 1 && a.lines == b.lines && a.span.start < end(b) && b.span.start < end(a)
}

/// The byte that the window of a long line must show: where the first place in the line begins.
fn anchor(places: &[Place<'_>], line: usize) -> Option<usize> {
    places.iter().find(|place| place.lines.start == line).map(|place| place.span.start as usize)
}

/// The part of a line around `anchor` that fits `limit` columns, a third of them before it where the line is
/// long; all of a line that fits. Looks at no more of the line than it shows.
fn window(source: &Source, line: usize, anchor: Option<usize>, limit: usize) -> Window {
    let text: &str = &source.text;
    let whole = source.lines().line_range(text, line);
    let anchor = anchor.unwrap_or(whole.start).clamp(whole.start, whole.end);
    let (mut start, mut end, mut used) = (anchor, anchor, 0);
    let mut before = text[whole.start..anchor].chars().rev().peekable();
    let mut back = |used: &mut usize, limit: usize| {
        while let Some(c) = before.next_if(|c| *used + visible::columns(*c) <= limit) {
            *used += visible::columns(c);
            start -= c.len_utf8();
        }
        start
    };
    back(&mut used, limit / 3);
    for c in text[anchor..whole.end].chars() {
        if used + visible::columns(c) > limit {
            break;
        }
        used += visible::columns(c);
        end += c.len_utf8();
    }
    let start = back(&mut used, limit);
    Window { cut_before: start > whole.start, cut_after: end < whole.end, bytes: start..end }
}
