//! S3: conditions and versions.

use super::{Cloud, list, text};
use crate::services::s3::body;
use serde_json::{Value, json};

fn put(text: &str, condition: Option<(&str, &str)>) -> Value {
    let mut input = json!({"Bucket": "registry", "Key": "a/lock", "Body": body::encode(text.as_bytes())});
    if let Some((name, value)) = condition {
        input[name] = json!(value);
    }
    input
}

#[test]
fn writes_are_conditional() {
    let cloud = Cloud::new();
    let absent = Some(("if-none-match", "*"));
    let first = text(&cloud.ok("s3:PutObject", put("one", absent)), "/ETag");
    assert_eq!(cloud.err("s3:PutObject", put("two", absent)), "PreconditionFailed");
    assert_eq!(cloud.err("s3:PutObject", put("two", Some(("if-match", "\"other\"")))), "PreconditionFailed");
    cloud.ok("s3:PutObject", put("two", Some(("if-match", &first))));
    let key = json!({"Bucket": "registry", "Key": "a/lock"});
    let found = cloud.ok("s3:GetObject", key.clone());
    assert_eq!(body::decode(&text(&found, "/Body")), b"two");
    let mut stale = key.clone();
    stale["if-match"] = json!(first);
    assert_eq!(cloud.err("s3:DeleteObject", stale), "PreconditionFailed");
    cloud.ok("s3:DeleteObject", key.clone());
    assert_eq!(cloud.err("s3:GetObject", key), "NoSuchKey");
    assert_eq!(cloud.err("s3:PutObject", put("x", Some(("if-match", &first)))), "NoSuchKey");
    let elsewhere = json!({"Bucket": "nowhere", "Key": "x", "Body": "t"});
    assert_eq!(cloud.err("s3:PutObject", elsewhere), "NoSuchBucket");
}

#[test]
fn versions_stay_behind_a_marker() {
    let cloud = Cloud::new();
    cloud.ok("s3:PutBucketVersioning", json!({"Bucket": "registry", "Status": "Enabled"}));
    let first = text(&cloud.ok("s3:PutObject", put("one", None)), "/VersionId");
    cloud.ok("s3:PutObject", put("two", None));
    cloud.ok("s3:DeleteObject", json!({"Bucket": "registry", "Key": "a/lock"}));
    let versions = cloud.ok("s3:ListObjectVersions", json!({"Bucket": "registry"}));
    assert_eq!(list(&versions, "/Entries").len(), 3);
    let old = json!({"Bucket": "registry", "Key": "a/lock", "versionId": first});
    assert_eq!(body::decode(&text(&cloud.ok("s3:GetObject", old), "/Body")), b"one");
    assert!(list(&cloud.ok("s3:ListObjectsV2", json!({"Bucket": "registry"})), "/Entries").is_empty());
    let busy = json!({"Bucket": "registry"});
    assert_eq!(cloud.err("s3:DeleteBucket", busy), "BucketNotEmpty");
}

#[test]
fn lists_fold_and_page() {
    let cloud = Cloud::new();
    for key in ["a/1", "a/2", "b", "c/3"] {
        cloud.ok("s3:PutObject", json!({"Bucket": "registry", "Key": key, "Body": "t"}));
    }
    let folded = cloud.ok("s3:ListObjectsV2", json!({"Bucket": "registry", "delimiter": "/"}));
    let entries = list(&folded, "/Entries");
    assert_eq!(entries.len(), 3);
    assert_eq!(text(&entries[0], "/Prefix"), "a/");
    let first = cloud.ok("s3:ListObjectsV2", json!({"Bucket": "registry", "max-keys": "3"}));
    let token = text(&first, "/NextContinuationToken");
    let second = cloud.ok("s3:ListObjectsV2", json!({"Bucket": "registry", "continuation-token": token}));
    assert_eq!(text(&second, "/Entries/0/Key"), "c/3");
}

#[test]
fn bodies_are_any_bytes() {
    for bytes in [&b""[..], b"text", b"\xff\x00\xfe"] {
        assert_eq!(body::decode(&body::encode(bytes)), bytes);
    }
}
