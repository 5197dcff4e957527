//! What a field is that the program does not set. Owns the computed defaults and what cells and accounts take from
//! the organization's `accounts`.

use std::sync::{Arc, LazyLock};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{Field, FieldValue};
use cell_lang::schema::{Computed, FieldSpec, Kind, Need, RecordSpec, Shape};
use cell_lang::source::Span;
use cell_lang::types::Ty;

use super::machine::{Machine, Origin, Outcome};
use crate::value::{EntityId, Map, Value};

static NO_ENTRIES: LazyLock<Arc<Map>> = LazyLock::new(Arc::default);

static BOOTSTRAP: LazyLock<Arc<Map>> = LazyLock::new(|| {
    let entry = |cloud: &str, target: &str| (text(cloud), text(target));
    Arc::new(Map::from_iter([entry("aws", "cell-bootstrap"), entry("gcp", "gcp-cell-bootstrap")]))
});

fn text(text: &str) -> Value {
    Value::Str(text.into())
}

/// The value of an empty field of this shape.
fn empty(shape: &Shape) -> Value {
    match shape {
        Shape::Value(Ty::Set(_)) => Value::Set(Arc::default()),
        Shape::Value(Ty::Map(_)) | Shape::Map(_) => Value::Map(NO_ENTRIES.clone()),
        Shape::Conditions => Value::Conditions(Arc::default()),
        Shape::Value(_) | Shape::Block(_) | Shape::Named(_) | Shape::Sort(_) => Value::List(Arc::default()),
    }
}

impl Machine<'_, '_> {
    /// A field of an entity that the program does not set.
    pub(super) fn unset(&mut self, id: EntityId, spec: &'static FieldSpec) -> Outcome {
        if matches!(spec.name, "email" | "ou" | "scps")
            && matches!(self.world.kind(id), Kind::Account | Kind::Cell)
            && let Some(taken) = self.taken_from_org(id, spec)?
        {
            return Ok(taken);
        }
        let place = self.world.label_span(id);
        match &spec.need {
            Need::Computed(Computed::Label) => Ok(Value::Str(self.world.label(id).clone())),
            Need::Computed(Computed::ProductionIsProtected) => {
                let kind = self.read_own(id, "kind", place)?;
                Ok(Value::Bool(kind.as_str() == Some("prod")))
            }
            Need::Computed(Computed::Statistic) => {
                let ratio = self.world.setting(id, "ratio").is_some();
                Ok(text(if ratio { "Sum" } else { "Average" }))
            }
            _ => self.unset_in_block(self.world.kind(id).spec(), spec, place),
        }
    }

    /// A field of a block that the program does not set.
    pub(super) fn unset_in_block(&mut self, record: &RecordSpec, spec: &FieldSpec, place: Span) -> Outcome {
        match &spec.need {
            Need::Required => {
                let message = format!("`{}` needs `{}`", record.name, spec.name);
                Err(self.fail(Diagnostic::new(Code::MissingField, place, message)))
            }
            Need::Optional | Need::Computed(Computed::Stack) => Ok(Value::None),
            Need::Empty => Ok(empty(&spec.shape)),
            Need::Default(lit) => Ok(Value::from(lit)),
            Need::Computed(Computed::Bootstrap) => Ok(Value::Map(BOOTSTRAP.clone())),
            Need::Computed(Computed::Clouds) => {
                let aws_only = record.name == "cloudformation";
                let clouds: &[Value] = if aws_only { &[text("aws")] } else { &[text("aws"), text("gcp")] };
                Ok(Value::List(clouds.into()))
            }
            // Of entities only; see `unset`.
            Need::Computed(Computed::Label | Computed::ProductionIsProtected | Computed::Statistic) => {
                Err(self.broken(place))
            }
        }
    }

    fn read_own(&mut self, id: EntityId, name: &str, span: Span) -> Outcome {
        match self.world.kind(id).spec().position(name) {
            Some(at) => self.read_field(id, at, span),
            None => Err(self.broken(span)),
        }
    }

    /// What a cell on AWS or an account takes from the organization; none when that says nothing of the field.
    fn taken_from_org(&mut self, id: EntityId, spec: &'static FieldSpec) -> Outcome<Option<Value>> {
        let world = self.world;
        let Some(org) = world.org() else { return Ok(None) };
        let Some(accounts) = world.setting(org, "accounts") else { return Ok(None) };
        let (slot, block) = match &*accounts.value {
            FieldValue::PerTarget(slot, inner) => (Some(*slot), &**inner),
            value => (None, value),
        };
        let FieldValue::Block(record) = block else { return Ok(None) };
        let field = record.spec.position(spec.name).and_then(|at| record.fields.get(at));
        let Some(Field::Set(setting)) = field else { return Ok(None) };
        if world.kind(id) == Kind::Cell {
            let cloud = self.read_own(id, "cloud", world.label_span(id))?;
            if cloud.as_str() != Some("aws") {
                return Ok(None);
            }
        }
        let org = (org, world.entity(org));
        self.set_origin(Origin { entity: Some(org.0), ..Origin::of(org.1.instance, &org.1.bindings) });
        self.instance = org.1.instance;
        let frame = accounts.frame.max(setting.frame).max(slot.map_or(0, |slot| slot.0 + 1));
        self.open(frame);
        // From here on findings are about the taker.
        self.set_origin(Origin { entity: Some(id), taker: Some((id, spec.name)), ..*self.origin() });
        if let Some(slot) = slot {
            self.bind(slot, Value::Ref(id));
        }
        let value = self.in_setting(accounts, |machine| {
            machine.in_setting(setting, |machine| machine.field_value(&setting.value, spec, setting))
        });
        value.map(Some)
    }
}
