//! What keeps an apply from doing harm: saved plans that are still true, brakes, consent, scopes, the lock, protection;
//! and the ways in and out: adopt and destroy.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cell_tests::momento::{AT, Project, Registry, changes, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, report, waiting};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const SESSION: (&str, &str) = (
    "permission_set ReadOnly using sets.read_only {}",
    "permission_set ReadOnly using sets.read_only { override session = 2h }",
);
const UNIT: (&str, &str) = ("ou prod { scps", "ou prod { name = \"production\", scps");

/// An applied example on a server of its own, that others can reach too.
fn served(registry: Registry) -> Result<(Project, Server), String> {
    let mut project = Project::applied(registry)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

fn id(project: &Project, address: &str) -> Result<String, String> {
    let record = project.run(&["registry", "show", "--format", "json"])?.ended(0)?.json()?;
    let id = record["record"]["resources"][address]["id"].as_str();
    Ok(id.ok_or_else(|| format!("the record has no {address}"))?.to_owned())
}

/// A saved plan is shown as it was printed, and run as it was saved: what the program says by then is left for later.
fn a_saved_plan_is_shown_and_run_exactly() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[SESSION]).unwrap();
    let planned =
        project.run(&["plan", "--format", "json", "--at", AT, "--out", "p.json"]).unwrap().ended(0).unwrap();
    let shown = project.run(&["show", "p.json", "--format", "json"]).unwrap().ended(0).unwrap();
    assert_eq!(planned.stdout, shown.stdout, "`show` prints another plan than `plan` did");
    assert_eq!(
        std::fs::read_to_string(project.path().join("p.json")).unwrap(),
        planned.stdout,
        "the file is another plan"
    );
    let text = project.run(&["show", "p.json"]).unwrap().ended(0).unwrap().stdout;
    assert!(text.contains("ReadOnly") && text.contains("PT2H"), "`show` does not say what changes:\n{text}");
    // An unrelated change of the program comes after the plan was saved.
    project.edit(&[UNIT]).unwrap();
    let ran = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    ran.says(&["not in the saved plan, and left for the next one: 1 change"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update ou.prod"]).unwrap();
    let again = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    again.says(&["the plan was carried out already", "left for the next one: 1 change"]).unwrap();
    project.run(&["show", "/dev/zero"]).unwrap().ended(1).unwrap().says(&["E0515", "at most"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update ou.prod"]).unwrap();
}

/// A plan file that was changed by hand is not run.
fn a_forged_plan_is_refused() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[SESSION]).unwrap();
    project.run(&["plan", "--at", AT, "--out", "p.json"]).unwrap().ended(0).unwrap();
    let text = std::fs::read_to_string(project.path().join("p.json")).unwrap();
    project.put("p.json", &text.replace("PT2H", "PT9H")).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap().says(&["E0515"]).unwrap();
    project.put("p.json", "{}").unwrap();
    project.run(&["show", "p.json"]).unwrap().ended(1).unwrap().says(&["E0515"]).unwrap();
}

/// The file of a plan with something in it replaced, and its digest made anew: whoever may write the file can.
fn forge(project: &Project, from: &str, to: &str) {
    let text = std::fs::read_to_string(project.path().join("p.json")).unwrap();
    assert!(text.contains(from), "{from} is not in it");
    let text = text.replace(from, to);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(1);
    let digest = Sha256::digest(lines.join("\n") + "\n");
    let id: String = digest
        .iter()
        .take(16)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from_digit(half.into(), 16).unwrap())
        .collect();
    let id = format!("\"plan_id\":\"plan-{id}\",");
    lines.insert(1, &id);
    project.put("p.json", &(lines.join("\n") + "\n")).unwrap();
}

/// What is run is made anew: neither ids, nor operations, nor brakes of a file count, whatever its digest.
fn what_a_file_says_beside_its_changes_is_not_believed() {
    let (project, server) = served(Registry::S3).unwrap();
    project.append("cell extra { kind = \"alpha\", region = \"us-west-2\" }\n").unwrap();
    project.apply(&[]).unwrap();
    // Another account than the cell's.
    project
        .append("grant more { to = group.cell-operators, can = permission_set.ReadOnly, on = [cell.extra] }\n")
        .unwrap();
    let plan = project.plan(&["--out", "p.json"]).unwrap();
    exactly(&plan, &["create assignment.ReadOnly/group.cell-operators/cell.extra"]).unwrap();
    let (own, prod) = (id(&project, "cell.extra").unwrap(), id(&project, "cell.prod-usw2-1").unwrap());
    forge(&project, &own, &prod);
    project.run(&["show", "p.json"]).unwrap().ended(0).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    let instance = plan["target"]["instance"].as_str().unwrap();
    let set = id(&project, "permission_set.ReadOnly").unwrap();
    let given = |account: &str| {
        let list = format!(
            "sso-admin list-account-assignments --instance-arn {instance} --permission-set-arn {set} --account-id {account}"
        );
        aws::aws(&server.url(), &list).unwrap()["AccountAssignments"].as_array().unwrap().len()
    };
    assert_eq!((given(&own), given(&prod)), (2, 1));
    project.settled(&[]).unwrap();
    // A brake that is none any more.
    let block = "cell extra { kind = \"alpha\", region = \"us-west-2\" }\n";
    let grant = "grant more { to = group.cell-operators, can = permission_set.ReadOnly, on = [cell.extra] }\n";
    project.edit(&[(block, "removed { from = \"cell.extra\", account = \"close\" }\n"), (grant, "")]).unwrap();
    project.plan(&["--out", "p.json"]).unwrap();
    forge(&project, "\"kind\":\"brake\"", "\"kind\":\"note\"");
    let held = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap();
    held.says(&["E0602", "--allow close-account"]).unwrap();
    assert_eq!(server.called("organizations:CloseAccount"), 0);
    // What is to be done at all.
    forge(&project, "\"command\":\"apply\"", "\"command\":\"destroy\"");
    let held = project.run(&["apply", "--plan", "p.json", "--yes", "--allow", "close-account"]).unwrap();
    held.ended(1)
        .unwrap()
        .says(&["E0515", "it is a plan to destroy, and `cellc plan` writes those to apply"])
        .unwrap();
}

/// What moved under a saved plan is told, and nothing is done; what moved elsewhere does not matter.
fn a_stale_plan_is_refused_and_drift_elsewhere_is_not() {
    let (project, server) = served(Registry::S3).unwrap();
    project.edit(&[SESSION]).unwrap();
    let plan = project.plan(&["--out", "p.json"]).unwrap();
    let instance = plan["target"]["instance"].as_str().unwrap();
    let (set, unit) = (id(&project, "permission_set.ReadOnly").unwrap(), id(&project, "ou.dev").unwrap());
    let by_hand = |command: &str| aws::aws(&server.url(), command).unwrap();
    by_hand(&format!(
        "sso-admin update-permission-set --instance-arn {instance} --permission-set-arn {set} --session-duration PT1H"
    ));
    let refused = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap();
    refused.says(&["E0601", "permission_set.ReadOnly was changed meanwhile (session"]).unwrap();
    by_hand(&format!(
        "sso-admin update-permission-set --instance-arn {instance} --permission-set-arn {set} --session-duration PT8H --description 'Look at a cell; read no secret.'"
    ));
    by_hand(&format!("organizations update-organizational-unit --organizational-unit-id {unit} --name playground"));
    // The set is as it was, but for its accounts: an update by hand leaves their roles behind it.
    let ran = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap();
    assert!(ran.status == 0 || ran.stderr.contains("E0601"), "{}", ran.stderr);
    if ran.status == 0 {
        exactly(&project.plan(&[]).unwrap(), &["update ou.dev"]).unwrap();
    }
}

/// Unrelated drift alone.
fn a_saved_plan_bears_drift_of_other_things() {
    let (project, server) = served(Registry::S3).unwrap();
    project.edit(&[SESSION]).unwrap();
    project.plan(&["--out", "p.json"]).unwrap();
    let unit = id(&project, "ou.dev").unwrap();
    let rename =
        format!("organizations update-organizational-unit --organizational-unit-id {unit} --name playground");
    aws::aws(&server.url(), &rename).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update ou.dev"]).unwrap();
}

/// New things of several kinds: the set is made, and what is given by it comes after.
const GIVEN: &str = r#"
permission_set Look { managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"], session = 2h }
grant look { to = group.developers, can = permission_set.Look, on = [account.monitoring, account.artifacts] }
"#;

/// A saved plan that was begun: the set is made, and what is given by it is not. The service is in order again.
fn begun() -> Result<(Project, Server, Value), String> {
    let (project, server) = served(Registry::S3)?;
    project.append(GIVEN)?;
    let plan = project.plan(&["--out", "p.json"])?;
    let reason = "Received a 404 status error: not now";
    let refuse = serde_json::json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "fail_async", "reason": reason, "count": 99 }]);
    server.inject(&refuse)?;
    let ran = project.run(&["apply", "--plan", "p.json", "--yes"])?.ended(1)?;
    ran.says(&["E0604", "a saved plan as well"])?;
    server.mend();
    Ok((project, server, plan))
}

/// A saved plan that came to no end is finished by running it again: what is left is done, and nothing twice.
fn a_saved_plan_that_failed_is_finished() {
    let (project, server, plan) = begun().unwrap();
    let made = server.called("sso-admin:CreatePermissionSet");
    // Where the program says it is no matter.
    project.edit(&[("\npermission_set Look", "\n\n# The rest of it.\npermission_set Look")]).unwrap();
    let ran = project.run(&["apply", "--plan", "p.json", "--yes", "--format", "json"]).unwrap().ended(0).unwrap();
    let receipt =
        ran.says(&["the plan was run before and came to no end: 2 of 3 changes are left"]).unwrap().json().unwrap();
    assert_eq!(receipt["rest_of"], plan["plan_id"]);
    assert_eq!(server.called("sso-admin:CreatePermissionSet"), made);
    project.settled(&[]).unwrap();
    // Now it is over, and stays so for whoever repeats the step.
    let calls =
        || ["sso-admin:CreateAccountAssignment", "sso-admin:ProvisionPermissionSet"].map(|call| server.called(call));
    let before = calls();
    let again = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    again.says(&["the plan was carried out already, and nothing has to be done again"]).unwrap();
    assert_eq!(calls(), before);
    project.edit(&[("session = 2h }\ngrant look", "session = 3h }\ngrant look")]).unwrap();
    let stale = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap();
    stale
        .says(&["E0601", "it was carried out already, and since then permission_set.Look is to update now"])
        .unwrap();
}

/// All of it was done, and the run could not see so: the next one sees that nothing is left, and the plan is over.
fn a_saved_plan_of_which_nothing_is_left_is_finished() {
    let (project, server) = served(Registry::S3).unwrap();
    project.edit(&[SESSION]).unwrap();
    project.plan(&["--out", "p.json"]).unwrap();
    let refused = ["ListPermissionSetProvisioningStatus", "DescribePermissionSetProvisioningStatus"].map(|call| {
        serde_json::json!({ "operation": format!("sso-admin:{call}"), "kind": "error", "code": "AccessDeniedException",
            "message": "no", "status": 400, "count": 99 })
    });
    server.inject(&serde_json::json!(refused)).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap().says(&["E0604"]).unwrap();
    server.mend();
    let rest = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    rest.says(&["the plan was run before and came to no end: 0 of 1 change are left"]).unwrap();
    for _ in 0..2 {
        let again = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
        again.says(&["the plan was carried out already, and nothing has to be done again"]).unwrap();
    }
    project.settled(&[]).unwrap();
}

/// One of which nothing was done yet is as it was: what drifts elsewhere is left for the next one.
fn a_saved_plan_that_did_nothing_bears_drift_of_other_things() {
    let (project, server) = served(Registry::S3).unwrap();
    project.append(GIVEN).unwrap();
    project.plan(&["--out", "p.json"]).unwrap();
    server.inject(&serde_json::json!([{ "operation": "sso-admin:CreatePermissionSet", "kind": "error", "status": 403, "code": "AccessDeniedException", "count": 9 }])).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap();
    server.mend();
    let unit = id(&project, "ou.dev").unwrap();
    let rename =
        format!("organizations update-organizational-unit --organizational-unit-id {unit} --name playground");
    aws::aws(&server.url(), &rename).unwrap();
    let ran = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    ran.says(&["not in the saved plan, and left for the next one: 1 change"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update ou.dev"]).unwrap();
}

/// Killed in the middle it is finished likewise, and again when that fails, too.
fn a_saved_plan_that_was_killed_is_finished() {
    let (project, server, _) = begun().unwrap();
    let hang = serde_json::json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "hang_after" }]);
    server.inject(&hang).unwrap();
    let mut child = project.start(&["apply", "--plan", "p.json", "--yes"]).unwrap();
    let until = Instant::now() + Duration::from_mins(5);
    while server.hanging() == 0 {
        assert!(Instant::now() < until, "it does not come to the call");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    server.mend();
    server.let_go();
    project.run(&["registry", "unlock", "--yes"]).unwrap().ended(0).unwrap();
    project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    project.settled(&[]).unwrap();
}

/// What somebody does meanwhile.
type Deed = fn(&Project, &Server);

/// What is left of a plan must be its rest: another program, another deed, or something new makes it stale.
fn a_begun_plan_is_stale_when_something_moved() {
    let cases: [(&str, Deed); 2] = [
        (
            "and the program was changed since: the program says something else of permission_set.Look now",
            |project, _| {
                project.edit(&[("session = 2h }\ngrant look", "session = 3h }\ngrant look")]).unwrap();
            },
        ),
        ("permission_set.Look needs no create any more", |project, _| {
            project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
        }),
    ];
    let failed = waiting(&cases, |(said, deed)| {
        let (project, server, _) = begun()?;
        deed(&project, &server);
        let ran = project.run(&["apply", "--plan", "p.json", "--yes"])?.ended(1)?;
        ran.says(&["E0601", said])?;
        Ok(())
    });
    report(cases.len(), &failed);
}

/// What somebody does elsewhere keeps nobody from finishing a plan that was begun, and is left for the next one.
fn a_begun_plan_is_finished_whatever_moved_elsewhere() {
    let (project, server, _) = begun().unwrap();
    let unit = id(&project, "ou.dev").unwrap();
    let rename =
        format!("organizations update-organizational-unit --organizational-unit-id {unit} --name playground");
    aws::aws(&server.url(), &rename).unwrap();
    let ran = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    ran.says(&["left for the next one: 1 change", "came to no end"]).unwrap();
    let planned = project.run(&["plan", "--at", AT, "--detailed-exitcode"]).unwrap().ended(2).unwrap();
    assert!(planned.stdout.contains("playground") && planned.stdout.contains("1 drifted"), "{}", planned.stdout);
}

/// What a brake holds is not done, and the refusal names the way to let it go.
fn brakes_hold_until_they_are_let_go_by_name() {
    let revoke: &[(&str, &str)] = &[
        (
            "can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\"",
            "can = permission_set.ReadOnly\n  on = cells where .kind == \"alpha\"",
        ),
        ("on = cells where .cloud == \"aws\" && .kind != \"dev\"", "on = cells where .kind == \"alpha\""),
        ("on = cells where .kind == \"dev\"\n", "on = cells where .name == \"dev-ana\"\n"),
    ];
    let close: &[(&str, &str)] = &[(
        "account deployment { ou = ou[\"infrastructure\"] }\n",
        "removed { from = \"account.deployment\", account = \"close\" }\n",
    )];
    let cases = [("mass-revoke", revoke), ("close-account", close)];
    let failed = waiting(&cases, |(brake, edits)| {
        let project = Project::applied(Registry::File)?;
        project.edit(edits)?;
        let before = project.plan(&[])?;
        let advice = format!("--allow {brake}");
        project.run(&["apply", "--yes", "--at", AT])?.ended(1)?.says(&["E0602", &advice])?;
        let after = project.plan(&[])?;
        if changes(&before) != changes(&after) {
            return Err("a braked apply changed something".to_owned());
        }
        project.apply(&["--allow", brake])?;
        project.settled(&[])
    });
    report(cases.len(), &failed);
}

/// Nobody is asked where nobody is: then nothing is done.
fn nothing_is_done_unasked() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[SESSION]).unwrap();
    project.run(&["apply", "--at", AT]).unwrap().ended(1).unwrap().says(&["E0603", "--yes"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update permission_set.ReadOnly"]).unwrap();
}

/// `--only` takes a part and what it needs, `--except` leaves a part out; an address that nothing has is refused.
fn scopes_select_and_leave_out() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[SESSION, UNIT]).unwrap();
    exactly(&project.plan(&["--only", "ou.prod"]).unwrap(), &["update ou.prod"]).unwrap();
    exactly(&project.plan(&["--except", "ou.prod"]).unwrap(), &["update permission_set.ReadOnly"]).unwrap();
    project.apply(&["--only", "permission_set.ReadOnly"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update ou.prod"]).unwrap();
    let refused = project.run(&["plan", "--only", "cell.alhpa"]).unwrap().ended(1).unwrap();
    refused.says(&["E0514", "did you mean `cell.alpha`"]).unwrap();
    let fresh = Project::new(Registry::File).unwrap();
    let alone = fresh.plan(&["--only", "cell.alpha"]).unwrap();
    exactly(
        &alone,
        &[
            // Whom the cell's stack lets look at it: those two accounts, and where they are.
            "create account.deployment",
            "create account.monitoring",
            "create ou.infrastructure",
            "adopt cell.alpha",
            "create assignment.CellOperator/group.cell-operators/cell.alpha",
            "create assignment.CellOperator/group.developers/cell.alpha",
            "create assignment.ReadOnly/group.developers/cell.alpha",
            "create permission_set.CellOperator",
            "create permission_set.ReadOnly",
            "create stack.cell/alpha",
        ],
    )
    .unwrap();
    fresh.apply(&["--only", "cell.alpha"]).unwrap();
    fresh.settled(&["--only", "cell.alpha"]).unwrap();
}

/// Two runs at once: one has the lock, the other is told who; and then it goes.
fn of_two_runs_one_has_the_lock() {
    let failed = waiting(&[Registry::File, Registry::S3], |registry| {
        let mut project = Project::seeded(*registry)?;
        let mut slow = quick();
        slow.delays.create_account = Duration::from_secs(3);
        let server = Server::start(Some(&project.sandbox()), slow)?;
        project.endpoint = Some(server.url());
        let mut first = project.spawn(&["apply", "--yes", "--at", AT])?;
        until("the first run makes an account", || server.called("organizations:CreateAccount") > 0)?;
        let process = format!("process {}", first.id());
        let second = project.run(&["apply", "--yes", "--at", AT])?;
        let shown = project.run(&["registry", "show"])?;
        first.kill().map_err(|error| error.to_string())?;
        first.wait().map_err(|error| error.to_string())?;
        second.ended(1)?.says(&["E0513", "tester@test", &process])?;
        let shown = shown.ended(0)?.stdout;
        if !shown.contains("locked by tester@test") {
            return Err(format!("`registry show` does not say who holds the lock:\n{shown}"));
        }
        Ok(())
    });
    report(2, &failed);
}

/// Waits for something that a server sees.
fn until(what: &str, seen: impl Fn() -> bool) -> Result<(), String> {
    let end = Instant::now() + Duration::from_mins(5);
    while !seen() {
        if Instant::now() > end {
            return Err(format!("after five minutes it has not come to pass that {what}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What exists under the name of something in the program is not taken in silence, but by `adopt`.
fn what_exists_is_adopted_by_word() {
    let mut project = Project::seeded(Registry::S3).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    project.endpoint = Some(server.url());
    let instance = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
    let made = aws::aws(
        &server.url(),
        &format!("sso-admin create-permission-set --instance-arn {instance} --name ReadOnly --session-duration PT1H"),
    )
    .unwrap();
    let set = made["PermissionSet"]["PermissionSetArn"].as_str().unwrap();
    let refused = project.run(&["plan"]).unwrap().ended(1).unwrap();
    refused.says(&["E0504", "cellc adopt permission_set.ReadOnly"]).unwrap();
    let scope = ["--only", "permission_set.ReadOnly", "--except", "cell.dev-ana", "--except", "cell.dev-raj"];
    project
        .run(&["adopt", "permission_set.ReadOnlee", set, "--yes"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["E0514", "permission_set.ReadOnly"])
        .unwrap();
    project.run(&["adopt", "permission_set.ReadOnly", set, "--yes"]).unwrap().ended(0).unwrap();
    let taken = aws::aws(
        &server.url(),
        &format!("sso-admin describe-permission-set --instance-arn {instance} --permission-set-arn {set}"),
    )
    .unwrap();
    assert_eq!(taken["PermissionSet"]["SessionDuration"], "PT1H", "`adopt` changes nothing but the mark");
    let plan = project.plan(&scope).unwrap();
    let set_change =
        plan["changes"].as_array().unwrap().iter().find(|change| change["kind"] == "permission_set").unwrap();
    assert_eq!((&set_change["action"], &set_change["id"]), (&Value::from("update"), &Value::from(set)));
}

/// A personal cell is torn down, its account parked; the next one takes the account, and none is made.
fn a_parked_account_is_taken_by_the_next_cell() {
    let (project, server) = served(Registry::S3).unwrap();
    let account = id(&project, "cell.dev-ana").unwrap();
    let made = server.called("organizations:CreateAccount");
    project.run(&["destroy", "--only", "cell.dev-ana", "--yes"]).unwrap().ended(0).unwrap();
    let parents = aws::aws(&server.url(), &format!("organizations list-parents --child-id {account}")).unwrap();
    let parking = parents["Parents"][0]["Id"].as_str().unwrap();
    let unit = aws::aws(
        &server.url(),
        &format!("organizations describe-organizational-unit --organizational-unit-id {parking}"),
    )
    .unwrap();
    assert_eq!(unit["OrganizationalUnit"]["Name"], "cellc-parked");
    // Somebody moves it: that was done outside, and is told and counted as such.
    project.run(&["drift"]).unwrap().ended(0).unwrap();
    let roots = aws::aws(&server.url(), "organizations list-roots").unwrap();
    let root = roots["Roots"][0]["Id"].as_str().unwrap();
    let moves = |from: &str, to: &str| {
        let ends = format!("--source-parent-id {from} --destination-parent-id {to}");
        aws::aws(&server.url(), &format!("organizations move-account --account-id {account} {ends}")).unwrap();
    };
    moves(parking, root);
    let drift = project.run(&["drift"]).unwrap().ended(2).unwrap();
    assert!(drift.stdout.contains("the parked account that was cell.dev-ana"), "{}", drift.stdout);
    moves(root, parking);
    // The block may go without a `removed`: it was torn down.
    project
        .edit(&[
            ("{ \"ana\" = 2026-12-31, ", "{ \"zoe\" = 2026-12-31, "),
            ("for name in [\"ana\", \"raj\"] {\n  user \"\\(name)\" {}", "for name in [\"ana\", \"raj\"] {\n  user \"\\(name)\" {}\n}\nuser zoe { name = \"ana\" }\nfor name in [\"bo\"] if false {\n  group \"\\(name)\" {}"),
        ])
        .unwrap();
    let plan = project.plan(&[]).unwrap();
    let expected = [
        "adopt cell.dev-zoe",
        "create assignment.CellOperator/user.zoe/cell.dev-zoe",
        "create assignment.ReadOnly/group.developers/cell.dev-zoe",
        "create stack.cell/dev-zoe",
        "update stack.monitoring",
    ];
    exactly(&plan, &expected).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    assert_eq!(id(&project, "cell.dev-zoe").unwrap(), account, "the new cell has another account");
    assert_eq!(server.called("organizations:CreateAccount"), made, "an account was made though one was parked");
    let accounts = aws::aws(&server.url(), "organizations list-accounts").unwrap();
    let taken =
        accounts["Accounts"].as_array().unwrap().iter().find(|found| found["Id"] == account.as_str()).unwrap();
    assert_eq!(
        (taken["Name"].as_str(), taken["Email"].as_str()),
        (Some("dev-zoe"), Some("aws+dev-ana@momento.example"))
    );
}

/// What is protected is not torn down, all of it is told at once; with what is protected left out, the rest goes.
fn what_is_protected_is_not_torn_down() {
    let project = Project::applied(Registry::File).unwrap();
    let refused = project.run(&["destroy", "--yes", "--format", "json"]).unwrap().ended(1).unwrap();
    let protected: BTreeSet<&str> = refused.stderr.lines().filter(|line| line.contains("E0518")).collect();
    assert_eq!(protected.len(), 6, "three accounts and three production cells are protected:\n{}", refused.stderr);
    project.settled(&[]).unwrap();
    project
        .run(&["destroy", "--only", "cell.prod-usw2-1", "--yes"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["E0518", "--except cell.prod-usw2-1"])
        .unwrap();
}

/// Without credentials, and with a group that is not there: what is wrong and what to do.
fn what_is_missing_is_told() {
    let project = Project::new(Registry::File).unwrap();
    let without = project.run_without_credentials(&["plan"]).unwrap().ended(1).unwrap();
    without.says(&["E0511", "--cloud sandbox"]).unwrap();
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[("group cell-operators {}", "group cell-operators { name = \"cell-operator\" }")]).unwrap();
    project.run(&["plan"]).unwrap().ended(1).unwrap().says(&["E0503", "did you mean `cell-operators`"]).unwrap();
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[(SESSION.0, "permission_set ReadOnly using sets.read_only { override managed = [\"arn:aws:iam::aws:policy/ReadOnlyAcces\"] }")]).unwrap();
    project.run(&["plan"]).unwrap().ended(1).unwrap().says(&["E0516", "ReadOnlyAcces"]).unwrap();
}

/// Told to stop while it still reads, it gives the lock back, says so and leaves, whatever it waits for.
fn a_run_that_is_stopped_while_it_plans_leaves_no_lock() {
    stopped_before_anything("organizations:ListAccounts", "hang", false);
}

/// The same while the lock is being taken: it has it by then, though it does not know yet.
fn a_run_that_is_stopped_as_it_takes_the_lock_leaves_none() {
    stopped_before_anything("s3:PutObject", "hang_after", true);
}

/// Tells a run to stop while a call hangs, which is answered then, or not before the run is over.
fn stopped_before_anything(operation: &str, kind: &str, is_answered: bool) {
    let (project, server) = served(Registry::S3).unwrap();
    project.edit(&[SESSION]).unwrap();
    server.inject(&serde_json::json!([{ "operation": operation, "kind": kind, "count": 9 }])).unwrap();
    let child = project.spawn(&["apply", "--yes", "--at", AT]).unwrap();
    until("the call hangs", || server.hanging() > 0).unwrap();
    let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    if is_answered {
        server.mend();
        server.let_go();
    }
    let output = child.wait_with_output().unwrap();
    let stopped = cell_tests::momento::Ran::from(("apply".to_owned(), output)).ended(1).unwrap();
    stopped.says(&["E0606", "told to stop before anything was begun; nothing was done"]).unwrap();
    server.let_go();
    server.mend();
    let shown = project.run(&["registry", "show"]).unwrap().ended(0).unwrap().stdout;
    assert!(shown.contains("not locked"), "{shown}");
    project.apply(&[]).unwrap();
}

at_once! {
    what_keeps_an_apply_from_doing_harm:
    a_saved_plan_is_shown_and_run_exactly,
    a_forged_plan_is_refused,
    a_stale_plan_is_refused_and_drift_elsewhere_is_not,
    what_a_file_says_beside_its_changes_is_not_believed,
    a_saved_plan_bears_drift_of_other_things,
    a_saved_plan_that_failed_is_finished,
    a_saved_plan_of_which_nothing_is_left_is_finished,
    a_saved_plan_that_did_nothing_bears_drift_of_other_things,
    a_saved_plan_that_was_killed_is_finished,
    a_begun_plan_is_stale_when_something_moved,
    a_begun_plan_is_finished_whatever_moved_elsewhere,
    brakes_hold_until_they_are_let_go_by_name,
    nothing_is_done_unasked,
    scopes_select_and_leave_out,
    of_two_runs_one_has_the_lock,
    a_run_that_is_stopped_while_it_plans_leaves_no_lock,
    a_run_that_is_stopped_as_it_takes_the_lock_leaves_none,
    what_exists_is_adopted_by_word,
    a_parked_account_is_taken_by_the_next_cell,
    what_is_protected_is_not_torn_down,
    what_is_missing_is_told,
}
