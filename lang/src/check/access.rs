//! Names, `.field` and `[index]`: what they stand for and of what type.

use std::sync::Arc;

use smol_str::SmolStr;

use super::expr::Typed;
use super::scope::{Effects, Scope, Site};
use super::{Checker, Item};
use crate::diagnostics::{Code, Diagnostic, nearest, suggest};
use crate::hir::{Access, LetId, Node, StaticId, StaticModuleId};
use crate::schema::{FieldSpec, Kind, KindSet, SortSpec, Subject};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, Name};
use crate::types::{RecordTy, Ty};

/// `a cell`, `an account`.
fn article(kinds: KindSet) -> String {
    let name = kinds.to_string();
    format!("{} {name}", if name.starts_with(['a', 'o']) { "an" } else { "a" })
}

impl Checker<'_> {
    /// A bare name.
    pub(super) fn name(&mut self, scope: &mut Scope, name: &SmolStr, span: Span) -> Typed {
        if let Some(local) = scope.local(name) {
            return Typed::new(Node::Local(local.slot), span, local.ty.clone());
        }
        if let Some((item, _)) = self.units[scope.unit].values.get(name) {
            let item = *item;
            return self.item(scope, item, name, span);
        }
        if let Some(kind) = Kind::parse_plural(name) {
            return self.all(scope, kind, span);
        }
        if let Some(kind) = Kind::parse(name) {
            let message = format!("`{name}` is a kind and no value");
            self.report(
                Diagnostic::new(Code::NotAValue, span, message)
                    .help(format!("write `{name}.label` for one of them, `{}` for all", kind.plural())),
            );
            return Typed::error(span);
        }
        self.not_declared(scope, name, span);
        Typed::error(span)
    }

    fn item(&mut self, scope: &mut Scope, item: Item, name: &SmolStr, span: Span) -> Typed {
        let not_a_value = match item {
            Item::Let(id) => return self.own_let(scope, id, span),
            Item::Param(id) => {
                let ty = self.units[scope.unit].params.get(id.index()).map_or(Ty::Error, |p| p.ty.clone());
                scope.effects.of_instance(span, &format!("the parameter `{name}`"));
                return Typed::new(Node::Param(id), span, ty);
            }
            Item::Import(None) | Item::BrokenModule => return Typed::error(span),
            Item::Function(_) => (format!("`{name}` is a function"), format!("call it: `{name}(…)`")),
            Item::Import(Some(_)) => (format!("`{name}` is an import"), format!("name what it exports: `{name}.…`")),
            Item::Module(_) => (format!("`{name}` is a module"), format!("name what it exports: `{name}.…`")),
        };
        self.report(Diagnostic::new(Code::NotAValue, span, not_a_value.0).help(not_a_value.1));
        Typed::error(span)
    }

    fn own_let(&mut self, scope: &mut Scope, id: LetId, span: Span) -> Typed {
        let (ty, effects) = self.let_used(id, span);
        scope.effects.include(&effects, span);
        Typed::new(Node::Let(id), span, ty)
    }

    /// The set of all entities of a kind.
    fn all(&mut self, scope: &mut Scope, kind: Kind, span: Span) -> Typed {
        let unit = scope.unit;
        let root = self.root == Some(unit);
        if !root && self.units[unit].kinds_declared.binary_search(&kind).is_err() {
            let plural = kind.plural();
            let message = format!("`{plural}` here would be this module's own, and it declares none");
            let name = if kind.layer() == crate::schema::Layer::Cells { "on" } else { plural };
            self.report(
                Diagnostic::new(Code::ModuleDeclaresNone, span, message)
                    .help(format!("take a parameter: `param {name}: Set<{}>`", kind.name())),
            );
            return Typed::error(span);
        }
        let what = format!("the set `{}`", kind.plural());
        scope.effects.reads(kind.into(), span, &what);
        scope.effects.of_instance(span, &what);
        Typed::new(Node::All(kind), span, Self::set_of(kind))
    }

    /// `.field` of the subject.
    pub(super) fn subject(&mut self, scope: &mut Scope, name: &Name, span: Span) -> Typed {
        let Some(subject) = scope.subject.clone() else {
            let message = format!("nothing is the subject of `.{}` here", name.text);
            self.report(
                Diagnostic::new(Code::NoSubject, span, message)
                    .help("`.field` reads the element in a `where`, and the entity in its own fields"),
            );
            return Typed::error(span);
        };
        scope.subjects_read.push(subject.slot);
        let base = Typed::new(Node::Local(subject.slot), span, subject.ty);
        self.member(scope, base, name, span, subject.either)
    }

    /// `base.field`
    pub(super) fn field(&mut self, scope: &mut Scope, base: &ast::Expr, name: &Name, span: Span) -> Typed {
        if let ExprKind::Name(first) = &base.kind {
            if let Some(kind) = Kind::parse(first) {
                return self.fixed_entity(scope, kind, name, span);
            }
            if scope.local(first).is_none() {
                match self.units[scope.unit].values.get(first).map(|(item, _)| *item) {
                    Some(Item::Import(Some(unit))) => return self.of_import(unit, first, name, span),
                    Some(Item::Module(id)) => return self.of_module(scope, id, first, name, span),
                    _ => {}
                }
            }
        }
        let base = self.infer(scope, base);
        self.member(scope, base, name, span, false)
    }

    fn of_import(&mut self, unit: usize, from: &str, name: &Name, span: Span) -> Typed {
        match self.exported(unit, name, from) {
            Some(Item::Let(id)) => {
                let (ty, effects) = self.let_used(id, span);
                self.pure(&effects, span, &name.text);
                Typed::new(Node::ImportedLet(id), span, ty)
            }
            Some(Item::Function(_)) => {
                let message = format!("`{from}.{}` is a function", name.text);
                self.report(Diagnostic::new(Code::NotAValue, span, message).help("call it"));
                Typed::error(span)
            }
            _ => Typed::error(span),
        }
    }

    /// Refuses, through an import, what only an instance has.
    pub(super) fn pure(&mut self, effects: &Effects, span: Span, name: &str) {
        if let Some((read, what)) = &effects.instance {
            let message = format!("`{name}` reads {what}, which an import does not have");
            self.report(
                Diagnostic::new(Code::NeedsInstance, span, message)
                    .also(*read, "it is read here")
                    .help("write `module label = \"path\" { … }` to have an instance of the file"),
            );
        }
    }

    fn of_module(&mut self, scope: &mut Scope, id: StaticModuleId, from: &str, name: &Name, span: Span) -> Typed {
        let Some((_, unit)) = self.units[scope.unit].static_modules.get(id.index()).cloned() else {
            return Typed::error(span);
        };
        let what = format!("the module `{from}`");
        scope.effects.of_instance(span, &what);
        match self.exported(unit.index(), name, from) {
            Some(Item::Let(let_id)) => {
                let (ty, effects) = self.let_used(let_id, span);
                let need = self.units[scope.unit].module_needs.get(id.index()).copied().unwrap_or(0);
                scope.effects.include(&Effects { instance: None, ..effects }, span);
                scope.effects.needs(need, span, &what);
                Typed::new(Node::ModuleLet(id, let_id), span, ty)
            }
            Some(_) => {
                let message = format!("`{from}.{}` is not a let", name.text);
                self.report(
                    Diagnostic::new(Code::NotAValue, span, message).help("a module is read by its exported lets"),
                );
                Typed::error(span)
            }
            None => Typed::error(span),
        }
    }

    /// `kind.label`
    fn fixed_entity(&mut self, scope: &mut Scope, kind: Kind, name: &Name, span: Span) -> Typed {
        let unit = scope.unit;
        let found = self.units[unit].statics.get_index_of(&(kind, name.text.clone()));
        let ty = Ty::Ref(kind.into());
        if let Some(index) = found {
            scope.effects.of_instance(span, &format!("{}.{}", kind.name(), name.text));
            return Typed::new(Node::Static(StaticId(index as u32)), span, ty);
        }
        if let Some(place) = self.units[unit].inner_labels.get(&(kind, name.text.clone())).copied() {
            let (kind, label) = (kind.name(), &name.text);
            let message = format!("{kind}.{label} stands in a loop or a choice and has no bare name");
            let lookup = format!("{kind}[\"{label}\"]");
            self.report(
                Diagnostic::new(Code::OnlyByLabel, span, message)
                    .also(place, "declared here")
                    .help(format!("write `{lookup}`"))
                    .fix(span, lookup),
            );
            return Typed { ty, ..Typed::error(span) };
        }
        self.entity_not_declared(scope, kind, name);
        Typed { ty, ..Typed::error(span) }
    }

    fn entity_not_declared(&mut self, scope: &Scope, kind: Kind, name: &Name) {
        let message = format!("{} `{}` is not declared", kind.name(), name.text);
        let names = &self.units[scope.unit];
        let labels = names.statics.keys().chain(names.inner_labels.keys());
        let labels: Vec<&str> = labels.filter(|(k, _)| *k == kind).map(|(_, label)| label.as_str()).collect();
        let mut help = suggest(&name.text, &format!("{}s", kind.name()), labels.iter().copied());
        if names.kinds_computed.contains(&kind) {
            // What is computed is not among the labels, and may be meant.
            let near = help.filter(|_| !nearest(&name.text, labels, 1).is_empty());
            let near = near.map(|near| format!("{near} ")).unwrap_or_default();
            let lookup = format!("{}[\"{}\"]", kind.name(), name.text);
            help = Some(format!("{near}one whose label is computed is reached by `{lookup}`"));
        }
        if scope.local(kind.name()).is_some() || names.values.contains_key(kind.name()) {
            help = Some(format!("before a `.`, `{}` is always the kind; give the value another name", kind.name()));
        } else if help.is_none() && names.kinds_declared.binary_search(&kind).is_ok() {
            help = Some(format!("what stands in a loop is reached by `{}[\"{}\"]`", kind.name(), name.text));
        } else if help.is_none() && self.root != Some(scope.unit) {
            help = Some(format!("take it as a parameter: `param {}: Ref<{}>`", kind.name(), kind.name()));
        }
        self.report(Diagnostic::new(Code::EntityNotDeclared, name.span, message).help_if(help));
    }

    /// A field of a value. `either`: the subject is a cell or an account, and one having the field will do.
    fn member(&mut self, scope: &mut Scope, base: Typed, name: &Name, span: Span, either: bool) -> Typed {
        if let Some(notes) = &mut self.notes {
            notes.read(name.span, &base.ty);
        }
        match base.ty.clone() {
            Ty::Error => Typed::error(span),
            Ty::Ref(kinds) => self.entity_field(scope, base, kinds, name, span, either),
            Ty::Record(record) => self.record_field(base, &record, name, span),
            Ty::Block(block) => {
                let Some(at) = block.position(&name.text) else {
                    let fields = block.fields.iter().map(|field| field.name);
                    return self.no_field(&format!("block `{}`", block.name), name, span, fields);
                };
                let ty = block.fields[at].read_type();
                Typed::new(Node::Field(Box::new(base.expr), Access::Block(at as u16)), span, ty)
            }
            Ty::Sort(sort) => self.sort_field(base, sort, name, span),
            Ty::Optional(inner) => match &*inner {
                Ty::Sort(sort) => self.sort_field(base, sort, name, span),
                _ => {
                    let text = self.shown(base.expr.span);
                    let message = format!("{text} may be absent, and then has no `{}`", name.text);
                    self.report(
                        Diagnostic::new(Code::MayBeAbsent, span, message)
                            .help("test it with `!= none` before, in the same condition"),
                    );
                    Typed::error(span)
                }
            },
            Ty::Later(_) => {
                let message =
                    format!("{} is known only after apply; it has no fields now", self.shown(base.expr.span));
                self.report(Diagnostic::new(Code::KnownAfterApply, span, message));
                Typed::error(span)
            }
            ty => {
                let message = format!("{ty} has no fields");
                let mut diagnostic = Diagnostic::new(Code::NoSuchField, name.span, message);
                if let Ty::Set(_) | Ty::List(_) = ty {
                    diagnostic = diagnostic.help(format!("for all of them, write `[for x in … : x.{}]`", name.text));
                }
                self.report(diagnostic);
                Typed::error(span)
            }
        }
    }

    fn entity_field(
        &mut self,
        scope: &mut Scope,
        base: Typed,
        kinds: KindSet,
        name: &Name,
        span: Span,
        either: bool,
    ) -> Typed {
        let node = |access| Node::Field(Box::new(base.expr), access);
        match name.text.as_str() {
            "label" => return Typed::new(node(Access::Label), span, Ty::String),
            "address" => return Typed::new(node(Access::Address), span, Ty::String),
            "name" if kinds.iter().all(|kind| kind.spec().field("name").is_none()) => {
                return Typed::new(node(Access::NameIsLabel), span, Ty::String);
            }
            _ => {}
        }
        let lacking: Vec<Kind> = kinds.iter().filter(|kind| kind.spec().field(&name.text).is_none()).collect();
        let having: Vec<Kind> = kinds.iter().filter(|kind| !lacking.contains(kind)).collect();
        let enough = if either { !having.is_empty() } else { lacking.is_empty() };
        let (true, Some(first)) = (enough, having.first()) else {
            let owner = lacking.first().map_or("it", |kind| kind.name());
            let fields: Vec<&str> =
                lacking.first().map(|kind| kind.spec().fields.iter().map(|f| f.name).collect()).unwrap_or_default();
            return self.no_field(owner, name, span, fields);
        };
        let Some((at, spec)) = first.spec().position(&name.text).map(|at| (at, &first.spec().fields[at])) else {
            return Typed::error(span);
        };
        // What is known only after apply is not read now: it only names the entity.
        if !spec.read_later {
            scope.effects.reads(kinds, span, &format!("`.{}` of {}", name.text, article(kinds)));
        }
        if spec.subject != Subject::Itself {
            let message =
                format!("`{}` of {} is computed for each cell and has no one value", name.text, first.name());
            self.report(Diagnostic::new(Code::NoSuchField, name.span, message));
            return Typed::error(span);
        }
        let types = having.iter().filter_map(|kind| kind.spec().field(&name.text)).map(FieldSpec::read_type);
        let ty = types.reduce(|a, b| a.join(&b).unwrap_or(Ty::Error)).unwrap_or(Ty::Error);
        let access = match kinds.single() {
            _ if spec.read_later => Access::Later(spec.name),
            Some(_) => Access::Entity(at as u16),
            None => Access::EntityByName(spec.name),
        };
        Typed::new(node(access), span, ty)
    }

    fn record_field(&mut self, base: Typed, record: &Arc<RecordTy>, name: &Name, span: Span) -> Typed {
        match record.position(&name.text) {
            Some(at) => {
                let ty = record.fields[at].ty.clone();
                Typed::new(Node::Field(Box::new(base.expr), Access::Record(at as u16)), span, ty)
            }
            None => self.no_field("the record", name, span, record.fields.iter().map(|field| field.name.as_str())),
        }
    }

    /// A field of a block of several sorts: absent where the block is of a sort without it.
    fn sort_field(&mut self, base: Typed, sort: &'static SortSpec, name: &Name, span: Span) -> Typed {
        let having: Vec<_> = sort.sorts.iter().filter_map(|record| record.field(&name.text)).collect();
        let Some(first) = having.first() else {
            let fields = sort.sorts.iter().flat_map(|record| record.fields.iter().map(|field| field.name));
            return self.no_field(sort.name, name, span, fields);
        };
        let ty = having.iter().map(|field| field.read_type()).reduce(|a, b| a.join(&b).unwrap_or(Ty::Error));
        let ty = ty.unwrap_or(Ty::Error).optional();
        Typed::new(Node::Field(Box::new(base.expr), Access::Sort(first.name)), span, ty)
    }

    /// Reports a field that does not exist.
    pub(super) fn no_field<'n>(
        &mut self,
        owner: &str,
        name: &Name,
        span: Span,
        fields: impl IntoIterator<Item = &'n str>,
    ) -> Typed {
        let message = format!("{owner} has no field `{}`", name.text);
        let near = nearest(&name.text, fields, 2);
        let help = suggest(&name.text, "fields", near.iter().copied()).filter(|_| !near.is_empty());
        let mut diagnostic = Diagnostic::new(Code::NoSuchField, name.span, message).help_if(help);
        if let [one] = near.as_slice() {
            diagnostic = diagnostic.fix(name.span, *one);
        }
        self.report(diagnostic);
        Typed::error(span)
    }

    /// `base[index]`
    pub(super) fn index(&mut self, scope: &mut Scope, base: &ast::Expr, index: &ast::Expr, span: Span) -> Typed {
        if let ExprKind::Name(name) = &base.kind
            && let Some(kind) = Kind::parse(name)
        {
            let site = Site::language(Ty::String, "in a reference");
            let label = self.expect(scope, index, &site);
            let what = format!("`{name}[…]`");
            scope.effects.reads(kind.into(), span, &what);
            scope.effects.of_instance(span, &what);
            return Typed::new(Node::Lookup(kind, Box::new(label)), span, Ty::Ref(kind.into()));
        }
        let base_typed = self.infer(scope, base);
        match &base_typed.ty {
            Ty::Map(both) => {
                let site = Site::language(both.0.clone(), "as a key");
                let value = both.1.clone();
                let key = self.expect(scope, index, &site);
                Typed::new(Node::Index(Box::new(base_typed.expr), Box::new(key)), span, value)
            }
            Ty::Error => {
                self.infer(scope, index);
                Typed::error(span)
            }
            ty => {
                let message = match ty {
                    Ty::List(_) => "a list has no index".to_owned(),
                    Ty::Set(_) => "a set has no index".to_owned(),
                    other => format!("{other} has no index"),
                };
                self.infer(scope, index);
                self.report(
                    Diagnostic::new(Code::NoIndex, span, message)
                        .help("identity is a label, never a position; use a map, whose keys are names"),
                );
                Typed::error(span)
            }
        }
    }
}
