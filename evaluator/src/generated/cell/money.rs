//! Budgets. Owns how one is said in CloudFormation, and in which stack: Budgets watches a whole account from wherever it is told
//! to, and not every region's CloudFormation can tell it.

use serde_json::{Value as Json, json};

use crate::generated::ground::Ground;
use crate::generated::template::{Stack, Template};
use crate::generated::{BUDGETS, Generated};
use crate::resources::ResourceKind;
use crate::rules::fleet::Cell;
use crate::rules::regions;
use crate::value::Value;

/// Adds the cell's budget, if it has one that its own stack can hold.
pub(super) fn add(ground: &Ground<'_, '_>, cell: Cell, template: &mut Template) {
    let region = ground.region(cell.id);
    if regions::of_budget(region) == Some(region) {
        budget(ground, cell, template);
    }
}

/// The stack of the cell's budget, if it has one and the cell's own stack cannot hold it: in the cell's account all the same.
pub(super) fn elsewhere(ground: &Ground<'_, '_>, cell: Cell) -> Option<Generated> {
    let own = ground.region(cell.id);
    let region = regions::of_budget(own).filter(|region| *region != own)?;
    let label = ground.label(cell.id);
    let mut template = Template::new(format!("The budget of the cell {label}"), &[]);
    budget(ground, cell, &mut template);
    let place = Stack {
        address: format!("{BUDGETS}{label}"),
        name: format!("budget-{label}"),
        account: ground.owner(cell.id),
        region,
        after: Vec::new(),
        sources: vec![cell.id],
    };
    (template.len() > 0).then(|| template.finish(place))
}

fn budget(ground: &Ground<'_, '_>, cell: Cell, template: &mut Template) {
    let Some(resource) = ground.of(cell.id, ResourceKind::Budget).next() else { return };
    let Some(Value::Usd(monthly)) = resource.field("monthly") else { return };
    let name = resource.field("name").and_then(Value::as_str).unwrap_or_default();
    let strings = |field: &str| -> Vec<String> {
        let items = resource.field(field).map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let subscribers: Vec<Json> = strings("notify").iter().map(|to| subscriber(to)).collect();
    let mut properties = json!({ "Budget": {
        "BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY",
        "BudgetLimit": { "Amount": amount(monthly.0), "Unit": "USD" },
    } });
    if !subscribers.is_empty() {
        let shares = resource.field("alert_at").map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
        let mut shares: Vec<Json> = shares.iter().map(|share| super::alarms::number(share, false)).collect();
        // Who is told and not when is told when it is spent.
        if shares.is_empty() {
            shares.push(json!(100));
        }
        let notices: Vec<Json> = shares.iter().map(|share| notice(share, &subscribers)).collect();
        properties["NotificationsWithSubscribers"] = Json::Array(notices);
    }
    template.add("Budget", "AWS::Budgets::Budget", properties);
}

fn notice(share: &Json, subscribers: &[Json]) -> Json {
    json!({
        "Notification": {
            "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN",
            "Threshold": share, "ThresholdType": "PERCENTAGE",
        },
        "Subscribers": subscribers,
    })
}

fn subscriber(to: &str) -> Json {
    let kind = if to.starts_with("arn:") { "SNS" } else { "EMAIL" };
    json!({ "SubscriptionType": kind, "Address": to })
}

/// Dollars from millionths.
fn amount(millionths: i64) -> Json {
    cell_lang::value::Decimal(millionths).to_string().parse::<f64>().map_or(Json::Null, |number| json!(number))
}
