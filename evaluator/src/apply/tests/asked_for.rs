//! A run dies as it asks for an account, and the program says something else of it then.

use super::bench::{Bench, desired};
use super::kills::{deaths, died, each, none};
use super::programs::{Reference, Scenario};
use super::world;
use crate::apply::receipt::Ending;
use crate::plan::Command;
use crate::plan::desired::{ADDRESS_TAG, Desired};
use crate::provider::Account;

fn program(rest: &str) -> Desired {
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }} }}\ngroup ops {{}}\nou work {{}}\n\
         cell a {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.work }}\n\
         permission_set Look {{ session = 2h }}\ngrant g {{ to = group.ops, can = permission_set.Look, on = cells }}\n{rest}"
    ))
}

fn cell(name: &str, fields: &str) -> String {
    format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.work{fields} }}\n")
}

fn asked_for() -> Scenario {
    let start = Bench::after(&[&program("")]);
    Scenario {
        name: "asked for",
        start,
        to: program(&cell("beta", ", tags { of = \"b\" }")),
        command: Command::Apply,
    }
}

/// Accounts beside that of cell `a` and the management account.
fn more(bench: &Bench) -> usize {
    bench.cloud.state().accounts.len() - 2
}

/// An account that was asked for has another label: it is gone on with, and keeps the e-mail that it was asked for with.
#[test]
fn an_account_that_was_asked_for_may_have_another_label() {
    let scenario = asked_for();
    let reference = Reference::of(&scenario);
    let moved = "moved { from = \"cell.beta\", to = \"cell.beta2\" }\n";
    let labelled = program(&(cell("beta2", "") + moved));
    let email = labelled.resources["cell.beta2"].fields.get("email").cloned().unwrap();
    assert_eq!(email, "aws+beta2@x.example", "it follows the name");
    none(&each(&deaths(&reference), |(call, nth, how)| {
        let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
        let ended = || {
            let plan = bench.try_plan(&labelled, &super::bench::only(&[]), Command::Apply);
            let plan = plan.map_err(|no| format!("no plan: {no:?}"))?;
            let receipt = bench.run(&labelled, &plan);
            let failed: Vec<_> = receipt.failed().collect();
            if receipt.ending != Ending::Done {
                return Err(format!("{failed:?}"));
            }
            bench.is_recorded()?;
            bench.is_settled(&labelled, Command::Apply)?;
            let state = bench.cloud.state();
            let account = state.accounts.values().find(|account| account.name == "beta2");
            let tags = account.and_then(|account| state.tags.get(&account.id));
            if tags.and_then(|tags| tags.get(ADDRESS_TAG)).is_none_or(|mark| mark != "cell.beta2") {
                return Err(format!("it is marked {tags:?}"));
            }
            if more(&bench) == 1 { Ok(()) } else { Err("it was made twice".to_owned()) }
        };
        ended().map_err(|wrong| format!("{call} #{nth} {how:?}: {wrong}"))
    }));
}

/// An account that was asked for is another cell's by now: nobody waits for it, and its former label may be given again.
#[test]
fn an_account_that_was_asked_for_may_be_another_cells() {
    let scenario = asked_for();
    let reference = Reference::of(&scenario);
    let other = cell("beta2", ", email = \"aws+beta@x.example\"");
    let (taken, again) = (program(&other), program(&(other.clone() + &cell("beta", ", email = \"new@x.example\""))));
    let asked = deaths(&reference).into_iter().filter(|(call, ..)| *call == "organizations:CreateAccount");
    for (call, nth, how) in asked {
        let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, nth, how));
        bench.apply(&taken);
        // It may have been made under the name of the other.
        bench.apply(&taken);
        let state = bench.cloud.state();
        let account = state.account("aws+beta@x.example").unwrap();
        assert_eq!((account.name.as_str(), state.tags[&account.id][ADDRESS_TAG].as_str()), ("beta2", "cell.beta2"));
        let plan = bench.plan(&taken);
        assert!(plan.operations.is_empty() && plan.notices.is_empty(), "{how:?}: {:?}", plan.notices);
        assert!(bench.record().pending.is_empty());
        assert_eq!((bench.apply(&again).1.ending, more(&bench)), (Ending::Done, 2));
        bench.is_settled(&again, Command::Apply).unwrap();
    }
}

/// What a record of an earlier version still waits for is given up, too.
#[test]
fn a_request_whose_account_is_recorded_elsewhere_is_given_up() {
    let bench = Bench::after(&[&program("")]);
    bench.cloud.script("organizations:CreateAccount", 1, super::cloud::Trouble::DiesBefore);
    bench.apply(&program(&cell("beta", "")));
    bench.cloud.mend();
    let pending = bench.record().pending;
    let other = program(&cell("beta2", ", email = \"aws+beta@x.example\""));
    bench.apply(&other);
    bench.store.edit(|record| record.pending.clone_from(&pending));
    let (plan, _) = bench.apply(&other);
    let told = world::told(&plan);
    assert!(told.contains("forget cell.beta") && plan.notices.is_empty(), "{told} {:?}", plan.notices);
    assert!(bench.plan(&other).changes.is_empty() && bench.record().pending.is_empty());
}

/// The request never came, and somebody else has the e-mail: the program says another one, and that is asked for.
#[test]
fn another_email_is_a_way_on_where_somebody_else_has_the_one_that_was_asked_for() {
    for is_closed in [false, true] {
        let bench = Bench::after(&[&program("")]);
        bench.cloud.script("organizations:CreateAccount", 1, super::cloud::Trouble::DiesBefore);
        bench.apply(&program(&cell("beta", "")));
        bench.cloud.mend();
        bench.cloud.edit(|state| {
            let of = state.account("aws+a@x.example").unwrap().clone();
            let (id, email, name) = ("123456789012".to_owned(), "aws+beta@x.example".to_owned(), "beta".to_owned());
            let state_of = if is_closed { crate::provider::AccountState::Closed } else { of.state };
            state.accounts.insert(id.clone(), Account { id, email, name, state: state_of, ..of });
        });
        let other = program(&cell("beta", ", email = \"new@x.example\""));
        let (plan, receipt) = bench.apply(&other);
        assert!(
            plan.notices.iter().any(|notice| notice.message.contains("nothing came of it")),
            "{:?}",
            plan.notices
        );
        assert_eq!((receipt.ending, more(&bench)), (Ending::Done, 2));
        assert_eq!(
            bench.cloud.state().account("new@x.example").unwrap().id,
            bench.record().entry("cell.beta").unwrap().id
        );
        assert!(bench.record().pending.is_empty() && bench.plan(&other).changes.is_empty());
    }
}
