//! From trees to a checked program: names, types, layers, labels, overrides.
//!
//! Everything in every file is checked, run or not. Owns the order of the work; the rules are the submodules':
//! `names` collects and finds, `typing` reads types, `expr` and its neighbours infer, `body` and `defaults`
//! check fields, `decls` builds the tree of declarations. Knows no values but literals.

mod access;
mod body;
mod calls;
mod collections;
mod conditions;
mod decls;
mod defaults;
mod entity;
mod expr;
mod fit;
mod lets;
mod names;
mod notes;
mod operators;
mod questions;
mod scope;
mod strings;
mod typing;

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::diagnostics::{self, Diagnostic};
use crate::files::{PACKAGE, STD};
use crate::hir::{self, FnId, LayerSet, LetId, ParamId, Program, StaticModuleId, UnitId};
use crate::load::{Loaded, LoadedFile};
use crate::source::{SourceMap, Span};
use crate::syntax::ast;
use crate::types::{Ty, UserTy};
use crate::value::Lit;

use defaults::DefaultsState;
pub use notes::Notes;
use scope::{Effects, Scope};

/// Is it the name of a type of the language?
pub fn is_base_type(name: &str) -> bool {
    typing::base_type(name).is_some()
}

/// The names of all types of the language.
pub fn base_types() -> impl Iterator<Item = &'static str> {
    names::language_types()
}

/// What checking a program came to.
#[derive(Debug)]
pub struct Checked {
    /// The texts, for whoever shows the findings.
    pub sources: Arc<SourceMap>,
    /// The program; none if its root file could not be read.
    pub program: Option<Program>,
    /// What was found, syntax included, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks the files of a program.
pub fn check(loaded: Loaded) -> Checked {
    checked(loaded, None).0
}

/// As [`check`]; gives the files back, with what was noted of their expressions: for an editor.
pub fn check_noting(loaded: Loaded) -> (Checked, Vec<LoadedFile>, Notes) {
    checked(loaded, Some(Notes::default()))
}

fn checked(loaded: Loaded, notes: Option<Notes>) -> (Checked, Vec<LoadedFile>, Notes) {
    let Loaded { sources, files, root, diagnostics } = loaded;
    let sources = Arc::new(sources);
    let mut checker = Checker::new(&sources, &files, root, diagnostics);
    checker.notes = notes;
    for unit in 0..files.len() {
        checker.collect(unit);
    }
    let mut units = Vec::with_capacity(files.len());
    for unit in 0..files.len() {
        units.push(checker.unit(unit));
    }
    let notes = checker.notes.take().unwrap_or_default();
    let (program, mut diagnostics) = checker.finish(units, &sources);
    diagnostics::sort(&mut diagnostics);
    (Checked { sources, program, diagnostics }, files, notes)
}

/// The state of a check. The trees live as long as `'a`; the tables grow as names are met.
struct Checker<'a> {
    sources: &'a SourceMap,
    files: &'a [LoadedFile],
    /// The file the run began with.
    root: Option<usize>,
    units: Vec<UnitNames<'a>>,
    lets: Vec<LetState<'a>>,
    functions: Vec<FnState<'a>>,
    types: Vec<hir::TypeCheck>,
    defaults: Vec<DefaultsState<'a>>,
    /// Defaults of fields of record types.
    record_defaults: Vec<Arc<hir::Body>>,
    /// Literals that meet a type with a `check`: only running it tells whether they hold.
    literals: Vec<(Lit, Arc<UserTy>, Span)>,
    /// Lets, functions and types being looked into, for circles.
    chain: Vec<(Task, SmolStr, Span)>,
    /// Expressions being checked inside each other, over all of the chain.
    depth: u32,
    /// What an editor asks for; none when nobody does.
    notes: Option<Notes>,
    diagnostics: Vec<Diagnostic>,
}

/// Lets, functions and types that may need each other in a row.
const MAX_CHAIN: usize = 2_048;
/// Expressions that may be in checking inside each other, over the whole chain: what bounds the stack.
const MAX_DEPTH: u32 = 4_096;
/// Stack, in bytes, that a thread needs to check any program.
pub const STACK: usize = 256 << 20;

/// What may need itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Let(LetId),
    Function(FnId),
    Type(usize, u32),
}

/// The names a file declares.
#[derive(Debug, Default)]
struct UnitNames<'a> {
    values: HashMap<SmolStr, (Item, Span)>,
    types: HashMap<SmolStr, TypeItem<'a>>,
    defaults: HashMap<SmolStr, (usize, Span)>,
    exported: HashMap<SmolStr, Span>,
    params: Vec<ParamState>,
    lets: Vec<LetId>,
    functions: Vec<FnId>,
    statics: indexmap::IndexMap<(crate::schema::Kind, SmolStr), Span>,
    /// Labels that stand in a loop or a choice, as far as they are plain, for better words.
    inner_labels: HashMap<(crate::schema::Kind, SmolStr), Span>,
    static_modules: Vec<(SmolStr, UnitId)>,
    /// From when the exported lets of a static module can be read.
    module_needs: Vec<u8>,
    kinds_declared: Vec<crate::schema::Kind>,
    /// The kinds of its own entities whose labels are computed.
    kinds_computed: Vec<crate::schema::Kind>,
    /// Modules it instantiates, in loops too.
    module_units: Vec<usize>,
    layers: LayerSet,
}

/// What a name of the value space stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Let(LetId),
    Function(FnId),
    Param(ParamId),
    /// A file; none if it could not be read.
    Import(Option<usize>),
    Module(StaticModuleId),
    /// A module whose file could not be read.
    BrokenModule,
}

#[derive(Debug)]
struct TypeItem<'a> {
    decl: &'a ast::Decl,
    state: TypeState,
    number: u32,
}

#[derive(Debug, Clone)]
enum TypeState {
    New,
    Open,
    Done(Ty),
}

#[derive(Debug, Clone)]
struct ParamState {
    name: SmolStr,
    span: Span,
    ty: Ty,
    has_default: bool,
}

/// A `let` before, while and after it is checked.
#[derive(Debug)]
struct LetState<'a> {
    unit: usize,
    name: &'a ast::Name,
    ty: Option<&'a ast::TypeExpr>,
    value: &'a ast::Expr,
    index: u32,
    done: Option<(Ty, hir::Body, Effects)>,
}

/// A function before, while and after it is checked.
#[derive(Debug)]
struct FnState<'a> {
    unit: usize,
    name: &'a ast::Name,
    params: &'a [(ast::Name, ast::TypeExpr)],
    result: &'a ast::TypeExpr,
    body: &'a ast::Expr,
    signature: Option<(Vec<Ty>, Ty)>,
    done: Option<(hir::Body, Effects)>,
}

impl<'a> Checker<'a> {
    fn new(
        sources: &'a SourceMap,
        files: &'a [LoadedFile],
        root: Option<usize>,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self {
            sources,
            files,
            root,
            units: files.iter().map(|_| UnitNames::default()).collect(),
            lets: Vec::new(),
            functions: Vec::new(),
            types: Vec::new(),
            defaults: Vec::new(),
            record_defaults: Vec::new(),
            literals: Vec::new(),
            chain: Vec::new(),
            depth: 0,
            notes: None,
            diagnostics,
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Checks a file; those it imports are checked already.
    fn unit(&mut self, unit: usize) -> hir::Unit {
        let file: &'a LoadedFile = &self.files[unit];
        self.check_types(unit);
        self.param_types(unit);
        for id in self.units[unit].lets.clone() {
            self.let_done(id);
        }
        for id in self.units[unit].functions.clone() {
            self.function_done(id);
        }
        let params = self.params(unit);
        self.check_defaults(unit);
        let mut scope = Scope::new(unit);
        let mut out = decls::Declared::default();
        self.decls(&mut scope, &file.ast.decls, &mut out);
        let names = &mut self.units[unit];
        names.layers = out.layers;
        hir::Unit {
            file: file.id,
            foreign: [STD, PACKAGE].iter().any(|prefix| file.path.starts_with(prefix)),
            params,
            lets: names.lets.clone(),
            statics: names.statics.clone(),
            static_modules: names.static_modules.clone(),
            decls: out.decls,
            layers: out.layers,
            tests: out.tests,
            moved: out.moved,
            removed: out.removed,
            accepts: out.accepts,
        }
    }

    /// The program, every entry of its tables filled: what a circle left open stands for an error.
    fn finish(mut self, units: Vec<hir::Unit>, sources: &Arc<SourceMap>) -> (Option<Program>, Vec<Diagnostic>) {
        let broken = |span| hir::Body { expr: hir::Expr { node: hir::Node::Error, span }, frame: 1 };
        let lets = std::mem::take(&mut self.lets).into_iter().map(|state| {
            let (ty, value, _) =
                state.done.unwrap_or_else(|| (Ty::Error, broken(state.name.span), Effects::default()));
            hir::Let {
                name: state.name.text.clone(),
                span: state.name.span,
                unit: UnitId(state.unit as u32),
                index: state.index,
                ty,
                value,
            }
        });
        let lets = lets.collect();
        let functions = std::mem::take(&mut self.functions).into_iter().map(|state| hir::Function {
            name: state.name.text.clone(),
            span: state.name.span,
            unit: UnitId(state.unit as u32),
            arity: state.params.len() as u32,
            body: state.done.map_or_else(|| broken(state.name.span), |(body, _)| body),
        });
        let functions = functions.collect();
        let program = self.root.map(|root| Program {
            sources: sources.clone(),
            units,
            root: UnitId(root as u32),
            lets,
            functions,
            types: self.types,
            literals: self.literals,
            record_defaults: self.record_defaults,
        });
        (program, self.diagnostics)
    }

    /// Makes an entry for a refined type.
    fn add_type(&mut self, ty: UserTy) -> Arc<UserTy> {
        let ty = Arc::new(ty);
        self.types.push(hir::TypeCheck { ty: ty.clone(), check: None });
        ty
    }
}
