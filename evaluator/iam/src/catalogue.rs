//! What AWS's services offer: actions, resource types and condition keys. Owns the shape of that data and how an
//! action is found in it; where the data comes from is not its affair, and it must not know of policies.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The actions that are known, by service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The day the data describes, as `2026-09-26`; empty for a catalogue made by hand.
    pub date: SmolStr,
    /// By the prefix before the colon of an action, in lower case: `s3`.
    pub services: IndexMap<SmolStr, Service>,
    /// Condition keys that any service may carry: those that begin with `aws:`.
    pub globals: Vec<ConditionKey>,
}

/// One service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its actions, ordered by name.
    pub actions: Vec<Action>,
    /// Its types of resource.
    pub resources: Vec<ResourceType>,
    /// The condition keys that its actions and resource types name, global ones (`aws:ResourceTag/${TagKey}`) too.
    pub keys: Vec<ConditionKey>,
}

/// One action of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its name as AWS writes it, without the service: `GetObject`.
    pub name: SmolStr,
    /// What it does at most.
    pub level: Level,
    /// The types of resource that it acts on, as indices into [`Service::resources`]; empty when it has no
    /// resource-level permissions and is asked for on `*`.
    pub resources: Vec<u16>,
    /// Whether a request may name no resource although the action has types: none of them is required.
    pub whole: bool,
    /// The condition keys that a request for it may carry (its own and those of its resource types), as indices into
    /// [`Service::keys`].
    pub keys: Vec<u16>,
}

/// AWS's access levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Names what exists.
    List,
    /// Reads what is in it.
    Read,
    /// Sets tags only.
    Tagging,
    /// Creates, changes, deletes.
    Write,
    /// Changes who may do what.
    PermissionsManagement,
}

/// One type of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceType {
    /// Its name: `bucket`.
    pub name: SmolStr,
    /// Its ARN with variables: `arn:${Partition}:s3:::${BucketName}`.
    pub arn: SmolStr,
}

/// One condition key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionKey {
    /// Its name, perhaps with a variable at the end: `aws:RequestTag/${TagKey}`.
    pub name: SmolStr,
    /// What its values are.
    pub kind: KeyKind,
    /// Whether one request may carry several values (`ArrayOfString` and its like).
    pub several: bool,
}

/// What the values of a condition key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// Text.
    String,
    /// A number.
    Numeric,
    /// An instant.
    Date,
    /// `true` or `false`.
    Bool,
    /// An address.
    Ip,
    /// An ARN.
    Arn,
    /// Bytes in base64.
    Binary,
}

/// Services of which it is known that an action without types of resources is asked for on `*` and on nothing else:
/// of others AWS's refusals name ARNs all the same.
pub(crate) const ONLY_ON_ALL: [&str; 5] = ["ec2", "kms", "lambda", "autoscaling", "elasticloadbalancing"];

impl Catalogue {
    /// The service of a prefix, whatever its case.
    pub fn service(&self, prefix: &str) -> Option<&Service> {
        self.services.get(prefix).or_else(|| self.services.get(prefix.to_ascii_lowercase().as_str()))
    }

    /// The action `service:Name`, whatever its case, with its service.
    pub fn action(&self, action: &str) -> Option<(&Service, &Action)> {
        let (prefix, name) = action.split_once(':')?;
        let service = self.service(prefix)?;
        service.action(name).map(|action| (service, action))
    }
}

impl Service {
    /// The action of this name, whatever its case.
    pub fn action(&self, name: &str) -> Option<&Action> {
        let exactly = self.actions.binary_search_by(|action| action.name.as_str().cmp(name));
        let found = exactly.ok().and_then(|at| self.actions.get(at));
        found.or_else(|| self.actions.iter().find(|action| action.name.eq_ignore_ascii_case(name)))
    }
}

impl ConditionKey {
    /// Whether it is this key, whatever its case: `aws:RequestTag/${TagKey}` is `aws:requesttag/team`.
    pub fn is(&self, key: &str) -> bool {
        match self.name.split_once("${") {
            Some((start, _)) => key.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => self.name.eq_ignore_ascii_case(key),
        }
    }
}
