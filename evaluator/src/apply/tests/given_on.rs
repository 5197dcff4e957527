//! A run dies as it gives a parked account to a cell. Whatever the program says then, the account is that of a cell or parked as it was,
//! and no second one is made.

use super::bench::{Bench, desired};
use super::kills::{deaths, deaths_of, died, each, finished_by_itself, none};
use super::programs::{Reference, Scenario};
use super::store::Fault;
use super::world;
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::scope::Scope;
use crate::registry::given::Given;

/// A program with these dev cells, and with a cell that stays.
fn program(dev: &[&str], fields: &str, rest: &str) -> Desired {
    let cell = |name: &&str| {
        format!(
            "cell {name} {{ kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31, ou = ou.inner{fields} }}\n"
        )
    };
    let cells: String = dev.iter().map(cell).collect();
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 500 }} }}\ngroup ops {{}}\n\
         ou workloads {{}}\nou inner {{ parent = ou.workloads }}\n\
         cell a {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }}\n{cells}\
         permission_set Look {{ session = 2h }}\ngrant g {{ to = group.ops, can = permission_set.Look, on = cells }}\n{rest}"
    ))
}

/// The account of cell `ana`, which is parked, is given to cell `bob`.
fn given(fields: &str) -> Scenario {
    let gone = program(&[], "", "removed { from = \"cell.ana\", account = \"park\" }");
    let start = Bench::after(&[&program(&["ana"], "", ""), &gone]);
    Scenario { name: "given", start, to: program(&["bob"], fields, ""), command: Command::Apply }
}

const FIELDS: [&str; 2] = ["", ", tags { team = \"x\" }"];

/// What the program says after all.
fn after_all(fields: &str) -> Vec<(&'static str, Desired)> {
    let renamed = "moved { from = \"cell.bob\", to = \"cell.zed\" }";
    vec![
        ("taken back", program(&[], "", "")),
        ("taken back, and the unit, too", without_the_unit()),
        ("as before", program(&["ana"], fields, "")),
        ("another", program(&["zed"], fields, "")),
        ("another that is the same", program(&["zed"], fields, renamed)),
        ("the same", program(&["bob"], fields, "")),
    ]
}

fn without_the_unit() -> Desired {
    desired(
        "org o { accounts { email = \"aws+\\(.name)@x.example\" }, limits { revoke_count = 500 } }\ngroup ops {}\n\
         ou workloads {}\ncell a { kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }\n\
         permission_set Look { session = 2h }\ngrant g { to = group.ops, can = permission_set.Look, on = cells }\n",
    )
}

/// It comes to what it would have come to without the death, and nothing of it is called a doing of others.
fn ends(bench: &Bench, wanted: &Desired, shape: &[String]) -> Result<(), String> {
    let plan = bench.try_plan(wanted, &Scope::default(), Command::Apply).map_err(|no| format!("no plan: {no:?}"))?;
    let told = format!("{:?}", plan.notices);
    bench.converges(wanted, Command::Apply, shape)?;
    let drifted = plan.changes.iter().find(|change| change.kind == "account" && !change.drift.is_empty());
    match drifted {
        Some(change) => Err(format!("it reads as changed outside: {change:?}")),
        None if told.contains("was moved to") => Err(told),
        None => Ok(()),
    }
}

/// Has the run written down that all of it was done?
fn is_bobs(bench: &Bench) -> bool {
    bench.record().entry("cell.bob").is_some_and(|entry| Given::of(entry).is_none())
}

/// It is the cell's as any other account is: the program says what becomes of it.
fn refused(bench: &Bench, wanted: &Desired) -> Result<(), String> {
    match bench.try_plan(wanted, &Scope::default(), Command::Apply) {
        Err(no) if no.codes().contains("E0501") => Ok(()),
        other => Err(format!("{:?}", other.map(|plan| world::told(&plan)))),
    }
}

#[test]
fn an_account_that_was_being_given_on_goes_where_the_program_says_after_all() {
    let mut found = Vec::new();
    for fields in FIELDS {
        let scenario = given(fields);
        let reference = Reference::of(&scenario);
        for (name, wanted) in after_all(fields) {
            let undisturbed = scenario.start.copy();
            undisturbed.apply(&wanted);
            let shape = undisturbed.shape();
            found.extend(each(&deaths(&reference), |(call, nth, how)| {
                let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
                ends(&bench, &wanted, &shape)
                    .map_err(|wrong| format!("{name}{fields}: {call} #{nth} {how:?}: {wrong}"))
            }));
            // As much of it as can be was written down.
            let lines: Vec<usize> = (0..reference.lines).collect();
            found.extend(each(&lines, |line| {
                let bench = scenario.start.copy();
                bench.store.fault(Fault::DiesAtLine(*line, false));
                bench.run(&scenario.to, &reference.plan);
                bench.store.fault(Fault::None);
                if is_bobs(&bench) && !wanted.resources.contains_key("cell.bob") && wanted.moved.is_empty() {
                    return refused(&bench, &wanted).map_err(|wrong| format!("{name}{fields}: line {line}: {wrong}"));
                }
                ends(&bench, &wanted, &shape).map_err(|wrong| format!("{name}{fields}: line {line}: {wrong}"))
            }));
        }
    }
    none(&found);
}

/// The run after the death dies, too.
#[test]
fn an_account_that_was_being_given_on_twice_is_not_lost() {
    let mut found = Vec::new();
    let scenario = given("");
    let reference = Reference::of(&scenario);
    let first = deaths(&reference);
    for (name, wanted) in after_all("") {
        let undisturbed = scenario.start.copy();
        undisturbed.apply(&wanted);
        let shape = undisturbed.shape();
        for (call, nth, how) in &first {
            let start = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let Ok(plan) = start.try_plan(&wanted, &Scope::default(), Command::Apply) else {
                found.push(format!("{name}: {call} #{nth} {how:?}: no plan"));
                continue;
            };
            let again = start.copy();
            again.cloud.count_anew();
            again.run(&wanted, &plan);
            let asked: Vec<(String, u64)> = again.cloud.asked().into_iter().collect();
            found.extend(each(&deaths_of(&asked), |(second, again, then)| {
                let bench = died(&start, &wanted, &plan, (second, *again, *then));
                let ended = bench.converges(&wanted, Command::Apply, &shape);
                ended.map_err(|wrong| {
                    format!("{name}: {call} #{nth} {how:?}, then {second} #{again} {then:?}: {wrong}")
                })
            }));
        }
    }
    none(&found);
}

/// A tearing down leaves one parked account, whatever it is called.
#[test]
fn an_account_that_was_being_given_on_is_parked_by_a_tearing_down() {
    let scenario = given("");
    let reference = Reference::of(&scenario);
    let undisturbed = scenario.start.copy();
    undisturbed.destroy(&program(&[], "", ""));
    let back = undisturbed.shape();
    // Under which name, and from which cell, depends on how far the run came.
    let parked = |shape: Vec<String>| -> Vec<String> {
        let of = |line: String| match line.split_once(" `") {
            Some((email, rest)) if email.contains("+ana@") => {
                format!(
                    "{email} {} {}",
                    rest.contains("in /cellc-parked/ {\"cellc:parked\""),
                    rest.contains("cellc:address")
                )
            }
            _ => line,
        };
        shape.into_iter().map(of).collect()
    };
    let mut found = Vec::new();
    for (name, program) in after_all("") {
        found.extend(each(&deaths(&reference), |(call, nth, how)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let plan = bench.try_plan(&program, &Scope::default(), Command::Destroy);
            let ended = plan.map_err(|no| format!("no plan: {no:?}")).and_then(|plan| {
                bench.run(&program, &plan);
                bench.is_settled(&program, Command::Destroy)?;
                let (back, is) = if name.starts_with("taken back") {
                    (back.clone(), bench.shape())
                } else {
                    (parked(back.clone()), parked(bench.shape()))
                };
                world::same(&back, &is)?;
                bench.is_recorded()
            });
            ended.map_err(|wrong| format!("{name}: {call} #{nth} {how:?}: {wrong}"))
        }));
    }
    none(&found);
}

/// A saved plan that gives one on is finished by running it again.
#[test]
fn a_saved_plan_that_gives_an_account_on_is_finished_by_itself() {
    let mut found = Vec::new();
    for fields in FIELDS {
        let scenario = given(fields);
        found.extend(finished_by_itself(&scenario, &Reference::of(&scenario)));
    }
    none(&found);
}
