//! Templates that are larger than a request takes: they go by way of the bucket that `org` names, put by the caller and read
//! by CloudFormation as whoever acts in the account. A component's on the embedded sandbox, a cell's own stack on a served
//! one that loses answers and holds callers to the printed policies.

use std::fmt::Write as _;

use cell_sandbox::Seed;
use cell_tests::momento::{AT, Project as Momento, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws};
use serde_json::{Value, json};

use super::releases::{Project, program};

const SETTING: (&str, &str) =
    ("home_region = \"us-east-1\"", "home_region = \"us-east-1\", template_bucket = \"acme-{region}\"");
const HELD: &str = "AKIAHELDTOAPOLICY";

/// A component's template of so many bytes, or a few more.
fn template(bytes: usize, delay: u32) -> String {
    let mut text = format!(
        "Parameters:\n  Size: {{Type: Number}}\n  CellcVersion: {{Type: String}}\nResources:\n  Queue:\n    Type: \
         AWS::SQS::Queue\n    Properties: {{DelaySeconds: {delay}}}\nMetadata:\n"
    );
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        writeln!(text, "  Note{number}: {}", "words that say nothing ".repeat(20)).unwrap();
    }
    text
}

/// The objects of the sandbox, by bucket.
fn objects(project: &Project) -> Vec<(String, String)> {
    let state = Server::start(Some(&project.path().join(".cellc/sandbox")), quick()).unwrap().state();
    let rows = state["s3"]["objects"].as_array().unwrap().iter();
    rows.map(|row| (row[0][0].as_str().unwrap().to_owned(), row[0][1].as_str().unwrap().to_owned())).collect()
}

/// Released, brought to a new cell, changed, and taken away: from one bucket in each region.
fn a_components_template_goes_by_way_of_the_bucket() {
    let text = program(1, "", false);
    let project = Project::new(&text);
    project.write("api.yaml", &template(80_000, 1));
    project.apply();
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!(status, 1, "{stderr}");
    for words in ["error[E0509]", "has 80", "CloudFormation takes 51200", "org { template_bucket = \"NAME\" }"] {
        assert!(stderr.contains(words), "`{words}` is missing:\n{stderr}");
    }
    assert!(!stderr.contains("deploying"), "nothing is begun:\n{stderr}");

    let named = |more: &str| program(1, more, false).replace(SETTING.0, SETTING.1);
    project.write("main.cell", &named(""));
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    project.settled();
    // One object, named by what it is, in each region where there is a cell.
    let first = objects(&project);
    assert_eq!(
        first.iter().map(|(bucket, _)| bucket.as_str()).collect::<Vec<_>>(),
        ["acme-eu-west-1", "acme-us-east-1"]
    );
    assert!(first.iter().all(|(_, key)| key.starts_with("cellc/templates/") && key == &first[0].1), "{first:?}");

    let third =
        "cell three { kind = \"prod\", protect = false, region = \"us-east-1\", email = \"three@acme.example\" }";
    project.write("main.cell", &named(third));
    project.apply();
    project.settled();
    project.write("api.yaml", &template(80_000, 2));
    let plan = project.well(&["plan"]);
    assert!(plan.contains("by waves"), "{plan}");
    project.apply();
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    project.settled();
    assert_eq!(objects(&project).len(), 4, "what lies there is never written over");

    // More than CloudFormation reads out of a bucket.
    project.write("api.yaml", &template(1_000_000, 3));
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v2"]);
    assert!(status == 1 && stderr.contains("E0509") && stderr.contains("CloudFormation takes 1000000"), "{stderr}");
    project.write("api.yaml", &template(80_000, 2));
    project.well(&["destroy", "--yes", "--allow", "delete-prod"]);
    assert_eq!(project.versions(), []);
}

/// A program whose cells have a stack of 180 alarms each.
fn alarmed(above: u32) -> String {
    let mut text = r#"
org o { home_region = "us-west-2", template_bucket = "acme-templates", accounts { email = "aws+\(.name)@x.example" } }
group ops {}
cell alpha { kind = "dev", region = "eu-west-1", expires = 2027-01-31, owner = group.ops }
cell beta { kind = "dev", region = "eu-central-1", expires = 2027-01-31, owner = group.ops }
"#
    .to_owned();
    for number in 0..180 {
        writeln!(
            text,
            "alarm a{number} {{ namespace = \"shop\", metric = \"M{number}\", above = {above}, over = 5m }}"
        )
        .unwrap();
    }
    text
}

/// The program on a server with its bucket.
fn served() -> (Momento, Server) {
    let mut project = Momento::of(&alarmed(5)).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let (groups, buckets) = (vec!["ops".to_owned()], vec!["acme-templates".to_owned()]);
    server.seed(&Seed { groups, buckets, ..Seed::default() }).unwrap();
    project.endpoint = Some(server.url());
    (project, server)
}

/// The templates of the cells' stacks, by the state of the server, and the objects of the bucket.
fn kept(server: &Server) -> (Vec<usize>, usize) {
    let state = server.state();
    let stacks = state["stacks"]["stacks"].as_array().unwrap().iter();
    let bodies = stacks.map(|row| row[1]["content"]["template"].as_str().unwrap().len());
    (bodies.collect(), state["s3"]["objects"].as_array().unwrap().len())
}

/// The keys of what lies in the buckets.
fn objects_of(server: &Server) -> Vec<String> {
    let state = server.state();
    let rows = state["s3"]["objects"].as_array().unwrap().iter();
    rows.map(|row| row[0][1].as_str().unwrap().to_owned()).collect()
}

/// Refused without the setting; planned, applied, settled, changed and destroyed with it.
fn a_cells_stack_goes_by_way_of_the_bucket() {
    let (project, server) = served();
    project.edit(&[(", template_bucket = \"acme-templates\"", "")]).unwrap();
    let refused = project.run(&["plan", "--at", AT]).unwrap().ended(1).unwrap();
    refused.says(&["E0509", "51200 bytes in a request", "org { template_bucket = \"NAME\" }"]).unwrap();
    project.put("main.cell", &alarmed(5)).unwrap();
    let plan = project.plan(&["--only", "cell.alpha"]).unwrap();
    exactly(&plan, &["create cell.alpha", "create stack.cell/alpha"]).unwrap();
    assert_eq!(plan["cost"]["by_call"]["s3:PutObject"], 1, "{}", plan["cost"]);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    let (bodies, objects) = kept(&server);
    assert!(bodies.len() == 2 && bodies.iter().all(|bytes| *bytes > 70_000), "{bodies:?}");
    assert_eq!(objects, 2, "the two say their own cell");
    project.put("main.cell", &alarmed(6)).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update stack.cell/alpha", "update stack.cell/beta"]).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    assert_eq!(kept(&server).1, 4);
    project.run(&["destroy", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
}

/// An answer of the put that is lost, a connection that breaks, a refusal for haste: it is there once, and the apply goes on. A
/// bucket that is not there, and an object that is not what its name says, are told, and nothing is deployed of them.
fn what_goes_wrong_with_the_bucket_is_mended_or_told() {
    let (project, server) = served();
    let kinds = ["drop", "reset", "truncate", "error503", "throttle"];
    for (number, kind) in (5..).zip(kinds) {
        project.put("main.cell", &alarmed(number)).unwrap();
        let before = server.called("s3:PutObject");
        server.inject(&json!([{"operation": "s3:PutObject", "kind": kind, "count": 1}])).unwrap();
        project.apply(&[]).unwrap();
        project.settled(&[]).unwrap();
        assert!(server.called("s3:PutObject") > before, "{kind}");
        assert_eq!(kept(&server).1, (usize::try_from(number).unwrap() - 4) * 2, "{kind}");
    }
    server.mend();
    // Somebody who may write there has put something else under the name.
    project.put("main.cell", &alarmed(20)).unwrap();
    let before: Vec<String> = objects_of(&server);
    project.apply(&[]).unwrap();
    let new: Vec<String> = objects_of(&server).into_iter().filter(|key| !before.contains(key)).collect();
    project.put("main.cell", &alarmed(5)).unwrap();
    project.apply(&[]).unwrap();
    let other = project.path().join("other");
    std::fs::write(&other, "Resources: {}").unwrap();
    for key in &new {
        let put = format!("s3api put-object --bucket acme-templates --key {key} --body {}", other.display());
        aws::aws(&server.url(), &put).unwrap();
    }
    project.put("main.cell", &alarmed(20)).unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ran.says(&["is another template than its name says"]).unwrap();
    let before = server.called("cloudformation:CreateChangeSet");
    project.put("main.cell", &alarmed(20).replace("acme-templates", "acme-nowhere")).unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ran.says(&["acme-nowhere", "NoSuchBucket"]).unwrap();
    assert_eq!(server.called("cloudformation:CreateChangeSet"), before, "nothing is begun without its template");
    project.put("main.cell", &alarmed(21)).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// The policies that are printed are enough, and the put is the caller's: it may not be left out.
fn the_printed_policies_are_enough() {
    let (mut project, server) = served();
    let printed = project.run(&["plan", "--policy", "--at", AT]).unwrap().ended(0).unwrap().json().unwrap();
    let of = |who: &Value| {
        let all = who["Statement"].as_array().unwrap().iter();
        all.filter(|one| one["Sid"] == "Templates").cloned().collect::<Vec<_>>()
    };
    let object = "arn:aws:s3:::acme-templates/cellc/templates/*";
    let put = json!({"Sid": "Templates", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": [object]});
    let read = json!({"Sid": "Templates", "Effect": "Allow", "Action": "s3:GetObject", "Resource": [object]});
    assert_eq!((of(&printed["plan"]), of(&printed["apply"])), (vec![], vec![put]));
    assert_eq!(of(&printed["accounts"]["cell.alpha"]["apply"]), [read]);
    HELD.clone_into(&mut project.key);
    let hold = |policy: &Value| {
        server.configure(|config| _ = config.identities.insert(HELD.to_owned(), policy.clone())).unwrap();
    };
    let mut less = printed["apply"].clone();
    less["Statement"].as_array_mut().unwrap().retain(|one| one["Sid"] != "Templates");
    hold(&less);
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ran.says(&["not authorized to perform: s3:PutObject"]).unwrap();
    hold(&printed["apply"]);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// The sandbox reads what a URL names, as CloudFormation does, also for the stock client.
fn the_stock_client_deploys_from_the_bucket_too() {
    let (_project, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let command = format!("s3api put-object --bucket acme-templates --key {name} --body {}", path.display());
        aws::aws(&server.url(), &command).unwrap();
    };
    put("large", &template(80_000, 1));
    put("larger", &template(1_000_001, 1));
    let make = |stack: &str, url: &str| {
        let parameters = "--parameters ParameterKey=Size,ParameterValue=1 ParameterKey=CellcVersion,ParameterValue=1";
        aws::aws(
            &server.url(),
            &format!("cloudformation create-stack --stack-name {stack} --template-url {url} {parameters}"),
        )
    };
    for (stack, url) in [
        ("one", "https://acme-templates.s3.us-west-2.amazonaws.com/large".to_owned()),
        ("two", "https://s3.amazonaws.com/acme-templates/large".to_owned()),
        ("three", format!("{}/acme-templates/large", server.url())),
    ] {
        make(stack, &url).unwrap();
    }
    for (url, words) in [
        ("https://acme-templates.s3.amazonaws.com/larger", "Template may not exceed 1000000 bytes in size."),
        ("https://acme-templates.s3.amazonaws.com/none", "S3 error: The specified key does not exist."),
        ("https://acme-nowhere.s3.amazonaws.com/large", "S3 error: The specified bucket does not exist"),
        ("https://example.com/large", "TemplateURL must be a supported URL."),
    ] {
        let why = make("four", url).unwrap_err();
        assert!(why.contains(words), "{url}: {why}");
    }
}

at_once! {
    templates_that_no_request_takes:
    a_components_template_goes_by_way_of_the_bucket,
    a_cells_stack_goes_by_way_of_the_bucket,
    what_goes_wrong_with_the_bucket_is_mended_or_told,
    the_printed_policies_are_enough,
    the_stock_client_deploys_from_the_bucket_too,
}
