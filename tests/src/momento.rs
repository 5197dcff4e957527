//! The example `momento` as a project of its own that is planned and applied. Owns how it is laid out, edited, copied
//! after an apply, and run on the embedded sandbox or on another server.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::{aws, binary, repository, sandbox};

/// The instant at which tests judge expiry: before any cell of the example expires.
pub const AT: &str = "2026-11-26T09:00:00Z";
const REGISTRY: &str = "  registry = \"s3://momento-cell-registry/cells.json\"\n";

/// The program in a folder of its own.
#[derive(Debug)]
pub struct Project {
    folder: tempfile::TempDir,
    /// The server that takes the place of the embedded sandbox.
    pub endpoint: Option<String>,
    /// The access key with which that server is called; it says who calls.
    pub key: String,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// What was run, for messages.
    pub command: String,
    /// The status it ended with; -1 when it was killed.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Must have ended so.
    pub fn ended(self, status: i32) -> Result<Self, String> {
        if self.status == status {
            return Ok(self);
        }
        let Self { command, status: found, stdout, stderr } = &self;
        let tail = |text: &str| {
            text.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        Err(format!("`cellc {command}` ended with {found}, expected {status}\n{}\n{}", tail(stdout), tail(stderr)))
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.stdout)
            .map_err(|error| format!("`cellc {}` prints no JSON: {error}\n{}", self.command, self.stdout))
    }

    /// Must have said each of these on standard error.
    pub fn says(self, words: &[&str]) -> Result<Self, String> {
        let said = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.iter().find(|word| !said.contains(**word)) {
            None => Ok(self),
            Some(word) => Err(format!("`cellc {}` does not say `{word}`:\n{}", self.command, self.stderr)),
        }
    }
}

impl From<(String, Output)> for Ran {
    fn from((command, output): (String, Output)) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { command, status: output.status.code().unwrap_or(-1), stdout, stderr }
    }
}

/// Where the record of a project lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// In a file beside the program.
    File,
    /// In S3, as the example says.
    S3,
}

impl Project {
    /// The example, never applied.
    pub fn new(registry: Registry) -> Result<Self, String> {
        let text = repository::read(&repository::root().join("examples/momento/main.cell"))?;
        let text = match registry {
            Registry::S3 => text,
            Registry::File => replaced(&text, REGISTRY, "")?,
        };
        Self::of(&text)
    }

    /// A program.
    pub fn of(text: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let project = Self { folder, endpoint: None, key: aws::KEY.to_owned() };
        project.put("main.cell", text)?;
        project.put(".cellc/sandbox/config.json", &sandbox::config_file())?;
        Ok(project)
    }

    /// The example on an embedded sandbox, applied: a copy of one that all tests share.
    pub fn applied(registry: Registry) -> Result<Self, String> {
        static FILE: OnceLock<Result<Project, String>> = OnceLock::new();
        static S3: OnceLock<Result<Project, String>> = OnceLock::new();
        let shared = match registry {
            Registry::File => &FILE,
            Registry::S3 => &S3,
        };
        let make = || {
            let project = Self::new(registry)?;
            project.run(&["apply", "--yes", "--at", AT])?.ended(0)?;
            Ok(project)
        };
        shared.get_or_init(make).as_ref().map_err(Clone::clone)?.fork()
    }

    /// The example on a sandbox that is seeded from it and where nothing was applied yet: a copy of one that all share.
    pub fn seeded(registry: Registry) -> Result<Self, String> {
        static FILE: OnceLock<Result<Project, String>> = OnceLock::new();
        static S3: OnceLock<Result<Project, String>> = OnceLock::new();
        let shared = match registry {
            Registry::File => &FILE,
            Registry::S3 => &S3,
        };
        let make = || {
            let project = Self::new(registry)?;
            project.plan(&[])?;
            Ok(project)
        };
        shared.get_or_init(make).as_ref().map_err(Clone::clone)?.fork()
    }

    /// A copy with all it has: program, sandbox, record.
    pub fn fork(&self) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        copy(self.path(), folder.path()).map_err(|error| format!("the project cannot be copied: {error}"))?;
        Ok(Self { folder, endpoint: self.endpoint.clone(), key: self.key.clone() })
    }

    /// Takes the sandbox of another in place of its own.
    pub fn on_sandbox_of(&self, other: &Self) -> Result<(), String> {
        copy(&other.sandbox(), &self.sandbox()).map_err(|error| format!("the sandbox cannot be copied: {error}"))
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its sandbox.
    pub fn sandbox(&self) -> PathBuf {
        self.path().join(".cellc/sandbox")
    }

    /// Writes a file.
    pub fn put(&self, path: &str, text: &str) -> Result<(), String> {
        crate::project::put(self.path(), path, text)
    }

    /// Replaces texts of the program; each must be there.
    pub fn edit(&self, edits: &[(&str, &str)]) -> Result<(), String> {
        let path = self.path().join("main.cell");
        let mut text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        for (from, to) in edits {
            text = replaced(&text, from, to)?;
        }
        fs::write(&path, text).map_err(|error| error.to_string())
    }

    /// Adds to the end of the program.
    pub fn append(&self, more: &str) -> Result<(), String> {
        let path = self.path().join("main.cell");
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        fs::write(&path, text + more).map_err(|error| error.to_string())
    }

    /// A command that is ready to be run; the environment holds what is needed and nothing else.
    fn command(&self, args: &[&str]) -> Result<Command, String> {
        Ok(self.prepared(Command::new(binary::built()?), args))
    }

    /// Runs a command by way of another program, which gets the path of `cellc` and the arguments at its end.
    pub fn run_by(&self, way: &[&str], args: &[&str]) -> Result<Ran, String> {
        let (program, first) = way.split_first().ok_or("no program to run it by")?;
        let mut command = Command::new(program);
        command.args(first).arg(binary::built()?);
        let mut command = self.prepared(command, args);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = command.output().map_err(|error| format!("{program} cannot be run: {error}"))?;
        Ok((args.join(" "), output).into())
    }

    fn prepared(&self, mut command: Command, args: &[&str]) -> Command {
        command.args(args).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path()).env("USER", "tester").env("HOSTNAME", "test");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        let cloud = ["plan", "review", "apply", "drift", "adopt", "destroy", "registry", "lock", "status", "cost"]
            .contains(args.first().unwrap_or(&""));
        match &self.endpoint {
            Some(url) => _ = command.envs(aws::environment(url)).env("AWS_ACCESS_KEY_ID", &self.key),
            None if cloud => _ = command.env("CELLC_CLOUD", "sandbox"),
            None => {}
        }
        command
    }

    /// Runs a command on it.
    pub fn run(&self, args: &[&str]) -> Result<Ran, String> {
        let output = self.command(args)?.output().map_err(|error| format!("cellc cannot be run: {error}"))?;
        Ok((args.join(" "), output).into())
    }

    /// Runs a command with more in its environment.
    pub fn run_in(&self, args: &[&str], env: &[(&str, &str)]) -> Result<Ran, String> {
        let output = self.command(args)?.envs(env.iter().copied()).output().map_err(|error| error.to_string())?;
        Ok((args.join(" "), output).into())
    }

    /// Runs a command on AWS itself, where no credentials are to be had.
    pub fn run_without_credentials(&self, args: &[&str]) -> Result<Ran, String> {
        let output = self.command(args)?.env_remove("CELLC_CLOUD").output().map_err(|error| error.to_string())?;
        Ok((args.join(" "), output).into())
    }

    /// Starts a command.
    pub fn spawn(&self, args: &[&str]) -> Result<Child, String> {
        let mut command = self.command(args)?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("cellc cannot be run: {error}"))
    }

    /// Starts a command, does something when it first says these words on standard error, and waits for its end.
    pub fn run_until(&self, args: &[&str], words: &str, then: impl FnOnce()) -> Result<Ran, String> {
        let mut child = self.spawn(args)?;
        let (mut stderr, mut then) = (String::new(), Some(then));
        for line in BufReader::new(child.stderr.take().ok_or("no standard error")?).lines().map_while(Result::ok) {
            stderr += &format!("{line}\n");
            if line.contains(words) {
                then.take().into_iter().for_each(|then| then());
            }
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Ran { command: args.join(" "), status: output.status.code().unwrap_or(-1), stdout, stderr })
    }

    /// Starts a command of which nobody reads what it says.
    pub fn start(&self, args: &[&str]) -> Result<Child, String> {
        let mut command = self.command(args)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|error| format!("cellc cannot be run: {error}"))
    }

    /// The plan, as JSON.
    pub fn plan(&self, more: &[&str]) -> Result<Value, String> {
        let args = [&["plan", "--format", "json", "--at", AT], more].concat();
        self.run(&args)?.ended(0)?.json()
    }

    /// Must plan nothing, and say so by its status.
    pub fn settled(&self, more: &[&str]) -> Result<(), String> {
        let args = [&["plan", "--format", "json", "--detailed-exitcode", "--at", AT], more].concat();
        let ran = self.run(&args)?;
        if ran.status == 2 {
            let plan = ran.json()?;
            let left = |name: &str| {
                let all: Vec<String> = plan[name].as_array().into_iter().flatten().map(Value::to_string).collect();
                all.join("\n")
            };
            return Err(format!(
                "the plan after an apply is not empty:\n{}\nby\n{}",
                left("changes"),
                left("operations")
            ));
        }
        let changes = changes(&ran.ended(0)?.json()?);
        if changes.is_empty() { Ok(()) } else { Err(format!("status 0, and yet changes: {changes:?}")) }
    }

    /// Applies.
    pub fn apply(&self, more: &[&str]) -> Result<Ran, String> {
        self.run(&[&["apply", "--yes", "--at", AT], more].concat())?.ended(0)
    }

    /// The newest receipt.
    pub fn receipt(&self) -> Result<Value, String> {
        let entries = fs::read_dir(self.path().join(".cellc/receipts")).map_err(|error| error.to_string())?;
        let newest = entries
            .flatten()
            .map(|entry| entry.path())
            .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
        let text = fs::read_to_string(newest.ok_or("there is no receipt")?).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

/// Address and action of each change of a plan.
pub fn changes(plan: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = plan["changes"].as_array().into_iter().flatten();
    all.map(|change| (text(&change["address"]), text(&change["action"]))).collect()
}

/// The changes of a plan must be exactly these, written `action address`.
pub fn exactly(plan: &Value, expected: &[&str]) -> Result<(), String> {
    let found: BTreeSet<String> =
        changes(plan).into_iter().map(|(address, action)| format!("{action} {address}")).collect();
    let expected: BTreeSet<String> = expected.iter().map(|&line| line.to_owned()).collect();
    if found == expected {
        return Ok(());
    }
    let list = |of: &BTreeSet<String>, not: &BTreeSet<String>| {
        of.difference(not).cloned().collect::<Vec<_>>().join("\n    ")
    };
    Err(format!(
        "the plan is not what it should be\n  missing:\n    {}\n  too many:\n    {}",
        list(&expected, &found),
        list(&found, &expected)
    ))
}

fn replaced(text: &str, from: &str, to: &str) -> Result<String, String> {
    if text.contains(from) { Ok(text.replacen(from, to, 1)) } else { Err(format!("the example lacks `{from}`")) }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &target)? } else { _ = fs::copy(entry.path(), target)? }
    }
    Ok(())
}
