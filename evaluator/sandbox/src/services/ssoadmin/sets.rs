//! Permission sets and their tags.

use super::{changeable, conflict, instance, invalid, not_found, quota, set_of};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, seconds, tag_list};
use crate::paging::{IDENTITY, page};
use crate::service::{Handler, Op};
use crate::state::{PermissionSet, State, Tags};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("CreatePermissionSet", Handler::Write(create)),
    ("DescribePermissionSet", Handler::Read(describe)),
    ("UpdatePermissionSet", Handler::Write(update)),
    ("DeletePermissionSet", Handler::Write(delete)),
    ("ListPermissionSets", Handler::Lag(list)),
    ("TagResource", Handler::Write(tag)),
    ("UntagResource", Handler::Write(untag)),
    ("ListTagsForResource", Handler::Lag(list_tags)),
];

fn show(arn: &str, set: &PermissionSet) -> Value {
    let mut shown = json!({
        "Name": set.name,
        "PermissionSetArn": arn,
        "CreatedDate": seconds(set.created),
        "SessionDuration": set.session.as_deref().unwrap_or("PT1H"),
    });
    for (member, value) in [("Description", &set.description), ("RelayState", &set.relay)] {
        if let Some(value) = value {
            shown[member] = Value::from(value.clone());
        }
    }
    shown
}

/// Between one and twelve hours.
fn check_session(session: Option<&str>) -> Result<(), ApiError> {
    let Some(session) = session else { return Ok(()) };
    let message = "SessionDuration must be an ISO 8601 duration between one and twelve hours";
    let span: jiff::Span = session.parse().map_err(|_| invalid(message))?;
    let seconds = span.total(jiff::Unit::Second).map_err(|_| invalid(message))?;
    if (3_600.0..=43_200.0).contains(&seconds) { Ok(()) } else { Err(invalid(message)) }
}

fn checked_tags(cx: &Cx<'_>, input: Input<'_>) -> Result<Tags, ApiError> {
    let tags = input.tags("Tags");
    if tags.len() < input.list("Tags").len() {
        return Err(invalid("a tag key is given twice"));
    }
    if tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(invalid("a tag key must not begin with aws:"));
    }
    limit(cx, &tags)?;
    Ok(tags)
}

fn limit(cx: &Cx<'_>, tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > cx.config.quotas.tags { Err(quota("too many tags on the resource")) } else { Ok(()) }
}

fn create(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let sso = instance(state, cx, input)?;
    let name = input.owned("Name");
    if sso.set_names.contains(&name) {
        return Err(conflict(format!("PermissionSet with name {name} already exists")));
    }
    if sso.sets.len() >= cx.config.quotas.permission_sets {
        return Err(quota("the number of permission sets in the instance is exceeded"));
    }
    check_session(input.optional("SessionDuration"))?;
    let set = PermissionSet {
        name: name.clone(),
        description: input.optional("Description").map(str::to_owned),
        session: input.optional("SessionDuration").map(str::to_owned),
        relay: input.optional("RelayState").map(str::to_owned),
        created: cx.now,
        tags: checked_tags(cx, input)?,
        ..PermissionSet::default()
    };
    let arn = add(state, set.clone());
    Ok(json!({"PermissionSet": show(&arn, &set)}))
}

/// Stores a new set and gives its ARN.
pub(crate) fn add(state: &mut State, set: PermissionSet) -> String {
    let unique = state.ids.hex(16);
    let instance = state.sso.instance.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sso:::permissionSet/{instance}/ps-{unique}");
    state.sso.set_names.insert(set.name.clone(), arn.clone());
    state.sso.sets.insert(arn.clone(), set);
    arn
}

fn describe(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, set) = set_of(state, cx, input)?;
    Ok(json!({"PermissionSet": show(arn, set)}))
}

/// What a request leaves out is cleared, but for the description. (terraform-provider-aws issues 17411, of the relay
/// state, and 41897)
fn update(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, mut set) = changeable(state, cx, input)?;
    check_session(input.optional("SessionDuration"))?;
    if let Some(description) = input.optional("Description") {
        set.description = Some(description.to_owned());
    }
    set.session = input.optional("SessionDuration").map(str::to_owned);
    set.relay = input.optional("RelayState").map(str::to_owned);
    set.revision += 1;
    state.sso.sets.insert(arn, set);
    Ok(json!({}))
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, set) = changeable(state, cx, input)?;
    let assigned = state.sso.provisioned.under(&arn).next().is_some();
    let mut running = state.sso.running.iter().filter_map(|(id, ())| state.sso.requests.get(id));
    let busy = running.any(|request| request.set == arn);
    if assigned || busy {
        return Err(conflict("the PermissionSet has account assignments or an operation in progress"));
    }
    state.sso.sets.remove(&arn);
    state.sso.set_names.remove(&set.name);
    Ok(json!({}))
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let sso = instance(state, cx, input)?;
    let sets = sso.sets.iter().map(|(arn, _)| (arn.clone(), arn));
    page(IDENTITY, cx, input, "PermissionSets", sets, |arn| Value::from(arn.clone()))
}

/// A resource's tags live on the permission set; the instance is left out of a request at times.
fn tagged(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<(String, PermissionSet), ApiError> {
    super::admitted(state, cx)?;
    if input.has("InstanceArn") {
        instance(state, cx, input)?;
    }
    let arn = input.owned("ResourceArn");
    let set = state.sso.sets.get(&arn).cloned().ok_or_else(|| not_found("resource"))?;
    Ok((arn, set))
}

fn tag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, mut set) = tagged(state, cx, input)?;
    set.tags.extend(checked_tags(cx, input)?);
    limit(cx, &set.tags)?;
    state.sso.sets.insert(arn, set);
    Ok(json!({}))
}

fn untag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (arn, mut set) = tagged(state, cx, input)?;
    input.texts("TagKeys").for_each(|key| drop(set.tags.remove(key)));
    state.sso.sets.insert(arn, set);
    Ok(json!({}))
}

fn list_tags(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (_, set) = tagged(state, cx, input)?;
    let items = tag_list(&set.tags).into_iter().map(|tag| (Input(&tag).owned("Key"), tag));
    page(IDENTITY, cx, input, "Tags", items, |tag| tag)
}
