//! What each kind comes to: desired × recorded × live, a row a cell.
//!
//! Owns how a cell is set up: a program is applied, then the record is made to forget the thing or not, then the
//! thing is changed in the cloud or not, and the plan of another program is told in a line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod accounts;
mod assignments;
mod notices;
mod policies;
mod releases;
mod relied;
mod repositories;
mod set_waves;
mod sets;
mod taken;
mod units;
mod waits;
mod whole;

use crate::apply::tests::bench::{Bench, desired};
use crate::apply::tests::cloud::State;
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::model::{Change, Plan};
use crate::plan::scope::Scope;

/// What every program here begins with.
pub(super) const HEAD: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
group dev {}
"#;

/// Does the program ask for it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
}

/// Does the record have it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// What the cloud has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Live {
    /// Nothing.
    Gone,
    /// What was last applied.
    Old,
    /// What the program asks for.
    New,
    /// Neither.
    Other,
}

/// Desired, recorded, live; the action with the fields that were changed outside and the operations; why.
type Row = (Asked, Known, Live, &'static str, &'static str);

/// A kind of resource, and how its thing is brought into each form.
struct Kind {
    address: &'static str,
    /// What is applied first.
    old: Desired,
    /// What asks for it, changed.
    new: Desired,
    /// What does not ask for it.
    without: Desired,
    /// Brings what is in the cloud from the old form to this one.
    edit: fn(&mut State, Live),
}

/// A program after the head.
fn program(text: &str) -> Desired {
    desired(&format!("{HEAD}{text}"))
}

/// `action drift=…: verb verb`, or what keeps the plan from being made.
fn told(plan: &Plan, change: &Change) -> String {
    let mut line = change.action.word().to_owned();
    if !change.drift.is_empty() {
        line.push_str(&format!(" drift={}", change.drift.join(",")));
    }
    let verbs: Vec<&str> = change.operations.iter().filter_map(|id| Some(plan.operation(*id)?.verb.word())).collect();
    if verbs.is_empty() { line } else { format!("{line}: {}", verbs.join(" ")) }
}

/// What a plan makes of an address.
fn of(bench: &Bench, desired: &Desired, command: Command, address: &str) -> String {
    match bench.try_plan(desired, &Scope::default(), command) {
        Err(no) => no.codes(),
        Ok(plan) => {
            let change = plan.changes.iter().find(|change| change.address == address);
            change.map_or_else(|| "nothing".to_owned(), |change| told(&plan, change))
        }
    }
}

/// Every cell of the table, and nothing but it.
#[track_caller]
fn holds(kind: &Kind, table: &[Row]) {
    let start = Bench::after(&[&kind.old]);
    let mut wrong = Vec::new();
    for (asked, known, live, expected, because) in table {
        let bench = start.copy();
        if *known == Known::No {
            bench.store.edit(|record| _ = record.resources.remove(kind.address));
        }
        bench.cloud.edit(|state| (kind.edit)(state, *live));
        let desired = if *asked == Asked::Yes { &kind.new } else { &kind.without };
        let found = of(&bench, desired, Command::Apply, kind.address);
        if found != *expected {
            wrong.push(format!(
                "({asked:?}, {known:?}, {live:?}): found `{found}`, expected `{expected}` since {because}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", kind.address, wrong.join("\n"));
    let mut cells: Vec<String> = table.iter().map(|row| format!("{:?}", (row.0, row.1, row.2))).collect();
    cells.sort_unstable();
    cells.dedup();
    assert_eq!(cells.len(), 16, "the table has every cell once");
}
