//! The lists: assignments by pair and by principal, what is provisioned where, requests by status.

use super::{denied, instance, principal, set_of};
use crate::error::Answer;
use crate::input::{Cx, Input, seconds};
use crate::paging::{IDENTITY, page};
use crate::service::{Handler, Op};
use crate::state::{Principal, PrincipalKind, Provisioned, Request, RequestKind, Sso, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("ListAccountAssignments", Handler::Lag(for_pair)),
    ("ListAccountAssignmentsForPrincipal", Handler::Lag(for_principal)),
    ("ListAccountsForProvisionedPermissionSet", Handler::Lag(accounts_of_set)),
    ("ListPermissionSetsProvisionedToAccount", Handler::Lag(sets_of_account)),
    ("ListAccountAssignmentCreationStatus", Handler::Read(creations)),
    ("ListAccountAssignmentDeletionStatus", Handler::Read(deletions)),
    ("ListPermissionSetProvisioningStatus", Handler::Read(provisionings)),
];

fn for_pair(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    set_of(state, cx, input)?;
    let (account, set) = (input.text("AccountId"), input.text("PermissionSetArn"));
    let items = state.sso.pair(account, set).map(|principal| (key(principal), principal));
    page(IDENTITY, cx, input, "AccountAssignments", items, |principal| {
        json!({
            "AccountId": account,
            "PermissionSetArn": set,
            "PrincipalType": principal.kind.word(),
            "PrincipalId": principal.id,
        })
    })
}

fn key(principal: &Principal) -> String {
    format!("{}/{}", principal.kind.word(), principal.id)
}

/// A user's list holds what its groups give, too.
fn for_principal(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let sso = instance(state, cx, input)?;
    if cx.caller.account != state.management {
        return Err(denied());
    }
    let account = input.inner("Filter").optional("AccountId");
    let mut principals = Vec::new();
    let own = principal(input);
    if own.kind == PrincipalKind::User {
        let groups = state.store.member_of.under(&own.id);
        principals.extend(groups.map(|(id, _)| Principal { kind: PrincipalKind::Group, id: id.to_owned() }));
    }
    principals.push(own);
    let items = principals.iter().flat_map(|principal| {
        assigned(sso, principal)
            .filter(move |(id, _)| account.is_none_or(|wanted| wanted == *id))
            .map(move |(id, set)| (format!("{}/{id}/{set}", key(principal)), (principal, id, set)))
    });
    page(IDENTITY, cx, input, "AccountAssignments", items, |(principal, account, set)| {
        json!({
            "AccountId": account,
            "PermissionSetArn": set,
            "PrincipalId": principal.id,
            "PrincipalType": principal.kind.word(),
        })
    })
}

/// (account, set) of a principal's assignments.
fn assigned<'a>(sso: &'a Sso, principal: &'a Principal) -> impl Iterator<Item = (&'a String, &'a String)> {
    let entries = sso.by_principal.from(&(principal.clone(), String::new(), String::new()));
    entries.take_while(move |(key, ())| key.0 == *principal).map(|(key, ())| (&key.1, &key.2))
}

fn wanted(sso: &Sso, input: Input<'_>, set: &String, provisioned: &Provisioned) -> bool {
    let newest = sso.sets.get(set).is_some_and(|set| set.revision == provisioned.revision);
    match input.optional("ProvisioningStatus") {
        Some("LATEST_PERMISSION_SET_PROVISIONED") => newest,
        Some(_) => !newest,
        None => true,
    }
}

fn accounts_of_set(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    set_of(state, cx, input)?;
    let set = input.owned("PermissionSetArn");
    let entries = state.sso.provisioned.under(&set).filter(|(_, there)| wanted(&state.sso, input, &set, there));
    let items = entries.map(|(account, _)| (account.to_owned(), account));
    page(IDENTITY, cx, input, "AccountIds", items, Value::from)
}

fn sets_of_account(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let sso = instance(state, cx, input)?;
    let account = input.owned("AccountId");
    let items = sso.by_account.under(&account).filter_map(|(set, ())| {
        let there = sso.provisioned.get(&(set.to_owned(), account.clone()))?;
        wanted(sso, input, &set.to_owned(), there).then(|| (set.to_owned(), set))
    });
    page(IDENTITY, cx, input, "PermissionSets", items, Value::from)
}

fn creations(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    requests(state, cx, input, RequestKind::Assign, "AccountAssignmentsCreationStatus")
}

fn deletions(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    requests(state, cx, input, RequestKind::Unassign, "AccountAssignmentsDeletionStatus")
}

fn provisionings(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    requests(state, cx, input, RequestKind::Provision, "PermissionSetsProvisioningStatus")
}

/// Records carry no reason of a failure: that takes a Describe.
fn requests(state: &State, cx: &Cx<'_>, input: Input<'_>, kind: RequestKind, member: &str) -> Answer {
    let sso = instance(state, cx, input)?;
    let status = input.inner("Filter").optional("Status");
    let found: Box<dyn Iterator<Item = (&String, &Request)>> = if status == Some("IN_PROGRESS") {
        Box::new(sso.running.iter().filter_map(|(id, ())| Some((id, sso.requests.get(id)?))))
    } else {
        Box::new(sso.requests.iter())
    };
    let items = found
        .filter(|(_, request)| request.kind == kind && status.is_none_or(|wanted| wanted == request.result.word()))
        .map(|(id, request)| (id.clone(), (id, request)));
    page(
        IDENTITY,
        cx,
        input,
        member,
        items,
        |(id, request)| json!({"Status": request.result.word(), "RequestId": id, "CreatedDate": seconds(request.created)}),
    )
}
