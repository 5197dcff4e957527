//! S3: buckets, objects with conditions, versions. Inputs carry the names of headers and query parameters.

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso};
use crate::paging::{S3, page};
use crate::service::{Handler, Op};
use crate::state::{Bucket, State, Version};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const OPERATIONS: &[&[Op]] = &[&[
    ("CreateBucket", Handler::Write(create_bucket)),
    ("DeleteBucket", Handler::Write(delete_bucket)),
    ("HeadBucket", Handler::Read(head_bucket)),
    ("ListBuckets", Handler::Read(list_buckets)),
    ("GetBucketLocation", Handler::Read(location)),
    ("PutBucketVersioning", Handler::Write(put_versioning)),
    ("GetBucketVersioning", Handler::Read(get_versioning)),
    ("PutObject", Handler::Write(put)),
    ("GetObject", Handler::Read(get)),
    ("HeadObject", Handler::Read(get)),
    ("DeleteObject", Handler::Write(delete)),
    ("ListObjectsV2", Handler::Read(list)),
    ("ListObjectVersions", Handler::Read(list_versions)),
]];

/// How bodies are kept as text: UTF-8 as it is, anything else in base64.
pub(crate) mod body {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    pub(crate) fn encode(bytes: &[u8]) -> String {
        std::str::from_utf8(bytes).map_or_else(|_| format!("b{}", STANDARD.encode(bytes)), |text| format!("t{text}"))
    }

    /// As Content-MD5 gives it.
    pub(crate) fn digest(bytes: &[u8]) -> String {
        STANDARD.encode(super::md5(bytes))
    }

    pub(crate) fn decode(text: &str) -> Vec<u8> {
        match text.split_at_checked(1) {
            Some(("t", text)) => text.as_bytes().to_vec(),
            Some((_, coded)) => STANDARD.decode(coded).unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

fn no_bucket(name: &str) -> ApiError {
    ApiError::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", name)
}

fn bucket<'a>(state: &'a State, input: Input<'_>) -> Result<&'a Bucket, ApiError> {
    let name = input.owned("Bucket");
    state.s3.buckets.get(&name).ok_or_else(|| no_bucket(&name))
}

fn key(input: Input<'_>) -> (String, String) {
    (input.owned("Bucket"), input.owned("Key"))
}

/// Three to 63 of small letters, digits, dots and hyphens.
fn name_fits(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
    (3..=63).contains(&name.len()) && inner && edge(name.chars().next()) && edge(name.chars().last())
}

fn create_bucket(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let name = input.owned("Bucket");
    if !name_fits(&name) {
        return Err(ApiError::client("InvalidBucketName", "The specified bucket is not valid."));
    }
    if let Some(found) = state.s3.buckets.get(&name) {
        let own = found.owner == cx.caller.account;
        let code = if own { "BucketAlreadyOwnedByYou" } else { "BucketAlreadyExists" };
        return Err(ApiError::new(code, 409, "The bucket already exists.").with("BucketName", &name));
    }
    let region = input.optional("LocationConstraint").unwrap_or("us-east-1").to_owned();
    let bucket = Bucket { owner: cx.caller.account.clone(), region, created: cx.now, versioning: None };
    state.s3.buckets.insert(name.clone(), bucket);
    Ok(json!({"Location": format!("/{name}")}))
}

fn delete_bucket(state: &mut State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    bucket(state, input)?;
    let name = input.owned("Bucket");
    if state.s3.objects.under(&name).next().is_some() {
        return Err(ApiError::new("BucketNotEmpty", 409, "The bucket you tried to delete is not empty"));
    }
    state.s3.buckets.remove(&name);
    Ok(Value::Null)
}

fn head_bucket(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    Ok(json!({"Region": bucket(state, input)?.region}))
}

fn list_buckets(state: &State, cx: &Cx<'_>, _: Input<'_>) -> Answer {
    let own = state.s3.buckets.iter().filter(|(_, bucket)| bucket.owner == cx.caller.account);
    let shown: Vec<Value> =
        own.map(|(name, bucket)| json!({"Name": name, "CreationDate": iso(bucket.created, true)})).collect();
    Ok(json!({"Buckets": shown, "Owner": cx.caller.account}))
}

fn location(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    Ok(json!({"LocationConstraint": bucket(state, input)?.region}))
}

fn put_versioning(state: &mut State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    let mut changed = bucket(state, input)?.clone();
    match input.text("Status") {
        status @ ("Enabled" | "Suspended") => changed.versioning = Some(status.to_owned()),
        _ => return Err(ApiError::client("MalformedXML", "The XML you provided was not well-formed")),
    }
    state.s3.buckets.insert(input.owned("Bucket"), changed);
    Ok(Value::Null)
}

fn get_versioning(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    Ok(json!({"Status": bucket(state, input)?.versioning}))
}

/// The newest version, unless that is a delete marker.
fn newest<'a>(state: &'a State, input: Input<'_>) -> Option<&'a Arc<Version>> {
    state.s3.objects.get(&key(input))?.first().filter(|version| version.body.is_some())
}

fn no_key(input: Input<'_>) -> ApiError {
    ApiError::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", input.text("Key"))
}

fn failed(condition: &str) -> ApiError {
    let message = "At least one of the pre-conditions you specified did not hold";
    ApiError::new("PreconditionFailed", 412, message).with("Condition", condition)
}

fn same(wanted: &str, etag: &str) -> bool {
    wanted == "*" || wanted.split(',').any(|tag| tag.trim().trim_matches('"') == etag.trim_matches('"'))
}

/// Conditions on a write: what is there must be, or must not be, what the client thinks.
fn check_write(state: &State, input: Input<'_>) -> Result<(), ApiError> {
    let there = newest(state, input);
    if let Some(wanted) = input.optional("if-match") {
        let there = there.ok_or_else(|| no_key(input))?;
        if !same(wanted, &there.etag) {
            return Err(failed("If-Match"));
        }
    }
    match input.optional("if-none-match") {
        None => Ok(()),
        Some("*") if there.is_some() => Err(failed("If-None-Match")),
        Some("*") => Ok(()),
        Some(_) => {
            let message = "A header you provided implies functionality that is not implemented";
            Err(ApiError::new("NotImplemented", 501, message).with("Header", "If-None-Match"))
        }
    }
}

fn put(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let versioning = bucket(state, input)?.versioning.clone();
    check_write(state, input)?;
    let text = input.owned("Body");
    let bytes = body::decode(&text);
    let headers = input.inner("Headers").0.as_object().into_iter().flatten();
    let version = Version {
        id: version_id(state, versioning.as_deref()),
        etag: format!("\"{}\"", hex(&md5(&bytes))),
        size: bytes.len(),
        body: Some(text),
        modified: cx.now,
        headers: headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
    };
    let shown = json!({"ETag": version.etag, "VersionId": shown_id(versioning.as_deref(), &version)});
    store(state, input, version);
    Ok(shown)
}

fn version_id(state: &mut State, versioning: Option<&str>) -> String {
    if versioning == Some("Enabled") { state.ids.lower(32) } else { "null".to_owned() }
}

fn shown_id<'a>(versioning: Option<&str>, version: &'a Version) -> Option<&'a str> {
    versioning.map(|_| version.id.as_str())
}

/// A version with the id of an older one takes its place.
fn store(state: &mut State, input: Input<'_>, version: Version) {
    let mut versions = state.s3.objects.get(&key(input)).cloned().unwrap_or_default();
    versions.retain(|other| other.id != version.id);
    versions.insert(0, Arc::new(version));
    state.s3.objects.insert(key(input), versions);
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    use md5::Digest as _;
    md5::Md5::digest(bytes).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn get(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    let versioning = bucket(state, input)?.versioning.as_deref();
    let version = match input.optional("versionId") {
        None => newest(state, input).ok_or_else(|| no_key(input))?,
        Some(id) => {
            let versions = state.s3.objects.get(&key(input)).map_or(&[][..], Vec::as_slice);
            let found = versions.iter().find(|version| version.id == id);
            let message = "The specified version does not exist.";
            found.ok_or_else(|| ApiError::new("NoSuchVersion", 404, message))?
        }
    };
    let Some(text) = &version.body else {
        return Err(ApiError::new("MethodNotAllowed", 405, "The specified version is a delete marker."));
    };
    if input.optional("if-match").is_some_and(|wanted| !same(wanted, &version.etag)) {
        return Err(failed("If-Match"));
    }
    if input.optional("if-none-match").is_some_and(|unwanted| same(unwanted, &version.etag)) {
        return Err(ApiError::new("NotModified", 304, "Not Modified"));
    }
    Ok(json!({
        "Body": text,
        "ETag": version.etag,
        "Modified": version.modified,
        "Headers": version.headers,
        "VersionId": shown_id(versioning, version),
    }))
}

/// The newest version of an object, for a service that reads for a caller.
pub(crate) fn body_of(state: &State, name: &str, key: &str) -> Result<Vec<u8>, ApiError> {
    if state.s3.buckets.get(&name.to_owned()).is_none() {
        return Err(no_bucket(name));
    }
    let versions = state.s3.objects.get(&(name.to_owned(), key.to_owned()));
    let text = versions.and_then(|versions| versions.first()?.body.as_deref());
    let missing = || ApiError::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key);
    text.map(body::decode).ok_or_else(missing)
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let versioning = bucket(state, input)?.versioning.clone();
    if input.has("if-match") {
        check_write(state, input)?;
    }
    if let Some(id) = input.optional("versionId") {
        let mut versions = state.s3.objects.get(&key(input)).cloned().unwrap_or_default();
        versions.retain(|version| version.id != id);
        if versions.is_empty() {
            state.s3.objects.remove(&key(input));
        } else {
            state.s3.objects.insert(key(input), versions);
        }
        return Ok(json!({"VersionId": id}));
    }
    if versioning.is_none() {
        state.s3.objects.remove(&key(input));
        return Ok(json!({}));
    }
    let marker = Version {
        id: version_id(state, versioning.as_deref()),
        body: None,
        size: 0,
        etag: String::new(),
        modified: cx.now,
        headers: std::collections::BTreeMap::new(),
    };
    let id = marker.id.clone();
    store(state, input, marker);
    Ok(json!({"VersionId": id, "DeleteMarker": true}))
}

/// Keys that hold a delimiter after the prefix are folded into one common prefix.
fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    bucket(state, input)?;
    let (prefix, delimiter) = (input.text("prefix"), input.text("delimiter"));
    let after = input.text("start-after");
    let mut folded = std::collections::BTreeSet::new();
    let objects = state.s3.objects.under(input.text("Bucket")).filter_map(|(key, versions)| {
        let version = versions.first().filter(|version| version.body.is_some())?;
        let rest = key.strip_prefix(prefix).filter(|_| key > after)?;
        match rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
            Some((head, _)) => {
                let common = format!("{prefix}{head}{delimiter}");
                folded.insert(common.clone()).then_some((common, (key, None)))
            }
            None => Some((key.to_owned(), (key, Some(version)))),
        }
    });
    let objects: Vec<_> = objects.collect();
    page(S3, cx, input, "Entries", objects.into_iter().map(|(at, item)| (at.clone(), (at, item))), |(at, item)| {
        match item {
            (_, None) => json!({"Prefix": at}),
            (key, Some(version)) => json!({
                "Key": key,
                "LastModified": iso(version.modified, true),
                "ETag": version.etag,
                "Size": version.size,
                "StorageClass": "STANDARD",
            }),
        }
    })
}

fn list_versions(state: &State, _: &Cx<'_>, input: Input<'_>) -> Answer {
    bucket(state, input)?;
    let prefix = input.text("prefix");
    let mut shown = Vec::new();
    for (key, versions) in state.s3.objects.under(input.text("Bucket")).filter(|(key, _)| key.starts_with(prefix)) {
        for (at, version) in versions.iter().enumerate() {
            shown.push(json!({
                "Marker": version.body.is_none(),
                "Key": key,
                "VersionId": version.id,
                "IsLatest": at == 0,
                "LastModified": iso(version.modified, true),
                "ETag": version.etag,
                "Size": version.size,
            }));
        }
    }
    Ok(json!({"Entries": shown}))
}
