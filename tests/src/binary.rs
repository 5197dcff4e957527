//! The real `cellc`. Owns where it lies, that it is built, and the environment it is run in.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::repository;

/// Runs `cellc` in `folder`, with no input and no variable that would change what it prints.
pub fn cellc(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<Output, String> {
    let mut command = Command::new(built()?);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CELLC_") {
            command.env_remove(name);
        }
    }
    command.env_remove("NO_COLOR").envs(env.iter().copied());
    command.output().map_err(|error| format!("cellc cannot be run: {error}"))
}

/// The binary, built once a process with the profile of the tests; from `target/release`, which benchmarks use too, with that of
/// benchmarks. Cargo does so only for the tests of the binary's own package.
pub fn built() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref().map_err(Clone::clone)
}

/// The folder of the profile the tests were built with: `target/debug`.
fn profile() -> Result<PathBuf, String> {
    let test = std::env::current_exe().map_err(|error| format!("where the tests run is unknown: {error}"))?;
    // target/debug/deps/suite-0123
    let profile = test.parent().and_then(Path::parent).ok_or("the tests do not run from a target folder")?;
    Ok(profile.to_owned())
}

/// The target folder that the tests run from.
pub fn target() -> Result<PathBuf, String> {
    let profile = profile()?;
    Ok(profile.parent().ok_or("the tests do not run from a target folder")?.to_owned())
}

fn build() -> Result<PathBuf, String> {
    let (profile, target) = (profile()?, target()?);
    let name = profile.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match name.as_str() {
        "debug" => "dev",
        "release" => "bench",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo says of the package under test would have build scripts that look at it (ring's) run again, and all
    // that depends on them built again, here and at the next call outside.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    let output = command
        .args(["build", "--quiet", "--workspace", "--bin", "cellc", "--profile", name, "--target-dir"])
        .arg(&target)
        .current_dir(repository::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("cellc cannot be built:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(profile.join(format!("cellc{}", std::env::consts::EXE_SUFFIX)))
}
