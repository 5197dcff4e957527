//! Answers of `can`: a no has its true reasons.

use std::collections::BTreeMap;

use super::{fleet, grant, subject};
use crate::access::ask::{Ask, Can, Conditional, One, contradiction, doubts, misfit, no_resource};
use crate::access::pins::Pins;

fn asked(program: &str, action: &str, context: &[(&str, &str)]) -> One {
    let mut carried: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in context {
        carried.entry((*key).to_owned()).or_default().push((*value).to_owned());
    }
    let ask = Ask {
        principal: Some("group.dev".to_owned()),
        action: action.to_owned(),
        resource: "*".to_owned(),
        on: vec!["cell.p".to_owned()],
        context: carried,
    };
    let answer = subject(program, &Pins::default()).ask(&ask).unwrap();
    answer.answers.into_iter().next().unwrap()
}

fn said(all: &[Conditional]) -> Vec<String> {
    let one = |one: &Conditional| {
        let sid = one.statement.sid.clone().unwrap_or_default();
        format!("{} {sid} of {} [{}]", one.statement.effect, one.statement.policy, one.when.join(" or "))
    };
    all.iter().map(one).collect()
}

const KEYS: &str = r#"allow a { actions = ["kms:*"], resources = ["*"], when { "aws:SourceIp" in 10.0.0.0/8 } }"#;

#[test]
fn what_is_allowed_under_a_condition_and_denied_says_both() {
    let scp = "scp nokms { deny d { actions = [\"kms:ScheduleKeyDeletion\"], resources = [\"*\"] } }\n";
    let program = grant("S", KEYS).replace("org o {", "org o { scps = [scp.nokms], ") + scp;
    let one = asked(&program, "kms:ScheduleKeyDeletion", &[]);
    assert_eq!(one.can, Can::No);
    assert_eq!(said(&one.statements), ["deny D of scp.nokms []"]);
    assert_eq!(said(&one.allowing), ["allow A of permission_set.S [aws:SourceIp is 10.0.0.0/8]"]);
    assert!(one.missing.is_empty(), "{:?}", one.missing);
}

#[test]
fn a_condition_that_the_request_does_not_meet_is_told() {
    let one = asked(&grant("S", KEYS), "kms:Decrypt", &[("aws:SourceIp", "192.0.2.1")]);
    assert_eq!((one.can, one.missing.as_slice()), (Can::No, &["the policies of S".to_owned()][..]));
    assert_eq!(said(&one.unmet), ["allow A of permission_set.S [aws:SourceIp is 10.0.0.0/8]"]);
    assert_eq!(asked(&grant("S", KEYS), "kms:Decrypt", &[("aws:SourceIp", "10.1.2.3")]).can, Can::Yes);
}

#[test]
fn a_deny_under_a_condition_that_holds_says_which() {
    let set = r#"allow a { actions = ["s3:GetObject"], resources = ["*"], when { "aws:SourceIp" in 10.0.0.0/8 } }
        deny d { actions = ["s3:*"], resources = ["*"], when { "aws:SourceIp" in 10.0.0.0/7 } }"#;
    let one = asked(&grant("S", set), "s3:GetObject", &[]);
    assert_eq!(one.can, Can::No);
    assert_eq!(said(&one.statements), ["deny D of permission_set.S [aws:SourceIp is 10.0.0.0/7]"]);
    assert_eq!(said(&one.allowing), ["allow A of permission_set.S [aws:SourceIp is 10.0.0.0/8]"]);
}

#[test]
fn nothing_allows_what_no_statement_is_about() {
    let one = asked(&grant("S", KEYS), "s3:GetObject", &[]);
    assert_eq!((one.can, one.statements.len(), one.unmet.len()), (Can::No, 0, 0));
    assert_eq!(one.missing, ["the policies of S"]);
    let nobody = asked(&fleet(""), "s3:GetObject", &[]);
    assert!(nobody.can == Can::No && nobody.missing.is_empty());
}

#[test]
fn an_action_that_aws_does_not_list_is_doubted() {
    let fact = |action: &str| {
        doubts(action)
            .unwrap()
            .iter()
            .map(|fault| format!("{} {}", fault.message, fault.helps.join("; ")))
            .collect::<Vec<_>>()
    };
    let said = fact("s3:GetObjekt");
    assert!(said.len() == 1 && said[0].contains("`s3:GetObjekt`") && said[0].contains("s3:GetObject"), "{said:?}");
    for listed in ["s3:GetObject", "s3:*", "*"] {
        assert!(fact(listed).is_empty(), "{listed}");
    }
}

#[test]
fn what_no_request_is_has_no_policy_as_its_reason() {
    let ask = |action: &str, resource: &str| {
        let all = grant("S", r#"allow a { actions = ["*"], resources = ["*"], reason = "all" }"#);
        let ask = Ask { action: action.to_owned(), resource: resource.to_owned(), ..Ask::default() };
        subject(&all, &Pins::default()).ask(&ask).unwrap()
    };
    let answer = ask("ec2:RunInstances", "arn:aws:s3:::logs");
    let on = answer.asked_on.unwrap();
    assert!(on.iter().any(|arn| arn.ends_with(":instance/${InstanceId}")), "{on:?}");
    assert!(answer.answers.is_empty());
    assert_eq!(ask("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/i-1").asked_on.unwrap(), ["*"]);
    assert_eq!(ask("s3:GetObject", "arn:aws:s3:::logs/*").asked_on, None);
}

#[test]
fn what_no_request_carries_is_refused() {
    let told = |key: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        misfit(&[(key.to_owned(), values)].into()).unwrap()
    };
    let one = told("aws:RequestedRegion", &["eu-central-1", "us-east-1"]);
    assert_eq!(one.as_deref(), Some("a request has one value of aws:RequestedRegion, and 2 are given"));
    let twice = ["aws:SourceIp", "AWS:sourceip"].map(|key| (key.to_owned(), vec!["10.0.0.1".to_owned()]));
    let twice = misfit(&twice.into()).unwrap();
    assert_eq!(twice.as_deref(), Some("AWS:sourceip and aws:SourceIp are one key, and both are given"));
    assert_eq!(
        no_resource("arn:aws:kms").as_deref(),
        Some("`arn:aws:kms` is no ARN: one has six parts, with colons between")
    );
    assert_eq!((no_resource("arn:aws:s3:::b"), no_resource("arn:aws:kms*"), no_resource("*")), (None, None, None));
    let ip = told("aws:SourceIp", &["notanip"]);
    assert_eq!(ip.as_deref(), Some("`notanip` is no value of aws:SourceIp, which is an address"));
    for (key, values) in
        [("aws:TagKeys", &["a", "b"][..]), ("aws:SourceIp", &["10.0.0.1"]), ("aws:PrincipalTag/x", &["y"])]
    {
        assert_eq!(told(key, values), None, "{key}");
    }
}

#[test]
fn a_condition_that_no_request_meets_is_the_reason() {
    let set = r#"allow a { actions = ["iam:CreateUser"], resources = ["*"], when { "aws:RequestedRegion" == "eu-central-1" } }"#;
    let one = asked(&grant("S", set), "iam:CreateUser", &[]);
    assert_eq!(one.can, Can::No);
    assert_eq!(
        said(&one.unmet),
        ["allow A of permission_set.S [aws:RequestedRegion StringEquals eu-central-1]"],
        "{one:#?}"
    );
    let contradicts = |action: &str, resource: &str, key: &str, value: &str| {
        let context = [(key.to_owned(), vec![value.to_owned()])].into();
        let ask = Ask { action: action.to_owned(), resource: resource.to_owned(), context, ..Ask::default() };
        contradiction(&ask, "aws").is_some()
    };
    let queue = "arn:aws:sqs:eu-central-1:111122223333:q";
    assert!(contradicts("iam:CreateUser", "*", "aws:RequestedRegion", "eu-central-1"));
    assert!(!contradicts("iam:CreateUser", "*", "aws:RequestedRegion", "us-east-1"));
    assert!(!contradicts("iam:PassRole", "*", "aws:RequestedRegion", "eu-central-1"));
    assert!(contradicts("sqs:SendMessage", queue, "AWS:ResourceAccount", "999988887777"));
    assert!(!contradicts("sqs:SendMessage", queue, "aws:ResourceAccount", "111122223333"));
}
