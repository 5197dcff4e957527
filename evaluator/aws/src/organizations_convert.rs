//! From the records of the Organizations SDK to the core's, and back. Owns which field is read where there are two.

use aws_sdk_organizations::types::{
    self as sdk, AccountStatus, CreateAccountState, PolicyTypeStatus, Tag, builders::TagBuilder,
};
use cell_eval::provider::{Account, AccountState, Answer, CloudError, Creation, Failure, Known, Policy, Tags, Unit};

use crate::convert::{need, timestamp};

/// The policies that cellc manages.
pub(crate) const SCP: sdk::PolicyType = sdk::PolicyType::ServiceControlPolicy;
/// The policies that cellc reads besides.
pub(crate) const RCP: sdk::PolicyType = sdk::PolicyType::ResourceControlPolicy;

/// Does the root take policies of a type?
pub(crate) fn enabled(root: &sdk::Root, kind: &sdk::PolicyType) -> bool {
    root.policy_types().iter().any(|p| p.r#type() == Some(kind) && p.status() == Some(&PolicyTypeStatus::Enabled))
}

/// A unit below a root or unit.
pub(crate) fn unit(call: &str, unit: sdk::OrganizationalUnit, parent: &str) -> Answer<Unit> {
    Ok(Unit { id: need(call, "Id", unit.id)?, parent: parent.to_owned(), name: need(call, "Name", unit.name)? })
}

/// An account, and where it is when the caller or the answer knows.
pub(crate) fn account(call: &str, account: sdk::Account, parent: Option<&str>) -> Answer<Account> {
    let state = state(&account);
    let parent = parent.map(str::to_owned).or_else(|| account.paths().iter().find_map(|path| last_parent(path)));
    Ok(Account {
        id: need(call, "Id", account.id)?,
        name: account.name.unwrap_or_default(),
        email: account.email.unwrap_or_default(),
        state,
        parent,
    })
}

/// `State`, else `Status`, which older servers answer. A state that is not known is treated as one in which nothing
/// can be done.
fn state(account: &sdk::Account) -> AccountState {
    match &account.state {
        Some(sdk::AccountState::Active) => return AccountState::Active,
        Some(sdk::AccountState::Closed) => return AccountState::Closed,
        Some(sdk::AccountState::PendingActivation) => return AccountState::PendingActivation,
        Some(sdk::AccountState::PendingClosure) => return AccountState::PendingClosure,
        Some(_) => return AccountState::Suspended,
        None => {}
    }
    #[allow(deprecated)]
    let status = &account.status;
    match status {
        Some(AccountStatus::Active) | None => AccountState::Active,
        Some(AccountStatus::PendingClosure) => AccountState::PendingClosure,
        Some(_) => AccountState::Suspended,
    }
}

/// The innermost root or unit of a path such as `o-a/r-b/ou-b-c/111122223333/`.
fn last_parent(path: &str) -> Option<String> {
    path.rsplit('/').find(|part| part.starts_with("ou-") || part.starts_with("r-")).map(str::to_owned)
}

/// A creation.
pub(crate) fn creation(call: &str, status: Option<sdk::CreateAccountStatus>) -> Answer<Creation> {
    let status = need(call, "CreateAccountStatus", status)?;
    Ok(Creation {
        requested: status.requested_timestamp().and_then(timestamp),
        known: match status.state() {
            Some(CreateAccountState::Succeeded) => Known::Succeeded,
            Some(CreateAccountState::Failed) => Known::Failed,
            _ => Known::InProgress,
        },
        reason: status.failure_reason().map(|reason| reason.as_str().to_owned()),
        request: need(call, "Id", status.id)?,
        name: status.account_name.unwrap_or_default(),
        account: status.account_id,
    })
}

/// A policy, as lists answer it or with its content.
pub(crate) fn policy(call: &str, policy: sdk::PolicySummary, content: Option<String>) -> Answer<Policy> {
    Ok(Policy {
        id: need(call, "Id", policy.id)?,
        name: policy.name.unwrap_or_default(),
        description: policy.description.unwrap_or_default(),
        content,
        aws_managed: policy.aws_managed,
    })
}

/// Tags, for the SDK.
pub(crate) fn tags_to(call: &str, tags: &Tags) -> Answer<Option<Vec<Tag>>> {
    let all: Result<Vec<_>, _> =
        tags.iter().map(|(key, value)| TagBuilder::default().key(key).value(value).build()).collect();
    let all = all.map_err(|error| CloudError::own(call, Failure::Invalid, error.to_string()))?;
    Ok((!all.is_empty()).then_some(all))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn account_with(edit: impl FnOnce(sdk::builders::AccountBuilder) -> sdk::builders::AccountBuilder) -> Account {
        let built = edit(sdk::Account::builder().id("111122223333")).build();
        account("organizations:ListAccounts", built, None).unwrap()
    }

    #[test]
    #[allow(deprecated)]
    fn state_goes_before_status() {
        let both = account_with(|a| a.status(AccountStatus::Suspended).state(sdk::AccountState::Closed));
        assert_eq!(both.state, AccountState::Closed);
        assert_eq!(account_with(|a| a.status(AccountStatus::PendingClosure)).state, AccountState::PendingClosure);
        assert_eq!(account_with(|a| a.state(sdk::AccountState::from("NEW"))).state, AccountState::Suspended);
        assert_eq!(account_with(|a| a).state, AccountState::Active);
    }

    #[test]
    fn a_path_tells_the_parent() {
        let parent = |path: &str| account_with(|a| a.paths(path)).parent;
        assert_eq!(parent("o-a/r-b/ou-b-c/ou-b-d/111122223333/").as_deref(), Some("ou-b-d"));
        assert_eq!(parent("o-a/r-b/111122223333").as_deref(), Some("r-b"));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn an_account_without_id_is_half_an_answer() {
        let error = account("organizations:ListAccounts", sdk::Account::builder().build(), None).unwrap_err();
        assert_eq!(error.failure, Failure::Lost);
    }
}
