//! AWS Organizations: what its parts share. It owns names, shapes and refusals; the parts own the operations.

mod accounts;
mod policies;
mod services;
mod tags;
mod tree;

use crate::error::ApiError;
use crate::input::{Cx, seconds};
use crate::service::Op;
use crate::state::{Account, AccountState, Org, State};
use serde_json::{Value, json};

pub(crate) use accounts::{close, create, forget};
pub(crate) use policies::{FULL_ACCESS, attach_default, enable_policies, full_access};
pub(crate) use tree::add_unit;

pub(crate) const OPERATIONS: &[&[Op]] =
    &[tree::OPERATIONS, accounts::OPERATIONS, policies::OPERATIONS, services::OPERATIONS, tags::OPERATIONS];

/// The organization, for a caller who may read it: the management account or a delegated administrator.
fn reader<'a>(state: &'a State, cx: &Cx<'_>) -> Result<&'a Org, ApiError> {
    let org = state.org.as_ref().ok_or_else(not_in_use)?;
    let delegated = org.delegated.iter().any(|((_, account), _)| *account == cx.caller.account);
    if cx.caller.account == state.management || delegated { Ok(org) } else { Err(denied()) }
}

/// The organization, for a caller who may change it: the management account only.
fn writer<'a>(state: &'a mut State, cx: &Cx<'_>) -> Result<&'a mut Org, ApiError> {
    let allowed = cx.caller.account == state.management;
    let org = state.org.as_mut().ok_or_else(not_in_use)?;
    if allowed { Ok(org) } else { Err(denied()) }
}

fn not_in_use() -> ApiError {
    ApiError::client("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
}

fn denied() -> ApiError {
    ApiError::client("AccessDeniedException", "You don't have permissions to access this resource.")
}

fn invalid(reason: &str, message: impl Into<String>) -> ApiError {
    ApiError::reason("InvalidInputException", reason, message)
}

fn constraint(reason: &str, message: impl Into<String>) -> ApiError {
    ApiError::reason("ConstraintViolationException", reason, message)
}

impl Org {
    /// Whether `id` is the root or a unit.
    pub(crate) fn is_parent(&self, id: &str) -> bool {
        id == self.root || self.units.contains(&id.to_owned())
    }

    /// The parent of an account or a unit.
    pub(crate) fn parent_of(&self, id: &String) -> Option<&str> {
        let account = self.accounts.get(id).map(|a| a.parent.as_str());
        account.or_else(|| self.units.get(id).map(|u| u.parent.as_str()))
    }

    /// `o-…/r-…/ou-…/`, ending with `last`.
    pub(crate) fn path(&self, parent: &str, last: &str) -> String {
        let mut parts = vec![last.to_owned()];
        let mut at = parent.to_owned();
        while let Some(unit) = self.units.get(&at) {
            parts.push(std::mem::replace(&mut at, unit.parent.clone()));
        }
        parts.push(self.root.clone());
        parts.push(self.id.clone());
        parts.reverse();
        parts.join("/") + "/"
    }

    pub(crate) fn arn(&self, management: &str, kind: &str, rest: &str) -> String {
        format!("arn:aws:organizations::{management}:{kind}/{}/{rest}", self.id)
    }

    /// How an account is shown, with the member that the newest service model has.
    pub(crate) fn show(&self, management: &str, id: &str, account: &Account) -> Value {
        let (status, state) = match account.state {
            AccountState::Active => ("ACTIVE", "ACTIVE"),
            AccountState::PendingClosure => ("PENDING_CLOSURE", "PENDING_CLOSURE"),
            AccountState::Closed => ("SUSPENDED", "CLOSED"),
        };
        json!({
            "Id": id,
            "Arn": self.arn(management, "account", id),
            "Email": account.email,
            "Name": account.name,
            "Status": status,
            "State": state,
            "Paths": [self.path(&account.parent, id)],
            "JoinedMethod": if account.created_here { "CREATED" } else { "INVITED" },
            "JoinedTimestamp": seconds(account.joined),
        })
    }
}
