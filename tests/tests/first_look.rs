//! The first look at an organization that exists: what is said of what a program cannot say, of what is left to do, and
//! of people whose names are odd; and a sandbox to try it on, without a program.

use std::fs;

use cell_sandbox::{Seed, SeedAccount, SeedAssignment, SeedPolicy, SeedSet};
use cell_tests::momento::Project;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, http};
use serde_json::{Value, json};

/// A group whose name goes over two lines.
const ODD: &str = "new\nline";
const ACCOUNT: &str = "222222222201";

fn organization() -> Seed {
    let account = SeedAccount {
        id: Some(ACCOUNT.to_owned()),
        name: "pay".to_owned(),
        email: "pay@acme.example".to_owned(),
        ..SeedAccount::default()
    };
    let given = |group: &str| SeedAssignment {
        permission_set: "Look".to_owned(),
        groups: vec![group.to_owned()],
        accounts: vec![ACCOUNT.to_owned()],
        ..SeedAssignment::default()
    };
    let perimeter = SeedPolicy {
        name: "Perimeter".to_owned(),
        content: json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*",
            "Action": "s3:*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } }] })
        .to_string(),
        targets: vec![String::new(), ACCOUNT.to_owned()],
        ..SeedPolicy::default()
    };
    Seed {
        accounts: vec![account],
        groups: vec!["ops".to_owned(), "gone".to_owned(), ODD.to_owned()],
        permission_sets: vec![SeedSet { name: "Look".to_owned(), ..SeedSet::default() }],
        assignments: vec![given("ops"), given("gone")],
        resource_control_policies: vec![perimeter],
        ..Seed::default()
    }
}

fn looking(seed: &Seed) -> Result<(Project, Server), String> {
    let server = Server::start(None, quick())?;
    server.seed(seed)?;
    let mut project = Project::of("")?;
    fs::remove_file(project.path().join("main.cell")).map_err(|error| error.to_string())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

fn main_cell(project: &Project) -> String {
    fs::read_to_string(project.path().join("main.cell")).unwrap()
}

/// A resource control policy is in neither the program nor the plan: it is named as left out, everywhere.
fn policies_that_a_program_cannot_say_are_named() {
    let (project, _server) = looking(&organization()).unwrap();
    let ran = project.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(0).unwrap();
    let told = "resource control policy Perimeter: a program says nothing of these; it stays as it is, attached to 2 targets";
    assert!(ran.stderr.contains(&format!("left out: {told}")), "{}", ran.stderr);
    assert!(main_cell(&project).contains(told), "{}", main_cell(&project));
    assert!(ran.stdout.contains("then has nothing to do"), "{}", ran.stdout);
}

/// What the plan will have to do is not called nothing.
fn nothing_to_do_is_said_only_where_it_is_so() {
    let (project, server) = looking(&organization()).unwrap();
    delete_group(&server, "gone");
    let ran = project.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(0).unwrap();
    assert!(ran.stderr.contains("not as it is:"), "{}", ran.stderr);
    assert!(ran.stdout.contains("then has 1 change to make"), "{}", ran.stdout);
    assert!(!main_cell(&project).contains("nothing to do"), "{}", main_cell(&project));
    project.run(&["adopt", "--all", "--yes"]).unwrap().ended(0).unwrap();
    let plan = project.run(&["plan"]).unwrap().ended(0).unwrap();
    assert!(plan.stdout.contains("1 to delete"), "{}", plan.stdout);
    // It was there before anything was taken over: nobody changed it.
    let said = format!("{}{}", plan.stdout, plan.stderr);
    assert!(said.contains("there, and not made by cellc") && !said.contains("since the last apply"), "{said}");
}

fn delete_group(server: &Server, name: &str) {
    let store = server.state()["sso"]["instance"]["store"].as_str().map(str::to_owned);
    let store = store.unwrap_or_else(|| {
        let all = aws::aws(&server.url(), "sso-admin list-instances").unwrap();
        all["Instances"][0]["IdentityStoreId"].as_str().unwrap().to_owned()
    });
    let groups = aws::aws(&server.url(), &format!("identitystore list-groups --identity-store-id {store}")).unwrap();
    let found = groups["Groups"].as_array().unwrap().iter().find(|group| group["DisplayName"] == name).unwrap();
    let id = found["GroupId"].as_str().unwrap();
    aws::aws(&server.url(), &format!("identitystore delete-group --identity-store-id {store} --group-id {id}"))
        .unwrap();
}

/// Who is in the directory and not in the program has one name in the plan's access and in its review.
fn an_odd_name_is_shown_one_way() {
    let seed = Seed { assignments: vec![], ..organization() };
    let (project, server) = looking(&seed).unwrap();
    project.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(0).unwrap();
    project.run(&["adopt", "--all", "--yes"]).unwrap().ended(0).unwrap();
    project
        .append("permission_set Own { allow look { actions = [\"s3:GetObject\"], resources = [\"*\"] } }\n")
        .unwrap();
    project.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    let more = SeedAssignment {
        permission_set: "Own".to_owned(),
        groups: vec![ODD.to_owned()],
        accounts: vec![ACCOUNT.to_owned()],
        ..SeedAssignment::default()
    };
    server.seed(&Seed { assignments: vec![more], ..Seed::default() }).unwrap();
    let plan = project.run(&["plan", "--verbose"]).unwrap().ended(0).unwrap().stdout;
    assert!(plan.contains(r#""new\u{a}line" loses Own"#), "{plan}");
    let json = project.run(&["plan", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    let names: Vec<&Value> =
        json["review"]["principals"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, [ODD]);
}

/// A sandbox of its own, with what is sent to it and nothing else.
fn a_sandbox_is_served_without_a_program() {
    let project = Project::of("").unwrap();
    fs::remove_file(project.path().join("main.cell")).unwrap();
    let mut child = project.spawn(&["sandbox", "serve", "--format", "json"]).unwrap();
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let url = serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned();
    let seed = serde_json::to_string(&organization()).unwrap();
    let (status, said) = http::request(&url, "POST", "/_sandbox/seed", &seed).unwrap();
    assert_eq!(status, 200, "{said}");
    let mut other = Project::of("").unwrap();
    fs::remove_file(other.path().join("main.cell")).unwrap();
    other.endpoint = Some(url);
    other.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(0).unwrap();
    assert!(main_cell(&other).contains("permission_set Look"), "{}", main_cell(&other));
    child.kill().unwrap();
    child.wait().unwrap();
    let nowhere = project.run(&["sandbox", "serve", "no-such-folder"]).unwrap();
    assert_eq!(nowhere.status, 1, "{}", nowhere.stderr);
}

at_once! {
    an_organization_is_looked_at_for_the_first_time:
    policies_that_a_program_cannot_say_are_named,
    nothing_to_do_is_said_only_where_it_is_so,
    an_odd_name_is_shown_one_way,
    a_sandbox_is_served_without_a_program,
}
