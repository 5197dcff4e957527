//! Alarms, budgets, ways out and names of a cell.

use serde_json::{Value as Json, json};

use super::{Owner, made, stack, template};

fn resources(cell: &str, more: &str) -> Json {
    let program = format!(
        "cell a {{ kind = \"alpha\", region = \"us-west-2\", account_id = \"111111111111\", name = \"first\", {cell} }}\n{more}"
    );
    template(stack(&made(&program), "stack.cell/a"))["Resources"].clone()
}

#[test]
fn a_ratio_is_metric_math() {
    let all = resources("", "");
    let alarm = &all["AlarmErrors"]["Properties"];
    assert_eq!(alarm["AlarmName"], "errors-a");
    assert_eq!((alarm["Threshold"].as_f64(), alarm["EvaluationPeriods"].as_i64()), (Some(0.01), Some(5)));
    assert_eq!(alarm["Metrics"][0]["Expression"], "IF(requests >= 100, errors / requests, 0.01)");
    let errors = &alarm["Metrics"][1];
    assert_eq!(errors["MetricStat"]["Metric"]["Dimensions"], json!([{ "Name": "cell", "Value": "first" }]));
    assert_eq!((errors["MetricStat"]["Stat"].as_str(), errors["ReturnData"].as_bool()), (Some("Sum"), Some(false)));
    assert_eq!(alarm["TreatMissingData"], "breaching");
}

#[test]
fn a_metric_is_watched_as_it_is() {
    let all = resources(
        "",
        "alarm few { namespace = \"n\", metric = \"Up\", below = 99.5%, over = 1h, period = 5m, missing = \"ignore\" }",
    );
    let slow = &all["AlarmSlow"]["Properties"];
    assert_eq!((slow["ExtendedStatistic"].as_str(), slow["Statistic"].as_str()), (Some("p99"), None));
    assert_eq!(
        (slow["Threshold"].as_f64(), slow["ComparisonOperator"].as_str()),
        (Some(250.0), Some("GreaterThanThreshold"))
    );
    let few = &all["AlarmFew"]["Properties"];
    assert_eq!(
        (few["Threshold"].as_f64(), few["ComparisonOperator"].as_str()),
        (Some(99.5), Some("LessThanThreshold"))
    );
    assert_eq!((few["EvaluationPeriods"].as_i64(), few["Period"].as_i64()), (Some(12), Some(300)));
    assert_eq!(few["Statistic"], "Average");
}

#[test]
fn a_budget_tells_when_it_was_said_to() {
    let all = resources(
        "budget { monthly = 40_000usd, alert_at = [80%, 100%], notify = [\"a@x.example\", \"arn:aws:sns:us-west-2:111111111111:t\"] }",
        "",
    );
    let budget = &all["Budget"]["Properties"];
    assert_eq!(budget["Budget"]["BudgetLimit"], json!({ "Amount": 40_000.0, "Unit": "USD" }));
    let notices = budget["NotificationsWithSubscribers"].as_array().unwrap();
    let thresholds: Vec<&Json> = notices.iter().map(|one| &one["Notification"]["Threshold"]).collect();
    assert_eq!(thresholds, [&json!(80.0), &json!(100.0)]);
    let kinds: Vec<&Json> =
        notices[0]["Subscribers"].as_array().unwrap().iter().map(|to| &to["SubscriptionType"]).collect();
    assert_eq!(kinds, ["EMAIL", "SNS"]);
}

#[test]
fn a_budget_is_in_the_cells_stack_only_where_cloudformation_has_budgets() {
    let cells = ["eu-west-1", "eu-north-1", "ca-west-1"].map(|region| {
        let budget = "budget { monthly = 40usd, alert_at = [80%], notify = [\"a@x.example\"] }";
        format!("cell {region} {{ kind = \"alpha\", region = \"{region}\", {budget} }}\n")
    });
    let without = "cell plain { kind = \"alpha\", region = \"eu-north-1\" }";
    let generation = made(&format!("{}{without}", cells.concat()));
    let budgets: Vec<(&str, &str, &Owner)> = generation
        .stacks
        .iter()
        .filter(|stack| template(stack)["Resources"].get("Budget").is_some())
        .map(|stack| (stack.address.as_str(), stack.region.as_str(), &stack.account))
        .collect();
    let of = |cell: &str| Owner::Of(format!("cell.{cell}"));
    assert_eq!(
        budgets,
        [
            ("stack.budget/ca-west-1", "us-east-1", &of("ca-west-1")),
            ("stack.budget/eu-north-1", "us-east-1", &of("eu-north-1")),
            ("stack.cell/eu-west-1", "eu-west-1", &of("eu-west-1")),
        ]
    );
    let apart = stack(&generation, "stack.budget/eu-north-1");
    assert_eq!((apart.name.as_str(), apart.capabilities.len()), ("cellc-budget-eu-north-1", 0));
    assert_eq!(apart.tags["cellc:address"], "stack.budget/eu-north-1");
    let (there, here) = (template(apart), template(stack(&generation, "stack.cell/eu-west-1")));
    let mut same = here["Resources"]["Budget"].clone();
    same["Properties"]["Budget"]["BudgetName"] =
        there["Resources"]["Budget"]["Properties"]["Budget"]["BudgetName"].clone();
    assert_eq!(there["Resources"], json!({ "Budget": same }));
}

#[test]
fn ways_out_are_looked_up_in_the_cell() {
    let ways = "
        outbound near { from = cells, to vpc_endpoint { service = \"ecr.api\" } }
        outbound far { from = cells, to vpc_endpoint { service = \"com.amazonaws.vpce.us-west-2.vpce-svc-0123456789abcdef0\" } }
        outbound flat { from = cells, to vpc_endpoint { service = \"s3\" } }";
    let program =
        format!("cell a {{ kind = \"alpha\", region = \"us-west-2\", labels {{ network = \"/net\" }} }}\n{ways}");
    let of_cell = |program: &str| template(stack(&made(program), "stack.cell/a"));
    let all = of_cell(&program);
    let of = |id: &str| &all["Resources"][id]["Properties"];
    assert_eq!(of("EndpointNear")["ServiceName"], "com.amazonaws.us-west-2.ecr.api");
    assert_eq!(of("EndpointNear")["PrivateDnsEnabled"], true);
    assert_eq!(of("EndpointFar")["PrivateDnsEnabled"], false);
    assert_eq!(of("EndpointFlat")["VpcEndpointType"], "Gateway");
    assert_eq!(of("EndpointFar").get("ServiceRegion"), None);
    let elsewhere = of_cell(&program.replace("\"us-west-2\"", "\"eu-west-1\""));
    assert_eq!(elsewhere["Resources"]["EndpointFar"]["Properties"]["ServiceRegion"], "us-west-2");
    assert_eq!(elsewhere["Resources"]["EndpointNear"]["Properties"].get("ServiceRegion"), None);
    assert_eq!(all["Parameters"]["Vpc"]["Default"], "/net/vpc");
    assert_eq!(all["Parameters"]["RouteTables"]["Type"], "AWS::SSM::Parameter::Value<List<String>>");
}

#[test]
fn a_role_outside_is_let_by_a_policy() {
    let all = resources(
        "",
        "outbound out { from = cells, to assume_role { arn = \"arn:aws:iam::\\(account.images.account_id):role/x\", external_id = \"e\" } }",
    );
    let statement = &all["OutPolicyOut"]["Properties"]["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Resource"], "arn:aws:iam::999999999993:role/x");
    assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], "e");
    assert_eq!(all["OutRoleOut"]["Properties"]["ManagedPolicyArns"], json!([{ "Ref": "OutPolicyOut" }]));
}

#[test]
fn a_name_is_made_where_its_zone_is_said() {
    let all = resources("endpoints { api = \"api.a.x.example\" }, labels { zone = \"Z0123456789ABC\" }", "");
    let record = &all["RecordApi"]["Properties"];
    assert_eq!(
        (record["Name"].as_str(), record["HostedZoneId"].as_str()),
        (Some("api.a.x.example"), Some("Z0123456789ABC"))
    );
    assert_eq!(record["ResourceRecords"], json!([{ "Ref": "TargetApi" }]));
}
