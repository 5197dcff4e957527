//! Whether a caller may make a call, by identity policies. Owns which action a call needs on which resources, as the
//! service authorization reference has them; what a policy allows is decided by `cell-iam`.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use crate::config::Config;
use crate::engine::Call;
use crate::error::ApiError;
use crate::input::{Caller, Input};
use crate::service::Service;
use crate::services::cloudformation::shelved;
use crate::services::{iam, sts};
use crate::state::State;
use cell_iam::access::{Access, Fact, Facts, Part};
use cell_iam::decide::{Verdict, allows};
use cell_iam::policy;
use cell_iam::{Context, Request};
use std::sync::Arc;

/// A policy, by its name.
pub(crate) type Named = (String, String);

/// Who asks, with what decides about it.
pub(crate) struct Authority<'a> {
    state: &'a State,
    caller: &'a Caller,
    access: Access,
}

impl<'a> Authority<'a> {
    /// Of a caller that has these policies.
    pub(crate) fn new(state: &'a State, caller: &'a Caller, policies: Vec<Named>) -> Self {
        let part = |(name, text): Named| match policy::parse(&text, &Arc::from(name.as_str())) {
            Ok(document) => Part::known(name, document),
            // Documents are checked when they come in; one that does not read gives nothing and takes all.
            Err(_) => Part::Unknown { name: name.into() },
        };
        let mut facts = Facts::default();
        facts.set("aws:PrincipalAccount", Fact::Is(vec![caller.account.as_str().into()]));
        facts.set("aws:PrincipalArn", Fact::Is(vec![sts::principal(caller).into()]));
        if let Some(org) = &state.org {
            facts.set("aws:PrincipalOrgID", Fact::Is(vec![org.id.as_str().into()]));
        }
        Self { state, caller, access: Access::of(policies.into_iter().map(part).collect(), facts) }
    }

    /// Refuses a call that no policy allows, or one denies.
    pub(crate) fn check(&self, call: &Call) -> Result<(), ApiError> {
        // It needs no permission.
        if call.service == Service::Sts && call.operation == "GetCallerIdentity" {
            return Ok(());
        }
        let resources = self.resources(call);
        for action in actions(call) {
            for resource in &resources {
                self.one(call.service, &action, resource)?;
            }
        }
        // CloudFormation reads a template out of a bucket as the caller.
        let url = Input(&call.input).optional("TemplateURL").filter(|_| call.service == Service::CloudFormation);
        match url.and_then(shelved::place) {
            Some((bucket, key)) => {
                let object = format!("arn:aws:s3:::{bucket}/{key}");
                self.one(Service::CloudFormation, "s3:GetObject", &object)
            }
            None => Ok(()),
        }
    }

    /// What S3 says of an object that is not there: nothing, to one who may not list the bucket.
    pub(crate) fn hide(&self, call: &Call, error: ApiError) -> ApiError {
        let missing = call.service == Service::S3 && error.code == "NoSuchKey";
        let bucket = format!("arn:aws:s3:::{}", Input(&call.input).text("Bucket"));
        match self.one(Service::S3, "s3:ListBucket", &bucket) {
            Err(refusal) if missing => refusal,
            _ => error,
        }
    }

    fn one(&self, service: Service, action: &str, resource: &str) -> Result<(), ApiError> {
        let request = Request { action: action.into(), resource: resource.into(), context: Context::default() };
        let decision = allows(&self.access, &request);
        if decision.verdict == Verdict::Allowed {
            return Ok(());
        }
        let why = if decision.missing.is_empty() {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        let who = sts::principal(self.caller);
        let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
        Err(match service {
            Service::Sts | Service::Iam | Service::S3 | Service::CloudFormation => {
                ApiError::new("AccessDenied", 403, message)
            }
            Service::Account | Service::Eks => ApiError::new("AccessDeniedException", 403, message),
            _ => ApiError::client("AccessDeniedException", message),
        })
    }

    /// What the call is about; each of these must be allowed.
    fn resources(&self, call: &Call) -> Vec<String> {
        let input = Input(&call.input);
        let account = &self.caller.account;
        let found = match call.service {
            Service::SsoAdmin => sso(input),
            Service::Organizations => self.organizations(input),
            Service::IdentityStore => {
                let store = input.optional("IdentityStoreId");
                store.map(|id| format!("arn:aws:identitystore::{account}:identitystore/{id}")).into_iter().collect()
            }
            Service::Sts => input.optional("RoleArn").map(str::to_owned).into_iter().collect(),
            Service::Iam => {
                let role = input.optional("RoleName").map(|name| format!("arn:aws:iam::{account}:role/{name}"));
                role.or_else(|| input.optional("PolicyArn").map(str::to_owned)).into_iter().collect()
            }
            // Neither is about a resource of its own.
            Service::Account | Service::Kubernetes | Service::CostExplorer => Vec::new(),
            Service::Eks => {
                let region = input.text("Region");
                vec![format!("arn:aws:eks:{region}:{account}:cluster/{}", input.text("name"))]
            }
            Service::CloudFormation => cloudformation(input, account),
            Service::CloudWatch => cloudwatch(input, account),
            Service::Ecr => {
                let region = input.text("Region");
                let name = input.optional("repositoryName");
                name.map(|name| format!("arn:aws:ecr:{region}:{account}:repository/{name}")).into_iter().collect()
            }
            Service::S3 => {
                let place = |bucket: &str| match input.optional("Key").filter(|key| !key.is_empty()) {
                    Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
                    None => format!("arn:aws:s3:::{bucket}"),
                };
                input.optional("Bucket").map(place).into_iter().collect()
            }
        };
        if found.is_empty() { vec!["*".to_owned()] } else { found }
    }

    /// Accounts, units, roots and policies that a call names by id.
    fn organizations(&self, input: Input<'_>) -> Vec<String> {
        const MEMBERS: [&str; 9] = [
            "AccountId",
            "ChildId",
            "DestinationParentId",
            "OrganizationalUnitId",
            "ParentId",
            "PolicyId",
            "ResourceId",
            "RootId",
            "TargetId",
        ];
        let Some(org) = &self.state.org else { return Vec::new() };
        let kind = |id: &str| match id.split_once('-').map_or("", |(start, _)| start) {
            "ou" => "ou".to_owned(),
            "r" => "root".to_owned(),
            "p" => "policy".to_owned(),
            _ => "account".to_owned(),
        };
        let ids = MEMBERS.iter().filter_map(|member| input.optional(member));
        ids.map(|id| org.arn(&self.state.management, &kind(id), id)).collect()
    }
}

/// The instance, the permission set and the account that a call names.
fn sso(input: Input<'_>) -> Vec<String> {
    let arns = ["InstanceArn", "PermissionSetArn"].into_iter().filter_map(|member| input.optional(member));
    let accounts = ["TargetId", "AccountId"].into_iter().filter_map(|member| input.optional(member));
    arns.map(str::to_owned).chain(accounts.map(|id| format!("arn:aws:sso:::account/{id}"))).collect()
}

/// The stack that a call names.
fn cloudformation(input: Input<'_>, account: &str) -> Vec<String> {
    let region = input.text("Region");
    let name = input.optional("StackName").or_else(|| input.optional("ChangeSetName"));
    let arn = |name: &str| {
        if name.starts_with("arn:") {
            name.to_owned()
        } else {
            format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/*")
        }
    };
    name.map(arn).into_iter().collect()
}

/// The alarm or the dashboard that a call names; data belongs to no resource.
fn cloudwatch(input: Input<'_>, account: &str) -> Vec<String> {
    let region = input.text("Region");
    let alarm = |name: &str| format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}");
    let dashboard = |name: &str| format!("arn:aws:cloudwatch::{account}:dashboard/{name}");
    let alarms = input.optional("AlarmName").into_iter().chain(input.texts("AlarmNames")).map(alarm);
    let dashboards = input.optional("DashboardName").into_iter().chain(input.texts("DashboardNames")).map(dashboard);
    alarms.chain(dashboards).chain(input.optional("ResourceARN").map(str::to_owned)).collect()
}

/// The actions that a call needs.
fn actions(call: &Call) -> Vec<String> {
    let name = call.operation.as_str();
    let prefix = match call.service {
        Service::SsoAdmin => "sso",
        other => other.name(),
    };
    let own = match (call.service, name) {
        (Service::S3, "HeadObject") => "GetObject",
        (Service::S3, "HeadBucket" | "ListObjectsV2") => "ListBucket",
        (Service::S3, "ListObjectVersions") => "ListBucketVersions",
        (Service::S3, "ListBuckets") => "ListAllMyBuckets",
        _ => name,
    };
    let mut all = vec![format!("{prefix}:{own}")];
    // Tags on creation are an action of their own.
    if name.starts_with("Create") && matches!(call.service, Service::SsoAdmin | Service::Organizations) {
        let tagged = !Input(&call.input).list("Tags").is_empty();
        all.extend(tagged.then(|| format!("{prefix}:TagResource")));
    }
    all
}

/// The policies that decide for a caller by its key or its role; none when nothing is enforced for it.
pub(crate) fn policies(state: &State, config: &Config, key: Option<&str>, caller: &Caller) -> Option<Vec<Named>> {
    if let Some(document) = key.and_then(|key| config.identities.get(key)) {
        return Some(vec![("identity".to_owned(), document.to_string())]);
    }
    let (role, _) = caller.role.as_ref().filter(|_| config.enforce_roles)?;
    let role = state.iam.roles.get(&(caller.account.clone(), role.clone()))?;
    let inline = role.inline.iter().map(|(name, text)| (name.clone(), text.to_string()));
    let attached = role.attached.iter().map(|arn| (arn.clone(), iam::document(state, config, &caller.account, arn)));
    Some(inline.chain(attached).collect())
}
