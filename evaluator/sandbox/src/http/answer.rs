//! Answers and errors in each protocol.

use super::request::Protocol;
use super::{cbor, put, query, response, s3};
use crate::error::ApiError;
use axum::response::Response;
use serde_json::{Value, json};
use std::borrow::Cow;

const JSON: &str = "application/x-amz-json-1.1";
const JSON_1_0: &str = "application/x-amz-json-1.0";
const CBOR: &str = "application/cbor";
const XML: &str = "text/xml";

pub(crate) fn success(protocol: &Protocol, value: &Value, id: &str) -> Response {
    match protocol {
        // An operation without members answers an empty body in awsJson when it is modelled so; both are read.
        Protocol::Json if value.is_null() => response(200, JSON, id, String::new()),
        Protocol::Json => response(200, JSON, id, value.to_string()),
        Protocol::Json10 => response(200, JSON_1_0, id, cbor::plain(&value_or_empty(value)).to_string()),
        Protocol::Cbor => framed(response(200, CBOR, id, cbor::write(&value_or_empty(value)))),
        Protocol::RestJson if value.is_null() => response(200, "application/json", id, String::new()),
        Protocol::RestJson => response(200, "application/json", id, value.to_string()),
        Protocol::Query { operation, namespace } => {
            response(200, XML, id, query::success(operation, namespace, value, id))
        }
        Protocol::S3 { operation, input } => s3::success(operation, input, value, id),
    }
}

pub(crate) fn error(protocol: &Protocol, error: &ApiError, id: &str) -> Response {
    match protocol {
        Protocol::Json => {
            let mut body = json!({"__type": error.code, "Message": error.message, "message": error.message});
            for (member, value) in &error.fields {
                body[member] = value.clone();
            }
            typed(response(error.status, JSON, id, body.to_string()), &error.code)
        }
        Protocol::Json10 => {
            let body = json!({"__type": error.code, "message": error.message});
            queried(response(error.status, JSON_1_0, id, body.to_string()), error)
        }
        Protocol::Cbor => {
            let body = json!({"__type": error.code, "message": error.message});
            framed(queried(response(error.status, CBOR, id, cbor::write(&body)), error))
        }
        Protocol::RestJson => {
            let body = json!({"message": error.message, "__type": error.code});
            typed(response(error.status, "application/json", id, body.to_string()), &error.code)
        }
        Protocol::Query { namespace, .. } => response(error.status, XML, id, query::error(namespace, error, id)),
        Protocol::S3 { operation, .. } => s3::error(operation, error, id),
    }
}

/// An operation without members answers an empty structure.
fn value_or_empty(value: &Value) -> Cow<'_, Value> {
    if value.is_null() { Cow::Owned(json!({})) } else { Cow::Borrowed(value) }
}

fn framed(mut response: Response) -> Response {
    put(&mut response, "smithy-protocol", "rpc-v2-cbor");
    response
}

/// The code that the error has in the query protocol, which clients of these services go by.
fn queried(mut response: Response, error: &ApiError) -> Response {
    let side = if error.status < 500 { "Sender" } else { "Receiver" };
    put(&mut response, "x-amzn-query-error", &format!("{};{side}", error.code));
    response
}

fn typed(mut response: Response, code: &str) -> Response {
    put(&mut response, "x-amzn-errortype", code);
    response
}
