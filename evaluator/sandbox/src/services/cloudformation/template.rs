//! Templates, read as far as stacks need: parameters, and types of resources. Owns JSON and YAML with CloudFormation's
//! short forms; functions are not computed.

use crate::error::ApiError;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const LARGEST: usize = 51_200;
/// Of a template that lies in a bucket.
pub(super) const LARGEST_OBJECT: usize = 1_000_000;
const DEEPEST: usize = 64;

/// A template.
pub(super) struct Template {
    pub(super) description: Option<String>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) resources: BTreeMap<String, Resource>,
    transforms: bool,
}

/// A parameter of a template.
pub(super) struct Parameter {
    kind: String,
    default: Option<String>,
    pub(super) no_echo: bool,
}

/// A resource of a template.
#[derive(Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) kind: String,
    /// All of it, as JSON.
    pub(super) text: String,
}

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

/// Refuses what a request does not take.
pub(super) fn in_request(body: &str) -> Result<(), ApiError> {
    if body.len() <= LARGEST {
        return Ok(());
    }
    let message = "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member \
                   must have length less than or equal to 51200";
    Err(wrong(message))
}

/// Reads a template.
pub(super) fn read(body: &str) -> Result<Template, ApiError> {
    if body.len() > LARGEST_OBJECT {
        return Err(wrong(format!("Template may not exceed {LARGEST_OBJECT} bytes in size.")));
    }
    let value = value(body).map_err(|why| wrong(format!("Template format error: {why}")))?;
    let section = |name: &str| value.get(name).and_then(Value::as_object).into_iter().flatten();
    let mut resources = BTreeMap::new();
    for (name, resource) in section("Resources") {
        let Some(kind) = resource.get("Type").and_then(Value::as_str) else {
            return Err(wrong(format!(
                "Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )));
        };
        resources.insert(name.clone(), Resource { kind: kind.to_owned(), text: resource.to_string() });
    }
    if resources.is_empty() {
        return Err(wrong("Template format error: At least one Resources member must be defined."));
    }
    let parameter = |(name, parameter): (&String, &Value)| {
        let no_echo = parameter.get("NoEcho").is_some_and(|flag| text(flag) == "true");
        let kind = parameter.get("Type").map_or_else(|| "String".to_owned(), text);
        (name.clone(), Parameter { kind, default: parameter.get("Default").map(text), no_echo })
    };
    Ok(Template {
        description: value.get("Description").and_then(Value::as_str).map(str::to_owned),
        parameters: section("Parameters").map(parameter).collect(),
        resources,
        transforms: value.get("Transform").is_some(),
    })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A template that begins with a brace is JSON, as CloudFormation has it.
fn value(body: &str) -> Result<Value, String> {
    let value = if body.trim_start().starts_with('{') {
        serde_json::from_str(body).map_err(|error| format!("JSON not well-formed. ({error})"))?
    } else {
        let documents = Yaml::load_from_str(body).map_err(|error| format!("YAML not well-formed. ({error})"))?;
        documents.first().map_or(Ok(Value::Null), |document| json_of(document, 0))?
    };
    if value.is_object() { Ok(value) } else { Err("unsupported structure.".to_owned()) }
}

fn json_of(node: &Yaml<'_>, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("it nests too deeply.".to_owned());
    }
    Ok(match node {
        Yaml::Value(Scalar::Null) | Yaml::BadValue | Yaml::Alias(_) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.0),
        Yaml::Value(Scalar::String(text)) | Yaml::Representation(text, ..) => json!(text),
        Yaml::Sequence(items) => {
            items.iter().map(|item| json_of(item, depth + 1)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, member) in members {
                object.insert(text(&json_of(key, depth + 1)?), json_of(member, depth + 1)?);
            }
            Value::Object(object)
        }
        // The short forms: `!Ref X`, and `!Sub X` for `Fn::Sub`.
        Yaml::Tagged(tag, inner) => {
            let inner = json_of(inner, depth + 1)?;
            match tag.suffix.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => json!({name: inner}),
                name => json!({format!("Fn::{name}"): inner}),
            }
        }
    })
}

impl Template {
    /// The value of every parameter, by what is given and what was before.
    pub(super) fn values(
        &self,
        given: &BTreeMap<String, Option<String>>,
        before: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        let unknown: Vec<&str> =
            given.keys().filter(|name| !self.parameters.contains_key(*name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(wrong(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
        }
        let value = |(name, parameter): (&String, &Parameter)| {
            let value = match given.get(name) {
                Some(Some(value)) => Some(value.clone()),
                Some(None) => before.get(name).cloned(),
                None => parameter.default.clone(),
            };
            (name.clone(), value)
        };
        let values: BTreeMap<_, _> = self.parameters.iter().map(value).collect();
        let missing: Vec<&str> =
            values.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
        if !missing.is_empty() {
            return Err(wrong(format!("Parameters: [{}] must have values", missing.join(", "))));
        }
        Ok(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    /// What may be given for it.
    pub(super) fn summary(&self) -> Value {
        let parameter = |(name, parameter): (&String, &Parameter)| {
            json!({
                "ParameterKey": name,
                "DefaultValue": parameter.default,
                "ParameterType": parameter.kind,
                "NoEcho": parameter.no_echo,
                "ParameterConstraints": {},
            })
        };
        let kinds: BTreeSet<&str> = self.resources.values().map(|resource| resource.kind.as_str()).collect();
        json!({
            "Parameters": self.parameters.iter().map(parameter).collect::<Vec<_>>(),
            "ResourceTypes": kinds,
            "Description": self.description,
        })
    }

    /// Refuses what was not agreed to.
    pub(super) fn agreed(&self, given: &[String]) -> Result<(), ApiError> {
        let has = |name: &str| given.iter().any(|capability| capability == name);
        let iam: Vec<_> =
            self.resources.values().filter(|resource| resource.kind.starts_with("AWS::IAM::")).collect();
        let named = |resource: &&Resource| {
            ["RoleName", "UserName", "GroupName", "ManagedPolicyName"]
                .iter()
                .any(|name| resource.text.contains(&format!("\"{name}\":")))
        };
        let needed = if self.transforms && !has("CAPABILITY_AUTO_EXPAND") {
            "CAPABILITY_AUTO_EXPAND"
        } else if iam.iter().any(named) && !has("CAPABILITY_NAMED_IAM") {
            "CAPABILITY_NAMED_IAM"
        } else if !iam.is_empty() && !has("CAPABILITY_IAM") && !has("CAPABILITY_NAMED_IAM") {
            "CAPABILITY_IAM"
        } else {
            return Ok(());
        };
        let message = format!("Requires capabilities : [{needed}]");
        Err(ApiError::client("InsufficientCapabilitiesException", message))
    }
}

impl Resource {
    /// Is it another one, or fed by a parameter that has another value?
    pub(super) fn differs(&self, before: &Self, changed: &[&str]) -> bool {
        let fed = |name: &&str| {
            self.text.contains(&format!("{{\"Ref\":\"{name}\"}}")) || self.text.contains(&format!("${{{name}}}"))
        };
        self != before || changed.iter().any(fed)
    }
}
