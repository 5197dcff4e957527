//! moto, an emulated AWS that is not ours. Owns the server's life: started on a free port of loopback, ended with its
//! holder.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{http, repository, venv};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(90);
/// The management account of every organization it makes.
pub const MANAGEMENT: &str = "123456789012";

/// A server that runs.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    /// Starts one as it is published, and waits until it answers.
    pub fn start() -> Result<Self, String> {
        Self::run(Command::new(venv::program("moto_server")?))
    }

    /// Starts one with the calls that it lacks (`tests/conformance/moto_completed.py` says which).
    pub fn completed() -> Result<Self, String> {
        let mut command = Command::new(venv::program("python")?);
        command.arg(repository::root().join("tests/conformance/moto_completed.py"));
        Self::run(command)
    }

    fn run(mut command: Command) -> Result<Self, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| format!("there is no free port: {error}"))?.port();
        let child = command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("moto_server cannot be run: {error}"))?;
        let mut moto = Self { child, url: format!("http://127.0.0.1:{port}") };
        let until = Instant::now() + PATIENCE;
        while !http::request(&moto.url, "GET", "/moto-api/data.json", "").is_ok_and(|(status, _)| status == 200) {
            if let Ok(Some(status)) = moto.child.try_wait() {
                return Err(format!("moto_server ended at once: {status}"));
            }
            if Instant::now() > until {
                return Err(format!("moto_server does not answer after {} s", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(moto)
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
