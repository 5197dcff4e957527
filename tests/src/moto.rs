//! moto, an emulated AWS that is not ours. Owns the server's life: started on a free port of loopback, ended with its
//! holder.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::served::Served;
use crate::{http, repository, venv};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(90);
/// The management account of every organization it makes.
pub const MANAGEMENT: &str = "123456789012";

/// A server that runs.
#[derive(Debug)]
pub struct Moto(Served);

impl Moto {
    /// Starts one as it is published, and waits until it answers.
    pub fn start() -> Result<Self, String> {
        Self::run(&venv::program("moto_server")?, &[])
    }

    /// Starts one with the calls that it lacks (`tests/conformance/moto_completed.py` says which).
    pub fn completed() -> Result<Self, String> {
        let completed = repository::root().join("tests/conformance/moto_completed.py");
        Self::run(&venv::program("python")?, &[completed.as_os_str()])
    }

    fn run(program: &Path, first: &[&OsStr]) -> Result<Self, String> {
        let command = |port: u16| {
            let mut command = Command::new(program);
            command.args(first).args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command.env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
            command
        };
        let answers =
            |url: &str| http::request(url, "GET", "/moto-api/data.json", "").is_ok_and(|(status, _)| status == 200);
        Ok(Self(Served::start("moto_server", PATIENCE, command, answers)?))
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.0.url()
    }
}
