//! Repository policies and digests through the SDK: on the sandbox, in a member account and a region, with statements that
//! the stock AWS CLI put there; and on moto, which is not ours.

use std::collections::BTreeMap;

use cell_eval::provider::Failure;
use cell_eval::repositories::{Edited, Found, PULL, Repositories, edited, ours, policy, pull};
use cell_sandbox::{Config, Delays, Seed, SeedAccount};
use cell_tests::driver::cloud;
use cell_tests::momento::{AT, Project, exactly};
use cell_tests::moto::{MANAGEMENT, Moto};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{aws, repository};
use serde_json::{Value, json};

const IMAGES: &str = "222222222222";
const REGION: &str = "eu-west-1";

fn server() -> Server {
    Server::with_accounts(Config { delays: Delays::none(), ..quick() }, &[(IMAGES, "images")]).unwrap()
}

fn cli(url: &str, key: &str, commands: &[String]) -> Vec<Value> {
    let mut env = aws::environment(url);
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned()));
    env.push(("AWS_REGION".to_owned(), REGION.to_owned()));
    env.push(("AWS_DEFAULT_REGION".to_owned(), REGION.to_owned()));
    let commands: Vec<String> = commands.iter().map(|command| format!("ecr {command} --output json")).collect();
    aws::all_as(&env, &commands).unwrap()
}

fn wanted(accounts: &[&str]) -> BTreeMap<String, Value> {
    let arns: Vec<Value> = accounts.iter().map(|id| json!(format!("arn:aws:iam::{id}:root"))).collect();
    BTreeMap::from([(PULL.to_owned(), pull(&arns, &[]))])
}

/// Brings the policy of a repository to what is wanted, by what is there.
fn bring(there: &dyn Repositories, name: &str, wanted: &BTreeMap<String, Value>) -> Edited {
    let found = there.policy(name).unwrap();
    let edit = edited(found.text(), wanted).unwrap();
    match &edit {
        Edited::Same => {}
        Edited::Write(text) => there.set_policy(name, text).unwrap(),
        Edited::Delete => there.delete_policy(name).unwrap(),
    }
    edit
}

/// The life of a statement of ours beside one of others.
fn lives(there: &dyn Repositories, url: &str, key: &str) {
    let policy = |name: &str| format!("get-repository-policy --repository-name {name}");
    cli(url, key, &["create-repository --repository-name acme/cache".to_owned()]);
    assert_eq!(there.policy("acme/none").unwrap(), Found::NoRepository);
    assert_eq!(there.policy("acme/cache").unwrap(), Found::NoPolicy);

    // Alone.
    assert!(matches!(bring(there, "acme/cache", &wanted(&["333333333333"])), Edited::Write(_)));
    assert_eq!(bring(there, "acme/cache", &wanted(&["333333333333"])), Edited::Same);
    assert_eq!(bring(there, "acme/cache", &BTreeMap::new()), Edited::Delete);
    assert_eq!(there.policy("acme/cache").unwrap(), Found::NoPolicy);
    there.delete_policy("acme/cache").unwrap();

    // Beside a statement of others.
    let statement = json!({"Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": ["ecr:ListImages"]});
    let theirs = json!({"Version": "2008-10-17", "Statement": [statement]});
    cli(url, key, &[format!("set-repository-policy --repository-name acme/cache --policy-text '{theirs}'")]);
    let before = there.policy("acme/cache").unwrap();
    bring(there, "acme/cache", &wanted(&["333333333333"]));
    bring(there, "acme/cache", &wanted(&["333333333333", "444444444444"]));
    assert_eq!(bring(there, "acme/cache", &wanted(&["333333333333", "444444444444"])), Edited::Same);
    let said = cli(url, key, &[policy("acme/cache")]);
    let text = said[0]["policyText"].as_str().unwrap();
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!((read["Version"].as_str(), &read["Statement"][0]), (Some("2008-10-17"), &statement));
    assert_eq!(ours(text).unwrap()[PULL]["Principal"]["AWS"].as_array().unwrap().len(), 2);
    bring(there, "acme/cache", &BTreeMap::new());
    assert_eq!(there.policy("acme/cache").unwrap(), before, "to the byte");

    // A digest is of the image that has the tag now.
    assert_eq!(there.digest("acme/cache", "v1").unwrap(), None);
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"});
    let put = format!("put-image --repository-name acme/cache --image-tag v1 --image-manifest '{manifest}'");
    let said = cli(url, key, &[put]);
    let digest = said[0]["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned();
    assert_eq!(there.digest("acme/cache", "v1").unwrap(), Some(digest));
    assert_eq!(there.digest("acme/none", "v1").unwrap(), None);
}

#[test]
fn a_statement_of_ours_comes_and_goes_and_others_keep_theirs() {
    let server = server();
    let cloud = cloud(&server.url());
    let there = cloud.repositories(IMAGES, REGION);
    lives(&there, &server.url(), &format!("AKIA{IMAGES}"));
    assert_eq!(cloud.repositories(IMAGES, "us-east-1").policy("acme/cache").unwrap(), Found::NoRepository);
    assert_eq!(server.called("sts:AssumeRole"), 1, "one session serves all");
    // An answer that gets lost is asked for again.
    server.inject(&json!([{"operation": "ecr:SetRepositoryPolicy", "kind": "drop", "count": 1}])).unwrap();
    bring(&there, "acme/cache", &wanted(&["333333333333"]));
    assert_eq!(bring(&there, "acme/cache", &wanted(&["333333333333"])), Edited::Same);
    assert_eq!(there.set_policy("acme/cache", "{}").unwrap_err().failure, Failure::Invalid);
    let script = repository::root().join("tests/conformance/validate.py");
    let log = server.log().unwrap();
    let sound: Vec<&Value> = log.iter().filter(|entry| entry["error"].is_null()).collect();
    let said = aws::python(&script, &[], &[], &serde_json::to_string(&sound).unwrap()).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["faults"], json!([]), "AWS's model allows every request");
    assert!(said["checked"].as_u64().unwrap() > 8, "{said}");
}

#[test]
fn a_statement_of_ours_comes_and_goes_on_moto() {
    let moto = Moto::start().unwrap();
    let cloud = cloud(moto.url());
    lives(&cloud.repositories(MANAGEMENT, REGION), moto.url(), "test");
}

const PROGRAM: &str = r#"
org o { management_account = "111111111111", accounts { email = "aws+\(.name)@acme.example" } }
account images { account_id = "222222222222" }
cell alpha { kind = "alpha", region = "us-west-2", account_id = "333333333333" }
component cache {
  repo = "https://git.acme.example/cache"
  artifact ecr { repository = "acme/cache", account = account.images }
  deploy make { target = "deploy" }
}
outbound shared {
  from = cells
  to ecr_pull { components = components }
}
"#;
const BETA: &str = "cell beta { kind = \"alpha\", region = \"us-west-2\", account_id = \"444444444444\" }\n";
const ADDRESS: &str = "repository_policy.images/acme/cache";

/// A program on a sandbox that has its accounts.
fn project() -> (Project, Server) {
    let mut project = Project::of(PROGRAM).unwrap();
    let server = Server::start(None, Config { delays: Delays::none(), ..quick() }).unwrap();
    let account = |(id, name): (&str, &str)| SeedAccount {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        email: format!("aws+{name}@acme.example"),
        ..SeedAccount::default()
    };
    let accounts = [(IMAGES, "images"), ("333333333333", "alpha"), ("444444444444", "beta")].map(account);
    server.seed(&Seed { accounts: accounts.into(), ..Seed::default() }).unwrap();
    project.endpoint = Some(server.url());
    (project, server)
}

/// The stock CLI in the account of the images, in the region that the program is applied from.
fn images(server: &Server, command: &str) -> Value {
    let mut env = aws::environment(&server.url());
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{IMAGES}")));
    aws::all_as(&env, &[format!("ecr {command} --output json")]).unwrap().remove(0)
}

fn policy_text(server: &Server) -> String {
    let said = images(server, "get-repository-policy --repository-name acme/cache");
    said["policyText"].as_str().unwrap().to_owned()
}

#[test]
fn a_program_lets_its_cells_pull_and_takes_only_its_own_statement_away() {
    let (project, server) = project();
    // Without a repository nothing is written, and that is said.
    let plan = project.plan(&[]).unwrap();
    assert!(plan["findings"].to_string().contains("waits for its repository"), "{}", plan["findings"]);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();

    let theirs = json!({"Version": "2008-10-17", "Statement": [
        {"Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": ["ecr:ListImages"]}]});
    images(&server, "create-repository --repository-name acme/cache");
    images(&server, &format!("set-repository-policy --repository-name acme/cache --policy-text '{theirs}'"));
    let before = policy_text(&server);
    let text = project.run(&["plan", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    for word in ["who pulls from repositories", "acme/cache", "cellcPull", "arn:aws:iam::333333333333:root"] {
        assert!(text.contains(word), "the plan does not say {word}:\n{text}");
    }
    assert!(!text.contains("theirs"), "others' statements are no affair of the plan:\n{text}");
    exactly(&project.plan(&[]).unwrap(), &[&format!("create {ADDRESS}")]).unwrap();
    let printed = project.run(&["plan", "--policy", "--at", AT]).unwrap().ended(0).unwrap().json().unwrap();
    let role = format!("arn:aws:iam::{IMAGES}:role/OrganizationAccountAccessRole");
    for side in ["plan", "apply"] {
        assert!(printed[side].to_string().contains(&role), "{printed}");
    }
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    let text = policy_text(&server);
    assert_eq!(ours(&text).unwrap()[PULL]["Principal"]["AWS"], json!(["arn:aws:iam::333333333333:root"]));
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&read["Statement"][0], read["Statement"].as_array().unwrap().len()), (&theirs["Statement"][0], 2));

    // A new cell may pull with the next apply.
    project.append(BETA).unwrap();
    let expected = ["adopt cell.beta".to_owned(), format!("update {ADDRESS}")];
    exactly(&project.plan(&[]).unwrap(), &expected.each_ref().map(String::as_str)).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    assert!(policy_text(&server).contains("444444444444"));

    // Accounts that the apply makes have their place among the others once they have ids.
    let made =
        ["a", "b", "c", "d"].map(|name| format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\" }}\n"));
    project.append(&made.concat()).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();

    // What has expired before it was made is not made for the sake of the policy.
    project.append("cell old { kind = \"dev\", region = \"us-west-2\", expires = 2026-01-31 }\n").unwrap();
    project.settled(&[]).unwrap();
    // A personal cell comes with what lets it pull, and goes with it; the other cells keep theirs.
    let dev = "cell dev-x { kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31 }\n";
    project.append(dev).unwrap();
    let former = policy_text(&server);
    let only = ["--only", "cell.dev-x"];
    project.apply(&only).unwrap();
    let pulls = |text: &str| ours(text).unwrap()[PULL]["Principal"]["AWS"].as_array().unwrap().len();
    assert_eq!(pulls(&policy_text(&server)), pulls(&former) + 1);
    project.settled(&[]).unwrap();
    project.run(&["destroy", "--yes", "--at", AT, "--only", "cell.dev-x"]).unwrap().ended(0).unwrap();
    let after = policy_text(&server);
    let form = |text: &str| policy::form(&ours(text).unwrap()[PULL]);
    assert_eq!(form(&after), form(&former));
    project.edit(&[(dev, "")]).unwrap();
    project.settled(&[]).unwrap();

    // Taken away outside, it is drift, and comes back; what others wrote meanwhile stays.
    let other = theirs.to_string().replace("theirs", "others");
    images(&server, &format!("set-repository-policy --repository-name acme/cache --policy-text '{other}'"));
    let drift = project.run(&["drift"]).unwrap();
    assert_eq!(drift.status, 2, "{}", drift.stdout);
    assert!(drift.stdout.contains("acme/cache"), "{}", drift.stdout);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    let text = policy_text(&server);
    assert!(text.contains("others") && ours(&text).unwrap().contains_key(PULL), "{text}");

    // Torn down, nothing but ours is gone.
    project.run(&["destroy", "--yes", "--at", AT, "--only", ADDRESS]).unwrap().ended(0).unwrap();
    assert_eq!(policy_text(&server), before.replace("theirs", "others"));
}

#[test]
fn what_would_be_too_long_is_refused_before_anything_is_written() {
    let (project, server) = project();
    project.apply(&[]).unwrap();
    images(&server, "create-repository --repository-name acme/cache");
    let long = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "x".repeat(9_900), "Effect": "Allow", "Principal": "*", "Action": ["ecr:ListImages"]}]});
    images(&server, &format!("set-repository-policy --repository-name acme/cache --policy-text '{long}'"));
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap();
    assert_ne!(ran.status, 0);
    ran.says(&["acme/cache", "AWS takes 10240"]).unwrap();
    assert_eq!(server.called("ecr:SetRepositoryPolicy"), 1, "the one of others");
}
