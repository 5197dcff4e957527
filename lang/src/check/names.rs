//! Collects the names of a file and finds what a name stands for.
//!
//! Three spaces that never clash: functions of the language (before `(`), kinds (before `.` and `[`), values.
//! Among values nothing is shadowed. Types and defaults are looked up only where a type or defaults can stand.

use smol_str::SmolStr;

use super::defaults::DefaultsState;
use super::scope::Scope;
use super::{Checker, FnState, Item, LetState, TypeItem, TypeState};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{BuiltinFn, FnId, LetId, ParamId, StaticModuleId, UnitId};
use crate::schema::Kind;
use crate::source::Span;
use crate::syntax::ast::{self, DeclKind, Label, Name};
use crate::types::{Builtin, Ty};

/// Words that cannot be names of values: they begin or join expressions.
const RESERVED: [&str; 11] = ["if", "then", "else", "every", "some", "where", "in", "for", "true", "false", "none"];

impl<'a> Checker<'a> {
    /// Collects the names of a file. Those it imports are collected already.
    pub(super) fn collect(&mut self, unit: usize) {
        let decls: &'a [ast::Decl] = &self.files[unit].ast.decls;
        for decl in decls {
            self.collect_decl(unit, decl);
        }
        for decl in decls {
            self.collect_inner(unit, decl, true);
        }
        let names = &mut self.units[unit];
        names.kinds_declared.sort_unstable();
        names.kinds_declared.dedup();
        names.module_units.sort_unstable();
        names.module_units.dedup();
    }

    fn collect_decl(&mut self, unit: usize, decl: &'a ast::Decl) {
        let exported = decl.export.is_some();
        match &decl.kind {
            DeclKind::Import { path, name } => {
                let target = self.files[unit].links.get(&path.span).copied();
                self.declare(unit, name, Item::Import(target), exported);
            }
            DeclKind::Let { name, ty, value } => {
                let id = LetId(self.lets.len() as u32);
                let index = self.units[unit].lets.len() as u32;
                self.lets.push(LetState { unit, name, ty: ty.as_ref(), value, index, done: None });
                self.units[unit].lets.push(id);
                self.declare(unit, name, Item::Let(id), exported);
            }
            DeclKind::Fn { name, params, result, body } => {
                let id = FnId(self.functions.len() as u32);
                self.functions.push(FnState { unit, name, params, result, body, signature: None, done: None });
                self.units[unit].functions.push(id);
                if BuiltinFn::parse(&name.text).is_some() {
                    self.already(name, "a function of the language", None);
                }
                self.declare(unit, name, Item::Function(id), exported);
            }
            DeclKind::Param { name, default, .. } => {
                let id = ParamId(self.units[unit].params.len() as u32);
                self.units[unit].params.push(super::ParamState {
                    name: name.text.clone(),
                    span: name.span,
                    ty: Ty::Error,
                    has_default: default.is_some(),
                });
                self.declare(unit, name, Item::Param(id), false);
            }
            DeclKind::Type { name, .. } => self.declare_type(unit, decl, name, exported),
            DeclKind::Defaults { name, kind, body } => {
                let id = self.defaults.len();
                self.defaults.push(DefaultsState::new(unit, name, kind, body));
                let earlier = self.units[unit].defaults.insert(name.text.clone(), (id, name.span));
                if let Some((_, span)) = earlier {
                    self.already(name, "declared", Some(span));
                }
                if exported {
                    self.units[unit].exported.insert(name.text.clone(), name.span);
                }
            }
            _ => {}
        }
    }

    fn declare_type(&mut self, unit: usize, decl: &'a ast::Decl, name: &Name, exported: bool) {
        if super::typing::base_type(&name.text).is_some() {
            self.already(name, "a type of the language", None);
            return;
        }
        let number = self.units[unit].types.len() as u32;
        let item = TypeItem { decl, state: TypeState::New, number };
        if let Some(earlier) = self.units[unit].types.insert(name.text.clone(), item) {
            self.already(name, "declared", name_of(earlier.decl).map(|n| n.span));
        }
        if exported {
            self.units[unit].exported.insert(name.text.clone(), name.span);
        }
    }

    /// Entities and modules, with their labels.
    fn collect_inner(&mut self, unit: usize, decl: &'a ast::Decl, top: bool) {
        match &decl.kind {
            DeclKind::Entity { kind, label, .. } => {
                let Some(kind) = Kind::parse(&kind.text) else { return };
                self.units[unit].kinds_declared.push(kind);
                let Some(text) = label.plain() else {
                    self.units[unit].kinds_computed.push(kind);
                    return;
                };
                if top {
                    self.units[unit].statics.entry((kind, text)).or_insert(label.span());
                } else {
                    self.units[unit].inner_labels.insert((kind, text), label.span());
                }
            }
            DeclKind::Module { label, path, .. } => self.collect_module(unit, label, path, top),
            DeclKind::For { body, .. } => body.iter().for_each(|decl| self.collect_inner(unit, decl, false)),
            DeclKind::If { arms } => {
                arms.iter().flat_map(|(_, body)| body).for_each(|decl| self.collect_inner(unit, decl, false));
            }
            _ => {}
        }
    }

    fn collect_module(&mut self, unit: usize, label: &'a Label, path: &ast::StrLit, top: bool) {
        let target = self.files[unit].links.get(&path.span).copied();
        if let Some(target) = target {
            self.units[unit].module_units.push(target);
            let inner = self.units[target].kinds_declared.clone();
            self.units[unit].kinds_declared.extend(inner);
        }
        let (true, Some(text)) = (top, label.plain()) else { return };
        let name = Name { text, span: label.span() };
        let item = match target {
            Some(target) => {
                let id = StaticModuleId(self.units[unit].static_modules.len() as u32);
                self.units[unit].static_modules.push((name.text.clone(), UnitId(target as u32)));
                self.units[unit].module_needs.push(0);
                Item::Module(id)
            }
            None => Item::BrokenModule,
        };
        self.declare(unit, &name, item, false);
    }

    /// Declares a name of the value space.
    fn declare(&mut self, unit: usize, name: &Name, item: Item, exported: bool) {
        if !self.may_be_declared(name) {
            return;
        }
        if let Some((_, span)) = self.units[unit].values.get(&name.text) {
            let span = *span;
            self.already(name, "declared", Some(span));
            return;
        }
        self.units[unit].values.insert(name.text.clone(), (item, name.span));
        if exported {
            self.units[unit].exported.insert(name.text.clone(), name.span);
        }
    }

    /// Reports a name that no value may have.
    fn may_be_declared(&mut self, name: &Name) -> bool {
        if let Some(kind) = Kind::parse_plural(&name.text) {
            let what = format!("the set of every {}", kind.name());
            self.already(name, &what, None);
            return false;
        }
        if RESERVED.contains(&name.text.as_str()) {
            self.already(name, "a word of the language", None);
            return false;
        }
        true
    }

    fn already(&mut self, name: &Name, what: &str, earlier: Option<Span>) {
        let message = match earlier {
            Some(_) => format!("`{}` is already {what}", name.text),
            None => format!("`{}` is {what}", name.text),
        };
        let mut diagnostic = Diagnostic::new(Code::AlreadyDeclared, name.span, message);
        if let Some(span) = earlier {
            diagnostic = diagnostic.also(span, "first declared here");
        }
        self.report(diagnostic.help("one name stands for one thing in a file; choose another"));
    }

    /// Binds a local, unless the name stands for something already.
    pub(super) fn bind(&mut self, scope: &mut Scope, name: &Name, ty: Ty) -> crate::hir::Slot {
        let earlier = scope.local(&name.text).map(|local| local.span);
        let earlier = earlier.or_else(|| self.units[scope.unit].values.get(&name.text).map(|(_, span)| *span));
        if let Some(span) = earlier {
            let diagnostic =
                Diagnostic::new(Code::AlreadyDeclared, name.span, format!("`{}` is already declared", name.text));
            self.report(
                diagnostic.also(span, "first declared here").help("there is no shadowing; choose another name"),
            );
        } else {
            self.may_be_declared(name);
        }
        if let Some(notes) = &mut self.notes {
            notes.found(name.span, &ty);
        }
        scope.bind(&name.text, ty, name.span)
    }

    /// The names a value of this scope may have.
    pub(super) fn visible(&self, scope: &Scope) -> Vec<SmolStr> {
        let locals = scope.locals.iter().map(|local| local.name.clone());
        let mut names: Vec<SmolStr> = locals.chain(self.units[scope.unit].values.keys().cloned()).collect();
        names.sort_unstable();
        names
    }

    /// Does a word stand for a value here, or for a number?
    fn is_value(&self, scope: &Scope, word: &str) -> bool {
        let number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        number || scope.local(word).is_some() || self.units[scope.unit].values.contains_key(word)
    }

    /// Reports a name that stands for nothing.
    pub(super) fn not_declared(&mut self, scope: &Scope, name: &str, span: Span) {
        let mut diagnostic = Diagnostic::new(Code::NotDeclared, span, format!("`{name}` is not declared"));
        if scope.subject.as_ref().is_some_and(|subject| has_field(&subject.ty, name)) {
            diagnostic = diagnostic.help(format!("to read the field, write `.{name}`")).fix(span, format!(".{name}"));
        } else if matches!(name, "null" | "nil" | "undefined" | "None") {
            diagnostic = diagnostic.help("what is absent is written `none`").fix(span, "none");
        } else if matches!(name, "True" | "False") {
            diagnostic = diagnostic.help("write it in lower case").fix(span, name.to_lowercase());
        } else if let Some((first, rest)) =
            name.split_once('-').filter(|(first, rest)| self.is_value(scope, first) || self.is_value(scope, rest))
        {
            let help = format!("`-` inside a word is a part of it; subtraction takes spaces: `{first} - {rest}`");
            diagnostic = diagnostic.help(help).fix(span, format!("{first} - {rest}"));
        } else {
            let names = self.visible(scope);
            let plurals = Kind::ALL.iter().map(|kind| kind.plural());
            diagnostic = diagnostic.help_if(suggest(name, "names", names.iter().map(SmolStr::as_str).chain(plurals)));
        }
        self.report(diagnostic);
    }

    /// What an import or module exports under a name; reports a name that it does not.
    pub(super) fn exported(&mut self, unit: usize, name: &Name, from: &str) -> Option<Item> {
        let names = &self.units[unit];
        if names.exported.contains_key(&name.text)
            && let Some((item, _)) = names.values.get(&name.text)
        {
            return Some(*item);
        }
        let hidden = names.values.get(&name.text).map(|(_, span)| *span);
        let mut diagnostic =
            Diagnostic::new(Code::NotExported, name.span, format!("`{from}` exports no `{}`", name.text));
        if let Some(span) = hidden {
            diagnostic = diagnostic.also(span, "declared here without `export`").help("write `export` before it");
        } else {
            let mut exported: Vec<&str> = names.exported.keys().map(SmolStr::as_str).collect();
            exported.sort_unstable();
            diagnostic = diagnostic.help_if(suggest(&name.text, "exported names", exported));
        }
        self.report(diagnostic);
        None
    }
}

/// Does a value of this type have a field of this name?
fn has_field(ty: &Ty, name: &str) -> bool {
    match ty {
        Ty::Ref(kinds) => kinds.iter().any(|kind| kind.spec().field(name).is_some()),
        Ty::Record(record) => record.position(name).is_some(),
        Ty::Block(block) => block.field(name).is_some(),
        _ => false,
    }
}

/// The name a declaration declares.
pub(super) fn name_of(decl: &ast::Decl) -> Option<&Name> {
    match &decl.kind {
        DeclKind::Import { name, .. }
        | DeclKind::Let { name, .. }
        | DeclKind::Fn { name, .. }
        | DeclKind::Type { name, .. }
        | DeclKind::Param { name, .. }
        | DeclKind::Defaults { name, .. } => Some(name),
        _ => None,
    }
}

/// Names of all types of the language.
pub(super) fn language_types() -> impl Iterator<Item = &'static str> {
    let plain = ["Bool", "Int", "String", "Duration", "Percent", "Usd", "Size", "Date", "Time", "Cidr", "Secret"];
    plain.into_iter().chain(Builtin::ALL.iter().map(|builtin| builtin.name()))
}
