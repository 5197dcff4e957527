//! A mended chunk and what can be told of its pieces from their words: which braces are bodies, what a head is,
//! and what to put in place of a declaration that cannot be read.

use smol_str::SmolStr;

use super::super::ast::{Decl, DeclKind, Expr, ExprKind, TypeExprKind};
use super::super::chunks::{DECL_WORDS, Look, Word};
use super::super::grammar::{self, Rule};
use super::super::lower::{self, Lower, Lowered, Place, named_only};
use super::super::places::{Patchwork, Places};
use crate::source::Span;

/// A text under recovery: one chunk, mended.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) text: &'a str,
    pub(super) places: Places<'a>,
    pub(super) look: Look<'a>,
}

/// A body found in a piece: its opening and closing brace.
pub(super) type Braces = (usize, usize);

impl Work<'_> {
    /// A declaration in place of one that cannot be read, from as much of its beginning as can.
    pub(super) fn stand_in(&self, from: usize, to: usize, doc: &SmolStr) -> Option<Decl> {
        let look = self.look;
        let first = if look.text(from) == "export" { from + 1 } else { from };
        let equals = self.find(first, to, |text| matches!(text, "=" | ":="));
        let tries: Vec<(usize, &str)> = match look.text(first) {
            "let" | "type" => vec![(equals.map_or(0, |at| at + 1), " none"), (first + 2, " = none")],
            "param" => vec![(equals.unwrap_or(0), ""), (first + 2, ": none")],
            "fn" => vec![(equals.map_or(0, |at| at + 1), " none"), (first + 2, "(): none = none")],
            "for" | "foreach" => {
                vec![(self.find(first, to, |text| text == "in").map_or(0, |at| at + 1), " none {}")]
            }
            "if" => vec![(first + 1, " none {}")],
            "module" => vec![(first + 2, " = \"\" {}")],
            "defaults" => vec![(first + 4, " {}")],
            word if DECL_WORDS.contains(&word) => Vec::new(),
            _ => vec![(first + 2, " {}")],
        };
        for (index, (upto, rest)) in tries.into_iter().enumerate() {
            if upto <= first || upto > to {
                continue;
            }
            let mut head = self.head(from, upto, &[]);
            let end = self.range(from, upto).1;
            head.insert(rest, self.places.offset(end.saturating_sub(1)) + 1);
            let Ok(pairs) = grammar::parse(Rule::declaration, &head.text) else { continue };
            let mut lower = Lower::new(&head.text, head.places(self.places.file));
            let pair = pairs.flat_map(grammar::Pair::into_inner).find(|pair| pair.as_rule() == Rule::decl)?;
            let Lowered::Decl(decl) = lower.decl(pair, doc.clone(), Place::File) else { return None };
            let mut decl = emptied(decl, index > 0)?;
            decl.span = self.span(from, to);
            return Some(decl);
        }
        None
    }

    /// The bytes of the words `from..to`.
    pub(super) fn range(&self, from: usize, to: usize) -> (usize, usize) {
        let start = self.look.words.get(from).map_or(self.text.len(), Word::start);
        let end = to.checked_sub(1).and_then(|last| self.look.words.get(last)).map_or(start, Word::end);
        (start, end.max(start))
    }

    pub(super) fn span(&self, from: usize, to: usize) -> Span {
        let (start, end) = self.range(from, to);
        self.places.span(start, end)
    }

    pub(super) fn end_before(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.look.words.get(before)).map_or(0, Word::end)
    }

    /// The documentation above a word.
    pub(super) fn doc(&self, index: usize) -> SmolStr {
        lower::doc(self.text, self.end_before(index), self.range(index, index + 1).0)
    }

    /// The first word of `from..to` outside brackets whose text is wanted.
    pub(super) fn find(&self, from: usize, to: usize, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        let mut index = from;
        while index < to {
            if wanted(self.look.text(index)) {
                return Some(index);
            }
            index = self.look.words.get(index).map_or(index, |word| (word.mate as usize).max(index)) + 1;
        }
        None
    }

    /// A declaration whose braces, if it has any, are part of an expression.
    pub(super) fn is_leaf(&self, from: usize) -> bool {
        let first = if self.look.text(from) == "export" { from + 1 } else { from };
        matches!(self.look.text(first), "let" | "fn" | "type" | "param" | "import" | "edition" | "assert")
            || self.is_bare_value(from)
    }

    /// `name = value` where `let` is forgotten.
    pub(super) fn is_bare_value(&self, from: usize) -> bool {
        self.look.is_word(from)
            && !DECL_WORDS.contains(&self.look.text(from))
            && matches!(self.look.text(from + 1), "=" | ":=")
    }

    /// The bodies of the declaration in `from..to`: the last braces, and those before an `else`.
    pub(super) fn bodies(&self, from: usize, to: usize) -> Vec<Braces> {
        if self.is_leaf(from) {
            return Vec::new();
        }
        let mut bodies = Vec::new();
        let mut index = from;
        while index < to {
            let mate = self.look.words.get(index).map_or(index, |word| (word.mate as usize).max(index));
            let next = self.look.text(mate + 1);
            let is_body = mate + 1 == to || matches!(next, "else" | "elif" | "elseif" | "elsif");
            if mate > index && self.look.text(index) == "{" && is_body {
                bodies.push((index, mate));
            }
            index = mate + 1;
        }
        bodies
    }

    /// The body of the item in `from..to`, if it has the form of a block or a loop.
    pub(super) fn item_body(&self, from: usize, to: usize) -> Option<Braces> {
        let first = if self.look.text(from) == "override" && self.look.is_word(from + 1) { from + 1 } else { from };
        if self.look.is_equals(first + 1) || !self.look.is_word(first) {
            return None;
        }
        let last = if self.look.text(to.checked_sub(1)?) == "," { to.checked_sub(2)? } else { to.checked_sub(1)? };
        let open = self.look.words.get(last)?.mate as usize;
        (open < last && open > first && self.look.text(open) == "{").then_some((open, last))
    }

    /// The words `from..to` without what stands in the braces of `bodies`.
    pub(super) fn head(&self, from: usize, to: usize, bodies: &[Braces]) -> Patchwork {
        let mut head = Patchwork::default();
        let (mut at, end) = self.range(from, to);
        for (open, close) in bodies {
            let inside = self.range(*open, open + 1).1;
            head.copy(self.text, &self.places, at, inside);
            at = self.range(*close, close + 1).0;
        }
        head.copy(self.text, &self.places, at, end);
        head
    }

    /// Is something in `from..to`, apart from `bodies`, closed only because recovery did so? Its error is made.
    pub(super) fn mended(&self, from: usize, to: usize, bodies: &[Braces]) -> bool {
        (from..to).any(|index| {
            let Some(word) = self.look.words.get(index) else { return false };
            let last = word.end().saturating_sub(1);
            self.places.inserted(last) && !bodies.iter().any(|(open, close)| (*open..=*close).contains(&index))
        })
    }
}

/// A stand-in keeps what names it; what it is made of is unknown.
fn emptied(mut decl: Decl, untyped: bool) -> Option<Decl> {
    let error = |span| Expr { kind: ExprKind::Error, span };
    match &mut decl.kind {
        DeclKind::Let { ty, .. } if untyped => *ty = None,
        DeclKind::Fn { result, .. } if untyped => result.kind = TypeExprKind::Error,
        DeclKind::Param { ty, default, check, .. } => {
            if untyped {
                ty.kind = TypeExprKind::Error;
            }
            *default = Some(error(ty.span));
            *check = None;
            return Some(decl);
        }
        DeclKind::For { over, .. } => {
            *over = error(over.span);
            return Some(decl);
        }
        DeclKind::If { arms } => {
            for condition in arms.iter_mut().filter_map(|(condition, _)| condition.as_mut()) {
                *condition = error(condition.span);
            }
            return Some(decl);
        }
        DeclKind::Entity { body, .. } | DeclKind::Module { body, .. } | DeclKind::Defaults { body, .. } => {
            body.incomplete = true;
            return Some(decl);
        }
        _ => {}
    }
    named_only(decl)
}
