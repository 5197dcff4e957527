//! The services' own models of their inputs: which operations exist, and whether a request fits.

use crate::error::ApiError;
use crate::service::Service;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

#[derive(Deserialize)]
struct File {
    services: HashMap<String, Model>,
}

#[derive(Deserialize)]
struct Model {
    operations: HashMap<String, Option<String>>,
    shapes: HashMap<String, Shape>,
}

#[derive(Deserialize)]
struct Shape {
    r#type: String,
    #[serde(default)]
    members: HashMap<String, String>,
    #[serde(default)]
    required: Vec<String>,
    element: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(default)]
    r#enum: Vec<String>,
    #[serde(default)]
    union: bool,
}

static MODELS: LazyLock<HashMap<String, Model>> = LazyLock::new(|| {
    serde_json::from_str::<File>(include_str!("../data/models.json")).map(|file| file.services).unwrap_or_default()
});

/// Patterns by their source; `None` for one this regex engine does not take.
static PATTERNS: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);

/// What is wrong with a member.
struct Fault {
    path: String,
    rule: Rule,
}

enum Rule {
    Required,
    Type(&'static str),
    TooShort(f64),
    TooLong(f64),
    TooSmall(f64),
    TooLarge(f64),
    Pattern(String),
    Choice(Vec<String>),
    OneOf,
}

/// Whether the request fits the model; the error is the service's own.
pub(crate) fn check(service: Service, operation: &str, input: &Value) -> Result<(), ApiError> {
    let Some(model) = MODELS.get(service.name()) else { return Ok(()) };
    let Some(Some(shape)) = model.operations.get(operation) else { return Ok(()) };
    let mut faults = Vec::new();
    walk(model, shape, input, "", &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(refuse(service, &faults)) }
}

fn walk(model: &Model, shape: &str, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let Some(shape) = model.shapes.get(shape) else { return };
    let mut fault = |rule| faults.push(Fault { path: path.to_owned(), rule });
    match (shape.r#type.as_str(), value) {
        ("structure", Value::Object(members)) => {
            let given: Vec<_> = members.iter().filter(|(_, v)| !v.is_null()).collect();
            if shape.union && given.len() != 1 {
                fault(Rule::OneOf);
            }
            for name in shape.required.iter().filter(|name| members.get(*name).is_none_or(Value::is_null)) {
                faults.push(Fault { path: join(path, name), rule: Rule::Required });
            }
            for (name, value) in given {
                if let Some(inner) = shape.members.get(name) {
                    walk(model, inner, value, &join(path, name), faults);
                }
            }
        }
        ("list", Value::Array(items)) => {
            size(shape, items.len(), &mut fault);
            for (at, item) in items.iter().enumerate() {
                if let Some(inner) = &shape.element {
                    walk(model, inner, item, &format!("{path}.{}.member", at + 1), faults);
                }
            }
        }
        ("string", Value::String(text)) => string(shape, text, &mut fault),
        ("integer" | "number", Value::Number(n)) => range(shape, n.as_f64().unwrap_or_default(), &mut fault),
        ("map", Value::Object(_)) | ("boolean", Value::Bool(_)) => {}
        ("structure" | "map", _) => fault(Rule::Type("an object")),
        ("list", _) => fault(Rule::Type("a list")),
        ("string", _) => fault(Rule::Type("a string")),
        ("integer" | "number", _) => fault(Rule::Type("a number")),
        ("boolean", _) => fault(Rule::Type("a boolean")),
        _ => {}
    }
}

fn string(shape: &Shape, text: &str, fault: &mut impl FnMut(Rule)) {
    if !shape.r#enum.is_empty() {
        if !shape.r#enum.iter().any(|choice| choice == text) {
            fault(Rule::Choice(shape.r#enum.clone()));
        }
        return;
    }
    size(shape, text.chars().count(), fault);
    if let Some(pattern) = &shape.pattern
        && !matches(pattern, text)
    {
        fault(Rule::Pattern(pattern.clone()));
    }
}

#[allow(clippy::cast_precision_loss)]
fn size(shape: &Shape, length: usize, fault: &mut impl FnMut(Rule)) {
    match (shape.min, shape.max) {
        (Some(min), _) if (length as f64) < min => fault(Rule::TooShort(min)),
        (_, Some(max)) if (length as f64) > max => fault(Rule::TooLong(max)),
        _ => {}
    }
}

fn range(shape: &Shape, number: f64, fault: &mut impl FnMut(Rule)) {
    match (shape.min, shape.max) {
        (Some(min), _) if number < min => fault(Rule::TooSmall(min)),
        (_, Some(max)) if number > max => fault(Rule::TooLarge(max)),
        _ => {}
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut cache = PATTERNS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let compiled = cache.entry(pattern.to_owned()).or_insert_with(|| Regex::new(&format!("^(?:{pattern})$")).ok());
    compiled.as_ref().is_none_or(|regex| regex.is_match(text))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Rule {
    fn text(&self) -> String {
        match self {
            Self::Required => "Member must not be null".to_owned(),
            Self::Type(kind) => format!("Member must be {kind}"),
            Self::TooShort(min) => format!("Member must have length greater than or equal to {min}"),
            Self::TooLong(max) => format!("Member must have length less than or equal to {max}"),
            Self::TooSmall(min) => format!("Member must have value greater than or equal to {min}"),
            Self::TooLarge(max) => format!("Member must have value less than or equal to {max}"),
            Self::Pattern(pattern) => format!("Member must satisfy regular expression pattern: {pattern}"),
            Self::Choice(choices) => format!("Member must satisfy enum value set: [{}]", choices.join(", ")),
            Self::OneOf => "Member must have exactly one of its choices set".to_owned(),
        }
    }

    /// The `Reason` Organizations gives.
    fn reason(&self) -> &'static str {
        match self {
            Self::Required | Self::OneOf => "INPUT_REQUIRED",
            Self::Type(_) | Self::Pattern(_) => "INVALID_PATTERN",
            Self::TooShort(_) => "MIN_LENGTH_EXCEEDED",
            Self::TooLong(_) => "MAX_LENGTH_EXCEEDED",
            Self::TooSmall(_) => "MIN_VALUE_EXCEEDED",
            Self::TooLarge(_) => "MAX_VALUE_EXCEEDED",
            Self::Choice(_) => "INVALID_ENUM",
        }
    }
}

fn refuse(service: Service, faults: &[Fault]) -> ApiError {
    let texts: Vec<String> = faults
        .iter()
        .map(|fault| {
            let path = if service == Service::Organizations { fault.path.clone() } else { camel(&fault.path) };
            format!("Value at '{path}' failed to satisfy constraint: {}", fault.rule.text())
        })
        .collect();
    let plural = if texts.len() == 1 { "" } else { "s" };
    let message = format!("{} validation error{plural} detected: {}", texts.len(), texts.join("; "));
    let wrong_type = faults.iter().any(|fault| matches!(fault.rule, Rule::Type(_)));
    let first = faults.first().map_or("INPUT_REQUIRED", |fault| fault.rule.reason());
    match service {
        Service::Iam | Service::Sts | Service::CloudFormation | Service::CloudWatch => {
            ApiError::client("ValidationError", message)
        }
        _ if wrong_type => ApiError::client("SerializationException", message),
        Service::Organizations => ApiError::reason("InvalidInputException", first, message),
        Service::Ecr => ApiError::client("InvalidParameterException", message),
        Service::SsoAdmin
        | Service::IdentityStore
        | Service::Account
        | Service::S3
        | Service::Eks
        | Service::CostExplorer
        | Service::Kubernetes => ApiError::client("ValidationException", message),
    }
}

/// These services name a member with a small first letter.
fn camel(path: &str) -> String {
    let mut chars = path.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(MODELS.len(), 10);
        for (service, model) in MODELS.iter() {
            for (name, shape) in &model.shapes {
                if let Some(pattern) = &shape.pattern {
                    assert!(Regex::new(&format!("^(?:{pattern})$")).is_ok(), "{service} {name}: {pattern}");
                }
            }
        }
    }

    #[test]
    fn errors_name_the_member() {
        let error = check(Service::SsoAdmin, "CreatePermissionSet", &json!({"Name": "a b"})).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains("'instanceArn'") && error.message.contains("'name'"), "{}", error.message);
        let error = check(Service::Organizations, "ListAccounts", &json!({"MaxResults": 21})).unwrap_err();
        assert_eq!(error.fields.get("Reason"), Some(&json!("MAX_VALUE_EXCEEDED")));
    }
}
