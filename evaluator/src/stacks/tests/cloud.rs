//! CloudFormation in memory, for tests: as strict and as slow as AWS in what the driver relies on, with one trouble at
//! a time on demand. It shares no code with the driver.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::apply::tests::time::StillClock;
use crate::plan::desired::ADDRESS_TAG;
use crate::provider::{Answer, Clock, CloudError, Failure, Tags};
use crate::stacks::shelf::{TemplateBucket, key};
use crate::stacks::wish::TEMPLATE_BYTES;
use crate::stacks::{
    ChangeKind, ChangeSet, Execution, Made, Making, NewChangeSet, ResourceChange, Stack, StackEvent, Stacks, Wanted,
    token,
};

/// The stack that the tests deploy.
pub(super) const NAME: &str = "query-shop";

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trouble {
    /// It does not arrive.
    Lost,
    /// It acts, and its answer does not arrive.
    LostAfter,
    Throttled,
    Denied,
    Conflict,
    /// It acts, and the answer says that it failed.
    UnavailableAfter,
    /// A read answers from before the last write.
    Stale,
    /// The operation or the change set that it begins fails later.
    FailsLater,
    /// It fails later, and so does taking it back.
    GetsStuck,
    /// Somebody else updates the stack just before, unless it is a reading of events.
    Meddled,
}

impl Trouble {
    pub(super) const ALL: [Self; 10] = [
        Self::Lost,
        Self::LostAfter,
        Self::Throttled,
        Self::Denied,
        Self::Conflict,
        Self::UnavailableAfter,
        Self::Stale,
        Self::FailsLater,
        Self::GetsStuck,
        Self::Meddled,
    ];
}

/// What a stack consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    template: String,
    parameters: BTreeMap<String, String>,
    pub(super) tags: Tags,
}

#[derive(Debug, Clone)]
struct Held {
    id: String,
    status: &'static str,
    updated: Option<String>,
    change_set: Option<String>,
    content: Content,
    /// What it goes back to.
    before: Content,
    /// States to come, the next one first.
    course: Vec<(Timestamp, &'static str)>,
    token: Option<String>,
    events: Vec<StackEvent>,
}

#[derive(Debug, Clone)]
struct Set {
    made: Made,
    name: String,
    kind: ChangeKind,
    content: Content,
    ready: Timestamp,
    /// Of the stack when it was made.
    base: Option<String>,
    broken: bool,
    begun: bool,
}

/// An operation that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) what: &'static str,
    token: String,
}

#[derive(Debug, Clone, Default)]
struct State {
    stacks: Vec<Held>,
    sets: Vec<Set>,
    operations: Vec<Operation>,
    /// Templates in buckets, by URL.
    shelf: BTreeMap<String, String>,
    ids: u32,
}

#[derive(Debug, Default)]
struct Script {
    trouble: Option<(u32, Trouble)>,
    asked: u32,
    struck: bool,
}

/// CloudFormation of one account and region.
#[derive(Debug)]
pub(super) struct Cloud {
    clock: Arc<StillClock>,
    state: Mutex<State>,
    before: Mutex<State>,
    script: Mutex<Script>,
    /// Are events refused?
    pub(super) deaf: AtomicBool,
}

pub(super) fn wanted(release: &str) -> Wanted {
    let tags = [(ADDRESS_TAG, "deployment.shop.query"), ("release", release)];
    Wanted {
        bucket: None,
        stack: NAME.to_owned(),
        template: format!("Resources: {{Q: {{Type: AWS::SQS::Queue}}}} # {release}"),
        parameters: BTreeMap::from([("Size".to_owned(), release.to_owned())]),
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect(),
        capabilities: Vec::new(),
        token: token("plan-1", release),
        known: None,
    }
}

pub(super) fn content(wanted: &Wanted) -> Content {
    Content { template: wanted.template.clone(), parameters: wanted.parameters.clone(), tags: wanted.tags.clone() }
}

/// Where an operation that somebody else began comes to.
fn end_of(status: &str) -> Option<&'static str> {
    Some(match status {
        "CREATE_IN_PROGRESS" => "CREATE_COMPLETE",
        "ROLLBACK_IN_PROGRESS" => "ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS" => "DELETE_COMPLETE",
        "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_IN_PROGRESS" => "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_IN_PROGRESS" => "IMPORT_ROLLBACK_COMPLETE",
        _ => return None,
    })
}

/// May a change set update a stack in that state? Out of CloudFormation's documentation, not out of the table.
fn takes_updates(status: &str) -> bool {
    let all = [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ];
    all.contains(&status)
}

impl Cloud {
    pub(super) fn new(clock: &Arc<StillClock>) -> Self {
        let (state, before, script) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { clock: Arc::clone(clock), state, before, script, deaf: AtomicBool::new(false) }
    }

    /// The stack is there, in a state, with what was deployed before.
    pub(super) fn seed(&self, status: &'static str, content: Content) {
        let now = self.clock.at();
        let course = end_of(status).map(|end| (now + SignedDuration::from_secs(40), end));
        let mut state = self.state.lock().unwrap();
        let id = state.id("stack/query-shop");
        let content = if status == "REVIEW_IN_PROGRESS" { Content { tags: Tags::new(), ..content } } else { content };
        let mut held = Held::new(id, content);
        held.course.extend(course);
        held.to(status, now, "");
        state.stacks.push(held);
    }

    /// The n-th call from here on goes wrong; counted from 1.
    pub(super) fn script(&self, trouble: Option<(u32, Trouble)>) {
        *self.script.lock().unwrap() = Script { trouble, ..Script::default() };
    }

    /// How many calls there were since the script, and whether its trouble came about.
    pub(super) fn asked(&self) -> (u32, bool) {
        let script = self.script.lock().unwrap();
        (script.asked, script.struck)
    }

    /// Operations since the last time.
    pub(super) fn operations(&self) -> Vec<Operation> {
        std::mem::take(&mut self.state.lock().unwrap().operations)
    }

    /// State and content of the stack that is there now.
    pub(super) fn now(&self) -> Option<(&'static str, Content)> {
        let mut state = self.state.lock().unwrap();
        state.ripen(self.clock.at());
        state.live().map(|held| (held.status, held.content.clone()))
    }

    /// The state of the newest stack of the name, deleted or not.
    pub(super) fn newest(&self) -> Option<&'static str> {
        self.state.lock().unwrap().stacks.last().map(|held| held.status)
    }

    fn strike(&self) -> Option<Trouble> {
        let mut script = self.script.lock().unwrap();
        script.asked += 1;
        let hit = script.trouble.filter(|(nth, _)| *nth == script.asked).map(|(_, trouble)| trouble);
        script.struck |= hit.is_some();
        // An answer takes time, so that no two operations have one time.
        self.clock.sleep(std::time::Duration::from_millis(50));
        hit
    }

    fn read<T>(&self, call: &str, look: impl Fn(&State) -> Answer<T>) -> Answer<T> {
        let trouble = self.strike();
        refused(call, trouble)?;
        if call == "cloudformation:DescribeStackEvents" && self.deaf.load(Ordering::SeqCst) {
            return Err(CloudError::own(call, Failure::Denied, "events are not for you"));
        }
        let mut state = self.state.lock().unwrap();
        state.ripen(self.clock.at());
        match trouble {
            Some(Trouble::Stale) => look(&self.before.lock().unwrap()),
            // What happens to a stack after the last look at it, nobody can tell.
            Some(Trouble::Meddled) if call != "cloudformation:DescribeStackEvents" => {
                state.meddle(self.clock.at());
                look(&state)
            }
            _ => look(&state),
        }
    }

    fn write<T>(&self, call: &str, act: impl Fn(&mut State, Timestamp, Fate) -> Answer<T>) -> Answer<T> {
        let trouble = self.strike();
        refused(call, trouble)?;
        let now = self.clock.at();
        let mut state = self.state.lock().unwrap();
        state.ripen(now);
        if trouble == Some(Trouble::Meddled) {
            state.meddle(now);
        }
        *self.before.lock().unwrap() = state.clone();
        let fate = match trouble {
            Some(Trouble::FailsLater) => Fate::Fails,
            Some(Trouble::GetsStuck) => Fate::Stuck,
            _ => Fate::Well,
        };
        let answer = act(&mut state, now, fate);
        match trouble {
            Some(Trouble::LostAfter) => Err(CloudError::own(call, Failure::Lost, "no answer")),
            Some(Trouble::UnavailableAfter) => Err(CloudError::own(call, Failure::Unavailable, "internal failure")),
            _ => answer,
        }
    }
}

fn refused(call: &str, trouble: Option<Trouble>) -> Answer<()> {
    let failure = match trouble {
        Some(Trouble::Lost) => Failure::Lost,
        Some(Trouble::Throttled) => Failure::Throttled,
        Some(Trouble::Denied) => Failure::Denied,
        Some(Trouble::Conflict) => Failure::Conflict,
        _ => return Ok(()),
    };
    Err(CloudError::own(call, failure, "trouble"))
}

fn invalid<T>(call: &str, why: impl Into<String>) -> Answer<T> {
    Err(CloudError::own(call, Failure::Invalid, why))
}

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Fails,
    Stuck,
}

/// The states that an operation goes through.
fn course(what: &str, fate: Fate) -> &'static [&'static str] {
    match (what, fate) {
        ("create", Fate::Well) => &["CREATE_IN_PROGRESS", "CREATE_COMPLETE"],
        ("create", Fate::Fails) => &["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
        ("create", Fate::Stuck) => &["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"],
        ("update", Fate::Well) => &["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
        ("update", Fate::Fails) => &[
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
        ],
        ("update", Fate::Stuck) => &["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
        ("delete", Fate::Well) => &["DELETE_IN_PROGRESS", "DELETE_COMPLETE"],
        ("delete", _) => &["DELETE_IN_PROGRESS", "DELETE_FAILED"],
        ("continue", Fate::Well) => &["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        _ => &["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
    }
}

impl Held {
    fn new(id: String, content: Content) -> Self {
        Self {
            id,
            status: "REVIEW_IN_PROGRESS",
            updated: None,
            change_set: None,
            before: content.clone(),
            content,
            course: Vec::new(),
            token: None,
            events: Vec::new(),
        }
    }

    fn to(&mut self, status: &'static str, at: Timestamp, reason: &str) {
        self.status = status;
        if status.contains("ROLLBACK") && status != "ROLLBACK_FAILED" {
            self.content = self.before.clone();
        }
        if status == "UPDATE_ROLLBACK_IN_PROGRESS" || status == "ROLLBACK_IN_PROGRESS" {
            self.event("Q", "AWS::SQS::Queue", "UPDATE_FAILED", at, "the queue is full");
        }
        self.event(NAME, "AWS::CloudFormation::Stack", status, at, reason);
    }

    fn event(&mut self, logical: &str, kind: &str, status: &str, at: Timestamp, reason: &str) {
        self.events.push(StackEvent {
            id: format!("event-{}", self.events.len()),
            at: at.to_string(),
            logical: logical.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            token: self.token.clone(),
        });
    }

    fn begin(&mut self, what: &str, token: &str, at: Timestamp, fate: Fate) {
        self.token = Some(token.to_owned());
        let mut due = at;
        let mut states = course(what, fate).iter();
        if let Some(first) = states.next() {
            self.to(first, at, "User Initiated");
        }
        for status in states {
            due += SignedDuration::from_secs(20);
            self.course.push((due, status));
        }
    }

    fn goes_on(&self) -> bool {
        !self.course.is_empty()
    }

    fn shown(&self) -> Stack {
        Stack {
            id: self.id.clone(),
            name: NAME.to_owned(),
            status: self.status.to_owned(),
            reason: None,
            updated: self.updated.clone(),
            change_set: self.change_set.clone(),
            parameters: self.content.parameters.clone(),
            tags: self.content.tags.clone(),
            outputs: BTreeMap::new(),
        }
    }
}

impl State {
    fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("arn:aws:cloudformation:eu-west-1:111122223333:{kind}/{}", self.ids)
    }

    fn ripen(&mut self, now: Timestamp) {
        for held in &mut self.stacks {
            while held.course.first().is_some_and(|(due, _)| *due <= now) {
                let (due, status) = held.course.remove(0);
                held.to(status, due, "");
            }
        }
    }

    fn live(&self) -> Option<&Held> {
        self.stacks.iter().find(|held| held.status != "DELETE_COMPLETE")
    }

    fn find(&self, stack: &str) -> Option<&Held> {
        if stack == NAME { self.live() } else { self.stacks.iter().find(|held| held.id == stack) }
    }

    fn find_mut(&mut self, stack: &str) -> Option<&mut Held> {
        let id = self.find(stack)?.id.clone();
        self.stacks.iter_mut().find(|held| held.id == id)
    }

    /// Somebody else updates the stack, and is done.
    fn meddle(&mut self, now: Timestamp) {
        let Some(held) = self.find_mut(NAME).filter(|held| takes_updates(held.status) && !held.goes_on()) else {
            return;
        };
        held.updated = Some(now.to_string());
        held.change_set = Some("arn:of:somebody".to_owned());
        held.token = Some("somebody".to_owned());
        held.content.parameters.insert("Size".to_owned(), "theirs".to_owned());
        held.to("UPDATE_COMPLETE", now, "");
    }

    fn shown(&self, set: &Set, now: Timestamp) -> ChangeSet {
        let held = self.stacks.iter().find(|held| held.id == set.made.stack);
        let same = held.is_some_and(|held| held.content == set.content) && set.kind == ChangeKind::Update;
        let base = held.and_then(|held| held.updated.clone());
        let (making, execution, reason) = if now < set.ready {
            (Making::UnderWay, Execution::Unavailable, "")
        } else if set.begun {
            (Making::Complete, Execution::Begun, "")
        } else if set.broken {
            (Making::Failed, Execution::Unavailable, "the macro failed")
        } else if base != set.base {
            (Making::Complete, Execution::Obsolete, "")
        } else if same {
            let words = "The submitted information didn't contain changes. Submit different information.";
            (Making::Failed, Execution::Unavailable, words)
        } else {
            (Making::Complete, Execution::Available, "")
        };
        let change = ResourceChange {
            action: "Modify".to_owned(),
            logical: "Q".to_owned(),
            physical: None,
            kind: "AWS::SQS::Queue".to_owned(),
            replacement: "False".to_owned(),
        };
        ChangeSet { made: set.made.clone(), making, execution, reason: reason.to_owned(), changes: vec![change] }
    }

    fn make(&mut self, wanted: &NewChangeSet<'_>, now: Timestamp, fate: Fate) -> Answer<Made> {
        let call = "cloudformation:CreateChangeSet";
        let status = self.live().map(|held| held.status);
        match (wanted.kind, status) {
            (ChangeKind::Create, None | Some("REVIEW_IN_PROGRESS")) => {}
            (ChangeKind::Create, Some(status)) => return invalid(call, format!("Stack already exists: {status}")),
            (ChangeKind::Update, Some(status)) if takes_updates(status) => {}
            (ChangeKind::Update, status) => return invalid(call, format!("cannot be updated: {status:?}")),
        }
        let template = match wanted.url {
            None if wanted.template.len() > TEMPLATE_BYTES => {
                return invalid(call, "a request takes no such template");
            }
            None => wanted.template,
            Some(url) => match self.shelf.get(url) {
                Some(text) => text,
                None => return invalid(call, "S3 error: The specified key does not exist."),
            },
        };
        let content = Content {
            template: template.to_owned(),
            parameters: wanted.parameters.clone(),
            tags: wanted.tags.clone(),
        };
        if status.is_none() {
            let id = self.id("stack/query-shop");
            let mut held = Held::new(id, content.clone());
            held.to("REVIEW_IN_PROGRESS", now, "");
            self.stacks.push(held);
        }
        let (stack, base) = self.live().map(|held| (held.id.clone(), held.updated.clone())).unwrap();
        if let Some(set) = self.sets.iter().find(|set| set.made.stack == stack && set.name == wanted.name) {
            return Ok(set.made.clone());
        }
        let made = Made { change_set: self.id("changeSet"), stack };
        self.sets.push(Set {
            made: made.clone(),
            name: wanted.name.to_owned(),
            kind: wanted.kind,
            content,
            ready: now + SignedDuration::from_secs(2),
            base,
            broken: fate != Fate::Well,
            begun: false,
        });
        Ok(made)
    }

    fn execute(&mut self, made: &Made, token: &str, now: Timestamp, fate: Fate) -> Answer<()> {
        let call = "cloudformation:ExecuteChangeSet";
        if self.operations.iter().any(|done| done.token == token) {
            return Ok(());
        }
        let Some(set) = self.sets.iter().find(|set| set.made == *made).cloned() else {
            return Err(CloudError::own(call, Failure::NotFound, "no such change set"));
        };
        if self.shown(&set, now).execution != Execution::Available {
            return invalid(call, "the change set cannot be executed");
        }
        self.sets.retain(|other| other.made.stack != made.stack || other.made == *made);
        self.sets.iter_mut().for_each(|set| set.begun |= set.made == *made);
        let what = if set.kind == ChangeKind::Create { "create" } else { "update" };
        self.operations.push(Operation { what, token: token.to_owned() });
        let held = self.find_mut(&made.stack).unwrap();
        held.before = if what == "create" { set.content.clone() } else { held.content.clone() };
        held.content = set.content;
        held.change_set = Some(made.change_set.clone());
        held.updated = if what == "create" { None } else { Some(now.to_string()) };
        held.begin(what, token, now, fate);
        Ok(())
    }

    fn operate(&mut self, what: &'static str, id: &str, token: &str, now: Timestamp, fate: Fate) -> Answer<()> {
        if self.operations.iter().any(|done| done.token == token) {
            return Ok(());
        }
        let Some(held) = self.find_mut(id) else { return invalid(what, "no such stack") };
        match (what, held.status) {
            ("delete", "DELETE_COMPLETE" | "DELETE_IN_PROGRESS") => return Ok(()),
            ("delete", status) if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" => {
                return invalid(what, status);
            }
            ("continue", status) if status != "UPDATE_ROLLBACK_FAILED" => return invalid(what, status),
            _ => {}
        }
        held.begin(what, token, now, fate);
        self.operations.push(Operation { what, token: token.to_owned() });
        Ok(())
    }
}

impl Stacks for Cloud {
    fn stack(&self, stack: &str) -> Answer<Option<Stack>> {
        self.read("cloudformation:DescribeStacks", |state| Ok(state.find(stack).map(Held::shown)))
    }

    fn template(&self, stack: &str) -> Answer<Option<String>> {
        let template = |held: &Held| held.content.template.clone();
        self.read("cloudformation:GetTemplate", |state| Ok(state.find(stack).map(template)))
    }

    fn newest_event(&self, stack: &str) -> Answer<Option<String>> {
        let newest = |held: &Held| held.events.last().map(|event| event.id.clone());
        self.read("cloudformation:DescribeStackEvents", |state| Ok(state.find(stack).and_then(newest)))
    }

    fn events(&self, stack: &str, since: Option<&str>) -> Answer<Vec<StackEvent>> {
        self.read("cloudformation:DescribeStackEvents", |state| {
            let all = state.find(stack).map_or(&[][..], |held| &held.events);
            let from = all.iter().position(|event| Some(event.id.as_str()) == since).map_or(0, |at| at + 1);
            Ok(all[from..].to_vec())
        })
    }

    fn change_set(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>> {
        let now = self.clock.at();
        self.read("cloudformation:DescribeChangeSet", |state| {
            let Some(held) = state.find(stack) else { return Ok(None) };
            let mut sets = state.sets.iter().filter(|set| set.made.stack == held.id);
            let found = sets.find(|set| set.name == name || set.made.change_set == name);
            Ok(found.map(|set| state.shown(set, now)))
        })
    }

    fn shelve(&self, bucket: &TemplateBucket, template: &str) -> Answer<String> {
        let url = bucket.url("us-east-1", &key(template));
        self.write("s3:PutObject", |state, _, _| {
            state.shelf.entry(url.clone()).or_insert_with(|| template.to_owned());
            Ok(url.clone())
        })
    }

    fn create_change_set(&self, wanted: &NewChangeSet<'_>) -> Answer<Made> {
        self.write("cloudformation:CreateChangeSet", |state, now, fate| state.make(wanted, now, fate))
    }

    fn execute_change_set(&self, made: &Made, token: &str) -> Answer<()> {
        self.write("cloudformation:ExecuteChangeSet", |state, now, fate| state.execute(made, token, now, fate))
    }

    fn delete_change_set(&self, made: &Made) -> Answer<()> {
        self.write("cloudformation:DeleteChangeSet", |state, _, _| {
            state.sets.retain(|set| set.made != *made);
            Ok(())
        })
    }

    fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        self.write("cloudformation:DeleteStack", |state, now, fate| state.operate("delete", id, token, now, fate))
    }

    fn continue_rollback(&self, id: &str, token: &str) -> Answer<()> {
        let call = "cloudformation:ContinueUpdateRollback";
        self.write(call, |state, now, fate| state.operate("continue", id, token, now, fate))
    }
}
