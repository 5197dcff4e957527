//! Fields of entities and blocks: from what the program says of a field to its value. Owns blocks, maps written as
//! blocks, conditions and the loops in bodies; what a field is that nobody set is `defaults`'.
//!
//! In a body with several faults each is reported: a fault in one item does not hide the next.

use std::collections::HashMap;
use std::ops::ControlFlow::Continue;
use std::sync::Arc;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{BodyLoop, Condition, ConditionItem, Expr, Field, FieldValue, MapItem, Record, Setting};
use cell_lang::hir::{NamedItem, SortItem};
use cell_lang::schema::{FieldSpec, Need, RecordSpec, Shape};
use cell_lang::source::Span;
use cell_lang::types::Builtin;
use cell_lang::value::Lit;
use foldhash::fast::RandomState;
use indexmap::IndexSet;
use smol_str::SmolStr;

use super::machine::{Machine, Origin, Outcome, Stop};
use crate::value::{BlockValue, ConditionValue, EntityId, Map, Value};

/// Items of a body, gathered; and whether one of them failed.
struct Gathered<T> {
    items: Vec<T>,
    places: HashMap<SmolStr, Span>,
    failed: bool,
}

impl<T> Gathered<T> {
    fn new() -> Self {
        Self { items: Vec::new(), places: HashMap::new(), failed: false }
    }

    /// Takes what came out of an item; its failure is remembered, anything else that stops passes on.
    fn take(&mut self, result: Outcome<T>) -> Outcome<()> {
        match result {
            Ok(item) => self.items.push(item),
            Err(Stop::Failed) => self.failed = true,
            Err(stop) => return Err(stop),
        }
        Ok(())
    }

    fn note(&mut self, result: Outcome<()>) -> Outcome<()> {
        match result {
            Err(Stop::Failed) => self.failed = true,
            other => return other,
        }
        Ok(())
    }

    fn finish(self) -> Outcome<Vec<T>> {
        if self.failed { Err(Stop::Failed) } else { Ok(self.items) }
    }
}

/// The entries of a map, gathered.
struct Entries {
    map: Map,
    places: Vec<Span>,
    failed: bool,
}

impl<'w> Machine<'w, '_> {
    /// Evaluates a field of an entity.
    pub(super) fn perform_field(&mut self, id: EntityId, at: usize) -> Outcome {
        let entity = self.world.entity(id);
        self.instance = entity.instance;
        self.set_origin(Origin { entity: Some(id), ..Origin::of(entity.instance, &entity.bindings) });
        let Some(spec) = entity.kind.spec().fields.get(at) else { return Err(Stop::Failed) };
        match entity.decl.body.fields.get(at) {
            Some(Field::Set(setting)) => {
                self.open(setting.frame);
                self.setting(setting, spec)
            }
            _ => self.unset(id, spec),
        }
    }

    fn setting(&mut self, setting: &'w Arc<Setting>, spec: &'static FieldSpec) -> Outcome {
        if let FieldValue::PerTarget(..) = *setting.value {
            return Ok(Value::PerTarget(setting.clone()));
        }
        self.in_setting(setting, |machine| machine.field_value(&setting.value, spec, setting))
    }

    /// Does something in the context of a setting: that of the file its expressions belong to.
    pub(super) fn in_setting<T>(&mut self, setting: &Setting, work: impl FnOnce(&mut Self) -> T) -> T {
        let home = match &setting.from {
            Some((_, unit)) => self.world.home(self.origin().instance, *unit),
            None => self.instance,
        };
        self.widen(setting.frame);
        self.within(home, work)
    }

    pub(super) fn field_value(
        &mut self,
        value: &'w FieldValue,
        spec: &'static FieldSpec,
        setting: &'w Setting,
    ) -> Outcome {
        match value {
            FieldValue::Value(expr) => self.eval(expr),
            FieldValue::Block(record) => self.block(record, None, &SmolStr::default()),
            FieldValue::Map(items) => self.map_block(items),
            FieldValue::Named(_) | FieldValue::Sort(..) | FieldValue::Joined(_) => {
                self.repeated(value, spec, setting)
            }
            FieldValue::Conditions(items) => self.conditions(items),
            FieldValue::PerTarget(..) => Err(self.broken(setting.span)),
        }
    }

    /// A block: its fields in the order of the schema.
    fn block(&mut self, record: &'w Record, label: Option<SmolStr>, doc: &SmolStr) -> Outcome {
        let mut fields = Gathered::new();
        for (field, spec) in record.fields.iter().zip(&record.spec.fields) {
            let value = match field {
                Field::Set(setting) => self.setting(setting, spec),
                Field::Unset => self.unset_in_block(record.spec, spec, record.span),
            };
            fields.take(value)?;
        }
        let fields = fields.finish()?;
        Ok(Value::Block(Arc::new(BlockValue {
            spec: record.spec,
            label,
            doc: doc.clone(),
            span: record.span,
            fields,
        })))
    }

    /// Blocks that are told apart by label or sort.
    fn repeated(&mut self, value: &'w FieldValue, spec: &'static FieldSpec, setting: &'w Setting) -> Outcome {
        let mut all = Gathered::new();
        if let FieldValue::Joined(parts) = value {
            for part in parts {
                self.framed(part.frame, |machine| {
                    machine.in_setting(part, |machine| machine.part(&part.value, &mut all))
                })?;
            }
        } else {
            self.part(value, &mut all)?;
        }
        let blocks = all.finish()?;
        match &spec.shape {
            Shape::Sort(sort) if !sort.many => self.one_block(blocks, spec),
            _ => self.blocks(blocks, spec, setting),
        }
    }

    fn part(&mut self, value: &'w FieldValue, all: &mut Gathered<Value>) -> Outcome<()> {
        match value {
            FieldValue::Named(items) => items.iter().try_for_each(|item| self.named(item, all)),
            FieldValue::Sort(_, items) => items.iter().try_for_each(|item| self.sorted(item, all)),
            _ => Ok(()),
        }
    }

    fn body_loop<I>(
        &mut self,
        body: &'w BodyLoop<I>,
        mut work: impl FnMut(&mut Self, &'w I) -> Outcome<()>,
    ) -> Outcome<()> {
        self.each(&body.source, |machine| {
            for item in &body.items {
                work(machine, item)?;
            }
            Ok(Continue(()))
        })
    }

    fn named(&mut self, item: &'w NamedItem, all: &mut Gathered<Value>) -> Outcome<()> {
        match item {
            NamedItem::Block { label, doc, body, .. } => {
                let labelled = self.block_label(label, body.spec, &mut all.places);
                let value = match labelled {
                    Ok(text) => self.block(body, Some(text), doc),
                    Err(Stop::Failed) => Err(Stop::Failed),
                    Err(stop) => return Err(stop),
                };
                all.take(value)
            }
            NamedItem::For(body) => {
                let result = self.body_loop(body, |machine, item| machine.named(item, all));
                all.note(result)
            }
        }
    }

    /// The label of a block: of the right form, and the only one of its field.
    fn block_label(
        &mut self,
        label: &'w Expr,
        spec: &RecordSpec,
        places: &mut HashMap<SmolStr, Span>,
    ) -> Outcome<SmolStr> {
        let text = self.text(label)?;
        if let Err(why) = Builtin::BlockLabel.check(&Lit::Str(text.clone())) {
            let finding = Diagnostic::new(Code::RefusedValue, label.span, why);
            return Err(self.fail(finding.here(format!("the label of this {}", spec.name))));
        }
        if let Some(first) = places.get(&text) {
            let message = format!("two {}s are both `{text}`", spec.name);
            let finding = Diagnostic::new(Code::SameAddress, label.span, message);
            return Err(self.fail(finding.here("the second").also(*first, "the first")));
        }
        places.insert(text.clone(), label.span);
        Ok(text)
    }

    fn sorted(&mut self, item: &'w SortItem, all: &mut Gathered<Value>) -> Outcome<()> {
        match item {
            SortItem::Block { body, .. } => {
                let value = self.block(body, None, &SmolStr::default());
                all.take(value)
            }
            SortItem::For(body) => {
                let result = self.body_loop(body, |machine, item| machine.sorted(item, all));
                all.note(result)
            }
        }
    }

    fn blocks(&mut self, blocks: Vec<Value>, spec: &FieldSpec, setting: &Setting) -> Outcome {
        if blocks.is_empty() && matches!(spec.need, Need::Required) {
            let message = format!("at least one `{}` is needed; the loop makes none", spec.name);
            return Err(self.fail(Diagnostic::new(Code::MissingField, setting.span, message)));
        }
        Ok(Value::List(blocks.into()))
    }

    fn one_block(&mut self, blocks: Vec<Value>, spec: &FieldSpec) -> Outcome {
        if let [Value::Block(first), Value::Block(second), ..] = blocks.as_slice() {
            let message = format!("`{}` is set twice", spec.name);
            let finding = Diagnostic::new(Code::SetTwice, second.span, message);
            return Err(self.fail(finding.here("the second").also(first.span, "the first")));
        }
        Ok(blocks.into_iter().next().unwrap_or(Value::None))
    }

    fn map_block(&mut self, items: &'w [MapItem]) -> Outcome {
        let map = Map::with_capacity_and_hasher(items.len(), RandomState::default());
        let places = Vec::with_capacity(items.len());
        let mut all = Entries { map, places, failed: false };
        for item in items {
            self.map_item(item, &mut all)?;
        }
        if all.failed { Err(Stop::Failed) } else { Ok(Value::Map(Arc::new(all.map))) }
    }

    fn map_item(&mut self, item: &'w MapItem, all: &mut Entries) -> Outcome<()> {
        let result = match item {
            MapItem::Entry { key, value } => self.entry(key, value, all),
            MapItem::For(body) => self.body_loop(body, |machine, item| machine.map_item(item, all)),
        };
        match result {
            Err(Stop::Failed) => all.failed = true,
            other => return other,
        }
        Ok(())
    }

    fn entry(&mut self, key: &'w Expr, value: &'w Expr, all: &mut Entries) -> Outcome<()> {
        let known = self.eval(key)?;
        let value = self.eval(value)?;
        self.insert(&mut all.map, &mut all.places, (known, key.span), value)
    }

    fn conditions(&mut self, items: &'w [ConditionItem]) -> Outcome {
        let mut all = Gathered::new();
        for item in items {
            self.condition_item(item, &mut all)?;
        }
        Ok(Value::Conditions(all.finish()?.into()))
    }

    fn condition_item(&mut self, item: &'w ConditionItem, all: &mut Gathered<ConditionValue>) -> Outcome<()> {
        match item {
            ConditionItem::One(condition) => {
                let condition = self.condition(condition);
                all.take(condition)
            }
            ConditionItem::For(body) => {
                let result = self.body_loop(body, |machine, item| machine.condition_item(item, all));
                all.note(result)
            }
        }
    }

    fn condition(&mut self, condition: &'w Condition) -> Outcome<ConditionValue> {
        let key = self.text(&condition.key)?;
        let values = match self.eval(&condition.values)? {
            list @ (Value::List(_) | Value::Range(..)) => {
                if let Value::Range(first, last) = list {
                    self.charge(crate::value::range_len(first, last), condition.values.span)?;
                }
                list.items().collect()
            }
            one => vec![one],
        };
        if values.is_empty() {
            let message = format!("the condition on `{key}` compares with nothing");
            let finding = Diagnostic::new(Code::WrongCondition, condition.values.span, message);
            return Err(self.fail(finding.here("this list is empty").help("IAM takes no condition without a value")));
        }
        // What is said twice is said once: a loop over cells meets the same region again.
        let values: Vec<Value> = values.into_iter().collect::<IndexSet<Value>>().into_iter().collect();
        Ok(ConditionValue { operator: condition.operator.clone(), key, values, span: condition.span })
    }
}
