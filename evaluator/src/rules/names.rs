//! Names that labels and modules add up to, held to what the cloud takes.

use std::collections::HashMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use smol_str::SmolStr;

use super::fleet::sound;
use super::read::Read;
use super::{Context, ticked};
use crate::limits::{self, Limit};
use crate::resources::naming;
use crate::value::EntityId;

/// `rule.name.fits`: what a label comes to with its affixes fits the cloud: stacks, alarms, pipelines, budgets.
/// Of the names that one entity comes to in many cells, the longest is judged.
pub(super) fn fit(cx: &Context<'_, '_>) {
    for component in &cx.fleet.components {
        judge(cx, component.id, &naming::qualified(cx.world, component.id), limits::PIPELINE_NAME);
        let stacks = cx.fleet.cells_of(component).filter_map(|cell| {
            let deploy = component.deploy(cell.cloud).filter(|deploy| deploy.spec.name == "cloudformation")?;
            // Only the longest is made.
            Some((naming::stack_length(cx.world, deploy, component.id, cell.id), deploy, cell.id))
        });
        if let Some((_, deploy, cell)) = stacks.max_by_key(|(length, ..)| *length) {
            let longest = naming::stack(cx.world, deploy, component.id, cell);
            judge(cx, component.id, &longest, limits::STACK_NAME);
        }
    }
    let cells = cx.fleet.cells.iter().map(|cell| naming::qualified(cx.world, cell.id));
    let Some(longest) = cells.max_by_key(SmolStr::len) else { return };
    for alarm in sound(cx.world, Kind::Alarm) {
        let name = naming::alarm(&naming::qualified(cx.world, alarm), &longest);
        judge(cx, alarm, &name, limits::ALARM_NAME);
    }
    for cell in cx.fleet.cells.iter().filter(|cell| cx.world.get(cell.id, "budget").is_some()) {
        judge(cx, cell.id, &naming::budget(&naming::qualified(cx.world, cell.id)), limits::BUDGET_NAME);
    }
}

/// `rule.permission-set.name-unique`: no two permission sets have one name. It is the label unless `name` says
/// another, whatever module the set stands in, for that is how people choose a role; Identity Center takes a name once
/// an instance.
pub(super) fn permission_sets(cx: &Context<'_, '_>) {
    let mut seen: HashMap<&str, EntityId> = HashMap::new();
    for id in sound(cx.world, Kind::PermissionSet) {
        let name = cx.world.name(id);
        let Some(first) = seen.get(name) else {
            seen.insert(name, id);
            continue;
        };
        let message = format!("{} and {} are both named {} in AWS", cx.address(*first), cx.address(id), ticked(name));
        let finding = Diagnostic::new(Code::SameName, cx.world.label_span(id), message)
            .help("a permission set's name is its label, without the module's; give one another label");
        let place = cx.world.label_span(*first);
        let finding = if place == cx.world.label_span(id) { finding } else { finding.also(place, "the first") };
        cx.report(id, finding);
    }
}

fn judge(cx: &Context<'_, '_>, about: EntityId, name: &str, limit: Limit) {
    let length = name.chars().count();
    if length <= limit.most {
        return;
    }
    let (of, most) = (cx.address(about), limit.most);
    let shown: String = name.chars().take(40).collect();
    let message =
        format!("{of} comes to the name {} of {length} characters; AWS takes {most}", ticked(&format!("{shown}…")));
    let finding = Diagnostic::new(Code::NameTooLong, cx.world.label_span(about), message)
        .here(format!("at most {most} {}", limit.what))
        .help("shorten the label, that of the cell, or those of the modules around them");
    cx.report(about, finding);
}
