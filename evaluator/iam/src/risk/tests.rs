//! Changes of access as a reviewer meets them, and what each comes to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::sync::Arc;

use super::{Assessment, Class, Limit, Severity, assess, assess_loss, becomes_administrator, class_of, escalations};
use crate::access::{Access, Facts, Home, Part};
use crate::catalogue::Catalogue;
use crate::data::{self, paths, sensitive};
use crate::engine::Engine;
use crate::policy::parse;
use crate::region::Region;
use crate::risk::Breadth;
use crate::session::{self, Session};

/// A policy of allows: `[not] actions on resources [when condition]`, each list with commas.
fn policy(allows: &[&str]) -> Access {
    let list = |text: &str| {
        let items: Vec<String> = text.split(", ").map(|item| format!("{item:?}")).collect();
        format!("[{}]", items.join(", "))
    };
    let one = |allow: &&str| {
        let (head, condition) = allow.split_once(" when ").unwrap_or((allow, "{}"));
        let (actions, resources) = head.split_once(" on ").unwrap();
        let (element, actions) = actions.strip_prefix("not ").map_or(("Action", actions), |rest| ("NotAction", rest));
        format!(
            r#"{{ "Effect": "Allow", "{element}": {}, "Resource": {}, "Condition": {condition} }}"#,
            list(actions),
            list(resources)
        )
    };
    let statements: Vec<String> = allows.iter().map(one).collect();
    let text = format!(r#"{{ "Version": "2012-10-17", "Statement": [{}] }}"#, statements.join(", "));
    let origin: Arc<str> = "test".into();
    Access::of(vec![Part::known("test", parse(&text, &origin).unwrap())], Facts::default())
}

fn catalogue() -> &'static Catalogue {
    data::all().unwrap()
}

fn engine() -> Engine<'static> {
    Engine::new(catalogue())
}

fn gained(old: &Access, new: &Access) -> Vec<Region> {
    Engine::new(catalogue()).diff(old, new).gained
}

/// What a change comes to: the gravest of its regions, with the paths that it completes.
fn change(old: &[&str], new: &[&str]) -> Assessment {
    change_of(&policy_or_none(old), &policy(new))
}

fn change_of(old: &Access, new: &Access) -> Assessment {
    let gained = gained(old, new);
    let (lists, paths) = (sensitive::known().unwrap(), paths::known().unwrap());
    let completed = escalations(&mut engine(), old, new, &gained, paths);
    let administrator = becomes_administrator(&mut engine(), old, new, paths);
    let each = gained.iter().map(|region| {
        let brings = |path: &&super::Completed| path.arrived.iter().any(|need| region.actions.known.contains(need));
        let own: Vec<_> = completed.iter().filter(brings).cloned().collect();
        let found = assess(region, catalogue(), lists).escalates(&own);
        if administrator { found.administrator() } else { found }
    });
    each.min_by_key(|one| (one.severity, one.class)).unwrap()
}

fn policy_or_none(allows: &[&str]) -> Access {
    if allows.is_empty() { Access::default() } else { policy(allows) }
}

#[test]
fn a_grant_has_a_class_and_a_severity() {
    use {Class as C, Severity as S};
    for (allow, severity, class) in [
        ("* on *", S::Critical, C::Administrator),
        ("iam:PutRolePolicy on *", S::Critical, C::Escalation),
        ("iam:PutRolePolicy on arn:aws:iam::111122223333:role/app", S::High, C::Escalation),
        ("sts:AssumeRole on *", S::Critical, C::Escalation),
        ("sts:AssumeRole on arn:aws:iam::111122223333:role/deploy", S::Medium, C::Credentials),
        ("ssm:StartSession on arn:aws:ec2:*:*:instance/*", S::High, C::Escalation),
        ("s3:PutBucketPolicy on *", S::High, C::Permissions),
        ("s3:PutBucketPolicy on arn:aws:s3:::reports", S::Medium, C::Permissions),
        ("iam:PassRole on *", S::High, C::Permissions),
        ("secretsmanager:GetSecretValue on *", S::High, C::Credentials),
        ("s3:GetObject on *", S::High, C::BulkReads),
        ("s3:GetObject on arn:aws:s3:::logs-*", S::High, C::BulkReads),
        ("s3:GetObject on arn:aws:s3:::reports/*", S::Medium, C::BulkReads),
        ("s3:GetObject on arn:aws:s3:::reports/2026.csv", S::Low, C::Reads),
        (r#"s3:GetObject on * when {"StringEquals": {"aws:SourceVpce": "vpce-1"}}"#, S::Medium, C::BulkReads),
        (r#"s3:GetObject on * when {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#, S::High, C::BulkReads),
        ("ec2:TerminateInstances on *", S::High, C::Destruction),
        ("dynamodb:DeleteTable on arn:aws:dynamodb:eu-west-1:111122223333:table/orders", S::Medium, C::Destruction),
        ("cloudtrail:StopLogging on *", S::High, C::Destruction),
        ("ecs:UpdateService on *", S::Medium, C::Writes),
        ("ecs:UpdateService on arn:aws:ecs:eu-west-1:111122223333:service/c/web", S::Low, C::Writes),
        ("ec2:CreateTags on *", S::Medium, C::Tagging),
        ("ec2:DescribeInstances on *", S::Medium, C::Reads),
        ("sqs:GetQueueAttributes on arn:aws:sqs:eu-west-1:111122223333:orders", S::Low, C::Reads),
        ("brandnew:DeleteEverything on *", S::High, C::Destruction),
        ("brandnew:ListThings on *", S::Medium, C::Reads),
        ("brandnew:Frobnicate on *", S::Medium, C::Writes),
    ] {
        let found = change(&[], &[allow]);
        assert_eq!((found.severity, found.class), (severity, class), "{allow}: {found:?}");
    }
}

#[test]
fn a_piece_that_completes_a_path_is_named() {
    let had =
        ["lambda:CreateFunction, lambda:InvokeFunction on *", "iam:PassRole on arn:aws:iam::111122223333:role/app-*"];
    // The piece arrives.
    let without: Vec<&str> = had.iter().copied().take(1).collect();
    let found = change(&without, &had);
    assert_eq!((found.class, found.severity), (Class::Escalation, Severity::Critical));
    assert_eq!(
        (found.because.as_slice(), found.paths.as_slice()),
        (&["iam:PassRole".into()][..], &["lambda-001".into()][..])
    );
    // It is there, and reaches more roles.
    let wider = [had[0], "iam:PassRole on arn:aws:iam::111122223333:role/*"];
    let (old, new) = (policy(&had), policy(&wider));
    let told = escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap());
    assert_eq!(told.len(), 1);
    let path = &told[0];
    assert_eq!((path.id.as_str(), path.newly, path.breadth), ("lambda-001", false, Breadth::All));
    assert_eq!(path.arrived, ["iam:PassRole"]);
    assert_eq!(path.had, ["lambda:CreateFunction", "lambda:InvokeFunction"]);
}

#[test]
fn a_role_passed_to_another_service_completes_nothing() {
    let run = "ec2:RunInstances on *";
    let pass = |service: &str| {
        format!(r#"iam:PassRole on * when {{"StringEquals": {{"iam:PassedToService": "{service}"}}}}"#)
    };
    let lambda = change(&[run], &[run, &pass("lambda.amazonaws.com")]);
    assert_eq!((lambda.class, lambda.paths.len()), (Class::Permissions, 0), "{lambda:?}");
    let ec2 = change(&[run], &[run, &pass("ec2.amazonaws.com")]);
    assert_eq!((ec2.class, ec2.paths.as_slice()), (Class::Escalation, &["ec2-001".into()][..]), "{ec2:?}");
}

#[test]
fn an_administrator_cannot_escalate() {
    let (old, new) = (policy(&["* on *"]), policy(&["* on *", "iam:PutUserPolicy on *"]));
    let told = escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap());
    assert!(told.is_empty());
    // A change that touches no piece of a path tells of none, whatever was there.
    let (old, new) = (policy(&["iam:PutRolePolicy on *"]), policy(&["iam:PutRolePolicy, s3:GetObject on *"]));
    assert!(escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap()).is_empty());
}

#[test]
fn an_administrator_is_who_may_do_everything() {
    use {Class as C, Severity as S};
    let power = "not iam:*, organizations:*, account:* on *";
    for (old, new, expected) in [
        // All but IAM is a lot, and not everything.
        (&["sqs:SendMessage on *"][..], &[power][..], (S::Critical, C::Escalation)),
        (&[power], &["* on *"], (S::Critical, C::Administrator)),
        (&["not iam:* on *"], &["not iam:* on *", "not s3:* on *"], (S::Critical, C::Administrator)),
        (&["s3:* on *"], &["not iam:* on *", "iam:* on *"], (S::Critical, C::Administrator)),
        // Under a condition it is not everything; it can give itself the rest.
        (
            &["s3:* on *"],
            &[r#"* on * when {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#],
            (S::Critical, C::Escalation),
        ),
    ] {
        let found = change(old, new);
        assert_eq!((found.severity, found.class), expected, "{old:?} -> {new:?}: {found:?}");
    }
    let everything =
        assess(&gained(&Access::default(), &policy(&["* on *"]))[0], catalogue(), sensitive::known().unwrap());
    assert_eq!((everything.class, everything.because.as_slice()), (C::Administrator, &["*".into()][..]));
}

#[test]
fn a_service_control_policy_makes_nobody_less_of_an_administrator() {
    let statement = |effect: &str, actions: &str| {
        format!(r#"{{ "Effect": "{effect}", "Action": "{actions}", "Resource": "*" }}"#)
    };
    let under = |allows: &[&str], denied: &str| {
        let text = [statement("Allow", "*"), statement("Deny", denied)].join(", ");
        let text = format!(r#"{{ "Version": "2012-10-17", "Statement": [{text}] }}"#);
        let part = Part::known("scp", parse(&text, &"scp".into()).unwrap());
        Access { scps: vec![crate::access::Level { name: "root".into(), parts: vec![part] }], ..policy(allows) }
    };
    let some = &["s3:GetObject on *"];
    let leave = "organizations:LeaveOrganization";
    assert_eq!(change_of(&under(some, leave), &under(&["* on *"], leave)).class, Class::Administrator);
    // Where nobody can touch IAM, nobody is an administrator.
    assert_eq!(change_of(&under(some, "iam:*"), &under(&["* on *"], "iam:*")).class, Class::Escalation);
    // Who was one before is none anew.
    let found = change_of(&under(&["* on *"], leave), &policy(&["* on *"]));
    assert_ne!(found.class, Class::Administrator, "{found:?}");
    // A policy of which nothing is known may make one, once.
    let unknown = |allows: &[&str]| {
        let mut access = policy(allows);
        access.ways[0].identity.push(Part::Unknown { name: "x".into() });
        access
    };
    assert_eq!(change_of(&policy(some), &unknown(some)).class, Class::Administrator);
    assert_eq!(change_of(&unknown(some), &unknown(&["s3:GetObject, sqs:SendMessage on *"])).class, Class::Writes);
}

#[test]
fn what_all_but_iam_lacks_completes_a_path() {
    for (piece, paths) in
        [("iam:PutRolePolicy on *", &["iam-005"][..]), ("iam:CreatePolicyVersion on *", &["iam-001"])]
    {
        let found = change(&["not iam:* on *"], &["not iam:* on *", piece]);
        assert_eq!((found.severity, found.class), (Severity::Critical, Class::Escalation), "{piece}: {found:?}");
        assert_eq!(found.paths, paths, "{piece}");
    }
    let found = change(&["not iam:* on *"], &["not iam:* on *", "iam:PassRole on *"]);
    assert!(found.paths.iter().any(|path| path == "lambda-001"), "{found:?}");
}

#[test]
fn a_piece_counts_on_what_the_path_needs() {
    // A bucket sends no command, an image is not run without an instance.
    let found = change(&["sqs:SendMessage on *"], &["sqs:SendMessage on *", "* on arn:aws:s3:::x/*"]);
    assert_eq!((found.class, found.paths.len()), (Class::Permissions, 0), "{found:?}");
    let found = change(&[], &["ssm:SendCommand on arn:aws:s3:::x"]);
    assert_eq!(found.paths.len(), 0, "{found:?}");
    let found = change(&[], &["ssm:SendCommand on arn:aws:ec2:*:*:instance/*"]);
    assert_eq!(found.paths, ["ssm-002"]);
    let run = |on: &str| [format!("ec2:RunInstances on arn:aws:ec2:*:*:{on}/*"), "iam:PassRole on *".to_owned()];
    for (on, paths) in [("image", &[][..]), ("instance", &["ec2-001"])] {
        let allows = run(on);
        let found = change(&[], &[allows[0].as_str(), allows[1].as_str()]);
        assert_eq!(found.paths, paths, "{on}: {found:?}");
    }
}

#[test]
fn a_role_of_another_account_cannot_be_passed() {
    let of = |account: &str| {
        let home = Home { account: Some("222233334444".into()), region: None, partition: None };
        let pass = format!("iam:PassRole on arn:aws:iam::{account}:role/x");
        Access { home, ..policy(&["lambda:CreateFunction, lambda:InvokeFunction on *", &pass]) }
    };
    let old = policy(&["lambda:CreateFunction, lambda:InvokeFunction on *"]);
    for (account, paths) in [("999999999999", 0), ("222233334444", 1), ("*", 1)] {
        let new = of(account);
        let told = escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap());
        assert_eq!(told.len(), paths, "{account}: {told:?}");
    }
}

/// The paths that a change completes.
fn told(old: &[&str], new: &[&str]) -> Vec<super::Completed> {
    let (old, new) = (policy_or_none(old), policy(new));
    escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap())
}

#[test]
fn pieces_that_nobody_has_together_complete_nothing() {
    let tag = |value: &str, operator: &str| format!(r#"{{"{operator}": {{"aws:PrincipalTag/t": "{value}"}}}}"#);
    let run = |when: &str| format!("lambda:CreateFunction, lambda:InvokeFunction on * when {when}");
    let pass = |when: &str| format!("iam:PassRole on * when {when}");
    let of_a = run(&tag("a", "StringEquals"));
    for (when, completes) in [
        (tag("b", "StringEquals"), false),
        (tag("a", "StringNotEquals"), false),
        (r#"{"Null": {"aws:PrincipalTag/t": "true"}}"#.to_owned(), false),
        (tag("a", "StringEquals"), true),
        (tag("b", "StringNotEquals"), true),
        (tag("A", "StringEqualsIgnoreCase"), true),
        (tag("?", "StringLike"), true),
        // Another tag may be beside it.
        (r#"{"StringEquals": {"aws:PrincipalTag/u": "b"}}"#.to_owned(), true),
        // What is asked for is the caller's choice.
        (r#"{"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#.to_owned(), true),
    ] {
        let found = told(&[&of_a], &[&of_a, &pass(&when)]);
        assert_eq!(found.iter().any(|path| path.id == "lambda-001"), completes, "{when}: {found:?}");
    }
    // A session's id ends in the name of the person; what is before it is the role's.
    let named = |name: &str| format!(r#"{{"StringLike": {{"aws:userid": "{name}"}}}}"#);
    for (own, other, completes) in [
        ("*:ana", "*:bob", false),
        ("*:ana", "*:a*", true),
        ("*:ana", "*:ana:x", false),
        ("AROAX:*", "AROAY:*", true),
    ] {
        let mut session = session::facts();
        session.set("aws:PrincipalArn", Session::default().role());
        let with = |allows: &[String]| {
            let allows: Vec<&str> = allows.iter().map(String::as_str).collect();
            Access { facts: session.clone(), ..policy(&allows) }
        };
        // Another statement may ask for a role.
        let beside = format!("s3:GetObject on * when {}", named("AROAZ:*"));
        let (old, new) = (with(&[run(&named(own))]), with(&[run(&named(own)), pass(&named(other)), beside]));
        let found = escalations(&mut engine(), &old, &new, &gained(&old, &new), paths::known().unwrap());
        assert_eq!(found.iter().any(|path| path.id == "lambda-001"), completes, "{own} {other}: {found:?}");
    }
    // The path was there for some; a piece more for others makes it nobody's anew.
    let had = [of_a.clone(), pass(&tag("a", "StringEquals"))];
    let had: Vec<&str> = had.iter().map(String::as_str).collect();
    let more = pass(&tag("b", "StringEquals"));
    assert_eq!(told(&had, &[had[0], had[1], &more]), []);
}

#[test]
fn a_condition_on_a_piece_is_named() {
    let own = r#"{"StringEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}"#;
    let bound = r#"{"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/b"}}"#;
    for (allow, severity, keys) in [
        ("iam:AttachRolePolicy on *".to_owned(), Severity::Critical, &[][..]),
        (format!("iam:AttachRolePolicy on * when {own}"), Severity::Critical, &["iam:PolicyARN"]),
        (
            format!("iam:CreateRole, iam:PutRolePolicy on * when {bound}"),
            Severity::Critical,
            &["iam:PermissionsBoundary"],
        ),
        (
            format!("iam:PutRolePolicy on arn:aws:iam::111122223333:role/x when {bound}"),
            Severity::High,
            &["iam:PermissionsBoundary"],
        ),
        // It is met by whoever asks.
        (
            r#"iam:PutRolePolicy on * when {"Bool": {"aws:SecureTransport": "true"}}"#.to_owned(),
            Severity::Critical,
            &[],
        ),
    ] {
        let found = told(&[], &[&allow]);
        assert!(!found.is_empty(), "{allow}");
        for path in &found {
            assert_eq!(
                (
                    path.severity(),
                    path.bounded_by.iter().map(smol_str::SmolStr::as_str).collect::<Vec<_>>().as_slice()
                ),
                (severity, keys),
                "{allow}"
            );
        }
        let change = change(&[], &[&allow]);
        assert_eq!((change.class, change.severity), (Class::Escalation, severity), "{allow}");
    }
    // A piece that was there counts, too; the service that a role is passed to does not.
    let run =
        r#"lambda:CreateFunction, lambda:InvokeFunction on * when {"StringEquals": {"aws:SourceVpce": "vpce-1"}}"#;
    let pass = r#"iam:PassRole on * when {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#;
    let found = told(&[run], &[run, pass]);
    let path = found.iter().find(|path| path.id == "lambda-001").unwrap();
    assert_eq!((path.severity(), path.bounded_by.as_slice()), (Severity::Critical, &["aws:SourceVpce".into()][..]));
    // Where a piece is to be had without its condition as well, nothing bounds it.
    let both = format!("iam:PutRolePolicy on * when {bound}");
    let found = told(&[], &[&both, "iam:PutRolePolicy on arn:aws:iam::111122223333:role/app-*"]);
    assert!(
        found.iter().all(|path| path.severity() == Severity::Critical && path.bounded_by.is_empty()),
        "{found:?}"
    );
}

#[test]
fn roles_that_only_aws_changes_are_no_way_up() {
    for (resource, paths) in [
        ("arn:aws:iam::*:role/aws-reserved/*", false),
        ("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*", false),
        ("arn:aws:iam::*:role/aws-service-role/*", false),
        ("arn:aws:iam::*:role/aws-reserved*", true),
        ("arn:aws:iam::*:role/*", true),
    ] {
        for action in ["iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy, sts:AssumeRole"] {
            let allow = format!("{action} on {resource}");
            let own = |path: &super::Completed| path.arrived.iter().any(|need| need.starts_with("iam:"));
            assert_eq!(told(&[], &[&allow]).iter().any(own), paths, "{allow}");
        }
    }
}

#[test]
fn a_witness_is_of_the_gravest_action() {
    let grave = super::gravity(catalogue(), sensitive::known().unwrap(), paths::known().unwrap());
    let mut engine = Engine::new(catalogue()).showing(grave);
    let mut shown = |allow: &str| {
        let gained = engine.diff(&Access::default(), &policy(&[allow])).gained;
        let request = &gained[0].witness.as_ref().unwrap().request;
        format!("{} on {}", request.action, request.resource)
    };
    for (allow, expected) in [
        ("ec2:RunInstances on *", "ec2:RunInstances on arn:aws:ec2:us-east-1:111122223333:instance/x"),
        ("s3:*Bucket*y on *", "s3:DeleteBucketPolicy on arn:aws:s3:::x"),
        ("s3:GetObject* on *", "s3:GetObject on arn:aws:s3:::x/x"),
    ] {
        assert_eq!(shown(allow), expected, "{allow}");
    }
    let of_iam = shown("iam:* on *");
    assert!(of_iam.starts_with("iam:A") && !of_iam.contains("Delegation"), "{of_iam}");
    assert_eq!(shown("* on *"), of_iam, "{of_iam}");
}

#[test]
fn a_weakened_limit_and_a_loss() {
    let read = &gained(&Access::default(), &policy(&["ec2:DescribeInstances on *"]))[0];
    let lists = sensitive::known().unwrap();
    let assessed = || assess(read, catalogue(), lists);
    for (limit, severity) in
        [(Limit::Guard, Severity::Critical), (Limit::Boundary, Severity::High), (Limit::Organization, Severity::High)]
    {
        let found = assessed().weakened(limit);
        assert_eq!((found.class, found.severity), (Class::Weakened, severity));
    }
    let loss = assess_loss(read, catalogue(), lists);
    assert_eq!((loss.class, loss.severity), (Class::Reads, Severity::Low));
}

#[test]
fn the_reach_of_a_gain() {
    let found = change(&[], &["ec2:Describe*, s3:ListBucket on *"]);
    let reach = found.reach;
    assert!(reach.actions > 100 && reach.services <= 2 && reach.proven && !reach.conditioned, "{reach:?}");
    assert!(reach.future, "{reach:?}");
}

#[test]
fn every_known_action_has_a_class() {
    let lists = sensitive::known().unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for (prefix, service) in &catalogue().services {
        for action in &service.actions {
            let class = class_of(&format!("{prefix}:{}", action.name), Breadth::All, catalogue(), lists);
            *counts.entry(class).or_insert(0_usize) += 1;
        }
    }
    let counts: Vec<_> = counts.into_iter().map(|(class, count)| (class.words(), count)).collect();
    assert_eq!(
        counts,
        [
            ("permissions and exposure", 481),
            ("credentials", 72),
            ("bulk data reads", 110),
            ("destructive writes", 2_545),
            ("writes", 8_676),
            ("tagging", 719),
            ("reads", 9_488),
        ]
    );
}
