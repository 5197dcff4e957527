//! Grants: to whom, and on which accounts.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;

use super::Context;
use super::fleet::{Cloud, sound};
use super::read::Read;
use crate::value::{EntityId, Value};
use crate::world::World;

/// `rule.grant.aws-only`: a grant reaches AWS accounts only: what it is `on` holds no cell on GCP.
pub(super) fn aws_only(cx: &Context<'_, '_>) {
    for grant in sound(cx.world, Kind::Grant) {
        let on = cx.world.members(grant, "on");
        let mut elsewhere = on.iter().filter_map(|id| cx.fleet.cell(*id)).filter(|cell| cell.cloud == Cloud::Gcp);
        let Some(first) = elsewhere.next() else { continue };
        let (at, more) = (cx.address(first.id), elsewhere.count());
        let which = match more {
            0 => format!("{at} is on gcp"),
            more => format!("{at} and {more} more cells are on gcp"),
        };
        let message = format!("a grant reaches AWS accounts only; {which}");
        let finding = Diagnostic::new(Code::GrantOnGcp, cx.world.setting_span(grant, "on"), message)
            .also(cx.world.label_span(first.id), format!("{at} is here"))
            .help("write `cells where .cloud == \"aws\"`");
        cx.report(grant, finding);
    }
}

/// Whom a grant reaches in a cell or account: none when its value has an error, which was reported.
pub(crate) fn recipients(world: &World<'_>, grant: EntityId, target: EntityId) -> Option<Value> {
    world.evaluate_for(grant, "to", target).ok()
}

/// `rule.grant.owner`: what a grant goes to is there for each cell and account that it is on.
pub(super) fn owners(cx: &Context<'_, '_>) {
    for grant in sound(cx.world, Kind::Grant) {
        let mut without = Vec::new();
        for target in cx.world.members(grant, "on").iter().filter(|id| cx.world.ok(**id)) {
            if let Some(Value::None) = recipients(cx.world, grant, *target) {
                without.push(*target);
            }
        }
        if let [first, more @ ..] = without.as_slice() {
            tell_missing(cx, grant, *first, more.len());
        }
    }
}

fn tell_missing(cx: &Context<'_, '_>, grant: EntityId, target: EntityId, more: usize) {
    let (address, at) = (cx.address(grant), cx.address(target));
    let which = match more {
        0 => format!("{at} has none"),
        more => format!("{at} and {more} more have none"),
    };
    let message = format!("{address} goes to the owner of each cell, and {which}");
    let finding = Diagnostic::new(Code::NoOwner, cx.world.setting_span(grant, "to"), message)
        .also(cx.world.label_span(target), format!("{at} sets no `owner`"))
        .help("set `owner` there, or leave such cells out: `cells where .owner != none`");
    cx.report(grant, finding);
}
