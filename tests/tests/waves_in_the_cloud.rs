//! Rollouts of several waves against a cloud that is served: CloudWatch's alarms in each cell's account and region, stacks,
//! clusters of EKS. In each wave in turn something goes wrong while it bakes or while it deploys: what was reached gets
//! the former version back, and nothing beyond is touched, by the books, by `status` and by the cloud itself.

use std::collections::BTreeMap;
use std::time::Duration;

use cell_sandbox::{Config, Delays, Seed, SeedAccount};
use cell_tests::kubectl::Kubectl;
use cell_tests::momento::Project;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws};
use serde_json::{Value, json};

/// The cells with their accounts and regions, by wave.
const WAVES: [&[(&str, &str, &str)]; 3] = [
    &[("alpha", "222222222201", "us-east-1")],
    &[("beta", "222222222202", "eu-west-1")],
    &[("delta", "222222222203", "eu-west-1"), ("gamma", "222222222204", "us-east-1")],
];
const IMAGES: &str = "222222222205";
const TEMPLATE: &str = "Parameters:\n  CellcVersion: {Type: String}\nResources:\n  Queue:\n    Type: AWS::SQS::Queue\n    \
    Properties: {QueueName: !Sub 'q-${CellcVersion}'}\n";

fn cells() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    WAVES.iter().copied().flatten()
}

/// Three waves, of which one bakes for as long as it takes to look at it; `more` is a component's.
fn program(bakes: Option<usize>, more: &str) -> String {
    let mut text = format!(
        "org acme {{ management_account = \"111111111111\", home_region = \"us-east-1\" }}\n\
         account images {{ account_id = \"{IMAGES}\" }}\n\
         alarm errors {{ namespace = \"shop\", metric = \"Errors\", above = 1, over = 1m, missing = \"notBreaching\" }}\n"
    );
    for (cell, account, region) in cells() {
        text += &format!(
            "cell {cell} {{ kind = \"prod\", protect = false, region = \"{region}\", account_id = \"{account}\" }}\n"
        );
    }
    text += "rollout steady {\n  alarms = [alarm.errors]\n";
    for (at, wave) in WAVES.iter().enumerate() {
        let on: Vec<String> = wave.iter().map(|(cell, ..)| format!("cell.{cell}")).collect();
        let bake = if bakes == Some(at) { 6 } else { 1 };
        text += &format!("  wave w{at} {{ on = [{}], bake = {bake}s, parallel = 2 }}\n", on.join(", "));
    }
    text + "}\n" + more
}

pub(super) fn by_stacks() -> &'static str {
    "component api {\n  repo = \"https://git.acme.example/api\"\n  deploy cloudformation { template = file(\"api.yaml\") }\n  \
     rollout = rollout.steady\n}\n"
}

/// The program on a server of its own, applied.
pub(super) fn served(more: &str, config: Config) -> (Project, Server) {
    let mut project = Project::of(&program(None, more)).unwrap();
    project.put("api.yaml", TEMPLATE).unwrap();
    let server = Server::start(Some(&project.sandbox()), Config { healthy: true, ..config }).unwrap();
    let account = |(name, id): (&str, &str)| SeedAccount {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        email: format!("{name}@acme.example"),
        ..SeedAccount::default()
    };
    let accounts = cells().map(|(cell, id, _)| (*cell, *id)).chain([("images", IMAGES)]).map(account).collect();
    let management_account = Some("111111111111".to_owned());
    server.seed(&Seed { accounts, management_account, ..Seed::default() }).unwrap();
    project.endpoint = Some(server.url());
    project.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    // Alarms are evaluated at the beginning of each minute.
    server.advance(Duration::from_mins(1)).unwrap();
    (project, server)
}

/// The stock client in an account and region.
pub(super) fn cli(server: &Server, (account, region): (&str, &str), command: &str) -> Value {
    let env = aws::in_account(&server.url(), account);
    aws::all_as(&env, &[format!("{command} --region {region} --output json")]).unwrap().remove(0)
}

/// What the alarms of each cell say, by `cellc status`.
fn alarms(project: &Project) -> Vec<String> {
    let status = project.run(&["status", "--format", "json"]).unwrap().json().unwrap();
    let cells = status["cells"].as_array().unwrap().iter();
    cells.map(|cell| cell["alarms"]["state"].as_str().unwrap().to_owned()).collect()
}

/// The component's version in each cell, by `cellc status`.
fn versions(project: &Project) -> BTreeMap<String, String> {
    let status = project.run(&["status", "--format", "json"]).unwrap().json().unwrap();
    let of = |cell: &Value| {
        let version = cell["versions"]["component.api"]["version"].as_str().unwrap_or("none");
        (cell["cell"].as_str().unwrap().to_owned(), version.to_owned())
    };
    status["cells"].as_array().unwrap().iter().map(of).collect()
}

/// The component's stack in each cell: its version, its state, and how many operations there were.
fn stacks(server: &Server) -> BTreeMap<&'static str, (String, String, u64)> {
    let state = server.state();
    let rows = state["stacks"]["stacks"].as_array().unwrap();
    let of = |(cell, account, region): &(&'static str, &str, &str)| {
        let place = format!("{account}/{region}");
        let is = |row: &&Value| row[0][0] == *place && row[1]["content"]["tags"]["cellc:version"].is_string();
        let stack = &rows.iter().find(is)?[1];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let version = text(&stack["content"]["tags"]["cellc:version"]);
        Some((*cell, (version, text(&stack["status"]), stack["operations"].as_u64().unwrap())))
    };
    cells().filter_map(of).collect()
}

/// An alarm that goes off in the last cell of each wave in turn, while that wave bakes.
fn an_alarm_in_any_wave_takes_back_what_was_reached_and_nothing_else() {
    // Its clock stands still until it is told: no alarm is evaluated in between.
    let (project, server) = served(by_stacks(), Config { delays: Delays::none(), speed: 0.0, ..quick() });
    project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(0).unwrap();
    let first = stacks(&server);
    assert_eq!(first.len(), 4, "{first:?}");
    assert!(
        first.values().all(|(version, status, _)| (version.as_str(), status.as_str()) == ("v1", "CREATE_COMPLETE"))
    );
    for (at, wave) in WAVES.iter().enumerate() {
        project.put("main.cell", &program(Some(at), by_stacks())).unwrap();
        let (cell, account, region) = wave.last().unwrap();
        let before = stacks(&server);
        let version = format!("v{}", at + 2);
        // Errors that no alarm has seen yet.
        let data = "put-metric-data --namespace shop --metric-name Errors --value 50";
        cli(&server, (account, region), &format!("cloudwatch {data} --dimensions cell={cell}"));
        assert_eq!(alarms(&project), ["ok"; 4], "before {version}");
        let start = ["rollout", "start", "api", &version];
        let ran = project.run_until(&start, &format!("cell.{cell} baking"), || {
            server.advance(Duration::from_mins(1)).unwrap();
        });
        let ran = ran.unwrap();
        let why = format!("component.api {version}: rolled back: alarm.errors went off in cell.{cell}");
        assert!(ran.status == 1 && ran.stdout.starts_with(&why), "{}\n{}", ran.stdout, ran.stderr);
        let after = stacks(&server);
        for (number, cells) in WAVES.iter().enumerate() {
            for (cell, ..) in *cells {
                let (had, has) = (&before[cell], &after[cell]);
                assert_eq!(has.0, "v1", "{cell} after {version}\n{}", ran.stderr);
                // There and back, or not at all.
                let operations = if number <= at { 2 } else { 0 };
                assert_eq!(has.2 - had.2, operations, "{cell} after {version}\n{}", ran.stderr);
                assert_eq!(ran.stderr.contains(&format!("cell.{cell} deploying")), number <= at, "{}", ran.stderr);
            }
        }
        assert!(versions(&project).values().all(|has| has == "v1"), "{:?}", versions(&project));
        let off = alarms(&project).iter().filter(|state| *state == "alarm").count();
        assert_eq!(off, 1, "it is one cell's alarm");
        // What the alarm looked at is past.
        server.advance(Duration::from_mins(30)).unwrap();
        project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
    }
    project.put("main.cell", &program(None, by_stacks())).unwrap();
    project.run(&["rollout", "start", "api", "v9"]).unwrap().ended(0).unwrap();
    assert!(versions(&project).values().all(|has| has == "v9"), "{:?}", versions(&project));
}

/// With credentials of an account that nobody knows nothing is begun, and with those of the organization it goes on.
fn a_stranger_deploys_nothing() {
    let (mut project, server) = served(by_stacks(), quick());
    let own = std::mem::replace(&mut project.key, "AKIA999999999999".to_owned());
    for args in [
        &["rollout", "start", "api", "v1"][..],
        &["rollout", "run"],
        &["rollout", "deploy", "api", "v1", "--cell", "alpha"],
    ] {
        let ran = project.run(args).unwrap().ended(1).unwrap();
        ran.says(&["E0505", "the credentials are of account 999999999999"]).unwrap();
    }
    assert!(stacks(&server).is_empty());
    project.key = own;
    project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(0).unwrap();
    assert_eq!(stacks(&server).len(), 4);
}

fn by_workloads() -> String {
    "component api {\n  repo = \"https://git.acme.example/api\"\n  \
     artifact ecr { repository = \"acme/api\", account = account.images }\n  \
     deploy kubernetes { namespace = \"default\", workload = \"deployment/web\", cluster = \"eks/blue\" }\n  \
     parameters { CELL = .name }\n  rollout = rollout.steady\n}\n"
        .to_owned()
}

/// `kubectl` for the cluster of a cell, where somebody has made the workload.
fn cluster(server: &Server, (_, account, region): &(&str, &str, &str)) -> Kubectl {
    let found = cli(server, (account, region), "eks describe-cluster --name blue");
    let kubectl = Kubectl::of(found["cluster"]["endpoint"].as_str().unwrap()).unwrap();
    let container = json!({"name": "web", "image": "registry.example/web:first"});
    let workload = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 3, "progressDeadlineSeconds": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    });
    kubectl.run(&["apply", "--server-side", "-f", "-"], &workload.to_string()).unwrap();
    kubectl.run(&["rollout", "status", "deployment/web", "--timeout=30s"], "").unwrap();
    kubectl
}

/// The image, the cell's variable, the release and the generation of a workload, by `kubectl`.
fn shown(kubectl: &Kubectl) -> [String; 4] {
    let container = ".spec.template.spec.containers[0]";
    let paths = [
        format!("{container}.image"),
        format!("{container}.env[0].value"),
        ".metadata.annotations.cellc/release".to_owned(),
        ".metadata.generation".to_owned(),
    ];
    paths.map(|path| kubectl.run(&["get", "deployment/web", "-o", &format!("jsonpath={{{path}}}")], "").unwrap())
}

/// A workload in each cell's own cluster, by the digest of the image; in the second wave the pods of the next version find no
/// room, so that the deadline of the Deployment passes.
fn a_workload_goes_by_waves_and_back_to_the_former_image() {
    let (project, server) = served(&by_workloads(), quick());
    let clusters: Vec<Kubectl> = cells().map(|cell| cluster(&server, cell)).collect();
    let here = (IMAGES, "us-east-1");
    cli(&server, here, "ecr create-repository --repository-name acme/api");
    let digests = ["v1", "v2"].map(|version| {
        let manifest =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "v": version});
        let put =
            format!("ecr put-image --repository-name acme/api --image-tag {version} --image-manifest '{manifest}'");
        cli(&server, here, &put)["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned()
    });
    let image = |at: usize| format!("{IMAGES}.dkr.ecr.us-east-1.amazonaws.com/acme/api@{}", digests[at]);
    assert_ne!(digests[0], digests[1]);

    // Whoever made the workload owns its image: it is told, and taken only when that is said.
    let ran = project.run(&["rollout", "start", "api", "v1"]).unwrap().ended(1).unwrap();
    assert!(ran.stderr.contains("`kubectl` owns"), "{}\n{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("stuck"), "nothing was done, so nothing is to be taken back: {}", ran.stdout);
    let ran = project.run(&["rollout", "start", "api", "v1", "--take-over"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.stdout, "component.api v1: done\n", "{}", ran.stderr);
    for (kubectl, (cell, ..)) in clusters.iter().zip(cells()) {
        let [found, variable, release, _] = shown(kubectl);
        assert_eq!((found, variable.as_str(), release.as_str()), (image(0), *cell, "v1"));
    }

    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"pods": "3"}},
    });
    clusters[1].run(&["apply", "--server-side", "-f", "-"], &quota.to_string()).unwrap();
    let before: Vec<[String; 4]> = clusters.iter().map(shown).collect();
    let ran = project.run(&["rollout", "start", "api", "v2"]).unwrap().ended(1).unwrap();
    assert!(ran.stdout.starts_with("component.api v2: rolled back: "), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("cell.beta"), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("exceeded quota: small"), "{}", ran.stderr);
    assert!(
        !ran.stderr.contains("cell.delta deploying") && !ran.stderr.contains("cell.gamma deploying"),
        "{}",
        ran.stderr
    );
    let after: Vec<[String; 4]> = clusters.iter().map(shown).collect();
    for (at, (had, has)) in before.iter().zip(&after).enumerate() {
        assert_eq!(had[..3], has[..3], "cluster {at}\n{}", ran.stderr);
        assert_eq!(
            had[3] == has[3],
            at > 1,
            "cluster {at}: it was changed and changed back, or never\n{}",
            ran.stderr
        );
    }
    assert!(versions(&project).values().all(|has| has == "v1"), "{:?}", versions(&project));
    for kubectl in &clusters {
        kubectl.run(&["rollout", "status", "deployment/web", "--timeout=30s"], "").unwrap();
    }

    // With room the same release goes through.
    clusters[1].run(&["delete", "resourcequota", "small"], "").unwrap();
    let ran = project.run(&["rollout", "start", "api", "v2"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.stdout, "component.api v2: done\n", "{}", ran.stderr);
    assert!(clusters.iter().all(|kubectl| shown(kubectl)[0] == image(1)));
    project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
}

at_once! {
    rollouts_go_wrong_in_the_cloud:
    an_alarm_in_any_wave_takes_back_what_was_reached_and_nothing_else,
    a_stranger_deploys_nothing,
    a_workload_goes_by_waves_and_back_to_the_former_image,
}
