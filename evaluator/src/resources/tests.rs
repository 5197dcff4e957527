//! Resources: their addresses, and the fields that are derived.

use super::{Resource, derive};
use crate::emit::text::{WHOLE, printed};
use crate::rules::tests::expanded;
use crate::world::World;

/// `address field=value …`, fields by name, of the resources of a kind.
fn told(world: &World<'_>, kind: &str, fields: &[&str]) -> Vec<String> {
    let all = derive(world);
    let line = |resource: &Resource| {
        let mut line = resource.address.to_string();
        for field in fields {
            let value = resource.field(field).map_or_else(|| "-".to_owned(), |value| printed(world, value, WHOLE));
            line.push_str(&format!(" {field}={value}"));
        }
        line
    };
    all.iter().filter(|resource| resource.kind.name() == kind).map(line).collect()
}

const PROGRAM: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
ou prod { scps = [scp.no-root] }
scp no-root { deny root { actions = ["*"], resources = ["*"], when { "aws:PrincipalArn" like "arn:aws:iam::*:root" } } }
group ops {}
group dev {}
account images { account_id = "999999999999" }
cell a { kind = "prod", region = "us-west-2", owner = group.ops, account_id = "111111111111", capacity = 10, budget { monthly = 5usd }, endpoints { api = "a.example" } }
cell b { kind = "prod", region = "us-west-2", owner = group.ops, state = "retired" }
cell g { kind = "prod", region = "us-east1", owner = group.ops, cloud = "gcp", project = "x-prod-1" }
alarm e { namespace = "n", metric = "m", above = 1%, over = 5m }
rollout r { alarms = [alarm.e], wave one { on = [cell.a, cell.g], bake = 1h } }
component c {
  repo = "r"
  rollout = rollout.r
  artifact ecr { repository = "x/c", account = account.images }
  deploy cloudformation { template = "t" }
  deploy make { target = "go", clouds = ["gcp"] }
  parameters { NAME = .name, SIZE = (.capacity ?? 1) * 2, ROLE = "arn:aws:iam::\(account.images.account_id):role/x" }
}
permission_set S {
  allow look-around { actions = ["s3:Get*"], not_resources = ["arn:aws:s3:::x"], when { "aws:RequestedRegion" in [for c in cells where .cloud == "aws" : c.region], if present every "aws:TagKeys" in ["a"] } }
}
grant one { to = group.ops, can = permission_set.S, on = [cell.a], expires = 2027-01-01 }
grant two { to = .owner, can = permission_set.S, on = [cell.a, cell.b], expires = 2027-06-01 }
outbound pull { from = cells where .cloud == "aws", to ecr_pull { components = components }, to vpc_endpoint { service = "s" } }
router t { key = "tenant", on = [cell.a] }
"#;

#[test]
fn addresses_are_those_of_the_language() {
    let expected = [
        "account.images",
        "alarm.e/cell.a",
        "alarm.e/cell.g",
        "assignment.S/group.ops/cell.a",
        "assignment.S/group.ops/cell.b",
        "budget/cell.a",
        "cell.a",
        "cell.b",
        "cell.g",
        "dashboard.cells",
        "deployment.c/cell.a",
        "deployment.c/cell.b",
        "deployment.c/cell.g",
        "endpoint.api/cell.a",
        "ou.prod",
        "permission_set.S",
        "pipeline.c",
        "repository_policy.images/x/c",
        "router.t",
        "scp.no-root",
        "scp_attachment.no-root/ou.prod",
        "vpc_endpoint.pull/cell.a",
        "vpc_endpoint.pull/cell.b",
    ];
    expanded(PROGRAM, |world| {
        let all = derive(world);
        assert_eq!(all.iter().map(|resource| resource.address.as_str()).collect::<Vec<_>>(), expected);
    });
}

#[test]
fn two_grants_of_one_assignment_are_its_sources() {
    expanded(PROGRAM, |world| {
        let all = derive(world);
        let sources = |address: &str| {
            let found = all.iter().find(|resource| resource.address == address);
            found.map(|resource| {
                resource.sources.iter().map(|source| world.address(source.entity)).collect::<Vec<_>>()
            })
        };
        assert_eq!(sources("assignment.S/group.ops/cell.a"), Some(vec!["grant.one", "grant.two"]));
        assert_eq!(sources("assignment.S/group.ops/cell.b"), Some(vec!["grant.two"]));
        let expected = [
            "assignment.S/group.ops/cell.a account=\"111111111111\" expires=2027-06-01",
            "assignment.S/group.ops/cell.b account=cell.b.account_id expires=2027-06-01",
        ];
        assert_eq!(told(world, "assignment", &["account", "expires"]), expected);
    });
}

#[test]
fn deployments_say_where_and_with_what() {
    let parameters = |name: &str, size: u32| {
        format!(
            "{{ \"NAME\" = \"{name}\", \"SIZE\" = {size}, \"ROLE\" = \"arn:aws:iam::\\(account.images.account_id):role/x\" }}"
        )
    };
    let expected = [
        format!(
            "deployment.c/cell.a sort=\"cloudformation\" stack=\"c-a\" wave=\"one\" parameters={}",
            parameters("a", 20)
        ),
        format!("deployment.c/cell.b sort=\"cloudformation\" stack=\"c-b\" wave=- parameters={}", parameters("b", 2)),
        format!("deployment.c/cell.g sort=\"make\" stack=- wave=\"one\" parameters={}", parameters("g", 2)),
    ];
    expanded(PROGRAM, |world| {
        assert_eq!(told(world, "deployment", &["sort", "stack", "wave", "parameters"]), expected);
    });
}

#[test]
fn statements_become_a_policy() {
    let expected = "permission_set.S inline={ \"Version\" = \"2012-10-17\", \"Statement\" = [{ \"Sid\" = \"LookAround\", \
                    \"Effect\" = \"Allow\", \"Action\" = [\"s3:Get*\"], \"NotResource\" = [\"arn:aws:s3:::x\"], \
                    \"Condition\" = { \"StringEquals\" = { \"aws:RequestedRegion\" = [\"us-west-2\"] }, \
                    \"ForAllValues:StringEqualsIfExists\" = { \"aws:TagKeys\" = [\"a\"] } } }] }";
    expanded(PROGRAM, |world| assert_eq!(told(world, "permission_set", &["inline"]), [expected]));
}

#[test]
fn a_repository_names_who_pulls() {
    expanded(PROGRAM, |world| {
        let expected =
            ["repository_policy.images/x/c by=\"accounts\" cells=[cell.a, cell.b] components=[component.c]"];
        assert_eq!(told(world, "repository_policy", &["by", "cells", "components"]), expected);
    });
}
