//! What the calls of CloudFormation do to the cloud in memory: one stack of a name in each account and region, change
//! sets, and operations that go on after their call.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::cloud::{FakeCloud, State, no};
use super::state::Moment;
use crate::provider::{Answer, Failure, Tags};
use crate::stacks::shelf::{TemplateBucket, key};
use crate::stacks::{
    ChangeKind, ChangeSet, Execution, Made, Making, NewChangeSet, Stack, StackEvent, StackState, Stacks,
};

/// How long an operation takes.
const WORKING: SignedDuration = SignedDuration::from_secs(2);

/// A stack.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) stack: Stack,
    pub(crate) template: String,
    /// When what goes on is over, and what the stack is then: gone, if nothing.
    due: Option<(Timestamp, Option<StackState>)>,
    events: Vec<StackEvent>,
}

/// A change set.
#[derive(Debug, Clone)]
struct Set {
    made: Made,
    key: Key,
    name: String,
    template: String,
    parameters: BTreeMap<String, String>,
    tags: Tags,
    /// Of the stack when it was made.
    base: Option<String>,
    begun: bool,
}

/// Account, region and name.
type Key = (String, String, String);

/// All stacks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Formation {
    pub(crate) stacks: BTreeMap<Key, Held>,
    sets: Vec<Set>,
    /// Operations that were begun: `create cellc-a`.
    pub(crate) begun: Vec<String>,
}

impl Formation {
    /// Lets what is due come to its end.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.stacks.retain(|_, held| {
            let Some((_, state)) = held.due.take_if(|(at, _)| *at <= now) else { return true };
            let Some(state) = state else { return false };
            state.name().clone_into(&mut held.stack.status);
            true
        });
    }

    fn find(&self, key: &Key, stack: &str) -> Option<&Held> {
        self.stacks.get(key).filter(|held| stack == held.stack.name || stack == held.stack.id)
    }
}

/// CloudFormation in one account and region.
#[derive(Debug)]
pub(crate) struct There<'a> {
    pub(crate) cloud: &'a FakeCloud,
    pub(crate) account: String,
    pub(crate) region: String,
}

impl There<'_> {
    /// By a name, or an ARN.
    fn key(&self, stack: &str) -> Key {
        let name = stack.split('/').nth(1).unwrap_or(stack);
        (self.account.clone(), self.region.clone(), name.to_owned())
    }

    fn read<T>(
        &self,
        call: &'static str,
        stack: &str,
        look: impl FnOnce(&State, Option<&Held>) -> Answer<T>,
    ) -> Answer<T> {
        self.cloud.read(call, |state| {
            if !state.accounts.contains_key(&self.account) {
                return no(call, Failure::Denied, "there is no such account");
            }
            look(state, state.formation.find(&self.key(stack), stack))
        })
    }
}

fn set_of<'s>(state: &'s State, key: &Key, name: &str) -> Option<&'s Set> {
    let is = |set: &&Set| set.key == *key && (set.name == name || set.made.change_set == name);
    state.formation.sets.iter().find(is)
}

impl Stacks for There<'_> {
    fn stack(&self, stack: &str) -> Answer<Option<Stack>> {
        self.read("cloudformation:DescribeStacks", stack, |_, held| Ok(held.map(|held| held.stack.clone())))
    }

    fn template(&self, stack: &str) -> Answer<Option<String>> {
        self.read("cloudformation:GetTemplate", stack, |_, held| Ok(held.map(|held| held.template.clone())))
    }

    fn newest_event(&self, stack: &str) -> Answer<Option<String>> {
        Ok(self.events(stack, None)?.pop().map(|event| event.id))
    }

    fn events(&self, stack: &str, since: Option<&str>) -> Answer<Vec<StackEvent>> {
        self.read("cloudformation:DescribeStackEvents", stack, |_, held| {
            let mut all = held.map(|held| held.events.clone()).unwrap_or_default();
            let known = all.iter().position(|event| Some(event.id.as_str()) == since);
            Ok(all.split_off(known.map_or(0, |at| at + 1)))
        })
    }

    fn change_set(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>> {
        let key = self.key(stack);
        self.read("cloudformation:DescribeChangeSet", stack, |state, held| {
            let Some(set) = set_of(state, &key, name) else { return Ok(None) };
            let same = held.is_some_and(|held| {
                held.stack.state() != Some(StackState::ReviewInProgress)
                    && (&held.template, &held.stack.parameters, &held.stack.tags)
                        == (&set.template, &set.parameters, &set.tags)
            });
            let obsolete = held.map(|held| base(&held.stack)) != set.base;
            let execution = match (set.begun, obsolete) {
                (true, _) => Execution::Begun,
                (false, true) => Execution::Obsolete,
                (false, false) => Execution::Available,
            };
            let (making, reason) = if same && !set.begun {
                (Making::Failed, "The submitted information didn't contain changes.")
            } else {
                (Making::Complete, "")
            };
            let (made, reason) = (set.made.clone(), reason.to_owned());
            Ok(Some(ChangeSet { made, making, execution, reason, changes: Vec::new() }))
        })
    }

    fn shelve(&self, bucket: &TemplateBucket, template: &str) -> Answer<String> {
        Ok(bucket.url("us-east-1", &key(template)))
    }

    fn create_change_set(&self, wanted: &NewChangeSet<'_>) -> Answer<Made> {
        let call = "cloudformation:CreateChangeSet";
        let key = self.key(wanted.stack);
        self.cloud.write(call, |state, _| {
            if !state.accounts.contains_key(&self.account) {
                return no(call, Failure::Denied, "there is no such account");
            }
            if let Some(set) = set_of(state, &key, wanted.name) {
                return Ok(set.made.clone());
            }
            let number = state.number();
            let known = state.formation.stacks.get(&key);
            match (wanted.kind, known.and_then(|held| held.stack.state())) {
                (ChangeKind::Create, Some(StackState::ReviewInProgress) | None) | (ChangeKind::Update, Some(_)) => {}
                other => return no(call, Failure::Invalid, format!("{other:?}")),
            }
            let (account, region, name) = &key;
            let arn = |what: &str| format!("arn:aws:cloudformation:{region}:{account}:{what}/{number}");
            let held = state.formation.stacks.entry(key.clone()).or_insert_with(|| Held {
                stack: Stack {
                    id: arn(&format!("stack/{name}")),
                    name: name.clone(),
                    status: StackState::ReviewInProgress.name().to_owned(),
                    reason: None,
                    updated: None,
                    change_set: None,
                    parameters: BTreeMap::new(),
                    tags: Tags::new(),
                    outputs: BTreeMap::new(),
                },
                template: String::new(),
                due: None,
                events: Vec::new(),
            });
            let made = Made { change_set: arn(&format!("changeSet/{}", wanted.name)), stack: held.stack.id.clone() };
            let base = Some(base(&held.stack));
            state.formation.sets.push(Set {
                made: made.clone(),
                key: key.clone(),
                name: wanted.name.to_owned(),
                template: wanted.template.to_owned(),
                parameters: wanted.parameters.clone(),
                tags: wanted.tags.clone(),
                base,
                begun: false,
            });
            Ok(made)
        })
    }

    fn execute_change_set(&self, made: &Made, token: &str) -> Answer<()> {
        let (call, key) = ("cloudformation:ExecuteChangeSet", self.key(&made.stack));
        self.cloud.write(call, |state, at| {
            let Formation { stacks, sets, begun } = &mut state.formation;
            let (Some(held), Some(set)) = (
                stacks.get_mut(&key),
                sets.iter_mut().find(|set| set.made.change_set == made.change_set && !set.begun),
            ) else {
                return no(call, Failure::Invalid, "there is no such change set to execute");
            };
            if Some(base(&held.stack)) != set.base {
                return no(call, Failure::Invalid, "it is obsolete");
            }
            set.begun = true;
            let creates = held.stack.state() == Some(StackState::ReviewInProgress);
            begun.push(format!("{} {}", if creates { "create" } else { "update" }, held.stack.name));
            let (going, ends) = match (creates, at.fails) {
                (true, false) => (StackState::CreateInProgress, StackState::CreateComplete),
                (true, true) => (StackState::CreateInProgress, StackState::RollbackComplete),
                (false, false) => (StackState::UpdateInProgress, StackState::UpdateComplete),
                (false, true) => (StackState::UpdateInProgress, StackState::UpdateRollbackComplete),
            };
            if creates || !at.fails {
                held.template.clone_from(&set.template);
                held.stack.parameters.clone_from(&set.parameters);
                held.stack.tags.clone_from(&set.tags);
            }
            held.stack.change_set = Some(made.change_set.clone());
            begin(held, at, (going, Some(ends)), token);
            Ok(())
        })
    }

    fn delete_change_set(&self, made: &Made) -> Answer<()> {
        self.cloud.write("cloudformation:DeleteChangeSet", |state, _| {
            state.formation.sets.retain(|set| set.made != *made);
            Ok(())
        })
    }

    fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        let key = self.key(id);
        self.cloud.write("cloudformation:DeleteStack", |state, at| {
            let Formation { stacks, sets, begun } = &mut state.formation;
            let Some(held) = stacks.get_mut(&key).filter(|held| held.stack.id == id) else { return Ok(()) };
            sets.retain(|set| set.key != key);
            if held.stack.state() == Some(StackState::DeleteInProgress) {
                return Ok(());
            }
            begun.push(format!("delete {}", held.stack.name));
            let ends = at.fails.then_some(StackState::DeleteFailed);
            begin(held, at, (StackState::DeleteInProgress, ends), token);
            Ok(())
        })
    }

    fn continue_rollback(&self, _id: &str, _token: &str) -> Answer<()> {
        no("cloudformation:ContinueUpdateRollback", Failure::Invalid, "nothing is stuck here")
    }
}

/// What tells a stack from itself after another operation.
fn base(stack: &Stack) -> String {
    format!("{} {:?}", stack.id, stack.change_set)
}

/// Something goes on from here.
fn begin(held: &mut Held, at: Moment, (going, ends): (StackState, Option<StackState>), token: &str) {
    going.name().clone_into(&mut held.stack.status);
    held.stack.updated = Some(at.now.to_string());
    held.due = Some((at.now + WORKING, ends));
    let mut tell = |logical: &str, kind: &str, status: &str, reason: &str| {
        let id = format!("{}/{}", held.stack.id, held.events.len());
        let of = |text: &str| text.to_owned();
        let (at, token) = (at.now.to_string(), Some(of(token)));
        let (logical, kind, status, reason) = (of(logical), of(kind), of(status), of(reason));
        held.events.push(StackEvent { id, at, logical, kind, status, reason, token });
    };
    if at.fails {
        tell("Resource", "AWS::CloudWatch::Alarm", "CREATE_FAILED", "by the script");
    }
    tell(&held.stack.name.clone(), "AWS::CloudFormation::Stack", going.name(), "User Initiated");
}
