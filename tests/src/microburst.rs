//! microburst, a proxy that is not ours and makes an AWS behind it fail as AWS does. Owns the proxy's life, how rules
//! are put in, and what it says it did.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{http, venv};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Microburst {
    child: Child,
    url: String,
}

impl Microburst {
    /// Starts one in front of a server, and waits until it answers.
    pub fn before(upstream: &str) -> Result<Self, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| format!("there is no free port: {error}"))?.port();
        let child = Command::new(venv::program("microburst")?)
            .args(["--host", "127.0.0.1", "--no-resign", "--upstream", upstream, "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("microburst cannot be run: {error}"))?;
        let mut proxy = Self { child, url: format!("http://127.0.0.1:{port}") };
        let until = Instant::now() + PATIENCE;
        while !http::request(&proxy.url, "GET", "/_microburst/health", "").is_ok_and(|(status, _)| status == 200) {
            if let Ok(Some(status)) = proxy.child.try_wait() {
                return Err(format!("microburst ended at once: {status}"));
            }
            if Instant::now() > until {
                return Err(format!("microburst does not answer after {} s", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(proxy)
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts these rules in place of those before.
    pub fn rules(&self, rules: &Value) -> Result<(), String> {
        match http::request(&self.url, "POST", "/_microburst/rules", &rules.to_string())? {
            (200 | 201, _) => Ok(()),
            (status, body) => Err(format!("microburst does not take the rules ({status}): {body}")),
        }
    }

    /// How often each rule was fired, in their order.
    pub fn fired(&self) -> Result<Vec<u64>, String> {
        let (_, body) = http::request(&self.url, "GET", "/_microburst/rules", "")?;
        let rules: Vec<Value> = serde_json::from_str(&body).map_err(|error| format!("{error} in {body}"))?;
        Ok(rules.iter().map(|rule| rule["fired_count"].as_u64().unwrap_or_default()).collect())
    }
}

impl Drop for Microburst {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
