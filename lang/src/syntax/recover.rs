//! Reading what can be read of a file that does not parse. Owns the order of attempts: chunk, declaration, head and
//! body, item; must not know what a declaration means.
//!
//! A chunk whose brackets and strings are mended and that parses is done. One that does not is taken apart: heads
//! are parsed with empty bodies, and what stands in the bodies item by item, so that each fault is found by itself.
//! What cannot be read is left in the tree as incomplete, under its name. INVARIANT: every piece that does not
//! parse has at least one error; a piece is parsed whole at most once for each time it is taken apart, and the
//! bytes parsed in vain are bounded by [`Recovery::credit`].

mod explain;
mod work;

use smol_str::SmolStr;

use super::ast::{Body, Decl, DeclKind, ExprKind, Item, TestStep};
use super::chunks::{self, Look, Word};
use super::delimiters::{self, Checked};
use super::grammar::{self, Refusal, Rule};
use super::lower::{self, Lower, Lowered, Place};
use super::places::{Patchwork, Places};
use super::tree::Tree;
use super::{Outcome, quick, skip_blank};
use crate::diagnostics::Diagnostic;
use crate::source::FileId;
use work::{Braces, Work};

struct Recovery<'a> {
    file: FileId,
    text: &'a str,
    out: Outcome,
    /// Bytes that may still be parsed in vain.
    credit: usize,
    /// Takes everything apart, even what parses whole.
    thorough: bool,
}

/// Reads a file that does not parse. `thorough` takes apart even what does parse, for tests.
pub(super) fn recover(file: FileId, text: &str, thorough: bool) -> Outcome {
    let credit = text.len().saturating_mul(4).saturating_add(1 << 16);
    let mut recovery = Recovery { file, text, out: Outcome::new(), credit, thorough };
    let words = chunks::words(text);
    let look = Look { words: &words, text };
    let mut end = 0;
    for (from, to) in chunks::cut(&look) {
        if recovery.out.findings.enough() {
            break;
        }
        if let Some(chunk) = words.get(from..to) {
            recovery.chunk(chunk, end);
            end = chunk.last().map_or(end, Word::end);
        }
    }
    recovery.out
}

impl Recovery<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.out.findings.push(diagnostic);
    }

    fn count(&self) -> usize {
        self.out.findings.count()
    }

    /// A chunk of the file; what stands before it ends at `before`.
    fn chunk(&mut self, words: &[Word], before: usize) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let (start, end) = (first.start(), last.end());
        let Checked { diagnostics, edits, hopeless } = delimiters::check(self.file, self.text, words);
        diagnostics.into_iter().for_each(|diagnostic| self.report(diagnostic));
        let doc = lower::doc(self.text, before, start);
        let mut patch = Patchwork::default();
        let mut at = start;
        for edit in edits.iter().filter(|_| !hopeless) {
            patch.slice(self.text.get(at..edit.at).unwrap_or(""), at);
            if edit.len == 0 {
                patch.insert(&edit.text, edit.at);
            } else {
                patch.slice(&edit.text, edit.at);
            }
            at = edit.at + edit.len;
        }
        let (text, places) = if at == start {
            (self.text.get(start..end).unwrap_or(""), Places::at_base(self.file, start))
        } else {
            patch.slice(self.text.get(at..end).unwrap_or(""), at);
            (patch.text.as_str(), patch.places(self.file))
        };
        let mut refusal = None;
        if !hopeless && !self.thorough {
            if at == start && self.quickly(text, start, &doc) {
                return;
            }
            match self.whole(text, places, doc.clone(), Place::File) {
                Ok(decls) => return self.out.file.decls.extend(decls),
                Err(why) => refusal = Some(why),
            }
        }
        let mut words = chunks::words(text);
        chunks::mate(&mut words, text);
        let work = Work { source: self.text, text, places, look: Look { words: &words, text } };
        if hopeless {
            let decl = work.stand_in(0, words.len(), &doc);
            return self.out.file.decls.extend(decl);
        }
        let found = self.count();
        let decls = self.decls(&work, 0, words.len(), Place::File, doc, refusal.as_ref().map(|why| why.at));
        self.out.file.decls.extend(decls);
        if let Some(why) = refusal
            && self.count() == found
            && edits.is_empty()
        {
            self.refused(&places, text, &why);
        }
    }

    /// Takes in the declarations of a chunk of the file, as it stands there from `base`, if all are of the forms that
    /// are read quickly. `false`: nothing was taken in. One fault in a file is no reason to read all of it slowly.
    fn quickly(&mut self, text: &str, base: usize, doc: &SmolStr) -> bool {
        let mut tree = Tree::new(text);
        let mut all = Vec::new();
        let (mut before, mut at) = (0, 0);
        while at < text.len() {
            let slice = text.get(at..).unwrap_or("");
            if !quick::parse(slice, &mut tree) {
                return false;
            }
            let Some(pair) = tree.pairs().next() else { return false };
            let next = at + pair.as_span().end();
            let doc = if all.is_empty() { doc.clone() } else { lower::doc(text, before, at) };
            let mut lower = Lower::new(slice, Places::at_base(self.file, base + at));
            let lowered = lower.decl(pair, doc, Place::File);
            all.push((lowered, lower));
            // What a form ends in may have the blank behind it counted in, with the comments of the next.
            (before, at) = (at, skip_blank(text, next));
        }
        for (lowered, lower) in all {
            self.out.take(lowered, lower);
        }
        true
    }

    /// All declarations of a text, if it parses.
    fn whole(&mut self, text: &str, places: Places<'_>, doc: SmolStr, place: Place) -> Result<Vec<Decl>, Refusal> {
        let tree = grammar::parse(Rule::file, text)?;
        let mut decls = Vec::new();
        let (mut end, mut doc) = (0, Some(doc));
        for pair in tree.pairs().take(1).flat_map(grammar::Pair::into_inner) {
            if pair.as_rule() != Rule::decl {
                continue;
            }
            let range = pair.as_span();
            let doc = doc.take().unwrap_or_else(|| lower::doc(text, end, range.start()));
            end = range.start();
            let mut lower = Lower::new(text, places);
            match lower.decl(pair, doc, place) {
                Lowered::Decl(decl) if place != Place::File => {
                    decls.push(decl);
                    self.out.take(Lowered::Nothing, lower);
                }
                lowered => {
                    self.out.take(lowered, lower);
                }
            }
        }
        Ok(decls)
    }

    /// The declarations among the words `from..to`. `bad` is where a parse of all of them stopped: what stands
    /// there need not be tried.
    fn decls(
        &mut self,
        work: &Work<'_>,
        from: usize,
        to: usize,
        place: Place,
        doc: SmolStr,
        bad: Option<usize>,
    ) -> Vec<Decl> {
        let mut decls = Vec::new();
        let mut doc = Some(doc);
        for (from, to) in work.look.pieces(from, to, Look::starts_decl) {
            if self.out.findings.enough() {
                break;
            }
            let (start, end) = work.range(from, to);
            let doc = doc.take().unwrap_or_else(|| lower::doc(work.text, work.end_before(from), start));
            let text = work.text.get(start..end).unwrap_or("");
            let here = bad.is_some_and(|bad| (start..=end).contains(&bad)) && !work.bodies(from, to).is_empty();
            let refusal = if here || self.thorough || self.credit < text.len() {
                None
            } else {
                match self.whole(text, work.places.from(start), doc.clone(), place) {
                    Ok(more) => {
                        decls.extend(more);
                        continue;
                    }
                    Err(why) => {
                        self.credit -= text.len();
                        Some(why)
                    }
                }
            };
            decls.extend(self.broken_decl(work, from, to, place, &doc, refusal));
        }
        decls
    }

    /// A declaration that does not parse: its head by itself, then its bodies.
    fn broken_decl(
        &mut self,
        work: &Work<'_>,
        from: usize,
        to: usize,
        place: Place,
        doc: &SmolStr,
        refusal: Option<Refusal>,
    ) -> Option<Decl> {
        let bodies = work.bodies(from, to);
        let mut head = work.head(from, to, &bodies);
        if let Some(found) = work.respelling(from) {
            self.foreign_decl(work, &found, to);
            head = work.respelled(from, &found, &head);
        }
        let found = self.count();
        let parsed = self.one(&head, work.places.file, place, doc.clone());
        let mut decl = match parsed {
            Ok(decl) => decl,
            Err(why) => {
                let silent = work.mended(from, to, &bodies);
                if !silent {
                    self.refused_decl(work, from, &head, &why);
                }
                work.stand_in(from, to, doc)
            }
        };
        let Some(decl) = &mut decl else { return None };
        let bad = refusal.map(|why| work.range(from, to).0 + why.at);
        self.fill(work, decl, &bodies, bad);
        decl.span = work.span(from, to);
        if self.thorough && self.count() == found {
            complete(decl);
        }
        Some(decl.clone())
    }

    /// The one declaration of a head, lowered.
    fn one(&mut self, head: &Patchwork, file: FileId, place: Place, doc: SmolStr) -> Result<Option<Decl>, Refusal> {
        let before = self.out.file.decls.len();
        let mut decls = self.whole(&head.text, head.places(file), doc, place)?;
        if place == Place::File {
            decls = self.out.file.decls.split_off(before.min(self.out.file.decls.len()));
        }
        Ok(decls.into_iter().next())
    }

    /// Puts what stands in the braces into the bodies of a declaration whose head was read alone.
    fn fill(&mut self, work: &Work<'_>, decl: &mut Decl, bodies: &[Braces], bad: Option<usize>) {
        let last = bodies.last().copied();
        match &mut decl.kind {
            DeclKind::Defaults { body, .. }
            | DeclKind::Module { body, .. }
            | DeclKind::Moved(body)
            | DeclKind::Removed(body)
            | DeclKind::Accept { body, .. }
            | DeclKind::Entity { body, .. } => self.fill_body(work, body, last, bad),
            DeclKind::For { body, .. } => {
                if let Some((open, close)) = last {
                    *body = self.decls_in(work, open, close, Place::For, bad);
                }
            }
            DeclKind::If { arms } => {
                for ((_, body), (open, close)) in arms.iter_mut().zip(bodies) {
                    *body = self.decls_in(work, *open, *close, Place::If, bad);
                }
            }
            DeclKind::Test { steps, .. } => {
                if let Some((open, close)) = last {
                    *steps = self.steps(work, open + 1, close);
                }
            }
            _ => {}
        }
    }

    fn decls_in(
        &mut self,
        work: &Work<'_>,
        open: usize,
        close: usize,
        place: Place,
        bad: Option<usize>,
    ) -> Vec<Decl> {
        let doc = work.doc(open + 1);
        self.decls(work, open + 1, close, place, doc, bad)
    }

    fn fill_body(&mut self, work: &Work<'_>, body: &mut Body, braces: Option<Braces>, bad: Option<usize>) {
        body.incomplete = true;
        if let Some((open, close)) = braces {
            body.items = self.items(work, open + 1, close, bad);
            body.span = work.span(open, close + 1);
        }
    }

    /// The items among the words `from..to`.
    fn items(&mut self, work: &Work<'_>, from: usize, to: usize, bad: Option<usize>) -> Vec<Item> {
        let mut items = Vec::new();
        for (from, to) in work.look.pieces(from, to, Look::starts_item) {
            if self.out.findings.enough() {
                break;
            }
            let (start, end) = work.range(from, to);
            let text = work.text.get(start..end).unwrap_or("");
            let here = bad.is_some_and(|bad| (start..=end).contains(&bad)) && work.item_body(from, to).is_some();
            let mut refusal = None;
            if !(here || self.thorough || self.credit < text.len()) {
                match self.items_of(text, work.places.from(start), work.doc(from)) {
                    Ok(more) => {
                        items.extend(more);
                        continue;
                    }
                    Err(why) => {
                        self.credit -= text.len();
                        refusal = Some(why);
                    }
                }
            }
            items.extend(self.broken_item(work, from, to, refusal));
        }
        items
    }

    /// All items of a text, if it parses.
    fn items_of(&mut self, text: &str, places: Places<'_>, doc: SmolStr) -> Result<Vec<Item>, Refusal> {
        let tree = grammar::parse(Rule::items, text)?;
        let mut lower = Lower::new(text, places);
        let items = lower.lone_items(tree.pairs(), doc);
        self.out.findings.append(lower.into_findings());
        Ok(items)
    }

    fn broken_item(&mut self, work: &Work<'_>, from: usize, to: usize, refusal: Option<Refusal>) -> Vec<Item> {
        let braces = work.item_body(from, to);
        let head = work.head(from, to, braces.as_slice());
        let bad = refusal.map(|why| work.range(from, to).0 + why.at);
        let found = self.count();
        match self.items_of(&head.text, head.places(self.file), work.doc(from)) {
            Ok(mut items) => {
                if let Some(item) = items.last_mut() {
                    self.fill_item(work, item, braces, bad);
                    if self.thorough && self.count() == found {
                        complete_item(item);
                    }
                }
                items
            }
            Err(why) => {
                if !work.mended(from, to, braces.as_slice()) {
                    self.refused_item(work, from, &head, &why);
                }
                if let Some((open, close)) = braces {
                    self.items(work, open + 1, close, bad);
                }
                self.field_stand_in(work, from)
            }
        }
    }

    fn fill_item(&mut self, work: &Work<'_>, item: &mut Item, braces: Option<Braces>, bad: Option<usize>) {
        let Some((_, close)) = braces else { return };
        match item {
            Item::Block(block) => {
                self.fill_body(work, &mut block.body, braces, bad);
                block.span = block.span.to(work.span(close, close + 1));
            }
            Item::For(each) => {
                self.fill_body(work, &mut each.body, braces, bad);
                each.span = each.span.to(work.span(close, close + 1));
            }
            _ => {}
        }
    }

    /// The steps of a test among the words `from..to`.
    fn steps(&mut self, work: &Work<'_>, from: usize, to: usize) -> Vec<TestStep> {
        let starts = |look: &Look<'_>, index: usize| {
            matches!(look.text(index), "let" | "expect") && look.text(index + 1) != "="
        };
        let mut steps = Vec::new();
        for (from, to) in work.look.pieces(from, to, starts) {
            if self.out.findings.enough() {
                break;
            }
            let (start, end) = work.range(from, to);
            let text = work.text.get(start..end).unwrap_or("");
            match grammar::parse(Rule::steps, text) {
                Ok(tree) => {
                    let mut lower = Lower::new(text, work.places.from(start));
                    if let Some(pair) = tree.pairs().next() {
                        steps.extend(lower.steps(pair.into_inner()));
                    }
                    self.out.findings.append(lower.into_findings());
                }
                Err(why) => {
                    if !work.mended(from, to, &[]) {
                        self.refused(&work.places.from(start), text, &why);
                    }
                    let decl = (work.look.text(from) == "let").then(|| work.stand_in(from, to, &SmolStr::default()));
                    if let Some(DeclKind::Let { name, ty, value }) = decl.flatten().map(|decl| decl.kind) {
                        steps.push(TestStep::Let { name, ty, value });
                    }
                }
            }
        }
        steps
    }

    /// A field in place of one whose value cannot be read.
    fn field_stand_in(&mut self, work: &Work<'_>, from: usize) -> Vec<Item> {
        let key = if work.look.text(from) == "override" && !work.look.is_equals(from + 1) { from + 1 } else { from };
        if !work.look.is_equals(key + 1) {
            return Vec::new();
        }
        let mut head = work.head(from, key + 2, &[]);
        let end = work.range(from, key + 2).1;
        head.insert(" none", work.places.offset(end.saturating_sub(1)) + 1);
        let Ok(tree) = grammar::parse(Rule::items, &head.text) else { return Vec::new() };
        let mut lower = Lower::new(&head.text, head.places(self.file));
        let mut items = lower.lone_items(tree.pairs(), SmolStr::default());
        for item in &mut items {
            if let Item::Field(field) = item {
                field.value.kind = ExprKind::Error;
            }
        }
        items
    }
}

/// Takes back that bodies are incomplete, when taking them apart found no fault.
fn complete(decl: &mut Decl) {
    match &mut decl.kind {
        DeclKind::Defaults { body, .. }
        | DeclKind::Module { body, .. }
        | DeclKind::Moved(body)
        | DeclKind::Removed(body)
        | DeclKind::Accept { body, .. }
        | DeclKind::Entity { body, .. } => body.incomplete = false,
        _ => {}
    }
}

fn complete_item(item: &mut Item) {
    match item {
        Item::Block(block) => block.body.incomplete = false,
        Item::For(each) => each.body.incomplete = false,
        _ => {}
    }
}
