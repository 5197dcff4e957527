//! A real browser, for pages that are written for one. Owns where it is found, and how a page is looked at in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::npm;

/// A text that no page may take for markup.
pub const HOSTILE: &str =
    "a|b`c</script><img src=x onerror=alert(1)>&\"'\u{1b}[31m\u{202e}\u{2028}\n### _x_ [l](javascript:1) ${y} <!--";

/// What browsers are called.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe"];

/// Makes every text hostile but those that are to be kept, by key and text.
pub fn spoil(value: &mut Value, key: &str, kept: &impl Fn(&str, &str) -> bool) {
    match value {
        Value::String(text) if !kept(key, text) => HOSTILE.clone_into(text),
        Value::Array(all) => all.iter_mut().for_each(|one| spoil(one, key, kept)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, one)| spoil(one, key, kept)),
        _ => {}
    }
}

/// Looks at a page, and at the same one with every text hostile, by a script of `tests/browser`. Pictures are left below
/// the folder that SHOTS names. Where no browser is to be had, that is said.
///
/// # Errors
/// What is wrong with the page, or what but the browser is missing.
pub fn look(script: &str, page: &str, hostile: &str) -> Result<(), String> {
    let folder = npm::browser()?;
    let chromium = match chromium() {
        Ok(chromium) => chromium.display().to_string(),
        Err(why) => {
            #[allow(clippy::print_stderr, reason = "what could not be run is said")]
            {
                eprintln!("NOT RUN, {script} in a browser: {why}");
            }
            return Ok(());
        }
    };
    let failed = |error: std::io::Error| error.to_string();
    let pages = tempfile::tempdir().map_err(failed)?;
    let mut arguments = vec![script.to_owned(), chromium];
    for (name, text) in [("page.html", page), ("hostile.html", hostile)] {
        let path = pages.path().join(name);
        fs::write(&path, text).map_err(failed)?;
        arguments.push(path.display().to_string());
    }
    arguments.extend(std::env::var("SHOTS").map(|folder| format!("{folder}/{script}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = npm::run("node", &arguments, folder, "")?;
    if said.contains("the page is as it should be") { Ok(()) } else { Err(said) }
}

/// A Chromium or Chrome of this machine; where checks are run unattended one is fetched if there is none, once for all
/// tests. Or why there is none.
fn chromium() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Result<PathBuf, String> {
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
