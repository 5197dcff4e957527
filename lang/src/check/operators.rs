//! Operators between expressions: which types they take and give.

use smol_str::SmolStr;

use super::Checker;
use super::expr::{Typed, path_of};
use super::fit::named;
use super::scope::{Scope, Site};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{Expr, Node, Op};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind};
use crate::types::{Fit, Ty};

impl Checker<'_> {
    pub(super) fn binary(
        &mut self,
        scope: &mut Scope,
        op: BinaryOp,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Typed {
        match op {
            BinaryOp::And | BinaryOp::Or => self.logic(scope, op, left, right, span),
            BinaryOp::Coalesce => self.coalesce(scope, left, right, span),
            BinaryOp::Range => {
                let site = Site::language(Ty::Int, "in a range");
                let (from, to) = (self.expect(scope, left, &site), self.expect(scope, right, &site));
                Typed::new(Node::Range(Box::new(from), Box::new(to)), span, Ty::Int.list())
            }
            BinaryOp::Eq | BinaryOp::Ne => self.equality(scope, op, left, right, span),
            BinaryOp::In => self.membership(scope, left, right, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => self.order(scope, op, left, right, span),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                self.arithmetic(scope, (op, op_span), left, right, span)
            }
        }
    }

    fn logic(&mut self, scope: &mut Scope, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Typed {
        let left = self.condition(scope, left, "in a condition");
        let mark = scope.mark();
        scope.facts.extend(if op == BinaryOp::And { left.holds } else { left.fails });
        let right = self.expect(scope, right, &Site::language(Ty::Bool, "in a condition"));
        scope.reset(mark);
        let (left, right) = (Box::new(left.expr), Box::new(right));
        let node = if op == BinaryOp::And { Node::And(left, right) } else { Node::Or(left, right) };
        Typed::new(node, span, Ty::Bool)
    }

    /// The left side of `??`, without its `?`; reports one that is never absent.
    pub(super) fn coalesced(&mut self, scope: &mut Scope, left: &ast::Expr) -> Typed {
        let typed = self.infer_bare(scope, left);
        match &typed.ty {
            Ty::Error => typed,
            Ty::Optional(inner) => {
                let ty = (**inner).clone();
                Typed { ty, ..typed }
            }
            _ => {
                let message = format!("{} is never absent, so `??` does nothing", self.shown(left.span));
                self.report(Diagnostic::new(Code::WrongOperands, left.span, message).help("leave the `?? …` out"));
                typed
            }
        }
    }

    /// As [`Self::infer`]: what a condition told is not made use of, so that `x ?? y` after `x != none` is fine.
    fn infer_bare(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Typed {
        let Some(path) = path_of(scope, expr) else { return self.infer(scope, expr) };
        let facts = scope.facts.clone();
        scope.facts.retain(|fact| *fact != path);
        let typed = self.infer(scope, expr);
        scope.facts = facts;
        typed
    }

    fn coalesce(&mut self, scope: &mut Scope, left: &ast::Expr, right: &ast::Expr, span: Span) -> Typed {
        let left_typed = self.coalesced(scope, left);
        if matches!(left_typed.ty, Ty::Error) {
            self.infer(scope, right);
            return Typed::error(span);
        }
        if let ExprKind::Str(_) | ExprKind::List(_) | ExprKind::Map(_) | ExprKind::Record(_) = right.kind {
            let ty = match left_typed.ty.base() {
                Ty::String => Ty::String,
                _ => left_typed.ty.clone(),
            };
            let right = self.expect(scope, right, &Site::declared(ty.clone(), left.span, "the left side"));
            return Typed::new(Node::Coalesce(Box::new(left_typed.expr), Box::new(right)), span, ty);
        }
        let right_typed = self.infer(scope, right);
        let Some(ty) = left_typed.ty.join(&right_typed.ty) else {
            let site = Site::declared(left_typed.ty, left.span, "the left side");
            self.fit(right_typed, &site, right.span);
            return Typed::error(span);
        };
        Typed::new(Node::Coalesce(Box::new(left_typed.expr), Box::new(right_typed.expr)), span, ty)
    }

    fn equality(
        &mut self,
        scope: &mut Scope,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Typed {
        let (one, two) = (self.infer_bare(scope, left), self.infer_bare(scope, right));
        let hir_op = if op == BinaryOp::Eq { Op::Eq } else { Op::Ne };
        let comparable = self.comparable(op.symbol(), (&one.ty, left), (&two.ty, right));
        if !comparable {
            return Typed { ty: Ty::Bool, ..Typed::error(span) };
        }
        Typed::new(Node::Binary(hir_op, Box::new(one.expr), Box::new(two.expr)), span, Ty::Bool)
    }

    /// May the two be equal? Reports why not, at the right one; or at a literal that the other's type refuses.
    fn comparable(&mut self, op: &str, left: (&Ty, &ast::Expr), right: (&Ty, &ast::Expr)) -> bool {
        if (is_none(left.0) && right.0.is_optional()) || (is_none(right.0) && left.0.is_optional()) {
            return true;
        }
        for (ty, expr) in [left, right] {
            if ty.has_secret() || matches!(ty.required(), Ty::Later(_)) {
                self.wrong_operand(op, ty, expr.span);
                return false;
            }
        }
        let (a, b) = (tagged(left.0.required()), tagged(right.0.required()));
        if let Some(text) = plain(right.1)
            && (a.is_refined() || matches!(a, Ty::Enum(_)))
            && matches!(a.base(), Ty::String)
        {
            return self.literal(&text, &Site::declared(a, left.1.span, "compared with this"), right.1.span);
        }
        if let Some(text) = plain(left.1)
            && (b.is_refined() || matches!(b, Ty::Enum(_)))
            && matches!(b.base(), Ty::String)
        {
            return self.literal(&text, &Site::declared(b, right.1.span, "compared with this"), left.1.span);
        }
        if incomparable(&a) || incomparable(&b) || apart(&a, &b) || a.join(&b).is_none() {
            let message = format!("expected {}, found {}", named(&a), named(&b));
            let text = format!("compared with this {}", named(&a));
            self.report(Diagnostic::new(Code::TypeMismatch, right.1.span, message).also(left.1.span, text));
            return false;
        }
        true
    }

    fn membership(&mut self, scope: &mut Scope, left: &ast::Expr, right: &ast::Expr, span: Span) -> Typed {
        let needle = self.infer_bare(scope, left);
        let element = tagged(needle.ty.required());
        if let ExprKind::List(items) = &right.kind
            && !matches!(element, Ty::Ref(_))
        {
            let items = items.iter().map(|item| self.list_member(scope, (&element, left), item)).collect();
            let list = Expr { node: Node::List(items), span: right.span };
            return Typed::new(Node::Binary(Op::In, Box::new(needle.expr), Box::new(list)), span, Ty::Bool);
        }
        let collection = match (&right.kind, &element) {
            (ExprKind::List(_), Ty::Ref(kinds)) => {
                let ty = Ty::Set(*kinds);
                let expr = self.expect(scope, right, &Site::language(ty.clone(), "in a list"));
                Typed { expr, ty }
            }
            _ => self.infer(scope, right),
        };
        let inner = match &collection.ty {
            Ty::List(inner) => (**inner).clone(),
            Ty::Set(kinds) => Ty::Ref(*kinds),
            Ty::Map(both) => both.0.clone(),
            Ty::Error => return Typed { ty: Ty::Bool, ..Typed::error(span) },
            ty => {
                let ty = ty.clone();
                let message = format!("`in` looks into lists, sets and maps, not {}", named(&ty));
                let mut diagnostic = Diagnostic::new(Code::WrongOperands, right.span, message);
                if matches!(ty.base(), Ty::String) {
                    diagnostic = diagnostic.help("for text, use `starts_with` and `ends_with`");
                }
                self.report(diagnostic);
                return Typed { ty: Ty::Bool, ..Typed::error(span) };
            }
        };
        if !matches!(needle.ty, Ty::Error) && !self.comparable("in", (&inner, right), (&element, left)) {
            return Typed { ty: Ty::Bool, ..Typed::error(span) };
        }
        Typed::new(Node::Binary(Op::In, Box::new(needle.expr), Box::new(collection.expr)), span, Ty::Bool)
    }

    /// An element of the list at the right of `in`.
    fn list_member(&mut self, scope: &mut Scope, needle: (&Ty, &ast::Expr), item: &ast::Expr) -> Expr {
        let typed = self.infer(scope, item);
        if self.comparable("in", needle, (&typed.ty, item)) {
            typed.expr
        } else {
            Expr { node: Node::Error, span: item.span }
        }
    }

    fn order(&mut self, scope: &mut Scope, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Typed {
        let (one, two) = (self.infer(scope, left), self.infer(scope, right));
        let error = Typed { ty: Ty::Bool, ..Typed::error(span) };
        for (typed, expr) in [(&one, left), (&two, right)] {
            if !typed.ty.is_ordered() {
                self.wrong_operand(op.symbol(), &typed.ty, expr.span);
                return error;
            }
        }
        if !self.comparable(op.symbol(), (&one.ty, left), (&two.ty, right)) {
            return error;
        }
        let op = match op {
            BinaryOp::Lt => Op::Lt,
            BinaryOp::Le => Op::Le,
            BinaryOp::Gt => Op::Gt,
            _ => Op::Ge,
        };
        Typed::new(Node::Binary(op, Box::new(one.expr), Box::new(two.expr)), span, Ty::Bool)
    }

    /// `+ -` on two of one unit; `*` with a whole number on one side; `/` by a whole number.
    fn arithmetic(
        &mut self,
        scope: &mut Scope,
        (op, op_span): (BinaryOp, Span),
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Typed {
        let (one, two) = (self.infer(scope, left), self.infer(scope, right));
        let (a, b) = (one.ty.base().clone(), two.ty.base().clone());
        if matches!(a, Ty::Error) || matches!(b, Ty::Error) {
            return Typed::error(span);
        }
        let (hir_op, ty) = match (op, &a, &b) {
            (BinaryOp::Add, a, b) if a.is_number() && a.same(b) => (Op::Add, a.clone()),
            (BinaryOp::Sub, a, b) if a.is_number() && a.same(b) => (Op::Sub, a.clone()),
            (BinaryOp::Mul, a, Ty::Int) if a.is_number() => (Op::Mul, a.clone()),
            (BinaryOp::Mul, Ty::Int, b) if b.is_number() => (Op::Mul, b.clone()),
            (BinaryOp::Div, a, Ty::Int) if a.is_number() => (Op::Div, a.clone()),
            _ => {
                self.wrong_arithmetic((op, op_span), (&one.ty, left), (&two.ty, right));
                return Typed::error(span);
            }
        };
        Typed::new(Node::Binary(hir_op, Box::new(one.expr), Box::new(two.expr)), span, ty)
    }

    fn wrong_arithmetic(
        &mut self,
        (op, op_span): (BinaryOp, Span),
        (a, left): (&Ty, &ast::Expr),
        (b, right): (&Ty, &ast::Expr),
    ) {
        let symbol = op.symbol();
        if !a.base().is_number() {
            self.wrong_operand(symbol, a, left.span);
        } else if matches!(b, Ty::Optional(_) | Ty::Later(_) | Ty::Secret) {
            self.wrong_operand(symbol, b, right.span);
        } else if matches!(op, BinaryOp::Add | BinaryOp::Sub) || !b.base().is_number() {
            let wanted = if matches!(op, BinaryOp::Add | BinaryOp::Sub) { named(a.base()) } else { "Int".into() };
            let message = format!("expected {wanted}, found {}", named(b));
            let mut diagnostic = Diagnostic::new(Code::TypeMismatch, right.span, message)
                .also(left.span, format!("this is {}", named(a)));
            if a.base().is_number() && b.base().is_number() {
                diagnostic = diagnostic.help("units never mix");
            }
            self.report(diagnostic);
        } else {
            let message = format!("`{symbol}` does not take {} and {}", named(a), named(b));
            let help = "a quantity is multiplied and divided by whole numbers only";
            self.report(Diagnostic::new(Code::WrongOperands, op_span, message).help(help));
        }
    }
}

/// The type of a plain string literal's value, if the expression is one.
fn plain(expr: &ast::Expr) -> Option<crate::value::Lit> {
    match &expr.kind {
        ExprKind::Str(string) => string.plain().map(crate::value::Lit::Str),
        _ => None,
    }
}

/// A block of several sorts is compared by its tag.
fn tagged(ty: &Ty) -> Ty {
    match ty {
        Ty::Sort(sort) => Ty::Enum(sort.sorts.iter().map(|sort| SmolStr::new(sort.name)).collect()),
        other => other.clone(),
    }
}

/// Is it the type of `none` alone?
fn is_none(ty: &Ty) -> bool {
    matches!(ty, Ty::Optional(inner) if matches!(**inner, Ty::Never))
}

/// References or sets of kinds that have none in common: they are never equal.
fn apart(a: &Ty, b: &Ty) -> bool {
    match (a, b) {
        (Ty::Ref(a), Ty::Ref(b)) | (Ty::Set(a), Ty::Set(b)) => !a.meets(*b),
        _ => false,
    }
}

/// Types whose values are never compared.
fn incomparable(ty: &Ty) -> bool {
    match ty {
        Ty::Block(_) | Ty::Conditions | Ty::Secret | Ty::Later(_) => true,
        Ty::List(inner) | Ty::Optional(inner) => incomparable(inner) || matches!(**inner, Ty::Sort(_)),
        Ty::Map(both) => incomparable(&both.0) || incomparable(&both.1),
        other => other.fits(other) == Fit::No,
    }
}
