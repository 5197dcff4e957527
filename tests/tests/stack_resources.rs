//! Stacks as resources of plan and apply, end to end: made in accounts that the same apply makes, changed with what
//! changes told, rolled back, killed in the middle, torn down; on the embedded sandbox and on one that is served, with the
//! stock AWS CLI as the other that changes things.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cell_tests::at_once;
use cell_tests::momento::{AT, Project, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{aws, repository};
use serde_json::{Value, json};

const PROGRAM: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
cell alpha { kind = "dev", region = "eu-west-1", expires = 2027-01-31, owner = group.ops }
cell beta { kind = "dev", region = "eu-central-1", expires = 2027-01-31, owner = group.ops }
alarm slow { namespace = "shop", metric = "Latency", above = 5, over = 5m }
alarm errors { namespace = "shop", metric = "Errors", above = 1, over = 5m }
"#;
const STACKS: [&str; 2] = ["stack.cell/alpha", "stack.cell/beta"];
const HIGHER: (&str, &str) = ("above = 5", "above = 10");

/// The program on a server of its own.
fn served() -> (Project, Server) {
    let mut project = Project::of(PROGRAM).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    server.seed(&cell_sandbox::Seed { groups: vec!["ops".to_owned()], ..Default::default() }).unwrap();
    project.endpoint = Some(server.url());
    (project, server)
}

pub(super) fn of_the_form(schema: &str, document: &Value) {
    let path = repository::root().join("spec/schemas").join(schema);
    let schema: Value = serde_json::from_str(&repository::read(&path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{e} at {}", e.instance_path())).take(5).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The ids of the cells' accounts, by the record.
fn accounts(project: &Project) -> BTreeMap<String, String> {
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    of_the_form("record.schema.json", &shown["record"]);
    let resources = shown["record"]["resources"].as_object().unwrap();
    let id = |cell: &str| resources[cell]["id"].as_str().unwrap_or_default().to_owned();
    ["cell.alpha", "cell.beta"].map(|cell| (cell.to_owned(), id(cell))).into_iter().collect()
}

/// Asks CloudFormation of an account and a region by the stock client.
fn ask(server: &Server, account: &str, region: &str, command: &str) -> Result<Value, String> {
    let mut env = aws::environment(&server.url());
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{account}")));
    let command = format!("cloudformation {command} --region {region} --output json");
    Ok(aws::all_as(&env, &[command])?.remove(0))
}

/// Operations that were begun on a stack, by what its events say.
fn begun(server: &Server, account: &str, region: &str, stack: &str) -> Vec<String> {
    let events = ask(server, account, region, &format!("describe-stack-events --stack-name {stack}")).unwrap();
    let all = events["StackEvents"].as_array().unwrap().iter();
    let first =
        all.filter(|event| event["ResourceStatusReason"] == "User Initiated" && event["LogicalResourceId"] == stack);
    first.map(|event| event["ResourceStatus"].as_str().unwrap().to_owned()).rev().collect()
}

/// Create, no-op, update with what changes, no-op, destroy: on the embedded sandbox.
fn a_life_on_the_embedded_sandbox() {
    let project = Project::of(PROGRAM).unwrap();
    let plan = project.plan(&[]).unwrap();
    of_the_form("plan.schema.json", &plan);
    assert!(plan["unapplied"].as_array().unwrap().iter().all(|one| one["kind"] != "alarm"), "{}", plan["unapplied"]);
    let text = project.run(&["plan", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    for words in [
        "cellc-<name> in 2 cells: alpha, beta",
        "AWS::CloudWatch::Alarm: AlarmErrors, AlarmSlow",
        "authority: cell account, for 2 operations (CloudFormation in 2 accounts, under the member role)",
    ] {
        assert!(text.contains(words), "`{words}` is missing:\n{text}");
    }
    let ran = project.apply(&[]).unwrap();
    for words in
        ["stack.cell/alpha: AlarmSlow (AWS::CloudWatch::Alarm) CREATE_COMPLETE", "done deploy_stack stack.cell/beta"]
    {
        assert!(ran.stderr.contains(words), "`{words}` is missing:\n{}", ran.stderr);
    }
    let receipt = project.receipt().unwrap();
    of_the_form("receipt.schema.json", &receipt);
    let deployed =
        receipt["operations"].as_array().unwrap().iter().find(|done| done["do"] == "deploy_stack").unwrap();
    let observed = deployed["observed"].as_str().unwrap();
    assert!(observed.contains("GetTemplate: cellc-alpha in eu-west-1, created, is CREATE_COMPLETE"), "{observed}");
    project.settled(&[]).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();
    exactly(&project.plan(&["--no-refresh"]).unwrap(), &[]).unwrap();

    project.edit(&[HIGHER]).unwrap();
    let text = project.run(&["plan", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    for words in
        ["~ cellc-<name> in 2 cells: alpha, beta", "~ AlarmSlow  AWS::CloudWatch::Alarm", "~ Threshold  5", "→ 10"]
    {
        assert!(text.contains(words), "`{words}` is missing:\n{text}");
    }
    assert!(!text.contains("Errors"), "what stays is not told:\n{text}");
    exactly(&project.plan(&["--only", "cell.beta"]).unwrap(), &["update stack.cell/beta"]).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();

    project.run(&["destroy", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().json().unwrap();
    let left = shown["record"]["resources"].as_object().unwrap();
    assert!(STACKS.iter().all(|stack| !left.contains_key(*stack)), "{left:?}");
}

/// Somebody else changes a stack, and deletes one: it is told apart, and set back.
fn what_the_stock_client_changes_is_found() {
    let (project, server) = served();
    project.apply(&[]).unwrap();
    let accounts = accounts(&project);
    let alpha = &accounts["cell.alpha"];
    let read = ask(&server, alpha, "eu-west-1", "describe-stacks --stack-name cellc-alpha").unwrap();
    assert_eq!(read["Stacks"][0]["Tags"], json!([{"Key": "cellc:address", "Value": "stack.cell/alpha"}]));
    let template = ask(&server, alpha, "eu-west-1", "get-template --stack-name cellc-alpha").unwrap();
    let mut template = template["TemplateBody"].clone();
    template["Resources"]["AlarmSlow"]["Properties"]["Threshold"] = json!(7);
    let file = project.path().join("other.json");
    std::fs::write(&file, template.to_string()).unwrap();
    let update = format!("update-stack --stack-name cellc-alpha --template-body file://{}", file.display());
    ask(&server, alpha, "eu-west-1", &update).unwrap();
    server.advance(Duration::from_secs(5)).unwrap();
    let drift = project.run(&["drift"]).unwrap().ended(2).unwrap().stdout;
    for words in ["changed outside since the last apply", "cellc-alpha", "~ Threshold  7 → 5"] {
        assert!(drift.contains(words), "`{words}` is missing:\n{drift}");
    }
    exactly(&project.plan(&[]).unwrap(), &["update stack.cell/alpha"]).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();

    ask(&server, alpha, "eu-west-1", "delete-stack --stack-name cellc-alpha").unwrap_or_default();
    server.advance(Duration::from_secs(5)).unwrap();
    let plan = project.plan(&[]).unwrap();
    exactly(&plan, &["create stack.cell/alpha"]).unwrap();
    assert_eq!(plan["changes"][0]["drift"], json!(["*"]));
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// A stack of others under a name that is wanted is refused by the plan; one whose record is lost is taken over.
fn whose_a_stack_is_decides() {
    let (project, server) = served();
    project.apply(&[]).unwrap();
    let accounts = accounts(&project);
    let record = project.path().join(".cellc/registry.json");
    let mut lost: Value = serde_json::from_str(&std::fs::read_to_string(&record).unwrap()).unwrap();
    lost["resources"].as_object_mut().unwrap().remove("stack.cell/beta");
    std::fs::write(&record, lost.to_string()).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["adopt stack.cell/beta"]).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();

    std::fs::write(&record, lost.to_string()).unwrap();
    let beta = &accounts["cell.beta"];
    let retag = "update-stack --stack-name cellc-beta --use-previous-template --tags Key=team,Value=other";
    ask(&server, beta, "eu-central-1", retag).unwrap();
    server.advance(Duration::from_secs(5)).unwrap();
    let refused = project.run(&["plan", "--at", AT]).unwrap().ended(1).unwrap();
    refused
        .says(&["E0504", "a stack named `cellc-beta` exists in cell.beta (eu-central-1)", "--except stack.cell/beta"])
        .unwrap();
    exactly(&project.plan(&["--except", "stack.cell/beta"]).unwrap(), &[]).unwrap();
}

/// An update that is taken back is told with its cause and what to do, and the next apply goes on.
fn a_rollback_is_told_and_mended() {
    let (project, server) = served();
    project.apply(&[]).unwrap();
    project.edit(&[HIGHER]).unwrap();
    server
        .inject(&json!([{"operation": "cloudformation:ExecuteChangeSet", "kind": "fail_async", "reason": "no such metric", "count": 1}]))
        .unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    assert!(ran.stdout.contains("UPDATE_ROLLBACK_COMPLETE"), "{}", ran.stdout);
    assert!(ran.stdout.contains("AlarmSlow (AWS::CloudWatch::Alarm): no such metric"), "{}", ran.stdout);
    assert!(ran.stdout.contains("mend the cause and run again"), "{}", ran.stdout);
    let receipt = project.receipt().unwrap();
    let outcomes: Vec<&Value> =
        receipt["operations"].as_array().unwrap().iter().map(|done| &done["outcome"]).collect();
    assert!(outcomes.contains(&&json!("failed")) && outcomes.contains(&&json!("done")), "{receipt}");
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// `kill -9` while a change set is being executed: the next apply follows what goes on, and begins nothing twice.
fn a_run_that_is_killed_in_the_middle_is_taken_up() {
    let (project, server) = served();
    for (call, kind) in
        [("ExecuteChangeSet", "hang_after"), ("CreateChangeSet", "hang_after"), ("ExecuteChangeSet", "hang")]
    {
        server.inject(&json!([{"operation": format!("cloudformation:{call}"), "kind": kind, "count": 1}])).unwrap();
        let mut child = project.start(&["apply", "--yes", "--at", AT]).unwrap();
        let began = Instant::now();
        while server.hanging() == 0 {
            assert!(began.elapsed() < Duration::from_mins(5), "{call} is never called");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().and_then(|()| child.wait()).unwrap();
        server.let_go();
        server.mend();
        project.apply(&[]).unwrap();
        project.settled(&[]).unwrap();
        let accounts = accounts(&project);
        let begun = begun(&server, &accounts["cell.alpha"], "eu-west-1", "cellc-alpha");
        assert_eq!(begun, ["CREATE_IN_PROGRESS"], "killed at {call}, {kind}");
        project.run(&["destroy", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
    }
}

/// A cell is torn down with its stack, and no other; the account is parked after that.
fn a_cell_goes_with_its_stack() {
    let (project, server) = served();
    project.apply(&[]).unwrap();
    let accounts = accounts(&project);
    project.run(&["destroy", "--only", "cell.beta", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
    let log = server.log().unwrap();
    let at = |operation: &str| log.iter().rposition(|call| call["operation"] == operation);
    let (deleted, parked) = (at("DeleteStack"), at("MoveAccount"));
    assert!(deleted.is_some() && deleted < parked, "{deleted:?} {parked:?}");
    assert!(ask(&server, &accounts["cell.beta"], "eu-central-1", "describe-stacks --stack-name cellc-beta").is_err());
    ask(&server, &accounts["cell.alpha"], "eu-west-1", "describe-stacks --stack-name cellc-alpha").unwrap();
}

/// A cell moves to another region, and its former stack cannot be deleted at first: an apply of this cell alone still knows it,
/// and takes it away.
fn a_former_stack_goes_with_its_cell_alone() {
    let (project, server) = served();
    project.apply(&[]).unwrap();
    let alpha = accounts(&project)["cell.alpha"].clone();
    project.edit(&[("region = \"eu-west-1\"", "region = \"eu-west-2\"")]).unwrap();
    server
        .inject(&json!([{"operation": "cloudformation:DeleteStack", "kind": "fail_async", "reason": "in use", "count": 1}]))
        .unwrap();
    project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ask(&server, &alpha, "eu-west-1", "describe-stacks --stack-name cellc-alpha").unwrap();
    let alone = ["--only", "cell.alpha"];
    for only in ["cell.alpha", "stack.cell/alpha"] {
        exactly(&project.plan(&["--only", only]).unwrap(), &["delete stack.cell/alpha:former"]).unwrap();
    }
    exactly(&project.plan(&["--only", "cell.beta"]).unwrap(), &[]).unwrap();
    project.apply(&alone).unwrap();
    assert!(ask(&server, &alpha, "eu-west-1", "describe-stacks --stack-name cellc-alpha").is_err());
    ask(&server, &alpha, "eu-west-2", "describe-stacks --stack-name cellc-alpha").unwrap();
    project.settled(&[]).unwrap();
}

at_once! {
    stacks_are_resources_like_others:
    a_life_on_the_embedded_sandbox,
    what_the_stock_client_changes_is_found,
    whose_a_stack_is_decides,
    a_rollback_is_told_and_mended,
    a_run_that_is_killed_in_the_middle_is_taken_up,
    a_cell_goes_with_its_stack,
    a_former_stack_goes_with_its_cell_alone,
}
