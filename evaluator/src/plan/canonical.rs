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

/// Do two documents say the same? A statement's name (`Sid`) and its place among the others mean nothing to IAM, and a
/// condition that asks nothing is none. (IAM User Guide, "IAM JSON policy elements: Sid"; "Policy evaluation logic")
pub fn same(one: &Json, other: &Json) -> bool {
    one == other || (one.is_object() && meaning(one) == meaning(other))
}

/// The statements of a document, without what means nothing.
pub fn statements(document: &Json) -> Vec<Json> {
    let mut document = meaning(document);
    let statements = document.get_mut("Statement").map(Json::take);
    if let Some(Json::Array(statements)) = statements { statements } else { Vec::new() }
}

/// Leaves a field that is a document as it is, where the wanted one says the same.
pub fn keep(before: &Fields, after: &mut Fields, name: &str) {
    if let (Some(is), Some(wanted)) = (before.get(name), after.get_mut(name))
        && same(is, wanted)
    {
        wanted.clone_from(is);
    }
}

/// A document without what means nothing.
fn meaning(document: &Json) -> Json {
    let mut document = canonical(document);
    let Some(Json::Array(statements)) = document.get_mut("Statement") else { return document };
    for statement in statements.iter_mut() {
        let Json::Object(fields) = statement else { continue };
        fields.remove("Sid");
        if fields.get("Condition").and_then(Json::as_object).is_some_and(serde_json::Map::is_empty) {
            fields.remove("Condition");
        }
    }
    statements.sort_by_key(Json::to_string);
    document
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

    #[test]
    fn names_and_places_of_statements_mean_nothing() {
        let named = |sid: Option<&str>, action: &str| {
            let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": {} });
            if let (Some(sid), Some(fields)) = (sid, statement.as_object_mut()) {
                fields.insert("Sid".to_owned(), Json::from(sid));
            }
            statement
        };
        let both = |a: Json, b: Json| json!({ "Version": "2012-10-17", "Statement": [a, b] });
        let one = both(named(None, "a:A"), named(Some("x"), "b:B"));
        let other = both(named(Some("B"), "b:B"), named(Some("A"), "a:A"));
        assert!(same(&one, &other));
        assert!(!same(&one, &both(named(None, "a:A"), named(None, "a:A"))), "each statement counts");
        assert!(
            !same(&one, &json!({ "Version": "2008-10-17", "Statement": one["Statement"] })),
            "a version has a meaning"
        );
        assert!(same(&json!("text"), &json!("text")) && !same(&json!("text"), &json!("other")));
    }
}
