//! Infers and checks expressions: the hub from which the forms go to their files.

use super::Checker;
use super::scope::{Declared, Path, Scope, Site};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{Expr, Node};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};
use crate::types::Ty;
use crate::value::Lit;

/// A checked expression and its type.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Ty,
}

impl Typed {
    pub(super) fn new(node: Node, span: Span, ty: Ty) -> Self {
        Self { expr: Expr { node, span }, ty }
    }

    /// What stands for an expression with an error.
    pub(super) fn error(span: Span) -> Self {
        Self::new(Node::Error, span, Ty::Error)
    }
}

impl Checker<'_> {
    /// Infers the type of an expression.
    pub(super) fn infer(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Typed {
        if !self.deeper(expr.span) {
            return Typed::error(expr.span);
        }
        let typed = self.inferred(scope, expr);
        self.depth -= 1;
        if let Some(notes) = &mut self.notes {
            notes.found(expr.span, &typed.ty);
        }
        typed
    }

    /// Goes one level deeper; reports, and refuses, one too many.
    fn deeper(&mut self, at: Span) -> bool {
        if self.depth >= super::MAX_DEPTH {
            let message =
                format!("more than {} expressions stand in each other, over what they need", super::MAX_DEPTH);
            self.report(Diagnostic::new(Code::TooDeep, at, message).help("declare what is needed most first"));
            return false;
        }
        self.depth += 1;
        true
    }

    fn inferred(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Typed {
        let typed = self.infer_form(scope, expr);
        if let Ty::Optional(inner) = &typed.ty
            && scope.is_present(path_of(scope, expr).as_ref())
        {
            let ty = (**inner).clone();
            return Typed { ty, ..typed };
        }
        typed
    }

    fn infer_form(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Typed {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Error => Typed::error(span),
            ExprKind::Lit(lit) => Typed::new(Node::Lit(lit.clone()), span, lit_type(lit)),
            ExprKind::None => Typed::new(Node::None, span, Ty::Never.optional()),
            ExprKind::Str(string) => self.string(scope, string),
            ExprKind::Name(name) => self.name(scope, name, span),
            ExprKind::Subject(name) => self.subject(scope, name, span),
            ExprKind::Field(base, name) => self.field(scope, base, name, span),
            ExprKind::Index(base, index) => self.index(scope, base, index, span),
            ExprKind::Call(callee, arguments) => self.call(scope, callee, arguments, span),
            ExprKind::Unary { op, operand, .. } => self.unary(scope, *op, operand, span),
            ExprKind::Binary { op, op_span, left, right } => self.binary(scope, *op, *op_span, left, right, span),
            ExprKind::If { condition, then, otherwise } => self.choice(scope, condition, then, otherwise, span),
            ExprKind::Quantified { quantifier, binder, over, condition } => {
                self.quantified(scope, *quantifier, binder, over, condition, span)
            }
            ExprKind::Where { over, condition } => self.filter(scope, over, condition, span),
            ExprKind::List(items) => self.list(scope, items, span),
            ExprKind::Map(entries) => self.map(scope, entries, span),
            ExprKind::Record(fields) => self.record(scope, fields, span),
            ExprKind::ListFor { binder, over, value, condition } => {
                self.list_for(scope, binder, over, value, condition.as_deref(), span)
            }
            ExprKind::MapFor { binder, over, key, value, condition } => {
                self.map_for(scope, (binder, over, condition.as_deref()), key, value, span)
            }
        }
    }

    /// Checks an expression against what its site expects.
    pub(super) fn expect(&mut self, scope: &mut Scope, expr: &ast::Expr, site: &Site) -> Expr {
        if !self.deeper(expr.span) {
            return Expr { node: Node::Error, span: expr.span };
        }
        if let Some(notes) = &mut self.notes {
            notes.wanted(expr.span, &site.ty);
        }
        let checked = self.expected(scope, expr, site);
        self.depth -= 1;
        checked
    }

    fn expected(&mut self, scope: &mut Scope, expr: &ast::Expr, site: &Site) -> Expr {
        let span = expr.span;
        let wanted = site.ty.required().clone();
        match (&expr.kind, &wanted) {
            (ExprKind::None, _) if site.ty.is_optional() => Expr { node: Node::None, span },
            (ExprKind::None, _) => self.none_refused(span, site),
            (ExprKind::List(items), Ty::List(element)) => {
                let element = site.with((**element).clone());
                let items = items.iter().map(|item| self.expect(scope, item, &element)).collect();
                Expr { node: Node::List(items), span }
            }
            (ExprKind::List(items), Ty::Set(kinds) | Ty::OneOrMany(kinds)) => {
                let element = site.with(Ty::Ref(*kinds));
                let items = items.iter().map(|item| self.expect(scope, item, &element)).collect();
                Expr { node: Node::SetOf(*kinds, items), span }
            }
            (ExprKind::ListFor { binder, over, value, condition }, Ty::List(_) | Ty::Set(_) | Ty::OneOrMany(_)) => {
                self.list_for_expected(scope, (binder, over, condition.as_deref()), value, site, span)
            }
            (ExprKind::Map(entries), Ty::Map(both)) => self.map_expected(scope, entries, both, site, span),
            (ExprKind::Map(entries), Ty::Record(record)) if entries.is_empty() => {
                self.record_expected(scope, &[], record, site, span)
            }
            (ExprKind::MapFor { binder, over, key, value, condition }, Ty::Map(both)) => {
                let header = (binder, &**over, condition.as_deref());
                self.map_for_expected(scope, header, (key, value), both, site, span)
            }
            (ExprKind::Record(fields), Ty::Record(record)) => self.record_expected(scope, fields, record, site, span),
            (ExprKind::If { condition, then, otherwise }, _) => {
                let condition = self.condition(scope, condition, "in an `if`");
                let (then, otherwise) =
                    self.branches(scope, &condition, then, otherwise, |checker, scope, branch| {
                        checker.expect(scope, branch, site)
                    });
                Expr { node: Node::If(Box::new(condition.expr), Box::new(then), Box::new(otherwise)), span }
            }
            (ExprKind::Binary { op: BinaryOp::Coalesce, left, right, .. }, _) => {
                let left_typed = self.coalesced(scope, left);
                let left_expr = self.fit(left_typed, site, left.span);
                let right = self.expect(scope, right, site);
                Expr { node: Node::Coalesce(Box::new(left_expr), Box::new(right)), span }
            }
            _ => {
                let typed = self.infer(scope, expr);
                self.fit(typed, site, span)
            }
        }
    }

    fn none_refused(&mut self, span: Span, site: &Site) -> Expr {
        if !matches!(site.ty, Ty::Error) {
            let message = format!("expected {}, found `none`", site.ty);
            let diagnostic = Diagnostic::new(Code::MayBeAbsent, span, message);
            let diagnostic = declared_at(diagnostic, site);
            self.report(diagnostic.help("only a type that ends in `?` takes `none`"));
        }
        Expr { node: Node::Error, span }
    }

    /// A condition, with what holds after it.
    pub(super) fn condition(&mut self, scope: &mut Scope, expr: &ast::Expr, place: &'static str) -> Condition {
        let checked = self.expect(scope, expr, &Site::language(Ty::Bool, place));
        let (mut holds, mut fails) = (Vec::new(), Vec::new());
        facts(scope, expr, true, &mut holds);
        facts(scope, expr, false, &mut fails);
        Condition { expr: checked, holds, fails }
    }

    /// Checks both branches of a choice, each under what its condition says.
    pub(super) fn branches<T>(
        &mut self,
        scope: &mut Scope,
        condition: &Condition,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        mut check: impl FnMut(&mut Self, &mut Scope, &ast::Expr) -> T,
    ) -> (T, T) {
        let mark = scope.mark();
        scope.facts.extend(condition.holds.iter().cloned());
        let then = check(self, scope, then);
        scope.reset(mark);
        scope.facts.extend(condition.fails.iter().cloned());
        let otherwise = check(self, scope, otherwise);
        scope.reset(mark);
        (then, otherwise)
    }

    fn choice(
        &mut self,
        scope: &mut Scope,
        condition: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
    ) -> Typed {
        let condition = self.condition(scope, condition, "in an `if`");
        let (one, two) = self.branches(scope, &condition, then, otherwise, Self::infer);
        let Some(ty) = one.ty.join(&two.ty) else {
            let site = Site::declared(one.ty, then.span, "the other branch");
            self.fit(two, &site, otherwise.span);
            return Typed::error(span);
        };
        Typed::new(Node::If(Box::new(condition.expr), Box::new(one.expr), Box::new(two.expr)), span, ty)
    }

    fn unary(&mut self, scope: &mut Scope, op: UnaryOp, operand: &ast::Expr, span: Span) -> Typed {
        match op {
            UnaryOp::Not => {
                let operand = self.expect(scope, operand, &Site::language(Ty::Bool, "in a condition"));
                Typed::new(Node::Not(Box::new(operand)), span, Ty::Bool)
            }
            UnaryOp::Neg => {
                let typed = self.infer(scope, operand);
                let ty = typed.ty.base().clone();
                if matches!(ty, Ty::Error) {
                    return Typed::error(span);
                }
                if !ty.is_number() || matches!(ty, Ty::Number) {
                    self.wrong_operand("-", &typed.ty, operand.span);
                    return Typed::error(span);
                }
                Typed::new(Node::Negate(Box::new(typed.expr)), span, ty)
            }
        }
    }
}

/// A checked condition: what it tells when it holds, and when it fails.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) expr: Expr,
    pub(super) holds: Vec<Path>,
    pub(super) fails: Vec<Path>,
}

/// The type of a literal.
pub(super) fn lit_type(lit: &Lit) -> Ty {
    match lit {
        Lit::Bool(_) => Ty::Bool,
        Lit::Int(_) => Ty::Int,
        Lit::Str(_) => Ty::String,
        Lit::Duration(_) => Ty::Duration,
        Lit::Percent(_) => Ty::Percent,
        Lit::Usd(_) => Ty::Usd,
        Lit::Size(_) => Ty::Size,
        Lit::Date(_) => Ty::Date,
        Lit::Time(_) => Ty::Time,
        Lit::Cidr(_) => Ty::Cidr,
    }
}

/// The path an expression reads, if it is one: a local, a value of the file or the subject, and fields.
pub(super) fn path_of(scope: &Scope, expr: &ast::Expr) -> Option<Path> {
    match &expr.kind {
        ExprKind::Name(name) => Some(vec![name.clone()]),
        ExprKind::Subject(name) => {
            let subject = scope.subject.as_ref()?;
            Some(vec![smol_str::format_smolstr!(".{}", subject.slot.0), name.text.clone()])
        }
        ExprKind::Field(base, name) => {
            let mut path = path_of(scope, base)?;
            path.push(name.text.clone());
            Some(path)
        }
        _ => None,
    }
}

/// The paths that are not `none` when `expr` comes to `outcome`.
pub(super) fn facts(scope: &Scope, expr: &ast::Expr, outcome: bool, out: &mut Vec<Path>) {
    match &expr.kind {
        ExprKind::Unary { op: UnaryOp::Not, operand, .. } => facts(scope, operand, !outcome, out),
        ExprKind::Binary { op: BinaryOp::And, left, right, .. } if outcome => {
            facts(scope, left, true, out);
            facts(scope, right, true, out);
        }
        ExprKind::Binary { op: BinaryOp::Or, left, right, .. } if !outcome => {
            facts(scope, left, false, out);
            facts(scope, right, false, out);
        }
        ExprKind::Binary { op, left, right, .. } => {
            let tells = matches!((op, outcome), (BinaryOp::Ne, true) | (BinaryOp::Eq, false));
            let tested = match (&left.kind, &right.kind) {
                (_, ExprKind::None) => left,
                (ExprKind::None, _) => right,
                _ => return,
            };
            if tells {
                out.extend(path_of(scope, tested));
            }
        }
        _ => {}
    }
}

/// Adds where a site's type is declared.
pub(super) fn declared_at(diagnostic: Diagnostic, site: &Site) -> Diagnostic {
    match &site.declared {
        Declared::Language => diagnostic,
        Declared::Schema(record, field) => {
            let rule = match site.ty.required() {
                Ty::Builtin(builtin) => format!("{}: {}", builtin.name(), builtin.describe()),
                other => other.to_string(),
            };
            diagnostic.help(format!("`{field}` of {record} is declared as {rule}"))
        }
        Declared::Here(span, said) => diagnostic.also(*span, said.text()),
    }
}
