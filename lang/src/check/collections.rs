//! Lists, maps, records, and what runs over them.

use std::sync::Arc;

use smol_str::SmolStr;

use super::Checker;
use super::expr::{Condition, Typed};
use super::fit::{conform, named};
use super::scope::{Said, Scope, Site};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{Expr, Node, Source};
use crate::source::Span;
use crate::syntax::ast::{self, Binder, ExprKind, Name, Quantifier, StrLit};
use crate::types::{RecordField, RecordTy, Ty};
use crate::value::Lit;

/// A loop's header as written: what it binds, what it runs over, its filter.
type Header<'e> = (&'e Binder, &'e ast::Expr, Option<&'e ast::Expr>);

impl Checker<'_> {
    /// Elements of one type: that of the first, widened by the others as far as it goes.
    fn elements(
        &mut self,
        scope: &mut Scope,
        items: impl Iterator<Item = impl std::borrow::Borrow<ast::Expr>>,
    ) -> (Vec<Expr>, Ty) {
        let mut ty: Option<(Ty, Span)> = None;
        let mut out = Vec::new();
        for item in items {
            let item = item.borrow();
            let typed = self.infer(scope, item);
            let (joined, first) = match ty {
                None => (Some(typed.ty.clone()), item.span),
                Some((ref ty, first)) => (ty.join(&typed.ty), first),
            };
            match (joined, ty.take()) {
                (Some(joined), _) => {
                    ty = Some((joined, first));
                    out.push(typed.expr);
                }
                (None, Some((expected, first))) => {
                    let site = Site::declared(expected.clone(), first, Said::First(expected));
                    out.push(self.fit(typed, &site, item.span));
                    // Which of the two is the odd one nobody can tell: one finding says so, and no more follow.
                    ty = Some((Ty::Error, first));
                }
                (None, None) => {}
            }
        }
        (out, ty.map_or(Ty::Never, |(ty, _)| ty))
    }

    pub(super) fn list(&mut self, scope: &mut Scope, items: &[ast::Expr], span: Span) -> Typed {
        let (items, ty) = self.elements(scope, items.iter());
        Typed::new(Node::List(items), span, ty.list())
    }

    pub(super) fn map(&mut self, scope: &mut Scope, entries: &[(StrLit, ast::Expr)], span: Span) -> Typed {
        self.unique_keys(entries.iter().map(|(key, _)| (key.plain(), key.span)));
        let keys: Vec<Expr> = entries.iter().map(|(key, _)| self.key(scope, key, &Ty::String)).collect();
        let (values, ty) = self.elements(scope, entries.iter().map(|(_, value)| value));
        let key_ty = if entries.is_empty() { Ty::Never } else { Ty::String };
        Typed::new(Node::Map(keys.into_iter().zip(values).collect()), span, Ty::map(key_ty, ty))
    }

    /// A key of a map.
    fn key(&mut self, scope: &mut Scope, key: &StrLit, ty: &Ty) -> Expr {
        let typed = self.string(scope, key);
        self.fit(typed, &Site::language(ty.clone(), "as a key"), key.span)
    }

    /// Reports keys that stand twice in one map.
    pub(super) fn unique_keys(&mut self, keys: impl Iterator<Item = (Option<SmolStr>, Span)>) {
        let mut seen = std::collections::HashMap::new();
        for (key, span) in keys {
            let Some(key) = key else { continue };
            if let Some(first) = seen.get(&key) {
                let message = format!("key {} stands twice in one map", crate::value::quote(&key));
                let diagnostic = Diagnostic::new(Code::DuplicateKey, span, message).also(*first, "first here");
                self.report(diagnostic.help("remove one of them, or give it another key"));
            } else {
                seen.insert(key, span);
            }
        }
    }

    pub(super) fn map_expected(
        &mut self,
        scope: &mut Scope,
        entries: &[(StrLit, ast::Expr)],
        both: &Arc<(Ty, Ty)>,
        site: &Site,
        span: Span,
    ) -> Expr {
        self.unique_keys(entries.iter().map(|(key, _)| (key.plain(), key.span)));
        let value_site = site.with(both.1.clone());
        let entries = entries
            .iter()
            .map(|(key, value)| (self.key(scope, key, &both.0), self.expect(scope, value, &value_site)))
            .collect();
        Expr { node: Node::Map(entries), span }
    }

    pub(super) fn record(&mut self, scope: &mut Scope, fields: &[(Name, ast::Expr)], span: Span) -> Typed {
        self.unique_fields(fields);
        let mut out: Vec<(SmolStr, Typed)> =
            fields.iter().map(|(name, value)| (name.text.clone(), self.infer(scope, value))).collect();
        out.sort_by(|(a, _), (b, _)| a.cmp(b));
        out.dedup_by(|(a, _), (b, _)| a == b);
        let names: Arc<[SmolStr]> = out.iter().map(|(name, _)| name.clone()).collect();
        let types =
            out.iter().map(|(name, typed)| RecordField { name: name.clone(), ty: typed.ty.clone(), default: None });
        let ty = Ty::Record(Arc::new(RecordTy { fields: types.collect() }));
        Typed::new(Node::Record(names, out.into_iter().map(|(_, typed)| typed.expr).collect()), span, ty)
    }

    fn unique_fields(&mut self, fields: &[(Name, ast::Expr)]) {
        let mut seen = std::collections::HashMap::new();
        for (name, _) in fields {
            if let Some(first) = seen.insert(&name.text, name.span) {
                let message = format!("`{}` is set twice", name.text);
                self.report(Diagnostic::new(Code::SetTwice, name.span, message).also(first, "first here"));
            }
        }
    }

    pub(super) fn record_expected(
        &mut self,
        scope: &mut Scope,
        fields: &[(Name, ast::Expr)],
        record: &Arc<RecordTy>,
        site: &Site,
        span: Span,
    ) -> Expr {
        self.unique_fields(fields);
        for (name, value) in fields {
            if record.position(&name.text).is_none() {
                self.no_field("the record", name, span, record.fields.iter().map(|field| field.name.as_str()));
                self.infer(scope, value);
            }
        }
        let mut values = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let given = fields.iter().find(|(name, _)| name.text == field.name);
            let node = match (given, field.default) {
                (Some((_, value)), _) => {
                    values.push(self.expect(scope, value, &site.with(field.ty.clone())));
                    continue;
                }
                (None, Some(default)) => Node::RecordDefault(default),
                (None, None) if field.ty.is_optional() => Node::None,
                (None, None) => {
                    let message = format!("the record needs `{}`", field.name);
                    let diagnostic = Diagnostic::new(Code::MissingField, span, message);
                    let diagnostic = super::expr::declared_at(diagnostic, site);
                    self.report(diagnostic.help(format!("write `{} = …`, a {}", field.name, named(&field.ty))));
                    Node::Error
                }
            };
            values.push(Expr { node, span });
        }
        let names = record.fields.iter().map(|field| field.name.clone()).collect();
        Expr { node: Node::Record(names, values), span }
    }

    /// The header of a loop. Its names stay bound in `scope` until it is reset; what its filter tells, too.
    pub(super) fn source(
        &mut self,
        scope: &mut Scope,
        (binder, over, filter): Header<'_>,
        place: &'static str,
    ) -> Source {
        let typed = self.infer(scope, over);
        let (first, second) = self.bound_types(&typed.ty, binder, over);
        let first = (binder.first.text.clone(), self.bind(scope, &binder.first, first));
        let second = binder.second.as_ref().map(|name| {
            let ty = second.unwrap_or(Ty::Error);
            (name.text.clone(), self.bind(scope, name, ty))
        });
        let condition = filter.map(|filter| {
            let Condition { expr, holds, .. } = self.condition(scope, filter, place);
            scope.facts.extend(holds);
            expr
        });
        Source { first, second, over: typed.expr, condition, span: binder.first.span }
    }

    /// The types of what a loop binds.
    fn bound_types(&mut self, ty: &Ty, binder: &Binder, over: &ast::Expr) -> (Ty, Option<Ty>) {
        if ty.has_later() {
            let text = self.shown(over.span);
            let message = format!("{text} is known only after apply; it cannot be in a loop");
            self.report(
                Diagnostic::new(Code::KnownAfterApply, over.span, message)
                    .help("what a loop runs over is to be known in every plan; run over the entities themselves"),
            );
            return (Ty::Error, Some(Ty::Error));
        }
        let element = match ty {
            Ty::Map(both) => {
                if binder.second.is_none() {
                    let message = "a loop over a map binds two names: the key and the value";
                    let fix = format!("{}, value", binder.first.text);
                    self.report(
                        Diagnostic::new(Code::NotIterable, binder.first.span, message)
                            .help(format!("write `for {fix} in …`, or run over `keys(…)` or `values(…)`")),
                    );
                    return (Ty::Error, None);
                }
                return (both.0.clone(), Some(both.1.clone()));
            }
            Ty::List(inner) => (**inner).clone(),
            Ty::Set(kinds) => Ty::Ref(*kinds),
            Ty::Error => return (Ty::Error, Some(Ty::Error)),
            other => {
                let text = self.shown(over.span);
                let diagnostic = match other {
                    Ty::Optional(_) => Diagnostic::new(
                        Code::MayBeAbsent,
                        over.span,
                        format!("expected a collection, found {other}: {text} may be absent"),
                    ),
                    _ => {
                        let message =
                            format!("a loop runs over a list, a set, a map or a range, not {}", named(other));
                        Diagnostic::new(Code::NotIterable, over.span, message)
                    }
                };
                self.report(diagnostic);
                return (Ty::Error, Some(Ty::Error));
            }
        };
        if let Some(second) = &binder.second {
            let what = if matches!(ty, Ty::Set(_)) { "set" } else { "list" };
            let message = format!("two names bind over maps only; a {what} has no index");
            self.report(
                Diagnostic::new(Code::NoIndex, second.span.to(binder.first.span), message)
                    .also(over.span, format!("this is a {what}"))
                    .help(format!("write `for {} in …`: identity is a label, never a position", second.text)),
            );
            return (Ty::Error, Some(element));
        }
        (element, None)
    }

    pub(super) fn list_for(
        &mut self,
        scope: &mut Scope,
        binder: &Binder,
        over: &ast::Expr,
        value: &ast::Expr,
        condition: Option<&ast::Expr>,
        span: Span,
    ) -> Typed {
        let mark = scope.mark();
        let source = self.source(scope, (binder, over, condition), "in a loop");
        let value = self.infer(scope, value);
        scope.reset(mark);
        let ty = value.ty.list();
        Typed::new(Node::ListFor { source: Box::new(source), value: Box::new(value.expr) }, span, ty)
    }

    pub(super) fn list_for_expected(
        &mut self,
        scope: &mut Scope,
        header: Header<'_>,
        value: &ast::Expr,
        site: &Site,
        span: Span,
    ) -> Expr {
        let (element, set) = match site.ty.required() {
            Ty::List(inner) => ((**inner).clone(), None),
            Ty::Set(kinds) | Ty::OneOrMany(kinds) => (Ty::Ref(*kinds), Some(Ty::Set(*kinds))),
            _ => (Ty::Error, None),
        };
        let mark = scope.mark();
        let source = self.source(scope, header, "in a loop");
        let value = self.expect(scope, value, &site.with(element));
        scope.reset(mark);
        let list = Expr { node: Node::ListFor { source: Box::new(source), value: Box::new(value) }, span };
        match set {
            Some(ty) => conform(list, &ty),
            None => list,
        }
    }

    pub(super) fn map_for(
        &mut self,
        scope: &mut Scope,
        header: Header<'_>,
        key: &ast::Expr,
        value: &ast::Expr,
        span: Span,
    ) -> Typed {
        let mark = scope.mark();
        let source = Box::new(self.source(scope, header, "in a loop"));
        let (key, value) = (self.infer(scope, key), self.infer(scope, value));
        scope.reset(mark);
        let ty = Ty::map(key.ty, value.ty);
        Typed::new(Node::MapFor { source, key: Box::new(key.expr), value: Box::new(value.expr) }, span, ty)
    }

    pub(super) fn map_for_expected(
        &mut self,
        scope: &mut Scope,
        header: Header<'_>,
        (key, value): (&ast::Expr, &ast::Expr),
        both: &Arc<(Ty, Ty)>,
        site: &Site,
        span: Span,
    ) -> Expr {
        let mark = scope.mark();
        let source = Box::new(self.source(scope, header, "in a loop"));
        let key = Box::new(self.expect(scope, key, &site.with(both.0.clone())));
        let value = Box::new(self.expect(scope, value, &site.with(both.1.clone())));
        scope.reset(mark);
        Expr { node: Node::MapFor { source, key, value }, span }
    }

    pub(super) fn quantified(
        &mut self,
        scope: &mut Scope,
        quantifier: Quantifier,
        binder: &Binder,
        over: &ast::Expr,
        condition: &ast::Expr,
        span: Span,
    ) -> Typed {
        let mark = scope.mark();
        let source = Box::new(self.source(scope, (binder, over, None), "in a loop"));
        let condition = Box::new(self.condition(scope, condition, "in a condition").expr);
        scope.reset(mark);
        let every = quantifier == Quantifier::Every;
        Typed::new(Node::Quantified { every, source, condition }, span, Ty::Bool)
    }

    /// `xs where condition`: the element is the subject of the condition.
    pub(super) fn filter(&mut self, scope: &mut Scope, over: &ast::Expr, condition: &ast::Expr, span: Span) -> Typed {
        let over_typed = self.infer(scope, over);
        let element = match &over_typed.ty {
            Ty::Set(kinds) => Ty::Ref(*kinds),
            Ty::List(inner) => (**inner).clone(),
            Ty::Error => Ty::Error,
            ty => {
                let message = format!("`where` narrows a set or a list, not {}", named(ty));
                let mut diagnostic = Diagnostic::new(Code::WrongOperands, over.span, message);
                if let ExprKind::Name(name) = &over.kind
                    && matches!(ty, Ty::Map(_))
                {
                    diagnostic = diagnostic.help(format!("write `{{for k, v in {name}: k => v if …}}`"));
                }
                self.report(diagnostic);
                Ty::Error
            }
        };
        let mark = scope.mark();
        let outer = scope.subject.take();
        let slot = scope.slot();
        scope.subject = Some(super::scope::Subject { slot, ty: element, either: false });
        let condition = self.condition(scope, condition, "in a `where`").expr;
        scope.subject = outer;
        scope.reset(mark);
        let ty = over_typed.ty;
        Typed::new(Node::Where { over: Box::new(over_typed.expr), slot, condition: Box::new(condition) }, span, ty)
    }
}

/// A string as an expression.
pub(super) fn text(text: &str, span: Span) -> Expr {
    Expr { node: Node::Lit(Lit::Str(text.into())), span }
}
