//! What a template declares: the parameters it takes; and one in YAML as the tree that it would be in JSON, so that two can
//! be compared. Owns reading JSON and YAML that far; what functions and resources mean is CloudFormation's.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::Value as Json;

/// How deep a tree may be: deeper ones are compared as text.
const DEEPEST: usize = 100;

/// The parameters of a template, and whether each has a default.
///
/// # Errors
/// When it is neither JSON nor YAML, or has no resources: CloudFormation would refuse it.
pub fn parameters(text: &str) -> Result<BTreeMap<String, bool>, String> {
    if text.trim_start().starts_with('{') {
        let value: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let section = |name: &str| value.get(name).and_then(Json::as_object);
        section("Resources").ok_or("it has no `Resources`")?;
        let all = section("Parameters").into_iter().flatten();
        return Ok(all.map(|(name, said)| (name.clone(), said.get("Default").is_some())).collect());
    }
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let root = documents.first().and_then(mapping).ok_or("it is no mapping")?;
    let section = |name: &str| root.iter().find(|(key, _)| key == name).and_then(|(_, node)| mapping(node));
    section("Resources").ok_or("it has no `Resources`")?;
    let has_default = |node: &Yaml<'_>| mapping(node).is_some_and(|all| all.iter().any(|(key, _)| key == "Default"));
    let all = section("Parameters").unwrap_or_default();
    Ok(all.into_iter().map(|(name, node)| (name, has_default(node))).collect())
}

/// The tree of a template: of one in YAML as it would be in JSON, short forms of functions written out
/// (`!Sub x` is `{"Fn::Sub": "x"}`). None of what is neither, or has no resources.
pub(crate) fn tree(text: &str) -> Option<Json> {
    let tree = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        json(Yaml::load_from_str(text).ok()?.first()?, 0)?
    };
    tree.get("Resources").is_some_and(Json::is_object).then_some(tree)
}

fn json(node: &Yaml<'_>, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    Some(match node {
        Yaml::Value(Scalar::Null) => Json::Null,
        Yaml::Value(Scalar::Boolean(flag)) => Json::from(*flag),
        Yaml::Value(Scalar::Integer(number)) => Json::from(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Json::from(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => Json::from(text.as_ref()),
        Yaml::Sequence(items) => Json::Array(items.iter().map(|item| json(item, depth + 1)).collect::<Option<_>>()?),
        Yaml::Mapping(_) => {
            let one = |(key, node): (String, &Yaml<'_>)| Some((key, json(node, depth + 1)?));
            Json::Object(mapping(node)?.into_iter().map(one).collect::<Option<_>>()?)
        }
        Yaml::Tagged(tag, node) => function(&tag.suffix, json(node, depth + 1)?),
        _ => return None,
    })
}

/// A function by its short form. (AWS CloudFormation template reference, intrinsic functions)
fn function(name: &str, argument: Json) -> Json {
    let (name, argument) = match (name, argument) {
        ("Ref" | "Condition", argument) => (name.to_owned(), argument),
        ("GetAtt", Json::String(text)) => {
            let parts = text.split_once('.').map(|(of, attribute)| vec![of, attribute]);
            ("Fn::GetAtt".to_owned(), parts.map_or_else(|| Json::from(text.as_str()), Json::from))
        }
        (name, argument) => (format!("Fn::{name}"), argument),
    };
    Json::Object([(name, argument)].into_iter().collect())
}

fn mapping<'n, 'y>(node: &'n Yaml<'y>) -> Option<Vec<(String, &'n Yaml<'y>)>> {
    let Yaml::Mapping(members) = node else { return None };
    let text = |key: &Yaml<'_>| match key {
        Yaml::Value(Scalar::String(text)) | Yaml::Representation(text, ..) => Some(text.to_string()),
        Yaml::Value(Scalar::Integer(number)) => Some(number.to_string()),
        Yaml::Value(Scalar::Boolean(flag)) => Some(flag.to_string()),
        _ => None,
    };
    Some(members.iter().filter_map(|(key, node)| Some((text(key)?, node))).collect())
}

/// Parameters that are given and not declared, and those that are declared without a default and not given.
pub fn unmatched(
    declared: &BTreeMap<String, bool>,
    given: &BTreeMap<String, String>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let unknown = given.keys().filter(|name| !declared.contains_key(*name)).cloned().collect();
    let open = declared.iter().filter(|(name, default)| !**default && !given.contains_key(*name));
    (unknown, open.map(|(name, _)| name.clone()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn parameters_of_json_and_of_yaml() {
        let json = r#"{"Parameters": {"Size": {"Type": "Number", "Default": 1}, "Name": {"Type": "String"}}, "Resources": {}}"#;
        let yaml = "Parameters:\n  Size: { Type: Number, Default: 1 }\n  Name:\n    Type: String\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Properties: { BucketName: !Sub 'x-${Name}' }\n";
        for text in [json, yaml] {
            let declared = parameters(text).unwrap();
            assert_eq!(declared, [("Name".to_owned(), false), ("Size".to_owned(), true)].into());
            let given = [("Colour".to_owned(), "red".to_owned())].into();
            let (unknown, open) = unmatched(&declared, &given);
            assert_eq!((unknown, open), (["Colour".to_owned()].into(), ["Name".to_owned()].into()));
        }
    }

    #[test]
    fn a_template_in_yaml_is_the_tree_that_it_would_be_in_json() {
        let yaml = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Condition: Big\n    Properties:\n      Names: [!Ref Name, !Sub 'q-${Name}', !GetAtt Other.Arn]\n      Delay: !If [Big, 1, !Ref 'AWS::NoValue']\n      Rate: 1.5\n      On: true\n      Version: 2012-10-17\n";
        let json = serde_json::json!({ "Resources": { "Q": { "Type": "AWS::SQS::Queue", "Condition": "Big", "Properties": {
            "Names": [{ "Ref": "Name" }, { "Fn::Sub": "q-${Name}" }, { "Fn::GetAtt": ["Other", "Arn"] }],
            "Delay": { "Fn::If": ["Big", 1, { "Ref": "AWS::NoValue" }] }, "Rate": 1.5, "On": true, "Version": "2012-10-17",
        } } } });
        assert_eq!(tree(yaml), Some(json.clone()));
        assert_eq!(tree(&json.to_string()), Some(json));
        for text in ["", "just text", "Parameters: {}", "{", "a: *b"] {
            assert_eq!(tree(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_template() {
        for text in ["", "a: [", "{", "just text", "Parameters: {}", "{\"Parameters\": {}}"] {
            assert!(parameters(text).is_err(), "{text}");
        }
    }
}
