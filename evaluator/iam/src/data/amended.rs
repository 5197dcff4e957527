//! What AWS's list of resource types says in a form that is no ARN, or leaves out. Owns these amendments, each with its
//! source; the list itself stays as it was fetched.

use smol_str::SmolStr;

use crate::catalogue::{ResourceType, Service};

/// Objects by way of a multi-Region access point: the list has the access point itself.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointPermissions.html>
const BY_ALIAS: (&str, &str) = (
    "multiregionaccesspointobject",
    "arn:${Partition}:s3::${Account}:accesspoint/${AccessPointAlias}/object/${ObjectName}",
);

/// Verbs of API Gateway: its two APIs share their prefix, and the list has of the verbs the types of the first alone.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html>
const VERBS: [&str; 5] = ["GET", "DELETE", "PATCH", "POST", "PUT"];

/// What the types of the second API begin with.
const OF_SECOND: [&str; 2] =
    ["arn:${Partition}:apigateway:${Region}::/apis", "arn:${Partition}:apigateway:${Region}::/domainnames"];

/// Macros that AWS owns, on which a stack with one is asked for as well as on itself: AWS's own policies allow it
/// there, as does `AWSCodeStarServiceRole` from its fourth version on, with `arn:aws:cloudformation:*:aws:transform/CodeStar*`.
const MACRO: (&str, &str) = ("transform", "arn:${Partition}:cloudformation:${Region}:aws:transform/${TransformName}");

/// The calls that expand macros.
const EXPANDING: [&str; 4] = ["CreateChangeSet", "CreateStack", "UpdateStack", "CreateStackSet"];

/// The service with each ARN as a type of its own.
pub(super) fn amended(prefix: &str, mut service: Service) -> Service {
    let joined: Vec<(usize, Vec<SmolStr>)> = service.resources.iter().enumerate().filter_map(several).collect();
    for (at, mut arns) in joined {
        let Some(first) = service.resources.get_mut(at) else { continue };
        let name = first.name.clone();
        first.arn = arns.remove(0);
        for arn in arns {
            add(&mut service, ResourceType { name: name.clone(), arn }, |types| types.contains(&at));
        }
    }
    if prefix == "apigateway" {
        second_api(&mut service);
    }
    if prefix == "cloudformation" {
        let (name, arn) = MACRO;
        add_to(&mut service, ResourceType { name: name.into(), arn: arn.into() }, &EXPANDING);
    }
    if prefix == "s3" {
        let object = service.resources.iter().position(|kind| kind.name == "object");
        let (name, arn) = BY_ALIAS;
        let kind = ResourceType { name: name.into(), arn: arn.into() };
        add(&mut service, kind, |types| object.is_some_and(|object| types.contains(&object)));
    }
    service
}

/// The ARNs of a type that the list has as one text, with commas between them.
fn several((at, kind): (usize, &ResourceType)) -> Option<(usize, Vec<SmolStr>)> {
    let arns: Vec<SmolStr> = kind.arn.split(", ").map(SmolStr::new).collect();
    (arns.len() > 1).then_some((at, arns))
}

/// Gives the verbs of API Gateway the types of its second API.
fn second_api(service: &mut Service) {
    let second = |kind: &ResourceType| OF_SECOND.iter().any(|start| kind.arn.starts_with(start));
    let own = service.resources.iter().enumerate().filter(|(_, kind)| second(kind));
    let own: Vec<u16> = own.filter_map(|(at, _)| u16::try_from(at).ok()).collect();
    for action in service.actions.iter_mut().filter(|action| VERBS.contains(&action.name.as_str())) {
        action.resources.extend(&own);
        action.resources.sort_unstable();
        action.resources.dedup();
    }
}

/// Adds a type to these actions.
fn add_to(service: &mut Service, kind: ResourceType, actions: &[&str]) {
    let Ok(new) = u16::try_from(service.resources.len()) else { return };
    service.resources.push(kind);
    for action in service.actions.iter_mut().filter(|action| actions.contains(&action.name.as_str())) {
        action.resources.push(new);
    }
}

/// Adds a type to the actions whose types are so.
fn add(service: &mut Service, kind: ResourceType, of: impl Fn(&[usize]) -> bool) {
    let Ok(new) = u16::try_from(service.resources.len()) else { return };
    service.resources.push(kind);
    for action in &mut service.actions {
        let types: Vec<usize> = action.resources.iter().map(|&at| usize::from(at)).collect();
        if of(&types) {
            action.resources.push(new);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]
mod tests {
    use crate::data::all;

    #[test]
    fn each_type_has_one_arn() {
        for (prefix, service) in &all().unwrap().services {
            for kind in &service.resources {
                assert!(kind.arn.starts_with("arn:") && !kind.arn.contains(", "), "{prefix} {}", kind.arn);
            }
        }
    }

    #[test]
    fn both_arns_of_a_type_are_asked_for() {
        for (action, arn) in [
            ("apigateway:POST", "arn:${Partition}:apigateway:${Region}::/restapis/${RestApiId}/deployments"),
            ("apigateway:PATCH", "arn:${Partition}:apigateway:${Region}::/apis/${ApiId}/routes/${RouteId}"),
            ("cloudformation:CreateChangeSet", super::MACRO.1),
            ("s3:GetObject", super::BY_ALIAS.1),
        ] {
            let (service, found) = all().unwrap().action(action).unwrap();
            let arns: Vec<&str> =
                found.resources.iter().map(|&at| service.resources[usize::from(at)].arn.as_str()).collect();
            assert!(arns.contains(&arn), "{action}: {arns:?}");
        }
    }
}
