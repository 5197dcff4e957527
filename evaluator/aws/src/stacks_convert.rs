//! From the SDK's stacks to the core's.

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{self, ChangeSetStatus, ExecutionStatus};
use aws_smithy_types::DateTime;
use cell_eval::provider::Answer;
use cell_eval::stacks::{ChangeSet, Execution, Made, Making, ResourceChange, Stack, StackEvent};

use crate::convert::{need, timestamp};

pub(crate) fn stack(call: &str, stack: types::Stack) -> Answer<Stack> {
    let parameters = stack.parameters.unwrap_or_default().into_iter();
    let tags = stack.tags.unwrap_or_default().into_iter();
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    Ok(Stack {
        id: need(call, "StackId", stack.stack_id)?,
        name: need(call, "StackName", stack.stack_name)?,
        status: need(call, "StackStatus", stack.stack_status)?.as_str().to_owned(),
        reason: stack.stack_status_reason,
        updated: stack.last_updated_time.as_ref().and_then(moment),
        change_set: stack.change_set_id,
        parameters: parameters.filter_map(|it| it.parameter_key.zip(it.parameter_value)).collect(),
        tags: tags.filter_map(|it| it.key.zip(it.value)).collect(),
        outputs: outputs.filter_map(|it| it.output_key.zip(it.output_value)).collect(),
    })
}

fn moment(time: &DateTime) -> Option<String> {
    timestamp(time).map(|time| time.to_string())
}

pub(crate) fn event(call: &str, event: types::StackEvent) -> Answer<StackEvent> {
    Ok(StackEvent {
        id: need(call, "EventId", event.event_id)?,
        at: event.timestamp.as_ref().and_then(moment).unwrap_or_default(),
        logical: event.logical_resource_id.unwrap_or_default(),
        kind: event.resource_type.unwrap_or_default(),
        status: event.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: event.resource_status_reason.unwrap_or_default(),
        token: event.client_request_token,
    })
}

pub(crate) fn change_set(
    call: &str,
    head: DescribeChangeSetOutput,
    changes: Vec<types::Change>,
) -> Answer<ChangeSet> {
    let making = match need(call, "Status", head.status)? {
        ChangeSetStatus::CreateComplete => Making::Complete,
        ChangeSetStatus::Failed => Making::Failed,
        ChangeSetStatus::DeleteComplete
        | ChangeSetStatus::DeleteFailed
        | ChangeSetStatus::DeleteInProgress
        | ChangeSetStatus::DeletePending => Making::Deleted,
        // A state that is not known yet is no end.
        _ => Making::UnderWay,
    };
    let execution = match head.execution_status {
        Some(ExecutionStatus::Available) => Execution::Available,
        Some(
            ExecutionStatus::ExecuteComplete | ExecutionStatus::ExecuteFailed | ExecutionStatus::ExecuteInProgress,
        ) => Execution::Begun,
        Some(ExecutionStatus::Obsolete) => Execution::Obsolete,
        _ => Execution::Unavailable,
    };
    Ok(ChangeSet {
        made: Made {
            change_set: need(call, "ChangeSetId", head.change_set_id)?,
            stack: need(call, "StackId", head.stack_id)?,
        },
        making,
        execution,
        reason: head.status_reason.unwrap_or_default(),
        changes: changes.into_iter().filter_map(|change| change.resource_change).map(change).collect(),
    })
}

fn change(change: types::ResourceChange) -> ResourceChange {
    ResourceChange {
        action: change.action.map(|action| action.as_str().to_owned()).unwrap_or_default(),
        logical: change.logical_resource_id.unwrap_or_default(),
        physical: change.physical_resource_id,
        kind: change.resource_type.unwrap_or_default(),
        replacement: change.replacement.map(|whether| whether.as_str().to_owned()).unwrap_or_default(),
    }
}
