//! Alarms: how long they look back.

use super::finds;

/// A program with an alarm of these periods.
fn alarm(namespace: &str, periods: &str) -> String {
    format!("cell a {{ DEV }}\nalarm e {{ namespace = \"{namespace}\", metric = \"m\", above = 1, {periods} }}")
}

#[test]
fn an_alarm_looks_at_whole_periods() {
    for periods in
        ["over = 2m", "over = 1m", "over = 1h, period = 5m", "over = 30s, period = 10s", "over = 1m, period = 20s"]
    {
        finds(&alarm("api", periods), &[]);
    }
    let part = |over: &str, period: &str| {
        format!("E0437 `over` of alarm.e is {over}, which is no multiple of its period of {period}")
    };
    finds(&alarm("api", "over = 119s"), &[&part("119s", "1m")]);
    finds(&alarm("api", "over = 90s, period = 1m"), &[&part("90s", "1m")]);
    finds(&alarm("api", "over = 30s"), &[&part("30s", "1m")]);
    finds(&alarm("api", "over = 7m, period = 5m"), &[&part("7m", "5m")]);
}

#[test]
fn an_alarm_looks_back_no_further_than_cloudwatch() {
    for periods in ["over = 1d", "over = 7d, period = 1h", "over = 7d, period = 1d"] {
        finds(&alarm("api", periods), &[]);
    }
    let day = "E0437 alarm.e looks back 2d; CloudWatch takes 1d with periods of less than 1h";
    finds(&alarm("api", "over = 2d"), &[day]);
    finds(&alarm("api", "over = 2d, period = 10s"), &[day]);
    finds(&alarm("api", "over = 192h, period = 1h"), &["E0437 alarm.e looks back 8d; CloudWatch takes 7d"]);
}

#[test]
fn short_periods_are_of_a_components_own_metrics() {
    finds(
        &alarm("AWS/Lambda", "over = 1m, period = 30s"),
        &["E0437 alarm.e has periods of 30s; CloudWatch takes 1m or more for what is in `AWS/Lambda`"],
    );
    finds(&alarm("AWS/Lambda", "over = 1m"), &[]);
    finds(&alarm("aws-like", "over = 1m, period = 30s"), &[]);
}
