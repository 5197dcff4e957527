//! Stacks deployed through the SDK: on the sandbox, in a member account and a region, with every kind of trouble, and
//! read and written by the stock AWS CLI; and on moto, which is not ours.

use std::time::Duration;

use cell_eval::provider::Waits;
use cell_eval::stacks::{Deployed, How, Sight, StackState, Stacks, Stopped, Wanted, deploy, token};
use cell_sandbox::{Config, Delays};
use cell_tests::driver::{Wall, cloud};
use cell_tests::moto::{MANAGEMENT, Moto};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{aws, repository};
use serde_json::{Value, json};

const MEMBER: &str = "222222222222";
const REGION: &str = "eu-west-1";
const QUEUE: &str = "Parameters:\n  Size: {Type: Number}\nResources:\n  Queue:\n    Type: AWS::SQS::Queue\n    \
                     Properties: {DelaySeconds: !Ref Size}\n";

fn wanted(template: &str, release: &str) -> Wanted {
    let sized = template.contains("Size").then(|| ("Size".to_owned(), release.to_owned()));
    let tags = [("cellc:address", "deployment.shop.query"), ("cellc:release", release)];
    Wanted {
        bucket: None,
        stack: "query-shop".to_owned(),
        template: template.to_owned(),
        parameters: sized.into_iter().collect(),
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect(),
        capabilities: Vec::new(),
        token: token("plan-0123", &format!("{release} of query in shop")),
        known: None,
    }
}

/// A template of resources by type, and the parameter.
fn template(kinds: &[&str]) -> String {
    let resources = kinds.iter().enumerate().map(|(at, kind)| (format!("R{at}"), json!({"Type": kind})));
    let resources: serde_json::Map<_, _> = resources.collect();
    json!({"Parameters": {"Size": {"Type": "Number"}}, "Resources": resources}).to_string()
}

fn server(config: Config) -> Server {
    Server::with_accounts(config, &[(MEMBER, "shop")]).unwrap()
}

fn run(stacks: &dyn Stacks, wanted: &Wanted) -> (Result<Deployed, Stopped>, Vec<String>) {
    let waits = Waits {
        first: Duration::from_millis(20),
        longest: Duration::from_millis(100),
        patience: jiff::SignedDuration::from_secs(60),
    };
    let mut seen = Vec::new();
    let mut see = |sight: Sight<'_>| match sight {
        Sight::Changes(set) => seen.extend(set.changes.iter().map(|one| format!("{} {}", one.action, one.logical))),
        Sight::Event(event) => seen.push(format!("{} {}", event.logical, event.status)),
        Sight::State(_) => {}
        Sight::EventsFailed(error) => seen.push(error.to_string()),
    };
    let answer = deploy(stacks, &Wall, wanted, waits, &mut see);
    (answer, seen)
}

#[test]
fn a_release_comes_to_a_member_account_by_its_role_and_its_events_are_shown() {
    let server = server(quick());
    let cloud = cloud(&server.url());
    let there = cloud.stacks(MEMBER, REGION);
    let (created, seen) = run(&there, &wanted(QUEUE, "1"));
    let created = created.unwrap();
    assert_eq!(created.how, How::Created);
    assert!(created.stack.id.starts_with(&format!("arn:aws:cloudformation:{REGION}:{MEMBER}:stack/query-shop/")));
    let expected = [
        "Add Queue",
        "query-shop REVIEW_IN_PROGRESS",
        "query-shop CREATE_IN_PROGRESS",
        "Queue CREATE_IN_PROGRESS",
        "Queue CREATE_COMPLETE",
        "query-shop CREATE_COMPLETE",
    ];
    assert_eq!(seen, expected);
    assert_eq!(run(&there, &wanted(QUEUE, "2")).0.unwrap().how, How::Updated);
    assert_eq!(run(&there, &wanted(QUEUE, "2")).0.unwrap().how, How::Unchanged);
    assert_eq!(there.template("query-shop").unwrap().as_deref(), Some(QUEUE));
    assert_eq!(server.called("sts:AssumeRole"), 1, "one session serves all");

    // Nowhere else.
    assert_eq!(cloud.stacks(MEMBER, "us-east-1").stack("query-shop").unwrap(), None);
    let mut env = aws::environment(&server.url());
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{MEMBER}")));
    let command = format!("cloudformation describe-stacks --region {REGION} --output json");
    let read = aws::all_as(&env, &[command]).unwrap();
    let stack = &read[0]["Stacks"][0];
    let script = repository::root().join("tests/conformance/validate.py");
    let log = serde_json::to_string(&server.log().unwrap()).unwrap();
    let said: Value = serde_json::from_str(&aws::python(&script, &[], &[], &log).unwrap()).unwrap();
    assert_eq!(said["faults"], json!([]), "AWS's model allows every request");
    assert!(said["checked"].as_u64().unwrap() > 10, "{said}");
    assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE");
    assert_eq!(stack["Parameters"], json!([{"ParameterKey": "Size", "ParameterValue": "2"}]));
    assert_eq!(stack["Tags"][1], json!({"Key": "cellc:release", "Value": "2"}));
}

#[test]
fn what_fails_is_told_with_its_cause_and_mended_by_the_next_deployment() {
    let server = server(quick());
    let cloud = cloud(&server.url());
    let there = cloud.stacks(MEMBER, REGION);
    let failed = |answer: Result<Deployed, Stopped>| match answer {
        Err(Stopped::Failed { state, causes }) => (state, causes.join("; ")),
        other => panic!("{other:?}"),
    };
    let broken = template(&["Custom::FailsDelete", "Custom::FailsCreate"]);
    let (state, causes) = failed(run(&there, &wanted(&broken, "1")).0);
    assert_eq!(state, StackState::RollbackFailed);
    assert!(causes.starts_with("R1 (Custom::FailsCreate): The resource was asked to fail."), "{causes}");
    // Its deletion fails too: a person has to look.
    assert_eq!(failed(run(&there, &wanted(QUEUE, "2")).0).0, StackState::DeleteFailed);
    assert!(matches!(run(&there, &wanted(QUEUE, "2")).0, Err(Stopped::Refused { .. })));

    let there = cloud.stacks(MEMBER, "eu-central-1");
    let broken = template(&["AWS::SQS::Queue", "Custom::FailsCreate"]);
    assert_eq!(failed(run(&there, &wanted(&broken, "1")).0).0, StackState::RollbackComplete);
    let (again, seen) = run(&there, &wanted(QUEUE, "2"));
    assert_eq!(again.unwrap().how, How::Created);
    assert!(seen.contains(&"query-shop DELETE_COMPLETE".to_owned()), "{seen:?}");
    let stuck = template(&["Custom::FailsRollback", "Custom::FailsCreate"]);
    assert_eq!(failed(run(&there, &wanted(&stuck, "3")).0).0, StackState::UpdateRollbackFailed);
    let (mended, seen) = run(&there, &wanted(QUEUE, "4"));
    assert_eq!(mended.unwrap().how, How::Updated);
    assert!(seen.contains(&"query-shop UPDATE_ROLLBACK_COMPLETE".to_owned()), "{seen:?}");
}

#[test]
fn no_answer_that_gets_lost_does_anything_twice() {
    let server = server(Config { delays: Delays::none(), ..quick() });
    let cloud = cloud(&server.url());
    let regions = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"];
    let kinds = ["drop", "reset", "error500", "throttle"];
    let calls = [
        "DescribeStacks",
        "DescribeStackEvents",
        "CreateChangeSet",
        "DescribeChangeSet",
        "ExecuteChangeSet",
        "DeleteStack",
        "ContinueUpdateRollback",
    ];
    for (region, kind) in regions.into_iter().zip(kinds) {
        let there = cloud.stacks(MEMBER, region);
        // Through every call there is: a failed create, a stuck rollback, an update.
        let broken = template(&["AWS::SQS::Queue", "Custom::FailsCreate"]);
        let stuck = template(&["Custom::FailsRollback", "Custom::FailsCreate"]);
        let templates = [&broken, QUEUE, &broken, QUEUE, &stuck, QUEUE];
        for (step, template) in templates.into_iter().enumerate() {
            let release = (step + 1).to_string();
            for call in calls {
                // As often as the client tries: it is the driver that has to look.
                server
                    .inject(&json!([{"operation": format!("cloudformation:{call}"), "kind": kind, "count": 2}]))
                    .unwrap();
                let (answer, _) = run(&there, &wanted(template, &release));
                server.mend();
                let ok = answer.is_ok();
                assert_eq!(ok, template == QUEUE, "{kind} of {call} at {step}: {answer:?}");
            }
            let stack = there.stack("query-shop").unwrap().unwrap();
            let begun = there.events(&stack.id, None).unwrap();
            let tokens: Vec<_> = begun
                .iter()
                .filter(|event| event.logical == "query-shop" && event.reason == "User Initiated")
                .map(|event| event.token.clone())
                .collect();
            let mut once = tokens.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), tokens.len(), "a token did something twice: {tokens:?}");
        }
    }
}

#[test]
fn the_stock_client_deploys_on_the_sandbox() {
    let server = server(Config { delays: Delays::none(), ..quick() });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    std::fs::write(&file, QUEUE).unwrap();
    let mut env = aws::environment(&server.url());
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{MEMBER}")));
    let deploy = |size: u32| {
        format!(
            "cloudformation deploy --template-file {} --stack-name shop --parameter-overrides Size={size} --tags release={size} \
             --no-fail-on-empty-changeset",
            file.display()
        )
    };
    // It names change sets by the second.
    let mut said: Vec<Value> = Vec::new();
    for size in [1, 2, 2] {
        said.extend(aws::all_as(&env, &[deploy(size)]).unwrap());
        std::thread::sleep(Duration::from_millis(1_100));
    }
    let words = ["Successfully created/updated", "Successfully created/updated", "No changes to deploy"];
    for (said, words) in said.iter().zip(words) {
        assert!(said.as_str().unwrap().contains(words), "{said}");
    }
    let commands = [
        "cloudformation describe-stacks --stack-name shop --output json".to_owned(),
        "cloudformation describe-stack-events --stack-name shop --output json".to_owned(),
        "cloudformation get-template --stack-name shop --output json".to_owned(),
        "cloudformation delete-stack --stack-name shop".to_owned(),
        "cloudformation wait stack-delete-complete --stack-name shop".to_owned(),
        "cloudformation describe-stacks --output json".to_owned(),
    ];
    let said = aws::all_as(&env, &commands).unwrap();
    assert_eq!(said[0]["Stacks"][0]["StackStatus"], "UPDATE_COMPLETE");
    assert_eq!(said[0]["Stacks"][0]["Tags"], json!([{"Key": "release", "Value": "2"}]));
    assert_eq!(said[1]["StackEvents"][0]["ResourceStatus"], "UPDATE_COMPLETE");
    assert_eq!(said[2]["TemplateBody"], QUEUE);
    assert_eq!(said[5]["Stacks"], json!([]));
}

#[test]
fn a_release_comes_to_a_stack_on_moto() {
    let moto = Moto::start().unwrap();
    let cloud = cloud(moto.url());
    let there = cloud.stacks(MANAGEMENT, REGION);
    assert_eq!(there.stack("query-shop").unwrap(), None);
    assert_eq!(run(&there, &wanted(QUEUE, "1")).0.unwrap().how, How::Created);
    let (updated, _) = run(&there, &wanted(QUEUE, "2"));
    // moto 5.2.5 executes the change set and leaves the tags as they were: that it succeeded is not said.
    let said = updated.unwrap_err().to_string();
    assert_eq!(said, "the stack settled, and is not as wanted: its tag `cellc:release` is `1`");
    let stack = there.stack("query-shop").unwrap().unwrap();
    assert_eq!((stack.status.as_str(), stack.parameters["Size"].as_str()), ("UPDATE_COMPLETE", "2"));
    let command =
        format!("cloudformation describe-stack-resources --stack-name query-shop --region {REGION} --output json");
    let resources = aws::aws(moto.url(), &command).unwrap();
    assert_eq!(resources["StackResources"][0]["ResourceType"], "AWS::SQS::Queue");
}
