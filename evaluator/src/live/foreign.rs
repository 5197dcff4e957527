//! Service control policies that others manage, for the lock: what holds the program's accounts besides its own.

use std::collections::BTreeMap;

use super::{Live, Reader, parallel};
use crate::lock::update::{Seen, SeenPolicy};
use crate::plan::identity;
use crate::provider::{CloudError, Policy};

/// AWS's own, which allows everything and is attached everywhere by AWS.
const FULL_ACCESS: &str = "p-FullAWSAccess";

impl Reader<'_> {
    /// The policies that the record does not have, with their documents, and where they are attached. The list, two
    /// calls for each, and the tree of the organization when there is one.
    pub fn foreign_policies(&self) -> Result<Seen, CloudError> {
        let organization = self.provider.organization()?;
        let mut seen = Seen { id: organization.id.clone(), policies: BTreeMap::new() };
        if !organization.policies_enabled {
            return Ok(seen);
        }
        let all = self.provider.policies()?.into_iter().map(|policy| (policy.id.clone(), policy)).collect();
        let mut live = Live { policies: all, ..Live::default() };
        let own = identity::policies(self.record, &live);
        let foreign: Vec<&Policy> = live
            .policies
            .values()
            .filter(|policy| policy.id != FULL_ACCESS && !own.values().any(|id| *id == policy.id))
            .collect();
        let read = parallel::each(self.lanes, &foreign, |policy| {
            Ok::<_, CloudError>((self.provider.policy(&policy.id)?, self.provider.targets_of(&policy.id)?))
        })?;
        if read.is_empty() {
            return Ok(seen);
        }
        self.whole_tree(&mut live, &organization)?;
        live.organization = Some(organization);
        self.pending(&mut live)?;
        let mut addresses: BTreeMap<String, String> = BTreeMap::new();
        for (address, id) in identity::organization(self.desired, self.record, &live) {
            addresses.entry(id).or_insert(address);
        }
        for (policy, targets) in read {
            // One that went between the two calls is gone.
            let Some(policy) = policy else { continue };
            let Some(document) = policy.content else { continue };
            let attached = targets.into_iter().map(|id| addresses.get(&id).cloned().unwrap_or(id)).collect();
            seen.policies.insert(policy.id, SeenPolicy { name: policy.name, attached, document });
        }
        Ok(seen)
    }
}
