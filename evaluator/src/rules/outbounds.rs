//! Outbounds: from cells to what they share, never to another cell.

use std::collections::HashMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use cell_lang::types::builtin::is_aws_region;
use smol_str::SmolStr;

use super::fleet::{Cell, Cloud, sound};
use super::read::Read;
use super::{Context, regions};
use crate::value::{BlockValue, EntityId, Later, LaterPiece, Value};

/// `rule.outbound.never-a-cell`: the role that cells assume is in no cell's account, be it known by its id or only
/// after apply.
pub(super) fn never_a_cell(cx: &Context<'_, '_>) {
    let by_id: HashMap<&SmolStr, EntityId> =
        cx.fleet.cells.iter().filter_map(|cell| Some((cx.world.text(cell.id, "account_id")?, cell.id))).collect();
    for outbound in sound(cx.world, Kind::Outbound) {
        for block in cx.world.blocks(outbound, "to") {
            let Some(cell) = block.get("arn").and_then(|arn| reached(cx, arn, &by_id)) else { continue };
            let (from, at) = (cx.address(outbound), cx.address(cell));
            let message = format!("{from} reaches {at}; a cell never reaches a cell");
            let finding = Diagnostic::new(Code::OutboundToCell, cx.head(block), message)
                .also(cx.world.label_span(cell), "the role is in this cell's account")
                .help("put what cells share in an `account`");
            cx.report(outbound, finding);
        }
    }
}

/// The cell in whose account an ARN lies.
fn reached(cx: &Context<'_, '_>, arn: &Value, by_id: &HashMap<&SmolStr, EntityId>) -> Option<EntityId> {
    match arn {
        Value::Str(text) => {
            let account = text.split(':').nth(4)?;
            by_id.get(&SmolStr::new(account)).copied()
        }
        Value::Later(later) => fields_of(later).into_iter().find(|id| cx.world.kind(*id) == Kind::Cell),
        _ => None,
    }
}

fn fields_of(later: &Later) -> Vec<EntityId> {
    match later {
        Later::Field(id, _) => vec![*id],
        Later::Text(pieces) => pieces
            .iter()
            .filter_map(|piece| match piece {
                LaterPiece::Field(id, _) => Some(*id),
                LaterPiece::Text(_) => None,
            })
            .collect(),
    }
}

/// `rule.outbound.aws-only`: cells on GCP have no outbound of these kinds.
pub(super) fn aws_only(cx: &Context<'_, '_>) {
    for outbound in sound(cx.world, Kind::Outbound) {
        let mut from = cx.world.members(outbound, "from").iter().filter_map(|id| cx.fleet.cell(*id));
        let Some(cell) = from.find(|cell| cell.cloud == Cloud::Gcp) else { continue };
        let (address, at) = (cx.address(outbound), cx.address(cell.id));
        let message = format!("{address} is for cells on aws; {at} is on gcp");
        let finding = Diagnostic::new(Code::WrongCloud, cx.world.setting_span(outbound, "from"), message)
            .also(cx.world.label_span(cell.id), format!("{at} is here"))
            .help("write `cells where .cloud == \"aws\"`");
        cx.report(outbound, finding);
    }
}

/// How the full names of services begin. What AWS offers has a region somewhere in it (`aws.sagemaker.us-west-2.notebook`), or none, if
/// it is one for all regions (`com.amazonaws.s3-global.accesspoint`):
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>
const FULL: [&str; 4] = ["com.amazonaws.", "cn.com.amazonaws.", "aws.", "api.aws."];

/// Is it a service's full name, as AWS has it?
pub(crate) fn is_full(service: &str) -> bool {
    FULL.iter().any(|start| service.starts_with(start))
}

/// Is it a service that somebody offers who is not AWS?
pub(crate) fn is_of_others(service: &str) -> bool {
    service.contains("com.amazonaws.vpce.")
}

/// The region that a service's name says.
pub(crate) fn region_in(service: &str) -> Option<&str> {
    let reads = |part: &&str| regions::AWS.binary_search(part).is_ok() || is_aws_region(part);
    service.split('.').find(reads)
}

/// `rule.outbound.region`: a private endpoint of a cell is to a service of AWS in the cell's region.
pub(super) fn region(cx: &Context<'_, '_>) {
    for outbound in sound(cx.world, Kind::Outbound) {
        for block in cx.world.blocks(outbound, "to") {
            let Some(service) = block.text("service") else { continue };
            let Some(region) = region_in(service) else { continue };
            if !is_full(service) {
                let (from, plain) = (cx.address(outbound), without(service, region));
                let message = format!("{from} names `{service}`, which is no service: a short name has no region");
                let help = format!("write `{plain}`: it is completed by the region of each cell");
                cx.report(outbound, Diagnostic::new(Code::OtherRegion, cx.head(block), message).help(help));
            } else if !is_of_others(service) {
                elsewhere(cx, outbound, block, (service, region));
            }
        }
    }
}

fn elsewhere(cx: &Context<'_, '_>, outbound: EntityId, block: &BlockValue, (service, region): (&str, &str)) {
    let is = |cell: &Cell| cx.world.text(cell.id, "region").map_or(region, SmolStr::as_str);
    let from = cx.world.members(outbound, "from").iter().filter_map(|id| cx.fleet.cell(*id));
    let others: Vec<Cell> = from.filter(|cell| cell.cloud == Cloud::Aws && is(cell) != region).collect();
    let Some(first) = others.first() else { return };
    let more = match others.len() - 1 {
        0 => String::new(),
        1 => ", as one more is elsewhere".to_owned(),
        n => format!(", as {n} more are elsewhere"),
    };
    let (address, at) = (cx.address(outbound), cx.address(first.id));
    let message = format!("{address} names `{service}`, a service of {region}, and {at} is in {}{more}", is(first));
    let short = service.strip_prefix("com.amazonaws.").and_then(|rest| rest.strip_prefix(region)?.strip_prefix('.'));
    let help = match short {
        Some(short) => format!("write `{short}`, which is completed by the region of each cell"),
        None => format!("write `from = cells where .region == \"{region}\"`, and an outbound for each other region"),
    };
    let finding = Diagnostic::new(Code::OtherRegion, cx.head(block), message)
        .also(cx.world.label_span(first.id), format!("{at} is here"))
        .help(help);
    cx.report(outbound, finding);
}

/// A name without a part of it.
fn without(name: &str, part: &str) -> String {
    name.split('.').filter(|piece| *piece != part).collect::<Vec<_>>().join(".")
}
