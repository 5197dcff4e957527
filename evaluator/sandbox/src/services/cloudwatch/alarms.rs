//! Alarms: how they are put, shown and taken away. What state they are in is `judge`'s.

use super::{PAGES, arn, judge, missing, place, rule, wrong};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, instant, tag_list};
use crate::paging::{Pages, page};
use crate::service::{Handler, Op};
use crate::state::State;
use crate::watch::{Alarm, Given};
use serde_json::{Map, Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("PutMetricAlarm", Handler::Write(put_metric)),
    ("PutCompositeAlarm", Handler::Write(put_composite)),
    ("DescribeAlarms", Handler::Read(describe)),
    ("DeleteAlarms", Handler::Write(delete)),
    ("SetAlarmState", Handler::Write(set)),
    ("TagResource", Handler::Write(tag)),
    ("UntagResource", Handler::Write(untag)),
    ("ListTagsForResource", Handler::Read(tags)),
];

type Key = (String, String);

fn put_metric(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = (place(cx, input), input.owned("AlarmName"));
    put(state, cx, key, input.0, false)?;
    Ok(Value::Null)
}

fn put_composite(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = (place(cx, input), input.owned("AlarmName"));
    put(state, cx, key, input.0, true)?;
    Ok(Value::Null)
}

/// Can an alarm be made of these members?
pub(super) fn check(settings: &Value, composite: bool) -> Result<(), ApiError> {
    if !composite {
        return judge::check(settings);
    }
    rule::holds(Input(settings).text("AlarmRule"), &|_| None)
        .map(drop)
        .map_err(|why| wrong(format!("AlarmRule contains a problem: {why}")))
}

/// Puts an alarm in the place of the one of its name. What it was found in stays until it is evaluated again.
pub(super) fn put(
    state: &mut State,
    cx: &Cx<'_>,
    key: Key,
    settings: &Value,
    composite: bool,
) -> Result<(), ApiError> {
    check(settings, composite)?;
    let input = Input(settings);
    let former = state.watch.alarms.get(&key);
    let given = match former {
        Some(former) => {
            let now = judge::judge(state, &key.0, former, (cx.now, cx.config.healthy));
            Given { state: now.state, reason: now.reason, at: cx.now, by_hand: false }
        }
        None => Given {
            state: judge::NO_DATA.to_owned(),
            reason: "Unchecked: Initial alarm creation".to_owned(),
            at: cx.now,
            by_hand: false,
        },
    };
    // Tags are taken when it is created, and stay as they are afterwards.
    let tags = former.map_or_else(|| input.tags("Tags"), |former| former.tags.clone());
    let kept = |(name, value): (&String, &Value)| {
        (!["Region", "Tags"].contains(&name.as_str()) && !value.is_null()).then(|| (name.clone(), value.clone()))
    };
    let members: Map<String, Value> = settings.as_object().into_iter().flatten().filter_map(kept).collect();
    let alarm = Alarm { settings: members.into(), composite, tags, configured: cx.now, given };
    state.watch.alarms.insert(key, alarm);
    Ok(())
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    const MOST: Pages = Pages { most: 50, ..PAGES };
    let place = place(cx, input);
    let names: Vec<&str> = input.texts("AlarmNames").collect();
    if input.has("AlarmNamePrefix") && !names.is_empty() {
        return Err(wrong("AlarmNamePrefix and AlarmNames may not both be specified"));
    }
    let kinds: Vec<&str> = input.texts("AlarmTypes").collect();
    let fits = |name: &str, alarm: &Alarm| {
        let kind = if alarm.composite { "CompositeAlarm" } else { "MetricAlarm" };
        // Without a kind only alarms on metrics are meant.
        (if kinds.is_empty() { !alarm.composite } else { kinds.contains(&kind) })
            && (names.is_empty() || names.contains(&name))
            && input.optional("AlarmNamePrefix").is_none_or(|prefix| name.starts_with(prefix))
    };
    let shown = state.watch.alarms.under(&place).filter(|(name, alarm)| fits(name, alarm));
    let shown = shown.map(|(name, alarm)| {
        let found = judge::judge(state, &place, alarm, (cx.now, cx.config.healthy));
        (name.to_owned(), (alarm.composite, show(&place, name, alarm, &found), found.state))
    });
    let shown = shown.filter(|(_, (.., found))| input.optional("StateValue").is_none_or(|wanted| wanted == found));
    // Names ask for at most a hundred, and all of them come at once.
    let all = Pages { most: if names.is_empty() { MOST.most } else { 100 }, ..MOST };
    let mut answer = page(all, cx, input, "All", shown, |(composite, shown, _)| json!([composite, shown]))?;
    let (mut metric, mut composite) = (Vec::new(), Vec::new());
    for one in answer.get("All").and_then(Value::as_array).into_iter().flatten() {
        let of = if one.get(0) == Some(&Value::Bool(true)) { &mut composite } else { &mut metric };
        of.extend(one.get(1).cloned());
    }
    let next = answer.get_mut("NextToken").map(Value::take);
    Ok(json!({"MetricAlarms": metric, "CompositeAlarms": composite, "NextToken": next}))
}

fn show(place: &str, name: &str, alarm: &Alarm, found: &judge::Judged) -> Value {
    let mut shown = json!({
        "ActionsEnabled": true,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
    });
    if !alarm.composite {
        shown["Dimensions"] = json!([]);
    }
    for (member, value) in alarm.settings.as_object().into_iter().flatten() {
        shown[member] = value.clone();
    }
    // A number of this kind has a fraction, be it none: clients of CBOR take no other.
    if let Some(threshold) = alarm.settings.get("Threshold").and_then(Value::as_f64) {
        shown["Threshold"] = json!(threshold);
    }
    let own = json!({
        "AlarmName": name,
        "AlarmArn": arn(place, name),
        "AlarmConfigurationUpdatedTimestamp": instant(alarm.configured),
        "StateValue": found.state,
        "StateReason": found.reason,
        "StateUpdatedTimestamp": instant(found.since),
        "StateTransitionedTimestamp": instant(found.since),
    });
    for (member, value) in own.as_object().into_iter().flatten() {
        shown[member] = value.clone();
    }
    shown
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let place = place(cx, input);
    for name in input.texts("AlarmNames") {
        // One that is not there, and none is deleted.
        if !state.watch.alarms.remove(&(place.clone(), name.to_owned())) {
            return Err(missing(&format!("Alarm {name} does not exist")));
        }
    }
    Ok(Value::Null)
}

fn set(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = (place(cx, input), input.owned("AlarmName"));
    let Some(alarm) = state.watch.alarms.get_mut(&key) else {
        return Err(missing(&format!("Alarm {} does not exist", key.1)));
    };
    alarm.given =
        Given { state: input.owned("StateValue"), reason: input.owned("StateReason"), at: cx.now, by_hand: true };
    Ok(Value::Null)
}

/// The alarm that an ARN names, of the caller's.
fn named(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<Key, ApiError> {
    let (place, given) = (place(cx, input), input.text("ResourceARN"));
    let name = given.rsplit_once(":alarm:").map_or("", |(_, name)| name);
    let key = (place, name.to_owned());
    if arn(&key.0, name) == given && state.watch.alarms.contains(&key) {
        return Ok(key);
    }
    Err(ApiError::new("ResourceNotFoundException", 404, format!("The resource {given} does not exist")))
}

fn tag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    if let Some(alarm) = state.watch.alarms.get_mut(&key) {
        alarm.tags.extend(input.tags("Tags"));
    }
    Ok(Value::Null)
}

fn untag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    if let Some(alarm) = state.watch.alarms.get_mut(&key) {
        alarm.tags.retain(|name, _| !input.texts("TagKeys").any(|gone| gone == name));
    }
    Ok(Value::Null)
}

fn tags(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let key = named(state, cx, input)?;
    let tags = state.watch.alarms.get(&key).map(|alarm| tag_list(&alarm.tags));
    Ok(json!({"Tags": tags.unwrap_or_default()}))
}
