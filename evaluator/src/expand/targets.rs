//! Fields that are computed once for each cell or account. Owns what the computations of one field share: a component
//! may go to ten thousand cells, so what does not depend on the cell is looked up once.

use std::sync::Arc;

use cell_lang::hir::{FieldValue, Setting, Slot};
use cell_lang::schema::FieldSpec;

use super::machine::{Machine, Origin};
use crate::value::{EntityId, Value};
use crate::world::{Failed, World};

/// A field of an entity, to be computed for one target after another.
pub(crate) struct ForTargets<'w, 'p> {
    world: &'w World<'p>,
    id: EntityId,
    field: Result<OneField<'w>, Failed>,
    /// The machine that computed it for the target before: its stacks are made once. None after a failure, which
    /// may have left it in the middle of something.
    machine: Option<Machine<'w, 'p>>,
}

#[derive(Clone, Copy)]
enum OneField<'w> {
    /// The same for every target.
    Same(&'w Value),
    /// What is evaluated, with the slot of the target.
    Computed { setting: &'w Arc<Setting>, slot: Slot, inner: &'w FieldValue, spec: &'static FieldSpec },
}

impl<'w, 'p> ForTargets<'w, 'p> {
    /// The field `name` of an entity.
    pub(crate) fn new(world: &'w World<'p>, id: EntityId, name: &str) -> Self {
        Self { world, id, field: field(world, id, name), machine: None }
    }

    /// Its value for a target. Findings are reported. To be called on a worker of the expansion ([`World::run`]),
    /// whose stack is enough for any program.
    pub(crate) fn value(&mut self, target: EntityId) -> Result<Value, Failed> {
        let (setting, slot, inner, spec) = match self.field? {
            OneField::Same(value) => return Ok(value.clone()),
            OneField::Computed { setting, slot, inner, spec } => (setting, slot, inner, spec),
        };
        let entity = self.world.entity(self.id);
        let origin =
            Origin { entity: Some(self.id), target: Some(target), ..Origin::of(entity.instance, &entity.bindings) };
        let mut machine = match self.machine.take() {
            Some(machine) => machine.again(origin),
            None => Machine::free(self.world, origin, setting.frame.max(slot.0 + 1)),
        };
        machine.bind(slot, Value::Ref(target));
        let result = machine.in_setting(setting, |machine| machine.field_value(inner, spec, setting));
        self.machine = result.is_ok().then_some(machine);
        result.map_err(|_| Failed)
    }
}

fn field<'w>(world: &'w World<'_>, id: EntityId, name: &str) -> Result<OneField<'w>, Failed> {
    let value = world.outcome(id, name).ok_or(Failed)?.as_ref().map_err(|failed| *failed)?;
    let Value::PerTarget(setting) = value else { return Ok(OneField::Same(value)) };
    let FieldValue::PerTarget(slot, inner) = &*setting.value else { return Err(Failed) };
    let spec = world.kind(id).spec().field(name).ok_or(Failed)?;
    Ok(OneField::Computed { setting, slot: *slot, inner, spec })
}
