//! Goes through expressions and types, as [`super::walk`] does through declarations.

use super::names::{Names, inner};
use super::probe::Asked;
use super::walk::Walker;
use super::{Index, Role, Spec, Symbol, What};
use crate::hir::BuiltinFn;
use crate::schema::Kind;
use crate::source::Span;
use crate::syntax::ast::{Binder, Expr, ExprKind, Name, StrLit, StrPart, TypeExpr, TypeExprKind};
use crate::types::Ty;

impl Walker<'_> {
    pub(super) fn expr(&mut self, index: &mut Index, expr: &Expr) {
        match &expr.kind {
            ExprKind::Error | ExprKind::Lit(_) | ExprKind::None => {}
            ExprKind::Str(string) => {
                if self.asks_in(string) {
                    let wanted = self.notes.expected_of(string.span).cloned();
                    self.answer(Asked::Text { wanted });
                }
                self.string(index, string);
            }
            ExprKind::Name(name) => {
                let wanted = self.notes.expected_of(expr.span).cloned();
                let word = Name { text: name.clone(), span: expr.span };
                self.ask(&word, || Asked::Value { wanted });
                self.value(index, name, expr.span);
            }
            ExprKind::Subject(name) => self.member(index, name, None),
            ExprKind::Field(base, name) => self.field(index, base, name),
            ExprKind::Index(base, at) => self.lookup(index, base, at),
            ExprKind::Call(callee, arguments) => {
                match &callee.kind {
                    ExprKind::Name(name) => match BuiltinFn::parse(name) {
                        Some(builtin) => index.push(callee.span, Symbol::Builtin(builtin), Role::Uses),
                        None => self.value(index, name, callee.span),
                    },
                    _ => self.expr(index, callee),
                }
                arguments.iter().for_each(|argument| self.expr(index, argument));
            }
            ExprKind::Unary { operand, .. } => self.expr(index, operand),
            ExprKind::Binary { left, right, .. } => {
                self.expr(index, left);
                self.compared(index, left, right);
            }
            ExprKind::If { condition, then, otherwise } => {
                for part in [condition, then, otherwise] {
                    self.expr(index, part);
                }
            }
            ExprKind::Quantified { binder, over, condition, .. } => {
                self.looped(index, binder, over, &[condition]);
            }
            ExprKind::Where { over, condition } => {
                self.expr(index, over);
                self.expr(index, condition);
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(index, item)),
            ExprKind::Map(entries) => {
                for (key, value) in entries {
                    self.string(index, key);
                    self.expr(index, value);
                }
            }
            ExprKind::Record(fields) => self.record(index, expr.span, fields),
            ExprKind::ListFor { binder, over, value, condition } => {
                let parts: Vec<&Expr> = std::iter::once(&**value).chain(condition.as_deref()).collect();
                self.looped(index, binder, over, &parts);
            }
            ExprKind::MapFor { binder, over, key, value, condition } => {
                let parts: Vec<&Expr> = [&**key, &**value].into_iter().chain(condition.as_deref()).collect();
                self.looped(index, binder, over, &parts);
            }
        }
    }

    /// The right side of an operator: a text there is one of what the left side may be.
    fn compared(&mut self, index: &mut Index, left: &Expr, right: &Expr) {
        if let ExprKind::Str(string) = &right.kind
            && self.asks_in(string)
        {
            let wanted = self.notes.expected_of(string.span).or_else(|| self.notes.type_of(left.span)).cloned();
            self.answer(Asked::Text { wanted });
            return;
        }
        self.expr(index, right);
    }

    fn looped(&mut self, index: &mut Index, binder: &Binder, over: &Expr, parts: &[&Expr]) {
        self.expr(index, over);
        let mark = self.bind(index, binder);
        parts.iter().for_each(|part| self.expr(index, part));
        self.locals.truncate(mark);
    }

    fn record(&mut self, index: &mut Index, span: Span, fields: &[(Name, Expr)]) {
        let ty = self.notes.expected_of(span).or_else(|| self.notes.type_of(span)).cloned();
        for (name, value) in fields {
            if let Some(Ty::Record(record)) = ty.as_ref().map(Ty::required)
                && record.position(&name.text).is_some()
            {
                index.push(name.span, Symbol::Member(name.text.clone()), Role::Sets);
            }
            self.expr(index, value);
        }
    }

    pub(super) fn string(&mut self, index: &mut Index, string: &StrLit) {
        for part in &string.parts {
            if let StrPart::Expr(expr) = part {
                self.expr(index, expr);
            }
        }
    }

    /// A bare name.
    fn value(&mut self, index: &mut Index, name: &str, span: Span) {
        if let Some((_, at, what)) = self.locals.iter().rev().find(|(local, ..)| local == name) {
            index.push(span, Symbol::Named(*what, *at), Role::Uses);
        } else if let Some(value) = self.own().values.get(name) {
            index.push(span, Symbol::Named(value.what, value.at), Role::Uses);
        } else if let Some(kind) = Kind::parse_plural(name) {
            index.push(span, Symbol::Every(kind), Role::Uses);
        } else if let Some(kind) = Kind::parse(name) {
            index.push(span, Symbol::Kind(kind), Role::Uses);
        }
    }

    /// `base.name`
    fn field(&mut self, index: &mut Index, base: &Expr, name: &Name) {
        let ExprKind::Name(first) = &base.kind else {
            self.expr(index, base);
            return self.member(index, name, Some(base));
        };
        if let Some(kind) = Kind::parse(first) {
            index.push(base.span, Symbol::Kind(kind), Role::Uses);
            self.ask(name, || Asked::Label(kind));
            return self.labelled(index, kind, &name.text, name.span);
        }
        let is_local = self.locals.iter().any(|(local, ..)| local == first);
        let value = self.own().values.get(first).copied();
        if let Some(value) = value.filter(|value| !is_local && matches!(value.what, What::Import | What::Module)) {
            index.push(base.span, Symbol::Named(value.what, value.at), Role::Uses);
            let names = self.names;
            if let Some(unit) = value.target {
                self.ask(name, || Asked::Exported { unit, module: value.what == What::Module });
                if let Some(found) = names.get(unit).and_then(|names| exported(names, &name.text)) {
                    index.push(name.span, found, Role::Uses);
                }
            }
            return;
        }
        self.expr(index, base);
        self.member(index, name, Some(base));
    }

    /// A field of a value whose type the checker told.
    fn member(&mut self, index: &mut Index, name: &Name, base: Option<&Expr>) {
        let owner = self.notes.owner_of(name.span).or_else(|| self.notes.type_of(base?.span)).cloned();
        self.ask(name, || Asked::Member { owner: owner.clone() });
        let Some(owner) = owner else { return };
        if let Some(symbol) = member_of(owner.required(), &name.text) {
            index.push(name.span, symbol, Role::Uses);
        }
    }

    /// `base[at]`
    fn lookup(&mut self, index: &mut Index, base: &Expr, at: &Expr) {
        if let (ExprKind::Name(name), ExprKind::Str(string)) = (&base.kind, &at.kind)
            && let Some(kind) = Kind::parse(name)
            && let Some(label) = string.plain()
        {
            index.push(base.span, Symbol::Kind(kind), Role::Uses);
            if self.asks_in(string) {
                self.answer(Asked::Lookup(kind));
            }
            return self.labelled(index, kind, &label, inner(string));
        }
        self.expr(index, base);
        self.expr(index, at);
    }

    /// An entity of this file by its label.
    fn labelled(&mut self, index: &mut Index, kind: Kind, label: &str, span: Span) {
        let names = self.own();
        if names.entities.contains(&(kind, label.into())) {
            if let Some(file) = names.file {
                index.push(span, Symbol::Entity(file, kind, label.into()), Role::Uses);
            }
        } else if let Some(place) = names.computed_as(kind, label) {
            index.push(span, Symbol::Computed(kind, place), Role::Uses);
        }
    }

    /// `import.Type`
    fn imported_type(&mut self, index: &mut Index, import: &str, name: &str, span: Span) {
        let Some(value) = self.own().values.get(import).copied() else { return };
        let end = span.start + import.len() as u32;
        index.push(Span { end, ..span }, Symbol::Named(value.what, value.at), Role::Uses);
        let names = value.target.and_then(|unit| self.names.get(unit));
        if let Some(at) = names.and_then(|names| names.types.get(name)) {
            index.push(Span { start: end + 1, ..span }, Symbol::Named(What::Type, *at), Role::Uses);
        }
    }

    pub(super) fn ty(&mut self, index: &mut Index, ty: &TypeExpr) {
        match &ty.kind {
            TypeExprKind::Error => {}
            TypeExprKind::Name(name) => {
                let word = Name { text: name.clone(), span: ty.span };
                self.ask(&word, || Asked::Type);
                if let Some((import, exported)) = name.split_once('.') {
                    return self.imported_type(index, import, exported, ty.span);
                }
                match self.own().types.get(name) {
                    Some(at) => index.push(ty.span, Symbol::Named(What::Type, *at), Role::Uses),
                    None if crate::check::is_base_type(name) => {
                        index.push(ty.span, Symbol::BaseType(name.clone()), Role::Uses);
                    }
                    None => {}
                }
            }
            TypeExprKind::Ref(kind) | TypeExprKind::Set(kind) => self.kind_word(index, kind),
            TypeExprKind::List(inner) | TypeExprKind::Optional(inner) => self.ty(index, inner),
            TypeExprKind::Map(key, value) => {
                self.ty(index, key);
                self.ty(index, value);
            }
            TypeExprKind::Enum(_) => {}
            TypeExprKind::Record(fields) => {
                for field in fields {
                    self.ty(index, &field.ty);
                    field.default.iter().for_each(|default| self.expr(index, default));
                }
            }
        }
    }
}

/// What another file exports under a name.
fn exported(names: &Names, name: &str) -> Option<Symbol> {
    if !names.exported.contains(name) {
        return None;
    }
    let value = names.values.get(name).map(|value| Symbol::Named(value.what, value.at));
    let defaults = || names.defaults.get(name).map(|(at, _)| Symbol::Named(What::Defaults, *at));
    value.or_else(|| names.types.get(name).map(|at| Symbol::Named(What::Type, *at))).or_else(defaults)
}

/// What a field of a value of this type is.
fn member_of(owner: &Ty, name: &str) -> Option<Symbol> {
    let meta = |name| ["label", "address", "name"].into_iter().find(|meta| *meta == name).map(Symbol::Meta);
    match owner {
        Ty::Ref(kinds) => {
            let found = kinds.iter().find_map(|kind| {
                let spec = kind.spec();
                spec.field(name).map(|field| Symbol::Field(Spec(spec), field.name))
            });
            found.or_else(|| meta(name))
        }
        Ty::Block(spec) => spec.field(name).map(|field| Symbol::Field(Spec(spec), field.name)),
        Ty::Sort(sort) => sort.sorts.iter().find_map(|spec| {
            // The records of a sort live as long as the schema does.
            let (_, spec) = sort.sort(spec.name)?;
            spec.field(name).map(|field| Symbol::Field(Spec(spec), field.name))
        }),
        Ty::Record(record) => record.position(name).map(|_| Symbol::Member(name.into())),
        _ => None,
    }
}
