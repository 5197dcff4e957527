//! What a cloud holds, in words without ids: two that say the same are the same to everybody but AWS. And whether a
//! receipt and a record say what is there.

use std::collections::BTreeMap;

use super::cloud::{ROOT_ID, State};
use crate::apply::receipt::{Outcome, Receipt};
use crate::plan::canonical;
use crate::plan::desired::{ADDRESS_TAG, PARKING};
use crate::plan::identity;
use crate::plan::model::{Operation, Plan, Verb};
use crate::provider::{Given, Principal, PrincipalKind, Tags};
use crate::registry::record::Record;

/// The path of a root or unit: `/prod/eu`.
fn path(state: &State, id: &str) -> String {
    match state.units.get(id) {
        Some(unit) => format!("{}/{}", path(state, &unit.parent), unit.name),
        None if id == ROOT_ID => String::new(),
        None => format!("?{id}"),
    }
}

/// A root, unit or account, in words.
fn place(state: &State, id: &str) -> String {
    state.accounts.get(id).map_or_else(|| format!("{}/", path(state, id)), |account| account.email.clone())
}

fn tags(state: &State, id: &str) -> Tags {
    state.tags.get(id).cloned().unwrap_or_default()
}

/// Everything, a line each.
pub(crate) fn shape(state: &State) -> Vec<String> {
    let mut all = Vec::new();
    for unit in state.units.values() {
        all.push(format!("unit {} {:?}", path(state, &unit.id), tags(state, &unit.id)));
    }
    for account in state.accounts.values() {
        let at = account.parent.as_deref().map_or_else(|| "?".to_owned(), |parent| path(state, parent));
        let (email, name, is) = (&account.email, &account.name, account.state.word());
        all.push(format!("account {email} `{name}` {is} in {at}/ {:?}", tags(state, &account.id)));
    }
    for policy in state.policies.values() {
        let content = policy.content.as_deref().map(canonical::parsed).unwrap_or_default();
        all.push(format!("policy {} {:?} {content} {:?}", policy.name, policy.description, tags(state, &policy.id)));
    }
    for (policy, target) in &state.attached {
        let name = state.policies.get(policy).map_or(policy.as_str(), |policy| policy.name.as_str());
        all.push(format!("policy {name} on {}", place(state, target)));
    }
    for (arn, set) in &state.sets {
        let mut managed = set.detail.managed.clone();
        managed.sort_unstable();
        let inline = set.detail.inline.as_deref().map(canonical::parsed).unwrap_or_default();
        let detail = (&set.detail.customer, &set.detail.boundary, &set.detail.tags);
        all.push(format!("set {:?} {managed:?} {inline} {detail:?}", set.fields));
        for account in state.stale(arn) {
            all.push(format!("set {} is of an older form in {}", set.fields.name, place(state, &account)));
        }
    }
    for given in state.all_given() {
        let set = state.sets.get(&given.set).map_or("?", |set| set.fields.name.as_str());
        all.push(format!("{} has {set} in {}", given.principal.id, place(state, &given.account)));
    }
    for ((account, region, name), held) in &state.formation.stacks {
        let (status, held) = (held.stack.status.as_str(), (&held.template, &held.stack.parameters, &held.stack.tags));
        all.push(format!("stack {name} of {} in {region} {status} {held:?}", place(state, account)));
    }
    for ((account, name), text) in &state.repositories {
        all.push(format!("repository {name} of {} {}", place(state, account), canonical::parsed(text)));
    }
    // Documents name accounts by id.
    for line in &mut all {
        for account in state.accounts.values() {
            *line = line.replace(&account.id, &account.email);
        }
    }
    all.sort_unstable();
    all
}

/// What one has and the other has not.
pub(crate) fn same(wanted: &[String], found: &[String]) -> Result<(), String> {
    let count = |all: &[String]| {
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        all.iter().for_each(|line| *counts.entry(line.clone()).or_default() += 1);
        counts
    };
    let (wanted, found) = (count(wanted), count(found));
    let mut differences = Vec::new();
    for line in wanted.keys().chain(found.keys().filter(|line| !wanted.contains_key(*line))) {
        let (is, should) = (found.get(line).unwrap_or(&0), wanted.get(line).unwrap_or(&0));
        if is != should {
            differences.push(format!("{is} for {should} times: {line}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// A plan, a line a change.
pub(crate) fn told(plan: &Plan) -> String {
    let one = |change: &crate::plan::model::Change| {
        format!("{} {} {:?} drift {:?}", change.action.word(), change.address, change.differing(), change.drift)
    };
    plan.changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Does every entry of a record stand for what is there, and is every assignment of it there?
pub(crate) fn recorded(record: &Record, state: &State) -> Result<(), String> {
    for (address, entry) in &record.resources {
        let there = match entry.kind.as_str() {
            "ou" => state.units.contains_key(&entry.id),
            "account" => state.accounts.contains_key(&entry.id),
            "scp" => state.policies.contains_key(&entry.id),
            "permission_set" => state.sets.contains_key(&entry.id),
            "stack" => state.formation.stacks.values().any(|held| held.stack.id == entry.id),
            "repository_policy" => entry
                .id
                .split_once('/')
                .is_some_and(|(account, name)| state.repositories.contains_key(&(account.into(), name.into()))),
            "scp_attachment" => {
                let target = address.split_once('/').map_or("", |(_, target)| target);
                let target = if target.starts_with("org.") { Some(ROOT_ID.to_owned()) } else { id(record, target) };
                let policy = identity::policy_of_attachment(address).and_then(|policy| id(record, &policy));
                policy.zip(target).is_some_and(|pair| state.attached.contains(&pair))
            }
            _ => given(record, address).is_some_and(|given| state.all_given().contains(&given)),
        };
        if !there {
            return Err(format!("the record says {address} is {:?}, and it is not there", entry.id));
        }
    }
    let mut all = state.all_given();
    for address in record.resources.keys() {
        all.retain(|other| given(record, address).as_ref() != Some(other));
    }
    let owned = |given: &&Given| record.resources.values().any(|entry| entry.id == given.set);
    match all.iter().find(owned) {
        Some(given) => Err(format!("{given:?} is there, and the record does not say so")),
        None => Ok(()),
    }
}

fn id(record: &Record, address: &str) -> Option<String> {
    record.entry(address).map(|entry| entry.id.clone())
}

fn given(record: &Record, address: &str) -> Option<Given> {
    let set = identity::set_of_assignment(address).and_then(|set| id(record, &set))?;
    let mut parts = address.split('/').skip(1);
    let principal = record.principals.get(parts.next()?)?.id.clone();
    let account = id(record, parts.next()?)?;
    Some(Given { set, principal: Principal { kind: PrincipalKind::Group, id: principal }, account })
}

/// Whether everything that a receipt says was done is so.
pub(crate) fn is_true(receipt: &Receipt, plan: &Plan, record: &Record, state: &State) -> Result<(), String> {
    for (done, operation) in receipt.operations.iter().zip(&plan.operations) {
        if matches!(done.outcome, Outcome::Done { .. }) && !is_done(operation, plan, record, state) {
            return Err(format!("the receipt says {} of {} is done, and it is not", done.verb, done.address));
        }
    }
    Ok(())
}

/// What has the mark of ownership of an address; the unit of parked accounts has none and is known by its name.
fn marked(state: &State, address: &str) -> Option<String> {
    if address == PARKING {
        return state.unit("cellc-parked").map(|unit| unit.id.clone());
    }
    let is = |tags: &Tags| tags.get(ADDRESS_TAG).is_some_and(|of| of == address);
    let plain = state.tags.iter().find(|(_, tags)| is(tags)).map(|(id, _)| id.clone());
    plain.or_else(|| {
        state.sets.iter().find(|(_, set)| set.detail.tags.as_ref().is_some_and(is)).map(|(arn, _)| arn.clone())
    })
}

fn is_done(operation: &Operation, plan: &Plan, record: &Record, state: &State) -> bool {
    // What the run made is in the record; what it let go of is in the plan; what it could not record has a mark.
    let id = |address: &str| {
        let new = record.entry(address).map(|entry| entry.id.clone());
        let gone = || plan.ids.get(address).cloned();
        new.filter(|id| !id.is_empty()).or_else(gone).or_else(|| marked(state, address)).unwrap_or_default()
    };
    let own = id(&operation.address);
    let given = |set: &str, principal: &str, target: &str| {
        let principal = Principal { kind: PrincipalKind::Group, id: id(principal) };
        state.all_given().contains(&Given { set: id(set), principal, account: id(target) })
    };
    match &operation.verb {
        Verb::CreateUnit { parent, name, .. } => {
            let parent = id(parent);
            state.units.values().filter(|unit| unit.name == *name && unit.parent == parent).count() == 1
        }
        Verb::RenameUnit { name } => state.units.get(&own).is_some_and(|unit| unit.name == *name),
        Verb::DeleteUnit { id } => !state.units.contains_key(id),
        Verb::CreateAccount { email, .. } => {
            state.accounts.values().filter(|account| account.email == *email).count() == 1
        }
        Verb::MoveAccount { to } => {
            let to = id(to);
            state.accounts.get(&own).is_some_and(|account| account.parent == Some(to))
        }
        Verb::RenameAccount { name } => state.accounts.get(&own).is_some_and(|account| account.name == *name),
        Verb::CloseAccount => state.accounts.get(&own).is_some_and(|account| !identity::is_open(account)),
        Verb::CreatePolicy { name, .. } | Verb::UpdatePolicy { name, .. } => state.policy(name).is_some(),
        Verb::DeletePolicy => !state.policies.contains_key(&own),
        Verb::AttachPolicy { policy, target } => state.attached.contains(&(id(policy), id(target))),
        Verb::DetachPolicy { policy, target } => !state.attached.contains(&(id(policy), id(target))),
        Verb::CreateSet { fields, .. } => state.arn(&fields.name).is_some(),
        Verb::UpdateSet { fields } => {
            state.sets.get(&own).is_some_and(|set| set.fields.description == fields.description)
        }
        Verb::DeleteSet { id } => !state.sets.contains_key(id),
        Verb::PutInlinePolicy { .. } => state.sets.get(&own).is_some_and(|set| set.detail.inline.is_some()),
        Verb::AttachManaged { policy } => state.sets.get(&own).is_some_and(|set| set.detail.managed.contains(policy)),
        Verb::DetachManaged { policy } => {
            state.sets.get(&own).is_some_and(|set| !set.detail.managed.contains(policy))
        }
        Verb::DeployStack(order) => {
            let of_name = state.formation.stacks.iter().filter(|((_, _, name), _)| *name == order.name);
            of_name.filter(|(_, held)| held.stack.status.ends_with("_COMPLETE")).count() == 1
        }
        Verb::DeleteStack { id } => state.formation.stacks.values().all(|held| held.stack.id != *id),
        Verb::Provision => state.stale(&own).is_empty(),
        Verb::Assign { set, principal, target } => given(set, principal, target),
        Verb::Unassign { set, principal, target } => !given(set, principal, target),
        _ => true,
    }
}
