//! Stacks of small programs: what stands in them, and what holds of all of them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails so")]

mod alarms;
mod order;

use serde_json::{Value as Json, json};

use super::{Generated, Generation, Given, Owner, metrics, stacks};
use crate::rules::tests::expanded;

/// What every program here begins with.
pub(super) const GROUND: &str = r#"
org o { home_region = "us-west-2", accounts { email = "aws+\(.name)@x.example" } }
group ops {}
account deployment { account_id = "999999999991" }
account monitoring { account_id = "999999999992" }
account images { account_id = "999999999993" }
alarm errors { namespace = "n", ratio { errors = "Errors", requests = "Requests" }, above = 1%, over = 5m, min_requests = 100 }
alarm slow { namespace = "n", metric = "Latency", statistic = "p99", above = 250, over = 10m }
"#;
/// A fleet whose cells are those of a list, which goes in place of `CELLS`.
const FLEET: &str = r#"
for name in [CELLS] {
  cell "\(name)" { kind = "prod", owner = group.ops, region = "us-west-2", budget { monthly = 5usd, notify = ["a@x.example"] } }
}
cell g { kind = "prod", owner = group.ops, cloud = "gcp", region = "us-east1", project = "x-prod-1" }
rollout r {
  alarms = [alarm.errors]
  window { days = ["mon", "tue"], from = 09:00, to = 16:00, zone = "Europe/Berlin" }
  wave one { on = cells, parallel = 2, bake = 1h, min_requests = 10, one_box = true, approval = true }
}
component c {
  repo = "https://git.x.example/x/c"
  rollout = rollout.r
  artifact ecr { repository = "x/c", account = account.images }
  deploy cloudformation { template = "t" }
  deploy make { target = "go", clouds = ["gcp"] }
}
outbound way {
  from = cells where .cloud == "aws"
  to vpc_endpoint { service = "ecr.api" }
  to assume_role { arn = "arn:aws:iam::\(account.images.account_id):role/reader", external_id = "x" }
}
"#;

/// The stacks of a program behind [`GROUND`].
#[track_caller]
pub(super) fn made(program: &str) -> Generation {
    expanded(&format!("{GROUND}{program}"), stacks)
}

fn fleet(cells: &[&str]) -> Generation {
    let names: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
    made(&FLEET.replace("CELLS", &names.join(", ")))
}

#[track_caller]
pub(super) fn stack<'g>(generation: &'g Generation, address: &str) -> &'g Generated {
    let found = generation.stacks.iter().find(|stack| stack.address == address);
    let Some(found) = found else { panic!("no {address}; left out: {:#?}", generation.left_out) };
    found
}

pub(super) fn template(stack: &Generated) -> Json {
    serde_json::from_str(&stack.template).unwrap()
}

#[test]
fn a_program_comes_to_its_stacks() {
    let generation = fleet(&["a", "b"]);
    let all: Vec<&str> = generation.stacks.iter().map(|stack| stack.address.as_str()).collect();
    assert_eq!(all, ["stack.cellc", "stack.cell/a", "stack.cell/b", "stack.monitoring", "stack.pipelines/c"]);
    assert_eq!(generation.left_out, []);
    let cell = stack(&generation, "stack.cell/a");
    assert_eq!((cell.account.clone(), cell.region.as_str()), (Owner::Of("cell.a".to_owned()), "us-west-2"));
    assert_eq!(cell.capabilities, ["CAPABILITY_NAMED_IAM"]);
    assert_eq!(stack(&generation, "stack.pipelines/c").after, ["stack.cellc"]);
    assert_eq!(stack(&generation, "stack.cellc").account, Owner::Id("999999999991".to_owned()));
}

#[test]
fn the_same_program_comes_to_the_same_bytes() {
    let (one, other) = (fleet(&["a", "b"]), fleet(&["a", "b"]));
    assert_eq!(one.stacks, other.stacks);
    for stack in &one.stacks {
        let mut sorted = template(stack);
        sorted.sort_all_objects();
        assert_eq!(stack.template, sorted.to_string(), "{}", stack.address);
    }
}

#[test]
fn a_new_cell_is_in_all_of_them_by_itself() {
    let (before, after) = (fleet(&["a", "b"]), fleet(&["a", "b", "new"]));
    assert!(before.stacks.iter().all(|stack| !stack.template.contains("cell.new")));
    assert_eq!(stack(&after, "stack.cell/new").name, "cellc-new");
    let pipeline = template(stack(&after, "stack.pipelines/c"));
    let actions = pipeline["Resources"]["Pipeline"]["Properties"]["Stages"][2]["Actions"].as_array().unwrap();
    assert!(actions.iter().any(|action| action["Name"] == "new"), "{actions:#?}");
    let bake = pipeline["Resources"]["BakeOne"]["Properties"]["DefinitionString"].as_str().unwrap();
    assert!(bake.contains("\"address\":\"cell.new\",\"name\":\"new\""), "{bake}");
    let view = stack(&after, "stack.monitoring");
    assert!(view.template.contains("new"), "{}", view.template);
    assert_eq!(view.parameters["AccountCell00New"], Given::Accounts(vec!["cell.new".to_owned()]));
    // The others have what they had.
    assert_eq!(stack(&before, "stack.cell/a"), stack(&after, "stack.cell/a"));
    assert_eq!(stack(&before, "stack.cellc").template, stack(&after, "stack.cellc").template);
}

/// Every statement of every role and policy of a template.
fn statements(of: &Json, all: &mut Vec<Json>) {
    match of {
        Json::Object(fields) => {
            if fields.get("Effect") == Some(&json!("Allow")) {
                all.push(of.clone());
            }
            fields.values().for_each(|value| statements(value, all));
        }
        Json::Array(items) => items.iter().for_each(|item| statements(item, all)),
        _ => {}
    }
}

#[test]
fn roles_may_no_more_than_they_need() {
    // Those that take no resource, by AWS's Service Authorization Reference.
    let on_everything = ["ecr:GetAuthorizationToken", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"];
    let generation = fleet(&["a", "b"]);
    let mut all = Vec::new();
    generation.stacks.iter().for_each(|stack| statements(&template(stack), &mut all));
    assert!(all.len() > 20, "{}", all.len());
    for statement in &all {
        let actions: Vec<&str> = match &statement["Action"] {
            Json::Array(actions) => actions.iter().filter_map(Json::as_str).collect(),
            action => action.as_str().into_iter().collect(),
        };
        assert!(!actions.is_empty() && actions.iter().all(|action| !action.contains('*')), "{statement}");
        if statement["Resource"] == "*" {
            assert!(actions.iter().all(|action| on_everything.contains(action)), "{statement}");
        }
    }
}

#[test]
fn accounts_that_are_not_known_are_parameters() {
    let generation = fleet(&["a", "b"]);
    let pipeline = stack(&generation, "stack.pipelines/c");
    assert_eq!(pipeline.parameters["AccountCell00A"], Given::Accounts(vec!["cell.a".to_owned()]));
    let bake = &template(pipeline)["Resources"]["BakeOne"]["Properties"];
    assert_eq!(bake["DefinitionSubstitutions"]["Cell00A"], json!({ "Ref": "AccountCell00A" }));
    let many: Vec<String> = (0..70).map(|at| format!("c{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let generation = fleet(&many);
    let pipeline = stack(&generation, "stack.pipelines/c");
    assert_eq!(pipeline.parameters.keys().collect::<Vec<_>>(), ["Accounts1"]);
    let Given::Accounts(listed) = &pipeline.parameters["Accounts1"] else { panic!("accounts") };
    assert_eq!(listed.len(), 70);
    let place = listed.iter().position(|address| address == "cell.c7").unwrap();
    let bake = &template(pipeline)["Resources"]["BakeOne"]["Properties"];
    let expected = json!({ "Fn::Select": [place.to_string(), { "Ref": "Accounts1" }] });
    assert_eq!(bake["DefinitionSubstitutions"]["Cell00C7"], expected);
}

#[test]
fn a_cells_stack_names_those_who_look_into_it_however_many_cells_there_are() {
    let cells: Vec<String> =
        (0..70).map(|at| format!("cell c{at} {{ kind = \"alpha\", region = \"us-west-2\" }}\n")).collect();
    let cells = cells.concat();
    let way = "outbound way { from = [cell.c1], to assume_role { arn = \"arn:aws:iam::\\(account.images.account_id):role/reader\" } }";
    let ground = GROUND.replace("account_id = \"999999999992\"", "").replace("account_id = \"999999999993\"", "");
    let generation = expanded(&format!("{ground}{cells}{way}"), stacks);
    let given = |address: &str| stack(&generation, address).parameters.clone();
    let one = |address: &str| Given::Accounts(vec![address.to_owned()]);
    let monitoring = ("AccountAccount00Monitoring".to_owned(), one("account.monitoring"));
    let images = ("AccountAccount00Images".to_owned(), one("account.images"));
    assert_eq!(given("stack.cell/c7"), [monitoring.clone()].into());
    assert_eq!(given("stack.cell/c1"), [images, monitoring].into());
}

#[test]
fn without_its_ground_a_pipeline_is_left_out_and_said() {
    let program = r#"
        cell a { kind = "alpha", region = "us-west-2", account_id = "111111111111", endpoints { api = "a.x.example" } }
        component c { repo = "r", deploy cloudformation { template = "t" } }
    "#;
    let generation = expanded(program, stacks);
    assert_eq!(generation.stacks.len(), 0);
    let said: Vec<(&str, &str)> =
        generation.left_out.iter().map(|left| (left.address.as_str(), left.why.as_str())).collect();
    assert_eq!(
        said,
        [("stack.cellc", "there is no `account.deployment`"), ("endpoint.api/cell.a", "the cell says no zone"),]
    );
}

#[test]
fn what_is_left_out_for_one_reason_is_one_line() {
    let cells: Vec<String> = ["a", "b", "c"]
        .map(|name| format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", endpoints {{ api = \"{name}.x.example\" }} }}\n"))
        .into();
    let lines = super::text::left_out(&made(&cells.concat()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("endpoint.api/cell.a and 2 more: the cell says no zone; say the id"), "{lines:?}");
}

#[test]
fn what_the_cloud_does_not_take_is_refused() {
    let wave = |at: usize| format!("wave w{at} {{ on = [cell.c{at}], bake = 1h }}");
    let waves: Vec<String> = (0..50).map(wave).collect();
    let cells: Vec<String> =
        (0..50).map(|at| format!("cell c{at} {{ kind = \"alpha\", region = \"us-west-2\" }}\n")).collect();
    let program = format!(
        "{}rollout r {{ alarms = [alarm.errors]\n{} }}\ncomponent c {{ repo = \"r\", rollout = rollout.r, deploy cloudformation {{ template = \"t\" }} }}",
        cells.concat(),
        waves.join("\n"),
    );
    let generation = made(&program);
    let left = generation.left_out.iter().find(|left| left.refused).unwrap();
    assert_eq!(left.address, "stack.pipelines/c");
    assert_eq!(left.why, "its pipeline has 52 stages; CodePipeline takes 50");
    assert!(generation.stacks.iter().all(|stack| stack.address != "stack.pipelines/c"));
}

#[test]
fn a_bake_that_cannot_end_is_refused() {
    let program = |wave: &str| {
        format!(
            "cell a {{ kind = \"alpha\", region = \"us-west-2\" }}\nrollout r {{ wave w {{ on = [cell.a], {wave} }} }}\n\
             component c {{ repo = \"r\", rollout = rollout.r, deploy cloudformation {{ template = \"t\" }} }}"
        )
    };
    let generation = made(&program("bake = 7d"));
    let left: Vec<&str> = generation.left_out.iter().map(|left| left.why.as_str()).collect();
    assert_eq!(left, ["wave w bakes for 7 days or more, and CodePipeline waits for no longer"]);
}

#[test]
fn requests_are_those_of_the_first_ratio() {
    let cells = "cell a { kind = \"alpha\", region = \"us-west-2\" }\nmetrics m { dimension = \"Cell\", sink cloudwatch {} }\n";
    expanded(&format!("{GROUND}{cells}"), |world| {
        let requests = |alarms: &[&str]| {
            let alarms: Vec<String> = alarms.iter().map(|alarm| (*alarm).to_owned()).collect();
            metrics::requests(world, &alarms).map(|requests| (requests.metric, requests.statistic))
        };
        assert_eq!(requests(&["alarm.slow", "alarm.errors"]), Some(("Requests".to_owned(), "Sum")));
        assert_eq!(requests(&["alarm.slow"]), Some(("Latency".to_owned(), "SampleCount")));
        assert_eq!(requests(&[]), None);
    });
}
