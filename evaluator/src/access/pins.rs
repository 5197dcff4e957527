//! Documents of policies that no program writes, as `cell.lock` pins them: AWS's managed policies, and service and
//! resource control policies attached outside the program. Owns looking them up; the lock's form and fetching are not
//! its affair.

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
    /// The organization's id, as it was seen.
    pub organization_id: Option<String>,
    /// Resource control policies, likewise. None when it was never looked for them.
    pub resources: Option<BTreeMap<String, Vec<(String, String)>>>,
    /// The files of the documents, by ARN and name, from the project's folder.
    pub files: BTreeMap<String, String>,
}

impl Pins {
    /// The document of a managed policy.
    pub fn managed(&self, arn: &str) -> Option<&str> {
        self.managed.get(arn).map(String::as_str)
    }

    /// The document of a policy, by its ARN or name.
    pub fn document(&self, policy: &str) -> Option<&str> {
        let limits = || self.organization.iter().chain(&self.resources);
        let foreign = || limits().flat_map(BTreeMap::values).flatten();
        let named = || foreign().find(|(name, _)| name == policy).map(|(_, text)| text.as_str());
        self.managed(policy).or_else(named)
    }

    /// The pins of a former revision, as a review takes them: of what it did not pin nothing better is known than
    /// what is pinned now, and to pin something for the first time changes nobody's access.
    #[must_use]
    pub fn before(mut self, now: &Self) -> Self {
        for (policy, text) in &now.managed {
            if !self.managed.contains_key(policy) {
                self.managed.insert(policy.clone(), text.clone());
                self.files.extend(now.files.get(policy).map(|file| (policy.clone(), file.clone())));
            }
        }
        let unseen = self.organization.is_none() || self.resources.is_none();
        self.organization_id = self.organization_id.take().or_else(|| now.organization_id.clone());
        self.organization = self.organization.take().or_else(|| now.organization.clone());
        self.resources = self.resources.take().or_else(|| now.resources.clone());
        if unseen {
            let own: Vec<_> = now.files.iter().filter(|(name, _)| !self.files.contains_key(*name)).collect();
            let own: Vec<_> = own.into_iter().map(|(name, file)| (name.clone(), file.clone())).collect();
            self.files.extend(own);
        }
        self
    }

    /// Resource control policies attached to what has the address.
    pub fn resource_attached(&self, at: &str) -> &[(String, String)] {
        let all = self.resources.as_ref().and_then(|all| all.get(at));
        all.map(Vec::as_slice).unwrap_or_default()
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

    /// Managed policies that a side's permission sets name and that are not pinned.
    pub fn missing(&self, side: &Side) -> BTreeSet<String> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for fields in side.sets.values() {
            let managed = fields.get("managed").and_then(Json::as_array).into_iter().flatten();
            named.extend(managed.chain(fields.get("boundary")).filter_map(Json::as_str));
        }
        named.retain(|arn| arn.starts_with("arn:") && !self.managed.contains_key(*arn));
        named.into_iter().map(str::to_owned).collect()
    }
}
