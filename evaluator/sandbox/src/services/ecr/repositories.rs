//! Repositories, their policies and their tags.

use super::pretty::laid_out;
use super::{Key, PAGES, invalid, named, no_repository, place};
use crate::error::{Answer, ApiError};
use crate::images::Repository;
use crate::input::{Cx, Input, seconds, tag_list};
use crate::paging::page;
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const OPERATIONS: &[Op] = &[
    ("CreateRepository", Handler::Write(create)),
    ("DescribeRepositories", Handler::Read(describe)),
    ("DeleteRepository", Handler::Write(delete)),
    ("SetRepositoryPolicy", Handler::Write(set_policy)),
    ("GetRepositoryPolicy", Handler::Read(get_policy)),
    ("DeleteRepositoryPolicy", Handler::Write(delete_policy)),
    ("TagResource", Handler::Write(tag)),
    ("ListTagsForResource", Handler::Read(tags)),
];

fn arn(key: &Key) -> String {
    let (account, region) = key.0.split_once('/').unwrap_or((&key.0, ""));
    format!("arn:aws:ecr:{region}:{account}:repository/{}", key.1)
}

fn show(key: &Key, repository: &Repository) -> Value {
    let (account, region) = key.0.split_once('/').unwrap_or((&key.0, ""));
    json!({
        "repositoryArn": arn(key),
        "registryId": account,
        "repositoryName": key.1,
        "repositoryUri": format!("{account}.dkr.ecr.{region}.amazonaws.com/{}", key.1),
        "createdAt": seconds(repository.created),
        "imageTagMutability": if repository.immutable { "IMMUTABLE" } else { "MUTABLE" },
        "imageScanningConfiguration": {"scanOnPush": false},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    })
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = (place(cx, input)?, input.owned("repositoryName"));
    if state.images.repositories.contains(&key) {
        let message = format!(
            "The repository with name '{}' already exists in the registry with id '{}'",
            key.1, cx.caller.account
        );
        return Err(ApiError::client("RepositoryAlreadyExistsException", message));
    }
    let repository = Repository {
        created: cx.now,
        policy: None,
        immutable: input.text("imageTagMutability") == "IMMUTABLE",
        tags: input.tags("tags"),
        images: BTreeMap::new(),
    };
    let shown = show(&key, &repository);
    state.images.repositories.insert(key, repository);
    Ok(json!({"repository": shown}))
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let place = place(cx, input)?;
    let names: Vec<&str> = input.texts("repositoryNames").collect();
    let key = |name: &str| (place.clone(), name.to_owned());
    if let Some(missing) = names.iter().find(|name| !state.images.repositories.contains(&key(name))) {
        return Err(no_repository(cx, missing));
    }
    let all = state.images.repositories.under(&place);
    let all = all.filter(|(name, _)| names.is_empty() || names.contains(name));
    let all = all.map(|(name, repository)| (name.to_owned(), (name, repository)));
    page(PAGES, cx, input, "repositories", all, |(name, repository)| show(&key(name), repository))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let gone = state.images.repositories.get(&key).map(|repository| show(&key, repository));
    let full = state.images.repositories.get(&key).is_some_and(|repository| !repository.images.is_empty());
    if full && !input.flag("force") {
        let message = format!("The repository with name '{}' still contains images", key.1);
        return Err(ApiError::client("RepositoryNotEmptyException", message));
    }
    state.images.repositories.remove(&key);
    Ok(json!({"repository": gone}))
}

/// What every statement of a policy of a resource must have.
fn checked(text: &str) -> Result<(), ApiError> {
    let refused = || {
        invalid(
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
        )
    };
    let policy: Value = serde_json::from_str(text).map_err(|_| refused())?;
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => Vec::new(),
    };
    let sound = |statement: &&Value| {
        let has = |one: &str, other: &str| statement.get(one).is_some() || statement.get(other).is_some();
        matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny"))
            && has("Principal", "NotPrincipal")
            && has("Action", "NotAction")
            // The repository is the resource.
            && !has("Resource", "NotResource")
    };
    if statements.is_empty() || !statements.iter().all(sound) {
        return Err(refused());
    }
    let ids: Vec<&str> = statements.iter().filter_map(|one| one.get("Sid")?.as_str()).collect();
    let twice = ids.iter().enumerate().any(|(at, id)| ids.iter().take(at).any(|other| other == id));
    if twice { Err(refused()) } else { Ok(()) }
}

fn set_policy(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let text = input.text("policyText");
    checked(text)?;
    let laid_out = laid_out(text);
    if let Some(repository) = state.images.repositories.get_mut(&key) {
        repository.policy = Some(laid_out.clone());
    }
    Ok(json!({"registryId": cx.caller.account, "repositoryName": key.1, "policyText": laid_out}))
}

fn no_policy(cx: &Cx<'_>, name: &str) -> ApiError {
    let account = &cx.caller.account;
    let message = format!(
        "Repository policy does not exist for the repository with name '{name}' in the registry with id '{account}'"
    );
    ApiError::client("RepositoryPolicyNotFoundException", message)
}

fn get_policy(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let policy = state.images.repositories.get(&key).and_then(|repository| repository.policy.clone());
    let policy = policy.ok_or_else(|| no_policy(cx, &key.1))?;
    Ok(json!({"registryId": cx.caller.account, "repositoryName": key.1, "policyText": policy}))
}

fn delete_policy(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let policy = state.images.repositories.get_mut(&key).and_then(|repository| repository.policy.take());
    let policy = policy.ok_or_else(|| no_policy(cx, &key.1))?;
    Ok(json!({"registryId": cx.caller.account, "repositoryName": key.1, "policyText": policy}))
}

/// The repository of an ARN of the caller's.
fn of_arn(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<Key, ApiError> {
    let given = input.text("resourceArn");
    let name = given.split_once(":repository/").map_or("", |(_, name)| name);
    let key = (place(cx, input)?, name.to_owned());
    if arn(&key) == given && state.images.repositories.contains(&key) {
        Ok(key)
    } else {
        Err(no_repository(cx, name))
    }
}

fn tag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = of_arn(state, cx, input)?;
    if let Some(repository) = state.images.repositories.get_mut(&key) {
        repository.tags.extend(input.tags("tags"));
    }
    Ok(json!({}))
}

fn tags(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = of_arn(state, cx, input)?;
    let tags = state.images.repositories.get(&key).map(|repository| tag_list(&repository.tags));
    Ok(json!({"tags": tags.unwrap_or_default()}))
}
