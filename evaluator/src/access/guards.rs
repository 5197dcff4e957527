//! Guards: what nobody may be able to do, decided over everybody's whole access. Owns reading them and over whom each
//! one is asked; whether an access allows what is forbidden is the engine's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::policy::{self, Elements, Text};
use cell_iam::region::Region;
use cell_iam::{Engine, Forbid, risk};
use cell_lang::schema::Kind;
use serde_json::Value as Json;

use super::cases::{CaseId, Cases};
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
    /// What is forbidden, by label.
    pub forbids: Vec<(String, Forbid)>,
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
                let forbid = |block: &Arc<BlockValue>| {
                    (block.title().to_owned(), forbid(world, &address, block, unless, known))
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
    after: &BTreeMap<Holding, CaseId>,
    known: Known,
    engine: &mut Engine<'_>,
) -> Judged {
    let mut judged = Judged::default();
    for rule in question.guards {
        let mut held: BTreeMap<CaseId, Vec<&Holding>> = BTreeMap::new();
        for (holding, case) in after.iter().filter(|(holding, _)| rule.is_about(holding)) {
            held.entry(*case).or_default().push(holding);
        }
        judged.queries += (held.len() * rule.forbids.len()) as u64;
        judged.guards.push(guard(question, cases, rule, &held, (known, &mut *engine)));
    }
    judged
}

fn guard(
    question: &Question<'_>,
    cases: &Cases<'_>,
    rule: &Rule,
    held: &BTreeMap<CaseId, Vec<&Holding>>,
    (known, engine): (Known, &mut Engine<'_>),
) -> Guard {
    let mut found: BTreeMap<(String, String, String), (Breach, Vec<String>)> = BTreeMap::new();
    let mut because: BTreeSet<String> = BTreeSet::new();
    for (case, holdings) in held {
        let access = cases.access(*case);
        for (label, forbid) in &rule.forbids {
            let regions = engine.forbidden(&access, forbid);
            let told: Vec<_> = regions.iter().map(|region| told(question, known, region)).collect();
            because.extend(
                told.iter().filter(|told| told.proof == Proof::May).flat_map(|told| told.because.iter().cloned()),
            );
            let Some(first) = told.into_iter().find(|told| told.proof == Proof::Proven) else { continue };
            let shape = serde_json::to_string(&first).unwrap_or_default();
            for (principal, cell) in holdings {
                let key = (principal.clone(), label.clone(), shape.clone());
                let breach = || Breach {
                    principal: principal.clone(),
                    cells: Vec::new(),
                    forbid: label.clone(),
                    allowed: first.clone(),
                };
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
        because: because.into_iter().collect(),
        place: rule.place.clone(),
    }
}

/// What is allowed of what is forbidden.
fn told(question: &Question<'_>, known: Known, region: &Region) -> super::model::Delta {
    let assessment = risk::assess(region, known.catalogue, known.lists).weakened(risk::Limit::Guard);
    tell::delta(region, &assessment, &[], known.paths, &question.sources)
}
