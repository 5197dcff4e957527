//! Is it all of one organization: the program, the record and the cloud? Owns what is held against what, and what is said
//! when it differs.

use std::collections::BTreeMap;

use cell_lang::diagnostics::Code;

use super::desired::Desired;
use super::fault::Fault;
use crate::live::Live;
use crate::registry::record::{Identity, Record};
use crate::words::counted;

/// What says that a program, a record and a cloud are not of one organization; nothing where they are. The record comes
/// with its place.
pub fn other_organization(desired: &Desired, (record, place): (&Record, &str), live: &Live) -> Vec<Fault> {
    let Some(organization) = &live.organization else { return Vec::new() };
    let mut faults = Vec::new();
    if let Some(said) =
        desired.org.management_account.as_ref().filter(|said| **said != organization.management_account)
    {
        let message = format!(
            "the program is for the organization of management account {said}; the credentials are of that of {}",
            organization.management_account
        );
        faults.push(
            Fault::new(Code::WrongOrganization, message)
                .help("use other credentials, or correct `management_account` in `org`"),
        );
    }
    match &record.organization {
        Some(recorded) => faults.extend(differing(recorded, place, live)),
        None => faults.extend(of_nobody(record, place)),
    }
    faults
}

/// What the record takes for the management account, and what it has as parked and as somebody's. No apply makes it so,
/// and only the program can say which block the management account is, or was.
pub(super) fn impossible(desired: &Desired, (record, place): (&Record, &str), live: &Live) -> Vec<Fault> {
    let edited = "no apply makes it so: the record was edited; restore it from a copy";
    let management = live.organization.as_ref().map(|organization| organization.management_account.as_str());
    let mut faults = Vec::new();
    let mut owners = BTreeMap::new();
    for (address, entry) in record.resources.iter().filter(|(_, entry)| entry.kind == "account") {
        // What is about to be taken over may be a parked one.
        if !entry.is_claim() {
            owners.insert(entry.id.as_str(), address);
        }
        if management != Some(entry.id.as_str()) || says(desired, address, &entry.id) {
            continue;
        }
        if entry.is_claim() {
            let message = format!("{} is the management account, and is not taken over for {address}", entry.id);
            let meant = format!("if it is meant: `account_id = \"{}\"` in {address}", entry.id);
            faults.push(Fault::new(Code::WrongOrganization, message).help(meant));
            continue;
        }
        let message =
            format!("the record {place} says that {address} is {}, which is the management account", entry.id);
        let fault = Fault::new(Code::WrongOrganization, message).help(edited);
        faults.push(match desired.resources.get(address) {
            Some(wanted) => fault
                .at(wanted.sources.first(), format!("{address} says no such `account_id`"))
                .help(format!("if it is meant: `account_id = \"{}\"` in {address}", entry.id)),
            None => fault.help(format!(
                "if {address} was it: `removed {{ from = \"{address}\", account = \"keep\" }}` leaves it alone"
            )),
        });
    }
    for (id, parked) in &record.parked {
        let whose = match owners.get(id.as_str()) {
            _ if management == Some(id) => "the management account".to_owned(),
            Some(owner) => format!("that of {owner}"),
            None => continue,
        };
        let message =
            format!("the record {place} has {id} as the parked account that was {}; it is {whose}", parked.from);
        faults.push(Fault::new(Code::WrongOrganization, message).help(edited));
    }
    faults
}

/// Does the program say that an address is, or was, this account, and that nothing becomes of it?
fn says(desired: &Desired, address: &str, id: &str) -> bool {
    let said = desired.resources.get(address).and_then(|wanted| wanted.account.as_ref());
    let kept = desired.removed.get(address).is_some_and(|removal| removal.fate.as_deref() == Some("keep"));
    kept || said.is_some_and(|account| account.id.as_deref() == Some(id))
}

/// Every apply begins with the organization it is for, so what has ids and none was not left so by one. What is only
/// about to be taken over is in no record yet.
fn of_nobody(record: &Record, place: &str) -> Option<Fault> {
    let owned = record.resources.values().filter(|entry| !entry.id.is_empty() && !entry.is_claim()).count();
    let held = owned + record.parked.len();
    (held > 0).then(|| {
        let message =
            format!("the record {place} does not say of which organization it is, and holds {}", counted(held, "id"));
        Fault::new(Code::WrongOrganization, message)
            .help("restore it from a copy with its `organization`, or move it away and run `cellc registry rebuild`")
    })
}

/// What the record says of its organization, held against the one that is there. An instance is compared where both
/// sides have one.
fn differing(recorded: &Identity, place: &str, live: &Live) -> Option<Fault> {
    let found = live.organization.as_ref()?;
    if recorded.organization != found.id {
        let message = format!(
            "the record is of organization {}; the credentials are of {}: {place}",
            recorded.organization, found.id
        );
        return Some(
            Fault::new(Code::WrongOrganization, message)
                .help("use other credentials, or another `registry` in `org`"),
        );
    }
    if recorded.management_account != found.management_account {
        let message = format!(
            "the record {place} names {} as the management account of {}; it is {}",
            recorded.management_account, found.id, found.management_account
        );
        let help = "an organization keeps its management account, so the record was edited: restore it from a copy";
        return Some(Fault::new(Code::WrongOrganization, message).help(help));
    }
    let (was, is) = (recorded.instance.as_ref()?, &live.center.as_ref()?.arn);
    if was == is {
        return None;
    }
    let message =
        format!("the record {place} is of the Identity Center instance {was}; the one that is there is {is}");
    let help = "name the one that is meant by `identity_center` in `org`; if the instance was made anew, move the record away and run `cellc registry rebuild`";
    Some(Fault::new(Code::WrongOrganization, message).help(help))
}
