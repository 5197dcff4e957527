//! Questions about a program's access: can somebody do something, and who can. Owns the answers and their form; offline,
//! by the same engine as a review.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::access::{Access, Facts, Part};
use cell_iam::catalogue::KeyKind;
use cell_iam::lint::{Holder, Kind, Linter, Setting};
use cell_iam::policy::{self, Document, Effect, Elements, Source, Text};
use cell_iam::{Engine, Forbid, REGION_OF_IAM, risk};
use cell_lang::diagnostics::Code;
use serde::Serialize;

use super::cases::{CaseId, Cases, NOTHING};
use super::denied::{self, Reasons};
use super::model::{Delta, Proof, Time};
use super::review::{Known, Unreadable};
use super::sides::{Holding, USUAL};
use super::subject::Subject;
use super::tell;
use crate::plan::fault::Fault;

pub use super::denied::Conditional;

/// The parts of an ARN.
const SEGMENTS: usize = 6;

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Whom it is about, by address; none for everybody.
    pub principal: Option<String>,
    /// `service:Action`, or a pattern of actions.
    pub action: String,
    /// An ARN or a pattern of ARNs.
    pub resource: String,
    /// The cells and accounts; none for all.
    pub on: Vec<String>,
    /// What the request carries, by condition key.
    pub context: BTreeMap<String, Vec<String>>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The format.
    pub format_version: &'static str,
    /// What was asked.
    pub action: String,
    /// See [`Self::action`].
    pub resource: String,
    /// Of a question that no request fits: the ARNs, with variables, of what the action is asked for on; `*` for no
    /// resource. Nobody can, and no policy is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_on: Option<Vec<String>>,
    /// What no answer looks at, each said once.
    pub not_modelled: Vec<&'static str>,
    /// The answers, equal ones in one; those who can before those who cannot.
    pub answers: Vec<One>,
}

/// What is so for one principal in some cells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct One {
    /// The principal's address.
    pub principal: String,
    /// Addresses of cells and accounts.
    pub cells: Vec<String>,
    /// `yes`, `no`, or `may`.
    pub can: Can,
    /// What of it is allowed.
    pub allowed: Vec<Delta>,
    /// The statements that decide; of a `no`, those that deny, and when they do.
    pub statements: Vec<Conditional>,
    /// Of a `no`: the principal's own statements that allow it, as far as they do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowing: Vec<Conditional>,
    /// Of a `no`: the statements that would allow it, were their conditions met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Conditional>,
    /// Of a `no`: the layers in which nothing allows it.
    pub missing: Vec<String>,
}

/// Whether somebody can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Can {
    /// There is a request that is allowed.
    Yes,
    /// It depends on what is not known.
    May,
    /// There is none.
    No,
}

impl Subject {
    /// Answers a question. One principal's is answered for each of its cells, everybody's for those who can.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn ask(&self, ask: &Ask) -> Result<Answer, Unreadable> {
        let known = Known::read()?;
        let (side, mut cases) = (self.side(), Cases::new(&self.pins));
        cases.mind(&ask.resource);
        ask.context.values().flatten().for_each(|value| cases.mind(value));
        let held = cases.of(&side);
        let asked = |holding: &&Holding| {
            ask.principal.as_ref().is_none_or(|principal| *principal == holding.0)
                && (ask.on.is_empty() || ask.on.contains(&holding.1))
        };
        let mut holdings: BTreeMap<&Holding, CaseId> =
            held.iter().filter(|(holding, _)| asked(holding)).map(|(holding, case)| (holding, *case)).collect();
        let nowhere = self.nowhere(ask, &held);
        holdings.extend(nowhere.iter().map(|holding| (holding, NOTHING)));
        let mut engine = Engine::in_partition(known.catalogue, &self.desired.org.partition);
        let asked_on = asked_on(ask, known, &mut engine);
        let mut found: BTreeMap<CaseId, One> = BTreeMap::new();
        let mut rows: BTreeMap<(Can, String, String), One> = BTreeMap::new();
        for (holding, case) in holdings {
            let one = found.entry(case).or_insert_with(|| match asked_on {
                Some(_) => One::refused(Reasons::default()),
                None => self.decided(ask, &cases, case, known, &mut engine),
            });
            if one.can == Can::No && ask.principal.is_none() {
                continue;
            }
            let shape = serde_json::to_string(&one).unwrap_or_default();
            let row = rows
                .entry((one.can, holding.0.clone(), shape))
                .or_insert_with(|| One { principal: holding.0.clone(), ..one.clone() });
            row.cells.push(holding.1.clone());
        }
        Ok(Answer {
            format_version: super::model::FORMAT_VERSION,
            action: ask.action.clone(),
            resource: ask.resource.clone(),
            asked_on: asked_on.clone(),
            not_modelled: self.unseen(ask),
            answers: rows.into_values().collect(),
        })
    }

    /// What the answers do not look at: what else decides about the resource.
    fn unseen(&self, ask: &Ask) -> Vec<&'static str> {
        let elsewhere = |account: &String| !self.side().accounts.values().any(|own| own == account);
        let key = |key: &&String| key.eq_ignore_ascii_case("aws:ResourceAccount");
        let of_others = ask.context.iter().any(|(name, _)| key(&name))
            || ask.resource.split(':').nth(4).is_some_and(|account| elsewhere(&account.to_owned()));
        let mut all = vec!["policies of resources (buckets, keys, queues, roles' trust)"];
        if of_others || self.pins.resources.as_ref().is_some_and(|pinned| !pinned.is_empty()) {
            all.push("resource control policies of the account that has the resource, if it is another");
        }
        all
    }

    /// Cells that are asked about and in which the principal has nothing.
    fn nowhere(&self, ask: &Ask, held: &BTreeMap<Holding, CaseId>) -> Vec<Holding> {
        let Some(principal) = &ask.principal else { return Vec::new() };
        let all: BTreeSet<&String> =
            self.desired.cells.keys().filter(|cell| !self.desired.gcp.contains(cell)).collect();
        let asked: Vec<&String> = if ask.on.is_empty() { all.into_iter().collect() } else { ask.on.iter().collect() };
        let holdings = asked.into_iter().map(|cell| (principal.clone(), cell.clone()));
        holdings.filter(|holding| !held.contains_key(holding)).collect()
    }

    fn decided(&self, ask: &Ask, cases: &Cases<'_>, case: CaseId, known: Known, engine: &mut Engine<'_>) -> One {
        let open = cases.access(case);
        let mut access = open.clone();
        for (key, values) in &ask.context {
            let values = values.iter().map(Into::into).collect();
            access.facts.set(key, cell_iam::access::Fact::Is(values));
        }
        let forbid = whole(&ask.action, &ask.resource);
        let allowed: Vec<Delta> = engine
            .forbidden(&access, &forbid)
            .iter()
            .map(|region| {
                let assessment = risk::assess(region, known.catalogue, known.lists);
                tell::delta(region, &assessment, &[], known.paths, &self.sources())
            })
            .collect();
        let can = match () {
            () if allowed.iter().any(|delta| delta.proof == Proof::Proven) => Can::Yes,
            () if !allowed.is_empty() => Can::May,
            () => Can::No,
        };
        if can == Can::No {
            let asked = denied::Asked { access: &access, open: &open, forbid: &forbid };
            return One::refused(denied::reasons(&asked, engine, &self.sources()));
        }
        One { can, statements: deciding(&allowed), allowed, ..One::refused(Reasons::default()) }
    }
}

impl One {
    /// A no of nobody yet.
    fn refused(reasons: Reasons) -> Self {
        Self {
            principal: String::new(),
            cells: Vec::new(),
            can: Can::No,
            allowed: Vec::new(),
            statements: reasons.denying,
            allowing: reasons.allowing,
            unmet: reasons.unmet,
            missing: reasons.missing.iter().map(tell::layer).collect(),
        }
    }
}

/// What the action is asked for on, if nobody at all could be allowed what is asked: it is no request.
fn asked_on(ask: &Ask, known: Known, engine: &mut Engine<'_>) -> Option<Vec<String>> {
    let forbid = whole(&ask.action, &ask.resource);
    let all = whole("*", "*");
    let everything = policy::Statement {
        sid: None,
        effect: Effect::Allow,
        principal: None,
        actions: all.actions,
        resources: Some(all.resources),
        conditions: Vec::new(),
        source: all.source,
    };
    let part = Part::known("everything", Document::new(vec![everything]));
    if !engine.forbidden(&Access::of(vec![part], Facts::default()), &forbid).is_empty() {
        return None;
    }
    let Some((service, action)) = known.catalogue.action(&ask.action) else { return Some(Vec::new()) };
    let types = action.resources.iter().filter_map(|at| service.resources.get(usize::from(*at)));
    let mut on: Vec<String> = types.map(|kind| kind.arn.to_string()).collect();
    if on.is_empty() || action.whole {
        on.push("*".to_owned());
    }
    Some(on)
}

/// The statements that allow it, each once.
fn deciding(allowed: &[Delta]) -> Vec<Conditional> {
    let mut all: Vec<Conditional> = Vec::new();
    for one in allowed.iter().flat_map(|delta| &delta.sources).filter(|one| one.side == Time::After) {
        if one.policy != "guard" && all.iter().all(|other| other.statement != *one) {
            all.push(Conditional { statement: one.clone(), when: Vec::new() });
        }
    }
    all
}

/// Why no request for this action on this resource carries this: the ARN says whose it is, and IAM is called in one region.
pub fn contradiction(ask: &Ask, partition: &str) -> Option<String> {
    let carried = |key: &str| {
        let mut own = ask.context.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        own.next().and_then(|(_, values)| values.first())
    };
    if let (Some(account), Some(owner)) = (cell_iam::owner(&ask.resource), carried("aws:ResourceAccount"))
        && account != owner
    {
        return Some(format!("a request for {} carries no other aws:ResourceAccount than {account}", ask.resource));
    }
    let region = carried("aws:RequestedRegion").filter(|region| *region != REGION_OF_IAM && partition == USUAL);
    region.filter(|_| cell_iam::calls_iam(&ask.action)).map(|region| {
        format!("IAM is called in {REGION_OF_IAM} alone, so that no request for {} carries {region}", ask.action)
    })
}

/// Why a text is no resource, if it is: it has no wildcard, and is no ARN of one.
pub fn no_resource(text: &str) -> Option<String> {
    let is_arn = text.splitn(SEGMENTS, ':').count() == SEGMENTS;
    (!is_arn && !text.contains(['*', '?']))
        .then(|| format!("`{text}` is no ARN: one has six parts, with colons between"))
}

/// What is doubtful about a question: actions that AWS does not list.
///
/// # Errors
/// When the shipped data cannot be read.
pub fn doubts(action: &str) -> Result<Vec<Fault>, Unreadable> {
    let Forbid { actions, resources, source, .. } = whole(action, "*");
    let statement = policy::Statement {
        sid: None,
        effect: Effect::Allow,
        principal: None,
        actions,
        resources: Some(resources),
        conditions: Vec::new(),
        source,
    };
    let setting =
        Setting { catalogue: Known::read()?.catalogue, of: Holder::Identity, partition: USUAL, regions: &[] };
    let found = Linter::new(setting).lint(&Document::new(vec![statement]), &[]);
    let unknown = found.into_iter().filter(|finding| finding.kind == Kind::UnknownAction);
    Ok(unknown
        .map(|finding| {
            let fault = Fault::new(Code::UnknownAction, finding.fact);
            finding.help.into_iter().fold(fault, Fault::help)
        })
        .collect())
}

/// What no request carries so: several values of a key that has one, or a value that the key cannot have.
///
/// # Errors
/// When the shipped data cannot be read.
pub fn misfit(context: &BTreeMap<String, Vec<String>>) -> Result<Option<String>, Unreadable> {
    let catalogue = Known::read()?.catalogue;
    let mut spelt: BTreeMap<String, &String> = BTreeMap::new();
    for (key, values) in context {
        if let Some(other) = spelt.insert(key.to_ascii_lowercase(), key) {
            return Ok(Some(format!("{other} and {key} are one key, and both are given")));
        }
        let prefix = key.split_once(':').map_or("", |(prefix, _)| prefix);
        let own = catalogue.service(prefix).map_or(&[][..], |service| &service.keys);
        let Some(known) = own.iter().chain(&catalogue.globals).find(|known| known.is(key)) else { continue };
        if values.len() > 1 && !known.several {
            return Ok(Some(format!("a request has one value of {key}, and {} are given", values.len())));
        }
        let wrong = values.iter().find(|value| !fits(known.kind, value));
        if let Some(value) = wrong {
            return Ok(Some(format!("`{value}` is no value of {key}, which is {}", kind(known.kind))));
        }
    }
    Ok(None)
}

fn fits(kind: KeyKind, value: &str) -> bool {
    match kind {
        KeyKind::Bool => matches!(value, "true" | "false"),
        KeyKind::Ip => value.parse::<std::net::IpAddr>().is_ok(),
        KeyKind::Numeric => value.parse::<f64>().is_ok_and(f64::is_finite),
        KeyKind::Date => value.parse::<jiff::Timestamp>().is_ok() || value.parse::<i64>().is_ok(),
        KeyKind::String | KeyKind::Arn | KeyKind::Binary => true,
    }
}

fn kind(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Bool => "`true` or `false`",
        KeyKind::Ip => "an address",
        KeyKind::Numeric => "a number",
        KeyKind::Date => "an instant, such as `2026-12-31T09:00:00Z`",
        KeyKind::String | KeyKind::Arn | KeyKind::Binary => "a text",
    }
}

/// All requests of an action on a resource.
pub(super) fn whole(action: &str, resource: &str) -> Forbid {
    let source = Source::new(&Arc::from("question"), 0, 0);
    let one = |text: &str| Elements::any_of(vec![Text::new(text, source.clone())]);
    Forbid { actions: one(action), resources: one(resource), unless: Vec::new(), source: source.clone() }
}
