//! Documents of policies that no program writes, as `cell.lock` pins them: AWS's managed policies, and service control
//! policies attached outside the program. Owns looking them up; the lock's form and fetching are not its affair.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::sides::Side;

/// What is pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// Documents of managed policies, by ARN.
    pub managed: BTreeMap<String, String>,
    /// Foreign service control policies by the address they are attached to: name and document. None when the
    /// organization was never looked at.
    pub organization: Option<BTreeMap<String, Vec<(String, String)>>>,
}

impl Pins {
    /// The document of a managed policy.
    pub fn managed(&self, arn: &str) -> Option<&str> {
        self.managed.get(arn).map(String::as_str)
    }

    /// Foreign policies attached to what has the address.
    pub fn attached(&self, at: &str) -> &[(String, String)] {
        let all = self.organization.as_ref().and_then(|all| all.get(at));
        all.map(Vec::as_slice).unwrap_or_default()
    }

    /// Was the organization looked at for policies attached outside the program?
    pub fn knows_organization(&self) -> bool {
        self.organization.is_some()
    }

    /// Managed policies that permission sets name and that are not pinned, in order.
    pub fn missing(&self, sides: [&Side; 2]) -> Vec<String> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for fields in sides.into_iter().flat_map(|side| side.sets.values()) {
            let managed = fields.get("managed").and_then(Json::as_array).into_iter().flatten();
            named.extend(managed.chain(fields.get("boundary")).filter_map(Json::as_str));
        }
        named.retain(|arn| arn.starts_with("arn:") && !self.managed.contains_key(*arn));
        named.into_iter().map(str::to_owned).collect()
    }
}
