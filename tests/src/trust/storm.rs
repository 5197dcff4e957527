//! A life through faults that the server is told to make: throttling, errors, lost answers, work that fails later.
//! Owns which faults there are for which call.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Case, Deed, Life, Reference};
use crate::momento::Registry;

/// Faults, and in how many runs a life must come through them.
#[derive(Debug, Clone)]
pub struct Storm {
    /// For messages.
    pub name: String,
    /// As the server takes them.
    pub faults: Value,
    /// Runs at most.
    pub runs: usize,
}

/// Calls that go on after their answer.
const ASYNCHRONOUS: [&str; 4] = [
    "organizations:CreateAccount",
    "sso-admin:CreateAccountAssignment",
    "sso-admin:DeleteAccountAssignment",
    "sso-admin:ProvisionPermissionSet",
];

/// Does it only look?
pub fn is_read(operation: &str) -> bool {
    let name = operation.split(':').nth(1).unwrap_or_default();
    ["List", "Describe", "Get"].iter().any(|head| name.starts_with(head))
}

/// Comes through it: each run says the truth, the last one does all that is left. How many runs it took.
pub fn through(life: Life, storm: &Storm) -> Result<usize, String> {
    let weather = || -> Result<usize, String> {
        let case = life.begin()?;
        case.server.inject(&storm.faults)?;
        case.converges(storm.runs)
    };
    weather().map_err(|failure| format!("── {}: {}\n{failure}", life.name(), storm.name))
}

/// Runs once, and must fail with these words; then, without the faults, comes to its end.
pub fn refused(life: Life, storm: &Storm, words: &[&str]) -> Result<(), String> {
    let weather = || -> Result<(), String> {
        let case = life.begin()?;
        case.server.inject(&storm.faults)?;
        case.run()?.ended(1)?.says(words)?;
        released(&case)?;
        case.converges(storm.runs).map(drop)
    };
    weather().map_err(|failure| format!("── {}: {}\n{failure}", life.name(), storm.name))
}

/// The faults are over; a lease that could not be given back is broken.
fn released(case: &Case) -> Result<(), String> {
    case.server.mend();
    case.server.let_go();
    case.project.run(&["registry", "unlock", "--yes"])?.ended(0).map(drop)
}

/// One fault of one call, from 0 on.
fn one(operation: &str, nth: u64, kind: &Value) -> Value {
    let mut fault = kind.clone();
    fault["operation"] = operation.into();
    fault["after"] = nth.into();
    json!([fault])
}

/// What may happen to a call of this operation.
fn kinds(operation: &str) -> Vec<Value> {
    let mut kinds: Vec<Value> = ["throttle", "error500", "error503", "reset", "drop", "truncate"]
        .iter()
        .map(|kind| json!({ "kind": kind }))
        .collect();
    if is_read(operation) {
        kinds.push(json!({ "kind": "stale" }));
        return kinds;
    }
    let (code, status) = match operation.split(':').next() {
        Some("organizations") => ("ConcurrentModificationException", 400),
        Some("s3") => ("OperationAborted", 409),
        _ => ("ConflictException", 400),
    };
    kinds.push(json!({ "kind": "error", "code": code, "status": status }));
    if ASYNCHRONOUS.contains(&operation) {
        kinds.push(json!({ "kind": "fail_async", "reason": "INTERNAL_FAILURE" }));
    }
    kinds
}

/// Every failure of every operation, at its first and its last call; asynchronous work at each.
pub fn everything(reference: &Reference) -> Vec<Storm> {
    let mut all = Vec::new();
    for (operation, count) in &reference.calls {
        for kind in kinds(operation) {
            let each = kind["kind"] == "fail_async";
            let nths: Vec<u64> = if each { (0..*count).collect() } else { vec![0, count - 1] };
            let mut nths = nths;
            nths.dedup();
            all.extend(nths.into_iter().map(|nth| Storm {
                name: format!("{} of call {} of {operation}", kind["kind"].as_str().unwrap_or_default(), nth + 1),
                faults: one(operation, nth, &kind),
                runs: 2,
            }));
        }
    }
    all
}

/// The answer of each call of a run, lost once the call has acted.
pub fn each_answer_lost(reference: &Reference) -> Vec<Storm> {
    let storm = |nth: u64| Storm {
        name: format!("the answer of call {} is lost", nth + 1),
        faults: one("*", nth, &json!({ "kind": "drop" })),
        runs: 2,
    };
    (0..reference.total()).map(storm).collect()
}

/// Each of several faults once.
pub fn each(kind: &str, operations: &[&str], after: u64, count: u64) -> Value {
    operations
        .iter()
        .map(|operation| json!({ "operation": operation, "kind": kind, "after": after, "count": count }))
        .collect()
}

/// What takes minutes: answers that never come, and a lease that nobody breaks. By name, with how it is judged.
pub const PATIENT: [(&str, Tried); 3] = [
    ("the bucket never answers", || {
        let never = json!([{ "operation": "s3:PutObject", "containing": ".journal/", "kind": "hang", "after": 4, "count": ALL }]);
        let storm = Storm { name: "the bucket never answers".to_owned(), faults: never, runs: 1 };
        refused(APPLY, &storm, &["E0605"])
    }),
    ("one answer of each service never comes", || {
        let operations =
            ["organizations:MoveAccount", "sso-admin:CreateAccountAssignment", "sso-admin:ListAccountAssignments"];
        let storm = Storm {
            name: "one answer never comes".to_owned(),
            faults: each("hang_after", &operations, 2, 1),
            runs: 1,
        };
        through(APPLY, &storm).map(drop)
    }),
    ("the lease of a killed run ends by itself", lease_ends),
];
/// Brings something about, and says what was not as it should be.
pub type Tried = fn() -> Result<(), String>;
const ALL: u64 = 1 << 32;
const APPLY: Life = Life { deed: Deed::Apply, registry: Registry::S3 };

/// A lease outlives its run by a minute at most: whoever waits needs no `unlock`.
fn lease_ends() -> Result<(), String> {
    let case = APPLY.begin()?;
    let stop = json!([{ "operation": "*", "kind": "hang", "after": 60, "count": ALL }]);
    case.server.inject(&stop)?;
    let mut child = case.project.start(case.life.command())?;
    let begun = Instant::now();
    while case.server.hanging() == 0 && begun.elapsed() < Duration::from_mins(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    case.server.mend();
    case.run()?.ended(1)?.says(&["E0513", "a minute after", "registry unlock"])?;
    let killed = Instant::now();
    while case.project.run(&["registry", "show"])?.stdout.contains("locked by") {
        if killed.elapsed() > Duration::from_secs(70) {
            return Err("the lease does not end".to_owned());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    case.converges(1).map(drop)
}
