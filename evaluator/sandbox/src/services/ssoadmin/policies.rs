//! What a permission set grants: inline, managed and customer managed policies, and the boundary.

use super::{conflict, edit, invalid, not_found, quota, set_of};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::paging::{IDENTITY, page};
use crate::service::{Handler, Op};
use crate::services::iam::{aws_policy_exists, policy_document};
use crate::state::{Body, Boundary, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("PutInlinePolicyToPermissionSet", Handler::Write(put_inline)),
    ("GetInlinePolicyForPermissionSet", Handler::Read(get_inline)),
    ("DeleteInlinePolicyFromPermissionSet", Handler::Write(delete_inline)),
    ("AttachManagedPolicyToPermissionSet", Handler::Write(attach_managed)),
    ("DetachManagedPolicyFromPermissionSet", Handler::Write(detach_managed)),
    ("ListManagedPoliciesInPermissionSet", Handler::Lag(list_managed)),
    ("AttachCustomerManagedPolicyReferenceToPermissionSet", Handler::Write(attach_customer)),
    ("DetachCustomerManagedPolicyReferenceFromPermissionSet", Handler::Write(detach_customer)),
    ("ListCustomerManagedPolicyReferencesInPermissionSet", Handler::Lag(list_customer)),
    ("PutPermissionsBoundaryToPermissionSet", Handler::Write(put_boundary)),
    ("GetPermissionsBoundaryForPermissionSet", Handler::Read(get_boundary)),
    ("DeletePermissionsBoundaryFromPermissionSet", Handler::Write(delete_boundary)),
];

fn put_inline(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let policy = input.owned("InlinePolicy");
    policy_document(&policy, true).map_err(|reason| invalid(format!("Invalid policy document: {reason}")))?;
    edit(state, cx, input, |body| {
        body.inline = Some(policy);
        Ok(())
    })?;
    Ok(json!({}))
}

fn get_inline(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (_, set) = set_of(state, cx, input)?;
    Ok(json!({"InlinePolicy": set.body.inline.as_deref().unwrap_or_default()}))
}

fn delete_inline(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    edit(state, cx, input, |body| {
        body.inline = None;
        Ok(())
    })?;
    Ok(json!({}))
}

fn room(cx: &Cx<'_>, body: &Body) -> Result<(), ApiError> {
    let full = body.managed.len() + body.customer.len() >= cx.config.quotas.policies_per_set;
    if full { Err(quota("the number of managed policies in the PermissionSet is exceeded")) } else { Ok(()) }
}

fn attach_managed(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.owned("ManagedPolicyArn");
    if !aws_policy_exists(&arn) {
        set_of(state, cx, input)?;
        return Err(not_found(&format!("managed policy {arn}")));
    }
    edit(state, cx, input, |body| {
        if body.managed.contains(&arn) {
            return Err(conflict(format!("Policy {arn} is already attached")));
        }
        room(cx, body)?;
        body.managed.push(arn);
        body.managed.sort();
        Ok(())
    })?;
    Ok(json!({}))
}

fn detach_managed(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.text("ManagedPolicyArn");
    edit(state, cx, input, |body| {
        let at = body.managed.iter().position(|policy| policy == arn);
        body.managed.remove(at.ok_or_else(|| not_found("managed policy in the PermissionSet"))?);
        Ok(())
    })?;
    Ok(json!({}))
}

fn list_managed(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (_, set) = set_of(state, cx, input)?;
    let items = set.body.managed.iter().map(|arn| (arn.clone(), arn));
    page(
        IDENTITY,
        cx,
        input,
        "AttachedManagedPolicies",
        items,
        |arn| json!({"Name": arn.rsplit('/').next(), "Arn": arn}),
    )
}

/// (path, name); a path left out is `/`.
fn reference(input: Input<'_>) -> (String, String) {
    (input.optional("Path").unwrap_or("/").to_owned(), input.owned("Name"))
}

fn attach_customer(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let policy = reference(input.inner("CustomerManagedPolicyReference"));
    edit(state, cx, input, |body| {
        if body.customer.contains(&policy) {
            return Err(conflict("the customer managed policy is already attached"));
        }
        room(cx, body)?;
        body.customer.push(policy);
        body.customer.sort();
        Ok(())
    })?;
    Ok(json!({}))
}

fn detach_customer(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let policy = reference(input.inner("CustomerManagedPolicyReference"));
    edit(state, cx, input, |body| {
        let at = body.customer.iter().position(|other| *other == policy);
        body.customer.remove(at.ok_or_else(|| not_found("customer managed policy in the PermissionSet"))?);
        Ok(())
    })?;
    Ok(json!({}))
}

fn list_customer(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (_, set) = set_of(state, cx, input)?;
    let items = set.body.customer.iter().map(|(path, name)| (format!("{path}{name}"), (path, name)));
    page(
        IDENTITY,
        cx,
        input,
        "CustomerManagedPolicyReferences",
        items,
        |(path, name)| json!({"Name": name, "Path": path}),
    )
}

fn boundary(input: Input<'_>) -> Result<Boundary, ApiError> {
    match (input.optional("ManagedPolicyArn"), input.has("CustomerManagedPolicyReference")) {
        (Some(arn), false) if aws_policy_exists(arn) => Ok(Boundary::Managed(arn.to_owned())),
        (Some(arn), false) => Err(not_found(&format!("managed policy {arn}"))),
        (None, true) => {
            let (path, name) = reference(input.inner("CustomerManagedPolicyReference"));
            Ok(Boundary::Customer(path, name))
        }
        _ => Err(invalid("PermissionsBoundary must name either a managed or a customer managed policy")),
    }
}

fn put_boundary(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    set_of(state, cx, input)?;
    let boundary = boundary(input.inner("PermissionsBoundary"))?;
    edit(state, cx, input, |body| {
        body.boundary = Some(boundary);
        Ok(())
    })?;
    Ok(json!({}))
}

fn get_boundary(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (_, set) = set_of(state, cx, input)?;
    let shown: Value = match &set.body.boundary {
        Some(Boundary::Managed(arn)) => json!({"ManagedPolicyArn": arn}),
        Some(Boundary::Customer(path, name)) => {
            json!({"CustomerManagedPolicyReference": {"Path": path, "Name": name}})
        }
        None => return Err(not_found("PermissionsBoundary")),
    };
    Ok(json!({"PermissionsBoundary": shown}))
}

fn delete_boundary(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    edit(state, cx, input, |body| body.boundary.take().map(|_| ()).ok_or_else(|| not_found("PermissionsBoundary")))?;
    Ok(json!({}))
}
