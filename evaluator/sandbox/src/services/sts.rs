//! STS: who calls, and sessions of roles.

use crate::error::{Answer, ApiError};
use crate::input::{Caller, Cx, Input, Millis, iso};
use crate::service::{Handler, Op};
use crate::state::{AccountState, Session, State};
use serde_json::json;

/// What the keys of sessions begin with. (IAM User Guide, "IAM identifiers", unique ID prefixes)
pub(crate) const SESSION: &str = "ASIA";
/// How many characters follow.
const RANDOM: usize = 16;

/// Has a key the form of those that sessions get here?
pub(crate) fn is_key(key: &str) -> bool {
    key.strip_prefix(SESSION).is_some_and(|random| random.len() == RANDOM)
}

pub(crate) const OPERATIONS: &[&[Op]] =
    &[&[("GetCallerIdentity", Handler::Read(identity)), ("AssumeRole", Handler::Write(assume))]];

fn identity(state: &State, cx: &Cx<'_>, _: Input<'_>) -> Answer {
    let account = &cx.caller.account;
    let user = match &cx.caller.role {
        Some((role, session)) => {
            let id = state.iam.roles.get(&(account.clone(), role.clone())).map_or("AROASANDBOX", |r| r.id.as_str());
            format!("{id}:{session}")
        }
        None => "AIDASANDBOXSANDBOXSA1".to_owned(),
    };
    Ok(json!({"Arn": principal(cx.caller), "UserId": user, "Account": account}))
}

/// The ARN of who calls.
pub(crate) fn principal(caller: &Caller) -> String {
    let account = &caller.account;
    match &caller.role {
        Some((role, session)) => format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        None => format!("arn:aws:iam::{account}:user/sandbox"),
    }
}

/// (account, path and name) of a role's ARN.
fn parse(arn: &str) -> Option<(&str, &str)> {
    let (account, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(':')?;
    Some((account, resource.strip_prefix("role/")?))
}

fn assume(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let arn = input.text("RoleArn");
    let denied = || {
        let message = format!("User is not authorized to perform: sts:AssumeRole on resource: {arn}");
        ApiError::new("AccessDenied", 403, message)
    };
    let (account, role) =
        parse(arn).ok_or_else(|| ApiError::client("ValidationError", format!("{arn} is invalid")))?;
    let (account, name) = (account.to_owned(), role.rsplit('/').next().unwrap_or_default().to_owned());
    if !usable(state, cx.now, &account) {
        return Err(denied());
    }
    let found = state.iam.roles.get(&(account.clone(), name.clone())).ok_or_else(denied)?;
    let full = format!("{}{name}", found.path.trim_start_matches('/'));
    if full != role || found.path.starts_with("/aws-reserved/") {
        return Err(denied());
    }
    let role_id = found.id.clone();
    let session = input.owned("RoleSessionName");
    let lasts = Millis::try_from(input.number("DurationSeconds").unwrap_or(3_600)).unwrap_or(3_600);
    let expires = cx.now + lasts * 1_000;
    let key = format!("{SESSION}{}", state.ids.upper(RANDOM));
    let shown = json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": state.ids.lower(40),
            "SessionToken": format!("sandbox-{}", state.ids.lower(64)),
            "Expiration": iso(expires, false),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{role_id}:{session}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        },
    });
    forget_expired(state, cx.now);
    state.sts.insert(key, Session { caller: Caller { account, role: Some((name, session)) }, expires });
    Ok(shown)
}

/// Long runs assume many roles.
fn forget_expired(state: &mut State, now: Millis) {
    if state.sts.len() % 1_000 == 999 {
        let expired = state.sts.iter().filter(|(_, session)| session.expires <= now);
        let expired: Vec<String> = expired.map(|(key, _)| key.clone()).collect();
        for key in &expired {
            state.sts.remove(key);
        }
    }
}

/// A new account's role cannot be assumed at once, a closed account's never.
fn usable(state: &State, now: Millis, account: &String) -> bool {
    let found = state.org.as_ref().and_then(|org| org.accounts.get(account));
    found.is_none_or(|account| account.state == AccountState::Active && account.ready <= now)
}
