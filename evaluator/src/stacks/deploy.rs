//! Bringing a stack to what is wanted of it. Owns which call follows which answer; waiting for what goes on is
//! [`super::follow`]'s, what a state means is the table's.
//!
//! `INVARIANT`: success is told only of what was read back: a settled stack with the tags and parameters that are wanted.
//! `INVARIANT`: nothing is done twice. A call's token is made of the caller's token and of the stack as it was found, so
//! that a repeated call is the same one to CloudFormation, and one that follows another operation is a new one. After
//! any failure of a write it is looked whether it came about before it is sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::plan::desired::ADDRESS_TAG;
use crate::provider::waits::TRIES;
use crate::provider::{Answer, Clock, CloudError, Tags, Waits};

use super::follow::Heard;
use super::model::{ChangeKind, ChangeSet, Execution, Made, Making, NewChangeSet, Stack, StackEvent, Stacks};
use super::shelf::TemplateBucket;
use super::state::{StackState, Step};
use super::stopped::Stopped;
use super::wish::TEMPLATE_BYTES;

/// Looks at a stack that others keep changing.
pub(super) const TURNS: u32 = 12;
/// Change sets in a row that went obsolete.
const SETS: u32 = 3;

/// What is wanted of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub stack: String,
    /// The template, JSON or YAML.
    pub template: String,
    /// Where the template goes if a request does not take it.
    pub bucket: Option<TemplateBucket>,
    /// Every parameter by name.
    pub parameters: BTreeMap<String, String>,
    /// Every tag. INVARIANT: the one of [`ADDRESS_TAG`] is among them: it says whose the stack is.
    pub tags: Tags,
    /// What the template may do beside the ordinary.
    pub capabilities: Vec<String>,
    /// Of [`token`].
    pub token: String,
    /// The stack's ARN by the record: that one is ours, whatever its tags say.
    pub known: Option<String>,
}

/// How a stack is waited for: what is quick is over after a few looks; what is slow is asked for no oftener for that.
pub const WAITS: Waits = Waits {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(5),
    patience: SignedDuration::from_hours(3),
};

/// What is seen on the way.
#[derive(Debug)]
pub enum Sight<'a> {
    /// What is going to be changed.
    Changes(&'a ChangeSet),
    /// Something happened.
    Event(&'a StackEvent),
    /// The stack is in another state than at the last look, by its name.
    State(&'a str),
    /// Events cannot be read; told once, until they can be again. The deployment goes on.
    EventsFailed(&'a CloudError),
}

/// How a stack came to be as wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// It was created.
    Created,
    /// It was updated.
    Updated,
    /// There was nothing to change.
    Unchanged,
}

/// A stack that is as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// How it came to be.
    pub how: How,
    /// As it was read back.
    pub stack: Stack,
}

/// The token of a step of a plan.
pub fn token(plan: &str, step: &str) -> String {
    digest(&[plan, step])
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()).chars().take(40).collect()
}

/// Brings a stack to what is wanted, and shows what happens meanwhile. It may be called again after any end, also by
/// another process: it goes on with what is there.
///
/// # Errors
/// Why it is not as wanted, or cannot be said to be.
pub fn deploy(
    cloud: &dyn Stacks,
    clock: &dyn Clock,
    wanted: &Wanted,
    waits: Waits,
    see: &mut dyn FnMut(Sight<'_>),
) -> Result<Deployed, Stopped> {
    let mut run = Run::new(cloud, clock, wanted, waits, see);
    for _ in 0..TURNS {
        if let Some(deployed) = run.turn()? {
            return Ok(deployed);
        }
    }
    Err(Stopped::Restless)
}

/// A deployment on its way.
pub(super) struct Run<'a, 'see> {
    pub(super) cloud: &'a dyn Stacks,
    pub(super) clock: &'a dyn Clock,
    pub(super) wanted: &'a Wanted,
    pub(super) waits: Waits,
    pub(super) see: &'a mut (dyn FnMut(Sight<'_>) + 'see),
    pub(super) began: Timestamp,
    /// The stack that was deleted on the way, by its ARN.
    deleted: String,
    /// The stack that is listened to, by its ARN, and its event that was heard last.
    pub(super) listens: Option<(String, Option<String>)>,
    /// The stack of which it is not known which events are old, by its ARN.
    pub(super) missed: Option<String>,
    /// Was it told that events cannot be read?
    pub(super) deaf: bool,
    pub(super) heard: Heard,
    /// The state that was shown last.
    pub(super) shown: Option<String>,
}

impl<'a, 'see> Run<'a, 'see> {
    /// At its beginning.
    pub(super) fn new(
        cloud: &'a dyn Stacks,
        clock: &'a dyn Clock,
        wanted: &'a Wanted,
        waits: Waits,
        see: &'a mut (dyn FnMut(Sight<'_>) + 'see),
    ) -> Self {
        let (began, deleted, heard) = (clock.now(), String::new(), Heard::default());
        Self {
            cloud,
            clock,
            wanted,
            waits,
            see,
            began,
            deleted,
            listens: None,
            missed: None,
            deaf: false,
            heard,
            shown: None,
        }
    }
}

impl Run<'_, '_> {
    fn turn(&mut self) -> Result<Option<Deployed>, Stopped> {
        // A read that is behind may still have the stack that was deleted on the way.
        let found = self.look(&self.wanted.stack)?.filter(|stack| stack.id != self.deleted);
        let Some(stack) = found else { return self.bring(ChangeKind::Create, None) };
        let state = stack.state().ok_or_else(|| Stopped::Unknown(stack.status.clone()))?;
        self.is_ours(&stack, state)?;
        self.listen(&stack);
        match state.step() {
            Step::Create => self.bring(ChangeKind::Create, Some(&stack)),
            Step::Update => self.bring(ChangeKind::Update, Some(&stack)),
            Step::Wait => self.until(&stack.id, |_, _| true).map(|_| None),
            Step::ContinueRollback => self.continue_rollback(&stack).map(|()| None),
            Step::Recreate => self.delete(&stack).map(|()| None),
            Step::Refuse(reason) => {
                Err(Stopped::Refused { state, reason, causes: stack.reason.into_iter().collect() })
            }
        }
    }

    /// Nothing of others is changed. A name in review that says nothing of itself is nobody's.
    fn is_ours(&self, stack: &Stack, state: StackState) -> Result<(), Stopped> {
        let nobodys = match state {
            StackState::DeleteComplete => true,
            StackState::ReviewInProgress => stack.tags.is_empty(),
            _ => false,
        };
        if nobodys || self.is_marked(stack) { Ok(()) } else { Err(self.foreign(stack)) }
    }

    /// Does the record, or the stack's own tag, say that it is ours?
    pub(super) fn is_marked(&self, stack: &Stack) -> bool {
        let found = stack.tags.get(ADDRESS_TAG);
        self.wanted.known.as_ref() == Some(&stack.id)
            || (found.is_some() && found == self.wanted.tags.get(ADDRESS_TAG))
    }

    pub(super) fn foreign(&self, stack: &Stack) -> Stopped {
        let address = self.wanted.tags.get(ADDRESS_TAG).cloned().unwrap_or_default();
        Stopped::Foreign { stack: stack.name.clone(), address, found: stack.tags.get(ADDRESS_TAG).cloned() }
    }

    /// Makes a change set and executes it. None: the stack is not what it was, and is to be looked at again.
    fn bring(&mut self, kind: ChangeKind, found: Option<&Stack>) -> Result<Option<Deployed>, Stopped> {
        for attempt in 0..SETS {
            let name = self.id("change-set", found, attempt);
            let Some(made) = self.make(kind, &name, found)? else { return Ok(None) };
            let set = self.made(&made)?;
            match (set.making, set.execution) {
                (Making::Complete, Execution::Available) => {}
                (_, Execution::Begun) => {
                    self.begins(&self.id("execute", found, attempt));
                    return self.follow(kind, found, &made).map(Some);
                }
                (Making::Failed, _) if set.is_empty() => {
                    self.clear(&made)?;
                    return self.unchanged(found, &made);
                }
                (Making::Failed, _) | (Making::Complete, Execution::Unavailable) => {
                    self.clear(&made)?;
                    return if self.moved(found)? { Ok(None) } else { Err(Stopped::ChangeSet(set.reason)) };
                }
                _ if self.moved(found)? => return Ok(None),
                _ => {
                    self.clear(&made)?;
                    continue;
                }
            }
            (self.see)(Sight::Changes(&set));
            let token = self.id("execute", found, attempt);
            self.begins(&token);
            if self.execute(&made, &token)? {
                return self.follow(kind, found, &made).map(Some);
            }
            if self.moved(found)? {
                return Ok(None);
            }
            self.clear(&made)?;
        }
        Err(Stopped::ChangeSet("each one went obsolete before it could be executed".to_owned()))
    }

    /// Where the template lies, if a request does not take it.
    fn shelved(&self) -> Result<Option<String>, Stopped> {
        let (template, bucket) = (&self.wanted.template, self.wanted.bucket.as_ref());
        if template.len() <= TEMPLATE_BYTES {
            return Ok(None);
        }
        let bucket = bucket.ok_or(Stopped::TooLarge(template.len()))?;
        Ok(Some(self.ask(|| self.cloud.shelve(bucket, template))?))
    }

    /// The change set of that name. None: the stack is not what it was.
    fn make(&self, kind: ChangeKind, name: &str, found: Option<&Stack>) -> Result<Option<Made>, Stopped> {
        let wanted = self.wanted;
        let url = self.shelved()?;
        let new = NewChangeSet {
            stack: &wanted.stack,
            name,
            kind,
            template: &wanted.template,
            url: url.as_deref(),
            parameters: &wanted.parameters,
            tags: &wanted.tags,
            capabilities: &wanted.capabilities,
        };
        let mut tried = 0;
        loop {
            let error = match self.cloud.create_change_set(&new) {
                Ok(made) => return Ok(Some(made)),
                Err(error) => error,
            };
            tried += 1;
            if let Some(set) = self.ask(|| self.cloud.change_set(&wanted.stack, name))? {
                return Ok(Some(set.made));
            }
            // A first change set makes a name for its stack, which is nothing new.
            if self.moved(found)? {
                return Ok(None);
            }
            self.again(tried, error)?;
        }
    }

    /// Begins to execute; false: it cannot be executed any more, and was not.
    fn execute(&self, made: &Made, token: &str) -> Result<bool, Stopped> {
        let mut tried = 0;
        loop {
            let Err(error) = self.cloud.execute_change_set(made, token) else { return Ok(true) };
            tried += 1;
            let set = self.ask(|| self.cloud.change_set(&made.stack, &made.change_set))?;
            let stack = self.look(&made.stack)?;
            if stack.is_some_and(|stack| has_taken(&stack, made)) {
                return Ok(true);
            }
            match set.map(|set| set.execution) {
                Some(Execution::Begun) => return Ok(true),
                Some(Execution::Obsolete) | None => return Ok(false),
                Some(Execution::Available | Execution::Unavailable) => self.again(tried, error)?,
            }
        }
    }

    /// Deletes the stack, and sees it gone.
    pub(super) fn delete(&mut self, stack: &Stack) -> Result<(), Stopped> {
        let token = self.id("delete", Some(stack), 0);
        let stuck = StackState::DeleteFailed;
        let again = stack.state() == Some(stuck);
        let going = |now: Option<&Stack>| {
            now.is_none_or(|now| now.status.starts_with("DELETE_") && !(again && now.state() == Some(stuck)))
        };
        self.begins(&token);
        self.write(&stack.id, || self.cloud.delete_stack(&stack.id, &token), going)?;
        // Stuck before and stuck again look the same: the events of the operation tell them apart.
        let after = self.until(&stack.id, |now, heard| going(now) || heard == Some(stuck.name()))?;
        match after.and_then(|stack| stack.state()) {
            None | Some(StackState::DeleteComplete) => {
                self.deleted.clone_from(&stack.id);
                Ok(())
            }
            Some(state) => Err(self.failed(state)),
        }
    }

    /// Goes on with a rollback, and sees it done.
    fn continue_rollback(&mut self, stack: &Stack) -> Result<(), Stopped> {
        let token = self.id("continue-rollback", Some(stack), 0);
        let stuck = StackState::UpdateRollbackFailed;
        let left = |now: Option<&Stack>| now.is_none_or(|now| now.state() != Some(stuck));
        self.begins(&token);
        self.write(&stack.id, || self.cloud.continue_rollback(&stack.id, &token), left)?;
        // Stuck before and stuck again look the same: the events of the operation tell them apart.
        let after = self.until(&stack.id, |now, heard| left(now) || heard == Some(stuck.name()))?;
        match after.as_ref().and_then(Stack::state) {
            Some(state) if state == stuck => Err(self.failed(state)),
            _ => Ok(()),
        }
    }

    /// Sends a write about a stack until it is answered or has come about.
    fn write(
        &self,
        id: &str,
        send: impl Fn() -> Answer<()>,
        done: impl Fn(Option<&Stack>) -> bool,
    ) -> Result<(), Stopped> {
        let mut tried = 0;
        loop {
            let Err(error) = send() else { return Ok(()) };
            tried += 1;
            if done(self.look(id)?.as_ref()) {
                return Ok(());
            }
            self.again(tried, error)?;
        }
    }

    /// Nothing was to be changed: that is so when it is there. None: somebody has changed it since.
    fn unchanged(&self, found: Option<&Stack>, made: &Made) -> Result<Option<Deployed>, Stopped> {
        let stack = self.look(&made.stack)?.ok_or(Stopped::Gone)?;
        if base(Some(&stack)) != base(found) {
            return Ok(None);
        }
        self.as_wanted(&stack)?;
        Ok(Some(Deployed { how: How::Unchanged, stack }))
    }

    /// Has the stack the tags and the parameters that are wanted? Secret parameters are not shown by anyone.
    pub(super) fn as_wanted(&self, stack: &Stack) -> Result<(), Stopped> {
        let other = |what: &str, key: &str, value: Option<&String>| {
            let value = value.map_or("not there".to_owned(), |value| format!("`{value}`"));
            Err(Stopped::NotAsWanted(format!("its {what} `{key}` is {value}")))
        };
        for (key, value) in &self.wanted.tags {
            match stack.tags.get(key) {
                Some(found) if found == value => {}
                found => return other("tag", key, found),
            }
        }
        for (key, value) in &self.wanted.parameters {
            match stack.parameters.get(key) {
                Some(found) if found == value || found == "****" => {}
                found => return other("parameter", key, found),
            }
        }
        Ok(())
    }

    /// Is the stack another one than was found, or has something been done to it since?
    fn moved(&self, found: Option<&Stack>) -> Result<bool, Stopped> {
        let now = self.look(&self.wanted.stack)?;
        Ok(base(now.as_ref()) != base(found))
    }

    /// Takes away a change set that serves nobody.
    fn clear(&self, made: &Made) -> Result<(), Stopped> {
        self.ask(|| self.cloud.delete_change_set(made)).map_err(Stopped::Call)
    }

    pub(super) fn look(&self, stack: &str) -> Result<Option<Stack>, Stopped> {
        Ok(self.ask(|| self.cloud.stack(stack))?)
    }

    /// Asks, and asks again where no answer came.
    pub(super) fn ask<T>(&self, question: impl Fn() -> Answer<T>) -> Answer<T> {
        self.waits.ask(self.clock, question)
    }

    /// May a call that failed and did not come about be sent again? Waits, if so.
    fn again(&self, tried: u32, error: CloudError) -> Result<(), Stopped> {
        if tried >= TRIES || !error.failure.may_repeat() {
            return Err(Stopped::Call(error));
        }
        self.waits.pause(self.clock, tried);
        Ok(())
    }

    /// A name or token for a call about the stack as it was found.
    pub(super) fn id(&self, what: &str, found: Option<&Stack>, attempt: u32) -> String {
        let attempt = attempt.to_string();
        let parts = [&self.wanted.token, what, &base(found), &self.deleted, &attempt];
        format!("cellc-{}", digest(&parts))
    }
}

/// What tells a stack from itself after another operation. A name in review is no more than no stack.
pub(super) fn base(found: Option<&Stack>) -> String {
    match found {
        Some(stack) if !is_blank(stack) => {
            let updated = stack.updated.as_deref().unwrap_or_default();
            format!("{} {} {updated}", stack.id, stack.status)
        }
        _ => String::new(),
    }
}

fn is_blank(stack: &Stack) -> bool {
    matches!(stack.state(), Some(StackState::ReviewInProgress | StackState::DeleteComplete))
}

/// Was the change set executed, by what the stack says?
pub(super) fn has_taken(stack: &Stack, made: &Made) -> bool {
    stack.change_set.as_deref() == Some(made.change_set.as_str()) && !is_blank(stack)
}
