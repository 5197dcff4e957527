//! Plans made by hand, in the parts that tests put together.

#![allow(clippy::expect_used, reason = "a test fails so")]

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::plan::model::{
    Access, Action, Authority, Change, Cost, Fields, Limits, Notice, NoticeKind, Operation, OperationId, Place, Plan,
    Quota, Target, Verb,
};
use crate::plan::text::{Look, write};

/// The file that everything stands in.
const FILE: &str = "examples/momento/main.cell";

pub(super) fn empty() -> Plan {
    Plan {
        command: "apply".to_owned(),
        source: FILE.to_owned(),
        at: "2026-11-26T20:00:00Z".parse().expect("an instant"),
        only: Vec::new(),
        except: Vec::new(),
        target: Target {
            cloud: "sandbox".to_owned(),
            organization: "o-a1b2c3d4e5".to_owned(),
            management_account: "111111111111".to_owned(),
            instance: Some("arn:aws:sso:::instance/ssoins-0123456789abcdef".to_owned()),
            identity_store: Some("d-1234567890".to_owned()),
            roles: None,
            registry: ".cellc/registry.json".to_owned(),
            serial: 7,
        },
        limits: Limits::default(),
        ids: BTreeMap::new(),
        names: BTreeMap::new(),
        changes: Vec::new(),
        operations: Vec::new(),
        access: Vec::new(),
        review: None,
        memberships: None,
        entered: std::collections::BTreeSet::new(),
        notices: Vec::new(),
        authority: Vec::new(),
        cost: Cost::default(),
        unapplied: Vec::new(),
        reading: String::new(),
        rest_of: None,
        saved_as: None,
    }
}

/// The text without colours, as wide as a terminal, with the plan's id made even.
pub(super) fn text(plan: &Plan) -> String {
    shown(plan, Look { verbose: false, width: 100, color: false })
}

pub(super) fn shown(plan: &Plan, look: Look) -> String {
    let mut out = String::new();
    write(plan, &look, &mut out).expect("a string takes all");
    let id = crate::plan::file::plan_id(plan);
    out.replace(&id, "plan-ID").replace(&id[..17], "plan-ID")
}

fn fields(json: &Json) -> Option<Fields> {
    json.as_object().map(|object| object.clone().into_iter().collect())
}

pub(super) fn change(address: &str, kind: &str, action: Action, before: &Json, after: &Json) -> Change {
    let name = address.rsplit_once('.').map_or(address, |(_, label)| label);
    Change {
        address: address.to_owned(),
        kind: kind.to_owned(),
        action,
        id: None,
        name: name.to_owned(),
        from: None,
        before: fields(before),
        after: fields(after),
        later: Vec::new(),
        drift: Vec::new(),
        unread: false,
        in_force: Vec::new(),
        reason: None,
        sources: vec![place(address, 141)],
        operations: Vec::new(),
    }
}

pub(super) fn place(entity: &str, line: usize) -> Place {
    Place { entity: entity.to_owned(), file: FILE.to_owned(), line, column: 1 }
}

/// An assignment that comes from a grant.
pub(super) fn assignment(action: Action, set: &str, principal: &str, target: &str, grant: (&str, usize)) -> Change {
    let address = format!("assignment.{set}/{principal}/{target}");
    let it = json!({
        "permission_set": format!("permission_set.{set}"), "principal": principal, "target": target,
        "account": { "later": format!("{target}.account_id") },
    });
    let (before, after) =
        if matches!(action, Action::Delete | Action::Forget) { (&it, &Json::Null) } else { (&Json::Null, &it) };
    let sources = vec![place(grant.0, grant.1)];
    Change { name: String::new(), sources, ..change(&address, "assignment", action, before, after) }
}

pub(super) fn access(set: &str, principal: &str, gained: &[String], lost: &[String], new: &[String]) -> Access {
    Access {
        principal: principal.to_owned(),
        principal_name: principal.rsplit('.').next().unwrap_or_default().to_owned(),
        permission_set: format!("permission_set.{set}"),
        gained: gained.to_vec(),
        lost: lost.to_vec(),
        new_targets: new.to_vec(),
    }
}

/// Forty cells get one grant.
pub(super) fn forty_cells() -> Plan {
    let mut cells: Vec<String> =
        ["alpha", "dev-ana", "dev-raj", "preprod-usw2"].iter().map(|name| format!("cell.{name}")).collect();
    cells.extend((1..=36).map(|n| format!("cell.prod-usw2-{n:02}")));
    let given = |cell: &String| {
        let grant = ("grant.developers-look", 149);
        assignment(Action::Create, "ReadOnly", "group.developers", cell, grant)
    };
    let mut plan = Plan { changes: cells.iter().map(given).collect(), ..empty() };
    for (at, cell) in (0_u32..).zip(&cells) {
        let verb = Verb::Assign {
            set: "permission_set.ReadOnly".to_owned(),
            principal: "group.developers".to_owned(),
            target: cell.clone(),
        };
        let change = &mut plan.changes[at as usize];
        change.operations = vec![OperationId(at)];
        let address = change.address.clone();
        plan.operations.push(Operation {
            id: OperationId(at),
            address,
            verb,
            needs: Vec::new(),
            sets: Fields::new(),
        });
    }
    plan.access = vec![access("ReadOnly", "group.developers", &cells, &[], &[])];
    plan.authority = vec![Authority {
        who: "delegated administrator".to_owned(),
        operations: 40,
        what: "assignments outside the management account".to_owned(),
    }];
    plan.cost = Cost { calls: 80, by_call: BTreeMap::new(), duration_s: 16, quotas: Vec::new() };
    plan.reading =
        "assignments were read by pair (40 of account and permission set): those of everybody were seen".to_owned();
    plan.unapplied = vec![
        crate::plan::model::Unapplied { kind: "alarm".to_owned(), count: 80 },
        crate::plan::model::Unapplied { kind: "repository_policy".to_owned(), count: 2 },
    ];
    plan
}

pub(super) fn notice(kind: NoticeKind, message: &str, addresses: &[&str], allow: Option<&str>) -> Notice {
    Notice {
        kind,
        code: None,
        message: message.to_owned(),
        addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        allow: allow.map(str::to_owned),
    }
}

pub(super) fn quota(what: &str, before: u64, after: u64, most: u64) -> Quota {
    Quota { what: what.to_owned(), before, after, most }
}

/// The policy of CellOperator, with these actions to scale in these regions.
pub(super) fn operator(actions: &[&str], regions: &[&str], others: &[Json]) -> Json {
    let scale = json!({
        "Sid": "Scale", "Effect": "Allow", "Action": actions, "Resource": ["arn:aws:autoscaling:*:*:autoScalingGroup:*"],
        "Condition": { "StringEquals": { "aws:RequestedRegion": regions } },
    });
    let statements: Vec<Json> = [scale].into_iter().chain(others.iter().cloned()).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}
