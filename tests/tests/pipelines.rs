//! `cellc pipelines`: its templates before judges and emulators that are not ours.

use std::fs;
use std::path::PathBuf;

use cell_eval::rules::regions::BUDGETS;
use cell_tests::binary::cellc;
use cell_tests::ministack::Ministack;
use cell_tests::moto::{MANAGEMENT, Moto};
use cell_tests::{aws, failures, report, repository, templates};
use serde_json::{Value, json};

/// Everything that a stack may hold, in accounts that are known: emulators make none by themselves.
pub(super) const PROGRAM: &str = r#"
org acme { home_region = "us-west-2" }
group ops {}
account deployment { account_id = "999999999991" }
account monitoring { account_id = "999999999992" }
account images { account_id = "999999999993" }
alarm errors { namespace = "shop", ratio { errors = "Errors", requests = "Requests" }, above = 1%, over = 1m }
alarm slow { namespace = "shop", metric = "Latency", statistic = "p99", above = 250, over = 2m, min_requests = 5 }
cell alpha {
  kind = "alpha"
  region = "us-west-2"
  account_id = "222222222221"
  budget { monthly = 100usd, alert_at = [80%, 100%], notify = ["ops@acme.example"] }
  endpoints { api = "api.alpha.acme.example" }
  labels { zone = "Z0123456789ABC" }
}
for name, id in { "one" = "222222222222", "two" = "222222222223", "three" = "222222222224" } {
  cell "\(name)" { kind = "prod", owner = group.ops, region = "eu-west-1", account_id = id }
}
rollout steady {
  alarms = [alarm.errors]
  window { days = ["mon", "tue", "wed", "thu"], from = 09:00, to = 16:00, zone = "Europe/Berlin" }
  wave alpha { on = cells where .kind == "alpha", bake = 1h, alarms = [alarm.slow] }
  wave prod { on = cells where .kind == "prod", bake = 12h, parallel = 2, one_box = true, min_requests = 100, approval = true }
}
component shop {
  repo = "https://git.acme.example/acme/shop"
  owner = group.ops
  rollout = rollout.steady
  artifact ecr { repository = "acme/shop", account = account.images }
  deploy cloudformation { template = "infra/shop.yaml" }
}
component jar {
  repo = "https://git.acme.example/acme/jar"
  rollout = rollout.steady
  artifact jar { bucket = "acme-jars", key = "jar.jar", account = account.images }
  deploy make { target = "go" }
}
outbound out {
  from = cells
  to vpc_endpoint { service = "ecr.api" }
  to assume_role { arn = "arn:aws:iam::\(account.images.account_id):role/reader" }
}
"#;

/// A folder with the program.
fn program() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.cell"), PROGRAM).unwrap();
    folder
}

/// Programs that are there, and what this suite has.
fn programs() -> Vec<PathBuf> {
    let mut all = repository::examples();
    all.extend(
        ["hello", "momento", "fleet300"].map(|name| repository::root().join(format!("tests/cases/good/{name}.cell"))),
    );
    all
}

#[test]
fn cfn_lint_finds_nothing() {
    let own = program();
    let mut all = programs();
    all.push(own.path().to_owned());
    let mut templates_seen = 0;
    let failed = failures(&all, |path| {
        let document = templates::document(path)?;
        let found = templates::lint(templates::stacks(&document))?;
        if found.is_empty() { Ok(()) } else { Err(format!("{}:\n{}", path.display(), found.join("\n"))) }
    });
    for path in &all {
        templates_seen += templates::stacks(&templates::document(path).unwrap()).len();
    }
    assert!(templates_seen > 300, "{templates_seen}");
    report(all.len(), &failed);
}

/// A program with a cell and its budget in each of these regions.
fn in_regions(regions: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cell = |(at, region): (usize, &&str)| {
        format!(
            "cell c{at:02} {{ kind = \"alpha\", region = \"{region}\", account_id = \"2222222222{at:02}\", \
             budget {{ monthly = 100usd, alert_at = [80%], notify = [\"ops@acme.example\"] }} }}\n"
        )
    };
    let cells: String = regions.iter().enumerate().map(cell).collect();
    let alarm = "alarm slow { namespace = \"shop\", metric = \"Latency\", above = 250, over = 2m }\n";
    let program = format!("org acme {{ home_region = \"us-west-2\" }}\ngroup ops {{}}\n{alarm}{cells}");
    fs::write(folder.path().join("main.cell"), program).unwrap();
    folder
}

#[test]
fn budgets_are_where_cloudformation_has_them_as_cfn_lint_knows() {
    let mut has = templates::regions_with("AWS::Budgets::Budget").unwrap();
    has.sort();
    assert_eq!(has, BUDGETS);
    // Both sorts of region, and no judge that finds nothing in anything.
    let folder = in_regions(&["eu-west-1", "eu-north-1", "ap-southeast-3", "ca-west-1"]);
    let document = templates::document(folder.path()).unwrap();
    let stacks = templates::stacks(&document);
    let told: Vec<(&str, &str)> = stacks
        .iter()
        .map(|stack| (stack["address"].as_str().unwrap(), stack["region"].as_str().unwrap()))
        .filter(|(address, _)| address.starts_with("stack.budget/"))
        .collect();
    let east = "us-east-1";
    assert_eq!(told, [("stack.budget/c01", east), ("stack.budget/c02", east), ("stack.budget/c03", east)]);
    assert_eq!(templates::lint(stacks).unwrap(), [""; 0]);
    let mut wrong = templates::stack(&document, "stack.budget/c01").unwrap().clone();
    wrong["region"] = json!("eu-north-1");
    let found = templates::lint(&[wrong]).unwrap();
    assert!(found.len() == 1 && found[0].contains("AWS::Budgets::Budget"), "{found:?}");
}

#[test]
fn asl_validator_finds_nothing_and_would_find_something() {
    let own = program();
    let mut all = programs();
    all.push(own.path().to_owned());
    let documents: Vec<Value> = all.iter().map(|path| templates::document(path).unwrap()).collect();
    let machines: Vec<(String, Value)> =
        documents.iter().flat_map(templates::stacks).flat_map(templates::machines).collect();
    assert!(machines.len() >= 4, "{}", machines.len());
    assert_eq!(templates::judged(&machines).unwrap(), [""; 0]);
    // A judge that says nothing of a broken one would judge nothing.
    let (name, mut broken) = machines.into_iter().next().unwrap();
    broken["StartAt"] = json!("Nowhere");
    broken["States"]["Passed"]["Type"] = json!("Pause");
    assert_eq!(templates::judged(&[(name, broken)]).unwrap().len(), 1);
}

#[test]
fn templates_are_printed_and_written_alike() {
    let own = program();
    let path = own.path().to_str().unwrap();
    let folder = own.path().join("out");
    let output = cellc(own.path(), &["pipelines", path, "--out", folder.to_str().unwrap()], &[]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document = templates::document(own.path()).unwrap();
    for stack in templates::stacks(&document) {
        let file = fs::read_to_string(folder.join(stack["file"].as_str().unwrap())).unwrap();
        assert_eq!(file.len() as u64, stack["bytes"].as_u64().unwrap());
        assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), stack["template"]);
    }
    let printed = cellc(own.path(), &["pipelines", path], &[]).unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.starts_with("# stack.cellc: cellc-pipelines in 999999999991, us-west-2\n{"), "{printed}");
}

#[test]
fn what_is_left_out_is_said_and_what_is_refused_fails() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.cell"), PROGRAM.replace("bake = 1h", "bake = 8d")).unwrap();
    let path = folder.path().to_str().unwrap();
    let output = cellc(folder.path(), &["pipelines", path], &[]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stack.pipelines/jar and 1 more: wave alpha bakes for 7 days or more"), "{said}");
}

/// Text and references of a template, filled in as CloudFormation would, as far as pipelines have them.
fn filled(value: &Value, parameters: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.len() == 1 => {
            let (name, inner) = fields.iter().next().unwrap();
            match name.as_str() {
                "Ref" => {
                    let parameter = &parameters[inner.as_str().unwrap()]["Default"];
                    if parameter.is_string() { parameter.clone() } else { inner.clone() }
                }
                "Fn::GetAtt" => json!(format!("arn:aws:iam::{MANAGEMENT}:role/{}", inner[0].as_str().unwrap())),
                "Fn::Sub" if inner.is_string() => {
                    let text = inner.as_str().unwrap().replace("${AWS::AccountId}", MANAGEMENT);
                    json!(text.replace("${AWS::Region}", "us-west-2").replace("${AWS::Partition}", "aws"))
                }
                _ => Value::Object(
                    fields.iter().map(|(name, inner)| (name.clone(), filled(inner, parameters))).collect(),
                ),
            }
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, inner)| (name.clone(), filled(inner, parameters))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, parameters)).collect()),
        other => other.clone(),
    }
}

/// The members of a structure as the API spells them: a lower-case letter first.
fn as_api(value: &Value) -> Value {
    let lower = |name: &str| {
        let mut letters = name.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
    };
    match value {
        Value::Object(fields) => {
            let one = |(name, inner): (&String, &Value)| {
                // What an action is set to has names of its own.
                let inner = if name == "Configuration" { inner.clone() } else { as_api(inner) };
                (lower(name), inner)
            };
            Value::Object(fields.iter().map(one).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(as_api).collect()),
        other => other.clone(),
    }
}

/// moto has CodePipeline and CodeBuild, and CloudFormation does not make pipelines there: each is made by the API as the template
/// says it, and read back.
#[test]
fn pipelines_and_projects_are_taken_by_moto() {
    let own = program();
    let document = templates::document(own.path()).unwrap();
    let moto = Moto::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut commands = vec![];
    let role = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "codepipeline.amazonaws.com" },
    }] });
    commands.push(format!("iam create-role --role-name PipelineRole --assume-role-policy-document '{role}'"));
    for stack in templates::stacks(&document) {
        let parameters = &stack["template"]["Parameters"];
        for (id, resource) in stack["template"]["Resources"].as_object().unwrap() {
            if resource["Type"] != "AWS::CodePipeline::Pipeline" {
                continue;
            }
            let mut properties = filled(&resource["Properties"], parameters);
            properties.as_object_mut().unwrap().remove("Tags");
            let pipeline = as_api(&properties);
            let file = folder.path().join(format!("{}-{id}.json", stack["name"].as_str().unwrap()));
            fs::write(&file, json!({ "pipeline": pipeline }).to_string()).unwrap();
            commands.push(format!("codepipeline create-pipeline --cli-input-json file://{}", file.display()));
        }
    }
    commands.push("codepipeline list-pipelines".to_owned());
    commands.push("codepipeline get-pipeline --name shop".to_owned());
    let answers = aws::all(moto.url(), &commands).unwrap();
    let listed = answers[answers.len() - 2]["pipelines"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().filter_map(|pipeline| pipeline["name"].as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let stages = answers.last().unwrap()["pipeline"]["stages"].as_array().unwrap();
    let told: Vec<(&str, usize)> = stages
        .iter()
        .map(|stage| (stage["name"].as_str().unwrap(), stage["actions"].as_array().unwrap().len()))
        .collect();
    // Of three cells: approval, gate, one box, its bake, gate, the two others, bake.
    assert_eq!(told, [("Source", 2), ("Build", 1), ("Wave-alpha", 3), ("Wave-prod", 8)]);
}

/// The program as far as ministack has it: its CloudFormation makes no alarm of metric math, and a zone has to be there.
pub(super) fn plain(ministack: &Ministack) -> String {
    let made =
        ministack.account("222222222221")("route53 create-hosted-zone --name acme.example --caller-reference a")
            .unwrap();
    let zone = made["HostedZone"]["Id"].as_str().unwrap().trim_start_matches("/hostedzone/").to_owned();
    PROGRAM
        .replace(
            "ratio { errors = \"Errors\", requests = \"Requests\" }, above = 1%",
            "metric = \"ErrorRate\", above = 5, missing = \"missing\"",
        )
        .replace(", min_requests = 5", "")
        .replace("Z0123456789ABC", &zone)
}

/// The stacks of cells, of monitoring and of pipelines are made by ministack's CloudFormation, each in its account; of what it
/// does not have, nothing is asked.
#[test]
fn stacks_are_deployed_on_ministack() {
    let ministack = Ministack::open("222222222221", SERVICES, &[]).unwrap();
    let own = tempfile::tempdir().unwrap();
    fs::write(own.path().join("main.cell"), plain(&ministack)).unwrap();
    let document = templates::document(own.path()).unwrap();
    let failed = failures(templates::stacks(&document), |stack| deployed(&ministack, stack));
    report(templates::stacks(&document).len(), &failed);
    let alpha = ministack.account("222222222221");
    let alarms = alpha("cloudwatch describe-alarms --region us-west-2").unwrap();
    let names: Vec<&str> =
        alarms["MetricAlarms"].as_array().unwrap().iter().filter_map(|alarm| alarm["AlarmName"].as_str()).collect();
    assert_eq!(names, ["errors-alpha", "slow-alpha"]);
    let boards = ministack.account("999999999992")("cloudwatch list-dashboards --region us-west-2").unwrap();
    assert_eq!(boards["DashboardEntries"][0]["DashboardName"], "cellc");
    let machines = ministack.account("999999999991")("stepfunctions list-state-machines --region us-west-2").unwrap();
    let names: Vec<&str> =
        machines["stateMachines"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

/// What is asked of ministack.
pub(super) const SERVICES: &str =
    "s3,iam,sts,cloudformation,monitoring,states,lambda,logs,ssm,ec2,route53,codebuild,events";
/// What ministack's CloudFormation does not make.
const NOT_THERE: [&str; 2] = ["AWS::CodePipeline::Pipeline", "AWS::Budgets::Budget"];

/// Makes a stack in its account, with what its account brings.
pub(super) fn deployed(ministack: &Ministack, stack: &Value) -> Result<(), String> {
    let account = ministack.account(stack["account"]["id"].as_str().unwrap_or_default());
    let region = stack["region"].as_str().unwrap_or_default();
    let network = [
        ("Vpc", "vpc-0123456789abcdef0"),
        ("Subnets", "subnet-0123456789abcdef0"),
        ("SecurityGroups", "sg-0123456789abcdef0"),
    ];
    for (name, parameter) in stack["template"]["Parameters"].as_object().into_iter().flatten() {
        if parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::")) {
            let path = parameter["Default"].as_str().unwrap_or_default();
            let value =
                network.iter().find(|(own, _)| own == name).map_or("arn:aws:iam::111111111111:role/x", |(_, id)| id);
            account(&format!(
                "ssm put-parameter --region {region} --overwrite --name {path} --type String --value {value}"
            ))?;
        }
    }
    let mut stack = stack.clone();
    if let Some(resources) = stack["template"]["Resources"].as_object_mut() {
        resources.retain(|_, resource| !NOT_THERE.iter().any(|kind| resource["Type"] == *kind));
    }
    templates::deploy(&stack, &*account)
}
