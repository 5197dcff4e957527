//! The cases.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use serde_json::json;

use super::plans::*;
use crate::plan::UNSEEN;
use crate::plan::model::{Action, Change, Cost, NoticeKind, Operation, OperationId, Plan, Verb};
use crate::plan::text::Look;

#[test]
fn a_grant_over_forty_cells_fits_a_screen() {
    let text = text(&forty_cells());
    assert!(text.lines().count() <= 40);
    insta::assert_snapshot!(text, @r"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    access
      + group developers gains ReadOnly in 40 cells: alpha, dev-ana, dev-raj, preprod-usw2,
            prod-usw2-01, prod-usw2-02, prod-usw2-03, prod-usw2-04, prod-usw2-05, prod-usw2-06,
            prod-usw2-07, prod-usw2-08, prod-usw2-09, prod-usw2-10, prod-usw2-11, prod-usw2-12,
            prod-usw2-13, prod-usw2-14, … (22 more)
          by grant developers-look (examples/momento/main.cell:149)

    assignments
      + ReadOnly to group developers in 40 cells: alpha, dev-ana, dev-raj, … (37 more)
          grant developers-look (examples/momento/main.cell:149)

    recorded, not applied by this version: 80 alarms, 2 repository policies
    authority: delegated administrator, for 40 operations (assignments outside the management account)
    cost: 80 requests, about 16 s
    assignments were read by pair (40 of account and permission set): those of everybody were seen

    40 to create; 0 drifted
    ");
}

#[test]
fn a_policy_edit_is_told_by_statements() {
    let notes = |team: &str| {
        json!({ "Sid": "Notes", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::notes/${{aws:PrincipalTag/{team}}}/*") })
    };
    let deny = json!({ "Sid": "Secrets", "Effect": "Deny", "Action": ["kms:Decrypt"], "Resource": ["*"] });
    let new = json!({ "Sid": "ScaleCell", "Effect": "Allow", "Action": ["autoscaling:SetDesiredCapacity"],
        "Resource": ["*"], "Condition": { "StringEquals": { "aws:RequestedRegion": ["us-west-2"] } } });
    let old = operator(&["ecs:StopTask", "ecs:UpdateService"], &["us-west-2"], &[notes("team"), deny]);
    let next = operator(&["ecs:RunTask", "ecs:UpdateService"], &["us-west-2", "us-east-1"], &[notes("team"), new]);
    let set = |inline, session, managed: &[&str], tags| json!({ "name": "CellOperator", "session": session, "inline": inline, "managed": managed, "tags": tags });
    let aws = "arn:aws:iam::aws:policy/";
    let (read, view) = (format!("{aws}ReadOnlyAccess"), format!("{aws}job-function/ViewOnlyAccess"));
    let before = set(old, "PT4H", &[&read], json!({ "team": "cache", "old": "x" }));
    let after = set(next, "PT8H", &[&view], json!({ "team": "edge", "cost": "42" }));
    let change = change("permission_set.CellOperator", "permission_set", Action::Update, &before, &after);
    insta::assert_snapshot!(text(&Plan { changes: vec![change], ..empty() }), @r#"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    access
      nobody gains or loses a permission set
      ~ CellOperator changes for everybody who has it: see permission sets

    permission sets
      ~ CellOperator  examples/momento/main.cell:141
          inline policy
            ~ allow Scale
              + actions  ecs:RunTask
              - actions  ecs:StopTask
              ~ when aws:RequestedRegion in  + us-east-1
            + allow ScaleCell  autoscaling:SetDesiredCapacity on *  when aws:RequestedRegion in
                  [us-west-2]
            - deny Secrets  kms:Decrypt on *
          AWS policies
            + job-function/ViewOnlyAccess (AWS)
            - ReadOnlyAccess (AWS)
          ~ session  "PT4H" → "PT8H"
          + tags.cost  "42"
          - tags.old  "x"
          ~ tags.team  "cache" → "edge"

    1 to update; 0 drifted
    "#);
}

#[test]
fn what_was_changed_outside_stands_apart() {
    let before = json!({ "name": "ReadOnly", "session": "PT12H", "description": "Look." });
    let after = json!({ "name": "ReadOnly", "session": "PT8H", "description": "Look at a cell." });
    let mut set = change("permission_set.ReadOnly", "permission_set", Action::Update, &before, &after);
    set.drift = vec!["session".to_owned()];
    let cells: Vec<String> = ["cell.alpha", "cell.preprod-usw2"].map(str::to_owned).into();
    let given = |action, principal: &str, cell: &String| Change {
        drift: vec!["*".to_owned()],
        ..assignment(action, "ReadOnly", principal, cell, ("grant.developers-look", 149))
    };
    let foreign = cells.iter().map(|cell| Change { sources: Vec::new(), ..given(Action::Delete, "user.eve", cell) });
    let mut changes: Vec<Change> = foreign.collect();
    changes.push(given(Action::Create, "group.developers", &cells[0]));
    changes.push(set);
    changes.push(Change {
        reason: Some("it is not there any more".to_owned()),
        ..given(Action::Forget, "user.raj", &cells[1])
    });
    let access = vec![
        access("ReadOnly", "group.developers", &cells[..1], &[], &[]),
        access("ReadOnly", "user.eve", &[], &cells, &[]),
    ];
    insta::assert_snapshot!(text(&Plan { changes, access, ..empty() }), @r#"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    access
      + group developers gains ReadOnly in cell alpha
          by grant developers-look (examples/momento/main.cell:149)
          1 of 1 taken away outside since the last apply
      - user eve loses ReadOnly in 2 cells: alpha, preprod-usw2
          2 of 2 not given by cellc

    permission sets
      ~ ReadOnly  examples/momento/main.cell:141
          ~ description  "Look." → "Look at a cell."

    changed outside since the last apply
      deleted; apply makes it again:
        + ReadOnly to group developers in cell alpha  grant developers-look
              (examples/momento/main.cell:149)
      changed; apply sets it back:
        ~ permission set ReadOnly  examples/momento/main.cell:141
            ~ session  "PT12H" → "PT8H"
      deleted; apply forgets it:
        … ReadOnly from user raj in cell preprod-usw2  leaves the record: it is not there any more
              grant developers-look (examples/momento/main.cell:149)

    there, and not made by cellc
      apply takes it away:
        - ReadOnly from user eve in 2 cells: alpha, preprod-usw2

    1 to create, 1 to update, 2 to delete, 1 to forget; 5 drifted
    "#);
}

#[test]
fn a_new_cell_under_an_old_selector_is_a_grant() {
    let account = |name: &str, line| {
        let after = json!({ "name": name, "email": format!("aws+{name}@momento.example"), "ou": "ou.prod",
            "account_id": { "later": format!("cell.{name}.account_id") }, "protect": true,
            "tags": { "cell": name } });
        let address = format!("cell.{name}");
        Change {
            sources: vec![place(&address, line)],
            ..change(&address, "account", Action::Create, &json!(null), &after)
        }
    };
    let cells = ["cell.prod-euw1-1".to_owned(), "cell.prod-euw1-2".to_owned()];
    let mut changes = Vec::new();
    for cell in &cells {
        changes.push(assignment(
            Action::Create,
            "ReadOnly",
            "group.developers",
            cell,
            ("grant.developers-look", 149),
        ));
    }
    changes.push(assignment(
        Action::Create,
        "ReadOnly",
        "group.developers",
        "cell.alpha",
        ("grant.developers-look", 149),
    ));
    changes.extend([account("prod-euw1-1", 90), account("prod-euw1-2", 91)]);
    let gained: Vec<String> = cells.iter().cloned().chain(["cell.alpha".to_owned()]).collect();
    let access = vec![access("ReadOnly", "group.developers", &gained, &[], &gained)];
    let quotas = vec![quota("accounts", 9, 11, 50), quota("permission sets", 2, 2, 3500)];
    let cost =
        Cost { calls: 9, by_call: [("organizations:CreateAccount".to_owned(), 2)].into(), duration_s: 150, quotas };
    insta::assert_snapshot!(text(&Plan { changes, access, cost, ..empty() }), @r#"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    access
      + group developers gains ReadOnly in 2 cells: prod-euw1-1, prod-euw1-2
          new cells, by the selector of grant developers-look (examples/momento/main.cell:149)
      + group developers gains ReadOnly in cell alpha
          the cell is not new: taken in now by the selector of grant developers-look
              (examples/momento/main.cell:149)

    accounts
      + 2 accounts: prod-euw1-1, prod-euw1-2
          examples/momento/main.cell:90, examples/momento/main.cell:91
          + email  "aws+<name>@momento.example"
          + ou  ou prod
          + protect  true
          + tags.cell  "<name>"

    assignments
      + ReadOnly to group developers in 3 cells: prod-euw1-1, prod-euw1-2, alpha
          grant developers-look (examples/momento/main.cell:149)

    cost: 9 requests, about 3 min
    quota: accounts 9 → 11 of 50 at most

    5 to create; 0 drifted
    "#);
}

#[test]
fn hazards_and_brakes_are_told_with_what_they_do() {
    let set = |name: &str| json!({ "name": name, "session": "PT4H" });
    let replaced = change("permission_set.Ops", "permission_set", Action::Replace, &set("Operators"), &set("Ops"));
    let mut parked = change("cell.dev-ana", "account", Action::Delete, &json!({ "name": "dev-ana" }), &json!(null));
    parked.reason = Some("expired on 2026-11-25".to_owned());
    parked.operations = vec![OperationId(0)];
    let mut moved = change("ou.prod", "ou", Action::Move, &json!({ "name": "prod" }), &json!({ "name": "prod" }));
    moved.from = Some("ou.production".to_owned());
    let adopted = change(
        "account.logs",
        "account",
        Action::Adopt,
        &json!({ "name": "logs" }),
        &json!({ "name": "logs", "ou": "ou.prod" }),
    );
    let forgotten = change("scp.old", "scp", Action::Forget, &json!({ "name": "old" }), &json!(null));
    let closed: Vec<String> = vec!["cell.dev-ana".to_owned()];
    let lost = Change {
        reason: Some("expired on 2026-11-25".to_owned()),
        ..assignment(Action::Delete, "Ops", "user.ana", "cell.dev-ana", ("grant.owners", 159))
    };
    let operation = |id, address: &str, verb| Operation {
        id: OperationId(id),
        address: address.to_owned(),
        verb,
        needs: Vec::new(),
        sets: crate::plan::model::Fields::new(),
    };
    let plan = Plan {
        command: "destroy".to_owned(),
        only: vec!["cell.dev-ana".to_owned()],
        changes: vec![adopted, lost, parked, moved, replaced, forgotten],
        operations: vec![operation(0, "cell.dev-ana", Verb::Park), operation(1, "org.momento", Verb::EnablePolicies)],
        access: vec![access("Ops", "user.ana", &[], &closed, &[])],
        notices: vec![
            notice(NoticeKind::Note, "the plan takes two runs", &[], None),
            notice(NoticeKind::Hazard, "role ARN will change: Ops", &["cell.alpha", "cell.dev-raj"], None),
            notice(NoticeKind::Brake, "40 of 120 assignments are taken away", &[], Some("mass-revoke")),
            notice(NoticeKind::Unmanaged, "AdministratorAccess is given to 2 principals", &["cell.alpha"], None),
        ],
        ..empty()
    };
    insta::assert_snapshot!(text(&plan), @r#"
    plan to destroy, plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against
        organization o-a1b2c3d4e5 (sandbox: nothing real is touched)
    only cell dev-ana

    access
      - user ana loses Ops in cell dev-ana
          was by grant owners (examples/momento/main.cell:159)
          expired on 2026-11-25

    organizational units
      ⇄ prod  had the address ou.production; the same thing stays in the cloud
            examples/momento/main.cell:141

    accounts
      ← logs  exists, and is taken over  examples/momento/main.cell:141
          + ou  ou prod
      - dev-ana  the account is parked: expired on 2026-11-25  examples/momento/main.cell:141

    service control policies
      … old  stays in the cloud, and cellc no longer knows it  examples/momento/main.cell:141

    permission sets
      ± Ops  is made anew, and the former one deleted after that  examples/momento/main.cell:141
          ~ name  "Operators" → "Ops"

    assignments
      - Ops from user ana in cell dev-ana  expired on 2026-11-25  grant owners
            (examples/momento/main.cell:159)

    done besides
      ~ org.momento  operation 1: enable policies

    apply refuses this plan unless it is let through
      ! 40 of 120 assignments are taken away; `--allow mass-revoke` lets it through

    hazards
      ! role ARN will change: Ops
          cell alpha, cell dev-raj

    access that cellc does not manage
      AdministratorAccess is given to 2 principals
          cell alpha

    notes
      the plan takes two runs

    1 to replace, 1 to move, 1 to adopt, 2 to delete, 1 to forget; 0 drifted
    "#);
}

#[test]
fn nothing_to_do_says_so() {
    insta::assert_snapshot!(text(&empty()), @r"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    no changes: live is as the program says
    ");
    // Where not everybody was looked for.
    let reading = format!("assignments were read by principal: {UNSEEN}; `cellc drift` does");
    let some = text(&Plan { reading, ..empty() });
    assert!(
        some.ends_with("live is as the program says, but for access of others, which was not looked for\n"),
        "{some}"
    );
}

/// A plan of a large fleet does not look for it: what drift found goes by the name of its set.
#[test]
fn access_that_drift_found_is_taken_away_by_the_name_of_its_set() {
    let cells = ["cell.alpha".to_owned()];
    let given = assignment(Action::Delete, "ReadOnly", "user.eve", &cells[0], ("grant.x", 1));
    let given = Change { sources: Vec::new(), drift: vec!["*".to_owned()], ..given };
    let told = |command: &str| text(&Plan { command: command.to_owned(), changes: vec![given.clone()], ..empty() });
    assert!(told("drift").contains("`apply --only` of its permission set takes it away:"), "{}", told("drift"));
    assert!(told("apply").contains("  apply takes it away:"), "{}", told("apply"));
}

/// The mark is not worth a line where something is made, and is where it was taken away.
#[test]
fn a_mark_that_is_gone_is_told() {
    let before = json!({ "tags": {} });
    let after = json!({ "tags": { "cellc:address": "cell.x" } });
    let account = change("cell.x", "account", Action::Update, &before, &after);
    let drifted = Change { drift: vec!["tags".to_owned()], ..account.clone() };
    let told = |change: Change| text(&Plan { changes: vec![change], ..empty() }).contains("cellc:address");
    assert!(told(drifted) && !told(account));
}

/// An apply that finds another's mark is refused for a unit or a policy; for an account it sets the mark back.
#[test]
fn an_account_with_the_mark_of_another_is_not_said_to_be_refused() {
    let tags = |mark: &str| json!({ "tags": { "cellc:address": mark } });
    let told_by = |command: &str, kind: &str, is: &str, wanted: &str| {
        let change = change("x.x", kind, Action::Update, &tags(is), &tags(wanted));
        let change = Change { drift: vec!["tags".to_owned()], ..change };
        text(&Plan { command: command.to_owned(), changes: vec![change], ..empty() })
    };
    let told = |kind: &str| told_by("drift", kind, "x.y", "x.x");
    for kind in ["ou", "scp", "permission_set"] {
        assert!(told(kind).contains("an apply is refused until that is settled"), "{kind}: {}", told(kind));
    }
    // What is planned is not refused, and its own address is no other's.
    let planned = told_by("apply", "scp", "x.y", "x.x");
    assert!(planned.contains("  changed; apply sets it back:"), "{planned}");
    let half_done = told_by("drift", "scp", "x.x", "x.former");
    assert!(half_done.contains("gave it; the next apply settles it:"), "{half_done}");
    let account = told("account");
    assert!(account.contains("`apply --only ADDRESS` sets it back") && !account.contains("refused"), "{account}");
}

#[test]
fn names_cannot_draw_on_the_screen() {
    let evil = "x\u{1b}[2J\u{202e}, alpha";
    let before = json!({ "name": evil, "tags": { "a\nb": "old" } });
    let after = json!({ "name": evil, "tags": { "a\nb": "\u{7}new\u{200b}" } });
    let mut account = change("cell.x", "account", Action::Update, &before, &after);
    account.name = evil.to_owned();
    let mut who = access("ReadOnly", "user.x", &["account.333333333333".to_owned()], &[], &[]);
    who.principal_name = "ana gains Admin".to_owned();
    let names = [("account.333333333333".to_owned(), "logs\r+ group ops".to_owned())].into();
    let notices = vec![notice(NoticeKind::Note, "the tag a\nb is odd\u{1b}]0;x\u{7}", &[], None)];
    let plan = Plan { changes: vec![account], access: vec![who], names, notices, ..empty() };
    let text = text(&plan);
    assert!(text.chars().all(|c| c == '\n' || !super::super::visible::is_hidden(c)));
    insta::assert_snapshot!(text, @r#"
    plan plan-ID… of examples/momento/main.cell at 2026-11-26T20:00:00Z, against organization
        o-a1b2c3d4e5 (sandbox: nothing real is touched)

    access
      + user "ana gains Admin" gains ReadOnly in account "logs\u{d}+ group ops"

    accounts
      ~ "x\u{1b}[2J\u{202e}, alpha"  examples/momento/main.cell:141
          ~ tags."a\u{a}b"  "old" → "\u{7}new\u{200b}"

    notes
      the tag a\u{a}b is odd\u{1b}]0;x\u{7}

    1 to update; 0 drifted
    "#);
}

#[test]
fn verbose_tells_every_name_and_operation() {
    let text = shown(&forty_cells(), Look { verbose: true, width: 100, color: false });
    for n in 1..=36 {
        assert!(text.contains(&format!("assignment.ReadOnly/group.developers/cell.prod-usw2-{n:02}")), "{text}");
    }
    assert!(text.contains("operation 39: assign") && !text.contains(" more)"), "{text}");
}

#[test]
fn colours_change_no_word() {
    let look = |color| Look { verbose: false, width: 60, color };
    let (plain, painted) = (shown(&forty_cells(), look(false)), shown(&forty_cells(), look(true)));
    assert!(painted.contains("\u{1b}[32m+\u{1b}[0m"));
    let codes = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[32m"];
    assert_eq!(codes.iter().fold(painted, |text, code| text.replace(code, "")), plain);
}

/// Stacks of cells of which each has its own name in everything.
#[test]
fn stacks_that_change_alike_are_told_once() {
    use crate::apply::tests::bench::{Bench, desired};
    let cells = ["alpha", "beta", "gamma"].map(|name| {
        format!("cell {name} {{ kind = \"dev\", region = \"eu-west-1\", expires = 2027-01-31, owner = group.ops }}\n")
    });
    let program = |alarms: &str| {
        let head = "org o { accounts { email = \"aws+\\(.name)@x.example\" } }\ngroup ops {}\n";
        desired(&format!("{head}{}{alarms}", cells.concat()))
    };
    let slow =
        |above| format!("alarm slow {{ namespace = \"n\", metric = \"Latency\", above = {above}, over = 5m }}\n");
    let first = program(&slow(5));
    let errors =
        "alarm errors { namespace = \"n\", ratio { errors = \"E\", requests = \"R\" }, above = 1%, over = 5m }\n";
    let second = program(&(slow(10) + errors));
    let bench = Bench::new();
    let stacks = |plan: &Plan| {
        let text = text(plan);
        let from = text.find("\nstacks").map(|at| at + 1);
        let upto = text.find("\n\nnotes").or_else(|| text.find("\n\nrecorded,")).unwrap_or(text.len());
        text.get(from.unwrap_or_default()..upto).unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(stacks(&bench.plan(&first)), @r"
    stacks
      + cellc-<name> in 3 cells: alpha, beta, gamma
          cell alpha (main.cell:3), cell beta (main.cell:4), cell gamma (main.cell:5)
          + template  AWS::CloudWatch::Alarm: AlarmSlow
    ");
    let bench = Bench::after(&[&first]);
    bench.cloud.edit(|state| {
        let held = state.formation.stacks.values_mut().next().unwrap();
        held.template = held.template.replace("\"MetricName\":\"Latency\"", "\"MetricName\":\"Other\"");
    });
    insta::assert_snapshot!(stacks(&bench.plan(&second)), @r#"
    stacks
      ~ cellc-<name> in 2 cells: beta, gamma
          cell beta (main.cell:4), cell gamma (main.cell:5)
          template
            + AWS::CloudWatch::Alarm: AlarmErrors
            ~ AlarmSlow  AWS::CloudWatch::Alarm
              ~ Threshold  5 → 10

    changed outside since the last apply
      changed; apply sets it back:
        ~ cellc-alpha in cell alpha  cell alpha (main.cell:3)
            template
              + AWS::CloudWatch::Alarm: AlarmErrors
              ~ AlarmSlow  AWS::CloudWatch::Alarm
                ~ MetricName  "Other" → "Latency"
                ~ Threshold  5 → 10
    "#);
}

/// An earlier run wrote a form and did not bring it everywhere: who reads this plan is told that it takes force by this one.
#[test]
fn a_form_that_was_half_applied_is_told_among_access() {
    let same = json!({ "name": "Look", "session": "PT1H" });
    let mut set = change("permission_set.Look", "permission_set", Action::Update, &same, &same);
    set.reason = Some("half applied: an older form is in force in cell.alpha".to_owned());
    let told = text(&Plan { changes: vec![set], ..empty() });
    assert!(
        told.contains("~ Look changes for everybody who has it where an older form is in force: see permission sets"),
        "{told}"
    );
}
