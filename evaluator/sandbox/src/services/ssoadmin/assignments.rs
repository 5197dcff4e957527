//! Account assignments, and the reserved roles that come and go with them.

use super::{changeable, conflict, denied, instance, invalid, not_found, principal, quota};
use crate::config::Quotas;
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, Millis, seconds};
use crate::service::{Handler, Op};
use crate::services::iam::{aws_policy_name, policy_exists, reserved_trust};
use crate::state::{
    AccountState, Boundary, Outcome, PermissionSet, Principal, PrincipalKind, Provisioned, Request, RequestKind,
    Role, Sso, State, Work,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) const OPERATIONS: &[Op] = &[
    ("CreateAccountAssignment", Handler::Write(create)),
    ("DeleteAccountAssignment", Handler::Write(delete)),
    ("DescribeAccountAssignmentCreationStatus", Handler::Read(describe_creation)),
    ("DescribeAccountAssignmentDeletionStatus", Handler::Read(describe_deletion)),
];

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (set, _) = changeable(state, cx, input)?;
    let account = input.owned("TargetId");
    account_usable(state, cx, &account)?;
    let new = !state.sso.provisioned.contains(&(set.clone(), account.clone()));
    if new && state.sso.by_account.under(&account).count() >= cx.config.quotas.provisioned_per_account {
        return Err(quota("the number of PermissionSets provisioned in the account is exceeded"));
    }
    Ok(begin(state, cx, input, RequestKind::Assign, set))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (set, _) = changeable(state, cx, input)?;
    let account = input.owned("TargetId");
    account_known(state, cx, &account)?;
    free(state, cx, &account)?;
    if !state.sso.assignments.contains(&(account, set.clone(), principal(input))) {
        return Err(not_found("account assignment"));
    }
    Ok(begin(state, cx, input, RequestKind::Unassign, set))
}

/// The account is in the organization, and within the caller's authority.
pub(super) fn account_known(state: &State, cx: &Cx<'_>, account: &String) -> Result<AccountState, ApiError> {
    if *account == state.management && cx.caller.account != state.management {
        return Err(denied());
    }
    let found = state.org.as_ref().and_then(|org| org.accounts.get(account));
    found.map(|account| account.state).ok_or_else(|| not_found("account in the organization"))
}

fn account_usable(state: &State, cx: &Cx<'_>, account: &String) -> Result<(), ApiError> {
    if account_known(state, cx, account)? != AccountState::Active {
        return Err(invalid(format!("account {account} is not active")));
    }
    free(state, cx, account)
}

/// One change of roles at a time in an account, and so many assignments at a time in all.
fn free(state: &State, cx: &Cx<'_>, account: &String) -> Result<(), ApiError> {
    if state.sso.busy.contains(account) {
        return Err(conflict(format!("an operation is in progress for account {account}")));
    }
    if state.sso.outstanding >= cx.config.quotas.assignments_in_progress {
        let message = "too many account assignment operations are in progress";
        return Err(ApiError::client("ThrottlingException", message));
    }
    Ok(())
}

fn begin(state: &mut State, cx: &Cx<'_>, input: Input<'_>, kind: RequestKind, set: String) -> Value {
    let account = input.owned("TargetId");
    let request = Request {
        kind,
        set,
        account: Some(account.clone()),
        principal: Some(principal(input)),
        created: cx.now,
        result: Outcome::InProgress,
    };
    state.sso.outstanding += 1;
    state.sso.busy.insert(account, ());
    let id = start(state, cx, &request, cx.config.delays.assignment);
    status(&id, &request)
}

/// Takes a request in and puts its work on the list.
pub(super) fn start(state: &mut State, cx: &Cx<'_>, request: &Request, delay: std::time::Duration) -> String {
    let id = state.ids.guid();
    state.sso.requests.insert(id.clone(), request.clone());
    state.sso.running.insert(id.clone(), ());
    state.later(cx, delay, Work::Sso(id.clone()));
    id
}

fn status(id: &str, request: &Request) -> Value {
    let mut shown = json!({
        "Status": request.result.word(),
        "RequestId": id,
        "TargetId": request.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": request.set,
        "CreatedDate": seconds(request.created),
    });
    if let Some(principal) = &request.principal {
        shown["PrincipalType"] = Value::from(principal.kind.word());
        shown["PrincipalId"] = Value::from(principal.id.clone());
    }
    if let Outcome::Failed(reason) = &request.result {
        shown["FailureReason"] = Value::from(reason.clone());
    }
    let member = match request.kind {
        RequestKind::Unassign => "AccountAssignmentDeletionStatus",
        _ => "AccountAssignmentCreationStatus",
    };
    json!({member: shown})
}

fn describe_creation(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    describe(state, cx, input, RequestKind::Assign, "AccountAssignmentCreationRequestId")
}

fn describe_deletion(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    describe(state, cx, input, RequestKind::Unassign, "AccountAssignmentDeletionRequestId")
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>, kind: RequestKind, member: &str) -> Answer {
    let sso = instance(state, cx, input)?;
    let id = input.owned(member);
    let request = sso.requests.get(&id).filter(|request| request.kind == kind);
    Ok(status(&id, request.ok_or_else(|| not_found("request"))?))
}

/// Carries an assignment out; the error is the reason of the failure.
pub(super) fn assign(state: &mut State, cx: &Cx<'_>, request: &Request) -> Result<(), String> {
    let (Some(account), Some(principal)) = (&request.account, &request.principal) else { return Ok(()) };
    let there = match principal.kind {
        PrincipalKind::Group => state.store.groups.contains(&principal.id),
        PrincipalKind::User => state.store.users.contains(&principal.id),
    };
    if !there {
        let kind = principal.kind.word();
        return Err(format!("Received a 404 status error: {kind} {} not found in the identity store.", principal.id));
    }
    let active = state.org.as_ref().and_then(|org| org.accounts.get(account)).map(|account| account.state);
    if active != Some(AccountState::Active) {
        return Err(format!("Received a 400 status error: account {account} is not active."));
    }
    if !state.sso.provisioned.contains(&(request.set.clone(), account.clone())) {
        set_role(state, &cx.config.quotas, cx.now, &request.set, account)?;
    }
    link(&mut state.sso, account, &request.set, principal);
    Ok(())
}

/// Records an assignment.
pub(crate) fn link(sso: &mut Sso, account: &str, set: &str, principal: &Principal) {
    sso.assignments.insert((account.to_owned(), set.to_owned(), principal.clone()), ());
    sso.by_principal.insert((principal.clone(), account.to_owned(), set.to_owned()), ());
}

/// Takes an assignment away, and with the last one the role.
pub(super) fn unassign(state: &mut State, request: &Request) {
    let (Some(account), Some(principal)) = (&request.account, &request.principal) else { return };
    let sso = &mut state.sso;
    sso.assignments.remove(&(account.clone(), request.set.clone(), principal.clone()));
    sso.by_principal.remove(&(principal.clone(), account.clone(), request.set.clone()));
    if sso.pair(account, &request.set).next().is_some() {
        return;
    }
    let key = (request.set.clone(), account.clone());
    if let Some(role) = sso.provisioned.get(&key).map(|provisioned| provisioned.role.clone()) {
        state.iam.roles.remove(&(account.clone(), role));
    }
    sso.provisioned.remove(&key);
    sso.by_account.remove(&(account.clone(), request.set.clone()));
}

impl Sso {
    /// The principals assigned to a set in an account.
    pub(super) fn pair<'a>(&'a self, account: &'a str, set: &'a str) -> impl Iterator<Item = &'a Principal> {
        let start = Principal { kind: PrincipalKind::Group, id: String::new() };
        let entries = self.assignments.from(&(account.to_owned(), set.to_owned(), start));
        entries.take_while(move |(key, ())| key.0 == account && key.1 == set).map(|(key, ())| &key.2)
    }
}

/// Brings the role of a set in an account to what the set says now, making it if need be.
pub(crate) fn set_role(
    state: &mut State,
    quotas: &Quotas,
    now: Millis,
    arn: &str,
    account: &str,
) -> Result<(), String> {
    let arn = arn.to_owned();
    let Some(set) = state.sso.sets.get(&arn).cloned() else {
        return Err("Received a 404 status error: PermissionSet not found.".to_owned());
    };
    let attached = role_policies(state, quotas, account, &set)?;
    let boundary = role_boundary(state, account, &set)?;
    let key = (arn.clone(), account.to_owned());
    let known = state.sso.provisioned.get(&key).map(|provisioned| provisioned.role.clone());
    let name = known.unwrap_or_else(|| format!("AWSReservedSSO_{}_{}", set.name, state.ids.hex(16)));
    let role_key = (account.to_owned(), name.clone());
    let mut role = match state.iam.roles.get(&role_key) {
        Some(role) => role.clone(),
        None => new_role(state, now, account),
    };
    role.description.clone_from(&set.description);
    role.max_session = 43_200;
    role.attached = attached;
    role.boundary = boundary;
    role.inline = BTreeMap::new();
    if let Some(inline) = &set.body.inline {
        role.inline.insert("AwsSSOInlinePolicy".to_owned(), Arc::from(inline.as_str()));
    }
    state.iam.roles.insert(role_key, role);
    state.sso.provisioned.insert(key, Provisioned { role: name, revision: set.revision });
    state.sso.by_account.insert((account.to_owned(), arn), ());
    Ok(())
}

/// The home region is in the path, except for the first of all regions.
fn new_role(state: &mut State, now: Millis, account: &str) -> Role {
    let region = match state.sso.region.as_str() {
        "us-east-1" => String::new(),
        region => format!("{region}/"),
    };
    Role {
        path: format!("/aws-reserved/sso.amazonaws.com/{region}"),
        id: format!("AROA{}", state.ids.upper(17)),
        created: now,
        trust: reserved_trust(account),
        description: None,
        max_session: 43_200,
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
        boundary: None,
        tags: BTreeMap::new(),
    }
}

fn role_policies(
    state: &State,
    quotas: &Quotas,
    account: &str,
    set: &PermissionSet,
) -> Result<BTreeSet<String>, String> {
    let body = &set.body;
    if body.managed.len() + body.customer.len() > quotas.policies_per_role {
        let limit = quotas.policies_per_role;
        return Err(format!("Received a 409 status error: Cannot exceed quota for PoliciesPerRole: {limit}"));
    }
    let inline = body.inline.as_deref().unwrap_or_default();
    if inline.chars().filter(|c| !c.is_whitespace()).count() > quotas.inline_policy_size {
        let limit = quotas.inline_policy_size;
        return Err(format!("Received a 409 status error: Maximum policy size of {limit} bytes exceeded for role"));
    }
    let mut attached: BTreeSet<String> = body.managed.iter().cloned().collect();
    for (path, name) in &body.customer {
        attached.insert(customer_policy(state, account, path, name)?);
    }
    Ok(attached)
}

fn customer_policy(state: &State, account: &str, path: &str, name: &str) -> Result<String, String> {
    let arn = format!("arn:aws:iam::{account}:policy{path}{name}");
    if policy_exists(state, account, path, name) {
        return Ok(arn);
    }
    Err(format!("Received a 404 status error: Policy {arn} does not exist or is not attachable."))
}

fn role_boundary(state: &State, account: &str, set: &PermissionSet) -> Result<Option<String>, String> {
    match &set.body.boundary {
        None => Ok(None),
        Some(Boundary::Managed(arn)) if aws_policy_name(arn).is_some() => Ok(Some(arn.clone())),
        Some(Boundary::Managed(arn)) => Err(format!("Received a 404 status error: Policy {arn} does not exist.")),
        Some(Boundary::Customer(path, name)) => customer_policy(state, account, path, name).map(Some),
    }
}
