//! Is what the record has as ours marked as ours in the cloud? Owns of what that is asked, since asking costs a call, and what
//! is said where the mark is another's or missing.
//!
//! Every apply marks what it makes or takes over with its address. Whoever may write the record could have written any id
//! there; where something speaks against the one that it has, or it is to be deleted, the mark decides.

use std::collections::BTreeMap;

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use super::desired::{ADDRESS_TAG, Desired, PARKED_TAG, PARKING};
use super::fault::Fault;
use super::identity;
use crate::live::Live;
use crate::provider::{Account, Tags};
use crate::registry::record::{Entry, FORMER, Record};

/// Entries of which the mark is looked at: accounts whose e-mail is not the one of the record and the program, and units,
/// policies and sets that no block has any more.
pub fn doubted<'r>(desired: &Desired, record: &'r Record, live: &Live) -> Vec<(&'r String, &'r Entry)> {
    let doubted = |(address, entry): &(&String, &Entry)| match entry.kind.as_str() {
        _ if entry.is_claim() => false,
        "account" => live.accounts.get(&entry.id).is_some_and(|account| is_doubted(desired, address, entry, account)),
        "ou" | "scp" | "permission_set" => *address != PARKING && !desired.resources.contains_key(*address),
        _ => false,
    };
    record.resources.iter().filter(doubted).collect()
}

fn is_doubted(desired: &Desired, address: &str, entry: &Entry, account: &Account) -> bool {
    let wanted = desired.resources.get(address);
    let named = wanted.and_then(|wanted| wanted.account.as_ref()).is_some_and(|account| account.id.is_some());
    let other = |email: &Json| email.as_str().is_some_and(|email| !email.eq_ignore_ascii_case(&account.email));
    let emails = [entry.fields.get("email"), wanted.and_then(|wanted| wanted.fields.get("email"))];
    // Of what is left alone nothing becomes.
    let kept = desired.removed.get(address).is_some_and(|removal| removal.fate.as_deref() == Some("keep"));
    identity::is_open(account) && !named && !kept && emails.into_iter().flatten().any(other)
}

/// What the record has as ours, and is marked as another's, or not at all.
pub(super) fn alleged(
    desired: &Desired,
    (record, origins): (&Record, &BTreeMap<String, String>),
    place: &str,
    live: &Live,
) -> Vec<Fault> {
    let mut faults = asked_for(desired, record, place, live);
    let doubted = doubted(desired, record, live).into_iter();
    faults.extend(doubted.filter_map(|(address, entry)| {
        let (name, tags) = found(live, entry)?;
        let address = address.strip_suffix(FORMER).unwrap_or(address);
        let before = origins.get(address).map(String::as_str);
        let known = |at: &String| record.resources.contains_key(at) || desired.resources.contains_key(at);
        let recorded = entry.fields.get("tags").and_then(Json::as_object);
        let recorded_mark = recorded.and_then(|tags| tags.get(ADDRESS_TAG)).and_then(Json::as_str);
        let is_ours = match tags.get(ADDRESS_TAG) {
            Some(mark) if mark == address || Some(mark.as_str()) == before => true,
            // An address that nothing has any more: it was moved, and the mark was not.
            Some(mark) => recorded_mark == Some(mark) && !known(mark),
            // A taking over that ended between the record and the mark, or a parking between the mark and the record.
            None => {
                recorded.is_some() && recorded_mark.is_none()
                    || tags.get(PARKED_TAG).is_some_and(|from| from == address)
            }
        };
        (!is_ours).then(|| fault(desired, (address, entry), place, (&name, tags.get(ADDRESS_TAG))))
    }));
    faults
}

/// Accounts that an earlier run asked for by another e-mail than the program's: what it asked for is marked from the beginning.
fn asked_for(desired: &Desired, record: &Record, place: &str, live: &Live) -> Vec<Fault> {
    let ids = identity::accounts(desired, record, live);
    let asked = record.pending.iter().filter(|(address, _)| record.entry(address).is_none());
    let faults = asked.filter_map(|(address, pending)| {
        let (wanted, email) = (desired.resources.get(address)?, pending.email.as_ref()?);
        let said = wanted.fields.get("email").and_then(Json::as_str)?;
        let account = live.accounts.get(ids.get(address)?).filter(|account| account.email.eq_ignore_ascii_case(email))?;
        let mark = live.tags.get(&account.id)?.get(ADDRESS_TAG);
        if said.eq_ignore_ascii_case(email) || mark == Some(address) {
            return None;
        }
        let message = format!(
            "the record {place} says that {address} was asked for with the e-mail {email}; the account of that, {}, is not marked as it",
            account.id
        );
        let fault = Fault::new(Code::WrongOrganization, message).at(wanted.sources.first(), format!("its e-mail is {said}"));
        Some(fault.help("if the record was edited: restore it from a copy"))
    });
    faults.collect()
}

/// Its name and its tags, where they were read.
fn found<'l>(live: &'l Live, entry: &Entry) -> Option<(String, &'l Tags)> {
    if let Some(set) = live.sets.get(&entry.id) {
        return Some((set.fields.name.clone(), set.detail.as_ref()?.tags.as_ref()?));
    }
    let unit = live.units.get(&entry.id).map(|unit| &unit.name);
    let account = live.accounts.get(&entry.id).map(|account| &account.email);
    let policy = live.policies.get(&entry.id).map(|policy| &policy.name);
    Some((unit.or(account).or(policy)?.clone(), live.tags.get(&entry.id)?))
}

fn fault(
    desired: &Desired,
    (address, entry): (&str, &Entry),
    place: &str,
    (name, mark): (&str, Option<&String>),
) -> Fault {
    let marked = mark.map_or_else(|| "is not marked as that".to_owned(), |mark| format!("is marked as {mark}"));
    let code = if entry.kind == "account" { Code::WrongOrganization } else { Code::NotOwned };
    let message = format!("the record {place} has {} ({name}) as {address}, and it {marked}", entry.id);
    let source = desired.resources.get(address).and_then(|wanted| wanted.sources.first());
    Fault::new(code, message)
        .at(source, format!("{address} is another one"))
        .help("if the record was edited: restore it from a copy")
        .help(format!("if it is the one: give it the tag `{ADDRESS_TAG}` = `{address}` again"))
}
