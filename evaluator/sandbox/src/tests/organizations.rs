//! Organizations: names, e-mails, moves, closings, policies, pages.

use super::{Cloud, DELEGATE, MANAGEMENT, MEMBER, list, settings, text};
use crate::{Config, Quotas};
use serde_json::json;

fn create(cloud: &Cloud, email: &str) -> String {
    let input = json!({"Email": email, "AccountName": "new", "Tags": [{"Key": "a", "Value": "b"}]});
    text(&cloud.ok("organizations:CreateAccount", input), "/CreateAccountStatus/Id")
}

fn status(cloud: &Cloud, id: &str) -> serde_json::Value {
    let input = json!({"CreateAccountRequestId": id});
    cloud.ok("organizations:DescribeCreateAccountStatus", input).pointer("/CreateAccountStatus").cloned().unwrap()
}

#[test]
fn an_account_is_made_in_the_root_after_a_while() {
    let cloud = Cloud::new();
    let id = create(&cloud, "new@example.com");
    assert_eq!(text(&status(&cloud, &id), "/State"), "IN_PROGRESS");
    cloud.wait(1);
    let done = status(&cloud, &id);
    assert_eq!(text(&done, "/State"), "SUCCEEDED");
    assert!(done.get("Email").is_none());
    let account = text(&done, "/AccountId");
    let parents = cloud.ok("organizations:ListParents", json!({"ChildId": account}));
    assert_eq!(text(&parents, "/Parents/0/Type"), "ROOT");
    let tags = cloud.ok("organizations:ListTagsForResource", json!({"ResourceId": account}));
    assert_eq!(text(&tags, "/Tags/0/Key"), "a");

    let role = format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
    let assume = json!({"RoleArn": role, "RoleSessionName": "test"});
    assert_eq!(cloud.err("sts:AssumeRole", assume.clone()), "AccessDenied", "not ready yet");
    cloud.wait(1);
    let session = cloud.by(&text(&cloud.ok("sts:AssumeRole", assume), "/Credentials/AccessKeyId"));
    assert_eq!(text(&session.ok("sts:GetCallerIdentity", json!({})), "/Account"), account);
    cloud.wait(3_601);
    assert_eq!(session.err("sts:GetCallerIdentity", json!({})), "ExpiredToken");
}

#[test]
fn an_email_is_used_once_and_for_ever() {
    let cloud = Cloud::new();
    let (first, second) = (create(&cloud, "New@example.com"), create(&cloud, "new@example.com"));
    cloud.wait(3);
    assert_eq!(text(&status(&cloud, &first), "/State"), "SUCCEEDED");
    assert_eq!(text(&status(&cloud, &second), "/FailureReason"), "EMAIL_ALREADY_EXISTS");
    let account = text(&status(&cloud, &first), "/AccountId");
    cloud.ok("organizations:CloseAccount", json!({"AccountId": account}));
    let state = |cloud: &Cloud| {
        text(&cloud.ok("organizations:DescribeAccount", json!({"AccountId": account})), "/Account/State")
    };
    assert_eq!(state(&cloud), "PENDING_CLOSURE");
    cloud.wait(2);
    assert_eq!(state(&cloud), "CLOSED");
    let again = json!({"AccountId": account});
    assert_eq!(cloud.err("organizations:CloseAccount", again.clone()), "AccountAlreadyClosedException");
    cloud.wait(91 * 86_400);
    assert_eq!(cloud.err("organizations:DescribeAccount", again), "AccountNotFoundException");
    let third = create(&cloud, "new@example.com");
    cloud.wait(3);
    assert_eq!(text(&status(&cloud, &third), "/FailureReason"), "EMAIL_ALREADY_EXISTS");
}

#[test]
fn quotas_hold() {
    let quotas = Quotas { accounts: 10, ..Quotas::default() };
    let cloud = Cloud::with(Config { quotas, ..settings() });
    for at in 0..5 {
        create(&cloud, &format!("a{at}@example.com"));
    }
    let sixth = json!({"Email": "a6@example.com", "AccountName": "x"});
    assert_eq!(cloud.err("organizations:CreateAccount", sixth), "TooManyRequestsException");
    cloud.wait(3);
    create(&cloud, "b1@example.com");
    create(&cloud, "b2@example.com");
    let last = json!({"Email": "b3@example.com", "AccountName": "x"});
    let expected = "ConstraintViolationException/ACCOUNT_NUMBER_LIMIT_EXCEEDED";
    assert_eq!(cloud.err("organizations:CreateAccount", last), expected);
}

#[test]
fn units_have_unique_names_and_go_when_empty() {
    let cloud = Cloud::new();
    let root = cloud.root();
    let unit = cloud.unit(&root, "Workloads");
    let again = json!({"ParentId": root, "Name": "Workloads"});
    let expected = "DuplicateOrganizationalUnitException";
    assert_eq!(cloud.err("organizations:CreateOrganizationalUnit", again), expected);
    cloud.unit(&unit, "Workloads");
    let delete = json!({"OrganizationalUnitId": unit});
    assert_eq!(cloud.err("organizations:DeleteOrganizationalUnit", delete), "OrganizationalUnitNotEmptyException");
    let mut parent = unit;
    for level in 0..4 {
        parent = cloud.unit(&parent, &format!("level {level}"));
    }
    let deeper = json!({"ParentId": parent, "Name": "too deep"});
    let expected = "ConstraintViolationException/OU_DEPTH_LIMIT_EXCEEDED";
    assert_eq!(cloud.err("organizations:CreateOrganizationalUnit", deeper), expected);
}

#[test]
fn a_move_names_the_right_source() {
    let cloud = Cloud::new();
    let root = cloud.root();
    let (a, b) = (cloud.unit(&root, "a"), cloud.unit(&root, "b"));
    let go = |from: &str, to: &str| json!({"AccountId": MEMBER, "SourceParentId": from, "DestinationParentId": to});
    assert_eq!(cloud.err("organizations:MoveAccount", go(&a, &b)), "SourceParentNotFoundException");
    cloud.ok("organizations:MoveAccount", go(&root, &a));
    assert_eq!(cloud.err("organizations:MoveAccount", go(&a, &a)), "DuplicateAccountException");
    let accounts = cloud.ok("organizations:ListAccountsForParent", json!({"ParentId": a}));
    assert_eq!(text(&accounts, "/Accounts/0/Id"), MEMBER);
    assert!(text(&accounts, "/Accounts/0/Paths/0").ends_with(&format!("/{root}/{a}/{MEMBER}/")));
}

#[test]
fn policies_are_bounded_and_in_use() {
    let cloud = Cloud::new();
    let root = cloud.root();
    let policy = |name: &str, content: &str| json!({"Name": name, "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": content});
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let make =
        |name: &str| text(&cloud.ok("organizations:CreatePolicy", policy(name, deny)), "/Policy/PolicySummary/Id");
    let first = make("p0");
    assert_eq!(cloud.err("organizations:CreatePolicy", policy("p0", deny)), "DuplicatePolicyException");
    let expected = "MalformedPolicyDocumentException";
    assert_eq!(cloud.err("organizations:CreatePolicy", policy("bad", r#"{"Statement":[]}"#)), expected);
    let long = deny.replace("s3:*", &format!("s3:{}", "x".repeat(5_200)));
    let expected = "ConstraintViolationException/POLICY_CONTENT_LIMIT_EXCEEDED";
    assert_eq!(cloud.err("organizations:CreatePolicy", policy("long", &long)), expected);

    let on = |policy: &str| json!({"PolicyId": policy, "TargetId": root});
    cloud.ok("organizations:AttachPolicy", on(&first));
    assert_eq!(cloud.err("organizations:AttachPolicy", on(&first)), "DuplicatePolicyAttachmentException");
    assert_eq!(cloud.err("organizations:DeletePolicy", json!({"PolicyId": first})), "PolicyInUseException");
    for name in ["p1", "p2", "p3"] {
        cloud.ok("organizations:AttachPolicy", on(&make(name)));
    }
    let expected = "ConstraintViolationException/MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
    assert_eq!(cloud.err("organizations:AttachPolicy", on(&make("p4"))), expected);

    let last = json!({"PolicyId": "p-FullAWSAccess", "TargetId": MEMBER});
    let expected = "ConstraintViolationException/MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
    assert_eq!(cloud.err("organizations:DetachPolicy", last), expected);
    let change = json!({"PolicyId": "p-FullAWSAccess", "Name": "mine"});
    assert_eq!(cloud.err("organizations:UpdatePolicy", change), "InvalidInputException/IMMUTABLE_POLICY");
}

#[test]
fn resource_control_policies_are_a_type_of_their_own() {
    let cloud = Cloud::new();
    let root = cloud.root();
    let kind = "RESOURCE_CONTROL_POLICY";
    let make = |content: &str| json!({"Name": "perimeter", "Description": "", "Type": kind, "Content": content});
    let deny =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
    let malformed = "MalformedPolicyDocumentException";
    for bad in
        [deny.replace("Deny", "Allow"), deny.replace(r#""Principal":"*","#, ""), deny.replace("Action", "NotAction")]
    {
        assert_eq!(cloud.err("organizations:CreatePolicy", make(&bad)), malformed, "{bad}");
    }
    let id = text(&cloud.ok("organizations:CreatePolicy", make(deny)), "/Policy/PolicySummary/Id");
    let on = json!({"PolicyId": id, "TargetId": root});
    assert_eq!(cloud.err("organizations:AttachPolicy", on.clone()), "PolicyTypeNotEnabledException");
    cloud.ok("organizations:EnablePolicyType", json!({"RootId": root, "PolicyType": kind}));
    cloud.ok("organizations:AttachPolicy", on);
    let of = |kind: &str| {
        let found = cloud.ok("organizations:ListPoliciesForTarget", json!({"TargetId": root, "Filter": kind}));
        list(&found, "/Policies").iter().map(|policy| text(policy, "/Name")).collect::<Vec<_>>()
    };
    assert_eq!(of("SERVICE_CONTROL_POLICY"), ["FullAWSAccess"]);
    let mut own = of(kind);
    own.sort();
    assert_eq!(own, ["RCPFullAWSAccess", "perimeter"]);
    let full = json!({"PolicyId": "p-RCPFullAWSAccess", "TargetId": root});
    assert_eq!(cloud.err("organizations:DetachPolicy", full), "InvalidInputException/IMMUTABLE_POLICY");
}

#[test]
fn switching_the_policy_type_off_loses_every_attachment() {
    let cloud = Cloud::new();
    let input = json!({"RootId": cloud.root(), "PolicyType": "SERVICE_CONTROL_POLICY"});
    cloud.ok("organizations:DisablePolicyType", input.clone());
    let filter = json!({"TargetId": MEMBER, "Filter": "SERVICE_CONTROL_POLICY"});
    assert!(list(&cloud.ok("organizations:ListPoliciesForTarget", filter.clone()), "/Policies").is_empty());
    let attach = json!({"PolicyId": "p-FullAWSAccess", "TargetId": MEMBER});
    assert_eq!(cloud.err("organizations:AttachPolicy", attach), "PolicyTypeNotEnabledException");
    cloud.ok("organizations:EnablePolicyType", input.clone());
    assert_eq!(cloud.err("organizations:EnablePolicyType", input), "PolicyTypeAlreadyEnabledException");
    assert_eq!(list(&cloud.ok("organizations:ListPoliciesForTarget", filter), "/Policies").len(), 1);
}

#[test]
fn leaving_and_closing_have_conditions() {
    let cloud = Cloud::new();
    let id = create(&cloud, "new@example.com");
    cloud.wait(3);
    let account = text(&status(&cloud, &id), "/AccountId");
    let leave = json!({"AccountId": account});
    let expected = "ConstraintViolationException/WAIT_PERIOD_ACTIVE";
    assert_eq!(cloud.err("organizations:RemoveAccountFromOrganization", leave.clone()), expected);
    cloud.wait(8 * 86_400);
    cloud.ok("organizations:RemoveAccountFromOrganization", leave);
    let expected = "ConstraintViolationException/CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG";
    assert_eq!(cloud.err("organizations:RemoveAccountFromOrganization", json!({"AccountId": DELEGATE})), expected);
    let expected = "ConstraintViolationException/CANNOT_CLOSE_MANAGEMENT_ACCOUNT";
    assert_eq!(cloud.err("organizations:CloseAccount", json!({"AccountId": MANAGEMENT})), expected);
}

#[test]
fn pages_may_be_short_or_empty_and_lose_nothing() {
    let cloud = Cloud::with(Config { empty_pages: true, page: Some(1), ..settings() });
    let first = cloud.ok("organizations:ListAccounts", json!({}));
    assert!(list(&first, "/Accounts").is_empty());
    let mut token = text(&first, "/NextToken");
    let mut seen = Vec::new();
    loop {
        let page = cloud.ok("organizations:ListAccounts", json!({"NextToken": token}));
        seen.extend(list(&page, "/Accounts").iter().map(|account| text(account, "/Id")));
        match page.get("NextToken") {
            Some(next) => token = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [MANAGEMENT, MEMBER, DELEGATE]);
    let wrong = json!({"NextToken": "made up"});
    assert_eq!(cloud.err("organizations:ListAccounts", wrong), "InvalidInputException/INVALID_NEXT_TOKEN");
    let many = json!({"MaxResults": 21});
    assert_eq!(cloud.err("organizations:ListAccounts", many), "InvalidInputException/MAX_VALUE_EXCEEDED");
}

#[test]
fn members_may_not_ask() {
    let cloud = Cloud::new();
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    assert_eq!(member.err("organizations:ListAccounts", json!({})), "AccessDeniedException");
    member.ok("organizations:DescribeOrganization", json!({}));
    let delegate = cloud.by("AKIADELEGATED1");
    delegate.ok("organizations:ListAccounts", json!({}));
    let create = json!({"ParentId": cloud.root(), "Name": "x"});
    assert_eq!(delegate.err("organizations:CreateOrganizationalUnit", create), "AccessDeniedException");
    assert_eq!(cloud.err("organizations:NoSuchThing", json!({})), "UnknownOperationException");
}

#[test]
fn names_of_accounts_are_changed_from_the_management_account() {
    let cloud = Cloud::new();
    cloud.ok("account:PutAccountName", json!({"AccountId": MEMBER, "AccountName": "renamed"}));
    let found = cloud.ok("account:GetAccountInformation", json!({"AccountId": MEMBER}));
    assert_eq!(text(&found, "/AccountName"), "renamed");
    let own = json!({"AccountId": MANAGEMENT, "AccountName": "x"});
    assert_eq!(cloud.err("account:PutAccountName", own), "ValidationException");
    let other = json!({"AccountId": DELEGATE, "AccountName": "x"});
    assert_eq!(cloud.by(&format!("AKIA{MEMBER}")).err("account:PutAccountName", other), "AccessDeniedException");
}
