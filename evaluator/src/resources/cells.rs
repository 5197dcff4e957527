//! Units, accounts, projects, budgets, DNS names and service control policies: the ground cells stand on.

use cell_lang::schema::Kind;
use smol_str::format_smolstr;

use super::{Plan, Resource, ResourceKind, Source, field, naming, policy, unless_empty};
use crate::rules::fleet::{Cloud, sound};
use crate::rules::read::Read;
use crate::value::{EntityId, Value};

/// Organizational units.
pub(super) fn units(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for unit in sound(world, Kind::Ou) {
        let values = vec![field(world, unit, "name"), field(world, unit, "parent"), tags(plan, unit)];
        all.push(Resource::new(ResourceKind::Ou, world.address(unit), &["name", "parent", "tags"], values, unit));
    }
}

/// The tags of an entity; none when it has none.
pub(super) fn tags(plan: &Plan<'_, '_>, id: EntityId) -> Value {
    unless_empty(field(plan.world, id, "tags"))
}

/// Accounts of cells and on their own, and projects.
pub(super) fn accounts(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    for id in sound(plan.world, Kind::Account) {
        all.push(account(plan, id));
    }
    for cell in &plan.fleet.cells {
        all.push(match cell.cloud {
            Cloud::Aws => account(plan, cell.id),
            Cloud::Gcp => project(plan, cell.id),
        });
    }
}

/// What each cell brings with it: a budget, DNS names.
pub(super) fn belongings(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    for cell in &plan.fleet.cells {
        budget(plan, cell.id, all);
        endpoints(plan, cell.id, all);
    }
}

const ACCOUNT: &[&str] = &["account_id", "email", "name", "ou", "protect", "tags"];

fn account(plan: &Plan<'_, '_>, id: EntityId) -> Resource {
    let world = plan.world;
    let of = |name| field(world, id, name);
    let values = vec![of("account_id"), of("email"), of("name"), of("ou"), of("protect"), tags(plan, id)];
    Resource::new(ResourceKind::Account, world.address(id), ACCOUNT, values, id)
}

fn project(plan: &Plan<'_, '_>, id: EntityId) -> Resource {
    let world = plan.world;
    let of = |name| field(world, id, name);
    let values = vec![of("project"), of("name"), of("region"), of("protect"), tags(plan, id)];
    let names = &["project", "name", "region", "protect", "tags"];
    Resource::new(ResourceKind::GcpProject, world.address(id), names, values, id)
}

const BUDGET: &[&str] = &["cell", "name", "account", "monthly", "alert_at", "notify"];

fn budget(plan: &Plan<'_, '_>, cell: EntityId, all: &mut Vec<Resource>) {
    let world = plan.world;
    let Some(block) = world.block(cell, "budget") else { return };
    let of = |name| unless_empty(block.field(name).cloned().unwrap_or(Value::None));
    let account = match plan.fleet.cell(cell).map(|cell| cell.cloud) {
        Some(Cloud::Aws) => naming::account(world, cell),
        _ => Value::None,
    };
    let name = Value::Str(naming::budget(&naming::qualified(world, cell)));
    let values = vec![Value::Ref(cell), name, account, of("monthly"), of("alert_at"), of("notify")];
    let address = format_smolstr!("budget/{}", world.address(cell));
    let source = Source { entity: cell, part: Some(block.span) };
    all.push(Resource::new(ResourceKind::Budget, address, BUDGET, values, source));
}

fn endpoints(plan: &Plan<'_, '_>, cell: EntityId, all: &mut Vec<Resource>) {
    let world = plan.world;
    let Some(Value::Map(endpoints)) = world.get(cell, "endpoints") else { return };
    let source = Source { entity: cell, part: Some(world.setting_span(cell, "endpoints")) };
    for (key, name) in endpoints.iter() {
        let Value::Str(label) = key else { continue };
        let address = naming::in_cell(world, "endpoint", label, cell);
        let values = vec![Value::Ref(cell), key.clone(), name.clone()];
        all.push(Resource::new(ResourceKind::Endpoint, address, &["cell", "endpoint", "name"], values, source));
    }
}

/// Service control policies, and where each is attached.
pub(super) fn policies(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for scp in sound(world, Kind::Scp) {
        let content = policy::of(world, scp).unwrap_or(Value::None);
        let name = world.get(scp, "name").cloned().unwrap_or_else(|| Value::Str(naming::qualified(world, scp)));
        let values = vec![name, field(world, scp, "description"), content, tags(plan, scp)];
        let names = &["name", "description", "content", "tags"];
        all.push(Resource::new(ResourceKind::Scp, world.address(scp), names, values, scp));
    }
    for kind in [Kind::Org, Kind::Ou, Kind::Account, Kind::Cell] {
        sound(world, kind).for_each(|target| attachments(plan, target, all));
    }
}

fn attachments(plan: &Plan<'_, '_>, target: EntityId, all: &mut Vec<Resource>) {
    let world = plan.world;
    for scp in world.members(target, "scps").iter().filter(|scp| world.ok(**scp)) {
        let label = naming::qualified(world, *scp);
        let address = format_smolstr!("scp_attachment.{label}/{}", world.address(target));
        let values = vec![Value::Ref(*scp), Value::Ref(target)];
        let source = Source { entity: target, part: world.setting(target, "scps").map(|setting| setting.span) };
        all.push(Resource::new(ResourceKind::ScpAttachment, address, &["policy", "target"], values, source));
    }
}
