//! Alarms and dashboards that are resources of stacks. Owns what of their properties is made a request of, and nothing
//! of stacks.

use super::{alarms, dashboards};
use crate::error::ApiError;
use crate::input::{Cx, Input};
use crate::services::cloudformation::Made;
use crate::state::State;
use serde_json::{Map, Value};

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSITE: &str = "AWS::CloudWatch::CompositeAlarm";
const DASHBOARD: &str = "AWS::CloudWatch::Dashboard";

/// Members that templates may write as text.
const NUMBERS: &[&str] = &["DatapointsToAlarm", "EvaluationPeriods", "Period", "Threshold"];

/// Why a resource with these properties cannot be made, if it is one of CloudWatch's.
pub(crate) fn refusal(kind: &str, properties: &Value) -> Option<String> {
    let properties = typed("", properties);
    let refused = match kind {
        ALARM => alarms::check(&properties, false),
        COMPOSITE => alarms::check(&properties, true),
        DASHBOARD => dashboards::check(Input(&properties).text("DashboardBody")),
        _ => return None,
    };
    refused.err().map(|error| format!("{} ({})", error.message, error.code))
}

/// Makes the resource, or brings it to its properties; its physical id, or none for a kind that is not CloudWatch's.
pub(crate) fn settle(state: &mut State, cx: &Cx<'_>, made: &Made<'_>) -> Option<Result<String, ApiError>> {
    let properties = typed("", made.properties);
    let of = |member: &str| Input(&properties).optional(member).unwrap_or(made.name).to_owned();
    match made.kind {
        ALARM | COMPOSITE => {
            let name = of("AlarmName");
            let key = (made.place.to_owned(), name.clone());
            let tags = Input(&properties).tags("Tags");
            let put = alarms::put(state, cx, key.clone(), &properties, made.kind == COMPOSITE);
            if let Some(alarm) = state.watch.alarms.get_mut(&key) {
                alarm.tags = tags;
            }
            Some(put.map(|()| name))
        }
        DASHBOARD => {
            let name = of("DashboardName");
            let account = made.place.split('/').next().unwrap_or_default();
            let body = Input(&properties).text("DashboardBody");
            Some(dashboards::keep(state, cx.now, (account, &name), body).map(|()| name))
        }
        _ => None,
    }
}

/// Takes the resource of this physical id away, if it is one of CloudWatch's.
pub(crate) fn remove(state: &mut State, kind: &str, place: &str, id: &str) {
    let account = place.split('/').next().unwrap_or_default();
    match kind {
        ALARM | COMPOSITE => drop(state.watch.alarms.remove(&(place.to_owned(), id.to_owned()))),
        DASHBOARD => drop(state.watch.dashboards.remove(&(account.to_owned(), id.to_owned()))),
        _ => {}
    }
}

/// Numbers and flags that are written as text, as CloudFormation takes them.
fn typed(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), typed(name, value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| typed("", item)).collect()),
        Value::String(text) if ["ActionsEnabled", "ReturnData"].contains(&name) => {
            text.parse().map_or_else(|_| value.clone(), Value::Bool)
        }
        Value::String(text) if NUMBERS.contains(&name) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}
