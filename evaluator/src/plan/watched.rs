//! Alarms that go while a rollout watches them. Owns the comparison of what stacks lose with what rollouts under way look at: an alarm
//! that is not there has no data, and what has no data is no pass (spec/rollouts.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::build::Builder;
use super::model::{Change, Fields, Notice, NoticeKind};
use crate::releases::Kept;
use crate::words::counted;

/// Says of each rollout under way which of its alarms the plan takes away.
pub(super) fn taken_away(builder: &Builder<'_>) -> Vec<Notice> {
    if !builder.kept.values().any(|kept| kept.book.open().is_some()) {
        return Vec::new();
    }
    let lost: BTreeSet<String> =
        builder.changes.iter().filter(|change| change.kind == "stack").flat_map(lost).collect();
    builder.kept.iter().flat_map(|(of, kept)| of_rollout(of, kept, &lost)).collect()
}

/// The names of the alarms that a stack has and will not have.
fn lost(change: &Change) -> BTreeSet<String> {
    &names(change.before.as_ref()) - &names(change.after.as_ref())
}

fn names(stack: Option<&Fields>) -> BTreeSet<String> {
    let resources = stack.and_then(|fields| fields.get("template")?.get("Resources")?.as_object());
    let alarms = resources
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter_map(|one| one.pointer("/Properties/AlarmName"));
    alarms.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn of_rollout(of: &str, kept: &Kept, lost: &BTreeSet<String>) -> Vec<Notice> {
    let Some(rollout) = kept.book.open() else { return Vec::new() };
    let Some(dossier) = kept.dossiers.get(&rollout.dossier) else { return Vec::new() };
    let mut cells: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for wave in dossier.course.waves.iter().skip(rollout.state.wave) {
        for (cell, alarm) in wave.cells.iter().flat_map(|cell| wave.alarms.iter().map(move |alarm| (cell, alarm))) {
            let name = dossier.cells.get(cell).and_then(|cell| cell.alarms.get(alarm));
            if name.is_some_and(|name| lost.contains(name)) {
                cells.entry(alarm).or_default().insert(cell);
            }
        }
    }
    let one = |(alarm, cells): (&String, BTreeSet<&String>)| Notice {
        kind: NoticeKind::Hazard,
        code: None,
        message: format!(
            "the rollout of {} of {of} watches {alarm}, which this takes away in {}: without data it does not pass, and stops or goes back. Let it end first, or keep the alarm until it has",
            rollout.state.version,
            counted(cells.len(), "cell")
        ),
        addresses: std::iter::once(of.to_owned()).chain(cells.into_iter().cloned()).collect(),
        allow: None,
    };
    cells.into_iter().map(one).collect()
}
