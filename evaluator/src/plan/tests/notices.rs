//! What is said about a plan as a whole: brakes, hazards, quotas, who gains what.

use super::program;
use crate::apply::tests::bench::{Bench, desired};
use crate::plan::Command;
use crate::plan::model::{NoticeKind, Plan};
use crate::plan::scope::Scope;
use crate::provider::{Account, AccountState, Policy};

/// The brakes of a plan, by the word that lets them go.
fn brakes(plan: &Plan) -> Vec<&str> {
    plan.brakes().filter_map(|notice| notice.allow.as_deref()).collect()
}

fn hazards(plan: &Plan) -> Vec<&str> {
    let of = plan.notices.iter().filter(|notice| notice.kind == NoticeKind::Hazard);
    of.map(|notice| notice.message.split(':').next().unwrap_or_default()).collect()
}

/// So many cells of a kind, and a grant of a set on all of them to these groups.
fn fleet(cells: usize, kind: &str, set: &str, groups: &str, more: &str) -> crate::plan::desired::Desired {
    let cell = |at| format!("cell c{at} {{ kind = \"{kind}\", region = \"us-west-2\", owner = group.ops }}\n");
    let cells: String = (0..cells).map(cell).collect();
    program(&format!(
        "{cells}permission_set {set} {{}}\ngrant g {{ to = [{groups}], can = permission_set.{set}, on = cells }}\n{more}"
    ))
}

#[test]
fn taking_much_away_at_once_is_braked() {
    // More than five, and more than a tenth.
    let table = [(5, "group.ops, group.dev", &[][..]), (6, "group.ops, group.dev", &["mass-revoke"][..])];
    for (cells, groups, expected) in table {
        let bench = Bench::after(&[&fleet(cells, "alpha", "Look", groups, "")]);
        let plan = bench.plan(&fleet(cells, "alpha", "Look", "group.ops", ""));
        assert_eq!(brakes(&plan), expected, "{cells} of {} are taken away", cells * 2);
    }
    let raised = "org o { accounts { email = \"aws+\\(.name)@x.example\" }, limits { revoke_count = 6 } }\ngroup ops {}\ngroup dev {}\n";
    let of = |groups: &str| {
        let cell = |at| format!("cell c{at} {{ kind = \"alpha\", region = \"us-west-2\" }}\n");
        let cells: String = (0..6).map(cell).collect();
        desired(&format!(
            "{raised}{cells}permission_set L {{}}\ngrant g {{ to = [{groups}], can = permission_set.L, on = cells }}"
        ))
    };
    let bench = Bench::after(&[&of("group.ops, group.dev")]);
    assert_eq!(brakes(&bench.plan(&of("group.ops"))), [""; 0], "the organization says how many are few");
}

#[test]
fn a_move_under_other_service_control_policies_is_a_hazard() {
    let of = |unit: &str| {
        program(&format!(
            "scp strict {{ deny d {{ actions = [\"s3:*\"], resources = [\"*\"] }} }}\n\
             ou a {{ scps = [scp.strict] }}\nou b {{}}\nou inner {{ parent = ou.a }}\n\
             cell c {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.{unit} }}"
        ))
    };
    let told = |from: &str, to: &str| {
        let plan = Bench::after(&[&of(from)]).plan(&of(to));
        let hazard = plan.notices.iter().find(|notice| notice.kind == NoticeKind::Hazard);
        hazard.map(|hazard| format!("{} {}", hazard.addresses.join(" "), hazard.message))
    };
    let changes = "cell.c what may be done there at most changes: by moving it";
    assert_eq!(told("a", "b"), Some(format!("{changes} leaves scp.strict")));
    assert_eq!(told("b", "inner"), Some(format!("{changes} comes under scp.strict")));
    assert_eq!(told("a", "inner"), None, "what lies in a unit is under its policies");
    // The unit has another label now, and the same policies.
    let named = |unit: &str| {
        program(&format!(
            "scp strict {{ deny d {{ actions = [\"s3:*\"], resources = [\"*\"] }} }}\n\
             ou {unit} {{ scps = [scp.strict] }}\nou inner {{ parent = ou.{unit} }}\n\
             cell c {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.inner }}"
        ))
    };
    assert_eq!(hazards(&Bench::after(&[&named("a")]).plan(&named("b"))), [""; 0]);
}

/// Attaches a policy of others to a unit, whose id is answered.
fn guarded_by_others(bench: &Bench, unit: &str) -> String {
    let unit = bench.record().entry(unit).unwrap().id.clone();
    bench.cloud.edit(|state| {
        let (id, name) = ("p-guard".to_owned(), "security-team-guard".to_owned());
        let guard = Policy { id: id.clone(), name, description: String::new(), content: None, aws_managed: false };
        state.policies.insert(id.clone(), guard);
        state.attached.insert((id, unit.clone()));
    });
    unit
}

/// What leaves a unit of which others hold something is told so, and such a unit does not go unasked.
#[test]
fn what_leaves_a_policy_of_others_is_told() {
    let of = |units: &str, ou: &str| {
        let cell = format!("cell c {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.{ou} }}");
        program(&format!("ou a {{}}\n{units}\n{cell}"))
    };
    let (inner, without) = ("ou y {}\nou z { parent = ou.y }", "");
    let bench = Bench::after(&[&of(inner, "z")]);
    guarded_by_others(&bench, "ou.y");
    let plan = bench.plan(&of(inner, "a"));
    let leaves = "what may be done there at most changes: by moving it leaves `security-team-guard`";
    let told: Vec<&str> = plan.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert!(told.contains(&leaves) && brakes(&plan).is_empty(), "{told:?}");
    let plan = bench.plan(&of(inner, "y"));
    assert_eq!((hazards(&plan).len(), brakes(&plan).len()), (0, 0), "it holds in both");
    let plan = bench.plan(&of(without, "a"));
    let told: Vec<&str> = plan.brakes().map(|notice| notice.message.as_str()).collect();
    let gone = "ou.y is deleted, and `security-team-guard` that cellc does not own is attached to it";
    assert_eq!((told, brakes(&plan)), (vec![gone], vec!["foreign-policy"]));
}

/// A unit whose policies say what is allowed, and not what is denied, would allow all when it is made anew.
#[test]
fn a_unit_of_a_list_is_not_made_anew_unasked() {
    let of = |parent: &str| program(&format!("ou top {{}}\nou y {{ {parent} }}"));
    let bench = Bench::after(&[&of("")]);
    let unit = guarded_by_others(&bench, "ou.y");
    assert_eq!(brakes(&bench.plan(&of("parent = ou.top"))), ["foreign-policy"]);
    bench.cloud.edit(|state| _ = state.lists.insert(unit));
    let plan = bench.plan(&of("parent = ou.top"));
    assert!(
        plan.brakes()
            .any(|notice| notice.message.contains("`FullAWSAccess` is detached from it: the new one has it"))
    );
}

/// What others attached to a unit does not come along when it is made anew, and what they wrote on it does.
#[test]
fn a_unit_of_which_others_hold_something_is_not_made_anew_unasked() {
    let of = |parent: &str| program(&format!("ou top {{}}\nou y {{ {parent} }}"));
    let bench = Bench::after(&[&of("")]);
    let unit = guarded_by_others(&bench, "ou.y");
    bench.cloud.edit(|state| {
        state.tags.entry(unit.clone()).or_default().insert("cost".to_owned(), "42".to_owned());
    });
    let plan = bench.plan(&of("parent = ou.top"));
    let told: Vec<&str> = plan.brakes().map(|notice| notice.message.as_str()).collect();
    let expected = "ou.y is made anew, and `security-team-guard` that cellc does not own is attached to it: the new one is without";
    assert_eq!((told, brakes(&plan)), (vec![expected], vec!["foreign-policy"]));
    bench.run(&of("parent = ou.top"), &plan);
    let anew = bench.cloud.state().unit("y").unwrap().id.clone();
    assert_eq!(bench.cloud.state().tags[&anew].get("cost").map(String::as_str), Some("42"));
    assert!(bench.plan(&of("parent = ou.top")).changes.is_empty());
}

#[test]
fn a_role_that_changes_its_arn_is_a_hazard_and_in_production_a_brake() {
    let moved = "moved { from = \"permission_set.Old\", to = \"permission_set.New\" }";
    for (kind, expected) in [("alpha", &[][..]), ("prod", &["role-arn"][..])] {
        let bench = Bench::after(&[&fleet(2, kind, "Old", "group.ops", "")]);
        let plan = bench.plan(&fleet(2, kind, "New", "group.ops", moved));
        assert_eq!(hazards(&plan), ["role ARN will change"], "{kind}");
        assert_eq!(brakes(&plan), expected, "{kind}");
    }
}

#[test]
fn a_set_of_production_that_goes_is_braked_since_it_may_have_been_renamed() {
    for (kind, expected) in [("alpha", &[][..]), ("prod", &["role-arn"][..])] {
        let bench = Bench::after(&[&fleet(2, kind, "Old", "group.ops", "")]);
        assert_eq!(brakes(&bench.plan(&fleet(2, kind, "New", "group.ops", ""))), expected, "{kind}");
    }
}

#[test]
fn the_last_assignment_takes_its_role_along() {
    let bench = Bench::after(&[&fleet(2, "alpha", "Look", "group.ops, group.dev", "")]);
    assert!(hazards(&bench.plan(&fleet(2, "alpha", "Look", "group.ops", ""))).is_empty(), "somebody still has it");
    let none = program(
        "cell c0 { kind = \"alpha\", region = \"us-west-2\", owner = group.ops }\ncell c1 { kind = \"alpha\", region = \"us-west-2\", owner = group.ops }\npermission_set Look {}",
    );
    assert_eq!(hazards(&bench.plan(&none)), ["role goes"]);
}

#[test]
fn closing_an_account_is_braked() {
    let bench = Bench::after(&[&program("account x {}")]);
    let close = program("removed { from = \"account.x\", account = \"close\" }");
    assert_eq!(brakes(&bench.plan(&close)), ["close-account"]);
    let park = program("removed { from = \"account.x\", account = \"park\" }");
    assert_eq!(brakes(&bench.plan(&park)), [""; 0]);
}

/// What the record has of 30 days, and what is being closed, is certain; of what else is closed nobody knows when it was.
#[test]
fn closings_of_thirty_days_are_counted_with_those_before() {
    let three = "account a {}\naccount b {}\naccount c {}";
    let close = |names: &str| {
        let text = names.chars().fold(three.to_owned(), |text, name| {
            let line = format!("removed {{ from = \"account.{name}\", account = \"close\" }}");
            text.replace(&format!("account {name} {{}}"), &line)
        });
        program(&text)
    };
    let bench = Bench::after(&[&program(three), &close("a")]);
    let told = |bench: &Bench| {
        let quotas = bench.plan(&close("abc")).cost.quotas;
        quotas.iter().map(|quota| format!("{}: {} {}", quota.what, quota.before, quota.after)).collect::<Vec<_>>()
    };
    assert_eq!(told(&bench), ["closings in 30 days: 1 3"]);
    let theirs = bench.copy();
    theirs.cloud.edit(|state| {
        let like = state.account("aws+a@x.example").unwrap().clone();
        for (id, is) in [("1", AccountState::Closed), ("2", AccountState::PendingClosure)] {
            state.accounts.insert(id.to_owned(), Account { id: id.to_owned(), state: is, ..like.clone() });
        }
    });
    assert_eq!(told(&theirs), ["closings in 30 days, at least (1 closed account more may be of them): 2 4"]);
    let long_ago = crate::apply::tests::bench::dawn() - jiff::SignedDuration::from_hours(31 * 24);
    bench.store.edit(|record| record.gone.values_mut().for_each(|gone| gone.at = long_ago));
    assert_eq!(told(&bench), ["closings in 30 days: 0 2"]);
}

#[test]
fn who_gains_and_loses_what_is_told() {
    let bench = Bench::after(&[&fleet(1, "alpha", "Look", "group.ops", "")]);
    let to = fleet(2, "alpha", "Look", "group.ops, group.dev", "");
    let told: Vec<String> = bench
        .plan(&to)
        .access
        .iter()
        .map(|row| format!("{} +{:?} -{:?} new {:?}", row.principal, row.gained, row.lost, row.new_targets))
        .collect();
    let expected =
        [r#"group.dev +["cell.c0", "cell.c1"] -[] new []"#, r#"group.ops +["cell.c1"] -[] new ["cell.c1"]"#];
    assert_eq!(told, expected);
    let lost = bench.plan(&fleet(1, "alpha", "Look", "group.dev", "")).access;
    let told: Vec<_> = lost.iter().map(|row| (row.principal.as_str(), row.gained.len(), row.lost.len())).collect();
    assert_eq!(told, [("group.dev", 1, 0), ("group.ops", 0, 1)]);
}

#[test]
fn the_room_that_is_left_is_told_before_and_after() {
    let plan = Bench::new().plan(&fleet(3, "alpha", "Look", "group.ops", ""));
    let told: Vec<_> = plan.cost.quotas.iter().map(|quota| (quota.before, quota.after, quota.most)).collect();
    assert_eq!(told, [(1, 4, 10), (0, 1, 3_500)], "accounts with the management account, then sets");
}

#[test]
fn what_changed_outside_is_counted() {
    let to = program("account x { name = \"n\" }");
    let bench = Bench::after(&[&to]);
    bench.cloud.edit(|state| {
        let id = state.account("aws+n@x.example").unwrap().id.clone();
        "m".clone_into(&mut state.accounts.get_mut(&id).unwrap().name);
    });
    let plan = bench.plan(&to);
    assert!(
        plan.notices.iter().any(|notice| notice.message == "1 resource was changed outside since the last apply")
    );
}

/// A tag that the program gives and somebody changed: `drift` reads it; a plan says that it has not, and does not say that all is as it is to be.
#[test]
fn tags_that_were_not_read_are_told() {
    let to = program("account x { tags { team = \"a\" } }\nou y { tags { team = \"a\" } }\nou plain {}");
    let bench = Bench::after(&[&to]);
    let id = bench.record().entry("account.x").unwrap().id.clone();
    bench.cloud.edit(|state| _ = state.tags.get_mut(&id).unwrap().insert("team".into(), "b".into()));
    let plan = bench.plan(&to);
    let told =
        "whether somebody changed tags of 2 accounts, units and policies was not looked for; `cellc drift` does";
    assert!(plan.notices.iter().any(|notice| notice.message == told), "{:?}", plan.notices);
    let mut text = String::new();
    let look = crate::plan::text::Look { verbose: false, width: 200, color: false };
    crate::plan::text::write(&plan, &look, &mut text).unwrap();
    assert!(
        text.ends_with(
            "live is as the program says, but for tags of accounts, units and policies, which were not looked for\n"
        ),
        "{text}"
    );
    // Named, it is read.
    let only = bench.try_plan(&to, &crate::apply::tests::bench::only(&["account.x"]), Command::Apply).unwrap();
    assert_eq!(only.changes[0].drift, ["tags"]);
    assert!(!only.notices.iter().any(|notice| notice.message == told), "{:?}", only.notices);
    // Nothing of the sort is said of things that have no tags but the mark.
    let without = program("account x {}\nou y {}\nou plain {}");
    let plan = Bench::after(&[&without]).plan(&without);
    assert!(!plan.notices.iter().any(|notice| notice.message.contains("tags")), "{:?}", plan.notices);
}

#[test]
fn an_address_that_nothing_has_is_an_error() {
    let bench = Bench::new();
    let to = program("account x {}");
    let codes = |named: &str| {
        let scope = crate::apply::tests::bench::only(&[named]);
        bench
            .try_plan(&to, &scope, Command::Apply)
            .map_or_else(|no| no.codes(), |plan| plan.changes.len().to_string())
    };
    assert_eq!((codes("account.x"), codes("account.y")), ("1".to_owned(), "E0514".to_owned()));
    let except = Scope { only: Vec::new(), except: vec!["group.nobody".to_owned()] };
    assert_eq!(bench.try_plan(&to, &except, Command::Apply).unwrap_err().codes(), "E0514");
    let gone = crate::apply::tests::bench::only(&["lib.grant.look"]);
    let said = format!("{:?}", bench.try_plan(&to, &gone, Command::Apply).unwrap_err());
    assert!(said.contains("name the permission set, the principal or the cell"), "{said}");
}
