//! Kubernetes: stock `kubectl` on the sandbox's clusters, which shows that they are faithful; then the driver on them,
//! with `kubectl` as another owner of fields and as the one who reads what the driver did.

use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::time::Duration;

use cell_aws::{AwsCloud, EksDoor, Keys, Settings};
use cell_eval::provider::{Answer, Failure, Provider as _, Waits};
use cell_eval::workloads::{Deployed, Door, Endpoint, How, Place, Sight, Stopped, Wanted, Workloads as _, deploy};
use cell_kubernetes::{Access, Cluster};
use cell_sandbox::{Clusters, Config};
use cell_tests::aws;
use cell_tests::driver::Wall;
use cell_tests::kubectl::Kubectl;
use cell_tests::sandbox::{Server, quick};
use serde_json::{Value, json};

/// A sandbox with a cluster, `kubectl` for it, and the driver's way into it.
struct Bench {
    server: Server,
    kubectl: Kubectl,
    cluster: Cluster,
}

impl Bench {
    fn new() -> Self {
        Self::of("blue")
    }

    fn of(cluster: &str) -> Self {
        let clusters = Clusters {
            missing_images: vec!["missing".to_owned()],
            crashing_images: vec!["crashing".to_owned()],
            ..Clusters::default()
        };
        let server = Server::start(None, Config { kubernetes: clusters, ..quick() }).unwrap();
        let kubectl = Kubectl::of(&format!("{}/kubernetes/{cluster}", server.url())).unwrap();
        let access = Access::Context { file: Some(kubectl.config()), context: Some("test".to_owned()) };
        let cluster = Cluster::new(access).unwrap();
        Self { server, kubectl, cluster }
    }

    fn kubectl(&self, args: &str) -> String {
        self.kubectl.run(&args.split(' ').collect::<Vec<_>>(), "").unwrap()
    }

    fn apply(&self, object: &Value, more: &[&str]) -> Result<String, String> {
        let args: Vec<&str> = ["apply", "--server-side", "-f", "-"].iter().chain(more).copied().collect();
        self.kubectl.run(&args, &object.to_string())
    }

    /// A workload that is rolled out, made by `kubectl apply --server-side`.
    fn settled(&self, sort: &str) {
        self.apply(&manifest(sort, "registry.example/web:1"), &[]).unwrap();
        self.kubectl(&format!("rollout status {sort}/web --timeout=30s"));
    }

    fn run(&self, wanted: &Wanted) -> (Result<Deployed, Stopped>, Vec<String>) {
        self.run_for(wanted, 30)
    }

    fn run_for(&self, wanted: &Wanted, seconds: i64) -> (Result<Deployed, Stopped>, Vec<String>) {
        let mut seen = Vec::new();
        let mut see = |sight: Sight<'_>| {
            seen.push(match sight {
                Sight::Takes(conflicts) => format!("takes {}", conflicts[0]),
                Sight::Progress(words) => words.to_owned(),
                Sight::Event(event) => event.to_string(),
                Sight::EventsFailed(error) => format!("no events: {error}"),
            });
        };
        let waits = Waits {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(40),
            patience: jiff::SignedDuration::from_secs(seconds),
        };
        (deploy(&self.cluster, &Wall, wanted, waits, &mut see), seen)
    }

    fn get(&self, what: &str, path: &str) -> String {
        self.kubectl(&format!("get {what} -o jsonpath={{{path}}}"))
    }
}

fn manifest(sort: &str, image: &str) -> Value {
    let kind = match sort {
        "statefulset" => "StatefulSet",
        "daemonset" => "DaemonSet",
        _ => "Deployment",
    };
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image, "env": [{"name": "FIXED", "value": "1"}]}]},
            },
        },
    });
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = json!(3);
    }
    if kind == "Deployment" {
        object["spec"]["progressDeadlineSeconds"] = json!(600);
    }
    object
}

fn wanted(sort: &str, release: &str) -> Wanted {
    Wanted {
        place: Place::read(None, &format!("{sort}/web")).unwrap(),
        container: None,
        image: format!("registry.example/web:{release}"),
        parameters: [("RELEASE", release), ("CELL", "alpha")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        address: "deployment.web/cell.alpha".to_owned(),
        release: release.to_owned(),
        plan: "plan-1".to_owned(),
        take_over: true,
    }
}

fn kubectl_gets_applies_watches_and_describes() {
    let bench = Bench::new();
    assert!(bench.kubectl("version").contains("Server Version: v1.33.0"));
    assert!(bench.kubectl("api-resources").contains("deploy"));
    assert!(bench.kubectl("get ns").contains("kube-system"));
    let applied = bench.apply(&manifest("deployment", "registry.example/web:1"), &[]).unwrap();
    assert_eq!(applied, "deployment.apps/web serverside-applied\n");
    let mut watch = bench.kubectl.spawn(&["get", "pods", "--watch", "--output-watch-events"]).unwrap();
    let said = bench.kubectl("rollout status deploy/web --timeout=30s");
    assert!(said.ends_with("deployment \"web\" successfully rolled out\n"), "{said}");
    let table = bench.kubectl("get deploy web");
    assert!(
        table.starts_with("NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    3/3     3            3 "),
        "{table}"
    );
    // Another rollout, which the watch sees too: it has begun when it shows what is there.
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = vec![lines.next().unwrap()];
    bench.kubectl("set image deploy/web web=registry.example/web:2");
    bench.kubectl("rollout status deploy/web --timeout=30s");
    while seen.iter().filter(|line| line.starts_with("DELETED")).count() < 3 {
        seen.push(lines.next().unwrap());
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(seen[0].starts_with("EVENT"), "{seen:?}");
    assert!(seen.iter().any(|line| line.starts_with("MODIFIED") && line.contains("1/1     Running")), "{seen:#?}");
    let told = bench.kubectl("describe deploy web");
    for words in
        ["Replicas:", "3 desired | 3 updated | 3 total | 3 available", "ScalingReplicaSet", "NewReplicaSetAvailable"]
    {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    assert!(bench.kubectl("rollout history deploy/web").contains("2  "));
    bench.kubectl("rollout undo deploy/web");
    bench.kubectl("rollout status deploy/web --timeout=30s");
    assert_eq!(bench.get("deploy web", ".spec.template.spec.containers[0].image"), "registry.example/web:1");
    bench.kubectl("scale deploy/web --replicas=5");
    bench.kubectl("rollout restart deploy/web");
    bench.kubectl("rollout status deploy/web --timeout=30s");
    assert_eq!(bench.get("deploy web", ".status.availableReplicas"), "5");
    assert_eq!(bench.kubectl("get pods -l app=web -o name").lines().count(), 5);
    bench.kubectl("delete deploy web --timeout=20s");
    assert_eq!(bench.kubectl("get pods,rs -o name"), "");
}

fn kubectl_sees_owners_and_their_conflicts() {
    let bench = Bench::new();
    bench.settled("deployment");
    let mine = manifest("deployment", "registry.example/web:2");
    let refused = bench.apply(&mine, &["--field-manager=other"]).unwrap_err();
    let field = ".spec.template.spec.containers[name=\"web\"].image";
    assert!(
        refused.contains(&format!("Apply failed with 1 conflict: conflict with \"kubectl\": {field}")),
        "{refused}"
    );
    // The same value is owned by both, and neither then changes it alone.
    bench.apply(&manifest("deployment", "registry.example/web:1"), &["--field-manager=other"]).unwrap();
    let refused = bench.apply(&mine, &["--field-manager=kubectl"]).unwrap_err();
    assert!(refused.contains("conflict with \"other\""), "{refused}");
    bench.apply(&mine, &["--field-manager=other", "--force-conflicts"]).unwrap();
    // What is not applied any more goes.
    let mut less = mine.clone();
    less["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "NEW", "value": "2"}]);
    bench.kubectl("rollout status deploy/web --timeout=30s");
    bench.apply(&less, &["--field-manager=other"]).unwrap();
    let names = || bench.get("deploy web", ".spec.template.spec.containers[0].env[*].name");
    assert_eq!(names(), "FIXED NEW");
    let mut without = manifest("deployment", "registry.example/web:2");
    without["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("env");
    bench.apply(&without, &[]).unwrap();
    assert_eq!(names(), "NEW");
    // A client-side write owns what it changes, and says when.
    bench.kubectl("set image deploy/web web=registry.example/web:3");
    let refused = bench.apply(&less, &["--field-manager=other"]).unwrap_err();
    assert!(refused.contains("conflict with \"kubectl-set\" using apps/v1 at 20"), "{refused}");
    let wrong = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bare"}, "spec": {}});
    let refused = bench.apply(&wrong, &[]).unwrap_err();
    assert!(refused.contains("spec.selector: Required value"), "{refused}");
}

fn kubectl_applies_from_its_own_side_too() {
    let bench = Bench::new();
    let args = ["apply", "-f", "-"];
    let first = manifest("deployment", "registry.example/web:1").to_string();
    assert_eq!(bench.kubectl.run(&args, &first).unwrap(), "deployment.apps/web created\n");
    assert_eq!(bench.kubectl.run(&args, &first).unwrap(), "deployment.apps/web unchanged\n");
    let mut second = manifest("deployment", "registry.example/web:2");
    second["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "OTHER", "value": "2"}]);
    assert_eq!(bench.kubectl.run(&args, &second.to_string()).unwrap(), "deployment.apps/web configured\n");
    assert_eq!(bench.get("deploy web", ".spec.template.spec.containers[0].env[*].name"), "OTHER");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}});
    let create = ["create", "-f", "-"];
    assert_eq!(bench.kubectl.run(&create, &namespace.to_string()).unwrap(), "namespace/edge created\n");
    assert!(bench.kubectl.run(&create, &namespace.to_string()).unwrap_err().contains("AlreadyExists"));
    let within = ["create", "-n", "edge", "-f", "-"];
    bench.kubectl.run(&within, &first).unwrap();
    bench.kubectl("rollout status deploy/web -n edge --timeout=30s");
    let all = bench.kubectl("get deploy -A");
    assert!(all.contains("edge        web    3/3"), "{all}");
    bench.kubectl("delete namespace edge --timeout=20s");
    let missing = bench.kubectl.run(&within, &first).unwrap_err();
    assert!(missing.contains("namespaces \"edge\" not found"), "{missing}");
}

fn each_sort_is_deployed_and_kubectl_agrees() {
    for sort in ["deployment", "statefulset", "daemonset"] {
        let bench = Bench::new();
        bench.settled(sort);
        let (answer, seen) = bench.run(&wanted(sort, "2"));
        let deployed = answer.unwrap_or_else(|stopped| panic!("{sort}: {stopped}\n{}", seen.join("\n")));
        assert_eq!(deployed.how, How::Updated);
        assert!(
            seen[0].starts_with("takes `kubectl` owns .spec.template.spec.containers[name=\"web\"].image"),
            "{seen:?}"
        );
        assert!(seen.iter().any(|line| line.contains("Started container web")), "{seen:#?}");
        let what = format!("{sort} web");
        assert_eq!(bench.get(&what, ".spec.template.spec.containers[0].image"), "registry.example/web:2");
        let names = bench.get(&what, ".spec.template.spec.containers[0].env[*].name");
        assert_eq!(names, "FIXED CELL RELEASE");
        assert_eq!(bench.get(&what, ".metadata.annotations.cellc/release"), "2");
        assert_eq!(bench.get("pods", ".items[*].spec.containers[0].image").matches("web:2").count(), 3);
        let status = bench.kubectl(&format!("rollout status {sort}/web --timeout=20s"));
        // The words are kubectl's, but for the case of the first and the dots at the end.
        let last = status.trim_end().trim_end_matches('.');
        assert!(last.eq_ignore_ascii_case(&deployed.words), "{last}\n{}", deployed.words);
        assert_eq!(bench.run(&wanted(sort, "2")).0.unwrap().how, How::Unchanged);
        // The former release comes back in the same way, without what only this one had.
        let mut former = wanted(sort, "1");
        former.parameters.remove("CELL");
        bench.run(&former).0.unwrap();
        assert_eq!(bench.get(&what, ".spec.template.spec.containers[0].env[*].name"), "FIXED RELEASE");
    }
}

fn what_kubectl_owns_is_told_with_the_owner_and_left() {
    let bench = Bench::new();
    bench.settled("deployment");
    let asked = Wanted { take_over: false, ..wanted("deployment", "2") };
    let told = bench.run(&asked).0.unwrap_err().to_string();
    let field = ".spec.template.spec.containers[name=\"web\"].image";
    assert!(told.contains(&format!("`kubectl` owns {field}")), "{told}");
    assert_eq!(bench.get("deploy web", ".spec.template.spec.containers[0].image"), "registry.example/web:1");
    // Once it is cellc's, it is kubectl that is refused.
    bench.run(&wanted("deployment", "2")).0.unwrap();
    let refused = bench.apply(&manifest("deployment", "registry.example/web:9"), &[]).unwrap_err();
    assert!(refused.contains(&format!("conflict with \"cellc\": {field}")), "{refused}");
    bench.run(&Wanted { take_over: false, ..wanted("deployment", "3") }).0.unwrap();
}

fn a_release_that_does_not_come_up_is_told_with_the_pods_reasons() {
    let bench = Bench::new();
    bench.settled("deployment");
    for (image, reason) in [("missing", "ImagePullBackOff"), ("crashing", "CrashLoopBackOff")] {
        let (answer, seen) = bench.run_for(&wanted("deployment", image), 2);
        let Err(Stopped::Unsettled { status, causes, .. }) = &answer else { panic!("{answer:?}\n{seen:#?}") };
        assert!(status.contains("1 out of 3 new replicas have been updated"), "{status}");
        assert!(causes[0].starts_with("pod web-") && causes[0].contains(reason), "{causes:#?}");
        let shown = if image == "missing" { "Failed to pull image" } else { "Back-off restarting failed container" };
        assert!(seen.iter().any(|line| line.contains(shown)), "{seen:#?}");
        // Old pods serve on, and the deadline ends what is waited for longer.
        assert_eq!(bench.get("deploy web", ".status.availableReplicas"), "3");
        bench.server.advance(Duration::from_secs(700)).unwrap();
        let (answer, _) = bench.run(&wanted("deployment", image));
        let Err(Stopped::Deadline { causes, .. }) = &answer else { panic!("{answer:?}") };
        assert!(causes[0].contains(reason), "{causes:#?}");
        let refused = bench.kubectl.run(&["rollout", "status", "deploy/web", "--timeout=5s"], "").unwrap_err();
        assert!(refused.contains("deployment \"web\" exceeded its progress deadline"), "{refused}");
        bench.run(&wanted("deployment", "1")).0.unwrap();
    }
}

fn quotas_are_told_with_their_numbers() {
    let bench = Bench::new();
    bench.settled("deployment");
    let hard = json!({"pods": "3", "count/deployments.apps": "1"});
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}});
    bench.apply(&quota, &[]).unwrap();
    let mut second = manifest("deployment", "registry.example/web:1");
    second["metadata"]["name"] = json!("second");
    let refused = bench.apply(&second, &[]).unwrap_err();
    let words = "exceeded quota: small, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1";
    assert!(refused.contains("(Forbidden)") || refused.contains("is forbidden"), "{refused}");
    assert!(refused.contains(words), "{refused}");
    // A pod more is needed on the way, and the quota has none.
    let (answer, seen) = bench.run_for(&wanted("deployment", "2"), 2);
    let told = answer.unwrap_err().to_string();
    assert!(
        told.contains("FailedCreate")
            && told.contains("exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3"),
        "{told}"
    );
    assert!(
        seen.iter().any(|line| line.starts_with("ReplicaSet web-") && line.contains("FailedCreate")),
        "{seen:#?}"
    );
    assert!(bench.kubectl("describe quota small").contains("pods"));
    bench.kubectl("delete quota small");
    bench.run(&wanted("deployment", "2")).0.unwrap();
}

fn a_stateful_set_that_is_stuck_stays_so_until_its_pod_is_deleted() {
    let bench = Bench::new();
    bench.settled("statefulset");
    let (answer, _) = bench.run_for(&wanted("statefulset", "missing"), 2);
    let told = answer.unwrap_err().to_string();
    assert!(
        told.contains("waiting for 1 pods to be ready") && told.contains("pod web-2: ImagePullBackOff"),
        "{told}"
    );
    let told = bench.run_for(&wanted("statefulset", "1"), 2).0.unwrap_err().to_string();
    assert!(told.contains("kubectl delete pod web-2"), "{told}");
    bench.kubectl("delete pod web-2 --timeout=20s");
    bench.run(&wanted("statefulset", "1")).0.unwrap();
}

fn what_is_missing_paused_or_of_others_is_left() {
    let bench = Bench::new();
    let told = bench.run(&wanted("deployment", "2")).0.unwrap_err();
    assert!(matches!(told, Stopped::Missing(_)), "{told}");
    bench.settled("deployment");
    bench.kubectl("rollout pause deploy/web");
    let told = bench.run(&wanted("deployment", "2")).0.unwrap_err().to_string();
    assert!(told.contains("is paused"), "{told}");
    bench.kubectl("rollout resume deploy/web");
    bench.run(&wanted("deployment", "2")).0.unwrap();
    let other = Wanted { address: "deployment.other/cell.alpha".to_owned(), ..wanted("deployment", "3") };
    let told = bench.run(&other).0.unwrap_err();
    assert!(matches!(told, Stopped::Foreign { .. }), "{told}");
}

fn troubles_on_the_way_are_mended_or_told() {
    let bench = Bench::new();
    bench.settled("deployment");
    let mut release = 1;
    let kinds = [
        json!({"kind": "drop"}),
        json!({"kind": "reset"}),
        json!({"kind": "truncate"}),
        json!({"kind": "throttle"}),
        json!({"kind": "error503"}),
    ];
    for operation in ["kubernetes:Apply", "kubernetes:Get", "kubernetes:List"] {
        for kind in &kinds {
            release += 1;
            let mut fault = kind.clone();
            fault["operation"] = json!(operation);
            bench.server.inject(&json!([fault])).unwrap();
            let (answer, seen) = bench.run(&wanted("deployment", &release.to_string()));
            answer.unwrap_or_else(|stopped| panic!("{operation} {kind}: {stopped}\n{seen:#?}"));
            let generations = bench.get("deploy web", ".metadata.generation");
            assert_eq!(generations, release.to_string(), "{operation} {kind}: it was done once");
        }
    }
    bench.server.inject(&json!([{"operation": "kubernetes:Apply", "kind": "error", "code": "Forbidden", "status": 403, "message": "no"}])).unwrap();
    let told = bench.run(&wanted("deployment", "100")).0.unwrap_err();
    assert!(matches!(&told, Stopped::Call(error) if error.failure == Failure::Denied), "{told:?}");
    // A run that ends in the middle, while the cluster's time stands still, leaves everything to the next.
    bench.server.configure(|config| config.speed = 0.0).unwrap();
    let (answer, _) = bench.run_for(&wanted("deployment", "200"), 0);
    assert!(matches!(answer, Err(Stopped::Unsettled { .. })), "{answer:?}");
    bench.server.configure(|config| config.speed = 1.0).unwrap();
    assert_eq!(bench.run(&wanted("deployment", "200")).0.unwrap().how, How::Unchanged);
}

fn eks_is_entered_by_a_token_for_its_cluster() {
    let bench = Bench::of("111111111111.eu-west-1.blue");
    bench.settled("deployment");
    let settings = Settings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(bench.server.url()),
        credentials: Some(Keys::test()),
        ..Settings::default()
    };
    let cloud = Arc::new(AwsCloud::connect(&settings).unwrap());
    let account = cloud.caller().unwrap().account;
    let door = EksDoor::new(Arc::clone(&cloud), &account, "eu-west-1", "blue");
    let token = door.token().unwrap();
    assert!(token.starts_with("k8s-aws-v1.") && !token.contains('='), "{token}");
    let inside = Cluster::new(Access::Door(Arc::new(door))).unwrap();
    let place = Place::read(None, "web").unwrap();
    assert!(inside.workload(&place).unwrap().is_some());
    assert!(bench.server.called("eks:DescribeCluster") == 1);
    // The AWS CLI makes a token of the same form; what is no such token is refused. (`kubectl` sends none without TLS.)
    let cli = aws::aws(&bench.server.url(), "eks get-token --cluster-name blue --region eu-west-1").unwrap();
    let cli = cli["status"]["token"].as_str().unwrap().to_owned();
    for (token, is_taken) in [(cli, true), (token, true), ("k8s-aws-v1.bm90aGluZw".to_owned(), false)] {
        let server = format!("{}/kubernetes/111111111111.eu-west-1.blue", bench.server.url());
        let cluster = Cluster::new(Access::Door(Arc::new(Held { server, token }))).unwrap();
        let asked = cluster.workload(&place).map(|found| found.is_some());
        assert_eq!(asked.map_err(|error| error.failure), if is_taken { Ok(true) } else { Err(Failure::Credentials) });
    }
}

/// A way in with a token that somebody else made.
#[derive(Debug)]
struct Held {
    server: String,
    token: String,
}

impl Door for Held {
    fn endpoint(&self) -> Answer<Endpoint> {
        Ok(Endpoint { server: self.server.clone(), authority: None })
    }

    fn token(&self) -> Answer<String> {
        Ok(self.token.clone())
    }
}

cell_tests::at_once!(
    stock_kubectl_works_on_the_sandboxes_clusters: kubectl_gets_applies_watches_and_describes,
    kubectl_sees_owners_and_their_conflicts, kubectl_applies_from_its_own_side_too,
);
cell_tests::at_once!(
    workloads_are_deployed_on_clusters: each_sort_is_deployed_and_kubectl_agrees,
    what_kubectl_owns_is_told_with_the_owner_and_left, a_release_that_does_not_come_up_is_told_with_the_pods_reasons,
    quotas_are_told_with_their_numbers, a_stateful_set_that_is_stuck_stays_so_until_its_pod_is_deleted,
    what_is_missing_paused_or_of_others_is_left, eks_is_entered_by_a_token_for_its_cluster, troubles_on_the_way_are_mended_or_told,
);
