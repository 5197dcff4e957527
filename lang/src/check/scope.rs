//! What an expression sees and what it needs: locals, the subject, what is known not to be absent, and the
//! layer from which it can be evaluated. Owns no rule of the language but these.

use smol_str::SmolStr;

use super::fit::named;
use crate::hir::Slot;
use crate::schema::{KindSet, Layer};
use crate::source::Span;
use crate::types::Ty;

/// The scope of one expression tree (a let, a function, an entity's label or field).
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The file.
    pub(super) unit: usize,
    /// Loop names and arguments, innermost last.
    pub(super) locals: Vec<Local>,
    /// What `.field` reads.
    pub(super) subject: Option<Subject>,
    /// Slots of subjects that have been read.
    pub(super) subjects_read: Vec<Slot>,
    /// Paths that are known not to be `none`.
    pub(super) facts: Vec<Path>,
    /// What has been read so far.
    pub(super) effects: Effects,
    /// Is it a step of a test?
    pub(super) in_test: bool,
    next: u32,
    most: u32,
}

/// A local name.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) name: SmolStr,
    pub(super) slot: Slot,
    pub(super) ty: Ty,
    pub(super) span: Span,
}

/// What `.field` reads.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) slot: Slot,
    pub(super) ty: Ty,
    /// The value is taken by cells and by accounts alike: a field that one of both has may be read.
    pub(super) either: bool,
}

/// A path of names: a local or the subject, and fields from there.
pub(super) type Path = Vec<SmolStr>;

/// What an expression needs before it can be evaluated.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    /// 0: nothing; n: the first n layers are to be complete. With what was read, and where.
    pub(super) need: u8,
    pub(super) need_from: Option<(Span, String)>,
    /// It reads what only an instance of its file has: a parameter, an entity, a module.
    pub(super) instance: Option<(Span, String)>,
}

impl Effects {
    /// Adds what another expression needs; `at` is where it is used from.
    pub(super) fn include(&mut self, other: &Self, at: Span) {
        if let Some((_, what)) = &other.need_from {
            self.needs(other.need, at, what);
        }
        if let (None, Some((_, what))) = (&self.instance, &other.instance) {
            self.instance = Some((at, what.clone()));
        }
    }

    /// The first `need` layers are to be complete.
    pub(super) fn needs(&mut self, need: u8, at: Span, what: &str) {
        if need > self.need {
            self.need = need;
            self.need_from = Some((at, what.to_owned()));
        }
    }

    /// All entities of these kinds, or a field of one, are read.
    pub(super) fn reads(&mut self, kinds: KindSet, at: Span, what: &str) {
        self.needs(kinds.layer() as u8 + 1, at, what);
    }

    /// It reads what only an instance has.
    pub(super) fn of_instance(&mut self, at: Span, what: &str) {
        if self.instance.is_none() {
            self.instance = Some((at, what.to_owned()));
        }
    }

    /// The layer in whose structure it can first be evaluated; none if it can in no layer's.
    pub(super) fn layer(&self) -> Option<Layer> {
        Layer::ALL.get(usize::from(self.need)).copied()
    }
}

impl Scope {
    /// A scope in which slot 0 is kept for a subject.
    pub(super) fn new(unit: usize) -> Self {
        Self {
            unit,
            locals: Vec::new(),
            subject: None,
            subjects_read: Vec::new(),
            facts: Vec::new(),
            effects: Effects::default(),
            in_test: false,
            next: 1,
            most: 1,
        }
    }

    /// A scope for the steps of a test.
    pub(super) fn of_test(unit: usize) -> Self {
        Self { in_test: true, ..Self::new(unit) }
    }

    /// The same locals and facts, for another tree with its own frame and its own needs.
    pub(super) fn fork(&self) -> Self {
        Self { effects: Effects::default(), most: self.next, ..self.clone() }
    }

    /// With this subject in slot 0.
    pub(super) fn about(mut self, ty: Ty) -> Self {
        self.subject = Some(Subject { slot: Slot(0), ty, either: false });
        self
    }

    /// A fresh slot.
    pub(super) fn slot(&mut self) -> Slot {
        let slot = Slot(self.next);
        self.next += 1;
        self.most = self.most.max(self.next);
        slot
    }

    /// Binds a name to a fresh slot.
    pub(super) fn bind(&mut self, name: &SmolStr, ty: Ty, span: Span) -> Slot {
        let slot = self.slot();
        self.locals.push(Local { name: name.clone(), slot, ty, span });
        slot
    }

    /// The local of this name.
    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    /// Slots of the frame so far.
    pub(super) fn frame(&self) -> u32 {
        self.most
    }

    /// Slots bound now, beside slot 0.
    pub(super) fn bound(&self) -> u32 {
        self.next - 1
    }

    /// A mark to go back to with [`Self::reset`].
    pub(super) fn mark(&self) -> Mark {
        Mark { locals: self.locals.len(), facts: self.facts.len(), next: self.next }
    }

    /// Forgets names, facts and slots since the mark.
    pub(super) fn reset(&mut self, mark: Mark) {
        self.locals.truncate(mark.locals);
        self.facts.truncate(mark.facts);
        self.next = mark.next;
    }

    /// Is this path known not to be `none`?
    pub(super) fn is_present(&self, path: Option<&Path>) -> bool {
        path.is_some_and(|path| self.facts.contains(path))
    }
}

/// A point in a scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    locals: usize,
    facts: usize,
    next: u32,
}

/// Where a value is to go, and why it must be what it must be.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The type expected.
    pub(super) ty: Ty,
    /// Where that is declared.
    pub(super) declared: Declared,
    /// May it hold what is known only after apply?
    pub(super) later: bool,
    /// Where the value goes, for "it cannot be …": `in a label`.
    pub(super) place: &'static str,
}

/// Where an expected type is declared.
#[derive(Debug, Clone)]
pub(super) enum Declared {
    /// By the language itself: nothing to show.
    Language,
    /// A field of the schema: record and field.
    Schema(&'static str, &'static str),
    /// At a place of the program, with what stands there.
    Here(Span, Said),
}

/// What stands where an expected type is declared. Nearly all values fit, so it is put into words only when one
/// does not.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// In so many words.
    Words(&'static str),
    /// Something of this name.
    Name(SmolStr),
    /// The argument of a function: its name, the function's.
    Argument(SmolStr, SmolStr),
    /// The first of several, of this type.
    First(Ty),
}

impl Said {
    /// The words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Words(words) => (*words).to_owned(),
            Self::Name(name) => format!("`{name}` is declared here"),
            Self::Argument(argument, function) => format!("`{argument}` of `{function}` is declared here"),
            Self::First(ty) => format!("the first is {}", named(ty)),
        }
    }
}

impl From<&'static str> for Said {
    fn from(words: &'static str) -> Self {
        Self::Words(words)
    }
}

impl Site {
    /// A site whose type the language fixes.
    pub(super) fn language(ty: Ty, place: &'static str) -> Self {
        Self { ty, declared: Declared::Language, later: false, place }
    }

    /// A site whose type is declared at a place.
    pub(super) fn declared(ty: Ty, span: Span, text: impl Into<Said>) -> Self {
        Self { ty, declared: Declared::Here(span, text.into()), later: false, place: "here" }
    }

    /// The same site with another type: that of an element.
    pub(super) fn with(&self, ty: Ty) -> Self {
        Self { ty, ..self.clone() }
    }
}
