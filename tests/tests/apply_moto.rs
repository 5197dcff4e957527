//! The example `momento` planned and applied on moto, an emulated AWS that is not ours, with the stock AWS CLI as the
//! independent reader and writer.
//!
//! moto itself shows that a first apply goes through. What comes after needs calls that it lacks: there it is completed
//! by `tests/conformance/moto_completed.py`.

use std::collections::BTreeSet;

use cell_tests::momento::{AT, Project, changes, exactly};
use cell_tests::moto::{MANAGEMENT, Moto};
use cell_tests::{at_once, aws, repository};
use serde_json::Value;

/// The example with the ids that the server gave, on that server.
fn project(moto: &Moto) -> (Project, Value) {
    let script = repository::root().join("tests/conformance/seed.py");
    let ids = aws::python(&script, &[], &aws::environment(moto.url()), "").unwrap();
    let ids: Value = serde_json::from_str(&ids).unwrap();
    let id = |name: &str| ids[name].as_str().unwrap();
    assert_eq!(id("management"), MANAGEMENT);
    let text = repository::read(&repository::root().join("examples/momento/main.cell")).unwrap();
    let text = text
        .replace("111111111111", id("management"))
        .replace("222222222222", id("alpha"))
        .replace("arn:aws:sso:::instance/ssoins-0123456789abcdef", id("instance"));
    // What moto's CloudFormation cannot make.
    let lacks =
        |line: &&str| !["budget {", "to assume_role {", "to vpc_endpoint {"].iter().any(|part| line.contains(part));
    let text: Vec<&str> = text.lines().filter(lacks).collect();
    let text =
        text.join("\n").replace("outbound private-metrics {\n  from = cells where .region == \"us-west-2\"\n}", "");
    let mut project = Project::of(&text).unwrap();
    project.endpoint = Some(moto.url().to_owned());
    (project, ids)
}

fn names(list: &Value, field: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

/// The published moto: every operation is done and seen, though it has no lists of running requests; and the AWS CLI
/// sees units, accounts, sets and who has them.
fn a_first_apply_goes_through_on_the_published_moto() {
    let moto = Moto::start().unwrap();
    let (project, ids) = project(&moto);
    let first = project.plan(&[]).unwrap();
    assert_eq!(first["summary"]["create"], 49, "{:?}", changes(&first));
    project.apply(&[]).unwrap();
    let receipt = project.receipt().unwrap();
    let unseen: Vec<&Value> =
        receipt["operations"].as_array().unwrap().iter().filter(|one| one["outcome"] != "done").collect();
    assert!(unseen.is_empty(), "{unseen:#?}");
    let instance = ids["instance"].as_str().unwrap();
    let seen = aws::all(
        moto.url(),
        &[
            "organizations list-accounts".to_owned(),
            "organizations list-policies --filter SERVICE_CONTROL_POLICY".to_owned(),
            format!("sso-admin list-permission-sets --instance-arn {instance}"),
        ],
    )
    .unwrap();
    // The management account is called `master` by moto.
    let accounts = names(&seen[0]["Accounts"], "Name");
    for name in [
        "alpha",
        "dev-ana",
        "dev-raj",
        "preprod-usw2",
        "prod-usw2-1",
        "prod-use1-1",
        "prod-apne1-1",
        "artifacts",
        "monitoring",
        "deployment",
    ] {
        assert!(accounts.contains(name), "the AWS CLI sees no account {name}: {accounts:?}");
    }
    assert_eq!(accounts.len(), 11, "{accounts:?}");
    assert_eq!(seen[1]["Policies"].as_array().map(Vec::len), Some(6));
    assert_eq!(seen[2]["PermissionSets"].as_array().map(Vec::len), Some(2));
}

/// plan → apply → empty plan → drift by the AWS CLI → taken back → an edit → destroy of all but what is protected.
fn the_whole_life_on_a_completed_moto() {
    let moto = Moto::completed().unwrap();
    let (project, ids) = project(&moto);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();

    let record = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    let id = |address: &str| record["record"]["resources"][address]["id"].as_str().unwrap().to_owned();
    let group = record["record"]["principals"]["group.developers"]["id"].as_str().unwrap().to_owned();
    let (instance, set, account) =
        (ids["instance"].as_str().unwrap(), id("permission_set.ReadOnly"), id("cell.dev-raj"));
    let deeds = [
        format!(
            "sso-admin delete-account-assignment --instance-arn {instance} --permission-set-arn {set} --target-type AWS_ACCOUNT --target-id {account} --principal-type GROUP --principal-id {group}"
        ),
        format!(
            "organizations update-organizational-unit --organizational-unit-id {} --name playground",
            id("ou.dev")
        ),
    ];
    aws::all(moto.url(), &deeds).unwrap();
    let expected = ["create assignment.ReadOnly/group.developers/cell.dev-raj", "update ou.dev"];
    exactly(&project.plan(&[]).unwrap(), &expected).unwrap();
    project.run(&["drift"]).unwrap().ended(2).unwrap();
    project.apply(&[]).unwrap();

    project
        .edit(&[(
            "permission_set ReadOnly using sets.read_only {}",
            "permission_set ReadOnly using sets.read_only { override session = 2h }",
        )])
        .unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    let described = aws::aws(
        moto.url(),
        &format!("sso-admin describe-permission-set --instance-arn {instance} --permission-set-arn {set}"),
    )
    .unwrap();
    assert_eq!(described["PermissionSet"]["SessionDuration"], "PT2H");

    let destroy = ["destroy", "--yes", "--at", AT, "--only", "cell.dev-ana", "--only", "cell.dev-raj"];
    project.run(&destroy).unwrap().ended(0).unwrap();
    let parked = aws::aws(moto.url(), &format!("organizations list-parents --child-id {account}")).unwrap();
    let unit = parked["Parents"][0]["Id"].as_str().unwrap();
    let unit =
        aws::aws(moto.url(), &format!("organizations describe-organizational-unit --organizational-unit-id {unit}"))
            .unwrap();
    assert_eq!(unit["OrganizationalUnit"]["Name"], "cellc-parked");
}

at_once! {
    on_moto:
    a_first_apply_goes_through_on_the_published_moto,
    the_whole_life_on_a_completed_moto,
}
