//! What is found in a program's permissions without a cloud: guards that do not hold, and policies that say something
//! in vain or by mistake. Owns turning both into findings with places; what a guard or a lint is, it does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::Forbid;
use cell_iam::access::Part;
use cell_iam::lint::{self, Holder, Kind, Linter, Setting};
use cell_iam::policy::{self, Document, Effect, Source};
use cell_lang::diagnostics::Code;
use smol_str::{SmolStr, ToSmolStr};

use super::cases::beside;
use super::guards::Forbidden;
use super::model::{Breach, Guard, Holds, Review, Time};
use super::review::{Known, Unreadable};
use super::sides::Side;
use super::subject::Subject;
use crate::plan::fault::Fault;
use crate::plan::model::{Fields, Place};
use crate::terminal::visible;
use crate::words::counted;

/// Breaches of a guard that are told one by one.
const TOLD: usize = 3;

/// The guards of a review that are broken, or that cannot be decided.
pub fn of_guards(review: &Review) -> Vec<Fault> {
    review
        .guards
        .iter()
        .filter_map(|guard| match guard.holds {
            Holds::Proven => None,
            Holds::Broken => Some(broken(guard)),
            Holds::May => Some(undecided(guard)),
        })
        .collect()
}

/// The guards of a review that are about nobody who has anything: they are proven, and hold nothing back.
pub fn over_nobody(review: &Review) -> Vec<Fault> {
    let idle = review.guards.iter().filter(|guard| guard.over.principals == 0);
    let told = idle.map(|guard| {
        let what = format!("{} is about nobody who has a permission set in its cells", guard.guard);
        Fault::new(Code::GuardOverNobody, what)
            .at(Some(&guard.place), "it holds nothing back now")
            .help("`on`, `principals` and `except` say where and whom it is about; it will hold for whoever comes")
    });
    told.collect()
}

/// Is a guard neither proven nor broken?
pub fn has_undecided_guards(review: &Review) -> bool {
    review.guards.iter().any(|guard| guard.holds == Holds::May)
}

fn broken(guard: &Guard) -> Fault {
    let who = guard.broken.first();
    let first = who.map(|breach| {
        let action = breach.allowed.witness.as_ref().map(|witness| witness.action.clone()).unwrap_or_default();
        format!("{} can {action} in {}", breach.principal, places_of(breach))
    });
    let more = guard.breaches.saturating_sub(who.map_or(0, |breach| breach.cells.len()));
    let more = if more > 0 { format!(", and {} more", counted(more, "breach")) } else { String::new() };
    let message = format!("{} is broken: {}{more}", guard.guard, first.unwrap_or_default());
    let mut fault = Fault::new(Code::BrokenGuard, message).at(Some(&guard.place), "forbidden here");
    let mut seen: BTreeSet<&Place> = BTreeSet::new();
    for breach in guard.broken.iter().take(TOLD) {
        let allowing = breach.allowed.sources.iter().filter(|one| one.side == Time::After && one.effect == "allow");
        for place in allowing.filter_map(|one| one.place.as_ref()) {
            if seen.insert(place) {
                fault = fault.at(Some(place), format!("allows it to {}", breach.principal));
            }
        }
    }
    for breach in guard.broken.iter().take(TOLD) {
        if let Some(witness) = &breach.allowed.witness {
            let context: Vec<String> =
                witness.context.iter().map(|(key, values)| format!("{key} = {}", values.join(", "))).collect();
            let with = if context.is_empty() { String::new() } else { format!(" with {}", context.join("; ")) };
            fault = fault.help(format!(
                "such as {} on {}{with}, by {} in {}",
                witness.action,
                witness.resource,
                breach.principal,
                places_of(breach)
            ));
        }
    }
    fault.help("take it away from the statement, deny it, or write whom the guard is not about in `except`")
}

fn places_of(breach: &Breach) -> String {
    match breach.cells.as_slice() {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => String::new(),
    }
}

fn undecided(guard: &Guard) -> Fault {
    let because = guard.because.join("; ");
    let fault = Fault::new(Code::GuardMay, format!("{} is not proven: {because}", guard.guard))
        .at(Some(&guard.place), "this may not hold");
    let about = |what: &str| guard.because.iter().any(|reason| reason.contains(&format!("the document of {what}")));
    let mut helps = Vec::new();
    if about("arn:") {
        helps.push("`cellc lock --update` pins the documents of AWS's managed policies");
    }
    if about("customer-managed policy") {
        helps.push("each account has a document of its own under a customer-managed policy's name, which nothing pins: a deny in the set decides it");
    }
    helps.push("`--strict` makes this an error");
    helps.into_iter().fold(fault, Fault::help)
}

impl Subject {
    /// What its policies say in vain or by mistake, by place. `side` is its own.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn lints(&self, side: &Side) -> Result<Vec<Fault>, Unreadable> {
        let written = side.sets.values().any(|fields| inline(fields).is_some()) || !side.policies.is_empty();
        if !written && self.guards.is_empty() {
            return Ok(Vec::new());
        }
        let known = Known::read()?;
        let regions = self.regions(side);
        let partition = self.desired.org.partition.as_str();
        let none: Vec<SmolStr> = Vec::new();
        let mut all = Vec::new();
        for (address, fields) in &side.sets {
            let Some(text) = inline(fields) else { continue };
            let regions = regions.get(address).unwrap_or(&none);
            let setting = Setting { catalogue: known.catalogue, of: Holder::PermissionSet, partition, regions };
            all.extend(self.lint(address, &text, &setting, &beside(&self.pins, side, address)));
        }
        for (address, content) in &side.policies {
            let regions = side.regions_under(address);
            let setting =
                Setting { catalogue: known.catalogue, of: Holder::Organization, partition, regions: &regions };
            all.extend(self.lint(address, &content.to_string(), &setting, &[]));
        }
        for rule in &self.guards {
            all.extend(rule.forbids.iter().flat_map(|forbidden| of_forbid(forbidden, known, partition)));
        }
        Ok(all)
    }

    fn lint(&self, address: &str, text: &str, setting: &Setting<'_>, beside: &[Part]) -> Vec<Fault> {
        let Ok(document) = policy::parse(text, &Arc::from(address)) else { return Vec::new() };
        let found = Linter::new(*setting).lint(&document, beside);
        found.iter().map(|finding| self.fault(address, &document, finding)).collect()
    }

    fn fault(&self, address: &str, document: &Document, finding: &lint::Finding) -> Fault {
        let place = |source: &Source| self.place(address, document, source);
        let own = place(&finding.at);
        let mut fault = Fault::new(code(finding.kind), finding.fact.clone()).at(own.as_ref(), "");
        if let Some(file) = self.in_file(address, document, &finding.at) {
            fault = fault.help(format!("it is the statement at {}:{}", visible::name(&file.file), file.line));
        }
        for also in &finding.also {
            let there = place(&also.at).filter(|there| Some(there) != own.as_ref());
            fault = fault.at(there.as_ref(), also.says.clone());
        }
        if let Some(help) = &finding.help {
            fault = fault.help(help.clone());
        }
        match &finding.edit {
            Some(edit) => fault.help(format!("write `{}`", edit.by)),
            None => fault,
        }
    }

    /// Where a part of a document is written that the program reads from a file.
    fn in_file(&self, address: &str, document: &Document, at: &Source) -> Option<Place> {
        let around = |source: &Source| source.start <= at.start && at.end <= source.end;
        let statement = document.statements.iter().find(|statement| around(&statement.source))?;
        self.places.in_file(address, statement.sid.as_deref(), statement.source.start)
    }

    /// Where a part of a document is written in the program.
    fn place(&self, address: &str, document: &Document, at: &Source) -> Option<Place> {
        let around = |source: &Source| source.start <= at.start && at.end <= source.end;
        let statement = document.statements.iter().find(|statement| around(&statement.source))?;
        let sid = statement.sid.as_deref();
        let condition = statement.conditions.iter().find(|condition| around(&condition.source));
        let condition = condition.and_then(|condition| self.places.condition(address, sid?, &condition.key));
        condition.or_else(|| self.places.find(address, sid))
    }

    /// The regions of the cells in which each set is given.
    fn regions(&self, side: &Side) -> BTreeMap<String, Vec<SmolStr>> {
        let region = |cell: &str| self.region(cell);
        let mut regions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for ((_, target), sets) in &side.given {
            let Some(region) = region(target) else { continue };
            for set in sets {
                regions.entry(set.clone()).or_default().insert(region);
            }
        }
        listed(regions)
    }

    fn region(&self, cell: &str) -> Option<&str> {
        self.desired.regions.get(cell).map(String::as_str)
    }
}

fn listed(regions: BTreeMap<String, BTreeSet<&str>>) -> BTreeMap<String, Vec<SmolStr>> {
    let words = |regions: BTreeSet<&str>| regions.into_iter().map(ToSmolStr::to_smolstr).collect();
    regions.into_iter().map(|(of, regions)| (of, words(regions))).collect()
}

/// What a `forbid` says in vain: a guard over an action that does not exist is proven and holds nothing back.
fn of_forbid(forbidden: &Forbidden, known: Known, partition: &str) -> Vec<Fault> {
    // What is forbidden fits no request, whatever `unless` says; what `unless` says is about the same actions.
    const PLAIN: [Kind; 3] = [Kind::UnknownAction, Kind::NeverMatches, Kind::VariableTooEarly];
    const UNLESS: [Kind; 2] = [Kind::ForeignKey, Kind::GlobInEquals];
    let Forbid { actions, resources, unless, source } = &forbidden.what;
    let statement = |effect, conditions: &[policy::Condition]| policy::Statement {
        sid: None,
        effect,
        principal: None,
        actions: actions.clone(),
        resources: Some(resources.clone()),
        conditions: conditions.to_vec(),
        source: source.clone(),
    };
    let document = Document::new(vec![statement(Effect::Allow, &[]), statement(Effect::Deny, unless)]);
    let setting = Setting { catalogue: known.catalogue, of: Holder::Identity, partition, regions: &[] };
    let found = Linter::new(setting).lint(&document, &[]);
    let own = found.into_iter().filter(|finding| {
        let kinds: &[Kind] = if finding.statement == 0 { &PLAIN } else { &UNLESS };
        kinds.contains(&finding.kind)
    });
    own.map(|finding| {
        let fault = Fault::new(code(finding.kind), finding.fact).at(Some(&forbidden.place), "forbidden here");
        finding.help.into_iter().fold(fault, Fault::help)
    })
    .collect()
}

fn inline(fields: &Fields) -> Option<String> {
    fields.get("inline").filter(|inline| inline.is_object()).map(ToString::to_string)
}

fn code(kind: Kind) -> Code {
    match kind {
        Kind::NeverInSession => Code::NeverInSession,
        Kind::Redundant => Code::RedundantStatement,
        Kind::Shadowed => Code::ShadowedAllow,
        Kind::NeverMatches => Code::NeverMatches,
        Kind::UnknownAction => Code::UnknownAction,
        Kind::ForeignKey => Code::ForeignKey,
        Kind::GlobInEquals => Code::GlobInEquals,
        Kind::AllOfNothing => Code::AllOfNothing,
        Kind::VariableTooEarly => Code::VariableTooEarly,
        Kind::MissingRegion => Code::MissingRegion,
        Kind::DeniesNothing => Code::DeniesNothing,
    }
}
