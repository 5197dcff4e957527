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
    // Its time is over, also when the sandbox has given a thousand others since.
    cloud.sandbox.advance(std::time::Duration::from_hours(2)).unwrap();
    let over = cloud.by(&text(&session, "/Credentials/AccessKeyId"));
    assert_eq!(over.err("sts:GetCallerIdentity", json!({})), "ExpiredToken");
    for _ in 0..1_000 {
        cloud.ok("sts:AssumeRole", json!({"RoleArn": arn, "RoleSessionName": "test"}));
    }
    assert_eq!(over.err("sts:GetCallerIdentity", json!({})), "ExpiredToken");
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

#[test]
fn aws_policies_have_documents() {
    let cloud = Cloud::new();
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = cloud.ok("iam:GetPolicy", json!({"PolicyArn": arn}));
    let version = text(&policy, "/Policy/DefaultVersionId");
    let asked = |version: &str| json!({"PolicyArn": arn, "VersionId": version});
    let found = cloud.ok("iam:GetPolicyVersion", asked(&version));
    let document = text(&found, "/PolicyVersion/Document");
    assert!(document.contains("s3%3AGet%2A") && document.contains("%22Effect%22%3A%22Allow%22"), "{document}");
    assert_eq!(cloud.err("iam:GetPolicyVersion", asked("v99999")), "NoSuchEntity");
    let unknown = json!({"PolicyArn": "arn:aws:iam::aws:policy/AdminAccess", "VersionId": "v1"});
    assert_eq!(cloud.err("iam:GetPolicyVersion", unknown), "NoSuchEntity");
}

#[test]
fn aws_changes_its_policies() {
    let policy = crate::config::AwsPolicy {
        version: "v999".to_owned(),
        created: "2015-02-06T18:39:48Z".to_owned(),
        updated: "2027-01-02T00:00:00Z".to_owned(),
        reduced: false,
        document: json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}),
    };
    let aws_policies = [("ReadOnlyAccess".to_owned(), policy)].into();
    let cloud = Cloud::with(crate::Config { aws_policies, ..super::settings() });
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let found = cloud.ok("iam:GetPolicy", json!({"PolicyArn": arn}));
    assert_eq!(text(&found, "/Policy/DefaultVersionId"), "v999");
    let found = cloud.ok("iam:GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v999"}));
    assert!(text(&found, "/PolicyVersion/Document").contains("Deny"));
    assert_eq!(text(&found, "/PolicyVersion/CreateDate"), "2027-01-02T00:00:00Z");
}
