//! Access that cellc does not manage: who has which set that it does not own, and how grave that is. Owns the verdict on
//! a set by itself, and the words for it; who has it where was read before.

use std::collections::{BTreeMap, BTreeSet};

use cell_iam::access::Access;
use cell_iam::region::Proof as Proven;
use cell_iam::{Engine, risk};

use super::cases::alone;
use super::model::{Proof, Severity, Unmanaged};
use super::pins::Pins;
use super::review::{Known, Unreadable};
use super::sides::Side;
use crate::live::Live;
use crate::plan::diff::sets::fields_as_read;
use crate::plan::model::Fields;

/// What a set comes to.
#[derive(Debug, Clone)]
struct Verdict {
    severity: Severity,
    class: String,
    because: Vec<String>,
    proof: Proof,
    unknown: Vec<String>,
}

/// Every assignment that was read, as rows of who has which set, the gravest first. `person` and `place` say what a
/// principal and an account are called; `pins` has the documents of AWS's policies.
///
/// # Errors
/// When the shipped data cannot be read.
pub fn rows(
    live: &Live,
    pins: &Pins,
    person: &dyn Fn(&crate::provider::Principal) -> String,
    place: &dyn Fn(&str) -> String,
) -> Result<Vec<Unmanaged>, Unreadable> {
    let known = Known::read()?;
    let mut held: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    for given in &live.given {
        held.entry((&given.set, person(&given.principal))).or_default().insert(place(&given.account));
    }
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    let mut rows = Vec::new();
    for ((arn, principal), accounts) in held {
        let Some(set) = live.sets.get(arn) else { continue };
        let verdict = verdicts.entry(arn).or_insert_with(|| {
            let detail = set.detail.clone().unwrap_or_default();
            verdict(&fields_as_read(set, &detail), pins, known)
        });
        let Verdict { severity, class, because, proof, unknown } = verdict.clone();
        rows.push(Unmanaged {
            principal,
            permission_set: set.fields.name.clone(),
            accounts: accounts.into_iter().collect(),
            severity,
            class,
            because,
            proof,
            unknown,
        });
    }
    let key = |row: &Unmanaged| (row.severity, row.permission_set.clone(), row.principal.clone());
    rows.sort_by_key(key);
    Ok(rows)
}

/// What a set allows by itself, judged as if somebody gained it.
fn verdict(fields: &Fields, pins: &Pins, known: Known) -> Verdict {
    let side = Side { sets: BTreeMap::from([(SET.to_owned(), fields.clone())]), ..Side::default() };
    let unknown: BTreeSet<String> = pins.missing(&side).into_iter().chain(customer(fields)).collect();
    let unknown: Vec<String> = unknown.into_iter().collect();
    let (before, after) = (Access::default(), alone(pins, &side, SET));
    let mut engine = Engine::new(known.catalogue);
    let gained = engine.diff(&before, &after).gained;
    let administrator = risk::becomes_administrator(&mut engine, &before, &after, known.paths);
    let completed = risk::escalations(&mut engine, &before, &after, &gained, known.paths);
    let assessed = gained.iter().map(|region| {
        let assessment = risk::assess(region, known.catalogue, known.lists).escalates(&completed);
        let assessment = if administrator { assessment.administrator() } else { assessment };
        (assessment.severity, assessment.class, assessment.because, region.proof == Proven::Proven)
    });
    let gravest = assessed.min_by_key(|(severity, class, ..)| (*severity, *class));
    let Some((severity, class, because, proven)) = gravest else {
        let severity = Severity::Low;
        let proof = if unknown.is_empty() { Proof::Proven } else { Proof::May };
        return Verdict { severity, class: "nothing".to_owned(), because: Vec::new(), proof, unknown };
    };
    Verdict {
        severity: super::tell::severity(severity),
        class: class.words().to_owned(),
        because: because.iter().take(NAMED).map(ToString::to_string).collect(),
        proof: if proven && unknown.is_empty() { Proof::Proven } else { Proof::May },
        unknown,
    }
}

const SET: &str = "permission_set.unmanaged";
/// Actions that are named as the reason.
const NAMED: usize = 6;
/// Those of them that stand in a row.
const SHOWN: usize = 3;

/// Policies that lie in the accounts: what they allow is nowhere to be read.
fn customer(fields: &Fields) -> Vec<String> {
    crate::plan::diff::sets::texts(fields.get("customer_managed"))
}

/// A row in words: `user eve has AdministratorAccess in pay-prod: CRITICAL, administrator`.
pub fn words(row: &Unmanaged) -> String {
    let shown: Vec<&str> =
        row.because.iter().filter(|action| *action != "*").take(SHOWN).map(String::as_str).collect();
    let because = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
    let verdict = match (row.class.as_str(), row.proof) {
        ("nothing", Proof::Proven) => "it allows nothing".to_owned(),
        (_, Proof::Proven) => format!("{}, {}{because}", row.severity.word(), row.class),
        ("nothing", Proof::May) => format!("what it allows is not known: {}", row.unknown.join(", ")),
        (_, Proof::May) if row.unknown.is_empty() => {
            format!("{}, {}{because}, as far as it goes", row.severity.word(), row.class)
        }
        (_, Proof::May) => format!(
            "at least {}, {}{because}; not known is {}",
            row.severity.word(),
            row.class,
            row.unknown.join(", ")
        ),
    };
    format!("{} has {} in {}: {verdict}", row.principal, row.permission_set, row.accounts.join(", "))
}
