//! What each word of a program stands for: declarations, and the places that use them.
//!
//! Owns symbols and where they occur, for an editor; the compiler does without. Resolves as the checker does, over
//! trees with errors too, and says nothing of what it cannot resolve. Types come from the checker's [`Notes`].

mod exprs;
mod names;
pub mod probe;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use smol_str::SmolStr;

use crate::check::Notes;
use crate::hir::BuiltinFn;
use crate::load::LoadedFile;
use crate::schema::{Kind, RecordSpec};
use crate::source::{FileId, Span};
use crate::types::Ty;

/// What a name that a program declares stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A `let`, of a file or of a test.
    Let,
    /// A function.
    Function,
    /// An argument of a function.
    Argument,
    /// A parameter of a file.
    Param,
    /// A type.
    Type,
    /// A `defaults` block.
    Defaults,
    /// The name of an import.
    Import,
    /// A module.
    Module,
    /// A name of a loop.
    Local,
}

impl What {
    /// As the language calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Let => "let",
            Self::Function => "fn",
            Self::Argument => "argument",
            Self::Param => "param",
            Self::Type => "type",
            Self::Defaults => "defaults",
            Self::Import => "import",
            Self::Module => "module",
            Self::Local => "for",
        }
    }
}

/// A record of the schema, told apart by identity.
#[derive(Debug, Clone, Copy)]
pub struct Spec(pub &'static RecordSpec);

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Spec {}

impl Hash for Spec {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

/// What a word stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// A name that the program declares, by the place of the name.
    Named(What, Span),
    /// An entity whose label is written out: its file, kind and label.
    Entity(FileId, Kind, SmolStr),
    /// An entity whose label is computed, or that a computed label may come to: by the place of the label.
    Computed(Kind, Span),
    /// A kind.
    Kind(Kind),
    /// The set of all of a kind.
    Every(Kind),
    /// A function of the language.
    Builtin(BuiltinFn),
    /// A type of the language.
    BaseType(SmolStr),
    /// A field of the schema.
    Field(Spec, &'static str),
    /// `.label`, `.address`, or `.name` of what has no such field.
    Meta(&'static str),
    /// A field of a record type.
    Member(SmolStr),
    /// A file that is imported, or of which a module is made.
    File(FileId),
}

/// Why a word stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It declares what it stands for.
    Declares,
    /// It uses it.
    Uses,
    /// It sets it: a field, a parameter.
    Sets,
    /// It is a part of an address in a `moved` or `removed` block.
    Address,
}

/// A word that stands for something.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// The word; the text of a label without its quotes.
    pub span: Span,
    /// What it stands for.
    pub symbol: Symbol,
    /// Why it stands there.
    pub role: Role,
}

/// Something declared.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// What.
    pub symbol: Symbol,
    /// Its name or label, as it is written, without quotes.
    pub name: SmolStr,
    /// Where that stands.
    pub span: Span,
    /// Its name and what is said of it before its value: arguments, types.
    pub header: Span,
    /// From the first word to the end.
    pub whole: Span,
    /// The `##` comment above.
    pub doc: SmolStr,
    /// May other files use it?
    pub exported: bool,
    /// How many declarations it stands in: loops, choices, functions.
    pub depth: u32,
}

/// What the words of a program stand for.
#[derive(Debug, Default)]
pub struct Index {
    /// By file, by place. INVARIANT: sorted by start; of two at one start the longer is first.
    occurrences: HashMap<FileId, Vec<Occurrence>>,
    declarations: Vec<Declaration>,
    by_symbol: HashMap<Symbol, Vec<Occurrence>>,
    of_symbol: HashMap<Symbol, usize>,
    /// The type of a name that is declared, where the checker told it.
    types: HashMap<Span, Ty>,
}

impl Index {
    /// Of the files of a program, those that are imported before those that import them.
    pub fn new(files: &[LoadedFile], notes: &Notes) -> Self {
        let mut index = Self::default();
        let names = names::collect(files);
        for unit in 0..files.len() {
            walk::Walker::new(files, &names, notes, unit).file(&mut index);
        }
        index.finish();
        index
    }

    fn finish(&mut self) {
        for found in self.occurrences.values_mut() {
            found.sort_by_key(|found| (found.span.start, std::cmp::Reverse(found.span.end)));
            found.dedup_by(|a, b| a.span == b.span && a.symbol == b.symbol);
            for one in found.iter() {
                self.by_symbol.entry(one.symbol.clone()).or_default().push(one.clone());
            }
        }
        for found in self.by_symbol.values_mut() {
            found.sort_by_key(|found| found.span);
        }
        for (at, declaration) in self.declarations.iter().enumerate() {
            self.of_symbol.entry(declaration.symbol.clone()).or_insert(at);
        }
    }

    /// The words of a file, by place.
    pub fn in_file(&self, file: FileId) -> &[Occurrence] {
        self.occurrences.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The word at a byte of a file, or right before it: the smallest one.
    pub fn at(&self, file: FileId, offset: u32) -> Option<&Occurrence> {
        let all = self.in_file(file);
        let upto = all.partition_point(|found| found.span.start <= offset);
        let around = all.get(..upto)?.iter().filter(|found| offset <= found.span.end);
        // A word that begins here goes before one that ends here.
        around.min_by_key(|found| (found.span.end == offset && found.span.start != offset, length(found.span)))
    }

    /// Every word that stands for a symbol, by file and place.
    pub fn of(&self, symbol: &Symbol) -> &[Occurrence] {
        self.by_symbol.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// Where a symbol is declared.
    pub fn declaration(&self, symbol: &Symbol) -> Option<&Declaration> {
        self.declarations.get(*self.of_symbol.get(symbol)?)
    }

    /// Everything that is declared, file by file in source order.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// The type of a name that is declared at a place.
    pub fn type_of(&self, name: Span) -> Option<&Ty> {
        self.types.get(&name)
    }

    fn push(&mut self, span: Span, symbol: Symbol, role: Role) {
        self.occurrences.entry(span.file).or_default().push(Occurrence { span, symbol, role });
    }
}

fn length(span: Span) -> u32 {
    span.end - span.start
}
