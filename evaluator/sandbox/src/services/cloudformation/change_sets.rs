//! Change sets: made, shown, executed, deleted.

use super::course::{Beginning, Operation, begin, changes};
use super::operations::{add, is_known, takes_update};
use super::{Key, arn, content, parameters, seek, wrong};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, Millis, iso, tag_list};
use crate::paging::{CLOUDFORMATION, page};
use crate::service::{Handler, Op};
use crate::stacks::{Change, ChangeSet, Content, Stack};
use crate::state::State;
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("CreateChangeSet", Handler::Write(create)),
    ("DescribeChangeSet", Handler::Read(describe)),
    ("ExecuteChangeSet", Handler::Write(execute)),
    ("DeleteChangeSet", Handler::Write(delete)),
];

const NOTHING: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

fn no_set(name: &str) -> ApiError {
    ApiError::new("ChangeSetNotFound", 404, format!("ChangeSet [{name}] does not exist"))
}

/// A change set by its name and its stack's, or by its ARN.
pub(super) fn find<'a>(
    state: &'a State,
    cx: &Cx<'_>,
    input: Input<'_>,
) -> Result<(Key, &'a ChangeSet, &'a Stack), ApiError> {
    let name = input.text("ChangeSetName");
    let owner = match (input.optional("StackName"), name.starts_with("arn:")) {
        (Some(stack), _) => stack.to_owned(),
        (None, true) => {
            let mut all = state.stacks.change_sets.iter();
            let owner = all.find(|((_, id), _)| id == name).map(|((stack, _), _)| stack.clone());
            owner.ok_or_else(|| no_set(name))?
        }
        (None, false) => {
            return Err(wrong("StackName must be specified if ChangeSetName is not specified as an ARN."));
        }
    };
    let (key, stack) = seek(state, cx, input, &owner).ok_or_else(|| super::no_stack(&owner))?;
    let mut all = state.stacks.change_sets.under(&key.1);
    let found = all.find(|(id, set)| *id == name || set.name == name).map(|(id, _)| id.to_owned());
    let key = (key.1.clone(), found.ok_or_else(|| no_set(name))?);
    let set = state.stacks.change_sets.get(&key).ok_or_else(|| no_set(name))?;
    Ok((key, set, stack))
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let creates = input.optional("ChangeSetType") == Some("CREATE");
    if !matches!(input.optional("ChangeSetType"), None | Some("CREATE" | "UPDATE")) {
        return Err(wrong("The sandbox makes change sets of the types CREATE and UPDATE only."));
    }
    let name = input.owned("ChangeSetName");
    let found = seek(state, cx, input, input.text("StackName"));
    if let Some((key, _)) = &found
        && let Some((id, set)) = state.stacks.change_sets.under(&key.1).find(|(_, set)| set.name == name)
    {
        if set.token.is_some() && set.token.as_deref() == input.optional("ClientToken") {
            return Ok(json!({"Id": id, "StackId": key.1}));
        }
        let message =
            format!("ChangeSet {name} cannot be created due to a mismatch with existing attribute Template");
        return Err(ApiError::client("AlreadyExistsException", message));
    }
    let before = match &found {
        Some((_, stack)) if creates && stack.status == "REVIEW_IN_PROGRESS" => None,
        Some((_, stack)) if creates => {
            let message = format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{name}].",
                stack.name
            );
            return Err(wrong(message));
        }
        Some((key, stack)) => {
            takes_update(key, stack)?;
            Some(stack.content.clone())
        }
        None if creates => None,
        None => return Err(wrong(format!("Stack [{}] does not exist", input.text("StackName")))),
    };
    let wanted = content(state, input, before.as_ref())?;
    let key = match found.map(|(key, _)| key) {
        Some(key) => key,
        None => in_review(state, cx, input, wanted.clone()),
    };
    let id = arn(cx, input, &format!("changeSet/{name}/{}", state.ids.guid()));
    let Some(stack) = state.stacks.stacks.get(&key) else { return Err(super::no_stack(&key.1)) };
    let none = Content::default();
    let all = changes(before.as_ref().unwrap_or(&none), &wanted);
    let change = |(action, logical, kind): (&str, String, String)| Change {
        action: action.to_owned(),
        physical: stack.resources.get(&logical).cloned(),
        logical,
        kind,
    };
    let nothing = before.as_ref() == Some(&wanted);
    let set = ChangeSet {
        name,
        creates,
        created: cx.now,
        ready: cx.now + Millis::try_from(cx.config.delays.stack_step.as_millis()).unwrap_or(0),
        fails: cx.fail.map(str::to_owned).or_else(|| nothing.then(|| NOTHING.to_owned())),
        base: stack.operations,
        executed: None,
        token: input.optional("ClientToken").map(str::to_owned),
        changes: all.into_iter().map(change).collect(),
        keeps: input.text("OnStackFailure") == "DO_NOTHING",
        content: wanted,
    };
    state.stacks.change_sets.insert((key.1.clone(), id.clone()), set);
    Ok(json!({"Id": id, "StackId": key.1}))
}

/// A name for a stack that is going to be created.
fn in_review(state: &mut State, cx: &Cx<'_>, input: Input<'_>, content: Content) -> Key {
    let key = add(state, cx, input, content);
    super::course::note(state, cx, &key, "REVIEW_IN_PROGRESS");
    key
}

/// Status, execution status and reason.
fn status(set: &ChangeSet, stack: &Stack, now: Millis) -> (&'static str, &'static str, Option<String>) {
    if now < set.ready {
        return ("CREATE_IN_PROGRESS", "UNAVAILABLE", None);
    }
    if let Some(why) = &set.fails {
        return ("FAILED", "UNAVAILABLE", Some(why.clone()));
    }
    let execution = match set.executed {
        Some(at) if at == stack.operations && super::is_busy(stack) => "EXECUTE_IN_PROGRESS",
        Some(at) if at == stack.operations && stack.status.contains("ROLLBACK") => "EXECUTE_FAILED",
        Some(_) => "EXECUTE_COMPLETE",
        None if set.base != stack.operations => "OBSOLETE",
        None => "AVAILABLE",
    };
    ("CREATE_COMPLETE", execution, None)
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let ((stack_id, id), set, stack) = find(state, cx, input)?;
    let (made, execution, reason) = status(set, stack, cx.now);
    let show = |change: &Change| {
        let mut shown = json!({
            "Action": change.action,
            "LogicalResourceId": change.logical,
            "ResourceType": change.kind,
            "Scope": if change.action == "Modify" { json!(["Properties"]) } else { json!([]) },
            "Details": [],
        });
        if change.action == "Modify" {
            shown["Replacement"] = json!("False");
        }
        if let Some(physical) = &change.physical {
            shown["PhysicalResourceId"] = json!(physical);
        }
        json!({"Type": "Resource", "ResourceChange": shown})
    };
    let shown: &[Change] = if made == "CREATE_COMPLETE" { &set.changes } else { &[] };
    let items = shown.iter().enumerate().map(|(at, change)| (format!("{at:010}"), change));
    let mut answer = page(CLOUDFORMATION, cx, input, "Changes", items, show)?;
    let more = json!({
        "ChangeSetName": set.name,
        "ChangeSetId": id,
        "StackId": stack_id,
        "StackName": stack.name,
        "Parameters": parameters(&set.content),
        "CreationTime": iso(set.created, true),
        "ExecutionStatus": execution,
        "Status": made,
        "StatusReason": reason,
        "NotificationARNs": [],
        "Capabilities": set.content.capabilities,
        "Tags": tag_list(&set.content.tags),
        "IncludeNestedStacks": false,
    });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    Ok(answer)
}

fn execute(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let token = input.optional("ClientRequestToken");
    let (set_key, set, stack) = find(state, cx, input)?;
    let operation = if set.creates { Operation::Create } else { Operation::Update };
    if is_known(stack, operation, token)? {
        return Ok(json!({}));
    }
    let (made, execution, _) = status(set, stack, cx.now);
    if execution != "AVAILABLE" {
        let message = format!(
            "ChangeSet [{}] cannot be executed in its current status of [{}]",
            set_key.1,
            if made == "CREATE_COMPLETE" { execution } else { made }
        );
        return Err(ApiError::client("InvalidChangeSetStatus", message));
    }
    let keeps = set.keeps || input.flag("DisableRollback");
    let (wanted, creates) = (set.content.clone(), set.creates);
    let key = (super::place(cx, input), set_key.0.clone());
    // The other change sets of the stack are deleted with it.
    let others = state.stacks.change_sets.under(&set_key.0).map(|(id, _)| id.to_owned());
    for other in others.filter(|id| *id != set_key.1).collect::<Vec<_>>() {
        state.stacks.change_sets.remove(&(set_key.0.clone(), other));
    }
    if let Some(stack) = state.stacks.stacks.get_mut(&key) {
        stack.before = if creates { wanted.clone() } else { stack.content.clone() };
        stack.content = wanted;
        stack.change_set = Some(set_key.1.clone());
        stack.updated = Some(cx.now);
    }
    begin(state, cx, &key, &Beginning { operation, token, keeps });
    let operations = state.stacks.stacks.get(&key).map(|stack| stack.operations);
    if let Some(set) = state.stacks.change_sets.get_mut(&set_key) {
        set.executed = operations;
    }
    Ok(json!({}))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = match find(state, cx, input) {
        Ok((key, set, stack)) => {
            if status(set, stack, cx.now).1 == "EXECUTE_IN_PROGRESS" {
                let message = format!("ChangeSet [{}] cannot be deleted in its current status", key.1);
                return Err(ApiError::client("InvalidChangeSetStatus", message));
            }
            key
        }
        // What is not there is deleted.
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(json!({})),
        Err(error) => return Err(error),
    };
    state.stacks.change_sets.remove(&key);
    Ok(json!({}))
}
