//! Nodes of cells and accounts in their units, and of waves in their rollouts.

use std::collections::{BTreeMap, HashSet};

use cell_lang::schema::Kind;

use super::focus::{targets, units};
use super::{Edge, Group, Member, Node, Role, SHOWN, Sketch};
use crate::emit::text::printed;
use crate::rules::fleet::{Rollout, sound};
use crate::rules::read::Read;
use crate::value::{EntityId, Value};
use crate::world::World;

/// The kinds of cells, in the order in which a release reaches them.
const KINDS: [&str; 5] = ["dev", "alpha", "staging", "preprod", "prod"];

/// Regions that a node of many cells names.
const REGIONS: usize = 3;

/// Cells of one key are one node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Those in no unit come last.
    outside: bool,
    unit: Vec<String>,
    rank: usize,
    kind: String,
    cloud: String,
    /// Rollout and wave, by place.
    waves: Vec<(usize, usize)>,
}

impl Sketch<'_, '_> {
    /// Nodes for all that is kept, or for what waves and grants need of it.
    pub(super) fn cells(&mut self, all: bool, waves: bool, grants: bool) {
        let world = self.world;
        let given = if grants {
            sound(world, Kind::Grant).flat_map(|id| world.members(id, "on")).collect()
        } else {
            HashSet::new()
        };
        let granted = |id: EntityId| given.contains(&id);
        let mut by_key: BTreeMap<Key, Vec<EntityId>> = BTreeMap::new();
        for id in targets(world).filter(|id| self.focus.keeps_target(*id)) {
            let key = self.key(id, waves);
            let needed = all || (waves && !key.waves.is_empty()) || granted(id);
            if needed {
                by_key.entry(key).or_default().push(id);
            }
        }
        let mut unit = None;
        for (key, ids) in by_key {
            if unit.as_ref() != Some(&key.unit) {
                self.graph.groups.push(unit_group(world, &key.unit, ids.first().copied()));
                unit = Some(key.unit.clone());
            }
            let group = Some(self.graph.groups.len() - 1);
            let at = self.graph.nodes.len();
            self.node_of.extend(ids.iter().map(|id| (*id, at)));
            let members = ids.iter().map(|id| member(world, *id)).collect();
            let title = title(&key, ids.len());
            let notes = if ids.len() > SHOWN { vec![regions(world, &ids)] } else { Vec::new() };
            self.graph.nodes.push(Node { role: Role::Cells, title, members, notes, group });
        }
    }

    fn key(&self, id: EntityId, waves: bool) -> Key {
        let world = self.world;
        let mut unit: Vec<String> = units(world, id).into_iter().map(|unit| world.name(unit).to_owned()).collect();
        unit.reverse();
        let text = |field| world.text(id, field).map(ToString::to_string).unwrap_or_default();
        let kind = text("kind");
        let rank = KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len());
        let places =
            self.fleet.rollouts.iter().enumerate().filter(|_| waves).filter(|(_, r)| self.focus.keeps_rollout(r.id));
        let waves = places.flat_map(|(at, rollout)| rollout.waves_of(id).iter().map(move |wave| (at, *wave)));
        Key { outside: unit.is_empty(), unit, rank, kind, cloud: text("cloud"), waves: waves.collect() }
    }

    /// A frame for each rollout that reaches a cell of the picture, its waves in their order.
    pub(super) fn waves(&mut self) {
        let rollouts = std::mem::take(&mut self.fleet.rollouts);
        for rollout in &rollouts {
            let mut reaches = rollout.waves.iter().flat_map(|wave| &wave.cells);
            let drawn = reaches.any(|cell| self.node_of.contains_key(&cell.id));
            if drawn && self.focus.keeps_rollout(rollout.id) {
                self.rollout(rollout);
            }
        }
        self.fleet.rollouts = rollouts;
    }

    fn rollout(&mut self, rollout: &Rollout) {
        let address = self.world.address(rollout.id).to_owned();
        let title = format!("rollout {}", name(self.world, rollout.id));
        self.graph.groups.push(Group { title, address: Some(address.clone()) });
        let group = Some(self.graph.groups.len() - 1);
        let mut before = None;
        for (at, wave) in rollout.waves.iter().enumerate() {
            let node = self.graph.nodes.len();
            let mut notes = vec![counted(wave.cells.len(), "cell")];
            notes.extend(pace(self.world, &wave.block.fields, wave.block.spec));
            let member = Member { address: format!("{address}.{}", wave.label()), text: wave.label().to_owned() };
            let title = format!("{}. {}", at + 1, wave.label());
            self.graph.nodes.push(Node { role: Role::Wave, title, members: vec![member], notes, group });
            if let Some(before) = before.replace(node) {
                self.graph.edges.push(Edge { from: before, to: node, text: String::new(), count: 0 });
            }
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for cell in &wave.cells {
                if let Some(from) = self.node_of.get(&cell.id) {
                    *counts.entry(*from).or_default() += 1;
                }
            }
            for (from, count) in counts {
                self.graph.edges.push(Edge { from, to: node, text: String::new(), count });
            }
        }
    }
}

/// What a wave says of its pace: how many cells at once, how long it waits, whether somebody is asked.
fn pace(world: &World<'_>, fields: &[Value], spec: &cell_lang::schema::RecordSpec) -> Vec<String> {
    let field = |name| spec.position(name).and_then(|at| fields.get(at));
    let mut parts = Vec::new();
    if let Some(count) = field("parallel").and_then(Value::as_int).filter(|count| *count > 1) {
        parts.push(format!("{count} at once"));
    }
    parts.extend(field("bake").map(|bake| format!("bakes {}", printed(world, bake, 20))));
    if field("approval").and_then(Value::as_bool) == Some(true) {
        parts.push("asks first".to_owned());
    }
    let text = parts.join(", ");
    (!text.is_empty()).then_some(text).into_iter().collect()
}

fn unit_group(world: &World<'_>, path: &[String], first: Option<EntityId>) -> Group {
    let unit = first.and_then(|id| world.entity_at(id, "ou"));
    let title = if path.is_empty() { "no unit".to_owned() } else { format!("ou {}", path.join(" / ")) };
    Group { title, address: unit.map(|unit| world.address(unit).to_owned()) }
}

/// How many of the cells are in which region, the most first.
fn regions(world: &World<'_>, ids: &[EntityId]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for region in ids.iter().filter_map(|id| world.text(*id, "region")) {
        *counts.entry(region.as_str()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(region, count)| (std::cmp::Reverse(*count), *region));
    let shown = counts.iter().take(REGIONS).map(|(region, count)| format!("{count} in {region}"));
    let mut parts: Vec<String> = shown.collect();
    let more = counts.len().saturating_sub(REGIONS);
    parts.extend((more > 0).then(|| format!("{more} regions more")));
    parts.join(", ")
}

fn title(key: &Key, count: usize) -> String {
    if key.kind.is_empty() {
        return counted(count, "account");
    }
    let cloud = if key.cloud == "gcp" { " on gcp" } else { "" };
    format!("{}{cloud}: {}", key.kind, counted(count, "cell"))
}

fn member(world: &World<'_>, id: EntityId) -> Member {
    let address = world.address(id).to_owned();
    let name = name(world, id);
    let place = world.text(id, "region").map(|region| format!(" {region}")).unwrap_or_default();
    let own = world.text(id, "account_id").or_else(|| world.text(id, "project"));
    let own = own.map(|own| format!(" {own}")).unwrap_or_default();
    Member { address, text: format!("{name}{place}{own}") }
}

/// An address without its kind: `west.usw2-001`.
pub(super) fn name(world: &World<'_>, id: EntityId) -> String {
    let entity = world.entity(id);
    format!("{}{}", world.instance(entity.instance).prefix, entity.label)
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
