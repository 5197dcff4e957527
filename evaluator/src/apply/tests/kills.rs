//! The run dies, or its record cannot be written: the next one goes on from what is there, and makes nothing twice.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;

use super::bench::{Bench, desired, only, stop_at};
use super::cloud::Trouble;
use super::programs::{FIRST, Reference, Scenario};
use super::store::Fault;
use super::troubles::is_read;
use super::world;
use crate::apply::journal::NOT_DROPPED;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::live::{parallel, recorded};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::model::{Operation, Plan, Verb};
use crate::plan::part::part;
use crate::plan::scope::Scope;
use crate::plan::stale;
use crate::provider::{Failure, Tags};
use crate::registry::record::Record;
use crate::registry::store::Store as _;

/// By so much lists of assignments are behind: less than what a run waits until it sees what it did.
const BEHIND: SignedDuration = SignedDuration::from_secs(25);
/// Runs at once.
const LANES: usize = 24;

/// What is wrong with a case, for each of them.
pub(super) fn each<T: Sync>(cases: &[T], look: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let found = parallel::each(LANES, cases, |case| Ok::<_, ()>(look(case).err()));
    found.unwrap_or_default().into_iter().flatten().collect()
}

/// Before and after each call of a run that changes something.
pub(super) fn deaths(reference: &Reference) -> Vec<(&str, u64, Trouble)> {
    deaths_of(&reference.asked)
}

/// The same of these calls.
pub(super) fn deaths_of(asked: &[(String, u64)]) -> Vec<(&str, u64, Trouble)> {
    let changing = asked.iter().filter(|(call, _)| !is_read(call));
    let nths = changing.flat_map(|(call, count)| (1..=*count).map(move |nth| (call.as_str(), nth)));
    nths.flat_map(|(call, nth)| [Trouble::DiesBefore, Trouble::DiesAfter].map(|how| (call, nth, how))).collect()
}

/// After a run that died at a call. Lists of assignments are behind, for longer than the next run takes to begin.
pub(super) fn died(start: &Bench, to: &Desired, plan: &Plan, (call, nth, how): (&str, u64, Trouble)) -> Bench {
    let bench = start.copy();
    bench.cloud.pass(BEHIND.unsigned_abs().as_secs());
    bench.cloud.edit(|state| state.spread = Some(BEHIND));
    bench.cloud.script(call, nth, how);
    bench.run(to, plan);
    bench.cloud.mend();
    bench
}

#[track_caller]
pub(super) fn none(found: &[String]) {
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_run_that_dies_between_two_lines_of_its_journal_is_taken_up() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases: Vec<(usize, bool)> = (0..reference.lines).flat_map(|line| [(line, false), (line, true)]).collect();
        none(&each(&cases, |(line, torn)| {
            let bench = scenario.start.copy();
            bench.store.fault(Fault::DiesAtLine(*line, *torn));
            bench.run(&scenario.to, &reference.plan);
            let converged = bench.converges(&scenario.to, scenario.command, &reference.shape);
            converged.map_err(|wrong| format!("{}: line {line}, torn {torn}: {wrong}", scenario.name))
        }));
    }
}

#[test]
fn a_run_that_dies_at_a_call_is_taken_up() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases = deaths(&reference);
        none(&each(&cases, |(call, nth, how)| {
            let bench = scenario.start.copy();
            bench.cloud.script(call, *nth, *how);
            bench.run(&scenario.to, &reference.plan);
            let converged = bench.converges(&scenario.to, scenario.command, &reference.shape);
            converged.map_err(|wrong| format!("{}: {call} #{nth} {how:?}: {wrong}", scenario.name))
        }));
    }
}

/// Who killed an apply tears down, and who killed a tearing down applies: nothing is left that an undisturbed run would not leave,
/// and the record waits for nothing.
#[test]
fn a_run_that_dies_may_be_followed_by_its_opposite() {
    let all = Scenario::all();
    let named = |name: &str| all.iter().find(|scenario| scenario.name == name).unwrap();
    let (applied, torn) = (named("destroy").start.shape(), named("again").start.shape());
    // The unit of parked accounts stays, once there is one.
    let again = Reference::of(named("again")).shape;
    for (scenario, then) in
        [(named("first"), Command::Destroy), (named("again"), Command::Destroy), (named("destroy"), Command::Apply)]
    {
        let reference = Reference::of(scenario);
        let cases = deaths(&reference);
        none(&each(&cases, |(call, nth, how)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let ended = match then {
                Command::Apply if bench.cloud.state().unit("cellc-parked").is_none() => {
                    bench.converges(&scenario.to, then, &applied)
                }
                Command::Apply => bench.converges(&scenario.to, then, &again),
                // Accounts that were not made yet are not parked.
                Command::Destroy => bench.torn_down(&scenario.to, &torn),
            };
            ended.map_err(|wrong| format!("{}, then {then:?}: {call} #{nth} {how:?}: {wrong}", scenario.name))
        }));
    }
}

/// Edits, as what was and what is to be.
pub(crate) fn edits() -> Vec<(&'static str, Desired, Desired)> {
    let program = |rest: &str| {
        desired(&format!(
            "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 500 }} }}\ngroup ops {{}}\n\
             scp keep {{ deny leave {{ actions = [\"organizations:LeaveOrganization\"], resources = [\"*\"] }} }}\n\
             cell a {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }}\n{rest}"
        ))
    };
    let root = program("ou workloads { scps = [scp.keep] }");
    let below = program("ou top {}\nou workloads { parent = ou.top, scps = [scp.keep] }");
    let more = program("ou workloads { scps = [scp.keep] }\nou extra {}\npermission_set Look { session = 2h }");
    let grant = "grant g { to = group.ops, can = permission_set.Look, on = cells }";
    let see = "allow see { actions = [\"ec2:Describe*\"], resources = [\"*\"] }";
    let set = |name: &str, rest: &str| {
        let name = format!("name = \"{name}\", session = 2h");
        program(&format!("ou workloads {{}}\npermission_set Look {{ {name}\n{see}\n}}\n{rest}"))
    };
    let under = |place: &str| {
        program(&format!(
            "ou top {{}}\nou mid {{ {place} }}\nou low {{ parent = ou.mid }}\nou workloads {{ parent = ou.low }}"
        ))
    };
    let (free, held) =
        (program("ou workloads {}"), program("ou workloads { scps = [scp.keep], tags { of = \"a\" } }"));
    let guarded = program(
        "scp other { deny s3 { actions = [\"s3:DeleteBucket\"], resources = [\"*\"] } }\n\
         ou workloads { scps = [scp.other] }\nou more { scps = [scp.other] }",
    );
    let form = |rest: &str| program(&format!("ou workloads {{}}\npermission_set Look {{ session = 2h\n{rest}"));
    let managed = "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"], tags { of = \"a\" }";
    let (plain, formed) = (form("}"), form(&format!("{managed}\n{see}\n}}\n{grant}")));
    let alarm = "alarm slow { namespace = \"n\", metric = \"Latency\", above = 5, over = 5m }";
    let alarmed = program(&format!("ou workloads {{}}\n{alarm}"));
    let pulling = |from: &str| {
        program(&format!(
            "ou workloads {{}}\naccount images {{}}\ncomponent cache {{\n repo = \"https://git.x.example/cache\"\n\
             artifact ecr {{ repository = \"x/cache\", account = account.images }}\n deploy make {{ target = \"deploy\" }}\n}}\n{from}"
        ))
    };
    let pulls = pulling("outbound o { from = cells, to ecr_pull { components = components } }");
    let pulled_by = |from: &str| {
        let b = "cell b { kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }";
        pulling(&format!("{b}\noutbound o {{ from = {from}, to ecr_pull {{ components = components }} }}"))
    };
    vec![
        ("down", root.clone(), below.clone()),
        ("up", below, root.clone()),
        ("new", root, more),
        ("name", set("One", grant), set("Other", grant)),
        ("name of a set that nobody has", set("One", ""), set("Other", "")),
        ("down with what is below", under(""), under("parent = ou.top")),
        ("up with what is below", under("parent = ou.top"), under("")),
        ("held", free.clone(), held.clone()),
        ("held no more", held, free.clone()),
        ("held by a new one", free.clone(), guarded.clone()),
        ("not held by it", guarded, free.clone()),
        ("alarm", free.clone(), alarmed.clone()),
        ("no alarm", alarmed, free.clone()),
        ("pull", pulling(""), pulls.clone()),
        ("no pull", pulls, pulling("")),
        ("pull by one more", pulled_by("[cell.a]"), pulled_by("cells")),
        ("pull by one less", pulled_by("cells"), pulled_by("[cell.a]")),
        ("form", plain.clone(), formed.clone()),
        ("plain", formed, plain),
    ]
}

/// An edit whose run died is made again, or taken back: what was made for it and is not wanted any more goes, and the record waits
/// for nothing.
#[test]
fn an_edit_that_dies_may_be_taken_back() {
    let mut found = Vec::new();
    for (name, from, to) in edits() {
        // The policy of a repository comes when its account is there.
        let scenario =
            Scenario { name, start: Bench::after(&[&from, &from]), to: to.clone(), command: Command::Apply };
        let (reference, before) = (Reference::of(&scenario), scenario.start.shape());
        let deaths = deaths(&reference);
        let cases: Vec<_> = deaths.iter().flat_map(|death| [(death, false), (death, true)]).collect();
        found.extend(each(&cases, |((call, nth, how), back)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let (wanted, shape) = if *back { (&from, &before) } else { (&to, &reference.shape) };
            let ended = bench.converges(wanted, Command::Apply, shape);
            ended.map_err(|wrong| format!("{name}, back {back}: {call} #{nth} {how:?}: {wrong}"))
        }));
    }
    none(&found);
}

/// A program with units, and with a cell in a region.
fn cell(region: &str, rest: &str) -> Desired {
    units(&format!("cell a {{ kind = \"alpha\", region = \"{region}\", ou = ou.workloads }}\n{rest}"))
}

fn west(rest: &str) -> Desired {
    cell("us-west-2", rest)
}

fn units(rest: &str) -> Desired {
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 500 }} }}\ngroup ops {{}}\n\
         ou workloads {{}}\nou top {{}}\nou side {{}}\n{rest}"
    ))
}

/// What was, what is to be, and what is to be after all.
pub(crate) type OtherEdit = (&'static str, Desired, Desired, Desired);

/// Edits that are followed by another of the same thing.
pub(crate) fn other_edits() -> Vec<OtherEdit> {
    let unit = |fields: &str| west(&format!("ou extra {{ {fields} }}\nou low {{ parent = ou.extra }}"));
    let grant = "grant g { to = group.ops, can = permission_set.Look, on = cells }";
    let set = |name: &str, rest: &str| {
        let see = "allow see { actions = [\"ec2:Describe*\"], resources = [\"*\"] }";
        west(&format!("permission_set Look {{ name = \"{name}\", session = 2h\n{see}\n}}\n{rest}"))
    };
    let policy = |name: &str| {
        let deny = "deny leave { actions = [\"organizations:LeaveOrganization\"], resources = [\"*\"] }";
        west(&format!("scp keep {{ name = \"{name}\"\n{deny}\n}}\nou held {{ scps = [scp.keep] }}"))
    };
    let alarmed =
        |region: &str| cell(region, "alarm slow { namespace = \"n\", metric = \"Latency\", above = 5, over = 5m }");
    let mut all = relabelled();
    all.extend(vec![
        ("unit, named otherwise", west(""), unit("name = \"one\""), unit("name = \"two\"")),
        ("unit, put elsewhere", west(""), unit("parent = ou.top"), unit("parent = ou.side")),
        ("unit, named and put otherwise", west(""), unit("name = \"one\", parent = ou.top"), unit("name = \"two\"")),
        ("unit, moved twice", unit(""), unit("parent = ou.top"), unit("parent = ou.side")),
        ("unit, moved and named", unit(""), unit("parent = ou.top"), unit("parent = ou.top, name = \"two\"")),
        ("set", west(""), set("One", ""), set("Two", "")),
        ("set of somebody", west(""), set("One", grant), set("Two", grant)),
        ("set, named twice", set("One", ""), set("Two", ""), set("Three", "")),
        ("set of somebody, named twice", set("One", grant), set("Two", grant), set("Three", grant)),
        ("policy", west(""), policy("one"), policy("two")),
        ("stack", west(""), alarmed("us-west-2"), alarmed("us-east-1")),
        ("stack, moved twice", alarmed("us-west-2"), alarmed("us-east-1"), alarmed("eu-west-1")),
    ]);
    all
}

/// The same where a `moved` line gives another label.
fn relabelled() -> Vec<OtherEdit> {
    let moved = |from: &str, to: &str| format!("moved {{ from = \"{from}\", to = \"{to}\" }}\n");
    let labelled = |label: &str, rest: &str| {
        let see = "allow see { actions = [\"ec2:Describe*\"], resources = [\"*\"] }";
        let grant = format!("grant g {{ to = group.ops, can = permission_set.{label}, on = cells }}");
        west(&format!("permission_set {label} {{ session = 2h\n{see}\n}}\n{grant}\n{rest}"))
    };
    let (look, see, watch) = ("permission_set.Look", "permission_set.See", "permission_set.Watch");
    let place = |label: &str, fields: &str, rest: &str| {
        west(&format!("ou {label} {{ {fields} }}\nou low {{ parent = ou.{label} }}\n{rest}"))
    };
    let named = |label: &str, rest: &str| {
        units(&format!(
            "cell {label} {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads, email = \"a@x.example\" }}\n{rest}"
        ))
    };
    vec![
        (
            "set, its label back",
            labelled("Look", ""),
            labelled("See", &moved(look, see)),
            labelled("Look", &moved(see, look)),
        ),
        (
            "set, a third label",
            labelled("Look", ""),
            labelled("See", &moved(look, see)),
            labelled("Watch", &(moved(look, watch) + &moved(see, watch))),
        ),
        (
            "unit, its label back",
            place("one", "", ""),
            place("two", "", &moved("ou.one", "ou.two")),
            place("one", "", &moved("ou.two", "ou.one")),
        ),
        (
            "unit, its label and place back",
            place("one", "", ""),
            place("two", "parent = ou.top", &moved("ou.one", "ou.two")),
            place("one", "", &moved("ou.two", "ou.one")),
        ),
        (
            "cell, its label back",
            named("one", ""),
            named("two", &moved("cell.one", "cell.two")),
            named("one", &moved("cell.two", "cell.one")),
        ),
    ]
}

/// An edit whose run died is followed by another one: what was made for the first goes, wherever it is and however it is named.
#[test]
fn an_edit_that_dies_may_become_another() {
    let mut found = Vec::new();
    for (name, from, to, after_all) in other_edits() {
        let scenario = Scenario { name, start: Bench::after(&[&from]), to, command: Command::Apply };
        let reference = Reference::of(&scenario);
        let undisturbed = scenario.start.copy();
        undisturbed.apply(&after_all);
        let shape = undisturbed.shape();
        found.extend(each(&deaths(&reference), |(call, nth, how)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let ended = bench.converges(&after_all, Command::Apply, &shape);
            ended.map_err(|wrong| format!("{name}: {call} #{nth} {how:?}: {wrong}"))
        }));
    }
    none(&found);
}

/// Who may only plan may plan after a run that died, too: all that is asked then is in the policy that is printed for planning.
#[test]
fn what_is_asked_after_a_death_may_be_asked_by_who_plans() {
    let all = Scenario::all();
    let scenario = all.iter().find(|scenario| scenario.name == "first").unwrap();
    let reference = Reference::of(scenario);
    let allowed = crate::plan::least::policies(&reference.plan)["plan"].to_string();
    let bench =
        died(&scenario.start, &scenario.to, &reference.plan, ("sso:CreateAccountAssignment", 1, Trouble::DiesAfter));
    bench.cloud.count_anew();
    bench.plan(&scenario.to);
    let asked = bench.cloud.asked();
    assert!(asked.contains_key("sso:DescribeAccountAssignmentCreationStatus"), "{asked:?}");
    let denied: Vec<&String> = asked.keys().filter(|call| !allowed.contains(&format!("\"{call}\""))).collect();
    assert_eq!(denied, Vec::<&String>::new());
}

/// The role of a set whose new name is taken back after its run died stays what it is: what goes is the role that was made for the
/// other name.
#[test]
fn a_set_that_keeps_its_name_after_all_keeps_its_role() {
    let set = |name: &str| {
        let see = "allow see { actions = [\"ec2:Describe*\"], resources = [\"*\"] }";
        west(&format!(
            "permission_set Look {{ name = \"{name}\", session = 2h\n{see}\n}}\n\
             grant g {{ to = group.ops, can = permission_set.Look, on = cells }}"
        ))
    };
    let (one, two) = (set("One"), set("Two"));
    let scenario = Scenario { name: "named", start: Bench::after(&[&one]), to: two.clone(), command: Command::Apply };
    let reference = Reference::of(&scenario);
    let is_told = |bench: &Bench, wanted: &Desired| {
        let plan = bench.try_plan(wanted, &Scope::default(), Command::Apply).unwrap();
        plan.notices.iter().any(|notice| notice.message.starts_with("role ARN will change"))
    };
    assert!(is_told(&scenario.start.copy(), &two));
    // Once the former one is being deleted nobody has its role any more.
    let deaths = deaths(&reference).into_iter().filter(|(call, ..)| *call != "sso:DeletePermissionSet");
    none(&each(&deaths.collect::<Vec<_>>(), |(call, nth, how)| {
        let bench = died(&scenario.start, &two, &reference.plan, (call, *nth, *how));
        if is_told(&bench, &one) { Err(format!("{call} #{nth} {how:?}: the role is said to change")) } else { Ok(()) }
    }));
}

/// An account that a run which died was to park is kept after all: it is where it was, and marked as it was.
#[test]
fn an_account_that_was_being_parked_may_be_kept() {
    let cell =
        |name: &str| format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }}\n");
    let fate = |name: &str, fate: &str| format!("removed {{ from = \"cell.{name}\", account = \"{fate}\" }}\n");
    let both = units(&(cell("a") + &cell("b")));
    // There is a unit of parked accounts already.
    let start = Bench::after(&[&both, &units(&(cell("a") + &fate("b", "park")))]);
    let end = |how: &str| units(&(fate("a", how) + &fate("b", "park")));
    let scenario = Scenario { name: "parked", start, to: end("park"), command: Command::Apply };
    let (reference, kept) = (Reference::of(&scenario), end("keep"));
    let undisturbed = scenario.start.copy();
    undisturbed.apply(&kept);
    let shape = undisturbed.shape();
    let deaths = deaths(&reference);
    assert!(deaths.len() >= 6, "moved, marked, and the former mark taken: {}", deaths.len());
    none(&each(&deaths, |(call, nth, how)| {
        let bench = scenario.start.copy();
        bench.cloud.script(call, *nth, *how);
        bench.run(&scenario.to, &reference.plan);
        bench.cloud.mend();
        let ended = bench.converges(&kept, Command::Apply, &shape);
        ended.map_err(|wrong| format!("{call} #{nth} {how:?}: {wrong}"))
    }));
}

/// A saved plan whose run died is finished by running it again, and what somebody does elsewhere meanwhile is left.
#[test]
fn a_saved_plan_that_dies_is_finished_by_itself() {
    let others = other_edits().into_iter().map(|(name, from, to, _)| (name, from, to));
    let found = edits().into_iter().chain(others).flat_map(|(name, from, to)| {
        let scenario = Scenario { name, start: Bench::after(&[&from]), to, command: Command::Apply };
        finished_by_itself(&scenario, &Reference::of(&scenario))
    });
    none(&found.collect::<Vec<_>>());
}

/// What is wrong where the saved plan of a scenario is run again after each death.
pub(super) fn finished_by_itself(scenario: &Scenario, reference: &Reference) -> Vec<String> {
    each(&deaths(reference), |(call, nth, how)| {
        let (saved, bench) = (&reference.plan, scenario.start.copy());
        bench.cloud.script(call, *nth, *how);
        bench.run(&scenario.to, saved);
        bench.cloud.mend();
        let (now, record) = (bench.plan(&scenario.to), bench.record());
        let moved = stale::moved(saved, &now, &record);
        let beyond = if moved.is_empty() { moved } else { stale::beyond(saved, &now, &record) };
        let rest = part(now, saved).map_err(|why| vec![why]);
        let rest = if beyond.is_empty() { rest } else { Err(beyond) };
        let ended = rest.map_err(|why| format!("it is stale: {why:?}")).and_then(|rest| {
            bench.run(&scenario.to, &rest);
            bench.is_settled(&scenario.to, Command::Apply)?;
            world::same(&reference.shape, &bench.shape())
        });
        ended.map_err(|wrong| format!("{}: {call} #{nth} {how:?}: {wrong}", scenario.name))
    })
}

/// An edit whose run died is followed by a tearing down: nothing is left of either form.
#[test]
fn an_edit_that_dies_may_be_torn_down() {
    let others = other_edits().into_iter().map(|(name, from, to, _)| (name, from, to));
    let mut found = Vec::new();
    // An account on its own is protected, and is not torn down.
    let unprotected = edits().into_iter().filter(|(name, ..)| !name.contains("pull"));
    // What a parked account was called depends on how far the renaming came.
    for (name, from, to) in unprotected.chain(others).filter(|(name, ..)| !name.starts_with("cell")) {
        let scenario = Scenario { name, start: Bench::after(&[&from]), to, command: Command::Apply };
        let reference = Reference::of(&scenario);
        let undisturbed = scenario.start.copy();
        undisturbed.apply(&scenario.to);
        let plan = undisturbed.try_plan(&scenario.to, &Scope::default(), Command::Destroy).unwrap();
        undisturbed.run(&scenario.to, &plan);
        let shape = undisturbed.shape();
        let deaths = deaths(&reference);
        let cases: Vec<_> = deaths.iter().flat_map(|death| [(death, &from), (death, &scenario.to)]).collect();
        found.extend(each(&cases, |((call, nth, how), program)| {
            let bench = died(&scenario.start, &scenario.to, &reference.plan, (call, *nth, *how));
            let ended = bench.torn_down(program, &shape);
            ended.map_err(|wrong| format!("{name}: {call} #{nth} {how:?}: {wrong}"))
        }));
    }
    none(&found);
}

/// A stack whose making failed elsewhere goes with the one that it was to replace, though no run died.
#[test]
fn a_stack_that_failed_elsewhere_is_torn_down_too() {
    let (_, from, to, _) = other_edits().into_iter().find(|(name, ..)| *name == "stack, moved twice").unwrap();
    let bench = Bench::after(&[&from]);
    bench.cloud.refuse("cloudformation:ExecuteChangeSet", Failure::Failed);
    let (_, receipt) = bench.apply(&to);
    assert!(receipt.failed().count() > 0);
    bench.cloud.mend();
    assert_eq!(bench.record().pending.len(), 1, "{:?}", bench.record().pending);
    let plan = bench.try_plan(&to, &Scope::default(), Command::Destroy).unwrap();
    bench.run(&to, &plan);
    let stacks = bench.cloud.state().formation.stacks;
    let left: Vec<_> = stacks.values().filter(|held| held.stack.status != "DELETE_COMPLETE").collect();
    assert!(left.is_empty() && bench.record().pending.is_empty(), "{left:?}");
}

/// A run died as it made a stack, which is there and not in the record; the program before.
fn with_a_stack_begun() -> (Bench, Desired) {
    let (_, from, to) = edits().into_iter().find(|(name, ..)| *name == "alarm").unwrap();
    let bench = Bench::after(&[&from]);
    bench.cloud.script("cloudformation:ExecuteChangeSet", 1, Trouble::DiesAfter);
    bench.apply(&to);
    bench.cloud.pass(10);
    bench.cloud.mend();
    (bench, from)
}

/// A stack that has no mark of ours is somebody else's, whatever a run that died was about to make there.
#[test]
fn a_stack_without_our_mark_is_not_taken_back() {
    let (bench, from) = with_a_stack_begun();
    bench.cloud.edit(|state| {
        let theirs = Tags::from([("team".to_owned(), "theirs".to_owned())]);
        state.formation.stacks.values_mut().for_each(|held| held.stack.tags = theirs.clone());
    });
    assert_eq!((bench.cloud.state().formation.stacks.len(), bench.record().pending.len()), (1, 1));
    let (plan, _) = bench.apply(&from);
    let told = world::told(&plan);
    assert_eq!((bench.cloud.state().formation.stacks.len(), bench.record().pending.len()), (1, 0), "{told}");
}

/// Nobody is given an account in which something of ours may be that nobody could look at.
#[test]
fn an_account_that_lets_nobody_look_is_not_given_up() {
    let (bench, from) = with_a_stack_begun();
    bench.cloud.script("cloudformation:DescribeStacks", 1, Trouble::Denied);
    let refused = bench.try_plan(&from, &Scope::default(), Command::Destroy).map(|plan| world::told(&plan));
    let told = format!("{refused:?}");
    assert!(
        refused.is_err() && told.contains("ReadFailed") && told.contains("`--except cell.a` leaves it out"),
        "{told}"
    );
    bench.cloud.mend();
    let plan = bench.try_plan(&from, &Scope::default(), Command::Destroy).unwrap();
    bench.run(&from, &plan);
    assert!(bench.cloud.state().formation.stacks.values().all(|held| held.stack.status == "DELETE_COMPLETE"));
}

/// Of an account that was asked for nobody knows whether it comes; one that has not come in a day does not.
#[test]
fn an_account_that_does_not_come_is_waited_for_for_a_day() {
    let program = |rest: &str| {
        desired(&format!("org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }} }}\naccount log {{}}\n{rest}"))
    };
    let (without, with) = (program(""), program("account more {}"));
    let bench = Bench::after(&[&without]);
    bench.cloud.script("organizations:CreateAccount", 1, Trouble::DiesBefore);
    bench.apply(&with);
    bench.cloud.mend();
    let gone = program("removed { from = \"account.more\", account = \"park\" }");
    let plan = bench.plan(&gone);
    assert!(plan.operations.is_empty(), "{}", world::told(&plan));
    assert!(plan.notices.iter().any(|notice| notice.message.contains("if it comes within a day")));
    bench.run(&gone, &plan);
    // A plan for another day, or without a look, knows no more of it.
    let (record, scope, none, kept) = (bench.record(), Scope::default(), BTreeMap::new(), BTreeMap::new());
    let read = bench.read(&gone, &scope, Command::Apply.depth()).unwrap();
    for live in [read, recorded::recorded(&gone, &record)] {
        let question = bench.question(&gone, (&record, &none), (&live, &kept), &scope, Command::Apply);
        let question = crate::plan::Question { at: "2026-07-01T00:00:00Z".parse().unwrap(), ..question };
        assert!(crate::plan::plan(&question).unwrap().operations.is_empty());
    }
    let old = "2026-05-30T23:59:59Z".parse().unwrap();
    bench.store.edit(|record| record.pending.values_mut().for_each(|pending| pending.at = old));
    let plan = bench.plan(&gone);
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
    bench.run(&gone, &plan);
    assert!(bench.record().pending.is_empty());
}

/// What a killed run waits for is no doing of others, and not given up by somebody who only looks.
#[test]
fn what_a_killed_run_waits_for_is_no_drift() {
    let scenario = Scenario::all().into_iter().find(|scenario| scenario.name == "first").unwrap();
    let plan = scenario.plan();
    for how in [Trouble::DiesBefore, Trouble::DiesAfter] {
        let bench = scenario.start.copy();
        bench.cloud.script("organizations:CreatePolicy", 1, how);
        bench.run(&scenario.to, &plan);
        bench.cloud.mend();
        let waits = bench.record().pending;
        assert!(waits.keys().any(|address| address.starts_with("scp.")), "{waits:?}");
        let drift = bench.drift(&scenario.to);
        let told = drift.changes.iter().find(|change| waits.contains_key(&change.address));
        assert!(told.is_none(), "{how:?}: {told:?}");
    }
}

/// What a killed run has written into a policy that was there is no doing of others, whatever of the program it was for.
#[test]
fn what_a_killed_run_wrote_into_a_policy_is_no_drift() {
    let program = |cells: &[&str]| {
        let cell =
            |name: &&str| format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.workloads }}\n");
        let cells: String = cells.iter().map(cell).collect();
        units(&format!(
            "account images {{}}\ncomponent cache {{\n repo = \"https://git.x.example/cache\"\n\
             artifact ecr {{ repository = \"x/cache\", account = account.images }}\n deploy make {{ target = \"deploy\" }}\n}}\n\
             outbound o {{ from = cells, to ecr_pull {{ components = components }} }}\n{cells}"
        ))
    };
    let (was, is, more) = (program(&["a"]), program(&["a", "b"]), program(&["a", "b", "c"]));
    let start = Bench::after(&[&program(&[]), &was]);
    let undisturbed = start.copy();
    undisturbed.apply(&more);
    let shape = undisturbed.shape();
    let scope = only(&["cell.b"]);
    for how in [Trouble::DiesBefore, Trouble::DiesAfter] {
        let bench = start.copy();
        let plan = bench.try_plan(&is, &scope, Command::Apply).unwrap();
        bench.cloud.script("ecr:SetRepositoryPolicy", 1, how);
        bench.run(&is, &plan);
        bench.cloud.mend();
        let drifted = |plan: &Plan| -> Vec<String> {
            plan.changes
                .iter()
                // Whether the account was seen to be moved depends on which of the two ended first.
                .filter(|change| !change.drift.is_empty() && change.kind != "account")
                .map(|change| change.address.clone())
                .collect()
        };
        assert_eq!(drifted(&bench.plan(&more)), [""; 0], "{how:?}");
        assert_eq!(drifted(&bench.drift(&more)), [""; 0], "{how:?}");
        // What others write meanwhile is told.
        let other = bench.copy();
        other
            .cloud
            .edit(|state| state.repositories.values_mut().for_each(|text| *text = text.replace(":root", ":role/x")));
        assert_eq!(drifted(&other.plan(&more)), ["repository_policy.images/x/cache"], "{how:?}");
        bench.converges(&more, Command::Apply, &shape).unwrap();
        assert!(bench.record().pending.is_empty(), "{how:?}: {:?}", bench.record().pending);
    }
}

fn not_recorded(receipt: &Receipt) -> Result<(), String> {
    let told = receipt.ending == Ending::NotRecorded && receipt.reason.is_some();
    if told { Ok(()) } else { Err(format!("it ended as {:?}: {:?}", receipt.ending, receipt.reason)) }
}

#[test]
fn a_disk_that_is_full_ends_the_run_and_the_next_one_goes_on() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases: Vec<Fault> = (0..reference.segments)
            .flat_map(|segment| [Fault::DiskFull(segment), Fault::LockLost(segment)])
            .collect();
        none(&each(&cases, |fault| {
            let bench = scenario.start.copy();
            bench.store.fault(*fault);
            let receipt = bench.run(&scenario.to, &reference.plan);
            // How many segments there are depends on which lines come together.
            let (Fault::DiskFull(after) | Fault::LockLost(after)) = *fault else { return Ok(()) };
            let told = if bench.store.appended() > after { not_recorded(&receipt) } else { Ok(()) };
            let ended =
                told.and_then(|()| world::is_true(&receipt, &reference.plan, &bench.record(), &bench.cloud.state()));
            let converged = ended.and_then(|()| bench.converges(&scenario.to, scenario.command, &reference.shape));
            converged.map_err(|wrong| format!("{}: {fault:?}: {wrong}", scenario.name))
        }));
    }
}

#[test]
fn a_snapshot_that_is_not_written_loses_nothing() {
    let faults = [Fault::SaveMoved, Fault::SaveUnknown(false), Fault::SaveUnknown(true), Fault::ClearFails];
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        none(&each(&faults, |fault| {
            let bench = scenario.start.copy();
            bench.store.fault(*fault);
            let receipt = bench.run(&scenario.to, &reference.plan);
            let told = receipt.reason.as_ref().is_some_and(|why| why.starts_with(NOT_DROPPED));
            if told != (*fault == Fault::ClearFails) {
                return Err(format!("{}: {fault:?}: {:?}", scenario.name, receipt.reason));
            }
            let ended = not_recorded(&receipt).and_then(|()| world::same(&reference.shape, &bench.shape()));
            bench.store.fault(Fault::None);
            // Everything was done and is in the journal: there is nothing to do.
            let left = bench.try_plan(&scenario.to, &Scope::default(), scenario.command);
            let left = left.map_err(|no| format!("{no:?}")).map(|left| left.operations.len());
            let ended =
                ended.and(left).and_then(|left| if left == 0 { Ok(()) } else { Err(format!("{left} are left")) });
            let converged = ended.and_then(|()| bench.converges(&scenario.to, scenario.command, &reference.shape));
            converged.map_err(|wrong| format!("{}: {fault:?}: {wrong}", scenario.name))
        }));
    }
}

/// The places of a journal are dropped several at a time, in no order.
#[test]
fn what_is_left_of_a_journal_that_was_being_dropped_changes_nothing() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases: Vec<(usize, usize)> = (1..=4).flat_map(|of| (0..of).map(move |left| (of, left))).collect();
        none(&each(&cases, |(of, left)| {
            let bench = scenario.start.copy();
            bench.store.fault(Fault::DiesClearing(*of, *left));
            bench.run(&scenario.to, &reference.plan);
            bench.store.fault(Fault::None);
            let said = |record: &Record| format!("{:?} {:?}", record.resources.keys(), record.pending);
            if said(&bench.record()) != said(&reference.record) {
                return Err(format!(
                    "{}: one of {of} is left, the {left}.: {}\n  not {}",
                    scenario.name,
                    said(&bench.record()),
                    said(&reference.record)
                ));
            }
            let converged = bench.converges(&scenario.to, scenario.command, &reference.shape);
            let dropped = bench.store.segments().map_err(|error| error.to_string()).map(|left| left.is_empty());
            let dropped = dropped.and_then(|none| if none { Ok(()) } else { Err("the rest stays".to_owned()) });
            let wrong = |wrong| format!("{}: one of {of} is left, the {left}.: {wrong}", scenario.name);
            converged.and(dropped).map_err(wrong)
        }));
    }
}

#[test]
fn told_to_stop_it_lets_finish_what_is_under_way_and_begins_nothing_more() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases: Vec<usize> = (0..reference.plan.operations.len()).collect();
        none(&each(&cases, |at| {
            let (bench, stop) = (scenario.start.copy(), AtomicBool::new(false));
            let receipt = bench.watched(&scenario.to, &reference.plan, &stop, &mut stop_at(&stop, *at));
            let receipt = receipt.map_err(|error| error.to_string())?;
            let open = receipt.count(|outcome| !matches!(outcome, Outcome::Done { .. } | Outcome::NotBegun));
            let left = receipt.count(|outcome| *outcome == Outcome::NotBegun);
            let told = if left == 0 { Ending::Done } else { Ending::Interrupted };
            if open > 0 || receipt.ending != told {
                return Err(format!("stopped at {at}: {:?}, {open} neither done nor not begun", receipt.ending));
            }
            world::is_true(&receipt, &reference.plan, &bench.record(), &bench.cloud.state())?;
            let converged = bench.converges(&scenario.to, scenario.command, &reference.shape);
            converged.map_err(|wrong| format!("{}: stopped at {at}: {wrong}", scenario.name))
        }));
    }
}

/// A run that slept, as with the lid of a laptop, has lost its lock to another one: it begins nothing more.
#[test]
fn a_run_that_lost_its_lock_asleep_begins_nothing_when_it_wakes() {
    let cells: String = (0..20)
        .map(|n| format!("cell c{n} {{ kind = \"alpha\", region = \"us-west-2\" }}"))
        .collect::<Vec<_>>()
        .join("\n");
    let program = |rest: &str| {
        desired(&format!(
            "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ lanes = 1 }} }}\ngroup ops {{}}\n{cells}\
             permission_set Look {{ session = 2h }}\n{rest}"
        ))
    };
    let given = program("grant g { to = group.ops, can = permission_set.Look, on = cells }");
    let bench = Bench::after(&[&program("")]);
    let plan = bench.plan(&given);
    let mut begun = 0;
    let mut sleeps = |operation: &Operation| {
        begun += usize::from(matches!(operation.verb, Verb::Assign { .. }));
        if begun == 3 {
            bench.store.break_lock().unwrap();
        }
    };
    let receipt = bench.watched(&given, &plan, &AtomicBool::new(false), &mut sleeps).unwrap();
    assert_eq!((begun, receipt.ending), (3, Ending::NotRecorded));
    assert_eq!(receipt.count(|outcome| *outcome == Outcome::NotBegun), 17);
}

#[test]
fn a_run_that_is_locked_out_does_nothing() {
    let (first, bench) = (desired(FIRST), Bench::new());
    let plan = bench.plan(&first);
    let owner = |process| crate::registry::store::Owner {
        run: format!("run-{process}"),
        who: "somebody".to_owned(),
        process,
        command: "apply".to_owned(),
        since: super::bench::dawn(),
    };
    bench.store.lock(&owner(77)).unwrap();
    assert!(bench.store.lock(&owner(78)).is_err_and(|error| error.to_string().contains("run-77")));
    bench.store.break_lock().unwrap();
    bench.cloud.count_anew();
    // The lock is lost before the first line: nothing is sent.
    bench.store.fault(Fault::LockLost(0));
    let receipt = bench.run(&first, &plan);
    assert_eq!(receipt.ending, Ending::NotRecorded);
    assert_eq!(receipt.count(|outcome| *outcome == Outcome::NotBegun), plan.operations.len());
    assert_eq!(bench.cloud.asked(), BTreeMap::new());
}
