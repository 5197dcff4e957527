//! The sandbox as a server for other clients. Owns its settings in tests (hardly any delay, no limit of pace), and
//! how faults are put in and requests read back.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use cell_sandbox::{Config, Delays, Fault, Quotas, Running, Sandbox, Seed, SeedAccount};
use serde_json::{Value, json};
use std::time::Duration;

use crate::http;

/// Settings with which a run takes seconds: everything is asynchronous still, and hardly late.
pub fn quick() -> Config {
    let short = Duration::from_millis(30);
    Config {
        tps: 0.0,
        delays: Delays {
            create_account: short,
            role: short,
            close_account: short,
            assignment: short,
            provision: short,
            stack_step: short,
            pod_step: short,
            propagation: Duration::ZERO,
        },
        // As the example says of its organization.
        quotas: Quotas { accounts: 20, ..Quotas::default() },
        ..Config::default()
    }
}

/// A sandbox that answers until it is dropped.
#[derive(Debug)]
pub struct Server {
    sandbox: Arc<Sandbox>,
    running: Running,
}

impl Server {
    /// Serves the sandbox whose state is in `folder`; none keeps it in memory.
    pub fn start(folder: Option<&Path>, config: Config) -> Result<Self, String> {
        let sandbox =
            Sandbox::open(folder, config).map_err(|error| format!("the sandbox cannot be opened: {error}"))?;
        let running = Running::start(Arc::clone(&sandbox), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(|error| format!("the sandbox cannot listen: {error}"))?;
        Ok(Self { sandbox, running })
    }

    /// Serves a sandbox in memory with these accounts, each an id and a name.
    pub fn with_accounts(config: Config, accounts: &[(&str, &str)]) -> Result<Self, String> {
        let account = |(id, name): &(&str, &str)| SeedAccount {
            id: Some((*id).to_owned()),
            name: (*name).to_owned(),
            email: format!("{name}@example.com"),
            ..SeedAccount::default()
        };
        let server = Self::start(None, config)?;
        server.seed(&Seed { accounts: accounts.iter().map(account).collect(), ..Seed::default() })?;
        Ok(server)
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// Fills it.
    pub fn seed(&self, seed: &Seed) -> Result<(), String> {
        self.sandbox.seed(seed).map_err(|error| format!("the sandbox cannot be seeded: {error}"))
    }

    /// Adds faults: `[{operation, kind, after, count, …}]`.
    pub fn inject(&self, faults: &Value) -> Result<(), String> {
        let faults: Vec<Fault> = serde_json::from_value(faults.clone()).map_err(|error| error.to_string())?;
        self.sandbox.inject(faults);
        Ok(())
    }

    /// Takes away the faults that wait.
    pub fn mend(&self) {
        self.sandbox.clear_faults();
    }

    /// How often an operation (`organizations:CreateAccount`) was called.
    pub fn called(&self, operation: &str) -> u64 {
        self.sandbox.calls().get(operation).copied().unwrap_or(0)
    }

    /// How often each operation was called.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.sandbox.calls()
    }

    /// How many calls hang.
    pub fn hanging(&self) -> usize {
        self.sandbox.hanging()
    }

    /// Closes the connections of those that hang.
    pub fn let_go(&self) {
        self.sandbox.let_go();
    }

    /// Requests, oldest first.
    pub fn log(&self) -> Result<Vec<Value>, String> {
        let (_, body) = http::request(&self.url(), "GET", "/_sandbox/log", "")?;
        serde_json::from_str(&body).map_err(|error| format!("the sandbox's log is no JSON: {error}"))
    }

    /// The whole state.
    pub fn state(&self) -> Value {
        self.sandbox.state()
    }

    /// Moves its clock on.
    pub fn advance(&self, by: Duration) -> Result<(), String> {
        self.sandbox.advance(by).map_err(|error| error.to_string())
    }

    /// Changes some of its settings.
    pub fn configure(&self, change: impl FnOnce(&mut Config)) -> Result<(), String> {
        let mut config = self.sandbox.config();
        change(&mut config);
        self.sandbox.set_config(config).map_err(|error| error.to_string())
    }
}

/// The settings as a program's `.cellc/sandbox/config.json` has them.
pub fn config_file() -> String {
    json!(quick()).to_string()
}
