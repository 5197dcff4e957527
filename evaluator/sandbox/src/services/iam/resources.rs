//! Roles that are resources of stacks. Owns what of their properties is in the role, and nothing of stacks.

use super::trust_document;
use crate::error::ApiError;
use crate::input::{Cx, Input};
use crate::services::cloudformation::Made;
use crate::state::{Role, State};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const ROLE: &str = "AWS::IAM::Role";
/// The longest name of a role. (IAM API Reference, CreateRole)
const NAME: usize = 64;

/// Why a role with these properties cannot be made.
pub(crate) fn refusal(kind: &str, properties: &Value) -> Option<String> {
    let trust = properties.get("AssumeRolePolicyDocument").map(Value::to_string).unwrap_or_default();
    let why = trust_document(&trust).err().filter(|_| kind == ROLE)?;
    Some(format!("{why} (MalformedPolicyDocument)"))
}

/// Makes the role, or brings it to its properties; its name, or none for another kind.
pub(crate) fn settle(state: &mut State, cx: &Cx<'_>, made: &Made<'_>) -> Option<Result<String, ApiError>> {
    if made.kind != ROLE {
        return None;
    }
    let given = Input(made.properties);
    let name = given.optional("RoleName").map_or_else(|| made.name.chars().take(NAME).collect(), str::to_owned);
    let key = (account(made.place), name.clone());
    let former = state.iam.roles.get(&key).map(|role| (role.id.clone(), role.created));
    let (id, created) = former.unwrap_or_else(|| (format!("AROA{}", state.ids.upper(17)), cx.now));
    let inline = given.list("Policies").iter().map(|policy| {
        let document = policy.get("PolicyDocument").map(Value::to_string).unwrap_or_default();
        (Input(policy).owned("PolicyName"), Arc::from(document))
    });
    let role = Role {
        path: given.optional("Path").unwrap_or("/").to_owned(),
        id,
        created,
        trust: Arc::from(made.properties["AssumeRolePolicyDocument"].to_string()),
        description: given.optional("Description").map(str::to_owned),
        max_session: given.number("MaxSessionDuration").unwrap_or(3_600) as u64,
        attached: given.texts("ManagedPolicyArns").map(str::to_owned).collect(),
        inline: inline.collect::<BTreeMap<_, _>>(),
        boundary: given.optional("PermissionsBoundary").map(str::to_owned),
        tags: given.tags("Tags"),
    };
    state.iam.roles.insert(key, role);
    Some(Ok(name))
}

/// Removes the role. One that is gone already is fine.
pub(crate) fn remove(state: &mut State, kind: &str, place: &str, id: &str) {
    if kind == ROLE {
        state.iam.roles.remove(&(account(place), id.to_owned()));
    }
}

/// IAM is of no region.
fn account(place: &str) -> String {
    place.split('/').next().unwrap_or_default().to_owned()
}
