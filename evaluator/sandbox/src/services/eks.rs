//! EKS, as far as a client needs it to find a cluster: every name is one, in each account
//! and region another one, and answers beside the services.

use crate::error::Answer;
use crate::input::{Cx, Input};
use crate::service::{Handler, Op};
use crate::state::State;
use serde_json::json;

pub(crate) const OPERATIONS: &[&[Op]] = &[&[("DescribeCluster", Handler::Read(describe))]];

/// The name beside the services of a cluster of EKS.
pub fn cluster_of(account: &str, region: &str, name: &str) -> String {
    format!("{account}.{region}.{name}")
}

fn describe(_: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let (name, region, account) = (input.text("name"), input.text("Region"), &cx.caller.account);
    Ok(json!({"cluster": {
        "name": name,
        "arn": format!("arn:aws:eks:{region}:{account}:cluster/{name}"),
        "status": "ACTIVE",
        "version": "1.33",
        // Without TLS there is no authority to trust.
        "endpoint": format!("http://{}/kubernetes/{}", input.text("Host"), cluster_of(account, region, name)),
        "certificateAuthority": {"data": ""},
    }}))
}
