//! The stock AWS CLI as an independent reader and writer. Owns how it is run against an endpoint.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{repository, venv};

/// The access key of a caller in the management account.
pub const KEY: &str = "test";

/// The variables with which a client reaches a test server.
pub fn environment(url: &str) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-west-2"),
        ("AWS_DEFAULT_REGION", "us-west-2"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// As [`environment`], for a caller in an account of a sandbox.
pub fn in_account(url: &str, account: &str) -> Vec<(String, String)> {
    let mut env = environment(url);
    env.retain(|(name, _)| name != "AWS_ACCESS_KEY_ID");
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{account}")));
    env
}

/// The environment of whoever has another one, and takes a role.
///
/// # Errors
/// Why the role cannot be taken.
pub fn as_role(env: &[(String, String)], account: &str, role: &str) -> Result<Vec<(String, String)>, String> {
    let assume = format!("sts assume-role --role-session-name test --role-arn arn:aws:iam::{account}:role/{role}");
    let given = all_as(env, &[assume])?;
    let key = |name: &str| given[0]["Credentials"][name].as_str().unwrap_or_default().to_owned();
    let mut env = env.to_vec();
    env.retain(|(name, _)| !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name.as_str()));
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), key("AccessKeyId")));
    env.push(("AWS_SECRET_ACCESS_KEY".to_owned(), key("SecretAccessKey")));
    env.push(("AWS_SESSION_TOKEN".to_owned(), key("SessionToken")));
    Ok(env)
}

/// Runs a command of the AWS CLI, such as `organizations list-roots`; what it prints, as JSON.
pub fn aws(url: &str, command: &str) -> Result<Value, String> {
    let [answer] = <[Value; 1]>::try_from(all(url, &[command.to_owned()])?).map_err(|_| "one answer was expected")?;
    Ok(answer)
}

/// Runs several commands in one process of the AWS CLI's own code, one after another.
///
/// # Errors
/// The first that fails, with what it said.
pub fn all(url: &str, commands: &[String]) -> Result<Vec<Value>, String> {
    all_as(&environment(url), commands)
}

/// As [`all`], with an environment of its own.
pub fn all_as(env: &[(String, String)], commands: &[String]) -> Result<Vec<Value>, String> {
    let script = repository::root().join("tests/conformance/awscli_batch.py");
    let input = serde_json::to_string(commands).map_err(|error| error.to_string())?;
    let answers = python(&script, &[], env, &input)?;
    let answers: Vec<Value> = serde_json::from_str(&answers).map_err(|error| format!("{error} in {answers}"))?;
    let failed = answers.iter().zip(commands).find(|(answer, _)| answer["status"] != 0);
    if let Some((answer, command)) = failed {
        return Err(format!("`aws {command}` failed: {}", answer["stderr"].as_str().unwrap_or_default().trim()));
    }
    Ok(answers.into_iter().map(|mut answer| answer["stdout"].take()).collect())
}

/// Runs a script of the virtual environment with `input` on its standard input; what it prints.
pub fn python(script: &Path, args: &[&str], env: &[(String, String)], input: &str) -> Result<String, String> {
    use std::io::Write as _;
    let mut child = Command::new(venv::program("python")?)
        .arg(script)
        .args(args)
        .env_remove("AWS_PROFILE")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("python cannot be run: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("python has no standard input")?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    // A script that ends without reading all of its input says why on standard error.
    let _ = writer.join();
    if !output.status.success() {
        return Err(format!("{} failed:\n{}", repository::short(script), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
