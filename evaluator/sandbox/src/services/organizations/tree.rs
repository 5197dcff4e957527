//! The tree: root, units, parents and children.

use super::{constraint, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, seconds};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{Org, State, Unit};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("DescribeOrganization", Handler::Read(describe_organization)),
    ("ListRoots", Handler::Read(list_roots)),
    ("ListOrganizationalUnitsForParent", Handler::Lag(list_units)),
    ("DescribeOrganizationalUnit", Handler::Read(describe_unit)),
    ("CreateOrganizationalUnit", Handler::Write(create_unit)),
    ("UpdateOrganizationalUnit", Handler::Write(update_unit)),
    ("DeleteOrganizationalUnit", Handler::Write(delete_unit)),
    ("ListParents", Handler::Read(list_parents)),
    ("ListChildren", Handler::Lag(list_children)),
];

fn describe_organization(state: &State, cx: &Cx<'_>, _: Input<'_>) -> Answer {
    let org = state.org.as_ref().ok_or_else(super::not_in_use)?;
    if !org.accounts.contains(&cx.caller.account) {
        return Err(super::not_in_use());
    }
    let management = &state.management;
    let email = org.accounts.get(management).map(|a| a.email.clone());
    Ok(json!({"Organization": {
        "Id": org.id,
        "Arn": format!("arn:aws:organizations::{management}:organization/{}", org.id),
        "FeatureSet": "ALL",
        "MasterAccountArn": org.arn(management, "account", management),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": super::policies::available_types(),
    }}))
}

pub(super) fn show_root(org: &Org, management: &str) -> Value {
    let types = super::policies::enabled_types(org);
    json!({"Id": org.root, "Arn": org.arn(management, "root", &org.root), "Name": "Root", "PolicyTypes": types})
}

fn list_roots(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let roots = std::iter::once((org.root.clone(), ()));
    page(ORGANIZATIONS, cx, input, "Roots", roots, |()| show_root(org, &state.management))
}

fn show_unit(org: &Org, management: &str, id: &str, unit: &Unit) -> Value {
    json!({
        "Id": id,
        "Arn": org.arn(management, "ou", id),
        "Name": unit.name,
        "Path": org.path(&unit.parent, id),
    })
}

fn parent_known(org: &Org, id: &str) -> Result<(), ApiError> {
    let message = "We can't find a root or an organizational unit with the ParentId that you specified.";
    if org.is_parent(id) { Ok(()) } else { Err(ApiError::client("ParentNotFoundException", message)) }
}

fn unit_not_found() -> ApiError {
    let message = "We can't find an organizational unit with the OrganizationalUnitId that you specified.";
    ApiError::client("OrganizationalUnitNotFoundException", message)
}

fn list_units(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let parent = input.text("ParentId");
    parent_known(org, parent)?;
    let units = org.children.under(parent).filter_map(|(id, ())| {
        let unit = org.units.get(&id.to_owned())?;
        Some((id.to_owned(), (id, unit)))
    });
    page(ORGANIZATIONS, cx, input, "OrganizationalUnits", units, |(id, unit)| {
        show_unit(org, &state.management, id, unit)
    })
}

fn describe_unit(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.owned("OrganizationalUnitId");
    let unit = org.units.get(&id).ok_or_else(unit_not_found)?;
    Ok(json!({"OrganizationalUnit": show_unit(org, &state.management, &id, unit)}))
}

fn name_free(org: &Org, parent: &str, name: &str, own: &str) -> Result<(), ApiError> {
    let taken = org
        .children
        .under(parent)
        .filter(|(id, ())| *id != own)
        .filter_map(|(id, ())| org.units.get(&id.to_owned()))
        .any(|unit| unit.name.to_lowercase() == name.to_lowercase());
    let message = "An OU with the same name already exists.";
    if taken { Err(ApiError::client("DuplicateOrganizationalUnitException", message)) } else { Ok(()) }
}

fn depth(org: &Org, parent: &str) -> usize {
    std::iter::successors(org.units.get(&parent.to_owned()), |unit| org.units.get(&unit.parent)).count()
}

fn create_unit(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (parent, name) = (input.text("ParentId"), input.text("Name"));
    parent_known(org, parent)?;
    name_free(org, parent, name, "")?;
    if org.units.len() >= cx.config.quotas.units {
        return Err(constraint("OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of organizational units."));
    }
    if depth(org, parent) >= cx.config.quotas.unit_depth {
        return Err(constraint("OU_DEPTH_LIMIT_EXCEEDED", "You have exceeded the depth of the organization."));
    }
    let tags = super::tags::checked(cx, input)?;
    let id = add_unit(state, parent, name);
    let management = state.management.clone();
    let org = writer(state, cx)?;
    if !tags.is_empty() {
        org.tags.insert(id.clone(), tags);
    }
    let unit = org.units.get(&id).ok_or_else(unit_not_found)?;
    Ok(json!({"OrganizationalUnit": show_unit(org, &management, &id, unit)}))
}

/// Makes a unit and gives its id.
pub(crate) fn add_unit(state: &mut State, parent: &str, name: &str) -> String {
    let unique = state.ids.lower(8);
    let Some(org) = state.org.as_mut() else { return String::new() };
    let id = format!("ou-{}-{unique}", org.root.trim_start_matches("r-"));
    org.units.insert(id.clone(), Unit { name: name.to_owned(), parent: parent.to_owned() });
    org.children.insert((parent.to_owned(), id.clone()), ());
    super::attach_default(org, &id);
    id
}

fn update_unit(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    let id = input.owned("OrganizationalUnitId");
    let mut unit = org.units.get(&id).ok_or_else(unit_not_found)?.clone();
    if let Some(name) = input.optional("Name") {
        name_free(org, &unit.parent, name, &id)?;
        name.clone_into(&mut unit.name);
    }
    org.units.insert(id.clone(), unit.clone());
    Ok(json!({"OrganizationalUnit": show_unit(org, &management, &id, &unit)}))
}

fn delete_unit(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let id = input.owned("OrganizationalUnitId");
    let parent = org.units.get(&id).ok_or_else(unit_not_found)?.parent.clone();
    if org.children.under(&id).next().is_some() {
        let message = "You must remove the accounts and organizational units in it first.";
        return Err(ApiError::client("OrganizationalUnitNotEmptyException", message));
    }
    org.units.remove(&id);
    org.children.remove(&(parent, id.clone()));
    super::policies::detach_all(org, &id);
    org.tags.remove(&id);
    Ok(Value::Null)
}

fn list_parents(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let child = input.owned("ChildId");
    let message = "We can't find an account or organizational unit with the ChildId that you specified.";
    let parent = org.parent_of(&child).ok_or_else(|| ApiError::client("ChildNotFoundException", message))?;
    page(
        ORGANIZATIONS,
        cx,
        input,
        "Parents",
        std::iter::once((parent.to_owned(), parent)),
        |parent| json!({"Id": parent, "Type": if parent == org.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" }}),
    )
}

fn list_children(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let (parent, kind) = (input.text("ParentId"), input.text("ChildType"));
    parent_known(org, parent)?;
    let wanted = org.children.under(parent).filter(|(id, ())| id.starts_with("ou-") == (kind != "ACCOUNT"));
    let children = wanted.map(|(id, ())| (id.to_owned(), id));
    page(ORGANIZATIONS, cx, input, "Children", children, |id| json!({"Id": id, "Type": kind}))
}

/// Moves an account; both parents have been checked to exist.
pub(super) fn move_child(org: &mut Org, account: &String, to: &str) {
    if let Some(entry) = org.accounts.get_mut(account) {
        let from = std::mem::replace(&mut entry.parent, to.to_owned());
        org.children.remove(&(from, account.clone()));
        org.children.insert((to.to_owned(), account.clone()), ());
    }
}

/// A time as an answer shows it, or nothing.
pub(super) fn time(at: Option<i64>) -> Value {
    at.map_or(Value::Null, seconds)
}
