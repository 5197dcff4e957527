//! The query protocol of STS, IAM and CloudFormation: a form in, XML out.

use super::request::{Protocol, Refused, refused};
use super::{Received, xml};
use crate::engine::Call;
use crate::error::ApiError;
use crate::service::Service;
use serde_json::{Map, Value, json};

const DEEPEST: usize = 8;
const NUMBERS: &[&str] = &["MaxItems", "DurationSeconds", "MaxSessionDuration", "TimeoutInMinutes"];
/// Lists, which clients that send empty ones send as an empty text.
const LISTS: &[&str] =
    &["Capabilities", "NotificationARNs", "Parameters", "ResourceTypes", "ResourcesToSkip", "Tags"];
const FLAGS: &[&str] = &[
    "DisableRollback",
    "DisableValidation",
    "EnableTerminationProtection",
    "ForceRollback",
    "ImportExistingResources",
    "IncludeNestedStacks",
    "IncludePropertyValues",
    "RetainExceptOnCreate",
    "UsePreviousTemplate",
    "UsePreviousValue",
];

/// The pairs of a form or a query string, decoded.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let cut = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let (name, value) = part.split_at(cut);
            (decode(name, true), decode(value.get(1..).unwrap_or_default(), true))
        })
        .collect()
}

/// Undoes percent encoding; a plus is a space in forms only.
pub(crate) fn decode(text: &[u8], plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        let escaped = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(match escaped {
            Some(byte) => byte,
            None if plus && *first == b'+' => b' ',
            None => *first,
        });
        rest = if escaped.is_some() { more.get(2..).unwrap_or_default() } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Reads a call; `region` is the one it was signed for, where the service has one in each.
pub(crate) fn read(
    received: &Received,
    service: Service,
    key: Option<String>,
    region: Option<String>,
) -> Result<(Protocol, Call), Refused> {
    let mut input = Value::Object(Map::new());
    let mut operation = String::new();
    for (name, value) in pairs(&received.body) {
        match name.as_str() {
            "Action" => operation = value,
            "Version" => {}
            // No input nests deeper than a few levels; a name made to exhaust the stack is left out.
            _ if name.matches(".member.").count() > DEEPEST => {}
            _ => put(&mut input, &name, &value),
        }
    }
    let namespace = match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        Service::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        _ => "https://iam.amazonaws.com/doc/2010-05-08/",
    };
    if let Some(region) = region {
        input["Region"] = Value::from(region);
    }
    let protocol = Protocol::Query { operation: operation.clone(), namespace };
    if operation.is_empty() {
        return Err(refused(protocol, ApiError::client("MissingAction", "The request names no action")));
    }
    Ok((protocol, Call { service, operation, key, input }))
}

/// Puts `Tags.member.1.Key` where it belongs. Positions in lists are taken in the order they come.
fn put(at: &mut Value, name: &str, value: &str) {
    let Some((head, rest)) = name.split_once(".member.") else {
        at[name] = typed(name, value);
        return;
    };
    if at.get(head).is_none() {
        at[head] = json!([]);
    }
    let (position, member) = rest.split_once('.').map_or((rest, None), |(position, member)| (position, Some(member)));
    let position = position.parse::<usize>().unwrap_or(1).clamp(1, 1_000);
    let Some(list) = at.get_mut(head).and_then(Value::as_array_mut) else { return };
    while list.len() < position {
        list.push(Value::Null);
    }
    let Some(slot) = list.get_mut(position - 1) else { return };
    match member {
        None => *slot = Value::from(value),
        Some(member) => {
            if !slot.is_object() {
                *slot = json!({});
            }
            put(slot, member, value);
        }
    }
}

fn typed(name: &str, value: &str) -> Value {
    if NUMBERS.contains(&name) {
        return value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from);
    }
    match value {
        "" if LISTS.contains(&name) => json!([]),
        "true" if is_flag(name) => Value::Bool(true),
        "false" if is_flag(name) => Value::Bool(false),
        _ => Value::from(value),
    }
}

fn is_flag(name: &str) -> bool {
    name.starts_with("Only") || FLAGS.contains(&name)
}

pub(crate) fn success(operation: &str, namespace: &str, value: &Value, id: &str) -> String {
    let result = if value.is_null() {
        String::new()
    } else {
        format!("<{operation}Result>{}</{operation}Result>", xml::members(value))
    };
    format!(
        "<{operation}Response xmlns=\"{namespace}\">{result}\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

pub(crate) fn error(namespace: &str, error: &ApiError, id: &str) -> String {
    let (code, message) = (xml::escape(&error.code), xml::escape(&error.message));
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
}
