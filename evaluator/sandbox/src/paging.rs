//! Pages: one rule for every list of every service.

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// How a service pages.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    /// The member of the request that limits a page, and how many there are without it.
    pub(crate) limit: &'static str,
    pub(crate) most: usize,
    /// The members that carry the token, in the request and in the answer.
    pub(crate) token: (&'static str, &'static str),
    pub(crate) invalid: fn() -> ApiError,
}

pub(crate) const ORGANIZATIONS: Pages = Pages {
    limit: "MaxResults",
    most: 20,
    token: ("NextToken", "NextToken"),
    invalid: || ApiError::reason("InvalidInputException", "INVALID_NEXT_TOKEN", "the NextToken is not valid"),
};

pub(crate) const IDENTITY: Pages = Pages {
    limit: "MaxResults",
    most: 100,
    token: ("NextToken", "NextToken"),
    invalid: || ApiError::client("ValidationException", "the NextToken is not valid"),
};

pub(crate) const IAM: Pages = Pages {
    limit: "MaxItems",
    most: 100,
    token: ("Marker", "Marker"),
    invalid: || ApiError::client("ValidationError", "the Marker is not valid"),
};

pub(crate) const CLOUDFORMATION: Pages = Pages {
    // None of its requests has a limit.
    limit: "",
    most: 100,
    token: ("NextToken", "NextToken"),
    invalid: || ApiError::client("ValidationError", "the NextToken is not valid"),
};

pub(crate) const COSTS: Pages = Pages {
    // The request has no limit of its own.
    limit: "",
    most: 500,
    token: ("NextPageToken", "NextPageToken"),
    invalid: || ApiError::client("InvalidNextTokenException", "The pagination token is invalid."),
};

pub(crate) const S3: Pages = Pages {
    limit: "max-keys",
    most: 1_000,
    token: ("continuation-token", "NextContinuationToken"),
    invalid: || ApiError::client("InvalidArgument", "the continuation token is not valid"),
};

/// One page of `items`, which come in the order of their keys. A token names the last key seen, so a list that
/// changes between pages neither repeats nor skips what stays.
pub(crate) fn page<T>(
    pages: Pages,
    cx: &Cx<'_>,
    input: Input<'_>,
    member: &str,
    items: impl Iterator<Item = (String, T)>,
    mut show: impl FnMut(T) -> Value,
) -> Answer {
    let after = match input.optional(pages.token.0) {
        Some(token) => Some(decode(token).ok_or_else(pages.invalid)?),
        None => None,
    };
    let mut answer = Map::new();
    if after.is_none() && cx.config.empty_pages {
        answer.insert(member.to_owned(), Value::Array(Vec::new()));
        answer.insert(pages.token.1.to_owned(), Value::from(encode("")));
        return Ok(Value::Object(answer));
    }
    let limit = input.number(pages.limit).unwrap_or(pages.most).min(cx.config.page.unwrap_or(usize::MAX)).max(1);
    let after = after.unwrap_or_default();
    let mut shown = Vec::new();
    let mut last = String::new();
    for (key, item) in items.filter(|(key, _)| *key > after) {
        if shown.len() == limit {
            answer.insert(pages.token.1.to_owned(), Value::from(encode(&last)));
            break;
        }
        shown.push(show(item));
        last = key;
    }
    answer.insert(member.to_owned(), Value::Array(shown));
    Ok(Value::Object(answer))
}

fn encode(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{key}"))
}

fn decode(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("after:").map(str::to_owned)
}
