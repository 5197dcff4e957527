//! As much XML as the protocols need: writing values, and finding the text of an element.

use serde_json::Value;

/// Text as it may stand in an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(c),
            // XML 1.0 has no other control characters.
            c if c.is_control() => escaped.push_str(&format!("&#x{:X};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The members of an object as elements; lists in `member` elements, as the query protocol has them.
pub(crate) fn members(value: &Value) -> String {
    match value {
        Value::Object(members) => members.iter().filter(|(_, v)| !v.is_null()).map(|(n, v)| element(n, v)).collect(),
        Value::Array(items) => items.iter().map(|item| element("member", item)).collect(),
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

pub(crate) fn element(name: &str, value: &Value) -> String {
    format!("<{name}>{}</{name}>", members(value))
}

/// The text of the first element of that name, whatever its namespace prefix.
pub(crate) fn find<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let open = document.find(&format!("<{name}>"))? + name.len() + 2;
    let rest = document.get(open..)?;
    rest.get(..rest.find(&format!("</{name}>"))?)
}
