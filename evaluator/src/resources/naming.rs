//! Addresses of resources, and the names that things get in the cloud. Owns how labels become names; the length
//! of names is held to the cloud's limits by `rules`.

use smol_str::{SmolStr, format_smolstr};

use crate::rules::read::Read;
use crate::value::{BlockValue, EntityId, Value};
use crate::world::World;

/// The label of an entity, with the labels of its modules before it: `lib.cache`. This is what stands after the
/// kind of a resource.
pub(crate) fn qualified(world: &World<'_>, id: EntityId) -> SmolStr {
    let entity = world.entity(id);
    let tail = entity.kind.name().len() + 1 + entity.label.len();
    let address: &str = world.address(id);
    match address.len().checked_sub(tail).and_then(|at| address.get(..at)) {
        None | Some("") => entity.label.clone(),
        Some(modules) => format_smolstr!("{modules}{}", entity.label),
    }
}

/// The address of what an entity comes to in a cell: `deployment.lib.cache/cell.alpha`.
pub(crate) fn in_cell(world: &World<'_>, kind: &str, of: &str, cell: EntityId) -> SmolStr {
    joined(&in_cells(kind, of), world.address(cell))
}

/// How the addresses begin of what an entity comes to in cells: `deployment.lib.cache/`.
pub(crate) fn in_cells(kind: &str, of: &str) -> SmolStr {
    format_smolstr!("{kind}.{of}/")
}

/// An address of a beginning and the address of a cell or an account.
pub(crate) fn joined(beginning: &str, address: &str) -> SmolStr {
    let mut joined = String::with_capacity(beginning.len() + address.len());
    joined.push_str(beginning);
    joined.push_str(address);
    joined.into()
}

/// The stack of a component in a cell: `stack`, if the deploy says it, else `component-cell`.
pub(crate) fn stack(world: &World<'_>, deploy: &BlockValue, component: EntityId, cell: EntityId) -> SmolStr {
    deploy
        .text("stack")
        .cloned()
        .unwrap_or_else(|| format_smolstr!("{}-{}", world.entity(component).label, world.entity(cell).label))
}

/// The bytes of that name.
pub(crate) fn stack_length(world: &World<'_>, deploy: &BlockValue, component: EntityId, cell: EntityId) -> usize {
    let both = || world.entity(component).label.len() + 1 + world.entity(cell).label.len();
    deploy.text("stack").map_or_else(both, SmolStr::len)
}

/// The name of an alarm of a cell, unique among all: `error-ratio-west.usw2-001`.
pub(crate) fn alarm(alarm: &str, cell: &str) -> SmolStr {
    format_smolstr!("{alarm}-{cell}")
}

/// The name of a cell's budget.
pub(crate) fn budget(cell: &str) -> SmolStr {
    format_smolstr!("cell-{cell}")
}

/// The account of a cell or `account`: its id when the program says it, else what is known after apply.
pub(crate) fn account(world: &World<'_>, id: EntityId) -> Value {
    match world.get(id, "account_id") {
        Some(known) => known.clone(),
        None => Value::Later(std::sync::Arc::new(crate::value::Later::Field(id, "account_id"))),
    }
}
