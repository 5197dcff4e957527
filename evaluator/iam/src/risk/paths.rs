//! Ways to more power that a change completes. Owns when a known path is complete in what a principal may do, and
//! which piece of it arrived.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;
use smol_str::{SmolStr, ToSmolStr};

use super::people::people;
use super::power::is_administrator;
use super::{Breadth, Severity, breadth, narrows};
use crate::access::Access;
use crate::catalogue::{Catalogue, Service};
use crate::condition::Truth;
use crate::data::packed::glob;
use crate::data::paths::{Kind, Path, Paths};
use crate::engine::Engine;
use crate::region::{Glob, Need, Region};

/// Passing a role to a service.
const PASS_ROLE: &str = "iam:PassRole";

/// The condition key that says which service a role is passed to, in lower case.
const PASSED_TO: &str = "iam:passedtoservice";

/// Pieces that change a role, which IAM refuses for some, or pass one, which only their own service takes.
const ON_ROLES: [&str; 4] = ["iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", PASS_ROLE];

/// Paths of roles that only AWS changes, and whose trust it has settled: those of [Identity Center](https://repost.aws/knowledge-center/identity-center-aws-reserved-sso),
/// and those that are [linked to a
/// service](https://botocore.amazonaws.com/v1/documentation/api/latest/reference/services/iam/client/exceptions/UnmodifiableEntityException.html).
const RESERVED: [&str; 2] = ["role/aws-reserved/", "role/aws-service-role/"];

/// A path that a change completes or widens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completed {
    /// Its id, as pathfinding.cloud has it: `lambda-001`.
    pub id: SmolStr,
    /// In which manner it gives more power.
    pub kind: Kind,
    /// The pieces that the change brings, or brings on more resources.
    pub arrived: Vec<SmolStr>,
    /// The pieces that were there.
    pub had: Vec<SmolStr>,
    /// Whether the path was not complete before.
    pub newly: bool,
    /// The widest reach of what arrived.
    pub breadth: Breadth,
    /// The condition keys without which a piece is not to be had, and that narrow it: not what the principal is, nor the
    /// service that a role is passed to. Ordered.
    pub bounded_by: Vec<SmolStr>,
}

impl Completed {
    /// How urgent it is. What takes over something that has a role is as strong as that role, and a piece on
    /// resources that are named one by one is bounded by them. A condition on a piece is named and lowers nothing: whether
    /// it holds anybody back is not known.
    pub fn severity(&self) -> Severity {
        severity(self.kind, self.breadth)
    }
}

fn severity(kind: Kind, breadth: Breadth) -> Severity {
    let grave = kind != Kind::ExistingPassrole && breadth <= Breadth::Many;
    if grave { Severity::Critical } else { Severity::High }
}

/// The paths that are complete in `new`, for one and the same person, and of which `gained` (the gains from `old` to
/// `new`) brings a piece. Of paths
/// that contain one another the smallest is told. None where the principal was an administrator already: there is no
/// more power.
pub fn escalations(
    engine: &mut Engine<'_>,
    old: &Access,
    new: &Access,
    gained: &[Region],
    paths: &Paths,
) -> Vec<Completed> {
    let catalogue = engine.catalogue();
    let touched = |path: &&Path| path.needs.iter().any(|need| gained.iter().any(|region| has(region, need)));
    let candidates: Vec<&Path> = paths.paths.iter().filter(touched).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let pieces = only(catalogue, paths, candidates.iter().flat_map(|path| &path.needs));
    let mut small = Engine::new(&pieces);
    let after = small.space(new);
    let candidates: Vec<&Path> = candidates.into_iter().filter(|path| complete(path, &after, catalogue)).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let mut found: IndexMap<SmolStr, Completed> = IndexMap::new();
    for person in people(old, new, &after) {
        let (old, new) = (&person.as_in(old), &person.as_in(new));
        let (before, after) = (small.space(old), small.space(new));
        let gained = small.diff(old, new).gained;
        for path in candidates.iter().filter(|path| complete(path, &after, catalogue)) {
            let Some(own) = completed(path, (&before, &after, &gained), catalogue) else { continue };
            match found.get_mut(&own.id) {
                Some(other) if other.severity() <= own.severity() => {}
                Some(other) => *other = own,
                None => _ = found.insert(own.id.clone(), own),
            }
        }
    }
    let found: Vec<Completed> = found.into_values().collect();
    // Who certainly was an administrator has all power.
    if found.is_empty() || is_administrator(engine, old, paths) == Truth::Yes {
        return Vec::new();
    }
    smallest(found)
}

/// Whether an access gives itself power: without a condition, and on more than named resources.
pub(super) fn gains_power(access: &Access, catalogue: &Catalogue, paths: &Paths) -> bool {
    let own: Vec<&Path> = paths.paths.iter().filter(|path| path.kind == Kind::SelfEscalation).collect();
    let pieces = only(catalogue, paths, own.iter().flat_map(|path| &path.needs));
    let mut space = Engine::new(&pieces).space(access);
    space.retain(|region| {
        region.when.iter().any(Vec::is_empty) && breadth::of_region(region, catalogue) <= Breadth::Many
    });
    own.iter().any(|path| complete(path, &space, catalogue))
}

/// The catalogue of these actions alone, on the resources on which they are pieces.
fn only<'a>(catalogue: &Catalogue, paths: &Paths, actions: impl Iterator<Item = &'a SmolStr>) -> Catalogue {
    let wanted: BTreeSet<&SmolStr> = actions.collect();
    let mut services: IndexMap<SmolStr, Service> = IndexMap::new();
    for action in wanted {
        let (Some((prefix, _)), Some((service, known))) = (action.split_once(':'), catalogue.action(action)) else {
            continue;
        };
        let empty =
            || Service { actions: Vec::new(), resources: service.resources.clone(), keys: service.keys.clone() };
        let mut piece = known.clone();
        if let Some(types) = paths.on.get(action) {
            let name = |at: &u16| service.resources.get(usize::from(*at)).map(|kind| &kind.name);
            piece.resources.retain(|at| name(at).is_some_and(|name| types.contains(name)));
        }
        services.entry(prefix.to_smolstr()).or_insert_with(empty).actions.push(piece);
    }
    Catalogue { date: catalogue.date.clone(), services, globals: catalogue.globals.clone() }
}

fn has(region: &Region, action: &str) -> bool {
    region.actions.known.iter().any(|known| known == action)
}

/// Whether each piece of a path is in these regions.
fn complete(path: &Path, regions: &[Region], catalogue: &Catalogue) -> bool {
    path.needs.iter().all(|need| regions.iter().any(|region| gives(region, path, need, catalogue)))
}

/// Whether a region gives a piece of a path: `iam:PassRole` to one of its services, and for a path that counts only
/// when wide, on more than named resources.
fn gives(region: &Region, path: &Path, need: &str, catalogue: &Catalogue) -> bool {
    has(region, need)
        && (!ON_ROLES.contains(&need) || !region.resources.iter().all(is_reserved))
        && (need != PASS_ROLE || path.to.iter().any(|service| passes_to(region, service)))
        && (!path.wide || breadth::of_region(region, catalogue) <= Breadth::Many)
}

/// Whether a resource is a role that only AWS changes.
fn is_reserved(resource: &Glob) -> bool {
    let name = |text: &SmolStr| {
        let name = text.splitn(6, ':').nth(5).unwrap_or_default();
        RESERVED.iter().any(|path| name.starts_with(path))
    };
    name(&resource.glob) || resource.and.iter().any(name)
}

/// Whether a region passes roles to a service. A request to pass a role always says to which.
fn passes_to(region: &Region, service: &str) -> bool {
    region.more || region.when.is_empty() || region.when.iter().any(|needs| passes(needs, service))
}

/// Whether a role is passed to a service under these conditions.
fn passes(needs: &[Need], service: &str) -> bool {
    needs.iter().all(|need| match need {
        Need::Value { key, values } if key.eq_ignore_ascii_case(PASSED_TO) => takes(&values.of, service),
        Need::Contains { key, values } if key.eq_ignore_ascii_case(PASSED_TO) => takes(values, service),
        _ => true,
    })
}

/// The keys that bound a piece in a region; none where one of its alternatives asks for nothing that does.
fn bounds(region: &Region, path: &Path, need: &str) -> Vec<SmolStr> {
    if region.more {
        return Vec::new();
    }
    let own = |needs: &&Vec<Need>| need != PASS_ROLE || path.to.iter().any(|service| passes(needs, service));
    let mut all = Vec::new();
    for needs in region.when.iter().filter(own) {
        // The service that a role is passed to is the way's own.
        let before = all.len();
        all.extend(
            needs.iter().filter(|need| narrows(need)).map(key_of).filter(|key| !key.eq_ignore_ascii_case(PASSED_TO)),
        );
        if all.len() == before {
            return Vec::new();
        }
    }
    all.into_iter().cloned().collect()
}

fn key_of(need: &Need) -> &SmolStr {
    match need {
        Need::Value { key, .. } | Need::Contains { key, .. } | Need::Lacks { key, .. } => key,
    }
}

fn takes(values: &[Glob], service: &str) -> bool {
    values.iter().any(|of| {
        glob(&of.glob, service)
            && of.and.iter().all(|and| glob(and, service))
            && !of.except.iter().any(|except| glob(except, service))
    })
}

/// A path whose pieces are there; none where none of them arrived. `before` and `after` are all that is allowed.
fn completed(
    path: &Path,
    (before, after, gained): (&[Region], &[Region], &[Region]),
    catalogue: &Catalogue,
) -> Option<Completed> {
    // Of the regions that give a piece, the one that makes it gravest.
    let gravest = |need: &SmolStr, regions: &[Region]| {
        let giving = regions.iter().filter(|region| gives(region, path, need, catalogue));
        let each = giving.map(|region| (breadth::of_region(region, catalogue), bounds(region, path, need)));
        each.min_by_key(|(breadth, bounds)| (severity(path.kind, *breadth), !bounds.is_empty(), *breadth))
    };
    let (mut arrived, mut had, mut bounded_by, mut widest) = (Vec::new(), Vec::new(), Vec::new(), None);
    for need in &path.needs {
        let found = match gravest(need, gained) {
            Some((breadth, bounds)) => {
                arrived.push(need.clone());
                widest = Some(widest.map_or(breadth, |widest: Breadth| widest.min(breadth)));
                Some(bounds)
            }
            None => {
                had.push(need.clone());
                gravest(need, after).map(|(_, bounds)| bounds)
            }
        };
        bounded_by.extend(found.unwrap_or_default());
    }
    bounded_by.sort();
    bounded_by.dedup();
    let newly = !complete(path, before, catalogue);
    Some(Completed { id: path.id.clone(), kind: path.kind, arrived, had, newly, breadth: widest?, bounded_by })
}

/// Without the paths that need all that another needs, and more.
fn smallest(found: Vec<Completed>) -> Vec<Completed> {
    let needs = |path: &Completed| -> BTreeSet<SmolStr> { path.arrived.iter().chain(&path.had).cloned().collect() };
    let sets: Vec<_> = found.iter().map(needs).collect();
    let larger = |at: usize| {
        sets.iter()
            .enumerate()
            .any(|(other, set)| other != at && set.is_subset(&sets[at]) && set.len() < sets[at].len())
    };
    let keep: Vec<bool> = (0..found.len()).map(|at| !larger(at)).collect();
    found.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(path, _)| path).collect()
}
