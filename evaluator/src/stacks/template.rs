//! What a template declares: the parameters it takes. Owns reading JSON and YAML that far; functions and resources are
//! CloudFormation's.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};

/// The parameters of a template, and whether each has a default.
///
/// # Errors
/// When it is neither JSON nor YAML, or has no resources: CloudFormation would refuse it.
pub fn parameters(text: &str) -> Result<BTreeMap<String, bool>, String> {
    if text.trim_start().starts_with('{') {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let section = |name: &str| value.get(name).and_then(serde_json::Value::as_object);
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
    fn what_is_no_template() {
        for text in ["", "a: [", "{", "just text", "Parameters: {}", "{\"Parameters\": {}}"] {
            assert!(parameters(text).is_err(), "{text}");
        }
    }
}
