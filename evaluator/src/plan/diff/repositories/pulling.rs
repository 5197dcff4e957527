//! When cells may pull. Owns that one which comes may before its components do, one that goes may until what runs there has ended, and an
//! account is given on when it may no more. (spec/lifecycle.md)

use foldhash::HashMap;
use serde_json::Value as Json;

use super::{Spot, has_no_room, places_of};
use crate::plan::build::Builder;
use crate::plan::canonical;
use crate::plan::diff::sets::texts;
use crate::plan::model::{Operation, OperationId, Verb};
use crate::repositories::{PULL, ours, policy, pull};

/// An operation on a repository's policy.
struct Edit {
    operation: OperationId,
    address: String,
    spot: Spot,
    /// What is said after it; none where nothing of ours is.
    statement: Option<Json>,
    /// Who may pull after it, and may not before.
    gained: Vec<Json>,
    /// Who may pull before it, and may not after.
    lost: Vec<Json>,
}

/// Operations by who may pull: accounts as they stand in a policy.
type ByAccount = HashMap<String, Vec<OperationId>>;

impl Builder<'_> {
    /// Adds these needs. Whether something waits for what has a later number.
    pub(in crate::plan) fn pulls_in_time(&mut self) -> bool {
        let edits = self.pull_edits();
        if edits.is_empty() {
            return false;
        }
        let (ending, given_on) = self.ending();
        let (mut pairs, mut is_new) = (Vec::new(), false);
        for edit in edits {
            let mut waits = operations_of(&ending, &edit.lost);
            let mut admits = edit.operation;
            if !waits.is_empty() && !edit.gained.is_empty() {
                match self.both(&edit) {
                    Some(first) => {
                        admits = first;
                        waits.push(first);
                        is_new = true;
                    }
                    // Who comes does not wait for who goes.
                    None => waits.clear(),
                }
            }
            pairs.extend(waits.into_iter().map(|first| (edit.operation, first)));
            let accounts: Vec<Json> = edit.lost.iter().filter(|one| is_account(one)).cloned().collect();
            pairs.extend(operations_of(&given_on, &accounts).into_iter().map(|park| (park, edit.operation)));
            pairs.extend(self.deployed_after(&edit).into_iter().map(|deploy| (deploy, admits)));
        }
        self.all_need(pairs) || is_new
    }

    /// What ends in cells that go, and what gives their accounts on.
    fn ending(&self) -> (ByAccount, ByAccount) {
        let (mut ending, mut given_on) = (ByAccount::default(), ByAccount::default());
        for operation in &self.operations {
            let (cell, into) = match &operation.verb {
                Verb::Undeploy { cell, .. } | Verb::PassBy { cell, .. } => (cell, &mut ending),
                Verb::Park => (&operation.address, &mut given_on),
                _ => continue,
            };
            into.entry(self.root_of(cell).to_string()).or_default().push(operation.id);
        }
        (ending, given_on)
    }

    /// The operations on policies, each beside what is said before it.
    fn pull_edits(&self) -> Vec<Edit> {
        let mut said: HashMap<&str, Vec<Json>> = HashMap::default();
        let edit = |operation| self.pull_edit(operation, &mut said);
        self.operations.iter().filter_map(edit).collect()
    }

    fn pull_edit<'o>(&self, operation: &'o Operation, said: &mut HashMap<&'o str, Vec<Json>>) -> Option<Edit> {
        let (account, repository, content) = match &operation.verb {
            Verb::SetRepositoryPolicy { account, repository, content, .. } => (account, repository, Some(content)),
            Verb::RemoveRepositoryPolicy { account, repository, .. } => (account, repository, None),
            _ => return None,
        };
        let found = self.live.repositories.get(&(account.clone(), repository.clone()))?;
        let statement = content.and_then(|content| canonical::statements(content).first().cloned());
        let will = statement.as_ref().map(lets_pull).unwrap_or_default();
        let is = || found.text().and_then(|text| ours(text).ok()?.remove(PULL));
        let was = said.insert(&operation.address, will.clone());
        let was = was.unwrap_or_else(|| is().as_ref().map(lets_pull).unwrap_or_default());
        let beyond = |one: &[Json], other: &[Json]| one.iter().filter(|it| !other.contains(it)).cloned().collect();
        Some(Edit {
            operation: operation.id,
            address: operation.address.clone(),
            spot: Spot { account: account.clone(), name: repository.clone() },
            gained: beyond(&will, &was),
            lost: beyond(&was, &will),
            statement,
        })
    }

    /// Lets in who comes beside who goes, before the edit that keeps these out; none where there is no room for both.
    fn both(&mut self, edit: &Edit) -> Option<OperationId> {
        let all: Vec<Json> =
            lets_pull(edit.statement.as_ref()?).into_iter().chain(edit.lost.iter().cloned()).collect();
        let statement = match all.iter().filter(|one| is_account(one)).count() {
            0 => pull(&[], &all),
            accounts if accounts == all.len() => pull(&all, &[]),
            _ => return None,
        };
        let Spot { account, name } = &edit.spot;
        let there = self.live.repositories.get(&(account.clone(), name.clone()))?;
        if has_no_room(there.text(), &statement) {
            return None;
        }
        let needs = self.operations.get(edit.operation.0 as usize)?.needs.clone();
        let first = self.set_policy(&edit.address, &edit.spot, &statement, &needs);
        let change = self.changes.iter_mut().find(|change| change.operations.contains(&edit.operation))?;
        change.operations.push(first);
        Some(first)
    }

    /// The deployments of what lies in the repository to cells that may pull it from now on.
    fn deployed_after(&self, edit: &Edit) -> Vec<OperationId> {
        let shown = self.desired.resources.get(&edit.address).and_then(|wanted| wanted.shown.get("components"));
        let components = texts(shown);
        let by_place = edit.gained.iter().any(|one| !is_account(one));
        let waits = |operation: &&Operation| match &operation.verb {
            Verb::Deploy(order) => {
                components.contains(&order.wish.of) && (by_place || edit.gained.contains(&self.root_of(&order.cell)))
            }
            _ => false,
        };
        let all = if edit.gained.is_empty() { &[] } else { self.operations.as_slice() };
        all.iter().filter(waits).map(|operation| operation.id).collect()
    }
}

/// The operations of these accounts; a place of the organization lets in every account that lies there.
fn operations_of(all: &ByAccount, who: &[Json]) -> Vec<OperationId> {
    if who.iter().any(|one| !is_account(one)) {
        return all.values().flatten().copied().collect();
    }
    who.iter().filter_map(|one| all.get(&one.to_string())).flatten().copied().collect()
}

/// Whom a statement lets pull: accounts, also those that are made first, and places of the organization.
fn lets_pull(statement: &Json) -> Vec<Json> {
    let statement = policy::form(statement);
    let accounts = statement.pointer("/Principal/AWS").and_then(Json::as_array).cloned().unwrap_or_default();
    accounts.into_iter().chain(places_of(&statement)).collect()
}

/// Is it an account, and no place?
fn is_account(one: &Json) -> bool {
    one.get("later").unwrap_or(one).as_str().is_some_and(|text| text.starts_with("arn:"))
}
