//! What a reviewer sees of small programs.

use std::collections::BTreeMap;

use super::{FLEET, change, fleet, grant, line};
use crate::access::model::{Holds, Review};
use crate::access::pins::Pins;
use crate::access::text;
use crate::terminal::Look;

fn page(review: &Review) -> String {
    let mut out = String::new();
    text::write(review, &Look { verbose: false, width: 100, color: false }, &mut out).unwrap();
    masked(&out)
}

/// Without fingerprints: what one is of is tested by itself.
fn masked(page: &str) -> String {
    let mut parts = page.split("access-");
    let first = parts.next().unwrap_or_default().to_owned();
    let hex = |part: &str| part.len() - part.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
    parts.fold(first, |page, part| format!("{page}access-<fingerprint>{}", &part[hex(part)..]))
}

/// A developers' set with these statements, held by both groups everywhere.
fn deploy(statements: &str) -> String {
    format!(
        "{FLEET}permission_set Deploy {{ {statements} }}\ngrant g {{ to = [group.dev, group.ops]\n can = permission_set.Deploy\n on = cells }}\n"
    )
}

const FUNCTIONS: &str =
    r#"allow functions { actions = ["lambda:CreateFunction", "lambda:InvokeFunction"], resources = ["*"] }"#;

#[test]
fn a_path_that_is_completed_names_the_piece_that_arrives() {
    let pass = |role: &str| {
        format!(
            "{FUNCTIONS}\n allow pass {{ actions = [\"iam:PassRole\"], resources = [\"arn:aws:iam::*:role/{role}\"] }}"
        )
    };
    let review = change(&deploy(FUNCTIONS), &deploy(&pass("*")), &Pins::default());
    insta::assert_snapshot!(page(&review), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 2 principals gain, 0 unchanged
    guards: the program has none
    CRITICAL + groups dev, ops × p, a (1 production)                       privilege escalation [proven]
      gains  iam:PassRole on *
        path lambda-001 (passes a role to something it creates): iam:PassRole arrives,
            lambda:CreateFunction, lambda:InvokeFunction were there
        witness  iam:PassRole on arn:aws:iam::111122223333:role/x  before: deny, after: allow
      by main.cell:8
      accept for group dev as  access-<fingerprint>
      accept for group ops as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      service and resource control policies attached outside the program: none is pinned
    evidence: 1 query over 2 distinct cases · all 2 regions proven · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
    let review = change(&deploy(&pass("app-*")), &deploy(&pass("*")), &Pins::default());
    insta::assert_snapshot!(page(&review), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 2 principals gain, 0 unchanged
    guards: the program has none
    CRITICAL + groups dev, ops × p, a (1 production)                       privilege escalation [proven]
      gains  iam:PassRole on arn:aws:iam::*:role/* except arn:aws:iam::*:role/app-*
        path lambda-001 (passes a role to something it creates): iam:PassRole arrives,
            lambda:CreateFunction, lambda:InvokeFunction were there
        witness  iam:PassRole on arn:aws:iam::111122223333:role/x  before: deny, after: allow
      by main.cell:8
      accept for group dev as  access-<fingerprint>
      accept for group ops as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      service and resource control policies attached outside the program: none is pinned
    evidence: 2 queries over 2 distinct cases · all 2 regions proven · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
    let spec = include_str!("../../../../spec/review.md");
    assert!(masked(spec).contains(&page(&review)), "the example of the specification is another one");
}

#[test]
fn a_condition_that_is_loosened_is_told_by_its_values() {
    let logs = |endpoints: &str| {
        grant(
            "Look",
            &format!(
                r#"allow l {{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::logs-*"], when {{ "aws:SourceVpce" in [{endpoints}] }} }}"#
            ),
        )
    };
    let review = change(&logs(r#""vpce-1""#), &logs(r#""vpce-1", "vpce-2""#), &Pins::default());
    insta::assert_snapshot!(page(&review), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 1 principal gains, 0 unchanged
    guards: the program has none
    MEDIUM   ~ group dev × p, a (1 production)              condition loosened: bulk data reads [proven]
      gains  s3:GetObject on arn:aws:s3:::logs-*
        aws:SourceVpce is vpce-1 → is one of vpce-1, vpce-2
      by main.cell:7
      accept as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      service and resource control policies attached outside the program: none is pinned
    evidence: 2 queries over 2 distinct cases · 1 region proven · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
}

#[test]
fn a_broken_guard_stands_first() {
    let guard = "guard no-secrets { on = cells where .kind == \"prod\"\n forbid s { actions = [\"secretsmanager:GetSecretValue\"], resources = [\"*\"] }\n }\n";
    let before = grant("Look", r#"allow l { actions = ["s3:ListBucket"], resources = ["*"] }"#) + guard;
    let after = grant("Look", r#"allow l { actions = ["s3:*", "secretsmanager:Get*"], resources = ["*"] }"#) + guard;
    insta::assert_snapshot!(page(&change(&before, &after, &Pins::default())), @r"
    access review of main.cell, against revision before
    VERDICT: a guard is broken · 1 principal gains, 0 unchanged
    guards: 0 of 1 proven  ✗ no-secrets
    BROKEN   ! guard no-secrets over 1 principal and 1 cell (1 distinct case): broken in 1 place
                   (main.cell:11)
      group dev × p: is allowed secretsmanager:GetSecretValue on *, forbidden by `s`
        witness  secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-west-2:111122223333:secret:x
             before: deny, after: allow
        together allowed by  allow L of permission set Look (main.cell:7)
    HIGH     + group dev × p, a (1 production)                         permissions and exposure [proven]
      gains  s3:AssociateAccessGrantsIdentityCenter, s3:BypassGovernanceRetention, s3:CreateAccessGrant
          (+179), and future actions matching s3:*, secretsmanager:Get* on *
        witness  s3:BypassGovernanceRetention on arn:aws:s3:::x/x  before: deny, after: allow
      by main.cell:7
      accept as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      service and resource control policies attached outside the program: none is pinned
    evidence: 2 queries over 2 distinct cases · 1 region proven · action list of 2026-09-26
    ");
}

#[test]
fn what_is_not_pinned_is_told_as_what_may_be() {
    let after = grant("Look", r#"managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]"#);
    insta::assert_snapshot!(page(&change(&fleet("permission_set Look {}\n"), &after, &Pins::default())), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 1 principal gains, 0 unchanged
    guards: the program has none
    MAY      ? group dev × p, a (1 production)                     at most CRITICAL: administrator [may]
      may gain  * on *
        because the document of arn:aws:iam::aws:policy/ReadOnlyAccess is not known
        path apprunner-001 (passes a role to something it creates): iam:PassRole,
            apprunner:CreateService arrive
        path apprunner-002 (takes over something that has a role): apprunner:UpdateService arrives
        path batch-002 (takes over something that has a role): batch:SubmitJob arrives
        and 63 more paths: bedrock-002, bedrock-004, bedrock-007 (+60)
        witness  iam:AddUserToGroup on arn:aws:iam::111122223333:group/x  before: deny, after: may
      is given Look by grant g (main.cell:8); by main.cell:7
      accept as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      documents that are not pinned, so that they may allow anything:
          arn:aws:iam::aws:policy/ReadOnlyAccess (`cellc lock --update` pins them)
      service and resource control policies attached outside the program: none is pinned
    evidence: 1 query over 1 distinct case · 0 of 1 regions proven, 1 may · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
}

#[test]
fn what_is_taken_away_says_how_long_it_lasts() {
    let set = r#"permission_set Look { session = 4h
 allow l { actions = ["ec2:DescribeInstances"], resources = ["*"] } }"#;
    let before = fleet(&format!("{set}\ngrant g {{ to = group.dev\n can = permission_set.Look\n on = cells }}\n"));
    insta::assert_snapshot!(page(&change(&before, &fleet(set), &Pins::default())), @r"
    access review of main.cell, against revision before
    VERDICT: no review needed · 1 principal loses, 0 unchanged
    guards: the program has none
    LOSS     - group dev × p, a (1 production)                                      access lost [proven]
      loses  ec2:DescribeInstances on *
      open sessions keep it for up to 4 h
      loses the set Look; by main.cell:8

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      service and resource control policies attached outside the program: none is pinned
    evidence: 2 queries over 1 distinct case · 1 region proven · action list of 2026-09-26
    ");
}

#[test]
fn resource_control_policies_bind_what_is_done_to_resources_of_the_account() {
    let read = |resource: &str| {
        grant("Look", &format!(r#"allow l {{ actions = ["s3:GetObject"], resources = ["{resource}"] }}"#))
    };
    let pins = |content: &str| Pins {
        organization: Some(BTreeMap::new()),
        resources: Some(BTreeMap::from([("root".to_owned(), vec![("perimeter".to_owned(), content.to_owned())])])),
        ..Pins::default()
    };
    let deny = |condition: &str| {
        pins(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"{condition}}}]}}"#
        ))
    };
    let secure = deny(r#","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}"#);
    let before = read("arn:aws:s3:::logs/a");
    let after = read("arn:aws:s3:::logs/*");
    insta::assert_snapshot!(page(&change(&before, &after, &secure)), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 1 principal gains, 0 unchanged
    guards: the program has none
    MEDIUM   + group dev × p, a (1 production)                                  bulk data reads [proven]
      gains  s3:GetObject on arn:aws:s3:::logs/* except arn:aws:s3:::logs/a  when aws:SecureTransport is
          true
      gains  s3:GetObject on arn:aws:s3:::logs/* except arn:aws:s3:::logs/a  when aws:ResourceAccount is
          * except ${aws:PrincipalAccount} and aws:SecureTransport is false
      by main.cell:7
      accept as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      resource control policies but for S3, SQS, STS and Secrets Manager, and those of other accounts,
          for what is done to resources there
    evidence: 6 queries over 2 distinct cases · all 2 regions proven · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
    let none = deny("");
    insta::assert_snapshot!(page(&change(&before, &after, &none)), @r"
    access review of main.cell, against revision before
    VERDICT: needs security review · 1 principal gains, 0 unchanged
    guards: the program has none
    LOW      + group dev × p, a (1 production)                                  bulk data reads [proven]
      gains  s3:GetObject on arn:aws:s3:::logs/* except arn:aws:s3:::logs/a  when aws:ResourceAccount is
          * except ${aws:PrincipalAccount}
      by main.cell:7
      accept as  access-<fingerprint>

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
      permission sets, roles and users that cellc does not manage, and roles that are taken from there
      memberships of groups are not read: what one person has by several groups, or besides, is judged
          for each alone
      resource control policies but for S3, SQS, STS and Secrets Manager, and those of other accounts,
          for what is done to resources there
    evidence: 6 queries over 2 distinct cases · 1 region proven · action list of 2026-09-26
    approve all of it: cellc apply --approve access-<fingerprint>
    ");
}

#[test]
fn a_path_says_which_condition_bounds_it() {
    let set =
        |more: &str| grant("S", &format!("allow l {{ actions = [\"s3:ListBucket\"], resources = [\"*\"] }} {more}"));
    let attach = r#"allow a { actions = ["iam:AttachRolePolicy"], resources = ["*"],
        when { "iam:PolicyARN" == "arn:aws:iam::aws:policy/ReadOnlyAccess" } }"#;
    let review = change(&set(""), &set(attach), &Pins::default());
    let delta = &review.principals[0].gained[0];
    assert_eq!(
        line(delta),
        "CRITICAL privilege escalation: iam:AttachRolePolicy on * when iam:PolicyARN is arn:aws:iam::aws:policy/ReadOnlyAccess"
    );
    let told = page(&review).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("iam:AttachRolePolicy arrives; bounded by the condition on iam:PolicyARN"), "{told}");
}

#[test]
fn what_only_an_action_to_come_would_break_may_hold() {
    let guard = |deny: &str| {
        let set = format!("allow l {{ actions = [\"sqs:Purge*\"], resources = [\"*\"] }} {deny}");
        let guard = "guard g { on = cells\n forbid f { actions = [\"sqs:Purge*\"], resources = [\"*\"] } }\n";
        let text = format!("{}{guard}", grant("S", &set));
        change(&text, &text, &Pins::default()).guards.remove(0)
    };
    let held = guard("deny d { actions = [\"sqs:PurgeQueue\"], resources = [\"*\"] }");
    assert_eq!((held.holds, held.broken.len()), (Holds::May, 0));
    assert_eq!(held.because, ["it would be broken by actions that AWS may add: sqs:Purge*"]);
    assert_eq!(guard("").holds, Holds::Broken);
}

/// Of services that such a policy may leave alone, and of keys that AWS manages, a gain is told all the same; and who
/// is of the organization is known.
#[test]
fn what_a_resource_control_policy_may_not_bind_is_told() {
    let pins = |content: &str| Pins {
        organization: Some(BTreeMap::new()),
        organization_id: Some("o-abcdefghij".to_owned()),
        resources: Some(BTreeMap::from([("root".to_owned(), vec![("perimeter".to_owned(), content.to_owned())])])),
        ..Pins::default()
    };
    let gains = |action: &str, statement: &str| {
        let set =
            |actions: &str| grant("Look", &format!(r#"allow l {{ actions = [{actions}], resources = ["*"] }}"#));
        let before = set(r#""ec2:DescribeInstances""#);
        let after = set(&format!(r#""ec2:DescribeInstances", "{action}""#));
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Resource":"*",{statement}}}]}}"#
        );
        let page = page(&change(&before, &after, &pins(&document)));
        page.lines().find(|line| line.contains("gains ")).unwrap_or_default().trim().to_owned()
    };
    let all = r#""Action":["s3:*","kms:*","ec2:*"]"#;
    assert_eq!(gains("kms:RetireGrant", all), "gains  kms:RetireGrant on *");
    assert_eq!(gains("ec2:RunInstances", all), "gains  ec2:RunInstances on *");
    assert!(gains("s3:GetObject", all).contains("when aws:ResourceAccount is"));
    // AWS's own example of a perimeter binds nobody of the organization.
    let perimeter =
        r#""Action":"s3:*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-abcdefghij"}}"#;
    assert_eq!(gains("s3:GetObject", perimeter), "gains  s3:GetObject on *");
}
