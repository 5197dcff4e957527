//! Whether one concrete request is allowed: IAM's evaluation, statement by statement. Owns the meaning that the
//! engine's regions are checked against; it must not know of regions.

use serde::Serialize;
use smol_str::SmolStr;

use crate::access::{Access, Fact, Facts, Part};
use crate::condition::{Test, Truth};
use crate::domain::holds_of_all;
use crate::layers::{Deciding, Gate, Layer, Path, paths};
use crate::pattern::{Hit, Lookup, Pattern, Reading};
use crate::policy::{Document, Effect, Elements, Principals, Statement};
use crate::request::Request;

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it is allowed.
    pub verdict: Verdict,
    /// The statements that decide: those that allow it, or those that deny it. None when nothing allows it.
    pub deciding: Vec<Deciding>,
    /// The layers in which nothing allows it.
    pub missing: Vec<Layer>,
}

/// Whether a request is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Allowed,
    /// It is not.
    Denied,
    /// It depends on what is not known: a policy without its document, a reading of a `*`.
    May,
}

impl From<Truth> for Verdict {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::No => Self::Denied,
            Truth::Maybe => Self::May,
            Truth::Yes => Self::Allowed,
        }
    }
}

/// Decides a request. What the access says of the context goes before what the request carries.
pub fn allows(access: &Access, request: &Request) -> Decision {
    let mut best: Option<Passed> = None;
    for path in paths(access, &[]) {
        let passed = Passed::of(&path, request);
        if best.as_ref().is_none_or(|best| best.truth < passed.truth) {
            best = Some(passed);
        }
    }
    let Passed { truth, allowing, denying, missing } = best.unwrap_or_default();
    Decision { verdict: truth.into(), deciding: if truth == Truth::No { denying } else { allowing }, missing }
}

/// What became of a request on one way.
struct Passed {
    truth: Truth,
    allowing: Vec<Deciding>,
    denying: Vec<Deciding>,
    missing: Vec<Layer>,
}

impl Default for Passed {
    fn default() -> Self {
        Self { truth: Truth::No, allowing: Vec::new(), denying: Vec::new(), missing: Vec::new() }
    }
}

impl Passed {
    fn of(path: &Path<'_>, request: &Request) -> Self {
        let mut out = Self { truth: Truth::Yes, ..Self::default() };
        for gate in &path.gates {
            let through = out.gate(gate, &path.facts, request);
            out.truth = out.truth.min(through);
        }
        out
    }

    fn gate(&mut self, gate: &Gate<'_>, facts: &Facts, request: &Request) -> Truth {
        let (mut allow, mut deny) = (Truth::No, Truth::No);
        for part in gate.parts {
            let Part::Known(named) = part else {
                allow = allow.max(Truth::Maybe);
                deny = deny.max(Truth::Maybe);
                continue;
            };
            for statement in &named.document().statements {
                let asked = Asked { request, facts, document: named.document() };
                let (truth, action, resource) = asked.statement(statement);
                if truth == Truth::No {
                    continue;
                }
                let (sum, list) = match statement.effect {
                    Effect::Allow => (&mut allow, &mut self.allowing),
                    Effect::Deny => (&mut deny, &mut self.denying),
                };
                *sum = (*sum).max(truth);
                list.push(Deciding {
                    layer: gate.layer.clone(),
                    policy: named.name().clone(),
                    sid: statement.sid.clone(),
                    effect: statement.effect,
                    statement: statement.source.clone(),
                    action: action.and_then(|at| statement.actions.items.get(at)).map(|text| text.source.clone()),
                    resource: resource
                        .and_then(|at| statement.resources.as_ref()?.items.get(at))
                        .map(|text| text.source.clone()),
                });
            }
        }
        if allow == Truth::No {
            self.missing.push(gate.layer.clone());
        }
        allow.min(deny.not())
    }
}

/// A request before one document.
struct Asked<'a> {
    request: &'a Request,
    facts: &'a Facts,
    document: &'a Document,
}

impl Asked<'_> {
    /// Whether a statement applies, and by which of its actions and resources.
    fn statement(&self, statement: &Statement) -> (Truth, Option<usize>, Option<usize>) {
        let (mut truth, action) = elements(&statement.actions, |text| read_action(text).hit(&self.request.action));
        if truth == Truth::No {
            return (truth, None, None);
        }
        let lookup = |key: &str| self.lookup(key);
        let lookup: Option<&dyn Fn(&str) -> Lookup> =
            if self.document.has_variables() { Some(&lookup) } else { None };
        let mut resource = None;
        if let Some(resources) = &statement.resources {
            let (applies, at) = elements(resources, |text| read_resource(text, lookup).hit(&self.request.resource));
            (truth, resource) = (truth.min(applies), at);
        }
        if let Some(principals) = &statement.principal {
            truth = truth.min(principals_match(principals));
        }
        for condition in &statement.conditions {
            if truth == Truth::No {
                break;
            }
            let test = Test::read(condition, lookup);
            truth = truth.min(self.holds(&test));
        }
        (truth, action, resource)
    }

    fn holds(&self, test: &Test) -> Truth {
        match self.facts.get(&test.key) {
            Some(Fact::Is(values)) => test.holds(values),
            Some(Fact::Absent) => test.holds(&[]),
            Some(Fact::Like(shape)) if self.request.context.get(&test.key).is_empty() => holds_of_all(test, shape),
            Some(Fact::Like(_)) | None => test.holds(self.request.context.get(&test.key)),
        }
    }

    fn lookup(&self, key: &str) -> Lookup {
        let values = match self.facts.get(key) {
            Some(Fact::Is(values)) => values,
            Some(Fact::Absent) => return Lookup::Absent,
            Some(Fact::Like(_)) if self.request.context.get(key).is_empty() => return Lookup::Unknown,
            Some(Fact::Like(_)) | None => self.request.context.get(key),
        };
        match values {
            [] => Lookup::Absent,
            [one] => Lookup::Is(one.clone()),
            _ => Lookup::Unknown,
        }
    }
}

/// Whether some pattern (or, for the `Not…` form, none) matches, and which.
fn elements(all: &Elements, hit: impl Fn(&SmolStr) -> Hit) -> (Truth, Option<usize>) {
    let mut best = (Truth::No, None);
    for (at, text) in all.items.iter().enumerate() {
        let truth = Truth::from(hit(&text.value));
        if truth > best.0 {
            best = (truth, Some(at));
        }
        if truth == Truth::Yes {
            break;
        }
    }
    if all.not { (best.0.not(), None) } else { best }
}

/// A pattern of actions.
pub(crate) fn read_action(text: &str) -> Pattern {
    Pattern::read(text, Reading { glob: true, fold: true, arn: false, late_variables: false }, None)
}

/// A pattern of resources.
pub(crate) fn read_resource(text: &str, lookup: Option<&dyn Fn(&str) -> Lookup>) -> Pattern {
    Pattern::read(text, Reading { glob: true, fold: false, arn: true, late_variables: true }, lookup)
}

/// Whether a statement is about the principal: certain only where it is about everybody.
pub(crate) fn principals_match(all: &Principals) -> Truth {
    let aws = |(kind, names): &(SmolStr, Elements)| kind == "AWS" && names.items.iter().any(|name| name.value == "*");
    let everybody = all.by_kind.is_empty() || all.by_kind.iter().any(aws);
    match (everybody, all.not) {
        (true, false) => Truth::Yes,
        (true, true) => Truth::No,
        _ => Truth::Maybe,
    }
}
