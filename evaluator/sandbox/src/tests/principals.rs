//! The identity store.

use super::{Cloud, MEMBER, join, list, text};
use serde_json::{Value, json};

fn store(cloud: &Cloud, more: Value) -> Value {
    let mut input = json!({"IdentityStoreId": cloud.sandbox.lock().state.sso.store});
    join(&mut input, more);
    input
}

#[test]
fn names_are_unique_whatever_their_case() {
    let cloud = Cloud::new();
    let again = store(&cloud, json!({"DisplayName": "ADMINS"}));
    let expected = "ConflictException/UNIQUENESS_CONSTRAINT_VIOLATION";
    assert_eq!(cloud.err("identitystore:CreateGroup", again), expected);
    let by = json!({"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "Nobody"}});
    let missing = store(&cloud, json!({"AlternateIdentifier": by}));
    assert_eq!(cloud.err("identitystore:GetGroupId", missing), "ResourceNotFoundException");
    let wrong = json!({"IdentityStoreId": "d-0000000000"});
    assert_eq!(cloud.err("identitystore:ListGroups", wrong), "ResourceNotFoundException");
}

#[test]
fn a_user_reaches_what_its_groups_reach() {
    let cloud = Cloud::new();
    let by = json!({"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "alice"}});
    let input = store(&cloud, json!({"AlternateIdentifier": by}));
    let alice = text(&cloud.ok("identitystore:GetUserId", input), "/UserId");
    let group = cloud.group("Admins");
    let joining = store(&cloud, json!({"GroupId": group, "MemberId": {"UserId": alice}}));
    let member = text(&cloud.ok("identitystore:CreateGroupMembership", joining.clone()), "/MembershipId");
    let expected = "ConflictException/UNIQUENESS_CONSTRAINT_VIOLATION";
    assert_eq!(cloud.err("identitystore:CreateGroupMembership", joining), expected);
    cloud.assign(&cloud.set("Admin"), MEMBER, &group);
    let ask = |cloud: &Cloud| {
        let input = cloud.sso(json!({"PrincipalId": alice, "PrincipalType": "USER"}));
        list(&cloud.ok("sso-admin:ListAccountAssignmentsForPrincipal", input), "/AccountAssignments")
    };
    assert_eq!(text(&ask(&cloud)[0], "/PrincipalId"), group);
    cloud.ok("identitystore:DeleteGroupMembership", store(&cloud, json!({"MembershipId": member})));
    assert!(ask(&cloud).is_empty());
}

#[test]
fn a_deleted_group_is_gone_everywhere() {
    let cloud = Cloud::new();
    let group = cloud.group("Admins");
    cloud.ok("identitystore:DeleteGroup", store(&cloud, json!({"GroupId": group})));
    let input = store(&cloud, json!({"GroupId": group}));
    assert_eq!(cloud.err("identitystore:DescribeGroup", input), "ResourceNotFoundException");
    assert_eq!(list(&cloud.ok("identitystore:ListGroups", store(&cloud, json!({}))), "/Groups").len(), 1);
    cloud.ok("identitystore:CreateGroup", store(&cloud, json!({"DisplayName": "Admins"})));
    assert_ne!(cloud.group("Admins"), group);
}
