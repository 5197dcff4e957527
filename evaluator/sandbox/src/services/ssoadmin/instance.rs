//! The instance.

use crate::error::Answer;
use crate::input::{Cx, Input, seconds};
use crate::paging::{IDENTITY, page};
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] =
    &[("ListInstances", Handler::Read(list)), ("DescribeInstance", Handler::Read(describe))];

fn show(state: &State) -> Value {
    json!({
        "InstanceArn": state.sso.instance,
        "IdentityStoreId": state.sso.store,
        "OwnerAccountId": state.management,
        "CreatedDate": seconds(state.sso.created),
        "Status": "ACTIVE",
        "PrimaryRegion": state.sso.region,
    })
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let there = !state.sso.instance.is_empty();
    let items = there.then(|| (state.sso.instance.clone(), ())).into_iter();
    page(IDENTITY, cx, input, "Instances", items, |()| show(state))
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    super::instance(state, cx, input)?;
    Ok(show(state))
}
