//! Who pulls from which ECR repository: what the outbounds of a program add up to. Owns the grouping, and the size
//! its policy comes to; the resource is made in `outbound`.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::schema::Kind;
use smol_str::SmolStr;

use super::Source;
use crate::limits;
use crate::rules::fleet::{Cloud, Fleet, sound};
use crate::rules::read::Read;
use crate::value::{BlockValue, EntityId};
use crate::world::World;

/// A repository and the cells that pull from it.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The account it is in.
    pub(crate) account: EntityId,
    /// Its name.
    pub(crate) name: SmolStr,
    /// The AWS cells that pull, in no order.
    pub(crate) cells: BTreeSet<EntityId>,
    /// The components whose images it holds.
    pub(crate) components: BTreeSet<EntityId>,
    /// The `to ecr_pull` blocks that ask for it, in the order of the outbounds.
    pub(crate) sources: Vec<Source>,
}

impl Repository {
    /// Are the cells too many to be named one by one? Then the policy asks for their place in the organization.
    pub(crate) fn by_paths(&self) -> bool {
        self.cells.len() > limits::ACCOUNT_PRINCIPALS.most
    }

    /// The characters that its policy has: the statement, and 33 for each account, or for each place in the
    /// organization its path (an organization's id, the root's, and 17 for each unit down).
    pub(crate) fn policy_size(&self, world: &World<'_>) -> usize {
        const STATEMENT: usize = 290;
        const ACCOUNT: usize = 33;
        const ROOT_PATH: usize = 26;
        const UNIT: usize = 17;
        if !self.by_paths() {
            return STATEMENT + ACCOUNT * self.cells.len();
        }
        let units: BTreeSet<Option<EntityId>> = self.cells.iter().map(|cell| world.entity_at(*cell, "ou")).collect();
        let path = |unit: Option<EntityId>| ROOT_PATH + UNIT * depth(world, unit);
        STATEMENT + units.into_iter().map(path).sum::<usize>()
    }
}

/// How many units down from the root a unit is; a circle is an error of its own and counts to its limit.
fn depth(world: &World<'_>, unit: Option<EntityId>) -> usize {
    std::iter::successors(unit, |unit| world.entity_at(*unit, "parent")).take(limits::OU_LEVELS.most + 1).count()
}

/// Every repository that is pulled from, by the address of its account and its name.
pub(crate) fn repositories(world: &World<'_>, fleet: &Fleet) -> Vec<Repository> {
    let mut all: BTreeMap<(&str, SmolStr), Repository> = BTreeMap::new();
    for outbound in sound(world, Kind::Outbound) {
        let from = world.members(outbound, "from").iter().filter_map(|id| fleet.cell(*id));
        let cells: Vec<EntityId> = from.filter(|cell| cell.cloud == Cloud::Aws).map(|cell| cell.id).collect();
        for block in world.blocks(outbound, "to").into_iter().filter(|block| block.spec.name == "ecr_pull") {
            for component in block.members("components").iter().filter(|id| world.ok(**id)) {
                let Some((account, name)) = ecr(world, *component) else { continue };
                let repository = all.entry((world.address(account), name.clone())).or_insert_with(|| Repository {
                    account,
                    name,
                    cells: BTreeSet::new(),
                    components: BTreeSet::new(),
                    sources: Vec::new(),
                });
                repository.cells.extend(&cells);
                repository.components.insert(*component);
                let source = Source { entity: outbound, part: Some(block.span) };
                if !repository.sources.contains(&source) {
                    repository.sources.push(source);
                }
            }
        }
    }
    all.into_values().collect()
}

/// The repository of a component's images, if it has one.
pub(crate) fn ecr(world: &World<'_>, component: EntityId) -> Option<(EntityId, SmolStr)> {
    let artifact: &BlockValue = world.block(component, "artifact")?;
    let account = artifact.entity_at("account").filter(|account| world.ok(*account))?;
    Some((account, artifact.text("repository")?.clone()))
}
