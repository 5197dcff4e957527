//! Identity Center: sets, assignments, roles, provisioning, authority, throttling.

use super::{Cloud, DELEGATE, MANAGEMENT, MEMBER, list, settings, text};
use crate::{Config, Delays};
use serde_json::{Value, json};
use std::time::Duration;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const INLINE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn stale(cloud: &Cloud, set: &str) -> usize {
    let status = "LATEST_PERMISSION_SET_NOT_PROVISIONED";
    let input = cloud.sso(json!({"PermissionSetArn": set, "ProvisioningStatus": status}));
    list(&cloud.ok("sso-admin:ListAccountsForProvisionedPermissionSet", input), "/AccountIds").len()
}

fn provision(cloud: &Cloud, set: &str, account: Option<&str>) -> Value {
    let mut input = cloud.sso(json!({"PermissionSetArn": set, "TargetType": "ALL_PROVISIONED_ACCOUNTS"}));
    if let Some(account) = account {
        input["TargetType"] = json!("AWS_ACCOUNT");
        input["TargetId"] = json!(account);
    }
    let begun = cloud.ok("sso-admin:ProvisionPermissionSet", input);
    cloud.wait(1);
    let id = text(&begun, "/PermissionSetProvisioningStatus/RequestId");
    let input = cloud.sso(json!({"ProvisionPermissionSetRequestId": id}));
    let status = cloud.ok("sso-admin:DescribePermissionSetProvisioningStatus", input);
    status.get("PermissionSetProvisioningStatus").cloned().unwrap()
}

#[test]
fn a_role_comes_with_the_first_assignment_and_goes_with_the_last() {
    let cloud = Cloud::new();
    let set = cloud.set("Admin");
    let (admins, developers) = (cloud.group("admins"), cloud.group("Developers"));
    assert_eq!(text(&cloud.assign(&set, MEMBER, &admins), "/Status"), "SUCCEEDED");
    assert_eq!(text(&cloud.assign(&set, MEMBER, &developers), "/Status"), "SUCCEEDED");
    assert_eq!(text(&cloud.assign(&set, MEMBER, &admins), "/Status"), "SUCCEEDED", "a repeat is harmless");
    let roles = cloud.roles(MEMBER);
    assert_eq!(roles.len(), 1);
    let first = text(&roles[0], "/RoleName");
    assert!(first.starts_with("AWSReservedSSO_Admin_") && first.len() == "AWSReservedSSO_Admin_".len() + 16);
    assert_eq!(text(&roles[0], "/Path"), "/aws-reserved/sso.amazonaws.com/eu-west-1/");

    cloud.unassign(&set, MEMBER, &admins);
    assert_eq!(text(&cloud.roles(MEMBER)[0], "/RoleName"), first);
    let delete = cloud.sso(json!({"PermissionSetArn": set}));
    assert_eq!(cloud.err("sso-admin:DeletePermissionSet", delete.clone()), "ConflictException");
    cloud.unassign(&set, MEMBER, &developers);
    assert!(cloud.roles(MEMBER).is_empty());
    let reached = cloud.sso(json!({"PrincipalId": admins, "PrincipalType": "GROUP"}));
    let reached = cloud.ok("sso-admin:ListAccountAssignmentsForPrincipal", reached);
    assert!(list(&reached, "/AccountAssignments").is_empty());
    let there = cloud.sso(json!({"AccountId": MEMBER}));
    let there = cloud.ok("sso-admin:ListPermissionSetsProvisionedToAccount", there);
    assert!(list(&there, "/PermissionSets").is_empty());
    cloud.assign(&set, MEMBER, &admins);
    assert_ne!(text(&cloud.roles(MEMBER)[0], "/RoleName"), first);
    cloud.unassign(&set, MEMBER, &admins);
    let gone = cloud.assignment(&set, MEMBER, &admins);
    assert_eq!(cloud.err("sso-admin:DeleteAccountAssignment", gone), "ResourceNotFoundException");
    cloud.ok("sso-admin:DeletePermissionSet", delete);
}

#[test]
fn an_edit_reaches_accounts_only_when_provisioned() {
    let cloud = Cloud::new();
    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    cloud.assign(&set, MEMBER, &group);
    cloud.assign(&set, MANAGEMENT, &group);
    assert_eq!(stale(&cloud, &set), 0);
    let input = cloud.sso(json!({"PermissionSetArn": set, "InlinePolicy": INLINE}));
    cloud.ok("sso-admin:PutInlinePolicyToPermissionSet", input);
    let input = cloud.sso(json!({"PermissionSetArn": set, "ManagedPolicyArn": READ_ONLY}));
    cloud.ok("sso-admin:AttachManagedPolicyToPermissionSet", input);
    assert_eq!(stale(&cloud, &set), 2);
    assert_eq!(text(&provision(&cloud, &set, Some(MEMBER)), "/Status"), "SUCCEEDED");
    assert_eq!(stale(&cloud, &set), 1);
    let name = text(&cloud.roles(MEMBER)[0], "/RoleName");
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    let attached = member.ok("iam:ListAttachedRolePolicies", json!({"RoleName": name}));
    assert_eq!(text(&attached, "/AttachedPolicies/0/PolicyArn"), READ_ONLY);
    let inline = member.ok("iam:ListRolePolicies", json!({"RoleName": name}));
    assert_eq!(list(&inline, "/PolicyNames"), [json!("AwsSSOInlinePolicy")]);
    assert_eq!(text(&provision(&cloud, &set, None), "/Status"), "SUCCEEDED");
    assert_eq!(stale(&cloud, &set), 0);
    let nowhere = provision(&cloud, &set, Some(DELEGATE));
    assert_eq!(text(&nowhere, "/Status"), "FAILED");
    assert!(text(&nowhere, "/FailureReason").contains("404"));
}

#[test]
fn an_update_clears_what_it_leaves_out() {
    let cloud = Cloud::new();
    let input = cloud
        .sso(json!({"Name": "Admin", "Description": "all", "RelayState": "https://x", "SessionDuration": "PT8H"}));
    let set = text(&cloud.ok("sso-admin:CreatePermissionSet", input), "/PermissionSet/PermissionSetArn");
    assert_eq!(cloud.err("sso-admin:CreatePermissionSet", cloud.sso(json!({"Name": "Admin"}))), "ConflictException");
    let long = cloud.sso(json!({"Name": "Long", "SessionDuration": "PT13H"}));
    assert_eq!(cloud.err("sso-admin:CreatePermissionSet", long), "ValidationException");
    let input = cloud.sso(json!({"PermissionSetArn": set, "Description": "some"}));
    cloud.ok("sso-admin:UpdatePermissionSet", input);
    let shown = cloud.ok("sso-admin:DescribePermissionSet", cloud.sso(json!({"PermissionSetArn": set})));
    assert_eq!(text(&shown, "/PermissionSet/SessionDuration"), "PT1H");
    assert!(shown.pointer("/PermissionSet/RelayState").is_none());
}

#[test]
fn what_is_missing_fails_late_with_a_reason() {
    let cloud = Cloud::new();
    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    let nobody = cloud.assign(&set, MEMBER, "00000000-0000-4000-8000-000000000000");
    assert_eq!(text(&nobody, "/Status"), "FAILED");
    assert!(text(&nobody, "/FailureReason").contains("not found"));
    let policy = json!({"Name": "guard", "Path": "/"});
    let input = cloud.sso(json!({"PermissionSetArn": set, "CustomerManagedPolicyReference": policy}));
    cloud.ok("sso-admin:AttachCustomerManagedPolicyReferenceToPermissionSet", input);
    let failed = cloud.assign(&set, MEMBER, &group);
    assert!(text(&failed, "/FailureReason").contains("policy/guard"), "{failed}");
    assert!(cloud.roles(MEMBER).is_empty());
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    member.ok("iam:CreatePolicy", json!({"PolicyName": "guard", "PolicyDocument": INLINE}));
    assert_eq!(text(&cloud.assign(&set, MEMBER, &group), "/Status"), "SUCCEEDED");
    let input = json!({"PolicyArn": format!("arn:aws:iam::{MEMBER}:policy/guard")});
    assert_eq!(member.err("iam:DeletePolicy", input), "DeleteConflict");
    let stranger = cloud.assignment(&set, "999999999999", &group);
    assert_eq!(cloud.err("sso-admin:CreateAccountAssignment", stranger), "ResourceNotFoundException");
}

#[test]
fn a_role_has_room_for_ten_policies_though_a_set_has_for_twenty() {
    let cloud = Cloud::new();
    let (set, group) = (cloud.set("Wide"), cloud.group("Admins"));
    let names = include_str!("../../data/managed-policies.txt").lines().filter(|line| !line.starts_with('#'));
    let attach = |name: &str| {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        cloud.sso(json!({"PermissionSetArn": set, "ManagedPolicyArn": arn}))
    };
    let names: Vec<&str> = names.take(21).collect();
    for name in &names[..20] {
        cloud.ok("sso-admin:AttachManagedPolicyToPermissionSet", attach(name));
    }
    let expected = "ServiceQuotaExceededException";
    assert_eq!(cloud.err("sso-admin:AttachManagedPolicyToPermissionSet", attach(names[20])), expected);
    assert_eq!(
        cloud.err("sso-admin:AttachManagedPolicyToPermissionSet", attach("Nope")),
        "ResourceNotFoundException"
    );
    let failed = cloud.assign(&set, MEMBER, &group);
    assert!(text(&failed, "/FailureReason").contains("PoliciesPerRole"));
}

#[test]
fn one_role_change_at_a_time_in_an_account_and_ten_in_all() {
    let cloud = Cloud::with(Config {
        quotas: crate::Quotas { accounts: 100, assignments_in_progress: 2, ..Default::default() },
        ..settings()
    });
    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    cloud.ok("sso-admin:CreateAccountAssignment", cloud.assignment(&set, MEMBER, &group));
    let same = cloud.assignment(&set, MEMBER, &group);
    assert_eq!(cloud.err("sso-admin:CreateAccountAssignment", same), "ConflictException");
    cloud.ok("sso-admin:CreateAccountAssignment", cloud.assignment(&set, DELEGATE, &group));
    let third = cloud.assignment(&set, MANAGEMENT, &group);
    assert_eq!(cloud.err("sso-admin:CreateAccountAssignment", third.clone()), "ThrottlingException");
    let running = cloud.sso(json!({"Filter": {"Status": "IN_PROGRESS"}}));
    let found = cloud.ok("sso-admin:ListAccountAssignmentCreationStatus", running.clone());
    assert_eq!(list(&found, "/AccountAssignmentsCreationStatus").len(), 2);
    cloud.wait(1);
    let found = cloud.ok("sso-admin:ListAccountAssignmentCreationStatus", running);
    assert!(list(&found, "/AccountAssignmentsCreationStatus").is_empty());
    cloud.ok("sso-admin:CreateAccountAssignment", third);
}

#[test]
fn twenty_calls_a_second() {
    let cloud = Cloud::with(Config { tps: 20.0, ..settings() });
    let ask = |cloud: &Cloud| cloud.reply("sso-admin:ListInstances", json!({})).answer.is_ok();
    assert_eq!((0..30).filter(|_| ask(&cloud)).count(), 20);
    assert_eq!(cloud.err("sso-admin:ListInstances", json!({})), "ThrottlingException");
    cloud.sandbox.advance(Duration::from_millis(500)).unwrap();
    assert_eq!((0..30).filter(|_| ask(&cloud)).count(), 10);
}

#[test]
fn the_delegate_stays_out_of_the_management_account() {
    let cloud = Cloud::new();
    let delegate = cloud.by("AKIADELEGATED1");
    let (set, shared, group) = (delegate.set("Own"), cloud.set("Shared"), cloud.group("Admins"));
    cloud.assign(&shared, MANAGEMENT, &group);
    assert_eq!(text(&delegate.assign(&set, MEMBER, &group), "/Status"), "SUCCEEDED");
    let there = cloud.assignment(&set, MANAGEMENT, &group);
    assert_eq!(delegate.err("sso-admin:CreateAccountAssignment", there), "AccessDeniedException");
    let input = cloud.sso(json!({"PermissionSetArn": shared, "Description": "x"}));
    assert_eq!(delegate.err("sso-admin:UpdatePermissionSet", input), "AccessDeniedException");
    let input = cloud.sso(json!({"PrincipalId": group, "PrincipalType": "GROUP"}));
    assert_eq!(delegate.err("sso-admin:ListAccountAssignmentsForPrincipal", input.clone()), "AccessDeniedException");
    assert_eq!(
        list(&cloud.ok("sso-admin:ListAccountAssignmentsForPrincipal", input), "/AccountAssignments").len(),
        2
    );
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    let input = cloud.sso(json!({}));
    assert_eq!(member.err("sso-admin:ListPermissionSets", input), "AccessDeniedException");
}

#[test]
fn lists_lag_behind_writes_and_descriptions_do_not() {
    let delays = Delays { propagation: Duration::from_millis(200), ..Delays::default() };
    let cloud = Cloud::with(Config { delays, ..settings() });
    let sets: Vec<String> = (0..8).map(|at| cloud.set(&format!("set{at}"))).collect();
    let all = |cloud: &Cloud| {
        list(&cloud.ok("sso-admin:ListPermissionSets", cloud.sso(json!({}))), "/PermissionSets").len()
    };
    assert!(all(&cloud) < 8);
    cloud.ok("sso-admin:DescribePermissionSet", cloud.sso(json!({"PermissionSetArn": sets[7]})));
    cloud.sandbox.advance(Duration::from_millis(201)).unwrap();
    assert_eq!(all(&cloud), 8);
}

#[test]
fn the_boundary_and_tags_are_kept() {
    let cloud = Cloud::new();
    let set = cloud.set("Admin");
    let named = cloud.sso(json!({"PermissionSetArn": set}));
    assert_eq!(
        cloud.err("sso-admin:GetPermissionsBoundaryForPermissionSet", named.clone()),
        "ResourceNotFoundException"
    );
    let input = cloud.sso(json!({"PermissionSetArn": set, "PermissionsBoundary": {"ManagedPolicyArn": READ_ONLY}}));
    cloud.ok("sso-admin:PutPermissionsBoundaryToPermissionSet", input);
    let found = cloud.ok("sso-admin:GetPermissionsBoundaryForPermissionSet", named);
    assert_eq!(text(&found, "/PermissionsBoundary/ManagedPolicyArn"), READ_ONLY);
    let tags = json!([{"Key": "cellc:address", "Value": "set.Admin"}]);
    cloud.ok("sso-admin:TagResource", cloud.sso(json!({"ResourceArn": set, "Tags": tags})));
    let found = cloud.ok("sso-admin:ListTagsForResource", cloud.sso(json!({"ResourceArn": set})));
    assert_eq!(list(&found, "/Tags"), *tags.as_array().unwrap());
    cloud.ok("sso-admin:UntagResource", cloud.sso(json!({"ResourceArn": set, "TagKeys": ["cellc:address"]})));
    let found = cloud.ok("sso-admin:ListTagsForResource", cloud.sso(json!({"ResourceArn": set})));
    assert!(list(&found, "/Tags").is_empty());
}
