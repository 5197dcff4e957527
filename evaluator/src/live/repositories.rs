//! Policies of the repositories that the program or the record has, in their accounts.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Live, Reader, parallel};
use crate::plan::desired::Desired;
use crate::plan::diff::repositories::of_cells;
use crate::plan::identity;
use crate::plan::model::Fields;
use crate::provider::{CloudError, Failure};
use crate::registry::record::{Entry, Record};
use crate::repositories::Found;

const KIND: &str = "repository_policy";

impl Reader<'_> {
    /// One request for each repository. An account that lets nobody in, or a server without ECR, is told and stops
    /// nothing else.
    pub(super) fn repositories(&self, live: &mut Live) -> Result<(), CloudError> {
        let region = self.desired.org.home_region.as_deref();
        let of_cells = of_cells(self.desired, self.scope).into_iter().map(|(address, _)| address.as_str());
        // An account that a cell is given again may have its repositories.
        let ids = identity::organization(self.desired, self.record, live);
        let taken = identity::parked(self.desired, self.record, live, &ids).taken;
        let asked: BTreeSet<(String, String)> = self
            .addresses(KIND)
            .into_iter()
            .chain(of_cells)
            .flat_map(|address| spots(self.desired, self.record, &taken, address))
            .collect();
        let asked: Vec<(String, String)> = asked.into_iter().collect();
        let found = parallel::each(self.lanes, &asked, |(account, name)| {
            match self.provider.repositories(account, region).policy(name) {
                Ok(found) => Ok(Ok(found)),
                Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => Ok(Err(error)),
                Err(error) => Err(error),
            }
        })?;
        for ((account, name), found) in asked.into_iter().zip(found) {
            match found {
                Ok(found) => _ = live.repositories.insert((account, name), found),
                Err(error) => {
                    let said = format!("the policy of repository `{name}` in account {account} ({error})");
                    live.unanswered.insert(said);
                }
            }
        }
        Ok(())
    }
}

/// The account and the name of a repository, as the program and the record have them.
fn spots(desired: &Desired, record: &Record, taken: &identity::Ids, address: &str) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    let entry = record.entry(address);
    let begun = record.pending.get(address).filter(|pending| pending.kind == KIND).map(|pending| &pending.name);
    let known = entry.map(|entry| &entry.id).into_iter().chain(begun);
    all.extend(known.filter_map(|id| id.split_once('/')).map(|(a, b)| (a.to_owned(), b.to_owned())));
    if let Some(wanted) = desired.resources.get(address) {
        let text = |name: &str| wanted.shown.get(name).and_then(Json::as_str).map(str::to_owned);
        let recorded = || {
            let account = text("account")?;
            let entry = record.entry(&account).map(|entry| &entry.id).filter(|id| !id.is_empty());
            entry.or_else(|| taken.get(&account)).cloned()
        };
        all.extend(text("account_id").or_else(recorded).zip(text("repository")));
    }
    all
}

/// The account and the name of a repository, of an entry, as fields of a program would say them.
pub(super) fn named(entry: &Entry) -> Fields {
    let spot = entry.id.split_once('/').unwrap_or_default();
    let fields = [("account_id", spot.0), ("repository", spot.1)];
    fields.into_iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect()
}

/// What the record says is there. Nothing is said of a repository that it does not have: only a reading can tell whether it
/// is there.
pub(super) fn recorded(record: &Record, live: &mut Live) {
    for entry in record.resources.values().filter(|entry| entry.kind == KIND) {
        let (Some(spot), Some(content)) = (entry.id.split_once('/'), entry.fields.get("content")) else { continue };
        let spot = (spot.0.to_owned(), spot.1.to_owned());
        live.repositories.insert(spot, Found::Policy(content.to_string()));
    }
}
