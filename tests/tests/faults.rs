//! An apply on a cloud that fails in every way it can: what was done stays done, what failed is said, the next run
//! converges, and nothing is made twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cell_tests::momento::{AT, Project, Registry, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, report, waiting};
use serde_json::{Value, json};

/// Calls of an apply that change something.
const WRITES: [&str; 13] = [
    "organizations:CreateOrganizationalUnit",
    "organizations:CreateAccount",
    "organizations:MoveAccount",
    "organizations:CreatePolicy",
    "organizations:AttachPolicy",
    "organizations:TagResource",
    "organizations:UpdateOrganizationalUnit",
    "sso-admin:CreatePermissionSet",
    "sso-admin:AttachManagedPolicyToPermissionSet",
    "sso-admin:PutInlinePolicyToPermissionSet",
    "sso-admin:CreateAccountAssignment",
    "sso-admin:ProvisionPermissionSet",
    "s3:PutObject",
];
/// Calls that only look.
const READS: [&str; 12] = [
    "sts:GetCallerIdentity",
    "organizations:DescribeOrganization",
    "organizations:ListRoots",
    "organizations:ListAccounts",
    "organizations:ListParents",
    "organizations:DescribeCreateAccountStatus",
    "organizations:DescribePolicy",
    "sso-admin:ListInstances",
    "sso-admin:ListPermissionSets",
    "sso-admin:DescribePermissionSet",
    "sso-admin:ListAccountAssignments",
    "identitystore:GetGroupId",
];

/// One call of each service, and of each way to be sent. Not all: each halves the pace of its service for half a minute.
const THROTTLED: [&str; 5] = [
    "organizations:CreateAccount",
    "organizations:ListParents",
    "sso-admin:CreateAccountAssignment",
    "sso-admin:ListAccountAssignments",
    "identitystore:GetGroupId",
];

/// A server that is seeded for the example, which was never applied.
fn fresh(registry: Registry) -> Result<(Project, Server), String> {
    let mut project = Project::seeded(registry)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

/// The example applied, on a server.
fn applied() -> Result<(Project, Server), String> {
    let mut project = Project::applied(Registry::S3)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

/// Applies until a run ends well, at most so often; then everything is there, once.
fn converges(project: &Project, server: &Server, most: usize) -> Result<usize, String> {
    let mut said = String::new();
    for run in 1..=most {
        let ran = project.run(&["apply", "--yes", "--at", AT])?;
        match ran.status {
            0 => {
                server.mend();
                once(server)?;
                match project.settled(&[]) {
                    Ok(()) => return Ok(run),
                    Err(left) => said = left,
                }
            }
            1 => said = ran.stderr,
            status => return Err(format!("apply ended with {status}:\n{}", ran.stderr)),
        }
    }
    Err(format!("{most} runs did not converge; the last said:\n{said}"))
}

/// No account, unit, policy, set or assignment is there twice, and none is missing.
fn once(server: &Server) -> Result<(), String> {
    let state = server.state();
    // A table is a list of pairs of key and value.
    let values = |part: &str, table: &str| -> Vec<Value> {
        state[part][table].as_array().into_iter().flatten().map(|pair| pair[1].clone()).collect()
    };
    let expected = [
        // The management account is one of them, FullAWSAccess one of the policies.
        ("org", "accounts", "name", 11),
        ("org", "accounts", "email", 11),
        ("org", "units", "name", 5),
        ("org", "policies", "name", 6),
        ("sso", "sets", "name", 2),
    ];
    for (part, table, field, count) in expected {
        let all = values(part, table);
        let distinct: BTreeSet<&str> = all.iter().filter_map(|one| one[field].as_str()).collect();
        if all.len() != count || distinct.len() != count {
            return Err(format!("{count} {table} were expected, each once; found {}: {distinct:?}", all.len()));
        }
    }
    let given = values("sso", "assignments").len();
    if given == 15 { Ok(()) } else { Err(format!("15 assignments were expected, found {given}")) }
}

fn each(kind: &str, operations: &[&str], after: u64, count: u64) -> Value {
    operations
        .iter()
        .map(|operation| json!({ "operation": operation, "kind": kind, "after": after, "count": count }))
        .collect()
}

/// What goes wrong in the first apply of the example, and in how many runs it must be done.
fn storms() -> Vec<(&'static str, Value, usize)> {
    vec![
        ("calls of every service are throttled", each("throttle", &THROTTLED, 1, 1), 1),
        ("every write fails once with 500", each("error500", &WRITES, 0, 1), 3),
        ("every write fails once with 503", each("error503", &WRITES, 1, 1), 3),
        ("every read fails once with 500", each("error500", &READS, 0, 1), 1),
        ("every read is cut off once", each("truncate", &READS, 0, 1), 1),
        ("every write's connection is reset once", each("reset", &WRITES, 0, 1), 3),
        ("every write acts once and its answer is lost", each("drop", &WRITES, 0, 1), 4),
        ("every write acts once and half of its answer comes", each("truncate", &WRITES, 1, 1), 4),
        ("reads lag behind writes", each("stale", &READS, 2, 2), 3),
        ("answers are late", json!([{ "operation": "*", "kind": "delay", "ms": 40, "after": 10, "count": 60 }]), 1),
    ]
}

fn a_first_apply_converges_in_every_storm() {
    let storms = storms();
    let failed = waiting(&storms, |(name, faults, most)| {
        let weather = || -> Result<(), String> {
            let (project, server) = fresh(Registry::S3)?;
            server.inject(faults)?;
            converges(&project, &server, *most).map(|_| ())
        };
        weather().map_err(|failure| format!("── {name}\n{failure}"))
    });
    report(storms.len(), &failed);
}

/// Who is told that it is too much sends less at once: fewer operations run side by side, and all are done in one run.
fn what_is_too_much_is_done_with_fewer_lanes() {
    let (project, server) = fresh(Registry::S3).unwrap();
    let much =
        json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "throttle", "after": 2, "count": 2 }]);
    server.inject(&much).unwrap();
    project.apply(&[]).unwrap().says(&["IAM Identity Center asks for less: 4 at a time from here on"]).unwrap();
    once(&server).unwrap();
}

/// The SDK that tries again by itself made two accounts.
fn a_lost_answer_makes_no_second_account() {
    let cases: Vec<Value> = ["drop", "truncate", "error500", "reset"]
        .iter()
        .map(|kind| json!([{ "operation": "organizations:CreateAccount", "kind": kind, "after": 1, "count": 2 }]))
        .collect();
    let failed = waiting(&cases, |faults| {
        let lost = || -> Result<(), String> {
            let (project, server) = fresh(Registry::S3)?;
            server.inject(faults)?;
            converges(&project, &server, 5).map(|_| ())
        };
        lost().map_err(|failure| format!("── {faults}\n{failure}"))
    });
    report(cases.len(), &failed);
}

/// A call was answered well and its work failed after that: it is a failure, with its reason; all that does not need
/// it is done, and the next run does the rest.
fn an_assignment_that_fails_later_is_a_failure() {
    let (project, server) = fresh(Registry::S3).unwrap();
    let reason = "Received a 404 status error: the customer policy is not there";
    server.inject(&json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "fail_async", "reason": reason, "after": 3 }])).unwrap();
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
    assert_eq!(converges(&project, &server, 1), Ok(1));
}

/// A policy was changed and its roles were not: that is no "no changes".
fn a_provisioning_that_failed_is_in_the_next_plan() {
    let cases = [
        json!([{ "operation": "sso-admin:ProvisionPermissionSet", "kind": "fail_async", "reason": "role quota" }]),
        json!([{ "operation": "sso-admin:ProvisionPermissionSet", "kind": "error", "code": "AccessDeniedException", "count": 9 }]),
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
        if verbs != ["provision"] {
            return Err(format!("only the provisioning was left to do: {verbs:?}"));
        }
        server.mend();
        project.apply(&[])?;
        project.settled(&[])
    });
    report(cases.len(), &failed);
}

/// Every kind of thing is taken away again while its call fails once.
fn tearing_down_converges_too() {
    let deletes = [
        "sso-admin:DeleteAccountAssignment",
        "sso-admin:DeletePermissionSet",
        "organizations:DetachPolicy",
        "organizations:DeletePolicy",
    ];
    let kinds = ["drop", "error500", "throttle"];
    let failed = waiting(&kinds, |kind| {
        let torn = || -> Result<(), String> {
            let (project, server) = applied()?;
            project.edit(&[
                ("permission_set ReadOnly using sets.read_only {}", ""),
                ("grant developers-look {\n  to = group.developers\n  can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\"\n}\n", ""),
                ("ou prod { scps = [scp.keep-public-access-block] }", "ou prod {}"),
            ])?;
            server.inject(&each(kind, &deletes, 0, 1))?;
            for _ in 0..3 {
                if project.run(&["apply", "--yes", "--at", AT, "--allow", "role-arn"])?.status == 0 {
                    return project.settled(&[]);
                }
            }
            Err("three runs did not converge".to_owned())
        };
        torn().map_err(|failure| format!("── {kind}\n{failure}"))
    });
    report(kinds.len(), &failed);
}

/// A run is killed as it stands; the next one takes up what it left, with its record in a file and in S3.
fn a_killed_run_is_taken_up_by_the_next() {
    let points = [
        ("organizations:CreateOrganizationalUnit", 2),
        ("organizations:CreateAccount", 1),
        ("organizations:CreateAccount", 3),
        ("organizations:MoveAccount", 2),
        ("sso-admin:PutInlinePolicyToPermissionSet", 1),
        ("sso-admin:CreateAccountAssignment", 4),
    ];
    let cases: Vec<_> = points
        .iter()
        .enumerate()
        .map(|(at, point)| (*point, if at % 2 == 0 { Registry::S3 } else { Registry::File }))
        .collect();
    let failed = waiting(&cases, |((operation, times), registry)| {
        let killed = || -> Result<(), String> {
            let (project, server) = fresh(*registry)?;
            let mut child = project.spawn(&["apply", "--yes", "--at", AT])?;
            let end = Instant::now() + Duration::from_mins(1);
            while server.called(operation) < *times {
                if Instant::now() > end {
                    return Err("the run did not come so far".to_owned());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            if *registry == Registry::S3 {
                // The lease outlives its run for a minute.
                project.run(&["apply", "--yes", "--at", AT])?.ended(1)?.says(&["E0513", "registry unlock"])?;
                project.run(&["registry", "unlock", "--yes"])?.ended(0)?;
            }
            // A second run may only have to bring the record up to what the killed one did and could not say.
            converges(&project, &server, 2).map(|_| ())
        };
        killed().map_err(|failure| format!("── killed at call {times} of {operation}, {registry:?}\n{failure}"))
    });
    report(cases.len(), &failed);
}

at_once! {
    an_apply_in_all_weathers:
    a_first_apply_converges_in_every_storm,
    what_is_too_much_is_done_with_fewer_lanes,
    a_lost_answer_makes_no_second_account,
    an_assignment_that_fails_later_is_a_failure,
    a_provisioning_that_failed_is_in_the_next_plan,
    tearing_down_converges_too,
    a_killed_run_is_taken_up_by_the_next,
}
