//! Entities: kind, label, defaults, fields.

use smol_str::SmolStr;

use super::Checker;
use super::body::Items;
use super::scope::{Effects, Scope};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{self, Field, Node, StaticId};
use crate::schema::{Kind, Layer, Subject};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, Label, Name, StrPart};
use crate::types::Ty;
use crate::value::Lit;

/// An entity's declaration as written.
pub(super) struct Written<'e> {
    pub(super) kind: &'e Name,
    pub(super) label: &'e Label,
    pub(super) using: Option<&'e [Name]>,
    pub(super) body: &'e ast::Body,
    pub(super) doc: &'e SmolStr,
    pub(super) span: Span,
    /// Does it stand outside loops and choices?
    pub(super) top: bool,
}

impl Checker<'_> {
    /// Checks an entity's declaration. `scope` holds the names of the loops around it.
    pub(super) fn entity(&mut self, scope: &Scope, written: &Written<'_>) -> Option<(hir::Entity, Effects)> {
        let kind = match Kind::parse(&written.kind.text) {
            // What could not be read was reported; its kind is no second fault.
            None if written.body.incomplete => return None,
            _ => self.kind_of(written.kind)?,
        };
        let mut label_scope = scope.fork();
        let label = self.label(&mut label_scope, written.label, Ty::Builtin(kind.label_type()));
        let label_effects = label_scope.effects.clone();
        let base = scope.fork().about(Ty::Ref(kind.into()));
        let mut effects = Effects::default();
        let Items { said: own, broken } = self.fields(&base, kind, written.body, &mut effects);
        let defaults = match written.using {
            Some(using) => self.used_defaults(scope.unit, using, kind),
            None => None,
        };
        let unknown_defaults = written.using.is_some() && defaults.is_none();
        let incomplete = written.body.incomplete || defaults.as_ref().is_some_and(|(used, _)| used.incomplete);
        let fields = if unknown_defaults {
            own.iter().map(|said| super::body::combined(said)).collect()
        } else {
            self.merged(kind, &own, defaults.as_ref().map(|(defaults, unit)| (defaults, *unit)))
        };
        let record = hir::Record { spec: kind.spec(), fields, span: written.body.span };
        if !incomplete && !unknown_defaults {
            self.complete(&record, &broken, kind.name(), written.label.span());
        }
        self.needs_targets(kind, &record);
        let fixed = if written.top { self.static_of(scope.unit, kind, &label) } else { None };
        let entity = hir::Entity {
            kind,
            label,
            fixed,
            span: written.span,
            doc: written.doc.clone(),
            bound: scope.bound(),
            frame: label_scope.frame(),
            body: record,
        };
        Some((entity, label_effects))
    }

    fn static_of(&self, unit: usize, kind: Kind, label: &hir::Expr) -> Option<StaticId> {
        let Node::Lit(Lit::Str(text)) = &label.node else { return None };
        let names = &self.units[unit];
        let index = names.statics.get_index_of(&(kind, text.clone()))?;
        // A second declaration of the same label is no static: expansion reports it.
        let first = names.statics.get_index(index).is_some_and(|(_, span)| *span == label.span);
        first.then_some(StaticId(index as u32))
    }

    /// The fields of an entity or of defaults: each in a frame of its own, none reading above its layer.
    pub(super) fn fields(&mut self, base: &Scope, kind: Kind, body: &ast::Body, effects: &mut Effects) -> Items {
        let spec = kind.spec();
        self.items(spec, body, &mut |checker, item, field| {
            let mut scope = base.fork();
            let value = checker.value(&mut scope, spec, field, item);
            let top = match field.subject {
                Subject::Itself => kind.layer(),
                Subject::EachCell | Subject::EachAccount => kind.layer().max(Layer::Cells),
            };
            checker.seals(&scope.effects, top as u8 + 1, || format!("a field of {}", kind.name()));
            if let Some((span, what)) = &scope.effects.instance {
                effects.of_instance(*span, what);
            }
            value
        })
    }

    /// Refuses what needs more layers than are complete.
    pub(super) fn seals(&mut self, effects: &Effects, complete: u8, who: impl Fn() -> String) {
        if effects.need <= complete {
            return;
        }
        let Some((span, what)) = &effects.need_from else { return };
        let message = format!("{} cannot read {what}", who());
        let layers: Vec<&str> = Layer::ALL.iter().map(|layer| layer.name()).collect();
        self.report(Diagnostic::new(Code::SealedLayer, *span, message).help(format!(
            "what is declared in a layer is known only above it; the layers are {}",
            layers.join(", ")
        )));
    }

    /// What `deploy`, `wave` and the like may not repeat.
    fn needs_targets(&mut self, kind: Kind, record: &hir::Record) {
        if kind != Kind::Outbound {
            return;
        }
        let Some(Field::Set(setting)) = kind.spec().position("to").and_then(|at| record.fields.get(at)) else {
            return;
        };
        let mut seen: Vec<(usize, Span)> = Vec::new();
        let mut twice = Vec::new();
        for_each_sort(&setting.value, &mut |sort, span| match seen.iter().find(|(other, _)| *other == sort) {
            Some((_, first)) => twice.push((span, *first)),
            None => seen.push((sort, span)),
        });
        for (span, first) in twice {
            let message = "an outbound has one `to` of each sort";
            let diagnostic =
                Diagnostic::new(Code::SetTwice, span.head(), message).also(first.head(), "the first one");
            self.report(diagnostic.help("declare a second outbound"));
        }
    }

    /// Reports a label in a loop that does not mention the loop's first name.
    pub(super) fn label_mentions(&mut self, label: &Label, name: &Name) {
        let mentioned = match label {
            Label::Name(_) => false,
            Label::Str(string) => {
                string.parts.iter().any(|part| matches!(part, StrPart::Expr(expr) if mentions(expr, &name.text)))
            }
        };
        if mentioned {
            return;
        }
        let message = format!("the label must mention `{}`, the name of the loop", name.text);
        let sample =
            label.plain().map_or_else(|| format!("\"\\({})\"", name.text), |l| format!("\"{l}-\\({})\"", name.text));
        self.report(
            Diagnostic::new(Code::IgnoresLoopName, label.span(), message)
                .also(name.span, "the loop's name")
                .help(format!("write {sample}: identity comes from what the loop runs over, never from a position")),
        );
    }
}

/// Calls `visit` for each block of a sort, with its place in the schema and in the text.
fn for_each_sort(value: &hir::FieldValue, visit: &mut dyn FnMut(usize, Span)) {
    match value {
        hir::FieldValue::Sort(_, items) => {
            for item in items {
                if let hir::SortItem::Block { sort, body } = item {
                    visit(*sort, body.span);
                }
            }
        }
        hir::FieldValue::Joined(parts) => parts.iter().for_each(|part| for_each_sort(&part.value, visit)),
        _ => {}
    }
}

/// Does the expression name this local?
pub(super) fn mentions(expr: &ast::Expr, name: &SmolStr) -> bool {
    let mut found = false;
    walk(expr, &mut |expr| found |= matches!(&expr.kind, ExprKind::Name(other) if other == name));
    found
}

/// Visits an expression and all in it.
fn walk(expr: &ast::Expr, visit: &mut dyn FnMut(&ast::Expr)) {
    visit(expr);
    let mut each = |exprs: &[&ast::Expr]| exprs.iter().for_each(|expr| walk(expr, visit));
    match &expr.kind {
        ExprKind::Str(string) => string.parts.iter().for_each(|part| {
            if let StrPart::Expr(expr) = part {
                each(&[expr]);
            }
        }),
        ExprKind::Field(base, _) | ExprKind::Unary { operand: base, .. } => each(&[base]),
        ExprKind::Index(a, b)
        | ExprKind::Binary { left: a, right: b, .. }
        | ExprKind::Where { over: a, condition: b }
        | ExprKind::Quantified { over: a, condition: b, .. } => each(&[a, b]),
        ExprKind::If { condition, then, otherwise } => each(&[condition, then, otherwise]),
        ExprKind::Call(_, arguments) | ExprKind::List(arguments) => arguments.iter().for_each(|a| each(&[a])),
        ExprKind::Map(entries) => entries.iter().for_each(|(_, value)| each(&[value])),
        ExprKind::Record(fields) => fields.iter().for_each(|(_, value)| each(&[value])),
        ExprKind::ListFor { over, value, condition, .. } => {
            each(&[over, value]);
            condition.iter().for_each(|condition| each(&[condition]));
        }
        ExprKind::MapFor { over, key, value, condition, .. } => {
            each(&[over, key, value]);
            condition.iter().for_each(|condition| each(&[condition]));
        }
        ExprKind::Error | ExprKind::Lit(_) | ExprKind::None | ExprKind::Name(_) | ExprKind::Subject(_) => {}
    }
}
