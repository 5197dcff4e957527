//! Guards: what nobody may be able to do, decided over everybody's whole access. Owns reading them and over whom each
//! one is asked; whether an access allows what is forbidden is the engine's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::decide::{self, Verdict};
use cell_iam::policy::{self, Elements, Text};
use cell_iam::region::Region;
use cell_iam::{Engine, Forbid, risk};
use cell_lang::schema::Kind;
use serde_json::Value as Json;

use super::cases::{CaseId, Cases, NOTHING};
use super::model::{Breach, Guard, Holds, Over, Place, Proof};
use super::places::place;
use super::review::{Known, Question};
use super::sides::Holding;
use super::tell;
use crate::emit;
use crate::plan::later;
use crate::resources::policy::conditions;
use crate::rules::fleet::sound;
use crate::rules::read::{Read as _, items};
use crate::value::{BlockValue, Value};
use crate::world::World;

/// Breaches of a guard that are told in full.
const TOLD: usize = 10;

/// A guard of a program.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its address.
    pub address: String,
    /// Where it stands.
    pub place: Place,
    /// The cells and accounts it holds over.
    pub on: BTreeSet<String>,
    /// Whom it is about; none for everybody.
    pub principals: Option<BTreeSet<String>>,
    /// Whom it is not about.
    pub except: BTreeSet<String>,
    /// What is forbidden.
    pub forbids: Vec<Forbidden>,
}

/// A `forbid` of a guard.
#[derive(Debug, Clone)]
pub struct Forbidden {
    /// Its label.
    pub label: String,
    /// What it is about.
    pub what: Forbid,
    /// Where it stands.
    pub place: Place,
}

/// What the guards of a program say.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) guards: Vec<Guard>,
    pub(super) queries: u64,
}

impl Rule {
    /// Those of a program, by address. `id` says what is known of ids of accounts; a resource that names an unknown
    /// one is forbidden for any.
    pub fn all(world: &World<'_>, id: &dyn Fn(&str) -> Option<String>) -> Vec<Self> {
        let known = &|place: &str| {
            let (address, field) = place.rsplit_once('.')?;
            let id = (field == "account_id").then(|| id(address))?;
            Some(id.unwrap_or_else(|| "*".to_owned()))
        };
        sound(world, Kind::Guard)
            .map(|id| {
                let addresses = |field: &str| -> BTreeSet<String> {
                    let refs = world.get(id, field).map(Value::refs).unwrap_or_default();
                    refs.into_iter().map(|id| world.address(id).to_owned()).collect()
                };
                let address = world.address(id).to_owned();
                let unless = world.get(id, "unless");
                let forbid = |block: &Arc<BlockValue>| Forbidden {
                    label: block.title().to_owned(),
                    what: forbid(world, &address, block, unless, known),
                    place: place(world, &address, world.head(block)),
                };
                Self {
                    place: place(world, &address, world.label_span(id)),
                    on: addresses("on"),
                    principals: world.get(id, "principals").map(|_| addresses("principals")),
                    except: addresses("except"),
                    forbids: world.blocks(id, "forbid").into_iter().map(forbid).collect(),
                    address,
                }
            })
            .collect()
    }

    fn is_about(&self, (principal, target): &Holding) -> bool {
        self.on.contains(target)
            && !self.except.contains(principal)
            && self.principals.as_ref().is_none_or(|all| all.contains(principal))
    }
}

fn forbid(
    world: &World<'_>,
    address: &str,
    block: &BlockValue,
    unless: Option<&Value>,
    known: &dyn Fn(&str) -> Option<String>,
) -> Forbid {
    let origin: Arc<str> = Arc::from(address);
    let source = policy::Source::new(&origin, block.span.start, block.span.end);
    let texts = |field: &str| {
        let all = block.get(field).map(items).unwrap_or_default();
        let texts = all.iter().filter_map(|value| match later::resolve(&emit::to_json(world, value), known) {
            Json::String(text) => Some(Text::new(text, source.clone())),
            _ => None,
        });
        Elements::any_of(texts.collect())
    };
    let written = unless.map(|unless| emit::to_json(world, &conditions(unless))).unwrap_or_default();
    let unless = written.as_object().into_iter().flatten().flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(|(key, values)| {
            let values = values.as_array().into_iter().flatten().filter_map(Json::as_str);
            let values = values.map(|value| Text::new(value, source.clone())).collect();
            policy::Condition::new(operator, key.as_str(), values, source.clone())
        })
        .collect::<Vec<_>>()
    });
    let (unless, actions, resources) = (unless.collect(), texts("actions"), texts("resources"));
    Forbid { actions, resources, unless, source }
}

/// Judges every guard over the access afterwards. Each distinct access is asked about once a guard.
pub(super) fn judge(
    question: &Question<'_>,
    cases: &Cases<'_>,
    [before, after, own]: [&BTreeMap<Holding, CaseId>; 3],
    known: Known,
    engine: &mut Engine<'_>,
) -> Judged {
    let mut judged = Judged::default();
    for rule in question.guards {
        let mut held: BTreeMap<CaseId, Vec<&Holding>> = BTreeMap::new();
        for (holding, case) in after.iter().filter(|(holding, _)| rule.is_about(holding)) {
            // What a member of a group has that the guard is not about counts as little as the group's own.
            let case = if question.after.is_member(&holding.0, &rule.except) { own.get(holding) } else { Some(case) };
            held.entry(case.copied().unwrap_or(NOTHING)).or_default().push(holding);
        }
        judged.queries += (held.len() * rule.forbids.len()) as u64;
        judged.guards.push(guard(question, (cases, before), rule, &held, (known, &mut *engine)));
    }
    judged
}

fn guard(
    question: &Question<'_>,
    (cases, before): (&Cases<'_>, &BTreeMap<Holding, CaseId>),
    rule: &Rule,
    held: &BTreeMap<CaseId, Vec<&Holding>>,
    (known, engine): (Known, &mut Engine<'_>),
) -> Guard {
    let mut found: BTreeMap<(String, String, String), (Breach, Vec<String>)> = BTreeMap::new();
    let mut because: BTreeSet<String> = BTreeSet::new();
    let mut answers: BTreeMap<(CaseId, CaseId, &String), &str> = BTreeMap::new();
    for (case, holdings) in held {
        let access = cases.access_in(*case, holdings.first().map_or("", |holding| holding.1.as_str()));
        for Forbidden { label, what, .. } in &rule.forbids {
            let regions = engine.forbidden(&access, what);
            let told: Vec<_> = regions.iter().map(|region| (region, told(question, known, region))).collect();
            because.extend(
                told.iter()
                    .filter(|(_, told)| told.proof == Proof::May)
                    .flat_map(|(_, told)| told.because.iter().cloned()),
            );
            let first = told.into_iter().find(|(_, told)| told.proof == Proof::Proven);
            let Some((region, first)) = first else { continue };
            for holding @ (principal, cell) in holdings {
                let old = before.get(*holding).copied().unwrap_or(NOTHING);
                let was = answers.entry((old, *case, label)).or_insert_with(|| answered(cases, old, region));
                let mut allowed = first.clone();
                if let Some(witness) = &mut allowed.witness {
                    (*was).clone_into(&mut witness.before);
                }
                let shape = serde_json::to_string(&allowed).unwrap_or_default();
                let key = (principal.clone(), label.clone(), shape);
                let breach =
                    || Breach { principal: principal.clone(), cells: Vec::new(), forbid: label.clone(), allowed };
                found.entry(key).or_insert_with(|| (breach(), Vec::new())).1.push(cell.clone());
            }
        }
    }
    let breaches = found.values().map(|(_, cells)| cells.len()).sum();
    let broken = found.into_values().take(TOLD).map(|(breach, cells)| Breach { cells, ..breach }).collect();
    let holds = match (breaches, because.is_empty()) {
        (0, true) => Holds::Proven,
        (0, false) => Holds::May,
        _ => Holds::Broken,
    };
    let people: BTreeSet<&String> = held.values().flatten().map(|(principal, _)| principal).collect();
    Guard {
        guard: rule.address.clone(),
        holds,
        over: Over { principals: people.len(), cells: rule.on.len(), cases: held.len() },
        broken,
        breaches,
        // Of a guard that is broken nothing is left to decide.
        because: because.into_iter().filter(|_| holds == Holds::May).collect(),
        place: rule.place.clone(),
    }
}

/// What the witness of a region was answered before.
fn answered(cases: &Cases<'_>, old: CaseId, region: &Region) -> &'static str {
    let verdict = region.witness.as_ref().map(|witness| decide::allows(&cases.access(old), &witness.request).verdict);
    tell::verdict(verdict.unwrap_or(Verdict::Denied))
}

/// What is allowed of what is forbidden. Nobody can ask for an action that does not exist, so that what only AWS's next
/// actions would break may hold.
fn told(question: &Question<'_>, known: Known, region: &Region) -> super::model::Delta {
    let assessment = risk::assess(region, known.catalogue, known.lists).weakened(risk::Limit::Guard);
    let mut delta = tell::delta(region, &assessment, &[], known.paths, &question.sources);
    let actions = &region.actions;
    if delta.proof == Proof::Proven && actions.known.is_empty() && actions.unlisted.is_empty() {
        delta.proof = Proof::May;
        delta.because.push(format!("it would be broken by actions that AWS may add: {}", delta.future.join(", ")));
    }
    delta
}
