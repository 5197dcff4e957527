//! What every stack is made from: the fleet, the resources of each cell, the accounts of deployment and monitoring. Owns how
//! those are found in a program; makes no template.

use std::collections::HashMap;

use cell_lang::schema::Kind;

use super::{LeftOut, Owner};
use crate::resources::{Resource, ResourceKind, naming, singles_of};
use crate::rollout::{Course, courses};
use crate::rules::fleet::{Cell, Cloud, DEPLOYMENT, Fleet, SHARED, sound};
use crate::rules::read::Read as _;
use crate::value::{EntityId, Value};
use crate::world::World;

/// A place of stacks that are no cell's.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The account's entity.
    pub(super) id: EntityId,
    /// The account.
    pub(super) owner: Owner,
    /// The region.
    pub(super) region: String,
}

/// The ground.
pub(super) struct Ground<'w, 'p> {
    pub(super) world: &'w World<'p>,
    pub(super) fleet: Fleet,
    pub(super) courses: Vec<Course>,
    resources: Vec<Resource>,
    by_cell: HashMap<EntityId, Vec<usize>>,
}

impl<'w, 'p> Ground<'w, 'p> {
    pub(super) fn new(world: &'w World<'p>) -> Self {
        let resources = world.run(|| singles_of(world));
        let mut by_cell: HashMap<EntityId, Vec<usize>> = HashMap::new();
        for (at, resource) in resources.iter().enumerate() {
            if let Some(Value::Ref(cell)) = resource.field("cell") {
                by_cell.entry(*cell).or_default().push(at);
            }
        }
        Self { world, fleet: Fleet::new(world), courses: courses(world), resources, by_cell }
    }

    /// What a cell has of a kind, by address.
    pub(super) fn of(&self, cell: EntityId, kind: ResourceKind) -> impl Iterator<Item = &Resource> {
        let all = self.by_cell.get(&cell).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<&Resource> =
            all.iter().filter_map(|at| self.resources.get(*at)).filter(|resource| resource.kind == kind).collect();
        found.sort_by(|a, b| a.address.cmp(&b.address));
        found.into_iter()
    }

    /// The cells that are not retired, by address.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.fleet.cells.iter().copied().filter(|cell| !cell.retired)
    }

    /// The account of a cell or an account.
    pub(super) fn owner(&self, id: EntityId) -> Owner {
        match self.world.text(id, "account_id") {
            Some(known) => Owner::Id(known.to_string()),
            None => Owner::Of(self.world.address(id).to_owned()),
        }
    }

    /// A cell's label with those of its modules.
    pub(super) fn label(&self, id: EntityId) -> String {
        naming::qualified(self.world, id).to_string()
    }

    /// A cell's region.
    pub(super) fn region(&self, cell: EntityId) -> &str {
        self.world.str_field(cell, "region").unwrap_or_default()
    }

    /// Where pipelines are, or why there are none.
    pub(super) fn deployment(&self, wanted_by: &str) -> Result<Place, LeftOut> {
        self.place(wanted_by, &[DEPLOYMENT], "pipelines are in it: `account deployment { … }`")
    }

    /// Where the view of all cells is, or why there is none.
    pub(super) fn monitoring(&self, wanted_by: &str) -> Result<Place, LeftOut> {
        self.place(wanted_by, &SHARED, "the view of all cells is in it: `account monitoring { … }`")
    }

    fn place(&self, wanted_by: &str, accounts: &[&str], help: &str) -> Result<Place, LeftOut> {
        let refused = |why: String, help: String| LeftOut {
            address: wanted_by.to_owned(),
            span: None,
            why,
            help,
            refused: false,
        };
        let found = accounts.iter().find_map(|address| self.world.find(address)).filter(|id| self.world.ok(*id));
        let id = found.ok_or_else(|| {
            let first = accounts.first().copied().unwrap_or_default();
            refused(format!("there is no `{first}`"), format!("declare the account; {help}"))
        })?;
        let org = self.world.org();
        let region = org.and_then(|org| self.world.text(org, "home_region")).ok_or_else(|| {
            let help = "say in which region the shared accounts work: `org … { home_region = \"us-west-2\" }`";
            refused("`org` says no `home_region`".to_owned(), help.to_owned())
        })?;
        Ok(Place { id, owner: self.owner(id), region: region.to_string() })
    }

    /// Where a cell's alarms are: on AWS in its own account and region, else in the account of monitoring.
    pub(super) fn alarms_of(&self, cell: Cell) -> Result<Place, LeftOut> {
        match cell.cloud {
            Cloud::Aws => {
                Ok(Place { id: cell.id, owner: self.owner(cell.id), region: self.region(cell.id).to_owned() })
            }
            Cloud::Gcp => self.monitoring(self.world.address(cell.id)),
        }
    }

    /// Alarms of the program, by address.
    pub(super) fn alarms(&self) -> Vec<EntityId> {
        sound(self.world, Kind::Alarm).collect()
    }

    /// Every account that a stack may name.
    pub(super) fn owners(&self) -> Vec<Owner> {
        let accounts = sound(self.world, Kind::Account);
        let cells = self.fleet.cells.iter().filter(|cell| cell.cloud == Cloud::Aws).map(|cell| cell.id);
        accounts.chain(cells).map(|id| self.owner(id)).collect()
    }
}
