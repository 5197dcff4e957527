//! A `moved` edit whose run came to no end is taken back as one takes back an edit: the program is what it was, and no line leads back.
//! All is as it was then, the marks too.

use std::sync::atomic::AtomicBool;

use super::bench::{Bench, desired, stop_at};
use super::cloud::Trouble;
use super::kills::{deaths, died, each, none};
use super::programs::{Reference, Scenario};
use super::troubles::is_read;
use crate::apply::receipt::Ending;
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::model::{Plan, Verb};
use crate::plan::scope::Scope;

/// Labels of a policy, a unit, a set and a cell, which are named so or otherwise.
#[derive(Clone, Copy)]
struct Labels<'l> {
    policy: &'l str,
    unit: &'l str,
    set: &'l str,
    cell: &'l str,
}

const FORMER: Labels<'_> = Labels { policy: "rail", unit: "work", set: "Look", cell: "one" };

/// A program with these labels; where they are `plain`, what they stand for is named by them.
fn program(labels: Labels<'_>, plain: bool) -> Desired {
    let Labels { policy, unit, set, cell } = labels;
    let name = |name: &str| if plain { String::new() } else { format!("name = \"{name}\"\n") };
    let moved = [
        ("scp", FORMER.policy, policy),
        ("ou", FORMER.unit, unit),
        ("permission_set", FORMER.set, set),
        ("cell", FORMER.cell, cell),
    ];
    let moved = moved.into_iter().filter(|(_, from, to)| from != to);
    let moved = moved.map(|(kind, from, to)| format!("moved {{ from = \"{kind}.{from}\", to = \"{kind}.{to}\" }}"));
    let moved = moved.collect::<Vec<_>>().join("\n");
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 500 }} }}\ngroup ops {{}}\n\
         scp {policy} {{ {}deny leave {{ actions = [\"organizations:LeaveOrganization\"], resources = [\"*\"] }} }}\n\
         ou {unit} {{ {}scps = [scp.{policy}] }}\nou low {{ parent = ou.{unit} }}\n\
         permission_set {set} {{ {}session = 2h\nallow see {{ actions = [\"ec2:Describe*\"], resources = [\"*\"] }} }}\n\
         cell {cell} {{ {}kind = \"alpha\", region = \"us-west-2\", ou = ou.{unit}, email = \"a@x.example\" }}\n\
         grant g {{ to = group.ops, can = permission_set.{set}, on = cells }}\n{moved}",
        name("rail"),
        name("work"),
        name("Look"),
        name("one"),
    ))
}

/// What was and what it was to become.
fn edits() -> Vec<(String, Desired, Desired)> {
    let labels = [
        ("policy", Labels { policy: "guard", ..FORMER }),
        ("unit", Labels { unit: "task", ..FORMER }),
        ("set", Labels { set: "See", ..FORMER }),
        ("cell", Labels { cell: "two", ..FORMER }),
        ("all", Labels { policy: "guard", unit: "task", set: "See", cell: "two" }),
    ];
    let both = labels.into_iter().flat_map(|(name, labels)| [(name, labels, false), (name, labels, true)]);
    both.map(|(name, labels, plain)| {
        let told = if plain { format!("{name}, named by its label") } else { name.to_owned() };
        (told, program(FORMER, plain), program(labels, plain))
    })
    .collect()
}

/// The edits with a bench before each, and what the run of each asks for.
fn of_each(mut look: impl FnMut(&str, &Desired, &Scenario, &Reference)) {
    for (name, from, to) in edits() {
        let scenario = Scenario { name: "moved", start: Bench::after(&[&from]), to, command: Command::Apply };
        let reference = Reference::of(&scenario);
        look(&name, &from, &scenario, &reference);
    }
}

/// Does what is done at an address that something else had wait until that is known by its own again?
fn is_given_back_first(plan: &Plan) -> Result<(), String> {
    let given = plan.operations.iter().filter_map(|operation| match &operation.verb {
        Verb::Readdress { from } => Some((operation.id, from)),
        _ => None,
    });
    let hasty = given.flat_map(|(id, from)| {
        plan.operations.iter().filter(move |other| other.address == *from && !other.needs.contains(&id))
    });
    let hasty: Vec<_> = hasty.map(|operation| (&operation.address, operation.verb.word())).collect();
    if hasty.is_empty() { Ok(()) } else { Err(format!("done too early: {hasty:?}")) }
}

#[test]
fn a_moved_edit_that_dies_is_taken_back_without_a_line() {
    let mut found = Vec::new();
    of_each(|name, from, scenario, reference| {
        let before = scenario.start.shape();
        found.extend(each(&deaths(reference), |(call, nth, how)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let plan = bench.try_plan(from, &Scope::default(), Command::Apply);
            let waits = plan.map_err(|no| format!("{no:?}")).and_then(|plan| is_given_back_first(&plan));
            let ended = waits.and_then(|()| bench.converges(from, Command::Apply, &before));
            ended.map_err(|wrong| format!("{name}: {call} #{nth} {how:?}: {wrong}"))
        }));
    });
    none(&found);
}

/// The run did not die: a call failed, or its answer was lost and all later ones of its kind are refused.
#[test]
fn a_moved_edit_that_fails_is_taken_back_without_a_line() {
    let mut found = Vec::new();
    of_each(|name, from, scenario, reference| {
        let before = scenario.start.shape();
        let writes = reference.asked.iter().filter(|(call, _)| !is_read(call));
        let cases: Vec<(&String, u64, Trouble, u64)> = writes
            .flat_map(|(call, count)| {
                let of = |nth: u64| [(call, nth, Trouble::Denied, *count), (call, nth, Trouble::LostAfter, *count)];
                (1..=*count).flat_map(of).collect::<Vec<_>>()
            })
            .collect();
        found.extend(each(&cases, |(call, nth, how, count)| {
            let bench = scenario.start.copy();
            bench.cloud.script(call, *nth, *how);
            // It is asked again, and other things are.
            (nth + 1..=count + 3).for_each(|later| bench.cloud.script(call, later, Trouble::Denied));
            // What was made all the same, and is seen to be there, is done.
            if bench.run(&scenario.to, &reference.plan).ending == Ending::Done {
                return Ok(());
            }
            let ended = bench.converges(from, Command::Apply, &before);
            ended.map_err(|wrong| format!("{name}: {call} #{nth} {how:?}: {wrong}"))
        }));
    });
    none(&found);
}

#[test]
fn a_moved_edit_that_is_stopped_is_taken_back_without_a_line() {
    let mut found = Vec::new();
    of_each(|name, from, scenario, reference| {
        let before = scenario.start.shape();
        // One that was told to stop when nothing was left to begin came to its end.
        let cases: Vec<usize> = (0..reference.plan.operations.len()).collect();
        found.extend(each(&cases, |at| {
            let (bench, stop) = (scenario.start.copy(), AtomicBool::new(false));
            let receipt = bench.watched(&scenario.to, &reference.plan, &stop, &mut stop_at(&stop, *at)).unwrap();
            if receipt.ending == Ending::Done {
                return Ok(());
            }
            let ended = bench.converges(from, Command::Apply, &before);
            ended.map_err(|wrong| format!("{name}: stopped at {at}: {wrong}"))
        }));
    });
    none(&found);
}

/// The taking back dies, too: what it had given its former address in the record alone is marked by the next run.
#[test]
fn the_taking_back_of_a_moved_edit_may_die() {
    let mut found = Vec::new();
    of_each(|name, from, scenario, reference| {
        if name.starts_with("all") {
            return;
        }
        let before = scenario.start.shape();
        let firsts = deaths(reference);
        found.extend(each(&firsts, |(call, nth, how)| {
            let first = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let Ok(plan) = first.try_plan(from, &Scope::default(), Command::Apply) else {
                return Err(format!("{name}: {call} #{nth} {how:?}: there is no plan"));
            };
            let back = first.copy();
            back.cloud.count_anew();
            back.run(from, &plan);
            let asked: Vec<(String, u64)> = back.cloud.asked().into_iter().collect();
            for (again, at, ends) in super::kills::deaths_of(&asked) {
                let bench = first.copy();
                bench.cloud.count_anew();
                bench.cloud.script(again, at, ends);
                bench.run(from, &plan);
                let ended = bench.converges(from, Command::Apply, &before);
                ended.map_err(|wrong| {
                    format!("{name}: {call} #{nth} {how:?}, then {again} #{at} {ends:?}: {wrong}")
                })?;
            }
            Ok(())
        }));
    });
    none(&found);
}
