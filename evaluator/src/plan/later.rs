//! Values that are known only after apply, in fields as JSON: `{"later": "cell.a.account_id"}`, or text with
//! `\(cell.a.account_id)` in it. Owns their form, as the normal form writes it, and filling them in.

use serde_json::Value as Json;

/// Fills in what is known. `known` says the value of an address with a field: `cell.a.account_id`.
pub fn resolve(value: &Json, known: &dyn Fn(&str) -> Option<String>) -> Json {
    match value {
        Json::Object(fields) => {
            if let Some(text) = later(value) {
                return filled(text, known).map_or_else(|| value.clone(), Json::from);
            }
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), resolve(value, known))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| resolve(item, known)).collect()),
        other => other.clone(),
    }
}

/// Is anything in it known only after apply?
pub fn has_later(value: &Json) -> bool {
    match value {
        Json::Object(fields) => later(value).is_some() || fields.values().any(has_later),
        Json::Array(items) => items.iter().any(has_later),
        _ => false,
    }
}

/// The text of a value that is known only after apply.
pub fn later(value: &Json) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get("later")?.as_str()
}

/// Addresses whose account ids a value waits for.
pub fn accounts_in(value: &Json) -> Vec<String> {
    let found = std::cell::RefCell::new(Vec::new());
    let note = |place: &str| {
        found.borrow_mut().extend(place.rsplit_once('.').map(|(address, _)| address.to_owned()));
        Some(String::new())
    };
    let _ = resolve(value, &note);
    found.into_inner()
}

/// Every address with a field that a text names.
fn filled(text: &str, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if !text.contains('\\') {
        return known(text);
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        rest = rest.get(at + 1..)?;
        if let Some(after) = rest.strip_prefix('\\') {
            out.push('\\');
            rest = after;
        } else {
            let (place, after) = rest.strip_prefix('(')?.split_once(')')?;
            out.push_str(&known(place)?);
            rest = after;
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_filled_in() {
        let known = |place: &str| (place == "cell.a.account_id").then(|| "1".to_owned());
        let value =
            json!({ "R": [{ "later": "arn:\\\\x::\\(cell.a.account_id):root" }, { "later": "cell.a.account_id" }] });
        let found = resolve(&value, &known);
        assert_eq!(found, json!({ "R": ["arn:\\x::1:root", "1"] }));
        assert!(has_later(&value) && !has_later(&found));
        let half = json!({ "later": "\\(cell.a.account_id)\\(cell.b.account_id)" });
        assert_eq!(resolve(&half, &known), half);
    }
}
