//! Deleting a stack for good. Owns when that is begun; the call and the waiting are those of [`super::deploy`].

use std::collections::BTreeMap;

use crate::plan::desired::ADDRESS_TAG;
use crate::provider::{Clock, Tags};

use super::deploy::{Run, Sight, TURNS, Waits, Wanted};
use super::model::Stacks;
use super::state::{Meaning, StackState};
use super::stopped::Stopped;

/// Deletes the stack of this ARN and sees it gone; what goes on with it is waited for first. One that is gone counts as
/// deleted. It may be called again after any end.
///
/// # Errors
/// Why it is there still, or cannot be said not to be.
pub fn delete(
    cloud: &dyn Stacks,
    clock: &dyn Clock,
    (id, address): (&str, &str),
    token: &str,
    waits: Waits,
    see: &mut dyn FnMut(Sight<'_>),
) -> Result<(), Stopped> {
    let wanted = Wanted {
        stack: id.split('/').nth(1).unwrap_or(id).to_owned(),
        template: String::new(),
        parameters: BTreeMap::new(),
        tags: Tags::from([(ADDRESS_TAG.to_owned(), address.to_owned())]),
        capabilities: Vec::new(),
        token: token.to_owned(),
        known: Some(id.to_owned()),
    };
    let mut run = Run::new(cloud, clock, &wanted, waits, see);
    for _ in 0..TURNS {
        let Some(stack) = run.look(id)? else { return Ok(()) };
        let state = stack.state().ok_or_else(|| Stopped::Unknown(stack.status.clone()))?;
        if state == StackState::DeleteComplete {
            return Ok(());
        }
        run.listen(&stack);
        if state.means() != Meaning::UnderWay {
            return run.delete(&stack);
        }
        run.until(&stack.id, |_, _| true)?;
    }
    Err(Stopped::Restless)
}
