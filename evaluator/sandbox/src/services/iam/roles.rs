//! Roles and what is attached to them. Reserved roles show here and cannot be changed here.

use super::{aws_policy_exists, exists, limit, list, no_such, trust_document};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso, tag_list};
use crate::service::{Handler, Op};
use crate::state::{Role, State};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) const OPERATIONS: &[Op] = &[
    ("GetRole", Handler::Lag(get)),
    ("ListRoles", Handler::Lag(list_roles)),
    ("CreateRole", Handler::Write(create)),
    ("DeleteRole", Handler::Write(delete)),
    ("AttachRolePolicy", Handler::Write(attach)),
    ("DetachRolePolicy", Handler::Write(detach)),
    ("ListAttachedRolePolicies", Handler::Lag(list_attached)),
    ("PutRolePolicy", Handler::Write(put_inline)),
    ("GetRolePolicy", Handler::Lag(get_inline)),
    ("DeleteRolePolicy", Handler::Write(delete_inline)),
    ("ListRolePolicies", Handler::Lag(list_inline)),
];

fn show(account: &str, name: &str, role: &Role, whole: bool) -> Value {
    let mut shown = json!({
        "Path": role.path,
        "RoleName": name,
        "RoleId": role.id,
        "Arn": format!("arn:aws:iam::{account}:role{}{name}", role.path),
        "CreateDate": iso(role.created, false),
        "AssumeRolePolicyDocument": percent(&role.trust),
        "MaxSessionDuration": role.max_session,
    });
    if let Some(description) = &role.description {
        shown["Description"] = Value::from(description.clone());
    }
    // Lists leave these out, as AWS's do.
    if whole {
        if let Some(arn) = &role.boundary {
            shown["PermissionsBoundary"] =
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        }
        shown["Tags"] = Value::Array(tag_list(&role.tags));
        shown["RoleLastUsed"] = json!({});
    }
    shown
}

/// IAM gives documents back in percent encoding.
pub(super) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn key(cx: &Cx<'_>, input: Input<'_>) -> (String, String) {
    (cx.caller.account.clone(), input.owned("RoleName"))
}

fn find<'a>(state: &'a State, cx: &Cx<'_>, input: Input<'_>) -> Result<&'a Role, ApiError> {
    let name = input.text("RoleName");
    state.iam.roles.get(&key(cx, input)).ok_or_else(|| no_such(format!("The role with name {name}")))
}

/// The role, if it may be changed here.
fn change<'a>(state: &'a mut State, cx: &Cx<'_>, input: Input<'_>) -> Result<&'a mut Role, ApiError> {
    if find(state, cx, input)?.path.starts_with("/aws-reserved/") {
        let name = input.text("RoleName");
        let message = format!("Cannot perform the operation on the protected role '{name}'");
        return Err(ApiError::new("UnmodifiableEntity", 400, message));
    }
    state.iam.roles.get_mut(&key(cx, input)).ok_or_else(|| no_such("The role"))
}

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let role = find(state, cx, input)?;
    Ok(json!({"Role": show(&cx.caller.account, input.text("RoleName"), role, true)}))
}

fn list_roles(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let prefix = input.optional("PathPrefix").unwrap_or("/");
    let account = &cx.caller.account;
    let roles = state.iam.roles.under(account).filter(|(_, role)| role.path.starts_with(prefix));
    let items = roles.map(|(name, role)| (name.to_owned(), (name, role)));
    list(cx, input, "Roles", items, |(name, role)| show(account, name, role, false))
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let name = input.text("RoleName");
    let path = input.optional("Path").unwrap_or("/");
    if path.starts_with("/aws-reserved/") {
        return Err(ApiError::new("ValidationError", 400, "The path /aws-reserved/ is reserved."));
    }
    let trust = input.text("AssumeRolePolicyDocument");
    trust_document(trust).map_err(|reason| ApiError::client("MalformedPolicyDocument", reason))?;
    if state.iam.roles.contains(&key(cx, input)) {
        return Err(exists(format!("Role with name {name}")));
    }
    if state.iam.roles.under(&cx.caller.account).count() >= cx.config.quotas.roles {
        return Err(limit("Cannot exceed quota for RolesPerAccount"));
    }
    let role = Role {
        path: path.to_owned(),
        id: format!("AROA{}", state.ids.upper(17)),
        created: cx.now,
        trust: Arc::from(trust),
        description: input.optional("Description").map(str::to_owned),
        max_session: input.number("MaxSessionDuration").unwrap_or(3_600) as u64,
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
        boundary: input.optional("PermissionsBoundary").map(str::to_owned),
        tags: input.tags("Tags"),
    };
    let shown = json!({"Role": show(&cx.caller.account, name, &role, true)});
    state.iam.roles.insert(key(cx, input), role);
    Ok(shown)
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let role = change(state, cx, input)?;
    if !role.attached.is_empty() || !role.inline.is_empty() {
        let message = "Cannot delete entity, must detach all policies first.";
        return Err(ApiError::new("DeleteConflict", 409, message));
    }
    state.iam.roles.remove(&key(cx, input));
    Ok(Value::Null)
}

fn attachable(state: &State, cx: &Cx<'_>, arn: &str) -> bool {
    let prefix = format!("arn:aws:iam::{}:policy", cx.caller.account);
    let own = arn.strip_prefix(&prefix).and_then(|rest| rest.rsplit_once('/'));
    let there =
        |(path, name): (&str, &str)| super::policy_exists(state, &cx.caller.account, &format!("{path}/"), name);
    aws_policy_exists(arn) || own.is_some_and(there)
}

fn attach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.owned("PolicyArn");
    let attachable = attachable(state, cx, &arn);
    let most = cx.config.quotas.policies_per_role;
    let role = change(state, cx, input)?;
    if !attachable {
        return Err(no_such(format!("Policy {arn} does not exist or is not attachable; it")));
    }
    if !role.attached.contains(&arn) && role.attached.len() >= most {
        return Err(limit(&format!("Cannot exceed quota for PoliciesPerRole: {most}")));
    }
    role.attached.insert(arn);
    Ok(Value::Null)
}

fn detach(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.text("PolicyArn");
    let removed = change(state, cx, input)?.attached.remove(arn);
    if removed { Ok(Value::Null) } else { Err(no_such(format!("Policy {arn}"))) }
}

fn list_attached(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let items = find(state, cx, input)?.attached.iter().map(|arn| (arn.clone(), arn));
    list(cx, input, "AttachedPolicies", items, |arn| json!({"PolicyName": arn.rsplit('/').next(), "PolicyArn": arn}))
}

fn put_inline(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let document = input.text("PolicyDocument");
    super::policy_document(document, true).map_err(|reason| ApiError::client("MalformedPolicyDocument", reason))?;
    change(state, cx, input)?.inline.insert(input.owned("PolicyName"), Arc::from(document));
    Ok(Value::Null)
}

fn get_inline(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (role, policy) = (input.text("RoleName"), input.text("PolicyName"));
    let document = find(state, cx, input)?.inline.get(policy);
    let document = document.ok_or_else(|| no_such(format!("The role policy with name {policy}")))?;
    Ok(json!({"RoleName": role, "PolicyName": policy, "PolicyDocument": percent(document)}))
}

fn delete_inline(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let policy = input.text("PolicyName");
    let removed = change(state, cx, input)?.inline.remove(policy);
    removed.map(|_| Value::Null).ok_or_else(|| no_such(format!("The role policy with name {policy}")))
}

fn list_inline(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let items = find(state, cx, input)?.inline.keys().map(|name| (name.clone(), name));
    list(cx, input, "PolicyNames", items, |name| Value::from(name.clone()))
}
