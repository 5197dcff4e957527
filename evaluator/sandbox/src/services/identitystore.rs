//! The identity store: groups, users, memberships.

use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input};
use crate::paging::{IDENTITY, page};
use crate::service::{Handler, Op};
use crate::state::{Group, State, User};
use serde_json::{Value, json};

pub(crate) const OPERATIONS: &[&[Op]] = &[&[
    ("GetGroupId", Handler::Read(get_group_id)),
    ("GetUserId", Handler::Read(get_user_id)),
    ("DescribeGroup", Handler::Read(describe_group)),
    ("DescribeUser", Handler::Read(describe_user)),
    ("ListGroups", Handler::Lag(list_groups)),
    ("ListUsers", Handler::Lag(list_users)),
    ("CreateGroup", Handler::Write(create_group)),
    ("CreateUser", Handler::Write(create_user)),
    ("DeleteGroup", Handler::Write(delete_group)),
    ("DeleteUser", Handler::Write(delete_user)),
    ("CreateGroupMembership", Handler::Write(create_membership)),
    ("DeleteGroupMembership", Handler::Write(delete_membership)),
    ("ListGroupMemberships", Handler::Lag(list_members)),
    ("ListGroupMembershipsForMember", Handler::Lag(list_member_of)),
]];

fn missing(kind: &str, id: &str) -> ApiError {
    let error =
        ApiError::client("ResourceNotFoundException", format!("{kind} not found.")).with("ResourceType", kind);
    if id.is_empty() { error } else { error.with("ResourceId", id) }
}

fn conflict(message: &str) -> ApiError {
    ApiError::client("ConflictException", message).with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
}

/// Nothing here changes a group or a user, so each has one revision.
const REVISION: &str = "1";

fn same_revision(input: Input<'_>) -> Result<(), ApiError> {
    if input.optional("Revision").is_none_or(|wanted| wanted == REVISION) {
        return Ok(());
    }
    let message = "The resource was changed since the revision given.";
    Err(ApiError::client("ConflictException", message).with("Reason", "CONCURRENT_MODIFICATION"))
}

/// How a group or a user is named in an answer.
fn named(state: &State, kind: &str, id: &str) -> Value {
    let member = if kind == "group" { "Group" } else { "User" };
    json!({
        format!("{member}Id"): id,
        format!("{member}Arn"): arn(kind, id),
        "IdentityStoreId": state.sso.store,
    })
}

fn arn(kind: &str, id: &str) -> String {
    format!("arn:aws:identitystore:::{kind}/{id}")
}

fn made(state: &State, kind: &str, id: &str) -> Value {
    let mut shown = named(state, kind, id);
    shown["Revision"] = Value::from(REVISION);
    shown
}

fn invalid(message: &str) -> ApiError {
    ApiError::client("ValidationException", message)
}

/// Checks authority and the store that a request names.
fn admit(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Result<(), ApiError> {
    let account = &cx.caller.account;
    if *account != state.management && !state.sso_delegate(account) {
        let message = "You do not have sufficient access to perform this action.";
        return Err(ApiError::client("AccessDeniedException", message));
    }
    let named = input.text("IdentityStoreId").rsplit('/').next().unwrap_or_default();
    if state.sso.store.is_empty() || named != state.sso.store {
        return Err(missing("IDENTITY_STORE", named));
    }
    Ok(())
}

/// The value of the unique attribute that a look-up names, if the path is among `paths`.
fn unique(input: Input<'_>, paths: &[&str]) -> Result<String, ApiError> {
    let by = input.inner("AlternateIdentifier").inner("UniqueAttribute");
    let path = by.text("AttributePath");
    if !paths.iter().any(|known| known.eq_ignore_ascii_case(path)) {
        return Err(invalid("AlternateIdentifier must name a unique attribute of the resource"));
    }
    let message = "AttributeValue must be a string";
    by.optional("AttributeValue").map(str::to_lowercase).ok_or_else(|| invalid(message))
}

fn get_group_id(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = unique(input, &["displayName"])?;
    let id = state.store.group_names.get(&name).ok_or_else(|| missing("GROUP", ""))?;
    Ok(named(state, "group", id))
}

fn get_user_id(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = unique(input, &["userName", "emails.value"])?;
    let by_name = state.store.user_names.get(&name);
    let by_mail = || state.store.users.iter().find(|(_, user)| has_email(user, &name)).map(|(id, _)| id);
    let by_path = input.inner("AlternateIdentifier").inner("UniqueAttribute").text("AttributePath");
    let id = if by_path.eq_ignore_ascii_case("userName") { by_name } else { by_mail() };
    Ok(named(state, "user", id.ok_or_else(|| missing("USER", ""))?))
}

fn has_email(user: &User, wanted: &str) -> bool {
    let emails = user.more.get("Emails").and_then(Value::as_array);
    emails.is_some_and(|emails| emails.iter().any(|email| Input(email).text("Value").to_lowercase() == wanted))
}

fn show_group(state: &State, id: &str, group: &Group) -> Value {
    let mut shown = made(state, "group", id);
    shown["DisplayName"] = Value::from(group.name.clone());
    if let Some(description) = &group.description {
        shown["Description"] = Value::from(description.clone());
    }
    shown
}

fn show_user(state: &State, id: &str, user: &User) -> Value {
    let mut shown = made(state, "user", id);
    shown["UserName"] = Value::from(user.name.clone());
    for (member, value) in &user.more {
        shown[member] = value.clone();
    }
    shown
}

fn describe_group(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let id = input.owned("GroupId");
    let group = state.store.groups.get(&id).ok_or_else(|| missing("GROUP", &id))?;
    Ok(show_group(state, &id, group))
}

fn describe_user(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let id = input.owned("UserId");
    let user = state.store.users.get(&id).ok_or_else(|| missing("USER", &id))?;
    Ok(show_user(state, &id, user))
}

/// The deprecated filter: one attribute, equal.
fn filter<'a>(input: Input<'a>, attribute: &str) -> Result<Option<&'a str>, ApiError> {
    let Some(filter) = input.list("Filters").first().map(Input) else { return Ok(None) };
    if !filter.text("AttributePath").eq_ignore_ascii_case(attribute) {
        return Err(invalid("the filter names an attribute that cannot be filtered by"));
    }
    Ok(filter.optional("AttributeValue"))
}

fn list_groups(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = filter(input, "DisplayName")?;
    let groups = state.store.groups.iter().filter(|(_, group)| name.is_none_or(|name| name == group.name));
    let items = groups.map(|(id, group)| (id.clone(), (id, group)));
    page(IDENTITY, cx, input, "Groups", items, |(id, group)| show_group(state, id, group))
}

fn list_users(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = filter(input, "UserName")?;
    let users = state.store.users.iter().filter(|(_, user)| name.is_none_or(|name| name == user.name));
    let items = users.map(|(id, user)| (id.clone(), (id, user)));
    page(IDENTITY, cx, input, "Users", items, |(id, user)| show_user(state, id, user))
}

fn create_group(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = input.optional("DisplayName").ok_or_else(|| invalid("displayName is a required attribute"))?;
    if state.store.group_names.contains(&name.to_lowercase()) {
        return Err(conflict("Duplicate GroupDisplayName"));
    }
    let id = add_group(state, name, input.optional("Description"));
    Ok(made(state, "group", &id))
}

/// Makes a group and gives its id.
pub(crate) fn add_group(state: &mut State, name: &str, description: Option<&str>) -> String {
    let id = state.ids.guid();
    state.store.group_names.insert(name.to_lowercase(), id.clone());
    let group = Group { name: name.to_owned(), description: description.map(str::to_owned) };
    state.store.groups.insert(id.clone(), group);
    id
}

fn create_user(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let name = input.optional("UserName").ok_or_else(|| invalid("userName is a required attribute"))?;
    if !input.has("DisplayName") || !input.has("Name") {
        return Err(invalid("displayName and name are required attributes"));
    }
    if state.store.user_names.contains(&name.to_lowercase()) {
        return Err(conflict("Duplicate UserName"));
    }
    let mut more = input.0.as_object().cloned().unwrap_or_default();
    ["IdentityStoreId", "UserName"].iter().for_each(|member| drop(more.remove(*member)));
    let id = add_user(state, name, more);
    Ok(made(state, "user", &id))
}

/// Makes a user and gives its id.
pub(crate) fn add_user(state: &mut State, name: &str, more: serde_json::Map<String, Value>) -> String {
    let id = state.ids.guid();
    state.store.user_names.insert(name.to_lowercase(), id.clone());
    state.store.users.insert(id.clone(), User { name: name.to_owned(), more });
    id
}

fn delete_group(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let id = input.owned("GroupId");
    let group = state.store.groups.get(&id).ok_or_else(|| missing("GROUP", &id))?;
    let name = group.name.to_lowercase();
    same_revision(input)?;
    state.store.group_names.remove(&name);
    state.store.groups.remove(&id);
    let users: Vec<String> = state.store.members.under(&id).map(|(user, _)| user.to_owned()).collect();
    users.iter().for_each(|user| leave(state, &id, user));
    Ok(json!({}))
}

fn delete_user(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let id = input.owned("UserId");
    let user = state.store.users.get(&id).ok_or_else(|| missing("USER", &id))?;
    let name = user.name.to_lowercase();
    same_revision(input)?;
    state.store.user_names.remove(&name);
    state.store.users.remove(&id);
    let groups: Vec<String> = state.store.member_of.under(&id).map(|(group, _)| group.to_owned()).collect();
    groups.iter().for_each(|group| leave(state, group, &id));
    Ok(json!({}))
}

fn leave(state: &mut State, group: &str, user: &str) {
    let store = &mut state.store;
    let key = (group.to_owned(), user.to_owned());
    if let Some(id) = store.members.get(&key).cloned() {
        store.memberships.remove(&id);
    }
    store.members.remove(&key);
    store.member_of.remove(&(key.1, key.0));
}

fn create_membership(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let (group, user) = (input.owned("GroupId"), input.inner("MemberId").owned("UserId"));
    if !state.store.groups.contains(&group) {
        return Err(missing("GROUP", &group));
    }
    if !state.store.users.contains(&user) {
        return Err(missing("USER", &user));
    }
    if state.store.members.contains(&(group.clone(), user.clone())) {
        return Err(conflict("Member and Group relationship already exists."));
    }
    let id = state.ids.guid();
    state.store.members.insert((group.clone(), user.clone()), id.clone());
    state.store.member_of.insert((user.clone(), group.clone()), id.clone());
    state.store.memberships.insert(id.clone(), (group, user));
    Ok(json!({"MembershipId": id, "MembershipArn": arn("membership", &id), "IdentityStoreId": state.sso.store}))
}

fn delete_membership(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let id = input.owned("MembershipId");
    let (group, user) = state.store.memberships.get(&id).cloned().ok_or_else(|| missing("GROUP_MEMBERSHIP", &id))?;
    leave(state, &group, &user);
    Ok(json!({}))
}

fn show_membership(state: &State, id: &str, group: &str, user: &str) -> Value {
    json!({
        "MembershipId": id,
        "MembershipArn": arn("membership", id),
        "GroupId": group,
        "MemberId": {"UserId": user},
        "IdentityStoreId": state.sso.store,
    })
}

fn list_members(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let group = input.text("GroupId");
    if !state.store.groups.contains(&group.to_owned()) {
        return Err(missing("GROUP", group));
    }
    let items = state.store.members.under(group).map(|(user, id)| (user.to_owned(), (user, id)));
    page(IDENTITY, cx, input, "GroupMemberships", items, |(user, id)| show_membership(state, id, group, user))
}

fn list_member_of(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    admit(state, cx, input)?;
    let user = input.inner("MemberId").text("UserId");
    if !state.store.users.contains(&user.to_owned()) {
        return Err(missing("USER", user));
    }
    let items = state.store.member_of.under(user).map(|(group, id)| (group.to_owned(), (group, id)));
    page(IDENTITY, cx, input, "GroupMemberships", items, |(group, id)| show_membership(state, id, group, user))
}
