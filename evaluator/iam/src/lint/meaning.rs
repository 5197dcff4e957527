//! Statements that do nothing. Owns the lints that ask the engine what a statement changes: it may repeat others, be
//! taken away by a deny, deny what nothing allows, or fit no request at all.
//!
//! Each is the question what differs between the policies with a statement and without it. A finding needs the answer
//! "nothing", and the engine gives that only where it is so: what it is not sure of, it answers with `may`.

use super::known::{Known, named};
use super::quick::{Quick, acts, samples, surely_fits};
use super::{Also, Finding, Found, Kind, Setting};
use crate::access::{Access, Facts, Part};
use crate::catalogue::ONLY_ON_ALL;
use crate::decide::{Verdict, allows};
use crate::engine::Engine;
use crate::layers::Deciding;
use crate::policy::{Document, Effect, Elements, Statement, Text};
use crate::region::Region;
use crate::request::Request;

/// What the document is called in questions.
const SELF: &str = "this policy";

/// Finds what the statements of a document do in vain. `beside` are the other policies of the same identity.
///
/// From the last statement to the first, and without those already found to repeat others: of two that say the same
/// the later is told, and of a wide and a narrow one the narrow.
pub(super) fn vain(
    document: &Document,
    beside: &[Part],
    setting: &Setting<'_>,
    engine: &mut Engine<'_>,
    out: &mut Vec<Finding>,
) {
    let mut beside = beside.to_vec();
    let open = !allows_anything(document, &beside);
    if open {
        // An organization's policy, or denies that go beside other policies: they are about whatever those allow.
        beside.push(Part::known("other policies", Document::new(vec![everything(document)])));
    }
    let mut kept: Vec<usize> = (0..document.statements.len()).collect();
    for at in (0..document.statements.len()).rev() {
        let mut asked = Asked { document, beside: &beside, kept: &kept, at, open, setting, engine };
        let Some(statement) = document.statements.get(at) else { continue };
        let mut found = Found { statement: at, out };
        if asked.never(statement, &mut found) {
            continue;
        }
        let quick = Quick::new(setting.catalogue, document, &kept, at, &beside);
        let repeats = match statement.effect {
            _ if !quick.is_some_and(|quick| quick.may_be_vain()) => false,
            Effect::Allow => asked.allow(statement, &mut found),
            Effect::Deny => asked.deny(statement, &mut found),
        };
        if repeats {
            kept.retain(|&other| other != at);
        }
    }
}

fn allows_anything(document: &Document, beside: &[Part]) -> bool {
    let allow = |document: &Document| document.statements.iter().any(|one| one.effect == Effect::Allow);
    allow(document)
        || beside.iter().any(|part| match part {
            Part::Known(named) => allow(named.document()),
            Part::Unknown { .. } => true,
        })
}

/// An allow of everything, at no place.
fn everything(document: &Document) -> Statement {
    let source = document.statements.first().map(|first| first.source.clone());
    let source = source.unwrap_or_else(|| crate::policy::Source::new(&"".into(), 0, 0));
    let star = || Elements::any_of(vec![Text::new("*", source.clone())]);
    Statement {
        sid: None,
        effect: Effect::Allow,
        principal: None,
        actions: star(),
        resources: Some(star()),
        conditions: Vec::new(),
        source: source.clone(),
    }
}

/// One statement in question.
struct Asked<'a, 'c> {
    document: &'a Document,
    beside: &'a [Part],
    /// The statements that count: those not yet found to repeat others.
    kept: &'a [usize],
    at: usize,
    /// Whether nothing is known of what is allowed.
    open: bool,
    setting: &'a Setting<'a>,
    engine: &'a mut Engine<'c>,
}

impl Asked<'_, '_> {
    /// Whether no request fits the statement, so that nothing else is worth asking. Tells it where that is certain.
    fn never(&mut self, statement: &Statement, found: &mut Found<'_>) -> bool {
        if surely_fits(self.setting.catalogue, self.setting.partition, statement) || self.fits(statement, |_| ()) {
            return false;
        }
        if !self.is_sure(statement) {
            return true;
        }
        // What is found of how it is written says it better.
        let said = |one: &Finding| matches!(one.kind, Kind::VariableTooEarly | Kind::ForeignKey);
        if found.out.iter().any(|one| one.statement == self.at && said(one)) {
            return true;
        }
        let anywhere = |statement: &mut Statement| {
            if let Some(resources) = &mut statement.resources {
                let at =
                    resources.items.first().map_or_else(|| statement.source.clone(), |first| first.source.clone());
                *resources = Elements::any_of(vec![Text::new("*", at)]);
            }
        };
        let of_resources = self.fits(statement, anywhere);
        // What AWS owns has no account in its ARN, whatever the template says: `arn:aws:ssm:*::document/AWS-*`.
        if of_resources && acts(self.setting.catalogue, self.setting.partition, statement) {
            return true;
        }
        let at = match &statement.resources {
            Some(resources) if of_resources => resources.items.first().map(|first| first.source.clone()),
            _ => statement.conditions.first().map(|first| first.source.clone()),
        };
        let fact = if of_resources {
            "no request fits this statement: its actions do not act on these resources"
        } else {
            "no request fits this statement: its conditions never hold together"
        };
        let finding = found.add(Kind::NeverMatches, at.as_ref().unwrap_or(&statement.source), fact.to_owned());
        if of_resources {
            finding.help = self.acts_on(statement);
        }
        true
    }

    /// Whether it is certain what the actions act on. Many of those that AWS lists without a type of resource can be
    /// allowed on ARNs all the same: its own policies do, and refusals name such ARNs (`s3:ListAllMyBuckets`,
    /// `iam:ListRoles`). Of some services it is known that they are asked for on `*` only.
    fn is_sure(&self, statement: &Statement) -> bool {
        !statement.actions.not
            && statement.actions.items.iter().all(|item| {
                let known = named(self.setting.catalogue, &item.value);
                !known.is_empty()
                    && known.iter().all(|one| !one.action.resources.is_empty() || ONLY_ON_ALL.contains(&one.prefix))
            })
    }

    /// Whether some request fits a statement after a change.
    fn fits(&mut self, statement: &Statement, change: impl Fn(&mut Statement)) -> bool {
        let mut alone = Statement { effect: Effect::Allow, ..statement.clone() };
        change(&mut alone);
        let alone = self.only(vec![alone]);
        !self.space(&alone).is_empty()
    }

    /// What an action of the statement acts on.
    fn acts_on(&self, statement: &Statement) -> Option<String> {
        let mut known = statement.actions.items.iter().flat_map(|item| named(self.setting.catalogue, &item.value));
        let first = known.next()?;
        let Known { service, action, .. } = &first;
        if action.resources.is_empty() {
            return Some(format!("`{}` is asked for on no single resource: write `*`", first.name()));
        }
        let arns: Vec<String> = action
            .resources
            .iter()
            .filter_map(|&at| Some(format!("`{}`", service.resources.get(usize::from(at))?.arn)))
            .take(3)
            .collect();
        Some(format!("`{}` acts on {}", first.name(), arns.join(", ")))
    }

    /// An allow that adds nothing. Returns whether it repeats others.
    fn allow(&mut self, statement: &Statement, found: &mut Found<'_>) -> bool {
        let (without, whole) = (self.access(|at, _| at != self.at), self.access(|_, _| true));
        if self.shows(statement, &without, &whole) || !self.gained(&without, &whole).is_empty() {
            return false;
        }
        let own = self.access(|at, one| at == self.at || one.effect == Effect::Deny);
        let own = without_beside(&own);
        let left = self.space(&own);
        // A region without a witness is not decided.
        let request = left.iter().find_map(|region| region.witness.as_ref()).map(|witness| witness.request.clone());
        match request.map(|request| (allows(&whole, &request).verdict, allows(&without, &request))) {
            Some((Verdict::Allowed, decision)) => {
                let fact = "this changes nothing: all that it allows is allowed without it";
                let finding = found.add(Kind::Redundant, &statement.source, fact.to_owned());
                finding.also.extend(also(&decision.deciding, "allows it too"));
                true
            }
            Some((Verdict::Denied, _)) => self.shadowed(statement, &whole, found),
            None if left.is_empty() => self.shadowed(statement, &whole, found),
            Some((Verdict::May, _)) | None => false,
        }
    }

    /// Tells that denies leave nothing of an allow, and which.
    fn shadowed(&mut self, statement: &Statement, whole: &Access, found: &mut Found<'_>) -> bool {
        let alone = self.only(vec![statement.clone()]);
        let Some(witness) = self.space(&alone).into_iter().find_map(|one| one.witness) else { return false };
        let denying = allows(whole, &witness.request).deciding;
        let fact = "denies leave nothing of what this allows";
        let finding = found.add(Kind::Shadowed, &statement.source, fact.to_owned());
        finding.also.extend(also(&denying, "denies it"));
        false
    }

    /// A deny that takes nothing away. Returns whether it repeats others.
    fn deny(&mut self, statement: &Statement, found: &mut Found<'_>) -> bool {
        let (without, whole) = (self.access(|at, _| at != self.at), self.access(|_, _| true));
        if self.shows(statement, &whole, &without) || !self.gained(&whole, &without).is_empty() {
            return false;
        }
        let only_it = self.access(|at, one| at == self.at || one.effect == Effect::Allow);
        let no_deny = self.access(|_, one| one.effect == Effect::Allow);
        let lifted = self.gained(&only_it, &no_deny);
        if lifted.is_empty() {
            if !self.open {
                let fact = "nothing allows what this denies";
                found.add(Kind::DeniesNothing, &statement.source, fact.to_owned());
            }
            return false;
        }
        let Some(witness) = lifted.into_iter().find_map(|region| region.witness) else { return false };
        let decision = allows(&without, &witness.request);
        if decision.verdict != Verdict::Denied {
            return false;
        }
        let fact = "this changes nothing: all that it denies is denied without it";
        let finding = found.add(Kind::Redundant, &statement.source, fact.to_owned());
        finding.also.extend(also(&decision.deciding, "denies it too"));
        true
    }

    /// Whether a request that fits the statement shows that `new` allows what `old` does not. One is found much faster
    /// than all are compared, and most statements do something.
    fn shows(&mut self, statement: &Statement, old: &Access, new: &Access) -> bool {
        let shows = |request: &Request| {
            allows(new, request).verdict == Verdict::Allowed && allows(old, request).verdict == Verdict::Denied
        };
        if samples(self.setting.catalogue, self.setting.partition, statement).iter().any(shows) {
            return true;
        }
        let alone = self.only(vec![Statement { effect: Effect::Allow, ..statement.clone() }]);
        self.space(&alone).into_iter().filter_map(|region| region.witness).any(|witness| shows(&witness.request))
    }

    /// The statements of the document that count and are wanted, beside the other policies.
    fn access(&self, wanted: impl Fn(usize, &Statement) -> bool) -> Access {
        let statements = self.kept.iter().filter_map(|&at| Some((at, self.document.statements.get(at)?)));
        let statements = statements.filter(|(at, one)| wanted(*at, one)).map(|(_, one)| one.clone()).collect();
        let mut parts = self.only(statements).ways.into_iter().flat_map(|way| way.identity).collect::<Vec<_>>();
        parts.extend_from_slice(self.beside);
        Access::of(parts, Facts::default())
    }

    /// These statements, and nothing beside them.
    fn only(&self, statements: Vec<Statement>) -> Access {
        let document = Document { version: self.document.version, ..Document::new(statements) };
        Access::of(vec![Part::known(SELF, document)], Facts::default())
    }

    fn space(&mut self, access: &Access) -> Vec<Region> {
        self.gained(&Access::default(), access)
    }

    fn gained(&mut self, old: &Access, new: &Access) -> Vec<Region> {
        self.engine.diff(old, new).gained
    }
}

/// The document of an access, without what is beside it.
fn without_beside(access: &Access) -> Access {
    let first = access.ways.iter().flat_map(|way| &way.identity).take(1).cloned().collect();
    Access::of(first, Facts::default())
}

fn also(deciding: &[Deciding], says: &str) -> Vec<Also> {
    deciding
        .iter()
        .map(|one| Also {
            at: one.statement.clone(),
            says: if one.policy == SELF { says.to_owned() } else { format!("`{}` {says}", one.policy) },
        })
        .collect()
}
