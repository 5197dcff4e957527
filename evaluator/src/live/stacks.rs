//! Stacks: those that the program or the record has, each in its account and region. Owns which are looked for and that
//! an account which lets nobody in keeps nobody else waiting.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, LiveStack, Reader, parallel};
use crate::plan::diff::deployed;
use crate::plan::identity;
use crate::provider::{CloudError, Failure};
use crate::registry::record::base_of;
use crate::releases::Kept;
use crate::stacks::{StackPlace, StackState, StackWish, Stacks, wish};

/// Stacks that are read at once: each account and region has its own limits.
const LANES: usize = 16;

impl Reader<'_> {
    /// DescribeStacks of each, and GetTemplate of those that are there.
    pub(super) fn stacks(&self, live: &mut Live) -> Result<(), CloudError> {
        let places = self.places(live);
        self.look_at(live, places)
    }

    /// The stacks that releases have made, as the books say where they are.
    ///
    /// # Errors
    /// The first call that failed, in the order of the questions.
    pub fn deployed(&self, live: &mut Live, kept: &BTreeMap<String, Kept>) -> Result<(), CloudError> {
        let places = deployed::stacks(kept).into_iter().filter(|place| !live.stacks.contains_key(place));
        let places = places.collect();
        self.look_at(live, places)
    }

    fn look_at(&self, live: &mut Live, places: Vec<StackPlace>) -> Result<(), CloudError> {
        let closed = |place: &StackPlace| {
            let account = live.accounts.get(&place.account);
            account.filter(|account| !identity::is_open(account)).map(|account| account.state.word().to_owned())
        };
        let look = |place: &StackPlace| match closed(place) {
            Some(state) => Ok(LiveStack::Closed(format!("account {} is {state}", place.account))),
            None => {
                let there = self.provider.stacks(&place.account, &place.region);
                match read(there.as_ref(), &place.name) {
                    // One account or region that lets nobody in does not keep the others from being read.
                    Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {
                        Ok(LiveStack::Closed(error.to_string()))
                    }
                    answer => answer,
                }
            }
        };
        let found = parallel::each(LANES, &places, look)?;
        live.stacks.extend(places.into_iter().zip(found));
        Ok(())
    }

    /// Where stacks are, or will be, as far as accounts are known.
    fn places(&self, live: &Live) -> Vec<StackPlace> {
        let (desired, record) = (self.desired, self.record);
        let wished: Vec<&StackWish> = self.wished_stacks().collect();
        let recorded: Vec<&str> = self.recorded_stacks().collect();
        let begun: Vec<StackPlace> = self.begun_stacks().collect();
        if wished.is_empty() && recorded.is_empty() && begun.is_empty() {
            return Vec::new();
        }
        let mut ids = identity::organization(desired, record, live);
        let parked = identity::parked(desired, record, live, &ids);
        ids.extend(parked.taken);
        let mut places: BTreeSet<StackPlace> = wished.iter().filter_map(|stack| stack.place(&ids)).collect();
        places.extend(recorded.into_iter().filter_map(StackPlace::of_arn).chain(begun));
        places.into_iter().collect()
    }

    fn wished_stacks(&self) -> impl Iterator<Item = &StackWish> {
        let takes = |stack: &&StackWish| wish::takes(self.scope, Some(stack), self.record, &stack.address);
        self.desired.stacks.values().filter(takes)
    }

    /// The ARNs of those of the record.
    fn recorded_stacks(&self) -> impl Iterator<Item = &str> {
        let entries = self.record.resources.iter().filter(|(_, entry)| entry.kind == "stack");
        // The former one of a stack is its stack's, as the plan has it.
        let taken = entries.filter(|(address, _)| {
            let wish = self.desired.stacks.get(base_of(address));
            wish::takes(self.scope, wish, self.record, address)
        });
        taken.map(|(_, entry)| entry.id.as_str())
    }

    /// Those that a run which was killed has begun to make.
    fn begun_stacks(&self) -> impl Iterator<Item = StackPlace> {
        let takes =
            |address: &&String| wish::takes(self.scope, self.desired.stacks.get(*address), self.record, address);
        let taken = self.record.pending.iter().filter(move |(address, _)| takes(address));
        taken.filter_map(|(_, pending)| pending.place())
    }

    /// The addresses of the accounts in which the selected stacks are.
    pub(super) fn accounts_of_stacks(&self) -> impl Iterator<Item = &str> {
        self.wished_stacks().filter_map(|stack| stack.account.address())
    }
}

fn read(there: &dyn Stacks, name: &str) -> Result<LiveStack, CloudError> {
    let Some(stack) = there.stack(name)?.filter(|stack| stack.state() != Some(StackState::DeleteComplete)) else {
        return Ok(LiveStack::Absent);
    };
    // A name in review has no template.
    let template = match stack.state() {
        Some(StackState::ReviewInProgress) => None,
        _ => there.template(&stack.id)?,
    };
    Ok(LiveStack::There { stack: Box::new(stack), template: wish::template(&template.unwrap_or_default()) })
}
