//! The organization and its units.

use std::collections::{HashMap, HashSet};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use smol_str::SmolStr;

use super::fleet::sound;
use super::read::Read;
use super::{Context, ticked};
use crate::limits;
use crate::limits::grouped;
use crate::value::EntityId;

/// `rule.org.one`: a program has one organization at most.
pub(super) fn one_org(cx: &Context<'_, '_>) {
    let orgs: Vec<EntityId> = cx.world.of(Kind::Org).to_vec();
    // The first in the program is the one that counts.
    let mut in_order = orgs;
    in_order.sort_by_key(|id| (cx.world.org() != Some(*id), cx.world.label_span(*id)));
    let [first, others @ ..] = in_order.as_slice() else { return };
    for other in others {
        let (a, b) = (cx.address(*first), cx.address(*other));
        let message = format!("{b} is a second organization; a program has one");
        let finding = Diagnostic::new(Code::OnlyOne, cx.world.label_span(*other), message)
            .also(cx.world.label_span(*first), format!("{a} is the first"));
        cx.report(*other, finding);
    }
}

/// `rule.ou.tree`: units form a tree of at most 5 levels below the root, and are at most 2,000.
pub(super) fn tree(cx: &Context<'_, '_>) {
    let units: Vec<EntityId> = sound(cx.world, Kind::Ou).collect();
    let mut told: HashSet<EntityId> = HashSet::new();
    for unit in &units {
        match chain(cx, *unit) {
            Chain::Tree(levels) if levels > limits::OU_LEVELS.most => {
                let (most, address) = (limits::OU_LEVELS.most, cx.address(*unit));
                let message = format!("{address} is {levels} levels below the root; AWS takes {most}");
                report(cx, *unit, message, "move it up");
            }
            Chain::Tree(_) => {}
            Chain::Circle(circle) => {
                if circle.iter().all(|id| told.insert(*id)) {
                    tell_circle(cx, &circle);
                }
            }
        }
    }
    if units.len() > limits::OUS.most {
        let (count, most) = (grouped(units.len()), grouped(limits::OUS.most));
        if let Some(last) = units.last() {
            report(
                cx,
                *last,
                format!("{count} organizational units are declared; AWS takes {most}"),
                "declare fewer",
            );
        }
    }
}

enum Chain {
    /// So many levels below the root.
    Tree(usize),
    /// Units that are above themselves.
    Circle(Vec<EntityId>),
}

fn chain(cx: &Context<'_, '_>, unit: EntityId) -> Chain {
    let mut path = vec![unit];
    let mut seen = HashSet::from([unit]);
    let mut at = unit;
    while let Some(parent) = cx.world.entity_at(at, "parent") {
        if !seen.insert(parent) {
            let begin = path.iter().position(|id| *id == parent).unwrap_or(0);
            return Chain::Circle(path.split_off(begin));
        }
        path.push(parent);
        at = parent;
    }
    Chain::Tree(path.len())
}

fn tell_circle(cx: &Context<'_, '_>, circle: &[EntityId]) {
    let Some(first) = circle.first() else { return };
    let mut names: Vec<&str> = circle.iter().take(8).map(|id| cx.address(*id)).collect();
    names.push(cx.address(*first));
    let message = format!("{} is above itself: {}", cx.address(*first), names.join(" in "));
    report(cx, *first, message, "leave `parent` out in one of them: it then stands below the root");
}

fn report(cx: &Context<'_, '_>, unit: EntityId, message: String, help: &str) {
    let finding = Diagnostic::new(Code::UnitTree, cx.world.setting_span(unit, "parent"), message).help(help);
    cx.report(unit, finding);
}

/// `rule.ou.sibling-names`: units of one parent have different names.
pub(super) fn sibling_names(cx: &Context<'_, '_>) {
    let mut seen: HashMap<(Option<EntityId>, SmolStr), EntityId> = HashMap::new();
    for unit in sound(cx.world, Kind::Ou) {
        let key = (cx.world.entity_at(unit, "parent"), SmolStr::new(cx.world.name(unit)));
        let name = ticked(&key.1);
        let Some(first) = seen.insert(key, unit) else { continue };
        let (a, b) = (cx.address(first), cx.address(unit));
        let message = format!("{a} and {b} have one name, {name}, under one parent");
        let finding = Diagnostic::new(Code::UnitTree, cx.world.setting_span(unit, "name"), message)
            .also(cx.world.setting_span(first, "name"), format!("{a} is here"))
            .help("say another `name`");
        cx.report(unit, finding);
    }
}
