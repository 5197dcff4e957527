//! What nobody must be able to do with `cellc`: learn a credential from what it writes, steer a reader's terminal by a
//! name in the cloud, or slip in a plan or a record of another organization.

use std::fs;
use std::path::Path;

use cell_sandbox::{Seed, SeedAccount, SeedAssignment, SeedPolicy, SeedSet};
use cell_tests::at_once;
use cell_tests::momento::{AT, Project, Ran, Registry};
use cell_tests::sandbox::{Server, quick};
use serde_json::{Value, json};

const KEY: &str = "AKIAPLANTEDPLANTED00";
const SECRET: &str = "plantedSecretKey/0123456789abcdefghijklmn";
const TOKEN: &str = "plantedSessionToken==0123456789";
/// Clears the screen, sets a title, turns the text around, and goes back over the line.
const HOSTILE: &str = "evil\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}txt\r\u{8}\u{9b}31m";

fn served() -> Result<(Project, Server), String> {
    let mut project = Project::applied(Registry::S3)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

/// Every file that is not the sandbox's own.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.ends_with("sandbox") {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn leaks(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes);
    [KEY, SECRET, TOKEN].into_iter().find(|planted| text.contains(planted))
}

/// Commands of each kind, in a cloud that works, refuses and fails, with credentials that would be known again: none of
/// it says one, and no file has one. What the sandbox was asked does have the key: it was used.
fn no_credential_is_ever_written() {
    let (project, server) = served().unwrap();
    project.append("permission_set Look { managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }\n").unwrap();
    let env = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    let commands: [&[&str]; 9] = [
        &["plan", "--at", AT, "--out", "saved.plan", "--verbose"],
        &["show", "saved.plan", "--format", "json"],
        &["review", "--at", AT, "--format", "html"],
        &["lock", "--update"],
        &["drift"],
        &["registry", "show", "--format", "json"],
        &["apply", "--yes", "--at", AT, "--verbose"],
        &["plan", "--policy", "--at", AT],
        &["expand"],
    ];
    let faults: [Option<Value>; 3] = [
        Some(
            json!([{"operation": "*", "kind": "error", "code": "AccessDeniedException", "after": 6, "count": 1_000}]),
        ),
        Some(json!([{"operation": "*", "kind": "truncate", "after": 3, "count": 1_000}])),
        None,
    ];
    for fault in faults {
        // A failure is the same whatever is read for: two commands of each are enough.
        let some = if fault.is_some() { [commands[0], commands[6]].to_vec() } else { commands.to_vec() };
        for command in some {
            server.mend();
            fault.iter().for_each(|fault| server.inject(fault).unwrap());
            let ran = project.run_in(command, &env).unwrap();
            assert_eq!(leaks(ran.stdout.as_bytes()), None, "{command:?}");
            assert_eq!(leaks(ran.stderr.as_bytes()), None, "{command:?}");
        }
    }
    // Nobody answers at all.
    let nowhere = [&env[..], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]].concat();
    let ran = project.run_in(&["plan", "--at", AT], &nowhere).unwrap();
    assert_ne!(ran.status, 0);
    assert_eq!(leaks(ran.stderr.as_bytes()), None, "no server");
    let mut found = Vec::new();
    files(project.path(), &mut found);
    assert!(found.iter().any(|(path, _)| path.contains("receipts")), "no receipt was looked at");
    for (path, bytes) in &found {
        assert_eq!(leaks(bytes), None, "{path}");
    }
    assert_eq!(leaks(server.state()["s3"].to_string().as_bytes()), None, "the record in the bucket");
}

/// A service that says the caller's own credentials back, as they are or as a URL has them, in an error or in the reason
/// of what failed later: no output and no receipt has them.
fn what_a_service_says_back_is_struck() {
    let (project, server) = served().unwrap();
    project.append("permission_set Look {}\ngrant look { to = group.developers, can = permission_set.Look, on = [account.monitoring] }\n").unwrap();
    let env = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)];
    let encoded = TOKEN.replace('=', "%3D");
    let message = format!("{KEY} signed by {SECRET} with {TOKEN} as {encoded}, and cut: {}", &SECRET[..24]);
    let error = |operation: &str, code: &str, message: &str| json!({"operation": operation, "kind": "error", "code": code, "status": 400, "message": message, "count": 1_000});
    let faults = [
        error("sso-admin:CreatePermissionSet", "ValidationException", &message),
        error("sso-admin:CreatePermissionSet", &message, "of the code"),
        json!({"operation": "sso-admin:CreateAccountAssignment", "kind": "fail_async", "reason": message, "count": 1_000}),
        error("s3:PutObject", "InvalidRequest", &message),
        error("sts:GetCallerIdentity", "InvalidClientTokenId", &message),
    ];
    for fault in faults {
        server.mend();
        server.inject(&json!([fault])).unwrap();
        for format in ["text", "json"] {
            let ran = project.run_in(&["apply", "--yes", "--at", AT, "--format", format], &env).unwrap();
            assert_eq!(ran.status, 1, "{fault}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains("a credential, not told"), "{fault}: {}", ran.stderr);
            for text in [&ran.stdout, &ran.stderr] {
                assert_eq!(leaks(text.as_bytes()), None, "{fault}");
                assert!(!text.contains(&encoded) && !text.contains(&SECRET[..24]), "{fault}: {text}");
            }
        }
    }
    let mut found = Vec::new();
    files(project.path(), &mut found);
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("a credential, not told");
    assert!(found.iter().any(|(path, bytes)| path.contains("receipts") && told(bytes)), "no receipt tells of it");
    for (path, bytes) in &found {
        assert_eq!(leaks(bytes), None, "{path}");
    }
}

/// What turns or hides text is spelled out wherever it is printed: what a service says, the normal form, the program of
/// an organization that exists. JSON stays JSON, of the same values.
fn what_turns_the_text_is_spelled_out() {
    const TURNED: &str = "bidi\u{202e}abc\u{2066}\u{200b}\u{e0041}";
    let turns = |text: &str| text.chars().any(|c| TURNED.contains(c) && !c.is_ascii());
    let (project, server) = served().unwrap();
    // A program spells it; as it is, it is refused, and the refusal spells it.
    let main = project.path().join("main.cell");
    let plain = fs::read_to_string(&main).unwrap();
    project.append(&format!("ou bidi {{ name = \"{TURNED}\" }}\n")).unwrap();
    let refused = project.run(&["check"]).unwrap().ended(1).unwrap();
    assert!(!turns(&refused.stderr) && refused.stderr.contains("E0109"), "{}", refused.stderr);
    fs::write(&main, plain).unwrap();
    let spelled: String = TURNED.chars().map(|c| c.escape_unicode().to_string()).collect();
    project.append(&format!("ou bidi {{ name = \"{spelled}\" }}\n")).unwrap();
    let text = project.run(&["expand"]).unwrap().ended(0).unwrap();
    assert!(
        !turns(&text.stdout) && text.stdout.contains(r"bidi\u{202e}abc\u{2066}\u{200b}\u{e0041}"),
        "{}",
        text.stdout
    );
    let json = project.run(&["expand", "--format", "json"]).unwrap().ended(0).unwrap();
    assert!(
        !turns(&json.stdout) && json.stdout.contains(r"bidi\u202eabc\u2066\u200b\udb40\udc41"),
        "{}",
        json.stdout
    );
    let entities = json.json().unwrap()["entities"].clone();
    let unit = entities.as_array().unwrap().iter().find(|entity| entity["address"] == "ou.bidi").unwrap();
    assert_eq!(unit["fields"]["name"], TURNED);
    let message = format!("no {TURNED}");
    server
        .inject(&json!([{"operation": "organizations:CreateOrganizationalUnit", "kind": "error", "code": "InvalidInputException", "status": 400, "message": message, "count": 1_000}]))
        .unwrap();
    for format in ["text", "json"] {
        let ran = project.run(&["apply", "--yes", "--at", AT, "--format", format]).unwrap().ended(1).unwrap();
        assert!(!turns(&ran.stdout) && !turns(&ran.stderr), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("202e"), "{}", ran.stderr);
    }
    let strange = Server::start(None, quick()).unwrap();
    strange.seed(&Seed { ous: vec![TURNED.to_owned()], ..Seed::default() }).unwrap();
    let mut looking = Project::of("").unwrap();
    fs::remove_file(looking.path().join("main.cell")).unwrap();
    looking.endpoint = Some(strange.url());
    let ran = looking.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(0).unwrap();
    let main = fs::read_to_string(looking.path().join("main.cell")).unwrap();
    assert!(!turns(&ran.stdout) && !turns(&ran.stderr) && !turns(&main), "{main}");
    assert!(main.contains(r"bidi\u{202e}abc"), "{main}");
}

/// Names that others chose in the cloud, and the documents they wrote, are shown and steer nothing.
fn names_in_the_cloud_steer_no_terminal() {
    let (project, server) = served().unwrap();
    let document = |sid: &str| json!({"Version": "2012-10-17", "Statement": {"Sid": sid, "Effect": "Deny", "Action": HOSTILE, "Resource": HOSTILE}});
    let seed = Seed {
        groups: vec![HOSTILE.to_owned()],
        accounts: vec![SeedAccount {
            id: Some("999999999999".to_owned()),
            name: HOSTILE.to_owned(),
            email: "evil@acme.example".to_owned(),
            tags: [("team".to_owned(), HOSTILE.to_owned())].into(),
            ..SeedAccount::default()
        }],
        permission_sets: vec![SeedSet {
            name: HOSTILE.to_owned(),
            description: Some(HOSTILE.to_owned()),
            inline_policy: Some(document("a").to_string()),
            ..SeedSet::default()
        }],
        service_control_policies: vec![SeedPolicy {
            name: HOSTILE.to_owned(),
            description: HOSTILE.to_owned(),
            content: document("b").to_string(),
            targets: vec![String::new()],
        }],
        assignments: vec![SeedAssignment {
            permission_set: HOSTILE.to_owned(),
            groups: vec![HOSTILE.to_owned()],
            accounts: vec!["999999999999".to_owned()],
            ..SeedAssignment::default()
        }],
        ..Seed::default()
    };
    server.seed(&seed).unwrap();
    project.append("account evil { account_id = \"999999999999\", ou = ou[\"infrastructure\"] }\n").unwrap();
    let commands: [&[&str]; 8] = [
        &["plan", "--at", AT, "--verbose", "--out", "saved.plan"],
        &["show", "saved.plan"],
        &["lock", "--update"],
        &["review", "--at", AT, "--unmanaged"],
        &["review", "--at", AT, "--unmanaged", "--format", "markdown"],
        &["drift"],
        &["apply", "--yes", "--at", AT, "--verbose"],
        &["registry", "show"],
    ];
    let mut shown = 0;
    for command in commands {
        let ran = project.run(command).unwrap();
        quiet(&ran);
        shown += usize::from(format!("{}{}", ran.stdout, ran.stderr).contains("evil"));
    }
    assert!(shown >= 4, "what is hostile was shown by {shown} commands only");
}

/// Nothing that a terminal obeys, and nothing that turns or hides text, is printed.
fn quiet(ran: &Ran) {
    let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    for text in [&ran.stdout, &ran.stderr] {
        if let Some(at) = text.find(steers) {
            let near: String = text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("`cellc {}` prints {:?} after {near:?}", ran.command, text[at..].chars().next());
        }
    }
}

/// A plan, or a record, of another organization is refused, and nothing is called that changes anything.
fn what_belongs_to_another_organization_is_refused() {
    let (project, _server) = served().unwrap();
    project.append("permission_set Look { managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }\n").unwrap();
    project.plan(&["--out", "saved.plan"]).unwrap();
    let mut other = project.fork().unwrap();
    let strange = Server::start(None, quick()).unwrap();
    let seed = Seed { management_account: Some("111111111111".to_owned()), ..Seed::default() };
    strange.seed(&Seed { buckets: vec!["momento-cell-registry".to_owned()], ..seed }).unwrap();
    other.endpoint = Some(strange.url());
    let ran = other.run(&["apply", "--plan", "saved.plan", "--yes"]).unwrap();
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    let calls = |server: &Server| server.log().unwrap();
    let writes = ["Create", "Update", "Delete", "Put", "Attach", "Move", "Provision"];
    let wrote: Vec<Value> = calls(&strange)
        .into_iter()
        .filter(|call| call["service"] != "s3")
        .filter(|call| writes.iter().any(|word| call["operation"].as_str().unwrap_or_default().starts_with(word)))
        .collect();
    assert_eq!(wrote, [] as [Value; 0]);
}

at_once! {
    nobody_learns_or_slips_in_anything:
    no_credential_is_ever_written,
    what_a_service_says_back_is_struck,
    what_turns_the_text_is_spelled_out,
    names_in_the_cloud_steer_no_terminal,
    what_belongs_to_another_organization_is_refused,
}
