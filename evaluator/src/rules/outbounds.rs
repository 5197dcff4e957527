//! Outbounds: from cells to what they share, never to another cell.

use std::collections::HashMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use smol_str::SmolStr;

use super::Context;
use super::fleet::{Cloud, sound};
use super::read::Read;
use crate::value::{EntityId, Later, LaterPiece, Value};

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
