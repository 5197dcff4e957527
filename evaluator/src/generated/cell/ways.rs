//! Ways out of a cell: private endpoints, and roles outside that it assumes. Owns what each is in CloudFormation, and where the
//! network of a cell is looked up.

use serde_json::{Value as Json, json};

use super::trust;
use crate::generated::Owner;
use crate::generated::ground::Ground;
use crate::generated::names;
use crate::generated::template::Template;
use crate::resources::{Resource, ResourceKind};
use crate::rules::fleet::Cell;
use crate::rules::outbounds;
use crate::value::{EntityId, Later, LaterPiece, Value};

/// Where a cell's network stands in its Parameter Store, unless its label `network` says another place.
const NETWORK: &str = "/cellc/network";
/// The services that are reached by a route and not by an address of their own.
const GATEWAYS: [&str; 2] = ["s3", "dynamodb"];

/// Adds the ways out of a cell.
pub(super) fn add(ground: &Ground<'_, '_>, cell: Cell, template: &mut Template) {
    let network = super::records::label(ground, cell.id, "network").unwrap_or_else(|| NETWORK.to_owned());
    for resource in ground.of(cell.id, ResourceKind::VpcEndpoint) {
        endpoint(ground, resource, &network, template);
    }
    for resource in ground.of(cell.id, ResourceKind::RoleTrust) {
        role(ground, resource, template);
    }
}

/// The accounts that its ways out name.
pub(super) fn named(ground: &Ground<'_, '_>, cell: Cell) -> Vec<Owner> {
    let roles = ground.of(cell.id, ResourceKind::RoleTrust).filter_map(|resource| resource.field("role"));
    let pieces = roles.flat_map(|arn| match arn {
        Value::Later(later) => match &**later {
            Later::Field(id, _) => vec![*id],
            Later::Text(pieces) => pieces.iter().filter_map(account_of).collect(),
        },
        _ => Vec::new(),
    });
    pieces.map(|id| ground.owner(id)).collect()
}

fn account_of(piece: &LaterPiece) -> Option<EntityId> {
    match piece {
        LaterPiece::Text(_) => None,
        LaterPiece::Field(id, _) => Some(*id),
    }
}

/// What stands between the kind and the cell in an address: the outbound's label.
fn outbound(resource: &Resource) -> &str {
    let label = resource.address.split_once('/').map_or(resource.address.as_str(), |(of, _)| of);
    label.split_once('.').map_or(label, |(_, label)| label)
}

fn endpoint(ground: &Ground<'_, '_>, resource: &Resource, network: &str, template: &mut Template) {
    let Some(Value::Str(service)) = resource.field("service") else { return };
    let Some(Value::Ref(cell)) = resource.field("cell") else { return };
    let full = full_name(service, ground.region(*cell));
    let own = full.rsplit('.').next().unwrap_or_default();
    let vpc = template.stored(
        "Vpc",
        "AWS::EC2::VPC::Id",
        &format!("{network}/vpc"),
        "The network that the cell's endpoints are in",
    );
    let mut properties = json!({ "ServiceName": full, "VpcId": vpc });
    let of_aws = !outbounds::is_of_others(&full);
    if of_aws && GATEWAYS.contains(&own) {
        let routes = template.stored(
            "RouteTables",
            "List<String>",
            &format!("{network}/route-tables"),
            "The route tables that reach services without an address of their own",
        );
        properties["VpcEndpointType"] = json!("Gateway");
        properties["RouteTableIds"] = routes;
    } else {
        let subnets = template.stored(
            "Subnets",
            "List<AWS::EC2::Subnet::Id>",
            &format!("{network}/subnets"),
            "The subnets that the cell's endpoints have addresses in",
        );
        let groups = template.stored(
            "SecurityGroups",
            "List<AWS::EC2::SecurityGroup::Id>",
            &format!("{network}/security-groups"),
            "The security groups of the cell's endpoints",
        );
        properties["VpcEndpointType"] = json!("Interface");
        properties["SubnetIds"] = subnets;
        properties["SecurityGroupIds"] = groups;
        // The owner of another service has to have proven the name first.
        properties["PrivateDnsEnabled"] = json!(of_aws);
        // One that others offer may be in another region, if they let it be reached from this one.
        let region = outbounds::region_in(&full).filter(|region| *region != ground.region(*cell));
        if let Some(region) = region {
            properties["ServiceRegion"] = json!(region);
        }
    }
    let id = format!("Endpoint{}", names::logical(outbound(resource)));
    template.add(&id, "AWS::EC2::VPCEndpoint", properties);
}

/// A service's full name: `ecr.api` is `com.amazonaws.us-west-2.ecr.api`.
fn full_name(service: &str, region: &str) -> String {
    if outbounds::is_full(service) { service.to_owned() } else { format!("com.amazonaws.{region}.{service}") }
}

/// A policy that lets a role outside be assumed, for the roles of what runs in the cell, and a role with nothing else.
fn role(ground: &Ground<'_, '_>, resource: &Resource, template: &mut Template) {
    let Some(arn) = resource.field("role") else { return };
    let label = outbound(resource);
    let mut statement = json!({
        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": text(ground, arn, template),
    });
    if let Some(Value::Str(id)) = resource.field("external_id") {
        statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": id.as_str() } });
    }
    let id = names::logical(label);
    let policy = format!("OutPolicy{id}");
    let properties = json!({
        "ManagedPolicyName": names::role("out", label),
        "Description": format!("outbound.{label}: what may be assumed outside"),
        "PolicyDocument": { "Version": "2012-10-17", "Statement": [statement] },
    });
    template.add(&policy, "AWS::IAM::ManagedPolicy", properties);
    let own = json!({ "AWS": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" } });
    let properties = json!({
        "RoleName": names::role("out", label),
        "AssumeRolePolicyDocument": trust(&own),
        "ManagedPolicyArns": [{ "Ref": policy }],
    });
    template.add(&format!("OutRole{id}"), "AWS::IAM::Role", properties);
}

/// Text, in which ids of accounts may be known only later.
fn text(ground: &Ground<'_, '_>, value: &Value, template: &Template) -> Json {
    let later = match value {
        Value::Str(text) => return json!(text.as_str()),
        Value::Later(later) => later,
        _ => return Json::Null,
    };
    let piece = |piece: &LaterPiece| match piece {
        LaterPiece::Text(text) => json!(text.as_str()),
        LaterPiece::Field(id, _) => template.account(&ground.owner(*id)),
    };
    let pieces: Vec<Json> = match &**later {
        Later::Field(id, _) => vec![template.account(&ground.owner(*id))],
        Later::Text(pieces) => pieces.iter().map(piece).collect(),
    };
    // Where the account is known all of it is.
    let known: Option<String> = pieces.iter().map(Json::as_str).collect();
    known.map_or_else(|| json!({ "Fn::Join": ["", pieces] }), |text| json!(text))
}
