//! Access reviews as users see them: guards at `check`, a review against another revision, a plan's first screen,
//! approval of the change, and the two questions.

use std::path::Path;
use std::process::Command;

use cell_tests::binary::cellc;
use cell_tests::momento::{AT, Project, Registry};
use cell_tests::{failures, report};
use serde_json::Value;

/// A program of two cells; `SET` stands for what its set says.
const PROGRAM: &str = r#"org acme { management_account = "111111111111", accounts { email = "aws+\(.name)@acme.example" } }
group ops {}
group developers {}
cell alpha { kind = "alpha", region = "us-west-2", owner = group.ops, account_id = "222222222222" }
cell west { kind = "prod", region = "us-west-2", owner = group.ops, account_id = "333333333333" }
permission_set Work {
  allow work { actions = [SET], resources = ["*"] }
}
grant developers-work {
  to = group.developers
  can = permission_set.Work
  on = cells
}
guard no-secrets {
  on = cells where .kind == "prod"
  forbid secrets { actions = ["secretsmanager:GetSecretValue"], resources = ["*"] }
}
"#;

fn program(actions: &str) -> String {
    PROGRAM.replace("SET", actions)
}

/// A program in a repository of git, committed as it is.
fn committed(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.cell"), text).unwrap();
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "main.cell"],
        &["-c", "user.name=A", "-c", "user.email=a@acme.example", "commit", "--quiet", "-m", "first"],
    ] {
        let done = Command::new("git").arg("-C").arg(folder.path()).args(arguments).status().unwrap();
        assert!(done.success(), "git {arguments:?}");
    }
    folder
}

/// Status, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = cellc(folder, arguments, &[]).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_broken_guard_ends_a_check_with_three_and_a_may_only_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.cell");
    std::fs::write(&main, program(r#""secretsmanager:Get*""#)).unwrap();
    let (status, _, said) = run(folder.path(), &["check"]);
    assert_eq!(status, 3, "{said}");
    for word in [
        "E0701",
        "guard.no-secrets is broken",
        "group.developers",
        "cell.west",
        "allows it to",
        "secretsmanager:GetSecretValue on arn:aws:secretsmanager:",
    ] {
        assert!(said.contains(word), "{word}\n{said}");
    }
    std::fs::write(&main, program(r#""s3:GetObject""#)).unwrap();
    assert_eq!(run(folder.path(), &["check", "--strict"]).0, 0);
    let unpinned = program(r#""s3:GetObject""#).replace(
        "permission_set Work {",
        "permission_set Work {\n  managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]",
    );
    std::fs::write(&main, unpinned).unwrap();
    let (status, _, said) = run(folder.path(), &["check"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("N0703") && said.contains("ReadOnlyAccess"), "{said}");
    assert_eq!(run(folder.path(), &["check", "--strict"]).0, 4);
}

#[test]
fn a_revision_is_reviewed_without_a_cloud_in_every_form() {
    let folder = committed(&program(r#""s3:GetObject""#));
    let (status, none, said) = run(folder.path(), &["review", "--base", "main"]);
    assert_eq!(status, 0, "{said}");
    assert!(none.contains("VERDICT"), "{none}");
    std::fs::write(folder.path().join("main.cell"), program(r#""s3:GetObject", "s3:PutObject""#)).unwrap();
    let (status, json, said) = run(folder.path(), &["review", "--base", "main", "--format", "json"]);
    assert_eq!(status, 0, "{said}");
    let review: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(review["verdict"], "review");
    let row = &review["principals"][0];
    assert_eq!(row["principal"], "group.developers");
    assert_eq!(row["cells"], serde_json::json!(["cell.west", "cell.alpha"]));
    assert_eq!(row["gained"][0]["actions"], serde_json::json!(["s3:PutObject"]));
    assert_eq!(row["gained"][0]["proof"], "proven");
    for form in ["text", "markdown", "html", "sarif"] {
        let (status, shown, said) = run(folder.path(), &["review", "--base", "main", "--format", form]);
        assert_eq!(status, 0, "{form}: {said}");
        assert!(shown.contains("s3:PutObject") && shown.contains("developers"), "{form}:\n{shown}");
    }
    let again = run(folder.path(), &["review", "--base", "main", "--format", "json"]).1;
    assert_eq!(again, json, "the same question gives the same bytes");
    let (status, _, said) = run(folder.path(), &["review", "--base", "nowhere"]);
    assert!(status == 1 && said.contains("no such revision"), "{status} {said}");
    assert_eq!(run(folder.path(), &["plan", "--format", "html"]).0, 64);
}

/// Writes a lock that pins one managed policy, and its document.
fn pin(folder: &Path, version: &str, actions: &str) {
    let document = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[{actions}],\"Resource\":\"*\"}}]}}"
    );
    let digest = cell_eval::lock::digest(document.as_bytes());
    let file = "policies/aws/PowerUserAccess.json";
    std::fs::create_dir_all(folder.join("policies/aws")).unwrap();
    std::fs::write(folder.join(file), document).unwrap();
    let pinned = serde_json::json!({
        "version": version, "date": "2026-10-02", "digest": digest, "file": file,
    });
    let lock = serde_json::json!({
        "format_version": "1.1", "packages": {},
        "policies": { "arn:aws:iam::aws:policy/PowerUserAccess": pinned },
    });
    std::fs::write(folder.join("cell.lock"), lock.to_string()).unwrap();
}

#[test]
fn each_revision_is_read_under_its_own_lock() {
    let managed = "permission_set Work {\n  managed = [\"arn:aws:iam::aws:policy/PowerUserAccess\"]";
    let folder = committed(&program(r#""sqs:ListQueues""#).replace("permission_set Work {", managed));
    pin(folder.path(), "v7", r#""s3:GetObject""#);
    for arguments in [
        &["add", "."][..],
        &["-c", "user.name=A", "-c", "user.email=a@acme.example", "commit", "--quiet", "-m", "pins"],
    ] {
        assert!(Command::new("git").arg("-C").arg(folder.path()).args(arguments).status().unwrap().success());
    }
    pin(folder.path(), "v8", r#""s3:GetObject","iam:CreateUser""#);
    let (status, shown, said) = run(folder.path(), &["review", "--base", "main"]);
    assert_eq!(status, 0, "{said}");
    for word in ["needs security review", "gains  iam:CreateUser on *", "by policies/aws/PowerUserAccess.json:1"] {
        assert!(shown.contains(word), "{word}\n{shown}");
    }
}

#[test]
fn who_can_what_is_answered_with_the_statements_that_decide() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.cell"), program(r#""s3:GetObject""#)).unwrap();
    let cases: [(&[&str], &[&str]); 5] = [
        (
            &["can", "group.developers", "s3:GetObject"],
            &[
                "group.developers can s3:GetObject",
                "cell.alpha, cell.west",
                "allow Work of permission_set.Work (main.cell:7)",
            ],
        ),
        (
            &["can", "group.developers", "s3:DeleteBucket", "arn:aws:s3:::x", "--on", "cell.west"],
            &["group.developers cannot", "cell.west", "nothing in"],
        ),
        (&["can", "group.ops", "s3:GetObject"], &["group.ops cannot", "it is given nothing there"]),
        (&["who-can", "s3:Get*"], &["group.developers can some of s3:Get*"]),
        (&["who-can", "iam:CreateUser"], &["nobody can iam:CreateUser"]),
    ];
    let failed = failures(&cases, |(arguments, expected)| {
        let (status, shown, said) = run(folder.path(), arguments);
        let missing: Vec<&&str> = expected.iter().filter(|word| !shown.contains(**word)).collect();
        if status == 0 && missing.is_empty() {
            Ok(())
        } else {
            Err(format!("{arguments:?}: {status} lacks {missing:?}\n{shown}{said}"))
        }
    });
    report(cases.len(), &failed);
    let (status, _, said) = run(folder.path(), &["can", "group.developer", "s3:GetObject"]);
    assert!(status == 1 && said.contains("did you mean `group.developers`"), "{said}");
    // A path alone is the program, and nothing is taken for a resource that is none.
    let (status, shown, said) = run(folder.path(), &["can", "group.developers", "s3:GetObject", "."]);
    assert!(status == 0 && shown.contains("group.developers can s3:GetObject on *"), "{shown}{said}");
    let (status, _, said) = run(folder.path(), &["can", "group.developers", "s3:GetObject", "my-bucket"]);
    assert!(status == 64 && said.contains("neither a resource nor a program"), "{status} {said}");
    let (status, _, said) = run(folder.path(), &["can", "group.developers", "s3:GetObjekt", "*"]);
    assert!(status == 0 && said.contains("W0705") && said.contains("s3:GetObject"), "{status} {said}");
}

/// The change of access that was reviewed is the one that is applied, or none.
#[test]
fn another_change_of_access_than_the_approved_one_is_refused() {
    let approved = || -> Result<(), String> {
        let project = Project::applied(Registry::File)?;
        project.edit(&[(
            "\"s3:GetObject\", \"s3:PutObject\"]",
            "\"s3:GetObject\", \"s3:PutObject\", \"s3:DeleteObject\"]",
        )])?;
        let plan = project.run(&["plan", "--at", AT])?.ended(0)?;
        if !plan.stdout.contains("VERDICT: ") || !plan.stdout.contains("s3:DeleteObject") {
            return Err(format!("the plan does not begin with its review:\n{}", plan.stdout));
        }
        let review = project.run(&["review", "--at", AT, "--format", "json"])?.ended(0)?.json()?;
        let whole = review["fingerprint"].as_str().ok_or("no fingerprint")?.to_owned();
        let rows: Vec<String> = review["principals"]
            .as_array()
            .ok_or("no rows")?
            .iter()
            .filter_map(|row| row["fingerprint"].as_str())
            .map(str::to_owned)
            .collect();
        project
            .run(&["apply", "--yes", "--at", AT, "--approve", "access-000000000000000000000000"])?
            .ended(1)?
            .says(&["E0704"])?;
        project.edit(&[("\"s3:DeleteObject\"]", "\"s3:DeleteObject\", \"s3:DeleteBucket\"]")])?;
        project.run(&["apply", "--yes", "--at", AT, "--approve", &whole])?.ended(1)?.says(&["E0704"])?;
        project.edit(&[("\"s3:DeleteObject\", \"s3:DeleteBucket\"]", "\"s3:DeleteObject\"]")])?;
        project.run(&["apply", "--yes", "--at", AT, "--approve", &rows.join(",")])?.ended(0)?;
        project.settled(&[])
    };
    if let Err(failure) = approved() {
        panic!("{failure}");
    }
}
