//! One distinct change of access, decided and told. Owns which of its regions a limit lets through, which of them open
//! sessions keep, and what each comes to; whom the change is about is [`super::review`]'s.

use cell_iam::Engine;
use cell_iam::access::{Access, Part};
use cell_iam::region::{self, Region};
use cell_iam::risk::{self, Assessment, Class, Completed, Limit};
use smol_str::SmolStr;

use super::between;
use super::cases::{CaseId, Cases, NOTHING, alone};
use super::fingerprint;
use super::model::{Delta, Evidence, Statement, Time};
use super::moved::moved;
use super::review::{Known, Question};
use super::tell;
use crate::plan::model::Fields;

/// One distinct change, told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// What is gained, the gravest first.
    pub(super) gained: Vec<Delta>,
    /// What is lost at the next request.
    pub(super) lost: Vec<Delta>,
    /// What is lost with an assignment: sessions that are open keep it.
    pub(super) kept: Vec<Delta>,
    /// Does a limit that holds less let something of it through?
    pub(super) weakened: bool,
    /// Of all of it, uncut.
    pub(super) digest: String,
}

impl Told {
    /// Equal for equal changes, whichever request shows them.
    pub(super) fn shape(&self) -> String {
        let mut all = self.clone();
        all.deltas().for_each(|delta| delta.witness = None);
        // Data of our own can always be written.
        serde_json::to_string(&(&all.gained, &all.lost, &all.kept)).unwrap_or_default()
    }

    /// Is all of it told by others, with the same ways to more power?
    pub(super) fn is_told_by(&self, others: &[&Self]) -> bool {
        let same = |one: &Delta, other: &Delta| {
            (&one.actions, &one.future, &one.resources, &one.conditions, &one.risk)
                == (&other.actions, &other.future, &other.resources, &other.conditions, &other.risk)
        };
        let within = |all: fn(&Self) -> &Vec<Delta>| {
            all(self).iter().all(|one| others.iter().any(|other| all(other).iter().any(|other| same(one, other))))
        };
        within(|told| &told.gained) && within(|told| &told.lost) && within(|told| &told.kept)
    }

    fn deltas(&mut self) -> impl Iterator<Item = &mut Delta> {
        self.gained.iter_mut().chain(&mut self.lost).chain(&mut self.kept)
    }

    /// The same change in another cell.
    pub(super) fn moved(&self, cases: &Cases<'_>, (old, new): (CaseId, CaseId), (from, to): (&str, &str)) -> Self {
        let (home, there) = (cases.home(from), cases.home(to));
        if home == there {
            return self.clone();
        }
        let (old, new) = (cases.access_in(old, to), cases.access_in(new, to));
        let mut all = self.clone();
        for witness in all.deltas().filter_map(|delta| delta.witness.as_mut()) {
            *witness = moved(witness, &home, &there, &old, &new);
        }
        all
    }
}

/// Who decides changes.
pub(super) struct Judge<'a, 'p> {
    pub(super) question: &'a Question<'a>,
    pub(super) cases: &'a Cases<'p>,
    pub(super) known: Known,
    pub(super) engine: Engine<'static>,
    pub(super) evidence: Evidence,
}

/// The regions of a change.
#[derive(Debug, Default)]
struct Parts {
    by_sets: Vec<Region>,
    by_limits: Vec<Region>,
    lost: Vec<Region>,
    kept: Vec<Region>,
}

impl Judge<'_, '_> {
    /// What changes between two cases; none where nothing does.
    pub(super) fn change(&mut self, (old, new): (CaseId, CaseId), target: &str) -> Option<Told> {
        let (before, after) = (self.cases.access_in(old, target), self.cases.access_in(new, target));
        let delta = self.diff(&before, &after);
        if delta.gained.is_empty() && delta.lost.is_empty() {
            return None;
        }
        let parts = self.parts((&before, old), &after, delta);
        let gained: Vec<Region> = parts.by_sets.iter().chain(&parts.by_limits).cloned().collect();
        let lost: Vec<Region> = parts.lost.iter().chain(&parts.kept).cloned().collect();
        let completed = risk::escalations(&mut self.engine, &before, &after, &gained, self.known.paths);
        let administrator = risk::becomes_administrator(&mut self.engine, &before, &after, self.known.paths);
        let digest = fingerprint::of_change(&before, &after, &region::Delta { gained, lost, queries: 0 });
        let weakened = parts.by_limits.iter().map(|region| (region, true));
        let gained = parts.by_sets.iter().map(|region| (region, false)).chain(weakened);
        let mut gained: Vec<(Class, Delta)> =
            gained.map(|(region, weakened)| self.gain(region, weakened, administrator, &completed)).collect();
        // Among what is equally urgent the graver class gives the row its name.
        gained.sort_by_key(|(class, delta)| (delta.risk.severity, *class));
        let mut gained: Vec<Delta> = gained.into_iter().map(|(_, delta)| delta).collect();
        let mut lost: Vec<Delta> = parts.lost.iter().map(|region| self.loss(region)).collect();
        let named = self.named(&before, &after);
        let written = |delta: &Delta| delta.sources.iter().any(|one| one.policy.contains("permission_set."));
        for delta in gained.iter_mut().chain(&mut lost).filter(|delta| !written(delta)) {
            delta.sources.extend(named.iter().cloned());
        }
        Some(Told {
            gained,
            lost,
            kept: parts.kept.iter().map(|region| self.loss(region)).collect(),
            weakened: !parts.by_limits.is_empty(),
            digest,
        })
    }

    /// The regions by what gives and takes them.
    fn parts(&mut self, (before, old): (&Access, CaseId), after: &Access, delta: region::Delta) -> Parts {
        let mut parts = Parts { by_sets: delta.gained, lost: delta.lost, ..Parts::default() };
        let limits = between::under_both_limits(before, after).filter(|_| old != NOTHING);
        if let Some(limits) = limits.filter(|_| !parts.by_sets.is_empty()) {
            parts.by_sets = self.diff(before, &limits).gained;
            parts.by_limits = self.diff(&limits, after).gained;
            // What a set that is narrower now allowed is nobody's gain.
            let was = between::beside_what_was(before, after, &limits).filter(|_| !parts.by_limits.is_empty());
            if let Some(was) = was {
                parts.by_limits = self.diff(&was, after).gained;
            }
        }
        if parts.lost.is_empty() {
            return parts;
        }
        let question = self.question;
        if let Some(open) = between::with_open_sessions(before, after, &|name| set_now(question, name)) {
            parts.lost = self.diff(before, &open).lost;
            parts.kept = self.diff(&open, after).lost;
        }
        parts
    }

    fn diff(&mut self, old: &Access, new: &Access) -> region::Delta {
        let delta = self.engine.diff(old, new);
        self.evidence.queries += u64::from(delta.queries);
        delta
    }

    fn gain(&self, region: &Region, weakened: bool, administrator: bool, completed: &[Completed]) -> (Class, Delta) {
        let mut assessment = risk::assess(region, self.known.catalogue, self.known.lists);
        if weakened {
            assessment = assessment.weakened(Limit::Organization);
        }
        let brought = |path: &&Completed| path.arrived.iter().any(|action| tell::has(region, action));
        let own: Vec<Completed> = completed.iter().filter(brought).cloned().collect();
        assessment = assessment.escalates(&own);
        if administrator {
            assessment = assessment.administrator();
        }
        (assessment.class, self.told(region, &assessment, &own))
    }

    fn loss(&self, region: &Region) -> Delta {
        self.told(region, &risk::assess_loss(region, self.known.catalogue, self.known.lists), &[])
    }

    fn told(&self, region: &Region, assessment: &Assessment, completed: &[Completed]) -> Delta {
        tell::delta(region, assessment, completed, self.known.paths, &self.question.sources)
    }

    /// Where the program names the policies that change, for regions whose statements it does not write: the sets of
    /// this name whose lists of policies are others now.
    fn named(&self, before: &Access, after: &Access) -> Vec<Statement> {
        const LISTS: [&str; 3] = ["managed", "customer_managed", "boundary"];
        let question = self.question;
        let held = |name: &str| before.ways.iter().chain(&after.ways).any(|way| way.name == name);
        let sets = question.after.sets.iter().filter(|(address, fields)| held(name_of(address, fields)));
        let changed = sets.filter(|(address, fields)| {
            let was = question.before.sets.get(*address);
            was.is_some_and(|was| LISTS.iter().any(|list| was.get(*list) != fields.get(*list)))
        });
        changed
            .map(|(address, _)| Statement {
                effect: "allow".to_owned(),
                policy: address.clone(),
                sid: None,
                side: Time::After,
                place: question.sources.now.places.find(address, None),
                former: false,
            })
            .collect()
    }
}

/// A set's name in AWS, as far as it has one yet.
fn name_of<'a>(address: &'a str, fields: &'a Fields) -> &'a str {
    fields.get("name").and_then(|name| name.as_str()).unwrap_or(address)
}

/// The policies of a set, by its name in AWS, as they are afterwards.
fn set_now(question: &Question<'_>, name: &SmolStr) -> Option<Vec<Part>> {
    let sets = &question.after.sets;
    let (address, _) = sets.iter().find(|(address, fields)| name_of(address, fields) == name.as_str())?;
    alone(question.sources.now.pins, question.after, address).ways.into_iter().next().map(|way| way.identity)
}
