//! Waiting for what goes on with a stack. Owns when it is over and by what that is seen, and the events meanwhile; what
//! is done next is [`super::deploy`]'s.

use jiff::SignedDuration;

use crate::provider::CloudError;

use super::deploy::{Deployed, How, Run, Sight, base, has_taken};
use super::model::{ChangeKind, ChangeSet, Made, Making, Stack, StackEvent};
use super::state::{Meaning, StackState};
use super::stopped::Stopped;

/// For so long a read may be behind what was answered.
const BEHIND: SignedDuration = SignedDuration::from_mins(5);
/// Failures that are told of one operation.
const CAUSES: usize = 5;

/// What was heard of the operation that goes on.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Its token.
    token: String,
    /// What failed of itself, and why.
    pub(super) causes: Vec<String>,
    /// The last state of the stack that its events tell.
    state: Option<String>,
}

impl Heard {
    fn take(&mut self, stack: &str, event: &StackEvent) {
        if event.token.as_ref().is_some_and(|token| *token != self.token) {
            return;
        }
        if event.logical == stack && event.kind == "AWS::CloudFormation::Stack" {
            self.state = Some(event.status.clone());
        }
        if event.is_cause() && self.causes.len() < CAUSES {
            let why = if event.reason.is_empty() { &event.status } else { &event.reason };
            self.causes.push(format!("{} ({}): {why}", event.logical, event.kind));
        }
    }
}

impl Run<'_, '_> {
    /// An operation begins: what is heard from here on is of it.
    pub(super) fn begins(&mut self, token: &str) {
        self.heard = Heard { token: token.to_owned(), ..Heard::default() };
    }

    /// The operation that went on ended badly.
    pub(super) fn failed(&mut self, state: StackState) -> Stopped {
        Stopped::Failed { state, causes: std::mem::take(&mut self.heard.causes) }
    }

    /// The change set, once it is made or cannot be.
    pub(super) fn made(&mut self, made: &Made) -> Result<ChangeSet, Stopped> {
        let (since, mut looks) = (self.clock.now(), 0);
        loop {
            match self.ask(|| self.cloud.change_set(&made.stack, &made.change_set))? {
                Some(set) if set.making != Making::UnderWay => return Ok(set),
                // One that was just asked for may not show yet.
                None if self.clock.now().duration_since(since) > BEHIND => {
                    return Err(Stopped::ChangeSet("it is gone again".to_owned()));
                }
                Some(_) | None => self.wait(looks, "the making of a change set")?,
            }
            looks += 1;
        }
    }

    /// What becomes of a change set that is being executed.
    pub(super) fn follow(
        &mut self,
        kind: ChangeKind,
        found: Option<&Stack>,
        made: &Made,
    ) -> Result<Deployed, Stopped> {
        // What the stack was before must not be taken for what it became, however late a read is.
        let stack = self.until(&made.stack, |stack, _| match (kind, stack) {
            (_, None) => false,
            (ChangeKind::Create, Some(stack)) => stack.state() != Some(StackState::ReviewInProgress),
            (ChangeKind::Update, Some(stack)) => has_taken(stack, made) || base(Some(stack)) != base(found),
        })?;
        let stack = stack.ok_or(Stopped::Gone)?;
        let state = stack.state().ok_or_else(|| Stopped::Unknown(stack.status.clone()))?;
        if state == StackState::DeleteComplete {
            return Err(Stopped::Gone);
        }
        let how = match kind {
            ChangeKind::Create => How::Created,
            ChangeKind::Update => How::Updated,
        };
        match state.means() {
            Meaning::Well => self.as_wanted(&stack).map(|()| Deployed { how, stack }),
            Meaning::Badly | Meaning::UnderWay => Err(self.failed(state)),
        }
    }

    /// The stack, once nothing goes on with it and `seen` says that what was begun shows, by the stack and by what its
    /// events say of its state. None when it is gone.
    pub(super) fn until(
        &mut self,
        id: &str,
        seen: impl Fn(Option<&Stack>, Option<&str>) -> bool,
    ) -> Result<Option<Stack>, Stopped> {
        let (since, mut looks) = (self.clock.now(), 0);
        loop {
            let stack = self.look(id)?;
            self.hear(id);
            let seen = seen(stack.as_ref(), self.heard.state.as_deref());
            if let Some(stack) = &stack {
                self.show(stack);
                let state = stack.state().ok_or_else(|| Stopped::Unknown(stack.status.clone()))?;
                if state.means() == Meaning::UnderWay {
                    self.wait(looks, &stack.status)?;
                    looks += 1;
                    continue;
                }
            }
            if seen {
                return Ok(stack);
            }
            if self.clock.now().duration_since(since) > BEHIND {
                let status = stack.map_or("no stack".to_owned(), |stack| stack.status);
                return Err(Stopped::NotAsWanted(format!("what was begun does not show in it: {status}")));
            }
            self.wait(looks, "the beginning")?;
            looks += 1;
        }
    }

    fn wait(&self, looks: u32, status: &str) -> Result<(), Stopped> {
        let waited = self.clock.now().duration_since(self.began);
        if waited >= self.waits.patience {
            return Err(Stopped::Unsettled { status: status.to_owned(), waited });
        }
        self.waits.pause(self.clock, looks);
        Ok(())
    }

    /// Events are told from here on: what was before is of others.
    pub(super) fn listen(&mut self, stack: &Stack) {
        if self.listens.as_ref().is_some_and(|(id, _)| *id == stack.id) {
            return;
        }
        match self.ask(|| self.cloud.newest_event(&stack.id)) {
            Ok(newest) => {
                self.deaf = false;
                self.listens = Some((stack.id.clone(), newest));
            }
            Err(error) => {
                self.missed = Some(stack.id.clone());
                self.hears_nothing(&error);
            }
        }
    }

    fn hears_nothing(&mut self, error: &CloudError) {
        if !std::mem::replace(&mut self.deaf, true) {
            (self.see)(Sight::EventsFailed(error));
        }
    }

    fn hear(&mut self, id: &str) {
        let since = match &self.listens {
            Some((stack, since)) if stack == id => since.clone(),
            _ => None,
        };
        let events = match self.ask(|| self.cloud.events(id, since.as_deref())) {
            Ok(events) => events,
            Err(error) => return self.hears_nothing(&error),
        };
        self.deaf = false;
        // Of those from before only the operation's own are known not to be old.
        let missed = self.missed.take_if(|stack| *stack == id).is_some() && since.is_none();
        let ours = |event: &&StackEvent| !missed || event.token.as_ref() == Some(&self.heard.token);
        let new: Vec<&StackEvent> = events.iter().filter(ours).collect();
        for event in new {
            (self.see)(Sight::Event(event));
            self.heard.take(&self.wanted.stack, event);
        }
        let last = events.last().map(|event| event.id.clone()).or(since);
        self.listens = Some((id.to_owned(), last));
    }

    fn show(&mut self, stack: &Stack) {
        if self.shown.as_ref() != Some(&stack.status) {
            (self.see)(Sight::State(&stack.status));
            self.shown = Some(stack.status.clone());
        }
    }
}
