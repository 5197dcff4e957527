//! Each lint on a statement that it is for, and on one like it that is well.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Finding, Holder, Kind, Linter, Setting};
use crate::access::Part;
use crate::data;
use crate::policy::parse;

/// What is found in a document of this one statement, each as `code at place: fact; help; edit`.
fn found_of(of: Holder, regions: &[&str], statement: &str) -> Vec<String> {
    found_beside(of, regions, statement, &[])
}

fn found_beside(of: Holder, regions: &[&str], statements: &str, beside: &[Part]) -> Vec<String> {
    let text = document(statements);
    let origin: Arc<str> = "test".into();
    let document = parse(&text, &origin).unwrap();
    let regions: Vec<SmolStr> = regions.iter().copied().map(SmolStr::new).collect();
    let setting = Setting { catalogue: data::all().unwrap(), of, partition: "aws", regions: &regions };
    Linter::new(setting).lint(&document, beside).iter().map(|finding| shown(&text, finding)).collect()
}

fn document(statements: &str) -> String {
    format!(r#"{{ "Version": "2012-10-17", "Statement": {statements} }}"#)
}

fn shown(text: &str, finding: &Finding) -> String {
    let part = |at: &crate::policy::Source| &text[at.start as usize..at.end as usize];
    let mut out = format!("{} at {}: {}", finding.kind.code(), part(&finding.at), finding.fact);
    for also in &finding.also {
        out.push_str(&format!("; at {}: {}", part(&also.at), also.says));
    }
    out.extend(finding.help.iter().map(|help| format!("; {help}")));
    out.extend(finding.edit.iter().map(|edit| format!("; {} → {}", part(&edit.at), edit.by)));
    out
}

fn found(statement: &str) -> Vec<String> {
    found_of(Holder::PermissionSet, &[], statement)
}

fn allow(actions: &str, resource: &str, condition: &str) -> String {
    format!(r#"{{ "Effect": "Allow", "Action": {actions}, "Resource": {resource}, "Condition": {condition} }}"#)
}

#[test]
fn codes_are_in_order_and_unique() {
    let codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), Kind::ALL.len());
    assert!(codes[..10].is_sorted());
}

#[test]
fn an_unknown_action_is_found_with_the_nearest() {
    let of = |action: &str| found(&allow(action, r#""*""#, "{}"));
    assert_eq!(
        of(r#""s3:GetObjekt""#),
        [
            r#"W0705 at "s3:GetObjekt": `s3:GetObjekt` is no action that AWS lists (as of 2026-09-26); did you mean `s3:GetObject`?; "s3:GetObjekt" → s3:GetObject"#
        ]
    );
    assert_eq!(
        of(r#"["ec2:Descibe*", "ecr:Get*"]"#),
        [r#"W0705 at "ec2:Descibe*": no action that AWS lists matches `ec2:Descibe*` (as of 2026-09-26)"#]
    );
    assert_eq!(
        of(r#"["dynamodbb:GetItem", "dynamodbb:PutItem"]"#),
        [
            r#"W0705 at "dynamodbb:GetItem": `dynamodbb` is no service that AWS lists (as of 2026-09-26); did you mean `dynamodb:GetItem`?; "dynamodbb:GetItem" → dynamodb:GetItem"#
        ]
    );
    assert_eq!(
        of(r#""cloudwatchlogs:FilterLogEvents""#),
        [
            r#"W0705 at "cloudwatchlogs:FilterLogEvents": `cloudwatchlogs` is no service that AWS lists (as of 2026-09-26); there is `logs:FilterLogEvents`"#
        ]
    );
    assert_eq!(of(r#"["S3:getobject", "*", "s?:*", "iam:*Role*"]"#), Vec::<String>::new());
}

#[test]
fn a_key_that_the_actions_do_not_carry_is_found() {
    assert_eq!(
        found(&allow(r#""s3:GetObject""#, r#""*""#, r#"{ "StringLike": { "s3:prefix": "home/*" } }"#)),
        [
            r#"W0706 at "home/*": `s3:GetObject` does not carry `s3:prefix`, so this never holds (as of 2026-09-26); at "s3:GetObject": the actions"#
        ]
    );
    assert_eq!(
        found(&allow(r#""s3:GetObject""#, r#""*""#, r#"{ "StringNotLike": { "s3:prefix": "home/*" } }"#)),
        [
            r#"W0706 at "home/*": `s3:GetObject` does not carry `s3:prefix`, so this always holds (as of 2026-09-26); at "s3:GetObject": the actions"#
        ]
    );
    assert_eq!(
        found(&allow(
            r#"["s3:ListBucket", "s3:GetObject", "s3:Put*"]"#,
            r#""*""#,
            r#"{ "StringLike": { "s3:prefix": "home/*" } }"#
        )),
        [
            r#"W0706 at "s3:GetObject": `s3:GetObject` does not carry `s3:prefix`, so this never allows it; at "home/*": the condition; give the other actions a statement of their own"#
        ]
    );
    assert_eq!(
        found(&allow(r#""s3:*""#, r#""*""#, r#"{ "StringLike": { "aws:SourceIpp": "10.*" } }"#)),
        [
            r#"W0706 at "10.*": none of these actions carries `aws:SourceIpp`, so this never holds (as of 2026-09-26); at "s3:*": the actions; did you mean `aws:SourceIp`?"#
        ]
    );
    assert_eq!(
        found(&allow(
            r#"["ec2:DescribeInstances", "ec2:StopInstances"]"#,
            r#""*""#,
            r#"{ "StringEquals": { "aws:ResourceTag/team": "a" } }"#
        )),
        [
            r#"W0706 at "ec2:DescribeInstances": `ec2:DescribeInstances` does not carry `aws:ResourceTag/team`, so this never allows it; at "a": the condition; give the other actions a statement of their own"#
        ]
    );
    for well in [
        allow(r#""s3:ListBucket""#, r#""*""#, r#"{ "StringLike": { "S3:Prefix": "home/*" } }"#),
        allow(r#""s3:*""#, r#""*""#, r#"{ "StringLike": { "s3:prefix": "home/*", "aws:SourceVpce": "v" } }"#),
        allow(r#""iam:PassRole""#, r#""*""#, r#"{ "StringEquals": { "iam:PassedToService": "ec2.amazonaws.com" } }"#),
        allow(r#""kms:Decrypt""#, r#""*""#, r#"{ "StringEquals": { "kms:EncryptionContext:app": "a" } }"#),
        allow(r#""sts:TagSession""#, r#""*""#, r#"{ "StringEquals": { "aws:RequestTag/team": "a" } }"#),
        allow(r#""sts:AssumeRole""#, r#""*""#, r#"{ "StringEquals": { "example.com:aud": "a" } }"#),
        allow(r#""s4:Unknown""#, r#""*""#, r#"{ "StringEquals": { "s3:prefix": "a" } }"#),
    ] {
        let found: Vec<_> = found(&well).into_iter().filter(|line| line.starts_with("W0706")).collect();
        assert_eq!(found, Vec::<String>::new(), "{well}");
    }
}

#[test]
fn a_wildcard_that_none_reads_is_found() {
    let of = |condition: &str| found(&allow(r#""s3:ListBucket""#, r#""*""#, condition));
    assert_eq!(
        of(r#"{ "StringNotEquals": { "s3:prefix": ["home/*", "x"] } }"#),
        [
            r#"W0707 at "home/*": `StringNotEquals` takes `home/*` letter by letter, wildcards too; `StringNotLike` reads `*` and `?`"#
        ]
    );
    assert_eq!(of(r#"{ "StringEquals": { "s3:prefix": ["${*}", "${aws:userid}/x"] } }"#), Vec::<String>::new());
    assert_eq!(of(r#"{ "ArnEquals": { "aws:SourceArn": "arn:aws:iam::*:role/a" } }"#), Vec::<String>::new());
}

#[test]
fn all_of_nothing_is_found() {
    let of = |condition: &str| found(&allow(r#""dynamodb:GetItem""#, r#""*""#, condition));
    let keys = r#""ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "a" }"#;
    assert_eq!(
        of(&format!("{{ {keys} }}")),
        [
            r#"W0708 at "a": `ForAllValues` also holds of a request without `dynamodb:LeadingKeys`; ask that it is there too: `"Null": { "dynamodb:LeadingKeys": "false" }`"#
        ]
    );
    assert_eq!(of(&format!(r#"{{ {keys}, "Null": {{ "dynamodb:leadingkeys": "false" }} }}"#)), Vec::<String>::new());
    assert_eq!(of(r#"{ "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }"#), Vec::<String>::new());
    let deny = allow(r#""dynamodb:GetItem""#, r#""*""#, &format!("{{ {keys} }}")).replace("Allow", "Deny");
    assert_eq!(found(&deny), Vec::<String>::new());
}

#[test]
fn a_variable_that_iam_does_not_expand_is_found() {
    let of = |resource: &str| found(&allow(r#""sqs:SendMessage""#, resource, "{}"));
    assert_eq!(
        of(r#""arn:aws:sqs:*:${aws:PrincipalAccount}:q""#),
        [
            r#"W0709 at "arn:aws:sqs:*:${aws:PrincipalAccount}:q": IAM does not expand `${aws:PrincipalAccount}` before the fifth colon of an ARN; write the account or region there, or `*` with a condition on `aws:ResourceAccount`"#
        ]
    );
    assert_eq!(of(r#""arn:aws:sqs:*:*:${aws:userid}-q""#), Vec::<String>::new());
}

#[test]
fn a_list_that_misses_a_region_is_found() {
    for (effect, operator, list, fact) in [
        (
            "Deny",
            "StringNotEquals",
            r#"["us-west-2", "eu-west-1"]"#,
            "the region `eu-central-1` is in use and not in this list",
        ),
        (
            "Allow",
            "StringEquals",
            r#""us-west-2""#,
            "the regions `eu-west-1`, `eu-central-1` are in use and not in this list",
        ),
        ("Allow", "StringLike", r#"["us-*", "eu-*"]"#, ""),
        // To name some regions that are denied, or one where nothing runs, is something else.
        ("Deny", "StringEquals", r#""us-west-2""#, ""),
        ("Allow", "StringEquals", r#""us-east-1""#, ""),
        ("Deny", "StringNotEquals", r#"["us-west-2", "eu-west-1", "eu-central-1", "us-east-1"]"#, ""),
    ] {
        let text = format!(r#"{{ "{operator}": {{ "aws:RequestedRegion": {list} }} }}"#);
        let statement = allow(r#""s3:*""#, r#""*""#, &text).replace("Allow", effect);
        let all = found_of(Holder::Organization, &["us-west-2", "eu-west-1", "eu-central-1"], &statement);
        assert_eq!(all.len(), usize::from(!fact.is_empty()), "{all:?}");
        assert!(all.iter().all(|line| line.contains(fact)), "{all:?}");
    }
}

#[test]
fn what_no_session_is_is_found() {
    let of = |condition: &str| found(&allow(r#""s3:ListBucket""#, r#""*""#, condition));
    assert_eq!(
        of(r#"{ "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::*:role/Foo" } }"#),
        [
            r#"W0701 at "arn:aws:iam::*:role/Foo": `aws:PrincipalArn` is never so in a session of IAM Identity Center, so this never holds; it is of the form `arn:aws:iam::ACCOUNT:role/aws-reserved/sso.amazonaws.com/REGION/AWSReservedSSO_NAME_SUFFIX`"#
        ]
    );
    assert_eq!(
        of(r#"{ "StringEquals": { "aws:PrincipalType": ["User", "Account"] } }"#),
        [
            r#"W0701 at ["User", "Account"]: `aws:PrincipalType` is never so in a session of IAM Identity Center, so this never holds; it is `AssumedRole`"#
        ]
    );
    assert_eq!(
        of(r#"{ "Null": { "aws:SecureTransport": "true" } }"#),
        [
            r#"W0701 at "true": `aws:SecureTransport` is in every request of a session of IAM Identity Center, so this never holds"#
        ]
    );
    assert_eq!(
        of(r#"{ "StringEquals": { "aws:ViaAWSService": "no" } }"#),
        [
            r#"W0701 at "no": `aws:ViaAWSService` is never so in a session of IAM Identity Center, so this never holds; it is `true` or `false`"#
        ]
    );
    for holds in [
        r#"{ "Bool": { "aws:SecureTransport": "true" } }"#,
        r#"{ "DateLessThan": { "aws:CurrentTime": "2027-01-01T00:00:00Z" } }"#,
        r#"{ "StringEquals": { "aws:RequestedRegion": "eu-central-1" } }"#,
        r#"{ "ForAllValues:StringLike": { "aws:PrincipalOrgPaths": "o-a/*" }, "Null": { "aws:PrincipalOrgPaths": "false" } }"#,
        r#"{ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_A_*" } }"#,
        r#"{ "StringLike": { "aws:PrincipalArn": "*" } }"#,
        r#"{ "ArnNotEquals": { "aws:PrincipalArn": "arn:aws:iam::*:role/Foo" } }"#,
        r#"{ "StringEquals": { "aws:PrincipalAccount": ["111122223333", "${aws:ResourceAccount}"] } }"#,
    ] {
        assert_eq!(of(holds), Vec::<String>::new(), "{holds}");
    }
}

#[test]
fn what_no_session_carries_is_found() {
    let of = |condition: &str| found(&allow(r#""s3:*""#, r#""*""#, condition));
    assert_eq!(
        of(r#"{ "Bool": { "aws:MultiFactorAuthPresent": "true" } }"#),
        [
            r#"W0701 at "true": `aws:MultiFactorAuthPresent` is in no session of IAM Identity Center, so this never holds; Identity Center asks for MFA at sign-in, and its sessions do not say so"#
        ]
    );
    assert_eq!(of(r#"{ "Null": { "aws:username": "false" } }"#).len(), 1);
    assert_eq!(of(r#"{ "Null": { "aws:username": "true" } }"#), Vec::<String>::new());
    assert_eq!(of(r#"{ "BoolIfExists": { "aws:MultiFactorAuthPresent": "true" } }"#), Vec::<String>::new());
    assert_eq!(of(r#"{ "StringNotEquals": { "aws:username": "root" } }"#), Vec::<String>::new());
    let mfa = allow(r#""s3:*""#, r#""*""#, r#"{ "Bool": { "aws:MultiFactorAuthPresent": "true" } }"#);
    assert_eq!(found_of(Holder::Identity, &[], &mfa), Vec::<String>::new());
}

/// Statements by their `Sid`, each as `effect actions on resource [condition]`, and what is found: `code Sid fact`.
fn vain(statements: &[(&str, &str, &str, &str)], beside: &[Part]) -> Vec<String> {
    let one = |(sid, effect, actions, rest): &(&str, &str, &str, &str)| {
        format!(r#"{{ "Sid": "{sid}", "Effect": "{effect}", {actions}, {rest} }}"#)
    };
    let all: Vec<String> = statements.iter().map(one).collect();
    let text = format!("[{}]", all.join(", "));
    let sid = |place: &str| place.split('"').nth(3).unwrap_or(place).to_owned();
    let short = |line: String| {
        let (head, rest) = line.split_once(" at ").unwrap();
        let mut parts = rest.split("; at ");
        let first = parts.next().unwrap_or_default();
        let (place, fact) = first.rsplit_once(": ").unwrap_or((first, ""));
        let fact =
            if first.contains("no request fits") { first.split("no request fits").nth(1).unwrap() } else { fact };
        let also: Vec<String> =
            parts.map(|part| format!("{} {}", sid(part), part.rsplit(": ").next().unwrap())).collect();
        [vec![format!("{head} {}: {fact}", sid(place))], also].concat().join("; ")
    };
    found_beside(Holder::PermissionSet, &[], &text, beside).into_iter().map(short).collect()
}

const EVERYWHERE: &str = r#""Resource": "*""#;

#[test]
fn a_statement_that_repeats_others_is_found() {
    let read = ("read", "Allow", r#""Action": ["s3:Get*", "s3:List*"]"#, EVERYWHERE);
    let logs = ("logs", "Allow", r#""Action": "s3:GetObject""#, r#""Resource": "arn:aws:s3:::logs-*/*""#);
    let told = "W0702 logs: all that it allows is allowed without it; read allows it too";
    assert_eq!(vain(&[read, logs], &[]), [told]);
    assert_eq!(vain(&[logs, read], &[]), [told]);
    // Together they cover it; alone neither does.
    let a = ("a", "Allow", r#""Action": "s3:GetObject""#, r#""Resource": "arn:aws:s3:::logs-*/*""#);
    let b = ("b", "Allow", r#""Action": "s3:PutObject""#, r#""Resource": "arn:aws:s3:::logs-*/*""#);
    let both =
        ("both", "Allow", r#""Action": ["s3:GetObject", "s3:PutObject"]"#, r#""Resource": "arn:aws:s3:::logs-a/*""#);
    assert_eq!(vain(&[a, b, both], &[]).len(), 1);
    assert_eq!(vain(&[a, both], &[]), Vec::<String>::new());
    // A condition makes it another statement, and a wider one is none.
    let vpce = (
        "vpce",
        "Allow",
        r#""Action": "s3:GetObject""#,
        r#""Resource": "*", "Condition": { "StringEquals": { "aws:SourceVpce": "v" } }"#,
    );
    assert_eq!(vain(&[vpce, logs], &[]), Vec::<String>::new());
    assert_eq!(vain(&[read, vpce], &[]).len(), 1);
    // Of two equal ones the later is told.
    let again = ("again", "Allow", logs.2, logs.3);
    assert!(vain(&[logs, again], &[]).concat().starts_with("W0702"));
}

#[test]
fn other_policies_of_the_identity_count() {
    let origin: Arc<str> = "managed".into();
    let managed = parse(&document(r#"[{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }]"#), &origin).unwrap();
    let known = [Part::known("S3Full", managed)];
    let get = ("get", "Allow", r#""Action": "s3:GetObject""#, EVERYWHERE);
    let deny = ("deny", "Deny", r#""Action": "s3:DeleteBucket""#, EVERYWHERE);
    assert!(
        found_beside(
            Holder::PermissionSet,
            &[],
            r#"{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }"#,
            &known
        )
        .concat()
        .contains("`S3Full` allows it too")
    );
    assert_eq!(vain(&[get, deny], &[]).len(), 1, "the deny denies nothing");
    assert!(vain(&[deny], &known).is_empty(), "the managed policy allows it");
    // Of a policy that is only a name, nobody knows what it allows.
    assert_eq!(vain(&[get, deny], &[Part::Unknown { name: "Mystery".into() }]), Vec::<String>::new());
    // Denies alone are meant beside other policies.
    assert_eq!(vain(&[deny], &[]), Vec::<String>::new());
    let more = ("more", "Deny", r#""Action": "s3:Delete*""#, EVERYWHERE);
    assert_eq!(vain(&[deny, more], &[]).len(), 1);
}

#[test]
fn an_allow_that_a_deny_takes_away_is_found() {
    let stop = ("stop", "Allow", r#""Action": "ec2:StopInstances""#, EVERYWHERE);
    let deny = ("changes", "Deny", r#""NotAction": "ec2:Describe*""#, EVERYWHERE);
    let found = vain(&[stop, deny], &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("W0703") && found[0].contains("denies leave nothing of what this allows"),
        "{found:?}"
    );
    let some = ("some", "Deny", r#""Action": "ec2:*""#, r#""Resource": "arn:aws:ec2:*:*:instance/i-1""#);
    assert_eq!(vain(&[stop, some], &[]), Vec::<String>::new());
}

#[test]
fn a_deny_of_nothing_is_a_note() {
    let get = ("get", "Allow", r#""Action": "s3:GetObject""#, EVERYWHERE);
    let keys = ("keys", "Deny", r#""Action": "kms:ScheduleKeyDeletion""#, EVERYWHERE);
    assert!(vain(&[get, keys], &[]).concat().starts_with("N0702"));
    let own = ("own", "Deny", r#""Action": "s3:GetObject""#, r#""Resource": "arn:aws:s3:::x/*""#);
    assert_eq!(vain(&[get, own], &[]), Vec::<String>::new());
}

#[test]
fn a_statement_that_no_request_fits_is_found() {
    let of = |actions: &str, rest: &str| {
        found(&format!(r#"{{ "Effect": "Allow", "Action": {actions}, {rest} }}"#)).concat()
    };
    let bucket = of(r#""s3:GetObject""#, r#""Resource": "arn:aws:s3:::reports""#);
    assert!(bucket.starts_with("W0704") && bucket.contains("its actions do not act on these resources"), "{bucket}");
    assert!(bucket.contains("`s3:GetObject` acts on"), "{bucket}");
    assert_eq!(of(r#""s3:GetObject""#, r#""Resource": "arn:aws:s3:::reports/*""#), "");
    let one = of(r#""ec2:DescribeInstances""#, r#""Resource": "arn:aws:ec2:*:*:instance/*""#);
    assert!(one.contains("`ec2:DescribeInstances` is asked for on no single resource: write `*`"), "{one}");
    // What refusals name, AWS's list or not.
    assert_eq!(of(r#""s3:ListAllMyBuckets""#, r#""Resource": "arn:aws:s3:::*""#), "");
    let never = of(
        r#""s3:GetObject""#,
        r#""Resource": "*", "Condition": { "NumericLessThan": { "s3:signatureAge": "5" }, "NumericGreaterThan": { "s3:signatureAge": "9" } }"#,
    );
    assert!(never.contains("its conditions never hold together"), "{never}");
}
