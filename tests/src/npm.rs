//! Folders with packages of npm: the extension for Visual Studio Code, what drives a browser, and what the permission
//! engine is tested against. Each is copied below the target folder, with the packages that its lock file names. Owns
//! that it is made once for all tests, and how its scripts are run.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::{binary, repository};

/// Written last: without it the folder is a half-made one.
const READY: &str = "ready";

/// The folder of the extension, with its packages.
///
/// # Errors
/// What could not be got: a test that needs it fails with that, and never passes in silence.
pub fn extension() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| made("lang/vscode", "vscode")).as_deref().map_err(Clone::clone)
}

/// The folder of what drives a browser, with its packages.
///
/// # Errors
/// What could not be got, as [`extension`].
pub fn browser() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| made("tests/browser", "browser")).as_deref().map_err(Clone::clone)
}

/// The folder with AWS's managed policies and with a simulator of IAM.
///
/// # Errors
/// What could not be got: a test that needs it fails with that, and never passes in silence.
pub fn oracles() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| made("tests/iam", "iam")).as_deref().map_err(Clone::clone)
}

/// The folder of the compiler of TypeScript.
///
/// # Errors
/// What could not be got, as [`extension`].
pub fn clients() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| made("tests/clients", "clients")).as_deref().map_err(Clone::clone)
}

/// The folder of what judges state machines.
///
/// # Errors
/// What could not be got, as [`extension`].
pub fn states() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| made("tests/states", "states")).as_deref().map_err(Clone::clone)
}

/// A folder of the repository below the target folder, with its packages.
fn made(own: &str, name: &str) -> Result<PathBuf, String> {
    let folder = binary::target()?.join(name);
    let failed = |error: std::io::Error| format!("{} cannot be made: {error}", folder.display());
    // Tests of other processes may be making it: the lock goes with the process.
    let lock = File::create(folder.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let own = repository::root().join(own);
    let wanted = repository::read(&own.join("package-lock.json"))?;
    let ready = fs::read_to_string(folder.join(READY)).is_ok_and(|found| found == wanted);
    if !ready && folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    copy(&own, &folder).map_err(failed)?;
    if !ready {
        run("npm", &["ci", "--no-audit", "--no-fund"], &folder, "")?;
        fs::write(folder.join(READY), wanted).map_err(failed)?;
    }
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Runs `npm` or `node` in a folder, with this on its standard input; returns what it printed.
///
/// # Errors
/// When it cannot be run, or ends with another status than 0: with what it said.
pub fn run(program: &str, args: &[&str], folder: &Path, input: &str) -> Result<String, String> {
    // On Windows npm is a script that only the shell finds.
    let program = if cfg!(windows) && program == "npm" { "npm.cmd" } else { program };
    let spawned = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| {
        format!("`{program}` is needed for this test and cannot be run (Node.js 20 or later brings it): {error}")
    })?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // What is written may be more than a pipe holds: it is read at the same time.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(out.into_owned())
    } else {
        Err(format!("`{program} {}` failed:\n{out}\n{err}", args.join(" ")))
    }
}
