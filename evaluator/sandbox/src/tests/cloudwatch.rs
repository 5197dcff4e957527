//! Alarms by their data and by hand, data in periods, metric math, dashboards, and both as resources of stacks.

use super::{Cloud, MEMBER, list, text};
use crate::Config;
use serde_json::{Value, json};

/// A cloud at the beginning of a minute.
fn cloud() -> Cloud {
    at_a_minute(Cloud::new())
}

fn at_a_minute(cloud: Cloud) -> Cloud {
    let now = cloud.sandbox.lock().now();
    let rest = 60_000 - now.rem_euclid(60_000);
    cloud.sandbox.advance(std::time::Duration::from_millis(rest.unsigned_abs())).unwrap();
    cloud
}

/// Seconds since 1970.
fn now(cloud: &Cloud) -> i64 {
    cloud.sandbox.lock().now() / 1_000
}

fn put(cloud: &Cloud, metric: &str, at: i64, value: f64) {
    let dimensions = json!([{"Name": "cell", "Value": "alpha"}]);
    let datum = json!({"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value});
    cloud.ok("cloudwatch:PutMetricData", json!({"Namespace": "api", "MetricData": [datum]}));
}

fn alarm(missing: &str, (least, periods): (u32, u32)) -> Value {
    json!({
        "AlarmName": "errors", "Namespace": "api", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
        "Dimensions": [{"Name": "cell", "Value": "alpha"}], "EvaluationPeriods": periods, "DatapointsToAlarm": least,
        "Threshold": 0.5, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": missing,
    })
}

fn state(cloud: &Cloud, name: &str) -> String {
    let found = cloud.ok("cloudwatch:DescribeAlarms", json!({"AlarmNames": [name]}));
    text(&found, "/MetricAlarms/0/StateValue")
}

#[test]
fn missing_data_is_treated_as_the_guide_has_it() {
    // CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": points that breach are X, those
    // that do not 0; what follows is the state when missing ones are missing, ignored, breaching, not breaching.
    let retained = "INSUFFICIENT_DATA";
    let tables = [
        ((3, 3), "0-X-X", ["OK", "OK", "OK", "OK"]),
        ((3, 3), "----0", ["OK", "OK", "OK", "OK"]),
        ((3, 3), "-----", ["INSUFFICIENT_DATA", retained, "ALARM", "OK"]),
        ((3, 3), "0XX-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ((3, 3), "--X--", ["ALARM", retained, "ALARM", "OK"]),
        ((2, 3), "0-X-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ((2, 3), "00X0X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ((2, 3), "0-X--", ["OK", "OK", "ALARM", "OK"]),
        ((2, 3), "----0", ["OK", "OK", "ALARM", "OK"]),
        ((2, 3), "---X-", ["ALARM", retained, "ALARM", "OK"]),
    ];
    for (of, points, expected) in tables {
        for (missing, expected) in ["missing", "ignore", "breaching", "notBreaching"].into_iter().zip(expected) {
            let cloud = cloud();
            cloud.ok("cloudwatch:PutMetricAlarm", alarm(missing, of));
            assert_eq!(state(&cloud, "errors"), "INSUFFICIENT_DATA", "it was not evaluated yet");
            let end = now(&cloud) + 60;
            for (at, point) in points.chars().rev().enumerate().filter(|(_, point)| *point != '-') {
                let back = i64::try_from(at + 1).unwrap() * 60;
                put(&cloud, "Errors", end - back, if point == 'X' { 1.0 } else { 0.0 });
            }
            cloud.wait(60);
            assert_eq!(state(&cloud, "errors"), expected, "{points} {of:?} {missing}");
        }
    }
}

#[test]
fn an_alarm_follows_its_data_and_what_is_set_by_hand_holds_for_a_period() {
    let cloud = cloud();
    cloud.ok("cloudwatch:PutMetricAlarm", alarm("notBreaching", (1, 1)));
    cloud.wait(60);
    assert_eq!(state(&cloud, "errors"), "OK");
    put(&cloud, "Errors", now(&cloud), 3.0);
    cloud.wait(60);
    assert_eq!(state(&cloud, "errors"), "ALARM");
    let found = cloud.ok("cloudwatch:DescribeAlarms", json!({"StateValue": "ALARM"}));
    let shown = &list(&found, "/MetricAlarms")[0];
    assert_eq!(shown["StateUpdatedTimestamp"]["$at"], json!(now(&cloud) * 1_000));
    assert!(text(shown, "/StateReason").contains("1 of the last 1 datapoints [3.0]"), "{shown}");
    assert!(text(shown, "/AlarmArn").ends_with(":111111111111:alarm:errors"));
    // The newest point counts as long as it lies in the evaluation range, which is two periods longer.
    cloud.wait(180);
    assert_eq!(state(&cloud, "errors"), "OK");
    let by_hand = json!({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "a test"});
    cloud.ok("cloudwatch:SetAlarmState", by_hand);
    assert_eq!(state(&cloud, "errors"), "ALARM");
    cloud.wait(59);
    assert_eq!(state(&cloud, "errors"), "ALARM");
    cloud.wait(61);
    assert_eq!(state(&cloud, "errors"), "OK", "it is evaluated again");
    assert_eq!(
        cloud.err("cloudwatch:SetAlarmState", json!({"AlarmName": "x", "StateValue": "OK", "StateReason": ""})),
        "ResourceNotFound"
    );
    cloud.ok("cloudwatch:DeleteAlarms", json!({"AlarmNames": ["errors"]}));
    assert_eq!(cloud.err("cloudwatch:DeleteAlarms", json!({"AlarmNames": ["errors"]})), "ResourceNotFound");
}

#[test]
fn an_alarm_has_periods_that_cloudwatch_takes_and_looks_back_no_further() {
    let cloud = cloud();
    let of = |namespace: &str, period: u32, periods: u32| {
        let mut alarm = alarm("missing", (1, periods));
        alarm["Period"] = json!(period);
        alarm["Namespace"] = json!(namespace);
        alarm
    };
    for (period, periods) in [(10, 8_640), (20, 1), (30, 2), (60, 1_440), (300, 288), (3_600, 168), (86_400, 7)] {
        cloud.ok("cloudwatch:PutMetricAlarm", of("api", period, periods));
    }
    for (namespace, period, periods) in [
        ("api", 60, 2_880),
        ("api", 10, 8_641),
        ("api", 3_540, 25),
        ("api", 3_600, 169),
        ("api", 86_400, 8),
        ("api", 15, 1),
        ("api", 90, 1),
        ("api", 0, 1),
        ("AWS/Lambda", 30, 1),
    ] {
        let refused = cloud.err("cloudwatch:PutMetricAlarm", of(namespace, period, periods));
        assert_eq!(refused, "ValidationError", "{namespace} {period} {periods}");
    }
    let stat = json!({"Metric": {"Namespace": "api", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"});
    let ratio = json!({
        "AlarmName": "ratio", "EvaluationPeriods": 2_880, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
        "Metrics": [{"Id": "e", "MetricStat": stat}],
    });
    assert_eq!(cloud.err("cloudwatch:PutMetricAlarm", ratio), "ValidationError");
}

#[test]
fn a_stack_with_an_alarm_that_looks_back_too_far_fails() {
    let cloud = at_a_minute(Cloud::new().by(&format!("AKIA{MEMBER}")));
    let mut properties = alarm("missing", (1, 2_880));
    properties["AlarmName"] = json!("far");
    let template = json!({"Resources": {"Far": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}});
    cloud.ok("cloudformation:CreateStack", json!({"StackName": "cellc-far", "TemplateBody": template.to_string()}));
    cloud.wait(120);
    let events = cloud.ok("cloudformation:DescribeStackEvents", json!({"StackName": "cellc-far"})).to_string();
    assert!(events.contains("cannot be checked across more than a day"), "{events}");
}

#[test]
fn an_alarm_of_high_resolution_is_evaluated_each_period() {
    let cloud = cloud();
    let mut settings = alarm("notBreaching", (1, 1));
    settings["Period"] = json!(10);
    cloud.ok("cloudwatch:PutMetricAlarm", settings);
    cloud.wait(10);
    assert_eq!(state(&cloud, "errors"), "OK");
    let fine = |value: f64, resolution: u32| {
        let datum = json!({"MetricName": "Errors", "Dimensions": [{"Name": "cell", "Value": "alpha"}],
                           "Timestamp": now(&cloud), "Value": value, "StorageResolution": resolution});
        json!({"Namespace": "api", "MetricData": [datum]})
    };
    cloud.ok("cloudwatch:PutMetricData", fine(3.0, 1));
    cloud.wait(10);
    assert_eq!(state(&cloud, "errors"), "ALARM", "ten seconds later");
    cloud.wait(60);
    assert_eq!(state(&cloud, "errors"), "OK");
    assert_eq!(cloud.err("cloudwatch:PutMetricData", fine(1.0, 5)), "InvalidParameterValue");
    // In a period of a minute it counts as all other data of that minute.
    let start = now(&cloud) - now(&cloud).rem_euclid(60) - 60;
    let asked = json!({"Namespace": "api", "MetricName": "Errors", "Dimensions": [{"Name": "cell", "Value": "alpha"}],
                       "StartTime": start, "EndTime": start + 60, "Period": 60, "Statistics": ["Sum"]});
    let found = cloud.ok("cloudwatch:GetMetricStatistics", asked);
    assert_eq!(list(&found, "/Datapoints")[0]["Sum"], json!(3.0));
}

#[test]
fn a_ratio_counts_only_with_requests_enough() {
    let cloud = cloud();
    let stat = |id: &str, metric: &str| {
        let dimensions = json!([{"Name": "cell", "Value": "alpha"}]);
        let metric = json!({"Namespace": "api", "MetricName": metric, "Dimensions": dimensions});
        json!({"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": false})
    };
    let ratio = |expression: &str| {
        json!({
            "AlarmName": "ratio", "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "Metrics": [stat("e", "Errors"), stat("r", "Requests"), {"Id": "ratio", "Expression": expression}],
        })
    };
    let expression = "IF(r >= 100, 100 * FILL(e, 0) / r, 0)";
    cloud.ok("cloudwatch:PutMetricAlarm", ratio(expression));
    let minute = |requests: f64, errors: Option<f64>| {
        put(&cloud, "Requests", now(&cloud), requests);
        errors.into_iter().for_each(|errors| put(&cloud, "Errors", now(&cloud), errors));
        cloud.wait(60);
        state(&cloud, "ratio")
    };
    assert_eq!(minute(99.0, Some(50.0)), "OK", "too few requests");
    assert_eq!(minute(200.0, Some(2.0)), "OK", "one per cent is not above one");
    assert_eq!(minute(200.0, Some(3.0)), "ALARM");
    assert_eq!(minute(200.0, None), "OK");
    for wrong in ["e / ", "e // r", "RATE(e)", "IF(e, r)", "(e"] {
        assert_eq!(cloud.err("cloudwatch:PutMetricAlarm", ratio(wrong)), "ValidationError", "{wrong}");
    }
    // The same by GetMetricData, the newest first.
    let end = now(&cloud);
    let queries = json!([stat("e", "Errors"), stat("r", "Requests"), {"Id": "ratio", "Expression": "100 * e / r"}]);
    let asked = json!({"MetricDataQueries": queries, "StartTime": end - 300, "EndTime": end});
    let found = cloud.ok("cloudwatch:GetMetricData", asked);
    let results = list(&found, "/MetricDataResults");
    assert_eq!((results.len(), &results[0]["Values"]), (1, &json!([1.5, 1.0, 100.0 * 50.0 / 99.0])));
    // A period that no query has a datapoint in has none.
    let asked =
        json!({"MetricDataQueries": [{"Id": "x", "Expression": "y"}], "StartTime": end - 300, "EndTime": end});
    assert_eq!(cloud.err("cloudwatch:GetMetricData", asked), "ValidationError");
}

#[test]
fn data_is_read_in_periods_by_region_and_with_every_statistic() {
    let cloud = cloud();
    let start = now(&cloud) - now(&cloud).rem_euclid(300) - 300;
    for (second, value) in [(0, 1.0), (30, 2.0), (60, 3.0), (120, 10.0)] {
        put(&cloud, "Latency", start + second, value);
    }
    let many = json!({"MetricName": "Latency", "Dimensions": [{"Name": "cell", "Value": "alpha"}],
                      "Timestamp": start + 180, "Values": [4.0, 5.0], "Counts": [2.0, 3.0]});
    cloud.ok("cloudwatch:PutMetricData", json!({"Namespace": "api", "MetricData": [many]}));
    let mut asked = json!({
        "Namespace": "api", "MetricName": "Latency", "Dimensions": [{"Name": "cell", "Value": "alpha"}],
        "StartTime": start, "EndTime": start + 300, "Period": 300,
        "Statistics": ["Sum", "Average", "Minimum", "Maximum", "SampleCount"], "ExtendedStatistics": ["p50", "p99"],
    });
    let found = cloud.ok("cloudwatch:GetMetricStatistics", asked.clone());
    let point = &list(&found, "/Datapoints")[0];
    let values = ["Sum", "Minimum", "Maximum", "SampleCount"].map(|name| point[name].clone());
    assert_eq!(json!(values), json!([39.0, 1.0, 10.0, 9.0]));
    assert_eq!(point["ExtendedStatistics"], json!({"p50": 4.0, "p99": 10.0}));
    asked["Region"] = json!("eu-west-3");
    assert_eq!(list(&cloud.ok("cloudwatch:GetMetricStatistics", asked.clone()), "/Datapoints").len(), 0);
    asked["Period"] = json!(90);
    assert_eq!(cloud.err("cloudwatch:GetMetricStatistics", asked), "InvalidParameterValue");

    let listed = |dimension: &str| {
        let asked = json!({"Namespace": "api", "Dimensions": [{"Name": dimension}]});
        list(&cloud.ok("cloudwatch:ListMetrics", asked), "/Metrics").len()
    };
    assert_eq!((listed("cell"), listed("shard")), (1, 0));
    cloud.wait(15 * 24 * 3_600);
    assert_eq!(listed("cell"), 0, "what has no data for two weeks is not listed");
    let old = json!({"MetricName": "Latency", "Timestamp": start, "Value": 1.0});
    let old = json!({"Namespace": "api", "MetricData": [old]});
    assert_eq!(cloud.err("cloudwatch:PutMetricData", old), "InvalidParameterValue");
}

#[test]
fn an_alarm_made_of_alarms_is_shown_when_it_is_asked_for() {
    let cloud = cloud();
    cloud.ok("cloudwatch:PutMetricAlarm", alarm("notBreaching", (1, 1)));
    let rule = "ALARM(\"errors\") AND NOT (OK(none) OR FALSE)";
    cloud.ok("cloudwatch:PutCompositeAlarm", json!({"AlarmName": "both", "AlarmRule": rule}));
    let found = |kinds: Value| cloud.ok("cloudwatch:DescribeAlarms", json!({"AlarmTypes": kinds}));
    let both = json!(["CompositeAlarm", "MetricAlarm"]);
    assert_eq!(text(&found(both.clone()), "/CompositeAlarms/0/StateValue"), "OK");
    put(&cloud, "Errors", now(&cloud), 1.0);
    cloud.wait(60);
    assert_eq!(text(&found(both), "/CompositeAlarms/0/StateValue"), "ALARM");
    let metric = cloud.ok("cloudwatch:DescribeAlarms", json!({"AlarmNames": ["both", "errors"]}));
    assert_eq!((list(&metric, "/MetricAlarms").len(), list(&metric, "/CompositeAlarms").len()), (1, 0));
    let broken = json!({"AlarmName": "b", "AlarmRule": "ALARM(\"errors\" AND"});
    assert_eq!(cloud.err("cloudwatch:PutCompositeAlarm", broken), "ValidationError");
}

#[test]
fn alarms_come_in_pages_and_keep_their_tags() {
    let cloud = at_a_minute(Cloud::with(Config { page: Some(2), ..super::settings() }));
    for name in ["a", "b", "c", "d", "e"] {
        let mut alarm = alarm("missing", (1, 1));
        alarm["AlarmName"] = json!(name);
        alarm["Tags"] = json!([{"Key": "cell", "Value": name}]);
        cloud.ok("cloudwatch:PutMetricAlarm", alarm);
    }
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let found = cloud.ok("cloudwatch:DescribeAlarms", json!({"NextToken": token}));
        names.extend(list(&found, "/MetricAlarms").iter().map(|alarm| text(alarm, "/AlarmName")));
        token = found["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let arn = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:c";
    let tags =
        |cloud: &Cloud| list(&cloud.ok("cloudwatch:ListTagsForResource", json!({"ResourceARN": arn})), "/Tags");
    assert_eq!(tags(&cloud), [json!({"Key": "cell", "Value": "c"})]);
    cloud.ok("cloudwatch:TagResource", json!({"ResourceARN": arn, "Tags": [{"Key": "x", "Value": "y"}]}));
    cloud.ok("cloudwatch:UntagResource", json!({"ResourceARN": arn, "TagKeys": ["cell"]}));
    assert_eq!(tags(&cloud), [json!({"Key": "x", "Value": "y"})]);
    let other = json!({"ResourceARN": arn.replace("us-east-1", "eu-west-1")});
    assert_eq!(cloud.err("cloudwatch:ListTagsForResource", other), "ResourceNotFoundException");
}

#[test]
fn dashboards_belong_to_the_account() {
    let cloud = cloud();
    let body = json!({"widgets": []}).to_string();
    let given = json!({"DashboardName": "cells", "DashboardBody": body, "Region": "eu-west-1"});
    cloud.ok("cloudwatch:PutDashboard", given);
    let found = cloud.ok("cloudwatch:GetDashboard", json!({"DashboardName": "cells"}));
    assert_eq!(text(&found, "/DashboardBody"), body);
    assert_eq!(list(&cloud.ok("cloudwatch:ListDashboards", json!({})), "/DashboardEntries").len(), 1);
    let broken = json!({"DashboardName": "cells", "DashboardBody": "{}"});
    assert_eq!(cloud.err("cloudwatch:PutDashboard", broken), "InvalidParameterInput");
    cloud.ok("cloudwatch:DeleteDashboards", json!({"DashboardNames": ["cells"]}));
    assert_eq!(cloud.err("cloudwatch:GetDashboard", json!({"DashboardName": "cells"})), "ResourceNotFound");
}

#[test]
fn a_stack_makes_changes_and_deletes_alarms_and_dashboards() {
    let cloud = at_a_minute(Cloud::new().by(&format!("AKIA{MEMBER}")));
    let template = |name: &str, threshold: &str| {
        format!(
            "Parameters: {{Cell: {{Type: String}}}}
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: {name}
      Namespace: api
      MetricName: Errors
      Dimensions: [{{Name: cell, Value: !Ref Cell}}]
      Statistic: Sum
      Period: 60
      EvaluationPeriods: \"1\"
      Threshold: \"{threshold}\"
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      Tags: [{{Key: cell, Value: !Ref Cell}}]
  View:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: !Sub '{{\"widgets\": [{{\"type\": \"text\", \"properties\": {{\"markdown\": \"${{Cell}} in ${{AWS::Region}}\"}}}}]}}'
"
        )
    };
    let run = |operation: &str, body: &str| {
        let cell = json!([{"ParameterKey": "Cell", "ParameterValue": "alpha"}]);
        let input = json!({"StackName": "cellc-alpha", "TemplateBody": body, "Parameters": cell});
        cloud.ok(operation, input);
        cloud.wait(60);
        let stacks = cloud.ok("cloudformation:DescribeStacks", json!({"StackName": "cellc-alpha"}));
        text(&stacks, "/Stacks/0/StackStatus")
    };
    assert_eq!(run("cloudformation:CreateStack", &template("errors-alpha", "4")), "CREATE_COMPLETE");
    put(&cloud, "Errors", now(&cloud), 5.0);
    cloud.wait(60);
    assert_eq!(state(&cloud, "errors-alpha"), "ALARM");
    let entries = list(&cloud.ok("cloudwatch:ListDashboards", json!({})), "/DashboardEntries");
    let name = text(&entries[0], "/DashboardName");
    assert!(name.starts_with("cellc-alpha-View-"), "{name}");
    let found = cloud.ok("cloudwatch:GetDashboard", json!({"DashboardName": name}));
    assert!(text(&found, "/DashboardBody").contains("alpha in us-east-1"), "{found}");
    // Another name is another alarm.
    assert_eq!(run("cloudformation:UpdateStack", &template("faults-alpha", "5")), "UPDATE_COMPLETE");
    let found = cloud.ok("cloudwatch:DescribeAlarms", json!({}));
    let alarms = list(&found, "/MetricAlarms");
    assert_eq!(
        (alarms.len(), &alarms[0]["AlarmName"], &alarms[0]["Threshold"]),
        (1, &json!("faults-alpha"), &json!(5.0))
    );
    // What CloudWatch refuses fails the stack, and what was made before stays as it was.
    let broken = template("faults-alpha", "much");
    assert_eq!(run("cloudformation:UpdateStack", &broken), "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(state(&cloud, "faults-alpha"), "OK");
    cloud.ok("cloudformation:DeleteStack", json!({"StackName": "cellc-alpha"}));
    cloud.wait(60);
    assert_eq!(list(&cloud.ok("cloudwatch:DescribeAlarms", json!({})), "/MetricAlarms").len(), 0);
    assert_eq!(list(&cloud.ok("cloudwatch:ListDashboards", json!({})), "/DashboardEntries").len(), 0);
}
