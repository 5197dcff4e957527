//! CBOR, as the protocol Smithy RPC v2 has it: values to and from the JSON that the services speak. Owns how instants
//! are written; it knows no service.
//!
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use crate::error::ApiError;
use crate::input::{AT, seconds};
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// Seconds since 1970.
const EPOCH: u64 = 1;

/// The members of a request; none at all is an empty structure.
pub(super) fn read(body: &[u8]) -> Result<Value, ApiError> {
    let wrong = |why: String| ApiError::client("SerializationException", why);
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value: Cbor = ciborium::from_reader(body).map_err(|error| wrong(error.to_string()))?;
    match json(value) {
        Some(value @ Value::Object(_)) => Ok(value),
        _ => Err(wrong("Start of structure expected".to_owned())),
    }
}

/// Nothing for what JSON has no form for.
fn json(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Integer(number) => match i64::try_from(number) {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(u64::try_from(number).ok()?),
        },
        Cbor::Float(number) => Value::Number(Number::from_f64(number)?),
        Cbor::Text(text) => Value::String(text),
        Cbor::Tag(EPOCH, inner) => json(*inner)?,
        Cbor::Array(items) => Value::Array(items.into_iter().map(json).collect::<Option<_>>()?),
        Cbor::Map(members) => {
            let member = |(name, value): (Cbor, Cbor)| Some((name.into_text().ok()?, json(value)?));
            Value::Object(members.into_iter().map(member).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// An answer, or an error. Members that are null are left out.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = ciborium::into_writer(&cbor(value), &mut bytes);
    bytes
}

fn cbor(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => number_of(number),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(cbor).collect()),
        Value::Object(members) => match members.get(AT).and_then(Value::as_i64) {
            Some(at) => Cbor::Tag(EPOCH, Box::new(cbor(&seconds(at)))),
            None => {
                let given = members.iter().filter(|(_, value)| !value.is_null());
                Cbor::Map(given.map(|(name, value)| (Cbor::Text(name.clone()), cbor(value))).collect())
            }
        },
    }
}

fn number_of(number: &Number) -> Cbor {
    match (number.as_i64(), number.as_u64()) {
        (Some(number), _) => Cbor::Integer(number.into()),
        (None, Some(number)) => Cbor::Integer(number.into()),
        (None, None) => Cbor::Float(number.as_f64().unwrap_or_default()),
    }
}

/// An answer as the JSON protocols write it: instants are seconds.
pub(super) fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Object(members) => match members.get(AT).and_then(Value::as_i64) {
            Some(at) => seconds(at),
            None => {
                let given = members.iter().filter(|(_, value)| !value.is_null());
                Value::Object(given.map(|(name, value)| (name.clone(), plain(value))).collect())
            }
        },
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::input::instant;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_and_instants_are_tagged() {
        let value =
            json!({"At": instant(1_500), "Count": 3, "Share": 0.5, "Less": -2, "List": ["a", true], "None": null});
        let bytes = write(&value);
        let expected = json!({"At": 1.5, "Count": 3, "Share": 0.5, "Less": -2, "List": ["a", true]});
        assert_eq!(read(&bytes).unwrap(), expected);
        assert_eq!(plain(&value), expected);
        assert!(bytes.contains(&0xc1), "tag 1 of RFC 8949");
        assert_eq!(read(&[]).unwrap(), json!({}));
        assert!(read(b"\x01").is_err() && read(b"\xff").is_err());
    }
}
