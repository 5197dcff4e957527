//! Which thing in the cloud an address stands for. Owns the ways in which one is known: by the record, by what the
//! program says, by a creation that an earlier run began, by e-mail or place. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::{ADDRESS_TAG, Desired, PARKED_TAG, PARKING, ROOT, Wanted};
use crate::live::Live;
use crate::provider::{Account, Known};
use crate::registry::record::{Pending, Record, former_address};
use crate::resources::ResourceKind;

/// Ids by address.
pub type Ids = BTreeMap<String, String>;

/// The permission set of an assignment: `lib.permission_set.Look` of `assignment.lib.Look/group.ops/cell.a`.
pub fn set_of_assignment(address: &str) -> Option<String> {
    derived_from(address, "assignment.", "permission_set")
}

/// The policy of an attachment: `lib.scp.deny` of `scp_attachment.lib.deny/ou.prod`.
pub fn policy_of_attachment(address: &str) -> Option<String> {
    derived_from(address, "scp_attachment.", "scp")
}

fn derived_from(address: &str, head: &str, kind: &str) -> Option<String> {
    let label = address.split('/').next()?.strip_prefix(head)?;
    // Each assignment is asked: a formatted text would take several times as long.
    Some(match label.rsplit_once('.') {
        Some((modules, label)) => [modules, ".", kind, ".", label].concat(),
        None => [kind, ".", label].concat(),
    })
}

/// Permission sets: what the record holds, and what an earlier run began to make and made.
pub fn sets(record: &Record, live: &Live) -> Ids {
    let mut ids = recorded(record, "permission_set");
    for (address, pending) in record.pending.iter().filter(|(_, pending)| pending.kind == "permission_set") {
        let made = live.sets.iter().find(|(_, set)| set.fields.name == pending.name);
        if let Some((arn, _)) = made {
            // One that was made in place of another, which is ours until it is deleted.
            let former = ids.insert(address.clone(), arn.clone()).filter(|former| former != arn);
            ids.extend(former.map(|former| (former_address(address), former)));
        }
    }
    ids
}

/// Service control policies, likewise.
pub fn policies(record: &Record, live: &Live) -> Ids {
    let mut ids = recorded(record, "scp");
    for (address, pending) in record.pending.iter().filter(|(_, pending)| pending.kind == "scp") {
        let made = live.policies.values().find(|policy| policy.name == pending.name && !policy.aws_managed);
        // What the record holds may be gone: then it was made anew.
        let is_there = ids.get(address).is_some_and(|id| live.policies.contains_key(id));
        if let (Some(policy), false) = (made, is_there) {
            ids.insert(address.clone(), policy.id.clone());
        }
    }
    ids
}

/// Units that belong elsewhere than they are, and all below them: AWS moves none.
pub fn made_anew(desired: &Desired, record: &Record, live: &Live) -> Ids {
    let ids = organization(desired, record, live);
    let units = || desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::Ou);
    let mut anew = Ids::new();
    // As deep as units lie in each other, and no deeper.
    for _ in 0..=crate::limits::OU_LEVELS.most {
        let before = anew.len();
        for (address, wanted) in units() {
            let Some(unit) = ids.get(address).and_then(|id| live.units.get(id)) else { continue };
            let parent = text(wanted, "parent");
            if anew.contains_key(parent) || ids.get(parent) != Some(&unit.parent) {
                anew.insert(address.clone(), unit.id.clone());
            }
        }
        if anew.len() == before {
            break;
        }
    }
    anew
}

fn recorded(record: &Record, kind: &str) -> Ids {
    let of_kind = record.resources.iter().filter(|(_, entry)| entry.kind == kind && !entry.id.is_empty());
    of_kind.map(|(address, entry)| (address.clone(), entry.id.clone())).collect()
}

/// Units, accounts and policies.
pub fn organization(desired: &Desired, record: &Record, live: &Live) -> Ids {
    let mut ids = policies(record, live);
    ids.extend(units(desired, record, live));
    ids.extend(accounts(desired, record, live));
    ids
}

/// Units: what the record holds and is still there, else the unit of the name at its place. One that is gone has
/// no id.
pub fn units(desired: &Desired, record: &Record, live: &Live) -> Ids {
    let mut ids: Ids = recorded(record, "ou").into_iter().filter(|(_, id)| live.units.contains_key(id)).collect();
    let Some(organization) = &live.organization else { return ids };
    ids.insert(ROOT.to_owned(), organization.root.clone());
    let wanted: Vec<(&String, &str, String)> = desired
        .resources
        .iter()
        .filter(|(_, wanted)| wanted.kind == ResourceKind::Ou)
        .map(|(address, wanted)| (address, text(wanted, "parent"), text(wanted, "name").to_owned()))
        .collect();
    // A level a round: a unit is found once the one above it is.
    for _ in 0..=crate::limits::OU_LEVELS.most {
        for (address, parent, name) in &wanted {
            let Some(parent) = ids.get(*parent) else { continue };
            let at_place = live.units.values().find(|unit| unit.parent == *parent && unit.name == *name);
            if let (Some(unit), false) = (at_place, ids.contains_key(*address)) {
                // What stands for another address is not taken twice.
                if !ids.values().any(|id| *id == unit.id) {
                    ids.insert((*address).clone(), unit.id.clone());
                }
            }
        }
    }
    let parking =
        live.units.values().find(|unit| unit.parent == organization.root && unit.name == desired.org.parking);
    if let Some(unit) = parking {
        ids.entry(PARKING.to_owned()).or_insert_with(|| unit.id.clone());
    }
    ids
}

fn text<'a>(wanted: &'a Wanted, field: &str) -> &'a str {
    wanted.fields.get(field).and_then(|value| value.as_str()).unwrap_or_default()
}

/// Accounts: what the record holds, what the program names by id, what a creation made, else the account of the
/// e-mail. Those that are closed do not count.
pub fn accounts(desired: &Desired, record: &Record, live: &Live) -> Ids {
    let mut ids = recorded(record, "account");
    let by_email: BTreeMap<String, &str> = live
        .accounts
        .values()
        .filter(|account| is_open(account))
        .map(|account| (account.email.to_lowercase(), account.id.as_str()))
        .collect();
    let mut taken: BTreeSet<String> = ids.values().cloned().collect();
    taken.extend(record.parked.keys().cloned());
    for (address, wanted) in desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::Account) {
        let said = wanted.account.as_ref().and_then(|account| account.id.clone());
        if let Some(id) = said {
            ids.insert(address.clone(), id);
            continue;
        }
        if ids.contains_key(address) {
            continue;
        }
        let creation = live.creations.get(address).filter(|creation| creation.known == Known::Succeeded);
        // What an earlier run asked for has the e-mail that it had then.
        let asked = record.pending.get(address).and_then(|pending| pending.email.as_deref());
        let email = asked.unwrap_or_else(|| text(wanted, "email")).to_lowercase();
        // A creation that was found by its name may be somebody else's: the e-mail tells.
        let ours = |id: &String| live.accounts.get(id).is_some_and(|account| account.email.to_lowercase() == email);
        let made = creation.and_then(|creation| creation.account.clone()).filter(ours);
        let found = made.or_else(|| by_email.get(&email).map(|id| (*id).to_owned()));
        let is_other = !email.eq_ignore_ascii_case(text(wanted, "email"));
        let pending = record.pending.get(address).filter(|_| is_other);
        let found =
            found.filter(|id| pending.is_none_or(|pending| is_asked_for(desired, live, (address, pending), id)));
        if let Some(id) = found.filter(|id| !taken.contains(id)) {
            taken.insert(id.clone());
            ids.insert(address.clone(), id);
        }
    }
    ids
}

/// Is an account that has the e-mail which a run asked for, and not the program's, what that run made? It is marked from the beginning, and the
/// request knows it. What is closed is of no more use.
fn is_asked_for(desired: &Desired, live: &Live, (address, pending): (&String, &Pending), id: &String) -> bool {
    let creation = live.creations.get(address).filter(|_| pending.request.is_some());
    let is_requested = creation.is_some_and(|creation| creation.account.as_ref() == Some(id));
    // Where they were not read, nobody knows yet.
    let is_marked = live.tags.get(id).is_none_or(|tags| {
        tags.get(ADDRESS_TAG).is_some_and(|mark| mark == address || desired.moved_to(mark).as_ref() == Some(address))
    });
    live.accounts.get(id).is_some_and(is_open) && (is_requested || is_marked)
}

/// What may be the unit, account or permission set that a run which was killed has begun to make, and that no address stands
/// for: of its name, or of its e-mail. Its mark tells.
pub fn begun<'l>(live: &'l Live, address: &str, pending: &Pending, known: &Ids) -> Vec<&'l String> {
    let free = |id: &&String| !known.values().any(|known| known == *id);
    let of_unit = || live.units.values().filter(|unit| unit.name == pending.name).map(|unit| &unit.id);
    let made = live.creations.get(address).and_then(|creation| creation.account.as_ref());
    let email = pending.email.as_deref();
    let of_account = || {
        let own = |account: &&Account| {
            made == Some(&account.id) || email.is_some_and(|email| account.email.eq_ignore_ascii_case(email))
        };
        live.accounts.values().filter(own).map(|account| &account.id)
    };
    match pending.kind.as_str() {
        "ou" => of_unit().filter(free).collect(),
        "account" => of_account().filter(free).collect(),
        "permission_set" => live
            .sets
            .iter()
            .filter(|(_, set)| set.fields.name == pending.name)
            .map(|(arn, _)| arn)
            .filter(free)
            .collect(),
        _ => Vec::new(),
    }
}

/// Is it an account that can be used?
pub fn is_open(account: &Account) -> bool {
    use crate::provider::AccountState as S;
    matches!(account.state, S::Active | S::PendingActivation)
}

/// Emptied accounts, for those that have none.
#[derive(Debug, Clone, Default)]
pub struct Parking {
    /// Which, by the address that takes it.
    pub taken: Ids,
    /// Those of the record that the cloud does not show to be parked, by id, and why.
    pub unproven: BTreeMap<String, &'static str>,
}

/// Emptied accounts for those that have none: the one it was, or that has its e-mail; a dev cell takes any, cells by
/// address and accounts by id. The record alone proves nothing, since whoever may write it could have written any id: the
/// account is tagged as a parked one, or as the cell's that a run which was killed has begun to give it to.
pub fn parked(desired: &Desired, record: &Record, live: &Live, known: &Ids) -> Parking {
    let mut parking = Parking::default();
    let lacking = lacking(desired, record, known);
    if lacking.is_empty() {
        return parking;
    }
    let owned: BTreeSet<&String> = known.values().collect();
    let lack: BTreeSet<&String> = lacking.iter().map(|(address, _)| *address).collect();
    let mut free = BTreeMap::new();
    for (id, parked) in record.parked.iter().filter(|(id, _)| !owned.contains(id)) {
        let Some(account) = live.accounts.get(id).filter(|account| is_open(account)) else { continue };
        let mark = live.tags.get(id).and_then(|tags| tags.get(ADDRESS_TAG));
        let begun = mark.filter(|mark| lack.contains(mark));
        match (begun, unproven(account, live)) {
            (Some(address), _) => _ = parking.taken.insert(address.clone(), id.clone()),
            (None, None) => _ = free.insert(id, parked),
            (None, Some(why)) => _ = parking.unproven.insert(id.clone(), why),
        }
    }
    let lacking: Vec<_> = lacking.into_iter().filter(|(address, _)| !parking.taken.contains_key(*address)).collect();
    for (address, wanted) in &lacking {
        let email = text(wanted, "email");
        let own =
            free.iter().find(|(_, parked)| parked.from == **address || parked.email.eq_ignore_ascii_case(email));
        if let Some(id) = own.map(|(id, _)| (*id).clone()) {
            free.remove(&id);
            parking.taken.insert((*address).clone(), id);
        }
    }
    for (address, wanted) in lacking {
        let dev = wanted.account.as_ref().is_some_and(|account| account.cell.as_deref() == Some("dev"));
        if dev
            && !parking.taken.contains_key(address)
            && let Some((id, _)) = free.pop_first()
        {
            parking.taken.insert(address.clone(), id.clone());
        }
    }
    parking
}

/// Cells and accounts that have no account, and for which none is being made.
pub fn lacking<'d>(desired: &'d Desired, record: &Record, known: &Ids) -> Vec<(&'d String, &'d Wanted)> {
    let lacks = |(address, wanted): &(&String, &Wanted)| {
        wanted.account.is_some() && !known.contains_key(*address) && !record.pending.contains_key(*address)
    };
    desired.resources.iter().filter(lacks).collect()
}

/// What in the cloud speaks against it that an account is parked.
pub fn unproven(account: &Account, live: &Live) -> Option<&'static str> {
    let tags = live.tags.get(&account.id);
    let has = |tag: &str| tags.is_some_and(|tags| tags.contains_key(tag));
    let is_management =
        live.organization.as_ref().is_some_and(|organization| organization.management_account == account.id);
    match (is_management, has(PARKED_TAG), has(ADDRESS_TAG)) {
        (true, ..) => Some("it is the management account"),
        (_, _, true) => Some("its tag `cellc:address` says whose it is"),
        (_, false, _) => Some("it has no tag `cellc:parked`"),
        _ => None,
    }
}
