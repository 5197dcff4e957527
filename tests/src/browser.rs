//! A real browser, for pages that are written for one. Owns where it is found.

use std::path::PathBuf;
use std::process::Command;

/// What browsers are called.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe"];

/// A Chromium or Chrome of this machine; where checks are run unattended one is fetched if there is none.
///
/// # Errors
/// Why there is none: what was not run is to be said.
pub fn chromium() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(PathBuf::from(path));
    }
    if let Some(path) = installed() {
        return Ok(path);
    }
    if std::env::var_os("CI").is_none() {
        let how = "`apt install chromium` brings one; CHROMIUM may name one";
        return Err(format!("none of {} is in PATH ({how})", NAMES.join(", ")));
    }
    for arguments in [&["update", "-q"][..], &["install", "-y", "-q", "--no-install-recommends", "chromium"]] {
        let ran = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
        let output = ran.map_err(|error| format!("apt-get cannot be run: {error}"))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("`apt-get {}` brought no browser: {why}", arguments.join(" ")));
        }
    }
    installed().ok_or_else(|| "apt-get brought no browser".to_owned())
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}
