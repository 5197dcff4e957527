//! The policies that `plan --policy` prints, on an IAM that is not ours: ministack serves STS, IAM and S3 and holds a
//! user to exactly the printed policy. Organizations and Identity Center, which it has not, are the sandbox's, which
//! holds the same key to the same policy. So are the member accounts, once there are some: ministack knows none of
//! them, and what it gives for their role opens nothing in the sandbox.

use std::collections::BTreeMap;

use cell_tests::ministack::{Ministack, Pair};
use cell_tests::momento::{AT, Project, Ran, Registry};
use cell_tests::report;
use cell_tests::sandbox::{Server, quick};
use serde_json::Value;

/// The example's management account, its bucket, and the bucket's region.
const ACCOUNT: &str = "111111111111";
const BUCKET: &str = "momento-cell-registry";
const REGION: &str = "us-west-2";
/// What a run leaves in it: the record, and the lock that nobody holds; no journal.
const LEFT: [&str; 2] = ["cells.json", "cells.json.lock"];
/// Who runs `cellc`.
const USER: &str = "operator";

/// The example, never applied, between two servers.
struct World {
    project: Project,
    sandbox: Server,
    ministack: Ministack,
    pair: Pair,
    /// Who says who calls, and opens accounts.
    sts: String,
    /// As the sandbox alone says, to whom nobody is bound.
    printed: Value,
    before: BTreeMap<String, u64>,
}

impl World {
    fn new() -> Result<Self, String> {
        let mut project = Project::seeded(Registry::S3)?;
        let sandbox = Server::start(Some(&project.sandbox()), quick())?;
        project.endpoint = Some(sandbox.url());
        let printed = project.run(&["plan", "--policy", "--at", AT])?.ended(0)?.json()?;
        let ministack = Ministack::start(ACCOUNT)?;
        ministack.root(&[
            format!(
                "s3api create-bucket --bucket {BUCKET} --create-bucket-configuration LocationConstraint={REGION}"
            ),
            format!("s3api put-bucket-versioning --bucket {BUCKET} --versioning-configuration Status=Enabled"),
        ])?;
        let pair = ministack.user(USER)?;
        pair.id.clone_into(&mut project.key);
        let before = elsewhere(&sandbox);
        let sts = ministack.url().to_owned();
        Ok(Self { project, sandbox, ministack, pair, sts, printed, before })
    }

    /// Binds the user to a policy, at both.
    fn hold(&self, policy: &Value) -> Result<(), String> {
        self.sandbox.configure(|config| _ = config.identities.insert(self.pair.id.clone(), policy.clone()))?;
        self.ministack.hold(USER, policy)
    }

    fn run(&self, args: &[&str]) -> Result<Ran, String> {
        let url = self.ministack.url();
        let env = [
            ("AWS_SECRET_ACCESS_KEY", self.pair.secret.as_str()),
            ("AWS_ENDPOINT_URL_S3", url),
            ("AWS_ENDPOINT_URL_IAM", url),
            ("AWS_ENDPOINT_URL_STS", &self.sts),
        ];
        let at: &[&str] = if ["drift", "registry"].contains(&args[0]) { &[] } else { &["--at", AT] };
        self.project.run_in(&[args, at].concat(), &env)
    }

    /// One request of the user, straight.
    fn asks(&self, command: &str) -> Result<Value, String> {
        Ok(self.ministack.commands(&self.pair, &[command.to_owned()])?.remove(0))
    }

    /// What lies in the bucket.
    fn objects(&self) -> Result<Vec<String>, String> {
        let found = self.ministack.root(&[format!("s3api list-objects-v2 --bucket {BUCKET}")])?;
        let all = found[0]["Contents"].as_array().into_iter().flatten();
        Ok(all.filter_map(|object| object["Key"].as_str().map(str::to_owned)).collect())
    }

    /// The sandbox was asked nothing of what ministack alone serves.
    fn apart(&self) -> Result<(), String> {
        let now = elsewhere(&self.sandbox);
        if now == self.before { Ok(()) } else { Err(format!("the sandbox was asked: {now:?}")) }
    }
}

/// What a sandbox was asked of the services that ministack alone serves.
fn elsewhere(sandbox: &Server) -> BTreeMap<String, u64> {
    let served = |name: &String| ["s3:", "iam:"].iter().any(|service| name.starts_with(service));
    sandbox.calls().into_iter().filter(|(name, _)| served(name)).collect()
}

/// A policy without an action; where an action has its own resources, all of them.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().into_iter().flatten() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|one| one != action);
        }
    }
    if let Some(all) = policy["Statement"].as_array_mut() {
        all.retain(|statement| statement["Action"].as_array().is_none_or(|actions| !actions.is_empty()));
    }
    policy
}

/// Plans under the policy for planning, applies under that for the apply, plans again: nothing is refused, and the
/// record lies in ministack's bucket.
fn both_policies_are_enough(world: &World) {
    world.hold(&world.printed["plan"]).unwrap();
    let plan = world.run(&["plan", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert_eq!(plan["target"]["registry"], format!("s3://{BUCKET}/cells.json"));
    assert!(!plan["operations"].as_array().unwrap().is_empty(), "it is a plan of something");
    world.hold(&world.printed["apply"]).unwrap();
    let ran = world.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    assert!(ran.stdout.contains("operations done and seen"), "{}", ran.stdout);
    world.hold(&world.printed["plan"]).unwrap();
    world.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
    world.run(&["drift"]).unwrap().ended(0).unwrap();
    assert_eq!(world.objects().unwrap(), LEFT);
    world.apart().unwrap();
}

/// The policy for planning lets nothing be written to the bucket.
fn a_plan_s_policy_is_no_apply_s(world: &World) {
    world.hold(&world.printed["plan"]).unwrap();
    world.run(&["apply", "--yes"]).unwrap().ended(1).unwrap().says(&["s3:PutObject", "AccessDenied"]).unwrap();
    assert_eq!(world.sandbox.called("organizations:CreateAccount"), 0);
}

/// Each action that the policies give for the bucket is needed: without it the command that needs it says which.
fn without_an_action_of_the_bucket_it_is_refused(world: &World) {
    let cases = [
        ("plan", &["plan"][..], "s3:GetObject"),
        ("apply", &["apply", "--yes"][..], "s3:GetObject"),
        ("apply", &["apply", "--yes"][..], "s3:PutObject"),
        ("apply", &["apply", "--yes"][..], "s3:ListBucket"),
    ];
    let tried = |(which, command, action): &(&str, &[&str], &str)| -> Result<(), String> {
        world.hold(&without(&world.printed[*which], action))?;
        let ran = world.run(command)?;
        if ran.status == 1 && ran.stderr.contains("AccessDenied") && ran.stderr.contains(action) {
            return Ok(());
        }
        Err(format!("── {command:?} without {action}: {}\n{}\n{}", ran.status, ran.stdout, ran.stderr))
    };
    let failed: Vec<String> = cases.iter().filter_map(|case| tried(case).err()).collect();
    report(cases.len(), &failed);
}

/// An apply that may not delete has done all, and says so and what it could not: its journal is not dropped. With the
/// whole policy the next one goes on from there.
fn without_deletion_all_is_done_and_the_journal_stays(world: &World) {
    world.project.append("ou extra {}\n").unwrap();
    let printed = world.run(&["plan", "--policy"]).unwrap().ended(0).unwrap().json().unwrap();
    world.hold(&without(&printed["apply"], "s3:DeleteObject")).unwrap();
    let ran = world.run(&["apply", "--yes"]).unwrap().ended(1).unwrap().says(&["s3:DeleteObject"]).unwrap();
    assert!(ran.stderr.contains("AccessDenied"), "{}", ran.stderr);
    world.hold(&printed["apply"]).unwrap();
    world.run(&["registry", "unlock", "--yes"]).unwrap().ended(0).unwrap();
    world.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    world.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
    assert_eq!(world.objects().unwrap(), LEFT);
}

/// A plan asks IAM whether AWS's own policies exist: with its action a name that does not is found, without it the plan
/// goes on unknowing, and IAM itself says that it was refused.
fn iam_is_asked_under_the_policy(world: &World) {
    let more = "permission_set Odd { managed = [\"arn:aws:iam::aws:policy/NoSuchPolicyAtAll\"] }\n";
    world.project.append(more).unwrap();
    world.hold(&world.printed["plan"]).unwrap();
    let ask = "iam get-policy --policy-arn arn:aws:iam::aws:policy/AdministratorAccess";
    assert!(world.asks(ask).unwrap()["Policy"]["Arn"].is_string());
    world
        .run(&["plan"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["NoSuchPolicyAtAll", "AWS has no managed policy"])
        .unwrap();
    world.hold(&without(&world.printed["plan"], "iam:GetPolicy")).unwrap();
    let refused = world.asks(ask).unwrap_err();
    assert!(refused.contains("AccessDenied") && refused.contains("iam:GetPolicy"), "{refused}");
    world.run(&["plan"]).unwrap().ended(0).unwrap();
}

/// Who calls is ministack's word: the key's own user, and a key with another secret is nobody.
fn sts_says_who_calls(world: &mut World) {
    world.hold(&world.printed["plan"]).unwrap();
    let me = world.asks("sts get-caller-identity").unwrap();
    assert_eq!(me["Arn"], format!("arn:aws:iam::{ACCOUNT}:user/{USER}"));
    let own = std::mem::replace(&mut world.pair.secret, "of-somebody-else".to_owned());
    let ran = world.run(&["plan"]).unwrap().ended(1).unwrap().says(&["E0511", "sts:GetCallerIdentity"]).unwrap();
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    world.pair.secret = own;
}

/// What is refused leaves no trace, so all is seen in one world, and the apply comes last.
#[test]
fn what_the_printed_policies_allow_is_enough_and_needed_on_an_iam_of_others() {
    let mut world = World::new().unwrap();
    let asked = world.sandbox.called("sts:GetCallerIdentity");
    sts_says_who_calls(&mut world);
    a_plan_s_policy_is_no_apply_s(&world);
    without_an_action_of_the_bucket_it_is_refused(&world);
    world.apart().unwrap();
    assert_eq!(world.sandbox.called("sts:GetCallerIdentity"), asked, "ministack says who calls");
    world.sts = world.sandbox.url();
    both_policies_are_enough(&world);
    without_deletion_all_is_done_and_the_journal_stays(&world);
    iam_is_asked_under_the_policy(&world);
}
