//! Servers that are not ours, on a port of loopback. Owns their lives: a port is found free, and by the time the server takes
//! it somebody else may have it, so one that ends at once is started again on another.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is started.
const TRIES: usize = 3;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    url: String,
}

impl Served {
    /// Starts what `command` makes of a port, and waits until it `answers` at its address.
    pub fn start(
        name: &str,
        patience: Duration,
        command: impl Fn(u16) -> Command,
        answers: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut ended = String::new();
        for _ in 0..TRIES {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
            let port = free.map_err(|error| format!("there is no free port: {error}"))?.port();
            let mut command = command(port);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let child = command.spawn().map_err(|error| format!("{name} cannot be run: {error}"))?;
            let mut served = Self { child, url: format!("http://127.0.0.1:{port}") };
            match served.wait(patience, &answers) {
                Some(Ok(())) => return Ok(served),
                Some(Err(status)) => ended = format!("{name} ended at once: {status}"),
                None => return Err(format!("{name} does not answer after {} s", patience.as_secs())),
            }
        }
        Err(ended)
    }

    /// Whether it answers, or how it ended; none when the time is over.
    fn wait(&mut self, patience: Duration, answers: &impl Fn(&str) -> bool) -> Option<Result<(), String>> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            // Asked first: somebody else's server on that port would answer, too.
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(Err(status.to_string()));
            }
            if answers(&self.url) {
                return Some(Ok(()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
