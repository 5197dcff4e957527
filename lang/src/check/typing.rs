//! Reads types: what a written type stands for, and the declarations of refined types.

use std::sync::Arc;

use regex::Regex;
use smol_str::SmolStr;

use super::names::language_types;
use super::scope::{Scope, Site};
use super::{Checker, Task, TypeState};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir;
use crate::schema::{Kind, KindSet};
use crate::source::Span;
use crate::syntax::ast::{self, DeclKind, Name, TypeExpr, TypeExprKind};
use crate::types::{Builtin, MOST_PARTS, RecordField, RecordTy, Ty, UserTy};

/// The type of the language with this name.
pub(super) fn base_type(name: &str) -> Option<Ty> {
    Some(match name {
        "Bool" => Ty::Bool,
        "Int" => Ty::Int,
        "String" => Ty::String,
        "Duration" => Ty::Duration,
        "Percent" => Ty::Percent,
        "Usd" => Ty::Usd,
        "Size" => Ty::Size,
        "Date" => Ty::Date,
        "Time" => Ty::Time,
        "Cidr" => Ty::Cidr,
        "Secret" => Ty::Secret,
        _ => Ty::Builtin(*Builtin::ALL.iter().find(|builtin| builtin.name() == name)?),
    })
}

impl Checker<'_> {
    /// What a written type stands for.
    pub(super) fn read_type(&mut self, unit: usize, written: &TypeExpr) -> Ty {
        match &written.kind {
            TypeExprKind::Error => Ty::Error,
            TypeExprKind::Name(name) => self.named_type(unit, name, written.span),
            TypeExprKind::Ref(kind) => self.kind_of(kind).map_or(Ty::Error, |kind| Ty::Ref(kind.into())),
            TypeExprKind::Set(kind) => self.kind_of(kind).map_or(Ty::Error, |kind| Ty::Set(kind.into())),
            TypeExprKind::List(inner) => self.read_type(unit, inner).list(),
            TypeExprKind::Optional(inner) => self.read_type(unit, inner).optional(),
            TypeExprKind::Map(key, value) => {
                let (key, value) = (self.read_type(unit, key), self.read_type(unit, value));
                Ty::map(key, value)
            }
            TypeExprKind::Enum(values) => self.enum_type(values),
            TypeExprKind::Record(fields) => self.record_type(unit, fields),
        }
    }

    fn enum_type(&mut self, values: &[ast::StrLit]) -> Ty {
        let mut names: Vec<SmolStr> = Vec::new();
        for value in values {
            match value.plain() {
                Some(text) if names.contains(&text) => {
                    self.report(Diagnostic::new(Code::DuplicateKey, value.span, format!("`{text}` stands twice")));
                }
                Some(text) => names.push(text),
                None => self.report(Diagnostic::new(
                    Code::NotAValue,
                    value.span,
                    "a value of an enumeration cannot be computed",
                )),
            }
        }
        Ty::Enum(names.into())
    }

    fn record_type(&mut self, unit: usize, fields: &[ast::RecordFieldType]) -> Ty {
        let mut out: Vec<RecordField> = Vec::with_capacity(fields.len());
        for field in fields {
            let ty = self.read_type(unit, &field.ty);
            let default = field.default.as_ref().map(|default| {
                let site = Site::declared(ty.clone(), field.ty.span, "the field's type");
                let mut scope = Scope::new(unit);
                let expr = self.expect(&mut scope, default, &site);
                self.record_defaults.push(Arc::new(hir::Body { expr, frame: scope.frame() }));
                (self.record_defaults.len() - 1) as u32
            });
            if out.iter().any(|other| other.name == field.name.text) {
                let message = format!("`{}` is declared twice", field.name.text);
                self.report(Diagnostic::new(Code::SetTwice, field.name.span, message));
                continue;
            }
            out.push(RecordField { name: field.name.text.clone(), ty, default });
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ty::Record(Arc::new(RecordTy { fields: out }))
    }

    /// The kind of this name; reports one that is none.
    pub(super) fn kind_of(&mut self, name: &Name) -> Option<Kind> {
        let kind = Kind::parse(&name.text);
        if kind.is_none() {
            let mut diagnostic =
                Diagnostic::new(Code::UnknownKind, name.span, format!("there is no kind `{}`", name.text));
            match Kind::parse_plural(&name.text) {
                Some(kind) => {
                    diagnostic = diagnostic.help(format!("write `{}`", kind.name())).fix(name.span, kind.name());
                }
                None => {
                    let kinds = Kind::ALL.iter().map(|kind| kind.name());
                    diagnostic = diagnostic.help_if(suggest(&name.text, "kinds", kinds));
                }
            }
            self.report(diagnostic);
        }
        kind
    }

    fn named_type(&mut self, unit: usize, name: &SmolStr, span: Span) -> Ty {
        if let Some(ty) = base_type(name) {
            return ty;
        }
        if let Some((import, inner)) = name.split_once('.') {
            return self.imported_type(unit, import, inner, span);
        }
        if self.units[unit].types.contains_key(name) {
            return self.user_type(unit, name, span);
        }
        let message = format!("there is no type `{name}`");
        let mut diagnostic = Diagnostic::new(Code::UnknownType, span, message);
        if let Some(kind) = Kind::parse(name).or_else(|| Kind::parse_plural(name)) {
            diagnostic = diagnostic.help(format!("write `Ref<{0}>` for one, `Set<{0}>` for many", kind.name()));
        } else {
            let own: Vec<SmolStr> = self.units[unit].types.keys().cloned().collect();
            let mut all: Vec<&str> = own.iter().map(SmolStr::as_str).collect();
            for name in language_types() {
                all.push(name);
            }
            diagnostic = diagnostic.help_if(suggest(name, "types", all));
        }
        self.report(diagnostic);
        Ty::Error
    }

    fn imported_type(&mut self, unit: usize, import: &str, inner: &str, span: Span) -> Ty {
        let target = match self.units[unit].values.get(import) {
            Some((super::Item::Import(target), _)) => *target,
            _ => {
                self.report(Diagnostic::new(Code::NotDeclared, span, format!("`{import}` is no import")));
                None
            }
        };
        let Some(target) = target else { return Ty::Error };
        let known = self.units[target].types.contains_key(inner);
        if known && self.units[target].exported.contains_key(inner) {
            return self.user_type(target, inner, span);
        }
        let message = format!("`{import}` exports no type `{inner}`");
        let mut diagnostic = Diagnostic::new(Code::NotExported, span, message);
        if known {
            diagnostic = diagnostic.help("write `export` before its declaration");
        }
        self.report(diagnostic);
        Ty::Error
    }

    /// A type that the file declares; its declaration is read when it is first needed.
    fn user_type(&mut self, unit: usize, name: &str, span: Span) -> Ty {
        let done = matches!(self.units[unit].types.get(name).map(|item| &item.state), Some(TypeState::Done(_)));
        if !done && self.chain_is_full(span) {
            return Ty::Error;
        }
        let Some(item) = self.units[unit].types.get_mut(name) else { return Ty::Error };
        let (decl, task) = (item.decl, Task::Type(unit, item.number));
        match &item.state {
            TypeState::Done(ty) => return ty.clone(),
            TypeState::Open => {
                self.circle(task, span);
                return Ty::Error;
            }
            TypeState::New => item.state = TypeState::Open,
        }
        self.chain.push((task, name.into(), span));
        let mut ty = self.declared_type(unit, decl);
        self.chain.pop();
        if ty.is_too_large() {
            self.type_too_large(decl.span);
            ty = Ty::Error;
        }
        if let Some(item) = self.units[unit].types.get_mut(name) {
            item.state = TypeState::Done(ty.clone());
        }
        ty
    }

    /// Reports a type that is too large to be gone through.
    pub(super) fn type_too_large(&mut self, at: Span) {
        let message = format!("a type of more than {MOST_PARTS} parts");
        let help = "name what repeats once, and refer to it by key or by label";
        self.report(Diagnostic::new(Code::TooDeep, at, message).help(help));
    }

    fn declared_type(&mut self, unit: usize, decl: &ast::Decl) -> Ty {
        let DeclKind::Type { name, ty, matching, check } = &decl.kind else { return Ty::Error };
        let base = self.read_type(unit, ty);
        let (None, None) = (matching, check) else {
            let matching = matching.as_ref().and_then(|regex| self.regex(&base, regex));
            let id = self.types.len() as u32;
            let user = UserTy {
                name: name.text.clone(),
                id,
                base: base.clone(),
                span: name.span,
                matching,
                has_check: check.is_some(),
            };
            let user = self.add_type(user);
            if let Some(check) = check {
                let body = self.check_of(unit, &base, check);
                if let Some(entry) = self.types.get_mut(user.id as usize) {
                    entry.check = Some(body);
                }
            }
            return Ty::User(user);
        };
        base
    }

    fn regex(&mut self, base: &Ty, written: &ast::Regex) -> Option<(Regex, SmolStr)> {
        if !matches!(base.base(), Ty::String | Ty::Error) {
            let message = format!("`matching` is for strings, and this is {base}");
            self.report(Diagnostic::new(Code::BadRegex, written.span, message).help("use `check` for other types"));
            return None;
        }
        match Regex::new(&format!("^(?:{})$", written.text)) {
            Ok(regex) => Some((regex, written.text.clone())),
            Err(error) => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let message = "this is no regular expression";
                self.report(Diagnostic::new(Code::BadRegex, written.span, message).help(why));
                None
            }
        }
    }

    /// A `check`, with the value as `it` in slot 1.
    pub(super) fn check_of(&mut self, unit: usize, ty: &Ty, check: &ast::Expr) -> hir::Body {
        let mut scope = Scope::new(unit);
        scope.bind(&SmolStr::new_static("it"), ty.clone(), check.span);
        let expr = self.expect(&mut scope, check, &Site::language(Ty::Bool, "in a check"));
        if let Some((span, what)) = &scope.effects.need_from {
            let message = format!("a check cannot read {what}");
            self.report(Diagnostic::new(Code::SealedLayer, *span, message).help("an `assert` can"));
        }
        hir::Body { expr, frame: scope.frame() }
    }

    /// Reads every type declaration of a file, used or not.
    pub(super) fn check_types(&mut self, unit: usize) {
        let mut types: Vec<(u32, SmolStr, Span)> =
            self.units[unit].types.iter().map(|(name, item)| (item.number, name.clone(), item.decl.span)).collect();
        types.sort_unstable_by_key(|(number, ..)| *number);
        for (_, name, span) in types {
            self.user_type(unit, &name, span);
        }
    }

    /// A set of one kind.
    pub(super) fn set_of(kind: Kind) -> Ty {
        Ty::Set(KindSet::from(kind))
    }
}
