//! Whether a text is a policy at all: structure only, no meaning.

use serde_json::{Map, Value};

/// A policy attached to an identity or a target: no principal in it. `old` accepts the version of 2008 too.
pub(crate) fn policy_document(text: &str, old: bool) -> Result<(), String> {
    let document = parse(text, old)?;
    for statement in statements(&document)? {
        effect(statement)?;
        one_of(statement, "Action", "NotAction")?;
        one_of(statement, "Resource", "NotResource")?;
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return Err("a statement must not name a principal".to_owned());
        }
        actions(statement)?;
    }
    Ok(())
}

/// A resource control policy of a customer's: it denies, and it is about everybody.
///
/// The rules are those of <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>.
pub(crate) fn resource_control_document(text: &str) -> Result<(), String> {
    let document = parse(text, false)?;
    for statement in statements(&document)? {
        if statement.get("Effect").and_then(Value::as_str) != Some("Deny") {
            return Err("the effect of a resource control policy is Deny".to_owned());
        }
        if statement.get("Principal").and_then(Value::as_str) != Some("*") {
            return Err("the principal of a resource control policy is \"*\"".to_owned());
        }
        if statement.contains_key("NotAction") || !statement.contains_key("Action") {
            return Err("a resource control policy has Action, and no NotAction".to_owned());
        }
        one_of(statement, "Resource", "NotResource")?;
        actions(statement)?;
    }
    Ok(())
}

/// A role's trust: principals, no resources.
pub(crate) fn trust_document(text: &str) -> Result<(), String> {
    let document = parse(text, true)?;
    for statement in statements(&document)? {
        effect(statement)?;
        one_of(statement, "Action", "NotAction")?;
        one_of(statement, "Principal", "NotPrincipal")?;
        if statement.contains_key("Resource") || statement.contains_key("NotResource") {
            return Err("a trust policy must not name resources".to_owned());
        }
    }
    Ok(())
}

fn parse(text: &str, old: bool) -> Result<Map<String, Value>, String> {
    let Ok(Value::Object(document)) = serde_json::from_str(text) else {
        return Err("it is not a JSON object".to_owned());
    };
    let known = ["Version", "Id", "Statement"];
    if let Some(name) = document.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("unknown element {name}"));
    }
    match document.get("Version").map(Value::as_str) {
        Some(Some("2012-10-17")) => Ok(document),
        None | Some(Some("2008-10-17")) if old => Ok(document),
        _ => Err("the Version must be 2012-10-17".to_owned()),
    }
}

fn statements(document: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, String> {
    let listed: Vec<&Value> = match document.get("Statement") {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err("it has no Statement".to_owned()),
    };
    if listed.is_empty() {
        return Err("its Statement is empty".to_owned());
    }
    let objects: Option<Vec<_>> = listed.into_iter().map(Value::as_object).collect();
    let objects = objects.ok_or("a statement must be an object")?;
    let known = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"];
    for name in objects.iter().flat_map(|statement| statement.keys()) {
        if name != "Condition" && !known.contains(&name.as_str()) {
            return Err(format!("unknown element {name} in a statement"));
        }
    }
    Ok(objects)
}

fn effect(statement: &Map<String, Value>) -> Result<(), String> {
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => Ok(()),
        _ => Err("the Effect must be Allow or Deny".to_owned()),
    }
}

fn one_of(statement: &Map<String, Value>, first: &str, second: &str) -> Result<(), String> {
    if statement.contains_key(first) == statement.contains_key(second) {
        return Err(format!("a statement must have either {first} or {second}"));
    }
    Ok(())
}

fn actions(statement: &Map<String, Value>) -> Result<(), String> {
    let listed = match statement.get("Action").or_else(|| statement.get("NotAction")) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for action in listed {
        let text = action.as_str().ok_or("an action must be a string")?;
        let named = text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        if text != "*" && !named {
            return Err(format!("the action {text} must begin with a service"));
        }
    }
    Ok(())
}
