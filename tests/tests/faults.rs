//! An apply on a cloud that fails in every way it can: what was done stays done, what failed is said, the next run
//! converges, and nothing is made twice.

use cell_tests::microburst::Microburst;
use cell_tests::momento::{AT, Project, Registry};
use cell_tests::sandbox::{Server, quick};
use cell_tests::trust::storm::{self, Storm, each};
use cell_tests::trust::{Deed, Life};
use cell_tests::{at_once, report, waiting};
use serde_json::{Value, json};

/// The life that is disturbed.
const APPLY: Life = Life { deed: Deed::Apply, registry: Registry::S3 };

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

/// The example applied, on a server.
fn applied() -> Result<(Project, Server), String> {
    let mut project = Project::applied(Registry::S3)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
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
    let failed = waiting(&storms, |(name, faults, runs)| {
        let storm = Storm { name: (*name).to_owned(), faults: faults.clone(), runs: *runs };
        storm::through(APPLY, &storm).map(drop)
    });
    report(storms.len(), &failed);
}

/// Who is told that it is too much sends less at once: fewer operations run side by side, and all are done in one run.
fn what_is_too_much_is_done_with_fewer_lanes() {
    let case = APPLY.begin().unwrap();
    let much =
        json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "throttle", "after": 2, "count": 2 }]);
    case.server.inject(&much).unwrap();
    let ran = case.run().unwrap().ended(0).unwrap();
    ran.says(&["IAM Identity Center asks for less: 4 at a time from here on"]).unwrap();
    assert!(case.judged().unwrap().is_nothing());
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

/// A list may be empty and go on.
fn empty_pages_with_a_token_are_followed() {
    let case = APPLY.begin().unwrap();
    case.server
        .configure(|config| {
            config.empty_pages = true;
            config.page = Some(3);
        })
        .unwrap();
    assert_eq!(case.converges(1), Ok(1));
}

fn error(operation: &str, code: &str, status: u16, message: &str, after: u64) -> Value {
    json!([{
        "operation": operation, "kind": "error", "code": code, "status": status, "message": message,
        "after": after, "count": 1_000_000,
    }])
}

/// Credentials end in the middle of a run: what was done stays done, what to do is said, and the next run goes on.
fn credentials_that_expire_in_the_middle_are_told() {
    let expired = "The security token included in the request is expired";
    let cases = [
        // The record is elsewhere: what failed is told, operation by operation.
        (Registry::File, "E0604", "renew the credentials and run again: what was done stays done"),
        // The record lies behind the same credentials.
        (Registry::S3, "E0605", "run again"),
    ];
    let failed = waiting(&cases, |(registry, code, advice)| {
        let life = Life { registry: *registry, ..APPLY };
        let case = life.begin()?;
        case.server.inject(&error("*", "ExpiredTokenException", 400, expired, 90))?;
        let ran = case.run()?.ended(1)?.says(&[code])?;
        let said = format!("{} {}", ran.stdout, ran.stderr);
        if let Some(missing) = [expired, advice].iter().find(|words| !said.contains(**words)) {
            return Err(format!("it does not say `{missing}`:\n{said}"));
        }
        case.server.mend();
        case.project.run(&["registry", "unlock", "--yes"])?.ended(0)?;
        case.converges(1).map(drop)
    });
    report(cases.len(), &failed);
}

/// A clock that is off is no matter of credentials: that it is the clock, and what AWS takes, is said.
fn a_clock_that_is_off_is_told_as_such() {
    let words =
        "Signature expired: 20261126T090000Z is now earlier than 20261126T091000Z (20261126T091500Z - 5 min.)";
    let case = APPLY.begin().unwrap();
    case.server.inject(&error("*", "SignatureDoesNotMatch", 403, words, 0)).unwrap();
    let ran = case.run().unwrap().ended(1).unwrap();
    ran.clone().says(&["E0511", "Signature expired", "set the clock", "within five minutes"]).unwrap();
    assert!(!ran.stderr.contains("aws sso login"), "{}", ran.stderr);
    case.server.mend();
    case.server.inject(&error("sso-admin:*", "InvalidSignatureException", 400, words, 5)).unwrap();
    let ran = case.run().unwrap().ended(1).unwrap().says(&["E0604"]).unwrap();
    assert!(ran.stdout.contains("set this machine's clock and run again"), "{}", ran.stdout);
    case.server.mend();
    assert_eq!(case.converges(1), Ok(1));
}

/// The bucket of the record refuses: as the lock is taken, as the journal is written, as the record is replaced.
fn a_bucket_that_refuses_is_told_and_the_next_run_goes_on() {
    let put = |code: &str, status: u16, of: &str, after: u64, count: u64| {
        json!([{
            "operation": "s3:PutObject", "containing": of, "kind": "error", "code": code, "status": status,
            "after": after, "count": count,
        }])
    };
    let (lock, journal, record) = ("cells.json.lock", ".journal/", "\"Key\":\"cells.json\"");
    let storm = |name: &str, faults: Value| Storm { name: name.to_owned(), faults, runs: 1 };
    let cases = [
        (storm("412 for the lock", put("PreconditionFailed", 412, lock, 0, 99)), Some("E0512")),
        (storm("412 for the journal", put("PreconditionFailed", 412, journal, 4, 99)), Some("E0605")),
        (storm("403 for the journal", put("AccessDenied", 403, journal, 4, 99)), Some("E0605")),
        (storm("412 for the record", put("PreconditionFailed", 412, record, 0, 99)), Some("E0605")),
        (storm("503 now and then", put("SlowDown", 503, "", 2, 3)), None),
        (storm("500 now and then", put("InternalError", 500, "", 2, 2)), None),
        (
            storm("answers that are lost", json!([{ "operation": "s3:*", "kind": "drop", "after": 3, "count": 6 }])),
            None,
        ),
    ];
    let failed = waiting(&cases, |(storm, code)| match code {
        Some(code) => storm::refused(APPLY, storm, &[code]),
        None => storm::through(APPLY, storm).map(drop),
    });
    report(cases.len(), &failed);
}

/// The same in the very bytes of another's proxy: throttling in each service's shape, connections that are reset, answers
/// that are cut short or lost after the server acted.
fn through_a_proxy_that_fails_as_aws_does_it_converges() {
    let mut case = APPLY.begin().unwrap();
    let proxy = Microburst::before(&case.server.url()).unwrap();
    case.project.endpoint = Some(proxy.url().to_owned());
    let rules = json!([
        { "service": "organizations", "operation": "CreateAccount", "times": 2, "response": { "abort_bytes": 0 } },
        { "service": "organizations", "operation": "MoveAccount", "sequence": { "fail": 1, "pass": 2 },
          "error": { "code": "ConcurrentModificationException" } },
        { "service": "organizations", "operation": "ListParents", "times": 3, "response": { "truncate_frac": 0.5 } },
        { "service": "organizations", "operation": "CreateOrganizationalUnit", "times": 1, "reset": true },
        { "service": "sso-admin", "operation": "CreateAccountAssignment", "times": 2,
          "error": { "code": "ThrottlingException" } },
        { "service": "sso-admin", "operation": "ListAccountAssignments", "times": 2, "reset": true },
        { "service": "s3", "operation": "PutObject", "times": 2, "error": { "code": "SlowDown", "status": 503 } },
        { "service": "s3", "operation": "PutObject", "times": 1, "response": { "abort_bytes": 0 } },
    ]);
    proxy.rules(&rules).unwrap();
    case.converges(3).unwrap();
    let fired = proxy.fired().unwrap();
    assert!(fired.len() == 8 && fired.iter().all(|count| *count > 0), "a rule was never fired: {fired:?}");
}

at_once! {
    an_apply_in_all_weathers:
    a_first_apply_converges_in_every_storm,
    what_is_too_much_is_done_with_fewer_lanes,
    tearing_down_converges_too,
    empty_pages_with_a_token_are_followed,
    credentials_that_expire_in_the_middle_are_told,
    a_clock_that_is_off_is_told_as_such,
    a_bucket_that_refuses_is_told_and_the_next_run_goes_on,
    through_a_proxy_that_fails_as_aws_does_it_converges,
}
