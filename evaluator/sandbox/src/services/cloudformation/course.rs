//! What an operation on a stack goes through, and what makes it fail. Owns the courses and how they are gone on with.
//!
//! Resources of types that say so fail: `Custom::FailsCreate…` when it is made, `Custom::FailsUpdate…` when it is
//! changed, `Custom::FailsRollback…` when a change of it is taken back, the first time, `Custom::FailsDelete…` when it is
//! deleted. A fault `fail_async` makes the first resource fail.

use super::functions::Scope;
use super::made::{self, Made};
use super::template::{Resource, Template, read};
use crate::input::Cx;
use crate::stacks::{Act, Content, Event, Stack};
use crate::state::{State, Work};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

pub(super) const OWN: &str = "AWS::CloudFormation::Stack";

/// What is done with a stack.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operation<'a> {
    Create,
    Update,
    Delete { retain: &'a [String] },
    Continue { skip: &'a [String] },
}

impl Operation<'_> {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete { .. } => "delete",
            Self::Continue { .. } => "continue",
        }
    }
}

/// How an operation is begun.
pub(super) struct Beginning<'a> {
    pub(super) operation: Operation<'a>,
    pub(super) token: Option<&'a str>,
    /// No rollback.
    pub(super) keeps: bool,
}

/// Begins an operation on a stack whose content is what is wanted already.
pub(super) fn begin(state: &mut State, cx: &Cx<'_>, key: &(String, String), how: &Beginning<'_>) {
    let Some(stack) = state.stacks.stacks.get_mut(key) else { return };
    stack.operations += 1;
    stack.token = how.token.map(str::to_owned);
    if let Some(token) = how.token {
        stack.tokens.insert(token.to_owned(), how.operation.name().to_owned());
    }
    stack.course = match how.operation {
        Operation::Create => create(&Scope { stack, key }, cx.fail, how.keeps),
        Operation::Update => update(&Scope { stack, key }, cx.fail, how.keeps),
        Operation::Delete { retain } => delete(stack, cx.fail, retain),
        Operation::Continue { skip } => go_on_back(stack, cx.fail, skip),
    };
    // The stack is in its new state when the call is answered.
    advance(state, cx, key);
    next(state, cx, key);
}

/// The next step of a stack's operation is due.
pub(crate) fn proceed(state: &mut State, cx: &Cx<'_>, key: &(String, String)) {
    advance(state, cx, key);
    next(state, cx, key);
}

fn next(state: &mut State, cx: &Cx<'_>, key: &(String, String)) {
    if state.stacks.stacks.get(key).is_some_and(|stack| !stack.course.is_empty()) {
        state.later(cx, cx.config.delays.stack_step, Work::Stack(key.clone()));
    }
}

/// An event of the stack itself, beside its courses.
pub(super) fn note(state: &mut State, cx: &Cx<'_>, key: &(String, String), status: &str) {
    let act = Act { logical: None, kind: OWN.to_owned(), status: status.to_owned(), reason: None };
    if let Some(stack) = state.stacks.stacks.get_mut(key) {
        stack.course.push_front(act);
    }
    advance(state, cx, key);
}

fn advance(state: &mut State, cx: &Cx<'_>, key: &(String, String)) {
    let now = cx.now;
    let made = state.ids.upper(12);
    let event = state.ids.guid();
    let Some(stack) = state.stacks.stacks.get_mut(key) else { return };
    let Some(act) = stack.course.pop_front() else { return };
    if act.logical.is_none() {
        stack.status.clone_from(&act.status);
        stack.reason.clone_from(&act.reason);
        match act.status.as_str() {
            "UPDATE_ROLLBACK_IN_PROGRESS" => stack.content = stack.before.clone(),
            "DELETE_COMPLETE" => stack.deleted = Some(now),
            _ => {}
        }
    }
    let logical = act.logical.clone().unwrap_or_else(|| stack.name.clone());
    let physical = match &act.logical {
        None => key.1.clone(),
        Some(name) => stack.resources.get(name).cloned().unwrap_or_else(|| format!("{}-{name}-{made}", stack.name)),
    };
    let physical = match &act.logical {
        Some(name) => carried_out(state, cx, key, (name, &act), physical),
        None => physical,
    };
    let Some(stack) = state.stacks.stacks.get_mut(key) else { return };
    let token = stack.token.clone();
    let Act { kind, status, reason, .. } = act;
    stack.events.push(Event { id: event, at: now, logical, physical, kind, status, reason, token });
}

/// A step of a resource has been made: it is in the stack, and where it belongs, or not any more. Its physical id.
fn carried_out(
    state: &mut State,
    cx: &Cx<'_>,
    key: &(String, String),
    (name, act): (&String, &Act),
    mut physical: String,
) -> String {
    match act.status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {
            let Some(stack) = state.stacks.stacks.get(key) else { return physical };
            let Some(resource) = template(&stack.content).remove(name) else { return physical };
            let properties = properties(&Scope { stack, key }, &resource);
            let made = Made { kind: &act.kind, place: &key.0, name: &physical, properties: &properties };
            // What its properties refuse was found when the course was written.
            if let Some(Ok(id)) = made::settle(state, cx, &made) {
                // A new name is a new resource.
                if id != physical && act.status == "UPDATE_COMPLETE" {
                    made::remove(state, &act.kind, &key.0, &physical);
                }
                physical = id;
            }
        }
        "DELETE_COMPLETE" => made::remove(state, &act.kind, &key.0, &physical),
        _ => return physical,
    }
    if let Some(stack) = state.stacks.stacks.get_mut(key) {
        if act.status == "DELETE_COMPLETE" {
            stack.resources.remove(name);
        } else {
            stack.resources.insert(name.clone(), physical.clone());
        }
    }
    physical
}

/// A course that is being written.
#[derive(Default)]
struct Course(VecDeque<Act>);

impl Course {
    fn stack(&mut self, status: &str, reason: Option<String>) {
        let (kind, status) = (OWN.to_owned(), status.to_owned());
        self.0.push_back(Act { logical: None, kind, status, reason });
    }

    fn resource(&mut self, name: &str, kind: &str, status: &str, reason: Option<&str>) {
        let (logical, kind) = (Some(name.to_owned()), kind.to_owned());
        self.0.push_back(Act { logical, kind, status: status.to_owned(), reason: reason.map(str::to_owned) });
    }

    /// Deletes resources; says which could not be.
    fn deletes<'a>(
        &mut self,
        all: impl Iterator<Item = (&'a String, &'a Resource)>,
        fail: Option<&str>,
    ) -> Vec<String> {
        let mut failed = Vec::new();
        for (name, resource) in all {
            let why = fail.filter(|_| failed.is_empty()).or_else(|| fails(&resource.kind, "Delete"));
            let status = if why.is_some() { "DELETE_FAILED" } else { "DELETE_COMPLETE" };
            failed.extend(why.map(|_| name.clone()));
            self.resource(name, &resource.kind, "DELETE_IN_PROGRESS", None);
            self.resource(name, &resource.kind, status, why);
        }
        failed
    }
}

fn fails(kind: &str, when: &str) -> Option<&'static str> {
    let asked = kind.strip_prefix("Custom::Fails").is_some_and(|rest| rest.starts_with(when));
    asked.then_some("The resource was asked to fail.")
}

fn template(content: &Content) -> BTreeMap<String, Resource> {
    // Templates were read when they came in.
    read(&content.template).map(|Template { resources, .. }| resources).unwrap_or_default()
}

/// Why a resource cannot be made or changed.
fn fails_now(scope: &Scope<'_>, resource: &Resource, fail: Option<&str>, when: &str) -> Option<String> {
    let asked = fail.or_else(|| fails(&resource.kind, when)).map(str::to_owned);
    asked.or_else(|| made::refusal(&resource.kind, &properties(scope, resource)))
}

fn properties(scope: &Scope<'_>, resource: &Resource) -> Value {
    // It was read from a template.
    let whole: Value = serde_json::from_str(&resource.text).unwrap_or_default();
    scope.computed(whole.get("Properties").unwrap_or(&json!({})))
}

fn create(scope: &Scope<'_>, fail: Option<&str>, keeps: bool) -> VecDeque<Act> {
    let resources = template(&scope.stack.content);
    let mut course = Course::default();
    course.stack("CREATE_IN_PROGRESS", Some("User Initiated".to_owned()));
    let mut made = BTreeMap::new();
    for (name, resource) in &resources {
        let why = fails_now(scope, resource, fail, "Create");
        course.resource(name, &resource.kind, "CREATE_IN_PROGRESS", None);
        if let Some(why) = why {
            course.resource(name, &resource.kind, "CREATE_FAILED", Some(&why));
            let told = format!("The following resource(s) failed to create: [{name}]. ");
            if keeps {
                course.stack("CREATE_FAILED", Some(told));
                return course.0;
            }
            course.stack("ROLLBACK_IN_PROGRESS", Some(told + "Rollback requested by user."));
            let left = course.deletes(made.into_iter().rev(), None);
            if left.is_empty() {
                course.stack("ROLLBACK_COMPLETE", None);
            } else {
                let told = format!("The following resource(s) failed to delete: [{}]. ", left.join(", "));
                course.stack("ROLLBACK_FAILED", Some(told));
            }
            return course.0;
        }
        course.resource(name, &resource.kind, "CREATE_COMPLETE", None);
        made.insert(name, resource);
    }
    course.stack("CREATE_COMPLETE", None);
    course.0
}

/// Resources of the new content that are added or changed, with the word for it.
pub(super) fn changes(before: &Content, after: &Content) -> Vec<(&'static str, String, String)> {
    let (old, new) = (template(before), template(after));
    let names = before.parameters.keys().chain(after.parameters.keys()).map(String::as_str);
    let changed: Vec<&str> =
        names.filter(|name| before.parameters.get(*name) != after.parameters.get(*name)).collect();
    let tagged = before.tags != after.tags;
    let mut all = Vec::new();
    for (name, resource) in &new {
        match old.get(name) {
            None => all.push(("Add", name.clone(), resource.kind.clone())),
            Some(former) if tagged || resource.differs(former, &changed) => {
                all.push(("Modify", name.clone(), resource.kind.clone()));
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    all.extend(gone.map(|(name, resource)| ("Remove", name.clone(), resource.kind.clone())));
    all
}

fn update(scope: &Scope<'_>, fail: Option<&str>, keeps: bool) -> VecDeque<Act> {
    let stack = scope.stack;
    let changes = changes(&stack.before, &stack.content);
    let resources = template(&stack.content);
    let mut course = Course::default();
    course.stack("UPDATE_IN_PROGRESS", Some("User Initiated".to_owned()));
    let mut done: Vec<&(&str, String, String)> = Vec::new();
    for change @ (action, name, kind) in changes.iter().filter(|(action, ..)| *action != "Remove") {
        let word = if *action == "Add" { "CREATE" } else { "UPDATE" };
        let when = if *action == "Add" { "Create" } else { "Update" };
        course.resource(name, kind, &format!("{word}_IN_PROGRESS"), None);
        done.push(change);
        let why = resources.get(name).and_then(|resource| fails_now(scope, resource, fail, when));
        if let Some(why) = why {
            course.resource(name, kind, &format!("{word}_FAILED"), Some(&why));
            let told = format!("The following resource(s) failed to {}: [{name}]. ", word.to_lowercase());
            if keeps {
                course.stack("UPDATE_FAILED", Some(told));
            } else {
                course.stack("UPDATE_ROLLBACK_IN_PROGRESS", Some(told));
                take_back(&mut course, &done);
            }
            return course.0;
        }
        course.resource(name, kind, &format!("{word}_COMPLETE"), None);
    }
    course.stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
    let old = template(&stack.before);
    let gone =
        old.iter().filter(|(name, _)| changes.iter().any(|(action, gone, _)| *action == "Remove" && gone == *name));
    // What cannot be deleted stays behind, and the update has succeeded all the same.
    course.deletes(gone, None);
    course.stack("UPDATE_COMPLETE", None);
    course.0
}

/// Takes changes back; gets stuck at the first that does not let itself.
fn take_back(course: &mut Course, done: &[&(&str, String, String)]) {
    for (_, name, kind) in done.iter().rev() {
        if let Some(why) = fails(kind, "Rollback") {
            course.resource(name, kind, "UPDATE_FAILED", Some(why));
            let told = format!("The following resource(s) failed to update: [{name}]. ");
            return course.stack("UPDATE_ROLLBACK_FAILED", Some(told));
        }
    }
    for (action, name, kind) in done.iter().rev() {
        let status = if *action == "Add" { "DELETE_COMPLETE" } else { "UPDATE_COMPLETE" };
        course.resource(name, kind, status, None);
    }
    course.stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
    course.stack("UPDATE_ROLLBACK_COMPLETE", None);
}

fn delete(stack: &Stack, fail: Option<&str>, retain: &[String]) -> VecDeque<Act> {
    let resources = template(&stack.content);
    let mut course = Course::default();
    course.stack("DELETE_IN_PROGRESS", Some("User Initiated".to_owned()));
    let there = resources.iter().filter(|(name, _)| stack.resources.contains_key(*name) && !retain.contains(name));
    let left = course.deletes(there.rev(), fail);
    if left.is_empty() {
        course.stack("DELETE_COMPLETE", None);
    } else {
        let told = format!("The following resource(s) failed to delete: [{}]. ", left.join(", "));
        course.stack("DELETE_FAILED", Some(told));
    }
    course.0
}

fn go_on_back(stack: &Stack, fail: Option<&str>, skip: &[String]) -> VecDeque<Act> {
    let mut course = Course::default();
    course.stack("UPDATE_ROLLBACK_IN_PROGRESS", Some("User Initiated".to_owned()));
    let resources = template(&stack.before);
    let first = resources.iter().find(|(name, _)| !skip.contains(name));
    if let (Some(why), Some((name, resource))) = (fail, first) {
        course.resource(name, &resource.kind, "UPDATE_FAILED", Some(why));
        let told = format!("The following resource(s) failed to update: [{name}]. ");
        course.stack("UPDATE_ROLLBACK_FAILED", Some(told));
        return course.0;
    }
    for (name, resource) in resources.iter().filter(|(name, _)| !skip.contains(name)) {
        course.resource(name, &resource.kind, "UPDATE_COMPLETE", None);
    }
    course.stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
    course.stack("UPDATE_ROLLBACK_COMPLETE", None);
    course.0
}
