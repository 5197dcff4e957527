//! Strings: what may be interpolated, and what comes of it.

use std::sync::Arc;

use smol_str::SmolStr;

use super::Checker;
use super::expr::Typed;
use super::scope::{Scope, Site};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{Expr, Node, Piece};
use crate::source::Span;
use crate::syntax::ast::{Label, StrLit, StrPart};
use crate::types::Ty;
use crate::value::Lit;

impl Checker<'_> {
    /// A string. What is known only after apply makes the whole of it so.
    pub(super) fn string(&mut self, scope: &mut Scope, string: &StrLit) -> Typed {
        if let Some(text) = string.plain() {
            return Typed::new(Node::Lit(Lit::Str(text)), string.span, Ty::String);
        }
        let mut later = false;
        let mut pieces = Vec::with_capacity(string.parts.len());
        for part in &string.parts {
            pieces.push(match part {
                StrPart::Text(text) => Piece::Text(text.clone()),
                StrPart::Expr(expr) => {
                    let typed = self.infer(scope, expr);
                    later |= matches!(typed.ty, Ty::Later(_));
                    Piece::Value(self.interpolated(typed, expr.span))
                }
            });
        }
        let ty = if later { Ty::Later(Arc::new(Ty::String)) } else { Ty::String };
        Typed::new(Node::Interpolate(pieces), string.span, ty)
    }

    /// Refuses what has no one text.
    fn interpolated(&mut self, typed: Typed, span: Span) -> Expr {
        let printable = match &typed.ty {
            Ty::Error => true,
            Ty::Later(inner) => inner.is_scalar(),
            ty => ty.is_scalar(),
        };
        if printable {
            return typed.expr;
        }
        let text = self.shown(span);
        let diagnostic = match &typed.ty {
            Ty::Secret => Diagnostic::new(Code::SecretMisused, span, "a secret cannot be put in a string")
                .help("it is only a reference; pass it to a field of type Secret"),
            Ty::Optional(inner) => {
                let message = format!("expected a value to print, found {}: {text} may be absent", typed.ty);
                let sample = if matches!(inner.base(), Ty::String) { "\"…\"" } else { "…" };
                Diagnostic::new(Code::MayBeAbsent, span, message)
                    .help(format!("write `{} ?? {sample}`", self.source_text(span)))
            }
            Ty::Ref(_) => Diagnostic::new(Code::TypeMismatch, span, format!("{text} is a reference and has no text"))
                .help("write `.name`, `.label` or `.address` after it"),
            Ty::List(_) => Diagnostic::new(Code::TypeMismatch, span, format!("{text} is a list and has no text"))
                .help("write `join(…, \", \")`"),
            ty => Diagnostic::new(Code::TypeMismatch, span, format!("{ty} has no text")),
        };
        self.report(diagnostic);
        Expr { node: Node::Error, span }
    }

    /// A label, of the type that labels here have.
    pub(super) fn label(&mut self, scope: &mut Scope, label: &Label, ty: Ty) -> Expr {
        let site = Site::language(ty, "in a label");
        let typed = match label {
            Label::Name(name) => Typed::new(Node::Lit(Lit::Str(name.text.clone())), name.span, Ty::String),
            Label::Str(string) => self.string(scope, string),
        };
        self.fit(typed, &site, label.span())
    }

    /// A string that cannot be computed; reports one that is.
    pub(super) fn fixed_text(&mut self, string: &StrLit, what: &str) -> Option<SmolStr> {
        let text = string.plain();
        if text.is_none() {
            let message = format!("{what} cannot be computed");
            self.report(Diagnostic::new(Code::NotAValue, string.span, message).help("write it out"));
        }
        text
    }
}
