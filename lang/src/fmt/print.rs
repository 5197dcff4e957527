//! From marked words to lines. Owns every decision of layout; knows nothing of the tree.
//!
//! One pass over the words, with a frame for each open bracket. What decides is only what the printed text has
//! again — line ends between elements and before operators, blank lines, comments — or follows from widths, so a
//! second run prints the same. INVARIANT: linear in the text.

use std::ops::Range;

use super::doc::{Doc, Shape, Word};

/// A body, list or map on one line ends no later than this column, counted in characters.
pub const WIDTH: usize = 100;

const INDENT: &str = "  ";

/// Words that go on with a value: an item that begins with one keeps the comma before it.
const CONTINUING: [&str; 5] = ["in", "where", "and", "or", "not"];

/// An open bracket, or the file.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Its elements have lines of their own.
    open: bool,
    commas: bool,
    /// Levels of indentation of its elements.
    base: usize,
    /// Levels of indentation of its closing bracket.
    outer: usize,
}

struct Printer<'d, 't> {
    doc: &'d Doc<'t>,
    out: String,
    /// How many line ends that stay there are before each word: at index `i` those before the words `0..=i`.
    ends: Vec<u32>,
    /// The width of the words `0..i` on one line, with what stands between them.
    widths: Vec<usize>,
    frames: Vec<Frame>,
    /// Characters printed in the current line.
    column: usize,
    /// Levels of indentation of the current line.
    level: usize,
}

/// The text of the document.
pub(super) fn print(doc: &Doc<'_>) -> String {
    let mut printer = Printer::new(doc);
    printer.measure();
    for (index, word) in doc.words.iter().enumerate() {
        printer.word(index, word);
    }
    printer.comments(doc.tail, 0, 0);
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

/// The words of a range on one line, without comments.
pub(super) fn one_line(doc: &Doc<'_>, range: Range<usize>) -> String {
    let mut printer = Printer::new(doc);
    for (index, word) in doc.words.iter().enumerate().take(range.end).skip(range.start) {
        if index > range.start {
            printer.push(printer.space(index, word));
        }
        printer.text(index, word);
    }
    printer.out
}

impl<'d, 't> Printer<'d, 't> {
    fn new(doc: &'d Doc<'t>) -> Self {
        let file = Frame { open: true, commas: false, base: 0, outer: 0 };
        Self {
            doc,
            out: String::with_capacity(doc.text.len() + doc.text.len() / 8),
            ends: Vec::with_capacity(doc.words.len()),
            widths: Vec::with_capacity(doc.words.len() + 1),
            frames: vec![file],
            column: 0,
            level: 0,
        }
    }
}

impl Printer<'_, '_> {
    fn measure(&mut self) {
        let (mut ends, mut width) = (0, 0);
        self.widths.push(0);
        for (index, word) in self.doc.words.iter().enumerate() {
            ends += u32::from(self.ends_line(index, word)) + u32::from(word.long || word.verbatim);
            self.ends.push(ends);
            width += self.space(index, word).len() + self.doc.spelled(index).chars().count();
            self.widths.push(width);
        }
    }

    fn before(&self, index: usize) -> Option<&Word> {
        index.checked_sub(1).and_then(|before| self.doc.words.get(before))
    }

    /// Is the word directly inside an opening bracket?
    fn is_first(&self, index: usize) -> bool {
        index > 0 && self.doc.opens(index - 1)
    }

    /// Does the word stand where the brackets around it decide about lines?
    fn at_edge(&self, index: usize, word: &Word) -> bool {
        word.starts || self.is_first(index) || self.doc.closes(index)
    }

    /// Does a line end that stays stand before the word, whatever its brackets decide?
    fn ends_line(&self, index: usize, word: &Word) -> bool {
        if word.has_comments() {
            return true;
        }
        if self.is_first(index) {
            return self.is_full(index) && (word.breaks > 0 || self.always_open(index - 1));
        }
        if self.at_edge(index, word) { word.breaks > 0 } else { self.goes_on(index, word) }
    }

    /// Is the word not the closing bracket of an empty pair?
    fn is_full(&self, index: usize) -> bool {
        !self.doc.closes(index)
    }

    fn always_open(&self, opener: usize) -> bool {
        self.doc.words.get(opener).is_some_and(|word| word.shape == Shape::Block { line: false })
    }

    /// Does the author's line end beside an operator stand before this word?
    fn goes_on(&self, index: usize, word: &Word) -> bool {
        let Some(before) = self.before(index) else { return false };
        if word.breaks > 0 && (word.breaks_before || before.breaks_after) {
            return true;
        }
        let after = self.doc.words.get(index + 1);
        word.breaks_before && after.is_some_and(|after| after.breaks > 0 && !after.has_comments())
    }

    /// What stands before a word on one line.
    fn space(&self, index: usize, word: &Word) -> &'static str {
        let Some(before) = self.before(index) else { return "" };
        if self.is_first(index) {
            return if self.is_full(index) && before.shape.pad() { " " } else { "" };
        }
        if self.doc.closes(index) {
            let pad = self.doc.words.get(word.mate as usize).is_some_and(|opener| opener.shape.pad());
            return if pad { " " } else { "" };
        }
        if word.starts {
            return ", ";
        }
        let apart =
            self.doc.spelled(index) == "?" && before.end < word.start && self.doc.spelled(index - 1).ends_with('?');
        if (word.tight_before || before.tight_after) && !apart { "" } else { " " }
    }

    fn frame(&self) -> Frame {
        self.frames.last().copied().unwrap_or(Frame { open: true, commas: false, base: 0, outer: 0 })
    }

    fn word(&mut self, index: usize, word: &Word) {
        let frame = self.frame();
        let closes = self.doc.closes(index);
        if closes {
            self.frames.pop();
        }
        if frame.open && closes {
            if frame.commas && !self.is_first(index) {
                self.push(",");
            }
            self.comments(word.comments, frame.base, usize::from(self.is_first(index)));
            self.line(false, frame.outer);
        } else if frame.open && (word.starts || self.is_first(index)) {
            let first = index == 0 || self.is_first(index);
            if !first && (frame.commas || frame.base > 0 && CONTINUING.contains(&self.doc.spelled(index))) {
                self.push(",");
            }
            self.comments(word.comments, frame.base, usize::from(self.is_first(index)));
            self.line(word.breaks > 1 && (!first || word.has_comments()), frame.base);
            if word.verbatim {
                self.as_indented(word);
            }
        } else if word.has_comments() {
            let level = frame.base + usize::from(!word.outer);
            self.comments(word.comments, level, usize::MAX);
            self.line(false, level);
        } else if !self.at_edge(index, word) && self.goes_on(index, word) {
            self.line(false, frame.base + 1);
        } else {
            self.push(self.space(index, word));
        }
        self.text(index, word);
        if self.doc.opens(index) {
            let frame = self.opened(index, word);
            self.frames.push(frame);
        }
    }

    /// The frame of the bracket that was printed last.
    fn opened(&self, index: usize, word: &Word) -> Frame {
        let close = word.mate as usize;
        let around = self.frame();
        let open = self.breaks(index, close, word.shape);
        // A body belongs to the item it ends, whose head may have gone on over several lines.
        let outer = if matches!(word.shape, Shape::Block { .. }) { around.base } else { self.level };
        let base = outer + usize::from(open);
        Frame { open, commas: word.shape.commas(), base, outer }
    }

    /// Do the elements of a bracket have lines of their own?
    fn breaks(&self, open: usize, close: usize, shape: Shape) -> bool {
        let ends = |index: usize| self.ends.get(index).copied().unwrap_or(0);
        let forced = ends(close) > ends(open);
        match shape {
            Shape::Block { .. } | Shape::List { .. } | Shape::Loop { .. } => forced || self.too_wide(open, close),
            Shape::Call if !forced => self.too_wide(open, close),
            Shape::Call | Shape::Hug => forced && self.edge_breaks(open, close),
        }
    }

    /// Does a line end directly inside the brackets, or between two elements?
    fn edge_breaks(&self, open: usize, close: usize) -> bool {
        let mut index = open + 1;
        while let Some(word) = self.doc.words.get(index).filter(|_| index <= close) {
            let edge = word.starts || index == open + 1 || index == close;
            if edge && word.begins_line() && close > open + 1 || index == close && word.has_comments() {
                return true;
            }
            index = (word.mate as usize).max(index) + 1;
        }
        false
    }

    fn too_wide(&self, open: usize, close: usize) -> bool {
        let width = |index: usize| self.widths.get(index).copied().unwrap_or(0);
        let around = self.frame();
        let next = self.doc.words.get(close + 1);
        let comma =
            around.open && around.commas && next.is_some_and(|next| next.starts || self.doc.closes(close + 1));
        close > open + 1 && self.column + width(close + 1) - width(open + 1) + usize::from(comma) > WIDTH
    }

    // ------------------------------------------------------------------------------------------------ output

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// A new line, and a blank one before it if `blank`; neither at the start of the file.
    fn line(&mut self, blank: bool, level: usize) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.level = level;
        self.column = 0;
        for _ in 0..level {
            self.push(INDENT);
        }
    }

    /// Comments, each to the end of its line; those with lines of their own at `level`, and from the one at index
    /// `blanks` on after a blank line, if one is there.
    fn comments(&mut self, range: (u32, u32), level: usize, blanks: usize) {
        for (index, comment) in self.doc.comments.of(range).iter().enumerate() {
            if comment.breaks == 0 && !self.out.is_empty() {
                self.push(" ");
            } else {
                self.line(comment.breaks > 1 && index >= blanks, level);
            }
            let text = self.doc.text.get(comment.start as usize..comment.end as usize).unwrap_or("");
            self.push(text);
        }
    }

    /// Gives the line the indentation it had.
    fn as_indented(&mut self, word: &Word) {
        let before = self.doc.text.get(..word.start as usize).unwrap_or("");
        let line = before.get(before.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or("");
        if line.chars().all(|c| c == ' ' || c == '\t') {
            self.out.truncate(self.out.rfind('\n').map_or(0, |end| end + 1));
            self.column = 0;
            self.push(line);
        }
    }

    fn text(&mut self, index: usize, word: &Word) {
        let text = self.doc.spelled(index);
        if word.verbatim || !word.long {
            self.push(text);
        } else {
            // The language reads both line ends alike.
            self.push(&text.replace("\r\n", "\n"));
        }
        if word.long
            && let Some(end) = text.rfind('\n')
        {
            self.column = text.get(end + 1..).map_or(0, |last| last.chars().count());
        }
    }
}
