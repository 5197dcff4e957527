//! A template while it is written: its parameters, resources and what its parameters are given. Owns the form of templates
//! and their bytes, which are the same for the same program; knows no resource of AWS.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::names;
use super::{Generated, Given, Owner};
use crate::value::EntityId;

/// How many accounts whose ids are not known yet have a parameter each; if there are more, lists of them do. A template takes
/// 200 parameters.
const SINGLE_ACCOUNTS: usize = 60;
/// The accounts of one list: a parameter takes 4,096 bytes, and an account and its comma need 13.
const LISTED_ACCOUNTS: usize = 300;

/// What a stack is, beside its template.
#[derive(Debug)]
pub(super) struct Stack<'a> {
    /// Its address.
    pub(super) address: String,
    /// What comes after `cellc-` in its name.
    pub(super) name: String,
    /// The account.
    pub(super) account: Owner,
    /// The region.
    pub(super) region: &'a str,
    /// The stacks that have to be there before.
    pub(super) after: Vec<String>,
    /// The entities that it comes from.
    pub(super) sources: Vec<EntityId>,
}

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    description: String,
    parameters: Map<String, Json>,
    resources: Map<String, Json>,
    given: BTreeMap<String, Given>,
    accounts: BTreeMap<String, Json>,
}

impl Template {
    /// One that may name these accounts.
    pub(super) fn new<'o>(description: String, owners: impl IntoIterator<Item = &'o Owner>) -> Self {
        let mut template = Self {
            description,
            parameters: Map::new(),
            resources: Map::new(),
            given: BTreeMap::new(),
            accounts: BTreeMap::new(),
        };
        let mut unknown: Vec<String> = owners.into_iter().filter_map(Owner::address).map(str::to_owned).collect();
        unknown.sort();
        unknown.dedup();
        if unknown.len() <= SINGLE_ACCOUNTS {
            unknown.into_iter().for_each(|address| template.single(address));
        } else {
            unknown.chunks(LISTED_ACCOUNTS).enumerate().for_each(|(at, chunk)| template.list(at, chunk));
        }
        template
    }

    fn single(&mut self, address: String) {
        let name = format!("Account{}", names::logical(&address));
        let about = format!("The account of {address}");
        let parameter = json!({ "Type": "String", "AllowedPattern": "[0-9]{12}", "Description": about });
        self.parameters.insert(name.clone(), parameter);
        self.given.insert(name.clone(), Given::Accounts(vec![address.clone()]));
        self.accounts.insert(address, json!({ "Ref": name }));
    }

    fn list(&mut self, at: usize, chunk: &[String]) {
        let name = format!("Accounts{}", at + 1);
        let parameter =
            json!({ "Type": "CommaDelimitedList", "Description": "Accounts, in the order of their addresses" });
        self.parameters.insert(name.clone(), parameter);
        self.given.insert(name.clone(), Given::Accounts(chunk.to_vec()));
        for (place, address) in chunk.iter().enumerate() {
            self.accounts.insert(address.clone(), json!({ "Fn::Select": [place.to_string(), { "Ref": name }] }));
        }
    }

    /// The id of an account, or what gives it. INVARIANT: the template was told of the account when it was made.
    pub(super) fn account(&self, owner: &Owner) -> Json {
        match owner {
            Owner::Id(id) => json!(id),
            Owner::Of(address) => self.accounts.get(address).cloned().unwrap_or(Json::Null),
        }
    }

    /// A parameter that the Parameter Store of the stack's account holds under a name; returns what refers to its value.
    pub(super) fn stored(&mut self, name: &str, kind: &str, path: &str, about: &str) -> Json {
        let parameter =
            json!({ "Type": format!("AWS::SSM::Parameter::Value<{kind}>"), "Default": path, "Description": about });
        self.parameters.insert(name.to_owned(), parameter);
        json!({ "Ref": name })
    }

    /// A parameter with a value of its own; returns what refers to it.
    pub(super) fn text(&mut self, name: &str, value: &str, about: &str) -> Json {
        self.parameters.insert(name.to_owned(), json!({ "Type": "String", "Default": value, "Description": about }));
        json!({ "Ref": name })
    }

    /// Adds a resource.
    #[allow(clippy::needless_pass_by_value, reason = "it is made for the template")]
    pub(super) fn add(&mut self, id: &str, kind: &str, properties: Json) {
        let mut resource = json!({ "Type": kind });
        resource["Properties"] = properties;
        self.resources.insert(id.to_owned(), resource);
    }

    /// Adds a resource that outlives its stack.
    #[allow(clippy::needless_pass_by_value, reason = "it is made for the template")]
    pub(super) fn keep(&mut self, id: &str, kind: &str, properties: Json) {
        let mut resource = json!({ "Type": kind, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain" });
        resource["Properties"] = properties;
        self.resources.insert(id.to_owned(), resource);
    }

    /// Says that a resource comes after others.
    pub(super) fn after(&mut self, id: &str, others: &[&str]) {
        if let Some(Json::Object(resource)) = self.resources.get_mut(id) {
            resource.insert("DependsOn".to_owned(), json!(others));
        }
    }

    /// How many resources it has.
    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }

    /// The stack; its parameters for accounts that nothing refers to are left out.
    pub(super) fn finish(mut self, stack: Stack<'_>) -> Generated {
        let mut named = BTreeSet::new();
        self.resources.values().for_each(|resource| references(resource, &mut named));
        self.parameters.retain(|name, _| named.contains(name.as_str()));
        self.given.retain(|name, _| named.contains(name.as_str()));
        drop(named);
        let roles = ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"];
        let makes_roles = self.resources.values().any(|resource| roles.iter().any(|kind| resource["Type"] == *kind));
        let mut whole = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": self.description,
            "Resources": self.resources,
        });
        if !self.parameters.is_empty() {
            whole["Parameters"] = Json::Object(self.parameters);
        }
        // In the order of names whatever a map's own order is.
        whole.sort_all_objects();
        Generated {
            name: names::stack(&stack.name),
            tags: BTreeMap::from([(crate::plan::desired::ADDRESS_TAG.to_owned(), stack.address.clone())]),
            address: stack.address,
            account: stack.account,
            region: stack.region.to_owned(),
            template: whole.to_string(),
            parameters: self.given,
            capabilities: if makes_roles { vec!["CAPABILITY_NAMED_IAM".to_owned()] } else { Vec::new() },
            after: stack.after,
            sources: stack.sources,
        }
    }
}

/// What a part of a template refers to by name.
fn references<'j>(part: &'j Json, named: &mut BTreeSet<&'j str>) {
    match part {
        Json::Array(items) => items.iter().for_each(|item| references(item, named)),
        Json::Object(fields) => {
            if let Some(Json::String(name)) = fields.get("Ref") {
                named.insert(name);
            }
            fields.values().for_each(|value| references(value, named));
        }
        _ => {}
    }
}
