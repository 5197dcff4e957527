//! A mended chunk and what can be told of its pieces from their words: which braces are bodies, what a head is,
//! and what to put in place of a declaration that cannot be read.

use smol_str::SmolStr;

use super::super::ast::{Body, Decl, DeclKind, Expr, ExprKind, Name, StrLit, TypeExprKind};
use super::super::chunks::{DECL_WORDS, Look, Word};
use super::super::grammar::{self, Rule};
use super::super::lower::{self, Lower, Lowered, Place, named_only};
use super::super::places::{Patchwork, Places};
use crate::source::Span;

/// A text under recovery: one chunk, mended.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    /// The file's text, in which nothing is mended.
    pub(super) source: &'a str,
    pub(super) text: &'a str,
    pub(super) places: Places<'a>,
    pub(super) look: Look<'a>,
}

/// A body found in a piece: its opening and closing brace.
pub(super) type Braces = (usize, usize);

/// The beginning of a declaration as other languages spell it.
pub(super) struct Respelling {
    /// The word that is wrong, or before which one is missing.
    pub(super) at: usize,
    /// How many words are wrong: 1, or 0 where one is missing.
    pub(super) words: usize,
    /// What to write.
    pub(super) with: &'static str,
}

impl Work<'_> {
    /// A declaration in place of one that cannot be read, from as much of its beginning as can.
    pub(super) fn stand_in(&self, from: usize, to: usize, doc: &SmolStr) -> Option<Decl> {
        let look = self.look;
        let first = self.first(from);
        let equals = self.find(first, to, |text| matches!(text, "=" | ":="));
        let respelling = self.respelling(from);
        let word = respelling.as_ref().map_or(look.text(first), |found| found.with.trim_end());
        let tries: Vec<(usize, &str)> = match word {
            "import" => return self.import(first, to, doc),
            "defaults" => return self.defaults(from, to, doc),
            "let" | "type" => vec![(equals.map_or(0, |at| at + 1), " none"), (first + 2, " = none")],
            "param" => vec![(equals.unwrap_or(0), ""), (first + 2, ": none")],
            "fn" => vec![(equals.map_or(0, |at| at + 1), " none"), (first + 2, "(): none = none")],
            "for" | "foreach" => {
                vec![(self.find(first, to, |text| text == "in").map_or(0, |at| at + 1), " none {}")]
            }
            "if" => vec![(first + 1, " none {}")],
            "module" => vec![(first + 2, " = \"\" {}")],
            word if DECL_WORDS.contains(&word) => Vec::new(),
            _ => vec![(first + 2, " {}")],
        };
        for (index, (upto, rest)) in tries.into_iter().enumerate() {
            if upto <= first || upto > to {
                continue;
            }
            let mut head = self.head(from, upto, &[]);
            if let Some(found) = &respelling {
                head = self.respelled(from, found, &head);
            }
            let end = self.range(from, upto).1;
            head.insert(rest, self.places.offset(end.saturating_sub(1)) + 1);
            let Some(decl) = self.read(&head, doc) else { continue };
            let mut decl = emptied(decl, index > 0)?;
            decl.span = self.span(from, to);
            return Some(decl);
        }
        None
    }

    /// The declaration that `head` is, if it is one.
    fn read(&self, head: &Patchwork, doc: &SmolStr) -> Option<Decl> {
        let tree = grammar::parse(Rule::declaration, &head.text).ok()?;
        let mut lower = Lower::new(&head.text, head.places(self.places.file));
        let pair = tree.pairs().flat_map(grammar::Pair::into_inner).find(|pair| pair.as_rule() == Rule::decl)?;
        match lower.decl(pair, doc.clone(), Place::File) {
            Lowered::Decl(decl) => Some(decl),
            Lowered::Edition(..) | Lowered::Nothing => None,
        }
    }

    /// An import in place of one that cannot be read: the name it seems to give, and its path if that is whole. A
    /// path that is not has no parts.
    fn import(&self, first: usize, to: usize, doc: &SmolStr) -> Option<Decl> {
        let look = self.look;
        let upto = self.find(first + 1, to, |text| text == "as").unwrap_or(to);
        let string = (first + 1..upto).find(|index| look.is_string(*index));
        let named = [Some(upto + 1), string.map(|at| at + 1), Some(first + 1)];
        let wanted = |at: &usize| *at < to && look.is_word(*at) && !matches!(look.text(*at), "as" | "from");
        let named = named.into_iter().flatten().find(wanted);
        let (name, name_span) = match (named, string) {
            (Some(at), _) => (SmolStr::new(look.text(at)), self.span(at, at + 1)),
            (None, Some(at)) => {
                // As it was before recovery blanked it, should its end be missing.
                let span = self.span(at, at + 1);
                (stem(self.source.get(span.start as usize..span.end as usize)?)?, span)
            }
            (None, None) => return None,
        };
        // What recovery closed swallowed more than the path.
        let whole = string.filter(|at| !self.mended(*at, at + 1, &[]));
        let path = whole.and_then(|at| {
            let mut head = Patchwork::default();
            let (start, end) = self.range(at, at + 1);
            head.insert("import ", self.places.offset(start));
            head.copy(self.text, &self.places, start, end);
            head.insert(" as x", self.places.offset(end.saturating_sub(1)) + 1);
            match self.read(&head, doc)?.kind {
                DeclKind::Import { path, .. } => Some(path),
                _ => None,
            }
        });
        let path = path.unwrap_or_else(|| {
            let span = string.map_or_else(|| self.span(first, first + 1), |at| self.span(at, at + 1));
            StrLit { parts: Vec::new(), span }
        });
        let kind = DeclKind::Import { path, name: Name { text: name, span: name_span } };
        Some(Decl { doc: doc.clone(), export: None, span: self.span(first, to), kind })
    }

    /// Defaults in place of some whose head cannot be read: their name, and their kind, if they seem to have one.
    fn defaults(&self, from: usize, to: usize, doc: &SmolStr) -> Option<Decl> {
        let first = self.first(from);
        let name = first + 1;
        if name >= to || !self.look.is_word(name) || self.look.text(name) == "for" {
            return None;
        }
        let open = self.find(first, to, |text| text == "{").unwrap_or(to);
        let after_for = self.find(first, open, |text| text == "for").map(|at| at + 1);
        let kind = [after_for, Some(open.saturating_sub(1))].into_iter().flatten();
        let kind = kind.into_iter().find(|at| *at > name && *at < open && self.look.is_word(*at));
        let kind = kind.filter(|at| self.look.text(*at) != "for");
        let word = |at: usize| Name { text: SmolStr::new(self.look.text(at)), span: self.span(at, at + 1) };
        let name = word(name);
        let kind = kind.map_or_else(|| Name { text: SmolStr::default(), span: name.span }, word);
        let span = self.span(from, to);
        let export = (first > from).then(|| self.span(from, from + 1));
        let body = Body { items: Vec::new(), span: span.tail(), incomplete: true };
        Some(Decl { doc: doc.clone(), export, span, kind: DeclKind::Defaults { name, kind, body } })
    }

    /// The first word of a declaration after its `export`.
    pub(super) fn first(&self, from: usize) -> usize {
        if self.look.text(from) == "export" { from + 1 } else { from }
    }

    /// How a declaration that begins as it would in another language begins in this one.
    pub(super) fn respelling(&self, from: usize) -> Option<Respelling> {
        let look = self.look;
        let at = self.first(from);
        if self.is_bare_value(at) {
            return Some(Respelling { at, words: 0, with: "let " });
        }
        if !look.is_word(at) || !look.is_word(at + 1) {
            return None;
        }
        let with = match (look.text(at), look.text(at + 2)) {
            ("const" | "var" | "val", "=" | ":=" | ":") => "let",
            ("function" | "def" | "func" | "fun", "(") => "fn",
            _ => return None,
        };
        Some(Respelling { at, words: 1, with })
    }

    /// A head, which is that of a leaf, with its first word as it is spelled here.
    pub(super) fn respelled(&self, from: usize, found: &Respelling, head: &Patchwork) -> Patchwork {
        let start = self.range(from, from).0;
        let (at, end) = self.range(found.at, found.at + found.words);
        let places = head.places(self.places.file);
        let mut out = Patchwork::default();
        out.copy(&head.text, &places, 0, at - start);
        out.insert(found.with, self.places.offset(at));
        let end = if found.words == 0 { at } else { end };
        out.copy(&head.text, &places, end - start, head.text.len());
        out
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
        matches!(self.look.text(self.first(from)), "let" | "fn" | "type" | "param" | "import" | "edition" | "assert")
            || self.respelling(from).is_some()
    }

    /// `name = value` where `let` is forgotten.
    fn is_bare_value(&self, from: usize) -> bool {
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

/// The name that an import of this path, a string as it stands in the text, would have.
pub(super) fn stem(path: &str) -> Option<SmolStr> {
    let path = path.trim_matches(['"', '\'']).trim();
    if let Some((_, name)) = path.rsplit_once(" as ") {
        return is_name(name.trim()).then(|| SmolStr::new(name.trim()));
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let stem = last.split('.').next().unwrap_or(last);
    is_name(stem).then(|| SmolStr::new(stem))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with('-')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
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
