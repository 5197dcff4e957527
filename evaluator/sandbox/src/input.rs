//! Reading the members of a request, and what a handler knows about its call.

use crate::config::Config;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Milliseconds since 1970, in sandbox time.
pub(crate) type Millis = i64;

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) account: String,
    /// The assumed role and the session's name; none for an account's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<(String, String)>,
}

/// The circumstances of a call.
pub(crate) struct Cx<'a> {
    pub(crate) now: Millis,
    pub(crate) caller: &'a Caller,
    pub(crate) config: &'a Config,
    /// The reason with which the asynchronous work that this call starts shall fail.
    pub(crate) fail: Option<&'a str>,
}

/// The members of a request, checked against the model before a handler sees them.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Value);

impl<'a> Input<'a> {
    /// A text member, empty when absent: required ones have been checked.
    pub(crate) fn text(self, member: &str) -> &'a str {
        self.0.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn owned(self, member: &str) -> String {
        self.text(member).to_owned()
    }

    pub(crate) fn optional(self, member: &str) -> Option<&'a str> {
        self.0.get(member).and_then(Value::as_str)
    }

    pub(crate) fn number(self, member: &str) -> Option<usize> {
        let value = self.0.get(member)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(|n| n as usize)
    }

    pub(crate) fn real(self, member: &str) -> Option<f64> {
        self.0.get(member).and_then(Value::as_f64)
    }

    /// An instant: seconds since 1970, or RFC 3339 as some clients write it.
    pub(crate) fn time(self, member: &str) -> Option<Millis> {
        let value = self.0.get(member)?;
        #[allow(clippy::cast_possible_truncation)]
        let of_seconds = |seconds: f64| (seconds * 1000.0).round() as Millis;
        let of_text = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        value.as_f64().map(of_seconds).or_else(|| of_text(value.as_str()?))
    }

    /// A flag, down when absent.
    pub(crate) fn flag(self, member: &str) -> bool {
        self.0.get(member).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn has(self, member: &str) -> bool {
        self.0.get(member).is_some_and(|v| !v.is_null())
    }

    pub(crate) fn inner(self, member: &str) -> Input<'a> {
        Input(self.0.get(member).unwrap_or(&Value::Null))
    }

    pub(crate) fn list(self, member: &str) -> &'a [Value] {
        self.0.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn texts(self, member: &str) -> impl Iterator<Item = &'a str> {
        self.list(member).iter().filter_map(Value::as_str)
    }

    /// `[{Key, Value}]` as a map.
    pub(crate) fn tags(self, member: &str) -> BTreeMap<String, String> {
        self.list(member).iter().map(|tag| (Input(tag).owned("Key"), Input(tag).owned("Value"))).collect()
    }
}

/// Sandbox time as the JSON protocols write it: seconds with a fraction.
pub(crate) fn seconds(at: Millis) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let seconds = at as f64 / 1000.0;
    Value::from(seconds)
}

/// The one member of an instant in an answer; the protocols write it each in its way.
pub(crate) const AT: &str = "$at";

/// An instant in an answer of a service that is spoken to in several protocols.
pub(crate) fn instant(at: Millis) -> Value {
    serde_json::json!({ AT: at })
}

/// Sandbox time in ISO 8601, to the second or the millisecond.
pub(crate) fn iso(at: Millis, millis: bool) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    if millis { format!("{time:.3}") } else { time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() }
}

/// A map as `[{Key, Value}]`.
pub(crate) fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect()
}
