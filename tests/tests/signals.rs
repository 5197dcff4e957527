//! Alarms and data read through the SDK, put there by the stock AWS CLI: on the sandbox, in member accounts and a region,
//! evaluated from data by its clock; and compared with moto, which is not ours, as far as that speaks the protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cell_eval::provider::Failure;
use cell_eval::rollout::{Event, Signal};
use cell_eval::signals::{
    AlarmState, Count, Emitted, Instead, Metric, Place, Signals, Statistic, Watched, look, unheard,
};
use cell_sandbox::{Config, Delays};
use cell_tests::driver::cloud;
use cell_tests::moto::Moto;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{aws, repository};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ALPHA: &str = "222222222222";
const BETA: &str = "333333333333";
const REGION: &str = "eu-west-1";

fn server() -> Server {
    // Its clock stands still until it is told.
    let config = Config { delays: Delays::none(), speed: 0.0, ..quick() };
    Server::with_accounts(config, &[(ALPHA, "alpha"), (BETA, "beta")]).unwrap()
}

/// The stock CLI in an account.
fn cli(url: &str, account: &str, commands: &[String]) -> Vec<Value> {
    let mut env = aws::environment(url);
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), account.to_owned()));
    env.push(("AWS_REGION".to_owned(), REGION.to_owned()));
    env.push(("AWS_DEFAULT_REGION".to_owned(), REGION.to_owned()));
    let commands: Vec<String> = commands.iter().map(|command| format!("cloudwatch {command}")).collect();
    aws::all_as(&env, &commands).unwrap()
}

/// Data of this very moment, by the server's clock.
fn data(metric: &str, cell: &str, value: u32) -> String {
    format!("put-metric-data --namespace api --metric-name {metric} --dimensions cell={cell} --value {value}")
}

/// An alarm on the ratio of errors to requests, as a stack of a cell has it.
fn ratio(cell: &str) -> String {
    let stat = |id: &str, metric: &str| {
        let metric =
            json!({"Namespace": "api", "MetricName": metric, "Dimensions": [{"Name": "cell", "Value": cell}]});
        json!({"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": false})
    };
    let expression = json!({"Id": "share", "Expression": "IF(r >= 100, 100 * e / r, 0)"});
    let metrics = json!([stat("e", "Errors"), stat("r", "Requests"), expression]);
    format!(
        "put-metric-alarm --alarm-name ratio-{cell} --metrics '{metrics}' --evaluation-periods 1 --threshold 1 \
         --comparison-operator GreaterThanThreshold --treat-missing-data breaching"
    )
}

fn metric(name: &str, cell: &str) -> Metric {
    let (namespace, dimension) = ("api".to_owned(), "cell".to_owned());
    Metric { namespace, name: name.to_owned(), dimension, value: cell.to_owned() }
}

fn requests(cell: &str) -> Count {
    Count { metric: metric("Requests", cell), statistic: Statistic::Sum }
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// What is watched in a cell.
fn watched(cell: &str) -> Watched {
    Watched {
        alarm: "alarm.ratio".to_owned(),
        place: Place { cell: format!("cell.{cell}"), owner: format!("cell.{cell}"), region: REGION.to_owned() },
        name: format!("ratio-{cell}"),
        metrics: vec![metric("Errors", cell), metric("Requests", cell)],
        ratio: true,
        requests: requests(cell),
    }
}

/// Every request that came fits AWS's own model.
fn every_request_fits(server: &Server) {
    let script = repository::root().join("tests/conformance/validate.py");
    let log = serde_json::to_string(&server.log().unwrap()).unwrap();
    let said: Value = serde_json::from_str(&aws::python(&script, &[], &[], &log).unwrap()).unwrap();
    assert_eq!(said["faults"], json!([]), "AWS's model allows every request");
    assert!(said["checked"].as_u64().unwrap() > 5, "{said}");
}

#[test]
fn alarms_follow_data_and_a_rollout_is_told_of_each_cell() {
    let server = server();
    let url = server.url();
    let now = Timestamp::now();
    let before = now - SignedDuration::from_mins(10);
    for (account, cell, errors) in [(ALPHA, "alpha", 1), (BETA, "beta", 9)] {
        let commands = [ratio(cell), data("Requests", cell, 200), data("Errors", cell, errors)];
        cli(&url, &format!("AKIA{account}"), &commands);
    }
    let cloud = cloud(&url);
    let alarms = [watched("alpha"), watched("beta"), watched("gamma")];
    let all: Vec<&Watched> = alarms.iter().collect();
    let open = |place: &Place| -> Result<Box<dyn Signals + '_>, _> {
        let account = if place.cell == "cell.beta" { BETA } else { ALPHA };
        Ok(Box::new(cloud.signals(account, &place.region)))
    };
    let told = |since: Timestamp, until: Timestamp| {
        let serving = all.iter().map(|one| one.place.cell.as_str()).collect();
        let seen = look(&all, &serving, (since, until), 4, &open);
        let Event::Observed { signals, requests } = &seen.event else { panic!("{seen:?}") };
        let signals: Vec<Signal> = signals.iter().map(|(.., signal)| *signal).collect();
        (signals, *requests, seen.reasons)
    };
    // None of them has been evaluated.
    assert_eq!(told(before, now).0, [Signal::NoData; 3]);
    server.advance(Duration::from_mins(1)).unwrap();
    let later = now + SignedDuration::from_mins(5);
    let (signals, requests, reasons) = told(before, later);
    assert_eq!((signals, requests), (vec![Signal::Ok, Signal::Alarm, Signal::NoData], 400));
    let reason = |cell: &str| reasons[&("alarm.ratio".to_owned(), format!("cell.{cell}"))].clone();
    assert!(reason("beta").contains("[4.5] breached the threshold (1)"), "{reasons:?}");
    assert_eq!(reason("gamma"), "there is no alarm `ratio-gamma` in eu-west-1");
    // What was served before the bake does not count.
    assert_eq!(told(now + SignedDuration::from_mins(2), later).1, 0);
    // Its data is missing, which its alarm takes for a breach.
    server.advance(Duration::from_mins(5)).unwrap();
    assert_eq!(told(before, later).0[0], Signal::Alarm);
    assert_eq!(server.called("sts:AssumeRole"), 2, "one session of each account serves all");
    every_request_fits(&server);
}

#[test]
fn many_names_come_in_pages_and_alarms_made_of_alarms_count() {
    let server = server();
    let url = server.url();
    let key = format!("AKIA{ALPHA}");
    let plain = |name: &str| {
        format!(
            "put-metric-alarm --alarm-name {name} --namespace api --metric-name Errors --statistic Sum --period 60 \
             --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanThreshold"
        )
    };
    let state = |name: &str, state: &str| {
        format!("set-alarm-state --alarm-name {name} --state-value {state} --state-reason test")
    };
    let commands = [
        plain("a"),
        plain("b"),
        plain("c"),
        "put-composite-alarm --alarm-name any --alarm-rule 'ALARM(a) OR ALARM(b)'".to_owned(),
        state("a", "OK"),
        state("b", "ALARM"),
    ];
    cli(&url, &key, &commands);
    server.configure(|config| config.page = Some(2)).unwrap();
    let cloud = cloud(&url);
    let there = cloud.signals(ALPHA, REGION);
    let mut asked = names(&["a", "any", "b", "c"]);
    asked.extend((0..120).map(|at| format!("none-{at:03}")));
    let found = there.states(&asked).unwrap();
    assert_eq!(found.len(), 124, "every name has its answer");
    let of = |name: &str| found[name].state;
    let expected = [AlarmState::Ok, AlarmState::Alarm, AlarmState::Alarm, AlarmState::NoData, AlarmState::Missing];
    assert_eq!(["a", "any", "b", "c", "none-000"].map(of), expected);
    assert_eq!(found["b"].reason, "test");
    assert!(server.called("cloudwatch:DescribeAlarms") >= 3, "two requests for so many names, and a page more");
    // In another region there is none of them.
    assert_eq!(cloud.signals(ALPHA, "us-east-1").states(&names(&["a"])).unwrap()["a"].state, AlarmState::Missing);
    // A read that was refused for its rate is sent again, and a refusal is no pass.
    let fault = |kind: &str, count: u32| {
        server.inject(&json!([{"operation": "cloudwatch:DescribeAlarms", "kind": kind, "count": count}])).unwrap();
    };
    fault("throttle", 1);
    assert_eq!(there.states(&names(&["b"])).unwrap()["b"].state, AlarmState::Alarm);
    fault("error500", 2);
    assert_eq!(there.states(&names(&["b"])).unwrap_err().failure, Failure::Unavailable);
    server.mend();
    let shown = cli(&url, &key, &["describe-alarms --alarm-types CompositeAlarm --output json".to_owned()]);
    assert_eq!(shown[0]["CompositeAlarms"][0]["StateValue"], "ALARM");
    every_request_fits(&server);
}

#[test]
fn a_dimension_that_nothing_emits_is_found() {
    let server = server();
    let url = server.url();
    let commands = [data("Errors", "alpha", 1), data("Requests", "alfa", 5)];
    cli(&url, &format!("AKIA{ALPHA}"), &commands);
    let cloud = cloud(&url);
    let there = cloud.signals(ALPHA, REGION);
    let found = there.emitted("api", "cell").unwrap();
    let one = |metric: &str, value: &str| Emitted { metric: metric.to_owned(), value: value.to_owned(), alone: true };
    assert_eq!(found, BTreeSet::from([one("Errors", "alpha"), one("Requests", "alfa")]));
    assert_eq!(there.emitted("api", "shard").unwrap(), BTreeSet::new());
    let alarm = watched("alpha");
    let key = (alarm.place.clone(), "api".to_owned(), "cell".to_owned());
    let silent = unheard(&[&alarm], &BTreeMap::from([(key, found)]));
    let waits: Vec<(&str, &Instead)> = silent.iter().map(|one| (one.waits.name.as_str(), &one.instead)).collect();
    assert_eq!(waits, [("Requests", &Instead::OtherCells(names(&["alfa"])))]);
}

#[test]
fn the_stock_client_reads_what_it_wrote() {
    let server = server();
    let key = format!("AKIA{ALPHA}");
    let now = Timestamp::now();
    let start = now - SignedDuration::from_mins(5);
    let end = now + SignedDuration::from_mins(5);
    let body = json!({"widgets": []});
    let commands = [
        data("Latency", "alpha", 7),
        format!(
            "get-metric-statistics --namespace api --metric-name Latency --dimensions Name=cell,Value=alpha \
             --start-time {start} --end-time {end} --period 60 --statistics Maximum --output json"
        ),
        "list-metrics --namespace api --output json".to_owned(),
        format!("put-dashboard --dashboard-name cells --dashboard-body '{body}' --output json"),
        "get-dashboard --dashboard-name cells --output json".to_owned(),
        "list-dashboards --output json".to_owned(),
        "delete-dashboards --dashboard-names cells".to_owned(),
        "list-dashboards --output json".to_owned(),
    ];
    let said = cli(&server.url(), &key, &commands);
    assert_eq!(said[1]["Datapoints"][0]["Maximum"], 7.0);
    assert!(said[1]["Datapoints"][0]["Timestamp"].is_number(), "{}", said[1]);
    assert_eq!(said[2]["Metrics"][0]["Dimensions"], json!([{"Name": "cell", "Value": "alpha"}]));
    assert_eq!(said[4]["DashboardBody"], body.to_string());
    assert_eq!(said[5]["DashboardEntries"][0]["DashboardName"], "cells");
    assert_eq!(said[7]["DashboardEntries"], json!([]));
    every_request_fits(&server);
}

/// What the stock client says of alarms that it set by hand and of data that it put, without what is each server's own.
fn said_to_the_stock_client(url: &str, key: &str) -> Vec<Value> {
    let (start, end) =
        (Timestamp::now() - SignedDuration::from_mins(60), Timestamp::now() + SignedDuration::from_mins(60));
    let query = json!([{"Id": "m", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
        "Namespace": "api", "MetricName": "Requests", "Dimensions": [{"Name": "cell", "Value": "alpha"}]}}}]);
    let alarm = |name: &str| {
        format!(
            "put-metric-alarm --alarm-name {name} --namespace api --metric-name Errors --statistic Sum --period 60 \
             --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanThreshold --dimensions Name=cell,Value=alpha"
        )
    };
    let commands = [
        alarm("errors-alpha"),
        alarm("late-alpha"),
        "set-alarm-state --alarm-name errors-alpha --state-value ALARM --state-reason test".to_owned(),
        // A new alarm is OK on moto, and has no data yet on AWS and the sandbox.
        "set-alarm-state --alarm-name late-alpha --state-value OK --state-reason test".to_owned(),
        data("Requests", "alpha", 30),
        data("Requests", "alpha", 12),
        "describe-alarms --alarm-names errors-alpha late-alpha none --output json".to_owned(),
        format!(
            "get-metric-data --metric-data-queries '{query}' --start-time {start} --end-time {end} --output json"
        ),
        "list-metrics --namespace api --dimensions Name=cell --output json".to_owned(),
    ];
    let said = cli(url, key, &commands);
    let of_alarm = |alarm: &Value| {
        ["AlarmName", "StateValue", "Threshold", "EvaluationPeriods", "Dimensions"].map(|name| alarm[name].clone())
    };
    let alarms: Vec<_> = said[6]["MetricAlarms"].as_array().unwrap().iter().map(of_alarm).collect();
    let values = said[7]["MetricDataResults"][0]["Values"].as_array().unwrap();
    let sum: f64 = values.iter().filter_map(Value::as_f64).sum();
    let metrics = said[8]["Metrics"].as_array().unwrap();
    let metrics: Vec<_> = metrics.iter().map(|one| json!([one["MetricName"], one["Dimensions"]])).collect();
    vec![json!(alarms), json!(sum), json!(metrics)]
}

/// moto 5.2.5 has no CBOR, which the SDK speaks with CloudWatch: what both servers say to the stock client is compared.
#[test]
fn the_stock_client_hears_the_same_from_moto() {
    let (moto, server) = (Moto::start().unwrap(), server());
    let ours = said_to_the_stock_client(&server.url(), &format!("AKIA{ALPHA}"));
    assert_eq!(ours[1], json!(42.0));
    assert_eq!(ours, said_to_the_stock_client(moto.url(), "test"));
}
