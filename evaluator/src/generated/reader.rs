//! The role by which who plans looks into an account: `org { reader_role = … }`. Owns what it may read, and that it is in
//! every account of the program that a stack can be in; by it nothing can be changed.

use cell_lang::schema::Kind;
use serde_json::{Value as Json, json};

use super::ground::Ground;
use super::template::{Stack, Template};
use super::{Generation, LeftOut};
use crate::rules::fleet::sound;
use crate::value::EntityId;

/// Its name in templates.
const ID: &str = "ReaderRole";
/// What plan, drift, review and status read in an account of an organization. Stacks, clusters and repositories are named by
/// programs, whose next version may name others; alarms, data and roles take no resource.
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>)
const READS: [&str; 8] = [
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "ecr:DescribeImages",
    "ecr:GetRepositoryPolicy",
    "eks:DescribeCluster",
    "iam:ListRoles",
];

/// Adds the role to the template of an account's stack, if the program names one.
pub(super) fn add(ground: &Ground<'_, '_>, template: &mut Template) {
    let (Some(name), Some(trusted)) = (name(ground), trusted(ground)) else { return };
    let read = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": READS, "Resource": "*" }],
    });
    let properties = json!({
        "RoleName": name,
        "Description": "cellc looks into this account by it, and changes nothing",
        "AssumeRolePolicyDocument": super::cell::trust(&json!({ "AWS": trusted })),
        "Policies": [{ "PolicyName": "read", "PolicyDocument": read }],
    });
    template.add(ID, "AWS::IAM::Role", properties);
}

/// Does the role come with a template?
pub(crate) fn brings(template: &Json) -> bool {
    template.get("Resources").is_some_and(|resources| resources.get(ID).is_some())
}

/// The stacks of accounts that are no cell's.
pub(super) fn stacks(ground: &Ground<'_, '_>, out: &mut Generation) {
    if name(ground).is_none() {
        return;
    }
    let missing = |field: &str, help: &str| LeftOut {
        address: ground.world.org().map_or("org", |org| ground.world.address(org)).to_owned(),
        span: None,
        why: format!("`reader_role` is in no account: `org` says no `{field}`"),
        help: help.to_owned(),
        refused: false,
    };
    if trusted(ground).is_none() {
        let help = "name the account that may take the role: `org … { management_account = \"111111111111\" }`";
        return out.left_out.push(missing("management_account", help));
    }
    let accounts = || sound(ground.world, Kind::Account).filter(|id| !is_managements(ground, *id));
    let Some(region) = org_text(ground, "home_region") else {
        if accounts().next().is_some() {
            let help = "say in which region accounts that are no cell's have their stack: `org … { home_region = \"us-west-2\" }`";
            out.left_out.push(missing("home_region", help));
        }
        return;
    };
    for id in accounts() {
        let label = ground.label(id);
        let mut template = Template::new(format!("How cellc looks into the account {label}"), &[]);
        add(ground, &mut template);
        out.stacks.push(template.finish(Stack {
            address: format!("stack.account/{label}"),
            name: format!("account-{label}"),
            account: ground.owner(id),
            region,
            after: Vec::new(),
            sources: vec![id],
        }));
    }
}

/// One that is the other role, too, is there already, and is no reader's.
fn name<'g>(ground: &'g Ground<'_, '_>) -> Option<&'g str> {
    org_text(ground, "reader_role").filter(|name| Some(*name) != org_text(ground, "access_role"))
}

/// The accounts whose principals may take the role, if their own policies let them.
fn trusted(ground: &Ground<'_, '_>) -> Option<Vec<Json>> {
    let management = org_text(ground, "management_account")?;
    let all = [Some(management), org_text(ground, "delegated_admin")];
    let root = |id: &str| json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:iam::{id}:root") });
    Some(all.into_iter().flatten().map(root).collect())
}

/// Nobody enters the management account by a role: who plans is there already.
fn is_managements(ground: &Ground<'_, '_>, id: EntityId) -> bool {
    ground.world.str_field(id, "account_id") == org_text(ground, "management_account")
}

fn org_text<'g>(ground: &'g Ground<'_, '_>, field: &str) -> Option<&'g str> {
    ground.world.str_field(ground.world.org()?, field)
}
