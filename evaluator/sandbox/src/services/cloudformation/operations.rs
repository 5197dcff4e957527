//! Operations on stacks without a change set, and those that all share: tokens, and what state allows what.

use super::course::{Beginning, Operation, begin};
use super::{Key, arn, content, find, is_busy, place, seek, wrong};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::service::{Handler, Op};
use crate::stacks::{Content, Stack};
use crate::state::State;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

pub(super) const OPERATIONS: &[Op] = &[
    ("CreateStack", Handler::Write(create)),
    ("UpdateStack", Handler::Write(update)),
    ("DeleteStack", Handler::Write(delete)),
    ("ContinueUpdateRollback", Handler::Write(continue_rollback)),
];

/// States in which a stack takes an update.
const UPDATABLE: &[&str] = &[
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// Was this very operation begun before? A token of another one is refused.
pub(super) fn is_known(stack: &Stack, operation: Operation<'_>, token: Option<&str>) -> Result<bool, ApiError> {
    match token.and_then(|token| stack.tokens.get(token)) {
        None => Ok(false),
        Some(known) if known == operation.name() => Ok(true),
        Some(_) => {
            let message = "A client request token already exists for another operation.";
            Err(ApiError::client("TokenAlreadyExistsException", message))
        }
    }
}

/// A new stack, with nothing going on.
pub(super) fn add(state: &mut State, cx: &Cx<'_>, input: Input<'_>, content: Content) -> Key {
    let name = input.owned("StackName");
    let id = arn(cx, input, &format!("stack/{name}/{}", state.ids.guid()));
    let key = (place(cx, input), id);
    let stack = Stack {
        name,
        status: "REVIEW_IN_PROGRESS".to_owned(),
        reason: None,
        created: cx.now,
        updated: None,
        deleted: None,
        change_set: None,
        before: content.clone(),
        content,
        course: VecDeque::new(),
        token: None,
        tokens: BTreeMap::new(),
        resources: BTreeMap::new(),
        events: Vec::new(),
        operations: 0,
    };
    state.stacks.stacks.insert(key.clone(), stack);
    key
}

pub(super) fn takes_update(key: &Key, stack: &Stack) -> Result<(), ApiError> {
    if UPDATABLE.contains(&stack.status.as_str()) {
        return Ok(());
    }
    let (id, status) = (&key.1, &stack.status);
    Err(wrong(format!("Stack:{id} is in {status} state and can not be updated.")))
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let token = input.optional("ClientRequestToken");
    if let Some((key, stack)) = seek(state, cx, input, input.text("StackName")) {
        if is_known(stack, Operation::Create, token)? {
            return Ok(json!({"StackId": key.1}));
        }
        let message = format!("Stack [{}] already exists", stack.name);
        return Err(ApiError::client("AlreadyExistsException", message));
    }
    let keeps = input.flag("DisableRollback") || input.text("OnFailure") == "DO_NOTHING";
    let content = content(state, input, None)?;
    let key = add(state, cx, input, content);
    begin(state, cx, &key, &Beginning { operation: Operation::Create, token, keeps });
    Ok(json!({"StackId": key.1}))
}

fn update(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let token = input.optional("ClientRequestToken");
    let (key, stack) = find(state, cx, input)?;
    if is_known(stack, Operation::Update, token)? {
        return Ok(json!({"StackId": key.1}));
    }
    takes_update(&key, stack)?;
    let wanted = content(state, input, Some(&stack.content))?;
    if wanted == stack.content {
        return Err(wrong("No updates are to be performed."));
    }
    let keeps = input.flag("DisableRollback");
    if let Some(stack) = state.stacks.stacks.get_mut(&key) {
        stack.before = std::mem::replace(&mut stack.content, wanted);
        stack.updated = Some(cx.now);
        stack.change_set = None;
    }
    begin(state, cx, &key, &Beginning { operation: Operation::Update, token, keeps });
    Ok(json!({"StackId": key.1}))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let retain: Vec<String> = input.texts("RetainResources").map(str::to_owned).collect();
    let operation = Operation::Delete { retain: &retain };
    let token = input.optional("ClientRequestToken");
    // What is not there is deleted.
    let Some((key, stack)) = seek(state, cx, input, input.text("StackName")) else { return Ok(Value::Null) };
    if stack.status.starts_with("DELETE_") && stack.status != "DELETE_FAILED" || is_known(stack, operation, token)? {
        return Ok(Value::Null);
    }
    if is_busy(stack) {
        let (id, status) = (&key.1, &stack.status);
        return Err(wrong(format!("Stack:{id} is in {status} state and can not be deleted.")));
    }
    if !retain.is_empty() && stack.status != "DELETE_FAILED" {
        return Err(wrong("Invalid operation on stack. RetainResources needs a stack in DELETE_FAILED."));
    }
    begin(state, cx, &key, &Beginning { operation, token, keeps: false });
    Ok(Value::Null)
}

fn continue_rollback(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let skip: Vec<String> = input.texts("ResourcesToSkip").map(str::to_owned).collect();
    let operation = Operation::Continue { skip: &skip };
    let token = input.optional("ClientRequestToken");
    let (key, stack) = find(state, cx, input)?;
    if is_known(stack, operation, token)? {
        return Ok(json!({}));
    }
    if stack.status != "UPDATE_ROLLBACK_FAILED" {
        let (id, status) = (&key.1, &stack.status);
        return Err(wrong(format!("Stack:{id} is in {status} state and can not continue rollback.")));
    }
    begin(state, cx, &key, &Beginning { operation, token, keeps: false });
    Ok(json!({}))
}
