//! Why a wave does not select a cell, as far as that can be told from the selector without running it: the
//! fields of the cell that the selectors ask for, with what they are.

use cell_lang::hir::{Access, Expr, Field, FieldValue, NamedItem, Node, Slot};
use cell_lang::schema::Kind;

use super::fleet::Rollout;
use super::read::Read;
use crate::emit::text::printed;
use crate::value::EntityId;
use crate::world::World;

/// "its `size` is "small"", for each field that a wave of the rollout asks for.
pub(super) fn not_selected(world: &World<'_>, rollout: &Rollout, cell: EntityId) -> Option<String> {
    let spec = Kind::Cell.spec();
    let facts: Vec<String> = asked(world, rollout.id)
        .into_iter()
        .filter_map(|at| spec.fields.get(usize::from(at)))
        .map(|field| {
            let value = world.get(cell, field.name).map_or_else(|| "absent".to_owned(), |v| printed(world, v, 40));
            format!("`{}` is {value}", field.name)
        })
        .collect();
    (!facts.is_empty()).then(|| format!("{}; the waves select others", facts.join(", ")))
}

/// The fields of the subject that the `on` of the rollout's waves compares, in order, each once.
fn asked(world: &World<'_>, rollout: EntityId) -> Vec<u16> {
    let body = &world.entity(rollout).decl.body;
    let mut fields = Vec::new();
    let Some(Field::Set(setting)) = body.spec.position("wave").and_then(|at| body.fields.get(at)) else {
        return fields;
    };
    in_waves(&setting.value, &mut fields);
    fields
}

fn in_waves(value: &FieldValue, fields: &mut Vec<u16>) {
    match value {
        FieldValue::Named(items) => items.iter().for_each(|item| in_item(item, fields)),
        FieldValue::Joined(parts) => parts.iter().for_each(|part| in_waves(&part.value, fields)),
        _ => {}
    }
}

fn in_item(item: &NamedItem, fields: &mut Vec<u16>) {
    match item {
        NamedItem::For(inner) => inner.items.iter().for_each(|item| in_item(item, fields)),
        NamedItem::Block { body, .. } => {
            let Some(Field::Set(setting)) = body.spec.position("on").and_then(|at| body.fields.get(at)) else {
                return;
            };
            if let FieldValue::Value(expr) = &*setting.value {
                in_selector(expr, fields);
            }
        }
    }
}

fn in_selector(expr: &Expr, fields: &mut Vec<u16>) {
    match &expr.node {
        Node::Conform(inner, _) => in_selector(inner, fields),
        Node::Where { over, slot, condition } => {
            in_selector(over, fields);
            in_condition(condition, *slot, fields);
        }
        _ => {}
    }
}

fn in_condition(expr: &Expr, subject: Slot, fields: &mut Vec<u16>) {
    match &expr.node {
        Node::And(a, b) | Node::Or(a, b) | Node::Binary(_, a, b) | Node::Coalesce(a, b) => {
            in_condition(a, subject, fields);
            in_condition(b, subject, fields);
        }
        Node::Not(inner) | Node::Conform(inner, _) => in_condition(inner, subject, fields),
        Node::Field(of, Access::Entity(at))
            if matches!(of.node, Node::Local(slot) if slot == subject) && !fields.contains(at) =>
        {
            fields.push(*at);
        }
        _ => {}
    }
}
