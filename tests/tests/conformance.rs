//! The wire: each case of `tests/conformance/cases.json` put to the sandbox and to moto by boto3. The sandbox must
//! answer as AWS does; where moto does not, the case says so and why. And the other way: every request that cellc
//! sends is one that AWS's own models allow.

use cell_tests::momento::{AT, Project, Registry};
use cell_tests::moto::Moto;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, report, repository};
use serde_json::Value;

/// Fewer than this, and the table was not read.
const CASES: usize = 50;

fn cases() -> Vec<Value> {
    let table = repository::read(&repository::root().join("tests/conformance/cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&table).unwrap();
    assert!(cases.len() >= CASES, "{} cases", cases.len());
    cases
}

fn outcomes(url: &str, cases: &[Value]) -> Vec<Value> {
    let script = repository::root().join("tests/conformance/driver.py");
    let answers =
        aws::python(&script, &[], &aws::environment(url), &Value::from(cases.to_vec()).to_string()).unwrap();
    serde_json::from_str(&answers).unwrap()
}

fn differences(cases: &[Value], found: &[Value], expected: impl Fn(&Value) -> Value) -> Vec<String> {
    let differs = |(case, found): (&Value, &Value)| {
        let expected = expected(case);
        (*found != expected).then(|| {
            format!(
                "{} ({})\n  expected {expected}\n  found    {found}",
                case["name"],
                case["source"].as_str().unwrap_or_default()
            )
        })
    };
    cases.iter().zip(found).filter_map(differs).collect()
}

fn every_difference_of_the_servers_is_explained() {
    let unexplained = |case: &&Value| {
        let (differs, told) = (case.get("moto").is_some(), case["why"].as_str().is_some_and(|why| !why.is_empty()));
        differs != told || case["source"].as_str().is_none_or(str::is_empty) || case.get("aws").is_none()
    };
    let cases = cases();
    let wrong: Vec<String> = cases
        .iter()
        .filter(unexplained)
        .map(|case| format!("{}: say `aws`, `source`, and `why` with `moto`", case["name"]))
        .collect();
    report(cases.len(), &wrong);
}

fn the_sandbox_answers_as_aws_does() {
    let mut config = quick();
    config.quotas.accounts = 100;
    let server = Server::start(None, config).unwrap();
    let instance = "arn:aws:sso:::instance/ssoins-0123456789abcdef".to_owned();
    server.seed(&cell_sandbox::Seed { instance_arn: Some(instance), ..cell_sandbox::Seed::default() }).unwrap();
    let cases = cases();
    let found = outcomes(&server.url(), &cases);
    report(cases.len(), &differences(&cases, &found, |case| case["aws"].clone()));
}

fn moto_answers_as_the_table_says() {
    let moto = Moto::start().unwrap();
    let cases = cases();
    let found = outcomes(moto.url(), &cases);
    report(cases.len(), &differences(&cases, &found, |case| case.get("moto").unwrap_or(&case["aws"]).clone()));
}

/// Every request of a first apply, of every kind of edit to a set, of a teardown: members, lengths, patterns.
fn aws_models_allow_every_request_of_cellc() {
    let mut project = Project::seeded(Registry::S3).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    project.endpoint = Some(server.url());
    project.apply(&[]).unwrap();
    project
        .edit(&[
            (
                "permission_set ReadOnly using sets.read_only {}",
                "permission_set ReadOnly using sets.read_only {\n  override session = 2h\n  override managed = [\"arn:aws:iam::aws:policy/SecurityAudit\"]\n  relay_state = \"https://console.aws.amazon.com/cloudwatch\"\n  boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"\n  tags { team = \"core\" }\n}",
            ),
            ("ou prod { scps = [scp.keep-public-access-block] }", "ou prod { name = \"production\" }"),
            ("\"s3:PutAccountPublicAccessBlock\"]", "\"s3:PutAccountPublicAccessBlock\", \"s3:DeleteBucketPolicy\"]"),
            ("account monitoring { ou = ou[\"infrastructure\"] }", "account monitoring { ou = ou[\"alpha\"] }"),
        ])
        .unwrap();
    project.apply(&[]).unwrap();
    project.run(&["destroy", "--only", "cell.dev-ana", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
    project.run(&["drift"]).unwrap();
    let log = server.log().unwrap();
    assert!(log.len() > 200, "{} requests were logged", log.len());
    let script = repository::root().join("tests/conformance/validate.py");
    let said = aws::python(&script, &[], &[], &Value::from(log).to_string()).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["checked"].as_u64().unwrap() > 100, "{said}");
    let faults: Vec<String> = said["faults"].as_array().unwrap().iter().map(Value::to_string).collect();
    report(said["checked"].as_u64().map_or(0, |count| count as usize), &faults);
}

at_once! {
    servers_and_requests_conform:
    every_difference_of_the_servers_is_explained,
    the_sandbox_answers_as_aws_does,
    moto_answers_as_the_table_says,
    aws_models_allow_every_request_of_cellc,
}
