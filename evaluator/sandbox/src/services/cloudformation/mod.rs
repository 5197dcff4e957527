//! CloudFormation, in each account and region its own: what its parts share, and what is read of stacks.

mod change_sets;
mod course;
mod functions;
mod made;
mod operations;
pub(crate) mod shelved;
mod template;

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, iso, tag_list};
use crate::paging::{CLOUDFORMATION, page};
use crate::service::{Handler, Op};
use crate::stacks::{Content, Event, Stack};
use crate::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) use course::proceed;
pub(crate) use made::Made;
use template::Template;

pub(crate) const OPERATIONS: &[&[Op]] = &[READS, operations::OPERATIONS, change_sets::OPERATIONS];

const READS: &[Op] = &[
    ("DescribeStacks", Handler::Read(describe)),
    ("DescribeStackEvents", Handler::Read(events)),
    ("GetTemplate", Handler::Read(get_template)),
    ("GetTemplateSummary", Handler::Read(summary)),
];

/// A stack's place and its ARN.
type Key = (String, String);

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

/// The region that the request was signed for, which the protocol puts beside the members.
fn region<'a>(cx: &'a Cx<'_>, input: Input<'a>) -> &'a str {
    input.optional("Region").unwrap_or(&cx.config.region)
}

fn place(cx: &Cx<'_>, input: Input<'_>) -> String {
    format!("{}/{}", cx.caller.account, region(cx, input))
}

fn arn(cx: &Cx<'_>, input: Input<'_>, what: &str) -> String {
    format!("arn:aws:cloudformation:{}:{}:{what}", region(cx, input), cx.caller.account)
}

fn no_stack(name: &str) -> ApiError {
    wrong(format!("Stack with id {name} does not exist"))
}

/// A stack by its name, or by its ARN, then a deleted one too.
fn find<'a>(state: &'a State, cx: &Cx<'_>, input: Input<'_>) -> Result<(Key, &'a Stack), ApiError> {
    let name = input.text("StackName");
    seek(state, cx, input, name).ok_or_else(|| no_stack(name))
}

fn seek<'a>(state: &'a State, cx: &Cx<'_>, input: Input<'_>, name: &str) -> Option<(Key, &'a Stack)> {
    let place = place(cx, input);
    if name.starts_with("arn:") {
        let key = (place, name.to_owned());
        let stack = state.stacks.stacks.get(&key)?;
        return Some((key, stack));
    }
    let live = |stack: &Stack| stack.name == name && stack.status != "DELETE_COMPLETE";
    let id = state.stacks.stacks.under(&place).find(|(_, stack)| live(stack))?.0.to_owned();
    let key = (place, id);
    let stack = state.stacks.stacks.get(&key)?;
    Some((key, stack))
}

/// Is something going on with it?
fn is_busy(stack: &Stack) -> bool {
    stack.status.ends_with("_IN_PROGRESS") && stack.status != "REVIEW_IN_PROGRESS"
}

/// The content that a request wants.
fn content(state: &State, input: Input<'_>, before: Option<&Content>) -> Result<Content, ApiError> {
    let template = match (shelved::given(state, input)?, before) {
        (Some(body), _) => body,
        (None, Some(before)) if input.flag("UsePreviousTemplate") => before.template.clone(),
        _ => return Err(wrong("Either Template URL or Template Body must be specified.")),
    };
    let read = template::read(&template)?;
    let capabilities: Vec<String> = input.texts("Capabilities").map(str::to_owned).collect();
    read.agreed(&capabilities)?;
    let given = input.list("Parameters").iter().map(Input);
    let given: BTreeMap<String, Option<String>> = given
        .map(|parameter| (parameter.owned("ParameterKey"), parameter.optional("ParameterValue").map(str::to_owned)))
        .collect();
    let parameters = read.values(&given, &before.map(|before| before.parameters.clone()).unwrap_or_default())?;
    let tags =
        if input.has("Tags") { input.tags("Tags") } else { before.map(|b| b.tags.clone()).unwrap_or_default() };
    Ok(Content { template, parameters, tags, capabilities })
}

/// Parameters as they are shown: secret ones are not.
fn parameters(content: &Content) -> Vec<Value> {
    let template = template::read(&content.template).ok();
    let secret = |name: &str| {
        template.as_ref().and_then(|template: &Template| template.parameters.get(name)).is_some_and(|p| p.no_echo)
    };
    let shown = |(name, value): (&String, &String)| json!({"ParameterKey": name, "ParameterValue": if secret(name) { "****" } else { value }});
    content.parameters.iter().map(shown).collect()
}

fn show(id: &str, stack: &Stack) -> Value {
    let mut shown = json!({
        "StackId": id,
        "StackName": stack.name,
        "CreationTime": iso(stack.created, true),
        "StackStatus": stack.status,
        "DisableRollback": false,
        "Capabilities": stack.content.capabilities,
        "NotificationARNs": [],
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    });
    if let Some(description) = template::read(&stack.content.template).ok().and_then(|read| read.description) {
        shown["Description"] = json!(description);
    }
    // A name in review has nothing of what it may become.
    if stack.status != "REVIEW_IN_PROGRESS" {
        shown["Parameters"] = parameters(&stack.content).into();
        shown["Tags"] = tag_list(&stack.content.tags).into();
    }
    let times = [("LastUpdatedTime", stack.updated), ("DeletionTime", stack.deleted)];
    for (member, at) in times {
        if let Some(at) = at {
            shown[member] = json!(iso(at, true));
        }
    }
    for (member, text) in [("StackStatusReason", &stack.reason), ("ChangeSetId", &stack.change_set)] {
        if let Some(text) = text {
            shown[member] = json!(text);
        }
    }
    shown
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    if input.has("StackName") {
        let (key, stack) = find(state, cx, input)?;
        return Ok(json!({"Stacks": [show(&key.1, stack)]}));
    }
    let place = place(cx, input);
    let live = state.stacks.stacks.under(&place).filter(|(_, stack)| stack.status != "DELETE_COMPLETE");
    page(CLOUDFORMATION, cx, input, "Stacks", live.map(|(id, stack)| (id.to_owned(), (id, stack))), |(id, stack)| {
        show(id, stack)
    })
}

fn events(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (key, stack) = find(state, cx, input)?;
    let show = |event: &Event| {
        let mut shown = json!({
            "StackId": key.1,
            "EventId": event.id,
            "StackName": stack.name,
            "LogicalResourceId": event.logical,
            "PhysicalResourceId": event.physical,
            "ResourceType": event.kind,
            "Timestamp": iso(event.at, true),
            "ResourceStatus": event.status,
        });
        for (member, text) in [("ResourceStatusReason", &event.reason), ("ClientRequestToken", &event.token)] {
            if let Some(text) = text {
                shown[member] = json!(text);
            }
        }
        shown
    };
    // The newest first: the keys count down, and what comes meanwhile is before the first of them.
    let items = stack.events.iter().enumerate().rev();
    let items = items.map(|(at, event)| (format!("{:010}", u32::MAX as usize - at), event));
    page(CLOUDFORMATION, cx, input, "StackEvents", items, show)
}

fn get_template(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let body = if input.has("ChangeSetName") {
        change_sets::find(state, cx, input)?.1.content.template.clone()
    } else {
        find(state, cx, input)?.1.content.template.clone()
    };
    Ok(json!({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}))
}

fn summary(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    match shelved::given(state, input)? {
        Some(body) => Ok(template::read(&body)?.summary()),
        None => Ok(template::read(&find(state, cx, input)?.1.content.template)?.summary()),
    }
}
