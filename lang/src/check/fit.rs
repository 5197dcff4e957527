//! Does a value stand where it is put? Checks literals at once, marks computed values for a look when they are
//! known, and words every refusal.

use std::sync::Arc;

use super::Checker;
use super::expr::{Typed, declared_at};
use super::scope::Site;
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{Access, Expr, Node, Piece};
use crate::source::Span;
use crate::types::{Fit, Ty};
use crate::value::Lit;

impl Checker<'_> {
    /// The expression as it stands at its site; reports why it cannot.
    pub(super) fn fit(&mut self, typed: Typed, site: &Site, span: Span) -> Expr {
        let Typed { expr, ty } = typed;
        if let Node::Lit(lit) = &expr.node
            && ty.same(site.ty.required().base())
        {
            let fits = self.literal(lit, site, span);
            return if fits { expr } else { Expr { node: Node::Error, span } };
        }
        match ty.fits(&site.ty) {
            Fit::Free => expr,
            Fit::Checked => conform(expr, &site.ty),
            Fit::No if site.later && fits_later(&ty, &site.ty) => expr,
            Fit::No => {
                self.mismatch(&ty, site, later_in(&expr).unwrap_or(span));
                Expr { node: Node::Error, span }
            }
        }
    }

    /// Checks a literal against the type of its site.
    pub(super) fn literal(&mut self, lit: &Lit, site: &Site, span: Span) -> bool {
        let diagnostic = match site.ty.required() {
            Ty::Enum(values) => match lit {
                Lit::Str(text) if !values.contains(text) => {
                    let message = format!("`{text}` is not one of the values here");
                    let help = suggest(text, "values", values.iter().map(smol_str::SmolStr::as_str));
                    Some(Diagnostic::new(Code::NotInEnum, span, message).help_if(help))
                }
                _ => None,
            },
            Ty::Builtin(builtin) => {
                builtin.check(lit).err().map(|why| Diagnostic::new(Code::RefusedLiteral, span, why))
            }
            Ty::User(user) => {
                let below = site.with(user.base.clone());
                if !self.literal(lit, &below, span) {
                    return false;
                }
                if user.has_check {
                    self.literals.push((lit.clone(), user.clone(), span));
                }
                user.matching.as_ref().and_then(|(regex, pattern)| {
                    let text = if let Lit::Str(text) = lit { text.as_str() } else { "" };
                    (!regex.is_match(text)).then(|| {
                        let message = format!("{} does not match /{pattern}/", lit.quoted());
                        Diagnostic::new(Code::RefusedLiteral, span, message)
                            .also(user.span, format!("`{}` is declared here", user.name))
                    })
                })
            }
            _ => None,
        };
        let Some(diagnostic) = diagnostic else { return true };
        let diagnostic = match &site.declared {
            super::scope::Declared::Here(..) => declared_at(diagnostic, site),
            super::scope::Declared::Schema(record, field) if diagnostic.code == Code::NotInEnum => {
                diagnostic.help(format!("`{field}` of {record} is declared as {}", site.ty.required()))
            }
            _ => diagnostic,
        };
        self.report(diagnostic);
        false
    }

    /// Reports that a value of type `found` cannot stand at a site.
    pub(super) fn mismatch(&mut self, found: &Ty, site: &Site, span: Span) {
        let text = self.shown(span);
        let expected = site.ty.required();
        let diagnostic = match found {
            Ty::Later(inner) if inner.base().fits(expected.base()) != Fit::No || !site.later => {
                let message = format!("{text} is known only after apply; it cannot be {}", site.place);
                Diagnostic::new(Code::KnownAfterApply, span, message)
                    .help("it can be interpolated and stored in parameters, tags and statement resources")
            }
            Ty::Secret => Diagnostic::new(Code::SecretMisused, span, format!("expected {expected}, found a secret"))
                .help("a secret is only a reference: it goes in fields of type Secret, such as a sink's token"),
            Ty::Optional(inner) if inner.fits(expected) != Fit::No => {
                let message = format!("expected {}, found {found}: {text} may be absent", word(expected, inner));
                Diagnostic::new(Code::MayBeAbsent, span, message)
                    .help(format!("write {}, or test it with `!= none` before", self.coalesce_hint(span, inner)))
            }
            _ => {
                let message = format!("expected {}, found {}", word(expected, found), named(found));
                let diagnostic = Diagnostic::new(Code::TypeMismatch, span, message);
                hint(diagnostic, found, expected, &self.source_text(span))
            }
        };
        let diagnostic = declared_at(diagnostic, site);
        self.report(diagnostic);
    }

    /// The text under a span in backticks, or a word for a long one.
    pub(super) fn shown(&self, span: Span) -> String {
        let text = self.source_text(span);
        if text.is_empty() || text.len() > 60 || text.contains('\n') { "this".into() } else { format!("`{text}`") }
    }

    /// The text under a span.
    pub(super) fn source_text(&self, span: Span) -> String {
        self.sources.text(span).to_owned()
    }

    fn coalesce_hint(&self, span: Span, inner: &Ty) -> String {
        let text = self.source_text(span);
        let text = if text.len() > 40 || text.contains('\n') { "…".to_owned() } else { text };
        let sample = match inner.base() {
            Ty::Int => "500",
            Ty::String => "\"…\"",
            Ty::Bool => "false",
            Ty::Duration => "1h",
            Ty::Date => "2030-12-31",
            _ => "…",
        };
        format!("`{text} ?? {sample}`")
    }

    /// Reports an operand that an operator does not take.
    pub(super) fn wrong_operand(&mut self, op: &str, ty: &Ty, span: Span) {
        let text = self.shown(span);
        let diagnostic = match ty {
            Ty::Secret => Diagnostic::new(Code::SecretMisused, span, format!("`{op}` cannot look at a secret")),
            Ty::Later(_) => {
                let message = format!("{text} is known only after apply; `{op}` cannot take it");
                Diagnostic::new(Code::KnownAfterApply, span, message)
            }
            Ty::Optional(inner) => {
                let base = inner.base();
                let message = format!("expected {base}, found {base}?: {text} may be absent");
                let hint = self.coalesce_hint(span, inner);
                Diagnostic::new(Code::MayBeAbsent, span, message).help(format!("write {hint}"))
            }
            _ => {
                let message = format!("`{op}` does not take {}", named(ty));
                let diagnostic = Diagnostic::new(Code::WrongOperands, span, message);
                match (op, ty.base()) {
                    ("+", Ty::String) => diagnostic.help("strings are put together by `\\(…)` or `join`"),
                    ("+", Ty::Set(_) | Ty::List(_)) => diagnostic.help("sets are put together by `union`"),
                    ("-", Ty::Set(_)) => diagnostic.help("what is in one set and not in another is `except`"),
                    _ => diagnostic,
                }
            }
        };
        self.report(diagnostic);
    }
}

/// What is known only after apply is looked at only as far as its base.
fn fits_later(ty: &Ty, expected: &Ty) -> bool {
    match (ty, expected) {
        (a, Ty::Optional(b)) => fits_later(a, b),
        (Ty::Later(inner), expected) => inner.base().fits(expected.base()) == Fit::Free,
        (Ty::List(a), Ty::List(b)) => fits_later(a, b) || a.fits(b) != Fit::No,
        _ => false,
    }
}

/// The part of a text that is known only after apply.
fn later_in(expr: &Expr) -> Option<Span> {
    match &expr.node {
        Node::Field(_, Access::Later(_)) => Some(expr.span),
        Node::Interpolate(pieces) => pieces.iter().find_map(|piece| match piece {
            Piece::Value(expr) => later_in(expr),
            Piece::Text(_) => None,
        }),
        _ => None,
    }
}

/// The expression with a look at its value.
pub(super) fn conform(expr: Expr, ty: &Ty) -> Expr {
    let span = expr.span;
    Expr { node: Node::Conform(Box::new(expr), Arc::new(ty.clone())), span }
}

/// A type as messages name it.
pub(super) fn named(ty: &Ty) -> String {
    match ty {
        Ty::Enum(values) if values.len() > 6 => "one of its values".into(),
        Ty::Optional(inner) if matches!(**inner, Ty::Never) => "`none`".into(),
        Ty::List(inner) if matches!(**inner, Ty::Never) => "an empty list".into(),
        other => other.to_string(),
    }
}

/// The expected type as a message names it: its base when the fault is of another base.
fn word(expected: &Ty, found: &Ty) -> String {
    if expected.is_refined() && !found.base().same(expected.base()) {
        return expected.base().to_string();
    }
    named(expected)
}

fn hint(diagnostic: Diagnostic, found: &Ty, expected: &Ty, text: &str) -> Diagnostic {
    let short = text.len() <= 40 && !text.contains('\n');
    match (found, expected.required()) {
        (Ty::Int, wanted) if matches!(wanted.base(), Ty::String) && short => {
            diagnostic.help(format!("a number becomes text by interpolation: `\"\\({text})\"`"))
        }
        (Ty::Int, Ty::Duration) => diagnostic.help("a duration has a unit: `90s`, `5m`, `12h`, `7d`"),
        (Ty::String, Ty::Ref(kinds)) => {
            let kind = kinds.iter().next().map_or("kind", crate::schema::Kind::name);
            diagnostic
                .help(format!("an entity is written `{kind}.label`, or `{kind}[\"label\"]` when it stands in a loop"))
        }
        (Ty::Ref(_), Ty::Set(_)) if short => diagnostic.help(format!("a set of one is `[{text}]`")),
        (Ty::List(_), Ty::Set(kinds)) => {
            diagnostic.help(format!("declare the list as `Set<{kinds}>`, or write it here"))
        }
        (a, b) if a.is_refined() && b.is_refined() => {
            diagnostic.help("two refined types never convert; take the base type as the parameter's")
        }
        _ => diagnostic,
    }
}
