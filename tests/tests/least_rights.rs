//! The policies that `plan --policy` prints, put to the test: a sandbox that enforces identity policies lets planning
//! and applying through under them, and refuses what they lack.

use cell_sandbox::Seed;
use cell_tests::at_once;
use cell_tests::momento::{AT, Project, Registry, exactly};
use cell_tests::sandbox::{Server, quick};
use serde_json::{Value, json};

/// An identity that the sandbox holds to a policy.
const HELD: &str = "AKIAHELDTOAPOLICY";

/// Edits that make, change and take away something of each kind.
const MORE: &str = r#"
scp keep-trail { deny stop { actions = ["cloudtrail:StopLogging"], resources = ["*"] } }
account trails { ou = ou.watch, scps = [scp.keep-trail] }
group readers {}
permission_set Look {
  managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  deny secrets { actions = ["secretsmanager:GetSecretValue"], resources = ["*"] }
}
grant look { to = group.readers, can = permission_set.Look, on = [account.trails, account.monitoring] }
"#;

/// The example on a server of its own, where nothing was applied yet or all was.
fn served(applied: bool) -> Result<(Project, Server), String> {
    let mut project = if applied { Project::applied(Registry::S3)? } else { Project::seeded(Registry::S3)? };
    let server = Server::start(Some(&project.sandbox()), quick())?;
    server.seed(&Seed { groups: vec!["readers".to_owned()], ..Seed::default() })?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

/// Both policies of what a command would do.
fn policies(project: &Project, command: &[&str]) -> Result<Value, String> {
    project.run(&[command, &["--policy", "--at", AT]].concat())?.ended(0)?.json()
}

fn hold(project: &mut Project, server: &Server, policy: &Value) -> Result<(), String> {
    HELD.clone_into(&mut project.key);
    server.configure(|config| _ = config.identities.insert(HELD.to_owned(), policy.clone()))
}

/// A plan under the policy for planning is the plan; an apply under the policy of its own plan goes through, and what
/// it wrote is settled.
fn planned_and_applied_under_them(applied: bool, edit: impl Fn(&Project)) {
    let (mut project, server) = served(applied).unwrap();
    edit(&project);
    let free = project.plan(&[]).unwrap();
    let printed = policies(&project, &["plan", "--out", "beside.json"]).unwrap();
    let beside = std::fs::read_to_string(project.path().join("beside.json")).unwrap();
    assert!(beside.contains(free["plan_id"].as_str().unwrap()), "the plan whose policies these are is written too");
    std::fs::remove_file(project.path().join("beside.json")).unwrap();
    hold(&mut project, &server, &printed["plan"]).unwrap();
    let held = project.plan(&[]).unwrap();
    assert_eq!(free["plan_id"], held["plan_id"]);
    assert!(!held["operations"].as_array().unwrap().is_empty(), "it is a plan of something");
    hold(&mut project, &server, &printed["apply"]).unwrap();
    project.apply(&["--allow", "mass-revoke", "--allow", "role-arn"]).unwrap();
    project.run(&["registry", "publish"]).unwrap().ended(0).unwrap();
    hold(&mut project, &server, &printed["plan"]).unwrap();
    project.settled(&[]).unwrap();
}

fn a_first_apply() {
    planned_and_applied_under_them(false, |_| {});
}

fn edits_of_each_kind() {
    planned_and_applied_under_them(true, |project| {
        project
            .edit(&[(
                "account monitoring { ou = ou[\"infrastructure\"] }",
                "account monitoring { ou = ou.watch }\nou watch {}",
            )])
            .unwrap();
        project.append(MORE).unwrap();
    });
}

fn a_cell_is_torn_down() {
    let (mut project, server) = served(true).unwrap();
    let down = ["destroy", "--only", "cell.dev-ana"];
    let printed: Value = policies(&project, &down).unwrap();
    hold(&mut project, &server, &printed["apply"]).unwrap();
    project.run(&[&down[..], &["--yes", "--at", AT]].concat()).unwrap().ended(0).unwrap();
}

/// Without one of the actions that it writes with, an apply ends with the refusal, and says which action is lacking.
fn what_is_lacking_is_named() {
    let (mut project, server) = served(true).unwrap();
    project.append("permission_set Look { managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }\n").unwrap();
    let printed = policies(&project, &["plan"]).unwrap();
    for lacking in ["sso:CreatePermissionSet", "sso:ListPermissionSets"] {
        let mut policy = printed["apply"].clone();
        policy["Statement"].as_array_mut().unwrap().push(json!({
            "Effect": "Deny", "Action": lacking, "Resource": "*",
        }));
        hold(&mut project, &server, &policy).unwrap();
        let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap();
        assert_ne!(ran.status, 0, "{lacking}: {}", ran.stdout);
        ran.says(&["not authorized to perform", lacking]).unwrap();
    }
}

/// Without the statement that makes its holder an administrator of the cells' accounts, a plan is one of all but the stacks,
/// and says so.
fn a_plan_that_may_enter_no_account() {
    let (mut project, server) = served(true).unwrap();
    let mut policy = policies(&project, &["plan"]).unwrap()["plan"].clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    let all = statements.len();
    statements.retain(|statement| statement["Sid"] != "EnterAccounts");
    assert_eq!(statements.len(), all - 1);
    hold(&mut project, &server, &policy).unwrap();
    let shown = project.run(&["plan", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("8 stacks could not be read, and are left alone"), "{shown}");
    exactly(&project.plan(&[]).unwrap(), &[]).unwrap();
}

at_once! {
    what_the_printed_policies_allow_is_enough:
    a_first_apply,
    edits_of_each_kind,
    a_cell_is_torn_down,
    what_is_lacking_is_named,
    a_plan_that_may_enter_no_account,
}
