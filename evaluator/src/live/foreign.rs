//! Service and resource control policies that others manage, for the lock: what holds the program's accounts besides
//! its own.

use std::collections::BTreeMap;

use super::{Live, Reader, parallel};
use crate::lock::update::{Seen, SeenPolicy};
use crate::plan::identity;
use crate::provider::{CloudError, Policy};

/// AWS's own service control policy, which allows everything and which AWS attaches to all that is made. (AWS Organizations User Guide,
/// "SCP evaluation")
pub(crate) const FULL_AWS_ACCESS: &str = "p-FullAWSAccess";
/// That one, and its like of the other type.
const FULL_ACCESS: [&str; 2] = [FULL_AWS_ACCESS, "p-RCPFullAWSAccess"];

impl Reader<'_> {
    /// The policies that the record does not have, with their documents, and where they are attached. A list for each
    /// type that is enabled, two calls for each policy, and the tree of the organization when there is one.
    pub fn foreign_policies(&self) -> Result<Seen, CloudError> {
        let organization = self.provider.organization()?;
        let mut seen = Seen { id: organization.id.clone(), ..Seen::default() };
        let mut live = Live::default();
        if organization.policies_enabled {
            live.policies = by_id(self.provider.policies()?);
        }
        let own = identity::policies(self.record, &live);
        let foreign = |policy: &&Policy| !FULL_ACCESS.contains(&policy.id.as_str());
        let of_service: Vec<&Policy> = live
            .policies
            .values()
            .filter(foreign)
            .filter(|policy| !own.values().any(|id| *id == policy.id))
            .collect();
        let limits =
            if organization.resource_policies_enabled { self.provider.resource_policies()? } else { Vec::new() };
        let of_resource: Vec<&Policy> = limits.iter().filter(foreign).collect();
        let service = self.read_policies(&of_service)?;
        let resource = self.read_policies(&of_resource)?;
        if service.is_empty() && resource.is_empty() {
            return Ok(seen);
        }
        self.whole_tree(&mut live, &organization)?;
        live.organization = Some(organization);
        self.pending(&mut live)?;
        let mut addresses: BTreeMap<String, String> = BTreeMap::new();
        for (address, id) in identity::organization(self.desired, self.record, &live) {
            addresses.entry(id).or_insert(address);
        }
        seen.policies = placed(service, &addresses);
        seen.resource_policies = placed(resource, &addresses);
        Ok(seen)
    }

    /// The policies, with the targets of each. One that went between the two calls is gone.
    fn read_policies(&self, policies: &[&Policy]) -> Result<Vec<(Policy, Vec<String>)>, CloudError> {
        let read = parallel::each(self.lanes, policies, |policy| {
            Ok::<_, CloudError>((self.provider.policy(&policy.id)?, self.provider.targets_of(&policy.id)?))
        })?;
        Ok(read.into_iter().filter_map(|(policy, targets)| Some((policy?, targets))).collect())
    }
}

fn by_id(policies: Vec<Policy>) -> BTreeMap<String, Policy> {
    policies.into_iter().map(|policy| (policy.id.clone(), policy)).collect()
}

/// Policies with where they are attached, by the program's addresses where it has one.
fn placed(
    policies: Vec<(Policy, Vec<String>)>,
    addresses: &BTreeMap<String, String>,
) -> BTreeMap<String, SeenPolicy> {
    let seen = policies.into_iter().filter_map(|(policy, targets)| {
        let attached = targets.into_iter().map(|id| addresses.get(&id).cloned().unwrap_or(id)).collect();
        Some((policy.id, SeenPolicy { name: policy.name, attached, document: policy.content? }))
    });
    seen.collect()
}
