//! What another address has as long as a plan runs: a name that AWS gives once, an account. Owns when that is so, and what is
//! said of it: a plan that gives it on would take for the new thing what it then takes away.

use cell_lang::diagnostics::Code;

use super::policies::not_owned;
use crate::plan::build::Builder;
use crate::plan::fault::Fault;
use crate::plan::model::{Change, Place};
use crate::registry::record::base_of;

impl Builder<'_> {
    /// Has another policy the name that this one is to get? Then that is said.
    pub(super) fn scp_name_is_taken(&mut self, plan: &Change) -> bool {
        let same = self.live.policies.values().find(|policy| policy.name == plan.name);
        let other = same.map(|policy| policy.id.clone()).filter(|id| plan.id.as_ref() != Some(id));
        self.is_taken(plan, "service control policy", other)
    }

    /// The same of permission sets.
    pub(super) fn set_name_is_taken(&mut self, plan: &Change) -> bool {
        let same = self.live.sets.iter().find(|(_, set)| set.fields.name == plan.name);
        let other = same.map(|(arn, _)| arn.clone()).filter(|arn| plan.id.as_ref() != Some(arn));
        self.is_taken(plan, "permission set", other)
    }

    /// The same of units, whose names are unique below one parent.
    pub(in crate::plan) fn unit_name_is_taken(&mut self, plan: &Change, parent: &str) -> bool {
        if self.is_anew(parent) {
            return false;
        }
        let Some(parent) = self.ids.get(parent) else { return false };
        let same = self.live.units.values().find(|unit| unit.parent == *parent && unit.name == plan.name);
        let other = same.map(|unit| unit.id.clone()).filter(|id| plan.id.as_ref() != Some(id));
        // What an earlier run has made there is gone on with.
        let other = other.filter(|id| self.holder(id).is_some_and(|holder| holder != plan.address));
        self.is_taken(plan, "unit", other)
    }

    /// The address that stands for an id, in the program or the record.
    fn holder(&self, id: &str) -> Option<String> {
        let address = self.address_of("", id);
        (!address.starts_with(':')).then(|| base_of(&address).to_owned())
    }

    fn is_taken(&mut self, plan: &Change, what: &str, other: Option<String>) -> bool {
        // Who only looks for what was changed outside is told that, and is given nothing.
        let Some(id) = other.filter(|_| !self.looks) else { return false };
        let fault = match self.holder(&id) {
            Some(holder) => {
                let (address, place) = (&plan.address, plan.sources.first());
                let message =
                    format!("the name `{}` of {address} is that of {holder} as long as this plan runs", plan.name);
                let fault = Fault::new(Code::StillTaken, message).at(place, format!("{holder} has it"));
                if self.desired.resources.contains_key(&holder) {
                    fault.help(format!(
                        "apply in two steps: {holder} changes first; names that are exchanged need a third one in between"
                    ))
                } else if plan.id.is_some() {
                    fault.help(format!(
                        "apply in two steps: {address} keeps the name that it has until {holder} is gone"
                    ))
                } else {
                    fault
                        .help(same(&holder, address))
                        .help(format!("if it is another one: apply without {address} first, which deletes {holder}"))
                }
            }
            None => {
                let fault = not_owned(&plan.address, what, &plan.name, &id, plan);
                // Nothing was ever applied, or what knew of it is gone.
                if self.record.resources.is_empty() {
                    fault.help("if an earlier apply made it and its record is lost: `cellc registry rebuild`")
                } else {
                    fault
                }
            }
        };
        self.faults.push(fault);
        true
    }

    /// An account that goes, and that the program names by its id at another address.
    pub(super) fn account_is_taken(&mut self, address: &str, id: &str, place: Option<&Place>) -> bool {
        let named = self.desired.resources.iter().find(|(other, wanted)| {
            *other != address && wanted.account.as_ref().and_then(|wish| wish.id.as_deref()) == Some(id)
        });
        let Some((other, wanted)) = named else { return false };
        let message = format!("the account {id} of {other} is that of {address} as long as this plan runs");
        let fault = Fault::new(Code::StillTaken, message).at(wanted.sources.first(), format!("{address} has it"));
        let fault = fault.at(place, format!("{address} ends here")).help(same(address, other)).help(format!(
            "if it is another one: `removed {{ from = \"{address}\", account = \"keep\" }}` leaves the account as it is"
        ));
        self.faults.push(fault);
        true
    }
}

/// What to write where only the address is another one.
pub(super) fn same(holder: &str, address: &str) -> String {
    format!("if it is the same under another address: `moved {{ from = \"{holder}\", to = \"{address}\" }}`")
}
