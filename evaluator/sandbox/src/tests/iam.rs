//! IAM of one account, and STS.

use super::{Cloud, DELEGATE, MEMBER, list, text};
use serde_json::json;

const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn roles_and_policies_are_the_accounts_own() {
    let cloud = Cloud::new();
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    let role = json!({"RoleName": "deploy", "Path": "/ci/", "AssumeRolePolicyDocument": TRUST});
    member.ok("iam:CreateRole", role.clone());
    assert_eq!(member.err("iam:CreateRole", role), "EntityAlreadyExists");
    let other = cloud.by(&format!("AKIA{DELEGATE}"));
    assert_eq!(other.err("iam:GetRole", json!({"RoleName": "deploy"})), "NoSuchEntity");
    let attach = |arn: &str| json!({"RoleName": "deploy", "PolicyArn": arn});
    member.ok("iam:AttachRolePolicy", attach("arn:aws:iam::aws:policy/ReadOnlyAccess"));
    assert_eq!(member.err("iam:AttachRolePolicy", attach("arn:aws:iam::aws:policy/Nope")), "NoSuchEntity");
    assert_eq!(member.err("iam:DeleteRole", json!({"RoleName": "deploy"})), "DeleteConflict");
    let arn = format!("arn:aws:iam::{MEMBER}:role/ci/deploy");
    let session = cloud.ok("sts:AssumeRole", json!({"RoleArn": arn, "RoleSessionName": "test"}));
    let caller = cloud.by(&text(&session, "/Credentials/AccessKeyId")).ok("sts:GetCallerIdentity", json!({}));
    assert_eq!(text(&caller, "/Arn"), format!("arn:aws:sts::{MEMBER}:assumed-role/deploy/test"));
    let nobody = cloud.by("ASIAUNKNOWN");
    assert_eq!(nobody.err("sts:GetCallerIdentity", json!({})), "InvalidClientTokenId");
}

#[test]
fn documents_are_checked() {
    let cloud = Cloud::new();
    for document in ["", "[]", r#"{"Statement":[{"Effect":"Allow","Action":"nothing","Resource":"*"}]}"#] {
        let input = json!({"PolicyName": "p", "PolicyDocument": document});
        let code = cloud.err("iam:CreatePolicy", input);
        assert!(code == "MalformedPolicyDocument" || code == "ValidationError", "{document}: {code}");
    }
    let input = json!({"RoleName": "r", "AssumeRolePolicyDocument": r#"{"Version":"2012-10-17","Statement":[]}"#});
    assert_eq!(cloud.err("iam:CreateRole", input), "MalformedPolicyDocument");
}

#[test]
fn aws_policies_are_listed_by_name() {
    let cloud = Cloud::new();
    let found = cloud.ok("iam:ListPolicies", json!({"Scope": "AWS", "PathPrefix": "/job-function/"}));
    assert!(list(&found, "/Policies").iter().any(|policy| text(policy, "/PolicyName") == "ViewOnlyAccess"));
    let known = json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    cloud.ok("iam:GetPolicy", known);
    let unknown = json!({"PolicyArn": "arn:aws:iam::aws:policy/AdminAccess"});
    assert_eq!(cloud.err("iam:GetPolicy", unknown), "NoSuchEntity");
}
