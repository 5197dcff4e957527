//! IAM Identity Center (sso-admin): what its parts share. It owns look-ups, authority and refusals.

mod assignments;
mod instance;
mod lists;
mod policies;
mod provision;
mod sets;

use crate::error::ApiError;
use crate::input::{Cx, Input};
use crate::service::Op;
use crate::state::{Body, PermissionSet, Principal, PrincipalKind, Sso, State};
use std::sync::Arc;

pub(crate) use assignments::{link, set_role};
pub(crate) use provision::finish;
pub(crate) use sets::add as add_set;

pub(crate) const OPERATIONS: &[&[Op]] = &[
    instance::OPERATIONS,
    sets::OPERATIONS,
    policies::OPERATIONS,
    assignments::OPERATIONS,
    provision::OPERATIONS,
    lists::OPERATIONS,
];

fn not_found(what: &str) -> ApiError {
    ApiError::client("ResourceNotFoundException", format!("{what} not found"))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::client("ConflictException", message)
}

fn quota(message: impl Into<String>) -> ApiError {
    ApiError::client("ServiceQuotaExceededException", message)
}

fn denied() -> ApiError {
    ApiError::client("AccessDeniedException", "You do not have sufficient access to perform this action.")
}

impl State {
    /// Whether the caller administers Identity Center on behalf of the management account.
    pub(crate) fn sso_delegate(&self, account: &str) -> bool {
        let key = ("sso.amazonaws.com".to_owned(), account.to_owned());
        self.org.as_ref().is_some_and(|org| org.delegated.contains(&key))
    }
}

/// The management account and the delegated administrator may call, nobody else.
fn admitted(state: &State, cx: &Cx<'_>) -> Result<(), ApiError> {
    let account = &cx.caller.account;
    if *account == state.management || state.sso_delegate(account) { Ok(()) } else { Err(denied()) }
}

/// Checks authority and the instance that a request names.
fn instance<'a>(state: &'a State, cx: &Cx<'_>, input: Input<'_>) -> Result<&'a Sso, ApiError> {
    admitted(state, cx)?;
    let named = input.text("InstanceArn");
    if state.sso.instance.is_empty() || named != state.sso.instance {
        return Err(denied());
    }
    Ok(&state.sso)
}

/// The set that a request names.
fn set_of<'a>(state: &'a State, cx: &Cx<'_>, input: Input<'_>) -> Result<(&'a str, &'a PermissionSet), ApiError> {
    let sso = instance(state, cx, input)?;
    let arn = input.owned("PermissionSetArn");
    match sso.sets.from(&arn).next() {
        Some((found, set)) if *found == arn => Ok((found, set)),
        _ => Err(not_found("PermissionSet")),
    }
}

/// Checks that the caller may change a set: what is in the management account is the management account's.
fn changeable(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<(String, PermissionSet), ApiError> {
    let (arn, set) = set_of(state, cx, input)?;
    let own = cx.caller.account == state.management;
    let shared = state.sso.provisioned.contains(&(arn.to_owned(), state.management.clone()));
    if shared && !own { Err(denied()) } else { Ok((arn.to_owned(), set.clone())) }
}

/// Stores an edit that accounts must be provisioned with.
fn edit(
    state: &mut State,
    cx: &Cx<'_>,
    input: Input<'_>,
    change: impl FnOnce(&mut Body) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let (arn, mut set) = changeable(state, cx, input)?;
    change(Arc::make_mut(&mut set.body))?;
    set.revision += 1;
    state.sso.sets.insert(arn, set);
    Ok(())
}

fn principal(input: Input<'_>) -> Principal {
    let kind = if input.text("PrincipalType") == "USER" { PrincipalKind::User } else { PrincipalKind::Group };
    Principal { kind, id: input.owned("PrincipalId") }
}
