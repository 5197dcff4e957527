//! Deleting a stack for good. Owns that none of others is deleted, and when it is begun; the call and the waiting are those
//! of [`super::deploy`].

use std::collections::BTreeMap;

use crate::plan::desired::ADDRESS_TAG;
use crate::provider::{Clock, Tags, Waits};

use super::deploy::{Run, Sight, TURNS, Wanted};
use super::model::{Stack, Stacks};
use super::state::{Meaning, StackState, Step};
use super::stopped::Stopped;

/// A stack that is to go.
#[derive(Debug, Clone, Copy)]
pub struct Unwanted<'a> {
    /// Its name, or its ARN.
    pub stack: &'a str,
    /// Whose it is: what its tag of [`ADDRESS_TAG`] says.
    pub address: &'a str,
    /// Its ARN by the record: that one is ours, whatever its tags say.
    pub known: Option<&'a str>,
    /// Of [`super::token`].
    pub token: &'a str,
}

/// The stack of this name that a deployment would change; none where it would create one, also in place of one whose creation failed.
///
/// # Errors
/// Why that is not known.
pub fn stands(cloud: &dyn Stacks, clock: &dyn Clock, stack: &str, waits: Waits) -> Result<Option<Stack>, Stopped> {
    let found = waits.ask(clock, || cloud.stack(stack))?;
    let is_none = |stack: &Stack| stack.state().is_some_and(|s| matches!(s.step(), Step::Create | Step::Recreate));
    Ok(found.filter(|stack| !is_none(stack)))
}

/// Deletes a stack and sees it gone; what goes on with it is waited for first. One that is gone counts as deleted. It may
/// be called again after any end.
///
/// # Errors
/// Why it is there still, or cannot be said not to be. One of others is not touched.
pub fn delete(
    cloud: &dyn Stacks,
    clock: &dyn Clock,
    unwanted: Unwanted<'_>,
    waits: Waits,
    see: &mut dyn FnMut(Sight<'_>),
) -> Result<(), Stopped> {
    let Unwanted { stack, address, known, token } = unwanted;
    let wanted = Wanted {
        bucket: None,
        stack: stack.split('/').nth(1).unwrap_or(stack).to_owned(),
        template: String::new(),
        parameters: BTreeMap::new(),
        tags: Tags::from([(ADDRESS_TAG.to_owned(), address.to_owned())]),
        capabilities: Vec::new(),
        token: token.to_owned(),
        known: known.map(str::to_owned),
    };
    let mut run = Run::new(cloud, clock, &wanted, waits, see);
    // By a name a deleted stack is not seen any more, and another one may be.
    let mut at = stack.to_owned();
    for _ in 0..TURNS {
        let Some(stack) = run.look(&at)? else { return Ok(()) };
        let state = stack.state().ok_or_else(|| Stopped::Unknown(stack.status.clone()))?;
        if state == StackState::DeleteComplete {
            return Ok(());
        }
        if !run.is_marked(&stack) {
            return Err(run.foreign(&stack));
        }
        at.clone_from(&stack.id);
        run.listen(&stack);
        if state.means() != Meaning::UnderWay {
            return run.delete(&stack);
        }
        run.until(&stack.id, |_, _| true)?;
    }
    Err(Stopped::Restless)
}
