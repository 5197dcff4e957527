//! Where other tools are known to fail, each a test of the whole tool: the real `cellc` against a server. What each
//! must not do stands in its name; a saved plan that is stale is in [`super::safety`].

use cell_tests::momento::{AT, Project, Registry, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::trust::storm::{self, Storm};
use cell_tests::trust::{Case, Deed, Life};
use cell_tests::{at_once, report, waiting};
use serde_json::{Value, json};

const APPLY: Life = Life { deed: Deed::Apply, registry: Registry::S3 };
const PROVISION: &str = "sso-admin:ProvisionPermissionSet";

/// The example applied, on a server.
fn applied() -> Result<(Project, Server), String> {
    let mut project = Project::applied(Registry::S3)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

/// The operations that a server was asked for since it began to count, oldest first: `service:Operation`.
fn asked(server: &Server) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let log = server.log().unwrap();
    log.iter().map(|entry| format!("{}:{}", text(&entry["service"]), text(&entry["operation"]))).collect()
}

/// A call was answered well and its work failed after that: it is a failure, with its reason; all that does not need
/// it is done, and the next run does the rest.
fn an_assignment_that_fails_later_is_no_success() {
    let Case { project, server, .. } = APPLY.begin().unwrap();
    let reason = "Received a 404 status error: the customer policy is not there";
    let fault = json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "fail_async", "reason": reason, "after": 3 }]);
    server.inject(&fault).unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ran.clone().says(&["E0604"]).unwrap();
    assert!(ran.stdout.contains(reason), "the reason is not told:\n{}", ran.stdout);
    let receipt = project.receipt().unwrap();
    let operations = receipt["operations"].as_array().unwrap();
    let of = |outcome: &str| operations.iter().filter(|done| done["outcome"] == outcome).collect::<Vec<_>>();
    let failed = of("failed");
    assert_eq!((failed.len(), &receipt["ending"]), (1, &json!("failed")), "{failed:?}");
    assert!(failed[0]["error"].as_str().unwrap().contains(reason), "{}", failed[0]);
    assert_eq!(of("done").len(), operations.len() - 1, "what does not need it was not done");
    let address = failed[0]["address"].as_str().unwrap();
    exactly(&project.plan(&[]).unwrap(), &[&format!("create {address}")]).unwrap();
    assert_eq!(Case { life: APPLY, project, server }.converges(1), Ok(1));
}

/// A policy was changed and its roles were not: that is no "no changes".
fn after_a_provisioning_that_failed_the_next_plan_is_not_empty() {
    let cases = [
        json!([{ "operation": PROVISION, "kind": "fail_async", "reason": "role quota" }]),
        json!([{ "operation": PROVISION, "kind": "error", "code": "AccessDeniedException", "count": 9 }]),
    ];
    let failed = waiting(&cases, |faults| {
        let (project, server) = applied()?;
        project.edit(&[("\"s3:GetObject\", \"s3:PutObject\"]", "\"s3:GetObject\"]")])?;
        server.inject(faults)?;
        project.run(&["apply", "--yes", "--at", AT])?.ended(1)?.says(&["E0604"])?;
        let plan = project.plan(&[])?;
        exactly(&plan, &["update permission_set.CellOperator"])?;
        let verbs: Vec<&Value> =
            plan["operations"].as_array().ok_or("no operations")?.iter().map(|one| &one["verb"]["do"]).collect();
        let provisions = |verb: &&Value| verb.as_str().is_some_and(|verb| verb.starts_with("provision"));
        if verbs.is_empty() || !verbs.iter().all(provisions) {
            return Err(format!("only the provisioning was left to do: {verbs:?}"));
        }
        server.mend();
        project.apply(&[])?;
        project.settled(&[])
    });
    report(cases.len(), &failed);
}

/// A group that is in the list of a grant no more has nothing of it any more: in the cloud, not only in the program.
fn a_group_dropped_from_a_list_loses_its_access() {
    let (project, server) = applied().unwrap();
    let both = (
        "  to = group.developers\n  can = permission_set.ReadOnly",
        "  to = [group.developers, group.cell-operators]\n  can = permission_set.ReadOnly",
    );
    project.edit(&[both]).unwrap();
    project.apply(&[]).unwrap();
    let given = || server.state()["sso"]["assignments"].as_array().map_or(0, Vec::len);
    let more = given();
    project.edit(&[(both.1, both.0)]).unwrap();
    let plan = project.plan(&[]).unwrap();
    let revoked: Vec<&Value> = plan["changes"].as_array().unwrap().iter().collect();
    assert!(revoked.len() >= 5 && revoked.iter().all(|change| change["action"] == "delete"), "{revoked:?}");
    project.apply(&["--allow", "mass-revoke"]).unwrap();
    assert_eq!(given(), more - revoked.len(), "what was dropped from the list is still given");
    project.settled(&[]).unwrap();
}

/// The SDK that tries again by itself makes two accounts when the first answer is lost.
fn a_lost_answer_makes_no_second_account() {
    let cases: Vec<Storm> = ["drop", "truncate", "error500", "reset"]
        .iter()
        .map(|kind| Storm {
            name: format!("{kind} of two creations"),
            faults: json!([{ "operation": "organizations:CreateAccount", "kind": kind, "after": 1, "count": 2 }]),
            runs: 3,
        })
        .collect();
    let failed = waiting(&cases, |storm| storm::through(APPLY, storm).map(drop));
    report(cases.len(), &failed);
}

/// However many policies of a set change, its accounts get them once, and those of other sets not at all.
fn several_changes_of_a_set_reach_its_accounts_once() {
    let (project, server) = applied().unwrap();
    let edits = [(
        "permission_set ReadOnly using sets.read_only {}",
        "permission_set ReadOnly using sets.read_only { override session = 2h, override managed = [\"arn:aws:iam::aws:policy/SecurityAudit\", \"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess\"] }",
    )];
    project.edit(&edits).unwrap();
    let before = server.called(PROVISION);
    project.apply(&[]).unwrap();
    let attached = server.called("sso-admin:AttachManagedPolicyToPermissionSet");
    assert_eq!(
        (server.called(PROVISION) - before, attached),
        (1, 2),
        "one provisioning for two policies and a session"
    );
    project.settled(&[]).unwrap();
}

/// A plan asks more than the service answers in a second, and others use it too: it takes longer, and comes.
fn a_plan_outlasts_the_limit_of_requests() {
    let (project, server) = applied().unwrap();
    let strict = |config: &mut cell_sandbox::Config| {
        config.tps = 8.0;
        config.burst = 2.0;
    };
    server.configure(strict).unwrap();
    project.settled(&[]).unwrap();
    let refused = server.log().unwrap().iter().filter(|entry| entry["error"] == "ThrottlingException").count();
    assert!(refused > 0, "the limit was never met");
}

/// A group that is not there is an error, before anything is done; nothing is skipped.
fn a_group_that_nobody_finds_is_not_skipped() {
    let case = APPLY.begin().unwrap();
    case.project.edit(&[("group developers {}", "group developers { name = \"developrs\" }")]).unwrap();
    let refused = case.run().unwrap().ended(1).unwrap();
    refused.says(&["E0503", "no group named `developrs`", "did you mean `developers`"]).unwrap();
    let writes: Vec<String> = asked(&case.server)
        .into_iter()
        .filter(|call| !storm::is_read(call) && !call.starts_with("s3:"))
        // Accounts are entered to read what is in them.
        .filter(|call| call != "sts:AssumeRole")
        .collect();
    assert_eq!(writes, Vec::<String>::new(), "something was done all the same");
}

/// A set goes only when nobody has it any more: its deletion comes after each assignment's has ended.
fn a_set_is_deleted_after_its_assignments() {
    let (project, server) = applied().unwrap();
    let mut slow = quick();
    slow.delays.assignment = std::time::Duration::from_millis(400);
    server.configure(|config| *config = slow).unwrap();
    project
        .edit(&[
            ("permission_set ReadOnly using sets.read_only {}", ""),
            ("grant developers-look {\n  to = group.developers\n  can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\"\n}\n", ""),
        ])
        .unwrap();
    project.apply(&["--allow", "role-arn", "--allow", "mass-revoke"]).unwrap();
    let calls = asked(&server);
    let at =
        |name: &str| calls.iter().enumerate().filter(|(_, call)| *call == name).map(|(at, _)| at).collect::<Vec<_>>();
    let (unassigned, deleted) = (at("sso-admin:DeleteAccountAssignment"), at("sso-admin:DeletePermissionSet"));
    assert_eq!((unassigned.len(), deleted.len()), (7, 1));
    assert!(unassigned.iter().all(|one| *one < deleted[0]), "{calls:?}");
    // A set that somebody has is refused; that none was refused says that all had ended.
    let conflicts = server.log().unwrap().iter().filter(|entry| entry["error"] == "ConflictException").count();
    assert_eq!(conflicts, 0);
    project.settled(&[]).unwrap();
}

at_once! {
    where_others_are_known_to_fail:
    an_assignment_that_fails_later_is_no_success,
    after_a_provisioning_that_failed_the_next_plan_is_not_empty,
    a_group_dropped_from_a_list_loses_its_access,
    a_lost_answer_makes_no_second_account,
    several_changes_of_a_set_reach_its_accounts_once,
    a_plan_outlasts_the_limit_of_requests,
    a_group_that_nobody_finds_is_not_skipped,
    a_set_is_deleted_after_its_assignments,
}
