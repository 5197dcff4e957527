//! Widenings planted in programs: a program is mutated by one edit that gives somebody more, hidden among edits that
//! mean nothing, and the review has to find who, where and what. What is true is decided request by request from the
//! model the program is written from, and not by the engine.

pub(crate) mod edits;
pub(crate) mod program;

use std::collections::{BTreeMap, BTreeSet};

use super::change;
use crate::access::model::{Proof, Review, Row};
use crate::access::pins::Pins;
use edits::{Random, WIDENINGS};
use program::{Program, Request, glob, requests};

/// How many programs are mutated.
const PROGRAMS: u64 = 100;

/// What is gained: who, in which cell, which request.
type Gained<'a> = BTreeMap<(String, String), Vec<&'a Request<'static>>>;

fn gained<'a>(before: &Program, after: &Program, all: &'a [Request<'static>]) -> Gained<'a> {
    let mut gained = Gained::new();
    for group in Program::GROUPS {
        for cell in Program::CELLS {
            let news: Vec<&Request<'_>> = all
                .iter()
                .filter(|request| after.allows(group, &cell, request) && !before.allows(group, &cell, request))
                .collect();
            if !news.is_empty() {
                gained.insert((format!("group.{group}"), format!("cell.{}", cell.name)), news);
            }
        }
    }
    gained
}

/// Does a row tell of the request? By what it prints: the action, and a pattern of resources that takes it.
fn tells(row: &Row, request: &Request<'_>) -> bool {
    row.gained.iter().any(|delta| {
        delta.actions.iter().any(|action| action == request.action)
            && delta.resources.iter().any(|told| {
                let (within, without) = told.split_once(" except ").unwrap_or((told, ""));
                glob(within, request.resource) && !without.split(", ").any(|other| glob(other, request.resource))
            })
    })
}

/// What a review says wrongly of a change whose truth is known.
fn faults(review: &Review, before: &Program, after: &Program, all: &[Request<'static>]) -> Vec<String> {
    let truth = gained(before, after, all);
    let mut faults = Vec::new();
    for ((principal, cell), requests) in &truth {
        let rows: Vec<&Row> =
            review.principals.iter().filter(|row| row.principal == *principal && row.cells.contains(cell)).collect();
        for request in requests {
            if !rows.iter().any(|row| tells(row, request)) {
                faults.push(format!("{principal} in {cell} gains {request:?}, and no row says so"));
            }
        }
    }
    for row in &review.principals {
        let cells = Program::CELLS.iter().filter(|cell| row.cells.contains(&format!("cell.{}", cell.name)));
        for (cell, delta) in cells.flat_map(|cell| row.gained.iter().map(move |delta| (cell, delta))) {
            let witness = delta.witness.as_ref().unwrap();
            let of = |key: &str| witness.context.get(key).and_then(|values| values.first()).map(String::as_str);
            let request = Request {
                action: &witness.action,
                resource: &witness.resource,
                region: of("aws:RequestedRegion"),
                team: of("aws:PrincipalTag/team"),
            };
            let who = row.principal.trim_start_matches("group.");
            let answers = (before.allows(who, cell, &request), after.allows(who, cell, &request));
            if delta.proof == Proof::Proven && answers != (false, true) {
                faults.push(format!("{who} in {}: before and after, {request:?} is {answers:?}", cell.name));
            }
        }
    }
    faults
}

#[test]
fn every_widening_planted_in_a_hundred_programs_is_found() {
    let all = requests();
    let mut kinds = BTreeSet::new();
    let mut failed = Vec::new();
    for seed in 0..PROGRAMS {
        let mut random = Random(seed);
        let before = Program::random(&mut random);
        let (kind, mut after) = std::iter::repeat_with(|| {
            let widening = WIDENINGS[random.below(WIDENINGS.len())];
            let mut after = before.clone();
            (widening.1)(&mut after, &mut random);
            (widening.0, after)
        })
        .find(|(_, after)| !gained(&before, after, &all).is_empty())
        .unwrap();
        kinds.insert(kind);
        for _ in 0..3 {
            edits::rewrite(&mut after, &mut random);
        }
        let review = change(&before.text(), &after.text(), &pins());
        let wrong = faults(&review, &before, &after, &all);
        if !wrong.is_empty() {
            failed.push(format!(
                "program {seed}, {kind}:\n{}\n--- before\n{}\n--- after\n{}",
                wrong.join("\n"),
                before.text(),
                after.text()
            ));
        }
    }
    assert!(failed.is_empty(), "{} of {PROGRAMS}, the first:\n{}", failed.len(), failed[0]);
    assert_eq!(kinds.len(), WIDENINGS.len(), "each kind of widening was planted: {kinds:?}");
}

#[test]
fn no_rewriting_of_a_hundred_programs_is_told_as_a_change() {
    let mut failed = Vec::new();
    for seed in 0..PROGRAMS {
        let mut random = Random(seed);
        let before = Program::random(&mut random);
        let mut after = before.clone();
        for _ in 0..4 {
            edits::rewrite(&mut after, &mut random);
        }
        assert_ne!(before.text(), after.text(), "program {seed} was rewritten");
        assert!(gained(&before, &after, &requests()).is_empty() && gained(&after, &before, &requests()).is_empty());
        let review = change(&before.text(), &after.text(), &pins());
        if !review.principals.is_empty() {
            failed.push(format!("program {seed}:\n{:#?}\n{}\n{}", review.principals, before.text(), after.text()));
        }
    }
    assert!(failed.is_empty(), "{} of {PROGRAMS}, the first:\n{}", failed.len(), failed[0]);
}

/// The boundaries that programs name, pinned; nothing is attached outside.
fn pins() -> Pins {
    let boundary = |(arn, action): (&str, &str)| {
        let statement = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        (arn.to_owned(), serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
    };
    Pins {
        managed: program::BOUNDARIES.into_iter().map(boundary).collect(),
        organization: Some(BTreeMap::new()),
        ..Pins::default()
    }
}
