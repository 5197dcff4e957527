//! Questions as a reviewer would ask them, with their answers as lines that a person reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::sync::Arc;

use cell_iam::access::{Access, Fact, Facts, Level, Part, Way};
use cell_iam::catalogue::{Action, Catalogue, ConditionKey, KeyKind, Level as AccessLevel, ResourceType, Service};
use cell_iam::decide::{Verdict, allows};
use cell_iam::policy::{self, Elements, Source, Text};
use cell_iam::region::{Delta, Glob, Need, Proof, Region, Values};
use cell_iam::{Context, Engine, Forbid, Request};
use serde_json::{Value, json};
use smol_str::SmolStr;

fn catalogue() -> Catalogue {
    let action = |name: &str, resources: &[u16], whole: bool, keys: &[u16]| Action {
        name: name.into(),
        level: AccessLevel::Write,
        resources: resources.to_vec(),
        whole,
        keys: keys.to_vec(),
    };
    let resource = |name: &str, arn: &str| ResourceType { name: name.into(), arn: arn.into() };
    let key = |name: &str, several| ConditionKey { name: name.into(), kind: KeyKind::String, several };
    let s3 = Service {
        actions: vec![
            action("DeleteObject", &[1], false, &[]),
            action("GetObject", &[1], false, &[0]),
            action("ListAllMyBuckets", &[], false, &[]),
            action("ListBucket", &[0], false, &[1]),
        ],
        resources: vec![
            resource("bucket", "arn:${Partition}:s3:::${BucketName}"),
            resource("object", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"),
        ],
        keys: vec![key("s3:ExistingObjectTag/${TagKey}", false), key("s3:prefix", false)],
    };
    let logs = Service {
        actions: vec![action("DescribeLogGroups", &[0], true, &[]), action("PutEvents", &[0], false, &[])],
        resources: vec![resource("group", "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}")],
        keys: Vec::new(),
    };
    let services = [("logs", logs), ("s3", s3)].map(|(name, service)| (SmolStr::from(name), service));
    Catalogue { services: services.into_iter().collect(), ..Catalogue::default() }
}

fn part(name: &str, statements: &Value) -> Part {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let origin: Arc<str> = name.into();
    Part::known(name, policy::parse(&text, &origin).unwrap())
}

fn access(statements: &Value) -> Access {
    Access::of(vec![part("p", statements)], Facts::default())
}

fn allow(actions: &[&str], resources: &[&str]) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn when(mut statement: Value, operator: &str, key: &str, values: &[&str]) -> Value {
    statement["Condition"][operator][key] = json!(values);
    statement
}

fn diff(old: &Access, new: &Access) -> Delta {
    Engine::new(&catalogue()).diff(old, new)
}

fn glob(glob: &Glob) -> String {
    let mut out = glob.glob.to_string();
    glob.and.iter().for_each(|and| out.extend([" & ", and]));
    glob.except.iter().for_each(|except| out.extend([" - ", except]));
    out
}

fn globs(all: &[Glob]) -> String {
    all.iter().map(glob).collect::<Vec<_>>().join(", ")
}

fn values(values: &Values) -> String {
    let absent = if values.absent { Some("absent".to_owned()) } else { None };
    let of = if values.of.is_empty() { None } else { Some(globs(&values.of)) };
    [absent, of].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}

fn need(need: &Need) -> String {
    match need {
        Need::Value { key, values: of } => format!("{key} is {}", values(of)),
        Need::Contains { key, values } => format!("{key} has {}", globs(values)),
        Need::Lacks { key, values } => format!("{key} lacks {}", globs(values)),
    }
}

/// A region as one line.
fn line(region: &Region) -> String {
    let actions = [&region.actions.known, &region.actions.unlisted].into_iter().flatten().cloned();
    let future = region.actions.future.iter().map(|pattern| SmolStr::from(format!("future {pattern}")));
    let actions: Vec<SmolStr> = actions.chain(future).collect();
    let either: Vec<String> =
        region.when.iter().map(|all| all.iter().map(need).collect::<Vec<_>>().join(" and ")).collect();
    let mut out = format!("{} on {}", actions.join(", "), globs(&region.resources));
    if either.iter().any(|all| !all.is_empty()) {
        out += &format!(" when {}", either.join(" or else "));
    }
    for change in &region.changes {
        out += &format!(" [{}: {} -> {}]", change.key, values(&change.before), values(&change.after));
    }
    if let Proof::May(reasons) = &region.proof {
        out += &format!(" may {reasons:?}");
    }
    out
}

fn lines(regions: &[Region]) -> Vec<String> {
    regions.iter().map(line).collect()
}

#[test]
fn a_new_action_is_a_gain_and_nothing_else_is() {
    let old = access(&json!([allow(&["s3:GetObject"], &["*"])]));
    let new = access(&json!([allow(&["s3:GetObject", "s3:DeleteObject"], &["*"])]));
    let delta = diff(&old, &new);
    assert_eq!(lines(&delta.gained), ["s3:DeleteObject on *"]);
    assert!(delta.lost.is_empty());
    let witness = delta.gained[0].witness.as_ref().unwrap();
    assert_eq!(witness.request.resource, "arn:aws:s3:::x/x");
    assert_eq!((witness.before, witness.after), (Verdict::Denied, Verdict::Allowed));
    let deciding = &delta.gained[0].after[0];
    let text = json!({ "Version": "2012-10-17", "Statement": [allow(&["s3:GetObject", "s3:DeleteObject"], &["*"])] });
    let text = text.to_string();
    let action = deciding.action.as_ref().unwrap();
    assert_eq!(&text[action.start as usize..action.end as usize], "\"s3:DeleteObject\"");
}

#[test]
fn a_pattern_is_known_actions_and_those_to_come() {
    let old = access(&json!([allow(&["s3:GetObject", "s3:ListBucket", "s3:ListAllMyBuckets"], &["*"])]));
    let new = access(&json!([allow(&["s3:Get*", "s3:List*"], &["*"])]));
    assert_eq!(lines(&diff(&old, &new).gained), ["future s3:Get*, future s3:List* on *"]);
    let named = access(&json!([allow(&["s3:GetObjectLegalHold"], &["*"])]));
    assert_eq!(
        lines(&diff(&old, &named).gained),
        ["s3:getobjectlegalhold on *"].map(|l| l.replace("s3:getobjectlegalhold", "s3:GetObjectLegalHold"))
    );
}

#[test]
fn resources_by_their_widest_patterns() {
    let old = access(&json!([allow(&["s3:GetObject"], &["arn:aws:s3:::logs-eu/*"])]));
    let new = access(&json!([allow(&["s3:GetObject"], &["arn:aws:s3:::logs-*"])]));
    assert_eq!(lines(&diff(&old, &new).gained), ["s3:GetObject on arn:aws:s3:::logs-* - arn:aws:s3:::logs-eu/*"]);
    assert_eq!(lines(&diff(&new, &old).lost), ["s3:GetObject on arn:aws:s3:::logs-* - arn:aws:s3:::logs-eu/*"]);
}

#[test]
fn a_loosened_condition_says_how() {
    let base = allow(&["s3:GetObject"], &["*"]);
    let old = access(&json!([when(base.clone(), "StringEquals", "aws:SourceVpce", &["vpce-1"])]));
    let expected =
        "s3:GetObject on * when aws:SourceVpce is absent or * - vpce-1 [aws:SourceVpce: vpce-1 -> absent or *]";
    assert_eq!(lines(&diff(&old, &access(&json!([base.clone()]))).gained), [expected]);
    let wider = access(&json!([when(base, "StringEquals", "aws:SourceVpce", &["vpce-1", "vpce-2"])]));
    let expected = "s3:GetObject on * when aws:SourceVpce is vpce-2 [aws:SourceVpce: vpce-1 -> vpce-1, vpce-2]";
    assert_eq!(lines(&diff(&old, &wider).gained), [expected]);
}

#[test]
fn every_layer_counts_and_scps_not_in_the_management_account() {
    let all = part("all", &json!([allow(&["*"], &["*"])]));
    let own = part("own", &json!([allow(&["s3:GetObject"], &["*"])]));
    let with = |identity: &Part, boundary: Option<&Part>, scp: &Part, management: bool| Access {
        ways: vec![Way {
            identity: vec![identity.clone()],
            boundary: boundary.map(|part| vec![part.clone()]),
            ..Way::default()
        }],
        scps: vec![Level { name: "root".into(), parts: vec![scp.clone()] }],
        management_account: management,
        ..Access::default()
    };
    let engine_lines = |old: &Access, new: &Access| lines(&diff(old, new).gained);
    let none = Access::default();
    assert_eq!(engine_lines(&none, &with(&all, Some(&own), &all, false)), ["s3:GetObject on *"]);
    assert_eq!(engine_lines(&none, &with(&own, None, &all, false)), ["s3:GetObject on *"]);
    assert_eq!(engine_lines(&none, &with(&all, None, &own, false)), ["s3:GetObject on *"]);
    assert!(engine_lines(&with(&own, None, &all, false), &with(&all, Some(&own), &all, false)).is_empty());
    assert_eq!(engine_lines(&with(&own, None, &own, true), &with(&own, None, &own, false)), Vec::<String>::new());
    let nothing = part("nothing", &json!([]));
    assert_eq!(
        lines(&diff(&with(&own, None, &nothing, true), &with(&own, None, &nothing, false)).lost),
        ["s3:GetObject on *"]
    );
}

#[test]
fn what_is_not_known_is_may_unless_it_is_the_same_on_both_sides() {
    let known = part("p", &json!([allow(&["s3:GetObject"], &["*"])]));
    let unknown = Part::Unknown { name: "custom".into() };
    let with = |parts: &[&Part]| Access::of(parts.iter().map(|part| (*part).clone()).collect(), Facts::default());
    let delta = diff(&with(&[&known]), &with(&[&known, &unknown]));
    assert!(!delta.gained.is_empty());
    assert!(delta.gained.iter().chain(&delta.lost).all(|region| region.proof != Proof::Proven), "{delta:#?}");
    let more = part("q", &json!([allow(&["s3:DeleteObject"], &["*"])]));
    let delta = diff(&with(&[&known, &unknown]), &with(&[&known, &unknown, &more]));
    assert_eq!(lines(&delta.gained), [r#"s3:DeleteObject on * may [Policy("custom")]"#]);
    assert!(delta.lost.is_empty());
    assert_eq!(diff(&with(&[&known, &unknown]), &with(&[&unknown, &known])), Delta::default());
}

#[test]
fn a_variable_is_part_of_the_witness_and_facts_settle_it() {
    let base = allow(&["s3:GetObject"], &["arn:aws:s3:::home/${aws:username}/*"]);
    let delta = diff(&access(&json!([])), &access(&json!([base.clone()])));
    assert_eq!(lines(&delta.gained), ["s3:GetObject on arn:aws:s3:::home/${aws:username}/*"]);
    let request = &delta.gained[0].witness.as_ref().unwrap().request;
    assert_eq!(request.resource, "arn:aws:s3:::home/some-username/");
    assert_eq!(request.context.get("aws:username"), ["some-username"]);
    assert_eq!(allows(&access(&json!([base.clone()])), request).verdict, Verdict::Allowed);
    // Nobody is called so: the statement never applies.
    let mut facts = Facts::default();
    facts.set("aws:username", Fact::Absent);
    let never = Access { facts, ..access(&json!([base])) };
    assert_eq!(diff(&access(&json!([])), &never).gained, []);
}

#[test]
fn facts_decide_conditions() {
    let base = allow(&["s3:GetObject"], &["*"]);
    let only = when(base.clone(), "ArnLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/ops-*"]);
    let as_role = |fact: Fact| {
        let mut facts = Facts::default();
        facts.set("aws:PrincipalArn", fact);
        Access { facts, ..access(&json!([only.clone()])) }
    };
    let gained = |access: &Access| lines(&diff(&Access::default(), access).gained);
    let is = |arn: &str| Fact::Is(vec![arn.into()]);
    assert_eq!(gained(&as_role(is("arn:aws:iam::111122223333:role/ops-1"))), ["s3:GetObject on *"]);
    assert!(gained(&as_role(is("arn:aws:iam::111122223333:role/dev"))).is_empty());
    assert!(gained(&as_role(Fact::Like("arn:aws:iam::111122223333:role/dev-*".into()))).is_empty());
    assert_eq!(gained(&as_role(Fact::Like("arn:aws:iam::111122223333:role/ops-*".into()))), ["s3:GetObject on *"]);
}

#[test]
fn readings_that_differ_are_may() {
    let new = access(&json!([allow(&["logs:PutEvents"], &["arn:aws:logs:*:*:/app/*"])]));
    let expected = "logs:PutEvents on arn:aws:logs:*:*:/app/* may [Across]";
    assert_eq!(lines(&diff(&Access::default(), &new).gained), [expected]);
    let new = access(&json!([allow(&["logs:PutEvents"], &["arn:aws:logs:*:*:log-group:/app/*"])]));
    let expected = "logs:PutEvents on arn:aws:logs:*:*:log-group:/app/*";
    assert_eq!(lines(&diff(&Access::default(), &new).gained), [expected]);
}

#[test]
fn what_aws_does_not_document_is_may() {
    let tagged =
        when(allow(&["s3:GetObject", "s3:DeleteObject"], &["*"]), "StringEquals", "s3:ExistingObjectTag/a", &["b"]);
    let delta = diff(&Access::default(), &access(&json!([tagged])));
    assert_eq!(
        lines(&delta.gained),
        [
            r#"s3:DeleteObject on * when s3:ExistingObjectTag/a is b may [Undocumented("s3:existingobjecttag/a")]"#,
            "s3:GetObject on * when s3:ExistingObjectTag/a is b",
        ]
    );
    let old = access(&json!([allow(&["logs:DescribeLogGroups"], &["arn:aws:logs:*:*:log-group:*"])]));
    let new = access(&json!([allow(&["logs:DescribeLogGroups"], &["*"])]));
    let expected = "logs:DescribeLogGroups on * - arn:aws:logs:*:*:log-group:* may [NoResource]";
    assert_eq!(lines(&diff(&old, &new).gained), [expected]);
}

#[test]
fn a_guard_holds_or_fails_with_a_witness() {
    let nowhere = || Source::new(&Arc::from("guard"), 0, 0);
    let list = |texts: &[&str]| Elements::any_of(texts.iter().map(|text| Text::new(*text, nowhere())).collect());
    let mut forbid = Forbid {
        actions: list(&["s3:Delete*"]),
        resources: list(&["arn:aws:s3:::audit/*"]),
        unless: Vec::new(),
        source: nowhere(),
    };
    let catalogue = catalogue();
    let mut engine = Engine::new(&catalogue);
    let safe = access(&json!([allow(&["s3:*"], &["arn:aws:s3:::logs/*"]), allow(&["s3:Get*"], &["*"])]));
    assert_eq!(engine.forbidden(&safe, &forbid), []);
    let unsafe_ = access(&json!([when(allow(&["s3:*"], &["*"]), "Bool", "aws:MultiFactorAuthPresent", &["true"])]));
    let found = engine.forbidden(&unsafe_, &forbid);
    let expected =
        ["s3:DeleteObject, future s3:Delete* on arn:aws:s3:::audit/* when aws:MultiFactorAuthPresent is true"];
    assert_eq!(lines(&found), expected);
    assert_eq!(allows(&unsafe_, &found[0].witness.as_ref().unwrap().request).verdict, Verdict::Allowed);
    let mfa =
        policy::Condition::new("Bool", "aws:MultiFactorAuthPresent", vec![Text::new("true", nowhere())], nowhere());
    forbid.unless = vec![mfa];
    assert_eq!(engine.forbidden(&unsafe_, &forbid), []);
}

#[test]
fn equal_cases_are_equal_values() {
    let one = access(&json!([allow(&["s3:GetObject"], &["*"])]));
    let same = access(&json!([allow(&["s3:GetObject"], &["*"])]));
    let other = access(&json!([allow(&["s3:DeleteObject"], &["*"])]));
    let cases: std::collections::HashSet<&Access> = [&one, &same, &other].into_iter().collect();
    assert_eq!(cases.len(), 2);
}

#[test]
fn one_request_is_decided_with_the_statements_that_decide() {
    let deny = json!({ "Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::audit/*" });
    let access = access(&json!([allow(&["s3:*"], &["*"]), deny]));
    let request = |resource: &str| Request {
        action: "s3:GetObject".into(),
        resource: resource.into(),
        context: Context::default(),
    };
    let denied = allows(&access, &request("arn:aws:s3:::audit/a"));
    assert_eq!(denied.verdict, Verdict::Denied);
    assert_eq!(denied.deciding[0].sid.as_deref(), Some("No"));
    let allowed = allows(&access, &request("arn:aws:s3:::logs/a"));
    assert_eq!((allowed.verdict, allowed.deciding.len()), (Verdict::Allowed, 1));
}

#[test]
fn keys_that_depend_on_each_other() {
    let tagged = when(allow(&["s3:ListAllMyBuckets"], &["*"]), "StringEquals", "aws:RequestTag/team", &["ops"]);
    let without = when(tagged.clone(), "ForAllValues:StringNotEquals", "aws:TagKeys", &["team"]);
    // Who carries the tag carries its key: the second statement never applies.
    let mut known = catalogue();
    let s3 = known.services.get_mut("s3").unwrap();
    for (name, several) in [("aws:RequestTag/${TagKey}", false), ("aws:TagKeys", true)] {
        s3.keys.push(ConditionKey { name: name.into(), kind: KeyKind::String, several });
    }
    s3.actions[2].keys = vec![2, 3];
    let mut engine = Engine::new(&known);
    assert_eq!(engine.space(&access(&json!([without]))), []);
    assert_eq!(
        lines(&engine.space(&access(&json!([tagged])))),
        ["s3:ListAllMyBuckets on * when aws:RequestTag/team is ops"]
    );
    let both = when(allow(&["s3:GetObject"], &["*"]), "StringEquals", "aws:SourceVpc", &["vpc-1"]);
    let both = when(both, "IpAddress", "aws:SourceIp", &["10.0.0.0/8"]);
    let delta = diff(&Access::default(), &access(&json!([both])));
    let expected = r#"s3:GetObject on * when aws:SourceIp is 10.0.0.0/8 and aws:SourceVpc is vpc-1 may [Dependent(["aws:SourceIp", "aws:SourceVpc"])]"#;
    assert_eq!(lines(&delta.gained), [expected]);
}

#[test]
fn a_key_that_comes_with_another_is_not_proven_without_it() {
    let mut through = when(allow(&["s3:GetObject"], &["*"]), "StringEquals", "aws:SourceVpce", &["vpce-1"]);
    let alone = lines(&diff(&Access::default(), &access(&json!([through.clone()]))).gained);
    assert_eq!(alone, ["s3:GetObject on * when aws:SourceVpce is vpce-1"]);
    through = when(through, "Null", "aws:SourceVpc", &["true"]);
    let found = lines(&diff(&Access::default(), &access(&json!([through]))).gained);
    let expected = r#"s3:GetObject on * when aws:SourceVpc is absent and aws:SourceVpce is vpce-1 may [Dependent(["aws:SourceVpc", "aws:SourceVpce"])]"#;
    assert_eq!(found, [expected]);
}

#[test]
fn what_a_variable_gives_is_told_by_it() {
    let home = |key: &str| format!("arn:aws:s3:::h/${{aws:PrincipalTag/{key}}}/*");
    let of = |keys: &[&str]| {
        let homes: Vec<String> = keys.iter().map(|key| home(key)).collect();
        access(&json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": homes }]))
    };
    let told = |old: &Access, new: &Access| lines(&diff(old, new).gained);
    let (o, t) = (home("o"), home("t"));
    assert_eq!(told(&of(&["o"]), &of(&["o", "t"])), [format!("s3:GetObject on {t} - {o}")]);
    assert_eq!(told(&of(&["o"]), &of(&["t"])), [format!("s3:GetObject on {t} - {o}")]);
    let mut both = told(&of(&[]), &of(&["o", "t"]));
    both.sort();
    assert_eq!(both, [format!("s3:GetObject on {o}"), format!("s3:GetObject on {t}")]);
    for region in diff(&of(&["o"]), &of(&["o", "t"])).gained {
        let request = &region.witness.as_ref().unwrap().request;
        assert_eq!(request.resource, "arn:aws:s3:::h/some-t/");
        assert_eq!(allows(&of(&["o"]), request).verdict, Verdict::Denied);
        assert_eq!(allows(&of(&["o", "t"]), request).verdict, Verdict::Allowed);
    }
    for region in diff(&of(&[]), &of(&["o", "t"])).gained {
        let request = &region.witness.as_ref().unwrap().request;
        let tag = if region.resources[0].glob == o { "o" } else { "t" };
        assert_eq!(request.resource, format!("arn:aws:s3:::h/some-{tag}/"));
    }
    // Everybody's objects, beside one's own.
    let all = access(&json!([allow(&["s3:GetObject"], &["arn:aws:s3:::h/*"])]));
    assert_eq!(
        told(&of(&["o"]), &all),
        [
            "s3:GetObject on arn:aws:s3:::h/* - arn:aws:s3:::h/*/*".to_owned(),
            format!("s3:GetObject on arn:aws:s3:::h/*/* - {o}")
        ]
    );
}

#[test]
fn a_condition_with_a_variable_is_told_as_it_is() {
    let of = |operator: &str, key: &str, values: &[&str]| {
        access(&json!([when(allow(&["s3:GetObject"], &["*"]), operator, key, values)]))
    };
    let (tag, own, team) = ("aws:PrincipalTag/x", "${aws:PrincipalTag/o}", "${aws:PrincipalTag/t}");
    let told = |old: &Access, new: &Access| lines(&diff(old, new).gained);
    let none = Access::default();
    let line = |condition: &str| vec![format!("s3:GetObject on * when aws:PrincipalTag/x is {condition}")];
    assert_eq!(told(&none, &of("StringEquals", tag, &[own])), line(own));
    assert_eq!(told(&none, &of("StringLike", tag, &["a-${aws:PrincipalTag/o}"])), line("a-${aws:PrincipalTag/o}"));
    // That it is absent is certain; the rest depends.
    let or_absent = |rest: &str| [line("absent"), line(rest)].concat();
    assert_eq!(told(&none, &of("StringNotEquals", tag, &[own])), or_absent(&format!("* - {own}")));
    assert_eq!(told(&none, &of("StringEqualsIfExists", tag, &[own])), or_absent(own));
    assert_eq!(told(&of("StringEquals", tag, &[own]), &of("StringLike", tag, &["*"])), line(&format!("* - {own}")));
    assert_eq!(
        told(&of("StringEquals", tag, &[own]), &of("StringEquals", tag, &[team])),
        line(&format!("{team} - {own}"))
    );
    let mixed = told(&none, &of("StringEquals", tag, &["a", own]));
    assert_eq!(mixed, [line("a"), line(&format!("{own} - a"))].concat());
    let several = told(&none, &of("ForAnyValue:StringEquals", "aws:CalledVia", &[own]));
    assert_eq!(several, [format!("s3:GetObject on * when aws:CalledVia has {own}")]);
    let all = told(&none, &of("ForAllValues:StringEquals", "aws:CalledVia", &[own]));
    let each = format!("s3:GetObject on * when aws:CalledVia has {own} and aws:CalledVia lacks * - {own}");
    assert_eq!(all, ["s3:GetObject on * when aws:CalledVia is absent".to_owned(), each]);
    // None of what a list names, and nothing else: none.
    let none_of = when(allow(&["s3:GetObject"], &["*"]), "ForAllValues:StringEquals", "aws:CalledVia", &["a", "b"]);
    let none_of = when(none_of, "ForAllValues:StringNotEquals", "aws:CalledVia", &["a", "b"]);
    assert_eq!(told(&none, &access(&json!([none_of]))), ["s3:GetObject on * when aws:CalledVia is absent"]);
}
