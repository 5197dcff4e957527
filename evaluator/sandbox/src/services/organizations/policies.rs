//! Service and resource control policies: their text, their targets, and whether their type is enabled at all.

use super::{constraint, invalid, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{Org, Policy, PolicyKind, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("CreatePolicy", Handler::Write(create)),
    ("UpdatePolicy", Handler::Write(update)),
    ("DeletePolicy", Handler::Write(delete)),
    ("DescribePolicy", Handler::Read(describe)),
    ("ListPolicies", Handler::Lag(list)),
    ("AttachPolicy", Handler::Write(attach)),
    ("DetachPolicy", Handler::Write(detach)),
    ("ListTargetsForPolicy", Handler::Lag(list_targets)),
    ("ListPoliciesForTarget", Handler::Lag(list_for_target)),
    ("EnablePolicyType", Handler::Write(enable)),
    ("DisablePolicyType", Handler::Write(disable)),
];

/// The policies that AWS attaches to everything, of each kind.
pub(crate) const FULL_ACCESS: &str = "p-FullAWSAccess";
pub(crate) const RESOURCE_FULL_ACCESS: &str = "p-RCPFullAWSAccess";
const KINDS: [PolicyKind; 2] = [PolicyKind::Service, PolicyKind::Resource];

impl PolicyKind {
    fn of(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Service => "SERVICE_CONTROL_POLICY",
            Self::Resource => "RESOURCE_CONTROL_POLICY",
        }
    }

    fn full_access(self) -> &'static str {
        match self {
            Self::Service => FULL_ACCESS,
            Self::Resource => RESOURCE_FULL_ACCESS,
        }
    }

    fn enabled(self, org: &Org) -> bool {
        match self {
            Self::Service => org.scp,
            Self::Resource => org.rcp,
        }
    }

    fn enable(self, org: &mut Org, on: bool) {
        match self {
            Self::Service => org.scp = on,
            Self::Resource => org.rcp = on,
        }
    }

    fn types(are: impl Fn(Self) -> bool) -> Value {
        let shown = |kind: &Self| json!({"Type": kind.name(), "Status": "ENABLED"});
        KINDS.iter().filter(|kind| are(**kind)).map(shown).collect()
    }
}

/// The types that a root has, as its description shows them.
pub(super) fn enabled_types(org: &Org) -> Value {
    PolicyKind::types(|kind| kind.enabled(org))
}

/// The types that an organization may have, as its description shows them.
pub(super) fn available_types() -> Value {
    PolicyKind::types(|_| true)
}

/// What [`FULL_ACCESS`] says.
pub(crate) fn full_access() -> Policy {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    of_aws(PolicyKind::Service, "FullAWSAccess", &statement)
}

fn resource_full_access() -> Policy {
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    of_aws(PolicyKind::Resource, "RCPFullAWSAccess", &statement)
}

fn of_aws(kind: PolicyKind, name: &str, statement: &Value) -> Policy {
    Policy {
        kind,
        name: name.to_owned(),
        description: "Allows access to every operation".to_owned(),
        content: json!({"Version": "2012-10-17", "Statement": [statement]}).to_string(),
        aws: true,
    }
}

fn link(org: &mut Org, target: &str, policy: &str) {
    org.attached.insert((target.to_owned(), policy.to_owned()), ());
    org.targets.insert((policy.to_owned(), target.to_owned()), ());
}

fn unlink(org: &mut Org, target: &str, policy: &str) {
    org.attached.remove(&(target.to_owned(), policy.to_owned()));
    org.targets.remove(&(policy.to_owned(), target.to_owned()));
}

/// A new root, unit or account begins with full access, by each policy type that is enabled.
pub(crate) fn attach_default(org: &mut Org, target: &str) {
    for kind in KINDS.into_iter().filter(|kind| kind.enabled(org)).collect::<Vec<_>>() {
        link(org, target, kind.full_access());
    }
}

/// The policies of a kind that a target has.
fn attached<'a>(org: &'a Org, target: &'a str, kind: PolicyKind) -> impl Iterator<Item = (String, &'a Policy)> {
    let all =
        org.attached.under(target).filter_map(|(id, ())| Some((id.to_owned(), org.policies.get(&id.to_owned())?)));
    all.filter(move |(_, policy)| policy.kind == kind)
}

/// A target is gone.
pub(super) fn detach_all(org: &mut Org, target: &str) {
    let policies: Vec<String> = org.attached.under(target).map(|(policy, ())| policy.to_owned()).collect();
    for policy in policies {
        unlink(org, target, &policy);
    }
}

fn summary(org: &Org, management: &str, id: &str, policy: &Policy) -> Value {
    let path = format!("{}/{id}", policy.kind.name().to_ascii_lowercase());
    let arn = if policy.aws {
        format!("arn:aws:organizations::aws:policy/{path}")
    } else {
        org.arn(management, "policy", &path)
    };
    json!({
        "Id": id,
        "Arn": arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind.name(),
        "AwsManaged": policy.aws,
    })
}

fn show(org: &Org, management: &str, id: &str, policy: &Policy) -> Value {
    json!({"Policy": {"PolicySummary": summary(org, management, id, policy), "Content": policy.content}})
}

fn find<'a>(org: &'a Org, id: &str) -> Result<&'a Policy, ApiError> {
    let message = "We can't find a policy with the PolicyId that you specified.";
    org.policies.get(&id.to_owned()).ok_or_else(|| ApiError::client("PolicyNotFoundException", message))
}

fn kind_named(name: &str) -> Result<PolicyKind, ApiError> {
    let message = "The sandbox knows service control policies and resource control policies only.";
    PolicyKind::of(name).ok_or_else(|| ApiError::client("PolicyTypeNotAvailableForOrganizationException", message))
}

fn check_name(org: &Org, kind: PolicyKind, name: &str, own: &str) -> Result<(), ApiError> {
    let taken = org.policies.iter().any(|(id, policy)| id != own && policy.kind == kind && policy.name == name);
    let message = "A policy with the same name already exists.";
    if taken { Err(ApiError::client("DuplicatePolicyException", message)) } else { Ok(()) }
}

fn check_content(cx: &Cx<'_>, kind: PolicyKind, content: &str) -> Result<(), ApiError> {
    if content.chars().count() > cx.config.quotas.policy_size {
        let message = "You have exceeded the maximum policy size.";
        return Err(constraint("POLICY_CONTENT_LIMIT_EXCEEDED", message));
    }
    let sound = match kind {
        PolicyKind::Service => crate::services::iam::policy_document(content, false),
        PolicyKind::Resource => crate::services::iam::resource_control_document(content),
    };
    sound.map_err(|reason| {
        let message = format!("The provided policy document does not meet the requirements: {reason}");
        ApiError::client("MalformedPolicyDocumentException", message)
    })
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let unique = state.ids.lower(10);
    let org = writer(state, cx)?;
    let (name, content) = (input.text("Name"), input.text("Content"));
    let kind = kind_named(input.text("Type"))?;
    check_name(org, kind, name, "")?;
    check_content(cx, kind, content)?;
    if org.policies.len() >= cx.config.quotas.policies {
        return Err(constraint("POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of policies."));
    }
    let tags = super::tags::checked(cx, input)?;
    let id = format!("p-{unique}");
    let policy = Policy {
        kind,
        name: name.to_owned(),
        description: input.owned("Description"),
        content: content.to_owned(),
        aws: false,
    };
    if !tags.is_empty() {
        org.tags.insert(id.clone(), tags);
    }
    let shown = show(org, &management, &id, &policy);
    org.policies.insert(id, policy);
    Ok(shown)
}

fn own(policy: &Policy) -> Result<(), ApiError> {
    if policy.aws { Err(invalid("IMMUTABLE_POLICY", "You can't change a policy that AWS manages.")) } else { Ok(()) }
}

fn update(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    let id = input.text("PolicyId");
    let mut policy = find(org, id)?.clone();
    own(&policy)?;
    if let Some(name) = input.optional("Name") {
        check_name(org, policy.kind, name, id)?;
        name.clone_into(&mut policy.name);
    }
    if let Some(description) = input.optional("Description") {
        description.clone_into(&mut policy.description);
    }
    if let Some(content) = input.optional("Content") {
        check_content(cx, policy.kind, content)?;
        content.clone_into(&mut policy.content);
    }
    let shown = show(org, &management, id, &policy);
    org.policies.insert(id.to_owned(), policy);
    Ok(shown)
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let id = input.text("PolicyId");
    own(find(org, id)?)?;
    if org.targets.under(id).next().is_some() {
        let message = "The policy is attached to one or more entities. You must detach it first.";
        return Err(ApiError::client("PolicyInUseException", message));
    }
    org.policies.remove(&id.to_owned());
    org.tags.remove(&id.to_owned());
    Ok(Value::Null)
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.text("PolicyId");
    Ok(show(org, &state.management, id, find(org, id)?))
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let kind = PolicyKind::of(input.text("Filter"));
    let ours = org.policies.iter().filter(|(_, policy)| Some(policy.kind) == kind);
    let policies = ours.map(|(id, policy)| (id.clone(), (id, policy)));
    page(ORGANIZATIONS, cx, input, "Policies", policies, |(id, policy)| summary(org, &state.management, id, policy))
}

fn target_known(org: &Org, id: &str) -> Result<(), ApiError> {
    let message = "We can't find a root, OU, or account with the TargetId that you specified.";
    let known = org.is_parent(id) || org.accounts.contains(&id.to_owned());
    if known { Ok(()) } else { Err(ApiError::client("TargetNotFoundException", message)) }
}

fn enabled(org: &Org, kind: PolicyKind) -> Result<(), ApiError> {
    let message = "This operation can be performed only for enabled policy types.";
    if kind.enabled(org) { Ok(()) } else { Err(ApiError::client("PolicyTypeNotEnabledException", message)) }
}

fn attach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (policy, target) = (input.text("PolicyId"), input.text("TargetId"));
    let kind = find(org, policy)?.kind;
    target_known(org, target)?;
    enabled(org, kind)?;
    if org.attached.contains(&(target.to_owned(), policy.to_owned())) {
        let message = "A policy with the specified name and type already exists on the target.";
        return Err(ApiError::client("DuplicatePolicyAttachmentException", message));
    }
    if attached(org, target, kind).count() >= cx.config.quotas.policies_per_target {
        let message = "You have attached the maximum number of policies to the target.";
        return Err(constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message));
    }
    link(org, target, policy);
    Ok(Value::Null)
}

fn detach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (policy, target) = (input.text("PolicyId"), input.text("TargetId"));
    let kind = find(org, policy)?.kind;
    target_known(org, target)?;
    if policy == RESOURCE_FULL_ACCESS {
        return Err(invalid("IMMUTABLE_POLICY", "You can't detach the policy RCPFullAWSAccess."));
    }
    if !org.attached.contains(&(target.to_owned(), policy.to_owned())) {
        let message = "The policy isn't attached to the specified target.";
        return Err(ApiError::client("PolicyNotAttachedException", message));
    }
    if attached(org, target, kind).count() <= 1 {
        let message = "You cannot remove the last policy attached to the specified target.";
        return Err(constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message));
    }
    unlink(org, target, policy);
    Ok(Value::Null)
}

fn show_target(org: &Org, management: &str, id: &str) -> Value {
    if let Some(account) = org.accounts.get(&id.to_owned()) {
        return json!({
            "TargetId": id, "Arn": org.arn(management, "account", id), "Name": account.name, "Type": "ACCOUNT",
        });
    }
    if let Some(unit) = org.units.get(&id.to_owned()) {
        return json!({
            "TargetId": id, "Arn": org.arn(management, "ou", id), "Name": unit.name, "Type": "ORGANIZATIONAL_UNIT",
        });
    }
    json!({"TargetId": id, "Arn": org.arn(management, "root", id), "Name": "Root", "Type": "ROOT"})
}

fn list_targets(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let policy = input.text("PolicyId");
    find(org, policy)?;
    let targets = org.targets.under(policy).map(|(target, ())| (target.to_owned(), target));
    page(ORGANIZATIONS, cx, input, "Targets", targets, |target| show_target(org, &state.management, target))
}

fn list_for_target(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let target = input.text("TargetId");
    target_known(org, target)?;
    let kind = PolicyKind::of(input.text("Filter"));
    let ours = kind.into_iter().flat_map(|kind| attached(org, target, kind));
    let policies = ours.map(|(id, policy)| (id.clone(), (id, policy)));
    page(ORGANIZATIONS, cx, input, "Policies", policies, |(id, policy)| summary(org, &state.management, &id, policy))
}

fn root_known(org: &Org, input: Input<'_>) -> Result<PolicyKind, ApiError> {
    let message = "We can't find a root with the RootId that you specified.";
    let known = input.text("RootId") == org.root;
    if known { kind_named(input.text("PolicyType")) } else { Err(ApiError::client("RootNotFoundException", message)) }
}

/// Every target begins anew with full access, if the type is not enabled yet.
pub(crate) fn enable_policies(org: &mut Org, kind: PolicyKind) {
    if kind.enabled(org) {
        return;
    }
    kind.enable(org, true);
    if kind == PolicyKind::Resource {
        org.policies.insert(RESOURCE_FULL_ACCESS.to_owned(), resource_full_access());
    }
    for target in every_target(org) {
        link(org, &target, kind.full_access());
    }
}

fn enable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    let kind = root_known(org, input)?;
    if kind.enabled(org) {
        let message = "The specified policy type is already enabled.";
        return Err(ApiError::client("PolicyTypeAlreadyEnabledException", message));
    }
    enable_policies(org, kind);
    Ok(json!({"Root": super::tree::show_root(org, &management)}))
}

/// Every attachment is lost.
fn disable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    let kind = root_known(org, input)?;
    enabled(org, kind)?;
    kind.enable(org, false);
    for target in every_target(org) {
        let policies: Vec<String> = attached(org, &target, kind).map(|(id, _)| id).collect();
        for policy in policies {
            unlink(org, &target, &policy);
        }
    }
    Ok(json!({"Root": super::tree::show_root(org, &management)}))
}

fn every_target(org: &Org) -> Vec<String> {
    let below = org.units.iter().map(|(id, _)| id).chain(org.accounts.iter().map(|(id, _)| id));
    std::iter::once(&org.root).chain(below).cloned().collect()
}
