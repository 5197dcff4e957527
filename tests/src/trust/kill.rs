//! A run that is killed (`kill -9`) before or after one of its calls. Owns how a process is stopped at exactly that
//! call: from it on the server lets every call hang, so nothing more happens until the process is dead.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Case, Found, Life};
use crate::momento::Registry;

/// How long a run may take to come to its point.
const PATIENCE: Duration = Duration::from_mins(10);
/// So many calls: all that are left.
const ALL: u64 = 1 << 32;

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// At which call of the run, from 1.
    pub call: u64,
    /// Once the call has acted, and before its answer; otherwise before it acts.
    pub after: bool,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} call {}", if self.after { "after" } else { "before" }, self.call)
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The call at which it was killed; none when the run had ended before it came so far.
    pub killed: Option<String>,
    /// The runs that it took afterwards.
    pub runs: usize,
    /// What is wrong after them.
    pub found: Found,
}

/// Every point of a run of so many calls.
pub fn all(calls: u64) -> Vec<Point> {
    (1..=calls).flat_map(|call| [false, true].map(|after| Point { call, after })).collect()
}

/// So many points, spread over all of them; always the same.
pub fn spread(calls: u64, count: usize) -> Vec<Point> {
    let all = all(calls);
    // A stride that shares no factor with two meets both sides of calls.
    let stride = (all.len() / count.max(1)).max(1) | 1;
    all.iter().skip(stride / 2).step_by(stride).copied().collect()
}

/// Kills a run there, and lets the next one go on.
pub fn at(life: Life, point: Point) -> Result<Outcome, String> {
    let case = life.begin()?;
    let wrong = |error: String| format!("── {}, killed {point}\n{error}", life.name());
    killed(&case, point).map_err(wrong)
}

fn killed(case: &Case, point: Point) -> Result<Outcome, String> {
    let before =
        json!({ "operation": "*", "kind": "hang", "after": point.call - u64::from(!point.after), "count": ALL });
    let faults = if point.after {
        json!([{ "operation": "*", "kind": "hang_after", "after": point.call - 1 }, before])
    } else {
        json!([before])
    };
    case.server.inject(&faults)?;
    let mut child = case.project.start(case.life.command())?;
    let stopped = wait(case, &mut child)?;
    let killed = if stopped { struck(case)? } else { None };
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    // What the process had sent and the server had not read is gone with its connections.
    let end = Instant::now() + PATIENCE;
    while case.server.hanging() > 0 && Instant::now() < end {
        case.server.let_go();
        std::thread::sleep(Duration::from_millis(1));
    }
    case.server.mend();
    if stopped && case.life.registry == Registry::S3 {
        // The lease outlives its run for a minute; killed before it had one, there is none to break.
        case.project.run(&["registry", "unlock", "--yes"])?.ended(0)?;
    }
    let ran = case.run()?;
    if ran.status != 0 {
        return Err(format!("the next run does not converge:\n{}\n{}", ran.stdout, ran.stderr));
    }
    let mut found = case.judged()?;
    let mut runs = 1;
    if !found.is_nothing() {
        // It may have to bring the record up to what the killed one did and could not say.
        case.run()?.ended(0)?;
        runs += 1;
        let again = case.judged()?;
        found = again;
    }
    case.settled()?;
    Ok(Outcome { killed, runs, found })
}

/// The call at which the server lets everything hang.
fn struck(case: &Case) -> Result<Option<String>, String> {
    let log = case.server.log()?;
    let first = log.iter().find(|entry| entry["fault"]["kind"].as_str().is_some_and(|kind| kind.starts_with("hang")));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(first.map(|entry| format!("{}:{}", text(&entry["service"]), text(&entry["operation"]))))
}

/// Waits until the run stands still at its point, or has ended; does it stand?
fn wait(case: &Case, child: &mut Child) -> Result<bool, String> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if case.server.hanging() > 0 {
            return Ok(true);
        }
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("the run did not come so far".to_owned())
}
