//! The cloud as the record has it: for plans that read nothing (`--no-refresh`). Owns turning fields back into what
//! a provider would have said.

use std::collections::BTreeMap;

use foldhash::HashMap;
use serde_json::Value as Json;

use super::{Live, LiveSet, LiveStack, SetDetail};
use crate::plan::build::tags_of;
use crate::plan::desired::{Desired, PARKING, ROOT};
use crate::plan::diff::sets::{boundary, customer_policy, set_fields, texts};
use crate::plan::identity;
use crate::plan::model::Fields;
use crate::provider::{Account, AccountState, Center, Given, Organization, Policy, Principal, Unit};
use crate::registry::record::{Entry, FORMER, Record};
use crate::stacks::{AccountOf, Stack, StackPlace, StackState, StackWish, wish};

/// What the record says is there.
pub fn recorded(desired: &Desired, record: &Record) -> Live {
    let mut live = Live::default();
    if let Some(identity) = &record.organization {
        live.organization = Some(Organization {
            id: identity.organization.clone(),
            management_account: identity.management_account.clone(),
            root: ROOT.to_owned(),
            policies_enabled: true,
            resource_policies_enabled: false,
        });
    }
    // One that nobody looked for counts as there: only a reading can tell.
    let instance = record.organization.as_ref().and_then(|identity| identity.instance.clone());
    let arn = instance.or_else(|| desired.org.identity_center.clone()).unwrap_or_default();
    live.center = Some(Center { arn, store: String::new() });
    let id_of = |address: &str| record.entry(address).map_or_else(|| address.to_owned(), |entry| entry.id.clone());
    for entry in record.resources.values() {
        match entry.kind.as_str() {
            "ou" => put_unit(&mut live, entry, &id_of),
            "account" => put_account(&mut live, entry, &id_of),
            "scp" => put_policy(&mut live, entry),
            "permission_set" => put_set(&mut live, entry),
            "stack" => put_stack(&mut live, entry),
            _ => {}
        }
    }
    for wanted in desired.resources.values() {
        put_named(&mut live, wanted);
    }
    super::repositories::recorded(record, &mut live);
    // What is named by others is looked up without going through what is given.
    let is_given = |entry: &Entry| ["assignment", "scp_attachment"].contains(&entry.kind.as_str());
    let (given, named): (Vec<_>, Vec<_>) = record.resources.iter().partition(|(_, entry)| is_given(entry));
    let named: HashMap<&str, &Entry> = named.into_iter().map(|(address, entry)| (address.as_str(), entry)).collect();
    for (address, _) in given {
        put_given(&mut live, (desired, record), &named, address);
    }
    for (address, wanted) in &desired.principals {
        let known = record.principals.get(address).map(|found| found.id.clone());
        // One that was never looked up counts as there: only a reading can tell.
        live.principals.insert(address.clone(), Some(known.unwrap_or_else(|| format!("{address}:{}", wanted.name))));
    }
    live
}

fn text(fields: &Fields, name: &str) -> String {
    fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn put_unit(live: &mut Live, entry: &Entry, id_of: &dyn Fn(&str) -> String) {
    let parent = id_of(&text(&entry.fields, "parent"));
    let unit = Unit { id: entry.id.clone(), parent, name: text(&entry.fields, "name") };
    live.units.insert(entry.id.clone(), unit);
}

fn put_account(live: &mut Live, entry: &Entry, id_of: &dyn Fn(&str) -> String) {
    let unit = text(&entry.fields, "ou");
    let account = Account {
        id: entry.id.clone(),
        name: text(&entry.fields, "name"),
        email: text(&entry.fields, "email"),
        state: AccountState::Active,
        parent: (!unit.is_empty() && unit != PARKING).then(|| id_of(&unit)),
    };
    live.accounts.insert(entry.id.clone(), account);
}

/// An account that the program names by id counts as there: only a reading can tell.
fn put_named(live: &mut Live, wanted: &crate::plan::desired::Wanted) {
    let Some(id) = wanted.account.as_ref().and_then(|account| account.id.clone()) else { return };
    live.accounts.entry(id.clone()).or_insert_with(|| Account {
        id,
        name: text(&wanted.fields, "name"),
        email: text(&wanted.fields, "email"),
        state: AccountState::Active,
        parent: None,
    });
}

fn put_policy(live: &mut Live, entry: &Entry) {
    let policy = Policy {
        id: entry.id.clone(),
        name: text(&entry.fields, "name"),
        description: text(&entry.fields, "description"),
        content: entry.fields.get("content").map(ToString::to_string),
        aws_managed: false,
    };
    live.policies.insert(entry.id.clone(), policy);
}

fn put_set(live: &mut Live, entry: &Entry) {
    let fields = &entry.fields;
    let detail = SetDetail {
        inline: fields.get("inline").map(ToString::to_string),
        managed: texts(fields.get("managed")),
        customer: texts(fields.get("customer_managed")).iter().map(|text| customer_policy(text)).collect(),
        boundary: fields.get("boundary").and_then(Json::as_str).map(boundary),
        tags: fields.get("tags").map(tags_of),
    };
    let set = LiveSet { fields: set_fields(fields), detail: Some(detail), ..LiveSet::default() };
    live.sets.insert(entry.id.clone(), set);
}

/// A stack that was deployed; of its template the digest is known.
fn put_stack(live: &mut Live, entry: &Entry) {
    let Some(place) = StackPlace::of_arn(&entry.id) else { return };
    let of = |name: &str| entry.fields.get(name).map(tags_of).unwrap_or_default();
    let stack = Stack {
        id: entry.id.clone(),
        name: place.name.clone(),
        status: StackState::UpdateComplete.name().to_owned(),
        reason: None,
        updated: None,
        change_set: None,
        parameters: of("parameters"),
        tags: of("tags"),
        outputs: BTreeMap::new(),
    };
    let template = entry.fields.get("template").cloned().unwrap_or_default();
    live.stacks.insert(place, LiveStack::There { stack: Box::new(stack), template });
}

fn put_given(live: &mut Live, (desired, record): (&Desired, &Record), named: &HashMap<&str, &Entry>, address: &str) {
    let org = |address: &str| desired.org.address.as_deref() == Some(address);
    let id = |address: &str| {
        if org(address) { Some(ROOT.to_owned()) } else { named.get(address).map(|entry| entry.id.clone()) }
    };
    if let Some(policy) = identity::policy_of_attachment(address) {
        let target = address.split_once('/').and_then(|(_, target)| id(target));
        live.attached.extend(id(&policy).zip(target));
    }
    let Some(set) = identity::set_of_assignment(address).and_then(|set| id(&set)) else { return };
    let mut parts = address.split('/').skip(1);
    let (Some(principal), Some(account)) = (parts.next(), parts.next().and_then(id)) else { return };
    let Some(found) = record.principals.get(principal) else { return };
    let principal = Principal { kind: super::assignments::kind_of(principal), id: found.id.clone() };
    live.given.insert(Given { set, principal, account });
}

/// What the record holds, as if a program asked for it: what differs from it was changed outside.
pub fn wished(desired: &Desired, record: &Record) -> Desired {
    use crate::plan::desired::{AccountWish, Wanted};
    use crate::resources::ResourceKind;
    let one = |(address, entry): (&String, &Entry)| {
        let kind = ResourceKind::parse(&entry.kind)?;
        let known = desired.resources.get(address);
        let mut shown = Fields::new();
        if let Some(set) = identity::set_of_assignment(address) {
            let parts: Vec<&str> = address.split('/').collect();
            let mut show = |name: &str, value: &str| _ = shown.insert(name.to_owned(), Json::from(value));
            show("permission_set", &set);
            show("principal", parts.get(1).copied().unwrap_or_default());
            show("target", parts.get(2).copied().unwrap_or_default());
        } else if let Some(policy) = identity::policy_of_attachment(address) {
            shown.insert("policy".to_owned(), Json::from(policy));
            let target = address.split_once('/').map_or("", |(_, target)| target);
            shown.insert("target".to_owned(), Json::from(target));
        } else if kind == ResourceKind::RepositoryPolicy {
            shown.extend(super::repositories::named(entry));
        }
        let account = (kind == ResourceKind::Account).then(|| AccountWish {
            id: None,
            own_unit: true,
            own_name: true,
            cell: known.and_then(|wanted| wanted.account.as_ref()).and_then(|account| account.cell.clone()),
        });
        let sources = known.map(|wanted| wanted.sources.clone()).unwrap_or_default();
        let wanted = Wanted { kind, fields: entry.fields.clone(), shown, protect: entry.protect, account, sources };
        Some((address.clone(), wanted))
    };
    Desired {
        source: desired.source.clone(),
        org: desired.org.clone(),
        resources: record.resources.iter().filter_map(one).collect(),
        stacks: record
            .resources
            .iter()
            .filter_map(|(address, entry)| wished_stack(desired, address, entry))
            .collect(),
        principals: desired.principals.clone(),
        cells: desired.cells.clone(),
        // Whose forms go by waves: their accounts are not half applied while a rollout is to reach them.
        rolled: desired.rolled.clone(),
        releases: desired.releases.clone(),
        ..Desired::default()
    }
}

/// A stack as it was last applied: of its template the digest, or the whole where the program still says it.
fn wished_stack(desired: &Desired, address: &str, entry: &Entry) -> Option<(String, StackWish)> {
    if entry.kind != "stack" || address.ends_with(FORMER) {
        return None;
    }
    let place = StackPlace::of_arn(&entry.id)?;
    let known = desired.stacks.get(address);
    let template = entry.fields.get("template").cloned().unwrap_or_default();
    let says = known.filter(|known| wish::same_template(&wish::template(&known.template), &template));
    let tags = entry.fields.get("tags").map(tags_of).unwrap_or_default();
    let parameters = entry.fields.get("parameters").and_then(Json::as_object).into_iter().flatten();
    let wish = StackWish {
        address: address.to_owned(),
        name: place.name,
        account: AccountOf::of_word(&text(&entry.fields, "account")),
        region: place.region,
        template: says.map_or_else(|| wish::template_text(&template), |known| known.template.clone()),
        parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
        tags,
        capabilities: known.map(|known| known.capabilities.clone()).unwrap_or_default(),
        after: known.map(|known| known.after.clone()).unwrap_or_default(),
        sources: known.map(|known| known.sources.clone()).unwrap_or_default(),
    };
    Some((address.to_owned(), wish))
}
