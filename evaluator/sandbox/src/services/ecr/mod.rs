//! ECR, in each account and region its own: repositories, their policies, and images by tag and digest. Layers are not
//! kept: an image is its manifest.

mod images;
mod pretty;
mod repositories;

use crate::error::ApiError;
use crate::input::{Cx, Input};
use crate::paging::Pages;
use crate::service::Op;
use crate::state::State;

pub(crate) const OPERATIONS: &[&[Op]] = &[repositories::OPERATIONS, images::OPERATIONS];

const PAGES: Pages = Pages {
    limit: "maxResults",
    most: 100,
    token: ("nextToken", "nextToken"),
    invalid: || invalid("Invalid parameter at 'nextToken'"),
};

type Key = (String, String);

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// The region that the request was signed for, which the protocol puts beside the members.
fn region<'a>(cx: &'a Cx<'_>, input: Input<'a>) -> &'a str {
    input.optional("Region").unwrap_or(&cx.config.region)
}

/// `account/region` of the caller's own registry: others are not open to it.
fn place(cx: &Cx<'_>, input: Input<'_>) -> Result<String, ApiError> {
    let own = &cx.caller.account;
    match input.optional("registryId").filter(|id| id != own) {
        Some(id) => {
            let message = format!("User is not authorized to access the registry of account {id}");
            Err(ApiError::client("AccessDeniedException", message))
        }
        None => Ok(format!("{own}/{}", region(cx, input))),
    }
}

/// The repository that a request names; it must be there.
fn named(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<Key, ApiError> {
    let key = (place(cx, input)?, input.owned("repositoryName"));
    if state.images.repositories.contains(&key) { Ok(key) } else { Err(no_repository(cx, &key.1)) }
}

fn no_repository(cx: &Cx<'_>, name: &str) -> ApiError {
    let account = &cx.caller.account;
    let message = format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
    ApiError::client("RepositoryNotFoundException", message)
}
