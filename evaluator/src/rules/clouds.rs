//! What a cell's cloud and kind ask of its other fields, and a tenant of its cells.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use cell_lang::types::builtin::{is_aws_region, is_gcp_region};

use super::fleet::{Cell, Cloud, sound};
use super::read::Read;
use super::{Context, regions};
use crate::limits;
use crate::provider::partition;
use crate::value::Value;

fn reads_as(cloud: Cloud, region: &str) -> bool {
    match cloud {
        Cloud::Aws => is_aws_region(region) || regions::AWS.binary_search(&region).is_ok(),
        Cloud::Gcp => is_gcp_region(region),
    }
}

fn other(cloud: Cloud) -> Cloud {
    match cloud {
        Cloud::Aws => Cloud::Gcp,
        Cloud::Gcp => Cloud::Aws,
    }
}

/// `rule.cell.region`: the region of a cell reads like one of its cloud: `us-west-2` on AWS, `us-west2` on GCP.
pub(super) fn regions(cx: &Context<'_, '_>) {
    for cell in &cx.fleet.cells {
        let Some(region) = cx.world.text(cell.id, "region").filter(|region| !reads_as(cell.cloud, region)) else {
            continue;
        };
        let (address, span) = (cx.address(cell.id), cx.world.setting_span(cell.id, "region"));
        let like = match cell.cloud {
            Cloud::Aws => "an AWS region reads like `us-west-2`",
            Cloud::Gcp => "a GCP region reads like `us-east1`",
        };
        let finding = if reads_as(other(cell.cloud), region) {
            let (is, reads) = (cell.cloud.name(), other(cell.cloud).name());
            let message = format!("{address} is on {is}, and `{region}` is a region of {reads}");
            Diagnostic::new(Code::WrongCloud, span, message)
                .help(format!("write a region of {is} ({like}), or `cloud = \"{reads}\"`"))
        } else {
            Diagnostic::new(Code::RefusedValue, span, format!("{address} is in no region `{region}`")).help(like)
        };
        cx.report(cell.id, finding);
    }
}

/// `rule.cell.partition`: the cells of an organization, and its home region, are in its partition. An organization has accounts in
/// one only.
pub(super) fn partitions(cx: &Context<'_, '_>) {
    let Some(org) = cx.world.org() else { return };
    let Some(own) = cx.world.text(org, "partition") else { return };
    let cells = cx.fleet.cells.iter().filter(|cell| cell.cloud == Cloud::Aws).map(|cell| (cell.id, "region"));
    for (id, field) in cells.chain([(org, "home_region")]) {
        let Some(region) = cx.world.text(id, field).filter(|region| reads_as(Cloud::Aws, region)) else { continue };
        let of = partition::of(region);
        if of == own {
            continue;
        }
        let (about, of_org) = (cx.address(id), cx.address(org));
        let message =
            format!("`{field}` of {about} is `{region}`, a region of {of}, and {of_org} is in the partition {own}");
        let finding = Diagnostic::new(Code::WrongCloud, cx.world.setting_span(id, field), message)
            .help(format!("write a region of {own}, or `partition = \"{of}\"` in `org`"));
        cx.report(id, finding);
    }
}

/// Fields that only one cloud knows.
const ONLY_AWS: [&str; 5] = ["account_id", "email", "ou", "scps", "budget"];
const ONLY_GCP: [&str; 1] = ["project"];

/// `rule.cell.cloud-fields`: a cell on GCP has a `project`, and none of what only AWS accounts have; a cell on
/// AWS has no `project`.
pub(super) fn fields(cx: &Context<'_, '_>) {
    for cell in &cx.fleet.cells {
        let wrong: &[&'static str] = match cell.cloud {
            Cloud::Aws => &ONLY_GCP,
            Cloud::Gcp => &ONLY_AWS,
        };
        wrong.iter().filter(|field| is_set(cx, *cell, field)).for_each(|field| foreign(cx, *cell, field));
        if cell.cloud == Cloud::Gcp && cx.world.get(cell.id, "project").is_none() {
            let message = format!("{} is on gcp and needs a `project`", cx.address(cell.id));
            let finding = Diagnostic::new(Code::NeededHere, cx.world.label_span(cell.id), message)
                .help("write `project = \"…\"`: the project's id; it never changes");
            cx.report(cell.id, finding);
        }
    }
}

fn is_set(cx: &Context<'_, '_>, cell: Cell, field: &str) -> bool {
    match cx.world.get(cell.id, field) {
        None => false,
        Some(Value::Set(all)) => !all.is_empty(),
        Some(_) => true,
    }
}

fn foreign(cx: &Context<'_, '_>, cell: Cell, field: &'static str) {
    let (address, is, has) = (cx.address(cell.id), cell.cloud.name(), other(cell.cloud).name());
    let message = format!("{address} is on {is}, and `{field}` is for cells on {has}");
    let finding = Diagnostic::new(Code::WrongCloud, cx.world.setting_span(cell.id, field), message)
        .help(format!("remove `{field}`, or write `cloud = \"{has}\"`"));
    cx.report(cell.id, finding);
}

/// `rule.cell.dev-expires`: a dev cell says when it goes.
pub(super) fn dev_expires(cx: &Context<'_, '_>) {
    for cell in cx.fleet.cells.iter().filter(|cell| cell.dev) {
        if cx.world.get(cell.id, "expires").is_some() {
            continue;
        }
        let message = format!("{} is dev; a dev cell needs `expires`", cx.address(cell.id));
        let finding = Diagnostic::new(Code::NoExpiry, cx.world.label_span(cell.id), message)
            .help("write the day it may go, such as `expires = 2027-01-31`");
        cx.report(cell.id, finding);
    }
}

/// `rule.tenant.moves`: a tenant moves to another cell than its home, and has a `phase` only while it moves.
pub(super) fn tenants(cx: &Context<'_, '_>) {
    for id in sound(cx.world, Kind::Tenant) {
        if cx.world.get(id, "phase").is_some() && cx.world.get(id, "moving_to").is_none() {
            let message = format!("{} is in a phase of a move, and moves nowhere", cx.address(id));
            let finding = Diagnostic::new(Code::TenantStays, cx.world.setting_span(id, "phase"), message)
                .help("write `moving_to = cell.…`, or remove `phase`");
            cx.report(id, finding);
        }
        let home = cx.world.entity_at(id, "home");
        let Some(to) = cx.world.entity_at(id, "moving_to").filter(|to| Some(*to) == home) else { continue };
        let message = format!("{} moves to {}, where it is", cx.address(id), cx.address(to));
        let finding = Diagnostic::new(Code::TenantStays, cx.world.setting_span(id, "moving_to"), message)
            .also(cx.world.setting_span(id, "home"), "its home")
            .help("remove `moving_to`, or name another cell");
        cx.report(id, finding);
    }
}

/// `rule.cell.budget`: a budget notifies at no more shares, and no more addresses, than AWS Budgets takes, and its cell is not where
/// AWS has no Budgets.
pub(super) fn budgets(cx: &Context<'_, '_>) {
    let counted = [("alert_at", limits::BUDGET_NOTIFICATIONS), ("notify", limits::BUDGET_SUBSCRIBERS)];
    for cell in &cx.fleet.cells {
        let Some(block) = cx.world.block(cell.id, "budget") else { continue };
        nowhere(cx, *cell);
        for (field, limit) in counted {
            let count = block.field(field).map_or(0, |list| list.items().count());
            if count > limit.most {
                let message = format!(
                    "the budget of {} has {count} {}; AWS takes {}",
                    cx.address(cell.id),
                    limit.what,
                    limit.most
                );
                cx.report(
                    cell.id,
                    Diagnostic::new(Code::QuotaExceeded, cx.world.setting_span(cell.id, "budget"), message),
                );
            }
        }
    }
}

fn nowhere(cx: &Context<'_, '_>, cell: Cell) {
    let region = cx.world.text(cell.id, "region").filter(|_| cell.cloud == Cloud::Aws);
    let Some(region) = region.filter(|region| regions::of_budget(region).is_none()) else { return };
    let message = format!("{} has a budget, and AWS has no Budgets in `{region}`", cx.address(cell.id));
    let finding = Diagnostic::new(Code::WrongCloud, cx.world.setting_span(cell.id, "budget"), message)
        .help("remove `budget`: costs of AWS GovCloud are told, and watched, in the commercial account that belongs to its account");
    cx.report(cell.id, finding);
}
