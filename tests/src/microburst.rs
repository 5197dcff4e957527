//! microburst, a proxy that is not ours and makes an AWS behind it fail as AWS does. Owns the proxy's life, how rules
//! are put in, and what it says it did.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::served::Served;
use crate::{http, venv};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Microburst(Served);

impl Microburst {
    /// Starts one in front of a server, and waits until it answers.
    pub fn before(upstream: &str) -> Result<Self, String> {
        let program = venv::program("microburst")?;
        let command = |port: u16| {
            let mut command = Command::new(&program);
            let port = port.to_string();
            command.args(["--host", "127.0.0.1", "--no-resign", "--upstream", upstream, "--port", &port]);
            command
        };
        let answers =
            |url: &str| http::request(url, "GET", "/_microburst/health", "").is_ok_and(|(status, _)| status == 200);
        Ok(Self(Served::start("microburst", PATIENCE, command, answers)?))
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Puts these rules in place of those before.
    pub fn rules(&self, rules: &Value) -> Result<(), String> {
        match http::request(self.url(), "POST", "/_microburst/rules", &rules.to_string())? {
            (200 | 201, _) => Ok(()),
            (status, body) => Err(format!("microburst does not take the rules ({status}): {body}")),
        }
    }

    /// How often each rule was fired, in their order.
    pub fn fired(&self) -> Result<Vec<u64>, String> {
        let (_, body) = http::request(self.url(), "GET", "/_microburst/rules", "")?;
        let rules: Vec<Value> = serde_json::from_str(&body).map_err(|error| format!("{error} in {body}"))?;
        Ok(rules.iter().map(|rule| rule["fired_count"].as_u64().unwrap_or_default()).collect())
    }
}
