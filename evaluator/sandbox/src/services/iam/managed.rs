//! The policies that AWS manages: all by name, a few with their documents (`data/make.py`). Owns both tables; the settings
//! may give any policy another document, as AWS does from time to time.

use crate::config::{AwsPolicy, Config};
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// Paths and names.
pub(super) static AWS_POLICIES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../../data/managed-policies.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Documents, by path and name. The table is made with the crate, and a test reads it: it cannot be malformed.
static DOCUMENTS: LazyLock<BTreeMap<String, AwsPolicy>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../data/managed-documents.json")).unwrap_or_default());

/// The path and name in the ARN of a policy that AWS manages; none when there is no such policy.
pub(crate) fn aws_policy_name(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:iam::aws:policy/").filter(|name| AWS_POLICIES.contains(name))
}

pub(crate) fn aws_policy_exists(arn: &str) -> bool {
    aws_policy_name(arn).is_some()
}

/// A policy of AWS by its path and name. Where the document is not here, its place is held by one without statements,
/// which no policy of AWS's is.
pub(super) fn aws_policy<'c>(config: &'c Config, name: &str) -> Cow<'c, AwsPolicy> {
    if let Some(policy) = config.aws_policies.get(name).or_else(|| DOCUMENTS.get(name)) {
        return Cow::Borrowed(policy);
    }
    let long_ago = "2015-02-06T18:39:46Z";
    Cow::Owned(AwsPolicy {
        version: "v1".to_owned(),
        created: long_ago.to_owned(),
        updated: long_ago.to_owned(),
        reduced: false,
        document: json!({"Version": "2012-10-17", "Statement": []}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_of_policies_that_there_are() {
        assert_eq!(DOCUMENTS.len(), 14);
        for (name, policy) in DOCUMENTS.iter() {
            assert!(AWS_POLICIES.contains(name.as_str()), "{name}");
            let statements = policy.document["Statement"].as_array().map_or(0, Vec::len);
            assert!(statements > 0 && policy.version.starts_with('v'), "{name}");
        }
        assert!(DOCUMENTS["ReadOnlyAccess"].reduced && !DOCUMENTS["AdministratorAccess"].reduced);
    }
}
