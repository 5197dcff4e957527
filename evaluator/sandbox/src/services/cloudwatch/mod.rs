//! CloudWatch, in each account and region its own: alarms, data and dashboards. Owns what its parts share.
//!
//! Alarms are evaluated when somebody looks, from the data and the sandbox's clock: the outcome does not depend on when.

mod alarms;
mod dashboards;
mod data;
mod judge;
mod math;
mod resources;
mod rule;

use crate::error::ApiError;
use crate::input::{Cx, Input, Millis};
use crate::paging::Pages;
use crate::service::Op;

pub(crate) use resources::{refusal, remove, settle};

pub(crate) const OPERATIONS: &[&[Op]] = &[alarms::OPERATIONS, data::OPERATIONS, dashboards::OPERATIONS];

const MINUTE: Millis = 60_000;

const PAGES: Pages = Pages {
    limit: "MaxRecords",
    most: 50,
    token: ("NextToken", "NextToken"),
    invalid: || ApiError::client("InvalidNextToken", "The next token is not valid"),
};

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

fn missing(what: &str) -> ApiError {
    ApiError::new("ResourceNotFound", 404, what)
}

/// The region that the request was signed for, which the protocol puts beside the members.
fn region<'a>(cx: &'a Cx<'_>, input: Input<'a>) -> &'a str {
    input.optional("Region").unwrap_or(&cx.config.region)
}

fn place(cx: &Cx<'_>, input: Input<'_>) -> String {
    format!("{}/{}", cx.caller.account, region(cx, input))
}

/// The ARN of an alarm at a place.
fn arn(place: &str, name: &str) -> String {
    let (account, region) = place.split_once('/').unwrap_or((place, ""));
    format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")
}

/// The start of the piece of this length.
fn start_of(at: Millis, length: Millis) -> Millis {
    at.div_euclid(length) * length
}

/// The start of the minute.
fn minute(at: Millis) -> Millis {
    start_of(at, MINUTE)
}
