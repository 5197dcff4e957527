//! Cost Explorer. Owns how what was spent is asked for: by account and month, each request once, since AWS bills each.

use std::collections::BTreeMap;

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::types::{DateInterval, Granularity, GroupDefinition, GroupDefinitionType, ResultByTime};
use cell_eval::pane::{Money, Period, Spending, Spent};
use cell_eval::provider::{Answer, CloudError, Failure};
use jiff::civil::Date;

use crate::call::creation;
use crate::cloud::AwsCloud;
use crate::convert::need;

/// The amounts of the bill as AWS charges them, without what is spread over accounts or over time.
const METRIC: &str = "UnblendedCost";
/// Pages that are asked for at most: far more than an organization of 10,000 accounts has in three years.
const PAGES: usize = 1_000;
const CALL: &str = "ce:GetCostAndUsage";

impl AwsCloud {
    /// A page costs a cent: it is asked for again only where the service says that it did nothing.
    async fn page(
        &self,
        client: &Client,
        period: &DateInterval,
        token: Option<String>,
    ) -> Answer<GetCostAndUsageOutput> {
        let group = GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key("LINKED_ACCOUNT").build();
        let request = || {
            let request = client.get_cost_and_usage().time_period(period.clone()).granularity(Granularity::Monthly);
            request.metrics(METRIC).group_by(group.clone()).set_next_page_token(token.clone()).send()
        };
        self.road().send(creation(CALL), request).await
    }

    async fn ask_costs(&self, from: Date, to: Date) -> Answer<Spent> {
        let client = Client::new(&self.link.config);
        let period = DateInterval::builder().start(from.to_string()).end(to.to_string()).build();
        let period = period.map_err(|error| CloudError::own(CALL, Failure::Invalid, error.to_string()))?;
        let mut spent = Spent::default();
        let mut periods: BTreeMap<Date, Period> = BTreeMap::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let answer = self.page(&client, &period, token.clone()).await?;
            spent.requests += 1;
            for named in answer.dimension_value_attributes() {
                let name = named.attributes().and_then(|attributes| attributes.get("description"));
                if let (Some(id), Some(name)) = (named.value(), name) {
                    spent.names.insert(id.to_owned(), name.clone());
                }
            }
            for result in answer.results_by_time() {
                take(result, &mut periods, &mut spent.currency)?;
            }
            match answer.next_page_token.filter(|next| !next.is_empty()) {
                None => {
                    spent.periods = whole(periods, from, to);
                    if spent.currency.is_empty() {
                        "USD".clone_into(&mut spent.currency);
                    }
                    return Ok(spent);
                }
                Some(next) if token.as_ref() == Some(&next) => break,
                next => token = next,
            }
        }
        Err(CloudError::own(CALL, Failure::Failed, "the pages of the answer have no end"))
    }
}

/// Adds what a page says of a period, which may stand on several pages.
fn take(result: &ResultByTime, periods: &mut BTreeMap<Date, Period>, currency: &mut String) -> Answer<()> {
    let interval = need(CALL, "TimePeriod", result.time_period())?;
    let (from, to) = (day(interval.start())?, day(interval.end())?);
    let period =
        periods.entry(from).or_insert_with(|| Period { from, to, estimated: false, by_account: BTreeMap::new() });
    period.estimated |= result.estimated();
    for group in result.groups() {
        let account = need(CALL, "Keys", group.keys().first())?;
        let metric = need(CALL, METRIC, group.metrics().and_then(|metrics| metrics.get(METRIC)))?;
        let unreadable = |why: String| CloudError::own(CALL, Failure::Lost, why);
        let amount: Money =
            need(CALL, "Amount", metric.amount())?.parse().map_err(|error| unreadable(format!("{error}")))?;
        let unit = metric.unit().unwrap_or("USD");
        if currency.is_empty() {
            unit.clone_into(currency);
        } else if currency != unit {
            return Err(unreadable(format!("amounts are in {currency} and in {unit}")));
        }
        *period.by_account.entry(account.clone()).or_default() += amount;
    }
    Ok(())
}

fn day(text: &str) -> Answer<Date> {
    let day = text.get(..10).and_then(|day| day.parse().ok());
    day.ok_or_else(|| CloudError::own(CALL, Failure::Lost, format!("`{text}` is no day")))
}

/// Every month that was asked for, whether the answer has it or not.
fn whole(mut periods: BTreeMap<Date, Period>, from: Date, to: Date) -> Vec<Period> {
    let mut month = from;
    while month < to {
        let Ok(next) = month.first_of_month().checked_add(jiff::Span::new().months(1)) else { break };
        let empty = Period { from: month, to: next.min(to), estimated: false, by_account: BTreeMap::new() };
        periods.entry(month).or_insert(empty);
        month = next;
    }
    periods.into_values().collect()
}

impl Spending for AwsCloud {
    fn spent(&self, from: Date, to: Date) -> Answer<Spent> {
        self.block(self.ask_costs(from, to))
    }
}
