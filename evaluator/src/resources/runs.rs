//! Resources as runs, in the order of addresses. Owns that order and how a run is cut; what a run makes is its
//! family's.
//!
//! INVARIANT: the addresses of a run all begin with its key, no other address does, and no key begins with another.
//! So runs in the order of their keys are resources in the order of their addresses, and no million is ever sorted.

use std::ops::Range;

use rayon::prelude::*;
use smol_str::SmolStr;

use super::access::Assignments;
use super::deployments::{Deployments, Place};
use super::{Plan, Resource, access, deployments, ground, singles};
use crate::rules::fleet::Fleet;
use crate::world::World;

/// Resources that are made at a time: few enough to stay in a core's cache until they are written.
const SHARE: usize = 256;

/// The resources of an expansion, by address; those that multiply are not made yet.
pub struct Resources<'w, 'p> {
    plan: Plan<'w, 'p>,
    places: Vec<Place>,
    runs: Vec<Run>,
    /// For each run, how many resources it and those before it come to at most.
    ends: Vec<usize>,
}

/// Resources whose addresses begin alike.
enum Run {
    One(Box<Resource>),
    Deployments(Deployments),
    Assignments(Assignments),
}

impl Run {
    fn key(&self) -> &SmolStr {
        match self {
            Self::One(resource) => &resource.address,
            Self::Deployments(run) => run.key(),
            Self::Assignments(run) => run.key(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Deployments(run) => run.len(),
            Self::Assignments(run) => run.len(),
        }
    }
}

impl std::fmt::Debug for Resources<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resources").field("runs", &self.runs.len()).finish_non_exhaustive()
    }
}

impl<'w, 'p> Resources<'w, 'p> {
    /// Those of an expansion. If the rules found no error in it, nothing that is made later has one.
    pub fn new(world: &'w World<'p>) -> Self {
        world.run(|| {
            let plan = Plan { world, fleet: Fleet::new(world) };
            let places: Vec<Place> = plan.fleet.cells.par_iter().map(|cell| Place::new(&plan, *cell)).collect();
            let mut runs: Vec<Run> = singles(&plan).into_iter().map(Box::new).map(Run::One).collect();
            runs.extend(deployments::deployments(&plan, &places).into_iter().map(Run::Deployments));
            Self::ordered(plan, places, runs)
        })
    }

    /// Those that decide who may do what, and no others: units, accounts, policies, permission sets and assignments.
    pub(crate) fn of_access(world: &'w World<'p>) -> Self {
        world.run(|| {
            let plan = Plan { world, fleet: Fleet::new(world) };
            let mut singles = Vec::new();
            ground(&plan, &mut singles);
            Self::ordered(plan, Vec::new(), singles.into_iter().map(Box::new).map(Run::One).collect())
        })
    }

    /// With the assignments, which all have.
    fn ordered(plan: Plan<'w, 'p>, places: Vec<Place>, mut runs: Vec<Run>) -> Self {
        runs.extend(access::assignments(&plan).into_iter().map(Run::Assignments));
        runs.par_sort_by(|a, b| a.key().cmp(b.key()));
        let mut end = 0;
        let ends = runs.iter().map(|run| {
            end += run.len();
            end
        });
        let ends = ends.collect();
        Self { plan, places, runs, ends }
    }

    /// All of them.
    pub fn collect(&self) -> Vec<Resource> {
        let make = || self.shares().into_par_iter().map(|share| self.make(share)).collect();
        let shares: Vec<Vec<Resource>> = self.plan.world.run(make);
        shares.into_iter().flatten().collect()
    }

    /// The parts in which they are made, in order; each stands alone.
    pub(crate) fn shares(&self) -> Vec<Range<usize>> {
        let all = self.ends.last().copied().unwrap_or(0);
        (0..all).step_by(SHARE).map(|start| start..all.min(start + SHARE)).collect()
    }

    /// Makes the resources of a part. To be called on a worker of the expansion ([`World::run`]).
    pub(crate) fn make(&self, share: Range<usize>) -> Vec<Resource> {
        let mut all = Vec::with_capacity(share.len());
        let mut at = self.ends.partition_point(|end| *end <= share.start);
        let mut begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        while let (Some(run), Some(end)) = (self.runs.get(at), self.ends.get(at).copied()) {
            if begin >= share.end {
                break;
            }
            let part = share.start.max(begin) - begin..share.end.min(end) - begin;
            match run {
                Run::One(resource) => all.push(Resource::clone(resource)),
                Run::Deployments(run) => run.make(&self.plan, &self.places, part, &mut all),
                Run::Assignments(run) => run.make(self.plan.world, part, &mut all),
            }
            (at, begin) = (at + 1, end);
        }
        all
    }
}
