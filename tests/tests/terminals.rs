//! What people see in a terminal: `cellc rollout watch` in one of its own, read by an emulator that is not ours. It shows
//! waves and cells, follows the window, and leaves the terminal as it found it, however it is left.

use std::io::Write as _;
use std::process::{Command, Stdio};

use cell_tests::{binary, repository, venv};
use serde_json::{Value, json};

use super::releases::{Project, program};

/// Looks on in a terminal of 24 by 80, and does these steps.
fn watched(project: &Project, steps: &Value) -> Value {
    watched_in(project, steps, false)
}

/// The same in a terminal that may be mute: it does not say where its cursor is.
fn watched_in(project: &Project, steps: &Value, mute: bool) -> Value {
    let environment = json!({
        "CELLC_CLOUD": "sandbox", "TERM": "xterm-256color", "HOME": project.path(), "AWS_EC2_METADATA_DISABLED": "true",
    });
    let asked = json!({
        "command": [binary::built().unwrap(), "rollout", "watch"], "folder": project.path(), "environment": environment,
        "rows": 24, "columns": 80, "steps": steps, "mute": mute,
    });
    let mut child = Command::new(venv::terminal().unwrap())
        .arg(repository::root().join("tests/conformance/terminal.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A screen as text, and how wide its frame is.
fn screen(seen: &Value, at: usize) -> (String, usize) {
    let lines: Vec<&str> =
        seen["screens"][at].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let wide = lines.iter().map(|line| line.trim_end().chars().count()).max().unwrap_or_default();
    (lines.join("\n"), wide)
}

/// The terminal is as it was: its modes, its own screen, its cursor.
fn is_left_well(seen: &Value, status: i32) {
    assert_eq!((seen["status"].as_i64(), &seen["modes_kept"]), (Some(status.into()), &json!(true)), "{seen}");
    let written = seen["written"].as_str().unwrap();
    assert!(written.contains("\u{1b}[?1049l"), "its own screen is back: {written:?}");
    let (shown, hidden) = (written.rfind("\u{1b}[?25h"), written.rfind("\u{1b}[?25l"));
    assert!(shown.is_some() && shown > hidden, "the cursor is shown: {written:?}");
}

/// A rollout whose second wave waits for an approval is looked at, in a window that grows and shrinks, and left in each way.
#[test]
fn a_rollout_is_looked_at_in_a_terminal() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    let waiting = json!({"until": "waiting for approval"});
    let steps =
        json!([waiting, {"size": [40, 120]}, {"size": [9, 30]}, {"size": [24, 80]}, {"keys": "j"}, {"keys": "q"}]);
    let seen = watched(&project, &steps);
    let (first, wide) = screen(&seen, 0);
    for part in [
        "rollouts",
        "q leaves",
        "component.api: v1 is waiting for approval",
        "first    1/1    ●",
        "▶ rest     0/2    ··",
        "log",
        "cell.alpha done",
    ] {
        assert!(first.contains(part), "`{part}` is missing:\n{first}");
    }
    assert_eq!(wide, 80, "{first}");
    let (large, wide) = screen(&seen, 1);
    assert_eq!((wide, large.lines().filter(|line| !line.trim().is_empty()).count()), (120, 40), "{large}");
    let (small, wide) = screen(&seen, 2);
    assert!(wide <= 30 && small.contains("rollouts"), "{small}");
    assert_eq!(screen(&seen, 3), screen(&seen, 0), "as it was");
    is_left_well(&seen, 0);
    for way in [json!({"keys": "\u{3}"}), json!({"keys": "\u{1b}"}), json!({"signal": 15}), json!({"signal": 2})] {
        let seen = watched(&project, &json!([{"until": "waiting for approval"}, way]));
        is_left_well(&seen, 0);
    }
    // What takes no live view gets the log.
    let seen = watched_in(&project, &json!([{"until": "cell.alpha done"}, {"signal": 15}]), true);
    let (log, _) = screen(&seen, 0);
    assert!(log.contains("this terminal takes no live view") && log.contains("the log follows"), "{log}");
    assert_eq!((seen["status"].as_i64(), &seen["modes_kept"]), (Some(0), &json!(true)), "{seen}");
}
