//! Account management: names of accounts.

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso};
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::{Value, json};

pub(crate) const OPERATIONS: &[&[Op]] =
    &[&[("PutAccountName", Handler::Write(put_name)), ("GetAccountInformation", Handler::Read(get))]];

/// The account meant: the caller's own, or one of the organization's for who may speak for it.
fn target(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<String, ApiError> {
    let Some(named) = input.optional("AccountId") else { return Ok(cx.caller.account.clone()) };
    let denied = |message: &str| ApiError::new("AccessDeniedException", 403, message);
    let service = "account.amazonaws.com".to_owned();
    let own = &cx.caller.account;
    let org = state.org.as_ref().ok_or_else(|| denied("The account is not in an organization."))?;
    let delegate = org.delegated.contains(&(service.clone(), own.clone()));
    if *own != state.management && !delegate {
        return Err(denied("Only the management account or a delegated administrator may name an account."));
    }
    if named == own {
        let message = "An account must not name itself: leave AccountId out.";
        return Err(ApiError::client("ValidationException", message));
    }
    if !org.service_access.contains(&service) {
        return Err(denied("Trusted access for account management is not enabled in the organization."));
    }
    if !org.accounts.contains(&named.to_owned()) {
        return Err(denied("The account is not in the organization."));
    }
    Ok(named.to_owned())
}

fn put_name(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let id = target(state, cx, input)?;
    if let Some(account) = state.org.as_mut().and_then(|org| org.accounts.get_mut(&id)) {
        account.name = input.owned("AccountName");
    }
    Ok(Value::Null)
}

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let id = target(state, cx, input)?;
    let account = state
        .org
        .as_ref()
        .and_then(|org| org.accounts.get(&id))
        .ok_or_else(|| ApiError::new("ResourceNotFoundException", 404, "The account was not found."))?;
    Ok(json!({
        "AccountId": id,
        "AccountName": account.name,
        "AccountCreatedDate": iso(account.joined, false),
        "AccountState": "ACTIVE",
    }))
}
