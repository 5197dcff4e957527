//! Accounts: every AWS cell and every `account` stands for one of its own.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use indexmap::IndexMap;
use smol_str::SmolStr;

use super::fleet::{Cloud, sound};
use super::read::Read;
use super::{Context, ticked};
use crate::value::EntityId;

/// What has an AWS account: cells on AWS, then accounts.
fn accounts(cx: &Context<'_, '_>) -> Vec<EntityId> {
    let cells = cx.fleet.cells.iter().filter(|cell| cell.cloud == Cloud::Aws).map(|cell| cell.id);
    cells.chain(sound(cx.world, Kind::Account)).collect()
}

/// `rule.account.known-or-made`: a cell on AWS and an account have an `account_id`, if the account exists, or an
/// `email`, their own or that of `org.accounts`, with which it is made.
pub(super) fn known_or_made(cx: &Context<'_, '_>) {
    for id in accounts(cx) {
        if cx.world.get(id, "account_id").is_some() || cx.world.get(id, "email").is_some() {
            continue;
        }
        let address = cx.address(id);
        let message =
            format!("{address} has no `account_id` and no `email`; its account is not known and cannot be made");
        let finding = Diagnostic::new(Code::NeededHere, cx.world.label_span(id), message)
            .help("write `account_id = \"…\"` to take an account that exists, or `email = \"…\"` to make one")
            .help("`accounts { email = \"aws+\\(.name)@…\" }` in `org` gives every account one");
        cx.report(id, finding);
    }
}

/// `rule.account.email-unique`: no two accounts have one e-mail; AWS takes an e-mail once, ever. Case does not
/// tell two apart.
pub(super) fn emails(cx: &Context<'_, '_>) {
    unique(cx, "email", Code::SameEmail, "e-mail", |text| text.to_lowercase().into());
}

/// `rule.account.name-unique`: no two accounts have one name; people tell accounts apart by it.
pub(super) fn names(cx: &Context<'_, '_>) {
    unique(cx, "name", Code::SameAccountName, "name", SmolStr::clone);
}

/// `rule.account.id-unique`: no two cells or accounts stand for one account.
pub(super) fn ids(cx: &Context<'_, '_>) {
    unique(cx, "account_id", Code::SameAccountId, "account id", SmolStr::clone);
}

fn unique(cx: &Context<'_, '_>, field: &'static str, code: Code, what: &str, key: fn(&SmolStr) -> SmolStr) {
    let mut seen: IndexMap<SmolStr, Vec<EntityId>> = IndexMap::new();
    for id in accounts(cx) {
        if let Some(text) = cx.world.text(id, field) {
            seen.entry(key(text)).or_default().push(id);
        }
    }
    for (value, ids) in &seen {
        if let [first, second, more @ ..] = ids.as_slice() {
            clash(cx, code, what, field, value, (*first, *second), more.len());
        }
    }
}

fn clash(
    cx: &Context<'_, '_>,
    code: Code,
    what: &str,
    field: &'static str,
    value: &str,
    (first, second): (EntityId, EntityId),
    more: usize,
) {
    let (a, b) = (cx.address(first), cx.address(second));
    let others = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let message = format!("the accounts of {a} and {b}{others} have one {what}; it must be unique");
    let both = (cx.world.setting_span(first, field), cx.world.setting_span(second, field));
    let shared = (both.0 == both.1).then_some(both.1);
    let (at_first, at_second) =
        if shared.is_some() { (cx.world.label_span(first), cx.world.label_span(second)) } else { both };
    let mut finding = Diagnostic::new(code, at_second, message).here(format!("{b} has {}", ticked(value)));
    if at_first != at_second {
        finding = finding.also(at_first, format!("and so has {a}"));
    }
    if let Some(span) = shared.filter(|span| *span != at_second && *span != at_first) {
        finding = finding.also(span, "both take it from here");
    }
    if field == "name" {
        finding = finding.help("the name is the label unless `name` says another");
    }
    cx.report(second, finding);
}
