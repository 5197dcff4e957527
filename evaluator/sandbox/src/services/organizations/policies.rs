//! Service control policies: their text, their targets, and whether the type is enabled at all.

use super::{constraint, invalid, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{Org, Policy, State};
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

/// The policy that AWS attaches to everything.
pub(crate) const FULL_ACCESS: &str = "p-FullAWSAccess";
const KIND: &str = "SERVICE_CONTROL_POLICY";

/// What [`FULL_ACCESS`] says.
pub(crate) fn full_access() -> Policy {
    Policy {
        name: "FullAWSAccess".to_owned(),
        description: "Allows access to every operation".to_owned(),
        content: json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        })
        .to_string(),
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

/// A new root, unit or account begins with full access, if the policy type is enabled.
pub(crate) fn attach_default(org: &mut Org, target: &str) {
    if org.scp {
        link(org, target, FULL_ACCESS);
    }
}

/// A target is gone.
pub(super) fn detach_all(org: &mut Org, target: &str) {
    let policies: Vec<String> = org.attached.under(target).map(|(policy, ())| policy.to_owned()).collect();
    for policy in policies {
        unlink(org, target, &policy);
    }
}

fn summary(org: &Org, management: &str, id: &str, policy: &Policy) -> Value {
    let arn = if policy.aws {
        format!("arn:aws:organizations::aws:policy/service_control_policy/{id}")
    } else {
        org.arn(management, "policy", &format!("service_control_policy/{id}"))
    };
    json!({
        "Id": id,
        "Arn": arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": KIND,
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

fn check_kind(kind: &str) -> Result<(), ApiError> {
    if kind == KIND {
        return Ok(());
    }
    let message = "The sandbox knows service control policies only.";
    Err(ApiError::client("PolicyTypeNotAvailableForOrganizationException", message))
}

fn check_name(org: &Org, name: &str, own: &str) -> Result<(), ApiError> {
    let taken = org.policies.iter().any(|(id, policy)| id != own && policy.name == name);
    let message = "A policy with the same name already exists.";
    if taken { Err(ApiError::client("DuplicatePolicyException", message)) } else { Ok(()) }
}

fn check_content(cx: &Cx<'_>, content: &str) -> Result<(), ApiError> {
    if content.chars().count() > cx.config.quotas.policy_size {
        let message = "You have exceeded the maximum policy size.";
        return Err(constraint("POLICY_CONTENT_LIMIT_EXCEEDED", message));
    }
    crate::services::iam::policy_document(content, false).map_err(|reason| {
        let message = format!("The provided policy document does not meet the requirements: {reason}");
        ApiError::client("MalformedPolicyDocumentException", message)
    })
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let unique = state.ids.lower(10);
    let org = writer(state, cx)?;
    let (name, content) = (input.text("Name"), input.text("Content"));
    check_kind(input.text("Type"))?;
    check_name(org, name, "")?;
    check_content(cx, content)?;
    if org.policies.len() >= cx.config.quotas.policies {
        return Err(constraint("POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of policies."));
    }
    let tags = super::tags::checked(cx, input)?;
    let id = format!("p-{unique}");
    let policy = Policy {
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
        check_name(org, name, id)?;
        name.clone_into(&mut policy.name);
    }
    if let Some(description) = input.optional("Description") {
        description.clone_into(&mut policy.description);
    }
    if let Some(content) = input.optional("Content") {
        check_content(cx, content)?;
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
    let ours = input.text("Filter") == KIND;
    let policies = org.policies.iter().filter(|_| ours).map(|(id, policy)| (id.clone(), (id, policy)));
    page(ORGANIZATIONS, cx, input, "Policies", policies, |(id, policy)| summary(org, &state.management, id, policy))
}

fn target_known(org: &Org, id: &str) -> Result<(), ApiError> {
    let message = "We can't find a root, OU, or account with the TargetId that you specified.";
    let known = org.is_parent(id) || org.accounts.contains(&id.to_owned());
    if known { Ok(()) } else { Err(ApiError::client("TargetNotFoundException", message)) }
}

fn enabled(org: &Org) -> Result<(), ApiError> {
    let message = "This operation can be performed only for enabled policy types.";
    if org.scp { Ok(()) } else { Err(ApiError::client("PolicyTypeNotEnabledException", message)) }
}

fn attach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (policy, target) = (input.text("PolicyId"), input.text("TargetId"));
    find(org, policy)?;
    target_known(org, target)?;
    enabled(org)?;
    if org.attached.contains(&(target.to_owned(), policy.to_owned())) {
        let message = "A policy with the specified name and type already exists on the target.";
        return Err(ApiError::client("DuplicatePolicyAttachmentException", message));
    }
    if org.attached.under(target).count() >= cx.config.quotas.policies_per_target {
        let message = "You have attached the maximum number of policies to the target.";
        return Err(constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message));
    }
    link(org, target, policy);
    Ok(Value::Null)
}

fn detach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (policy, target) = (input.text("PolicyId"), input.text("TargetId"));
    find(org, policy)?;
    target_known(org, target)?;
    if !org.attached.contains(&(target.to_owned(), policy.to_owned())) {
        let message = "The policy isn't attached to the specified target.";
        return Err(ApiError::client("PolicyNotAttachedException", message));
    }
    if org.attached.under(target).count() <= 1 {
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
    let ours = input.text("Filter") == KIND;
    let policies = org.attached.under(target).filter(|_| ours).filter_map(|(id, ())| {
        let policy = org.policies.get(&id.to_owned())?;
        Some((id.to_owned(), (id, policy)))
    });
    page(ORGANIZATIONS, cx, input, "Policies", policies, |(id, policy)| summary(org, &state.management, id, policy))
}

fn root_known(org: &Org, input: Input<'_>) -> Result<(), ApiError> {
    let message = "We can't find a root with the RootId that you specified.";
    let known = input.text("RootId") == org.root;
    if known { check_kind(input.text("PolicyType")) } else { Err(ApiError::client("RootNotFoundException", message)) }
}

/// Every target begins anew with full access.
fn enable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    root_known(org, input)?;
    if org.scp {
        let message = "The specified policy type is already enabled.";
        return Err(ApiError::client("PolicyTypeAlreadyEnabledException", message));
    }
    org.scp = true;
    for target in every_target(org) {
        link(org, &target, FULL_ACCESS);
    }
    Ok(json!({"Root": super::tree::show_root(org, &management)}))
}

/// Every attachment is lost.
fn disable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    root_known(org, input)?;
    enabled(org)?;
    org.scp = false;
    for target in every_target(org) {
        detach_all(org, &target);
    }
    Ok(json!({"Root": super::tree::show_root(org, &management)}))
}

fn every_target(org: &Org) -> Vec<String> {
    let below = org.units.iter().map(|(id, _)| id).chain(org.accounts.iter().map(|(id, _)| id));
    std::iter::once(&org.root).chain(below).cloned().collect()
}
