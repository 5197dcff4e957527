//! Rollouts on emulated AWSs that are not ours, by the command as users run it, read back by the stock AWS CLI: on moto, which makes
//! accounts and their roles; on ministack, whose CloudWatch has the alarms that take a release back.

use std::collections::BTreeMap;

use cell_tests::ministack::Ministack;
use cell_tests::momento::Project;
use cell_tests::moto::{MANAGEMENT, Moto};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws};
use serde_json::Value;

/// The cells, each with its region and a wave of its own.
const CELLS: [(&str, &str); 3] = [("alpha", "us-east-1"), ("beta", "eu-west-1"), ("gamma", "eu-west-1")];
/// Their accounts where somebody else has made them.
const ACCOUNTS: [&str; 3] = ["222222222201", "222222222202", "222222222203"];
const TEMPLATE: &str = "Parameters:\n  CellcVersion: {Type: String}\nResources:\n  Queue:\n    Type: AWS::SQS::Queue\n    \
    Properties: {QueueName: !Sub 'q-${CellcVersion}'}\n";

/// Three waves; `account` says whose a cell's account is, `wave` what each wave waits for.
fn program(management: &str, account: impl Fn(usize) -> String, wave: impl Fn(usize) -> &'static str) -> String {
    let mut text = format!(
        "org acme {{ management_account = \"{management}\", home_region = \"us-east-1\" }}\n\
         alarm errors {{ namespace = \"shop\", metric = \"Errors\", above = 1, over = 1m, missing = \"notBreaching\" }}\n"
    );
    for (at, (cell, region)) in CELLS.iter().enumerate() {
        let account = account(at);
        text += &format!("cell {cell} {{ kind = \"prod\", protect = false, region = \"{region}\", {account} }}\n");
    }
    text += "rollout steady {\n";
    for (at, (cell, _)) in CELLS.iter().enumerate() {
        text += &format!("  wave w{at} {{ on = [cell.{cell}], {} }}\n", wave(at));
    }
    text + "}\ncomponent api {\n  repo = \"https://git.acme.example/api\"\n  deploy cloudformation { template = file(\"api.yaml\") }\n  \
            rollout = rollout.steady\n}\n"
}

fn project(text: &str) -> Project {
    let project = Project::of(text).unwrap();
    project.put("api.yaml", TEMPLATE).unwrap();
    project
}

/// The version of the component's stack in each cell, as the stock client reads it in the cell's account and region.
fn versions(read: impl Fn(usize, &str) -> Value) -> BTreeMap<&'static str, String> {
    let of = |(at, (cell, region)): (usize, &(&'static str, &str))| {
        let command =
            format!("cloudformation describe-stacks --stack-name api-{cell} --region {region} --output json");
        let stack = &read(at, &command)["Stacks"][0];
        let parameters = stack["Parameters"].as_array().unwrap();
        let version = parameters.iter().find(|one| one["ParameterKey"] == "CellcVersion").unwrap();
        let tags = stack["Tags"].as_array().unwrap();
        assert!(
            tags.iter().any(|tag| tag["Key"] == "cellc:version" && tag["Value"] == version["ParameterValue"]),
            "{stack}"
        );
        (*cell, version["ParameterValue"].as_str().unwrap().to_owned())
    };
    CELLS.iter().enumerate().map(of).collect()
}

fn these(all: [&str; 3]) -> BTreeMap<&'static str, String> {
    CELLS.iter().map(|(cell, _)| *cell).zip(all.map(str::to_owned)).collect()
}

/// In accounts that an apply has made there: a release comes by waves, a second one reaches the first wave, is ended, and goes back.
fn a_release_comes_by_waves_and_goes_back_on_moto() {
    let moto = Moto::completed().unwrap();
    aws::aws(moto.url(), "organizations create-organization --feature-set ALL").unwrap();
    let account = |at: usize| format!("email = \"{}@acme.example\"", CELLS[at].0);
    // moto has no CBOR, which the SDK speaks with CloudWatch: no wave names an alarm.
    let mut project =
        project(&program(MANAGEMENT, account, |at| if at == 1 { "bake = 1s, approval = true" } else { "bake = 1s" }));
    project.endpoint = Some(moto.url().to_owned());
    project.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    let keys: Vec<Vec<(String, String)>> = CELLS
        .iter()
        .map(|(cell, _)| {
            let account = shown["record"]["resources"][format!("cell.{cell}")]["id"].as_str().unwrap();
            aws::as_role(&aws::environment(moto.url()), account, "OrganizationAccountAccessRole").unwrap()
        })
        .collect();
    let read = |at: usize, command: &str| aws::all_as(&keys[at], &[command.to_owned()]).unwrap().remove(0);

    let start = |version: &str| project.run(&["rollout", "start", "api", version, "--no-wait"]).unwrap();
    let ran = start("v1").ended(1).unwrap();
    assert_eq!(ran.stdout, "component.api v1: left waiting for approval\n", "{}", ran.stderr);
    project.run(&["rollout", "approve", "api"]).unwrap().ended(0).unwrap();
    let ran = project.run(&["rollout", "run"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.stdout, "component.api v1: done\n", "{}", ran.stderr);
    assert_eq!(versions(read), these(["v1", "v1", "v1"]));
    project.run(&["drift"]).unwrap().ended(0).unwrap();

    let ran = start("v2").ended(1).unwrap();
    assert_eq!(ran.stdout, "component.api v2: left waiting for approval\n", "{}", ran.stderr);
    assert_eq!(versions(read), these(["v2", "v1", "v1"]));
    project.run(&["rollout", "abort", "api"]).unwrap().ended(0).unwrap();
    let ran = project.run(&["rollout", "run"]).unwrap().ended(1).unwrap();
    assert!(ran.stdout.starts_with("component.api v2: rolled back"), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(versions(read), these(["v1", "v1", "v1"]), "{}\n{}", ran.stdout, ran.stderr);
    project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
}

/// An alarm of ministack's CloudWatch goes off in the second wave: what was reached has the former version again, by its own
/// CloudFormation, and the third wave never had another. Who is in the organization the sandbox says, which the apply was made on.
fn an_alarm_takes_a_release_back_on_ministack() {
    let account = |at: usize| format!("account_id = \"{}\"", ACCOUNTS[at]);
    let short = |_| "bake = 1s, alarms = [alarm.errors]";
    let mut project = project(&program("111111111111", account, short));
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let seed = |(cell, id): (&(&str, &str), &str)| cell_sandbox::SeedAccount {
        id: Some(id.to_owned()),
        name: cell.0.to_owned(),
        email: format!("{}@acme.example", cell.0),
        ..cell_sandbox::SeedAccount::default()
    };
    let accounts = CELLS.iter().zip(ACCOUNTS).map(seed).collect();
    let management_account = Some("111111111111".to_owned());
    server.seed(&cell_sandbox::Seed { accounts, management_account, ..Default::default() }).unwrap();
    project.endpoint = Some(server.url());
    project.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();

    let ministack = Ministack::open("111111111111", "cloudformation,cloudwatch,iam,sqs,sts", &[]).unwrap();
    project.endpoint = Some(ministack.url().to_owned());
    "111111111111".clone_into(&mut project.key);
    let read = |at: usize, command: &str| ministack.account(ACCOUNTS[at])(command).unwrap();
    for (at, (cell, region)) in CELLS.iter().enumerate() {
        // As the cell's own stack has it on AWS.
        let metric = format!("--namespace shop --metric-name Errors --dimensions Name=cell,Value={cell}");
        let rule = "--statistic Sum --period 60 --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanThreshold";
        read(
            at,
            &format!(
                "cloudwatch put-metric-alarm --alarm-name errors-{cell} {metric} {rule} --treat-missing-data notBreaching --region {region}"
            ),
        );
        read(
            at,
            &format!(
                "cloudwatch set-alarm-state --alarm-name errors-{cell} --state-value OK --state-reason quiet --region {region}"
            ),
        );
    }
    let ran = project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.stdout, "component.api v1: done\n", "{}", ran.stderr);
    assert_eq!(versions(read), these(["v1", "v1", "v1"]));

    // The second wave bakes for as long as it takes to look at it.
    let patient = |at| if at == 1 { "bake = 1h, alarms = [alarm.errors]" } else { short(at) };
    project.put("main.cell", &program("111111111111", account, patient)).unwrap();
    let alarm = || {
        let off = "--state-value ALARM --state-reason errors --region eu-west-1";
        read(1, &format!("cloudwatch set-alarm-state --alarm-name errors-beta {off}"));
    };
    let ran = project.run_until(&["rollout", "start", "api", "v2"], "cell.beta baking", alarm).unwrap();
    let why = "component.api v2: rolled back: alarm.errors went off in cell.beta\n";
    assert!(ran.status == 1 && ran.stdout.starts_with(why), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(versions(read), these(["v1", "v1", "v1"]));
    assert!(
        ran.stderr.contains("cell.alpha rolled back") && !ran.stderr.contains("cell.gamma deploying"),
        "{}",
        ran.stderr
    );

    // What is off already, and what is not there, is told before anything is begun.
    read(2, &format!("cloudwatch delete-alarms --alarm-names errors-gamma --region {}", CELLS[2].1));
    let ran = project.run(&["rollout", "start", "api", "v2"]).unwrap().ended(1).unwrap();
    let off = "warning[W0902]: alarm.errors in cell.beta: is off already: errors";
    let missing =
        format!("warning[W0902]: alarm.errors in cell.gamma: there is no alarm `errors-gamma` in {}", CELLS[2].1);
    let at = |words: &str| ran.stderr.find(words).unwrap_or_else(|| panic!("{words}\n{}", ran.stderr));
    assert!(at(off) < at("cell.alpha deploying") && at(&missing) < at("cell.alpha deploying"), "{}", ran.stderr);
    assert_eq!(versions(read), these(["v1", "v1", "v1"]));
}

at_once! {
    rollouts_on_others:
    a_release_comes_by_waves_and_goes_back_on_moto,
    an_alarm_takes_a_release_back_on_ministack,
}
