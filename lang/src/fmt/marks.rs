//! From the tree to marks on words: which brackets hold what, where elements begin, where lines may break. Owns the
//! walk over the tree, and which pieces are kept as they are; must not lay out.
//!
//! What the tree says is believed only where it fits the words: where it does not, or where a finding lies, the
//! smallest piece around that has its lines for itself is kept byte for byte.

mod expr;

use std::ops::Range;

use super::doc::{Doc, Shape};
use crate::source::Span;
use crate::syntax::Parsed;
use crate::syntax::ast::{Body, Decl, DeclKind, Expr, File, Item, TestStep};

/// The tree and the words do not fit together, or the piece has a fault: keep it as it is.
#[derive(Debug, Clone, Copy)]
struct Lost;

type Marked = Result<(), Lost>;

/// No word.
const NONE: u32 = u32::MAX;

/// These are always one item a line: each is a fact that somebody reviews.
const FACTS: [&str; 4] = ["grant", "permission_set", "org", "guard"];

struct Marks<'d, 't> {
    doc: &'d mut Doc<'t>,
    /// The word that begins, and the one that ends, at each byte.
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// Where findings lie, in order.
    faults: Vec<(u32, u32)>,
    /// Declarations with a fault are kept whole.
    whole: bool,
    /// The pieces to keep: first and last word.
    kept: Vec<(usize, usize)>,
}

/// Something in a row of its kind: its words, and whether it could not be marked.
#[derive(Debug, Clone, Copy)]
struct Piece {
    first: usize,
    last: usize,
    lost: bool,
}

/// Marks the words; returns the pieces to keep as they are. `forced`: bytes to keep whatever
/// they are. `whole`: of a declaration with a fault, all is kept.
pub(super) fn mark(doc: &mut Doc<'_>, parsed: &Parsed, forced: &[Range<usize>], whole: bool) -> Vec<(usize, usize)> {
    let mut starts = vec![NONE; doc.text.len() + 1];
    let mut ends = vec![NONE; doc.text.len() + 1];
    for (index, word) in doc.words.iter().enumerate() {
        if let (Some(start), Some(end)) = (starts.get_mut(word.start as usize), ends.get_mut(word.end as usize)) {
            (*start, *end) = (index as u32, index as u32);
        }
    }
    let found = parsed.diagnostics.iter().filter_map(crate::diagnostics::Diagnostic::span);
    let found = found.map(|span| (span.start, span.end));
    let mut faults: Vec<_> = found.chain(forced.iter().map(|kept| (kept.start as u32, kept.end as u32))).collect();
    faults.sort_unstable();
    let mut marks = Marks { doc, starts, ends, faults, whole, kept: Vec::new() };
    marks.file(&parsed.file);
    outermost(marks.kept)
}

/// The pieces that lie in no other, in order.
fn outermost(mut pieces: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    pieces.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    let mut end = None;
    pieces.retain(|(_, last)| {
        let apart = end.is_none_or(|end| *last > end);
        end = end.max(Some(*last));
        apart
    });
    pieces
}

impl Marks<'_, '_> {
    /// The declarations of a file. What is no declaration is kept.
    fn file(&mut self, file: &File) {
        let mut spans: Vec<(Span, Option<&Decl>)> = file.decls.iter().map(|decl| (decl.span, Some(decl))).collect();
        if let Some(edition) = &file.edition
            && let Some(string) = self.word_at(edition.span.start)
            && let Some(word) = string.checked_sub(1).and_then(|index| self.doc.words.get(index))
        {
            spans.push((Span { start: word.start, ..edition.span }, None));
        }
        spans.sort_by_key(|(span, _)| (span.start, u32::MAX - span.end));
        let mut pieces: Vec<Piece> = Vec::new();
        for (span, decl) in spans {
            let Some((first, last)) = self.words_of(span) else { continue };
            if pieces.last().is_some_and(|before| first <= before.last) {
                continue;
            }
            let lost =
                !self.doc.match_brackets(first, last) || self.attempt(span, |marks| marks.some_decl(decl)).is_err();
            pieces.push(Piece { first, last, lost });
        }
        let count = self.doc.words.len();
        let pieces = self.with_gaps(&pieces, 0, count, false);
        self.isolate_all(&pieces);
    }

    fn some_decl(&mut self, decl: Option<&Decl>) -> Marked {
        decl.map_or(Ok(()), |decl| self.decl(decl))
    }

    // ------------------------------------------------------------------------------------------------ places

    fn word_at(&self, offset: u32) -> Option<usize> {
        self.starts.get(offset as usize).filter(|index| **index != NONE).map(|index| *index as usize)
    }

    fn word_to(&self, offset: u32) -> Option<usize> {
        self.ends.get(offset as usize).filter(|index| **index != NONE).map(|index| *index as usize)
    }

    /// The first and the last word of a span.
    fn words_of(&self, span: Span) -> Option<(usize, usize)> {
        let (first, last) = (self.word_at(span.start)?, self.word_to(span.end)?);
        (first <= last).then_some((first, last))
    }

    /// The word at `offset`, which must be `text`.
    fn at(&self, offset: u32, text: &str) -> Result<usize, Lost> {
        self.word_at(offset).filter(|index| self.doc.spelled(*index) == text).ok_or(Lost)
    }

    /// The word at `index`, which must be `text`.
    fn is(&self, index: usize, text: &str) -> Result<usize, Lost> {
        if self.doc.spelled(index) == text { Ok(index) } else { Err(Lost) }
    }

    /// The word after an expression and the parentheses around it, which must be `text`.
    fn after(&self, expr: &Expr, text: &str) -> Result<usize, Lost> {
        let mut index = self.word_to(expr.span.end).ok_or(Lost)? + 1;
        while self.doc.spelled(index) == ")" {
            index += 1;
        }
        self.is(index, text)
    }

    /// The word before an expression and the parentheses around it, which must be `text`.
    fn before(&self, expr: &Expr, text: &str) -> Result<usize, Lost> {
        let mut index = self.word_at(expr.span.start).ok_or(Lost)?;
        loop {
            index = index.checked_sub(1).ok_or(Lost)?;
            if self.doc.spelled(index) != "(" {
                return self.is(index, text);
            }
        }
    }

    /// The closing bracket of the opening one at `open`.
    fn mate(&self, open: usize) -> Result<usize, Lost> {
        let mate = self.doc.words.get(open).map(|word| word.mate as usize);
        mate.filter(|mate| *mate > open).ok_or(Lost)
    }

    fn shape(&mut self, open: usize, shape: Shape) {
        if let Some(word) = self.doc.words.get_mut(open) {
            word.shape = shape;
        }
    }

    fn element(&mut self, index: usize) {
        if let Some(word) = self.doc.words.get_mut(index) {
            word.starts = true;
        }
    }

    fn may_break_before(&mut self, index: usize) {
        if let Some(word) = self.doc.words.get_mut(index) {
            word.breaks_before = true;
        }
    }

    // ------------------------------------------------------------------------------------------------ faults

    /// Marks something; what was kept in it is forgotten when that does not account for all its faults.
    fn attempt(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Marked) -> Marked {
        let before = self.kept.len();
        let done = work(self);
        if done.is_err() || !self.faults_are_kept(span, before) {
            self.kept.truncate(before);
            return Err(Lost);
        }
        Ok(())
    }

    /// Does every fault in `span` lie in a piece that was kept since there were `since` of them?
    fn faults_are_kept(&self, span: Span, since: usize) -> bool {
        let from = self.faults.partition_point(|(start, _)| *start < span.start);
        let within = self.faults.get(from..).unwrap_or(&[]).iter().take_while(|(start, _)| *start <= span.end);
        let kept = self.kept.get(since..).unwrap_or(&[]);
        for (start, end) in within {
            let covers = |(first, last): &(usize, usize)| {
                let bytes = self.doc.words.get(*first).zip(self.doc.words.get(*last));
                bytes.is_some_and(|(first, last)| first.start <= *start && *end <= last.end)
            };
            if !kept.iter().any(covers) {
                return false;
            }
        }
        true
    }

    fn has_faults(&self, span: Span) -> bool {
        !self.faults_are_kept(span, self.kept.len())
    }

    // ------------------------------------------------------------------------------------------------ pieces

    /// Adds to the pieces of the words `from..to` what lies between them, as lost. `commas` between them are none.
    fn with_gaps(&mut self, pieces: &[Piece], from: usize, to: usize, commas: bool) -> Vec<Piece> {
        let mut all = Vec::with_capacity(pieces.len());
        let mut at = from;
        for piece in pieces {
            self.gap(&mut all, at, piece.first, commas);
            self.element(piece.first);
            all.push(*piece);
            at = piece.last + 1;
        }
        self.gap(&mut all, at, to, commas);
        all
    }

    fn gap(&mut self, pieces: &mut Vec<Piece>, from: usize, to: usize, commas: bool) {
        for index in from..to {
            if commas && self.doc.spelled(index) == "," {
                if let Some(word) = self.doc.words.get_mut(index) {
                    word.dropped = true;
                }
            } else {
                self.element(index);
                pieces.push(Piece { first: index, last: index, lost: true });
            }
        }
    }

    /// Keeps the lost ones among the declarations of a file, each with all that stands on its lines, and with what
    /// is indented after it: that was read as of the file only because something before it is amiss.
    fn isolate_all(&mut self, pieces: &[Piece]) {
        let mut index = 0;
        while let Some(piece) = pieces.get(index) {
            let (mut lost, mut last) = (piece.lost, piece.last);
            index += 1;
            while let Some(next) = pieces.get(index) {
                let joined = !self.begins_line(next.first);
                let follows = lost && (joined || next.lost || self.is_indented(next.first));
                if !(follows || joined && next.lost) {
                    break;
                }
                lost = true;
                last = next.last;
                index += 1;
            }
            if lost {
                self.kept.push((piece.first, last));
            }
        }
    }

    /// Does white space stand before the word on its line?
    fn is_indented(&self, index: usize) -> bool {
        let start = self.doc.words.get(index).map_or(0, |word| word.start as usize);
        self.doc.text.get(..start).is_some_and(|before| before.ends_with([' ', '\t']))
    }

    /// As [`isolate_all`](Self::isolate_all) for what stands in braces: no piece may share a line with a sound
    /// neighbour or a brace.
    fn isolate(&mut self, pieces: &[Piece], close: usize) -> Marked {
        if self.whole && pieces.iter().any(|piece| piece.lost) {
            return Err(Lost);
        }
        let mut index = 0;
        while let Some(piece) = pieces.get(index) {
            index += 1;
            if !piece.lost {
                continue;
            }
            let mut last = piece.last;
            // Commas and other lost words of the same lines go with it.
            while last + 1 < close && !self.begins_line(last + 1) {
                last += 1;
            }
            while let Some(next) = pieces.get(index).filter(|next| next.first <= last) {
                if next.last > last || !next.lost {
                    return Err(Lost);
                }
                index += 1;
            }
            if !self.begins_line(piece.first) || !self.begins_line(last + 1) {
                return Err(Lost);
            }
            self.kept.push((piece.first, last));
        }
        Ok(())
    }

    fn begins_line(&self, index: usize) -> bool {
        self.doc.words.get(index).is_none_or(super::doc::Word::begins_line)
    }

    // ------------------------------------------------------------------------------------------ declarations

    fn decl(&mut self, decl: &Decl) -> Marked {
        match &decl.kind {
            DeclKind::Import { .. } => Ok(()),
            DeclKind::Let { ty, value, .. } => {
                ty.as_ref().map_or(Ok(()), |ty| self.ty(ty))?;
                self.expr(value)
            }
            DeclKind::Fn { name, params, result, body } => {
                let open = self.word_to(name.span.end).ok_or(Lost)? + 1;
                self.call(self.is(open, "(")?)?;
                params.iter().try_for_each(|(_, ty)| self.ty(ty))?;
                self.ty(result)?;
                self.expr(body)
            }
            DeclKind::Type { ty, matching, check, .. } => {
                self.ty(ty)?;
                if let Some(regex) = matching {
                    let word = self.word_at(regex.span.start).and_then(|index| index.checked_sub(1)).ok_or(Lost)?;
                    self.may_break_before(word);
                }
                self.check(check.as_ref())
            }
            DeclKind::Param { ty, default, check, .. } => {
                self.ty(ty)?;
                default.as_ref().map_or(Ok(()), |default| self.expr(default))?;
                self.check(check.as_ref())
            }
            DeclKind::Defaults { kind, body, .. } => self.body(body, !FACTS.contains(&kind.text.as_str())),
            DeclKind::Module { body, .. }
            | DeclKind::Accept { body, .. }
            | DeclKind::Moved(body)
            | DeclKind::Removed(body) => self.body(body, true),
            DeclKind::Entity { kind, body, .. } => self.body(body, !FACTS.contains(&kind.text.as_str())),
            DeclKind::For { over, condition, body, .. } => {
                self.expr(over)?;
                condition.as_ref().map_or(Ok(()), |condition| self.expr(condition))?;
                let open = self.after(condition.as_ref().unwrap_or(over), "{")?;
                self.decls(open, body)
            }
            DeclKind::If { arms } => self.arms(arms),
            DeclKind::Assert { message, condition } => {
                let open = self.word_to(message.span.end).ok_or(Lost)? + 1;
                self.shape(self.is(open, "{")?, Shape::Block { line: true });
                self.element(open + 1);
                self.expr(condition)
            }
            DeclKind::Test { name, steps } => {
                if self.has_faults(decl.span) {
                    return Err(Lost);
                }
                let open = self.word_to(name.span.end).ok_or(Lost)? + 1;
                self.shape(self.is(open, "{")?, Shape::Block { line: steps.len() <= 1 });
                steps.iter().try_for_each(|step| self.step(step))
            }
        }
    }

    fn check(&mut self, check: Option<&Expr>) -> Marked {
        let Some(condition) = check else { return Ok(()) };
        let word = self.before(condition, "check")?;
        self.may_break_before(word);
        self.expr(condition)
    }

    fn arms(&mut self, arms: &[(Option<Expr>, Vec<Decl>)]) -> Marked {
        let mut close: Option<usize> = None;
        for (condition, body) in arms {
            if let Some(word) = close.map(|close| close + 1).and_then(|index| self.doc.words.get_mut(index)) {
                word.outer = true;
            }
            let open = match condition {
                Some(condition) => {
                    self.expr(condition)?;
                    self.after(condition, "{")?
                }
                None => self.is(close.ok_or(Lost)? + 2, "{")?,
            };
            self.decls(open, body)?;
            close = Some(self.mate(open)?);
        }
        Ok(())
    }

    /// The declarations in the braces that open at `open`.
    fn decls(&mut self, open: usize, decls: &[Decl]) -> Marked {
        let close = self.mate(open)?;
        self.shape(open, Shape::Block { line: false });
        let mut pieces = Vec::new();
        for decl in decls {
            let (first, last) = self.words_of(decl.span).ok_or(Lost)?;
            let lost = self.attempt(decl.span, |marks| marks.decl(decl)).is_err();
            pieces.push(Piece { first, last, lost });
        }
        self.row(&pieces, open, close, false)
    }

    fn step(&mut self, step: &TestStep) -> Marked {
        let (word, ty, value) = match step {
            TestStep::Let { name, ty, value } => {
                let word = self.word_at(name.span.start).and_then(|index| index.checked_sub(1)).ok_or(Lost)?;
                (self.is(word, "let")?, ty.as_ref(), value)
            }
            TestStep::Expect(condition) => (self.before(condition, "expect")?, None, condition),
        };
        self.element(word);
        ty.map_or(Ok(()), |ty| self.ty(ty))?;
        self.expr(value)
    }

    // ------------------------------------------------------------------------------------------------ bodies

    /// A body; `line`: it may stand on one line.
    fn body(&mut self, body: &Body, line: bool) -> Marked {
        let open = self.at(body.span.start, "{")?;
        let close = self.mate(open)?;
        let nested = body.items.iter().any(|item| matches!(item, Item::Block(_) | Item::For(_)));
        self.shape(open, Shape::Block { line: line && !nested });
        let mut pieces = Vec::new();
        for item in &body.items {
            let span = match item {
                Item::Field(field) => field.span,
                Item::Block(block) => block.span,
                Item::Condition(condition) => condition.span,
                Item::For(each) => each.span,
            };
            let (first, last) = self.words_of(span).ok_or(Lost)?;
            let lost = self.attempt(span, |marks| marks.item(item)).is_err();
            pieces.push(Piece { first, last, lost });
        }
        self.row(&pieces, open, close, true)
    }

    fn item(&mut self, item: &Item) -> Marked {
        match item {
            Item::Field(field) => self.expr(&field.value),
            Item::Block(block) => self.body(&block.body, true),
            Item::Condition(condition) => match &condition.test {
                crate::syntax::ast::ConditionTest::Compare { value, .. } => self.expr(value),
                _ => Ok(()),
            },
            Item::For(each) => {
                self.expr(&each.over)?;
                each.condition.as_ref().map_or(Ok(()), |condition| self.expr(condition))?;
                self.body(&each.body, true)
            }
        }
    }

    /// Pieces in a row between two braces.
    fn row(&mut self, pieces: &[Piece], open: usize, close: usize, commas: bool) -> Marked {
        let ordered = pieces.windows(2).all(|two| matches!(two, [a, b] if a.last < b.first));
        let within = pieces.first().is_none_or(|first| first.first > open)
            && pieces.last().is_none_or(|last| last.last < close);
        if !ordered || !within {
            return Err(Lost);
        }
        let pieces = self.with_gaps(pieces, open + 1, close, commas);
        self.isolate(&pieces, close)
    }
}
