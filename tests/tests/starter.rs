//! `cellc init`: what it writes is quiet, holds, and can be applied; it takes nothing away; and its CI does what it
//! says, by the services' own schemas and by running its scripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cell_tests::binary::{built, cellc};
use cell_tests::{at_once, report, venv, waiting};
use serde_json::Value;

const ALL: [&str; 5] = [".github/workflows/cellc.yml", ".gitignore", ".gitlab-ci.yml", "README.md", "main.cell"];

/// The files below a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `cellc` in a folder; it must end so.
fn run(folder: &Path, args: &[&str], status: i32) -> Output {
    let output = cellc(folder, args, &[]).unwrap();
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

fn started(args: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[&["init"], args].concat(), 0);
    folder
}

at_once!(the_starter: it_is_quiet_and_can_be_applied, its_ci_runs, its_ci_is_of_the_services_forms);

fn it_is_quiet_and_can_be_applied() {
    let folder = started(&["--name", "globex"]);
    let folder = folder.path();
    assert_eq!(files(folder), ALL.map(str::to_owned).into());
    let program = fs::read_to_string(folder.join("main.cell")).unwrap();
    assert!(program.contains("org globex {") && !program.contains("acme"), "{program}");
    let checked = run(folder, &["check"], 0);
    assert_eq!((text(&checked.stdout), text(&checked.stderr)), (String::new(), String::new()));
    assert!(text(&run(folder, &["test"], 0).stdout).ends_with("1 test: 1 passed\n"));
    run(folder, &["plan", "--cloud", "sandbox", "--detailed-exitcode"], 2);
    run(folder, &["apply", "--cloud", "sandbox", "--yes"], 0);
    run(folder, &["plan", "--cloud", "sandbox", "--detailed-exitcode"], 0);
    // What an apply leaves behind is not for version control.
    let ignored: Vec<String> =
        fs::read_to_string(folder.join(".gitignore")).unwrap().lines().map(str::to_owned).collect();
    let left: Vec<String> = files(folder).into_iter().filter(|file| !ALL.contains(&file.as_str())).collect();
    assert!(!left.is_empty() && left.iter().all(|file| file.starts_with(".cellc/")), "{left:?}");
    assert!(ignored.iter().any(|line| line == ".cellc/"), "{ignored:?}");
}

#[test]
fn only_the_ci_that_is_wanted_is_written() {
    for (ci, file) in [("github", ALL[0]), ("gitlab", ALL[2]), ("none", "")] {
        let folder = started(&["--ci", ci]);
        let expected: BTreeSet<String> = [ALL[1], ALL[3], ALL[4], file].map(str::to_owned).into();
        let expected = expected.into_iter().filter(|file| !file.is_empty()).collect();
        assert_eq!(files(folder.path()), expected, "{ci}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["init", "new/place", "--ci", "none", "--format", "json"], 0);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = ["new/place/main.cell", "new/place/README.md", "new/place/.gitignore"];
    assert_eq!(said, serde_json::json!({ "format_version": "1.0", "written": written }));
    for wrong in ["", "Acme", "acme.example", "-a", "a-", "9a", "a b", "a--b", &"a".repeat(31)] {
        run(folder.path(), &["init", "other", &format!("--name={wrong}")], 64);
    }
    assert!(!folder.path().join("other").exists());
}

/// All files or none: what is there stays as it is, and nothing is written beside it.
#[test]
fn nothing_is_overwritten_and_nothing_is_half_written() {
    for path in ALL {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join(path);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::write(&there, "mine").unwrap();
        let said = text(&run(folder.path(), &["init"], 1).stderr);
        assert!(said.contains(path) && said.contains("nothing was written"), "{said}");
        assert_eq!(files(folder.path()), BTreeSet::from([path.to_owned()]));
        assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    }
    // A file where a folder has to be is found out only while writing: what was written by then is taken away.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".github"), "mine").unwrap();
    let said = text(&run(folder.path(), &["init"], 1).stderr);
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(files(folder.path()), BTreeSet::from([".github".to_owned()]));
    fs::write(folder.path().join("file"), "mine").unwrap();
    run(folder.path(), &["init", "file/below"], 1);
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("main.cell")).unwrap();
        run(folder.path(), &["init"], 1);
        assert_eq!(files(folder.path()), BTreeSet::from(["main.cell".to_owned()]));
    }
}

/// A file of YAML as JSON.
fn yaml(path: &Path) -> Value {
    let read = "import json, sys; from ruamel.yaml import YAML; json.dump(YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";
    let output = Command::new(venv::program("python").unwrap())
        .args(["-c", read])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn its_ci_is_of_the_services_forms() {
    let folder = started(&[]);
    let both = [("vendor.github-workflows", ALL[0]), ("vendor.gitlab-ci", ALL[2])];
    let failed = waiting(&both, |(schema, file)| {
        let mut command = Command::new(venv::program("check-jsonschema")?);
        command.args(["--builtin-schema", schema]).arg(folder.path().join(file)).stdin(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(format!("{file}: {}", text(&output.stdout))) }
    });
    report(both.len(), &failed);
    let github = fs::read_to_string(folder.path().join(ALL[0])).unwrap();
    for line in github.lines().filter_map(|line| line.split_once("uses: ")) {
        let commit = line.1.split_once('@').and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
        assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "not pinned: {}", line.1);
    }
    for file in [ALL[0], ALL[2]] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap().to_lowercase();
        for word in ["secrets.", "access_key", "access-key", "pull_request_target"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
    let github = yaml(&folder.path().join(ALL[0]));
    let jobs = &github["jobs"];
    assert_eq!(github["permissions"], serde_json::json!({}));
    assert_eq!(jobs["check"]["permissions"], serde_json::json!({ "contents": "read" }));
    for job in ["plan", "apply"] {
        let least = serde_json::json!({ "contents": "read", "id-token": "write" });
        assert_eq!(jobs[job]["permissions"], least);
    }
    assert_eq!(jobs["apply"]["environment"], "production");
    let gitlab = yaml(&folder.path().join(ALL[2]));
    assert!(gitlab["check"]["id_tokens"].is_null() && gitlab["plan"]["id_tokens"].is_object());
    assert_eq!(
        (&gitlab["apply"]["environment"], &gitlab["apply"]["rules"][0]["when"]),
        (&"production".into(), &"manual".into())
    );
}

/// A script of CI in its folder, with the sandbox for its cloud.
fn script(folder: &Path, text: &str, env: &[(&str, &Path)]) -> (i32, String) {
    let bin = built().unwrap().parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", text])
        .current_dir(folder)
        .envs(env.iter().copied())
        .env("PATH", path)
        .env("CELLC_CLOUD", "sandbox")
        .env("AWS_ID_TOKEN", "token")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code().unwrap(), self::text(&output.stdout) + &self::text(&output.stderr))
}

fn its_ci_runs() {
    let folder = started(&[]);
    let (folder, aside) = (folder.path(), tempfile::tempdir().unwrap());
    let (summary, outputs) = (aside.path().join("summary"), aside.path().join("output"));
    let env = [("RUNNER_TEMP", aside.path()), ("GITHUB_STEP_SUMMARY", &*summary), ("GITHUB_OUTPUT", &*outputs)];
    let github = yaml(&folder.join(ALL[0]));
    let steps = |job: &str, words: &str| -> String {
        let steps = github["jobs"][job]["steps"].as_array().unwrap();
        let found = steps.iter().filter_map(|step| step["run"].as_str()).find(|run| run.contains(words));
        found.unwrap_or_else(|| panic!("no step of {job} has `{words}`")).to_owned()
    };
    let (plan, apply) = (steps("plan", "cellc plan"), steps("apply", "cellc apply"));
    let planned = |changes: &str| {
        let (status, said) = script(folder, &plan, &env);
        assert_eq!(status, 0, "{said}");
        assert_eq!(fs::read_to_string(&outputs).unwrap(), format!("changes={changes}\n"));
        let shown = fs::read_to_string(&summary).unwrap();
        assert!(shown.starts_with("````text\n") && shown.ends_with("\n````\n"), "{shown}");
        fs::remove_file(&outputs).unwrap();
        fs::remove_file(&summary).unwrap();
        shown
    };
    assert!(planned("true").contains("12 to create"));
    let (status, said) = script(folder, &apply, &env);
    assert!(status == 0 && said.contains("operations done and seen"), "{said}");
    assert!(folder.join(".cellc/receipts").is_dir());
    assert!(planned("false").contains("no changes"));
    // A plan that cannot be made fails the job, and says why.
    let program = folder.join("main.cell");
    let sound = fs::read_to_string(&program).unwrap();
    fs::write(&program, sound.replace("group operators {}", "")).unwrap();
    let (status, said) = script(folder, &plan, &env);
    assert!(status == 1 && said.contains("E0204"), "{status}: {said}");
    fs::write(&program, sound.replace("4h", "5h")).unwrap();

    let gitlab = yaml(&folder.join(ALL[2]));
    let lines = |job: &str| -> String {
        let lines = gitlab[job]["script"].as_array().unwrap().iter();
        let lines = lines.flat_map(|line| line.as_array().cloned().unwrap_or_else(|| vec![line.clone()]));
        lines.map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
    };
    let env = [("HOME", aside.path())];
    let (status, said) = script(folder, &lines("plan"), &env);
    assert!(status == 0 && said.contains("1 to update") && folder.join("main.cellplan").is_file(), "{said}");
    let (status, said) = script(folder, &lines("apply"), &env);
    assert!(status == 0 && said.contains("operations done and seen"), "{said}");
    assert_eq!(fs::read_to_string(aside.path().join("token")).unwrap(), "token");
}
