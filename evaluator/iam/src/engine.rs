//! The questions that can be asked: what a change gives and takes, what an access allows, what of it is forbidden.
//! Owns their order of work and what is remembered between them; the answers do not depend on what was asked before.

use std::collections::BTreeSet;
use std::rc::Rc;

use foldhash::HashMap;
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::access::{Access, Fact, Home, Level, Part};
use crate::automaton::TooMany;
use crate::catalogue::Catalogue;
use crate::classes::{Applies, Classes, Finder, Matches, Member, Treatment};
use crate::collect::{Found, carries_named, collect, member_name};
use crate::decide::{Verdict, allows, read_resource};
use crate::describe::Direction;
use crate::ground::{Domains, Ground, patterns};
use crate::pattern::{Hit, Lookup};
use crate::places::{Division, Places, calls_iam};
use crate::policy::{Condition, Document, Effect, Elements, Source, Statement};
use crate::region::{Delta, Glob, Proof, Reason, Region, Witness};
use crate::request::Context;
use crate::tables::{Question, Side, Tables};
use crate::ties::{Tie, matter, settled};

/// Decides questions about accesses. It remembers what patterns and conditions came to, so one engine for many
/// questions is much faster than one for each.
pub struct Engine<'c> {
    catalogue: &'c Catalogue,
    tables: Tables,
    matches: Matches,
    places: Places,
    domains: Domains,
    several: HashMap<SmolStr, Option<bool>>,
    /// How grave each action is, the gravest first, and what it came to, by service and action.
    grave: Option<Box<Gravity<'c>>>,
    ranks: HashMap<(usize, usize), u32>,
}

/// Members of a class whose resources are divided alike, and whether they are calls of IAM, where that matters.
type Divided = (Rc<Division>, bool, Vec<Member>);

/// How grave an action is.
type Gravity<'c> = dyn Fn(&str) -> u32 + Send + Sync + 'c;

/// What a guard forbids: these actions on these resources, unless all of these conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Forbid {
    /// The actions.
    pub actions: Elements,
    /// The resources.
    pub resources: Elements,
    /// The conditions under which they are not forbidden; none, and they always are.
    pub unless: Vec<Condition>,
    /// Where it is written.
    pub source: Source,
}

/// Keys of `aws:` of which a request may carry several values.
const SEVERAL: [&str; 6] = [
    "aws:tagkeys",
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:principalservicenameslist",
];

impl<'c> Engine<'c> {
    /// An engine over the actions of a catalogue, for accounts in the partition `aws`.
    pub fn new(catalogue: &'c Catalogue) -> Self {
        Self::in_partition(catalogue, "aws")
    }

    /// An engine over the actions of a catalogue, for accounts in another partition, where theirs is not said.
    pub fn in_partition(catalogue: &'c Catalogue, partition: &str) -> Self {
        Self {
            catalogue,
            tables: Tables::default(),
            matches: Matches::default(),
            places: Places::new(partition.into()),
            domains: Domains::default(),
            several: HashMap::default(),
            grave: None,
            ranks: HashMap::default(),
        }
    }

    /// The actions it decides over.
    pub fn catalogue(&self) -> &'c Catalogue {
        self.catalogue
    }

    /// The same, taking AWS's list at its word: an action is asked for on the resources that AWS lists, and on no
    /// others. For questions where what is not listed is a mistake; one that must miss nothing does not ask so.
    #[must_use]
    pub fn as_listed(mut self) -> Self {
        self.places.only_listed();
        self
    }

    /// The same, with witnesses of the gravest action of a region: that for which this is the least.
    #[must_use]
    pub fn showing(mut self, grave: impl Fn(&str) -> u32 + Send + Sync + 'c) -> Self {
        self.grave = Some(Box::new(grave));
        self
    }

    /// In which order the members of a class are witnesses: a known one first, and a grave one.
    fn rank(&mut self, member: &Member) -> (u8, u32) {
        let (Member::Known(service, action), Some(grave)) = (member, &self.grave) else { return (member.rank(), 0) };
        let of = || grave(&member_name(self.catalogue, member));
        (member.rank(), *self.ranks.entry((*service, *action)).or_insert_with(of))
    }

    /// What a change of access gives and takes.
    pub fn diff(&mut self, old: &Access, new: &Access) -> Delta {
        self.ask(old, new, &[])
    }

    /// All that an access allows.
    pub fn space(&mut self, access: &Access) -> Vec<Region> {
        self.diff(&Access::default(), access).gained
    }

    /// What an access allows of that which a guard forbids: the guard holds when this is empty.
    pub fn forbidden(&mut self, access: &Access, forbid: &Forbid) -> Vec<Region> {
        let statement = |effect, actions: &Elements, resources: &Elements, conditions: &[Condition]| Statement {
            sid: None,
            effect,
            principal: None,
            actions: actions.clone(),
            resources: Some(resources.clone()),
            conditions: conditions.to_vec(),
            source: forbid.source.clone(),
        };
        let mut statements = vec![statement(Effect::Allow, &forbid.actions, &forbid.resources, &[])];
        if !forbid.unless.is_empty() {
            statements.push(statement(Effect::Deny, &forbid.actions, &forbid.resources, &forbid.unless));
        }
        let part = Part::known("guard", Document::new(statements));
        let guard = [Level { name: "guard".into(), parts: vec![part] }];
        self.ask(&Access::default(), access, &guard).gained
    }

    fn ask(&mut self, old: &Access, new: &Access, guard: &[Level]) -> Delta {
        let mut delta = self.decide(old, new, guard, false);
        let variables = variables(&delta);
        if !variables.is_empty() {
            self.settle(old, new, guard, &variables, &mut delta);
        }
        delta
    }

    /// What depends on variables nobody knows is proven all the same when it holds for some values of them: these
    /// are part of the witness.
    fn settle(&mut self, old: &Access, new: &Access, guard: &[Level], keys: &BTreeSet<SmolStr>, delta: &mut Delta) {
        let with = |access: &Access| {
            let mut access = access.clone();
            for key in keys {
                access.facts.set(key, Fact::Is(vec![some_value(key)]));
            }
            access
        };
        let settled = self.decide(&with(old), &with(new), guard, true);
        delta.queries += settled.queries;
        let lists = [(&mut delta.gained, settled.gained, (old, new)), (&mut delta.lost, settled.lost, (new, old))];
        for (regions, settled, (from, to)) in lists {
            for region in regions.iter_mut().filter(|region| depends_on_variables(region)) {
                let shown = settled.iter().find(|other| shows(other, region)).cloned();
                let Some(proven) = shown.or_else(|| itself(region, from, to, keys, guard)) else { continue };
                let action = region.actions.known.first().cloned().unwrap_or_default();
                let undocumented =
                    |key: &&SmolStr| !carries_named(self.catalogue, &action, &key.to_ascii_lowercase());
                let reasons: Vec<Reason> = own_variables(region)
                    .iter()
                    .filter(undocumented)
                    .map(|key| Reason::Undocumented(key.to_ascii_lowercase().into()))
                    .collect();
                region.proof = if reasons.is_empty() { Proof::Proven } else { Proof::May(reasons) };
                region.witness = proven.witness;
                if let Some(witness) = &mut region.witness {
                    choose(&mut witness.request.context, keys);
                }
                region.before = proven.before;
                region.after = proven.after;
            }
        }
    }

    fn decide(&mut self, old: &Access, new: &Access, guard: &[Level], apart: bool) -> Delta {
        let home = if new.home == Home::default() { &old.home } else { &new.home };
        self.places.within(home);
        let mut question = Question::default();
        let old = self.tables.side(&mut question, old, guard);
        let new = self.tables.side(&mut question, new, guard);
        let mut finder = Finder {
            catalogue: self.catalogue,
            tables: &self.tables,
            question: &question,
            matches: &mut self.matches,
            same_gates: old.ways == new.ways,
        };
        let Ok(classes) = finder.find(&old, &new) else { return undecided() };
        let mut found = Vec::new();
        let mut queries = 0;
        for (class, members) in self.by_places(&question, classes) {
            for (division, iam, members) in members {
                queries += division.places.as_ref().map_or(1, |places| places.len() as u32);
                self.class(&question, (&old, &new, home, apart), &class, (&division, iam), members, &mut found);
            }
        }
        let (gained, lost) = collect(self.catalogue, &question, found, |member| self.rank(member));
        Delta { gained, lost, queries }
    }

    /// The members of each class by how its patterns divide their resources, those of IAM apart where it
    /// matters.
    fn by_places(&mut self, question: &Question, classes: Classes) -> Vec<(Treatment, Vec<Divided>)> {
        let mut out = Vec::new();
        for (class, mut members) in classes {
            members.iter_mut().for_each(|member| as_written(question, member));
            // A witness is of an action that is known, if there is one.
            members.sort_by_cached_key(|member| self.rank(member));
            let patterns = self.places.patterns(patterns(&self.tables, question, &class));
            let apart = self.places.is_aws() && matter(&self.tables, question, &class);
            let mut by_templates: IndexMap<(u32, bool), Vec<Member>, FixedState> = IndexMap::default();
            for member in members {
                let templates = self.places.templates(self.catalogue, &member);
                let iam = apart && calls_iam(&member_name(self.catalogue, &member));
                by_templates.entry((templates, iam)).or_default().push(member);
            }
            let mut groups: IndexMap<(u32, bool), Divided, FixedState> = IndexMap::default();
            for ((templates, iam), members) in by_templates {
                let division = self.places.divide(&self.tables, templates, &patterns);
                let group = groups.entry((division.shape, iam)).or_insert_with(|| (division, iam, Vec::new()));
                group.2.extend(members);
            }
            out.push((class, groups.into_values().collect()));
        }
        out
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one question")]
    fn class(
        &mut self,
        question: &Question,
        (old, new, home, apart): (&Side<'_>, &Side<'_>, &Home, bool),
        class: &Treatment,
        (division, iam): (&Division, bool),
        members: Vec<Member>,
        found: &mut Vec<Found>,
    ) {
        let catalogue = self.catalogue;
        let several = &mut self.several;
        let ground = division.places.clone().and_then(|places| {
            let known = |key: &str| several_values(catalogue, several, key);
            Ok((Ground::new(&self.tables, &mut self.domains, question, class, known)?, places))
        });
        let decided = ground.and_then(|(mut ground, places)| {
            let mut changes = Vec::with_capacity(places.len());
            let ties: Vec<Vec<Tie>> = places.iter().map(|place| ground.ties(place, iam)).collect();
            for (place, ties) in places.iter().zip(&ties) {
                let settled = settled(ties);
                let mut allowed = |side: &Side<'_>, applies: &[Applies]| {
                    let node = ground.allowed(side, applies, place);
                    ground.mdd.fixed(node, &settled)
                };
                let (before, after) = (allowed(old, &class.old), allowed(new, &class.new));
                let (gain, loss) = (ground.mdd.minus(after, before), ground.mdd.minus(before, after));
                changes.push((before, after, gain, loss));
            }
            ground.mdd.checked()?;
            let (stored, tables) = (&mut self.places, &self.tables);
            let patterns = stored.patterns(ground.patterns.clone());
            let mut named = |member: &Member| {
                let templates = stored.by_name(catalogue, member);
                stored.divide(tables, templates, &patterns).places.clone().unwrap_or_default()
            };
            let mut direction = Direction {
                catalogue,
                tables: &self.tables,
                question,
                old,
                new,
                class,
                home,
                apart,
                places,
                ties,
                named: &mut named,
                members: members.clone(),
                found,
            };
            direction.describe(&mut ground, &changes);
            ground.mdd.checked()
        });
        if decided == Err(TooMany) {
            found.push(Found::undecided(members, true));
        }
    }
}

/// Calls an action that AWS does not list as a policy does.
fn as_written(question: &Question, member: &mut Member) {
    if let Member::Unlisted(name) = member
        && let Some(written) = question.names.get(name)
    {
        name.clone_from(written);
    }
}

/// Whether a request may carry several values of a key, if AWS says so.
fn several_values(catalogue: &Catalogue, known: &mut HashMap<SmolStr, Option<bool>>, key: &str) -> Option<bool> {
    if let Some(found) = known.get(key) {
        return *found;
    }
    let prefix = key.split_once(':').map_or("", |(prefix, _)| prefix);
    let of_service = catalogue.service(prefix).map_or(&[][..], |service| &service.keys);
    let listed = of_service.iter().chain(&catalogue.globals).find(|listed| listed.is(key));
    let found = match (SEVERAL.contains(&key), listed) {
        (true, _) => Some(true),
        (false, Some(listed)) => Some(listed.several),
        (false, None) if prefix == "aws" => Some(false),
        (false, None) => None,
    };
    known.insert(key.into(), found);
    found
}

/// The variables on which some region depends.
fn variables(delta: &Delta) -> BTreeSet<SmolStr> {
    let reasons = delta.gained.iter().chain(&delta.lost).filter_map(|region| match &region.proof {
        Proof::May(reasons) => Some(reasons),
        Proof::Proven => None,
    });
    let keys = reasons.flatten().filter_map(|reason| match reason {
        Reason::Variable(key) => Some(key.clone()),
        _ => None,
    });
    keys.collect()
}

/// The variables on which a region depends.
fn own_variables(region: &Region) -> Vec<SmolStr> {
    let Proof::May(reasons) = &region.proof else { return Vec::new() };
    let key = |reason: &Reason| if let Reason::Variable(key) = reason { Some(key.clone()) } else { None };
    reasons.iter().filter_map(key).collect()
}

fn depends_on_variables(region: &Region) -> bool {
    matches!(&region.proof, Proof::May(reasons) if reasons.iter().any(|reason| matches!(reason, Reason::Variable(_))))
}

/// Gives each variable the value that is chosen for it.
fn choose(context: &mut Context, keys: &BTreeSet<SmolStr>) {
    for key in keys {
        context.set(key.clone(), vec![some_value(key)]);
    }
}

/// Whether a region that is decided for some values of variables shows that another is one.
fn shows(settled: &Region, region: &Region) -> bool {
    let (own, other) = (&region.actions, &settled.actions);
    let shared = other.known.iter().any(|action| own.known.contains(action))
        || other.unlisted.iter().any(|action| own.unlisted.contains(action))
        || other.future.iter().any(|action| own.future.contains(action));
    let within = |witness: &Witness| has_resource(region, &witness.request.resource);
    shared && settled.proof == Proof::Proven && settled.witness.as_ref().is_some_and(within)
}

/// A region whose own witness is answered otherwise in `to` than in `from`, each variable having its value.
fn itself(region: &Region, from: &Access, to: &Access, keys: &BTreeSet<SmolStr>, guard: &[Level]) -> Option<Region> {
    let mut request = region.witness.as_ref()?.request.clone();
    choose(&mut request.context, keys);
    let is = |access: &Access, verdict: Verdict| allows(access, &request).verdict == verdict;
    let changes = guard.is_empty() && is(from, Verdict::Denied) && is(to, Verdict::Allowed);
    let witness = region.witness.as_ref()?;
    // Of a loss it is the access before that allows it.
    let (before, after) = match (witness.before, witness.after) {
        (Verdict::Denied, _) => (Verdict::Denied, Verdict::Allowed),
        _ => (Verdict::Allowed, Verdict::Denied),
    };
    changes.then(|| Region { witness: Some(Witness { request, before, after }), ..region.clone() })
}

/// Whether a resource is one of a region's, each variable having the value that is chosen for it.
fn has_resource(region: &Region, resource: &str) -> bool {
    let chosen = |key: &str| Lookup::Is(some_value(key));
    let hit = |pattern: &SmolStr| read_resource(pattern, Some(&chosen)).hit(resource) != Hit::No;
    let in_glob = |glob: &Glob| hit(&glob.glob) && glob.and.iter().all(hit) && !glob.except.iter().any(hit);
    region.resources.iter().any(in_glob)
}

/// Some value of a variable: one that suits the key.
fn some_value(key: &str) -> SmolStr {
    let lower = key.to_ascii_lowercase();
    if lower.ends_with("account") {
        return "111122223333".into();
    }
    let name = lower.rsplit([':', '/']).next().unwrap_or_default();
    format!("some-{name}").into()
}

fn undecided() -> Delta {
    let all = |gained| Found::undecided(vec![Member::Unlisted("*".into())], gained);
    let (gained, lost) =
        collect(&Catalogue::default(), &Question::default(), vec![all(true)], |member| (member.rank(), 0));
    Delta { gained, lost, queries: 1 }
}
