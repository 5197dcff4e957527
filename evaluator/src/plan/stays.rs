//! What a destroy leaves where it is, for the sake of accounts that `--except` leaves out. Owns the question what
//! such an account needs: the units it lies in, the policies that hold it, the sets that give access to it.

use std::collections::BTreeSet;

use super::build::{Builder, Command};
use super::desired::ROOT;
use super::identity::{policy_of_attachment, set_of_assignment};

/// The addresses of the record that accounts left out need. Empty but for a destroy with `--except`.
pub(super) fn needed_by_the_excepted(builder: &Builder<'_>) -> BTreeSet<String> {
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
    let gives = |address: &&String| left.contains(target(address).as_str());
    let sets: Vec<String> = recorded("assignment").filter(gives).filter_map(|it| set_of_assignment(it)).collect();
    needed.extend(attachments.iter().filter_map(|it| policy_of_attachment(it)));
    needed.extend(attachments);
    needed.extend(sets);
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
