//! What is said of releases before they come, and of what they have left: what a version would bring, what was changed
//! outside in the stacks that they have made, what leaves the queue, how who looks on ends.

use cell_sandbox::Config;
use cell_tests::at_once;
use serde_json::Value;

use super::releases::{Project, program};
use super::waves_in_the_cloud::{by_stacks, cli, served};

/// The template with a topic and a longer delay.
const LONGER: &str = "Parameters:\n  Size: {Type: Number}\n  CellcVersion: {Type: String}\nResources:\n  Queue:\n    \
    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: 9, QueueName: !Sub 'q-${CellcVersion}'}\n  Topic:\n    \
    Type: AWS::SNS::Topic\n";

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is missing:\n{text}");
    }
}

fn what_a_version_would_bring_is_shown_and_nothing_is_done() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    let first = project.well(&["rollout", "start", "api", "v1", "--dry-run"]);
    says(
        &first,
        &["components in cells", "AWS::SQS::Queue: Queue", "3 to create", "component.api by rollout.steady"],
    );
    assert!(!project.path().join(".cellc/sandbox/registry.json.releases").exists(), "nothing is written");

    project.well(&["rollout", "start", "api", "v1"]);
    let same = project.well(&["rollout", "start", "api", "v1", "--dry-run"]);
    says(&same, &["3 cells have it word for word already"]);
    project.write("api.yaml", LONGER);
    let next = project.well(&["rollout", "start", "api", "v2", "--dry-run"]);
    says(&next, &["+ AWS::SNS::Topic: Topic", "DelaySeconds  {\"Ref\":\"Size\"} → 9", "version  \"v1\" → \"v2\""]);
    says(&next, &["3 to update", "  first  1 cell, ", "  rest   2 cells, ", "all cells by "]);
    let json: Value =
        serde_json::from_str(&project.well(&["rollout", "start", "api", "v2", "--dry-run", "--format", "json"]))
            .unwrap();
    super::stack_resources::of_the_form("plan.schema.json", &json);
    assert_eq!((json["command"].as_str(), json["changes"].as_array().map(Vec::len)), (Some("release"), Some(3)));
    assert!(project.versions().iter().all(|(_, version)| version == "v1"), "{:?}", project.versions());
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!((status, stdout.as_str()), (0, "no rollout is under way, and none is queued\n"), "{stderr}");
}

fn what_is_queued_leaves_the_queue() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    let (status, _, stderr) = project.run(&["rollout", "abort", "api"]);
    assert!(status == 1 && stderr.contains("component.api has no rollout"), "{stderr}");
    project.well(&["rollout", "start", "api", "v1", "--queue"]);
    says(&project.well(&["rollout", "watch", "--once"]), &["nothing released, no rollout", "then v1, queued by"]);
    let text = project.well(&["rollout", "abort", "api"]);
    assert_eq!(text, "api v1: taken out of the queue; no cell has it\n");
    let text = project.well(&["rollout", "run"]);
    assert_eq!(text, "no rollout is under way, and none is queued\n");

    // Behind one that is under way.
    project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    project.well(&["rollout", "start", "api", "v2", "--queue"]);
    let shown = project.well(&["rollout", "start", "api", "v3", "--dry-run"]);
    says(&shown, &["it waits for the rollout of v1, which is waiting for approval"]);
    project.well(&["rollout", "abort", "api", "--queued"]);
    let (status, _, stderr) = project.run(&["rollout", "abort", "api", "--queued"]);
    assert!(status == 1 && stderr.contains("nothing of component.api is queued"), "{stderr}");
    project.well(&["rollout", "approve", "api"]);
    assert_eq!(project.well(&["rollout", "run", "--no-wait"]), "component.api v1: done\n");
}

/// Who takes a component out of the program while its rollout waits still sees it, and can end it.
fn a_rollout_of_what_the_program_has_no_more_is_seen_and_ends() {
    let text = program(1, "", true);
    let without = text.split("component api").next().unwrap().to_owned();
    let project = Project::new(&text);
    project.apply();
    project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    project.write("main.cell", &without);
    let seen = project.well(&["rollout", "watch", "--once"]);
    says(&seen, &["component.api: v1 is waiting for approval", "no process carries it out now"]);
    project.apply();
    assert!(project.versions().is_empty(), "{:?}", project.versions());
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert!(status == 1 && stdout.contains("no cell is left that it could come to"), "{stdout}\n{stderr}");
    assert_eq!(project.well(&["rollout", "watch", "--once"]), "nothing goes by waves\n");
    assert_eq!(project.well(&["rollout", "run"]), "no rollout is under way, and none is queued\n");
    let (status, _, stderr) = project.run(&["rollout", "abort", "api"]);
    assert!(status != 0 && stderr.contains("nothing by the address `api` is released"), "{stderr}");
}

/// A process dies while it brings a release to a cell, and the cell is taken out of the program: the apply takes away what may be
/// there, and nothing comes there any more.
fn a_cell_that_goes_while_a_release_comes_gets_nothing_more() {
    for first in [true, false] {
        let text = program(1, "", true);
        let project = Project::new(&text);
        project.apply();
        if !first {
            project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
            project.well(&["rollout", "approve", "api"]);
            project.well(&["rollout", "run"]);
        }
        project.run(&["rollout", "start", "api", "v2", "--no-wait"]);
        project.edit_book(|book| {
            let state = &mut book["rollout"]["state"];
            state["approved"] = serde_json::json!([1]);
            state["phase"] = serde_json::json!({ "phase": "running" });
            state["cells"]["cell.one"]["state"] = "deploying".into();
        });
        let cell = text.lines().find(|line| line.starts_with("cell one ")).unwrap();
        project.write("main.cell", &text.replace(cell, "removed { from = \"cell.one\", account = \"keep\" }"));
        let plan = project.well(&["plan"]);
        says(&plan, &["- deployment.api/cell.one", "[E0602]; `--allow delete-prod` lets it through"]);
        project.well(&["apply", "--yes", "--allow", "delete-prod"]);
        let (status, stdout, stderr) = project.run(&["rollout", "run"]);
        assert_eq!((status, stdout.as_str()), (0, "component.api v2: done\n"), "{stderr}");
        assert!(!stderr.contains("cell.one deploying") && !stderr.contains("cell.one baking"), "{stderr}");
        let have = project.versions();
        assert_eq!(have.iter().map(|(cell, _)| cell.as_str()).collect::<Vec<_>>(), ["cell.alpha", "cell.two"]);
        project.settled();
    }
}

/// What could not go back may be there in part: the plan says so, and brings what is released.
fn what_is_stuck_is_told_and_mended_by_the_next_apply() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    project.well(&["rollout", "start", "api", "v1"]);
    project.settled();
    project.edit_book(|book| {
        let state = &mut book["rollout"]["state"];
        state["phase"] = serde_json::json!({ "phase": "rolled_back", "why": { "by": "person", "who": "ana" } });
        state["cells"]["cell.one"]["state"] = "stuck".into();
    });
    says(&project.well(&["plan"]), &["it could not go back, and may have what was taken back in part"]);
    project.apply();
    project.well(&["rollout", "run"]);
    project.settled();
}

/// In a job of a pipeline that only looks on: the lines of this rollout alone, and an end that says how it went.
fn who_looks_on_ends_as_what_was_watched() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    project.well(&["rollout", "start", "api", "v1"]);
    let (status, stdout, _) = project.run(&["rollout", "watch"]);
    assert!(status == 0 && stdout.contains("v1 is done") && !stdout.contains("deploying"), "{stdout}");

    project.write("main.cell", &program(1, "", true));
    project.run(&["rollout", "start", "api", "v2", "--no-wait"]);
    let lines = std::thread::scope(|scope| {
        let watching = scope.spawn(|| project.run(&["rollout", "watch"]));
        std::thread::sleep(std::time::Duration::from_secs(2));
        project.well(&["rollout", "abort", "api"]);
        let (status, stdout, _) = project.run(&["rollout", "run"]);
        assert!(status == 1 && stdout.contains("rolled back"), "{stdout}");
        watching.join().unwrap()
    });
    assert_eq!(lines.0, 1, "{}", lines.1);
    says(&lines.1, &["v2 begun by", "cell.alpha rolled back"]);
    assert!(!lines.1.contains("v1 begun by"), "{}", lines.1);
    let (status, stdout, _) = project.run(&["rollout", "watch"]);
    assert!(status == 1 && stdout.contains("v2 is rolled back"), "{stdout}");
}

/// Somebody changes a stack that a release has made, and deletes another: `drift` tells it, and the same version sets it back.
fn what_was_changed_in_stacks_of_components_is_drift() {
    let (project, server) = served(by_stacks(), Config::default());
    project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(0).unwrap();
    let clean = project.run(&["drift"]).unwrap().ended(0).unwrap().stdout;
    assert!(!clean.contains("waiting for a first release"), "{clean}");
    let (beta, gamma) = (("222222222202", "eu-west-1"), ("222222222204", "us-east-1"));
    let other =
        r#"{"Parameters":{"CellcVersion":{"Type":"String"}},"Resources":{"Other":{"Type":"AWS::SQS::Queue"}}}"#;
    let file = project.path().join("other.json");
    std::fs::write(&file, other).unwrap();
    let parameters = "--parameters ParameterKey=CellcVersion,ParameterValue=v9";
    let update = format!("update-stack --stack-name api-beta --template-body file://{} {parameters}", file.display());
    cli(&server, beta, &format!("cloudformation {update}"));
    cli(&server, gamma, "cloudformation delete-stack --stack-name api-gamma");
    server.advance(std::time::Duration::from_secs(30)).unwrap();

    let drift = project.run(&["drift"]).unwrap().ended(2).unwrap().stdout;
    says(
        &drift,
        &["changed outside since the last apply", "changed; a release sets it back", "deployment.api/cell.beta"],
    );
    says(&drift, &["- AWS::SQS::Queue: Other", "+ AWS::SQS::Queue: Queue", "CellcVersion  \"v9\" → \"v1\""]);
    says(
        &drift,
        &["deleted; a release makes it again", "deployment.api/cell.gamma", "`cellc rollout start api v1` sets back"],
    );
    let strange =
        format!("create-stack --stack-name api-gamma --template-body file://{} {parameters}", file.display());
    cli(&server, gamma, &format!("cloudformation {strange}"));
    server.advance(std::time::Duration::from_secs(30)).unwrap();
    let drift = project.run(&["drift"]).unwrap().ended(2).unwrap().stdout;
    says(
        &drift,
        &[
            "a stack of others is in its place; a release is refused there",
            "the stack api-gamma is not of deployment.api/cell.gamma: it has no tag that says so.",
        ],
    );
    cli(&server, gamma, "cloudformation delete-stack --stack-name api-gamma");
    server.advance(std::time::Duration::from_secs(30)).unwrap();
    project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(0).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();
}

/// What somebody ends to stay is not undone by the next apply, which says that it stays and how it goes on or back.
fn what_was_ended_to_stay_stays() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    let until_asked = |version: &str| project.run(&["rollout", "start", "api", version, "--no-wait"]);
    until_asked("v1");
    project.well(&["rollout", "approve", "api"]);
    project.well(&["rollout", "run", "--no-wait"]);
    let alpha = |version: &str| {
        assert!(
            project.versions().contains(&("cell.alpha".to_owned(), version.to_owned())),
            "{:?}",
            project.versions()
        );
    };
    until_asked("v2");
    project.well(&["rollout", "abort", "api", "--stay"]);
    let plan = project.well(&["plan", "--detailed-exitcode"]);
    says(&plan, &["component.api: v2 stays in 1 cell, where its release was ended; v1 is released"]);
    says(&plan, &["`cellc rollout start api v1`", "but for what is under way, queued or waited for"]);
    project.apply();
    assert_eq!(project.well(&["rollout", "run"]), "no rollout is under way, and none is queued\n");
    alpha("v2");
    let mends = "v2 is in 1 cell: cell.alpha; `cellc rollout start api v1` brings v1 there, `cellc rollout start api v2` brings v2 to all";
    says(&project.well(&["rollout", "watch", "--once"]), &[&format!("  not released   {mends}")]);
    says(
        &project.well(&["status"]),
        &["v2 is in 1 cell: cell.alpha; `cellc rollout start api v1` brings v1 there, "],
    );
    let told = project.well(&["rollout", "plan", "--of", "api"]);
    says(&told, &["component.api by rollout.steady", &format!("component.api: {mends}")]);
    let told: Value =
        serde_json::from_str(&project.well(&["rollout", "plan", "--of", "api", "--format", "json"])).unwrap();
    assert_eq!(told["calendars"][0]["apart"][0]["cells"], serde_json::json!(["cell.alpha"]), "{told}");

    // The same of a pipeline's run.
    until_asked("v1");
    project.well(&["rollout", "approve", "api"]);
    project.well(&["rollout", "run", "--no-wait"]);
    alpha("v1");
    project.well(&["rollout", "deploy", "component.api", "v3", "--cell", "cell.alpha", "--run", "e-1", "."]);
    let plan = project.well(&["plan", "--detailed-exitcode"]);
    says(
        &plan,
        &["component.api: the pipeline's run e-1 of v3 is under way; what the program says of the cells that"],
    );
    says(&project.well(&["status"]), &["run e-1 of v3 is under way: 1 cell reached; begun "]);
    project.apply();
    assert!(project.book()["next"].is_null(), "{}", project.book()["next"]);
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v4"]);
    assert!(status == 1 && stderr.contains("`cellc rollout abort --run e-1` ends it"), "{stderr}");
    says(&stderr, &["nothing was queued"]);
    project.well(&["rollout", "abort", "api", "--run", "e-1", "--stay"]);
    project.apply();
    assert_eq!(project.well(&["rollout", "run"]), "no rollout is under way, and none is queued\n");
    alpha("v3");
    says(&project.well(&["plan"]), &["component.api: v3 stays in 1 cell, where its release was ended"]);
}

/// While a rollout waits between its waves, what it has left and what it has not reached is looked at.
fn drift_is_seen_while_a_rollout_is_under_way() {
    let (project, server) = served(by_stacks(), Config::default());
    project.edit(&[("wave w1 {", "wave w1 { approval = true,")]).unwrap();
    project.run(&["rollout", "start", "api", "v1", "--no-wait"]).unwrap();
    project.run(&["rollout", "approve", "api"]).unwrap().ended(0).unwrap();
    project.run(&["rollout", "run", "--no-wait"]).unwrap().ended(0).unwrap();
    project.run(&["rollout", "start", "api", "v2", "--no-wait"]).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();
    cli(&server, ("222222222204", "us-east-1"), "cloudformation delete-stack --stack-name api-gamma");
    server.advance(std::time::Duration::from_secs(30)).unwrap();
    let drift = project.run(&["drift"]).unwrap().ended(2).unwrap().stdout;
    says(&drift, &["deployment.api/cell.gamma", "deleted; a release makes it again"]);
}

/// A cell that has expired and was torn down is nobody's to make again.
fn an_expired_cell_that_is_gone_is_left_out() {
    let dev = "group ops {}\ncell dev-ana { kind = \"dev\", region = \"us-east-1\", email = \"dev@acme.example\", expires = 2026-12-31, owner = group.ops }";
    let project = Project::new(&program(1, dev, false));
    project.well(&["apply", "--yes", "--at", "2026-12-01T00:00:00Z"]);
    let late = ["--at", "2027-02-01T00:00:00Z"];
    let told = project.well(&[&["plan"], &late[..]].concat());
    says(&told, &["cell.dev-ana has expired on 2026-12-31: `cellc destroy --only cell.dev-ana` tears it down"]);
    project.well(&[&["destroy", "--yes", "--only", "cell.dev-ana"], &late[..]].concat());
    let (status, stdout, stderr) = project.run(&[&["plan", "--detailed-exitcode"], &late[..]].concat());
    assert_eq!(status, 0, "{stdout}\n{stderr}");
    says(&stdout, &["cell.dev-ana has expired on 2026-12-31 and is not there: it is left out"]);
    // Before its last day it is wanted.
    let (status, ..) = project.run(&["plan", "--detailed-exitcode", "--at", "2026-12-01T00:00:00Z"]);
    assert_eq!(status, 2);
}

at_once! {
    looking_at_releases:
    what_a_version_would_bring_is_shown_and_nothing_is_done,
    what_is_queued_leaves_the_queue,
    a_rollout_of_what_the_program_has_no_more_is_seen_and_ends,
    a_cell_that_goes_while_a_release_comes_gets_nothing_more,
    what_is_stuck_is_told_and_mended_by_the_next_apply,
    who_looks_on_ends_as_what_was_watched,
    what_was_ended_to_stay_stays,
    what_was_changed_in_stacks_of_components_is_drift,
    drift_is_seen_while_a_rollout_is_under_way,
    an_expired_cell_that_is_gone_is_left_out,
}
