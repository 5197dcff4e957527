//! Accounts: creation, moves, closing, leaving.

use super::tree::{move_child, time};
use super::{constraint, invalid, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Caller, Cx, Input, Millis, seconds};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{Account, AccountState, Creation, Org, Outcome, State, Work};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const OPERATIONS: &[Op] = &[
    ("ListAccounts", Handler::Lag(list)),
    ("ListAccountsForParent", Handler::Lag(list_for_parent)),
    ("DescribeAccount", Handler::Read(describe)),
    ("CreateAccount", Handler::Write(create_account)),
    ("DescribeCreateAccountStatus", Handler::Read(describe_creation)),
    ("ListCreateAccountStatus", Handler::Lag(list_creations)),
    ("MoveAccount", Handler::Write(move_account)),
    ("CloseAccount", Handler::Write(close_account)),
    ("RemoveAccountFromOrganization", Handler::Write(remove_account)),
];

const DAY: Millis = 86_400_000;

fn not_found() -> ApiError {
    let message = "You specified an account that doesn't exist.";
    ApiError::client("AccountNotFoundException", message)
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let accounts = org.accounts.iter().map(|(id, account)| (id.clone(), (id, account)));
    page(ORGANIZATIONS, cx, input, "Accounts", accounts, |(id, account)| org.show(&state.management, id, account))
}

fn list_for_parent(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let parent = input.text("ParentId");
    if !org.is_parent(parent) {
        let message = "We can't find a root or an organizational unit with the ParentId that you specified.";
        return Err(ApiError::client("ParentNotFoundException", message));
    }
    let accounts = org.children.under(parent).filter_map(|(id, ())| {
        let account = org.accounts.get(&id.to_owned())?;
        Some((id.to_owned(), (id, account)))
    });
    page(ORGANIZATIONS, cx, input, "Accounts", accounts, |(id, account)| org.show(&state.management, id, account))
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.owned("AccountId");
    let account = org.accounts.get(&id).ok_or_else(not_found)?;
    Ok(json!({"Account": org.show(&state.management, &id, account)}))
}

fn creating(org: &Org) -> usize {
    org.creations.iter().filter(|(_, creation)| creation.result == Outcome::InProgress).count()
}

fn create_account(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    if org.accounts.len() + creating(org) >= cx.config.quotas.accounts {
        let message = "You have exceeded the allowed number of AWS accounts.";
        return Err(constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED", message));
    }
    if creating(org) >= cx.config.quotas.account_creations {
        let message = "Too many account creations are in progress.";
        return Err(ApiError::client("TooManyRequestsException", message).with("Type", "CREATE_ACCOUNT"));
    }
    let creation = Creation {
        name: input.owned("AccountName"),
        email: input.owned("Email"),
        role: input.optional("RoleName").unwrap_or("OrganizationAccountAccessRole").to_owned(),
        tags: super::tags::checked(cx, input)?,
        requested: cx.now,
        completed: None,
        result: Outcome::InProgress,
    };
    let id = format!("car-{}", state.ids.hex(32));
    let shown = show_creation(&id, &creation);
    state.later(cx, cx.config.delays.create_account, Work::CreateAccount(id.clone()));
    writer(state, cx)?.creations.insert(id, creation);
    Ok(json!({"CreateAccountStatus": shown}))
}

/// The status record: it names no e-mail, and an account only once that exists.
fn show_creation(id: &str, creation: &Creation) -> Value {
    let mut shown = json!({
        "Id": id,
        "AccountName": creation.name,
        "State": creation.result.word(),
        "RequestedTimestamp": seconds(creation.requested),
    });
    let mut put = |member: &str, value: Value| shown[member] = value;
    if creation.completed.is_some() {
        put("CompletedTimestamp", time(creation.completed));
    }
    match &creation.result {
        Outcome::Succeeded(account) => put("AccountId", Value::from(account.clone())),
        Outcome::Failed(reason) => put("FailureReason", Value::from(reason.clone())),
        Outcome::InProgress => {}
    }
    shown
}

/// Ends a creation: the account is there, or the reason why not.
pub(crate) fn create(state: &mut State, cx: &Cx<'_>, id: &String) {
    let Some(org) = &state.org else { return };
    let Some(mut creation) = org.creations.get(id).cloned() else { return };
    let failure = match cx.fail {
        Some(reason) => Some(reason),
        None if org.emails.contains(&creation.email.to_lowercase()) => Some("EMAIL_ALREADY_EXISTS"),
        None if org.accounts.len() >= cx.config.quotas.accounts => Some("ACCOUNT_LIMIT_EXCEEDED"),
        None => None,
    };
    creation.completed = Some(cx.now);
    creation.result = match failure {
        Some(reason) => Outcome::Failed(reason.to_owned()),
        None => Outcome::Succeeded(open(state, cx, &creation)),
    };
    if let Some(org) = &mut state.org {
        org.creations.insert(id.clone(), creation);
    }
}

fn open(state: &mut State, cx: &Cx<'_>, creation: &Creation) -> String {
    let mut id = state.ids.account();
    while state.org.as_ref().is_some_and(|org| org.accounts.contains(&id)) {
        id = state.ids.account();
    }
    let ready = cx.now + i64::try_from(cx.config.delays.role.as_millis()).unwrap_or(0);
    let account = Account {
        name: creation.name.clone(),
        email: creation.email.clone(),
        parent: String::new(),
        state: AccountState::Active,
        created_here: true,
        joined: cx.now,
        ready,
    };
    if let Some(org) = &mut state.org {
        org.join(&id, account);
        if !creation.tags.is_empty() {
            org.tags.insert(id.clone(), creation.tags.clone());
        }
    }
    crate::services::iam::access_role(state, cx.now, &id, &creation.role);
    id
}

impl Org {
    /// Takes an account in, under the parent it names or else the root.
    pub(crate) fn join(&mut self, id: &str, mut account: Account) {
        if account.parent.is_empty() {
            account.parent.clone_from(&self.root);
        }
        self.emails.insert(account.email.to_lowercase(), id.to_owned());
        self.children.insert((account.parent.clone(), id.to_owned()), ());
        self.accounts.insert(id.to_owned(), account);
        super::attach_default(self, id);
    }

    fn leave(&mut self, id: &String) {
        if let Some(parent) = self.accounts.get(id).map(|account| account.parent.clone()) {
            self.accounts.remove(id);
            self.children.remove(&(parent, id.clone()));
            self.tags.remove(id);
            super::policies::detach_all(self, id);
        }
    }
}

fn describe_creation(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.owned("CreateAccountRequestId");
    let message = "We can't find a create account request with the CreateAccountRequestId that you specified.";
    let missing = || ApiError::client("CreateAccountStatusNotFoundException", message);
    let creation = org.creations.get(&id).ok_or_else(missing)?;
    Ok(json!({"CreateAccountStatus": show_creation(&id, creation)}))
}

fn list_creations(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let states: Vec<&str> = input.texts("States").collect();
    let wanted = org.creations.iter().filter(|(_, c)| states.is_empty() || states.contains(&c.result.word()));
    let items = wanted.map(|(id, creation)| (id.clone(), (id, creation)));
    page(ORGANIZATIONS, cx, input, "CreateAccountStatuses", items, |(id, creation)| show_creation(id, creation))
}

fn move_account(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let id = input.owned("AccountId");
    let (source, destination) = (input.text("SourceParentId"), input.text("DestinationParentId"));
    let parent = org.accounts.get(&id).ok_or_else(not_found)?.parent.clone();
    if !org.is_parent(source) || source != parent {
        let message = "We can't find a source root or organizational unit with the ParentId that you specified.";
        return Err(ApiError::client("SourceParentNotFoundException", message));
    }
    if !org.is_parent(destination) {
        let message = "We can't find the destination container with the ParentId that you specified.";
        return Err(ApiError::client("DestinationParentNotFoundException", message));
    }
    if source == destination {
        let message = "The account is already in the destination that you specified.";
        return Err(ApiError::client("DuplicateAccountException", message));
    }
    move_child(org, &id, destination);
    Ok(Value::Null)
}

fn close_account(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let own = input.text("AccountId") == state.management;
    let org = writer(state, cx)?;
    let id = input.owned("AccountId");
    let account = org.accounts.get(&id).ok_or_else(not_found)?;
    if own {
        let message = "You can't close the management account.";
        return Err(constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", message));
    }
    match account.state {
        AccountState::Active => {}
        AccountState::PendingClosure => {
            return Err(ApiError::client("ConflictException", "The account is being closed already."));
        }
        AccountState::Closed => {
            return Err(ApiError::client("AccountAlreadyClosedException", "The account is closed already."));
        }
    }
    closing_allowed(org, cx)?;
    if let Some(account) = org.accounts.get_mut(&id) {
        account.state = AccountState::PendingClosure;
    }
    org.closures.insert((cx.now, id.clone()), ());
    state.later(cx, cx.config.delays.close_account, Work::CloseAccount(id));
    Ok(Value::Null)
}

fn closing_allowed(org: &Org, cx: &Cx<'_>) -> Result<(), ApiError> {
    let quotas = &cx.config.quotas;
    let pending = org.accounts.iter().filter(|(_, a)| a.state == AccountState::PendingClosure).count();
    if pending >= quotas.account_closures {
        let message = "Too many accounts are being closed.";
        return Err(constraint("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", message));
    }
    let recent = org.closures.from(&(cx.now - 30 * DAY, String::new())).count();
    let share = org.accounts.len() / 5;
    if recent >= share.max(quotas.closures_floor).min(quotas.closures_cap) {
        let message = "You have closed as many accounts as you may in 30 days.";
        return Err(constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED", message));
    }
    Ok(())
}

/// Ends a closing. The account stays listed for 90 days, and its e-mail is never free again.
pub(crate) fn close(state: &mut State, cx: &Cx<'_>, id: &String) {
    if let Some(account) = state.org.as_mut().and_then(|org| org.accounts.get_mut(id)) {
        account.state = if cx.fail.is_some() { AccountState::Active } else { AccountState::Closed };
    }
    if cx.fail.is_none() {
        state.later(cx, Duration::from_hours(90 * 24), Work::ForgetAccount(id.clone()));
    }
}

/// The account is gone.
pub(crate) fn forget(state: &mut State, id: &String) {
    if let Some(org) = &mut state.org {
        org.leave(id);
    }
}

fn remove_account(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let caller: &Caller = cx.caller;
    let leaves_itself = caller.account == input.text("AccountId");
    if leaves_itself && caller.account == state.management {
        let message = "You can't remove the management account from the organization.";
        return Err(ApiError::client("MasterCannotLeaveOrganizationException", message));
    }
    let org = writer(state, cx)?;
    let id = input.owned("AccountId");
    let account = org.accounts.get(&id).ok_or_else(not_found)?;
    if org.delegated.iter().any(|((_, delegate), _)| *delegate == id) {
        let message = "You can't remove a delegated administrator from the organization.";
        return Err(constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", message));
    }
    if account.created_here && cx.now - account.joined < DAY * Millis::from(cx.config.quotas.leave_days) {
        let message = "You must wait some days after the creation of the account before it can leave.";
        return Err(constraint("WAIT_PERIOD_ACTIVE", message));
    }
    if account.state != AccountState::Active {
        return Err(invalid("TARGET_NOT_SUPPORTED", "the account is closed"));
    }
    org.leave(&id);
    Ok(Value::Null)
}
