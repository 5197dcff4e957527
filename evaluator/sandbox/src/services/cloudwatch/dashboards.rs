//! Dashboards, which belong to an account and to no region. Their bodies are kept and not drawn.

use super::PAGES;
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, Millis, instant};
use crate::paging::{Pages, page};
use crate::service::{Handler, Op};
use crate::state::State;
use crate::watch::Dashboard;
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("PutDashboard", Handler::Write(put)),
    ("GetDashboard", Handler::Read(get)),
    ("ListDashboards", Handler::Lag(list)),
    ("DeleteDashboards", Handler::Write(delete)),
];

fn missing(name: &str) -> ApiError {
    ApiError::new("ResourceNotFound", 404, format!("Dashboard {name} does not exist"))
}

fn arn(account: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch::{account}:dashboard/{name}")
}

/// Does the body read as JSON with widgets?
pub(super) fn check(body: &str) -> Result<(), ApiError> {
    let reads = serde_json::from_str(body).is_ok_and(|body: Value| body.get("widgets").is_some_and(Value::is_array));
    if reads {
        return Ok(());
    }
    let message = "The field DashboardBody must be a valid JSON object with widgets";
    Err(ApiError::client("InvalidParameterInput", message))
}

/// Keeps a dashboard.
pub(super) fn keep(
    state: &mut State,
    now: Millis,
    (account, name): (&str, &str),
    body: &str,
) -> Result<(), ApiError> {
    check(body)?;
    let dashboard = Dashboard { body: body.to_owned(), at: now };
    state.watch.dashboards.insert((account.to_owned(), name.to_owned()), dashboard);
    Ok(())
}

fn put(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    keep(state, cx.now, (&cx.caller.account, input.text("DashboardName")), input.text("DashboardBody"))?;
    Ok(json!({"DashboardValidationMessages": []}))
}

fn get(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (account, name) = (&cx.caller.account, input.text("DashboardName"));
    let found = state.watch.dashboards.get(&(account.clone(), name.to_owned())).ok_or_else(|| missing(name))?;
    Ok(json!({"DashboardArn": arn(account, name), "DashboardName": name, "DashboardBody": found.body}))
}

fn list(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    const MANY: Pages = Pages { limit: "", most: 1_000, ..PAGES };
    let account = &cx.caller.account;
    let prefix = input.text("DashboardNamePrefix");
    let all = state.watch.dashboards.under(account).filter(|(name, _)| name.starts_with(prefix));
    page(MANY, cx, input, "DashboardEntries", all.map(|(name, found)| (name.to_owned(), (name, found))), |one| {
        let (name, found) = one;
        json!({
            "DashboardName": name,
            "DashboardArn": arn(account, name),
            "LastModified": instant(found.at),
            "Size": found.body.len(),
        })
    })
}

fn delete(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    for name in input.texts("DashboardNames") {
        if !state.watch.dashboards.remove(&(cx.caller.account.clone(), name.to_owned())) {
            return Err(missing(name));
        }
    }
    Ok(json!({}))
}
