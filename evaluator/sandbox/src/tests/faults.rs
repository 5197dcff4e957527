//! Faults: each kind, and when it strikes.

use super::{Cloud, MEMBER, Manner, list, text};
use crate::{Fault, FaultKind};
use serde_json::{Value, json};
use std::time::Duration;

fn inject(cloud: &Cloud, fault: Value) {
    cloud.sandbox.inject([serde_json::from_value::<Fault>(fault).unwrap()]);
}

fn account(cloud: &Cloud, email: &str) -> crate::engine::Reply {
    cloud.reply("organizations:CreateAccount", json!({"Email": email, "AccountName": "new"}))
}

fn count(cloud: &Cloud) -> usize {
    cloud.wait(4);
    list(&cloud.ok("organizations:ListAccounts", json!({})), "/Accounts").len()
}

#[test]
fn a_fault_waits_strikes_and_is_spent() {
    let cloud = Cloud::new();
    inject(&cloud, json!({"operation": "organizations:ListRoots", "after": 1, "count": 2, "kind": "throttle"}));
    cloud.ok("organizations:ListRoots", json!({}));
    cloud.ok("organizations:ListAccounts", json!({}));
    assert_eq!(cloud.err("organizations:ListRoots", json!({})), "TooManyRequestsException");
    assert_eq!(cloud.err("organizations:ListRoots", json!({})), "TooManyRequestsException");
    cloud.ok("organizations:ListRoots", json!({}));
    assert_eq!(cloud.sandbox.calls().get("organizations:ListRoots"), Some(&4));
}

#[test]
fn a_dropped_answer_has_acted_and_a_reset_has_not() {
    let cloud = Cloud::new();
    inject(&cloud, json!({"operation": "*", "kind": "reset"}));
    assert!(account(&cloud, "a@example.com").manner == Manner::Never);
    assert_eq!(count(&cloud), 3);
    inject(&cloud, json!({"operation": "CreateAccount", "kind": "drop"}));
    assert!(account(&cloud, "a@example.com").manner == Manner::Never);
    assert_eq!(count(&cloud), 4);
    inject(&cloud, json!({"operation": "CreateAccount", "kind": "truncate"}));
    assert!(account(&cloud, "b@example.com").manner == Manner::Half);
    assert_eq!(count(&cloud), 5);
}

#[test]
fn asynchronous_work_fails_with_the_reason_given() {
    let cloud = Cloud::new();
    inject(&cloud, json!({"operation": "*", "kind": "fail_async", "reason": "INTERNAL_FAILURE"}));
    let begun = account(&cloud, "a@example.com").answer.unwrap();
    cloud.wait(4);
    let id = text(&begun, "/CreateAccountStatus/Id");
    let status = cloud.ok("organizations:DescribeCreateAccountStatus", json!({"CreateAccountRequestId": id}));
    assert_eq!(text(&status, "/CreateAccountStatus/FailureReason"), "INTERNAL_FAILURE");

    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    inject(&cloud, json!({"operation": "sso-admin:CreateAccountAssignment", "kind": "fail_async", "reason": "no"}));
    assert_eq!(text(&cloud.assign(&set, MEMBER, &group), "/FailureReason"), "no");
    assert_eq!(text(&cloud.assign(&set, MEMBER, &group), "/Status"), "SUCCEEDED");
}

#[test]
fn a_stale_read_does_not_see_the_last_write() {
    let cloud = Cloud::new();
    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    cloud.assign(&set, MEMBER, &group);
    let input = cloud.sso(json!({"AccountId": MEMBER, "PermissionSetArn": set}));
    inject(&cloud, json!({"operation": "sso-admin:ListAccountAssignments", "kind": "stale"}));
    let seen = |cloud: &Cloud| {
        list(&cloud.ok("sso-admin:ListAccountAssignments", input.clone()), "/AccountAssignments").len()
    };
    assert_eq!((seen(&cloud), seen(&cloud)), (0, 1));
}

#[test]
fn a_fault_strikes_the_calls_that_it_is_of() {
    let cloud = Cloud::new();
    let fault = json!({"operation": "*", "kind": "error500", "containing": "b@example.com", "count": 9});
    inject(&cloud, fault);
    assert!(account(&cloud, "a@example.com").answer.is_ok());
    assert!(account(&cloud, "b@example.com").answer.is_err());
}

#[test]
fn any_error_and_any_delay() {
    let cloud = Cloud::new();
    let fault = json!({"operation": "s3:*", "kind": "error", "code": "ConditionalRequestConflict", "status": 409});
    inject(&cloud, fault);
    assert_eq!(cloud.err("s3:ListBuckets", json!({})), "ConditionalRequestConflict");
    cloud.sandbox.inject([Fault {
        operation: "sso:ListInstances".to_owned(),
        containing: None,
        after: 0,
        count: 1,
        kind: FaultKind::Delay { ms: 7 },
    }]);
    assert_eq!(cloud.reply("sso-admin:ListInstances", json!({})).delay, Duration::from_millis(7));
    assert_eq!(cloud.reply("sso-admin:ListInstances", json!({})).delay, Duration::ZERO);
}
