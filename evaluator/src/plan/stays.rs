//! What a run leaves where it is for the sake of what `--only` or `--except` leaves out. Owns the question what that needs: of an
//! assignment its set; of an account that a destroy leaves out the units it lies in and the policies that hold it as well.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Builder, Command};
use super::desired::ROOT;
use super::identity::{policy_of_attachment, set_of_assignment};

/// The addresses of the record that would go and that what is left out needs.
pub(super) fn needed_by_what_is_left_out(builder: &Builder<'_>) -> BTreeSet<String> {
    let mut needed = needed_by_accounts(builder);
    let goes = |set: &String| {
        let wanted = builder.command != Command::Destroy && builder.desired.resources.contains_key(set);
        !wanted && builder.takes(set) && builder.record.entry(set).is_some()
    };
    needed.extend(given_out_of_reach(builder).into_keys().filter(goes));
    needed
}

/// The sets that the record says are given by assignments that the scope leaves out, with those: as long as they are, AWS deletes
/// no such set.
pub(super) fn given_out_of_reach(builder: &Builder<'_>) -> BTreeMap<String, Vec<String>> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if builder.scope.is_whole() {
        return given;
    }
    for (address, _) in builder.record.resources.iter().filter(|(_, entry)| entry.kind == "assignment") {
        if let (false, Some(set)) = (builder.takes(address), set_of_assignment(address)) {
            given.entry(set).or_default().push(address.clone());
        }
    }
    given
}

/// What accounts that a destroy leaves out lie in, and are held by.
fn needed_by_accounts(builder: &Builder<'_>) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    if builder.command != Command::Destroy || builder.scope.except.is_empty() {
        return needed;
    }
    let recorded = |kind: &'static str| {
        builder.record.resources.iter().filter(move |(_, entry)| entry.kind == kind).map(|(address, _)| address)
    };
    let left: BTreeSet<&str> =
        recorded("account").filter(|address| !builder.takes(address)).map(String::as_str).collect();
    if left.is_empty() {
        return needed;
    }
    needed.extend(left.iter().flat_map(|account| units_above(builder, account)));
    let target = |address: &str| address.rsplit_once('/').map(|(_, target)| target.to_owned()).unwrap_or_default();
    let holds = |address: &&String| {
        let target = target(address);
        target == ROOT
            || builder.desired.org.address.as_ref() == Some(&target)
            || left.contains(target.as_str())
            || needed.contains(&target)
    };
    let attachments: Vec<String> = recorded("scp_attachment").filter(holds).cloned().collect();
    needed.extend(attachments.iter().filter_map(|it| policy_of_attachment(it)));
    needed.extend(attachments);
    needed.retain(|address| builder.record.entry(address).is_some());
    needed
}

/// The units that an account lies in.
fn units_above(builder: &Builder<'_>, account: &str) -> Vec<String> {
    let id = builder.ids.get(account);
    let mut at = id.and_then(|id| builder.live.accounts.get(id)).and_then(|account| account.parent.clone());
    let mut units = Vec::new();
    while let Some(unit) = at.as_ref().and_then(|id| builder.live.units.get(id)) {
        units.push(builder.address_of("ou", &unit.id));
        at = (units.len() <= crate::limits::OU_LEVELS.most).then(|| unit.parent.clone());
    }
    units
}
