//! What a version of an image is, by digest: asked of the registry of images once, when a rollout is begun. Owns the question; a
//! tag that moves afterwards moves nothing.

use cell_eval::provider::partition;
use cell_eval::repositories::Repositories as _;
use serde_json::Value as Json;

use super::start::said;
use crate::session::Session;

/// The digest of an artifact's version, and how what runs it names it. None of an archive: its key in its bucket is what a
/// template or a target names.
///
/// # Errors
/// Why it is not known.
pub(crate) fn digest(
    session: &Session<'_>,
    artifact: &Json,
    version: &str,
) -> Result<Option<(String, String)>, String> {
    if said(artifact, "sort") != "ecr" {
        return Ok(None);
    }
    let (repository, of) = (said(artifact, "repository"), said(artifact, "account"));
    let record = session.load().map_err(|_| "the record cannot be read".to_owned())?.record;
    let account = record.entry(of).map(|entry| entry.id.clone()).filter(|id| !id.is_empty());
    let account = account.ok_or_else(|| format!("the registry has no account {of}: `cellc apply` makes it"))?;
    let region = match &session.subject.desired.org.home_region {
        Some(region) => region.clone(),
        None => return Err("say `home_region` in `org`: its images lie there".to_owned()),
    };
    // Who asks for another account's images enters it as for its stacks.
    let images = session.connection.provider.repositories(&account, &region);
    let found = images.digest(repository, version).map_err(|error| error.to_string())?;
    let digest = found.ok_or_else(|| {
        format!("the repository `{repository}` of {of} ({region}) has no image with the tag `{version}`")
    })?;
    let domain = partition::domain(&region);
    let reference = format!("{account}.dkr.ecr.{region}.{domain}/{repository}@{digest}");
    Ok(Some((digest, reference)))
}
