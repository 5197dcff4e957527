//! What stacks need: to enter their accounts, and what the role there must be allowed to do with CloudFormation. Owns that
//! each right is limited to the stacks that the plan names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::plan::model::{Plan, Verb};
use crate::provider::partition;
use crate::stacks::{AccountOf, StackPlace, shelf};

/// Accounts that a policy names one by one: more are named by the role alone, for a policy has an end.
const NAMED: usize = 10;

/// What is read of a stack.
const READS: [&str; 2] = ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"];
/// What deploying one needs.
const DEPLOYS: [&str; 9] = [
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
];
/// What deleting one needs.
const DELETES: [&str; 3] =
    ["cloudformation:DeleteStack", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"];

/// What is done with the stacks of one account: actions by stack.
type OfAccount = BTreeMap<String, BTreeSet<&'static str>>;

/// The stacks of a plan.
pub(super) struct Stacks<'p> {
    plan: &'p Plan,
    /// By address or id.
    accounts: BTreeMap<String, OfAccount>,
    /// Where large templates lie, by the account whose stacks they are.
    shelves: BTreeMap<String, BTreeSet<String>>,
}

impl<'p> Stacks<'p> {
    /// Of a plan.
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut accounts: BTreeMap<String, OfAccount> = BTreeMap::new();
        for operation in &plan.operations {
            let arn = |account: &str, region: &str, stack: &str| arn(plan, account, region, stack);
            let (account, arn, actions): (String, String, &[&'static str]) = match &operation.verb {
                Verb::DeployStack(order) => {
                    let id = id_of(plan, &order.account).unwrap_or_else(|| "*".to_owned());
                    (order.account.clone(), arn(&id, &order.region, &order.name), &DEPLOYS)
                }
                Verb::Deploy(order) if order.is_stack() => {
                    let id = id_of(plan, &order.cell).unwrap_or_else(|| "*".to_owned());
                    let text = |name: &str| order.field(name).and_then(|value| value.as_str()).unwrap_or("*");
                    (order.cell.clone(), arn(&id, text("region"), text("stack")), &DEPLOYS)
                }
                Verb::Undeploy { cell, .. } => {
                    let id = id_of(plan, cell).unwrap_or_else(|| "*".to_owned());
                    (cell.clone(), arn(&id, "*", "*"), &DELETES)
                }
                Verb::DeleteStack { id } => {
                    let Some(place) = StackPlace::of_arn(id) else { continue };
                    let known = plan.ids.iter().find(|(_, known)| **known == place.account);
                    let account = known.map_or_else(|| place.account.clone(), |(address, _)| address.clone());
                    (account, arn(&place.account, &place.region, &place.name), &DELETES)
                }
                _ => continue,
            };
            accounts.entry(account).or_default().entry(arn).or_default().extend(actions);
        }
        Self { plan, accounts, shelves: shelves(plan) }
    }

    /// The statement that lets the caller enter the accounts of stacks by a role.
    pub(super) fn enter(&self, role: &str) -> Option<Json> {
        let mut ids = self.plan.entered.clone();
        let mut new = false;
        for account in self.accounts.keys() {
            match id_of(self.plan, account) {
                Some(id) => _ = ids.insert(id),
                None => new = true,
            }
        }
        ids.remove(&self.plan.target.management_account);
        let partition = own_partition(self.plan);
        let role = |id: &str| format!("arn:{partition}:iam::{id}:role/{role}");
        let resources: Vec<String> = match (new || ids.len() > NAMED, ids.is_empty()) {
            (true, _) => vec![role("*")],
            (false, true) => return None,
            (false, false) => ids.iter().map(|id| role(id)).collect(),
        };
        Some(json!({ "Sid": "EnterAccounts", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": resources }))
    }

    /// The statement that lets the caller put templates where CloudFormation reads them.
    pub(super) fn shelves(&self) -> Option<Json> {
        let all: BTreeSet<&String> = self.shelves.values().flatten().collect();
        let put = ["s3:GetObject", "s3:PutObject"];
        (!all.is_empty()).then(|| json!({ "Sid": "Templates", "Effect": "Allow", "Action": put, "Resource": all }))
    }

    /// What the caller itself needs, for stacks of the management account: it enters no account for those.
    pub(super) fn own(&self, applying: bool) -> Vec<Json> {
        let management = &self.plan.target.management_account;
        if !self.plan.entered.contains(management) {
            return Vec::new();
        }
        let mut all: OfAccount = BTreeMap::from([(arn(self.plan, management, "*", "*"), BTreeSet::from(READS))]);
        let own = self.accounts.iter().filter(|(account, _)| id_of(self.plan, account).as_ref() == Some(management));
        for (stack, actions) in own.flat_map(|(_, stacks)| stacks).filter(|_| applying) {
            all.entry(stack.clone()).or_default().extend(actions);
        }
        statements(&all)
    }

    /// For each account that the plan changes a stack of: what the role that is entered there needs.
    pub(super) fn accounts(&self, document: &dyn Fn(Vec<Json>) -> Json) -> Map<String, Json> {
        let one = |(account, stacks): (&String, &OfAccount)| {
            let reading: OfAccount = stacks.keys().map(|stack| (stack.clone(), READS.into())).collect();
            let mut applying = statements(stacks);
            // CloudFormation reads a template as whoever acts in the account.
            applying.extend(self.shelves.get(account).map(|shelves| {
                json!({ "Sid": "Templates", "Effect": "Allow", "Action": "s3:GetObject", "Resource": shelves })
            }));
            let both = json!({ "plan": document(statements(&reading)), "apply": document(applying) });
            (account.clone(), both)
        };
        self.accounts.iter().map(one).collect()
    }
}

/// Where large templates lie, by account.
fn shelves(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in &plan.operations {
        let (account, objects) = match &operation.verb {
            Verb::DeployStack(order) => {
                let Some(bucket) = &order.bucket else { continue };
                (&order.account, shelf::objects(&bucket.name, partition::of(&order.region), &order.region))
            }
            Verb::Deploy(order) if order.is_stack() && order.may_be_large() => {
                let Some(setting) = &order.wish.template_bucket else { continue };
                let region = order.field("region").and_then(Json::as_str).unwrap_or("*");
                (&order.cell, shelf::objects(setting, partition::of(region), region))
            }
            _ => continue,
        };
        all.entry(account.clone()).or_default().insert(objects);
    }
    all
}

fn id_of(plan: &Plan, account: &str) -> Option<String> {
    match AccountOf::of_word(account) {
        AccountOf::Id(id) => Some(id),
        AccountOf::Of(address) => plan.ids.get(&address).cloned(),
    }
}

/// The partition that the organization is in.
fn own_partition(plan: &Plan) -> &str {
    plan.target.instance.as_deref().and_then(|arn| arn.split(':').nth(1)).unwrap_or(partition::AWS)
}

/// What is in every region is in those of the organization's partition.
fn arn(plan: &Plan, account: &str, region: &str, stack: &str) -> String {
    let partition = if region == "*" { own_partition(plan) } else { partition::of(region) };
    format!("arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*")
}

/// A statement for all stacks with which the same is done.
fn statements(stacks: &OfAccount) -> Vec<Json> {
    let mut by_actions: BTreeMap<&BTreeSet<&'static str>, Vec<&String>> = BTreeMap::new();
    for (stack, actions) in stacks {
        by_actions.entry(actions).or_default().push(stack);
    }
    let one = |(at, (actions, stacks)): (usize, (&BTreeSet<&'static str>, Vec<&String>))| {
        let sid = if at == 0 { "Stacks".to_owned() } else { format!("Stacks{}", at + 1) };
        json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": stacks })
    };
    by_actions.into_iter().enumerate().map(one).collect()
}
