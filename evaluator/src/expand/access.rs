//! Reading of names, entities, fields and keys. Owns which instance and which entity a name means.

use std::sync::Arc;

use cell_lang::diagnostics::{self, Code, Diagnostic};
use cell_lang::hir::{Access, Expr, LetId, Node, ParamId, StaticId, StaticModuleId};
use cell_lang::schema::Kind;
use cell_lang::source::Span;
use cell_lang::value::quote;

use super::machine::{Machine, Outcome, Stop};
use super::show;
use crate::value::{EntityId, Later, Map, Value};

/// Keys that a message lists.
const LISTED: usize = 5;

impl<'w> Machine<'w, '_> {
    pub(super) fn imported_let(&mut self, id: LetId, span: Span) -> Outcome {
        let unit = self.world.program.lets.get(id.index()).map(|declared| declared.unit);
        match unit.and_then(|unit| self.world.imports.get(unit.index())) {
            Some(instance) => self.read_let(*instance, id, span),
            None => Err(self.broken(span)),
        }
    }

    pub(super) fn module_let(&mut self, module: StaticModuleId, id: LetId, span: Span) -> Outcome {
        let modules = &self.world.instance(self.instance).modules;
        match modules.get(module.index()) {
            Some(Some(instance)) => self.read_let(*instance, id, span),
            // The module could not be made, which was reported.
            Some(None) => Err(Stop::Failed),
            None => Err(self.broken(span)),
        }
    }

    pub(super) fn param(&mut self, id: ParamId, span: Span) -> Outcome {
        match self.world.instance(self.instance).params.get(id.index()) {
            Some(Some(value)) => Ok(value.clone()?),
            _ => Err(self.broken(span)),
        }
    }

    pub(super) fn all_of(&mut self, kind: Kind, span: Span) -> Outcome {
        let instance = self.world.instance(self.instance);
        if !self.world.is_sealed(kind.layer()) {
            return Err(self.unsealed(kind, span));
        }
        // Of an incomplete set everything could be said, and nothing would be right.
        if instance.partial.get(kind as usize).copied().unwrap_or(false) {
            return Err(Stop::Failed);
        }
        match instance.sets.get(kind as usize) {
            Some(set) => Ok(Value::Set(set.clone())),
            None => Err(self.broken(span)),
        }
    }

    fn unsealed(&self, kind: Kind, span: Span) -> Stop {
        let message = format!("`{}` are read before they are complete", kind.plural());
        self.fail(Diagnostic::new(Code::SealedLayer, span, message))
    }

    pub(super) fn fixed(&mut self, id: StaticId, span: Span) -> Outcome {
        match self.world.instance(self.instance).statics.get(id.index()) {
            Some(Some(entity)) => Ok(Value::Ref(*entity)),
            Some(None) => Err(Stop::Failed),
            None => Err(self.broken(span)),
        }
    }

    pub(super) fn lookup(&mut self, kind: Kind, label: &'w Expr, span: Span) -> Outcome {
        let text = self.text(label)?;
        let instance = self.world.instance(self.instance);
        let sealed = self.world.is_sealed(kind.layer());
        let labels = instance.labels.get(kind as usize);
        if let Some(id) = labels.and_then(|labels| labels.get(&text)) {
            // What a loop declares may or may not be there before its layer is complete.
            let fixed = self.world.entity(*id).decl.fixed.is_some();
            return if sealed || fixed { Ok(Value::Ref(*id)) } else { Err(self.unsealed(kind, span)) };
        }
        if !sealed {
            return Err(self.unsealed(kind, span));
        }
        if instance.partial.get(kind as usize).copied().unwrap_or(false) {
            return Err(Stop::Failed);
        }
        let known = labels.into_iter().flatten().map(|(label, _)| label.as_str());
        let message =
            format!("no {} is labelled {}", kind.name(), show::value(self.world, &Value::Str(text.clone())));
        let what = format!("labels of {}", kind.plural());
        let help = diagnostics::suggest(&text, &what, known);
        let none = format!("no {} is declared here", kind.name());
        Err(self.fail(Diagnostic::new(Code::NoSuchEntity, span, message).help(help.unwrap_or(none))))
    }

    pub(super) fn access(&mut self, inner: &'w Expr, access: &'w Access, span: Span) -> Outcome {
        let value = match &inner.node {
            // The usual case: a field of the subject.
            Node::Local(slot) => self.locals.get(self.base + slot.index()).cloned().unwrap_or(Value::None),
            _ => self.eval(inner)?,
        };
        match (access, &value) {
            (Access::Entity(at), Value::Ref(id)) => self.read_field(*id, usize::from(*at), span),
            (Access::EntityByName(name), Value::Ref(id)) => self.field_by_name(*id, name, span),
            (Access::Label | Access::NameIsLabel, Value::Ref(id)) => Ok(Value::Str(self.world.label(*id).clone())),
            (Access::Address, Value::Ref(id)) => Ok(Value::Str(self.world.entity(*id).address.clone())),
            (Access::Later(name), Value::Ref(id)) => Ok(Value::Later(Arc::new(Later::Field(*id, name)))),
            (Access::Record(at), Value::Record(record)) => {
                record.values.get(usize::from(*at)).cloned().ok_or_else(|| self.broken(span))
            }
            (Access::Block(at), Value::Block(block)) => {
                block.fields.get(usize::from(*at)).cloned().ok_or_else(|| self.broken(span))
            }
            // A block that was left out has no field of any sort.
            (Access::Sort(_), Value::None) => Ok(Value::None),
            (Access::Sort(name), Value::Block(block)) => Ok(block.field(name).cloned().unwrap_or(Value::None)),
            _ => Err(self.broken(span)),
        }
    }

    /// A field of an entity of one of several kinds: its own may lack it.
    fn field_by_name(&mut self, id: EntityId, name: &'static str, span: Span) -> Outcome {
        let spec = self.world.kind(id).spec();
        match spec.position(name).and_then(|at| spec.fields.get(at).map(|field| (at, field))) {
            Some((_, field)) if field.read_later => Ok(Value::Later(Arc::new(Later::Field(id, field.name)))),
            Some((at, _)) => self.read_field(id, at, span),
            None if name == "name" => Ok(Value::Str(self.world.label(id).clone())),
            None => Err(self.lacking(id, name, span)),
        }
    }

    fn lacking(&self, id: EntityId, name: &str, span: Span) -> Stop {
        let (kind, address) = (self.world.kind(id), self.world.address(id));
        let message = format!("`{address}` has no field `{name}`: kind {} lacks it", kind.name());
        let finding = Diagnostic::new(Code::NoSuchField, span, message);
        // The taker's place is added with the circumstances.
        match self.origin().taker {
            Some((_, field)) => self.fail(finding.help(format!("set `{field}` in `{address}` itself"))),
            None => {
                let known = kind.spec().fields.iter().map(|field| field.name);
                let place = self.world.label_span(id);
                let what = format!("fields of {}", kind.name());
                self.fail(finding.also(place, "this one").help_if(diagnostics::suggest(name, &what, known)))
            }
        }
    }

    pub(super) fn index(&mut self, map: &'w Expr, key: &'w Expr) -> Outcome {
        let value = self.eval(map)?;
        let wanted = self.eval(key)?;
        let Value::Map(entries) = &value else { return Err(self.broken(map.span)) };
        if let Some(found) = entries.get(&wanted) {
            return Ok(found.clone());
        }
        let shown = show::value(self.world, &wanted);
        let finding = Diagnostic::new(Code::MissingKey, key.span, format!("no key {shown}; {}", self.keys(entries)));
        // Few keys are all in the message.
        let known = entries.keys().filter_map(Value::as_str).filter(|_| entries.len() > LISTED);
        let near = wanted.as_str().map(|text| diagnostics::nearest(text, known, 2)).unwrap_or_default();
        let near: Vec<String> = near.into_iter().map(quote).collect();
        let help = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        Err(self.fail(finding.help_if(help)))
    }

    fn keys(&self, entries: &Map) -> String {
        let shown: Vec<_> = entries.keys().take(LISTED).map(|key| show::value(self.world, key)).collect();
        match entries.len() {
            0 => "the map is empty".to_owned(),
            1..=LISTED => format!("the keys are {}", shown.join(", ")),
            more => format!("the keys are {} and {} more", shown.join(", "), more - LISTED),
        }
    }
}
