//! The least IAM policies: for planning, and for one very apply. Owns which actions IAM asks for which call, from the
//! service authorization reference of each service.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::model::{Plan, Service, Verb};
use crate::registry::store::Published;

mod stacks;

/// What no policy of `accounts` says.
const NOT_INCLUDED: &str = "what the resources of a stack's template need to be made, changed and deleted: the role that is entered has it (the one that an organization makes has AdministratorAccess)";

/// What planning reads, after a run that came to no end too: then it asks how that one's requests stand.
const READS: [&str; 41] = [
    "iam:GetPolicy",
    "identitystore:DescribeGroup",
    "identitystore:DescribeUser",
    "identitystore:GetGroupId",
    "identitystore:GetUserId",
    "identitystore:ListGroupMembershipsForMember",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
    "organizations:DescribeAccount",
    "organizations:DescribeCreateAccountStatus",
    "organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit",
    "organizations:DescribePolicy",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListCreateAccountStatus",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListParents",
    "organizations:ListPolicies",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
    "organizations:ListTargetsForPolicy",
    "sso:DescribeAccountAssignmentCreationStatus",
    "sso:DescribeAccountAssignmentDeletionStatus",
    "sso:DescribePermissionSet",
    "sso:DescribePermissionSetProvisioningStatus",
    "sso:GetInlinePolicyForPermissionSet",
    "sso:GetPermissionsBoundaryForPermissionSet",
    "sso:ListAccountAssignmentCreationStatus",
    "sso:ListAccountAssignmentDeletionStatus",
    "sso:ListAccountAssignments",
    "sso:ListAccountAssignmentsForPrincipal",
    "sso:ListAccountsForProvisionedPermissionSet",
    "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
    "sso:ListInstances",
    "sso:ListManagedPoliciesInPermissionSet",
    "sso:ListPermissionSetProvisioningStatus",
    "sso:ListPermissionSets",
    "sso:ListTagsForResource",
    "sts:GetCallerIdentity",
];

/// What Identity Center does with the caller's own rights when it works on the management account.
/// (IAM Identity Center User Guide, "Using service-linked roles" and the actions' dependent actions)
const IN_MANAGEMENT: [&str; 8] = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:PutRolePolicy",
    "iam:UpdateRole",
];

/// Both policies, as one document: `{plan, apply}`; and `accounts`, by address or id, with what the role that is
/// entered in each needs for its stacks.
pub fn policies(plan: &Plan) -> Json {
    let reads: BTreeSet<&str> = READS.into_iter().collect();
    let mut writes: BTreeSet<String> = BTreeSet::new();
    let management = &plan.target.management_account;
    for operation in plan.operations.iter().filter(|operation| !operation.verb.is_local()) {
        // In another account its member role does it, which may do everything there.
        if let Verb::SetRepositoryPolicy { account, .. } | Verb::RemoveRepositoryPolicy { account, .. } =
            &operation.verb
            && account != management
        {
            continue;
        }
        if operation.verb.service() == Service::Stacks {
            continue;
        }
        let calls = super::cost::calls(operation);
        writes.extend(calls.iter().filter(|call| !reads.contains(**call)).map(|call| (*call).to_owned()));
        // Tags on creation are an action of their own.
        match &operation.verb {
            Verb::CreateUnit { tags, .. } | Verb::CreateAccount { tags, .. } | Verb::CreatePolicy { tags, .. }
                if !tags.is_empty() =>
            {
                writes.insert("organizations:TagResource".to_owned());
            }
            Verb::CreateSet { tags, .. } if !tags.is_empty() => _ = writes.insert("sso:TagResource".to_owned()),
            Verb::Assign { target, .. } | Verb::Unassign { target, .. }
                if plan.ids.get(target) == Some(&plan.target.management_account) =>
            {
                writes.extend(IN_MANAGEMENT.iter().map(|action| (*action).to_owned()));
            }
            _ => {}
        }
    }
    let registry = registry(plan);
    let statement =
        |sid: &str, actions: Json| json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*" });
    let mut planning = vec![statement("Read", json!(READS.as_slice()))];
    let mut applying = vec![statement("Read", json!(reads))];
    if !writes.is_empty() {
        applying.push(statement("Write", json!(writes)));
    }
    let stacks = stacks::Stacks::of(plan);
    let roles = plan.target.roles.clone().unwrap_or_default();
    planning.extend(stacks.enter(&roles.reader));
    applying.extend(stacks.enter(&roles.access));
    planning.extend(stacks.own(false));
    applying.extend(stacks.own(true));
    applying.extend(stacks.shelves());
    if plan.entered.contains(management) {
        planning.push(statement("Repositories", json!(["ecr:GetRepositoryPolicy"])));
    }
    if let Some((bucket, key)) = &registry {
        planning.extend(objects("RegistryRead", bucket, key, &["s3:GetObject"]));
        applying.extend(objects("Registry", bucket, key, &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]));
        let beside = [Published::Cells, Published::Schema].map(|which| place(bucket, &which.name(key)));
        applying.push(json!({ "Sid": "Published", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": beside }));
    }
    let document = |statements: Vec<Json>| json!({ "Version": "2012-10-17", "Statement": statements });
    let mut both = json!({ "plan": document(planning), "apply": document(applying) });
    let accounts = stacks.accounts(&document);
    if !accounts.is_empty() {
        both["accounts"] = Json::Object(accounts);
        both["not_included"] = NOT_INCLUDED.into();
    }
    both
}

fn registry(plan: &Plan) -> Option<(String, String)> {
    let (bucket, key) = plan.target.registry.strip_prefix("s3://")?.split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}

fn place(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn objects(sid: &str, bucket: &str, key: &str, actions: &[&str]) -> [Json; 2] {
    let resources = ["", ".lock", ".journal/*", ".releases/*"].map(|ending| place(bucket, &format!("{key}{ending}")));
    [
        json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources }),
        json!({ "Sid": format!("{sid}List"), "Effect": "Allow", "Action": ["s3:GetBucketVersioning", "s3:ListBucket"], "Resource": format!("arn:aws:s3:::{bucket}") }),
    ]
}
