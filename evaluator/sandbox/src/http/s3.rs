//! S3 on the wire: paths or virtual hosts, headers, chunked bodies, XML.

use super::request::{Protocol, Refused, refused};
use super::{Received, put, query, response, xml};
use crate::engine::Call;
use crate::error::ApiError;
use crate::service::Service;
use crate::services::s3::body;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// Headers of an object that GetObject gives back.
const KEPT: &[&str] =
    &["content-type", "cache-control", "content-disposition", "content-encoding", "content-language"];
/// Parameters that are members of a request.
const PARAMETERS: &[&str] =
    &["prefix", "delimiter", "start-after", "continuation-token", "max-keys", "versionId", "encoding-type"];
/// Parameters that say what a request is about.
const ABOUT: &[&str] = &["versioning", "versions", "location", "delete", "uploads", "tagging", "acl", "policy"];

pub(crate) fn read(received: &mut Received, key: Option<String>) -> Result<(Protocol, Call), Refused> {
    let parameters = query::pairs(received.uri.query().unwrap_or_default().as_bytes());
    let (bucket, object) = place(received);
    let about = parameters.iter().map(|(name, _)| name.as_str()).find(|name| ABOUT.contains(name));
    let operation = operation(&received.method, &bucket, &object, about);
    let mut input = json!({"Bucket": bucket, "Key": object});
    for (name, value) in &parameters {
        if PARAMETERS.contains(&name.as_str()) {
            input[name] = Value::from(value.clone());
        }
    }
    for name in ["if-match", "if-none-match"] {
        if let Some(value) = received.header(name) {
            input[name] = Value::from(value);
        }
    }
    let protocol = Protocol::S3 { operation: operation.clone(), input: input.clone() };
    body_members(received, &operation, &mut input).map_err(|error| refused(protocol.clone(), error))?;
    Ok((protocol, Call { service: Service::S3, operation, key, input }))
}

/// Bucket and key. A host with a label before the sandbox's own names the bucket.
fn place(received: &Received) -> (String, String) {
    let path = received.uri.path().trim_start_matches('/');
    let host = received.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.parse::<std::net::IpAddr>().is_ok() || name.starts_with('[');
    let bucket = name
        .strip_suffix(".localhost")
        .or_else(|| name.split_once(".s3.").map(|(bucket, _)| bucket))
        .filter(|bucket| !address && !bucket.is_empty() && *bucket != "s3");
    let (bucket, key) = match bucket {
        Some(bucket) => (bucket.to_owned(), path),
        None => path.split_once('/').map_or((path.to_owned(), ""), |(bucket, key)| (bucket.to_owned(), key)),
    };
    (query::decode(bucket.as_bytes(), false), query::decode(key.as_bytes(), false))
}

fn operation(method: &Method, bucket: &str, key: &str, about: Option<&str>) -> String {
    let name = match (method, bucket.is_empty(), key.is_empty(), about) {
        (&Method::GET, true, _, None) => "ListBuckets",
        (&Method::PUT, false, true, None) => "CreateBucket",
        (&Method::DELETE, false, true, None) => "DeleteBucket",
        (&Method::HEAD, false, true, None) => "HeadBucket",
        (&Method::PUT, false, true, Some("versioning")) => "PutBucketVersioning",
        (&Method::GET, false, true, Some("versioning")) => "GetBucketVersioning",
        (&Method::GET, false, true, Some("location")) => "GetBucketLocation",
        (&Method::GET, false, true, Some("versions")) => "ListObjectVersions",
        (&Method::GET, false, true, None) => "ListObjectsV2",
        (&Method::PUT, false, false, None) => "PutObject",
        (&Method::GET, false, false, None) => "GetObject",
        (&Method::HEAD, false, false, None) => "HeadObject",
        (&Method::DELETE, false, false, None) => "DeleteObject",
        _ => return format!("{method} {}", about.unwrap_or("/")),
    };
    name.to_owned()
}

fn body_members(received: &mut Received, operation: &str, input: &mut Value) -> Result<(), ApiError> {
    match operation {
        "PutObject" => {
            if received.headers.contains_key("x-amz-copy-source") {
                return Err(ApiError::new("NotImplemented", 501, "The sandbox does not copy objects"));
            }
            let bytes = whole(received)?;
            input["Body"] = Value::from(body::encode(&bytes));
            input["Headers"] = Value::Object(kept(received));
        }
        "PutBucketVersioning" | "CreateBucket" => {
            let bytes = whole(received)?;
            let text = String::from_utf8_lossy(&bytes);
            for name in ["Status", "LocationConstraint"] {
                if let Some(value) = xml::find(&text, name) {
                    input[name] = Value::from(value);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn kept(received: &Received) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in &received.headers {
        let name = name.as_str();
        if let Ok(value) = value.to_str()
            && (KEPT.contains(&name) || name.starts_with("x-amz-meta-"))
        {
            // This encoding is of the transfer and not of the object.
            let value = value.trim_start_matches("aws-chunked").trim_start_matches(',').trim();
            if !value.is_empty() {
                kept.insert(name.to_owned(), Value::from(value));
            }
        }
    }
    kept
}

/// The body without the chunks that SDKs wrap it in.
fn whole(received: &mut Received) -> Result<Vec<u8>, ApiError> {
    let raw = std::mem::take(&mut received.body);
    let streaming = received.header("x-amz-content-sha256").is_some_and(|kind| kind.starts_with("STREAMING-"));
    let bytes = if streaming { unchunk(&raw).ok_or_else(incomplete)? } else { raw };
    if received.header("content-md5").is_some_and(|wanted| wanted != body::digest(&bytes)) {
        return Err(ApiError::client("BadDigest", "The Content-MD5 you specified did not match what we received."));
    }
    let declared = received.header("x-amz-decoded-content-length").and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|length| length != bytes.len()) { Err(incomplete()) } else { Ok(bytes) }
}

fn incomplete() -> ApiError {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    ApiError::client("IncompleteBody", message)
}

/// `size[;extension]\r\n bytes \r\n … 0\r\n trailers`.
fn unchunk(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(raw.len());
    loop {
        let end = raw.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(raw.get(..end)?).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(bytes);
        }
        let start = end + 2;
        let stop = start.checked_add(size)?;
        bytes.extend_from_slice(raw.get(start..stop)?);
        raw = raw.get(stop..)?.strip_prefix(b"\r\n")?;
    }
}

pub(crate) fn success(operation: &str, input: &Value, value: &Value, id: &str) -> Response {
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    let xml = |body: String| response(200, "application/xml", id, body);
    let mut answer = match operation {
        "GetObject" | "HeadObject" => return object(operation, value, id),
        "DeleteObject" | "DeleteBucket" => response(204, "application/xml", id, String::new()),
        "ListBuckets" => xml(buckets(value)),
        "ListObjectsV2" => xml(listing(input, value)),
        "ListObjectVersions" => xml(versions(input, value)),
        "GetBucketVersioning" => {
            let status = text("Status").map(|status| format!("<Status>{status}</Status>")).unwrap_or_default();
            xml(framed("VersioningConfiguration", &status))
        }
        "GetBucketLocation" => {
            let region = text("LocationConstraint").filter(|region| *region != "us-east-1").unwrap_or_default();
            xml(framed("LocationConstraint", region))
        }
        _ => response(200, "application/xml", id, String::new()),
    };
    let headers = [
        ("etag", "ETag"),
        ("x-amz-version-id", "VersionId"),
        ("location", "Location"),
        ("x-amz-bucket-region", "Region"),
    ];
    for (header, member) in headers {
        if let Some(value) = text(member) {
            put(&mut answer, header, value);
        }
    }
    if value.get("DeleteMarker").is_some() {
        put(&mut answer, "x-amz-delete-marker", "true");
    }
    answer
}

fn object(operation: &str, value: &Value, id: &str) -> Response {
    let text = |member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default();
    let bytes = body::decode(text("Body"));
    let length = bytes.len().to_string();
    let mut answer = if operation == "HeadObject" {
        response(200, "binary/octet-stream", id, String::new())
    } else {
        response(200, "binary/octet-stream", id, bytes)
    };
    put(&mut answer, "content-length", &length);
    put(&mut answer, "etag", text("ETag"));
    put(&mut answer, "accept-ranges", "bytes");
    let modified = value.get("Modified").and_then(Value::as_i64).unwrap_or_default();
    let modified = jiff::Timestamp::from_millisecond(modified).unwrap_or_default();
    put(&mut answer, "last-modified", &modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if !text("VersionId").is_empty() {
        put(&mut answer, "x-amz-version-id", text("VersionId"));
    }
    for (name, kept) in value.get("Headers").and_then(Value::as_object).into_iter().flatten() {
        put(&mut answer, name, kept.as_str().unwrap_or_default());
    }
    answer
}

fn framed(name: &str, inner: &str) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    format!("{head}<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{name}>")
}

fn buckets(value: &Value) -> String {
    let list = value.get("Buckets").and_then(Value::as_array).into_iter().flatten();
    let shown: String = list.map(|bucket| xml::element("Bucket", bucket)).collect();
    let owner = json!({"ID": value.get("Owner")});
    framed("ListAllMyBucketsResult", &format!("{}<Buckets>{shown}</Buckets>", xml::element("Owner", &owner)))
}

/// A key as it must be written when the client asked for an encoding.
fn coded(input: &Value, entry: &Value) -> Value {
    let mut entry = entry.clone();
    if input.get("encoding-type").and_then(Value::as_str) == Some("url") {
        for member in ["Key", "Prefix"] {
            if let Some(text) = entry.get(member).and_then(Value::as_str) {
                entry[member] = Value::from(url(text));
            }
        }
    }
    entry
}

fn url(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/*".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.get("Entries").and_then(Value::as_array).into_iter().flatten()
}

fn listing(input: &Value, value: &Value) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for entry in entries(value) {
        let name = if entry.get("Key").is_some() { "Contents" } else { "CommonPrefixes" };
        shown.push_str(&xml::element(name, &coded(input, entry)));
        count += 1;
    }
    let next = value.get("NextContinuationToken");
    let head = json!({
        "Name": input.get("Bucket"),
        "Prefix": input.get("prefix").map_or_else(|| json!(""), Value::clone),
        "Delimiter": input.get("delimiter"),
        "EncodingType": input.get("encoding-type"),
        "MaxKeys": input.get("max-keys").map_or_else(|| json!("1000"), Value::clone),
        "KeyCount": count,
        "ContinuationToken": input.get("continuation-token"),
        "NextContinuationToken": next,
        "IsTruncated": next.is_some(),
    });
    framed("ListBucketResult", &(xml::members(&head) + &shown))
}

fn versions(input: &Value, value: &Value) -> String {
    let mut shown = String::new();
    for entry in entries(value) {
        let mut entry = coded(input, entry);
        let marker = entry.get("Marker").and_then(Value::as_bool) == Some(true);
        if let Some(members) = entry.as_object_mut() {
            members.remove("Marker");
            if marker {
                members.remove("ETag");
                members.remove("Size");
            }
        }
        shown.push_str(&xml::element(if marker { "DeleteMarker" } else { "Version" }, &entry));
    }
    let head = json!({"Name": input.get("Bucket"), "EncodingType": input.get("encoding-type"), "IsTruncated": false});
    framed("ListVersionsResult", &(xml::members(&head) + &shown))
}

/// An answer to HEAD has no body, so its status must say it all.
pub(crate) fn error(operation: &str, error: &ApiError, id: &str) -> Response {
    if operation.starts_with("Head") || error.status == 304 {
        return response(error.status, "application/xml", id, String::new());
    }
    let mut members = Map::new();
    members.insert("Code".to_owned(), Value::from(error.code.clone()));
    members.insert("Message".to_owned(), Value::from(error.message.clone()));
    members.extend(error.fields.clone());
    members.insert("RequestId".to_owned(), Value::from(id));
    let body = xml::element("Error", &Value::Object(members));
    response(error.status, "application/xml", id, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
}
