//! Service control policies, and where they are attached.

use cell_lang::diagnostics::Code;

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::Bench;
use crate::apply::tests::cloud::{FULL, State};
use crate::plan::Command;
use crate::plan::model::{OperationId, Verb};

fn edit(state: &mut State, live: Live) {
    let id = state.policy("x").unwrap().id.clone();
    let description = match live {
        Gone => {
            state.policies.remove(&id);
            return;
        }
        Old => "old",
        New => "new",
        Other => "other",
    };
    let policy = state.policies.get_mut(&id).unwrap();
    description.clone_into(&mut policy.description);
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: create_policy", "nothing is there"),
    (Want, Unknown, Old, "E0504", "one of the name is there, and nobody knows that it is ours"),
    (Want, Unknown, New, "E0504", "that it says the same does not make it ours"),
    (Want, Unknown, Other, "E0504", "one of the name is there, and nobody knows that it is ours"),
    (Want, Kept, Gone, "create drift=*: create_policy", "it was deleted outside"),
    (Want, Kept, Old, "update: update_policy", "the program changed"),
    (
        Want,
        Kept,
        New,
        "update drift=description: remember",
        "somebody did what the program asks for: the record learns it",
    ),
    (Want, Kept, Other, "update drift=description: update_policy", "it was changed outside, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "it is foreign"),
    (Drop, Unknown, New, "nothing", "it is foreign"),
    (Drop, Unknown, Other, "nothing", "it is foreign"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it is gone already"),
    (Drop, Kept, Old, "delete: delete_policy", "its block is gone"),
    (Drop, Kept, New, "delete drift=description: delete_policy", "its block is gone, and it was changed outside"),
    (Drop, Kept, Other, "delete drift=description: delete_policy", "its block is gone, and it was changed outside"),
];

fn scp(description: &str) -> String {
    format!(
        "scp x {{ description = \"{description}\", deny all {{ actions = [\"sdb:*\"], resources = [\"*\"] }} }}\nou y {{}}"
    )
}

#[test]
fn each_cell_of_a_policy_has_its_action() {
    let (old, new) = (program(&scp("old")), program(&scp("new")));
    holds(&Kind { address: "scp.x", old, new, without: program("ou y {}"), edit }, TABLE);
}

/// An attachment has no fields: it is there or not. Another one is at another target.
fn attach(state: &mut State, live: Live) {
    let (policy, y) = (state.policy("x").unwrap().id.clone(), state.unit("y").unwrap().id.clone());
    match live {
        Gone => _ = state.attached.remove(&(policy, y)),
        Old | New => {}
        Other => {
            state.attached.remove(&(policy.clone(), y));
            state.attached.insert((policy, state.unit("z").unwrap().id.clone()));
        }
    }
}

const ATTACHMENTS: &[Row] = &[
    (Want, Unknown, Gone, "create: attach_policy", "it is attached nowhere"),
    (Want, Unknown, Old, "adopt: remember", "it is attached already"),
    (Want, Unknown, New, "adopt: remember", "it is attached already"),
    (Want, Unknown, Other, "create: attach_policy", "it is attached elsewhere, which is not ours to say"),
    (Want, Kept, Gone, "create drift=*: attach_policy", "it was detached outside"),
    (Want, Kept, Old, "nothing", "it is as it should be"),
    (Want, Kept, New, "nothing", "it is as it should be"),
    (Want, Kept, Other, "create drift=*: attach_policy", "it was detached here outside"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "no program made it"),
    (Drop, Unknown, New, "nothing", "no program made it"),
    (Drop, Unknown, Other, "nothing", "no program made it"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it was detached already"),
    (Drop, Kept, Old, "delete: detach_policy", "the program does not ask for it any more"),
    (Drop, Kept, New, "delete: detach_policy", "the program does not ask for it any more"),
    (Drop, Kept, Other, "forget drift=*: forget", "it was detached already, and elsewhere is not ours to say"),
];

#[test]
fn each_cell_of_an_attachment_has_its_action() {
    let with = format!("{}\nou z {{}}", scp("old").replace("ou y {}", "ou y { scps = [scp.x] }"));
    let without = format!("{}\nou z {{}}", scp("old"));
    let (old, new) = (program(&with), program(&with));
    let kind = Kind { address: "scp_attachment.x/ou.y", old, new, without: program(&without), edit: attach };
    holds(&kind, ATTACHMENTS);
}

#[test]
fn a_target_takes_five_policies_foreign_ones_counted() {
    let policies = |names: &[&str]| {
        let each =
            |name: &&str| format!("scp {name} {{ deny all {{ actions = [\"sdb:*\"], resources = [\"*\"] }} }}\n");
        let list: Vec<String> = names.iter().map(|name| format!("scp.{name}")).collect();
        let text: String = names.iter().map(each).collect();
        program(&format!("{text}ou y {{ scps = [{}] }}", list.join(", ")))
    };
    let bench = Bench::after(&[&program("ou y {}")]);
    let made = |bench: &Bench, names: &[&str]| of(bench, &policies(names), Command::Apply, "scp_attachment.a/ou.y");
    assert_eq!(made(&bench, &["a", "b", "c", "d"]), "create: attach_policy", "FullAWSAccess is the fifth");
    bench.cloud.edit(|state| {
        let y = state.unit("y").unwrap().id.clone();
        state.attached.insert(("p-theirs".to_owned(), y));
    });
    assert_eq!(made(&bench, &["a", "b", "c"]), "create: attach_policy");
    assert_eq!(made(&bench, &["a", "b", "c", "d"]), "E0509", "theirs is the sixth");
}

#[test]
fn policies_are_switched_on_first() {
    let bench = Bench::new();
    bench.cloud.edit(|state| state.enabled = false);
    let plan = bench.plan(&program(&scp("old")));
    let first = plan.operations.iter().find(|operation| operation.verb.word() == "enable_policies").unwrap();
    let made = plan.operations.iter().find(|operation| operation.verb.word() == "create_policy").unwrap();
    assert_eq!(made.needs, [first.id]);
    assert!(plan.notices.iter().any(|notice| notice.message.contains("switched on")));
}

#[test]
fn what_takes_a_place_is_attached_before_what_had_it_is_detached() {
    let with = |name: &str| {
        program(&format!(
            "scp {name} {{ deny all {{ actions = [\"sdb:*\"], resources = [\"*\"] }} }}\nou y {{ scps = [scp.{name}] }}"
        ))
    };
    let bench = Bench::after(&[&with("a")]);
    bench.cloud.law(|state| {
        let y = state.unit("y")?.id.clone();
        let any = state.attached.iter().any(|(_, target)| *target == y);
        (!any).then(|| "nothing is attached to y".to_owned())
    });
    let plan = bench.plan(&with("b"));
    let verbs: Vec<&str> = plan.operations.iter().map(|operation| operation.verb.word()).collect();
    assert_eq!(verbs, ["create_policy", "attach_policy", "detach_policy", "delete_policy"]);
    let needs: Vec<_> = plan.operations.iter().map(|operation| operation.needs.len()).collect();
    assert_eq!(needs, [0, 1, 1, 1], "each waits for the one before");
    assert_eq!(bench.run(&with("b"), &plan).failed().count(), 0);
    assert_eq!(bench.cloud.broken(), Vec::<String>::new());
}

/// A unit with these of the policies, all of which are there. AWS's own is the fifth.
fn unit_with(policies: &[usize]) -> String {
    let scp = |n: usize| {
        format!("scp s{n} {{ deny one {{ actions = [\"s3:DeleteBucket\"], resources = [\"arn:aws:s3:::{n}\"] }} }}\n")
    };
    let scps: Vec<String> = policies.iter().map(|n| format!("scp.s{n}")).collect();
    (1..=10).map(scp).collect::<String>() + &format!("ou y {{ scps = [{}] }}", scps.join(", "))
}

/// However many of a target's policies are replaced: it never has more than AWS takes, and never lacks more than one of those that
/// it has at its beginning and its end.
#[test]
fn policies_of_a_target_are_replaced_one_at_a_time_where_there_is_no_room() {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[1, 2, 3, 4], &[5, 6, 7, 8]),
        (&[1, 2, 3, 4], &[1, 2, 3, 5]),
        (&[1, 2, 3], &[4, 5, 6]),
        (&[1, 2, 3], &[1, 4, 5]),
        (&[1, 2], &[3, 4]),
        (&[1, 2, 3, 4], &[6]),
    ];
    for (before, after) in cases {
        let (from, to) = (program(&unit_with(before)), program(&unit_with(after)));
        let bench = Bench::after(&[&from]);
        let plan = bench.plan(&to);
        let (mut has, mut attached, mut detached) = (before.len(), Vec::<OperationId>::new(), None::<OperationId>);
        for operation in &plan.operations {
            let needs = |id: &OperationId| operation.needs.contains(id);
            match &operation.verb {
                Verb::AttachPolicy { .. } => {
                    assert!(detached.as_ref().is_none_or(needs), "what made room comes before");
                    attached.push(operation.id);
                    has += 1;
                }
                Verb::DetachPolicy { .. } => {
                    assert!(attached.iter().all(needs), "what takes its place comes before");
                    detached = Some(operation.id);
                    has -= 1;
                }
                _ => continue,
            }
            assert!((before.len().min(after.len()) - 1..=4).contains(&has), "{before:?} → {after:?}: {has}");
        }
        assert_eq!(has, after.len());
        bench.apply(&to);
        assert!(bench.plan(&to).operations.is_empty(), "{before:?} → {after:?}");
    }
}

/// What makes room holds its target until what takes its place is made.
#[test]
fn a_policy_that_makes_room_stays_until_the_new_one_is_made() {
    let unit = |policies: [usize; 4]| {
        let scp = |n: &usize| {
            format!(
                "scp s{n} {{ deny one {{ actions = [\"s3:DeleteBucket\"], resources = [\"arn:aws:s3:::{n}\"] }} }}\n"
            )
        };
        let scps = policies.map(|n| format!("scp.s{n}")).join(", ");
        program(&(policies.iter().map(scp).collect::<String>() + &format!("ou y {{ scps = [{scps}] }}")))
    };
    let bench = Bench::after(&[&unit([1, 2, 3, 4])]);
    let plan = bench.plan(&unit([5, 6, 7, 8]));
    let made = |id: &OperationId| matches!(plan.operations[id.0 as usize].verb, Verb::CreatePolicy { .. });
    let detached: Vec<_> =
        plan.operations.iter().filter(|operation| matches!(operation.verb, Verb::DetachPolicy { .. })).collect();
    assert_eq!(detached.len(), 4);
    assert!(detached.iter().all(|operation| operation.needs.iter().any(made)));
}

/// A unit that is made anew is not held to what the former one has.
#[test]
fn a_unit_that_is_made_anew_may_get_another_policy() {
    let text = |parent: &str, policies: &[usize]| {
        unit_with(policies).replace("ou y {", &format!("ou t {{}}\nou y {{ {parent}"))
    };
    let (from, to) = (program(&text("", &[1, 2, 3])), program(&text("parent = ou.t, ", &[1, 2, 3, 4])));
    assert_eq!(of(&Bench::after(&[&from]), &to, Command::Apply, "ou.y"), "replace: create_unit delete_unit");
}

const DENY: &str = "scp x { deny all { actions = [\"sdb:*\"], resources = [\"*\"] } }";

/// What a unit that is made anew held goes from the former one before the policy is deleted.
#[test]
fn a_policy_goes_with_what_is_made_anew() {
    let held = program(&format!("ou t {{}}\nou y {{ scps = [scp.x] }}\n{DENY}"));
    let bench = Bench::after(&[&held]);
    let (plan, receipt) = bench.apply(&program("ou t {}\nou y { parent = ou.t }"));
    assert_eq!(receipt.failed().count(), 0, "{:?}", receipt.failed().collect::<Vec<_>>());
    let detached = plan.operations.iter().find(|one| matches!(one.verb, Verb::DetachPolicy { .. })).unwrap();
    let former = bench.record().entry("ou.y").map(|entry| entry.id.clone());
    assert_ne!(plan.ids.get("ou.y:former").cloned(), former, "{detached:?}");
    assert_eq!(bench.cloud.state().policies.len(), 1, "AWS's own");
}

/// Nobody is without what held him while he still has what it was to hold.
#[test]
fn what_holds_people_goes_after_what_they_had() {
    let head = "permission_set X {}\n";
    let cell = "account a { email = \"a@x.example\", ou = ou.y, protect = false }\n";
    let grant = "grant g { to = group.ops, can = permission_set.X, on = [account.a] }";
    let program = |scps: &str, rest: &str| program(&format!("{head}ou y {{ {scps} }}\n{cell}{rest}"));
    let from = program("scps = [scp.x]", &format!("{grant}\n{DENY}"));
    let plan = Bench::after(&[&from]).plan(&program("", ""));
    let of = |is: fn(&Verb) -> bool| plan.operations.iter().find(|one| is(&one.verb)).unwrap();
    let taken = of(|verb| matches!(verb, Verb::Unassign { .. }));
    assert!(of(|verb| matches!(verb, Verb::DetachPolicy { .. })).needs.contains(&taken.id), "{:?}", plan.operations);
}

/// Somebody attached our policy elsewhere: it cannot be deleted, and is not detached there.
#[test]
fn a_policy_that_somebody_uses_is_not_deleted() {
    let with = program(&format!("ou y {{}}\n{DENY}"));
    let bench = Bench::after(&[&with]);
    let policy = bench.record().entry("scp.x").unwrap().id.clone();
    bench.cloud.edit(|state| {
        let unit = state.unit("y").unwrap().id.clone();
        state.attached.insert((policy.clone(), unit));
    });
    assert_eq!(of(&bench, &program("ou y {}"), Command::Apply, "scp.x"), Code::StillInUse.as_str());
}

/// What somebody detached is attached to a unit that is made anew as what was changed outside.
#[test]
fn what_was_detached_outside_is_drift_also_of_what_is_made_anew() {
    let at = |parent: &str| program(&format!("ou t {{}}\nou y {{ scps = [scp.x] {parent} }}\n{DENY}"));
    let (from, to) = (at(""), at(", parent = ou.t"));
    let (bench, address) = (Bench::after(&[&from]), "scp_attachment.x/ou.y");
    assert_eq!(of(&bench, &to, Command::Apply, address), "replace: attach_policy");
    bench.cloud.edit(|state| state.attached.retain(|(policy, _)| policy == FULL));
    assert_eq!(of(&bench, &to, Command::Apply, address), "create drift=*: attach_policy");
}

/// What holds an account comes from its unit to itself: never is it without.
#[test]
fn a_policy_that_comes_closer_is_attached_before_it_goes_above() {
    let of = |unit: &str, account: &str| {
        let account = format!("account a {{ email = \"a@x.example\", ou = ou.y {account} }}");
        program(&format!("ou y {{ {unit} }}\n{account}\n{DENY}"))
    };
    let bench = Bench::after(&[&of("scps = [scp.x]", "")]);
    let plan = bench.plan(&of("", ", scps = [scp.x]"));
    let find = |is: fn(&Verb) -> bool| plan.operations.iter().find(|one| is(&one.verb)).unwrap();
    let attached = find(|verb| matches!(verb, Verb::AttachPolicy { .. }));
    let detached = find(|verb| matches!(verb, Verb::DetachPolicy { .. }));
    assert!(detached.needs.contains(&attached.id), "{:?}", plan.operations);
}
