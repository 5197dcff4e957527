//! Managed policies: the customer's own, and AWS's.

use super::managed::{AWS_POLICIES, aws_policy, aws_policy_name};
use super::roles::percent;
use super::{exists, list, no_such, policy_document};
use crate::config::Config;
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso, tag_list};
use crate::service::{Handler, Op};
use crate::state::{CustomerPolicy, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("CreatePolicy", Handler::Write(create)),
    ("DeletePolicy", Handler::Write(delete)),
    ("GetPolicy", Handler::Lag(get)),
    ("GetPolicyVersion", Handler::Lag(get_version)),
    ("ListPolicies", Handler::Lag(list_policies)),
];

fn arn_of(account: &str, policy: &CustomerPolicy, name: &str) -> String {
    format!("arn:aws:iam::{account}:policy{}{name}", policy.path)
}

fn show(state: &State, account: &str, name: &str, policy: &CustomerPolicy, whole: bool) -> Value {
    let arn = arn_of(account, policy, name);
    let mut shown = json!({
        "PolicyName": name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": "v1",
        "AttachmentCount": attachments(state, account, &arn),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "CreateDate": iso(policy.created, false),
        "UpdateDate": iso(policy.created, false),
    });
    if whole {
        shown["Tags"] = Value::Array(tag_list(&policy.tags));
        if let Some(description) = &policy.description {
            shown["Description"] = Value::from(description.clone());
        }
    }
    shown
}

/// A policy of AWS.
fn show_aws(config: &Config, path_and_name: &str) -> Value {
    let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
    let policy = aws_policy(config, path_and_name);
    json!({
        "PolicyName": name,
        "PolicyId": "ANPASANDBOXSANDBOXSA1",
        "Arn": format!("arn:aws:iam::aws:policy/{path_and_name}"),
        "Path": if path.is_empty() { "/".to_owned() } else { format!("/{path}/") },
        "DefaultVersionId": policy.version,
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
    })
}

fn attachments(state: &State, account: &str, arn: &str) -> usize {
    state.iam.roles.under(account).filter(|(_, role)| role.attached.contains(arn)).count()
}

/// The caller's policy that an ARN names.
fn find<'a>(state: &'a State, cx: &Cx<'_>, arn: &str) -> Result<(String, &'a CustomerPolicy), ApiError> {
    let missing = || no_such(format!("Policy {arn} was not found; it"));
    let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let account = &cx.caller.account;
    let policy = state.iam.policies.get(&(account.clone(), name.clone())).ok_or_else(missing)?;
    if arn_of(account, policy, &name) == arn { Ok((name, policy)) } else { Err(missing()) }
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let account = cx.caller.account.clone();
    let name = input.owned("PolicyName");
    let document = input.owned("PolicyDocument");
    policy_document(&document, true).map_err(|reason| ApiError::client("MalformedPolicyDocument", reason))?;
    let key = (account.clone(), name.clone());
    if state.iam.policies.contains(&key) {
        return Err(exists(format!("A policy called {name}")));
    }
    let policy = CustomerPolicy {
        path: input.optional("Path").unwrap_or("/").to_owned(),
        id: format!("ANPA{}", state.ids.upper(17)),
        created: cx.now,
        document,
        description: input.optional("Description").map(str::to_owned),
        tags: input.tags("Tags"),
    };
    let shown = json!({"Policy": show(state, &account, &name, &policy, true)});
    state.iam.policies.insert(key, policy);
    Ok(shown)
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.text("PolicyArn");
    let account = cx.caller.account.clone();
    let (name, _) = find(state, cx, arn)?;
    if attachments(state, &account, arn) > 0 {
        let message = "Cannot delete a policy attached to entities.";
        return Err(ApiError::new("DeleteConflict", 409, message));
    }
    state.iam.policies.remove(&(account, name));
    Ok(Value::Null)
}

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.text("PolicyArn");
    if let Some(name) = aws_policy_name(arn) {
        return Ok(json!({"Policy": show_aws(cx.config, name)}));
    }
    let (name, policy) = find(state, cx, arn)?;
    Ok(json!({"Policy": show(state, &cx.caller.account, &name, policy, true)}))
}

/// Of AWS's policies there is the version in force alone.
fn get_version(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, asked) = (input.text("PolicyArn"), input.text("VersionId"));
    let (version, document, created) = match aws_policy_name(arn) {
        Some(name) => {
            let policy = aws_policy(cx.config, name);
            (policy.version.clone(), policy.document.to_string(), policy.updated.clone())
        }
        None => find(state, cx, arn)
            .map(|(_, policy)| ("v1".to_owned(), policy.document.clone(), iso(policy.created, false)))?,
    };
    if version != asked {
        return Err(no_such(format!("Policy {arn} version {asked}")));
    }
    Ok(json!({"PolicyVersion": {
        "Document": percent(&document),
        "VersionId": version,
        "IsDefaultVersion": true,
        "CreateDate": created,
    }}))
}

fn list_policies(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let account = &cx.caller.account;
    let scope = input.optional("Scope").unwrap_or("All");
    let only_attached = input.0.get("OnlyAttached").and_then(Value::as_bool).unwrap_or(false);
    let prefix = input.optional("PathPrefix").unwrap_or("/");
    let mut found: Vec<(String, Value)> = Vec::new();
    if scope != "AWS" {
        let own = state.iam.policies.under(account);
        found.extend(own.map(|(name, policy)| (name.to_owned(), show(state, account, name, policy, false))));
    }
    if scope != "Local" && !only_attached {
        found.extend(AWS_POLICIES.iter().map(|name| (format!("aws/{name}"), show_aws(cx.config, name))));
    }
    found.retain(|(_, policy)| {
        let attached = policy.get("AttachmentCount").and_then(Value::as_u64).unwrap_or(0) > 0;
        Input(policy).text("Path").starts_with(prefix) && (attached || !only_attached)
    });
    found.sort_by(|a, b| a.0.cmp(&b.0));
    list(cx, input, "Policies", found.into_iter(), |policy| policy)
}
