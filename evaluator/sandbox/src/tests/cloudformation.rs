//! Stacks: what a change set does, what fails and how it is taken back, tokens, and what belongs to whom.

use super::{Cloud, MEMBER, list, text};
use crate::{Fault, FaultKind};
use serde_json::{Value, json};

const QUEUE: &str = "
Parameters:
  Size: {Type: Number, Default: 1}
  Secret: {Type: String, NoEcho: true, Default: hidden}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !Ref Size}
";

/// A template of resources by type.
fn template(kinds: &[&str]) -> String {
    let resources = kinds.iter().enumerate().map(|(at, kind)| (format!("R{at}"), json!({"Type": kind})));
    json!({"Resources": resources.collect::<serde_json::Map<_, _>>()}).to_string()
}

fn member(cloud: &Cloud) -> Cloud {
    cloud.by(&format!("AKIA{MEMBER}"))
}

fn stack(cloud: &Cloud, name: &str) -> Value {
    list(&cloud.ok("cloudformation:DescribeStacks", json!({"StackName": name})), "/Stacks")[0].clone()
}

fn status(cloud: &Cloud, name: &str) -> String {
    text(&stack(cloud, name), "/StackStatus")
}

/// Creates or updates, and waits.
fn put(cloud: &Cloud, operation: &str, template: &str, tag: &str) {
    let tags = json!([{"Key": "release", "Value": tag}]);
    cloud.ok(operation, json!({"StackName": "shop", "TemplateBody": template, "Tags": tags}));
    cloud.wait(60);
}

fn create(cloud: &Cloud, template: &str) {
    put(cloud, "cloudformation:CreateStack", template, "1");
}

fn update(cloud: &Cloud, template: &str) {
    put(cloud, "cloudformation:UpdateStack", template, "2");
}

fn change_set(name: &str, kind: &str, template: &str, size: &str) -> Value {
    json!({
        "StackName": "shop", "ChangeSetName": name, "ChangeSetType": kind, "TemplateBody": template,
        "ClientToken": name, "Parameters": [{"ParameterKey": "Size", "ParameterValue": size}],
    })
}

#[test]
fn a_change_set_creates_and_another_updates() {
    let cloud = member(&Cloud::new());
    let made = cloud.ok("cloudformation:CreateChangeSet", change_set("first", "CREATE", QUEUE, "5"));
    assert_eq!(cloud.ok("cloudformation:CreateChangeSet", change_set("first", "CREATE", QUEUE, "5")), made);
    assert_eq!(status(&cloud, "shop"), "REVIEW_IN_PROGRESS");
    let id = json!({"ChangeSetName": text(&made, "/Id")});
    assert_eq!(text(&cloud.ok("cloudformation:DescribeChangeSet", id.clone()), "/Status"), "CREATE_IN_PROGRESS");
    assert_eq!(cloud.err("cloudformation:ExecuteChangeSet", id.clone()), "InvalidChangeSetStatus");
    cloud.wait(1);
    let ready = cloud.ok("cloudformation:DescribeChangeSet", id.clone());
    assert_eq!(text(&ready, "/ExecutionStatus"), "AVAILABLE");
    assert_eq!(text(&ready, "/Changes/0/ResourceChange/Action"), "Add");
    cloud.ok("cloudformation:ExecuteChangeSet", id.clone());
    assert_eq!(status(&cloud, "shop"), "CREATE_IN_PROGRESS");
    assert_eq!(text(&cloud.ok("cloudformation:DescribeChangeSet", id), "/ExecutionStatus"), "EXECUTE_IN_PROGRESS");
    cloud.wait(5);
    let there = stack(&cloud, "shop");
    assert_eq!(text(&there, "/StackStatus"), "CREATE_COMPLETE");
    assert_eq!(text(&there, "/ChangeSetId"), text(&made, "/Id"));
    assert_eq!(list(&there, "/Parameters")[0], json!({"ParameterKey": "Secret", "ParameterValue": "****"}));
    assert_eq!(list(&there, "/Parameters")[1], json!({"ParameterKey": "Size", "ParameterValue": "5"}));

    cloud.ok("cloudformation:CreateChangeSet", change_set("same", "UPDATE", QUEUE, "5"));
    cloud.wait(1);
    let same = cloud.ok("cloudformation:DescribeChangeSet", json!({"StackName": "shop", "ChangeSetName": "same"}));
    assert_eq!(text(&same, "/Status"), "FAILED");
    assert!(text(&same, "/StatusReason").contains("didn't contain changes"));
    cloud.ok("cloudformation:CreateChangeSet", change_set("more", "UPDATE", QUEUE, "6"));
    cloud.wait(1);
    let more = json!({"StackName": "shop", "ChangeSetName": "more"});
    let shown = cloud.ok("cloudformation:DescribeChangeSet", more.clone());
    assert_eq!(text(&shown, "/Changes/0/ResourceChange/Action"), "Modify");
    cloud.ok("cloudformation:ExecuteChangeSet", more);
    cloud.wait(5);
    assert_eq!(status(&cloud, "shop"), "UPDATE_COMPLETE");
    let gone = json!({"StackName": "shop", "ChangeSetName": "same"});
    assert_eq!(cloud.err("cloudformation:DescribeChangeSet", gone), "ChangeSetNotFound");
}

#[test]
fn a_change_set_made_before_another_change_is_obsolete() {
    let cloud = member(&Cloud::new());
    create(&cloud, QUEUE);
    cloud.ok("cloudformation:CreateChangeSet", change_set("late", "UPDATE", QUEUE, "6"));
    update(&cloud, QUEUE);
    let late = json!({"StackName": "shop", "ChangeSetName": "late"});
    assert_eq!(text(&cloud.ok("cloudformation:DescribeChangeSet", late.clone()), "/ExecutionStatus"), "OBSOLETE");
    assert_eq!(cloud.err("cloudformation:ExecuteChangeSet", late.clone()), "InvalidChangeSetStatus");
    cloud.ok("cloudformation:DeleteChangeSet", late);
}

#[test]
fn every_way_of_failing_ends_in_its_state() {
    let cases: [(&[&str], &str); 3] = [
        (&["AWS::SQS::Queue"], "CREATE_COMPLETE"),
        (&["AWS::SQS::Queue", "Custom::FailsCreate"], "ROLLBACK_COMPLETE"),
        (&["Custom::FailsDelete", "Custom::FailsCreate"], "ROLLBACK_FAILED"),
    ];
    for (kinds, end) in cases {
        let cloud = member(&Cloud::new());
        create(&cloud, &template(kinds));
        assert_eq!(status(&cloud, "shop"), end);
    }
    let cases: [(&[&str], &str); 3] = [
        (&["AWS::SQS::Queue", "AWS::SNS::Topic"], "UPDATE_COMPLETE"),
        (&["AWS::SQS::Queue", "Custom::FailsCreate"], "UPDATE_ROLLBACK_COMPLETE"),
        (&["AWS::SQS::Queue", "Custom::FailsRollback", "Custom::FailsCreate"], "UPDATE_ROLLBACK_FAILED"),
    ];
    for (kinds, end) in cases {
        let cloud = member(&Cloud::new());
        create(&cloud, &template(&["AWS::SQS::Queue"]));
        update(&cloud, &template(kinds));
        assert_eq!(status(&cloud, "shop"), end);
        let release = text(&stack(&cloud, "shop"), "/Tags/0/Value");
        assert_eq!(release, if end == "UPDATE_COMPLETE" { "2" } else { "1" });
    }
}

#[test]
fn a_stuck_rollback_is_gone_on_with() {
    let cloud = member(&Cloud::new());
    create(&cloud, &template(&["AWS::SQS::Queue"]));
    let shop = json!({"StackName": "shop"});
    assert_eq!(cloud.err("cloudformation:ContinueUpdateRollback", shop.clone()), "ValidationError");
    update(&cloud, &template(&["AWS::SQS::Queue", "Custom::FailsRollback", "Custom::FailsCreate"]));
    let change = json!({"StackName": "shop", "TemplateBody": QUEUE});
    assert_eq!(cloud.err("cloudformation:UpdateStack", change), "ValidationError");
    let fault = |reason: &str| Fault {
        operation: "cloudformation:ContinueUpdateRollback".to_owned(),
        containing: None,
        after: 0,
        count: 1,
        kind: FaultKind::FailAsync { reason: reason.to_owned() },
    };
    cloud.sandbox.inject(vec![fault("still broken")]);
    cloud.ok("cloudformation:ContinueUpdateRollback", shop.clone());
    cloud.wait(5);
    assert_eq!(status(&cloud, "shop"), "UPDATE_ROLLBACK_FAILED");
    cloud.ok("cloudformation:ContinueUpdateRollback", shop);
    cloud.wait(5);
    assert_eq!(status(&cloud, "shop"), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn without_rollback_what_there_is_stays() {
    let cloud = member(&Cloud::new());
    let broken = template(&["AWS::SQS::Queue", "Custom::FailsCreate"]);
    let keep = json!({"StackName": "shop", "TemplateBody": broken, "DisableRollback": true});
    cloud.ok("cloudformation:CreateStack", keep);
    cloud.wait(5);
    assert_eq!(status(&cloud, "shop"), "CREATE_FAILED");
}

#[test]
fn a_deleted_stack_is_seen_by_its_arn_only() {
    let cloud = member(&Cloud::new());
    create(&cloud, &template(&["AWS::SQS::Queue", "Custom::FailsDelete"]));
    let id = text(&stack(&cloud, "shop"), "/StackId");
    cloud.ok("cloudformation:DeleteStack", json!({"StackName": "shop"}));
    assert_eq!(status(&cloud, "shop"), "DELETE_IN_PROGRESS");
    cloud.wait(5);
    assert_eq!(status(&cloud, "shop"), "DELETE_FAILED");
    cloud.ok("cloudformation:DeleteStack", json!({"StackName": "shop", "RetainResources": ["R1"]}));
    cloud.wait(5);
    assert_eq!(cloud.err("cloudformation:DescribeStacks", json!({"StackName": "shop"})), "ValidationError");
    assert_eq!(status(&cloud, &id), "DELETE_COMPLETE");
    cloud.ok("cloudformation:DeleteStack", json!({"StackName": "shop"}));
}

#[test]
fn a_token_does_nothing_twice() {
    let cloud = member(&Cloud::new());
    let make = json!({"StackName": "shop", "TemplateBody": QUEUE, "ClientRequestToken": "one"});
    let made = cloud.ok("cloudformation:CreateStack", make.clone());
    assert_eq!(cloud.ok("cloudformation:CreateStack", make), made);
    cloud.wait(5);
    let change =
        json!({"StackName": "shop", "TemplateBody": template(&["AWS::SNS::Topic"]), "ClientRequestToken": "one"});
    assert_eq!(cloud.err("cloudformation:UpdateStack", change), "TokenAlreadyExistsException");
    let events = list(&cloud.ok("cloudformation:DescribeStackEvents", json!({"StackName": "shop"})), "/StackEvents");
    let told: Vec<String> = events.iter().map(|event| text(event, "/ResourceStatus")).collect();
    assert_eq!(told, ["CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS"]);
    assert!(events.iter().all(|event| text(event, "/ClientRequestToken") == "one"));
}

#[test]
fn stacks_are_of_an_account_and_a_region() {
    let cloud = Cloud::new();
    create(&member(&cloud), QUEUE);
    assert_eq!(cloud.err("cloudformation:DescribeStacks", json!({"StackName": "shop"})), "ValidationError");
    let elsewhere = json!({"StackName": "shop", "Region": "eu-central-1"});
    assert_eq!(member(&cloud).err("cloudformation:DescribeStacks", elsewhere), "ValidationError");
    assert_eq!(list(&member(&cloud).ok("cloudformation:DescribeStacks", json!({})), "/Stacks").len(), 1);
}

#[test]
fn templates_and_parameters_are_checked() {
    let cloud = member(&Cloud::new());
    let refused = |body: &str, more: Value| {
        let mut input = json!({"StackName": "shop", "TemplateBody": body});
        super::join(&mut input, more);
        cloud.err("cloudformation:CreateStack", input)
    };
    for body in ["", "{", "Resources: {}", "[1]", "Resources: {A: {}}", "a: [", "Resources: {A: {Type: X}}}"] {
        assert_eq!(refused(body, json!({})), "ValidationError", "{body}");
    }
    assert_eq!(refused(&"x".repeat(51_201), json!({})), "ValidationError");
    let unknown = json!({"Parameters": [{"ParameterKey": "Sise", "ParameterValue": "1"}]});
    assert_eq!(refused(QUEUE, unknown), "ValidationError");
    let needed = "Parameters: {A: {Type: String}}\nResources: {Q: {Type: AWS::SQS::Queue}}";
    assert_eq!(refused(needed, json!({})), "ValidationError");
    let role = template(&["AWS::IAM::Role"]);
    assert_eq!(refused(&role, json!({})), "InsufficientCapabilitiesException");
    let input = json!({"StackName": "shop", "TemplateBody": role, "Capabilities": ["CAPABILITY_IAM"]});
    cloud.ok("cloudformation:CreateStack", input);
}
