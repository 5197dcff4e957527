//! Reading by the fewest calls: the formulas of the number of calls, every term named, at three sizes of fleet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Depth, Reading};
use crate::apply::tests::bench::{Bench, dawn, only};
use crate::apply::tests::cloud::{MANAGEMENT, ROOT_ID, Set};
use crate::plan::desired::{AccountWish, Desired, Wanted, WantedPrincipal};
use crate::plan::model::{Fields, Place};
use crate::plan::scope::Scope;
use crate::provider::{Account, AccountState, Failure, Given, Principal, PrincipalKind, SetFields, Unit};
use crate::registry::record::{self, Entry, Record};
use crate::registry::store::{Owner, Store as _};
use crate::resources::ResourceKind;

/// Units below the root.
const UNITS: usize = 3;
/// Threads that read.
const LANES: usize = 8;

/// How large a fleet is.
#[derive(Debug, Clone, Copy)]
struct Size {
    accounts: usize,
    sets: usize,
    groups: usize,
    assignments: usize,
    /// What the design says of reading by principal, calls that list units left out.
    by_principal: usize,
    /// Likewise by pair: pairs, and the rest.
    by_pair: (usize, usize),
}

const SIZES: [Size; 3] = [
    Size { accounts: 20, sets: 6, groups: 8, assignments: 240, by_principal: 57, by_pair: (127, 49) },
    Size { accounts: 200, sets: 15, groups: 30, assignments: 6_000, by_principal: 194, by_pair: (3_031, 134) },
    Size { accounts: 1_000, sets: 20, groups: 60, assignments: 60_000, by_principal: 834, by_pair: (20_201, 234) },
];

/// Terms by name; shown when the sum is passed.
struct Formula(Vec<(&'static str, usize)>);

impl Formula {
    fn sum(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    fn without(&self, names: &[&str]) -> usize {
        self.0.iter().filter(|(name, _)| !names.contains(name)).map(|(_, count)| count).sum()
    }

    #[track_caller]
    fn bounds(&self, size: impl std::fmt::Debug, calls: &BTreeMap<String, u64>) {
        let sent = calls.values().sum::<u64>() as usize;
        assert!(sent <= self.sum(), "{size:?}: {sent} calls > {} = {:#?}; sent: {calls:#?}", self.sum(), self.0);
    }
}

/// The terms that every reading of a whole program has.
fn base(size: Size) -> Vec<(&'static str, usize)> {
    let Size { accounts, sets, groups, .. } = size;
    vec![
        ("DescribeOrganization, ListRoots, ListInstances", 3),
        ("accounts: ⌈A/20⌉", accounts.div_ceil(20)),
        ("L, units: O + 1", UNITS + 1),
        ("names of groups: G", groups),
        ("sets: ⌈P/100⌉", sets.div_ceil(100)),
        ("describe, inline, managed, customer, boundary, tags: 6P", 6 * sets),
        (STALE, sets),
    ]
}

/// Nothing is half applied here, and yet each set has to be asked once.
const STALE: &str = "half applied: Σ_p max(1, ⌈stale_p/100⌉)";
const UNITS_LISTED: &str = "L, units: O + 1";

fn by_principal(size: Size) -> Formula {
    let each = (size.assignments / size.groups).div_ceil(100);
    let mut terms = base(size);
    terms.push(("assignments by principal: Σ_g ⌈n_g/100⌉", size.groups * each));
    Formula(terms)
}

fn by_pair(size: Size) -> Formula {
    let mut terms = base(size);
    terms.push(("accounts of sets: Σ_p ⌈A_p/100⌉", size.sets * size.accounts.div_ceil(100)));
    terms.push(("assignments by pair: E", size.accounts * size.sets));
    Formula(terms)
}

fn place(entity: &str) -> Place {
    Place { entity: entity.to_owned(), file: "main.cell".to_owned(), line: 1, column: 1 }
}

fn cell(at: usize) -> String {
    format!("cell.c{at:04}")
}

fn set(at: usize) -> String {
    format!("permission_set.S{at:02}")
}

fn group(at: usize) -> String {
    format!("group.g{at:02}")
}

fn wanted(kind: ResourceKind, fields: Json, shown: Json, entity: &str) -> Wanted {
    let of = |value: Json| match value {
        Json::Object(fields) => fields.into_iter().collect(),
        _ => Fields::new(),
    };
    let account = (kind == ResourceKind::Account).then(AccountWish::default);
    Wanted { kind, fields: of(fields), shown: of(shown), protect: false, account, sources: vec![place(entity)] }
}

/// A fleet where every account has every set, each for the same number of groups.
struct Fleet {
    bench: Bench,
    desired: Desired,
}

impl Fleet {
    fn new(size: Size) -> Self {
        let (bench, mut desired) = (Bench::new(), Desired::default());
        let mut record = Record { format_version: record::FORMAT_VERSION.to_owned(), ..Record::default() };
        let mut note = |desired: &mut Desired, address: String, id: &str, wanted: Wanted| {
            let (kind, fields) = (wanted.kind.name().to_owned(), wanted.fields.clone());
            let entry = Entry {
                kind,
                id: id.to_owned(),
                fields,
                in_force: None,
                protect: false,
                applied_at: dawn(),
                run: "r".to_owned(),
            };
            record.resources.insert(address.clone(), entry);
            desired.resources.insert(address, wanted);
        };
        bench.cloud.edit(|state| _ = state.accounts.remove(MANAGEMENT));
        for at in 0..UNITS {
            let (address, id, name) = (format!("ou.u{at}"), format!("ou-{at}"), format!("u{at}"));
            let fields = json!({ "name": name, "parent": "root", "tags": {} });
            note(&mut desired, address.clone(), &id, wanted(ResourceKind::Ou, fields, Json::Null, &address));
            let unit = Unit { id: id.clone(), parent: ROOT_ID.to_owned(), name };
            bench.cloud.edit(|state| _ = state.units.insert(id, unit));
        }
        for at in 0..size.accounts {
            let (address, id, unit) = (cell(at), format!("{at:012}"), at % UNITS);
            let (name, email) = (format!("c{at}"), format!("c{at}@x.example"));
            let fields = json!({ "name": name, "email": email, "ou": format!("ou.u{unit}"), "tags": {} });
            note(&mut desired, address.clone(), &id, wanted(ResourceKind::Account, fields, Json::Null, &address));
            let (state, parent) = (AccountState::Active, Some(format!("ou-{unit}")));
            let account = Account { id: id.clone(), name, email, state, parent };
            bench.cloud.edit(|cloud| _ = cloud.accounts.insert(id, account));
        }
        for at in 0..size.sets {
            let (address, arn, name) =
                (set(at), format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{at}"), format!("S{at:02}"));
            let fields = json!({ "name": name, "session": "PT1H", "tags": {} });
            note(
                &mut desired,
                address.clone(),
                &arn,
                wanted(ResourceKind::PermissionSet, fields, Json::Null, &address),
            );
            let fields = SetFields { name, session: Some("PT1H".to_owned()), ..SetFields::default() };
            bench.cloud.edit(|state| _ = state.sets.insert(arn, Set { fields, ..Set::default() }));
        }
        for at in 0..size.groups {
            let (kind, name) = (PrincipalKind::Group, format!("g{at:02}"));
            let place = place(&group(at));
            desired.principals.insert(group(at), WantedPrincipal { kind, name: name.clone(), place });
            bench.cloud.edit(|state| _ = state.people.insert((kind, name), format!("id-{at}")));
        }
        let each = size.assignments / (size.accounts * size.sets);
        let mut given = Vec::new();
        for (number, (account, of)) in
            (0..size.accounts).flat_map(|a| (0..size.sets).map(move |s| (a, s))).enumerate()
        {
            for to in (0..each).map(|more| (number * each + more) % size.groups) {
                let address = format!("assignment.S{of:02}/{}/{}", group(to), cell(account));
                let shown = json!({ "permission_set": set(of), "principal": group(to), "target": cell(account) });
                note(&mut desired, address, "", wanted(ResourceKind::Assignment, Json::Null, shown, "grant.all"));
                let principal = Principal { kind: PrincipalKind::Group, id: format!("id-{to}") };
                given.push(Given {
                    set: format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{of}"),
                    principal,
                    account: format!("{account:012}"),
                });
            }
        }
        assert_eq!(given.len(), size.assignments);
        bench.cloud.edit(|state| given.iter().for_each(|given| state.give(given)));
        let owner = Owner { run: "r".into(), who: "t".into(), process: 1, command: "apply".into(), since: dawn() };
        let lease = bench.store.lock(&owner).unwrap();
        bench.store.save(&lease, &record.to_bytes().unwrap(), None).unwrap();
        bench.store.unlock(&lease).unwrap();
        Self { bench, desired }
    }

    /// What a reading sends, and how it was done.
    fn reads(&self, scope: &Scope, depth: Depth) -> (BTreeMap<String, u64>, Reading) {
        self.bench.cloud.count_anew();
        let live = self.bench.read(&self.desired, scope, depth).unwrap();
        (self.bench.cloud.requests(), live.reading)
    }
}

#[test]
fn the_formulas_are_those_of_the_design() {
    for size in SIZES {
        assert_eq!(by_principal(size).without(&[STALE, UNITS_LISTED]), size.by_principal, "{size:?}");
        // The design lists the sets a second time when it reads by pair.
        let listed_again = size.sets.div_ceil(100);
        let (pairs, rest) = size.by_pair;
        assert_eq!(by_pair(size).without(&[STALE, UNITS_LISTED]) + listed_again, pairs + rest, "{size:?}");
    }
}

#[test]
fn reading_costs_no_more_than_the_formulas() {
    for size in SIZES {
        let fleet = Fleet::new(size);
        all_is_read(size, &fleet);
        a_part_is_read(size, &fleet);
    }
}

fn all_is_read(size: Size, fleet: &Fleet) {
    let whole = Scope::default();
    let (calls, reading) = fleet.reads(&whole, Depth::Plan);
    by_principal(size).bounds(size, &calls);
    assert_eq!(reading, Reading::ByPrincipal { principals: size.groups });

    // To look for drift everything is read by pair, and the tags of all that is owned.
    let (calls, reading) = fleet.reads(&whole, Depth::Drift);
    let mut formula = by_pair(size);
    formula.0.push(("tags of all that is owned: A + O", size.accounts + UNITS));
    formula.bounds(size, &calls);
    assert_eq!(reading, Reading::ByPair { pairs: size.accounts * size.sets });

    // Where the caller may not read by principal, at most the threads that run find out.
    // One of the two refusals for each size.
    let refusals = [Failure::Denied, Failure::Unsupported];
    for failure in refusals.into_iter().skip(size.sets % 2).take(1) {
        fleet.bench.cloud.refuse("sso:ListAccountAssignmentsForPrincipal", failure);
        let (calls, reading) = fleet.reads(&whole, Depth::Plan);
        let mut formula = by_pair(size);
        formula.0.push(("refused: one a thread", LANES));
        formula.bounds(size, &calls);
        assert_eq!(reading, Reading::ByPair { pairs: size.accounts * size.sets });
        fleet.bench.cloud.mend();
    }
}

/// A part costs by its own size, whatever the size of the fleet.
fn a_part_is_read(size: Size, fleet: &Fleet) {
    let groups = (size.assignments / size.accounts).min(size.groups);
    let formula = Formula(vec![
        ("DescribeOrganization, ListRoots, ListInstances", 3),
        ("the account", 1),
        ("its tags, since it is named", 1),
        ("its unit, and what is above it", 2),
        ("names of its groups", groups),
        ("its pairs", size.sets),
    ]);
    let (calls, reading) = fleet.reads(&only(&["cell.c0007"]), Depth::Plan);
    formula.bounds(size, &calls);
    assert_eq!(reading, Reading::Scoped { pairs: size.sets });

    let one = fleet.desired.resources.keys().find(|address| address.starts_with("assignment.")).unwrap();
    let formula = Formula(vec![
        ("DescribeOrganization, ListRoots, ListInstances", 3),
        ("its account", 1),
        ("the account's unit, and what is above it", 2),
        ("the name of its group", 1),
        ("its pair", 1),
    ]);
    let (calls, reading) = fleet.reads(&only(&[one]), Depth::Plan);
    formula.bounds(size, &calls);
    assert_eq!(reading, Reading::Scoped { pairs: 1 });

    // A set is given in every account: its people are asked, not its pairs, and accounts are listed, not described.
    let groups: BTreeSet<&str> = fleet
        .desired
        .resources
        .keys()
        .filter(|address| address.starts_with("assignment.S00/"))
        .filter_map(|address| address.split('/').nth(1))
        .collect();
    let few = size.accounts <= 60;
    let formula = Formula(vec![
        ("DescribeOrganization, ListRoots, ListInstances", 3),
        ("accounts, and units: ⌈A/20⌉ + O + 1", (size.accounts + 1).div_ceil(20) + UNITS + 1),
        ("names of its groups", groups.len()),
        ("the set: describe, five of it, older forms", 7),
        ("where it is given: ⌈A/100⌉", size.accounts.div_ceil(100)),
        ("its pairs, or what its groups have", if few { size.accounts } else { by_groups(fleet, &groups) }),
    ]);
    let (calls, reading) = fleet.reads(&only(&["permission_set.S00"]), Depth::Plan);
    formula.bounds(size, &calls);
    let by_principal = Reading::ByPrincipal { principals: groups.len() };
    assert_eq!(reading, if few { Reading::Scoped { pairs: size.accounts } } else { by_principal });
}

/// Σ ⌈n_g/100⌉ of some groups.
fn by_groups(fleet: &Fleet, groups: &BTreeSet<&str>) -> usize {
    let of = |group: &&str| {
        let all = fleet.desired.resources.keys().filter(|address| address.starts_with("assignment."));
        all.filter(|address| address.split('/').nth(1) == Some(*group)).count().div_ceil(100)
    };
    groups.iter().map(of).sum()
}

#[test]
fn a_list_without_paths_costs_a_list_for_each_unit() {
    let size = SIZES[1];
    let fleet = Fleet::new(size);
    fleet.bench.cloud.without_paths();
    let (calls, _) = fleet.reads(&Scope::default(), Depth::Plan);
    let mut formula = by_principal(size);
    let below = |unit: usize| (0..size.accounts).filter(|at| at % UNITS == unit).count().div_ceil(20);
    let listed: usize = (0..UNITS).map(below).sum();
    formula.0.push(("accounts by parent: 1 + Σ ⌈A_o/20⌉", 1 + listed));
    formula.bounds(size, &calls);
}

#[test]
fn a_program_that_asks_for_nothing_asks_nothing() {
    let bench = Bench::new();
    bench.read(&Desired::default(), &Scope::default(), Depth::Plan).unwrap();
    assert_eq!(bench.cloud.requests(), BTreeMap::new());
}
