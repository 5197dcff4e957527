//! Tags of roots, units, accounts and policies.

use super::{constraint, invalid, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, tag_list};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{Org, State, Tags};
use serde_json::Value;

pub(super) const OPERATIONS: &[Op] = &[
    ("TagResource", Handler::Write(tag)),
    ("UntagResource", Handler::Write(untag)),
    ("ListTagsForResource", Handler::Lag(list)),
];

/// The tags of a request, if they may be set.
pub(super) fn checked(cx: &Cx<'_>, input: Input<'_>) -> Result<Tags, ApiError> {
    let tags = input.tags("Tags");
    if tags.len() < input.list("Tags").len() {
        return Err(invalid("DUPLICATE_TAG_KEY", "a tag key is given twice"));
    }
    if tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(invalid("INVALID_SYSTEM_TAGS_PARAMETER", "a tag key must not begin with aws:"));
    }
    limit(cx, &tags)?;
    Ok(tags)
}

fn limit(cx: &Cx<'_>, tags: &Tags) -> Result<(), ApiError> {
    let message = "You have exceeded the number of tags allowed on this resource.";
    if tags.len() > cx.config.quotas.tags { Err(constraint("MAX_TAG_LIMIT_EXCEEDED", message)) } else { Ok(()) }
}

fn known(org: &Org, id: &String) -> Result<(), ApiError> {
    let known = org.is_parent(id) || org.accounts.contains(id) || org.policies.contains(id);
    let message = "We can't find a root, OU, account, or policy with the TargetId that you specified.";
    if known { Ok(()) } else { Err(ApiError::client("TargetNotFoundException", message)) }
}

fn tag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let id = input.owned("ResourceId");
    known(org, &id)?;
    let mut tags = org.tags.get(&id).cloned().unwrap_or_default();
    tags.extend(checked(cx, input)?);
    limit(cx, &tags)?;
    org.tags.insert(id, tags);
    Ok(Value::Null)
}

fn untag(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let id = input.owned("ResourceId");
    known(org, &id)?;
    if let Some(tags) = org.tags.get_mut(&id) {
        input.texts("TagKeys").for_each(|key| drop(tags.remove(key)));
    }
    Ok(Value::Null)
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.owned("ResourceId");
    known(org, &id)?;
    let tags = org.tags.get(&id).map(tag_list).unwrap_or_default();
    let items = tags.into_iter().map(|tag| (Input(&tag).owned("Key"), tag));
    page(ORGANIZATIONS, cx, input, "Tags", items, |tag| tag)
}
