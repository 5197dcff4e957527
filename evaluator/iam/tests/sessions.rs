//! What sessions of Identity Center carry, and where they work.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::sync::Arc;

use cell_iam::access::{Access, Facts, Home, Level, Part};
use cell_iam::decide::{Verdict, allows};
use cell_iam::policy::{Condition, Elements, Source, Text, parse};
use cell_iam::region::{Delta, Proof, Region};
use cell_iam::session::Session;
use cell_iam::{Engine, Forbid, data};
use serde_json::{Value, json};

fn part(statements: &Value) -> Part {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    Part::known("test", parse(&text, &Arc::from("test")).unwrap())
}

fn allow(actions: &[&str], resources: &[&str]) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// What a session of the set `S` may do that an account in `222233334444` has.
fn session(statements: &Value, home_region: Option<&str>) -> Access {
    let session = Session { account: Some("222233334444"), home_region, set: Some("S"), partition: None };
    let home = Home { account: Some("222233334444".into()), region: Some("eu-central-1".into()), partition: None };
    Access { home, ..Access::of(vec![part(statements)], session.facts()) }
}

fn diff(old: &Access, new: &Access) -> Delta {
    Engine::new(data::all().unwrap()).diff(old, new)
}

/// What changes when a deny for all roles but one is one for all but another.
fn exempting(old: &str, new: &str, home_region: Option<&str>) -> (bool, bool) {
    let with = |role: &str| {
        let arn = format!("arn:aws:iam::*:role/{role}");
        let deny = json!({ "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*",
            "Condition": { "ArnNotLike": { "aws:PrincipalArn": arn } } });
        let parts = vec![part(&json!([allow(&["*"], &["*"]), deny]))];
        let scps = vec![Level { name: "root".into(), parts }];
        Access { scps, ..session(&json!([allow(&["s3:*"], &["*"])]), home_region) }
    };
    let delta = diff(&with(old), &with(new));
    let proven = |regions: &[Region]| regions.iter().all(|region| region.proof == Proof::Proven);
    assert!(proven(&delta.gained) && proven(&delta.lost), "{delta:#?}");
    for region in &delta.gained {
        let request = &region.witness.as_ref().unwrap().request;
        assert_eq!(allows(&with(new), request).verdict, Verdict::Allowed);
        assert_eq!(allows(&with(old), request).verdict, Verdict::Denied);
    }
    (!delta.gained.is_empty(), !delta.lost.is_empty())
}

#[test]
fn the_role_of_a_set_has_one_name() {
    let sso = "aws-reserved/sso.amazonaws.com";
    let home = Some("eu-central-1");
    for (old, new, home, expected) in [
        // Another set's role, whatever it is called, is not this one's.
        ("nothing", "*/AWSReservedSSO_ST_*".to_owned(), home, (false, false)),
        ("nothing", "break-glass".to_owned(), home, (false, false)),
        ("nothing", "*AWSReservedSSO_S_*".to_owned(), home, (true, false)),
        ("*/AWSReservedSSO_T_*", format!("{sso}/*/AWSReservedSSO_S_*"), home, (true, false)),
        ("*/AWSReservedSSO_S_*", format!("{sso}/*/AWSReservedSSO_T_*"), home, (false, true)),
        // The path names Identity Center's region, but for one.
        ("nothing", format!("{sso}/AWSReservedSSO_S_*"), home, (false, false)),
        ("nothing", format!("{sso}/eu-central-1/AWSReservedSSO_S_*"), home, (true, false)),
        ("nothing", format!("{sso}/eu-west-1/AWSReservedSSO_S_*"), home, (false, false)),
        ("nothing", format!("{sso}/AWSReservedSSO_S_*"), Some("us-east-1"), (true, false)),
        ("nothing", format!("{sso}/*/AWSReservedSSO_S_*"), Some("us-east-1"), (false, false)),
        // Where it is not known, either is.
        ("nothing", format!("{sso}/AWSReservedSSO_S_*"), None, (true, false)),
        ("nothing", format!("{sso}/*/AWSReservedSSO_S_*"), None, (true, false)),
        ("nothing", format!("{sso}*/AWSReservedSSO_S_????????????????"), None, (true, false)),
        ("nothing", "*AWSReservedSSO_S_*g*".to_owned(), home, (false, false)),
    ] {
        assert_eq!(exempting(old, &new, home), expected, "{old} -> {new}, {home:?}");
    }
}

#[test]
fn a_key_that_no_session_carries_gives_nothing() {
    let with = |operator: &str, key: &str, value: &str| {
        let mut statement = allow(&["s3:PutObject"], &["*"]);
        statement["Condition"][operator][key] = json!(value);
        diff(&Access::default(), &session(&json!([statement]), None)).gained.len()
    };
    for (operator, key, value, gains) in [
        ("StringEquals", "aws:username", "bob", 0),
        ("StringNotEquals", "aws:username", "bob", 1),
        ("StringEquals", "aws:PrincipalType", "User", 0),
        ("StringLike", "aws:PrincipalType", "Assumed*", 1),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::222233334444:role/Foo", 0),
        ("StringEquals", "aws:PrincipalAccount", "999999999999", 0),
        ("Bool", "aws:MultiFactorAuthPresent", "true", 0),
        ("StringEquals", "ec2:SourceInstanceARN", "x", 0),
        ("StringEquals", "aws:SourceVpce", "vpce-1", 1),
    ] {
        assert_eq!(with(operator, key, value), gains, "{operator} {key} {value}");
    }
    assert!(
        diff(
            &Access::default(),
            &session(&json!([allow(&["s3:GetObject"], &["arn:aws:s3:::${aws:username}"])]), None)
        )
        .gained
        .is_empty()
    );
}

#[test]
fn witnesses_are_of_the_principals_own_account_and_region() {
    let witness = |old: &Value, new: &Value| {
        let delta = diff(&session(old, None), &session(new, None));
        delta.gained[0].witness.as_ref().unwrap().request.resource.to_string()
    };
    let none = json!([]);
    assert_eq!(
        witness(&none, &json!([allow(&["kms:Decrypt"], &["*"])])),
        "arn:aws:kms:eu-central-1:222233334444:key/x"
    );
    assert_eq!(
        witness(&none, &json!([allow(&["sqs:SendMessage"], &["arn:aws:sqs:eu-*:2222*:orders"])])),
        "arn:aws:sqs:eu-central-1:222233334444:orders"
    );
    assert_eq!(
        witness(&none, &json!([allow(&["sqs:SendMessage"], &["arn:aws:sqs:us-west-2:999999999999:orders"])])),
        "arn:aws:sqs:us-west-2:999999999999:orders"
    );
    let own = allow(&["sqs:SendMessage"], &["arn:aws:sqs:*:222233334444:*"]);
    assert_eq!(
        witness(&json!([own.clone()]), &json!([own, allow(&["sqs:SendMessage"], &["*"])])),
        "arn:aws:sqs:eu-central-1:111122223333:x"
    );
    let nowhere = Access::of(vec![part(&json!([allow(&["kms:Decrypt"], &["*"])]))], Facts::default());
    let found = diff(&Access::default(), &nowhere);
    assert_eq!(
        found.gained[0].witness.as_ref().unwrap().request.resource,
        "arn:aws:kms:us-east-1:111122223333:key/x"
    );
}

#[test]
fn iam_acts_on_nothing_of_another_account() {
    let gains = |actions: &[&str], resources: &[&str]| {
        !diff(&Access::default(), &session(&json!([allow(actions, resources)]), None)).gained.is_empty()
    };
    assert!(!gains(&["iam:PassRole"], &["arn:aws:iam::999999999999:role/x"]));
    assert!(!gains(&["iam:*"], &["arn:aws:iam::999999999999:role/*"]), "nor do actions to come");
    assert!(gains(&["iam:PassRole"], &["arn:aws:iam::222233334444:role/x"]));
    assert!(gains(&["iam:PassRole"], &["arn:aws:iam::*:role/x"]));
    assert!(gains(&["iam:GetPolicy"], &["arn:aws:iam::aws:policy/ReadOnlyAccess"]));
    // Roles of other accounts can be taken.
    assert!(gains(&["sts:AssumeRole"], &["arn:aws:iam::999999999999:role/x"]));
}

#[test]
fn what_is_asked_for_on_everything_is_asked_for_on_nothing_else() {
    let found = diff(
        &Access::default(),
        &session(&json!([allow(&["ec2:DescribeInstances"], &["arn:aws:ec2:*:*:instance/*"])]), None),
    );
    assert!(found.gained.is_empty(), "{found:#?}");
}

/// What is gained and lost when one condition becomes another; a condition with its effect.
fn conditions(old: (&str, &Value), new: (&str, &Value)) -> (usize, usize) {
    let with = |(effect, condition): (&str, &Value)| {
        let mut statement = allow(&["s3:GetObject"], &["*"]);
        statement["Effect"] = json!(effect);
        statement["Condition"] = condition.clone();
        session(&json!([allow(&["s3:GetObject"], &["arn:aws:s3:::b/*"]), statement]), None)
    };
    let delta = diff(&with(old), &with(new));
    (delta.gained.len(), delta.lost.len())
}

#[test]
fn a_key_that_every_request_carries_is_never_absent() {
    for (key, operator, value) in [
        ("aws:SecureTransport", "Bool", "true"),
        ("aws:ViaAWSService", "Bool", "false"),
        ("aws:CurrentTime", "DateLessThan", "2027-01-01T00:00:00Z"),
        ("aws:EpochTime", "NumericLessThan", "1800000000"),
        ("aws:RequestedRegion", "StringEquals", "eu-central-1"),
        ("aws:userid", "StringLike", "*:ann"),
        ("aws:PrincipalOrgID", "StringEquals", "o-abcdefghij"),
        ("aws:PrincipalOrgPaths", "ForAnyValue:StringLike", "o-abcdefghij/*"),
    ] {
        let (plain, optional) =
            (json!({ operator: { key: value } }), json!({ format!("{operator}IfExists"): { key: value } }));
        for effect in ["Allow", "Deny"] {
            assert_eq!(conditions((effect, &plain), (effect, &optional)), (0, 0), "{effect} {key}");
            assert_eq!(conditions((effect, &optional), (effect, &plain)), (0, 0), "{effect} {key}");
        }
        let (there, absent) = (json!({ "Null": { key: "false" } }), json!({ "Null": { key: "true" } }));
        assert_eq!(conditions(("Allow", &there), ("Allow", &json!({}))), (0, 0), "{key} is there");
        assert_eq!(conditions(("Allow", &absent), ("Allow", &json!({}))), (1, 0), "{key} is never absent");
        assert_eq!(conditions(("Allow", &plain), ("Allow", &json!({}))), (1, 0), "{key} has other values");
    }
    // Of these it is not said of every request.
    for (key, operator, value) in [
        ("aws:SourceIp", "IpAddress", "10.0.0.0/8"),
        ("aws:UserAgent", "StringEquals", "x"),
        ("aws:TokenIssueTime", "DateLessThan", "2027-01-01T00:00:00Z"),
        ("aws:ResourceAccount", "StringEquals", "222233334444"),
        ("aws:SourceVpce", "StringEquals", "vpce-1"),
    ] {
        let (plain, optional) =
            (json!({ operator: { key: value } }), json!({ format!("{operator}IfExists"): { key: value } }));
        assert_eq!(conditions(("Allow", &plain), ("Allow", &optional)), (1, 0), "{key} may be absent");
    }
}

#[test]
fn true_and_false_are_all_that_a_boolean_may_be() {
    let is = |value: &str| json!({ "Bool": { "aws:SecureTransport": value } });
    let text = |value: &str| json!({ "StringEquals": { "aws:SecureTransport": value } });
    assert_eq!(
        conditions(
            ("Allow", &json!({ "Bool": { "aws:SecureTransport": ["true", "false"] } })),
            ("Allow", &json!({}))
        ),
        (0, 0)
    );
    assert_eq!(conditions(("Allow", &is("true")), ("Allow", &text("true"))), (0, 0));
    let not_false = json!({ "StringNotEquals": { "aws:SecureTransport": "false" } });
    assert_eq!(conditions(("Allow", &is("true")), ("Allow", &not_false)), (0, 0));
    assert_eq!(conditions(("Allow", &is("true")), ("Allow", &is("false"))), (1, 1));
}

#[test]
fn a_guard_over_plain_http_holds_below_a_policy_that_denies_it() {
    let nowhere = || Source::new(&Arc::from("guard"), 0, 0);
    let list = |text: &str| Elements::any_of(vec![Text::new(text, nowhere())]);
    let tls = Condition::new("Bool", "aws:SecureTransport", vec![Text::new("true", nowhere())], nowhere());
    let forbid = Forbid { actions: list("s3:*"), resources: list("*"), unless: vec![tls], source: nowhere() };
    let deny = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
    let scps = vec![Level { name: "root".into(), parts: vec![part(&json!([allow(&["*"], &["*"]), deny]))] }];
    let open = session(&json!([allow(&["s3:GetObject"], &["*"])]), None);
    let mut engine = Engine::new(data::all().unwrap());
    let found = engine.forbidden(&open, &forbid);
    assert_eq!(found.len(), 1, "without the policy it is broken");
    let witness = &found[0].witness.as_ref().unwrap().request;
    assert_eq!(witness.context.get("aws:SecureTransport"), ["false"], "by a request that there is");
    assert_eq!(engine.forbidden(&Access { scps, ..open }, &forbid), []);
}

#[test]
fn of_a_key_that_is_always_there_nothing_is_said_where_any_value_will_do() {
    let mut within = allow(&["s3:GetObject"], &["arn:aws:s3:::a/*"]);
    within["Condition"] = json!({ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-a/*" },
        "Bool": { "aws:SecureTransport": "true" } });
    let all = json!([allow(&["s3:GetObject"], &["arn:aws:s3:::b/*"]), within]);
    let mut needs: Vec<_> =
        diff(&Access::default(), &session(&all, None)).gained.iter().map(|region| region.when.clone()).collect();
    needs.sort_by_key(|when| when[0].len());
    assert_eq!(needs.len(), 2, "{needs:#?}");
    assert_eq!(needs[0], [Vec::new()]);
    assert_eq!((needs[1].len(), needs[1][0].len()), (1, 2), "{needs:#?}");
}

/// The gains of `allow` under a deny, each with the keys that it is told to need.
fn under(allow: &Value, deny: &Value) -> Vec<Vec<String>> {
    let session = session(&json!([allow, deny]), Some("eu-central-1"));
    let delta = diff(&Access::default(), &session);
    let needs = |region: &Region| {
        let request = &region.witness.as_ref().unwrap().request;
        assert_eq!(allows(&session, request).verdict, Verdict::Allowed, "{request:?}");
        region.when.iter().flatten().map(|need| format!("{need:?}")).collect::<Vec<_>>()
    };
    delta.gained.iter().map(needs).collect()
}

#[test]
fn the_account_in_an_arn_is_the_owner() {
    let queue = |account: &str| format!("arn:aws:sqs:*:{account}:*");
    let deny = json!({ "Effect": "Deny", "Action": "sqs:*", "Resource": "*",
        "Condition": { "StringEquals": { "aws:ResourceAccount": "222233334444" } } });
    let send = |account: &str| allow(&["sqs:SendMessage"], &[&queue(account)]);
    // AWS lists actions that do not carry the key, so it may be absent.
    let absent = [["Value { key: \"aws:ResourceAccount\", values: Values { absent: true, of: [] } }"]];
    assert_eq!(under(&send("222233334444"), &deny), absent);
    assert_eq!(under(&send("999988887777"), &deny), [Vec::<String>::new()]);
    // Of a queue of any account it is not known.
    let told = under(&send("*"), &deny);
    assert!(told.len() == 1 && told[0].len() == 1 && told[0][0].contains("aws:ResourceAccount"), "{told:?}");
    // Of two accounts in one statement both are allowed, or neither.
    let both = allow(&["sqs:SendMessage"], &[&queue("222233334444"), &queue("999988887777")]);
    let neither = json!({ "Effect": "Deny", "Action": "sqs:*", "Resource": "*", "Condition":
        { "StringEquals": { "aws:ResourceAccount": ["222233334444", "999988887777"] } } });
    let other = json!({ "Effect": "Deny", "Action": "sqs:*", "Resource": "*", "Condition":
        { "StringNotEquals": { "aws:ResourceAccount": ["222233334444", "999988887777"] } } });
    assert_eq!(
        under(&both, &neither),
        [["Value { key: \"aws:ResourceAccount\", values: Values { absent: true, of: [] } }"]]
    );
    let there = under(&both, &other);
    assert!(there.len() == 1 && there[0].len() == 1 && there[0][0].contains("absent: false"), "{there:?}");
    // A bucket's ARN names nobody.
    let s3 = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": { "StringEquals": { "aws:ResourceAccount": "222233334444" } } });
    assert_eq!(under(&allow(&["s3:GetObject"], &["arn:aws:s3:::b/*"]), &s3)[0].len(), 1);
}

#[test]
fn iam_is_called_in_one_region() {
    let only_in = |regions: &[&str]| {
        json!({ "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": { "StringNotEquals": { "aws:RequestedRegion": regions } } })
    };
    let create = allow(&["iam:CreateRole"], &["*"]);
    assert_eq!(under(&create, &only_in(&["eu-central-1"])), Vec::<Vec<String>>::new());
    assert_eq!(under(&create, &only_in(&["eu-central-1", "us-east-1"])), [Vec::<String>::new()]);
    let send = allow(&["sqs:SendMessage"], &["*"]);
    assert_eq!(under(&send, &only_in(&["eu-central-1"]))[0].len(), 1);
    // It is asked for within the call of another service.
    let pass = allow(&["iam:PassRole"], &["*"]);
    assert_eq!(under(&pass, &only_in(&["eu-central-1"]))[0].len(), 1);
}

#[test]
fn a_key_that_an_action_may_lack_is_missed_nowhere() {
    let on = "arn:aws:ec2:*:222233334444:vpc-peering-connection/*";
    let accept = |condition: Value| json!([{ "Effect": "Allow", "Action": "ec2:AcceptVpcPeeringConnection", "Resource": on, "Condition": condition }]);
    let own = json!({ "StringEquals": { "aws:ResourceAccount": "222233334444" } });
    let of = |condition| session(&accept(condition), Some("eu-central-1"));
    assert_eq!(diff(&of(own), &of(json!({}))).gained.len(), 1);
}

#[test]
fn resources_are_of_the_partition() {
    let of = |statements: Value, partition: &str| {
        let mut session = session(&statements, Some("cn-north-1"));
        session.home.partition = Some(partition.into());
        diff(&Access::default(), &session).gained
    };
    let send = || json!([allow(&["sqs:SendMessage"], &["arn:aws-cn:sqs:*:*:x"])]);
    let gained = of(send(), "aws-cn");
    let witness = gained[0].witness.as_ref().unwrap();
    assert!(witness.request.resource.starts_with("arn:aws-cn:sqs:"), "{witness:?}");
    assert!(of(send(), "aws").is_empty());
    let create = json!([{ "Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*",
        "Condition": { "StringEquals": { "aws:RequestedRegion": "cn-north-1" } } }]);
    assert_eq!((of(create.clone(), "aws-cn").len(), of(create, "aws").len()), (1, 0));
}
