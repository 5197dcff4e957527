//! Components: which deploy brings each to a cell, what they come after, and the rollout they use.

use std::collections::{HashMap, HashSet};

use cell_lang::diagnostics::{Code, Diagnostic};
use rayon::prelude::*;
use smol_str::SmolStr;

use super::fleet::{Cell, Cloud, Component};
use super::read::Read;
use super::{Context, listed, ticked};
use crate::resources::naming;
use crate::value::EntityId;

/// `rule.component.deploy-fits`: exactly one deploy of a component fits each of its cells. Those of a retired cell
/// are not judged.
pub(super) fn fit(cx: &Context<'_, '_>) {
    for component in &cx.fleet.components {
        for cloud in [Cloud::Aws, Cloud::Gcp] {
            let cells: Vec<Cell> =
                cx.fleet.cells_of(component).filter(|cell| cell.cloud == cloud && !cell.retired).collect();
            match (component.fits(cloud), cells.as_slice()) {
                (_, []) | ([_], _) => {}
                ([], [cell, more @ ..]) => none_fits(cx, component, *cell, more.len()),
                (several, [cell, more @ ..]) => several_fit(cx, component, *cell, several, more.len()),
            }
        }
    }
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => " and 1 more cell".to_owned(),
        _ => format!(" and {more} more cells"),
    }
}

fn none_fits(cx: &Context<'_, '_>, component: &Component, cell: Cell, more: usize) {
    let (of, cloud) = (cx.address(component.id), cell.cloud.name());
    let message = format!("no deploy of {of} fits {}{}", cx.address(cell.id), and_more(more));
    let finding = Diagnostic::new(Code::DeployFit, cx.world.setting_span(component.id, "deploy"), message)
        .here(format!("none is for {cloud}"))
        .also(cx.world.label_span(cell.id), format!("{} is on {cloud}", cx.address(cell.id)))
        .help(format!("add a deploy for {cloud}, or say `only` for the cells that {of} goes to"));
    cx.report(component.id, finding);
}

fn several_fit(cx: &Context<'_, '_>, component: &Component, cell: Cell, fits: &[usize], more: usize) {
    let deploys: Vec<_> = fits.iter().filter_map(|at| component.deploys.get(*at)).collect();
    let sorts: Vec<String> = deploys.iter().map(|deploy| deploy.spec.name.to_owned()).collect();
    let count = match fits.len() {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        more => more.to_string(),
    };
    let (of, at) = (cx.address(component.id), cx.address(cell.id));
    let message = format!("{count} deploys of {of} fit {at}{}: {}; say `clouds`", and_more(more), listed(&sorts));
    let [first, second, ..] = deploys.as_slice() else { return };
    let finding = Diagnostic::new(Code::DeployFit, cx.head(second), message)
        .also(cx.head(first), format!("fits {} too", cell.cloud.name()))
        .also(cx.world.label_span(cell.id), format!("{at} is on {}", cell.cloud.name()))
        .help("write `clouds = [\"aws\"]` or `clouds = [\"gcp\"]` in each, so that one fits each cell");
    cx.report(component.id, finding);
}

/// `rule.component.parameters`: the parameters of a component are computed for each of its cells, those too that are
/// retired and keep their deployment; what fails for one is reported.
pub(super) fn parameters(cx: &Context<'_, '_>) {
    let said = cx.fleet.components.iter().filter(|component| cx.world.setting(component.id, "parameters").is_some());
    let (everywhere, somewhere): (Vec<&Component>, Vec<&Component>) = said.partition(|it| it.only().is_none());
    compute(cx, &everywhere, &cx.fleet.cells);
    for component in somewhere {
        compute(cx, &[component], &cx.fleet.cells_with(component).collect::<Vec<_>>());
    }
}

/// Computes the parameters of components for cells; the evaluation reports its own findings. Cell by cell, for all
/// components read the same few fields of one, which then are at hand.
fn compute(cx: &Context<'_, '_>, components: &[&Component], cells: &[Cell]) {
    let start = || -> Vec<_> { components.iter().map(|it| cx.world.for_targets(it.id, "parameters")).collect() };
    cells.par_iter().with_min_len(8).for_each_init(start, |parameters, cell| {
        for (component, parameters) in components.iter().zip(parameters) {
            if component.deploy(cell.cloud).is_some() {
                drop(parameters.value(cell.id));
            }
        }
    });
}

/// `rule.component.rollout`: a component that goes to an active production cell says its `rollout`.
pub(super) fn rollout(cx: &Context<'_, '_>) {
    for component in cx.fleet.components.iter().filter(|component| component.rollout.is_none()) {
        let Some(cell) = cx.fleet.cells_of(component).find(|cell| cell.prod && cell.active) else { continue };
        let (of, at) = (cx.address(component.id), cx.address(cell.id));
        let message = format!("{of} goes to {at}, a prod cell, and needs a `rollout`");
        let finding = Diagnostic::new(Code::NeededHere, cx.world.label_span(component.id), message)
            .also(cx.world.label_span(cell.id), "a prod cell")
            .help("write `rollout = rollout.…`, or say `only` for the cells it goes to");
        cx.report(component.id, finding);
    }
}

/// `rule.component.after`: no component comes after itself, over any number of others.
pub(super) fn after(cx: &Context<'_, '_>) {
    let all: Vec<EntityId> = cx.fleet.components.iter().map(|component| component.id).collect();
    let left = in_circles(cx, &all);
    let mut told: HashSet<EntityId> = HashSet::new();
    for start in all.iter().filter(|id| left.contains(id)) {
        if let Some(circle) = circle_from(cx, *start, &left).filter(|circle| circle.iter().all(|id| told.insert(*id)))
        {
            tell_circle(cx, &circle);
        }
    }
}

/// What is left when, again and again, every component without an `after` that is left is taken away.
fn in_circles(cx: &Context<'_, '_>, all: &[EntityId]) -> HashSet<EntityId> {
    let mut followers: HashMap<EntityId, Vec<EntityId>> = HashMap::new();
    let mut waits: HashMap<EntityId, usize> = HashMap::new();
    let known: HashSet<EntityId> = all.iter().copied().collect();
    for id in all {
        let before: Vec<_> = cx.world.members(*id, "after").iter().filter(|other| known.contains(other)).collect();
        waits.insert(*id, before.len());
        before.into_iter().for_each(|other| followers.entry(*other).or_default().push(*id));
    }
    let mut ready: Vec<EntityId> = all.iter().copied().filter(|id| waits.get(id) == Some(&0)).collect();
    while let Some(id) = ready.pop() {
        waits.remove(&id);
        for follower in followers.get(&id).into_iter().flatten() {
            if let Some(count) = waits.get_mut(follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*follower);
                }
            }
        }
    }
    waits.into_keys().collect()
}

/// The circle that following the first `after` leads into. Everything left waits for something left, so there is
/// one.
fn circle_from(cx: &Context<'_, '_>, start: EntityId, left: &HashSet<EntityId>) -> Option<Vec<EntityId>> {
    let (mut path, mut at): (Vec<EntityId>, EntityId) = (Vec::new(), start);
    let mut place: HashMap<EntityId, usize> = HashMap::new();
    while place.insert(at, path.len()).is_none() {
        path.push(at);
        at = cx.world.members(at, "after").iter().copied().find(|next| left.contains(next))?;
    }
    let begin = path.iter().position(|id| *id == at)?;
    Some(path.split_off(begin))
}

fn tell_circle(cx: &Context<'_, '_>, circle: &[EntityId]) {
    let Some(first) = circle.first() else { return };
    let mut chain: Vec<&str> = circle.iter().take(8).map(|id| cx.address(*id)).collect();
    if circle.len() > chain.len() {
        chain.push("…");
    }
    chain.push(cx.address(*first));
    let message = format!("{} comes after itself: {}", cx.address(*first), chain.join(" after "));
    let mut finding = Diagnostic::new(Code::AfterCircle, cx.world.setting_span(*first, "after"), message);
    for id in circle.iter().skip(1).take(4) {
        finding = finding.also(cx.world.setting_span(*id, "after"), format!("{} waits here", cx.address(*id)));
    }
    cx.report(*first, finding.help("take one of them out of `after`"));
}

/// `rule.component.one-stack`: no two components come to one stack in one cell.
pub(super) fn stacks(cx: &Context<'_, '_>) {
    let mut by_name: HashMap<SmolStr, Vec<&Component>> = HashMap::new();
    for component in &cx.fleet.components {
        for deploy in component.deploys.iter().filter(|deploy| deploy.spec.name == "cloudformation") {
            // Without `stack` the name is the label with the cell's, so components of one label are compared.
            let name = deploy.text("stack").unwrap_or(&cx.world.entity(component.id).label);
            by_name.entry(name.clone()).or_default().push(component);
        }
    }
    let mut groups: Vec<_> = by_name.into_iter().filter(|(_, components)| components.len() > 1).collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    groups.iter().for_each(|(_, components)| one_stack(cx, components));
}

fn one_stack(cx: &Context<'_, '_>, components: &[&Component]) {
    let mut seen: HashMap<(SmolStr, EntityId), EntityId> = HashMap::new();
    for component in components {
        for cell in cx.fleet.cells_of(component) {
            let Some(deploy) = component.deploy(cell.cloud).filter(|d| d.spec.name == "cloudformation") else {
                continue;
            };
            let name = naming::stack(cx.world, deploy, component.id, cell.id);
            let Some(other) = seen.insert((name.clone(), cell.id), component.id) else { continue };
            let (a, b, at) = (cx.address(other), cx.address(component.id), cx.address(cell.id));
            let message = format!("{a} and {b} both come to stack {} in {at}", ticked(&name));
            let finding = Diagnostic::new(Code::SameAddress, cx.head(deploy), message)
                .also(cx.world.label_span(other), format!("{a} is here"))
                .help("say another `stack` in one of them");
            cx.report(component.id, finding);
            break;
        }
    }
}
