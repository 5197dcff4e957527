//! The cases of `tests/cases/**/*.txt`: what the real binary prints and how it ends.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use cell_tests::{failures, report, repository, txtar, updating};

#[test]
fn cases() {
    let cases: Vec<PathBuf> = repository::files("tests/cases", "txt");
    assert!(!cases.is_empty(), "no case was found");
    report(cases.len(), &failures(&cases, |case| txtar::run(case, updating())));
}

/// A reader who stops reading is no error: `cellc … | head -1`.
#[test]
fn a_closed_pipe_ends_quietly() {
    let cellc = cell_tests::binary::built().expect("cellc is built");
    let mut child = Command::new(cellc)
        .arg("--help")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cellc runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("cellc ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
