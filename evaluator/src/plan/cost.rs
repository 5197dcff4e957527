//! What an apply costs before it is begun: requests, and the time its limits allow at best. Owns the formulas
//! (spec/reading.md, spec/apply.md).

use std::collections::BTreeMap;

use super::model::{Cost, Limits, Operation, Quota, Service, Verb};

/// Seconds an assignment or a provisioning takes: measured over a fleet by a published load test.
const SECONDS_AN_ASSIGNMENT: u64 = 3;
/// Seconds the creation of an account takes.
const SECONDS_A_CREATION: u64 = 60;
/// Seconds a stack takes, about: a change set is made in some, and what is quick to make is made in some more.
const SECONDS_A_STACK: u64 = 20;
/// Stacks at once.
const STACKS: u64 = crate::apply::STACKS;

/// What shows an assignment where it is looked for alone.
const READ_ALONE: &str = "sso:ListAccountAssignments";
/// What shows all that a principal has.
const READ_SHARED: &str = "sso:ListAccountAssignmentsForPrincipal";
/// So many it shows at once.
const PAGE: u64 = 100;

/// The requests of an operation on its own, its read-back included, polls left out.
pub fn calls(operation: &Operation) -> Vec<&'static str> {
    match &operation.verb {
        Verb::EnablePolicies => vec!["organizations:EnablePolicyType", "organizations:ListRoots"],
        Verb::CreateUnit { .. } => vec![
            "organizations:CreateOrganizationalUnit",
            "organizations:DescribeOrganizationalUnit",
            "organizations:ListParents",
        ],
        Verb::RenameUnit { .. } => vec![
            "organizations:UpdateOrganizationalUnit",
            "organizations:DescribeOrganizationalUnit",
            "organizations:ListParents",
        ],
        Verb::DeleteUnit { .. } => {
            vec!["organizations:DeleteOrganizationalUnit", "organizations:DescribeOrganizationalUnit"]
        }
        Verb::CreateAccount { .. } => vec![
            "organizations:CreateAccount",
            "organizations:DescribeCreateAccountStatus",
            "organizations:DescribeAccount",
        ],
        Verb::MoveAccount { .. } => {
            vec!["organizations:ListParents", "organizations:MoveAccount", "organizations:ListParents"]
        }
        Verb::RenameAccount { .. } => vec!["account:PutAccountName", "organizations:DescribeAccount"],
        Verb::CloseAccount => vec!["organizations:CloseAccount", "organizations:DescribeAccount"],
        Verb::CreatePolicy { .. } => vec!["organizations:CreatePolicy", "organizations:DescribePolicy"],
        Verb::UpdatePolicy { .. } => vec!["organizations:UpdatePolicy", "organizations:DescribePolicy"],
        Verb::DeletePolicy => vec!["organizations:DeletePolicy", "organizations:DescribePolicy"],
        Verb::AttachPolicy { .. } => vec!["organizations:AttachPolicy", "organizations:ListTargetsForPolicy"],
        Verb::DetachPolicy { .. } => vec!["organizations:DetachPolicy", "organizations:ListTargetsForPolicy"],
        Verb::Tag { set, remove } => {
            let center = is_set(&operation.address);
            let of = |organizations, sso| if center { sso } else { organizations };
            let mut calls = Vec::new();
            calls.extend((!set.is_empty()).then(|| of("organizations:TagResource", "sso:TagResource")));
            calls.extend((!remove.is_empty()).then(|| of("organizations:UntagResource", "sso:UntagResource")));
            calls.push(of("organizations:ListTagsForResource", "sso:ListTagsForResource"));
            calls
        }
        Verb::CreateSet { .. } => vec!["sso:CreatePermissionSet", "sso:DescribePermissionSet"],
        Verb::UpdateSet { .. } => vec!["sso:UpdatePermissionSet", "sso:DescribePermissionSet"],
        Verb::DeleteSet { .. } => vec!["sso:DeletePermissionSet", "sso:DescribePermissionSet"],
        Verb::PutInlinePolicy { .. } => {
            vec!["sso:PutInlinePolicyToPermissionSet", "sso:GetInlinePolicyForPermissionSet"]
        }
        Verb::DeleteInlinePolicy => {
            vec!["sso:DeleteInlinePolicyFromPermissionSet", "sso:GetInlinePolicyForPermissionSet"]
        }
        Verb::AttachManaged { .. } => {
            vec!["sso:AttachManagedPolicyToPermissionSet", "sso:ListManagedPoliciesInPermissionSet"]
        }
        Verb::DetachManaged { .. } => {
            vec!["sso:DetachManagedPolicyFromPermissionSet", "sso:ListManagedPoliciesInPermissionSet"]
        }
        Verb::AttachCustomer { .. } => {
            vec![
                "sso:AttachCustomerManagedPolicyReferenceToPermissionSet",
                "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
            ]
        }
        Verb::DetachCustomer { .. } => {
            vec![
                "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet",
                "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
            ]
        }
        Verb::PutBoundary { .. } => {
            vec!["sso:PutPermissionsBoundaryToPermissionSet", "sso:GetPermissionsBoundaryForPermissionSet"]
        }
        Verb::DeleteBoundary => {
            vec!["sso:DeletePermissionsBoundaryFromPermissionSet", "sso:GetPermissionsBoundaryForPermissionSet"]
        }
        Verb::Provision | Verb::ProvisionIn { .. } => {
            vec!["sso:ProvisionPermissionSet", "sso:ListAccountsForProvisionedPermissionSet"]
        }
        Verb::Assign { .. } => vec!["sso:CreateAccountAssignment", "sso:ListAccountAssignments"],
        Verb::Unassign { .. } => vec!["sso:DeleteAccountAssignment", "sso:ListAccountAssignments"],
        elsewhere => calls_in_cells(elsewhere),
    }
}

/// Those of what is in the cells' accounts; what the registry alone has sends none.
fn calls_in_cells(verb: &Verb) -> Vec<&'static str> {
    match verb {
        Verb::SetRepositoryPolicy { .. } => {
            vec!["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy", "ecr:GetRepositoryPolicy"]
        }
        // Where no statement of others is left, the whole policy goes.
        Verb::RemoveRepositoryPolicy { .. } => vec![
            "ecr:GetRepositoryPolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:DeleteRepositoryPolicy",
            "ecr:GetRepositoryPolicy",
        ],
        Verb::DeployStack(order) => {
            let mut calls = calls_of_a_stack();
            calls.push("cloudformation:GetTemplate");
            calls.extend(order.bucket.as_ref().map(|_| "s3:PutObject"));
            calls
        }
        Verb::DeleteStack { .. } => vec![
            "cloudformation:DescribeStacks",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
        ],
        Verb::Deploy(order) if order.is_stack() => calls_of_a_stack(),
        Verb::Undeploy { .. } => vec!["cloudformation:DescribeStacks", "cloudformation:DeleteStack"],
        // What a make target and a cluster are asked is no request of AWS's.
        _ => Vec::new(),
    }
}

/// To make a stack, or bring it to what is wanted.
fn calls_of_a_stack() -> Vec<&'static str> {
    vec![
        "cloudformation:DescribeStacks",
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
    ]
}

/// Is it a permission set's address?
pub fn is_set(address: &str) -> bool {
    address.starts_with("permission_set.") || address.contains(".permission_set.")
}

/// Seconds that an operation takes on its own, about: what a share of the whole is reckoned by.
pub fn seconds(verb: &Verb) -> u64 {
    match verb {
        Verb::Assign { .. } | Verb::Unassign { .. } | Verb::Provision | Verb::ProvisionIn { .. } => {
            SECONDS_AN_ASSIGNMENT
        }
        verb if verb.service() == Service::Creation => SECONDS_A_CREATION,
        verb if verb.service() == Service::Stacks => SECONDS_A_STACK,
        _ => 1,
    }
}

/// Requests of all operations, and the least time they take: what is given to one principal is read back together.
pub fn of(operations: &[Operation], limits: Limits, quotas: Vec<Quota>) -> Cost {
    let mut by_call: BTreeMap<String, u64> = BTreeMap::new();
    let mut queues: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut slow, mut provisionings, mut creations, mut stacks) = (0_u64, 0_u64, 0_u64, 0_u64);
    for operation in operations {
        for call in calls(operation).into_iter().filter(|call| *call != READ_ALONE) {
            *by_call.entry(call.to_owned()).or_default() += 1;
        }
        match &operation.verb {
            Verb::Assign { target, principal, .. } | Verb::Unassign { target, principal, .. } => {
                *seen.entry(principal).or_default() += 1;
                *queues.entry(target).or_default() += SECONDS_AN_ASSIGNMENT;
                slow += SECONDS_AN_ASSIGNMENT;
            }
            Verb::Provision | Verb::ProvisionIn { .. } => provisionings += 1,
            verb => {
                creations += u64::from(verb.service() == Service::Creation);
                stacks += u64::from(verb.service() == Service::Stacks);
            }
        }
    }
    // One list shows what many of a principal came to.
    for count in seen.into_values() {
        let (call, requests) = if count == 1 { (READ_ALONE, 1) } else { (READ_SHARED, count.div_ceil(PAGE)) };
        *by_call.entry(call.to_owned()).or_default() += requests;
    }
    let to =
        |service: &str| by_call.iter().filter(|(call, _)| call.starts_with(service)).map(|(_, count)| count).sum();
    let center: u64 = to("sso:");
    // The others have no limit of the organization's.
    let organization: u64 = to("organizations:") + to("account:");
    let floor = [
        center.div_ceil(limits.tps.max(1)),
        slow.div_ceil(limits.lanes.max(1)),
        // One after the other: of two at once AWS refuses the second with a conflict.
        provisionings * SECONDS_AN_ASSIGNMENT,
        queues.values().copied().max().unwrap_or(0),
        stacks.div_ceil(STACKS) * SECONDS_A_STACK,
    ];
    let before = creations.div_ceil(limits.creations.max(1)) * SECONDS_A_CREATION
        + organization.div_ceil(limits.organizations_tps.max(1));
    let duration_s = before + floor.into_iter().max().unwrap_or(0);
    Cost { calls: by_call.values().sum(), by_call, duration_s, quotas }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::model::{Fields, OperationId};

    #[test]
    fn what_other_services_take_is_not_reckoned_at_the_rate_of_the_organization() {
        let verb = Verb::SetRepositoryPolicy {
            account: "222222222222".to_owned(),
            region: None,
            repository: "acme/cache".to_owned(),
            content: serde_json::Value::Null,
        };
        let one = |verb: &Verb| Operation {
            id: OperationId(0),
            address: "ecr.images/acme/cache".to_owned(),
            verb: verb.clone(),
            needs: Vec::new(),
            sets: Fields::new(),
        };
        let policies: Vec<Operation> = std::iter::repeat_n(one(&verb), 800).collect();
        let cost = of(&policies, Limits::default(), Vec::new());
        assert_eq!((cost.calls, cost.duration_s), (2_400, 0));
        let units: Vec<Operation> = std::iter::repeat_n(one(&Verb::EnablePolicies), 8).collect();
        assert_eq!(of(&units, Limits::default(), Vec::new()).duration_s, 2);
    }
}
