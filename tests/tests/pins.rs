//! Policies that no program writes, as `cell.lock` pins them: fetched, held to their digests, fetched again when AWS or
//! others change them.

use std::collections::BTreeMap;
use std::fs;

use cell_sandbox::{AwsPolicy, Seed, SeedPolicy};
use cell_tests::at_once;
use cell_tests::momento::{AT, Project};
use cell_tests::sandbox::{Server, quick};
use serde_json::{Value, json};

const PROGRAM: &str = r#"edition "2026"

org acme {
  management_account = "111111111111"
  identity_center = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
  home_region = "us-west-2"
  scps = [scp.keep-trail]
}
account logs { account_id = "444444444444", email = "aws+logs@acme.example" }
account tools { account_id = "555555555555", email = "aws+tools@acme.example" }
scp keep-trail {
  deny stop {
    actions = ["cloudtrail:StopLogging"]
    resources = ["*"]
  }
}
group auditors {}
permission_set Audit {
  managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/Billing"]
  boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
}
grant audit {
  to = group.auditors
  can = permission_set.Audit
  on = [account.logs]
}
"#;
const WITHOUT_BILLING: (&str, &str) = (", \"arn:aws:iam::aws:policy/job-function/Billing\"", "");
const READ: &str = "policies/aws/ReadOnlyAccess.json";
const BILLING: &str = "policies/aws/job-function/Billing.json";
const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}}"#;

/// The program applied on a server of its own, where somebody else attached a policy to the root and to one account.
fn applied() -> Result<(Project, Server), String> {
    let mut project = Project::of(PROGRAM)?;
    // A first look fills the sandbox from the program.
    project.plan(&[])?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    project.apply(&[])?;
    let targets = vec![String::new(), "444444444444".to_owned()];
    let foreign =
        SeedPolicy { name: "keep buckets".to_owned(), content: DENY.to_owned(), targets, ..SeedPolicy::default() };
    server.seed(&Seed { service_control_policies: vec![foreign], ..Seed::default() })?;
    Ok((project, server))
}

fn update(project: &Project) -> String {
    project.run(&["lock", "--update"]).unwrap().ended(0).unwrap().stdout
}

fn lock(project: &Project) -> Value {
    serde_json::from_str(&read(project, "cell.lock")).unwrap()
}

fn read(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path().join(path)).unwrap()
}

/// The lock and everything below `policies/`.
fn written(project: &Project) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec!["cell.lock".to_owned(), "policies".to_owned()];
    while let Some(path) = waiting.pop() {
        let real = project.path().join(&path);
        if real.is_file() {
            found.insert(path, fs::read_to_string(real).unwrap());
        } else if let Ok(entries) = fs::read_dir(real) {
            waiting.extend(entries.flatten().map(|entry| format!("{path}/{}", entry.file_name().to_string_lossy())));
        }
    }
    found
}

/// What is pinned: the policies that are named, as files that people can read, and what others attached; not what the
/// program has itself, nor AWS's own.
fn what_the_program_does_not_write_is_pinned() {
    let (project, server) = applied().unwrap();
    let before = server.called("iam:GetPolicyVersion");
    let said = update(&project);
    assert_eq!(server.called("iam:GetPolicyVersion") - before, 3, "one for each policy");
    let pinned = lock(&project);
    assert_eq!(pinned["format_version"], "1.2");
    let policies: Vec<&str> = pinned["policies"].as_object().unwrap().keys().map(String::as_str).collect();
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    assert_eq!(policies, [arn("PowerUserAccess"), arn("ReadOnlyAccess"), arn("job-function/Billing")]);
    let version = pinned["policies"][arn("ReadOnlyAccess")]["version"].as_str().unwrap();
    assert!(said.contains(&format!("policy ReadOnlyAccess: pinned at {version} of 20")), "{said}");
    assert!(
        read(&project, READ).starts_with("{\n  \"Statement\": [\n    {\n      \"Action\": ["),
        "{}",
        read(&project, READ)
    );
    let foreign: Vec<&Value> = pinned["organization"]["policies"].as_object().unwrap().values().collect();
    assert_eq!(foreign.len(), 1, "{foreign:?}");
    assert_eq!(
        (&foreign[0]["name"], &foreign[0]["attached"]),
        (&json!("keep buckets"), &json!(["account.logs", "root"]))
    );
    assert!(
        said.contains("attached to account.logs, root\n") && said.contains("cell.lock: 4 policies, organization o-"),
        "{said}"
    );
    let document: Value = serde_json::from_str(&read(&project, foreign[0]["file"].as_str().unwrap())).unwrap();
    assert_eq!(document, serde_json::from_str::<Value>(DENY).unwrap());

    // Again, and nothing is said and nothing is written.
    let all = written(&project);
    assert_eq!(update(&project), "");
    assert_eq!(written(&project), all);
    assert_eq!(all.len(), 5, "{:?}", all.keys());
}

/// Resource control policies are pinned beside the service control policies, and bind in every answer.
fn resource_control_policies_are_pinned_and_bind() {
    let (project, server) = applied().unwrap();
    update(&project);
    let ask = ["can", "group.auditors", "s3:GetObject"];
    let before = project.run_without_credentials(&ask).unwrap().ended(0).unwrap();
    assert!(before.stdout.starts_with("group.auditors can "), "{}", before.stdout);
    assert!(!before.stdout.contains("aws:ResourceAccount"), "{}", before.stdout);
    let keep = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    });
    let limit = SeedPolicy {
        name: "perimeter".to_owned(),
        content: keep.to_string(),
        targets: vec![String::new()],
        ..SeedPolicy::default()
    };
    server.seed(&Seed { resource_control_policies: vec![limit], ..Seed::default() }).unwrap();
    let said = update(&project);
    let pinned = lock(&project);
    let limits = pinned["organization"]["resource_policies"].as_object().unwrap();
    let (id, limit) = limits.iter().next().unwrap();
    assert!(
        said.contains(&format!("resource control policy `perimeter` ({id}): pinned, attached to root\n")),
        "{said}"
    );
    assert_eq!(pinned["organization"]["policies"].as_object().unwrap().len(), 1, "{pinned}");
    assert_eq!(limits.len(), 1, "{pinned}");
    let file = read(&project, limit["file"].as_str().unwrap());
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), keep);
    assert_eq!(update(&project), "", "again, and nothing is said");

    let answer = project.run_without_credentials(&ask).unwrap().ended(0).unwrap();
    assert!(answer.stdout.contains("aws:ResourceAccount is * except"), "{}", answer.stdout);
    let own = [&ask[..], &["--context", "aws:ResourceAccount=444444444444"]].concat();
    let answer = project.run_without_credentials(&own).unwrap();
    assert!(answer.stdout.starts_with("group.auditors cannot "), "{}", answer.stdout);
    assert!(answer.stdout.contains("perimeter"), "{}", answer.stdout);
}

/// A document that somebody changed is refused by every command, offline, until it is fetched again.
fn a_document_that_was_tampered_with_is_refused() {
    let (project, _server) = applied().unwrap();
    update(&project);
    let offline = project.run_without_credentials(&["lock"]).unwrap().ended(0).unwrap();
    assert!(offline.stdout.starts_with("cell.lock: 4 policies, organization o-"), "{}", offline.stdout);
    let good = read(&project, READ);
    project.put(READ, &good.replace("s3:Get*", "s3:*")).unwrap();
    for command in ["lock", "check", "expand"] {
        let ran = project.run_without_credentials(&[command]).unwrap().ended(1).unwrap();
        assert_eq!(ran.stdout, "", "{command}");
        ran.says(&["E0220", READ, "it is not as `cell.lock` pins it", "cellc lock --update"]).unwrap();
    }
    project.run(&["plan", "--at", AT]).unwrap().ended(1).unwrap().says(&["E0220"]).unwrap();
    fs::remove_file(project.path().join(BILLING)).unwrap();
    project.run(&["check"]).unwrap().ended(1).unwrap().says(&["E0220", BILLING, "there is no such file"]).unwrap();
    let said = update(&project);
    assert!(said.contains(&format!("policy ReadOnlyAccess: {READ} was not as pinned, and is restored")), "{said}");
    assert_eq!(read(&project, READ), good);
    project.run(&["check"]).unwrap().ended(0).unwrap();
}

/// A new version of AWS's, a policy that is no longer named, one that others detached: each is told, and a diff.
fn changes_of_others_are_told() {
    let (project, server) = applied().unwrap();
    update(&project);
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    let policy = AwsPolicy {
        version: "v900".to_owned(),
        created: "2015-02-06T18:39:48Z".to_owned(),
        updated: "2026-12-24T10:00:00Z".to_owned(),
        reduced: false,
        document: document.clone(),
    };
    server.configure(|config| _ = config.aws_policies.insert("ReadOnlyAccess".to_owned(), policy)).unwrap();
    project.edit(&[WITHOUT_BILLING]).unwrap();
    let former = lock(&project)["policies"]["arn:aws:iam::aws:policy/ReadOnlyAccess"]["version"].clone();
    let ran = project.run(&["lock", "--update", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    let told: Vec<(&str, &str)> = ran["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["action"].as_str().unwrap(), change["message"].as_str().unwrap()))
        .collect();
    let newer = format!("{} → v900 of 2026-12-24", former.as_str().unwrap());
    assert_eq!(told, [("change", newer.as_str()), ("drop", "no longer pinned")]);
    assert_eq!(serde_json::from_str::<Value>(&read(&project, READ)).unwrap(), document);
    assert!(!project.path().join("policies/aws/job-function").exists(), "the file and its folder are gone");
    assert_eq!(update(&project), "");
}

/// Nothing is written when something cannot be had; and what is pinned changes no least-privilege policy.
fn an_update_is_whole_or_not_at_all() {
    let (project, server) = applied().unwrap();
    let policies = project.run(&["plan", "--policy", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    let mut without = project.fork().unwrap();
    without.endpoint = None;
    without
        .run_without_credentials(&["lock", "--update"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["E0511", "--cloud sandbox"])
        .unwrap();
    assert_eq!(written(&without), BTreeMap::new());
    without.run_without_credentials(&["lock", "--update", "--no-refresh"]).unwrap().ended(0).unwrap();
    assert_eq!(written(&without), BTreeMap::new());

    server.inject(&json!([{"operation": "organizations:ListTargetsForPolicy", "kind": "error", "code": "AccessDeniedException"}])).unwrap();
    project.run(&["lock", "--update"]).unwrap().ended(1).unwrap().says(&["E0510"]).unwrap();
    server.mend();
    assert_eq!(written(&project), BTreeMap::new());
    project.edit(&[("policy/ReadOnlyAccess", "policy/ReadOnlyAcces")]).unwrap();
    let ran = project.run(&["lock", "--update"]).unwrap().ended(1).unwrap();
    ran.says(&[
        "E0516",
        "AWS has no managed policy arn:aws:iam::aws:policy/ReadOnlyAcces",
        "permission_set.Audit names it",
    ])
    .unwrap();
    assert_eq!(written(&project), BTreeMap::new());

    project.edit(&[("policy/ReadOnlyAcces\"", "policy/ReadOnlyAccess\"")]).unwrap();
    update(&project);
    assert_eq!(project.run(&["plan", "--policy", "--at", AT]).unwrap().ended(0).unwrap().stdout, policies);
}

/// The embedded sandbox answers, too; what it has no document of is left open and said to be.
fn the_embedded_sandbox_pins_what_it_knows() {
    let project = Project::of(PROGRAM).unwrap();
    project.edit(&[("job-function/Billing", "AmazonSQSReadOnlyAccess")]).unwrap();
    let ran = project.run(&["lock", "--update"]).unwrap().ended(0).unwrap();
    assert!(ran.stdout.contains("cell.lock: 2 policies, organization o-"), "{}", ran.stdout);
    ran.says(&["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess is not pinned: this sandbox has no document of it"])
        .unwrap();
    assert_eq!(lock(&project)["organization"]["policies"], json!({}));
}

at_once! {
    policies_of_others_are_pinned:
    what_the_program_does_not_write_is_pinned,
    a_document_that_was_tampered_with_is_refused,
    changes_of_others_are_told,
    resource_control_policies_are_pinned_and_bind,
    an_update_is_whole_or_not_at_all,
    the_embedded_sandbox_pins_what_it_knows,
}
