//! Images by tag and digest. A digest is the SHA-256 of the manifest, as registries have it.

use super::{Key, PAGES, invalid, named};
use crate::error::{Answer, ApiError};
use crate::images::{Image, Repository};
use crate::input::{Cx, Input, seconds};
use crate::paging::page;
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

pub(super) const OPERATIONS: &[Op] = &[
    ("PutImage", Handler::Write(put)),
    ("DescribeImages", Handler::Read(describe)),
    ("BatchGetImage", Handler::Read(get)),
];

fn digest_of(manifest: &str) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(manifest.as_bytes()) {
        // Writing to memory does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn put(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let manifest = input.text("imageManifest");
    if !serde_json::from_str::<Value>(manifest).is_ok_and(|value| value.is_object()) {
        return Err(invalid(
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        ));
    }
    let digest = digest_of(manifest);
    if input.optional("imageDigest").is_some_and(|given| given != digest) {
        let message =
            "The specified image digest does not match the digest that Amazon ECR calculated for the image.";
        return Err(ApiError::client("ImageDigestDoesNotMatchException", message));
    }
    let tag = input.optional("imageTag");
    let Some(repository) = state.images.repositories.get_mut(&key) else { return Ok(Value::Null) };
    let holder = tag.and_then(|tag| holder(repository, tag)).map(str::to_owned);
    if holder.as_ref() == Some(&digest) || (tag.is_none() && repository.images.contains_key(&digest)) {
        let message = format!("Image with digest '{digest}' and tag '{}' already exists", tag.unwrap_or_default());
        return Err(ApiError::client("ImageAlreadyExistsException", message));
    }
    if let Some(holder) = holder {
        if repository.immutable {
            let message =
                format!("The image tag '{}' already exists and cannot be overwritten", tag.unwrap_or_default());
            return Err(ApiError::client("ImageTagAlreadyExistsException", message));
        }
        if let Some(image) = repository.images.get_mut(&holder) {
            image.tags.retain(|other| Some(other.as_str()) != tag);
        }
    }
    let image = repository.images.entry(digest.clone()).or_insert_with(|| Image {
        manifest: manifest.to_owned(),
        media: input.optional("imageManifestMediaType").map(str::to_owned),
        pushed: cx.now,
        tags: Vec::new(),
    });
    image.tags.extend(tag.map(str::to_owned));
    let shown = shown(cx, &key, (&digest, image), tag);
    Ok(json!({"image": shown}))
}

fn shown(cx: &Cx<'_>, key: &Key, (digest, image): (&str, &Image), tag: Option<&str>) -> Value {
    let mut shown = json!({
        "registryId": cx.caller.account,
        "repositoryName": key.1,
        "imageId": {"imageDigest": digest},
        "imageManifest": image.manifest,
    });
    if let Some(tag) = tag {
        shown["imageId"]["imageTag"] = json!(tag);
    }
    if let Some(media) = &image.media {
        shown["imageManifestMediaType"] = json!(media);
    }
    shown
}

/// The digest of the image that has a tag.
fn holder<'a>(repository: &'a Repository, tag: &str) -> Option<&'a str> {
    let mut all = repository.images.iter();
    all.find(|(_, image)| image.tags.iter().any(|other| other == tag)).map(|(digest, _)| digest.as_str())
}

/// The image that an id names.
fn seek<'a>(repository: &'a Repository, id: Input<'_>) -> Option<(&'a str, &'a Image)> {
    let digest = match (id.optional("imageDigest"), id.optional("imageTag")) {
        (Some(digest), None) => digest,
        (Some(digest), Some(tag)) => holder(repository, tag).filter(|held| *held == digest)?,
        (None, Some(tag)) => holder(repository, tag)?,
        (None, None) => return None,
    };
    repository.images.get_key_value(digest).map(|(digest, image)| (digest.as_str(), image))
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let Some(repository) = state.images.repositories.get(&key) else { return Ok(Value::Null) };
    let asked: Vec<Input<'_>> = input.list("imageIds").iter().map(Input).collect();
    if let Some(missing) = asked.iter().find(|id| seek(repository, **id).is_none()) {
        let message = format!(
            "The image with imageId {} does not exist within the repository with name '{}' in the registry with id '{}'",
            missing.0, key.1, cx.caller.account
        );
        return Err(ApiError::client("ImageNotFoundException", message));
    }
    let wanted: Vec<&str> = asked.iter().filter_map(|id| Some(seek(repository, *id)?.0)).collect();
    let all = repository.images.iter().filter(|(digest, _)| asked.is_empty() || wanted.contains(&digest.as_str()));
    page(PAGES, cx, input, "imageDetails", all.map(|(digest, image)| (digest.clone(), (digest, image))), |one| {
        let (digest, image) = one;
        let mut detail = json!({
            "registryId": cx.caller.account,
            "repositoryName": key.1,
            "imageDigest": digest,
            "imageTags": image.tags,
            "imageSizeInBytes": image.manifest.len(),
            "imagePushedAt": seconds(image.pushed),
        });
        if let Some(media) = &image.media {
            detail["imageManifestMediaType"] = json!(media);
        }
        detail
    })
}

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let Some(repository) = state.images.repositories.get(&key) else { return Ok(Value::Null) };
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in input.list("imageIds").iter().map(Input) {
        match seek(repository, id) {
            Some(found) => images.push(shown(cx, &key, found, id.optional("imageTag"))),
            None => failures.push(json!({
                "imageId": id.0,
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            })),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}
