//! From the records of the Identity Center SDK to the core's, and back.

use aws_sdk_ssoadmin::types::{
    self as sdk, CustomerManagedPolicyReference as Reference, PermissionsBoundary, PrincipalType, ProvisioningStatus,
    StatusValues, Tag,
};
use cell_eval::provider::{
    Answer, Boundary, CloudError, CustomerPolicy, Failure, Given, Known, Principal, PrincipalKind, Progress,
    Provisioned, SetFields, Tags,
};

use crate::convert::need;
use crate::told;

/// A kind of principal, for the SDK.
pub(crate) fn kind_to(kind: PrincipalKind) -> PrincipalType {
    match kind {
        PrincipalKind::Group => PrincipalType::Group,
        PrincipalKind::User => PrincipalType::User,
    }
}

/// Who; nobody when it is of a kind that is not known.
pub(crate) fn principal(kind: Option<&PrincipalType>, id: Option<String>) -> Option<Principal> {
    let kind = match kind? {
        PrincipalType::Group => PrincipalKind::Group,
        PrincipalType::User => PrincipalKind::User,
        _ => return None,
    };
    Some(Principal { kind, id: id? })
}

/// A provisioning status, for the SDK.
pub(crate) fn provisioned_to(status: Provisioned) -> ProvisioningStatus {
    match status {
        Provisioned::Latest => ProvisioningStatus::LatestPermissionSetProvisioned,
        Provisioned::NotLatest => ProvisioningStatus::LatestPermissionSetNotProvisioned,
    }
}

/// The fields of a set. The service answers fields that were never set as missing or as empty.
pub(crate) fn fields(call: &str, set: Option<sdk::PermissionSet>) -> Answer<SetFields> {
    let set = need(call, "PermissionSet", set)?;
    let said = |field: Option<String>| field.filter(|text| !text.is_empty());
    Ok(SetFields {
        name: need(call, "Name", set.name)?,
        description: said(set.description),
        session: said(set.session_duration),
        relay_state: said(set.relay_state),
    })
}

/// A policy of each account.
pub(crate) fn customer(reference: Reference) -> CustomerPolicy {
    CustomerPolicy { name: reference.name, path: reference.path.unwrap_or_else(|| "/".to_owned()) }
}

/// A policy of each account, for the SDK.
pub(crate) fn customer_to(call: &str, policy: &CustomerPolicy) -> Answer<Reference> {
    let path = Some(&policy.path).filter(|path| !path.is_empty()).cloned();
    Reference::builder().name(&policy.name).set_path(path).build().map_err(|error| unsaid(call, &error))
}

/// A boundary; none when it is empty.
pub(crate) fn boundary(boundary: PermissionsBoundary) -> Option<Boundary> {
    let PermissionsBoundary { managed_policy_arn, customer_managed_policy_reference, .. } = boundary;
    match (managed_policy_arn, customer_managed_policy_reference) {
        (Some(arn), _) => Some(Boundary::Managed(arn)),
        (None, Some(reference)) => Some(Boundary::Customer(customer(reference))),
        (None, None) => None,
    }
}

/// A boundary, for the SDK.
pub(crate) fn boundary_to(call: &str, boundary: &Boundary) -> Answer<PermissionsBoundary> {
    let builder = PermissionsBoundary::builder();
    Ok(match boundary {
        Boundary::Managed(arn) => builder.managed_policy_arn(arn).build(),
        Boundary::Customer(policy) => builder.customer_managed_policy_reference(customer_to(call, policy)?).build(),
    })
}

/// Tags, for the SDK.
pub(crate) fn tags_to(call: &str, tags: &Tags) -> Answer<Option<Vec<Tag>>> {
    let all: Result<Vec<_>, _> =
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let all = all.map_err(|error| unsaid(call, &error))?;
    Ok((!all.is_empty()).then_some(all))
}

fn unsaid(call: &str, error: &impl ToString) -> CloudError {
    CloudError::own(call, Failure::Invalid, error.to_string())
}

/// How far an assignment is.
pub(crate) fn assignment(call: &str, status: Option<sdk::AccountAssignmentOperationStatus>) -> Answer<Progress> {
    let status = need(call, "Status", status)?;
    let principal = principal(status.principal_type.as_ref(), status.principal_id);
    let given = status.permission_set_arn.zip(principal).zip(status.target_id);
    let given = given.map(|((set, principal), account)| Given { set, principal, account });
    let known = progress(call, status.request_id, status.status.as_ref(), status.failure_reason.as_deref())?;
    Ok(Progress { given, ..known })
}

/// How far a provisioning is.
pub(crate) fn provisioning(call: &str, status: Option<sdk::PermissionSetProvisioningStatus>) -> Answer<Progress> {
    let status = need(call, "PermissionSetProvisioningStatus", status)?;
    progress(call, status.request_id, status.status.as_ref(), status.failure_reason.as_deref())
}

/// How far a request is.
pub(crate) fn progress(
    call: &str,
    request: Option<String>,
    status: Option<&StatusValues>,
    reason: Option<&str>,
) -> Answer<Progress> {
    let known = match status {
        Some(StatusValues::Succeeded) => Known::Succeeded,
        Some(StatusValues::Failed) => Known::Failed,
        _ => Known::InProgress,
    };
    let reason = reason.map(told::harmless);
    Ok(Progress { request: need(call, "RequestId", request)?, known, reason, given: None })
}
