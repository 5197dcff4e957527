//! Is what the record has as ours marked as ours in the cloud? Owns of what that is asked, since asking costs a call, and what
//! is said where the mark is another's or missing.
//!
//! Every apply marks what it makes or takes over with its address. Whoever may write the record could have written any id
//! there; where something speaks against the one that it has, or it is to be changed, parked or deleted, the mark decides.
//! What is marked as another's is refused; what has no mark is taken over, which the plan says, and is not deleted.

use std::collections::BTreeMap;

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use super::build::Command;
use super::canonical;
use super::desired::{ADDRESS_TAG, Desired, PARKED_TAG, PARKING};
use super::fault::Fault;
use super::identity::{self, Ids};
use super::model::Fields;
use super::scope::Scope;
use crate::live::{Live, LiveStack};
use crate::provider::{Account, AccountState, Tags, Unit};
use crate::registry::given::Given;
use crate::registry::record::{Entry, Record, base_of};
use crate::stacks::StackPlace;

/// Entries of which the mark is looked at: of what no block has any more, of accounts whose e-mail is not the one of the record
/// and the program, and of stacks that are in another place than the program says.
pub fn doubted<'r>(desired: &Desired, record: &'r Record, live: &Live) -> Vec<(&'r String, &'r Entry)> {
    let doubted = |(address, entry): &(&String, &Entry)| match entry.kind.as_str() {
        _ if entry.is_claim() => false,
        "account" => live.accounts.get(&entry.id).is_some_and(|account| is_doubted(desired, address, entry, account)),
        "ou" | "scp" | "permission_set" => *address != PARKING && !desired.resources.contains_key(*address),
        "stack" => !is_of_wish(desired, address, entry),
        _ => false,
    };
    record.resources.iter().filter(doubted).collect()
}

/// Has a stack the name and the region that its block says?
fn is_of_wish(desired: &Desired, address: &str, entry: &Entry) -> bool {
    let place = StackPlace::of_arn(&entry.id);
    let said = |place: &StackPlace| {
        desired.stacks.get(address).map(|wish| wish.name == place.name && wish.region == place.region)
    };
    place.as_ref().and_then(said) == Some(true)
}

/// Units and policies whose mark is looked at since the program says something else of them than is there.
pub fn changing(desired: &Desired, (address, id): (&str, &str), ids: &Ids, live: &Live) -> bool {
    let Some(wanted) = desired.resources.get(address) else { return false };
    let says = |field: &str, is: &str| wanted.fields.get(field).and_then(Json::as_str).is_none_or(|said| said == is);
    if let Some(unit) = live.units.get(id) {
        let parent = wanted.fields.get("parent").and_then(Json::as_str).and_then(|parent| ids.get(parent));
        return !says("name", &unit.name) || parent != Some(&unit.parent);
    }
    let Some(policy) = live.policies.get(id) else { return false };
    let content = policy.content.as_deref().map_or(Json::Null, canonical::parsed);
    let is = Fields::from_iter([("content".to_owned(), content)]);
    let mut said = wanted.fields.clone();
    canonical::document(&mut said, "content");
    canonical::keep(&is, &mut said, "content");
    is.get("content") != said.get("content")
        || !says("name", &policy.name)
        || !says("description", &policy.description)
}

/// Is it known that something has no mark?
pub(super) fn is_unmarked(live: &Live, id: &str) -> bool {
    tags_of(live, id).is_some_and(|tags| !tags.contains_key(ADDRESS_TAG))
}

/// The address that something is marked with, where that was read.
pub(super) fn mark<'l>(live: &'l Live, id: &str) -> Option<&'l String> {
    tags_of(live, id)?.get(ADDRESS_TAG)
}

/// Is a mark that of an address, or of a former one: the one that it had in the record, or that a `moved` line gives on?
pub(super) fn is_of(desired: &Desired, (address, before): (&str, Option<&str>), mark: &str) -> bool {
    mark == address || before == Some(mark) || desired.moved_to(mark).as_deref() == Some(address)
}

/// Is a mark that of an address which something had before runs that came to no end gave it this one, and which nothing has any more?
pub(super) fn was_of(desired: &Desired, record: &Record, (address, mark): (&str, &str)) -> bool {
    let had = record.under_way.as_ref().and_then(|begun| begun.readdressed.get(address));
    had.is_some_and(|had| had.iter().any(|former| former == mark))
        && !record.resources.contains_key(mark)
        && !desired.resources.contains_key(mark)
}

/// The tags of a set, a unit, an account or a policy, where they were read.
fn tags_of<'l>(live: &'l Live, id: &str) -> Option<&'l Tags> {
    match live.sets.get(id) {
        Some(set) => set.detail.as_ref()?.tags.as_ref(),
        None => live.tags.get(id),
    }
}

/// Does the program name an account by its id?
fn is_named(desired: &Desired, address: &str) -> bool {
    let wish = desired.resources.get(address).and_then(|wanted| wanted.account.as_ref());
    wish.is_some_and(|wish| wish.id.is_some())
}

fn is_doubted(desired: &Desired, address: &str, entry: &Entry, account: &Account) -> bool {
    let wanted = desired.resources.get(address);
    let other = |email: &Json| email.as_str().is_some_and(|email| !email.eq_ignore_ascii_case(&account.email));
    let emails = [entry.fields.get("email"), wanted.and_then(|wanted| wanted.fields.get("email"))];
    let fate = desired.removed.get(address).and_then(|removal| removal.fate.as_deref());
    // Of what is left alone nothing becomes.
    let kept = fate == Some("keep");
    // One that is being closed may come back, and would be closed again.
    let is_there =
        identity::is_open(account) || (fate == Some("close") && account.state == AccountState::PendingClosure);
    is_there && !is_named(desired, address) && !kept && (wanted.is_none() || emails.into_iter().flatten().any(other))
}

/// What the record has as ours, and is marked as another's, or, where it is to go, not at all. Of what is torn down everything
/// is looked at: all that is ours was read.
pub(super) fn alleged(
    desired: &Desired,
    (record, origins): (&Record, &BTreeMap<String, String>),
    scope: &Scope,
    place: &str,
    (live, command): (&Live, Command),
) -> Vec<Fault> {
    let mut faults = asked_for(desired, (record, origins), place, live);
    let of_block = |(address, entry): &(&String, &Entry)| {
        matches!(entry.kind.as_str(), "ou" | "scp" | "permission_set")
            && !entry.is_claim()
            && *address != PARKING
            && desired.resources.contains_key(*address)
    };
    let all: Vec<(&String, &Entry)> = match command {
        Command::Apply => {
            let whose_tags_were_read = record.resources.iter().filter(of_block);
            let all = doubted(desired, record, live).into_iter().chain(whose_tags_were_read);
            // Nothing is done to what is left out.
            let taken = |address: &str| {
                let sources = desired.resources.get(address).map(|wanted| wanted.sources.as_slice());
                scope.takes(address, sources.unwrap_or_default())
            };
            all.filter(|(address, _)| taken(base_of(address))).collect()
        }
        Command::Destroy => record.resources.iter().filter(|(at, entry)| goes(desired, at, entry, live)).collect(),
    };
    faults.extend(all.into_iter().filter_map(|(address, entry)| {
        let (name, tags) = found(live, entry)?;
        let address = base_of(address);
        let (before, given) = (origins.get(address).map(String::as_str), Given::of(entry));
        let known = |at: &String| record.resources.contains_key(at) || desired.resources.contains_key(at);
        let recorded = entry.fields.get("tags").and_then(Json::as_object);
        let recorded_mark = recorded.and_then(|tags| tags.get(ADDRESS_TAG)).and_then(Json::as_str);
        let is_ours = match tags.get(ADDRESS_TAG) {
            Some(mark) if is_of(desired, (address, before), mark) => true,
            // A parked account that a run which was killed has begun to give to a cell, and that is another's now.
            Some(mark) if given.is_some_and(|given| given.to == mark) => true,
            // An address that nothing has any more: it was moved, and the mark was not; or it was moved back, and the mark was moved.
            Some(mark) => recorded_mark == Some(mark) && !known(mark) || was_of(desired, record, (address, mark)),
            // A parking that ended between the mark and the record.
            None if tags.get(PARKED_TAG).is_some_and(|from| from == address) => true,
            None if given.is_some_and(|given| tags.get(PARKED_TAG).is_some_and(|from| from == given.from)) => true,
            // A taking over that ended between the record and the mark; it is not deleted before it is marked. Of an account
            // whose e-mail is another one the record must say that it was not marked yet.
            None => {
                desired.resources.contains_key(address)
                    && command == Command::Apply
                    && (entry.kind != "account" || recorded.is_some() && recorded_mark.is_none())
            }
        };
        (!is_ours).then(|| fault(desired, (address, entry), place, (&name, tags.get(ADDRESS_TAG))))
    }));
    faults
}

/// Where all is torn down: is it of what goes? Not what the program names by its id, nor where accounts are parked.
fn goes(desired: &Desired, address: &String, entry: &Entry, live: &Live) -> bool {
    match entry.kind.as_str() {
        _ if entry.is_claim() => false,
        "account" => !is_named(desired, address) && live.accounts.get(&entry.id).is_some_and(identity::is_open),
        "ou" | "scp" | "permission_set" | "stack" => address != PARKING,
        _ => false,
    }
}

/// Accounts that an earlier run asked for by another e-mail than the program's: what it asked for is marked from the beginning.
fn asked_for(
    desired: &Desired,
    (record, origins): (&Record, &BTreeMap<String, String>),
    place: &str,
    live: &Live,
) -> Vec<Fault> {
    let ids = identity::accounts(desired, record, live);
    let asked = record.pending.iter().filter(|(address, _)| record.entry(address).is_none());
    let faults = asked.filter_map(|(address, pending)| {
        let (wanted, email) = (desired.resources.get(address)?, pending.email.as_ref()?);
        let said = wanted.fields.get("email").and_then(Json::as_str)?;
        let account = live.accounts.get(ids.get(address)?).filter(|account| account.email.eq_ignore_ascii_case(email))?;
        let mark = live.tags.get(&account.id)?.get(ADDRESS_TAG);
        let before = origins.get(address).map(String::as_str);
        if said.eq_ignore_ascii_case(email) || mark.is_some_and(|mark| is_of(desired, (address, before), mark)) {
            return None;
        }
        let message = format!(
            "the record {place} says that {address} was asked for with the e-mail {email}; the account of that, {}, is not marked as it",
            account.id
        );
        let fault = Fault::new(Code::WrongOrganization, message).at(wanted.sources.first(), format!("its e-mail is {said}"));
        Some(mended(fault, address, Some(&account.id)))
    });
    faults.collect()
}

/// Its name and its tags, where they were read.
fn found<'l>(live: &'l Live, entry: &Entry) -> Option<(String, &'l Tags)> {
    if let Some(LiveStack::There { stack, .. }) =
        StackPlace::of_arn(&entry.id).and_then(|place| live.stacks.get(&place))
    {
        return (stack.id == entry.id).then(|| (stack.name.clone(), &stack.tags));
    }
    let set = live.sets.get(&entry.id).map(|set| &set.fields.name);
    let unit = live.units.get(&entry.id).map(|unit| &unit.name);
    let account = live.accounts.get(&entry.id).map(|account| &account.email);
    let policy = live.policies.get(&entry.id).map(|policy| &policy.name);
    Some((set.or(unit).or(account).or(policy)?.clone(), tags_of(live, &entry.id)?))
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
    mended(
        Fault::new(code, message).at(source, format!("{address} is another one")),
        address,
        source.map(|_| &entry.id),
    )
}

/// The unit that the record has as `address` would be deleted, since it is made anew elsewhere, and has no mark.
pub(super) fn unmarked_unit(address: &str, unit: &Unit) -> Fault {
    let message = format!(
        "the unit {} ({}) would be made anew elsewhere and then deleted as {address}, and it is not marked as that",
        unit.id, unit.name
    );
    mended(Fault::new(Code::NotOwned, message), address, Some(&unit.id))
}

/// What is done about it. What the program has can be taken over by its id.
fn mended(fault: Fault, address: &str, id: Option<&String>) -> Fault {
    let by_command = id.map(|id| format!(", or let `cellc adopt {address} {id}` do so")).unwrap_or_default();
    fault
        .help("if the record was edited: restore it from a copy")
        .help(format!("if it is the one: give it the tag `{ADDRESS_TAG}` = `{address}` again{by_command}"))
}
