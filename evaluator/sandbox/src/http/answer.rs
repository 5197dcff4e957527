//! Answers and errors in each protocol.

use super::request::Protocol;
use super::{put, query, response, s3};
use crate::error::ApiError;
use axum::response::Response;
use serde_json::{Value, json};

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml";

pub(crate) fn success(protocol: &Protocol, value: &Value, id: &str) -> Response {
    match protocol {
        // An operation without members answers an empty body in awsJson when it is modelled so; both are read.
        Protocol::Json if value.is_null() => response(200, JSON, id, String::new()),
        Protocol::Json => response(200, JSON, id, value.to_string()),
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
        Protocol::RestJson => {
            let body = json!({"message": error.message, "__type": error.code});
            typed(response(error.status, "application/json", id, body.to_string()), &error.code)
        }
        Protocol::Query { namespace, .. } => response(error.status, XML, id, query::error(namespace, error, id)),
        Protocol::S3 { operation, .. } => s3::error(operation, error, id),
    }
}

fn typed(mut response: Response, code: &str) -> Response {
    put(&mut response, "x-amzn-errortype", code);
    response
}
