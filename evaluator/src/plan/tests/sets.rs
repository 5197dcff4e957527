//! Permission sets.

use cell_lang::diagnostics::Code;

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::{Bench, NoPlan, desired, only};
use crate::apply::tests::cloud::{State, Trouble};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::scope::Scope;
use crate::registry::record::Entry;
use crate::releases::sets::PARTS;

fn edit(state: &mut State, live: Live) {
    let arn = state.arn("X").unwrap();
    let session = match live {
        Gone => {
            state.sets.remove(&arn);
            return;
        }
        Old => "PT2H",
        New => "PT3H",
        Other => "PT4H",
    };
    let set = state.sets.get_mut(&arn).unwrap();
    set.fields.session = Some(session.to_owned());
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: create_set", "nothing is there"),
    (Want, Unknown, Old, "E0504", "one of the name is there, and a tag alone proves nothing"),
    (Want, Unknown, New, "E0504", "that it says the same does not make it ours"),
    (Want, Unknown, Other, "E0504", "one of the name is there, and a tag alone proves nothing"),
    (Want, Kept, Gone, "create drift=*: forget create_set", "it was deleted outside"),
    (Want, Kept, Old, "update: update_set", "the program changed; nobody has it, so nothing is provisioned"),
    (
        Want,
        Kept,
        New,
        "update drift=session: remember",
        "somebody did what the program asks for: the record learns it",
    ),
    (Want, Kept, Other, "update drift=session: update_set", "it was changed outside, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "it is foreign"),
    (Drop, Unknown, New, "nothing", "it is foreign"),
    (Drop, Unknown, Other, "nothing", "it is foreign"),
    (Drop, Kept, Gone, "forget drift=*: forget", "it is gone already"),
    (Drop, Kept, Old, "delete: delete_set", "its block is gone"),
    (Drop, Kept, New, "delete: delete_set", "its block is gone"),
    (Drop, Kept, Other, "delete: delete_set", "its block is gone"),
];

/// A cell alone is planned, and torn down, although a set that it has was deleted outside.
#[test]
fn a_set_that_was_deleted_outside_is_made_again_for_a_cell_alone() {
    let granted = program(
        "permission_set X { session = 2h }\ngrant g { to = group.ops, can = permission_set.X, on = cells }\n\
         cell a { kind = \"alpha\", region = \"us-west-2\" }\ncell b { kind = \"alpha\", region = \"us-west-2\" }",
    );
    let bench = Bench::after(&[&granted]);
    bench.cloud.edit(|state| {
        edit(state, Gone);
        state.given.clear();
        state.held.clear();
    });
    for named in ["cell.a", "permission_set.X", "grant.g"] {
        let plan = bench.try_plan(&granted, &only(&[named]), Command::Apply).unwrap();
        let makes = plan.operations.iter().any(|one| one.verb.word() == "create_set");
        assert!(makes, "{named}: {:?}", plan.operations);
    }
    let plan = bench.try_plan(&granted, &only(&["cell.a"]), Command::Destroy).unwrap();
    assert!(plan.operations.iter().all(|one| one.verb.word() != "unassign"), "{:?}", plan.operations);
    let plan = bench.try_plan(&granted, &only(&["cell.a"]), Command::Apply).unwrap();
    bench.run(&granted, &plan);
    bench.apply(&granted);
    assert_eq!(bench.is_settled(&granted, Command::Apply), Ok(()));
}

#[test]
fn each_cell_has_its_action() {
    let old = program("permission_set X { session = 2h }\npermission_set Y {}");
    let new = program("permission_set X { session = 3h }\npermission_set Y {}");
    let kind = Kind { address: "permission_set.X", old, new, without: program("permission_set Y {}"), edit };
    holds(&kind, TABLE);
}

const GROUND: &str = "cell a { kind = \"alpha\", region = \"us-west-2\" }\ncell b { kind = \"alpha\", region = \"us-west-2\" }\ngrant g { to = group.ops, can = permission_set.X, on = cells }\n";

fn with(set: &str) -> Desired {
    program(&format!("{GROUND}permission_set X {{ {set} }}"))
}

#[test]
fn each_part_of_a_set_is_written_by_its_own_call_and_provisioned_once() {
    let read = "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]";
    let view = "managed = [\"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess\"]";
    let inline = "allow run { actions = [\"ec2:StartInstances\"], resources = [\"*\"] }";
    let table = [
        ("session = 1h", "session = 1h", "nothing"),
        ("session = 1h", "session = 2h", "update: update_set provision"),
        ("session = 1h", "description = \"d\", relay_state = \"https://x.example\"", "update: update_set provision"),
        ("", read, "update: attach_managed provision"),
        (read, view, "update: attach_managed detach_managed provision"),
        (read, "", "update: detach_managed provision"),
        ("", "customer_managed = [\"Mine\"]", "update: attach_customer provision"),
        (
            "customer_managed = [\"Mine\"]",
            "customer_managed = [\"/teams/Mine\"]",
            "update: attach_customer detach_customer provision",
        ),
        ("", inline, "update: put_inline_policy provision"),
        (inline, "", "update: delete_inline_policy provision"),
        ("", "boundary = \"Limit\"", "update: put_boundary provision"),
        ("boundary = \"Limit\"", "", "update: delete_boundary provision"),
        ("", "tags { a = \"b\" }", "update: tag"),
        (
            "",
            "session = 2h, managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"], boundary = \"Limit\"",
            "update: update_set attach_managed put_boundary provision",
        ),
    ];
    for (from, to, expected) in table {
        let bench = Bench::after(&[&with(from)]);
        assert_eq!(of(&bench, &with(to), Command::Apply, "permission_set.X"), expected, "{from} -> {to}");
    }
}

#[test]
fn what_an_earlier_run_left_half_applied_is_found() {
    let bench = Bench::after(&[&with("session = 2h")]);
    bench.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        state.sets.get_mut(&arn).unwrap().revision += 1;
    });
    let plan = bench.plan(&with("session = 2h"));
    let change = plan.changes.iter().find(|change| change.address == "permission_set.X").unwrap();
    assert_eq!(super::told(&plan, change), "update: provision");
    assert_eq!(change.reason.as_deref(), Some("half applied: an older form is in force in cell.a, cell.b"));
    assert_eq!(bench.run(&with("session = 2h"), &plan).failed().count(), 0);
    assert_eq!(of(&bench, &with("session = 2h"), Command::Apply, "permission_set.X"), "nothing");
}

/// An edit was written and did not come to the accounts, and another one follows: what the first gives is gained by the plan that brings
/// both there. What somebody else left so, and is taken over, has a form that nobody knows: all of it is gained.
#[test]
fn what_is_in_force_where_an_edit_did_not_come_is_known_to_the_next_plan() {
    let look = "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]";
    let more = "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\", \"arn:aws:iam::aws:policy/PowerUserAccess\"]";
    let address = "permission_set.X";
    let set = |plan: &crate::plan::model::Plan| {
        let change = plan.changes.iter().find(|change| change.address == address);
        change.map(|change| (change.reason.clone(), change.in_force.clone())).unwrap_or_default()
    };
    let bench = Bench::after(&[&with("session = 2h")]);
    bench.cloud.script("sso:ProvisionPermissionSet", 1, Trouble::FailsLater);
    assert_eq!(bench.apply(&with(&format!("session = 2h, {look}"))).1.failed().count(), 1);
    let recorded = bench.record().entry(address).unwrap().clone();
    assert_eq!(recorded.in_force.unwrap().get("managed"), None);
    assert!(recorded.fields.contains_key("managed"));
    for next in [look, more] {
        let (reason, forms) = set(&bench.copy().plan(&with(&format!("session = 2h, {next}"))));
        assert_eq!(reason.as_deref(), Some("half applied: an older form is in force in cell.a, cell.b"));
        assert_eq!(forms.len(), 1);
        assert_eq!(
            (forms[0].form.get("managed"), forms[0].accounts.as_slice()),
            (None, &["cell.a".to_owned(), "cell.b".to_owned()][..])
        );
    }
    let both = with(&format!("session = 2h, {more}"));
    let taken = bench.copy();
    bench.apply(&both);
    assert_eq!(bench.record().entry(address).unwrap().in_force, None);
    assert!(bench.plan(&both).operations.is_empty());
    // Somebody has lost the record.
    taken.store.edit(|record| _ = record.resources.remove(address));
    taken.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        _ = state
            .sets
            .get_mut(&arn)
            .unwrap()
            .detail
            .tags
            .as_mut()
            .unwrap()
            .insert("cellc:address".into(), address.into());
    });
    taken.store.edit(|record| {
        let arn = taken.cloud.state().arn("X").unwrap();
        _ = record.resources.insert(address.to_owned(), Entry::claim("permission_set", &arn, taken.clock.at()));
    });
    let (_, forms) = set(&taken.plan(&with(&format!("session = 2h, {look}"))));
    assert_eq!(forms.len(), 1, "nobody knows which");
    assert!(PARTS.iter().all(|part| !forms[0].form.contains_key(*part)), "{forms:?}");
}

#[test]
fn a_set_of_another_name_is_made_anew_and_given_before_the_former_is_taken() {
    let renamed = program(
        r#"cell a { kind = "alpha", region = "us-west-2" }
cell b { kind = "alpha", region = "us-west-2" }
permission_set Z { session = 2h }
grant g { to = group.ops, can = permission_set.Z, on = cells }
moved { from = "permission_set.X", to = "permission_set.Z" }"#,
    );
    let bench = Bench::after(&[&with("session = 2h")]);
    let made = |address| of(&bench, &renamed, Command::Apply, address);
    assert_eq!(made("permission_set.Z"), "replace: readdress create_set delete_set");
    assert_eq!(made("assignment.Z/group.ops/cell.a"), "replace: readdress assign unassign");
    bench.cloud.law(|state| {
        let ops = state.group("ops");
        let has = state.held.get(&ops).is_some_and(|held| {
            held.iter().map(|(account, _)| account).collect::<std::collections::BTreeSet<_>>().len() == 2
        });
        (!has).then(|| "ops lost an account".to_owned())
    });
    let (_, receipt) = bench.apply(&renamed);
    assert_eq!(receipt.failed().count(), 0);
    assert_eq!(bench.cloud.broken(), Vec::<String>::new(), "nobody is without access for a moment");
    assert_eq!(bench.cloud.state().sets.len(), 1, "the former set is gone");
    assert_eq!(made("permission_set.Z"), "nothing");
}

#[test]
fn a_set_goes_once_nobody_has_it() {
    let bench = Bench::after(&[&with("session = 2h")]);
    let without = program(
        "cell a { kind = \"alpha\", region = \"us-west-2\" }\ncell b { kind = \"alpha\", region = \"us-west-2\" }",
    );
    let plan = bench.plan(&without);
    let told: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| format!("{} after {}", operation.verb.word(), operation.needs.len()))
        .collect();
    assert_eq!(told, ["unassign after 0", "unassign after 0", "delete_set after 2"]);
    assert_eq!(bench.run(&without, &plan).failed().count(), 0);
}

/// Whoever writes somebody's set into the record does not get it deleted. One whose mark was taken away is left, too, until
/// somebody says whose it is.
#[test]
fn a_set_that_carries_no_mark_of_ours_is_not_deleted() {
    let ours = program("permission_set X { session = 2h }");
    let without = program("permission_set Y {}");
    let bench = Bench::after(&[&ours]);
    let shown = |bench: &Bench| of(bench, &without, Command::Apply, "permission_set.X");
    assert_eq!(shown(&bench), "delete: delete_set");
    let mark = |tags: &[(&str, &str)]| {
        let tags: crate::provider::Tags =
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let copy = bench.copy();
        copy.cloud.edit(|state| {
            let arn = state.arn("X").unwrap();
            state.sets.get_mut(&arn).unwrap().detail.tags = Some(tags);
        });
        copy
    };
    for tags in [&[][..], &[("team", "a")], &[("cellc:address", "permission_set.Theirs")]] {
        assert_eq!(shown(&mark(tags)), "E0504", "{tags:?}");
    }
    // An entry of just a kind and an id.
    let planted = mark(&[]);
    planted.store.edit(|record| record.resources.get_mut("permission_set.X").unwrap().fields.clear());
    assert_eq!(shown(&planted), "E0504");
    // It was taken over, and the process died before it was marked: it is taken over again, and not deleted.
    let half = mark(&[]);
    half.store.edit(|record| {
        let fields = &mut record.resources.get_mut("permission_set.X").unwrap().fields;
        fields.insert("tags".to_owned(), serde_json::json!({}));
    });
    assert_eq!(shown(&half), "E0504");
    for copy in [&half, &mark(&[]), &mark(&[("team", "a")])] {
        let wider = program("permission_set X { session = 4h }");
        let found = of(copy, &wider, Command::Apply, "permission_set.X");
        assert!(found.starts_with("adopt: remember update_set"), "{found}");
    }
    let theirs = mark(&[("cellc:address", "permission_set.Theirs")]);
    assert_eq!(of(&theirs, &ours, Command::Apply, "permission_set.X"), "E0504");
    // Whoever looks for what was changed outside is told that no apply sets it back; and who leaves it out can go on with the rest.
    let drift = theirs.drift(&ours);
    let told: Vec<&str> = drift.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert!(
        told.iter().any(|told| told.contains("is marked as permission_set.Theirs: an apply is refused (E0504)")),
        "{told:?}"
    );
    let except = Scope { except: vec!["permission_set.X".to_owned()], ..Scope::default() };
    assert_eq!(theirs.try_plan(&ours, &except, Command::Apply).unwrap().operations.len(), 0);
}

#[test]
fn tags_that_no_program_named_are_left_alone() {
    let bench = Bench::after(&[&with("tags { a = \"1\", b = \"2\" }")]);
    bench.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        state
            .sets
            .get_mut(&arn)
            .unwrap()
            .detail
            .tags
            .get_or_insert_default()
            .insert("theirs".to_owned(), "1".to_owned());
    });
    assert_eq!(of(&bench, &with("tags { a = \"1\", b = \"2\" }"), Command::Apply, "permission_set.X"), "nothing");
    bench.apply(&with("tags { a = \"1\" }"));
    let state = bench.cloud.state();
    let tags: Vec<&String> =
        state.sets.values().flat_map(|set| set.detail.tags.iter().flat_map(|tags| tags.keys())).collect();
    assert_eq!(tags, ["a", "cellc:address", "theirs"]);
}

#[test]
fn more_sets_than_the_limits_say_are_refused() {
    let named = |limits: &str, count: usize, first: &str| {
        let each = |at| {
            let name = if at == 0 { first } else { "" };
            format!(
                "permission_set P{at} {{{name}}}\ngrant g{at} {{ to = group.ops, can = permission_set.P{at}, on = [account.x] }}\n"
            )
        };
        let text: String = (0..count).map(each).collect();
        let org = format!("org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ {limits} }} }}");
        desired(&format!("{org}\ngroup ops {{}}\naccount x {{}}\n{text}"))
    };
    let sets = |limits: &str, count: usize| named(limits, count, "");
    let start = Bench::after(&[&sets("", 2)]);
    let told = |desired: &Desired| match start.try_plan(desired, &Scope::default(), Command::Apply) {
        Ok(_) => String::new(),
        Err(NoPlan::Faults(faults)) => faults
            .iter()
            .map(|fault| format!("{}: {}", fault.code.as_str(), fault.message))
            .collect::<Vec<_>>()
            .join("; "),
        Err(no) => no.codes(),
    };
    let refused = |limits: &str, count: usize| told(&sets(limits, count));
    let of_account =
        "E0509: account.x would have 3 permission sets, those that go counted; the organization's `limits` say 2";
    assert_eq!(refused("account_sets = 2", 3), of_account);
    let of_instance =
        "E0509: the instance would have 3 permission sets, those that go counted; the organization's `limits` say 2";
    assert_eq!(refused("permission_sets = 2", 3), of_instance);
    assert_eq!(refused("account_sets = 3, permission_sets = 3", 3), "");
    assert_eq!(refused("account_sets = 1, permission_sets = 1", 2), "", "AWS has taken what is there");
    // A set of another name is another one, and is there before the former one goes.
    assert_eq!(told(&named("account_sets = 2", 2, "name = \"Q\"")), of_account);
}

/// Where a set has as many policies as AWS takes, each one that is added waits for one that goes.
#[test]
fn a_full_set_takes_a_policy_when_another_has_made_room() {
    let full = |limits: &str, policies: &str| {
        let org = format!("org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ {limits} }} }}");
        desired(&format!("{org}\ngroup ops {{}}\n{GROUND}permission_set X {{ {policies} }}"))
    };
    let from = "managed = [\"arn:aws:iam::aws:policy/A\"], customer_managed = [\"one\", \"two\"]";
    let to = "managed = [\"arn:aws:iam::aws:policy/B\"], customer_managed = [\"two\", \"three\"]";
    let bench = Bench::after(&[&full("set_policies = 3", from)]);
    let told = |limits: &str| of(&bench, &full(limits, to), Command::Apply, "permission_set.X");
    assert_eq!(
        told("set_policies = 3"),
        "update: detach_managed attach_managed detach_customer attach_customer provision"
    );
    assert_eq!(
        told("set_policies = 4"),
        "update: attach_managed detach_managed attach_customer detach_customer provision"
    );
    assert_eq!(told(""), "update: attach_managed attach_customer detach_managed detach_customer provision");
    bench.cloud.law(|state| {
        let full = state.sets.values().any(|set| set.detail.managed.len() + set.detail.customer.len() > 3);
        full.then(|| "a fourth policy".to_owned())
    });
    let (_, receipt) = bench.apply(&full("set_policies = 3", to));
    assert_eq!((receipt.failed().count(), bench.cloud.broken()), (0, Vec::new()));
}

/// The order of statements and of what they list, and their names, mean nothing: nobody changed what the policy says.
#[test]
fn a_document_that_says_the_same_is_no_drift() {
    let wish = program(
        r#"permission_set X {
  allow run { actions = ["ec2:StartInstances", "ec2:StopInstances"], resources = ["*"] }
  deny look { actions = ["s3:GetObject"], resources = ["*"] }
}
scp guard {
  deny one { actions = ["sdb:*"], resources = ["*"] }
  deny two { actions = ["s3:GetObject"], resources = ["*"] }
}
ou y { scps = [scp.guard] }"#,
    );
    let other_words = |text: &str, sid: Option<&str>| {
        let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
        let statements = document["Statement"].as_array_mut().unwrap();
        statements.reverse();
        for (at, statement) in statements.iter_mut().enumerate() {
            let fields = statement.as_object_mut().unwrap();
            fields.remove("Sid");
            fields.extend(sid.map(|sid| ("Sid".to_owned(), format!("{sid}{at}").into())));
            if let Some(actions) = fields["Action"].as_array_mut() {
                actions.reverse();
            }
        }
        document.to_string()
    };
    for sid in [None, Some("Other")] {
        let bench = Bench::after(&[&wish]);
        bench.cloud.edit(|state| {
            let arn = state.arn("X").unwrap();
            let inline = &mut state.sets.get_mut(&arn).unwrap().detail.inline;
            *inline = inline.as_deref().map(|text| other_words(text, sid));
            let id = state.policy("guard").unwrap().id.clone();
            let content = &mut state.policies.get_mut(&id).unwrap().content;
            *content = content.as_deref().map(|text| other_words(text, sid));
        });
        for (what, plan) in [("plan", bench.plan(&wish)), ("drift", bench.drift(&wish))] {
            assert!(plan.changes.is_empty(), "{what}: {}", crate::apply::tests::world::told(&plan));
        }
        bench.cloud.edit(|state| {
            let arn = state.arn("X").unwrap();
            let inline = &mut state.sets.get_mut(&arn).unwrap().detail.inline;
            *inline = inline.as_deref().map(|text| text.replace("ec2:StopInstances", "ec2:RunInstances"));
        });
        assert_eq!(of(&bench, &wish, Command::Apply, "permission_set.X"), "update drift=inline: put_inline_policy");
    }
}

/// Where nothing was looked for, nothing is missing: neither a record nor the program has to name the instance.
#[test]
fn without_a_reading_an_instance_counts_as_there() {
    let arn = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
    for (org, instance) in [("", None), (&format!("identity_center = \"{arn}\"") as &str, Some(arn))] {
        let wish = desired(&format!("org o {{ {org} }}\npermission_set X {{}}"));
        let plan = Bench::new().unread(&wish).unwrap();
        let told: Vec<String> = plan.changes.iter().map(|change| super::told(&plan, change)).collect();
        assert_eq!((told, plan.target.instance.as_deref()), (vec!["create: create_set".to_owned()], instance));
    }
}

/// Identity Center has another instance than the program names.
#[test]
fn another_instance_than_that_of_the_program_is_none() {
    let org = "identity_center = \"arn:aws:sso:::instance/ssoins-fedcba9876543210\"";
    let wish = desired(&format!("org o {{ {org} }}\npermission_set X {{}}"));
    assert_eq!(of(&Bench::new(), &wish, Command::Apply, "permission_set.X"), Code::NoCenter.as_str());
}
