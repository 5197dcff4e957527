//! CloudWatch in an account and a region, read. Owns how many names and metrics go into a request, and the periods that
//! sums are made of; what follows from the answers is the core's.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, DimensionFilter, Metric, MetricDataQuery, MetricStat, StateValue, StatusCode,
};
use aws_smithy_types::DateTime;
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::signals::{AlarmState, Count, Emitted, Reading, Signals, Statistic};
use jiff::Timestamp;

use crate::call::read;
use crate::cloud::AwsCloud;
use crate::convert::need;
use crate::paging::{ALL, pages};
use crate::places::{Place, send};

/// Names of one DescribeAlarms. (model: AlarmNames, MaxRecords)
const NAMES: usize = 100;
/// Queries of one GetMetricData. (API reference, GetMetricData)
const QUERIES: usize = 500;
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// CloudWatch in one account and region. There is no bucket, as there is none for CloudFormation: CloudWatch limits each
/// account and region by itself, and what it refuses for its rate is tried again.
#[derive(Debug)]
pub struct AwsSignals<'a> {
    at: Place<'a>,
}

impl AwsCloud {
    /// CloudWatch in an account and a region. Sends nothing yet.
    pub fn signals(&self, account: &str, region: &str) -> AwsSignals<'_> {
        AwsSignals { at: Place::new(self, account, region) }
    }
}

impl AwsSignals<'_> {
    async fn client(&self) -> Answer<Client> {
        self.at.client(&self.at.cloud.members.signals, Client::new).await
    }

    async fn states_of(&self, names: &BTreeSet<String>) -> Answer<BTreeMap<String, Reading>> {
        let call = read("cloudwatch:DescribeAlarms");
        let mut all: BTreeMap<String, Reading> = BTreeMap::new();
        let list: Vec<&String> = names.iter().collect();
        for some in list.chunks(NAMES) {
            let found = pages(call.name, ALL, |token| async move {
                // Without its kind named, an alarm that is made of others is not shown.
                let answer = send!(self, call, |client| client
                    .describe_alarms()
                    .set_alarm_names(Some(some.iter().map(|name| (*name).clone()).collect()))
                    .alarm_types(AlarmType::MetricAlarm)
                    .alarm_types(AlarmType::CompositeAlarm)
                    .max_records(100)
                    .set_next_token(token.clone()))?;
                let metric = answer.metric_alarms.unwrap_or_default().into_iter();
                let metric = metric.map(|alarm| (alarm.alarm_name, alarm.state_value, alarm.state_reason));
                let composite = answer.composite_alarms.unwrap_or_default().into_iter();
                let composite = composite.map(|alarm| (alarm.alarm_name, alarm.state_value, alarm.state_reason));
                Ok((metric.chain(composite).collect(), answer.next_token))
            })
            .await?;
            for (name, state, reason) in found {
                let state = state_of(call.name, &need(call.name, "StateValue", state)?)?;
                let reading = Reading { state, reason: reason.unwrap_or_default() };
                all.insert(need(call.name, "AlarmName", name)?, reading);
            }
        }
        let missing = || Reading { state: AlarmState::Missing, reason: String::new() };
        Ok(names.iter().map(|name| (name.clone(), all.remove(name).unwrap_or_else(missing))).collect())
    }

    async fn sums_of(
        &self,
        counts: &BTreeSet<Count>,
        (since, until): (Timestamp, Timestamp),
    ) -> Answer<BTreeMap<Count, f64>> {
        let call = read("cloudwatch:GetMetricData");
        let period = period(since, until);
        let begin = since.as_second().saturating_add(i64::from(since.subsec_nanosecond() > 0));
        let begin = begin.saturating_add(period - 1).div_euclid(period) * period;
        let list: Vec<&Count> = counts.iter().collect();
        let mut all: BTreeMap<Count, f64> = counts.iter().map(|count| (count.clone(), 0.0)).collect();
        if begin >= until.as_second() {
            return Ok(all);
        }
        for (at, some) in list.chunks(QUERIES).enumerate() {
            let queries: Vec<MetricDataQuery> =
                some.iter().enumerate().map(|(own, count)| query(at * QUERIES + own, count, period)).collect();
            let queries = &queries;
            let found = pages(call.name, ALL, |token| async move {
                let answer = send!(self, call, |client| client
                    .get_metric_data()
                    .set_metric_data_queries(Some(queries.clone()))
                    .start_time(DateTime::from_secs(begin))
                    .end_time(DateTime::from_secs(until.as_second()))
                    .set_next_token(token.clone()))?;
                Ok((answer.metric_data_results.unwrap_or_default(), answer.next_token))
            })
            .await?;
            for result in found {
                complete(call.name, result.status_code.as_ref())?;
                let id = need(call.name, "Id", result.id)?;
                let count = id.strip_prefix('m').and_then(|at| list.get(at.parse::<usize>().ok()?));
                if let Some(sum) = count.and_then(|count| all.get_mut(*count)) {
                    *sum += result.values.unwrap_or_default().iter().sum::<f64>();
                }
            }
        }
        Ok(all)
    }

    async fn emitted_with(&self, namespace: &str, dimension: &str) -> Answer<BTreeSet<Emitted>> {
        let call = read("cloudwatch:ListMetrics");
        let found = pages(call.name, ALL, |token| async move {
            let answer = send!(self, call, |client| client
                .list_metrics()
                .namespace(namespace)
                .dimensions(DimensionFilter::builder().name(dimension).build())
                .set_next_token(token.clone()))?;
            Ok((answer.metrics.unwrap_or_default(), answer.next_token))
        })
        .await?;
        let one = |metric: Metric| {
            let own = metric.dimensions.unwrap_or_default();
            let alone = own.len() == 1;
            let value = own.into_iter().find(|one| one.name.as_deref() == Some(dimension))?.value?;
            Some(Emitted { metric: metric.metric_name?, value, alone })
        };
        Ok(found.into_iter().filter_map(one).collect())
    }
}

/// The length of a period in seconds. The finest data is kept for 15 days, that of five minutes for 63.
/// (CloudWatch user guide, "Metrics retention")
fn period(since: Timestamp, until: Timestamp) -> i64 {
    match until.as_second().saturating_sub(since.as_second()) {
        seconds if seconds < 14 * DAY => MINUTE,
        seconds if seconds < 62 * DAY => 5 * MINUTE,
        _ => 60 * MINUTE,
    }
}

fn query(at: usize, count: &Count, period: i64) -> MetricDataQuery {
    let Count { metric, statistic } = count;
    let dimension = Dimension::builder().name(&metric.dimension).value(&metric.value).build();
    let named = Metric::builder().namespace(&metric.namespace).metric_name(&metric.name).dimensions(dimension);
    let statistic = match statistic {
        Statistic::Sum => "Sum",
        Statistic::Samples => "SampleCount",
    };
    let stat =
        MetricStat::builder().metric(named.build()).period(i32::try_from(period).unwrap_or(60)).stat(statistic);
    MetricDataQuery::builder().id(format!("m{at}")).metric_stat(stat.build()).return_data(true).build()
}

/// More pages follow a part; what failed is no sum.
fn complete(call: &str, status: Option<&StatusCode>) -> Answer<()> {
    match status {
        None | Some(StatusCode::Complete | StatusCode::PartialData) => Ok(()),
        Some(StatusCode::Forbidden) => {
            Err(CloudError::own(call, Failure::Denied, "a metric of another account may not be read"))
        }
        Some(other) => Err(CloudError::own(call, Failure::Unavailable, format!("a metric was not read: {other}"))),
    }
}

fn state_of(call: &str, state: &StateValue) -> Answer<AlarmState> {
    match state {
        StateValue::Ok => Ok(AlarmState::Ok),
        StateValue::Alarm => Ok(AlarmState::Alarm),
        StateValue::InsufficientData => Ok(AlarmState::NoData),
        other => {
            Err(CloudError::own(call, Failure::Unsupported, format!("an alarm is in an unknown state: {other}")))
        }
    }
}

impl Signals for AwsSignals<'_> {
    fn states(&self, names: &BTreeSet<String>) -> Answer<BTreeMap<String, Reading>> {
        self.at.cloud.block(self.states_of(names))
    }

    fn sums(&self, counts: &BTreeSet<Count>, since: Timestamp, until: Timestamp) -> Answer<BTreeMap<Count, f64>> {
        self.at.cloud.block(self.sums_of(counts, (since, until)))
    }

    fn emitted(&self, namespace: &str, dimension: &str) -> Answer<BTreeSet<Emitted>> {
        self.at.cloud.block(self.emitted_with(namespace, dimension))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn long_spans_are_read_in_the_periods_that_are_kept() {
        let at = |days: i64| Timestamp::from_second(days * DAY).unwrap();
        assert_eq!(period(at(0), at(13)), 60);
        assert_eq!(period(at(0), at(15)), 300);
        assert_eq!(period(at(0), at(63)), 3_600);
    }

    #[test]
    fn what_was_not_read_is_no_sum() {
        assert!(complete("c", Some(&StatusCode::Complete)).is_ok());
        assert_eq!(complete("c", Some(&StatusCode::Forbidden)).unwrap_err().failure, Failure::Denied);
        assert_eq!(complete("c", Some(&StatusCode::InternalError)).unwrap_err().failure, Failure::Unavailable);
    }
}
