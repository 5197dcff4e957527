//! IAM, one per account: what its parts share, and what other services ask of it.

mod document;
mod managed;
mod policies;
mod resources;
mod roles;

use crate::config::Config;
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, Millis};
use crate::paging::{IAM, page};
use crate::service::Op;
use crate::state::{Role, State};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use document::{policy_document, resource_control_document, trust_document};
pub(crate) use managed::{aws_policy_exists, aws_policy_name};
pub(crate) use resources::{refusal, remove, settle};

pub(crate) const OPERATIONS: &[&[Op]] = &[roles::OPERATIONS, policies::OPERATIONS];

/// Whether a customer managed policy is in the account, under just that path.
pub(crate) fn policy_exists(state: &State, account: &str, path: &str, name: &str) -> bool {
    let found = state.iam.policies.get(&(account.to_owned(), name.to_owned()));
    found.is_some_and(|policy| policy.path == path)
}

/// The document of a policy as a role has it; one that is gone says nothing.
pub(crate) fn document(state: &State, config: &Config, account: &str, arn: &str) -> String {
    if let Some(name) = aws_policy_name(arn) {
        return managed::aws_policy(config, name).document.to_string();
    }
    let name = arn.rsplit('/').next().unwrap_or_default();
    let own = state.iam.policies.get(&(account.to_owned(), name.to_owned()));
    own.map_or_else(|| r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), |policy| policy.document.clone())
}

fn no_such(what: impl std::fmt::Display) -> ApiError {
    ApiError::new("NoSuchEntity", 404, format!("{what} cannot be found."))
}

fn exists(what: impl std::fmt::Display) -> ApiError {
    ApiError::new("EntityAlreadyExists", 409, format!("{what} already exists."))
}

fn limit(message: &str) -> ApiError {
    ApiError::new("LimitExceeded", 409, message)
}

/// A page with IAM's own flag.
fn list<T>(
    cx: &Cx<'_>,
    input: Input<'_>,
    member: &str,
    items: impl Iterator<Item = (String, T)>,
    show: impl FnMut(T) -> Value,
) -> Answer {
    let mut answer = page(IAM, cx, input, member, items, show)?;
    answer["IsTruncated"] = Value::from(answer.get("Marker").is_some());
    Ok(answer)
}

/// The trust of a reserved role, by the provider that Identity Center keeps in the account.
pub(crate) fn reserved_trust(account: &str) -> Arc<str> {
    let provider = format!("arn:aws:iam::{account}:saml-provider/AWSSSO_sandbox_DO_NOT_DELETE");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
        }],
    });
    Arc::from(trust.to_string())
}

/// The role through which the management account enters a member.
pub(crate) fn access_role(state: &mut State, now: Millis, account: &str, name: &str) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", state.management)},
            "Action": "sts:AssumeRole",
        }],
    });
    let role = Role {
        path: "/".to_owned(),
        id: format!("AROA{}", state.ids.upper(17)),
        created: now,
        trust: Arc::from(trust.to_string()),
        description: None,
        max_session: 3_600,
        attached: BTreeSet::from(["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()]),
        inline: BTreeMap::new(),
        boundary: None,
        tags: BTreeMap::new(),
    };
    state.iam.roles.insert((account.to_owned(), name.to_owned()), role);
}
