//! The stack of each cell: what it has by itself, whichever components go to it. Owns which parts that are; one file a part.
//! A cell outside of AWS has no account here: its alarms are in the account of monitoring.

mod alarms;
mod money;
mod records;
mod ways;

use serde_json::json;

use super::ground::{Ground, Place};
use super::template::{Stack, Template};
use super::{CELLS, Generation, LeftOut, OBSERVER_ROLE, Owner};
use crate::limits;
use crate::resources::ResourceKind;
use crate::rules::fleet::{Cell, Cloud};

pub(super) use alarms::alarm;

/// The stacks of all cells on AWS.
pub(super) fn stacks(ground: &Ground<'_, '_>, out: &mut Generation) {
    for cell in ground.cells().filter(|cell| cell.cloud == Cloud::Aws) {
        let label = ground.label(cell.id);
        let address = format!("{CELLS}{label}");
        let mut template = Template::new(format!("What the cell {label} has by itself"), &named(ground, cell));
        let mut left = Vec::new();
        for resource in ground.of(cell.id, ResourceKind::Alarm) {
            alarms::add(ground, resource, &mut template);
        }
        ways::add(ground, cell, &mut template);
        money::add(ground, cell, &mut template);
        records::add(ground, cell, &mut template, &mut left);
        seen_from_outside(ground, cell, &mut template);
        super::reader::add(ground, &mut template);
        let most = limits::STACK_RESOURCES;
        if template.len() > most.most {
            left.push(too_many(ground, cell, &address, template.len()));
        }
        out.left_out.extend(left);
        if template.len() > 0 {
            let place = Stack {
                address,
                name: label,
                account: ground.owner(cell.id),
                region: ground.region(cell.id),
                after: Vec::new(),
                sources: vec![cell.id],
            };
            out.stacks.push(template.finish(place));
        }
        out.stacks.extend(money::elsewhere(ground, cell));
    }
}

/// The accounts that a cell's stack may name, of which there are few in the largest fleet: who looks into it, and where it
/// assumes roles.
fn named(ground: &Ground<'_, '_>, cell: Cell) -> Vec<Owner> {
    let address = ground.world.address(cell.id);
    let outside = [ground.deployment(address), ground.monitoring(address)].into_iter().flatten();
    outside.map(|place| place.owner).chain(ways::named(ground, cell)).collect()
}

fn too_many(ground: &Ground<'_, '_>, cell: Cell, address: &str, resources: usize) -> LeftOut {
    LeftOut {
        address: address.to_owned(),
        span: Some(ground.world.label_span(cell.id)),
        why: format!("its template has {resources} resources; CloudFormation takes {}", limits::STACK_RESOURCES.most),
        help: "declare fewer alarms: each is one in every cell".to_owned(),
        refused: true,
    }
}

/// Roles for who looks into the cell: the bakes of pipelines, and the view of all cells.
fn seen_from_outside(ground: &Ground<'_, '_>, cell: Cell, template: &mut Template) {
    let address = ground.world.address(cell.id);
    if let Ok(deployment) = ground.deployment(address) {
        observer(&deployment, template);
    }
    let made_here = Owner::address(&ground.owner(cell.id)).is_some();
    if let (Ok(monitoring), true) = (ground.monitoring(address), made_here) {
        let trusted = root(template, &monitoring);
        let read = json!({ "Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/CloudWatchReadOnlyAccess" });
        let properties = json!({
            // CloudWatch asks for a role of this name.
            "RoleName": "CloudWatch-CrossAccountSharingRole",
            "AssumeRolePolicyDocument": trust(&json!({ "AWS": trusted })),
            "ManagedPolicyArns": [read],
        });
        template.add("SharingRole", "AWS::IAM::Role", properties);
    }
}

/// The role by which bakes read alarms and requests.
pub(super) fn observer(deployment: &Place, template: &mut Template) {
    let account = template.account(&deployment.owner);
    let by = json!({ "Fn::Sub": [
        "arn:${AWS::Partition}:iam::${Deployment}:role/cellc-observe", { "Deployment": account },
    ] });
    let trusted = root(template, deployment);
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": trusted },
            // Not as the principal itself: that one would have to be there first.
            "Condition": { "ArnEquals": { "aws:PrincipalArn": by } },
        }],
    });
    // Neither action takes a resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    let read = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], "Resource": "*" },
        ],
    });
    let properties = json!({
        "RoleName": OBSERVER_ROLE,
        "AssumeRolePolicyDocument": document,
        "Policies": [{ "PolicyName": "read", "PolicyDocument": read }],
    });
    template.add("ObserverRole", "AWS::IAM::Role", properties);
}

fn root(template: &Template, place: &Place) -> serde_json::Value {
    let account = template.account(&place.owner);
    json!({ "Fn::Sub": ["arn:${AWS::Partition}:iam::${Account}:root", { "Account": account }] })
}

/// A trust policy for a principal.
pub(super) fn trust(principal: &serde_json::Value) -> serde_json::Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }],
    })
}
