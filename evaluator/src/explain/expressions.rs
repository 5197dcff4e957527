//! What stands in an expression, and where loops and modules are declared. Owns walking over the checked tree;
//! says nothing of values.

use std::sync::Arc;

use cell_lang::hir::{ConditionItem, Decl, Entity, Expr, Field, FieldValue, For, MapItem, Module, NamedItem, Node};
use cell_lang::hir::{Piece, Record, Slot, SortItem, Source, Unit};
use cell_lang::source::Span;

/// The expressions right inside an expression, in the order of the program.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.node {
        Node::Error
        | Node::Lit(_)
        | Node::None
        | Node::Local(_)
        | Node::Let(_)
        | Node::ImportedLet(_)
        | Node::ModuleLet(..)
        | Node::Param(_)
        | Node::All(_)
        | Node::Static(_)
        | Node::RecordDefault(_) => Vec::new(),
        Node::Interpolate(pieces) => pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Value(expr) => Some(expr),
                Piece::Text(_) => None,
            })
            .collect(),
        Node::Lookup(_, inner)
        | Node::Field(inner, _)
        | Node::Not(inner)
        | Node::Negate(inner)
        | Node::Conform(inner, _) => vec![inner],
        Node::Index(a, b)
        | Node::Binary(_, a, b)
        | Node::And(a, b)
        | Node::Or(a, b)
        | Node::Coalesce(a, b)
        | Node::Range(a, b) => vec![a, b],
        Node::Call(_, items)
        | Node::Builtin(_, items)
        | Node::List(items)
        | Node::SetOf(_, items)
        | Node::Record(_, items) => items.iter().collect(),
        Node::If(a, b, c) => vec![a, b, c],
        Node::Quantified { source, condition, .. } => header(source).chain([&**condition]).collect(),
        Node::Where { over, condition, .. } => vec![over, condition],
        Node::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Node::ListFor { source, value } => header(source).chain([&**value]).collect(),
        Node::MapFor { source, key, value } => header(source).chain([&**key, &**value]).collect(),
    }
}

fn header(source: &Source) -> impl Iterator<Item = &Expr> {
    std::iter::once(&source.over).chain(&source.condition)
}

/// The expressions of a field's value, in the order of the program.
pub(super) fn of_value(value: &FieldValue) -> Vec<&Expr> {
    let mut out = Vec::new();
    in_value(value, &mut out);
    out
}

fn in_value<'e>(value: &'e FieldValue, out: &mut Vec<&'e Expr>) {
    match value {
        FieldValue::Value(expr) => out.push(expr),
        FieldValue::Block(record) => in_record(record, out),
        FieldValue::Map(items) => items.iter().for_each(|item| in_map(item, out)),
        FieldValue::Named(items) => items.iter().for_each(|item| in_named(item, out)),
        FieldValue::Sort(_, items) => items.iter().for_each(|item| in_sort(item, out)),
        FieldValue::Conditions(items) => items.iter().for_each(|item| in_condition(item, out)),
        FieldValue::PerTarget(_, inner) => in_value(inner, out),
        FieldValue::Joined(parts) => parts.iter().for_each(|part| in_value(&part.value, out)),
    }
}

fn in_record<'e>(record: &'e Record, out: &mut Vec<&'e Expr>) {
    for field in &record.fields {
        if let Field::Set(setting) = field {
            in_value(&setting.value, out);
        }
    }
}

fn in_map<'e>(item: &'e MapItem, out: &mut Vec<&'e Expr>) {
    match item {
        MapItem::Entry { key, value } => out.extend([key, value]),
        MapItem::For(inner) => {
            out.extend(header(&inner.source));
            inner.items.iter().for_each(|item| in_map(item, out));
        }
    }
}

fn in_named<'e>(item: &'e NamedItem, out: &mut Vec<&'e Expr>) {
    match item {
        NamedItem::Block { label, body, .. } => {
            out.push(label);
            in_record(body, out);
        }
        NamedItem::For(inner) => {
            out.extend(header(&inner.source));
            inner.items.iter().for_each(|item| in_named(item, out));
        }
    }
}

fn in_sort<'e>(item: &'e SortItem, out: &mut Vec<&'e Expr>) {
    match item {
        SortItem::Block { body, .. } => in_record(body, out),
        SortItem::For(inner) => {
            out.extend(header(&inner.source));
            inner.items.iter().for_each(|item| in_sort(item, out));
        }
    }
}

fn in_condition<'e>(item: &'e ConditionItem, out: &mut Vec<&'e Expr>) {
    match item {
        ConditionItem::One(condition) => out.extend([&condition.key, &condition.values]),
        ConditionItem::For(inner) => {
            out.extend(header(&inner.source));
            inner.items.iter().for_each(|item| in_condition(item, out));
        }
    }
}

/// The loop around a declaration that binds a slot.
pub(super) fn loop_of<'e>(unit: &'e Unit, entity: &Arc<Entity>, slot: Slot) -> Option<&'e Source> {
    let mut around = Vec::new();
    if !path_to(&unit.decls, entity, &mut around) {
        return None;
    }
    let binds =
        |source: &&Source| source.first.1 == slot || source.second.as_ref().is_some_and(|second| second.1 == slot);
    around.into_iter().map(|inside| &inside.source).find(binds)
}

fn path_to<'e>(decls: &'e [Decl], entity: &Arc<Entity>, around: &mut Vec<&'e For>) -> bool {
    decls.iter().any(|decl| match decl {
        Decl::Entity(other) => Arc::ptr_eq(other, entity),
        Decl::For(inner) => {
            around.push(inner);
            let found = path_to(&inner.body, entity, around);
            if !found {
                around.pop();
            }
            found
        }
        Decl::If(choice) => choice.arms.iter().any(|(_, body)| path_to(body, entity, around)),
        Decl::Module(_) | Decl::Assert(_) => false,
    })
}

/// The declaration of the module whose label stands at this place.
pub(super) fn module_at(decls: &[Decl], label: Span) -> Option<&Module> {
    decls.iter().find_map(|decl| match decl {
        Decl::Module(module) => (module.label_span == label).then_some(&**module),
        Decl::For(inner) => module_at(&inner.body, label),
        Decl::If(choice) => choice.arms.iter().find_map(|(_, body)| module_at(body, label)),
        Decl::Entity(_) | Decl::Assert(_) => None,
    })
}
