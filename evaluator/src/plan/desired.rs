//! What a program asks for at an instant: the first of the three ways.
//!
//! Owns reading the expansion into plain fields; knows no cloud and no record. A grant that has expired at the
//! instant is absent here, and said to be.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::schema::Kind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::generated;
use super::later;
use super::model::{Fields, Limits, Place, Roles, Unapplied};
use crate::emit;
use crate::limits;
use crate::provider::{ACCESS_ROLE, PrincipalKind};
use crate::registry::record::Record;
use crate::releases::wishes::{Wish, wishes};
use crate::resources::{Resource, ResourceKind, Resources, Source};
use crate::rules::read::Read as _;
use crate::signals::{Watched, watched};
use crate::stacks::{StackWish, TemplateBucket};
use crate::value::{EntityId, Value};
use crate::world::World;

/// The tag that marks what a program made; its value is the address.
pub const ADDRESS_TAG: &str = "cellc:address";
/// The tag of an account that waits for a cell; its value is the address that it had.
pub const PARKED_TAG: &str = "cellc:parked";
/// The root of the organization, where an address of a unit is wanted.
pub const ROOT: &str = "root";
/// The unit of accounts that wait for a cell, as an address.
pub const PARKING: &str = "parking";

/// What a program asks for.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The program's first file.
    pub source: String,
    /// The organization as the program has it.
    pub org: Org,
    /// Resources of kinds that this version applies, by address.
    pub resources: BTreeMap<String, Wanted>,
    /// Stacks, by address.
    pub stacks: BTreeMap<String, StackWish>,
    /// Groups and users, by address.
    pub principals: BTreeMap<String, WantedPrincipal>,
    /// `moved`: from and to, seen from the root, with a `*` at most in each.
    pub moved: Vec<(String, String)>,
    /// `removed`, by address.
    pub removed: BTreeMap<String, Removal>,
    /// What no stack holds though one could, and why.
    pub left_out: Vec<(String, String)>,
    /// Kinds that this version does not apply.
    pub unapplied: Vec<Unapplied>,
    /// Assignments that are absent since their grants expired, with the day.
    pub expired: BTreeMap<String, String>,
    /// The last day of each assignment that has one, by address.
    pub ends: BTreeMap<String, String>,
    /// Cells that have expired, with the day.
    pub expired_cells: BTreeMap<String, String>,
    /// The kind of each cell, by address.
    pub cells: BTreeMap<String, String>,
    /// The region of each cell, by address.
    pub regions: BTreeMap<String, String>,
    /// Cells as other tools read them, by address.
    pub published: BTreeMap<String, Json>,
    /// Cells on Google's cloud.
    pub gcp: Vec<String>,
    /// Permission sets whose changes go by waves.
    pub rolled: BTreeSet<String>,
    /// What is released, by address.
    pub releases: BTreeMap<String, Wish>,
    /// Its alarms, in each cell.
    pub watched: Vec<Watched>,
    /// Cells that are being drained.
    pub draining: BTreeSet<String>,
}

impl Desired {
    /// Tells whether it is the same, to the same version of the tool: another one may come to another digest. Where in its
    /// files the program says something does not matter.
    pub fn digest(&self) -> String {
        crate::digest::of_debug(&self.clone().without_places())
    }

    fn without_places(mut self) -> Self {
        self.resources.values_mut().for_each(|wanted| wanted.sources.clear());
        self.stacks.values_mut().for_each(|wish| wish.sources.clear());
        self.releases.values_mut().for_each(|wish| wish.place = None);
        self.principals.values_mut().for_each(|wanted| wanted.place = Place::default());
        self.removed.values_mut().for_each(|removal| removal.place = Place::default());
        self
    }
}

/// The organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Org {
    /// Its address; none when the program declares none.
    pub address: Option<String>,
    /// The management account it must be.
    pub management_account: Option<String>,
    /// The instance of Identity Center.
    pub identity_center: Option<String>,
    /// Identity Center's region.
    pub home_region: Option<String>,
    /// The partition of its accounts: `aws`.
    pub partition: String,
    /// The role by which accounts are entered to change what is in them, and with which new ones are made.
    pub access_role: String,
    /// The role by which accounts are entered to look only; none: [`Self::access_role`] does both.
    pub reader_role: Option<String>,
    /// The account that administers Identity Center for others.
    pub delegated_admin: Option<String>,
    /// Where the record lies.
    pub registry: Option<String>,
    /// The bucket of templates that are larger than a request takes, with `{region}` for the stack's.
    pub template_bucket: Option<String>,
    /// The name of the unit of parked accounts.
    pub parking: String,
    /// How the apply is held back.
    pub limits: Limits,
    /// The share of assignments, in thousandths of a per cent, above which their removal is braked.
    pub revoke_share: i64,
    /// How many assignments may be removed without a brake.
    pub revoke_count: u64,
    /// How many accounts AWS lets the organization have; none when the program does not say.
    pub accounts: Option<u64>,
    /// How many permission sets AWS lets the instance have.
    pub permission_sets: u64,
    /// How many of them it provisions in one account.
    pub account_sets: u64,
    /// How many policies it attaches to one of them.
    pub set_policies: u64,
}

impl Org {
    /// The roles by which its accounts are entered; none when it is the one that an organization makes, for both.
    pub fn roles(&self) -> Option<Roles> {
        let reader = self.reader_role.as_ref().unwrap_or(&self.access_role);
        let roles = Roles { access: self.access_role.clone(), reader: reader.clone() };
        (roles != Roles::default()).then_some(roles)
    }

    /// The bucket for templates of stacks in a region.
    pub fn templates(&self, region: &str) -> Option<TemplateBucket> {
        let setting = self.template_bucket.as_deref()?;
        Some(TemplateBucket::of(setting, region, self.home_region.as_deref()))
    }
}

impl Default for Org {
    fn default() -> Self {
        Self {
            address: None,
            management_account: None,
            identity_center: None,
            home_region: None,
            partition: "aws".to_owned(),
            access_role: ACCESS_ROLE.to_owned(),
            reader_role: None,
            delegated_admin: None,
            registry: None,
            template_bucket: None,
            parking: "cellc-parked".to_owned(),
            limits: Limits::default(),
            revoke_share: 10_000,
            revoke_count: 5,
            accounts: None,
            permission_sets: limits::SETS_AN_INSTANCE.most as u64,
            account_sets: limits::SETS_AN_ACCOUNT.most as u64,
            set_policies: limits::POLICIES_A_SET.most as u64,
        }
    }
}

/// A resource.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its fields as they are compared; empty for what its address says whole.
    pub fields: Fields,
    /// Fields that are shown and not compared.
    pub shown: Fields,
    /// Is its removal refused without a `removed` line?
    pub protect: bool,
    /// What is said of an account.
    pub account: Option<AccountWish>,
    /// Where the program says so.
    pub sources: Vec<Place>,
}

/// What a program says of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountWish {
    /// The id of one that exists.
    pub id: Option<String>,
    /// Does its own block, or its defaults, say the unit? Else one that exists stays where it is.
    pub own_unit: bool,
    /// Does its own block, or its defaults, say the name? Else one that exists keeps its name.
    pub own_name: bool,
    /// The kind of cell; none of an account on its own.
    pub cell: Option<String>,
}

/// A group or a user.
#[derive(Debug, Clone)]
pub struct WantedPrincipal {
    /// Which of the two.
    pub kind: PrincipalKind,
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
}

/// A `removed` line.
#[derive(Debug, Clone)]
pub struct Removal {
    /// `keep`, `park` or `close`; none for what has no account.
    pub fate: Option<String>,
    /// Where it stands.
    pub place: Place,
}

impl Desired {
    /// Reads an expansion at an instant.
    pub fn new(world: &World<'_>, resources: &[Resource], at: Timestamp) -> Self {
        let made = generated::Made::new(world);
        let mut desired = Self::read(world, resources, at, &|resource| made.carries(world, resource));
        (desired.stacks, desired.left_out) = (made.wishes, made.left_out);
        desired.releases = wishes(world, resources);
        desired.publish(world);
        desired.watched = watched(world, resources);
        desired
    }

    /// Reads what decides who may do what, and no more: no stacks, releases or alarms, nor cells as other tools read them.
    pub fn of_access(world: &World<'_>, at: Timestamp) -> Self {
        Self::read(world, &Resources::of_access(world).collect(), at, &|_| false)
    }

    /// Reads entities, and resources that no stack carries.
    fn read(world: &World<'_>, resources: &[Resource], at: Timestamp, carries: &dyn Fn(&Resource) -> bool) -> Self {
        let today = TimeZone::UTC.to_datetime(at).date();
        let mut desired = Self { source: emit::source(world).to_owned(), org: org(world), ..Self::default() };
        desired.read_entities(world, today);
        let mut unapplied: BTreeMap<ResourceKind, usize> = BTreeMap::new();
        // What is in cells is of releases, which have books of their own.
        let carried = |resource: &&Resource| carries(resource) || resource.kind == ResourceKind::Deployment;
        for resource in resources.iter().filter(|resource| !carried(resource)) {
            if !is_applied(resource.kind) {
                *unapplied.entry(resource.kind).or_default() += 1;
                continue;
            }
            match resource.field("expires") {
                // The last day counts whole, in UTC.
                Some(Value::Date(day)) if *day < today => {
                    desired.expired.insert(resource.address.to_string(), day.to_string());
                }
                ends => {
                    if let Some(Value::Date(day)) = ends {
                        desired.ends.insert(resource.address.to_string(), day.to_string());
                    }
                    desired.resources.insert(resource.address.to_string(), wanted(world, resource));
                }
            }
        }
        let counted = |(kind, count): (ResourceKind, usize)| Unapplied { kind: kind.name().to_owned(), count };
        desired.unapplied = unapplied.into_iter().map(counted).collect();
        desired
    }

    /// Reads cells as other tools do, and tells those that a target of make is called with.
    fn publish(&mut self, world: &World<'_>) {
        for id in world.of(Kind::Cell).iter().copied().filter(|id| world.ok(*id)) {
            let (address, published) = (world.address(id), emit::entity_json(world, id));
            let placed = self.releases.values_mut().filter_map(|wish| wish.cells.get_mut(address));
            placed.filter(|placed| placed.is_made()).for_each(|placed| placed.published = Some(published.clone()));
            self.published.insert(address.to_owned(), published);
        }
    }

    fn read_entities(&mut self, world: &World<'_>, today: jiff::civil::Date) {
        for (kind, which) in [(Kind::Group, PrincipalKind::Group), (Kind::User, PrincipalKind::User)] {
            for id in world.of(kind).iter().copied().filter(|id| world.ok(*id)) {
                let found =
                    WantedPrincipal { kind: which, name: world.name(id).to_owned(), place: place(world, id.into()) };
                self.principals.insert(world.address(id).to_owned(), found);
            }
        }
        for id in world.of(Kind::Cell).iter().copied().filter(|id| world.ok(*id)) {
            let address = world.address(id).to_owned();
            if world.is(id, "cloud", "gcp") {
                self.gcp.push(address.clone());
            }
            if let Some(Value::Date(day)) =
                world.get(id, "expires").filter(|day| matches!(day, Value::Date(day) if *day < today))
            {
                self.expired_cells.insert(address.clone(), day.to_string());
            }
            if world.is(id, "state", "draining") {
                self.draining.insert(address.clone());
            }
            if let Some(region) = world.str_field(id, "region") {
                self.regions.insert(address.clone(), region.to_owned());
            }
            self.cells.insert(address, world.str_field(id, "kind").unwrap_or_default().to_owned());
        }
        for id in world.of(Kind::PermissionSet).iter().copied() {
            if world.get(id, "rollout").is_some() {
                self.rolled.insert(world.address(id).to_owned());
            }
        }
        for (_, instance) in world.instances() {
            let Some(unit) = world.program().units.get(instance.unit.index()) else { continue };
            let full = |address: &str| format!("{}{address}", instance.prefix);
            self.moved.extend(unit.moved.iter().map(|moved| (full(&moved.from.0), full(&moved.to.0))));
            for removed in &unit.removed {
                let (address, span) = (full(&removed.from.0), removed.from.1);
                let place = place_at(world, address.clone(), span);
                self.removed
                    .insert(address, Removal { fate: removed.account.as_ref().map(ToString::to_string), place });
            }
        }
    }

    /// What has an account that documents and parameters of the program name, with one that names it, and where: the id is
    /// known once the account is made.
    pub fn accounts_named(&self) -> BTreeMap<String, (String, Option<Place>)> {
        let mut all = BTreeMap::new();
        let mut note = |value: &Json, by: &str, place: Option<&Place>| {
            for account in later::accounts_in(value) {
                all.entry(account).or_insert_with(|| (by.to_owned(), place.cloned()));
            }
        };
        for (address, wanted) in &self.resources {
            wanted.fields.values().for_each(|value| note(value, address, wanted.sources.first()));
        }
        for wish in self.releases.values() {
            let parameters = wish.cells.values().filter_map(|placed| placed.fields.get("parameters"));
            parameters.for_each(|value| note(value, &wish.of, wish.place.as_ref()));
        }
        all
    }

    /// The cells that have expired and that no apply has made, nor begun to make.
    pub fn expired_and_absent(&self, record: &Record) -> BTreeSet<String> {
        let published = |cell: &String| self.gcp.contains(cell) && record.cells.contains_key(cell);
        let there =
            |cell: &String| record.entry(cell).is_some() || record.pending.contains_key(cell) || published(cell);
        self.expired_cells.keys().filter(|cell| !there(cell)).cloned().collect()
    }

    /// Does it ask for nothing in the cloud?
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.stacks.is_empty()
    }

    /// Is `address` an entity's of the program, a resource's, or one of the organization?
    pub fn knows(&self, address: &str) -> bool {
        self.resources.contains_key(address)
            || self.stacks.contains_key(address)
            || self.principals.contains_key(address)
            || self.cells.contains_key(address)
    }

    /// Where the former address `from` is now by `moved` lines, one after the other; none when no line takes it.
    pub fn moved_to(&self, from: &str) -> Option<String> {
        // Nothing is declared that a line moves away from, so a chain ends; one of patterns that does not is no longer than they are many.
        std::iter::successors(self.moved_once(from), |at| self.moved_once(at)).take(self.moved.len()).last()
    }

    fn moved_once(&self, from: &str) -> Option<String> {
        self.moved.iter().find_map(|(pattern, to)| match (pattern.split_once('*'), to.split_once('*')) {
            (None, _) => (pattern == from).then(|| to.clone()),
            (Some((head, tail)), Some((to_head, to_tail))) => {
                let star = from.strip_prefix(head)?.strip_suffix(tail)?;
                Some(format!("{to_head}{star}{to_tail}"))
            }
            (Some(_), None) => None,
        })
    }
}

/// Is there a provider for this kind in this version? What stacks carry is [`generated`]'s to say.
pub fn is_applied(kind: ResourceKind) -> bool {
    use ResourceKind as K;
    match kind {
        K::Account
        | K::Deployment
        | K::Assignment
        | K::Ou
        | K::PermissionSet
        | K::RepositoryPolicy
        | K::Scp
        | K::ScpAttachment => true,
        K::Alarm
        | K::Budget
        | K::Dashboard
        | K::Endpoint
        | K::GcpProject
        | K::Pipeline
        | K::RoleTrust
        | K::Router
        | K::VpcEndpoint => false,
    }
}

fn org(world: &World<'_>) -> Org {
    let Some(id) = world.org().filter(|id| world.ok(*id)) else { return Org::default() };
    let text = |name: &str| world.str_field(id, name).map(str::to_owned);
    let plain = Org::default();
    let limits = world.block(id, "limits");
    let number = |name: &str, default: u64| {
        let said = limits.and_then(|block| block.amount(name));
        said.and_then(|number| u64::try_from(number).ok()).unwrap_or(default)
    };
    let share = limits.and_then(|block| match block.get("revoke_share") {
        // Decimals count in units of 1 / ONE: one per cent is a thousand of the thousandths that are kept.
        Some(Value::Percent(share)) => Some(share.0 / (cell_lang::value::Decimal::ONE / 1_000)),
        _ => None,
    });
    Org {
        address: Some(world.address(id).to_owned()),
        management_account: text("management_account"),
        identity_center: text("identity_center"),
        home_region: text("home_region"),
        partition: text("partition").unwrap_or(plain.partition),
        access_role: text("access_role").unwrap_or(plain.access_role),
        reader_role: text("reader_role"),
        delegated_admin: text("delegated_admin"),
        registry: text("registry"),
        template_bucket: text("template_bucket"),
        parking: text("parking").unwrap_or(plain.parking),
        limits: Limits {
            tps: number("tps", plain.limits.tps),
            organizations_tps: number("organizations_tps", plain.limits.organizations_tps),
            lanes: number("lanes", plain.limits.lanes),
            creations: number("creations", plain.limits.creations),
        },
        revoke_share: share.unwrap_or(plain.revoke_share),
        revoke_count: number("revoke_count", plain.revoke_count),
        accounts: limits.and_then(|block| block.amount("accounts")).and_then(|number| u64::try_from(number).ok()),
        permission_sets: number("permission_sets", plain.permission_sets),
        account_sets: number("account_sets", plain.account_sets),
        set_policies: number("set_policies", plain.set_policies),
    }
}

fn wanted(world: &World<'_>, resource: &Resource) -> Wanted {
    let json = |value: &Value| emit::to_json(world, value);
    let all: Fields = resource.fields().map(|(name, value)| (name.to_owned(), json(value))).collect();
    let sources: Vec<Place> = resource.sources.iter().map(|source| place(world, *source)).collect();
    let (compared, not_compared): (&[&str], bool) = match resource.kind {
        ResourceKind::Account => (&["email", "name", "ou", "tags"], false),
        ResourceKind::Assignment | ResourceKind::RepositoryPolicy | ResourceKind::ScpAttachment => (&[], true),
        ResourceKind::PermissionSet => (
            &[
                "name",
                "description",
                "session",
                "managed",
                "customer_managed",
                "inline",
                "boundary",
                "relay_state",
                "tags",
            ],
            false,
        ),
        _ => (&["name", "parent", "description", "content", "tags"], false),
    };
    let mut fields: Fields = all.iter().filter(|(name, _)| compared.contains(&name.as_str())).map(own).collect();
    let protect = matches!(all.get("protect"), Some(Json::Bool(true)));
    let shown = if not_compared { all } else { Fields::new() };
    match resource.kind {
        ResourceKind::Ou => {
            fields.entry("parent".to_owned()).or_insert_with(|| Json::from(ROOT));
        }
        ResourceKind::Scp => {
            fields.entry("description".to_owned()).or_insert_with(|| Json::from(""));
        }
        // A description can be changed and not taken away: AWS keeps one that an update leaves out, and takes no empty
        // one. (terraform-provider-aws issue 41897; CreatePermissionSet: at least one character)
        ResourceKind::PermissionSet => {
            fields.entry("description".to_owned()).or_insert_with(|| Json::from(resource.address.as_str()));
        }
        _ => {}
    }
    let entity = resource.sources.first().map(|source| source.entity);
    let account = entity.filter(|_| resource.kind == ResourceKind::Account).map(|id| wish(world, id));
    if !not_compared {
        let tags = fields.entry("tags".to_owned()).or_insert_with(|| Json::Object(serde_json::Map::new()));
        if let Json::Object(tags) = tags {
            tags.insert(ADDRESS_TAG.to_owned(), Json::from(resource.address.as_str()));
        }
    }
    Wanted { kind: resource.kind, fields, shown, protect, account, sources }
}

fn own((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}

fn wish(world: &World<'_>, id: EntityId) -> AccountWish {
    AccountWish {
        id: world.str_field(id, "account_id").map(str::to_owned),
        own_unit: world.setting(id, "ou").is_some(),
        own_name: world.setting(id, "name").is_some(),
        cell: (world.kind(id) == Kind::Cell).then(|| world.str_field(id, "kind").unwrap_or_default().to_owned()),
    }
}

/// Where a source stands.
pub(crate) fn place(world: &World<'_>, source: Source) -> Place {
    let span = source.part.unwrap_or_else(|| world.label_span(source.entity));
    place_at(world, world.address(source.entity).to_owned(), span)
}

fn place_at(world: &World<'_>, entity: String, span: cell_lang::source::Span) -> Place {
    let sources = &world.program().sources;
    let start = sources.range(span).0;
    Place {
        entity,
        file: sources.path(span.file).to_owned(),
        line: start.line as usize,
        column: start.column as usize,
    }
}
