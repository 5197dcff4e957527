//! Policy documents in one form, so that two that say the same compare as the same. Owns the form: a single value is
//! a list of one, lists of actions, resources and values are sorted and without repeats.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::model::Fields;

/// Brings a field that is a document to its form.
pub fn document(fields: &mut Fields, name: &str) {
    if let Some(value) = fields.get_mut(name) {
        *value = canonical(value);
    }
}

/// A document from its text; text that is no JSON stays text.
pub fn parsed(text: &str) -> Json {
    serde_json::from_str(text).map_or_else(|_| Json::from(text), |tree| canonical(&tree))
}

/// The form.
pub fn canonical(document: &Json) -> Json {
    let Json::Object(fields) = document else { return document.clone() };
    let one = |(name, value): (&String, &Json)| match name.as_str() {
        "Statement" => (name.clone(), Json::Array(items(value).iter().map(statement).collect())),
        _ => (name.clone(), value.clone()),
    };
    Json::Object(fields.iter().map(one).collect())
}

fn statement(value: &Json) -> Json {
    let Json::Object(fields) = value else { return value.clone() };
    let one = |(name, value): (&String, &Json)| {
        let value = match name.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
            "Condition" => condition(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    Json::Object(fields.iter().map(one).collect())
}

fn condition(value: &Json) -> Json {
    let Json::Object(operators) = value else { return value.clone() };
    let keys = |keys: &Json| match keys {
        Json::Object(keys) => Json::Object(keys.iter().map(|(key, values)| (key.clone(), set(values))).collect()),
        other => other.clone(),
    };
    Json::Object(operators.iter().map(|(operator, inner)| (operator.clone(), keys(inner))).collect())
}

fn items(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// Values that IAM reads as strings, sorted, each once.
fn set(value: &Json) -> Json {
    let text = |item: &Json| match item {
        Json::Bool(truth) => Json::from(truth.to_string()),
        Json::Number(number) => Json::from(number.to_string()),
        other => other.clone(),
    };
    let mut all: Vec<Json> = items(value).iter().map(text).collect();
    let mut seen = BTreeSet::new();
    all.sort_by_key(Json::to_string);
    all.retain(|item| seen.insert(item.to_string()));
    Json::Array(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_says_the_same_has_one_form() {
        let short = json!({ "Statement": { "Effect": "Allow", "Action": "s3:Get*", "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": true } } } });
        let long = json!({ "Statement": [{ "Effect": "Allow", "Action": ["s3:Get*", "s3:Get*"], "Resource": ["*"],
            "Condition": { "Bool": { "aws:SecureTransport": ["true"] } } }] });
        assert_eq!(canonical(&short), canonical(&long));
        let order = |actions: [&str; 2]| json!({ "Statement": [{ "Action": actions }] });
        assert_eq!(canonical(&order(["b:B", "a:A"])), canonical(&order(["a:A", "b:B"])));
        assert_eq!(parsed("no json"), Json::from("no json"));
    }
}
