//! A region of the engine's in the words of a review. Owns these words; what they are printed on is not its affair.

use cell_iam::Layer;
use cell_iam::data::paths::Paths;
use cell_iam::decide::Verdict;
use cell_iam::region::{Glob, KeyChange, Need, Proof, Reason, Region, Values};
use cell_iam::risk::{self, Assessment, Completed};

use super::model::{self, Delta, Path, Risk, Severity, Statement, Time, Witness};
use super::sources::Sources;

/// A region with what it comes to.
pub(super) fn delta(
    region: &Region,
    assessment: &Assessment,
    completed: &[Completed],
    paths: &Paths,
    sources: &Sources<'_>,
) -> Delta {
    let (proof, because) = match &region.proof {
        Proof::Proven => (model::Proof::Proven, Vec::new()),
        Proof::May(reasons) => (model::Proof::May, reasons.iter().map(reason).collect()),
    };
    let (named, future) = region.actions.told();
    Delta {
        actions: named.iter().map(ToString::to_string).collect(),
        future: future.iter().map(ToString::to_string).collect(),
        resources: region.resources.iter().map(glob).collect(),
        conditions: conditions(region),
        changes: region.changes.iter().map(key_change).collect(),
        witness: region.witness.as_ref().map(witness),
        risk: risk_of(region, assessment, completed, paths),
        proof,
        because,
        sources: statements(region, sources),
        until: None,
    }
}

/// Is the action, or what it is called by, one of a region's?
pub(super) fn has(region: &Region, action: &str) -> bool {
    let same = |other: &smol_str::SmolStr| other.eq_ignore_ascii_case(action);
    region.actions.known.iter().any(same) || region.actions.unlisted.iter().any(same)
}

fn risk_of(region: &Region, assessment: &Assessment, completed: &[Completed], paths: &Paths) -> Risk {
    let because = assessment.because.iter().map(ToString::to_string);
    // That all of them put it there goes without saying.
    let because = if assessment.because.len() < region.actions.count() { because.collect() } else { Vec::new() };
    let path = |completed: &Completed| {
        let known = paths.paths.iter().find(|path| path.id == completed.id);
        Path {
            id: completed.id.to_string(),
            name: known.map(|path| path.kind.words().to_owned()).unwrap_or_default(),
            arrived: completed.arrived.iter().map(ToString::to_string).collect(),
            there: completed.had.iter().map(ToString::to_string).collect(),
            bounded_by: completed.bounded_by.iter().map(ToString::to_string).collect(),
        }
    };
    Risk {
        class: assessment.class.words().to_owned(),
        severity: severity(assessment.severity),
        because,
        paths: completed.iter().map(path).collect(),
    }
}

pub(super) fn severity(severity: risk::Severity) -> Severity {
    match severity {
        risk::Severity::Critical => Severity::Critical,
        risk::Severity::High => Severity::High,
        risk::Severity::Medium => Severity::Medium,
        risk::Severity::Low => Severity::Low,
    }
}

/// `arn:aws:s3:::logs-* except arn:aws:s3:::logs-secret/*`
pub(super) fn glob(glob: &Glob) -> String {
    let mut text = glob.glob.to_string();
    for (word, all) in [(" that is also ", &glob.and), (" except ", &glob.except)] {
        if !all.is_empty() {
            text.push_str(word);
            text.push_str(&all.join(", "));
        }
    }
    text
}

/// Each alternative as a sentence; none where an alternative asks for nothing.
pub(super) fn conditions(region: &Region) -> Vec<String> {
    if region.when.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let mut all: Vec<String> =
        region.when.iter().map(|needs| needs.iter().map(need).collect::<Vec<_>>().join(" and ")).collect();
    if region.more {
        all.push("further alternatives".to_owned());
    }
    all
}

fn need(need: &Need) -> String {
    match need {
        Need::Value { key, values: all } => format!("{key} {}", values(all)),
        Need::Contains { key, values } => format!("{key} has {}", globs(values)),
        Need::Lacks { key, values } => format!("{key} has no {}", globs(values)),
    }
}

fn globs(all: &[Glob]) -> String {
    all.iter().map(glob).collect::<Vec<_>>().join(", ")
}

/// `is us-west-2`, `is any of …`, `is absent`, `is absent or …`.
fn values(values: &Values) -> String {
    let of: Vec<String> = values.of.iter().map(glob).collect();
    let any = values.of.iter().any(Glob::is_all);
    match (values.absent, any, of.as_slice()) {
        (true, true, _) => "is anything".to_owned(),
        (false, true, _) => "is there".to_owned(),
        (true, false, []) => "is absent".to_owned(),
        (false, false, []) => "has no value".to_owned(),
        (true, false, of) => format!("is absent or {}", of.join(", ")),
        (false, false, [one]) => format!("is {one}"),
        (false, false, of) => format!("is one of {}", of.join(", ")),
    }
}

fn key_change(change: &KeyChange) -> model::KeyChange {
    let (before, after) = (values(&change.before), values(&change.after));
    model::KeyChange { key: change.key.to_string(), before, after }
}

fn witness(witness: &cell_iam::region::Witness) -> Witness {
    let context = witness.request.context.iter();
    Witness {
        action: witness.request.action.to_string(),
        resource: witness.request.resource.to_string(),
        context: context
            .map(|(key, values)| (key.to_string(), values.iter().map(ToString::to_string).collect()))
            .collect(),
        before: verdict(witness.before).to_owned(),
        after: verdict(witness.after).to_owned(),
    }
}

/// `allow`, `deny`, `may`.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allow",
        Verdict::Denied => "deny",
        Verdict::May => "may",
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Across => "a `*` within a part of an ARN may reach across its colon".to_owned(),
        Reason::Variable(key) => format!("it depends on ${{{key}}}, which is not known"),
        Reason::Policy(name) => format!("the document of {name} is not known"),
        Reason::Operator(name) => format!("the operator of the condition on {name} is not known"),
        Reason::Principal => "a statement names principals".to_owned(),
        Reason::Dependent(keys) => format!("the keys {} depend on each other", keys.join(", ")),
        Reason::Undocumented(key) => format!("AWS documents no key {key} for the action"),
        Reason::Several(key) => format!("an operator for one value is written on {key}, which may have several"),
        Reason::NoResource => "AWS does not say whether the action is asked for on such a resource".to_owned(),
        Reason::Size => "the patterns divide it into more parts than are looked at".to_owned(),
    }
}

/// A layer, for people.
pub(super) fn layer(layer: &Layer) -> String {
    match layer {
        Layer::Identity(name) => format!("the policies of {name}"),
        Layer::Boundary(name) => format!("the boundary of {name}"),
        Layer::Session(name) => format!("the session policies of {name}"),
        Layer::Scp(name) => format!("the service control policies of {name}"),
        Layer::Rcp(name) => format!("the resource control policies of {name}"),
        Layer::Guard => "the question".to_owned(),
    }
}

fn statements(region: &Region, sources: &Sources<'_>) -> Vec<Statement> {
    let mut all: Vec<Statement> = Vec::new();
    for (side, deciding) in [(Time::After, &region.after), (Time::Before, &region.before)] {
        for one in deciding.iter().map(|one| sources.statement(one, side)) {
            if !all.contains(&one) && one.policy != "FullAWSAccess" {
                all.push(one);
            }
        }
    }
    all
}
