//! What holds of every plan: it is sound, its bytes depend on what it was made of alone, a part of it is a part.

use std::collections::BTreeSet;

use crate::apply::tests::bench::{Bench, desired, only};
use crate::apply::tests::programs::{FIRST, SECOND, Scenario};
use crate::plan::Command;
use crate::plan::file;
use crate::plan::model::{Action, Plan, Verb};
use crate::plan::part::part;
use crate::plan::scope::{Scope, occurs_in};
use crate::plan::stale;

/// A plan as a file.
fn bytes(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    file::write(plan, &mut out).unwrap();
    out
}

#[test]
fn a_plan_that_is_made_twice_has_the_same_bytes() {
    for scenario in Scenario::all() {
        let (once, twice) = (scenario.plan(), scenario.plan());
        assert_eq!(bytes(&once), bytes(&twice), "{}", scenario.name);
        assert_eq!(file::parse(&bytes(&once)).unwrap(), once, "{}", scenario.name);
    }
}

#[test]
fn threads_change_nothing_of_a_plan() {
    let wide = desired(SECOND);
    let mut narrow = wide.clone();
    narrow.org.limits.lanes = 1;
    let bench = Bench::after(&[&desired(FIRST)]);
    let (wide, mut narrow) = (bench.plan(&wide), bench.plan(&narrow));
    (narrow.limits, narrow.cost.duration_s) = (wide.limits, wide.cost.duration_s);
    assert_eq!(bytes(&wide), bytes(&narrow));
}

#[test]
fn every_operation_is_of_a_change_and_waits_for_earlier_ones() {
    for scenario in Scenario::all() {
        let plan = scenario.plan();
        let of_changes: Vec<u32> =
            plan.changes.iter().flat_map(|change| &change.operations).map(|operation| operation.0).collect();
        let each: BTreeSet<u32> = of_changes.iter().copied().collect();
        assert_eq!(each.len(), of_changes.len(), "no operation is of two changes");
        for operation in &plan.operations {
            assert!(operation.needs.iter().all(|need| *need < operation.id), "{operation:?}");
            let whole = operation.verb == Verb::EnablePolicies;
            assert!(whole || each.contains(&operation.id.0), "{operation:?} is of no change");
        }
        let empty = plan.changes.iter().find(|change| change.operations.is_empty() || change.action == Action::NoOp);
        assert_eq!(empty, None, "a change does something");
    }
}

#[test]
fn a_part_of_a_plan_is_what_was_named_and_what_that_needs() {
    let (first, second) = (desired(FIRST), desired(SECOND));
    let bench = Bench::after(&[&first]);
    let whole = bench.plan(&second);
    let named =
        ["cell.a", "cell.b", "cell.c", "permission_set.Look", "group.dev", "ou.prod", "scp.no-root", "grant.look"];
    for name in named {
        let plan = bench.try_plan(&second, &only(&[name]), Command::Apply).unwrap();
        assert!(!plan.changes.is_empty(), "{name}");
        for change in &plan.changes {
            let said = change.sources.iter().any(|place| place.entity == name);
            let needed = change.reason.as_deref().is_some_and(|reason| reason.starts_with("needed by "));
            assert!(occurs_in(name, &change.address) || said || needed, "{} is not of {name}", change.address);
            let same = whole.changes.iter().find(|other| other.address == change.address).unwrap();
            assert_eq!((same.action, &same.after), (change.action, &change.after), "{name}: {}", change.address);
        }
    }
}

#[test]
fn what_is_excepted_is_in_no_plan() {
    let bench = Bench::after(&[&desired(FIRST)]);
    let second = desired(SECOND);
    for name in ["cell.b", "permission_set.Look", "group.dev", "scp.old"] {
        let scope = Scope { only: Vec::new(), except: vec![name.to_owned()] };
        let plan = bench.try_plan(&second, &scope, Command::Apply).unwrap();
        let touched: Vec<&str> = plan
            .changes
            .iter()
            .map(|change| change.address.as_str())
            .filter(|address| occurs_in(name, address))
            .collect();
        assert_eq!(touched, [""; 0], "{name}");
    }
}

#[test]
fn nothing_was_said_of_a_program_that_asks_for_nothing() {
    let plan = Bench::new().plan(&desired("group ops {}"));
    assert!(plan.operations.is_empty() && plan.changes.is_empty() && plan.notices.is_empty());
    assert_eq!(plan.cost.calls, 0);
}

/// What a protected account lies in, is held by and is entered with.
const KEPT: &str = r#"
org o { scps = [scp.everywhere], accounts { email = "aws+\(.name)@x.example" } }
group ops {}
ou work { scps = [scp.here] }
ou gone { scps = [scp.there] }
scp everywhere { deny a { actions = ["iam:*"], resources = ["*"] } }
scp here { deny a { actions = ["iam:*"], resources = ["*"] } }
scp there { deny a { actions = ["iam:*"], resources = ["*"] } }
cell p { kind = "prod", region = "us-west-2", owner = group.ops, ou = ou.work }
account x { ou = ou.gone, protect = false }
permission_set Look { allow l { actions = ["s3:Get*"], resources = ["*"] } }
permission_set Run { allow l { actions = ["s3:Put*"], resources = ["*"] } }
grant look { to = group.ops, can = permission_set.Look, on = cells }
grant run { to = group.ops, can = permission_set.Run, on = [account.x] }
"#;

#[test]
fn what_an_account_left_out_of_a_destroy_needs_stays() {
    let program = desired(KEPT);
    let bench = Bench::after(&[&program]);
    let scope = Scope { only: Vec::new(), except: vec!["cell.p".to_owned()] };
    let plan = bench.try_plan(&program, &scope, Command::Destroy).unwrap();
    let gone: Vec<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(
        gone,
        [
            "account.x",
            "assignment.Run/group.ops/account.x",
            "ou.gone",
            "parking",
            "permission_set.Run",
            "scp.there",
            "scp_attachment.there/ou.gone",
        ]
    );
    let note = plan.notices.iter().find(|notice| notice.message.contains("left out")).unwrap();
    assert_eq!(
        note.addresses,
        [
            "ou.work",
            "permission_set.Look",
            "scp.everywhere",
            "scp.here",
            "scp_attachment.everywhere/org.o",
            "scp_attachment.here/ou.work",
        ]
    );
}

/// What is left out still has the set: AWS would refuse to delete it, and the former one of another name.
#[test]
fn a_set_that_stays_given_where_a_run_does_not_reach_is_not_deleted() {
    let accounts = format!("{ACCOUNTS}account b {{ email = \"b@x.example\", protect = false }}\n");
    let given = |name: &str| {
        let set = format!("permission_set X {{ session = 2h, name = \"{name}\" }}\n");
        format!("{accounts}{set}grant g {{ to = group.ops, can = permission_set.X, on = [account.a, account.b] }}\n")
    };
    let bench = Bench::after(&[&super::program(&given("Look"))]);
    let but = |left: &str| Scope { only: Vec::new(), except: vec![left.to_owned()] };
    let goes = |plan: &Plan| plan.operations.iter().any(|operation| matches!(operation.verb, Verb::DeleteSet { .. }));
    let (gone, renamed) = (super::program(&accounts), super::program(&given("See")));
    assert_eq!(bench.try_plan(&renamed, &but("account.b"), Command::Apply).unwrap_err().codes(), "E0519");
    let part = bench.try_plan(&gone, &but("account.b"), Command::Apply).unwrap();
    let changed: Vec<&str> = part.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(changed, ["assignment.X/group.ops/account.a"]);
    assert!(part.notices.iter().any(|notice| notice.addresses == ["permission_set.X"]));
    assert_eq!(bench.run(&gone, &part).failed().count(), 0);
    assert!(goes(&bench.plan(&gone)), "the whole takes it");
    assert_eq!(bench.run(&gone, &bench.plan(&gone)).failed().count(), 0);
    assert!(bench.plan(&gone).changes.is_empty());
}

const ACCOUNTS: &str = "account a { email = \"a@x.example\", protect = false }\n";
const GRANT: &str =
    "permission_set X { session = 2h }\ngrant g { to = group.ops, can = permission_set.X, on = [account.a] }\n";

/// Of a plan that was saved what it is about counts, and nothing else: what came since is left, and what is run is of now.
#[test]
fn a_saved_plan_is_run_as_it_is_planned_now() {
    let (before, wish) = (super::program(ACCOUNTS), super::program(&format!("{ACCOUNTS}{GRANT}")));
    let later = super::program(&format!("ou first {{}}\n{ACCOUNTS}{GRANT}"));
    let bench = Bench::after(&[&before]);
    let saved = bench.plan(&wish);
    let now = bench.plan(&later);
    let cut = part(now.clone(), &saved).unwrap();
    assert_eq!(cut.changes, saved.changes.iter().map(|change| moved(change, &cut)).collect::<Vec<_>>());
    assert_eq!(cut.operations, saved.operations, "numbered anew");
    assert_eq!(cut.access, saved.access);
    assert_eq!(bench.run(&later, &cut).failed().count(), 0);
    let left: Vec<String> = bench.plan(&later).changes.into_iter().map(|change| change.address).collect();
    assert_eq!(left, ["ou.first"]);
    assert_eq!(part(now.clone(), &now), Ok(now), "nothing is left of what is new");
}

/// The same change; its places in the program may be others.
fn moved(change: &crate::plan::model::Change, cut: &Plan) -> crate::plan::model::Change {
    let found = cut.changes.iter().find(|found| found.address == change.address).unwrap();
    crate::plan::model::Change { sources: found.sources.clone(), ..change.clone() }
}

/// A group of another name, or made anew under its name, is not the one that was reviewed.
#[test]
fn a_saved_plan_gives_nothing_to_another_group() {
    let grant = format!("{ACCOUNTS}{GRANT}");
    let bench = Bench::after(&[&super::program(ACCOUNTS)]);
    let saved = bench.plan(&super::program(&grant));
    let stale = |bench: &Bench, wish: &crate::plan::desired::Desired| {
        let now = bench.plan(wish);
        [stale::moved(&saved, &now, &bench.record()), stale::beyond(&saved, &now, &bench.record())]
    };
    assert_eq!(stale(&bench, &super::program(&grant)), [vec![], Vec::<String>::new()]);
    let renamed = desired(&format!("{}{grant}", super::HEAD.replace("group ops {}", "group ops { name = \"dev\" }")));
    for lines in stale(&bench, &renamed) {
        assert_eq!(lines, ["group.ops is another one now: it was g-ops, and is g-dev"]);
    }
    bench.cloud.edit(|state| {
        state.people.insert((crate::provider::PrincipalKind::Group, "ops".to_owned()), "g-new".to_owned());
    });
    for lines in stale(&bench, &super::program(&grant)) {
        assert_eq!(lines, ["group.ops is another one now: it was g-ops, and is g-new"]);
    }
}

/// The account that a saved plan gives access in was torn down since: what would make another is not in it.
#[test]
fn a_saved_plan_that_needs_something_new_is_stale() {
    let (before, wish) = (super::program(ACCOUNTS), super::program(&format!("{ACCOUNTS}{GRANT}")));
    let bench = Bench::after(&[&before]);
    let saved = bench.plan(&wish);
    let torn = bench.try_plan(&before, &Scope::default(), Command::Destroy).unwrap();
    assert_eq!(bench.run(&before, &torn).failed().count(), 0);
    let now = bench.plan(&wish);
    assert!(now.changes.iter().any(|change| change.address == "account.a"), "it comes back");
    let why = part(now, &saved).unwrap_err();
    assert_eq!(why, "assign of assignment.X/group.ops/account.a needs remember of account.a now, which is not in it");
}
