//! Stacks in runs: made in accounts that the same run makes, changed, deleted before their accounts are parked; whatever
//! goes wrong, the next run comes to the same end, and nothing is begun twice.

use std::collections::BTreeMap;

use super::bench::{Bench, desired, only};
use super::cloud::{MANAGEMENT, Trouble};
use super::programs::{Reference, Scenario};
use super::troubles::is_read;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::live::parallel;
use crate::plan::Command;
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::model::{Action, NoticeKind, Plan};
use crate::plan::scope::Scope;
use crate::stacks::StackState;

const HEAD: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
ou work {}
"#;

fn cell(name: &str) -> String {
    format!(
        "cell {name} {{ kind = \"dev\", region = \"eu-west-1\", expires = 2027-01-31, ou = ou.work, owner = group.ops }}\n"
    )
}

fn alarm(above: u32) -> String {
    format!("alarm slow {{ namespace = \"n\", metric = \"Latency\", above = {above}, over = 5m }}\n")
}

fn program(cells: &[&str], rest: &str) -> String {
    format!("{HEAD}{}{rest}", cells.iter().map(|name| cell(name)).collect::<String>())
}

/// From nothing; a change and a new cell; one that goes; and to nothing. A cell that goes and a new one at once have two
/// right ends: whether the new one gets the parked account depends on where the run died.
fn scenarios() -> Vec<Scenario> {
    let first = desired(&program(&["a", "b"], &alarm(5)));
    let gone = "removed { from = \"cell.b\", account = \"park\" }\n";
    let second = desired(&program(&["a", "b", "c"], &alarm(10)));
    let third = desired(&program(&["a"], &format!("{}{gone}", alarm(10))));
    let (empty, settled) = (Bench::new(), Bench::after(&[&first]));
    let (torn, parted) = (settled.copy(), settled.copy());
    vec![
        Scenario { name: "first", start: empty, to: first.clone(), command: Command::Apply },
        Scenario { name: "change", start: settled, to: second, command: Command::Apply },
        Scenario { name: "gone", start: parted, to: third, command: Command::Apply },
        Scenario { name: "destroy", start: torn, to: first, command: Command::Destroy },
    ]
}

fn verbs(plan: &Plan, address: &str) -> Vec<&'static str> {
    plan.operations.iter().filter(|one| one.address == address).map(|one| one.verb.word()).collect()
}

fn observed<'r>(receipt: &'r Receipt, address: &str, verb: &str) -> &'r str {
    let done = receipt.operations.iter().find(|done| done.address == address && done.verb == verb).unwrap();
    match &done.outcome {
        Outcome::Done { observed } => observed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stack_is_made_in_the_account_that_the_run_makes_and_goes_before_it_is_parked() {
    let first = desired(&program(&["a"], &alarm(5)));
    let bench = Bench::new();
    let (plan, receipt) = bench.apply(&first);
    assert_eq!(receipt.ending, Ending::Done, "{:#?}", receipt.failed().collect::<Vec<_>>());
    assert_eq!(verbs(&plan, "stack.cell/a"), ["deploy_stack"]);
    let said = observed(&receipt, "stack.cell/a", "deploy_stack");
    assert!(said.contains("cellc-a in eu-west-1, created, is CREATE_COMPLETE"), "{said}");
    let record = bench.record();
    let entry = record.entry("stack.cell/a").unwrap();
    let field = |name: &str| entry.fields.get(name).and_then(|value| value.as_str()).unwrap();
    assert_eq!((entry.kind.as_str(), field("account")), ("stack", "cell.a"));
    assert!(field("template").starts_with("sha256:"));
    assert!(bench.plan(&first).operations.is_empty(), "{}", super::world::told(&bench.plan(&first)));

    let (plan, receipt) = bench.destroy(&first);
    assert_eq!(receipt.ending, Ending::Done);
    let place = |word: &str| plan.operations.iter().find(|one| one.verb.word() == word).unwrap();
    assert!(place("move_account").needs.contains(&place("delete_stack").id));
    assert!(bench.cloud.state().formation.stacks.is_empty());
    assert!(bench.record().entry("stack.cell/a").is_none());
}

#[test]
fn whatever_happens_at_a_call_the_next_run_comes_to_the_same_end() {
    let troubles = [
        Trouble::Lost,
        Trouble::LostAfter,
        Trouble::UnavailableAfter,
        Trouble::Throttled,
        Trouble::Denied,
        Trouble::FailsLater,
        Trouble::Stale,
        Trouble::DiesBefore,
        Trouble::DiesAfter,
    ];
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        let reference = Reference::of(&scenario);
        let mut cases = Vec::new();
        for (call, count) in reference.asked.iter().filter(|(call, _)| call.starts_with("cloudformation:")) {
            let some = |nth: &u64| !is_read(call) || *nth <= 6;
            for nth in (1..=*count).filter(some) {
                cases.extend(troubles.map(|trouble| (call.as_str(), nth, trouble)));
            }
        }
        assert!(cases.len() > 50, "{}: {}", scenario.name, cases.len());
        let found = parallel::each(8, &cases, |(call, nth, trouble)| {
            let bench = scenario.start.copy();
            bench.cloud.script(call, *nth, *trouble);
            bench.run(&scenario.to, &reference.plan);
            // What went on when the process died comes to its end without it.
            bench.cloud.pass(10);
            let converged = bench.converges(&scenario.to, scenario.command, &reference.shape);
            let twice = begun_twice(&bench, *trouble);
            Ok::<_, ()>(
                converged.and(twice).err().map(|e| format!("{}: {call} #{nth} {trouble:?}: {e}", scenario.name)),
            )
        });
        wrong.extend(found.unwrap_or_default().into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Each stack is created, updated and deleted once at most, unless an operation failed.
fn begun_twice(bench: &Bench, trouble: Trouble) -> Result<(), String> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for what in bench.cloud.state().formation.begun {
        *counts.entry(what).or_default() += 1;
    }
    let most = if trouble == Trouble::FailsLater { 2 } else { 1 };
    match counts.iter().find(|(what, count)| **count > most && !what.starts_with("update")) {
        Some((what, count)) => Err(format!("{what} was begun {count} times")),
        None => Ok(()),
    }
}

#[test]
fn what_is_changed_outside_is_told_apart_and_set_back() {
    let first = desired(&program(&["a"], &alarm(5)));
    let bench = Bench::after(&[&first]);
    bench.cloud.edit(|state| {
        let held = state.formation.stacks.values_mut().next().unwrap();
        held.template = held.template.replace("\"Threshold\":5", "\"Threshold\":7");
        held.stack.tags.insert("cellc:address".to_owned(), "stack.cell/other".to_owned());
    });
    let drift = bench.drift(&first);
    let change = drift.changes.iter().find(|change| change.kind == "stack").unwrap();
    assert_eq!(change.drift, ["tags", "template"]);
    let (plan, receipt) = bench.apply(&first);
    assert_eq!((plan.changes.len(), receipt.ending), (1, Ending::Done));
    assert!(bench.drift(&first).changes.is_empty() && bench.plan(&first).operations.is_empty());
    bench.cloud.edit(|state| state.formation.stacks.clear());
    let plan = bench.plan(&first);
    let change = plan.changes.first().unwrap();
    assert_eq!((change.action, change.drift.as_slice()), (Action::Create, &["*".to_owned()][..]));
}

#[test]
fn a_stack_that_the_record_lost_is_taken_over_by_its_tag_and_one_of_others_is_refused() {
    let first = desired(&program(&["a"], &alarm(5)));
    let bench = Bench::after(&[&first]);
    bench.store.edit(|record| _ = record.resources.remove("stack.cell/a"));
    let (plan, _) = bench.apply(&first);
    let change = plan.changes.first().unwrap();
    assert_eq!((change.action, verbs(&plan, "stack.cell/a")), (Action::Adopt, vec!["remember"]));
    assert!(bench.plan(&first).operations.is_empty());

    bench.store.edit(|record| _ = record.resources.remove("stack.cell/a"));
    bench.cloud.edit(|state| {
        let held = state.formation.stacks.values_mut().next().unwrap();
        held.stack.tags.remove(ADDRESS_TAG);
    });
    let refused = bench.try_plan(&first, &Scope::default(), Command::Apply).unwrap_err();
    assert_eq!(refused.codes(), "E0504");
}

/// Whoever writes the id of somebody's stack into the record gets no plan that deletes it.
#[test]
fn a_stack_of_others_that_the_record_has_is_refused() {
    let first = desired(&program(&["a"], &alarm(5)));
    let gone = desired(&program(&[], "removed { from = \"cell.a\", account = \"park\" }\n"));
    let bench = Bench::after(&[&first]);
    bench.cloud.edit(|state| {
        let held = state.formation.stacks.values_mut().next().unwrap();
        held.stack.tags.remove(ADDRESS_TAG);
    });
    for (wish, command) in [(&gone, Command::Apply), (&first, Command::Destroy)] {
        let refused = bench.try_plan(wish, &Scope::default(), command).unwrap_err();
        assert_eq!(refused.codes(), "E0504");
    }
}

#[test]
fn a_rollback_is_told_with_its_cause_and_mended_by_the_next_run() {
    let (first, second) = (desired(&program(&["a"], &alarm(5))), desired(&program(&["a"], &alarm(10))));
    let bench = Bench::after(&[&first]);
    bench.cloud.script("cloudformation:ExecuteChangeSet", 1, Trouble::FailsLater);
    let (_, receipt) = bench.apply(&second);
    let failed: Vec<_> = receipt.failed().collect();
    let Outcome::Failed { error, advice, .. } = &failed.first().unwrap().outcome else { panic!("{failed:?}") };
    assert!(error.contains("UPDATE_ROLLBACK_COMPLETE"), "{error}");
    assert!(error.contains("Resource (AWS::CloudWatch::Alarm): by the script"), "{error}");
    assert!(advice.as_ref().unwrap().contains("is updated"), "{advice:?}");
    let (_, receipt) = bench.apply(&second);
    assert_eq!(receipt.ending, Ending::Done);
    assert!(bench.plan(&second).operations.is_empty());
}

#[test]
fn a_state_that_will_be_refused_is_told_by_the_plan() {
    let first = desired(&program(&["a"], &alarm(5)));
    let bench = Bench::after(&[&first]);
    bench.cloud.edit(|state| {
        let held = state.formation.stacks.values_mut().next().unwrap();
        StackState::UpdateFailed.name().clone_into(&mut held.stack.status);
    });
    let plan = bench.plan(&first);
    let hazard = plan.notices.iter().find(|notice| notice.kind == NoticeKind::Hazard).unwrap();
    assert!(hazard.message.contains("UPDATE_FAILED, and will be refused"), "{}", hazard.message);
    let receipt = bench.run(&first, &plan);
    assert_eq!(receipt.ending, Ending::Failed);
}

#[test]
fn an_account_that_lets_nobody_in_keeps_no_one_else_waiting() {
    let first = desired(&program(&["a", "b"], &alarm(5)));
    let second = desired(&program(&["a", "b"], &alarm(10)));
    let bench = Bench::after(&[&first]);
    bench.cloud.script("cloudformation:DescribeStacks", 1, Trouble::Denied);
    let plan = bench.plan(&second);
    assert_eq!(plan.changes.len(), 1);
    assert!(plan.notices.iter().any(|notice| notice.message.contains("1 stack could not be read")), "{plan:?}");
}

#[test]
fn with_a_cell_goes_what_lies_in_it_and_nothing_else() {
    let first = desired(&program(&["a", "b"], &alarm(5)));
    let bench = Bench::after(&[&first]);
    let plan = bench.try_plan(&first, &only(&["cell.b"]), Command::Destroy).unwrap();
    assert_eq!(verbs(&plan, "stack.cell/b"), ["delete_stack"]);
    assert_eq!(verbs(&plan, "stack.cell/a"), Vec::<&str>::new());
    let one = desired(&program(&["a", "b"], &alarm(10)));
    let plan = bench.try_plan(&one, &only(&["cell.a"]), Command::Apply).unwrap();
    let changed: Vec<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(changed, ["stack.cell/a"]);
    let plan = bench.try_plan(&one, &only(&["stack.cell/b"]), Command::Apply).unwrap();
    assert_eq!(plan.changes.iter().map(|change| change.address.as_str()).collect::<Vec<_>>(), ["stack.cell/b"]);
}

#[test]
fn a_budget_that_the_region_of_its_cell_lacks_comes_and_goes_with_the_cell_from_elsewhere() {
    let budget = "region = \"eu-north-1\", budget { monthly = 5usd, notify = [\"a@x.example\"] },";
    let north = program(&["a", "b"], &alarm(5)).replace("region = \"eu-west-1\",", budget);
    let north = desired(&north);
    let bench = Bench::new();
    let plan = bench.plan(&north);
    for address in ["stack.cell/a", "stack.budget/a", "stack.cell/b", "stack.budget/b"] {
        assert_eq!(verbs(&plan, address), ["deploy_stack"], "{address}");
    }
    let apart = &north.stacks["stack.budget/a"];
    assert_eq!((apart.account.word(), apart.region.as_str()), ("cell.a", "us-east-1"));
    assert!(!north.stacks["stack.cell/a"].template.contains("AWS::Budgets"));
    // It is in a stack, and none of what nothing carries.
    assert!(north.unapplied.iter().all(|left| left.kind != "budget"), "{:?}", north.unapplied);
    let policy = crate::plan::least::policies(&plan)["accounts"]["cell.a"]["apply"].to_string();
    assert!(policy.contains("arn:aws:cloudformation:us-east-1:*:stack/cellc-budget-a/*"), "{policy}");
    let (_, receipt) = bench.apply(&north);
    assert_eq!(receipt.ending, Ending::Done);
    assert!(bench.plan(&north).operations.is_empty());
    let places: Vec<(String, String)> =
        bench.cloud.state().formation.stacks.into_keys().map(|(_, region, name)| (region, name)).collect();
    assert!(places.contains(&("us-east-1".to_owned(), "cellc-budget-a".to_owned())), "{places:?}");
    // Whoever asks for one cell has its budget, too.
    let plan = bench.try_plan(&north, &only(&["cell.b"]), Command::Destroy).unwrap();
    assert_eq!(verbs(&plan, "stack.budget/b"), ["delete_stack"]);
    assert_eq!(verbs(&plan, "stack.budget/a"), Vec::<&str>::new());
    let gone = "removed { from = \"cell.b\", account = \"park\" }\n";
    let one = program(&["a"], &format!("{}{gone}", alarm(5))).replace("region = \"eu-west-1\",", budget);
    let one = desired(&one);
    let plan = bench.plan(&one);
    assert_eq!(
        (verbs(&plan, "stack.cell/b"), verbs(&plan, "stack.budget/b")),
        (vec!["delete_stack"], vec!["delete_stack"])
    );
    let (_, receipt) = bench.apply(&one);
    assert_eq!(receipt.ending, Ending::Done);
    assert!(bench.record().entry("stack.budget/b").is_none() && bench.plan(&one).operations.is_empty());
}

#[test]
fn one_that_is_to_be_elsewhere_is_made_there_before_the_former_one_goes() {
    let first = desired(&program(&["a"], &alarm(5)));
    let mut moved = first.clone();
    moved.stacks.values_mut().for_each(|wish| "eu-central-1".clone_into(&mut wish.region));
    let bench = Bench::after(&[&first]);
    let plan = bench.plan(&moved);
    assert_eq!(plan.changes.first().unwrap().action, Action::Replace);
    assert_eq!(verbs(&plan, "stack.cell/a"), ["deploy_stack", "delete_stack"]);
    // It dies between the two.
    bench.cloud.script("cloudformation:DeleteStack", 1, Trouble::DiesBefore);
    bench.run(&moved, &plan);
    assert_eq!(bench.cloud.state().formation.stacks.len(), 2);
    let (_, receipt) = bench.apply(&moved);
    assert_eq!(receipt.ending, Ending::Done);
    let regions: Vec<String> =
        bench.cloud.state().formation.stacks.into_keys().map(|(_, region, _)| region).collect();
    assert_eq!(regions, ["eu-central-1"]);
    assert!(bench.plan(&moved).operations.is_empty() && bench.record().entry("stack.cell/a:former").is_none());
}

#[test]
fn a_template_that_no_request_takes_is_refused_with_the_limit() {
    let mut large = desired(&program(&["a"], &alarm(5)));
    large.stacks.values_mut().for_each(|wish| wish.template = format!("{{\"D\":\"{}\"}}", "x".repeat(60_000)));
    let refused = Bench::new().try_plan(&large, &Scope::default(), Command::Apply).unwrap_err();
    assert!(format!("{refused:?}").contains("51200 bytes"), "{refused:?}");
}

#[test]
fn who_must_call_and_what_for_is_said() {
    let first = desired(&program(&["a", "b"], &alarm(5)));
    let plan = Bench::new().plan(&first);
    let who = plan.authority.iter().find(|part| part.who == "cell account").unwrap();
    assert_eq!((who.operations, who.what.as_str()), (2, "CloudFormation in 2 accounts, under the member role"));
    let policies = crate::plan::least::policies(&plan);
    let apply = &policies["accounts"]["cell.a"]["apply"]["Statement"][0];
    assert_eq!(apply["Resource"][0], "arn:aws:cloudformation:eu-west-1:*:stack/cellc-a/*");
    assert!(policies["apply"].to_string().contains("arn:aws:iam::*:role/OrganizationAccountAccessRole"));
    assert!(!policies["apply"].to_string().contains("cloudformation:"), "the caller enters the accounts");
    assert!(!policies["apply"].to_string().contains(MANAGEMENT));
    assert_eq!(plan.cost.by_call["cloudformation:ExecuteChangeSet"], 2);
}
