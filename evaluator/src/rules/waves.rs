//! Waves: which cells each rollout reaches, and in how many of its waves each stands.

use std::collections::HashSet;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;

use super::fleet::{Cell, Rollout, sound};
use super::read::Read;
use super::{Context, listed, ticked, why};
use crate::value::{EntityId, Value};

/// `rule.wave.exactly-one`: an active production cell is in exactly one wave of each rollout that a component on
/// it uses. A cell that is draining or retired takes no release and needs no wave.
pub(super) fn exactly_one(cx: &Context<'_, '_>) {
    let mut judged: HashSet<(EntityId, EntityId)> = HashSet::new();
    for component in &cx.fleet.components {
        let Some(rollout) = component.rollout.and_then(|id| cx.fleet.rollout(id)) else { continue };
        for cell in cx.fleet.cells_of(component).filter(|cell| cell.prod && cell.active) {
            if component.deploy(cell.cloud).is_none() || !judged.insert((rollout.id, cell.id)) {
                continue;
            }
            match rollout.waves_of(cell.id) {
                [_] => {}
                [] => in_none(cx, rollout, cell, component.id),
                several => in_several(cx, rollout, cell, several),
            }
        }
    }
}

fn in_none(cx: &Context<'_, '_>, rollout: &Rollout, cell: Cell, component: EntityId) {
    let (address, by) = (cx.address(cell.id), cx.address(rollout.id));
    let message = format!("{address} is in no wave of {by}; a prod cell needs exactly one");
    let mut finding = Diagnostic::new(Code::InNoWave, cx.world.label_span(cell.id), message)
        .here(why::not_selected(cx.world, rollout, cell.id).unwrap_or_default())
        .also(cx.world.label_span(rollout.id), "none of these waves selects it");
    finding = finding.also(cx.world.setting_span(component, "rollout"), format!("{} uses it", cx.address(component)));
    cx.report(cell.id, finding.help("select it in one wave, or make another wave for it"));
}

fn in_several(cx: &Context<'_, '_>, rollout: &Rollout, cell: Cell, waves: &[usize]) {
    let waves: Vec<_> = waves.iter().filter_map(|at| rollout.waves.get(*at)).collect();
    let names: Vec<String> = waves.iter().map(|wave| ticked(wave.label())).collect();
    let (address, by) = (cx.address(cell.id), cx.address(rollout.id));
    let message = format!("{address} is in waves {} of {by}", listed(&names));
    let mut finding = Diagnostic::new(Code::InTwoWaves, cx.world.label_span(cell.id), message);
    for wave in waves.iter().take(3) {
        finding = finding.also(cx.head(&wave.block), format!("wave {} selects it", ticked(wave.label())));
    }
    cx.report(cell.id, finding.help("a prod cell needs exactly one: narrow the `where` of the others"));
}

/// `rule.wave.no-mix`: no wave holds both a dev cell and a production cell.
pub(super) fn no_mix(cx: &Context<'_, '_>) {
    for rollout in &cx.fleet.rollouts {
        for wave in &rollout.waves {
            let dev = wave.cells.iter().find(|cell| cell.dev);
            let prod = wave.cells.iter().find(|cell| cell.prod);
            let (Some(dev), Some(prod)) = (dev, prod) else { continue };
            let (label, by) = (ticked(wave.label()), cx.address(rollout.id));
            let message = format!("wave {label} of {by} mixes dev with prod");
            let finding = Diagnostic::new(Code::MixedWave, cx.head(&wave.block), message)
                .also(cx.world.label_span(dev.id), format!("{} is dev", cx.address(dev.id)))
                .also(cx.world.label_span(prod.id), format!("{} is prod", cx.address(prod.id)))
                .help("a dev cell needs no wave: it follows `track`");
            cx.report(rollout.id, finding);
        }
    }
}

/// `rule.wave.requests`: what waits for requests watches an alarm, whose metric says what a request is: without one none is
/// ever counted, and the bake never ends.
pub(super) fn requests(cx: &Context<'_, '_>) {
    // An alarm that has an error of its own may be the one.
    if cx.world.is_partial(Kind::Alarm) || cx.world.of(Kind::Alarm).iter().any(|id| !cx.world.ok(*id)) {
        return;
    }
    for rollout in &cx.fleet.rollouts {
        if !cx.world.members(rollout.id, "alarms").is_empty() {
            continue;
        }
        for wave in &rollout.waves {
            let waits = matches!(wave.block.field("min_requests"), Some(Value::Int(_)));
            if !waits || !wave.block.members("alarms").is_empty() {
                continue;
            }
            let (label, by) = (ticked(wave.label()), cx.address(rollout.id));
            let message = format!("wave {label} of {by} waits for requests, and watches no alarm to count them by");
            let finding = Diagnostic::new(Code::NeededHere, cx.head(&wave.block), message).help(
                "write `alarms = [alarm.…]`: its metric, or the `requests` of its ratio, says what a request is",
            );
            cx.report(rollout.id, finding);
        }
    }
}

/// `rule.rollout.window`: a window opens: it has a day, and ends on the day it begins, later.
pub(super) fn windows(cx: &Context<'_, '_>) {
    for id in sound(cx.world, Kind::Rollout) {
        let Some(window) = cx.world.block(id, "window") else { continue };
        let time = |name| match window.field(name) {
            Some(Value::Time(minutes)) => Some(*minutes),
            _ => None,
        };
        let opens = time("from").zip(time("to")).is_none_or(|(from, to)| from < to);
        let has_day = window.field("days").is_none_or(|days| days.items().next().is_some());
        if opens && has_day {
            continue;
        }
        let message = format!("the window of {} never opens", cx.address(id));
        let help = if has_day { "`from` is before `to`, on the same day" } else { "name a day: `days = [\"tue\"]`" };
        let finding = Diagnostic::new(Code::NeverOpens, cx.world.setting_span(id, "window"), message).help(help);
        cx.report(id, finding);
    }
}
