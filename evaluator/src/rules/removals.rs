//! `moved` and `removed`: what they say of addresses, as far as the program alone can tell. What the record holds
//! under them is the plan's affair.

use std::collections::HashMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{Moved, Removed};
use cell_lang::schema::Kind;
use cell_lang::source::Span;
use smol_str::SmolStr;

use super::{Context, ticked};
use crate::report::{Finding, Rank};
use crate::resources::naming;
use crate::value::EntityId;
use crate::world::{Instance, InstanceId};

/// An address as `moved` and `removed` write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named<'a> {
    /// An entity, perhaps with a `*` in it.
    Entity(Kind),
    /// A component in a cell: its label with its modules, and the cell's address.
    Deployment(&'a str, &'a str),
}

fn parse(address: &str) -> Option<Named<'_>> {
    if let Some((component, cell)) = address.strip_prefix("deployment.").and_then(|rest| rest.split_once('/')) {
        return (!component.is_empty() && entity_kind(cell) == Some(Kind::Cell))
            .then_some(Named::Deployment(component, cell));
    }
    entity_kind(address).map(Named::Entity)
}

/// The kind in `module.kind.label`.
fn entity_kind(address: &str) -> Option<Kind> {
    let mut parts = address.rsplit('.');
    let (label, kind) = (parts.next()?, parts.next()?);
    let whole = !label.is_empty() && !label.contains('/') && parts.all(|module| !module.is_empty());
    if whole { Kind::parse(kind) } else { None }
}

/// Reports a finding of an instance: of a file that is used several times the first is told.
fn report(cx: &Context<'_, '_>, instance: InstanceId, diagnostic: Diagnostic) {
    let rank = Rank { instance: instance.0, ..Rank::default() };
    cx.world.report(Finding { diagnostic, rank, circumstances: String::new() });
}

/// The address seen from the root, of one that a module writes.
fn full(instance: &Instance, address: &str) -> String {
    format!("{}{address}", instance.prefix)
}

/// Does `pattern`, with one `*` at most, take the whole of `address`?
fn matches(pattern: &str, address: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == address,
        Some((head, tail)) => {
            address.len() >= head.len() + tail.len() && address.starts_with(head) && address.ends_with(tail)
        }
    }
}

/// The first entity of the program that an address names.
fn declared(cx: &Context<'_, '_>, kind: Kind, address: &str) -> Option<EntityId> {
    if !address.contains('*') {
        return cx.world.find(address);
    }
    cx.world.of(kind).iter().copied().find(|id| matches(address, cx.world.address(*id)))
}

fn unsound(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(Code::BadRemoval, span, message)
}

fn not_an_address(address: &str, span: Span) -> Diagnostic {
    unsound(span, format!("{} is no address", ticked(address)))
        .help("an address reads like `cell.alpha` or `west.cell.alpha`")
}

/// `rule.moved.sound`: `moved` names two addresses of one kind, with one `*` in both or in none; what it moves
/// away from is declared no more, and no other `moved` moves it.
pub(super) fn moved(cx: &Context<'_, '_>) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    for (id, instance) in cx.world.instances() {
        let Some(unit) = cx.world.program().units.get(instance.unit.index()) else { continue };
        for moved in &unit.moved {
            if let Some(finding) = move_fault(cx, instance, moved) {
                report(cx, id, finding);
            } else if let Some(first) = seen.insert(full(instance, &moved.from.0), moved.from.1) {
                let message = format!("{} is moved twice", ticked(&moved.from.0));
                report(cx, id, unsound(moved.from.1, message).also(first, "first here"));
            }
        }
    }
}

fn move_fault(cx: &Context<'_, '_>, instance: &Instance, moved: &Moved) -> Option<Diagnostic> {
    let ((from, from_span), (to, to_span)) = (&moved.from, &moved.to);
    let stars = |text: &SmolStr| text.matches('*').count();
    let kinds = match (parse(from), parse(to)) {
        (Some(Named::Entity(from)), Some(Named::Entity(to))) => (from, to),
        (None | Some(Named::Deployment(..)), _) => return Some(not_an_address(from, *from_span)),
        (_, None | Some(Named::Deployment(..))) => return Some(not_an_address(to, *to_span)),
    };
    if stars(from) > 1 || stars(to) > 1 || stars(from) != stars(to) {
        let message = "`moved` takes one `*` in both addresses, or none in either".to_owned();
        return Some(unsound(*to_span, message).also(*from_span, ""));
    }
    if kinds.0 != kinds.1 {
        let message = format!("a {} is not moved to a {}", kinds.0.name(), kinds.1.name());
        return Some(unsound(*to_span, message).also(*from_span, ""));
    }
    if from == to {
        return Some(unsound(*to_span, format!("{} is moved to itself", ticked(from))));
    }
    still_there(cx, instance, kinds.0, from, *from_span, "moved from")
}

fn still_there(
    cx: &Context<'_, '_>,
    instance: &Instance,
    kind: Kind,
    address: &str,
    span: Span,
    what: &str,
) -> Option<Diagnostic> {
    let there = declared(cx, kind, &full(instance, address))?;
    let message = format!("{} is {what} here and still declared", cx.address(there));
    let finding = unsound(span, message).also(cx.world.label_span(there), "declared here");
    Some(finding.help("remove its block, or this one"))
}

/// `rule.removed.sound`: `removed` names something that is declared no more; of a cell or account it says what
/// becomes of the account, and of nothing else.
pub(super) fn removed(cx: &Context<'_, '_>) {
    for (id, instance) in cx.world.instances() {
        let Some(unit) = cx.world.program().units.get(instance.unit.index()) else { continue };
        for removed in &unit.removed {
            if let Some(finding) = removal_fault(cx, instance, removed) {
                report(cx, id, finding);
            }
        }
    }
}

fn removal_fault(cx: &Context<'_, '_>, instance: &Instance, removed: &Removed) -> Option<Diagnostic> {
    let (from, span) = (&removed.from.0, removed.from.1);
    if from.contains('*') {
        let message = "`removed` names one thing; it takes no `*`".to_owned();
        return Some(unsound(span, message).help("write one `removed` for each"));
    }
    let kind = match parse(from) {
        None => return Some(not_an_address(from, span)),
        Some(Named::Deployment(component, cell)) => {
            return account_fault(from, span, false, removed)
                .or_else(|| deployment_there(cx, instance, component, cell, span));
        }
        Some(Named::Entity(kind)) => kind,
    };
    account_fault(from, span, matches!(kind, Kind::Cell | Kind::Account), removed)
        .or_else(|| still_there(cx, instance, kind, from, span, "removed"))
}

fn account_fault(from: &str, span: Span, has_account: bool, removed: &Removed) -> Option<Diagnostic> {
    match (has_account, &removed.account) {
        (true, None) => {
            let message = format!("{} has an account; `removed` says what becomes of it", ticked(from));
            Some(unsound(span, message).help("write `account = \"keep\"`, `\"park\"` or `\"close\"`"))
        }
        (false, Some(_)) => {
            let message = format!("{} has no account of its own", ticked(from));
            Some(unsound(span, message).help("remove `account`"))
        }
        _ => None,
    }
}

fn deployment_there(
    cx: &Context<'_, '_>,
    instance: &Instance,
    component: &str,
    cell: &str,
    span: Span,
) -> Option<Diagnostic> {
    let (component, cell) = (full(instance, component), full(instance, cell));
    let cell = cx.world.find(&cell)?;
    let mut all = cx.fleet.components.iter();
    let found = all.find(|other| naming::qualified(cx.world, other.id) == component.as_str())?;
    cx.fleet.cells_of(found).find(|other| other.id == cell)?;
    let (of, at) = (cx.address(found.id), cx.address(cell));
    let message = format!("{of} is removed from {at} here and still goes there");
    let finding = unsound(span, message).also(cx.world.label_span(found.id), "declared here");
    Some(finding.help("leave the cell out by `only`, or remove this block"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(parse("cell.a"), Some(Named::Entity(Kind::Cell)));
        assert_eq!(parse("west.sub.cell.a-*"), Some(Named::Entity(Kind::Cell)));
        assert_eq!(parse("deployment.lib.cache/west.cell.a"), Some(Named::Deployment("lib.cache", "west.cell.a")));
        for not in ["", "cell", "cell.", ".cell.a", "cel.a", "deployment.x/y", "budget/cell.a"] {
            assert_eq!(parse(not), None, "{not}");
        }
    }

    #[test]
    fn a_star_takes_anything() {
        assert!(matches("cell.usw2-*", "cell.usw2-001"));
        assert!(!matches("cell.usw2-*", "west.cell.usw2-001"));
        assert!(!matches("cell.aa*aa", "cell.aaa"));
        assert!(matches("cell.a", "cell.a"));
    }
}
