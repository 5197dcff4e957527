//! Resources of templates that exist in the sandbox, beside the stack: which service makes, changes and removes one. Of any
//! other type there is a name in the stack, and nothing else.

use crate::error::ApiError;
use crate::input::Cx;
use crate::services::{cloudwatch, iam};
use crate::state::State;
use serde_json::Value;

/// A resource with its properties, their functions computed.
pub(crate) struct Made<'a> {
    pub(crate) kind: &'a str,
    /// `account/region`.
    pub(crate) place: &'a str,
    /// The name that it gets when its properties have none.
    pub(crate) name: &'a str,
    pub(crate) properties: &'a Value,
}

/// Why a resource with these properties cannot be made.
pub(super) fn refusal(kind: &str, properties: &Value) -> Option<String> {
    cloudwatch::refusal(kind, properties).or_else(|| iam::refusal(kind, properties))
}

/// Makes the resource, or brings it to its properties; its physical id, or none for a kind that the sandbox does not make.
pub(super) fn settle(state: &mut State, cx: &Cx<'_>, made: &Made<'_>) -> Option<Result<String, ApiError>> {
    cloudwatch::settle(state, cx, made).or_else(|| iam::settle(state, cx, made))
}

/// Removes the resource. One that is gone already is fine.
pub(super) fn remove(state: &mut State, kind: &str, place: &str, id: &str) {
    cloudwatch::remove(state, kind, place, id);
    iam::remove(state, kind, place, id);
}
