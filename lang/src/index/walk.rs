//! Goes through the declarations and bodies of a file and notes what each word stands for. Expressions and types are
//! [`super::exprs`]'s.

use smol_str::SmolStr;

use super::names::{Names, inner, inside};
use super::probe::{Asked, Items, Place, Probe};
use super::{Declaration, Index, Role, Spec, Symbol, What};
use crate::check::Notes;
use crate::load::LoadedFile;
use crate::schema::kinds::{ACCEPT, MOVED, REMOVED};
use crate::schema::{FieldSpec, Kind, RecordSpec, Shape};
use crate::source::{FileId, Span};
use crate::syntax::ast::{
    Binder, BlockItem, Body, ConditionTest, Decl, DeclKind, Expr, FieldItem, Item, Label, Name, StrLit, TestStep,
};

/// A file on the way.
pub(super) struct Walker<'a> {
    pub(super) files: &'a [LoadedFile],
    pub(super) names: &'a [Names],
    pub(super) notes: &'a Notes,
    pub(super) unit: usize,
    /// Names of loops, tests and functions, innermost last.
    pub(super) locals: Vec<(SmolStr, Span, What)>,
    /// What an editor asks for at one place; none when it asks for everything.
    pub(super) probe: Option<Probe>,
    /// Is it among the steps of a test?
    in_test: bool,
    depth: u32,
}

/// What the items of a body are.
#[derive(Clone, Copy)]
enum Within<'b> {
    /// Fields of a record.
    Record(&'static RecordSpec, Owner<'b>),
    /// Entries of a map: keys are free.
    Map,
    /// Parameters of the file.
    Params(usize),
    /// Of something unknown.
    Unknown,
}

/// Whose fields they are, for what may be set in it.
#[derive(Clone, Copy)]
enum Owner<'b> {
    /// An entity; with the defaults it uses.
    Entity(Option<&'b [Name]>),
    /// A block.
    Block,
}

impl<'a> Walker<'a> {
    pub(super) fn new(files: &'a [LoadedFile], names: &'a [Names], notes: &'a Notes, unit: usize) -> Self {
        Self { files, names, notes, unit, locals: Vec::new(), probe: None, in_test: false, depth: 0 }
    }

    pub(super) fn file(&mut self, index: &mut Index) {
        let files = self.files;
        if let Some(file) = files.get(self.unit) {
            self.decls(index, &file.ast.decls);
        }
    }

    pub(super) fn own(&self) -> &'a Names {
        // INVARIANT: there are names for each file.
        &self.names[self.unit]
    }

    pub(super) fn id_of(&self, unit: usize) -> Option<FileId> {
        self.files.get(unit).map(|file| file.id)
    }

    fn decls(&mut self, index: &mut Index, decls: &[Decl]) {
        for decl in decls {
            self.decl(index, decl);
        }
    }

    /// Notes a declaration.
    fn declare(&self, index: &mut Index, decl: &Decl, name: SmolStr, span: Span, symbol: Symbol) {
        index.push(span, symbol.clone(), Role::Declares);
        index.declarations.push(Declaration {
            symbol,
            name,
            span,
            header: header(decl, span),
            whole: decl.span,
            doc: decl.doc.clone(),
            exported: decl.export.is_some(),
            depth: self.depth,
        });
    }

    fn declare_name(&mut self, index: &mut Index, decl: &Decl, name: &Name, what: What) {
        self.declare(index, decl, name.text.clone(), name.span, Symbol::Named(what, name.span));
    }

    fn decl(&mut self, index: &mut Index, decl: &Decl) {
        match &decl.kind {
            DeclKind::Import { path, name } => {
                self.path(index, path);
                self.declare_name(index, decl, name, What::Import);
            }
            DeclKind::Let { name, ty, value } => {
                self.declare_name(index, decl, name, What::Let);
                ty.iter().for_each(|ty| self.ty(index, ty));
                self.expr(index, value);
                if let Some(found) = ty.as_ref().map_or_else(
                    || self.notes.type_of(value.span),
                    |_| self.notes.expected_of(value.span).or_else(|| self.notes.type_of(value.span)),
                ) {
                    index.types.insert(name.span, found.clone());
                }
            }
            DeclKind::Fn { name, params, result, body } => {
                self.declare_name(index, decl, name, What::Function);
                let mark = self.locals.len();
                for (param, ty) in params {
                    index.push(param.span, Symbol::Named(What::Argument, param.span), Role::Declares);
                    self.ty(index, ty);
                    self.locals.push((param.text.clone(), param.span, What::Argument));
                }
                self.ty(index, result);
                self.expr(index, body);
                self.locals.truncate(mark);
            }
            DeclKind::Type { name, ty, check, .. } => {
                self.declare_name(index, decl, name, What::Type);
                self.ty(index, ty);
                self.checked(index, check.as_ref());
            }
            DeclKind::Param { name, ty, default, check } => {
                self.declare_name(index, decl, name, What::Param);
                self.ty(index, ty);
                default.iter().for_each(|default| self.expr(index, default));
                self.checked(index, check.as_ref());
            }
            DeclKind::Defaults { name, kind, body } => {
                self.declare_name(index, decl, name, What::Defaults);
                self.kind_word(index, kind);
                let within =
                    Kind::parse(&kind.text).map_or(Within::Unknown, |kind| Within::Record(kind.spec(), Owner::Block));
                self.body(index, body, within);
            }
            DeclKind::Module { label, path, body } => self.module(index, decl, label, path, body),
            DeclKind::For { binder, over, condition, body } => {
                self.expr(index, over);
                let mark = self.bind(index, binder);
                condition.iter().for_each(|condition| self.expr(index, condition));
                self.depth += 1;
                self.decls(index, body);
                self.depth -= 1;
                self.locals.truncate(mark);
            }
            DeclKind::If { arms } => {
                for (condition, body) in arms {
                    condition.iter().for_each(|condition| self.expr(index, condition));
                    self.depth += 1;
                    self.decls(index, body);
                    self.depth -= 1;
                }
            }
            DeclKind::Assert { message, condition } => {
                self.string(index, message);
                self.expr(index, condition);
            }
            DeclKind::Test { steps, .. } => self.test(index, steps),
            DeclKind::Moved(body) => self.addresses(index, body, &MOVED),
            DeclKind::Removed(body) => self.addresses(index, body, &REMOVED),
            DeclKind::Accept { body, .. } => self.body(index, body, Within::Record(&ACCEPT, Owner::Block)),
            DeclKind::Entity { kind, label, using, body } => {
                self.entity(index, decl, (kind, label, using.as_deref()), body);
            }
        }
    }

    /// A condition over `it`, which is no name of anything declared.
    fn checked(&mut self, index: &mut Index, check: Option<&Expr>) {
        check.iter().for_each(|check| self.expr(index, check));
    }

    fn test(&mut self, index: &mut Index, steps: &[TestStep]) {
        let mark = self.locals.len();
        self.in_test = true;
        for step in steps {
            match step {
                TestStep::Expect(condition) => self.expr(index, condition),
                TestStep::Let { name, ty, value } => {
                    ty.iter().for_each(|ty| self.ty(index, ty));
                    self.expr(index, value);
                    index.push(name.span, Symbol::Named(What::Let, name.span), Role::Declares);
                    if let Some(found) = self.notes.type_of(value.span) {
                        index.types.insert(name.span, found.clone());
                    }
                    self.locals.push((name.text.clone(), name.span, What::Let));
                }
            }
        }
        self.in_test = false;
        self.locals.truncate(mark);
    }

    fn module(&mut self, index: &mut Index, decl: &Decl, label: &Label, path: &StrLit, body: &Body) {
        match label.plain() {
            Some(text) => {
                let span = inside(label);
                self.declare(index, decl, text, span, Symbol::Named(What::Module, span));
            }
            None => self.label(index, label),
        }
        self.path(index, path);
        let target = self.files.get(self.unit).and_then(|file| file.links.get(&path.span).copied());
        self.body(index, body, target.map_or(Within::Unknown, Within::Params));
    }

    fn entity(
        &mut self,
        index: &mut Index,
        decl: &Decl,
        (kind, label, using): (&Name, &Label, Option<&[Name]>),
        body: &Body,
    ) {
        self.kind_word(index, kind);
        let known = Kind::parse(&kind.text);
        if let (Some(kind), Some(file)) = (known, self.id_of(self.unit)) {
            let span = inside(label);
            match label.plain() {
                Some(text) => self.declare(index, decl, text.clone(), span, Symbol::Entity(file, kind, text)),
                None => {
                    let shown = format!("…{}", kind.name());
                    self.declare(index, decl, shown.into(), span, Symbol::Computed(kind, label.span()));
                }
            }
        }
        self.label(index, label);
        if let Some(using) = using {
            self.using(index, using, known);
        }
        let within = known.map_or(Within::Unknown, |kind| Within::Record(kind.spec(), Owner::Entity(using)));
        self.body(index, body, within);
    }

    /// What is interpolated in a label.
    fn label(&mut self, index: &mut Index, label: &Label) {
        if let Label::Str(string) = label {
            self.string(index, string);
        }
    }

    fn using(&mut self, index: &mut Index, using: &[Name], kind: Option<Kind>) {
        let names = self.names;
        let owner = match using {
            [name] => {
                self.ask(name, || Asked::Using { unit: None, kind });
                Some((self.own(), name))
            }
            [import, name] => {
                let target = self.own().values.get(&import.text).copied();
                if let Some(value) = target {
                    index.push(import.span, Symbol::Named(value.what, value.at), Role::Uses);
                }
                let unit = target.and_then(|value| value.target);
                self.ask(name, || Asked::Using { unit, kind });
                unit.and_then(|unit| names.get(unit)).map(|names| (names, name))
            }
            _ => None,
        };
        if let Some((names, name)) = owner
            && let Some((at, _)) = names.defaults.get(&name.text)
        {
            index.push(name.span, Symbol::Named(What::Defaults, *at), Role::Uses);
        }
    }

    pub(super) fn kind_word(&mut self, index: &mut Index, word: &Name) {
        self.ask(word, || Asked::KindName);
        if let Some(kind) = Kind::parse(&word.text) {
            index.push(word.span, Symbol::Kind(kind), Role::Uses);
        }
    }

    fn path(&mut self, index: &mut Index, path: &StrLit) {
        if self.asks_in(path) {
            self.answer(Asked::Path);
        }
        let target = self.files.get(self.unit).and_then(|file| file.links.get(&path.span).copied());
        if let Some(file) = target.and_then(|target| self.id_of(target)) {
            index.push(inner(path), Symbol::File(file), Role::Uses);
        }
    }

    /// Binds the names of a loop; returns where to go back to.
    pub(super) fn bind(&mut self, index: &mut Index, binder: &Binder) -> usize {
        let mark = self.locals.len();
        for name in std::iter::once(&binder.first).chain(&binder.second) {
            index.push(name.span, Symbol::Named(What::Local, name.span), Role::Declares);
            if let Some(ty) = self.notes.type_of(name.span) {
                index.types.insert(name.span, ty.clone());
            }
            self.locals.push((name.text.clone(), name.span, What::Local));
        }
        mark
    }

    /// `moved`, `removed`: their strings are addresses.
    fn addresses(&mut self, index: &mut Index, body: &Body, spec: &'static RecordSpec) {
        self.body(index, body, Within::Record(spec, Owner::Block));
        for item in &body.items {
            let Item::Field(FieldItem { key, value, .. }) = item else { continue };
            if key.plain().is_some_and(|key| key == "from" || key == "to")
                && let crate::syntax::ast::ExprKind::Str(string) = &value.kind
                && let Some(text) = string.plain()
            {
                self.address(index, &text, inner(string));
            }
        }
    }

    /// `[module.]kind.label`, as this file sees it.
    fn address(&mut self, index: &mut Index, text: &str, span: Span) {
        if text.len() != (span.end - span.start) as usize {
            return;
        }
        let mut unit = self.unit;
        let mut at = span.start;
        let parts: Vec<&str> = text.split('.').collect();
        for (number, part) in parts.iter().enumerate() {
            let here = Span { file: span.file, start: at, end: at + part.len() as u32 };
            at = here.end + 1;
            let Some(names) = self.names.get(unit) else { return };
            if let (Some(kind), Some(label), true) =
                (Kind::parse(part), parts.get(number + 1), number + 2 == parts.len())
            {
                index.push(here, Symbol::Kind(kind), Role::Uses);
                let place = Span { file: span.file, start: at, end: at + label.len() as u32 };
                if names.entities.contains(&(kind, (*label).into()))
                    && let Some(file) = self.id_of(unit)
                {
                    index.push(place, Symbol::Entity(file, kind, (*label).into()), Role::Address);
                }
                return;
            }
            let Some(value) = names.values.get(*part).filter(|value| value.what == What::Module) else { return };
            index.push(here, Symbol::Named(What::Module, value.at), Role::Address);
            let Some(target) = value.target else { return };
            unit = target;
        }
    }

    fn body(&mut self, index: &mut Index, body: &Body, within: Within<'_>) {
        for item in &body.items {
            self.item(index, item, within, body);
        }
    }

    fn item(&mut self, index: &mut Index, item: &Item, within: Within<'_>, body: &Body) {
        match item {
            Item::Field(field) => self.field_item(index, field, within, body),
            Item::Block(block) => self.block(index, block, within, body),
            Item::Condition(condition) => {
                self.string(index, &condition.key);
                if let ConditionTest::Compare { value, .. } = &condition.test {
                    self.expr(index, value);
                }
            }
            Item::For(looped) => {
                self.expr(index, &looped.over);
                let mark = self.bind(index, &looped.binder);
                looped.condition.iter().for_each(|condition| self.expr(index, condition));
                self.body(index, &looped.body, within);
                self.locals.truncate(mark);
            }
        }
    }

    fn field_item(&mut self, index: &mut Index, field: &FieldItem, within: Within<'_>, body: &Body) {
        let key = inside(&field.key);
        match within {
            Within::Record(spec, owner) => {
                if let Label::Name(name) = &field.key {
                    self.ask_item(name, spec, owner, body, field.over.is_some());
                }
                if let Some(found) = field.key.plain().and_then(|name| spec.field(&name)) {
                    index.push(key, Symbol::Field(Spec(spec), found.name), Role::Sets);
                }
            }
            Within::Params(unit) => {
                let Some(names) = self.names.get(unit) else { return };
                if let Label::Name(name) = &field.key {
                    self.ask(name, || Asked::Param { unit, given: given(body) });
                }
                let found = field.key.plain().and_then(|key| names.params.iter().find(|(name, _)| *name == key));
                if let Some((_, at)) = found {
                    index.push(key, Symbol::Named(What::Param, *at), Role::Sets);
                }
            }
            Within::Map | Within::Unknown => {
                if let Label::Str(string) = &field.key {
                    self.string(index, string);
                }
            }
        }
        self.expr(index, &field.value);
    }

    fn block(&mut self, index: &mut Index, block: &BlockItem, within: Within<'_>, body: &Body) {
        let mut inner = Within::Unknown;
        if let Within::Record(spec, owner) = within {
            self.ask_item(&block.name, spec, owner, body, block.over.is_some());
            if let Some(found) = spec.field(&block.name.text) {
                index.push(block.name.span, Symbol::Field(Spec(spec), found.name), Role::Sets);
                inner = self.shape(found, block);
            }
        }
        block.label.iter().for_each(|label| self.label(index, label));
        self.body(index, &block.body, inner);
    }

    fn shape<'b>(&mut self, field: &'static FieldSpec, block: &BlockItem) -> Within<'b> {
        match &field.shape {
            Shape::Block(spec) | Shape::Named(spec) => Within::Record(spec, Owner::Block),
            Shape::Sort(sort) => {
                if let Some(Label::Name(name)) = &block.label {
                    self.ask(name, || Asked::Sort(sort));
                }
                let tag = block.label.as_ref().and_then(Label::plain);
                let found = tag.and_then(|tag| sort.sort(&tag).map(|(_, spec)| spec));
                found.map_or(Within::Unknown, |spec| Within::Record(spec, Owner::Block))
            }
            Shape::Map(_) => Within::Map,
            Shape::Conditions | Shape::Value(_) => Within::Unknown,
        }
    }

    /// Does the editor ask at this word? Then this is what stands there.
    pub(super) fn ask(&mut self, word: &Name, what: impl FnOnce() -> Asked) {
        if self.probe.as_ref().is_some_and(|probe| probe.is(&word.text)) {
            let asked = what();
            self.answer(asked);
        }
    }

    /// Does the editor ask in this string?
    pub(super) fn asks_in(&self, string: &StrLit) -> bool {
        let text = string.plain();
        self.probe.as_ref().is_some_and(|probe| text.is_some_and(|text| text.contains(probe.mark())))
    }

    pub(super) fn answer(&mut self, asked: Asked) {
        let place = Place { asked, locals: self.locals.clone(), unit: self.unit, in_test: self.in_test };
        if let Some(probe) = &mut self.probe {
            probe.found(place);
        }
    }

    fn ask_item(&mut self, word: &Name, spec: &'static RecordSpec, owner: Owner<'_>, body: &Body, over: bool) {
        let using = match owner {
            Owner::Entity(Some(using)) => self.used(using),
            Owner::Entity(None) | Owner::Block => Vec::new(),
        };
        self.ask(word, || Asked::Item(Items { spec: Spec(spec), given: given(body), defaults: using, over }));
    }

    /// The names of the fields that the defaults in use set.
    fn used(&self, using: &[Name]) -> Vec<SmolStr> {
        let (unit, name) = match using {
            [name] => (Some(self.unit), name),
            [import, name] => (self.own().values.get(&import.text).and_then(|value| value.target), name),
            _ => return Vec::new(),
        };
        let file = unit.and_then(|unit| self.files.get(unit));
        let decls = file.iter().flat_map(|file| &file.ast.decls);
        let body = decls.filter_map(|decl| match &decl.kind {
            DeclKind::Defaults { name: found, body, .. } if found.text == name.text => Some(body),
            _ => None,
        });
        body.flat_map(given).collect()
    }
}

/// What is said of a name before its value.
fn header(decl: &Decl, name: Span) -> Span {
    match &decl.kind {
        DeclKind::Let { ty: Some(ty), .. } => name.to(ty.span),
        DeclKind::Fn { result, .. } => name.to(result.span),
        DeclKind::Param { ty, default, .. } => name.to(default.as_ref().map_or(ty.span, |default| default.span)),
        DeclKind::Type { .. } => name.to(decl.span.tail()),
        DeclKind::Defaults { kind, .. } => name.to(kind.span),
        DeclKind::Entity { using: Some(using), .. } => using.last().map_or(name, |last| name.to(last.span)),
        DeclKind::Module { path, .. } => name.to(path.span),
        _ => name,
    }
}

/// The names of what a body sets.
fn given(body: &Body) -> Vec<SmolStr> {
    let name = |item: &Item| match item {
        Item::Field(field) => field.key.plain(),
        Item::Block(block) => Some(block.name.text.clone()),
        Item::For(_) | Item::Condition(_) => None,
    };
    body.items.iter().filter_map(name).collect()
}
