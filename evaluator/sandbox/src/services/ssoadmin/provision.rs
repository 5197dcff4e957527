//! Provisioning, and how every asynchronous request ends.

use super::assignments::{account_known, assign, set_role, start, unassign};
use super::{changeable, conflict, instance, invalid, not_found};
use crate::error::Answer;
use crate::input::{Cx, Input, seconds};
use crate::service::{Handler, Op};
use crate::state::{Outcome, Request, RequestKind, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("ProvisionPermissionSet", Handler::Write(provision)),
    ("DescribePermissionSetProvisioningStatus", Handler::Read(describe)),
];

fn provision(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (set, _) = changeable(state, cx, input)?;
    let account = match (input.text("TargetType"), input.optional("TargetId")) {
        ("AWS_ACCOUNT", Some(account)) => Some(account.to_owned()),
        ("AWS_ACCOUNT", None) => return Err(invalid("TargetId is required for TargetType AWS_ACCOUNT")),
        (_, Some(_)) => return Err(invalid("TargetId must be left out for TargetType ALL_PROVISIONED_ACCOUNTS")),
        (_, None) => None,
    };
    if let Some(account) = &account {
        account_known(state, cx, account)?;
    }
    let request = Request {
        kind: RequestKind::Provision,
        set,
        account,
        principal: None,
        created: cx.now,
        result: Outcome::InProgress,
    };
    let accounts = touched(state, &request);
    if accounts.iter().any(|account| state.sso.busy.contains(account)) {
        return Err(conflict("an operation is in progress for an account of the PermissionSet"));
    }
    for account in accounts {
        state.sso.busy.insert(account, ());
    }
    let id = start(state, cx, &request, cx.config.delays.provision);
    Ok(status(&id, &request))
}

/// The accounts whose roles a request changes.
fn touched(state: &State, request: &Request) -> Vec<String> {
    match &request.account {
        Some(account) => vec![account.clone()],
        None => state.sso.provisioned.under(&request.set).map(|(account, _)| account.to_owned()).collect(),
    }
}

fn status(id: &str, request: &Request) -> Value {
    let mut shown = json!({
        "Status": request.result.word(),
        "RequestId": id,
        "PermissionSetArn": request.set,
        "CreatedDate": seconds(request.created),
    });
    if let Some(account) = &request.account {
        shown["AccountId"] = Value::from(account.clone());
    }
    if let Outcome::Failed(reason) = &request.result {
        shown["FailureReason"] = Value::from(reason.clone());
    }
    json!({"PermissionSetProvisioningStatus": shown})
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let sso = instance(state, cx, input)?;
    let id = input.owned("ProvisionPermissionSetRequestId");
    let request = sso.requests.get(&id).filter(|request| request.kind == RequestKind::Provision);
    Ok(status(&id, request.ok_or_else(|| not_found("request"))?))
}

/// Ends an asynchronous request of any kind.
pub(crate) fn finish(state: &mut State, cx: &Cx<'_>, id: &String) {
    let Some(mut request) = state.sso.requests.get(id).cloned() else { return };
    for account in touched(state, &request) {
        state.sso.busy.remove(&account);
    }
    let result = match (cx.fail, request.kind) {
        (Some(reason), _) => Err(reason.to_owned()),
        (None, RequestKind::Assign) => assign(state, cx, &request),
        (None, RequestKind::Unassign) => {
            unassign(state, &request);
            Ok(())
        }
        (None, RequestKind::Provision) => apply(state, cx, &request),
    };
    if request.kind != RequestKind::Provision {
        state.sso.outstanding = state.sso.outstanding.saturating_sub(1);
    }
    request.result = match result {
        Ok(()) => Outcome::Succeeded(()),
        Err(reason) => Outcome::Failed(reason),
    };
    state.sso.running.remove(id);
    state.sso.requests.insert(id.clone(), request);
}

/// Every account that can be brought up to date is; the first that cannot gives the reason.
fn apply(state: &mut State, cx: &Cx<'_>, request: &Request) -> Result<(), String> {
    let mut result = Ok(());
    for account in touched(state, request) {
        if !state.sso.provisioned.contains(&(request.set.clone(), account.clone())) {
            return Err(format!(
                "Received a 404 status error: the PermissionSet is not provisioned in account {account}."
            ));
        }
        let outcome = set_role(state, &cx.config.quotas, cx.now, &request.set, &account);
        result = result.and(outcome);
    }
    result
}
