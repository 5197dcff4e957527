//! From cells to what they share: repository policies, private endpoints, roles outside.

use std::sync::Arc;

use cell_lang::schema::Kind;
use smol_str::format_smolstr;

use super::repositories::{Repository, repositories};
use super::{Plan, Resource, ResourceKind, Source, field, naming};
use crate::rules::fleet::{Cell, Cloud, sound};
use crate::rules::read::Read;
use crate::value::{BlockValue, EntityId, Value};

const REPOSITORY: &[&str] = &["account", "account_id", "repository", "by", "cells", "components"];

/// Repository policies: one for each ECR repository that a cell pulls from.
pub(super) fn repository_policies(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    let world = plan.world;
    for repository in repositories(world, &plan.fleet) {
        let by = if repository.by_paths() { "organization-paths" } else { "accounts" };
        let Repository { account, name, cells, components, sources } = repository;
        let address = format_smolstr!("repository_policy.{}/{name}", naming::qualified(world, account));
        let set = |members: std::collections::BTreeSet<EntityId>| {
            let mut members: Vec<EntityId> = members.into_iter().collect();
            world.sort_set(&mut members);
            Value::Set(Arc::from(members))
        };
        let values = vec![
            Value::Ref(account),
            naming::account(world, account),
            Value::Str(name),
            Value::Str(by.into()),
            set(cells),
            set(components),
        ];
        all.push(Resource { address, kind: ResourceKind::RepositoryPolicy, sources, names: REPOSITORY, values });
    }
}

const ENDPOINT: &[&str] = &["cell", "account", "region", "service"];
const TRUST: &[&str] = &["cell", "account", "role", "external_id"];

/// Private endpoints, and roles that cells assume: one in each cell.
pub(super) fn endpoints_and_trusts(plan: &Plan<'_, '_>, all: &mut Vec<Resource>) {
    for outbound in sound(plan.world, Kind::Outbound) {
        let label = naming::qualified(plan.world, outbound);
        let from = plan.world.members(outbound, "from").iter().filter_map(|id| plan.fleet.cell(*id));
        let cells: Vec<Cell> = from.filter(|cell| cell.cloud == Cloud::Aws).collect();
        for block in plan.world.blocks(outbound, "to").into_iter().filter(|block| block.spec.name != "ecr_pull") {
            all.extend(cells.iter().map(|cell| way_out(plan, outbound, &label, block, *cell)));
        }
    }
}

fn way_out(plan: &Plan<'_, '_>, outbound: EntityId, label: &str, block: &BlockValue, cell: Cell) -> Resource {
    let world = plan.world;
    let of = |name: &str| block.field(name).cloned().unwrap_or(Value::None);
    let account = naming::account(world, cell.id);
    let source = Source { entity: outbound, part: Some(block.span) };
    if block.spec.name == "vpc_endpoint" {
        let address = naming::in_cell(world, "vpc_endpoint", label, cell.id);
        let values = vec![Value::Ref(cell.id), account, field(world, cell.id, "region"), of("service")];
        Resource::new(ResourceKind::VpcEndpoint, address, ENDPOINT, values, source)
    } else {
        let address = naming::in_cell(world, "role_trust", label, cell.id);
        let values = vec![Value::Ref(cell.id), account, of("arn"), of("external_id")];
        Resource::new(ResourceKind::RoleTrust, address, TRUST, values, source)
    }
}
